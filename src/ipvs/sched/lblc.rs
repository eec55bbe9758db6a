//! Locality-based least connection (ip_vs_lblc.c): a cache of one destination per destination address.
//!
//! The cache's timer of every minute is done when the next connection is scheduled.

use super::hash::hash_32;
use super::{DestList, Flow, Pick, Scheduler, least_by_weight, least_pick, load_by_weight, overhead};
use crate::base::rng::Rng;
use crate::base::{SimTime, Span};
use crate::ipvs::Dest;
use crate::trace::{Because, Compared};

const BITS: u32 = 10;
const BUCKETS: usize = 1 << BITS;
/// Entries above which idle ones are looked for every minute.
const MAX_SIZE: u32 = 16 * BUCKETS as u32;
const PERIOD: Span = Span::from_secs(60);
/// A full sweep every so many periods.
const FULL: u32 = 30;
/// How long an entry must be idle to go while there are too many.
const IDLE: Span = Span::from_secs(360);

/// An entry of the cache: for one destination address.
pub(super) trait Entry: Clone + std::fmt::Debug {
    /// The address.
    fn addr(&self) -> u32;
    /// When it was used last.
    fn lastuse(&self) -> SimTime;
}

/// The cache of lblc and lblcr with its ageing.
#[derive(Clone, Debug)]
pub(super) struct Cache<E> {
    buckets: Vec<Vec<E>>,
    entries: u32,
    counter: u32,
    rover: usize,
    tick: SimTime,
}

impl<E> Default for Cache<E> {
    fn default() -> Self {
        Cache { buckets: Vec::new(), entries: 0, counter: 1, rover: 0, tick: SimTime::NEVER }
    }
}

impl<E: Entry> Cache<E> {
    pub fn start(&mut self, now: SimTime) {
        *self = Cache::default();
        self.buckets = vec![Vec::new(); BUCKETS];
        self.tick = now + PERIOD;
    }

    pub fn get(&self, addr: u32) -> Option<&E> {
        self.buckets.get(hash_32(addr, BITS))?.iter().find(|e| e.addr() == addr)
    }

    pub fn get_mut(&mut self, addr: u32) -> Option<&mut E> {
        let bucket = self.buckets.get_mut(hash_32(addr, BITS))?;
        bucket.iter_mut().find(|e| e.addr() == addr)
    }

    /// Puts an entry in; one of the same address goes. The kernel does not count that one down.
    pub fn put(&mut self, entry: E) {
        if let Some(bucket) = self.buckets.get_mut(hash_32(entry.addr(), BITS)) {
            bucket.retain(|e| e.addr() != entry.addr());
            bucket.insert(0, entry);
            self.entries = self.entries.saturating_add(1);
        }
    }

    /// Does what the timer has done by now.
    pub fn age(&mut self, now: SimTime, expiration: i64) {
        let expiration = Span::from_secs(expiration.max(0) as u64);
        while self.tick <= now {
            let at = self.tick;
            if self.entries == 0 {
                // Nothing can change: only the count to the next full sweep goes on.
                let periods = now.since(at).0 / PERIOD.0 + 1;
                self.counter = ((u64::from(self.counter - 1) + periods) % u64::from(FULL)) as u32 + 1;
                self.tick += PERIOD * periods;
                return;
            }
            self.tick = at + PERIOD;
            if self.counter.is_multiple_of(FULL) {
                self.sweep(u32::MAX, |e| at >= e.lastuse() + expiration);
                self.counter = 1;
            } else if self.entries <= MAX_SIZE {
                self.counter += 1;
            } else {
                let goal = ((self.entries - MAX_SIZE) / 3 * 4).min(MAX_SIZE / 2);
                self.sweep(goal, |e| at >= e.lastuse() + IDLE);
            }
        }
    }

    fn sweep(&mut self, goal: u32, old: impl Fn(&E) -> bool) {
        let mut gone = 0;
        for _ in 0..BUCKETS {
            self.rover = (self.rover + 1) % BUCKETS;
            let bucket = &mut self.buckets[self.rover];
            let before = bucket.len();
            bucket.retain(|e| !old(e));
            gone += (before - bucket.len()) as u32;
            if gone >= goal {
                break;
            }
        }
        self.entries = self.entries.saturating_sub(gone);
    }
}

/// More active connections than weight, and another destination with less than half of its weight.
pub(super) fn busy(d: &Dest, dests: DestList<'_>) -> bool {
    i64::from(d.active) > i64::from(d.weight) && dests.iter().any(|x| 2 * i64::from(x.active) < i64::from(x.weight))
}

/// The choice where the cache does not decide: as wlc.
pub(super) fn by_wlc(dests: DestList<'_>) -> Option<Pick> {
    least_pick(least_by_weight(dests, overhead), "active*256+inactive")
}

/// The reason where the cache decides.
pub(super) fn cached(addr: u32) -> Because {
    Because::HashSlot { slot: hash_32(addr, BITS) as u32, size: BUCKETS as u32 }
}

#[derive(Clone, Debug)]
struct Bound {
    addr: u32,
    dest: u32,
    lastuse: SimTime,
}

impl Entry for Bound {
    fn addr(&self) -> u32 {
        self.addr
    }

    fn lastuse(&self) -> SimTime {
        self.lastuse
    }
}

/// Locality-based least connection: the cache.
#[derive(Clone, Debug, Default)]
pub struct Lblc {
    cache: Cache<Bound>,
}

impl Scheduler for Lblc {
    fn init(&mut self, _: DestList<'_>, now: SimTime) {
        self.cache.start(now);
    }

    fn schedule(&mut self, dests: DestList<'_>, flow: &Flow, _: &mut Rng) -> Option<Pick> {
        self.cache.age(flow.now, flow.lblc_expiration);
        let mut kept = None;
        if let Some(entry) = self.cache.get_mut(flow.daddr) {
            entry.lastuse = flow.now;
            kept = Some(entry.dest);
            // Not in the list: deleted.
            if let Some(place) = dests.place_of(entry.dest) {
                let d = dests.get(place);
                if d.weight > 0 && !busy(d, dests) {
                    return Some(Pick { place, because: cached(flow.daddr) });
                }
            }
        }
        let pick = by_wlc(dests)?;
        let dest = dests.get(pick.place).birth;
        if kept != Some(dest) {
            self.cache.put(Bound { addr: flow.daddr, dest, lastuse: flow.now });
        }
        Some(pick)
    }

    fn compare(&self, dests: DestList<'_>, place: usize, flow: &Flow) -> Compared {
        let d = dests.get(place);
        match self.cache.get(flow.daddr) {
            Some(entry) if entry.dest == d.birth && d.weight > 0 && !busy(d, dests) => Compared::Bound,
            _ => load_by_weight(d),
        }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use super::*;

    #[test]
    fn connections_held_move_on_when_the_bound_server_is_busy_as_recorded() {
        let mut b = Bench::three("lblc", [3, 1, 2]);
        assert_eq!(b.run(20, true), "33322111111111111111");
    }

    #[test]
    fn an_entry_that_was_idle_for_a_day_is_forgotten_by_the_next_sweep() {
        let mut cache = Cache::default();
        cache.start(SimTime::ZERO);
        let bound = |addr| Bound { addr, dest: 1, lastuse: SimTime::ZERO };
        cache.put(bound(5));
        let at = |s: u64| SimTime::ZERO + Span::from_secs(s);
        cache.age(at(86_399), 86_400);
        assert!(cache.get_mut(5).is_some());
        cache.age(at(86_400), 86_400);
        assert!(cache.get_mut(5).is_none());
        cache.age(SimTime(u64::MAX - 1), 86_400);
    }

    #[test]
    fn too_many_entries_shrink_to_what_was_used_lately() {
        let mut cache = Cache::default();
        cache.start(SimTime::ZERO);
        for addr in 0..20_000 {
            cache.put(Bound { addr, dest: 1, lastuse: SimTime::ZERO });
        }
        cache.age(SimTime::ZERO + Span::from_secs(600), 86_400);
        assert!(cache.entries <= MAX_SIZE, "{}", cache.entries);
    }
}
