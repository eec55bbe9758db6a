//! lvsim: a deterministic discrete-event simulator of Linux Virtual Server topologies.
//!
//! The rooms, in reading order; each may use only the rooms before it (`tests/it/tidy.rs` keeps that):
//!
//! `lang → base → wire → sysctl → trace → net → ipvs → node → shell → engine → scenario → report → study → cli`
//!
//! The library does no IO: text goes in, artifacts come out as bytes. Only `cli` touches files and the terminal.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod engine;
pub mod ipvs;
pub mod lang;
pub mod net;
pub mod node;
pub mod report;
pub mod scenario;
pub mod shell;
pub mod study;
pub mod sysctl;
pub mod trace;
pub mod wire;
