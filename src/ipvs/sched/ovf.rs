//! Overflow (ip_vs_ovf.c): the heaviest destination whose active connections are not above its weight.

use super::fo::heaviest;
use super::{DestList, Flow, Pick, Scheduler};
use crate::base::rng::Rng;
use crate::trace::Compared;

/// Overflow has no state.
#[derive(Clone, Debug)]
pub struct Ovf;

impl Scheduler for Ovf {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        heaviest(dests, |d| i64::from(d.active) <= i64::from(d.weight))
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        let d = dests.get(place);
        Compared::Weight { weight: d.weight, active: Some(d.active) }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn each_takes_one_more_than_its_weight_as_recorded() {
        let mut b = Bench::three("ovf", [3, 1, 2]);
        assert_eq!(b.run(12, true), "111133322000");
    }
}
