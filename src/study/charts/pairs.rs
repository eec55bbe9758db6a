//! Differences between schedulers, pair by pair, with their intervals.

use super::View;
use crate::report::charts::plot::{self, Forest, ForestPanel, ForestRow};
use crate::report::charts::{Estimate, Figure, Plot};
use crate::study::measures::{MEASURES, Unit};
use crate::study::verdict::COMPARED;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let names = &view.base.variants;
    if names.len() < 2 {
        return None;
    }
    let panels = MEASURES.iter().filter(|m| COMPARED.contains(&m.name)).map(|measure| {
        let row = |p: &crate::study::verdict::Pair| {
            let mean = p.difference.mean;
            ForestRow {
                label: format!("{} − {}", names[p.second].name(), names[p.first].name()),
                value: Estimate { mean, ends: p.difference.half.map(|h| (mean - h, mean + h)) },
                real: p.difference.excludes_zero(),
            }
        };
        ForestPanel {
            title: measure.about().to_string(),
            unit: match measure.unit {
                Unit::Time => plot::Unit::Time,
                Unit::Number => plot::Unit::Number,
                Unit::Part => plot::Unit::Part,
            },
            rows: view.base.pairs(measure).iter().map(row).collect(),
        }
    });
    let plot = Plot::Forest(Forest { panels: panels.collect() });
    let note = "Differences by seed. Intervals are wider than 95 %, so that all pairs of a measure hold together at 95 % (Bonferroni).";
    Some(view.drawn("pairs", "Differences between schedulers: left of zero, the first one named is faster", note, plot))
}
