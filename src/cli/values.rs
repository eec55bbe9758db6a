//! What stands behind options: durations, sizes, places, ends of a connection. For clap's `value_parser`.

use lvsim::base::{Span, size};
use std::net::Ipv4Addr;

/// `30s`, `1.5ms`.
pub fn span(text: &str) -> Result<Span, String> {
    Span::parse(text)
}

/// A number of events: `5000`, `20k`, `3M`, `1G`.
pub fn events(text: &str) -> Result<u64, String> {
    scaled(text, &[("", 1), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)])
        .ok_or_else(|| format!("`{text}` is no number of events; write for example `5000000` or `5M`"))
}

/// Bytes: `512MB`, `2GiB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    scaled(text, size::UNITS).ok_or_else(|| format!("`{text}` is no size; write for example `512MB` or `2GiB`"))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let cut = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (text[..cut].parse::<u64>().ok()?, text[cut..].trim());
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*scale)
}

/// `NODE` or `NODE:INTERFACE`; an interface may be a label such as `eth0:1`.
pub fn place(text: &str) -> Result<(String, Option<String>), String> {
    let (node, dev) = match text.split_once(':') {
        Some((node, dev)) => (node, Some(dev)),
        None => (text, None),
    };
    if node.is_empty() || dev.is_some_and(str::is_empty) {
        return Err(format!("`{text}` is no place; write for example `director` or `director:eth0`"));
    }
    Ok((node.to_string(), dev.map(String::from)))
}

/// `ADDRESS:PORT`.
pub fn end(text: &str) -> Result<(Ipv4Addr, u16), String> {
    text.rsplit_once(':')
        .and_then(|(addr, port)| Some((addr.parse().ok()?, port.parse().ok()?)))
        .ok_or_else(|| format!("`{text}` is no end of a connection; write for example `192.168.1.101:32768`"))
}

/// A connection as reports name it: `web:3`.
pub fn connection(text: &str) -> Result<(String, u32), String> {
    text.rsplit_once(':')
        .and_then(|(name, index)| Some((name.to_string(), index.parse().ok()?)))
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| format!("`{text}` is no connection; write its entry and its place there, for example `web:3`"))
}

/// A packet as reports name it: `#12`, or `12`.
pub fn packet(text: &str) -> Result<u32, String> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("`{text}` is no packet; write for example `#12` or `12`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_units_and_must_fit() {
        assert_eq!(events("20k"), Ok(20_000));
        assert_eq!(events("7"), Ok(7));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("512 MB"), Ok(512_000_000));
        for wrong in ["", "-1", "1.5k", "99999999999999999999", "18446744073709551615G", "5x"] {
            assert!(events(wrong).is_err(), "{wrong}");
        }
        assert!(bytes("1mb").is_err());
    }

    #[test]
    fn a_place_is_a_node_with_or_without_interface() {
        assert_eq!(place("rs1"), Ok(("rs1".into(), None)));
        assert_eq!(place("rs1:eth0:1"), Ok(("rs1".into(), Some("eth0:1".into()))));
        assert!(place(":eth0").is_err());
        assert!(place("rs1:").is_err());
    }

    #[test]
    fn an_end_needs_address_and_port() {
        assert_eq!(end("10.0.0.1:80"), Ok((Ipv4Addr::new(10, 0, 0, 1), 80)));
        for wrong in ["10.0.0.1", "10.0.0.1:99999", "rs1:80", ""] {
            assert!(end(wrong).is_err(), "{wrong}");
        }
        assert_eq!(packet("#12"), Ok(12));
        assert!(packet("12#").is_err());
    }
}
