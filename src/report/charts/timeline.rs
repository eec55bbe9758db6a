//! What became of connections, by the moment in which they began: a layer for each server, and one for each way to fail.

use super::{Columns, Figure, Ink, Layer, Plot, clock};
use crate::report::log::{ConnectionRow, Outcome, RunLog};
use std::collections::BTreeMap;

/// The most columns.
const COLUMNS: u64 = 60;
/// Servers with a layer of their own; the rest share one.
const SERVERS: usize = 6;

/// The chart.
pub fn figure(log: &RunLog<'_>) -> Figure {
    let columns = columns(log);
    Figure {
        name: "timeline",
        scenario: log.name.clone(),
        title: log.title.clone(),
        subtitle: format!("Connections by the time at which they began, every {}", clock(columns.width as i64)),
        caption: Vec::new(),
        plot: Plot::Columns(columns),
    }
}

fn columns(log: &RunLog<'_>) -> Columns {
    let start = |c: &ConnectionRow| c.start.since_zero(log.zero);
    let marks: Vec<(i64, String)> = log.marks.iter().map(|m| (m.at.since_zero(log.zero), m.text.clone())).collect();
    let moments = log.connections.iter().map(start).chain(marks.iter().map(|m| m.0));
    let first = moments.clone().min().unwrap_or(0);
    let last = moments.max().unwrap_or(0);
    let span = last.abs_diff(first);
    // A single moment has no scale of its own.
    let width = if span == 0 { 1_000_000_000 } else { nice(span / COLUMNS + 1) };
    let from = first.div_euclid(width as i64) * width as i64;
    let place = |at: i64| (at.abs_diff(from) / width) as usize;
    let len = place(last) + 1;

    let inks = inks(log);
    let mut layers: Vec<Layer> =
        inks.iter().map(|(label, ink)| Layer { label: label.clone(), ink: *ink, values: vec![0; len] }).collect();
    for c in &log.connections {
        let label = match (&c.server, c.outcome) {
            (Some(server), Outcome::Ok) => &**server,
            (_, outcome) => outcome.word(),
        };
        let found =
            layers.iter().position(|l| l.label == label && matches!(l.ink, Ink::Odd(_)) == (c.outcome != Outcome::Ok));
        let layer = found.or_else(|| layers.iter().position(|l| l.ink == Ink::Others));
        if let Some(layer) = layer {
            layers[layer].values[place(start(c))] += 1;
        }
    }
    Columns { from, width, len, layers, marks }
}

/// Servers in the order of the nodes (the busiest ones, if they are many), then failures.
fn inks(log: &RunLog<'_>) -> Vec<(String, Ink)> {
    let mut served: BTreeMap<&str, u64> = BTreeMap::new();
    let mut odd: BTreeMap<Outcome, u64> = BTreeMap::new();
    for c in &log.connections {
        match (&c.server, c.outcome) {
            (Some(server), Outcome::Ok) => *served.entry(server).or_insert(0) += 1,
            (_, outcome) => *odd.entry(outcome).or_insert(0) += 1,
        }
    }
    let place = |name: &str| log.nodes.iter().position(|n| n.name == name).unwrap_or(usize::MAX);
    let mut names: Vec<(&str, u64)> = served.into_iter().collect();
    let many = names.len() > SERVERS;
    if many {
        names.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), place(name), *name));
        names.truncate(SERVERS - 1);
    }
    names.sort_by_key(|(name, _)| (place(name), *name));
    let mut out: Vec<(String, Ink)> =
        names.iter().enumerate().map(|(i, (name, _))| (name.to_string(), Ink::Server(i))).collect();
    if many {
        out.push(("other servers".into(), Ink::Others));
    }
    out.extend(odd.keys().map(|o| (o.word().to_string(), Ink::Odd(*o))));
    out
}

/// The next of 1, 2, 5, 10 … microseconds that is not less, in nanoseconds.
fn nice(ns: u64) -> u64 {
    let mut unit: u64 = 1_000;
    loop {
        for step in [1, 2, 5] {
            if unit.saturating_mul(step) >= ns {
                return unit.saturating_mul(step);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn a_connection_stands_in_the_column_of_its_start_and_the_layer_of_its_end() {
        let records = testing::records();
        let expected = "\
A tunnel that works once: Connections by the time at which they began, every 0.02 s
from   what     connections
0.5 s  rs1                1
1.5 s  timeout            1
1 s: rs1: sysctl -w net.ipv4.conf.tunl0.rp_filter=1
";
        assert_eq!(figure(&testing::log(&records)).text(), expected);
    }

    #[test]
    fn of_twenty_servers_the_busiest_have_a_layer() {
        let mut log = testing::log(&[]);
        let one = log.connections[0].clone();
        log.connections = (0..40u32)
            .map(|i| ConnectionRow { server: Some(format!("rs{}", i.min(20)).into()), index: i, ..one.clone() })
            .collect();
        let Plot::Columns(c) = figure(&log).plot else { panic!("columns") };
        assert_eq!(c.layers.len(), SERVERS);
        assert!(c.layers.iter().any(|l| l.label == "rs20"));
        assert_eq!(c.layers.iter().flat_map(|l| &l.values).sum::<u64>(), 40);
    }

    #[test]
    fn no_connection_is_lost_between_columns_and_there_are_not_too_many() {
        let mut log = testing::log(&[]);
        let one = log.connections[0].clone();
        for every in [1u64, 777, 1_000_000, 333_333_333_333] {
            log.marks.clear();
            log.connections = (0..1000)
                .map(|i| ConnectionRow { start: log.zero + crate::base::Span(every * i), ..one.clone() })
                .collect();
            let Plot::Columns(c) = figure(&log).plot else { panic!("columns") };
            assert_eq!(c.layers[0].values.iter().sum::<u64>(), 1000);
            assert!(c.len <= COLUMNS as usize + 1, "{}", c.len);
        }
    }

    #[test]
    fn a_run_without_connections_has_one_empty_column() {
        let mut log = testing::log(&[]);
        log.connections.clear();
        log.marks.clear();
        let Plot::Columns(c) = figure(&log).plot else { panic!("columns") };
        assert_eq!((c.len, c.layers.len()), (1, 0));
    }
}
