//! `ip neighbour` (iproute2's ip/ipneigh.c, `neigh_add` and `neigh_delete` in net/core/neighbour.c).
//!
//! Entries are listed by device and address; the kernel lists them by a hash with a random key.

use super::addr::flushed;
use super::paint::Ink;
use super::{Done, Ip, Stop, Words};
use crate::base::{DevIdx, SimTime};
use crate::net::{Errno, Neigh, NetError, Nud};
use crate::shell::words::abbreviates;
use crate::wire::Mac;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

const STATES: [Nud; 9] = [
    Nud::None,
    Nud::Incomplete,
    Nud::Reachable,
    Nud::Stale,
    Nud::Delay,
    Nud::Probe,
    Nud::Failed,
    Nud::Noarp,
    Nud::Permanent,
];

fn nud_by_name(text: &str) -> Option<Nud> {
    STATES.into_iter().find(|s| abbreviates(text, &s.name().to_ascii_lowercase()))
}

#[derive(Default)]
struct Filter {
    to: Option<Ipv4Net>,
    dev: Option<DevIdx>,
    /// None: those that are shown unless something else is said.
    states: Option<Vec<Nud>>,
    proxy: bool,
}

impl Filter {
    fn fits(&self, n: &Neigh, default: impl Fn(Nud) -> bool) -> bool {
        self.to.is_none_or(|net| net.contains(&n.addr))
            && self.dev.is_none_or(|d| d == n.dev)
            && match &self.states {
                Some(states) => states.contains(&n.state),
                None => default(n.state),
            }
    }
}

impl Ip<'_> {
    pub(super) fn neighbour(&mut self, mut words: Words) -> Done {
        let Some(word) = words.next() else {
            return self.neigh_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("add") {
            self.neigh_add(words, true, true)
        } else if is("change") || is("chg") {
            self.neigh_add(words, false, false)
        } else if is("replace") {
            self.neigh_add(words, true, false)
        } else if is("delete") {
            self.neigh_delete(words)
        } else if is("get") {
            self.neigh_get(words)
        } else if is("show") || is("lst") || is("list") {
            self.neigh_show(words)
        } else if is("flush") {
            self.neigh_flush(words)
        } else if is("help") {
            Err(self.not_modelled("neigh help"))
        } else {
            Err(self.unknown(word, "neigh"))
        }
    }

    fn neigh_filter(&mut self, mut words: Words) -> Result<Filter, Stop> {
        let mut f = Filter::default();
        while let Some(mut word) = words.next() {
            match word {
                "dev" => {
                    let name = self.need(&mut words)?;
                    f.dev = Some(self.dev_of(name)?);
                }
                "nud" => {
                    let text = self.need(&mut words)?;
                    let states = f.states.get_or_insert_default();
                    if text == "all" {
                        states.extend(STATES);
                    } else {
                        let state = nud_by_name(text).ok_or_else(|| self.wrong(text, "nud state is bad"))?;
                        states.push(state);
                    }
                }
                "proxy" => f.proxy = true,
                "unused" | "master" | "vrf" | "nomaster" => return Err(self.not_modelled(word)),
                _ => {
                    if word == "to" {
                        word = self.need(&mut words)?;
                    }
                    f.to = Some(self.prefix_of(word)?.0.trunc());
                }
            }
        }
        Ok(f)
    }

    fn neigh_show(&mut self, words: Words) -> Done {
        let filter = self.neigh_filter(words)?;
        self.no_inet6()?;
        if self.json {
            self.neigh_json(&filter);
            return Ok(());
        }
        let mut lines = Vec::new();
        if filter.proxy {
            for (dev, addr) in &self.net.proxies {
                if filter.dev.is_some_and(|d| *dev != Some(d)) || filter.to.is_some_and(|net| !net.contains(addr)) {
                    continue;
                }
                let dev = match dev {
                    Some(dev) if filter.dev.is_none() => self.dev_word(*dev),
                    _ => String::new(),
                };
                lines.push(format!("{}{dev}proxy ", self.paint.on(Ink::Inet, &format!("{addr} "))));
            }
        } else {
            for n in self.net.neigh.sorted() {
                if filter.fits(n, |s| !matches!(s, Nud::None | Nud::Noarp)) {
                    lines.push(self.neigh_line(n, filter.dev.is_none()));
                }
            }
        }
        for line in lines {
            self.out.line(&line);
        }
        Ok(())
    }

    fn neigh_line(&self, n: &Neigh, with_dev: bool) -> String {
        let mut text = self.paint.on(Ink::Inet, &format!("{} ", n.addr));
        if with_dev {
            text.push_str(&self.dev_word(n.dev));
        }
        if n.state.valid() {
            text.push_str(&format!("lladdr {}", self.paint.on(Ink::Mac, &format!("{} ", n.mac))));
        }
        if self.stats {
            let [used, confirmed, updated] = self.ages(n);
            // iproute2 6.1 forgets the space.
            text.push_str(&format!(" used {used}/{confirmed}/{updated}probes {} ", n.probes));
        }
        text + n.state.name() + " "
    }

    /// Seconds since it was used, confirmed, updated.
    fn ages(&self, n: &Neigh) -> [u64; 3] {
        [n.used, n.confirmed, n.updated].map(|t: SimTime| self.now.since(t).as_secs())
    }

    fn neigh_json(&mut self, filter: &Filter) {
        let with_dev = filter.dev.is_none();
        if filter.proxy {
            let proxies: Vec<(Option<DevIdx>, Ipv4Addr)> = self
                .net
                .proxies
                .iter()
                .filter(|(dev, addr)| {
                    filter.dev.is_none_or(|d| *dev == Some(d)) && filter.to.is_none_or(|net| net.contains(addr))
                })
                .copied()
                .collect();
            self.answer(proxies, |ip, j, (dev, addr)| {
                j.text("dst", &addr.to_string());
                if let Some(dev) = dev.filter(|_| with_dev) {
                    j.text("dev", ip.name(dev));
                }
                j.null("proxy");
            });
            return;
        }
        let all: Vec<(DevIdx, Ipv4Addr)> = self
            .net
            .neigh
            .sorted()
            .into_iter()
            .filter(|n| filter.fits(n, |s| !matches!(s, Nud::None | Nud::Noarp)))
            .map(|n| (n.dev, n.addr))
            .collect();
        self.answer(all, |ip, j, (dev, addr)| {
            let Some(n) = ip.net.neigh.get(dev, addr) else { return };
            j.text("dst", &addr.to_string());
            if with_dev {
                j.text("dev", ip.name(dev));
            }
            if n.state.valid() {
                j.text("lladdr", &n.mac.to_string());
            }
            if ip.stats {
                let [used, confirmed, updated] = ip.ages(n);
                j.number("used", used);
                j.number("confirmed", confirmed);
                j.number("updated", updated);
                j.number("probes", u64::from(n.probes));
            }
            if n.state != Nud::None {
                j.texts("state", [n.state.name()]);
            }
        });
    }

    fn dev_word(&self, dev: DevIdx) -> String {
        format!("dev {}", self.paint.on(Ink::Name, &format!("{} ", self.name(dev))))
    }

    fn neigh_add(&mut self, mut words: Words, create: bool, exclusive: bool) -> Done {
        self.no_inet6()?;
        let (mut dst, mut dev, mut lladdr) = (None, None, None);
        let mut state = Nud::Permanent;
        let mut proxy = false;
        while let Some(mut word) = words.next() {
            match word {
                "lladdr" => lladdr = Some(self.need(&mut words)?),
                "nud" => {
                    let text = self.need(&mut words)?;
                    state = nud_by_name(text).ok_or_else(|| self.wrong(text, "nud state is bad"))?;
                }
                "dev" => dev = Some(self.need(&mut words)?),
                "proxy" => {
                    proxy = true;
                    let text = self.need(&mut words)?;
                    dst = Some(self.addr_of(text)?);
                }
                "router" | "extern_learn" | "managed" | "use" | "protocol" => {
                    return Err(self.not_modelled(&format!("neigh … {word}")));
                }
                _ => {
                    if word == "to" {
                        word = self.need(&mut words)?;
                    }
                    if dst.is_some() {
                        return Err(self.garbage("to", word));
                    }
                    dst = Some(self.addr_of(word)?);
                }
            }
        }
        let (Some(dst), Some(dev)) = (dst, dev) else {
            self.out.err("Device and destination are required arguments.");
            return Err(Stop(255));
        };
        let mac = match lladdr {
            None | Some("null") => None,
            Some(text) => Some(text.parse::<Mac>().map_err(|_| {
                self.out.err(&format!("\"{text}\" is invalid lladdr."));
                Stop(255)
            })?),
        };
        let dev = self.dev_of(dev)?;
        if proxy {
            self.add_proxy(dev, dst);
            return Ok(());
        }
        let done = self.put_neigh(dev, dst, mac, state, create, exclusive);
        self.kernel(done)
    }

    fn put_neigh(
        &mut self,
        dev: DevIdx,
        dst: Ipv4Addr,
        mac: Option<Mac>,
        state: Nud,
        create: bool,
        exclusive: bool,
    ) -> Result<(), NetError> {
        let net = &mut *self.net;
        let old = net.neigh.get(dev, dst).map(|n| n.state);
        match old {
            None if !create => return Err(Errno::NoEntry.into()),
            Some(_) if exclusive => return Err(Errno::Exists.into()),
            _ => {}
        }
        if state.valid() && mac.is_none() && !old.is_some_and(Nud::valid) {
            return Err(NetError::new(Errno::Invalid, "No link layer address given"));
        }
        if state == Nud::Permanent
            && let Some(mac) = mac
        {
            net.neigh.set_permanent(dev, dst, mac, self.now, &mut net.acts);
        } else {
            net.neigh.set_nud(dev, dst, mac, state, self.now, &net.sysctl, &mut net.acts);
        }
        Ok(())
    }

    fn add_proxy(&mut self, dev: DevIdx, addr: Ipv4Addr) {
        if !self.net.proxies.contains(&(Some(dev), addr)) {
            self.net.proxies.insert(0, (Some(dev), addr));
        }
    }

    fn neigh_delete(&mut self, mut words: Words) -> Done {
        self.no_inet6()?;
        let (mut dst, mut dev, mut proxy) = (None, None, false);
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(self.need(&mut words)?),
                "lladdr" | "nud" => {
                    self.need(&mut words)?;
                }
                "to" => dst = Some(self.need_addr(&mut words)?),
                "proxy" => {
                    proxy = true;
                    dst = Some(self.need_addr(&mut words)?);
                }
                text => dst = Some(self.addr_of(text)?),
            }
        }
        let (Some(dst), Some(dev)) = (dst, dev) else {
            self.out.err("Device and destination are required arguments.");
            return Err(Stop(255));
        };
        let dev = self.dev_of(dev)?;
        let gone = if proxy {
            let before = self.net.proxies.len();
            self.net.proxies.retain(|p| *p != (Some(dev), dst));
            self.net.proxies.len() < before
        } else {
            self.net.neigh.remove(dev, dst, &mut self.net.acts)
        };
        self.kernel(if gone { Ok(()) } else { Err(Errno::NoEntry.into()) })
    }

    fn neigh_get(&mut self, mut words: Words) -> Done {
        self.no_inet6()?;
        let (mut dst, mut dev) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "dev" => dev = Some(self.need(&mut words)?),
                "proxy" => return Err(self.not_modelled("neigh get proxy")),
                "to" => dst = Some(self.need_addr(&mut words)?),
                text => dst = Some(self.addr_of(text)?),
            }
        }
        let (Some(dst), Some(dev)) = (dst, dev) else {
            self.out.err("Device and address are required arguments.");
            return Err(Stop(1));
        };
        let dev = self.dev_of(dev)?;
        match self.net.neigh.get(dev, dst) {
            Some(n) => {
                let line = self.neigh_line(n, true);
                self.out.line(&line);
                Ok(())
            }
            None => self.kernel(Err(NetError::new(Errno::NoEntry, "Neighbour entry not found"))),
        }
    }

    fn neigh_flush(&mut self, words: Words) -> Done {
        self.no_inet6()?;
        if words.peek().is_none() {
            self.out.err("Flush requires arguments.");
            return Err(Stop(1));
        }
        let filter = self.neigh_filter(words)?;
        let gone: Vec<(DevIdx, Ipv4Addr)> = self
            .net
            .neigh
            .sorted()
            .into_iter()
            .filter(|n| filter.fits(n, |s| !matches!(s, Nud::Permanent | Nud::Noarp)))
            .map(|n| (n.dev, n.addr))
            .collect();
        for (dev, addr) in &gone {
            self.net.neigh.remove(*dev, *addr, &mut self.net.acts);
        }
        if self.stats {
            if !gone.is_empty() {
                self.out.line(&format!("\n*** Round 1, deleting {} entries ***", gone.len()));
            }
            self.out.line(&flushed(usize::from(!gone.is_empty())));
        }
        Ok(())
    }
}
