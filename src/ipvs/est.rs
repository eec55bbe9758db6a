//! Counters and rates: what `ipvsadm --stats` and `--rate` show (ip_vs_est.c).
//!
//! The kernel's timer copies the counters every two seconds and averages the differences. Here the copies are made
//! lazily: each object remembers the number of the last tick it has seen and catches up when it is touched.
//! Simplification: a packet at the very nanosecond of a tick comes after it.

use crate::base::{SimTime, Span};

/// Time between two copies.
pub const EST_PERIOD: Span = Span::from_secs(2);

/// Counters since the object was made or zeroed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections scheduled.
    pub conns: u64,
    /// Packets from clients.
    pub in_pkts: u64,
    /// Packets from servers that were seen.
    pub out_pkts: u64,
    /// IP bytes from clients.
    pub in_bytes: u64,
    /// IP bytes from servers that were seen.
    pub out_bytes: u64,
}

/// Rates per second, rounded as the kernel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Connections.
    pub cps: u64,
    /// Packets from clients.
    pub in_pps: u64,
    /// Packets from servers.
    pub out_pps: u64,
    /// Bytes from clients.
    pub in_bps: u64,
    /// Bytes from servers.
    pub out_bps: u64,
}

/// The namespace's estimator timer: how often it has run by now, without the time in which `run_estimation` was 0.
#[derive(Clone, Copy, Debug)]
pub struct EstClock {
    run: bool,
    skipped: u64,
    frozen: u64,
}

impl Default for EstClock {
    fn default() -> Self {
        EstClock { run: true, skipped: 0, frozen: 0 }
    }
}

impl EstClock {
    /// Ticks done by `now`.
    #[inline]
    pub fn ticks(&self, now: SimTime) -> u64 {
        if self.run { now.0 / EST_PERIOD.0 - self.skipped } else { self.frozen }
    }

    /// Follows `net.ipv4.vs.run_estimation`.
    #[inline]
    pub fn set_run(&mut self, now: SimTime, run: bool) {
        if run == self.run {
            return;
        }
        if run {
            self.skipped = now.0 / EST_PERIOD.0 - self.frozen;
        } else {
            self.frozen = self.ticks(now);
        }
        self.run = run;
    }
}

/// Counters of one service, destination or namespace, with their estimator.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    live: Counters,
    /// As of the last tick.
    snap: Counters,
    /// Subtracted from what is shown (`-Z`).
    zero: Counters,
    /// Averages: conns and packets times 1024, bytes times 32.
    scaled: [u64; 5],
    tick: u64,
}

impl Stats {
    /// Counters of an object made at this tick.
    pub fn new(tick: u64) -> Stats {
        Stats { tick, ..Stats::default() }
    }

    /// A connection was scheduled.
    #[inline]
    pub fn conn(&mut self, tick: u64) {
        self.settle(tick);
        self.live.conns += 1;
    }

    /// A packet of `len` bytes from a client.
    #[inline]
    pub fn input(&mut self, tick: u64, len: u32) {
        self.settle(tick);
        self.live.in_pkts += 1;
        self.live.in_bytes += u64::from(len);
    }

    /// A packet of `len` bytes from a server.
    #[inline]
    pub fn output(&mut self, tick: u64, len: u32) {
        self.settle(tick);
        self.live.out_pkts += 1;
        self.live.out_bytes += u64::from(len);
    }

    /// What `--stats` shows: the counters as of the last tick, less those at the last `-Z`.
    pub fn shown(&self, tick: u64) -> Counters {
        let s = self.at(tick);
        Counters {
            conns: s.snap.conns - s.zero.conns,
            in_pkts: s.snap.in_pkts - s.zero.in_pkts,
            out_pkts: s.snap.out_pkts - s.zero.out_pkts,
            in_bytes: s.snap.in_bytes - s.zero.in_bytes,
            out_bytes: s.snap.out_bytes - s.zero.out_bytes,
        }
    }

    /// The counters as they are this moment, without the estimator's lag; nothing in userspace shows these.
    pub fn live(&self) -> Counters {
        self.live
    }

    /// What `--rate` shows.
    pub fn rates(&self, tick: u64) -> Rates {
        let e = self.at(tick).scaled;
        let packets = |e: u64| (e + 0x1ff) >> 10;
        let bytes = |e: u64| (e + 0xf) >> 5;
        Rates {
            cps: packets(e[0]),
            in_pps: packets(e[1]),
            out_pps: packets(e[2]),
            in_bps: bytes(e[3]),
            out_bps: bytes(e[4]),
        }
    }

    /// `-Z`: what is shown counts from the last copy, and the rates are 0.
    pub fn zero(&mut self, tick: u64) {
        self.settle(tick);
        self.zero = self.snap;
        self.scaled = [0; 5];
    }

    /// Stops the estimator (ip_vs_stop_estimator): from now on nothing is copied until [`Stats::restart`].
    pub(super) fn stop(&mut self, tick: u64) {
        self.settle(tick);
        self.tick = u64::MAX;
    }

    /// Starts the estimator again after a time in the trash.
    pub(super) fn restart(&mut self, tick: u64) {
        self.tick = tick;
    }

    fn at(&self, tick: u64) -> Stats {
        let mut s = self.clone();
        s.settle(tick);
        s
    }

    #[inline]
    fn settle(&mut self, tick: u64) {
        if self.tick < tick {
            self.catch_up(tick);
        }
    }

    #[cold]
    fn catch_up(&mut self, tick: u64) {
        while self.tick < tick {
            if self.snap == self.live && self.scaled == [0; 5] {
                self.tick = tick;
                return;
            }
            let (now, last) = (self.live, self.snap);
            let rates = [
                (now.conns - last.conns) << 9,
                (now.in_pkts - last.in_pkts) << 9,
                (now.out_pkts - last.out_pkts) << 9,
                (now.in_bytes - last.in_bytes) << 4,
                (now.out_bytes - last.out_bytes) << 4,
            ];
            for (e, rate) in self.scaled.iter_mut().zip(rates) {
                *e = e.wrapping_add_signed((rate as i64).wrapping_sub(*e as i64) >> 2);
            }
            self.snap = now;
            self.tick += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_fall_by_a_quarter_every_two_seconds_as_recorded() {
        // Eight SYNs of 40 bytes at once, then nothing.
        let mut s = Stats::new(0);
        for _ in 0..8 {
            s.conn(0);
            s.input(0, 40);
        }
        let seen: Vec<(u64, u64)> = (1..=7).map(|t| (s.rates(t).cps, s.rates(t).in_bps)).collect();
        assert_eq!(seen, [(1, 40), (1, 30), (1, 22), (0, 17), (0, 13), (0, 9), (0, 7)]);
        assert_eq!(s.rates(10_000_000_000), Rates::default());
    }

    #[test]
    fn what_is_shown_lags_until_the_next_tick_and_zero_subtracts_only_that() {
        let mut s = Stats::new(0);
        s.conn(0);
        assert_eq!(s.shown(0).conns, 0);
        assert_eq!(s.shown(1).conns, 1);
        s.conn(1);
        s.zero(1);
        assert_eq!(s.shown(1).conns, 0);
        assert_eq!(s.shown(2).conns, 1);
    }

    #[test]
    fn a_stopped_estimator_copies_what_came_before_and_nothing_after() {
        let mut s = Stats::new(0);
        s.conn(0);
        s.stop(1);
        s.conn(3);
        assert_eq!((s.shown(4).conns, s.live().conns), (1, 2));
        s.restart(4);
        s.zero(4);
        assert_eq!((s.shown(4).conns, s.shown(5).conns), (0, 1));
    }

    #[test]
    fn without_run_estimation_no_tick_passes() {
        let at = |s: u64| SimTime(s * 1_000_000_000);
        let mut c = EstClock::default();
        assert_eq!(c.ticks(at(5)), 2);
        c.set_run(at(5), false);
        assert_eq!(c.ticks(at(50)), 2);
        c.set_run(at(50), true);
        assert_eq!(c.ticks(at(51)), 2);
        assert_eq!(c.ticks(at(52)), 3);
    }
}
