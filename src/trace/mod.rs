//! The vocabulary of what can happen. Everyone may speak; only reports listen.

pub mod drop;
pub mod event;
pub mod snmp;
pub mod tracer;

pub use drop::{DropReason, KernelRule};
pub use event::{ArpAnswer, Because, Candidate, Compared, Decision, Dir, Ends, Receipt, Record, TraceEvent};
pub use snmp::{Mib, Snmp};
pub use tracer::{TraceMask, Tracer};
