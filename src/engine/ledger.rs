//! The ledger: every frame that was put on a cable is accounted for.
//!
//! On the cables: sent = delivered + lost by a cable (by reason) + in flight. It is asserted in debug builds after every
//! event and by tests at the end of every run. What hosts and switches do with a delivered frame is in their own counters.

use std::collections::BTreeMap;

/// What became of the frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Frames put on a cable; a frame counts once for every cable that it crosses.
    pub sent: u64,
    /// Frames that arrived at the other end.
    pub delivered: u64,
    /// Frames lost by cables, by the reason's code.
    pub lost: BTreeMap<&'static str, u64>,
    /// Frames on their way.
    pub in_flight: u64,
}

impl Ledger {
    /// Whether the books agree.
    pub fn balanced(&self) -> bool {
        self.sent == self.delivered + self.in_flight + self.lost.values().sum::<u64>()
    }
}
