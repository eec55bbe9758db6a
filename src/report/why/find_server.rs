//! Causes at the servers: tunnels, ports, and the way of the answers.

use super::causes::Found;
use super::find_ipvs::{edit, failed};
use super::lab::{End, Lab, Server, service_words};
use super::lineage::{ends_in, ids};
use crate::base::NodeId;
use crate::lang::{Join, Text};
use crate::net::DevKind;
use crate::net::fib::FlowKey;
use crate::node::Host;
use crate::text;
use crate::trace::{Dir, DropReason};
use crate::wire::{IpPacket, L3, L4, Proto};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Wrapped packets find no tunnel.
pub fn tunnel_down(lab: &Lab<'_>) -> Vec<Found> {
    let mut nodes: BTreeSet<NodeId> = BTreeSet::new();
    for d in lab.drops() {
        let device = d.dev.and_then(|dev| lab.host(d.node).map(|h| h.net.dev(dev).kind));
        let tunnel = matches!(device, Some(DevKind::Ipip { .. }));
        if matches!(d.reason, DropReason::NoTunnel) || (tunnel && matches!(d.reason, DropReason::DevDown)) {
            nodes.insert(d.node);
        }
    }
    let found = |node| Found {
        code: "tunnel-down",
        node,
        detail: text!("found-tunnel-down", host = lab.name(node)),
        cure: Text::plain("modprobe ipip; ip link set tunl0 up"),
    };
    nodes.into_iter().map(found).collect()
}

/// A port at which a request met no socket.
struct Deaf<'a> {
    host: &'a Host,
    proto: Proto,
    port: u16,
    /// Where something listens on the host.
    listens: Vec<u16>,
    /// The row by which IPVS sent it there.
    row: Option<&'a Server>,
}

/// Every port that was asked in vain, once.
fn deaf<'a>(lab: &'a Lab<'_>) -> Vec<Deaf<'a>> {
    let mut out: Vec<Deaf<'_>> = Vec::new();
    for d in lab.drops() {
        let (DropReason::NoSocket { proto, port }, Some(p)) = (d.reason, d.frame.ip()) else { continue };
        let Some(host) = lab.host(d.node) else { continue };
        let client = lab.log.connections.iter().any(|c| c.protocol == *proto);
        let row = lab.servers.iter().find(|s| {
            s.host == Some(host.id)
                && ((s.method == "Masq" && s.addr == (p.daddr, *port))
                    || (s.method != "Masq" && s.vips.contains(&p.daddr)))
        });
        let row = row.or_else(|| lab.servers.iter().find(|s| s.host == Some(host.id) && s.failed));
        if !client
            || (row.is_none() && lab.is_director(host.id))
            || out.iter().any(|o| o.host.id == host.id && o.port == *port)
        {
            continue;
        }
        let listens: Vec<u16> = host.servers.services().filter(|s| s.proto == *proto).map(|s| s.port).collect();
        out.push(Deaf { host, proto: *proto, port: *port, listens, row });
    }
    out
}

/// The port that a command named for the server and that the application listens at: ipvsadm itself puts the service's port
/// in its place for `-g` and `-i`.
fn mapped(lab: &Lab<'_>, s: &Server, port: u16, listens: &[u16]) -> Option<u16> {
    if s.method == "Masq" {
        return None;
    }
    let typed = lab.play.setup.iter().chain(&lab.play.events).filter(|t| t.node == s.director);
    let words: Vec<&str> = typed.flat_map(|t| t.run.split_whitespace()).collect();
    let named = words.windows(2).filter(|w| w[0] == "-r").filter_map(|w| w[1].rsplit_once(':')?.1.parse::<u16>().ok());
    named.into_iter().chain([s.addr.1]).find(|n| *n != port && listens.contains(n))
}

/// DR and TUN keep the port that the client asked for.
pub fn port_mapping(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for Deaf { host, proto, port, listens, row } in deaf(lab) {
        let Some((s, wanted)) = row.and_then(|s| Some((s, mapped(lab, s, port, &listens)?))) else { continue };
        out.push(Found {
            code: "port-mapping",
            node: host.id,
            detail: text!(
                "found-port-mapping",
                server = s.addr.0,
                wanted,
                mode = s.method,
                proto,
                port,
                listens = listed(&listens)
            ),
            cure: text!("found-mend-port-mapping", port, command = edit(s, "Masq")),
        });
    }
    out
}

fn listed(ports: &[u16]) -> Text {
    let all: Vec<Text> = ports.iter().map(|p| Text::plain(p.to_string())).collect();
    if all.is_empty() { Text::none() } else { text!("found-listens-at", ports = Text::list(all, Join::Comma)) }
}

/// NAT to a port at which the application is not.
pub fn nat_without_port(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for Deaf { proto, port, listens, row, .. } in deaf(lab) {
        let Some(s) = row.filter(|s| s.method == "Masq" && !listens.is_empty()) else { continue };
        let words = service_words(&s.service);
        out.push(Found {
            code: "nat-without-port",
            node: s.director,
            detail: text!(
                "found-nat-without-port",
                service = s.service,
                proto,
                addr = s.addr.0,
                port,
                listens = listed(&listens)
            ),
            cure: Text::plain(format!(
                "ipvsadm -d {words} -r {0}:{1}; ipvsadm -a {words} -r {0}:{2} -m -w {3}",
                s.addr.0, s.addr.1, listens[0], s.weight
            )),
        });
    }
    out
}

/// Nothing listens, at this port or at all.
pub fn not_listening(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for Deaf { host, proto, port, listens, row } in deaf(lab) {
        let elsewhere = row.is_some_and(|s| match s.method {
            "Masq" => !listens.is_empty(),
            _ => mapped(lab, s, port, &listens).is_some(),
        });
        if elsewhere {
            continue;
        }
        out.push(Found {
            code: "not-listening",
            node: host.id,
            detail: text!("found-not-listening", proto, port, host = host.name, listens = listed(&listens)),
            cure: text!("found-start-application", name = proto.to_string().to_lowercase(), port, host = host.name),
        });
    }
    out
}

/// More connections than a listener takes.
pub fn server_overloaded(lab: &Lab<'_>) -> Vec<Found> {
    let mut nodes: BTreeMap<NodeId, u32> = BTreeMap::new();
    for d in lab.drops() {
        if let DropReason::TcpBacklogFull { limit } = d.reason {
            nodes.insert(d.node, *limit);
        }
    }
    let found = |(node, limit)| Found {
        code: "server-overloaded",
        node,
        detail: text!("found-server-overloaded", host = lab.name(node), limit),
        cure: text!("found-mend-overload"),
    };
    nodes.into_iter().map(found).collect()
}

/// Answers of a NAT server that its director never saw, with the server's row.
fn bypasses<'a>(lab: &'a Lab<'_>) -> Vec<(&'a Server, &'a Host, Ipv4Addr)> {
    let mut out: Vec<(&Server, &Host, Ipv4Addr)> = Vec::new();
    let clients: BTreeSet<End> = lab.failed().flat_map(|c| lab.client_ends(c)).collect();
    for (s, host) in failed(lab).filter(|(s, _)| s.method == "Masq") {
        if s.director == host.id {
            continue;
        }
        let answer = |p: &IpPacket| p.saddr == s.addr.0 && ends_in(p, &clients) && !matches!(p.l4, L4::Icmp(_));
        let mut sent: BTreeMap<u32, Ipv4Addr> = BTreeMap::new();
        let mut seen: BTreeSet<u32> = BTreeSet::new();
        for (r, dir, frame) in lab.frames() {
            let L3::Ip(p) = &frame.l3 else { continue };
            if r.node == host.id && dir == Dir::Out && answer(p) {
                sent.insert(p.id.0, p.daddr);
            }
            if r.node == s.director
                && dir == Dir::In
                && lab.host(s.director).is_some_and(|d| d.net.devices().any(|x| x.mac == frame.dst))
            {
                seen.extend(ids(p));
            }
        }
        let lost = lab.drops().find(|d| {
            d.node == host.id
                && match (d.reason, d.frame.ip()) {
                    (DropReason::NeighFailed { next_hop, .. }, Some(p)) => {
                        answer(p) && !lab.host(s.director).is_some_and(|h| h.net.has_addr(*next_hop))
                    }
                    (DropReason::NoRoute { .. }, Some(p)) => answer(p) || ends_in(p, &clients),
                    _ => false,
                }
        });
        let lost = lost.and_then(|d| d.frame.ip()).map(|p| if p.saddr == s.addr.0 { p.daddr } else { p.saddr });
        let past = sent.iter().find(|(id, _)| !seen.contains(id)).map(|(_, to)| *to);
        if let Some(client) = past.or(lost) {
            out.push((s, host, client));
        }
    }
    out
}

/// The server sees its client on the link.
pub fn nat_one_network(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (s, host, client) in bypasses(lab) {
        let Ok(route) = host.net.route_out_known(FlowKey::to(client)) else { continue };
        if route.via.is_some() {
            continue;
        }
        let dip = lab
            .host(s.director)
            .and_then(|d| d.net.devices().flat_map(|x| &x.addrs).find(|a| a.covers(s.addr.0)).map(|a| a.local));
        let dip = dip.map_or_else(|| lab.name(s.director).to_string(), |a| a.to_string());
        out.push(Found {
            code: "nat-one-network",
            node: host.id,
            detail: text!(
                "found-nat-one-network",
                host = host.name,
                client,
                dev = host.net.dev(route.dev).name,
                director = lab.name(s.director)
            ),
            cure: text!("found-mend-nat-one-network", host = host.name, client, dip, director = lab.name(s.director)),
        });
    }
    out
}

/// The server's gateway is another, or none.
pub fn nat_gateway(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (s, host, client) in bypasses(lab) {
        let route = host.net.route_out_known(FlowKey::to(client));
        let way = match route {
            Ok(r) => match r.via {
                Some(via) => text!("found-gateway-is", via),
                None => continue,
            },
            Err(_) => text!("found-no-route-there"),
        };
        let dip = lab
            .host(s.director)
            .and_then(|d| d.net.devices().flat_map(|x| &x.addrs).find(|a| a.covers(s.addr.0)).map(|a| a.local));
        let dip = dip.map_or_else(|| text!("found-the-director"), |a| Text::plain(a.to_string()));
        out.push(Found {
            code: "nat-gateway",
            node: host.id,
            detail: text!("found-nat-gateway", host = host.name, client, director = lab.name(s.director), way),
            cure: text!("found-default-via", dip),
        });
    }
    out
}

/// The director refuses answers that come from its own VIP.
pub fn answers_through_director(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut senders: BTreeMap<u32, NodeId> = BTreeMap::new();
    for (r, dir, frame) in lab.frames() {
        if let (Dir::Out, L3::Ip(p)) = (dir, &frame.l3) {
            senders.entry(p.id.0).or_insert(r.node);
        }
    }
    for d in lab.drops() {
        // Without ip_forward the packet ends before its source is looked at; with it, it would end for its source.
        let (src, p) = match (d.reason, d.frame.ip()) {
            (DropReason::OwnSource { src, .. }, Some(p)) => (*src, p),
            (DropReason::NotForUs { .. }, Some(p)) => (p.saddr, p),
            _ => continue,
        };
        let own = lab.host(d.node).is_some_and(|h| h.net.is_local(src));
        if !lab.vips.contains(&src) || !lab.is_director(d.node) || !own {
            continue;
        }
        let node = senders.get(&p.id.0).copied().unwrap_or(d.node);
        if out.iter().any(|f| f.node == node) {
            continue;
        }
        out.push(Found {
            code: "answers-through-director",
            node,
            detail: text!(
                "found-answers-through-director",
                host = lab.name(node),
                src,
                director = lab.name(d.node),
                reason = d.reason
            ),
            cure: text!("found-mend-answers"),
        });
    }
    out
}
