//! UDP datagrams (RFC 768).

use super::Body;

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Payload bytes.
    pub len: u16,
    /// What the payload says.
    pub body: Body,
}

impl Datagram {
    /// Bytes of the UDP header.
    pub const HEADER: u32 = 8;
}
