//! Addresses and who answers for them: the VIP on a real server, its mask, whether it is hidden, and since when.

use super::Finding;
use super::journal::Command;
use super::lab::{Lab, Virtual};
use super::origin::sets;
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::net::arp;
use crate::net::fib::RouteKind;
use crate::sysctl::Conf;
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
            let whom = lost.map_or("its answers there".to_string(), |a| format!("its answers to {}", a.from));
            let name = &addr.label;
            found.push(
                Finding::new(lab, node, lab.at_address(node, vip), format!("`{}` has the VIP {vip} on lo with /{}", lab.name(node), addr.prefix))
                    .label(format!("all of {net} is local now"))
                    .note(format!(
                        "`local {net} dev lo` comes with the address, and the local table is asked first: {whom} never leave the \
                         host, and unless arp_ignore forbids it, it answers who-has for every address of {net}"
                    ))
                    .cure(format!("ifconfig {name} {vip} netmask 255.255.255.255, or ip addr add {vip}/32 dev lo"))
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
                format!("`{}` has arp_ignore {own} on lo only, and answers for {}", lab.name(e.node), e.vip),
            )
            .label("lo hears no who-has")
            .note(format!(
                "what counts is the larger of all ({}) and the interface that hears the question, {dev} ({}): whoever asks \
                 for the VIP may learn this server instead of the director",
                sysctl.all(Conf::ArpIgnore),
                sysctl.own(Conf::ArpIgnore, e.dev)
            ))
            .cure("sysctl -w net.ipv4.conf.all.arp_ignore=1")
            .also(lab.at_address(e.node, e.vip), "the VIP")
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
            0 => (
                "with arp_ignore 0 a host answers for any of its addresses on any interface".to_string(),
                "before the VIP is added: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"
                    .to_string(),
            ),
            _ => (
                format!("arp_ignore {value} lets it answer, because the VIP stands on {on}"),
                format!("ip addr del {vip}/32 dev {on}; ip addr add {vip}/32 dev lo", vip = e.vip),
            ),
        };
        Finding::new(
            lab,
            e.node,
            lab.at_address(e.node, e.vip),
            format!("`{}` answers who-has for the VIP {} on {dev}", lab.name(e.node), e.vip),
        )
        .label(format!("on {on}, not hidden"))
        .note(format!("{why}; whoever takes its answer sends to it, past the director"))
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
                Finding::new(lab, node, place, format!("`{name}` has the VIP {vip} before arp_ignore hides it"))
                    .label("from here on it answers who-has for the VIP")
                    .also(lab.at_command(commands[hidden], ""), "and only from here on it is silent")
                    .note(
                        "who asks in between learns this server for the VIP, and its entry stays as long as it is used: the \
                         sysctl stops later answers and mends no neighbour cache",
                    )
                    .cure("put the lines with arp_ignore and arp_announce before the one that adds the VIP"),
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
                    format!("`{}` and `{}` both answer who-has for {addr}", lab.name(first), lab.name(second)),
                )
                .label(format!("{addr} on {}", lab.name(second)))
                .also(lab.at_address(first, addr), format!("and on {}", lab.name(first)))
                .note("an asker takes the first answer, and which that is depends on nothing that the file says")
                .cure(format!("give one of them another address: ip addr del {addr} dev the interface")),
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
