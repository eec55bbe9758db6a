//! `serves`: what listens on a host, and how long it works on a request.

use crate::base::{Dist, Span};
use crate::lang::Text;
use crate::scenario::files::Unit;
use crate::scenario::limits::MAX_OPEN;
use crate::scenario::model::{Discipline, Protocol};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::dist::{self, DistWords};
use crate::scenario::spec::read::Fields;
use crate::scenario::spec::scalar::{DURATION, SPEED, whole, words};
use crate::scenario::spec::table::{Element, Field, Form, PLAIN, Row, Rule, Shape, field};
use crate::scenario::spec::value;
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;

/// The protocols that the traffic and the servers speak.
pub(crate) const PROTOCOLS: &[(&str, Protocol)] = &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];

/// The shape of `serves`: a port, or a map; alone or in a list.
pub(crate) fn list() -> Shape {
    let one = Shape::Either(vec![(crate::scenario::spec::scalar::PORT.shape)(), Shape::Map(&SERVER)]);
    Shape::OrNothing(Box::new(Shape::OneOrMore(Box::new(one), false)))
}

/// The words for how requests share a server.
const DISCIPLINES: &[(&str, Discipline)] = &[("fcfs", Discipline::Fcfs), ("ps", Discipline::Ps)];

static SERVICE_TIME: Field<WorkWords> = field(
    "service_time",
    Form { read: service_time, shape: || Shape::Either(vec![(DURATION.shape)(), Shape::Map(&WORK)]) },
    "How long the server works on a request: a duration, or a distribution",
)
.default("0s");
static WORKERS: Field<u64> = field(
    "workers",
    whole::<1, 1_000_000>(),
    "How many requests it works on at once; unless said, all that come, and one with `discipline: ps`",
);
static BACKLOG: Field<u64> = field(
    "backlog",
    whole::<0, 65_535>(),
    "Connections that may wait to be accepted; beyond it SYNs are dropped as Linux drops them",
)
.default("128");
static DISCIPLINE: Field<Discipline> = field(
    "discipline",
    words!(text!("problem-noun-discipline"), DISCIPLINES),
    "How requests share the server: in the order of their coming (fcfs), or all at once, each at a part of the speed (ps)",
)
.default("fcfs");
static RATE: Field<u64> = field("speed", SPEED, "How fast it works: 2 halves the service time").default("1");
static MAX_CONNECTIONS: Field<u64> = field(
    "max_connections",
    whole::<1, MAX_OPEN>(),
    "Connections that are open at once; others wait in the backlog. Unless said, there is no bound",
);

/// `defaults.server`
pub(crate) static DEFAULTS: Element = Element {
    name: "server-defaults",
    what: || text!("problem-what-server-defaults"),
    about: "How servers work that say nothing else",
    example: "{ service_time: 20ms, workers: 4 }",
    keys: &[&WORDS],
    ..PLAIN
};
static WORDS: [&Row; 6] =
    [&SERVICE_TIME.row, &WORKERS.row, &BACKLOG.row, &DISCIPLINE.row, &RATE.row, &MAX_CONNECTIONS.row];

/// An item of `serves`, as a map.
pub(crate) static SERVER: Element = Element {
    name: "server",
    what: || text!("problem-what-server"),
    about: "Something that listens on a port, and how long it works on a request",
    example: "{ port: 80, service_time: 20ms }",
    keys: &[&[&PORT.row, &PROTOCOL.row], &WORDS],
    ..PLAIN
};
static PORT: Field<u64> =
    field("port", whole::<1, 65_535>(), "The port that it listens on").need(|| text!("problem-say-which-port-80"));
static PROTOCOL: Field<Protocol> =
    field("protocol", words!(text!("problem-noun-protocol"), PROTOCOLS), "Its protocol").default("tcp");

/// `service_time`, as a map.
static WORK: Element = Element {
    name: "service-time",
    what: || text!("problem-what-service-time"),
    about: "A distribution of service times, what each byte of the response adds, or both",
    example: "{ exponential: 20ms }",
    keys: &[&[&PER_BYTE.row], &dist::time::ROWS],
    rules: &[Rule::OneUnless(&dist::KINDS, "per_byte")],
    ..PLAIN
};
static PER_BYTE: Field<Span> =
    field("per_byte", DURATION, "What each byte of the response adds to the time of its request");

/// How much work a request is.
#[derive(Clone, Debug)]
pub(crate) struct WorkWords {
    pub time: DistWords,
    pub per_byte: Span,
}

/// How a server works, as far as it was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerWords {
    pub service_time: Option<WorkWords>,
    pub workers: Option<u32>,
    pub backlog: Option<u32>,
    pub discipline: Option<Discipline>,
    pub speed: Option<u64>,
    pub max_connections: Option<u32>,
}

impl ServerWords {
    pub fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> ServerWords {
        ServerWords {
            service_time: f.opt(&SERVICE_TIME, p).map(|v| v.v),
            workers: f.opt(&WORKERS, p).map(|v| v.v as u32),
            backlog: f.opt(&BACKLOG, p).map(|v| v.v as u32),
            discipline: f.opt(&DISCIPLINE, p).map(|v| v.v),
            speed: f.opt(&RATE, p).map(|v| v.v),
            max_connections: f.opt(&MAX_CONNECTIONS, p).map(|v| v.v as u32),
        }
    }
}

/// One port that is served.
#[derive(Clone, Debug)]
pub(crate) struct Serve {
    pub at: Mark,
    pub protocol: Protocol,
    pub port: u16,
    pub words: ServerWords,
}

/// Reads one item of `serves`: `tcp/80` or a map.
pub(crate) fn read(node: &Node<'_>, p: &mut Problems) -> Option<Serve> {
    if let Kind::Scalar(..) = &node.kind {
        let (protocol, port) = port_of(node, text!("problem-write-port"), p)?;
        return Some(Serve { at: node.at, protocol, port, words: ServerWords::default() });
    }
    let mut f = Fields::new(node, &SERVER, p)?;
    let port = f.need(&PORT, p);
    let protocol = f.opt(&PROTOCOL, p);
    let words = ServerWords::read(&mut f, p);
    f.finish(p);
    let port = port?;
    Some(Serve { at: port.at, protocol: protocol.map_or(Protocol::Tcp, |x| x.v), port: port.v as u16, words })
}

/// `tcp/80`
pub(crate) fn port_of(node: &Node<'_>, help: Text, p: &mut Problems) -> Option<(Protocol, u16)> {
    let text = value::word(node, text!("problem-want-port-served"), "tcp/80", p)?;
    let (protocol, port) = text.split_once('/').unwrap_or((text, ""));
    let known = PROTOCOLS.iter().find(|x| x.0 == protocol).map(|x| x.1);
    let port = Some(port).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse::<u16>().ok());
    match (known, port.filter(|&n| n > 0)) {
        (Some(protocol), Some(port)) => Some((protocol, port)),
        (known, _) => {
            let label = if known.is_none() {
                text!("problem-protocol-tcp-or-udp")
            } else {
                text!("problem-port-number-from-1-65535")
            };
            p.error("E030", node.at, text!("problem-nothing-host-can-serve", text = quote(text)))
                .label(label)
                .help(help);
            None
        }
    }
}

/// A duration or a distribution, and what a byte of the response adds.
fn service_time(node: &Node<'_>, p: &mut Problems) -> Option<WorkWords> {
    if !matches!(node.kind, Kind::Map(_)) {
        let time = dist::read(node, Unit::Time, WORK.what, p);
        return time.map(|time| WorkWords { time, per_byte: Span::ZERO });
    }
    let mut f = Fields::new(node, &WORK, p)?;
    let per_byte = f.get(PER_BYTE.row.key).is_some();
    let bytes = f.opt(&PER_BYTE, p);
    let found = dist::kinds(&mut f, Unit::Time, p);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    let time = match found.is_empty() && per_byte {
        true => Some(DistWords::Known(Dist::Constant(0))),
        false => dist::one_of(found, at, unread, WORK.what, Unit::Time, p),
    };
    match (time, bytes) {
        (Some(time), Some(bytes)) => Some(WorkWords { time, per_byte: bytes.v }),
        (Some(time), None) if !per_byte => Some(WorkWords { time, per_byte: Span::ZERO }),
        _ => None,
    }
}
