//! `traffic`: who connects where, when and how often.

use crate::base::Span;
use crate::scenario::files::Unit;
use crate::scenario::limits::{MAX_CONNECTIONS, MAX_REQUESTS, MAX_USERS};
use crate::scenario::model::Protocol;
use crate::scenario::problem::Problems;
use crate::scenario::spec::arrivals::{self, ArrivalWords};
use crate::scenario::spec::dist::{self, DistWords};
use crate::scenario::spec::read::{Fields, one_or_more, wrong};
use crate::scenario::spec::scalar::{DURATION, ENDPOINT, NETWORK, WORD, named, whole, words};
use crate::scenario::spec::serves::PROTOCOLS;
use crate::scenario::spec::table::{Element, Field, Form, PLAIN, Rule, Shape, field};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;
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

/// An entry of `traffic`.
pub(crate) static TRAFFIC: Element = Element {
    name: "traffic",
    what: || text!("problem-what-entry-traffic"),
    about: "Who connects where, when and how often",
    example: "{ name: web, from: client, to: 192.168.1.200:80 }",
    keys: &[
        &[&NAME.row, &FROM.row, &TO.row, &PROTOCOL.row, &START.row, &CONNECTIONS.row],
        &arrivals::ROWS,
        &[
            &USERS.row,
            &ADDRESSES.row,
            &REQUEST.row,
            &RESPONSE.row,
            &HOLD.row,
            &TIMEOUT.row,
            &SOURCE_PORT.row,
            &REQUESTS.row,
            &THINK.row,
        ],
    ],
    rules: &[Rule::AtMostOne(&arrivals::WAYS)],
    ..PLAIN
};
static NAME: Field<String> = field(
    "name",
    named!(text!("problem-what-traffic")),
    "What expectations, reports and `--set` call it; unless said, its place in the list, from 1",
);
static FROM: Field<Vec<Spot<String>>> = field(
    "from",
    Form { read: clients, shape: || Shape::OneOrMore(Box::new((WORD.shape)()), true) },
    "Who connects: a host, a group (`count`), or a list; connection k comes from client k modulo their number",
)
.need(|| text!("problem-say-who-from-client"));
static TO: Field<(Ipv4Addr, u16)> =
    field("to", ENDPOINT, "Where to, usually the VIP and its port").need(|| text!("problem-say-where-192-168-1"));
static PROTOCOL: Field<Protocol> =
    field("protocol", words!(text!("problem-noun-protocol"), PROTOCOLS), "tcp or udp").default("tcp");
static START: Field<Span> = field("start", DURATION, "When the first connection starts").default("0s");
static CONNECTIONS: Field<u64> = field(
    "connections",
    whole::<0, MAX_CONNECTIONS>(),
    "How many connections; unless said, 1, those of a trace, or with `users` as many as there is time for",
);
static USERS: Field<u64> = field(
    "users",
    whole::<1, MAX_USERS>(),
    "A closed workload: so many users, each of whom connects, waits for the end, thinks, and connects again",
);
static ADDRESSES: Field<(Ipv4Addr, u8)> = field(
    "addresses",
    NETWORK,
    "A network, /8 or smaller, whose addresses the client takes by turns as the source of its connections",
);
static REQUEST: Field<DistWords> = field(
    "request",
    Form {
        read: |n, p| dist::read(n, Unit::Bytes, || text!("problem-what-request-size"), p),
        shape: dist::bytes::shape,
    },
    "How many bytes a request has",
)
.default("100B");
static RESPONSE: Field<DistWords> = field(
    "response",
    Form {
        read: |n, p| dist::read(n, Unit::Bytes, || text!("problem-what-response-size"), p),
        shape: dist::bytes::shape,
    },
    "How many bytes the client asks the server to send back",
)
.default("100B");
static HOLD: Field<Span> =
    field("hold", DURATION, "How long the client keeps the connection open after the last response").default("0s");
static TIMEOUT: Field<Span> =
    field("timeout", DURATION, "When the client gives up: from the start to the end of a response").default("3s");
static SOURCE_PORT: Field<u64> = field(
    "source_port",
    whole::<1, 65_535>(),
    "The source port of all its connections; unless said, from 32768 upwards, one higher for each connection of the client",
);
static REQUESTS: Field<u64> =
    field("requests", whole::<1, MAX_REQUESTS>(), "Requests on one connection, one after the other").default("1");
static THINK: Field<DistWords> = field(
    "think",
    Form { read: |n, p| dist::read(n, Unit::Time, || text!("problem-what-think-time"), p), shape: dist::time::shape },
    "How long the client thinks before the next request, and a user before the next connection",
)
.default("0s");

/// Reads one entry, the `index`-th from 0.
pub(crate) fn read(node: &Node<'_>, index: usize, p: &mut Problems) -> Option<Traffic> {
    let mut f = Fields::new(node, &TRAFFIC, p)?;
    let given = f.get(NAME.row.key).is_some();
    let name = f.opt(&NAME, p);
    let nameless = given && name.is_none();
    let name = name.unwrap_or(Spot { v: (index + 1).to_string(), at: node.at });
    let from = f.need(&FROM, p).map_or(Vec::new(), |c| c.v);
    let to = f.need(&TO, p).map(|t| t.v);
    let protocol = f.opt(&PROTOCOL, p);
    let start = f.opt(&START, p);
    let connections = f.opt(&CONNECTIONS, p);
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
        users: f.opt(&USERS, p),
        addresses: f.opt(&ADDRESSES, p),
        request: f.opt(&REQUEST, p),
        response: f.opt(&RESPONSE, p),
        hold: f.opt(&HOLD, p).map(|x| x.v),
        timeout: f.opt(&TIMEOUT, p).map(|x| x.v),
        source_port: f.opt(&SOURCE_PORT, p).map(|x| x.v as u16),
        requests: f.opt(&REQUESTS, p).map(|x| x.v),
        think: f.opt(&THINK, p).map(|x| x.v),
    };
    f.finish(p);
    if traffic.protocol == Protocol::Udp {
        for (key, size) in [("request", &traffic.request), ("response", &traffic.response)] {
            if let Some(size) = size
                && size.v.constant().is_some_and(|n| n > 65_507)
            {
                p.error("E025", size.at, text!("problem-udp-one-datagram", key))
                    .label(text!("problem-more-than-65507-bytes"))
                    .help(text!("problem-make-smaller-or-use-tcp"));
            }
        }
    }
    Some(traffic)
}

/// A name, or a list of them.
fn clients(node: &Node<'_>, p: &mut Problems) -> Option<Vec<Spot<String>>> {
    if matches!(node.kind, Kind::Map(_)) {
        wrong(node, text!("problem-want-node-group-or-list-them"), "[client-1, client-2]", p);
        return None;
    }
    let list = one_or_more(node);
    if list.is_empty() {
        p.error("E016", node.at, text!("problem-nobody-connects"))
            .label(text!("problem-empty-list"))
            .help(text!("problem-name-client-from-client"));
    }
    Some(list.iter().filter_map(|n| value::text(n, p).map(|v| Spot { v: v.trim().to_string(), at: n.at })).collect())
}
