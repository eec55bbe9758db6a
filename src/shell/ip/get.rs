//! `ip route get`: where a packet would go (`inet_rtm_getroute` in net/ipv4/route.c, print_route in iproute2).

use super::paint::Ink;
use super::{Done, Ip, Words, table_name};
use crate::base::DevIdx;
use crate::net::fib::{FlowKey, Hit, RouteKind, TABLE_LOCAL, TABLE_MAIN};
use crate::net::routing::{InError, InRoute};
use crate::net::{Errno, Inet};
use crate::shell::words::number;
use std::net::Ipv4Addr;

/// One answer, ready to be printed.
struct Answer {
    kind: RouteKind,
    via: Option<Ipv4Addr>,
    dev: DevIdx,
    /// The source that was chosen; none if it was given or there is none.
    src: Option<Ipv4Addr>,
    hit: Option<Hit>,
    flags: &'static str,
}

impl Ip<'_> {
    pub(super) fn route_get(&mut self, mut words: Words) -> Done {
        self.no_inet6()?;
        let mut key = FlowKey::to(Ipv4Addr::UNSPECIFIED);
        let mut to = None;
        let (mut from, mut iif, mut oif) = (None, None, None);
        while let Some(mut word) = words.next() {
            match word {
                "from" => from = Some(self.need_prefix(&mut words)?.addr()),
                "iif" => iif = Some(self.need(&mut words)?),
                "oif" | "dev" => oif = Some(self.need(&mut words)?),
                "mark" => {
                    let text = self.need(&mut words)?;
                    key.mark = number(text).ok_or_else(|| self.wrong(text, "Invalid \"mark\" value\n"))?;
                }
                "tos" | "dsfield" => {
                    let text = self.need(&mut words)?;
                    let tos = u8::from_str_radix(text.trim_start_matches("0x"), 16);
                    key.tos = tos.map_err(|_| self.wrong(text, "TOS value is invalid\n"))?;
                }
                "connected" | "notify" | "fibmatch" | "uid" | "ipproto" | "sport" | "dport" | "vrf" => {
                    return Err(self.not_modelled(&format!("route get {word}")));
                }
                _ => {
                    if word == "to" {
                        word = self.need(&mut words)?;
                    }
                    to = Some(self.prefix_of(word)?.0.addr());
                }
            }
        }
        let Some(daddr) = to else {
            self.out.err("need at least a destination address");
            return Err(super::Stop(1));
        };
        key.daddr = daddr;
        key.saddr = from.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let iif = iif.map(|name| self.dev_of(name)).transpose()?;
        key.oif = oif.map(|name| self.dev_of(name)).transpose()?;
        let answer = match iif {
            Some(iif) => self.forwarded(&key, iif),
            None => self.own(&key),
        };
        match answer {
            Ok(answer) => {
                self.print_answer(&key, iif, &answer);
                Ok(())
            }
            Err(errno) => self.kernel(Err(errno.into())),
        }
    }

    fn own(&self, key: &FlowKey) -> Result<Answer, Errno> {
        let way = self.net.output_route_key(*key)?;
        let flags = match way.kind {
            RouteKind::Broadcast => "<local,brd> ",
            RouteKind::Multicast => "<mc> ",
            _ if self.net.dev(way.dev).is_loopback() => "<local> ",
            _ => "",
        };
        Ok(Answer {
            kind: way.kind,
            via: way.via,
            dev: way.dev,
            src: Some(way.saddr).filter(|s| *s != key.saddr),
            hit: way.hit,
            flags,
        })
    }

    fn forwarded(&self, key: &FlowKey, iif: DevIdx) -> Result<Answer, Errno> {
        let found = self.net.input_route(key.daddr, key.saddr, iif, key.mark, key.tos);
        let (kind, hit, flags) = match found {
            Ok(InRoute::Local(hit)) => (RouteKind::Local, Some(hit), "<local> "),
            Ok(InRoute::Broadcast(hit)) => (RouteKind::Broadcast, hit, "<local,brd> "),
            Ok(InRoute::Multicast) => (RouteKind::Multicast, None, "<local,mc> "),
            Ok(InRoute::Forward { hit, .. }) => (RouteKind::Unicast, Some(hit), ""),
            Err(InError::ReversePath { .. }) => return Err(Errno::CrossDevice),
            Err(InError::NotForwarding) => return Err(Errno::HostUnreachable),
            Err(InError::Fib(e)) => return Err(e.errno()),
            Err(InError::MartianSource | InError::MartianDestination | InError::OwnSource) => {
                return Err(Errno::Invalid);
            }
        };
        let forward = kind == RouteKind::Unicast;
        Ok(Answer {
            kind,
            via: hit.and_then(|h| h.gateway()).filter(|_| forward),
            dev: hit.filter(|_| forward).map_or(DevIdx::LO, |h| h.dev),
            src: None,
            hit,
            flags,
        })
    }

    fn print_answer(&mut self, key: &FlowKey, iif: Option<DevIdx>, a: &Answer) {
        let known = a
            .hit
            .filter(|_| a.kind == RouteKind::Unicast && iif.is_none())
            .and_then(|hit| self.net.exceptions.lookup(key.daddr, hit.route, self.now));
        let via = known.and_then(|e| e.gateway).or(a.via);
        let daddr = if key.daddr.is_unspecified() { Ipv4Addr::LOCALHOST } else { key.daddr };
        let details = self.details;
        let table = a.hit.map(|h| answering_table(self.net, h.table)).filter(|t| *t != TABLE_MAIN || details);
        if self.json {
            let mtu = known.and_then(|e| e.mtu).or_else(|| a.hit.and_then(|h| h.mtu));
            let expires = known.map(|e| e.expires.since(self.now).as_secs());
            let redirected = known.is_some_and(|e| e.gateway.is_some());
            self.answer([()], |ip, j, ()| {
                if a.kind != RouteKind::Unicast || details {
                    j.text("type", a.kind.name());
                }
                j.text("dst", &daddr.to_string());
                if !key.saddr.is_unspecified() {
                    j.text("from", &key.saddr.to_string());
                }
                if let Some(via) = via {
                    j.text("gateway", &via.to_string());
                }
                j.text("dev", ip.name(a.dev));
                if let Some(table) = table {
                    j.text("table", &table_name(table));
                }
                if let Some(src) = a.src {
                    j.text("prefsrc", &src.to_string());
                }
                j.texts("flags", []);
                if key.mark != 0 {
                    j.number("mark", u64::from(key.mark));
                }
                if iif.is_none() {
                    j.number("uid", 0);
                }
                let cache = a.flags.trim_end().trim_matches(['<', '>']);
                let redirected = redirected.then_some("redirected");
                j.texts("cache", cache.split(',').filter(|w| !w.is_empty()).chain(redirected));
                if let Some(expires) = expires {
                    j.number("expires", expires);
                }
                super::route::metrics(j, mtu, a.hit.and_then(|h| h.advmss));
                if let Some(iif) = iif {
                    j.text("iif", ip.name(iif));
                }
            });
            return;
        }
        let inet = |addr: Ipv4Addr| self.paint.on(Ink::Inet, &format!("{addr} "));
        let mut text = String::new();
        if a.kind != RouteKind::Unicast || details {
            text.push_str(&format!("{} ", a.kind.name()));
        }
        text.push_str(&inet(daddr));
        if !key.saddr.is_unspecified() {
            text.push_str(&self.paint.on(Ink::Inet, &format!("from {} ", key.saddr)));
        }
        if let Some(via) = via {
            text.push_str(&format!("via {}", inet(via)));
        }
        text.push_str(&format!("dev {}", self.paint.on(Ink::Name, &format!("{} ", self.name(a.dev)))));
        if let Some(table) = table {
            text.push_str(&format!("table {} ", table_name(table)));
        }
        if let Some(src) = a.src {
            text.push_str(&format!("src {}", inet(src)));
        }
        if key.mark != 0 {
            // iproute2 takes small marks for numbers, large ones for bits.
            let mark = if key.mark < 16 { key.mark.to_string() } else { format!("{:#x}", key.mark) };
            text.push_str(&format!("mark {mark} "));
        }
        if iif.is_none() {
            text.push_str("uid 0 ");
        }
        text.push_str(&format!("{}    cache {}", self.break_(), a.flags));
        if let Some(e) = known {
            text.push_str(&e.describe(self.now));
        }
        if known.is_none_or(|e| e.mtu.is_none())
            && let Some(mtu) = a.hit.and_then(|h| h.mtu)
        {
            text.push_str(&format!("mtu {mtu} "));
        }
        if let Some(mss) = a.hit.and_then(|h| h.advmss) {
            text.push_str(&format!("advmss {mss} "));
        }
        if let Some(iif) = iif {
            text.push_str(&format!("iif {}", self.paint.on(Ink::Name, &format!("{} ", self.name(iif)))));
        }
        self.out.line(&text);
    }
}

/// While local and main share a trie, the kernel takes every answer for one of main.
fn answering_table(net: &Inet, table: u32) -> u32 {
    if table == TABLE_LOCAL && !net.fib.has_custom_rules() { TABLE_MAIN } else { table }
}
