//! Forest plots: differences with their intervals around zero, a panel for each measure with its own x axis.

use super::{Estimate, Unit, number};
use crate::report::tables::{Cell, Grid};

/// Panels of differences.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// The panels.
    pub panels: Vec<ForestPanel>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestPanel {
    /// Its heading: the measure.
    pub title: String,
    /// What differences are counted in.
    pub unit: Unit,
    /// Its rows.
    pub rows: Vec<ForestRow>,
}

/// A difference.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestRow {
    /// Of what.
    pub label: String,
    /// With its interval.
    pub value: Estimate,
    /// Whether zero lies outside.
    pub real: bool,
}

impl Forest {
    pub(crate) fn grid(&self) -> Grid {
        let mut grid = Grid::new(&["measure", "pair", "difference", "low", "high", "real"]);
        for panel in &self.panels {
            for row in &panel.rows {
                let ends = row.value.ends;
                grid.row([
                    Cell::from(panel.title.as_str()),
                    row.label.as_str().into(),
                    number(row.value.mean).into(),
                    Cell::from(ends.map(|e| number(e.0))),
                    Cell::from(ends.map(|e| number(e.1))),
                    if row.real { "yes" } else { "no" }.into(),
                ]);
            }
        }
        grid
    }
}
