//! What `tracepath` and `traceroute` share: datagrams with a small TTL, and the ICMP errors that come back about them
//! (`IP_RECVERR`, net/ipv4/ip_sockglue.c).

use super::machine::HostMachine;
use crate::base::{SimTime, Span};
use crate::net::sock::Errno;
use crate::node::host::{EchoError, FragmentRule, Probe};
use crate::wire::{Icmp, L3, L4};
use std::net::Ipv4Addr;

/// A socket that sends probes and reads errors about them.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    socket: u32,
    sport: u16,
    seen: usize,
    sent: Vec<Sent>,
    daddr: Ipv4Addr,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    dport: u16,
    ttl: u8,
    at: SimTime,
}

/// An error about a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// Which probe, by its destination port.
    pub dport: u16,
    /// The TTL that the probe left with.
    pub ttl: u8,
    /// Who says it.
    pub from: Ipv4Addr,
    /// The TTL of the error when it arrived.
    pub came_with: u8,
    /// How long it took.
    pub took: Span,
    /// What it says.
    pub says: Says,
}

/// What an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// The probe's TTL was used up.
    Exceeded,
    /// Nothing listens on the port: the probe has arrived.
    Reached,
    /// The probe is larger than what fits.
    TooLong(u16),
    /// Another code of destination unreachable.
    Unreachable(u8),
}

impl Prober {
    /// # Errors
    /// No socket could be had.
    pub fn open(m: &mut HostMachine<'_, '_>, daddr: Ipv4Addr) -> Result<Prober, Errno> {
        let socket = m.host.call_bind_udp()?;
        m.host.listen_to_packets(true);
        let sport = m.host.call_local(socket).map_or(0, |l| l.1);
        Ok(Prober { socket, sport, seen: m.host.heard_so_far(), sent: Vec::new(), daddr })
    }

    /// Closes the socket.
    pub fn close(&self, m: &mut HostMachine<'_, '_>) {
        m.host.listen_to_packets(false);
        m.host.call_close(self.socket, m.cx);
    }

    /// Sends a probe with `len` bytes of payload.
    ///
    /// # Errors
    /// What `sendto` says.
    pub fn send(
        &mut self,
        m: &mut HostMachine<'_, '_>,
        dport: u16,
        ttl: u8,
        len: u32,
        fragments: FragmentRule,
    ) -> Result<(), EchoError> {
        self.sent.retain(|s| s.dport != dport);
        self.sent.push(Sent { dport, ttl, at: m.cx.now });
        let probe = Probe { daddr: self.daddr, dport, sport: self.sport, ttl, len, fragments };
        let sent = m.host.send_probe(&probe, m.cx);
        m.host.settle(m.cx);
        sent
    }

    /// The errors that came since the last time, in order.
    pub fn answers(&mut self, m: &mut HostMachine<'_, '_>) -> Vec<Answer> {
        let news = m.host.heard_since(&mut self.seen);
        news.iter()
            .filter_map(|heard| {
                let L3::Ip(pkt) = &heard.frame.l3 else { return None };
                let L4::Icmp(icmp) = &pkt.l4 else { return None };
                let quote = icmp.quote()?;
                let about = match &quote.l4 {
                    L4::Fragment(f) => &f.whole,
                    l4 => l4,
                };
                let L4::Udp(udp) = about else { return None };
                let sent = self.sent.iter().find(|s| s.dport == udp.dport && udp.sport == self.sport)?;
                let says = match **icmp {
                    Icmp::TimeExceeded { .. } => Says::Exceeded,
                    Icmp::Unreachable { code: Icmp::PORT, .. } => Says::Reached,
                    Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu, .. } => Says::TooLong(mtu),
                    Icmp::Unreachable { code, .. } => Says::Unreachable(code),
                    _ => return None,
                };
                let took = heard.at.since(sent.at);
                Some(Answer { dport: sent.dport, ttl: sent.ttl, from: pkt.saddr, came_with: pkt.ttl, took, says })
            })
            .collect()
    }
}
