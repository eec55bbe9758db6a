//! Weighted failover (ip_vs_fo.c): the heaviest destination that is not full; of equals the newest.

use super::{DestList, Flow, Pick, Scheduler};
use crate::base::rng::Rng;
use crate::ipvs::Dest;
use crate::trace::{Because, Compared};

/// Failover has no state.
#[derive(Clone, Debug)]
pub struct Fo;

/// The heaviest usable destination that `fits`; of equals the first.
pub(super) fn heaviest(dests: DestList<'_>, fits: impl Fn(&Dest) -> bool) -> Option<Pick> {
    let mut best: Option<(usize, i32)> = None;
    for (place, d) in dests.iter().enumerate() {
        if d.usable() && fits(d) && best.is_none_or(|(_, weight)| d.weight > weight) {
            best = Some((place, d.weight));
        }
    }
    best.map(|(place, weight)| Pick { place, because: Because::HighestWeight { weight: weight as u32 } })
}

impl Scheduler for Fo {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        heaviest(dests, |_| true)
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        Compared::Weight { weight: dests.get(place).weight, active: None }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn the_heaviest_takes_all_until_it_is_full() {
        let mut b = Bench::three("fo", [3, 1, 2]);
        assert_eq!(b.run(3, true), "111");
        b.dest(1).overload = true;
        assert_eq!(b.run(3, true), "333");
        assert_eq!(Bench::three("fo", [2, 2, 2]).run(2, true), "33");
    }
}
