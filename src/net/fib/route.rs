//! Routes: what one row of a routing table says (include/net/ip_fib.h, include/uapi/linux/rtnetlink.h).
//!
//! Left out: several next hops in one route, next-hop objects, encapsulation, and metrics other than MTU and advertised MSS.

use crate::base::DevIdx;
use crate::net::errno::Errno;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// The table of the host's own addresses.
pub const TABLE_LOCAL: u32 = 255;
/// The table that people fill.
pub const TABLE_MAIN: u32 = 254;
/// The table that is asked last, usually empty.
pub const TABLE_DEFAULT: u32 = 253;

/// `RT_SCOPE_UNIVERSE`: anywhere.
pub const SCOPE_UNIVERSE: u8 = 0;
/// `RT_SCOPE_LINK`: on the link.
pub const SCOPE_LINK: u8 = 253;
/// `RT_SCOPE_HOST`: on this host.
pub const SCOPE_HOST: u8 = 254;
/// `RT_SCOPE_NOWHERE`: says nothing; as the scope of a next hop, that of a local address.
pub const SCOPE_NOWHERE: u8 = 255;

/// Made by the kernel for an address.
pub const PROTO_KERNEL: u8 = 2;
/// Typed by a person.
pub const PROTO_BOOT: u8 = 3;

/// What a route does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// It is for this host.
    Local,
    /// It is for everybody on the link.
    Broadcast,
    /// It is for a group.
    Multicast,
    /// Drops it without a word (EINVAL for a local program).
    Blackhole,
    /// Refuses with ICMP host unreachable.
    Unreachable,
    /// Refuses with ICMP packet filtered.
    Prohibit,
    /// Goes on with the next rule.
    Throw,
}

impl RouteKind {
    /// As `ip route` prints it.
    pub fn name(self) -> &'static str {
        match self {
            RouteKind::Unicast => "unicast",
            RouteKind::Local => "local",
            RouteKind::Broadcast => "broadcast",
            RouteKind::Multicast => "multicast",
            RouteKind::Blackhole => "blackhole",
            RouteKind::Unreachable => "unreachable",
            RouteKind::Prohibit => "prohibit",
            RouteKind::Throw => "throw",
        }
    }

    /// The error of a route that refuses (`fib_props`).
    pub fn error(self) -> Option<FibError> {
        match self {
            RouteKind::Blackhole => Some(FibError::Blackhole),
            RouteKind::Unreachable => Some(FibError::Unreachable),
            RouteKind::Prohibit => Some(FibError::Prohibit),
            RouteKind::Throw => Some(FibError::Throw),
            _ => None,
        }
    }

    /// The widest scope that a route of this kind may have (`fib_props`).
    pub fn least_scope(self) -> u8 {
        match self {
            RouteKind::Local => SCOPE_HOST,
            RouteKind::Broadcast => SCOPE_LINK,
            _ => SCOPE_UNIVERSE,
        }
    }
}

/// Why there is no way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FibError {
    /// Nothing fits: ENETUNREACH.
    NoRoute,
    /// A route or rule says so: EHOSTUNREACH for a route.
    Unreachable,
    /// A route or rule forbids it: EACCES.
    Prohibit,
    /// A route or rule swallows it: EINVAL.
    Blackhole,
    /// The table has no answer; the next rule is asked. Never leaves [`super::Fib::lookup`].
    Throw,
}

impl FibError {
    /// What a program that sends is told.
    pub fn errno(self) -> Errno {
        match self {
            FibError::NoRoute | FibError::Throw => Errno::NetUnreachable,
            FibError::Unreachable => Errno::HostUnreachable,
            FibError::Prohibit => Errno::Access,
            FibError::Blackhole => Errno::Invalid,
        }
    }
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to, host bits clear.
    pub dst: Ipv4Net,
    /// What happens.
    pub kind: RouteKind,
    /// How far away the destination is, as the kernel numbers it.
    pub scope: u8,
    /// Only packets with this type of service; 0 for all.
    pub tos: u8,
    /// Which table.
    pub table: u32,
    /// Priority: the lower one is taken.
    pub metric: u32,
    /// The next hop; none where the destination is on the link.
    pub via: Option<Ipv4Addr>,
    /// The device; none where the route refuses.
    pub dev: Option<DevIdx>,
    /// The source that packets without one get.
    pub prefsrc: Option<Ipv4Addr>,
    /// Who made it: 2 the kernel, 3 a person, 4 `proto static`.
    pub proto: u8,
    /// Path MTU by decree, in bytes.
    pub mtu: Option<u32>,
    /// `mtu lock`.
    pub mtu_lock: bool,
    /// Largest segment to announce to the other side, in bytes.
    pub advmss: Option<u32>,
    /// The next hop is on the link although no route says so.
    pub onlink: bool,
    /// Scope of the next hop: [`SCOPE_HOST`] and above where the destination itself is on the link.
    pub nh_scope: u8,
    /// The device has no carrier.
    pub linkdown: bool,
    /// A number of its own, never used again.
    pub id: u64,
}

impl Route {
    /// The same in everything that the kernel keeps in a `fib_info`, and of the same kind: a second one adds nothing.
    pub(super) fn same(&self, other: &Route) -> bool {
        let Route { linkdown, id, .. } = *self;
        let other = Route { linkdown, id, ..other.clone() };
        *self == other
    }

    /// The order of tables as printed: by address, longest prefix first, then type of service (largest first), metric.
    /// Routes that are equal in this keep the order in which they were put.
    pub(super) fn order(&self) -> (u32, u32, u32, u8, u8, u32) {
        (
            self.table & 255,
            self.table,
            self.dst.network().into(),
            32 - self.dst.prefix_len(),
            255 - self.tos,
            self.metric,
        )
    }
}

/// How a new route meets those of the same prefix, type of service and metric (the netlink flags).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// `ip route add`: refused if there is one.
    Exclusive,
    /// `ip route append`, and the kernel's own: behind them.
    Append,
    /// `ip route prepend`, and net-tools: in front of them.
    Prepend,
    /// `ip route replace`: in place of the first.
    Replace,
    /// `ip route change`: in place of the first, and there must be one.
    Change,
}

/// Which route to delete: what is none (or 0 for `tos`) matters not.
#[derive(Clone, Debug)]
pub struct RouteMatch {
    /// Exactly this prefix.
    pub dst: Ipv4Net,
    /// Exactly this table.
    pub table: u32,
    /// Exactly this type of service.
    pub tos: u8,
    /// The kind.
    pub kind: Option<RouteKind>,
    /// The scope; [`SCOPE_NOWHERE`] for any.
    pub scope: u8,
    /// The metric; 0 for any.
    pub metric: u32,
    /// The next hop.
    pub via: Option<Ipv4Addr>,
    /// The device.
    pub dev: Option<DevIdx>,
    /// The preferred source.
    pub prefsrc: Option<Ipv4Addr>,
    /// Who made it; 0 for any.
    pub proto: u8,
    /// Path MTU.
    pub mtu: Option<u32>,
    /// Announced MSS.
    pub advmss: Option<u32>,
}

impl RouteMatch {
    /// Any route to this prefix in this table.
    pub fn any(dst: Ipv4Net, table: u32) -> RouteMatch {
        RouteMatch {
            dst: dst.trunc(),
            table,
            tos: 0,
            kind: None,
            scope: SCOPE_NOWHERE,
            metric: 0,
            via: None,
            dev: None,
            prefsrc: None,
            proto: 0,
            mtu: None,
            advmss: None,
        }
    }

    /// `fib_table_delete`, `fib_nh_match`, `fib_metrics_match`.
    pub(super) fn fits(&self, r: &Route) -> bool {
        fn said<T: PartialEq>(wanted: Option<T>, is: Option<T>) -> bool {
            wanted.is_none() || wanted == is
        }
        self.dst == r.dst
            && self.table == r.table
            && self.tos == r.tos
            && said(self.kind, Some(r.kind))
            && (self.scope == SCOPE_NOWHERE || self.scope == r.scope)
            && (self.metric == 0 || self.metric == r.metric)
            && said(self.via, r.via)
            && said(self.dev, r.dev)
            && said(self.prefsrc, r.prefsrc)
            && (self.proto == 0 || self.proto == r.proto)
            && said(self.mtu, r.mtu)
            && said(self.advmss, r.advmss)
    }
}
