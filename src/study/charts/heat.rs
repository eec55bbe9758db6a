//! How busy each server is over time.

use super::View;
use super::course::Course;
use crate::report::charts::plot::{Heat, HeatPanel};
use crate::report::charts::{Figure, Plot, Unit};

/// Cells in a row at most.
const CELLS: usize = 64;

/// The chart.
pub fn figure(view: &View<'_>) -> Option<Figure> {
    let servers = view.servers();
    let course = Course::of(view, CELLS).filter(|_| !servers.is_empty())?;
    let workers = view.variants().flat_map(|(n, _)| view.details(n)).next()?.workers.clone();
    // Where workers have no limit, requests that are worked on are counted.
    let limited = workers.iter().all(|w| w.is_some_and(|n| n > 0));
    let panel = |(variant, name): (usize, &str)| {
        let row = |(n, server): (usize, &String)| {
            let by = workers[n].filter(|_| limited).unwrap_or(1) as f64;
            let values = course.mean(view, variant, &|d| d.busy.get(n).map(Vec::as_slice), by);
            (server.clone(), values.into_iter().map(|v| v.map(|v| v.mean)).collect::<Vec<_>>())
        };
        HeatPanel { title: name.into(), rows: servers.iter().enumerate().map(row).collect() }
    };
    let panels: Vec<HeatPanel> = view.variants().map(panel).collect();
    let cells = || panels.iter().flat_map(|p| &p.rows).flat_map(|r| r.1.iter().flatten().copied());
    let most = if limited { 1.0 } else { cells().fold(0.0, f64::max) };
    // Nobody worked at all, as in labs without service times.
    if cells().fold(0.0, f64::max) <= 0.0 {
        return None;
    }
    let plot = Plot::Heat(Heat {
        from: course.first as f64 * course.width as f64,
        width: course.width as f64,
        most,
        unit: if limited { Unit::Part } else { Unit::Number },
        label: if limited { "of the workers are busy" } else { "requests are worked on" }.into(),
        by: "scheduler",
        panels,
        marks: view.left(),
    });
    let note = "Means over the seeds. Where a name has no room, its place in the file stands for it.";
    Some(view.drawn("heat", "How busy each server is over time", note, plot))
}
