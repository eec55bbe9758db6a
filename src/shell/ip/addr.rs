//! `ip address` (iproute2's ip/ipaddress.c).
//!
//! Left out, and refused by name: lifetimes, `noprefixroute`, metrics of addresses, `save` and `restore`.

use super::json::{self, Head};
use super::link::{Shown, brief_head, counters, hardware, head};
use super::paint::{Ink, Paint};
use super::{Done, Family, Ip, Stop, Words, scope_by_name, scope_name};
use crate::base::DevIdx;
use crate::net::dev::mask;
use crate::net::{Dev, DevKind, Errno, IfAddr};
use crate::shell::words::{abbreviates, fnmatch};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// An address as `ip addr` prints it after `inet `: `10.0.0.1/24 brd 10.0.0.255 scope global eth0`.
pub fn inet_line(a: &IfAddr) -> String {
    painted(a, Paint::Plain)
}

fn painted(a: &IfAddr, paint: Paint) -> String {
    let mut text = short(a, paint);
    if let Some(broadcast) = a.broadcast {
        text.push_str(&format!("brd {}", paint.on(Ink::Inet, &format!("{broadcast} "))));
    }
    text.push_str(&format!("scope {}", scope_name(a.scope)));
    if a.secondary {
        text.push_str(" secondary");
    }
    text.push_str(&format!(" {}", a.label));
    text
}

/// Which addresses are meant.
#[derive(Default)]
struct Filter {
    shown: Shown,
    scope: Option<u8>,
    secondary: Option<bool>,
    label: Option<String>,
    to: Option<Ipv4Net>,
}

impl Filter {
    fn fits(&self, a: &IfAddr) -> bool {
        self.scope.is_none_or(|s| s == a.scope)
            && self.secondary.is_none_or(|s| s == a.secondary)
            && self.label.as_ref().is_none_or(|l| fnmatch(l, &a.label))
            && self.to.is_none_or(|net| net.contains(&a.local))
    }
}

impl Ip<'_> {
    pub(super) fn address(&mut self, mut words: Words) -> Done {
        let Some(word) = words.next() else {
            return self.addr_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("add") {
            self.addr_change(words, false, false)
        } else if is("change") || is("chg") || is("replace") {
            self.addr_change(words, false, true)
        } else if is("delete") {
            self.addr_change(words, true, false)
        } else if is("show") || is("lst") || is("list") {
            self.addr_show(words)
        } else if is("flush") {
            self.addr_flush(words)
        } else if is("save") || is("showdump") || is("restore") || is("help") {
            Err(self.not_modelled(&format!("address {word}")))
        } else {
            Err(self.unknown(word, "address"))
        }
    }

    fn addr_filter(&mut self, mut words: Words) -> Result<Filter, Stop> {
        let mut filter = Filter::default();
        while let Some(word) = words.next() {
            match word {
                "to" => filter.to = Some(self.need_prefix(&mut words)?.trunc()),
                "scope" => {
                    let text = self.need(&mut words)?;
                    if text != "all" {
                        let scope = scope_by_name(text).ok_or_else(|| self.wrong(text, "invalid \"scope\"\n"))?;
                        filter.scope = Some(scope);
                    }
                }
                "up" => filter.shown.up = true,
                "secondary" | "temporary" => filter.secondary = Some(true),
                "primary" => filter.secondary = Some(false),
                "permanent" => {}
                "label" => filter.label = Some(self.need(&mut words)?.to_string()),
                "type" => filter.shown.kind = Some(self.need(&mut words)?.to_string()),
                "dynamic" | "deprecated" | "tentative" | "group" | "master" | "vrf" | "nomaster" => {
                    return Err(self.not_modelled(word));
                }
                "dev" => {
                    let name = self.need(&mut words)?;
                    filter.shown.dev = Some(self.shown_dev(name)?);
                }
                name if filter.shown.dev.is_some() => return Err(self.garbage("dev", name)),
                name => filter.shown.dev = Some(self.shown_dev(name)?),
            }
        }
        Ok(filter)
    }

    fn addr_show(&mut self, words: Words) -> Done {
        let filter = self.addr_filter(words)?;
        self.no_inet6()?;
        self.plain_devices()?;
        if self.family == Family::Packet {
            return self.link_list(&filter.shown, Head::Addr);
        }
        // Whoever asks for IPv4 alone, if only by a prefix, gets no links.
        let inet = self.family == Family::Inet || filter.to.is_some();
        if self.json {
            self.addr_json(&filter, inet);
            return Ok(());
        }
        for dev in self.devices(&filter.shown) {
            let d = self.net.dev(dev).clone();
            let addrs: Vec<&IfAddr> = d.addrs.iter().filter(|a| filter.fits(a)).collect();
            if addrs.is_empty() && (inet || !d.addrs.is_empty()) {
                continue;
            }
            if self.brief {
                let shorts: String = addrs.iter().map(|a| short(a, self.paint)).collect();
                self.out.line(&format!("{}{shorts}", brief_head(&d, self.paint)));
                continue;
            }
            if !self.oneline && filter.label.is_none() {
                let mut text = head(&d, false, self.paint);
                if !inet {
                    text.push_str(&format!("\n    {}", hardware(&d, self.paint)));
                } else if d.kind == DevKind::Ethernet {
                    text.push_str(" link-netnsid 0");
                }
                self.out.line(&text);
            }
            for a in addrs {
                self.print_addr(&d, a);
            }
            if self.stats && !self.oneline && filter.label.is_none() {
                self.out.line(&counters(&d, "\n"));
            }
        }
        Ok(())
    }

    /// The devices that `up` leaves out, and the addresses that do not fit, stay as `{}`.
    fn addr_json(&mut self, filter: &Filter, inet: bool) {
        let no_link = self.oneline || filter.label.is_some();
        let head = if self.brief {
            Head::BriefAddr
        } else if inet {
            Head::Inet
        } else {
            Head::Addr
        };
        let every = Shown { up: false, ..filter.shown.clone() };
        let devs: Vec<DevIdx> = self.devices(&every);
        let has_some = |d: &Dev| {
            let fits = d.addrs.iter().any(|a| filter.fits(a));
            fits || (d.addrs.is_empty() && !inet)
        };
        let devs: Vec<DevIdx> = devs.into_iter().filter(|d| has_some(self.net.dev(*d))).collect();
        self.answer(devs, |ip, j, dev| {
            let d = ip.net.dev(dev);
            let hidden = filter.shown.up && !d.up;
            if hidden && !no_link {
                return;
            }
            if !no_link {
                json::device(j, d, head);
            }
            j.array("addr_info", |j| {
                for a in d.addrs.iter().filter(|_| !hidden) {
                    j.object(|j| {
                        if filter.fits(a) {
                            json::address(j, a, Some(d).filter(|_| ip.oneline), ip.brief);
                        }
                    });
                }
            });
            if ip.stats && !no_link && !ip.brief {
                json::counters(j, d);
            }
        });
    }

    fn print_addr(&mut self, d: &Dev, a: &IfAddr) {
        let start = if self.oneline { format!("{}: {}", d.idx.ifindex(), d.name) } else { String::new() };
        self.out.line(&format!(
            "{start}    inet {}{}       valid_lft forever preferred_lft forever",
            painted(a, self.paint),
            self.break_()
        ));
    }

    fn addr_change(&mut self, mut words: Words, delete: bool, replace: bool) -> Done {
        self.no_inet6()?;
        let mut local: Option<(Ipv4Net, bool)> = None;
        let mut typed = "";
        let mut peer: Option<Ipv4Net> = None;
        let mut broadcast = None;
        let (mut scope, mut label, mut dev) = (None, None, None);
        while let Some(word) = words.next() {
            match word {
                "peer" | "remote" => peer = Some(self.need_prefix(&mut words)?),
                "broadcast" | "brd" => broadcast = Some(self.need(&mut words)?),
                "scope" => {
                    let text = self.need(&mut words)?;
                    scope = Some(scope_by_name(text).ok_or_else(|| self.wrong(text, "invalid scope value."))?);
                }
                "dev" => dev = Some(self.need(&mut words)?),
                "label" => label = Some(self.need(&mut words)?),
                "anycast" | "metric" | "priority" | "preference" | "valid_lft" | "preferred_lft" | "home" | "nodad"
                | "mngtmpaddr" | "noprefixroute" | "autojoin" | "proto" => return Err(self.not_modelled(word)),
                _ => {
                    let text = if word == "local" { self.need(&mut words)? } else { word };
                    if local.is_some() {
                        return Err(self.garbage("local", text));
                    }
                    local = Some(self.prefix_of(text)?);
                    typed = text;
                }
            }
        }
        let Some(name) = dev else {
            self.out.err("Not enough information: \"dev\" argument is required.");
            return Err(Stop(1));
        };
        if let Some(label) = label
            && !label.starts_with(name)
        {
            self.out.err(&format!("\"dev\" ({name}) must match \"label\" ({label})."));
            return Err(Stop(1));
        }
        let Some((net, with_len)) = local else {
            let dev = self.dev_of(name)?;
            let _ = dev;
            return self.kernel(Err(Errno::Invalid.into()));
        };
        if delete {
            if peer.is_none() && !with_len {
                self.out.err(&format!(
                    "Warning: Executing wildcard deletion to stay compatible with old scripts.\n         \
                     Explicitly specify the prefix length ({typed}/32) to avoid this warning.\n         \
                     This special behaviour is likely to disappear in further releases,\n         \
                     fix your scripts!"
                ));
            }
            let dev = self.dev_of(name)?;
            let wanted = if peer.is_none() && !with_len { None } else { Some(peer.unwrap_or(net)) };
            return self.addr_delete(dev, net.addr(), wanted, label);
        }
        let dev = self.dev_of(name)?;
        let mut addr = IfAddr::new(
            net.addr(),
            peer.unwrap_or(net).prefix_len(),
            label.map_or_else(|| self.net.dev(dev).name.clone(), Into::into),
        );
        if let Some(peer) = peer {
            addr.address = peer.addr();
        }
        if let Some(scope) = scope {
            addr.scope = scope;
        }
        addr.broadcast = match broadcast {
            None => None,
            Some(sign @ ("+" | "-")) => (addr.prefix <= 30).then(|| {
                let hosts = !mask(addr.prefix);
                let base = u32::from(addr.address);
                Ipv4Addr::from(if sign == "+" { base | hosts } else { base & !hosts })
            }),
            Some(text) => Some(self.addr_of(text)?),
        };
        if addr.local.is_unspecified() {
            // The kernel takes 0.0.0.0 and does nothing with it.
            return Ok(());
        }
        let there = self.net.dev(dev).addrs.iter().any(|a| a.local == addr.local && a.same_subnet(&addr));
        if replace && there {
            return Ok(());
        }
        let done = self.net.addr_add(dev, addr);
        self.kernel(done)
    }

    /// `inet_rtm_deladdr`: the first address that fits goes.
    fn addr_delete(&mut self, dev: DevIdx, local: Ipv4Addr, wanted: Option<Ipv4Net>, label: Option<&str>) -> Done {
        let at = self.net.dev(dev).addrs.iter().position(|a| {
            a.local == local
                && label.is_none_or(|l| l == &*a.label)
                && wanted.is_none_or(|w| w.prefix_len() == a.prefix && a.covers(w.addr()))
        });
        match at {
            Some(at) => {
                self.net.addr_del_at(dev, at);
                Ok(())
            }
            None => self.kernel(Err(Errno::AddrNotAvail.into())),
        }
    }

    fn addr_flush(&mut self, words: Words) -> Done {
        self.no_inet6()?;
        if words.peek().is_none() {
            self.out.err("Flush requires arguments.");
            return Err(Stop(1));
        }
        let filter = self.addr_filter(words)?;
        let mut rounds = 0;
        // Secondaries that were promoted come to light in the next round.
        loop {
            let mut gone = 0;
            for dev in self.devices(&filter.shown) {
                let wanted: Vec<IfAddr> = self.net.dev(dev).addrs.iter().filter(|a| filter.fits(a)).cloned().collect();
                gone += wanted.len();
                for a in wanted {
                    let at = self.net.dev(dev).addrs.iter().position(|b| b.local == a.local && b.prefix == a.prefix);
                    if let Some(at) = at {
                        self.net.addr_del_at(dev, at);
                    }
                }
            }
            if gone == 0 || rounds == 10 {
                break;
            }
            rounds += 1;
            if self.stats {
                self.out.line(&format!("\n*** Round {rounds}, deleting {gone} addresses ***"));
            }
        }
        if self.stats {
            self.out.line(&flushed(rounds));
        }
        Ok(())
    }
}

/// What `-s` says at the end of a flush.
pub(super) fn flushed(rounds: usize) -> String {
    match rounds {
        0 => "Nothing to flush.".into(),
        1 => "*** Flush is complete after 1 round ***".into(),
        n => format!("*** Flush is complete after {n} rounds ***"),
    }
}

fn short(a: &IfAddr, paint: Paint) -> String {
    let inet = |addr: Ipv4Addr| paint.on(Ink::Inet, &addr.to_string());
    if a.address == a.local {
        format!("{}/{} ", inet(a.local), a.prefix)
    } else {
        format!("{} peer {}/{} ", inet(a.local), inet(a.address), a.prefix)
    }
}
