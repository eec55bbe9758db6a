//! Charts of a run: each is data first ([`Figure`]), which tests can read, and a picture second (`draw`).
//!
//! One chart, one file, one row in [`CHARTS`]. The kinds of pictures ([`plot`]) serve the charts of a comparison as well.

#[cfg(feature = "cli")]
pub mod draw;
pub mod plot;
pub mod served;
pub mod timeline;

use super::log::RunLog;
use super::tables::{Cell, Format, Grid};
use crate::lang::Text;

pub use plot::{Axis, Bar, Columns, Estimate, Group, Ink, Layer, Plot, Scale, Unit};

/// A chart that can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct ChartRow {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// Makes it.
    pub figure: fn(&RunLog<'_>) -> Figure,
}

impl ChartRow {
    /// What it shows, in a few words.
    pub fn about(&self) -> Text {
        Text::row("chart", self.name, None)
    }
}

/// Every chart, by name.
pub const CHARTS: &[ChartRow] =
    &[ChartRow { name: "served", figure: served::figure }, ChartRow { name: "timeline", figure: timeline::figure }];

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
    /// What stands below: how many, of what, how sure.
    pub caption: Vec<String>,
    /// The data.
    pub plot: Plot,
}

impl Figure {
    /// The same in text: a table, for tests, for readers who see no pictures.
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
            _ => out.push_str(&self.grid().print(Format::Human)),
        }
        for line in &self.caption {
            out.push_str(&format!("{line}\n"));
        }
        out
    }

    /// The data as one table, for programs: every value that is drawn.
    pub fn grid(&self) -> Grid {
        match &self.plot {
            Plot::Bars(groups) => {
                let mut grid = Grid::new(&["group", "bar", "value", "target"]);
                for (group, bar) in groups.iter().flat_map(|g| g.bars.iter().map(move |b| (g, b))) {
                    let target = bar.target.map(|t| plot::number(t as f64 / 1000.0));
                    grid.row([
                        group.label.as_str().into(),
                        bar.label.as_str().into(),
                        bar.value.into(),
                        Cell::from(target),
                    ]);
                }
                grid
            }
            Plot::Columns(c) => {
                let mut grid = Grid::new(&["from_ns", "what", "connections"]);
                for i in 0..c.len {
                    for layer in &c.layers {
                        let from = c.from + (c.width * i as u64) as i64;
                        grid.row([Cell::Number(from), layer.label.as_str().into(), layer.values[i].into()]);
                    }
                }
                grid
            }
            Plot::Lines(lines) => lines.grid(),
            Plot::Grouped(grouped) => grouped.grid(),
            Plot::Heat(heat) => heat.grid(),
            Plot::Slots(slots) => slots.grid(),
            Plot::Forest(forest) => forest.grid(),
        }
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
