//! Randomness: one ChaCha stream per named component, integers only.
//!
//! A component draws from its own stream alone, so adding a node or a link changes no other component's draws.
//! Range sampling and the exponential distribution are ours: the crates' policies allow their values to change.

use crate::base::Span;
use crate::base::digest::hash_name;
use rand::Rng as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The scenario's seed, from which every stream derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream of the component `name`, such as `link/rs1:eth0/loss`.
    pub fn stream(self, name: &str) -> Rng {
        let mut chacha = ChaCha8Rng::seed_from_u64(self.0);
        chacha.set_stream(hash_name(name));
        Rng(chacha)
    }

    /// Numbered streams of the component `name`.
    pub fn draws(self, name: &str) -> Draws {
        Draws { seed: self.0, stream: hash_name(name) }
    }
}

/// Numbered streams of one component: what is drawn for thing number n is the same in whatever order things happen.
/// Two runs that differ in one rule then differ in nothing else that is drawn (common random numbers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
    stream: u64,
}

impl Draws {
    /// Of nothing in particular.
    pub const NONE: Draws = Draws { seed: 0, stream: 0 };

    /// The stream of thing number `n`.
    pub fn at(self, n: u64) -> Rng {
        let mut chacha = ChaCha8Rng::seed_from_u64(self.seed);
        // An odd factor and a rotation keep the streams of neighbours apart; each n has its own.
        chacha.set_stream(self.stream ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
        Rng(chacha)
    }
}

/// One component's random numbers.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..n`, unbiased (Lemire's method). `n` must not be 0.
    pub fn below(&mut self, n: u64) -> u64 {
        debug_assert!(n > 0, "an empty range has no number to draw");
        let mut wide = u128::from(self.next_u64()) * u128::from(n);
        if (wide as u64) < n {
            let least = n.wrapping_neg() % n;
            while (wide as u64) < least {
                wide = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (wide >> 64) as u64
    }

    /// True with probability `parts` in a million.
    pub fn chance_ppm(&mut self, parts: u32) -> bool {
        self.below(1_000_000) < u64::from(parts)
    }

    /// An exponentially distributed span with this mean: von Neumann's comparison method, no floats.
    pub fn exponential(&mut self, mean: Span) -> Span {
        let mut whole: u64 = 0;
        loop {
            let first = self.next_u64();
            let mut last = first;
            let mut run: u32 = 1;
            loop {
                let next = self.next_u64();
                if next >= last {
                    break;
                }
                last = next;
                run += 1;
            }
            if run % 2 == 1 {
                let fraction = (u128::from(mean.0) * u128::from(first)) >> 64;
                return Span(mean.0.saturating_mul(whole).saturating_add(fraction as u64));
            }
            whole += 1;
        }
    }

    /// A uniform span in `low..=high`.
    pub fn uniform(&mut self, low: Span, high: Span) -> Span {
        if high.0 <= low.0 {
            return low;
        }
        Span(low.0 + self.below(high.0 - low.0 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_draws_of_a_stream_are_fixed_for_ever() {
        let mut rng = Seed(42).stream("link/rs1:eth0/loss");
        let draws: Vec<u64> = (0..3).map(|_| rng.below(1000)).collect();
        let mut again = Seed(42).stream("link/rs1:eth0/loss");
        assert_eq!(draws, (0..3).map(|_| again.below(1000)).collect::<Vec<_>>());
        let mut other = Seed(42).stream("link/rs2:eth0/loss");
        assert_ne!(draws, (0..3).map(|_| other.below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn a_numbered_stream_does_not_depend_on_the_others() {
        let draws = Seed(42).draws("traffic/web");
        let late = draws.at(7).next_u64();
        let first: Vec<u64> = (0..1_000).map(|n| draws.at(n).next_u64()).collect();
        assert_eq!(first[7], late);
        let mut different = first.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), first.len());
        assert_ne!(Seed(43).draws("traffic/web").at(7).next_u64(), late);
        assert_ne!(Seed(42).draws("traffic/dns").at(7).next_u64(), late);
    }

    #[test]
    fn exponential_spans_have_their_mean() {
        let mut rng = Seed(7).stream("test");
        let n = 200_000u64;
        let sum: u64 = (0..n).map(|_| rng.exponential(Span::from_millis(10)).0).sum();
        let mean = sum / n;
        assert!((9_900_000..10_100_000).contains(&mean), "mean {mean}");
    }
}
