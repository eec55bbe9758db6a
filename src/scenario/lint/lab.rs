//! The lab as its first connection finds it: the set-up is played, and the timeline up to that moment; no traffic is run.
//!
//! What a lint may claim of a connection holds for those that meet this state: of the traffic that starts before anything
//! else is typed or a cable changes. Set-up is bounded like a run; one that does not end is told ([`Unsettled`]).

use super::journal::Journal;
use super::places::Places;
use super::walk::{End, Owners, Parcel, Segments, Way};
use crate::base::{DevIdx, NodeId, Seed, Span};
use crate::engine::world::{Limits, World};
use crate::ipvs::{Method, ServiceKey};
use crate::net::netfilter::{HookPoint, TableId, View};
use crate::node::Host;
use crate::scenario::Scenario;
use crate::scenario::model::{At, Protocol, StepKind};
use crate::scenario::play::{Ending, LONGEST, Play};
use crate::trace::{TraceMask, Tracer};
use crate::wire::{Body, Datagram, IpPacket, L4, PacketId, Proto, TcpFlags, TcpSegment};
use std::net::Ipv4Addr;

/// More than the set-up of any lab needs; a ping that floods reaches it.
const LIMITS: Limits = Limits { events: 3_000_000, pending: 500_000, moves: 10_000 };
/// Programs that lvsim does not simulate and that change what a host is.
const SETS_THINGS: &[&str] = &[
    "brctl",
    "bridge",
    "firewall-cmd",
    "ifdown",
    "ifup",
    "ipset",
    "keepalived",
    "ldirectord",
    "nft",
    "nmcli",
    "tc",
    "ufw",
];
/// Commands that are remembered.
const MOST_COMMANDS: usize = 20_000;
/// Clients that are looked at for one service: those behind are alike.
const MOST_CLIENTS: usize = 16;

/// Set-up did not end, so there is nothing to lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The host that was still busy, if it was one.
    pub node: Option<String>,
    /// Why, in a few words.
    pub why: String,
}

/// A connection that will be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Its place in the list of traffic.
    pub traffic: usize,
    /// Who asks.
    pub client: NodeId,
    /// Its address, if it has a route.
    pub from: Ipv4Addr,
    /// What it asks for.
    pub to: (Ipv4Addr, u16),
    /// By which protocol.
    pub proto: Proto,
}

/// A server of a service.
#[derive(Clone, Copy, Debug)]
pub struct Real {
    /// Its address.
    pub addr: Ipv4Addr,
    /// Its port; 0 keeps the packet's.
    pub port: u16,
    /// How packets reach it.
    pub method: Method,
    /// Its weight.
    pub weight: i32,
    /// The host that has the address, if one has.
    pub host: Option<NodeId>,
}

/// A virtual service.
#[derive(Clone, Debug)]
pub struct Virtual {
    /// The director.
    pub node: NodeId,
    /// What it is called.
    pub key: ServiceKey,
    /// Its protocol; of a mark that of who asks, or TCP.
    pub proto: Proto,
    /// The address; of a mark the one that is asked for.
    pub vip: Option<Ipv4Addr>,
    /// The port; 0 for any.
    pub port: u16,
    /// The scheduler.
    pub scheduler: &'static str,
    /// Whether it is persistent.
    pub persistent: bool,
    /// Its servers, newest first.
    pub reals: Vec<Real>,
    /// Connections that will come to it.
    pub asked: Vec<Asked>,
    /// There are some, and all come to the director, whoever answers who-has.
    pub reached: bool,
}

impl Virtual {
    /// As one types it: `-t 10.0.0.1:80`.
    pub fn option(&self) -> String {
        match self.key {
            ServiceKey::Addr { proto, addr, port } => {
                format!("{} {addr}:{port}", if proto == Proto::Udp { "-u" } else { "-t" })
            }
            ServiceKey::Mark(mark) => format!("-f {mark}"),
        }
    }

    /// The server as one types it.
    pub fn real_option(&self, real: &Real) -> String {
        match real.port {
            0 => real.addr.to_string(),
            port => format!("{}:{port}", real.addr),
        }
    }

    /// The port that a packet for `asked` has when it comes to the server.
    pub fn port_at(&self, real: &Real, asked: u16) -> u16 {
        match real.method {
            Method::Nat if real.port != 0 => real.port,
            _ if self.port != 0 => self.port,
            _ => asked,
        }
    }
}

/// The lab.
#[derive(Debug)]
pub struct Lab<'s> {
    /// The file, resolved.
    pub scenario: &'s Scenario,
    /// The world.
    pub world: World,
    /// What was typed.
    pub journal: Journal,
    /// Where things stand in the file.
    pub places: Places<'s>,
    /// Who hears whom.
    pub segments: Segments,
    /// Who has which address.
    pub owners: Owners,
    /// Every virtual service.
    pub services: Vec<Virtual>,
    /// Connections that meet this state; none if it is not sure.
    pub asked: Vec<Asked>,
    /// A program was typed that sets addresses, services or rules, and is not simulated: Linux has more than is here.
    pub unsure: bool,
}

impl<'s> Lab<'s> {
    /// Plays the set-up.
    ///
    /// # Errors
    /// It does not end.
    pub fn new(scenario: &'s Scenario, text: &'s str, seed: Seed) -> Result<Lab<'s>, Unsettled> {
        let first = scenario.traffic.iter().map(|t| t.start).min().unwrap_or(Span::ZERO).min(LONGEST);
        let mut quiet = scenario.clone();
        quiet.traffic.clear();
        quiet.expect.clear();
        quiet.steps.retain(|s| s.at != At::End);
        let mut tracer = Tracer::new(TraceMask::RAN | TraceMask::TYPED, MOST_COMMANDS);
        let (world, busy) = play(&quiet, seed, first, &mut tracer)?;
        let places = Places::new(text);
        let mut lab = Lab {
            scenario,
            segments: Segments::new(&world),
            owners: Owners::new(&world),
            journal: Journal::new(scenario, &places, tracer.records()),
            places,
            world,
            services: Vec::new(),
            asked: Vec::new(),
            unsure: false,
        };
        lab.unsure = lab.world.processes.not_simulated().any(|name| SETS_THINGS.contains(&name));
        if !lab.unsure {
            lab.asked = lab.who_asks(first, busy);
        }
        lab.services = lab.virtuals();
        let reached: Vec<bool> = lab.services.iter().map(|s| lab.is_reached(s)).collect();
        lab.services.iter_mut().zip(reached).for_each(|(s, reached)| s.reached = reached);
        Ok(lab)
    }

    /// A host; lints are asked about hosts only.
    pub fn host(&self, node: NodeId) -> &Host {
        self.world.host(node).expect("a lint asks about a host")
    }

    /// A node's name.
    pub fn name(&self, node: NodeId) -> &'s str {
        self.scenario.node_name(node)
    }

    /// Every host.
    pub fn hosts(&self) -> impl Iterator<Item = (NodeId, &Host)> {
        let id = |i: usize| NodeId(i as u32);
        (0..self.world.nodes.len()).filter_map(move |i| Some((id(i), self.world.host(id(i))?)))
    }

    /// Whether a host has the address on a device, `lo` included.
    pub fn owns(&self, node: NodeId, addr: Ipv4Addr) -> bool {
        self.device_of(node, addr).is_some()
    }

    /// The device on which a host has the address.
    pub fn device_of(&self, node: NodeId, addr: Ipv4Addr) -> Option<DevIdx> {
        let has = |d: &&crate::net::Dev| !d.gone && d.addrs.iter().any(|a| a.local == addr);
        self.host(node).net.devs.iter().find(has).map(|d| d.idx)
    }

    /// A device's name.
    pub fn device(&self, node: NodeId, dev: DevIdx) -> &str {
        &self.host(node).net.devs[dev.index()].name
    }

    /// The mark that rules of mangle give to the first packet of a connection.
    pub fn mark_of(&self, node: NodeId, asked: &Asked) -> u32 {
        let host = self.host(node);
        if host.netfilter.table(TableId::Mangle).is_none() {
            return 0;
        }
        let mut netfilter = host.netfilter.clone();
        let mut mark = |dev: &crate::net::Dev| {
            let mut pkt = opening(asked);
            let mut view = View { input: Some(&dev.name), ..View::new(&mut pkt) };
            netfilter.run(TableId::Mangle, HookPoint::PreRouting, &mut view);
            view.mark
        };
        // By which card it comes is not asked here: rules that name one name the clients' one.
        host.net.devices().filter(|d| !d.is_loopback()).map(&mut mark).find(|&m| m != 0).unwrap_or(0)
    }

    fn who_asks(&self, first: Span, busy: bool) -> Vec<Asked> {
        let acts = |k: &StepKind| !matches!(k, StepKind::Run { observe: true, .. });
        let undisturbed = |start: Span| {
            let between = |at: At| matches!(at, At::Time(t) if t >= first && t < start);
            start == first || !(busy || self.scenario.steps.iter().any(|s| acts(&s.kind) && between(s.at)))
        };
        let mut all = Vec::new();
        for (traffic, t) in self.scenario.traffic.iter().enumerate().filter(|(_, t)| undisturbed(t.start)) {
            for &client in t.from.iter().take(MOST_CLIENTS) {
                let route = self.world.host(client).and_then(|h| h.net.output_route(t.to.0, None, None, 0).ok());
                let from = route.map_or(Ipv4Addr::UNSPECIFIED, |r| r.saddr);
                let proto = if t.protocol == Protocol::Udp { Proto::Udp } else { Proto::Tcp };
                all.push(Asked { traffic, client, from, to: t.to, proto });
            }
        }
        all
    }

    fn virtuals(&self) -> Vec<Virtual> {
        let mut all = Vec::new();
        for (node, host) in self.hosts() {
            for view in host.ipvs.services() {
                let key = view.key();
                let asked: Vec<Asked> =
                    self.asked.iter().filter(|a| self.comes_to(node, &key, a)).copied().take(MOST_CLIENTS).collect();
                let (proto, vip, port) = match key {
                    ServiceKey::Addr { proto, addr, port } => (proto, Some(addr), port),
                    ServiceKey::Mark(_) => {
                        let first = asked.first();
                        (first.map_or(Proto::Tcp, |a| a.proto), first.map(|a| a.to.0), 0)
                    }
                };
                let real = |d: &crate::ipvs::Dest| Real {
                    addr: d.addr,
                    port: d.port,
                    method: d.method,
                    weight: d.weight,
                    host: self.who_has(node, d.addr),
                };
                let persistent = view.spec().persistent.is_some();
                let reals = view.dests().map(real).collect();
                all.push(Virtual {
                    node,
                    key,
                    proto,
                    vip,
                    port,
                    scheduler: view.scheduler(),
                    persistent,
                    reals,
                    asked,
                    reached: false,
                });
            }
        }
        all
    }

    /// Whether IPVS on `node` takes the connection for this service: a mark first, then the port, then port 0.
    fn comes_to(&self, node: NodeId, key: &ServiceKey, asked: &Asked) -> bool {
        let ipvs = &self.host(node).ipvs;
        let mark = self.mark_of(node, asked);
        let (proto, (addr, port)) = (asked.proto, asked.to);
        let exact = ServiceKey::Addr { proto, addr, port };
        let any = ServiceKey::Addr { proto, addr, port: 0 };
        let order = [(mark != 0).then_some(ServiceKey::Mark(mark)), Some(exact), Some(any)];
        let found = order.into_iter().flatten().find(|k| ipvs.service(k).is_some());
        // A second director has the table, and waits for the address.
        let local = |h: &Host| h.net.is_local(addr);
        let waits = !local(self.host(node)) && self.hosts().any(|(_, h)| h.ipvs.service(key).is_some() && local(h));
        found == Some(*key) && !waits
    }

    /// The host that has a server's address: the director itself, or one that has it where cables are.
    fn who_has(&self, director: NodeId, addr: Ipv4Addr) -> Option<NodeId> {
        if self.host(director).net.is_local(addr) {
            return Some(director);
        }
        let on_a_cable = |n: NodeId| self.device_of(n, addr).is_some_and(|d| self.world.cable_at(n, d).is_some());
        let all = self.owners.of(addr);
        all.iter().find(|&&n| on_a_cable(n)).or_else(|| all.first()).copied()
    }

    /// The server of a service that a host is.
    pub fn serves<'v>(&self, service: &'v Virtual, node: NodeId) -> Option<&'v Real> {
        service.reals.iter().find(|r| r.host == Some(node))
    }

    fn is_reached(&self, service: &Virtual) -> bool {
        let comes = |a: &Asked| {
            let parcel = Parcel { saddr: a.from, daddr: a.to.0, request: Some(a) };
            let ways = self.ways(a.client, parcel);
            let there = |w: &Way| w.end == End::Arrived && w.last().is_some_and(|(n, _)| n == service.node);
            a.client != service.node && ways.iter().all(there)
        };
        !service.asked.is_empty() && service.asked.iter().all(comes)
    }

    /// Whether some connection surely comes to this server: all come to the director, and its turn comes.
    pub fn certain(&self, service: &Virtual, real: &Real) -> bool {
        let usable: Vec<&Real> = service.reals.iter().filter(|r| r.weight > 0).collect();
        let mut traffics: Vec<usize> = service.asked.iter().map(|a| a.traffic).collect();
        traffics.dedup();
        let connections: u64 = traffics.iter().map(|&t| self.scenario.traffic[t].connections).sum();
        let turns = match service.scheduler {
            "rr" => usable.len() as u64,
            "wrr" => usable.iter().map(|r| r.weight as u64).sum(),
            _ => u64::MAX,
        };
        let turn = !service.persistent && connections >= turns;
        real.weight > 0 && (usable.len() == 1 || turn) && service.reached
    }
}

/// The first packet of a connection.
pub fn opening(asked: &Asked) -> IpPacket {
    let (sport, dport) = (40_000, asked.to.1);
    let l4 = match asked.proto {
        Proto::Udp => L4::Udp(Datagram { sport, dport, len: 100, body: Body::FILLER }),
        _ => L4::Tcp(TcpSegment {
            seq: 1,
            ack: 0,
            body: Body::FILLER,
            sport,
            dport,
            len: 0,
            mss: 1460,
            window: 64240,
            flags: TcpFlags::SYN,
            end: false,
            timestamps: false,
        }),
    };
    IpPacket { saddr: asked.from, daddr: asked.to.0, id: PacketId(0), frag: IpPacket::DF, ttl: 64, tos: 0, l4 }
}

/// The world at the moment, and whether anything is still being typed.
fn play(quiet: &Scenario, seed: Seed, first: Span, tracer: &mut Tracer) -> Result<(World, bool), Unsettled> {
    let told = |ending: Ending| {
        let (node, why) = match ending {
            Ending::SetupTooLong(node) => (Some(node), "what it types takes more than an hour".to_string()),
            Ending::Limit(limit) => (None, format!("a limit was reached: {limit:?}")),
            Ending::Complete | Ending::Interrupted => (None, "it was interrupted".to_string()),
        };
        Unsettled { node: node.map(|n| quiet.node_name(n).to_string()), why }
    };
    let mut go_on = |_: &World, _| true;
    let mut play = Play::set_up(quiet, seed, LIMITS, Some(first), tracer, &mut go_on).map_err(|e| told(e.1))?;
    match play.run(seed, tracer, &mut go_on) {
        Ending::Complete => Ok((play.world.clone(), play.world.processes.busy())),
        other => Err(told(other)),
    }
}
