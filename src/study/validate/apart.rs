//! Queues in a hundred lines: a simulation that shares nothing with the rest of lvsim, to hold it against.
//!
//! No packets, no hosts, no clock: jobs come at times that are given, each goes to a server at once, and the times at which they are
//! done are computed from one arrival to the next (Lindley's recursion for first come first served). Given the arrivals and
//! the work of one of lvsim's own runs, it must find the same times. Floats: reports only.

use crate::base::Rng;
use std::collections::VecDeque;

/// Who gets the next job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One after another.
    RoundRobin,
    /// The one with the fewest jobs; of equals the first.
    Fewest,
    /// The one of two with fewer jobs; the two are drawn, and may be the same. Of equals the first drawn.
    TwoDraws,
    /// As before, but the two are never the same.
    TwoDistinct,
}

/// A job: when it comes, and its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Job {
    /// When it comes; jobs come in order.
    pub at: f64,
    /// How long it takes alone.
    pub work: f64,
}

/// One server: who is there.
#[derive(Clone, Debug, Default)]
struct Server {
    /// First come first served: when each job will be done, in order.
    ends: VecDeque<f64>,
    /// Processor sharing: what is left of each job.
    left: Vec<(usize, f64)>,
}

/// How long each job stays, and which server it got.
pub fn stays(jobs: &[Job], servers: usize, rule: Rule, sharing: bool, rng: &mut Rng) -> Vec<(f64, usize)> {
    let mut all = vec![Server::default(); servers.max(1)];
    let mut out = vec![(0.0, 0); jobs.len()];
    let mut now = 0.0;
    for (n, job) in jobs.iter().enumerate() {
        for server in &mut all {
            server.pass(now, job.at, jobs, &mut out);
        }
        now = job.at;
        let chosen = choose(rule, n, &all, rng);
        out[n].1 = chosen;
        let server = &mut all[chosen];
        if sharing {
            server.left.push((n, job.work));
        } else {
            let end = server.ends.back().copied().unwrap_or(now).max(now) + job.work;
            server.ends.push_back(end);
            out[n].0 = end - job.at;
        }
    }
    for server in &mut all {
        server.pass(now, f64::INFINITY, jobs, &mut out);
    }
    out
}

fn choose(rule: Rule, n: usize, all: &[Server], rng: &mut Rng) -> usize {
    let count = |s: usize| all[s].ends.len() + all[s].left.len();
    let servers = all.len();
    let mut draw = || rng.below(servers as u64) as usize;
    match rule {
        Rule::RoundRobin => n % servers,
        Rule::Fewest => (0..servers).min_by_key(|&s| count(s)).unwrap_or(0),
        Rule::TwoDraws | Rule::TwoDistinct => {
            let (a, mut b) = (draw(), draw());
            while rule == Rule::TwoDistinct && servers > 1 && a == b {
                b = draw();
            }
            if count(b) < count(a) { b } else { a }
        }
    }
}

impl Server {
    /// Lets time pass from `now` until `until`.
    fn pass(&mut self, mut now: f64, until: f64, jobs: &[Job], out: &mut [(f64, usize)]) {
        while self.ends.front().is_some_and(|&end| end <= until) {
            self.ends.pop_front();
        }
        while let Some(&(_, least)) = self.left.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
            let sharers = self.left.len() as f64;
            let end = now + least * sharers;
            let done = if end <= until { least } else { (until - now) / sharers };
            self.left.iter_mut().for_each(|l| l.1 -= done);
            if end > until {
                return;
            }
            now = end;
            self.left.retain(|&(n, left)| {
                let over = left <= 0.0;
                if over {
                    out[n].0 = now - jobs[n].at;
                }
                !over
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Dist, Seed};
    use crate::study::stats::Interval;

    /// A mean of 1 is so much here.
    const UNIT: u64 = 1_000_000_000;

    fn drawn(work: &Dist, load: f64, jobs: usize, seed: u64) -> Vec<Job> {
        let (mut gaps, mut works) = (Seed(seed).stream("gaps"), Seed(seed).stream("works"));
        let mut at = 0.0;
        let mut next = || {
            let gap = Dist::Exponential(UNIT).draw(&mut gaps) as f64 / UNIT as f64 / (4.0 * load);
            at += gap;
            Job { at, work: work.draw(&mut works) as f64 / UNIT as f64 }
        };
        (0..jobs).map(|_| next()).collect()
    }

    /// The mean over so many seeds; the first tenth of the jobs does not count.
    fn mean(work: &Dist, load: f64, rule: Rule, sharing: bool, jobs: usize, seeds: u64) -> Interval {
        let one = |seed| {
            let drawn = drawn(work, load, jobs, seed);
            let stays = stays(&drawn, 4, rule, sharing, &mut Seed(seed).stream("choice"));
            let counted = &stays[jobs / 10..];
            counted.iter().map(|s| s.0).sum::<f64>() / counted.len() as f64
        };
        Interval::of(&(1..=seeds).map(one).collect::<Vec<f64>>(), 0.95).expect("seeds")
    }

    #[test]
    fn it_gives_the_published_numbers() {
        let (exponential, constant) = (Dist::Exponential(UNIT), Dist::Constant(UNIT));
        for (work, load, rule, sharing, published) in [
            (&exponential, 0.7, Rule::RoundRobin, false, 2.237),
            (&exponential, 0.7, Rule::Fewest, false, 1.512),
            (&exponential, 0.7, Rule::TwoDistinct, false, 1.790),
            (&constant, 0.7, Rule::RoundRobin, false, 1.189),
            (&constant, 0.7, Rule::Fewest, false, 1.252),
            (&constant, 0.7, Rule::TwoDistinct, false, 1.388),
            (&exponential, 0.7, Rule::RoundRobin, true, 2.237),
            (&exponential, 0.7, Rule::TwoDistinct, true, 1.800),
        ] {
            let found = mean(work, load, rule, sharing, 20_000, 8);
            let half = found.half.expect("seeds");
            assert!(half < 0.1 * published, "{found:?}");
            assert!(
                (found.mean - published).abs() < half + 0.01 * published,
                "{rule:?} {sharing}: {found:?}, {published}"
            );
        }
    }

    #[test]
    fn sharing_two_ways_takes_twice_as_long() {
        let jobs = [Job { at: 0.0, work: 1.0 }, Job { at: 0.5, work: 1.0 }, Job { at: 5.0, work: 3.0 }];
        let mut rng = Seed(1).stream("none");
        let shared = stays(&jobs, 1, Rule::Fewest, true, &mut rng);
        assert_eq!(shared.iter().map(|s| s.0).collect::<Vec<f64>>(), [1.5, 1.5, 3.0]);
        let queued = stays(&jobs, 1, Rule::Fewest, false, &mut rng);
        assert_eq!(queued.iter().map(|s| s.0).collect::<Vec<f64>>(), [1.0, 1.5, 3.0]);
    }

    /// Where the numbers come from that [`super::super::schedulers`] expects of `twos` with constant and heavy-tailed work:
    /// `cargo test --release --lib apart -- --ignored --nocapture` prints them again.
    #[test]
    #[ignore = "minutes: makes the constants of schedulers.rs"]
    fn print_what_two_draws_take() {
        let pareto = Dist::BoundedPareto { mean: UNIT, shape_ppm: 1_500_000, ratio_ppm: 10_000_000_000 };
        for (name, work, sharing) in [
            ("fcfs constant", Dist::Constant(UNIT), false),
            ("fcfs bounded pareto", pareto.clone(), false),
            ("ps bounded pareto", pareto, true),
        ] {
            for load in [0.3, 0.7, 0.9] {
                let found = mean(&work, load, Rule::TwoDraws, sharing, 200_000, 20);
                println!("{name} {load}: {:.4} ± {:.4}", found.mean, found.half.unwrap_or(0.0));
            }
        }
    }
}
