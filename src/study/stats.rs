//! Means of repeated runs and how far they can be trusted: Student's t, as every textbook has it. Floats: reports only.

/// A mean with half the width of its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// The interval goes so far to both sides; nothing: one value has none.
    pub half: Option<f64>,
}

impl Interval {
    /// The mean of independent values; `confidence` such as 0.95. Nothing of nothing.
    pub fn of(values: &[f64], confidence: f64) -> Option<Interval> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let half = (values.len() > 1).then(|| {
            let error = (squares / (n - 1.0) / n).sqrt();
            error * student(values.len() - 1, 1.0 - (1.0 - confidence) / 2.0)
        });
        Some(Interval { mean, half })
    }

    /// Whether zero lies outside.
    pub fn excludes_zero(&self) -> bool {
        self.half.is_some_and(|half| self.mean.abs() > half)
    }
}

/// The quantile of Student's distribution with `freedom` degrees, for `p` above a half: found by halving.
pub fn student(freedom: usize, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while cumulative(freedom, high) < p && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if cumulative(freedom, middle) < p { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Student's distribution function for `t` of at least 0.
fn cumulative(freedom: usize, t: f64) -> f64 {
    let v = freedom.max(1) as f64;
    1.0 - 0.5 * incomplete_beta(v / 2.0, 0.5, v / (v + t * t))
}

/// The regularised incomplete beta function, by its continued fraction (Lentz's method).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges quickly on this side; on the other the function is symmetric.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let tiny = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
    let (mut c, mut d) = (1.0, 1.0 / tiny(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for n in 1..500 {
        let m = f64::from(n);
        for step in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / tiny(1.0 + step * d);
            c = tiny(1.0 + step / c);
            fraction *= c * d;
        }
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// The logarithm of the gamma function: Stirling's series, after shifting to large arguments.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 12.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series = 1.0 / (12.0 * x) * (1.0 - 1.0 / (30.0 * square) + 1.0 / (105.0 * square * square));
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, p, wanted) in [
            (1, 0.975, 12.706),
            (2, 0.975, 4.303),
            (9, 0.975, 2.262),
            (29, 0.975, 2.045),
            (29, 0.995, 2.756),
            (1_000, 0.975, 1.962),
        ] {
            let got = student(freedom, p);
            assert!((got - wanted).abs() < 0.001, "{freedom} {p}: {got}");
        }
    }

    #[test]
    fn an_interval_is_mean_and_t_times_the_standard_error() {
        let found = Interval::of(&[1.0, 2.0, 3.0, 4.0], 0.95).expect("four values");
        assert_eq!(found.mean, 2.5);
        // s = 1.29099, s/2 = 0.645497, t(3) = 3.18245
        assert!((found.half.expect("four values") - 2.05426).abs() < 1e-4, "{found:?}");
        assert!(found.excludes_zero());
        assert_eq!(Interval::of(&[7.0], 0.95), Some(Interval { mean: 7.0, half: None }));
        assert_eq!(Interval::of(&[], 0.95), None);
        assert!(!Interval { mean: 7.0, half: None }.excludes_zero());
    }

    #[test]
    fn about_one_interval_in_twenty_misses_the_mean() {
        let mut rng = crate::base::Seed(4).stream("coverage");
        let mut missed = 0;
        for _ in 0..2_000 {
            let values: Vec<f64> = (0..5).map(|_| (0..12).map(|_| rng.below(1_000) as f64).sum::<f64>()).collect();
            let shifted: Vec<f64> = values.iter().map(|x| x - 12.0 * 499.5).collect();
            missed += u32::from(Interval::of(&shifted, 0.95).is_some_and(|i| i.excludes_zero()));
        }
        assert!((70..130).contains(&missed), "{missed}");
    }
}
