//! Shared by all charts: tests of small studies.

use super::*;
use crate::base::Span;
use crate::engine::world::Limits;
use crate::report::charts::plot::lines::Lines;
use crate::scenario::Scenario;
use crate::study::detail::Want;
use crate::study::leave;
use crate::study::load::{Load, cases, parse, scaled};
use crate::study::sample::{Sample, run_wanted};
use crate::study::testing::lab;
use crate::study::variant::Variant;

fn study(lab: &Scenario, schedulers: &[&'static str], loads: &str, seeds: u64, leave: Option<Leave>) -> Study {
    let loads: Vec<Load> = parse(loads).expect("loads");
    let variants: Vec<Variant> = schedulers.iter().map(|s| Variant::Scheduler(s)).collect();
    let want = Want { charts: true, leave: leave.clone() };
    let runs: Vec<Sample> = cases(loads.len(), variants.len(), 1, seeds)
        .into_iter()
        .map(|case| {
            let lab = scaled(lab, loads[case.load]).expect("a rate").0;
            let variant = variants[case.variant];
            run_wanted(&lab, variant, case, Limits::default(), None, &want, &mut || true).expect("it runs")
        })
        .collect();
    Study::of(lab, &variants, &[], loads, leave, runs)
}

fn lines(figure: Option<Figure>) -> Lines {
    match figure.map(|f| f.plot) {
        Some(Plot::Lines(lines)) => lines,
        other => panic!("lines, not {other:?}"),
    }
}

const SERVE: &str = "service_time: { exponential: 5ms }, workers: 1, backlog: 65535";

#[test]
fn charts_are_sorted_and_named_as_their_figures() {
    assert!(CHARTS.windows(2).all(|w| w[0].name < w[1].name));
    let lab = lab(3, SERVE, "connections: 300, arrivals: { poisson: 200/s }, addresses: 10.9.0.0/25");
    let (lab, leave) = leave::plan(&lab, "rs-2", Span::from_millis(700)).expect("it serves");
    let study = study(&lab, &["rr", "mh"], "0.5,1", 2, Some(leave));
    let view = View::of(&study).expect("runs");
    for row in CHARTS {
        let figure = (row.figure)(&view).unwrap_or_else(|| panic!("{} has its data", row.name));
        assert_eq!(figure.name, row.name);
        assert!(figure.caption[0].contains("seeds 1 to 2, ± is the 95 % interval"), "{:?}", figure.caption);
        assert!(!figure.grid().is_empty(), "{}", row.name);
    }
    let names: Vec<String> = view.artifacts().expect("drawn").into_iter().map(|a| a.name).collect();
    assert!(names.windows(2).all(|w| w[0] < w[1]), "{names:?}");
    let pictures = if cfg!(feature = "cli") { 2 } else { 0 };
    assert_eq!(names.len(), 2 + CHARTS.len() * (1 + pictures), "{names:?}");
}

#[test]
fn without_loads_and_leavers_their_charts_are_not_made() {
    let lab = lab(2, SERVE, "connections: 60, every: 5ms");
    let study = study(&lab, &["rr"], "1", 1, None);
    let view = View::of(&study).expect("runs");
    let names: Vec<&str> = view.figures().iter().map(|f| f.name).collect();
    assert_eq!(names, ["active", "fairness", "heat", "latency-ccdf", "latency-cdf", "lorenz", "share"]);
    // One seed has no interval to draw.
    let cdf = lines(latency_cdf::figure(&view));
    assert!(cdf.panels[0].series[0].points.iter().all(|p| p.y.ends.is_none()));
}

#[test]
fn a_distribution_grows_from_nothing_to_all_and_its_tail_is_the_rest() {
    let lab = lab(2, SERVE, "connections: 400, arrivals: { poisson: 200/s }");
    let study = study(&lab, &["rr", "lc"], "1", 3, None);
    let view = View::of(&study).expect("runs");
    let (cdf, tail) = (lines(latency_cdf::figure(&view)), lines(latency_ccdf::figure(&view)));
    for (n, series) in cdf.panels[0].series.iter().enumerate() {
        let values: Vec<f64> = series.points.iter().map(|p| p.y.mean).collect();
        assert!(values.windows(2).all(|w| w[0] <= w[1]) && values.last() == Some(&1.0), "{values:?}");
        // The median is where half of them are done.
        let half = series.points.iter().find(|p| p.y.mean >= 0.5).expect("half of them").x;
        let median = view.base.samples[n].iter().map(|s| s.completion.p50).sum::<f64>() / 3.0;
        assert!((half / median).ln().abs() < 0.15, "{half} {median}");
        for (done, longer) in series.points.iter().zip(&tail.panels[0].series[n].points) {
            assert!((done.y.mean + longer.y.mean - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn active_connections_obey_littles_law() {
    let lab = lab(2, SERVE, "connections: 1500, arrivals: { poisson: 200/s }");
    let study = study(&lab, &["rr"], "1", 2, None);
    let view = View::of(&study).expect("runs");
    let active = lines(active::figure(&view));
    let mean = |s: &crate::report::charts::plot::Series| {
        s.points.iter().map(|p| p.y.mean).sum::<f64>() / s.points.len() as f64
    };
    let in_system: f64 = active.panels[0].series.iter().map(mean).sum();
    let wanted = view.base.samples[0]
        .iter()
        .map(|s| s.detail.as_ref().and_then(|d| d.load).map_or(0.0, |l| l.offered) * s.completion.mean / 1e9)
        .sum::<f64>()
        / 2.0;
    assert!((in_system / wanted - 1.0).abs() < 0.05, "{in_system} {wanted}");
    let Some(Plot::Heat(heat)) = heat::figure(&view).map(|f| f.plot) else { panic!("a heat map") };
    let cells: Vec<f64> = heat.panels[0].rows.iter().flat_map(|r| r.1.iter().flatten().copied()).collect();
    let busy = cells.iter().sum::<f64>() / cells.len() as f64;
    assert!((busy - 0.5).abs() < 0.06 && cells.iter().all(|&c| (0.0..=1.0 + 1e-9).contains(&c)), "{busy}");
}

#[test]
fn the_load_curve_rises_and_goodput_stops_at_what_servers_can_do() {
    let lab = lab(1, SERVE, "connections: 600, arrivals: { poisson: 200/s }");
    let study = study(&lab, &["rr"], "0.3,0.6,0.9,1.5", 2, None);
    let view = View::of(&study).expect("runs");
    let load = lines(load::figure(&view));
    let of = |panel: usize| load.panels[panel].series[0].points.iter().map(|p| (p.x, p.y.mean)).collect::<Vec<_>>();
    let (p99, done) = (of(0), of(1));
    assert!(p99.windows(2).all(|w| w[0].1 < w[1].1), "{p99:?}");
    assert!((done[0].1 / done[0].0 - 1.0).abs() < 0.05, "{done:?}");
    // 300 are offered, 200 can be done.
    assert!(done[3].0 > 280.0 && done[3].1 < 230.0, "{done:?}");
    assert_eq!(load.x.notes.len(), 4);
}
