//! The kernel's coarse timers: jiffies of 4 ms (HZ = 250) and a wheel whose slots widen with the distance (kernel/time/timer.c).
//!
//! A timer never fires early and up to one slot late: 4 ms below a quarter of a second, 32 ms below two seconds, 256 ms
//! below sixteen, 2 s below two minutes, 16 s below a quarter of an hour. This shows: an ARP request that nobody answers
//! fails after 3.07 s, not after 3 s, and so after the SYN's second repetition.

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

/// The kernel's `jiffies` at this time.
#[inline]
pub fn of(now: SimTime) -> u64 {
    now.0 / JIFFY
}

/// When a timer armed now for `at` really fires.
#[inline]
pub fn fires(now: SimTime, at: SimTime) -> SimTime {
    let delay = at.since(now).0.div_ceil(JIFFY);
    let expires = now.0 / JIFFY + delay;
    let mut shift = 0;
    while delay >= SLOTS << shift && shift < STEP * (LEVELS - 1) {
        shift += STEP;
    }
    let jiffies = ((expires >> shift) + 1) << shift;
    SimTime(jiffies.saturating_mul(JIFFY)).max(at)
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
                let fired = fires(now, now + delay);
                assert!(fired >= now + delay);
                assert!(fired.since(now + delay) <= Span::from_millis(slot), "{delay} from {start}: {fired:?}");
            }
        }
    }

    #[test]
    fn three_rounds_of_a_second_take_more_than_three_seconds() {
        let mut t = SimTime(500_000_000);
        for _ in 0..3 {
            t = fires(t, t + Span::from_secs(1));
        }
        let took = t.since(SimTime(500_000_000)).as_millis();
        assert!((3_040..3_100).contains(&took), "{took} ms");
    }
}
