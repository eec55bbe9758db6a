//! Lorenz curves of work: how much of it the least busy servers do.

use super::{View, part};
use crate::report::charts::plot::lines::{LinePanel, Lines, Point, Series, Stroke};
use crate::report::charts::{Axis, Estimate, Figure, Plot, Scale, Unit};
use crate::study::sample::Sample;

/// Steps along.
const STEPS: usize = 40;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let series = |(variant, name): (usize, &str)| {
        let curves: Vec<Vec<(f64, f64)>> = view.base.samples[variant].iter().filter_map(curve).collect();
        let point = |n: usize| {
            let x = n as f64 / STEPS as f64;
            let values: Vec<f64> = curves.iter().map(|c| height(c, x)).collect();
            Some(Point { x, y: part(&values)? })
        };
        let points: Vec<Point> = (0..=STEPS).filter_map(point).collect();
        Series { name: name.into(), stroke: Stroke::Style(variant), step: false, points }
    };
    let mut all: Vec<Series> = view.variants().map(series).collect();
    if view.servers().len() < 2 || all.iter().all(|s| s.points.is_empty()) {
        return None;
    }
    let ends = [0.0, 1.0].map(|x| Point { x, y: Estimate::bare(x) });
    all.push(Series { name: "all alike".into(), stroke: Stroke::Reference, step: false, points: ends.to_vec() });
    let plot = Plot::Lines(Lines {
        x: Axis::new("of the servers by weight, the least busy first", Scale::Linear, Unit::Part),
        by: "panel",
        of: "scheduler",
        panels: vec![LinePanel {
            title: String::new(),
            y: Axis::new("of the work", Scale::Linear, Unit::Part).reaching(1.0),
            series: all,
        }],
        across: 1,
        same_y: true,
        faint: "",
        marks: Vec::new(),
    });
    let note = "Work is busy time of all workers of a server. Bands are 95 % intervals over the seeds.";
    Some(view.drawn("lorenz", "How evenly the work is spread: the lower the line, the less evenly", note, plot))
}

/// Parts of the weights and of the work, from the server with the least work by weight on.
fn curve(sample: &Sample) -> Option<Vec<(f64, f64)>> {
    let mut all: Vec<(f64, f64)> =
        sample.servers.iter().filter(|s| s.weight > 0).map(|s| (f64::from(s.weight), s.busy)).collect();
    all.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
    let (weights, work) = all.iter().fold((0.0, 0.0), |s, x| (s.0 + x.0, s.1 + x.1));
    let mut so_far = (0.0, 0.0);
    let mut points = vec![so_far];
    for (weight, busy) in all {
        so_far = (so_far.0 + weight / weights, so_far.1 + busy / work);
        points.push(so_far);
    }
    (work > 0.0).then_some(points)
}

fn height(curve: &[(f64, f64)], x: f64) -> f64 {
    let Some(after) = curve.iter().position(|p| p.0 >= x).filter(|&n| n > 0) else {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    };
    let ((x0, y0), (x1, y1)) = (curve[after - 1], curve[after]);
    y0 + (y1 - y0) * (x - x0) / (x1 - x0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_followed_between_its_points() {
        let curve = [(0.0, 0.0), (0.5, 0.2), (1.0, 1.0)];
        for (x, y) in [(0.0, 0.0), (0.25, 0.1), (0.5, 0.2), (0.75, 0.6), (1.0, 1.0)] {
            assert!((height(&curve, x) - y).abs() < 1e-12, "{x}");
        }
    }
}
