//! What a transmitter checks and rewrites (ip_vs_xmit.c), as pure functions: the host looks up routes and sends.
//!
//! Order for a packet: look up the route to the server, ask [`check`], and do as it says; for NAT call [`dnat`], for
//! a tunnel [`encapsulate`]. Left out: strict and loose source routes, GRE and GUE.

use super::dest::Method;
use crate::wire::{Icmp, IpPacket, L4};
use std::net::Ipv4Addr;

/// What the host found out about the way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteFacts {
    /// The server is this host.
    pub local: bool,
    /// The packet's own destination was this host.
    pub was_local: bool,
    /// The path's MTU.
    pub mtu: u32,
}

/// What comes of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// To the local stack; NAT rewrites it first.
    Local,
    /// Send it, with the TTL decremented already.
    Send,
    /// A source on 127/8 would leave, or a server on 127/8 would be reached from outside: drop it.
    Loopback,
    /// Only the local stack may have it, and it did not go there: drop it.
    NotLocal,
    /// ICMP time exceeded from the packet's destination, and drop it.
    TtlExceeded,
    /// ICMP fragmentation needed with this MTU from the packet's destination, and drop it.
    FragNeeded(u32),
}

/// The checks of __ip_vs_get_out_rt after the route was found, in the kernel's order. The TTL is decremented if the
/// packet may go on to another host, so that an ICMP error about its length quotes it so.
pub fn check(
    pkt: &mut IpPacket,
    method: Method,
    server: Ipv4Addr,
    route: RouteFacts,
    from_loopback: bool,
    pmtu_disc: bool,
) -> Checked {
    if route.local {
        return match method {
            Method::Nat if server.is_loopback() && !from_loopback => Checked::Loopback,
            Method::Nat => Checked::Local,
            _ if route.was_local => Checked::Local,
            _ => Checked::NotLocal,
        };
    }
    if pkt.saddr.is_loopback() {
        return Checked::Loopback;
    }
    if pkt.ttl <= 1 {
        return Checked::TtlExceeded;
    }
    pkt.ttl -= 1;
    let mtu = match method {
        Method::Tun => route.mtu.saturating_sub(IpPacket::HEADER),
        _ => route.mtu,
    };
    let discover = method != Method::Tun || pmtu_disc;
    if pkt.df() && discover && pkt.len() > mtu {
        return Checked::FragNeeded(mtu);
    }
    Checked::Send
}

/// Rewrites a request for the server: address and port, or those of an ICMP error's quoted answer.
pub fn dnat(pkt: &mut IpPacket, addr: Ipv4Addr, port: u16) {
    pkt.daddr = addr;
    if let L4::Icmp(icmp) = &mut pkt.l4 {
        if let Some(quote) = icmp.quote_mut() {
            quote.saddr = addr;
            set_ports(&mut quote.l4, Some(port), None);
        }
    } else {
        set_ports(&mut pkt.l4, None, Some(port));
    }
}

/// Rewrites an answer as sent from the virtual address: address and port, or those of an ICMP error's quoted request.
pub fn snat(pkt: &mut IpPacket, addr: Ipv4Addr, port: u16) {
    pkt.saddr = addr;
    if let L4::Icmp(icmp) = &mut pkt.l4 {
        if let Some(quote) = icmp.quote_mut() {
            quote.daddr = addr;
            set_ports(&mut quote.l4, None, Some(port));
        }
    } else {
        set_ports(&mut pkt.l4, Some(port), None);
    }
}

/// The outer packet of a tunnel: TTL, type of service and, with `pmtu_disc`, DF are those of the inner one.
pub fn encapsulate(inner: IpPacket, src: Ipv4Addr, server: Ipv4Addr, pmtu_disc: bool) -> IpPacket {
    IpPacket {
        saddr: src,
        daddr: server,
        id: inner.id,
        frag: if pmtu_disc { inner.frag & IpPacket::DF } else { 0 },
        ttl: inner.ttl,
        tos: inner.tos,
        l4: L4::Ipip(Box::new(inner)),
    }
}

/// The ICMP error types that are about connections: unreachable and time exceeded (source quench is not sent by
/// anyone).
pub(super) fn is_error(icmp: &Icmp) -> bool {
    matches!(icmp.kind(), 3 | 11)
}

fn set_ports(l4: &mut L4, source: Option<u16>, destination: Option<u16>) {
    let (sport, dport) = match l4 {
        L4::Tcp(t) => (&mut t.sport, &mut t.dport),
        L4::Udp(u) => (&mut u.sport, &mut u.dport),
        L4::Fragment(f) => return set_ports(&mut f.whole, source, destination),
        L4::Icmp(_) | L4::Ipip(_) => return,
    };
    if let Some(port) = source {
        *sport = port;
    }
    if let Some(port) = destination {
        *dport = port;
    }
}
