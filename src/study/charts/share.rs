//! Each server's share of the connections beside its share of the weights.

use super::{View, part};
use crate::report::charts::plot::{Column, ColumnGroup, Grouped, GroupedPanel};
use crate::report::charts::{Axis, Figure, Plot, Scale, Unit};
use crate::study::sample::Sample;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let servers = view.servers();
    if servers.is_empty() {
        return None;
    }
    let panel = |(variant, name): (usize, &str)| {
        let samples = &view.base.samples[variant];
        let weight = |s: &Sample, n: usize| f64::from(s.servers[n].weight.max(0));
        let group = |(n, server): (usize, &String)| {
            let share = |s: &Sample| {
                let all: u64 = s.servers.iter().map(|x| x.connections).sum();
                (all > 0).then(|| s.servers[n].connections as f64 / all as f64)
            };
            let values: Vec<f64> = samples.iter().filter_map(share).collect();
            let first = samples.first()?;
            let weights: f64 = (0..servers.len()).map(|i| weight(first, i)).sum();
            let target = (weights > 0.0).then(|| weight(first, n) / weights);
            Some(ColumnGroup { label: server.clone(), columns: vec![Column { value: part(&values)?, target }] })
        };
        GroupedPanel { title: name.into(), groups: servers.iter().enumerate().filter_map(group).collect() }
    };
    let plot = Plot::Grouped(Grouped {
        y: Axis::new("of the connections", Scale::Linear, Unit::Part),
        words: ["scheduler", "server", "what"],
        target: "share of the weights",
        legend: Vec::new(),
        panels: view.variants().map(panel).collect(),
    });
    let note = "Bars are means over the seeds. Where a name has no room, its place in the file stands for it.";
    Some(view.drawn("share", "Each server's share of the connections that were answered", note, plot))
}
