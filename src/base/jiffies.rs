//! The kernel's coarse timers: jiffies of 4 ms (HZ = 250) and a wheel whose slots widen with the distance (kernel/time/timer.c).
//!
//! A timer never fires early and up to one slot late: 4 ms below a quarter of a second, 32 ms below two seconds, 256 ms
//! below sixteen, 2 s below two minutes, 16 s below a quarter of an hour. This shows: an ARP request that nobody answers
//! fails after 3.07 s, not after 3 s, and so after the SYN's second repetition.
//!
//! A slot is a list that is filled and emptied at its head: of two timers in one slot the one armed last fires first. Slots
//! of several levels that are due in one jiffy are emptied from the widest down (`collect_expired_timers`).
//!
//! Left out: the timers of IPVS and of held-back ARP answers, which are exact here; a timer that is moved within its slot
//! keeps its place in the kernel's list and goes to the head of ours.

use super::SimTime;

/// Jiffies of a second.
pub const HZ: u64 = 250;
/// Nanoseconds of a jiffy.
const JIFFY: u64 = 1_000_000_000 / HZ;
/// Slots of a level before the next one begins (`LVL_SIZE - 1`).
const SLOTS: u64 = 63;
/// Each level's slots are eight times as wide as the last one's.
const STEP: u32 = 3;
/// Levels of the wheel.
const LEVELS: u32 = 9;
/// Jiffies that have been counted when set-up begins. A kernel has counted since it booted, so where a slot begins is
/// chance. Here a scenario's t = 0 lies in the middle of a slot of every level up to 2 s, unless set-up waits for something:
/// what begins at round times is not at the edge of a slot, and fires in the order in which it mostly does.
const AT_START: u64 = 267;

/// The kernel's `jiffies` at this time.
#[inline]
pub fn of(now: SimTime) -> u64 {
    AT_START + now.0 / JIFFY
}

/// When a timer armed now for `at` really fires, and on which level of the wheel it waits.
#[inline]
pub fn fires(now: SimTime, at: SimTime) -> (SimTime, u8) {
    let delay = at.since(now).0.div_ceil(JIFFY);
    let expires = AT_START + now.0 / JIFFY + delay;
    let mut shift = 0;
    while delay >= SLOTS << shift && shift < STEP * (LEVELS - 1) {
        shift += STEP;
    }
    let jiffies = ((expires >> shift) + 1) << shift;
    (SimTime((jiffies - AT_START).saturating_mul(JIFFY)).max(at), (shift / STEP) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    #[test]
    fn a_timer_is_never_early_and_at_most_a_slot_late() {
        for (delay, slot) in [(40, 8), (200, 8), (1_000, 36), (3_000, 260), (30_000, 2_052)] {
            for start in [0, 1_234_567, 999_999_999, 3_456_789_012] {
                let (now, delay) = (SimTime(start), Span::from_millis(delay));
                let (fired, _) = fires(now, now + delay);
                assert!(fired >= now + delay);
                assert!(fired.since(now + delay) <= Span::from_millis(slot), "{delay} from {start}: {fired:?}");
            }
        }
    }

    #[test]
    fn three_rounds_of_a_second_take_more_than_three_seconds() {
        let mut t = SimTime(500_000_000);
        for _ in 0..3 {
            (t, _) = fires(t, t + Span::from_secs(1));
        }
        let took = t.since(SimTime(500_000_000)).as_millis();
        assert!((3_040..3_100).contains(&took), "{took} ms");
    }

    #[test]
    fn longer_waits_are_on_higher_levels() {
        let level = |ms| fires(SimTime(0), SimTime(0) + Span::from_millis(ms)).1;
        assert_eq!([200, 300, 1_000, 3_000, 20_000, 900_000].map(level), [0, 1, 1, 2, 3, 4]);
    }
}
