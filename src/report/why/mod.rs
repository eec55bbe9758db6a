//! `lvsim why`: where a packet went, in a sentence, with the knob.
//!
//! [`why`] answers a [`Subject`] with plain data: the causes by their codes, each with what mends it, and the ways of the
//! packets that tell, step by step. Texts and JSON are made from that in [`mod@text`]. Nothing here simulates.

pub mod arp;
pub mod causes;
mod find_arp;
mod find_gone;
mod find_ipvs;
mod find_mask;
mod find_path;
mod find_server;
mod find_typed;
pub mod lab;
pub mod lineage;
pub mod text;

pub use arp::Asked;
pub use causes::Found;
pub use lab::Lab;
pub use lineage::{Step, Way, record_line};

use crate::lang::Text;
use crate::report::log::{ConnectionRow, Outcome};
use crate::scenario::model::Claim;
use crate::text;
use std::net::Ipv4Addr;

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The first thing that went wrong.
    Any,
    /// A connection: the entry's name and its place there, from 0.
    Connection(String, u32),
    /// A packet, by its number.
    Packet(u32),
    /// A loss, by its place among those that `lvsim trace FILE drop` shows, from 1.
    Drop(usize),
    /// Who answered for an address, or why a host kept silent.
    WhoHas(Ipv4Addr, Option<String>),
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Why {
    /// What it is about, in a sentence.
    pub subject: Text,
    /// Whether something went wrong at all.
    pub wrong: bool,
    /// What is behind it, roots first.
    pub causes: Vec<Found>,
    /// The packets that tell.
    pub ways: Vec<Way>,
    /// Packets of the subject that are not told.
    pub untold: usize,
    /// Who answered which who-has, where that matters.
    pub asked: Vec<Asked>,
}

/// The subject is not in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThere {
    /// What is missing: `no connection of \`wbe\``.
    pub what: Text,
    /// The word that was not found, and what there is instead.
    pub word: String,
    /// Names that could be meant; empty where a sentence says all.
    pub names: Vec<String>,
}

impl NotThere {
    fn new(what: Text, word: &str, names: Vec<String>) -> NotThere {
        NotThere { what, word: word.to_string(), names }
    }
}

/// Who or what is behind the subject.
///
/// # Errors
/// The run has no such connection, packet, loss or host.
pub fn why(lab: &Lab<'_>, subject: &Subject) -> Result<Why, NotThere> {
    match subject {
        Subject::Any => Ok(any(lab)),
        Subject::Connection(name, index) => Ok(connection(lab, find_connection(lab, name, *index)?, None)),
        Subject::Packet(id) => {
            let ways: Vec<Way> = lineage::of_packet(lab, *id).iter().filter_map(|i| lineage::way(lab, *i)).collect();
            let Some(first) = ways.first() else {
                return Err(NotThere::new(text!("why-no-packet", id), "", Vec::new()));
            };
            let wrong = ways.iter().any(|w| w.steps.iter().any(|s| s.lost));
            let subject = text!("why-packet", id, line = first.line);
            Ok(Why { subject, wrong, causes: causes_if(lab, wrong), ways, untold: 0, asked: Vec::new() })
        }
        Subject::Drop(n) => {
            let total = lab.log.drops().count();
            let Some(d) = n.checked_sub(1).and_then(|n| lab.log.drops().nth(n)) else {
                let what = if total == 0 { text!("why-nothing-lost") } else { text!("why-no-loss", total, n) };
                return Err(NotThere::new(what, "", Vec::new()));
            };
            let subject = text!(
                "why-loss",
                n,
                total,
                at = lab.log.brief(d.at),
                place = lab.log.place(d.node, d.dev),
                reason = d.reason
            );
            let ways = d.frame.ip().and_then(|p| lineage::way(lab, p.id.0)).into_iter().collect();
            let asked = d.arp().map_or_else(Vec::new, |a| arp::asked(lab, a.tpa, None));
            Ok(Why { subject, wrong: !d.harmless(), causes: causes_if(lab, !d.harmless()), ways, untold: 0, asked })
        }
        Subject::WhoHas(addr, silent) => {
            if let Some(name) = silent
                && !lab.log.nodes.iter().any(|n| n.name == *name)
            {
                let names = lab.log.nodes.iter().map(|n| n.name.clone()).collect();
                return Err(NotThere::new(text!("why-no-node", name), name, names));
            }
            let asked = arp::asked(lab, *addr, silent.as_deref());
            let subject = match silent {
                Some(host) => text!("why-what-host-did", host, addr),
                None => text!("why-who-has", addr),
            };
            let contested = asked.iter().any(|a| a.answers.len() != 1);
            Ok(Why { subject, wrong: contested, causes: causes_if(lab, contested), ways: Vec::new(), untold: 0, asked })
        }
    }
}

/// Whether a server answered for a VIP and was believed, so that traffic goes past the director.
pub fn strays(lab: &Lab<'_>) -> bool {
    find_arp::stray(lab)
}

/// A connection of the run by its entry and its place there.
///
/// # Errors
/// There is no such entry, or it has fewer connections.
pub fn find_connection<'l>(lab: &'l Lab<'_>, name: &str, index: u32) -> Result<&'l ConnectionRow, NotThere> {
    let of = || lab.log.connections.iter().filter(|c| &*c.traffic == name);
    let Some(last) = of().map(|c| c.index).max() else {
        let names = lab.log.traffic_names().iter().map(|n| n.to_string()).collect();
        return Err(NotThere::new(text!("why-no-traffic", name), name, names));
    };
    let missing = || NotThere::new(text!("why-no-connection", name, last, index), "", Vec::new());
    of().find(|c| c.index == index).ok_or_else(missing)
}

fn causes_if(lab: &Lab<'_>, wrong: bool) -> Vec<Found> {
    if wrong { causes::causes(lab) } else { Vec::new() }
}

/// The first failed expectation, connection or loss, or what strays without failing.
fn any(lab: &Lab<'_>) -> Why {
    let expects = lab.play.scenario.expect.iter().zip(&lab.log.expectations);
    if let Some((expect, judged)) = expects.into_iter().find(|(_, j)| !j.holds) {
        let said = text!("why-expected", source = judged.source, found = one_line(&judged.found));
        return match concerns(lab, &expect.what) {
            Concern::Connection(c) => connection(lab, c, Some(said)),
            Concern::Address(addr) => {
                let asked = arp::asked(lab, addr, None);
                Why { subject: said, wrong: true, causes: causes::causes(lab), ways: Vec::new(), untold: 0, asked }
            }
            // What was typed has no connection of the file: the first packet that was lost tells.
            Concern::Nothing => {
                let lost = lab.drops().find_map(|d| d.frame.ip().map(|p| p.id.0));
                let ways = lost.and_then(|id| lineage::way(lab, id)).into_iter().collect();
                Why { subject: said, wrong: true, causes: causes::causes(lab), ways, untold: 0, asked: Vec::new() }
            }
        };
    }
    let nothing_expected = lab.log.expectations.is_empty();
    if let Some(c) = lab.failed().next().filter(|_| nothing_expected) {
        return connection(lab, c, None);
    }
    if let Some(d) = lab.drops().next().filter(|_| nothing_expected) {
        let number = lab.losses.first().map_or(1, |l| l.number + 1);
        if let Ok(why) = why(lab, &Subject::Drop(number)) {
            return why;
        }
        debug_assert!(false, "a loss that is counted has a number: {}", d.reason);
    }
    // Every page may load although the traffic goes past the director.
    let causes = causes::causes(lab);
    let subject = match (nothing_expected, causes.is_empty()) {
        (_, true) => text!("why-nothing-wrong"),
        (true, false) => text!("why-nothing-failed"),
        (false, false) => text!("why-all-holds"),
    };
    let contested = lab.vips.iter().flat_map(|v| arp::asked(lab, *v, None)).filter(|a| a.contested());
    let asked = if causes.is_empty() { Vec::new() } else { contested.take(1).collect() };
    Why { subject, wrong: false, causes, ways: Vec::new(), untold: 0, asked }
}

enum Concern<'a> {
    Connection(&'a ConnectionRow),
    Address(Ipv4Addr),
    Nothing,
}

/// What a claim is about: a connection that is not as expected, or an address.
fn concerns<'a>(lab: &'a Lab<'_>, claim: &Claim) -> Concern<'a> {
    let of = |place: usize| {
        let name = lab.play.scenario.traffic.get(place).map(|t| t.name.clone()).unwrap_or_default();
        lab.log.connections.iter().filter(move |c| *c.traffic == *name)
    };
    let found = match claim {
        Claim::Outcomes { traffic, .. } => {
            of(*traffic).find(|c| c.outcome != Outcome::Ok).or_else(|| of(*traffic).next())
        }
        Claim::Served { traffic, counts } => {
            let expected = |c: &&ConnectionRow| {
                c.server.as_deref().is_some_and(|s| counts.iter().any(|(n, k)| *k > 0 && lab.name(*n) == s))
            };
            of(*traffic).find(|c| !expected(c)).or_else(|| of(*traffic).next())
        }
        Claim::Sequence { traffic, servers } => {
            let mut all = of(*traffic).zip(servers);
            all.find(|(c, s)| c.server.as_deref() != s.map(|n| lab.name(n)))
                .map(|(c, _)| c)
                .or_else(|| of(*traffic).next())
        }
        Claim::Neighbour { address, .. } => return Concern::Address(*address),
        Claim::Output { .. } | Claim::Dropped { .. } => lab.failed().next(),
    };
    found.map_or(Concern::Nothing, Concern::Connection)
}

fn connection(lab: &Lab<'_>, c: &ConnectionRow, expected: Option<Text>) -> Why {
    let packets = lineage::of_connection(lab, c);
    let (told, untold) = lineage::telling(lab, c, &packets);
    let ways = told.iter().filter_map(|t| lineage::way_of(lab, t)).collect();
    let errno = c.errno.map_or_else(String::new, |e| format!(" ({e})"));
    let by = c.server.as_ref().map_or_else(Text::none, |s| text!("why-by", s));
    let itself = text!(
        "why-connection",
        traffic = c.traffic,
        index = c.index,
        client = c.client,
        port = c.source_port,
        to = c.to.0,
        to_port = c.to.1,
        outcome = c.outcome,
        errno,
        by
    );
    let wrong = expected.is_some() || c.outcome != Outcome::Ok;
    let subject = match expected {
        Some(said) => text!("why-expected-here", said, itself),
        None => itself,
    };
    // An answer that nobody disputes is in the steps already.
    let disputed = |a: &Asked| a.answers.len() > 1 || (a.answers.is_empty() && !a.unicast);
    let asked = arp::asked(lab, c.to.0, None).into_iter().filter(disputed).take(1).collect();
    Why { subject, wrong, causes: causes_if(lab, wrong), ways, untold, asked }
}

/// What a command printed may have many lines.
fn one_line(found: &Text) -> Text {
    let Text::Plain(words) = found else { return found.clone() };
    let mut lines = words.lines();
    let Some(first) = lines.next() else { return text!("why-nothing") };
    Text::plain(if lines.next().is_some() { format!("{first} …") } else { first.to_string() })
}
