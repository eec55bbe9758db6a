//! Causes in ARP: who answered, who kept silent, what was believed (rules in net/ipv4/arp.c, net/core/neighbour.c).

use super::causes::Found;
use super::lab::Lab;
use crate::base::{DevIdx, NodeId};
use crate::lang::{Join, Text};
use crate::net::arp::{may_answer, speaks};
use crate::net::neigh::Neigh;
use crate::node::Host;
use crate::scenario::model::Kind;
use crate::sysctl::{Conf, Effective};
use crate::text;
use crate::trace::{ArpAnswer, Dir, DropReason, TraceEvent};
use crate::wire::{ArpOp, L3, Mac};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A server that answered for a VIP.
struct Liar<'a> {
    host: &'a Host,
    vip: Ipv4Addr,
    asker: NodeId,
    dev: DevIdx,
    knob: &'a Effective,
}

/// Servers that answered for a VIP which traffic then followed to one of them.
fn liars<'a>(lab: &'a Lab<'_>) -> Vec<Liar<'a>> {
    let mut out: Vec<Liar<'a>> = Vec::new();
    let mut believed: BTreeSet<Ipv4Addr> = BTreeSet::new();
    for q in lab.questions.iter().filter(|q| lab.vips.contains(&q.request.tpa)) {
        let vip = q.request.tpa;
        let wrong = |mac| lab.of_mac(mac).is_some_and(|h| hides(lab, h.id, vip));
        if q.cached.is_some_and(wrong) {
            believed.insert(vip);
        }
        for (node, answer) in &q.verdicts {
            let ArpAnswer::Answered { knob, .. } = answer else { continue };
            let Some(host) = lab.host(*node).filter(|h| hides(lab, h.id, vip)) else { continue };
            let Some(dev) = knob.dev.as_ref().and_then(|d| host.net.dev_by_name(d)) else { continue };
            if !out.iter().any(|l| l.host.id == *node && l.vip == vip) {
                out.push(Liar { host, vip, asker: q.node, dev, knob });
            }
        }
    }
    out.retain(|l| believed.contains(&l.vip));
    out
}

/// Whether the host is one of those that must not answer for the VIP: it serves behind another that does not.
fn hides(lab: &Lab<'_>, node: NodeId, vip: Ipv4Addr) -> bool {
    let of_vip = |s: &super::lab::Server| s.host == Some(node) && s.vips.contains(&vip) && s.director != node;
    if !lab.vips.contains(&vip) {
        return false;
    }
    let answers_itself = lab.servers.iter().any(|s| s.director == node && s.vips.contains(&vip));
    // Where nobody balances, whoever is asked for has the address by right.
    let behind = lab.balanced && lab.kind(node) == Some(Kind::RealServer);
    !answers_itself && (behind || lab.servers.iter().any(of_vip))
}

/// Whether the host would keep silent if it were asked now.
fn hidden_now(lab: &Lab<'_>, l: &Liar<'_>) -> bool {
    let sip = lab
        .host(l.asker)
        .and_then(|h| h.net.devices().flat_map(|d| &d.addrs).map(|a| a.local).find(|a| !a.is_loopback()));
    let net = &l.host.net;
    !may_answer(&net.devs, &net.sysctl, l.dev, sip.unwrap_or(Ipv4Addr::UNSPECIFIED), l.vip)
}

fn only_on_lo(l: &Liar<'_>) -> bool {
    let sysctl = &l.host.net.sysctl;
    sysctl.own(Conf::ArpIgnore, DevIdx::LO) > 0 && sysctl.effective(Conf::ArpIgnore, l.dev) == 0
}

fn all_arp_ignore() -> Text {
    Text::plain("sysctl -w net.ipv4.conf.all.arp_ignore=1")
}

/// The knob stands on `lo`, where no question arrives.
pub fn arp_ignore_on_lo(lab: &Lab<'_>) -> Vec<Found> {
    let found = |l: Liar<'_>| Found {
        code: "arp-ignore-on-lo",
        node: l.host.id,
        detail: text!(
            "found-arp-ignore-on-lo",
            host = l.host.name,
            vip = l.vip,
            dev = l.host.net.dev(l.dev).name,
            knob = l.host.net.sysctl.explain(Conf::ArpIgnore, l.dev)
        ),
        cure: all_arp_ignore(),
    };
    liars(lab).into_iter().filter(|l| only_on_lo(l) && !hidden_now(lab, l)).map(found).collect()
}

/// A server answers for the VIP, and somebody believes one of them.
pub fn vip_not_hidden(lab: &Lab<'_>) -> Vec<Found> {
    let found = |l: Liar<'_>| {
        let dev = l.host.net.dev(l.dev);
        let own = dev.addrs.iter().any(|a| a.local == l.vip);
        let (vip, knob, name) = (l.vip, l.knob, &dev.name);
        let why = match (knob.value, own) {
            (1 | 2, _) => text!("found-vip-on-card", knob, dev = name),
            (3, _) => {
                let on = lab.place(l.host, vip).map_or_else(|| name.to_string(), |(dev, ..)| dev);
                text!("found-vip-of-wide-scope", knob, dev = on)
            }
            (_, true) => text!("found-vip-on-open-card", knob, dev = name),
            (_, false) => text!("found-knob-lets", knob),
        };
        // The larger counts: a value above 1 on the interface would win over `all`.
        let hide = match knob.own {
            0 | 1 => all_arp_ignore(),
            _ => Text::plain(format!("{} net.ipv4.conf.{name}.arp_ignore=1", all_arp_ignore())),
        };
        let cure = match (knob.value, own) {
            (1 | 2, _) => text!("found-move-vip-to-lo", vip, dev = name),
            (_, true) => text!("found-move-and-hide-vip", vip, dev = name, command = hide),
            (_, false) => hide,
        };
        Found {
            code: "vip-not-hidden",
            node: l.host.id,
            detail: text!("found-vip-not-hidden", host = l.host.name, vip = l.vip, dev = name, why),
            cure,
        }
    };
    liars(lab).into_iter().filter(|l| !only_on_lo(l) && !hidden_now(lab, l)).map(found).collect()
}

/// An entry for a VIP names a host that hides it by now, or that has it no more.
pub fn stale_neighbour(lab: &Lab<'_>) -> Vec<Found> {
    let mut out = Vec::new();
    for l in liars(lab).into_iter().filter(|l| hidden_now(lab, l)) {
        out.push(Found {
            code: "stale-neighbour",
            node: l.asker,
            detail: text!(
                "found-stale-neighbour",
                asker = lab.name(l.asker),
                host = l.host.name,
                vip = l.vip,
                knob = l.host.net.sysctl.explain(Conf::ArpIgnore, l.dev)
            ),
            cure: announce(lab, l.vip),
        });
    }
    if !lab.wrong() {
        return out;
    }
    for host in lab.hosts() {
        for n in host.net.neigh.sorted() {
            let wrong = |n: &&Neigh| n.state.valid() && lab.vips.contains(&n.addr);
            let Some(n) = Some(n).filter(wrong) else { continue };
            let now = lab.of_mac(n.mac);
            if now.is_some_and(|h| h.net.is_local(n.addr)) || out.iter().any(|f| f.node == host.id) {
                continue;
            }
            let had = now.map_or_else(|| n.mac.to_string(), |h| h.name.to_string());
            out.push(Found {
                code: "stale-neighbour",
                node: host.id,
                detail: text!("found-neighbour-has-not", host = host.name, addr = n.addr, had, state = n.state.name()),
                cure: announce(lab, n.addr),
            });
        }
    }
    out
}

fn announce(lab: &Lab<'_>, vip: Ipv4Addr) -> Text {
    let director = lab.hosts().find(|h| lab.is_director(h.id) && h.net.is_local(vip));
    match director {
        Some(d) => {
            let dev = d.net.devices().find(|x| !x.is_loopback() && x.mac != Mac::ZERO);
            let dev = dev.map_or_else(|| "eth0".to_string(), |x| x.name.to_string());
            Text::plain(format!("on {}: arping -U -c 1 -I {dev} {vip}", d.name))
        }
        None => Text::plain("ip neigh flush all"),
    }
}

/// A server asks its neighbours with the VIP as sender, and somebody notes it.
pub fn arp_announce(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut vips: BTreeSet<Ipv4Addr> = BTreeSet::new();
    for (r, dir, frame) in lab.frames() {
        let L3::Arp(arp) = &frame.l3 else { continue };
        let asks = arp.op == ArpOp::Request && dir == Dir::Out && arp.spa != arp.tpa && hides(lab, r.node, arp.spa);
        if !asks || out.iter().any(|f| f.node == r.node) {
            continue;
        }
        let learnt = lab.log.records.iter().find(|o| {
            o.at >= r.at
                && o.node != r.node
                && matches!(&o.event, TraceEvent::Neigh { addr, mac, was, .. }
                    if *addr == arp.spa && *mac == Some(arp.sha) && *was != *mac)
        });
        let (Some(learnt), Some(host)) = (learnt, lab.host(r.node)) else { continue };
        let by_answer = lab
            .questions
            .iter()
            .any(|q| q.node == learnt.node && q.request.tpa == arp.spa && q.answers.iter().any(|a| a.0 == learnt.at));
        if by_answer {
            continue;
        }
        out.push(Found {
            code: "arp-announce",
            node: r.node,
            detail: text!(
                "found-arp-announce",
                host = host.name,
                asked = arp.tpa,
                vip = arp.spa,
                learner = lab.name(learnt.node),
                knob = announces(host, arp.sha)
            ),
            cure: Text::plain(ALL_ARP_ANNOUNCE),
        });
        vips.insert(arp.spa);
    }
    // Whoever does the same is next, as soon as the first is mended.
    for host in lab.hosts().filter(|h| !lab.is_director(h.id)) {
        let card = host.net.devices().find(|d| speaks(&host.net.devs, d.idx) && !d.addrs.is_empty());
        let Some(card) = card.filter(|d| host.net.sysctl.effective(Conf::ArpAnnounce, d.idx) < 2) else { continue };
        let vip = vips.iter().find(|v| host.net.has_addr(**v) && hides(lab, host.id, **v));
        let Some(vip) = vip.filter(|_| !out.iter().any(|f| f.node == host.id)) else { continue };
        out.push(Found {
            code: "arp-announce",
            node: host.id,
            detail: text!("found-arp-announce-too", host = host.name, vip, knob = announces(host, card.mac)),
            cure: Text::plain(ALL_ARP_ANNOUNCE),
        });
    }
    out
}

const ALL_ARP_ANNOUNCE: &str = "sysctl -w net.ipv4.conf.all.arp_announce=2";

/// `arp_announce` as it counts on the interface with this hardware address.
fn announces(host: &Host, mac: Mac) -> Text {
    let dev = host.net.devices().find(|d| d.mac == mac);
    dev.map_or_else(Text::none, |d| host.net.sysctl.explain(Conf::ArpAnnounce, d.idx).text())
}

/// Two hosts answered one question, and neither serves behind the other.
pub fn duplicate_address(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut seen: BTreeSet<Ipv4Addr> = BTreeSet::new();
    for q in &lab.questions {
        let addr = q.request.tpa;
        let who: BTreeSet<NodeId> = q
            .verdicts
            .iter()
            .filter(|(n, a)| matches!(a, ArpAnswer::Answered { .. }) && !hides(lab, *n, addr))
            .map(|v| v.0)
            .collect();
        let own: Vec<(NodeId, Ipv4Addr)> = q
            .verdicts
            .iter()
            .filter_map(|(n, a)| match a {
                ArpAnswer::AskerIsMe { sip } if !hides(lab, q.node, *sip) && !hides(lab, *n, *sip) => Some((*n, *sip)),
                _ => None,
            })
            .collect();
        if who.len() > 1 && seen.insert(addr) {
            let hosts = Text::list(who.iter().map(|n| Text::plain(lab.name(*n))), Join::And);
            let kept = q.cached.and_then(|m| lab.of_mac(m)).map(|h| Text::plain(&*h.name));
            let kept = kept.unwrap_or_else(|| text!("found-nobody"));
            let extra = who.iter().copied().find(|n| !lab.is_director(*n)).or(who.last().copied());
            let node = extra.unwrap_or(q.node);
            out.push(Found {
                code: "duplicate-address",
                node,
                detail: text!("found-duplicate-address", hosts, addr, asker = lab.name(q.node), kept),
                cure: take_away(lab, node, addr),
            });
        }
        for (node, addr) in own {
            if seen.insert(addr) {
                out.push(Found {
                    code: "duplicate-address",
                    node,
                    detail: text!("found-both-have", asker = lab.name(q.node), host = lab.name(node), addr),
                    cure: take_away(lab, node, addr),
                });
            }
        }
    }
    out
}

fn take_away(lab: &Lab<'_>, node: NodeId, addr: Ipv4Addr) -> Text {
    let place = lab.host(node).and_then(|h| lab.place(h, addr));
    place.map_or_else(
        || text!("found-give-another-address"),
        |(dev, prefix, _)| Text::plain(format!("ip addr del {addr}/{prefix} dev {dev}")),
    )
}

/// The only host that has the address kept silent, by a filter or a knob.
pub fn arp_filtered(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut add = |node: NodeId, detail: Text, cure: Text| {
        if !out.iter().any(|f| f.node == node) {
            out.push(Found { code: "arp-filtered", node, detail, cure });
        }
    };
    let silent = |addr: Ipv4Addr| lab.questions.iter().any(|q| q.request.tpa == addr && q.answers.is_empty());
    for d in lab.log.drops() {
        let DropReason::ArpFiltered { chain, .. } = d.reason else { continue };
        let Some(arp) = d.arp() else { continue };
        let addr = if arp.op == ArpOp::Reply { arp.spa } else { arp.tpa };
        if silent(addr) {
            add(
                d.node,
                text!("found-arptables", chain, host = lab.name(d.node), reason = d.reason),
                Text::plain(format!("arptables -F {chain}")),
            );
        }
    }
    for q in lab.questions.iter().filter(|q| q.answers.is_empty()) {
        for (node, answer) in &q.verdicts {
            let addr = q.request.tpa;
            let sole = lab.log.addr_owners(addr).len() == 1 || (lab.is_director(*node) && !hides(lab, *node, addr));
            let knob = match answer {
                ArpAnswer::Filtered { knob } | ArpAnswer::Ignored { knob, .. } => knob,
                _ => continue,
            };
            if sole && !hides(lab, *node, addr) {
                let dev = knob.dev.as_deref().unwrap_or("all");
                add(
                    *node,
                    text!(
                        "found-host-did",
                        host = lab.name(*node),
                        did = crate::report::words::arp_answer(answer, addr)
                    ),
                    Text::plain(format!("sysctl -w net.ipv4.conf.all.{0}=0 net.ipv4.conf.{dev}.{0}=0", knob.name)),
                );
            }
        }
    }
    out
}

/// Whether traffic went past the director although nothing failed.
pub fn stray(lab: &Lab<'_>) -> bool {
    !liars(lab).is_empty()
}
