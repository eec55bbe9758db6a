//! `tcpdump` on simulated hosts: when it shows what, how it ends, and that it changes nothing else.

use crate::support::{load, run};
use serde_json::Value;

/// Two hosts in a network; `b` serves and `a` asks it at 2 s.
const NETWORK: &str = "\
lvsim: 1
duration: 8s
nodes:
  lan: { kind: switch }
  a: { kind: host, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  b: { kind: host, interfaces: { eth0: { to: lan, address: 10.0.0.2/24 } }, serves: [ tcp/80 ] }
traffic:
  - { name: web, from: a, to: \"10.0.0.2:80\", start: 2s }
";

/// The run's record after these lines were typed on `b` at their times.
fn record(typed: &[(&str, &str)]) -> Value {
    let mut text = NETWORK.to_string();
    for (n, (at, line)) in typed.iter().enumerate() {
        text += if n == 0 { "timeline:\n" } else { "" };
        text += &format!("  - {{ at: {at}, node: b, run: {} }}\n", Value::from(*line));
    }
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON")
}

/// What the line printed that was typed as the last one.
fn out(typed: &[(&str, &str)]) -> String {
    out_of(typed.len() - 1, typed)
}

/// What the line printed that was typed as the `nth` one.
fn out_of(nth: usize, typed: &[(&str, &str)]) -> String {
    let record = record(typed);
    let events = record["events"].as_array().expect("a list");
    let (_, line) = &typed[nth];
    let event = events.iter().find(|e| e["run"] == *line).expect("the line");
    event["out"].as_str().expect("its output").to_string()
}

const HEAD: &str = "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n\
                    listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n";

fn tail(captured: u32, received: u32) -> String {
    format!("{captured} packets captured\n{received} packets received by filter\n0 packets dropped by kernel\n")
}

#[test]
fn it_ends_by_its_count_though_the_kernel_has_seen_more() {
    let arp = "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n\
               ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:02, length 28\n";
    let line = "tcpdump -nn -t -c 2 -i eth0; echo $?";
    // The whole connection was over before the block was handed over.
    assert_eq!(out(&[("1s", line)]), format!("{HEAD}{arp}{}0\n", tail(2, 12)));
}

#[test]
fn it_sees_at_once_what_another_shell_of_its_host_sends() {
    let typed = [
        ("1s", "tcpdump -nn -c 1 -i eth0 arp and src 10.0.0.2 and dst 10.0.0.2 2>/dev/null; date +%S"),
        ("3s", "date +%S; arping -c 1 -U -I eth0 10.0.0.2 >/dev/null"),
    ];
    let (captured, sent) = (out_of(0, &typed), out_of(1, &typed));
    let (line, second) = captured.split_once('\n').expect("a packet and the time");
    assert!(line.ends_with("ARP, Request who-has 10.0.0.2 (ff:ff:ff:ff:ff:ff) tell 10.0.0.2, length 28"), "{captured}");
    assert_eq!(second, sent, "it ended when it had what it wanted");
}

#[test]
fn a_signal_ends_it_with_its_counts_and_it_says_success() {
    for (signal, line) in [("INT", "kill -INT"), ("TERM", "kill"), ("HUP", "kill -HUP")] {
        let line =
            format!("tcpdump -nn -t -i eth0 'tcp[tcpflags] & tcp-fin != 0' & sleep 4; {line} $!; wait $!; echo $?");
        let text = out(&[("1s", &line)]);
        assert_eq!(text.lines().filter(|l| l.contains("Flags [F.]")).count(), 2, "{signal}: {text}");
        assert!(text.ends_with(&format!("\n\n{}0\n", tail(2, 2))), "{signal}: {text}");
    }
    let killed = out(&[("1s", "tcpdump -nn -i eth0 & sleep 4; kill -9 $!; wait $!; echo $?")]);
    assert!(killed.ends_with("137\n") && !killed.contains("captured"), "{killed}");
    let timed = out(&[("1s", "timeout 4 tcpdump -q -nn -t -i eth0 arp; echo $?")]);
    assert!(timed.ends_with(&format!("\n\n{}124\n", tail(2, 2))), "{timed}");
}

#[test]
fn what_is_printed_waits_for_its_block_unless_asked_otherwise() {
    let shown = |options: &str| {
        let line = format!("tcpdump -nn -t {options} -i eth0 tcp > /tmp/dump 2> /tmp/err &");
        out(&[("1s", &line), ("3500ms", "wc -l < /tmp/dump")])
    };
    assert_eq!((shown(""), shown("-l"), shown("-U")), ("0\n".into(), "10\n".into(), "10\n".into()));
    // The kernel hands packets over once per second, with -l ten times.
    let soon = |options: &str| {
        let line = format!("tcpdump -nn -t {options} -i eth0 tcp > /tmp/dump 2> /tmp/err &");
        out(&[("1500ms", &line), ("2300ms", "wc -l < /tmp/dump")])
    };
    assert_eq!((soon("-l"), soon("-U"), soon("-U --immediate-mode")), ("10\n".into(), "0\n".into(), "10\n".into()));
}

#[test]
fn a_capture_file_is_read_back() {
    let write = ("1s", "cd /tmp; tcpdump -i eth0 -w x.pcap & sleep 3; kill $!");
    let live = out(&[("1s", "timeout 4 tcpdump -nn -e -i eth0 2> /dev/null")]);
    let read = out(&[write, ("5s", "tcpdump -nn -e -r /tmp/x.pcap 2> /dev/null")]);
    assert_eq!(live, format!("{read}\n"));
    assert_eq!(read.lines().count(), 12);
    let head = "reading from file /tmp/x.pcap, link-type EN10MB (Ethernet), snapshot length 262144\n";
    let count = out(&[write, ("5s", "tcpdump --count -r /tmp/x.pcap arp")]);
    assert_eq!(count, format!("{head}2 packets\n"));
    // A header of 24 bytes, and 16 before each packet.
    let size = 24 + 12 * 16 + 2 * 42 + 2 * 74 + 6 * 66 + 2 * 166;
    assert_eq!(out(&[write, ("5s", "wc -c < /tmp/x.pcap")]), format!("{size}\n"));
    let piped = out(&[
        write,
        ("5s", "cp /tmp/x.pcap /tmp/y; tcpdump -w - -r /tmp/y arp 2> /dev/null | tcpdump -tr - -n -c 1 2> /dev/null"),
    ]);
    assert_eq!(piped, "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n");
}

#[test]
fn every_device_shows_its_own_side() {
    let any = out(&[("1s", "timeout 4 tcpdump -i any -nn -t arp 2> /dev/null")]);
    let asked = "eth0  B   ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\n";
    let told = "eth0  Out ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:02, length 28\n";
    assert_eq!(any, format!("{asked}{told}\n"));
    let ways = |q: &str| out(&[("1s", &format!("timeout 4 tcpdump -Q {q} -nn -t arp 2>&1"))]);
    assert!(ways("in").contains("Request") && !ways("in").contains("Reply"));
    assert!(ways("out").contains("Reply") && !ways("out").contains("Request"));
    // libpcap leaves out what it does not want; the kernel has counted it.
    assert!(ways("out").ends_with("\n1 packet captured\n2 packets received by filter\n0 packets dropped by kernel\n"));
    let lo = out(&[("1s", "timeout 4 tcpdump -i lo -nn -t & sleep 1; ping -c 1 127.0.0.1 > /dev/null; sleep 4")]);
    assert!(lo.contains("\n2 packets captured\n4 packets received by filter\n"), "{lo}");
}

#[test]
fn what_cannot_be_is_told_with_the_status_of_a_failure() {
    for (line, error) in [
        ("tcpdump -i eth9", "tcpdump: eth9: No such device exists\n(No such device exists)\n"),
        ("tcpdump -i tunl0", "tcpdump: tunl0: That device is not up\n"),
        ("tcpdump port", "tcpdump: can't parse filter expression: syntax error\n"),
        ("tcpdump -w /no/where", "tcpdump: /no/where: No such file or directory\n"),
        ("tcpdump -r /etc/nothing", "tcpdump: /etc/nothing: No such file or directory\n"),
        ("tcpdump -r /etc", "tcpdump: error reading dump file: Is a directory\n"),
        ("tcpdump -G 5 -w /tmp/x", "lvsim: tcpdump -G is not simulated\n"),
        ("tcpdump vlan 3", "lvsim: tcpdump with the word vlan in a filter is not simulated\n"),
    ] {
        assert_eq!(out(&[("1s", &format!("{line}; echo $?"))]), format!("{error}1\n"));
    }
}

#[test]
fn watching_changes_nothing_else() {
    let quiet = record(&[]);
    let lines = ["-i any -w /tmp/x -U", "-i eth0 -l", "-i eth0 --immediate-mode tcp", "-i lo"];
    let typed: Vec<(&str, String)> =
        lines.iter().map(|o| ("500ms", format!("tcpdump -n {o} > /dev/null 2>&1 &"))).collect();
    let typed: Vec<(&str, &str)> = typed.iter().map(|(at, line)| (*at, line.as_str())).collect();
    let mut watched = record(&typed);
    watched["events"] = quiet["events"].clone();
    assert_eq!(quiet, watched);
}

#[test]
fn a_servers_window_has_lost_what_was_no_whole_unit_when_it_answers() {
    let lines = out(&[("1s", "timeout 4 tcpdump -nn -t -i eth0 src port 80 2> /dev/null")]);
    let windows: Vec<&str> = lines.lines().filter_map(|l| l.split("win ").nth(1)?.split(',').next()).collect();
    assert_eq!(windows, ["65160", "509", "509", "509"]);
}
