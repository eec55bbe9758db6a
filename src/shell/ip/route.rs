//! `ip route` (iproute2's ip/iproute.c): listing, changing, flushing. `ip route get` is in `get.rs`.
//!
//! Left out, and refused by name: several next hops, encapsulation, `from`, metrics other than `mtu` and `advmss`, `save` and
//! `restore`.

use super::addr::flushed;
use super::json::Json;
use super::paint::{Ink, Paint};
use super::{Done, Ip, Stop, Words, proto_by_name, proto_name, scope_by_name, scope_name, table_name};
use crate::base::DevIdx;
use crate::net::fib::{
    Insert, PROTO_BOOT, Route, RouteKind, RouteMatch, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE, SCOPE_UNIVERSE,
    TABLE_LOCAL, TABLE_MAIN,
};
use crate::net::{Errno, Inet, NetError};
use crate::shell::output::Stream;
use crate::shell::words::{abbreviates, number};
use crate::sysctl::Conf;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Which part of a table is meant.
#[derive(Default)]
struct Filter {
    /// None: every table.
    table: Option<u32>,
    cache: bool,
    /// At most as wide as this.
    root: Option<Ipv4Net>,
    /// At least as wide as this.
    within: Option<Ipv4Net>,
    dev: Option<DevIdx>,
    via: Option<Ipv4Addr>,
    src: Option<Ipv4Addr>,
    proto: Option<u8>,
    scope: Option<u8>,
    kind: Option<RouteKind>,
    tos: Option<u8>,
    metric: Option<u32>,
}

impl Filter {
    fn fits(&self, r: &Route) -> bool {
        self.table.is_none_or(|t| t == r.table)
            && self.root.is_none_or(|net| net.contains(&r.dst))
            && self.within.is_none_or(|net| r.dst.contains(&net))
            && self.dev.is_none_or(|d| r.dev == Some(d))
            && self.via.is_none_or(|v| r.via == Some(v))
            && self.src.is_none_or(|s| r.prefsrc == Some(s))
            && self.proto.is_none_or(|p| p == r.proto)
            && self.scope.is_none_or(|s| s == r.scope)
            && self.kind.is_none_or(|k| k == r.kind)
            && self.tos.is_none_or(|t| t == r.tos)
            && self.metric.is_none_or(|m| m == r.metric)
    }
}

/// A route as `ip route show table all` prints it, with the space at its end.
pub fn route_line(net: &Inet, r: &Route) -> String {
    line(net, r, &Filter::default(), Look { details: false, paint: Paint::Plain })
}

/// How a route is printed.
#[derive(Clone, Copy)]
struct Look {
    /// With what goes without saying.
    details: bool,
    paint: Paint,
}

/// What there is to say of a route, without what the filter has said already.
struct Said {
    kind: bool,
    tos: bool,
    via: Option<Ipv4Addr>,
    dev: Option<DevIdx>,
    table: bool,
    proto: bool,
    scope: bool,
    src: Option<Ipv4Addr>,
    metric: bool,
}

impl Said {
    fn of(r: &Route, filter: &Filter, details: bool) -> Said {
        Said {
            kind: (r.kind != RouteKind::Unicast || details) && filter.kind.is_none(),
            tos: r.tos != 0 && filter.tos.is_none(),
            via: r.via.filter(|_| filter.via.is_none()),
            dev: r.dev.filter(|_| filter.dev.is_none()),
            table: (r.table != TABLE_MAIN || details) && filter.table.is_none(),
            proto: (r.proto != PROTO_BOOT || details) && filter.proto.is_none(),
            scope: (r.scope != SCOPE_UNIVERSE || details) && filter.scope.is_none(),
            src: r.prefsrc.filter(|_| filter.src.is_none()),
            metric: r.metric != 0 && filter.metric.is_none(),
        }
    }
}

fn destination(r: &Route) -> String {
    match r.dst.prefix_len() {
        0 => "default".into(),
        32 => r.dst.addr().to_string(),
        _ => r.dst.to_string(),
    }
}

fn element(j: &mut Json, net: &Inet, r: &Route, filter: &Filter, details: bool) {
    let said = Said::of(r, filter, details);
    if said.kind {
        j.text("type", r.kind.name());
    }
    j.text("dst", &destination(r));
    if said.tos {
        j.text("tos", &format!("{:#04x}", r.tos));
    }
    if let Some(via) = said.via {
        j.text("gateway", &via.to_string());
    }
    if let Some(dev) = said.dev {
        j.text("dev", &net.dev(dev).name);
    }
    if said.table {
        j.text("table", &table_name(r.table));
    }
    if said.proto {
        j.text("protocol", &proto_name(r.proto));
    }
    if said.scope {
        j.text("scope", &scope_name(r.scope));
    }
    if let Some(src) = said.src {
        j.text("prefsrc", &src.to_string());
    }
    if said.metric {
        j.number("metric", u64::from(r.metric));
    }
    let flags = [(dead(net, r), "dead"), (r.onlink, "onlink"), (r.linkdown, "linkdown")];
    j.texts("flags", flags.into_iter().filter_map(|(on, word)| on.then_some(word)));
    metrics(j, r.mtu, r.advmss);
}

/// Without carrier, and `ignore_routes_with_linkdown` takes it out of the tables.
fn dead(net: &Inet, r: &Route) -> bool {
    r.linkdown && r.dev.is_some_and(|d| net.sysctl.on(Conf::IgnoreRoutesWithLinkdown, d))
}

/// The metrics of a route that have been set.
pub(super) fn metrics(j: &mut Json, mtu: Option<u32>, advmss: Option<u32>) {
    if mtu.is_none() && advmss.is_none() {
        return;
    }
    j.array("metrics", |j| {
        j.object(|j| {
            for (name, value) in [("mtu", mtu), ("advmss", advmss)] {
                if let Some(value) = value {
                    j.number(name, u64::from(value));
                }
            }
        });
    });
}

fn line(net: &Inet, r: &Route, filter: &Filter, look: Look) -> String {
    let said = Said::of(r, filter, look.details);
    let kind = if said.kind { format!("{} ", r.kind.name()) } else { String::new() };
    let mut text = match r.dst.prefix_len() {
        // A word, not an address.
        0 => kind + "default ",
        _ => kind + &look.paint.on(Ink::Inet, &(destination(r) + " ")),
    };
    let mut add = |word: String| text.push_str(&word);
    if said.tos {
        add(format!("tos {:#04x} ", r.tos));
    }
    if let Some(via) = said.via {
        add(format!("via {}", look.paint.on(Ink::Inet, &format!("{via} "))));
    }
    if let Some(dev) = said.dev {
        add(format!("dev {}", look.paint.on(Ink::Name, &format!("{} ", net.dev(dev).name))));
    }
    if said.table {
        add(format!("table {} ", table_name(r.table)));
    }
    if said.proto {
        add(format!("proto {} ", proto_name(r.proto)));
    }
    if said.scope {
        add(format!("scope {} ", scope_name(r.scope)));
    }
    if let Some(src) = said.src {
        add(format!("src {}", look.paint.on(Ink::Inet, &format!("{src} "))));
    }
    if said.metric {
        add(format!("metric {} ", r.metric));
    }
    if dead(net, r) {
        add("dead ".into());
    }
    if r.onlink {
        add("onlink ".into());
    }
    if r.linkdown {
        add("linkdown ".into());
    }
    if let Some(mtu) = r.mtu {
        add(format!("mtu {}{mtu} ", if r.mtu_lock { "lock " } else { "" }));
    }
    if let Some(mss) = r.advmss {
        add(format!("advmss {mss} "));
    }
    text
}

pub(super) fn kind_by_name(text: &str) -> Option<RouteKind> {
    [
        RouteKind::Unicast,
        RouteKind::Local,
        RouteKind::Broadcast,
        RouteKind::Multicast,
        RouteKind::Blackhole,
        RouteKind::Unreachable,
        RouteKind::Prohibit,
        RouteKind::Throw,
    ]
    .into_iter()
    .find(|k| k.name() == text)
}

/// What was typed after `add` or `del`.
#[derive(Default)]
struct Typed {
    dst: Option<Ipv4Net>,
    kind: Option<RouteKind>,
    scope: Option<u8>,
    tos: u8,
    table: Option<u32>,
    metric: u32,
    via: Option<Ipv4Addr>,
    dev: Option<DevIdx>,
    src: Option<Ipv4Addr>,
    proto: Option<u8>,
    mtu: Option<u32>,
    mtu_lock: bool,
    advmss: Option<u32>,
    onlink: bool,
}

impl Ip<'_> {
    pub(super) fn route(&mut self, mut words: Words) -> Done {
        let Some(word) = words.next() else {
            return self.route_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("list") || is("show") || is("lst") {
            self.route_show(words)
        } else if is("get") {
            self.route_get(words)
        } else if is("add") {
            self.route_add(words, Insert::Exclusive)
        } else if is("change") || word == "chg" {
            self.route_add(words, Insert::Change)
        } else if is("replace") {
            self.route_add(words, Insert::Replace)
        } else if is("prepend") {
            self.route_add(words, Insert::Prepend)
        } else if is("append") {
            self.route_add(words, Insert::Append)
        } else if is("delete") {
            self.route_delete(words)
        } else if is("flush") {
            self.route_flush(words)
        } else if is("test") || is("save") || is("restore") || is("showdump") || is("help") {
            Err(self.not_modelled(&format!("route {word}")))
        } else {
            Err(self.unknown(word, "route"))
        }
    }

    fn route_filter(&mut self, mut words: Words) -> Result<Filter, Stop> {
        let mut f = Filter { table: Some(TABLE_MAIN), ..Filter::default() };
        while let Some(mut word) = words.next() {
            match word {
                "table" => match self.need(&mut words)? {
                    "all" => f.table = None,
                    "cache" => f.cache = true,
                    text => f.table = Some(self.table_of(text)?).filter(|t| *t != 0),
                },
                "cached" | "cloned" | "cache" => f.cache = true,
                "dev" | "oif" => {
                    let name = self.need(&mut words)?;
                    f.dev = Some(self.dev_of(name)?);
                }
                "via" => f.via = Some(self.need_addr(&mut words)?),
                "src" => f.src = Some(self.need_addr(&mut words)?),
                "metric" | "priority" | "preference" => {
                    let text = self.need(&mut words)?;
                    f.metric = Some(number(text).ok_or_else(|| self.wrong(text, "\"metric\" value is invalid\n"))?);
                }
                "tos" | "dsfield" => {
                    let text = self.need(&mut words)?;
                    f.tos = Some(self.tos_of(text)?);
                }
                w if w == "protocol" || w == "proto" => {
                    let text = self.need(&mut words)?;
                    if text != "all" {
                        f.proto = Some(proto_by_name(text).ok_or_else(|| self.wrong(text, "invalid \"protocol\"\n"))?);
                    }
                }
                "scope" => {
                    let text = self.need(&mut words)?;
                    if text != "all" {
                        f.scope = Some(scope_by_name(text).ok_or_else(|| self.wrong(text, "invalid \"scope\"\n"))?);
                    }
                }
                "type" => {
                    let text = self.need(&mut words)?;
                    f.kind = Some(kind_by_name(text).ok_or_else(|| self.wrong(text, "node type value is invalid\n"))?);
                }
                "from" | "iif" | "mark" | "realms" | "vrf" | "nhid" => {
                    return Err(self.not_modelled(&format!("route show {word}")));
                }
                _ => {
                    if word == "to" {
                        word = self.need(&mut words)?;
                    }
                    match word {
                        "root" => f.root = Some(self.need_prefix(&mut words)?.trunc()),
                        "match" => f.within = Some(self.need_prefix(&mut words)?),
                        _ => {
                            if word == "exact" {
                                word = self.need(&mut words)?;
                            }
                            let net = self.prefix_of(word)?.0.trunc();
                            (f.root, f.within) = (Some(net), Some(net));
                        }
                    }
                }
            }
        }
        Ok(f)
    }

    fn tos_of(&mut self, text: &str) -> Result<u8, Stop> {
        let hex = u8::from_str_radix(text.trim_start_matches("0x"), 16);
        hex.map_err(|_| self.wrong(text, "\"tos\" value is invalid\n"))
    }

    fn route_show(&mut self, words: Words) -> Done {
        let filter = self.route_filter(words)?;
        self.no_inet6()?;
        if filter.cache {
            return self.cache_show(&filter);
        }
        if let Err(stop) = self.check_table(&filter, "Dump") {
            if self.json {
                // The array has been begun by then.
                self.out.print(Stream::Stdout, &Json::new(self.pretty).broken_off());
            }
            return Err(stop);
        }
        if self.json {
            let routes: Vec<Route> = self.net.fib.routes().iter().filter(|r| filter.fits(r)).cloned().collect();
            self.answer(routes, |ip, j, r| element(j, ip.net, &r, &filter, ip.details));
            return Ok(());
        }
        let look = Look { details: self.details, paint: self.paint };
        let lines: Vec<String> =
            self.net.fib.routes().iter().filter(|r| filter.fits(r)).map(|r| line(self.net, r, &filter, look)).collect();
        for line in lines {
            self.out.line(&line);
        }
        Ok(())
    }

    fn check_table(&mut self, filter: &Filter, what: &str) -> Done {
        if filter.table.is_none_or(|t| self.net.fib.has_table(t)) {
            return Ok(());
        }
        self.out.err("Error: ipv4: FIB table does not exist.");
        self.out.err(&format!("{what} terminated"));
        Err(Stop(2))
    }

    /// What was learnt about single destinations.
    fn cache_show(&mut self, filter: &Filter) -> Done {
        if self.json {
            return Err(self.not_modelled("-j route show cache"));
        }
        let mut lines = Vec::new();
        for (daddr, e) in self.net.exceptions.iter(self.now) {
            let Some(r) = self.net.fib.routes().iter().find(|r| r.id == e.route) else {
                continue;
            };
            let via = e.gateway.or(r.via);
            let one = Ipv4Net::new_assert(daddr, 32);
            if filter.dev.is_some_and(|d| r.dev != Some(d))
                || filter.root.is_some_and(|net| !net.contains(&one))
                || filter.within.is_some_and(|net| !one.contains(&net))
                || filter.via.is_some_and(|v| via != Some(v))
            {
                continue;
            }
            let mut text = format!("{daddr} ");
            if let Some(via) = via {
                text.push_str(&format!("via {via} "));
            }
            if let Some(dev) = r.dev.filter(|_| filter.dev.is_none()) {
                text.push_str(&format!("dev {} ", self.name(dev)));
            }
            if r.table != TABLE_MAIN {
                text.push_str(&format!("table {} ", table_name(r.table)));
            }
            text.push_str(&format!("{}    cache {}", self.break_(), e.describe(self.now)));
            lines.push(text);
        }
        for line in lines {
            self.out.line(&line);
        }
        Ok(())
    }

    fn route_typed(&mut self, mut words: Words) -> Result<Typed, Stop> {
        let mut t = Typed::default();
        let mut dev = None;
        while let Some(mut word) = words.next() {
            match word {
                "src" => t.src = Some(self.need_addr(&mut words)?),
                "via" => {
                    let text = self.need(&mut words)?;
                    t.via = Some(if text == "inet" { self.need_addr(&mut words)? } else { self.addr_of(text)? });
                }
                "dev" | "oif" => dev = Some(self.need(&mut words)?),
                "table" => {
                    let text = self.need(&mut words)?;
                    t.table = Some(self.table_of(text)?);
                }
                "tos" | "dsfield" => {
                    let text = self.need(&mut words)?;
                    t.tos = self.tos_of(text)?;
                }
                "metric" | "priority" | "preference" => {
                    let text = self.need(&mut words)?;
                    t.metric = number(text).ok_or_else(|| self.wrong(text, "\"metric\" value is invalid\n"))?;
                }
                "scope" => {
                    let text = self.need(&mut words)?;
                    t.scope = Some(scope_by_name(text).ok_or_else(|| self.wrong(text, "invalid \"scope\" value\n"))?);
                }
                "proto" | "protocol" => {
                    let text = self.need(&mut words)?;
                    t.proto =
                        Some(proto_by_name(text).ok_or_else(|| self.wrong(text, "\"protocol\" value is invalid\n"))?);
                }
                "mtu" => {
                    let mut text = self.need(&mut words)?;
                    if text == "lock" {
                        t.mtu_lock = true;
                        text = self.need(&mut words)?;
                    }
                    t.mtu = Some(number(text).ok_or_else(|| self.wrong(text, "\"mtu\" value is invalid\n"))?);
                }
                "advmss" => {
                    let mut text = self.need(&mut words)?;
                    if text == "lock" {
                        text = self.need(&mut words)?;
                    }
                    t.advmss = Some(number(text).ok_or_else(|| self.wrong(text, "\"mss\" value is invalid\n"))?);
                }
                "onlink" => t.onlink = true,
                "from" | "nexthop" | "encap" | "window" | "rtt" | "rttvar" | "rto_min" | "hoplimit" | "cwnd"
                | "initcwnd" | "initrwnd" | "ssthresh" | "realms" | "reordering" | "quickack" | "congctl"
                | "features" | "expires" | "nhid" | "pervasive" | "fastopen_no_cookie" | "ttl-propagate" | "as" => {
                    return Err(self.not_modelled(&format!("route … {word}")));
                }
                _ => {
                    if word == "to" {
                        word = self.need(&mut words)?;
                    }
                    if let Some(kind) = kind_by_name(word) {
                        t.kind = Some(kind);
                        word = self.need(&mut words)?;
                    }
                    if t.dst.is_some() {
                        return Err(self.garbage("to", word));
                    }
                    t.dst = Some(self.prefix_of(word)?.0);
                }
            }
        }
        if let Some(name) = dev {
            t.dev = Some(self.dev_of(name)?);
        }
        Ok(t)
    }

    fn route_destination(&mut self, t: &Typed) -> Result<Ipv4Net, Stop> {
        t.dst.ok_or_else(|| {
            self.out.err("Usage: ip route { show | list | flush | get | add | del | change | append | replace } ROUTE");
            Stop(255)
        })
    }

    fn route_add(&mut self, words: Words, how: Insert) -> Done {
        self.no_inet6()?;
        let t = self.route_typed(words)?;
        let dst = self.route_destination(&t)?;
        let kind = t.kind.unwrap_or(RouteKind::Unicast);
        let scope = t.scope.unwrap_or(match kind {
            RouteKind::Local => SCOPE_HOST,
            RouteKind::Broadcast | RouteKind::Multicast => SCOPE_LINK,
            RouteKind::Unicast if t.via.is_none() => SCOPE_LINK,
            _ => SCOPE_UNIVERSE,
        });
        let route = Route {
            dst,
            kind,
            scope,
            tos: t.tos,
            table: table(&t),
            metric: t.metric,
            via: t.via.filter(|v| !v.is_unspecified()),
            dev: t.dev,
            prefsrc: t.src,
            proto: t.proto.unwrap_or(PROTO_BOOT),
            mtu: t.mtu.filter(|m| *m > 0),
            mtu_lock: t.mtu_lock,
            advmss: t.advmss.filter(|m| *m > 0),
            onlink: t.onlink,
            nh_scope: SCOPE_NOWHERE,
            linkdown: false,
            id: 0,
        };
        let done = self.net.route_insert(route, how);
        self.kernel(done)
    }

    fn route_delete(&mut self, words: Words) -> Done {
        self.no_inet6()?;
        let t = self.route_typed(words)?;
        let dst = self.route_destination(&t)?;
        if dst.addr() != dst.network() {
            let refused = NetError::new(Errno::Invalid, "Invalid prefix for given prefix length");
            return self.kernel(Err(refused));
        }
        let wanted = RouteMatch {
            tos: t.tos,
            kind: t.kind,
            scope: t.scope.unwrap_or(match t.kind {
                Some(RouteKind::Local) => SCOPE_HOST,
                Some(RouteKind::Broadcast | RouteKind::Multicast) => SCOPE_LINK,
                _ => SCOPE_NOWHERE,
            }),
            metric: t.metric,
            via: t.via,
            dev: t.dev,
            prefsrc: t.src,
            proto: t.proto.unwrap_or(0),
            mtu: t.mtu,
            advmss: t.advmss,
            ..RouteMatch::any(dst, table(&t))
        };
        let done = self.net.route_del(&wanted).map(|_| ());
        self.kernel(done)
    }

    fn route_flush(&mut self, words: Words) -> Done {
        self.no_inet6()?;
        if words.peek().is_none() {
            self.out.err("\"ip route flush\" requires arguments.");
            return Err(Stop(1));
        }
        let filter = self.route_filter(words)?;
        if filter.cache {
            self.net.exceptions.flush();
            if self.stats {
                self.out.line("*** IPv4 routing cache is flushed.");
            }
            return Ok(());
        }
        self.check_table(&filter, "Flush")?;
        let gone = self.net.route_retain(|r| !filter.fits(r));
        if self.stats {
            if gone > 0 {
                self.out.line(&format!("\n*** Round 1, deleting {gone} entries ***"));
            }
            self.out.line(&flushed(usize::from(gone > 0)));
        }
        Ok(())
    }
}

/// Without a table, kinds that belong to the local table go there.
fn table(t: &Typed) -> u32 {
    t.table.filter(|t| *t != 0).unwrap_or(match t.kind {
        Some(RouteKind::Local | RouteKind::Broadcast) => TABLE_LOCAL,
        _ => TABLE_MAIN,
    })
}
