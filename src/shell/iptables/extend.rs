//! The matches (`-m`) and targets (`-j`) of iptables and their options: a row of [`MATCHES`] or [`TARGETS`] each, a
//! reader, and what must be there in the end (libxtables, extensions/libxt_*.c, libipt_*.c).
//!
//! Extensions that a real iptables has and lvsim has not are listed, so that they are told by name.

use super::{Fail, ipvs, packets, words};
use crate::net::netfilter::matches::{Match, Ports, Which, state};
use crate::net::netfilter::targets::{NatRange, NatTarget, REJECTS, RejectWith, Target};
use std::net::Ipv4Addr;

/// An option of an extension.
pub struct ExtOption {
    /// Its name without the dashes.
    pub name: &'static str,
    /// How many words follow it.
    pub args: u8,
}

/// An extension: its name and its options.
pub struct Extension {
    /// Its name.
    pub name: &'static str,
    /// Its options.
    pub options: &'static [ExtOption],
}

pub(super) const fn opt(name: &'static str, args: u8) -> ExtOption {
    ExtOption { name, args }
}

/// The matches.
pub const MATCHES: &[Extension] = &[
    Extension { name: "comment", options: &[opt("comment", 1)] },
    Extension {
        name: "conntrack",
        options: &[
            opt("ctstate", 1),
            opt("ctstatus", 1),
            opt("ctproto", 1),
            opt("ctorigsrc", 1),
            opt("ctorigdst", 1),
            opt("ctreplsrc", 1),
            opt("ctrepldst", 1),
            opt("ctorigsrcport", 1),
            opt("ctorigdstport", 1),
            opt("ctreplsrcport", 1),
            opt("ctrepldstport", 1),
            opt("ctexpire", 1),
            opt("ctdir", 1),
        ],
    },
    Extension { name: "icmp", options: &[opt("icmp-type", 1)] },
    Extension { name: "mark", options: &[opt("mark", 1)] },
    Extension {
        name: "multiport",
        options: &[
            opt("source-ports", 1),
            opt("sports", 1),
            opt("destination-ports", 1),
            opt("dports", 1),
            opt("ports", 1),
        ],
    },
    Extension { name: "state", options: &[opt("state", 1)] },
    Extension {
        name: "tcp",
        options: &[
            opt("source-port", 1),
            opt("sport", 1),
            opt("destination-port", 1),
            opt("dport", 1),
            opt("syn", 0),
            opt("tcp-flags", 2),
            opt("tcp-option", 1),
        ],
    },
    Extension {
        name: "udp",
        options: &[opt("source-port", 1), opt("sport", 1), opt("destination-port", 1), opt("dport", 1)],
    },
];

/// The targets that have options; `ACCEPT`, `DROP` and `RETURN` have none.
pub const TARGETS: &[Extension] = &[
    Extension { name: "DNAT", options: NAT_DST },
    Extension {
        name: "LOG",
        options: &[
            opt("log-level", 1),
            opt("log-prefix", 1),
            opt("log-tcp-sequence", 0),
            opt("log-tcp-options", 0),
            opt("log-ip-options", 0),
            opt("log-uid", 0),
            opt("log-macdecode", 0),
        ],
    },
    Extension {
        name: "MARK",
        options: &[opt("set-mark", 1), opt("set-xmark", 1), opt("and-mark", 1), opt("or-mark", 1), opt("xor-mark", 1)],
    },
    Extension { name: "MASQUERADE", options: &[opt("to-ports", 1), opt("random", 0), opt("random-fully", 0)] },
    Extension { name: "REDIRECT", options: &[opt("to-ports", 1), opt("random", 0)] },
    Extension { name: "REJECT", options: &[opt("reject-with", 1)] },
    Extension { name: "SNAT", options: NAT_SRC },
];

const NAT_SRC: &[ExtOption] = &[opt("to-source", 1), opt("random", 0), opt("random-fully", 0), opt("persistent", 0)];
const NAT_DST: &[ExtOption] = &[opt("to-destination", 1), opt("random", 0), opt("persistent", 0)];

/// Matches of iptables 1.8.9 that are not modelled.
pub const OTHER_MATCHES: &[&str] = &[
    "ah",
    "bpf",
    "cgroup",
    "cluster",
    "connbytes",
    "connlabel",
    "connlimit",
    "cpu",
    "dccp",
    "devgroup",
    "ecn",
    "esp",
    "hashlimit",
    "helper",
    "nfacct",
    "osf",
    "owner",
    "physdev",
    "pkttype",
    "policy",
    "quota",
    "rateest",
    "realm",
    "recent",
    "rpfilter",
    "sctp",
    "set",
    "socket",
    "string",
    "tcpmss",
    "time",
    "u32",
    "udplite",
];

/// Targets of iptables 1.8.9 that are not modelled.
pub const OTHER_TARGETS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNSECMARK",
    "ECN",
    "HMARK",
    "IDLETIMER",
    "LED",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "QUEUE",
    "RATEEST",
    "SECMARK",
    "SET",
    "SYNPROXY",
    "TCPOPTSTRIP",
    "TEE",
    "TPROXY",
    "TRACE",
    "ULOG",
];

/// Every extension: its name, whether it is a match or a target, its options with their dashes.
pub fn all() -> Vec<(&'static str, &'static str, String)> {
    let told = |kind| {
        move |ext: &'static Extension| {
            let options: Vec<String> = ext.options.iter().map(|o| format!("--{}", o.name)).collect();
            (ext.name, kind, options.join(" "))
        }
    };
    let mut matches: Vec<_> = MATCHES.iter().chain(packets::MATCHES).chain([&ipvs::IPVS]).map(told("match")).collect();
    let mut targets: Vec<_> = TARGETS.iter().chain(packets::TARGETS).map(told("target")).collect();
    matches.sort();
    targets.sort();
    matches.extend(targets);
    matches
}

/// A match by name.
pub fn find_match(name: &str) -> Option<&'static Extension> {
    MATCHES.iter().chain(packets::MATCHES).chain([&ipvs::IPVS]).find(|m| m.name == name)
}

/// A target with options by name.
pub fn find_target(name: &str) -> Option<&'static Extension> {
    TARGETS.iter().chain(packets::TARGETS).find(|t| t.name == name)
}

/// Whether iptables knows a target by this name, modelled or not.
pub fn is_target(name: &str) -> bool {
    matches!(name, "ACCEPT" | "DROP" | "RETURN") || find_target(name).is_some() || OTHER_TARGETS.contains(&name)
}

/// An extension in use and what has been said to it.
pub struct Loaded {
    /// Which.
    pub ext: &'static Extension,
    said: Vec<(&'static str, bool, Vec<String>)>,
}

impl Loaded {
    /// Nothing said yet.
    pub fn new(ext: &'static Extension) -> Loaded {
        Loaded { ext, said: Vec::new() }
    }

    /// An option with its words.
    pub fn say(&mut self, option: &'static str, invert: bool, words: Vec<String>) -> Result<(), Fail> {
        let (name, long) = (self.ext.name, canonical(option));
        let group = |option: &str| match (name, option) {
            ("multiport", _) => "ports".to_string(),
            ("tcp", "syn") => "tcp-flags".to_string(),
            _ => option.to_string(),
        };
        if let Some((before, ..)) = self.said.iter().find(|(said, ..)| group(said) == group(long)) {
            return Err(Fail::param(match (name, long) {
                ("tcp" | "udp", "source-port" | "destination-port") => format!("Only one `--{long}' allowed"),
                ("tcp", _) => "Only one of `--syn' or `--tcp-flags'  allowed".to_string(),
                ("multiport", _) => "multiport can only have one option".to_string(),
                _ if *before == long => format!("{name}: option \"--{long}\" can only be used once.\n"),
                _ => format!("{name}: option \"--{before}\" cannot be used together with \"--{long}\".\n"),
            }));
        }
        if name == "MARK"
            && let Some((before, ..)) = self.said.first()
        {
            let text = format!("{name}: option \"--{before}\" cannot be used together with \"--{long}\".\n");
            return Err(Fail::param(text));
        }
        let may_invert =
            matches!((name, long), ("tcp" | "udp", _) | ("icmp" | "mark" | "multiport" | "state" | "conntrack", _))
                || packets::inverts(name, long);
        if invert && !may_invert {
            return Err(Fail::param(format!("{name}: option \"--{long}\" cannot be inverted.\n")));
        }
        if name == "conntrack" && long != "ctstate" {
            return Err(Fail::NotModelled(format!("--{long}")));
        }
        if matches!(long, "random" | "random-fully" | "persistent" | "tcp-option" | "log-uid") {
            return Err(Fail::NotModelled(format!("--{long}")));
        }
        self.said.push((long, invert, words));
        Ok(())
    }

    /// How many options were said.
    pub(super) fn count(&self) -> usize {
        self.said.len()
    }

    pub(super) fn one(&self, option: &str) -> Option<(&str, bool)> {
        let (_, invert, words) = self.said.iter().find(|(said, ..)| *said == option)?;
        Some((words.first().map_or("", String::as_str), *invert))
    }

    fn must(&self, option: &str) -> Result<(&str, bool), Fail> {
        let name = self.ext.name;
        self.one(option).ok_or_else(|| Fail::param(format!("{name}: option \"--{option}\" must be specified\n")))
    }

    fn bad_integer(&self, option: &str) -> Fail {
        Fail::param(format!("{}: bad integer value for option \"--{option}\", or out of range.\n", self.ext.name))
    }

    /// The match, if all is said that must be. `note` gets what is told without being a mistake.
    pub fn to_match(&self, proto: u8, not_proto: bool, note: &mut Vec<String>) -> Result<Match, Fail> {
        if let Some(read) = packets::to_match(self, note) {
            return read;
        }
        let ports = |option: &str| -> Result<Ports, Fail> {
            let Some((text, invert)) = self.one(option) else { return Ok(Ports::default()) };
            let (from, to) = words::port_range(text, if self.ext.name == "udp" { 17 } else { 6 })?;
            Ok(Ports { from, to, invert })
        };
        Ok(match self.ext.name {
            "tcp" => {
                Match::Tcp { sports: ports("source-port")?, dports: ports("destination-port")?, flags: self.flags()? }
            }
            "udp" => Match::Udp { sports: ports("source-port")?, dports: ports("destination-port")? },
            "icmp" => {
                let (text, invert) = self.must("icmp-type")?;
                let (kind, codes) = words::icmp_type(text)?;
                Match::Icmp { kind, codes, invert }
            }
            "mark" => {
                let (text, invert) = self.must("mark")?;
                let (value, mask) = words::mark(text).ok_or_else(|| self.bad_integer("mark"))?;
                Match::Mark { value, mask, invert }
            }
            "multiport" => self.multiport(proto, not_proto)?,
            "state" => {
                let (text, invert) = self.must("state")?;
                Match::State { states: states(text, false)?, invert, conntrack: false }
            }
            "conntrack" => {
                let (text, invert) = self
                    .one("ctstate")
                    .ok_or_else(|| Fail::param("conntrack: At least one option is required".to_string()))?;
                Match::State { states: states(text, true)?, invert, conntrack: true }
            }
            _ => {
                let (text, _) = self.must("comment")?;
                if text.len() > 255 {
                    return Err(Fail::param("comment: option \"--comment\" is too long.\n".to_string()));
                }
                Match::Comment(text.to_string())
            }
        })
    }

    fn flags(&self) -> Result<Option<(u8, u8, bool)>, Fail> {
        let Some((_, invert, said)) = self.said.iter().find(|(o, ..)| matches!(*o, "syn" | "tcp-flags")) else {
            return Ok(None);
        };
        match &said[..] {
            [mask, set] => Ok(Some((words::tcp_flags(mask)?, words::tcp_flags(set)?, *invert))),
            _ => Ok(Some((0x17, 0x02, *invert))),
        }
    }

    fn multiport(&self, proto: u8, not_proto: bool) -> Result<Match, Fail> {
        let Some((option, invert, said)) = self.said.first() else {
            return Err(Fail::param("multiport expection an option".to_string()));
        };
        if proto == 0 || not_proto {
            let text = "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'";
            return Err(Fail::param(text.to_string()));
        }
        if !matches!(proto, 6 | 17 | 33 | 132 | 136) {
            return Err(Fail::param("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP".to_string()));
        }
        let which = match *option {
            "source-ports" => Which::Source,
            "destination-ports" => Which::Destination,
            _ => Which::Either,
        };
        let mut list = Vec::new();
        let mut places = 0;
        for word in said.first().map_or("", String::as_str).split(',') {
            let range = match word.split_once(':') {
                Some((from, to)) => (words::port(from, proto)?, words::port(to, proto)?),
                None => words::port(word, proto).map(|p| (p, p))?,
            };
            places += 1 + usize::from(word.contains(':'));
            if places > 15 {
                return Err(Fail::param("too many ports specified".to_string()));
            }
            if word.contains(':') && range.0 >= range.1 {
                return Err(Fail::param("invalid portrange specified".to_string()));
            }
            list.push(range);
        }
        Ok(Match::Multiport { which, list, invert: *invert })
    }

    /// The target, if all is said that must be.
    pub fn to_target(&self, proto: u8, not_proto: bool) -> Result<Target, Fail> {
        if let Some(read) = packets::to_target(self) {
            return read;
        }
        let has_ports = matches!(proto, 6 | 17 | 33 | 132) && !not_proto;
        let ports = |text: &str| -> Result<(u16, u16), Fail> {
            if !has_ports {
                let text = "Need TCP, UDP, SCTP or DCCP with port specification";
                return Err(Fail::param(text.to_string()));
            }
            nat_ports(text)
        };
        let to_ports = || self.one("to-ports").map(|(text, _)| ports(text)).transpose();
        let range = |option: &str| -> Result<NatRange, Fail> {
            let (text, _) = self.must(option)?;
            let (addrs, port) = match text.split_once(':') {
                Some((addrs, port)) => (addrs, Some(ports(port)?)),
                None => (text, None),
            };
            let addrs = if addrs.is_empty() && port.is_some() { None } else { Some(nat_addrs(addrs)?) };
            Ok(NatRange { addrs, ports: port })
        };
        Ok(match self.ext.name {
            "SNAT" => Target::Nat(NatTarget::Snat(range("to-source")?)),
            "DNAT" => Target::Nat(NatTarget::Dnat(range("to-destination")?)),
            "MASQUERADE" => Target::Nat(NatTarget::Masquerade(to_ports()?)),
            "REDIRECT" => Target::Nat(NatTarget::Redirect(to_ports()?)),
            "REJECT" => Target::Reject(match self.one("reject-with") {
                Some((text, _)) => reject(text)?,
                None => RejectWith::Icmp(3),
            }),
            "LOG" => self.log()?,
            _ => self.mark()?,
        })
    }

    fn mark(&self) -> Result<Target, Fail> {
        let Some((option, _, said)) = self.said.first() else {
            let text = "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required";
            return Err(Fail::param(text.to_string()));
        };
        let text = said.first().map_or("", String::as_str);
        let bad = || self.bad_integer(option);
        let plain = || words::number(text).ok_or_else(bad);
        let (value, mask) = match *option {
            "set-mark" => words::mark(text).map(|(v, m)| (v, v | m)).ok_or_else(bad)?,
            "set-xmark" => words::mark(text).ok_or_else(bad)?,
            "and-mark" => (0, !plain()?),
            "or-mark" => (plain()?, plain()?),
            _ => (plain()?, 0),
        };
        Ok(Target::Mark { value, mask })
    }

    fn log(&self) -> Result<Target, Fail> {
        let level = match self.one("log-level") {
            Some((text, _)) => {
                let lower = text.to_ascii_lowercase();
                let named = words::LOG_LEVELS.iter().find(|(name, _)| *name == lower);
                let number = words::number(text).filter(|n| *n < 8).map(|n| n as u8);
                number
                    .or(named.map(|(_, n)| *n))
                    .ok_or_else(|| Fail::param(format!("log level \"{text}\" unknown\n")))?
            }
            None => 4,
        };
        let prefix = match self.one("log-prefix") {
            None => "",
            Some(("", _)) => {
                return Err(Fail::param("Argument must have a minimum length of 1 characters\n".to_string()));
            }
            Some((text, _)) => text,
        };
        if prefix.contains('\n') {
            return Err(Fail::param("Newlines not allowed in --log-prefix".to_string()));
        }
        // What is too long is cut off without a word.
        let prefix = prefix.char_indices().take_while(|(at, c)| at + c.len_utf8() <= 29).map(|(_, c)| c);
        let bits = [
            ("log-tcp-sequence", 1),
            ("log-tcp-options", 2),
            ("log-ip-options", 4),
            ("log-uid", 8),
            ("log-macdecode", 32),
        ];
        let flags = bits.iter().filter(|(o, _)| self.one(o).is_some()).fold(0, |flags, (_, bit)| flags | bit);
        Ok(Target::Log { flags, level, prefix: prefix.collect() })
    }
}

/// The long name of an option that has two.
fn canonical(option: &'static str) -> &'static str {
    match option {
        "sport" => "source-port",
        "dport" => "destination-port",
        "sports" => "source-ports",
        "dports" => "destination-ports",
        other => other,
    }
}

fn states(text: &str, conntrack: bool) -> Result<u8, Fail> {
    let (option, kinds) = if conntrack { ("ctstate", 7) } else { ("state", 5) };
    let bad = |rest: &str| Fail::param(format!("Bad {option} \"{rest}\""));
    let mut bits = 0;
    let mut rest = text;
    loop {
        let (word, more) = rest.split_once(',').map_or((rest, None), |(word, more)| (word, Some(more)));
        let at = state::NAMES[..kinds].iter().position(|name| name.eq_ignore_ascii_case(word));
        bits |= 1 << at.ok_or_else(|| bad(rest))?;
        match more {
            None => return Ok(bits),
            Some("") => {
                let text = format!("\"--{option}\" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED");
                return Err(Fail::param(text));
            }
            Some(more) => rest = more,
        }
    }
}

fn reject(text: &str) -> Result<RejectWith, Fail> {
    let lower = text.to_ascii_lowercase();
    let hit = REJECTS.iter().find(|(name, alias, _)| name.starts_with(&lower) || alias.starts_with(&lower));
    hit.map(|(.., with)| *with).ok_or_else(|| Fail::param(format!("unknown reject type \"{text}\"")))
}

fn nat_ports(text: &str) -> Result<(u16, u16), Fail> {
    let bad = || Fail::param(format!("Invalid port:port syntax `{text}'"));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.parse::<u16>().ok().filter(|p| *p > 0);
    match (port(from), port(to)) {
        (Some(from), Some(to)) if from <= to => Ok((from, to)),
        _ => Err(bad()),
    }
}

fn nat_addrs(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), Fail> {
    let one = |text: &str| text.parse().map_err(|_| Fail::param(format!("Bad IP address \"{text}\"\n")));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to): (Ipv4Addr, Ipv4Addr) = (one(from)?, one(to)?);
    if from > to {
        return Err(Fail::param(format!("Bad IP range \"{from}-{to}\"\n")));
    }
    Ok((from, to))
}
