//! Tokens of a filter (libpcap's scanner.l): the longest match counts, and of equal ones the first.

use crate::wire::Mac;
use std::net::Ipv6Addr;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word of the language, by its first spelling.
    Key(&'static str),
    /// A sign.
    Sign(&'static str),
    /// A number, or a name for one.
    Number(u32),
    /// A name.
    Id(String),
    /// Two to four numbers with dots.
    Host(String),
    /// An IPv6 address.
    Host6(String),
    /// A hardware address.
    Ether(Mac),
    /// Nothing that can be read; what libpcap says about it, if that is more than a syntax error.
    Bad(Option<String>),
}

/// Words of the language; those with several spellings stand under the first.
const KEYS: &[&[&str]] = &[
    &["dst"],
    &["src"],
    &["link", "ether", "ppp", "slip", "fddi", "tr", "wlan"],
    &["arp"],
    &["rarp"],
    &["ip"],
    &["sctp"],
    &["tcp"],
    &["udp"],
    &["icmp"],
    &["igmp"],
    &["igrp"],
    &["pim"],
    &["vrrp"],
    &["carp"],
    &["ip6"],
    &["icmp6"],
    &["ah"],
    &["esp"],
    &["host"],
    &["net"],
    &["mask"],
    &["port"],
    &["portrange"],
    &["proto"],
    &["gateway"],
    &["less"],
    &["greater"],
    &["byte"],
    &["broadcast"],
    &["multicast"],
    &["and"],
    &["or"],
    &["len", "length"],
    &["inbound"],
    &["outbound"],
    &["ifindex"],
];

/// Words that libpcap knows and lvsim does not.
pub(super) const UNKNOWN: &[&str] = &[
    "radio",
    "atalk",
    "aarp",
    "decnet",
    "lat",
    "sca",
    "moprc",
    "mopdl",
    "iso",
    "esis",
    "es-is",
    "isis",
    "is-is",
    "l1",
    "l2",
    "iih",
    "lsp",
    "snp",
    "csnp",
    "psnp",
    "clnp",
    "stp",
    "ipx",
    "netbeui",
    "protochain",
    "type",
    "subtype",
    "direction",
    "dir",
    "address1",
    "addr1",
    "address2",
    "addr2",
    "address3",
    "addr3",
    "address4",
    "addr4",
    "ra",
    "ta",
    "vlan",
    "mpls",
    "pppoed",
    "pppoes",
    "geneve",
    "lane",
    "llc",
    "metac",
    "bcc",
    "oam",
    "oamf4",
    "oamf4ec",
    "oamf4sc",
    "sc",
    "ilmic",
    "vpi",
    "vci",
    "connectmsg",
    "metaconnect",
    "on",
    "ifname",
    "rset",
    "ruleset",
    "rnr",
    "rulenum",
    "srnr",
    "subrulenum",
    "reason",
    "action",
    "fisu",
    "lssu",
    "lsu",
    "msu",
    "hfisu",
    "hlssu",
    "hmsu",
    "sio",
    "opc",
    "dpc",
    "sls",
    "hsio",
    "hopc",
    "hdpc",
    "hsls",
];

/// Names for numbers.
const NUMBERS: &[(&str, u32)] = &[
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
    ("tcp-cwr", 0x80),
];

/// Signs, longer ones first; some have two spellings.
const SIGNS: &[(&str, Token)] = &[
    (">=", Token::Sign(">=")),
    ("<=", Token::Sign("<=")),
    ("!=", Token::Sign("!=")),
    ("==", Token::Sign("=")),
    ("<<", Token::Sign("<<")),
    (">>", Token::Sign(">>")),
    ("&&", Token::Key("and")),
    ("||", Token::Key("or")),
    ("+", Token::Sign("+")),
    ("-", Token::Sign("-")),
    ("*", Token::Sign("*")),
    ("/", Token::Sign("/")),
    ("%", Token::Sign("%")),
    (":", Token::Sign(":")),
    ("[", Token::Sign("[")),
    ("]", Token::Sign("]")),
    ("!", Token::Sign("!")),
    ("<", Token::Sign("<")),
    (">", Token::Sign(">")),
    ("(", Token::Sign("(")),
    (")", Token::Sign(")")),
    ("&", Token::Sign("&")),
    ("|", Token::Sign("|")),
    ("^", Token::Sign("^")),
    ("=", Token::Sign("=")),
];

/// Cuts a filter into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\r', '\n', '\t']);
        let Some(c) = rest.chars().next() else { return out };
        let (len, token) = one(rest, c);
        out.push(token);
        rest = &rest[len..];
    }
}

fn one(rest: &str, c: char) -> (usize, Token) {
    if c == '\\' {
        let len = 1 + rest[1..].find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(rest.len() - 1);
        return if len > 1 { (len, Token::Id(rest[1..len].into())) } else { (1, Token::Bad(None)) };
    }
    // In the order of the scanner's rules: the first of the longest wins.
    let mut best = (0, Token::Bad(None));
    let mut offer = |len: usize, token: &dyn Fn(&str) -> Token| {
        if len > best.0 {
            best = (len, token(&rest[..len]));
        }
    };
    if c.is_ascii_alphanumeric() {
        let word = word_len(rest);
        if let Some(key) = key(&rest[..word]) {
            offer(word, &|_| key.clone());
        }
        offer(ether_len(rest), &|t| ether(t).map_or(Token::Bad(None), Token::Ether));
        offer(number_len(rest), &number);
        offer(host_len(rest), &|t| Token::Host(t.into()));
        offer(host6_len(rest), &|t| Token::Host6(t.into()));
        offer(bogus_ether_len(rest), &|t| Token::Bad(Some(format!("bogus ethernet address {t}"))));
        let named = NUMBERS.iter().find(|(name, _)| *name == &rest[..word]);
        if let Some((_, n)) = named {
            offer(word, &|_| Token::Number(*n));
        }
        offer(word, &|t| Token::Id(t.into()));
        return best;
    }
    offer(host6_len(rest), &|t| Token::Host6(t.into()));
    if best.0 > 0 {
        return best;
    }
    if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return (sign.len(), token.clone());
    }
    (c.len_utf8(), Token::Bad(None))
}

fn key(word: &str) -> Option<Token> {
    if word == "not" {
        return Some(Token::Sign("!"));
    }
    let known = KEYS.iter().find(|spellings| spellings.contains(&word)).map(|spellings| spellings[0]);
    known.or_else(|| UNKNOWN.iter().find(|w| **w == word).copied()).map(Token::Key)
}

/// `[A-Za-z0-9]([-_.A-Za-z0-9]*[.A-Za-z0-9])?`
fn word_len(text: &str) -> usize {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    text[..end].trim_end_matches(['-', '_']).len()
}

fn digits(text: &str, hex: bool) -> usize {
    text.bytes().take_while(|b| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() }).count()
}

/// Decimal digits, or `0x` and hexadecimal ones.
fn number_len(text: &str) -> usize {
    if text.starts_with("0x") || text.starts_with("0X") {
        let hex = digits(&text[2..], true);
        if hex > 0 {
            return hex + 2;
        }
    }
    digits(text, false)
}

/// A number as the scanner's `stou` reads it: decimal, octal after a `0`, hexadecimal after `0x`.
fn number(text: &str) -> Token {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if radix == 8 && digits.contains(['8', '9']) {
        return Token::Bad(Some(format!("number {text} contains non-octal digit")));
    }
    match u32::from_str_radix(digits, radix) {
        Ok(n) => Token::Number(n),
        Err(_) => Token::Bad(Some(format!("number {text} overflows 32 bits"))),
    }
}

/// Two to four numbers with dots.
fn host_len(text: &str) -> usize {
    let mut at = number_len(text);
    let mut parts = usize::from(at > 0);
    while parts > 0 && parts < 4 && text[at..].starts_with('.') {
        match number_len(&text[at + 1..]) {
            0 => break,
            len => at += 1 + len,
        }
        parts += 1;
    }
    if parts > 1 { at } else { 0 }
}

fn host6_len(text: &str) -> usize {
    let end = text.find(|c: char| !(c.is_ascii_hexdigit() || ":.".contains(c))).unwrap_or(text.len());
    let run = &text[..end];
    if run.matches(':').count() > 1 && run.parse::<Ipv6Addr>().is_ok() { end } else { 0 }
}

/// Six pairs joined by `:`, `-` or `.`, three fours joined by `.`, or twelve digits.
fn ether_len(text: &str) -> usize {
    let groups = |count: usize, most: usize, least: usize, sign: Option<char>| {
        let mut at = 0;
        for n in 0..count {
            if n > 0
                && let Some(sign) = sign
            {
                if !text[at..].starts_with(sign) {
                    return 0;
                }
                at += 1;
            }
            let len = digits(&text[at..], true).min(most);
            if len < least {
                return 0;
            }
            at += len;
        }
        at
    };
    let pairs = [':', '-', '.'].map(|sign| groups(6, 2, 1, Some(sign)));
    let fours = [groups(3, 4, 4, Some('.')), groups(3, 4, 4, None)];
    pairs.into_iter().chain(fours).max().unwrap_or(0)
}

fn ether(text: &str) -> Option<Mac> {
    let mut bytes = [0u8; 6];
    if text.contains([':', '-']) || text.matches('.').count() == 5 {
        for (byte, part) in bytes.iter_mut().zip(text.split([':', '-', '.'])) {
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
    } else {
        let hex: String = text.chars().filter(|c| *c != '.').collect();
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()?;
        }
    }
    Some(Mac(bytes))
}

/// `{B}:+({B}:+)+`: pairs and colons that are no whole address.
fn bogus_ether_len(text: &str) -> usize {
    let (mut at, mut groups) = (0, 0);
    loop {
        let len = digits(&text[at..], true);
        let colons = text[at + len.min(2)..].bytes().take_while(|b| *b == b':').count();
        if len == 0 || len > 2 || colons == 0 {
            return if groups > 1 { at } else { 0 };
        }
        at += len + colons;
        groups += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_match_counts_and_of_equal_ones_the_first() {
        let id = |t: &str| Token::Id(t.into());
        let host = |t: &str| Token::Host(t.into());
        for (text, expected) in [
            ("host", vec![Token::Key("host")]),
            ("hosts", vec![id("hosts")]),
            ("ether", vec![Token::Key("link")]),
            ("10.0.0.1", vec![host("10.0.0.1")]),
            ("10.0.0.1a", vec![id("10.0.0.1a")]),
            ("10.0.0.0/8", vec![host("10.0.0.0"), Token::Sign("/"), Token::Number(8)]),
            ("80", vec![Token::Number(80)]),
            ("0x1F", vec![Token::Number(31)]),
            ("017", vec![Token::Number(15)]),
            ("8000-8080", vec![id("8000-8080")]),
            ("tcp-syn|tcp-ack", vec![Token::Number(2), Token::Sign("|"), Token::Number(16)]),
            ("tcp-synx", vec![id("tcp-synx")]),
            ("02:00:00:00:00:01", vec![Token::Ether(Mac([2, 0, 0, 0, 0, 1]))]),
            ("0200.0000.0001", vec![Token::Ether(Mac([2, 0, 0, 0, 0, 1]))]),
            ("1-2-3-4-5-6", vec![Token::Ether(Mac([1, 2, 3, 4, 5, 6]))]),
            ("fe80::1", vec![Token::Host6("fe80::1".into())]),
            ("::1", vec![Token::Host6("::1".into())]),
            (
                "tcp[2:2]",
                vec![
                    Token::Key("tcp"),
                    Token::Sign("["),
                    Token::Number(2),
                    Token::Sign(":"),
                    Token::Number(2),
                    Token::Sign("]"),
                ],
            ),
            (
                "!(a&&b)",
                vec![Token::Sign("!"), Token::Sign("("), id("a"), Token::Key("and"), id("b"), Token::Sign(")")],
            ),
            (r"\tcp", vec![id("tcp")]),
            ("a_-", vec![id("a"), Token::Bad(None), Token::Sign("-")]),
            ("ärger", vec![Token::Bad(None), id("rger")]),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn some_mistakes_have_a_text_of_their_own() {
        let said =
            |text: &str| tokens(text).into_iter().find_map(|t| if let Token::Bad(said) = t { said } else { None });
        assert_eq!(said("4294967296").as_deref(), Some("number 4294967296 overflows 32 bits"));
        assert_eq!(said("089").as_deref(), Some("number 089 contains non-octal digit"));
        assert_eq!(said("1:2:3:4:5").as_deref(), Some("bogus ethernet address 1:2:3:4:"));
    }
}
