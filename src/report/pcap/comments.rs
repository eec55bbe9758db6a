//! What a capture says of each frame: that it dies, where and why, and what IPVS chose. Such a thing happens after the
//! frame was seen, so the trace is read ahead of who writes the frames, as far as is needed to know everything about the next.
//!
//! A first reading counts what is said of each packet: with the last word its sightings are forgotten. So memory holds
//! packets on their way, what is said of frames not yet written, two bytes for each packet of the run, and 16 for each
//! ARP packet that was lost; no frames.

use super::super::log::RunLog;
use super::super::words::because;
use crate::base::{DevIdx, NodeId, Table};
use crate::trace::{DropReason, Record, Records, TraceEvent};
use crate::wire::{Arp, Frame, IpPacket, L3, L4, PacketId};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What is said of the records of a trace, by their numbers from 0; asked in their order.
#[derive(Debug)]
pub struct Comments<'a> {
    log: &'a RunLog<'a>,
    ahead: Records<'a>,
    /// The next record ahead.
    next: u64,
    left: Counts,
    flights: Table<PacketId, Flight>,
    /// The first sighting of each flight: what is said of it or a later one may not be complete.
    held: BTreeSet<u64>,
    arp: ArpDrops,
    said: BTreeMap<u64, Vec<String>>,
}

impl<'a> Comments<'a> {
    /// Reads the trace once.
    ///
    /// # Errors
    /// If a trace that was put aside cannot be read; so do all others.
    pub fn new(log: &'a RunLog<'a>) -> io::Result<Comments<'a>> {
        let (mut left, mut arp) = (Counts::default(), ArpDrops::default());
        let mut last: Table<(NodeId, Option<DevIdx>), (Arp, u64)> = Table::default();
        let mut records = log.read();
        let mut number = 0;
        while let Some(record) = records.next_record()? {
            match &record.event {
                TraceEvent::Frame { dev, frame, .. } => {
                    if let L3::Arp(arp) = &frame.l3 {
                        last.insert((record.node, Some(*dev)), (*arp, number));
                        last.insert((record.node, None), (*arp, number));
                    }
                }
                TraceEvent::Dropped { dev, frame, .. } => match &frame.l3 {
                    L3::Ip(p) => left.add(p.id),
                    L3::Arp(lost) => {
                        if let Some((_, seen)) = last.get(&(record.node, *dev)).filter(|(seen, _)| seen == lost) {
                            arp.add(number, *seen);
                        }
                    }
                },
                TraceEvent::Scheduled { packet, .. } => left.add(packet.id),
                _ => {}
            }
            number += 1;
        }
        let (ahead, flights) = (log.read(), Table::default());
        Ok(Comments { log, ahead, next: 0, left, flights, held: BTreeSet::new(), arp, said: BTreeMap::new() })
    }

    /// Everything that is said of the frame in record `number`; nothing: no frame stands there, or nothing is to be said.
    ///
    /// # Errors
    /// See [`Comments::new`].
    pub fn of(&mut self, number: u64) -> io::Result<Option<Vec<String>>> {
        while self.open(number) && self.advance()? {}
        Ok(self.said.remove(&number))
    }

    /// Whether more may be said of record `number` by what was not read yet.
    fn open(&self, number: u64) -> bool {
        let last = self.arp.last.get(&number).copied().unwrap_or(number);
        self.next <= last || self.held.first().is_some_and(|held| *held <= number)
    }

    /// Reads one record; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(Record { node, event, .. }) = self.ahead.next_record()? else { return Ok(false) };
        let number = self.next;
        self.next += 1;
        match event {
            TraceEvent::Frame { dev, frame, .. } => {
                if let L3::Ip(p) = &frame.l3
                    && self.left.any(p.id)
                {
                    if !self.flights.contains(&p.id) {
                        self.flights.insert(p.id, Flight::default());
                        self.held.insert(number);
                    }
                    if let Some(flight) = self.flights.get_mut(&p.id) {
                        flight.see(Sighting { number, node: *node, dev: *dev, piece: piece(p) });
                    }
                }
            }
            TraceEvent::Dropped { dev, frame, reason } => {
                let text = death(self.log, *node, *dev, reason);
                match find(&self.flights, &self.arp, number, frame, *node, *dev) {
                    Some(seen) => self.said.entry(seen).or_default().push(text),
                    None if dev.is_some() => {
                        self.said.insert(number, vec![format!("{text}; it was never on a cable")]);
                    }
                    None => {}
                }
                if let L3::Ip(p) = &frame.l3 {
                    let id = p.id;
                    self.settle(id);
                }
            }
            TraceEvent::Scheduled { packet, service, scheduler, dest, because: why } => {
                let id = packet.id;
                if let Some(seen) = self.flights.get(&id).and_then(|f| f.find(piece(packet), *node, None)) {
                    let text = format!("IPVS: {service} {scheduler} chose {}:{}: {}", dest.0, dest.1, because(why));
                    self.said.entry(seen).or_default().push(text);
                }
                self.settle(id);
            }
            _ => {}
        }
        Ok(true)
    }

    /// Something was said of the packet; with the last word it is forgotten.
    fn settle(&mut self, id: PacketId) {
        if self.left.take(id) {
            return;
        }
        if let Some(flight) = self.flights.remove(&id) {
            self.held.remove(&flight.first);
        }
    }
}

fn death(log: &RunLog<'_>, node: NodeId, dev: Option<DevIdx>, reason: &DropReason) -> String {
    let place = log.place(node, dev).replace(':', " ");
    let rule = reason.rule();
    format!("dropped at {place}: {reason} [{}; {}]", rule.code, rule.symbol)
}

fn find(
    flights: &Table<PacketId, Flight>,
    arp: &ArpDrops,
    number: u64,
    frame: &Frame,
    node: NodeId,
    dev: Option<DevIdx>,
) -> Option<u64> {
    match &frame.l3 {
        L3::Ip(p) => flights.get(&p.id)?.find(piece(p), node, dev),
        L3::Arp(_) => arp.seen(number),
    }
}

/// Which fragment a packet is: with its number, what tells it from others. A packet keeps its number in a tunnel.
fn piece(p: &IpPacket) -> u16 {
    if matches!(p.l4, L4::Fragment(_)) { p.frag } else { 0 }
}

/// A packet at a device.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    number: u64,
    node: NodeId,
    dev: DevIdx,
    piece: u16,
}

/// Where a packet was seen, of which something is going to be said.
#[derive(Debug, Default)]
struct Flight {
    first: u64,
    seen: Vec<Sighting>,
    /// Sightings that were left when the older ones of the same place were thrown away.
    thinned: usize,
}

impl Flight {
    /// What a packet that does not run in circles has at most.
    const FEW: usize = 64;

    fn see(&mut self, sighting: Sighting) {
        if self.seen.is_empty() {
            self.first = sighting.number;
        }
        self.seen.push(sighting);
        if self.seen.len() > Self::FEW.max(2 * self.thinned) {
            let place = |s: &Sighting| (s.piece, s.node, s.dev);
            self.seen.sort_by_key(|s| (place(s), std::cmp::Reverse(s.number)));
            self.seen.dedup_by_key(|s| place(s));
            self.seen.sort_by_key(|s| s.number);
            self.thinned = self.seen.len();
        }
    }

    /// Where it was seen last: at the device, on the node, anywhere.
    fn find(&self, piece: u16, node: NodeId, dev: Option<DevIdx>) -> Option<u64> {
        let mut best: Option<&Sighting> = None;
        for s in self.seen.iter().rev().filter(|s| s.piece == piece) {
            if s.node == node && dev == Some(s.dev) {
                return Some(s.number);
            }
            if best.is_none_or(|b| b.node != node && s.node == node) {
                best = Some(s);
            }
            if dev.is_none() && s.node == node {
                break;
            }
        }
        best.map(|s| s.number)
    }
}

/// How often something is still going to be said of each packet. Packets are numbered as they are born, so pages of
/// counters are full.
#[derive(Debug, Default)]
struct Counts(Table<u32, Box<[u16; Self::PAGE as usize]>>);

impl Counts {
    const PAGE: u32 = 1 << 12;

    fn add(&mut self, id: PacketId) {
        let (page, place) = (id.0 / Self::PAGE, (id.0 % Self::PAGE) as usize);
        if let Some(counts) = self.0.get_mut(&page) {
            counts[place] = counts[place].saturating_add(1);
        } else {
            let mut counts = Box::new([0; Self::PAGE as usize]);
            counts[place] = 1;
            self.0.insert(page, counts);
        }
    }

    fn any(&self, id: PacketId) -> bool {
        self.0.get(&(id.0 / Self::PAGE)).is_some_and(|counts| counts[(id.0 % Self::PAGE) as usize] > 0)
    }

    /// One less; whether more is to come. Of a packet of which more was said than can be counted, more always is.
    fn take(&mut self, id: PacketId) -> bool {
        let Some(counts) = self.0.get_mut(&(id.0 / Self::PAGE)) else { return false };
        let count = &mut counts[(id.0 % Self::PAGE) as usize];
        if *count < u16::MAX {
            *count = count.saturating_sub(1);
        }
        *count > 0
    }
}

/// ARP packets that were lost after a device had seen them. They have no numbers: the last one that the device saw is
/// meant, if it is equal.
#[derive(Debug, Default)]
struct ArpDrops {
    /// The loss, and where it was seen; in order.
    all: Vec<(u64, u64)>,
    /// The last loss of what was seen there.
    last: BTreeMap<u64, u64>,
}

impl ArpDrops {
    fn add(&mut self, lost: u64, seen: u64) {
        self.all.push((lost, seen));
        self.last.insert(seen, lost);
    }

    fn seen(&self, lost: u64) -> Option<u64> {
        let place = self.all.binary_search_by_key(&lost, |drop| drop.0).ok()?;
        Some(self.all[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SimTime;
    use crate::report::testing;
    use crate::trace::Dir;
    use crate::wire::{ArpOp, Body, Mac, TcpFlags};

    const ON: (u32, u16) = (1, 2);
    const THERE: (u32, u16) = (3, 2);

    fn packet(id: u32) -> Frame {
        let p = testing::tcp(TcpFlags::SYN, 1, 0, 0, Body::FILLER);
        Frame { l3: L3::Ip(IpPacket { id: PacketId(id), ..p }), dst: Mac::ZERO, src: Mac::ZERO }
    }

    fn arp(spa: u8) -> Frame {
        let arp =
            Arp { op: ArpOp::Request, sha: Mac([2; 6]), spa: [spa; 4].into(), tha: Mac::ZERO, tpa: [9; 4].into() };
        Frame { l3: L3::Arp(arp), dst: Mac::BROADCAST, src: Mac([2; 6]) }
    }

    fn seen(at: (u32, u16), frame: Frame) -> (u32, TraceEvent) {
        let (dev, frame) = (DevIdx(at.1), Box::new(frame));
        (at.0, TraceEvent::Frame { dev, dir: Dir::In, frame, ethernet: true })
    }

    fn lost(node: u32, dev: Option<u16>, frame: Frame) -> (u32, TraceEvent) {
        let (dev, frame) = (dev.map(DevIdx), Box::new(frame));
        (node, TraceEvent::Dropped { dev, frame, reason: DropReason::LinkLoss })
    }

    /// How many comments each record has; and what was in memory at most, between records.
    fn comments(events: Vec<(u32, TraceEvent)>) -> (Vec<usize>, usize) {
        let record = |(n, (node, event))| Record { at: SimTime(n), node: NodeId(node), event };
        let records: Vec<Record> = (0..).zip(events).map(record).collect();
        let log = testing::log(&records);
        let mut comments = Comments::new(&log).expect("a trace in memory");
        let mut most = 0;
        let mut one = |number| {
            let said = comments.of(number).expect("a trace in memory").map_or(0, |all| all.len());
            most = most.max(comments.said.len() + comments.flights.len() + comments.held.len());
            said
        };
        let all = (0..records.len() as u64).map(&mut one).collect();
        (all, most)
    }

    #[test]
    fn the_last_sighting_at_the_device_then_on_the_node_then_anywhere_is_told() {
        let events = |node, dev| {
            comments(vec![
                seen(ON, packet(1)),
                seen((1, 3), packet(1)),
                seen(THERE, packet(1)),
                seen((0, 0), packet(2)),
                lost(node, dev, packet(1)),
            ])
            .0
        };
        assert_eq!(events(1, Some(2)), [1, 0, 0, 0, 0]);
        assert_eq!(events(1, Some(9)), [0, 1, 0, 0, 0]);
        assert_eq!(events(1, None), [0, 1, 0, 0, 0]);
        assert_eq!(events(7, Some(2)), [0, 0, 1, 0, 0]);
    }

    #[test]
    fn what_no_device_saw_is_told_where_it_died_unless_no_device_is_known() {
        assert_eq!(comments(vec![lost(1, Some(2), packet(1)), lost(1, None, packet(2))]).0, [1, 0]);
        assert_eq!(comments(vec![seen(ON, arp(1)), lost(1, Some(2), arp(2)), lost(1, Some(2), arp(1))]).0, [1, 1, 0]);
    }

    #[test]
    fn a_packet_that_waits_holds_back_only_what_is_said_meanwhile() {
        let many = 2000;
        let mut events = vec![seen(ON, packet(0))];
        events.extend((1..many).flat_map(|id| [seen(ON, packet(id)), lost(1, Some(2), packet(id))]));
        let (said, most) = comments(events.clone());
        assert_eq!(said.iter().sum::<usize>() as u32, many - 1);
        assert!(most < 5, "{most}");
        events.insert(2001, lost(3, None, packet(0)));
        let (said, most) = comments(events);
        assert_eq!((said[0], said.iter().sum::<usize>() as u32), (1, many));
        assert!((1000..1010).contains(&most), "{most}");
    }

    #[test]
    fn a_packet_in_circles_has_one_sighting_for_each_place() {
        let mut flight = Flight::default();
        for number in 0..100_000 {
            let (node, dev) = (NodeId((number % 5) as u32), DevIdx((number % 3) as u16));
            flight.see(Sighting { number, node, dev, piece: 0 });
        }
        assert!(flight.seen.len() <= Flight::FEW);
        assert_eq!(flight.find(0, NodeId(4), Some(DevIdx(0))), Some(99_999));
        assert_eq!(flight.find(0, NodeId(0), Some(DevIdx(2))), Some(99_995));
        assert_eq!(flight.find(0, NodeId(0), None), Some(99_995));
        assert_eq!(flight.find(0, NodeId(7), None), Some(99_999));
        assert_eq!((flight.find(1, NodeId(0), None), flight.first), (None, 0));
    }

    #[test]
    fn more_words_than_can_be_counted_keep_a_packet_for_ever() {
        let mut counts = Counts::default();
        let (much, little) = (PacketId(7), PacketId(u32::MAX));
        (0..100_000).for_each(|_| counts.add(much));
        counts.add(little);
        assert!((0..100_000).all(|_| counts.take(much)) && counts.any(much));
        assert!(counts.any(little) && !counts.take(little) && !counts.any(little) && !counts.any(PacketId(8)));
    }
}
