//! What charts need of a run besides its measures: courses over time in at most 128 parts, the distribution of completion times,
//! evenness over short windows. A few kilobytes a run and server, however long it was.
//!
//! The time from t = 0 to the start of the last connection is cut into equal parts, a power of two of nanoseconds long, so that
//! runs of different length can be laid over each other by adding neighbours up. What comes later, when nothing new arrives, is
//! left out. Active connections are those of the results, from their start to their end, weighted by time; those that nobody
//! answered belong to no server. Busy time is read off the servers between two events ([`crate::scenario::looks`]).

use super::histogram::Histogram;
use super::leave::{Leave, Moves, SlotTable, Tables};
use super::numbers::Evenness;
use crate::base::{NodeId, SimTime, Span};
use crate::engine::workload::ConnResult;
use crate::engine::world::World;
use crate::node::app::{Outcome, Service};
use crate::scenario::looks::{Looks, PARTS, SHORTEST};
use crate::scenario::play::Play;

/// What is wanted of a run besides its measures.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// What charts need.
    pub charts: bool,
    /// Who leaves on the way, and what is to be known of it.
    pub leave: Option<Leave>,
}

/// What charts need of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Completion times of the connections that count and were answered, in nanoseconds.
    pub times: Histogram,
    /// How long a part is.
    pub width: Span,
    /// Parts before this one hold some of the warm-up.
    pub first: usize,
    /// By server and part: active connections, times nanoseconds.
    pub active: Vec<Vec<u64>>,
    /// By server and part: nanoseconds of work, of all workers together; none before the warm-up ends.
    pub busy: Vec<Vec<u64>>,
    /// By server: how many workers it has; nothing: without limit.
    pub workers: Vec<Option<u64>>,
    /// So many connections one after the other, and Jain's index by weight within them, in the mean.
    pub windows: Vec<(u64, f64)>,
    /// How much came and was done while connections came.
    pub load: Option<Offered>,
    /// What became of clients when a server left.
    pub moves: Option<Moves>,
    /// The schedulers' tables before and after it left.
    pub slots: Vec<SlotTable>,
}

/// Load and its fulfilment, from the end of the warm-up to the start of the last connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offered {
    /// Connections that came, per second.
    pub offered: f64,
    /// Connections that were done, per second.
    pub done: f64,
    /// The part of the workers that was busy, in the mean; nothing where workers have no limit.
    pub utilisation: Option<f64>,
}

/// Looks at a world from time to time.
#[derive(Debug)]
pub struct Watch {
    zero: SimTime,
    servers: Vec<NodeId>,
    /// When, and each server's work so far.
    busy: Vec<(SimTime, Vec<u64>)>,
    tables: Option<Tables>,
}

impl Watch {
    /// Of these servers, from t = 0 on.
    pub fn new(play: &mut Play<'_>, servers: &[NodeId], leave: Option<&Leave>) -> Watch {
        let tables = leave.map(|leave| Tables::new(leave, play.zero));
        let named = tables.as_ref().map(Tables::moments).unwrap_or_default();
        play.looks = Looks::often_and(named.to_vec());
        let mut watch = Watch { zero: play.zero, servers: servers.to_vec(), busy: Vec::new(), tables };
        // Who leaves at t = 0 has a table before, too.
        watch.look(&play.world);
        watch
    }

    /// The world as it is now; other moments than those that were asked for do not matter.
    pub fn look(&mut self, world: &World) {
        if let Some(tables) = &mut self.tables {
            tables.look(world, &self.servers);
        }
        if Looks::is_edge(world.now, self.zero) && self.busy.last().is_none_or(|last| last.0 < world.now) {
            self.busy.push((world.now, self.work(world)));
        }
    }

    fn work(&self, world: &World) -> Vec<u64> {
        let served = |&id: &NodeId| world.host(id).map_or(0, |h| h.servers.served(world.now).busy_ns as u64);
        self.servers.iter().map(served).collect()
    }

    /// What was seen, with what the results say. `from`: the end of the warm-up.
    pub fn end(self, play: &Play<'_>, from: SimTime, weights: &[(NodeId, i32)]) -> Detail {
        let results = || play.world.workloads.iter().flat_map(|w| &w.results);
        let last = results().map(|r| r.start).max().unwrap_or(self.zero);
        // All at once: then what came of them.
        let horizon = if last > self.zero { last } else { results().map(|r| r.end).max().unwrap_or(last) };
        let long = horizon.since(self.zero).0;
        let width = long.div_ceil(PARTS).max(SHORTEST.0).next_power_of_two();
        let len = ((long / width) as usize).max(1);
        let place = |r: &ConnResult| self.servers.iter().position(|s| Some(*s) == r.server());

        let mut active = vec![vec![0u64; len]; self.servers.len()];
        let mut times = Histogram::default();
        let mut order: Vec<(SimTime, usize)> = Vec::new();
        let (mut came, mut done) = (0u64, 0u64);
        for r in results() {
            let server = place(r);
            if let Some(server) = server {
                add(&mut active[server], width, r.start.since(self.zero).0, r.end.since(self.zero).0);
            }
            done += u64::from(r.outcome == Outcome::Ok && r.end >= from && r.end <= horizon);
            if r.start < from {
                continue;
            }
            came += 1;
            if r.outcome == Outcome::Ok {
                times.add(r.end.since(r.start).0);
            }
            order.extend(server.filter(|_| r.outcome != Outcome::Unfinished).map(|s| (r.start, s)));
        }
        order.sort_by_key(|o| o.0);
        let order: Vec<usize> = order.into_iter().map(|o| o.1).collect();

        let work = |edge: usize| {
            let at = self.zero + Span(edge as u64 * width);
            self.busy.iter().rfind(|b| b.0 <= at).map(|b| &b.1)
        };
        let between = |server: usize, a: usize, b: usize| {
            let so_far = |edge| work(edge).map_or(0, |w| w[server]);
            so_far(b).saturating_sub(so_far(a))
        };
        let busy = (0..self.servers.len()).map(|s| (0..len).map(|n| between(s, n, n + 1)).collect()).collect();
        let first = (from.since(self.zero).0.div_ceil(width) as usize).min(len - 1);
        let workers: Vec<Option<u64>> = self.servers.iter().map(|&id| workers(&play.world, id)).collect();
        let all: Option<u64> = workers.iter().copied().sum();
        let parts = (len - first) as f64 * width as f64;
        let utilisation = all.filter(|&n| n > 0).map(|all| {
            let work: u64 = (0..self.servers.len()).map(|s| between(s, first, len)).sum();
            work as f64 / (parts * all as f64)
        });
        let seconds = horizon.since(from.max(self.zero)).0 as f64 / 1e9;
        let load = (seconds > 0.0).then(|| Offered {
            offered: came as f64 / seconds,
            done: done as f64 / seconds,
            utilisation,
        });
        let (moves, slots) = self.tables.map_or((None, Vec::new()), |t| t.end(play, weights));
        Detail {
            times,
            width: Span(width),
            first,
            active,
            busy,
            workers,
            windows: windows(&order, weights),
            load,
            moves,
            slots,
        }
    }
}

/// Adds the time from `start` to `end` to the parts that it lies in.
fn add(parts: &mut [u64], width: u64, start: u64, end: u64) {
    let end = end.min(parts.len() as u64 * width);
    let mut at = start;
    while at < end {
        let part = at / width;
        let until = end.min((part + 1) * width);
        parts[part as usize] += until - at;
        at = until;
    }
}

/// All workers of a host; nothing if some service has no limit.
fn workers(world: &World, id: NodeId) -> Option<u64> {
    let services = || world.host(id).into_iter().flat_map(|h| h.servers.services());
    services().all(|s| s.workers != Service::UNLIMITED).then(|| services().map(|s| u64::from(s.workers)).sum())
}

/// Jain's index within windows of 10, 20, 50 … connections that follow each other, in the mean over all whole windows.
fn windows(order: &[usize], weights: &[(NodeId, i32)]) -> Vec<(u64, f64)> {
    let weights: Vec<f64> = weights.iter().map(|w| f64::from(w.1.max(0))).collect();
    let sizes = (1..).flat_map(|d| [1usize, 2, 5].map(|m| m * 10usize.saturating_pow(d)));
    let mut out = Vec::new();
    for size in sizes.take_while(|&s| s <= order.len()).take(24) {
        let (mut sum, mut n) = (0.0, 0u64);
        for window in order.chunks_exact(size) {
            let mut got = vec![0.0; weights.len()];
            window.iter().for_each(|&s| got[s] += 1.0);
            if let Some(even) = Evenness::of(&got, &weights) {
                (sum, n) = (sum + even.jain, n + 1);
            }
        }
        if n > 0 {
            out.push((size as u64, sum / n as f64));
        }
    }
    out
}

impl Detail {
    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.active.first().map_or(0, Vec::len)
    }

    /// Whether there is none, because nobody serves.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all but the load: what a study under many loads keeps of most of its runs.
    pub fn only_load(&mut self) {
        *self = Detail {
            times: Histogram::default(),
            active: Vec::new(),
            busy: Vec::new(),
            windows: Vec::new(),
            slots: Vec::new(),
            workers: Vec::new(),
            ..*self
        };
    }

    /// Values by part, in parts of another length: a power of two times as long. What is left over at the end is left out.
    pub fn folded(values: &[u64], times: usize) -> Vec<u64> {
        values.chunks_exact(times.max(1)).map(|c| c.iter().sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::world::Limits;
    use crate::study::sample::{Case, Sample, run_one, run_wanted};
    use crate::study::testing::lab;
    use crate::study::variant::Variant;

    fn detailed(serve: &str, traffic: &str) -> (Sample, Detail) {
        let lab = lab(2, serve, traffic);
        let case = Case { variant: 0, seed: 1, load: 0 };
        let want = Want { charts: true, leave: None };
        let run = |want: &Want| {
            run_wanted(&lab, Variant::AsItIs, case, Limits::default(), None, want, &mut || true).expect("it runs")
        };
        let mut sample = run(&want);
        let detail = *sample.detail.take().expect("it was wanted");
        let plain = run_one(&lab, Variant::AsItIs, case, Limits::default(), None, &mut || true).expect("it runs");
        assert_eq!(sample, plain, "looking changes nothing");
        (sample, detail)
    }

    #[test]
    fn parts_hold_the_connections_and_the_work_of_their_time() {
        let (sample, d) = detailed("service_time: 5ms, workers: 1", "connections: 400, every: 10ms");
        assert!((PARTS as usize / 2..=PARTS as usize).contains(&d.len()), "{}", d.len());
        // Every second connection, 5 ms of each 20 ms: a quarter of the time.
        let parts = d.width.0 as f64;
        for server in 0..2 {
            for n in 1..d.len() - 1 {
                let (active, busy) = (d.active[server][n] as f64 / parts, d.busy[server][n] as f64 / parts);
                assert!((active - 0.25).abs() < 0.13 && (busy - 0.25).abs() < 0.13, "{n}: {active} {busy}");
            }
            let mean = d.busy[server].iter().sum::<u64>() as f64 / (parts * d.len() as f64);
            assert!((mean - 0.25).abs() < 0.01, "{mean}");
        }
        assert_eq!(d.times.total(), sample.ok);
        let load = d.load.expect("connections came");
        assert!((load.offered - 100.0).abs() < 0.5 && (load.done - 100.0).abs() < 0.5, "{load:?}");
        assert!(load.utilisation.is_some_and(|u| (u - 0.25).abs() < 0.01), "{load:?}");
    }

    #[test]
    fn round_robin_is_even_in_every_window_and_a_hash_is_not() {
        let (_, d) = detailed("service_time: 1ms", "connections: 200, every: 1ms");
        assert_eq!(d.windows.iter().map(|w| w.0).collect::<Vec<_>>(), [10, 20, 50, 100, 200]);
        assert!(d.windows.iter().all(|w| w.1 > 0.999), "{:?}", d.windows);
        assert_eq!(d.load.and_then(|l| l.utilisation), None, "workers without limit are never all busy");
        let one = windows(&[0; 20], &[(NodeId(1), 1), (NodeId(2), 1)]);
        assert_eq!(one, [(10, 0.5), (20, 0.5)]);
    }

    #[test]
    fn neighbours_add_up() {
        assert_eq!(Detail::folded(&[1, 2, 3, 4, 5], 2), [3, 7]);
        let mut parts = vec![0; 4];
        add(&mut parts, 10, 5, 27);
        add(&mut parts, 10, 38, 99);
        assert_eq!(parts, [5, 10, 7, 2]);
    }

    #[test]
    fn connections_that_come_all_at_once_have_a_course_until_they_end() {
        let (_, d) = detailed("service_time: 5ms, workers: 1", "connections: 40, every: 0s");
        assert!(d.len() > 32 && d.active[0][0] > 0, "{}", d.len());
    }
}
