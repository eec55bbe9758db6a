//! Who served how many connections, entry by entry, against the share that the weights ask for.

use super::{Bar, Figure, Group, Ink, Plot};
use crate::report::facts::{Traffic, traffic};
use crate::report::log::{Outcome, RunLog, ServiceInfo};

/// The chart.
pub fn figure(log: &RunLog<'_>) -> Figure {
    let groups: Vec<Group> = traffic(log).iter().map(|entry| group(log, entry)).collect();
    let weighed = groups.iter().flat_map(|g| &g.bars).any(|b| b.target.is_some());
    let line = if weighed { "; the line is the share by weight" } else { "" };
    Figure {
        name: "served",
        scenario: log.name.clone(),
        title: log.title.clone(),
        subtitle: format!("Connections by the server that answered{line}"),
        caption: Vec::new(),
        plot: Plot::Bars(groups),
    }
}

fn group(log: &RunLog<'_>, entry: &Traffic<'_>) -> Group {
    let total: u64 = entry.served.iter().map(|s| s.1).sum();
    let weights = service(log, entry).map(weights).unwrap_or_default();
    let sum: u64 = weights.iter().map(|w| w.1).sum();
    let mut names: Vec<&str> = weights.iter().map(|w| w.0).collect();
    names.extend(entry.served.iter().map(|s| s.0).filter(|n| !weights.iter().any(|w| w.0 == *n)));
    let mut bars: Vec<Bar> = names
        .into_iter()
        .map(|name| {
            let value = entry.served.iter().find(|s| s.0 == name).map_or(0, |s| s.1);
            let weight = weights.iter().find(|w| w.0 == name).map(|w| w.1);
            // Shares in thousandths: counts and weights fit into 64 bits with room to spare.
            let target = weight.filter(|_| sum > 0).map(|w| total * w * 1000 / sum);
            Bar { label: name.to_string(), value, target, ink: Ink::Server(0) }
        })
        .collect();
    for (outcome, n) in entry.outcomes.iter().filter(|(o, _)| **o != Outcome::Ok) {
        bars.push(Bar { label: outcome.word().into(), value: *n, target: None, ink: Ink::Odd(*outcome) });
    }
    Group { label: format!("{} ({})", entry.name, entry.connections.len()), bars }
}

/// The virtual service that an entry's connections go to, if there is one only.
fn service<'a>(log: &'a RunLog<'_>, entry: &Traffic<'_>) -> Option<&'a ServiceInfo> {
    let to = entry.connections.first()?.to;
    let meant = |s: &&ServiceInfo| s.vip == Some(to.0) && (s.port == to.1 || s.port == 0);
    let marked = |s: &&ServiceInfo| s.vip.is_none();
    let mut all = log.services.iter().filter(meant);
    match (all.next(), all.next()) {
        (Some(one), None) => Some(one),
        (None, _) => {
            let mut all = log.services.iter().filter(marked);
            all.next().filter(|_| all.next().is_none())
        }
        _ => None,
    }
}

/// Weights by node; a node that is several servers has the sum.
fn weights(service: &ServiceInfo) -> Vec<(&str, u64)> {
    let mut out: Vec<(&str, u64)> = Vec::new();
    for dest in &service.dests {
        match out.iter_mut().find(|w| w.0 == dest.node) {
            Some(w) => w.1 += u64::from(dest.weight),
            None => out.push((&dest.node, u64::from(dest.weight))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::log::DestInfo;
    use crate::report::testing;

    #[test]
    fn targets_are_shares_of_what_was_served_by_weight() {
        let records = testing::records();
        let mut log = testing::log(&records);
        let dest = log.services[0].dests[0].clone();
        log.services[0].dests = vec![DestInfo { weight: 3, ..dest.clone() }, DestInfo { node: "rs2".into(), ..dest }];
        log.connections.push(log.connections[0].clone());
        let expected = "\
A tunnel that works once: Connections by the server that answered; the line is the share by weight
web (3)
  rs1      2  by weight 1.5
  rs2      0  by weight 0.5
  timeout  1
";
        assert_eq!(figure(&log).text(), expected);
    }

    #[test]
    fn without_weights_there_is_no_target() {
        let mut log = testing::log(&[]);
        log.services.clear();
        let Plot::Bars(groups) = figure(&log).plot else { panic!("bars") };
        assert!(groups[0].bars.iter().all(|b| b.target.is_none()));
    }

    #[test]
    fn without_traffic_there_is_no_group() {
        let mut log = testing::log(&[]);
        log.connections.clear();
        assert_eq!(figure(&log).plot, Plot::Bars(vec![]));
    }
}
