//! Addresses and typed packets: what is on a cable. No knowledge of hosts.
//!
//! Packets are Rust values, not bytes: a [`Frame`] is 64 bytes and is moved, never parsed. Bytes are made only at the
//! capture's door (`emit`), where checksums and option fields become real.

pub mod arp;
pub mod bpf;
pub mod capture;
pub mod emit;
pub mod frame;
pub mod icmp;
pub mod ipv4;
pub mod mac;
pub mod pack;
pub mod print;
pub mod tcp;
pub mod tcpdump;
#[cfg(test)]
pub(crate) mod testing;
pub mod udp;

pub use arp::{Arp, ArpOp};
pub use frame::{Frame, L3, PacketId};
pub use icmp::{Icmp, Quote};
pub use ipv4::{Fragment, IpPacket, L4, Proto};
pub use mac::Mac;
pub use tcp::{TcpFlags, TcpSegment};
pub use udp::Datagram;

use crate::base::NodeId;

/// What a payload says, without its bytes. The length stands beside it in the segment or datagram.
///
/// Only the first segment of a message carries its meaning; the rest is [`Body::FILLER`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Body(pub u32);

/// A [`Body`], read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Bytes without meaning.
    Filler,
    /// A request for an answer of so many bytes.
    Ask(u32),
    /// An answer that begins with this node's name.
    Answer(NodeId),
    /// Text number so and so of the world's table of texts (an HTTP request).
    Text(u32),
    /// Bytes number so and so of the world's table of messages that are no text (a synchronisation message).
    Bytes(u32),
}

impl Body {
    /// Bytes without meaning.
    pub const FILLER: Body = Body(0);
    const VALUE: u32 = 0x3fff_ffff;
    /// Texts and bytes share a kind; this bit is set for bytes.
    const IS_BYTES: u32 = 0x2000_0000;

    /// A request for `bytes` bytes, at most 1 GiB less one.
    pub fn ask(bytes: u32) -> Body {
        Body(0x4000_0000 | bytes.min(Self::VALUE))
    }

    /// An answer by `node`.
    pub fn answer(node: NodeId) -> Body {
        Body(0x8000_0000 | (node.0 & Self::VALUE))
    }

    /// Text number `n`.
    pub fn text(n: u32) -> Body {
        Body(0xc000_0000 | (n & (Self::IS_BYTES - 1)))
    }

    /// Bytes number `n`.
    pub fn bytes(n: u32) -> Body {
        Body(0xc000_0000 | Self::IS_BYTES | (n & (Self::IS_BYTES - 1)))
    }

    /// What it says.
    pub fn said(self) -> Said {
        let value = self.0 & Self::VALUE;
        match self.0 >> 30 {
            0 => Said::Filler,
            1 => Said::Ask(value),
            2 => Said::Answer(NodeId(value)),
            _ if value & Self::IS_BYTES != 0 => Said::Bytes(value & (Self::IS_BYTES - 1)),
            _ => Said::Text(value),
        }
    }
}
