//! ICMP errors about connections (ip_vs_in_icmp, ip_vs_out_icmp).
//!
//! An error that quotes an answer goes to the server, one that quotes a request goes to the client as from the
//! virtual address, one that quotes our tunnel packet is relayed to the client. Everything else is left alone.

use super::core::Headers;
use super::dest::Method;
use super::{HookCx, InVerdict, Ipvs, IpvsAct, OutVerdict, xmit};
use crate::base::SimTime;
use crate::sysctl::Global;
use crate::wire::{Icmp, IpPacket, L4};
use std::net::Ipv4Addr;

/// An error about a tunnel packet of ours. With code 4 (fragmentation needed) of type 3 the host lowers its path MTU
/// to `server` to `mtu` and, only if the inner packet has DF, sends the client an error with that path MTU less 20;
/// any other error it sends to the client as it is, about the inner packet, from its destination. The error itself
/// ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelError {
    /// The tunnel's other end.
    pub server: Ipv4Addr,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU in it.
    pub mtu: u16,
    /// The client's packet.
    pub inner: Box<IpPacket>,
}

impl Ipvs {
    /// An error on its way to a client: quotes a request that we sent to a server.
    pub(super) fn icmp_out(&mut self, now: SimTime, pkt: &mut IpPacket, cx: &HookCx<'_>) -> OutVerdict {
        let Some(quoted) = error_quote(pkt).and_then(Headers::of) else {
            return OutVerdict::Accept;
        };
        let h = quoted;
        let found = self.conns.find_out(h.proto, h.daddr, h.dport, h.saddr, h.sport);
        let Some(slot) = found else {
            return OutVerdict::Accept;
        };
        let c = self.conns.get(slot);
        let (dest, conntrack) = (c.dest, c.is(super::conn::flag::NFCT));
        let (vaddr, vport) = c.virt();
        // Only translated connections are translated back (handle_response_icmp).
        if c.method() != Method::Nat {
            self.count_out(now, dest, pkt.len());
            return OutVerdict::Ours { conntrack };
        }
        xmit::snat(pkt, vaddr, vport);
        self.count_out(now, dest, pkt.len());
        OutVerdict::Translated { reroute: cx.hook != super::Hook::LocalIn && cx.on(Global::VsSnatReroute), conntrack }
    }

    /// An error on its way to a server: quotes an answer; or about a tunnel.
    pub(super) fn icmp_in(
        &mut self,
        now: SimTime,
        pkt: &IpPacket,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> InVerdict {
        let Some(quote) = error_quote(pkt) else {
            return InVerdict::Accept;
        };
        if let L4::Ipip(inner) = &quote.l4 {
            return self.icmp_tunnel(pkt, quote, inner, cx);
        }
        let Some(h) = Headers::of(quote) else {
            return InVerdict::Accept;
        };
        let h = Headers { icmp: true, inverse: true, ..h };
        let (slot, new) = match self.conns.find_in(&h.param()) {
            Some(slot) => (slot, false),
            None if !cx.on(Global::VsScheduleIcmp) => return InVerdict::Accept,
            None => match self.try_to_schedule(now, quote, &h, cx, acts) {
                Ok(slot) => (slot, true),
                Err(verdict) => return verdict,
            },
        };
        self.count_in(now, self.conns.get(slot).dest, pkt.len());
        let mut xmit = self.xmit_of(slot, pkt);
        if xmit.method != Method::Nat {
            let c = self.conns.get_mut(slot);
            c.in_pkts = c.in_pkts.wrapping_add(1);
        }
        if new && !self.put(now, slot, acts) {
            xmit.slot = super::conn::NO_SLOT;
        }
        InVerdict::Xmit(xmit)
    }

    fn icmp_tunnel(&self, pkt: &IpPacket, quote: &IpPacket, inner: &IpPacket, cx: &HookCx<'_>) -> InVerdict {
        let L4::Icmp(icmp) = &pkt.l4 else {
            return InVerdict::Accept;
        };
        let known = |h: Headers| self.conns.find_in(&h.param()).is_some();
        if cx.hook == super::Hook::Forward || !self.is_tunnel(quote.daddr) || !Headers::of(inner).is_some_and(known) {
            return InVerdict::Accept;
        }
        let (code, mtu) = match **icmp {
            Icmp::Unreachable { code, mtu, .. } => (code, mtu),
            Icmp::TimeExceeded { code, .. } => (code, 0),
            _ => return InVerdict::Accept,
        };
        InVerdict::Tunnel(TunnelError {
            server: quote.daddr,
            kind: icmp.kind(),
            code,
            mtu,
            inner: Box::new(inner.clone()),
        })
    }

    /// ip_vs_find_tunnel: a destination that is reached by a tunnel.
    fn is_tunnel(&self, addr: Ipv4Addr) -> bool {
        self.services().any(|s| s.dests().any(|d| d.addr == addr && d.method == Method::Tun))
    }
}

fn error_quote(pkt: &IpPacket) -> Option<&IpPacket> {
    match &pkt.l4 {
        L4::Icmp(icmp) if xmit::is_error(icmp) => icmp.quote(),
        _ => None,
    }
}
