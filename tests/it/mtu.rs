//! What is longer than the MTU of who receives it: lost at the card or at the switch's port, and told.

use crate::support::{load, run};
use lvsim::report::why::{Subject, why};
use lvsim::scenario::causes::cause;
use serde_json::Value;

/// What a run came to: the record, and the losses by reason, each with its place.
fn outcome(nodes: &str, rest: &str) -> (Value, Vec<(String, String, u64)>) {
    let text = format!("lvsim: 1\nduration: 5s\nnodes:\n{nodes}{rest}");
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let run = run(&scenario, true, 1_000_000);
    let record = serde_json::from_str(&run.record_json()).expect("JSON");
    let mut lost: Vec<(String, String, u64)> = Vec::new();
    for drop in run.lab().log.drops().filter(|d| !d.harmless()) {
        let (place, said) = (run.lab().log.place(drop.node, drop.dev), drop.reason.to_string());
        match lost.iter_mut().find(|l| (&l.0, &l.1) == (&place, &said)) {
            Some(known) => known.2 += 1,
            None => lost.push((place, said, 1)),
        }
    }
    (record, lost)
}

fn over(place: &str, len: u32, mtu: u32, count: u64) -> (String, String, u64) {
    (place.to_string(), format!("longer than the device takes: {len} bytes, {mtu} fit"), count)
}

/// What a command of `observe` or `timeline` printed.
fn printed(record: &Value, run: &str) -> String {
    let events = record["events"].as_array().expect("a list");
    let event = events.iter().find(|e| e["run"] == run).unwrap_or_else(|| panic!("`{run}` is not in the record"));
    event["out"].as_str().expect("what it printed").to_string()
}

/// Two hosts on one cable without a switch; `a` sends up to 1600 bytes, `b` takes what it says.
fn pair(b: &str) -> String {
    format!(
        "  a:\n    kind: host\n    interfaces: {{ eth0: {{ to: 'b:eth0', address: 10.0.0.1/24, mtu: 1600 }} }}\n  \
         b:\n    kind: host\n    {b}\n    interfaces: {{ eth0: {{ address: 10.0.0.2/24, mtu: 1500 }} }}\n"
    )
}

#[test]
fn a_card_takes_four_bytes_more_than_its_mtu_and_loses_what_is_longer_uncounted_as_received() {
    for b in ["routes: []", "packet_rate: 1000/s"] {
        for (payload, passes) in [(1476, true), (1477, false)] {
            let ping = format!("ping -c 1 -W 1 -s {payload} 10.0.0.2");
            let rest = format!(
                "observe:\n  - {{ at: 1s, node: a, run: {ping} }}\n  \
                 - {{ at: 4s, node: b, run: ip -s link show eth0 }}\n"
            );
            let (record, lost) = outcome(&pair(b), &rest);
            let (said, received) = (printed(&record, &ping), if passes { " 1 received" } else { " 0 received" });
            assert!(said.contains(received), "{payload} bytes, {b}: {said}");
            let wanted = if passes { vec![] } else { vec![over("b:eth0", 1505, 1500, 1)] };
            assert_eq!(lost, wanted, "{payload} bytes, {b}");
            let shown = printed(&record, "ip -s link show eth0");
            let rx: Vec<&str> = shown.lines().nth(3).expect("a row of RX").split_whitespace().collect();
            // The ARP question is received in any case; what is too long is dropped before it counts.
            let (packets, dropped) = (rx[1], rx[3]);
            assert_eq!((packets, dropped), if passes { ("2", "0") } else { ("1", "1") }, "{payload}, {b}: {shown}");
            let seen = record["frames"]["b:eth0"].to_string();
            assert_eq!(seen.contains("echo-request"), passes, "no capture sees it: {seen}");
        }
    }
}

/// Three hosts at a switch; the MTU of each one's cable.
fn at_switch(a: u32, b: u32, c: u32) -> String {
    let host = |name: &str, n: u32, mtu: u32| {
        format!(
            "  {name}:\n    kind: host\n    interfaces: \
             {{ eth0: {{ to: lan, address: 10.0.0.{n}/24, mtu: {mtu} }} }}\n"
        )
    };
    format!("  lan: {{ kind: switch }}\n{}{}{}", host("a", 1, a), host("b", 2, b), host("c", 3, c))
}

#[test]
fn a_port_loses_what_comes_in_too_long_whatever_the_card_at_its_other_end_was_told() {
    let typed = "timeline:\n  - { at: 1s, node: a, run: ip link set eth0 mtu 1600 }\n  \
        - { at: 2s, node: a, run: ping -c 2 -i 0.1 -W 1 -s 1500 10.0.0.2 }\n";
    let (_, lost) = outcome(&at_switch(1500, 1500, 1500), typed);
    assert_eq!(lost, [over("lan", 1528, 1500, 2)]);
    let (_, lost) = outcome(&at_switch(1600, 1600, 1500), typed);
    assert_eq!(lost, [], "the port to c is none of theirs");
}

#[test]
fn a_port_loses_what_goes_out_too_long() {
    let ping = "observe:\n  - { at: 1s, node: a, run: ping -c 2 -i 0.1 -W 1 -s 1500 10.0.0.2 }\n";
    let (_, lost) = outcome(&at_switch(1600, 1500, 1600), ping);
    assert_eq!(lost, [over("lan", 1528, 1500, 2)]);
}

#[test]
fn a_flooded_frame_reaches_those_whose_ports_take_it() {
    // The switch has never heard of b, and a knows its hardware address: what it sends goes to all.
    let rest = "observe:\n  - { at: 1s, node: a, run: 'ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0' }\n  \
        - { at: 2s, node: a, run: ping -c 1 -W 1 -s 1500 10.0.0.2 }\n";
    let (record, lost) = outcome(&at_switch(1600, 1600, 1500), rest);
    assert_eq!(lost, [over("lan", 1528, 1500, 1)], "c's copy");
    assert!(record["frames"]["b:eth0"].to_string().contains("echo-request"), "{record}");
    let (_, lost) = outcome(&at_switch(1600, 1500, 1500), rest);
    assert_eq!(lost, [over("lan", 1528, 1500, 2)], "both copies");
}

#[test]
fn an_entry_of_the_timeline_changes_both_ends_of_a_cable() {
    let wider = "timeline:\n  - { at: 500ms, link: ['a:eth0', lan], set: { mtu: 1600 } }\n  \
        - { at: 500ms, link: ['b:eth0', lan], set: { mtu: 1600 } }\n  \
        - { at: 2s, node: a, run: ping -c 1 -W 1 -s 1500 10.0.0.2 }\n";
    let (record, lost) = outcome(&at_switch(1500, 1500, 1500), wider);
    assert_eq!(lost, []);
    assert!(record["frames"]["b:eth0"].to_string().contains("ICMP echo-request seq 1 len 1500"), "{record}");
}

#[test]
fn why_names_the_port_the_sender_and_what_to_type() {
    let text = "lvsim: 1
nodes:
  lan: { kind: switch }
  a:
    kind: client
    interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } }
    run: ip link set eth0 mtu 1600
  b:
    kind: host
    interfaces: { eth0: { to: lan, address: 10.0.0.2/24 } }
    serves: [udp/53]
traffic:
  - { name: ask, from: a, to: '10.0.0.2:53', protocol: udp, start: 1s, request: 1550B, timeout: 1s }
expect:
  - { traffic: ask, outcomes: { ok: 1 } }
";
    let scenario = load("case.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let run = run(&scenario, true, 1_000_000);
    let lab = run.lab();
    let told = why(&lab, &Subject::Any).expect("an answer");
    let happens = cause("mtu").expect("a row").happens().to_string();
    assert!(happens.contains("a card or a switch port that gets more than its MTU drops it"), "{happens}");
    let [found] = &told.causes[..] else { panic!("{:?}", told.causes) };
    assert_eq!((found.code, lab.name(found.node)), ("mtu", "lan"));
    assert_eq!(found.detail.to_string(), "lan, the port of a:eth0: longer than the device takes: 1578 bytes, 1500 fit");
    assert!(found.cure.to_string().starts_with("on a: ip link set eth0 mtu 1500;"), "{}", found.cure);
}
