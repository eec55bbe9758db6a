//! Jain's index within windows: how many connections it takes until shares are even.

use super::{View, part};
use crate::report::charts::plot::lines::{LinePanel, Lines, Point, Series, Stroke};
use crate::report::charts::{Axis, Figure, Plot, Scale, Unit};

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let series = |(variant, name): (usize, &str)| {
        let shortest = view.details(variant).map(|d| d.windows.len()).min().unwrap_or(0);
        let point = |n: usize| {
            let size = view.details(variant).next()?.windows[n].0;
            let values: Vec<f64> = view.details(variant).map(|d| d.windows[n].1).collect();
            Some(Point { x: size as f64, y: part(&values)? })
        };
        let points: Vec<Point> = (0..shortest).filter_map(point).collect();
        Series { name: name.into(), stroke: Stroke::Style(variant), step: false, points }
    };
    let series: Vec<Series> = view.variants().map(series).collect();
    if series.iter().all(|s| s.points.is_empty()) {
        return None;
    }
    let y = Axis::new("Jain's index of connections by weight", Scale::Linear, Unit::Number).reaching(1.0);
    let plot = Plot::Lines(Lines {
        x: Axis::new("connections in a window", Scale::Log, Unit::Number),
        by: "panel",
        of: "scheduler",
        panels: vec![LinePanel { title: String::new(), y, series }],
        across: 1,
        same_y: true,
        faint: "",
        marks: Vec::new(),
    });
    let note = "1 is even, 1/n one server for all; the mean over windows that follow each other. Bands are 95 % intervals over the seeds.";
    Some(view.drawn("fairness", "How even shares are among so many connections in a row", note, plot))
}
