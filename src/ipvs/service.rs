//! Virtual services: what they are called, what a command says about them, what the host keeps (ip_vs_ctl.c).
//!
//! Left out: IPv6, SCTP.

use super::dest::DestId;
use super::est::Stats;
use super::sched::Scheduler;
use crate::wire::Proto;
use crate::words_are_display;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The FTP control port, which has rules of its own.
pub const FTP_PORT: u16 = 21;
/// The port that active FTP sends data from.
pub const FTP_DATA_PORT: u16 = 20;

/// A service's place in the slab of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u32);

impl ServiceId {
    /// The index into the slab.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a service is called: `-t`, `-u` or `-f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// By protocol, address and port; port 0 is every port.
    Addr {
        /// TCP or UDP.
        proto: Proto,
        /// The virtual address.
        addr: Ipv4Addr,
        /// The virtual port.
        port: u16,
    },
    /// By firewall mark, never 0.
    Mark(u32),
}

words_are_display!(ServiceKey);

/// As a title in lists: `TCP 10.0.0.100:80`, `FWM 5`.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceKey::Addr { proto, addr, port } => write!(f, "{proto} {addr}:{port}"),
            // ipvsadm prints marks as signed numbers.
            ServiceKey::Mark(mark) => write!(f, "FWM {}", *mark as i32),
        }
    }
}

impl ServiceKey {
    /// The virtual port; 0 for a mark.
    #[inline]
    pub fn port(&self) -> u16 {
        match self {
            ServiceKey::Addr { port, .. } => *port,
            ServiceKey::Mark(_) => 0,
        }
    }
}

/// A service's three flags that its scheduler reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedFlags(pub u8);

impl SchedFlags {
    /// `flag-1`; sh-fallback, mh-fallback.
    pub const FALLBACK: SchedFlags = SchedFlags(1);
    /// `flag-2`; sh-port, mh-port.
    pub const PORT: SchedFlags = SchedFlags(2);
    /// `flag-3`.
    pub const THIRD: SchedFlags = SchedFlags(4);

    /// Whether any bit of `other` is set.
    #[inline]
    pub fn has(self, other: SchedFlags) -> bool {
        self.0 & other.0 != 0
    }

    /// The names as ipvsadm prints them for this scheduler, in its order.
    pub fn names(self, scheduler: &str) -> Vec<&'static str> {
        let names = match scheduler {
            "sh" => ["sh-fallback", "sh-port", "flag-3"],
            "mh" => ["mh-fallback", "mh-port", "flag-3"],
            _ => ["flag-1", "flag-2", "flag-3"],
        };
        (0..3).filter(|bit| self.0 & (1 << bit) != 0).map(|bit| names[bit]).collect()
    }
}

/// What `ipvsadm -A` and `-E` say about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The scheduler's name; `none` for no scheduler.
    pub scheduler: Arc<str>,
    /// What the scheduler reads (`-b`).
    pub flags: SchedFlags,
    /// `-p`: persistence in seconds; none: not persistent.
    pub persistent: Option<u32>,
    /// `-M`: which bits of a client's address count for persistence.
    pub netmask: Ipv4Addr,
    /// `--pe sip`: a client is a Call-ID, whatever its address.
    pub by_call_id: bool,
    /// `-o`: one packet is one connection (UDP).
    pub ops: bool,
}

impl Default for ServiceSpec {
    /// What ipvsadm sends when nothing is said: wlc, nothing else.
    fn default() -> Self {
        ServiceSpec {
            scheduler: "wlc".into(),
            flags: SchedFlags::default(),
            persistent: None,
            netmask: Ipv4Addr::BROADCAST,
            by_call_id: false,
            ops: false,
        }
    }
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// What it is called.
    pub key: ServiceKey,
    /// What the last command said.
    pub spec: ServiceSpec,
    /// Its scheduler; none with the name `none`.
    pub(super) scheduler: Option<Box<dyn Scheduler>>,
    /// The scheduler's name, from the table of schedulers.
    pub(super) scheduler_name: &'static str,
    /// Its destinations, newest first.
    pub(super) dests: Vec<DestId>,
    /// Its counters.
    pub(super) stats: Stats,
    /// Number of this object.
    pub(super) birth: u32,
    /// The key as text, shared by what is told about it.
    pub(super) name: Arc<str>,
}

/// A packed (protocol, address, port) or (4 for nothing, mark): the key of the services' look-up.
#[inline]
pub(super) fn pack(proto: u8, addr: u32, port: u16) -> u64 {
    u64::from(proto) << 48 | u64::from(addr) << 16 | u64::from(port)
}

impl ServiceKey {
    pub(super) fn packed(&self) -> u64 {
        match *self {
            ServiceKey::Addr { proto, addr, port } => pack(proto as u8, addr.to_bits(), port),
            ServiceKey::Mark(mark) => pack(0, mark, 0),
        }
    }
}
