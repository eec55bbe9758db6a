//! What happens on the network: traffic, timeline, expectations, with their names looked up.

use crate::base::{Dist, LinkId, NodeId, Span};
use crate::scenario::grading::{GradeWords, Grading};
use crate::scenario::limits::{MAX_CONNECTIONS, MAX_STEPS};
use crate::scenario::model::{
    Arrivals, At, Cable, Claim, End, Expect, Kind, LinkChange, NodeSpec, Protocol, ScriptSpec, Step, StepKind, Traffic,
};
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::resolve::cables::unknown_iface;
use crate::scenario::resolve::{Named, Places};
use crate::scenario::spec::arrivals::{self, ArrivalWords};
use crate::scenario::spec::link::LinkWords;
use crate::scenario::spec::timeline::{Deed, Entry};
use crate::scenario::spec::value::Script;
use crate::scenario::spec::{Spot, expect};
use crate::scenario::tree::Mark;
use crate::scenario::{Names, files, spec};
use crate::text;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What the rest of a file is resolved against.
pub(super) struct Plan<'s> {
    pub places: &'s Places<'s>,
    pub cables: &'s [Cable],
    pub nodes: &'s [NodeSpec],
    pub names: &'s Names<'s>,
    /// The file.
    pub text: &'s str,
    /// The places of the traffic by name.
    pub traffic_names: BTreeMap<&'s str, usize>,
    /// Not all cables are known.
    pub broken: bool,
}

/// The interfaces that a word of a `link:` may mean.
struct Side {
    nodes: Vec<NodeId>,
    interface: Option<usize>,
    group: bool,
}

impl Plan<'_> {
    /// Resolves `traffic`.
    pub fn traffic(&self, p: &mut Problems) -> Vec<Traffic> {
        let mut all: Vec<Traffic> = Vec::new();
        let mut names: BTreeMap<String, Mark> = BTreeMap::new();
        let (mut connections, mut clients) = (0u64, 0u64);
        for entry in &self.places.spec.traffic {
            if let Some(&first) = names.get(&entry.name.v) {
                let line = p.line_of(first);
                p.error(
                    "E022",
                    entry.name.at,
                    text!("problem-two-entries-traffic-have-name", name = quote(&entry.name.v)),
                )
                .label(text!("problem-first-in-line", line))
                .help(text!("problem-rename-one-expectations-speak-traffic"));
            } else {
                names.insert(entry.name.v.clone(), entry.name.at);
            }
            let mut from = Vec::new();
            for name in &entry.from {
                let Some(hosts) = self.places.hosts(name, p) else { continue };
                clients += hosts.len() as u64;
                if clients > MAX_STEPS {
                    p.error("E060", name.at, text!("problem-entries-traffic-name-more-than", most = MAX_STEPS))
                        .label(text!("problem-counted-with-members-groups"))
                        .help(text!("problem-name-each-client-once"));
                    return all;
                }
                from.extend(hosts);
            }
            let arrivals = match &entry.arrivals {
                None => Arrivals::Every(Span::ZERO),
                Some(ArrivalWords::Known(arrivals)) => arrivals.clone(),
                Some(ArrivalWords::File(file)) => files::trace(file, self.names, p)
                    .and_then(|rows| arrivals::of_rows(rows, file.at, p))
                    .unwrap_or(Arrivals::Every(Span::ZERO)),
            };
            self.look_at_users(entry, &arrivals, from.len(), p);
            let count = match (&entry.connections, &arrivals) {
                (Some(count), _) => count.v,
                (None, Arrivals::Trace { times, .. }) => times.len() as u64,
                (None, _) => 1,
            };
            let before = connections;
            connections += count;
            if connections > MAX_CONNECTIONS && before <= MAX_CONNECTIONS {
                let at = entry.connections.as_ref().map_or(entry.at, |c| c.at);
                p.error("E060", at, text!("problem-lvsim-simulates-at-most-connections", most = MAX_CONNECTIONS))
                    .label(text!("problem-too-many-with-these"))
                    .help(text!("problem-make-fewer"));
            }
            let start = entry.start.as_ref().map_or(Span::ZERO, |s| s.v);
            if let (Some(said), Some(end)) = (&entry.start, &self.places.spec.duration)
                && start > end.v
            {
                p.error("W003", said.at, text!("problem-traffic-starts-after-end-run"))
                    .label(text!("problem-run-ends-at", end = end.v.to_string()))
                    .help(text!("problem-make-duration-longer"));
            }
            let Some(to) = entry.to else { continue };
            all.push(Traffic {
                name: entry.name.v.clone(),
                from,
                to,
                protocol: entry.protocol,
                start,
                // Users go on until the run ends, unless it is said how often.
                connections: if entry.users.is_some() && entry.connections.is_none() { MAX_CONNECTIONS } else { count },
                arrivals,
                users: entry.users.as_ref().map_or(0, |u| u.v as u32),
                sources: entry.addresses.as_ref().map(|a| addresses_of(a.v)),
                addresses: entry.addresses.as_ref().map(|a| a.v),
                request: entry.request.as_ref().map_or(Dist::Constant(100), |r| r.v.resolve(self.names, p)),
                response: entry.response.as_ref().map_or(Dist::Constant(100), |r| r.v.resolve(self.names, p)),
                hold: entry.hold.unwrap_or(Span::ZERO),
                timeout: entry.timeout.unwrap_or(Span::from_secs(3)),
                source_port: entry.source_port,
                requests: entry.requests.unwrap_or(1),
                think: entry.think.as_ref().map_or(Dist::Constant(0), |t| t.resolve(self.names, p)),
                line: p.line_of(entry.at),
            });
        }
        all
    }

    /// Tells what a closed workload cannot have, or lacks; and source addresses of several clients.
    fn look_at_users(&self, entry: &spec::traffic::Traffic, arrivals: &Arrivals, clients: usize, p: &mut Problems) {
        if let Some(users) = &entry.users {
            if entry.connections.is_none() && self.places.spec.duration.is_none() {
                p.error("E015", users.at, text!("problem-users-go-on-for-ever"))
                    .label(text!("problem-no-connections-here-and-no"))
                    .help(text!("problem-say-duration-60s-at-top"));
            }
            if let Arrivals::Trace { .. } = arrivals {
                p.error("E019", users.at, text!("problem-users-and-trace-exclude-each"))
                    .label(text!("problem-users-come-when-they-have"))
                    .help(text!("problem-keep-one-them"));
            }
        }
        if let Some(addresses) = &entry.addresses
            && clients > 1
        {
            p.error("E019", addresses.at, text!("problem-addresses-clients", clients))
                .label(text!("problem-network-belongs-one-host"))
                .help(text!("problem-name-one-client-in-from"));
        }
    }

    /// Resolves `timeline` and `observe`.
    pub fn steps(&self, p: &mut Problems) -> Vec<Step> {
        let by_pair = self.cables_by_pair();
        let mut steps = Vec::new();
        let mut work = 0u64;
        for entry in &self.places.spec.entries {
            if let (At::Time(t), Some(end)) = (entry.when.v, &self.places.spec.duration)
                && t > end.v
            {
                p.error("W003", entry.when.at, text!("problem-after-end-run-and-never"))
                    .label(text!("problem-run-ends-at", end = end.v.to_string()))
                    .help(text!("problem-make-duration-longer-or-write"));
            }
            let line = p.line_of(entry.at);
            let made = match &entry.what {
                Deed::Run { node, script } => self.run(entry, node, script, p),
                Deed::Speed { node, port, speed_ppm } => self.speed(node, port, *speed_ppm, p),
                Deed::Set { ends, up, words } => self.set(ends, *up, words, &by_pair, p).into_iter().collect(),
            };
            work += made
                .iter()
                .map(|m| if let StepKind::SetLink { cables, .. } = m { cables.len() as u64 } else { 1 })
                .sum::<u64>();
            if work > MAX_STEPS {
                p.error("E060", entry.at, text!("problem-more-than-things-happen-in", most = MAX_STEPS))
                    .label(text!("problem-counted-with-members-groups"))
                    .help(text!("problem-name-fewer-nodes"));
                return steps;
            }
            steps.extend(made.into_iter().map(|kind| Step { at: entry.when.v, kind, line }));
        }
        steps
    }

    fn run(&self, entry: &Entry, node: &Spot<String>, script: &Script, p: &mut Problems) -> Vec<StepKind> {
        let script = script_spec(script);
        let hosts = self.places.hosts(node, p).unwrap_or_default();
        let run = |node| StepKind::Run { node, script: script.clone(), observe: entry.observe };
        hosts.into_iter().map(run).collect()
    }

    fn speed(
        &self,
        node: &Spot<String>,
        port: &Spot<(Protocol, u16)>,
        speed_ppm: u64,
        p: &mut Problems,
    ) -> Vec<StepKind> {
        let (protocol, number) = port.v;
        let mut steps = Vec::new();
        for id in self.places.hosts(node, p).unwrap_or_default() {
            let Some(host) = self.nodes.get(id.index()) else { continue };
            if !host.serves.iter().any(|s| s.protocol == protocol && s.port == number) {
                let word = |protocol: Protocol, port: u16| format!("{}/{port}", protocol.word());
                let there: Vec<String> = host.serves.iter().map(|s| word(s.protocol, s.port)).collect();
                let label = match there.is_empty() {
                    true => text!("problem-serves-nothing", host = host.name),
                    false => {
                        text!("problem-serves", host = host.name, names = listed(there.iter().map(String::as_str)))
                    }
                };
                p.error(
                    "E047",
                    port.at,
                    text!("problem-does-not-serve", host = quote(&host.name), port = word(protocol, number)),
                )
                .label(label)
                .help(text!("problem-name-what-stands-in-its"));
                break;
            }
            steps.push(StepKind::SetSpeed { node: id, protocol, port: number, speed_ppm });
        }
        steps
    }

    fn cables_by_pair(&self) -> BTreeMap<(NodeId, NodeId), Vec<LinkId>> {
        let mut by_pair: BTreeMap<(NodeId, NodeId), Vec<LinkId>> = BTreeMap::new();
        for (i, cable) in self.cables.iter().enumerate() {
            let (a, b) = (cable.a.node, cable.b.node);
            by_pair.entry((a.min(b), a.max(b))).or_default().push(LinkId(i as u32));
        }
        by_pair
    }

    fn set(
        &self,
        ends: &[Spot<String>; 2],
        up: Option<bool>,
        words: &LinkWords,
        by_pair: &BTreeMap<(NodeId, NodeId), Vec<LinkId>>,
        p: &mut Problems,
    ) -> Option<StepKind> {
        let (a, b) = (self.side(&ends[0], p), self.side(&ends[1], p));
        let set = LinkChange {
            up,
            latency: words.latency.as_ref().map(|x| x.v),
            bandwidth_bps: words.bandwidth.as_ref().map(|x| x.v),
            loss_ppm: words.loss.as_ref().map(|x| x.v),
            mtu: words.mtu.as_ref().map(|x| x.v as u32),
            queue: words.queue.as_ref().map(|x| x.v as u32),
        };
        let (a, b) = (a?, b?);
        if self.broken {
            return None;
        }
        if a.group && b.group {
            p.error("E045", ends[1].at, text!("problem-and-both-groups", a = quote(&ends[0].v), b = quote(&ends[1].v)))
                .label(text!("problem-one-end-must-one-node"))
                .help(text!("problem-name-switch-between-them"));
            return None;
        }
        let fits = |end: &End, side: &Side, node: NodeId| {
            end.node == node && side.interface.is_none_or(|i| end.interface == Some(i))
        };
        let mut cables = Vec::new();
        for &x in &a.nodes {
            for &y in &b.nodes {
                let between = by_pair.get(&(x.min(y), x.max(y))).map_or(&[][..], Vec::as_slice);
                let found: Vec<LinkId> = between
                    .iter()
                    .copied()
                    .filter(|id| {
                        let c = &self.cables[id.0 as usize];
                        (fits(&c.a, &a, x) && fits(&c.b, &b, y)) || (fits(&c.b, &a, x) && fits(&c.a, &b, y))
                    })
                    .collect();
                match found.as_slice() {
                    [one] => cables.push(*one),
                    [] => {
                        self.no_cable(ends, &a, x, p);
                        return None;
                    }
                    several => {
                        self.several(ends, several, p);
                        return None;
                    }
                }
            }
        }
        Some(StepKind::SetLink { ends: [ends[0].v.clone(), ends[1].v.clone()], cables, set })
    }

    /// What `NODE` or `NODE:IFACE` means.
    fn side(&self, word: &Spot<String>, p: &mut Problems) -> Option<Side> {
        let (name, port) = match word.v.split_once(':') {
            Some((name, port)) => (name.trim(), Some(port.trim())),
            None => (word.v.as_str(), None),
        };
        let found = self.places.find(&Spot { v: name.to_string(), at: word.at }, p)?;
        let (entry, nodes, group) = match found {
            Named::Node { entry, member } => (entry, vec![self.places.id(entry, member)], false),
            Named::Group { entry } => (entry, self.places.members(entry).collect(), true),
        };
        let host = self.places.entry(entry);
        let Some(port) = port else { return Some(Side { nodes, interface: None, group }) };
        if host.kind == Some(Kind::Switch) {
            p.error("E041", word.at, text!("problem-switch-its-ports-have-no", name = quote(name)))
                .label(text!("problem-port-made-for-each-cable"))
                .help(text!("problem-write-and-host-s-interface", name = quote(name)));
            return None;
        }
        match host.interfaces.iter().position(|i| i.name.v == port) {
            Some(i) => Some(Side { nodes, interface: Some(i), group }),
            None => {
                unknown_iface(host, port, word.at, p);
                None
            }
        }
    }

    fn no_cable(&self, ends: &[Spot<String>; 2], a: &Side, from: NodeId, p: &mut Problems) {
        if p.full() {
            return;
        }
        let node = &self.nodes[from.index()];
        let mut there: Vec<&str> = Vec::new();
        for cable in self.cables {
            for (near, far) in [(&cable.a, &cable.b), (&cable.b, &cable.a)] {
                if near.node == from && a.interface.is_none_or(|i| near.interface == Some(i)) && there.len() < 13 {
                    there.push(&self.nodes[far.node.index()].name);
                }
            }
        }
        let label = match there.is_empty() {
            true => text!("problem-node-has-no-cable", a = ends[0].v),
            false => text!("problem-from-cables-go", node = node.name, names = listed(there)),
        };
        p.error(
            "E039",
            ends[0].at,
            text!("problem-no-cable-between-and", a = quote(&ends[0].v), b = quote(&ends[1].v)),
        )
        .label(label)
        .help(text!("problem-name-two-ends-one-cable"));
    }

    fn several(&self, ends: &[Spot<String>; 2], found: &[LinkId], p: &mut Problems) {
        if p.full() {
            return;
        }
        let mut words = Vec::new();
        for id in found.iter().take(13) {
            let cable = &self.cables[id.0 as usize];
            let end = if cable.a.interface.is_some() { &cable.a } else { &cable.b };
            if let Some(i) = end.interface {
                let node = &self.nodes[end.node.index()];
                words.push(format!("{}:{}", node.name, node.interfaces[i].name));
            }
        }
        let help = match words.is_empty() {
            true => text!("problem-two-switches-with-several-cables"),
            false => text!("problem-name-interface", names = listed(words.iter().map(String::as_str))),
        };
        p.error(
            "E039",
            ends[0].at,
            text!("problem-cables-between-and", n = found.len(), a = quote(&ends[0].v), b = quote(&ends[1].v)),
        )
        .label(text!("problem-which-one-meant"))
        .help(help);
    }

    /// Resolves `expect`.
    pub fn expect(&self, p: &mut Problems) -> Vec<Expect> {
        let mut all = Vec::new();
        let mut work = 0u64;
        for (place, entry) in self.places.spec.expect.iter().enumerate() {
            let claims = self.claims(&entry.what, p).unwrap_or_default();
            work += claims.len() as u64;
            if work > MAX_STEPS {
                p.error("E060", entry.at, text!("problem-more-than-expectations", most = MAX_STEPS))
                    .label(text!("problem-counted-with-members-groups"))
                    .help(text!("problem-name-fewer-nodes"));
                return all;
            }
            let (line, text) = (p.line_of(entry.at), self.first_line(entry.at));
            let (entry, marking) = (place as u32, &entry.marking);
            let expect = |what| Expect { what, line, text: text.clone(), entry, marking: marking.clone() };
            all.extend(claims.into_iter().map(expect));
        }
        all
    }

    /// What of a submission counts.
    pub fn grading(&self, p: &mut Problems) -> Grading {
        let GradeWords { hosts, keys } = &self.places.spec.grade;
        let ids = |names: &Vec<_>| names.iter().filter_map(|n| self.places.hosts(n, p)).flatten().collect();
        Grading { hosts: hosts.as_ref().map(ids), keys: keys.clone().unwrap_or(Grading::default().keys) }
    }

    /// How an entry is written: the line in which it begins, without dash and indentation, not too long.
    fn first_line(&self, at: Mark) -> String {
        if at.src != 0 {
            return String::new();
        }
        let rest = self.text.get(at.start as usize..).unwrap_or("");
        rest.chars().take(200).take_while(|c| !matches!(c, '\n' | '\r')).collect::<String>().trim().to_string()
    }

    /// The place of a traffic; tells an unknown one.
    fn traffic_index(&self, name: &Spot<String>, p: &mut Problems) -> Option<usize> {
        let spec = self.places.spec;
        let found = self.traffic_names.get(name.v.as_str()).copied();
        if found.is_none() && !spec.traffic_broken && !p.full() && spec.traffic.iter().all(|t| !t.nameless) {
            let names = || spec.traffic.iter().map(|t| t.name.v.as_str());
            let similar = p.similar(&name.v, names());
            let all = listed(names());
            p.error("E036", name.at, text!("problem-no-traffic", name = quote(&name.v)))
                .label(text!("problem-no-entry-traffic-has-name"))
                .suggest(
                    similar,
                    if all.is_none() {
                        text!("problem-there-no-traffic")
                    } else {
                        text!("problem-the-traffic-is", names = all)
                    },
                );
        }
        found
    }

    fn claims(&self, claim: &expect::Claim, p: &mut Problems) -> Option<Vec<Claim>> {
        use expect::Claim as C;
        let places = self.places;
        Some(match claim {
            C::Outcomes { traffic, counts } => {
                vec![Claim::Outcomes { traffic: self.traffic_index(traffic, p)?, counts: counts.clone() }]
            }
            C::Served { traffic, counts } => {
                let traffic = self.traffic_index(traffic, p);
                let read: Vec<_> = counts.iter().map(|(name, n)| places.host(name, p).map(|h| (h, *n))).collect();
                vec![Claim::Served { traffic: traffic?, counts: read.into_iter().collect::<Option<_>>()? }]
            }
            C::Sequence { traffic, servers } => {
                let traffic = self.traffic_index(traffic, p);
                let mut read = Vec::with_capacity(servers.len());
                for server in servers {
                    read.push(match server {
                        None => Some(None),
                        Some(name) => places.host(name, p).map(Some),
                    });
                }
                vec![Claim::Sequence { traffic: traffic?, servers: read.into_iter().collect::<Option<_>>()? }]
            }
            C::Neighbour { address, on, is, when } => {
                let on = places.hosts(on, p);
                let is = match is {
                    None => None,
                    Some(name) => Some(places.host(name, p)?),
                };
                let claim = |on| Claim::Neighbour { address: *address, on, is, at: when.v };
                on?.into_iter().map(claim).collect()
            }
            C::Output { node, script, contains, equals } => {
                let script = script_spec(script);
                let claim = |node| Claim::Output {
                    node,
                    script: script.clone(),
                    contains: contains.clone(),
                    equals: equals.clone(),
                };
                places.hosts(node, p)?.into_iter().map(claim).collect()
            }
            C::Dropped { node, reason, least, most } => {
                let node = match places.find(node, p)? {
                    Named::Node { entry, member } => places.id(entry, member),
                    Named::Group { .. } => places.host(node, p)?,
                };
                if let Some(reason) = reason
                    && !self.names.reasons.is_empty()
                    && !self.names.reasons.contains(&reason.v.as_str())
                {
                    let similar = p.similar(&reason.v, self.names.reasons.iter().copied());
                    p.error("E037", reason.at, text!("problem-no-drop-reason", reason = quote(&reason.v)))
                        .label(text!("problem-no-packet-dies"))
                        .suggest(
                            similar,
                            text!("problem-the-reasons-are", names = listed(self.names.reasons.iter().copied())),
                        );
                }
                vec![Claim::Dropped { node, reason: reason.as_ref().map(|r| r.v.clone()), least: *least, most: *most }]
            }
        })
    }
}

/// The first address of a network that hosts have, and how many of them.
fn addresses_of((network, length): (Ipv4Addr, u8)) -> (Ipv4Addr, u32) {
    match length {
        32 => (network, 1),
        31 => (network, 2),
        _ => (Ipv4Addr::from_bits(network.to_bits() + 1), (u32::MAX >> length) - 1),
    }
}

fn script_spec(script: &Script) -> ScriptSpec {
    ScriptSpec { text: script.text.clone(), line: script.line }
}
