//! What everything stands on: time, identities, randomness, digests. No networking here.

pub mod chunks;
pub mod digest;
pub mod dist;
pub mod id;
pub mod index;
pub mod jiffies;
pub mod pack;
pub mod rng;
pub mod size;
pub mod table;
pub mod time;

pub use chunks::Chunks;
pub use dist::Dist;
pub use id::{DevIdx, LinkId, NodeId, ShortId};
pub use index::Index;
pub use rng::{Draws, Rng, Seed};
pub use table::Table;
pub use time::{SimTime, Span};
