//! The census: how many connections of the traffic are in the system, added up over time.
//!
//! It is kept while the run goes on and knows nothing of the single connections; their own times are in
//! [`ConnResult`](super::workload::ConnResult). That both say the same (conservation, Little's law) shows that neither has
//! lost anything.

use crate::base::SimTime;

/// Connections in the system: from their start until their outcome is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Started.
    pub arrived: u64,
    /// Over.
    pub done: u64,
    since: SimTime,
    /// Up to `since`.
    area: u128,
}

impl Census {
    /// One starts.
    #[inline]
    pub fn arrive(&mut self, now: SimTime) {
        self.pass(now);
        self.arrived += 1;
    }

    /// One is over.
    #[inline]
    pub fn leave(&mut self, now: SimTime) {
        self.pass(now);
        self.done += 1;
    }

    /// How many are in the system.
    #[inline]
    pub fn present(&self) -> u64 {
        self.arrived.saturating_sub(self.done)
    }

    /// Their number times nanoseconds, from the beginning until now: divided by the time it is the mean number.
    pub fn area(&self, now: SimTime) -> u128 {
        self.area + u128::from(self.present()) * u128::from(now.since(self.since).0)
    }

    #[inline]
    fn pass(&mut self, now: SimTime) {
        self.area = self.area(now);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_sum_of_all_stays() {
        let mut census = Census::default();
        census.arrive(SimTime(10));
        census.arrive(SimTime(30));
        census.leave(SimTime(40));
        assert_eq!((census.arrived, census.done, census.present()), (2, 1, 1));
        // 10 to 40, and 30 to 100.
        assert_eq!(census.area(SimTime(100)), 30 + 70);
        assert_eq!(census.area(SimTime(40)), 30 + 10);
    }
}
