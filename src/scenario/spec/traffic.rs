//! `traffic`: who connects where, when and how often.

use crate::base::Span;
use crate::scenario::limits::{MAX_CONNECTIONS, MAX_REQUESTS};
use crate::scenario::model::{Arrivals, Protocol};
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, one_or_more, wrong};
use crate::scenario::spec::serves::PROTOCOLS;
use crate::scenario::spec::{Spot, address, value};
use crate::scenario::tree::{Kind, Mark, Node};
use std::net::Ipv4Addr;

/// One entry of `traffic`.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub at: Mark,
    pub name: Spot<String>,
    /// Its name was given, but could not be read.
    pub nameless: bool,
    pub from: Vec<Spot<String>>,
    pub to: Option<(Ipv4Addr, u16)>,
    pub protocol: Protocol,
    pub start: Option<Spot<Span>>,
    pub connections: Option<Spot<u64>>,
    pub arrivals: Option<Arrivals>,
    pub request: Option<Spot<u64>>,
    pub response: Option<Spot<u64>>,
    pub hold: Option<Span>,
    pub timeout: Option<Span>,
    pub source_port: Option<u16>,
    pub requests: Option<u64>,
    pub think: Option<Span>,
}

/// Reads one entry, the `index`-th from 0.
pub(crate) fn read(node: &Node<'_>, index: usize, p: &mut Problems) -> Option<Traffic> {
    let mut f = Fields::new(node, "an entry of `traffic`", "{ name: web, from: client, to: 192.168.1.200:80 }", p)?;
    let given = f.get("name").is_some();
    let name = f.opt("name", p, |n, p| value::name(n, "traffic", p));
    let nameless = given && name.is_none();
    let name = name.unwrap_or(Spot { v: (index + 1).to_string(), at: node.at });
    let from = f.need("from", "say who: `from: client`", p, clients).map_or(Vec::new(), |c| c.v);
    let to = f.need("to", "say where to: `to: 192.168.1.200:80`", p, address::endpoint).map(|t| t.v);
    let protocol = f.opt("protocol", p, |n, p| value::choice(n, "a protocol", PROTOCOLS, p));
    let start = f.opt("start", p, value::duration);
    let connections = f.opt("connections", p, |n, p| value::whole(n, 0..=MAX_CONNECTIONS, p));
    let arrivals = read_arrivals(&mut f, p);
    let traffic = Traffic {
        at: node.at,
        name,
        nameless,
        from,
        to,
        protocol: protocol.map_or(Protocol::Tcp, |x| x.v),
        start,
        connections,
        arrivals,
        request: f.opt("request", p, value::bytes),
        response: f.opt("response", p, value::bytes),
        hold: f.opt("hold", p, value::duration).map(|x| x.v),
        timeout: f.opt("timeout", p, value::duration).map(|x| x.v),
        source_port: f.opt("source_port", p, |n, p| value::whole(n, 1..=65_535, p)).map(|x| x.v as u16),
        requests: f.opt("requests", p, |n, p| value::whole(n, 1..=MAX_REQUESTS, p)).map(|x| x.v),
        think: f.opt("think", p, value::duration).map(|x| x.v),
    };
    f.finish(p);
    if traffic.protocol == Protocol::Udp {
        for (key, size) in [("request", &traffic.request), ("response", &traffic.response)] {
            if let Some(size) = size
                && size.v > 65_507
            {
                p.error("E025", size.at, format!("a UDP {key} is one datagram"))
                    .label("more than 65507 bytes")
                    .help("make it smaller, or use tcp");
            }
        }
    }
    Some(traffic)
}

/// A name, or a list of them.
fn clients(node: &Node<'_>, p: &mut Problems) -> Option<Vec<Spot<String>>> {
    if matches!(node.kind, Kind::Map(_)) {
        wrong(node, "a node, a group or a list of them", "[client-1, client-2]", p);
        return None;
    }
    let list = one_or_more(node);
    if list.is_empty() {
        p.error("E016", node.at, "nobody connects").label("an empty list").help("name a client: `from: client`");
    }
    Some(list.iter().filter_map(|n| value::text(n, p).map(|v| Spot { v: v.trim().to_string(), at: n.at })).collect())
}

/// `every`, `rate` or `arrivals`: one of them.
fn read_arrivals(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Arrivals> {
    let mut said: Vec<(Mark, &'static str)> = Vec::new();
    for key in ["every", "rate", "arrivals"] {
        if let Some((k, _)) = f.get(key) {
            said.push((k.at, key));
        }
    }
    said.sort_unstable();
    let every = f.opt("every", p, value::duration).map(|x| Arrivals::Every(x.v));
    let rate = f.opt("rate", p, value::rate).map(|x| Arrivals::Rate(x.v));
    let drawn = f.opt("arrivals", p, drawn).map(|x| x.v);
    if let [(_, first), (at, second), ..] = said.as_slice() {
        p.error("E019", *at, format!("`{second}` and `{first}` exclude each other"))
            .label("both say when connections start")
            .help("keep one of `every`, `rate` and `arrivals`");
        return None;
    }
    every.or(rate).or(drawn)
}

fn drawn(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    let mut f = Fields::new(node, "`arrivals`", "{ poisson: 100/s }", p)?;
    let mut found = Vec::new();
    if let Some((k, n)) = f.get("poisson") {
        found.push((k.at, value::rate_or_gap(n, p).map(Arrivals::Poisson)));
    }
    if let Some((k, n)) = f.get("every") {
        found.push((k.at, value::duration(n, p).map(Arrivals::Every)));
    }
    if let Some((k, n)) = f.get("rate") {
        found.push((k.at, value::rate(n, p).map(Arrivals::Rate)));
    }
    found.sort_by_key(|one| one.0);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    match found.as_slice() {
        [(_, one)] => *one,
        [_, (second, _), ..] => {
            p.error("E019", *second, "`arrivals` come in one way").label("the second one").help("keep one of them");
            None
        }
        [] if unread => None,
        [] => {
            p.error("E015", at, "`arrivals` needs a way to come")
                .label("empty")
                .help("write `arrivals: { poisson: 100/s }`");
            None
        }
    }
}
