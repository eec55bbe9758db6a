//! TCP (print-tcp.c).

use super::super::Proto;
use super::super::emit::checksum;
use super::ip::Below;
use super::{Printer, Step, Truncated, addr, be16, be32, byte, first, rest, should_be};
use crate::base::Table;
use std::net::Ipv4Addr;

/// What the first numbers of both directions were, by the ends: the one with the lower port first.
pub(super) type Flows = Table<(Ipv4Addr, u16, Ipv4Addr, u16), (u32, u32)>;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// The flags in the order of their bits.
const LETTERS: [char; 8] = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];

/// Data in a reset that is shown.
const RST_DATA: usize = 30;

impl Printer<'_> {
    pub(super) fn tcp(&mut self, below: Below<'_>, data: &[u8], length: u32) -> Step {
        self.protocol = "tcp";
        let (from, to) = (addr(below.header, 12)?, addr(below.header, 16)?);
        let (src, dst) = (self.host(from), self.host(to));
        let (Ok(sport), Ok(dport)) = (be16(data, 0), be16(data, 2)) else {
            self.push(format_args!("{src} > {dst}:"));
            self.truncated();
            return Ok(());
        };
        let (sname, dname) = (self.port(Proto::Tcp, sport), self.port(Proto::Tcp, dport));
        self.push(format_args!("{src}.{sname} > {dst}.{dname}: "));
        if data.len() < 20 {
            self.truncated();
            return Ok(());
        }
        let hlen = u32::from(byte(data, 12)? >> 4) * 4;
        if hlen < 20 {
            self.push(format_args!(" tcp {} [bad hdr length {hlen} - too short, < 20]", length.saturating_sub(hlen)));
            return Ok(());
        }
        let too_long = hlen > length;
        if self.style.quiet > 0 {
            self.push(format_args!("tcp {}", length.wrapping_sub(hlen)));
            if too_long {
                self.push(format_args!(" [bad hdr length {hlen} - too long, > {length}]"));
            }
            return Ok(());
        }
        let flags = byte(data, 13)?;
        let set: String = LETTERS.iter().enumerate().filter(|(n, _)| flags & 1 << n != 0).map(|(_, c)| *c).collect();
        self.push(format_args!("Flags [{}]", if set.is_empty() { "none" } else { &set }));
        let (mut seq, mut ack) = (be32(data, 4)?, be32(data, 8)?);
        let mut base = (0, 0);
        if !self.style.absolute && flags & ACK != 0 {
            (seq, ack, base) = self.relative((from, sport), (to, dport), flags, seq, ack);
        }
        if too_long {
            self.push(format_args!(" [bad hdr length {hlen} - too long, > {length}]"));
            return Ok(());
        }
        self.tcp_checksum(below, data, length)?;
        let payload = length - hlen;
        if self.style.verbose > 1 || payload > 0 || flags & (SYN | FIN | RST) != 0 {
            self.push(format_args!(", seq {seq}"));
            if payload > 0 {
                self.push(format_args!(":{}", seq.wrapping_add(payload)));
            }
        }
        if flags & ACK != 0 {
            self.push(format_args!(", ack {ack}"));
        }
        self.push(format_args!(", win {}", be16(data, 14)?));
        if flags & URG != 0 {
            self.push(format_args!(", urg {}", be16(data, 18)?));
        }
        if hlen > 20 {
            self.text(", options [");
            let whole = self.tcp_options(data, hlen as usize, base);
            if !whole? {
                return Ok(());
            }
            self.text("]");
        }
        self.push(format_args!(", length {payload}"));
        if payload == 0 {
            return Ok(());
        }
        let hlen = hlen as usize;
        if data.len() < hlen {
            self.push(format_args!(" [remaining caplen({}) < header length({hlen})]", data.len()));
            return Err(Truncated);
        }
        if flags & RST != 0 && self.style.verbose > 0 {
            self.rst_data(rest(data, hlen), payload as usize);
            return Ok(());
        }
        self.tcp_payload(sport, dport, rest(data, hlen), payload as usize)
    }

    /// Numbers as distances from what the first segment with ACK, or a later SYN+ACK, said on either side; and that.
    fn relative(
        &mut self,
        from: (Ipv4Addr, u16),
        to: (Ipv4Addr, u16),
        flags: u8,
        seq: u32,
        ack: u32,
    ) -> (u32, u32, (u32, u32)) {
        let turned = (from.1, from.0) > (to.1, to.0);
        let (low, high) = if turned { (to, from) } else { (from, to) };
        let flow = (low.0, low.1, high.0, high.1);
        match self.flows.get(&flow) {
            Some(&(low, high)) if flags & SYN == 0 => {
                let (mine, other) = if turned { (high, low) } else { (low, high) };
                (seq.wrapping_sub(mine), ack.wrapping_sub(other), (mine, other))
            }
            _ => {
                let (mine, other) = (seq, ack.wrapping_sub(1));
                self.flows.insert(flow, if turned { (other, mine) } else { (mine, other) });
                (seq, ack, (mine, other))
            }
        }
    }

    fn tcp_checksum(&mut self, below: Below<'_>, data: &[u8], length: u32) -> Step {
        if self.style.verbose == 0 || self.style.unchecked || below.fragmented || data.len() < length as usize {
            return Ok(());
        }
        let field = be16(data, 16)?;
        self.push(format_args!(", cksum {field:#06x}"));
        match pseudo_sum(below.header, 6, &data[..length as usize])? {
            0 => self.text(" (correct)"),
            sum => self.push(format_args!(" (incorrect -> {:#06x})", should_be(field, sum))),
        }
        Ok(())
    }

    /// False: an option is broken, and nothing more is printed.
    fn tcp_options(&mut self, data: &[u8], hlen: usize, base: (u32, u32)) -> Result<bool, Truncated> {
        let mut at = 20;
        let mut separator = "";
        while at < hlen {
            self.text(separator);
            separator = ",";
            let kind = byte(data, at)?;
            let len = if kind <= 1 { 1 } else { usize::from(byte(data, at + 1)?) };
            if kind > 1 && (len < 2 || at + len > hlen) {
                self.text("[bad opt]]");
                return Ok(false);
            }
            let (value, size) = (rest(data, at + 2), len.saturating_sub(2));
            let name = match kind {
                0 => "eol",
                1 => "nop",
                2 => "mss",
                3 => "wscale",
                4 => "sackOK",
                5 => "sack",
                8 => "TS",
                _ => "unknown",
            };
            self.text(name);
            if self.tcp_option(kind, first(value, size), size, base).is_err() {
                self.truncated();
                self.text(if at > 20 { ">" } else { "" });
                return Ok(false);
            }
            at += len;
            if kind == 0 {
                break;
            }
        }
        Ok(true)
    }

    /// What an option says behind its name.
    fn tcp_option(&mut self, kind: u8, value: &[u8], size: usize, base: (u32, u32)) -> Step {
        match kind {
            0 | 1 | 4 => {}
            2 => self.push(format_args!(" {}", be16(value, 0)?)),
            3 => self.push(format_args!(" {}", byte(value, 0)?)),
            5 => {
                self.push(format_args!(" {} ", size / 8));
                for n in 0..size / 8 {
                    let (start, end) = (be32(value, n * 8)?, be32(value, n * 8 + 4)?);
                    let (start, end) = (start.wrapping_sub(base.1), end.wrapping_sub(base.1));
                    self.push(format_args!("{{{start}:{end}}}"));
                }
            }
            8 => self.push(format_args!(" val {} ecr {}", be32(value, 0)?, be32(value, 4)?)),
            other => {
                self.push(format_args!("-{other}{}", if size > 0 { " 0x" } else { "" }));
                for n in 0..size {
                    self.push(format_args!("{:02x}", byte(value, n)?));
                }
            }
        }
        Ok(())
    }

    /// `[RST text]`: RFC 1122 allows a reset to say why.
    fn rst_data(&mut self, data: &[u8], length: usize) {
        self.text(if data.len() >= length { " [RST" } else { " [!RST" });
        if length > RST_DATA {
            self.text("+");
        }
        self.text(" ");
        for &b in first(data, length.min(RST_DATA)) {
            self.character(b);
        }
        self.text("]");
    }
}

/// The sum over pseudo-header and segment: 0 if its checksum is right.
pub(super) fn pseudo_sum(header: &[u8], proto: u8, data: &[u8]) -> Result<u16, Truncated> {
    let ends = header.get(12..20).ok_or(Truncated)?;
    let length = (data.len() as u16).to_be_bytes();
    Ok(checksum(&[ends, &[0, proto, length[0], length[1]], data]))
}
