//! Claims about schedulers over four servers: numbers of separate simulations, or of a Markov chain where work is exponential.
//!
//! A random choice over n servers is M/G/1 at each of them, for which there are closed forms ([`super::queues`]). `lc` is the shortest queue,
//! the first in the list of equals ([`super::lab`]). `twos` draws twice from all servers, and once in four times the same one: its
//! numbers are not those of the textbooks' two different servers, which are better; they are computed here by the chain, and
//! by [`super::apart`] (20 runs of 200 000 jobs) where work is not exponential.

use super::apart::Rule;
use super::chain::{self, Ranks};
use super::claim::{Claim, Expected, Measure};
use super::lab::{Lab, Sizes};
use super::{Size, theory};

const SIMULATED: &str = "simulated apart, 20 × 200 000 jobs";
const CHAIN: &str = "Markov chain of four queues";

/// A row of the table of reference values: of each scheduler the mean time with its 95 % interval, of `lc` Jain's index of counts.
struct Row {
    sharing: bool,
    work: Sizes,
    load: u32,
    rr: Given,
    lc: Given,
    twos: Given,
    lc_jain: f64,
}

/// What is expected of a scheduler.
#[derive(Clone, Copy)]
enum Given {
    /// The closed form of round robin.
    Erlang,
    /// A chain.
    Chain(Ranks),
    /// A simulated value with half of its 95 % interval, or half of its last digit.
    About(f64, f64),
}
use Given::{About, Chain, Erlang};

const fn row(sharing: bool, work: Sizes, load: u32, means: [Given; 3], lc_jain: f64) -> Row {
    let [rr, lc, twos] = means;
    Row { sharing, work, load, rr, lc, twos, lc_jain }
}

const EXP: [Given; 3] = [Erlang, Chain(chain::SHORTEST), Chain(chain::TWO_DRAWS)];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(false, Sizes::Exponential, 30, EXP, 0.735),
    row(false, Sizes::Exponential, 70, EXP, 0.975),
    row(false, Sizes::Exponential, 90, EXP, 0.998),
    row(false, Sizes::Constant, 30, [About(1.008, 0.0005), About(1.014, 0.0005), About(1.0842, 0.0003)], 0.732),
    row(false, Sizes::Constant, 70, [About(1.189, 0.0005), About(1.252, 0.0005), About(1.4670, 0.0022)], 0.968),
    row(false, Sizes::Constant, 90, [About(1.99, 0.02), About(2.10, 0.02), About(2.472, 0.024)], 0.997),
    row(false, Sizes::Pareto, 30, [About(9.1, 2.4), About(1.17, 0.03), About(2.60, 0.37)], 0.738),
    row(false, Sizes::Pareto, 70, [About(45.0, 13.0), About(3.6, 0.6), About(6.8, 1.2)], 0.976),
    row(false, Sizes::Pareto, 90, [About(168.0, 56.0), About(34.0, 15.0), About(25.4, 5.6)], 0.997),
    row(true, Sizes::Exponential, 70, EXP, 0.974),
    row(true, Sizes::Pareto, 70, [About(2.67, 0.07), About(1.53, 0.03), About(1.960, 0.025)], 0.975),
    row(true, Sizes::Pareto, 90, [About(8.59, 0.59), About(3.32, 0.23), About(3.99, 0.14)], 0.997),
];

/// 99th percentiles at a load of 0.7, each with half of its last digit.
const P99: &[(bool, Sizes, &str, f64)] =
    &[(false, Sizes::Exponential, "lc", 6.6), (true, Sizes::Pareto, "rr", 24.2), (true, Sizes::Pareto, "lc", 11.8)];

/// All of them.
pub fn claims(size: Size) -> Vec<Claim> {
    let mut all = Vec::new();
    for row in ROWS {
        let load = f64::from(row.load) / 100.0;
        let discipline = if row.sharing { "ps" } else { "fcfs" };
        let words = if row.sharing { "processor sharing" } else { "first come first served" };
        let lab = |scheduler| lab(size, row.sharing, row.work, row.load, scheduler);
        let name = |scheduler: &str| format!("{discipline}-{}-{scheduler}-{load}", row.work.word());
        let about = |scheduler: &str| format!("{scheduler} over 4 servers, {words}, {}, load {load}", row.work.about());
        for (scheduler, given) in [("rr", row.rr), ("lc", row.lc), ("twos", row.twos)] {
            let (expected, source) = match given {
                Erlang => (Expected::Exactly(theory::round_robin(4, load)), "Kleinrock 1975"),
                Chain(ranks) => (Expected::Chain(ranks, row.load), CHAIN),
                About(value, half) => (Expected::About { value, half }, SIMULATED),
            };
            // The same row as rr4 of the queues.
            if !(matches!(given, Erlang) && !row.sharing && row.load > 30) {
                all.push(Claim::runs(
                    name(scheduler),
                    about(scheduler),
                    source,
                    expected,
                    lab(scheduler),
                    Measure::Mean,
                ));
            }
        }
        let expected = Expected::About { value: row.lc_jain, half: 0.0005 };
        let what = format!("Jain's index of counts of {}", about("lc"));
        all.push(Claim::runs(name("lc-jain"), what, SIMULATED, expected, lab("lc"), Measure::Jain));
    }
    for &(sharing, work, scheduler, value) in P99 {
        let discipline = if sharing { "processor sharing" } else { "first come first served" };
        let what =
            format!("the 99th percentile of {scheduler} over 4 servers, {discipline}, {}, load 0.7", work.about());
        let name = format!("{}-{}-{scheduler}-p99-0.7", if sharing { "ps" } else { "fcfs" }, work.word());
        let expected = Expected::About { value, half: 0.05 };
        let lab = lab(size, sharing, work, 70, scheduler);
        all.push(Claim::runs(name, what, SIMULATED, expected, lab, Measure::P99));
    }
    all
}

/// Heavy tails need more runs than there is patience for: here the same arrivals and the same work go through a simulation
/// of a hundred lines, and the means must be the same.
pub fn same_draws(size: Size) -> Vec<Claim> {
    let mut all = Vec::new();
    for row in ROWS.iter().filter(|row| row.work == Sizes::Pareto) {
        let load = f64::from(row.load) / 100.0;
        let discipline = if row.sharing { "ps" } else { "fcfs" };
        for (scheduler, rule) in [("rr", Rule::RoundRobin), ("lc", Rule::Fewest)] {
            let name = format!("draws-{discipline}-bp-{scheduler}-{load}");
            let what = format!(
                "{scheduler}, {discipline}, {}, load {load}: the same draws, simulated apart",
                row.work.about()
            );
            let lab = lab(size, row.sharing, row.work, row.load, scheduler);
            all.push(Claim::runs(name, what, "src/study/validate/apart.rs", Expected::Apart(rule), lab, Measure::Mean));
        }
    }
    all
}

fn lab(size: Size, sharing: bool, work: Sizes, load: u32, scheduler: &'static str) -> Lab {
    let base = Lab {
        servers: 4,
        workers: 1,
        scheduler,
        work,
        sharing,
        load,
        connections: size.connections,
        before: size.before(),
    };
    size.heavy(base, work)
}
