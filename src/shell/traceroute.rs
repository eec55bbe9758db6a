//! `traceroute` (2.1.2, Dmitry Butskoy's): three probes for each hop, sixteen on their way at once.
//!
//! Left out, refused by name: ICMP, TCP and the other methods, options of the packets, gateways. Names are not looked up but
//! `localhost`, so that hosts are shown by their addresses, twice without `-n` as for a host without a name.

use super::bash::{Exec, Output, Stdin, Wait};
use super::machine::{HostMachine, Running};
use super::ping::{Options, Word};
use super::probe::{Answer, Prober, Says};
use super::words::address;
use crate::base::{SimTime, Span};
use crate::node::host::{EchoError, FragmentRule};
use crate::wire::Icmp;
use std::net::Ipv4Addr;

/// Probes on their way at once (`-N`).
const AT_ONCE: usize = 16;
const FIRST_PORT: u16 = 33_434;

/// A running `traceroute`.
#[derive(Clone, Debug)]
pub struct Traceroute {
    prober: Prober,
    numeric: bool,
    wait: Span,
    len: u32,
    first_ttl: u8,
    max_hops: u8,
    queries: u8,
    port: u16,
    /// Every probe sent, in order.
    probes: Vec<Probe>,
    /// How many were shown.
    shown: usize,
    /// Who was named last in the present line.
    named: Option<Ipv4Addr>,
    /// The hop after which nothing is left to ask.
    last: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    ttl: u8,
    port: u16,
    until: SimTime,
    answer: Option<Answer>,
}

/// `traceroute ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let (mut numeric, mut wait, mut first_ttl, mut max_hops, mut queries, mut port) =
        (false, Span::from_secs(5), 1u8, 30u8, 3u8, FIRST_PORT);
    let mut plain = Vec::new();
    let mut words = Options::new(args);
    while let Some(word) = words.next("fmpqwNsizgt") {
        let (letter, value) = match word {
            Word::Plain(word) => {
                plain.push(word);
                continue;
            }
            Word::Missing(letter) => {
                out.err(&format!("Option `-{letter}' requires an argument"));
                return Exec::Done(2);
            }
            Word::Option(letter, value) => (letter, value),
        };
        let number = |most: u32| value.parse::<u32>().ok().filter(|n| (1..=most).contains(n));
        let taken = match letter {
            'n' => {
                numeric = true;
                true
            }
            '4' => true,
            'f' => number(255).map(|n| first_ttl = n as u8).is_some(),
            'm' => number(255).map(|n| max_hops = n as u8).is_some(),
            'q' => number(10).map(|n| queries = n as u8).is_some(),
            'p' => number(65_000).map(|n| port = n as u16).is_some(),
            'w' => Span::parse(&format!("{value}s")).map(|s| wait = s).is_ok(),
            _ => {
                out.err(&format!("lvsim: traceroute -{letter} is not simulated"));
                return Exec::Done(2);
            }
        };
        if !taken {
            out.err(&format!("Cannot handle `-{letter}' option with arg `{value}'"));
            return Exec::Done(2);
        }
    }
    if first_ttl > max_hops {
        out.err("first hop out of range");
        return Exec::Done(2);
    }
    let Some(target) = plain.first() else {
        out.err("Specify \"host\" missing argument.");
        return Exec::Done(2);
    };
    let Some(daddr) = address(target) else {
        out.err(&format!("{target}: Name or service not known"));
        out.err(&format!("Cannot handle \"host\" cmdline arg `{target}' on position 1 (argc {})", args.len()));
        return Exec::Done(2);
    };
    let size = match plain.get(1).map(|w| w.parse::<u32>()) {
        None => 60,
        Some(Ok(size)) if (28..=65_000).contains(&size) => size,
        Some(_) => {
            out.err(&format!(
                "Cannot handle \"packetlen\" cmdline arg `{}' on position 2 (argc {})",
                plain[1],
                args.len()
            ));
            return Exec::Done(2);
        }
    };
    let prober = match Prober::open(m, daddr) {
        Ok(prober) => prober,
        Err(errno) => {
            out.err(&format!("socket: {}", errno.text()));
            return Exec::Done(1);
        }
    };
    out.line(&format!("traceroute to {target} ({daddr}), {max_hops} hops max, {size} byte packets"));
    Exec::Running(Running::Traceroute(Box::new(Traceroute {
        prober,
        numeric,
        wait,
        len: size - 28,
        first_ttl,
        max_hops,
        queries,
        port,
        probes: Vec::new(),
        shown: 0,
        named: None,
        last: None,
    })))
}

impl Traceroute {
    /// Goes on as far as it can now.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            for answer in self.prober.answers(m) {
                if let Some(probe) = self.probes.iter_mut().find(|p| p.port == answer.dport) {
                    probe.answer = probe.answer.or(Some(answer));
                }
            }
            while let Some(probe) = self.probes.get(self.shown).copied() {
                if probe.answer.is_none() && m.cx.now < probe.until {
                    break;
                }
                self.show(&probe, out);
            }
            if self.over() {
                self.prober.close(m);
                return Wait::Done(0);
            }
            let sent = self.probes.len();
            while self.probes.len() - self.shown < AT_ONCE && self.next_ttl().is_some() {
                if let Err(errno) = self.send(m) {
                    out.err(&format!("connect: {errno}"));
                    self.prober.close(m);
                    return Wait::Done(1);
                }
            }
            if self.probes.len() == sent {
                let until = self.probes.get(self.shown).map_or(m.cx.now, |p| p.until);
                return Wait::UntilOrEvent(until);
            }
        }
    }

    /// Interrupted or killed.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8) -> Option<u8> {
        self.prober.close(m);
        Some(128 + signal)
    }

    fn next_ttl(&self) -> Option<u8> {
        let hop = self.probes.len() / usize::from(self.queries);
        let ttl = u8::try_from(hop + usize::from(self.first_ttl)).ok()?;
        (ttl <= self.last.unwrap_or(self.max_hops)).then_some(ttl)
    }

    fn send(&mut self, m: &mut HostMachine<'_, '_>) -> Result<(), String> {
        let Some(ttl) = self.next_ttl() else { return Ok(()) };
        let port = self.port.wrapping_add(self.probes.len() as u16);
        self.probes.push(Probe { ttl, port, until: m.cx.now + self.wait, answer: None });
        match self.prober.send(m, port, ttl, self.len, FragmentRule::Allow) {
            Ok(()) => Ok(()),
            Err(EchoError::TooLong { .. }) => Err("Message too long".into()),
            Err(EchoError::Refused(errno)) => Err(errno.to_string()),
        }
    }

    fn over(&self) -> bool {
        let end = self.last.unwrap_or(self.max_hops);
        let hops = usize::from(end - self.first_ttl) + 1;
        self.shown >= hops * usize::from(self.queries)
    }

    fn show(&mut self, probe: &Probe, out: &mut Output) {
        let place = self.shown % usize::from(self.queries);
        self.shown += 1;
        if place == 0 {
            out.out(&format!("{:>2} ", probe.ttl));
            self.named = None;
        }
        match probe.answer {
            None => out.out(" *"),
            Some(answer) => {
                if self.named != Some(answer.from) {
                    self.named = Some(answer.from);
                    let name = if self.numeric { String::new() } else { format!(" ({})", answer.from) };
                    out.out(&format!(" {}{name}", answer.from));
                }
                let micros = answer.took.0 / 1000;
                out.out(&format!("  {}.{:03} ms", micros / 1000, micros % 1000));
                if answer.says != Says::Exceeded {
                    self.last = Some(self.last.unwrap_or(probe.ttl).min(probe.ttl));
                }
                out.out(&match answer.says {
                    Says::Unreachable(Icmp::NET) => " !N".to_string(),
                    Says::Unreachable(Icmp::HOST) => " !H".to_string(),
                    Says::Unreachable(Icmp::PROTOCOL) => " !P".to_string(),
                    Says::Unreachable(Icmp::FILTERED) => " !X".to_string(),
                    Says::Unreachable(code) => format!(" !<{code}>"),
                    Says::TooLong(mtu) => format!(" !F-{mtu}"),
                    Says::Exceeded | Says::Reached => String::new(),
                });
            }
        }
        if place + 1 == usize::from(self.queries) {
            out.line("");
        }
    }
}
