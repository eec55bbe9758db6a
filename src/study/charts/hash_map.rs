//! The tables of schedulers that have one, before and after a server left.

use super::View;
use crate::report::charts::plot::Slots;
use crate::report::charts::{Figure, Plot};

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let leave = view.leave?;
    let mut panels = Vec::new();
    for (variant, name) in view.variants() {
        // Tables do not depend on the seed.
        let Some(detail) = view.details(variant).next() else { continue };
        for table in &detail.slots {
            let title = if detail.slots.len() > 1 { format!("{name}, {}", table.service) } else { name.to_string() };
            panels.push(table.panel(&title));
        }
    }
    if panels.is_empty() {
        return None;
    }
    let plot = Plot::Slots(Slots { servers: view.servers(), by: "scheduler", panels });
    let note = "Slots row by row. A slot had to move if its server left; the others would better have stayed.";
    let subtitle =
        format!("Which server each slot of the table leads to, before and after {} left at {}", leave.name, leave.at);
    Some(view.drawn("hash-map", &subtitle, note, plot))
}
