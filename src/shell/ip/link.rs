//! `ip link`: devices, as print_linkinfo in iproute2's ip/ipaddress.c prints them, and their changes (ip/iplink.c).
//!
//! Devices that people may add: `dummy` and `ipip`. A card with a cable cannot be deleted.

use super::json::{self, Head};
use super::paint::{Ink, Paint};
use super::{Done, Ip, Stop, Words};
use crate::base::DevIdx;
use crate::net::inet::valid_name;
use crate::net::{Dev, DevKind, Errno, NetError};
use crate::shell::words::{abbreviates, number};
use crate::wire::Mac;

/// Which devices are shown.
#[derive(Clone, Default)]
pub(super) struct Shown {
    pub dev: Option<DevIdx>,
    pub up: bool,
    pub kind: Option<String>,
}

/// What `ip link set` is to do; the kernel does it in the order of these fields.
#[derive(Default)]
struct Change<'a> {
    mac: Option<Mac>,
    mtu: Option<u32>,
    name: Option<&'a str>,
    arp: Option<bool>,
    up: Option<bool>,
}

impl Ip<'_> {
    pub(super) fn link(&mut self, mut words: Words) -> Done {
        let Some(word) = words.next() else {
            return self.link_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("add") {
            self.link_add(words)
        } else if is("set") || is("change") {
            self.link_set(words)
        } else if is("replace") {
            Err(self.not_modelled("link replace"))
        } else if is("delete") {
            self.link_delete(words)
        } else if is("show") || is("lst") || is("list") {
            self.link_show(words)
        } else if is("xstats") || is("afstats") || is("property") || is("help") {
            Err(self.not_modelled(&format!("link {word}")))
        } else {
            Err(self.unknown(word, "link"))
        }
    }

    fn link_show(&mut self, mut words: Words) -> Done {
        let mut shown = Shown::default();
        while let Some(word) = words.next() {
            match word {
                "up" => shown.up = true,
                "type" => shown.kind = Some(self.need(&mut words)?.to_string()),
                "dev" => {
                    let name = self.need(&mut words)?;
                    shown.dev = Some(self.shown_dev(name)?);
                }
                "master" | "nomaster" | "group" | "vrf" => return Err(self.not_modelled(word)),
                name if shown.dev.is_some() => return Err(self.garbage("dev", name)),
                name => shown.dev = Some(self.shown_dev(name)?),
            }
        }
        self.link_list(&shown, Head::Link)
    }

    /// The devices, for `ip link` and for `ip -0 addr`, which differ in a word.
    pub(super) fn link_list(&mut self, shown: &Shown, how: Head) -> Done {
        self.plain_devices()?;
        if self.json {
            let brief = self.brief;
            let every = self.devices(&Shown { up: shown.up && shown.dev.is_some(), ..shown.clone() });
            // What `up` leaves out stays as `{}`.
            let up = shown.up;
            self.answer(every, |ip, j, dev| {
                let d = ip.net.dev(dev);
                if up && !d.up {
                    return;
                }
                json::device(j, d, if brief { Head::BriefLink } else { how });
                if ip.stats && !brief {
                    json::counters(j, d);
                }
            });
            return Ok(());
        }
        for dev in self.devices(shown) {
            let d = self.net.dev(dev).clone();
            if self.brief {
                let mac = self.paint.on(Ink::Mac, &format!("{} ", address(&d)));
                let text = format!("{}{mac}<{}> ", brief_head(&d, self.paint), flags(&d).join(","));
                self.out.line(&text);
                continue;
            }
            let mut text = head(&d, how == Head::Link, self.paint);
            text.push_str(&format!("{}    {}", self.break_(), hardware(&d, self.paint)));
            if self.stats {
                text.push_str(self.break_());
                text.push_str(&counters(&d, self.break_()));
            }
            self.out.line(&text);
        }
        Ok(())
    }

    pub(super) fn devices(&self, shown: &Shown) -> Vec<DevIdx> {
        self.net
            .devices()
            .filter(|d| {
                shown.dev.is_none_or(|dev| dev == d.idx)
                    && (!shown.up || d.up)
                    && shown.kind.as_deref().is_none_or(|kind| match d.kind {
                        DevKind::Loopback => false,
                        DevKind::Ethernet => kind == "veth",
                        DevKind::Dummy => kind == "dummy",
                        DevKind::Ipip { .. } => kind == "ipip",
                    })
            })
            .map(|d| d.idx)
            .collect()
    }

    fn link_set(&mut self, mut words: Words) -> Done {
        let mut change = Change::default();
        let mut name = None;
        while let Some(word) = words.next() {
            match word {
                "up" => change.up = Some(true),
                "down" => change.up = Some(false),
                "name" => change.name = Some(self.need(&mut words)?),
                "mtu" => {
                    let text = self.need(&mut words)?;
                    let mtu = number(text).ok_or_else(|| self.wrong(text, "Invalid \"mtu\" value\n"))?;
                    change.mtu = Some(mtu);
                }
                "arp" => change.arp = Some(self.on_off("arp", &mut words)?),
                w if abbreviates(w, "address") && w.len() > 3 => {
                    let text = self.need(&mut words)?;
                    let mac = text.parse::<Mac>().map_err(|_| {
                        self.out.err(&format!("\"{text}\" is invalid lladdr."));
                        Stop(255)
                    })?;
                    change.mac = Some(mac);
                }
                "multicast" | "allmulticast" | "promisc" | "trailers" | "txqueuelen" | "qlen" | "txqlen" | "netns"
                | "alias" | "group" | "master" | "nomaster" | "vf" | "type" | "mode" | "state" | "dynamic"
                | "broadcast" | "brd" | "protodown" | "carrier" => {
                    return Err(self.not_modelled(&format!("link set {word}")));
                }
                "dev" => name = Some(self.need(&mut words)?),
                w if name.is_some() => return Err(self.garbage("dev", w)),
                w => name = Some(w),
            }
        }
        let Some(name) = name else {
            self.out.err("Not enough information: \"dev\" argument is required.");
            return Err(Stop(255));
        };
        let dev = self.dev_of(name)?;
        if let Some(new) = change.name
            && !valid_name(new)
        {
            return Err(self.wrong(new, "\"name\" not a valid ifname"));
        }
        let done = self.change(dev, &change);
        self.kernel(done)
    }

    fn on_off(&mut self, what: &str, words: &mut Words) -> Result<bool, Stop> {
        match self.need(words)? {
            "on" => Ok(true),
            "off" => Ok(false),
            other => {
                self.out.err(&format!("Error: argument of \"{what}\" must be \"on\" or \"off\", not \"{other}\""));
                Err(Stop(255))
            }
        }
    }

    fn change(&mut self, dev: DevIdx, change: &Change) -> Result<(), NetError> {
        if let Some(mac) = change.mac {
            self.net.set_mac(dev, mac)?;
        }
        if let Some(mtu) = change.mtu {
            let (least, most) = self.net.dev(dev).mtu_limits();
            let limit = |text| Err(NetError::new(Errno::Invalid, text));
            if mtu < least {
                return limit("mtu less than device minimum");
            }
            if mtu > most {
                return limit("mtu greater than device maximum");
            }
            if mtu < 68 {
                return limit("lvsim keeps IPv4 on every device: an mtu below 68 is not modelled");
            }
            self.net.set_mtu(dev, mtu)?;
        }
        if let Some(name) = change.name {
            self.net.rename(dev, name)?;
        }
        if let Some(arp) = change.arp {
            self.net.set_noarp(dev, !arp);
        }
        match change.up {
            Some(true) => self.net.link_up(dev),
            Some(false) => self.net.link_down(dev),
            None => {}
        }
        Ok(())
    }

    fn link_add(&mut self, mut words: Words) -> Done {
        let (mut name, mut kind) = (None, None);
        let mut mac = None;
        let mut mtu = None;
        let (mut local, mut remote, mut ttl, mut pmtudisc) = (None, None, 0, true);
        while let Some(word) = words.next() {
            match word {
                "type" => kind = Some(self.need(&mut words)?),
                "name" | "dev" => name = Some(self.need(&mut words)?),
                "address" => {
                    let text = self.need(&mut words)?;
                    mac = Some(text.parse::<Mac>().map_err(|_| {
                        self.out.err(&format!("\"{text}\" is invalid lladdr."));
                        Stop(255)
                    })?);
                }
                "mtu" => {
                    let text = self.need(&mut words)?;
                    mtu = Some(number(text).ok_or_else(|| self.wrong(text, "Invalid \"mtu\" value\n"))?);
                }
                "local" if kind == Some("ipip") => local = Some(self.need_addr(&mut words)?),
                "remote" if kind == Some("ipip") => remote = Some(self.need_addr(&mut words)?),
                "ttl" if kind == Some("ipip") => {
                    let text = self.need(&mut words)?;
                    ttl = super::tunnel::ttl(text).ok_or_else(|| self.wrong(text, "invalid TTL\n"))?;
                }
                "pmtudisc" if kind == Some("ipip") => pmtudisc = true,
                "nopmtudisc" if kind == Some("ipip") => pmtudisc = false,
                w if kind.is_some() || w == "link" => {
                    return Err(self.not_modelled(&format!("link add … {w}")));
                }
                w if name.is_some() => return Err(self.garbage("name", w)),
                w => name = Some(w),
            }
        }
        let kind = match kind {
            Some("dummy") => DevKind::Dummy,
            Some("ipip") if ttl != 0 && !pmtudisc => {
                self.out.err("ttl != 0 and nopmtudisc are incompatible");
                return Err(Stop(255));
            }
            Some("ipip") => DevKind::Ipip { local, remote, ttl, pmtudisc },
            Some(other) => return Err(self.not_modelled(&format!("link add type {other}"))),
            None => {
                self.out.err("Not enough information: \"type\" argument is required");
                return Err(Stop(255));
            }
        };
        let own;
        let name = match name {
            Some(name) => name,
            None => {
                let stem = if kind == DevKind::Dummy { "dummy" } else { "tunl" };
                own = (0..=self.net.devs.len())
                    .map(|n| format!("{stem}{n}"))
                    .find(|n| self.net.dev_by_name(n).is_none())
                    .unwrap_or_default();
                &own
            }
        };
        let done = self.net.add_virtual(name, kind).and_then(|dev| {
            if let Some(mac) = mac {
                self.net.set_mac(dev, mac)?;
            }
            mtu.map_or(Ok(()), |mtu| self.net.set_mtu(dev, mtu))
        });
        self.kernel(done.map_err(NetError::from))
    }

    fn link_delete(&mut self, mut words: Words) -> Done {
        let mut name = None;
        while let Some(word) = words.next() {
            match word {
                "dev" => name = Some(self.need(&mut words)?),
                "type" => {
                    self.need(&mut words)?;
                }
                w => name = Some(w),
            }
        }
        let Some(name) = name else {
            self.out.err("Not enough information: \"dev\" argument is required.");
            return Err(Stop(255));
        };
        let dev = self.dev_of(name)?;
        match self.net.dev(dev).kind {
            DevKind::Loopback => self.kernel(Err(Errno::NotSupported.into())),
            DevKind::Ethernet => Err(self.not_modelled("link delete of an interface with a cable")),
            // The kernel lets nobody delete its own tunnel, and does not say so.
            DevKind::Ipip { .. } if dev == DevIdx(1) => Ok(()),
            DevKind::Dummy | DevKind::Ipip { .. } => {
                self.net.remove_dev(dev);
                Ok(())
            }
        }
    }
}

/// `eth0@if4`: cables are virtual Ethernet pairs; the other end's number is one that no host of lvsim has.
fn full_name(d: &Dev) -> String {
    match d.kind {
        DevKind::Ethernet => format!("{}@if{}", d.name, d.idx.ifindex() + 1),
        DevKind::Ipip { .. } => format!("{}@NONE", d.name),
        _ => d.name.to_string(),
    }
}

pub(super) fn state(d: &Dev) -> &'static str {
    match d.kind {
        _ if !d.up || !d.carrier => "DOWN",
        DevKind::Ethernet => "UP",
        _ => "UNKNOWN",
    }
}

pub(super) fn flags(d: &Dev) -> Vec<&'static str> {
    [
        (d.up && !d.carrier, "NO-CARRIER"),
        (d.is_loopback(), "LOOPBACK"),
        (d.is_broadcast(), "BROADCAST"),
        (d.is_pointopoint(), "POINTOPOINT"),
        (d.kind == DevKind::Ethernet, "MULTICAST"),
        (d.noarp, "NOARP"),
        (d.up, "UP"),
        (d.running(), "LOWER_UP"),
    ]
    .into_iter()
    .filter_map(|(on, word)| on.then_some(word))
    .collect()
}

/// The first line, without its end. `ip link` shows the mode as well.
pub(super) fn head(d: &Dev, mode: bool, paint: Paint) -> String {
    format!(
        "{}: {}<{}> mtu {} qdisc {} state {}{}group default qlen 1000",
        d.idx.ifindex(),
        paint.on(Ink::Name, &format!("{}: ", full_name(d))),
        flags(d).join(","),
        d.mtu,
        if d.opened { "noqueue" } else { "noop" },
        paint.on(Ink::State, &format!("{} ", state(d))),
        if mode { "mode DEFAULT " } else { "" }
    )
}

pub(super) fn brief_head(d: &Dev, paint: Paint) -> String {
    let name = paint.on(Ink::Name, &format!("{:<16} ", full_name(d)));
    name + &paint.on(Ink::State, &format!("{:<14} ", state(d)))
}

pub(super) fn address(d: &Dev) -> String {
    match d.kind {
        DevKind::Ipip { local, .. } => local.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED).to_string(),
        _ => d.mac.to_string(),
    }
}

/// `link/ether … brd …`, without indentation and end.
pub(super) fn hardware(d: &Dev, paint: Paint) -> String {
    let mac = |text: &str| paint.on(Ink::Mac, text);
    let own = mac(&address(d));
    match d.kind {
        DevKind::Loopback => format!("link/loopback {own} brd {}", mac(&Mac::ZERO.to_string())),
        DevKind::Ethernet => {
            format!("link/ether {own} brd {} link-netnsid 0", mac(&Mac::BROADCAST.to_string()))
        }
        DevKind::Dummy => format!("link/ether {own} brd {}", mac(&Mac::BROADCAST.to_string())),
        DevKind::Ipip { remote, .. } => match remote {
            Some(remote) => format!("link/ipip {own} peer {}", mac(&remote.to_string())),
            None => format!("link/ipip {own} brd {}", mac("0.0.0.0")),
        },
    }
}

/// The two pairs of lines of `-s`, without the last end of line.
pub(super) fn counters(d: &Dev, end: &str) -> String {
    let s = &d.stats;
    let rx = [s.rx_bytes, s.rx_packets, 0, s.rx_dropped, 0, 0];
    let tx = [s.tx_bytes, s.tx_packets, s.tx_errors, s.tx_dropped, s.tx_carrier_errors, s.collisions];
    let mut width = [10, 7, 6, 7, 7, 7];
    for row in [rx, tx] {
        for (w, n) in width.iter_mut().zip(row) {
            *w = (*w).max(n.to_string().len());
        }
    }
    let heads = |which: &str, names: [&str; 6]| {
        let mut line = format!("    {which}: {:>w$}", names[0], w = width[0] - 4);
        for (name, w) in names.iter().zip(width).skip(1) {
            line.push_str(&format!(" {name:>w$}"));
        }
        line + " " + &" ".repeat(10)
    };
    let numbers = |row: [u64; 6]| {
        let mut line = String::from("    ");
        for (n, w) in row.iter().zip(width) {
            line.push_str(&format!("{n:>w$} "));
        }
        line
    };
    [
        heads("RX", ["bytes", "packets", "errors", "dropped", "missed", "mcast"]),
        numbers(rx),
        heads("TX", ["bytes", "packets", "errors", "dropped", "carrier", "collsns"]),
        numbers(tx),
    ]
    .join(end)
}
