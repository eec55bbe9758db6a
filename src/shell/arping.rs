//! `arping` of iputils 20221126: ARP by hand, to ask (`arping`), to look for duplicates (`-D`), to tell (`-U`, `-A`).

use super::bash::{Exec, Output, Stdin, Wait};
use super::machine::{HostMachine, Running};
use super::ping::{Options, Word};
use crate::base::{DevIdx, SimTime, Span};
use crate::net::DevKind;
use crate::node::host::Heard;
use crate::wire::{Arp, ArpOp, L3, Mac};
use std::net::Ipv4Addr;

/// A running `arping`.
#[derive(Clone, Debug)]
pub struct Arping {
    dev: DevIdx,
    target: Ipv4Addr,
    source: Ipv4Addr,
    kind: Kind,
    count: Option<u64>,
    deadline: Option<SimTime>,
    interval: Span,
    first_only: bool,
    quiet: bool,
    broadcast_only: bool,
    known: Option<Mac>,
    sent: u64,
    broadcast: u64,
    received: u64,
    next: SimTime,
    last_sent: SimTime,
    seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ask,
    Duplicates,
    Update,
    Answer,
}

/// `arping ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    match start(m, args, out) {
        Ok(arping) => Exec::Running(Running::Arping(arping)),
        Err(status) => Exec::Done(status),
    }
}

fn start(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> Result<Arping, u8> {
    let (mut target, mut name, mut source) = (None, None, None);
    let (mut count, mut limit, mut interval) = (None, None, Span::from_secs(1));
    let (mut first_only, mut quiet, mut broadcast_only) = (false, false, false);
    let mut kind = Kind::Ask;
    let mut words = Options::new(args);
    while let Some(word) = words.next("cwsIi") {
        match word {
            Word::Plain(text) => target = Some(text),
            Word::Missing(letter) => {
                out.stderr(&format!("arping: option requires an argument -- '{letter}'\n"));
                return Err(2);
            }
            Word::Option(letter, value) => match letter {
                'c' => count = Some(value.parse::<u64>().map_err(|_| bad(out, &value))?.max(1)),
                'w' => limit = Some(Span::parse(&format!("{value}s")).map_err(|_| bad(out, &value))?),
                'i' => interval = Span::parse(&format!("{value}s")).map_err(|_| bad(out, &value))?,
                's' => source = Some(value.parse::<Ipv4Addr>().map_err(|_| bad(out, &value))?),
                'I' => name = Some(value),
                'f' => first_only = true,
                'q' => quiet = true,
                'b' => broadcast_only = true,
                'D' => kind = Kind::Duplicates,
                'U' => kind = Kind::Update,
                'A' => kind = Kind::Answer,
                other => {
                    out.stderr(&format!("arping: invalid option -- '{other}'\n"));
                    return Err(2);
                }
            },
        }
    }
    let Some(target) = target else {
        out.stderr("\nUsage:\n  arping [options] <destination>\n");
        return Err(2);
    };
    let Ok(target) = target.parse::<Ipv4Addr>() else {
        out.stderr(&format!("arping: {target}: Name or service not known\n"));
        return Err(2);
    };
    let dev = match &name {
        Some(name) => m.host.net.dev_by_name(name).ok_or_else(|| {
            out.stderr(&format!("arping: Device {name} not available.\n"));
            2u8
        })?,
        None => match m.host.net.output_route(target, None, None, 0) {
            Ok(route) => route.dev,
            Err(_) => {
                out.stderr("arping: Suitable device could not be determined. Please, use option -I.\n");
                return Err(2);
            }
        },
    };
    let d = &m.host.net.devs[dev.index()];
    if !d.up {
        out.stderr(&format!("arping: Interface \"{}\" is down\n", d.name));
        return Err(2);
    }
    if d.noarp || d.kind != DevKind::Ethernet {
        out.stdout(&format!("Interface \"{}\" is not ARPable\n", d.name));
        return Err(2);
    }
    let source = match (source, kind) {
        (Some(source), _) => source,
        (None, Kind::Duplicates) => Ipv4Addr::UNSPECIFIED,
        (None, Kind::Update | Kind::Answer) => {
            if !m.host.net.is_local(target) {
                out.stderr("arping: bind: Cannot assign requested address\n");
                return Err(2);
            }
            target
        }
        (None, Kind::Ask) => match m.host.net.output_route(target, None, Some(dev), 0) {
            Ok(route) => route.saddr,
            Err(_) => Ipv4Addr::UNSPECIFIED,
        },
    };
    if !quiet {
        out.stdout(&format!("ARPING {target} from {source} {}\n", d.name));
    }
    let now = m.cx.now;
    m.host.listen_to_packets(true);
    Ok(Arping {
        dev,
        target,
        source,
        kind,
        count,
        deadline: limit.map(|l| now + l),
        interval,
        first_only,
        quiet,
        broadcast_only,
        known: None,
        sent: 0,
        broadcast: 0,
        received: 0,
        next: now,
        last_sent: now,
        seen: m.host.heard_so_far(),
    })
}

fn bad(out: &mut Output, value: &str) -> u8 {
    out.stderr(&format!("arping: invalid argument: '{value}'\n"));
    2
}

impl Arping {
    /// Sends what is due, reads what came.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            self.read(m, out);
            let now = m.cx.now;
            let all_sent = self.count.is_some_and(|c| self.sent >= c);
            let found = self.received > 0 && (self.first_only || self.kind == Kind::Duplicates);
            let told = matches!(self.kind, Kind::Update | Kind::Answer) && all_sent;
            let answered = all_sent && self.received >= self.sent;
            // One more interval is waited for the answer to the last question.
            let over = all_sent && now >= self.last_sent + self.interval;
            if found || told || answered || over || self.deadline.is_some_and(|d| now >= d) {
                return Wait::Done(self.finish(m, out));
            }
            if now < self.next || all_sent {
                return Wait::UntilOrEvent(self.deadline.map_or(self.next, |d| d.min(self.next)));
            }
            self.send(m);
            m.host.settle(m.cx);
        }
    }

    fn send(&mut self, m: &mut HostMachine<'_, '_>) {
        let now = m.cx.now;
        let sha = m.host.net.devs[self.dev.index()].mac;
        let dst = self.known.filter(|_| !self.broadcast_only).unwrap_or(Mac::BROADCAST);
        let op = if self.kind == Kind::Answer { ArpOp::Reply } else { ArpOp::Request };
        let tha = if self.kind == Kind::Answer { sha } else { dst };
        m.host.arp_by_hand(self.dev, dst, Arp { op, sha, spa: self.source, tha, tpa: self.target }, m.cx);
        self.sent += 1;
        self.broadcast += u64::from(dst == Mac::BROADCAST);
        self.last_sent = now;
        self.next = now + self.interval;
    }

    fn read(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) {
        let news: Vec<Heard> = m.host.heard_since(&mut self.seen);
        let own = m.host.net.devs[self.dev.index()].mac;
        for heard in news.iter().filter(|h| h.dev == self.dev) {
            let L3::Arp(arp) = &heard.frame.l3 else { continue };
            let fits = match self.kind {
                Kind::Duplicates => arp.spa == self.target && arp.sha != own,
                Kind::Ask => {
                    arp.spa == self.target && arp.op == ArpOp::Reply && arp.tpa == self.source && arp.tha == own
                }
                Kind::Update | Kind::Answer => false,
            };
            if !fits {
                continue;
            }
            self.received += 1;
            self.known = Some(arp.sha);
            if !self.quiet {
                let how = if heard.frame.dst == own { "Unicast" } else { "Broadcast" };
                let what = if arp.op == ArpOp::Reply { "reply" } else { "request" };
                let us = heard.at.since(self.last_sent).0 / 1000;
                out.stdout(&format!(
                    "{how} {what} from {} [{}]  {}.{:03}ms\n",
                    arp.spa,
                    arp.sha.to_string().to_uppercase(),
                    us / 1000,
                    us % 1000
                ));
            }
        }
    }

    fn finish(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> u8 {
        m.host.listen_to_packets(false);
        if !self.quiet {
            out.stdout(&format!("Sent {} probes ({} broadcast(s))\n", self.sent, self.broadcast));
            out.stdout(&format!("Received {} response(s)\n", self.received));
        }
        match self.kind {
            Kind::Duplicates => u8::from(self.received > 0),
            Kind::Ask => u8::from(self.received == 0),
            Kind::Update | Kind::Answer => 0,
        }
    }
}
