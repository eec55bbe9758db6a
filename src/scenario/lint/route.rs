//! Ways: of requests to the director and on to the servers, and of answers back to who asked.

use super::Finding;
use super::lab::{Asked, Lab, Real, Virtual};
use super::server::remote;
use super::walk::{End, Parcel, Way, rewrites};
use crate::base::{DevIdx, NodeId};
use crate::ipvs::Method;
use crate::net::IfAddr;
use crate::net::routing::InError;
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
        let inside = lab.beside(service.node, host).map_or("the director's address".to_string(), |a| a.to_string());
        let route = lab.host(host).net.output_route(asked.from, Some(real.addr), None, 0).ok();
        let finding = if direct {
            Finding::new(lab, host, lab.at_real(service, real), format!("`{name}`, a NAT server, and `{}` are in one network", lab.name(asked.client)))
                .label(format!("{} answers {} directly", real.addr, asked.from))
                .note(format!(
                    "the answer comes from {} and not from the VIP: the client has no such connection and resets it, and the \
                     director never translates it",
                    real.addr
                ))
                .cure(format!(
                    "on {name}: ip route add {}/32 via {inside}, with send_redirects=0 on {director}; or direct routing (-g)",
                    asked.from
                ))
        } else {
            let (title, label) = match route.and_then(|r| r.via) {
                Some(via) => (
                    format!("the gateway of `{name}`, a NAT server, is not the director"),
                    format!("answers go to {via}"),
                ),
                None => (format!("`{name}`, a NAT server, has no gateway"), "no default route".to_string()),
            };
            let arrives = back.ways.iter().any(|w| w.end == End::Arrived);
            let what = match arrives {
                true => format!("the client gets an answer from {} and not from the VIP, and resets it", real.addr),
                false => format!("the answer to {} gets lost on its way", asked.from),
            };
            Finding::new(lab, host, lab.at_gateway(host), title)
                .label(label)
                .also(lab.at_real(service, real), "-m: answers must come back here")
                .note(format!("only the director knows that {} stands for the VIP; past it, {what}", real.addr))
                .cure(format!("on {name}: ip route replace default via {inside}"))
        };
        found.push(finding.fails(lab.certain(service, real)));
    }
    found
}

/// L032: a host that must forward and does not.
pub fn ip_forward(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let tell = |node: NodeId, what: String, fails: bool| {
        let name = lab.name(node);
        Finding::new(
            lab,
            node,
            lab.at_sysctl(node, "ip_forward"),
            format!("`{name}` does not forward: ip_forward is 0"),
        )
        .label(format!("{name} must pass on {what}"))
        .note("a packet for another host ends in ip_error, which counts IpInAddrErrors and says nothing to anybody")
        .cure(format!("on {name}: sysctl -w net.ipv4.ip_forward=1"))
        .fails(fails)
    };
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        if let Some(node) = stuck(lab, asked.client, asked.to.0, &ways) {
            found.push(tell(node, format!("requests for {}", asked.to.0), ways.iter().all(|w| refuses(w).is_some())));
        }
    }
    for back in answers(lab) {
        if let Some(node) = stuck(lab, back.host, back.asked.from, &back.ways) {
            let sure = back.lost() && lab.certain(back.service, back.real);
            found.push(tell(node, format!("answers of {}", lab.name(back.host)), sure));
        }
    }
    // Without anybody who asks: a director whose NAT servers have it as their gateway.
    for (service, real, host) in
        remote(lab).into_iter().filter(|(s, r, _)| s.asked.is_empty() && r.method == Method::Nat)
    {
        let Ok(way) = lab.host(service.node).net.output_route(real.addr, None, None, 0) else { continue };
        let default = lab.host(host).net.fib.routes().iter().find(|r| r.dst.prefix_len() == 0).and_then(|r| r.via);
        if default.is_some_and(|via| lab.owns(service.node, via)) && !lab.host(service.node).forwards(way.dev) {
            found.push(tell(service.node, format!("answers of {}", lab.name(host)), false));
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
        let dev = route.dev.map_or("its card".to_string(), |d| lab.device(node, d).to_string());
        let name = lab.name(node);
        let lost = |b: &&Back<'_>| b.host == node && b.lost() && lab.certain(b.service, b.real);
        found.push(
            Finding::new(lab, node, lab.at_gateway(node), format!("the default route of `{name}` leads to `{name}` itself"))
                .label(format!("{via} is an address of {name}"))
                .also(lab.at_address(node, via), "given to it here")
                .note(format!(
                    "a gateway that is local is taken for none: {name} asks on {dev} for every far address itself, and nobody \
                     there has it"
                ))
                .cure("ip route replace default via the next router's address")
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
        let vip = service.vip.map_or("the VIP".to_string(), |v| v.to_string());
        found.push(
            Finding::new(lab, host, lab.at_real(service, real), format!("`{name}` is behind a router, and direct routing does not cross one"))
                .label(format!("{} is reached via {via}", real.addr))
                .note(format!(
                    "direct routing changes the frame and not the packet: the router at {via} gets a packet for {vip}, and routes \
                     it to whoever has that address, back to the director or nowhere"
                ))
                .cure(format!("ipvsadm -e {} -r {} -i, with tunl0 up on {name}; or put {name} beside the director", service.option(), real.addr))
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
            if next == to { "nobody answers who-has".to_string() } else { format!("{next} is no router there") }
        };
        let (node, title, label) = match &way.end {
            End::NoRoute => {
                (back.host, format!("`{name}` has no route back to {to}"), "no route, no gateway".to_string())
            }
            // An answer dies for want of an address only where nobody has it; who hides it is another lint's.
            End::Nobody(_, next) if lab.owners.of(*next).is_empty() || *next == to => {
                (at, format!("`{whose}` does not reach {next}, on the way back to {to}"), gateway(*next))
            }
            End::Refused(_, InError::Fib(_)) => {
                (at, format!("`{whose}` has no route back to {to}"), format!("answers of {name} come here"))
            }
            End::Refused(_, InError::OwnSource) => (
                back.host,
                format!("the answers of `{name}` go through `{whose}`, which has the VIP and drops them"),
                format!("the way back leads to {whose}"),
            ),
            _ => continue,
        };
        let own = matches!(way.end, End::Refused(_, InError::OwnSource));
        let note = match own {
            true => format!(
                "their source is the VIP, an address of {whose} itself: a martian source, dropped without a word"
            ),
            false => format!(
                "the request arrives, and the answer from the VIP to {to} ends here: the client waits until it gives up"
            ),
        };
        let cure = match own {
            true => format!("on {name}: ip route replace default via a router that does not have the VIP"),
            false => format!("on {}: ip route add default via the router towards {to}", lab.name(node)),
        };
        found.push(
            Finding::new(lab, node, lab.at_gateway(node), title)
                .label(label)
                .also(lab.at_real(back.service, back.real), format!("{name} answers the client itself"))
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
                        format!("`{name}` ({}) and `{}` ({}) share a cable and not a network", line(odd), lab.name(other.0), line(other)),
                    )
                    .label(format!("/{}", odd.2.prefix))
                    .also(lab.at_address(other.0, other.2.local), format!("/{}", other.2.prefix))
                    .note(format!(
                        "{} takes {} for a neighbour and asks for it on the cable; {1} takes {0} for a far host and wants a \
                         router for it",
                        a.2.local, b.2.local
                    ))
                    .cure(format!("give both one mask: ifconfig {} {} netmask that of the other", lab.device(odd.0, odd.1), odd.2.local)),
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
            Some(next) => {
                (format!("nobody has {next}, which `{name}` sends to for {vip}"), format!("no host has {next}"))
            }
            None => (format!("`{name}` has no route to {vip}"), "no route, no gateway".to_string()),
        };
        let place = match what {
            Some(next) if next == vip => lab.at_line(lab.scenario.traffic[asked.traffic].line, "", &vip.to_string()),
            _ => lab.at_gateway(node),
        };
        found.push(
            Finding::new(lab, node, place, title)
                .label(label)
                .note("the request ends there: the client reports network or host unreachable, or waits until it gives up")
                .cure(format!("on {name}: ip route add default via the router towards {vip}"))
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
                Some(next) => (
                    format!("nobody has {next}, which `{name}` sends to for the server {}", real.addr),
                    format!("no host has {next}"),
                ),
                None => {
                    (format!("`{name}` has no route to the server {}", real.addr), "no route leads there".to_string())
                }
            };
            found.push(
                Finding::new(lab, node, lab.at_real(service, real), title)
                    .label(label)
                    .note("ipvsadm takes any address; when a connection is given to it, the request is dropped and the client told host unreachable")
                    .cure(format!("ipvsadm -d {0} -r {1}; ipvsadm -a {0} -r an address that the director reaches", service.option(), real.addr))
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
