//! What is typed behind `conntrack`: commands, the options that each of them takes, and the filter that they make.

use super::filter::{Filter, Status, Translated};
use crate::net::netfilter::conntrack::Tcp;
use crate::shell::iptables::words::protocol_number;
use crate::shell::words::inet_aton;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `-L`.
    List,
    /// `-D`.
    Delete,
    /// `-F`.
    Flush,
    /// `-C`.
    Count,
    /// `-V`.
    Version,
}

/// Which table it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `conntrack`: what is tracked.
    Conntrack,
    /// `expect`: what helpers expect; there are none.
    Expect,
    /// `dying` and `unconfirmed`: what is on its way in or out, which no program here ever meets.
    Passing,
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fail {
    /// It was typed wrongly.
    Param(String),
    /// The kernel refuses.
    Other(String),
    /// lvsim does not have it.
    NotSimulated(String),
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Param(text.into()))
}

/// A command line, read.
#[derive(Debug)]
pub(super) struct Typed {
    pub command: Command,
    pub kind: Kind,
    pub filter: Filter,
    /// `-o extended`.
    pub extended: bool,
    /// What is told before anything is done.
    pub notes: Vec<&'static str>,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// Joined, or the next word if that is no option.
    Maybe,
}

/// Long options and what they stand for.
const LONG: &[(&str, char)] = &[
    ("dump", 'L'),
    ("create", 'I'),
    ("add", 'A'),
    ("delete", 'D'),
    ("update", 'U'),
    ("get", 'G'),
    ("flush", 'F'),
    ("event", 'E'),
    ("counter", 'C'),
    ("stats", 'S'),
    ("load-file", 'R'),
    ("version", 'V'),
    ("help", 'h'),
    ("orig-src", 's'),
    ("src", 's'),
    ("orig-dst", 'd'),
    ("dst", 'd'),
    ("reply-src", 'r'),
    ("reply-dst", 'q'),
    ("protonum", 'p'),
    ("timeout", 't'),
    ("status", 'u'),
    ("zero", 'z'),
    ("event-mask", 'e'),
    ("tuple-src", '['),
    ("tuple-dst", ']'),
    ("mask-src", '{'),
    ("mask-dst", '}'),
    ("nat-range", 'a'),
    ("mark", 'm'),
    ("secmark", 'c'),
    ("id", 'i'),
    ("family", 'f'),
    ("src-nat", 'n'),
    ("dst-nat", 'g'),
    ("output", 'o'),
    ("buffer-size", 'b'),
    ("any-nat", 'j'),
    ("zone", 'w'),
    ("label", 'l'),
    ("label-add", '<'),
    ("label-del", '>'),
    ("orig-zone", '('),
    ("reply-zone", ')'),
];

/// Long options that a protocol adds, by digits.
const PORTS: &[(&str, char)] = &[
    ("orig-port-src", '1'),
    ("sport", '1'),
    ("orig-port-dst", '2'),
    ("dport", '2'),
    ("reply-port-src", '3'),
    ("reply-port-dst", '4'),
    ("mask-port-src", '5'),
    ("mask-port-dst", '6'),
    ("tuple-port-src", '8'),
    ("tuple-port-dst", '9'),
];
const STATE: &[(&str, char)] = &[("state", '7')];
const ICMP: &[(&str, char)] = &[("icmp-type", 'T'), ("icmp-code", 'O'), ("icmp-id", 'N')];

/// Names of the options as they are told, in the order in which the program looks at them, and the commands that take
/// them.
const LEGAL: &[(char, &str, &[Command])] = &[
    ('s', "src", FILTERS),
    ('d', "dst", FILTERS),
    ('r', "reply-src", FILTERS),
    ('q', "reply-dst", FILTERS),
    ('p', "protonum", FILTERS),
    ('t', "timeout", &[Command::Delete]),
    ('u', "status", FILTERS),
    ('z', "zero", &[Command::List]),
    ('e', "event-mask", &[]),
    ('[', "tuple-src", &[]),
    (']', "tuple-dst", &[]),
    ('{', "mask-src", FILTERS),
    ('}', "mask-dst", FILTERS),
    ('m', "mark", FILTERS),
    ('i', "id", &[Command::Delete]),
    ('f', "family", FILTERS),
    ('n', "src-nat", FILTERS),
    ('g', "dst-nat", FILTERS),
    ('o', "output", FILTERS),
    ('c', "secmark", &[Command::List]),
    ('b', "buffer-size", &[]),
    ('j', "any-nat", &[Command::List]),
    ('w', "zone", FILTERS),
    ('l', "label", FILTERS),
    ('5', "mask-port-src", &[]),
    ('6', "mask-port-dst", &[]),
    ('8', "tuple-port-src", &[]),
    ('9', "tuple-port-dst", &[]),
];
const FILTERS: &[Command] = &[Command::List, Command::Delete];

/// Kinds of output; `extended` is the one that is simulated.
const OUTPUTS: [&str; 8] = ["xml", "extended", "timestamp", "id", "ktimestamp", "labels", "userspace", "save"];

fn takes(letter: char) -> Takes {
    match letter {
        'L' | 'I' | 'D' | 'G' | 'E' | 'F' | 'A' | 'U' | 'n' | 'g' | 'j' | 'C' | 'S' => Takes::Maybe,
        'h' | 'V' | 'z' => Takes::Nothing,
        _ => Takes::Value,
    }
}

/// Reads the command line.
pub(super) fn read(args: &[String]) -> Result<Typed, Fail> {
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(word) = args.get(at) {
        at += 1;
        if word == "--" {
            break;
        }
        match word.strip_prefix("--") {
            Some(long) => {
                let (name, joined) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let Some(letter) = reader.long(name) else { return wrong(format!("unknown option `{word}'")) };
                let value = value_of(letter, joined, args, &mut at, word)?;
                reader.option(letter, value)?;
            }
            None if word.len() > 1 && word.starts_with('-') => {
                let mut letters = word[1..].chars();
                while let Some(letter) = letters.next() {
                    let known = letter.is_ascii_alphabetic() || "[]{}".contains(letter);
                    let known = known && (letter == 'R' || LONG.iter().any(|(_, l)| *l == letter));
                    if !known {
                        return wrong(format!("unknown option `{word}'"));
                    }
                    if takes(letter) == Takes::Nothing {
                        reader.option(letter, None)?;
                        continue;
                    }
                    let rest = letters.as_str();
                    let value = value_of(letter, (!rest.is_empty()).then_some(rest), args, &mut at, word)?;
                    reader.option(letter, value)?;
                    break;
                }
            }
            // A word that belongs to nothing is passed over.
            None => {}
        }
    }
    reader.end()
}

/// The value of an option: joined to it, or the next word.
fn value_of<'a>(
    letter: char,
    joined: Option<&'a str>,
    args: &'a [String],
    at: &mut usize,
    word: &str,
) -> Result<Option<&'a str>, Fail> {
    let next = args.get(*at).map(String::as_str);
    let value = match takes(letter) {
        Takes::Nothing => return Ok(None),
        // What is joined to a command names no table.
        Takes::Maybe if joined.is_some() => return Ok(joined.filter(|_| !letter.is_ascii_uppercase())),
        Takes::Maybe => next.filter(|n| !n.starts_with(['-', '!'])),
        Takes::Value if joined.is_some() => return Ok(joined),
        Takes::Value => match next {
            None => return wrong(format!("option `{word}' requires an argument")),
            next => next,
        },
    };
    if value.is_some() {
        *at += 1;
    }
    Ok(value)
}

#[derive(Default)]
struct Reader {
    command: Option<Command>,
    kind: Option<Kind>,
    filter: Filter,
    extended: bool,
    said: String,
    notes: Vec<&'static str>,
}

impl Reader {
    /// The letter of a long option: its name, or the beginning of one that stands for nothing else.
    fn long(&self, name: &str) -> Option<char> {
        let own: [&[(&str, char)]; 2] = match self.filter.proto {
            Some(6) => [PORTS, STATE],
            Some(17) => [PORTS, &[]],
            Some(1) => [ICMP, &[]],
            _ => [&[], &[]],
        };
        let all = || LONG.iter().chain(own[0]).chain(own[1]);
        if let Some((_, letter)) = all().find(|(full, _)| *full == name) {
            return Some(*letter);
        }
        let mut hits = all().filter(|(full, _)| full.starts_with(name)).map(|(_, letter)| *letter);
        let first = hits.next()?;
        hits.all(|other| other == first).then_some(first)
    }

    fn option(&mut self, letter: char, value: Option<&str>) -> Result<(), Fail> {
        let text = value.unwrap_or("");
        self.said.push(letter);
        let f = &mut self.filter;
        match letter {
            'L' => self.command(Command::List, value)?,
            'D' => self.command(Command::Delete, value)?,
            'F' => self.command(Command::Flush, value)?,
            'C' => self.command(Command::Count, value)?,
            'V' => self.command(Command::Version, None)?,
            'E' | 'S' | 'G' | 'I' | 'A' | 'U' | 'R' | 'h' | 'c' | 'l' | 'i' | '<' | '>' | '(' | ')' => {
                let name = LONG.iter().find(|(_, l)| *l == letter).map_or("", |(name, _)| *name);
                let option = if letter.is_ascii_alphabetic() { format!("-{letter}") } else { format!("--{name}") };
                return Err(Fail::NotSimulated(option));
            }
            's' | 'd' | 'r' | 'q' => {
                let Some((addr, mask)) = self.address(letter, text)? else { return Ok(()) };
                let f = &mut self.filter;
                match letter {
                    's' => f.src = Some((addr, mask)),
                    'd' => f.dst = Some((addr, mask)),
                    'r' => f.reply_src = Some(addr),
                    _ => f.reply_dst = Some(addr),
                }
            }
            '{' | '}' => {
                let Some(mask) = inet_aton(text) else { return wrong(format!("Invalid IP address `{text}'")) };
                *(if letter == '{' { &mut f.src_mask } else { &mut f.dst_mask }) = Some(mask.into());
            }
            'p' => f.proto = Some(protocol(text)?),
            'm' => {
                let (value, rest) = leading(text);
                let mask = rest.strip_prefix('/').map_or(u32::MAX, |mask| leading(mask).0);
                f.mark = Some((value, mask));
            }
            'u' => self.status(text)?,
            'n' => self.filter.snat = Some(self.translated(letter, value)?),
            'g' => self.filter.dnat = Some(self.translated(letter, value)?),
            'j' => self.filter.any_nat = Some(self.translated(letter, value)?),
            'f' => match text {
                "ipv4" => self.family(false)?,
                "ipv6" => self.family(true)?,
                _ => return wrong(format!("`{text}' unsupported protocol")),
            },
            'o' => self.output(text)?,
            'w' => f.zone = decimal(text) as u16,
            'a' => self.notes.push("WARNING: ignoring -a, deprecated option.\n"),
            '1' => f.ports[0] = Some(decimal(text) as u16),
            '2' => f.ports[1] = Some(decimal(text) as u16),
            '3' => f.ports[2] = Some(decimal(text) as u16),
            '4' => f.ports[3] = Some(decimal(text) as u16),
            '7' => match Tcp::ALL.into_iter().find(|s| s.name() == text) {
                Some(state) => f.state = Some(state),
                // The state had this name before Linux 2.6.31.
                None if text == "LISTEN" => f.state = Some(Tcp::SynSent2),
                None => return wrong(format!("unknown TCP state `{text}'")),
            },
            'T' => f.icmp_type = Some(decimal(text) as u8),
            'O' => f.icmp_code = Some(decimal(text) as u8),
            'N' => f.icmp_id = Some(decimal(text) as u16),
            // The others are wrong with every command that is simulated, which is told when all is read.
            _ => {}
        }
        Ok(())
    }

    fn command(&mut self, command: Command, table: Option<&str>) -> Result<(), Fail> {
        if self.command.is_some() {
            return wrong("Invalid commands combination");
        }
        self.command = Some(command);
        let tables = [
            ("expect", Kind::Expect),
            ("conntrack", Kind::Conntrack),
            ("dying", Kind::Passing),
            ("unconfirmed", Kind::Passing),
        ];
        self.kind = match table {
            None => Some(Kind::Conntrack),
            Some(word) => tables.iter().find(|(name, _)| name.starts_with(word)).map(|(_, kind)| *kind),
        };
        match self.kind {
            Some(_) => Ok(()),
            None => wrong(format!("unknown type `{}'", table.unwrap_or(""))),
        }
    }

    fn family(&mut self, six: bool) -> Result<(), Fail> {
        match self.filter.six.replace(six) {
            Some(before) if before != six => wrong("mismatched address family"),
            _ => Ok(()),
        }
    }

    /// An address and its mask; none if it is one of IPv6.
    fn address(&mut self, letter: char, text: &str) -> Result<Option<(Ipv4Addr, u32)>, Fail> {
        let (addr, len) = text.split_once('/').map_or((text, None), |(addr, len)| (addr, Some(len)));
        if len.is_some() && !matches!(letter, 's' | 'd') {
            let name = LEGAL.iter().find(|(l, ..)| *l == letter).map_or("", |(_, name, _)| *name);
            return wrong(format!("CIDR notation unavailable for `--{name}'"));
        }
        let four = inet_aton(addr);
        if four.is_none() && addr.parse::<Ipv6Addr>().is_err() {
            return wrong(format!("Invalid IP address `{addr}'"));
        }
        self.family(four.is_none())?;
        let most = if four.is_some() { 32 } else { 128 };
        let len = match len {
            None => most,
            Some("") => 0,
            Some(len) => match len.parse::<u32>() {
                Ok(len) if len <= most => len,
                _ => return wrong("Invalid netmask"),
            },
        };
        Ok(four.map(|addr| (addr, u32::MAX.checked_shl(32 - len).unwrap_or(0))))
    }

    /// `[address][:port]`.
    fn translated(&mut self, letter: char, value: Option<&str>) -> Result<Translated, Fail> {
        let Some(text) = value else { return Ok(Translated::default()) };
        let (addr, port) = text.split_once(':').map_or((text, None), |(addr, port)| (addr, Some(port)));
        let port = match port {
            None => None,
            Some("") => return wrong("No port specified after `:'"),
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number > 0 => Some(number),
                _ => return wrong(format!("Invalid port `{port}'")),
            },
        };
        let addr = match addr {
            "" => None,
            addr => self.address(letter, addr)?.map(|(addr, _)| addr),
        };
        Ok(Translated { addr, port })
    }

    fn status(&mut self, text: &str) -> Result<(), Fail> {
        const NAMES: [(&str, Status); 8] = [
            ("ASSURED", Status::Assured),
            ("SEEN_REPLY", Status::SeenReply),
            ("UNSET", Status::Unset),
            ("FIXED_TIMEOUT", Status::Never),
            ("EXPECTED", Status::Never),
            ("OFFLOAD", Status::Never),
            ("HW_OFFLOAD", Status::Never),
            ("UNREPLIED", Status::Unreplied),
        ];
        for word in text.split(',') {
            if begins("SRC_NAT", word) {
                self.notes.push("WARNING: ignoring SRC_NAT, use --src-nat instead\n");
            } else if begins("DST_NAT", word) {
                self.notes.push("WARNING: ignoring DST_NAT, use --dst-nat instead\n");
            } else {
                let Some((_, status)) = NAMES.iter().find(|(name, _)| begins(name, word)) else {
                    return wrong(format!("Bad parameter `{word}'"));
                };
                self.filter.status.push(*status);
            }
        }
        Ok(())
    }

    fn output(&mut self, text: &str) -> Result<(), Fail> {
        for word in text.split(',') {
            match OUTPUTS.iter().find(|name| begins(name, word)) {
                Some(&"extended") => self.extended = true,
                Some(name) => return Err(Fail::NotSimulated(format!("-o {name}"))),
                None => return wrong(format!("Bad parameter `{word}'")),
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Typed, Fail> {
        let Some(command) = self.command else { return Err(Fail::NotSimulated("without -L, -D, -F or -C".into())) };
        let kind = self.kind.unwrap_or(Kind::Conntrack);
        if let Some(at) = [('{', 's', "src"), ('}', 'd', "dst")].iter().find(|(m, a, _)| self.has(*m) && !self.has(*a))
        {
            return wrong(format!("Can't use --mask-{0} without --{0}", at.2));
        }
        if self.has('j') && (self.has('n') || self.has('g')) {
            return wrong("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'");
        }
        for (letter, name, commands) in LEGAL {
            let expect = kind == Kind::Expect && !(command == Command::List && matches!(letter, 'f' | 'o'));
            if self.has(*letter) && (expect || !commands.contains(&command)) {
                return wrong(format!("Illegal option `--{name}' with this command"));
            }
        }
        if kind == Kind::Expect && command == Command::Delete {
            return wrong("You need to supply the `--src' option for this command");
        }
        if command == Command::List && self.has('z') && self.said.contains(['s', 'd', 'r', 'q', 'p', 'm', 'u', 'w']) {
            return wrong("Can't use -z with filtering parameters");
        }
        if self.has('u') && self.filter.status.iter().all(|s| *s == Status::Unset) {
            return Err(Fail::Other("Operation failed: invalid parameters".into()));
        }
        let f = &mut self.filter;
        for (addr, mask) in [(&mut f.src, f.src_mask), (&mut f.dst, f.dst_mask)] {
            if let (Some((_, whole)), Some(mask)) = (addr, mask) {
                *whole = mask;
            }
        }
        Ok(Typed { command, kind, filter: self.filter, extended: self.extended, notes: self.notes })
    }

    fn has(&self, letter: char) -> bool {
        self.said.contains(letter)
    }
}

/// Whether a word is the beginning of a name, whatever the case.
fn begins(name: &str, word: &str) -> bool {
    !word.is_empty() && name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn protocol(text: &str) -> Result<u8, Fail> {
    let by_number = || u8::try_from(decimal(text)).ok().filter(|n| *n > 0);
    match protocol_number(text).or_else(by_number) {
        Some(number) => Ok(number),
        None => wrong(format!("`{text}' unsupported protocol")),
    }
}

/// The number that a text begins with (`atoi`).
fn decimal(text: &str) -> u64 {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
}

/// The number that a text begins with (`strtoul` with base 0), and what follows.
fn leading(text: &str) -> (u32, &str) {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', ..] => (text, 8),
        _ => (text, 10),
    };
    let len = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
    let number = u64::from_str_radix(&digits[..len], radix).map_or(0, |n| n as u32);
    (number, &digits[len..])
}
