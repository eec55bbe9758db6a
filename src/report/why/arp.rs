//! The ARP verdict: for a who-has, a row for each host that heard it, and what the asker made of the answers.
//!
//! How long a wrong entry lives follows net/core/neighbour.c: REACHABLE for half to one and a half `base_reachable_time`,
//! then STALE; used, it is asked for by unicast after `delay_first_probe_time`, and whoever has the hardware address may
//! confirm it; unused, it is thrown away after `gc_stale_time` at the earliest, and only where the table is crowded.

use super::find_path::{arp_ignore, places};
use super::lab::Lab;
use crate::base::{NodeId, SimTime};
use crate::lang::Text;
use crate::net::neigh::Nud;
use crate::report::facts::Question;
use crate::report::words::arp_answer;
use crate::sysctl::Neigh;
use crate::text;
use crate::trace::{ArpAnswer, TraceEvent};
use crate::wire::Mac;
use std::net::Ipv4Addr;

/// A who-has with its verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at: SimTime,
    /// Who asked, as `NODE:IFACE`.
    pub by: String,
    /// For which address.
    pub addr: Ipv4Addr,
    /// One host only was asked.
    pub unicast: bool,
    /// What each host that heard it did.
    pub rows: Vec<Row>,
    /// Who answered, in the order in which the answers came, with the times.
    pub answers: Vec<(SimTime, String)>,
    /// Whom the asker's cache named after the answers.
    pub cached: Option<String>,
    /// What became of the entry later: times, states, names.
    pub later: Vec<(SimTime, Text)>,
    /// How long the entry lives, and what would end it.
    pub lives: Option<Text>,
}

/// A host that heard a who-has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The host.
    pub host: String,
    /// Interfaces on which it has the address, with the scope of the address; empty if it has not.
    pub has: String,
    /// The effective `arp_ignore` where the question arrived.
    pub arp_ignore: Text,
    /// What it did, and why.
    pub did: Text,
    /// Whether it answered.
    pub answered: bool,
}

impl Asked {
    /// Whether there was anything to decide.
    pub fn contested(&self) -> bool {
        self.answers.len() > 1
            || self.rows.iter().filter(|r| !r.has.is_empty()).count() > 1
            || (self.answers.is_empty() && !self.unicast)
    }
}

/// Changes of an entry that are told.
const LATER: usize = 8;

/// Every who-has for the address; with `only`, those that this host heard, and its row alone.
pub fn asked(lab: &Lab<'_>, addr: Ipv4Addr, only: Option<&str>) -> Vec<Asked> {
    let heard = |q: &&Question| only.is_none_or(|name| q.verdicts.iter().any(|(n, _)| lab.name(*n) == name));
    let all = lab.questions.iter().filter(|q| q.request.tpa == addr).filter(heard);
    all.map(|q| one(lab, q, only)).collect()
}

fn one(lab: &Lab<'_>, q: &Question, only: Option<&str>) -> Asked {
    let log = &lab.log;
    let owner = |mac: Mac| log.mac_owner(mac).unwrap_or_else(|| mac.to_string());
    let wanted = |n: NodeId| only.is_none_or(|name| lab.name(n) == name);
    let rows = q.verdicts.iter().filter(|v| wanted(v.0)).map(|(n, a)| row(lab, *n, a, q)).collect();
    let changes = log.records.iter().filter(|r| r.at > q.at && r.node == q.node).filter_map(|r| match &r.event {
        TraceEvent::Neigh { dev, addr, from, to, mac, was } if *dev == q.dev && *addr == q.request.tpa => {
            let now = mac.map_or_else(|| text!("entry-unknown"), |mac| Text::plain(owner(mac)));
            let was = was
                .filter(|w| Some(*w) != *mac)
                .map_or_else(Text::none, |w| text!("entry-in-place-of", was = owner(w)));
            Some((r.at, text!("entry-goes", from, to, now, was)))
        }
        _ => None,
    });
    Asked {
        at: q.at,
        by: log.place(q.node, Some(q.dev)),
        addr: q.request.tpa,
        unicast: q.unicast,
        rows,
        answers: q.answers.iter().map(|(at, mac)| (*at, owner(*mac))).collect(),
        cached: q.cached.map(owner),
        later: changes.take(LATER).collect(),
        lives: lives(lab, q),
    }
}

fn row(lab: &Lab<'_>, node: NodeId, answer: &ArpAnswer, q: &Question) -> Row {
    let host = lab.host(node);
    let has = host.map_or_else(String::new, |h| {
        let all = places(h, q.request.tpa).into_iter().map(|dev| {
            let a = h
                .net
                .devices()
                .find(|d| *d.name == *dev)
                .and_then(|d| d.addrs.iter().find(|a| a.local == q.request.tpa));
            a.map_or(dev.clone(), |a| format!("{dev} /{} scope {}", a.prefix, scope(a.scope)))
        });
        all.collect::<Vec<_>>().join(", ")
    });
    let dev = host.and_then(|h| heard_on(lab, node, q).map(|d| (h, d)));
    let knob = match answer {
        ArpAnswer::Answered { knob, .. } | ArpAnswer::Ignored { knob, .. } => knob.text(),
        _ => dev.map_or_else(Text::none, |(h, d)| arp_ignore(h, d).text()),
    };
    Row {
        host: lab.name(node).to_string(),
        has,
        arp_ignore: knob,
        did: arp_answer(answer, q.request.tpa),
        answered: matches!(answer, ArpAnswer::Answered { .. } | ArpAnswer::Proxied { .. }),
    }
}

/// On which device the host heard the question.
fn heard_on(lab: &Lab<'_>, node: NodeId, q: &Question) -> Option<crate::base::DevIdx> {
    lab.log.records.iter().filter(|r| r.node == node && r.at >= q.at).find_map(|r| match &r.event {
        TraceEvent::ArpVerdict { dev, request, .. } if request.tpa == q.request.tpa && request.sha == q.request.sha => {
            Some(*dev)
        }
        _ => None,
    })
}

fn scope(scope: u8) -> String {
    match scope {
        0 => "global".into(),
        253 => "link".into(),
        254 => "host".into(),
        n => n.to_string(),
    }
}

/// What the asker has at the end of the run, how long that lives, and what would end it.
fn lives(lab: &Lab<'_>, q: &Question) -> Option<Text> {
    let host = lab.host(q.node)?;
    let n = host.net.neigh.get(q.dev, q.request.tpa).filter(|n| n.state.valid())?;
    let dev = &host.net.dev(q.dev).name;
    let sysctl = &host.net.sysctl;
    let seconds = |ms: i64| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    let reachable = sysctl.neigh(Neigh::BaseReachableTime, q.dev);
    let stale = sysctl.neigh(Neigh::GcStaleTime, q.dev);
    let probe = sysctl.neigh(Neigh::DelayFirstProbeTime, q.dev);
    let who = lab.log.mac_owner(n.mac).unwrap_or_else(|| n.mac.to_string());
    let now = match n.state {
        Nud::Permanent => return Some(text!("entry-permanent", who)),
        Nud::Reachable => text!("entry-reachable", least = seconds(reachable / 2), most = seconds(reachable * 3 / 2)),
        Nud::Stale => text!("entry-stale", probe),
        _ => text!("entry-probed"),
    };
    Some(text!("entry-lives", who, state = n.state.name(), now, stale, addr = q.request.tpa, dev))
}
