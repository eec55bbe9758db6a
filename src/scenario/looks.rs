//! When a run is looked at besides: at moments that an observer names, and often, at moments that follow from the time alone.
//!
//! Often is every 2^14 ns (16 us) at first, and every 128th of the time that has passed (a power of two of nanoseconds) later: some
//! hundred looks for any run, and the edges of any 128 equal parts of it among them. A look changes nothing: the world stops between
//! two events.

use crate::base::{SimTime, Span};

/// The shortest distance of two looks.
pub const SHORTEST: Span = Span(1 << 14);
/// Parts of a run, at most twice as many, that looks tell apart.
pub const PARTS: u64 = 128;

/// Moments at which `go_on` is asked besides.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    often: bool,
    /// Sorted.
    at: Vec<SimTime>,
}

impl Looks {
    /// Often, and at these moments.
    pub fn often_and(mut at: Vec<SimTime>) -> Looks {
        at.sort_unstable();
        Looks { often: true, at }
    }

    /// The next moment after `now`.
    pub fn next(&self, now: SimTime, zero: SimTime) -> Option<SimTime> {
        let named = self.at.iter().copied().find(|&at| at > now);
        let often = self.often.then(|| {
            let passed = now.since(zero).0;
            let step = distance(passed);
            zero + Span((passed / step + 1) * step)
        });
        [named, often].into_iter().flatten().min()
    }

    /// Whether this is one of the moments that come often.
    pub fn is_edge(now: SimTime, zero: SimTime) -> bool {
        let passed = now.since(zero).0;
        now >= zero && passed.is_multiple_of(distance(passed))
    }
}

fn distance(passed: u64) -> u64 {
    let part = (passed / PARTS).max(1);
    (1 << part.ilog2()).max(SHORTEST.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_some_hundred_looks_with_the_edges_of_its_parts() {
        let (zero, looks) = (SimTime(77), Looks::often_and(vec![SimTime(1_000_000_001)]));
        let (mut now, mut seen) = (zero, Vec::new());
        while now.since(zero) < Span::from_secs(3600) {
            let next = looks.next(now, zero).expect("often");
            assert!(next > now);
            assert!(next == SimTime(1_000_000_001) || Looks::is_edge(next, zero));
            now = next;
            seen.push(now.since(zero).0);
        }
        assert!((500..3_000).contains(&seen.len()), "{}", seen.len());
        assert!(seen.contains(&999_999_924));
        let part = (Span::from_secs(3600).0 / PARTS).next_power_of_two();
        assert!((1..PARTS / 2).all(|n| seen.contains(&(n * part))));
        assert_eq!(Looks::default().next(zero, zero), None);
    }
}
