//! Addresses of devices, and the routes that follow from them (net/ipv4/devinet.c, `fib_add_ifaddr` and `fib_del_ifaddr` in
//! net/ipv4/fib_frontend.c).
//!
//! Left out: lifetimes, `noprefixroute`, metrics of addresses.

use super::dev::IfAddr;
use super::errno::{Errno, NetError};
use super::fib::{
    Insert, PROTO_KERNEL, Route, RouteKind, RouteMatch, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE, TABLE_LOCAL, TABLE_MAIN,
};
use super::inet::Inet;
use crate::base::DevIdx;
use crate::sysctl::Conf;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// A route that an address brings: kind, destination, preferred source.
type Brought = (RouteKind, Ipv4Net, Ipv4Addr);

impl Inet {
    /// Adds an address. Whether it is secondary, and where in the list it stands, is the kernel's to say
    /// (`__inet_insert_ifa`).
    ///
    /// # Errors
    /// EEXIST for the same address with the same prefix, EINVAL for a second one of the subnet with another scope.
    pub fn addr_add(&mut self, dev: DevIdx, mut addr: IfAddr) -> Result<(), NetError> {
        let addrs = &mut self.devs[dev.index()].addrs;
        addr.secondary = false;
        let mut after_primaries = 0;
        for (i, a) in addrs.iter().enumerate() {
            if !a.secondary && addr.scope <= a.scope {
                after_primaries = i + 1;
            }
            if a.same_subnet(&addr) {
                if a.local == addr.local {
                    return Err(Errno::Exists.into());
                }
                if a.scope != addr.scope {
                    return Err(Errno::Invalid.into());
                }
                addr.secondary = true;
            }
        }
        let at = if addr.secondary { addrs.len() } else { after_primaries };
        addrs.insert(at, addr.clone());
        self.version += 1;
        self.add_routes(dev, &addr);
        Ok(())
    }

    /// Deletes the first address that is `local`, with this prefix length if one is given, and this label if one is given.
    ///
    /// # Errors
    /// EADDRNOTAVAIL if there is none.
    pub fn addr_del(
        &mut self,
        dev: DevIdx,
        local: Ipv4Addr,
        prefix: Option<u8>,
        label: Option<&str>,
    ) -> Result<(), NetError> {
        let at = self
            .dev(dev)
            .addrs
            .iter()
            .position(|a| {
                a.local == local && prefix.is_none_or(|p| p == a.prefix) && label.is_none_or(|l| l == &*a.label)
            })
            .ok_or(Errno::AddrNotAvail)?;
        self.addr_del_at(dev, at);
        Ok(())
    }

    pub(super) fn addr_del_exactly(&mut self, dev: DevIdx, local: Ipv4Addr, prefix: u8) {
        let _ = self.addr_del(dev, local, Some(prefix), None);
    }

    /// Deletes address number `at` of a device (`__inet_del_ifa`). With a primary go the secondaries of its subnet, unless
    /// `promote_secondaries` is on: then the first of them takes its place.
    pub fn addr_del_at(&mut self, dev: DevIdx, at: usize) {
        let gone = self.dev(dev).addrs[at].clone();
        let promote = self.sysctl.on(Conf::PromoteSecondaries, dev);
        let heir = |a: &IfAddr| a.secondary && a.same_subnet(&gone);
        if !gone.secondary && !promote {
            while let Some(i) = self.dev(dev).addrs.iter().position(heir) {
                let secondary = self.devs[dev.index()].addrs.remove(i);
                self.del_routes(dev, &secondary, gone.local);
            }
        }
        let heirs: Vec<IfAddr> =
            if gone.secondary { Vec::new() } else { self.dev(dev).addrs.iter().filter(|a| heir(a)).cloned().collect() };
        // Their routes carry the source of the one that goes: away with them, and anew below.
        for a in &heirs {
            for brought in self.brought(dev, a, gone.local) {
                self.unbring(dev, brought);
            }
        }
        let source = self.primary_of(dev, &gone).unwrap_or(gone.local);
        // The one that goes need not stand where it stood: secondaries before it may have gone.
        let addrs = &mut self.devs[dev.index()].addrs;
        if let Some(i) = addrs.iter().position(|a| *a == gone) {
            addrs.remove(i);
        }
        if let Some(first) = heirs.first()
            && let Some(i) = addrs.iter().position(|a| a == first)
        {
            let mut first = addrs.remove(i);
            first.secondary = false;
            let to = addrs.iter().rposition(|a| !a.secondary && gone.scope <= a.scope).map_or(0, |p| p + 1);
            addrs.insert(to, first);
        }
        self.del_routes(dev, &gone, source);
        for a in &heirs {
            let now = self.dev(dev).addrs.iter().find(|b| b.local == a.local && b.prefix == a.prefix).cloned();
            if let Some(now) = now {
                self.add_routes(dev, &now);
            }
        }
        self.version += 1;
    }

    /// Whether `addr` is an address of the host: exactly one of them, whatever the tables say.
    pub fn has_addr(&self, addr: Ipv4Addr) -> bool {
        self.devices().any(|d| d.addrs.iter().any(|a| a.local == addr))
    }

    /// Whether `addr` is exactly an address of this device.
    pub fn addr_on_dev(&self, addr: Ipv4Addr, dev: DevIdx) -> bool {
        self.dev(dev).addrs.iter().any(|a| a.local == addr)
    }

    /// The source for a packet that leaves by `dev` to the on-link address `dst` (or to anybody), of at most this scope:
    /// the first primary whose subnet contains `dst`, else the first primary; else a primary of another device, `lo` first
    /// (`inet_select_addr`).
    pub fn select_source(&self, dst: Option<Ipv4Addr>, dev: DevIdx, scope: u8) -> Option<Ipv4Addr> {
        let cap = if self.sysctl.on(Conf::RouteLocalnet, dev) { SCOPE_LINK } else { SCOPE_HOST };
        let mut first = None;
        for a in &self.dev(dev).addrs {
            if a.secondary || a.scope.min(cap) > scope {
                continue;
            }
            match dst {
                Some(dst) if !a.covers(dst) => first = first.or(Some(a.local)),
                _ => return Some(a.local),
            }
        }
        first.or_else(|| {
            self.devices().find_map(|d| {
                d.addrs.iter().find(|a| !a.secondary && a.scope != SCOPE_LINK && a.scope <= scope).map(|a| a.local)
            })
        })
    }

    /// Whether an address pair is fit for ARP on `dev` (none: any device): `local` (0.0.0.0: any) is an address of scope at most
    /// `scope`, and `dst` (0.0.0.0: any) lies in the subnet of one of that device's addresses. Returns the address
    /// (`inet_confirm_addr`).
    pub fn confirm_addr(&self, dev: Option<DevIdx>, dst: Ipv4Addr, local: Ipv4Addr, scope: u8) -> Option<Ipv4Addr> {
        match dev {
            Some(dev) => self.confirm_on(dev, dst, local, scope),
            None => self.devices().find_map(|d| self.confirm_on(d.idx, dst, local, scope)),
        }
    }

    /// `confirm_addr_indev`.
    fn confirm_on(&self, dev: DevIdx, dst: Ipv4Addr, local: Ipv4Addr, scope: u8) -> Option<Ipv4Addr> {
        let cap = if self.sysctl.on(Conf::RouteLocalnet, dev) { SCOPE_LINK } else { SCOPE_HOST };
        let mut addr = Ipv4Addr::UNSPECIFIED;
        let mut same = false;
        for a in &self.dev(dev).addrs {
            let reach = a.scope.min(cap);
            if addr.is_unspecified() && (local == a.local || local.is_unspecified()) && reach <= scope {
                addr = a.local;
                if same {
                    break;
                }
            }
            if !same {
                same = (local.is_unspecified() || a.covers(local)) && (dst.is_unspecified() || a.covers(dst));
                if same && !addr.is_unspecified() {
                    if !local.is_unspecified() || dst.is_unspecified() {
                        break;
                    }
                    // Is the one that was found fit for the destination?
                    if a.covers(addr) {
                        break;
                    }
                    // No: this one, if its scope allows.
                    if reach <= scope {
                        addr = a.local;
                        break;
                    }
                    same = false;
                }
            }
        }
        (same && !addr.is_unspecified()).then_some(addr)
    }

    /// The routes that come with an address, as far as the device is up (`fib_add_ifaddr`).
    pub(super) fn add_routes(&mut self, dev: DevIdx, addr: &IfAddr) {
        let Some(source) = self.primary_of(dev, addr) else {
            return;
        };
        let (up, carrier) = (self.dev(dev).up, self.dev(dev).carrier);
        for (i, (kind, dst, prefsrc)) in self.brought(dev, addr, source).into_iter().enumerate() {
            // The first is the address itself: it is there even while the device is down.
            if i > 0 && !up {
                break;
            }
            let local = kind == RouteKind::Local;
            let route = Route {
                dst,
                kind,
                scope: if local { SCOPE_HOST } else { SCOPE_LINK },
                tos: 0,
                table: table_of(kind),
                metric: 0,
                via: None,
                dev: Some(dev),
                prefsrc: Some(prefsrc),
                proto: PROTO_KERNEL,
                mtu: None,
                mtu_lock: false,
                advmss: None,
                onlink: false,
                nh_scope: if local { SCOPE_NOWHERE } else { SCOPE_HOST },
                linkdown: !local && !carrier,
                id: 0,
            };
            // The same one may be there for another address: no matter.
            let _ = self.fib.insert(route, Insert::Append);
            let unknown = |n: &super::neigh::Neigh| !n.state.valid();
            if kind == RouteKind::Broadcast && self.neigh.get(dev, dst.addr()).is_some_and(unknown) {
                self.neigh.remove(dev, dst.addr(), &mut self.acts);
            }
        }
    }

    /// An address has gone whose routes carry `source`: so do its routes, if no other address brings the same ones
    /// (`fib_del_ifaddr`).
    fn del_routes(&mut self, dev: DevIdx, gone: &IfAddr, source: Ipv4Addr) {
        let mut kept: Vec<Brought> = Vec::new();
        for a in &self.dev(dev).addrs {
            if let Some(source) = self.primary_of(dev, a) {
                kept.extend(self.brought(dev, a, source));
            }
        }
        for brought in self.brought(dev, gone, source) {
            if !kept.contains(&brought) {
                self.unbring(dev, brought);
            }
        }
        if !self.is_local(gone.local) {
            // Nobody may send from it any more (fib_sync_down_addr).
            self.fib.retain(|r| r.table != TABLE_MAIN || r.prefsrc != Some(gone.local));
        }
        if self.dev(dev).addrs.is_empty() {
            self.disable_ip(dev, true);
        }
        self.routes_changed();
    }

    fn unbring(&mut self, dev: DevIdx, (kind, dst, prefsrc): Brought) {
        let _ = self.fib.delete(&RouteMatch {
            kind: Some(kind),
            scope: if kind == RouteKind::Local { SCOPE_HOST } else { SCOPE_LINK },
            dev: Some(dev),
            prefsrc: Some(prefsrc),
            proto: PROTO_KERNEL,
            ..RouteMatch::any(dst, table_of(kind))
        });
    }

    /// What an address brings, the local route first. `source` is its own address, or its primary's.
    fn brought(&self, dev: DevIdx, addr: &IfAddr, source: Ipv4Addr) -> Vec<Brought> {
        let host = |a| Ipv4Net::new_assert(a, 32);
        let mut all = vec![(RouteKind::Local, host(addr.local), source)];
        let mut broadcast = |b: Ipv4Addr| {
            let one = (RouteKind::Broadcast, host(b), source);
            if !all.contains(&one) {
                all.push(one);
            }
        };
        if let Some(b) = addr.broadcast
            && b != Ipv4Addr::BROADCAST
            && !b.is_unspecified()
        {
            broadcast(b);
        }
        let network = addr.network();
        if network.octets()[0] != 0 && !addr.secondary && (network != addr.local || addr.prefix < 32) {
            if addr.prefix < 31 {
                broadcast(addr.subnet_broadcast());
            }
            let kind = if self.dev(dev).is_loopback() { RouteKind::Local } else { RouteKind::Unicast };
            all.push((kind, Ipv4Net::new_assert(network, addr.prefix), source));
        }
        all
    }

    /// The address that is the source of this one's routes: itself, or the primary of its subnet (`inet_ifa_byprefix`).
    fn primary_of(&self, dev: DevIdx, addr: &IfAddr) -> Option<Ipv4Addr> {
        if !addr.secondary {
            return Some(addr.local);
        }
        self.dev(dev).addrs.iter().find(|a| !a.secondary && a.same_subnet(addr)).map(|a| a.local)
    }
}

fn table_of(kind: RouteKind) -> u32 {
    if kind == RouteKind::Unicast { TABLE_MAIN } else { TABLE_LOCAL }
}
