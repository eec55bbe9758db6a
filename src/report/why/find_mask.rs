//! Causes in prefix lengths: addresses that take more than themselves, ends of a cable that do not see each other.

use super::causes::Found;
use super::find_path::by_node;
use super::lab::Lab;
use crate::base::NodeId;
use crate::lang::Text;
use crate::net::{DevKind, IfAddr};
use crate::node::Host;
use crate::scenario::model::Scenario;
use crate::text;
use std::collections::BTreeMap;

/// The VIP on `lo` or a tunnel takes a whole network with it.
pub fn vip_mask(lab: &Lab<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let others = |host: &Host, a: &IfAddr| {
        let strangers = lab.hosts().filter(|h| h.id != host.id);
        strangers
            .flat_map(|h| h.net.devices())
            .flat_map(|d| &d.addrs)
            .map(|x| x.local)
            .find(|x| !x.is_loopback() && *x != a.local && a.covers(*x))
    };
    for host in lab.hosts() {
        for d in host.net.devices().filter(|d| d.is_loopback() || matches!(d.kind, DevKind::Ipip { .. })) {
            for a in d.addrs.iter().filter(|a| a.prefix < 32 && lab.vips.contains(&a.local)) {
                let involved = lab.servers.iter().any(|s| s.failed && s.host == Some(host.id))
                    || lab.drops().any(|x| x.node == host.id);
                let Some(taken) = others(host, a).filter(|_| involved) else { continue };
                found.push((
                    host.id,
                    text!(
                        "found-vip-mask",
                        host = host.name,
                        vip = a.local,
                        prefix = a.prefix,
                        dev = d.name,
                        network = a.network(),
                        taken
                    ),
                    Text::plain(format!(
                        "ip addr del {0}/{1} dev {2}; ip addr add {0}/32 dev {2}",
                        a.local, a.prefix, d.name
                    )),
                ));
            }
        }
    }
    by_node("vip-mask", found)
}

/// Which segment each interface is on: interfaces with the same number hear each other's broadcasts.
fn segments(s: &Scenario) -> BTreeMap<(NodeId, usize), usize> {
    // Each switch begins as its own segment; trunks join them, and a cable between hosts is one by itself.
    let mut of: Vec<usize> = (0..s.nodes.len() + s.cables.len()).collect();
    for t in &s.trunks {
        let (a, b) = (of[t.a.index()], of[t.b.index()]);
        of.iter_mut().filter(|x| **x == b).for_each(|x| *x = a);
    }
    let mut out = BTreeMap::new();
    for (n, cable) in s.cables.iter().enumerate() {
        let switch = [cable.a, cable.b].iter().find(|e| e.interface.is_none()).map(|e| of[e.node.index()]);
        for end in [cable.a, cable.b] {
            if let Some(i) = end.interface {
                out.insert((end.node, i), switch.unwrap_or(s.nodes.len() + n));
            }
        }
    }
    out
}

/// Two addresses of one segment of which one counts the other to its network, and not the other way round.
pub fn mask_mismatch(lab: &Lab<'_>) -> Vec<Found> {
    if lab.failed().next().is_none() {
        return Vec::new();
    }
    let scenario = lab.play.scenario;
    let mut all: Vec<(usize, &Host, &IfAddr, &str)> = Vec::new();
    for ((node, i), segment) in segments(scenario) {
        let Some(host) = lab.host(node) else { continue };
        let name = &scenario.nodes[node.index()].interfaces[i].name;
        let Some(dev) = host.net.dev_by_name(name).map(|d| host.net.dev(d)) else { continue };
        all.extend(dev.addrs.iter().filter(|a| a.prefix < 32).map(|a| (segment, host, a, name.as_str())));
    }
    let mut found = Vec::new();
    for x in &all {
        let peers = || {
            all.iter().filter(|y| y.0 == x.0 && y.1.id != x.1.id && (x.2.covers(y.2.local) || y.2.covers(x.2.local)))
        };
        // Whoever differs from most is the one to mend; of two alike, the one that does not see the other.
        let differ = peers().filter(|y| x.2.covers(y.2.local) != y.2.covers(x.2.local)).collect::<Vec<_>>();
        let same = peers().filter(|y| y.2.prefix == x.2.prefix).count();
        let Some(y) = differ.first() else { continue };
        let theirs = all
            .iter()
            .filter(|z| z.0 == y.0 && z.1.id != y.1.id && z.2.prefix == y.2.prefix && z.2.covers(y.2.local))
            .count();
        if same < theirs || (same == theirs && !x.2.covers(y.2.local)) {
            found.push((
                x.1.id,
                text!(
                    "found-mask-mismatch",
                    host = x.1.name,
                    addr = x.2.local,
                    prefix = x.2.prefix,
                    dev = x.3,
                    other = y.1.name,
                    other_addr = y.2.local,
                    other_prefix = y.2.prefix
                ),
                Text::plain(format!(
                    "ip addr del {0}/{1} dev {3}; ip addr add {0}/{2} dev {3}",
                    x.2.local, x.2.prefix, y.2.prefix, x.3
                )),
            ));
        }
    }
    by_node("mask-mismatch", found)
}
