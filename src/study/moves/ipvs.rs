//! Changes of the virtual server table, and of what a server needs for its mode.

use super::{Bench, addresses, card_towards, each_and_all};
use crate::base::NodeId;
use crate::ipvs::ServiceKey;
use crate::net::DevKind;
use crate::node::Host;
use crate::report::why::lab::{Server, option, service_words};
use crate::scenario::model::Kind;
use crate::study::change::{Change, Edit, typed_lines};
use crate::sysctl::{Conf, Global};
use crate::wire::Proto;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const ARP: &str = "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2";
const MODES: [&str; 3] = ["Masq", "Route", "Tunnel"];

/// `-t VIP:80 -r RIP:80`.
fn row(s: &Server) -> String {
    format!("{} -r {}:{}", service_words(&s.service), s.addr.0, s.addr.1)
}

/// A director has the VIP of its services, on the card towards it.
pub fn director_vip(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts().filter(|h| b.lab.is_director(h.id)) {
        let own: BTreeSet<Ipv4Addr> = h
            .ipvs
            .services()
            .filter_map(|s| match s.key() {
                ServiceKey::Addr { addr, .. } => Some(addr),
                ServiceKey::Mark(_) => None,
            })
            .chain(b.lab.log.connections.iter().map(|c| c.to.0))
            .collect();
        for vip in
            own.into_iter().filter(|v| !h.net.is_local(*v) && b.lab.owner(*v).is_none_or(|o| !b.lab.is_director(o.id)))
        {
            if let Some(card) = card_towards(h, vip) {
                all.push((h.id, vec![format!("ip addr add {vip}/32 dev {}", card.name)]));
            }
        }
    }
    each_and_all(kind, all)
}

/// What a server needs to take packets for the VIP as they are.
fn setup(s: &Server, host: &Host, method: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let missing: Vec<&Ipv4Addr> = s.vips.iter().filter(|v| !host.net.has_addr(**v)).collect();
    let tunnel = host.net.devices().find(|d| matches!(d.kind, DevKind::Ipip { .. }));
    if method == "Tunnel" {
        if tunnel.is_none() {
            lines.push("modprobe ipip".to_string());
        }
        if !tunnel.is_some_and(|d| d.up) {
            lines.push("ip link set tunl0 up".to_string());
        }
    }
    if !missing.is_empty() {
        let lacks = |d: &crate::net::Dev| {
            let knob = |k| host.net.sysctl.effective(k, d.idx);
            knob(Conf::ArpIgnore) < 1 || knob(Conf::ArpAnnounce) < 2
        };
        if super::cards(host).any(lacks) {
            lines.insert(0, ARP.to_string());
        }
        let dev = if method == "Tunnel" { "tunl0" } else { "lo" };
        lines.extend(missing.iter().map(|v| format!("ip addr add {v}/32 dev {dev}")));
    }
    lines
}

fn unique(all: Vec<(NodeId, Vec<String>)>) -> Vec<(NodeId, Vec<String>)> {
    let mut out: Vec<(NodeId, Vec<String>)> = Vec::new();
    for x in all.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        if !out.contains(&x) {
            out.push(x);
        }
    }
    out
}

/// A DR or TUN server has the VIP, and is silent about it.
pub fn server_vip(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let rows = b.servers().filter(|(s, h)| s.method != "Masq" && s.director != h.id);
    let all = rows.map(|(s, h)| (h.id, setup(s, h, s.method)));
    each_and_all(kind, unique(all.collect()))
}

/// A tunnel comes up.
pub fn tunnel(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for (s, h) in b.servers().filter(|(s, h)| s.method == "Tunnel" && s.director != h.id) {
        all.push((h.id, setup(s, h, "Tunnel")));
    }
    each_and_all(kind, unique(all))
}

/// Another mode, for a server and for all of its service.
pub fn mode(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for m in MODES.map(option) {
        let rows = b.lab.servers.iter().filter(|s| option(s.method) != m);
        let all = rows.map(|s| (s.director, vec![format!("ipvsadm -e {} {m} -w {}", row(s), s.weight)]));
        out.extend(each_and_all(kind, all.collect()));
    }
    // One host first, as everywhere; modes in their order.
    out.sort_by_key(|c| c.edits.len());
    out
}

/// Another mode with what it needs on the server.
pub fn mode_and_setup(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for method in MODES {
        let m = option(method);
        let mut all: Vec<Edit> = Vec::new();
        for (s, h) in b.servers().filter(|(s, h)| s.director != h.id && s.method != method) {
            let mut edits = vec![Edit::Type(s.director, format!("ipvsadm -e {} {m} -w {}", row(s), s.weight))];
            match (method, b.lab.host(s.director)) {
                ("Masq", Some(director)) => {
                    edits.push(Edit::Type(s.director, "sysctl -w net.ipv4.ip_forward=1".into()));
                    let near = |d: &&crate::net::Dev| d.addrs.iter().any(|a| a.covers(s.addr.0));
                    let dip = director.net.devices().find(near).and_then(|d| d.addrs.first());
                    edits.extend(dip.map(|a| Edit::Type(h.id, format!("ip route replace default via {}", a.local))));
                }
                _ => edits.extend(setup(s, h, method).into_iter().map(|l| Edit::Type(h.id, l))),
            }
            all.extend(edits.iter().cloned());
            out.push(Change { kind, edits });
        }
        if all.len() > 1 {
            out.push(Change { kind, edits: all });
        }
    }
    out.sort_by_key(|c| c.edits.len());
    out
}

/// A NAT server at the port where its application listens.
pub fn port(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let (mut all, mut again) = (Vec::new(), Vec::new());
    for (s, h) in b.servers().filter(|(s, _)| s.method == "Masq") {
        let proto = if s.service.starts_with("UDP") { Proto::Udp } else { Proto::Tcp };
        let ports: BTreeSet<u16> = h.servers.services().filter(|x| x.proto == proto).map(|x| x.port).collect();
        if ports.contains(&s.addr.1) {
            continue;
        }
        let words = service_words(&s.service);
        for p in ports {
            again.extend(retyped(b, kind, s, (s.addr.0, p)));
            all.push((
                s.director,
                vec![
                    format!("ipvsadm -d {}", row(s)),
                    format!("ipvsadm -a {words} -r {}:{p} -m -w {}", s.addr.0, s.weight),
                ],
            ));
        }
    }
    let mut out = each_and_all(kind, all);
    out.extend(again);
    out
}

/// The typed lines that add a server, with another server in its place: where the order of the servers matters, a server
/// that is deleted and added again does not come back to its place.
fn retyped(b: &Bench<'_>, kind: &'static str, s: &Server, new: (Ipv4Addr, u16)) -> Option<Change> {
    let says = |word: &str| {
        let (addr, port) = word.split_once(':').unwrap_or((word, ""));
        addr.parse() == Ok(s.addr.0) && (port.is_empty() || port.parse() == Ok(s.addr.1))
    };
    let mut edits = Vec::new();
    for (place, node, n, line) in typed_lines(b.lab.play.scenario) {
        let adds = line.contains("ipvsadm -a ") || line.contains("--add-server");
        let word = line.split_whitespace().find(|w| says(w)).filter(|_| adds && node == s.director);
        if let Some(word) = word {
            edits.push(Edit::Line(place, n, vec![line.replace(word, &format!("{}:{}", new.0, new.1))]));
        }
    }
    (!edits.is_empty()).then_some(Change { kind, edits })
}

/// Hosts that could be servers, with the address that a director would name and the modes that they are set up for, best first.
fn able<'a>(b: &Bench<'a>, director: &Host, vip: Ipv4Addr) -> Vec<(&'a Host, Ipv4Addr, Vec<&'static str>)> {
    let mut out = Vec::new();
    let near = |a: &Ipv4Addr| director.net.devices().flat_map(|d| &d.addrs).any(|x| x.prefix < 32 && x.covers(*a));
    for h in b.hosts().filter(|h| b.lab.kind(h.id) == Some(Kind::RealServer)) {
        let mut own: Vec<Ipv4Addr> = addresses(h).filter(|a| *a != vip).collect();
        own.sort_by_key(|a| !near(a));
        let Some(addr) = own.first().copied() else { continue };
        let on_tunnel =
            h.net.devices().any(|d| matches!(d.kind, DevKind::Ipip { .. }) && d.addrs.iter().any(|a| a.local == vip));
        let modes = match (h.net.has_addr(vip), on_tunnel) {
            (true, true) => vec!["-i", "-g"],
            (true, false) => vec!["-g", "-i"],
            (false, _) => vec!["-m"],
        };
        out.push((h, addr, modes));
    }
    out
}

/// The virtual service that clients ask for: with the servers of a service beside it, else with every real server.
pub fn service(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    let asked: BTreeSet<(Proto, (Ipv4Addr, u16))> = b.lab.log.connections.iter().map(|c| (c.protocol, c.to)).collect();
    for h in b.hosts().filter(|h| b.lab.is_director(h.id)) {
        for (proto, (vip, vport)) in &asked {
            let has = h.ipvs.services().any(|s| match s.key() {
                ServiceKey::Addr { proto: p, addr, port } => {
                    p == *proto && addr == *vip && (port == *vport || port == 0)
                }
                ServiceKey::Mark(_) => false,
            });
            if has || !(h.net.is_local(*vip) || b.lab.owner(*vip).is_none()) {
                continue;
            }
            let words = format!("{} {vip}:{vport}", if *proto == Proto::Udp { "-u" } else { "-t" });
            let add = |scheduler: &str| Edit::Type(h.id, format!("ipvsadm -A {words} -s {scheduler}"));
            for s in h.ipvs.services() {
                let mut edits = vec![add(s.scheduler())];
                // The kernel puts a new server first: typed from last to first, the list comes out as it is.
                let rows: Vec<_> = s.dests().collect();
                for d in rows.iter().rev() {
                    let listens = b
                        .lab
                        .owner(d.addr)
                        .is_some_and(|o| o.servers.services().any(|x| x.proto == *proto && x.port == d.port));
                    let p = if d.method.option() == "-m" && listens { d.port } else { *vport };
                    edits.push(Edit::Type(
                        h.id,
                        format!("ipvsadm -a {words} -r {}:{p} {} -w {}", d.addr, d.method.option(), d.weight),
                    ));
                }
                out.push(Change { kind, edits });
            }
            let all = able(b, h, *vip);
            let mut edits = vec![add("rr")];
            edits.extend(all.iter().map(|(_, addr, modes)| {
                Edit::Type(h.id, format!("ipvsadm -a {words} -r {addr}:{vport} {}", modes[0]))
            }));
            out.push(Change { kind, edits });
        }
    }
    out
}

/// Real servers that a service does not have: each, and all, in the mode that they are set up for or in any.
pub fn servers(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for h in b.hosts() {
        for s in h.ipvs.services() {
            let ServiceKey::Addr { addr: vip, port, .. } = s.key() else { continue };
            let words = service_words(&s.key().to_string());
            let with: BTreeSet<Ipv4Addr> = s.dests().map(|d| d.addr).collect();
            // As the servers that there are, or as the hosts are set up.
            let methods: BTreeSet<&str> = s.dests().map(|d| d.method.option()).collect();
            let missing: Vec<_> = able(b, h, vip).into_iter().filter(|(_, a, _)| !with.contains(a)).collect();
            for nth in 0..2 {
                let mut all = Vec::new();
                for (host, addr, modes) in &missing {
                    let own = modes.get(nth).copied();
                    let Some(m) = own.or_else(|| methods.iter().next().copied().filter(|_| nth > 0)) else { continue };
                    let listens: Vec<u16> = host.servers.services().map(|x| x.port).collect();
                    let p = match listens.first() {
                        Some(p) if m == "-m" && !listens.contains(&port) => *p,
                        _ => port,
                    };
                    all.push((h.id, vec![format!("ipvsadm -a {words} -r {addr}:{p} {m}")]));
                }
                out.extend(each_and_all(kind, all));
            }
        }
    }
    out
}

/// A server with weight 0 gets one.
pub fn weight(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let rows = b.lab.servers.iter().filter(|s| s.weight == 0);
    let all = rows.map(|s| (s.director, vec![format!("ipvsadm -e {} {} -w 1", row(s), option(s.method))]));
    each_and_all(kind, all.collect())
}

/// A server that may not be full (`-x`).
pub fn threshold(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        for s in h.ipvs.services() {
            for d in s.dests().filter(|d| d.u_threshold > 0) {
                let words = service_words(&s.key().to_string());
                let line =
                    format!("ipvsadm -e {words} -r {}:{} {} -w {} -x 0", d.addr, d.port, d.method.option(), d.weight);
                all.push((h.id, vec![line]));
            }
        }
    }
    each_and_all(kind, all)
}

/// Weight 0 ends persistence, too.
pub fn templates(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let keeps = |h: &&Host| h.net.sysctl.global(Global::VsExpireQuiescentTemplate) == 0;
    let persistent = |h: &&Host| h.ipvs.services().any(|s| s.spec().persistent.is_some());
    let hosts = b.hosts().filter(keeps).filter(persistent);
    let line = "sysctl -w net.ipv4.vs.expire_quiescent_template=1";
    each_and_all(kind, hosts.map(|h| (h.id, vec![line.to_string()])).collect())
}

/// A scheduler that reads weights; no persistence over one that binds clients itself.
pub fn scheduler(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        for s in h.ipvs.services() {
            let words = service_words(&s.key().to_string());
            let weights: BTreeSet<i32> = s.dests().map(|d| d.weight).collect();
            let reads = match s.scheduler() {
                "rr" | "lc" if weights.len() > 1 => format!("w{}", s.scheduler()),
                name if s.spec().persistent.is_some() => name.to_string(),
                _ => continue,
            };
            let keep = s.spec().persistent.filter(|_| s.scheduler() != reads);
            let keep = keep.map_or_else(String::new, |p| format!(" -p {p}"));
            let flags = s.spec().flags.names(s.scheduler()).join(",");
            let flags = if flags.is_empty() { String::new() } else { format!(" -b {flags}") };
            all.push((h.id, vec![format!("ipvsadm -E {words} -s {reads}{flags}{keep}")]));
        }
    }
    each_and_all(kind, all)
}

/// One director's table becomes that of another: each way.
pub fn same_table(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    let directors: Vec<&Host> = b.hosts().filter(|h| h.ipvs.active()).collect();
    for (i, to) in directors.iter().enumerate().rev() {
        for (j, from) in directors.iter().enumerate() {
            if i == j {
                continue;
            }
            let mut lines = Vec::new();
            for s in from.ipvs.services() {
                let words = service_words(&s.key().to_string());
                let there = to.ipvs.service(&s.key());
                let persistent = s.spec().persistent.map_or_else(String::new, |p| format!(" -p {p}"));
                let same =
                    there.is_some_and(|t| t.scheduler() == s.scheduler() && t.spec().persistent == s.spec().persistent);
                if !same {
                    let how = if there.is_some() { "-E" } else { "-A" };
                    lines.push(format!("ipvsadm {how} {words} -s {}{persistent}", s.scheduler()));
                }
                let rows: Vec<_> = there.map_or_else(Vec::new, |t| t.dests().collect());
                for d in s.dests() {
                    let other = rows.iter().find(|o| (o.addr, o.port) == (d.addr, d.port));
                    if other.is_some_and(|o| (o.method, o.weight) == (d.method, d.weight)) {
                        continue;
                    }
                    let how = if other.is_some() { "-e" } else { "-a" };
                    lines.push(format!(
                        "ipvsadm {how} {words} -r {}:{} {} -w {}",
                        d.addr,
                        d.port,
                        d.method.option(),
                        d.weight
                    ));
                }
                for o in rows.iter().filter(|o| !s.dests().any(|d| (o.addr, o.port) == (d.addr, d.port))) {
                    lines.push(format!("ipvsadm -d {words} -r {}:{}", o.addr, o.port));
                }
            }
            if !lines.is_empty() {
                out.push(Change::typed(kind, lines.into_iter().map(|l| (to.id, l))));
            }
        }
    }
    out
}

/// A row whose address nobody has, or behind which no server is, names a real server that the service lacks.
pub fn right_server(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for s in &b.lab.servers {
        let wrong = s.host.is_none_or(|h| b.lab.kind(h) != Some(Kind::RealServer) && h != s.director);
        let Some(director) = b.lab.host(s.director).filter(|_| wrong) else { continue };
        let Some(vip) = s.vips.first() else { continue };
        let taken: BTreeSet<Ipv4Addr> = b
            .lab
            .servers
            .iter()
            .filter(|o| o.director == s.director && o.service == s.service)
            .map(|o| o.addr.0)
            .collect();
        for (_, addr, _) in able(b, director, *vip).into_iter().filter(|(_, a, _)| !taken.contains(a)) {
            let words = service_words(&s.service);
            let lines = [
                format!("ipvsadm -d {}", row(s)),
                format!("ipvsadm -a {words} -r {addr}:{} {} -w {}", s.addr.1, option(s.method), s.weight),
            ];
            out.push(Change::typed(kind, lines.map(|l| (s.director, l))));
            out.extend(retyped(b, kind, s, (addr, s.addr.1)));
        }
    }
    out
}
