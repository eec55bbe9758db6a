//! Distributions of times and sizes, drawn in integers only.
//!
//! A value is nanoseconds or bytes; what it is, its user knows. Logarithms and powers are fixed-point, so that a draw is the
//! same on every machine. A bounded Pareto variable is the exponential of an exponential variable that is cut off: the rest
//! of a division by the cut is distributed exactly so, because an exponential variable has no memory.

use super::rng::Rng;
use super::time::Span;
use std::sync::Arc;

/// How a value is distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dist {
    /// Always this.
    Constant(u64),
    /// Exponential with this mean.
    Exponential(u64),
    /// Pareto.
    Pareto {
        /// The mean.
        mean: u64,
        /// The shape in millionths, above 1 000 000.
        shape_ppm: u32,
    },
    /// Pareto between a least and a largest value.
    BoundedPareto {
        /// The mean.
        mean: u64,
        /// The shape in millionths.
        shape_ppm: u32,
        /// The largest value over the least, in millionths, above 1 000 000.
        ratio_ppm: u64,
    },
    /// Lognormal.
    Lognormal {
        /// The mean.
        mean: u64,
        /// The standard deviation of the logarithm, in millionths.
        sigma_ppm: u32,
    },
    /// Uniform between two values, both included.
    Uniform {
        /// The least.
        low: u64,
        /// The largest.
        high: u64,
    },
    /// Exponential with one of two means, each of which brings forth half of the sum ("balanced means").
    Hyperexponential {
        /// The mean of all.
        mean: u64,
        /// The part with the smaller mean, in millionths, from a half to 1.
        short_ppm: u32,
    },
    /// One of these, each as likely as the others.
    List(Arc<[u64]>),
}

/// One, in fixed point.
const ONE: i128 = 1 << 40;
/// No value is larger: ten years in nanoseconds.
pub const LARGEST: u64 = Span::from_secs(315_360_000).0;
/// The natural logarithm of 2, in fixed point.
const LN2: i128 = 762_123_384_786;
const MILLION: i128 = 1_000_000;

impl Dist {
    /// Whether every draw gives the same.
    pub fn constant(&self) -> Option<u64> {
        match *self {
            Dist::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Draws a value; a constant draws nothing.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        match *self {
            Dist::Constant(value) => value,
            Dist::Exponential(mean) => rng.exponential(Span(mean)).0.min(LARGEST),
            Dist::Uniform { low, high } => rng.uniform(Span(low), Span(high)).0.min(LARGEST),
            Dist::Pareto { mean, shape_ppm } => {
                // The least value, times the exponential of an exponential variable over the shape.
                let shape = i128::from(shape_ppm.max(1_000_001));
                let least = fixed(mean) * (shape - MILLION) / shape;
                scale(least, standard_exponential(rng) * MILLION / shape)
            }
            Dist::BoundedPareto { mean, shape_ppm, ratio_ppm } => {
                let shape = i128::from(shape_ppm.max(1));
                let span = ln_ppm(ratio_ppm.max(1_000_001));
                // The exponential variable is cut off where the largest value is.
                let cut = (span * shape / MILLION).max(1);
                scale(least_of(mean, shape, span), standard_exponential(rng) % cut * MILLION / shape)
            }
            Dist::Lognormal { mean, sigma_ppm } => {
                let sigma = i128::from(sigma_ppm) * ONE / MILLION;
                let drift = sigma * sigma / ONE / 2;
                let n = standard_normal(rng);
                scale(fixed(mean), sigma * n / ONE - drift)
            }
            Dist::Hyperexponential { mean, short_ppm } => {
                let short = short_ppm.clamp(500_000, 999_999);
                let part = if rng.chance_ppm(short) { short } else { 1_000_000 - short };
                // Each kind has half of the sum: its mean is the whole one over twice its part.
                let own = u128::from(mean) * 1_000_000 / (2 * u128::from(part));
                rng.exponential(Span(own.min(u128::from(LARGEST)) as u64)).0.min(LARGEST)
            }
            Dist::List(ref values) => match values.len() {
                0 => 0,
                n => values[rng.below(n as u64) as usize],
            },
        }
    }

    /// The hyperexponential distribution of this mean and squared coefficient of variation, which is at least 1.
    pub fn hyperexponential(mean: u64, cv2_ppm: u64) -> Dist {
        // p = (1 + sqrt((c² - 1) / (c² + 1))) / 2
        let cv2 = u128::from(cv2_ppm.max(1_000_000));
        let square = (cv2 - 1_000_000) * 1_000_000_000_000 / (cv2 + 1_000_000);
        let short_ppm = 500_000 + square.isqrt() as u32 / 2;
        Dist::Hyperexponential { mean, short_ppm }
    }
}

/// Bits behind the point of a base that is scaled: means of a few bytes are not rounded to whole ones.
const POINT: u32 = 12;

fn fixed(value: u64) -> i128 {
    i128::from(value.min(LARGEST)) << POINT
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

/// The least value of a bounded Pareto variable of this mean; `span` is the logarithm of the largest over the least.
fn least_of(mean: u64, shape: i128, span: i128) -> i128 {
    // mean = least · a/(a - 1) · (1 - r^(1-a)) / (1 - r^-a); for a = 1: least · ln r / (1 - 1/r)
    let tail = ONE - exp(-(span * shape / MILLION));
    if shape == MILLION {
        return fixed(mean) * tail / span.max(1);
    }
    let over = shape - MILLION;
    let middle = ONE - exp(-(span * over / MILLION));
    // Both are positive, or both negative.
    let least = fixed(mean) * over / shape * tail / if middle == 0 { 1 } else { middle };
    least.max(0)
}

/// `exp(x)`, at most 2^80 in fixed point.
fn exp(x: i128) -> i128 {
    // exp(x) = 2^whole · exp(rest), rest within ±ln 2.
    let (whole, rest) = (x / LN2, x % LN2);
    let (mut term, mut sum) = (ONE, ONE);
    for n in 1..24 {
        term = term * rest / (ONE * n);
        sum += term;
    }
    match whole {
        38.. => 1 << 80,
        0..38 => sum << whole,
        -126..0 => sum >> -whole,
        _ => 0,
    }
}

/// `base · exp(x)` without the base's fixed point, rounded, at most [`LARGEST`].
fn scale(base: i128, x: i128) -> u64 {
    let (whole, rest) = (x / LN2, x % LN2);
    let value = base * exp(rest) / ONE;
    let scaled = match whole {
        63.. => i128::MAX >> 1,
        0..63 => value.saturating_mul(1 << whole),
        -126..0 => value >> -whole,
        _ => 0,
    };
    let rounded = scaled.saturating_add(1 << (POINT - 1)) >> POINT;
    rounded.clamp(0, i128::from(LARGEST)) as u64
}

/// The natural logarithm of a number in millionths that is at least 1: digit by digit, by squaring.
fn ln_ppm(ppm: u64) -> i128 {
    let mut x = i128::from(ppm) * ONE / MILLION;
    let mut log2 = 0i128;
    while x >= 2 * ONE {
        x /= 2;
        log2 += ONE;
    }
    let mut bit = ONE / 2;
    while bit > 0 {
        x = x * x / ONE;
        if x >= 2 * ONE {
            x /= 2;
            log2 += bit;
        }
        bit /= 2;
    }
    log2 * LN2 / ONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// Mean and squared coefficient of variation of many draws.
    fn moments(what: &Dist, seed: u64, n: u32) -> (f64, f64) {
        let mut rng = Seed(seed).stream("test");
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = what.draw(&mut rng) as f64;
            sum += x;
            squares += x * x;
        }
        let mean = sum / f64::from(n);
        (mean, squares / f64::from(n) / (mean * mean) - 1.0)
    }

    /// The squared coefficient of variation of a bounded Pareto variable, in closed form.
    fn cv2_of_bounded(a: f64, r: f64) -> f64 {
        let moment = |k: f64| a / (a - k) * (1.0 - r.powf(k - a)) / (1.0 - r.powf(-a));
        moment(2.0) / moment(1.0).powi(2) - 1.0
    }

    #[track_caller]
    fn close(got: f64, wanted: f64, part: f64, what: &Dist) {
        assert!((got - wanted).abs() <= part * wanted.max(0.02), "{what:?}: {got}, wanted {wanted}");
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 6, failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default()
        })]

        #[test]
        fn every_distribution_has_its_mean_and_its_variation(
            mean in 1_000u64..1_000_000_000, seed in 0u64..1_000_000, sigma in 100_000u32..700_000,
            cv2 in 1_000_000u64..9_000_000, ratio in 2u64..100, shape in 500_000u32..3_500_000,
        ) {
            let n = 100_000;
            let s = f64::from(sigma) / 1e6;
            let (low, high) = (mean / 2, mean / 2 + mean);
            let bounded = cv2_of_bounded(f64::from(shape) / 1e6 + 1e-9, ratio as f64);
            for (what, wanted) in [
                (Dist::Constant(mean), 0.0),
                (Dist::Exponential(mean), 1.0),
                (Dist::Lognormal { mean, sigma_ppm: sigma }, (s * s).exp() - 1.0),
                (Dist::Uniform { low, high }, 1.0 / 12.0),
                (Dist::hyperexponential(mean, cv2), cv2 as f64 / 1e6),
                (Dist::Pareto { mean, shape_ppm: 6_000_000 }, 1.0 / 24.0),
                (Dist::BoundedPareto { mean, shape_ppm: shape, ratio_ppm: ratio * 1_000_000 }, bounded),
            ] {
                let (got, cv2) = moments(&what, seed, n);
                close(got, mean as f64, 0.03, &what);
                close(cv2, wanted, 0.15, &what);
            }
        }
    }

    #[test]
    fn a_bounded_pareto_variable_stays_within_its_bounds_and_varies_as_the_books_say() {
        // Shape 1.5 from 1 to 10 000: C² = 32.7.
        let mean = 1_000_000;
        let what = Dist::BoundedPareto { mean, shape_ppm: 1_500_000, ratio_ppm: 10_000_000_000 };
        assert!((cv2_of_bounded(1.5, 1e4) - 32.7).abs() < 0.4);
        let mut rng = Seed(9).stream("bounds");
        let draws: Vec<u64> = (0..200_000).map(|_| what.draw(&mut rng)).collect();
        let least = 1_000_000.0 / 3.0 * (1.0 - 1e-6) / (1.0 - 1e-2);
        let (min, max) = (*draws.iter().min().expect("many") as f64, *draws.iter().max().expect("many") as f64);
        assert!(min >= least - 2.0 && min < least * 1.01, "{min} {least}");
        assert!(max <= least * 1.000_1e4 && max > least * 300.0, "{max}");
    }

    #[test]
    fn a_list_gives_its_values_and_nothing_else() {
        let what = Dist::List([3u64, 3, 9].into());
        let mut rng = Seed(2).stream("list");
        let nines = (0..30_000).filter(|_| what.draw(&mut rng) == 9).count();
        assert!((9_700..10_300).contains(&nines), "{nines}");
        assert_eq!(Dist::List(Arc::new([])).draw(&mut rng), 0);
    }

    #[test]
    fn the_fixed_point_functions_are_exact_to_a_millionth() {
        let million = fixed(1_000_000_000_000);
        assert_eq!(scale(million, 0), 1_000_000_000_000);
        assert_eq!(scale(million, ONE) / 1_000_000, 2_718_281);
        assert_eq!(scale(million, -ONE) / 1_000_000, 367_879);
        assert_eq!(scale(million, 200 * ONE), LARGEST);
        assert_eq!(scale(million, -200 * ONE), 0);
        assert_eq!(ln_ppm(2_718_281_828) * 1_000_000 / ONE, 7_907_755);
        assert_eq!(ln_ppm(1_000_000), 0);
    }

    #[test]
    fn wild_parameters_draw_something_finite() {
        let mut rng = Seed(1).stream("wild");
        for what in [
            Dist::Pareto { mean: u64::MAX, shape_ppm: 0 },
            Dist::BoundedPareto { mean: u64::MAX, shape_ppm: u32::MAX, ratio_ppm: u64::MAX },
            Dist::BoundedPareto { mean: 1, shape_ppm: 0, ratio_ppm: 0 },
            Dist::BoundedPareto { mean: 1_000, shape_ppm: 1_000_000, ratio_ppm: 5_000_000 },
            Dist::Lognormal { mean: u64::MAX, sigma_ppm: u32::MAX },
            Dist::Lognormal { mean: 0, sigma_ppm: 0 },
            Dist::hyperexponential(u64::MAX, u64::MAX),
        ] {
            for _ in 0..1_000 {
                assert!(what.draw(&mut rng) <= LARGEST);
            }
        }
    }
}
