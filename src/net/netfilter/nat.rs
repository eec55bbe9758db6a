//! Address translation: which tuple a connection gets, and how packets and the errors about them are rewritten
//! (net/netfilter/nf_nat_core.c, nf_nat_proto.c).
//!
//! Where a port has to be another one, the kernel begins its search at random; here it begins behind the taken one, so
//! that a run can be repeated. Left out: `--random`, `--persistent`.

use super::conntrack::Tuple;
use super::targets::NatRange;
use crate::wire::{Icmp, IpPacket, L4, Proto};
use std::net::Ipv4Addr;

/// Which end is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manip {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

impl Manip {
    pub(super) fn other(self) -> Manip {
        match self {
            Manip::Src => Manip::Dst,
            Manip::Dst => Manip::Src,
        }
    }
}

/// The code of an ICMP message.
pub fn icmp_code(icmp: &Icmp) -> u8 {
    match icmp {
        Icmp::Echo { .. } => 0,
        Icmp::Unreachable { code, .. } | Icmp::TimeExceeded { code, .. } | Icmp::Redirect { code, .. } => *code,
    }
}

/// The tuple that a connection gets from a range (`get_unique_tuple`): the address by the client's address if there are
/// several, the port kept if it is free. None: no port is left.
pub(super) fn unique_tuple(
    tuple: Tuple,
    range: &NatRange,
    manip: Manip,
    taken: impl Fn(&Tuple) -> bool,
) -> Option<Tuple> {
    let mut new = tuple;
    let (addr, port) = match manip {
        Manip::Src => (&mut new.src, new.sport),
        Manip::Dst => (&mut new.dst, new.dport),
    };
    if let Some((first, last)) = range.addrs {
        let (first, last) = (u32::from(first), u32::from(last).max(u32::from(first)));
        let inside = (first..=last).contains(&u32::from(*addr));
        if !(inside && manip == Manip::Src) {
            let count = u64::from(last - first) + 1;
            // The same client gets the same address.
            let hash = u64::from(u32::from(tuple.src)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            *addr = Ipv4Addr::from(first + ((hash * count) >> 32) as u32);
        }
    }
    let with = |port: u16| {
        let mut t = new;
        *(if manip == Manip::Src { &mut t.sport } else { &mut t.dport }) = port;
        t
    };
    let has_ports = matches!(tuple.proto, 6 | 17);
    let (low, high) = match range.ports {
        Some((low, high)) if has_ports => {
            let inside = (low..=high).contains(&port);
            if inside && (low == high || !taken(&new)) {
                return Some(new);
            }
            (low, high)
        }
        _ if !taken(&new) => return Some(new),
        // The port is not specified, and the destination's is never changed unasked.
        _ if !has_ports || manip == Manip::Dst => return Some(new),
        _ => match port {
            0..=511 => (1, 511),
            512..=1023 => (600, 1023),
            _ => (1024, u16::MAX),
        },
    };
    let count = u32::from(high - low) + 1;
    let start = if (low..=high).contains(&port) { u32::from(port - low) + 1 } else { 0 };
    (0..count).map(|n| with(low + ((start + n) % count) as u16)).find(|t| low == high || !taken(t))
}

/// Rewrites one end of a packet.
pub(super) fn rewrite(pkt: &mut IpPacket, to: &Tuple, manip: Manip) {
    let (sport, dport) = match manip {
        Manip::Src => {
            pkt.saddr = to.src;
            (Some(to.sport), None)
        }
        Manip::Dst => {
            pkt.daddr = to.dst;
            (None, Some(to.dport))
        }
    };
    let later = pkt.offset() != 0;
    let l4 = match &mut pkt.l4 {
        L4::Fragment(f) => &mut f.whole,
        l4 => l4,
    };
    if later || l4.proto() as u8 != to.proto {
        return;
    }
    let ports = match l4 {
        L4::Tcp(t) => (&mut t.sport, &mut t.dport),
        L4::Udp(u) => (&mut u.sport, &mut u.dport),
        _ => return,
    };
    if let Some(port) = sport {
        *ports.0 = port;
    }
    if let Some(port) = dport {
        *ports.1 = port;
    }
}

/// Rewrites an ICMP error and the packet that it quotes (`nf_nat_icmp_reply_translation`). `inner` is the tuple that
/// the quoted packet belongs to, turned round.
pub(super) fn rewrite_error(pkt: &mut IpPacket, outer: &Tuple, inner: &Tuple, manip: Manip) {
    if let L4::Icmp(icmp) = &mut pkt.l4
        && let Some(quote) = icmp.quote_mut()
    {
        rewrite(quote, inner, manip.other());
    }
    match manip {
        Manip::Src => pkt.saddr = outer.src,
        Manip::Dst => pkt.daddr = outer.dst,
    }
}

/// The number of a protocol whose packets have an identity to keep apart: TCP and UDP by ports, echo by its identifier.
pub(super) fn keys(l4: &L4) -> Option<(u8, u16, u16)> {
    Some(match l4 {
        L4::Tcp(t) => (Proto::Tcp as u8, t.sport, t.dport),
        L4::Udp(u) => (Proto::Udp as u8, u.sport, u.dport),
        L4::Icmp(icmp) => match **icmp {
            Icmp::Echo { request, ident, .. } => {
                (Proto::Icmp as u8, if request { ident } else { 0 }, if request { 0 } else { ident })
            }
            _ => return None,
        },
        L4::Ipip(_) => (Proto::Ipip as u8, 0, 0),
        L4::Fragment(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(sport: u16) -> Tuple {
        Tuple { src: [192, 168, 10, 2].into(), dst: [8, 8, 8, 1].into(), proto: 6, sport, dport: 80 }
    }

    fn to(addr: [u8; 4], ports: Option<(u16, u16)>) -> NatRange {
        NatRange { addrs: Some((addr.into(), addr.into())), ports }
    }

    #[test]
    fn the_port_stays_while_nobody_else_has_it() {
        let range = to([8, 8, 8, 8], None);
        let new = unique_tuple(tuple(40_000), &range, Manip::Src, |_| false).expect("free");
        assert_eq!((new.src.to_string().as_str(), new.sport), ("8.8.8.8", 40_000));
        let new = unique_tuple(tuple(40_000), &range, Manip::Src, |t| t.sport < 40_002).expect("free");
        assert_eq!(new.sport, 40_002);
        let new = unique_tuple(tuple(600), &range, Manip::Src, |t| t.sport == 600).expect("free");
        assert_eq!(new.sport, 601, "privileged ports stay privileged");
    }

    #[test]
    fn a_range_that_is_used_up_has_no_port_left() {
        let range = to([8, 8, 8, 8], Some((1000, 1001)));
        assert_eq!(unique_tuple(tuple(40_000), &range, Manip::Src, |_| true), None);
        assert_eq!(unique_tuple(tuple(40_000), &range, Manip::Src, |_| false).map(|t| t.sport), Some(1000));
    }

    #[test]
    fn a_destination_port_that_was_asked_for_is_always_given() {
        let range = to([10, 0, 0, 1], Some((8080, 8080)));
        let new = unique_tuple(tuple(40_000), &range, Manip::Dst, |_| true).expect("one port is taken as it is");
        assert_eq!((new.dst.to_string().as_str(), new.dport), ("10.0.0.1", 8080));
    }
}
