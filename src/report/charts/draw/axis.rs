//! Axes: round numbers along them, even or by factors (1, 2, 5), and their labels.

use super::super::plot::{Axis, Scale, Unit};
/// Round numbers from 0 to at least `most`, whole, at most `n` steps.
pub(super) fn ticks(most: u64, n: u64) -> Vec<u64> {
    let mut unit = 1u64;
    let step = loop {
        if let Some(step) = [1, 2, 5].map(|s| unit.saturating_mul(s)).into_iter().find(|s| s.saturating_mul(n) >= most)
        {
            break step;
        }
        unit = unit.saturating_mul(10);
    };
    (0..=most.div_ceil(step)).map(|i| i * step).collect()
}

/// Round moments within a span of time, in nanoseconds.
pub(super) fn time_ticks(from: i64, to: i64) -> Vec<i64> {
    let steps = ticks(to.abs_diff(from), 8);
    let step = steps.get(1).copied().unwrap_or(1).max(1) as i64;
    let first = from.div_euclid(step) * step;
    let all = (0..20).map(|i| first + step * i);
    all.filter(|at| (from..=to).contains(at)).collect()
}

/// `12 345` with thin spaces.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(d);
    }
    out
}

/// An axis laid over a stretch of the picture.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    scale: Scale,
    /// Of a wide axis: around zero it is even up to about here.
    knee: f64,
    /// Where it begins and ends on the picture.
    ends: (f64, f64),
    /// The values there.
    pub range: (f64, f64),
    /// Values with a label, and with a line only.
    pub ticks: Vec<(f64, String)>,
    pub lines: Vec<f64>,
}

impl Ruler {
    /// An axis that holds these values, from `ends.0` to `ends.1` on the picture, with about `n` labels at most. If `tight`, it
    /// ends where the values do.
    pub(super) fn new(
        axis: &Axis,
        values: impl Iterator<Item = f64>,
        ends: (f64, f64),
        n: usize,
        tight: bool,
    ) -> Ruler {
        let values = values.chain(axis.reach).filter(|v| v.is_finite());
        match axis.scale {
            Scale::Linear => {
                let (low, high) = values.fold((0.0f64, 0.0f64), |r, v| (r.0.min(v), r.1.max(v)));
                Ruler::even(axis.unit, low, high, ends, n, tight)
            }
            Scale::Log => {
                let none = (f64::INFINITY, 0.0f64);
                let (low, high) = values.filter(|&v| v > 0.0).fold(none, |r, v| (r.0.min(v), r.1.max(v)));
                // Nothing to show: some decade.
                let (low, high) = if high > 0.0 { (low, high) } else { (1.0, 10.0) };
                Ruler::by_factors(axis.unit, low, high, ends, n, tight)
            }
            Scale::Wide => {
                let (low, high) = values.fold((0.0f64, 0.0f64), |r, v| (r.0.min(v), r.1.max(v)));
                Ruler::wide(axis.unit, low, high, default(axis.unit), ends, n)
            }
        }
    }

    /// An axis by factors on both sides of zero; it is even up to about `knee`.
    pub(super) fn wide(unit: Unit, low: f64, high: f64, knee: f64, ends: (f64, f64), n: usize) -> Ruler {
        let first = knee.log10().floor() as i32;
        let above: Vec<f64> = (first..first + 30).map(power).take_while(|&p| p <= high.max(-low).max(knee)).collect();
        let next = |v: f64| if v > 0.0 { power(v.log10().ceil() as i32).max(power(first)) } else { 0.0 };
        let range = (-next(-low), next(high));
        let all: Vec<f64> =
            above.iter().rev().map(|v| -v).chain([0.0]).chain(above.iter().copied()).chain([range.1]).collect();
        let mut all: Vec<f64> = all.into_iter().filter(|v| (range.0..=range.1).contains(v)).collect();
        all.dedup();
        // Zero keeps its label; of the others so many that they find room.
        let zero = all.iter().position(|&v| v == 0.0).unwrap_or(0);
        let every = all.len().div_ceil(n.max(2));
        let shown = all.iter().enumerate().filter(|(i, _)| i.abs_diff(zero).is_multiple_of(every));
        let ticks = shown.map(|(_, &v)| (v, if v == 0.0 { "0".into() } else { label(unit, v, v, v) })).collect();
        Ruler { scale: Scale::Wide, knee, ends, range, ticks, lines: all }
    }

    /// An even axis.
    pub(super) fn even(unit: Unit, low: f64, high: f64, ends: (f64, f64), n: usize, tight: bool) -> Ruler {
        let (low, high) = if high > low { (low, high) } else { (low, low + default(unit)) };
        let step = step((high - low) / n.max(1) as f64);
        let first = (low / step).floor() as i64;
        let last = (high / step - 1e-9).ceil() as i64;
        let range = if tight { (low, high) } else { (first as f64 * step, last as f64 * step) };
        let slack = (range.1 - range.0) * 1e-9;
        let all: Vec<f64> = (first..=last)
            .map(|i| i as f64 * step)
            .filter(|v| (range.0 - slack..=range.1 + slack).contains(v))
            .collect();
        let largest = range.0.abs().max(range.1.abs());
        let ticks = all.iter().map(|&v| (v, label(unit, v, step, largest))).collect();
        Ruler { scale: Scale::Linear, knee: 1.0, ends, range, ticks, lines: all }
    }

    fn by_factors(unit: Unit, low: f64, high: f64, ends: (f64, f64), n: usize, tight: bool) -> Ruler {
        let (first, last) = (low.log10().floor() as i32 - 1, high.log10().ceil() as i32 + 1);
        let steps: Vec<f64> = (first..=last).flat_map(|d| [1.0, 2.0, 5.0].map(|m| m * power(d))).collect();
        let below = steps.iter().copied().rfind(|&s| s <= low * (1.0 + 1e-9)).unwrap_or(low);
        let above = steps.iter().copied().find(|&s| s >= high * (1.0 - 1e-9)).unwrap_or(high);
        let mut range = if tight { (low, high) } else { (below, above) };
        if range.1 <= range.0 * 1.000_001 {
            range = (range.0 / 2.0, range.1 * 2.0);
        }
        let inside = |v: &f64| (range.0 * (1.0 - 1e-9)..=range.1 * (1.0 + 1e-9)).contains(v);
        let lines: Vec<f64> = steps.into_iter().filter(inside).collect();
        // All of 1, 2, 5 if they find room; else the decades; else some of them.
        let decades: Vec<f64> = (first..=last).map(power).filter(inside).collect();
        let labelled = match (lines.len() <= n, decades.len() <= n) {
            (true, _) => lines.clone(),
            (false, true) if decades.len() >= 2 => decades.clone(),
            (false, true) => lines.iter().copied().step_by(lines.len().div_ceil(n.max(1))).collect(),
            _ => decades.iter().copied().step_by(decades.len().div_ceil(n.max(1))).collect(),
        };
        let ticks = labelled.into_iter().map(|v| (v, label(unit, v, v, v))).collect();
        let lines = if lines.len() > 24 { decades } else { lines };
        Ruler { scale: Scale::Log, knee: 1.0, ends, range, ticks, lines }
    }

    /// Where a value lies on the picture; values beyond the ends lie at the ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        let part = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Log => (value.max(low) / low).ln() / (high / low).ln(),
            Scale::Wide if high <= low => 0.5,
            Scale::Wide => {
                let of = |v: f64| (v / self.knee).asinh();
                (of(value) - of(low)) / (of(high) - of(low))
            }
        };
        self.ends.0 + (self.ends.1 - self.ends.0) * part.clamp(0.0, 1.0)
    }
}

fn default(unit: Unit) -> f64 {
    match unit {
        Unit::Time => 1e9,
        Unit::Number | Unit::Part => 1.0,
    }
}

/// The next of 1, 2, 5 times a power of ten that is not less.
fn step(least: f64) -> f64 {
    let decade = power(least.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|&s| s >= least * (1.0 - 1e-9)).unwrap_or(least)
}

fn power(exponent: i32) -> f64 {
    10f64.powi(exponent)
}

/// `0.5 s`, `20 ms`, `1 200`, `25 %`: a value with as many digits as its step needs.
pub(super) fn label(unit: Unit, value: f64, step: f64, largest: f64) -> String {
    let (scale, name) = match unit {
        Unit::Number => (1.0, ""),
        Unit::Part => (1e-2, " %"),
        Unit::Time => match largest.abs() {
            x if x >= 0.999e9 => (1e9, " s"),
            x if x >= 0.999e6 => (1e6, " ms"),
            x if x >= 0.999e3 => (1e3, " µs"),
            _ => (1.0, " ns"),
        },
    };
    let (value, step) = (value / scale, (step / scale).abs());
    let decimals = if step > 0.0 && step < 1.0 { (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize } else { 0 };
    let text = match decimals {
        0 if value < 0.0 => format!("−{}", thousands((-value).round() as u64)),
        0 => thousands(value.round() as u64),
        _ => format!("{value:.decimals$}").replace('-', "−"),
    };
    format!("{text}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ruler: &Ruler) -> Vec<&str> {
        ruler.ticks.iter().map(|t| t.1.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_largest_value() {
        assert_eq!(ticks(7, 5), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(1, 5), [0, 1]);
        assert_eq!(ticks(1000, 5), [0, 200, 400, 600, 800, 1000]);
        assert_eq!(
            time_ticks(-500_000_000, 1_500_000_000),
            [-500_000_000, 0, 500_000_000, 1_000_000_000, 1_500_000_000]
        );
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
    }

    #[test]
    fn an_axis_by_factors_has_labels_at_1_2_5_or_at_decades_if_there_are_many() {
        let axis = |unit| Axis::new("", Scale::Log, unit);
        let few = Ruler::new(&axis(Unit::Time), [1.5e6, 18e6].into_iter(), (0.0, 100.0), 8, false);
        assert_eq!(words(&few), ["1 ms", "2 ms", "5 ms", "10 ms", "20 ms"]);
        assert_eq!((few.at(1e6), few.at(20e6), few.at(0.0)), (0.0, 100.0, 0.0));
        let many = Ruler::new(&axis(Unit::Part), [1e-5, 1.0].into_iter(), (0.0, 1.0), 8, false);
        assert_eq!(words(&many), ["0.001 %", "0.01 %", "0.1 %", "1 %", "10 %", "100 %"]);
        let none = Ruler::new(&axis(Unit::Number), [0.0, f64::NAN].into_iter(), (0.0, 1.0), 8, false);
        assert!(none.ticks.len() > 1);
        let one = Ruler::new(&axis(Unit::Time), [5e6].into_iter(), (0.0, 1.0), 8, true);
        assert!(one.range.0 < 5e6 && one.range.1 > 5e6);
    }

    #[test]
    fn a_wide_axis_has_decades_on_both_sides_of_zero() {
        let axis = Ruler::wide(Unit::Time, -3e6, 4e9, 1e6, (0.0, 100.0), 9);
        assert_eq!(words(&axis), ["−10 ms", "−1 ms", "0", "1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        let places: Vec<f64> = axis.ticks.iter().map(|t| axis.at(t.0)).collect();
        assert!(places.windows(2).all(|w| w[0] + 5.0 < w[1]), "{places:?}");
        let up =
            Ruler::new(&Axis::new("", Scale::Wide, Unit::Number), [0.0, 4_200.0].into_iter(), (0.0, 1.0), 6, false);
        assert_eq!(words(&up), ["0", "1", "10", "100", "1\u{2009}000", "10\u{2009}000"]);
        let none = Ruler::wide(Unit::Time, 0.0, 0.0, 1e6, (0.0, 1.0), 5);
        assert!(none.at(0.0).is_finite());
    }

    #[test]
    fn an_even_axis_begins_at_zero_or_below() {
        let axis = Axis::new("", Scale::Linear, Unit::Time);
        let up = Ruler::new(&axis, [0.9e9, 2.2e9].into_iter(), (100.0, 0.0), 5, false);
        assert_eq!(words(&up), ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s"]);
        assert_eq!(up.at(1.25e9), 50.0);
        let around = Ruler::new(&axis, [-3e6, 4e6].into_iter(), (0.0, 1.0), 4, false);
        assert_eq!(words(&around), ["−4 ms", "−2 ms", "0 ms", "2 ms", "4 ms"]);
        let parts = Axis::new("", Scale::Linear, Unit::Part).reaching(1.0);
        let parts = Ruler::new(&parts, [0.3].into_iter(), (0.0, 1.0), 5, false);
        assert_eq!(words(&parts), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
    }
}
