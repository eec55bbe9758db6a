//! The real servers: do they take what the director sends them, and does anything listen there?

use super::Finding;
use super::lab::{Asked, Lab, Real, Virtual};
use super::origin::sets;
use super::walk::{End, Parcel, Way, rewrites};
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::net::dev::DevKind;
use crate::net::netfilter::HookPoint;
use crate::net::routing::{InError, InRoute};
use crate::sysctl::{Conf, Global};
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
        let (mode, dev) = if real.method == Method::Tun { ("tunnelling", "tunl0") } else { ("direct routing", "lo") };
        let serves = |w: &Way| matches!(w.end, End::Arrived | End::Unknown);
        let lost = service.asked.iter().all(|a| !lab.delivered(service, real, a).iter().any(serves));
        found.push(
            Finding::new(lab, host, lab.at_real(service, real), format!("`{name}` is a server by {mode} and does not have the VIP {vip}"))
                .label(format!("{} {}", real.addr, real.method.option()))
                .note(format!(
                    "the packet that the director passes on is still for {vip}: on {name} that is no local address, so it is \
                     dropped, or forwarded if ip_forward is 1"
                ))
                .cure(format!(
                    "on {name}: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add {vip}/32 dev {dev}"
                ))
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
                format!("port {port} of `{name}` has no effect with {}", real.method.option()),
            )
            .label(format!("packets keep port {}", service.port))
            .also(lab.at_service(service), "the service's port")
            .note(format!(
                "with -g and -i the packet goes to the server as it is, so ipvsadm puts the service's port in place of the \
                 server's: {name} is asked at port {}{}",
                service.port,
                if listens { "" } else { ", where nothing listens, and refuses" }
            ))
            .cure(format!("let {name} listen at port {}, or use NAT: ipvsadm -e {} -r {}:{port} -m", service.port, service.option(), real.addr))
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
        f.label = format!("it listens at port {port}");
        f.cure = format!("ipvsadm -d {0} -r {1}; ipvsadm -a {0} -r {2}:{port} -m", d.option, d.typed, d.addr);
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
                Proto::Udp => "answers ICMP port unreachable",
                _ => "answers with RST: connection refused",
            };
            let finding = Finding::new(
                lab,
                host,
                lab.at_real(service, real),
                format!("nothing listens at {} port {port} on `{name}`", service.proto),
            )
            .label(format!("sends to port {port} of {name}"))
            .note(format!("the request reaches {name}, where no socket is at that port, and {name} {answer}"))
            .cure(format!(
                "start what serves there; in the file: serves: [{}/{port}]",
                service.proto.to_string().to_lowercase()
            ))
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
        let vip = service.vip.map_or("the VIP".to_string(), |v| v.to_string());
        let place = lab.journal.on(host).rev().find(|c| c.words.iter().any(|w| w.starts_with("tunl")));
        let place = place.map_or_else(|| lab.at_node(host, &[]), |c| lab.at_command(c, ""));
        found.push(
            Finding::new(lab, host, place, format!("no tunnel on `{name}` takes what the director wraps"))
                .label("no ipip device is up")
                .also(lab.at_real(service, real), "wrapped for it")
                .note(
                    "a packet of protocol 4 goes to the tunnel that fits its outer addresses, and tunl0 takes any; a device that is \
                     down takes none, and the director is told: ICMP port unreachable",
                )
                .cure(format!("on {name}: modprobe ipip; ip link set tunl0 up; ip addr add {vip}/32 dev tunl0"))
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
        Some(best) => format!("the way back to {source} leads through {}", lab.device(node, best)),
        None => format!("there is no way back to {source}"),
    };
    let out = if lab.host(node).net.dev(dev).addrs.is_empty() {
        format!("; {dev_name} has no address, so 2 refuses, too")
    } else {
        String::new()
    };
    let sure = match real {
        Some(real) => lab.certain(service, real),
        None => true,
    };
    Some(
        Finding::new(lab, node, lab.at_sysctl(node, "rp_filter"), format!("`{name}` drops what comes by {dev_name} from {source}: rp_filter"))
            .label(format!("all={all}, {dev_name}={own}: the larger counts"))
            .note(format!("with rp_filter {} a packet must come by the interface by which its source is reached, and {back}{out}; it is dropped without a word", all.max(own)))
            .cure(format!("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{dev_name}.rp_filter=0"))
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
            Finding::new(lab, service.node, lab.at_line(traffic.line, "", "request"), format!("requests of `{}` do not fit into `{name}`'s tunnel", traffic.name))
                .label(format!("packets of {} bytes", largest(asked)))
                .also(lab.at_real(service, real), format!("20 bytes more, and {dev} carries {}", route.mtu))
                .note(format!(
                    "they have DF set, so the director drops them and answers ICMP fragmentation needed, mtu {room}: small requests \
                     work, and large ones as soon as the client hears the ICMP; where that is filtered, never"
                ))
                .cure(format!("let ICMP type 3 code 4 through to the clients, or lower their MTU: ip link set eth0 mtu {room}")),
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
            Finding::new(lab, host, place, format!("`{name}` asks for its neighbours in the name of the VIP {vip}"))
                .label(format!("arp_announce is {value} on {}", lab.device(host, dev)))
                .also(lab.at_real(service, real), "it answers from the VIP")
                .note(
                    "the sender of its who-has is the source of the answer that waits, the VIP: every host that knows the VIP and \
                     hears the question takes this server's hardware address for it, and sends past the director from then on",
                )
                .cure("sysctl -w net.ipv4.conf.all.arp_announce=2"),
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
