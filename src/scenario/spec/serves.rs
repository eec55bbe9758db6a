//! `serves`: what listens on a host, and how long it works on a request.

use crate::base::Span;
use crate::scenario::model::{Protocol, ServiceTime};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::read::{Fields, wrong};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};

/// The protocols that the traffic and the servers speak.
pub(crate) const PROTOCOLS: &[(&str, Protocol)] = &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];

/// How a server works, as far as it was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerWords {
    pub service_time: Option<ServiceTime>,
    pub workers: Option<u32>,
    pub backlog: Option<u32>,
}

impl ServerWords {
    pub fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> ServerWords {
        ServerWords {
            service_time: f.opt("service_time", p, service_time).map(|v| v.v),
            workers: f.opt("workers", p, |n, p| value::whole(n, 1..=1_000_000, p)).map(|v| v.v as u32),
            backlog: f.opt("backlog", p, |n, p| value::whole(n, 0..=65_535, p)).map(|v| v.v as u32),
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
    if let Kind::Scalar(text, _) = &node.kind {
        let text = text.trim();
        let (protocol, port) = text.split_once('/').unwrap_or((text, ""));
        let known = PROTOCOLS.iter().find(|x| x.0 == protocol).map(|x| x.1);
        let port = Some(port).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse::<u16>().ok());
        return match (known, port.filter(|&n| n > 0)) {
            (Some(protocol), Some(port)) => Some(Serve { at: node.at, protocol, port, words: ServerWords::default() }),
            (known, _) => {
                let label =
                    if known.is_none() { "the protocol is tcp or udp" } else { "a port is a number from 1 to 65535" };
                p.error("E030", node.at, format!("{} is nothing that a host can serve", quote(text)))
                    .label(label)
                    .help("write for example `tcp/80`, or `{ port: 80, protocol: tcp, service_time: 20ms }`");
                None
            }
        };
    }
    let mut f = Fields::new(node, "a server", "{ port: 80, service_time: 20ms }", p)?;
    let port = f.need("port", "say which: `port: 80`", p, |n, p| value::whole(n, 1..=65_535, p));
    let protocol = f.opt("protocol", p, |n, p| value::choice(n, "a protocol", PROTOCOLS, p));
    let words = ServerWords::read(&mut f, p);
    f.finish(p);
    let port = port?;
    Some(Serve { at: port.at, protocol: protocol.map_or(Protocol::Tcp, |x| x.v), port: port.v as u16, words })
}

/// A duration or a distribution.
fn service_time(node: &Node<'_>, p: &mut Problems) -> Option<ServiceTime> {
    if !matches!(node.kind, Kind::Map(_)) {
        return value::duration(node, p).map(ServiceTime::Constant);
    }
    let mut f = Fields::new(node, "a service time", "{ exponential: 20ms }", p)?;
    let mut found: Vec<Spot<Option<ServiceTime>>> = Vec::new();
    if let Some((key, n)) = f.get("exponential") {
        found.push(Spot { v: mean(n, p).map(ServiceTime::Exponential), at: key.at });
    }
    if let Some((key, n)) = f.get("pareto") {
        let v = shaped(n, "shape", "{ mean: 20ms, shape: 1.5 }", 1_000_001..=1_000_000_000, p);
        found.push(Spot { v: v.map(|(mean, shape_ppm)| ServiceTime::Pareto { mean, shape_ppm }), at: key.at });
    }
    if let Some((key, n)) = f.get("lognormal") {
        let v = shaped(n, "sigma", "{ mean: 20ms, sigma: 1 }", 0..=10_000_000, p);
        found.push(Spot { v: v.map(|(mean, sigma_ppm)| ServiceTime::Lognormal { mean, sigma_ppm }), at: key.at });
    }
    if let Some((key, n)) = f.get("uniform") {
        found.push(Spot { v: uniform(n, p), at: key.at });
    }
    found.sort_by_key(|one| one.at);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    match found.as_slice() {
        [one] => one.v,
        // A mistyped word is the cause, and told.
        [] if unread => None,
        [] => {
            p.error("E015", at, "a service time needs a distribution")
                .label("none of exponential, pareto, lognormal, uniform")
                .help("write for example `{ exponential: 20ms }`, or a duration alone");
            None
        }
        [_, second, ..] => {
            p.error("E019", second.at, "a service time has one distribution")
                .label("the second one")
                .help("keep one of them");
            None
        }
    }
}

fn mean(node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    match &node.kind {
        Kind::Map(_) => {
            let mut f = Fields::new(node, "the distribution", "{ mean: 20ms }", p)?;
            let mean = f.need("mean", "say it: `mean: 20ms`", p, value::duration);
            f.finish(p);
            mean.map(|m| m.v)
        }
        _ => value::duration(node, p),
    }
}

fn shaped(
    node: &Node<'_>,
    key: &'static str,
    example: &str,
    range: std::ops::RangeInclusive<u32>,
    p: &mut Problems,
) -> Option<(Span, u32)> {
    let mut f = Fields::new(node, "the distribution", example, p)?;
    let mean = f.need("mean", &format!("write for example `{example}`"), p, value::duration);
    let shape = f.need(key, &format!("write for example `{example}`"), p, |n, p| value::millionths(n, range, p));
    f.finish(p);
    Some((mean?.v, shape?.v))
}

fn uniform(node: &Node<'_>, p: &mut Problems) -> Option<ServiceTime> {
    let example = "[5ms, 15ms]";
    let Kind::Seq(ends) = &node.kind else {
        wrong(node, "a list of two durations", example, p);
        return None;
    };
    let read: Vec<Option<Span>> = ends.iter().take(3).map(|n| value::duration(n, p)).collect();
    match read.as_slice() {
        [Some(low), Some(high)] if low <= high => Some(ServiceTime::Uniform { low: *low, high: *high }),
        [Some(_), Some(_)] | [] | [_] | [_, _, _, ..] => {
            p.error("E017", node.at, "a uniform time lies between two durations, the smaller one first")
                .label("wants two, in order")
                .help(format!("write for example `{example}`"));
            None
        }
        _ => None,
    }
}
