//! Clients whose server changed when one left: those who had to, and those who did not.

use super::{View, part};
use crate::report::charts::plot::{Column, ColumnGroup, Grouped, GroupedPanel};
use crate::report::charts::{Axis, Figure, Plot, Scale, Unit};
use crate::study::leave::Moves;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let leave = view.leave?;
    let first = view.base.samples.iter().flatten().next()?;
    let weight = |w: i32| f64::from(w.max(0));
    let all: f64 = first.servers.iter().map(|s| weight(s.weight)).sum();
    let own = first.servers.iter().find(|s| s.name == leave.name).map(|s| weight(s.weight));
    let target = own.filter(|_| all > 0.0).map(|own| own / all);
    let group = |(variant, name): (usize, &str)| {
        let of = |n: &dyn Fn(Moves) -> u64| -> Vec<f64> {
            view.details(variant).filter_map(|d| d.moves).map(|m| n(m) as f64 / m.clients as f64).collect()
        };
        let columns = vec![
            Column { value: part(&of(&|m| m.forced))?, target },
            Column { value: part(&of(&|m| m.free))?, target: None },
        ];
        Some(ColumnGroup { label: name.into(), columns })
    };
    let groups: Vec<ColumnGroup> = view.variants().filter_map(group).collect();
    if groups.is_empty() {
        return None;
    }
    let plot = Plot::Grouped(Grouped {
        y: Axis::new("of the clients that came before and again", Scale::Linear, Unit::Part),
        words: ["panel", "scheduler", "what"],
        target: "the leaver's share of the weights",
        legend: vec!["had to move: their server left".into(), "moved though their server stayed".into()],
        panels: vec![GroupedPanel { title: String::new(), groups }],
    });
    let note = "A client is an address; its last answered connection from before and its first one from after count. The least \
                possible is the first bar with no second one. Schedulers without memory of clients move them at any time.";
    let subtitle = format!("Clients whose server changed when {} left at {}", leave.name, leave.at);
    Some(view.drawn("disruption", &subtitle, note, plot))
}
