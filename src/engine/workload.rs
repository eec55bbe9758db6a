//! What clients are to do: the traffic entries, each with its own stream of random arrivals, and what came of each
//! connection.
//!
//! The next arrival is drawn when the one before happens, so a million connections do not wait in a queue.

use super::world::{Wake, World};
use crate::base::{NodeId, Rng, SimTime, Span};
use crate::net::sock::Errno;
use crate::node::Node;
use crate::node::app::{ConnSpec, Finished, Outcome};
use crate::trace::Tracer;
use crate::wire::Proto;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// When the next connection starts.
#[derive(Clone, Debug)]
pub enum Gap {
    /// Always so long after the one before.
    Every(Span),
    /// So long in the mean, exponentially distributed.
    Poisson(Span),
}

/// One traffic entry.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: Arc<str>,
    /// The clients; connection k comes from client k modulo their number.
    pub from: Vec<NodeId>,
    /// Where to.
    pub to: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub protocol: Proto,
    /// How many connections.
    pub connections: u64,
    /// The distance between two.
    pub gap: Gap,
    /// What a connection does.
    pub spec: ConnSpec,
    /// A port that every connection uses, if one is given.
    pub source_port: Option<u16>,
    /// What came of the connections, in the order of their starts.
    pub results: Vec<ConnResult>,
    /// The stream of the arrivals.
    pub rng: Rng,
}

/// What came of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnResult {
    /// When it started.
    pub start: SimTime,
    /// When it was over for the client; when nothing was left to wait for.
    pub end: SimTime,
    /// The client.
    pub client: NodeId,
    /// Who answered.
    pub server: Option<NodeId>,
    /// The client's port.
    pub port: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// The socket's error, if there was one.
    pub errno: Option<Errno>,
}

impl Workload {
    /// How many connections have started.
    pub fn started(&self) -> u64 {
        self.results.len() as u64
    }
}

impl World {
    /// The next connection of workload `n` starts now.
    pub(super) fn arrival(&mut self, n: u32, tracer: &mut Tracer) {
        let Some(w) = self.workloads.get_mut(n as usize) else { return };
        let k = w.results.len();
        if k as u64 >= w.connections || w.from.is_empty() {
            return;
        }
        let client = w.from[k % w.from.len()];
        let (spec, to, protocol, port) = (w.spec, w.to, w.protocol, w.source_port);
        w.results.push(ConnResult {
            start: self.now,
            end: self.now,
            client,
            server: None,
            port: port.unwrap_or(0),
            outcome: Outcome::Unfinished,
            errno: None,
        });
        if (k as u64) + 1 < w.connections {
            let gap = match &w.gap {
                Gap::Every(span) => *span,
                Gap::Poisson(mean) => {
                    let mean = *mean;
                    w.rng.exponential(mean)
                }
            };
            self.wake_at(self.now + gap, Wake::Arrival(n));
        }
        let used = self.with_node(client, tracer, |node, cx| match node {
            Node::Host(host) => host.open_connection(n, k as u64, &spec, to, protocol, port, cx),
            Node::Switch(_) => 0,
        });
        self.workloads[n as usize].results[k].port = used;
        self.collect(client);
    }

    /// Takes over what the client has to say of its connections.
    pub(super) fn collect(&mut self, client: NodeId) {
        let Node::Host(host) = &mut self.nodes[client.index()] else { return };
        for done in host.finished.drain(..) {
            let Finished { workload, index, outcome, server, errno } = done;
            let Some(result) =
                self.workloads.get_mut(workload as usize).and_then(|w| w.results.get_mut(index as usize))
            else {
                continue;
            };
            result.end = self.now;
            result.outcome = outcome;
            result.server = server;
            result.errno = errno;
        }
    }
}
