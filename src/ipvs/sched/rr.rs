//! Round robin (ip_vs_rr.c).

use super::{DestList, Flow, Pick, Scheduler};
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

/// State of round robin: the place of the last choice.
#[derive(Clone, Debug, Default)]
pub struct Rr {
    /// None: the list's head, before the first destination.
    last: Option<usize>,
}

impl Scheduler for Rr {
    fn init(&mut self, _: DestList<'_>, _: crate::base::SimTime) {
        self.last = None;
    }

    fn added(&mut self, _: DestList<'_>) {
        // The new one is in place 0; the mark stays at its destination.
        self.last = self.last.map(|p| p + 1);
    }

    fn removed(&mut self, _: DestList<'_>, place: usize) {
        // Deleting the marked destination moves the mark to the one before it.
        self.last = match self.last {
            Some(p) if p >= place => p.checked_sub(1),
            last => last,
        };
    }

    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        let n = dests.len();
        // From the head there is one pass; from a destination the walk ends when it was tested itself.
        let first = self.last.map_or(0, |p| p + 1);
        let place = (first..first + n).map(|i| if i < n { i } else { i - n }).find(|&i| dests.get(i).usable())?;
        self.last = Some(place);
        Some(Pick { place, because: Because::NextInTurn { place: place as u32, of: n as u32 } })
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        let n = dests.len();
        let first = self.last.map_or(0, |p| p + 1);
        Compared::Turn(((place + n - first % n) % n) as u32 + 1)
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn the_newest_is_first_and_weights_other_than_zero_do_not_count() {
        assert_eq!(Bench::three("rr", [1, 5, 9]).run(6, true), "321321");
        assert_eq!(Bench::three("rr", [1, 0, 9]).run(6, true), "313131");
    }

    #[test]
    fn after_deleting_the_one_chosen_last_the_next_follows() {
        let mut b = Bench::new("rr").add(1, 1).add(2, 1).add(4, 1).add(5, 1);
        assert_eq!(b.run(1, false), "5");
        b.delete(5);
        assert_eq!(b.run(3, false), "421");
        // One that comes back is at the head; the turn goes on where it was.
        let mut b = b.add(5, 1);
        assert_eq!(b.run(4, false), "5421");
    }

    #[test]
    fn a_full_server_is_passed_over_and_a_failure_keeps_the_turn() {
        let mut b = Bench::three("rr", [1, 1, 1]);
        assert_eq!(b.run(1, false), "3");
        for n in 1..=3 {
            b.dest(n).overload = true;
        }
        assert_eq!(b.run(1, false), "0");
        b.dest(1).overload = false;
        b.dest(3).overload = false;
        assert_eq!(b.run(3, false), "131");
    }
}
