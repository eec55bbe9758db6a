//! The distribution of completion times.

use super::{View, part};
use crate::report::charts::plot::lines::{LinePanel, Lines, Point, Series, Stroke};
use crate::report::charts::{Axis, Estimate, Figure, Plot, Scale, Unit};

/// Points of a line.
const POINTS: usize = 140;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let note = "Connections that were answered. Bands are 95 % intervals over the seeds.";
    let y = Axis::new("of the connections are done within the time", Scale::Linear, Unit::Part).reaching(1.0);
    let plot = lines(view, y, &|p| part(&p))?;
    Some(view.drawn(
        "latency-cdf",
        "Completion time, from the start of a connection to the end of its last response",
        note,
        plot,
    ))
}

/// A line for each variant over the logarithm of time: what `of` makes of the seeds' parts up to a time.
pub(super) fn lines(view: &View<'_>, y: Axis, of: &dyn Fn(Vec<f64>) -> Option<Estimate>) -> Option<Plot> {
    let ends = view.variants().flat_map(|(n, _)| view.details(n)).filter_map(|d| d.times.ends());
    let (low, high) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let (low, high) = (low.max(1) as f64, high.max(2) as f64);
    let at = |n: usize| (low.ln() + (high / low).ln() * n as f64 / (POINTS - 1) as f64).exp();
    let series = |(variant, name): (usize, &str)| Series {
        name: name.into(),
        stroke: Stroke::Style(variant),
        step: false,
        points: (0..POINTS)
            .filter_map(|n| {
                // The last point is behind the last value, whatever rounding does.
                let x = if n + 1 == POINTS { high + 1.0 } else { at(n) };
                let parts = view.details(variant).filter(|d| d.times.total() > 0).map(|d| d.times.part_up_to(x as u64));
                Some(Point { x, y: of(parts.collect())? })
            })
            .collect(),
    };
    Some(Plot::Lines(Lines {
        x: Axis::new("completion time", Scale::Log, Unit::Time),
        by: "panel",
        of: "scheduler",
        panels: vec![LinePanel { title: String::new(), y, series: view.variants().map(series).collect() }],
        across: 1,
        same_y: true,
        faint: "",
        marks: Vec::new(),
    }))
}
