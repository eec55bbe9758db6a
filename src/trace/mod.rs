//! The vocabulary of what can happen. Everyone may speak; only reports listen.

pub mod aside;
pub mod drop;
pub mod event;
pub mod pack;
pub mod snmp;
pub mod spool;
#[cfg(test)]
pub(crate) mod testing;
pub mod tracer;

pub use aside::{Aside, Records};
pub use drop::{DropReason, KernelRule};
pub use event::{ArpAnswer, Because, Candidate, Compared, Decision, Dir, Ends, Receipt, Record, TraceEvent};
pub use snmp::{Mib, Snmp};
pub use spool::{OpenSpool, Spool, Spooling};
pub use tracer::{TraceMask, Tracer};
