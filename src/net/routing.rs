//! Routes by hand, and the decisions over them: where a packet goes, which source it gets, whether one that came may have come.
//!
//! Follows `fib_create_info` (net/ipv4/fib_semantics.c), `__ip_route_output_key` and `ip_route_input_slow` (net/ipv4/route.c),
//! `fib_validate_source` (net/ipv4/fib_frontend.c). Left out: multicast routing, IPsec.

use super::errno::{Errno, NetError};
use super::fib::{
    FibError, FlowKey, Hit, Insert, Route, RouteKind, RouteMatch, Rule, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE,
    SCOPE_UNIVERSE, TABLE_LOCAL, TABLE_MAIN,
};
use super::inet::Inet;
use crate::base::DevIdx;
use crate::sysctl::Conf;
use std::net::Ipv4Addr;

/// Where a packet of the host's own goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutRoute {
    /// Unicast, local, broadcast or multicast.
    pub kind: RouteKind,
    /// The device; `lo` for the host itself.
    pub dev: DevIdx,
    /// The gateway; none where the destination is on the link.
    pub via: Option<Ipv4Addr>,
    /// The source; 0.0.0.0 if the host has none to give.
    pub saddr: Ipv4Addr,
    /// The largest packet in bytes, by the route or the device.
    pub mtu: u32,
    /// The route that was found; none where the device alone was chosen.
    pub hit: Option<Hit>,
}

/// Where a packet that came goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InRoute {
    /// It is for this host.
    Local(Hit),
    /// It is for everybody on the link (none: 255.255.255.255).
    Broadcast(Option<Hit>),
    /// It is for a group.
    Multicast,
    /// It is to be forwarded.
    Forward {
        /// The route.
        hit: Hit,
        /// The sender should be told of a better gateway, if its address allows: it leaves by where it came.
        redirect: bool,
    },
}

/// Why a packet that came goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InError {
    /// Nobody has that source: a group, 0/8, 127/8 from outside, or the tables call it broadcast.
    MartianSource,
    /// Nobody has that destination.
    MartianDestination,
    /// The source is one of the host's own addresses.
    OwnSource,
    /// `rp_filter`: the way back leads elsewhere.
    ReversePath {
        /// The device of the way back, if there is one.
        best: Option<DevIdx>,
    },
    /// Not for this host, and the device does not forward.
    NotForwarding,
    /// There is no route, or it refuses.
    Fib(FibError),
}

/// What is known of a source after the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceOk {
    /// It is a neighbour on the receiving device.
    OnLink,
    /// It is not known to be one.
    Beyond,
}

/// For the memory of [`super::Fib`]: which default route was taken.
type Taken = Option<(u64, i32)>;

impl Inet {
    /// The kind of an address by the local table (`inet_addr_type`). While no rule was ever added the main table counts as well.
    pub fn addr_kind(&self, addr: Ipv4Addr) -> RouteKind {
        if addr.is_broadcast() || addr.octets()[0] == 0 {
            return RouteKind::Broadcast;
        }
        if addr.is_multicast() {
            return RouteKind::Multicast;
        }
        self.fib.search(TABLE_LOCAL, &FlowKey::to(addr), SCOPE_UNIVERSE).map_or(RouteKind::Unicast, |hit| hit.kind)
    }

    /// Whether packets to `addr` are for this host: its own addresses, and whole subnets on `lo`.
    pub fn is_local(&self, addr: Ipv4Addr) -> bool {
        self.addr_kind(addr) == RouteKind::Local
    }

    /// Whether packets to a group that arrive by `dev` are for this host (`ip_check_mc_rcu`): a socket joined the group
    /// there, or it is that of all hosts.
    pub fn in_group(&self, dev: DevIdx, group: Ipv4Addr) -> bool {
        const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
        group == ALL_HOSTS || self.groups.contains(&(dev, group))
    }

    /// A socket joins a group (`ip_mc_join_group`). Nobody is told by IGMP: switches here send groups everywhere.
    pub fn join_group(&mut self, dev: DevIdx, group: Ipv4Addr) {
        self.groups.push((dev, group));
    }

    /// A socket leaves a group; others may stay.
    pub fn leave_group(&mut self, dev: DevIdx, group: Ipv4Addr) {
        if let Some(place) = self.groups.iter().position(|g| *g == (dev, group)) {
            self.groups.remove(place);
        }
    }

    /// Puts a route in after the kernel's checks. `nh_scope`, `linkdown` and `id` of `route` are found out here.
    ///
    /// # Errors
    /// The kernel's, with its sentence.
    pub fn route_insert(&mut self, mut route: Route, how: Insert) -> Result<(), NetError> {
        self.check_route(&mut route)?;
        let custom = route.kind == RouteKind::Local;
        self.fib.insert(route, how)?;
        self.custom_local_routes |= custom;
        self.routes_changed();
        Ok(())
    }

    /// Deletes the first route that fits.
    ///
    /// # Errors
    /// ESRCH if none does.
    pub fn route_del(&mut self, wanted: &RouteMatch) -> Result<Route, NetError> {
        if !self.fib.has_table(wanted.table) {
            return Err(NetError::new(Errno::NoProcess, "FIB table does not exist"));
        }
        let gone = self.fib.delete(wanted)?;
        self.routes_changed();
        Ok(gone)
    }

    /// Keeps the routes that `keep` says yes to; returns how many went.
    pub fn route_retain(&mut self, keep: impl FnMut(&Route) -> bool) -> usize {
        let gone = self.fib.retain(keep);
        self.routes_changed();
        gone
    }

    /// Adds a policy rule; devices that it names are found here.
    ///
    /// # Errors
    /// EEXIST.
    pub fn rule_add(&mut self, mut rule: Rule) -> Result<(), NetError> {
        rule.iif_dev = rule.iif.as_deref().and_then(|n| self.dev_by_name(n));
        rule.oif_dev = rule.oif.as_deref().and_then(|n| self.dev_by_name(n));
        Ok(self.fib.add_rule(rule)?)
    }

    /// `fib_create_info`: does the route make sense, and which scope has its next hop?
    fn check_route(&self, r: &mut Route) -> Result<(), NetError> {
        const INVALID: Errno = Errno::Invalid;
        if r.dst.network() != r.dst.addr() {
            return Err(NetError::new(INVALID, "Invalid prefix for given prefix length"));
        }
        if r.kind.least_scope() > r.scope {
            return Err(NetError::new(INVALID, "Invalid scope"));
        }
        if r.kind.error().is_some() {
            if r.via.is_some() || r.dev.is_some() {
                return Err(NetError::new(
                    INVALID,
                    "Gateway, device and multipath can not be specified for this route type",
                ));
            }
            r.nh_scope = SCOPE_NOWHERE;
        } else if r.scope > SCOPE_HOST {
            return Err(NetError::new(INVALID, "Invalid scope"));
        } else if r.scope == SCOPE_HOST {
            if r.via.is_some() {
                return Err(NetError::new(INVALID, "Route with host scope can not have a gateway"));
            }
            r.dev.ok_or(Errno::NoDevice)?;
            r.nh_scope = SCOPE_NOWHERE;
        } else {
            match r.via {
                Some(gateway) => self.check_gateway(r, gateway)?,
                None => {
                    if r.onlink {
                        return Err(NetError::new(
                            INVALID,
                            "Invalid flags for nexthop - PERVASIVE and ONLINK can not be set",
                        ));
                    }
                    let dev = r.dev.ok_or(Errno::NoDevice)?;
                    if !self.dev(dev).up {
                        return Err(NetError::new(Errno::NetDown, "Device for nexthop is not up"));
                    }
                    r.nh_scope = SCOPE_HOST;
                }
            }
            r.linkdown = r.dev.is_some_and(|d| !self.dev(d).carrier);
        }
        if let Some(source) = r.prefsrc {
            let itself = r.kind == RouteKind::Local && source == r.dst.addr();
            if !itself && !self.is_local(source) {
                return Err(NetError::new(INVALID, "Invalid prefsrc address"));
            }
        }
        Ok(())
    }

    /// `fib_check_nh_v4_gw`: a gateway must be on a link, or be this host.
    fn check_gateway(&self, r: &mut Route, gateway: Ipv4Addr) -> Result<(), NetError> {
        const WRONG: &str = "Nexthop has invalid gateway";
        if r.onlink {
            if r.scope >= SCOPE_LINK {
                return Err(NetError::new(Errno::Invalid, "Nexthop has invalid scope"));
            }
            let dev = r.dev.ok_or(NetError::new(Errno::NoDevice, "Nexthop device required for onlink"))?;
            if !self.dev(dev).up {
                return Err(NetError::new(Errno::NetDown, "Nexthop device is not up"));
            }
            if self.addr_kind(gateway) != RouteKind::Unicast {
                return Err(NetError::new(Errno::Invalid, WRONG));
            }
            r.nh_scope = SCOPE_LINK;
            return Ok(());
        }
        let mut key = FlowKey::to(gateway);
        key.oif = r.dev;
        let scope = r.scope.saturating_add(1).max(SCOPE_LINK);
        let own = (r.table != TABLE_MAIN).then(|| self.fib.search(r.table, &key, scope).ok()).flatten();
        let hit = match own {
            Some(hit) => hit,
            None => self.fib.lookup_within(&key, scope).map_err(|e| NetError::new(e.errno(), WRONG))?,
        };
        if !matches!(hit.kind, RouteKind::Unicast | RouteKind::Local) {
            return Err(NetError::new(Errno::Invalid, WRONG));
        }
        r.nh_scope = hit.scope;
        r.dev = Some(hit.dev);
        if !self.dev(hit.dev).up {
            return Err(Errno::NetDown.into());
        }
        Ok(())
    }

    /// Where a packet of the host's own goes, and with which source (`ip_route_output_key`).
    ///
    /// # Errors
    /// ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL, as the socket is told.
    pub fn output_route(
        &self,
        daddr: Ipv4Addr,
        saddr: Option<Ipv4Addr>,
        oif: Option<DevIdx>,
        mark: u32,
    ) -> Result<OutRoute, Errno> {
        let mut key = FlowKey { oif, mark, ..FlowKey::to(daddr) };
        key.saddr = saddr.unwrap_or(Ipv4Addr::UNSPECIFIED);
        self.output_route_key(key)
    }

    /// The same for a whole key; `iif` of the key does not count.
    ///
    /// # Errors
    /// As [`Inet::output_route`].
    pub fn output_route_key(&self, key: FlowKey) -> Result<OutRoute, Errno> {
        self.decide(key).map(|(way, _)| way)
    }

    /// The same for a packet that is really sent. Of several default routes of one metric Linux takes the first whose gateway is
    /// not known to be silent, and remembers which: a gateway that was taken last and is not freshly confirmed gives way to the
    /// next (`fib_select_default`).
    ///
    /// # Errors
    /// As [`Inet::output_route`].
    pub fn output_route_live(&mut self, key: FlowKey) -> Result<OutRoute, Errno> {
        let (way, taken) = self.decide(key)?;
        if let Some(taken) = taken {
            self.fib.remember_default(taken);
        }
        Ok(way)
    }

    /// Whether routes may change from one packet to the next, so that nobody may remember them: a table has more than one
    /// default route.
    pub fn has_rival_defaults(&self) -> bool {
        let defaults = |r: &&Route| r.dst.prefix_len() == 0;
        let mut tables = self.fib.routes().iter().filter(defaults).map(|r| r.table);
        let first = tables.next();
        // Tables stand in order, so equals are neighbours.
        let mut last = first;
        tables.any(|t| last.replace(t) == Some(t))
    }

    fn decide(&self, mut key: FlowKey) -> Result<(OutRoute, Taken), Errno> {
        let mut taken = None;
        key.iif = None;
        let to_all = key.daddr.is_broadcast();
        let to_group = key.daddr.is_multicast();
        if !key.saddr.is_unspecified() {
            if key.saddr.is_multicast() || key.saddr.is_broadcast() || key.saddr.octets()[0] == 0 {
                return Err(Errno::Invalid);
            }
            let owner = self.devices().find(|d| d.addrs.iter().any(|a| a.local == key.saddr)).map(|d| d.idx);
            if key.oif.is_none() && (to_all || to_group) {
                let dev = owner.ok_or(Errno::NetUnreachable)?;
                return self.way(key, direct(key.daddr), dev, None).map(|w| (w, None));
            }
            if owner.is_none() && !self.is_local(key.saddr) {
                return Err(Errno::NetUnreachable);
            }
        }
        if let Some(dev) = key.oif {
            if !self.dev(dev).up {
                return Err(Errno::NetUnreachable);
            }
            let local_group = to_group && key.daddr.octets()[..3] == [224, 0, 0];
            if to_all || local_group {
                self.give_source(&mut key, dev, SCOPE_LINK);
                return self.way(key, direct(key.daddr), dev, None).map(|w| (w, None));
            }
            if to_group {
                self.give_source(&mut key, dev, SCOPE_UNIVERSE);
            } else if key.daddr.is_unspecified() {
                self.give_source(&mut key, dev, SCOPE_HOST);
            }
        }
        if key.daddr.is_unspecified() {
            key.daddr = key.saddr;
            if key.daddr.is_unspecified() {
                (key.daddr, key.saddr) = (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
            }
            return self.way(key, RouteKind::Local, DevIdx::LO, None).map(|w| (w, None));
        }
        let mut hit = match (self.fib.lookup(&key), key.oif) {
            (Ok(hit), _) => hit,
            // The tables seem wrong: the device was chosen, so the destination is taken to be on its link.
            (Err(_), Some(dev)) => {
                self.give_source(&mut key, dev, SCOPE_LINK);
                return self.way(key, direct(key.daddr), dev, None).map(|w| (w, None));
            }
            (Err(e), None) => return Err(e.errno()),
        };
        if hit.kind == RouteKind::Local {
            if key.saddr.is_unspecified() {
                key.saddr = hit.prefsrc.unwrap_or(key.daddr);
            }
            return self.way(key, RouteKind::Local, DevIdx::LO, Some(hit)).map(|w| (w, None));
        }
        if hit.prefix_len == 0 && hit.kind == RouteKind::Unicast && key.oif.is_none() {
            let gateway = |r: &Route| {
                let entry = self.neigh.get(r.dev?, r.via?);
                entry.map(|n| n.state)
            };
            (hit, taken) = self.fib.select_default(hit, key.tos, gateway);
        }
        if key.saddr.is_unspecified() {
            key.saddr = self.source_by(&hit).unwrap_or(Ipv4Addr::UNSPECIFIED);
        }
        let kind = if to_all || to_group { direct(key.daddr) } else { hit.kind };
        self.way(key, kind, hit.dev, Some(hit)).map(|w| (w, taken))
    }

    /// The source that a route gives: its preferred one, else the best address of its device (`fib_result_prefsrc`).
    pub fn source_by(&self, hit: &Hit) -> Option<Ipv4Addr> {
        hit.prefsrc.or_else(|| self.select_source(hit.via, hit.dev, hit.scope))
    }

    fn give_source(&self, key: &mut FlowKey, dev: DevIdx, scope: u8) {
        if key.saddr.is_unspecified() {
            key.saddr = self.select_source(None, dev, scope).unwrap_or(Ipv4Addr::UNSPECIFIED);
        }
    }

    /// `__mkroute_output`.
    fn way(&self, key: FlowKey, kind: RouteKind, dev: DevIdx, hit: Option<Hit>) -> Result<OutRoute, Errno> {
        let d = self.dev(dev);
        if key.saddr.is_loopback() && !d.is_loopback() && !self.sysctl.on(Conf::RouteLocalnet, dev) {
            return Err(Errno::Invalid);
        }
        if key.daddr.octets()[0] == 0 {
            return Err(Errno::Invalid);
        }
        Ok(OutRoute {
            kind,
            dev,
            via: hit.and_then(|h| h.gateway()).filter(|_| kind == RouteKind::Unicast),
            saddr: key.saddr,
            mtu: hit.and_then(|h| h.mtu).unwrap_or(d.mtu).min(65535),
            hit,
        })
    }

    /// What becomes of a packet that came by `iif` (`ip_route_input_slow`).
    ///
    /// # Errors
    /// Why it is dropped. The host says nothing about martians and refused sources; about [`InError::Fib`] it sends an error if
    /// it forwards.
    pub fn input_route(
        &self,
        daddr: Ipv4Addr,
        saddr: Ipv4Addr,
        iif: DevIdx,
        mark: u32,
        tos: u8,
    ) -> Result<InRoute, InError> {
        let localnet = self.sysctl.on(Conf::RouteLocalnet, iif);
        if saddr.is_multicast() || saddr.is_broadcast() {
            return Err(InError::MartianSource);
        }
        if daddr.is_multicast() {
            let local_group = daddr.octets()[..3] == [224, 0, 0];
            if saddr.is_loopback() && !localnet {
                return Err(InError::MartianSource);
            }
            if saddr.octets()[0] == 0 {
                return match local_group {
                    true => Ok(InRoute::Multicast),
                    false => Err(InError::MartianSource),
                };
            }
            self.validate_source(saddr, daddr, mark, tos, iif, None)?;
            return Ok(InRoute::Multicast);
        }
        if daddr.is_broadcast() || (saddr.is_unspecified() && daddr.is_unspecified()) {
            return self.broadcast_in(saddr, daddr, mark, tos, iif, None);
        }
        if saddr.octets()[0] == 0 {
            return Err(InError::MartianSource);
        }
        if daddr.octets()[0] == 0 || (daddr.is_loopback() && !localnet) {
            return Err(InError::MartianDestination);
        }
        if saddr.is_loopback() && !localnet {
            return Err(InError::MartianSource);
        }
        let forwards = self.sysctl.on(Conf::Forwarding, iif);
        let key = FlowKey { daddr, saddr, iif: Some(iif), oif: None, mark, tos };
        let hit = match self.fib.lookup(&key) {
            Ok(hit) => hit,
            Err(_) if !forwards => return Err(InError::NotForwarding),
            Err(e) => return Err(InError::Fib(e)),
        };
        match hit.kind {
            RouteKind::Broadcast => self.broadcast_in(saddr, daddr, mark, tos, iif, Some(hit)),
            RouteKind::Local => {
                self.validate_source(saddr, daddr, mark, tos, iif, None)?;
                Ok(InRoute::Local(hit))
            }
            _ if !forwards => Err(InError::NotForwarding),
            RouteKind::Unicast => {
                let source = self.validate_source(saddr, daddr, mark, tos, iif, Some(hit.dev))?;
                let redirect = hit.dev == iif
                    && source == SourceOk::OnLink
                    && self.sysctl.on(Conf::SendRedirects, iif)
                    && (self.sysctl.on(Conf::SharedMedia, iif) || self.on_link_together(iif, saddr, hit.via));
                Ok(InRoute::Forward { hit, redirect })
            }
            _ => Err(InError::MartianDestination),
        }
    }

    fn broadcast_in(
        &self,
        saddr: Ipv4Addr,
        daddr: Ipv4Addr,
        mark: u32,
        tos: u8,
        iif: DevIdx,
        hit: Option<Hit>,
    ) -> Result<InRoute, InError> {
        if saddr.octets()[0] != 0 {
            self.validate_source(saddr, daddr, mark, tos, iif, None)?;
        }
        Ok(InRoute::Broadcast(hit))
    }

    /// `inet_addr_onlink`: some address of the device has both in its subnet.
    fn on_link_together(&self, dev: DevIdx, a: Ipv4Addr, b: Option<Ipv4Addr>) -> bool {
        self.dev(dev).addrs.iter().any(|ifa| ifa.covers(a) && b.is_none_or(|b| ifa.covers(b)))
    }

    /// May a packet from `saddr` have come by `iif`? `out` is the device by which it will leave, if it will
    /// (`fib_validate_source`).
    ///
    /// # Errors
    /// [`InError::OwnSource`], [`InError::MartianSource`] or [`InError::ReversePath`].
    pub fn validate_source(
        &self,
        saddr: Ipv4Addr,
        daddr: Ipv4Addr,
        mark: u32,
        tos: u8,
        iif: DevIdx,
        out: Option<DevIdx>,
    ) -> Result<SourceOk, InError> {
        let rp = self.sysctl.effective(Conf::RpFilter, iif);
        let accept_local = self.sysctl.on(Conf::AcceptLocal, iif);
        let back_out = out == Some(iif) && self.sysctl.on(Conf::SendRedirects, iif);
        if rp == 0 && !back_out {
            if accept_local {
                return Ok(SourceOk::Beyond);
            }
            if !self.custom_local_routes && !self.fib.has_custom_rules() {
                return if self.has_addr(saddr) { Err(InError::OwnSource) } else { Ok(SourceOk::Beyond) };
            }
        }
        let mark = if self.sysctl.on(Conf::SrcValidMark, iif) { mark } else { 0 };
        let mut key = FlowKey { daddr: saddr, saddr: daddr, iif: out, oif: None, mark, tos };
        let refused = |best| {
            if rp != 0 { Err(InError::ReversePath { best }) } else { Ok(SourceOk::Beyond) }
        };
        let Ok(hit) = self.fib.lookup_any_link(&key) else {
            return refused(None);
        };
        match hit.kind {
            RouteKind::Unicast => {}
            RouteKind::Local if accept_local => {}
            RouteKind::Local => return Err(InError::OwnSource),
            _ => return Err(InError::MartianSource),
        }
        let source = |hit: &Hit| {
            if hit.on_link() { SourceOk::OnLink } else { SourceOk::Beyond }
        };
        if hit.dev == iif || (hit.kind == RouteKind::Local && iif == DevIdx::LO) {
            return Ok(source(&hit));
        }
        if self.dev(iif).addrs.is_empty() {
            return refused(Some(hit.dev));
        }
        if rp == 1 {
            return Err(InError::ReversePath { best: Some(hit.dev) });
        }
        key.oif = Some(iif);
        Ok(match self.fib.lookup_any_link(&key) {
            Ok(hit) if hit.kind == RouteKind::Unicast => source(&hit),
            _ => SourceOk::Beyond,
        })
    }
}

fn direct(daddr: Ipv4Addr) -> RouteKind {
    if daddr.is_broadcast() {
        RouteKind::Broadcast
    } else if daddr.is_multicast() {
        RouteKind::Multicast
    } else {
        RouteKind::Unicast
    }
}
