//! Runs through tables.

use super::*;
use crate::net::netfilter::matches::Ports;
use crate::wire::{Body, Datagram, IpPacket, L4, PacketId};

fn packet(sport: u16, dport: u16) -> IpPacket {
    let l4 = L4::Udp(Datagram { sport, dport, len: 72, body: Body::FILLER });
    IpPacket { saddr: [10, 0, 0, 1].into(), daddr: [10, 0, 0, 2].into(), id: PacketId(1), frag: 0, ttl: 64, tos: 0, l4 }
}

fn rule(dport: Option<u16>, target: Target) -> Rule {
    let Some(port) = dport else { return Rule { target, ..Rule::default() } };
    let dports = Ports { from: port, to: port, invert: false };
    Rule { proto: 17, matches: vec![Match::Udp { sports: Ports::default(), dports }], target, ..Rule::default() }
}

fn run(table: &mut Table, dport: u16) -> (Ended, u32) {
    let mut pkt = packet(1000, dport);
    let mut view = View { input: Some("eth0"), ..View::new(&mut pkt) };
    let ended = table.run(HookPoint::LocalIn, &mut view, &mut Vec::new());
    (ended, view.mark)
}

fn culprit(chain: &str, rule: Option<u32>) -> Ended {
    Ended::Drop(Culprit { chain: chain.into(), rule })
}

#[test]
fn the_first_rule_that_ends_it_counts_and_the_policy_takes_the_rest() {
    let mut t = Table::new(TableId::Filter);
    let input = t.find("INPUT").expect("built in");
    t.chain_mut(input).rules = vec![
        rule(None, Target::Mark { value: 5, mask: u32::MAX }),
        rule(Some(80), Target::Accept),
        rule(Some(81), Target::Drop),
    ];
    t.chain_mut(input).policy = Some((Policy::Drop, Counter::default()));
    assert_eq!(run(&mut t, 80), (Ended::Accept, 5));
    assert_eq!(run(&mut t, 81), (culprit("INPUT", Some(3)), 5));
    assert_eq!(run(&mut t, 82), (culprit("INPUT", None), 5));
    let chain = t.chain(input);
    let counted: Vec<u64> = chain.rules.iter().map(|r| r.counter.packets).collect();
    assert_eq!(counted, [3, 1, 1]);
    assert_eq!(chain.policy, Some((Policy::Drop, Counter { packets: 1, bytes: 100 })));
}

#[test]
fn a_chain_returns_behind_the_jump_and_a_goto_where_its_caller_was_called() {
    let mut t = Table::new(TableId::Filter);
    let input = t.find("INPUT").expect("built in");
    let (a, b) = (t.add_chain("a"), t.add_chain("b"));
    t.chain_mut(b).rules = vec![rule(Some(80), Target::Return), rule(None, Target::Drop)];
    t.chain_mut(a).rules = vec![rule(None, Target::Goto(b)), rule(None, Target::Drop)];
    t.chain_mut(input).rules = vec![rule(None, Target::Jump(a)), rule(None, Target::Accept)];
    assert_eq!(t.check(), Ok(()));
    assert_eq!(run(&mut t, 80).0, Ended::Accept);
    assert_eq!(t.chain(input).rules[1].counter.packets, 1);
    assert_eq!(run(&mut t, 81).0, culprit("b", Some(2)));
    assert_eq!((t.references(a), t.references(b)), (1, 1));
}

#[test]
fn circles_are_refused_only_where_a_packet_can_come() {
    let mut t = Table::new(TableId::Filter);
    let (input, a) = (t.find("INPUT").expect("built in"), t.add_chain("a"));
    t.chain_mut(a).rules = vec![rule(None, Target::Jump(a))];
    assert_eq!(t.check(), Ok(()));
    t.chain_mut(input).rules = vec![rule(None, Target::Jump(a))];
    assert_eq!(t.check(), Err(Refusal::Loop));
}

#[test]
fn chains_that_double_at_every_step_end_the_packet_not_the_simulation() {
    let mut t = Table::new(TableId::Filter);
    let input = t.find("INPUT").expect("built in");
    let mut last = t.add_chain("c0");
    for n in 1..60 {
        let next = t.add_chain(&format!("c{n}"));
        t.chain_mut(next).rules = vec![rule(None, Target::Jump(last)); 2];
        last = next;
    }
    t.chain_mut(input).rules = vec![rule(None, Target::Jump(last))];
    assert_eq!(t.check(), Ok(()));
    assert_eq!(run(&mut t, 80).0, culprit("INPUT", None));
}

#[test]
fn targets_stand_only_where_the_kernel_lets_them() {
    use crate::net::netfilter::targets::NatRange;
    let range = NatRange { addrs: Some(([1, 1, 1, 1].into(), [1, 1, 1, 1].into())), ports: None };
    let cases = [
        (TableId::Filter, "INPUT", Target::Reject(RejectWith::Icmp(3)), true),
        (TableId::Mangle, "INPUT", Target::Reject(RejectWith::Icmp(3)), false),
        (TableId::Filter, "INPUT", Target::Reject(RejectWith::TcpReset), false),
        (TableId::Nat, "POSTROUTING", Target::Nat(NatTarget::Snat(range)), true),
        (TableId::Nat, "PREROUTING", Target::Nat(NatTarget::Snat(range)), false),
        (TableId::Nat, "PREROUTING", Target::Nat(NatTarget::Dnat(range)), true),
        (TableId::Nat, "INPUT", Target::Nat(NatTarget::Masquerade(None)), false),
        (TableId::Filter, "INPUT", Target::Nat(NatTarget::Masquerade(None)), false),
    ];
    for (id, chain, target, may) in cases {
        let mut t = Table::new(id);
        let chain = t.find(chain).expect("built in");
        t.chain_mut(chain).rules.push(rule(None, target.clone()));
        assert_eq!(t.check().is_ok(), may, "{id:?} {target:?}");
    }
}
