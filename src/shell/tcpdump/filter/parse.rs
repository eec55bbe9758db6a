//! The grammar of filters (libpcap's grammar.y).
//!
//! `and` and `or` bind equally, from left to right. What follows them may do without qualifiers: it has those of what
//! stands before (`tcp dst port 80 or 443`).

use super::generate::{Dir, Generator, Kind, Quals, and, join, not, or};
use super::lex::{Token, UNKNOWN};
use super::{FilterError, MOST, pcap};
use crate::wire::bpf::{Comparison, Operator, Test, Value};

/// A test and the qualifiers that it hands on.
type Expr = (Test, Option<Quals>);

/// A value and what the packet must be to have it.
type Arith = (Value, Option<Test>);

/// Words of protocols.
const PROTOCOLS: &[&str] = &[
    "link", "ip", "arp", "rarp", "sctp", "tcp", "udp", "icmp", "igmp", "igrp", "pim", "vrrp", "carp", "ip6", "icmp6",
    "ah", "esp",
];

/// Signs between values by how tightly they bind, loosest first.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("|", Operator::Or), ("^", Operator::Xor)],
    &[("&", Operator::And)],
    &[("<<", Operator::Left), (">>", Operator::Right)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

/// Reads a filter.
pub(super) fn parse(tokens: &[Token], generator: Generator) -> Result<Test, FilterError> {
    let mut parser = Parser { tokens, at: 0, depth: 0, generator };
    let (test, _) = parser.expr(None)?;
    if parser.at < tokens.len() { Err(parser.stuck()) } else { Ok(test) }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    generator: Generator,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn ahead(&self, n: usize) -> Option<&Token> {
        self.tokens.get(self.at + n)
    }

    fn is_key(&self, n: usize, key: &str) -> bool {
        matches!(self.ahead(n), Some(Token::Key(k)) if *k == key)
    }

    fn is_sign(&self, n: usize, sign: &str) -> bool {
        matches!(self.ahead(n), Some(Token::Sign(s)) if *s == sign)
    }

    fn eat_key(&mut self, key: &str) -> bool {
        let hit = self.is_key(0, key);
        self.at += usize::from(hit);
        hit
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let hit = self.is_sign(0, sign);
        self.at += usize::from(hit);
        hit
    }

    /// What stands here cannot stand here.
    fn stuck(&self) -> FilterError {
        match self.peek() {
            Some(Token::Bad(Some(said))) => FilterError::Pcap(said.clone()),
            Some(Token::Key(word)) if UNKNOWN.contains(word) => {
                FilterError::NotSimulated(format!("the word {word} in a filter"))
            }
            _ => FilterError::syntax(),
        }
    }

    fn close(&mut self) -> Result<(), FilterError> {
        if self.eat_sign(")") { Ok(()) } else { Err(self.stuck()) }
    }

    fn deeper(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > MOST.1 {
            return Err(FilterError::NotSimulated(format!("a filter with more than {} parentheses at once", MOST.1)));
        }
        Ok(())
    }

    /// `before`: the qualifiers of what stands to the left.
    fn expr(&mut self, before: Option<Quals>) -> Result<Expr, FilterError> {
        let (mut test, mut quals) = self.term(before)?;
        loop {
            let both = self.eat_key("and");
            if !both && !self.eat_key("or") {
                return Ok((test, quals));
            }
            let (right, new) = if self.at_id() { (self.id(quals)?, quals) } else { self.term(quals)? };
            test = if both { and(test, right) } else { or(test, right) };
            quals = new;
        }
    }

    /// Whether an identifier without qualifiers stands here, behind `not` and parentheses.
    fn at_id(&self) -> bool {
        let mut n = 0;
        let mut open = 0;
        while self.is_sign(n, "!") || self.is_sign(n, "(") {
            open += usize::from(self.is_sign(n, "("));
            n += 1;
        }
        match self.ahead(n) {
            Some(Token::Id(_) | Token::Host(_) | Token::Host6(_) | Token::Ether(_)) => true,
            Some(Token::Number(_)) => {
                n += 1;
                while open > 0 && self.is_sign(n, ")") {
                    n += 1;
                    open -= 1;
                }
                !matches!(self.ahead(n), Some(Token::Sign(s)) if *s != ")")
            }
            _ => false,
        }
    }

    fn term(&mut self, before: Option<Quals>) -> Result<Expr, FilterError> {
        if self.eat_sign("!") {
            self.deeper()?;
            let (test, quals) = self.term(before)?;
            self.depth -= 1;
            return Ok((not(test), quals));
        }
        if self.is_sign(0, "(") && !self.parenthesis_is_value() {
            self.at += 1;
            self.deeper()?;
            let (test, _) = self.expr(before)?;
            self.depth -= 1;
            self.close()?;
            return Ok((test, before));
        }
        match self.peek() {
            Some(Token::Number(_) | Token::Sign("-" | "(") | Token::Key("len")) => Ok((self.relation()?, None)),
            Some(Token::Key(word)) => self.word(word),
            _ => Err(self.stuck()),
        }
    }

    /// Whether the parenthesis that opens here belongs to a value: a sign of arithmetic follows its end.
    fn parenthesis_is_value(&self) -> bool {
        let mut open = 0;
        for (n, token) in self.tokens[self.at..].iter().enumerate() {
            match token {
                Token::Sign("(") => open += 1,
                Token::Sign(")") => open -= 1,
                _ => {}
            }
            if open == 0 {
                return matches!(self.ahead(n + 1), Some(Token::Sign(s)) if !matches!(*s, "(" | ")" | "!" | "[" | "]" | ":"));
            }
        }
        false
    }

    /// A term that begins with a word of the language.
    fn word(&mut self, word: &'static str) -> Result<Expr, FilterError> {
        let made = self.generator;
        let protocol = PROTOCOLS.contains(&word);
        if protocol && self.is_sign(1, "[") {
            return Ok((self.relation()?, None));
        }
        let after = usize::from(protocol);
        let proto = protocol.then_some(word);
        let Some(Token::Key(next)) = self.ahead(after) else {
            if protocol {
                self.at += 1;
                return Ok((made.protocol(word)?, None));
            }
            return Err(self.stuck());
        };
        let next = *next;
        match next {
            "broadcast" | "multicast" => {
                self.at += after + 1;
                let test = if next == "broadcast" { made.broadcast(proto)? } else { made.multicast(proto)? };
                return Ok((test, None));
            }
            "src" | "dst" | "host" | "net" | "port" | "portrange" | "gateway" | "proto" => {
                self.at += after;
                let quals = self.head(proto)?;
                return Ok((self.id(Some(quals))?, Some(quals)));
            }
            _ if protocol => {
                self.at += 1;
                return Ok((made.protocol(word)?, None));
            }
            _ => {}
        }
        let test = match next {
            "inbound" => made.outbound(false)?,
            "outbound" => made.outbound(true)?,
            "less" | "greater" | "ifindex" => {
                self.at += 1;
                let n = self.plain_number()?;
                match next {
                    "less" => not(Test::Compare(Value::Length, Comparison::Greater, Value::Number(n))),
                    "greater" => Test::Compare(Value::Length, Comparison::GreaterOrEqual, Value::Number(n)),
                    _ => made.ifindex(n)?,
                }
            }
            "byte" => {
                self.at += 1;
                let at = self.plain_number()?;
                let Some(Token::Sign(how @ ("=" | "<" | ">" | "&" | "|"))) = self.ahead(1) else {
                    self.at += 1;
                    return Err(self.stuck());
                };
                let how = *how;
                if matches!(how, "&" | "|") {
                    return Err(FilterError::NotSimulated(format!("`byte` with {how} in a filter")));
                }
                self.at += 2;
                Generator::byte(at, how, self.plain_number()?)
            }
            _ => return Err(self.stuck()),
        };
        self.at += 1;
        Ok((test, None))
    }

    /// The number that stands here; it is left for the caller to step over.
    fn plain_number(&self) -> Result<u32, FilterError> {
        match self.peek() {
            Some(Token::Number(n)) => Ok(*n),
            _ => Err(self.stuck()),
        }
    }

    /// Direction and kind.
    fn head(&mut self, proto: Option<&'static str>) -> Result<Quals, FilterError> {
        let mut quals = Quals { proto, dir: Dir::Any, kind: Kind::Any };
        let side = |p: &Self, n: usize| match p.ahead(n) {
            Some(Token::Key("src")) => Some(Dir::Src),
            Some(Token::Key("dst")) => Some(Dir::Dst),
            _ => None,
        };
        if let Some(first) = side(self, 0) {
            quals.dir = first;
            self.at += 1;
            let joined = if self.is_key(0, "or") { Some(Dir::Or) } else { self.is_key(0, "and").then_some(Dir::And) };
            if let (Some(joined), Some(second)) = (joined, side(self, 1)) {
                if second == first {
                    self.at += 1;
                    return Err(self.stuck());
                }
                quals.dir = joined;
                self.at += 2;
            }
        }
        let kind = match self.peek() {
            Some(Token::Key("host")) => Some(Kind::Host),
            Some(Token::Key("net")) => Some(Kind::Net),
            Some(Token::Key("port")) => Some(Kind::Port),
            Some(Token::Key("portrange")) => Some(Kind::PortRange),
            Some(Token::Key("proto")) if quals.dir == Dir::Any => Some(Kind::Proto),
            Some(Token::Key("gateway")) if quals.dir == Dir::Any => Some(Kind::Gateway),
            _ => None,
        };
        if let Some(kind) = kind {
            quals.kind = kind;
            self.at += 1;
        }
        Ok(quals)
    }

    /// An identifier, a negated one, or several in parentheses.
    fn id(&mut self, quals: Option<Quals>) -> Result<Test, FilterError> {
        let made = self.generator;
        if self.eat_sign("!") {
            self.deeper()?;
            let test = self.id(quals)?;
            self.depth -= 1;
            return Ok(not(test));
        }
        if self.eat_sign("(") {
            self.deeper()?;
            let mut test = self.id(quals)?;
            loop {
                let both = self.eat_key("and");
                if !both && !self.eat_key("or") {
                    break;
                }
                let right = self.id(quals)?;
                test = if both { and(test, right) } else { or(test, right) };
            }
            self.depth -= 1;
            self.close()?;
            return Ok(test);
        }
        let token = self.peek().cloned();
        let (second, third) = (self.ahead(1).cloned(), self.ahead(2).cloned());
        match token {
            Some(Token::Id(name)) => {
                self.at += 1;
                made.name(&name, quals)
            }
            Some(Token::Number(n)) => {
                self.at += 1;
                made.number(n, None, quals)
            }
            Some(Token::Ether(mac)) => {
                self.at += 1;
                made.ether(mac, quals)
            }
            Some(Token::Host(text)) => match (second, third) {
                (Some(Token::Sign("/")), Some(Token::Number(len))) => {
                    self.at += 3;
                    let (value, bits) = dotted(&text)?;
                    if len > 32 {
                        return pcap("mask length must be <= 32");
                    }
                    let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
                    made.net_with_mask(value << (32 - bits), mask, &format!("{text}/{len}"), quals)
                }
                (Some(Token::Key("mask")), Some(Token::Host(mask))) => {
                    self.at += 3;
                    let (value, bits) = dotted(&text)?;
                    let (m, mask_bits) = dotted(&mask)?;
                    let typed = format!("{text} mask {mask}");
                    made.net_with_mask(value << (32 - bits), m << (32 - mask_bits), &typed, quals)
                }
                (Some(Token::Sign("/") | Token::Key("mask")), _) => {
                    self.at += 2;
                    Err(self.stuck())
                }
                _ => {
                    self.at += 1;
                    let applied = match quals.map(|q| q.kind) {
                        Some(Kind::Port) => "port",
                        Some(Kind::PortRange) => "portrange",
                        Some(Kind::Proto) => "proto",
                        _ => "",
                    };
                    if !applied.is_empty() {
                        return pcap(format!("'{applied}' modifier applied to ip host"));
                    }
                    let (value, bits) = dotted(&text)?;
                    made.number(value, Some(bits), quals)
                }
            },
            Some(Token::Host6(_)) => {
                self.at += 1;
                if self.eat_sign("/") {
                    self.plain_number()?;
                    self.at += 1;
                }
                made.host6(quals)
            }
            _ => Err(self.stuck()),
        }
    }

    fn relation(&mut self) -> Result<Test, FilterError> {
        let (left, before) = self.arith(0)?;
        let (how, turned) = match self.peek() {
            Some(Token::Sign("=")) => (Comparison::Equal, false),
            Some(Token::Sign(">")) => (Comparison::Greater, false),
            Some(Token::Sign(">=")) => (Comparison::GreaterOrEqual, false),
            Some(Token::Sign("!=")) => (Comparison::Equal, true),
            Some(Token::Sign("<=")) => (Comparison::Greater, true),
            Some(Token::Sign("<")) => (Comparison::GreaterOrEqual, true),
            _ => return Err(self.stuck()),
        };
        self.at += 1;
        let (right, behind) = self.arith(0)?;
        let test = Test::Compare(left, how, right);
        let test = if turned { not(test) } else { test };
        Ok(match guarded(before, behind) {
            Some(guard) => and(guard, test),
            None => test,
        })
    }

    fn arith(&mut self, level: usize) -> Result<Arith, FilterError> {
        let Some(signs) = LEVELS.get(level) else { return self.value() };
        let (mut left, mut guard) = self.arith(level + 1)?;
        loop {
            let found = match self.peek() {
                Some(Token::Sign(s)) => signs.iter().find(|(sign, _)| sign == s),
                _ => None,
            };
            let Some((_, how)) = found else { return Ok((left, guard)) };
            self.at += 1;
            let (right, behind) = self.arith(level + 1)?;
            match (how, &right) {
                (Operator::Divide, Value::Number(0)) => return pcap("division by zero"),
                (Operator::Remainder, Value::Number(0)) => return pcap("modulus by zero"),
                (Operator::Left | Operator::Right, Value::Number(32..)) => {
                    return pcap("shift by more than 31 bits");
                }
                _ => {}
            }
            left = join(left, *how, right);
            guard = guarded(guard, behind);
        }
    }

    fn value(&mut self) -> Result<Arith, FilterError> {
        if self.eat_sign("-") {
            self.deeper()?;
            let (value, guard) = self.value()?;
            self.depth -= 1;
            return Ok((Value::Negative(Box::new(value)), guard));
        }
        if self.eat_sign("(") {
            self.deeper()?;
            let inner = self.arith(0)?;
            self.depth -= 1;
            self.close()?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Token::Number(n)) => {
                let n = *n;
                self.at += 1;
                Ok((Value::Number(n), None))
            }
            Some(Token::Key("len")) => {
                self.at += 1;
                Ok((Value::Length, None))
            }
            Some(Token::Key(word)) if PROTOCOLS.contains(word) && self.is_sign(1, "[") => {
                let word = *word;
                self.at += 2;
                self.deeper()?;
                let (at, inner) = self.arith(0)?;
                self.depth -= 1;
                let mut size = 1;
                if self.eat_sign(":") {
                    size = self.plain_number()?;
                    self.at += 1;
                }
                if !self.eat_sign("]") {
                    return Err(self.stuck());
                }
                let (value, guard) = self.generator.load(word, at, size)?;
                Ok((value, guarded(inner, guard)))
            }
            _ => Err(self.stuck()),
        }
    }
}

fn guarded(a: Option<Test>, b: Option<Test>) -> Option<Test> {
    match (a, b) {
        (Some(a), Some(b)) => Some(and(a, b)),
        (a, b) => a.or(b),
    }
}

/// Up to four numbers with dots, and how many bits they are (`__pcap_atoin`).
fn dotted(text: &str) -> Result<(u32, u32), FilterError> {
    let (mut value, mut bits) = (0, 0);
    for part in text.split('.') {
        match part.parse::<u8>() {
            Ok(n) => (value, bits) = (value << 8 | u32::from(n), bits + 8),
            Err(_) => return pcap(format!("invalid IPv4 address '{text}'")),
        }
    }
    Ok((value, bits))
}
