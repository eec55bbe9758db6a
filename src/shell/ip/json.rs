//! `ip -j`: the same answers as JSON, with iproute2 6.1's keys in its order (lib/json_writer.c, print_linkinfo and
//! print_addrinfo in ip/ipaddress.c, print_route, print_neigh, print_rule, print_tunnel).
//!
//! As in iproute2, what a filter leaves out may stay behind as `{}`, and `ip neigh get` has no JSON.

use super::link::{flags, state};
use super::{scope_name, table_name};
use crate::base::DevIdx;
use crate::net::fib::{Rule, RuleAction};
use crate::net::{Dev, DevKind, IfAddr, Inet};
use crate::wire::Mac;
use std::net::Ipv4Addr;

/// Text in the making: one array, as every answer is.
pub(super) struct Json {
    pretty: bool,
    depth: usize,
    /// Something stands before the next value or name.
    comma: bool,
    text: String,
}

impl Json {
    /// An array that has been opened.
    pub fn new(pretty: bool) -> Json {
        let mut json = Json { pretty, depth: 0, comma: false, text: String::new() };
        json.open_array();
        json
    }

    /// What has been written of an answer that breaks off.
    pub fn broken_off(self) -> String {
        self.text
    }

    /// The whole answer.
    pub fn finish(mut self) -> String {
        self.close_array();
        self.text + "\n"
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    fn new_line(&mut self) {
        if self.pretty {
            self.text.push('\n');
            self.text.push_str(&"    ".repeat(self.depth));
        }
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.text.push(bracket);
        self.depth += 1;
        self.comma = false;
    }

    fn open_array(&mut self) {
        self.open('[');
        if self.pretty {
            self.text.push(' ');
        }
    }

    fn close_array(&mut self) {
        if self.pretty && self.comma {
            self.text.push(' ');
        }
        self.depth -= 1;
        self.text.push(']');
        self.comma = true;
    }

    fn open_object(&mut self) {
        self.open('{');
    }

    fn close_object(&mut self) {
        self.depth -= 1;
        if self.comma {
            self.new_line();
        }
        self.text.push('}');
        self.comma = true;
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.new_line();
        self.text.push_str(&format!("\"{name}\":{}", if self.pretty { " " } else { "" }));
        self.comma = false;
    }

    fn string(&mut self, text: &str) {
        self.separate();
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn bare(&mut self, name: &str, text: &str) {
        self.name(name);
        self.separate();
        self.text.push_str(text);
    }

    /// `"name":"text"`.
    pub fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.string(text);
    }

    /// `"name":1`.
    pub fn number(&mut self, name: &str, number: u64) {
        self.bare(name, &number.to_string());
    }

    /// `"name":null`.
    pub fn null(&mut self, name: &str) {
        self.bare(name, "null");
    }

    /// `"name":true`.
    pub fn truth(&mut self, name: &str) {
        self.bare(name, "true");
    }

    /// `"name":["a","b"]`.
    pub fn texts<'t>(&mut self, name: &str, texts: impl IntoIterator<Item = &'t str>) {
        self.name(name);
        self.open_array();
        for text in texts {
            self.string(text);
        }
        self.close_array();
    }

    /// An object as the next value.
    pub fn object(&mut self, fill: impl FnOnce(&mut Json)) {
        self.open_object();
        fill(self);
        self.close_object();
    }

    /// `"name":{…}`.
    pub fn named_object(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.object(fill);
    }

    /// `"name":[…]`.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.open_array();
        fill(self);
        self.close_array();
    }
}

/// How much of a device is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// `ip link`.
    Link,
    /// `ip addr`.
    Addr,
    /// `ip -4 addr`, which leaves the hardware out.
    Inet,
    /// `ip -br link`.
    BriefLink,
    /// `ip -br addr`.
    BriefAddr,
}

/// A device, without the braces.
pub(super) fn device(j: &mut Json, d: &Dev, head: Head) {
    let brief = matches!(head, Head::BriefLink | Head::BriefAddr);
    if !brief {
        j.number("ifindex", u64::from(d.idx.ifindex()));
    }
    match d.kind {
        DevKind::Ethernet => j.number("link_index", u64::from(d.idx.ifindex() + 1)),
        DevKind::Ipip { .. } => j.null("link"),
        _ => {}
    }
    j.text("ifname", &d.name);
    if brief {
        j.text("operstate", state(d));
        if head == Head::BriefLink {
            j.text("address", &super::link::address(d));
            j.texts("flags", flags(d));
        }
        return;
    }
    j.texts("flags", flags(d));
    j.number("mtu", u64::from(d.mtu));
    j.text("qdisc", if d.opened { "noqueue" } else { "noop" });
    j.text("operstate", state(d));
    if head == Head::Link {
        j.text("linkmode", "DEFAULT");
    }
    j.text("group", "default");
    j.number("txqlen", 1000);
    if head != Head::Inet {
        let (kind, broadcast) = match d.kind {
            DevKind::Loopback => ("loopback", Mac::ZERO.to_string()),
            DevKind::Ethernet | DevKind::Dummy => ("ether", Mac::BROADCAST.to_string()),
            DevKind::Ipip { remote, .. } => ("ipip", remote.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string()),
        };
        j.text("link_type", kind);
        j.text("address", &super::link::address(d));
        if d.is_pointopoint() {
            j.truth("link_pointtopoint");
        }
        j.text("broadcast", &broadcast);
    }
    if d.kind == DevKind::Ethernet {
        j.number("link_netnsid", 0);
    }
}

/// `-s` of a device.
pub(super) fn counters(j: &mut Json, d: &Dev) {
    let s = &d.stats;
    let side = |j: &mut Json, name: &str, values: [u64; 4], others: [(&str, u64); 2]| {
        j.named_object(name, |j| {
            j.number("bytes", values[0]);
            j.number("packets", values[1]);
            j.number("errors", values[2]);
            j.number("dropped", values[3]);
            others.into_iter().for_each(|(other, n)| j.number(other, n));
        });
    };
    j.named_object("stats64", |j| {
        side(j, "rx", [s.rx_bytes, s.rx_packets, 0, s.rx_dropped], [("over_errors", 0), ("multicast", 0)]);
        let others = [("carrier_errors", s.tx_carrier_errors), ("collisions", s.collisions)];
        side(j, "tx", [s.tx_bytes, s.tx_packets, s.tx_errors, s.tx_dropped], others);
    });
}

/// An address; `dev` as `-o` wants it.
pub(super) fn address(j: &mut Json, a: &IfAddr, dev: Option<&Dev>, brief: bool) {
    if !brief {
        if let Some(d) = dev {
            j.number("index", u64::from(d.idx.ifindex()));
            j.text("dev", &d.name);
        }
        j.text("family", "inet");
    }
    j.text("local", &a.local.to_string());
    if a.address != a.local {
        j.text("address", &a.address.to_string());
    }
    j.number("prefixlen", u64::from(a.prefix));
    if brief {
        return;
    }
    if let Some(broadcast) = a.broadcast {
        j.text("broadcast", &broadcast.to_string());
    }
    j.text("scope", &scope_name(a.scope));
    if a.secondary {
        j.truth("secondary");
    }
    j.text("label", &a.label);
    j.number("valid_life_time", u64::from(u32::MAX));
    j.number("preferred_life_time", u64::from(u32::MAX));
}

/// A rule.
pub(super) fn rule(j: &mut Json, net: &Inet, r: &Rule, details: bool) {
    j.number("priority", u64::from(r.pref));
    if r.not {
        j.null("not");
    }
    let end = |j: &mut Json, name: &str, length: &str, n: ipnet::Ipv4Net| {
        j.text(name, &n.addr().to_string());
        if n.prefix_len() != 32 {
            j.number(length, u64::from(n.prefix_len()));
        }
    };
    match r.from {
        Some(from) => end(j, "src", "srclen", from),
        None => j.text("src", "all"),
    }
    if let Some(to) = r.to {
        end(j, "dst", "dstlen", to);
    }
    if r.tos != 0 {
        j.text("tos", &format!("{:#04x}", r.tos));
    }
    if let Some((mark, mask)) = r.fwmark {
        j.text("fwmark", &hex(mark));
        if mask != u32::MAX {
            j.text("fwmask", &hex(mask));
        }
    }
    for (word, gone, name) in [("iif", "iif_detached", &r.iif), ("oif", "oif_detached", &r.oif)] {
        if let Some(name) = name {
            j.text(word, name);
            if net.dev_by_name(name).is_none() {
                j.null(gone);
            }
        }
    }
    match r.action {
        RuleAction::Table(table) => j.text("table", &table_name(table)),
        RuleAction::Blackhole => j.text("action", "blackhole"),
        RuleAction::Unreachable => j.text("action", "unreachable"),
        RuleAction::Prohibit => j.text("action", "prohibit"),
    }
    if details {
        j.text("protocol", super::rule::protocol(r));
    }
}

/// C's `%#x`, which has no prefix for 0.
fn hex(n: u32) -> String {
    if n == 0 { "0".into() } else { format!("{n:#x}") }
}

/// A tunnel.
pub(super) fn tunnel(j: &mut Json, d: &Dev, ends: (Option<Ipv4Addr>, Option<Ipv4Addr>), ttl: u8, pmtudisc: bool) {
    let (local, remote) = ends;
    let fallback = d.idx == DevIdx(1);
    j.text("ifname", &d.name);
    j.text("mode", if fallback { "any/ip" } else { "ip/ip" });
    j.text("remote", &remote.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string());
    j.text("local", &local.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string());
    if ttl != 0 {
        j.number("ttl", u64::from(ttl));
    }
    if !pmtudisc {
        j.null("nopmtudisc");
    }
}
