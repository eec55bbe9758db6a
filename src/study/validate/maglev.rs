//! Claims about Maglev hashing: how many slots and clients move when servers go, by the kernel's own way to fill a table.
//!
//! The kernel's hash decides which slots a server gets, so servers at other addresses give other numbers: each seed has its
//! own random addresses. Sources: Eisenbud et al., "Maglev", NSDI 2016, §5.3 (figures 11 and 12), with figures for it computed
//! apart by another hash; PacketBalance, experiment 5, for weights.

use super::claim::{Claim, Expected, HUNDREDTH, How};
use crate::base::{Rng, Seed};
use crate::ipvs::sched::alone::Alone;
use crate::ipvs::sched::{find, mh};
use std::net::Ipv4Addr;

/// The table of the paper.
const LARGE: usize = 65_537;
/// The larger table of the paper.
const LARGEST: usize = 655_373;
/// The default of IPVS.
const USUAL: usize = 4_093;
/// The largest but one that IPVS can be built with.
const BUILT: usize = 65_521;

const APART: &str = "computed apart with another hash";
const PAPER: &str = "Eisenbud et al. 2016, Fig. 12";
const WEIGHTS: &str = "PacketBalance, experiment 5";

/// How far figures that were made with another hash may be off.
const BAND: f64 = 0.2;

/// All of them.
pub fn claims() -> Vec<Claim> {
    let mut all = Vec::new();
    let mut drawn = |name: String,
                     what: String,
                     source,
                     expected: f64,
                     tolerance,
                     f: Box<dyn Fn(u64) -> f64 + Send + Sync>| {
        all.push(Claim { name, what, source, expected: Expected::Exactly(expected), tolerance, how: How::Drawn(f) });
    };
    for (gone, percent) in [(1, 0.65), (2, 1.19), (5, 2.30), (10, 3.43), (20, 4.66), (50, 8.31)] {
        let f =
            move |seed| percent_of(change(&[1; 1000], &(0..gone).collect::<Vec<usize>>(), LARGE, seed).changed, LARGE);
        let what = format!("percent of {LARGE} slots that change when {gone} of 1000 servers fail");
        drawn(format!("maglev-fail-{gone}"), what, PAPER, percent, BAND, Box::new(f));
    }
    let f = |seed| percent_of(change(&[1, 1, 2, 4], &[2], BUILT, seed).changed, BUILT);
    let what = "percent of slots that change when, of weights 1:1:2:4, the 2 goes".to_string();
    drawn("maglev-weights".into(), what, WEIGHTS, 25.09, HUNDREDTH, Box::new(f));
    let f = |seed| percent_of(change(&[1, 1, 2, 4, 1], &[4], BUILT, seed).changed, BUILT);
    let what = "percent of slots that change when a 1 is added to weights 1:1:2:4".to_string();
    drawn("maglev-add".into(), what, WEIGHTS, 11.11, HUNDREDTH, Box::new(f));
    for (size, name) in [(LARGE, "maglev-balance"), (LARGEST, "maglev-balance-large")] {
        // Every server has one slot more than the whole part of the mean, or one less than that.
        let mean = size as f64 / 1000.0;
        let f = move |seed| {
            let counts = counts(&bench(&[1; 1000], seed), size);
            counts.iter().copied().max().unwrap_or(0) as f64 / mean
        };
        let what = format!(
            "the most slots of 1000 servers in a table of {size} over the mean: no server has two more than another"
        );
        drawn(name.into(), what, "Eisenbud et al. 2016, Fig. 11", mean.ceil() / mean, HUNDREDTH / 10.0, Box::new(f));
    }
    for (servers, size, percent) in [(3, USUAL, 0.17), (4, USUAL, 0.55), (10, USUAL, 1.34), (10, BUILT, 0.28)] {
        let what = format!("percent of {size} slots that move without need when one of {servers} servers goes");
        let name = format!("{servers}-to-{}-of-{size}", servers - 1);
        all.push(Claim {
            name: format!("maglev-once-{name}"),
            what: format!("{what}, found for one set of servers"),
            source: APART,
            expected: Expected::Once(percent),
            tolerance: 0.0,
            how: How::Drawn(Box::new(move |seed| needless(servers, size, 1, seed))),
        });
        all.push(Claim {
            name: format!("maglev-{name}"),
            what: format!("{what}, for many sets; expected: the paper's algorithm with random permutations"),
            source: "Eisenbud et al. 2016, §3.4",
            expected: Expected::BySeed,
            tolerance: HUNDREDTH,
            how: How::Paired(Box::new(move |seed| {
                let trials = if size == USUAL { 60 } else { 10 };
                (needless(servers, size, trials, seed), paper(servers, size, trials, seed))
            })),
        });
    }
    all.push(Claim {
        name: "modulo-weights".into(),
        what: "percent of the slots of sh that change when, of weights 1:1:2:4, the 2 goes".into(),
        source: WEIGHTS,
        expected: Expected::Exactly(58.36),
        tolerance: HUNDREDTH,
        how: How::Once(Box::new(modulo)),
    });
    all
}

fn percent_of(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all as f64
}

fn random_address(rng: &mut Rng) -> Ipv4Addr {
    Ipv4Addr::from_bits(rng.next_u64() as u32)
}

/// Servers of these weights at random addresses.
fn bench(weights: &[i32], seed: u64) -> Alone {
    let mut rng = Seed(seed).stream("addresses");
    let mut alone = Alone::new(find("mh").expect("a scheduler of the table"), Seed(seed).stream("none"));
    for &weight in weights {
        alone.add(random_address(&mut rng), weight);
    }
    alone
}

/// The server of each slot.
fn table(alone: &Alone, size: usize) -> Vec<usize> {
    mh::table(alone.list(), size).into_iter().map(|place| alone.number(place as usize)).collect()
}

fn counts(alone: &Alone, size: usize) -> Vec<usize> {
    let mut counts = Vec::new();
    for server in table(alone, size) {
        counts.resize(counts.len().max(server + 1), 0);
        counts[server] += 1;
    }
    counts
}

/// Slots that differ between two tables.
struct Change {
    /// All of them.
    changed: usize,
    /// Those whose server is in both.
    needless: usize,
}

/// What these servers' going changes.
fn change(weights: &[i32], gone: &[usize], size: usize, seed: u64) -> Change {
    let mut alone = bench(weights, seed);
    let before = table(&alone, size);
    gone.iter().for_each(|&server| alone.remove(server));
    let after = table(&alone, size);
    let differs = || before.iter().zip(&after).filter(|(b, a)| b != a);
    Change { changed: differs().count(), needless: differs().filter(|(b, _)| !gone.contains(b)).count() }
}

/// The mean percentage of slots that move without need when one of so many servers goes.
fn needless(servers: usize, size: usize, trials: u64, seed: u64) -> f64 {
    let one = |trial| change(&vec![1; servers], &[0], size, seed * 1000 + trial).needless;
    percent_of((0..trials).map(one).sum(), size * trials as usize)
}

/// The same, by the pseudocode of the paper: each server goes its own random way through the slots and takes, in its turn, the
/// next that is free.
fn paper(servers: usize, size: usize, trials: u64, seed: u64) -> f64 {
    let mut rng = Seed(seed).stream("paper");
    let mut one = || {
        let mut random = |n: usize| rng.below(n as u64) as usize;
        let ways: Vec<(usize, usize)> = (0..servers).map(|_| (random(size), 1 + random(size - 1))).collect();
        let fill = |gone: usize| {
            let mut entry: Vec<Option<usize>> = vec![None; size];
            let mut next = vec![0usize; servers];
            let mut free = size;
            for server in (0..servers).cycle().filter(|&s| s != gone) {
                let (offset, skip) = ways[server];
                let mut slot = (offset + next[server] * skip) % size;
                while entry[slot].is_some() {
                    next[server] += 1;
                    slot = (offset + next[server] * skip) % size;
                }
                entry[slot] = Some(server);
                free -= 1;
                if free == 0 {
                    break;
                }
            }
            entry
        };
        let (before, after) = (fill(servers), fill(0));
        before.iter().zip(&after).filter(|(b, a)| **b != Some(0) && b != a).count()
    };
    percent_of((0..trials).map(|_| one()).sum(), size * trials as usize)
}

/// `sh` deals its slots out in turn by weight, the newest server first.
fn modulo() -> f64 {
    let mut alone = Alone::new(find("sh").expect("a scheduler of the table"), Seed(1).stream("none"));
    for (n, weight) in (1..).zip([4, 2, 1, 1]) {
        alone.add(Ipv4Addr::new(10, 0, 1, n), weight);
    }
    // Clients that reach each of the 256 slots as often as any other.
    let clients = || 0..1u32 << 16;
    let before: Vec<Option<usize>> = clients().map(|c| alone.pick(c << 16)).collect();
    alone.remove(1);
    let moved = clients().zip(&before).filter(|&(c, b)| alone.pick(c << 16) != *b).count();
    percent_of(moved, before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_goes_gives_all_its_slots_away() {
        let change = change(&[1, 1, 1], &[1], USUAL, 5);
        let mine = counts(&bench(&[1, 1, 1], 5), USUAL)[1];
        assert_eq!(change.changed, mine + change.needless);
        assert!(mine.abs_diff(USUAL / 3) <= 1, "{mine}");
    }
}
