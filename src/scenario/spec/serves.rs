//! `serves`: what listens on a host, and how long it works on a request.

use crate::base::{Dist, Span};
use crate::scenario::files::Unit;
use crate::scenario::limits::{MAX_OPEN, MAX_SPEED_PPM};
use crate::scenario::model::{Discipline, Protocol};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::dist::{self, DistWords};
use crate::scenario::spec::read::Fields;
use crate::scenario::spec::value;
use crate::scenario::tree::{Kind, Mark, Node};

/// The protocols that the traffic and the servers speak.
pub(crate) const PROTOCOLS: &[(&str, Protocol)] = &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];

/// The words for how requests share a server.
const DISCIPLINES: &[(&str, Discipline)] = &[("fcfs", Discipline::Fcfs), ("ps", Discipline::Ps)];

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
            service_time: f.opt("service_time", p, service_time).map(|v| v.v),
            workers: f.opt("workers", p, |n, p| value::whole(n, 1..=1_000_000, p)).map(|v| v.v as u32),
            backlog: f.opt("backlog", p, |n, p| value::whole(n, 0..=65_535, p)).map(|v| v.v as u32),
            discipline: f.opt("discipline", p, |n, p| value::choice(n, "a discipline", DISCIPLINES, p)).map(|v| v.v),
            speed: f.opt("speed", p, |n, p| value::speed(n, MAX_SPEED_PPM, p)).map(|v| v.v),
            max_connections: f.opt("max_connections", p, |n, p| value::whole(n, 1..=MAX_OPEN, p)).map(|v| v.v as u32),
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
        let (protocol, port) = port_of(node, "write for example `tcp/80`, or `{ port: 80, protocol: tcp }`", p)?;
        return Some(Serve { at: node.at, protocol, port, words: ServerWords::default() });
    }
    let mut f = Fields::new(node, "a server", "{ port: 80, service_time: 20ms }", p)?;
    let port = f.need("port", "say which: `port: 80`", p, |n, p| value::whole(n, 1..=65_535, p));
    let protocol = f.opt("protocol", p, |n, p| value::choice(n, "a protocol", PROTOCOLS, p));
    let words = ServerWords::read(&mut f, p);
    f.finish(p);
    let port = port?;
    Some(Serve { at: port.at, protocol: protocol.map_or(Protocol::Tcp, |x| x.v), port: port.v as u16, words })
}

/// `tcp/80`
pub(crate) fn port_of(node: &Node<'_>, help: &str, p: &mut Problems) -> Option<(Protocol, u16)> {
    let text = value::word(node, "a port that is served", "tcp/80", p)?;
    let (protocol, port) = text.split_once('/').unwrap_or((text, ""));
    let known = PROTOCOLS.iter().find(|x| x.0 == protocol).map(|x| x.1);
    let port = Some(port).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse::<u16>().ok());
    match (known, port.filter(|&n| n > 0)) {
        (Some(protocol), Some(port)) => Some((protocol, port)),
        (known, _) => {
            let label =
                if known.is_none() { "the protocol is tcp or udp" } else { "a port is a number from 1 to 65535" };
            p.error("E030", node.at, format!("{} is nothing that a host can serve", quote(text)))
                .label(label)
                .help(help);
            None
        }
    }
}

/// A duration or a distribution, and what a byte of the response adds.
fn service_time(node: &Node<'_>, p: &mut Problems) -> Option<WorkWords> {
    const WHAT: &str = "a service time";
    if !matches!(node.kind, Kind::Map(_)) {
        return dist::read(node, Unit::Time, WHAT, p).map(|time| WorkWords { time, per_byte: Span::ZERO });
    }
    let mut f = Fields::new(node, WHAT, "{ exponential: 20ms }", p)?;
    let per_byte = f.get("per_byte").is_some();
    let bytes = f.opt("per_byte", p, value::duration);
    let found = dist::kinds(&mut f, Unit::Time, p);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    let time = match found.is_empty() && per_byte {
        true => Some(DistWords::Known(Dist::Constant(0))),
        false => dist::one_of(found, at, unread, WHAT, Unit::Time, p),
    };
    match (time, bytes) {
        (Some(time), Some(bytes)) => Some(WorkWords { time, per_byte: bytes.v }),
        (Some(time), None) if !per_byte => Some(WorkWords { time, per_byte: Span::ZERO }),
        _ => None,
    }
}
