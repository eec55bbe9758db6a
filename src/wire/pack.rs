//! Frames as few bytes, to be put aside and read back equal. Not what is on a cable (that is [`super::emit`]): a body
//! stays a meaning, a fragment remembers its whole, and what is nearly always 0 takes no room.

use super::{Arp, ArpOp, Body, Datagram, Fragment, Frame, Icmp, IpPacket, L3, L4, Mac, PacketId, TcpFlags, TcpSegment};
use crate::base::pack::{Broken, Unpack, put_addr, put_u16, put_u32};

// What follows the hardware addresses, and what a packet carries.
const ARP: u8 = 0;
const TCP: u8 = 1;
const UDP: u8 = 2;
const ECHO: u8 = 3;
const UNREACHABLE: u8 = 4;
const TIME_EXCEEDED: u8 = 5;
const REDIRECT: u8 = 6;
const IPIP: u8 = 7;
const FRAGMENT: u8 = 8;

/// Adds a frame.
pub fn put_frame(out: &mut Vec<u8>, frame: &Frame) {
    out.extend_from_slice(&frame.dst.0);
    out.extend_from_slice(&frame.src.0);
    match &frame.l3 {
        L3::Arp(arp) => {
            out.push(ARP);
            put_arp(out, arp);
        }
        L3::Ip(packet) => put_packet(out, packet),
    }
}

/// What [`put_frame`] added.
///
/// # Errors
/// If the bytes are something else.
pub fn frame(from: &mut Unpack<'_>) -> Result<Frame, Broken> {
    let (dst, src) = (Mac(from.bytes()?), Mac(from.bytes()?));
    let l3 = match from.u8()? {
        ARP => L3::Arp(arp(from)?),
        kind => L3::Ip(packet_of(kind, from)?),
    };
    Ok(Frame { l3, dst, src })
}

/// Adds an ARP packet.
pub fn put_arp(out: &mut Vec<u8>, arp: &Arp) {
    out.push(u8::from(arp.op == ArpOp::Reply));
    out.extend_from_slice(&arp.sha.0);
    put_addr(out, arp.spa);
    out.extend_from_slice(&arp.tha.0);
    put_addr(out, arp.tpa);
}

/// What [`put_arp`] added.
///
/// # Errors
/// See [`frame`].
pub fn arp(from: &mut Unpack<'_>) -> Result<Arp, Broken> {
    let op = if from.u8()? == 0 { ArpOp::Request } else { ArpOp::Reply };
    Ok(Arp { op, sha: Mac(from.bytes()?), spa: from.addr()?, tha: Mac(from.bytes()?), tpa: from.addr()? })
}

/// Adds a packet.
pub fn put_packet(out: &mut Vec<u8>, p: &IpPacket) {
    out.push(kind(&p.l4));
    put_addr(out, p.saddr);
    put_addr(out, p.daddr);
    put_u32(out, p.id.0);
    put_u16(out, p.frag);
    out.extend_from_slice(&[p.ttl, p.tos]);
    put_l4(out, &p.l4);
}

/// What [`put_packet`] added.
///
/// # Errors
/// See [`frame`].
pub fn packet(from: &mut Unpack<'_>) -> Result<IpPacket, Broken> {
    let kind = from.u8()?;
    packet_of(kind, from)
}

fn packet_of(kind: u8, from: &mut Unpack<'_>) -> Result<IpPacket, Broken> {
    Ok(IpPacket {
        saddr: from.addr()?,
        daddr: from.addr()?,
        id: PacketId(from.u32()?),
        frag: from.u16()?,
        ttl: from.u8()?,
        tos: from.u8()?,
        l4: l4(kind, from)?,
    })
}

fn kind(l4: &L4) -> u8 {
    match l4 {
        L4::Tcp(_) => TCP,
        L4::Udp(_) => UDP,
        L4::Icmp(icmp) => match **icmp {
            Icmp::Echo { .. } => ECHO,
            Icmp::Unreachable { .. } => UNREACHABLE,
            Icmp::TimeExceeded { .. } => TIME_EXCEEDED,
            Icmp::Redirect { .. } => REDIRECT,
        },
        L4::Ipip(_) => IPIP,
        L4::Fragment(_) => FRAGMENT,
    }
}

fn put_l4(out: &mut Vec<u8>, l4: &L4) {
    match l4 {
        L4::Tcp(t) => put_tcp(out, t),
        L4::Udp(u) => {
            put_u16(out, u.sport);
            put_u16(out, u.dport);
            put_u16(out, u.len);
            put_u32(out, u.body.0);
        }
        L4::Icmp(icmp) => put_icmp(out, icmp),
        L4::Ipip(inner) => put_packet(out, inner),
        L4::Fragment(piece) => {
            put_u16(out, piece.len);
            out.push(kind(&piece.whole));
            put_l4(out, &piece.whole);
        }
    }
}

fn l4(kind: u8, from: &mut Unpack<'_>) -> Result<L4, Broken> {
    Ok(match kind {
        TCP => L4::Tcp(tcp(from)?),
        UDP => L4::Udp(Datagram { sport: from.u16()?, dport: from.u16()?, len: from.u16()?, body: Body(from.u32()?) }),
        IPIP => L4::Ipip(Box::new(packet(from)?)),
        FRAGMENT => {
            let (len, kind) = (from.u16()?, from.u8()?);
            L4::Fragment(Box::new(Fragment { whole: l4(kind, from)?, len }))
        }
        _ => L4::Icmp(Box::new(icmp(kind, from)?)),
    })
}

fn put_icmp(out: &mut Vec<u8>, icmp: &Icmp) {
    match icmp {
        Icmp::Echo { request, ident, seq, len, body } => {
            out.push(u8::from(*request));
            put_u16(out, *ident);
            put_u16(out, *seq);
            put_u16(out, *len);
            put_u32(out, body.0);
        }
        Icmp::Unreachable { code, mtu, quote } => {
            out.push(*code);
            put_u16(out, *mtu);
            put_packet(out, quote);
        }
        Icmp::TimeExceeded { code, quote } => {
            out.push(*code);
            put_packet(out, quote);
        }
        Icmp::Redirect { code, gateway, quote } => {
            out.push(*code);
            put_addr(out, *gateway);
            put_packet(out, quote);
        }
    }
}

fn icmp(kind: u8, from: &mut Unpack<'_>) -> Result<Icmp, Broken> {
    let first = from.u8()?;
    Ok(match kind {
        ECHO => Icmp::Echo {
            request: first != 0,
            ident: from.u16()?,
            seq: from.u16()?,
            len: from.u16()?,
            body: Body(from.u32()?),
        },
        UNREACHABLE => Icmp::Unreachable { code: first, mtu: from.u16()?, quote: Box::new(packet(from)?) },
        TIME_EXCEEDED => Icmp::TimeExceeded { code: first, quote: Box::new(packet(from)?) },
        REDIRECT => Icmp::Redirect { code: first, gateway: from.addr()?, quote: Box::new(packet(from)?) },
        _ => return Err(Broken),
    })
}

// Which fields of a segment are there, and its two facts that are no numbers.
const HAS_ACK: u8 = 1;
const HAS_BODY: u8 = 2;
const HAS_MSS: u8 = 4;
const HAS_LEN: u8 = 8;
const END: u8 = 16;
const TIMESTAMPS: u8 = 32;

#[inline]
fn put_tcp(out: &mut Vec<u8>, t: &TcpSegment) {
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let bits = bit(t.ack != 0, HAS_ACK)
        | bit(t.body != Body::FILLER, HAS_BODY)
        | bit(t.mss != 0, HAS_MSS)
        | bit(t.len != 0, HAS_LEN)
        | bit(t.end, END)
        | bit(t.timestamps, TIMESTAMPS);
    out.extend_from_slice(&[bits, t.flags.0]);
    put_u32(out, t.seq);
    put_u16(out, t.sport);
    put_u16(out, t.dport);
    put_u16(out, t.window);
    if t.ack != 0 {
        put_u32(out, t.ack);
    }
    if t.body != Body::FILLER {
        put_u32(out, t.body.0);
    }
    if t.mss != 0 {
        put_u16(out, t.mss);
    }
    if t.len != 0 {
        put_u16(out, t.len);
    }
}

#[inline]
fn tcp(from: &mut Unpack<'_>) -> Result<TcpSegment, Broken> {
    let [bits, flags] = from.bytes()?;
    let has = |bit| bits & bit != 0;
    let (seq, sport, dport, window) = (from.u32()?, from.u16()?, from.u16()?, from.u16()?);
    Ok(TcpSegment {
        seq,
        ack: if has(HAS_ACK) { from.u32()? } else { 0 },
        body: if has(HAS_BODY) { Body(from.u32()?) } else { Body::FILLER },
        sport,
        dport,
        mss: if has(HAS_MSS) { from.u16()? } else { 0 },
        len: if has(HAS_LEN) { from.u16()? } else { 0 },
        window,
        flags: TcpFlags(flags),
        end: has(END),
        timestamps: has(TIMESTAMPS),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::any_frame;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_frame_comes_back_equal(frames in prop::collection::vec(any_frame(), 1..5)) {
            let mut out = Vec::new();
            frames.iter().for_each(|f| put_frame(&mut out, f));
            let mut from = Unpack(&out);
            for f in &frames {
                prop_assert_eq!(frame(&mut from), Ok(f.clone()));
            }
            prop_assert!(from.0.is_empty());
        }

        #[test]
        fn bytes_that_are_no_frame_are_broken_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = frame(&mut Unpack(&bytes));
        }

        #[test]
        fn a_frame_that_was_cut_is_broken(f in any_frame(), cut in 1..12usize) {
            let mut out = Vec::new();
            put_frame(&mut out, &f);
            out.truncate(out.len() - cut);
            prop_assert_eq!(frame(&mut Unpack(&out)), Err(Broken));
        }
    }

    #[test]
    fn a_segment_of_the_common_kind_is_short() {
        let t = super::super::testing::segment(32768, 80, TcpFlags::ACK, 9, 1, 0);
        let l4 = L4::Tcp(TcpSegment { mss: 0, ..t });
        let p = super::super::testing::ip([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), l4);
        let mut out = Vec::new();
        put_frame(&mut out, &Frame { l3: L3::Ip(p), dst: Mac::ZERO, src: Mac::ZERO });
        assert!(out.len() <= 48, "{} bytes", out.len());
    }
}
