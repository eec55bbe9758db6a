//! Numbers with the units of scenario files, in whole smallest steps: what lies between two of them, and how it is written
//! so that a scenario reads the very same value.
//!
//! Whole numbers throughout, also for steps of equal ratio: the nearest whole root is found exactly, so that a grid has the
//! same points on every machine.

use crate::base::{Span, size, time};
use crate::scenario::{BANDWIDTH_UNITS, RATE_UNITS};
use num_bigint::BigUint;

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A length of time; smallest step 1 ns.
    Time,
    /// So many in a second; smallest step one in a million hours.
    Rate,
    /// Bits in a second.
    Bandwidth,
    /// Bytes.
    Size,
    /// Percent; smallest step a ten-thousandth of one.
    Percent,
    /// A factor such as `2x`; smallest step a millionth.
    Factor,
    /// A bare number; smallest step a millionth.
    Number,
}

/// A unit and how many smallest steps it has.
type Unit = (&'static str, u128);

/// The kinds in the order in which a unit is looked for.
const KINDS: [Kind; 7] =
    [Kind::Time, Kind::Rate, Kind::Bandwidth, Kind::Size, Kind::Percent, Kind::Factor, Kind::Number];

/// Smallest steps of a rate of one in a nanosecond: so many that one in an hour has a million.
const PER_NS: u128 = 3_600_000_000_000 * 1_000_000;

impl Kind {
    /// Its units, those of the file's own readers.
    fn units(self) -> impl Iterator<Item = Unit> {
        let table: &[(&str, u64)] = match self {
            Kind::Time => time::UNITS,
            Kind::Rate => RATE_UNITS,
            Kind::Bandwidth => BANDWIDTH_UNITS,
            // A bare number is a number.
            Kind::Size => &size::UNITS[1..],
            Kind::Percent => &[("%", 10_000)],
            Kind::Factor => &[("x", 1_000_000)],
            Kind::Number => &[("", 1_000_000)],
        };
        table.iter().map(move |&(name, scale)| match self {
            Kind::Rate => (name, PER_NS / u128::from(scale)),
            _ => (name, u128::from(scale)),
        })
    }
}

/// Whether a unit of bytes has 1024 in it.
fn is_binary(unit: Unit) -> bool {
    unit.0.ends_with("iB")
}

/// The longest number that is read, and the most steps: what is more is text. Sums of products fit in 128 bits by it.
const DIGITS: usize = 30;
const MOST: u128 = 1 << 90;

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// What it counts.
    pub kind: Kind,
    /// How many smallest steps.
    pub steps: u128,
    /// The unit in which it was written.
    unit: Unit,
    /// It was written without a point.
    whole: bool,
}

impl Quantity {
    /// Reads `10ms`, `100/s`, `1.5gbit`, `64KiB`, `0.5%`, `2x`, `12`; nothing if it is none of these, or finer than the
    /// smallest step.
    pub fn read(text: &str) -> Option<Quantity> {
        let text = text.trim();
        let cut = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = (&text[..cut], text[cut..].trim());
        let per_second = unit.strip_suffix("/s").filter(|u| u.to_ascii_lowercase().ends_with("bit"));
        let fits = |kind: Kind, name: &str| match kind {
            Kind::Rate => unit.strip_prefix('/').is_some_and(|per| per.trim() == name),
            Kind::Bandwidth => name.eq_ignore_ascii_case(per_second.unwrap_or(unit)),
            Kind::Size => name.eq_ignore_ascii_case(unit),
            _ => name == unit,
        };
        let (kind, unit) = KINDS.iter().find_map(|&kind| Some((kind, kind.units().find(|u| fits(kind, u.0))?)))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || number.len() > DIGITS || !digits(whole) || !digits(fraction) {
            return None;
        }
        let tens = 10u128.checked_pow(fraction.len() as u32)?;
        let all: u128 = format!("{whole}{fraction}").parse().ok()?;
        let all = all.checked_mul(unit.1)?;
        (all % tens == 0 && all / tens <= MOST).then_some(Quantity {
            kind,
            steps: all / tens,
            unit,
            whole: fraction.is_empty(),
        })
    }

    /// The number alone, in the unit of [`Kind::unit`]: `5ms` is 5,000,000, `0.5%` is 0.5.
    pub fn number(&self) -> serde_json::Value {
        let per = match self.kind {
            Kind::Time | Kind::Bandwidth | Kind::Size => 1,
            Kind::Rate => 3_600_000_000,
            Kind::Percent => 10_000,
            Kind::Factor | Kind::Number => 1_000_000,
        };
        match u64::try_from(self.steps / per) {
            Ok(whole) if self.steps.is_multiple_of(per) => whole.into(),
            _ => (self.steps as f64 / per as f64).into(),
        }
    }
}

impl Kind {
    /// The end of the name of a column that holds the bare number; of a bare number nothing.
    pub fn unit(self) -> &'static str {
        match self {
            Kind::Time => "_ns",
            Kind::Rate => "_per_s",
            Kind::Bandwidth => "_bit_per_s",
            Kind::Size => "_bytes",
            Kind::Percent => "_percent",
            Kind::Factor => "_factor",
            Kind::Number => "",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Time => "nanoseconds",
            Kind::Rate => "how many in a second",
            Kind::Bandwidth => "bits in a second",
            Kind::Size => "bytes",
            Kind::Percent => "percent",
            Kind::Factor => "times",
            Kind::Number => "the number",
        }
    }
}

/// The kind that all of these have, if it is one; a bare `0` is of any kind.
pub fn common(values: &[Quantity]) -> Option<Kind> {
    let mut kinds = values.iter().filter(|q| q.steps > 0 || q.kind != Kind::Number).map(|q| q.kind);
    let first = kinds.next().unwrap_or(Kind::Number);
    kinds.all(|k| k == first).then_some(first)
}

/// How the points lie between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// Equal differences.
    Linear,
    /// Equal ratios.
    Log,
}

/// `n` points from `a` to `b`, both included, as texts; `n` is at least 2.
///
/// # Errors
/// A sentence that says why there are no such points.
pub fn between(a: Quantity, b: Quantity, n: usize, spacing: Spacing) -> Result<Vec<String>, String> {
    let kind = common(&[a, b]).ok_or("its two ends have units of different kinds")?;
    let grain = grain(kind, a, b);
    if spacing == Spacing::Log && (a.steps == 0 || b.steps == 0) {
        return Err("equal ratios need two ends above 0".into());
    }
    let last = n as u128 - 1;
    let mut texts: Vec<String> = Vec::with_capacity(n);
    for i in 0..=last {
        let steps = match spacing {
            _ if i == 0 => a.steps,
            _ if i == last => b.steps,
            Spacing::Linear => linear(a.steps / grain, b.steps / grain, i, last) * grain,
            Spacing::Log => geometric(a.steps / grain, b.steps / grain, i as u32, last as u32)? * grain,
        };
        let text = written(kind, steps, a, b);
        // They rise or fall, so that equal ones stand side by side.
        if texts.last() == Some(&text) {
            return Err(format!("{n} points are more than there are different values: `{text}` comes twice"));
        }
        texts.push(text);
    }
    Ok(texts)
}

/// How many smallest steps lie between two values that can be written: whole numbers stay whole, and a rate has six digits
/// after the point.
fn grain(kind: Kind, a: Quantity, b: Quantity) -> u128 {
    match kind {
        Kind::Rate => rate_unit(a, b).1 / 1_000_000,
        Kind::Number if a.whole && b.whole => 1_000_000,
        _ => 1,
    }
}

/// The finer unit of two rates: both ends are whole millionths of it.
fn rate_unit(a: Quantity, b: Quantity) -> Unit {
    match (a.kind, b.kind) {
        (Kind::Rate, Kind::Rate) if a.unit.1 <= b.unit.1 => a.unit,
        (_, Kind::Rate) => b.unit,
        _ => a.unit,
    }
}

/// The nearest whole number to `a + (b − a)·i/last`; halves go up.
fn linear(a: u128, b: u128, i: u128, last: u128) -> u128 {
    (2 * (a * (last - i) + b * i) + last) / (2 * last)
}

/// The nearest whole number to `a·(b/a)^(i/last)`, at least 1: the root of a product, doubled to see the half.
fn geometric(a: u128, b: u128, i: u32, last: u32) -> Result<u128, String> {
    let product = BigUint::from(a).pow(last - i) * BigUint::from(b).pow(i);
    let doubled = (product << last).nth_root(last);
    u128::try_from((doubled + 1u32) >> 1).map_err(|_| "a value is too large".into())
}

fn written(kind: Kind, steps: u128, a: Quantity, b: Quantity) -> String {
    let binary = |q: Quantity| is_binary(q.unit) || q.steps == 0;
    // Bytes themselves belong to both.
    let sizes = |wanted: bool| Kind::Size.units().filter(move |u| u.1 == 1 || is_binary(*u) == wanted);
    let only = |digits: usize| kind.units().next().and_then(|unit| in_unit(steps, unit, digits)).unwrap_or_default();
    match kind {
        Kind::Time => u64::try_from(steps).map_or_else(|_| format!("{steps}ns"), |ns| Span(ns).to_string()),
        Kind::Rate => {
            let (name, scale) = rate_unit(a, b);
            in_unit(steps, ("", scale), 6).map(|number| format!("{number}/{name}")).unwrap_or_default()
        }
        Kind::Bandwidth => shortest(steps, kind.units()),
        Kind::Size => shortest(steps, sizes(binary(a) && binary(b))),
        Kind::Percent => only(4),
        Kind::Factor | Kind::Number => only(6),
    }
}

/// In the largest unit that needs no more than three digits after the point.
fn shortest(steps: u128, units: impl Iterator<Item = Unit>) -> String {
    let units: Vec<Unit> = units.collect();
    let fitting = units.iter().rev().filter(|u| steps >= u.1);
    fitting.filter_map(|&u| in_unit(steps, u, 3)).next().unwrap_or_else(|| format!("{steps}{}", units[0].0))
}

/// So many steps in a unit, if that takes no more than so many digits after the point.
fn in_unit(steps: u128, (name, scale): Unit, digits: usize) -> Option<String> {
    let (whole, mut rest) = (steps / scale, steps % scale);
    let mut text = whole.to_string();
    for place in 0.. {
        if rest == 0 {
            break;
        }
        if place == digits {
            return None;
        }
        if place == 0 {
            text.push('.');
        }
        rest *= 10;
        text.push(char::from(b'0' + (rest / scale) as u8));
        rest %= scale;
    }
    Some(text + name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(a: &str, b: &str, n: usize, spacing: Spacing) -> Result<Vec<String>, String> {
        between(Quantity::read(a).expect("a number"), Quantity::read(b).expect("a number"), n, spacing)
    }

    fn check(a: &str, b: &str, n: usize, spacing: Spacing, wanted: &str) {
        assert_eq!(points(a, b, n, spacing).map(|p| p.join(" ")), Ok(wanted.to_string()), "{a}..{b}/{n}");
    }

    #[test]
    fn points_are_exact_and_written_in_units_that_people_use() {
        use Spacing::{Linear, Log};
        check("1ms", "10ms", 4, Linear, "1ms 4ms 7ms 10ms");
        check("1ms", "2ms", 4, Linear, "1ms 1.333333ms 1.666667ms 2ms");
        check("0", "10ms", 3, Linear, "0s 5ms 10ms");
        check("10ms", "1ms", 2, Linear, "10ms 1ms");
        check("10/s", "100/s", 4, Linear, "10/s 40/s 70/s 100/s");
        check("10/s", "20/s", 4, Linear, "10/s 13.333333/s 16.666667/s 20/s");
        check("30/m", "1/s", 3, Linear, "30/m 45/m 60/m");
        check("10mbit", "1gbit", 3, Linear, "10mbit 505mbit 1gbit");
        check("1kB", "64kB", 3, Linear, "1kB 32.5kB 64kB");
        check("1KiB", "64KiB", 7, Log, "1KiB 2KiB 4KiB 8KiB 16KiB 32KiB 64KiB");
        check("0%", "1%", 5, Linear, "0% 0.25% 0.5% 0.75% 1%");
        check("0.5x", "2x", 3, Linear, "0.5x 1.25x 2x");
        check("10", "20", 4, Linear, "10 13 17 20");
        check("1.0", "2", 3, Linear, "1 1.5 2");
        check("1ms", "1s", 4, Log, "1ms 10ms 100ms 1s");
        check("1ms", "10ms", 3, Log, "1ms 3.162278ms 10ms");
        check("1", "1000", 4, Log, "1 10 100 1000");
        check("1000/s", "1/s", 4, Log, "1000/s 100/s 10/s 1/s");
    }

    #[test]
    fn what_has_no_points_is_told() {
        use Spacing::{Linear, Log};
        assert!(points("1ms", "3/s", 2, Linear).is_err_and(|e| e.contains("different kinds")));
        assert!(points("1", "3", 5, Linear).is_err_and(|e| e.contains("`2` comes twice")));
        assert!(points("0", "3", 2, Log).is_err_and(|e| e.contains("above 0")));
    }

    #[test]
    fn large_ends_do_not_overflow() {
        assert!(points("1us", "31622400s", 200, Spacing::Log).is_ok_and(|p| p.len() == 200));
        assert!(points("1ns", "999999999999999999s", 1_000, Spacing::Linear).is_ok());
        assert_eq!(Quantity::read("99999999999999999999999999999h"), None);
        assert_eq!(Quantity::read("0.0000000001s"), None);
    }

    #[test]
    fn what_is_no_number_with_a_unit_is_text() {
        for text in ["", "rr", "1q", "-1", "1.2.3", ".5", "10.0.0.1", "10.0.0.1:80", "1e3", "02:00:00:00:00:01"] {
            assert_eq!(Quantity::read(text), None, "{text}");
        }
        let number = |text: &str| Quantity::read(text).expect("a number").number().to_string();
        assert_eq!(number("5ms"), "5000000");
        assert_eq!(number("90/m"), "1.5");
        assert_eq!(number("1.5Gbit/s"), "1500000000");
        assert_eq!(number("64KiB"), "65536");
        assert_eq!(number("0.5%"), "0.5");
        assert_eq!(number("7"), "7");
    }

    #[test]
    fn a_kind_is_common_to_all_or_to_none() {
        let of = |texts: &[&str]| {
            let all: Option<Vec<Quantity>> = texts.iter().map(|t| Quantity::read(t)).collect();
            all.and_then(|all| common(&all))
        };
        assert_eq!(of(&["0", "5ms"]), Some(Kind::Time));
        assert_eq!(of(&["0", "1"]), Some(Kind::Number));
        assert_eq!(of(&["1", "5ms"]), None);
        assert_eq!(of(&["x", "5ms"]), None);
    }
}
