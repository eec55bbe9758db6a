//! Single values: IPv4 addresses, with prefix lengths and ports, and hardware addresses.
//!
//! Addresses are read strictly: four decimal numbers without leading zeros. What is wrong is said of the number that is.

use crate::lang::Text;
use crate::scenario::model::Mac;
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::value::word;
use crate::scenario::tree::Node;
use crate::text;
use std::net::Ipv4Addr;

/// Says what is wrong with the text of an address.
fn address_fault(text: &str) -> Text {
    let parts: Vec<&str> = text.split('.').collect();
    if text.contains("::") || text.matches(':').count() > 1 {
        return text!("problem-ipv6-not-simulated");
    }
    if parts.len() != 4 {
        return text!("problem-ipv4-address-has-four-numbers");
    }
    for part in parts {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return text!("problem-is-no-number", part = quote(part));
        }
        if part.len() > 1 && part.starts_with('0') {
            return text!("problem-begins-with-0", part = quote(part));
        }
        if part.parse::<u8>().is_err() {
            return text!("problem-more-than-255", part = format_args!("{part:.12}"));
        }
    }
    text!("problem-not-address")
}

/// An IPv4 address.
pub(crate) fn address(node: &Node<'_>, p: &mut Problems) -> Option<Ipv4Addr> {
    let text = word(node, text!("problem-want-address"), "192.168.1.1", p)?;
    let addr = text.parse().ok();
    if addr.is_none() {
        let problem = p.error("E027", node.at, text!("problem-no-ipv4-address", text = quote(text)));
        match text.split_once('/') {
            Some((a, _)) if a.parse::<Ipv4Addr>().is_ok() => {
                problem.label(text!("problem-no-prefix-length-here")).help(text!("problem-write", what = a))
            }
            _ => problem.label(address_fault(text)).help(text!("problem-write-for-example", example = "192.168.1.1")),
        };
    }
    addr
}

/// An address with its prefix length; without one it is 32, as for `ip addr add`. A netmask may stand for the length.
pub(crate) fn cidr(node: &Node<'_>, p: &mut Problems) -> Option<(Ipv4Addr, u8)> {
    let text = word(node, text!("problem-want-address"), "192.168.1.101/24", p)?;
    let (addr, length) = text.split_once('/').unwrap_or((text, "32"));
    let Ok(addr) = addr.parse::<Ipv4Addr>() else {
        let fault = address_fault(addr);
        p.error("E027", node.at, text!("problem-no-ipv4-address", text = quote(text)))
            .label(fault)
            .help(text!("problem-write-for-example", example = "192.168.1.101/24"));
        return None;
    };
    let mask = length
        .parse::<Ipv4Addr>()
        .ok()
        .map(u32::from)
        .filter(|m| m.leading_ones() + m.trailing_zeros() == 32 || *m == 0);
    let length = match mask {
        Some(mask) => Some(mask.leading_ones() as u8),
        None => Some(length)
            .filter(|l| l.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|l| l.parse().ok())
            .filter(|l| *l <= 32),
    };
    if length.is_none() {
        p.error("E027", node.at, text!("problem-has-no-prefix-length-from", text = quote(text)))
            .label(text!("problem-after-slash"))
            .help(text!("problem-write-prefix", addr));
    }
    length.map(|length| (addr, length))
}

/// A network of source addresses.
pub(crate) fn network(node: &Node<'_>, p: &mut Problems) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = cidr(node, p)?;
    let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    if length < 8 || address.to_bits() & host != 0 {
        p.error("E027", node.at, text!("problem-no-network-source-addresses", address, length))
            .label(if length < 8 {
                text!("problem-larger-than-8")
            } else {
                text!("problem-has-bits-beyond-its-length")
            })
            .help(text!(
                "problem-write-network",
                network = Ipv4Addr::from_bits(address.to_bits() & !host),
                length = length.max(8)
            ));
        return None;
    }
    Some((address, length))
}

/// `ADDRESS:PORT`.
pub(crate) fn endpoint(node: &Node<'_>, p: &mut Problems) -> Option<(Ipv4Addr, u16)> {
    let text = word(node, text!("problem-want-address-port"), "192.168.1.200:80", p)?;
    let fault = match text.rsplit_once(':') {
        None if text.parse::<Ipv4Addr>().is_ok() => text!("problem-port-missing"),
        None => text!("problem-wants-address-colon-and-port"),
        Some((addr, port)) => match (addr.parse::<Ipv4Addr>(), port.parse::<u16>()) {
            (Ok(addr), Ok(port)) if port > 0 && port_digits(text) => return Some((addr, port)),
            (Ok(_), _) => text!("problem-port-number-from-1-65535"),
            (Err(_), _) if addr.starts_with(char::is_alphabetic) => text!("problem-address-wanted-not-name"),
            (Err(_), _) => address_fault(addr),
        },
    };
    p.error("E029", node.at, text!("problem-not-address-port", text = quote(text)))
        .label(fault)
        .help(text!("problem-write-for-example", example = "192.168.1.200:80"));
    None
}

fn port_digits(text: &str) -> bool {
    text.rsplit(':').next().is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

/// A hardware address that an interface can have: not all zero, and no group address.
pub(crate) fn mac(node: &Node<'_>, p: &mut Problems) -> Option<Mac> {
    let text = word(node, text!("problem-want-mac-address"), "52:54:00:12:34:56", p)?;
    let mut mac: Mac = [0; 6];
    let mut parts = text.split([':', '-']);
    let read = mac.iter_mut().all(|byte| match parts.next() {
        Some(part) if (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u8::from_str_radix(part, 16).map(|b| *byte = b).is_ok()
        }
        _ => false,
    });
    let label = match read && parts.next().is_none() {
        false => text!("problem-wants-six-bytes-in-hexadecimal"),
        true if mac[0] & 1 == 1 => text!("problem-multicast-address-first-byte-odd"),
        true if mac == [0; 6] => text!("problem-zero-address"),
        true => return Some(mac),
    };
    p.error("E028", node.at, text!("problem-cannot-interface-s-mac-address", text = quote(text)))
        .label(label)
        .help(text!("problem-write-for-example", example = "52:54:00:12:34:56"));
    None
}
