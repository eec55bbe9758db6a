//! Good files: what the simulator is given.

use super::*;
use crate::base::{Dist, LinkId, NodeId, Span};
use crate::scenario::grading::Part;
use crate::scenario::model::*;
use std::net::Ipv4Addr;

const DR: &str = r#"lvsim: 1                      # the format's version
name: dr-basic
title: Direct routing with two real servers
about: |
  Two lines
  of text.
seed: 42
duration: 30s
defaults:
  link:  { latency: 50us, bandwidth: 1gbit, loss: 0, mtu: 1500, queue: 1000 }
nodes:
  lan: { kind: switch }
  client:
    kind: client
    interfaces:
      eth0: { to: lan, address: 192.168.1.101/24 }
    gateway: 192.168.1.1
  director:
    kind: director
    interfaces:
      eth0: { to: lan, address: 192.168.1.199/24 }
    run: |
      ifconfig eth0:0 192.168.1.200 netmask 255.255.255.255 broadcast 192.168.1.200 up
      ipvsadm -A -t 192.168.1.200:80 -s rr
  rs1:
    kind: real-server
    interfaces:
      eth0: { to: lan, address: 192.168.1.198/24, latency: 80us }
      lo:   { addresses: [192.168.1.200/32] }
    sysctl:
      net.ipv4.conf.all.arp_ignore: 1
    serves: [ tcp/80 ]
  rs2:
    kind: real-server
    interfaces:
      eth0: { to: lan, addresses: [192.168.1.197/24, { address: 10.0.0.9/24, label: eth0:1, scope: host }] }
    serves: [ { port: 53, protocol: udp, service_time: { pareto: { mean: 20ms, shape: 1.5 } }, workers: 4, backlog: 9 } ]
traffic:
  - name: web
    from: client
    to: 192.168.1.200:80
    protocol: tcp
    start: 1s
    connections: 12
    every: 100ms
    request: 100B
    response: 1kB
    hold: 0s
    timeout: 3s
timeline:
  - { at: 5s, node: rs1, run: ifconfig eth0 down }
  - { at: 6s, link: [rs2, lan], set: { loss: 10% } }
observe:
  - { at: end, node: director, run: ipvsadm -Ln }
expect:
  - { traffic: web, outcomes: { ok: 12 } }
  - { traffic: web, served: { rs1: 9, rs2: 3 } }
  - { traffic: web, sequence: [rs1, "-"] }
  - { neighbour: 192.168.1.200, on: client, is: director }
  - { output: { node: director, run: ipvsadm -Ln }, contains: TCP }
  - { dropped: { node: rs1, reason: no-route }, at_least: 1 }
"#;

#[test]
fn the_example_of_the_manual_is_read() {
    let s = good(DR);
    assert_eq!((s.name.as_str(), s.seed, s.duration), ("dr-basic", 42, Some(Span::from_secs(30))));
    assert_eq!(s.about, "Two lines\nof text.\n");
    let names: Vec<&str> = s.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["lan", "client", "director", "rs1", "rs2"]);
    let director = &s.nodes[2];
    let run = director.run.as_ref().expect("the director has a run");
    assert!(run.text.starts_with("ifconfig eth0:0") && run.text.lines().count() == 2);
    assert_eq!(DR.lines().nth(run.line as usize - 1).map(str::trim), run.text.lines().next());
    let rs1 = &s.nodes[3];
    assert_eq!(rs1.interfaces[0].link.latency, Span::from_micros(80));
    assert_eq!(rs1.interfaces[0].to, Peer::Switch(NodeId(0)));
    assert_eq!(rs1.interfaces[1].to, Peer::None);
    assert_eq!(rs1.sysctls, [("net.ipv4.conf.all.arp_ignore".to_string(), "1".to_string())]);
    let usual = Serve {
        protocol: Protocol::Tcp,
        port: 80,
        service_time: Dist::Constant(0),
        per_byte: Span::ZERO,
        workers: Serve::UNLIMITED,
        backlog: 128,
        discipline: Discipline::Fcfs,
        speed_ppm: 1_000_000,
        max_connections: Serve::UNLIMITED,
    };
    assert_eq!(rs1.serves, [usual]);
    let rs2 = &s.nodes[4];
    let second = AddrSpec {
        addr: Ipv4Addr::new(10, 0, 0, 9),
        prefix: 24,
        label: Some("eth0:1".into()),
        scope: Some("host".into()),
    };
    assert_eq!(rs2.interfaces[0].addresses[1], second);
    let pareto = Dist::Pareto { mean: 20_000_000, shape_ppm: 1_500_000 };
    assert_eq!(
        (rs2.serves[0].protocol, &rs2.serves[0].service_time, rs2.serves[0].workers),
        (Protocol::Udp, &pareto, 4)
    );
    let web = &s.traffic[0];
    assert_eq!((web.connections, &web.response), (12, &Dist::Constant(1000)));
    assert_eq!(web.arrivals, Arrivals::Every(Span::from_millis(100)));
    assert_eq!(web.to, (Ipv4Addr::new(192, 168, 1, 200), 80));
    let set = LinkChange { loss_ppm: Some(100_000), ..LinkChange::default() };
    let ends = ["rs2".to_string(), "lan".to_string()];
    assert_eq!(s.steps[1].kind, StepKind::SetLink { ends, cables: vec![LinkId(3)], set });
    assert_eq!(s.steps[2].at, At::End);
    assert_eq!(s.expect.len(), 6);
    assert_eq!(s.expect[0].text, "{ traffic: web, outcomes: { ok: 12 } }");
    assert_eq!(s.expect[2].what, Claim::Sequence { traffic: 0, servers: vec![Some(NodeId(3)), None] });
    assert!(s.topology.reachable(NodeId(1), NodeId(4)));
}

#[test]
fn what_is_unsaid_has_its_default() {
    let s = good(&format!("{NETWORK}traffic: [{{ from: client, to: 10.0.0.10:80 }}]\n"));
    assert_eq!((s.name.as_str(), s.seed, s.duration), ("case", 1, None));
    assert_eq!(s.nodes[1].interfaces[0].link, LinkSpec::default());
    assert_eq!(s.nodes[0].ageing, Span::from_secs(300));
    let t = &s.traffic[0];
    assert_eq!((t.name.as_str(), t.connections, t.requests), ("1", 1, 1));
    assert_eq!((t.request.clone(), t.response.clone()), (Dist::Constant(100), Dist::Constant(100)));
    assert_eq!((t.timeout, t.start), (Span::from_secs(3), Span::ZERO));
    let lo = s.nodes.last().and_then(|n| n.interfaces.last()).expect("rs1 lists lo");
    assert_eq!((lo.name.as_str(), lo.mac, lo.link.mtu, lo.addresses[0].prefix), ("lo", [0; 6], 65_536, 32));
}

#[test]
fn a_group_is_unrolled_and_counts_up() {
    let s = good(NETWORK);
    let names: Vec<&str> = s.nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["lan", "client", "rs-1", "rs-2", "rs-3", "rs1"]);
    assert_eq!(s.groups, [("rs".to_string(), vec![NodeId(2), NodeId(3), NodeId(4)])]);
    assert_eq!(s.nodes[4].interfaces[0].addresses[0].addr, Ipv4Addr::new(10, 0, 0, 12));
    assert_eq!((s.nodes[4].group.as_deref(), s.node("rs-3"), s.node("rs")), (Some("rs"), Some(NodeId(4)), None));
    let more = "traffic: [{ from: [client, rs], to: 10.0.0.10:80 }]\n\
                timeline: [{ at: 1s, node: rs, run: ls }, { at: 2s, link: [lan, rs], set: { up: false } }]\n";
    let s = good(&format!("{NETWORK}{more}"));
    assert_eq!(s.traffic[0].from, [NodeId(1), NodeId(2), NodeId(3), NodeId(4)]);
    assert_eq!(s.steps.len(), 4);
    assert!(
        matches!(&s.steps[3].kind, StepKind::SetLink { cables, .. } if *cables == [LinkId(1), LinkId(2), LinkId(3)])
    );
}

#[test]
fn hardware_addresses_count_interfaces_and_neither_lo_nor_tunl0() {
    let text = "\
lvsim: 1
nodes:
  a: { kind: host, interfaces: { eth0: {}, lo: {}, tunl0: {}, eth1: { mac: 52:54:00:12:34:56 } } }
  g: { kind: host, count: 2, interfaces: { eth0: {} } }
  b: { kind: host, interfaces: { eth0: {} } }
";
    let s = good(text);
    let macs: Vec<Mac> = s.nodes.iter().flat_map(|n| &n.interfaces).map(|i| i.mac).filter(|m| *m != [0; 6]).collect();
    let counted = |n| [2, 0, 0, 0, 0, n];
    assert_eq!(macs, [counted(1), [0x52, 0x54, 0, 0x12, 0x34, 0x56], counted(3), counted(4), counted(5)]);
}

#[test]
fn a_cable_between_hosts_is_said_on_one_side_and_is_the_same_at_both() {
    let text = "\
lvsim: 1
nodes:
  r1: { kind: router, interfaces: { eth1: { to: 'r2:eth1', mtu: 1400 } } }
  r2: { kind: router, interfaces: { eth0: {}, eth1: { latency: 5ms } } }
timeline:
  - { at: 1s, link: [r2, r1], set: { up: false } }
";
    let s = good(text);
    let (near, far) = (&s.nodes[0].interfaces[0], &s.nodes[1].interfaces[1]);
    assert_eq!(
        (near.to.clone(), far.to.clone()),
        (Peer::Cable(NodeId(1), "eth1".into()), Peer::Cable(NodeId(0), "eth1".into()))
    );
    assert_eq!(near.link, far.link);
    assert_eq!((near.link.mtu, near.link.latency), (1400, Span::from_millis(5)));
    assert_eq!(s.nodes[0].sysctls, [("net.ipv4.ip_forward".to_string(), "1".to_string())]);
    assert_eq!(s.cables.len(), 1);
    let both = good(&text.replace("{ latency: 5ms }", "{ to: 'r1:eth1', latency: 5ms }"));
    assert_eq!(both.cables, s.cables);
}

#[test]
fn switches_are_joined_by_links_and_a_loop_is_warned_of() {
    let text = "\
lvsim: 1
nodes:
  a: { kind: switch, ageing: 10s }
  b: { kind: switch }
links:
  - { between: [a, b], latency: 10us }
timeline:
  - { at: 1s, link: [b, a], set: { bandwidth: 10mbit } }
";
    let s = good(text);
    assert_eq!((s.trunks[0].link.latency, s.nodes[0].ageing), (Span::from_micros(10), Span::from_secs(10)));
    assert_eq!(s.topology.segment_of(NodeId(0)), [NodeId(0), NodeId(1)]);
    let text = text.replace("links:\n", "links:\n  - { between: [b, a] }\n");
    let warned = load_text(&text.replace("timeline", "x-timeline")).expect("only a warning").warnings;
    assert_eq!(warned.iter().map(|w| w.code).collect::<Vec<_>>(), ["W004"]);
}

#[test]
fn arrivals_users_and_addresses_in_all_their_forms() {
    let form = |words: &str| {
        let text = format!("{NETWORK}duration: 9s\ntraffic: [{{ from: client, to: 10.0.0.10:80, {words} }}]\n");
        good(&text).traffic.remove(0)
    };
    let ms = Span::from_millis;
    let phases = [ArrivalPhase { gap: Some(ms(10)), dwell: ms(1_000) }, ArrivalPhase { gap: None, dwell: ms(4_000) }];
    let mmpp = form("arrivals: { mmpp: { rates: [100/s, 0], dwell: [1s, 4s] } }");
    assert_eq!(mmpp.arrivals, Arrivals::Mmpp(phases.into()));
    let steps = [ArrivalStep { from: ms(0), gap: Some(ms(100)) }, ArrivalStep { from: ms(5_000), gap: Some(ms(10)) }];
    let stepped = form("arrivals: { steps: [[0s, 10/s], [5s, 100/s]] }");
    assert_eq!(stepped.arrivals, Arrivals::Steps(steps.into()));
    let trace =
        Arrivals::Trace { times: [ms(0), ms(5), ms(10)].into(), sizes: Some([Some(1_000), None, Some(20_000)].into()) };
    for words in ["arrivals: { csv: trace.csv }", "arrivals: { trace: [[0s, 1kB], 5ms, [10ms, 20000]] }"] {
        let t = form(words);
        assert_eq!((&t.arrivals, t.connections), (&trace, 3), "{words}");
    }
    let closed = form("users: 20, think: { exponential: 1s }");
    assert_eq!((closed.users, closed.think, closed.connections), (20, Dist::Exponential(1_000_000_000), 10_000_000));
    assert_eq!(form("users: 20, connections: 60").connections, 60);
    let many = form("addresses: 10.1.0.0/16");
    assert_eq!(many.sources, Some((Ipv4Addr::new(10, 1, 0, 1), 65_534)));
    assert_eq!(form("addresses: 10.1.0.4/32").sources, Some((Ipv4Addr::new(10, 1, 0, 4), 1)));
    let sized = form("request: { uniform: [1kB, 2kB] }, response: { list: [1kB, 5kB] }");
    assert_eq!(sized.request, Dist::Uniform { low: 1_000, high: 2_000 });
    assert_eq!(sized.response, Dist::List([1_000, 5_000].into()));
}

#[test]
fn servers_in_all_their_forms() {
    let form = |words: &str| {
        let text = format!("{NETWORK}  s: {{ kind: host, serves: [ {{ port: 80, {words} }} ] }}\n");
        good(&text).nodes.pop().and_then(|mut n| n.serves.pop()).expect("a server")
    };
    let mean = 20_000_000;
    for (words, wanted) in [
        (
            "bounded_pareto: { mean: 20ms, shape: 1.5, ratio: 10000 }",
            Dist::BoundedPareto { mean, shape_ppm: 1_500_000, ratio_ppm: 10_000_000_000 },
        ),
        ("hyperexponential: { mean: 20ms, cv2: 4 }", Dist::hyperexponential(mean, 4_000_000)),
        ("hyperexponential: { mean: 20ms, p: 0.9 }", Dist::Hyperexponential { mean, short_ppm: 900_000 }),
        ("list: [1ms, 2ms]", Dist::List([1_000_000, 2_000_000].into())),
        ("csv: times.csv", Dist::List([20_000_000, 500_000_000].into())),
    ] {
        assert_eq!(form(&format!("service_time: {{ {words} }}")).service_time, wanted);
    }
    let sized = form("service_time: { per_byte: 10ns }");
    assert_eq!((sized.service_time, sized.per_byte), (Dist::Constant(0), Span(10)));
    let both = form("service_time: { exponential: 1ms, per_byte: 10ns }");
    assert_eq!((both.service_time, both.per_byte), (Dist::Exponential(1_000_000), Span(10)));
    let shared = form("discipline: ps, speed: 2x, max_connections: 7");
    assert_eq!((shared.discipline, shared.workers, shared.speed_ppm), (Discipline::Ps, 1, 2_000_000));
    assert_eq!(shared.max_connections, 7);
    let fast = "timeline: [{ at: 5s, node: rs, serves: tcp/80, set: { speed: 0.1 } }]\n";
    let file = format!("warmup: 2s\ndefaults: {{ server: {{ discipline: ps }} }}\n{NETWORK}{fast}");
    let s = good(&file.replace("rs: { kind: real-server,", "rs: { kind: real-server, serves: [tcp/80],"));
    assert_eq!((s.warmup, s.steps.len(), s.nodes[2].serves[0].workers), (Span::from_secs(2), 3, 1));
    let slow = StepKind::SetSpeed { node: NodeId(3), protocol: Protocol::Tcp, port: 80, speed_ppm: 100_000 };
    assert_eq!(s.steps[1].kind, slow);
}

#[test]
fn traffic_in_all_its_forms() {
    let form = |words: &str| {
        let text = format!("{NETWORK}traffic: [{{ from: client, to: 10.0.0.10:80, connections: 3, {words} }}]\n");
        good(&text).traffic.remove(0)
    };
    assert_eq!(form("rate: 100/s").arrivals, Arrivals::Rate(Span::from_millis(10)));
    assert_eq!(form("rate: 0.5/s").arrivals, Arrivals::Rate(Span::from_secs(2)));
    assert_eq!(form("arrivals: { poisson: 3/s }").arrivals, Arrivals::Poisson(Span(333_333_333)));
    assert_eq!(form("arrivals: { poisson: 20ms }").arrivals, Arrivals::Poisson(Span::from_millis(20)));
    assert_eq!(form("request: 1472").request, Dist::Constant(1472));
    assert_eq!(form("response: 64KiB").response, Dist::Constant(65_536));
    assert_eq!(form("response: 1.5kB").response, Dist::Constant(1_500));
    assert_eq!(form("requests: 5, think: 1s").think, Dist::Constant(1_000_000_000));
    assert_eq!(form("protocol: udp, source_port: 4000").source_port, Some(4000));
}

#[test]
fn yaml_is_of_version_1_2() {
    let text = "\
lvsim: 1
title: no
nodes:
  on: { kind: switch }
  a: { kind: host, interfaces: { eth0: { to: on, mac: 52:54:00:12:34:56, address: 10.0.0.1/255.255.255.0 } }, run: off }
expect:
  - { neighbour: 10.0.0.1, on: a, is: none }
  - { output: { node: a, run: date }, equals: 10:20 }
";
    let s = good(text);
    assert_eq!((s.title.as_str(), s.nodes[0].name.as_str()), ("no", "on"));
    assert_eq!(s.nodes[1].run.as_ref().map(|r| r.text.as_ref()), Some("off"));
    assert_eq!(s.nodes[1].interfaces[0].addresses[0].prefix, 24);
    assert!(matches!(&s.expect[1].what, Claim::Output { equals: Some(t), .. } if t == "10:20"));
}

#[test]
fn anchors_and_merges_are_expanded() {
    let text = "\
lvsim: 1
x-quiet: &quiet { net.ipv4.conf.all.arp_ignore: 1, net.ipv4.ip_forward: 1 }
nodes:
  a: &server { kind: real-server, serves: [tcp/80], sysctl: *quiet }
  b: { <<: *server, serves: [tcp/81] }
";
    let s = good(text);
    assert_eq!(s.nodes[0].sysctls, s.nodes[1].sysctls);
    assert_eq!((s.nodes[0].serves[0].port, s.nodes[1].serves[0].port), (80, 81));
}

#[test]
fn files_from_windows_are_read_and_warned_of() {
    let text = format!("\u{feff}{DR}").replace('\n', "\r\n");
    let loaded = load_text(&text).expect("a byte-order mark and CRLF do no harm");
    assert_eq!(loaded.scenario.nodes, good(DR).nodes);
    let codes: Vec<_> = loaded.warnings.iter().map(|w| (w.code, w.place.line)).collect();
    assert_eq!(codes, [("W001", 1), ("W002", 1)]);
}

#[test]
fn what_never_happens_is_warned_of() {
    let more = "duration: 3s\ntraffic: [{ from: client, to: 10.0.0.10:80, start: 4s }]\nobserve: [{ at: 5s, node: rs1, run: ls }]\n";
    let loaded = load_text(&format!("{NETWORK}{more}")).expect("only warnings");
    assert_eq!(loaded.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), ["W003", "W003"]);
    assert_eq!(loaded.scenario.steps.len(), 1);
}

#[test]
fn one_hardware_address_on_two_interfaces_is_warned_of() {
    let more = "  b: { kind: host, interfaces: { eth0: { to: lan, mac: 02:00:00:00:00:01 } } }\n";
    let loaded = load_text(&format!("{NETWORK}{more}")).expect("only a warning");
    assert_eq!(loaded.warnings.iter().map(|w| (w.code, w.place.line)).collect::<Vec<_>>(), [("W005", 7)]);
}

#[test]
fn of_two_entries_for_one_moment_the_one_further_up_goes_first() {
    let observe = "observe: [{ at: 1s, node: rs1, run: a }]\n";
    let timeline = "timeline: [{ at: 1s, node: rs1, run: b }]\n";
    let texts = |s: Scenario| -> Vec<String> {
        let run = |step: &Step| {
            if let StepKind::Run { script, .. } = &step.kind { script.text.to_string() } else { String::new() }
        };
        s.steps.iter().map(run).collect()
    };
    assert_eq!(texts(good(&format!("{NETWORK}{observe}{timeline}"))), ["a", "b"]);
    assert_eq!(texts(good(&format!("{NETWORK}{timeline}{observe}"))), ["b", "a"]);
}

#[test]
fn any_key_can_be_overridden() {
    let set = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
        match load("x.yaml", DR, &sets, &names()) {
            Ok(loaded) => loaded.scenario,
            Err(problems) => panic!("{}", render(&problems, "x.yaml", DR, false)),
        }
    };
    assert_eq!(set(&["seed=3"]).seed, 3);
    assert_eq!(set(&["traffic.web.connections=5"]).traffic[0].connections, 5);
    assert_eq!(set(&["traffic[0].every=1ms"]).traffic[0].arrivals, Arrivals::Every(Span::from_millis(1)));
    assert_eq!(set(&["traffic.web.to=192.168.1.198:8080"]).traffic[0].to.1, 8080);
    assert_eq!(
        set(&["traffic.web.every=1ms", "traffic.web.every=2ms"]).traffic[0].arrivals,
        Arrivals::Every(Span::from_millis(2))
    );
    assert_eq!(set(&["nodes.rs1.sysctl.\"net.ipv4.conf.all.arp_ignore\"=2"]).nodes[3].sysctls[0].1, "2");
    assert_eq!(set(&["nodes.rs1.sysctl.net.ipv4.conf.all.arp_ignore=3"]).nodes[3].sysctls[0].1, "3");
    assert_eq!(set(&["nodes.rs2.sysctl.net.ipv4.conf.all.arp_ignore=3"]).nodes[4].sysctls[0].1, "3");
    assert_eq!(set(&["defaults.link.latency=1ms"]).nodes[1].interfaces[0].link.latency, Span::from_millis(1));
    assert_eq!(set(&["nodes.rs1.interfaces.eth0.loss=10%"]).nodes[3].interfaces[0].link.loss_ppm, 100_000);
    assert_eq!(set(&["nodes.rs1.serves=[tcp/80, udp/53]"]).nodes[3].serves.len(), 2);
    assert_eq!(set(&["nodes.client.count=2"]).nodes[2].name, "client-2");
    assert_eq!(set(&["title="]).title, "");
    assert_eq!(set(&["title=\"a: b # c\""]).title, "a: b # c");
    assert_eq!(set(&["timeline[1].set.loss=5%"]).steps.len(), 3);
}

#[test]
fn expectations_have_marks_and_words_and_the_file_says_what_counts() {
    let text = format!(
        "{NETWORK}traffic: [{{ name: web, from: client, to: 10.0.0.10:80 }}]\ngrade: {{ hosts: [rs, client], keys: run }}\n\
         expect:\n- {{ neighbour: 10.0.0.9, on: rs, is: none, marks: 3, title: \"A title\", fail: ' no ' }}\n\
         - {{ traffic: web, outcomes: {{}} }}\n"
    );
    let s = good(&text);
    let marks: Vec<_> = s.expect.iter().map(|e| (e.entry, e.marking.marks, e.marking.title.as_deref())).collect();
    let title = Some("A title");
    assert_eq!(marks, [(0, 3, title), (0, 3, title), (0, 3, title), (1, 1, None)], "one for each member of the group");
    assert_eq!(s.expect[0].marking.fail.as_deref(), Some("no"));
    assert_eq!(s.grading.keys, [Part::Run]);
    assert_eq!(s.grading.hosts, Some([2, 3, 4, 1].map(NodeId).to_vec()), "a group stands for its members");
    let all = good(NETWORK).grading;
    assert!(all.has(Part::Timeline) && all.on(NodeId(0)) && !s.grading.on(NodeId(5)));
}
