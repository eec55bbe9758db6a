//! What programs on the host ask of it: echo requests, packets they listen to, ARP by hand.

use super::{Host, Skb};
use crate::base::{DevIdx, SimTime};
use crate::net::Errno;
use crate::net::fib::FlowKey;
use crate::net::routing::OutRoute;
use crate::node::Cx;
use crate::wire::{Arp, Body, Datagram, Frame, Icmp, IpPacket, L3, L4, Mac};
use std::net::Ipv4Addr;

/// A packet that a program on the host hears.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When.
    pub at: SimTime,
    /// By which device.
    pub dev: DevIdx,
    /// What.
    pub frame: Frame,
}

/// What programs on a host listen to.
#[derive(Clone, Debug, Default)]
pub struct Ears {
    listeners: u32,
    heard: Vec<Heard>,
    /// How many were forgotten before the first of `heard`.
    forgotten: usize,
    idents: u16,
}

impl Ears {
    /// Packets kept for programs that listen; older ones are forgotten.
    const MOST: usize = 4096;

    fn hear(&mut self, heard: Heard) {
        if self.heard.len() >= Self::MOST {
            self.heard.drain(..Self::MOST / 2);
            self.forgotten += Self::MOST / 2;
        }
        self.heard.push(heard);
    }
}

/// Whether an echo request may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentRule {
    /// DF if it fits, else in pieces (`IP_PMTUDISC_WANT`).
    Want,
    /// DF in any case (`IP_PMTUDISC_DO`).
    Never,
    /// No DF (`IP_PMTUDISC_DONT`).
    Allow,
    /// DF, whatever was learnt of the path: only the device limits it (`IP_PMTUDISC_PROBE`).
    Probe,
}

/// What `ping` sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// Whom.
    pub daddr: Ipv4Addr,
    /// From which address, if one was chosen.
    pub saddr: Option<Ipv4Addr>,
    /// By which device, if one was chosen.
    pub dev: Option<DevIdx>,
    /// The TTL, if one was chosen.
    pub ttl: Option<u8>,
    /// Payload bytes.
    pub size: u32,
    /// Which `ping`.
    pub ident: u16,
    /// Which of its requests.
    pub seq: u16,
    /// Whether it may be cut.
    pub fragments: FragmentRule,
}

/// A datagram that finds out about the way (`tracepath`, `traceroute`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whom.
    pub daddr: Ipv4Addr,
    /// To which port.
    pub dport: u16,
    /// From which port.
    pub sport: u16,
    /// The TTL.
    pub ttl: u8,
    /// Payload bytes.
    pub len: u32,
    /// Whether it may be cut.
    pub fragments: FragmentRule,
}

/// Why an echo request or a probe did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoError {
    /// Longer than what fits: EMSGSIZE.
    TooLong {
        /// What fits.
        mtu: u32,
    },
    /// Any other error of the call.
    Refused(Errno),
}

impl Host {
    /// A program begins or ceases to listen to what arrives.
    pub fn listen_to_packets(&mut self, on: bool) {
        let n = self.ears.listeners;
        self.ears.listeners = if on { n + 1 } else { n.saturating_sub(1) };
        if self.ears.listeners == 0 {
            self.ears.forgotten += self.ears.heard.len();
            self.ears.heard.clear();
        }
    }

    /// A mark for [`Host::heard_since`]: from now on.
    pub fn heard_so_far(&self) -> usize {
        self.ears.forgotten + self.ears.heard.len()
    }

    /// What arrived since the mark, which moves on.
    pub fn heard_since(&self, mark: &mut usize) -> Vec<Heard> {
        let from = mark.saturating_sub(self.ears.forgotten).min(self.ears.heard.len());
        *mark = self.heard_so_far();
        self.ears.heard[from..].to_vec()
    }

    /// A packet for this host that programs may wait for. Whether anybody listens.
    pub(super) fn programs_hear(&mut self, skb: &Skb, cx: &mut Cx<'_>) -> bool {
        if self.ears.listeners == 0 {
            return false;
        }
        let frame = Frame { l3: L3::Ip(skb.pkt.clone()), dst: Mac::ZERO, src: Mac::ZERO };
        self.ears.hear(Heard { at: cx.now, dev: skb.dev, frame });
        self.wake_programs = true;
        true
    }

    /// An ARP packet that programs may wait for (`arping`).
    pub(super) fn programs_hear_arp(&mut self, dev: DevIdx, frame: &Frame, cx: &mut Cx<'_>) {
        if self.ears.listeners > 0 {
            self.ears.hear(Heard { at: cx.now, dev, frame: frame.clone() });
            self.wake_programs = true;
        }
    }

    /// An identifier for a `ping` that starts.
    pub fn ping_ident(&mut self) -> u16 {
        self.ears.idents = self.ears.idents.wrapping_add(1).max(1);
        self.ears.idents
    }

    /// Where an echo request would go. Nothing: only sending shows.
    ///
    /// # Errors
    /// As `connect` on the socket says.
    pub fn echo_route(&mut self, request: &EchoRequest) -> Result<Option<OutRoute>, Errno> {
        let route = self.net.output_route(request.daddr, request.saddr, request.dev, 0);
        if let Err(error) = route {
            self.count_no_route(error);
        }
        route.map(Some)
    }

    /// Sends an echo request.
    ///
    /// # Errors
    /// What `sendmsg` says.
    pub fn send_echo(&mut self, request: &EchoRequest, cx: &mut Cx<'_>) -> Result<(), EchoError> {
        let key = FlowKey {
            saddr: request.saddr.unwrap_or(Ipv4Addr::UNSPECIFIED),
            oif: request.dev,
            ..FlowKey::to(request.daddr)
        };
        let (ident, seq) = (request.ident, request.seq);
        let echo = move |len| Icmp::Echo { request: true, ident, seq, len, body: Body::FILLER };
        let make = |len| L4::Icmp(Box::new(echo(len)));
        self.send_by_program(key, request.ttl, request.size, request.fragments, make, cx)
    }

    /// Sends a probe.
    ///
    /// # Errors
    /// What `sendto` says.
    pub fn send_probe(&mut self, probe: &Probe, cx: &mut Cx<'_>) -> Result<(), EchoError> {
        let Probe { daddr, sport, dport, ttl, len, fragments } = *probe;
        let make = |len| L4::Udp(Datagram { sport, dport, len, body: Body::FILLER });
        self.send_by_program(FlowKey::to(daddr), Some(ttl), len, fragments, make, cx)
    }

    /// Sends a packet of a program's own making with `size` bytes behind eight bytes of header (ICMP's or UDP's).
    fn send_by_program(
        &mut self,
        key: FlowKey,
        ttl: Option<u8>,
        size: u32,
        fragments: FragmentRule,
        make: impl FnOnce(u16) -> L4,
        cx: &mut Cx<'_>,
    ) -> Result<(), EchoError> {
        let route = self.net.output_route_key(key).map_err(EchoError::Refused)?;
        let mtu = match fragments {
            FragmentRule::Probe => self.net.devs[route.dev.index()].mtu.min(0xffff),
            _ => self.route_mtu(&route, key.daddr, false, cx),
        };
        let len = size + 8 + IpPacket::HEADER;
        let whole = matches!(fragments, FragmentRule::Never | FragmentRule::Probe);
        if len > mtu && whole || len > 0xffff {
            return Err(EchoError::TooLong { mtu });
        }
        let df = match fragments {
            FragmentRule::Want => len <= mtu,
            FragmentRule::Never | FragmentRule::Probe => true,
            FragmentRule::Allow => false,
        };
        let pkt = IpPacket {
            saddr: route.saddr,
            daddr: key.daddr,
            id: cx.ids.draw(),
            frag: if df { IpPacket::DF } else { 0 },
            ttl: ttl.unwrap_or(self.default_ttl()),
            tos: 0,
            l4: make(size as u16),
        };
        self.count_icmp_out(8);
        // A rule that drops what a program sends is an error of its call (`nf_hook_slow`: EPERM).
        if self.send_skb(Skb::local(pkt), route, cx) { Ok(()) } else { Err(EchoError::Refused(Errno::NotPermitted)) }
    }

    /// Sends an ARP packet that a person made.
    pub fn arp_by_hand(&mut self, dev: DevIdx, dst: Mac, arp: Arp, cx: &mut Cx<'_>) {
        self.arp_send(dev, dst, arp, cx);
    }
}
