//! The lessons of `scenarios/compare/`: each comparison is made, small, and shows what its scenario says.
//!
//! A difference counts if its interval over the seeds leaves zero out. The numbers in `scenarios/compare/README.md` are of
//! larger runs.

use crate::support::text;
use lvsim::engine::world::Limits;
use lvsim::report::names::names;
use lvsim::scenario::{self, Scenario};
use lvsim::study::compare::{Comparison, cases, merge};
use lvsim::study::sample::{Sample, run_one};
use lvsim::study::stats::Interval;
use lvsim::study::variant::schedulers;

fn load(lesson: &str, sets: &[&str]) -> Scenario {
    let file = format!("scenarios/compare/{lesson}.yaml");
    let sets: Vec<String> = sets.iter().map(|s| s.to_string()).collect();
    match scenario::load(&file, &text(&file), &sets, &names()) {
        Ok(loaded) => loaded.scenario,
        Err(problems) => panic!("{}", scenario::render(&problems, &file, &text(&file), false)),
    }
}

fn compare(lesson: &str, list: &str, seeds: u64, sets: &[&str]) -> Comparison {
    let scenario = load(lesson, sets);
    let variants = schedulers(list).expect("schedulers");
    let runs = cases(variants.len(), 1, seeds).into_iter().map(|case| {
        run_one(&scenario, variants[case.variant], case, Limits::default(), None, &mut || true).expect("it runs")
    });
    let runs: Vec<Sample> = runs.collect();
    assert!(runs.iter().all(|r| r.ok == r.connections && r.ok > 1_000), "{lesson}: connections failed");
    merge(&scenario, &variants, runs)
}

/// A number of each run of a variant.
fn of(comparison: &Comparison, variant: usize, measure: fn(&Sample) -> f64) -> Vec<f64> {
    comparison.samples[variant].iter().map(measure).collect()
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How many times larger the second list is, value by value (in the geometric mean, because of heavy tails): surely, or the
/// test fails.
#[track_caller]
fn surely_larger(first: &[f64], second: &[f64]) -> f64 {
    let ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| (b / a).ln()).collect();
    let found = Interval::of(&ratios, 0.95).expect("seeds");
    assert!(found.mean > 0.0 && found.excludes_zero(), "{found:?} of {first:?} and {second:?}");
    found.mean.exp()
}

const MEAN: fn(&Sample) -> f64 = |s| s.completion.mean;
const JAIN: fn(&Sample) -> f64 = |s| s.evenness.expect("servers were used").jain;
const SLOWDOWN: fn(&Sample) -> f64 = |s| s.slowdown.mean;

const EXPONENTIAL: &str = "defaults.server.service_time={ exponential: 10ms }";

#[test]
fn equal_counts_are_not_equal_service() {
    let found = compare("equal-counts", "lc,rr", 10, &["traffic.web.connections=3000"]);
    let (lc, rr) = (of(&found, 0, MEAN), of(&found, 1, MEAN));
    assert!(of(&found, 1, JAIN).iter().all(|&j| j > 0.99999), "rr counts to four");
    assert!(surely_larger(&lc, &rr) > 3.0, "{rr:?} {lc:?}");
    surely_larger(&of(&found, 0, SLOWDOWN), &of(&found, 1, SLOWDOWN));
}

#[test]
fn unequal_counts_may_be_the_best_there_is() {
    let found = compare("unequal-counts", "lc,rr,twos", 6, &["traffic.web.connections=2000", "duration=1000h"]);
    let jain = average(&of(&found, 0, JAIN));
    assert!((jain - 0.735).abs() < 0.02, "lc: {jain}");
    assert!(of(&found, 1, JAIN).iter().all(|&j| j > 0.99999), "rr counts to four");
    surely_larger(&of(&found, 0, MEAN), &of(&found, 1, MEAN));
    surely_larger(&of(&found, 0, MEAN), &of(&found, 2, MEAN));
    // With short requests closed connections break the ties in turn.
    let short = [EXPONENTIAL, "traffic.web.arrivals.poisson=120/s", "warmup=1s", "traffic.web.connections=2000"];
    let found = compare("unequal-counts", "lc", 2, &short);
    assert!(of(&found, 0, JAIN).iter().all(|&j| j > 0.9), "{:?}", of(&found, 0, JAIN));
}

#[test]
fn with_constant_sizes_round_robin_beats_least_connection() {
    let long = ["traffic.web.connections=2000", "duration=1000h"];
    let found = compare("constant-sizes", "rr,lc,twos", 6, &long);
    surely_larger(&of(&found, 0, MEAN), &of(&found, 1, MEAN));
    surely_larger(&of(&found, 0, MEAN), &of(&found, 2, MEAN));
    // With exponential ones it is the other way round.
    let found = compare(
        "constant-sizes",
        "lc,rr",
        6,
        &[long[0], long[1], "defaults.server.service_time={ exponential: 200s }"],
    );
    surely_larger(&of(&found, 0, MEAN), &of(&found, 1, MEAN));
    // Short requests leave closed connections behind, which make of lc just rr.
    let short = ["defaults.server.service_time=10ms", "traffic.web.connections=2000"];
    let found = compare("equal-counts", "rr,lc", 2, &short);
    assert_eq!(of(&found, 0, MEAN), of(&found, 1, MEAN));
}

#[test]
fn processor_sharing_removes_the_penalty_of_heavy_tails() {
    let many = "traffic.web.connections=3000";
    let shared = compare("processor-sharing", "lc,rr", 8, &[many]);
    let queued = compare(
        "processor-sharing",
        "lc,rr",
        8,
        &[many, "defaults.server.discipline=fcfs", "defaults.server.workers=1"],
    );
    let tame = compare("processor-sharing", "lc", 8, &[many, EXPONENTIAL]);
    let penalty = surely_larger(&of(&queued, 0, MEAN), &of(&queued, 1, MEAN));
    let left = surely_larger(&of(&shared, 0, MEAN), &of(&shared, 1, MEAN));
    assert!(left < penalty / 2.0, "{left} of {penalty}");
    let (lc, lc_tame) = (average(&of(&shared, 0, MEAN)), average(&of(&tame, 0, MEAN)));
    assert!((lc / lc_tame - 1.0).abs() < 0.1, "lc: heavy tails {lc}, exponential {lc_tame}");
}

#[test]
fn two_looks_get_most_of_the_gain() {
    let found = compare("two-choices", "lc,twos,rr", 10, &["traffic.web.connections=3000"]);
    let (lc, twos, rr) = (of(&found, 0, MEAN), of(&found, 1, MEAN), of(&found, 2, MEAN));
    surely_larger(&lc, &rr);
    // The part of the way from rr to lc that two looks go.
    let parts: Vec<f64> = (0..rr.len()).map(|n| (rr[n] - twos[n]) / (rr[n] - lc[n])).collect();
    surely_larger(&vec![0.5; parts.len()], &parts);
}
