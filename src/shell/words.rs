//! How programs read what is typed: addresses and prefixes by the rules of iproute2 and of the C library, and abbreviations.

use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Whether `word` abbreviates `full` (iproute2's `matches`).
pub fn abbreviates(word: &str, full: &str) -> bool {
    !word.is_empty() && full.starts_with(word)
}

/// A number as `strtoul(…, 0)` reads it: decimal, `0x` or octal; nothing may follow.
pub fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

/// An address as iproute2 reads it: up to four numbers, missing ones are 0, so that `10.8` is 10.8.0.0.
pub fn ip_addr(text: &str) -> Option<Ipv4Addr> {
    let mut bytes = [0u8; 4];
    for (i, part) in text.split('.').enumerate() {
        *bytes.get_mut(i)? = u8::try_from(number(part)?).ok()?;
    }
    Some(bytes.into())
}

/// An address as the C library's `inet_aton` reads it: `10.1` is 10.0.0.1.
pub fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|&p| p > 255) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if room < 32 && *last >= 1 << room {
        return None;
    }
    let high = first.iter().enumerate().fold(0u32, |sum, (i, p)| sum | p << (24 - 8 * i));
    Some((high | last).into())
}

/// An address by numbers, or the one name that every host knows.
pub fn address(text: &str) -> Option<Ipv4Addr> {
    inet_aton(text).or_else(|| (text == "localhost").then_some(Ipv4Addr::LOCALHOST))
}

/// The prefix length of a mask, if its ones are together.
pub fn mask_len(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let len = bits.leading_ones();
    (bits.checked_shl(len).unwrap_or(0) == 0).then_some(len as u8)
}

/// A prefix as iproute2 reads it: host bits stay; `default`, `any` and `all` are 0.0.0.0/0. The second value says whether a
/// length was typed.
pub fn ip_prefix(text: &str) -> Option<(Ipv4Net, bool)> {
    if matches!(text, "default" | "any" | "all") {
        return Some((Ipv4Net::default(), false));
    }
    let (addr, len) = match text.split_once('/') {
        Some((addr, len)) => {
            let bits = match number(len) {
                Some(n) => u8::try_from(n).ok()?,
                None => mask_len(len.parse().ok()?)?,
            };
            (addr, Some(bits))
        }
        None => (text, None),
    };
    Some((Ipv4Net::new(ip_addr(addr)?, len.unwrap_or(32)).ok()?, len.is_some()))
}

/// Whether a shell's pattern fits the whole text: `*`, `?`, `[a-z]`, `[!a-z]` (fnmatch). Costs at most the product of both lengths.
pub fn fnmatch(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut i, mut j) = (0, 0);
    // Where to go on if it does not fit: behind the last star, one character further. Earlier stars need no second try.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p.get(i) == Some(&'*') {
            retry = Some((i + 1, j));
            i += 1;
            continue;
        }
        if i == p.len() && j == t.len() {
            return true;
        }
        if let Some(used) = t.get(j).and_then(|&c| one(&p[i..], c)) {
            (i, j) = (i + used, j + 1);
            continue;
        }
        let Some((star, from)) = retry.filter(|(_, from)| *from < t.len()) else {
            return false;
        };
        retry = Some((star, from + 1));
        (i, j) = (star, from + 1);
    }
}

/// How much of a pattern stands for this one character; none if it does not fit.
fn one(p: &[char], c: char) -> Option<usize> {
    let first = *p.first()?;
    if first == '['
        && let Some(close) = p.iter().skip(2).position(|&x| x == ']').map(|n| n + 2)
    {
        let negated = matches!(p[1], '!' | '^') && close > 2;
        let set = &p[1 + usize::from(negated)..close];
        let mut hit = false;
        let mut n = 0;
        while n < set.len() {
            if n + 2 < set.len() && set[n + 1] == '-' {
                hit |= (set[n]..=set[n + 2]).contains(&c);
                n += 3;
            } else {
                hit |= set[n] == c;
                n += 1;
            }
        }
        return (hit != negated).then_some(close + 1);
    }
    (first == '?' || first == c).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iproute2_and_the_c_library_disagree_about_short_addresses() {
        assert_eq!(ip_addr("10.8"), Some(Ipv4Addr::new(10, 8, 0, 0)));
        assert_eq!(inet_aton("10.8"), Some(Ipv4Addr::new(10, 0, 0, 8)));
        assert_eq!(inet_aton("192.168.1"), Some(Ipv4Addr::new(192, 168, 0, 1)));
        assert_eq!(ip_addr("10.0.0.300"), None);
        assert_eq!(inet_aton("10.0.0.300"), None);
        assert_eq!(inet_aton("10.0.0.1.2"), None);
        assert_eq!(inet_aton(""), None);
    }

    #[test]
    fn prefixes_may_have_a_mask_and_default_is_everything() {
        let net = |text: &str| ip_prefix(text).map(|(n, _)| n.to_string());
        assert_eq!(net("10.0.0.5/24").as_deref(), Some("10.0.0.5/24"));
        assert_eq!(net("10.0.0.0/255.255.0.0").as_deref(), Some("10.0.0.0/16"));
        assert_eq!(net("default").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(net("10.0.0.0/33"), None);
        assert_eq!(mask_len(Ipv4Addr::new(255, 0, 255, 0)), None);
    }

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (p, t, yes) in [
            ("eth0:*", "eth0:1", true),
            ("eth0:*", "eth0", false),
            ("eth[0-3]", "eth2", true),
            ("eth[!0-3]", "eth2", false),
            ("?o", "lo", true),
            ("[", "[", true),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxabc", false),
            ("**", "", true),
        ] {
            assert_eq!(fnmatch(p, t), yes, "{p} {t}");
        }
    }
}
