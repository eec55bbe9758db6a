//! Packet filters of one host: the tables of iptables and arptables, connection tracking, address translation.
//!
//! Follows net/ipv4/netfilter/ip_tables.c, net/netfilter/x_tables.c, nf_conntrack_core.c and nf_nat_core.c. Here are the
//! tables and the decisions; the host walks the hooks and carries the verdicts out. Left out: IPv6, nftables, ipset,
//! helpers (FTP and the like), zones, labels, accounting, and the matches and targets not named in [`mod@matches`] and
//! [`targets`]. What there is to write in the kernel's log waits in [`Netfilter::said`] until the host takes it.

pub mod arp;
pub mod conntrack;
pub mod ipvs;
mod log;
pub mod matches;
pub mod nat;
pub mod table;
pub mod targets;

pub use conntrack::{Conntrack, Ct};
pub use table::{Chain, ChainId, Policy, Refusal, Rule, Table, TableId};

use super::fib::RouteKind;
use super::klog::Level;
use crate::base::{Rng, SimTime};
use crate::wire::{IpPacket, Mac};
use matches::state;
use std::net::Ipv4Addr;
use std::sync::Arc;
use table::Ended;

/// Where a packet can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookPoint {
    /// Before input routing.
    PreRouting,
    /// Before it goes to a socket.
    LocalIn,
    /// Between two devices.
    Forward,
    /// Made by this host, or sent on by IPVS.
    LocalOut,
    /// Before it leaves.
    PostRouting,
}

impl HookPoint {
    /// The name of the built-in chain.
    pub fn chain(self) -> &'static str {
        match self {
            HookPoint::PreRouting => "PREROUTING",
            HookPoint::LocalIn => "INPUT",
            HookPoint::Forward => "FORWARD",
            HookPoint::LocalOut => "OUTPUT",
            HookPoint::PostRouting => "POSTROUTING",
        }
    }
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the IP header on (for ARP: the 28 bytes of the message).
    pub bytes: u64,
}

impl Counter {
    /// Counts a packet.
    #[inline]
    pub fn add(&mut self, bytes: u32) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(u64::from(bytes));
    }
}

/// What rules may ask of the host.
pub trait Surroundings {
    /// The kind of an address; with a device, only as far as it is one of that device (`inet_dev_addr_type`).
    fn addr_kind(&self, addr: Ipv4Addr, dev: Option<&str>) -> RouteKind;
    /// The largest packet on the way to an address.
    fn mtu_to(&self, addr: Ipv4Addr) -> u32;
}

/// A host that knows no address.
#[derive(Clone, Copy, Debug)]
struct Nowhere;

impl Surroundings for Nowhere {
    fn addr_kind(&self, _: Ipv4Addr, _: Option<&str>) -> RouteKind {
        RouteKind::Unicast
    }

    fn mtu_to(&self, _: Ipv4Addr) -> u32 {
        u32::MAX
    }
}

/// A packet as rules see it.
pub struct View<'a> {
    /// The packet; rules may change it.
    pub pkt: &'a mut IpPacket,
    /// The name of the device it came by, where that is known.
    pub input: Option<&'a str>,
    /// The name of the device it leaves by, where that is known.
    pub output: Option<&'a str>,
    /// Its mark; rules may change it.
    pub mark: u32,
    /// What connection tracking says, as bits of [`matches::state`].
    pub state: u8,
    /// The mark of its connection, if it has one; rules may change it.
    pub ctmark: Option<u32>,
    /// A rule says that nobody is to track it.
    pub untrack: bool,
    /// Whether it goes against the direction of its connection's first packet, if it has a connection.
    pub reply: Option<bool>,
    /// What IPVS has to do with it.
    pub ipvs: ipvs::Handled,
    /// Destination and source of the Ethernet header that it came with.
    pub link: Option<(Mac, Mac)>,
    /// The largest packet on its way, where that is known.
    pub mtu: Option<u32>,
    /// Now.
    pub now: SimTime,
    /// For `-m statistic --mode random`.
    pub rng: Option<&'a mut Rng>,
    /// The host.
    pub host: &'a dyn Surroundings,
}

impl<'a> View<'a> {
    /// A packet of which nothing else is known.
    pub fn new(pkt: &'a mut IpPacket) -> View<'a> {
        View {
            pkt,
            input: None,
            output: None,
            mark: 0,
            state: 0,
            ctmark: None,
            untrack: false,
            reply: None,
            ipvs: ipvs::Handled::Not,
            link: None,
            mtu: None,
            now: SimTime::ZERO,
            rng: None,
            host: &Nowhere,
        }
    }
}

/// What a table says about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Accept,
    /// It ends here.
    Drop(Culprit),
    /// It ends here, and its sender hears of it.
    Reject(targets::RejectWith, Culprit),
    /// Its connection gets another address.
    Nat(targets::NatTarget, Culprit),
}

/// The rule that ended a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The chain.
    pub chain: Arc<str>,
    /// The rule's number, or none for the chain's policy.
    pub rule: Option<u32>,
}

/// Everything that may stand in a packet's way.
#[derive(Clone, Debug, Default)]
pub struct Netfilter {
    tables: Vec<Table>,
    /// Connections.
    pub conntrack: Conntrack,
    /// The table of arptables.
    pub arp: arp::ArpTable,
    /// Lines for the kernel's log, which the host writes.
    pub said: Vec<(Level, String)>,
    tracking: bool,
}

impl Netfilter {
    /// Whether anybody looks at IP packets: a table has been used since the host came up.
    #[inline]
    pub fn active(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Whether connections are tracked: a rule needs it.
    #[inline]
    pub fn tracking(&self) -> bool {
        self.tracking
    }

    /// The tables in use, the newest first (`/proc/net/ip_tables_names`).
    pub fn loaded(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().rev()
    }

    /// A table, if it is in use.
    #[inline]
    pub fn table(&self, id: TableId) -> Option<&Table> {
        self.tables.iter().find(|t| t.id == id)
    }

    /// A table, taken into use if it was not: from then on its chains count.
    pub fn load(&mut self, id: TableId) -> &Table {
        let at = self.tables.iter().position(|t| t.id == id).unwrap_or_else(|| {
            self.tables.push(Table::new(id));
            self.tables.len() - 1
        });
        &self.tables[at]
    }

    /// Puts a changed copy of a table in its place, if the kernel would take it.
    pub fn commit(&mut self, table: Table) -> Result<(), Refusal> {
        if let Err(refusal) = table.check() {
            if let Refusal::Invalid(Some(why)) | Refusal::Range(why) = &refusal {
                self.said.push((Level::INFO, why.clone()));
            }
            return Err(refusal);
        }
        let mut table = table;
        table.begin();
        self.load(table.id);
        let at = self.tables.iter().position(|t| t.id == table.id).expect("loaded above");
        self.tables[at] = table;
        self.tracking = self.tables.iter().any(Table::needs_conntrack);
        Ok(())
    }

    /// Asks a table about a packet. Tables that are not in use accept.
    pub fn run(&mut self, id: TableId, at: HookPoint, view: &mut View<'_>) -> Verdict {
        let Some(table) = self.tables.iter_mut().find(|t| t.id == id) else { return Verdict::Accept };
        match table.run(at, view, &mut self.said) {
            Ended::Accept => Verdict::Accept,
            Ended::Drop(culprit) => Verdict::Drop(culprit),
            Ended::Reject(with, culprit) => Verdict::Reject(with, culprit),
            Ended::Nat(target, culprit) => Verdict::Nat(target, culprit),
        }
    }

    /// What rules see of a packet's connection.
    pub fn state_of(&self, ct: &Ct) -> u8 {
        if !self.tracking && matches!(ct, Ct::None) { state::INVALID } else { self.conntrack.state_of(ct) }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Shared by the tests of the rules.

    use crate::wire::{Body, IpPacket, L4, PacketId, TcpFlags, TcpSegment};

    /// A SYN from 10.0.0.2 to port 80 of 10.0.0.1.
    pub fn syn() -> IpPacket {
        let segment = TcpSegment {
            seq: 7,
            ack: 9,
            body: Body::FILLER,
            sport: 54124,
            dport: 80,
            len: 0,
            mss: 1460,
            window: 64240,
            flags: TcpFlags::SYN,
            end: false,
            timestamps: true,
        };
        IpPacket {
            saddr: [10, 0, 0, 2].into(),
            daddr: [10, 0, 0, 1].into(),
            id: PacketId(0),
            frag: IpPacket::DF,
            ttl: 64,
            tos: 0,
            l4: L4::Tcp(segment),
        }
    }
}
