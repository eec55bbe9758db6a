//! Slips that people make: one table, a row for each, with the cause that it is.
//!
//! A slip is a line left out, a letter, a number, or something that was typed on the wrong machine. Those whose symptom
//! shows on another host than the one that was touched, or later, are far.

use super::change::{Change, Edit, Place, typed_lines};
use super::moves::Bench;
use crate::base::NodeId;
use crate::net::DevKind;
use crate::node::Host;
use crate::scenario::model::Kind;
use std::net::Ipv4Addr;

/// One kind of slip.
#[derive(Debug)]
pub struct Slip {
    /// The cause that it is.
    pub cause: &'static str,
    /// Its symptom shows elsewhere.
    pub far: bool,
    /// The slips that the lab has room for.
    pub propose: fn(&Bench<'_>, &'static str) -> Vec<Change>,
}

/// Every kind of slip.
pub const SLIPS: &[Slip] = &[
    Slip { cause: "vip-not-hidden", far: false, propose: not_hidden },
    Slip { cause: "arp-announce", far: true, propose: not_announced },
    Slip { cause: "arp-ignore-on-lo", far: false, propose: on_lo },
    Slip { cause: "misspelt-knob", far: true, propose: misspelt },
    Slip { cause: "vip-mask", far: true, propose: wide_mask },
    Slip { cause: "ip-forward", far: false, propose: no_forward },
    Slip { cause: "rp-filter", far: true, propose: strict },
    Slip { cause: "nat-gateway", far: true, propose: other_gateway },
    Slip { cause: "answers-through-director", far: true, propose: other_gateway },
    Slip { cause: "default-route-to-self", far: false, propose: own_gateway },
    Slip { cause: "wrong-mode", far: false, propose: other_mode },
    Slip { cause: "no-service", far: false, propose: other_service },
    Slip { cause: "no-servers", far: false, propose: no_weight },
    Slip { cause: "not-listening", far: false, propose: stopped },
    Slip { cause: "nat-without-port", far: false, propose: other_port },
    Slip { cause: "filter-drops", far: false, propose: firewall },
    Slip { cause: "arp-filtered", far: true, propose: arptables },
    Slip { cause: "interface-down", far: false, propose: card_down },
    Slip { cause: "lossy-link", far: true, propose: bad_cable },
    Slip { cause: "mask-mismatch", far: true, propose: narrow_mask },
    Slip { cause: "no-route-back", far: false, propose: blackhole },
    Slip { cause: "director-without-vip", far: false, propose: director_without_vip },
    Slip { cause: "real-server-without-vip", far: false, propose: server_without_vip },
    Slip { cause: "tunnel-down", far: false, propose: tunnel_down },
    Slip { cause: "unowned-address", far: false, propose: wrong_server },
    Slip { cause: "duplicate-address", far: true, propose: twice },
];

type Line<'s> = (Place, NodeId, usize, &'s str);

fn lines<'a>(b: &Bench<'a>) -> Vec<Line<'a>> {
    let all = typed_lines(b.lab.play.scenario);
    all.into_iter().filter(|(p, .., l)| matches!(p, Place::Run(_)) && !l.trim_start().starts_with('#')).collect()
}

/// Each line that the function changes, by itself.
fn each_line(b: &Bench<'_>, kind: &'static str, new: impl Fn(NodeId, &str) -> Option<Vec<String>>) -> Vec<Change> {
    let change = |(place, node, n, line): Line<'_>| {
        let new = new(node, line)?;
        Some(Change { kind, edits: vec![Edit::Line(place, n, new)] })
    };
    lines(b).into_iter().filter_map(change).collect()
}

fn word_for(line: &str, from: &str, to: &str) -> Option<Vec<String>> {
    line.contains(from).then(|| vec![line.replace(from, to)])
}

fn host<'a>(b: &Bench<'a>, node: NodeId) -> Option<&'a Host> {
    b.lab.host(node)
}

/// A declared or typed knob of ARP is not set.
fn knob_missing(b: &Bench<'_>, kind: &'static str, knob: &str) -> Vec<Change> {
    let path = format!("net.ipv4.conf.all.{knob}");
    let mut out = each_line(b, kind, |node, line| {
        if b.lab.is_director(node) || !line.contains(knob) {
            return None;
        }
        let others = line.split_whitespace().filter(|w| w.starts_with("net.")).count() > 1;
        Some(match others {
            true => vec![line.split_whitespace().filter(|w| !w.contains(knob)).collect::<Vec<_>>().join(" ")],
            false => vec![],
        })
    });
    for (i, n) in b.lab.play.scenario.nodes.iter().enumerate() {
        if n.sysctls.iter().any(|(p, v)| *p == path && v != "0") {
            let key = vec!["sysctl".to_string(), path.clone()];
            out.push(Change { kind, edits: vec![Edit::Key(NodeId(i as u32), key, "0".into())] });
        }
    }
    out
}

fn not_hidden(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    knob_missing(b, kind, "arp_ignore")
}

fn not_announced(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    knob_missing(b, kind, "arp_announce")
}

fn on_lo(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    each_line(b, kind, |_, line| {
        word_for(line, "all/arp_ignore", "lo/arp_ignore").or_else(|| word_for(line, "all.arp_ignore", "lo.arp_ignore"))
    })
}

fn misspelt(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    each_line(b, kind, |_, line| {
        let slips = [("arp_ignore", "arg_ignore"), ("arp_announce", "arp_anounce"), ("ip_forward", "ip_foward")];
        slips.iter().find_map(|(right, wrong)| word_for(line, right, wrong))
    })
}

fn wide_mask(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let vip = |line: &str| b.lab.vips.iter().any(|v| line.contains(&v.to_string()));
    let mut out = each_line(b, kind, |node, line| {
        let inner = line.contains("lo") || line.contains("tunl0");
        if b.lab.is_director(node) || !inner || !vip(line) {
            return None;
        }
        word_for(line, "netmask 255.255.255.255", "netmask 255.255.255.0").or_else(|| word_for(line, "/32", "/24"))
    });
    for (i, n) in b.lab.play.scenario.nodes.iter().enumerate() {
        for f in n.interfaces.iter().filter(|f| matches!(f.name.as_str(), "lo" | "tunl0")) {
            if let [a] = f.addresses.as_slice()
                && a.prefix == 32
                && b.lab.vips.contains(&a.addr)
            {
                let key = ["interfaces", &f.name, "address"].map(str::to_string).to_vec();
                out.push(Change { kind, edits: vec![Edit::Key(NodeId(i as u32), key, format!("{}/24", a.addr))] });
            }
        }
    }
    out
}

fn no_forward(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = each_line(b, kind, |_, line| line.contains("ip_forward").then(Vec::new));
    for (i, n) in b.lab.play.scenario.nodes.iter().enumerate() {
        let node = NodeId(i as u32);
        if n.kind == Kind::Router {
            out.push(Change { kind, edits: vec![Edit::Key(node, vec!["kind".into()], "host".into())] });
        } else if n.sysctls.iter().any(|(p, v)| p == "net.ipv4.ip_forward" && v == "1") {
            let key = vec!["sysctl".to_string(), "net.ipv4.ip_forward".to_string()];
            out.push(Change { kind, edits: vec![Edit::Key(node, key, "0".into())] });
        }
    }
    out
}

/// The same line typed on each host that fits.
fn typed_on(b: &Bench<'_>, kind: &'static str, line: impl Fn(&Host) -> Option<String>) -> Vec<Change> {
    b.lab.hosts().filter_map(|h| Some(Change::typed(kind, [(h.id, line(h)?)]))).collect()
}

fn strict(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    typed_on(b, kind, |_| Some("sysctl -w net.ipv4.conf.all.rp_filter=1".into()))
}

fn servers<'a>(b: &Bench<'a>) -> impl Iterator<Item = (NodeId, Ipv4Addr)> + use<'a> {
    let scenario = b.lab.play.scenario;
    let server = |(i, n): (usize, &'a crate::scenario::model::NodeSpec)| Some((NodeId(i as u32), n.gateway?));
    let all: Vec<_> = scenario.nodes.iter().enumerate().filter_map(server).collect();
    let lab = b.lab;
    all.into_iter().filter(move |(n, _)| lab.is_server(*n))
}

fn other_gateway(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (node, now) in servers(b) {
        let Some(h) = host(b, node) else { continue };
        for other in b.lab.hosts().filter(|o| o.id != node) {
            let addrs = other.net.devices().filter(|d| d.kind == DevKind::Ethernet).flat_map(|d| &d.addrs);
            for a in addrs.map(|a| a.local).filter(|a| *a != now && !b.lab.vips.contains(a)) {
                if h.net.devices().flat_map(|d| &d.addrs).any(|x| x.prefix < 32 && x.covers(a)) {
                    out.push(Change { kind, edits: vec![Edit::Key(node, vec!["gateway".into()], a.to_string())] });
                }
            }
        }
    }
    out
}

fn own_gateway(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let own = |(node, now): (NodeId, Ipv4Addr)| {
        let h = host(b, node)?;
        let a = h
            .net
            .devices()
            .flat_map(|d| &d.addrs)
            .find(|x| x.prefix < 32 && x.covers(now) && !x.local.is_loopback())?;
        Some(Change { kind, edits: vec![Edit::Key(node, vec!["gateway".into()], a.local.to_string())] })
    };
    servers(b).filter_map(own).collect()
}

/// Whether a typed line adds a server.
fn adds(line: &str) -> bool {
    line.trim_start().starts_with("ipvsadm -a ")
}

fn other_mode(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (from, to) in [("-m", "-g"), ("-g", "-m"), ("-i", "-m")] {
        out.extend(each_line(b, kind, |_, line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (adds(line) && words.contains(&from))
                .then(|| vec![words.iter().map(|w| if *w == from { to } else { w }).collect::<Vec<_>>().join(" ")])
        }));
    }
    out
}

fn other_service(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (ip, port) in b.lab.log.connections.iter().map(|c| c.to).collect::<std::collections::BTreeSet<_>>() {
        let end = format!(" {ip}:{port}");
        let edits: Vec<Edit> = lines(b)
            .into_iter()
            .filter(|(.., l)| l.contains("ipvsadm") && l.contains(&end))
            .map(|(p, _, n, l)| Edit::Line(p, n, vec![l.replace(&end, &format!(" {ip}:{}", port ^ 8))]))
            .collect();
        if !edits.is_empty() {
            out.push(Change { kind, edits });
        }
    }
    out
}

fn no_weight(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let without = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if let Some(i) = words.iter().position(|w| *w == "-w") {
            words.drain(i..(i + 2).min(words.len()));
        }
        words.join(" ") + " -w 0"
    };
    let rows = lines(b).into_iter().filter(|(.., l)| adds(l));
    let edits: Vec<Edit> = rows.map(|(p, _, n, l)| Edit::Line(p, n, vec![without(l)])).collect();
    vec![Change { kind, edits }]
}

fn stopped(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    typed_on(b, kind, |h| {
        let web = h.servers.services().any(|s| s.port == 80);
        (b.lab.is_server(h.id) && web).then(|| "service httpd stop".to_string())
    })
}

fn other_port(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let nat = |n: NodeId| b.lab.servers.iter().any(|s| s.host == Some(n) && s.method == "Masq");
    let scenario = b.lab.play.scenario;
    let one = |(i, n): (usize, &crate::scenario::model::NodeSpec)| {
        let node = NodeId(i as u32);
        let [s] = n.serves.as_slice() else { return None };
        let value = format!("[{}/{}]", s.protocol.word(), u32::from(s.port) % 50_000 + 8_000);
        nat(node).then(|| Change { kind, edits: vec![Edit::Key(node, vec!["serves".into()], value)] })
    };
    scenario.nodes.iter().enumerate().filter_map(one).collect()
}

fn firewall(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = typed_on(b, kind, |h| b.lab.is_server(h.id).then(|| "iptables -A INPUT -p tcp -j DROP".into()));
    out.extend(typed_on(b, kind, |h| {
        (b.lab.is_director(h.id) || b.lab.kind(h.id) == Some(Kind::Router)).then(|| "iptables -P FORWARD DROP".into())
    }));
    out
}

fn arptables(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for vip in &b.lab.vips {
        out.extend(typed_on(b, kind, |h| {
            b.lab.is_director(h.id).then(|| format!("arptables -A INPUT -d {vip} -j DROP"))
        }));
    }
    out
}

fn card_down(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let card = |h: &Host| {
        h.net.devices().find(|d| d.kind == DevKind::Ethernet).map(|d| format!("ip link set {} down", d.name))
    };
    typed_on(b, kind, |h| card(h).filter(|_| b.lab.is_server(h.id)))
}

fn bad_cable(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (i, n) in b.lab.play.scenario.nodes.iter().enumerate().filter(|(_, n)| n.kind.is_host()) {
        for f in n.interfaces.iter().filter(|f| f.cable.is_some()) {
            let key = ["interfaces", &f.name, "loss"].map(str::to_string).to_vec();
            out.push(Change { kind, edits: vec![Edit::Key(NodeId(i as u32), key, "70%".into())] });
        }
    }
    out
}

fn narrow_mask(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (i, n) in b.lab.play.scenario.nodes.iter().enumerate() {
        for f in n.interfaces.iter().filter(|f| f.cable.is_some()) {
            let [a] = f.addresses.as_slice() else { continue };
            if (8..30).contains(&a.prefix) && a.label.is_none() && a.scope.is_none() {
                let key = ["interfaces", &f.name, "address"].map(str::to_string).to_vec();
                let value = format!("{}/{}", a.addr, a.prefix + 1);
                out.push(Change { kind, edits: vec![Edit::Key(NodeId(i as u32), key, value)] });
            }
        }
    }
    out
}

fn blackhole(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for client in &b.lab.clients {
        out.extend(typed_on(b, kind, |h| b.lab.is_server(h.id).then(|| format!("ip route add blackhole {client}/32"))));
    }
    out
}

/// Lines that give a VIP to a host.
fn vip_lines(b: &Bench<'_>, kind: &'static str, director: bool) -> Vec<Change> {
    let mut out = Vec::new();
    for h in b.lab.hosts().filter(|h| b.lab.is_director(h.id) == director) {
        let own = lines(b).into_iter().filter(|(_, node, ..)| *node == h.id);
        let gives = |l: &str| {
            let vip = b.lab.vips.iter().any(|v| l.contains(&v.to_string()));
            vip && (l.contains("ip addr add") || l.contains("ifconfig") || l.contains("route add -host"))
        };
        let edits: Vec<Edit> = own.filter(|(.., l)| gives(l)).map(|(p, _, n, _)| Edit::Line(p, n, vec![])).collect();
        if !edits.is_empty() {
            out.push(Change { kind, edits });
        }
    }
    out
}

fn director_without_vip(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    vip_lines(b, kind, true)
}

fn server_without_vip(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    vip_lines(b, kind, false)
}

fn tunnel_down(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    typed_on(b, kind, |h| {
        let up = h.net.devices().any(|d| matches!(d.kind, DevKind::Ipip { .. }) && d.up);
        (up && b.lab.is_server(h.id)).then(|| "ip link set tunl0 down".to_string())
    })
}

fn wrong_server(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for s in &b.lab.servers {
        let o = s.addr.0.octets();
        let other = Ipv4Addr::new(o[0], o[1], o[2], o[3] ^ 0x40);
        if b.lab.owner(other).is_some() {
            continue;
        }
        let (from, to) = (format!("-r {}", s.addr.0), format!("-r {other}"));
        let ends = |l: &str| {
            l.split_once(&from).is_some_and(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
        };
        out.extend(each_line(b, kind, |_, line| (adds(line) && ends(line)).then(|| vec![line.replace(&from, &to)])));
    }
    out
}

fn twice(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for s in &b.lab.servers {
        out.extend(typed_on(b, kind, |h| {
            let card = h
                .net
                .devices()
                .find(|d| d.kind == DevKind::Ethernet && d.addrs.iter().any(|a| a.prefix < 32 && a.covers(s.addr.0)))?;
            let other = s.host != Some(h.id) && s.director != h.id;
            other.then(|| format!("ip addr add {}/32 dev {}", s.addr.0, card.name))
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::causes::cause;

    #[test]
    fn every_slip_is_a_cause() {
        for s in SLIPS {
            assert!(cause(s.cause).is_some(), "{} is no cause", s.cause);
        }
    }
}
