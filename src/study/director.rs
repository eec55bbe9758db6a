//! What goes through the director: frames and bytes for each connection, how full its cables are, what it cannot take.
//!
//! Directors are the hosts with virtual services at the end of set-up; of several all frames count, and the fullest cable.
//! Counted from t = 0 on, a warm-up included: a frame does not say to which connection it belongs. Frames are those of its
//! Ethernet cards, in and out; a cable's use is the time for which it was sending, between the first connection's start and
//! the last one's end.

use crate::base::{DevIdx, NodeId, SimTime};
use crate::net::DevKind;
use crate::node::app::Outcome;
use crate::scenario::play::Play;

/// What went through the directors in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Director {
    /// Frames received and sent.
    pub frames: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// Connections that were answered.
    pub answered: u64,
    /// The part of the time for which the fullest direction of its cables was sending, from 0 to 1.
    pub link_use: f64,
    /// The part of the time for which its processor dealt with frames; nothing without `packet_rate`.
    pub cpu_use: Option<f64>,
    /// From the first connection's start to the last one's end, in seconds.
    pub period: f64,
    /// Frames that found a queue full: of its cables, at either end, or of its processor.
    pub dropped: u64,
}

impl Director {
    /// So much for each connection that was answered, if one was.
    pub fn per_connection(&self, n: u64) -> Option<f64> {
        (self.answered > 0).then(|| n as f64 / self.answered as f64)
    }

    /// How full it is: its fullest cable or its processor, from 0 to 1.
    pub fn load(&self) -> f64 {
        self.link_use.max(self.cpu_use.unwrap_or(0.0))
    }

    /// Answered connections a second at which it would be full, if each took as much as these did.
    pub fn ceiling(&self) -> Option<f64> {
        (self.answered > 0 && self.load() > 0.0).then(|| self.answered as f64 / self.period / self.load())
    }
}

/// Counters at one moment.
#[derive(Clone, Debug, Default)]
struct Counts {
    frames: u64,
    bytes: u64,
    /// Nanoseconds of sending, by direction.
    sending: Vec<u64>,
    /// Nanoseconds of the processor, by card; the same for all cards of one director.
    processor: Vec<Option<u64>>,
    dropped: u64,
}

/// The directors of a run that is about to begin.
#[derive(Clone, Debug)]
pub struct Watch {
    cards: Vec<(NodeId, DevIdx)>,
    before: Counts,
}

impl Watch {
    /// Looks at the directors; nothing if no host has a virtual service.
    pub fn begin(play: &Play<'_>) -> Option<Watch> {
        let hosts = play.world.nodes.iter().filter_map(|n| n.host());
        let directors = hosts.filter(|h| h.ipvs.services().next().is_some());
        let cards = directors.flat_map(|h| {
            let cards = h.net.devices().filter(|d| d.kind == DevKind::Ethernet);
            cards.map(|d| (h.id, d.idx)).collect::<Vec<_>>()
        });
        let cards: Vec<(NodeId, DevIdx)> = cards.collect();
        let before = counts(play, &cards);
        (!cards.is_empty()).then_some(Watch { cards, before })
    }

    /// What went through them since.
    pub fn end(&self, play: &Play<'_>) -> Director {
        let now = counts(play, &self.cards);
        let results = || play.world.workloads.iter().flat_map(|w| &w.results);
        let ends = results().map(|r| if r.outcome == Outcome::Unfinished { play.ended } else { r.end });
        let first = results().map(|r| r.start).min().unwrap_or(SimTime::ZERO);
        let period = ends.max().unwrap_or(first).since(first).0;
        // What is still to be done when the last connection is over counts as well: no more than all of the time.
        let part = |ns: u64| if period > 0 { (ns as f64 / period as f64).min(1.0) } else { 0.0 };
        let sending = now.sending.iter().zip(&self.before.sending).map(|(now, before)| now - before).max();
        let processor = now.processor.iter().zip(&self.before.processor);
        let processor = processor.filter_map(|(now, before)| Some((*now)? - (*before)?)).max();
        Director {
            frames: now.frames - self.before.frames,
            bytes: now.bytes - self.before.bytes,
            answered: results().filter(|r| r.outcome == Outcome::Ok).count() as u64,
            link_use: part(sending.unwrap_or(0)),
            cpu_use: processor.map(part),
            period: period as f64 / 1e9,
            dropped: now.dropped - self.before.dropped,
        }
    }
}

fn counts(play: &Play<'_>, cards: &[(NodeId, DevIdx)]) -> Counts {
    let mut sum = Counts::default();
    for (n, &(node, dev)) in cards.iter().enumerate() {
        let Some(host) = play.world.host(node) else { continue };
        let stats = host.net.dev(dev).stats;
        sum.frames += stats.rx_packets + stats.tx_packets;
        sum.bytes += stats.rx_bytes + stats.tx_bytes;
        sum.processor.push(host.frames_took().map(|t| t.0));
        if cards[..n].iter().all(|card| card.0 != node) {
            sum.dropped += host.drops.get("backlog-full").copied().unwrap_or(0);
        }
        if let Some((cable, _)) = play.world.cable_at(node, dev) {
            let cable = &play.world.links[cable.0 as usize];
            for side in 0..2 {
                sum.sending.push(cable.sent_for(side).0);
                sum.dropped += cable.refused(side);
            }
        }
    }
    sum
}
