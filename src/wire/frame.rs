//! Ethernet frames: the 64 bytes that move through the simulator.

use super::{Arp, IpPacket, Mac};
use std::fmt;

/// Whose story a packet belongs to: given where a packet is born, kept through forwarding, translation and
/// encapsulation. A retransmission or an ICMP error is born anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u32);

/// An Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it carries.
    pub l3: L3,
    /// Destination hardware address.
    pub dst: Mac,
    /// Source hardware address.
    pub src: Mac,
}

/// What a frame carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum L3 {
    /// EtherType 0x0806.
    Arp(Arp),
    /// EtherType 0x0800.
    Ip(IpPacket),
}

impl Frame {
    /// Bytes of the Ethernet header.
    pub const HEADER: u32 = 14;

    /// Bytes on the cable without preamble and check sequence; short frames are padded to 60.
    #[inline]
    pub fn len(&self) -> u32 {
        self.unpadded_len().max(60)
    }

    /// Header and payload: what a device's counters and captures show.
    #[inline]
    pub fn unpadded_len(&self) -> u32 {
        let payload = match &self.l3 {
            L3::Arp(_) => Arp::LEN,
            L3::Ip(p) => p.len(),
        };
        Self::HEADER + payload
    }

    /// Never: it has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The packet inside, if it is IPv4.
    pub fn ip(&self) -> Option<&IpPacket> {
        match &self.l3 {
            L3::Ip(p) => Some(p),
            L3::Arp(_) => None,
        }
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_cache_line() {
        assert_eq!(size_of::<IpPacket>(), 48);
        assert_eq!(size_of::<Frame>(), 64);
    }
}
