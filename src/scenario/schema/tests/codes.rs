//! Every code of a problem: a file that parser and schema both refuse, or the reason why a schema cannot see it.

use super::{BEYOND, SCHEMA, agree, instance, names};
use crate::lang::Lang;
use crate::scenario::load;
use crate::scenario::problem::{CODES, Problem};
use crate::scenario::schema::Why;
use std::collections::BTreeSet;

/// What all these files begin with.
const NETWORK: &str = "\
lvsim: 1
nodes:
  lan: { kind: switch }
  a: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  g: { kind: real-server, count: 3, interfaces: { eth0: { to: lan, address: 10.0.0.10/24 } }, serves: [tcp/80] }
  b: { kind: host, interfaces: { eth0: { to: lan }, lo: { address: 10.0.0.9 } } }
";

/// Files that both refuse: what follows the network, and the code. `=` begins a whole file.
const BOTH: &[(&str, &str)] = &[
    ("E001", "=# only a comment\n"),
    ("E014", "trafic: []"),
    ("E014", "  c: { kind: host, adress: 10.0.0.1 }"),
    ("E014", "defaults: { link: { latancy: 1ms } }"),
    ("E014", "traffic: [{ from: a, to: 10.0.0.9:80, evry: 1ms }]"),
    ("E014", "expect: [{ neighbor: 10.0.0.1, on: a, is: b }]"),
    ("E015", "=nodes: {}\n"),
    ("E015", "=lvsim: 1\n"),
    ("E015", "  c: {}"),
    ("E015", "traffic: [{ from: a }]"),
    ("E015", "  c: { kind: host, serves: [{ protocol: tcp }] }"),
    ("E015", "timeline: [{ at: 1s, link: [a, lan] }]"),
    ("E015", "timeline: [{ at: 1s, link: [a, lan], set: {} }]"),
    ("E015", "traffic: [{ from: a, to: 10.0.0.9:80, arrivals: {} }]"),
    ("E015", "expect: [{ outcomes: { ok: 1 } }]"),
    ("E016", "=- a list\n"),
    ("E016", "title: [a]"),
    ("E016", "seed:"),
    ("E016", "traffic: { from: a }"),
    ("E016", "  c: switch"),
    ("E016", "  c: { kind: host, interfaces: [eth0] }"),
    ("E016", "  c: { kind: host, sysctl: [net.ipv4.ip_forward: 1] }"),
    ("E016", "  c: { kind: host, run: [ls] }"),
    ("E016", "traffic: [{ from: [], to: 10.0.0.9:80 }]"),
    ("E016", "links: [{ between: [lan] }]"),
    ("E017", "seed: -1"),
    ("E017", "seed: many"),
    ("E017", "defaults: { link: { mtu: 20 } }"),
    ("E017", "defaults: { link: { mtu: 1_500 } }"),
    ("E017", "traffic: [{ from: a, to: 10.0.0.9:80, connections: 10000001 }]"),
    ("E017", "defaults: { server: { speed: fast } }"),
    ("E017", "defaults: { server: { service_time: { pareto: { mean: 1ms, shape: 1 } } } }"),
    ("E018", "timeline: [{ at: 1s, link: [a, lan], set: { up: off } }]"),
    ("E019", "traffic: [{ from: a, to: 10.0.0.9:80, every: 1ms, rate: 5/s }]"),
    ("E019", "defaults: { server: { service_time: { uniform: [1ms, 2ms], exponential: 1ms } } }"),
    ("E019", "defaults: { server: { service_time: { hyperexponential: { mean: 1ms, cv2: 2, p: 0.9 } } } }"),
    ("E019", "timeline: [{ at: 1s, link: [a, lan], set: { up: true }, node: a }]"),
    ("E019", "expect: [{ dropped: { node: a }, exactly: 1, at_least: 2 }]"),
    ("E020", "=lvsim: 2\n"),
    ("E021", "name: a/b"),
    ("E021", "  'c d': { kind: host }"),
    ("E021", "  none: { kind: host }"),
    ("E021", "  c: { kind: host, interfaces: { 'eth0:1': {} } }"),
    ("E021", "  c: { kind: host, interfaces: { all: {} } }"),
    ("E023", "duration: 10"),
    ("E023", "duration: '1:30'"),
    ("E023", "warmup: 8785h"),
    ("E023", "traffic: [{ from: a, to: 10.0.0.9:80, rate: 0/s }]"),
    ("E024", "defaults: { link: { bandwidth: 1Gbps } }"),
    ("E024", "defaults: { link: { bandwidth: 0mbit } }"),
    ("E025", "traffic: [{ from: a, to: 10.0.0.9:80, request: 1xB }]"),
    ("E025", "traffic: [{ from: a, to: 10.0.0.9:80, response: 2GB }]"),
    ("E026", "defaults: { link: { loss: 0.1 } }"),
    ("E026", "defaults: { link: { loss: 101% } }"),
    ("E027", "  c: { kind: host, gateway: 10.0.0.1/24 }"),
    ("E027", "  c: { kind: host, interfaces: { eth0: { address: 10.0.0.256/24 } } }"),
    ("E028", "  c: { kind: host, interfaces: { eth0: { mac: 01:00:00:00:00:01 } } }"),
    ("E028", "  c: { kind: host, interfaces: { eth0: { mac: 00:00:00:00:00:00 } } }"),
    ("E029", "traffic: [{ from: a, to: 10.0.0.9 }]"),
    ("E029", "traffic: [{ from: a, to: b:80 }]"),
    ("E030", "  c: { kind: swich }"),
    ("E030", "  c: { kind: host, serves: [80] }"),
    ("E030", "traffic: [{ from: a, to: 10.0.0.9:80, protocol: icmp }]"),
    ("E030", "traffic: [{ name: t, from: a, to: 10.0.0.9:80 }]\nexpect: [{ traffic: t, outcomes: { okay: 1 } }]"),
    ("E033", "  c: { kind: switch, run: ls }"),
    ("E033", "  c: { kind: host, ageing: 3s }"),
    ("E033", "  c: { kind: host, interfaces: { lo: { to: lan } } }"),
    ("E033", "observe: [{ at: end, link: [a, lan], set: { up: true } }]"),
    ("E034", "  c: { kind: host, sysctl: { net.ipv4.conf.eth0.arp_ingore: 1 } }"),
    ("E034", "  c: { kind: host, sysctl: { net.ipv4.neigh.all.locktime: 1 } }"),
    ("E035", "  c: { kind: host, sysctl: { net.ipv4.ip_forward: on } }"),
    ("E035", "  c: { kind: host, sysctl: { net.ipv4.ip_default_ttl: 256 } }"),
    ("E037", "expect: [{ dropped: { node: a, reason: old-age } }]"),
    ("E046", "causes: [vip-musk]"),
];

/// Files that the schema takes and the parser refuses, one at least for each reason that a value can show.
const PARSER_ONLY: &[(&str, &str)] = &[
    ("E012", "timeline: [{ at: 1s, link: [a:eth1, lan], set: { up: false } }]"),
    ("E015", "traffic: [{ from: a, to: 10.0.0.9:80, users: 5 }]"),
    ("E017", "defaults: { server: { service_time: { uniform: [5ms, 1ms] } } }"),
    ("E017", "traffic: [{ from: a, to: 10.0.0.9:80, arrivals: { mmpp: { rates: [5/s], dwell: [1s, 2s] } } }]"),
    ("E017", "traffic: [{ from: a, to: 10.0.0.9:80, arrivals: { mmpp: { rates: [0], dwell: [1s] } } }]"),
    ("E017", "traffic: [{ from: a, to: 10.0.0.9:80, arrivals: { steps: [[5s, 1/s], [1s, 2/s]] } }]"),
    ("E017", "traffic: [{ from: a, to: 10.0.0.9:80, arrivals: { trace: [5s, 1s] } }]"),
    ("E017", "seed: 1e3"),
    ("E017", "defaults: { link: { mtu: 0x5dc } }"),
    ("E017", "defaults: { server: { speed: 0.1234567 } }"),
    ("E019", "traffic: [{ from: a, to: 10.0.0.9:80, users: 5, connections: 9, arrivals: { csv: trace.csv } }]"),
    ("E019", "traffic: [{ from: [a, b], to: 10.0.0.9:80, addresses: 10.0.0.0/24 }]"),
    ("E020", "=lvsim: 1.0\nnodes: {}\n"),
    ("E021", "  c: { kind: host, interfaces: { eth0: { address: { address: 10.0.0.7, label: ppp0 } } } }"),
    ("E021", "name: web🙂"),
    ("E022", "  g-2: { kind: host }"),
    ("E025", "traffic: [{ from: a, to: 10.0.0.9:80, protocol: udp, request: 1MB }]"),
    ("E027", "traffic: [{ from: a, to: 10.0.0.9:80, addresses: 10.0.0.1/24 }]"),
    ("E031", "links: [{ between: [lan, lan] }]"),
    ("E032", "  c: { kind: host, interfaces: { eth0: { to: 'b:eth0' } } }"),
    ("E033", "  c: { kind: host, interfaces: { eth0: { to: 'b:lo' } } }"),
    ("E035", "  c: { kind: host, sysctl: { net.ipv4.ip_local_port_range: 5 1 } }"),
    ("E036", "expect: [{ traffic: web, outcomes: { ok: 1 } }]"),
    ("E038", "  c: { kind: host, interfaces: { eth0: { addresses: [10.0.0.7/24, 10.0.0.7/24] } } }"),
    ("E039", "timeline: [{ at: 1s, link: [a, b], set: { up: false } }]"),
    ("E040", "traffic: [{ from: clinet, to: 10.0.0.9:80 }]"),
    ("E041", "observe: [{ node: lan, run: ls }]"),
    ("E042", "  c: { kind: host, count: 3, interfaces: { eth0: { address: 255.255.255.254/32 } } }"),
    (
        "E043",
        "  c: { kind: host, interfaces: { eth0: { to: 'd:eth0', loss: 1% } } }\n  \
         d: { kind: host, interfaces: { eth0: { to: 'c:eth0', loss: 2% } } }",
    ),
    ("E044", "  c: { kind: host, serves: [tcp/80, { port: 80 }] }"),
    ("E045", "expect: [{ neighbour: 10.0.0.1, on: a, is: g }]"),
    ("E047", "timeline: [{ at: 1s, node: a, serves: tcp/80, set: { speed: 1 } }]"),
    ("E052", "traffic: [{ from: a, to: 10.0.0.9:80, request: { csv: words.csv } }]"),
    ("E060", "  c: { kind: host, count: 100000 }"),
];

fn file(text: &str) -> String {
    text.strip_prefix('=').map_or_else(|| format!("{NETWORK}{text}\n"), str::to_string)
}

fn refused(text: &str) -> Vec<Problem> {
    load("case.yaml", text, &[], &names()).err().unwrap_or_default()
}

#[test]
fn every_problem_is_said_in_chinese() {
    let han = |words: &str| words.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for (code, text) in BOTH.iter().chain(PARSER_ONLY) {
        for problem in refused(&file(text)) {
            for told in std::iter::once(&problem.title).chain(&problem.help) {
                let (english, chinese) = (told.say(Lang::En), told.say(Lang::Zh));
                assert!(!han(&english) && han(&chinese), "{code}: {english}: {chinese}");
            }
        }
    }
}

#[test]
fn what_both_refuse() {
    assert_eq!(agree(NETWORK, false), Ok(()));
    assert_eq!(SCHEMA.check(&instance(NETWORK, false).expect("YAML")), Ok(()));
    for (code, text) in BOTH {
        let text = file(text);
        let problems = refused(&text);
        assert_eq!(problems.iter().map(|p| p.code).collect::<Vec<_>>()[..1], [*code], "{text}{problems:#?}");
        // In quotes a value of a variable has no bounds.
        let forms: &[bool] = if *code == "E035" { &[false] } else { &[false, true] };
        for &quotes in forms {
            // An empty file is nothing.
            let instance = instance(&text, quotes).unwrap_or_default();
            assert!(SCHEMA.check(&instance).is_err(), "the schema takes {code}: {text}");
        }
    }
}

#[test]
fn what_only_the_parser_refuses_has_its_reason_in_the_table() {
    let mut shown = BTreeSet::new();
    for (code, text) in PARSER_ONLY {
        let text = file(text);
        let problems = refused(&text);
        let [problem] = problems.as_slice() else { panic!("{text}{problems:#?}") };
        assert_eq!(problem.code, *code, "{text}{problem:#?}");
        assert_eq!(SCHEMA.check(&instance(&text, false).expect("YAML")), Ok(()), "{code}: {text}");
        let fits = |row: &&super::super::Beyond| {
            row.code == *code && row.title.is_none_or(|title| problem.title.to_string().contains(title))
        };
        // What the problem's line tells goes before what it does not tell.
        let row = BEYOND.iter().filter(fits).max_by_key(|row| row.title.map(str::len));
        let row = row.unwrap_or_else(|| panic!("{code} has no row in BEYOND: {}", problem.title));
        shown.insert((row.code, row.title));
    }
    for row in BEYOND.iter().filter(|row| row.why != Why::Text && row.code != "E016") {
        let by_option = ["E050", "E051"].contains(&row.code);
        assert!(by_option || shown.contains(&(row.code, row.title)), "no file shows {} {:?}", row.code, row.title);
    }
}

#[test]
fn a_line_is_counted_in_bytes_and_a_schema_counts_letters() {
    let line = |letter: &str| format!("{NETWORK}  c: {{ kind: host, routes: [\"{}\"] }}\n", letter.repeat(4096));
    assert_eq!(agree(&line("r"), false), Ok(()));
    assert_eq!(refused(&line("路"))[0].code, "E016");
    assert_eq!(SCHEMA.check(&instance(&line("路"), false).expect("YAML")), Ok(()));
    assert!(
        SCHEMA
            .check(
                &instance(&format!("{NETWORK}  c: {{ kind: host, routes: [\"{}\"] }}\n", "r".repeat(4097)), false)
                    .expect("YAML")
            )
            .is_err()
    );
}

#[test]
fn every_code_is_refused_by_the_schema_or_has_a_reason() {
    let both: BTreeSet<&str> = BOTH.iter().map(|b| b.0).collect();
    for code in CODES.iter().filter(|code| code.starts_with('E')) {
        let what = crate::scenario::problem::meaning(code);
        let whole = BEYOND.iter().any(|row| row.code == *code && row.title.is_none());
        assert!(
            whole != both.contains(code),
            "{code} ({what}): a file in BOTH, or a row in BEYOND that says why no schema can see it"
        );
    }
    for row in BEYOND {
        assert!(CODES.contains(&row.code), "{} is no code", row.code);
    }
    assert!(BEYOND.windows(2).all(|w| w[0].code <= w[1].code), "sorted by code");
}
