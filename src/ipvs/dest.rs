//! Destinations (real servers) of a service: their list entry, thresholds and the trash (ip_vs_ctl.c, ip_vs_conn.c).
//!
//! Left out: tunnel types other than ipip; references of lblc and lblcr caches do not keep a deleted destination in
//! the trash.

use super::est::Stats;
use super::service::{ServiceId, ServiceKey};
use crate::base::SimTime;
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// A destination's place in the slab of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestId(pub u32);

impl DestId {
    /// No destination (a bypass connection, or an entry without one).
    pub const NONE: DestId = DestId(u32::MAX);

    /// The index into the slab.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How packets reach the server: the kernel's forwarding methods, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Method {
    /// Address translation (`-m`).
    Nat = 0,
    /// The director itself.
    LocalNode = 1,
    /// IP in IP (`-i`).
    Tun = 2,
    /// Direct routing (`-g`).
    Dr = 3,
    /// To the packet's own destination (`cache_bypass`).
    Bypass = 4,
}

impl Method {
    /// The `Forward` column of `ipvsadm -Ln`.
    pub fn column(self) -> &'static str {
        match self {
            Method::Nat => "Masq",
            Method::LocalNode => "Local",
            Method::Tun => "Tunnel",
            Method::Dr => "Route",
            Method::Bypass => "Bypass",
        }
    }

    /// The option of ipvsadm that asks for it.
    pub fn option(self) -> &'static str {
        match self {
            Method::Nat => "-m",
            Method::Tun => "-i",
            _ => "-g",
        }
    }

    #[inline]
    pub(super) fn from_bits(bits: u32) -> Method {
        match bits & 7 {
            0 => Method::Nat,
            1 => Method::LocalNode,
            2 => Method::Tun,
            4 => Method::Bypass,
            _ => Method::Dr,
        }
    }
}

/// What `ipvsadm -a` and `-e` say about a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestSpec {
    /// The server's address.
    pub addr: Ipv4Addr,
    /// The server's port; 0 keeps the packet's.
    pub port: u16,
    /// How packets reach it.
    pub method: Method,
    /// 0 takes no new connections; negative weights are refused.
    pub weight: i32,
    /// `-x`: connections from which on it is full; 0 is no limit.
    pub u_threshold: u32,
    /// `-y`: connections below which it is no longer full; 0 means three quarters of `u_threshold`.
    pub l_threshold: u32,
}

/// A destination.
#[derive(Clone, Debug)]
pub struct Dest {
    /// The server's address.
    pub addr: Ipv4Addr,
    /// The server's port; 0 keeps the packet's.
    pub port: u16,
    /// How packets of new connections reach it.
    pub method: Method,
    /// In a list of a service; false in the trash.
    pub available: bool,
    /// Full: `-x` was reached (`IP_VS_DEST_F_OVERLOAD`).
    pub overload: bool,
    /// Current weight, not negative.
    pub weight: i32,
    /// The latest weight that was not 0; 0 if there was none. Only mh looks at it.
    pub last_weight: i32,
    /// Connections in an active state.
    pub active: u32,
    /// Other connections.
    pub inactive: u32,
    /// Persistence templates.
    pub persist: u32,
    /// `-x`.
    pub u_threshold: u32,
    /// `-y`.
    pub l_threshold: u32,
    /// Number of this object: another one in the same place of the slab has another.
    pub birth: u32,
    /// Its service's place; the service may be gone when the destination is in the trash.
    pub(super) service: ServiceId,
    /// Number of the service's object.
    pub(super) service_birth: u32,
    /// What the service is, to find it again in the trash.
    pub(super) key: ServiceKey,
    /// Its counters.
    pub(super) stats: Stats,
    /// When the last connection went.
    pub(super) idle_since: SimTime,
}

impl Dest {
    /// Connections that reference it, with templates.
    pub fn references(&self) -> u64 {
        u64::from(self.active) + u64::from(self.inactive) + u64::from(self.persist)
    }

    /// Active and inactive connections: what thresholds are compared with.
    #[inline]
    pub fn total(&self) -> u32 {
        self.active + self.inactive
    }

    /// Whether a scheduler that honours weights and thresholds may choose it.
    #[inline]
    pub fn usable(&self) -> bool {
        self.weight > 0 && !self.overload
    }

    /// Counts a new connection or template (ip_vs_bind_dest).
    #[inline]
    pub(super) fn bind(&mut self, template: bool, inactive: bool) {
        if template {
            self.persist += 1;
        } else if inactive {
            self.inactive += 1;
        } else {
            self.active += 1;
        }
        self.update_overload();
    }

    /// Counts one less (ip_vs_unbind_dest).
    #[inline]
    pub(super) fn unbind(&mut self, template: bool, inactive: bool, now: SimTime) {
        if template {
            self.persist -= 1;
        } else if inactive {
            self.inactive -= 1;
        } else {
            self.active -= 1;
        }
        self.update_overload();
        if self.references() == 0 {
            self.idle_since = now;
        }
    }

    /// ip_vs_dest_update_overload, as of the fixes of 2026: full from `-x` on until below `-y`, or below three quarters
    /// of `-x` without one. A command that changes the thresholds is heeded at once.
    fn update_overload(&mut self) {
        let (total, l, u) = (u64::from(self.total()), u64::from(self.l_threshold), u64::from(self.u_threshold));
        if u != 0 && total >= u {
            self.overload = true;
        } else if u == 0 || (l != 0 && total < l) || (l == 0 && total * 4 < u * 3) {
            self.overload = false;
        }
    }

    /// Takes the command's values (__ip_vs_update_dest).
    pub(super) fn update(&mut self, spec: &DestSpec) {
        self.method = spec.method;
        self.u_threshold = spec.u_threshold;
        self.l_threshold = spec.l_threshold;
        self.update_overload();
        self.weight = spec.weight;
        if spec.weight != 0 {
            self.last_weight = spec.weight;
        }
    }
}

impl Dest {
    /// A destination of no host's, on port 80 and without connections: for who looks at a scheduler alone.
    pub(super) fn standing(addr: Ipv4Addr, weight: i32, birth: u32) -> Dest {
        Dest {
            addr,
            port: 80,
            method: Method::Dr,
            available: true,
            overload: false,
            weight,
            last_weight: weight,
            active: 0,
            inactive: 0,
            persist: 0,
            u_threshold: 0,
            l_threshold: 0,
            birth,
            service: ServiceId(0),
            service_birth: 0,
            key: ServiceKey::Addr { proto: Proto::Tcp, addr: Ipv4Addr::new(10, 0, 0, 100), port: 80 },
            stats: Stats::default(),
            idle_since: SimTime::ZERO,
        }
    }

    /// A destination for tests of schedulers.
    #[cfg(test)]
    pub(super) fn sample(n: u8, weight: i32) -> Dest {
        Dest::standing(Ipv4Addr::new(10, 0, 0, n), weight, u32::from(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_server_reopens_below_its_lower_threshold() {
        // upper, lower, connections at which it reopens after having had as many as upper
        for (u, l, reopens) in [(4, 2, 1), (4, 0, 2), (8, 0, 5), (1, 0, 0), (4, 4, 3)] {
            let mut d = Dest::sample(1, 1);
            (d.u_threshold, d.l_threshold) = (u, l);
            for _ in 0..u {
                assert!(!d.overload);
                d.bind(false, true);
            }
            assert!(d.overload);
            while d.overload {
                d.unbind(false, true, SimTime::ZERO);
            }
            assert_eq!(d.total(), reopens, "-x {u} -y {l}");
        }
    }

    #[test]
    fn changed_thresholds_are_heeded_at_once() {
        let spec = |u| DestSpec {
            addr: Ipv4Addr::new(10, 0, 0, 1),
            port: 80,
            method: Method::Nat,
            weight: 1,
            u_threshold: u,
            l_threshold: 0,
        };
        let mut d = Dest::sample(1, 1);
        d.bind(false, true);
        d.bind(false, true);
        d.bind(false, true);
        // -x, full with three connections: once full, only below three quarters it is open again.
        for (u, full) in [(0, false), (4, false), (2, true), (4, true), (5, false), (3, true), (0, false)] {
            d.update(&spec(u));
            assert_eq!(d.overload, full, "-x {u}");
        }
    }
}
