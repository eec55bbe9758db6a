//! The tail of completion times: the part that takes longer, both axes by factors.

use super::{View, latency_cdf, part};
use crate::report::charts::{Axis, Figure, Scale, Unit};

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let note = "Connections that were answered. Bands are 95 % intervals over the seeds; where a line ends, no run has a longer time.";
    let y = Axis::new("of the connections take longer than the time", Scale::Log, Unit::Part).reaching(1.0);
    let longer =
        |parts: Vec<f64>| part(&parts.iter().map(|p| 1.0 - p).collect::<Vec<f64>>()).filter(|e| e.mean > 1e-12);
    let plot = latency_cdf::lines(view, y, &longer)?;
    Some(view.drawn("latency-ccdf", "The tail: completion times by how many connections take longer", note, plot))
}
