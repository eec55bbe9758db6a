//! IPv4 packets (RFC 791), typed: header fields that a rule looks at, and the transport as an enum.

use super::{Body, Datagram, Icmp, PacketId, TcpSegment};
use crate::words_are_display;
use std::fmt;
use std::net::Ipv4Addr;

/// Protocol numbers that lvsim knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Proto {
    /// 1
    Icmp = 1,
    /// 4: IP in IP (RFC 2003), what Linux calls ipip
    Ipip = 4,
    /// 6
    Tcp = 6,
    /// 17
    Udp = 17,
}

/// An IPv4 packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpPacket {
    /// Source address.
    pub saddr: Ipv4Addr,
    /// Destination address.
    pub daddr: Ipv4Addr,
    /// Whose story it belongs to; its low 16 bits are the identification on the wire.
    pub id: PacketId,
    /// Flags and fragment offset as on the wire: `DF` 0x4000, `MF` 0x2000, offset in units of eight bytes.
    pub frag: u16,
    /// Time to live.
    pub ttl: u8,
    /// Type of service (DSCP and ECN).
    pub tos: u8,
    /// What it carries.
    pub l4: L4,
}

/// What an IPv4 packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum L4 {
    /// TCP.
    Tcp(TcpSegment),
    /// UDP.
    Udp(Datagram),
    /// ICMP.
    Icmp(Box<Icmp>),
    /// Another packet (RFC 2003).
    Ipip(Box<IpPacket>),
    /// A piece of any of these.
    Fragment(Box<Fragment>),
}

/// A piece of a transport message. It remembers the whole, so that reassembly needs no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The whole that it is cut from.
    pub whole: L4,
    /// Bytes in this piece.
    pub len: u16,
}

impl L4 {
    /// Bytes after the IP header.
    #[inline]
    pub fn len(&self) -> u32 {
        match self {
            L4::Tcp(t) => t.header_len() + u32::from(t.len),
            other => other.len_but_tcp(),
        }
    }

    /// Apart, so that the common case is inlined everywhere.
    fn len_but_tcp(&self) -> u32 {
        match self {
            L4::Tcp(t) => t.header_len() + u32::from(t.len),
            L4::Udp(u) => Datagram::HEADER + u32::from(u.len),
            L4::Icmp(i) => i.len(),
            L4::Ipip(p) => p.len(),
            L4::Fragment(f) => u32::from(f.len),
        }
    }

    /// Never: every transport has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The protocol number; a fragment has that of its whole.
    #[inline]
    pub fn proto(&self) -> Proto {
        match self {
            L4::Tcp(_) => Proto::Tcp,
            L4::Udp(_) => Proto::Udp,
            L4::Icmp(_) => Proto::Icmp,
            L4::Ipip(_) => Proto::Ipip,
            L4::Fragment(f) => f.whole.proto(),
        }
    }

    /// Source and destination port of TCP and UDP.
    #[inline]
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self {
            L4::Tcp(t) => Some((t.sport, t.dport)),
            L4::Udp(u) => Some((u.sport, u.dport)),
            _ => None,
        }
    }
}

impl IpPacket {
    /// Bytes of the header; lvsim sends no IP options.
    pub const HEADER: u32 = 20;
    /// The DF bit in `frag`.
    pub const DF: u16 = 0x4000;
    /// The MF bit in `frag`.
    pub const MF: u16 = 0x2000;
    const OFFSET: u16 = 0x1fff;
    /// What is left where a packet was taken out.
    pub const NOTHING: IpPacket = IpPacket {
        saddr: Ipv4Addr::UNSPECIFIED,
        daddr: Ipv4Addr::UNSPECIFIED,
        id: PacketId(0),
        frag: 0,
        ttl: 0,
        tos: 0,
        l4: L4::Udp(Datagram { sport: 0, dport: 0, len: 0, body: Body::FILLER }),
    };

    /// Total length in bytes.
    #[inline]
    pub fn len(&self) -> u32 {
        Self::HEADER + self.l4.len()
    }

    /// Never: it has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether "don't fragment" is set.
    #[inline]
    pub fn df(&self) -> bool {
        self.frag & Self::DF != 0
    }

    /// Whether more fragments follow.
    pub fn mf(&self) -> bool {
        self.frag & Self::MF != 0
    }

    /// Fragment offset in bytes.
    pub fn offset(&self) -> u32 {
        u32::from(self.frag & Self::OFFSET) * 8
    }

    /// Whether it is a piece of a packet.
    #[inline]
    pub fn is_fragment(&self) -> bool {
        self.frag & (Self::MF | Self::OFFSET) != 0
    }
}

words_are_display!(Proto);

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proto::Icmp => "ICMP",
            Proto::Ipip => "IPIP",
            Proto::Tcp => "TCP",
            Proto::Udp => "UDP",
        })
    }
}
