//! The sink for trace events. Off, it costs one branch; counters and fingerprints do not depend on it.

use super::event::{Record, TraceEvent};
use super::{Aside, Records, Spooling, pack};
use crate::base::{NodeId, SimTime};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which kinds are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceMask(pub u8);

impl TraceMask {
    /// Nothing.
    pub const NONE: TraceMask = TraceMask(0);
    /// Frames at the hosts' devices.
    pub const FRAMES: TraceMask = TraceMask(1);
    /// Drops.
    pub const DROPS: TraceMask = TraceMask(2);
    /// ARP verdicts and neighbour changes.
    pub const ARP: TraceMask = TraceMask(4);
    /// IPVS decisions and states.
    pub const IPVS: TraceMask = TraceMask(8);
    /// Typed lines.
    pub const TYPED: TraceMask = TraceMask(16);
    /// Programs that were run. Not among [`TraceMask::ALL`]: whoever reads commands wants nothing else, and stories the reverse.
    pub const RAN: TraceMask = TraceMask(32);
    /// Everything that stories, captures and records are made of.
    pub const ALL: TraceMask = TraceMask(31);
    /// Every decision about every packet, for `lvsim why`: not part of [`TraceMask::ALL`], for it is as much again.
    pub const DECISIONS: TraceMask = TraceMask(64);

    /// Whether any kind of `other` is wanted.
    #[inline]
    pub fn has(self, other: TraceMask) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for TraceMask {
    type Output = TraceMask;
    fn bitor(self, other: TraceMask) -> TraceMask {
        TraceMask(self.0 | other.0)
    }
}

/// Collects records, outside the world, up to a limit; with a spool, later ones are put aside.
#[derive(Debug, Default)]
pub struct Tracer {
    mask: TraceMask,
    limit: usize,
    records: Vec<Record>,
    aside: Option<Box<Aside>>,
    lost: u64,
}

impl Tracer {
    /// Wants nothing.
    pub fn off() -> Tracer {
        Tracer::default()
    }

    /// Wants these kinds and keeps at most `limit` records; later ones are counted only ([`Tracer::lost`]).
    pub fn new(mask: TraceMask, limit: usize) -> Tracer {
        Tracer { mask, limit, ..Tracer::default() }
    }

    /// Wants these kinds, as far as they can be put aside ([`pack::fits`]), and puts aside what memory is not meant for.
    pub fn spooling(mask: TraceMask, spooling: &Spooling) -> Tracer {
        let aside = Some(Box::new(Aside::new(spooling)));
        Tracer { mask, limit: spooling.kept, aside, ..Tracer::default() }
    }

    /// Whether this kind is wanted.
    #[inline]
    pub fn wants(&self, kind: TraceMask) -> bool {
        self.mask.has(kind)
    }

    /// Records what `make` says, if its kind is wanted; else `make` is not called.
    #[inline]
    pub fn emit(&mut self, kind: TraceMask, at: SimTime, node: NodeId, make: impl FnOnce() -> TraceEvent) {
        if self.mask.has(kind) {
            if self.aside.is_some() {
                self.keep(Record { at, node, event: make() });
            } else if self.records.len() < self.limit {
                self.records.push(Record { at, node, event: make() });
            } else {
                self.lost += 1;
            }
        }
    }

    fn keep(&mut self, record: Record) {
        if !pack::fits(&record.event) {
            return;
        }
        if self.records.len() < self.limit {
            self.records.push(record);
        } else if !self.aside.as_mut().is_some_and(|aside| aside.keep(&record)) {
            self.lost += 1;
        }
    }

    /// What was recorded, in order, as far as it is in memory: everything, where there is no spool.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Takes over the first `len` records of another.
    pub fn copy(&mut self, other: &Tracer, len: usize) {
        self.records.extend(other.records.iter().take(len).cloned());
    }

    /// Forgets all records but the first `len`, of a run that was taken back to where it had so many.
    pub fn truncate(&mut self, len: usize, lost: u64) {
        self.records.truncate(len);
        self.lost = lost;
    }

    /// What was put aside after [`Tracer::records`].
    pub fn aside(&self) -> Option<&Aside> {
        self.aside.as_deref()
    }

    /// Everything that was recorded, in order.
    pub fn read(&self) -> Records<'_> {
        Records::new(&self.records, self.aside())
    }

    /// How many records did not fit.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Why the spool failed, if it did: the trace is of no use then.
    pub fn failure(&self) -> Option<&io::Error> {
        self.aside()?.failure()
    }

    /// Becomes true when the spool fails: asked while others record.
    pub fn failed(&self) -> Arc<AtomicBool> {
        self.aside().map_or_else(Arc::default, Aside::failed)
    }
}
