//! Changes of who answers for an address: the knobs of ARP, where a VIP stands and with which mask, what is in caches.

use super::{Bench, cards, each_and_all};
use crate::base::NodeId;
use crate::net::{Dev, DevKind, IfAddr};
use crate::node::Host;
use crate::study::change::Change;
use crate::sysctl::Conf;

/// Hosts behind the director on which the knob is less than it has to be.
fn lacking(b: &Bench<'_>, knobs: &[(Conf, i64)]) -> Vec<NodeId> {
    let lacks = |h: &&Host| knobs.iter().any(|(k, n)| cards(h).any(|d| h.net.sysctl.effective(*k, d.idx) < *n));
    b.behind().into_iter().filter(lacks).map(|h| h.id).collect()
}

fn sysctl(kind: &'static str, nodes: Vec<NodeId>, line: &str) -> Vec<Change> {
    each_and_all(kind, nodes.into_iter().map(|n| (n, vec![line.to_string()])).collect())
}

const IGNORE: &str = "sysctl -w net.ipv4.conf.all.arp_ignore=1";
const ANNOUNCE: &str = "sysctl -w net.ipv4.conf.all.arp_announce=2";
const BOTH: &str = "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2";

/// A server keeps silent about the VIP.
pub fn arp_ignore(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    sysctl(kind, lacking(b, &[(Conf::ArpIgnore, 1)]), IGNORE)
}

/// A server asks in its own name.
pub fn arp_announce(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    sysctl(kind, lacking(b, &[(Conf::ArpAnnounce, 2)]), ANNOUNCE)
}

/// Both, as every guide has it.
pub fn both(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    sysctl(kind, lacking(b, &[(Conf::ArpIgnore, 1), (Conf::ArpAnnounce, 2)]), BOTH)
}

/// The director tells everybody that the VIP is its own.
pub fn announce(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for h in b.hosts().filter(|h| b.lab.is_director(h.id)) {
        for vip in b.lab.vips.iter().filter(|v| h.net.has_addr(**v)) {
            for d in cards(h).filter(|d| d.up) {
                out.push((h.id, vec![format!("arping -U -c 1 -I {} {vip}", d.name)]));
            }
        }
    }
    each_and_all(kind, out)
}

/// Hosts forget whom they learnt.
pub fn forget(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let knows = |h: &&Host| h.net.neigh.sorted().iter().any(|n| b.lab.vips.contains(&n.addr));
    let hosts = b.hosts().filter(knows).map(|h| (h.id, vec!["ip neigh flush all".to_string()]));
    each_and_all(kind, hosts.collect())
}

/// Every place of a VIP on hosts behind the director.
fn vips<'a>(b: &Bench<'a>) -> Vec<(&'a Host, &'a Dev, &'a IfAddr)> {
    let mut out = Vec::new();
    for h in b.behind() {
        for d in h.net.devices() {
            out.extend(d.addrs.iter().filter(|a| b.lab.vips.contains(&a.local)).map(|a| (h, d, a)));
        }
    }
    out
}

/// A VIP moves from a server's card, where questions arrive, to `lo`.
pub fn vip_on_lo(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let on_card = vips(b).into_iter().filter(|(_, d, _)| d.kind == DevKind::Ethernet);
    let lines = on_card.map(|(h, d, a)| {
        let del = format!("ip addr del {}/{} dev {}", a.local, a.prefix, d.name);
        (h.id, vec![BOTH.to_string(), del, format!("ip addr add {}/32 dev lo", a.local)])
    });
    each_and_all(kind, lines.collect())
}

/// A VIP on `lo` or a tunnel is one address, not a network.
pub fn vip_mask(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        for d in h.net.devices().filter(|d| d.kind != DevKind::Ethernet) {
            for a in d.addrs.iter().filter(|a| a.prefix < 32 && b.lab.vips.contains(&a.local)) {
                let del = format!("ip addr del {}/{} dev {}", a.local, a.prefix, d.name);
                all.push((h.id, vec![del, format!("ip addr add {}/32 dev {}", a.local, d.name)]));
            }
        }
    }
    each_and_all(kind, all)
}

/// A host answers again: no knob keeps it silent.
pub fn answer(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts().filter(|h| b.found("arp-filtered").contains(&h.id) || b.lab.is_director(h.id)) {
        let mut words = Vec::new();
        for (knob, name) in [(Conf::ArpIgnore, "arp_ignore"), (Conf::ArpFilter, "arp_filter")] {
            if h.net.sysctl.all(knob) != 0 {
                words.push(format!("net.ipv4.conf.all.{name}=0"));
            }
            let own = cards(h).filter(|d| h.net.sysctl.own(knob, d.idx) != 0);
            words.extend(own.map(|d| format!("net.ipv4.conf.{}.{name}=0", d.name)));
        }
        if !words.is_empty() {
            all.push((h.id, vec![format!("sysctl -w {}", words.join(" "))]));
        }
        // Where the address stands on another interface, arp_ignore 1 is right if the address moves.
        for d in h.net.devices().filter(|d| d.is_loopback()) {
            for a in d.addrs.iter().filter(|a| b.lab.vips.contains(&a.local)) {
                if let Some(card) = super::card_towards(h, a.local) {
                    let del = format!("ip addr del {}/{} dev {}", a.local, a.prefix, d.name);
                    all.push((h.id, vec![del, format!("ip addr add {}/32 dev {}", a.local, card.name)]));
                }
            }
        }
    }
    each_and_all(kind, all)
}

/// An address is seen from elsewhere: scope global.
pub fn scope(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all = Vec::new();
    for h in b.hosts() {
        for d in cards(h) {
            for a in d.addrs.iter().filter(|a| a.scope != 0) {
                let at = format!("{}/{} dev {}", a.local, a.prefix, d.name);
                all.push((h.id, vec![format!("ip addr del {at}"), format!("ip addr add {at} scope global")]));
            }
        }
    }
    each_and_all(kind, all)
}

/// Of two hosts that have one address, one gives it away.
pub fn not_twice(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for h in b.hosts() {
        for d in cards(h) {
            for a in &d.addrs {
                let twice = b.hosts().any(|o| o.id != h.id && super::addresses(o).any(|x| x == a.local));
                if twice {
                    out.push(Change::typed(
                        kind,
                        [(h.id, format!("ip addr del {}/{} dev {}", a.local, a.prefix, d.name))],
                    ));
                }
            }
        }
    }
    out
}
