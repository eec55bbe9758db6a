//! What is measured in a run, each defined once: how evenly servers were used, how long clients waited.
//!
//! x is what a server got (connections, bytes, busy time), w its weight, y = x/w. Jain's index is (Σy)²/(n Σy²): 1 if all y are
//! equal, 1/n if one server got all. The share error is the largest |x/Σx − w/Σw|. A percentile is the nearest rank's value.

/// How evenly something was shared out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evenness {
    /// Jain's index.
    pub jain: f64,
    /// Standard deviation of y over its mean.
    pub cv: f64,
    /// The largest y over the mean.
    pub max_over_mean: f64,
    /// The largest difference between the share that a server got and the share of its weight.
    pub share_error: f64,
}

impl Evenness {
    /// Of the servers that have a weight above 0; nothing if there is none, or nothing was shared out.
    pub fn of(got: &[f64], weights: &[f64]) -> Option<Evenness> {
        let pairs: Vec<(f64, f64)> = got.iter().copied().zip(weights.iter().copied()).filter(|p| p.1 > 0.0).collect();
        let all: f64 = pairs.iter().map(|p| p.0).sum();
        let weight: f64 = pairs.iter().map(|p| p.1).sum();
        if pairs.is_empty() || all <= 0.0 {
            return None;
        }
        let n = pairs.len() as f64;
        let y: Vec<f64> = pairs.iter().map(|(x, w)| x / w).collect();
        let (sum, squares) = (y.iter().sum::<f64>(), y.iter().map(|y| y * y).sum::<f64>());
        let mean = sum / n;
        let variance = (squares / n - mean * mean).max(0.0);
        Some(Evenness {
            jain: sum * sum / (n * squares),
            cv: variance.sqrt() / mean,
            max_over_mean: y.iter().copied().fold(0.0, f64::max) / mean,
            share_error: pairs.iter().map(|(x, w)| (x / all - w / weight).abs()).fold(0.0, f64::max),
        })
    }
}

/// How long something took, over all connections of a run, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waits {
    /// How many there were.
    pub n: u64,
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// Nine of ten are not longer.
    pub p90: f64,
    /// 99 of a hundred are not longer.
    pub p99: f64,
    /// 999 of a thousand are not longer.
    pub p999: f64,
}

impl Waits {
    /// Of these times, which are sorted thereby. All zero of none.
    pub fn of(times: &mut [u64]) -> Waits {
        times.sort_unstable();
        if times.is_empty() {
            return Waits::default();
        }
        let n = times.len();
        let sum: u128 = times.iter().map(|&t| u128::from(t)).sum();
        let rank = |permille: usize| times[(n * permille).div_ceil(1_000).clamp(1, n) - 1] as f64;
        Waits {
            n: n as u64,
            mean: sum as f64 / n as f64,
            p50: rank(500),
            p90: rank(900),
            p99: rank(990),
            p999: rank(999),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_by_weight_are_even() {
        let even = Evenness::of(&[10.0, 20.0, 30.0], &[1.0, 2.0, 3.0]).expect("three servers");
        assert!((even.jain - 1.0).abs() < 1e-12 && even.cv < 1e-6 && even.share_error < 1e-12, "{even:?}");
        assert!((even.max_over_mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_that_gets_all_has_the_index_of_one_in_n() {
        let all = Evenness::of(&[12.0, 0.0, 0.0, 0.0], &[1.0; 4]).expect("four servers");
        assert_eq!((all.jain, all.max_over_mean, all.share_error), (0.25, 4.0, 0.75));
        // J = 1/(1 + CV²)
        assert!((1.0 / (1.0 + all.cv * all.cv) - all.jain).abs() < 1e-12);
    }

    #[test]
    fn servers_of_weight_zero_do_not_count() {
        assert_eq!(Evenness::of(&[5.0, 3.0], &[1.0, 0.0]).map(|e| e.jain), Some(1.0));
        assert_eq!(Evenness::of(&[5.0], &[0.0]), None);
        assert_eq!(Evenness::of(&[0.0, 0.0], &[1.0, 1.0]), None);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut times: Vec<u64> = (1..=1_000).rev().collect();
        let waits = Waits::of(&mut times);
        assert_eq!((waits.p50, waits.p90, waits.p99, waits.p999), (500.0, 900.0, 990.0, 999.0));
        assert_eq!(waits.mean, 500.5);
        assert_eq!(Waits::of(&mut [7]).p999, 7.0);
        assert_eq!(Waits::of(&mut []).n, 0);
    }
}
