//! The program as a person or a script meets it: exit codes, streams, files, manners.

use crate::support::{Sandbox, finish, text};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// A scenario that expects what does not come.
fn disappointed() -> String {
    text("scenarios/dr.yaml").replace("outcomes: { ok: 6 }", "outcomes: { ok: 99 }")
}

/// A scenario that runs for minutes.
fn endless() -> String {
    text("scenarios/dr.yaml")
        .replace("about: |", "about: |\n  SLOW\n")
        .replace("connections: 6, every: 200ms", "connections: 2000000, every: 500us")
}

#[test]
fn success_is_0() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["run", "small.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("small"), "{ran:?}");
    assert_eq!(sandbox.run(&["check", "small.yaml"]).code, Some(0));
    assert_eq!(sandbox.run(&["--version"]).code, Some(0));
    assert_eq!(sandbox.run(&["run", "--help"]).code, Some(0));
}

#[test]
fn a_failed_expectation_is_1() {
    let sandbox = Sandbox::new();
    sandbox.write("no.yaml", &disappointed());
    for verb in ["run", "test"] {
        let ran = sandbox.run(&[verb, "no.yaml"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.out.contains("99"), "what was expected is told: {ran:?}");
    }
    assert_eq!(sandbox.run(&["trace", "no.yaml", "drop"]).code, Some(0));
}

#[test]
fn a_lint_that_fails_is_1() {
    let sandbox = Sandbox::new();
    sandbox.write("crlf.yaml", &text("scenarios/dr.yaml").replace('\n', "\r\n"));
    let ran = sandbox.run(&["check", "crlf.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("CRLF"), "{ran:?}");
}

#[test]
fn bad_usage_is_2_and_says_why() {
    let sandbox = Sandbox::new();
    sandbox.write("other.yaml", &text("scenarios/nat.yaml"));
    sandbox.write("x/small.yaml", &text("scenarios/dr.yaml"));
    for (args, why) in [
        (&["fly"][..], "fly"),
        (&["run"], "FILE"),
        (&["run", "small.yaml", "--sed", "3"], "--seed"),
        (&["run", "small.yaml", "--until", "5"], "unit"),
        (&["run", "small.yaml", "--max-memory", "much"], "2GiB"),
        (&["run", "small.yaml", "other.yaml", "--pcap", "x"], "--pcap"),
        (&["run", "small.yaml", "x/small.yaml"], "`small`"),
        (&["run", "-", "-"], "twice"),
        (&["run", "small.yaml", "--json", "--record", "-"], "stdout"),
        (&["run", "small.yaml", "-o", "small.yaml"], "small.yaml"),
        (&["trace", "small.yaml", "tpc"], "tpc"),
        (&["trace", "small.yaml", "--on", "directr"], "`director`"),
        (&["trace", "small.yaml", "--flow", "x"], "192.168.1.101:32768"),
        (&["test", "empty"], "empty"),
        (&["man", "fly"], "fly"),
        (&["new", "small"], "--force"),
        (&["new", "../small"], "name"),
    ] {
        std::fs::create_dir_all(sandbox.path().join("empty")).expect("a folder");
        let ran = sandbox.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains(why), "{args:?}: {ran:?}");
    }
    assert_eq!(sandbox.run(&[]).code, Some(2));
}

#[test]
fn a_scenario_that_is_not_valid_is_3_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.yaml", &text("scenarios/dr.yaml").replace("kind: director", "kind: directr"));
    std::fs::write(sandbox.path().join("latin1.yaml"), b"lvsim: 1\ntitle: \xe9\n").expect("a file");
    sandbox.write("empty.yaml", "");
    let before = sandbox.names();
    for file in ["bad.yaml", "nowhere.yaml", "latin1.yaml", "empty.yaml", "."] {
        for verb in ["run", "check", "trace"] {
            let ran = sandbox.run(&[verb, file]);
            assert_eq!(ran.code, Some(3), "{verb} {file}: {ran:?}");
            assert_eq!(ran.out, "", "{verb} {file}");
        }
    }
    let told = sandbox.run(&["run", "small.yaml", "bad.yaml", "--record", "r.json"]);
    assert_eq!(told.code, Some(2), "one record cannot be of two: {told:?}");
    let told = sandbox.run(&["run", "small.yaml", "bad.yaml"]);
    assert_eq!(told.code, Some(3), "{told:?}");
    assert!(told.err.contains("bad.yaml:2") && told.err.contains("`director`"), "{told:?}");
    assert_eq!(sandbox.names(), before, "a failed validation writes nothing");
}

#[test]
fn a_limit_is_4_and_is_named() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["run", "small.yaml", "--max-events", "50"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("events"), "{ran:?}");
    sandbox.write("slow.yaml", &endless());
    let ran = sandbox.run(&["run", "slow.yaml", "--no-output", "--max-memory", "1MB"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.err.contains("memory"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130_and_what_there_is_is_marked() {
    let sandbox = Sandbox::new();
    sandbox.write("slow.yaml", &endless());
    let mut child = sandbox
        .command(&["run", "slow.yaml", "--max-memory", "64MB", "--max-events", "100G"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    // Progress comes after a second, in plain lines as stderr is no terminal: then it simulates.
    stderr.read_line(&mut line).expect("a line of progress");
    assert!(line.contains("events/s"), "{line}");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    // Both pipes are read at once: a story longer than a pipe would wait for its reader for ever.
    let mut stdout = child.stdout.take().expect("a pipe");
    let story = std::thread::spawn(move || {
        let mut out = String::new();
        stdout.read_to_string(&mut out).map(|_| out)
    });
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("what else it says");
    story.join().expect("the reader ends").expect("the story so far");
    let code = child.wait().expect("an end").code();
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("partial"), "{rest}");
    let written = sandbox.names();
    let outputs: Vec<&String> = written.iter().filter(|n| n.starts_with("output/")).collect();
    assert!(!outputs.is_empty());
    assert!(outputs.iter().all(|n| n.contains(".partial.")), "{outputs:?}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let sandbox = Sandbox::new();
    for args in [
        &["run", "small.yaml", "--no-output"][..],
        &["trace", "small.yaml"],
        &["list", "sysctls"],
        &["test", "small.yaml"],
        &["completions", "bash"],
        &["man"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ran = finish(sandbox.command(args).stdout(writer));
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        assert_eq!(ran.err, "", "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let sandbox = Sandbox::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let full = full.expect("the device that is always full");
    let ran = finish(sandbox.command(&["list", "sysctls"]).stdout(full));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("cannot write to stdout"), "{ran:?}");
}

#[test]
fn outputs_go_to_a_folder_of_the_scenarios_name() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["run", "small.yaml", "--record", "r.json", "--pcap", "p.pcapng"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let names = sandbox.names();
    assert!(names.contains(&"output/small/report.md".to_string()), "{names:?}");
    assert!(names.contains(&"r.json".to_string()) && names.contains(&"p.pcapng".to_string()));
    assert!(!names.iter().any(|n| n.contains(".tmp")), "{names:?}");
    sandbox.run(&["run", "small.yaml", "-o", "elsewhere"]);
    assert!(sandbox.names().contains(&"elsewhere/small/report.md".to_string()));
    let bare = Sandbox::new();
    bare.run(&["run", "small.yaml", "--no-output"]);
    assert_eq!(bare.names(), ["small.yaml"]);
}

#[test]
fn a_dash_is_stdin_and_stdout() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["run", "-", "--no-output", "--record", "-"]);
    let small = std::fs::File::open(sandbox.path().join("small.yaml")).expect("the scenario");
    let ran = finish(command.stdin(small));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let record: serde_json::Value = serde_json::from_str(&ran.out).expect("the record alone");
    assert!(record.is_object());
}

#[test]
fn json_is_one_object_with_the_documented_keys() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["run", "small.yaml", "--json", "--no-output", "--seed", "7"]);
    let object: serde_json::Value = serde_json::from_str(&ran.out).expect("one object");
    let keys = |v: &serde_json::Value| -> Vec<String> {
        let mut keys: Vec<String> = v.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    };
    let documented =
        ["connections", "drops", "ended_at_ns", "engine", "expectations", "name", "schema_version", "seed"];
    assert_eq!(keys(&object), documented);
    assert_eq!(keys(&object["engine"]), ["events", "frames", "peak_rss_bytes", "wall_s"]);
    assert_eq!(object["seed"], 7);
    let first = &object["connections"][0];
    let documented = ["client", "end_ns", "index", "outcome", "server", "start_ns", "traffic"];
    assert_eq!(keys(first), documented);
    if cfg!(target_os = "linux") {
        assert!(object["engine"]["peak_rss_bytes"].as_u64() > Some(1_000_000));
    }
}

#[test]
fn results_know_nothing_of_machine_place_and_language() {
    let (one, two) = (Sandbox::new(), Sandbox::new());
    let args = ["run", "small.yaml", "--record", "r.json", "--pcap", "p.pcapng"];
    let first = one.run(&args);
    let mut command = two.command(&args);
    command.env("TZ", "Asia/Tokyo").env("LC_ALL", "tr_TR.UTF-8").env("COLUMNS", "40").env("HOSTNAME", "elsewhere");
    let second = finish(&mut command);
    assert_eq!(first.out, second.out);
    assert_eq!(one.names(), two.names());
    for name in one.names() {
        assert!(one.read(&name) == two.read(&name), "{name} differs");
        let text = String::from_utf8_lossy(&one.read(&name)).into_owned();
        let place = one.path().to_string_lossy().into_owned();
        assert!(!text.contains(&place), "{name} names the folder");
    }
}

#[test]
fn quiet_prints_nothing_and_still_judges() {
    let sandbox = Sandbox::new();
    sandbox.write("no.yaml", &disappointed());
    let ran = sandbox.run(&["run", "no.yaml", "--quiet", "--no-output"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(1), "", ""));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let sandbox = Sandbox::new();
    let colored = |vars: &[(&str, &str)], args: &[&str]| {
        let mut command = sandbox.command(args);
        command.envs(vars.iter().copied());
        finish(&mut command).err.contains('\u{1b}')
    };
    let wrong = ["run", "nowhere.yaml"];
    assert!(!colored(&[], &wrong), "a pipe is no terminal");
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &wrong));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &wrong));
    assert!(colored(&[("NO_COLOR", "1")], &["run", "nowhere.yaml", "--color", "always"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["--color=never", "run", "nowhere.yaml"]));
}

#[test]
fn test_prints_a_line_each_and_a_summary_last() {
    let sandbox = Sandbox::new();
    sandbox.write("all/a.yaml", &text("scenarios/dr.yaml"));
    sandbox.write("all/deep/b.yaml", &disappointed());
    sandbox.write("all/deep/c.yml", "lvsim: 1\n");
    let ran = sandbox.run(&["test", "all"]);
    assert_eq!(ran.code, Some(3), "the gravest counts: {ran:?}");
    let lines: Vec<&str> = ran.out.lines().filter(|l| !l.starts_with(' ')).collect();
    assert!(lines[0].starts_with("ok") && lines[0].contains("all/a.yaml"), "{ran:?}");
    assert!(lines[1].starts_with("failed") && lines[1].contains("all/deep/b.yaml"));
    assert!(lines[2].starts_with("invalid") && lines[2].contains("all/deep/c.yml"));
    assert_eq!(lines[3..], ["3 scenarios: 1 ok, 1 failed, 1 invalid"]);
    let csv = sandbox.run(&["test", "all", "--format", "csv"]).out;
    assert_eq!(csv.lines().count(), 4);
    let json = sandbox.run(&["test", "all", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(json["scenarios"][1]["verdict"], "failed");
    assert_eq!(sandbox.names().len(), 4, "test writes no outputs");
}

#[test]
fn a_new_scenario_is_one_that_works_and_nothing_is_replaced() {
    let sandbox = Sandbox::new();
    for template in ["nat", "dr", "tun", "arp-problem"] {
        let ran = sandbox.run(&["new", &format!("my-{template}"), "--template", template]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let ran = sandbox.run(&["run", &format!("my-{template}.yaml"), "--no-output"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(&format!("my-{template}")), "{ran:?}");
    }
    sandbox.write("dr.yaml", "mine\n");
    assert_eq!(sandbox.run(&["new", "dr"]).code, Some(2));
    assert_eq!(sandbox.read("dr.yaml"), b"mine\n");
    assert_eq!(sandbox.run(&["new", "dr", "--force"]).code, Some(0));
    assert_eq!(sandbox.run(&["new", "-"]).out, text("scenarios/dr.yaml"));
}

#[test]
fn trace_prints_frames_and_says_when_none_passes() {
    let sandbox = Sandbox::new();
    let all = sandbox.run(&["trace", "small.yaml"]).out.lines().count();
    let arp = sandbox.run(&["trace", "small.yaml", "arp"]);
    assert!(!arp.out.is_empty());
    assert!(arp.out.lines().all(|l| l.contains("ARP")), "{arp:?}");
    assert!(arp.out.lines().count() < all);
    let director = sandbox.run(&["trace", "small.yaml", "--on", "director:eth0", "tcp port 80"]);
    assert!(!director.out.is_empty());
    assert!(director.out.lines().all(|l| l.contains("director")), "{director:?}");
    let none = sandbox.run(&["trace", "small.yaml", "host", "10.9.9.9"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
    assert!(none.err.contains("no frame"), "{none:?}");
}

#[test]
fn show_prints_a_table_as_it_was_at_that_moment() {
    let sandbox = Sandbox::new();
    let show = |args: &[&str]| sandbox.run(&[&["show", "small.yaml"], args].concat());
    let rows = |ran: crate::support::Ran| -> Vec<serde_json::Value> {
        let object: serde_json::Value = serde_json::from_str(&ran.out).expect("one JSON object");
        assert_eq!(object["schema_version"], 1);
        object["rows"].as_array().expect("rows").clone()
    };
    // Connections start at 0.5 s and every 200 ms.
    for (at, entries) in [("0.4s", 0), ("0.6s", 1), ("0.8s", 2), ("2.4s", 6)] {
        let found = rows(show(&["conn", "director", "--at", at, "--format", "json"]));
        assert_eq!(found.len(), entries, "at {at}: {found:?}");
    }
    assert!(show(&["ipvs", "director"]).out.contains("TCP  192.168.1.200:80 rr"));
    assert!(show(&["conn", "director", "--format", "csv"]).out.starts_with("protocol,client,virtual,"));
    assert!(show(&["sysctl", "rs1"]).out.contains("net.ipv4.conf.all.arp_ignore = 1\n"));
    let learnt = rows(show(&["mac", "lan", "--format", "json"]));
    assert!(learnt.iter().any(|row| row["is"] == "director:eth0"), "{learnt:?}");
    for (args, why) in [
        (&["arp", "rs9"][..], "did you mean `rs1`?"),
        (&["mac", "director"], "is a host and has no `mac`; it has: addr, arp, "),
        (&["arp", "lan"], "is a switch and has no `arp`; it has: mac"),
        (&["arp", "rs1", "--at", "soon"], "soon"),
    ] {
        let ran = show(args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(why), "{ran:?}");
    }
}

#[test]
fn diff_tells_whether_two_runs_are_the_same() {
    let sandbox = Sandbox::new();
    let diff = |args: &[&str]| sandbox.run(&[&["diff"], args].concat());
    let same = diff(&["small.yaml", "small.yaml"]);
    assert_eq!((same.code, &*same.out), (Some(0), "The runs are the same.\n"));
    let other = diff(&["small.yaml", "--with", "traffic.web.connections=1"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    for part in ["+ --set traffic.web.connections=1", "The first frame that differs", "->  none"] {
        assert!(other.out.contains(part), "{part} in {}", other.out);
    }
    let object: serde_json::Value =
        serde_json::from_str(&diff(&["small.yaml", "--with-seed", "2", "--json"]).out).expect("one JSON object");
    assert_eq!(object["schema_version"], 1);
    assert_eq!(diff(&["small.yaml"]).code, Some(2));
    assert_eq!(diff(&["small.yaml", "no-such.yaml"]).code, Some(3));
}

#[test]
fn order_needs_a_host_on_which_something_is_typed() {
    let sandbox = Sandbox::new();
    let order = |args: &[&str]| sandbox.run(&[&["order", "small.yaml"], args].concat());
    let ran = order(&["--node", "director", "--runs", "3", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&ran.out).expect("one JSON object");
    assert_eq!(object["runs"], 3);
    for (args, why) in [
        (&["--node", "directr"][..], "did you mean `director`?"),
        (&["--node", "client"], "nothing to put in order"),
        (&["--node", "director", "--runs", "0"], "0 is not in 1..=1000000"),
    ] {
        let ran = order(args);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(why), "{why} in {}", ran.err);
    }
}

#[test]
fn every_template_is_listed_and_holds_what_it_expects() {
    let sandbox = Sandbox::new();
    let list = sandbox.run(&["new", "--list", "--format", "csv"]).out;
    let names: Vec<&str> = list.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    let wanted = ["nat", "dr", "tun", "arp-problem", "persistence", "firewall-marks", "health-check", "compare"];
    assert_eq!(names, wanted);
    for name in &names {
        assert!(sandbox.run(&["new", "--list"]).out.contains(&format!("{name} ")), "{name}");
        assert_eq!(sandbox.run(&["new", &format!("my-{name}"), "--template", name]).code, Some(0), "{name}");
        assert_eq!(sandbox.run(&["new", name, "--force"]).code, Some(0), "{name}");
        let (named, plain) = (sandbox.read(&format!("my-{name}.yaml")), sandbox.read(&format!("{name}.yaml")));
        assert!(named == plain, "a template that has its own name");
    }
    let files: Vec<String> = names.iter().map(|n| format!("my-{n}.yaml")).collect();
    let mut args = vec!["test"];
    args.extend(files.iter().map(String::as_str));
    let tested = sandbox.run(&args);
    assert!(tested.code == Some(0) && tested.out.contains("8 scenarios: 8 ok\n"), "{tested:?}");
    assert_eq!(sandbox.run(&["new", "lab", "--list"]).code, Some(2));
}

#[test]
fn man_and_completions_know_every_verb() {
    let sandbox = Sandbox::new();
    let (man, bash) = (sandbox.run(&["man"]).out, sandbox.run(&["completions", "bash"]).out);
    for verb in ["run", "check", "test", "trace", "new", "list", "completions", "man"] {
        assert!(man.contains(&format!("lvsim\\-{verb}")), "man has no {verb}");
        assert!(bash.contains(&format!("lvsim__subcmd__{verb}")) || bash.contains(verb));
        let page = sandbox.run(&["man", verb]);
        assert_eq!(page.code, Some(0), "{page:?}");
        assert!(page.out.contains(&format!("lvsim\\-{verb}")), "{verb}");
    }
}

#[test]
fn validate_says_what_holds_and_refuses_unknown_claims() {
    let sandbox = Sandbox::new();
    let done = sandbox.run(&["validate", "--only", "slots", "modulo", "--seeds", "2"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("All 9 claims hold."), "{}", done.out);
    let run = |threads| {
        let small = ["validate", "--only", "mg1-const-0.3", "--seeds", "4", "--connections", "200", "--format", "json"];
        sandbox.run(&[&small[..], &["--threads", threads]].concat()).out
    };
    let one = run("1");
    assert_eq!(one, run("3"), "threads change the result");
    let json: serde_json::Value = serde_json::from_str(&one).expect("one object");
    assert_eq!((json["runs"].as_u64(), json["rows"].as_array().map(Vec::len)), (Some(4), Some(4)));
    let unknown = sandbox.run(&["validate", "--only", "mm2"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("no claim has `mm2` in its name"), "{}", unknown.err);
    let list = sandbox.run(&["validate", "--list", "--only", "slots", "--format", "csv"]).out;
    assert_eq!(list.lines().count(), 6, "{list}");
}

#[test]
fn lists_come_in_four_formats() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["list", "--help"]).out;
    let lists: Vec<&str> = help.lines().filter_map(|l| l.trim().strip_prefix("- ")?.split(':').next()).collect();
    assert!(lists.contains(&"sysctls") && lists.contains(&"exits"), "{lists:?}");
    let formats = ["human", "json", "csv", "markdown"];
    for what in lists.iter().filter(|l| !formats.contains(l) && !["auto", "always", "never", "en", "zh"].contains(l)) {
        let [human, json, csv, markdown] = formats.map(|f| sandbox.run(&["list", what, "--format", f]).out);
        let json: serde_json::Value = serde_json::from_str(&json).expect("one object");
        let rows = json["rows"].as_array().expect("rows");
        assert!(rows.len() > 5, "{what}");
        assert_eq!(human.lines().count(), rows.len() + 1, "{what}");
        // What is typed may have several lines.
        assert!(csv.lines().count() > rows.len(), "{what}");
        // The page of keys is held by a test of its own.
        for row in rows.iter().filter(|_| *what != "keys") {
            let name = row[csv.split(',').next().unwrap_or_default()].as_str().expect("a name");
            let name = format!("`{}`", name.replace('|', "\\|"));
            let told = |l: &str| l.starts_with(&format!("| {name} |")) || l.starts_with(&format!("## {name} {{#"));
            assert_eq!(markdown.lines().filter(|l| told(l)).count(), 1, "{what}: {name}");
        }
    }
}

#[test]
fn the_command_line_as_markdown_has_every_verb_and_every_option_of_its_help() {
    let sandbox = Sandbox::new();
    let page = sandbox.run(&["man", "--format", "markdown"]).out;
    let help = sandbox.run(&["--help"]).out;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|l| !l.starts_with("Commands:"))
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    for verb in verbs {
        let section = page.split(&format!("## `lvsim {verb}` {{#{verb}}}\n")).nth(1).expect(verb);
        let section = section.split("\n## ").next().unwrap_or_default();
        for line in sandbox.run(&[verb, "--help"]).out.lines().map(str::trim).filter(|l| l.starts_with('-')) {
            let Some(option) = line.split_whitespace().find(|w| w.starts_with("--")) else { continue };
            let option = option.trim_end_matches(',');
            assert!(
                ["--help", "--color", "--lang"].contains(&option) || section.contains(option),
                "{verb}: {option}\n{section}"
            );
        }
    }
}
