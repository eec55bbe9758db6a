//! Power of two choices (ip_vs_twos.c): two random destinations by weight, the better of the two. Many distributions
//! do not build it.

use super::{DestList, Flow, Pick, Scheduler, overhead};
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

/// Two choices have no state; the draws are the host's.
#[derive(Clone, Debug)]
pub struct Twos;

impl Scheduler for Twos {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, rng: &mut Rng) -> Option<Pick> {
        let usable = || dests.iter().enumerate().filter(|(_, d)| d.usable());
        let total: i64 = usable().map(|(_, d)| i64::from(d.weight)).sum();
        if total == 0 {
            return None;
        }
        // The kernel draws from 0 to the sum, inclusive.
        let mut draw = || {
            let mut r = rng.below(total as u64 + 1) as i64;
            usable().find(|(_, d)| {
                r -= i64::from(d.weight);
                r <= 0
            })
        };
        let (first, second) = (draw()?, draw()?);
        // 32-bit products, as in the kernel.
        let value = |a: &crate::ipvs::Dest, b: &crate::ipvs::Dest| (a.weight).wrapping_mul(overhead(b) as i32);
        let (place, _) = match value(second.1, first.1) > value(first.1, second.1) {
            true => second,
            false => first,
        };
        Some(Pick { place, because: Because::Drawn })
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        let of = dests.iter().filter(|d| d.usable()).map(|d| i64::from(d.weight)).sum();
        let d = dests.get(place);
        Compared::Drawn { of, weight: d.weight, load: overhead(d) }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn held_connections_spread_by_weight() {
        let mut b = Bench::three("twos", [3, 1, 2]);
        let picks = b.run(600, true);
        let count = |c| picks.chars().filter(|&p| p == c).count();
        assert!((240..360).contains(&count('1')), "{}", count('1'));
        assert!((60..140).contains(&count('2')), "{}", count('2'));
    }
}
