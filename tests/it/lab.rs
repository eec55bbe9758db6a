//! `lvsim lab` from a pipe and from a file: transcripts, and what cannot be.

use crate::support::{Sandbox, finish, load, root, run};
use std::io::Write;
use std::process::Stdio;

/// What the lab prints when a file is typed into it.
fn transcript(scenario: &str, typed: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("typed.txt", typed);
    let file = root().join(scenario);
    let ran = sandbox.run(&["lab", &file.to_string_lossy(), "--script", "typed.txt"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
    ran.out
}

#[test]
fn a_pipe_is_typed_line_by_line_and_loops_wait_for_their_end() {
    let sandbox = Sandbox::new();
    let file = root().join("scenarios/nat.yaml");
    let mut command = sandbox.command(&["lab", &file.to_string_lossy(), "--quiet"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let typed = "for h in web1 web2\ndo\n  echo $h\ndone\n:nonsense\nssh nobody\necho $?\nexit\necho never\n";
    child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("written");
    let out = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.starts_with("web1\nweb2\nthe lab has no command `:nonsense`"), "{text}");
    assert!(text.contains("Could not resolve hostname nobody") && !text.contains("never"), "{text}");
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn the_same_lines_give_the_same_bytes() {
    let typed =
        "tcpdump -n -c 20 &\ncurl -s http://8.8.8.8/\n:step\n:run 3s\n:back\n:back\n:run 3s\n:show conn\n:log\n";
    assert_eq!(transcript("scenarios/nat.yaml", typed), transcript("scenarios/nat.yaml", typed));
}

#[test]
fn a_saved_session_is_a_scenario() {
    let sandbox = Sandbox::new();
    sandbox.write("typed.txt", ":run 700ms\nipvsadm -E -t 8.8.8.8:80 -s sh\n:save mine.yaml\n");
    let file = root().join("scenarios/nat.yaml");
    let ran = sandbox.run(&["lab", &file.to_string_lossy(), "--script", "typed.txt"]);
    assert!(ran.out.contains("lvsim run mine.yaml"), "{}", ran.out);
    let shown = sandbox.run(&["show", "mine.yaml", "ipvs", "director", "--quiet"]);
    assert!(shown.out.contains("8.8.8.8:80 sh"), "{}{}", shown.out, shown.err);
}

#[test]
fn the_keyboard_cannot_be_the_scenario() {
    let sandbox = Sandbox::new();
    let ran = finish(&mut sandbox.command(&["lab", "-"]));
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("name a file"), "{}", ran.err);
}

#[test]
fn a_long_ping_costs_no_more_for_each_packet_than_a_short_one() {
    let events = |packets: u32| {
        let typed = format!(
            "lvsim: 1\nnodes:\n  lan: {{ kind: switch }}\n  a: {{ kind: host, interfaces: {{ eth0: {{ to: lan, address: 10.0.0.1/24 }} }} }}\n  \
             b: {{ kind: host, interfaces: {{ eth0: {{ to: lan, address: 10.0.0.2/24 }} }} }}\n\
             timeline:\n  - {{ at: 1s, node: a, run: ping -c {packets} 10.0.0.2 }}\n"
        );
        let scenario = load("ping.yaml", &typed).unwrap_or_else(|problems| panic!("{problems}"));
        run(&scenario, false, 1_000_000).events
    };
    let (short, long) = (events(100), events(200));
    assert!(long < short * 2 + 100, "{short} for 100 packets, {long} for 200");
}

#[test]
fn what_never_ends_is_ended_after_an_hour_where_nobody_sits() {
    let out = transcript("scenarios/nat.yaml", "ping 192.168.10.2\n:run 2h\nipvsadm -Ln\n");
    let pings = out.matches("64 bytes from").count();
    assert!((3_500..3_700).contains(&pings), "{pings} answers in an hour");
    let behind = out.split("^C\n").nth(1).unwrap_or("");
    assert!(behind.contains("TCP  8.8.8.8:80 rr"), "{behind}");
    assert!(behind.contains("t = 10800 s"), "time that is asked to pass is not cut short: {behind}");
}
