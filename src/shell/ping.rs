//! `ping` of iputils 20221126: echo requests, one by one, and what comes back.
//!
//! Left out, refused by name: flood, record route, timestamps, IPv6, patterns. Names are not looked up but `localhost`.

use super::bash::{Exec, Output, Stdin, Wait};
use super::machine::{HostMachine, Running};
use crate::base::{DevIdx, SimTime, Span};
use crate::net::Errno;
use crate::node::host::{EchoError, EchoRequest, FragmentRule, Heard};
use crate::wire::{Icmp, L3, L4};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A running `ping`.
#[derive(Clone, Debug)]
pub struct Ping {
    request: EchoRequest,
    shown: String,
    count: Option<u64>,
    interval: Span,
    linger: Option<Span>,
    deadline: Option<SimTime>,
    quiet: bool,
    started: SimTime,
    last_sent: SimTime,
    next: SimTime,
    sent: u64,
    received: u64,
    errors: u64,
    /// Numbers that were answered once; further answers are duplicates.
    answered: BTreeSet<u16>,
    repeats: u64,
    times: Vec<u64>,
    most_outstanding: u64,
    seen: usize,
    sent_at: Vec<(u16, SimTime)>,
}

/// `ping ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    match start(m, args, out) {
        Ok(ping) => Exec::Running(Running::Ping(ping)),
        Err(status) => Exec::Done(status),
    }
}

fn start(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> Result<Ping, u8> {
    let mut target = None;
    let mut count = None;
    let (mut interval, mut linger, mut limit) = (Span::from_secs(1), None, None);
    let (mut size, mut ttl, mut quiet, mut broadcast) = (56u32, None, false, false);
    let mut source: Option<Ipv4Addr> = None;
    let mut dev: Option<DevIdx> = None;
    let mut fragments = FragmentRule::Want;
    let usage = |out: &mut Output, text: &str| {
        out.stderr(&format!("ping: {text}\n"));
        2u8
    };
    let mut words = Options::new(args);
    while let Some(option) = words.next("cisWtIMwQlpmS") {
        let (letter, value) = match option {
            Word::Plain(word) => {
                target = Some(word);
                continue;
            }
            Word::Missing(letter) => {
                out.stderr(&format!("ping: option requires an argument -- '{letter}'\n"));
                return Err(2);
            }
            Word::Option(letter, value) => (letter, value),
        };
        let number =
            |out: &mut Output| value.parse::<u64>().map_err(|_| usage(out, &format!("invalid argument: '{value}'")));
        let seconds = |out: &mut Output| {
            Span::parse(&format!("{value}s")).map_err(|_| usage(out, &format!("bad timing interval: {value}")))
        };
        match letter {
            'c' => count = Some(number(out)?.max(1)),
            'i' => interval = seconds(out)?.max(Span::from_millis(2)),
            'W' => linger = Some(seconds(out)?),
            'w' => limit = Some(seconds(out)?),
            's' => size = number(out)?.min(127_992) as u32,
            't' => ttl = Some(number(out)?.clamp(1, 255) as u8),
            'q' => quiet = true,
            'n' | 'v' | '4' | 'O' => {}
            'b' => broadcast = true,
            'I' => match value.parse::<Ipv4Addr>() {
                Ok(addr) => source = Some(addr),
                Err(_) => match m.host.net.dev_by_name(&value) {
                    Some(found) => dev = Some(found),
                    None => return Err(usage(out, &format!("SO_BINDTODEVICE {value}: No such device"))),
                },
            },
            'M' => {
                fragments = match value.as_str() {
                    "do" => FragmentRule::Never,
                    "want" => FragmentRule::Want,
                    "dont" => FragmentRule::Allow,
                    _ => return Err(usage(out, &format!("invalid -M argument: {value}"))),
                }
            }
            'f' | 'R' | 'T' | 'p' | 'l' | 'Q' | 'm' | 'S' | 'A' | 'D' | 'U' | 'a' | 'd' | 'r' | 'L' | 'B' | 'h'
            | 'V' => {
                out.stderr(&format!("lvsim: ping -{letter} is not simulated\n"));
                return Err(2);
            }
            other => {
                out.stderr(&format!("ping: invalid option -- '{other}'\n"));
                return Err(2);
            }
        }
    }
    let Some(shown) = target else {
        out.stderr("ping: usage error: Destination address required\n");
        return Err(1);
    };
    let daddr = match (shown.as_str(), shown.parse::<Ipv4Addr>()) {
        (_, Ok(addr)) => addr,
        ("localhost", _) => Ipv4Addr::LOCALHOST,
        _ => return Err(usage(out, &format!("{shown}: Name or service not known"))),
    };
    if let Some(addr) = source
        && !m.host.net.is_local(addr)
    {
        return Err(usage(out, "bind: Cannot assign requested address"));
    }
    let ident = m.host.ping_ident();
    let request = EchoRequest { daddr, saddr: source, dev, ttl, size, ident, seq: 0, fragments };
    let route = match m.host.echo_route(&request) {
        Ok(route) => route,
        Err(Errno::Access) => {
            return Err(usage(out, "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"));
        }
        // A source that may not leave is noticed only when sending (net/ipv4/ping.c).
        Err(Errno::Invalid) if source.is_some() => None,
        Err(error) => return Err(usage(out, &format!("connect: {error}"))),
    };
    if route.is_some_and(|r| r.kind == crate::net::RouteKind::Broadcast) && !broadcast {
        return Err(usage(out, "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"));
    }
    if route.is_some_and(|r| r.kind == crate::net::RouteKind::Broadcast) {
        out.stderr("WARNING: pinging broadcast address\n");
    }
    let from = match (source, dev) {
        (Some(addr), _) => format!(" from {addr} :"),
        (None, Some(dev)) => {
            let saddr = route.map_or(Ipv4Addr::UNSPECIFIED, |r| r.saddr);
            format!(" from {saddr} {}:", m.host.net.devs[dev.index()].name)
        }
        (None, None) => String::new(),
    };
    out.stdout(&format!("PING {shown} ({daddr}){from} {size}({}) bytes of data.\n", size + 28));
    let now = m.cx.now;
    m.host.listen_to_packets(true);
    Ok(Ping {
        request,
        shown,
        count,
        interval,
        linger,
        deadline: limit.map(|l| now + l),
        quiet,
        started: now,
        last_sent: now,
        next: now,
        sent: 0,
        received: 0,
        errors: 0,
        answered: BTreeSet::new(),
        repeats: 0,
        times: Vec::new(),
        most_outstanding: 0,
        seen: m.host.heard_so_far(),
        sent_at: Vec::new(),
    })
}

impl Ping {
    /// Sends what is due, reads what came.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        self.read(m, out);
        loop {
            let now = m.cx.now;
            let all_sent = self.count.is_some_and(|c| self.sent >= c);
            let all_back = self.count.is_some_and(|c| self.received + self.errors >= c);
            if all_back || self.deadline.is_some_and(|d| now >= d) || (all_sent && now >= self.give_up()) {
                return Wait::Done(self.finish(m, out));
            }
            if all_sent {
                return Wait::UntilOrEvent(self.deadline.map_or(self.give_up(), |d| d.min(self.give_up())));
            }
            if now < self.next {
                return Wait::UntilOrEvent(self.deadline.map_or(self.next, |d| d.min(self.next)));
            }
            self.send(m, out);
            m.host.settle(m.cx);
            self.read(m, out);
        }
    }

    /// Interrupted: the statistics are printed.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8, out: &mut Output) -> Option<u8> {
        match signal {
            2 => Some(self.finish(m, out)),
            other => Some(128 + other),
        }
    }

    fn send(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) {
        let now = m.cx.now;
        self.sent += 1;
        self.request.seq = self.sent as u16;
        self.sent_at.push((self.request.seq, now));
        if self.sent_at.len() > 1024 {
            self.sent_at.remove(0);
        }
        self.last_sent = now;
        self.next = now + self.interval;
        self.most_outstanding = self.most_outstanding.max(self.sent - self.received);
        match m.host.send_echo(&self.request, m.cx) {
            Ok(()) => {}
            Err(EchoError::TooLong { mtu }) => {
                self.errors += 1;
                out.stderr(&format!("ping: local error: message too long, mtu={mtu}\n"));
            }
            Err(EchoError::Refused(error)) => {
                if self.request.saddr.is_none_or(|s| !s.is_loopback()) {
                    out.stderr(&format!("ping: sendmsg: {error}\n"));
                }
            }
        }
    }

    /// When to stop waiting for the last ones: twice the longest time if any came back, else `-W` (ten seconds).
    fn give_up(&self) -> SimTime {
        let wait = match self.times.iter().max() {
            Some(&longest) => Span(2 * longest).max(self.interval),
            None => self.linger.unwrap_or(Span::from_secs(10)),
        };
        self.last_sent + wait
    }

    fn read(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) {
        let news: Vec<Heard> = m.host.heard_since(&mut self.seen);
        for heard in news {
            let L3::Ip(pkt) = &heard.frame.l3 else { continue };
            let L4::Icmp(icmp) = &pkt.l4 else { continue };
            match &**icmp {
                Icmp::Echo { request: false, ident, seq, len, .. } if *ident == self.request.ident => {
                    let rtt = self.sent_at.iter().find(|(s, _)| s == seq).map(|(_, at)| heard.at.since(*at));
                    let again = !self.answered.insert(*seq);
                    self.received += u64::from(!again);
                    self.repeats += u64::from(again);
                    let mut line = format!("{} bytes from {}: icmp_seq={seq} ttl={}", len + 8, pkt.saddr, pkt.ttl);
                    if let Some(rtt) = rtt.filter(|_| *len >= 16) {
                        self.times.push(rtt.0);
                        line += &format!(" time={} ms", millis(rtt));
                    }
                    if again && !self.request.daddr.is_multicast() {
                        line += " (DUP!)";
                    }
                    if !self.quiet {
                        out.stdout(&(line + "\n"));
                    }
                }
                error => {
                    let Some(quote) = error.quote() else { continue };
                    let L4::Icmp(asked) = &quote.l4 else { continue };
                    let Icmp::Echo { request: true, ident, seq, .. } = &**asked else { continue };
                    if *ident != self.request.ident {
                        continue;
                    }
                    let redirect = matches!(error, Icmp::Redirect { .. });
                    self.errors += u64::from(!redirect);
                    if !self.quiet {
                        out.stdout(&format!("From {} icmp_seq={seq} {}\n", pkt.saddr, words_of(error)));
                    }
                }
            }
        }
    }

    fn finish(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> u8 {
        m.host.listen_to_packets(false);
        let mut text = format!("\n--- {} ping statistics ---\n", self.shown);
        text += &format!("{} packets transmitted, {} received", self.sent, self.received);
        if self.repeats > 0 {
            text += &format!(", +{} duplicates", self.repeats);
        }
        if self.errors > 0 {
            text += &format!(", +{} errors", self.errors);
        }
        let lost = (self.sent - self.received.min(self.sent)) * 100;
        let percent = |n: u64| {
            let thousandths = (lost * 10_000).checked_div(n).unwrap_or(0);
            let (whole, rest) = (thousandths / 10_000, thousandths % 10_000);
            if rest == 0 {
                whole.to_string()
            } else {
                format!("{whole}.{}", format!("{rest:04}").trim_end_matches('0'))
            }
        };
        let took = self.last_sent.since(self.started).as_millis();
        text += &format!(", {}% packet loss, time {took}ms\n", percent(self.sent));
        if !self.times.is_empty() {
            text += &statistics(&self.times);
        }
        if self.most_outstanding > 1 {
            let comma = if self.times.is_empty() { "" } else { ", " };
            text += &format!("{comma}pipe {}", self.most_outstanding);
        }
        out.stdout(&(text + "\n"));
        u8::from(self.received == 0)
    }
}

/// `rtt min/avg/max/mdev = …`, in milliseconds with three decimals; the deviation's square root in integers.
fn statistics(times: &[u64]) -> String {
    let micros: Vec<u64> = times.iter().map(|t| t / 1000).collect();
    let n = micros.len() as u64;
    let sum: u64 = micros.iter().sum();
    let mean = sum / n;
    let squares: u128 = micros.iter().map(|&t| u128::from(t) * u128::from(t)).sum();
    let variance = (squares / u128::from(n)).saturating_sub(u128::from(sum) * u128::from(sum) / u128::from(n * n));
    let ms = |us: u64| format!("{}.{:03}", us / 1000, us % 1000);
    let (min, max) = (micros.iter().min().copied().unwrap_or(0), micros.iter().max().copied().unwrap_or(0));
    format!("rtt min/avg/max/mdev = {}/{}/{}/{} ms", ms(min), ms(mean), ms(max), ms(variance.isqrt() as u64))
}

/// As ping prints a round trip: fewer decimals the longer it is.
fn millis(rtt: Span) -> String {
    let us = rtt.0 / 1000;
    match us {
        0..1_000 => format!("0.{us:03}"),
        1_000..9_995 => format!("{}.{:02}", (us + 5) / 1000, ((us + 5) % 1000) / 10),
        9_995..99_950 => format!("{}.{}", (us + 50) / 1000, ((us + 50) % 1000) / 100),
        _ => format!("{}", (us + 500) / 1000),
    }
}

fn words_of(error: &Icmp) -> String {
    match error {
        Icmp::Unreachable { code, mtu, .. } => match *code {
            Icmp::NET => "Destination Net Unreachable".into(),
            Icmp::HOST => "Destination Host Unreachable".into(),
            Icmp::PROTOCOL => "Destination Protocol Unreachable".into(),
            Icmp::PORT => "Destination Port Unreachable".into(),
            Icmp::FRAG_NEEDED => format!("Frag needed and DF set (mtu = {mtu})"),
            Icmp::FILTERED => "Packet filtered".into(),
            other => format!("Dest Unreachable, Bad Code: {other}"),
        },
        Icmp::TimeExceeded { code: 0, .. } => "Time to live exceeded".into(),
        Icmp::TimeExceeded { .. } => "Frag reassembly time exceeded".into(),
        Icmp::Redirect { gateway, .. } => format!("Redirect Host(New nexthop: {gateway})"),
        Icmp::Echo { .. } => String::new(),
    }
}

/// Words of a command line as getopt reads them: options may be joined, their values too.
pub(super) struct Options<'a> {
    args: &'a [String],
    at: usize,
    rest: String,
    plain_only: bool,
}

/// One word.
pub(super) enum Word {
    /// An option with its value; empty if it takes none.
    Option(char, String),
    /// An option without the value that it needs.
    Missing(char),
    /// Not an option.
    Plain(String),
}

impl<'a> Options<'a> {
    pub(super) fn new(args: &'a [String]) -> Self {
        Options { args, at: 0, rest: String::new(), plain_only: false }
    }

    /// The next word; `with_value` lists the letters that take a value.
    pub(super) fn next(&mut self, with_value: &str) -> Option<Word> {
        if self.rest.is_empty() {
            let word = self.args.get(self.at)?.clone();
            self.at += 1;
            if word == "--" && !self.plain_only {
                self.plain_only = true;
                return self.next(with_value);
            }
            if self.plain_only || !word.starts_with('-') || word.len() == 1 {
                return Some(Word::Plain(word));
            }
            self.rest = word[1..].to_string();
        }
        let letter = self.rest.remove(0);
        if !with_value.contains(letter) {
            return Some(Word::Option(letter, String::new()));
        }
        let joined = std::mem::take(&mut self.rest);
        if !joined.is_empty() {
            return Some(Word::Option(letter, joined));
        }
        let value = self.args.get(self.at).cloned();
        self.at += 1;
        Some(value.map_or(Word::Missing(letter), |v| Word::Option(letter, v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_printed_as_ping_does() {
        let rows = [(458_900, "0.458"), (1_234_567, "1.23"), (12_345_678, "12.3"), (123_456_789, "123")];
        for (nanos, text) in rows {
            assert_eq!(millis(Span(nanos)), text);
        }
    }

    #[test]
    fn statistics_have_the_mean_deviation() {
        assert_eq!(statistics(&[458_000, 223_000]), "rtt min/avg/max/mdev = 0.223/0.340/0.458/0.117 ms");
    }
}
