//! What several reports ask of a run: who served how many, what died where, who answered which who-has.

use super::log::{ConnectionRow, Drop, Outcome, RunLog};
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::trace::{ArpAnswer, Dir, TraceEvent};
use crate::wire::{Arp, ArpOp, L3, Mac};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One traffic entry, counted.
#[derive(Clone, Debug)]
pub struct Traffic<'a> {
    /// The entry's name.
    pub name: &'a str,
    /// Its connections, by index.
    pub connections: Vec<&'a ConnectionRow>,
    /// How many ended how.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How many each node served, in the order of the nodes.
    pub served: Vec<(&'a str, u64)>,
}

/// Every traffic entry, in the order of the file.
pub fn traffic<'a>(log: &'a RunLog<'_>) -> Vec<Traffic<'a>> {
    let one = |name| {
        let connections: Vec<_> = log.connections.iter().filter(|c| c.traffic == name).collect();
        let mut outcomes = BTreeMap::new();
        let mut servers: BTreeMap<&str, u64> = BTreeMap::new();
        for c in &connections {
            *outcomes.entry(c.outcome).or_insert(0) += 1;
            if let Some(server) = &c.server {
                *servers.entry(server).or_insert(0) += 1;
            }
        }
        let mut served: Vec<(&str, u64)> = Vec::new();
        for node in &log.nodes {
            served.extend(servers.remove_entry(node.name.as_str()));
        }
        served.extend(servers);
        Traffic { name, connections, outcomes, served }
    };
    log.traffic_names().into_iter().map(one).collect()
}

/// Packets that died at one place for one reason.
#[derive(Clone, Debug)]
pub struct Death<'a> {
    /// The node.
    pub node: NodeId,
    /// The first of them.
    pub first: Drop<'a>,
    /// How many.
    pub count: u64,
}

/// What died, grouped by node and reason, in order of the first; harmless losses (floods, repetitions) apart.
#[derive(Clone, Debug, Default)]
pub struct Deaths<'a> {
    /// What somebody missed.
    pub real: Vec<Death<'a>>,
    /// What nobody missed.
    pub harmless: Vec<Death<'a>>,
}

/// What died in a run.
pub fn deaths<'a>(log: &'a RunLog<'_>) -> Deaths<'a> {
    let mut out = Deaths::default();
    let mut places: BTreeMap<(NodeId, &'static str), usize> = BTreeMap::new();
    for drop in log.drops() {
        let list = if drop.harmless() { &mut out.harmless } else { &mut out.real };
        let place = *places.entry((drop.node, drop.reason.rule().code)).or_insert_with(|| {
            list.push(Death { node: drop.node, first: drop, count: 0 });
            list.len() - 1
        });
        list[place].count += 1;
    }
    out
}

/// A who-has, and what became of it.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// When it was sent.
    pub at: SimTime,
    /// The asking host.
    pub node: NodeId,
    /// The asking device.
    pub dev: DevIdx,
    /// The question.
    pub request: &'a Arp,
    /// To one host only.
    pub unicast: bool,
    /// What each host that heard it did, in order of time.
    pub verdicts: Vec<(NodeId, &'a ArpAnswer)>,
    /// The answers as they reached the asker.
    pub answers: Vec<(SimTime, Mac)>,
    /// The hardware address that the asker's cache had after the last answer.
    pub cached: Option<Mac>,
}

/// Every who-has in order of sending, without announcements (a host asking for its own address).
pub fn questions<'a>(log: &RunLog<'a>) -> Vec<Question<'a>> {
    let mut out: Vec<Question<'a>> = Vec::new();
    // The latest question of a device, and of a sender as others hear it.
    let mut by_dev: Table<(NodeId, DevIdx, Ipv4Addr), usize> = Table::default();
    let mut by_sender: Table<(Mac, Ipv4Addr, Ipv4Addr), usize> = Table::default();
    for r in log.records {
        match &r.event {
            TraceEvent::Frame { dev, dir, frame, .. } => {
                let L3::Arp(arp) = &frame.l3 else { continue };
                match (arp.op, dir) {
                    (ArpOp::Request, Dir::Out) if arp.spa != arp.tpa => {
                        by_dev.insert((r.node, *dev, arp.tpa), out.len());
                        by_sender.insert((arp.sha, arp.spa, arp.tpa), out.len());
                        out.push(Question {
                            at: r.at,
                            node: r.node,
                            dev: *dev,
                            request: arp,
                            unicast: !frame.dst.is_multicast(),
                            verdicts: Vec::new(),
                            answers: Vec::new(),
                            cached: None,
                        });
                    }
                    (ArpOp::Reply, Dir::In) => {
                        if let Some(i) = by_dev.get(&(r.node, *dev, arp.spa))
                            && frame.dst == out[*i].request.sha
                        {
                            out[*i].answers.push((r.at, arp.sha));
                        }
                    }
                    _ => {}
                }
            }
            TraceEvent::ArpVerdict { request, answer, .. } => {
                if let Some(i) = by_sender.get(&(request.sha, request.spa, request.tpa)) {
                    out[*i].verdicts.push((r.node, answer));
                }
            }
            TraceEvent::Neigh { dev, addr, mac, .. } => {
                if let (Some(i), Some(mac)) = (by_dev.get(&(r.node, *dev, *addr)), mac)
                    && !out[*i].answers.is_empty()
                {
                    out[*i].cached = Some(*mac);
                }
            }
            _ => {}
        }
    }
    // A cache that was confirmed without a change of address has had the same one all along.
    for q in &mut out {
        if q.cached.is_none() {
            q.cached = q.answers.first().map(|a| a.1);
        }
    }
    out
}

impl Question<'_> {
    /// Whether there was anything to decide: more than one host has the address, or one that has it kept silent.
    pub fn contested(&self, log: &RunLog<'_>) -> bool {
        let quiet = |(_, answer): &(NodeId, &ArpAnswer)| {
            !matches!(answer, ArpAnswer::Answered { .. } | ArpAnswer::NotMine | ArpAnswer::NotAQuestion)
        };
        let answered = self.verdicts.iter().filter(|v| matches!(v.1, ArpAnswer::Answered { .. })).count();
        answered > 1
            || self.answers.len() > 1
            || self.verdicts.iter().any(quiet)
            || log.addr_owners(self.request.tpa).len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn outcomes_and_servers_are_counted_per_entry() {
        let records = testing::records();
        let log = testing::log(&records);
        let all = traffic(&log);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].outcomes, BTreeMap::from([(Outcome::Ok, 1), (Outcome::Timeout, 1)]));
        assert_eq!(all[0].served, [("rs1", 1)]);
    }

    #[test]
    fn deaths_of_one_reason_at_one_node_are_one_group() {
        let records = testing::records();
        let log = testing::log(&records);
        let all = deaths(&log);
        assert_eq!(all.real.len(), 1);
        assert_eq!(all.real[0].count, 2);
        assert_eq!(all.real[0].first.at, testing::ms(1500));
    }

    #[test]
    fn a_question_knows_its_verdicts_answers_and_what_was_cached() {
        let records = testing::records();
        let log = testing::log(&records);
        let all = questions(&log);
        assert_eq!(all.len(), 1);
        let q = &all[0];
        assert_eq!(q.verdicts.len(), 2);
        assert_eq!(q.answers, [(testing::ms(501), testing::mac(2))]);
        assert_eq!(q.cached, Some(testing::mac(2)));
        assert!(q.contested(&log));
    }
}
