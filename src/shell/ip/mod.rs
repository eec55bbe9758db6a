//! `ip` of iproute2 6.1: `address`, `link`, `route`, `neighbour`, `rule`, `tunnel`, with its abbreviations, messages and exit
//! statuses (1 for what the program refuses, 2 for what the kernel refuses, 255 for what cannot be read).
//!
//! Cables are pairs of virtual Ethernet devices, as where the records were made: `eth0@if4 … link-netnsid 0`.
//! Refused by name: IPv6 (`-6`, to show as to change), other objects, `-n`, `-b`, monitoring, and `-d` of devices, which tells
//! what simulated devices have not (queues, segmentation).

pub mod addr;
mod get;
mod json;
mod link;
mod neigh;
mod paint;
mod route;
mod rule;
mod tunnel;

pub use addr::inet_line;
pub use route::route_line;

use json::Json;
use paint::Paint;

use super::output::{Output, Stream};
use super::words::{abbreviates, ip_addr, ip_prefix};
use crate::base::{DevIdx, SimTime};
use crate::net::{Inet, NetError};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

const USAGE: &str = "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch filename
where  OBJECT := { address | addrlabel | fou | help | ila | ioam | l2tp | link |
                   macsec | maddress | monitor | mptcp | mroute | mrule |
                   neighbor | neighbour | netconf | netns | nexthop | ntable |
                   ntbl | route | rule | sr | stats | tap | tcpmetrics |
                   token | tunnel | tuntap | vrf | xfrm }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |
                    -h[uman-readable] | -iec | -j[son] | -p[retty] |
                    -f[amily] { inet | inet6 | mpls | bridge | link } |
                    -4 | -6 | -M | -B | -0 |
                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |
                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |
                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |
                    -c[olor]}
";

/// The objects in the order in which abbreviations are tried, with the name that lvsim's table knows.
const OBJECTS: &[(&str, Object)] = &[
    ("address", Object::Address),
    ("addrlabel", Object::Other),
    ("maddress", Object::Other),
    ("route", Object::Route),
    ("rule", Object::Rule),
    ("neighbor", Object::Neigh),
    ("neighbour", Object::Neigh),
    ("ntable", Object::Other),
    ("ntbl", Object::Other),
    ("link", Object::Link),
    ("l2tp", Object::Other),
    ("fou", Object::Other),
    ("ila", Object::Other),
    ("macsec", Object::Other),
    ("tunnel", Object::Tunnel),
    ("tunl", Object::Tunnel),
    ("tuntap", Object::Other),
    ("tap", Object::Other),
    ("token", Object::Other),
    ("tcpmetrics", Object::Other),
    ("monitor", Object::Other),
    ("xfrm", Object::Other),
    ("mroute", Object::Other),
    ("mrule", Object::Other),
    ("netns", Object::Other),
    ("netconf", Object::Other),
    ("vrf", Object::Other),
    ("sr", Object::Other),
    ("nexthop", Object::Other),
    ("mptcp", Object::Other),
    ("ioam", Object::Other),
    ("help", Object::Help),
    ("stats", Object::Other),
];

#[derive(Clone, Copy)]
enum Object {
    Address,
    Link,
    Route,
    Neigh,
    Rule,
    Tunnel,
    Help,
    Other,
}

/// The program stops here with this exit status; what there was to say has been said.
struct Stop(u8);

type Done = Result<(), Stop>;

/// One call of the program.
struct Ip<'a> {
    net: &'a mut Inet,
    now: SimTime,
    out: &'a mut Output,
    family: Family,
    oneline: bool,
    stats: bool,
    /// `-s -s`.
    more_stats: bool,
    /// `-h`, `-iec`.
    human: bool,
    brief: bool,
    /// `-d`.
    details: bool,
    json: bool,
    /// `-p`, which only JSON heeds.
    pretty: bool,
    paint: Paint,
}

/// What `-4`, `-6` and `-0` ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Nothing was said.
    Any,
    /// Addresses are shown without links.
    Inet,
    /// There is none.
    Inet6,
    /// Links without addresses.
    Packet,
}

/// Runs `ip`; returns its exit status.
pub fn main(net: &mut Inet, now: SimTime, args: &[String], out: &mut Output) -> u8 {
    let mut ip = Ip {
        net,
        now,
        out,
        family: Family::Any,
        oneline: false,
        stats: false,
        more_stats: false,
        human: false,
        brief: false,
        details: false,
        json: false,
        pretty: false,
        paint: Paint::Plain,
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match ip.run(&args) {
        Ok(()) => 0,
        Err(Stop(rc)) => rc,
    }
}

impl Ip<'_> {
    fn run(&mut self, args: &[&str]) -> Done {
        let mut words = Words::new(args);
        while let Some(option) = words.peek().filter(|w| w.starts_with('-')) {
            words.next();
            self.option(option, &mut words)?;
        }
        let Some(object) = words.next() else {
            self.out.print(Stream::Stderr, USAGE);
            return Err(Stop(255));
        };
        let found = OBJECTS.iter().find(|(name, _)| abbreviates(object, name));
        match found.map(|(_, object)| *object) {
            Some(Object::Address) => self.address(words),
            Some(Object::Link) => self.link(words),
            Some(Object::Route) => self.route(words),
            Some(Object::Neigh) => self.neighbour(words),
            Some(Object::Rule) => self.rule(words),
            Some(Object::Tunnel) => self.tunnel(words),
            Some(Object::Help) => {
                self.out.print(Stream::Stderr, USAGE);
                Err(Stop(255))
            }
            Some(Object::Other) => Err(self.not_modelled(object)),
            None => {
                self.out.err(&format!("Object \"{object}\" is unknown, try \"ip help\"."));
                Err(Stop(1))
            }
        }
    }

    fn option(&mut self, option: &str, words: &mut Words) -> Done {
        // Two dashes are as good as one.
        let name = option.strip_prefix("--").filter(|n| !n.is_empty()).unwrap_or(&option[1..]);
        match name {
            "4" => self.family = Family::Inet,
            "6" => self.family = Family::Inet6,
            "0" => self.family = Family::Packet,
            "B" | "M" => return Err(self.not_modelled(option)),
            "o" => self.oneline = true,
            "h" | "iec" => self.human = true,
            "r" => {}
            _ if abbreviates(name, "family") => match words.next() {
                Some("inet") => self.family = Family::Inet,
                Some("inet6") => self.family = Family::Inet6,
                Some("link") => self.family = Family::Packet,
                _ => return Err(self.not_modelled(option)),
            },
            _ if abbreviates(name, "stats") || abbreviates(name, "statistics") => {
                self.more_stats = self.stats;
                self.stats = true;
            }
            _ if abbreviates(name, "oneline") => self.oneline = true,
            _ if abbreviates(name, "brief") && name.len() > 1 => self.brief = true,
            _ if abbreviates(name, "json") => self.json = true,
            _ if abbreviates(name, "pretty") => self.pretty = true,
            _ if abbreviates(name, "details") => self.details = true,
            _ if abbreviates(name.split('=').next().unwrap_or(""), "color") => {
                // Standard output is no terminal, so that `auto` means no.
                self.paint = match name.split_once('=').map(|(_, when)| when) {
                    None | Some("always") => Paint::Colours,
                    Some("auto" | "never") => Paint::Plain,
                    Some(_) => return Err(self.unknown_option(option)),
                };
            }
            _ if abbreviates(name, "human-readable") => self.human = true,
            _ if abbreviates(name, "resolve") => {}
            _ if abbreviates(name, "loops") => {
                words.next();
            }
            _ if abbreviates(name, "Version") => {
                self.out.line("ip utility, iproute2-6.1.0, libbpf 1.1.2");
                return Err(Stop(0));
            }
            _ if ["netns", "batch", "force", "timestamp", "tshort", "all", "rcvbuf", "Numeric"]
                .iter()
                .any(|full| abbreviates(name, full)) =>
            {
                return Err(self.not_modelled(option));
            }
            _ => return Err(self.unknown_option(option)),
        }
        Ok(())
    }

    fn unknown_option(&mut self, option: &str) -> Stop {
        self.out.err(&format!("Option \"{option}\" is unknown, try \"ip -help\"."));
        Stop(255)
    }

    /// An answer as JSON: every value is an element of one array.
    fn answer<T>(&mut self, items: impl IntoIterator<Item = T>, mut element: impl FnMut(&Self, &mut Json, T)) {
        let mut j = Json::new(self.pretty);
        for item in items {
            j.object(|j| element(self, j, item));
        }
        self.out.print(Stream::Stdout, &j.finish());
    }

    /// What cannot be shown of devices.
    fn plain_devices(&mut self) -> Done {
        let refused = match self {
            Ip { details: true, .. } => "-d",
            Ip { more_stats: true, .. } => "-s -s",
            Ip { human: true, stats: true, .. } => "-h",
            _ => return Ok(()),
        };
        Err(self.not_modelled(refused))
    }

    /// `-6` of what only has IPv4 here: an empty answer would pass for a host without such addresses.
    fn no_inet6(&mut self) -> Done {
        if self.family != Family::Inet6 {
            return Ok(());
        }
        self.out.err("lvsim: ip: IPv6 is not simulated");
        Err(Stop(1))
    }

    /// What `-4` and `-6` make of "any valid address".
    fn family_name(&self) -> &'static str {
        match self.family {
            Family::Inet => "inet",
            Family::Inet6 => "inet6",
            Family::Any | Family::Packet => "any valid",
        }
    }

    /// What this simulator does not have: said by its own name, never as iproute2's words.
    fn not_modelled(&mut self, what: &str) -> Stop {
        self.out.err(&format!("lvsim: ip: `{what}` is not modelled"));
        Stop(1)
    }

    /// What the kernel refuses.
    fn kernel(&mut self, done: Result<(), NetError>) -> Done {
        done.map_err(|e| {
            self.out.err(&e.to_string());
            Stop(2)
        })
    }

    fn unknown(&mut self, word: &str, object: &str) -> Stop {
        self.out.err(&format!("Command \"{word}\" is unknown, try \"ip {object} help\"."));
        Stop(255)
    }

    /// `invarg`.
    fn wrong(&mut self, arg: &str, why: &str) -> Stop {
        self.out.err(&format!("Error: argument \"{arg}\" is wrong: {why}"));
        Stop(255)
    }

    /// `duparg2`: a word that nothing waits for.
    fn garbage(&mut self, key: &str, word: &str) -> Stop {
        self.out.err(&format!("Error: either \"{key}\" is duplicate, or \"{word}\" is a garbage."));
        Stop(255)
    }

    /// The next word, which must be there.
    fn need<'w>(&mut self, words: &mut Words<'w>) -> Result<&'w str, Stop> {
        words.next().ok_or_else(|| {
            self.out.err("Command line is not complete. Try option \"help\"");
            Stop(255)
        })
    }

    fn need_addr(&mut self, words: &mut Words) -> Result<Ipv4Addr, Stop> {
        let text = self.need(words)?;
        self.addr_of(text)
    }

    fn addr_of(&mut self, text: &str) -> Result<Ipv4Addr, Stop> {
        ip_addr(text).ok_or_else(|| {
            let family = self.family_name();
            self.out.err(&format!("Error: {family} address is expected rather than \"{text}\"."));
            Stop(1)
        })
    }

    /// A prefix, and whether its length was typed.
    fn prefix_of(&mut self, text: &str) -> Result<(Ipv4Net, bool), Stop> {
        ip_prefix(text).ok_or_else(|| {
            let family = self.family_name();
            self.out.err(&format!("Error: {family} prefix is expected rather than \"{text}\"."));
            Stop(1)
        })
    }

    fn need_prefix(&mut self, words: &mut Words) -> Result<Ipv4Net, Stop> {
        let text = self.need(words)?;
        Ok(self.prefix_of(text)?.0)
    }

    /// A device for a change.
    fn dev_of(&mut self, name: &str) -> Result<DevIdx, Stop> {
        self.net.dev_by_name(name).ok_or_else(|| {
            self.out.err(&format!("Cannot find device \"{name}\""));
            Stop(1)
        })
    }

    /// A device to show.
    fn shown_dev(&mut self, name: &str) -> Result<DevIdx, Stop> {
        self.net.dev_by_name(name).ok_or_else(|| {
            self.out.err(&format!("Device \"{name}\" does not exist."));
            Stop(1)
        })
    }

    fn table_of(&mut self, text: &str) -> Result<u32, Stop> {
        match text {
            "local" => Ok(255),
            "main" => Ok(254),
            "default" => Ok(253),
            _ => super::words::number(text).ok_or_else(|| self.wrong(text, "\"table\" value is invalid\n")),
        }
    }

    /// What stands between the lines of one entry.
    fn break_(&self) -> &'static str {
        if self.oneline { "\\" } else { "\n" }
    }

    fn name(&self, dev: DevIdx) -> &str {
        &self.net.dev(dev).name
    }
}

/// A table's name (`/etc/iproute2/rt_tables`).
pub(crate) fn table_name(table: u32) -> String {
    match table {
        255 => "local".into(),
        254 => "main".into(),
        253 => "default".into(),
        n => n.to_string(),
    }
}

/// A scope's name (`/etc/iproute2/rt_scopes`).
pub(crate) fn scope_name(scope: u8) -> String {
    match scope {
        0 => "global".into(),
        200 => "site".into(),
        253 => "link".into(),
        254 => "host".into(),
        255 => "nowhere".into(),
        n => n.to_string(),
    }
}

fn scope_by_name(text: &str) -> Option<u8> {
    match text {
        "global" | "universe" => Some(0),
        "site" => Some(200),
        "link" => Some(253),
        "host" => Some(254),
        "nowhere" => Some(255),
        _ => super::words::number(text).and_then(|n| u8::try_from(n).ok()),
    }
}

/// The names of `/etc/iproute2/rt_protos` that matter to people.
const PROTOCOLS: &[(u8, &str)] = &[
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (11, "zebra"),
    (12, "bird"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (186, "bgp"),
    (188, "ospf"),
    (189, "rip"),
];

fn proto_name(proto: u8) -> String {
    PROTOCOLS.iter().find(|(n, _)| *n == proto).map_or_else(|| proto.to_string(), |(_, name)| (*name).to_string())
}

fn proto_by_name(text: &str) -> Option<u8> {
    PROTOCOLS
        .iter()
        .find(|(_, name)| *name == text)
        .map(|(n, _)| *n)
        .or_else(|| super::words::number(text).and_then(|n| u8::try_from(n).ok()))
}

/// The words of a command line, one after the other.
#[derive(Clone, Copy)]
struct Words<'a> {
    rest: &'a [&'a str],
}

impl<'a> Words<'a> {
    fn new(rest: &'a [&'a str]) -> Words<'a> {
        Words { rest }
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn peek(&self) -> Option<&'a str> {
        self.rest.first().copied()
    }
}

#[cfg(test)]
mod tests;
