//! Linux's network tables and the decisions over them.
//!
//! [`Inet`] is what `ip`, `ifconfig`, `route`, `arp` and `sysctl` change and what the packet path asks.

pub mod addr;
pub mod arp;
pub mod cache;
pub mod dev;
pub mod errno;
pub mod exceptions;
pub mod fib;
pub mod inet;
pub mod klog;
pub mod neigh;
pub mod netfilter;
pub mod proc;
pub mod routing;
pub mod sock;

pub use dev::{Dev, DevKind, Devs, IfAddr};
pub use errno::{Errno, NetError};
pub use fib::{Fib, FibError, FlowKey, Hit, Route, RouteKind};
pub use inet::Inet;
pub use neigh::{Neigh, NeighTable, Nud};
