//! `tracepath` of iputils 20221126: the way to a host and the largest packet that fits, found with UDP probes.
//!
//! Left out, refused by name: IPv6. Names are not looked up but `localhost`, so that `-n` and `-b` change nothing.

use super::bash::{Exec, Output, Stdin, Wait};
use super::machine::{HostMachine, Running};
use super::ping::{Options, Word};
use super::probe::{Answer, Prober, Says};
use super::words::address;
use crate::base::{SimTime, Span};
use crate::node::host::{EchoError, FragmentRule};
use crate::wire::Icmp;

/// The longest packet there is: a probe of this size tells how much fits.
const FIRST_MTU: u32 = 65_535;
/// IP and UDP header.
const OVERHEAD: u32 = 28;
/// Destination ports that the probes take in turn.
const PORTS: u16 = 64;

/// A running `tracepath`.
#[derive(Clone, Debug)]
pub struct Tracepath {
    prober: Prober,
    base_port: u16,
    turn: u16,
    max_hops: u8,
    ttl: u8,
    mtu: u32,
    /// The MTU when the present try began; a try in which it changes does not count.
    mtu_before: u32,
    tries: u8,
    /// When the present probe is given up; none is out, if empty.
    until: Option<SimTime>,
    hops: Option<(u8, u8)>,
}

/// `tracepath ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let (mut base_port, mut mtu, mut max_hops, mut target) = (44_444u16, FIRST_MTU, 30u8, None);
    let mut words = Options::new(args);
    while let Some(word) = words.next("mlp") {
        let (letter, value) = match word {
            Word::Plain(word) => {
                target = Some(word);
                continue;
            }
            Word::Missing(letter) => {
                out.err(&format!("tracepath: option requires an argument -- '{letter}'"));
                return Exec::Done(1);
            }
            Word::Option(letter, value) => (letter, value),
        };
        let number = |least: u32, most: u32| value.parse::<u32>().ok().filter(|n| (least..=most).contains(n));
        let taken = match letter {
            'n' | 'b' | '4' => true,
            'm' => number(1, 255).map(|n| max_hops = n as u8).is_some(),
            'p' => number(1, 65_535).map(|n| base_port = n as u16).is_some(),
            'l' => number(OVERHEAD + 1, FIRST_MTU).map(|n| mtu = n).is_some(),
            '6' | 'V' => {
                out.err(&format!("lvsim: tracepath -{letter} is not simulated"));
                return Exec::Done(1);
            }
            _ => {
                out.err(&format!("tracepath: invalid option -- '{letter}'"));
                return Exec::Done(1);
            }
        };
        if !taken {
            out.err(&format!("tracepath: invalid argument: '{value}'"));
            return Exec::Done(1);
        }
    }
    let Some(target) = target else {
        out.err("tracepath: usage error: Destination required");
        return Exec::Done(1);
    };
    let Some(daddr) = address(&target) else {
        out.err(&format!("tracepath: {target}: Name or service not known"));
        return Exec::Done(1);
    };
    match Prober::open(m, daddr) {
        Ok(prober) => Exec::Running(Running::Tracepath(Box::new(Tracepath {
            prober,
            base_port,
            turn: 0,
            max_hops,
            ttl: 1,
            mtu,
            mtu_before: mtu,
            tries: 0,
            until: None,
            hops: None,
        }))),
        Err(errno) => {
            out.err(&format!("tracepath: socket: {}", errno.text()));
            Exec::Done(1)
        }
    }
}

/// What came of a probe.
enum Step {
    /// Nobody says more about it.
    Waits,
    /// The next hop, or the same again if the MTU has changed.
    Heard,
    /// The trace is over.
    Over,
}

impl Tracepath {
    /// Goes on as far as it can now.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            let step = match self.until {
                None => self.probe(m, out),
                Some(until) => match self.hear(m, out) {
                    Step::Waits if m.cx.now < until => return Wait::UntilOrEvent(until),
                    step => step,
                },
            };
            let changed = self.mtu != self.mtu_before;
            match step {
                Step::Waits if self.until.is_some_and(|u| m.cx.now < u) => {}
                // Whatever was heard, a change of the MTU makes the hop be asked again.
                _ if changed => {
                    self.mtu_before = self.mtu;
                    self.tries = 0;
                    self.until = None;
                }
                Step::Over => return self.finish(m, out),
                Step::Heard => {
                    self.until = None;
                    if self.next_hop(out) {
                        return self.finish(m, out);
                    }
                }
                Step::Waits => {
                    self.until = None;
                    self.tries += 1;
                    if self.tries == 3 {
                        out.line(&format!("{:>2}:  no reply", self.ttl));
                        if self.next_hop(out) {
                            return self.finish(m, out);
                        }
                    }
                }
            }
        }
    }

    /// Interrupted or killed.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8) -> Option<u8> {
        self.prober.close(m);
        Some(128 + signal)
    }

    /// Goes on to the next hop; whether there is none.
    fn next_hop(&mut self, out: &mut Output) -> bool {
        self.tries = 0;
        if self.ttl >= self.max_hops {
            out.line(&format!("     Too many hops: pmtu {}", self.mtu));
            return true;
        }
        self.ttl += 1;
        false
    }

    fn finish(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        let hops = self.hops.map_or_else(String::new, |(there, back)| format!("hops {there} back {back} "));
        out.line(&format!("     Resume: pmtu {} {hops}", self.mtu));
        self.prober.close(m);
        Wait::Done(0)
    }

    fn probe(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Step {
        // Ten times at most: whatever is told to be too long is tried again at once with what fits.
        for _ in 0..10 {
            let dport = self.base_port.wrapping_add(self.turn);
            self.turn = (self.turn + 1) % PORTS;
            match self.prober.send(m, dport, self.ttl, self.mtu - OVERHEAD, FragmentRule::Probe) {
                Ok(()) => {
                    self.until = Some(m.cx.now + Span::from_secs(1));
                    return self.hear(m, out);
                }
                Err(EchoError::TooLong { mtu }) if mtu > OVERHEAD => {
                    out.line(&format!("{:>2}?: {:<32} pmtu {mtu}", self.ttl, "[LOCALHOST]"));
                    self.mtu = mtu;
                }
                Err(_) => {}
            }
        }
        out.line(&format!("{:>2}:  send failed", self.ttl));
        Step::Over
    }

    fn hear(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Step {
        let mut step = Step::Waits;
        for answer in self.prober.answers(m) {
            let micros = answer.took.0 / 1000;
            let host = format!("{:<47}", answer.from.to_string());
            let line = format!("{:>2}:  {host} {:>3}.{:03}ms ", answer.ttl, micros / 1000, micros % 1000);
            let (rest, over) = self.verdict(&answer);
            out.line(&(line + &rest));
            if over {
                return Step::Over;
            }
            step = Step::Heard;
        }
        step
    }

    /// The last word of a line, and whether nothing follows.
    fn verdict(&mut self, answer: &Answer) -> (String, bool) {
        let back = hops_back(answer.came_with);
        match answer.says {
            Says::Exceeded if back != answer.ttl => (format!("asymm {back:>2} "), false),
            Says::Exceeded => (String::new(), false),
            Says::Reached => {
                self.hops = Some((answer.ttl, back));
                ("reached".to_string(), true)
            }
            Says::TooLong(mtu) => {
                self.mtu = u32::from(mtu).max(OVERHEAD + 1);
                (format!("pmtu {mtu}"), false)
            }
            Says::Unreachable(code) => {
                let word = match code {
                    Icmp::PROTOCOL => "!P",
                    Icmp::NET | 6 | 9 | 11 => "!N",
                    _ => "!H",
                };
                (word.to_string(), true)
            }
        }
    }
}

/// How many routers an error passed, from the TTL that it arrived with: it set out with 64, 128 or 255.
fn hops_back(ttl: u8) -> u8 {
    match ttl {
        0..=64 => 65 - ttl,
        65..=128 => 129 - ttl,
        _ => 255 - ttl + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_back_are_counted_from_the_nearest_usual_ttl() {
        for (ttl, hops) in [(64, 1), (63, 2), (128, 1), (126, 3), (255, 1), (250, 6)] {
            assert_eq!(hops_back(ttl), hops, "{ttl}");
        }
    }
}
