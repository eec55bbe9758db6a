//! The way of a packet, step by step: where it passed, what was decided there, by which rule and value, where it ended.
//!
//! A packet keeps its number through forwarding, translation and encapsulation; an ICMP error quotes the number of the
//! packet that it is about. What a connection's packets have in common is the client's end.

use super::lab::{End, Lab};
use crate::base::{NodeId, SimTime};
use crate::lang::{Join, Text};
use crate::report::log::{ConnectionRow, RunLog};
use crate::report::words::{arp_answer, because};
use crate::text;
use crate::trace::{Decision, Dir, DropReason, Ends, Record, TraceEvent};
use crate::wire::print::Printer;
use crate::wire::{Frame, IpPacket, L3, L4};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A step on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: SimTime,
    /// Where: `NODE:IFACE`, or a node.
    pub place: String,
    /// The packet's number.
    pub packet: u32,
    /// What happened.
    pub did: Text,
    /// The kernel's rule, where one decided.
    pub rule: Option<Text>,
    /// It ended here.
    pub lost: bool,
}

/// The way of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Its number.
    pub packet: u32,
    /// What it is, as a line.
    pub line: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Other packets that ended as it did: how many, and when the last of them was born.
    pub same: Option<(usize, SimTime)>,
}

/// Packets told in full; more are counted.
const TOLD: usize = 5;

/// The packet, what it wraps, and what an error in it is about, outermost first.
pub fn layers(p: &IpPacket) -> impl Iterator<Item = &IpPacket> {
    std::iter::successors(Some(p), |p| match whole(&p.l4) {
        L4::Icmp(icmp) => icmp.quote(),
        L4::Ipip(inner) => Some(inner),
        _ => None,
    })
}

fn whole(l4: &L4) -> &L4 {
    match l4 {
        L4::Fragment(f) => whole(&f.whole),
        other => other,
    }
}

/// The numbers of a packet and of those within.
pub fn ids(p: &IpPacket) -> impl Iterator<Item = u32> {
    layers(p).map(|p| p.id.0)
}

/// Whether it comes from or goes to one of these ends, or is about such a packet.
pub fn ends_in(p: &IpPacket, ends: &BTreeSet<End>) -> bool {
    layers(p).any(|p| {
        whole(&p.l4).ports().is_some_and(|(s, d)| ends.contains(&(p.saddr, s)) || ends.contains(&(p.daddr, d)))
    })
}

/// The packets of a connection in the order of their birth, errors about them included.
pub fn of_connection(lab: &Lab<'_>, c: &ConnectionRow) -> Vec<u32> {
    let ends = lab.client_ends(c);
    let next = lab.log.connections.iter().filter(|o| o.client == c.client && o.source_port == c.source_port);
    let until = next.map(|o| o.start).filter(|s| *s > c.start).min().unwrap_or(SimTime::NEVER);
    let mut seen: Vec<u32> = Vec::new();
    let mut known: BTreeSet<u32> = BTreeSet::new();
    for r in lab.log.records.iter().filter(|r| r.at >= c.start && r.at < until) {
        let (TraceEvent::Frame { frame, .. } | TraceEvent::Dropped { frame, .. }) = &r.event else { continue };
        if let L3::Ip(p) = &frame.l3
            && (ends_in(p, &ends) || ids(p).any(|id| known.contains(&id)))
        {
            // Errors come after what they are about; what a tunnel wraps has the same number as its wrapping.
            let fresh = p.id.0;
            if known.insert(fresh) {
                seen.push(fresh);
            }
        }
    }
    seen
}

/// The packets that a packet brought about, itself first: errors that quote it.
pub fn of_packet(lab: &Lab<'_>, id: u32) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::new();
    for r in lab.log.records {
        let (TraceEvent::Frame { frame, .. } | TraceEvent::Dropped { frame, .. }) = &r.event else { continue };
        if let L3::Ip(p) = &frame.l3
            && ids(p).any(|i| i == id)
            && !out.contains(&p.id.0)
        {
            out.push(p.id.0);
        }
    }
    out.sort_by_key(|&i| (i != id, i));
    out
}

/// A packet that tells what became of a connection, and later ones that ended as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The packet.
    pub packet: u32,
    /// Others with the same end: retransmissions, mostly.
    pub same: Vec<u32>,
}

/// Which of a connection's packets tell what became of it: the first of each direction, and the first of each end.
pub fn telling(lab: &Lab<'_>, c: &ConnectionRow, packets: &[u32]) -> (Vec<Telling>, usize) {
    let all: BTreeSet<u32> = packets.iter().copied().collect();
    let client = lab.client_ends(c);
    let mut ends: BTreeMap<u32, (NodeId, &'static str)> = BTreeMap::new();
    let mut asks: BTreeMap<u32, bool> = BTreeMap::new();
    for r in lab.log.records {
        let (frame, end) = match &r.event {
            TraceEvent::Frame { frame, .. } => (frame, None),
            TraceEvent::Dropped { frame, reason, .. } => (frame, Some(reason)),
            _ => continue,
        };
        let Some(p) = frame.ip().filter(|p| all.contains(&p.id.0)) else { continue };
        let asking =
            layers(p).last().is_some_and(|p| p.l4.ports().is_some_and(|(s, _)| client.contains(&(p.saddr, s))));
        asks.entry(p.id.0).or_insert(asking && !matches!(p.l4, L4::Icmp(_)));
        if let Some(reason) = end.filter(|reason| !harmless(reason)) {
            ends.entry(p.id.0).or_insert((r.node, reason.rule().code));
        }
    }
    let first = |way: bool| packets.iter().copied().find(|id| asks.get(id) == Some(&way));
    let mut out: Vec<Telling> = Vec::new();
    for id in [first(true), first(false)]
        .into_iter()
        .flatten()
        .chain(packets.iter().copied().filter(|id| ends.contains_key(id)))
    {
        let end = ends.get(&id);
        let alike = |t: &Telling| end.is_some() && ends.get(&t.packet) == end && asks.get(&t.packet) == asks.get(&id);
        if out.iter().any(|t| t.packet == id) {
            continue;
        }
        match out.iter().position(alike) {
            Some(place) => out[place].same.push(id),
            None => out.push(Telling { packet: id, same: Vec::new() }),
        }
    }
    out.sort_by_key(|t| packets.iter().position(|p| *p == t.packet));
    out.truncate(TOLD);
    let told: usize = out.iter().map(|t| 1 + t.same.len()).sum();
    (out, packets.len() - told)
}

fn harmless(reason: &DropReason) -> bool {
    matches!(
        reason,
        DropReason::OtherHost { .. }
            | DropReason::SwitchNowhere
            | DropReason::UnwantedBroadcast
            | DropReason::TcpDuplicate
    )
}

/// The way of a packet; none if it was never seen.
pub fn way(lab: &Lab<'_>, id: u32) -> Option<Way> {
    let log = &lab.log;
    let first = log.records.iter().find_map(|r| match &r.event {
        TraceEvent::Frame { frame, .. } | TraceEvent::Dropped { frame, .. } => {
            frame.ip().filter(|p| p.id.0 == id).map(|_| &**frame)
        }
        _ => None,
    })?;
    let steps: Vec<Step> = log.records.iter().filter_map(|r| step(lab, r, id)).collect();
    Some(Way { packet: id, line: line(log, first), steps, same: None })
}

/// A frame as a line, with the client's ports as they are.
pub fn line(log: &RunLog<'_>, frame: &Frame) -> String {
    let ports: BTreeSet<u16> = log.connections.iter().map(|c| c.source_port).collect();
    Printer::new(ports).line(frame, &|mac| log.mac_owner(mac))
}

/// The way of a packet that stands for others.
pub fn way_of(lab: &Lab<'_>, t: &Telling) -> Option<Way> {
    let last = t.same.last().and_then(|id| way(lab, *id)).and_then(|w| w.steps.first().map(|s| s.at));
    Some(Way { same: last.map(|at| (t.same.len(), at)), ..way(lab, t.packet)? })
}

fn step(lab: &Lab<'_>, r: &Record, id: u32) -> Option<Step> {
    let log = &lab.log;
    let is = |p: &IpPacket| p.id.0 == id;
    let step = |dev, did: Text, rule: Option<Text>, lost| {
        Some(Step { at: r.at, place: log.place(r.node, dev), packet: id, did, rule, lost })
    };
    match &r.event {
        TraceEvent::Frame { dev, dir, frame, ethernet } => {
            let p = frame.ip().filter(|p| is(p))?;
            let what = if matches!(p.l4, L4::Ipip(_)) {
                text!("step-wrapped", src = p.saddr, dst = p.daddr)
            } else {
                Text::none()
            };
            let did = match (dir, ethernet) {
                (Dir::Out, true) => {
                    let to = log.mac_owner(frame.dst).unwrap_or_else(|| frame.dst.to_string());
                    text!("step-sends-it", to, what)
                }
                (Dir::In, true) => text!("step-receives-it", what),
                (Dir::Out, false) => text!("step-into-device"),
                (Dir::In, false) => text!("step-from-device"),
            };
            step(Some(*dev), did, None, false)
        }
        TraceEvent::Decided { packet, dev, what } if packet.0 == id => {
            let (did, rule) = decision(lab, r, *dev, what)?;
            step(Some(*dev), did, rule, false)
        }
        TraceEvent::Scheduled { packet, service, scheduler, dest, because: why } if is(packet) => {
            let did = text!("step-chooses", service, addr = dest.0, port = dest.1, scheduler, why = because(why));
            step(None, did, Some(Text::plain("ip_vs_schedule, net/netfilter/ipvs/ip_vs_core.c")), false)
        }
        TraceEvent::Dropped { dev, frame, reason } => {
            frame.ip().filter(|p| is(p))?;
            step(*dev, text!("step-ends-here", reason), Some(rule(reason)), true)
        }
        _ => None,
    }
}

/// Anything that was recorded, as a line with its time and place; nothing of what tells the same once more.
pub fn record_line(lab: &Lab<'_>, r: &Record) -> Option<Text> {
    let log = &lab.log;
    let (dev, what) = match &r.event {
        TraceEvent::Frame { dev, dir, frame, ethernet } => {
            let way = match (dir, ethernet) {
                (Dir::Out, true) => {
                    let to = log.mac_owner(frame.dst).unwrap_or_else(|| frame.dst.to_string());
                    text!("record-sends", to)
                }
                (Dir::In, true) => text!("record-receives"),
                (Dir::Out, false) => text!("record-puts-in"),
                (Dir::In, false) => text!("record-takes-out"),
            };
            (Some(*dev), text!("record-frame", way, line = line(log, frame)))
        }
        TraceEvent::Dropped { dev, frame, reason } => (*dev, text!("record-loses", line = line(log, frame), reason)),
        TraceEvent::ArpVerdict { dev, request, answer } => {
            (Some(*dev), text!("record-asked", asked = request.tpa, did = arp_answer(answer, request.tpa)))
        }
        TraceEvent::Neigh { dev, addr, from, to, mac, .. } => {
            let whose =
                mac.map_or_else(String::new, |m| format!(" ({})", log.mac_owner(m).unwrap_or_else(|| m.to_string())));
            (Some(*dev), text!("record-neigh", addr, from, to, whose))
        }
        TraceEvent::Scheduled { service, scheduler, dest, because: why, .. } => {
            (None, text!("step-chooses", service, addr = dest.0, port = dest.1, scheduler, why = because(why)))
        }
        TraceEvent::IpvsState { client, virt, dest, from, to } => {
            let end = |(addr, port): &(Ipv4Addr, u16)| format!("{addr}:{port}");
            (None, text!("record-ipvs-state", client = end(client), virt = end(virt), dest = end(dest), from, to))
        }
        TraceEvent::ServerSet { service, dest, to } => {
            let to = to
                .map_or(text!("record-server-deleted"), |(method, weight)| text!("record-server-set", method, weight));
            (None, text!("record-server", service, addr = dest.0, port = dest.1, to))
        }
        TraceEvent::Typed { text } => (None, text!("record-types", typed = text.trim_end().replace('\n', "; "))),
        // Who will answer is not known yet when it is asked.
        TraceEvent::Decided { what, dev, .. } if matches!(**what, Decision::Neighbour { mac: None, .. }) => {
            let Decision::Neighbour { next_hop, .. } = &**what else { return None };
            (Some(*dev), text!("record-neigh-unknown", next_hop))
        }
        TraceEvent::Decided { dev, what, .. } => (Some(*dev), decision(lab, r, *dev, what)?.0),
        TraceEvent::Receipt(_) | TraceEvent::Ran { .. } | TraceEvent::Wrote { .. } => return None,
    };
    let head = format!("{} {} ", log.seconds(r.at), log.place(r.node, dev));
    Some(Text::list([Text::plain(head), what], Join::Nothing))
}

/// The rule behind a loss, under Linux's own names.
pub fn rule(reason: &DropReason) -> Text {
    let rule = reason.rule();
    let counters = Text::list(rule.counters.iter().map(|mib| Text::plain(mib.row().id)), Join::And);
    let linux = match (rule.counters.is_empty(), rule.linux) {
        (false, _) => text!("rule-counts", counters),
        (true, "") => Text::none(),
        (true, name) => text!("rule-called", name),
    };
    text!("rule", decider = rule.decider(), code = rule.code, linux)
}

fn decision(lab: &Lab<'_>, r: &Record, dev: crate::base::DevIdx, what: &Decision) -> Option<(Text, Option<Text>)> {
    let some = |did: Text, rule: &str| Some((did, Some(Text::plain(rule))));
    match what {
        Decision::SourceChecked { src, knob } => {
            some(text!("step-source-checked", src, knob), "fib_validate_source, net/ipv4/fib_frontend.c")
        }
        Decision::Routed { dst, route, table, kind, out, via } => {
            let table = match table {
                255 => "local".to_string(),
                254 => "main".to_string(),
                253 => "default".to_string(),
                n => n.to_string(),
            };
            let way = match (*kind, via) {
                ("local", _) => text!("step-way-local", out),
                (_, Some(via)) => text!("step-way-via", out, via),
                (_, None) => text!("step-way-link", out),
            };
            some(text!("step-routed", dst, way, route, table), "fib_table_lookup, net/ipv4/fib_trie.c")
        }
        Decision::Neighbour { next_hop, state, mac: Some(mac) } => {
            let whose = lab.log.mac_owner(*mac).map_or_else(|| text!("step-nobody-here"), Text::plain);
            some(text!("step-neighbour", next_hop, mac, whose, state), "neigh_resolve_output, net/core/neighbour.c")
        }
        Decision::Neighbour { next_hop, mac: None, .. } => {
            some(asked(lab, r, dev, *next_hop), "arp_solicit, net/ipv4/arp.c")
        }
        Decision::Passed { table, chain } => {
            some(text!("step-passed", table, chain), "ipt_do_table, net/ipv4/netfilter/ip_tables.c")
        }
        Decision::Translated { by, from, to } => {
            Some((text!("step-translated", by, from = ends(from), to = ends(to)), None))
        }
        Decision::Forwarded { method, dest } => some(
            text!("step-forwarded", addr = dest.0, port = dest.1, method),
            "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c",
        ),
        Decision::NotVirtual => some(text!("step-not-virtual"), "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c"),
        Decision::Delivered { proto, port } => {
            let port = port.map_or_else(Text::none, |p| text!("step-port", p));
            Some((text!("step-delivered", proto, port), None))
        }
    }
}

fn ends(e: &Ends) -> String {
    let end = |(addr, port): (Ipv4Addr, Option<u16>)| port.map_or(addr.to_string(), |p| format!("{addr}:{p}"));
    format!("{} > {}", end(e.src), end(e.dst))
}

/// Nobody is known yet: who was asked, and who answered first.
fn asked(lab: &Lab<'_>, r: &Record, dev: crate::base::DevIdx, next_hop: Ipv4Addr) -> Text {
    let mine = |q: &&crate::report::facts::Question| q.node == r.node && q.dev == dev && q.request.tpa == next_hop;
    let asked =
        lab.questions.iter().filter(mine).rfind(|q| q.at <= r.at && q.answers.first().is_none_or(|a| a.0 >= r.at));
    let asked = asked.or_else(|| lab.questions.iter().filter(mine).find(|q| q.at >= r.at));
    let answer = match asked.map(|q| q.answers.as_slice()) {
        None => text!("asked-before"),
        Some([]) => text!("asked-nobody"),
        Some([first, more @ ..]) => {
            let who = lab.log.mac_owner(first.1).unwrap_or_else(|| first.1.to_string());
            let others = if more.is_empty() { Text::none() } else { text!("asked-after", n = more.len()) };
            text!("asked-first", who, others)
        }
    };
    text!("step-asked", next_hop, answer)
}
