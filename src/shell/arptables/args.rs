//! Reads a command line of arptables 0.0.5. Unknown options, and options whose word is missing, are passed over without a
//! word, as the program does it.

use crate::net::netfilter::Counter;
use crate::net::netfilter::arp::{ArpRule, MacMatch, Mangle, NumberMatch, Then};
use crate::net::netfilter::matches::{AddrMatch, DevMatch};
use crate::wire::Mac;
use std::net::Ipv4Addr;

/// Why a command line is not carried out.
#[derive(Debug)]
pub enum Fail {
    /// Something in it is wrong (status 2).
    Param(String),
    /// A word that belongs to nothing (status 2).
    BadArgument(String),
    /// The kernel refuses (status 1).
    Kernel(&'static str),
    /// lvsim cannot do it (status 1).
    NotModelled(String),
}

/// A command line, read.
#[derive(Default)]
pub struct Line {
    /// What to do, by its letter; `d` is `-D` with a number.
    pub command: Option<char>,
    /// The chain.
    pub chain: Option<String>,
    /// The second word: a new name or a policy.
    pub second: String,
    /// A rule's number, 0 if it was not said.
    pub number: u32,
    /// The rule without its target.
    pub rule: ArpRule,
    /// The target or chain by name.
    pub jump: Option<String>,
    /// Options of `mangle`; none: none was given.
    pub mangle: Option<Mangle>,
    /// `-v`
    pub verbose: bool,
    /// `-n`
    pub numeric: bool,
    /// `--line-numbers`
    pub numbers: bool,
    /// `-x`
    pub exact: bool,
    /// `-V`
    pub version: bool,
}

/// Long options, the letter each stands for (those without one have a sign), and whether a word follows.
const LONG: &[(&str, char, bool)] = &[
    ("append", 'A', true),
    ("delete", 'D', true),
    ("delete-chain", 'X', false),
    ("destination-ip", 'd', true),
    ("destination-mac", '>', true),
    ("dst-ip", 'd', true),
    ("dst-mac", '>', true),
    ("exact", 'x', false),
    ("flush", 'F', false),
    ("h-length", 'l', true),
    ("h-type", 'h', true),
    ("help", '?', false),
    ("in-interface", 'i', true),
    ("insert", 'I', true),
    ("jump", 'j', true),
    ("line-numbers", '0', false),
    ("list", 'L', false),
    ("match", 'm', true),
    ("modprobe", 'M', true),
    ("new-chain", 'N', true),
    ("numeric", 'n', false),
    ("opcode", 'q', true),
    ("out-interface", 'o', true),
    ("policy", 'P', true),
    ("proto-type", 'y', true),
    ("rename-chain", 'E', true),
    ("replace", 'R', true),
    ("set-counters", 'c', true),
    ("source-ip", 's', true),
    ("source-mac", '<', true),
    ("src-ip", 's', true),
    ("src-mac", '<', true),
    ("table", 't', true),
    ("verbose", 'v', false),
    ("version", 'V', false),
    ("zero", 'Z', false),
];

/// Options of `-j mangle`.
const MANGLE: &[(&str, char)] =
    &[("mangle-ip-d", '2'), ("mangle-ip-s", '1'), ("mangle-mac-d", '4'), ("mangle-mac-s", '3'), ("mangle-target", '5')];

/// Names of operations, from 1 on.
pub const OPCODES: [&str; 9] = [
    "Request",
    "Reply",
    "Request_Reverse",
    "Reply_Reverse",
    "DRARP_Request",
    "DRARP_Reply",
    "DRARP_Error",
    "InARP_Request",
    "ARP_NAK",
];

struct Reader<'a> {
    args: &'a [String],
    at: usize,
    line: Line,
    invert: bool,
    seen: String,
    input: bool,
    output: bool,
}

fn param<T>(text: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::Param(text.into()))
}

/// Reads a command line.
pub fn read(args: &[String]) -> Result<Line, Fail> {
    let mut r =
        Reader { args, at: 0, line: Line::default(), invert: false, seen: String::new(), input: false, output: false };
    r.all()?;
    if r.line.version {
        return Ok(r.line);
    }
    let Some(command) = r.line.command else { return param("no command specified") };
    if r.invert {
        return param("nothing appropriate following !");
    }
    let chain = r.line.chain.as_deref().unwrap_or("");
    if chain.len() > 29 {
        return param(format!("chain name `{chain}' too long (must be under 30 chars)"));
    }
    if "ADIRd".contains(command) {
        if chain == "OUTPUT" && r.input {
            return param("Can't use -i with OUTPUT\n");
        }
        if chain == "INPUT" && r.output {
            return param("Can't use -o with INPUT\n");
        }
    }
    Ok(r.line)
}

impl Reader<'_> {
    fn all(&mut self) -> Result<(), Fail> {
        while self.at < self.args.len() && !self.line.version {
            let arg = self.args[self.at].clone();
            self.at += 1;
            if arg == "!" {
                if self.invert {
                    return param("multiple consecutive ! not allowed");
                }
                self.invert = true;
                continue;
            }
            if let Some(long) = arg.strip_prefix("--").filter(|l| !l.is_empty()) {
                self.long(long)?;
            } else if arg.len() > 1 && arg.starts_with('-') && arg != "--" {
                self.cluster(&arg)?;
            } else {
                return Err(Fail::BadArgument(arg));
            }
            self.invert = false;
        }
        Ok(())
    }

    fn take(&mut self) -> Option<String> {
        let word = self.args.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }

    fn long(&mut self, text: &str) -> Result<(), Fail> {
        let (name, mut given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        let mangling = self.line.jump.as_deref() == Some("mangle");
        let own = LONG.iter().map(|(long, letter, word)| (*long, *letter, *word));
        let all: Vec<_> = own.chain(MANGLE.iter().filter(|_| mangling).map(|(l, c)| (*l, *c, true))).collect();
        let exact = all.iter().find(|(long, ..)| *long == name);
        let begins: Vec<_> = all.iter().filter(|(long, ..)| long.starts_with(name)).collect();
        let found = exact.or(match begins[..] {
            [one] => Some(one),
            _ => None,
        });
        let Some(&(_, letter, word)) = found else { return Ok(()) };
        if word && given.is_none() {
            given = self.take();
            if given.is_none() {
                return Ok(());
            }
        }
        self.option(letter, given)
    }

    fn cluster(&mut self, arg: &str) -> Result<(), Fail> {
        let letters: Vec<char> = arg[1..].chars().collect();
        for (n, &letter) in letters.iter().enumerate() {
            let glued: String = letters[n + 1..].iter().collect();
            if "ADRINEPopsdjlitmc".contains(letter) {
                let word = if glued.is_empty() { self.take() } else { Some(glued) };
                return if word.is_some() { self.option(letter, word) } else { Ok(()) };
            }
            if "LFZX".contains(letter) {
                return self.option(letter, Some(glued).filter(|g| !g.is_empty()));
            }
            match letter {
                'v' | 'n' | 'x' | 'V' => self.option(letter, None)?,
                'h' => return self.option('?', None),
                _ => {}
            }
        }
        Ok(())
    }

    fn command(&mut self, command: char) -> Result<(), Fail> {
        if self.invert {
            return param("unexpected ! flag");
        }
        if let Some(old) = self.line.command {
            return param(format!("Can't use -{command} with -{old}\n"));
        }
        self.line.command = Some(command);
        Ok(())
    }

    fn once(&mut self, letter: char) -> Result<(), Fail> {
        if self.seen.contains(letter) {
            return param(format!("multiple -{letter} flags not allowed"));
        }
        if self.invert && "jvnx0c".contains(letter) {
            return param(format!("cannot have ! before -{letter}"));
        }
        self.seen.push(letter);
        Ok(())
    }

    fn word_follows(&mut self) -> Option<String> {
        let word = self.args.get(self.at).filter(|w| !w.starts_with('-') && !w.starts_with('!'))?;
        self.at += 1;
        Some(word.clone())
    }

    fn rule_number(text: &str) -> Result<u32, Fail> {
        let number = text.parse().ok().filter(|n| *n > 0);
        number.ok_or_else(|| Fail::Param(format!("Invalid rule number `{text}'")))
    }

    /// `!` may stand before the option or before its word.
    fn inverted(&mut self, word: String) -> Result<(String, bool), Fail> {
        if word != "!" {
            return Ok((word, self.invert));
        }
        if self.invert {
            return param("Multiple `!' flags not allowed");
        }
        match self.take() {
            Some(word) => Ok((word, true)),
            None => param("no argument following `!'"),
        }
    }

    fn option(&mut self, letter: char, word: Option<String>) -> Result<(), Fail> {
        let given = word.clone().unwrap_or_default();
        match letter {
            'A' | 'D' | 'R' | 'I' => {
                self.command(letter)?;
                self.line.chain = Some(given);
                self.line.number = u32::from(letter == 'I');
                if letter != 'A' {
                    match self.word_follows() {
                        Some(number) => {
                            self.line.number = Self::rule_number(&number)?;
                            if letter == 'D' {
                                self.line.command = Some('d');
                            }
                        }
                        None if letter == 'R' => return param("-R requires a rule number"),
                        None => {}
                    }
                }
            }
            'L' | 'F' | 'Z' | 'X' => {
                self.command(letter)?;
                self.line.chain = word.or_else(|| self.word_follows());
            }
            'N' => {
                if let Some(first) = given.chars().next().filter(|c| matches!(c, '-' | '!')) {
                    return param(format!("chain name not allowed to start with `{first}'\n"));
                }
                if matches!(given.as_str(), "ACCEPT" | "DROP" | "RETURN" | "QUEUE" | "mangle" | "CLASSIFY" | "MARK") {
                    return param("chain name may not clash with target name\n");
                }
                self.command('N')?;
                self.line.chain = Some(given);
            }
            'E' | 'P' => {
                self.command(letter)?;
                self.line.chain = Some(given);
                match self.word_follows() {
                    Some(word) => self.line.second = word,
                    None if letter == 'E' => return param("-E requires old-chain-name and new-chain-name"),
                    None => return param("-P requires a chain and a policy"),
                }
            }
            's' | 'd' => {
                let (word, invert) = self.inverted(given)?;
                self.once(letter)?;
                let (addr, mask) = network(&word)?;
                let m = AddrMatch { addr, mask, invert };
                *(if letter == 's' { &mut self.line.rule.src } else { &mut self.line.rule.dst }) = m;
            }
            'i' | 'o' => {
                let (name, invert) = self.inverted(given)?;
                self.once(letter)?;
                if name.len() > 15 {
                    return param(format!("interface name `{name}' must be shorter than IFNAMSIZ (15)"));
                }
                let dev = DevMatch { name, invert };
                if letter == 'i' {
                    (self.line.rule.input, self.input) = (dev, true);
                } else {
                    (self.line.rule.output, self.output) = (dev, true);
                }
            }
            '<' | '>' => {
                let (word, invert) = self.inverted(given)?;
                let side = if letter == '<' { "source" } else { "destination" };
                let Some((mac, mask)) = mac(&word) else { return param(format!("Problem with specified {side} mac")) };
                let m = MacMatch { mac, mask, invert };
                *(if letter == '<' { &mut self.line.rule.src_mac } else { &mut self.line.rule.dst_mac }) = m;
            }
            'l' | 'q' | 'h' | 'y' => self.number(letter, given)?,
            'j' => {
                self.once('j')?;
                self.line.jump = Some(given);
            }
            'c' => {
                self.once('c')?;
                let bytes = self.word_follows().and_then(|b| b.parse().ok());
                match (given.parse(), bytes) {
                    (Ok(packets), Some(bytes)) => self.line.rule.counter = Counter { packets, bytes },
                    _ => return param("-c requires packet and byte counter"),
                }
            }
            '1'..='5' => self.mangle(letter, &given)?,
            'v' => self.line.verbose = true,
            'n' => self.line.numeric = true,
            'x' => self.line.exact = true,
            '0' => self.line.numbers = true,
            'V' => self.line.version = true,
            '?' => return Err(Fail::NotModelled("-h".to_string())),
            // The table is always `filter`; `-p` and `-m` say nothing.
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, letter: char, given: String) -> Result<(), Fail> {
        let (word, invert) = self.inverted(given)?;
        let radix = if letter == 'h' { 16 } else { 10 };
        let read = |text: &str| -> Option<u16> {
            match text.strip_prefix("0x") {
                Some(hex) if radix == 16 || letter == 'y' => u16::from_str_radix(hex, 16).ok(),
                _ => u16::from_str_radix(text, radix).ok(),
            }
        };
        let named = match letter {
            'q' => OPCODES.iter().position(|n| n.eq_ignore_ascii_case(&word)).map(|at| at as u16 + 1),
            'h' => word.eq_ignore_ascii_case("Ethernet").then_some(1),
            'y' => word.eq_ignore_ascii_case("IPv4").then_some(0x800),
            _ => None,
        };
        let value = match (named, word.split_once('/')) {
            (Some(value), _) => Some((value, u16::MAX)),
            (None, Some((value, mask))) => read(value).zip(read(mask)),
            (None, None) => read(&word).map(|v| (v, u16::MAX)),
        };
        let what = match letter {
            'l' => "hardware length",
            'q' => "opcode",
            'h' => "hardware type",
            _ => "protocol type",
        };
        let Some((value, mask)) = value else { return param(format!("Problem with specified {what}")) };
        let m = NumberMatch { value, mask, invert };
        let rule = &mut self.line.rule;
        *match letter {
            'l' => &mut rule.hlen,
            'q' => &mut rule.opcode,
            'h' => &mut rule.htype,
            _ => &mut rule.ptype,
        } = m;
        Ok(())
    }

    fn mangle(&mut self, letter: char, given: &str) -> Result<(), Fail> {
        let hlen = self.line.rule.hlen;
        let m = self.line.mangle.get_or_insert_default();
        match letter {
            '1' | '2' => {
                let Ok(addr) = given.parse() else { return param(format!("host/network `{given}' not found")) };
                *(if letter == '1' { &mut m.spa } else { &mut m.tpa }) = Some(addr);
            }
            '3' | '4' => {
                if hlen.mask == 0 {
                    return param("no --h-length defined");
                }
                if hlen.value != 6 || hlen.invert {
                    return param("only --h-length 6 supported");
                }
                let side = if letter == '3' { "source" } else { "target" };
                let Ok(mac) = given.parse() else { return param(format!("invalid {side} MAC")) };
                *(if letter == '3' { &mut m.sha } else { &mut m.tha }) = Some(mac);
            }
            _ => {
                m.then = match given {
                    "ACCEPT" => Then::Accept,
                    "DROP" => Then::Drop,
                    "CONTINUE" => Then::Continue,
                    _ => return param("bad target for --mangle-target"),
                };
            }
        }
        Ok(())
    }
}

fn network(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Fail> {
    use crate::shell::iptables::words as shared;
    shared::network(text).map_err(|fail| match fail {
        crate::shell::iptables::Fail::Param(text) => Fail::Param(text),
        _ => Fail::Param(format!("host/network `{text}' not found")),
    })
}

/// `address[/mask]`, or one of the names for kinds of addresses.
fn mac(text: &str) -> Option<(Mac, Mac)> {
    let group = Mac([1, 0, 0, 0, 0, 0]);
    match text.to_ascii_lowercase().as_str() {
        "unicast" => return Some((Mac::ZERO, group)),
        "multicast" => return Some((group, group)),
        "broadcast" => return Some((Mac::BROADCAST, Mac::BROADCAST)),
        _ => {}
    }
    let (mac, mask) = match text.split_once('/') {
        Some((mac, mask)) => (mac.parse::<Mac>().ok()?, mask.parse::<Mac>().ok()?),
        None => (text.parse().ok()?, Mac::BROADCAST),
    };
    let mut masked = mac;
    masked.0.iter_mut().zip(mask.0).for_each(|(byte, m)| *byte &= m);
    Some((masked, mask))
}
