//! What keeps packets and answers back on purpose: rules of iptables and arptables, arp_filter, arp_ignore at the director.

use super::Finding;
use super::lab::{Asked, Lab};
use super::walk::{End, Parcel, Way};
use crate::base::{DevIdx, NodeId};
use crate::net::arp;
use crate::net::netfilter::{Culprit, TableId};
use crate::net::routing::{InError, InRoute};
use crate::sysctl::Conf;
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
            }
        }
    }
    found
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
    let accept = format!("iptables {of}-I {chain} -p {proto} --dport {port} -j ACCEPT");
    let (what, cure) = match culprit.rule {
        Some(rule) => {
            (format!("rule {rule} of {chain}"), format!("iptables {of}-D {chain} {rule}, or before it: {accept}"))
        }
        None => (format!("the policy of {chain}"), accept),
    };
    Finding::new(
        lab,
        node,
        lab.at_rule(node, "iptables", chain),
        format!("iptables on `{name}` ends requests for {addr}:{port}"),
    )
    .label(what)
    .note(match &**chain {
        "INPUT" => {
            "IPVS stands behind the chain INPUT: what INPUT drops it never sees, and no counter of ipvsadm moves"
        }
        "OUTPUT" | "POSTROUTING" => {
            "what IPVS sends on passes OUTPUT and POSTROUTING: it is counted by ipvsadm, and ends there"
        }
        _ => "the packet ends at the hook where the rule stands, before IPVS or a socket has it",
    })
    .cure(cure)
    .fails(fails)
}

/// L041: a host has an address that is asked for, and is kept from answering.
pub fn arp_kept_silent(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        for way in &ways {
            let End::Nobody(dev, next) = way.end else { continue };
            let asker = way.last().map_or(asked.client, |(n, _)| n);
            let Some((node, heard)) = meant(lab, asker, dev, next) else { continue };
            let net = &lab.host(asker).net;
            let Some(sip) = arp::sender(&net.devs, &net.sysctl, dev, next, Some(asked.from), |a| net.is_local(a))
            else {
                continue;
            };
            let name = lab.name(node);
            let Some((why, cure, place)) = silence(lab, node, heard, sip, next) else { continue };
            found.push(
                Finding::new(lab, node, place, format!("`{name}` has {next} and does not answer who-has for it"))
                    .label(why)
                    .also(lab.at_address(node, next), "the address")
                    .note(format!(
                        "`{}` asks three times, nobody answers, and it reports host unreachable",
                        lab.name(asker)
                    ))
                    .cure(cure)
                    .fails(ways.iter().all(|w| matches!(w.end, End::Nobody(..)))),
            );
        }
    }
    found
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
) -> Option<(String, String, crate::scenario::problem::Place)> {
    let net = &lab.host(node).net;
    let name = lab.device(node, dev);
    if !net.devs[dev.index()].running() {
        return None;
    }
    match net.input_route(tip, sip, dev, 0, 0) {
        Ok(InRoute::Local(_)) => {}
        Err(InError::ReversePath { .. }) => {
            let cure = format!("sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.{name}.rp_filter=0");
            return Some((
                format!("rp_filter refuses the asker {sip} on {name}"),
                cure,
                lab.at_sysctl(node, "rp_filter"),
            ));
        }
        _ => return None,
    }
    let value = net.sysctl.effective(Conf::ArpIgnore, dev);
    if !arp::may_answer(&net.devs, &net.sysctl, dev, sip, tip) {
        let on = lab.device_of(node, tip).map_or("lo", |d| lab.device(node, d));
        let cure = format!("ip addr del {tip}/32 dev {on}; ip addr add {tip}/32 dev {name}; or arp_ignore 0");
        return Some((
            format!("arp_ignore is {value}, and {tip} stands on {on}"),
            cure,
            lab.at_sysctl(node, "arp_ignore"),
        ));
    }
    if net.sysctl.on(Conf::ArpFilter, dev) && !net.output_route(sip, Some(tip), None, 0).is_ok_and(|r| r.dev == dev) {
        let cure = format!("sysctl -w net.ipv4.conf.all.arp_filter=0 net.ipv4.conf.{name}.arp_filter=0");
        return Some((
            format!("arp_filter: it would send to {sip} by another card"),
            cure,
            lab.at_sysctl(node, "arp_filter"),
        ));
    }
    let culprit = lab.arp_rules(node, dev, sip, tip)?;
    let chain = &culprit.chain;
    let cure = match culprit.rule {
        Some(rule) => format!("arptables -D {chain} {rule}"),
        None => format!("arptables -P {chain} ACCEPT"),
    };
    Some((format!("arptables, chain {chain}"), cure, lab.at_rule(node, "arptables", chain)))
}
