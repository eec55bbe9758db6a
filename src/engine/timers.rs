//! What is pending besides frames, in 24 bytes each: a million held connections have two million timers.
//!
//! The kinds that come in masses are packed into ten bytes beside their moment and number. What does not fit (another kind,
//! a number out of range) lies aside, and its place is packed: nothing is limited by the packing.

use super::queue::{EventQueue, Short};
use super::world::Wake;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::node::TimerKey;

/// Pending timers, popped in the order (time, push number).
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    queue: EventQueue<Packed, Short>,
    aside: Vec<Wake>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Aside,
    Arrival,
    Again,
    Tcp,
    Ipvs,
    Client,
    Server,
    Neigh,
    Cells,
    Backlog,
}

/// Ten bytes that may lie at every second: so an entry of the queue has no room unused.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(2))]
struct Packed {
    slot: u32,
    node: u16,
    generation: u16,
    level: u8,
    kind: Kind,
}

impl Timers {
    /// How many are pending.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// See [`EventQueue::push`].
    #[inline]
    pub(super) fn push(&mut self, at: SimTime, seq: u64, wake: Wake) {
        let packed = match pack(wake) {
            Some(packed) => packed,
            None => self.put_aside(wake),
        };
        self.queue.push(at, seq, packed);
    }

    /// Time and number of the next one.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<(SimTime, u64)> {
        self.queue.peek()
    }

    /// Takes the next one out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(SimTime, u64, Wake)> {
        let (at, seq, Packed { slot, node, generation, level, kind }) = self.queue.pop()?;
        let (short, wide) = (u32::from(generation), NodeId(u32::from(node)));
        let key = match kind {
            Kind::Tcp => TimerKey::Tcp { slot, generation: short, level },
            Kind::Ipvs => TimerKey::Ipvs { slot, generation: short },
            Kind::Client => TimerKey::Client { slot, generation: generation as u8 },
            Kind::Server => TimerKey::Server { job: slot },
            Kind::Neigh => TimerKey::Neigh { entry: slot, generation: short, level },
            Kind::Cells => TimerKey::Cells { dev: DevIdx(generation) },
            Kind::Backlog => TimerKey::Backlog,
            Kind::Arrival => return Some((at, seq, Wake::Arrival(slot))),
            Kind::Again => return Some((at, seq, Wake::Again { workload: u32::from(node), user: slot })),
            Kind::Aside => {
                self.free.push(slot);
                return Some((at, seq, self.aside[slot as usize]));
            }
        };
        Some((at, seq, Wake::Node(wide, key)))
    }

    #[cold]
    fn put_aside(&mut self, wake: Wake) -> Packed {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.aside[slot as usize] = wake;
                slot
            }
            None => {
                self.aside.push(wake);
                (self.aside.len() - 1) as u32
            }
        };
        Packed { slot, node: 0, generation: 0, level: 0, kind: Kind::Aside }
    }
}

/// The same in ten bytes, if it fits.
#[inline]
fn pack(wake: Wake) -> Option<Packed> {
    let (node, key) = match wake {
        Wake::Node(node, key) => (node.0, key),
        Wake::Arrival(n) => return Some(Packed { slot: n, node: 0, generation: 0, level: 0, kind: Kind::Arrival }),
        Wake::Again { workload, user } => {
            let node = u16::try_from(workload).ok()?;
            return Some(Packed { slot: user, node, generation: 0, level: 0, kind: Kind::Again });
        }
        Wake::Step(_) => return None,
    };
    let (kind, slot, generation, level) = match key {
        TimerKey::Tcp { slot, generation, level } => (Kind::Tcp, slot, generation, level),
        TimerKey::Ipvs { slot, generation } => (Kind::Ipvs, slot, generation, 0),
        TimerKey::Client { slot, generation } => (Kind::Client, slot, u32::from(generation), 0),
        TimerKey::Server { job } => (Kind::Server, job, 0, 0),
        TimerKey::Neigh { entry, generation, level } => (Kind::Neigh, entry, generation, level),
        TimerKey::Cells { dev } => (Kind::Cells, 0, u32::from(dev.0), 0),
        TimerKey::Backlog => (Kind::Backlog, 0, 0, 0),
        _ => return None,
    };
    let (node, generation) = (u16::try_from(node).ok()?, u16::try_from(generation).ok()?);
    Some(Packed { slot, node, generation, level, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_what_was_put_in_whether_it_fits_or_not() {
        let (node, far) = (NodeId(65_534), NodeId(70_000));
        let wakes = [
            Wake::Arrival(u32::MAX),
            Wake::Again { workload: 7, user: u32::MAX },
            Wake::Again { workload: 70_000, user: 1 },
            Wake::Step(3),
            Wake::Node(node, TimerKey::Tcp { slot: u32::MAX, generation: 65_535, level: 8 }),
            Wake::Node(far, TimerKey::Tcp { slot: 1, generation: 2, level: 3 }),
            Wake::Node(node, TimerKey::Ipvs { slot: 5, generation: 65_535 }),
            Wake::Node(node, TimerKey::Ipvs { slot: 5, generation: 65_536 }),
            Wake::Node(node, TimerKey::Client { slot: 9, generation: 255 }),
            Wake::Node(node, TimerKey::Server { job: 77 }),
            Wake::Node(node, TimerKey::Share { place: 4 }),
            Wake::Node(node, TimerKey::Neigh { entry: 6, generation: 1, level: 2 }),
            Wake::Node(node, TimerKey::Neigh { entry: 6, generation: u32::MAX, level: 2 }),
            Wake::Node(node, TimerKey::Fragments { slot: 1, generation: 2 }),
            Wake::Node(node, TimerKey::Cells { dev: DevIdx(65_535) }),
            Wake::Node(node, TimerKey::Backlog),
            Wake::Node(node, TimerKey::ProxyArp { slot: 8 }),
            Wake::Node(node, TimerKey::Process { pid: 12 }),
        ];
        let mut timers = Timers::default();
        // Twice, so that places aside are used again.
        for round in 0..2 {
            for (n, &wake) in (0..).zip(&wakes) {
                timers.push(SimTime(10 + round), round * 100 + n, wake);
            }
            for (n, wake) in (0..).zip(&wakes) {
                let (at, seq, out) = timers.pop().expect("as many as were pushed");
                assert_eq!((at, seq), (SimTime(10 + round), round * 100 + n));
                assert_eq!(format!("{out:?}"), format!("{wake:?}"));
            }
        }
        assert_eq!((timers.len(), timers.aside.len(), size_of::<Packed>()), (0, 9, 10));
    }
}
