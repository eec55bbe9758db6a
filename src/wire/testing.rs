//! Frames for tests.

use super::{Body, Datagram, IpPacket, L4, PacketId, TcpFlags, TcpSegment};
use std::net::Ipv4Addr;

/// A packet of nothing special.
pub fn ip(saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) -> IpPacket {
    IpPacket { saddr, daddr, id: PacketId(7), frag: 0, ttl: 64, tos: 0, l4 }
}

/// A segment with time stamps.
pub fn segment(sport: u16, dport: u16, flags: TcpFlags, seq: u32, ack: u32, len: u16) -> TcpSegment {
    TcpSegment {
        seq,
        ack,
        body: Body::FILLER,
        sport,
        dport,
        len,
        mss: 1460,
        window: 502,
        flags,
        end: false,
        timestamps: true,
    }
}

/// A datagram.
pub fn datagram(sport: u16, dport: u16, len: u16) -> L4 {
    L4::Udp(Datagram { sport, dport, len, body: Body::FILLER })
}
