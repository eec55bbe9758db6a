//! `interfaces` of a host: cables, hardware addresses, addresses.

use crate::scenario::model::Mac;
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::link::{self, LinkWords};
use crate::scenario::spec::read::{Fields, one_or_more};
use crate::scenario::spec::scalar::{CIDR, INTERFACE_NAME, MAC, NO_INTERFACE, WORD};
use crate::scenario::spec::table::{Element, Field, Form, Names, PLAIN, Row, Scalar, Shape, TEXT_ONLY, field, row};
use crate::scenario::spec::{Spot, address, value};
use crate::scenario::tree::{Key, Kind, Mark, Node};
use crate::text;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The interfaces without a cable.
const NO_CABLE: [&str; 2] = ["lo", "tunl0"];

/// The map `interfaces`.
pub(crate) fn all() -> Shape {
    let special = NO_CABLE.map(|name| (name, Shape::map_or_nothing(&LOOPBACK))).to_vec();
    let names = Names::Special(&INTERFACE_NAME, NO_INTERFACE, special);
    Shape::OrNothing(Box::new(Shape::Named(names, Box::new(Shape::map_or_nothing(&INTERFACE)))))
}

/// An interface with a cable.
static INTERFACE: Element = Element {
    name: "interface",
    what: || text!("problem-what-interface"),
    about: "An Ethernet interface, its addresses and its cable; up from the start",
    example: "{ to: lan, address: 192.168.1.1/24 }",
    keys: &[&[&TO.row, &MAC_KEY.row, &ADDRESS, &ADDRESSES], &link::WORDS],
    ..PLAIN
};

/// `lo` and `tunl0`.
static LOOPBACK: Element = Element {
    name: "interface-without-cable",
    what: || text!("problem-what-interface"),
    about: "`lo` or `tunl0`: addresses, and no cable",
    example: "{ address: 192.168.1.200/32 }",
    keys: &[&[&ADDRESS, &ADDRESSES]],
    ..PLAIN
};

static TO: Field<String> = field(
    "to",
    Form { read: value::text, shape: WORD.shape },
    "Where its cable goes: the name of a switch, or HOST:INTERFACE for a cable between two hosts, said at one end",
);
static MAC_KEY: Field<Mac> =
    field("mac", MAC, "Its hardware address; unless said, 02:00:00:00:hi:lo by its number in the file, from 1");
static ADDRESS: Row = row("address", addresses, "Its address: `ip addr add ADDRESS dev NAME`");
static ADDRESSES: Row = row("addresses", addresses, "Its addresses, in this order");

fn addresses() -> Shape {
    let one = Shape::Either(vec![(CIDR.shape)(), Shape::Map(&LABELLED)]);
    Shape::OrNothing(Box::new(Shape::OneOrMore(Box::new(one), false)))
}

/// An address with a label or a scope.
static LABELLED: Element = Element {
    name: "address-with-label",
    what: || text!("problem-what-address"),
    about: "An address with a label or a scope",
    example: "{ address: 10.0.0.9/24, label: eth0:1 }",
    keys: &[&[&OF_LABEL.row, &LABEL, &SCOPE.row]],
    ..PLAIN
};
static OF_LABEL: Field<(Ipv4Addr, u8)> =
    field("address", CIDR, "The address").need(|| text!("problem-say-it", what = "address: 10.0.0.9/24"));
// What it begins with only the interface knows.
static LABEL: Row = row(
    "label",
    || {
        static TEXT: Scalar = Scalar {
            name: "label",
            title: "label",
            about: "The interface's name and what follows, such as `eth0:1`; at most 15 bytes",
            examples: &["eth0:1"],
            pattern: Some(|| "^[!-~]{1,15}$".into()),
            ..TEXT_ONLY
        };
        Shape::Scalar(&TEXT)
    },
    "Its label, as `ifconfig` shows it",
);
static SCOPE: Field<String> = field(
    "scope",
    Form {
        read: scope,
        shape: || {
            Shape::Either(vec![Shape::Words(SCOPES.iter().map(|s| s.0).collect()), Shape::Whole(0, u8::MAX as u64)])
        },
    },
    "Its scope; unless said, the kernel's choice",
);

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

/// Reads one entry of `interfaces`.
pub(crate) fn read(key: &Key<'_>, node: &Node<'_>, p: &mut Problems) -> Iface {
    let name = Spot { v: key.text.chars().take(16).collect(), at: key.at };
    let mut iface = Iface { name, to: None, mac: None, addresses: Vec::new(), link: LinkWords::default() };
    check_iface_name(&iface.name, p);
    if node.is_null() {
        return iface;
    }
    let cabled = !NO_CABLE.contains(&key.text.as_ref());
    let Some(mut f) = Fields::new(node, if cabled { &INTERFACE } else { &LOOPBACK }, p) else {
        iface.to = Some(Spot { v: To::Broken, at: key.at });
        return iface;
    };
    if !cabled {
        for key in INTERFACE.beyond(&LOOPBACK) {
            if let Some(at) = f.refuse(key) {
                p.error("E033", at, text!("problem-thing-has-no-key", iface = iface.name.v, key))
                    .label(text!("problem-it-has-no-cable"))
                    .help(text!("problem-may-have-address-or-addresses"));
            }
        }
    } else {
        if let Some((key, n)) = f.get(TO.row.key) {
            let to = if n.is_null() { None } else { (TO.read)(n, p) };
            if n.is_null() {
                p.error("E016", key.at, text!("problem-to-has-no-value"))
                    .label(text!("problem-nothing-after-colon"))
                    .help(text!("problem-name-switch-or-host-interface"));
            }
            let to = to.map_or(To::Broken, |text| match text.trim().split_once(':') {
                Some((node, iface)) => To::Port(node.trim().to_string(), iface.trim().to_string()),
                None => To::Node(text.trim().to_string()),
            });
            iface.to = Some(Spot { v: to, at: n.at });
        }
        iface.mac = f.opt(&MAC_KEY, p);
        iface.link = LinkWords::read(&mut f, p);
    }
    let mut lists: Vec<(Mark, &Node<'_>)> =
        [&ADDRESS, &ADDRESSES].into_iter().filter_map(|row| f.get(row.key)).map(|(k, n)| (k.at, n)).collect();
    lists.sort_by_key(|l| l.0);
    let mut known = BTreeSet::new();
    for (_, list) in lists {
        for node in one_or_more(list) {
            let Some(address) = read_address(node, &iface.name.v, p) else { continue };
            match !known.insert((address.addr, address.prefix)) {
                true => {
                    let shown = format!("{}/{}", address.addr, address.prefix);
                    p.error("E038", address.at, text!("problem-has-address-twice", iface = iface.name.v, shown))
                        .label(text!("problem-second-time"))
                        .help(text!("problem-ip-addr-add-refuses-remove"));
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
        text!("problem-alias-no-interface")
    } else if text.is_empty() || text.len() > 15 {
        text!("problem-wants-1-15-bytes")
    } else if NO_INTERFACE.contains(&text) {
        text!("problem-word-with-meaning-its-own")
    } else if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
        text!("problem-wants-visible-ascii-characters-no")
    } else {
        return;
    };
    let problem = p.error("E021", name.at, text!("problem-cannot-name-interface", text = quote(text))).label(label);
    match text.contains(':') {
        true => problem.help(text!("problem-give-its-address-interface-addresses")),
        false => problem.help(text!("problem-write-for-example", example = "eth0")),
    };
}

fn read_address(node: &Node<'_>, iface: &str, p: &mut Problems) -> Option<Address> {
    if !matches!(node.kind, Kind::Map(_)) {
        let (addr, prefix) = address::cidr(node, p)?;
        return Some(Address { at: node.at, addr, prefix, label: None, scope: None });
    }
    let mut f = Fields::new(node, &LABELLED, p)?;
    let address = f.need(&OF_LABEL, p);
    let label = f.read(&LABEL, p, |n, p| label(n, iface, p)).map(|l| l.v);
    let scope = f.opt(&SCOPE, p).map(|s| s.v);
    f.finish(p);
    let Spot { v: (addr, prefix), at } = address?;
    Some(Address { at, addr, prefix, label, scope })
}

const SCOPES: &[(&str, &str)] =
    &[("global", "global"), ("site", "site"), ("link", "link"), ("host", "host"), ("nowhere", "nowhere")];

/// A label begins with the interface's name, as `ip addr add` wants it.
fn label(node: &Node<'_>, iface: &str, p: &mut Problems) -> Option<String> {
    let text = value::line(node, p)?;
    if text.starts_with(iface) && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(text);
    }
    p.error("E021", node.at, text!("problem-cannot-label-on", text = quote(&text), iface = quote(iface)))
        .label(text!("problem-wants-and-at-most-15", iface = quote(iface).trim_matches('`')))
        .help(text!("problem-write-label", iface = quote(iface).trim_matches('`')));
    None
}

/// The scopes that `ip` knows by name, or a number.
fn scope(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    if node.text().is_some_and(|t| t.parse::<u8>().is_ok()) {
        return node.text().map(str::to_string);
    }
    value::choice(node, text!("problem-noun-scope"), SCOPES, p).map(str::to_string)
}
