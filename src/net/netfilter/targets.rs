//! What a rule does with a packet (net/netfilter/xt_mark.c, xt_LOG.c, xt_nat.c, xt_MASQUERADE.c, xt_REDIRECT.c,
//! net/ipv4/netfilter/ipt_REJECT.c).
//!
//! `LOG` counts and prints nothing: a simulated host has no kernel log.

use super::table::ChainId;
use std::net::Ipv4Addr;

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing: it counts.
    None,
    /// The packet passes this table.
    Accept,
    /// The packet ends here.
    Drop,
    /// Back to the calling chain.
    Return,
    /// Another chain, then on behind this rule.
    Jump(ChainId),
    /// Another chain, then on where this one was called.
    Goto(ChainId),
    /// The packet ends here with an answer.
    Reject(RejectWith),
    /// The mark becomes `(mark & !mask) ^ value`.
    Mark {
        /// What is put in.
        value: u32,
        /// What is taken out before.
        mask: u32,
    },
    /// Counts.
    Log {
        /// What else would be written: bits 1 sequence numbers, 2 TCP options, 4 IP options, 8 user, 32 link header.
        flags: u8,
        /// Severity, 0..=7.
        level: u8,
        /// At most 29 characters.
        prefix: String,
    },
    /// Another address.
    Nat(NatTarget),
}

/// Another address for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatTarget {
    /// Another source.
    Snat(NatRange),
    /// Another destination.
    Dnat(NatRange),
    /// The source becomes the address of the device it leaves by.
    Masquerade(Option<(u16, u16)>),
    /// The destination becomes this host.
    Redirect(Option<(u16, u16)>),
}

/// Addresses and ports to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatRange {
    /// The first and the last address; none: the address stays.
    pub addrs: Option<(Ipv4Addr, Ipv4Addr)>,
    /// The first and the last port; none: the port stays if it is free.
    pub ports: Option<(u16, u16)>,
}

/// How a rejected packet's sender hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectWith {
    /// ICMP destination unreachable with this code.
    Icmp(u8),
    /// A reset of the connection.
    TcpReset,
}

/// Every answer that `REJECT` knows: its name and what it is, in the order of the program's own list.
pub const REJECTS: &[(&str, &str, RejectWith)] = &[
    ("icmp-net-unreachable", "net-unreach", RejectWith::Icmp(0)),
    ("icmp-host-unreachable", "host-unreach", RejectWith::Icmp(1)),
    ("icmp-proto-unreachable", "proto-unreach", RejectWith::Icmp(2)),
    ("icmp-port-unreachable", "port-unreach", RejectWith::Icmp(3)),
    ("icmp-net-prohibited", "net-prohib", RejectWith::Icmp(9)),
    ("icmp-host-prohibited", "host-prohib", RejectWith::Icmp(10)),
    ("tcp-reset", "tcp-rst", RejectWith::TcpReset),
    ("icmp-admin-prohibited", "admin-prohib", RejectWith::Icmp(13)),
];

impl RejectWith {
    /// The name.
    pub fn name(self) -> &'static str {
        REJECTS.iter().find(|(_, _, with)| *with == self).map_or("icmp-port-unreachable", |(name, ..)| name)
    }
}
