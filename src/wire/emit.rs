//! Typed packets to bytes: RFC 791 (IPv4), 793/7323 (TCP and its options), 768, 792, 826, 2003.
//!
//! Only the capture's door needs bytes; inside the simulator packets stay Rust values. Checksums are real, also those
//! of a message that was cut into fragments: the whole is made first and a fragment is a slice of it.
//! A payload is a length and a meaning ([`Body`]); here it becomes readable text followed by filler.
//!
//! A device that sums by itself gets packets of TCP and UDP with the sum over the pseudo-header only ([`Sums::Offloaded`]).
//!
//! Left out: lvsim has no TCP clock, so the timestamps option counts packets instead of milliseconds ([`timestamps`]),
//! and frames are not padded to 60 bytes (a capture on Linux shows what the driver got, without padding).

use super::{Arp, ArpOp, Body, Datagram, Frame, Icmp, IpPacket, L3, L4, PacketId, Said};
use super::{TcpFlags, TcpSegment};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What a payload's meaning is spelt with: the names of the nodes by number, and the world's texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// Node names, by [`crate::base::NodeId`].
    pub nodes: &'a [Arc<str>],
    /// The table that [`Said::Text`] points into.
    pub texts: &'a [Arc<str>],
    /// The table that [`Said::Bytes`] points into.
    pub bytes: &'a [Arc<[u8]>],
}

/// What stands in the checksum fields of TCP and UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// The checksum.
    Whole,
    /// What the stack leaves to the device (`CHECKSUM_PARTIAL`): the sum over the pseudo-header. A reset that belongs
    /// to no socket and a datagram that was cut have their whole sum even so.
    Offloaded,
}

/// The most bytes that an ICMP error quotes: the whole error has at most 576 (RFC 1812, 4.3.2.3).
pub const QUOTE_MAX: usize = 576 - 20 - 8;

/// The frame's bytes, Ethernet header first, neither padded nor with a check sequence.
pub fn frame_bytes(frame: &Frame, words: Words<'_>) -> Vec<u8> {
    summed_frame_bytes(frame, words, Sums::Whole)
}

/// The same with these checksums.
pub fn summed_frame_bytes(frame: &Frame, words: Words<'_>, sums: Sums) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len() as usize);
    out.extend_from_slice(&frame.dst.0);
    out.extend_from_slice(&frame.src.0);
    match &frame.l3 {
        L3::Arp(arp) => {
            out.extend_from_slice(&[0x08, 0x06]);
            out.extend_from_slice(&arp_bytes(arp));
        }
        L3::Ip(packet) => {
            out.extend_from_slice(&[0x08, 0x00]);
            out.extend_from_slice(&summed_ip_bytes(packet, words, sums));
        }
    }
    out
}

/// An ARP packet's 28 bytes.
pub fn arp_bytes(arp: &Arp) -> [u8; 28] {
    let mut out = [0u8; 28];
    // Ethernet, IPv4, address lengths 6 and 4.
    out[..6].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
    out[7] = match arp.op {
        ArpOp::Request => 1,
        ArpOp::Reply => 2,
    };
    out[8..14].copy_from_slice(&arp.sha.0);
    out[14..18].copy_from_slice(&arp.spa.octets());
    out[18..24].copy_from_slice(&arp.tha.0);
    out[24..28].copy_from_slice(&arp.tpa.octets());
    out
}

/// A packet's bytes from its IPv4 header on.
pub fn ip_bytes(packet: &IpPacket, words: Words<'_>) -> Vec<u8> {
    summed_ip_bytes(packet, words, Sums::Whole)
}

/// The same with these checksums.
pub fn summed_ip_bytes(packet: &IpPacket, words: Words<'_>, sums: Sums) -> Vec<u8> {
    let payload = match &packet.l4 {
        L4::Fragment(piece) => {
            let whole = l4_bytes(&piece.whole, packet, words, Sums::Whole);
            let from = (packet.offset() as usize).min(whole.len());
            let to = (from + usize::from(piece.len)).min(whole.len());
            whole[from..to].to_vec()
        }
        whole => l4_bytes(whole, packet, words, sums),
    };
    let total = (20 + payload.len()).min(usize::from(u16::MAX));
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&[0x45, packet.tos]);
    out.extend_from_slice(&(total as u16).to_be_bytes());
    out.extend_from_slice(&(packet.id.0 as u16).to_be_bytes());
    out.extend_from_slice(&packet.frag.to_be_bytes());
    out.extend_from_slice(&[packet.ttl, packet.l4.proto() as u8, 0, 0]);
    out.extend_from_slice(&packet.saddr.octets());
    out.extend_from_slice(&packet.daddr.octets());
    let sum = checksum(&[&out]);
    out[10..12].copy_from_slice(&sum.to_be_bytes());
    out.extend_from_slice(&payload[..total - 20]);
    out
}

/// The values of a segment's timestamps option, `(TSval, TSecr)`: made from the packet's number, so that they are the
/// same at every hop, grow, and echo something earlier. A SYN without ACK echoes nothing.
pub fn timestamps(id: PacketId, flags: TcpFlags) -> (u32, u32) {
    let val = 1_000_000u32.wrapping_add(id.0);
    let ecr = if flags.has(TcpFlags::ACK) { val.wrapping_sub(1) } else { 0 };
    (val, ecr)
}

fn l4_bytes(l4: &L4, ip: &IpPacket, words: Words<'_>, sums: Sums) -> Vec<u8> {
    match l4 {
        L4::Tcp(tcp) => tcp_bytes(tcp, ip, words, sums),
        L4::Udp(udp) => udp_bytes(udp, ip, words, sums),
        L4::Icmp(icmp) => icmp_bytes(icmp, words, sums),
        L4::Ipip(inner) => summed_ip_bytes(inner, words, sums),
        // A fragment of a fragment is one of the whole; ip_bytes has already cut it.
        L4::Fragment(piece) => l4_bytes(&piece.whole, ip, words, sums),
    }
}

/// The bytes of a segment's options.
pub fn tcp_options(tcp: &TcpSegment, id: PacketId) -> Vec<u8> {
    let (val, ecr) = timestamps(id, tcp.flags);
    let mut options = Vec::with_capacity(20);
    if tcp.flags.has(TcpFlags::SYN) {
        // MSS, SACK permitted, timestamps, nop, window scale 7: tcp_options_write's order.
        options.extend_from_slice(&[2, 4]);
        options.extend_from_slice(&tcp.mss.to_be_bytes());
        options.extend_from_slice(&[4, 2, 8, 10]);
        options.extend_from_slice(&val.to_be_bytes());
        options.extend_from_slice(&ecr.to_be_bytes());
        options.extend_from_slice(&[1, 3, 3, 7]);
    } else if tcp.timestamps {
        options.extend_from_slice(&[1, 1, 8, 10]);
        options.extend_from_slice(&val.to_be_bytes());
        options.extend_from_slice(&ecr.to_be_bytes());
    }
    options
}

fn tcp_bytes(tcp: &TcpSegment, ip: &IpPacket, words: Words<'_>, sums: Sums) -> Vec<u8> {
    let socketless = tcp.flags.has(TcpFlags::RST) && !tcp.timestamps;
    let sums = if socketless { Sums::Whole } else { sums };
    let options = tcp_options(tcp, ip.id);
    let mut out = Vec::with_capacity(20 + options.len() + usize::from(tcp.len));
    out.extend_from_slice(&tcp.sport.to_be_bytes());
    out.extend_from_slice(&tcp.dport.to_be_bytes());
    out.extend_from_slice(&tcp.seq.to_be_bytes());
    let ack = if tcp.flags.has(TcpFlags::ACK) { tcp.ack } else { 0 };
    out.extend_from_slice(&ack.to_be_bytes());
    out.push(((20 + options.len()) as u8 / 4) << 4);
    out.push(tcp.flags.0);
    out.extend_from_slice(&tcp.window.to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 0]);
    out.extend_from_slice(&options);
    payload(&mut out, tcp.body, usize::from(tcp.len), words);
    let sum = transport_checksum(&out, ip, 6, sums);
    out[16..18].copy_from_slice(&sum.to_be_bytes());
    out
}

fn udp_bytes(udp: &Datagram, ip: &IpPacket, words: Words<'_>, sums: Sums) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + usize::from(udp.len));
    out.extend_from_slice(&udp.sport.to_be_bytes());
    out.extend_from_slice(&udp.dport.to_be_bytes());
    out.extend_from_slice(&udp.len.saturating_add(8).to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    payload(&mut out, udp.body, usize::from(udp.len), words);
    // Zero says "no checksum", so a sum of zero is sent as all ones.
    let sum = match transport_checksum(&out, ip, 17, sums) {
        0 => 0xffff,
        sum => sum,
    };
    out[6..8].copy_from_slice(&sum.to_be_bytes());
    out
}

fn icmp_bytes(icmp: &Icmp, words: Words<'_>, sums: Sums) -> Vec<u8> {
    let mut out = vec![icmp.kind(), 0, 0, 0];
    match icmp {
        Icmp::Echo { ident, seq, len, body, .. } => {
            out.extend_from_slice(&ident.to_be_bytes());
            out.extend_from_slice(&seq.to_be_bytes());
            if body.said() == Said::Filler {
                // As ping fills it: every byte says where it stands.
                out.extend((0..*len).map(|at| at as u8));
            } else {
                payload(&mut out, *body, usize::from(*len), words);
            }
        }
        Icmp::Unreachable { code, mtu, .. } => {
            out[1] = *code;
            let mtu = if *code == Icmp::FRAG_NEEDED { *mtu } else { 0 };
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&mtu.to_be_bytes());
        }
        Icmp::TimeExceeded { code, .. } => {
            out[1] = *code;
            out.extend_from_slice(&[0; 4]);
        }
        Icmp::Redirect { code, gateway, .. } => {
            out[1] = *code;
            out.extend_from_slice(&gateway.octets());
        }
    }
    if let Some(quote) = icmp.quote() {
        let quoted = summed_ip_bytes(quote, words, sums);
        out.extend_from_slice(&quoted[..quoted.len().min(QUOTE_MAX)]);
    }
    let sum = checksum(&[&out]);
    out[2..4].copy_from_slice(&sum.to_be_bytes());
    out
}

/// The first bytes of a payload with a meaning; the rest is filler. Empty for filler alone, and for bytes that are no text.
pub fn spelt(body: Body, words: Words<'_>) -> String {
    match body.said() {
        Said::Filler | Said::Bytes(_) => String::new(),
        Said::Ask(bytes) => format!("lvsim-request response={bytes}\n"),
        Said::Answer(node) => match words.nodes.get(node.index()) {
            Some(name) => format!("{name}\n"),
            None => format!("{node}\n"),
        },
        Said::Text(n) => words.texts.get(n as usize).map_or_else(String::new, |text| text.to_string()),
    }
}

/// What a program reads from a datagram.
pub fn datagram_bytes(datagram: &Datagram, words: Words<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(usize::from(datagram.len));
    payload(&mut out, datagram.body, usize::from(datagram.len), words);
    out
}

fn payload(out: &mut Vec<u8>, body: Body, len: usize, words: Words<'_>) {
    const FILLER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
    let end = out.len() + len;
    match body.said() {
        Said::Bytes(n) => out.extend(words.bytes.get(n as usize).into_iter().flat_map(|b| b.iter()).take(len)),
        _ => out.extend(spelt(body, words).bytes().take(len)),
    }
    let rest = end - out.len();
    out.extend(FILLER.iter().cycle().take(rest));
}

fn transport_checksum(segment: &[u8], ip: &IpPacket, proto: u8, sums: Sums) -> u16 {
    let pseudo = |a: Ipv4Addr, b: Ipv4Addr| {
        let ([a, b, c, d], [e, f, g, h]) = (a.octets(), b.octets());
        [a, b, c, d, e, f, g, h]
    };
    let length = (segment.len() as u32).to_be_bytes();
    let (ends, tail) = (pseudo(ip.saddr, ip.daddr), [0, proto, length[2], length[3]]);
    match sums {
        Sums::Whole => checksum(&[&ends, &tail, segment]),
        Sums::Offloaded => !checksum(&[&ends, &tail]),
    }
}

/// The Internet checksum (RFC 1071) over pieces, all but the last of even length.
pub(super) fn checksum(pieces: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for piece in pieces {
        for pair in piece.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;
    use crate::wire::{Fragment, Mac, testing};
    use etherparse::{SlicedPacket, TransportSlice};
    use std::sync::LazyLock;

    fn tcp(flags: TcpFlags, len: u16, body: Body) -> L4 {
        L4::Tcp(TcpSegment { body, window: 64240, ..testing::segment(32768, 80, flags, 7, 9, len) })
    }

    fn packet(l4: L4) -> IpPacket {
        IpPacket {
            saddr: Ipv4Addr::new(10, 0, 0, 1),
            daddr: Ipv4Addr::new(10, 0, 0, 100),
            id: PacketId(0x1_2345),
            frag: IpPacket::DF,
            ttl: 64,
            tos: 0,
            l4,
        }
    }

    fn words() -> Words<'static> {
        static NAMES: LazyLock<[Arc<str>; 2]> = LazyLock::new(|| ["lan".into(), "rs1".into()]);
        Words { nodes: &*NAMES, texts: &[], bytes: &[] }
    }

    /// Reads the bytes back with another implementation and holds all checksums.
    fn verify(bytes: &[u8]) {
        let sliced = SlicedPacket::from_ip(bytes).expect("an IPv4 packet");
        let net = sliced.net.expect("an IP header");
        let ip = net.ipv4_ref().expect("IPv4");
        let header = ip.header().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        let payload = ip.payload().payload;
        match sliced.transport {
            Some(TransportSlice::Tcp(t)) => {
                let sum = t.calc_checksum_ipv4(ip.header().source(), ip.header().destination());
                assert_eq!(sum.expect("short enough"), t.checksum());
            }
            Some(TransportSlice::Udp(u)) => {
                let sum = u.to_header().calc_checksum_ipv4(&header, u.payload());
                assert_eq!(sum.expect("short enough"), u.checksum());
                assert_eq!(usize::from(u.length()), payload.len());
            }
            Some(TransportSlice::Icmpv4(i)) => {
                let h = i.header();
                assert_eq!(h.icmp_type.calc_checksum(i.payload()), h.checksum);
            }
            _ => {}
        }
    }

    #[test]
    fn every_kind_of_packet_has_the_length_it_claims_and_good_checksums() {
        let syn = packet(tcp(TcpFlags::SYN, 0, Body::FILLER));
        let quote = Box::new(packet(tcp(TcpFlags::ACK, 1448, Body::FILLER)));
        let echo = Icmp::Echo { request: true, ident: 4, seq: 1, len: 57, body: Body::FILLER };
        let udp = Datagram { sport: 5, dport: 6, len: 3, body: Body::ask(1) };
        let mut bare = packet(tcp(TcpFlags::RST, 0, Body::FILLER));
        if let L4::Tcp(t) = &mut bare.l4 {
            t.timestamps = false;
        }
        for p in [
            syn.clone(),
            bare,
            packet(tcp(TcpFlags::ACK, 1, Body::answer(NodeId(1)))),
            packet(tcp(TcpFlags::PSH, 1448, Body::ask(1000))),
            packet(L4::Udp(udp)),
            packet(L4::Udp(Datagram { len: 0, ..udp })),
            packet(L4::Icmp(Box::new(echo))),
            packet(L4::Icmp(Box::new(Icmp::Unreachable { code: 4, mtu: 1400, quote: quote.clone() }))),
            packet(L4::Icmp(Box::new(Icmp::TimeExceeded { code: 0, quote: quote.clone() }))),
            packet(L4::Icmp(Box::new(Icmp::Redirect { code: 1, gateway: Ipv4Addr::new(10, 0, 0, 254), quote }))),
            packet(L4::Ipip(Box::new(syn))),
        ] {
            let bytes = ip_bytes(&p, words());
            assert_eq!(bytes.len() as u32, p.len(), "{p:?}");
            verify(&bytes);
        }
    }

    #[test]
    fn fragments_put_together_are_the_whole_with_its_checksum() {
        let whole = packet(L4::Udp(Datagram { sport: 1, dport: 2, len: 1600, body: Body::answer(NodeId(1)) }));
        let bytes = ip_bytes(&whole, words());
        verify(&bytes);
        let piece = |frag: u16, len: u16| IpPacket {
            frag,
            ..packet(L4::Fragment(Box::new(Fragment { whole: whole.l4.clone(), len })))
        };
        let first = ip_bytes(&piece(IpPacket::MF, 1480), words());
        let second = ip_bytes(&piece(185, 128), words());
        assert_eq!(&first[20..], &bytes[20..1500]);
        assert_eq!(&second[20..], &bytes[1500..]);
        assert_eq!(second[6..8], [0, 185]);
        assert_eq!(second[9], 17);
    }

    #[test]
    fn a_device_that_sums_gets_the_sum_over_the_pseudo_header() {
        let udp = |l4| summed_ip_bytes(&packet(l4), words(), Sums::Offloaded);
        let datagram = L4::Udp(Datagram { sport: 1, dport: 2, len: 100, body: Body::FILLER });
        // 10.0.0.1, 10.0.0.100, protocol 17, length 108: whatever the ports and the payload are.
        assert_eq!(udp(datagram.clone())[26..28], 0x14e2_u16.to_be_bytes());
        let piece = L4::Fragment(Box::new(Fragment { whole: datagram.clone(), len: 64 }));
        assert_eq!(udp(piece.clone()), ip_bytes(&packet(piece), words()));
        let mut reset = packet(tcp(TcpFlags::RST, 0, Body::FILLER));
        if let L4::Tcp(t) = &mut reset.l4 {
            t.timestamps = false;
        }
        assert_eq!(summed_ip_bytes(&reset, words(), Sums::Offloaded), ip_bytes(&reset, words()));
        let syn = packet(tcp(TcpFlags::SYN, 0, Body::FILLER));
        assert_ne!(summed_ip_bytes(&syn, words(), Sums::Offloaded), ip_bytes(&syn, words()));
    }

    #[test]
    fn a_syn_carries_the_five_options_of_linux() {
        let bytes = ip_bytes(&packet(tcp(TcpFlags::SYN, 0, Body::FILLER)), words());
        let options = &bytes[40..60];
        assert_eq!(options[..6], [2, 4, 0x05, 0xb4, 4, 2]);
        assert_eq!(options[6..8], [8, 10]);
        assert_eq!(options[12..], [0, 0, 0, 0, 1, 3, 3, 7]);
        // SYN without ACK: the acknowledgement field is not what the segment happens to remember.
        assert_eq!(bytes[28..32], [0; 4]);
    }

    #[test]
    fn payloads_can_be_read() {
        let said = |body, len| {
            let bytes = ip_bytes(&packet(tcp(TcpFlags::ACK, len, body)), words());
            String::from_utf8(bytes[52..].to_vec()).expect("ASCII")
        };
        assert_eq!(said(Body::answer(NodeId(1)), 6), "rs1\n01");
        assert_eq!(said(Body::answer(NodeId(1)), 2), "rs");
        assert!(said(Body::ask(1000), 100).starts_with("lvsim-request response=1000\n0123"));
        assert_eq!(said(Body::text(5), 3), "012");
    }

    #[test]
    fn a_quote_is_cut_so_that_the_error_has_576_bytes() {
        let error = packet(L4::Icmp(Box::new(Icmp::Unreachable {
            code: Icmp::HOST,
            mtu: 1400,
            quote: Box::new(packet(tcp(TcpFlags::ACK, 1448, Body::FILLER))),
        })));
        let bytes = ip_bytes(&error, words());
        assert_eq!(bytes.len(), 576);
        // The MTU field belongs to code 4 alone.
        assert_eq!(bytes[26..28], [0, 0]);
    }

    #[test]
    fn arp_is_twenty_eight_bytes_behind_the_ethernet_header() {
        let frame = Frame {
            l3: L3::Arp(Arp {
                op: ArpOp::Reply,
                sha: Mac([2, 0, 0, 0, 0, 1]),
                spa: Ipv4Addr::new(10, 0, 0, 1),
                tha: Mac([2, 0, 0, 0, 0, 2]),
                tpa: Ipv4Addr::new(10, 0, 0, 2),
            }),
            dst: Mac([2, 0, 0, 0, 0, 2]),
            src: Mac([2, 0, 0, 0, 0, 1]),
        };
        let bytes = frame_bytes(&frame, words());
        assert_eq!(bytes.len(), 42);
        assert_eq!(bytes[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
        assert_eq!(bytes[22..32], [2, 0, 0, 0, 0, 1, 10, 0, 0, 1]);
    }
}
