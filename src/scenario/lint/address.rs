//! Addresses and who answers for them: the VIP on a real server, its mask, whether it is hidden, and since when.

use super::Finding;
use super::journal::Command;
use super::lab::{Lab, Virtual};
use super::origin::sets;
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::lang::Text;
use crate::net::arp;
use crate::net::fib::RouteKind;
use crate::sysctl::Conf;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// L001: the VIP on `lo` with a mask wider than /32.
pub fn vip_mask(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, host) in lab.hosts() {
        for addr in &host.net.devs[DevIdx::LO.index()].addrs {
            let mine: Vec<&Virtual> = lab.services.iter().filter(|s| s.vip == Some(addr.local)).collect();
            if addr.prefix == 32 || addr.local.is_loopback() || mine.is_empty() {
                continue;
            }
            let (vip, net) = (addr.local, format!("{}/{}", addr.network(), addr.prefix));
            // Whom does this host no longer reach: clients that it answers, servers that it sends to.
            let local =
                |to: Ipv4Addr| host.net.output_route(to, Some(vip), None, 0).is_ok_and(|r| r.kind == RouteKind::Local);
            let answers =
                |s: &Virtual| lab.serves(s, node).is_some_and(|r| r.method != Method::Nat && lab.certain(s, r));
            let lost = mine.iter().filter(|s| answers(s)).flat_map(|s| &s.asked).find(|a| local(a.from));
            let whom = lost.map_or(text!("lint-answers-there"), |a| text!("lint-answers-to", client = a.from));
            let name = &addr.label;
            found.push(
                Finding::new(
                    lab,
                    node,
                    lab.at_address(node, vip),
                    text!("lint-vip-mask", host = lab.name(node), vip, prefix = addr.prefix),
                )
                .label(text!("lint-vip-mask-label", net))
                .note(text!("lint-vip-mask-note", net, whom))
                .cure(text!("lint-vip-mask-cure", name, vip))
                .fails(lost.is_some()),
            );
        }
    }
    found
}

/// L002: `arp_ignore` on `lo` only.
pub fn ignore_on_lo(lab: &Lab<'_>) -> Vec<Finding> {
    let tell = |e: &Exposed| {
        let sysctl = &lab.host(e.node).net.sysctl;
        let own = sysctl.own(Conf::ArpIgnore, DevIdx::LO);
        (own != 0 && sysctl.effective(Conf::ArpIgnore, e.dev) == 0).then(|| {
            let dev = lab.device(e.node, e.dev);
            Finding::new(
                lab,
                e.node,
                lab.at_sysctl(e.node, "arp_ignore"),
                text!("lint-arp-ignore-on-lo", host = lab.name(e.node), own, vip = e.vip),
            )
            .label(text!("lint-arp-ignore-on-lo-label"))
            .note(text!(
                "lint-arp-ignore-on-lo-note",
                all = sysctl.all(Conf::ArpIgnore),
                dev,
                own = sysctl.own(Conf::ArpIgnore, e.dev)
            ))
            .cure(Text::plain("sysctl -w net.ipv4.conf.all.arp_ignore=1"))
            .also(lab.at_address(e.node, e.vip), text!("lint-the-vip"))
        })
    };
    exposed(lab).iter().filter_map(tell).collect()
}

/// L004: a real server that answers for the VIP.
pub fn not_hidden(lab: &Lab<'_>) -> Vec<Finding> {
    let tell = |e: &Exposed| {
        let sysctl = &lab.host(e.node).net.sysctl;
        let dev = lab.device(e.node, e.dev);
        let on = lab.device_of(e.node, e.vip).map_or("lo", |d| lab.device(e.node, d));
        let value = sysctl.effective(Conf::ArpIgnore, e.dev);
        let (why, cure) = match value {
            0 => (text!("lint-arp-ignore-0"), text!("lint-hide-before")),
            _ => (
                text!("lint-arp-ignore-lets", value, on),
                Text::plain(format!("ip addr del {vip}/32 dev {on}; ip addr add {vip}/32 dev lo", vip = e.vip)),
            ),
        };
        Finding::new(
            lab,
            e.node,
            lab.at_address(e.node, e.vip),
            text!("lint-vip-not-hidden", host = lab.name(e.node), vip = e.vip, dev),
        )
        .label(text!("lint-not-hidden", on))
        .note(text!("lint-vip-not-hidden-note", why))
        .cure(cure)
    };
    exposed(lab).iter().map(tell).collect()
}

/// L003: the VIP was added before the sysctl that hides it.
pub fn too_late(lab: &Lab<'_>) -> Vec<Finding> {
    let open: BTreeSet<NodeId> = exposed(lab).iter().map(|e| e.node).collect();
    let mut found = Vec::new();
    for service in &lab.services {
        let Some(vip) = service.vip else { continue };
        for node in servers(service) {
            if open.contains(&node) || !lab.owns(node, vip) {
                continue;
            }
            let text = vip.to_string();
            let adds = |c: &Command| (c.is("ifconfig") || c.is("ip")) && c.status == 0 && c.names(&text);
            let commands: Vec<&Command> = lab.journal.on(node).collect();
            let added = commands.iter().position(|c| adds(c) && !c.is("route"));
            let hidden = commands.iter().position(|c| sets(c, "arp_ignore") && !names_lo(c));
            // What the file declares is there before anything is typed, and no time passes between its lines.
            let declared = lab.scenario.nodes[node.index()]
                .sysctls
                .iter()
                .any(|(p, _)| p.ends_with(".arp_ignore") && !p.contains(".lo."));
            let (Some(hidden), false) = (hidden, declared) else { continue };
            if added.is_some_and(|added| added > hidden) {
                continue;
            }
            let name = lab.name(node);
            let place = added.map_or_else(|| lab.at_address(node, vip), |i| lab.at_command(commands[i], ""));
            found.push(
                Finding::new(lab, node, place, text!("lint-stale-neighbour", name, vip))
                    .label(text!("lint-stale-from-here"))
                    .also(lab.at_command(commands[hidden], ""), text!("lint-stale-until-here"))
                    .note(text!("lint-stale-neighbour-note"))
                    .cure(text!("lint-stale-neighbour-cure")),
            );
        }
    }
    found
}

/// L005: two hosts that answer for one address, and no real server with a VIP among them.
pub fn duplicate(lab: &Lab<'_>) -> Vec<Finding> {
    let hidden_vip = |node: NodeId, addr: Ipv4Addr| {
        lab.services.iter().any(|s| s.vip == Some(addr) && s.node != node && lab.serves(s, node).is_some())
    };
    let mut found = Vec::new();
    for members in lab.segments.all() {
        let mut owners: BTreeMap<Ipv4Addr, Vec<(NodeId, DevIdx)>> = BTreeMap::new();
        for &(node, dev) in members {
            let addrs = lab.host(node).net.devs.iter().filter(|d| !d.gone && d.up).flat_map(|d| &d.addrs);
            for a in addrs.filter(|a| !a.local.is_loopback()) {
                owners.entry(a.local).or_default().push((node, dev));
            }
        }
        for (addr, hosts) in owners {
            if hosts.iter().all(|&(n, _)| n == hosts[0].0) {
                continue;
            }
            let mut who: Vec<NodeId> = Vec::new();
            for &(node, dev) in &hosts {
                let asker = asker(lab, members, |n| !hosts.iter().any(|&(h, _)| h == n));
                let answers = asker.is_some_and(|sip| lab.answers(node, dev, sip, addr));
                if answers && !who.contains(&node) && !hidden_vip(node, addr) {
                    who.push(node);
                }
            }
            let [first, second, ..] = who[..] else { continue };
            found.push(
                Finding::new(
                    lab,
                    second,
                    lab.at_address(second, addr),
                    text!("lint-duplicate-address", one = lab.name(first), other = lab.name(second), addr),
                )
                .label(text!("lint-address-on", addr, host = lab.name(second)))
                .also(lab.at_address(first, addr), text!("lint-and-on", host = lab.name(first)))
                .note(text!("lint-duplicate-address-note"))
                .cure(text!("lint-duplicate-address-cure", addr)),
            );
        }
    }
    found
}

/// A real server that answers for the VIP on a segment.
struct Exposed {
    node: NodeId,
    dev: DevIdx,
    vip: Ipv4Addr,
}

/// Every real server that answers for a VIP where somebody else may ask.
fn exposed(lab: &Lab<'_>) -> Vec<Exposed> {
    let mut found: Vec<Exposed> = Vec::new();
    for service in &lab.services {
        let Some(vip) = service.vip else { continue };
        for node in servers(service) {
            for dev in (0..lab.host(node).net.devs.len()).map(|i| DevIdx(i as u16)) {
                let members = lab.segments.at(node, dev);
                let asker = asker(lab, members, |n| n != node && !lab.owns(n, vip));
                let known = found.iter().any(|e| e.node == node && e.vip == vip);
                if !known && lab.owns(node, vip) && asker.is_some_and(|sip| lab.answers(node, dev, sip, vip)) {
                    found.push(Exposed { node, dev, vip });
                }
            }
        }
    }
    found
}

/// The hosts of a service's servers, without the director, each once.
fn servers(service: &Virtual) -> BTreeSet<NodeId> {
    service.reals.iter().filter_map(|r| r.host).filter(|&h| h != service.node).collect()
}

/// An address of somebody on the segment who may ask.
fn asker(lab: &Lab<'_>, members: &[(NodeId, DevIdx)], may: impl Fn(NodeId) -> bool) -> Option<Ipv4Addr> {
    let address = |&(n, d): &(NodeId, DevIdx)| lab.host(n).net.devs[d.index()].addrs.first().map(|a| a.local);
    members.iter().filter(|&&(n, _)| may(n)).find_map(address)
}

fn names_lo(command: &Command) -> bool {
    let lo = |w: &String| w.contains("conf/lo/") || w.contains("conf.lo.");
    command.words.iter().any(lo) && !command.words.iter().any(|w| w.contains("conf.all.") || w.contains("conf/all/"))
}

/// The sender that a real server would use in a who-has for the way to `to`, while an answer from the VIP waits.
pub fn sender_for(lab: &Lab<'_>, node: NodeId, vip: Ipv4Addr, to: Ipv4Addr) -> Option<(DevIdx, Ipv4Addr)> {
    let net = &lab.host(node).net;
    let route = net.output_route(to, Some(vip), None, 0).ok()?;
    let next = route.via.unwrap_or(to);
    let known = net.neigh.get(route.dev, next).is_some_and(|n| n.state.valid());
    let speaks = arp::speaks(&net.devs, route.dev) && !known;
    let sender = arp::sender(&net.devs, &net.sysctl, route.dev, next, Some(vip), |a| net.is_local(a))?;
    speaks.then_some((route.dev, sender))
}
