//! A frame as a capture holds it: bytes with a link-layer header of some type, and which way the frame went (libpcap:
//! pcap-linux.c, dlt.h; include/uapi/linux/if_packet.h).

use super::Mac;

/// What a capture's packets begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// An Ethernet header.
    En10mb,
    /// Nothing: the IP header comes first (`tunl0`).
    Raw,
    /// The "cooked" header of `-i any`: device, direction, sender.
    LinuxSll2,
}

impl LinkType {
    /// As libpcap calls it.
    pub const fn name(self) -> &'static str {
        match self {
            LinkType::En10mb => "EN10MB",
            LinkType::Raw => "RAW",
            LinkType::LinuxSll2 => "LINUX_SLL2",
        }
    }

    /// What libpcap says about it.
    pub const fn description(self) -> &'static str {
        match self {
            LinkType::En10mb => "Ethernet",
            LinkType::Raw => "Raw IP",
            LinkType::LinuxSll2 => "Linux cooked v2",
        }
    }

    /// Bytes of its header.
    pub const fn header(self) -> usize {
        match self {
            LinkType::En10mb => 14,
            LinkType::Raw => 0,
            LinkType::LinuxSll2 => 20,
        }
    }
}

/// Whom a frame is for, seen from the device (`PACKET_HOST` and the like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketType {
    /// For us.
    Host = 0,
    /// For all.
    Broadcast = 1,
    /// For a group.
    Multicast = 2,
    /// For somebody else.
    OtherHost = 3,
    /// From us.
    Outgoing = 4,
}

impl PacketType {
    /// What a frame to `dst` is that a device with the address `own` received.
    pub fn received(dst: Mac, own: Mac) -> PacketType {
        match dst {
            _ if dst == own => PacketType::Host,
            Mac::BROADCAST => PacketType::Broadcast,
            group if group.is_multicast() => PacketType::Multicast,
            _ => PacketType::OtherHost,
        }
    }
}

/// The header of [`LinkType::LinuxSll2`] (LINKTYPE_LINUX_SLL2): protocol, interface, ARPHRD type, packet type, sender.
pub fn sll2_header(ethertype: u16, ifindex: u32, hatype: u16, kind: PacketType, sender: Option<Mac>) -> [u8; 20] {
    let mut out = [0; 20];
    out[..2].copy_from_slice(&ethertype.to_be_bytes());
    out[4..8].copy_from_slice(&ifindex.to_be_bytes());
    out[8..10].copy_from_slice(&hatype.to_be_bytes());
    out[10] = kind as u8;
    if let Some(mac) = sender {
        out[11] = 6;
        out[12..18].copy_from_slice(&mac.0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_for_us_for_all_for_a_group_or_for_somebody_else() {
        let own = Mac([2, 0, 0, 0, 0, 1]);
        for (dst, kind) in [
            (own, PacketType::Host),
            (Mac::BROADCAST, PacketType::Broadcast),
            (Mac([1, 0, 0x5e, 0, 0, 18]), PacketType::Multicast),
            (Mac([2, 0, 0, 0, 0, 2]), PacketType::OtherHost),
        ] {
            assert_eq!(PacketType::received(dst, own), kind);
        }
        // lo has the address zero, and so have its frames.
        assert_eq!(PacketType::received(Mac::ZERO, Mac::ZERO), PacketType::Host);
    }
}
