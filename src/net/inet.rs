//! A host's IPv4 configuration: devices, addresses, tables, neighbours, variables, and what changes to one mean for the others.
//!
//! Follows net/core/dev.c and the notifiers of net/ipv4 (`fib_netdev_event`, `inetdev_event`, `arp_netdev_event`).
//! Addresses are in `addr.rs`, routes and decisions in `routing.rs`. Left out: IPv6, bridges, VLANs, bonds, VRFs,
//! MTUs below 68 (where Linux takes IPv4 off the device).

use super::dev::{Dev, DevKind, DevStats, Devs, IfAddr};
use super::errno::Errno;
use super::exceptions::Exceptions;
use super::fib::{Fib, SCOPE_NOWHERE};
use super::neigh::{Act, NeighTable};
use crate::base::{DevIdx, Rng};
use crate::sysctl::{Conf, Sysctls, WriteError};
use crate::wire::Mac;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// `IFNAMSIZ` less the closing zero: bytes that a device's name or label may have.
pub const NAME_MAX: usize = 15;

/// The IPv4 configuration of a host.
#[derive(Clone, Debug)]
pub struct Inet {
    /// Devices by index: `lo`, `tunl0`, then the others. Deleted ones stay as [`Dev::gone`].
    pub devs: Devs,
    /// Routes and rules.
    pub fib: Fib,
    /// What was learnt about single destinations.
    pub exceptions: Exceptions,
    /// Neighbours.
    pub neigh: NeighTable,
    /// `arp … pub` and `ip neigh add proxy`: addresses that are answered for, newest first; no device means every one.
    pub proxies: Vec<(Option<DevIdx>, Ipv4Addr)>,
    /// Kernel variables.
    pub sysctl: Sysctls,
    /// Multicast groups that a socket joined on a device, once for each socket.
    pub groups: Vec<(DevIdx, Ipv4Addr)>,
    /// What the host must carry out after a command.
    pub acts: Vec<Act>,
    /// Gratuitous ARP to send (`arp_notify`): the device and the address.
    pub garp: Vec<(DevIdx, Ipv4Addr)>,
    /// Devices taken up or down, which the other end of the cable notices.
    pub switched: Vec<(DevIdx, bool)>,
    /// A person has added a route of kind local (`fib_has_custom_local_routes`).
    pub custom_local_routes: bool,
    /// Changes with every change of devices and addresses; [`Fib::version`] stands for the routes.
    pub version: u64,
    /// Decisions of the packet path.
    pub(super) cache: super::cache::RouteCache,
}

impl Inet {
    /// A host with `lo` (up, 127.0.0.1/8) and `tunl0` (down). `rng` is for the neighbours' reachable times.
    pub fn new(rng: Rng) -> Inet {
        let mut inet = Inet {
            devs: Vec::new(),
            fib: Fib::default(),
            exceptions: Exceptions::default(),
            neigh: NeighTable::new(rng),
            proxies: Vec::new(),
            sysctl: Sysctls::default(),
            groups: Vec::new(),
            acts: Vec::new(),
            garp: Vec::new(),
            switched: Vec::new(),
            custom_local_routes: false,
            version: 0,
            cache: super::cache::RouteCache::default(),
        };
        let tunnel = DevKind::Ipip { local: None, remote: None, ttl: 0, pmtudisc: false };
        let lo = inet.push("lo".into(), DevKind::Loopback, Mac::ZERO, 65536);
        inet.push("tunl0".into(), tunnel, Mac::ZERO, 1480);
        inet.link_up(lo);
        inet
    }

    /// Adds an Ethernet card, down and with a carrier. The name must be free.
    pub fn add_ethernet(&mut self, name: Arc<str>, mac: Mac, mtu: u32) -> DevIdx {
        self.push(name, DevKind::Ethernet, mac, mtu)
    }

    /// Adds a dummy or a tunnel, down (`ip link add`, `ip tunnel add`). A dummy's hardware address is made from its index.
    ///
    /// # Errors
    /// EEXIST if the name is taken, EINVAL if it is no name.
    pub fn add_virtual(&mut self, name: &str, kind: DevKind) -> Result<DevIdx, Errno> {
        if !valid_name(name) {
            return Err(Errno::Invalid);
        }
        if self.dev_by_name(name).is_some() {
            return Err(Errno::Exists);
        }
        if self.devs.len() > usize::from(u16::MAX) - 1 {
            return Err(Errno::NoBufs);
        }
        let n = self.devs.len() as u16 + 1;
        let (mac, mtu) = match kind {
            DevKind::Ipip { local, remote, .. } => (Mac::ZERO, self.tunnel_mtu(local, remote)),
            _ => (Mac([0x02, 0x64, 0x75, 0x6d, (n >> 8) as u8, n as u8]), 1500),
        };
        Ok(self.push(name.into(), kind, mac, mtu))
    }

    /// The MTU that a tunnel begins with: what the device to its other end takes, less the outer header
    /// (`ip_tunnel_bind_dev`).
    fn tunnel_mtu(&self, local: Option<Ipv4Addr>, remote: Option<Ipv4Addr>) -> u32 {
        let below = remote.and_then(|remote| self.output_route(remote, local, None, 0).ok());
        let mtu = below.map_or(1500, |route| self.dev(route.dev).mtu.min(65535));
        mtu.saturating_sub(crate::wire::IpPacket::HEADER).max(68)
    }

    fn push(&mut self, name: Arc<str>, kind: DevKind, mac: Mac, mtu: u32) -> DevIdx {
        let idx = DevIdx(self.devs.len() as u16);
        self.sysctl.add_dev(name.clone());
        self.devs.push(Dev {
            idx,
            name,
            kind,
            mac,
            mtu,
            up: false,
            carrier: true,
            noarp: matches!(kind, DevKind::Ipip { .. } | DevKind::Dummy),
            addrs: Vec::new(),
            stats: DevStats::default(),
            opened: false,
            gone: false,
        });
        self.devices_changed();
        idx
    }

    /// Deletes a device: its addresses, routes and neighbours go with it.
    pub fn remove_dev(&mut self, dev: DevIdx) {
        self.link_down(dev);
        for addr in self.dev(dev).addrs.clone().iter().rev() {
            self.addr_del_exactly(dev, addr.local, addr.prefix);
        }
        self.disable_ip(dev, true);
        self.proxies.retain(|(d, _)| *d != Some(dev));
        self.sysctl.rename_dev(dev, None);
        let d = &mut self.devs[dev.index()];
        d.gone = true;
        self.devices_changed();
    }

    /// A device by its index.
    #[inline]
    pub fn dev(&self, dev: DevIdx) -> &Dev {
        &self.devs[dev.index()]
    }

    /// The devices that exist, by index.
    pub fn devices(&self) -> impl Iterator<Item = &Dev> {
        self.devs.iter().filter(|d| !d.gone)
    }

    /// A device by its name; an alias such as `eth0:0` is no device.
    pub fn dev_by_name(&self, name: &str) -> Option<DevIdx> {
        self.devices().find(|d| *d.name == *name).map(|d| d.idx)
    }

    /// Gives a device that is down another name; addresses change their labels (`inetdev_changename`).
    ///
    /// # Errors
    /// EBUSY while it is up, EEXIST, EINVAL.
    pub fn rename(&mut self, dev: DevIdx, name: &str) -> Result<(), Errno> {
        if *self.dev(dev).name == *name {
            return Ok(());
        }
        if self.dev(dev).up {
            return Err(Errno::Busy);
        }
        if !valid_name(name) {
            return Err(Errno::Invalid);
        }
        if self.dev_by_name(name).is_some() {
            return Err(Errno::Exists);
        }
        let d = &mut self.devs[dev.index()];
        d.name = name.into();
        for (n, addr) in d.addrs.iter_mut().enumerate() {
            addr.label = match addr.label.split_once(':') {
                _ if n == 0 => name.into(),
                Some((_, alias)) => label(name, alias),
                None => label(name, &(n + 1).to_string()),
            };
        }
        self.sysctl.rename_dev(dev, Some(name.into()));
        self.devices_changed();
        Ok(())
    }

    /// Takes a device up: its connected and broadcast routes return, those that people made do not.
    pub fn link_up(&mut self, dev: DevIdx) {
        let d = &mut self.devs[dev.index()];
        if d.up {
            return;
        }
        d.up = true;
        d.opened = true;
        self.switched.push((dev, true));
        let d = &mut self.devs[dev.index()];
        if d.is_loopback() && d.addrs.is_empty() {
            let home = IfAddr::new(Ipv4Addr::LOCALHOST, 8, d.name.clone());
            let _ = self.addr_add(dev, home);
        } else {
            for addr in d.addrs.clone() {
                self.add_routes(dev, &addr);
            }
        }
        self.fib.set_linkdown(dev, !self.dev(dev).carrier);
        self.notify(dev);
        self.version += 1;
    }

    /// Takes a device down: all routes through it go but those of its own addresses, and its neighbours.
    pub fn link_down(&mut self, dev: DevIdx) {
        let d = &mut self.devs[dev.index()];
        if !d.up {
            return;
        }
        d.up = false;
        self.switched.push((dev, false));
        self.disable_ip(dev, false);
        self.version += 1;
    }

    /// The cable's carrier comes or goes (`NETDEV_CHANGE`).
    pub fn carrier(&mut self, dev: DevIdx, present: bool) {
        let d = &mut self.devs[dev.index()];
        if d.carrier == present {
            return;
        }
        d.carrier = present;
        let up = d.up;
        self.version += 1;
        self.ignore_dead_links();
        if !up {
            return;
        }
        self.fib.set_linkdown(dev, !present);
        if !present && self.sysctl.on(Conf::ArpEvictNocarrier, dev) {
            self.neigh.flush_dev(dev, true, &mut self.acts);
        }
    }

    /// Writes a kernel variable, and what follows from it.
    ///
    /// # Errors
    /// As [`Sysctls::write`].
    pub fn sysctl_write(&mut self, path: &str, text: &str) -> Result<(), WriteError> {
        self.sysctl.write(path, text)?;
        self.ignore_dead_links();
        Ok(())
    }

    /// Tells the routing tables which routes `ignore_routes_with_linkdown` takes out of them.
    pub fn ignore_dead_links(&mut self) {
        let ignores = |d: &&Dev| !d.carrier && self.sysctl.on(Conf::IgnoreRoutesWithLinkdown, d.idx);
        let devs = self.devs.iter().filter(ignores).map(|d| d.idx).collect();
        self.fib.ignore(devs);
    }

    /// Sets the largest packet, in bytes.
    ///
    /// # Errors
    /// EINVAL below or above the driver's limits.
    pub fn set_mtu(&mut self, dev: DevIdx, mtu: u32) -> Result<(), Errno> {
        let (least, most) = self.dev(dev).mtu_limits();
        if !(least..=most).contains(&mtu) {
            return Err(Errno::Invalid);
        }
        self.devs[dev.index()].mtu = mtu;
        self.version += 1;
        Ok(())
    }

    /// Sets the hardware address; neighbours of the device are forgotten.
    ///
    /// # Errors
    /// EADDRNOTAVAIL for a group address or zero, EOPNOTSUPP where there is none.
    pub fn set_mac(&mut self, dev: DevIdx, mac: Mac) -> Result<(), Errno> {
        if !self.dev(dev).is_broadcast() {
            return Err(Errno::NotSupported);
        }
        if mac.is_multicast() || mac == Mac::ZERO {
            return Err(Errno::AddrNotAvail);
        }
        self.devs[dev.index()].mac = mac;
        self.version += 1;
        self.neigh.flush_dev(dev, false, &mut self.acts);
        self.notify(dev);
        Ok(())
    }

    /// `ip link set … arp on|off`; a change forgets the neighbours.
    pub fn set_noarp(&mut self, dev: DevIdx, noarp: bool) {
        let d = &mut self.devs[dev.index()];
        if d.noarp != noarp {
            d.noarp = noarp;
            self.version += 1;
            self.neigh.flush_dev(dev, false, &mut self.acts);
        }
    }

    /// Routes through a device go, those of its addresses only by `force` (`fib_disable_ip`).
    pub(super) fn disable_ip(&mut self, dev: DevIdx, force: bool) {
        self.fib.retain(|r| r.dev != Some(dev) || (!force && r.nh_scope == SCOPE_NOWHERE));
        self.routes_changed();
        self.neigh.flush_dev(dev, false, &mut self.acts);
    }

    /// What was learnt under routes that are no more is forgotten.
    pub(super) fn routes_changed(&mut self) {
        let fib = &self.fib;
        self.exceptions.retain_routes(|id| fib.routes().iter().any(|r| r.id == id));
    }

    /// Announces every address of a device, if `arp_notify` says so (`inetdev_send_gratuitous_arp`).
    fn notify(&mut self, dev: DevIdx) {
        let d = &self.devs[dev.index()];
        if d.up && !d.noarp && !d.is_loopback() && self.sysctl.on(Conf::ArpNotify, dev) {
            self.garp.extend(d.addrs.iter().map(|a| (dev, a.local)));
        }
    }

    fn devices_changed(&mut self) {
        self.version += 1;
        let devs = &self.devs;
        self.fib.bind_rules(|name| devs.iter().find(|d| !d.gone && *d.name == *name).map(|d| d.idx));
    }
}

fn label(name: &str, alias: &str) -> Arc<str> {
    let room = NAME_MAX.saturating_sub(alias.len() + 1);
    let cut = name.char_indices().map(|(i, c)| i + c.len_utf8()).take_while(|&end| end <= room).last().unwrap_or(0);
    format!("{}:{alias}", &name[..cut]).into()
}

/// Whether Linux takes this as a device's name (`dev_valid_name`).
pub fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX
        && name != "."
        && name != ".."
        && !name.contains(|c: char| c == '/' || c == ':' || c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    fn host(addrs: &[&str]) -> (Inet, DevIdx) {
        let mut inet = Inet::new(Seed(1).stream("neigh"));
        let eth0 = inet.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        inet.link_up(eth0);
        for a in addrs {
            add(&mut inet, eth0, a);
        }
        (inet, eth0)
    }

    fn add(inet: &mut Inet, dev: DevIdx, text: &str) {
        let (local, prefix) = text.split_once('/').expect("an address with a prefix");
        let label = inet.dev(dev).name.clone();
        let local = local.parse().expect("an address");
        inet.addr_add(dev, IfAddr::new(local, prefix.parse().expect("a prefix"), label)).expect("it is new");
    }

    fn routes(inet: &Inet, dev: DevIdx) -> Vec<String> {
        inet.fib
            .routes()
            .iter()
            .filter(|r| r.dev == Some(dev))
            .map(|r| {
                let source = r.prefsrc.map(|s| s.to_string()).unwrap_or_default();
                format!("{} {} {source}", r.kind.name(), r.dst)
            })
            .collect()
    }

    #[test]
    fn an_address_brings_its_network_and_its_broadcast() {
        let (inet, eth0) = host(&["10.0.0.1/24", "10.0.0.9/32"]);
        assert_eq!(
            routes(&inet, eth0),
            [
                "unicast 10.0.0.0/24 10.0.0.1",
                "local 10.0.0.1/32 10.0.0.1",
                "local 10.0.0.9/32 10.0.0.9",
                "broadcast 10.0.0.255/32 10.0.0.1",
            ]
        );
        assert!(inet.is_local(Ipv4Addr::new(127, 8, 8, 8)));
        assert!(!inet.is_local(Ipv4Addr::new(10, 0, 0, 5)));
    }

    #[test]
    fn a_network_on_lo_is_local_as_a_whole() {
        let (mut inet, _) = host(&["10.0.0.1/24"]);
        add(&mut inet, DevIdx::LO, "10.0.0.200/24");
        assert!(inet.is_local(Ipv4Addr::new(10, 0, 0, 77)));
        let way = inet.output_route(Ipv4Addr::new(10, 0, 0, 77), None, None, 0).expect("it is local");
        assert_eq!((way.dev, way.saddr), (DevIdx::LO, Ipv4Addr::new(10, 0, 0, 200)));
    }

    #[test]
    fn down_takes_routes_but_not_the_address_and_up_brings_connected_ones() {
        let (mut inet, eth0) = host(&["10.0.0.1/24"]);
        let before = routes(&inet, eth0);
        inet.link_down(eth0);
        assert_eq!(routes(&inet, eth0), ["local 10.0.0.1/32 10.0.0.1"]);
        inet.link_up(eth0);
        assert_eq!(routes(&inet, eth0), before);
    }

    #[test]
    fn a_primary_takes_its_secondaries_along_unless_they_are_promoted() {
        for (promote, left) in [("0", vec![]), ("1", vec!["10.0.0.3", "10.0.0.4"])] {
            let (mut inet, eth0) = host(&["10.0.0.1/24", "10.0.0.3/24", "10.0.0.4/24"]);
            inet.sysctl.write("net.ipv4.conf.eth0.promote_secondaries", promote).unwrap();
            inet.addr_del(eth0, Ipv4Addr::new(10, 0, 0, 1), Some(24), None).unwrap();
            let addrs: Vec<String> = inet.dev(eth0).addrs.iter().map(|a| a.local.to_string()).collect();
            assert_eq!(addrs, left);
            if promote == "1" {
                assert_eq!(
                    routes(&inet, eth0),
                    [
                        "unicast 10.0.0.0/24 10.0.0.3",
                        "local 10.0.0.3/32 10.0.0.3",
                        "local 10.0.0.4/32 10.0.0.3",
                        "broadcast 10.0.0.255/32 10.0.0.3",
                    ]
                );
            } else {
                assert!(routes(&inet, eth0).is_empty());
            }
        }
    }

    #[test]
    fn an_unnumbered_device_lends_the_source_of_lo_first() {
        let (mut inet, _) = host(&["10.0.0.1/24"]);
        add(&mut inet, DevIdx::LO, "10.7.7.7/32");
        let eth1 = inet.add_ethernet("eth1".into(), Mac([2, 0, 0, 0, 0, 2]), 1500);
        inet.link_up(eth1);
        assert_eq!(inet.select_source(None, eth1, 253), Some(Ipv4Addr::new(10, 7, 7, 7)));
    }

    #[test]
    fn reverse_path_filtering_follows_the_larger_value() {
        use crate::net::routing::InError;
        let (mut inet, eth0) = host(&["10.0.0.2/24"]);
        let eth1 = inet.add_ethernet("eth1".into(), Mac([2, 0, 0, 0, 0, 2]), 1500);
        inet.link_up(eth1);
        add(&mut inet, eth1, "10.1.0.2/24");
        let tunl0 = DevIdx(1);
        inet.link_up(tunl0);
        let (me, client) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 5));
        let check = |inet: &Inet, dev| inet.input_route(me, client, dev, 0, 0).err();
        let strict = Some(InError::ReversePath { best: Some(eth0) });
        for (all, own, by_eth1, by_tunl0) in
            [("0", "0", None, None), ("1", "0", strict, strict), ("0", "2", None, strict), ("1", "2", None, strict)]
        {
            inet.sysctl.write("net.ipv4.conf.all.rp_filter", all).unwrap();
            for dev in ["eth1", "tunl0"] {
                inet.sysctl.write(&format!("net.ipv4.conf.{dev}.rp_filter"), own).unwrap();
            }
            assert_eq!(check(&inet, eth1), by_eth1, "all={all} own={own}");
            assert_eq!(check(&inet, tunl0), by_tunl0, "all={all} own={own}");
        }
        assert_eq!(inet.input_route(me, Ipv4Addr::new(10, 1, 0, 2), eth0, 0, 0), Err(InError::OwnSource));
    }

    #[test]
    fn a_gateway_must_be_on_a_link_or_be_this_host() {
        use crate::net::fib::Insert;
        let (mut inet, eth0) = host(&["10.0.0.1/24"]);
        let default = |via: [u8; 4]| default_by(via.into());
        let refused = inet.route_insert(default([10, 5, 0, 1]), Insert::Exclusive).unwrap_err();
        assert_eq!(refused.to_string(), "Error: Nexthop has invalid gateway.");
        inet.route_insert(default([10, 0, 0, 254]), Insert::Exclusive).unwrap();
        let way = inet.output_route(Ipv4Addr::new(8, 8, 8, 8), None, None, 0).unwrap();
        assert_eq!(way.dev, eth0);
        assert_eq!(way.saddr, Ipv4Addr::new(10, 0, 0, 1));
        inet.route_insert(default([10, 0, 0, 1]), Insert::Prepend).expect("the own address is taken for a gateway");
    }

    #[test]
    fn a_silent_default_gateway_gives_way_to_the_next() {
        use crate::base::SimTime;
        use crate::net::Nud;
        use crate::net::fib::FlowKey;
        let (mut inet, eth0) = host(&["10.0.0.1/24"]);
        for n in [253, 254] {
            let route = default_by(Ipv4Addr::new(10, 0, 0, n));
            inet.route_insert(route, crate::net::fib::Insert::Prepend).expect("the gateway is on the link");
        }
        let via = |inet: &mut Inet| {
            let key = FlowKey::to(Ipv4Addr::new(8, 8, 8, 8));
            let way = inet.output_route_live(key).expect("there is a default route");
            way.via.expect("it has a gateway").octets()[3]
        };
        assert!(inet.has_rival_defaults());
        assert_eq!(via(&mut inet), 254);
        // A stale one that was taken last gives way to one that nothing is known of, and has its turn again after that.
        for (state, seen) in [(Nud::Reachable, [254, 254]), (Nud::Stale, [253, 254]), (Nud::Failed, [253, 253])] {
            let mac = Some(Mac([2, 0, 0, 0, 0, 9]));
            let first = Ipv4Addr::new(10, 0, 0, 254);
            let (sysctl, acts) = (&inet.sysctl, &mut inet.acts);
            inet.neigh.set_nud(eth0, first, mac, state, SimTime::ZERO, sysctl, acts);
            assert_eq!([via(&mut inet), via(&mut inet)], seen, "{state:?}");
        }
    }

    fn default_by(gateway: Ipv4Addr) -> crate::net::Route {
        use crate::net::fib::{PROTO_BOOT, TABLE_MAIN};
        crate::net::Route {
            dst: "0.0.0.0/0".parse().expect("a prefix"),
            kind: crate::net::RouteKind::Unicast,
            scope: 0,
            tos: 0,
            table: TABLE_MAIN,
            metric: 0,
            via: Some(gateway),
            dev: None,
            prefsrc: None,
            proto: PROTO_BOOT,
            mtu: None,
            mtu_lock: false,
            advmss: None,
            onlink: false,
            nh_scope: 0,
            linkdown: false,
            id: 0,
        }
    }
}
