//! ARP for IPv4 over Ethernet (RFC 826).

use super::Mac;
use std::net::Ipv4Addr;

/// Request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpOp {
    /// Who has the target address?
    Request,
    /// The sender has its address.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Request or reply.
    pub op: ArpOp,
    /// Sender hardware address.
    pub sha: Mac,
    /// Sender protocol address (`sip` in the kernel).
    pub spa: Ipv4Addr,
    /// Target hardware address: zero in the kernel's requests.
    pub tha: Mac,
    /// Target protocol address (`tip` in the kernel).
    pub tpa: Ipv4Addr,
}

impl Arp {
    /// Bytes in the frame after the Ethernet header.
    pub const LEN: u32 = 28;
}
