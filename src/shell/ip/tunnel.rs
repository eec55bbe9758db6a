//! `ip tunnel` for IP-in-IP (iproute2's ip/iptunnel.c, `ip_tunnel_ctl` in net/ipv4/ip_tunnel.c).
//!
//! Left out, and refused by name: other modes, `dev`, `tos`, keys.

use super::paint::Ink;
use super::{Done, Ip, Stop, Words, json};
use crate::base::DevIdx;
use crate::net::{DevKind, Errno};
use crate::shell::words::{abbreviates, number};
use std::net::Ipv4Addr;

/// `inherit` is 0.
pub(super) fn ttl(text: &str) -> Option<u8> {
    if text == "inherit" {
        return Some(0);
    }
    number(text).and_then(|n| u8::try_from(n).ok())
}

struct Typed<'a> {
    name: Option<&'a str>,
    mode: Option<&'a str>,
    local: Option<Ipv4Addr>,
    remote: Option<Ipv4Addr>,
    ttl: Option<u8>,
    pmtudisc: Option<bool>,
}

const FALLBACK: DevIdx = DevIdx(1);

impl Ip<'_> {
    pub(super) fn tunnel(&mut self, mut words: Words) -> Done {
        let Some(word) = words.next() else {
            return self.tunnel_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("add") {
            self.tunnel_add(words)
        } else if is("change") {
            self.tunnel_change(words)
        } else if is("delete") {
            self.tunnel_delete(words)
        } else if is("show") || is("lst") || is("list") {
            self.tunnel_show(words)
        } else if is("prl") || is("6rd") || is("help") {
            Err(self.not_modelled(&format!("tunnel {word}")))
        } else {
            Err(self.unknown(word, "tunnel"))
        }
    }

    fn tunnel_typed<'w>(&mut self, words: &mut Words<'w>) -> Result<Typed<'w>, Stop> {
        let mut t = Typed { name: None, mode: None, local: None, remote: None, ttl: None, pmtudisc: None };
        while let Some(word) = words.next() {
            match word {
                "mode" => {
                    let mode = self.need(words)?;
                    if !matches!(mode, "ipip" | "ip/ip") {
                        return Err(self.not_modelled(&format!("tunnel mode {mode}")));
                    }
                    t.mode = Some(mode);
                }
                "local" => t.local = self.endpoint(words)?,
                "remote" => t.remote = self.endpoint(words)?,
                "ttl" | "hoplimit" | "hlim" => {
                    let text = self.need(words)?;
                    t.ttl = Some(ttl(text).ok_or_else(|| self.wrong(text, "invalid TTL\n"))?);
                }
                "pmtudisc" => t.pmtudisc = Some(true),
                "nopmtudisc" => t.pmtudisc = Some(false),
                "dev" | "tos" | "tclass" | "dsfield" | "key" | "ikey" | "okey" | "seq" | "csum" | "ignore-df"
                | "external" => {
                    return Err(self.not_modelled(&format!("tunnel … {word}")));
                }
                "name" => t.name = Some(self.need(words)?),
                w if t.name.is_some() => return Err(self.garbage("name", w)),
                w => t.name = Some(w),
            }
        }
        Ok(t)
    }

    fn endpoint(&mut self, words: &mut Words) -> Result<Option<Ipv4Addr>, Stop> {
        let text = self.need(words)?;
        if text == "any" {
            return Ok(None);
        }
        Ok(Some(self.addr_of(text)?).filter(|a| !a.is_unspecified()))
    }

    fn failed(&mut self, what: &str, name: &str, errno: Errno) -> Stop {
        self.out.err(&format!("{what} tunnel \"{name}\" failed: {errno}"));
        Stop(1)
    }

    fn find_tunnel(&self, local: Option<Ipv4Addr>, remote: Option<Ipv4Addr>) -> Option<DevIdx> {
        self.net
            .devices()
            .find(|d| matches!(d.kind, DevKind::Ipip { local: l, remote: r, .. } if (l, r) == (local, remote)))
            .map(|d| d.idx)
    }

    fn tunnel_by_name(&self, name: &str) -> Option<DevIdx> {
        let dev = self.net.dev_by_name(name)?;
        matches!(self.net.dev(dev).kind, DevKind::Ipip { .. }).then_some(dev)
    }

    /// A TTL of its own would let a packet that is cut on the way circle for ever.
    fn ttl_and_pmtudisc(&mut self, ttl: u8, pmtudisc: bool) -> Result<(u8, bool), Stop> {
        if ttl != 0 && !pmtudisc {
            self.out.err("ttl != 0 and nopmtudisc are incompatible");
            return Err(Stop(1));
        }
        Ok((ttl, pmtudisc))
    }

    fn tunnel_add(&mut self, mut words: Words) -> Done {
        let t = self.tunnel_typed(&mut words)?;
        if t.mode.is_none() {
            self.out.err("cannot determine tunnel mode (ipip, gre, vti or sit)");
            return Err(Stop(1));
        }
        // The request goes by way of the device that is always there, and so do its errors.
        if self.find_tunnel(t.local, t.remote).is_some() {
            return Err(self.failed("add", "tunl0", Errno::Exists));
        }
        let (ttl, pmtudisc) = self.ttl_and_pmtudisc(t.ttl.unwrap_or(0), t.pmtudisc.unwrap_or(true))?;
        let kind = DevKind::Ipip { local: t.local, remote: t.remote, ttl, pmtudisc };
        let own;
        let name = match t.name {
            Some(name) => name,
            None => {
                own = (1..=self.net.devs.len() + 1)
                    .map(|n| format!("tunl{n}"))
                    .find(|n| self.net.dev_by_name(n).is_none())
                    .unwrap_or_default();
                &own
            }
        };
        match self.net.add_virtual(name, kind) {
            Ok(_) => Ok(()),
            Err(errno) => Err(self.failed("add", "tunl0", errno)),
        }
    }

    fn tunnel_change(&mut self, mut words: Words) -> Done {
        let t = self.tunnel_typed(&mut words)?;
        let name = t.name.unwrap_or("tunl0");
        let Some(dev) = self.tunnel_by_name(name) else {
            return Err(self.failed("change", name, Errno::NoDevice));
        };
        let DevKind::Ipip { local, remote, ttl, pmtudisc } = self.net.dev(dev).kind else {
            return Ok(());
        };
        let (ttl, pmtudisc) = self.ttl_and_pmtudisc(t.ttl.unwrap_or(ttl), t.pmtudisc.unwrap_or(pmtudisc))?;
        let (local, remote) = (t.local.or(local), t.remote.or(remote));
        if self.find_tunnel(local, remote).is_some_and(|other| other != dev) {
            return Err(self.failed("change", name, Errno::Exists));
        }
        self.net.devs[dev.index()].kind = DevKind::Ipip { local, remote, ttl, pmtudisc };
        self.net.version += 1;
        Ok(())
    }

    fn tunnel_delete(&mut self, mut words: Words) -> Done {
        let t = self.tunnel_typed(&mut words)?;
        let dev = match t.name {
            Some(name) => self.tunnel_by_name(name),
            None => self.find_tunnel(t.local, t.remote),
        };
        let name = t.name.unwrap_or("tunl0");
        match dev {
            None => Err(self.failed("delete", name, Errno::NoDevice)),
            Some(FALLBACK) => Err(self.failed("delete", name, Errno::NotPermitted)),
            Some(dev) => {
                self.net.remove_dev(dev);
                Ok(())
            }
        }
    }

    fn tunnel_show(&mut self, mut words: Words) -> Done {
        let t = self.tunnel_typed(&mut words)?;
        if let Some(name) = t.name
            && self.tunnel_by_name(name).is_none()
        {
            return Err(self.failed("get", name, Errno::NoDevice));
        }
        let mut lines = Vec::new();
        let mut found = Vec::new();
        for d in self.net.devices() {
            let DevKind::Ipip { local, remote, ttl, pmtudisc } = d.kind else {
                continue;
            };
            if t.name.is_some_and(|n| *d.name != *n)
                || (t.local.is_some() && t.local != local)
                || (t.remote.is_some() && t.remote != remote)
            {
                continue;
            }
            found.push(d.idx);
            let end = |a: Option<Ipv4Addr>, blank| {
                self.paint.on(Ink::Inet, &(a.map_or("any".to_string(), |a| a.to_string()) + blank))
            };
            let ttl = if ttl == 0 { "inherit".to_string() } else { ttl.to_string() };
            let mode = if d.idx == FALLBACK { "any/ip" } else { "ip/ip" };
            let tail = if pmtudisc { "" } else { " nopmtudisc" };
            let name = self.paint.on(Ink::Name, &format!("{}: ", d.name));
            let (remote, local) = (end(remote, " "), end(local, ""));
            lines.push(format!("{name}{mode} remote {remote}local {local} ttl {ttl}{tail}"));
        }
        if self.json {
            self.answer(found, |ip, j, dev| {
                let d = ip.net.dev(dev);
                if let DevKind::Ipip { local, remote, ttl, pmtudisc } = d.kind {
                    json::tunnel(j, d, (local, remote), ttl, pmtudisc);
                }
            });
            return Ok(());
        }
        for line in lines {
            self.out.line(&line);
        }
        Ok(())
    }
}
