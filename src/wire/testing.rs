//! Frames for tests.

use super::{Arp, ArpOp, Body, Datagram, Fragment, Frame, Icmp, IpPacket, L3, L4, Mac, PacketId, TcpFlags, TcpSegment};
use proptest::prelude::*;
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

/// A frame of any kind, with packets in packets.
pub fn any_frame() -> impl Strategy<Value = Frame> {
    let mac = || any::<[u8; 6]>().prop_map(Mac);
    let l3 = prop_oneof![
        (any::<bool>(), mac(), any::<Ipv4Addr>(), mac(), any::<Ipv4Addr>()).prop_map(|(reply, sha, spa, tha, tpa)| {
            L3::Arp(Arp { op: if reply { ArpOp::Reply } else { ArpOp::Request }, sha, spa, tha, tpa })
        }),
        any_packet().prop_map(L3::Ip),
        any_packet().prop_map(L3::Ip),
    ];
    (l3, mac(), mac()).prop_map(|(l3, dst, src)| Frame { l3, dst, src })
}

/// A packet of any kind.
pub fn any_packet() -> impl Strategy<Value = IpPacket> {
    let plain = prop_oneof![any_segment(), any_datagram(), any_echo()];
    let in_packet = |l4: BoxedStrategy<L4>| {
        let numbers = (any::<u32>(), any::<u16>(), any::<u8>(), any::<u8>());
        (any::<Ipv4Addr>(), any::<Ipv4Addr>(), numbers, l4).prop_map(|(saddr, daddr, (id, frag, ttl, tos), l4)| {
            IpPacket { saddr, daddr, id: PacketId(id), frag, ttl, tos, l4 }
        })
    };
    let nested = plain.prop_recursive(3, 8, 1, move |inner| {
        let quote = in_packet(inner.clone().boxed()).prop_map(Box::new);
        prop_oneof![
            quote.clone().prop_map(L4::Ipip),
            (inner, any::<u16>()).prop_map(|(whole, len)| L4::Fragment(Box::new(Fragment { whole, len }))),
            (any::<u8>(), any::<u16>(), quote.clone())
                .prop_map(|(code, mtu, quote)| L4::Icmp(Box::new(Icmp::Unreachable { code, mtu, quote }))),
            (any::<u8>(), quote.clone())
                .prop_map(|(code, quote)| L4::Icmp(Box::new(Icmp::TimeExceeded { code, quote }))),
            (any::<u8>(), any::<Ipv4Addr>(), quote)
                .prop_map(|(code, gateway, quote)| L4::Icmp(Box::new(Icmp::Redirect { code, gateway, quote }))),
        ]
    });
    in_packet(nested.boxed())
}

/// A number that is 0 as often as not.
fn maybe<T: Copy + Default + std::fmt::Debug + 'static>(some: impl Strategy<Value = T> + 'static) -> BoxedStrategy<T> {
    prop_oneof![Just(T::default()), some].boxed()
}

fn any_segment() -> impl Strategy<Value = L4> {
    let random = (any::<u32>(), maybe(any::<u32>()), maybe(any::<u32>()), any::<u16>(), any::<u16>());
    let fields = (maybe(any::<u16>()), maybe(any::<u16>()), any::<u16>(), any::<u8>(), any::<bool>(), any::<bool>());
    (random, fields).prop_map(|((seq, ack, body, sport, dport), (len, mss, window, flags, end, timestamps))| {
        let (body, flags) = (Body(body), TcpFlags(flags));
        L4::Tcp(TcpSegment { seq, ack, body, sport, dport, len, mss, window, flags, end, timestamps })
    })
}

fn any_datagram() -> impl Strategy<Value = L4> {
    (any::<u16>(), any::<u16>(), any::<u16>(), any::<u32>())
        .prop_map(|(sport, dport, len, body)| L4::Udp(Datagram { sport, dport, len, body: Body(body) }))
}

fn any_echo() -> impl Strategy<Value = L4> {
    (any::<bool>(), any::<u16>(), any::<u16>(), any::<u16>(), any::<u32>()).prop_map(
        |(request, ident, seq, len, body)| {
            L4::Icmp(Box::new(Icmp::Echo { request, ident, seq, len, body: Body(body) }))
        },
    )
}
