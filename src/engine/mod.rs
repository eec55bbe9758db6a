//! Time and the wire between boxes: what happens next, and when.

pub mod arrivals;
pub mod census;
pub mod ledger;
pub mod link;
pub mod queue;
mod timers;
pub mod workload;
pub mod world;
