//! Causes on the way: cables, interfaces, routes, filters, forwarding (net/ipv4/route.c, fib_frontend.c, netfilter).

use super::causes::Found;
use super::lab::Lab;
use super::lineage::layers;
use crate::base::{DevIdx, NodeId};
use crate::lang::Text;
use crate::net::DevKind;
use crate::node::Host;
use crate::scenario::model::Kind;
use crate::sysctl::{Conf, Effective};
use crate::text;
use crate::trace::{ArpAnswer, Dir, DropReason};
use crate::wire::{IpPacket, L4, Mac, TcpFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// One finding for each node.
pub(super) fn by_node(code: &'static str, found: impl IntoIterator<Item = (NodeId, Text, Text)>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    for (node, detail, cure) in found {
        if !out.iter().any(|f| f.node == node) {
            out.push(Found { code, node, detail, cure });
        }
    }
    out
}

/// An interface, or its cable, is down.
pub fn interface_down(lab: &Lab<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for d in lab.drops() {
        let Some((dev, host)) = d.dev.zip(lab.host(d.node)) else { continue };
        if matches!(d.reason, DropReason::DevDown | DropReason::NoCarrier)
            && host.net.dev(dev).kind == DevKind::Ethernet
        {
            found.push(down(lab, host, dev, &text!("found-at", reason = d.reason, at = lab.log.brief(d.at))));
        }
    }
    if lab.failed().next().is_some() {
        for host in lab.hosts() {
            for d in
                host.net.devices().filter(|d| d.kind == DevKind::Ethernet && d.mac != Mac::ZERO && !(d.up && d.carrier))
            {
                let Some(end) = lab.play.world.peer_of(host.id, d.idx) else { continue };
                // Of two ends without a carrier the one that was taken down is meant.
                let other_down = lab.host(end.node).is_some_and(|o| !o.net.dev(end.dev).up);
                let declared = lab.play.scenario.nodes[host.id.index()].interfaces.iter().any(|i| i.name == *d.name);
                if declared && (!d.up || !other_down) {
                    let why = &if d.up { text!("found-no-carrier") } else { text!("found-interface-is-down") };
                    found.push(down(lab, host, d.idx, why));
                }
            }
        }
    }
    by_node("interface-down", found)
}

fn down(lab: &Lab<'_>, host: &Host, dev: DevIdx, why: &Text) -> (NodeId, Text, Text) {
    let name = &host.net.dev(dev).name;
    let cure = match host.net.dev(dev).up {
        true => text!("found-plug-in", host = host.name, name),
        false => text!("found-set-up", name),
    };
    (host.id, text!("found-place-why", place = lab.log.place(host.id, Some(dev)), why), cure)
}

/// A cable loses frames.
pub fn lossy_link(lab: &Lab<'_>) -> Vec<Found> {
    let mut count: BTreeMap<NodeId, (Option<DevIdx>, u64)> = BTreeMap::new();
    for d in lab.drops().filter(|d| matches!(d.reason, DropReason::LinkLoss | DropReason::LinkQueueFull { .. })) {
        // A cable at a switch is named after the host at its other end.
        let end = match d.dev.filter(|_| lab.host(d.node).is_none()).and_then(|dev| lab.play.world.peer_of(d.node, dev))
        {
            Some(end) if lab.host(end.node).is_some() => (end.node, Some(end.dev)),
            _ => (d.node, d.dev),
        };
        count.entry(end.0).or_insert((end.1, 0)).1 += 1;
    }
    let found = count.into_iter().map(|(node, (dev, n))| {
        let place = lab.log.place(node, dev);
        (node, text!("found-lossy-link", place, n), text!("found-mend-lossy-link", place))
    });
    by_node("lossy-link", found)
}

/// A rule of iptables.
pub fn filter_drops(lab: &Lab<'_>) -> Vec<Found> {
    let found = lab.drops().filter_map(|d| {
        let DropReason::Filtered { table, chain, rule } = d.reason else { return None };
        let cure = match rule {
            Some(n) => Text::plain(format!("iptables -t {table} -D {chain} {n}")),
            None => Text::plain(format!("iptables -t {table} -P {chain} ACCEPT")),
        };
        Some((
            d.node,
            text!(
                "found-filter-drops",
                place = lab.log.place(d.node, d.dev),
                reason = d.reason,
                line = super::lineage::line(&lab.log, d.frame)
            ),
            cure,
        ))
    });
    by_node("filter-drops", found)
}

/// A default route over an address of the host itself, or over none.
pub fn default_route_to_self(lab: &Lab<'_>) -> Vec<Found> {
    if lab.failed().next().is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for host in lab.hosts() {
        let lost = lab.drops().any(|d| {
            d.node == host.id && matches!(d.reason, DropReason::NoRoute { .. } | DropReason::NeighFailed { .. })
        });
        let refused = lab.log.connections.iter().any(|c| c.client == host.name && c.errno == Some("ENETUNREACH"));
        if !lost && !refused {
            continue;
        }
        let own = |a: &Ipv4Addr| host.net.is_local(*a);
        let held = host.net.fib.routes().iter().find(|r| {
            r.dst.prefix_len() == 0
                && r.dev.is_some_and(|d| host.net.dev(d).kind == DevKind::Ethernet)
                && r.via.is_none_or(|v| own(&v))
        });
        let declared = lab.play.scenario.nodes[host.id.index()].gateway.filter(own);
        let typed = lab.play.setup.iter().chain(&lab.play.events).filter(|t| t.node == host.id);
        let typed = typed.flat_map(|t| t.run.lines()).find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|w| *w != "default").skip(1);
            let gateway = words.find_map(|w| w.parse::<Ipv4Addr>().ok())?;
            own(&gateway).then_some(gateway)
        });
        let what = match (held, declared.or(typed)) {
            (_, Some(gateway)) => {
                text!("found-default-to-self", host = host.name, gateway)
            }
            (Some(_), None) => text!("found-default-without-router", host = host.name),
            (None, None) => continue,
        };
        found.push((host.id, what, text!("found-mend-default")));
    }
    by_node("default-route-to-self", found)
}

/// Strict reverse path filtering.
pub fn rp_filter(lab: &Lab<'_>) -> Vec<Found> {
    let cure = |knob: &Effective| {
        let dev = knob.dev.as_deref().unwrap_or("all");
        Text::plain(format!("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{dev}.rp_filter=0"))
    };
    let drops = lab.drops().filter_map(|d| match d.reason {
        DropReason::ReversePath { best: Some(_), knob, .. } => Some((
            d.node,
            text!("found-place-reason", place = lab.log.place(d.node, d.dev), reason = d.reason),
            cure(knob),
        )),
        _ => None,
    });
    let asked =
        lab.questions.iter().filter(|q| q.answers.is_empty()).flat_map(|q| &q.verdicts).filter_map(|(n, a)| match a {
            ArpAnswer::ReversePath { knob } => {
                Some((*n, text!("found-silent-rp-filter", host = lab.name(*n), knob), cure(knob)))
            }
            _ => None,
        });
    by_node("rp-filter", drops.chain(asked))
}

/// A host that should pass packets on does not.
pub fn ip_forward(lab: &Lab<'_>) -> Vec<Found> {
    let found = lab.drops().filter_map(|d| {
        let DropReason::NotForUs { dst, knob } = d.reason else { return None };
        let host = lab.host(d.node)?;
        let cards = host.net.devices().filter(|x| x.kind == DevKind::Ethernet && !x.addrs.is_empty()).count();
        let passes =
            cards > 1 || matches!(lab.kind(d.node), Some(Kind::Router | Kind::Director)) || !lab.is_server(d.node);
        let its_vip =
            lab.vips.contains(dst) && lab.servers.iter().any(|s| s.host == Some(d.node) || s.director == d.node);
        (passes && !its_vip).then(|| {
            (
                d.node,
                text!("found-ip-forward", host = host.name, dst, knob),
                Text::plain("sysctl -w net.ipv4.ip_forward=1"),
            )
        })
    });
    by_node("ip-forward", found)
}

/// Too large, and not to be cut; or larger than who receives it takes.
pub fn mtu(lab: &Lab<'_>) -> Vec<Found> {
    let found = lab.drops().filter_map(|d| {
        let wrapped = d.frame.ip().is_some_and(|p| layers(p).count() > 1);
        let inner = if wrapped { text!("found-wrapped") } else { Text::none() };
        let (place, cure) = match *d.reason {
            DropReason::TooBig { mtu, .. } => (Text::plain(lab.log.place(d.node, d.dev)), text!("found-mend-mtu", mtu)),
            DropReason::OverMtu { len, mtu } => too_long(lab, &d, len, mtu),
            _ => return None,
        };
        Some((d.node, text!("found-mtu", place, inner, reason = d.reason), cure))
    });
    by_node("mtu", found)
}

/// Where a packet did not fit in, and what mends it: a switch's port is named by the other end of its cable.
fn too_long(lab: &Lab<'_>, d: &crate::report::log::Drop<'_>, len: u32, mtu: u32) -> (Text, Text) {
    let place = lab.log.place(d.node, d.dev);
    if let Some((host, dev)) = lab.host(d.node).zip(d.dev) {
        let cure = text!("found-mend-card-mtu", dev = host.net.dev(dev).name, len, mtu);
        return (Text::plain(place), cure);
    }
    let Some(far) = d.dev.and_then(|dev| lab.play.world.peer_of(d.node, dev)) else {
        return (Text::plain(place), text!("found-mend-sender-mtu", mtu));
    };
    let port = text!("found-port-of", place, far = lab.log.place(far.node, Some(far.dev)));
    let sender = lab.host(far.node).map(|h| h.net.dev(far.dev)).filter(|dev| dev.mac == d.frame.src);
    let cure = match sender {
        Some(dev) => text!("found-mend-wide-card", host = lab.name(far.node), dev = dev.name, len, mtu),
        None => text!("found-mend-port-mtu", far = lab.log.place(far.node, Some(far.dev)), len, mtu),
    };
    (port, cure)
}

/// Whether the packet of a loss is on its way to a client, or is a request that cannot be answered.
fn back(lab: &Lab<'_>, d: &crate::report::log::Drop<'_>, dst: Ipv4Addr) -> bool {
    let Some(p) = d.frame.ip() else { return false };
    p.saddr == dst || lab.clients.contains(&dst)
}

/// Who sent the answer that a host which is no router got, although it has it for another: its gateway is wrong.
fn misled(lab: &Lab<'_>, d: &crate::report::log::Drop<'_>) -> Option<(NodeId, Ipv4Addr, Text)> {
    let p = d.frame.ip()?;
    let refused = matches!(d.reason, DropReason::NotForUs { .. } | DropReason::OwnSource { .. });
    let answer = lab.vips.contains(&p.saddr) && lab.clients.contains(&p.daddr);
    if !refused || !answer || lab.is_director(d.node) || lab.kind(d.node) == Some(Kind::Router) {
        return None;
    }
    let sender = lab.frames().find(|(_, dir, f)| *dir == Dir::Out && f.ip().is_some_and(|o| o.id == p.id))?.0.node;
    Some((sender, p.daddr, text!("found-way-leads-to-host", host = lab.name(d.node))))
}

/// A host cannot answer.
pub fn no_route_back(lab: &Lab<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for d in lab.drops() {
        if found.iter().all(|f: &(NodeId, Text, Text)| f.0 != d.node)
            && let Some((node, dst, said)) = misled(lab, &d)
        {
            found.push((
                node,
                text!("found-cannot-answer", host = lab.name(node), dst, said),
                text!("found-mend-default-route", dst),
            ));
            continue;
        }
        let (dst, said) = match d.reason {
            DropReason::NoRoute { dst } | DropReason::RouteSaysNo { dst, .. } if back(lab, &d, *dst) => {
                (*dst, d.reason.text())
            }
            DropReason::ReversePath { src, best: None, .. } => (*src, d.reason.text()),
            DropReason::NeighFailed { next_hop, .. } => {
                let Some(p) = d.frame.ip() else { continue };
                if !back(lab, &d, p.daddr) || lab.owner(*next_hop).is_some() {
                    continue;
                }
                (p.daddr, text!("found-way-leads-to-nobody", next_hop))
            }
            _ => continue,
        };
        found.push((
            d.node,
            text!("found-cannot-answer", host = lab.name(d.node), dst, said),
            text!("found-add-route", dst),
        ));
    }
    by_node("no-route-back", found)
}

/// A host cannot reach what it sends to. A reset answers a segment that came astray: what sent that one astray is the cause.
pub fn no_route(lab: &Lab<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let reset = |p: &IpPacket| matches!(&p.l4, L4::Tcp(t) if t.flags.has(TcpFlags::RST));
    for d in lab.drops().filter(|d| !d.frame.ip().is_some_and(reset)) {
        let dst = match d.reason {
            DropReason::NoRoute { dst } | DropReason::RouteSaysNo { dst, .. } if !back(lab, &d, *dst) => *dst,
            DropReason::IpvsNoRoute { dest } => *dest,
            _ => continue,
        };
        found.push((
            d.node,
            text!("found-no-route-reason", host = lab.name(d.node), dst, reason = d.reason),
            text!("found-add-route-or-mend-table", dst),
        ));
    }
    for c in lab.failed().filter(|c| c.errno == Some("ENETUNREACH")) {
        let Some(host) = lab.hosts().find(|h| *h.name == *c.client) else { continue };
        if host.net.output_route(c.to.0, None, None, 0).is_err() {
            found.push((
                host.id,
                text!("found-no-route", host = host.name, dst = c.to.0),
                text!("found-add-route", dst = c.to.0),
            ));
        }
    }
    by_node("no-route", found)
}

/// Somebody is asked for whom nobody is.
pub fn unowned_address(lab: &Lab<'_>) -> Vec<Found> {
    let found = lab.drops().filter_map(|d| {
        let DropReason::NeighFailed { next_hop, tries } = d.reason else { return None };
        if lab.owner(*next_hop).is_some() {
            return None;
        }
        let table = lab.servers.iter().any(|s| s.director == d.node && s.addr.0 == *next_hop);
        let role = if table { text!("found-of-its-table") } else { Text::none() };
        Some((
            d.node,
            text!("found-unowned-address", host = lab.name(d.node), tries, next_hop, role),
            text!("found-give-address", next_hop, host = lab.name(d.node)),
        ))
    });
    // An address of another network on the same cable is asked for in vain, too.
    by_node("unowned-address", found)
}

/// The devices of a host on which an address stands.
pub fn places(host: &Host, addr: Ipv4Addr) -> BTreeSet<String> {
    host.net.devices().filter(|d| d.addrs.iter().any(|a| a.local == addr)).map(|d| d.name.to_string()).collect()
}

/// `arp_ignore` as it counts on a device.
pub fn arp_ignore(host: &Host, dev: DevIdx) -> Effective {
    host.net.sysctl.explain(Conf::ArpIgnore, dev)
}
