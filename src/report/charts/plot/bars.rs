//! Bars and stacked columns of counts: the charts of one run.

use super::Ink;

/// A group of bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its heading.
    pub label: String,
    /// Its bars.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// Its length.
    pub value: u64,
    /// The length that weights ask for, in thousandths.
    pub target: Option<u64>,
    /// How it is painted.
    pub ink: Ink,
}

/// Stacked columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Where the first column begins, in nanoseconds from t = 0.
    pub from: i64,
    /// How long a column is, in nanoseconds.
    pub width: u64,
    /// How many columns there are.
    pub len: usize,
    /// The layers from below, each with a value per column.
    pub layers: Vec<Layer>,
    /// Moments with a name: nanoseconds from t = 0.
    pub marks: Vec<(i64, String)>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the legend.
    pub label: String,
    /// How it is painted.
    pub ink: Ink,
    /// Its values.
    pub values: Vec<u64>,
}
