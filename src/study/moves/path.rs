//! Changes of the way that packets take: forwarding, gateways and routes, reverse paths, filters, interfaces, masks, cables,
//! sizes.

use super::{Bench, addresses, card_towards, cards, each_and_all};
use crate::base::NodeId;
use crate::net::Dev;
use crate::node::Host;
use crate::scenario::model::{Kind, StepKind};
use crate::study::change::{Change, Edit, entry_at};
use crate::sysctl::{Conf, Global};
use crate::trace::{DropReason, TraceEvent};
use crate::wire::Proto;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A host passes packets on.
pub fn ip_forward(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let passes = |h: &&Host| {
        let several = cards(h).filter(|d| !d.addrs.is_empty()).count() > 1;
        several || b.lab.is_director(h.id) || b.lab.kind(h.id) == Some(Kind::Router)
    };
    let off = |h: &&Host| {
        h.net.sysctl.global(Global::IpForward) == 0 || cards(h).any(|d| h.net.sysctl.own(Conf::Forwarding, d.idx) == 0)
    };
    let hosts = b.hosts().filter(passes).filter(off);
    // Writing 1 over 1 changes nothing, not even a card that was set to 0.
    let lines = hosts.map(|h| {
        let mut lines = vec!["sysctl -w net.ipv4.ip_forward=1".to_string()];
        if h.net.sysctl.global(Global::IpForward) != 0 {
            let own = cards(h).filter(|d| h.net.sysctl.own(Conf::Forwarding, d.idx) == 0);
            lines = vec![format!(
                "sysctl -w {}",
                own.map(|d| format!("net.ipv4.conf.{}.forwarding=1", d.name)).collect::<Vec<_>>().join(" ")
            )];
        }
        (h.id, lines)
    });
    each_and_all(kind, lines.collect())
}

/// A host takes packets whose way back leads elsewhere.
pub fn rp_filter(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        let mut words = Vec::new();
        if h.net.sysctl.all(Conf::RpFilter) != 0 {
            words.push("net.ipv4.conf.all.rp_filter=0".to_string());
        }
        let own = h.net.devices().filter(|d| h.net.sysctl.own(Conf::RpFilter, d.idx) != 0);
        words.extend(own.map(|d| format!("net.ipv4.conf.{}.rp_filter=0", d.name)));
        if !words.is_empty() {
            all.push((h.id, vec![format!("sysctl -w {}", words.join(" "))]));
        }
    }
    each_and_all(kind, all)
}

/// Addresses that a host could have as its gateway: those of hosts that pass packets on, and of directors, in its networks.
fn gateways(b: &Bench<'_>, host: &Host) -> Vec<(NodeId, Ipv4Addr)> {
    let near = |a: &Ipv4Addr| cards(host).flat_map(|d| &d.addrs).any(|x| x.prefix < 32 && x.covers(*a));
    let several = |o: &Host| cards(o).filter(|d| !d.addrs.is_empty()).count() > 1;
    let passes = |o: &&Host| o.id != host.id && (b.lab.is_director(o.id) || several(o));
    let mut out: Vec<(NodeId, Ipv4Addr)> = Vec::new();
    for o in b.hosts().filter(passes) {
        let vip = |a: &Ipv4Addr| b.lab.vips.contains(a);
        let mut all: Vec<Ipv4Addr> = addresses(o).filter(near).collect();
        all.sort_by_key(vip);
        out.extend(all.into_iter().map(|a| (o.id, a)));
    }
    // A server of a NAT service has its director first; whoever answers itself has a router first.
    let director = b.lab.servers.iter().find(|s| s.host == Some(host.id) && s.method == "Masq").map(|s| s.director);
    out.sort_by_key(|(n, _)| (Some(*n) != director, b.lab.is_director(*n)));
    out
}

/// What is typed on a host.
type Lines = (NodeId, Vec<String>);

/// A host's default gateway is another one, here and on all that could have the same.
pub fn gateway(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut by_gateway: Vec<(Ipv4Addr, Vec<Lines>)> = Vec::new();
    for h in b.hosts().filter(|h| b.lab.kind(h.id) != Some(Kind::Switch)) {
        let now: BTreeSet<Ipv4Addr> =
            h.net.fib.routes().iter().filter(|r| r.dst.prefix_len() == 0).filter_map(|r| r.via).collect();
        for (_, via) in gateways(b, h).into_iter().filter(|g| !now.contains(&g.1)) {
            let line = (h.id, vec![format!("ip route replace default via {via}")]);
            out.push(Change::typed(kind, [(line.0, line.1[0].clone())]));
            if !b.lab.is_server(h.id) {
                continue;
            }
            match by_gateway.iter_mut().find(|(g, _)| *g == via) {
                Some((_, hosts)) => hosts.push(line),
                None => by_gateway.push((via, vec![line])),
            }
        }
    }
    for (_, hosts) in by_gateway.into_iter().filter(|(_, hosts)| hosts.len() > 1) {
        out.extend(each_and_all(kind, hosts).pop());
    }
    out
}

/// A route to those who connect, or to the servers, by each router that is near.
pub fn route(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    let ends: BTreeSet<Ipv4Addr> = b.lab.servers.iter().map(|s| s.addr.0).chain(b.lab.vips.iter().copied()).collect();
    for h in b.hosts() {
        let wanted = if b.lab.is_server(h.id) { &b.lab.clients } else { &ends };
        for to in wanted.iter().filter(|a| !h.net.has_addr(**a)) {
            for (_, via) in gateways(b, h).into_iter().filter(|g| g.1 != *to) {
                out.push(Change::typed(kind, [(h.id, format!("ip route replace {to}/32 via {via}"))]));
            }
        }
    }
    out
}

/// Client and NAT server in one network: answers go to the director all the same, and it tells nobody of a shorter way.
pub fn one_network(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut servers: Vec<(NodeId, Vec<Edit>)> = Vec::new();
    for (s, h) in b.servers().filter(|(s, h)| s.method == "Masq" && s.director != h.id) {
        let Some(director) = b.lab.host(s.director) else { continue };
        let Some(card) = card_towards(director, s.addr.0) else { continue };
        let own = card.addrs.iter().filter(|a| a.covers(s.addr.0)).map(|a| a.local);
        let Some(dip) = own.min_by_key(|a| b.lab.vips.contains(a)) else { continue };
        let near = |c: &&Ipv4Addr| cards(h).flat_map(|d| &d.addrs).any(|a| a.covers(**c));
        let mut edits: Vec<Edit> = b
            .lab
            .clients
            .iter()
            .filter(near)
            .map(|c| Edit::Type(h.id, format!("ip route replace {c}/32 via {dip}")))
            .collect();
        if edits.is_empty() || servers.iter().any(|(n, _)| *n == h.id) {
            continue;
        }
        edits.push(Edit::Type(
            s.director,
            format!("sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.{}.send_redirects=0", card.name),
        ));
        edits.push(Edit::Type(s.director, "sysctl -w net.ipv4.ip_forward=1".into()));
        servers.push((h.id, edits));
    }
    let all: Vec<Edit> = servers.iter().flat_map(|(_, e)| e.clone()).collect();
    let mut once: Vec<Edit> = Vec::new();
    for e in all {
        if !once.contains(&e) {
            once.push(e);
        }
    }
    let mut out: Vec<Change> = servers.into_iter().map(|(_, edits)| Change { kind, edits }).collect();
    out.push(Change { kind, edits: once });
    out
}

/// A director takes answers that come from its own VIP, and passes them on.
pub fn accept_local(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let hosts = b
        .hosts()
        .filter(|h| b.lab.is_director(h.id))
        .map(|h| (h.id, vec!["sysctl -w net.ipv4.conf.all.accept_local=1 net.ipv4.ip_forward=1".to_string()]));
    each_and_all(kind, hosts.collect())
}

/// A rule that dropped something goes, or a policy; the chain is emptied where several did.
pub fn filter(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut rules: BTreeSet<(NodeId, String, String)> = BTreeSet::new();
    let of = |table: &str| if table == "filter" { String::new() } else { format!(" -t {table}") };
    for r in b.lab.log.records {
        let TraceEvent::Dropped { reason, .. } = &r.event else { continue };
        let (one, whole) = match reason {
            DropReason::Filtered { table, chain, rule: Some(n) } => {
                (format!("iptables{} -D {chain} {n}", of(table)), format!("iptables{} -F {chain}", of(table)))
            }
            DropReason::Filtered { table, chain, rule: None } => {
                (format!("iptables{} -P {chain} ACCEPT", of(table)), format!("iptables{} -P {chain} ACCEPT", of(table)))
            }
            DropReason::ArpFiltered { chain, rule: Some(n) } => {
                (format!("arptables -D {chain} {n}"), format!("arptables -F {chain}"))
            }
            DropReason::ArpFiltered { chain, rule: None } => {
                (format!("arptables -P {chain} ACCEPT"), format!("arptables -P {chain} ACCEPT"))
            }
            _ => continue,
        };
        rules.insert((r.node, one, whole));
    }
    let one: Vec<_> = rules.iter().map(|(n, one, _)| (*n, vec![one.clone()])).collect();
    let whole: BTreeSet<(NodeId, String)> = rules.iter().map(|(n, _, whole)| (*n, whole.clone())).collect();
    let whole: Vec<_> = whole.into_iter().map(|(n, w)| (n, vec![w])).collect();
    // Of several rules of one chain the numbers change with the first that goes.
    let mut out: Vec<Change> = one.into_iter().flat_map(|o| each_and_all(kind, vec![o])).collect();
    out.extend(each_and_all(kind, whole));
    out
}

/// Where a filter drops what belongs to a service, the service is let through before every rule: requests in, answers out,
/// both through FORWARD; what is not needed is stripped from the cure.
pub fn accept_first(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let filtered =
        |e: &TraceEvent| matches!(e, TraceEvent::Dropped { reason: DropReason::Filtered { table: "filter", .. }, .. });
    let hosts: BTreeSet<NodeId> = b.lab.log.records.iter().filter(|r| filtered(&r.event)).map(|r| r.node).collect();
    // What has to pass together: a service's port with those of its servers; else each port that was asked in vain.
    let mut together: BTreeMap<&str, BTreeSet<(Proto, u16)>> = BTreeMap::new();
    for s in &b.lab.servers {
        let proto = if s.service.starts_with("UDP") { Proto::Udp } else { Proto::Tcp };
        let ports = [s.vport, s.addr.1].into_iter().filter(|p| *p != 0).map(|p| (proto, p));
        together.entry(&s.service).or_default().extend(ports);
    }
    let mut groups: Vec<BTreeSet<(Proto, u16)>> = together.into_values().collect();
    for c in b.lab.failed() {
        let one = (c.protocol, c.to.1);
        if !groups.iter().any(|g| g.contains(&one)) {
            groups.push(BTreeSet::from([one]));
        }
    }
    let lines = |(proto, port): &(Proto, u16)| {
        let of = if *proto == Proto::Udp { "udp" } else { "tcp" };
        let ways = [("INPUT", "dport"), ("FORWARD", "sport"), ("FORWARD", "dport"), ("OUTPUT", "sport")];
        ways.map(|(chain, end)| format!("iptables -I {chain} -p {of} --{end} {port} -j ACCEPT"))
    };
    let all: Vec<Vec<String>> = groups.iter().map(|g| g.iter().flat_map(lines).collect()).collect();
    let mut out = Vec::new();
    for node in hosts {
        out.extend(all.iter().map(|lines| Change::typed(kind, lines.iter().map(|l| (node, l.clone())))));
        if all.len() > 1 {
            out.push(Change::typed(kind, all.iter().flatten().map(|l| (node, l.clone()))));
        }
    }
    out
}

/// The routes of a host by a device, as they are typed.
fn routes_again(h: &Host, dev: &Dev) -> Vec<String> {
    let by = |r: &&crate::net::Route| r.dev == Some(dev.idx) && r.via.is_some() && r.table == 254;
    let line = |r: &crate::net::Route| {
        let to = if r.dst.prefix_len() == 0 { "default".to_string() } else { r.dst.to_string() };
        r.via.map(|v| format!("ip route replace {to} via {v}"))
    };
    h.net.fib.routes().iter().filter(by).filter_map(line).collect()
}

/// A card that is down comes up, with its gateway.
pub fn interface(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        let spec = &b.lab.play.scenario.nodes[h.id.index()];
        let declared = |d: &&Dev| spec.interfaces.iter().any(|i| i.name == *d.name);
        for d in cards(h).filter(declared).filter(|d| !d.up) {
            let mut lines = vec![format!("ip link set {} up", d.name)];
            let gateway = spec.gateway.filter(|g| d.addrs.iter().any(|a| a.covers(*g)));
            lines.extend(gateway.map(|g| format!("ip route replace default via {g}")));
            all.push((h.id, lines));
        }
    }
    each_and_all(kind, all)
}

/// A card's address has the prefix length of its neighbours.
pub fn mask(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for h in b.hosts() {
        for d in cards(h) {
            for a in d.addrs.iter().filter(|a| a.prefix < 32) {
                let others = b.hosts().filter(|o| o.id != h.id).flat_map(cards).flat_map(|d| &d.addrs);
                let near = others.filter(|x| x.prefix < 32 && (a.covers(x.local) || x.covers(a.local)));
                let lengths: BTreeSet<u8> = near.map(|x| x.prefix).filter(|p| *p != a.prefix).collect();
                for p in lengths {
                    let mut lines = vec![
                        format!("ip addr del {}/{} dev {}", a.local, a.prefix, d.name),
                        format!("ip addr add {}/{p} dev {}", a.local, d.name),
                    ];
                    let mut again = routes_again(h, d);
                    let spec = &b.lab.play.scenario.nodes[h.id.index()];
                    let gateway = spec.gateway.map(|g| format!("ip route replace default via {g}"));
                    again.extend(gateway.filter(|g| !again.contains(g)));
                    lines.extend(again);
                    out.push(Change::typed(kind, lines.into_iter().map(|l| (h.id, l))));
                }
            }
        }
    }
    out
}

/// A cable loses nothing, has room, and is plugged in.
pub fn cable(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let scenario = b.lab.play.scenario;
    let mut edits: Vec<Edit> = Vec::new();
    for (i, node) in scenario.nodes.iter().enumerate() {
        for f in &node.interfaces {
            let key = |name: &str, value: &str| {
                let path = ["interfaces", f.name.as_str(), name].map(str::to_string).to_vec();
                Edit::Key(NodeId(i as u32), path, value.to_string())
            };
            if f.link.loss_ppm > 0 {
                edits.push(key("loss", "0"));
            }
            if f.link.queue < 100 {
                edits.push(key("queue", "1000"));
            }
            if f.link.bandwidth_bps < 100_000_000 {
                edits.push(key("bandwidth", "1gbit"));
            }
        }
    }
    for step in &scenario.steps {
        let (StepKind::SetLink { set, .. }, Some(i)) = (&step.kind, entry_at(scenario, step.line)) else { continue };
        let key =
            |name: &str, value: &str| Edit::EntryKey(i, vec!["set".to_string(), name.to_string()], value.to_string());
        if set.up == Some(false) {
            edits.push(key("up", "true"));
        }
        if set.loss_ppm.is_some_and(|n| n > 0) {
            edits.push(key("loss", "0"));
        }
        if set.queue.is_some_and(|n| n < 100) {
            edits.push(key("queue", "1000"));
        }
        if set.bandwidth_bps.is_some_and(|n| n < 100_000_000) {
            edits.push(key("bandwidth", "1gbit"));
        }
        if set.mtu.is_some_and(|n| n < 1500) {
            edits.push(key("mtu", "1500"));
        }
    }
    let mut out: Vec<Change> = edits.iter().map(|e| Change { kind, edits: vec![e.clone()] }).collect();
    if edits.len() > 1 {
        out.push(Change { kind, edits });
    }
    out
}

/// A narrow card becomes as wide as the others, in the file where its cable is as narrow; one that is wider than its cable
/// fits it again; or ends send packets that still fit when they are wrapped.
pub fn mtu(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut narrow = Vec::new();
    let mut cables = Vec::new();
    let mut ends = Vec::new();
    for h in b.hosts() {
        let spec = &b.lab.play.scenario.nodes[h.id.index()];
        for d in cards(h).filter(|d| !d.addrs.is_empty()) {
            let cable = spec.interfaces.iter().find(|f| *f.name == *d.name).map_or(d.mtu, |f| f.link.mtu);
            if cable < 1500 {
                let path = ["interfaces", &d.name, "mtu"].map(str::to_string).to_vec();
                cables.push(Edit::Key(h.id, path, "1500".to_string()));
            } else if d.mtu < 1500 {
                narrow.push((h.id, vec![format!("ip link set {} mtu 1500", d.name)]));
            } else if d.mtu > cable {
                narrow.push((h.id, vec![format!("ip link set {} mtu {cable}", d.name)]));
            } else if b.lab.is_server(h.id) || addresses(h).any(|a| b.lab.clients.contains(&a)) {
                ends.push((h.id, vec![format!("ip link set {} mtu 1480", d.name)]));
            }
        }
    }
    let mut out = each_and_all(kind, narrow);
    out.extend(cables.iter().map(|e| Change { kind, edits: vec![e.clone()] }));
    if cables.len() > 1 {
        out.push(Change { kind, edits: cables });
    }
    out.extend(each_and_all(kind, ends));
    out
}
