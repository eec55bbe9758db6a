//! The kinds of pictures, as data: what a chart computes, what its table prints, what `draw` paints.
//!
//! Values are floats in base units: nanoseconds, parts of 1, bare numbers ([`Unit`] says which). They never reach a
//! simulation.

pub mod bars;
pub mod forest;
pub mod grouped;
pub mod heat;
pub mod lines;
pub mod slots;

use crate::report::log::Outcome;

pub use bars::{Bar, Columns, Group, Layer};
pub use forest::{Forest, ForestPanel, ForestRow};
pub use grouped::{Column, ColumnGroup, Grouped, GroupedPanel};
pub use heat::{Heat, HeatPanel};
pub use lines::{LinePanel, Lines, Point, Series};
pub use slots::{SlotPanel, Slots};

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// Horizontal bars in groups.
    Bars(Vec<Group>),
    /// Columns over time, stacked.
    Columns(Columns),
    /// Lines in one panel or several.
    Lines(Lines),
    /// Upright bars with error bars and target lines, in panels with the same y axis.
    Grouped(Grouped),
    /// Rows over time in shades.
    Heat(Heat),
    /// Who has which slot of a table, before and after.
    Slots(Slots),
    /// Differences with their intervals around zero.
    Forest(Forest),
}

/// How something is painted: colour is never the only sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A server, by its place; plain colour.
    Server(usize),
    /// All servers beyond those with a colour.
    Others,
    /// What went wrong; hatched.
    Odd(Outcome),
}

/// What values along an axis or in a table are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// A bare number.
    Number,
    /// A part of 1, shown in percent.
    Part,
}

impl Unit {
    /// What a column of values in this unit is called in a table for programs.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::Time => "_ns",
            Unit::Number | Unit::Part => "",
        }
    }
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0 on.
    Linear,
    /// By factors; only values above 0 have a place.
    Log,
    /// By factors on both sides of zero, evenly around it: for values of very different size.
    Wide,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, in a few words.
    pub label: String,
    /// How it is divided.
    pub scale: Scale,
    /// What its values are counted in.
    pub unit: Unit,
    /// It reaches at least so far.
    pub reach: Option<f64>,
    /// A second row of labels below it: at a value, a word. Those that find no room are left out.
    pub notes: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that is as long as its data.
    pub fn new(label: &str, scale: Scale, unit: Unit) -> Axis {
        Axis { label: label.into(), scale, unit, reach: None, notes: Vec::new() }
    }

    /// The same; it reaches at least so far.
    pub fn reaching(self, value: f64) -> Axis {
        Axis { reach: Some(value), ..self }
    }
}

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The ends of the interval, if there is one.
    pub ends: Option<(f64, f64)>,
}

impl Estimate {
    /// A value without an interval.
    pub fn bare(mean: f64) -> Estimate {
        Estimate { mean, ends: None }
    }

    /// The largest of it.
    pub fn high(self) -> f64 {
        self.ends.map_or(self.mean, |e| e.1.max(self.mean))
    }

    /// The least of it.
    pub fn low(self) -> f64 {
        self.ends.map_or(self.mean, |e| e.0.min(self.mean))
    }
}

/// A number for a table: six leading digits, without needless zeros; the same on every machine.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    if value == 0.0 {
        return "0".into();
    }
    let size = value.abs().log10().floor() as i32;
    let decimals = (5 - size).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_leading_digits() {
        let all = [0.0, 1.0, 0.25, 1.0 / 3.0, 123_456_789.4, -2.5e-7, f64::NAN].map(number);
        assert_eq!(all, ["0", "1", "0.25", "0.333333", "123456789", "-0.00000025", ""]);
    }
}
