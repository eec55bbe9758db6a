//! Many runs of one scenario: where two of them part, and what the order of commands changes.

use crate::support::{load, text};
use lvsim::lang::Lang;
use lvsim::report::run::{Run, RunOptions, simulate};
use lvsim::scenario::Scenario;
use lvsim::study::{diff, order};

fn explained(scenario: &Scenario) -> Run<'_> {
    let options = RunOptions { trace: true, decisions: true, ..RunOptions::default() };
    simulate(scenario, &options, &mut |_| true)
}

fn file(name: &str) -> Scenario {
    load(name, &text(name)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let scenario = file("scenarios/nat.yaml");
    let found = diff::diff(&explained(&scenario), &explained(&scenario));
    assert!(found.same());
    assert_eq!(diff::text(&found, &[], Lang::En), "The runs are the same.\n");
}

#[test]
fn two_runs_part_at_the_knob_that_was_turned() {
    let (problem, repaired) = (file("scenarios/arp-problem.yaml"), file("scenarios/arp-repaired.yaml"));
    let found = diff::diff(&explained(&problem), &explained(&repaired));
    let parting = found.parting.as_ref().expect("they part");
    assert!(
        parting.before.last().is_some_and(|l| l.to_string().contains("receives: ARP request who-has 192.168.1.200"))
    );
    assert!(
        parting.sides[1][0].to_string().contains("kept silent: has it on lo, but arp_ignore=1"),
        "{:?}",
        parting.sides[1]
    );
    let frames = found.frame.as_ref().expect("a frame differs");
    assert!(
        frames[0].as_ref().is_some_and(|f| f.to_string().contains("ARP reply 192.168.1.200 is-at rs2:eth0")),
        "{frames:?}"
    );
    let (name, ends) = &found.connections[0];
    let ends = ends.each_ref().map(ToString::to_string);
    assert_eq!((name.as_str(), ends), ("web:0", ["ok by rs2".to_string(), "ok by rs3".to_string()]));
    assert!(
        found
            .tables
            .iter()
            .any(|(title, lines)| title == "client: ip neigh" && lines.iter().any(|l| l.starts_with("+ ")))
    );
    assert_eq!(diff::object(&found, &[], Lang::En)["same"], false);
}

/// The second command of the server is typed before the client asks, the third after it has learnt.
const LATE: &str = "\
lvsim: 1
duration: 6s
nodes:
  lan: { kind: switch }
  client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  director:
    kind: director
    interfaces: { eth0: { to: lan, address: 10.0.0.2/24, latency: 500us } }
    run: |
      ip addr add 10.0.0.100/32 dev eth0
      ipvsadm -A -t 10.0.0.100:80 -s rr
      ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.3 -g
  rs1:
    kind: real-server
    interfaces: { eth0: { to: lan, address: 10.0.0.3/24 } }
    serves: [ tcp/80 ]
traffic:
  - { name: web, from: client, to: 10.0.0.100:80, start: 2s, connections: 2, every: 1s }
timeline:
  - { at: 500ms, node: rs1, run: sysctl -w net.ipv4.conf.all.arp_announce=2 }
  - { at: 1s, node: rs1, run: sysctl -w net.ipv4.conf.all.arp_ignore=1 }
  - { at: 4s, node: rs1, run: ip addr add 10.0.0.100/32 dev lo }
";

#[test]
fn every_order_of_three_commands_is_run_and_the_bad_ones_are_shown() {
    let scenario = load("late.yaml", LATE).unwrap_or_else(|problems| panic!("{problems}"));
    let rs1 = scenario.node("rs1").expect("a node");
    let found = order::orders(&scenario, rs1, 720, &RunOptions::default(), &mut |_, _| true).expect("three commands");
    assert_eq!((found.orders, found.runs), (Some(6), 6));
    assert_eq!(found.watched, [std::net::Ipv4Addr::new(10, 0, 0, 100)]);
    // Wrong where one of the knobs is still missing when the address is there and the client asks, at 2 s: without
    // arp_ignore the server answers; without arp_announce it asks for the client in the name of the VIP.
    let wrong: usize = found.groups.iter().filter(|g| g.result.wrong).map(|g| g.runs).sum();
    assert_eq!(wrong, 4);
    let bad = found.groups.iter().find(|g| g.result.wrong).expect("a bad order");
    assert!(
        bad.result.takes.iter().any(|t| t.to_string() == "client takes rs1 for 10.0.0.100"),
        "{:?}",
        bad.result.takes
    );
    assert_ne!(bad.witness.last(), Some(&2), "the address comes before the last knob");
    assert!(found.groups.iter().any(|g| g.own && !g.result.wrong));
}

#[test]
fn more_orders_than_runs_are_drawn_and_the_same_each_time() {
    let scenario = load("late.yaml", LATE).unwrap_or_else(|problems| panic!("{problems}"));
    let rs1 = scenario.node("rs1").expect("a node");
    let run = || order::orders(&scenario, rs1, 4, &RunOptions::default(), &mut |_, _| true).expect("three commands");
    let (one, two) = (run(), run());
    assert_eq!(one.runs, 4);
    assert_eq!(order::text(&one, Lang::En), order::text(&two, Lang::En));
    assert!(
        order::text(&one, Lang::En).contains("4 orders run, of 6, drawn by the seed"),
        "{}",
        order::text(&one, Lang::En)
    );
    let director = scenario.node("client").expect("a node");
    let none = order::orders(&scenario, director, 4, &RunOptions::default(), &mut |_, _| true);
    assert_eq!(none.err(), Some(order::NoOrders::TooFew(0)));
}
