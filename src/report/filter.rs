//! Which records `trace` shows: a node or an interface, a packet, a flow, and a filter in tcpdump's words.
//!
//! The words are `arp`, `ip`, `tcp`, `udp`, `icmp`, `ipip`, `drop`, `[src|dst] host ADDRESS`, `[src|dst] net PREFIX`,
//! `[src|dst] port PORT`, joined by `and`, `or`, `not` (or `&&`, `||`, `!`) and parentheses; two terms side by side are
//! joined by `and`. Unlike tcpdump, which looks at the outer header only, addresses, ports and protocols are also looked
//! for inside a tunnel, so that `tcp port 80` follows a packet through it. What an ICMP error quotes does not count here
//! (the error is no TCP packet), but does for [`TraceFilter::flow`]: an error belongs to the flow that it is about.
//! Left out: byte offsets, `ether`, `less`, `greater`, names for ports.

use crate::trace::{Record, TraceEvent};
use crate::wire::{Frame, Icmp, IpPacket, L3, L4};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// What `trace` shows. The default shows every frame and every drop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    /// Only what passed this node, and with a second name only this interface of it.
    pub on: Option<(String, Option<String>)>,
    /// Only this packet, from birth to end: [`crate::wire::PacketId`].
    pub packet: Option<u32>,
    /// Only packets from or to this address and port, and errors about them.
    pub flow: Option<(Ipv4Addr, u16)>,
    /// Only what this expression holds for.
    pub expr: Option<Expr>,
}

/// A filter expression, read from words by [`Expr::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `arp`
    Arp,
    /// `ip`
    Ip,
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `icmp`
    Icmp,
    /// `ipip`
    Ipip,
    /// `drop`: the end of a packet that was lost.
    Drop,
    /// `host`, `net`: an address within the prefix.
    Net(Side, Ipv4Net),
    /// `port`
    Port(Side, u16),
    /// `not`
    Not(Box<Expr>),
    /// `and`
    And(Box<Expr>, Box<Expr>),
    /// `or`
    Or(Box<Expr>, Box<Expr>),
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `src`
    Src,
    /// `dst`
    Dst,
    /// Either.
    Any,
}

/// Why an expression cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The word at which reading stopped, counted from 0; the number of words if the end came too early.
    pub word: usize,
    /// What is wrong.
    pub message: String,
}

/// Every word that a filter may begin a term with.
pub const WORDS: &[&str] =
    &["arp", "drop", "dst", "host", "icmp", "ip", "ipip", "net", "not", "port", "src", "tcp", "udp"];

/// The deepest nesting and the longest filter, so that no command line exhausts the stack.
const MAX_WORDS: usize = 500;

impl TraceFilter {
    /// Whether the record is shown. `node` and `dev` are the names of where it happened.
    ///
    /// Only frames and drops are ever shown.
    pub fn matches(&self, record: &Record, node: &str, dev: Option<&str>) -> bool {
        let (frame, dropped) = match &record.event {
            TraceEvent::Frame { frame, .. } => (frame, false),
            TraceEvent::Dropped { frame, .. } => (frame, true),
            _ => return false,
        };
        self.on.as_ref().is_none_or(|(n, d)| n == node && (d.is_none() || d.as_deref() == dev))
            && self.packet.is_none_or(|id| has_id(frame, id))
            && self.flow.is_none_or(|end| has_end(frame, end))
            && self.expr.as_ref().is_none_or(|e| e.holds(frame, dropped))
    }
}

impl Expr {
    /// Reads the words of a command line; each may hold several (`"tcp port 80"`). No words at all: no filter.
    ///
    /// # Errors
    /// Says at which word, and what could stand there.
    pub fn parse(words: &[String]) -> Result<Option<Expr>, FilterError> {
        let tokens = tokens(words);
        if tokens.is_empty() {
            return Ok(None);
        }
        if tokens.len() > MAX_WORDS {
            return Err(FilterError { word: MAX_WORDS, message: format!("a filter has at most {MAX_WORDS} words") });
        }
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let expr = parser.or()?;
        match parser.peek() {
            None => Ok(Some(expr)),
            Some(")") => Err(parser.fail("a `)` without its `(`")),
            Some(word) => Err(parser.fail(format!("`{word}` cannot stand here"))),
        }
    }

    /// Whether it holds for a frame that passed, or with `dropped` for one that ended.
    pub fn holds(&self, frame: &Frame, dropped: bool) -> bool {
        match self {
            Expr::Arp => matches!(frame.l3, L3::Arp(_)),
            Expr::Ip => frame.ip().is_some(),
            Expr::Tcp => layers(frame).any(|p| matches!(transport(&p.l4), L4::Tcp(_))),
            Expr::Udp => layers(frame).any(|p| matches!(transport(&p.l4), L4::Udp(_))),
            Expr::Icmp => layers(frame).any(|p| matches!(transport(&p.l4), L4::Icmp(_))),
            Expr::Ipip => layers(frame).any(|p| matches!(transport(&p.l4), L4::Ipip(_))),
            Expr::Drop => dropped,
            Expr::Net(side, net) => match &frame.l3 {
                L3::Arp(arp) => side.any(net.contains(&arp.spa), net.contains(&arp.tpa)),
                L3::Ip(_) => layers(frame).any(|p| side.any(net.contains(&p.saddr), net.contains(&p.daddr))),
            },
            Expr::Port(side, port) => {
                layers(frame).any(|p| ports(p).is_some_and(|(src, dst)| side.any(src == *port, dst == *port)))
            }
            Expr::Not(e) => !e.holds(frame, dropped),
            Expr::And(a, b) => a.holds(frame, dropped) && b.holds(frame, dropped),
            Expr::Or(a, b) => a.holds(frame, dropped) || b.holds(frame, dropped),
        }
    }
}

impl Side {
    fn any(self, src: bool, dst: bool) -> bool {
        match self {
            Side::Src => src,
            Side::Dst => dst,
            Side::Any => src || dst,
        }
    }
}

/// The packet and those that it carries, outermost first.
fn layers(frame: &Frame) -> impl Iterator<Item = &IpPacket> {
    std::iter::successors(frame.ip(), |p| match transport(&p.l4) {
        L4::Ipip(inner) => Some(inner),
        _ => None,
    })
}

/// What a fragment is a piece of; anything else as it is.
fn transport(l4: &L4) -> &L4 {
    match l4 {
        L4::Fragment(f) => transport(&f.whole),
        other => other,
    }
}

fn ports(packet: &IpPacket) -> Option<(u16, u16)> {
    match transport(&packet.l4) {
        L4::Tcp(t) => Some((t.sport, t.dport)),
        L4::Udp(u) => Some((u.sport, u.dport)),
        _ => None,
    }
}

/// The packet that an ICMP error is about.
fn quoted(packet: &IpPacket) -> Option<&IpPacket> {
    match transport(&packet.l4) {
        L4::Icmp(icmp) => match &**icmp {
            Icmp::Unreachable { quote, .. } | Icmp::TimeExceeded { quote, .. } | Icmp::Redirect { quote, .. } => {
                Some(quote)
            }
            Icmp::Echo { .. } => None,
        },
        L4::Ipip(inner) => Some(inner),
        _ => None,
    }
}

fn has_id(frame: &Frame, id: u32) -> bool {
    layers(frame).any(|p| p.id.0 == id)
}

fn has_end(frame: &Frame, (addr, port): (Ipv4Addr, u16)) -> bool {
    std::iter::successors(frame.ip(), |p| quoted(p)).any(|p| {
        ports(p).is_some_and(|(src, dst)| (p.saddr == addr && src == port) || (p.daddr == addr && dst == port))
    })
}

/// Words and signs: `!(tcp` is three.
fn tokens(words: &[String]) -> Vec<String> {
    let spaced: String = words.join(" ").replace('(', " ( ").replace(')', " ) ");
    spaced
        .replace('!', " ! ")
        .replace("&&", " && ")
        .replace("||", " || ")
        .split_whitespace()
        .map(String::from)
        .collect()
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn eat(&mut self, words: &[&str]) -> bool {
        let hit = self.peek().is_some_and(|w| words.contains(&w));
        self.at += usize::from(hit);
        hit
    }

    fn fail(&self, message: impl Into<String>) -> FilterError {
        FilterError { word: self.at, message: message.into() }
    }

    fn or(&mut self) -> Result<Expr, FilterError> {
        let mut left = self.and()?;
        while self.eat(&["or", "||"]) {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut left = self.term()?;
        loop {
            let joined = self.eat(&["and", "&&"]);
            if !joined && matches!(self.peek(), None | Some("or" | "||" | ")")) {
                return Ok(left);
            }
            left = Expr::And(Box::new(left), Box::new(self.term()?));
        }
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        if self.eat(&["not", "!"]) {
            return Ok(Expr::Not(Box::new(self.term()?)));
        }
        if self.eat(&["("]) {
            let inner = self.or()?;
            return match self.eat(&[")"]) {
                true => Ok(inner),
                false => Err(self.fail("a `(` without its `)`")),
            };
        }
        let side = match self.peek() {
            Some("src") => Side::Src,
            Some("dst") => Side::Dst,
            _ => Side::Any,
        };
        self.at += usize::from(side != Side::Any);
        let Some(word) = self.peek().map(String::from) else {
            return Err(self.fail(format!("the filter ends too early; next could be: {}", WORDS.join(", "))));
        };
        match word.as_str() {
            "host" | "net" | "port" => {
                self.at += 1;
                self.argument(&word, side)
            }
            _ if side != Side::Any => self.address(side),
            "arp" => self.word(Expr::Arp),
            "ip" => self.word(Expr::Ip),
            "tcp" => self.word(Expr::Tcp),
            "udp" => self.word(Expr::Udp),
            "icmp" => self.word(Expr::Icmp),
            "ipip" => self.word(Expr::Ipip),
            "drop" => self.word(Expr::Drop),
            other if other.parse::<Ipv4Addr>().is_ok() => {
                Err(self.fail(format!("an address needs `host` before it: `host {other}`")))
            }
            other => Err(self.fail(format!("`{other}` is no word of a filter; there are: {}", WORDS.join(", ")))),
        }
    }

    fn word(&mut self, expr: Expr) -> Result<Expr, FilterError> {
        self.at += 1;
        Ok(expr)
    }

    fn argument(&mut self, kind: &str, side: Side) -> Result<Expr, FilterError> {
        let Some(text) = self.peek().map(String::from) else {
            return Err(self.fail(format!("`{kind}` wants something after it")));
        };
        match kind {
            "port" => match text.parse() {
                Ok(port) => self.word(Expr::Port(side, port)),
                Err(_) => Err(self.fail(format!("`{text}` is no port: a number up to 65535"))),
            },
            "net" => match text.parse::<Ipv4Net>() {
                Ok(net) => self.word(Expr::Net(side, net.trunc())),
                Err(_) => Err(self.fail(format!("`{text}` is no network, such as `192.168.1.0/24`"))),
            },
            _ => self.address(side),
        }
    }

    fn address(&mut self, side: Side) -> Result<Expr, FilterError> {
        match self.peek().map(|t| (t.parse::<Ipv4Addr>(), t.to_string())) {
            Some((Ok(addr), _)) => self.word(Expr::Net(side, addr.into())),
            Some((Err(_), text)) => Err(self.fail(format!("`{text}` is no IPv4 address"))),
            None => Err(self.fail("an address is missing at the end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{DevIdx, NodeId, SimTime};
    use crate::trace::{Dir, DropReason};
    use crate::wire::{Arp, ArpOp, Body, Datagram, Fragment, Mac, PacketId};

    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 101);
    const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
    const DIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 199);
    const RIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 198);

    fn packet(saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) -> IpPacket {
        IpPacket { saddr, daddr, id: PacketId(7), frag: 0, ttl: 64, tos: 0, l4 }
    }

    fn datagram() -> IpPacket {
        let udp = Datagram { sport: 32768, dport: 53, len: 100, body: Body::FILLER };
        packet(CLIENT, VIP, L4::Udp(udp))
    }

    fn frame(p: IpPacket) -> Frame {
        Frame { l3: L3::Ip(p), dst: Mac::default(), src: Mac::default() }
    }

    fn who_has() -> Frame {
        let arp = Arp { op: ArpOp::Request, sha: Mac::default(), spa: CLIENT, tha: Mac::default(), tpa: VIP };
        Frame { l3: L3::Arp(arp), dst: Mac::default(), src: Mac::default() }
    }

    fn tunnelled() -> Frame {
        frame(packet(DIP, RIP, L4::Ipip(Box::new(datagram()))))
    }

    fn error() -> Frame {
        let icmp = Icmp::Unreachable { code: 3, mtu: 0, quote: Box::new(datagram()) };
        frame(packet(VIP, CLIENT, L4::Icmp(Box::new(icmp))))
    }

    fn parse(text: &str) -> Expr {
        Expr::parse(&[text.to_string()]).expect("a filter that can be read").expect("a filter that is not empty")
    }

    #[test]
    fn each_filter_takes_the_frames_that_it_names() {
        let frames = [who_has(), frame(datagram()), tunnelled(), error()];
        // One column each: ARP request, UDP, the same in a tunnel, an error about it.
        for (filter, taken) in [
            ("arp", "x..."),
            ("not arp", ".xxx"),
            ("! arp", ".xxx"),
            ("ip", ".xxx"),
            ("udp", ".xx."),
            ("tcp", "...."),
            ("icmp", "...x"),
            ("ipip", "..x."),
            ("host 192.168.1.200", "xxxx"),
            ("host 192.168.1.198", "..x."),
            ("src 192.168.1.101", "xxx."),
            ("src host 192.168.1.200", "...x"),
            ("net 192.168.1.0/24", "xxxx"),
            ("dst net 10.0.0.0/8", "...."),
            ("port 53", ".xx."),
            ("src port 53", "...."),
            ("udp port 53", ".xx."),
            ("arp or icmp", "x..x"),
            ("arp or udp and ipip", "x.x."),
            ("(arp or udp) and ipip", "..x."),
            ("!(arp||icmp)&&udp", ".xx."),
            ("drop", "...."),
            ("not not arp", "x..."),
        ] {
            let expr = parse(filter);
            let got: String = frames.iter().map(|f| if expr.holds(f, false) { 'x' } else { '.' }).collect();
            assert_eq!(got, taken, "{filter}");
        }
    }

    #[test]
    fn a_fragment_is_known_by_the_ports_of_its_whole() {
        let mut p = datagram();
        p.l4 = L4::Fragment(Box::new(Fragment { whole: p.l4.clone(), len: 40 }));
        assert!(parse("udp port 53").holds(&frame(p), false));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_word() {
        for (filter, word, part) in [
            ("host", 1, "wants something"),
            ("host rs1", 1, "no IPv4 address"),
            ("port 70000", 1, "no port"),
            ("net 10.0.0.0/40", 1, "no network"),
            ("(arp", 2, "without its `)`"),
            ("arp)", 1, "without its `(`"),
            ("arp and", 2, "too early"),
            ("apr", 0, "no word of a filter"),
            ("192.168.1.200", 0, "needs `host`"),
            ("src", 1, "too early"),
            ("dst rs1", 1, "no IPv4 address"),
        ] {
            let error = Expr::parse(&[filter.to_string()]).expect_err(filter);
            assert_eq!(error.word, word, "{filter}: {}", error.message);
            assert!(error.message.contains(part), "{filter}: {}", error.message);
        }
        assert_eq!(Expr::parse(&[]), Ok(None));
        let endless = vec!["(".to_string(); 100_000];
        assert!(Expr::parse(&endless).is_err());
    }

    #[test]
    fn a_flow_is_followed_both_ways_through_tunnels_and_into_errors() {
        let flow = TraceFilter { flow: Some((CLIENT, 32768)), ..TraceFilter::default() };
        for (f, taken) in [(frame(datagram()), true), (tunnelled(), true), (error(), true), (who_has(), false)] {
            assert_eq!(flow.matches(&seen(f), "rs1", Some("eth0")), taken);
        }
    }

    #[test]
    fn a_place_is_a_node_or_one_of_its_interfaces() {
        let on = |node: &str, dev: Option<&str>| TraceFilter {
            on: Some((node.into(), dev.map(String::from))),
            ..TraceFilter::default()
        };
        let record = seen(who_has());
        assert!(on("rs1", None).matches(&record, "rs1", Some("eth0")));
        assert!(on("rs1", Some("eth0")).matches(&record, "rs1", Some("eth0")));
        assert!(!on("rs1", Some("eth1")).matches(&record, "rs1", Some("eth0")));
        assert!(!on("rs1", Some("eth0")).matches(&record, "rs1", None));
        assert!(!on("rs2", None).matches(&record, "rs1", Some("eth0")));
    }

    #[test]
    fn drops_are_shown_and_can_be_asked_for_alone() {
        let lost = Record {
            at: SimTime::ZERO,
            node: NodeId(0),
            event: TraceEvent::Dropped {
                dev: None,
                frame: Box::new(frame(datagram())),
                reason: DropReason::TtlExpired,
            },
        };
        let drops = TraceFilter { expr: Some(parse("drop")), ..TraceFilter::default() };
        assert!(drops.matches(&lost, "rs1", None));
        assert!(!drops.matches(&seen(frame(datagram())), "rs1", None));
        assert!(TraceFilter::default().matches(&lost, "rs1", None));
        let mine = TraceFilter { packet: Some(7), ..TraceFilter::default() };
        assert!(mine.matches(&lost, "rs1", None));
        assert!(!mine.matches(&seen(who_has()), "rs1", None));
    }

    fn seen(frame: Frame) -> Record {
        Record {
            at: SimTime::ZERO,
            node: NodeId(0),
            event: TraceEvent::Frame { dev: DevIdx(2), dir: Dir::In, frame: Box::new(frame), ethernet: true },
        }
    }
}
