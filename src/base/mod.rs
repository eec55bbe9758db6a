//! What everything stands on: time, identities, randomness, digests. No networking here.

pub mod chunks;
pub mod digest;
pub mod id;
pub mod index;
pub mod jiffies;
pub mod rng;
pub mod table;
pub mod time;

pub use chunks::Chunks;
pub use id::{DevIdx, LinkId, NodeId};
pub use index::Index;
pub use rng::{Rng, Seed};
pub use table::Table;
pub use time::{SimTime, Span};
