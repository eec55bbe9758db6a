//! Shortest expected delay (ip_vs_sed.c): closed connections do not count.

use super::{DestList, Flow, Pick, Scheduler, least_by_weight, least_pick};
use crate::base::rng::Rng;
use crate::ipvs::Dest;
use crate::trace::Compared;

/// Shortest expected delay has no state.
#[derive(Clone, Debug)]
pub struct Sed;

/// Connections that would be active with the new one (ip_vs_sed_dest_overhead).
#[inline]
pub(super) fn delay(d: &Dest) -> i64 {
    i64::from(d.active) + 1
}

/// What sed and nq compare.
pub(super) fn by_delay(d: &Dest) -> Compared {
    Compared::Ratio { measure: "active+1", value: delay(d), weight: Some(d.weight) }
}

impl Scheduler for Sed {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        least_pick(least_by_weight(dests, delay), "active+1")
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        by_delay(dests.get(place))
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn connections_held_go_by_weight_as_recorded() {
        let mut b = Bench::three("sed", [3, 1, 2]);
        assert_eq!(b.run(20, true), "13132113132113132113");
    }

    #[test]
    fn closed_connections_all_go_to_the_heaviest() {
        assert_eq!(Bench::three("sed", [3, 1, 2]).run(4, false), "1111");
    }
}
