//! ICMP messages (RFC 792, RFC 1191): echo, and the errors with the packet that they are about.

use super::{Body, IpPacket};
use std::net::Ipv4Addr;

/// The packet that an error is about. On the wire it is cut so that the whole error has at most 576 bytes.
pub type Quote = Box<IpPacket>;

/// An ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Icmp {
    /// Echo request or reply.
    Echo {
        /// False: a reply.
        request: bool,
        /// Identifier: which `ping` asked.
        ident: u16,
        /// Sequence number.
        seq: u16,
        /// Payload bytes (`ping` sends 56).
        len: u16,
        /// What the payload says.
        body: Body,
    },
    /// Type 3.
    Unreachable {
        /// 0 net, 1 host, 2 protocol, 3 port, 4 fragmentation needed, 13 prohibited …
        code: u8,
        /// The next hop's MTU, with code 4.
        mtu: u16,
        /// What could not be delivered.
        quote: Quote,
    },
    /// Type 11: 0 TTL, 1 reassembly time.
    TimeExceeded {
        /// 0 in transit, 1 reassembly.
        code: u8,
        /// What died.
        quote: Quote,
    },
    /// Type 5: there is a better gateway.
    Redirect {
        /// 0 network, 1 host.
        code: u8,
        /// Whom to use instead.
        gateway: Ipv4Addr,
        /// The packet that took the detour.
        quote: Quote,
    },
}

impl Icmp {
    /// Code of "net unreachable".
    pub const NET: u8 = 0;
    /// Code of "host unreachable".
    pub const HOST: u8 = 1;
    /// Code of "protocol unreachable".
    pub const PROTOCOL: u8 = 2;
    /// Code of "port unreachable".
    pub const PORT: u8 = 3;
    /// Code of "fragmentation needed and DF set".
    pub const FRAG_NEEDED: u8 = 4;
    /// Code of "communication administratively prohibited".
    pub const FILTERED: u8 = 13;

    /// The wire's type number.
    pub fn kind(&self) -> u8 {
        match self {
            Icmp::Echo { request: true, .. } => 8,
            Icmp::Echo { request: false, .. } => 0,
            Icmp::Unreachable { .. } => 3,
            Icmp::Redirect { .. } => 5,
            Icmp::TimeExceeded { .. } => 11,
        }
    }

    /// The packet that it is about, if it is an error.
    pub fn quote(&self) -> Option<&IpPacket> {
        match self {
            Icmp::Echo { .. } => None,
            Icmp::Unreachable { quote, .. } | Icmp::TimeExceeded { quote, .. } | Icmp::Redirect { quote, .. } => {
                Some(quote)
            }
        }
    }

    /// The same, to translate it.
    pub fn quote_mut(&mut self) -> Option<&mut IpPacket> {
        match self {
            Icmp::Echo { .. } => None,
            Icmp::Unreachable { quote, .. } | Icmp::TimeExceeded { quote, .. } | Icmp::Redirect { quote, .. } => {
                Some(quote)
            }
        }
    }

    /// Bytes after the IP header.
    pub fn len(&self) -> u32 {
        match self {
            Icmp::Echo { len, .. } => 8 + u32::from(*len),
            error => 8 + error.quote().map_or(0, |q| q.len().min(576 - 20 - 8)),
        }
    }

    /// Never: an ICMP message has a header.
    pub fn is_empty(&self) -> bool {
        false
    }
}
