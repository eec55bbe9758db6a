//! A captured packet as `tcpdump` prints it (tcpdump 4.99: print.c, netdissect.h).
//!
//! It reads bytes, so a cut packet (`-s`) or a wrong checksum shows as tcpdump shows it. Link layers are in `link`, then
//! `ip`, `tcp`, `icmp`, `udp` (with VRRP and IGMP), the text protocols in `text`, `-x`, `-X` and `-A` in `hex`. The
//! time stamp is the caller's. Left out: dissectors of binary application protocols (what lvsim's packets carry on port 53
//! is no DNS, and says `UDP, length`), IPv6, IP options but router alert, TCP options that Linux does not send.

mod hex;
mod icmp;
mod ip;
mod link;
mod tcp;
mod text;
mod udp;

use super::capture::LinkType;
use super::emit::{Words, frame_bytes, ip_bytes};
use super::{Frame, L3, Mac, Proto};
use crate::base::Table;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// What the options of the command line ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// `-e`: the link-layer header.
    pub link: bool,
    /// How many `-v`.
    pub verbose: u8,
    /// How many `-q`.
    pub quiet: u8,
    /// `-S`: sequence numbers as they are.
    pub absolute: bool,
    /// `-K`: checksums are not verified.
    pub unchecked: bool,
    /// How many `-x`.
    pub hex: u8,
    /// How many `-X`.
    pub hex_and_ascii: u8,
    /// How many `-A`.
    pub ascii: u8,
}

/// Names instead of numbers, unless `-n` is given.
pub trait Names {
    /// Of a host.
    fn host(&self, addr: Ipv4Addr) -> Option<String>;
    /// Of a port.
    fn port(&self, proto: Proto, port: u16) -> Option<String>;
}

/// A packet out of a capture.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// What it begins with.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How long it was.
    pub len: u32,
    /// Which device [`LinkType::LinuxSll2`] shall name.
    pub dev: &'a str,
}

/// Prints one capture. Sequence numbers are relative to what it saw of a connection, so keep one per capture.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    style: Style,
    flows: tcp::Flows,
}

impl Dump {
    /// A new capture.
    pub fn new(style: Style) -> Dump {
        Dump { style, flows: Table::default() }
    }

    /// What is printed about a packet, without the last newline; with `names` unless `-n` was given.
    pub fn packet(&mut self, packet: Packet<'_>, names: Option<&dyn Names>) -> String {
        let mut printer = Printer {
            out: String::new(),
            style: self.style,
            names,
            flows: &mut self.flows,
            protocol: "",
            link_header: 0,
        };
        if printer.link(packet).is_err() {
            printer.truncated();
            printer.link_header = 0;
        }
        printer.dump(packet.bytes);
        printer.out
    }

    /// The line of a frame, numbers only; `ethernet`: whether the device has Ethernet headers (`tunl0` has not).
    pub fn line(&mut self, frame: &Frame, ethernet: bool, words: Words<'_>) -> String {
        let (link, bytes) = match &frame.l3 {
            L3::Ip(packet) if !ethernet => (LinkType::Raw, ip_bytes(packet, words)),
            _ => (LinkType::En10mb, frame_bytes(frame, words)),
        };
        self.packet(Packet { link, len: bytes.len() as u32, bytes: &bytes, dev: "" }, None)
    }
}

/// The captured bytes end before what was to be printed (`nd_trunc_longjmp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Truncated;

type Step = Result<(), Truncated>;

struct Printer<'a> {
    out: String,
    style: Style,
    names: Option<&'a dyn Names>,
    flows: &'a mut tcp::Flows,
    /// Who is printing: what `[|tcp]` names.
    protocol: &'static str,
    /// Bytes that `-x` and the like leave out.
    link_header: usize,
}

impl Printer<'_> {
    fn push(&mut self, args: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(args);
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// `nd_print_trunc`.
    fn truncated(&mut self) {
        let protocol = self.protocol;
        self.push(format_args!(" [|{protocol}]"));
    }

    /// A byte of a text, `^A` or `M-a` if it cannot be printed (`fn_print_char`).
    fn character(&mut self, b: u8) {
        let seven = b & 0x7f;
        self.text(if b > 0x7f { "M-" } else { "" });
        if (0x20..=0x7e).contains(&seven) {
            self.out.push(seven as char);
        } else {
            self.out.push('^');
            self.out.push((seven ^ 0x40) as char);
        }
    }

    fn host(&self, addr: Ipv4Addr) -> String {
        self.names.and_then(|n| n.host(addr)).unwrap_or_else(|| addr.to_string())
    }

    fn port(&self, proto: Proto, port: u16) -> String {
        self.names.and_then(|n| n.port(proto, port)).unwrap_or_else(|| port.to_string())
    }

    /// A hardware address; without `-n` with its maker (`etheraddr_string`).
    fn mac(&self, mac: Mac) -> String {
        match (self.names, mac) {
            (None, _) => mac.to_string(),
            (Some(_), Mac::BROADCAST) => "Broadcast".into(),
            (Some(_), Mac([a, b, c, ..])) => {
                let maker = match [a, b, c] {
                    [0, 0, 0] => "Ethernet",
                    [0, 0, 0x0c] => "Cisco",
                    [0, 0, 0x5e] => "IANA",
                    _ => "Unknown",
                };
                format!("{mac} (oui {maker})")
            }
        }
    }
}

fn byte(data: &[u8], at: usize) -> Result<u8, Truncated> {
    data.get(at).copied().ok_or(Truncated)
}

fn be16(data: &[u8], at: usize) -> Result<u16, Truncated> {
    Ok(u16::from_be_bytes([byte(data, at)?, byte(data, at + 1)?]))
}

fn be32(data: &[u8], at: usize) -> Result<u32, Truncated> {
    Ok(u32::from(be16(data, at)?) << 16 | u32::from(be16(data, at + 2)?))
}

fn addr(data: &[u8], at: usize) -> Result<Ipv4Addr, Truncated> {
    be32(data, at).map(Ipv4Addr::from)
}

fn mac(data: &[u8], at: usize) -> Result<Mac, Truncated> {
    let six = data.get(at..at + 6).ok_or(Truncated)?;
    Ok(Mac([six[0], six[1], six[2], six[3], six[4], six[5]]))
}

/// From `at` on; nothing if there is less.
fn rest(data: &[u8], at: usize) -> &[u8] {
    data.get(at..).unwrap_or(&[])
}

/// The first `len` bytes, or what there is of them.
fn first(data: &[u8], len: usize) -> &[u8] {
    &data[..len.min(data.len())]
}

/// What a checksum field should have held, from what it holds and what the sum over all came to (`in_cksum_shouldbe`).
fn should_be(field: u16, sum: u16) -> u16 {
    let total = u32::from(field) + u32::from(sum);
    (total & 0xffff) as u16 + (total >> 16) as u16
}

#[cfg(test)]
mod tests;
