//! What `why` looks at: a finished run with its world, and what many questions about it have in common.
//!
//! Evidence is what happened (records); the state of the world at the end explains it.

use super::lineage::{ends_in, ids};
use crate::base::{NodeId, SimTime};
use crate::net::DevKind;
use crate::node::Host;
use crate::report::facts::{Question, questions};
use crate::report::log::{ConnectionRow, Drop, Outcome, RunLog};
use crate::scenario::model::Kind;
use crate::scenario::play::Play;
use crate::trace::{Dir, DropReason, Record, TraceEvent};
use crate::wire::{Frame, L3, Mac};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// One end of a connection.
pub type End = (Ipv4Addr, u16);

/// A finished run, opened.
#[derive(Debug)]
pub struct Lab<'a> {
    /// The run as reports read it.
    pub log: RunLog<'a>,
    /// The world at its end, and what was typed.
    pub play: &'a Play<'a>,
    /// Every who-has.
    pub questions: Vec<Question>,
    /// Every server that a virtual service ever had.
    pub servers: Vec<Server>,
    /// Addresses that clients connect to, and those of virtual services.
    pub vips: BTreeSet<Ipv4Addr>,
    /// Whether any host balances.
    pub balanced: bool,
    /// The addresses of those who connect.
    pub clients: BTreeSet<Ipv4Addr>,
    /// Losses that may have done harm: those of connections that failed; where none failed, those of no connection.
    pub losses: Vec<Lost>,
}

/// A server of a virtual service.
#[derive(Clone, Debug)]
pub struct Server {
    /// The host with the table.
    pub director: NodeId,
    /// As ipvsadm names it.
    pub service: String,
    /// The virtual addresses: that of the service; of a mark, all that are connected to.
    pub vips: Vec<Ipv4Addr>,
    /// The virtual port; 0 for all.
    pub vport: u16,
    /// Its address and port.
    pub addr: End,
    /// `Masq`, `Route`, `Tunnel`, as ipvsadm prints it.
    pub method: &'static str,
    /// The weight.
    pub weight: i32,
    /// The host that has the address.
    pub host: Option<NodeId>,
    /// Whether connections that failed were sent to it.
    pub failed: bool,
}

/// The option of ipvsadm for a method, as [`Server::method`] has it.
pub fn option(method: &str) -> &'static str {
    match method {
        "Masq" => "-m",
        "Tunnel" => "-i",
        _ => "-g",
    }
}

/// `-t 10.0.0.100:80`, as a command names the service.
pub fn service_words(service: &str) -> String {
    match service.split_once(' ') {
        Some(("TCP", end)) => format!("-t {end}"),
        Some(("UDP", end)) => format!("-u {end}"),
        Some((_, mark)) => format!("-f {mark}"),
        None => service.to_string(),
    }
}

/// A loss, kept apart from the trace.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The loss.
    pub at: SimTime,
    /// Where.
    pub node: NodeId,
    /// Its place among all losses of the run.
    pub number: usize,
}

impl<'a> Lab<'a> {
    /// Opens a run that was traced with its decisions.
    pub fn new(log: RunLog<'a>, play: &'a Play<'a>) -> Lab<'a> {
        let questions = questions(&log);
        let mut vips: BTreeSet<Ipv4Addr> = log.connections.iter().map(|c| c.to.0).collect();
        vips.extend(log.services.iter().filter_map(|s| s.vip));
        let mut lab = Lab {
            log,
            play,
            questions,
            servers: Vec::new(),
            vips,
            balanced: false,
            clients: BTreeSet::new(),
            losses: Vec::new(),
        };
        let balanced = lab.hosts().any(|h| lab.is_director(h.id));
        lab.balanced = balanced;
        lab.clients = lab.find_clients();
        lab.servers = lab.find_servers();
        // Who connects to a server itself does not make its address a virtual one.
        let own: BTreeSet<Ipv4Addr> = lab.servers.iter().map(|s| s.addr.0).collect();
        let service = |v: &Ipv4Addr| lab.log.services.iter().any(|s| s.vip == Some(*v));
        lab.vips = lab.vips.iter().copied().filter(|v| service(v) || !own.contains(v)).collect();
        lab.losses = lab.find_losses();
        lab
    }

    /// The connections that were not answered.
    pub fn failed(&self) -> impl Iterator<Item = &ConnectionRow> {
        self.log.connections.iter().filter(|c| c.outcome != Outcome::Ok)
    }

    /// Whether anything that was tried or expected did not come out.
    pub fn wrong(&self) -> bool {
        self.log.expectations.iter().any(|e| !e.holds) || self.failed().next().is_some() || !self.losses.is_empty()
    }

    /// A host.
    pub fn host(&self, node: NodeId) -> Option<&'a Host> {
        self.play.world.host(node)
    }

    /// Every host, in the order of the file.
    pub fn hosts(&self) -> impl Iterator<Item = &'a Host> {
        self.play.world.nodes.iter().filter_map(|n| n.host())
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &str {
        self.log.node(node)
    }

    /// The first host that has the address.
    pub fn owner(&self, addr: Ipv4Addr) -> Option<&'a Host> {
        self.hosts().find(|h| h.net.has_addr(addr))
    }

    /// The host of a hardware address.
    pub fn of_mac(&self, mac: Mac) -> Option<&'a Host> {
        (mac != Mac::ZERO).then(|| self.hosts().find(|h| h.net.devices().any(|d| d.mac == mac)))?
    }

    /// Whether the host balances, or is said to.
    pub fn is_director(&self, node: NodeId) -> bool {
        self.kind(node) == Some(Kind::Director) || self.host(node).is_some_and(|h| h.ipvs.active())
    }

    /// What the file calls the node.
    pub fn kind(&self, node: NodeId) -> Option<Kind> {
        self.play.scenario.nodes.get(node.index()).map(|n| n.kind)
    }

    /// Whether a virtual service has the host among its servers, or the file calls it one.
    pub fn is_server(&self, node: NodeId) -> bool {
        self.kind(node) == Some(Kind::RealServer) || self.servers.iter().any(|s| s.host == Some(node))
    }

    /// The gateway of the host's way to an address; none if it is on the link, or there is no way.
    pub fn gateway(&self, host: &Host, to: Ipv4Addr) -> Option<Ipv4Addr> {
        host.net.output_route(to, None, None, 0).ok()?.via
    }

    /// Whether the host's gateway for strangers is an address of `other`.
    pub fn gateway_is(&self, host: &Host, other: NodeId) -> bool {
        let gateways = host.net.fib.routes().iter().filter(|r| r.dst.prefix_len() == 0).filter_map(|r| r.via);
        let other = self.host(other);
        gateways.into_iter().any(|g| other.is_some_and(|o| o.net.has_addr(g)))
    }

    /// Where the host has the address: the device and the prefix length.
    pub fn place(&self, host: &Host, addr: Ipv4Addr) -> Option<(String, u8, DevKind)> {
        let find = |d: &crate::net::Dev| {
            d.addrs.iter().find(|a| a.local == addr).map(|a| (d.name.to_string(), a.prefix, d.kind))
        };
        host.net.devices().find_map(find)
    }

    /// The losses that count, each with its packet and reason.
    pub fn drops(&self) -> impl Iterator<Item = Drop<'_>> {
        let mut numbers: BTreeSet<usize> = self.losses.iter().map(|l| l.number).collect();
        self.log.drops().enumerate().filter(move |(i, _)| numbers.remove(i)).map(|(_, d)| d)
    }

    /// Both ends of a connection as its client has them.
    pub fn client_ends(&self, c: &ConnectionRow) -> BTreeSet<End> {
        let client = self.log.nodes.iter().find(|n| *n.name == *c.client);
        let addrs = client.into_iter().flat_map(|n| n.devs.iter().flat_map(|d| d.addrs.iter().map(|a| a.0)));
        addrs.map(|a| (a, c.source_port)).collect()
    }

    /// Frames that passed a device, in order of time.
    pub fn frames(&self) -> impl Iterator<Item = (&'a Record, Dir, &'a Frame)> {
        self.log.records.iter().filter_map(|r| match &r.event {
            TraceEvent::Frame { dir, frame, .. } => Some((r, *dir, &**frame)),
            _ => None,
        })
    }

    fn find_clients(&self) -> BTreeSet<Ipv4Addr> {
        let names: BTreeSet<&str> = self.log.connections.iter().map(|c| &*c.client).collect();
        let clients = self.log.nodes.iter().filter(|n| names.contains(n.name.as_str()));
        let addrs = clients.flat_map(|n| n.devs.iter().flat_map(|d| d.addrs.iter().map(|a| a.0)));
        addrs.filter(|a| !a.is_loopback()).collect()
    }

    /// Servers as commands and tables have them, with what became of connections that were sent there.
    fn find_servers(&self) -> Vec<Server> {
        type Key = (NodeId, String, End);
        let mut rows: BTreeMap<Key, (&'static str, i32)> = BTreeMap::new();
        for r in self.log.records {
            if let TraceEvent::ServerSet { service, dest, to: Some(to) } = &r.event {
                rows.insert((r.node, service.to_string(), *dest), *to);
            }
        }
        for host in self.hosts() {
            for service in host.ipvs.services() {
                for d in service.dests() {
                    rows.insert((host.id, service.key().to_string(), (d.addr, d.port)), (d.method.column(), d.weight));
                }
            }
        }
        let failed = self.failed_dests();
        let server = |((director, service, addr), (method, weight)): (Key, (&'static str, i32))| {
            let ends = service.split_once(' ').and_then(|(_, end)| end.rsplit_once(':'));
            let vip = ends.and_then(|(vip, _)| vip.parse().ok());
            let all = || self.log.connections.iter().map(|c| c.to.0).collect::<BTreeSet<_>>().into_iter().collect();
            Server {
                vips: vip.map_or_else(all, |v| vec![v]),
                vport: ends.and_then(|(_, port)| port.parse().ok()).unwrap_or(0),
                host: self.owner(addr.0).map(|h| h.id),
                failed: failed.contains(&(director, addr)),
                director,
                service,
                addr,
                method,
                weight,
            }
        };
        rows.into_iter().map(server).collect()
    }

    /// Where the packets of failed connections were sent by IPVS.
    fn failed_dests(&self) -> BTreeSet<(NodeId, End)> {
        let ends: BTreeSet<End> = self.failed().flat_map(|c| self.client_ends(c)).collect();
        let mut out = BTreeSet::new();
        for r in self.log.records {
            if let TraceEvent::Scheduled { packet, dest, .. } = &r.event
                && packet.l4.ports().is_some_and(|p| ends.contains(&(packet.saddr, p.0)))
            {
                out.insert((r.node, *dest));
            }
        }
        out
    }

    fn find_losses(&self) -> Vec<Lost> {
        let of = |ok: bool| -> BTreeSet<End> {
            let all = self.log.connections.iter().filter(|c| (c.outcome == Outcome::Ok) == ok);
            all.flat_map(|c| self.client_ends(c)).collect()
        };
        let (good, bad) = (of(true), of(false));
        // Translation may hide a client; the packet's number stays.
        let mut bad_ids: BTreeSet<u32> = BTreeSet::new();
        for (_, _, frame) in self.frames() {
            if let L3::Ip(p) = &frame.l3
                && ends_in(p, &bad)
            {
                bad_ids.extend(ids(p));
            }
        }
        let counts = |d: &Drop<'_>| match (&d.frame.l3, d.harmless()) {
            (_, true) => false,
            // A filter may keep ARP away on purpose; a cable does not.
            (L3::Arp(_), _) => !bad.is_empty() && on_the_wire(d.reason),
            (L3::Ip(p), _) if !bad.is_empty() => ends_in(p, &bad) || ids(p).any(|id| bad_ids.contains(&id)),
            (L3::Ip(p), _) => !ends_in(p, &good) && !p.daddr.is_multicast() && !p.daddr.is_broadcast(),
        };
        let all = self.log.drops().enumerate().filter(|(_, d)| counts(d));
        all.map(|(number, d)| Lost { at: d.at, node: d.node, number }).collect()
    }
}

/// Whether a cable or an interface lost it, whatever it was.
fn on_the_wire(reason: &DropReason) -> bool {
    use DropReason::{DevDown, LinkLoss, LinkQueueFull, NoCarrier};
    matches!(reason, LinkLoss | LinkQueueFull { .. } | NoCarrier | DevDown)
}
