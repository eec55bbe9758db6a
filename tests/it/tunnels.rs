//! IP-in-IP tunnels between two hosts, as a capture shows them: what the outer header says, and what a tunnel that finds no
//! way does.

use crate::support::{load, run};
use serde_json::Value;

/// `a` and `b` on one cable; `lines` is typed at `a`, after which it pings.
fn record(lines: &str, ping: &str) -> Value {
    let text = format!(
        "lvsim: 1
duration: 3s
nodes:
  lan: {{ kind: switch }}
  a:
    kind: host
    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.1/24 }} }}
    run: {lines}
  b:
    kind: host
    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.2/24 }} }}
    run: >-
      ip tunnel add tun1 mode ipip local 10.0.0.2 remote 10.0.0.1;
      ip addr add 10.8.0.2/30 dev tun1; ip link set tun1 up
observe:
  - {{ at: 1s, node: a, run: {ping} }}
  - {{ at: 2500ms, node: a, run: ip -s link show tun1 }}
"
    );
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON")
}

/// The frames of an interface without ARP, a line each.
fn frames(record: &Value, place: &str) -> Vec<String> {
    let rows = record["frames"][place].as_array().cloned().unwrap_or_default();
    let lines = rows.iter().filter_map(|f| Some(format!("{} {}", f["dir"].as_str()?, f["type"].as_str()?)));
    lines.filter(|l| !l.contains("ARP")).collect()
}

fn made(how: &str) -> String {
    format!("{how}; ip addr add 10.8.0.1/30 dev tun1; ip link set tun1 up")
}

const TUNNEL: &str = "ip tunnel add tun1 mode ipip local 10.0.0.1 remote 10.0.0.2";

#[test]
fn the_outer_packet_may_not_be_cut_whatever_the_inner_one_says() {
    let all = record(&made(TUNNEL), "ping -c 1 -M dont 10.8.0.2");
    let ask = "IP 10.0.0.1 > 10.0.0.2 ttl 64 DF IPIP [IP 10.8.0.1 > 10.8.0.2 ttl 64 ICMP echo-request seq 1 len 56]";
    let answer = "IP 10.0.0.2 > 10.0.0.1 ttl 64 DF IPIP [IP 10.8.0.2 > 10.8.0.1 ttl 64 ICMP echo-reply seq 1 len 56]";
    assert_eq!(frames(&all, "a:eth0"), [format!("out {ask}"), format!("in {answer}")]);
}

#[test]
fn nopmtudisc_leaves_it_to_the_inner_packet() {
    for (df, typed) in [("", "dont"), ("DF ", "do")] {
        let all = record(&made(&format!("{TUNNEL} nopmtudisc")), &format!("ping -c 1 -M {typed} 10.8.0.2"));
        assert!(
            frames(&all, "a:eth0")[0].starts_with(&format!("out IP 10.0.0.1 > 10.0.0.2 ttl 64 {df}IPIP [")),
            "{df}"
        );
    }
}

#[test]
fn the_type_of_service_stays_inside() {
    // Nobody listens: an ICMP error, which has the TOS 0xc0, comes back through the tunnel.
    let all = record(&made(TUNNEL), "traceroute -n -m 1 -q 1 10.8.0.2");
    let outer =
        "in IP 10.0.0.2 > 10.0.0.1 ttl 64 DF IPIP [IP 10.8.0.2 > 10.8.0.1 ttl 64 tos 0xc0 ICMP unreachable port";
    let seen = frames(&all, "a:eth0");
    assert!(seen.iter().any(|l| l.starts_with(outer)), "{seen:#?}");
}

/// What `ip -s link` says of sent packets: bytes, packets, errors, dropped, carrier, collisions.
fn sent(record: &Value) -> Vec<String> {
    let events = record["events"].as_array().expect("a list");
    let shown = events.iter().find(|e| e["run"] == "ip -s link show tun1").and_then(|e| e["out"].as_str());
    shown.expect("its output").lines().last().expect("lines").split_whitespace().map(String::from).collect()
}

#[test]
fn a_tunnel_into_itself_counts_collisions_and_says_nothing() {
    let all = record(&made("ip tunnel add tun1 mode ipip remote 10.8.0.2"), "ping -c 2 -i 0.2 -W 1 10.8.0.2");
    assert_eq!(frames(&all, "a:eth0"), [""; 0]);
    assert_eq!(frames(&all, "a:lo"), [""; 0], "no ICMP to ourselves");
    assert_eq!(sent(&all), ["0", "0", "2", "0", "0", "2"]);
}

#[test]
fn a_tunnel_without_a_way_to_its_other_end_counts_carrier_errors_and_says_nothing() {
    let all = record(&made("ip tunnel add tun1 mode ipip remote 192.0.2.1"), "ping -c 2 -i 0.2 -W 1 10.8.0.2");
    assert_eq!(frames(&all, "a:lo"), [""; 0], "no ICMP to ourselves");
    assert_eq!(sent(&all), ["0", "0", "2", "0", "2", "0"]);
}

#[test]
fn a_deleted_tunnel_keeps_its_frames() {
    let all = record(&made(TUNNEL), "ping -c 1 10.8.0.2; ip tunnel del tun1");
    assert_eq!(frames(&all, "a:tun1").len(), 2);
}

#[test]
fn a_burst_is_received_whole_before_what_it_carries_is_answered() {
    let text = format!(
        "lvsim: 1
duration: 3s
nodes:
  lan: {{ kind: switch }}
  a:
    kind: client
    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.1/24 }} }}
    run: {}
  b:
    kind: host
    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.2/24 }} }}
    serves: [ tcp/80 ]
    run: >-
      ip tunnel add tun1 mode ipip local 10.0.0.2 remote 10.0.0.1;
      ip addr add 10.8.0.2/30 dev tun1; ip link set tun1 up
traffic:
  - {{ name: long, from: a, to: '10.8.0.2:80', start: 1s, request: 4kB, response: 100B }}
",
        made(TUNNEL)
    );
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let all: Value = serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON");
    let seen = frames(&all, "b:eth0");
    // The SYN, the SYN+ACK and the ACK come before, each alone.
    let directions: Vec<&str> = seen.iter().skip(3).take(6).map(|l| &l[..2]).collect();
    assert_eq!(directions, ["in", "in", "in", "ou", "ou", "ou"], "{seen:#?}");
}
