//! Names and numbers as iptables reads and writes them: protocols, ports, ICMP types, addresses, marks.

use super::Fail;
use crate::shell::ipvsadm::services;
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// Protocols by name (libxtables' own list, then `/etc/protocols`); the first name of a number is the one that is shown.
const PROTOCOLS: &[(&str, u8)] = &[
    ("tcp", 6),
    ("sctp", 132),
    ("udp", 17),
    ("udplite", 136),
    ("icmp", 1),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("esp", 50),
    ("ah", 51),
    ("mobility-header", 135),
    ("ipv6-mh", 135),
    ("mh", 135),
    ("all", 0),
    ("ip", 0),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("dccp", 33),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("gre", 47),
    ("skip", 57),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ospf", 89),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("fc", 133),
    ("mpls-in-ip", 137),
];

/// A protocol as typed.
pub fn protocol(text: &str) -> Result<u8, Fail> {
    let lower = text.to_ascii_lowercase();
    let number = number(&lower).and_then(|n| u8::try_from(n).ok());
    number
        .or_else(|| PROTOCOLS.iter().find(|(name, _)| *name == lower).map(|(_, n)| *n))
        .ok_or_else(|| Fail::param(format!("unknown protocol \"{lower}\" specified")))
}

/// The number of a protocol by its name in `/etc/protocols` (`getprotobyname`).
pub fn protocol_number(name: &str) -> Option<u8> {
    const OWN: &[&str] = &["all", "icmpv6", "ipv6-mh", "mh"];
    let lower = name.to_ascii_lowercase();
    PROTOCOLS.iter().find(|(known, _)| *known == lower && !OWN.contains(known)).map(|(_, n)| *n)
}

/// The name of a protocol, if it has one.
pub fn protocol_name(proto: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, n)| *n == proto).map(|(name, _)| *name)
}

/// A number as `strtoul(…, 0)` reads it.
pub fn number(text: &str) -> Option<u32> {
    crate::shell::words::number(text)
}

/// `number` or `number/mask`; without a mask all bits count.
pub fn mark(text: &str) -> Option<(u32, u32)> {
    match text.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(text)?, u32::MAX)),
    }
}

fn wire_proto(proto: u8) -> Proto {
    if proto == Proto::Udp as u8 { Proto::Udp } else { Proto::Tcp }
}

/// A port by number or name.
pub fn port(text: &str, proto: u8) -> Result<u16, Fail> {
    let by_name = || services::port_of(text, wire_proto(proto));
    number(text)
        .and_then(|n| u16::try_from(n).ok())
        .or_else(by_name)
        .ok_or_else(|| Fail::param(format!("invalid port/service `{text}' specified")))
}

/// `80`, `80:90`, `:90`, `80:`.
pub fn port_range(text: &str, proto: u8) -> Result<(u16, u16), Fail> {
    let Some((from, to)) = text.split_once(':') else {
        let port = port(text, proto)?;
        return Ok((port, port));
    };
    let from = if from.is_empty() { 0 } else { port(from, proto)? };
    let to = if to.is_empty() { u16::MAX } else { port(to, proto)? };
    if from > to {
        return Err(Fail::param("invalid portrange (min > max)".to_string()));
    }
    Ok((from, to))
}

/// A port as it is shown.
pub fn port_text(port: u16, proto: u8, numeric: bool) -> String {
    match services::name_of(port, wire_proto(proto)) {
        Some(name) if !numeric => name.to_string(),
        _ => port.to_string(),
    }
}

/// `address[/mask]`; an address may be cut short (`10/8`).
pub fn network(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Fail> {
    let (addr, mask) = match text.split_once('/') {
        Some((addr, mask)) => (addr, mask_of(mask)?),
        None => (text, Ipv4Addr::BROADCAST),
    };
    let addr = address(addr).ok_or_else(|| Fail::param(format!("host/network `{addr}' not found")))?;
    Ok((Ipv4Addr::from(u32::from(addr) & u32::from(mask)), mask))
}

fn mask_of(text: &str) -> Result<Ipv4Addr, Fail> {
    let bits = text.parse::<u32>().ok().filter(|n| *n <= 32);
    let dotted = || dotted(text).filter(|_| text.split('.').count() == 4);
    let mask = bits.map(|n| Ipv4Addr::from(u32::MAX.checked_shl(32 - n).unwrap_or(0)));
    mask.or_else(dotted).ok_or_else(|| Fail::param(format!("invalid mask `{text}' specified")))
}

/// An address by numbers, missing ones being 0, or by name; lvsim hosts know `localhost` only.
pub fn address(text: &str) -> Option<Ipv4Addr> {
    let by_name = || (text == "localhost").then_some(Ipv4Addr::LOCALHOST);
    dotted(text).or_else(|| crate::shell::words::inet_aton(text)).or_else(by_name)
}

fn dotted(text: &str) -> Option<Ipv4Addr> {
    let mut bytes = [0u8; 4];
    for (i, part) in text.split('.').enumerate() {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *bytes.get_mut(i)? = part.parse().ok()?;
    }
    Some(bytes.into())
}

/// An address and its mask as `-L` shows them.
pub fn network_text(addr: Ipv4Addr, mask: Ipv4Addr, numeric: bool) -> String {
    match u32::from(mask) {
        0 if numeric => "0.0.0.0/0".to_string(),
        0 => "anywhere".to_string(),
        u32::MAX if !numeric && addr.is_loopback() && addr == Ipv4Addr::LOCALHOST => "localhost".to_string(),
        u32::MAX => addr.to_string(),
        _ => format!("{addr}/{}", mask_text(mask)),
    }
}

/// A mask as a length, or in full if it has holes.
pub fn mask_text(mask: Ipv4Addr) -> String {
    crate::shell::words::mask_len(mask).map_or_else(|| mask.to_string(), |len| len.to_string())
}

/// Types of ICMP with their names: name, type, first and last code.
const ICMP_TYPES: &[(&str, u8, u8, u8)] = &[
    ("any", 255, 0, 255),
    ("echo-reply", 0, 0, 255),
    ("pong", 0, 0, 255),
    ("destination-unreachable", 3, 0, 255),
    ("network-unreachable", 3, 0, 0),
    ("host-unreachable", 3, 1, 1),
    ("protocol-unreachable", 3, 2, 2),
    ("port-unreachable", 3, 3, 3),
    ("fragmentation-needed", 3, 4, 4),
    ("source-route-failed", 3, 5, 5),
    ("network-unknown", 3, 6, 6),
    ("host-unknown", 3, 7, 7),
    ("network-prohibited", 3, 9, 9),
    ("host-prohibited", 3, 10, 10),
    ("TOS-network-unreachable", 3, 11, 11),
    ("TOS-host-unreachable", 3, 12, 12),
    ("communication-prohibited", 3, 13, 13),
    ("host-precedence-violation", 3, 14, 14),
    ("precedence-cutoff", 3, 15, 15),
    ("source-quench", 4, 0, 255),
    ("redirect", 5, 0, 255),
    ("network-redirect", 5, 0, 0),
    ("host-redirect", 5, 1, 1),
    ("TOS-network-redirect", 5, 2, 2),
    ("TOS-host-redirect", 5, 3, 3),
    ("echo-request", 8, 0, 255),
    ("ping", 8, 0, 255),
    ("router-advertisement", 9, 0, 255),
    ("router-solicitation", 10, 0, 255),
    ("time-exceeded", 11, 0, 255),
    ("ttl-exceeded", 11, 0, 255),
    ("ttl-zero-during-transit", 11, 0, 0),
    ("ttl-zero-during-reassembly", 11, 1, 1),
    ("parameter-problem", 12, 0, 255),
    ("ip-header-bad", 12, 0, 0),
    ("required-option-missing", 12, 1, 1),
    ("timestamp-request", 13, 0, 255),
    ("timestamp-reply", 14, 0, 255),
    ("address-mask-request", 17, 0, 255),
    ("address-mask-reply", 18, 0, 255),
];

/// A type of ICMP: by the beginning of a name, or `type[/code]`.
pub fn icmp_type(text: &str) -> Result<(u8, (u8, u8)), Fail> {
    let lower = text.to_ascii_lowercase();
    let mut hits = ICMP_TYPES.iter().filter(|(name, ..)| name.to_ascii_lowercase().starts_with(&lower));
    if let Some((first, kind, from, to)) = hits.next() {
        return match hits.next() {
            Some((second, ..)) if !first.eq_ignore_ascii_case(text) => {
                Err(Fail::param(format!("Ambiguous ICMP type `{text}': `{first}' or `{second}'?")))
            }
            _ => Ok((*kind, (*from, *to))),
        };
    }
    let byte = |text: &str| number(text).and_then(|n| u8::try_from(n).ok());
    let unknown = || Fail::param(format!("Unknown ICMP type `{text}'"));
    match text.split_once('/') {
        Some((kind, code)) => {
            let code = byte(code).ok_or_else(unknown)?;
            Ok((byte(kind).ok_or_else(unknown)?, (code, code)))
        }
        None => Ok((byte(text).ok_or_else(unknown)?, (0, 255))),
    }
}

/// The name of a type of ICMP with these codes.
pub fn icmp_name(kind: u8, codes: (u8, u8)) -> Option<&'static str> {
    ICMP_TYPES.iter().find(|(_, k, from, to)| (*k, (*from, *to)) == (kind, codes)).map(|(name, ..)| *name)
}

/// Levels of the kernel log as they are typed.
pub const LOG_LEVELS: &[(&str, u8)] = &[
    ("alert", 1),
    ("crit", 2),
    ("debug", 7),
    ("emerg", 0),
    ("error", 3),
    ("info", 6),
    ("notice", 5),
    ("panic", 0),
    ("warning", 4),
];

/// Levels of the kernel log as they are shown, by number.
pub const LOG_LEVEL_NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// TCP flags by name, in the order of the bits.
pub const TCP_FLAGS: [&str; 6] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];

/// Flags as typed: names with commas, `ALL` or `NONE`.
pub fn tcp_flags(text: &str) -> Result<u8, Fail> {
    text.split(',').filter(|word| !word.is_empty()).try_fold(0, |bits, word| {
        let named = TCP_FLAGS.iter().position(|f| f.eq_ignore_ascii_case(word)).map(|at| 1 << at);
        let all = || if word.eq_ignore_ascii_case("ALL") { Some(0x3f) } else { None };
        let none = || if word.eq_ignore_ascii_case("NONE") { Some(0) } else { None };
        let bit: u8 =
            named.or_else(all).or_else(none).ok_or_else(|| Fail::param(format!("Unknown TCP flag `{word}'")))?;
        Ok(bits | bit)
    })
}

/// Flags as shown by name.
pub fn tcp_flags_text(bits: u8) -> String {
    if bits == 0 {
        return "NONE".to_string();
    }
    let names = TCP_FLAGS.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(",")
}

/// A text as `-S` writes it: in quotes if a shell would need them.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_addresses_are_filled_up_with_zeros() {
        let table = [
            ("10/8", "10.0.0.0", "255.0.0.0"),
            ("10.1/16", "10.1.0.0", "255.255.0.0"),
            ("10.0.0", "10.0.0.0", "255.255.255.255"),
            ("0x0a000001", "10.0.0.1", "255.255.255.255"),
            ("10.0.0.5/255.0.255.0", "10.0.0.0", "255.0.255.0"),
            ("0/0", "0.0.0.0", "0.0.0.0"),
        ];
        for (text, addr, mask) in table {
            let (a, m) = network(text).unwrap_or_else(|_| panic!("{text} is a network"));
            assert_eq!((a.to_string().as_str(), m.to_string().as_str()), (addr, mask), "{text}");
        }
        for bad in ["1.2.3.400", "1.2.3.4/33", "1.2.3.4/255.255", "", "www"] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn icmp_types_go_by_the_beginning_of_their_names() {
        assert_eq!(icmp_type("dest").ok(), Some((3, (0, 255))));
        assert_eq!(icmp_type("8/0").ok(), Some((8, (0, 0))));
        assert!(icmp_type("echo-re").is_err());
        assert!(icmp_type("300").is_err());
        assert_eq!(icmp_name(3, (4, 4)), Some("fragmentation-needed"));
    }
}
