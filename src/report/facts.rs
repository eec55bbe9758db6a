//! What several reports ask of a run: who served how many, what died where, who answered which who-has.

use super::log::{ConnectionRow, Drop, Outcome, RunLog};
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::trace::{ArpAnswer, Dir, Record, TraceEvent};
use crate::wire::{Arp, ArpOp, Frame, L3, Mac};
use std::collections::BTreeMap;
use std::io;
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
    let one = |name: &'a str| {
        let connections: Vec<_> = log.connections.iter().filter(|c| &*c.traffic == name).collect();
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
pub struct Death {
    /// The node.
    pub node: NodeId,
    /// How many.
    pub count: u64,
    first: Record,
}

/// What died, grouped by node and reason, in order of the first; harmless losses (floods, repetitions) apart.
#[derive(Clone, Debug, Default)]
pub struct Deaths {
    /// What somebody missed.
    pub real: Vec<Death>,
    /// What nobody missed.
    pub harmless: Vec<Death>,
    places: BTreeMap<(NodeId, &'static str), usize>,
}

/// What is found in the trace, by reading it once. Its size is that of what happened differently, and of ARP; not that of the
/// trace.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What died.
    pub deaths: Deaths,
    /// Every who-has, without the verdicts of hosts that have nothing to do with it.
    pub questions: Vec<Question>,
}

/// Reads the trace.
///
/// # Errors
/// If a trace that was put aside cannot be read.
pub fn facts(log: &RunLog<'_>) -> io::Result<Facts> {
    let (mut deaths, mut asking) = (Deaths::default(), Asking::default());
    let mut records = log.read();
    while let Some(record) = records.next_record()? {
        match &record.event {
            TraceEvent::Dropped { .. } => deaths.see(record),
            TraceEvent::ArpVerdict { answer: ArpAnswer::NotMine | ArpAnswer::NotAQuestion, .. } => {}
            _ => asking.see(record),
        }
    }
    Ok(Facts { deaths, questions: asking.end() })
}

impl Death {
    /// The first of them.
    pub fn first(&self) -> Drop<'_> {
        Drop::of(&self.first).expect("a death begins with a loss: see Deaths::see")
    }
}

impl Deaths {
    fn see(&mut self, record: &Record) {
        let Some(drop) = Drop::of(record) else { return };
        let list = if drop.harmless() { &mut self.harmless } else { &mut self.real };
        let place = *self.places.entry((drop.node, drop.reason.rule().code)).or_insert_with(|| {
            list.push(Death { node: drop.node, count: 0, first: record.clone() });
            list.len() - 1
        });
        list[place].count += 1;
    }
}

/// A who-has, and what became of it.
#[derive(Clone, Debug)]
pub struct Question {
    /// When it was sent.
    pub at: SimTime,
    /// The asking host.
    pub node: NodeId,
    /// The asking device.
    pub dev: DevIdx,
    /// The question.
    pub request: Arp,
    /// To one host only.
    pub unicast: bool,
    /// What each host that heard it did, in order of time.
    pub verdicts: Vec<(NodeId, ArpAnswer)>,
    /// The answers as they reached the asker.
    pub answers: Vec<(SimTime, Mac)>,
    /// The hardware address that the asker's cache had after the last answer.
    pub cached: Option<Mac>,
}

/// Every who-has in order of sending, without announcements (a host asking for its own address), as far as the trace is
/// in memory.
pub fn questions(log: &RunLog<'_>) -> Vec<Question> {
    let mut asking = Asking::default();
    log.records.iter().for_each(|record| asking.see(record));
    asking.end()
}

/// Questions, while they are gathered.
#[derive(Debug, Default)]
struct Asking {
    out: Vec<Question>,
    // The latest question of a device, and of a sender as others hear it.
    by_dev: Table<(NodeId, DevIdx, Ipv4Addr), usize>,
    by_sender: Table<(Mac, Ipv4Addr, Ipv4Addr), usize>,
}

impl Asking {
    fn see(&mut self, r: &Record) {
        match &r.event {
            TraceEvent::Frame { dev, dir, frame, .. } => {
                if let L3::Arp(arp) = &frame.l3 {
                    self.frame(r, *dev, *dir, frame, arp);
                }
            }
            TraceEvent::ArpVerdict { request, answer, .. } => {
                if let Some(i) = self.by_sender.get(&(request.sha, request.spa, request.tpa)) {
                    self.out[*i].verdicts.push((r.node, answer.clone()));
                }
            }
            TraceEvent::Neigh { dev, addr, mac, .. } => {
                if let (Some(i), Some(mac)) = (self.by_dev.get(&(r.node, *dev, *addr)), mac)
                    && !self.out[*i].answers.is_empty()
                {
                    self.out[*i].cached = Some(*mac);
                }
            }
            _ => {}
        }
    }

    fn frame(&mut self, r: &Record, dev: DevIdx, dir: Dir, frame: &Frame, arp: &Arp) {
        match (arp.op, dir) {
            (ArpOp::Request, Dir::Out) if arp.spa != arp.tpa => {
                self.by_dev.insert((r.node, dev, arp.tpa), self.out.len());
                self.by_sender.insert((arp.sha, arp.spa, arp.tpa), self.out.len());
                self.out.push(Question {
                    at: r.at,
                    node: r.node,
                    dev,
                    request: *arp,
                    unicast: !frame.dst.is_multicast(),
                    verdicts: Vec::new(),
                    answers: Vec::new(),
                    cached: None,
                });
            }
            (ArpOp::Reply, Dir::In) => {
                if let Some(i) = self.by_dev.get(&(r.node, dev, arp.spa))
                    && frame.dst == self.out[*i].request.sha
                {
                    self.out[*i].answers.push((r.at, arp.sha));
                }
            }
            _ => {}
        }
    }

    fn end(mut self) -> Vec<Question> {
        // A cache that was confirmed without a change of address has had the same one all along.
        for q in &mut self.out {
            if q.cached.is_none() {
                q.cached = q.answers.first().map(|a| a.1);
            }
        }
        self.out
    }
}

impl Question {
    /// Whether there was anything to decide: more than one host has the address, or one that has it kept silent.
    pub fn contested(&self, log: &RunLog<'_>) -> bool {
        let quiet = |(_, answer): &(NodeId, ArpAnswer)| {
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
        let all = facts(&log).expect("a trace in memory").deaths;
        assert_eq!(all.real.len(), 1);
        assert_eq!(all.real[0].count, 2);
        assert_eq!(all.real[0].first().at, testing::ms(1500));
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
