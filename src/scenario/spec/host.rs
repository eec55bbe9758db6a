//! `nodes`: switches and hosts, their interfaces and addresses.

use crate::base::Span;
use crate::scenario::limits::MAX_INTERFACES;
use crate::scenario::model::{Kind as NodeKind, Mac};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::link::{LINK_KEYS, LinkWords};
use crate::scenario::spec::read::{Fields, one_or_more, wrong};
use crate::scenario::spec::serves::{self, Serve};
use crate::scenario::spec::value::{self, Script};
use crate::scenario::spec::{Spot, address};
use crate::scenario::tree::{Key, Kind, Mark, Node};
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
const RESERVED: [&str; 2] = ["none", "end"];

/// The keys that only hosts have.
const HOST_KEYS: [&str; 8] = ["interfaces", "gateway", "routes", "sysctl", "serves", "run", "count", "packet_rate"];

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

/// An interface of a host.
#[derive(Debug)]
pub(crate) struct Iface {
    pub name: Spot<String>,
    pub to: Option<Spot<To>>,
    pub mac: Option<Spot<Mac>>,
    pub addresses: Vec<Address>,
    pub link: LinkWords,
}

/// Where the cable of an interface goes.
#[derive(Clone, Debug)]
pub(crate) enum To {
    /// To a node that should be a switch.
    Node(String),
    /// To an interface of a host.
    Port(String, String),
    /// Somewhere, but it could not be read.
    Broken,
}

/// An address of an interface.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub at: Mark,
    pub addr: Ipv4Addr,
    pub prefix: u8,
    pub label: Option<String>,
    pub scope: Option<String>,
}

/// Reads one entry of `nodes`.
pub(crate) fn read(key: &Key<'_>, node: &Node<'_>, p: &mut Problems) -> Host {
    // A name that is too long is told, and cut: groups would repeat it.
    let name = Spot { v: key.text.chars().take(64).collect(), at: key.at };
    if value::good_name(&name, "a node", p) && RESERVED.contains(&name.v.as_str()) {
        p.error("E021", name.at, format!("{} cannot be the name of a node", quote(&name.v)))
            .label("a word with a meaning of its own")
            .help("choose another name");
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
        true => Fields::nothing("a node", key.at),
        false => match Fields::new(node, "a node", "{ kind: switch }", p) {
            Some(f) => f,
            None => {
                host.broken = true;
                return host;
            }
        },
    };
    let remedy = "say what it is: `kind: switch`, `client`, `real-server`, `director`, `host` or `router`";
    host.kind = f.need("kind", remedy, p, |n, p| value::choice(n, "a kind of node", KINDS, p)).map(|k| k.v);
    if host.kind == Some(NodeKind::Switch) {
        for key in HOST_KEYS {
            if let Some(at) = f.refuse(key) {
                p.error("E033", at, format!("a switch has no `{key}`"))
                    .label("only hosts have this")
                    .help("a switch has `kind` and `ageing`; hosts name it in `interfaces.NAME.to`");
            }
        }
    }
    if host.kind.is_none_or(|kind| kind == NodeKind::Switch) {
        host.ageing = f.opt("ageing", p, value::duration).map(|a| a.v);
    } else if let Some(at) = f.refuse("ageing") {
        p.error("E033", at, "a host has no `ageing`")
            .label("only switches have this")
            .help("neighbours age by `net.ipv4.neigh` sysctls");
    }
    if host.kind != Some(NodeKind::Switch) {
        read_host(&mut host, &mut f, p);
    }
    f.finish(p);
    host
}

fn read_host(host: &mut Host, f: &mut Fields<'_, '_>, p: &mut Problems) {
    if let Some((_, node)) = f.get("interfaces")
        && !node.is_null()
    {
        match &node.kind {
            Kind::Map(entries) => {
                if entries.len() > MAX_INTERFACES {
                    p.error("E060", node.at, format!("a host has at most {MAX_INTERFACES} interfaces"))
                        .label(format!("{} are given", entries.len()))
                        .help("spread them over several hosts");
                }
                for (key, node) in entries.iter().take(MAX_INTERFACES) {
                    host.interfaces.push(read_iface(key, node, p));
                }
            }
            _ => {
                host.broken = true;
                wrong(node, "a map of interfaces", "eth0: { to: lan, address: 192.168.1.1/24 }", p);
            }
        }
    }
    host.count = f.opt("count", p, |n, p| value::whole(n, 1..=u64::MAX, p));
    host.gateway = f.opt("gateway", p, address::address).map(|g| g.v);
    if let Some((_, node)) = f.get("routes") {
        match &node.kind {
            Kind::Map(_) => wrong(node, "a list of routes", "[ \"10.0.0.0/8 via 192.168.1.1\" ]", p),
            _ => host.routes = one_or_more(node).iter().filter_map(|n| value::line(n, p)).collect(),
        }
    }
    if let Some((_, node)) = f.get("sysctl")
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
            _ => wrong(node, "a map of sysctls", "net.ipv4.ip_forward: 1", p),
        }
    }
    if let Some((_, node)) = f.get("serves") {
        let list = match &node.kind {
            Kind::Seq(items) => items.as_slice(),
            _ => one_or_more(node),
        };
        let mut ports = BTreeSet::new();
        for node in list {
            let Some(serve) = serves::read(node, p) else { continue };
            match !ports.insert((serve.protocol, serve.port)) {
                true => {
                    p.error("E044", serve.at, format!("port {} is served twice", serve.port))
                        .label("the second server")
                        .help("one server listens on a port; `workers` makes it do several things at once");
                }
                false => host.serves.push(serve),
            }
        }
    }
    host.packet_rate = f.opt("packet_rate", p, value::rate).map(|r| r.v);
    host.run = f.opt("run", p, value::script).map(|s| s.v);
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

fn read_iface(key: &Key<'_>, node: &Node<'_>, p: &mut Problems) -> Iface {
    let name = Spot { v: key.text.chars().take(16).collect(), at: key.at };
    let mut iface = Iface { name, to: None, mac: None, addresses: Vec::new(), link: LinkWords::default() };
    check_iface_name(&iface.name, p);
    if node.is_null() {
        return iface;
    }
    let Some(mut f) = Fields::new(node, "an interface", "{ to: lan, address: 192.168.1.1/24 }", p) else {
        iface.to = Some(Spot { v: To::Broken, at: key.at });
        return iface;
    };
    if matches!(key.text.as_ref(), "lo" | "tunl0") {
        for key in ["to", "mac"].iter().chain(&LINK_KEYS) {
            if let Some(at) = f.refuse(key) {
                p.error("E033", at, format!("`{}` has no `{key}`", iface.name.v))
                    .label("it has no cable")
                    .help("it may have `address` or `addresses`");
            }
        }
    } else {
        if let Some((key, n)) = f.get("to") {
            let to = if n.is_null() { None } else { value::text(n, p) };
            if n.is_null() {
                p.error("E016", key.at, "`to` has no value")
                    .label("nothing after the colon")
                    .help("name a switch, or HOST:INTERFACE");
            }
            let to = to.map_or(To::Broken, |text| match text.trim().split_once(':') {
                Some((node, iface)) => To::Port(node.trim().to_string(), iface.trim().to_string()),
                None => To::Node(text.trim().to_string()),
            });
            iface.to = Some(Spot { v: to, at: n.at });
        }
        iface.mac = f.opt("mac", p, address::mac);
        iface.link = LinkWords::read(&mut f, p);
    }
    let mut lists: Vec<(Mark, &Node<'_>)> =
        ["address", "addresses"].into_iter().filter_map(|k| f.get(k)).map(|(k, n)| (k.at, n)).collect();
    lists.sort_by_key(|l| l.0);
    let mut known = BTreeSet::new();
    for (_, list) in lists {
        for node in one_or_more(list) {
            let Some(address) = read_address(node, &iface.name.v, p) else { continue };
            match !known.insert((address.addr, address.prefix)) {
                true => {
                    let shown = format!("{}/{}", address.addr, address.prefix);
                    p.error("E038", address.at, format!("`{}` has the address {shown} twice", iface.name.v))
                        .label("the second time")
                        .help("`ip addr add` refuses it: remove one");
                }
                false => iface.addresses.push(address),
            }
        }
    }
    f.finish(p);
    iface
}

/// As the kernel's `dev_valid_name`, and no `:`, which begins a label.
fn check_iface_name(name: &Spot<String>, p: &mut Problems) {
    let text = name.v.as_str();
    let label = if text.contains(':') {
        "an alias is no interface"
    } else if text.is_empty() || text.len() > 15 {
        "wants 1 to 15 bytes"
    } else if matches!(text, "." | ".." | "all" | "default") {
        "a word with a meaning of its own"
    } else if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
        "wants visible ASCII characters, no `/`"
    } else {
        return;
    };
    let problem = p.error("E021", name.at, format!("{} cannot be the name of an interface", quote(text))).label(label);
    match text.contains(':') {
        true => {
            problem.help("give its address to the interface: `addresses: [{ address: 10.0.0.9/24, label: eth0:1 }]`")
        }
        false => problem.help("write for example `eth0`"),
    };
}

fn read_address(node: &Node<'_>, iface: &str, p: &mut Problems) -> Option<Address> {
    if !matches!(node.kind, Kind::Map(_)) {
        let (addr, prefix) = address::cidr(node, p)?;
        return Some(Address { at: node.at, addr, prefix, label: None, scope: None });
    }
    let mut f = Fields::new(node, "an address", "{ address: 10.0.0.9/24, label: eth0:1 }", p)?;
    let address = f.need("address", "say it: `address: 10.0.0.9/24`", p, address::cidr);
    let label = f.opt("label", p, |n, p| label(n, iface, p)).map(|l| l.v);
    let scope = f.opt("scope", p, scope).map(|s| s.v);
    f.finish(p);
    let Spot { v: (addr, prefix), at } = address?;
    Some(Address { at, addr, prefix, label, scope })
}

/// A label begins with the interface's name, as `ip addr add` wants it.
fn label(node: &Node<'_>, iface: &str, p: &mut Problems) -> Option<String> {
    let text = value::line(node, p)?;
    if text.starts_with(iface) && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(text);
    }
    p.error("E021", node.at, format!("{} cannot be a label on {}", quote(&text), quote(iface)))
        .label(format!("wants {}: and at most 15 bytes in all", quote(iface).trim_matches('`')))
        .help(format!("write for example `{}:1`", quote(iface).trim_matches('`')));
    None
}

/// The scopes that `ip` knows by name, or a number.
fn scope(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    if node.text().is_some_and(|t| t.parse::<u8>().is_ok()) {
        return node.text().map(str::to_string);
    }
    const SCOPES: &[(&str, &str)] =
        &[("global", "global"), ("site", "site"), ("link", "link"), ("host", "host"), ("nowhere", "nowhere")];
    value::choice(node, "a scope", SCOPES, p).map(str::to_string)
}
