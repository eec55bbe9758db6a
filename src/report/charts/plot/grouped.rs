//! Upright bars in groups, with error bars and lines for what is wanted; panels have the same y axis.

use super::{Axis, Estimate, number};
use crate::report::tables::{Cell, Grid};

/// Panels of grouped bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouped {
    /// The y axis of every panel.
    pub y: Axis,
    /// What the panels, the groups and the bars differ in, words for the table.
    pub words: [&'static str; 3],
    /// What the line across a bar is, for the legend; empty: there is none.
    pub target: &'static str,
    /// What the bars of a group are, in order; one or none: no legend.
    pub legend: Vec<String>,
    /// The panels.
    pub panels: Vec<GroupedPanel>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupedPanel {
    /// Its heading; none: it is the only one.
    pub title: String,
    /// Its groups.
    pub groups: Vec<ColumnGroup>,
}

/// Bars that stand together.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnGroup {
    /// Its name, below.
    pub label: String,
    /// Its bars, as the legend has them.
    pub columns: Vec<Column>,
}

/// A bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Its height with its interval.
    pub value: Estimate,
    /// The height that is wanted.
    pub target: Option<f64>,
}

impl Grouped {
    pub(crate) fn grid(&self) -> Grid {
        let mut grid = Grid::new(&[self.words[0], self.words[1], self.words[2], "value", "low", "high", "target"]);
        for panel in &self.panels {
            for group in &panel.groups {
                for (n, column) in group.columns.iter().enumerate() {
                    let ends = column.value.ends;
                    grid.row([
                        Cell::from(panel.title.as_str()),
                        group.label.as_str().into(),
                        self.legend.get(n).map_or("", String::as_str).into(),
                        number(column.value.mean).into(),
                        Cell::from(ends.map(|e| number(e.0))),
                        Cell::from(ends.map(|e| number(e.1))),
                        Cell::from(column.target.map(number)),
                    ]);
                }
            }
        }
        grid
    }
}
