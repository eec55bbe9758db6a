//! IP Virtual Server as Linux 6.1 has it (net/netfilter/ipvs): one [`Ipvs`] per host.
//!
//! The commands of ipvsadm are in [`ctl`], the decisions about packets in [`core`], [`icmp`] and [`persist`], what a
//! transmitter checks and rewrites in [`xmit`], what masters and backups tell each other in [`sync`]. Nothing here routes
//! or sends: the host does, as the verdicts say.
//!
//! Left out: IPv6, SCTP, AH, ESP, the FTP helper, what the persistence engine `sip` reads, GRE and GUE tunnels.

pub mod conn;
pub mod core;
pub mod ctl;
pub mod defence;
pub mod dest;
pub mod est;
pub mod icmp;
pub mod persist;
pub mod proc;
pub mod sched;
pub mod service;
pub mod state;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod xmit;

pub use self::core::{Hook, HookCx, InVerdict, OutVerdict, Xmit};
pub use conn::{Conn, ConnRow, ConnTable};
pub use ctl::{CtlCx, CtlError, ServiceView};
pub use dest::{Dest, DestId, DestSpec, Method};
pub use est::{Counters, Rates};
pub use sched::{SCHEDULERS, SchedulerRow};
pub use service::{SchedFlags, ServiceKey, ServiceSpec};
pub use state::Timeouts;
pub use sync::{Daemon, DaemonSpec, McastIf, Role, SyncTimer};

use crate::base::rng::Rng;
use crate::base::{DevIdx, SimTime, Table};
use crate::trace::TraceEvent;
use service::{Service, ServiceId};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What the host must do besides following the verdict.
#[derive(Clone, Debug)]
pub enum IpvsAct {
    /// Call [`Ipvs::timer`] with this slot and generation at this time. Earlier timers of the slot need not be
    /// cancelled: those with another generation do nothing.
    Arm {
        /// The entry's slot.
        slot: u32,
        /// Its generation.
        generation: u32,
        /// When.
        at: SimTime,
    },
    /// Something to tell, only where tracing was asked for.
    Event(TraceEvent),
    /// A synchronisation daemon was started: open its sockets.
    SyncOpen {
        /// Which.
        role: Role,
    },
    /// One was stopped: close its sockets.
    SyncClose {
        /// Which.
        role: Role,
        /// The interface that it used.
        dev: DevIdx,
        /// The group that it used.
        group: Ipv4Addr,
    },
    /// Call [`Ipvs::sync_timer`] at this time.
    SyncArm {
        /// With this.
        timer: SyncTimer,
        /// When.
        at: SimTime,
    },
    /// A master's thread sends a message.
    SyncSend {
        /// Which thread.
        thread: u8,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// A master's thread has no room for a message.
    SyncOverflow {
        /// Which thread.
        thread: u8,
        /// The message.
        bytes: Arc<[u8]>,
        /// Messages that may wait (`sync_qlen_max`).
        limit: u32,
    },
    /// A scheduler found no server (`ip_vs_scheduler_err`): for the kernel's log.
    NoDest {
        /// The scheduler.
        scheduler: &'static str,
        /// The service.
        service: ServiceKey,
        /// Why.
        why: &'static str,
    },
}

/// IPVS of one host.
#[derive(Clone, Debug)]
pub struct Ipvs {
    services: Vec<Option<Service>>,
    /// Newest first.
    order: Vec<ServiceId>,
    lookup: Table<u64, ServiceId>,
    /// Services on port 21 and on port 0: they widen the look-up.
    ftp_services: u32,
    null_services: u32,
    dests: Vec<Dest>,
    free_dests: Vec<DestId>,
    trash: Vec<DestId>,
    trash_scan: SimTime,
    conns: ConnTable,
    total: est::Stats,
    est: est::EstClock,
    timeouts: Timeouts,
    births: u32,
    drop_counter: i64,
    drop_second: u64,
    defence_armed: bool,
    defence_wanted: bool,
    sync: sync::Sync,
    rng: Rng,
}

impl Ipvs {
    /// No service, default timeouts. `rng` is the host's stream for twos and drop_entry.
    pub fn new(rng: Rng) -> Ipvs {
        Ipvs {
            services: Vec::new(),
            order: Vec::new(),
            lookup: Table::default(),
            ftp_services: 0,
            null_services: 0,
            dests: Vec::new(),
            free_dests: Vec::new(),
            trash: Vec::new(),
            trash_scan: SimTime::ZERO,
            conns: ConnTable::default(),
            total: est::Stats::default(),
            est: est::EstClock::default(),
            timeouts: Timeouts::default(),
            births: 0,
            drop_counter: 0,
            drop_second: 0,
            defence_armed: false,
            defence_wanted: false,
            sync: sync::Sync::default(),
            rng,
        }
    }

    /// Whether the hooks are registered: there is a service.
    #[inline]
    pub fn active(&self) -> bool {
        !self.order.is_empty()
    }

    /// The connection table.
    pub fn table(&self) -> &ConnTable {
        &self.conns
    }

    /// The rows of `ipvsadm -Lnc`, sorted.
    pub fn conns(&self, now: SimTime) -> Vec<ConnRow> {
        self.conns.rows(now)
    }

    /// The timeouts in force.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// The namespace's counters as `/proc/net/ip_vs_stats` shows them: refreshed every two seconds.
    pub fn total_counters(&self, now: SimTime) -> Counters {
        self.total.shown(self.est.ticks(now))
    }

    /// The namespace's rates.
    pub fn total_rates(&self, now: SimTime) -> Rates {
        self.total.rates(self.est.ticks(now))
    }

    fn svc(&self, id: ServiceId) -> &Service {
        self.services[id.index()].as_ref().expect("a service in the list has its place in the slab")
    }
}
