//! What a host has learnt about single destinations: a better gateway (ICMP redirect), a smaller path MTU
//! (`fib_nh_exception` in net/ipv4/route.c).
//!
//! An exception belongs to the route under which it was learnt: when another route serves the destination it does not
//! count, and goes when its route goes. Left out: `mtu_expires` and `min_pmtu` as sysctls (600 s and 552 bytes), exceptions per
//! input device, the limit of 2048 buckets.

use crate::base::{SimTime, Span};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// How long a redirect is believed (`ip_rt_gc_timeout`).
pub const REDIRECT_LIFE: Span = Span::from_secs(300);
/// How long a path MTU is believed (`ip_rt_mtu_expires`).
pub const PMTU_LIFE: Span = Span::from_secs(600);
/// A path MTU below this is taken as this, and no longer found out anew (`ip_rt_min_pmtu`).
pub const MIN_PMTU: u32 = 552;

/// What is known about one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The gateway of a redirect.
    pub gateway: Option<Ipv4Addr>,
    /// The path MTU in bytes.
    pub mtu: Option<u32>,
    /// The path MTU is at its floor: packets are sent without DF.
    pub locked: bool,
    /// When it is forgotten.
    pub expires: SimTime,
    /// The route under which it was learnt, [`super::Route::id`].
    pub route: u64,
    /// Order of learning, newest last.
    pub learnt: u64,
}

/// A host's exceptions by destination.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    by_daddr: BTreeMap<Ipv4Addr, Exception>,
    /// Changes with every change.
    pub version: u64,
}

impl Exceptions {
    /// What is known about `daddr` under this route. Costs one comparison where nothing is known about anybody.
    #[inline]
    pub fn lookup(&self, daddr: Ipv4Addr, route: u64, now: SimTime) -> Option<&Exception> {
        if self.by_daddr.is_empty() {
            return None;
        }
        self.by_daddr.get(&daddr).filter(|e| e.route == route && now <= e.expires)
    }

    /// A redirect was believed: `daddr` is reached by `gateway`.
    pub fn redirect(&mut self, daddr: Ipv4Addr, gateway: Ipv4Addr, route: u64, now: SimTime) {
        let e = self.entry(daddr, route, now);
        e.gateway = Some(gateway);
        e.expires = now + REDIRECT_LIFE;
    }

    /// A router said that packets to `daddr` may have `mtu` bytes; `old` is what was thought so far. Returns whether that
    /// changed anything: a larger MTU is not believed, a tiny one is raised to [`MIN_PMTU`], and what is known already is
    /// renewed only in the second half of its life (`__ip_rt_update_pmtu`).
    pub fn pmtu(&mut self, daddr: Ipv4Addr, mtu: u32, old: u32, route: u64, now: SimTime) -> bool {
        if old < mtu {
            return false;
        }
        let locked = mtu < MIN_PMTU;
        let mtu = if locked { old.min(MIN_PMTU) } else { mtu };
        let known = self.lookup(daddr, route, now).filter(|e| e.mtu == Some(mtu));
        if !locked && known.is_some_and(|e| now + Span(PMTU_LIFE.0 / 2) < e.expires) {
            return false;
        }
        let e = self.entry(daddr, route, now);
        e.mtu = Some(mtu);
        e.locked = locked;
        e.expires = now + PMTU_LIFE;
        true
    }

    /// Forgets everything (`ip route flush cache`).
    pub fn flush(&mut self) {
        self.by_daddr.clear();
        self.version += 1;
    }

    /// Forgets what was learnt under routes that are no more.
    pub fn retain_routes(&mut self, alive: impl Fn(u64) -> bool) {
        if !self.by_daddr.is_empty() {
            self.by_daddr.retain(|_, e| alive(e.route));
            self.version += 1;
        }
    }

    /// Those that count now, by destination.
    pub fn iter(&self, now: SimTime) -> impl Iterator<Item = (Ipv4Addr, &Exception)> {
        self.by_daddr.iter().filter(move |(_, e)| now <= e.expires).map(|(d, e)| (*d, e))
    }

    fn entry(&mut self, daddr: Ipv4Addr, route: u64, now: SimTime) -> &mut Exception {
        self.version += 1;
        let version = self.version;
        let fresh = Exception { gateway: None, mtu: None, locked: false, expires: now, route, learnt: version };
        let e = self.by_daddr.entry(daddr).or_insert_with(|| fresh.clone());
        if e.route != route || now > e.expires {
            *e = fresh;
        }
        e
    }
}

impl Exception {
    /// What `ip route get` and `ip route show cache` print after `cache `: `<redirected> expires 297sec mtu 1400 `.
    pub fn describe(&self, now: SimTime) -> String {
        let mut text = String::new();
        if self.gateway.is_some() {
            text.push_str("<redirected> ");
        }
        text.push_str(&format!("expires {}sec ", self.expires.since(now).as_secs()));
        if let Some(mtu) = self.mtu {
            let lock = if self.locked { "lock " } else { "" };
            text.push_str(&format!("mtu {lock}{mtu} "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_counts_under_its_route_and_for_its_time() {
        let daddr = Ipv4Addr::new(10, 0, 1, 2);
        let mut x = Exceptions::default();
        x.redirect(daddr, Ipv4Addr::new(10, 0, 0, 254), 7, SimTime::ZERO);
        let then = SimTime::ZERO + Span::from_secs(3);
        let e = x.lookup(daddr, 7, then).expect("it was learnt");
        assert_eq!(e.describe(then), "<redirected> expires 297sec ");
        assert_eq!(x.lookup(daddr, 8, then), None);
        assert_eq!(x.lookup(daddr, 7, SimTime::ZERO + Span::from_secs(301)), None);
    }

    #[test]
    fn a_path_mtu_only_shrinks_and_has_a_floor() {
        let daddr = Ipv4Addr::new(10, 0, 1, 2);
        let mut x = Exceptions::default();
        assert!(!x.pmtu(daddr, 1600, 1500, 1, SimTime::ZERO));
        assert!(x.pmtu(daddr, 1400, 1500, 1, SimTime::ZERO));
        assert!(x.pmtu(daddr, 300, 1400, 1, SimTime::ZERO));
        let e = x.lookup(daddr, 1, SimTime::ZERO).expect("it was learnt");
        assert_eq!(e.describe(SimTime::ZERO), "expires 600sec mtu lock 552 ");
        x.flush();
        assert_eq!(x.lookup(daddr, 1, SimTime::ZERO), None);
    }

    #[test]
    fn a_path_mtu_that_is_said_again_is_renewed_in_the_second_half_of_its_life() {
        let daddr = Ipv4Addr::new(10, 0, 1, 2);
        let mut x = Exceptions::default();
        for (at, news, left) in [(0, true, 600), (299, false, 301), (301, true, 600)] {
            let now = SimTime::ZERO + Span::from_secs(at);
            assert_eq!(x.pmtu(daddr, 1400, 1400, 1, now), news, "at {at} s");
            let e = x.lookup(daddr, 1, now).expect("it was learnt");
            assert_eq!(e.describe(now), format!("expires {left}sec mtu 1400 "));
        }
    }
}
