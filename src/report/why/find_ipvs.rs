//! Causes in the tables of IPVS: services, servers, modes, weights (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_core.c).

use super::causes::Found;
use super::lab::{End, Lab, Server, option, service_words};
use crate::base::NodeId;
use crate::lang::{Join, Text};
use crate::net::DevKind;
use crate::node::Host;
use crate::scenario::model::Claim;
use crate::text;
use crate::trace::{Decision, DropReason, TraceEvent};
use crate::wire::Proto;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

pub(super) fn edit(s: &Server, method: &str) -> String {
    let end = format!("{}:{}", s.addr.0, s.addr.1);
    format!("ipvsadm -e {} -r {end} {} -w {}", service_words(&s.service), option(method), s.weight)
}

/// Servers that failed connections were sent to, with their hosts.
pub(super) fn failed<'a>(lab: &'a Lab<'_>) -> impl Iterator<Item = (&'a Server, &'a Host)> {
    lab.servers.iter().filter(|s| s.failed).filter_map(|s| Some((s, lab.host(s.host?)?)))
}

fn has_vip(host: &Host, s: &Server) -> bool {
    s.vips.iter().any(|v| host.net.is_local(*v))
}

pub(super) fn tunnels(host: &Host) -> impl Iterator<Item = &crate::net::Dev> {
    host.net.devices().filter(|d| matches!(d.kind, DevKind::Ipip { .. }))
}

/// No director has the VIP of its own service.
pub fn director_without_vip(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    let asked: BTreeSet<Ipv4Addr> = lab.failed().map(|c| c.to.0).collect();
    for &vip in &asked {
        let with: BTreeSet<NodeId> = lab.servers.iter().filter(|s| s.vips.contains(&vip)).map(|s| s.director).collect();
        let owned = |n: &NodeId| lab.host(*n).is_some_and(|h| h.net.is_local(vip));
        let Some(&node) = with.first().filter(|_| !with.iter().any(owned)) else { continue };
        let dev =
            lab.failed().find(|c| c.to.0 == vip).and_then(|_| towards(lab, node, vip)).unwrap_or_else(|| "eth0".into());
        out.push(Found {
            code: "director-without-vip",
            node,
            detail: text!("found-director-without-vip", director = lab.name(node), vip),
            cure: Text::plain(format!("ip addr add {vip}/32 dev {dev}")),
        });
    }
    out
}

/// The interface of a host whose network holds the address, or its first.
fn towards(lab: &Lab<'_>, node: NodeId, addr: Ipv4Addr) -> Option<String> {
    let host = lab.host(node)?;
    let cards = || host.net.devices().filter(|d| d.kind == DevKind::Ethernet);
    let fits = cards().find(|d| d.addrs.iter().any(|a| a.covers(addr)));
    fits.or_else(|| cards().next()).map(|d| d.name.to_string())
}

/// A director takes a request itself: nothing listens, and no virtual service wants it.
pub fn no_service(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for d in lab.drops() {
        let (DropReason::NoSocket { proto, port }, Some(p)) = (d.reason, d.frame.ip()) else { continue };
        if out.iter().any(|f| f.node == d.node) {
            continue;
        }
        let passed_ipvs = lab.log.records.iter().any(|r| {
            r.node == d.node
                && matches!(&r.event, TraceEvent::Decided { packet, what, .. }
                    if packet.0 == p.id.0 && matches!(**what, Decision::Forwarded { .. }))
        });
        let to_vip = lab.log.connections.iter().any(|c| c.to == (p.daddr, *port) && c.protocol == *proto);
        if !lab.is_director(d.node) || passed_ipvs || !to_vip {
            continue;
        }
        let has = lab.log.services.iter().filter(|s| s.director == lab.name(d.node)).map(|s| Text::plain(&*s.service));
        let has: Vec<Text> = has.collect();
        let has = if has.is_empty() {
            text!("found-no-service-at-all")
        } else {
            text!("found-has-services", services = Text::list(has, Join::Comma))
        };
        let letter = if *proto == Proto::Udp { "-u" } else { "-t" };
        out.push(Found {
            code: "no-service",
            node: d.node,
            detail: text!("found-no-service", director = lab.name(d.node), proto, vip = p.daddr, port, has),
            cure: text!("found-add-service", letter, vip = p.daddr, port),
        });
    }
    out
}

/// A service whose scheduler found nobody.
pub fn no_servers(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for d in lab.drops() {
        let DropReason::IpvsNoDest { service, dests, quiesced, overloaded } = d.reason else { continue };
        if out.iter().any(|f| f.node == d.node) {
            continue;
        }
        let words = service_words(service);
        let cure = match (*dests, *quiesced) {
            (0, _) => text!("found-add-server", words),
            (_, 0) => text!("found-raise-threshold", words),
            _ => text!("found-raise-weight", words),
        };
        out.push(Found {
            code: "no-servers",
            node: d.node,
            detail: text!("found-no-servers", service, director = lab.name(d.node), dests, quiesced, overloaded),
            cure,
        });
    }
    out
}

/// A server came back with another mode or weight than it had when it was taken out.
pub fn health_loop(lab: &Lab<'_>) -> Vec<Found> {
    type Key = (NodeId, String, End);
    let mut last: BTreeMap<Key, ((&'static str, i32), bool)> = BTreeMap::new();
    let mut out: Vec<Found> = Vec::new();
    for r in lab.log.records {
        let TraceEvent::ServerSet { service, dest, to } = &r.event else { continue };
        let key = (r.node, service.to_string(), *dest);
        let was = last.get(&key).copied();
        match (to, was) {
            (None, Some((to, _))) => {
                last.insert(key, (to, true));
            }
            (Some(now), Some((before, true))) if *now != before && lab.wrong() => {
                out.retain(|f| f.node != r.node);
                out.push(Found {
                    code: "health-loop",
                    node: r.node,
                    detail: text!(
                        "found-health-loop",
                        addr = dest.0,
                        port = dest.1,
                        service,
                        mode = before.0,
                        weight = before.1,
                        now_mode = now.0,
                        now_weight = now.1,
                        at = lab.log.brief(r.at)
                    ),
                    cure: Text::plain(format!(
                        "ipvsadm -a {} -r {}:{} {} -w {}",
                        service_words(service),
                        dest.0,
                        dest.1,
                        option(before.0),
                        before.1
                    )),
                });
            }
            (Some(now), _) => {
                last.insert(key, (*now, false));
            }
            (None, None) => {}
        }
    }
    out
}

/// Two hosts have one virtual service with other rows.
pub fn directors_differ(lab: &Lab<'_>) -> Vec<Found> {
    if !lab.wrong() {
        return Vec::new();
    }
    type Rows = (String, BTreeSet<(End, &'static str, i32)>);
    let mut tables: BTreeMap<String, Vec<(NodeId, Rows)>> = BTreeMap::new();
    for host in lab.hosts() {
        for s in host.ipvs.services() {
            let rows = s.dests().map(|d| ((d.addr, d.port), d.method.column(), d.weight)).collect();
            tables.entry(s.key().to_string()).or_default().push((host.id, (s.scheduler().to_string(), rows)));
        }
    }
    let mut out = Vec::new();
    for (service, hosts) in tables {
        let Some((first, other)) = hosts.first().zip(hosts.iter().find(|h| h.1 != hosts[0].1)) else { continue };
        out.push(Found {
            code: "directors-differ",
            node: other.0,
            detail: text!("found-directors-differ", one = lab.name(first.0), other = lab.name(other.0), service),
            cure: text!("found-copy-table", one = lab.name(first.0), other = lab.name(other.0)),
        });
    }
    out
}

/// A server is set up for another mode than it was added with.
pub fn wrong_mode(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for (s, host) in failed(lab) {
        let vip = has_vip(host, s);
        let through = lab.gateway_is(host, s.director);
        let tunnel_up = tunnels(host).any(|d| d.up);
        let vip_on_tunnel = tunnels(host).any(|d| d.addrs.iter().any(|a| s.vips.contains(&a.local)));
        let (is, why) = match s.method {
            "Masq" if vip && !through => {
                let is = if vip_on_tunnel && tunnel_up { "Tunnel" } else { "Route" };
                (is, text!("found-mode-vip-past"))
            }
            "Route" if !vip && through => ("Masq", text!("found-mode-no-vip")),
            "Tunnel" if !vip && through => ("Masq", text!("found-mode-no-vip")),
            "Tunnel" if vip && !vip_on_tunnel && !tunnel_up => ("Route", text!("found-mode-no-tunnel")),
            _ => continue,
        };
        out.push(Found {
            code: "wrong-mode",
            node: host.id,
            detail: text!("found-wrong-mode", host = host.name, service = s.service, mode = s.method, why, is),
            cure: text!("on-host", host = lab.name(s.director), command = edit(s, is)),
        });
    }
    out
}

/// Direct routing reaches servers on the link only.
pub fn dr_across_router(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for s in lab.servers.iter().filter(|s| s.failed && s.method == "Route") {
        let Some(director) = lab.host(s.director) else { continue };
        let Some(via) = lab.gateway(director, s.addr.0).filter(|v| *v != s.addr.0) else { continue };
        let router = lab.owner(via).map_or_else(|| via.to_string(), |h| h.name.to_string());
        out.push(Found {
            code: "dr-across-router",
            node: s.director,
            detail: text!("found-dr-across-router", director = director.name, server = s.addr.0, router),
            cure: Text::plain(edit(s, "Tunnel")),
        });
    }
    out
}

/// What comes for the VIP is not for the server.
pub fn real_server_without_vip(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for (s, host) in failed(lab).filter(|(s, h)| s.method != "Masq" && !has_vip(h, s) && s.director != h.id) {
        if out.iter().any(|f| f.node == host.id) {
            continue;
        }
        let Some(vip) = s.vips.first() else { continue };
        let dev = if s.method == "Tunnel" { "tunl0" } else { "lo" };
        out.push(Found {
            code: "real-server-without-vip",
            node: host.id,
            detail: text!("found-real-server-without-vip", host = host.name, vip, mode = s.method),
            cure: Text::plain(format!("sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add {vip}/32 dev {dev}")),
        });
    }
    out
}

/// Whether an expectation about who served how many failed.
pub(super) fn uneven(lab: &Lab<'_>) -> bool {
    let expects = lab.play.scenario.expect.iter().zip(&lab.log.expectations);
    let mut failed = expects.filter(|(_, judged)| !judged.holds);
    failed.any(|(e, _)| matches!(e.what, Claim::Served { .. } | Claim::Sequence { .. }))
}

/// Weights that the scheduler does not read.
pub fn weight_ignored(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for host in lab.hosts().filter(|_| uneven(lab)) {
        for s in host.ipvs.services().filter(|s| matches!(s.scheduler(), "rr" | "lc")) {
            let weights: BTreeSet<i32> = s.dests().map(|d| d.weight).filter(|w| *w != 0).collect();
            if weights.len() > 1 {
                out.push(Found {
                    code: "weight-ignored",
                    node: host.id,
                    detail: text!("found-weight-ignored", service = s.key(), scheduler = s.scheduler()),
                    cure: Text::plain(format!(
                        "ipvsadm -E {} -s w{}",
                        service_words(&s.key().to_string()),
                        s.scheduler()
                    )),
                });
            }
        }
    }
    out
}

/// Persistence over a scheduler that binds clients by itself.
pub fn persistence_with_sh(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for host in lab.hosts().filter(|_| uneven(lab)) {
        for s in host.ipvs.services().filter(|s| s.scheduler() == "sh" && s.spec().persistent.is_some()) {
            out.push(Found {
                code: "persistence-with-sh",
                node: host.id,
                detail: text!("found-persistence-with-sh", service = s.key()),
                cure: Text::plain(format!("ipvsadm -E {} -s sh", service_words(&s.key().to_string()))),
            });
        }
    }
    out
}
