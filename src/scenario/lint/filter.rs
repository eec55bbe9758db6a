//! What keeps packets and answers back on purpose: rules of iptables and arptables, arp_filter, arp_ignore at the director.

use super::Finding;
use super::lab::{Asked, Lab, Real, Virtual, opening};
use super::server::remote;
use super::walk::{End, Parcel, Way};
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::lang::Text;
use crate::net::arp;
use crate::net::netfilter::{Culprit, HookPoint, TableId, Verdict, View, matches::state};
use crate::net::routing::{InError, InRoute};
use crate::sysctl::Conf;
use crate::text;
use crate::wire::{L4, TcpFlags};
use std::net::Ipv4Addr;

/// L040: a rule ends requests, on their way to the director or on to a server.
pub fn rule_drops(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        if let Some((node, table, culprit)) = ways.iter().find_map(ended) {
            found.push(tell(lab, node, table, culprit, asked, ways.iter().all(|w| ended(w).is_some())));
        }
    }
    for service in &lab.services {
        for real in &service.reals {
            for asked in &service.asked {
                let ways = lab.delivered(service, real, asked);
                if let Some((node, table, culprit)) = ways.iter().find_map(ended) {
                    found.push(tell(lab, node, table, culprit, asked, lab.certain(service, real)));
                }
                if let Some((table, culprit)) = answer_ended(lab, service, real, asked) {
                    found.push(tell(lab, service.node, table, &culprit, asked, lab.certain(service, real)));
                }
            }
        }
    }
    found
}

/// The rule that ends a NAT server's answer in the director's FORWARD. With connection tracking it is not asked: what state
/// an answer has then is another's business.
fn answer_ended(lab: &Lab<'_>, service: &Virtual, real: &Real, asked: &Asked) -> Option<(TableId, Culprit)> {
    let host = real.host.filter(|&h| real.method == Method::Nat && h != service.node)?;
    let director = lab.host(service.node);
    if director.netfilter.tracking() || !director.netfilter.active() {
        return None;
    }
    let back = lab.ways(host, Parcel { saddr: real.addr, daddr: asked.from, request: None });
    let came = back.first()?.hops.iter().find(|(n, _)| *n == service.node)?.1;
    let out = director.net.output_route(asked.from, None, None, 0).ok()?.dev;
    let mut pkt = opening(asked);
    (pkt.saddr, pkt.daddr) = (real.addr, asked.from);
    match &mut pkt.l4 {
        L4::Tcp(t) => {
            (t.sport, t.dport, t.flags) = (service.port_at(real, t.dport), t.sport, TcpFlags::SYN | TcpFlags::ACK)
        }
        L4::Udp(d) => (d.sport, d.dport) = (service.port_at(real, d.dport), d.sport),
        _ => {}
    }
    let name = |d: DevIdx| &*director.net.devs[d.index()].name;
    let mut netfilter = director.netfilter.clone();
    let (input, output) = (Some(name(came)), Some(name(out)));
    let mut view = View { input, output, state: state::INVALID, ..View::new(&mut pkt) };
    [TableId::Mangle, TableId::Filter, TableId::Security].into_iter().find_map(|table| {
        match netfilter.run(table, HookPoint::Forward, &mut view) {
            Verdict::Accept | Verdict::Nat(..) => None,
            Verdict::Drop(culprit) | Verdict::Reject(_, culprit) => Some((table, culprit)),
        }
    })
}

fn ended(way: &Way) -> Option<(NodeId, TableId, &Culprit)> {
    match &way.end {
        End::Filtered(table, culprit) => way.last().map(|(node, _)| (node, *table, culprit)),
        _ => None,
    }
}

fn tell(lab: &Lab<'_>, node: NodeId, table: TableId, culprit: &Culprit, asked: &Asked, fails: bool) -> Finding {
    let name = lab.name(node);
    let (chain, of) =
        (&culprit.chain, if table == TableId::Filter { String::new() } else { format!("-t {} ", table.name()) });
    let (addr, port) = asked.to;
    let proto = asked.proto.to_string().to_lowercase();
    let end = if &**chain == "FORWARD" { "--sport" } else { "--dport" };
    let accept = format!("iptables {of}-I {chain} -p {proto} {end} {port} -j ACCEPT");
    let (what, cure) = match culprit.rule {
        Some(rule) => (text!("lint-rule-of", rule, chain), text!("lint-delete-rule", of, chain, rule, accept)),
        None => (text!("lint-policy-of", chain), Text::plain(accept)),
    };
    Finding::new(
        lab,
        node,
        lab.at_rule(node, "iptables", chain),
        match &**chain {
            "FORWARD" => text!("lint-filter-forwarded", name, addr, port),
            _ => text!("lint-filter-requests", name, addr, port),
        },
    )
    .label(what)
    .note(match &**chain {
        "INPUT" => {
            text!("lint-filter-input")
        }
        "FORWARD" => text!("lint-filter-forward"),
        "OUTPUT" | "POSTROUTING" => {
            text!("lint-filter-output")
        }
        _ => text!("lint-filter-hook"),
    })
    .cure(cure)
    .fails(fails)
}

/// L041: a host has an address that is asked for, and is kept from answering.
pub fn arp_kept_silent(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        let all = ways.iter().all(|w| matches!(w.end, End::Nobody(..)));
        found.extend(ways.iter().filter_map(|w| silent(lab, w, asked.client, asked.from, all)));
    }
    for (service, real, host) in remote(lab) {
        for asked in &service.asked {
            let sure = lab.certain(service, real);
            let there = lab.delivered(service, real, asked);
            found.extend(there.iter().filter_map(|w| silent(lab, w, service.node, asked.from, sure)));
            let saddr = if real.method == Method::Nat { real.addr } else { asked.to.0 };
            let back = lab.ways(host, Parcel { saddr, daddr: asked.from, request: None });
            found.extend(back.iter().filter_map(|w| silent(lab, w, host, saddr, sure)));
        }
    }
    found
}

/// A way that ends because somebody who has the next address does not answer for it.
fn silent(lab: &Lab<'_>, way: &Way, from: NodeId, waiting: Ipv4Addr, fails: bool) -> Option<Finding> {
    let End::Nobody(dev, next) = way.end else { return None };
    let asker = way.last().map_or(from, |(n, _)| n);
    let (node, heard) = meant(lab, asker, dev, next)?;
    let net = &lab.host(asker).net;
    let sip = arp::sender(&net.devs, &net.sysctl, dev, next, Some(waiting), |a| net.is_local(a))?;
    let name = lab.name(node);
    let (why, cure, place) = silence(lab, node, heard, sip, next)?;
    Some(
        Finding::new(lab, node, place, text!("lint-arp-filtered", name, next))
            .label(why)
            .also(lab.at_address(node, next), text!("lint-the-address"))
            .note(text!("lint-arp-filtered-note", asker = lab.name(asker)))
            .cure(cure)
            .fails(fails),
    )
}

/// Who should answer: somebody on the segment who has the address and is no real server that hides it.
fn meant(lab: &Lab<'_>, asker: NodeId, dev: DevIdx, next: Ipv4Addr) -> Option<(NodeId, DevIdx)> {
    let hides = |n: NodeId| {
        let of = |s: &&super::lab::Virtual| s.vip == Some(next) && s.node != n && lab.serves(s, n).is_some();
        lab.services.iter().any(|s| of(&s))
    };
    lab.segments.at(asker, dev).iter().find(|&&(n, _)| n != asker && lab.owns(n, next) && !hides(n)).copied()
}

/// Why a host is silent, what mends it, and the line that made it so. The order is the kernel's.
fn silence(
    lab: &Lab<'_>,
    node: NodeId,
    dev: DevIdx,
    sip: Ipv4Addr,
    tip: Ipv4Addr,
) -> Option<(Text, Text, crate::scenario::problem::Place)> {
    let net = &lab.host(node).net;
    let name = lab.device(node, dev);
    if !net.devs[dev.index()].running() {
        return None;
    }
    match net.input_route(tip, sip, dev, 0, 0) {
        Ok(InRoute::Local(_)) => {}
        Err(InError::ReversePath { .. }) => {
            let cure = Text::plain(format!("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{name}.rp_filter=0"));
            return Some((text!("lint-silent-rp-filter", sip, name), cure, lab.at_sysctl(node, "rp_filter")));
        }
        _ => return None,
    }
    let value = net.sysctl.effective(Conf::ArpIgnore, dev);
    if !arp::may_answer(&net.devs, &net.sysctl, dev, sip, tip) {
        let on = lab.device_of(node, tip).map_or("lo", |d| lab.device(node, d));
        let cure = text!("lint-move-address", tip, on, name);
        return Some((text!("lint-silent-arp-ignore", value, tip, on), cure, lab.at_sysctl(node, "arp_ignore")));
    }
    if net.sysctl.on(Conf::ArpFilter, dev) && !net.output_route(sip, Some(tip), None, 0).is_ok_and(|r| r.dev == dev) {
        let cure = Text::plain(format!("sysctl -w net.ipv4.conf.all.arp_filter=0 net.ipv4.conf.{name}.arp_filter=0"));
        return Some((text!("lint-silent-arp-filter", sip), cure, lab.at_sysctl(node, "arp_filter")));
    }
    let culprit = lab.arp_rules(node, dev, sip, tip)?;
    let chain = &culprit.chain;
    let cure = match culprit.rule {
        Some(rule) => Text::plain(format!("arptables -D {chain} {rule}")),
        None => Text::plain(format!("arptables -P {chain} ACCEPT")),
    };
    Some((text!("lint-silent-arptables", chain), cure, lab.at_rule(node, "arptables", chain)))
}
