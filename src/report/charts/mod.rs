//! Charts of a run: each is data first ([`Figure`]), which tests can read, and a picture second (`draw`).
//!
//! One chart, one file, one row in [`CHARTS`].

#[cfg(feature = "cli")]
pub mod draw;
pub mod served;
pub mod timeline;

use super::log::{Outcome, RunLog};
use super::tables::{Cell, Format, Grid};

/// A chart that can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct ChartRow {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// Makes it.
    pub figure: fn(&RunLog<'_>) -> Figure,
}

/// Every chart, by name.
pub const CHARTS: &[ChartRow] = &[
    ChartRow { name: "served", about: "who served how many, against the share by weight", figure: served::figure },
    ChartRow { name: "timeline", about: "what became of connections, by when they began", figure: timeline::figure },
];

/// A chart as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The chart's name.
    pub name: &'static str,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// What is drawn, with units.
    pub subtitle: String,
    /// The data.
    pub plot: Plot,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    /// Horizontal bars in groups.
    Bars(Vec<Group>),
    /// Columns over time, stacked.
    Columns(Columns),
}

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

impl Figure {
    /// The same in text: a table, for tests, for readers who see no pictures, for `desc` in the picture.
    pub fn text(&self) -> String {
        let mut out = format!("{}: {}\n", self.title, self.subtitle);
        match &self.plot {
            Plot::Bars(groups) => {
                for group in groups {
                    out.push_str(&format!("{}\n", group.label));
                    let mut grid = Grid::new(&["", "", ""]);
                    for bar in &group.bars {
                        let target = bar.target.map(|t| format!("by weight {}", tenths(t)));
                        grid.row([bar.label.as_str().into(), bar.value.into(), Cell::from(target)]);
                    }
                    out.push_str(&grid.body("  ").replace("  –\n", "\n"));
                }
            }
            Plot::Columns(c) => {
                let mut grid = Grid::new(&["from", "what", "connections"]);
                for i in 0..c.len {
                    for layer in c.layers.iter().filter(|l| l.values[i] > 0) {
                        let from = c.from + (c.width * i as u64) as i64;
                        grid.row([clock(from).into(), layer.label.as_str().into(), layer.values[i].into()]);
                    }
                }
                out.push_str(&grid.print(Format::Human));
                for (at, text) in &c.marks {
                    out.push_str(&format!("{}: {text}\n", clock(*at)));
                }
            }
        }
        out
    }
}

/// Thousandths with one decimal at most: `9`, `4.5`.
fn tenths(thousandths: u64) -> String {
    let tenths = (thousandths + 50) / 100;
    if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// Nanoseconds as seconds, as short as it goes: `0.5 s`, `12 s`.
fn clock(ns: i64) -> String {
    let text = crate::base::time::seconds(ns);
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_sorted_and_named_as_their_figures() {
        let log = crate::report::testing::log(&[]);
        assert!(CHARTS.windows(2).all(|w| w[0].name < w[1].name));
        for row in CHARTS {
            assert_eq!((row.figure)(&log).name, row.name);
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!([tenths(9000), tenths(4500), tenths(3333)], ["9", "4.5", "3.3"]);
        assert_eq!([clock(500_000_000), clock(-2_000_000_000), clock(0)], ["0.5 s", "-2 s", "0 s"]);
    }
}
