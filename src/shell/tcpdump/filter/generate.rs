//! What the words of a filter test (libpcap's gencode.c), for the three link types that lvsim has.

use super::{FilterError, pcap};
use crate::shell::ipvsadm::services;
use crate::wire::bpf::{Comparison, Operator, Test, Value};
use crate::wire::capture::{LinkType, PacketType};
use crate::wire::{Mac, Proto};
use std::net::Ipv4Addr;

type Made = Result<Test, FilterError>;

const IP: u32 = 0x0800;
const ARP: u32 = 0x0806;
const RARP: u32 = 0x8035;
const IP6: u32 = 0x86dd;
/// Above this an Ethernet header's last field is a type, not a length.
const ETHERMTU: u32 = 1500;

const TCP: u32 = 6;
const UDP: u32 = 17;
const SCTP: u32 = 132;

/// Which end is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dir {
    /// Not said: either.
    Any,
    Src,
    Dst,
    /// `src or dst`
    Or,
    /// `src and dst`
    And,
}

/// What an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Not said: a host.
    Any,
    Host,
    Net,
    Port,
    PortRange,
    Gateway,
    Proto,
}

/// The qualifiers before an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quals {
    /// A protocol by its word.
    pub proto: Option<&'static str>,
    pub dir: Dir,
    pub kind: Kind,
}

/// Makes tests for one link type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generator {
    pub link: LinkType,
    /// Packets out of a file say neither which way they went nor through which device.
    pub savefile: bool,
}

pub(super) fn and(a: Test, b: Test) -> Test {
    Test::And(Box::new(a), Box::new(b))
}

pub(super) fn or(a: Test, b: Test) -> Test {
    Test::Or(Box::new(a), Box::new(b))
}

pub(super) fn not(a: Test) -> Test {
    Test::Not(Box::new(a))
}

fn equal(value: Value, n: u32) -> Test {
    Test::Compare(value, Comparison::Equal, Value::Number(n))
}

/// Two values joined; what is known already is computed.
pub(super) fn join(a: Value, how: Operator, b: Value) -> Value {
    match (&a, how, &b) {
        (Value::Number(a), Operator::Add, Value::Number(b)) => Value::Number(a.wrapping_add(*b)),
        (Value::Number(a), Operator::Subtract, Value::Number(b)) => Value::Number(a.wrapping_sub(*b)),
        (Value::Number(a), Operator::Or, Value::Number(b)) => Value::Number(a | b),
        (Value::Number(a), Operator::And, Value::Number(b)) => Value::Number(a & b),
        (Value::Number(a), Operator::Multiply, Value::Number(b)) => Value::Number(a.wrapping_mul(*b)),
        _ => Value::Join(Box::new(a), how, Box::new(b)),
    }
}

impl Generator {
    /// Where the network layer begins.
    fn payload(self) -> u32 {
        self.link.header() as u32
    }

    /// From the start of the network layer.
    fn net(self, at: u32, size: u8) -> Value {
        Value::Load(Box::new(Value::Number(self.payload() + at)), size)
    }

    /// From the start of the transport layer above IPv4.
    fn transport(self, at: u32, size: u8) -> Value {
        let start = join(Value::HeaderLength(self.payload()), Operator::Add, Value::Number(self.payload() + at));
        Value::Load(Box::new(start), size)
    }

    fn link_byte(at: u32, size: u8) -> Value {
        Value::Load(Box::new(Value::Number(at)), size)
    }

    fn linktype(self, ethertype: u32) -> Test {
        match (self.link, ethertype) {
            (LinkType::Raw, IP | IP6) => {
                let version = join(Self::link_byte(0, 1), Operator::And, Value::Number(0xf0));
                equal(version, if ethertype == IP { 0x40 } else { 0x60 })
            }
            (LinkType::Raw, _) => Test::Always(false),
            (LinkType::En10mb, 0..=ETHERMTU) => {
                let length = Test::Compare(Self::link_byte(12, 2), Comparison::Greater, Value::Number(ETHERMTU));
                and(not(length), equal(self.net(0, 1), ethertype))
            }
            (LinkType::En10mb, _) => equal(Self::link_byte(12, 2), ethertype),
            (LinkType::LinuxSll2, _) => equal(Self::link_byte(0, 2), ethertype),
        }
    }

    /// A protocol's word alone.
    pub fn protocol(self, word: &'static str) -> Made {
        Ok(match word {
            "tcp" => self.either_ip(TCP),
            "udp" => self.either_ip(UDP),
            "sctp" => self.either_ip(SCTP),
            "pim" => self.either_ip(103),
            "ah" => self.either_ip(51),
            "esp" => self.either_ip(50),
            "icmp" => self.over_ip(1),
            "igmp" => self.over_ip(2),
            "igrp" => self.over_ip(9),
            "vrrp" | "carp" => self.over_ip(112),
            "icmp6" => self.over_ip6(58),
            "ip" => self.linktype(IP),
            "ip6" => self.linktype(IP6),
            "arp" => self.linktype(ARP),
            "rarp" => self.linktype(RARP),
            _ => return pcap("link layer applied in wrong context"),
        })
    }

    fn over_ip(self, proto: u32) -> Test {
        and(self.linktype(IP), equal(self.net(9, 1), proto))
    }

    fn over_ip6(self, proto: u32) -> Test {
        let after_fragment = and(equal(self.net(6, 1), 44), equal(self.net(40, 1), proto));
        and(self.linktype(IP6), or(equal(self.net(6, 1), proto), after_fragment))
    }

    fn either_ip(self, proto: u32) -> Test {
        or(self.over_ip(proto), self.over_ip6(proto))
    }

    /// Not a fragment but the first.
    fn first_fragment(self) -> Test {
        not(Test::Compare(self.net(6, 2), Comparison::AnyBit, Value::Number(0x1fff)))
    }

    /// A name behind its qualifiers (`gen_scode`).
    pub fn name(self, name: &str, q: Option<Quals>) -> Made {
        let Some(q) = q else { return Err(FilterError::syntax()) };
        match q.kind {
            Kind::Net => pcap(format!("unknown network '{name}'")),
            Kind::Any | Kind::Host if q.proto == Some("link") => match self.link {
                LinkType::En10mb => pcap(format!("unknown ether host '{name}'")),
                _ => pcap("only ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel supports link-level host name"),
            },
            Kind::Any | Kind::Host if name == "localhost" => self.host(Ipv4Addr::LOCALHOST.into(), u32::MAX, q),
            Kind::Any | Kind::Host => pcap(format!("unknown host '{name}'")),
            Kind::Port => {
                transport_only(q, "port")?;
                let Some((port, proto)) = port_by_name(name) else { return pcap(format!("unknown port '{name}'")) };
                let proto = agreed(q, proto, |of| format!("port '{name}' is {of}"))?;
                self.ports(port, port, proto, q.dir)
            }
            Kind::PortRange => {
                transport_only(q, "portrange")?;
                let Some((low, high, proto)) = range_by_name(name) else {
                    return pcap(format!("unknown port in range '{name}'"));
                };
                let proto = agreed(q, proto, |of| format!("port in range '{name}' is {of}"))?;
                for port in [low, high] {
                    if port > 65535 {
                        return pcap(format!("illegal port number {port} > 65535"));
                    }
                }
                self.ports(low, high, proto, q.dir)
            }
            Kind::Gateway => pcap("'gateway' not supported in this configuration"),
            Kind::Proto => self.proto(proto_by_name(name, q.proto)?, q),
        }
    }

    /// A number, or numbers with dots, behind its qualifiers (`gen_ncode`); `bits` of it were typed.
    pub fn number(self, value: u32, bits: Option<u32>, q: Option<Quals>) -> Made {
        let Some(q) = q else { return Err(FilterError::syntax()) };
        match q.kind {
            Kind::Any | Kind::Host | Kind::Net if q.proto == Some("link") => pcap("illegal link layer address"),
            Kind::Any | Kind::Host | Kind::Net => {
                let (mut value, mut mask) = (value, u32::MAX);
                match bits {
                    None if q.kind == Kind::Net => {
                        while value != 0 && value & 0xff00_0000 == 0 {
                            (value, mask) = (value << 8, mask << 8);
                        }
                    }
                    bits => {
                        let shift = 32 - bits.unwrap_or(32);
                        (value, mask) = (value << shift, mask << shift);
                    }
                }
                self.host(value, mask, q)
            }
            Kind::Port | Kind::PortRange => {
                transport_only(q, if q.kind == Kind::Port { "port" } else { "portrange" })?;
                if value > 65535 {
                    return pcap(format!("illegal port number {value} > 65535"));
                }
                self.ports(value, value, proto_number(q.proto), q.dir)
            }
            Kind::Gateway => pcap("'gateway' requires a name"),
            Kind::Proto => self.proto(value, q),
        }
    }

    /// A network with its mask (`gen_mcode`).
    pub fn net_with_mask(self, value: u32, mask: u32, typed: &str, q: Option<Quals>) -> Made {
        if value & !mask != 0 {
            return pcap(format!("non-network bits set in \"{typed}\""));
        }
        match q {
            Some(q) if q.kind == Kind::Net => self.host(value, mask, q),
            _ => pcap("Mask syntax for networks only"),
        }
    }

    /// An IPv6 address: no packet here has one.
    pub fn host6(self, q: Option<Quals>) -> Made {
        match q.map(|q| q.kind) {
            Some(Kind::Any | Kind::Host | Kind::Net) => Ok(and(self.linktype(IP6), equal(self.net(8, 4), u32::MAX))),
            _ => pcap("invalid qualifier against IPv6 address"),
        }
    }

    /// A hardware address (`gen_ecode`).
    pub fn ether(self, mac: Mac, q: Option<Quals>) -> Made {
        match q {
            Some(q) if q.proto == Some("link") && matches!(q.kind, Kind::Any | Kind::Host) => match self.link {
                LinkType::En10mb => Ok(Self::ether_host(mac, q.dir)),
                _ => {
                    pcap("ethernet addresses supported only on ethernet/FDDI/token ring/802.11/ATM LANE/Fibre Channel")
                }
            },
            _ => pcap("ethernet address used in non-ether expression"),
        }
    }

    fn ether_host(mac: Mac, dir: Dir) -> Test {
        let [a, b, c, d, e, f] = mac.0;
        let at = |start: u32| {
            and(
                equal(Self::link_byte(start + 2, 4), u32::from_be_bytes([c, d, e, f])),
                equal(Self::link_byte(start, 2), u32::from_be_bytes([0, 0, a, b])),
            )
        };
        by_direction(dir, &|src| at(if src { 6 } else { 0 }))
    }

    fn host(self, addr: u32, mask: u32, q: Quals) -> Made {
        let what = if q.kind == Kind::Net { "net" } else { "host" };
        let over = |ethertype: u32, src_at: u32, dst_at: u32| {
            by_direction(q.dir, &|src| {
                let value = self.net(if src { src_at } else { dst_at }, 4);
                let value = if mask == u32::MAX { value } else { join(value, Operator::And, Value::Number(mask)) };
                and(self.linktype(ethertype), equal(value, addr))
            })
        };
        Ok(match q.proto {
            None => or(over(RARP, 14, 24), or(over(ARP, 14, 24), over(IP, 12, 16))),
            Some("ip") => over(IP, 12, 16),
            Some("arp") => over(ARP, 14, 24),
            Some("rarp") => over(RARP, 14, 24),
            Some("link") => return pcap(format!("link-layer modifier applied to {what}")),
            Some("ip6") => return pcap("'ip6' modifier applied to ip host"),
            Some(proto) => return pcap(format!("'{proto}' modifier applied to {what}")),
        })
    }

    fn proto(self, number: u32, q: Quals) -> Made {
        if q.dir != Dir::Any {
            return pcap("direction applied to 'proto'");
        }
        Ok(match q.proto {
            None => self.either_ip(number),
            Some("link") => self.linktype(number),
            Some("ip") => self.over_ip(number),
            Some("ip6") => self.over_ip6(number),
            Some(word @ ("arp" | "rarp")) => return pcap(format!("{word} does not encapsulate another protocol")),
            Some(word) => return pcap(format!("'{word} proto' is bogus")),
        })
    }

    fn ports(self, a: u32, b: u32, proto: Option<u32>, dir: Dir) -> Made {
        let (low, high) = (a.min(b), a.max(b));
        let within = |value: Value| {
            if low == high {
                return equal(value, low);
            }
            let above = Test::Compare(value.clone(), Comparison::GreaterOrEqual, Value::Number(low));
            and(above, not(Test::Compare(value, Comparison::Greater, Value::Number(high))))
        };
        let over = |proto: u32| {
            let ends = by_direction(dir, &|src| within(self.transport(if src { 0 } else { 2 }, 2)));
            and(and(equal(self.net(9, 1), proto), self.first_fragment()), ends)
        };
        let over6 = |proto: u32| {
            let ends = by_direction(dir, &|src| within(self.net(if src { 40 } else { 42 }, 2)));
            and(equal(self.net(6, 1), proto), ends)
        };
        let each = |one: &dyn Fn(u32) -> Test| match proto {
            Some(proto) => one(proto),
            None => or(one(SCTP), or(one(TCP), one(UDP))),
        };
        Ok(or(and(self.linktype(IP6), each(&over6)), and(self.linktype(IP), each(&over))))
    }

    /// `broadcast`, `ip broadcast`.
    pub fn broadcast(self, proto: Option<&'static str>) -> Made {
        match (proto, self.link) {
            (None | Some("link"), LinkType::En10mb) => Ok(Self::ether_host(Mac::BROADCAST, Dir::Dst)),
            (None | Some("link"), _) => pcap("not a broadcast link"),
            // tcpdump does not look up the network's mask, so all zeros and all ones is what is left.
            (Some("ip"), _) => {
                let ends = or(equal(self.net(16, 4), 0), equal(self.net(16, 4), u32::MAX));
                Ok(and(self.linktype(IP), ends))
            }
            _ => pcap("only link-layer/IP broadcast filters supported"),
        }
    }

    /// `multicast`, `ip multicast`.
    pub fn multicast(self, proto: Option<&'static str>) -> Made {
        match (proto, self.link) {
            (None | Some("link"), LinkType::En10mb) => {
                Ok(Test::Compare(Self::link_byte(0, 1), Comparison::AnyBit, Value::Number(1)))
            }
            (Some("ip"), _) => {
                let group = Test::Compare(self.net(16, 1), Comparison::GreaterOrEqual, Value::Number(224));
                Ok(and(self.linktype(IP), group))
            }
            (Some("ip6"), _) => Ok(and(self.linktype(IP6), equal(self.net(24, 1), 255))),
            _ => pcap(
                "link-layer multicast filters supported only on ethernet/FDDI/token ring/ARCNET/802.11/ATM LANE/Fibre \
                 Channel",
            ),
        }
    }

    /// `outbound`, `inbound`.
    pub fn outbound(self, out: bool) -> Made {
        let kind = match self.link {
            LinkType::LinuxSll2 => Self::link_byte(10, 1),
            _ => self.live("inbound/outbound", Value::Kind)?,
        };
        let test = equal(kind, PacketType::Outgoing as u32);
        Ok(if out { test } else { not(test) })
    }

    /// `ifindex N`.
    pub fn ifindex(self, n: u32) -> Made {
        Ok(equal(
            if self.link == LinkType::LinuxSll2 { Self::link_byte(4, 4) } else { self.live("ifindex", Value::Device)? },
            n,
        ))
    }

    /// What only the kernel knows of a packet.
    fn live(self, what: &str, value: Value) -> Result<Value, FilterError> {
        if self.savefile {
            return pcap(format!("{what} not supported on {} when reading savefiles", self.link.description()));
        }
        Ok(value)
    }

    /// `byte N = N`; other signs are refused by the parser.
    pub fn byte(at: u32, how: &str, n: u32) -> Test {
        let value = Self::link_byte(at, 1);
        match how {
            "<" => not(Test::Compare(value, Comparison::GreaterOrEqual, Value::Number(n))),
            ">" => Test::Compare(value, Comparison::Greater, Value::Number(n)),
            _ => equal(value, n),
        }
    }

    /// `proto[at:size]`: the value, and what the packet must be (`gen_load`).
    pub fn load(self, proto: &'static str, at: Value, size: u32) -> Result<(Value, Option<Test>), FilterError> {
        if !matches!(size, 1 | 2 | 4) {
            return pcap("data size must be 1, 2, or 4");
        }
        let size = size as u8;
        let from = |start: Value| Value::Load(Box::new(join(start, Operator::Add, at.clone())), size);
        let payload = self.payload();
        match proto {
            "link" => Ok((from(Value::Number(0)), None)),
            "ip" | "arp" | "rarp" | "ip6" => Ok((from(Value::Number(payload)), Some(self.protocol(proto)?))),
            "icmp6" => {
                let is = and(self.linktype(IP6), equal(self.net(6, 1), 58));
                Ok((from(Value::Number(payload + 40)), Some(is)))
            }
            "ah" | "esp" => pcap("unsupported index operation"),
            _ => {
                let start = join(Value::HeaderLength(payload), Operator::Add, Value::Number(payload));
                let start = match (&at, start) {
                    // One sum, as for ports, so that the same place is the same value.
                    (Value::Number(n), _) => return Ok((self.transport(*n, size), Some(self.guard(proto)?))),
                    (_, start) => start,
                };
                Ok((from(start), Some(self.guard(proto)?)))
            }
        }
    }

    /// IPv4, this protocol, and its header is there.
    fn guard(self, proto: &'static str) -> Made {
        Ok(and(self.linktype(IP), and(self.protocol(proto)?, self.first_fragment())))
    }
}

fn by_direction(dir: Dir, at: &dyn Fn(bool) -> Test) -> Test {
    match dir {
        Dir::Src => at(true),
        Dir::Dst => at(false),
        Dir::And => and(at(true), at(false)),
        Dir::Any | Dir::Or => or(at(true), at(false)),
    }
}

/// Only TCP, UDP and SCTP have ports.
fn transport_only(q: Quals, what: &str) -> Result<(), FilterError> {
    match q.proto {
        None | Some("tcp" | "udp" | "sctp") => Ok(()),
        Some(_) => pcap(format!("illegal qualifier of '{what}'")),
    }
}

fn proto_number(proto: Option<&str>) -> Option<u32> {
    match proto {
        Some("tcp") => Some(TCP),
        Some("udp") => Some(UDP),
        Some("sctp") => Some(SCTP),
        _ => None,
    }
}

/// The protocol that was typed, unless the port's name belongs to another.
fn agreed(q: Quals, of: Option<u32>, message: impl Fn(&str) -> String) -> Result<Option<u32>, FilterError> {
    let Some(typed) = proto_number(q.proto) else { return Ok(of) };
    match of {
        Some(TCP) if typed != TCP => pcap(message("tcp")),
        Some(UDP) if typed != UDP => pcap(message("udp")),
        _ => Ok(Some(typed)),
    }
}

/// A port by name; without a protocol if both have it (`pcap_nametoport`).
fn port_by_name(name: &str) -> Option<(u32, Option<u32>)> {
    let (tcp, udp) = (services::port_of(name, Proto::Tcp), services::port_of(name, Proto::Udp));
    match (tcp, udp) {
        (Some(t), Some(u)) if t == u => Some((t.into(), None)),
        (Some(t), _) => Some((t.into(), Some(TCP))),
        (None, Some(u)) => Some((u.into(), Some(UDP))),
        (None, None) => None,
    }
}

/// `8000-8080`, `http-https` (`pcap_nametoportrange`).
fn range_by_name(name: &str) -> Option<(u32, u32, Option<u32>)> {
    let (low, high) = name.split_once('-')?;
    if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
        return Some((low, high, None));
    }
    // A service's name may hold a dash itself; libpcap cuts at the first.
    let (low, first) = port_by_name(low)?;
    let (high, second) = port_by_name(high)?;
    Some((low, high, if first == second { first } else { None }))
}

/// Ethernet protocols that libpcap knows by name.
const ETHER_PROTOCOLS: &[(&str, u32)] = &[
    ("aarp", 0x80f3),
    ("arp", ARP),
    ("atalk", 0x809b),
    ("decnet", 0x6003),
    ("ip", IP),
    ("ip6", IP6),
    ("lat", 0x6004),
    ("loopback", 0x9000),
    ("mopdl", 0x6001),
    ("moprc", 0x6002),
    ("rarp", RARP),
    ("sca", 0x6007),
];

fn proto_by_name(name: &str, over: Option<&str>) -> Result<u32, FilterError> {
    match over {
        None | Some("ip" | "ip6") => match crate::shell::iptables::words::protocol_number(name) {
            Some(n) => Ok(n.into()),
            None => pcap(format!("unknown ip proto '{name}'")),
        },
        Some("link") => match ETHER_PROTOCOLS.iter().find(|(n, _)| *n == name) {
            Some((_, n)) => Ok(*n),
            None => pcap(format!("unknown ether proto '{name}'")),
        },
        Some(_) => pcap(format!("unknown protocol: {name}")),
    }
}
