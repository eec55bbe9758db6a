//! Bad files: each problem has its code and place, and nothing else is told.

use super::*;

/// Reads `text`, in which `¦` stands before the place of each problem, and compares codes and places.
#[track_caller]
fn check(text: &str, codes: &[&str]) {
    let mut wanted = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in text.chars() {
        match c {
            '¦' => wanted.push((line, column)),
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
    }
    let text = text.replace('¦', "");
    let problems = load_text(&text).err().unwrap_or_default();
    assert_eq!(schema::tests::agree(&text, true), Ok(()));
    let found: Vec<_> = problems.iter().map(|p| (p.code, p.place.line, p.place.column)).collect();
    let wanted: Vec<_> = codes.iter().zip(&wanted).map(|(&code, &(line, column))| (code, line, column)).collect();
    assert_eq!(found, wanted, "\n{}", render(&problems, "case.yaml", &text, false));
    assert_eq!(codes.len(), wanted.len(), "as many codes as marks");
    for problem in &problems {
        assert!(problem.help.as_ref().is_some_and(|h| !h.is_none()), "{} has no remedy", problem.title);
        assert!(!problem.label.is_none(), "{} has no label", problem.title);
    }
}

/// The same for what follows the small network.
#[track_caller]
fn after(text: &str, codes: &[&str]) {
    check(&format!("{NETWORK}{text}"), codes);
}

/// The remedy of the only problem of what follows the small network.
fn remedy(text: &str) -> String {
    let problems = load_text(&format!("{NETWORK}{text}")).err().unwrap_or_default();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].help.clone().unwrap_or_default().to_string()
}

#[test]
fn yaml_itself() {
    check("¦", &["E001"]);
    check("¦# only a comment\n\n", &["E001"]);
    check("¦~\n", &["E001"]);
    check("¦- a list\n", &["E016"]);
    check("lvsim: 1\nnodes:\n\t¦lan: { kind: switch }\n", &["E004"]);
    check("lvsim: 1\ntitle: a¦: b\n", &["E003"]);
    check("lvsim: 1\nabout: ¦\"no end\n", &["E003"]);
    check("lvsim: 1\nnodes: ¦{ a: b\n", &["E003"]);
    check("lvsim: 1\ntitle: ¦@home\n", &["E003"]);
    check("lvsim: 1\ntitle: a¦\u{8}\n", &["E006"]);
    check("lvsim: 1\ntitle: it's # 'tis\nabout: ¦'it''s\nseed: 1\n", &["E003"]);
    check("lvsim: 1\nnodes: {}\n¦---\nlvsim: 1\n", &["E010"]);
    check("lvsim: 1\nnodes: {}\n¦: 5\n", &["E011"]);
    check("lvsim: 1\nnodes: {}\n? ¦[a, b]\n: 5\n", &["E011"]);
    check("lvsim: 1\nnodes: {}\ntitle: ¦*nobody\nseed: ¦*nothing\n", &["E061", "E061"]);
    check("lvsim: 1\nnodes: &n { a: ¦*n }\n", &["E061"]);
    check("lvsim: 1\nnodes: {}\nseed: !dice ¦4\n", &["E013"]);
    check("lvsim: 1\nnodes: {}\ntitle: a\n¦title: b\n", &["E007"]);
    check("lvsim: 1\nnodes: {}\ntitle: ¦\u{feff}x\n", &["E005"]);
    after("expect: [{ traffic: web, sequence: [rs1, ¦-, rs1] }]\n", &["E003"]);
}

#[test]
fn a_tab_is_named() {
    let problems = load_text("lvsim: 1\nnodes:\n\tlan: { kind: switch }\n").err().unwrap_or_default();
    assert!(problems[0].title.to_string().contains("tab"));
}

#[test]
fn version_and_top_level() {
    check("lvsim: ¦2\nfoo: bar\n", &["E020"]);
    check("lvsim: ¦1.0\n", &["E020"]);
    check("¦nodes: {}\n", &["E015"]);
    check("¦lvsim: 1\n", &["E015"]);
    after("¦trafic: []\n", &["E014"]);
    after("name: ¦a/b\nseed: ¦-1\nduration: ¦10\ntitle: ¦[a]\n", &["E021", "E017", "E023", "E016"]);
    after("¦seed:\n", &["E016"]);
    after("traffic: ¦{ from: client }\n", &["E016"]);
    after("defaults: { link: { ¦latancy: 1ms }, ¦links: {} }\n", &["E014", "E014"]);
    assert_eq!(remedy("trafic: []\n"), "did you mean `traffic`?");
}

#[test]
fn nodes() {
    after("  ¦a:\n", &["E015"]);
    after("  a: ¦switch\n", &["E016"]);
    after("  a: { kind: ¦swich }\n", &["E030"]);
    after("  ¦\"a b\": { kind: host }\n  ¦none: { kind: host }\n", &["E021", "E021"]);
    after("  ¦client: { kind: host }\n", &["E007"]);
    after("  b: { kind: switch, ¦interfaces: { eth0: {} }, ¦run: ls }\n", &["E033", "E033"]);
    after("  b: { kind: host, ¦ageing: 3s, ¦adress: x }\n", &["E033", "E014"]);
    after("  b: { kind: host, gateway: ¦10.0.0.1/24, routes: ¦{ a: b } }\n", &["E027", "E016"]);
    after("  b: { kind: host, run: ¦[a, b] }\n", &["E016"]);
    after("  b: { kind: host, count: ¦100000 }\n", &["E060"]);
    after("  b: { kind: host, count: ¦0 }\n", &["E017"]);
    check(&format!("{}  rs-2: {{ kind: host }}\n", NETWORK.replace("  rs:", "  ¦rs:")), &["E022"]);
}

#[test]
fn lists_where_maps_are_wanted() {
    after("  b:\n    kind: host\n    interfaces:\n      ¦- eth0: { to: lan }\n", &["E016"]);
    after("  b:\n    kind: host\n    sysctl:\n      ¦- net.ipv4.ip_forward: 1\n", &["E016"]);
    check("lvsim: 1\nnodes:\n  ¦- lan\n  - client\n", &["E016"]);
    assert!(remedy("  b: { kind: host, interfaces: [eth0] }\n").contains("without dashes"));
}

#[test]
fn interfaces() {
    let with = |words: &str| format!("  b: {{ kind: host, interfaces: {{ {words} }} }}\n");
    after(&with("eth0: { to: ¦lann }"), &["E040"]);
    after(&with("eth0: { to: ¦client }"), &["E041"]);
    after(&with("eth0: { to: ¦'lan:p1' }"), &["E041"]);
    after(&with("eth0: { to: ¦'b:eth0' }"), &["E031"]);
    after(&with("eth0: { to: ¦'client:eth0' }"), &["E032"]);
    after(&with("eth0: { to: ¦'client:eth7' }"), &["E012"]);
    after(&with("eth0: { to: ¦'client:lo' }"), &["E033"]);
    after(&with("eth0: { to: ¦'rs:eth0' }"), &["E045"]);
    after(&with("¦'eth0:1': {}, ¦averylonginterface0: {}, ¦all: {}"), &["E021", "E021", "E021"]);
    after(&with("lo: { ¦to: lan, ¦latency: 1ms }"), &["E033", "E033"]);
    after(&with("eth0: { address: ¦10.0.0.256/24 }"), &["E027"]);
    after(&with("eth0: { address: ¦10.0.0.1/33 }"), &["E027"]);
    after(&with("eth0: { address: ¦'fe80::1/64' }"), &["E027"]);
    after(&with("eth0: { addresses: [10.0.0.1/24, ¦10.0.0.1/24] }"), &["E038"]);
    after(&with("eth0: { addresses: [{ address: 10.0.0.1/24, label: ¦ppp0, scope: ¦hosst }] }"), &["E021", "E030"]);
    after(&with("eth0: { mac: ¦01:00:00:00:00:01 }, eth1: { mac: ¦52:54 }"), &["E028", "E028"]);
    after(&with("eth0: { ¦to:lan }"), &["E014"]);
    assert_eq!(remedy(&with("eth0: { to:lan }")), "write `to: lan`");
    assert_eq!(remedy(&with("eth0: { to: client }")), "for a cable between two hosts write `client:eth0`");
}

#[test]
fn an_interface_has_one_cable() {
    let two = "\
lvsim: 1
nodes:
  a: { kind: host, interfaces: { eth0: { to: 'b:eth0' } } }
  b: { kind: host, interfaces: { eth0: {} } }
  c: { kind: host, interfaces: { eth0: { to: ¦'b:eth0' } } }
";
    check(two, &["E032"]);
    let group = "\
lvsim: 1
nodes:
  b: { kind: host, interfaces: { eth0: {} } }
  c: { kind: host, count: 2, interfaces: { eth0: { to: ¦'b:eth0' } } }
";
    check(group, &["E032"]);
    let disagree = "\
lvsim: 1
nodes:
  a: { kind: host, interfaces: { eth0: { to: 'b:eth0', latency: 1ms } } }
  b: { kind: host, interfaces: { eth0: { to: 'a:eth0', latency: ¦2ms } } }
";
    check(disagree, &["E043"]);
}

#[test]
fn cables_of_switches() {
    after("links: [{ between: [lan, ¦client] }, { between: [lan, ¦lan] }]\n", &["E041", "E031"]);
    after("links: [{ between: ¦[lan] }, ¦{ latency: 1ms }, { between: [lan, ¦land] }]\n", &["E016", "E015", "E040"]);
}

#[test]
fn words_that_describe_a_cable() {
    let with = |words: &str| format!("defaults: {{ link: {{ {words} }} }}\n");
    after(
        &with("latency: ¦5, bandwidth: ¦1Gbps, loss: ¦0.1, mtu: ¦20, queue: ¦0"),
        &["E023", "E024", "E026", "E017", "E017"],
    );
    after(&with("latency: ¦1:30, bandwidth: ¦0mbit, loss: ¦101%"), &["E023", "E024", "E026"]);
    after(&with("latency: ¦-1ms, mtu: ¦1_500"), &["E023", "E017"]);
    assert_eq!(remedy(&with("latency: 1:30")), "to the base 60 it would be 90: write `90s`");
    assert_eq!(remedy(&with("mtu: 1_500")), "write `1500`");
}

#[test]
fn sysctls() {
    let with = |words: &str| format!("  b: {{ kind: host, sysctl: {{ {words} }} }}\n");
    after(&with("¦net.ipv4.conf.eth0.arp_ingore: 1"), &["E034"]);
    after(&with("net.ipv4.ip_forward: ¦on"), &["E035"]);
    after(&with("net.ipv4.ip_forward: ¦maybe"), &["E035"]);
    assert_eq!(remedy(&with("net.ipv4.conf.eth0.arp_ingore: 1")), "did you mean `net.ipv4.conf.eth0.arp_ignore`?");
    assert_eq!(remedy(&with("net/ipv4/ip_forwrd: 1")), "did you mean `net.ipv4.ip_forward`?");
    assert_eq!(remedy(&with("net.ipv4.ip_forward: yes")), "write `1`");
}

#[test]
fn servers() {
    let with = |words: &str| format!("  b: {{ kind: host, serves: [{words}] }}\n");
    after(&with("¦80, ¦tcp/99999, tcp/80, { port: ¦80 }, ¦{ protocol: tcp }"), &["E030", "E030", "E044", "E015"]);
    after(&with("{ port: 80, service_time: { pareto: { mean: 1ms, shape: ¦1 } } }"), &["E017"]);
    after(&with("{ port: 80, service_time: { ¦pareta: {} } }, { port: 81, service_time: ¦{} }"), &["E014", "E015"]);
    after(&with("{ port: 80, service_time: { uniform: [1ms, 2ms], ¦exponential: 1ms } }"), &["E019"]);
    after(&with("{ port: 80, service_time: { uniform: ¦[5ms, 1ms] } }"), &["E017"]);
    after(&with("{ port: 80, discipline: ¦lifo, speed: ¦fast, max_connections: ¦0 }"), &["E030", "E017", "E017"]);
    after(&with("{ port: 80, service_time: { bounded_pareto: { mean: 1ms, shape: ¦0, ratio: ¦1 } } }"), &["E017"; 2]);
    after(&with("{ port: 80, service_time: { hyperexponential: { mean: 1ms, cv2: 2, ¦p: 0.9 } } }"), &["E019"]);
    after(&with("{ port: 80, service_time: { hyperexponential: ¦{ mean: 1ms } } }"), &["E015"]);
    after(&with("{ port: 80, service_time: { hyperexponential: { mean: 1ms, cv2: ¦0.5 } } }"), &["E017"]);
    after(&with("{ port: 80, service_time: { list: ¦[] } }"), &["E017"]);
    after(&with("{ port: 80, service_time: { per_byte: ¦10B } }"), &["E023"]);
    after(&with("{ port: 80, service_time: { csv: ¦none.csv } }"), &["E052"]);
    after(&with("{ port: 80, service_time: { csv: ¦words.csv } }"), &["E052"]);
    after(&with("{ port: 80, service_time: { csv: ¦empty.csv } }"), &["E052"]);
}

#[test]
fn traffic() {
    let with = |words: &str| format!("traffic:\n  - {{ {words} }}\n");
    after("traffic: [¦¦{}]\n", &["E015", "E015"]);
    after(&with("from: ¦clinet, to: 10.0.0.10:80"), &["E040"]);
    after(&with("from: ¦lan, to: 10.0.0.10:80"), &["E041"]);
    after(&with("from: ¦rs-4, to: 10.0.0.10:80"), &["E040"]);
    after(&with("from: ¦[], to: ¦10.0.0.10, protocol: ¦icmp"), &["E016", "E029", "E030"]);
    after(&with("from: client, to: ¦10.0.0.10:0"), &["E029"]);
    after(&with("from: client, to: ¦'rs1:80'"), &["E029"]);
    after(&with("from: client, to: 10.0.0.10:80, every: 1ms, ¦rate: 5/s"), &["E019"]);
    after(&with("from: client, to: 10.0.0.10:80, rate: ¦5"), &["E023"]);
    after(&with("from: client, to: 10.0.0.10:80, rate: ¦0/s"), &["E023"]);
    after(&with("from: client, to: 10.0.0.10:80, arrivals: { ¦poison: 5/s }"), &["E014"]);
    let to = "from: client, to: 10.0.0.10:80";
    after(&with(&format!("{to}, arrivals: {{ mmpp: {{ rates: [5/s], dwell: ¦[1s, 2s] }} }}")), &["E017"]);
    after(&with(&format!("{to}, arrivals: {{ mmpp: ¦{{ rates: [0], dwell: [1s] }} }}")), &["E017"]);
    after(&with(&format!("{to}, arrivals: {{ mmpp: {{ rates: [¦x], dwell: ¦5s }} }}")), &["E023", "E016"]);
    after(&with(&format!("{to}, arrivals: {{ steps: ¦[[5s, 1/s], [1s, 2/s]] }}")), &["E017"]);
    after(&with(&format!("{to}, arrivals: {{ steps: [¦5s] }}")), &["E016"]);
    after(&with(&format!("{to}, arrivals: {{ trace: ¦[5s, 1s] }}")), &["E017"]);
    after(&with(&format!("{to}, arrivals: {{ csv: ¦back.csv }}")), &["E017"]);
    after(&with(&format!("{to}, arrivals: {{ csv: ¦none.csv }}")), &["E052"]);
    after(&with(&format!("{to}, users: ¦5")), &["E015"]);
    after(&with(&format!("{to}, users: ¦5, connections: 9, arrivals: {{ csv: trace.csv }}")), &["E019"]);
    after(&with(&format!("{to}, addresses: ¦10.0.0.1/24")), &["E027"]);
    after(&with(&format!("{to}, addresses: ¦0.0.0.0/4")), &["E027"]);
    after(&with("from: [client, rs], to: 10.0.0.10:80, addresses: ¦10.0.0.0/24"), &["E019"]);
    after(&with(&format!("{to}, response: {{ exponential: ¦20ms }}, think: ¦1kB")), &["E025", "E023"]);
    after("timeline: [{ at: 1s, node: rs, serves: ¦tcp/80, set: { speed: 1 } }]\n", &["E047"]);
    after("timeline: [{ at: 1s, node: rs, serves: ¦tcp, set: ¦{ ¦sped: 1 } }]\n", &["E030", "E015", "E014"]);
    after("timeline: [{ at: 1s, node: rs, serves: ¦tcp/80, ¦run: ls, set: { speed: 1 } }]\n", &["E047", "E019"]);
    after("warmup: ¦5\n", &["E023"]);
    after(
        &with("from: client, to: 10.0.0.10:80, connections: ¦10000001, request: ¦1xB, source_port: ¦0"),
        &["E017", "E025", "E017"],
    );
    after(&with("from: client, to: 10.0.0.10:80, protocol: udp, request: ¦1MB"), &["E025"]);
    after(&with("from: client, to: 10.0.0.10:80, ¦evry: 1ms"), &["E014"]);
    after(
        &with("name: a, from: client, to: 10.0.0.10:80 }\n  - { name: ¦a, from: client, to: 10.0.0.10:80"),
        &["E022"],
    );
    after(
        &with(
            "from: client, to: 10.0.0.10:80, connections: 9000000 }\n  - { from: client, to: 10.0.0.10:80, connections: ¦9000000",
        ),
        &["E060"],
    );
}

#[test]
fn timeline_and_observe() {
    let with = |words: &str| format!("timeline:\n  - {{ {words} }}\n");
    after(&with("at: 5s, link: [¦rs1:eth1, lan], set: { up: false }"), &["E012"]);
    after(&with("at: 5s, link: [¦rs1, client], set: { up: false }"), &["E039"]);
    after(&with("at: 5s, link: [rs1, lan], set: { up: ¦off }"), &["E018"]);
    after(&with("at: 5s, link: [rs, ¦rs], set: { up: false }"), &["E045"]);
    after(&with("at: 5s, link: [rs1, ¦lan:p1], set: { up: false }"), &["E041"]);
    after("timeline:\n  - ¦{ at: 5s, link: [rs1, lan] }\n", &["E015"]);
    after(&with("at: 5s, link: [rs1, lan], ¦set: {}"), &["E015"]);
    after(&with("at: ¦soon, link: [rs1, lan], ¦set: {}"), &["E023", "E015"]);
    after(&with("at: 5s, link: [rs1, lan], set: { up: true }, ¦node: rs1"), &["E019"]);
    after(&with("at: ¦soon, node: ¦lan, run: ls"), &["E023", "E041"]);
    after("timeline:\n  - ¦{ node: rs1, run: ls }\n", &["E015"]);
    after("observe:\n  - { at: end, ¦link: [rs1, lan], ¦set: { up: true } }\n", &["E033", "E033"]);
    let two = "  b: { kind: host, interfaces: { e0: { to: lan }, e1: { to: lan } } }\ntimeline:\n  - { at: 1s, link: [¦b, lan], set: { up: false } }\n";
    after(two, &["E039"]);
    assert_eq!(remedy(&two.replace('¦', "")), "name the interface: b:e0 and b:e1");
    assert_eq!(remedy(&with("at: 5s, link: [rs1:eth1, lan], set: { up: false }")), "did you mean `rs1:eth0`?");
}

#[test]
fn expectations() {
    let with = |words: &str| {
        format!("traffic: [{{ name: web, from: client, to: 10.0.0.10:80 }}]\nexpect:\n  - {{ {words} }}\n")
    };
    after(&with("traffic: ¦wep, outcomes: { ok: 1 }"), &["E036"]);
    after(&with("traffic: web, outcomes: { ¦okay: 1 }"), &["E030"]);
    after(&with("traffic: web, outcomes: { ok: ¦many }"), &["E017"]);
    after(&with("traffic: web, served: { ¦rs: 1, ¦lan: 2, ¦rs9: 1 }"), &["E045", "E041", "E040"]);
    after(&with("traffic: web, sequence: [rs1, '-', ¦rs7]"), &["E040"]);
    after(&with("traffic: web, served: {}, ¦sequence: []"), &["E019"]);
    after(&with("¦neighbor: 10.0.0.1, on: client, is: rs1"), &["E014"]);
    after(&with("neighbour: ¦10.0.0, on: ¦clint, is: ¦rs"), &["E027", "E040", "E045"]);
    after(&with("dropped: { node: rs1, reason: ¦martian }"), &["E037"]);
    after("causes: [vip-mask, ¦vip-musk]\n", &["E046"]);
    after("causes: ¦vip-mask\n", &["E016"]);
    after(&with("dropped: { node: rs1 }, exactly: ¦1, at_least: 2"), &["E019"]);
    after(&with("output: ¦[], contains: x"), &["E016"]);
    after("expect: [¦{}, ¦{ outcomes: { ok: 1 } }]\n", &["E015", "E015"]);
    assert_eq!(remedy(&with("dropped: { node: rs1, reason: martian }")), "did you mean `martian-source`?");
}

#[test]
fn marks_and_what_of_a_submission_counts() {
    let with = |words: &str| {
        let traffic = "traffic: [{ name: web, from: client, to: 10.0.0.10:80 }]";
        format!("{traffic}\nexpect:\n  - {{ traffic: web, outcomes: {{ ok: 1 }}, {words} }}\n")
    };
    after(&with("marks: ¦-1"), &["E017"]);
    after(&with("marks: ¦1001"), &["E017"]);
    after(&with("title: ¦[a], pass: ¦{}, ¦fial: no"), &["E016", "E016", "E014"]);
    after(&with(&format!("fail: ¦{}", "x".repeat(5_000))), &["E060"]);
    after("grade: { hosts: [rs, ¦rs9, ¦lan], keys: [run, ¦serves], ¦marks: 2 }\n", &["E040", "E041", "E030", "E014"]);
    after("grade: ¦[director]\n", &["E016"]);
}

#[test]
fn a_group_whose_addresses_run_out() {
    after("  b: { kind: host, count: 3, interfaces: { eth0: { address: ¦255.255.255.254/32 } } }\n", &["E042"]);
}

#[test]
fn causes_keep_their_consequences_quiet() {
    // The kind of `sw` is unknown, so that it may be a switch; the traffic's name is unreadable, so that it may be `web`.
    check(
        "lvsim: 1\nnodes:\n  sw: { kind: ¦swich }\n  a: { kind: host, interfaces: { eth0: { to: sw } } }\n",
        &["E030"],
    );
    after(
        "traffic: [{ name: ¦'w e b', from: client, to: 10.0.0.10:80 }]\nexpect: [{ traffic: web, outcomes: {} }]\n",
        &["E021"],
    );
    check("lvsim: 1\nnodes: ¦[a]\ntraffic: [{ from: a, to: 10.0.0.1:80 }]\n", &["E016"]);
    after(
        "  b: { kind: host, interfaces: { eth0: { to: ¦lam } } }\ntimeline: [{ at: 1s, link: [b, lan], set: { up: false } }]\n",
        &["E040"],
    );
}

#[test]
fn a_mistake_in_an_aliased_value_is_told_once() {
    after("  x: &x { kind: host, interfaces: { eth0: { to: ¦nowhere } } }\n  y: *x\n", &["E040"]);
}

#[test]
fn overrides_are_told_with_their_own_text() {
    let bad = |set: &str| {
        let text = format!("{NETWORK}traffic:\n  - {{ name: web, from: client, to: 10.0.0.10:80 }}\n");
        let problems = load("case.yaml", &text, &["seed=3".into(), set.into()], &names()).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{set}: {problems:#?}");
        assert_eq!(problems[0].place.set.as_deref(), Some(set));
        let shown = render(&problems, "case.yaml", &text, false);
        assert!(shown.contains(&format!("--> --set:1:{}\n", problems[0].place.column)), "{shown}");
        (problems[0].code, problems[0].place.column, problems[0].help.clone().unwrap_or_default().to_string())
    };
    let check = |set: &str, code: &str, column: u32| {
        let (found, at, _) = bad(set);
        assert_eq!((found, at), (code, column), "{set}");
    };
    check("seed", "E050", 1);
    check("=3", "E050", 1);
    check("a..b=3", "E050", 3);
    check("traffic[x].every=1ms", "E050", 8);
    check("nodes.\"rs1=2", "E050", 7);
    check("traffic[1].every=1ms", "E051", 8);
    check("traffic.wep.every=1ms", "E051", 9);
    check("nodes.rs9.kind=host", "E051", 7);
    check("seed.x=1", "E051", 6);
    check("traffic.web.every=1parsec", "E023", 19);
    check("traffic.web.evry=1ms", "E014", 13);
    check("traffic.web.arrivals={ poisson: fast }", "E023", 33);
    check("traffic.web.arrivals={ poisson", "E003", 22);
    assert_eq!(bad("traffic.wep.every=1ms").2, "did you mean `web`?");
}
