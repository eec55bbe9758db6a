//! The kernel variables: one table of rows, one store of values per host.
//!
//! A new variable is one row in [`table`]; `sysctl -a`, validation, effective values and the reference page follow.

pub mod store;
pub mod table;

pub use store::{Effective, Sysctls, WriteError};
pub use table::{Combine, Conf, FREE_PAGES, Global, Neigh, Row};
