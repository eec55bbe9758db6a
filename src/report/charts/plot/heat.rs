//! Heat maps: rows over time in shades, in panels with the same shades.

use super::{Unit, number};
use crate::report::tables::{Cell, Grid};

/// Panels of rows over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Where the first cell begins, in nanoseconds from t = 0.
    pub from: f64,
    /// How long a cell is, in nanoseconds.
    pub width: f64,
    /// The value of the darkest shade.
    pub most: f64,
    /// What values are counted in.
    pub unit: Unit,
    /// What a value is, for the legend.
    pub label: String,
    /// What the panels differ in, a word for the table.
    pub by: &'static str,
    /// The panels.
    pub panels: Vec<HeatPanel>,
    /// Moments with a name, in nanoseconds from t = 0.
    pub marks: Vec<(f64, String)>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatPanel {
    /// Its heading.
    pub title: String,
    /// Its rows: a name and a value for each cell, if there is one.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Heat {
    /// How many cells a row has.
    pub fn len(&self) -> usize {
        self.panels.iter().flat_map(|p| &p.rows).map(|r| r.1.len()).max().unwrap_or(0)
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn grid(&self) -> Grid {
        let mut grid = Grid::new(&[self.by, "server", "from_ns", "value"]);
        for panel in &self.panels {
            for (name, cells) in &panel.rows {
                for (n, cell) in cells.iter().enumerate() {
                    let from = self.from + self.width * n as f64;
                    grid.row([
                        Cell::from(panel.title.as_str()),
                        name.as_str().into(),
                        number(from).into(),
                        Cell::from(cell.map(number)),
                    ]);
                }
            }
        }
        grid
    }
}
