//! ICMP on a host: when an error may be sent, what an error that arrives does, echo (net/ipv4/icmp.c, net/ipv4/route.c,
//! net/ipv4/inetpeer.c).
//!
//! Left out: timestamp and address-mask messages, `icmp_errors_use_inbound_ifaddr`. Linux takes 0 to 2 from the budget for
//! everybody with each error, at random; here it is 1.

use super::{Host, Skb};
use crate::base::{DevIdx, SimTime, Span, Table};
use crate::net::fib::{FibError, FlowKey, SCOPE_LINK};
use crate::node::Cx;
use crate::sysctl::{Conf, Global};
use crate::trace::{DropReason, Mib};
use crate::wire::{Icmp, IpPacket, L4};
use std::net::Ipv4Addr;

/// What a host remembers of those it sent errors and redirects to (`inet_peer`), and the budget for all of them.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    peers: Table<Ipv4Addr, Peer>,
    /// Errors that may go to anybody before the budget is looked at again.
    credit: u64,
    /// When that was; before the first time it is long ago.
    refilled: Option<SimTime>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    /// Saved-up time, at most six times the cost of an error.
    tokens: u64,
    /// When tokens were last counted; before the first time it is long ago (the kernel says one minute).
    last: Option<SimTime>,
    redirects: u32,
}

impl Peer {
    /// Takes `cost` from what was saved, of which no more than `burst` times the cost counts. False: it is not enough.
    fn pay(&mut self, cost: Span, burst: u64, now: SimTime) -> bool {
        let saved = self.last.map_or(Span::from_secs(60), |last| now.since(last));
        self.last = Some(now);
        self.tokens = (self.tokens + saved.0).min(burst * cost.0);
        let ok = self.tokens >= cost.0;
        if ok {
            self.tokens -= cost.0;
        }
        ok
    }
}

impl Limits {
    /// Errors may come in bursts of six to one host (`XRLIM_BURST_FACTOR`).
    const BURST: u64 = 6;
    /// 1000 a second to everybody, in bursts of 50 (`icmp_msgs_per_sec`, `icmp_msgs_burst`).
    const ALL_PER_SECOND: u64 = 1000;
    const ALL_BURST: u64 = 50;
    /// A route's refusal costs a second, and five may be saved up (`ip_rt_error_cost`, `ip_rt_error_burst`).
    const ROUTE_ERROR: Span = Span::from_secs(1);
    const ROUTE_ERROR_BURST: u64 = 5;
    /// Hosts remembered; beyond it everybody is treated as new.
    const MOST_PEERS: usize = 65_536;

    fn peer(&mut self, addr: Ipv4Addr) -> &mut Peer {
        if self.peers.len() >= Self::MOST_PEERS && !self.peers.contains(&addr) {
            self.peers.clear();
        }
        if !self.peers.contains(&addr) {
            self.peers.insert(addr, Peer { tokens: 0, last: None, redirects: 0 });
        }
        self.peers.get_mut(&addr).expect("inserted above")
    }

    /// Whether an error to `addr` may go now at the price of `cost` (`inet_peer_xrlim_allow`).
    fn allow(&mut self, addr: Ipv4Addr, cost: Span, now: SimTime) -> bool {
        if cost == Span::ZERO {
            return true;
        }
        self.peer(addr).pay(cost, Self::BURST, now)
    }

    /// Whether the refusal of a route may be told to `addr` now (`ip_error`). It pays from the same savings as the error
    /// that comes of it.
    fn allow_route_error(&mut self, addr: Ipv4Addr, now: SimTime) -> bool {
        self.peer(addr).pay(Self::ROUTE_ERROR, Self::ROUTE_ERROR_BURST, now)
    }

    /// Whether the budget for everybody lets another error go (`icmp_global_allow`). It is filled again when it is used
    /// up, 20 ms after the last time at the soonest.
    fn allow_any(&mut self, now: SimTime) -> bool {
        if self.credit > 0 {
            return true;
        }
        let second = Span::from_secs(1);
        let since = self.refilled.map_or(second, |last| now.since(last).min(second));
        if since < Span::from_millis(20) {
            return false;
        }
        self.refilled = Some(now);
        self.credit = (since.0 * Self::ALL_PER_SECOND / 1_000_000_000).min(Self::ALL_BURST);
        true
    }

    /// An error goes (`icmp_global_consume`).
    fn consume_any(&mut self) {
        self.credit = self.credit.saturating_sub(1);
    }

    /// Whether a redirect to `addr` may go now (`ip_rt_send_redirect`): the first at once, the n-th no sooner than
    /// 20 ms · 2ⁿ after the one before, nine at the most, all anew after 20.48 s of silence. Either way it empties what the
    /// host had saved up for errors.
    fn allow_redirect(&mut self, addr: Ipv4Addr, now: SimTime) -> bool {
        const LOAD: Span = Span::from_millis(20);
        const SILENCE: Span = Span::from_millis(20_480);
        const NUMBER: u32 = 9;
        let peer = self.peer(addr);
        if peer.last.is_none_or(|last| now > last + SILENCE) {
            peer.tokens = 0;
            peer.redirects = 0;
        }
        if peer.redirects >= NUMBER {
            peer.last = Some(now);
            return false;
        }
        let due = peer.last.is_none_or(|last| now > last + Span(LOAD.0 << peer.redirects));
        if peer.redirects == 0 || due {
            peer.last = Some(now);
            peer.redirects += 1;
            return true;
        }
        false
    }
}

impl Host {
    /// Tells the sender of a packet that arrived (or is about to leave) of an error (`icmp_send`). Nothing is said about
    /// broadcasts, later fragments and ICMP errors, nor beyond the limits.
    pub(super) fn icmp_error(&mut self, about: &Skb, error: impl FnOnce(Box<IpPacket>) -> Icmp, cx: &mut Cx<'_>) {
        let pkt = &about.pkt;
        if !about.to_me || pkt.daddr.is_broadcast() || pkt.daddr.is_multicast() || pkt.offset() != 0 {
            return;
        }
        let whole = match &pkt.l4 {
            L4::Fragment(f) => &f.whole,
            l4 => l4,
        };
        if let L4::Icmp(icmp) = whole
            && icmp.quote().is_some()
        {
            return;
        }
        let message = error(Box::new(pkt.clone()));
        let limited = self.icmp_limited(&message) && about.dev != DevIdx::LO;
        if limited && !self.icmp_limits.allow_any(cx.now) {
            return self.snmp.count(Mib::IcmpOutRateLimitGlobal);
        }
        // The source is the address that was asked, if the packet was routed to us (a server's neighbour that fails is
        // asked for by the director's own address); else what the way back selects.
        let saddr = about.local_dst.then_some(pkt.daddr);
        let Ok(route) = self.net.output_route(pkt.saddr, saddr, None, 0) else { return };
        if limited {
            let cost = Span::from_millis(self.net.sysctl.global(Global::IcmpRatelimit).max(0) as u64);
            if route.dev != DevIdx::LO && !self.icmp_limits.allow(pkt.saddr, cost, cx.now) {
                return self.snmp.count(Mib::IcmpOutRateLimitHost);
            }
            self.icmp_limits.consume_any();
        }
        self.count_icmp_out(message.kind());
        let reply = IpPacket {
            saddr: route.saddr,
            daddr: pkt.saddr,
            id: cx.ids.draw(),
            frag: 0,
            ttl: self.net.sysctl.global(Global::IpDefaultTtl) as u8,
            tos: (pkt.tos & 0x1e) | 0xc0,
            l4: L4::Icmp(Box::new(message)),
        };
        self.send_skb(Skb::local(reply), route, cx);
    }

    /// Whether there are limits for such messages (`icmpv4_mask_allow`).
    fn icmp_limited(&self, message: &Icmp) -> bool {
        let frag_needed = matches!(message, Icmp::Unreachable { code: Icmp::FRAG_NEEDED, .. });
        !frag_needed && self.net.sysctl.global(Global::IcmpRatemask) & (1 << message.kind()) != 0
    }

    /// The error of a route that refuses, or of none, where the host forwards (`ip_error`).
    pub(super) fn route_error(&mut self, skb: &Skb, refusal: FibError, cx: &mut Cx<'_>) {
        let code = match refusal {
            FibError::NoRoute | FibError::Throw => Icmp::NET,
            FibError::Unreachable => Icmp::HOST,
            FibError::Prohibit => Icmp::FILTERED,
            FibError::Blackhole => return,
        };
        if !self.icmp_limits.allow_route_error(skb.pkt.saddr, cx.now) {
            return;
        }
        self.icmp_error(skb, |quote| Icmp::Unreachable { code, mtu: 0, quote }, cx);
    }

    /// Tells the sender of a better gateway, if that is due (`ip_rt_send_redirect`).
    pub(super) fn send_redirect(&mut self, skb: &Skb, gateway: Ipv4Addr, cx: &mut Cx<'_>) {
        if !self.net.sysctl.on(Conf::SendRedirects, skb.dev) {
            return;
        }
        if self.icmp_limits.allow_redirect(skb.pkt.saddr, cx.now) {
            self.icmp_error(skb, |quote| Icmp::Redirect { code: 1, gateway, quote }, cx);
        }
    }

    /// An ICMP message for this host (`icmp_rcv`).
    pub(super) fn icmp_receive(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        let L4::Icmp(icmp) = &skb.pkt.l4 else { return };
        self.count_icmp_in(icmp.kind());
        let question = matches!(**icmp, Icmp::Echo { request: true, .. });
        let silent = !question || self.net.sysctl.global(Global::IcmpEchoIgnoreBroadcasts) != 0;
        if !skb.local_dst && silent {
            // To everybody or to a group.
            self.snmp.count(Mib::IcmpInErrors);
            return self.lose(skb, DropReason::NoIcmpOwner, cx);
        }
        match **icmp {
            Icmp::Echo { request: true, ident, seq, len, body } => {
                if self.net.sysctl.global(Global::IcmpEchoIgnoreAll) != 0 {
                    return self.lose(skb, DropReason::NoIcmpOwner, cx);
                }
                let (daddr, tos) = (skb.pkt.saddr, skb.pkt.tos);
                let saddr = if skb.local_dst { skb.pkt.daddr } else { self.spec_dst(skb) };
                let l4 = L4::Icmp(Box::new(Icmp::Echo { request: false, ident, seq, len, body }));
                let ttl = self.net.sysctl.global(Global::IpDefaultTtl) as u8;
                let reply = IpPacket { saddr, daddr, id: cx.ids.draw(), frag: 0, ttl, tos, l4 };
                let key = FlowKey { saddr, tos, ..FlowKey::to(daddr) };
                let reply = Skb::local(reply);
                match self.net.route_out(key) {
                    Ok(route) => {
                        self.count_icmp_out(0);
                        self.send_skb(reply, route, cx);
                    }
                    Err(_) => self.lose(&reply, DropReason::NoRoute { dst: daddr }, cx),
                }
            }
            Icmp::Echo { request: false, .. } => {
                if !self.programs_hear(skb, cx) {
                    self.lose(skb, DropReason::NoIcmpOwner, cx);
                }
            }
            Icmp::Unreachable { .. } | Icmp::TimeExceeded { .. } | Icmp::Redirect { .. } => {
                self.icmp_error_receive(skb, cx)
            }
        }
    }

    /// The address from which a packet to everybody or to a group is answered (`fib_compute_spec_dst`).
    fn spec_dst(&self, skb: &Skb) -> Ipv4Addr {
        let back = FlowKey { tos: skb.pkt.tos & 0x1c, ..FlowKey::to(skb.pkt.saddr) };
        let source = match self.net.fib.lookup(&back) {
            Ok(hit) => self.net.source_by(&hit),
            Err(_) => self.net.select_source(Some(skb.pkt.saddr), skb.dev, SCOPE_LINK),
        };
        source.unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// An error about something that this host sent: routes learn, sockets hear (`icmp_unreach`, `icmp_redirect`).
    fn icmp_error_receive(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        self.programs_hear(skb, cx);
        let L4::Icmp(icmp) = &skb.pkt.l4 else { return };
        let Some(quote) = icmp.quote() else { return };
        if !self.net.is_local(quote.saddr) {
            if matches!(quote.l4, L4::Tcp(_) | L4::Udp(_)) {
                self.snmp.count(Mib::IcmpInErrors);
            }
            return self.lose(skb, DropReason::NoIcmpOwner, cx);
        }
        match **icmp {
            Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu, .. }
                if self.net.sysctl.global(Global::IpNoPmtuDisc) == 0 && self.concerns_me(quote) =>
            {
                let (daddr, mtu) = (quote.daddr, u32::from(mtu));
                self.learn_pmtu(daddr, mtu, cx.now);
            }
            Icmp::Redirect { gateway, .. } if self.concerns_me(quote) => {
                let (saddr, daddr) = (quote.saddr, quote.daddr);
                self.learn_redirect(skb, saddr, daddr, gateway, cx);
            }
            // Of a packet that was not put together again sockets do not hear.
            Icmp::TimeExceeded { code: 1, .. } => return,
            _ => {}
        }
        self.sockets_hear_error(skb, cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const SECOND: Span = Span::from_secs(1);

    #[test]
    fn six_errors_go_at_once_then_one_a_second() {
        let mut limits = Limits::default();
        let t = SimTime(5_000_000_000);
        assert_eq!((0..12).filter(|_| limits.allow(HOST, SECOND, t)).count(), 6);
        assert!(!limits.allow(HOST, SECOND, t + Span::from_millis(900)));
        assert!(limits.allow(HOST, SECOND, t + SECOND));
    }

    #[test]
    fn redirects_double_their_distance_and_end_at_nine() {
        let mut limits = Limits::default();
        let sent: Vec<u64> =
            (0..20_000u64).filter(|ms| limits.allow_redirect(HOST, SimTime(1_000_000_000 + ms * 1_000_000))).collect();
        assert_eq!(sent.len(), 9);
        assert_eq!(&sent[..4], &[0, 41, 122, 283]);
    }

    #[test]
    fn a_redirect_uses_up_what_an_error_would_need() {
        let mut limits = Limits::default();
        let t = SimTime(5_000_000_000);
        assert!(limits.allow_redirect(HOST, t));
        assert!(!limits.allow(HOST, SECOND, t + Span::from_millis(1)));
    }
}
