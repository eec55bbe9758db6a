//! What clients are to do: the traffic entries, each with its own stream of random arrivals, and what came of each
//! connection.
//!
//! An open workload goes on whatever becomes of its connections. In a closed one so many users open a connection, wait for its
//! end, think, and open the next; its arrivals are the first connections of the users.

use super::arrivals::{Arrivals, Stream};
use super::world::{Wake, World};
use crate::base::{NodeId, Rng, ShortId, SimTime, Span};
use crate::net::sock::Errno;
use crate::node::Node;
use crate::node::app::{ConnSpec, Finished, Milestone, Outcome, Reached};
use crate::node::host::Plan;
use crate::trace::Tracer;
use crate::wire::Proto;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One traffic entry.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: Arc<str>,
    /// The clients; connection k, or user k, is at client k modulo their number.
    pub from: Vec<NodeId>,
    /// The first of the source addresses and their number; nothing: the client's own address.
    pub sources: Option<(Ipv4Addr, u32)>,
    /// Where to.
    pub to: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub protocol: Proto,
    /// How many connections; less when the arrivals end before.
    pub connections: u64,
    /// Users of a closed workload; 0: it is open.
    pub users: u32,
    /// When connections come.
    pub arrivals: Stream,
    /// When the entry starts.
    pub start: SimTime,
    /// What a connection does.
    pub spec: Arc<ConnSpec>,
    /// A port that every connection uses, if one is given.
    pub source_port: Option<u16>,
    /// What came of the connections, in the order of their starts.
    pub results: Vec<ConnResult>,
    /// Of each connection, if somebody asked for that: a million live connections are a question of bytes.
    pub moments: Option<Vec<Moments>>,
    /// Of a closed workload: the user of each connection.
    pub user_of: Vec<u32>,
    /// Of a closed workload: how many connections each user has opened.
    pub opened: Vec<u32>,
}

/// What came of a connection, in 24 bytes: it is kept when nothing else is left of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnResult {
    /// When it started.
    pub start: SimTime,
    /// When it was over for the client; when nothing was left to wait for.
    pub end: SimTime,
    client: ShortId,
    server: ShortId,
    /// The client's port.
    pub port: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// The socket's error, if there was one.
    pub errno: Option<Errno>,
}

impl ConnResult {
    /// The client.
    pub fn client(&self) -> NodeId {
        // There always is one: it was a box when the connection started.
        self.client.node().unwrap_or(NodeId(0))
    }

    /// Who answered.
    pub fn server(&self) -> Option<NodeId> {
        self.server.node()
    }
}

/// Moments in the life of a connection, for who asks for them ([`World::keep_moments`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// When the handshake was done; [`SimTime::NEVER`] if it was not.
    pub connected: SimTime,
    /// When the first byte of the first response came; [`SimTime::NEVER`] if none did.
    pub first_byte: SimTime,
}

impl Moments {
    const NONE: Moments = Moments { connected: SimTime::NEVER, first_byte: SimTime::NEVER };
}

impl Workload {
    /// An entry without connections so far.
    pub fn new(name: Arc<str>, spec: Arc<ConnSpec>, arrivals: Arrivals, rng: Rng) -> Workload {
        Workload {
            name,
            from: Vec::new(),
            sources: None,
            to: (Ipv4Addr::UNSPECIFIED, 0),
            protocol: Proto::Tcp,
            connections: 1,
            users: 0,
            arrivals: Stream::new(arrivals, rng),
            start: SimTime::ZERO,
            spec,
            source_port: None,
            results: Vec::new(),
            moments: None,
            user_of: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// The source address of connection `k` (or of its user), if it is not the client's own.
    pub fn source_of(&self, k: u64) -> Option<Ipv4Addr> {
        let turn = self.user_of.get(k as usize).map_or(k, |&user| u64::from(user));
        self.sources.map(|(first, count)| {
            let place = (turn % u64::from(count.max(1))) as u32;
            Ipv4Addr::from_bits(first.to_bits().wrapping_add(place))
        })
    }

    /// What connection `k` draws by, which is the same in every run that opens it: its number, or its user's and how
    /// often the user has opened one. `nth`: the latter.
    pub fn key_of(&self, k: u64, nth: u32) -> u64 {
        self.user_of.get(k as usize).map_or(k, |&user| user_key(user, nth))
    }

    /// How many connections have started.
    pub fn started(&self) -> u64 {
        self.results.len() as u64
    }

    /// When the next connection comes by itself; the entry is over when none does.
    fn next_arrival(&mut self) -> Option<SimTime> {
        let most = if self.users > 0 { self.connections.min(u64::from(self.users)) } else { self.connections };
        let come = self.arrivals_so_far();
        let at = if come < most { self.arrivals.next_at() } else { None };
        if at.is_none() && self.users == 0 {
            self.connections = self.started();
        }
        at.map(|at| self.start + at)
    }

    /// Connections that came by themselves.
    fn arrivals_so_far(&self) -> u64 {
        if self.users > 0 { self.opened.len() as u64 } else { self.started() }
    }
}

/// What connection number `n` of a user draws by.
fn user_key(user: u32, n: u32) -> u64 {
    u64::from(user) << 22 ^ u64::from(n)
}

impl World {
    /// The traffic of workload `n` starts at this time.
    pub fn start_workload(&mut self, n: u32, at: SimTime) {
        let Some(w) = self.workloads.get_mut(n as usize) else { return };
        w.start = at;
        if let Some(at) = w.next_arrival() {
            self.wake_at(at, Wake::Arrival(n));
        }
    }

    /// The next connection of workload `n` comes now.
    pub(super) fn arrival(&mut self, n: u32, tracer: &mut Tracer) {
        let Some(w) = self.workloads.get_mut(n as usize) else { return };
        if w.started() >= w.connections || w.from.is_empty() {
            return;
        }
        let user = (w.users > 0).then_some(w.opened.len() as u32);
        let opening = self.open(n, user);
        // The next one is due before this one acts, as two things that come at one time.
        if let Some(w) = self.workloads.get_mut(n as usize)
            && let Some(at) = w.next_arrival()
        {
            self.wake_at(at, Wake::Arrival(n));
        }
        self.carry_out_opening(n, opening, tracer);
    }

    /// From now on, moments in the life of every connection are kept.
    pub fn keep_moments(&mut self) {
        for w in &mut self.workloads {
            w.moments.get_or_insert_with(|| vec![Moments::NONE; w.results.len()]);
        }
        for host in self.nodes.iter_mut().filter_map(|n| n.host_mut()) {
            host.clients.tell_milestones();
        }
    }

    /// A user opens the next connection.
    pub(super) fn again(&mut self, n: u32, user: u32, tracer: &mut Tracer) {
        let opening = self.open(n, Some(user));
        self.carry_out_opening(n, opening, tracer);
    }

    /// Notes that a connection starts; its index and what it draws by.
    fn open(&mut self, n: u32, user: Option<u32>) -> Option<(u64, u64)> {
        let now = self.now;
        let w = self.workloads.get_mut(n as usize)?;
        let k = w.started();
        if k >= w.connections || w.from.is_empty() {
            return None;
        }
        let mut key = k;
        if let Some(user) = user {
            let place = user as usize;
            if w.opened.len() <= place {
                w.opened.resize(place + 1, 0);
            }
            key = user_key(user, w.opened[place]);
            w.opened[place] += 1;
            w.user_of.push(user);
        }
        let turn = user.map_or(k, u64::from);
        self.census.arrive(now);
        w.results.push(ConnResult {
            start: now,
            end: now,
            client: ShortId::of(w.from[(turn % w.from.len() as u64) as usize]),
            server: ShortId::NOBODY,
            port: w.source_port.unwrap_or(0),
            outcome: Outcome::Unfinished,
            errno: None,
        });
        if let Some(moments) = &mut w.moments {
            moments.push(Moments::NONE);
        }
        Some((k, key))
    }

    fn carry_out_opening(&mut self, n: u32, opening: Option<(u64, u64)>, tracer: &mut Tracer) {
        let Some((k, key)) = opening else { return };
        let w = &self.workloads[n as usize];
        let client = w.results[k as usize].client();
        let source = w.source_of(k);
        let spec = w.spec.clone();
        let (to, proto, port) = (w.to, w.protocol, w.source_port);
        let used = self.with_node(client, tracer, |node, cx| match node {
            Node::Host(host) => {
                let plan = Plan { workload: n, index: k, key, spec: &spec, to, proto, source, port };
                host.open_connection(&plan, cx)
            }
            Node::Switch(_) => 0,
        });
        self.workloads[n as usize].results[k as usize].port = used;
        self.collect(client);
    }

    /// Takes over what the client has to say of its connections.
    pub(super) fn collect(&mut self, client: NodeId) {
        let World { now, nodes, workloads, census, .. } = self;
        let Node::Host(host) = &mut nodes[client.index()] else { return };
        for Reached { workload, index, what } in host.reached.drain(..) {
            let moments = workloads.get_mut(workload as usize).and_then(|w| w.moments.as_mut());
            if let Some(of) = moments.and_then(|m| m.get_mut(index as usize)) {
                match what {
                    Milestone::Connected => of.connected = *now,
                    Milestone::FirstByte => of.first_byte = of.first_byte.min(*now),
                }
            }
        }
        let mut again = Vec::new();
        for done in host.finished.drain(..) {
            let Finished { workload, index, outcome, server, errno } = done;
            let Some(w) = workloads.get_mut(workload as usize) else { continue };
            let Some(result) = w.results.get_mut(index as usize) else { continue };
            census.leave(*now);
            result.end = *now;
            result.outcome = outcome;
            result.server = server.map_or(ShortId::NOBODY, ShortId::of);
            result.errno = errno;
            if let Some(&user) = w.user_of.get(index as usize) {
                let key = user_key(user, w.opened[user as usize].saturating_sub(1));
                let held = if outcome == Outcome::Ok { w.spec.hold } else { Span::ZERO };
                let at = *now + held + w.spec.drawn(key, w.spec.requests).think;
                again.push((at, Wake::Again { workload, user }));
            }
        }
        for (at, wake) in again {
            self.wake_at(at, wake);
        }
    }
}
