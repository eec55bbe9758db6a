//! Active connections of each server over time, a panel for each scheduler.

use super::View;
use super::course::Course;
use crate::report::charts::plot::lines::{LinePanel, Lines, Point, Series, Stroke};
use crate::report::charts::{Axis, Estimate, Figure, Plot, Scale, Unit};

/// Servers with a line of their own; more are grey, with their mean.
const LINES: usize = 7;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let servers = view.servers();
    let course = Course::of(view, 128).filter(|_| !servers.is_empty())?;
    let many = servers.len() > LINES;
    let panel = |(variant, name): (usize, &str)| {
        let line = |n: usize| course.mean(view, variant, &|d| d.active.get(n).map(Vec::as_slice), 1.0);
        let points = |values: Vec<Option<Estimate>>| -> Vec<Point> {
            let at = |n: usize| course.middle(course.first + n);
            values.into_iter().enumerate().filter_map(|(n, y)| Some(Point { x: at(n), y: y? })).collect()
        };
        let mut series: Vec<Series> = Vec::new();
        for (n, server) in servers.iter().enumerate() {
            let stroke = if many { Stroke::Faint } else { Stroke::Style(n) };
            let mut points = points(line(n));
            if many {
                points.iter_mut().for_each(|p| p.y.ends = None);
            }
            series.push(Series { name: server.clone(), stroke, step: false, points });
        }
        if many {
            let mut mean = series[0].points.clone();
            for (n, p) in mean.iter_mut().enumerate() {
                let all = series.iter().filter_map(|s| s.points.get(n)).map(|p| p.y.mean);
                p.y = Estimate::bare(all.sum::<f64>() / servers.len() as f64);
            }
            series.push(Series {
                name: "mean of the servers".into(),
                stroke: Stroke::Style(0),
                step: false,
                points: mean,
            });
        }
        let y = Axis::new("active connections", Scale::Linear, Unit::Number);
        LinePanel { title: name.into(), y, series }
    };
    let mut panels: Vec<LinePanel> = view.variants().map(panel).collect();
    if uneven(&panels) {
        panels.iter_mut().for_each(|p| p.y.scale = Scale::Wide);
    }
    let plot = Plot::Lines(Lines {
        x: Axis::new("time from t = 0", Scale::Linear, Unit::Time),
        by: "scheduler",
        of: "server",
        across: match panels.len() {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        },
        panels,
        same_y: true,
        faint: "a server",
        marks: view.left(),
    });
    let note = "Connections that were answered, from their start to their end, weighted by time; bands are 95 % intervals over the seeds.";
    let subtitle = match many {
        true => format!("Active connections over time: a grey line for each of {} servers", servers.len()),
        false => "Active connections of each server over time".into(),
    };
    Some(view.drawn("active", &subtitle, note, plot))
}

/// Whether the largest panel would leave nothing to see in most of the others.
fn uneven(panels: &[LinePanel]) -> bool {
    let most = |p: &LinePanel| p.series.iter().flat_map(|s| &s.points).map(|p| p.y.mean).fold(0.0, f64::max);
    let mut all: Vec<f64> = panels.iter().map(most).collect();
    all.sort_by(f64::total_cmp);
    let largest = all.last().copied().unwrap_or(0.0);
    largest > 15.0 * all.get(all.len() / 2).copied().unwrap_or(0.0).max(1.0)
}
