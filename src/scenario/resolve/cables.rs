//! Where the cables go. Checked entry by entry, before groups are unrolled, so that each mistake is told once.

use crate::base::LinkId;
use crate::scenario::model::{Cable, End, Kind, NodeSpec, Peer, Trunk};
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::resolve::{Named, Places, link_spec};
use crate::scenario::spec::Spot;
use crate::scenario::spec::host::Host;
use crate::scenario::spec::iface::{Iface, To};
use crate::scenario::spec::link::LinkWords;
use crate::scenario::topology::Topology;
use crate::text;
use std::collections::BTreeMap;

/// Where the cable of one interface of an entry goes.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// To a switch, by its entry.
    Switch(usize),
    /// To the interface `iface` of the `member`-th node of `entry`.
    Iface { entry: usize, member: u32, iface: usize },
}

/// The cables of all entries.
pub(super) struct Joints {
    /// For each entry, for each interface.
    targets: Vec<Vec<Option<Target>>>,
    /// For each entry of `links` the entries of both switches.
    trunks: Vec<Option<(usize, usize)>>,
    /// Some cable could not be laid: that there is none between two nodes may be a consequence.
    pub broken: bool,
}

/// Looks up where every cable goes.
pub(super) fn joints(places: &Places<'_>, p: &mut Problems) -> Joints {
    let mut joints = Joints { targets: Vec::new(), trunks: Vec::new(), broken: places.spec.nodes_broken };
    for (entry, host) in places.spec.nodes.iter().enumerate() {
        joints.broken |= host.broken;
        let mut row = Vec::with_capacity(host.interfaces.len());
        for (i, iface) in host.interfaces.iter().enumerate() {
            let target = iface.to.as_ref().map(|to| target(places, entry, i, to, p));
            joints.broken |= matches!(target, Some(None));
            row.push(target.flatten());
        }
        joints.targets.push(row);
    }
    one_cable_each(places, &mut joints, p);
    for link in &places.spec.links {
        let trunk = link.between.as_ref().and_then(|ends| trunk(places, ends, p));
        joints.broken |= trunk.is_none();
        joints.trunks.push(trunk);
    }
    joints
}

fn target(places: &Places<'_>, entry: usize, iface: usize, to: &Spot<To>, p: &mut Problems) -> Option<Target> {
    let host = places.entry(entry);
    match &to.v {
        To::Broken => None,
        To::Node(name) => {
            let name = Spot { v: name.clone(), at: to.at };
            let (Named::Node { entry: other, .. } | Named::Group { entry: other }) = places.find(&name, p)?;
            let peer = places.entry(other);
            match peer.kind {
                Some(Kind::Switch) => Some(Target::Switch(other)),
                None => None,
                Some(_) => {
                    let port =
                        peer.interfaces.iter().map(|i| i.name.v.as_str()).find(|n| !matches!(*n, "lo" | "tunl0"));
                    p.error("E041", to.at, text!("problem-is-no-switch", name = quote(&name.v)))
                        .label(text!("problem-it-is-a", kind = peer.kind.map_or("host", Kind::word)))
                        .help(text!(
                            "problem-for-cable-between-two-hosts",
                            name = name.v,
                            port = port.unwrap_or("eth0")
                        ));
                    None
                }
            }
        }
        To::Port(name, port) => {
            let name = Spot { v: name.clone(), at: to.at };
            let found = places.find(&name, p)?;
            let (other, member) = match found {
                Named::Node { entry, member } => (entry, member),
                Named::Group { .. } => {
                    places.host(&name, p);
                    return None;
                }
            };
            let peer = places.entry(other);
            if peer.kind == Some(Kind::Switch) {
                p.error("E041", to.at, text!("problem-switch-its-ports-have-no", name = quote(&name.v)))
                    .label(text!("problem-port-made-for-each-cable"))
                    .help(text!("problem-write-to", name = name.v));
                return None;
            }
            if matches!(port.as_str(), "lo" | "tunl0") {
                p.error("E033", to.at, text!("problem-port-has-no-cable", port))
                    .label(text!("problem-no-hardware"))
                    .help(text!("problem-name-another-interface"));
                return None;
            }
            let Some(i) = peer.interfaces.iter().position(|i| i.name.v == *port) else {
                unknown_iface(peer, port, to.at, p);
                return None;
            };
            if (other, i) == (entry, iface) && (member == 0 || host.count.is_some()) {
                p.error(
                    "E031",
                    to.at,
                    text!("problem-cable-goes-itself", host = host.name.v, iface = host.interfaces[iface].name.v),
                )
                .label(text!("problem-same-interface"))
                .help(text!("problem-name-other-end"));
                return None;
            }
            Some(Target::Iface { entry: other, member, iface: i })
        }
    }
}

/// Tells that a host has no such interface, as far as its interfaces could be read.
pub(super) fn unknown_iface(host: &Host, name: &str, at: crate::scenario::tree::Mark, p: &mut Problems) {
    if host.broken || p.full() {
        return;
    }
    let names = || host.interfaces.iter().map(|i| i.name.v.as_str());
    let similar = p.similar(name, names()).or_else(|| {
        // `eth1` of a host that has only `eth0`.
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        names().find(|n| !stem.is_empty() && n.starts_with(stem)).map(str::to_string)
    });
    let mut all: Vec<&str> = names().collect();
    if !all.contains(&"lo") {
        all.push("lo");
    }
    let host_name = &host.name.v;
    p.error("E012", at, text!("problem-no-interface-on", name = quote(name), host_name))
        .label(text!("problem-host-has", host_name, names = listed(all)))
        .suggest(similar.map(|s| [host_name, ":", &s].concat()), text!("problem-name-interface-host"));
}

/// Tells interfaces with two cables, and cables that both ends describe differently.
fn one_cable_each(places: &Places<'_>, joints: &mut Joints, p: &mut Problems) {
    // Who claims the cable of an interface that a `to` names.
    let mut claims: BTreeMap<(usize, u32, usize), (usize, usize)> = BTreeMap::new();
    for (entry, host) in places.spec.nodes.iter().enumerate() {
        for (i, iface) in host.interfaces.iter().enumerate() {
            let Some(Target::Iface { entry: other, member, iface: j }) = joints.targets[entry][i] else { continue };
            let at = iface.to.as_ref().map_or(iface.name.at, |to| to.at);
            let peer = places.entry(other);
            let far = &peer.interfaces[j];
            let far_name = format!("{}:{}", super::member_name(peer, member), far.name.v);
            let count = places.span[entry].1;
            // Both ends may name each other: then it is said twice, and laid once.
            let mutual = matches!(joints.targets[other][j], Some(Target::Iface { entry: e, iface: k, .. }) if (e, k) == (entry, i));
            let refused = if count > 1 {
                Some(text!("problem-each-members-would-have-one", count, host = host.name.v))
            } else if far.to.is_some() && !mutual {
                Some(text!(
                    "problem-its-own-cable-said-in",
                    line = p.line_of(far.to.as_ref().map_or(far.name.at, |to| to.at))
                ))
            } else {
                let first = claims.insert((other, member, j), (entry, i));
                first.map(|(e, k)| {
                    let first = &places.entry(e).interfaces[k];
                    text!(
                        "problem-first-said-in-line",
                        line = p.line_of(first.to.as_ref().map_or(first.name.at, |to| to.at))
                    )
                })
            };
            if let Some(label) = refused {
                p.error("E032", at, text!("problem-second-cable-at", far_name))
                    .label(label)
                    .help(text!("problem-interface-has-one-cable-add"));
                joints.targets[entry][i] = None;
                joints.broken = true;
                continue;
            }
            if mutual && (other, j) < (entry, i) {
                joints.targets[entry][i] = None;
            }
            if !mutual || (entry, i) < (other, j) {
                disagree(iface, far, &far_name, p);
            }
        }
    }
}

/// Tells what both ends of a cable say differently. Each end may have its own MTU and queue.
fn disagree(near: &Iface, far: &Iface, far_name: &str, p: &mut Problems) {
    fn differ<T: PartialEq>(a: &Option<Spot<T>>, b: &Option<Spot<T>>) -> Option<crate::scenario::tree::Mark> {
        match (a, b) {
            (Some(a), Some(b)) if a.v != b.v => Some(a.at.max(b.at)),
            _ => None,
        }
    }
    let (a, b): (&LinkWords, &LinkWords) = (&near.link, &far.link);
    let checks = [
        ("latency", differ(&a.latency, &b.latency)),
        ("bandwidth", differ(&a.bandwidth, &b.bandwidth)),
        ("loss", differ(&a.loss, &b.loss)),
    ];
    for (key, at) in checks {
        if let Some(at) = at {
            p.error("E043", at, text!("problem-two-ends-cable-give-different", far_name, key))
                .label(text!("problem-not-what-other-end-says"))
                .help(text!("problem-say-at-one-end"));
        }
    }
}

fn trunk(places: &Places<'_>, ends: &[Spot<String>; 2], p: &mut Problems) -> Option<(usize, usize)> {
    let mut switch = |name: &Spot<String>| {
        if let Some((host, _)) = name.v.split_once(':')
            && places.names.contains_key(host)
        {
            p.error("E041", name.at, text!("problem-is-interface-of-host", name = quote(&name.v)))
                .label(text!("problem-links-joins-switches"))
                .help(text!("problem-say-cable-host-at-its"));
            return None;
        }
        let (Named::Node { entry, .. } | Named::Group { entry }) = places.find(name, p)?;
        match places.entry(entry).kind {
            Some(Kind::Switch) => Some(entry),
            None => None,
            Some(kind) => {
                p.error("E041", name.at, text!("problem-is-kind-no-switch", name = quote(&name.v), kind = kind.word()))
                    .label(text!("problem-links-joins-switches"))
                    .help(text!("problem-say-cable-host-at-its"));
                None
            }
        }
    };
    let (a, b) = (switch(&ends[0]), switch(&ends[1]));
    let (a, b) = (a?, b?);
    if a == b {
        p.error("E031", ends[1].at, text!("problem-cable-from-itself", b = quote(&ends[1].v)))
            .label(text!("problem-same-switch"))
            .help(text!("problem-name-two-switches"));
        return None;
    }
    Some((a, b))
}

/// Lays the cables: fills in the peers of the interfaces and the graph.
pub(super) fn lay(
    places: &Places<'_>,
    joints: &Joints,
    nodes: &mut [NodeSpec],
    topology: &mut Topology,
    p: &mut Problems,
) -> (Vec<Cable>, Vec<Trunk>) {
    let mut cables = Vec::new();
    for (entry, row) in joints.targets.iter().enumerate() {
        for member in 0..places.span[entry].1 {
            for (i, target) in row.iter().enumerate() {
                let Some(target) = *target else { continue };
                let id = LinkId(cables.len() as u32);
                let near = places.id(entry, member);
                let near_name = nodes[near.index()].interfaces[i].name.clone();
                let (far, far_iface) = match target {
                    Target::Switch(switch) => (places.id(switch, 0), None),
                    Target::Iface { entry: e, member: m, iface: j } => {
                        let far = places.id(e, m);
                        let mine = &places.entry(entry).interfaces[i].link;
                        let theirs = &places.entry(e).interfaces[j].link;
                        let defaults = &places.spec.link;
                        nodes[near.index()].interfaces[i].link = link_spec(&mine.or(theirs).or(defaults));
                        let other = &mut nodes[far.index()].interfaces[j];
                        other.link = link_spec(&theirs.or(mine).or(defaults));
                        other.to = Peer::Cable(near, near_name);
                        other.cable = Some(id);
                        (far, Some(j))
                    }
                };
                let peer = match far_iface {
                    None => Peer::Switch(far),
                    Some(j) => Peer::Cable(far, nodes[far.index()].interfaces[j].name.clone()),
                };
                let iface = &mut nodes[near.index()].interfaces[i];
                iface.to = peer;
                iface.cable = Some(id);
                let link = iface.link;
                topology.join(near, far, id);
                cables.push(Cable {
                    a: End { node: near, interface: Some(i) },
                    b: End { node: far, interface: far_iface },
                    link,
                });
            }
        }
    }
    let trunks = trunks(places, joints, &mut cables, topology, p);
    (cables, trunks)
}

fn trunks(
    places: &Places<'_>,
    joints: &Joints,
    cables: &mut Vec<Cable>,
    topology: &mut Topology,
    p: &mut Problems,
) -> Vec<Trunk> {
    let mut trunks = Vec::new();
    // Which switches hang together so far: the root of each, for telling loops.
    let mut roots: Vec<usize> = (0..places.spec.nodes.len()).collect();
    fn root(roots: &mut [usize], mut i: usize) -> usize {
        while roots[i] != i {
            roots[i] = roots[roots[i]];
            i = roots[i];
        }
        i
    }
    for (link, ends) in places.spec.links.iter().zip(&joints.trunks) {
        let Some((a, b)) = *ends else { continue };
        let (ra, rb) = (root(&mut roots, a), root(&mut roots, b));
        if ra == rb
            && let Some(between) = &link.between
        {
            p.error("W004", between[0].at, text!("problem-switches-form-loop"))
                .label(text!("problem-cable-closes"))
                .help(text!("problem-there-no-spanning-tree-here"));
        }
        roots[ra] = rb;
        let id = LinkId(cables.len() as u32);
        let (a, b) = (places.id(a, 0), places.id(b, 0));
        let spec = link_spec(&link.words.or(&places.spec.link));
        topology.join(a, b, id);
        cables.push(Cable { a: End { node: a, interface: None }, b: End { node: b, interface: None }, link: spec });
        trunks.push(Trunk { a, b, link: spec, cable: id });
    }
    trunks
}
