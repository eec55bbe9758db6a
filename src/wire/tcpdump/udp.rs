//! UDP, VRRP and IGMP (print-udp.c, print-vrrp.c, print-igmp.c).

use super::super::Proto;
use super::super::emit::checksum;
use super::ip::Below;
use super::tcp::pseudo_sum;
use super::{Printer, Step, addr, be16, byte, should_be};

impl Printer<'_> {
    pub(super) fn udp(&mut self, below: Below<'_>, data: &[u8], length: u32) -> Step {
        self.protocol = "udp";
        let (src, dst) = (self.host(addr(below.header, 12)?), self.host(addr(below.header, 16)?));
        let (Ok(sport), Ok(dport)) = (be16(data, 0), be16(data, 2)) else {
            self.push(format_args!("{src} > {dst}: "));
            self.truncated();
            return Ok(());
        };
        let (sname, dname) = (self.port(Proto::Udp, sport), self.port(Proto::Udp, dport));
        self.push(format_args!("{src}.{sname} > {dst}.{dname}: "));
        if length < 8 {
            self.push(format_args!("truncated-udp {length}"));
            return Ok(());
        }
        let Ok(said) = be16(data, 4) else {
            self.truncated();
            return Ok(());
        };
        let Some(said) = u32::from(said).checked_sub(8) else {
            self.push(format_args!("truncated-udplength {said}"));
            return Ok(());
        };
        let there = (length - 8).min(said);
        if data.len() < 8 {
            self.truncated();
            return Ok(());
        }
        if self.style.verbose > 1 && !self.style.unchecked && !below.fragmented {
            let field = be16(data, 6)?;
            if field == 0 {
                self.text("[no cksum] ");
            } else if data.len() as u32 >= there + 8 {
                match pseudo_sum(below.header, 17, &data[..there as usize + 8])? {
                    0 => self.text("[udp sum ok] "),
                    sum => {
                        self.push(format_args!("[bad udp cksum {field:#06x} -> {:#06x}!] ", should_be(field, sum)));
                    }
                }
            }
        }
        if said > there && !below.fragmented {
            self.push(format_args!("UDP, bad length {said} > {there}"));
        } else {
            self.push(format_args!("UDP, length {said}"));
        }
        Ok(())
    }

    pub(super) fn vrrp(&mut self, below: Below<'_>, data: &[u8], length: u32) -> Step {
        self.protocol = "vrrp";
        self.text("VRRP");
        let (version, kind) = (byte(data, 0)? >> 4, byte(data, 0)? & 15);
        match kind {
            1 => self.push(format_args!("v{version}, Advertisement")),
            other => self.push(format_args!("v{version}, unknown type ({other})")),
        }
        let ttl = byte(below.header, 8)?;
        if ttl != 255 {
            self.push(format_args!(", (ttl {ttl})"));
        }
        if !(2..=3).contains(&version) || kind != 1 {
            return Ok(());
        }
        self.push(format_args!(", vrid {}, prio {}", byte(data, 1)?, byte(data, 2)?));
        let auth = byte(data, 4)?;
        if version == 2 {
            match auth {
                0 => self.text(", authtype none"),
                1 => self.text(", authtype simple"),
                2 => self.text(", authtype ah"),
                other => self.push(format_args!(", authtype #{other}")),
            }
            self.push(format_args!(", intvl {}s, length {length}", byte(data, 5)?));
        } else {
            self.push(format_args!(", intvl {}cs, length {length}", be16(data, 4)? & 0xfff));
        }
        if self.style.verbose > 0 {
            self.vrrp_rest(below, data, length, version, auth)?;
        }
        Ok(())
    }

    fn vrrp_rest(&mut self, below: Below<'_>, data: &[u8], length: u32, version: u8, auth: u8) -> Step {
        if data.len() >= length as usize {
            let whole = &data[..length as usize];
            let sum = if version == 2 { checksum(&[whole]) } else { pseudo_sum(below.header, 112, whole)? };
            if sum != 0 {
                self.push(format_args!(", (bad vrrp cksum {:x})", be16(data, 6)?));
            }
        }
        let count = usize::from(byte(data, 3)?);
        self.text(", addrs");
        if count > 1 {
            self.push(format_args!("({count})"));
        }
        self.text(":");
        for n in 0..count {
            let address = self.host(addr(data, 8 + 4 * n)?);
            self.push(format_args!("{}{address}", if n == 0 { ' ' } else { ',' }));
        }
        if version == 2 && auth == 1 {
            self.text(" auth \"");
            for n in 0..8 {
                match byte(data, 8 + 4 * count + n)? {
                    0 => break,
                    b => self.character(b),
                }
            }
            self.text("\"");
        }
        Ok(())
    }

    pub(super) fn igmp(&mut self, data: &[u8], length: u32) -> Step {
        self.protocol = "igmp";
        if self.style.quiet > 0 {
            self.text("igmp");
            return Ok(());
        }
        match byte(data, 0)? {
            0x12 | 0x16 | 0x17 => {
                let group = self.host(addr(data, 4)?);
                let what = match data[0] {
                    0x12 => "v1 report",
                    0x16 => "v2 report",
                    _ => "leave",
                };
                self.push(format_args!("igmp {what} {group}"));
            }
            0x22 => self.igmp_v3_report(data, length)?,
            other => self.push(format_args!("igmp-{other}")),
        }
        if self.style.verbose > 0 && length >= 4 && data.len() >= length as usize {
            let sum = checksum(&[&data[..length as usize]]);
            if sum != 0 {
                self.push(format_args!(" bad igmp cksum {:x}!", be16(data, 2)?));
            }
        }
        Ok(())
    }

    fn igmp_v3_report(&mut self, data: &[u8], length: u32) -> Step {
        self.text("igmp v3 report");
        if length < 16 || length & 3 != 0 {
            self.push(format_args!(" [invalid len {length}]"));
            return Ok(());
        }
        let groups = be16(data, 6)?;
        self.push(format_args!(", {groups} group record(s)"));
        if self.style.verbose == 0 {
            return Ok(());
        }
        let mut at = 8;
        for _ in 0..groups {
            if (length as usize) < at + 8 {
                self.text(" [invalid number of groups]");
                return Ok(());
            }
            let group = self.host(addr(data, at + 4)?);
            self.push(format_args!(" [gaddr {group} "));
            match byte(data, at)? {
                kind @ 1..=6 => {
                    self.text(["is_in", "is_ex", "to_in", "to_ex", "allow", "block"][usize::from(kind) - 1]);
                }
                other => self.push(format_args!(" [v3-report-#{other}]")),
            }
            let sources = usize::from(be16(data, at + 2)?);
            if (length as usize) < at + 8 + 4 * sources {
                self.push(format_args!(" [invalid number of sources {sources}]"));
                return Ok(());
            }
            if self.style.verbose == 1 {
                self.push(format_args!(", {sources} source(s)"));
            } else {
                self.text(" {");
                for n in 0..sources {
                    let source = self.host(addr(data, at + 8 + 4 * n)?);
                    self.push(format_args!(" {source}"));
                }
                self.text(" }");
            }
            at += 8 + 4 * sources;
            self.text("]");
        }
        Ok(())
    }
}
