//! Simulated time: unsigned integer nanoseconds, never floats.
//!
//! [`SimTime`] counts from the beginning of set-up. A scenario's t = 0 lies 0.1 s after set-up ends; what a user
//! reads is relative to it, so that set-up has negative times ([`SimTime::since_zero`]).

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A moment: nanoseconds since set-up began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

/// The units in which times are written, in nanoseconds. Two names of one unit stand side by side.
pub const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl SimTime {
    /// The beginning of set-up.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than anything that happens.
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// Nanoseconds relative to `zero`, the scenario's t = 0; negative during set-up.
    pub fn since_zero(self, zero: SimTime) -> i64 {
        self.0.wrapping_sub(zero.0) as i64
    }

    /// How long after `earlier`; nothing if it is not after.
    pub fn since(self, earlier: SimTime) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// So many seconds.
    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }

    /// So many milliseconds.
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    /// So many microseconds.
    pub const fn from_micros(us: u64) -> Span {
        Span(us * 1_000)
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Reads `250us`, `1.5s`, `10ms`, `2m`, `1h`, `100ns`; a bare `0` is no time. At most nine digits after the point.
    ///
    /// # Errors
    /// A sentence fragment that says what a duration looks like.
    pub fn parse(text: &str) -> Result<Span, String> {
        let t = text.trim();
        if t == "0" {
            return Ok(Span::ZERO);
        }
        let cut = t.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(t.len());
        let (number, unit) = (&t[..cut], t[cut..].trim());
        let scale = match UNITS.iter().find(|u| u.0 == unit) {
            Some(&(_, scale)) => scale,
            None if unit.is_empty() => {
                return Err("a duration needs a unit: ns, us, ms, s, m or h, as in `250us` or `1.5s`".into());
            }
            None => return Err(format!("`{unit}` is no unit of time: ns, us, ms, s, m, h")),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 9 || !fraction.chars().all(|c| c.is_ascii_digit()) {
            return Err(format!("`{text}` is no duration; write for example `250us` or `1.5s`"));
        }
        let too_long = || format!("`{text}` is longer than lvsim can count (about 584 years)");
        let whole: u64 = whole.parse().map_err(|_| format!("`{text}` is no duration; write for example `250us`"))?;
        let mut ns = whole.checked_mul(scale).ok_or_else(too_long)?;
        if !fraction.is_empty() {
            let part: u128 = fraction.parse().map_err(|_| too_long())?;
            let part = part * u128::from(scale) / 10u128.pow(fraction.len() as u32);
            ns = ns.checked_add(part as u64).ok_or_else(too_long)?;
        }
        Ok(Span(ns))
    }
}

impl Add<Span> for SimTime {
    type Output = SimTime;
    fn add(self, d: Span) -> SimTime {
        SimTime(self.0.saturating_add(d.0))
    }
}

impl AddAssign<Span> for SimTime {
    fn add_assign(&mut self, d: Span) {
        *self = *self + d;
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, d: Span) -> Span {
        Span(self.0.saturating_add(d.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, d: Span) -> Span {
        Span(self.0.saturating_sub(d.0))
    }
}

impl std::ops::Mul<u64> for Span {
    type Output = Span;
    fn mul(self, n: u64) -> Span {
        Span(self.0.saturating_mul(n))
    }
}

/// The shortest exact form: `50us`, `1.5s`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.0 {
            0 => return f.write_str("0s"),
            n if n < 1_000 => (1, "ns"),
            n if n < 1_000_000 => (1_000, "us"),
            n if n < 1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (whole, rest) = (self.0 / scale, self.0 % scale);
        if rest == 0 {
            return write!(f, "{whole}{unit}");
        }
        let digits = scale.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(f, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
    }
}

/// Nanoseconds relative to a scenario's t = 0 as seconds with six decimals: `-0.050000`, `1.234567`.
pub fn seconds(ns: i64) -> String {
    let (sign, n) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns as u64) };
    let us = n / 1_000;
    format!("{sign}{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_back_what_it_prints() {
        for text in ["50us", "1.5s", "10ms", "100ns", "0s", "1.000000001s", "3600s"] {
            let span = Span::parse(text).expect("a duration that we print");
            assert_eq!(span.to_string(), text);
        }
        assert_eq!(Span::parse("2m"), Ok(Span::from_secs(120)));
    }

    #[test]
    fn a_span_without_a_unit_is_refused_with_the_units() {
        assert!(Span::parse("10").unwrap_err().contains("unit"));
        assert!(Span::parse("1e400s").is_err());
        assert!(Span::parse("99999999999999h").is_err());
    }

    #[test]
    fn seconds_are_signed_and_have_microseconds() {
        assert_eq!(seconds(-50_000_000), "-0.050000");
        assert_eq!(seconds(1_234_567_890), "1.234567");
    }
}
