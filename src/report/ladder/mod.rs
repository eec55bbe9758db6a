//! The ladder: a column for each host, an arrow for each frame from one host to the next, a cross where one is lost.
//!
//! [`ladder`] makes plain rows from a run; [`text`], [`svg`] and [`mermaid`] draw them. Switches have no column: a frame goes
//! from the host that sends it to the host that it is for. Frames that a switch floods to strangers are left out.

pub mod mermaid;
pub mod svg;
pub mod text;

use super::RunLog;
use super::why::lab::Lab;
use super::why::lineage;
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::report::log::ConnectionRow;
use crate::trace::{Dir, TraceEvent};
use crate::wire::print::Printer;
use crate::wire::{Arp, Frame, L3, Mac};
use std::collections::BTreeSet;

/// More rows than this are counted, not drawn.
pub const MOST_ROWS: usize = 400;

/// A ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// What it shows.
    pub title: String,
    /// The hosts that take part, in the order of the file.
    pub columns: Vec<String>,
    /// What passed between them.
    pub rows: Vec<Row>,
    /// Rows that did not fit.
    pub more: usize,
}

/// A frame from one host to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When it left.
    pub at: SimTime,
    /// The same in seconds from t = 0.
    pub seconds: String,
    /// The sender's column.
    pub from: usize,
    /// Where it goes.
    pub to: Target,
    /// What it says.
    pub label: String,
    /// Why it was lost, if it was.
    pub lost: Option<String>,
}

/// Where an arrow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At another host.
    Column(usize),
    /// At everybody in the segment: the outermost columns that heard the broadcast, the sender's own included.
    Reach(usize, usize),
    /// At the host itself, or nobody knows.
    Here,
}

/// A frame before columns are given.
struct Arrow {
    at: SimTime,
    from: NodeId,
    to: Option<NodeId>,
    all: bool,
    heard: Vec<NodeId>,
    label: String,
    lost: Option<String>,
}

/// The ladder of a run, or of one of its connections with the questions that it brought about.
pub fn ladder(lab: &Lab<'_>, only: Option<&ConnectionRow>) -> Ladder {
    let log = &lab.log;
    let wanted: Option<BTreeSet<u32>> = only.map(|c| lineage::of_connection(lab, c).into_iter().collect());
    let (since, until) = only.map_or((SimTime::ZERO, SimTime::NEVER), |c| (c.start, c.end.unwrap_or(SimTime::NEVER)));
    let takes = |frame: &Frame, at: SimTime| match (&frame.l3, &wanted) {
        (_, None) => true,
        (L3::Ip(p), Some(ids)) => lineage::ids(p).any(|id| ids.contains(&id)),
        (L3::Arp(arp), Some(_)) => at >= since && at <= until && arp_concerns(lab, arp, only),
    };
    let ports: BTreeSet<u16> = log.connections.iter().map(|c| c.source_port).collect();
    let mut printer = Printer::new(ports);
    let mut arrows: Vec<Arrow> = Vec::new();
    // The arrow that a host's latest frame made, to find it again when it is lost.
    let mut sent: Table<(NodeId, DevIdx), usize> = Table::default();
    // The arrow of a card's latest broadcast, to add who heard it.
    let mut called: Table<Mac, usize> = Table::default();
    for r in log.records {
        match &r.event {
            TraceEvent::Frame { dev, dir: Dir::Out, frame, ethernet: true } => {
                let label = printer.line(frame, &|mac| log.mac_owner(mac));
                if frame.src == Mac::ZERO || !takes(frame, r.at) {
                    continue;
                }
                sent.insert((r.node, *dev), arrows.len());
                if frame.dst.is_multicast() {
                    called.insert(frame.src, arrows.len());
                }
                let to = lab.of_mac(frame.dst).map(|h| h.id);
                arrows.push(Arrow {
                    at: r.at,
                    from: r.node,
                    to,
                    all: frame.dst.is_multicast(),
                    heard: Vec::new(),
                    label,
                    lost: None,
                });
            }
            TraceEvent::Frame { dir: Dir::In, frame, .. } if frame.dst.is_multicast() => {
                if let Some(arrow) = called.get(&frame.src).and_then(|i| arrows.get_mut(*i)) {
                    arrow.heard.push(r.node);
                }
            }
            TraceEvent::Dropped { dev, frame, reason } => {
                let drop = super::log::Drop { at: r.at, node: r.node, dev: *dev, frame, reason };
                if drop.harmless() || !takes(frame, r.at) {
                    continue;
                }
                let on_cable = matches!(
                    reason,
                    crate::trace::DropReason::LinkLoss | crate::trace::DropReason::LinkQueueFull { .. }
                );
                let arrow = dev.and_then(|d| sent.get(&(r.node, d))).copied();
                match arrow.and_then(|i| arrows.get_mut(i)).filter(|a| on_cable && a.at == r.at && a.lost.is_none()) {
                    Some(arrow) => arrow.lost = Some(reason.to_string()),
                    None => arrows.push(Arrow {
                        at: r.at,
                        from: r.node,
                        to: None,
                        all: false,
                        heard: Vec::new(),
                        label: lineage::line(log, frame),
                        lost: Some(reason.to_string()),
                    }),
                }
            }
            _ => {}
        }
    }
    place(log, arrows, only)
}

/// Whether a question belongs to a connection: it was asked by or for somebody on its way.
fn arp_concerns(lab: &Lab<'_>, arp: &Arp, only: Option<&ConnectionRow>) -> bool {
    let Some(c) = only else { return true };
    let client = lab.client_ends(c);
    let ends = [arp.spa, arp.tpa];
    ends.contains(&c.to.0) || ends.iter().any(|a| client.iter().any(|e| e.0 == *a))
}

fn place(log: &RunLog<'_>, arrows: Vec<Arrow>, only: Option<&ConnectionRow>) -> Ladder {
    let more = arrows.len().saturating_sub(MOST_ROWS);
    let shown = &arrows[..arrows.len() - more];
    let part: BTreeSet<NodeId> = shown.iter().flat_map(|a| [Some(a.from), a.to]).flatten().collect();
    let nodes: Vec<NodeId> = part.into_iter().collect();
    let column = |n: NodeId| nodes.binary_search(&n).unwrap_or_default();
    let rows = shown.iter().map(|a| Row {
        at: a.at,
        seconds: log.seconds(a.at),
        from: column(a.from),
        to: match a.to {
            Some(to) if to != a.from => Target::Column(column(to)),
            _ if a.all => {
                let heard = a
                    .heard
                    .iter()
                    .filter(|n| nodes.binary_search(n).is_ok())
                    .map(|n| column(*n))
                    .chain([column(a.from)]);
                Target::Reach(heard.clone().min().unwrap_or(0), heard.max().unwrap_or(0))
            }
            _ => Target::Here,
        },
        label: a.label.clone(),
        lost: a.lost.clone(),
    });
    let title = match only {
        Some(c) => format!("{}: connection {}:{}", log.title, c.traffic, c.index),
        None => log.title.clone(),
    };
    let rows = rows.collect();
    Ladder { title, columns: nodes.iter().map(|n| log.node(*n).to_string()).collect(), rows, more }
}

impl Ladder {
    /// What is said where rows did not fit; empty where all did.
    pub fn note(&self) -> String {
        if self.more == 0 {
            return String::new();
        }
        format!("{} more frames are not drawn; name one connection to see its own", self.more)
    }
}
