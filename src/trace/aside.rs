//! The part of a trace that is put aside, and how a trace is read in order, wherever it is.

use super::pack::{self, Words};
use super::spool::Pieces;
use super::{Record, Spooling};
use crate::base::SimTime;
use crate::base::pack::Unpack;
use std::io;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that are handed to the spool at once. Each such page can be read without those before it.
const PAGE: usize = 1 << 18;

/// Records in a spool.
#[derive(Debug)]
pub struct Aside {
    pieces: Pieces,
    /// What the spool has not got yet.
    page: Vec<u8>,
    /// The time of the last record of the page.
    at: SimTime,
    words: Words,
    most: u64,
    full: bool,
    failure: Option<io::Error>,
    failed: Arc<AtomicBool>,
}

impl Aside {
    pub(super) fn new(spooling: &Spooling) -> Aside {
        Aside {
            pieces: Pieces::new(spooling.open),
            page: Vec::new(),
            at: SimTime::ZERO,
            words: Words::default(),
            most: spooling.trace_bytes,
            full: false,
            failure: None,
            failed: Arc::default(),
        }
    }

    /// Takes a record; false: it did not fit, and none after it will.
    pub(super) fn keep(&mut self, record: &Record) -> bool {
        if self.full {
            return false;
        }
        let before = self.page.len();
        if pack::put(&mut self.page, &mut self.words, self.at, record).is_none() {
            self.page.truncate(before);
            self.full = true;
            return false;
        }
        self.at = record.at;
        self.full = self.bytes() >= self.most;
        if self.page.len() < PAGE {
            return true;
        }
        let pushed = self.pieces.push(&self.page);
        self.page.clear();
        self.at = SimTime::ZERO;
        if let Err(error) = pushed {
            self.full = true;
            self.failure = Some(error);
            self.failed.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Bytes of all records in it.
    pub fn bytes(&self) -> u64 {
        self.pieces.bytes() + self.page.len() as u64
    }

    /// Why the spool took no more, if it did not: then records are missing in the middle, and nothing can be told.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Becomes true with [`Aside::failure`], for who cannot ask because somebody else is recording.
    pub(super) fn failed(&self) -> Arc<AtomicBool> {
        self.failed.clone()
    }
}

/// Reads a trace in order, one record at a time.
#[derive(Debug)]
pub struct Records<'a> {
    kept: slice::Iter<'a, Record>,
    aside: Option<&'a Aside>,
    /// The next page.
    piece: usize,
    page: Vec<u8>,
    place: usize,
    at: SimTime,
    now: Option<Record>,
}

impl<'a> Records<'a> {
    /// From the begin: first what is in memory, then what was put aside.
    pub fn new(kept: &'a [Record], aside: Option<&'a Aside>) -> Records<'a> {
        Records { kept: kept.iter(), aside, piece: 0, page: Vec::new(), place: 0, at: SimTime::ZERO, now: None }
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// If what was put aside cannot be read.
    pub fn next_record(&mut self) -> io::Result<Option<&Record>> {
        if let Some(record) = self.kept.next() {
            return Ok(Some(record));
        }
        let Some(aside) = self.aside else { return Ok(None) };
        while self.place >= self.page.len() {
            match self.piece.cmp(&aside.pieces.len()) {
                std::cmp::Ordering::Less => aside.pieces.read(self.piece, &mut self.page)?,
                std::cmp::Ordering::Equal if !aside.page.is_empty() => self.page.clone_from(&aside.page),
                _ => return Ok(None),
            }
            self.piece += 1;
            self.place = 0;
            self.at = SimTime::ZERO;
        }
        let mut from = Unpack(&self.page[self.place..]);
        pack::get(&mut from, &aside.words, self.at, &mut self.now)
            .map_err(|broken| io::Error::new(io::ErrorKind::InvalidData, broken))?;
        self.place = self.page.len() - from.0.len();
        self.at = self.now.as_ref().map_or(self.at, |record| record.at);
        Ok(self.now.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{early, memory, nowhere, small};
    use super::super::{ArpAnswer, Because, Dir, DropReason, TraceEvent, TraceMask, Tracer};
    use super::*;
    use crate::base::{DevIdx, NodeId};
    use crate::sysctl::{Combine, Effective};
    use crate::wire::testing::{any_frame, any_packet};
    use crate::wire::{Arp, ArpOp, Frame, L3, Mac};
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn reason() -> impl Strategy<Value = DropReason> {
        let knob = |value| Effective {
            name: "rp_filter",
            dev: Some("eth0".into()),
            value,
            all: value,
            own: 0,
            combine: Combine::Max,
        };
        prop_oneof![
            Just(DropReason::LinkLoss),
            any::<[u8; 6]>().prop_map(|dst| DropReason::OtherHost { dst: Mac(dst) }),
            (any::<Ipv4Addr>(), any::<i64>()).prop_map(move |(src, value)| DropReason::ReversePath {
                src,
                best: None,
                knob: Box::new(knob(value))
            }),
        ]
    }

    fn because() -> impl Strategy<Value = Because> {
        prop_oneof![
            (any::<u32>(), any::<u32>()).prop_map(|(place, of)| Because::NextInTurn { place, of }),
            (any::<u32>(), any::<u32>()).prop_map(|(weight, mark)| Because::WeightedTurn { weight, mark }),
            (any::<u64>(), any::<u32>()).prop_map(|(value, weight)| Because::Least { measure: "load", value, weight }),
            (any::<u32>(), any::<u32>()).prop_map(|(slot, size)| Because::HashSlot { slot, size }),
            any::<u32>().prop_map(|weight| Because::HighestWeight { weight }),
            Just(Because::Persistent),
            Just(Because::Drawn),
        ]
    }

    fn event() -> impl Strategy<Value = TraceEvent> {
        let dev = || any::<u16>().prop_map(DevIdx);
        let mac = || prop::option::of(any::<[u8; 6]>().prop_map(Mac));
        let frame = || any_frame().prop_map(Box::new);
        let request =
            Arp { op: ArpOp::Request, sha: Mac([2; 6]), spa: [10, 0, 0, 1].into(), tha: Mac::ZERO, tpa: [9; 4].into() };
        let answer = prop_oneof![
            Just(ArpAnswer::NotMine),
            any::<Ipv4Addr>().prop_map(|sip| ArpAnswer::AskerIsMe { sip }),
            Just(ArpAnswer::Arptables { chain: "IN".into() }),
        ];
        prop_oneof![
            (dev(), any::<bool>(), frame(), any::<bool>()).prop_map(|(dev, out, frame, ethernet)| {
                TraceEvent::Frame { dev, dir: if out { Dir::Out } else { Dir::In }, frame, ethernet }
            }),
            (prop::option::of(dev()), frame(), reason()).prop_map(|(dev, frame, reason)| TraceEvent::Dropped {
                dev,
                frame,
                reason
            }),
            (dev(), answer)
                .prop_map(move |(dev, answer)| { TraceEvent::ArpVerdict { dev, request: Box::new(request), answer } }),
            (dev(), any::<Ipv4Addr>(), mac(), mac()).prop_map(|(dev, addr, mac, was)| {
                TraceEvent::Neigh { dev, addr, from: "NONE", to: "INCOMPLETE", mac, was }
            }),
            (any_packet(), any::<(Ipv4Addr, u16)>(), because()).prop_map(|(packet, dest, because)| {
                let (service, scheduler) = ("TCP 10.0.0.100:80".into(), "rr");
                TraceEvent::Scheduled { packet: Box::new(packet), service, scheduler, dest, because }
            }),
        ]
    }

    fn records(tracer: &Tracer) -> Vec<String> {
        let mut all = Vec::new();
        let mut from = tracer.read();
        while let Some(record) = from.next_record().expect("memory can be read") {
            all.push(format!("{record:?}"));
        }
        all
    }

    fn record(tracer: &mut Tracer, n: u64, event: TraceEvent) {
        tracer.emit(TraceMask::FRAMES, SimTime(n * 1000), NodeId(n as u32), || event);
    }

    proptest! {
        #[test]
        fn what_is_put_aside_is_read_as_if_it_had_stayed(events in prop::collection::vec(event(), 0..40)) {
            let mut memory = Tracer::new(TraceMask::ALL, usize::MAX);
            let mut aside = Tracer::spooling(TraceMask::ALL, &early());
            for (n, event) in events.into_iter().enumerate() {
                record(&mut memory, n as u64, event.clone());
                record(&mut aside, n as u64, event);
            }
            prop_assert!(aside.records().len() <= 3);
            prop_assert_eq!(records(&aside), records(&memory));
        }
    }

    fn frame(n: u64) -> TraceEvent {
        let arp =
            Arp { op: ArpOp::Reply, sha: Mac([n as u8; 6]), spa: [1; 4].into(), tha: Mac::ZERO, tpa: [2; 4].into() };
        let frame = Box::new(Frame { l3: L3::Arp(arp), dst: Mac::ZERO, src: Mac::ZERO });
        TraceEvent::Frame { dev: DevIdx(0), dir: Dir::In, frame, ethernet: true }
    }

    /// More than three pages.
    const MANY: u64 = 30_000;

    #[test]
    fn pages_follow_each_other_without_a_gap_and_can_be_read_twice() {
        let mut tracer = Tracer::spooling(TraceMask::ALL, &early());
        (0..MANY).for_each(|n| record(&mut tracer, n, frame(n)));
        assert!(tracer.aside().is_some_and(|a| a.pieces.len() > 3 && !a.page.is_empty()));
        let all = records(&tracer);
        assert_eq!(all.len() as u64, MANY);
        let expected =
            |n: u64| format!("{:?}", Record { at: SimTime(n * 1000), node: NodeId(n as u32), event: frame(n) });
        assert!(all.iter().zip(0..).all(|(found, n)| *found == expected(n)));
        assert_eq!(records(&tracer), all);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_rest_is_a_begin() {
        let mut tracer = Tracer::spooling(TraceMask::ALL, &Spooling { trace_bytes: 100_000, ..early() });
        (0..MANY).for_each(|n| record(&mut tracer, n, frame(n)));
        let read = records(&tracer).len() as u64;
        assert!(read > 1000 && tracer.lost() > 1000, "{read}");
        assert_eq!(read + tracer.lost(), MANY);
        assert!(tracer.aside().is_some_and(|a| a.bytes() < 100_100 && a.failure().is_none()));
    }

    #[test]
    fn a_full_disk_and_a_spool_that_cannot_be_opened_are_failures() {
        for (open, why) in [(small as super::super::OpenSpool, "the disk is full"), (nowhere, "no room anywhere")] {
            let mut tracer = Tracer::spooling(TraceMask::ALL, &Spooling { open, ..early() });
            let failed = tracer.failed();
            (0..100).for_each(|n| record(&mut tracer, n, frame(n)));
            assert!(tracer.failure().is_none() && !failed.load(Ordering::Relaxed), "nothing was spooled so far");
            (0..MANY).for_each(|n| record(&mut tracer, n, frame(n)));
            assert_eq!(tracer.failure().map(ToString::to_string).as_deref(), Some(why));
            assert!(failed.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn what_nobody_reads_in_order_is_not_kept() {
        let mut tracer = Tracer::spooling(TraceMask::ALL, &Spooling { open: memory, ..early() });
        (0..10).for_each(|n| record(&mut tracer, n, TraceEvent::Typed { text: "ls".into() }));
        assert_eq!((tracer.records().len(), tracer.lost(), records(&tracer).len()), (0, 0, 0));
    }
}
