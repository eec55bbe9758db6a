//! Lines in panels: distributions, courses over time, curves over load.

use super::{Axis, Estimate, number};
use crate::report::tables::{Cell, Grid};

/// Panels of lines over one x axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The x axis of every panel.
    pub x: Axis,
    /// What the panels differ in, a word for the table: `scheduler`, `measure`.
    pub by: &'static str,
    /// What the lines differ in.
    pub of: &'static str,
    /// The panels, row by row.
    pub panels: Vec<LinePanel>,
    /// How many stand side by side.
    pub across: usize,
    /// Whether all panels have the y axis of the largest.
    pub same_y: bool,
    /// What the faint lines are, for the legend.
    pub faint: &'static str,
    /// Moments with a name.
    pub marks: Vec<(f64, String)>,
}

/// One panel.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePanel {
    /// Its heading; none: it is the only one.
    pub title: String,
    /// Its y axis.
    pub y: Axis,
    /// Its lines.
    pub series: Vec<Series>,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Whether it stays at a value until the next point.
    pub step: bool,
    /// Its points, x growing.
    pub points: Vec<Point>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// With the colour, the dashes and the marker of this place.
    Style(usize),
    /// Thin and grey: one of many.
    Faint,
    /// Thin, dashed, dark: something to compare with.
    Reference,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Along.
    pub x: f64,
    /// Up, with its interval.
    pub y: Estimate,
}

impl Lines {
    pub(crate) fn grid(&self) -> Grid {
        let mut grid = Grid::new(&[self.by, self.of, "x", "y", "low", "high"]);
        for panel in &self.panels {
            for series in &panel.series {
                for p in &series.points {
                    let end = |of: &dyn Fn((f64, f64)) -> f64| p.y.ends.map(|e| number(of(e)));
                    grid.row([
                        Cell::from(panel.title.as_str()),
                        series.name.as_str().into(),
                        number(p.x).into(),
                        number(p.y.mean).into(),
                        Cell::from(end(&|e| e.0)),
                        Cell::from(end(&|e| e.1)),
                    ]);
                }
            }
        }
        grid
    }
}
