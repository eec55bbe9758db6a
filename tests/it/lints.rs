//! Lints: each has an example in which it speaks alone and is right; none claims what a kernel's record contradicts.

use crate::support::{Sandbox, files, load, root, run, scenarios, text};
use lvsim::node::app::Outcome;
use lvsim::report::run::Stop;
use lvsim::scenario::lint::{Finding, LINTS, check};
use std::collections::{BTreeMap, BTreeSet};

const MAX_EVENTS: u64 = 5_000_000;

fn findings(file: &str) -> Vec<Finding> {
    let text = text(file);
    let scenario = load(file, &text).unwrap_or_else(|problems| panic!("{problems}"));
    check(&scenario, &text).unwrap_or_else(|e| panic!("{file}: the set-up does not end: {}", e.why))
}

fn codes(file: &str) -> BTreeSet<&'static str> {
    findings(file).iter().map(|f| f.code).collect()
}

fn example(name: &str) -> String {
    format!("scenarios/lint/{name}.yaml")
}

#[test]
fn every_lint_speaks_alone_in_its_example() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let file = example(lint.example);
        if !root().join(&file).exists() {
            wrong.push(format!("{}: there is no {file}", lint.code));
            continue;
        }
        let found = codes(&file);
        if found != BTreeSet::from([lint.code]) {
            wrong.push(format!("{file}: {} is to speak, and alone; it was {found:?}", lint.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_is_that_of_a_lint() {
    let known: BTreeSet<String> = LINTS.iter().map(|l| example(l.example)).collect();
    let there: BTreeSet<String> = files("scenarios/lint", &[".yaml"]).into_iter().collect();
    assert_eq!(there, known);
}

/// A claim that a connection fails is shown by an expectation that fails; what has no effect by expectations that hold.
#[test]
fn what_a_lint_says_happens_in_its_example() {
    let mut wrong = Vec::new();
    for lint in LINTS {
        let file = example(lint.example);
        let scenario = load(&file, &text(&file)).unwrap_or_else(|problems| panic!("{problems}"));
        let run = run(&scenario, false, MAX_EVENTS);
        assert_eq!(run.stop, Stop::Ended, "{file}");
        let fails = run.expectations.iter().any(|e| !e.held);
        if scenario.causes.iter().any(|c| *c != lint.cause) {
            wrong.push(format!(
                "{file}: {} foretells {}, the file declares {:?}",
                lint.code, lint.cause, scenario.causes
            ));
        }
        if fails == scenario.causes.is_empty() {
            wrong.push(format!("{file}: an expectation fails: {fails}; causes: {:?}", scenario.causes));
        }
        let claims = findings(&file).iter().any(|f| f.fails);
        if claims && !run.log().connections.iter().any(|c| c.outcome != Outcome::Ok) {
            wrong.push(format!("{file}: {} claims that a connection fails, and none does", lint.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `check` finds in the scenarios that are no lint's example: their mistakes on purpose, and nothing else.
const MISTAKES: &[(&str, &[&str])] = &[
    ("scenarios/arp-poisoned.yaml", &["L004"]),
    ("scenarios/arp-problem.yaml", &["L004"]),
    ("scenarios/notes/note0-dr.yaml", &["L003"]),
    ("scenarios/notes/note0-nat.yaml", &["L033"]),
    ("scenarios/notes/note0-tun-rp-filter.yaml", &["L003", "L025"]),
    ("scenarios/notes/note0-tun.yaml", &["L003"]),
    ("scenarios/notes/note1-lo-24.yaml", &["L001"]),
    ("scenarios/notes/note1-puzzle.yaml", &["L015", "L031"]),
    ("scenarios/notes/note1-vip-first.yaml", &["L004"]),
    // The mask 0.0.0.0 that `ADDRESS/32` gives, and lines for a card that one server does not have.
    ("scenarios/notes/note2-dr.yaml", &["L001", "L052"]),
    // Port 22, which has no mark and no service.
    ("scenarios/notes/note2-fwmark.yaml", &["L012"]),
    ("scenarios/notes/note2-health.yaml", &["L013"]),
    // A client that asks a server's own address, to which it has no route.
    ("scenarios/notes/note2-nat-plan.yaml", &["L037"]),
    ("scenarios/notes/note2-pcc.yaml", &["L013"]),
    ("scenarios/notes/note3-dr-eth0.yaml", &["L004"]),
    ("scenarios/notes/note3-health-nat.yaml", &["L051"]),
    // `s rr` without its dash.
    ("scenarios/notes/note3-nat.yaml", &["L012"]),
    ("scenarios/notes/note4-dr-any-client.yaml", &["L003", "L035"]),
    ("scenarios/notes/note4-dr-arg-ignore.yaml", &["L050"]),
    ("scenarios/notes/note4-dr-two-plans.yaml", &["L037"]),
    ("scenarios/notes/note4-nat-mask.yaml", &["L036"]),
    ("scenarios/notes/note4-nat-no-port.yaml", &["L012"]),
    ("scenarios/notes/note4-tun.yaml", &["L003"]),
];

#[test]
fn mistakes_on_purpose_are_found_and_good_scenarios_are_silent() {
    let expected: BTreeMap<&str, BTreeSet<&str>> =
        MISTAKES.iter().map(|(file, codes)| (*file, codes.iter().copied().collect())).collect();
    // Labs that are broken on purpose have tests of their own.
    let others = |f: &String| !["scenarios/lint/", "scenarios/broken/"].iter().any(|folder| f.starts_with(folder));
    let mut wrong = Vec::new();
    for file in scenarios().iter().filter(|f| others(f)) {
        let found = codes(file);
        let wanted = expected.get(file.as_str()).cloned().unwrap_or_default();
        if found != wanted {
            wrong.push(format!("{file}: wanted {wanted:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Recorded cases in which connections failed, and how many of them a lint tells before the run. May only rise.
const FORETOLD: usize = 72;

#[test]
fn no_lint_claims_a_failure_where_the_kernel_served_everybody() {
    let (mut false_alarms, mut foretold, mut broken) = (Vec::new(), 0, 0);
    for case in files("tests/kernel", &[".yaml"]) {
        let record = text(&case.replace(".yaml", ".kernel.json"));
        let record: serde_json::Value = serde_json::from_str(&record).expect("a record is JSON");
        let outcomes = record["connections"].as_array().cloned().unwrap_or_default();
        if outcomes.is_empty() {
            continue;
        }
        let Ok(scenario) = load(&case, &text(&case)) else { continue };
        let found = check(&scenario, &text(&case)).unwrap_or_default();
        if outcomes.iter().all(|c| c["outcome"] == "ok") {
            false_alarms.extend(found.iter().filter(|f| f.fails).map(|f| format!("{case}: {} {}", f.code, f.title)));
        } else {
            broken += 1;
            foretold += usize::from(!found.is_empty());
        }
    }
    assert!(false_alarms.is_empty(), "{}", false_alarms.join("\n"));
    assert!(foretold >= FORETOLD, "a lint speaks in {foretold} of {broken} cases with failures; it was {FORETOLD}");
}

#[test]
fn a_lint_tells_by_its_exit_code_and_in_the_look_of_the_other_problems() {
    let sandbox = Sandbox::new();
    sandbox.write("mask.yaml", &text("scenarios/lint/vip-mask.yaml"));
    let ran = sandbox.run(&["check", "mask.yaml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let begins = "error[L001]: `rs1` has the VIP 192.168.1.200 on lo with /24\n  --> mask.yaml:";
    assert!(ran.out.starts_with(begins), "{}", ran.out);
    assert!(
        ran.out.contains("\n   = note: ") && ran.out.contains("\n   = help: ifconfig lo:0 192.168.1.200"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("`mask.yaml` has 1 error"), "{}", ran.err);
    let ran = sandbox.run(&["run", "mask.yaml", "--no-output"]);
    assert!(!ran.out.contains("L001") && !ran.err.contains("L001"), "run does not lint");
}

#[test]
fn findings_are_rows_for_programs() {
    let sandbox = Sandbox::new();
    sandbox.write("mask.yaml", &text("scenarios/lint/vip-mask.yaml"));
    let ran = sandbox.run(&["check", "--format", "json", "mask.yaml", "small.yaml"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("one object");
    assert_eq!(json["schema_version"], 1);
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 1);
    let line =
        text("scenarios/lint/vip-mask.yaml").lines().position(|l| l.contains("255.255.255.0 up")).expect("the slip")
            + 1;
    let row = &rows[0];
    assert_eq!((&row["code"], &row["cause"], &row["node"]), (&"L001".into(), &"vip-mask".into(), &"rs1".into()));
    assert_eq!((&row["line"], &row["column"], &row["level"]), (&line.into(), &7.into(), &"error".into()));
    assert!(row["cure"].as_str().is_some_and(|c| c.contains("255.255.255.255")));
    let ran = sandbox.run(&["check", "--format", "csv", "mask.yaml"]);
    assert!(
        ran.out.starts_with("file,code,cause,level,node,line,column,message,note,cure\nmask.yaml,L001,"),
        "{}",
        ran.out
    );
    assert_eq!(ran.code, Some(1));
}

#[test]
fn codes_are_explained() {
    let sandbox = Sandbox::new();
    let said = |code: &str| sandbox.run(&["check", "--explain", code]).out;
    let lint = said("l004");
    for piece in
        ["L004: a real server answers", "what happens:", "what mends it:", "wrong:", "right:", "vip-not-hidden"]
    {
        assert!(lint.contains(piece), "{piece} is missing:\n{lint}");
    }
    assert!(said("vip-mask").contains("foretold by:\n  L001"));
    assert!(said("E012").starts_with("E012: no such interface on this node"));
    let ran = sandbox.run(&["check", "--explain", "vip-mas"]);
    assert_eq!((ran.code, ran.err.contains("did you mean `vip-mask`?")), (Some(2), true), "{}", ran.err);
    let listed = sandbox.run(&["list", "lints"]).out;
    assert!(LINTS.iter().all(|l| listed.contains(l.code)), "{listed}");
}

#[test]
fn a_set_up_that_does_not_end_is_told() {
    let sandbox = Sandbox::new();
    let endless = text("scenarios/dr.yaml").replacen(
        "      ifconfig eth0:0",
        "      while :; do sleep 1; done\n      ifconfig eth0:0",
        1,
    );
    sandbox.write("endless.yaml", &endless);
    let ran = sandbox.run(&["check", "endless.yaml"]);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains("the set-up of `director` does not end"), "{}", ran.err);
}
