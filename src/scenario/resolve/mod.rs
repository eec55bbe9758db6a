//! From what was typed to the scenario: groups unrolled, names looked up, defaults filled in.
//!
//! What would be a consequence of something told already is not told: a node that could not be read may be anything.

mod cables;
mod plan;

use crate::base::{Dist, LinkId, NodeId, Span, Table};
use crate::lang::Text;
use crate::scenario::Names;
use crate::scenario::causes::{CAUSES, cause};
use crate::scenario::limits::{MAX_NODES, MAX_TEXT, MAX_THINGS};
use crate::scenario::model::{
    AddrSpec, Discipline, IfaceSpec, Kind, LinkSpec, Mac, NodeSpec, Peer, Scenario, ScriptSpec, Serve,
};
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::spec::host::Host;
use crate::scenario::spec::iface::Iface;
use crate::scenario::spec::link::LinkWords;
use crate::scenario::spec::serves::ServerWords;
use crate::scenario::spec::{Spec, Spot};
use crate::scenario::topology::Topology;
use crate::text;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a name of the file means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// One node: the entry of `nodes` that it comes from, and its number in it (0 unless it belongs to a group).
    Node { entry: usize, member: u32 },
    /// All members of the group that this entry makes.
    Group { entry: usize },
}

/// The names of a file.
pub(crate) struct Places<'s> {
    spec: &'s Spec,
    names: BTreeMap<String, Named>,
    /// For each entry of `nodes` the number of its first node, and how many it makes.
    span: Vec<(u32, u32)>,
}

impl<'s> Places<'s> {
    /// Numbers the nodes; tells names that are taken and groups that are too large.
    fn new(spec: &'s Spec, p: &mut Problems) -> Places<'s> {
        let mut places = Places { spec, names: BTreeMap::new(), span: Vec::new() };
        let mut next = 0u64;
        for (entry, host) in spec.nodes.iter().enumerate() {
            let wanted = host.count.as_ref().map_or(1, |c| c.v);
            let fits = next.saturating_add(wanted) <= MAX_NODES;
            if !fits {
                let at = host.count.as_ref().map_or(host.name.at, |c| c.at);
                p.error("E060", at, text!("problem-lvsim-simulates-at-most-nodes", most = MAX_NODES))
                    .label(if host.count.is_some() {
                        text!("problem-too-many-with-these")
                    } else {
                        text!("problem-one-too-many")
                    })
                    .help(text!("problem-make-group-smaller"));
            }
            let count = if fits { wanted } else { 1 };
            places.span.push((next as u32, count as u32));
            next += count;
            if host.count.is_none() {
                places.names.entry(host.name.v.clone()).or_insert(Named::Node { entry, member: 0 });
            } else {
                places.names.insert(host.name.v.clone(), Named::Group { entry });
            }
        }
        for (entry, host) in spec.nodes.iter().enumerate() {
            if host.count.is_none() {
                continue;
            }
            let mut taken = None;
            for member in 0..places.span[entry].1 {
                let name = member_name(host, member);
                match places.names.get(&name) {
                    Some(_) => taken = taken.or(Some(name)),
                    None => {
                        places.names.insert(name, Named::Node { entry, member });
                    }
                }
            }
            if let Some(name) = taken {
                p.error(
                    "E022",
                    host.name.at,
                    text!("problem-group-makes-node-and-name", host = host.name.v, name = quote(&name)),
                )
                .label(text!("problem-this-group"))
                .help(text!("problem-rename-one-them"));
            }
        }
        places
    }

    fn entry(&self, entry: usize) -> &'s Host {
        &self.spec.nodes[entry]
    }

    fn id(&self, entry: usize, member: u32) -> NodeId {
        NodeId(self.span[entry].0 + member)
    }

    fn members(&self, entry: usize) -> impl Iterator<Item = NodeId> + use<> {
        let (first, count) = self.span[entry];
        (first..first + count).map(NodeId)
    }

    /// What a name means; tells an unknown one.
    fn find(&self, name: &Spot<String>, p: &mut Problems) -> Option<Named> {
        let found = self.names.get(&name.v).copied();
        if found.is_none() {
            self.unknown(name, p);
        }
        found
    }

    fn unknown(&self, name: &Spot<String>, p: &mut Problems) {
        if self.spec.nodes_broken || p.full() {
            return;
        }
        // `client-21` of a group of twenty.
        let group =
            name.v.rsplit_once('-').filter(|(_, n)| n.parse::<u32>().is_ok()).and_then(|(g, _)| self.names.get(g));
        if let Some(Named::Group { entry }) = group {
            let host = self.entry(*entry);
            let count = self.span[*entry].1;
            p.error("E040", name.at, text!("problem-no-node", name = quote(&name.v)))
                .label(text!("problem-group-has", count))
                .help(text!("problem-its-members", first = member_name(host, 0), last = member_name(host, count - 1)));
            return;
        }
        let similar = p.similar(&name.v, self.names.keys().map(String::as_str));
        let all = listed(self.spec.nodes.iter().map(|h| h.name.v.as_str()));
        p.error("E040", name.at, text!("problem-no-node", name = quote(&name.v)))
            .label(text!("problem-no-node-has-name"))
            .suggest(
                similar,
                if all.is_none() {
                    text!("problem-there-no-nodes")
                } else {
                    text!("problem-the-nodes-are", names = all)
                },
            );
    }

    /// The hosts of a name: one, or the members of a group. Tells an unknown name and a switch.
    fn hosts(&self, name: &Spot<String>, p: &mut Problems) -> Option<Vec<NodeId>> {
        match self.find(name, p)? {
            Named::Group { entry } => Some(self.members(entry).collect()),
            Named::Node { entry, member } => {
                if self.entry(entry).kind == Some(Kind::Switch) {
                    if p.full() {
                        return None;
                    }
                    p.error("E041", name.at, text!("problem-is-a-switch", name = quote(&name.v)))
                        .label(text!("problem-host-wanted"))
                        .help(text!("problem-the-hosts-are", names = self.host_names()));
                    return None;
                }
                Some(vec![self.id(entry, member)])
            }
        }
    }

    /// The host of a name that must mean one.
    fn host(&self, name: &Spot<String>, p: &mut Problems) -> Option<NodeId> {
        if let Some(Named::Group { entry }) = self.names.get(&name.v) {
            let (host, count) = (self.entry(*entry), self.span[*entry].1);
            p.error("E045", name.at, text!("problem-is-a-group", name = quote(&name.v), count))
                .label(text!("problem-one-node-wanted"))
                .help(text!("problem-name-member", first = member_name(host, 0), last = member_name(host, count - 1)));
            return None;
        }
        self.hosts(name, p)?.first().copied()
    }

    fn host_names(&self) -> Text {
        listed(self.spec.nodes.iter().filter(|h| h.kind != Some(Kind::Switch)).map(|h| h.name.v.as_str()))
    }
}

fn member_name(host: &Host, member: u32) -> String {
    match host.count {
        None => host.name.v.clone(),
        Some(_) => format!("{}-{}", host.name.v, u64::from(member) + 1),
    }
}

/// The scenario of a file; only to be used if no error was told.
pub(crate) fn resolve(spec: &Spec, default_name: String, names: &Names<'_>, text: &str, p: &mut Problems) -> Scenario {
    let places = Places::new(spec, p);
    check_sysctls(spec, names, p);
    let fits = check_size(&places, p);
    let joints = cables::joints(&places, p);
    let mut nodes = Vec::new();
    let mut number = 0u32;
    let default = Serving::of(&spec.server, names, p);
    let served: Vec<Vec<Serve>> = spec.nodes.iter().map(|host| serves(host, &default, names, p)).collect();
    if fits {
        for (entry, host) in spec.nodes.iter().enumerate() {
            check_room(host, places.span[entry].1, p);
            for member in 0..places.span[entry].1 {
                let mut made = node(spec, host, member, &mut number);
                made.serves = served[entry].clone();
                nodes.push(made);
            }
        }
        check_macs(spec, &nodes, &places, p);
    }
    let mut topology = Topology::new(nodes.iter().map(|n| n.kind == Kind::Switch));
    let (cables, trunks) = match fits {
        true => cables::lay(&places, &joints, &mut nodes, &mut topology, p),
        false => Default::default(),
    };
    // Of two entries with one name the first is meant; the second was told.
    let traffic_names = spec.traffic.iter().enumerate().rev().map(|(i, t)| (t.name.v.as_str(), i)).collect();
    let plan = plan::Plan {
        traffic_names,
        places: &places,
        cables: &cables,
        nodes: &nodes,
        names,
        text,
        broken: joints.broken || !fits,
    };
    let traffic = plan.traffic(p);
    let steps = plan.steps(p);
    let expect = plan.expect(p);
    let grading = plan.grading(p);
    let mut by_name = Table::default();
    for (i, node) in nodes.iter().enumerate() {
        by_name.insert(node.name.clone(), NodeId(i as u32));
    }
    let groups = spec.nodes.iter().enumerate().filter(|(_, h)| h.count.is_some());
    Scenario {
        name: spec.name.as_ref().map_or(default_name, |n| n.v.clone()),
        title: spec.title.clone().unwrap_or_default(),
        about: spec.about.clone().unwrap_or_default(),
        seed: spec.seed.unwrap_or(1),
        duration: spec.duration.as_ref().map(|d| d.v),
        warmup: spec.warmup.as_ref().map_or(Span::ZERO, |w| w.v),
        groups: groups.map(|(i, h)| (h.name.v.clone(), places.members(i).collect())).collect(),
        nodes,
        cables,
        trunks,
        traffic,
        steps,
        expect,
        causes: causes(spec, p),
        grading,
        topology,
        by_name,
    }
}

/// The declared causes, as the table of causes has them.
fn causes(spec: &Spec, p: &mut Problems) -> Vec<&'static str> {
    let known = || CAUSES.iter().map(|c| c.code);
    let mut found = Vec::new();
    for declared in &spec.causes {
        match cause(&declared.v) {
            Some(row) => found.push(row.code),
            None => {
                let similar = p.similar(&declared.v, known());
                p.error("E046", declared.at, text!("problem-no-cause", name = quote(&declared.v)))
                    .label(text!("problem-nothing-called-so"))
                    .suggest(similar, text!("problem-the-causes-are", names = listed(known())));
            }
        }
    }
    found
}

/// Tells sysctls that do not exist, and values that they do not take.
fn check_sysctls(spec: &Spec, names: &Names<'_>, p: &mut Problems) {
    for (key, value) in spec.nodes.iter().flat_map(|h| &h.sysctls) {
        if !(names.known_sysctl)(&key.v) {
            if p.full() {
                continue;
            }
            let similar = similar_sysctl(&key.v, names, p);
            p.error("E034", key.at, text!("problem-no-sysctl", key = quote(&key.v)))
                .label(text!("problem-kernel-has-no-such-file"))
                .suggest(similar, text!("problem-see-sysctl-a"));
            continue;
        }
        let lower = value.v.to_ascii_lowercase();
        let meant = match lower.as_str() {
            "on" | "yes" | "true" => Some(1),
            "off" | "no" | "false" => Some(0),
            _ => None,
        };
        if let Some(meant) = meant {
            p.error("E035", value.at, text!("problem-takes-number-not", key = quote(&key.v), value = quote(&value.v)))
                .label(text!("problem-in-yaml-1-2-word"))
                .help(text!("problem-write", what = meant));
        } else if let Err(why) = (names.sysctl_value)(&key.v, &value.v) {
            p.error("E035", value.at, text!("problem-does-not-take", key = quote(&key.v), value = quote(&value.v)))
                .label(why)
                .help(text!("problem-sysctl-w-would-refuse"));
        }
    }
}

/// A similar sysctl; the interface of `net.ipv4.conf.eth0.…` stays what it is.
fn similar_sysctl(key: &str, names: &Names<'_>, p: &mut Problems) -> Option<String> {
    let parts: Vec<&str> = key.split('.').collect();
    if let [a, b, table @ ("conf" | "neigh"), iface, _leaf] = parts.as_slice() {
        let prefix = format!("{a}.{b}.{table}.");
        let mut leaves: Vec<&str> = names
            .sysctls
            .iter()
            .filter_map(|s| s.strip_prefix(prefix.as_str())?.split_once('.'))
            .map(|(_, leaf)| leaf)
            .collect();
        leaves.sort_unstable();
        leaves.dedup();
        if let Some(leaf) = p.similar(parts[4], leaves) {
            return Some(format!("{prefix}{iface}.{leaf}"));
        }
    }
    p.similar(key, names.sysctls.iter().copied())
}

/// Tells a file whose groups unroll to more than fits into memory; whether it fits.
fn check_size(places: &Places<'_>, p: &mut Problems) -> bool {
    let (mut things, mut bytes) = (0u64, 0u64);
    for (entry, host) in places.spec.nodes.iter().enumerate() {
        let count = u64::from(places.span[entry].1);
        let addresses: usize = host.interfaces.iter().map(|i| i.addresses.len()).sum();
        let own = 1 + host.interfaces.len() + addresses + host.routes.len() + host.sysctls.len() + host.serves.len();
        let text: usize = host.routes.iter().map(String::len).sum::<usize>()
            + host.sysctls.iter().map(|(k, v)| k.v.len() + v.v.len()).sum::<usize>();
        things += count * own as u64;
        bytes += count * text as u64;
        if things > MAX_THINGS || bytes > MAX_TEXT {
            let at = host.count.as_ref().map_or(host.name.at, |c| c.at);
            p.error("E060", at, text!("problem-nodes-have-more-interfaces-addresses"))
                .label(text!("problem-beyond-them-or-mib-text", most = MAX_THINGS, mib = MAX_TEXT >> 20))
                .help(text!("problem-make-group-smaller-or-give"));
            return false;
        }
    }
    true
}

/// Tells a group whose addresses or MACs count up beyond the last one.
fn check_room(host: &Host, count: u32, p: &mut Problems) {
    for iface in &host.interfaces {
        for address in &iface.addresses {
            if u32::from(address.addr).checked_add(count - 1).is_none() {
                p.error("E042", address.at, text!("problem-addresses-from-on-go-beyond", count, addr = address.addr))
                    .label(text!("problem-counts-up-for-each-member"))
                    .help(text!("problem-begin-lower"));
            }
        }
        if let Some(mac) = &iface.mac
            && mac_number(mac.v) + u64::from(count - 1) >= 1 << 48
        {
            p.error("E042", mac.at, text!("problem-hardware-addresses-group-go-beyond"))
                .label(text!("problem-counts-up-for-each-member"))
                .help(text!("problem-begin-lower"));
        }
    }
}

/// Warns of one hardware address on two interfaces.
fn check_macs(spec: &Spec, nodes: &[NodeSpec], places: &Places<'_>, p: &mut Problems) {
    if spec.nodes.iter().all(|h| h.interfaces.iter().all(|i| i.mac.is_none())) {
        return;
    }
    let mut owners: BTreeMap<Mac, (usize, usize)> = BTreeMap::new();
    let mut told = 0;
    for (n, node) in nodes.iter().enumerate() {
        for (i, iface) in node.interfaces.iter().enumerate() {
            if iface.mac == [0; 6] {
                continue;
            }
            let Some(&(m, j)) = owners.get(&iface.mac) else {
                owners.insert(iface.mac, (n, i));
                continue;
            };
            // The one that was written is at fault, not the one that was counted.
            let said = [(n, i), (m, j)].into_iter().find_map(|(n, i)| {
                let entry = places.span.partition_point(|&(first, _)| first as usize <= n).checked_sub(1)?;
                spec.nodes.get(entry)?.interfaces.get(i)?.mac.as_ref()
            });
            if let Some(mac) = said
                && told < 10
            {
                told += 1;
                let other = &nodes[m];
                p.error(
                    "W005",
                    mac.at,
                    text!(
                        "problem-and-have-same-hardware-address",
                        other = other.name,
                        other_iface = other.interfaces[j].name,
                        node = node.name,
                        iface = iface.name
                    ),
                )
                .label(text!("problem-switch-will-send-frames-now"))
                .help(text!("problem-remove-mac-if-not-what"));
            }
        }
    }
}

fn mac_number(mac: Mac) -> u64 {
    mac.iter().fold(0, |n, &b| n << 8 | u64::from(b))
}

fn mac_of(number: u64) -> Mac {
    let b = number.to_be_bytes();
    [b[2], b[3], b[4], b[5], b[6], b[7]]
}

/// One node, its cables not yet laid. `number` counts the interfaces of the file, for their hardware addresses.
fn node(spec: &Spec, host: &Host, member: u32, number: &mut u32) -> NodeSpec {
    let kind = host.kind.unwrap_or(Kind::Host);
    let mut sysctls = Vec::new();
    if kind == Kind::Router {
        sysctls.push(("net.ipv4.ip_forward".to_string(), "1".to_string()));
    }
    sysctls.extend(host.sysctls.iter().map(|(k, v)| (k.v.clone(), v.v.clone())));
    NodeSpec {
        name: member_name(host, member),
        kind,
        group: host.count.as_ref().map(|_| host.name.v.clone()),
        interfaces: host.interfaces.iter().map(|i| interface(spec, i, member, number)).collect(),
        gateway: host.gateway,
        routes: host.routes.clone(),
        sysctls,
        serves: Vec::new(),
        run: host.run.as_ref().map(|r| ScriptSpec { text: r.text.clone(), line: r.line }),
        frame_time: host.packet_rate,
        ageing: host.ageing.unwrap_or(Span::from_secs(300)),
    }
}

fn interface(spec: &Spec, iface: &Iface, member: u32, number: &mut u32) -> IfaceSpec {
    let name = iface.name.v.as_str();
    let mut link = link_spec(&iface.link.or(&spec.link));
    let mac = match name {
        "lo" | "tunl0" => {
            link.mtu = if name == "lo" { 65_536 } else { 1_480 };
            [0; 6]
        }
        _ => {
            *number += 1;
            match &iface.mac {
                Some(mac) => mac_of(mac_number(mac.v) + u64::from(member)),
                None => mac_of(0x0200_0000_0000 + u64::from(*number)),
            }
        }
    };
    let addresses = iface.addresses.iter().map(|a| AddrSpec {
        addr: Ipv4Addr::from(u32::from(a.addr).saturating_add(member)),
        prefix: a.prefix,
        label: a.label.clone(),
        scope: a.scope.clone(),
    });
    IfaceSpec {
        name: name.to_string(),
        to: Peer::None,
        mac,
        addresses: addresses.collect(),
        link,
        cable: None::<LinkId>,
    }
}

/// The words of a cable with what they leave unsaid.
fn link_spec(words: &LinkWords) -> LinkSpec {
    let usual = LinkSpec::default();
    LinkSpec {
        latency: words.latency.as_ref().map_or(usual.latency, |x| x.v),
        bandwidth_bps: words.bandwidth.as_ref().map_or(usual.bandwidth_bps, |x| x.v),
        loss_ppm: words.loss.as_ref().map_or(usual.loss_ppm, |x| x.v),
        mtu: words.mtu.as_ref().map_or(usual.mtu, |x| x.v as u32),
        queue: words.queue.as_ref().map_or(usual.queue, |x| x.v as u32),
    }
}

/// How a server works, with its files read.
struct Serving<'w> {
    words: &'w ServerWords,
    time: Option<(Dist, Span)>,
}

impl<'w> Serving<'w> {
    fn of(words: &'w ServerWords, names: &Names<'_>, p: &mut Problems) -> Serving<'w> {
        let time = words.service_time.as_ref().map(|w| (w.time.resolve(names, p), w.per_byte));
        Serving { words, time }
    }
}

fn serves(host: &Host, default: &Serving<'_>, names: &Names<'_>, p: &mut Problems) -> Vec<Serve> {
    let serve = |s: &crate::scenario::spec::serves::Serve, p: &mut Problems| {
        let own = Serving::of(&s.words, names, p);
        let (words, usual) = (own.words, default.words);
        let discipline = words.discipline.or(usual.discipline).unwrap_or_default();
        let (service_time, per_byte) = own.time.or(default.time.clone()).unwrap_or((Dist::Constant(0), Span::ZERO));
        // A processor that is shared is one, unless it is said how many there are.
        let workers = if discipline == Discipline::Ps { 1 } else { Serve::UNLIMITED };
        Serve {
            protocol: s.protocol,
            port: s.port,
            service_time,
            per_byte,
            workers: words.workers.or(usual.workers).unwrap_or(workers),
            backlog: words.backlog.or(usual.backlog).unwrap_or(128),
            discipline,
            speed_ppm: words.speed.or(usual.speed).unwrap_or(1_000_000),
            max_connections: words.max_connections.or(usual.max_connections).unwrap_or(Serve::UNLIMITED),
        }
    };
    host.serves.iter().map(|s| serve(s, p)).collect()
}
