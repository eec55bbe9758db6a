//! Claims of queueing theory: one server, one queue for many workers, round robin, two choices among very many.
//!
//! The load is per worker; the mean work is 1.

use super::claim::{Claim, Expected, Measure};
use super::lab::{Lab, Sizes};
use super::{Size, theory};

/// Loads in percent.
const LOADS: &[u32] = &[50, 70, 80, 90];

/// How many servers are "very many". With so many the corrections for their finite number stay below a hundredth (at a load of 0.9: 0.3 % for
/// the correlation of the queues; 0.2 % because `twos` draws one server twice once in 500 times).
const MANY: u32 = 500;

/// All of them.
pub fn claims(size: Size) -> Vec<Claim> {
    let mut all = Vec::new();
    let base = Lab {
        servers: 1,
        workers: 1,
        scheduler: "rr",
        work: Sizes::Exponential,
        sharing: false,
        load: 0,
        connections: size.connections,
        before: size.before(),
    };
    let mut claim = |name: &str, what: String, source, expected, lab: Lab, measure| {
        let load = f64::from(lab.load) / 100.0;
        let what = format!("{what}, load {load}");
        all.push(Claim::runs(format!("{name}-{load}"), what, source, Expected::Exactly(expected), lab, measure));
    };
    for load in LOADS.iter().copied().chain([95]) {
        let lab = Lab { load, ..base };
        let expected = theory::mm1(f64::from(load) / 100.0);
        claim("mm1", "M/M/1: T = 1/(1 − ρ)".into(), "Kleinrock 1975", expected, lab, Measure::Mean);
    }
    for servers in [2, 4, 10] {
        for &load in LOADS {
            let lab = Lab { servers, load, ..base };
            let expected = theory::round_robin(servers, f64::from(load) / 100.0);
            let what = format!("rr over {servers} servers: GI/M/1 with Erlang-{servers} arrivals");
            claim(&format!("rr{servers}"), what, "Kleinrock 1975", expected, lab, Measure::Mean);
        }
    }
    for &load in LOADS {
        // So many servers need longer to fill.
        let before = 2 * base.before + MANY * 8;
        let lab = Lab { servers: MANY, scheduler: "twos", load, before, ..base };
        let expected = theory::supermarket(2, f64::from(load) / 100.0);
        let what = format!("two choices of very many servers (here {MANY})");
        claim("two-of-many", what, "Mitzenmacher 2001", expected, lab, Measure::Mean);
    }
    for workers in [4, 10] {
        for &load in LOADS {
            let lab = Lab { workers, load, ..base };
            let expected = theory::mmc(workers, f64::from(load) / 100.0);
            let what = format!("M/M/{workers}, one queue: Erlang C");
            claim(&format!("mm{workers}"), what, "Kleinrock 1975", expected, lab, Measure::Mean);
        }
    }
    for (work, loads) in [
        (Sizes::Constant, &[30, 70, 90][..]),
        (Sizes::Uniform, &[70]),
        (Sizes::Hyperexponential, &[70]),
        (Sizes::Lognormal, &[70]),
        (Sizes::Pareto, &[30, 70, 90]),
    ] {
        for &load in loads {
            let lab = Lab { work, load, ..size.heavy(base, work) };
            let expected = theory::mg1(f64::from(load) / 100.0, work.cv2());
            let what = format!("M/G/1, first come first served, {}", work.about());
            claim(
                &format!("mg1-{}", work.word()),
                what,
                "Pollaczek 1930, Khinchine 1932",
                expected,
                lab,
                Measure::Mean,
            );
        }
    }
    for (work, loads) in [
        (Sizes::Exponential, &[70][..]),
        (Sizes::Constant, &[70]),
        (Sizes::Hyperexponential, &[70]),
        (Sizes::Lognormal, &[70]),
        (Sizes::Pareto, &[70, 90]),
    ] {
        for &load in loads {
            let lab = Lab { work, load, sharing: true, ..size.heavy(base, work) };
            let expected = theory::mm1(f64::from(load) / 100.0);
            let what = format!("M/G/1, processor sharing, {}: T = 1/(1 − ρ)", work.about());
            claim(&format!("ps-{}", work.word()), what, "Kleinrock 1976", expected, lab, Measure::Mean);
            let what = format!("M/G/1, processor sharing, {}: slowdown 1/(1 − ρ)", work.about());
            claim(&format!("ps-slowdown-{}", work.word()), what, "Kleinrock 1976", expected, lab, Measure::Slowdown);
        }
    }
    // A request waits as long as any other, whatever its own work.
    for (work, loads) in [(Sizes::Constant, &[70][..]), (Sizes::Pareto, &[70])] {
        for &load in loads {
            let lab = Lab { work, load, ..size.heavy(base, work) };
            let waits = theory::mg1(f64::from(load) / 100.0, work.cv2()) - 1.0;
            let what = format!("M/G/1, first come first served, {}: slowdown 1 + W·E[1/S]", work.about());
            let expected = 1.0 + waits * work.inverse();
            claim(&format!("slowdown-{}", work.word()), what, "Harchol-Balter 1998", expected, lab, Measure::Slowdown);
        }
    }
    for (servers, name) in [(1, "mm1"), (4, "rr4")] {
        let lab = Lab { servers, load: 70, ..base };
        // The time in a GI/M/1 system is distributed exponentially.
        let expected = theory::round_robin(servers, 0.7) * theory::exponential_quantile(0.99);
        let what = format!("the 99th percentile of {name}: T·ln 100");
        claim(&format!("{name}-p99"), what, "Kleinrock 1975", expected, lab, Measure::P99);
    }
    all
}
