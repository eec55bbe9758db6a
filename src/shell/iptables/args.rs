//! Reads a command line of iptables (iptables/xshared.c `do_parse`): options in the order typed, `!` before what it turns
//! round, options of a match once it is loaded.

use super::extend::{Extension, Loaded, OTHER_MATCHES, OTHER_TARGETS, find_match, find_target, is_target};
use super::{Fail, words};
use crate::net::netfilter::matches::{AddrMatch, DevMatch};
use crate::net::netfilter::{Counter, Rule, TableId};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `-A`
    Append,
    /// `-C`
    Check,
    /// `-D` with a rule
    Delete,
    /// `-D` with a number
    DeleteNumber,
    /// `-I`
    Insert,
    /// `-R`
    Replace,
    /// `-L`
    List,
    /// `-S`
    ListRules,
    /// `-F`
    Flush,
    /// `-Z`
    Zero,
    /// `-Z` with a number
    ZeroNumber,
    /// `-N`
    NewChain,
    /// `-X`
    DeleteChain,
    /// `-E`
    Rename,
    /// `-P`
    Policy,
}

impl Command {
    fn letter(self) -> char {
        use Command::*;
        match self {
            Append => 'A',
            Check => 'C',
            Delete | DeleteNumber => 'D',
            Insert => 'I',
            Replace => 'R',
            List => 'L',
            ListRules => 'S',
            Flush => 'F',
            Zero | ZeroNumber => 'Z',
            NewChain => 'N',
            DeleteChain => 'X',
            Rename => 'E',
            Policy => 'P',
        }
    }

    fn takes_rule(self) -> bool {
        use Command::*;
        matches!(self, Append | Check | Delete | Insert | Replace)
    }

    /// The options it may not stand with.
    fn forbids(self) -> &'static str {
        use Command::*;
        match self {
            Append | Insert | Replace => "nx0",
            Check | Delete => "nx0c",
            List => "sdpjiocf",
            Policy => "nsdpjxio0f",
            _ => "nsdpjxio0cf",
        }
    }
}

/// A command line, read.
pub struct Line {
    /// The table; `filter` unless said.
    pub table: String,
    /// What to do: a command, or a list and `-Z`.
    pub commands: Vec<Command>,
    /// The chain.
    pub chain: Option<String>,
    /// A rule's number; 0 if it was not said.
    pub number: u32,
    /// The new name of a chain.
    pub new_name: String,
    /// The policy.
    pub policy: String,
    /// The rule, without addresses and target.
    pub rule: Rule,
    /// Sources, at least one.
    pub sources: Vec<AddrMatch>,
    /// Destinations, at least one.
    pub destinations: Vec<AddrMatch>,
    /// The target or chain by name.
    pub jump: Option<String>,
    /// `-g`.
    pub goto: bool,
    /// The target, if it is one with options.
    pub target: Option<Loaded>,
    /// Counters were given.
    pub counters: bool,
    /// How often `-v` was said.
    pub verbose: u32,
    /// Options of lists: `n`, `x`, `0` (line numbers).
    pub shown: String,
    /// What is told on standard error although nothing is wrong.
    pub notes: Vec<String>,
    /// `-V`.
    pub version: bool,
}

/// Long options of iptables itself, and the letters they stand for.
const LONG: &[(&str, char)] = &[
    ("append", 'A'),
    ("check", 'C'),
    ("delete", 'D'),
    ("delete-chain", 'X'),
    ("destination", 'd'),
    ("dst", 'd'),
    ("exact", 'x'),
    ("flush", 'F'),
    ("fragments", 'f'),
    ("goto", 'g'),
    ("help", 'h'),
    ("in-interface", 'i'),
    ("insert", 'I'),
    ("ipv4", '4'),
    ("ipv6", '6'),
    ("jump", 'j'),
    ("line-numbers", '0'),
    ("list", 'L'),
    ("list-rules", 'S'),
    ("match", 'm'),
    ("modprobe", 'M'),
    ("new-chain", 'N'),
    ("numeric", 'n'),
    ("out-interface", 'o'),
    ("policy", 'P'),
    ("protocol", 'p'),
    ("rename-chain", 'E'),
    ("replace", 'R'),
    ("set-counters", 'c'),
    ("source", 's'),
    ("src", 's'),
    ("table", 't'),
    ("verbose", 'v'),
    ("version", 'V'),
    ("wait", 'w'),
    ("wait-interval", 'W'),
    ("zero", 'Z'),
];

/// Letters that want a word, and those that may have one glued to them.
const WITH_WORD: &str = "ACDRIMNEPopsdjitmcg";
const MAY_HAVE_WORD: &str = "LSFZXhwW";

struct Reader<'a> {
    args: &'a [String],
    at: usize,
    line: Line,
    matches: Vec<Loaded>,
    proto_match: bool,
    invert: bool,
    seen: String,
    source: Option<(String, bool)>,
    destination: Option<(String, bool)>,
    restoring: bool,
}

/// Reads a command line. `restoring`: it is a line of iptables-restore.
pub fn read(args: &[String], table: &str, restoring: bool) -> Result<Line, Fail> {
    let line = Line {
        table: table.to_string(),
        commands: Vec::new(),
        chain: None,
        number: 0,
        new_name: String::new(),
        policy: String::new(),
        rule: Rule::default(),
        sources: Vec::new(),
        destinations: Vec::new(),
        jump: None,
        goto: false,
        target: None,
        counters: false,
        verbose: 0,
        shown: String::new(),
        notes: Vec::new(),
        version: false,
    };
    let mut reader = Reader {
        args,
        at: 0,
        line,
        matches: Vec::new(),
        proto_match: false,
        invert: false,
        seen: String::new(),
        source: None,
        destination: None,
        restoring,
    };
    reader.all()?;
    if reader.line.version {
        return Ok(reader.line);
    }
    reader.finish()
}

fn param<T>(text: impl Into<String>) -> Result<T, Fail> {
    Err(Fail::param(text.into()))
}

impl Reader<'_> {
    fn all(&mut self) -> Result<(), Fail> {
        while self.at < self.args.len() && !self.line.version {
            let arg = &self.args[self.at];
            self.at += 1;
            if arg == "!" {
                if self.invert {
                    return param("multiple consecutive ! not allowed");
                }
                self.invert = true;
                continue;
            }
            if let Some(long) = arg.strip_prefix("--").filter(|l| !l.is_empty()) {
                self.long(arg, long)?;
            } else if arg.len() > 1 && arg.starts_with('-') && arg != "--" {
                self.cluster(arg)?;
            } else {
                return Err(Fail::BadArgument(arg.clone()));
            }
            self.invert = false;
        }
        Ok(())
    }

    fn cluster(&mut self, arg: &str) -> Result<(), Fail> {
        let letters: Vec<char> = arg[1..].chars().collect();
        for (n, &letter) in letters.iter().enumerate() {
            let glued: String = letters[n + 1..].iter().collect();
            let known = WITH_WORD.contains(letter) || MAY_HAVE_WORD.contains(letter) || "Vfvnx46".contains(letter);
            if !known {
                return param(format!("unknown option \"{arg}\""));
            }
            if WITH_WORD.contains(letter) {
                let word = if glued.is_empty() { Some(self.next(arg)?) } else { Some(glued) };
                return self.short(letter, word);
            }
            if MAY_HAVE_WORD.contains(letter) {
                return self.short(letter, Some(glued).filter(|g| !g.is_empty()));
            }
            self.short(letter, None)?;
        }
        Ok(())
    }

    fn next(&mut self, option: &str) -> Result<String, Fail> {
        let Some(word) = self.args.get(self.at) else {
            return param(format!("option \"{option}\" requires an argument"));
        };
        self.at += 1;
        Ok(word.clone())
    }

    fn long(&mut self, arg: &str, text: &str) -> Result<(), Fail> {
        let (name, given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        loop {
            match self.resolve(name) {
                Found::Own(letter) => {
                    let wants = WITH_WORD.contains(letter);
                    let word = match given {
                        Some(value) => Some(value),
                        None if wants => Some(self.next(arg)?),
                        None => None,
                    };
                    return self.short(letter, word);
                }
                Found::Ext(place, option, args) => {
                    let mut said = Vec::new();
                    for n in 0..args {
                        let next = self.args.get(self.at).filter(|w| !w.starts_with(['-', '!']));
                        if n > 0 && next.is_none() {
                            return param(format!("--{option} requires two args."));
                        }
                        said.push(match &given {
                            Some(value) if n == 0 => value.clone(),
                            _ => self.next(arg)?,
                        });
                    }
                    let invert = self.invert;
                    let ext = match place {
                        Some(at) => &mut self.matches[at],
                        None => self.line.target.as_mut().expect("its option was found"),
                    };
                    return ext.say(option, invert, said);
                }
                Found::None if self.load_protocol() => {}
                Found::None => return param(format!("unknown option \"{arg}\"")),
            }
        }
    }

    /// The match of the protocol is loaded when the first of its options comes.
    fn load_protocol(&mut self) -> bool {
        let name = words::protocol_name(self.line.rule.proto).unwrap_or("");
        let ext = find_match(name).filter(|_| matches!(name, "tcp" | "udp" | "icmp"));
        match ext {
            Some(ext) if !self.proto_match && self.seen.contains('p') => {
                self.proto_match = true;
                if self.matches.iter().any(|m| m.ext.name == ext.name) {
                    return false;
                }
                self.matches.push(Loaded::new(ext));
                true
            }
            _ => false,
        }
    }

    fn resolve(&self, name: &str) -> Found {
        let places = self.matches.iter().enumerate().map(|(at, m)| (Some(at), m.ext)).rev();
        let target = self.line.target.iter().map(|t| (None, t.ext));
        let ext: Vec<(Option<usize>, &'static Extension)> = places.chain(target).collect();
        let options = || ext.iter().flat_map(|(place, e)| e.options.iter().map(move |o| (*place, o)));
        if let Some((place, o)) = options().find(|(_, o)| o.name == name) {
            return Found::Ext(place, o.name, o.args);
        }
        if let Some((_, letter)) = LONG.iter().find(|(long, _)| *long == name) {
            return Found::Own(*letter);
        }
        let own: Vec<char> = LONG.iter().filter(|(long, _)| long.starts_with(name)).map(|(_, l)| *l).collect();
        let mut of_ext: Vec<_> = options().filter(|(_, o)| o.name.starts_with(name)).collect();
        // Two names of one option are no doubt.
        of_ext.dedup_by(|(a, x), (b, y)| a == b && x.name.ends_with(y.name));
        match (&own[..], &of_ext[..]) {
            ([letter, rest @ ..], []) if rest.iter().all(|l| l == letter) => Found::Own(*letter),
            ([], [(place, o)]) => Found::Ext(*place, o.name, o.args),
            _ => Found::None,
        }
    }

    fn command(&mut self, command: Command) -> Result<(), Fail> {
        use Command::{List, ListRules, Zero};
        if self.invert {
            return param("unexpected '!' flag");
        }
        let together = |a: Command, b: Command| matches!((a, b), (List | ListRules, Zero) | (Zero, List | ListRules));
        if let Some(other) = self.line.commands.iter().find(|c| !together(**c, command)) {
            return param(format!("Cannot use -{} with -{}", command.letter(), other.letter()));
        }
        self.line.commands.push(command);
        Ok(())
    }

    /// An option that may be said once.
    fn option(&mut self, letter: char) -> Result<(), Fail> {
        if self.seen.contains(letter) {
            return param(format!("multiple -{letter} flags not allowed"));
        }
        if self.invert && !"sdpiof".contains(letter) {
            return param(format!("cannot have ! before -{letter}"));
        }
        self.seen.push(letter);
        Ok(())
    }

    /// The next word, if it is one and no option.
    fn word_follows(&mut self) -> Option<String> {
        let word = self.args.get(self.at).filter(|w| !w.starts_with('-') && !w.starts_with('!'))?;
        self.at += 1;
        Some(word.clone())
    }

    fn rule_number(text: &str) -> Result<u32, Fail> {
        let number = words::number(text).filter(|n| *n > 0 && *n < u32::MAX);
        number.ok_or_else(|| Fail::param(format!("Invalid rule number `{text}'")))
    }

    fn short(&mut self, letter: char, word: Option<String>) -> Result<(), Fail> {
        let given = word.clone().unwrap_or_default();
        match letter {
            'A' | 'C' | 'D' | 'R' | 'I' => {
                let command = match letter {
                    'A' => Command::Append,
                    'C' => Command::Check,
                    'D' => Command::Delete,
                    'R' => Command::Replace,
                    _ => Command::Insert,
                };
                self.command(command)?;
                self.line.chain = Some(given);
                if letter == 'I' {
                    self.line.number = 1;
                }
                if matches!(letter, 'D' | 'R' | 'I') {
                    match self.word_follows() {
                        Some(number) => {
                            self.line.number = Self::rule_number(&number)?;
                            if letter == 'D' {
                                self.line.commands = vec![Command::DeleteNumber];
                            }
                        }
                        None if letter == 'R' => return param("-R requires a rule number"),
                        None => {}
                    }
                }
            }
            'L' | 'S' | 'F' | 'Z' | 'X' => {
                let command = match letter {
                    'L' => Command::List,
                    'S' => Command::ListRules,
                    'F' => Command::Flush,
                    'Z' => Command::Zero,
                    _ => Command::DeleteChain,
                };
                self.command(command)?;
                if let Some(chain) = word.or_else(|| self.word_follows()) {
                    self.line.chain = Some(chain);
                    if matches!(letter, 'L' | 'S' | 'Z')
                        && let Some(number) = self.word_follows()
                    {
                        self.line.number = Self::rule_number(&number)?;
                        if letter == 'Z' {
                            let zero = self.line.commands.iter_mut().find(|c| **c == Command::Zero);
                            zero.into_iter().for_each(|c| *c = Command::ZeroNumber);
                        }
                    }
                }
            }
            'N' => {
                self.chain_name(&given)?;
                self.command(Command::NewChain)?;
                self.line.chain = Some(given);
            }
            'E' => {
                self.command(Command::Rename)?;
                self.line.chain = Some(given);
                match self.word_follows() {
                    Some(name) => self.line.new_name = name,
                    None => return param("-E requires old-chain-name and new-chain-name"),
                }
            }
            'P' => {
                self.command(Command::Policy)?;
                self.line.chain = Some(given);
                match self.word_follows() {
                    Some(policy) => self.line.policy = policy,
                    None => return param("-P requires a chain and a policy"),
                }
            }
            'p' => {
                self.option('p')?;
                let proto = words::protocol(&given)?;
                if proto == 0 && self.invert {
                    return param("rule would never match protocol");
                }
                self.line.rule.proto = proto;
                self.line.rule.not_proto = self.invert;
            }
            's' => {
                self.option('s')?;
                self.source = Some((given, self.invert));
            }
            'd' => {
                self.option('d')?;
                self.destination = Some((given, self.invert));
            }
            'i' | 'o' => {
                self.option(letter)?;
                if given.is_empty() {
                    return param("Empty interface is likely to be undesired");
                }
                if given.len() > 15 {
                    return param(format!("interface name `{given}' must be shorter than IFNAMSIZ (15)"));
                }
                let dev = DevMatch { name: given, invert: self.invert };
                *(if letter == 'i' { &mut self.line.rule.input } else { &mut self.line.rule.output }) = dev;
            }
            'f' => {
                self.option('f')?;
                self.line.rule.fragment = Some(!self.invert);
            }
            'j' | 'g' => self.jump(letter, given)?,
            'm' => {
                if self.invert {
                    return param("unexpected ! flag before --match");
                }
                let Some(ext) = find_match(&given) else {
                    if OTHER_MATCHES.contains(&given.as_str()) {
                        return Err(Fail::NotModelled(format!("-m {given}")));
                    }
                    return param(format!("Couldn't load match `{given}':No such file or directory\n"));
                };
                self.matches.push(Loaded::new(ext));
            }
            'c' => {
                self.option('c')?;
                let bytes = self.word_follows();
                let (Ok(packets), Some(bytes)) = (given.parse(), bytes) else {
                    return param("-c requires packet and byte counter");
                };
                let Ok(bytes) = bytes.parse() else { return param("-c byte counter not numeric") };
                self.line.rule.counter = Counter { packets, bytes };
                self.line.counters = true;
            }
            'n' | 'x' | '0' => {
                self.option(letter)?;
                self.line.shown.push(letter);
            }
            'v' => {
                if self.line.verbose == 0 {
                    self.option('v')?;
                }
                self.line.verbose += 1;
            }
            't' => {
                if self.invert {
                    return param("unexpected ! flag before --table");
                }
                if self.restoring {
                    return param("The -t option cannot be used in iptables-restore.\n");
                }
                self.line.table = given;
            }
            'V' => self.line.version = true,
            'w' | 'W' => {
                if given.is_empty() {
                    let number = self.args.get(self.at).is_some_and(|w| w.parse::<u32>().is_ok());
                    self.at += usize::from(number);
                }
            }
            'M' | '4' => {}
            '6' => return Err(Fail::Hint),
            _ => return Err(Fail::NotModelled(format!("-{letter}"))),
        }
        Ok(())
    }

    fn chain_name(&self, name: &str) -> Result<(), Fail> {
        if let Some(first) = name.chars().next().filter(|c| matches!(c, '-' | '!')) {
            return param(format!("chain name not allowed to start with `{first}'"));
        }
        if is_target(name) {
            return param("chain name may not clash with target name");
        }
        if name.contains(char::is_whitespace) {
            return param(format!("Invalid chain name `{name}'"));
        }
        Ok(())
    }

    fn jump(&mut self, letter: char, name: String) -> Result<(), Fail> {
        self.option('j')?;
        if name.is_empty() {
            return param("Invalid target name (too short)");
        }
        if name.len() > 28 {
            return param(format!("Invalid target name `{name}' (28 chars max)"));
        }
        if name.contains(char::is_whitespace) {
            return param(format!("Invalid target name `{name}'"));
        }
        self.line.goto = letter == 'g';
        if letter == 'j' {
            self.line.target = find_target(&name).map(Loaded::new);
            if OTHER_TARGETS.contains(&name.as_str()) {
                return Err(Fail::NotModelled(format!("-j {name}")));
            }
        }
        self.line.jump = Some(name);
        Ok(())
    }

    fn finish(mut self) -> Result<Line, Fail> {
        let nat_drop = self.line.policy == "DROP" || self.line.jump.as_deref() == Some("DROP");
        if self.line.table == "nat" && nat_drop {
            let text = "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n";
            return param(text);
        }
        let rule = &mut self.line.rule;
        for m in &self.matches {
            rule.matches.push(m.to_match(rule.proto, rule.not_proto, &mut self.line.notes)?);
        }
        if let Some(target) = &self.line.target {
            rule.target = target.to_target(rule.proto, rule.not_proto)?;
        }
        let Some(&command) = self.line.commands.first() else { return param("no command specified") };
        if self.invert {
            return param("nothing appropriate following !");
        }
        self.line.sources = addresses(self.source.take())?;
        self.line.destinations = addresses(self.destination.take())?;
        if command == Command::Replace && (self.line.sources.len() != 1 || self.line.destinations.len() != 1) {
            return param("Replacement rule does not specify a unique address");
        }
        self.check_options()?;
        let chain = self.line.chain.as_deref().unwrap_or("");
        if chain.len() > 28 {
            return param(format!("chain name `{chain}' too long (must be under 29 chars)"));
        }
        if command.takes_rule() {
            if matches!(chain, "PREROUTING" | "INPUT") && self.seen.contains('o') {
                return param(format!("Can't use -o with {chain}\n"));
            }
            if matches!(chain, "POSTROUTING" | "OUTPUT") && self.seen.contains('i') {
                return param(format!("Can't use -i with {chain}\n"));
            }
        }
        Ok(self.line)
    }

    fn check_options(&self) -> Result<(), Fail> {
        for letter in "nsdpjvxio0cf".chars().filter(|l| self.seen.contains(*l)) {
            if self.line.commands.iter().all(|c| c.forbids().contains(letter)) {
                return param(format!("Illegal option `-{letter}' with this command"));
            }
        }
        Ok(())
    }
}

fn addresses(text: Option<(String, bool)>) -> Result<Vec<AddrMatch>, Fail> {
    let Some((text, invert)) = text else { return Ok(vec![AddrMatch::default()]) };
    let list = text.split(',').map(|one| {
        let (addr, mask) = words::network(one)?;
        Ok(AddrMatch { addr, mask, invert })
    });
    let list: Vec<AddrMatch> = list.collect::<Result<_, Fail>>()?;
    if invert && list.len() > 1 {
        return param("! not allowed with multiple source or destination IP addresses");
    }
    Ok(list)
}

enum Found {
    Own(char),
    Ext(Option<usize>, &'static str, u8),
    None,
}

/// A table by name.
pub fn table(name: &str) -> Option<TableId> {
    TableId::ALL.into_iter().find(|t| t.name() == name)
}
