//! The real servers: do they take what the director sends them, and does anything listen there?

use super::Finding;
use super::lab::{Asked, Lab, Real, Virtual};
use super::origin::sets;
use super::walk::{End, Parcel, Way, rewrites};
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::lang::Text;
use crate::net::dev::DevKind;
use crate::net::netfilter::HookPoint;
use crate::net::routing::{InError, InRoute};
use crate::sysctl::{Conf, Global};
use crate::text;
use crate::wire::{IpPacket, Proto};
use std::net::Ipv4Addr;

/// L020: a DR or TUN real server without the VIP.
pub fn without_vip(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, host) in remote(lab) {
        let Some(vip) = service.vip.filter(|_| real.method != Method::Nat) else { continue };
        let from = service.asked.first().map_or(real.addr, |a| a.from);
        let by_rule = |d: &crate::net::Dev| {
            matches!(lab.host(host).net.input_route(vip, from, d.idx, 0, 0), Ok(InRoute::Local(_)))
        };
        if lab.host(host).net.is_local(vip) || rewrites(lab.host(host)) || lab.host(host).net.devs.iter().any(by_rule) {
            continue;
        }
        let name = lab.name(host);
        let (mode, dev) = if real.method == Method::Tun {
            (text!("lint-tunnelling"), "tunl0")
        } else {
            (text!("lint-direct-routing"), "lo")
        };
        let serves = |w: &Way| matches!(w.end, End::Arrived | End::Unknown);
        let lost = service.asked.iter().all(|a| !lab.delivered(service, real, a).iter().any(serves));
        found.push(
            Finding::new(lab, host, lab.at_real(service, real), text!("lint-without-vip", name, mode, vip))
                .label(Text::plain(format!("{} {}", real.addr, real.method.option())))
                .note(text!("lint-without-vip-note", vip, name))
                .cure(text!("lint-without-vip-cure", name, vip, dev))
                .fails(lost && lab.certain(service, real)),
        );
    }
    found
}

/// L021: another port with direct routing or a tunnel.
pub fn port_mapping(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, host) in remote(lab) {
        if real.method == Method::Nat || service.port == 0 {
            continue;
        }
        let wanted = |w: &String| {
            let (addr, port) = w.rsplit_once(':')?;
            (addr == real.addr.to_string()).then(|| port.parse::<u16>().ok()).flatten().filter(|p| *p != service.port)
        };
        let names = |c: &&super::journal::Command| {
            c.ipvsadm().is_some_and(|r| r.key == service.key && r.server.addr == real.addr)
        };
        let Some(command) = lab.journal.on(service.node).rev().find(names) else { continue };
        let Some(port) = command.words.iter().find_map(wanted) else { continue };
        let name = lab.name(host);
        let vip = service.vip.unwrap_or(real.addr);
        let listens = lab.listens(host, service.proto, vip, service.port);
        found.push(
            Finding::new(
                lab,
                host,
                lab.at_command(command, &format!("{}:{port}", real.addr)),
                text!("lint-port-mapping", port, name, option = real.method.option()),
            )
            .label(text!("lint-keep-port", port = service.port))
            .also(lab.at_service(service), text!("lint-service-port"))
            .note(text!(
                "lint-port-mapping-note",
                name,
                port = service.port,
                rest = if listens { Text::none() } else { text!("lint-where-nothing-listens") }
            ))
            .cure(text!(
                "lint-port-mapping-cure",
                name,
                listen = service.port,
                service = service.option(),
                server = real.addr,
                port
            ))
            .fails(!listens && lab.certain(service, real)),
        );
    }
    found
}

/// L022: nothing listens at the server's port.
pub fn not_listening(lab: &Lab<'_>) -> Vec<Finding> {
    deaf(lab).into_iter().filter(|d| d.elsewhere.is_none()).map(|d| d.finding).collect()
}

/// L023: a NAT server was added with another port than it listens at.
pub fn nat_port(lab: &Lab<'_>) -> Vec<Finding> {
    let tell = |d: Deaf| {
        let port = d.elsewhere?;
        let mut f = d.finding;
        f.label = text!("lint-listens-at", port);
        f.cure =
            Text::plain(format!("ipvsadm -d {0} -r {1}; ipvsadm -a {0} -r {2}:{port} -m", d.option, d.typed, d.addr));
        Some(f)
    };
    deaf(lab).into_iter().filter_map(tell).collect()
}

/// A server where nothing is at the port that requests come to.
struct Deaf {
    finding: Finding,
    elsewhere: Option<u16>,
    option: String,
    typed: String,
    addr: Ipv4Addr,
}

fn deaf(lab: &Lab<'_>) -> Vec<Deaf> {
    let mut found = Vec::new();
    for service in &lab.services {
        for real in &service.reals {
            let Some(host) = real.host.filter(|&h| !rewrites(lab.host(h))) else { continue };
            let asked = service.asked.first().map(|a| a.to.1).or((service.port != 0).then_some(service.port));
            let Some(port) = asked.map(|p| service.port_at(real, p)) else { continue };
            let addr = if real.method == Method::Nat { real.addr } else { service.vip.unwrap_or(real.addr) };
            // Another level of virtual servers takes it there.
            let relays = lab.services.iter().any(|s| s.node == host && host != service.node);
            if relays || lab.listens(host, service.proto, addr, port) {
                continue;
            }
            let name = lab.name(host);
            let elsewhere = (real.method == Method::Nat).then(|| lab.listening_port(host, service.proto)).flatten();
            let answer = match service.proto {
                Proto::Udp => text!("lint-answers-unreachable"),
                _ => text!("lint-answers-rst"),
            };
            let finding = Finding::new(
                lab,
                host,
                lab.at_real(service, real),
                text!("lint-not-listening", proto = service.proto, port, name),
            )
            .label(text!("lint-sends-to-port", port, name))
            .note(text!("lint-not-listening-note", name, answer))
            .cure(text!("lint-not-listening-cure", proto = service.proto.to_string().to_lowercase(), port))
            .fails(lab.certain(service, real));
            let (option, typed) = (service.option(), service.real_option(real));
            found.push(Deaf { finding, elsewhere, option, typed, addr: real.addr });
        }
    }
    found
}

/// L024: no tunnel device takes the wrapped packets.
pub fn tunnel_down(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, host) in remote(lab).into_iter().filter(|(_, r, _)| r.method == Method::Tun) {
        let Some(outer) = lab.host(service.node).net.output_route(real.addr, None, None, 0).ok() else { continue };
        if lab.tunnel(host, real.addr, outer.saddr).is_some() {
            continue;
        }
        let name = lab.name(host);
        let vip = service.vip.map_or(text!("lint-the-vip"), |v| Text::plain(v.to_string()));
        let place = lab.journal.on(host).rev().find(|c| c.words.iter().any(|w| w.starts_with("tunl")));
        let place = place.map_or_else(|| lab.at_node(host, &[]), |c| lab.at_command(c, ""));
        found.push(
            Finding::new(lab, host, place, text!("lint-tunnel-down", name))
                .label(text!("lint-no-ipip"))
                .also(lab.at_real(service, real), text!("lint-wrapped-for"))
                .note(text!("lint-tunnel-down-note"))
                .cure(text!("lint-tunnel-down-cure", name, vip))
                .fails(lab.certain(service, real)),
        );
    }
    found
}

/// L025: `rp_filter` refuses what comes out of the tunnel, or what comes another way than it would go back.
pub fn rp_filter(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in &lab.services {
        for asked in &service.asked {
            let request = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
            found.extend(refused(lab, &request, asked.from, service, None));
            for real in &service.reals {
                let ways = lab.delivered(service, real, asked);
                found.extend(refused(lab, &ways, asked.from, service, Some(real)));
                if let Some(host) = real.host.filter(|&h| h != service.node) {
                    let saddr = if real.method == Method::Nat { real.addr } else { asked.to.0 };
                    let back = lab.ways(host, Parcel { saddr, daddr: asked.from, request: None });
                    found.extend(refused(lab, &back, saddr, service, Some(real)));
                }
            }
        }
    }
    found
}

/// A way that ends at `rp_filter`.
fn refused(lab: &Lab<'_>, ways: &[Way], source: Ipv4Addr, service: &Virtual, real: Option<&Real>) -> Option<Finding> {
    let (way, dev, best) = ways.iter().find_map(|w| match &w.end {
        End::Refused(dev, InError::ReversePath { best }) => Some((w, *dev, *best)),
        _ => None,
    })?;
    let (node, _) = way.last()?;
    let sysctl = &lab.host(node).net.sysctl;
    let (all, own) = (sysctl.all(Conf::RpFilter), sysctl.own(Conf::RpFilter, dev));
    let (name, dev_name) = (lab.name(node), lab.device(node, dev));
    let back = match best {
        Some(best) => text!("lint-way-back-through", source, dev = lab.device(node, best)),
        None => text!("lint-no-way-back-to", source),
    };
    let out = if lab.host(node).net.dev(dev).addrs.is_empty() {
        text!("lint-no-address-so-2", dev_name)
    } else {
        Text::none()
    };
    let sure = match real {
        Some(real) => lab.certain(service, real),
        None => true,
    };
    Some(
        Finding::new(lab, node, lab.at_sysctl(node, "rp_filter"), text!("lint-rp-filter", name, dev_name, source))
            .label(text!("lint-larger-counts", all, dev_name, own))
            .note(text!("lint-rp-filter-note", value = all.max(own), back, out))
            .cure(Text::plain(format!("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{dev_name}.rp_filter=0")))
            .fails(sure && ways.iter().all(|w| matches!(w.end, End::Refused(..)))),
    )
}

/// L026: requests that are too large once they are wrapped.
pub fn too_large(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, _) in remote(lab).into_iter().filter(|(_, r, _)| r.method == Method::Tun) {
        let net = &lab.host(service.node).net;
        if net.sysctl.global(Global::VsPmtuDisc) == 0 {
            continue;
        }
        let Ok(route) = net.output_route(real.addr, None, None, 0) else { continue };
        let room = route.mtu.saturating_sub(IpPacket::HEADER);
        let largest = |a: &Asked| {
            let traffic = &lab.scenario.traffic[a.traffic];
            let header = if a.proto == Proto::Udp { 28 } else { 40 };
            let mtu = lab.host(a.client).net.output_route(a.to.0, None, None, 0).map_or(0, |r| r.mtu);
            // Of sizes that are drawn nothing is foretold.
            let request = traffic.request.constant().unwrap_or(0);
            request.saturating_add(header).min(u64::from(mtu)) as u32
        };
        let Some(asked) = service.asked.iter().find(|a| largest(a) > room) else { continue };
        let traffic = &lab.scenario.traffic[asked.traffic];
        let dev = lab.device(service.node, route.dev);
        let name = lab.name(service.node);
        found.push(
            Finding::new(
                lab,
                service.node,
                lab.at_line(traffic.line, "", "request"),
                text!("lint-mtu", traffic = traffic.name, name),
            )
            .label(text!("lint-mtu-label", length = largest(asked)))
            .also(lab.at_real(service, real), text!("lint-mtu-more", dev, mtu = route.mtu))
            .note(text!("lint-mtu-note", room))
            .cure(text!("lint-mtu-cure", room)),
        );
    }
    found
}

/// L027: a real server that asks for its neighbours in the VIP's name.
pub fn announces(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, host) in remote(lab).into_iter().filter(|(_, r, _)| r.method != Method::Nat) {
        let Some(vip) = service.vip.filter(|&v| lab.owns(host, v)) else { continue };
        let tells = |a: &Asked| super::address::sender_for(lab, host, vip, a.from).filter(|(_, sender)| *sender == vip);
        let Some((dev, _)) = service.asked.iter().find_map(tells) else { continue };
        let name = lab.name(host);
        let value = lab.host(host).net.sysctl.effective(Conf::ArpAnnounce, dev);
        let place = match lab.journal.on(host).any(|c| sets(c, "arp_announce")) {
            true => lab.at_sysctl(host, "arp_announce"),
            false => lab.at_address(host, vip),
        };
        found.push(
            Finding::new(lab, host, place, text!("lint-arp-announce", name, vip))
                .label(text!("lint-arp-announce-label", value, dev = lab.device(host, dev)))
                .also(lab.at_real(service, real), text!("lint-answers-from-vip"))
                .note(text!("lint-arp-announce-note"))
                .cure(Text::plain("sysctl -w net.ipv4.conf.all.arp_announce=2")),
        );
    }
    found
}

/// Every server on another host than the director.
pub fn remote<'l>(lab: &'l Lab<'_>) -> Vec<(&'l Virtual, &'l Real, NodeId)> {
    let of = |s: &'l Virtual| s.reals.iter().filter_map(move |r| Some((s, r, r.host.filter(|&h| h != s.node)?)));
    lab.services.iter().flat_map(of).collect()
}

impl Lab<'_> {
    /// Every way of a request from the director to a server, as its method sends it; out of the tunnel, too.
    pub fn delivered(&self, service: &Virtual, real: &Real, asked: &Asked) -> Vec<Way> {
        let node = service.node;
        let Ok(route) = self.host(node).net.output_route(real.addr, None, None, 0) else {
            return vec![Way { hops: Vec::new(), end: End::NoRoute }];
        };
        let parcel = match real.method {
            Method::Nat => Parcel { saddr: asked.from, daddr: real.addr, request: Some(asked) },
            Method::Tun => Parcel { saddr: route.saddr, daddr: real.addr, request: None },
            _ => Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) },
        };
        // IPVS sends through OUTPUT and POSTROUTING.
        for at in [HookPoint::LocalOut, HookPoint::PostRouting] {
            if let Err((table, culprit)) = self.rules(node, at, parcel, None, Some(route.dev), 0) {
                return vec![Way { hops: vec![(node, DevIdx::LO)], end: End::Filtered(table, culprit) }];
            }
        }
        let route = crate::net::routing::OutRoute { via: route.via.or(Some(real.addr)), ..route };
        let ways = self.ways_by(node, &route, parcel);
        if real.method != Method::Tun {
            return ways;
        }
        ways.into_iter().map(|w| self.unwrapped(w, real.addr, route.saddr, asked)).collect()
    }

    /// What becomes of the packet in a wrapped one that has arrived.
    fn unwrapped(&self, mut way: Way, outer: Ipv4Addr, from: Ipv4Addr, asked: &Asked) -> Way {
        let (End::Arrived, Some((host, _))) = (&way.end, way.last()) else { return way };
        let Some(dev) = self.tunnel(host, outer, from) else {
            way.end = End::Unknown;
            return way;
        };
        let parcel = Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) };
        way.end = match self.host(host).net.input_route(asked.to.0, asked.from, dev, 0, 0) {
            Ok(InRoute::Local(_)) => match self.rules(host, HookPoint::LocalIn, parcel, Some(dev), None, 0) {
                Ok(_) => End::Arrived,
                Err((table, culprit)) => End::Filtered(table, culprit),
            },
            Ok(_) => End::Unknown,
            Err(error) => End::Refused(dev, error),
        };
        way
    }

    /// The tunnel device that takes a wrapped packet: the one that fits best and is up.
    fn tunnel(&self, host: NodeId, local: Ipv4Addr, remote: Ipv4Addr) -> Option<DevIdx> {
        let fits = |kind: &DevKind| match *kind {
            DevKind::Ipip { local: l, remote: r, .. } => l.is_none_or(|l| l == local) && r.is_none_or(|r| r == remote),
            _ => false,
        };
        let rank = |kind: &DevKind| match *kind {
            DevKind::Ipip { local: l, remote: r, .. } => (r.is_none(), l.is_none()),
            _ => (true, true),
        };
        let up = self.host(host).net.devs.iter().filter(|d| d.up && !d.gone && fits(&d.kind));
        up.min_by_key(|d| (rank(&d.kind), d.idx)).map(|d| d.idx)
    }

    /// Whether a socket takes a request for an address and a port.
    pub fn listens(&self, host: NodeId, proto: Proto, addr: Ipv4Addr, port: u16) -> bool {
        self.sockets(host, proto).iter().any(|&(a, p)| p == port && (a.is_unspecified() || a == addr))
    }

    /// A port at which something listens.
    fn listening_port(&self, host: NodeId, proto: Proto) -> Option<u16> {
        self.sockets(host, proto).first().map(|&(_, port)| port)
    }

    fn sockets(&self, host: NodeId, proto: Proto) -> Vec<(Ipv4Addr, u16)> {
        let host = self.host(host);
        match proto {
            Proto::Udp => host.udp.sockets().iter().filter(|s| s.remote.1 == 0).map(|s| s.local).collect(),
            _ => host.tcp.sockets().iter().filter(|s| s.state == "LISTEN").map(|s| s.local).collect(),
        }
    }

    /// The interface by which a director reaches who asks, or its first card.
    pub fn towards_clients(&self, service: &Virtual) -> String {
        let net = &self.host(service.node).net;
        let by = service.asked.first().and_then(|a| net.output_route(a.from, None, None, 0).ok()).map(|r| r.dev);
        let card = || net.devs.iter().find(|d| d.kind == DevKind::Ethernet).map(|d| d.idx);
        by.or_else(card).map_or("eth0".to_string(), |d| net.devs[d.index()].name.to_string())
    }
}
