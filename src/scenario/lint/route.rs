//! Ways: of requests to the director and on to the servers, and of answers back to who asked.

use super::Finding;
use super::lab::{Asked, Lab, Real, Virtual};
use super::server::remote;
use super::walk::{End, Parcel, Way, rewrites};
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::lang::Text;
use crate::net::IfAddr;
use crate::net::routing::InError;
use crate::text;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A server with a connection that it will answer, and every way of the answer.
struct Back<'l> {
    service: &'l Virtual,
    real: &'l Real,
    host: NodeId,
    asked: &'l Asked,
    ways: Vec<Way>,
}

impl Back<'_> {
    /// No way comes to the client, as far as that can be told.
    fn lost(&self) -> bool {
        self.ways.iter().all(|w| !matches!(w.end, End::Arrived | End::Unknown))
    }
}

/// Every answer of every server that is not the director's own. Clients on the director or the server are left out.
fn answers<'l>(lab: &'l Lab<'_>) -> Vec<Back<'l>> {
    let mut all = Vec::new();
    for (service, real, host) in remote(lab) {
        for asked in
            service.asked.iter().filter(|a| a.client != service.node && a.client != host && !a.from.is_unspecified())
        {
            let saddr = if real.method == Method::Nat { real.addr } else { asked.to.0 };
            if !rewrites(lab.host(host)) {
                let ways = lab.ways(host, Parcel { saddr, daddr: asked.from, request: None });
                all.push(Back { service, real, host, asked, ways });
            }
        }
    }
    all
}

/// L030: the answers of a NAT server do not come through the director.
pub fn nat_gateway(lab: &Lab<'_>) -> Vec<Finding> {
    past_the_director(lab, false)
}

/// L031: client and NAT server in one network.
pub fn nat_one_network(lab: &Lab<'_>) -> Vec<Finding> {
    past_the_director(lab, true)
}

fn past_the_director(lab: &Lab<'_>, neighbours: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for back in answers(lab) {
        let (service, real, host, asked) = (back.service, back.real, back.host, back.asked);
        let unclear = |w: &Way| w.end == End::Unknown;
        // A director that masquerades is who asks, as far as the server knows.
        if real.method != Method::Nat
            || rewrites(lab.host(service.node))
            || back.ways.iter().any(|w| w.passes(service.node) || unclear(w))
        {
            continue;
        }
        let direct = back.ways.iter().any(|w| w.hops.len() == 1 && w.end == End::Arrived);
        if direct != neighbours {
            continue;
        }
        let (name, director) = (lab.name(host), lab.name(service.node));
        let inside =
            lab.beside(service.node, host).map_or(text!("lint-director-address"), |a| Text::plain(a.to_string()));
        let route = lab.host(host).net.output_route(asked.from, Some(real.addr), None, 0).ok();
        let finding = if direct {
            Finding::new(
                lab,
                host,
                lab.at_real(service, real),
                text!("lint-nat-one-network", name, client = lab.name(asked.client)),
            )
            .label(text!("lint-answers-directly", server = real.addr, client = asked.from))
            .note(text!("lint-nat-one-network-note", server = real.addr))
            .cure(text!("lint-nat-one-network-cure", name, client = asked.from, inside, director))
        } else {
            let (title, label) = match route.and_then(|r| r.via) {
                Some(via) => (text!("lint-nat-gateway", name), text!("lint-answers-go-to", via)),
                None => (text!("lint-nat-no-gateway", name), text!("lint-no-default-route")),
            };
            let arrives = back.ways.iter().any(|w| w.end == End::Arrived);
            let what = match arrives {
                true => text!("lint-client-resets", server = real.addr),
                false => text!("lint-answer-lost", client = asked.from),
            };
            Finding::new(lab, host, lab.at_gateway(host), title)
                .label(label)
                .also(lab.at_real(service, real), text!("lint-nat-back-here"))
                .note(text!("lint-nat-gateway-note", server = real.addr, what))
                .cure(text!("lint-default-via", name, inside))
        };
        found.push(finding.fails(lab.certain(service, real)));
    }
    found
}

/// L032: a host that must forward and does not.
pub fn ip_forward(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let tell = |node: NodeId, what: Text, fails: bool| {
        let name = lab.name(node);
        Finding::new(lab, node, lab.at_sysctl(node, "ip_forward"), text!("lint-ip-forward", name))
            .label(text!("lint-must-pass-on", name, what))
            .note(text!("lint-ip-forward-note"))
            .cure(text!("lint-ip-forward-cure", name))
            .fails(fails)
    };
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        if let Some(node) = stuck(lab, asked.client, asked.to.0, &ways) {
            found.push(tell(
                node,
                text!("lint-requests-for", vip = asked.to.0),
                ways.iter().all(|w| refuses(w).is_some()),
            ));
        }
    }
    for back in answers(lab) {
        if let Some(node) = stuck(lab, back.host, back.asked.from, &back.ways) {
            let sure = back.lost() && lab.certain(back.service, back.real);
            found.push(tell(node, text!("lint-answers-of", host = lab.name(back.host)), sure));
        }
    }
    // Without anybody who asks: a director whose NAT servers have it as their gateway.
    for (service, real, host) in
        remote(lab).into_iter().filter(|(s, r, _)| s.asked.is_empty() && r.method == Method::Nat)
    {
        let Ok(way) = lab.host(service.node).net.output_route(real.addr, None, None, 0) else { continue };
        let default = lab.host(host).net.fib.routes().iter().find(|r| r.dst.prefix_len() == 0).and_then(|r| r.via);
        if default.is_some_and(|via| lab.owns(service.node, via)) && !lab.host(service.node).forwards(way.dev) {
            found.push(tell(service.node, text!("lint-answers-of", host = lab.name(host)), false));
        }
    }
    found
}

/// The host at which a way ends because it does not forward.
fn refuses(way: &Way) -> Option<NodeId> {
    matches!(way.end, End::Refused(_, InError::NotForwarding)).then(|| way.last().map(|(n, _)| n)).flatten()
}

/// The same, if the host before it sent it there as to a gateway.
fn stuck(lab: &Lab<'_>, from: NodeId, daddr: Ipv4Addr, ways: &[Way]) -> Option<NodeId> {
    let way = ways.iter().find(|w| refuses(w).is_some())?;
    let node = refuses(way)?;
    let before = way.hops.len().checked_sub(2).map_or(from, |i| way.hops[i].0);
    let via = lab.host(before).net.output_route(daddr, None, None, 0).ok()?.via?;
    lab.owns(node, via).then_some(node)
}

/// L033: a default route to an address of the host itself.
pub fn default_to_self(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, host) in lab.hosts() {
        let own = |r: &&crate::net::Route| r.dst.prefix_len() == 0 && r.via.is_some_and(|v| host.net.is_local(v));
        let Some(route) = host.net.fib.routes().iter().find(own) else { continue };
        let via = route.via.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let dev = route.dev.map_or(text!("lint-its-card"), |d| Text::plain(lab.device(node, d)));
        let name = lab.name(node);
        let lost = |b: &&Back<'_>| b.host == node && b.lost() && lab.certain(b.service, b.real);
        found.push(
            Finding::new(lab, node, lab.at_gateway(node), text!("lint-default-to-self", name))
                .label(text!("lint-own-address", via, name))
                .also(lab.at_address(node, via), text!("lint-given-here"))
                .note(text!("lint-default-to-self-note", name, dev))
                .cure(text!("lint-default-to-self-cure"))
                .fails(answers(lab).iter().any(|b| lost(&b))),
        );
    }
    found
}

/// L034: direct routing to a server behind a router.
pub fn dr_across_router(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (service, real, host) in remote(lab).into_iter().filter(|(_, r, _)| r.method == Method::Dr) {
        let route = lab.host(service.node).net.output_route(real.addr, None, None, 0).ok();
        let Some(via) = route.and_then(|r| r.via) else { continue };
        let there = |w: &Way| matches!(w.end, End::Arrived | End::Unknown) && w.last().is_some_and(|(n, _)| n == host);
        let reached = |a: &Asked| lab.delivered(service, real, a).iter().any(there);
        if service.asked.iter().any(reached) {
            continue;
        }
        let name = lab.name(host);
        let vip = service.vip.map_or(text!("lint-the-vip"), |v| Text::plain(v.to_string()));
        found.push(
            Finding::new(lab, host, lab.at_real(service, real), text!("lint-dr-across-router", name))
                .label(text!("lint-reached-via", server = real.addr, via))
                .note(text!("lint-dr-across-router-note", via, vip))
                .cure(text!("lint-dr-across-router-cure", service = service.option(), server = real.addr, name))
                .fails(lab.certain(service, real)),
        );
    }
    found
}

/// L035: the answers of a DR or TUN server find no way to the client.
pub fn no_way_back(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for back in answers(lab).into_iter().filter(|b| b.real.method != Method::Nat && b.lost()) {
        let Some(way) = back.ways.first() else { continue };
        let (name, to) = (lab.name(back.host), back.asked.from);
        let at = way.last().map_or(back.host, |(n, _)| n);
        let whose = lab.name(at);
        let gateway = |next: Ipv4Addr| {
            if next == to { text!("lint-nobody-answers") } else { text!("lint-no-router-there", next) }
        };
        let (node, title, label) = match &way.end {
            End::NoRoute => (back.host, text!("lint-no-route-back", name, to), text!("lint-no-route-no-gateway")),
            // An answer dies for want of an address only where nobody has it; who hides it is another lint's.
            End::Nobody(_, next) if lab.owners.of(*next).is_empty() || *next == to => {
                (at, text!("lint-does-not-reach", whose, next, to), gateway(*next))
            }
            End::Refused(_, InError::Fib(_)) => {
                (at, text!("lint-router-no-route-back", whose, to), text!("lint-answers-come-here", name))
            }
            End::Refused(_, InError::OwnSource) => {
                (back.host, text!("lint-answers-through-director", name, whose), text!("lint-way-back-leads", whose))
            }
            _ => continue,
        };
        let own = matches!(way.end, End::Refused(_, InError::OwnSource));
        let note = match own {
            true => text!("lint-martian-note", whose),
            false => text!("lint-no-way-back-note", to),
        };
        let cure = match own {
            true => text!("lint-other-router", name),
            false => text!("lint-default-towards", name = lab.name(node), to),
        };
        found.push(
            Finding::new(lab, node, lab.at_gateway(node), title)
                .label(label)
                .also(lab.at_real(back.service, back.real), text!("lint-answers-itself", name))
                .note(note)
                .cure(cure)
                .fails(lab.certain(back.service, back.real)),
        );
    }
    found
}

/// An address on a card of a host.
type On<'l> = (NodeId, DevIdx, &'l IfAddr);

/// L036: masks that put two ends of a cable into different networks.
pub fn mask_mismatch(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for members in lab.segments.all() {
        // Addresses of one network are alike; the first few stand for all.
        const MOST: usize = 4;
        let mut nets: BTreeMap<(Ipv4Addr, u8), Vec<On<'_>>> = BTreeMap::new();
        let mut sizes: BTreeMap<(Ipv4Addr, u8), usize> = BTreeMap::new();
        for &(node, dev) in members {
            for a in lab.host(node).net.devs[dev.index()].addrs.iter().filter(|a| (1..31).contains(&a.prefix)) {
                let key = (a.network(), a.prefix);
                *sizes.entry(key).or_default() += 1;
                let list = nets.entry(key).or_default();
                if list.len() < MOST {
                    list.push((node, dev, a));
                }
            }
        }
        for (wide, wides) in &nets {
            for (narrow, narrows) in nets.iter().filter(|(n, _)| n.1 > wide.1) {
                let apart = |(a, b): &(&On<'_>, &On<'_>)| a.0 != b.0 && a.2.covers(b.2.local) && !b.2.covers(a.2.local);
                let pairs = wides.iter().flat_map(|a| narrows.iter().map(move |b| (a, b)));
                let Some((a, b)) = pairs.into_iter().find(apart) else { continue };
                // Whoever is alone with its mask has the slip; of equals, the wide one.
                let (odd, other) = if sizes[narrow] < sizes[wide] { (b, a) } else { (a, b) };
                let line = |x: &On<'_>| format!("{}/{}", x.2.local, x.2.prefix);
                let name = lab.name(odd.0);
                found.push(
                    Finding::new(
                        lab,
                        odd.0,
                        lab.at_address(odd.0, odd.2.local),
                        text!(
                            "lint-mask-mismatch",
                            name,
                            address = line(odd),
                            other = lab.name(other.0),
                            other_address = line(other)
                        ),
                    )
                    .label(Text::plain(format!("/{}", odd.2.prefix)))
                    .also(lab.at_address(other.0, other.2.local), Text::plain(format!("/{}", other.2.prefix)))
                    .note(text!("lint-mask-mismatch-note", wide = a.2.local, narrow = b.2.local))
                    .cure(text!(
                        "lint-mask-mismatch-cure",
                        dev = lab.device(odd.0, odd.1),
                        address = odd.2.local
                    )),
                );
            }
        }
    }
    found
}

/// L037: a client has no way to the VIP, or the director none to a server.
pub fn no_route(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let nobody = |next: Ipv4Addr| lab.owners.of(next).is_empty();
    for asked in &lab.asked {
        let (vip, client) = (asked.to.0, asked.client);
        let ways = lab.ways(client, Parcel { saddr: asked.from, daddr: vip, request: Some(asked) });
        let Some((node, what)) = ways.first().and_then(|w| hole(w, client, vip, &nobody)) else { continue };
        // A service without its address is told at the director.
        if what.is_some_and(|next| lab.services.iter().any(|s| s.vip == Some(next))) {
            continue;
        }
        let name = lab.name(node);
        let (title, label) = match what {
            Some(next) => (text!("lint-nobody-has", next, name, vip), text!("lint-no-host-has", next)),
            None => (text!("lint-no-route", name, vip), text!("lint-no-route-no-gateway")),
        };
        let place = match what {
            Some(next) if next == vip => lab.at_line(lab.scenario.traffic[asked.traffic].line, "", &vip.to_string()),
            _ => lab.at_gateway(node),
        };
        found.push(
            Finding::new(lab, node, place, title)
                .label(label)
                .note(text!("lint-no-route-note"))
                .cure(text!("lint-default-towards-vip", name, vip))
                .fails(ways.iter().all(|w| hole(w, client, vip, &nobody).is_some())),
        );
    }
    for service in &lab.services {
        for real in &service.reals {
            let Some(asked) = service.asked.first().filter(|_| real.host != Some(service.node)) else { continue };
            let ways = lab.delivered(service, real, asked);
            let Some((node, what)) = ways.first().and_then(|w| hole(w, service.node, real.addr, &nobody)) else {
                continue;
            };
            let name = lab.name(node);
            let (title, label) = match what {
                Some(next) => {
                    (text!("lint-nobody-has-server", next, name, server = real.addr), text!("lint-no-host-has", next))
                }
                None => (text!("lint-no-route-to-server", name, server = real.addr), text!("lint-no-route-leads")),
            };
            found.push(
                Finding::new(lab, node, lab.at_real(service, real), title)
                    .label(label)
                    .note(text!("lint-no-route-to-server-note"))
                    .cure(text!("lint-no-route-to-server-cure", service = service.option(), server = real.addr))
                    .fails(lab.certain(service, real)),
            );
        }
    }
    found
}

/// Where a way ends for want of a route (nothing), or of somebody who has the next address.
fn hole(
    way: &Way,
    from: NodeId,
    to: Ipv4Addr,
    nobody: &impl Fn(Ipv4Addr) -> bool,
) -> Option<(NodeId, Option<Ipv4Addr>)> {
    let at = way.last().map_or(from, |(n, _)| n);
    match &way.end {
        End::NoRoute | End::Refused(_, InError::Fib(_)) => Some((at, None)),
        End::Nobody(_, next) if nobody(*next) || (*next != to && nobody(to)) => Some((at, Some(*next))),
        _ => None,
    }
}

impl Lab<'_> {
    /// The director's address in a network that it shares with a server.
    fn beside(&self, director: NodeId, host: NodeId) -> Option<Ipv4Addr> {
        let cards =
            |n: NodeId| self.host(n).net.devs.iter().filter(|d| !d.is_loopback() && !d.gone).flat_map(|d| &d.addrs);
        cards(director).find(|a| a.prefix < 32 && cards(host).any(|b| a.covers(b.local))).map(|a| a.local)
    }
}
