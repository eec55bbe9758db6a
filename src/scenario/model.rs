//! The resolved scenario, from which the simulator builds a world: groups unrolled, names turned into numbers, defaults
//! filled in. Plain data; nothing here can be wrong any more.

use crate::base::{Dist, LinkId, NodeId, Span, Table};
pub use crate::engine::arrivals::{Phase as ArrivalPhase, Step as ArrivalStep};
pub use crate::node::app::{Discipline, Outcome};
use crate::scenario::grading::{Grading, Marking};
use crate::scenario::topology::Topology;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A hardware address.
pub type Mac = [u8; 6];

/// One experiment.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name: that of the file's `name`, or of the file without directory and ending.
    pub name: String,
    /// One line for people; may be empty.
    pub title: String,
    /// Markdown for people; may be empty.
    pub about: String,
    /// Every random choice derives from it.
    pub seed: u64,
    /// How long to simulate from t = 0; nothing: until nothing is left to happen.
    pub duration: Option<Span>,
    /// What happens before this time after t = 0 is no part of statistics.
    pub warmup: Span,
    /// Switches and hosts in the order of the file, groups unrolled; a [`NodeId`] is the place in this list.
    pub nodes: Vec<NodeSpec>,
    /// The members of each group, in the order of the file.
    pub groups: Vec<(String, Vec<NodeId>)>,
    /// Every cable: first those of the interfaces in their order, then the trunks. A [`LinkId`] is the place in this list.
    pub cables: Vec<Cable>,
    /// The cables between switches.
    pub trunks: Vec<Trunk>,
    /// Who connects where.
    pub traffic: Vec<Traffic>,
    /// `timeline` and `observe` in the order of the file: of two for one moment, the first goes first.
    pub steps: Vec<Step>,
    /// What must come out.
    pub expect: Vec<Expect>,
    /// Codes of [`causes`](crate::scenario::causes): why this lab does not do what it expects, of one that is broken on
    /// purpose. Nothing in a run looks at them; tests hold what `why` finds against them.
    pub causes: Vec<&'static str>,
    /// What of a submission counts; only `lvsim grade` looks at it.
    pub grading: Grading,
    /// Who is joined to whom.
    pub topology: Topology,
    /// Node numbers by name.
    pub(crate) by_name: Table<String, NodeId>,
}

impl Scenario {
    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.by_name.get(&name.to_string()).copied()
    }

    /// The name of a node; empty if there is no such node.
    pub fn node_name(&self, id: NodeId) -> &str {
        self.nodes.get(id.index()).map_or("", |n| n.name.as_str())
    }

    /// The place of an interface in its node's list.
    pub fn interface(&self, node: NodeId, name: &str) -> Option<usize> {
        self.nodes.get(node.index())?.interfaces.iter().position(|i| i.name == name)
    }

    /// The number of connections of all traffic.
    pub fn connections(&self) -> u64 {
        self.traffic.iter().map(|t| t.connections).sum()
    }
}

/// What a node is. Linux knows hosts only; the other words are for reports, save that a router forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A learning Ethernet switch.
    Switch,
    /// A host that connects.
    Client,
    /// A host that serves.
    RealServer,
    /// A host that runs IPVS.
    Director,
    /// Any other host.
    Host,
    /// A host with `net.ipv4.ip_forward=1`.
    Router,
}

impl Kind {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Switch => "switch",
            Kind::Client => "client",
            Kind::RealServer => "real-server",
            Kind::Director => "director",
            Kind::Host => "host",
            Kind::Router => "router",
        }
    }

    /// Whether it is a Linux host.
    pub fn is_host(self) -> bool {
        self != Kind::Switch
    }
}

/// A switch or a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// The name; of a member of a group with its number: `client-3`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The group that it belongs to.
    pub group: Option<String>,
    /// The interfaces that the file names, in its order. A host has `lo` in any case.
    pub interfaces: Vec<IfaceSpec>,
    /// `ip route add default via …`.
    pub gateway: Option<Ipv4Addr>,
    /// What stands after `ip route add`, in order.
    pub routes: Vec<String>,
    /// Names with dots, and values; a router's `net.ipv4.ip_forward` first.
    pub sysctls: Vec<(String, String)>,
    /// What listens.
    pub serves: Vec<Serve>,
    /// What is typed during set-up.
    pub run: Option<ScriptSpec>,
    /// How long the host's processor takes for each frame that it receives; none: no time.
    pub frame_time: Option<Span>,
    /// How long a switch remembers an address (300 s unless said otherwise).
    pub ageing: Span,
}

/// An interface of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfaceSpec {
    /// Its name, as `ip link` shows it.
    pub name: String,
    /// What is at the other end.
    pub to: Peer,
    /// Its hardware address; zero for `lo` and `tunl0`.
    pub mac: Mac,
    /// Its addresses, in the order in which they are added.
    pub addresses: Vec<AddrSpec>,
    /// Its cable, and its own MTU (of `lo` 65536, of `tunl0` 1480).
    pub link: LinkSpec,
    /// The number of its cable in [`Scenario::cables`].
    pub cable: Option<LinkId>,
}

/// What is at the other end of an interface's cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A port of this switch.
    Switch(NodeId),
    /// An interface of this host, by its name.
    Cable(NodeId, String),
    /// There is no cable.
    None,
}

/// An address of an interface: `ip addr add ADDR/PREFIX dev IFACE [label LABEL] [scope SCOPE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddrSpec {
    /// The address.
    pub addr: Ipv4Addr,
    /// The prefix length, 0 to 32.
    pub prefix: u8,
    /// The label, if it is not the interface's name.
    pub label: Option<String>,
    /// The scope as a word or a number, if it was said.
    pub scope: Option<String>,
}

/// What a cable is, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    /// How long a bit travels.
    pub latency: Span,
    /// Bits per second, at least 1.
    pub bandwidth_bps: u64,
    /// Packets lost, in a million.
    pub loss_ppm: u32,
    /// The largest IP packet in bytes, 68 to 65536.
    pub mtu: u32,
    /// How many packets may wait.
    pub queue: u32,
}

impl Default for LinkSpec {
    fn default() -> Self {
        LinkSpec { latency: Span::from_micros(50), bandwidth_bps: 1_000_000_000, loss_ppm: 0, mtu: 1500, queue: 1000 }
    }
}

/// One end of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The node.
    pub node: NodeId,
    /// The place of the interface in a host's list; nothing for a switch.
    pub interface: Option<usize>,
}

/// A cable, from the end whose interface says `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cable {
    /// The end that says where the cable goes.
    pub a: End,
    /// The other end.
    pub b: End,
    /// What the cable is. (The MTU is that of end `a`, and of a switch's port; each interface has its own.)
    pub link: LinkSpec,
}

/// A cable between two switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// One switch.
    pub a: NodeId,
    /// The other.
    pub b: NodeId,
    /// What the cable is.
    pub link: LinkSpec,
    /// Its number in [`Scenario::cables`].
    pub cable: LinkId,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// A port that a host serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The port, not 0.
    pub port: u16,
    /// How long a request is worked on at speed 1.
    pub service_time: Dist,
    /// And for each byte of the response.
    pub per_byte: Span,
    /// How many requests are worked on at once; [`Serve::UNLIMITED`] unless said otherwise.
    pub workers: u32,
    /// How many connections may wait to be accepted; 128 unless said otherwise.
    pub backlog: u32,
    /// How requests share the workers.
    pub discipline: Discipline,
    /// How fast the server works, in millionths.
    pub speed_ppm: u64,
    /// How many connections it accepts at once; [`Serve::UNLIMITED`] unless said otherwise.
    pub max_connections: u32,
}

impl Serve {
    /// As many workers as there are requests.
    pub const UNLIMITED: u32 = u32::MAX;
}

/// What is typed at a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptSpec {
    /// The lines.
    pub text: Arc<str>,
    /// The line of the file in which the text begins, counted from 1.
    pub line: u32,
}

/// One entry of `traffic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Its name; unsaid, its place in the list, counted from 1.
    pub name: String,
    /// The clients; connection k comes from client k modulo their number.
    pub from: Vec<NodeId>,
    /// Where to: address and port.
    pub to: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub protocol: Protocol,
    /// When the first connection starts, from t = 0.
    pub start: Span,
    /// How many connections.
    pub connections: u64,
    /// When the others start.
    pub arrivals: Arrivals,
    /// Users of a closed workload, each of which opens its next connection when the last one is over; 0: it is open.
    pub users: u32,
    /// The first source address and their number; nothing: the client's own.
    pub sources: Option<(Ipv4Addr, u32)>,
    /// The network of the source addresses, as it is written.
    pub addresses: Option<(Ipv4Addr, u8)>,
    /// Bytes of a request.
    pub request: Dist,
    /// Bytes of a response.
    pub response: Dist,
    /// How long the client keeps the connection after the last response.
    pub hold: Span,
    /// How long the client waits for each response.
    pub timeout: Span,
    /// The client's port, if it is not to choose one.
    pub source_port: Option<u16>,
    /// Requests on one connection.
    pub requests: u64,
    /// How long the client thinks before each further request, and a user before the next connection.
    pub think: Dist,
    /// The line of the entry, counted from 1.
    pub line: u32,
}

/// When the connections of an entry start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances; zero: all at once.
    Every(Span),
    /// As `Every`; the distance was said as a rate.
    Rate(Span),
    /// At exponentially distributed distances with this mean.
    Poisson(Span),
    /// At random, at a rate that changes at random.
    Mmpp(Arc<[ArrivalPhase]>),
    /// At random, at a rate that changes at fixed times.
    Steps(Arc<[ArrivalStep]>),
    /// At these times, with these bytes of the responses where they are said.
    Trace {
        /// When.
        times: Arc<[Span]>,
        /// How many bytes.
        sizes: Option<Arc<[Option<u32>]>>,
    },
}

/// A moment of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// So long after t = 0.
    Time(Span),
    /// At the end.
    End,
}

/// One entry of `timeline` or `observe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it happens.
    pub at: At,
    /// What happens.
    pub kind: StepKind,
    /// The line of the entry, counted from 1.
    pub line: u32,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Something is typed on a host.
    Run {
        /// Where.
        node: NodeId,
        /// What.
        script: ScriptSpec,
        /// Whether it is an entry of `observe`.
        observe: bool,
    },
    /// Something that is served works at another speed.
    SetSpeed {
        /// Where.
        node: NodeId,
        /// TCP or UDP.
        protocol: Protocol,
        /// The port.
        port: u16,
        /// How fast, in millionths.
        speed_ppm: u64,
    },
    /// Cables change.
    SetLink {
        /// The ends as the file names them.
        ends: [String; 2],
        /// The cables: one, or one for each member of a group.
        cables: Vec<LinkId>,
        /// What changes.
        set: LinkChange,
    },
}

/// What changes of a cable; what is nothing stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// The carrier.
    pub up: Option<bool>,
    /// How long a bit travels.
    pub latency: Option<Span>,
    /// Bits per second.
    pub bandwidth_bps: Option<u64>,
    /// Packets lost, in a million.
    pub loss_ppm: Option<u32>,
    /// The largest IP packet, in bytes.
    pub mtu: Option<u32>,
    /// How many packets may wait.
    pub queue: Option<u32>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// What must hold.
    pub what: Claim,
    /// Its line, counted from 1.
    pub line: u32,
    /// How it is written, its first line.
    pub text: String,
    /// Its place in the file's list: an entry that speaks of a group makes one expectation for each member.
    pub entry: u32,
    /// For those who mark it.
    pub marking: Marking,
}

/// What an expectation claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The outcomes of a traffic, exactly; those that are not named are 0.
    Outcomes {
        /// The place in [`Scenario::traffic`].
        traffic: usize,
        /// The counts.
        counts: Vec<(Outcome, u64)>,
    },
    /// How many connections each server answered, exactly; those that are not named answered none.
    Served {
        /// The place in [`Scenario::traffic`].
        traffic: usize,
        /// The counts.
        counts: Vec<(NodeId, u64)>,
    },
    /// Who answered, connection by connection; nothing: nobody.
    Sequence {
        /// The place in [`Scenario::traffic`].
        traffic: usize,
        /// The servers.
        servers: Vec<Option<NodeId>>,
    },
    /// A neighbour cache maps an address to an interface of a node; nothing: it has no entry.
    Neighbour {
        /// The address.
        address: Ipv4Addr,
        /// Whose cache.
        on: NodeId,
        /// Whom it names.
        is: Option<NodeId>,
        /// When.
        at: At,
    },
    /// A command prints something, at the end.
    Output {
        /// Where it is typed.
        node: NodeId,
        /// What is typed.
        script: ScriptSpec,
        /// A part of what it prints.
        contains: Option<String>,
        /// All that it prints.
        equals: Option<String>,
    },
    /// Packets die on a node.
    Dropped {
        /// Where.
        node: NodeId,
        /// Why; nothing: for any reason.
        reason: Option<String>,
        /// At least so many.
        least: u64,
        /// At most so many.
        most: Option<u64>,
    },
}
