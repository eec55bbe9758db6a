//! `ss` (iproute2 6.1): the host's TCP and UDP sockets, by state, address and port.
//!
//! Left out, refused by name: UNIX, raw and packet sockets, `-s`, `-i`, `-m`, `-e`, names of ports, filters by device, mark and
//! cgroup. `-p` names no process, since there is none. The kernel lists sockets in the order of a hash with a random seed; here
//! listeners come first, then connections by age of their place.

use super::output::Output;
use super::words::number;
use crate::base::DevIdx;
use crate::net::sock::SockInfo;
use crate::node::Host;
use crate::wire::Proto;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The states by ss's names, their names in `/proc/net/tcp`, and how they are shown.
const STATES: &[(&str, &str, &str)] = &[
    ("established", "ESTABLISHED", "ESTAB"),
    ("syn-sent", "SYN_SENT", "SYN-SENT"),
    ("syn-recv", "SYN_RECV", "SYN-RECV"),
    ("fin-wait-1", "FIN_WAIT1", "FIN-WAIT-1"),
    ("fin-wait-2", "FIN_WAIT2", "FIN-WAIT-2"),
    ("time-wait", "TIME_WAIT", "TIME-WAIT"),
    ("closed", "", "UNCONN"),
    ("close-wait", "CLOSE_WAIT", "CLOSE-WAIT"),
    ("last-ack", "LAST_ACK", "LAST-ACK"),
    ("listening", "LISTEN", "LISTEN"),
    ("closing", "CLOSING", "CLOSING"),
];

/// `ss ARGS`.
pub fn main(host: &mut Host, now_us: u32, args: &[String], out: &mut Output) -> u8 {
    let wanted = match Wanted::read(args) {
        Ok(wanted) => wanted,
        Err((status, text)) => {
            out.err(&text);
            return status;
        }
    };
    if wanted.processes {
        out.err("lvsim: processes are not simulated: -p names none");
    }
    // UDP is asked for first, then TCP (`main` in misc/ss.c).
    let all = host.udp.sockets().into_iter().chain(host.tcp.sockets());
    let shown: Vec<SockInfo> = all.filter(|s| wanted.shows(s)).collect();
    let name = |dev: DevIdx| host.net.devs[dev.index()].name.clone();
    wanted.print(&shown, now_us, &name, out);
    0
}

/// What is asked for.
#[derive(Debug, Default)]
struct Wanted {
    tcp: bool,
    udp: bool,
    all: bool,
    listening: bool,
    timers: bool,
    processes: bool,
    no_header: bool,
    /// Bits of [`STATES`], if states were named.
    states: Option<u32>,
    filter: Option<Filter>,
}

type Refusal = (u8, String);

impl Wanted {
    fn read(args: &[String]) -> Result<Wanted, Refusal> {
        let mut w = Wanted::default();
        let mut numeric = false;
        let mut at = 0;
        while let Some(arg) = args.get(at).filter(|a| a.starts_with('-') && a.len() > 1) {
            at += 1;
            let letters = match arg.as_str() {
                "--tcp" => "t",
                "--udp" => "u",
                "--all" => "a",
                "--listening" => "l",
                "--numeric" => "n",
                "--options" => "o",
                "--processes" => "p",
                "--no-header" => "H",
                "--ipv4" => "4",
                long if long.starts_with("--") => {
                    return Err((255, format!("lvsim: ss {long} is not simulated")));
                }
                short => &short[1..],
            };
            for c in letters.chars() {
                match c {
                    't' => w.tcp = true,
                    'u' => w.udp = true,
                    'a' => w.all = true,
                    'l' => w.listening = true,
                    'n' => numeric = true,
                    'o' => w.timers = true,
                    'p' => w.processes = true,
                    'H' => w.no_header = true,
                    '4' => {}
                    c => return Err((255, format!("lvsim: ss -{c} is not simulated"))),
                }
            }
        }
        if !numeric {
            return Err((255, "lvsim: ss is simulated with -n only: ports are not shown by name".into()));
        }
        if !w.tcp && !w.udp {
            return Err((255, "lvsim: ss is simulated with -t, -u or both: there are no UNIX or raw sockets".into()));
        }
        w.read_states_and_filter(&args[at..])?;
        Ok(w)
    }

    fn read_states_and_filter(&mut self, mut words: &[String]) -> Result<(), Refusal> {
        while let [key, state, rest @ ..] = words
            && let keep @ ("state" | "exclude" | "excl") = key.as_str()
        {
            let named = states_named(state).ok_or_else(|| (255, format!("ss: wrong state name: {state}")))?;
            self.states = Some(match (keep, self.states) {
                ("state", before) => before.unwrap_or(0) | named,
                (_, before) => before.unwrap_or(ALL_STATES) & !named,
            });
            words = rest;
        }
        if words.is_empty() {
            return Ok(());
        }
        let text = words.join(" ");
        let tokens = tokens(&text);
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
        let filter = parser.any().filter(|_| parser.at == tokens.len());
        self.filter =
            Some(filter.ok_or_else(|| (255, format!("ss: bison bellows (while parsing filter): \"syntax error!\"\nSorry, why.\nlvsim: the filter was: {text}")))?);
        Ok(())
    }

    fn shows(&self, s: &SockInfo) -> bool {
        let proto = if s.proto == Proto::Tcp { self.tcp } else { self.udp };
        let states = match (self.states, self.all, self.listening) {
            (Some(states), ..) => states,
            (_, true, _) => ALL_STATES,
            // A UDP socket without a peer counts as one that listens.
            (_, _, true) => bit("LISTEN") | bit(""),
            _ => ALL_STATES & !(bit("LISTEN") | bit("") | bit("TIME_WAIT") | bit("SYN_RECV")),
        };
        proto && states & bit(s.state) != 0 && self.filter.as_ref().is_none_or(|f| f.holds(s))
    }

    /// Columns are as wide as what they hold; one state alone is not named.
    fn print(&self, shown: &[SockInfo], now_us: u32, name: &dyn Fn(DevIdx) -> Arc<str>, out: &mut Output) {
        let both = self.tcp && self.udp;
        let one_state = self.states.is_some_and(|s| s.count_ones() == 1);
        let mut rows: Vec<[String; 9]> = Vec::new();
        if !self.no_header {
            rows.push(
                ["Netid", "State", "Recv-Q", "Send-Q", "Local Address:", "Port", "Peer Address:", "Port", "Process"]
                    .map(str::to_string),
            );
        }
        for s in shown {
            let timer = s.timer.filter(|_| self.timers).map_or_else(String::new, |t| {
                format!(" timer:({},{},{})", t.what, left(t.until.wrapping_sub(now_us)), t.retransmits)
            });
            rows.push([
                if s.proto == Proto::Tcp { "tcp" } else { "udp" }.to_string(),
                STATES.iter().find(|(_, name, _)| *name == s.state).map_or("UNKNOWN", |(.., shown)| shown).to_string(),
                s.recv_q.to_string(),
                s.send_q.to_string(),
                match s.dev {
                    Some(dev) => format!("{}%{}:", s.local.0, name(dev)),
                    None => format!("{}:", s.local.0),
                },
                port(s.local.1),
                format!("{}:", s.remote.0),
                port(s.remote.1),
                timer,
            ]);
        }
        let mut width = [0; 9];
        for row in &rows {
            for (w, text) in width.iter_mut().zip(row) {
                *w = (*w).max(text.len());
            }
        }
        for row in &rows {
            let mut line = String::new();
            for (n, (text, width)) in row.iter().zip(width).enumerate() {
                match n {
                    0 if !both => continue,
                    1 if one_state => continue,
                    // Addresses are pushed against their ports.
                    4 | 6 => line += &format!("{text:>width$}"),
                    7 => line += &format!("{text:<width$}"),
                    _ => line += &format!("{text:<width$}{}", if n == 8 { "" } else { " " }),
                }
            }
            out.line(&line);
        }
    }
}

const ALL_STATES: u32 = (1 << STATES.len()) - 1;

fn bit(state: &str) -> u32 {
    STATES.iter().position(|(_, name, _)| *name == state).map_or(0, |n| 1 << n)
}

fn states_named(word: &str) -> Option<u32> {
    let listening = bit("LISTEN") | bit("");
    Some(match word {
        "all" => ALL_STATES,
        "connected" => ALL_STATES & !listening,
        "synchronized" => ALL_STATES & !listening & !bit("SYN_SENT"),
        "bucket" => bit("SYN_RECV") | bit("TIME_WAIT"),
        "big" => ALL_STATES & !(bit("SYN_RECV") | bit("TIME_WAIT")),
        "listen" => bit("LISTEN"),
        "close" | "unconnected" => bit(""),
        word => 1 << STATES.iter().position(|(name, ..)| *name == word)?,
    })
}

fn port(port: u16) -> String {
    if port == 0 { "*".to_string() } else { port.to_string() }
}

/// As ss writes what is left of a timer: the larger it is, the less exact.
fn left(us: u32) -> String {
    let ms = us / 1000;
    let (minutes, secs, msecs) = (ms / 60_000, ms / 1000 % 60, ms % 1000);
    let mut text = String::new();
    if minutes > 0 {
        text += &format!("{minutes}min");
    }
    let secs = if minutes > 9 { 0 } else { secs };
    let msecs = if minutes > 0 || secs > 9 { 0 } else { msecs };
    match (secs, msecs) {
        (0, 0) => {}
        (0, ms) => text += &format!("{ms:03}ms"),
        (s, 0) => text += &format!("{s}sec"),
        (s, ms) => text += &format!("{s}.{ms:03}ms"),
    }
    text
}

/// An expression over addresses and ports.
#[derive(Clone, Debug)]
enum Filter {
    Port { local: bool, compare: Compare, port: u16 },
    Addr { local: bool, net: Ipv4Addr, len: u8, port: Option<u16>, not: bool },
    Not(Box<Filter>),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Clone, Copy, Debug)]
enum Compare {
    Eq,
    Ne,
    Ge,
    Le,
    Gt,
    Lt,
}

impl Filter {
    fn holds(&self, s: &SockInfo) -> bool {
        match self {
            Filter::Port { local, compare, port } => {
                let have = if *local { s.local.1 } else { s.remote.1 };
                match compare {
                    Compare::Eq => have == *port,
                    Compare::Ne => have != *port,
                    Compare::Ge => have >= *port,
                    Compare::Le => have <= *port,
                    Compare::Gt => have > *port,
                    Compare::Lt => have < *port,
                }
            }
            Filter::Addr { local, net, len, port, not } => {
                let (addr, have) = if *local { s.local } else { s.remote };
                let mask = u32::MAX.checked_shl(32 - u32::from(*len)).unwrap_or(0);
                let inside = addr.to_bits() & mask == net.to_bits() & mask && port.is_none_or(|p| p == have);
                inside != *not
            }
            Filter::Not(f) => !f.holds(s),
            Filter::All(list) => list.iter().all(|f| f.holds(s)),
            Filter::Any(list) => list.iter().any(|f| f.holds(s)),
        }
    }
}

/// Words, parentheses, `!` and comparisons of a filter.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '(' | ')' => 1,
            '!' | '=' | '<' | '>' | '&' | '|' => {
                rest.len() - rest.trim_start_matches(['!', '=', '<', '>', '&', '|']).len()
            }
            _ => rest.find(|c: char| c.is_whitespace() || "()!=<>&|".contains(c)).unwrap_or(rest.len()),
        };
        tokens.push(rest[..len].to_string());
        rest = rest[len..].trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    /// Parentheses and negations that may stand in each other.
    const DEEPEST: u32 = 64;

    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<&str> {
        self.at += 1;
        self.tokens.get(self.at - 1).map(String::as_str)
    }

    fn any(&mut self) -> Option<Filter> {
        let mut list = vec![self.all()?];
        while matches!(self.peek(), Some("or" | "|" | "||")) {
            self.at += 1;
            list.push(self.all()?);
        }
        Some(Filter::Any(list))
    }

    fn all(&mut self) -> Option<Filter> {
        let mut list = vec![self.one()?];
        loop {
            match self.peek() {
                Some("and" | "&" | "&&") => self.at += 1,
                // Two expressions side by side must both hold.
                Some(word) if !matches!(word, "or" | "|" | "||" | ")") => {}
                _ => return Some(Filter::All(list)),
            }
            list.push(self.one()?);
        }
    }

    fn one(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > Self::DEEPEST {
            return None;
        }
        let word = self.next()?.to_string();
        let filter = match word.as_str() {
            "not" | "!" => Filter::Not(Box::new(self.one()?)),
            "(" => {
                let inner = self.any()?;
                (self.next()? == ")").then_some(inner)?
            }
            "sport" | "dport" => {
                let compare = self.compare()?;
                let text = self.next()?;
                let port = u16::try_from(number(text.rsplit(':').next()?)?).ok()?;
                Filter::Port { local: word == "sport", compare, port }
            }
            "src" | "dst" => {
                let compare = if matches!(self.peek()?, "=" | "==" | "eq" | "!=" | "ne" | "neq") {
                    self.compare()?
                } else {
                    Compare::Eq
                };
                let text = self.next()?;
                let (addr, port) = match text.split_once(':') {
                    Some((addr, "" | "*")) => (addr, None),
                    Some((addr, port)) => (addr, Some(port.parse().ok()?)),
                    None => (text, None),
                };
                let (net, len) = match addr {
                    "" | "*" => (Ipv4Addr::UNSPECIFIED, 0),
                    addr => {
                        let (net, len) = addr.split_once('/').unwrap_or((addr, "32"));
                        (net.parse().ok()?, len.parse().ok().filter(|l| *l <= 32)?)
                    }
                };
                Filter::Addr { local: word == "src", net, len, port, not: matches!(compare, Compare::Ne) }
            }
            _ => return None,
        };
        self.depth -= 1;
        Some(filter)
    }

    fn compare(&mut self) -> Option<Compare> {
        Some(match self.next()? {
            "=" | "==" | "eq" => Compare::Eq,
            "!=" | "ne" | "neq" => Compare::Ne,
            ">=" | "ge" | "geq" => Compare::Ge,
            "<=" | "le" | "leq" => Compare::Le,
            ">" | "gt" => Compare::Gt,
            "<" | "lt" => Compare::Lt,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::sock::SockTimer;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn socks() -> Vec<SockInfo> {
        let any = (Ipv4Addr::UNSPECIFIED, 0);
        let sock = |proto, local, remote, state, timer| SockInfo {
            proto,
            local,
            remote,
            dev: None,
            state,
            recv_q: 0,
            send_q: 0,
            timer,
        };
        let life = SockTimer { what: "timewait", until: 54_000_000, retransmits: 0 };
        vec![
            sock(Proto::Udp, (any.0, 53), any, "", None),
            sock(Proto::Tcp, (any.0, 80), any, "LISTEN", None),
            sock(Proto::Tcp, (A, 32768), (B, 80), "ESTABLISHED", None),
            sock(Proto::Tcp, (A, 32769), (B, 80), "TIME_WAIT", Some(life)),
        ]
    }

    fn printed(line: &str) -> Result<String, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let wanted = Wanted::read(&args).map_err(|(_, text)| text)?;
        let shown: Vec<SockInfo> = socks().into_iter().filter(|s| wanted.shows(s)).collect();
        let mut out = Output::new();
        wanted.print(&shown, 0, &|dev| format!("eth{}", dev.0).into(), &mut out);
        Ok(out.text())
    }

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        assert_eq!(
            printed("-nt").unwrap(),
            "State Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess\n\
             ESTAB 0      0           10.0.0.1:32768     10.0.0.2:80         \n"
        );
        assert!(printed("-ntu state all").unwrap().starts_with("Netid State     Recv-Q"));
    }

    #[test]
    fn one_state_is_not_named_and_its_timer_is_shown() {
        assert_eq!(
            printed("-nto state time-wait").unwrap(),
            "Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess                  \n\
             0      0           10.0.0.1:32769     10.0.0.2:80   timer:(timewait,54sec,0)\n"
        );
    }

    #[test]
    fn filters_choose_by_address_and_port() {
        for (filter, rows) in [
            ("sport = :80", 1),
            ("dport eq 80", 2),
            ("sport > :32768", 1),
            ("dst 10.0.0.2:80 and not sport = :32768", 1),
            ("( sport = :80 or sport = :32769 ) src 10.0.0.0/8", 1),
            ("dst != 10.0.0.2", 1),
        ] {
            let text = printed(&format!("-Hnta {filter}")).unwrap();
            assert_eq!(text.lines().count(), rows, "{filter}: {text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for line in ["-t", "-n", "-nts", "-nt state nowhere", "-nt sport", "-nt ( sport = :80", "-nt fwmark = 1"] {
            assert!(printed(line).is_err(), "{line}");
        }
        let deep = format!("-nt {} sport = :80", "not ".repeat(100));
        assert!(printed(&deep).is_err());
    }

    #[test]
    fn what_is_left_of_a_timer_is_less_exact_the_longer_it_is() {
        for (us, text) in [
            (200_000, "200ms"),
            (1_250_000, "1.250ms"),
            (54_321_000, "54sec"),
            (119_000_000, "1min59sec"),
            (900_000_000, "15min"),
        ] {
            assert_eq!(left(us), text);
        }
    }
}
