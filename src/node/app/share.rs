//! Processor sharing in integers: workers that share themselves out over all requests.
//!
//! A clock of virtual time shows how much work each request has got since the clock started; a request is done when the clock
//! shows what it showed at its beginning and its work. With n requests, w workers and speed s the clock goes at
//! s · min(n, w) / n, so that a heap by virtual finish tells who is next, and nobody else has to be touched when one comes or
//! goes. The clock counts in 2^-20 ns; what a division leaves over is lost, less than a unit at each arrival or departure.

use crate::base::{SimTime, Span};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bits of the clock behind the nanosecond.
const POINT: u32 = 20;

/// The requests of one service that share its workers.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Virtual time: work that each request has got.
    clock: u128,
    /// When it showed that.
    since: SimTime,
    /// Virtual finish, number of arrival, request. Requests that went away stay until they are at the top.
    heap: BinaryHeap<Reverse<(u128, u64, u32)>>,
    arrived: u64,
    /// How many there are.
    n: u32,
    /// When the host was asked to call, the earliest time.
    armed: Option<SimTime>,
}

impl Shared {
    /// How many requests share the workers.
    pub fn len(&self) -> u32 {
        self.n
    }

    /// Lets the clock go on until now.
    pub fn advance(&mut self, now: SimTime, workers: u32, speed_ppm: u64) {
        let gone = u128::from(now.since(self.since).0);
        self.since = self.since.max(now);
        if self.n > 0 {
            self.clock += (gone * rate(self.n, workers, speed_ppm) << POINT) / (1_000_000 * u128::from(self.n));
        }
    }

    /// A request of so much work begins; the clock stands at now.
    pub fn add(&mut self, job: u32, work: u64) {
        self.arrived += 1;
        self.n += 1;
        self.heap.push(Reverse((self.clock + (u128::from(work) << POINT), self.arrived, job)));
    }

    /// A request went away; the clock stands at now. It comes out of [`Shared::pop`] in its turn.
    pub fn leave(&mut self) {
        self.n = self.n.saturating_sub(1);
    }

    /// The next request that is done, or that went away, if one of them is at the top of the heap.
    pub fn pop(&mut self, is_gone: impl Fn(u32) -> bool) -> Option<u32> {
        let gone = self.pop_gone(is_gone);
        if gone.is_some() {
            return gone;
        }
        let &Reverse((finish, _, job)) = self.heap.peek()?;
        if finish > self.clock {
            return None;
        }
        self.heap.pop();
        self.leave();
        Some(job)
    }

    /// The request at the top of the heap, if it went away.
    pub fn pop_gone(&mut self, is_gone: impl Fn(u32) -> bool) -> Option<u32> {
        let &Reverse((_, _, job)) = self.heap.peek()?;
        is_gone(job).then(|| {
            self.heap.pop();
            job
        })
    }

    /// Takes all requests out, each with the time that it would take if nobody came or went, at speed 1.
    pub fn drain(&mut self, workers: u32) -> Vec<(u32, u64)> {
        let (n, clock) = (u128::from(self.n.max(1)), self.clock);
        let each = u128::from(self.n.clamp(1, workers.max(1)));
        self.n = 0;
        let left = |finish: u128| (finish.saturating_sub(clock).div_ceil(1 << POINT) * n).div_ceil(each);
        let all = std::mem::take(&mut self.heap).into_sorted_vec();
        // From the earliest finish to the latest.
        all.into_iter().rev().map(|Reverse((f, _, job))| (job, u64::try_from(left(f)).unwrap_or(u64::MAX))).collect()
    }

    /// When to call again, if nobody is asked to call by then. The top of the heap is a request that is there.
    pub fn arm(&mut self, workers: u32, speed_ppm: u64) -> Option<SimTime> {
        let &Reverse((finish, _, _)) = self.heap.peek()?;
        let rate = rate(self.n.max(1), workers, speed_ppm);
        if rate == 0 {
            return None;
        }
        let left = finish.saturating_sub(self.clock);
        let wait = left.saturating_mul(1_000_000 * u128::from(self.n.max(1))).div_ceil(rate << POINT);
        let at = self.since + Span(u64::try_from(wait).unwrap_or(u64::MAX / 4).min(u64::MAX / 4));
        if self.armed.is_some_and(|armed| armed <= at) {
            return None;
        }
        self.armed = Some(at);
        Some(at)
    }

    /// The host calls.
    pub fn called(&mut self, now: SimTime) {
        if self.armed.is_some_and(|at| at <= now) {
            self.armed = None;
        }
    }
}

/// Millionths of nanoseconds of work in a nanosecond, for all requests together.
fn rate(n: u32, workers: u32, speed_ppm: u64) -> u128 {
    u128::from(n.min(workers)) * u128::from(speed_ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEED: u64 = 1_000_000;

    /// Lets jobs (arrival, work) be done by so many workers; when each was.
    fn finishes(jobs: &[(u64, u64)], workers: u32, speed: u64) -> Vec<u64> {
        let mut shared = Shared::default();
        let mut done = vec![0; jobs.len()];
        let mut next = 0;
        let mut timers: std::collections::BTreeSet<SimTime> = std::collections::BTreeSet::new();
        loop {
            let arrival = jobs.get(next).map(|j| SimTime(j.0));
            let timer = timers.first().copied();
            let now = match (arrival, timer) {
                (Some(a), Some(t)) => a.min(t),
                (Some(t), None) | (None, Some(t)) => t,
                (None, None) => return done,
            };
            timers.remove(&now);
            shared.called(now);
            shared.advance(now, workers, speed);
            while let Some(job) = shared.pop(|_| false) {
                done[job as usize] = now.0;
            }
            if arrival == Some(now) {
                shared.add(next as u32, jobs[next].1);
                next += 1;
            }
            timers.extend(shared.arm(workers, speed));
        }
    }

    #[test]
    fn two_that_share_take_twice_as_long() {
        assert_eq!(finishes(&[(0, 100), (0, 100)], 1, SPEED), [200, 200]);
        assert_eq!(finishes(&[(0, 100), (0, 300)], 1, SPEED), [200, 400]);
        // The first is alone for 50, then each has half: 100 more for its other 50.
        assert_eq!(finishes(&[(0, 100), (50, 100)], 1, SPEED), [150, 200]);
    }

    #[test]
    fn two_workers_are_shared_by_more_than_two() {
        assert_eq!(finishes(&[(0, 100), (0, 100)], 2, SPEED), [100, 100]);
        assert_eq!(finishes(&[(0, 100), (0, 100), (0, 100), (0, 100)], 2, SPEED), [200; 4]);
        assert_eq!(finishes(&[(0, 100), (0, 100)], 2, SPEED / 2), [200, 200]);
    }

    #[test]
    fn thirds_are_not_lost() {
        let jobs: Vec<(u64, u64)> = (0..3_000).map(|i| (i / 3 * 1_000, 100)).collect();
        let done = finishes(&jobs, 1, SPEED);
        for (job, at) in jobs.iter().zip(done) {
            assert!((300..=301).contains(&(at - job.0)), "{at} {job:?}");
        }
    }

    #[test]
    fn one_that_went_away_takes_nothing() {
        let mut shared = Shared::default();
        shared.add(0, 100);
        shared.add(1, 100);
        shared.advance(SimTime(50), 1, SPEED);
        shared.leave();
        assert_eq!(shared.pop(|job| job == 0), Some(0));
        assert_eq!(shared.arm(1, SPEED), Some(SimTime(125)));
        shared.advance(SimTime(125), 1, SPEED);
        assert_eq!((shared.pop(|job| job == 0), shared.len()), (Some(1), 0));
    }
}
