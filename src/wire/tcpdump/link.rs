//! Link layers: Ethernet, raw IP, the cooked header of `-i any`, and ARP above them (print-ether.c, print-raw.c,
//! print-sll.c, print-arp.c).

use super::super::capture::LinkType;
use super::{Packet, Printer, Step, addr, be16, be32, byte, first, mac, rest};
use std::fmt::Write as _;

const IP: u16 = 0x0800;
const ARP: u16 = 0x0806;

/// The name of an EtherType, of those that a host may put into a frame by itself.
fn ethertype_name(ethertype: u16) -> Option<&'static str> {
    Some(match ethertype {
        IP => "IPv4",
        ARP => "ARP",
        0x86dd => "IPv6",
        _ => return None,
    })
}

impl Printer<'_> {
    pub(super) fn link(&mut self, packet: Packet<'_>) -> Step {
        match packet.link {
            LinkType::En10mb => self.ether(packet.bytes, packet.len),
            LinkType::LinuxSll2 => self.sll2(packet),
            LinkType::Raw => {
                self.protocol = "raw";
                if self.style.link {
                    self.text("ip: ");
                }
                self.ip(packet.bytes, packet.len)
            }
        }
    }

    fn ether(&mut self, data: &[u8], length: u32) -> Step {
        self.protocol = "ether";
        if data.len() < LinkType::En10mb.header() {
            self.truncated();
            return Ok(());
        }
        self.link_header = LinkType::En10mb.header();
        let ethertype = be16(data, 12)?;
        if self.style.link {
            self.ether_header(data, ethertype, length)?;
        }
        let inner = length.saturating_sub(14);
        if self.ethertype(ethertype, rest(data, 14), inner)? {
            return Ok(());
        }
        if !self.style.link {
            self.ether_header(data, ethertype, length)?;
        }
        self.default_dump(rest(data, 14));
        Ok(())
    }

    fn ether_header(&mut self, data: &[u8], ethertype: u16, length: u32) -> Step {
        let (src, dst) = (self.mac(mac(data, 6)?), self.mac(mac(data, 0)?));
        self.push(format_args!("{src} > {dst}, "));
        match (ethertype_name(ethertype), self.style.quiet) {
            (name, 0) => self.push(format_args!("ethertype {} ({ethertype:#06x})", name.unwrap_or("Unknown"))),
            (Some(name), _) => self.text(name),
            (None, _) => self.push(format_args!("Unknown Ethertype ({ethertype:#06x})")),
        }
        self.push(format_args!(", length {length}: "));
        Ok(())
    }

    /// The device, the direction, then what a device with a header of its own would have shown.
    fn sll2(&mut self, packet: Packet<'_>) -> Step {
        self.protocol = "sll2";
        let (data, header) = (packet.bytes, LinkType::LinuxSll2.header());
        if data.len() < header {
            return Err(super::Truncated);
        }
        let way = match byte(data, 10)? {
            0 => "In",
            1 => "B",
            2 => "M",
            3 => "P",
            4 => "Out",
            _ => "?",
        };
        self.push(format_args!("{:<5} {way:<3} ", packet.dev));
        let ethertype = be16(data, 0)?;
        if self.style.link {
            self.sll2_header(data, ethertype, packet.len)?;
        }
        let inner = packet.len.saturating_sub(header as u32);
        let known = self.ethertype(ethertype, rest(data, header), inner);
        self.link_header = header;
        if !known? {
            if !self.style.link {
                self.sll2_header(data, ethertype, packet.len)?;
            }
            self.default_dump(rest(data, header));
        }
        Ok(())
    }

    fn sll2_header(&mut self, data: &[u8], ethertype: u16, length: u32) -> Step {
        self.push(format_args!("ifindex {} ", be32(data, 4)?));
        if byte(data, 11)? == 6 {
            let sender = self.mac(mac(data, 12)?);
            self.push(format_args!("{sender} "));
        }
        if self.style.quiet == 0 {
            let name = ethertype_name(ethertype).unwrap_or("Unknown");
            self.push(format_args!("ethertype {name} ({ethertype:#06x}), length {length}: "));
        }
        Ok(())
    }

    /// False: nobody knows how to print it.
    fn ethertype(&mut self, ethertype: u16, data: &[u8], length: u32) -> Result<bool, super::Truncated> {
        match ethertype {
            IP => self.ip(data, length)?,
            ARP => self.arp(data, length)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn arp(&mut self, data: &[u8], length: u32) -> Step {
        self.protocol = "arp";
        let (hardware, protocol, op) = (be16(data, 0)?, be16(data, 2)?, be16(data, 6)?);
        let (hlen, plen) = (usize::from(byte(data, 4)?), usize::from(byte(data, 5)?));
        let (sha, spa) = (8, 8 + hlen);
        let (tha, tpa) = (8 + hlen + plen, 8 + 2 * hlen + plen);
        if data.len() < tpa + plen {
            return Err(super::Truncated);
        }
        if !self.style.link {
            self.text("ARP, ");
        }
        let known = protocol == IP && plen == 4 && hlen != 0;
        if !known || self.style.verbose > 0 {
            match hardware {
                1 => self.text("Ethernet"),
                other => self.push(format_args!("Unknown Hardware ({other})")),
            }
            self.push(format_args!(" (len {hlen}), "));
            match ethertype_name(protocol) {
                Some(name) => self.text(name),
                None => self.push(format_args!("Unknown Protocol ({protocol:#06x})")),
            }
            self.push(format_args!(" (len {plen})"));
            if !known {
                self.push(format_args!(", length {length}"));
                return Ok(());
            }
            self.text(", ");
        }
        match op {
            1 => {
                let (target, sender) = (self.host(addr(data, tpa)?), self.host(addr(data, spa)?));
                self.push(format_args!("Request who-has {target}"));
                if data[tha..tha + hlen].iter().any(|&b| b != 0) {
                    let known = self.hardware(data, tha, hlen)?;
                    self.push(format_args!(" ({known})"));
                }
                self.push(format_args!(" tell {sender}"));
            }
            2 => {
                let (sender, hardware) = (self.host(addr(data, spa)?), self.hardware(data, sha, hlen)?);
                self.push(format_args!("Reply {sender} is-at {hardware}"));
            }
            other => {
                self.push(format_args!("Unknown ({other}) "));
                self.default_dump(data);
                return Ok(());
            }
        }
        self.push(format_args!(", length {length}"));
        Ok(())
    }

    fn hardware(&self, data: &[u8], at: usize, len: usize) -> Result<String, super::Truncated> {
        if len == 6 {
            return Ok(self.mac(mac(data, at)?));
        }
        let mut out = String::new();
        for (n, b) in first(rest(data, at), len).iter().enumerate() {
            let _ = write!(out, "{}{b:02x}", if n == 0 { "" } else { ":" });
        }
        Ok(out)
    }
}
