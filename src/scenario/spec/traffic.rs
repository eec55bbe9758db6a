//! `traffic`: who connects where, when and how often.

use crate::base::Span;
use crate::scenario::files::Unit;
use crate::scenario::limits::{MAX_CONNECTIONS, MAX_REQUESTS, MAX_USERS};
use crate::scenario::model::Protocol;
use crate::scenario::problem::Problems;
use crate::scenario::spec::arrivals::{self, ArrivalWords};
use crate::scenario::spec::dist::{self, DistWords};
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
    pub arrivals: Option<ArrivalWords>,
    pub users: Option<Spot<u64>>,
    pub addresses: Option<Spot<(Ipv4Addr, u8)>>,
    pub request: Option<Spot<DistWords>>,
    pub response: Option<Spot<DistWords>>,
    pub hold: Option<Span>,
    pub timeout: Option<Span>,
    pub source_port: Option<u16>,
    pub requests: Option<u64>,
    pub think: Option<DistWords>,
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
    let arrivals = arrivals::read(&mut f, p);
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
        users: f.opt("users", p, |n, p| value::whole(n, 1..=MAX_USERS, p)),
        addresses: f.opt("addresses", p, prefix),
        request: f.opt("request", p, |n, p| dist::read(n, Unit::Bytes, "the size of a request", p)),
        response: f.opt("response", p, |n, p| dist::read(n, Unit::Bytes, "the size of a response", p)),
        hold: f.opt("hold", p, value::duration).map(|x| x.v),
        timeout: f.opt("timeout", p, value::duration).map(|x| x.v),
        source_port: f.opt("source_port", p, |n, p| value::whole(n, 1..=65_535, p)).map(|x| x.v as u16),
        requests: f.opt("requests", p, |n, p| value::whole(n, 1..=MAX_REQUESTS, p)).map(|x| x.v),
        think: f.opt("think", p, |n, p| dist::read(n, Unit::Time, "the time to think", p)).map(|x| x.v),
    };
    f.finish(p);
    if traffic.protocol == Protocol::Udp {
        for (key, size) in [("request", &traffic.request), ("response", &traffic.response)] {
            if let Some(size) = size
                && size.v.constant().is_some_and(|n| n > 65_507)
            {
                p.error("E025", size.at, format!("a UDP {key} is one datagram"))
                    .label("more than 65507 bytes")
                    .help("make it smaller, or use tcp");
            }
        }
    }
    Some(traffic)
}

/// A network of source addresses.
fn prefix(node: &Node<'_>, p: &mut Problems) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = address::cidr(node, p)?;
    let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    if length < 8 || address.to_bits() & host != 0 {
        p.error("E027", node.at, format!("{address}/{length} is no network of source addresses"))
            .label(if length < 8 { "larger than /8" } else { "has bits beyond its length" })
            .help(format!("write for example `{}/{}`", Ipv4Addr::from_bits(address.to_bits() & !host), length.max(8)));
        return None;
    }
    Some((address, length))
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
