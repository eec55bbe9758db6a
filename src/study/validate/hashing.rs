//! Claims about hashing and about balls in bins: schedulers are asked alone, without packets.
//!
//! Clients are random addresses, so that the kernel's hashes spread them as a random choice would. `mh` deals 4093 slots out evenly; `sh`
//! 256, which is even only as far as n divides 256, and is held against the books only where that does not show.

use super::claim::{Claim, Expected, HUNDREDTH, How};
use crate::base::{Rng, Seed};
use crate::ipvs::sched::alone::Alone;
use crate::ipvs::sched::find;
use crate::study::numbers::Evenness;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// All of them.
pub fn claims() -> Vec<Claim> {
    let mut all = Vec::new();
    for (scheduler, servers, clients, trials) in
        [("mh", 3, 30, 400), ("mh", 10, 100, 400), ("mh", 10, 10_000, 20), ("sh", 3, 30, 400), ("sh", 10, 100, 400)]
    {
        all.push(Claim {
            name: format!("crowd-{scheduler}-{servers}x{clients}"),
            what: format!("{clients} clients hashed to {servers} servers by {scheduler}: CV² = (n − 1)/m"),
            source: "multinomial variance",
            expected: Expected::Exactly(f64::from(servers - 1) / f64::from(clients)),
            tolerance: HUNDREDTH,
            how: How::Drawn(Box::new(move |seed| crowd(scheduler, servers, clients, trials, seed))),
        });
    }
    for (servers, published) in [(3, 1.008), (10, 1.016), (50, 1.17), (100, 1.17)] {
        all.push(Claim {
            name: format!("slots-sh-{servers}"),
            what: format!("256 slots of sh dealt out to {servers} servers: the most over the mean"),
            source: "counting",
            expected: Expected::Exactly(published),
            tolerance: HUNDREDTH,
            how: How::Once(Box::new(move || slots(servers).max_over_mean)),
        });
    }
    all.push(Claim {
        name: "slots-sh-100-jain".into(),
        what: "256 slots of sh dealt out to 100 servers: Jain's index".into(),
        source: "counting",
        expected: Expected::Exactly(0.964),
        tolerance: HUNDREDTH,
        how: How::Once(Box::new(|| slots(100).jain)),
    });
    for servers in [3u32, 4, 10] {
        let share = 1.0 - 1.0 / f64::from(servers);
        all.push(Claim {
            name: format!("modulo-{servers}"),
            what: format!(
                "part of the slots of sh that move when one of {servers} servers goes: 1 − 1/n of any modulo"
            ),
            source: "counting",
            expected: Expected::Exactly(share),
            // 256 is no multiple of n(n − 1): the slots beyond hold up to n − 1 more that stay, or as many less.
            tolerance: (f64::from(servers - 1) / 256.0 / share).max(HUNDREDTH),
            how: How::Once(Box::new(move || modulo(servers))),
        });
    }
    for (bins, trials) in [(10, 400), (100, 40)] {
        all.push(Claim {
            name: format!("balls-one-{bins}"),
            what: format!("{bins} balls into {bins} bins by mh: the mean of the fullest"),
            source: "counting all ways",
            expected: Expected::Exactly(fullest(bins)),
            tolerance: HUNDREDTH,
            how: How::Drawn(Box::new(move |seed| balls("mh", bins, trials, seed))),
        });
    }
    // Few bins can be counted: 2.06 where both draws may be the same bin, as with twos; 2.01 where they may not. A simulation
    // that was published has 2.04.
    all.push(Claim {
        name: "balls-two-10".into(),
        what: "10 balls into 10 bins, the emptier of two draws, by twos: the mean of the fullest".into(),
        source: "counting all ways",
        expected: Expected::Exactly(fullest_of_two(10)),
        tolerance: HUNDREDTH,
        how: How::Drawn(Box::new(|seed| balls("twos", 10, 400, seed))),
    });
    for (bins, published, trials) in [(100, 2.60, 40), (1000, 3.01, 2)] {
        all.push(Claim {
            name: format!("balls-two-{bins}"),
            what: format!("{bins} balls into {bins} bins, the emptier of two draws, by twos: the mean of the fullest"),
            source: "simulated apart",
            expected: Expected::About { value: published, half: 0.005 },
            tolerance: HUNDREDTH,
            how: How::Drawn(Box::new(move |seed| balls("twos", bins, trials, seed))),
        });
    }
    all
}

/// A scheduler with so many servers of equal weight. A thousand for `twos`, which prefers the first by one part of the sum.
fn bench(scheduler: &str, servers: u32, rng: Rng) -> Alone {
    let row = find(scheduler).expect("a scheduler of the table");
    let mut alone = Alone::new(row, rng);
    let weight = if scheduler == "twos" { 1000 } else { 1 };
    for n in 0..servers {
        alone.add(Ipv4Addr::from_bits(0x0a00_0101 + n), weight);
    }
    alone
}

/// How often each server is chosen by so many random clients.
fn counts(alone: &mut Alone, servers: u32, clients: u32, rng: &mut Rng, hold: bool) -> Vec<f64> {
    let mut counts = vec![0.0; servers as usize];
    for _ in 0..clients {
        if let Some(server) = alone.pick(rng.next_u64() as u32) {
            counts[server] += 1.0;
            if hold {
                alone.hold(server);
            }
        }
    }
    counts
}

/// The mean of CV² over so many crowds.
fn crowd(scheduler: &str, servers: u32, clients: u32, trials: u32, seed: u64) -> f64 {
    let mut rng = Seed(seed).stream("crowd");
    let mut alone = bench(scheduler, servers, Seed(seed).stream("choice"));
    let mut one = || {
        let counts = counts(&mut alone, servers, clients, &mut rng, false);
        Evenness::of(&counts, &vec![1.0; counts.len()]).map_or(0.0, |e| e.cv * e.cv)
    };
    (0..trials).map(|_| one()).sum::<f64>() / f64::from(trials)
}

/// The mean of the fullest bin over so many trials, in each of which there are as many balls as bins.
fn balls(scheduler: &str, bins: u32, trials: u32, seed: u64) -> f64 {
    let mut rng = Seed(seed).stream("balls");
    let mut one = |trial: u32| {
        let mut alone = bench(scheduler, bins, Seed(seed).stream(&format!("choice/{trial}")));
        counts(&mut alone, bins, bins, &mut rng, true).into_iter().fold(0.0, f64::max)
    };
    (0..trials).map(&mut one).sum::<f64>() / f64::from(trials)
}

/// The server of each of the 256 slots of `sh`: that of a client whose address hashes there.
fn table_of_sh(alone: &mut Alone) -> Vec<usize> {
    let mut table = vec![None; 256];
    let mut client = 0u32;
    while table.contains(&None) {
        table[crate::ipvs::sched::hash::hash_32(client, 8)] = alone.pick(client);
        client += 1;
    }
    table.into_iter().flatten().collect()
}

fn slots(servers: u32) -> Evenness {
    let mut counts = vec![0.0; servers as usize];
    for server in table_of_sh(&mut bench("sh", servers, Seed(1).stream("none"))) {
        counts[server] += 1.0;
    }
    Evenness::of(&counts, &vec![1.0; counts.len()]).expect("256 slots were dealt out")
}

/// The part of the slots that lead elsewhere when the server that was added last goes.
fn modulo(servers: u32) -> f64 {
    let mut alone = bench("sh", servers, Seed(1).stream("none"));
    let before = table_of_sh(&mut alone);
    alone.remove(servers as usize - 1);
    moved(&before, &table_of_sh(&mut alone))
}

fn moved(before: &[usize], after: &[usize]) -> f64 {
    before.iter().zip(after).filter(|(b, a)| b != a).count() as f64 / before.len() as f64
}

/// The mean of the fullest of n bins with n balls. The fullest has at most k with probability n!/nⁿ [xⁿ] (Σ xʲ/j!)ⁿ, j ≤ k.
fn fullest(n: u32) -> f64 {
    let size = n as usize;
    let at_most = |k: usize| {
        // Ball by ball would be exponential; bin by bin: ways[m], the probability that m balls fell into the bins so far, none of
        // which has more than k.
        let mut ways = vec![0.0; size + 1];
        ways[0] = 1.0;
        for bin in 0..size {
            // Of the balls that are left, each falls into this bin with probability 1/(bins that are left).
            let p = 1.0 / (size - bin) as f64;
            let mut next = vec![0.0; size + 1];
            for (fallen, &way) in ways.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                let left = size - fallen;
                // binomial(left, j) p^j (1 − p)^(left − j), by its recursion
                let mut chance = (1.0 - p).powi(left as i32);
                for j in 0..=left.min(k) {
                    if p >= 1.0 {
                        chance = f64::from(u8::from(j == left));
                    }
                    next[fallen + j] += way * chance;
                    if p < 1.0 {
                        chance *= (left - j) as f64 / (j + 1) as f64 * p / (1.0 - p);
                    }
                }
            }
            ways = next;
        }
        ways[size]
    };
    // The mean of a count is the sum of the probabilities that it exceeds 0, 1, 2, …
    (0..size).map(|k| 1.0 - at_most(k)).sum()
}

/// The same where each ball goes into the emptier of two bins that are drawn, and may be the same: over all ways in which
/// bins can be filled, which are few for few bins.
fn fullest_of_two(n: u32) -> f64 {
    // How many bins have at least 1, 2, 3 … balls, and how likely that is.
    let mut ways: BTreeMap<Vec<u32>, f64> = BTreeMap::from([(vec![0; n as usize], 1.0)]);
    for _ in 0..n {
        let mut next = BTreeMap::new();
        for (filled, way) in ways {
            let at_least = |level: usize| f64::from(level.checked_sub(1).map_or(n, |l| filled[l])) / f64::from(n);
            for level in 0..filled.len() {
                // The emptier one has so many: both have as many or more, not both have more.
                let chance = at_least(level).powi(2) - at_least(level + 1).powi(2);
                if chance > 0.0 {
                    let mut then = filled.clone();
                    then[level] += 1;
                    *next.entry(then).or_insert(0.0) += way * chance;
                }
            }
        }
        ways = next;
    }
    ways.iter().map(|(filled, way)| way * filled.iter().filter(|&&bins| bins > 0).count() as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_of_all_bins_is_as_full_as_published() {
        // Published from simulations, and a little too high.
        for (n, published) in [(10, 2.76), (100, 4.25)] {
            assert!((fullest(n) - published).abs() < 0.02, "{n}: {}", fullest(n));
        }
        // Two balls, two bins: 1 or 2, each as likely.
        assert!((fullest(2) - 1.5).abs() < 1e-12);
        // The second ball meets the first only if both draws do.
        assert!((fullest_of_two(2) - 1.25).abs() < 1e-12);
    }

    #[test]
    fn a_quarter_of_all_slots_stays_when_one_of_four_servers_goes() {
        // 63 of 256: one less than 64, because the last period of 12 is not whole.
        assert!((modulo(4) - (1.0 - 63.0 / 256.0)).abs() < 1e-12, "{}", modulo(4));
    }
}
