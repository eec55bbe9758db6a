//! Weighted round robin (ip_vs_wrr.c).
//!
//! A mark goes down in steps of the weights' greatest common divisor; at each level every destination whose weight
//! reaches the mark has a turn. Where the mark starts depends on the order of the commands.

use super::{DestList, Flow, Pick, Scheduler};
use crate::base::SimTime;
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

/// State of weighted round robin, with the kernel's names.
#[derive(Clone, Debug)]
pub struct Wrr {
    /// Place of the last choice; none: the list's head.
    cl: Option<usize>,
    /// The mark.
    cw: i32,
    /// Where the mark starts again: the largest weight less `di - 1`.
    mw: i32,
    /// Greatest common divisor of the weights.
    di: i32,
}

impl Default for Wrr {
    fn default() -> Self {
        Wrr { cl: None, cw: 0, mw: 0, di: 1 }
    }
}

impl Wrr {
    fn measure(&mut self, dests: DestList<'_>) {
        let weights = || dests.iter().map(|d| d.weight).filter(|&w| w > 0);
        self.cl = None;
        self.di = weights().reduce(gcd).unwrap_or(1);
        self.mw = weights().max().unwrap_or(0) - (self.di - 1);
    }

    /// ip_vs_wrr_dest_changed.
    fn changed(&mut self, dests: DestList<'_>) {
        self.measure(dests);
        if self.cw > self.mw || self.cw == 0 {
            self.cw = self.mw;
        } else if self.di > 1 {
            self.cw = (self.cw / self.di) * self.di + 1;
        }
    }

    /// ip_vs_wrr_schedule: goes on to the next whose turn it is.
    fn next(&mut self, dests: DestList<'_>) -> Option<usize> {
        if self.mw == 0 {
            return None;
        }
        let start = self.cl;
        let (mut last_pass, mut restarted) = (false, false);
        let mut stop: Option<usize> = None;
        let mut top = None;
        let mut from = start.map_or(0, |p| p + 1);
        loop {
            for place in from..dests.len() {
                let d = dests.get(place);
                if !d.overload && d.weight >= self.cw {
                    self.cl = Some(place);
                    return Some(place);
                }
                if stop == Some(place) {
                    self.cl = Some(place);
                    return None;
                }
            }
            self.cw -= self.di;
            if self.cw <= 0 {
                self.cw = self.mw;
                // Failing at the tail leaves the position at the head.
                if last_pass || start.is_none() {
                    self.cl = None;
                    return None;
                }
                restarted = true;
            }
            // Levels that no destination reaches pass at once, however high the weights are.
            let top = *top.get_or_insert_with(|| {
                let weights = dests.iter().filter(|d| !d.overload).map(|d| d.weight);
                weights.max().unwrap_or(0)
            });
            let level = top.max(self.di);
            if self.cw > level {
                self.cw -= (self.cw - level + self.di - 1) / self.di * self.di;
            }
            last_pass = self.cw <= self.di;
            if last_pass && restarted && start.is_some() {
                stop = start;
            }
            from = 0;
        }
    }
}

pub(super) fn gcd(mut a: i32, mut b: i32) -> i32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Scheduler for Wrr {
    fn init(&mut self, dests: DestList<'_>, _: SimTime) {
        self.measure(dests);
        self.cw = self.mw;
    }

    fn added(&mut self, dests: DestList<'_>) {
        self.changed(dests);
    }

    fn removed(&mut self, dests: DestList<'_>, _: usize) {
        self.changed(dests);
    }

    fn edited(&mut self, dests: DestList<'_>) {
        self.changed(dests);
    }

    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        let place = self.next(dests)?;
        let (weight, mark) = (dests.get(place).weight as u32, self.cw as u32);
        Some(Pick { place, because: Because::WeightedTurn { weight, mark } })
    }

    /// The mark is that at which the walk finds somebody; if it finds nobody, that before it.
    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        let mut walk = self.clone();
        let mark = walk.next(dests).map_or(self.cw, |_| walk.cw);
        Compared::Mark { weight: dests.get(place).weight, mark }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use crate::trace::{Because, Compared};

    fn repeats(b: &mut Bench, turn: &str) {
        let n = turn.len();
        assert_eq!(b.run(3 * n, false), turn.repeat(3));
    }

    #[test]
    fn recorded_turns_follow_from_weights_and_the_order_of_adding() {
        let mut b = Bench::three("wrr", [3, 1, 2]);
        repeats(&mut b, "321131");
        b.edit(2, 4);
        repeats(&mut b, "321321221");
        b.edit(1, 0);
        repeats(&mut b, "232");
        repeats(&mut Bench::new("wrr").add(1, 4).add(2, 2), "211");
        repeats(&mut Bench::three("wrr", [2, 4, 6]), "321332");
        let mut b = Bench::new("wrr").add(1, 3);
        assert_eq!(b.run(4, false), "1111");
        repeats(&mut b.add(2, 5), "21222121");
    }

    #[test]
    fn set_on_a_service_that_has_servers_it_starts_at_the_top() {
        let mut b = Bench::new("rr").add(1, 3).add(2, 1);
        b.switch("wrr");
        repeats(&mut b, "1121");
    }

    #[test]
    fn a_full_server_is_passed_over_and_all_full_is_the_end() {
        let mut b = Bench::three("wrr", [3, 1, 2]);
        b.dest(1).overload = true;
        assert_eq!(b.run(6, false), "323323");
        b.dest(2).overload = true;
        b.dest(3).overload = true;
        assert_eq!(b.run(3, false), "000");
    }

    #[test]
    fn what_was_compared_is_the_mark_that_counted() {
        let mut b = Bench::three("wrr", [3, 1, 2]);
        for _ in 0..12 {
            let compared = b.compare();
            let pick = b.next().expect("somebody has room");
            let Because::WeightedTurn { weight, mark } = pick.because else { panic!("{:?}", pick.because) };
            assert!(compared.iter().all(|(_, c)| matches!(*c, Compared::Mark { mark: m, .. } if m as u32 == mark)));
            assert!(weight >= mark);
        }
        (1..=3).for_each(|n| b.dest(n).overload = true);
        assert!(b.compare().iter().all(|(_, c)| matches!(*c, Compared::Mark { mark: 1..=3, .. })));
    }

    #[test]
    fn a_huge_weight_that_is_full_costs_no_time() {
        let mut b = Bench::new("wrr").add(1, i32::MAX).add(2, 1);
        b.dest(1).overload = true;
        assert_eq!(b.run(1000, false), "2".repeat(1000));
        b.dest(2).overload = true;
        assert_eq!(b.run(1000, false), "0".repeat(1000));
    }
}
