//! Matches and targets that look at packets, rates and connections rather than at ports: what is typed, what `-L` shows,
//! what `-S` writes (libxtables, extensions/libxt_limit.c, libxt_statistic.c, libxt_mac.c, libxt_iprange.c,
//! libxt_addrtype.c, libxt_length.c, libipt_ttl.c, libxt_tos.c, libxt_dscp.c, libxt_connmark.c, and the targets).
//!
//! Left out, and refused by name: `-j CT` for anything but `--notrack`.

use super::extend::{ExtOption, Extension, Loaded, opt};
use super::{Fail, ipvs, words};
use crate::net::netfilter::matches::{AddrRange, KINDS, Kept, KindMatch, Match, TtlMode, limit};
use crate::net::netfilter::targets::{ConnMark, Mss, Target, TtlChange};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// The matches, sorted.
pub const MATCHES: &[Extension] = &[
    Extension {
        name: "addrtype",
        options: &[opt("src-type", 1), opt("dst-type", 1), opt("limit-iface-in", 0), opt("limit-iface-out", 0)],
    },
    Extension { name: "connmark", options: &[opt("mark", 1)] },
    Extension { name: "dscp", options: &[opt("dscp", 1), opt("dscp-class", 1)] },
    Extension { name: "iprange", options: &[opt("src-range", 1), opt("dst-range", 1)] },
    Extension { name: "length", options: &[opt("length", 1)] },
    Extension { name: "limit", options: &[opt("limit", 1), opt("limit-burst", 1)] },
    Extension { name: "mac", options: &[opt("mac-source", 1)] },
    Extension {
        name: "statistic",
        options: &[opt("mode", 1), opt("probability", 1), opt("every", 1), opt("packet", 1)],
    },
    Extension { name: "tos", options: &[opt("tos", 1)] },
    Extension { name: "ttl", options: &[opt("ttl-lt", 1), opt("ttl-gt", 1), opt("ttl-eq", 1), opt("ttl", 1)] },
];

/// The targets, sorted.
pub const TARGETS: &[Extension] = &[
    Extension {
        name: "CONNMARK",
        options: &[
            opt("set-xmark", 1),
            opt("set-mark", 1),
            opt("and-mark", 1),
            opt("or-mark", 1),
            opt("xor-mark", 1),
            opt("save-mark", 0),
            opt("restore-mark", 0),
            opt("ctmask", 1),
            opt("nfmask", 1),
            opt("mask", 1),
        ],
    },
    Extension { name: "CT", options: CT },
    Extension { name: "DSCP", options: &[opt("set-dscp", 1), opt("set-dscp-class", 1)] },
    Extension { name: "NOTRACK", options: &[] },
    Extension { name: "TCPMSS", options: &[opt("set-mss", 1), opt("clamp-mss-to-pmtu", 0)] },
    Extension { name: "TOS", options: &[opt("set-tos", 1), opt("and-tos", 1), opt("or-tos", 1), opt("xor-tos", 1)] },
    Extension { name: "TTL", options: &[opt("ttl-set", 1), opt("ttl-dec", 1), opt("ttl-inc", 1)] },
];

const CT: &[ExtOption] = &[
    opt("notrack", 0),
    opt("helper", 1),
    opt("timeout", 1),
    opt("ctevents", 1),
    opt("expevents", 1),
    opt("zone", 1),
    opt("zone-orig", 1),
    opt("zone-reply", 1),
];

/// Options of which only one can be said, in the order in which the program looks.
const EXCLUSIVE: &[(&str, &[&str])] = &[
    ("addrtype", &["limit-iface-in", "limit-iface-out"]),
    ("statistic", &["probability", "every"]),
    ("statistic", &["probability", "packet"]),
    ("ttl", &["ttl-lt", "ttl-gt", "ttl-eq"]),
    ("dscp", &["dscp", "dscp-class"]),
    ("CONNMARK", &["set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark", "save-mark", "restore-mark"]),
    ("TTL", &["ttl-set", "ttl-dec", "ttl-inc"]),
    ("TOS", &["set-tos", "and-tos", "or-tos", "xor-tos"]),
    ("DSCP", &["set-dscp", "set-dscp-class"]),
];

/// Whether an option may have a `!` before it.
pub fn inverts(name: &str, option: &str) -> bool {
    matches!(
        (name, option),
        ("addrtype", "src-type" | "dst-type")
            | ("connmark" | "dscp" | "iprange" | "length" | "mac" | "tos", _)
            | ("ipvs", "ipvs" | "vproto" | "vaddr" | "vport" | "vmethod" | "vportctl")
            | ("statistic", "probability" | "every")
            | ("ttl", "ttl-eq")
    )
}

/// Names of classes (RFC 2474, 2597, 3246).
const CLASSES: &[(&str, u8)] = &[
    ("CS0", 0),
    ("CS1", 8),
    ("CS2", 16),
    ("CS3", 24),
    ("CS4", 32),
    ("CS5", 40),
    ("CS6", 48),
    ("CS7", 56),
    ("BE", 0),
    ("AF11", 10),
    ("AF12", 12),
    ("AF13", 14),
    ("AF21", 18),
    ("AF22", 20),
    ("AF23", 22),
    ("AF31", 26),
    ("AF32", 28),
    ("AF33", 30),
    ("AF41", 34),
    ("AF42", 36),
    ("AF43", 38),
    ("EF", 46),
];

/// Names of the old TOS field, whose mask is 0x3f.
const TOS_NAMES: &[(&str, u8)] = &[
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];

fn wrong<T>(text: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Param(text.into()))
}

/// What was said to an extension, read.
struct Said<'a>(&'a Loaded);

impl Said<'_> {
    fn name(&self) -> &'static str {
        self.0.ext.name
    }

    fn get(&self, option: &str) -> Option<(&str, bool)> {
        self.0.one(option)
    }

    fn exclusive(&self) -> Result<(), Fail> {
        let name = self.name();
        for (_, options) in EXCLUSIVE.iter().filter(|(ext, _)| *ext == name) {
            let said: Vec<&str> = options.iter().copied().filter(|o| self.get(o).is_some()).collect();
            if let [first, second, ..] = said[..] {
                return wrong(format!("{name}: option \"--{first}\" cannot be used together with \"--{second}\".\n"));
            }
        }
        Ok(())
    }

    /// A number between two.
    fn number(&self, option: &str, min: u32, max: u32) -> Result<Option<(u32, bool)>, Fail> {
        let Some((text, invert)) = self.get(option) else { return Ok(None) };
        match words::number(text).filter(|n| (min..=max).contains(n)) {
            Some(number) => Ok(Some((number, invert))),
            None => {
                let name = self.name();
                wrong(format!("{name}: bad value for option \"--{option}\", or out of range ({min}-{max}).\n"))
            }
        }
    }

    fn byte(&self, option: &str, min: u32, max: u32) -> Result<Option<(u8, bool)>, Fail> {
        Ok(self.number(option, min, max)?.map(|(n, invert)| (n as u8, invert)))
    }

    fn class(&self, option: &str) -> Result<Option<(u8, bool)>, Fail> {
        let Some((text, invert)) = self.get(option) else { return Ok(None) };
        match CLASSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, class)) => Ok(Some((*class, invert))),
            None => wrong(format!("Invalid DSCP value `{text}'")),
        }
    }

    /// `value[/mask]` or a name of the old TOS field.
    fn tos(&self, option: &str) -> Result<Option<(u8, u8, bool)>, Fail> {
        let Some((text, invert)) = self.get(option) else { return Ok(None) };
        let byte = |text: &str| words::number(text).and_then(|n| u8::try_from(n).ok());
        let hex = text.starts_with("0x");
        let digits = text.get(if hex { 2 } else { 0 }..).unwrap_or("");
        let end = digits.find(|c: char| !(c.is_ascii_digit() || hex && c.is_ascii_hexdigit())).unwrap_or(digits.len());
        let (value, rest) = text.split_at(text.len() - digits.len() + end);
        // What does not begin with a number that fits is a name.
        match byte(value) {
            Some(value) => match (rest, rest.strip_prefix('/').map(byte)) {
                ("", _) => Ok(Some((value, 0xff, invert))),
                (_, Some(Some(mask))) => Ok(Some((value, mask, invert))),
                _ => wrong(format!("Illegal value: \"{text}\"")),
            },
            None => match TOS_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
                Some((_, value)) => Ok(Some((*value, 0x3f, invert))),
                None => wrong(format!("Symbolic name \"{text}\" is unknown")),
            },
        }
    }

    fn must<T>(&self, option: &str, found: Option<T>) -> Result<T, Fail> {
        found.ok_or_else(|| Fail::Param(format!("{}: option \"--{option}\" must be specified\n", self.name())))
    }

    fn mark(&self, option: &str) -> Result<Option<(u32, u32, bool)>, Fail> {
        let Some((text, invert)) = self.get(option) else { return Ok(None) };
        let name = self.name();
        match words::mark(text) {
            Some((value, mask)) => Ok(Some((value, mask, invert))),
            None => wrong(format!("{name}: bad integer value for option \"--{option}\", or out of range.\n")),
        }
    }
}

/// The match, if it is one of these. `note` gets what is told without being a mistake.
pub fn to_match(loaded: &Loaded, note: &mut Vec<String>) -> Option<Result<Match, Fail>> {
    let said = Said(loaded);
    let read: fn(&Said<'_>, &mut Vec<String>) -> Result<Match, Fail> = match said.name() {
        "addrtype" => |s, _| addrtype(s),
        "connmark" => |s, _| {
            let (value, mask, invert) = s.must("mark", s.mark("mark")?)?;
            Ok(Match::ConnMark { value, mask, invert })
        },
        "dscp" => |s, _| match s.byte("dscp", 0, 63)?.or(s.class("dscp-class")?) {
            Some((dscp, invert)) => Ok(Match::Dscp { dscp, invert }),
            None => wrong("DSCP match: Parameter --dscp is required"),
        },
        "iprange" => iprange,
        "ipvs" => |s, _| ipvs::read(s.0).map(Match::Ipvs),
        "length" => |s, _| length(s),
        "limit" => |s, _| rate(s),
        "mac" => |s, _| {
            let (text, invert) = s.must("mac-source", s.get("mac-source"))?;
            match mac(text) {
                Some(mac) => Ok(Match::Mac { mac, invert }),
                None => wrong("Invalid MAC address specified."),
            }
        },
        "statistic" => |s, _| statistic(s),
        "tos" => |s, _| {
            let (value, mask, invert) = s.must("tos", s.tos("tos")?)?;
            Ok(Match::Tos { value, mask, invert })
        },
        "ttl" => |s, _| ttl(s),
        _ => return None,
    };
    Some(said.exclusive().and_then(|()| read(&said, note)))
}

fn addrtype(s: &Said<'_>) -> Result<Match, Fail> {
    let kinds = |option: &str| -> Result<Option<KindMatch>, Fail> {
        let Some((text, invert)) = s.get(option) else { return Ok(None) };
        let mut kinds = 0;
        for word in text.split(',') {
            match KINDS.iter().position(|k| k.eq_ignore_ascii_case(word)) {
                Some(number) => kinds |= 1 << number,
                None => return wrong(format!("addrtype: bad type \"{text}\"")),
            }
        }
        Ok(Some(KindMatch { kinds, invert }))
    };
    let (src, dst) = (kinds("src-type")?, kinds("dst-type")?);
    if src.is_none() && dst.is_none() {
        return wrong("addrtype: you must specify --src-type or --dst-type");
    }
    let has = |option| s.get(option).is_some();
    Ok(Match::AddrType { src, dst, limit_in: has("limit-iface-in"), limit_out: has("limit-iface-out") })
}

fn iprange(s: &Said<'_>, note: &mut Vec<String>) -> Result<Match, Fail> {
    let mut range = |option: &str| -> Result<Option<AddrRange>, Fail> {
        let Some((text, invert)) = s.get(option) else { return Ok(None) };
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (Ok(from), Ok(to)) = (from.parse::<Ipv4Addr>(), to.parse::<Ipv4Addr>()) else {
            return wrong(format!("iprange: Bad value for \"--{option}\" option: \"{text}\""));
        };
        if from > to {
            note.push(format!("xt_iprange: range {from}-{to} is reversed and will never match\n"));
        }
        Ok(Some(AddrRange { from, to, invert }))
    };
    let (src, dst) = (range("src-range")?, range("dst-range")?);
    if src.is_none() && dst.is_none() {
        return wrong("iprange match: You must specify `--src-range' or `--dst-range'");
    }
    Ok(Match::IpRange { src, dst })
}

fn length(s: &Said<'_>) -> Result<Match, Fail> {
    let (text, invert) = s.must("length", s.get("length"))?;
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str, empty: u16| match text {
        "" => Some(empty),
        text => words::number(text).and_then(|n| u16::try_from(n).ok()),
    };
    match (number(from, 0), number(to, u16::MAX)) {
        (Some(min), Some(max)) => Ok(Match::Length { min, max, invert }),
        _ => wrong(format!("length: bad value for option \"--length\" near \"{text}\", or out of range (0-65535).\n")),
    }
}

fn rate(s: &Said<'_>) -> Result<Match, Fail> {
    let avg = match s.get("limit") {
        Some((text, _)) => period(text)?,
        None => limit::SCALE * 60 * 60 / 3,
    };
    let burst = s.number("limit-burst", 0, 10_000)?.map_or(5, |(n, _)| n);
    Ok(Match::Limit { avg, burst, credit: Kept::default() })
}

/// `3/min`: a rate as the time between two.
fn period(text: &str) -> Result<u32, Fail> {
    let (number, unit) = text.split_once('/').map_or((text, None), |(n, unit)| (n, Some(unit.to_ascii_lowercase())));
    let seconds = match unit.as_deref() {
        None => Some(1),
        Some("") => None,
        Some(unit) => [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)]
            .iter()
            .find(|(name, _)| name.starts_with(unit))
            .map(|(_, seconds)| *seconds),
    };
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    match (seconds, digits.parse::<u32>()) {
        (Some(seconds), Ok(rate)) if rate > 0 => match limit::SCALE * seconds / rate {
            0 => wrong(format!("Rate too fast \"{text}\"")),
            period => Ok(period),
        },
        _ => wrong(format!("bad rate \"{text}\"'")),
    }
}

/// Parts of 2^31 of a probability.
const WHOLE: f64 = 2_147_483_648.0;

fn statistic(s: &Said<'_>) -> Result<Match, Fail> {
    let nth = match s.get("mode") {
        None | Some(("random", _)) => false,
        Some(("nth", _)) => true,
        Some((other, _)) => return wrong(format!("Bad mode \"{other}\"")),
    };
    let probability = match s.get("probability") {
        None => None,
        Some((text, invert)) => match text.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)) {
            // `lround`.
            Some(p) => Some(((p * WHOLE).round() as u32, invert)),
            None => return wrong("statistic: bad value for option \"--probability\", or out of range (0-1).\n"),
        },
    };
    let every = s.number("every", 1, u32::MAX)?;
    let packet = s.number("packet", 0, u32::MAX)?;
    // Asked first, whatever else was said.
    if !nth && probability.is_none() {
        return wrong("--probability must be specified when using random mode");
    }
    if every.is_some() && packet.is_none() {
        return wrong("statistic: option \"--every\" also requires \"--packet\".\n");
    }
    match (nth, probability, every, packet) {
        (true, _, None, Some((0, _))) => wrong("statistic: option \"--packet\" also requires \"--every\".\n"),
        // Without `--every` it is one of none.
        (true, _, None, Some(_)) => wrong("the --packet p must be 0 <= p <= n-1"),
        (false, Some((probability, invert)), ..) => Ok(Match::Random { probability, invert }),
        (true, _, Some((every, invert)), Some((packet, _))) if packet < every => {
            Ok(Match::Nth { every, packet, invert, count: Kept::default() })
        }
        (true, _, Some(_), Some(_)) => wrong("the --packet p must be 0 <= p <= n-1"),
        _ => wrong("--every and --packet must be specified when using nth mode"),
    }
}

fn ttl(s: &Said<'_>) -> Result<Match, Fail> {
    let modes = [
        ("ttl-lt", TtlMode::Lt, TtlMode::Lt),
        ("ttl-gt", TtlMode::Gt, TtlMode::Gt),
        ("ttl-eq", TtlMode::Eq, TtlMode::Ne),
        ("ttl", TtlMode::Eq, TtlMode::Ne),
    ];
    for (option, plain, inverted) in modes {
        if let Some((ttl, invert)) = s.byte(option, 0, 255)? {
            return Ok(Match::Ttl { mode: if invert { inverted } else { plain }, ttl });
        }
    }
    wrong("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt")
}

/// Six numbers of at most two digits.
fn mac(text: &str) -> Option<crate::wire::Mac> {
    let mut bytes = [0u8; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next().filter(|p| p.len() <= 2)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(crate::wire::Mac(bytes))
}

/// The target, if it is one of these.
pub fn to_target(loaded: &Loaded) -> Option<Result<Target, Fail>> {
    let said = Said(loaded);
    let read: fn(&Said<'_>) -> Result<Target, Fail> = match said.name() {
        "CONNMARK" => connmark,
        "CT" => |s| match s.get("notrack") {
            Some(_) if s.0.count() == 1 => Ok(Target::NoTrack { alias: false }),
            _ => Err(Fail::NotModelled("-j CT without --notrack alone".to_string())),
        },
        "DSCP" => |s| match s.byte("set-dscp", 0, 63)?.or(s.class("set-dscp-class")?) {
            Some((dscp, _)) => Ok(Target::Dscp(dscp)),
            None => wrong("DSCP target: Parameter --set-dscp is required"),
        },
        "NOTRACK" => |_| Ok(Target::NoTrack { alias: true }),
        "TCPMSS" => |s| match (s.number("set-mss", 0, 65_515)?, s.get("clamp-mss-to-pmtu")) {
            (_, Some(_)) => Ok(Target::TcpMss(Mss::Clamp)),
            (Some((mss, _)), None) => Ok(Target::TcpMss(Mss::Set(mss as u16))),
            (None, None) => wrong("TCPMSS target: At least one parameter is required"),
        },
        "TOS" => tos,
        "TTL" => |s| {
            let changes =
                [("ttl-set", TtlChange::Set, 0), ("ttl-dec", TtlChange::Dec, 1), ("ttl-inc", TtlChange::Inc, 1)];
            for (option, change, min) in changes {
                if let Some((by, _)) = s.byte(option, min, 255)? {
                    return Ok(Target::Ttl(change, by));
                }
            }
            wrong("TTL: You must specify an action")
        },
        _ => return None,
    };
    Some(said.exclusive().and_then(|()| read(&said)))
}

fn connmark(s: &Said<'_>) -> Result<Target, Fail> {
    let plain = |option: &str| s.number(option, 0, u32::MAX).map(|n| n.map(|(n, _)| n));
    let mask = plain("mask")?;
    let (ctmask, nfmask) = (plain("ctmask")?.or(mask), plain("nfmask")?.or(mask));
    let (ctmask, nfmask) = (ctmask.unwrap_or(u32::MAX), nfmask.unwrap_or(u32::MAX));
    let set = |value, all| ConnMark::Set { value, mask: mask.unwrap_or(all) };
    let change = if let Some((value, all, _)) = s.mark("set-xmark")? {
        set(value, all)
    } else if let Some((value, all, _)) = s.mark("set-mark")? {
        set(value, value | all)
    } else if let Some(value) = plain("and-mark")? {
        set(0, !value)
    } else if let Some(value) = plain("or-mark")? {
        set(value, value)
    } else if let Some(value) = plain("xor-mark")? {
        set(value, 0)
    } else if s.get("save-mark").is_some() {
        ConnMark::Save { ctmask, nfmask }
    } else if s.get("restore-mark").is_some() {
        ConnMark::Restore { ctmask, nfmask }
    } else {
        return wrong("CONNMARK target: No operation specified");
    };
    Ok(Target::ConnMark(change))
}

fn tos(s: &Said<'_>) -> Result<Target, Fail> {
    if let Some((value, mask, _)) = s.tos("set-tos")? {
        return Ok(Target::Tos { value, mask });
    }
    if let Some((bits, _)) = s.byte("and-tos", 0, 255)? {
        return Ok(Target::Tos { value: 0, mask: !bits });
    }
    if let Some((bits, _)) = s.byte("or-tos", 0, 255)? {
        return Ok(Target::Tos { value: bits, mask: bits });
    }
    match s.byte("xor-tos", 0, 255)? {
        Some((bits, _)) => Ok(Target::Tos { value: bits, mask: 0 }),
        None => wrong("TOS: An action is required"),
    }
}

fn not(invert: bool) -> &'static str {
    if invert { "! " } else { "" }
}

fn rate_text(avg: u32) -> String {
    let rates = [("day", 86_400), ("hour", 3600), ("min", 60), ("sec", 1)].map(|(n, s)| (n, s * limit::SCALE));
    let worse = |whole: u32| avg > whole || whole / avg < whole % avg;
    let at = (1..rates.len()).find(|&i| worse(rates[i].1)).unwrap_or(rates.len());
    let (name, whole) = rates[at - 1];
    format!("{}/{name}", whole / avg)
}

fn kinds_text(kinds: u16) -> String {
    let names = KINDS.iter().enumerate().filter(|(at, _)| kinds & (1 << at) != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(",")
}

fn probability_text(probability: u32) -> String {
    format!("{:.11}", f64::from(probability) / WHOLE)
}

fn masked(value: u32, mask: u32) -> String {
    if mask == u32::MAX { format!("0x{value:x}") } else { format!("0x{value:x}/0x{mask:x}") }
}

fn tos_name(value: u8, mask: u8) -> Option<&'static str> {
    TOS_NAMES.iter().find(|(_, v)| *v == value && mask == 0x3f).map(|(name, _)| *name)
}

/// What `-L` shows of a match, a blank before it.
pub fn list_match(out: &mut String, m: &Match, numeric: bool) {
    let _ = match m {
        Match::AddrType { src, dst, limit_in, limit_out } => {
            out.push_str(" ADDRTYPE match");
            for (name, kind) in [("src-type", src), ("dst-type", dst)] {
                if let Some(kind) = kind {
                    let not = if kind.invert { "!" } else { "" };
                    let _ = write!(out, " {name} {not}{}", kinds_text(kind.kinds));
                }
            }
            if *limit_in {
                out.push_str(" limit-in");
            }
            if *limit_out {
                out.push_str(" limit-out");
            }
            Ok(())
        }
        Match::ConnMark { value, mask, invert } => {
            write!(out, " connmark match {}{}", if *invert { "! " } else { " " }, masked(*value, *mask))
        }
        Match::Dscp { dscp, invert } => write!(out, " DSCP match {}0x{dscp:02x}", if *invert { "!" } else { "" }),
        Match::IpRange { src, dst } => {
            for (name, range) in [("source", src), ("destination", dst)] {
                if let Some(r) = range {
                    let _ = write!(out, " {name} IP range {}{}-{}", not(r.invert), r.from, r.to);
                }
            }
            Ok(())
        }
        Match::Ipvs(m) => {
            ipvs::text(out, m, "", numeric);
            Ok(())
        }
        Match::Length { min, max, invert } => {
            let not = if *invert { "!" } else { "" };
            match min == max {
                true => write!(out, " length {not}{min}"),
                false => write!(out, " length {not}{min}:{max}"),
            }
        }
        Match::Limit { avg, burst, .. } => write!(out, " limit: avg {} burst {burst}", rate_text(*avg)),
        Match::Mac { mac, invert } => write!(out, " MAC {}{mac}", not(*invert)),
        Match::Random { probability, invert } => {
            write!(out, " statistic mode random {}probability {}", not(*invert), probability_text(*probability))
        }
        Match::Nth { every, packet, invert, .. } => {
            let _ = write!(out, " statistic mode nth {}every {every}", not(*invert));
            if *packet != 0 { write!(out, " packet {packet}") } else { Ok(()) }
        }
        Match::Tos { value, mask, invert } => {
            let not = if *invert { "!" } else { "" };
            match tos_name(*value, *mask).filter(|_| !numeric) {
                Some(name) => write!(out, " tos match{not} {name}"),
                None => write!(out, " tos match{not}0x{value:02x}/0x{mask:02x}"),
            }
        }
        Match::Ttl { mode, ttl } => {
            let sign = match mode {
                TtlMode::Eq => "==",
                TtlMode::Ne => "!=",
                TtlMode::Lt => "<",
                TtlMode::Gt => ">",
            };
            write!(out, " TTL match TTL {sign} {ttl}")
        }
        _ => Ok(()),
    };
}

/// What `-S` writes of a match.
pub fn save_match(out: &mut String, m: &Match) {
    let not = |invert: bool| if invert { " !" } else { "" };
    let _ = match m {
        Match::AddrType { src, dst, limit_in, limit_out } => {
            out.push_str(" -m addrtype");
            for (name, kind) in [("src-type", src), ("dst-type", dst)] {
                if let Some(kind) = kind {
                    let _ = write!(out, "{} --{name} {}", not(kind.invert), kinds_text(kind.kinds));
                }
            }
            if *limit_in {
                out.push_str(" --limit-iface-in");
            }
            if *limit_out {
                out.push_str(" --limit-iface-out");
            }
            Ok(())
        }
        Match::ConnMark { value, mask, invert } => {
            write!(out, " -m connmark{} --mark {}", not(*invert), masked(*value, *mask))
        }
        Match::Dscp { dscp, invert } => write!(out, " -m dscp{} --dscp 0x{dscp:02x}", not(*invert)),
        Match::IpRange { src, dst } => {
            out.push_str(" -m iprange");
            for (name, range) in [("src-range", src), ("dst-range", dst)] {
                if let Some(r) = range {
                    let _ = write!(out, "{} --{name} {}-{}", not(r.invert), r.from, r.to);
                }
            }
            Ok(())
        }
        Match::Ipvs(m) => {
            out.push_str(" -m ipvs");
            ipvs::text(out, m, "--", true);
            Ok(())
        }
        Match::Length { min, max, invert } => {
            let _ = write!(out, " -m length{} --length {min}", not(*invert));
            if min == max { Ok(()) } else { write!(out, ":{max}") }
        }
        Match::Limit { avg, burst, .. } => {
            let _ = write!(out, " -m limit --limit {}", rate_text(*avg));
            if *burst == 5 { Ok(()) } else { write!(out, " --limit-burst {burst}") }
        }
        Match::Mac { mac, invert } => write!(out, " -m mac{} --mac-source {mac}", not(*invert)),
        Match::Random { probability, invert } => {
            let p = probability_text(*probability);
            write!(out, " -m statistic --mode random{} --probability {p}", not(*invert))
        }
        Match::Nth { every, packet, invert, .. } => {
            write!(out, " -m statistic --mode nth{} --every {every} --packet {packet}", not(*invert))
        }
        Match::Tos { value, mask, invert } => {
            write!(out, " -m tos{} --tos 0x{value:02x}/0x{mask:02x}", not(*invert))
        }
        Match::Ttl { mode, ttl } => {
            let option = match mode {
                TtlMode::Eq => "--ttl-eq",
                TtlMode::Ne => "! --ttl-eq",
                TtlMode::Lt => "--ttl-lt",
                TtlMode::Gt => "--ttl-gt",
            };
            write!(out, " -m ttl {option} {ttl}")
        }
        _ => Ok(()),
    };
}

/// What `-L` shows of a target, a blank before it.
pub fn list_target(out: &mut String, target: &Target, numeric: bool) {
    // Where it comes from, then where it goes.
    let masks = |out: &mut String, name: &str, from: (&str, u32), to: (&str, u32)| {
        let _ = match (from.1, to.1) {
            (u32::MAX, u32::MAX) => write!(out, " CONNMARK {name}"),
            (from, to) if from == to => write!(out, " CONNMARK {name} mask 0x{from:x}"),
            _ => write!(out, " CONNMARK {name} {} 0x{:x} {} ~0x{:x}", from.0, from.1, to.0, to.1),
        };
    };
    let _ = match *target {
        Target::ConnMark(ConnMark::Set { value, mask }) => match (value, mask) {
            (0, mask) => write!(out, " CONNMARK and 0x{:x}", !mask),
            (value, mask) if value == mask => write!(out, " CONNMARK or 0x{value:x}"),
            (value, 0) => write!(out, " CONNMARK xor 0x{value:x}"),
            (value, u32::MAX) => write!(out, " CONNMARK set 0x{value:x}"),
            (value, mask) => write!(out, " CONNMARK xset 0x{value:x}/0x{mask:x}"),
        },
        Target::ConnMark(ConnMark::Save { ctmask, nfmask }) => {
            masks(out, "save", ("nfmask", nfmask), ("ctmask", ctmask));
            Ok(())
        }
        Target::ConnMark(ConnMark::Restore { ctmask, nfmask }) => {
            masks(out, "restore", ("ctmask", ctmask), ("nfmask", nfmask));
            Ok(())
        }
        Target::NoTrack { alias } => write!(out, "{}", if alias { " NOTRACK" } else { " CT notrack" }),
        Target::TcpMss(Mss::Clamp) => write!(out, " TCPMSS clamp to PMTU"),
        Target::TcpMss(Mss::Set(mss)) => write!(out, " TCPMSS set {mss}"),
        Target::Ttl(TtlChange::Set, by) => write!(out, " TTL set to {by}"),
        Target::Ttl(TtlChange::Dec, by) => write!(out, " TTL decrement by {by}"),
        Target::Ttl(TtlChange::Inc, by) => write!(out, " TTL increment by {by}"),
        Target::Tos { value, mask } => match (tos_name(value, mask), numeric) {
            (Some(name), false) => write!(out, "  TOS set{name}"),
            (_, true) => write!(out, " TOS set 0x{value:02x}/0x{mask:02x}"),
            (None, false) if value == 0 => write!(out, " TOS and 0x{:02x}", !mask),
            (None, false) if value == mask => write!(out, " TOS or 0x{value:02x}"),
            (None, false) if mask == 0 => write!(out, " TOS xor 0x{value:02x}"),
            (None, false) => write!(out, " TOS set 0x{value:02x}/0x{mask:02x}"),
        },
        Target::Dscp(dscp) => write!(out, " DSCP set 0x{dscp:02x}"),
        _ => Ok(()),
    };
}

/// What `-S` writes of a target behind its name.
pub fn save_target(out: &mut String, target: &Target) {
    let _ = match *target {
        Target::ConnMark(ConnMark::Set { value, mask }) => write!(out, " --set-xmark 0x{value:x}/0x{mask:x}"),
        Target::ConnMark(ConnMark::Save { ctmask, nfmask }) => {
            write!(out, " --save-mark --nfmask 0x{nfmask:x} --ctmask 0x{ctmask:x}")
        }
        Target::ConnMark(ConnMark::Restore { ctmask, nfmask }) => {
            write!(out, " --restore-mark --nfmask 0x{nfmask:x} --ctmask 0x{ctmask:x}")
        }
        Target::NoTrack { alias: false } => write!(out, " --notrack"),
        Target::TcpMss(Mss::Clamp) => write!(out, " --clamp-mss-to-pmtu"),
        Target::TcpMss(Mss::Set(mss)) => write!(out, " --set-mss {mss}"),
        Target::Ttl(TtlChange::Set, by) => write!(out, " --ttl-set {by}"),
        Target::Ttl(TtlChange::Dec, by) => write!(out, " --ttl-dec {by}"),
        Target::Ttl(TtlChange::Inc, by) => write!(out, " --ttl-inc {by}"),
        Target::Tos { value, mask } => write!(out, " --set-tos 0x{value:02x}/0x{mask:02x}"),
        Target::Dscp(dscp) => write!(out, " --set-dscp 0x{dscp:02x}"),
        _ => Ok(()),
    };
}

#[cfg(test)]
#[path = "packets_tests.rs"]
mod tests;
