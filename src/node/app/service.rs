//! How long a server works: constant, or drawn from a distribution, in integers only.

use crate::base::{Rng, Span};
use crate::wire::Proto;

/// What a host serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// TCP or UDP.
    pub proto: Proto,
    /// The port.
    pub port: u16,
    /// How long a request is worked on.
    pub time: ServiceDistribution,
    /// How many requests are worked on at once; `u32::MAX` for any number.
    pub workers: u32,
    /// Connections (or datagrams) that may wait for a worker.
    pub backlog: u32,
}

/// How long a server works on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceDistribution {
    /// Always this long.
    Constant(Span),
    /// Exponentially distributed with this mean.
    Exponential(Span),
    /// Pareto distributed.
    Pareto {
        /// The mean.
        mean: Span,
        /// The shape in millionths, above 1 000 000.
        shape_ppm: u32,
    },
    /// Lognormally distributed.
    Lognormal {
        /// The mean.
        mean: Span,
        /// The standard deviation of the logarithm, in millionths.
        sigma_ppm: u32,
    },
    /// Uniform between two spans, both included.
    Uniform {
        /// The shortest.
        low: Span,
        /// The longest.
        high: Span,
    },
}

/// One, in fixed point.
const ONE: i128 = 1 << 40;
/// No service takes longer: ten years.
const LONGEST: Span = Span::from_secs(315_360_000);

impl ServiceDistribution {
    /// Draws a time; constant times draw nothing.
    pub fn draw(&self, rng: &mut Rng) -> Span {
        match *self {
            ServiceDistribution::Constant(span) => span,
            ServiceDistribution::Exponential(mean) => rng.exponential(mean),
            ServiceDistribution::Uniform { low, high } => rng.uniform(low, high),
            ServiceDistribution::Pareto { mean, shape_ppm } => {
                // The least value, times the exponential of an exponential variable over the shape.
                let shape = i128::from(shape_ppm.max(1_000_001));
                let least = i128::from(mean.0) * (shape - 1_000_000) / shape;
                let e = standard_exponential(rng);
                scale(least, e * 1_000_000 / shape)
            }
            ServiceDistribution::Lognormal { mean, sigma_ppm } => {
                let sigma = i128::from(sigma_ppm) * ONE / 1_000_000;
                let drift = sigma * sigma / ONE / 2;
                let n = standard_normal(rng);
                scale(i128::from(mean.0), sigma * n / ONE - drift)
            }
        }
    }
}

fn standard_exponential(rng: &mut Rng) -> i128 {
    i128::from(rng.exponential(Span(ONE as u64)).0)
}

/// Kahn's method: an exponential variable is accepted as the half of a normal one if another exceeds `(e - 1)² / 2`.
fn standard_normal(rng: &mut Rng) -> i128 {
    loop {
        let e = standard_exponential(rng);
        let other = standard_exponential(rng);
        if 2 * other * ONE > (e - ONE) * (e - ONE) {
            return if rng.below(2) == 0 { e } else { -e };
        }
    }
}

/// `base · exp(x)`, at most [`LONGEST`].
fn scale(base: i128, x: i128) -> Span {
    // exp(x) = 2^whole · exp(rest), rest within ±ln 2.
    const LN2: i128 = 762_123_384_786;
    let whole = x / LN2;
    let rest = x % LN2;
    let (mut term, mut sum) = (ONE, ONE);
    for n in 1..24 {
        term = term * rest / (ONE * n);
        sum += term;
    }
    let value = base * sum / ONE;
    let scaled = match whole {
        63.. => i128::from(LONGEST.0),
        0..63 => value.saturating_mul(1 << whole),
        -126..0 => value >> -whole,
        _ => 0,
    };
    Span(scaled.clamp(0, i128::from(LONGEST.0)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    fn mean_of(what: ServiceDistribution) -> u64 {
        let mut rng = Seed(3).stream("test");
        let n = 200_000;
        let sum: u64 = (0..n).map(|_| what.draw(&mut rng).0 / 1_000).sum();
        sum / n
    }

    #[test]
    fn every_distribution_has_its_mean() {
        let mean = Span::from_millis(20);
        for (what, tolerance) in [
            (ServiceDistribution::Constant(mean), 0),
            (ServiceDistribution::Exponential(mean), 200),
            (ServiceDistribution::Pareto { mean, shape_ppm: 3_000_000 }, 400),
            (ServiceDistribution::Lognormal { mean, sigma_ppm: 500_000 }, 300),
            (ServiceDistribution::Uniform { low: Span::from_millis(10), high: Span::from_millis(30) }, 200),
        ] {
            let got = mean_of(what);
            assert!(got.abs_diff(20_000) <= tolerance, "{what:?}: {got} us");
        }
    }

    #[test]
    fn the_exponential_function_is_exact_to_a_millionth() {
        let million = 1_000_000_000_000;
        assert_eq!(scale(million, 0).0, 1_000_000_000_000);
        assert_eq!(scale(million, ONE).0 / 1_000_000, 2_718_281);
        assert_eq!(scale(million, -ONE).0 / 1_000_000, 367_879);
        assert_eq!(scale(million, 200 * ONE), LONGEST);
        assert_eq!(scale(million, -200 * ONE).0, 0);
    }

    #[test]
    fn wild_parameters_draw_something_finite() {
        let mut rng = Seed(1).stream("wild");
        for what in [
            ServiceDistribution::Pareto { mean: Span(u64::MAX), shape_ppm: 0 },
            ServiceDistribution::Lognormal { mean: Span(u64::MAX), sigma_ppm: u32::MAX },
            ServiceDistribution::Lognormal { mean: Span(0), sigma_ppm: 0 },
        ] {
            for _ in 0..1_000 {
                assert!(what.draw(&mut rng) <= LONGEST);
            }
        }
    }
}
