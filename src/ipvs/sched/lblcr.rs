//! Locality-based least connection with replication (ip_vs_lblcr.c): a set of destinations per destination address.

use super::lblc::{Cache, Entry, busy, by_wlc, cached};
use super::{DestList, Flow, Pick, Scheduler, load_by_weight, overhead};
use crate::base::rng::Rng;
use crate::base::{SimTime, Span};
use crate::ipvs::Dest;
use crate::trace::Compared;

#[derive(Clone, Debug)]
struct Replicas {
    addr: u32,
    /// Newest first.
    set: Vec<u32>,
    lastmod: SimTime,
    lastuse: SimTime,
}

impl Entry for Replicas {
    fn addr(&self) -> u32 {
        self.addr
    }

    fn lastuse(&self) -> SimTime {
        self.lastuse
    }
}

impl Replicas {
    fn places(&self, dests: DestList<'_>) -> Vec<usize> {
        self.set.iter().filter_map(|&b| dests.place_of(b)).collect()
    }

    /// ip_vs_dest_set_min: the first needs a weight; members that were deleted do not count.
    fn least(&self, dests: DestList<'_>) -> Option<usize> {
        let mut least: Option<usize> = None;
        for place in self.places(dests) {
            let d = dests.get(place);
            if d.overload {
                continue;
            }
            match least {
                None if d.weight > 0 => least = Some(place),
                Some(l) if heavier(dests.get(l), d) => least = Some(place),
                _ => {}
            }
        }
        least
    }

    /// ip_vs_dest_set_max: the most loaded with a weight; of equals the first. Deleted members count in Linux; here
    /// they have left already.
    fn most(&self, dests: DestList<'_>) -> Option<u32> {
        let mut most: Option<usize> = None;
        for place in self.places(dests) {
            let d = dests.get(place);
            if d.weight > 0 && most.is_none_or(|m| heavier(d, dests.get(m))) {
                most = Some(place);
            }
        }
        most.map(|place| dests.get(place).birth)
    }
}

/// Whether `a` has more connections by weight than `b`.
fn heavier(a: &Dest, b: &Dest) -> bool {
    overhead(a).wrapping_mul(i64::from(b.weight)) > overhead(b).wrapping_mul(i64::from(a.weight))
}

/// Locality-based least connection with replication: the cache.
#[derive(Clone, Debug, Default)]
pub struct Lblcr {
    cache: Cache<Replicas>,
}

impl Scheduler for Lblcr {
    fn init(&mut self, _: DestList<'_>, now: SimTime) {
        self.cache.start(now);
    }

    fn schedule(&mut self, dests: DestList<'_>, flow: &Flow, _: &mut Rng) -> Option<Pick> {
        self.cache.age(flow.now, flow.lblcr_expiration);
        let Some(entry) = self.cache.get_mut(flow.daddr) else {
            let pick = by_wlc(dests)?;
            self.cache.put(Replicas {
                addr: flow.daddr,
                set: vec![dests.get(pick.place).birth],
                lastmod: flow.now,
                lastuse: flow.now,
            });
            return Some(pick);
        };
        entry.lastuse = flow.now;
        let least = entry.least(dests);
        let expiration = Span::from_secs(flow.lblcr_expiration.max(0) as u64);
        if entry.set.len() > 1 && flow.now > entry.lastmod + expiration {
            if let Some(most) = entry.most(dests) {
                entry.set.retain(|&b| b != most);
            }
            entry.lastmod = flow.now;
        }
        if let Some(place) = least.filter(|&p| !busy(dests.get(p), dests)) {
            return Some(Pick { place, because: cached(flow.daddr) });
        }
        let pick = by_wlc(dests)?;
        let birth = dests.get(pick.place).birth;
        if !entry.set.contains(&birth) {
            entry.set.insert(0, birth);
            entry.lastmod = flow.now;
        }
        Some(pick)
    }

    fn compare(&self, dests: DestList<'_>, place: usize, flow: &Flow) -> Compared {
        let d = dests.get(place);
        let least = self.cache.get(flow.daddr).and_then(|entry| entry.least(dests));
        match least {
            Some(least) if least == place && !busy(d, dests) => Compared::Bound,
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
    fn connections_held_spread_over_the_set_as_recorded() {
        let mut b = Bench::three("lblcr", [3, 1, 2]);
        assert_eq!(b.run(20, true), "33322111113112313112");
    }

    #[test]
    fn a_set_that_was_not_changed_for_a_day_loses_its_busiest_member() {
        let mut b = Bench::three("lblcr", [3, 1, 2]);
        b.run(20, true);
        let members = |b: &Bench| format!("{:?}", b.sched).matches("set: [").count();
        assert_eq!(members(&b), 1);
        b.flow.now = SimTime::ZERO + Span::from_secs(1_000);
        b.flow.lblcr_expiration = 500;
        let before = format!("{:?}", b.sched);
        assert!(before.contains("set: [1, 2, 3]"), "{before}");
        b.run(1, false);
        let after = format!("{:?}", b.sched);
        assert!(!after.contains("set: [1, 2, 3]"), "{after}");
    }
}
