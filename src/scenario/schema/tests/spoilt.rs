//! Good files with mistakes made at random: keys dropped, renamed, moved, values of other kinds.

use super::super::json::Json;
use super::{agree, assert_agree, convert, instance};
use crate::scenario::problem::Problems;
use crate::scenario::tree;
use proptest::prelude::*;

/// A file that has most of the format.
const WHOLE: &str = r#"{
 lvsim: 1, name: whole, title: a title, seed: 3, duration: 20s, warmup: 1s,
 defaults: { link: { latency: 50us, bandwidth: 1gbit, loss: 0, mtu: 1500, queue: 10 },
   server: { service_time: { exponential: 20ms, per_byte: 1us }, workers: 4, discipline: ps, speed: 0.5 } },
 nodes: {
   lan: { kind: switch, ageing: 30s }, wan: { kind: switch },
   a: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24, mac: "52:54:00:12:34:56" } }, gateway: 10.0.0.254 },
   g: { kind: real-server, count: 3, interfaces: { eth0: { to: lan, addresses: [10.0.0.10/24, { address: 10.1.0.1/24, label: "eth0:1", scope: host }] }, lo: { address: 10.0.0.9 } },
     sysctl: { net.ipv4.conf.all.arp_ignore: 1, net/ipv4/ip_forward: 0 }, serves: [tcp/80, { port: 53, protocol: udp, backlog: 9 }], packet_rate: 1000/s },
   r: { kind: router, interfaces: { eth0: { to: wan, loss: 1% } }, routes: [10.0.0.0/8 via 10.0.0.1], run: "ls" } },
 links: [{ between: [lan, wan], latency: 1ms }],
 traffic: [{ name: web, from: a, to: "10.0.0.9:80", protocol: tcp, start: 1s, connections: 12, every: 100ms, request: 100B, response: { lognormal: { mean: 1kB, sigma: 1 } }, hold: 0s, timeout: 3s },
   { from: [a], to: "10.0.0.9:80", users: 3, think: { uniform: [1s, 2s] }, requests: 2, source_port: 4000, addresses: 10.2.0.0/16 },
   { from: g, to: "10.0.0.9:80", arrivals: { mmpp: { rates: [100/s, 0], dwell: [1s, 4s] } } },
   { from: a, to: "10.0.0.9:80", arrivals: { steps: [[0s, 10/s], [5s, 0]] } }],
 timeline: [{ at: 5s, node: g-1, run: ls }, { at: 6s, link: [g, lan], set: { up: false, loss: 10% } }, { at: 7s, node: g, serves: tcp/80, set: { speed: 2x } }],
 observe: [{ node: r, run: ls }, { at: 3s, node: g, run: ls }],
 expect: [{ traffic: web, outcomes: { ok: 12 }, marks: 2, title: t, pass: p, fail: f }, { traffic: web, served: { g-1: 3 } }, { traffic: web, sequence: [g-1, "-"] },
   { neighbour: 10.0.0.9, on: a, is: none, at: 3s }, { output: { node: a, run: ls }, contains: x, equals: y }, { dropped: { node: a, reason: no-route }, at_most: 3 }],
 causes: [vip-mask], grade: { hosts: [a, g], keys: run }, x-note: { any: thing } }
"#;

/// What may take the place of a value.
const OTHERS: [&str; 24] = [
    "~",
    "5",
    "0",
    "-1",
    "true",
    "text",
    "\"\"",
    "\"5\"",
    "5ms",
    "1kB",
    "10%",
    "100/s",
    "10.0.0.1",
    "10.0.0.1/24",
    "tcp/80",
    "[]",
    "[a]",
    "[a, b]",
    "{}",
    "{ a: b }",
    "{ mean: 5ms }",
    "{ exponential: 1s }",
    "end",
    "99999999999",
];

/// What a key may become.
const KEYS: [&str; 24] = [
    "x", "x-x", "kind", "at", "node", "run", "link", "set", "serves", "every", "rate", "traffic", "output", "dropped",
    "to", "address", "mean", "csv", "per_byte", "exactly", "up", "none", "lo", "eth0:1",
];

/// One mistake at a place that is found by counting.
#[derive(Clone, Debug)]
struct Mistake {
    place: usize,
    what: u8,
    with: usize,
}

fn mistakes() -> impl Strategy<Value = Vec<Mistake>> {
    let one = (any::<usize>(), 0u8..6, any::<usize>()).prop_map(|(place, what, with)| Mistake { place, what, with });
    prop::collection::vec(one, 1..4)
}

/// All values that are in lists or maps, counted in their order; the one that is meant is changed.
fn spoil(json: &mut Json, left: &mut usize, mistake: &Mistake) -> bool {
    let other = || parsed(OTHERS[mistake.with % OTHERS.len()]);
    match json {
        Json::List(items) => {
            for i in 0..items.len() {
                if *left == 0 {
                    match mistake.what {
                        0 | 1 => drop(items.remove(i)),
                        2 => items.insert(i, other()),
                        _ => items[i] = other(),
                    }
                    return true;
                }
                *left -= 1;
                if spoil(&mut items[i], left, mistake) {
                    return true;
                }
            }
        }
        Json::Map(entries) => {
            for i in 0..entries.len() {
                if *left == 0 {
                    let key = KEYS[mistake.with % KEYS.len()].to_string();
                    match mistake.what {
                        0 => drop(entries.remove(i)),
                        1 if entries.iter().all(|e| e.0 != key) => entries[i].0 = key,
                        2 if entries.iter().all(|e| e.0 != key) => entries.push((key, other())),
                        3 => entries[i].1 = Json::List(vec![entries[i].1.clone()]),
                        _ => entries[i].1 = other(),
                    }
                    return true;
                }
                *left -= 1;
                if spoil(&mut entries[i].1, left, mistake) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}

fn size(json: &Json) -> usize {
    match json {
        Json::List(items) => items.iter().map(|v| 1 + size(v)).sum(),
        Json::Map(entries) => entries.iter().map(|(_, v)| 1 + size(v)).sum(),
        _ => 0,
    }
}

fn parsed(text: &str) -> Json {
    convert::value(&tree::parse(text, 0, 0, &mut Problems::new(&[text])).expect("it is YAML"))
}

#[test]
fn the_whole_file_is_good() {
    assert_agree(WHOLE);
    assert_eq!(super::SCHEMA.check(&instance(WHOLE, false).expect("YAML")), Ok(()));
    assert_eq!(super::structure(WHOLE), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_files_have_one_verdict(mistakes in mistakes()) {
        let mut json = parsed(WHOLE);
        for mistake in &mistakes {
            let mut left = mistake.place % size(&json).max(1);
            spoil(&mut json, &mut left, mistake);
        }
        // JSON is YAML.
        let text = json.pretty();
        if let Err(why) = agree(&text, false) {
            return Err(TestCaseError::fail(why));
        }
    }
}
