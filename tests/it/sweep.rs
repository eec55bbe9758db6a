//! `lvsim sweep`: the same rows however a study is shared out, stopped and begun again; and what it refuses.

use crate::support::{Sandbox, text};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

/// Two axes and a scheduler's, two seeds: 24 runs of a small cluster.
const GRID: &[&str] = &[
    "sweep",
    "small.yaml",
    "--set",
    "traffic.web.every=1ms..100ms/3log",
    "--set",
    "nodes.rs1.interfaces.eth0.loss={0, 20%}",
    "--schedulers",
    "rr,wlc",
    "--seeds",
    "2",
];
const RESULTS: [&str; 4] = ["sweep.jsonl", "sweep.csv", "schema.json", "study.json"];

fn grid(more: &[&str]) -> Vec<String> {
    GRID.iter().chain(more).map(ToString::to_string).collect()
}

fn swept(sandbox: &Sandbox, more: &[&str]) -> crate::support::Ran {
    let args = grid(more);
    sandbox.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn results(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    RESULTS.iter().map(|name| sandbox.read(&format!("output/small/sweep/{name}"))).collect()
}

fn whole() -> Sandbox {
    let sandbox = Sandbox::new();
    let ran = swept(&sandbox, &["--threads", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("small: 12 points, 24 runs, 2 seeds from 1"), "{ran:?}");
    sandbox
}

fn rows(sandbox: &Sandbox) -> Vec<Value> {
    let text = String::from_utf8(sandbox.read("output/small/sweep/sweep.jsonl")).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("an object on each line")).collect()
}

#[test]
fn threads_and_shards_make_the_same_files() {
    let one = whole();
    let two = Sandbox::new();
    let threads = swept(&two, &["--threads", "2"]);
    assert_eq!(threads.code, Some(0), "{threads:?}");
    assert!(results(&one) == results(&two), "two threads");

    let shared = Sandbox::new();
    for shard in ["2/3", "1/3", "3/3"] {
        let ran = swept(&shared, &["--shard", shard]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
        assert!(ran.err.contains("8 runs in"), "{ran:?}");
    }
    let merged = shared.run(&["sweep", "--merge", "output/small/sweep"]);
    assert_eq!(merged.code, Some(0), "{merged:?}");
    assert!(results(&one) == results(&shared), "three shards");
    assert_eq!(merged.out, threads.out, "the table is the same, too");

    // Begun again, nothing is run; a table of something else comes from what is there.
    let again = swept(&two, &["--measure", "p90"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.contains("all 24 runs are there already") && again.out.contains("p90"), "{again:?}");
    assert!(results(&one) == results(&two));
}

#[test]
fn a_study_that_was_cut_off_goes_on() {
    let one = whole();
    let lines: Vec<String> = one.read("output/small/sweep/sweep.jsonl").lines().map(|l| l.expect("a line")).collect();
    let head = String::from_utf8(one.read("output/small/sweep/study.json")).expect("UTF-8");
    let folder = "output/small/sweep/sweep.jsonl.partial";
    for (there, cut) in [(vec![7, 2, 23], "{\"schema_version\":1,\"run\":"), (vec![], "")] {
        let sandbox = Sandbox::new();
        let kept: String = there.iter().map(|&n: &usize| lines[n].clone() + "\n").collect();
        sandbox.write(folder, &(head.clone() + &kept + cut));
        let ran = swept(&sandbox, &[]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.err.contains("3 of 24 runs are there already"), !there.is_empty(), "{ran:?}");
        assert!(results(&one) == results(&sandbox));
        assert!(!sandbox.names().contains(&folder.to_string()));
    }
    // Killed within the head itself.
    let sandbox = Sandbox::new();
    sandbox.write(folder, &head[..40]);
    assert_eq!(swept(&sandbox, &[]).code, Some(0));
    assert!(results(&one) == results(&sandbox));
}

#[test]
fn another_study_is_not_mixed_in_nor_replaced() {
    let sandbox = whole();
    let before = results(&sandbox);
    for (more, why) in [(["--seed", "5"], "other seeds"), (["--until", "1s"], "another --until")] {
        let ran = swept(&sandbox, &more);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(why) && ran.err.contains("`--force` starts anew"), "{ran:?}");
    }
    sandbox.write("small.yaml", &text("scenarios/dr.yaml").replace("start: 500ms", "start: 600ms"));
    assert!(before == results(&sandbox));
    sandbox.write("small.yaml", &text("scenarios/dr.yaml").replace("lvsim: 1", "lvsim: 1 # changed"));
    let ran = swept(&sandbox, &[]);
    assert!(ran.code == Some(2) && ran.err.contains("the scenario has been changed"), "{ran:?}");
    assert_eq!(swept(&sandbox, &["--seed", "5", "--force"]).code, Some(0));
    assert_eq!(rows(&sandbox)[0]["seed"], 5);

    // Files that are no study's are left alone.
    let path = "output/small/sweep/sweep.jsonl.partial";
    for wrong in ["mine\n", "mine"] {
        sandbox.write(path, wrong);
        let ran = swept(&sandbox, &["--seed", "6", "-o", "output"]);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert_eq!(sandbox.read(path), wrong.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn two_processes_do_not_write_the_same_study() {
    let sandbox = Sandbox::new();
    sandbox.write("output/small/sweep/sweep.jsonl.partial", "");
    let path = sandbox.path().join("output/small/sweep/sweep.jsonl.partial");
    let mut other = OpenOptions::new().append(true).open(path).expect("a file");
    other.lock().expect("a lock");
    other.flush().expect("nothing to write");
    let ran = swept(&sandbox, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("another lvsim is writing"), "{ran:?}");
}

#[test]
fn a_merge_tells_what_is_missing_and_what_does_not_belong() {
    let sandbox = Sandbox::new();
    for shard in ["1/3", "3/3"] {
        assert_eq!(swept(&sandbox, &["--shard", shard]).code, Some(0));
    }
    let ran = sandbox.run(&["sweep", "--merge", "output/small/sweep"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.contains("8 of 24 runs are missing, of shard 2 of 3; `--partial` goes on"), "{ran:?}");
    assert!(!sandbox.names().contains(&"output/small/sweep/sweep.jsonl".to_string()));
    let ran = sandbox.run(&["sweep", "--merge", "output/small/sweep", "--partial"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("16 runs") && ran.err.contains("8 of 24 runs are missing"), "{ran:?}");
    let some = sandbox.read("output/small/sweep/sweep.partial.jsonl");
    assert_eq!(some.lines().count(), 16);

    assert_eq!(swept(&sandbox, &["--shard", "2/3", "--seed", "9", "-o", "other"]).code, Some(0));
    let three = ["output/small/sweep/shard-1-of-3.jsonl", "other/small/sweep/shard-2-of-3.jsonl"];
    let ran = sandbox.run(&["sweep", "--merge", three[0], three[1]]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("shard-2-of-3.jsonl` is of another study (other seeds)"), "{ran:?}");

    for (args, code, why) in [
        (&["sweep", "--merge", "output"][..], 2, "no shard"),
        (&["sweep", "--merge", "nowhere.jsonl"], 2, "no file `nowhere.jsonl`"),
        (&["sweep", "--merge", "small.yaml"], 3, "no file of a study"),
        (&["sweep", "--merge", "x", "--set", "seed=1"], 2, "--set"),
    ] {
        let ran = sandbox.run(args);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(why), "{why}: {ran:?}");
    }
}

#[test]
fn every_point_is_checked_before_anything_runs() {
    let sandbox = Sandbox::new();
    let before = sandbox.names();
    for (sets, code, why) in [
        (
            &["traffic.web.every={1ms, 5, 7}"][..],
            3,
            &["`5` is no duration", "`7` is no duration", "nothing has been run"][..],
        ),
        (&["traffic.wbe.every={1ms, 2ms}"], 3, &["did you mean", "web"]),
        (&["traffic.web.connections"], 3, &["a --set without `=`"]),
        (&["traffic.web.every=1ms..2ms"], 2, &["how many points?"]),
        (&["traffic.web.every=1ms..2/s/3"], 2, &["different kinds"]),
        (
            &["traffic.web.every=1..10000/10000", "seed=1", "traffic.web.connections=1..101/101"],
            2,
            &["at most 1000000 runs"],
        ),
        (&["seed={1, 2}"], 2, &["--seeds N"]),
        (&["seed=1", "seed=2"], 2, &["stands twice"]),
        // Good one by one, but together the server would have the same address twice.
        (
            &[
                "nodes.rs1.interfaces.eth0.address={192.168.1.198/24, 192.168.1.50/24}",
                "nodes.rs1.interfaces.eth0.addresses={[192.168.1.51/24], [192.168.1.50/24]}",
            ],
            3,
            &["1 of 4 points are not valid", "192.168.1.50/24 twice"],
        ),
    ] {
        let mut args = vec!["sweep", "small.yaml"];
        sets.iter().for_each(|set| args.extend(["--set", set]));
        let ran = sandbox.run(&args);
        assert_eq!(ran.code, Some(code), "{sets:?}: {ran:?}");
        assert!(why.iter().all(|why| ran.err.contains(why)), "{sets:?}: {ran:?}");
        assert_eq!(ran.out, "");
    }
    // What a shell makes of a list without quotes.
    let ran = sandbox.run(&["sweep", "small.yaml", "--set", "traffic.web.every=1ms", "traffic.web.every=2ms"]);
    assert!(ran.code == Some(2) && ran.err.contains("put a list in quotes"), "{ran:?}");
    for args in [&["--shard", "4/3"][..], &["--measure", "p98"], &["--schedulers", "rr,xx"], &["--seeds", "0"]] {
        let ran = swept(&sandbox, args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    }
    assert_eq!(sandbox.names(), before, "nothing is written");
}

#[test]
fn a_row_has_what_runs_it_again() {
    let sandbox = Sandbox::new();
    let sets = ["traffic.web.every=1ms..50ms/3", "defaults.link.latency={10us, 1ms}"];
    let ran = sandbox.run(&["sweep", "small.yaml", "--set", sets[0], "--set", sets[1], "--seeds", "2", "--seed", "40"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let rows = rows(&sandbox);
    assert_eq!(rows.len(), 12);
    for row in [&rows[0], &rows[7], &rows[11]] {
        let seed = row["seed"].to_string();
        let mut args = vec!["run".to_string(), "small.yaml".into(), "--json".into(), "--no-output".into()];
        args.extend(["--seed".to_string(), seed]);
        for (name, value) in row.as_object().expect("an object") {
            if let (Some(path), Some(text)) = (name.strip_prefix("set."), value.as_str()) {
                args.extend(["--set".to_string(), format!("{path}={text}")]);
            }
        }
        assert_eq!(args.len(), 10, "both keys: {args:?}");
        let ran = sandbox.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let object: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        assert_eq!(object["engine"]["events"], row["events"], "{args:?}");
        let times = object["connections"].as_array().expect("connections").iter();
        let times: Vec<f64> = times.filter_map(|c| Some(c["end_ns"].as_f64()? - c["start_ns"].as_f64()?)).collect();
        assert_eq!(times.len() as u64, row["connections"].as_u64().expect("a number"));
    }
}

#[test]
fn a_run_that_meets_a_limit_is_a_row_that_says_so() {
    let sandbox = Sandbox::new();
    let connections = "traffic.web.connections={1, 200}";
    let ran = sandbox.run(&["sweep", "small.yaml", "--set", connections, "--max-events", "400"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("1 run has no result"), "{ran:?}");
    let rows = rows(&sandbox);
    assert_eq!((&rows[0]["error"], &rows[0]["ok"]), (&Value::Null, &Value::from(1)));
    assert!(rows[1]["error"].as_str().is_some_and(|e| e.contains("limit of events")), "{:?}", rows[1]);
    assert_eq!((&rows[1]["mean_ns"], &rows[1]["set.traffic.web.connections"]), (&Value::Null, &Value::from(200)));
}

#[test]
fn csv_and_json_lines_say_the_same_and_follow_the_schema() {
    let sandbox = whole();
    let csv = String::from_utf8(sandbox.read("output/small/sweep/sweep.csv")).expect("UTF-8");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let schema: Value = serde_json::from_slice(&sandbox.read("output/small/sweep/schema.json")).expect("JSON");
    let rows = rows(&sandbox);
    assert_eq!(csv.lines().count(), rows.len() + 1);
    for (n, (row, cells)) in rows.iter().zip(lines).enumerate() {
        assert_eq!((row["run"].as_u64(), cells.len()), (Some(n as u64), head.len()));
        assert_eq!(row.as_object().expect("an object").len(), head.len());
        for (name, cell) in head.iter().zip(cells) {
            let value = &row[*name];
            let shown = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(shown, cell, "{name}");
            let types = &schema["properties"][*name]["type"];
            let is = match value {
                Value::Null => "null",
                Value::String(_) => "string",
                Value::Number(n) if n.is_u64() && types.to_string().contains("integer") => "integer",
                _ => "number",
            };
            assert!(types == is || types.as_array().is_some_and(|t| t.contains(&is.into())), "{name}: {value} {types}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_there_is() {
    let sandbox = Sandbox::new();
    let sets = ["--set", "traffic.web.connections=1500", "--set", "traffic.web.every=1ms"];
    let args: Vec<&str> = ["sweep", "small.yaml", "--seeds", "2000"].into_iter().chain(sets).collect();
    let mut child = sandbox.command(&args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("a line of progress");
    assert!(line.contains("of 2000 runs"), "{line}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("what else it says");
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{rest}");
    assert!(rest.contains("runs are kept, the same command goes on"), "{rest}");
    assert!(sandbox.read("output/small/sweep/sweep.jsonl.partial").lines().count() > 1, "a head and rows");
    assert!(!sandbox.names().contains(&"output/small/sweep/sweep.jsonl".to_string()));
}
