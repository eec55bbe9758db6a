//! Where a packet would go, hop by hop, without sending one: the same look-ups as on the packet path, asked of every host.
//!
//! Where several hosts would answer a who-has, the packet may go to each: every way is followed. Where a host rewrites
//! addresses (nat) or sends into a tunnel, what comes then is [`End::Unknown`], and no lint claims anything of it.

use super::lab::{Asked, Lab, opening};
use crate::base::{DevIdx, NodeId};
use crate::engine::world::World;
use crate::net::arp;
use crate::net::dev::DevKind;
use crate::net::fib::RouteKind;
use crate::net::netfilter::arp::ArpChainId;
use crate::net::netfilter::targets::Target;
use crate::net::netfilter::{Culprit, HookPoint, TableId, Verdict, View, matches::state};
use crate::net::routing::{InError, InRoute, OutRoute};
use crate::node::{Host, Node};
use crate::sysctl::Conf;
use crate::wire::{Arp, ArpOp, Mac};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Hops that are followed; a packet dies after 64.
const MOST_HOPS: usize = 16;
/// Ways that are followed at once.
const MOST_WAYS: usize = 64;

/// Which devices hear each other's broadcasts.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    of: BTreeMap<(NodeId, DevIdx), usize>,
    members: Vec<Vec<(NodeId, DevIdx)>>,
}

impl Segments {
    /// By the cables that are plugged in.
    pub fn new(world: &World) -> Segments {
        // Cables at one switch are one segment: each cable points to an earlier one of its segment.
        let mut root: Vec<usize> = (0..world.links.len()).collect();
        let mut at_switch: BTreeMap<NodeId, usize> = BTreeMap::new();
        let find = |root: &[usize], mut i: usize| {
            while root[i] != i {
                i = root[i];
            }
            i
        };
        for (i, link) in world.links.iter().enumerate().filter(|(_, l)| l.is_up()) {
            for end in link.ends {
                if matches!(world.nodes[end.node.index()], Node::Switch(_)) {
                    let other = *at_switch.entry(end.node).or_insert(i);
                    let (a, b) = (find(&root, i), find(&root, other));
                    root[a.max(b)] = a.min(b);
                    at_switch.insert(end.node, a.min(b));
                }
            }
        }
        let mut segments = Segments::default();
        let mut number: BTreeMap<usize, usize> = BTreeMap::new();
        for (i, link) in world.links.iter().enumerate().filter(|(_, l)| l.is_up()) {
            let next = number.len();
            let n = *number.entry(find(&root, i)).or_insert(next);
            segments.members.resize(number.len(), Vec::new());
            for end in link.ends {
                if matches!(world.nodes[end.node.index()], Node::Host(_)) {
                    segments.of.insert((end.node, end.dev), n);
                    segments.members[n].push((end.node, end.dev));
                }
            }
        }
        segments
    }

    /// Everybody on the segment of a device, itself included; nobody if it has no cable.
    pub fn at(&self, node: NodeId, dev: DevIdx) -> &[(NodeId, DevIdx)] {
        self.of.get(&(node, dev)).map_or(&[], |&n| &self.members[n])
    }

    /// The devices of a host that are on the segment of a device.
    pub fn devices(&self, of: NodeId, with: (NodeId, DevIdx)) -> impl Iterator<Item = (NodeId, DevIdx)> + '_ {
        let segment = self.of.get(&with).copied();
        let devices = self.of.range((of, DevIdx(0))..=(of, DevIdx(u16::MAX)));
        devices.filter(move |(_, n)| segment.is_some_and(|s| s == **n)).map(|(at, _)| *at)
    }

    /// Every segment.
    pub fn all(&self) -> &[Vec<(NodeId, DevIdx)>] {
        &self.members
    }

    /// Whether two hosts share a segment.
    pub fn together(&self, a: NodeId, b: NodeId) -> bool {
        self.members.iter().any(|m| m.iter().any(|&(n, _)| n == a) && m.iter().any(|&(n, _)| n == b))
    }
}

/// Who may answer for an address, without asking every host.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    exact: BTreeMap<Ipv4Addr, Vec<NodeId>>,
    /// Hosts that may answer for more than their addresses: whole networks are local to them, or they answer for others.
    wide: Vec<NodeId>,
}

impl Owners {
    /// By the addresses and local routes of every host.
    pub fn new(world: &World) -> Owners {
        let mut owners = Owners::default();
        for (i, node) in world.nodes.iter().enumerate() {
            let (Node::Host(host), id) = (node, NodeId(i as u32)) else { continue };
            let net = &host.net;
            for addr in net.devs.iter().filter(|d| !d.gone).flat_map(|d| &d.addrs) {
                let list = owners.exact.entry(addr.local).or_default();
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
            let network = |r: &crate::net::Route| {
                r.kind == RouteKind::Local && r.dst.prefix_len() < 32 && !r.dst.addr().is_loopback()
            };
            let proxy = net.devs.iter().any(|d| net.sysctl.on(Conf::ProxyArp, d.idx)) || !net.proxies.is_empty();
            if proxy || net.custom_local_routes || net.fib.routes().iter().any(network) {
                owners.wide.push(id);
            }
        }
        owners
    }

    /// The hosts that have the address, in order.
    pub fn of(&self, addr: Ipv4Addr) -> &[NodeId] {
        self.exact.get(&addr).map_or(&[], Vec::as_slice)
    }

    /// Those, and who may answer besides.
    fn candidates(&self, addr: Ipv4Addr) -> BTreeSet<NodeId> {
        self.of(addr).iter().chain(&self.wide).copied().collect()
    }
}

/// How a way ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The packet is for this host.
    Arrived,
    /// It came by this device and is refused.
    Refused(DevIdx, InError),
    /// The host's own packet finds no route.
    NoRoute,
    /// Nobody answers for this address on this device.
    Nobody(DevIdx, Ipv4Addr),
    /// A rule ends it.
    Filtered(TableId, Culprit),
    /// It cannot be told.
    Unknown,
}

/// A way: the hosts that the packet comes to, by which device, and how it ends at the last.
#[derive(Clone, Debug)]
pub struct Way {
    /// After the sender, in order.
    pub hops: Vec<(NodeId, DevIdx)>,
    /// The end.
    pub end: End,
}

impl Way {
    /// The last host; nothing if the packet did not leave its sender.
    pub fn last(&self) -> Option<(NodeId, DevIdx)> {
        self.hops.last().copied()
    }

    /// Whether it passes a host.
    pub fn passes(&self, node: NodeId) -> bool {
        self.hops.iter().any(|&(n, _)| n == node)
    }
}

/// A packet as far as ways depend on it. Rules are asked about a request only: an answer belongs to a connection.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// Source.
    pub saddr: Ipv4Addr,
    /// Destination.
    pub daddr: Ipv4Addr,
    /// The request that it is.
    pub request: Option<&'a Asked>,
}

impl Lab<'_> {
    /// Every way of a host's own packet.
    pub fn ways(&self, from: NodeId, parcel: Parcel<'_>) -> Vec<Way> {
        let source = Some(parcel.saddr).filter(|s| !s.is_unspecified());
        match self.host(from).net.output_route(parcel.daddr, source, None, 0) {
            Ok(route) => self.ways_by(from, &route, parcel),
            Err(_) => vec![Way { hops: Vec::new(), end: End::NoRoute }],
        }
    }

    /// Every way of a packet that leaves a host by a route.
    pub fn ways_by(&self, from: NodeId, route: &OutRoute, parcel: Parcel<'_>) -> Vec<Way> {
        let mut done = Vec::new();
        if route.kind != RouteKind::Unicast {
            let end = if route.kind == RouteKind::Local { End::Arrived } else { End::Unknown };
            return vec![Way { hops: vec![(from, DevIdx::LO)], end }];
        }
        let mut open = Vec::new();
        self.leave(from, route.dev, route.via.unwrap_or(parcel.daddr), parcel, Vec::new(), &mut open, &mut done);
        while let Some(hops) = open.pop() {
            if done.len() + open.len() > MOST_WAYS || hops.len() > MOST_HOPS {
                done.push(Way { hops, end: End::Unknown });
                continue;
            }
            self.step(hops, parcel, &mut open, &mut done);
        }
        done
    }

    fn step(
        &self,
        hops: Vec<(NodeId, DevIdx)>,
        parcel: Parcel<'_>,
        open: &mut Vec<Vec<(NodeId, DevIdx)>>,
        done: &mut Vec<Way>,
    ) {
        let &(node, dev) = hops.last().expect("a way under way has a hop");
        let host = self.host(node);
        if rewrites(host) {
            return done.push(Way { hops, end: End::Unknown });
        }
        let before = match self.rules(node, HookPoint::PreRouting, parcel, Some(dev), None, 0) {
            Ok(mark) => mark,
            Err((table, culprit)) => return done.push(Way { hops, end: End::Filtered(table, culprit) }),
        };
        match host.net.input_route(parcel.daddr, parcel.saddr, dev, before, 0) {
            Ok(InRoute::Local(_)) => match self.rules(node, HookPoint::LocalIn, parcel, Some(dev), None, before) {
                Ok(_) => done.push(Way { hops, end: End::Arrived }),
                Err((table, culprit)) => done.push(Way { hops, end: End::Filtered(table, culprit) }),
            },
            Ok(InRoute::Forward { hit, .. }) => {
                match self.rules(node, HookPoint::Forward, parcel, Some(dev), Some(hit.dev), before) {
                    Ok(_) => {
                        let next = hit.gateway().unwrap_or(parcel.daddr);
                        self.leave(node, hit.dev, next, parcel, hops, open, done);
                    }
                    Err((table, culprit)) => done.push(Way { hops, end: End::Filtered(table, culprit) }),
                }
            }
            Ok(InRoute::Broadcast(_) | InRoute::Multicast) => done.push(Way { hops, end: End::Unknown }),
            Err(error) => done.push(Way { hops, end: End::Refused(dev, error) }),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a packet on its way has a place, a goal and a past")]
    fn leave(
        &self,
        node: NodeId,
        dev: DevIdx,
        next: Ipv4Addr,
        parcel: Parcel<'_>,
        hops: Vec<(NodeId, DevIdx)>,
        open: &mut Vec<Vec<(NodeId, DevIdx)>>,
        done: &mut Vec<Way>,
    ) {
        let d = &self.host(node).net.devs[dev.index()];
        if d.kind != DevKind::Ethernet || d.noarp {
            return done.push(Way { hops, end: End::Unknown });
        }
        let goals = self.hearers(node, dev, next, parcel.saddr);
        if goals.is_empty() {
            return done.push(Way { hops, end: End::Nobody(dev, next) });
        }
        for goal in goals {
            let mut hops = hops.clone();
            hops.push(goal);
            open.push(hops);
        }
    }

    /// Who gets a frame for `next`: who is in the neighbour cache, or else everybody who would answer.
    pub fn hearers(&self, node: NodeId, dev: DevIdx, next: Ipv4Addr, waiting: Ipv4Addr) -> Vec<(NodeId, DevIdx)> {
        let host = self.host(node);
        if !host.net.devs[dev.index()].running() {
            return Vec::new();
        }
        let others = || self.segments.at(node, dev).iter().filter(|&&(n, _)| n != node).copied();
        let mac = |(n, d): (NodeId, DevIdx)| self.host(n).net.devs[d.index()].mac;
        if let Some(known) = host.net.neigh.get(dev, next).filter(|n| n.state.valid()) {
            return others().filter(|&at| mac(at) == known.mac).collect();
        }
        let is_local = |a| host.net.is_local(a);
        let Some(sender) = arp::sender(&host.net.devs, &host.net.sysctl, dev, next, Some(waiting), is_local) else {
            return Vec::new();
        };
        let candidates = self.owners.candidates(next).into_iter().filter(|&n| n != node);
        let there = candidates.flat_map(|n| self.segments.devices(n, (node, dev)));
        there.filter(|&(n, d)| self.answers(n, d, sender, next)).collect()
    }

    /// Whether a host that hears a who-has on a device answers it.
    pub fn answers(&self, node: NodeId, dev: DevIdx, sip: Ipv4Addr, tip: Ipv4Addr) -> bool {
        let host = self.host(node);
        let net = &host.net;
        if !net.devs[dev.index()].running() || !arp::speaks(&net.devs, dev) {
            return false;
        }
        let mine = match net.input_route(tip, sip, dev, 0, 0) {
            Ok(InRoute::Local(_)) => {
                let back = || net.output_route(sip, Some(tip), None, 0).is_ok_and(|r| r.dev == dev);
                arp::may_answer(&net.devs, &net.sysctl, dev, sip, tip)
                    && (!net.sysctl.on(Conf::ArpFilter, dev) || back())
            }
            Ok(InRoute::Forward { hit, .. }) => {
                let proxied = |&(d, a): &(Option<DevIdx>, Ipv4Addr)| a == tip && d.is_none_or(|d| d == dev);
                host.forwards(dev)
                    && hit.dev != dev
                    && (net.sysctl.on(Conf::ProxyArp, dev) || net.proxies.iter().any(proxied))
            }
            Ok(InRoute::Broadcast(_) | InRoute::Multicast) | Err(_) => false,
        };
        mine && self.arp_rules(node, dev, sip, tip).is_none()
    }

    /// The rule of arptables that keeps a host from answering.
    pub fn arp_rules(&self, node: NodeId, dev: DevIdx, sip: Ipv4Addr, tip: Ipv4Addr) -> Option<Culprit> {
        let host = self.host(node);
        let (name, mac) = (&host.net.devs[dev.index()].name, host.net.devs[dev.index()].mac);
        let mut table = host.netfilter.arp.clone();
        // Any other card's address will do for the asker.
        let asker = Mac([2, 0, 0, 0, 0xff, 0xfe]);
        let request = Arp { op: ArpOp::Request, sha: asker, spa: sip, tha: Mac::ZERO, tpa: tip };
        let heard = match table.run(ArpChainId::INPUT, &request, Some(name), None) {
            Ok(heard) => heard,
            Err(culprit) => return Some(culprit),
        };
        let reply = Arp { op: ArpOp::Reply, sha: mac, spa: heard.tpa, tha: asker, tpa: heard.spa };
        table.run(ArpChainId::OUTPUT, &reply, None, Some(name)).err()
    }

    /// Asks the tables of a host about a request; the mark that it has then, or the rule that ended it.
    pub fn rules(
        &self,
        node: NodeId,
        at: HookPoint,
        parcel: Parcel<'_>,
        input: Option<DevIdx>,
        output: Option<DevIdx>,
        mark: u32,
    ) -> Result<u32, (TableId, Culprit)> {
        let host = self.host(node);
        let Some(asked) = parcel.request.filter(|_| host.netfilter.active()) else { return Ok(mark) };
        let mut netfilter = host.netfilter.clone();
        let mut pkt = opening(asked);
        (pkt.saddr, pkt.daddr) = (parcel.saddr, parcel.daddr);
        let name = |d: DevIdx| &*host.net.devs[d.index()].name;
        let state = if netfilter.tracking() { state::NEW } else { state::INVALID };
        let (input, output) = (input.map(name), output.map(name));
        let mut view = View { input, output, mark, state, ..View::new(&mut pkt) };
        for table in [TableId::Raw, TableId::Mangle, TableId::Filter, TableId::Security] {
            match netfilter.run(table, at, &mut view) {
                Verdict::Accept | Verdict::Nat(..) => {}
                Verdict::Drop(culprit) | Verdict::Reject(_, culprit) => return Err((table, culprit)),
            }
        }
        Ok(view.mark)
    }
}

/// Whether rules of a host translate addresses.
pub fn rewrites(host: &Host) -> bool {
    let Some(nat) = host.netfilter.table(TableId::Nat) else { return false };
    nat.listed().iter().any(|&id| nat.chain(id).rules.iter().any(|r| matches!(r.target, Target::Nat(_))))
}
