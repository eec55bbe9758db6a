//! `nodes`: switches and hosts, their interfaces and addresses.

use crate::base::Span;
use crate::scenario::limits::MAX_INTERFACES;
use crate::scenario::model::Kind as NodeKind;
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::Spot;
use crate::scenario::spec::iface::{self, Iface};
use crate::scenario::spec::read::{Fields, no_map, one_or_more, wrong};
use crate::scenario::spec::scalar::{ADDRESS, DURATION, LINE, NAME, RATE, SCRIPT, whole, words};
use crate::scenario::spec::serves::{self, Serve};
use crate::scenario::spec::table::{Case, Element, Field, Names, PLAIN, Row, Shape, When, field, row};
use crate::scenario::spec::value::{self, Script};
use crate::scenario::tree::{Key, Kind, Node};
use crate::text;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The kinds of nodes.
pub(crate) const KINDS: &[(&str, NodeKind)] = &[
    ("switch", NodeKind::Switch),
    ("client", NodeKind::Client),
    ("real-server", NodeKind::RealServer),
    ("director", NodeKind::Director),
    ("host", NodeKind::Host),
    ("router", NodeKind::Router),
];

/// Words that mean something where a node may be named.
const RESERVED: &[&str] = &["none", "end"];

/// The map `nodes`.
pub(crate) fn nodes() -> Shape {
    Shape::OrNothing(Box::new(Shape::Named(Names::Form(&NAME, RESERVED), Box::new(Shape::Map(&NODE)))))
}

/// An entry of `nodes`.
static NODE: Element = Element {
    name: "node",
    what: || text!("problem-what-node"),
    about: "A switch, or a Linux host",
    example: "{ kind: switch }",
    cases: &[
        Case { when: When::Is("kind", "switch"), element: &SWITCH },
        Case { when: When::Otherwise, element: &HOST },
    ],
    ..PLAIN
};

static SWITCH: Element = Element {
    name: "switch",
    about: "A learning Ethernet switch: a port for each interface whose `to` names it",
    example: "{ kind: switch }",
    keys: &[&[&KIND.row, &AGEING.row]],
    ..PLAIN
};
static AGEING: Field<Span> =
    field("ageing", DURATION, "After which time the switch forgets where an address is").default("300s");

static HOST: Element = Element {
    name: "host",
    about: "A Linux host; in this order: interfaces and addresses, gateway and routes, sysctl, serves, run",
    example: "{ kind: client, interfaces: { eth0: { to: lan, address: 192.168.1.101/24 } } }",
    keys: &[&[&KIND.row, &INTERFACES, &COUNT.row, &GATEWAY.row, &ROUTES, &SYSCTL, &SERVES, &PACKET_RATE.row, &RUN.row]],
    ..PLAIN
};
static KIND: Field<NodeKind> = field(
    "kind",
    words!(text!("problem-noun-kind"), KINDS),
    "What it is: switch, client, real-server, director, host, router; all but a switch are Linux hosts, and only a router \
     has `net.ipv4.ip_forward=1` from the start",
)
.need(|| text!("problem-say-what-kind-switch-client"));
static INTERFACES: Row = row("interfaces", iface::all, "Its interfaces by name, in their order");
static COUNT: Field<u64> = field(
    "count",
    whole::<1, { u64::MAX }>(),
    "Makes a group of so many: NAME-1, NAME-2 …, each interface address counting up from the one given",
);
static GATEWAY: Field<Ipv4Addr> = field("gateway", ADDRESS, "`ip route add default via` this");
static ROUTES: Row = row(
    "routes",
    || Shape::OrNothing(Box::new(Shape::OneOrMore(Box::new((LINE.shape)()), false))),
    "Each is what follows `ip route add`, such as `10.0.0.0/8 via 192.168.1.1 dev eth0`",
);
static SYSCTL: Row = row(
    "sysctl",
    || Shape::OrNothing(Box::new(Shape::Named(Names::Sysctls, Box::new((LINE.shape)())))),
    "Kernel variables and their values, set after the addresses (`lvsim list sysctls`)",
);
static SERVES: Row = row("serves", serves::list, "What listens: `tcp/80`, or a map that says how it works");
static PACKET_RATE: Field<Span> =
    field("packet_rate", RATE, "Frames that the host can take up in a time; unless said, all that come");
static RUN: Field<Script> =
    field("run", SCRIPT, "What is typed during set-up, before t = 0; it may take time (`sleep`, `ping`)");

/// A node, or a group of them.
#[derive(Debug)]
pub(crate) struct Host {
    pub name: Spot<String>,
    /// Nothing if it could not be read: then the node may be anything.
    pub kind: Option<NodeKind>,
    pub count: Option<Spot<u64>>,
    pub interfaces: Vec<Iface>,
    /// The interfaces could not all be read.
    pub broken: bool,
    pub gateway: Option<Ipv4Addr>,
    pub routes: Vec<String>,
    pub sysctls: Vec<(Spot<String>, Spot<String>)>,
    pub serves: Vec<Serve>,
    pub run: Option<Script>,
    pub ageing: Option<Span>,
    /// Between two frames that the host can take up.
    pub packet_rate: Option<Span>,
}

/// Reads one entry of `nodes`.
pub(crate) fn read(key: &Key<'_>, node: &Node<'_>, p: &mut Problems) -> Host {
    // A name that is too long is told, and cut: groups would repeat it.
    let name = Spot { v: key.text.chars().take(64).collect(), at: key.at };
    if value::good_name(&name, text!("problem-what-node"), p) && RESERVED.contains(&name.v.as_str()) {
        p.error("E021", name.at, text!("problem-cannot-name-node", name = quote(&name.v)))
            .label(text!("problem-word-with-meaning-its-own"))
            .help(text!("problem-choose-another-name"));
    }
    let mut host = Host {
        name,
        kind: None,
        count: None,
        interfaces: Vec::new(),
        broken: false,
        gateway: None,
        routes: Vec::new(),
        sysctls: Vec::new(),
        serves: Vec::new(),
        run: None,
        ageing: None,
        packet_rate: None,
    };
    let mut f = match node.is_null() {
        true => Fields::nothing(&NODE, key.at),
        false => match Fields::new(node, &NODE, p) {
            Some(f) => f,
            None => {
                host.broken = true;
                return host;
            }
        },
    };
    host.kind = f.need(&KIND, p).map(|k| k.v);
    if host.kind == Some(NodeKind::Switch) {
        for key in HOST.beyond(&SWITCH) {
            if let Some(at) = f.refuse(key) {
                p.error("E033", at, text!("problem-switch-has-no", key))
                    .label(text!("problem-only-hosts-have"))
                    .help(text!("problem-switch-has-kind-and-ageing"));
            }
        }
    }
    if host.kind.is_none_or(|kind| kind == NodeKind::Switch) {
        host.ageing = f.opt(&AGEING, p).map(|a| a.v);
    } else if let Some(at) = f.refuse(AGEING.row.key) {
        p.error("E033", at, text!("problem-host-has-no-ageing"))
            .label(text!("problem-only-switches-have"))
            .help(text!("problem-neighbours-age-by-net-ipv4"));
    }
    if host.kind != Some(NodeKind::Switch) {
        read_host(&mut host, &mut f, p);
    }
    f.finish(p);
    host
}

fn read_host(host: &mut Host, f: &mut Fields<'_, '_>, p: &mut Problems) {
    if let Some((_, node)) = f.get(INTERFACES.key)
        && !node.is_null()
    {
        match &node.kind {
            Kind::Map(entries) => {
                if entries.len() > MAX_INTERFACES {
                    p.error("E060", node.at, text!("problem-host-has-at-most-interfaces", most = MAX_INTERFACES))
                        .label(text!("problem-n-given", n = entries.len()))
                        .help(text!("problem-spread-them-over-several-hosts"));
                }
                for (key, node) in entries.iter().take(MAX_INTERFACES) {
                    host.interfaces.push(iface::read(key, node, p));
                }
            }
            _ => {
                host.broken = true;
                no_map(node, text!("problem-want-map-interfaces"), "eth0: { to: lan, address: 192.168.1.1/24 }", p);
            }
        }
    }
    host.count = f.opt(&COUNT, p);
    host.gateway = f.opt(&GATEWAY, p).map(|g| g.v);
    if let Some((_, node)) = f.get(ROUTES.key) {
        match &node.kind {
            Kind::Map(_) => wrong(node, text!("problem-want-list-routes"), "[ \"10.0.0.0/8 via 192.168.1.1\" ]", p),
            _ => host.routes = one_or_more(node).iter().filter_map(|n| value::line(n, p)).collect(),
        }
    }
    if let Some((_, node)) = f.get(SYSCTL.key)
        && !node.is_null()
    {
        match &node.kind {
            Kind::Map(entries) => {
                for (key, node) in entries {
                    if let Some(v) = value::line(node, p) {
                        let name = Spot { v: dotted(&key.text), at: key.at };
                        host.sysctls.push((name, Spot { v, at: node.at }));
                    }
                }
            }
            _ => no_map(node, text!("problem-want-map-sysctls"), "net.ipv4.ip_forward: 1", p),
        }
    }
    if let Some((_, node)) = f.get(SERVES.key) {
        let list = match &node.kind {
            Kind::Seq(items) => items.as_slice(),
            _ => one_or_more(node),
        };
        let mut ports = BTreeSet::new();
        for node in list {
            let Some(serve) = serves::read(node, p) else { continue };
            match !ports.insert((serve.protocol, serve.port)) {
                true => {
                    p.error("E044", serve.at, text!("problem-port-served-twice", port = serve.port))
                        .label(text!("problem-second-server"))
                        .help(text!("problem-one-server-listens-on-port"));
                }
                false => host.serves.push(serve),
            }
        }
    }
    host.packet_rate = f.opt(&PACKET_RATE, p).map(|r| r.v);
    host.run = f.opt(&RUN, p).map(|s| s.v);
}

/// A sysctl as `sysctl -a` writes it; with slashes, as below /proc/sys, dots and slashes change places.
fn dotted(key: &str) -> String {
    match key.find(['.', '/']).map(|i| key.as_bytes()[i]) {
        Some(b'/') => key
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect(),
        _ => key.to_string(),
    }
}
