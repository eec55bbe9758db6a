//! The 99th percentile, what is done, and how much of it succeeds, against the load.

use super::{View, estimate, part};
use crate::report::charts::plot::lines::{LinePanel, Lines, Point, Series, Stroke};
use crate::report::charts::{Axis, Estimate, Figure, Plot, Scale, Unit};
use crate::study::load::Study;
use crate::study::sample::Sample;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    if view.study.loads.len() < 2 {
        return None;
    }
    let at: Vec<f64> = view.study.by_load.iter().filter_map(Study::offered).collect();
    if at.len() != view.study.loads.len() {
        return None;
    }
    let series = |of: &dyn Fn(&Sample) -> Option<f64>, sum: fn(&[f64]) -> Option<Estimate>| -> Vec<Series> {
        let line = |(variant, name): (usize, &str)| {
            let point = |(n, &x): (usize, &f64)| {
                let samples = &view.study.by_load[n].samples[variant];
                Some(Point { x, y: sum(&samples.iter().filter_map(of).collect::<Vec<f64>>())? })
            };
            let points: Vec<Point> = at.iter().enumerate().filter_map(point).collect();
            Series { name: name.into(), stroke: Stroke::Style(variant), step: false, points }
        };
        view.variants().map(line).collect()
    };
    let p99 = series(&|s| (s.ok > 0).then_some(s.completion.p99), estimate);
    let mut done = series(&|s| Some(s.detail.as_ref()?.load?.done), estimate);
    let most = at.iter().copied().fold(0.0, f64::max);
    let ends = [0.0, most].map(|x| Point { x, y: Estimate::bare(x) });
    done.push(Series {
        name: "all that is offered".into(),
        stroke: Stroke::Reference,
        step: false,
        points: ends.to_vec(),
    });
    let ok = series(&|s| Some(1.0 - s.failed()), part);
    let panel = |title: &str, label: &str, scale, unit, series| {
        let mut y = Axis::new(label, scale, unit);
        if unit == Unit::Part {
            y = y.reaching(1.0);
        }
        LinePanel { title: title.into(), y, series }
    };
    let mut x = Axis::new(
        "connections offered per second; below, the part of the workers that is busy",
        Scale::Linear,
        Unit::Number,
    );
    let busy = view.study.by_load.iter().map(Study::utilisation);
    x.notes = at.iter().zip(busy).filter_map(|(&x, u)| Some((x, format!("{:.0} %", 100.0 * u?)))).collect();
    if x.notes.is_empty() {
        x.label = "connections offered per second".into();
    }
    let plot = Plot::Lines(Lines {
        x,
        by: "measure",
        of: "scheduler",
        panels: vec![
            panel(
                "p99",
                "99th percentile of completion, of the connections that were answered",
                Scale::Log,
                Unit::Time,
                p99,
            ),
            panel("goodput", "connections done per second, while connections come", Scale::Linear, Unit::Number, done),
            panel("success", "of the connections are answered", Scale::Linear, Unit::Part, ok),
        ],
        across: 1,
        same_y: false,
        faint: "",
        marks: Vec::new(),
    });
    let loads: Vec<String> = view.study.loads.iter().map(ToString::to_string).collect();
    let note = format!(
        "The rates of the file times {}. Every load has the same number of connections: beyond what the servers can do, waiting \
         grows with it. Bands are 95 % intervals over the seeds.",
        loads.join(", ")
    );
    Some(view.drawn("load", "Completion times, goodput and success against the load", &note, plot))
}
