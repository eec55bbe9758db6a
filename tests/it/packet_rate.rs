//! `packet_rate`: a host whose processor takes time for each frame, and loses what comes while too many wait.

use crate::support::{load, run};
use lvsim::base::Span;
use lvsim::lang::Lang;
use lvsim::report::run::Run;
use lvsim::report::summary::{Measured, Summary};
use lvsim::scenario::Scenario;

/// A client and a server with a router between them; `router` is what it has besides.
fn network(router: &str, rest: &str) -> Scenario {
    let text = format!(
        "lvsim: 1\nduration: 5s\nnodes:\n  left: {{ kind: switch }}\n  right: {{ kind: switch }}\n  \
         a: {{ kind: client, gateway: 10.0.0.254, interfaces: {{ eth0: {{ to: left, address: 10.0.0.1/24 }} }} }}\n  \
         idle: {{ kind: host, packet_rate: 1/s, interfaces: {{ eth0: {{ to: left, address: 10.0.0.9/24 }} }} }}\n  \
         r:\n    kind: router\n    {router}\n    interfaces:\n      eth0: {{ to: left, address: 10.0.0.254/24 }}\n      \
         eth1: {{ to: right, address: 10.0.1.254/24 }}\n  b:\n    kind: real-server\n    gateway: 10.0.1.254\n    interfaces: \
         {{ eth0: {{ to: right, address: 10.0.1.2/24 }} }}\n    serves: [ udp/53 ]\n{rest}"
    );
    load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Eight datagrams in one instant, when everybody has learnt everybody's hardware address.
const BURST: &str = "traffic:\n  \
    - { name: first, from: a, to: '10.0.1.2:53', protocol: udp, connections: 1 }\n  \
    - { name: burst, from: a, to: '10.0.1.2:53', protocol: udp, start: 2s, connections: 8, every: 0s }\n\
    observe:\n  - { at: end, node: r, run: \"ip -s link show eth0\" }\n";

fn summary(run: &Run<'_>) -> serde_json::Value {
    let measured = Measured { wall_s: 0.0, peak_rss_bytes: 0 };
    serde_json::to_value(Summary::new(run, measured, false, Lang::En)).expect("JSON")
}

fn answered(run: &Run<'_>, traffic: &str) -> Vec<u64> {
    let json = summary(run);
    let all = json["connections"].as_array().expect("connections").clone();
    let of = all.iter().filter(|c| c["traffic"] == traffic && c["outcome"] == "ok");
    of.map(|c| c["end_ns"].as_u64().expect("an end") - c["start_ns"].as_u64().expect("a start")).collect()
}

fn lost(run: &Run<'_>) -> u64 {
    let json = summary(run);
    let drops = json["drops"].as_array().expect("drops").clone();
    let of = drops.iter().filter(|d| d["reason"] == "backlog-full");
    of.map(|d| d["count"].as_u64().expect("a count")).sum()
}

#[test]
fn each_frame_takes_its_time_one_after_the_other() {
    let fast = network("routes: []", BURST);
    let fast = answered(&run(&fast, false, 1_000_000), "burst");
    let slow = network("packet_rate: 1000/s", BURST);
    let slow = answered(&run(&slow, false, 1_000_000), "burst");
    assert_eq!((fast.len(), slow.len()), (8, 8));
    // Question k waits for k before it, and its answer for the questions that are still there.
    for (k, (slow, fast)) in slow.iter().zip(&fast).enumerate() {
        let more = (slow - fast) as f64 / 1e6;
        assert!((1.9..17.0).contains(&more), "{k}: {more} ms");
    }
    assert!(slow[0] < 10_000_000 + fast[0] && slow[7] > slow[0], "{slow:?}");
    let busy = (slow[7] - slow[0]) as f64 / 1e6;
    assert!((6.9..8.1).contains(&busy), "sixteen frames in as many milliseconds, the answers last: {busy}");
}

#[test]
fn more_than_the_backlog_is_lost_and_counted() {
    let text = "packet_rate: 1000/s\n    sysctl: { net.core.netdev_max_backlog: 2 }";
    let scenario = network(text, BURST);
    let run = run(&scenario, true, 1_000_000);
    // One is being dealt with, two wait; the kernel lets one more in than the number says.
    assert_eq!((answered(&run, "burst").len(), lost(&run)), (3, 5));
    let story = run.story(false, Lang::En).expect("a trace in memory");
    assert!(story.contains("too many frames wait for the processor"), "{story}");
    let rows = story.lines().skip_while(|l| !l.contains("RX:")).nth(1).unwrap_or_default().to_string();
    assert_eq!(rows.split_whitespace().nth(3), Some("5"), "dropped: {rows}");
}

#[test]
fn frames_for_others_take_no_time() {
    // A switch that forgets at once sends everything everywhere: the idle host's card keeps it out.
    let mut scenario = network("packet_rate: 1000/s", BURST);
    let (left, idle) = (scenario.node("left").expect("a switch"), scenario.node("idle").expect("a host"));
    scenario.nodes[left.0 as usize].ageing = Span::from_millis(1);
    let backlog = ("net.core.netdev_max_backlog".to_string(), "0".to_string());
    scenario.nodes[idle.0 as usize].sysctls.push(backlog);
    let run = run(&scenario, false, 1_000_000);
    assert_eq!((answered(&run, "burst").len(), lost(&run)), (8, 0));
    let json = summary(&run);
    let drops = json["drops"].as_array().expect("drops").clone();
    let others = drops.iter().find(|d| d["node"] == "idle" && d["reason"] == "other-host");
    assert!(others.is_some_and(|d| d["count"].as_u64() >= Some(8)), "{drops:?}");
}

#[test]
fn only_hosts_have_it_and_it_is_a_rate() {
    let wrong = |node: &str| {
        let text = format!("lvsim: 1\nnodes:\n  n: {{ {node} }}\n");
        load("case.yaml", &text).expect_err("not valid")
    };
    assert!(wrong("kind: switch, packet_rate: 1/s").contains("a switch has no `packet_rate`"));
    assert!(wrong("kind: host, packet_rate: 0/s").contains("`0/s` is no rate"));
    assert!(wrong("kind: host, packet_rate: fast").contains("is no rate"));
}
