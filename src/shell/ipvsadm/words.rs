//! Numbers, addresses and flags as ipvsadm reads them.

use super::services;
use crate::ipvs::SchedFlags;
use crate::wire::Proto;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A decimal number within a range, as strtol takes it: blanks before it and a sign are allowed.
pub fn number(text: &str, min: i64, max: i64) -> Option<i64> {
    let n: i64 = text.trim_start_matches(|c: char| c.is_ascii_whitespace()).parse().ok()?;
    (min..=max).contains(&n).then_some(n)
}

/// Why `ADDRESS[:PORT]` is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEndpoint {
    /// It cannot be read.
    Illegal,
    /// It is IPv6.
    Ipv6,
}

/// `ADDRESS[:PORT]`; the port may be a name of the protocol's, if that is known already.
///
/// # Errors
/// See [`BadEndpoint`].
pub fn endpoint(text: &str, proto: Option<Proto>) -> Result<(Ipv4Addr, Option<u16>), BadEndpoint> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(address, _)| address);
    if inner.parse::<Ipv6Addr>().is_ok() {
        return Err(BadEndpoint::Ipv6);
    }
    if text.chars().all(|c| c.is_ascii_digit()) {
        return Err(BadEndpoint::Illegal);
    }
    let (address, port) = match text.rsplit_once(':') {
        Some((address, port)) => (address, Some(port)),
        None => (text, None),
    };
    let address = crate::shell::words::address(address).ok_or(BadEndpoint::Illegal)?;
    let Some(port) = port else { return Ok((address, None)) };
    let port = match number(port, 0, 65535) {
        Some(n) => n as u16,
        None => proto.and_then(|proto| services::port_of(port, proto)).ok_or(BadEndpoint::Illegal)?,
    };
    Ok((address, Some(port)))
}

/// `-b`: names separated by commas; those of sh and mh need their scheduler, which must have been named before.
///
/// # Errors
/// ipvsadm's complaint about the first wrong name.
pub fn sched_flags(text: &str, scheduler: &str) -> Result<SchedFlags, String> {
    let mut bits = 0;
    for name in text.split(',').filter(|name| !name.is_empty()) {
        let (flag, of) = match name {
            "flag-1" => (SchedFlags::FALLBACK, None),
            "flag-2" => (SchedFlags::PORT, None),
            "flag-3" => (SchedFlags::THIRD, None),
            "sh-fallback" => (SchedFlags::FALLBACK, Some("sh")),
            "sh-port" => (SchedFlags::PORT, Some("sh")),
            "mh-fallback" => (SchedFlags::FALLBACK, Some("mh")),
            "mh-port" => (SchedFlags::PORT, Some("mh")),
            _ => return Err(format!("invalid scheduler flag `{name}'")),
        };
        if of.is_some_and(|of| of != scheduler) {
            return Err(format!("incompatible scheduler flag `{name}'"));
        }
        bits |= flag.0;
    }
    Ok(SchedFlags(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_forms_of_inet_aton() {
        for (text, expected) in [
            ("192.168.1.200", Some([192, 168, 1, 200])),
            ("192.168.1", Some([192, 168, 0, 1])),
            ("10.1", Some([10, 0, 0, 1])),
            ("3232235777", Some([192, 168, 1, 1])),
            ("0x7f.1", Some([127, 0, 0, 1])),
            ("010.0.0.1", Some([8, 0, 0, 1])),
            ("192.168.1.256", None),
            ("192.168.65536", None),
            ("256.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.", None),
            ("08.1", None),
            ("+1.2.3.4", None),
            ("", None),
        ] {
            assert_eq!(crate::shell::words::inet_aton(text), expected.map(Ipv4Addr::from), "{text}");
        }
    }

    #[test]
    fn a_service_is_an_address_and_perhaps_a_port() {
        use BadEndpoint::{Illegal, Ipv6};
        let a = Ipv4Addr::new(10, 0, 0, 1);
        for (text, expected) in [
            ("10.0.0.1:80", Ok((a, Some(80)))),
            ("10.0.0.1", Ok((a, None))),
            ("10.0.0.1:http", Ok((a, Some(80)))),
            ("10.0.0.1:0", Ok((a, Some(0)))),
            ("10.0.0.1:65536", Err(Illegal)),
            ("10.0.0.1:", Err(Illegal)),
            ("10.0.0.1:domino", Err(Illegal)),
            ("80", Err(Illegal)),
            ("", Err(Illegal)),
            (":80", Err(Illegal)),
            ("[::1]:80", Err(Ipv6)),
            ("fe80::1", Err(Ipv6)),
            ("[10.0.0.1]:80", Err(Illegal)),
        ] {
            assert_eq!(endpoint(text, Some(Proto::Tcp)), expected, "{text}");
        }
        assert_eq!(endpoint("10.0.0.1:http", None), Err(Illegal));
    }

    #[test]
    fn flags_belong_to_the_scheduler_named_before() {
        for (text, scheduler, expected) in [
            ("sh-port,sh-fallback", "sh", Ok(SchedFlags(3))),
            ("mh-port", "mh", Ok(SchedFlags::PORT)),
            ("flag-1,flag-3", "rr", Ok(SchedFlags(5))),
            ("sh-port", "wlc", Err("incompatible scheduler flag `sh-port'".to_string())),
            ("flag-4", "sh", Err("invalid scheduler flag `flag-4'".to_string())),
            ("", "sh", Ok(SchedFlags(0))),
        ] {
            assert_eq!(sched_flags(text, scheduler), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_decimal_and_in_range() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("+5", Some(5)),
            (" 5", Some(5)),
            ("5 ", None),
            ("0x10", None),
            ("", None),
        ] {
            assert_eq!(number(text, 0, 100), expected, "{text:?}");
        }
        assert_eq!(number("-1", 0, 100), None);
        assert_eq!(number("99999999999999999999", 0, i64::MAX), None);
    }
}
