//! Weighted least connection (ip_vs_wlc.c).

use super::{DestList, Flow, Pick, Scheduler, least_by_weight, least_pick, load_by_weight, overhead};
use crate::base::rng::Rng;
use crate::trace::Compared;

/// Weighted least connection has no state.
#[derive(Clone, Debug)]
pub struct Wlc;

impl Scheduler for Wlc {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        least_pick(least_by_weight(dests, overhead), "active*256+inactive")
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        load_by_weight(dests.get(place))
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
        let mut b = Bench::three("wlc", [3, 1, 2]);
        assert_eq!(b.run(20, true), "32113132113132113132");
    }
}
