//! A small run for the tests of the reports: a client, a director, a server with a tunnel, one connection that is
//! served and one that dies.

use super::log::*;
use crate::base::{DevIdx, NodeId, SimTime, Span};
use crate::sysctl::{Combine, Effective};
use crate::trace::{ArpAnswer, Dir, DropReason, Record, TraceEvent};
use crate::wire::*;
use std::net::Ipv4Addr;

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
pub const DIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);
pub const RIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const ZERO: SimTime = SimTime(300_000_000);

pub fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

pub fn ms(at: u64) -> SimTime {
    ZERO + Span::from_millis(at)
}

fn dev(name: &str, mac: Mac, addrs: &[(Ipv4Addr, u8)]) -> DevInfo {
    let ethernet = name.starts_with("eth");
    DevInfo {
        name: name.into(),
        mac,
        ethernet: name != "tunl0",
        addrs: addrs.to_vec(),
        mtu: 1500,
        peer: ethernet.then(|| "lan".into()),
    }
}

fn host(name: &str, kind: &str, n: u8, addrs: &[(Ipv4Addr, u8)], tunnel: &[(Ipv4Addr, u8)]) -> NodeInfo {
    let devs = vec![
        dev("lo", Mac::ZERO, &[(Ipv4Addr::LOCALHOST, 8)]),
        dev("tunl0", Mac::ZERO, tunnel),
        dev("eth0", mac(n), addrs),
    ];
    NodeInfo { name: name.into(), kind: kind.into(), devs }
}

pub fn knob(name: &'static str, value: i64) -> Box<Effective> {
    Box::new(Effective { name, dev: Some("eth0".into()), value, all: value, own: 0, combine: Combine::Max })
}

pub fn tcp(flags: TcpFlags, seq: u32, ack: u32, len: u16, body: Body) -> IpPacket {
    let back = flags.has(TcpFlags::ACK) && seq >= 90_000;
    let (saddr, daddr, sport, dport) = if back { (VIP, CLIENT, 80, 32768) } else { (CLIENT, VIP, 32768, 80) };
    let l4 = L4::Tcp(TcpSegment { body, ..testing::segment(sport, dport, flags, seq, ack, len) });
    IpPacket { id: PacketId(seq & 0xff), frag: IpPacket::DF, ..testing::ip(saddr, daddr, l4) }
}

fn frame(src: u8, dst: u8, p: IpPacket) -> Frame {
    Frame { l3: L3::Ip(p), dst: mac(dst), src: mac(src) }
}

fn arp(op: ArpOp, from: (u8, Ipv4Addr), to: (Mac, Ipv4Addr)) -> Arp {
    let tha = if op == ArpOp::Request { Mac::ZERO } else { to.0 };
    Arp { op, sha: mac(from.0), spa: from.1, tha, tpa: to.1 }
}

/// Node 0 is the switch, 1 the client, 2 the director, 3 the server `rs1`; device 1 is `tunl0`, device 2 `eth0`.
pub fn records() -> Vec<Record> {
    let mut out: Vec<Record> = Vec::new();
    let mut add = |at: u64, node: u32, event| out.push(Record { at: ms(at), node: NodeId(node), event });
    let eth0 = DevIdx(2);
    let seen =
        |dir, frame: &Frame| TraceEvent::Frame { dev: eth0, dir, frame: Box::new(frame.clone()), ethernet: true };

    let ask = arp(ArpOp::Request, (1, CLIENT), (Mac::BROADCAST, VIP));
    let asked = Frame { l3: L3::Arp(ask), dst: Mac::BROADCAST, src: mac(1) };
    let told = Frame { l3: L3::Arp(arp(ArpOp::Reply, (2, VIP), (mac(1), CLIENT))), dst: mac(1), src: mac(2) };
    add(500, 1, seen(Dir::Out, &asked));
    add(500, 2, seen(Dir::In, &asked));
    let owner = || "eth0".into();
    let answered = ArpAnswer::Answered { owner: owner(), knob: knob("arp_ignore", 0) };
    add(500, 2, TraceEvent::ArpVerdict { dev: eth0, request: Box::new(ask), answer: answered });
    let ignored = ArpAnswer::Ignored { owner: "tunl0".into(), knob: knob("arp_ignore", 1) };
    add(500, 3, TraceEvent::ArpVerdict { dev: eth0, request: Box::new(ask), answer: ignored });
    add(501, 2, seen(Dir::Out, &told));
    add(501, 1, seen(Dir::In, &told));
    add(
        501,
        1,
        TraceEvent::Neigh { dev: eth0, addr: VIP, from: "INCOMPLETE", to: "REACHABLE", mac: Some(mac(2)), was: None },
    );

    let syn = tcp(TcpFlags::SYN, 5000, 0, 0, Body::FILLER);
    let to_director = frame(1, 2, syn.clone());
    add(501, 1, seen(Dir::Out, &to_director));
    add(502, 2, seen(Dir::In, &to_director));
    let outer = IpPacket {
        saddr: DIP,
        daddr: RIP,
        id: syn.id,
        frag: IpPacket::DF,
        ttl: 63,
        tos: 0,
        l4: L4::Ipip(Box::new(syn.clone())),
    };
    let tunnelled = frame(2, 3, outer);
    add(502, 2, seen(Dir::Out, &tunnelled));
    add(503, 3, seen(Dir::In, &tunnelled));
    let bare = Frame { l3: L3::Ip(syn.clone()), dst: Mac::ZERO, src: Mac::ZERO };
    let inside = TraceEvent::Frame { dev: DevIdx(1), dir: Dir::In, frame: Box::new(bare.clone()), ethernet: false };
    add(503, 3, inside);
    let answer = frame(3, 1, tcp(TcpFlags::ACK | TcpFlags::PSH, 90_000, 5001, 100, Body::answer(NodeId(3))));
    add(504, 3, seen(Dir::Out, &answer));
    add(505, 1, seen(Dir::In, &answer));

    for at in [1500, 2500] {
        let again = frame(1, 2, tcp(TcpFlags::SYN, 7000, 0, 0, Body::FILLER));
        add(at, 1, seen(Dir::Out, &again));
        add(
            at,
            3,
            TraceEvent::Dropped {
                dev: Some(DevIdx(1)),
                frame: Box::new(bare.clone()),
                reason: DropReason::ReversePath { src: CLIENT, best: Some("eth0".into()), knob: knob("rp_filter", 1) },
            },
        );
    }
    out
}

pub fn log(records: &[Record]) -> RunLog<'_> {
    let connection = |index: u32, at: u64, end: u64, outcome, server: Option<&str>, errno| ConnectionRow {
        traffic: "web".into(),
        index,
        client: "client".into(),
        source_port: 32768 + index as u16,
        to: (VIP, 80),
        protocol: Proto::Tcp,
        start: ms(at),
        end: Some(ms(end)),
        outcome,
        server: server.map(Into::into),
        errno,
    };
    RunLog {
        name: "example".into(),
        title: "A tunnel that works once".into(),
        about: "What *rp_filter* does.".into(),
        seed: 42,
        zero: ZERO,
        ended: ms(5000),
        nodes: vec![
            NodeInfo { name: "lan".into(), kind: "switch".into(), devs: vec![] },
            host("client", "client", 1, &[(CLIENT, 24)], &[]),
            host("director", "director", 2, &[(DIP, 24), (VIP, 32)], &[]),
            host("rs1", "real-server", 3, &[(RIP, 24)], &[(VIP, 32)]),
        ],
        records,
        aside: None,
        lost_records: 0,
        connections: vec![
            connection(0, 500, 505, Outcome::Ok, Some("rs1"), None),
            connection(1, 1500, 4500, Outcome::Timeout, None, None),
        ],
        expectations: vec![Judged {
            source: "{ traffic: web, outcomes: { ok: 2 } }".into(),
            holds: false,
            found: crate::lang::Text::plain("ok: 1, timeout: 1"),
        }],
        typed: Vec::new(),
        services: vec![ServiceInfo {
            director: "director".into(),
            service: "TCP 10.0.0.100:80".into(),
            vip: Some(VIP),
            port: 80,
            scheduler: "rr".into(),
            dests: vec![DestInfo { node: "rs1".into(), addr: (RIP, 80), forward: "Tunnel", weight: 1 }],
        }],
        marks: vec![Mark { at: ms(1000), text: "rs1: sysctl -w net.ipv4.conf.tunl0.rp_filter=1".into() }],
        texts: &[],
        bytes: &[],
        events: 40,
        frames: 12,
    }
}
