//! What a rule asks of a packet (net/ipv4/netfilter/ip_tables.c `ip_packet_match`, net/netfilter/xt_tcpudp.c, xt_mark.c,
//! xt_multiport.c, xt_state.c, xt_conntrack.c, xt_limit.c is left out).

use super::View;
use crate::wire::{IpPacket, L4, TcpFlags};
use std::net::Ipv4Addr;

/// Bits of what connection tracking says about a packet; rules list them in this order.
pub mod state {
    /// Belongs to no connection.
    pub const INVALID: u8 = 1;
    /// Opens a connection, or answers are still to come.
    pub const NEW: u8 = 2;
    /// About another connection: an ICMP error.
    pub const RELATED: u8 = 4;
    /// Both directions have been seen.
    pub const ESTABLISHED: u8 = 8;
    /// Taken out of tracking.
    pub const UNTRACKED: u8 = 16;
    /// Its connection's source is translated.
    pub const SNAT: u8 = 32;
    /// Its connection's destination is translated.
    pub const DNAT: u8 = 64;

    /// Names, in the order of the bits.
    pub const NAMES: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
}

/// An address under a mask. The mask may have holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrMatch {
    /// The address, masked.
    pub addr: Ipv4Addr,
    /// The mask.
    pub mask: Ipv4Addr,
    /// All but these.
    pub invert: bool,
}

impl Default for AddrMatch {
    fn default() -> AddrMatch {
        AddrMatch { addr: Ipv4Addr::UNSPECIFIED, mask: Ipv4Addr::UNSPECIFIED, invert: false }
    }
}

impl AddrMatch {
    /// Whether it holds for an address.
    #[inline]
    pub fn holds(&self, addr: Ipv4Addr) -> bool {
        (u32::from(addr) & u32::from(self.mask) == u32::from(self.addr)) != self.invert
    }
}

/// A device by name; `eth+` is every device that begins so, and nothing at all is every device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevMatch {
    /// The name as typed.
    pub name: String,
    /// All but these.
    pub invert: bool,
}

impl DevMatch {
    /// Whether it holds for a device; an unknown device has an empty name.
    #[inline]
    pub fn holds(&self, dev: Option<&str>) -> bool {
        if self.name.is_empty() {
            return true;
        }
        let dev = dev.unwrap_or("");
        let hit = match self.name.strip_suffix('+') {
            Some(start) => dev.starts_with(start),
            None => dev == self.name,
        };
        hit != self.invert
    }
}

/// Ports from–to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The first.
    pub from: u16,
    /// The last.
    pub to: u16,
    /// All but these.
    pub invert: bool,
}

impl Default for Ports {
    fn default() -> Ports {
        Ports { from: 0, to: u16::MAX, invert: false }
    }
}

impl Ports {
    fn holds(&self, port: u16) -> bool {
        (self.from..=self.to).contains(&port) != self.invert
    }

    /// Whether it says anything.
    pub fn any(&self) -> bool {
        *self == Ports::default()
    }
}

/// Which ports `multiport` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`.
    Either,
}

/// One `-m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// `-m tcp`.
    Tcp {
        /// Source ports.
        sports: Ports,
        /// Destination ports.
        dports: Ports,
        /// Flags that are looked at, those of them that must be set, and whether it must not be so.
        flags: Option<(u8, u8, bool)>,
    },
    /// `-m udp`.
    Udp {
        /// Source ports.
        sports: Ports,
        /// Destination ports.
        dports: Ports,
    },
    /// `-m icmp`.
    Icmp {
        /// Type; 255 is any.
        kind: u8,
        /// The first and the last code.
        codes: (u8, u8),
        /// All but these.
        invert: bool,
    },
    /// `-m mark`.
    Mark {
        /// The mark.
        value: u32,
        /// What is compared.
        mask: u32,
        /// All but these.
        invert: bool,
    },
    /// `-m multiport`, at most 15 ports, where a range counts as two.
    Multiport {
        /// Which ports.
        which: Which,
        /// From–to.
        list: Vec<(u16, u16)>,
        /// All but these.
        invert: bool,
    },
    /// `-m state` and `-m conntrack --ctstate`.
    State {
        /// Bits of [`state`].
        states: u8,
        /// All but these.
        invert: bool,
        /// Written as `-m conntrack`.
        conntrack: bool,
    },
    /// `-m comment`.
    Comment(String),
}

impl Match {
    /// Whether it needs connection tracking.
    pub fn needs_conntrack(&self) -> bool {
        matches!(self, Match::State { .. })
    }

    /// The protocol it may only stand with.
    pub fn protocol(&self) -> Option<&'static [u8]> {
        match self {
            Match::Tcp { .. } => Some(&[6]),
            Match::Udp { .. } => Some(&[17]),
            Match::Icmp { .. } => Some(&[1]),
            Match::Multiport { .. } => Some(&[6, 17, 33, 132, 136]),
            _ => None,
        }
    }

    /// Whether it holds. Of a fragment that is not the first nothing but the IP header is known.
    pub fn holds(&self, view: &View<'_>) -> bool {
        let l4 = header(view.pkt);
        match self {
            Match::Tcp { sports, dports, flags } => {
                let Some(L4::Tcp(t)) = l4 else { return false };
                let flagged = flags.is_none_or(|(mask, set, invert)| (flag_bits(t.flags) & mask == set) != invert);
                sports.holds(t.sport) && dports.holds(t.dport) && flagged
            }
            Match::Udp { sports, dports } => {
                let Some(L4::Udp(u)) = l4 else { return false };
                sports.holds(u.sport) && dports.holds(u.dport)
            }
            Match::Icmp { kind, codes, invert } => {
                let Some(L4::Icmp(icmp)) = l4 else { return false };
                let hit = *kind == 0xff
                    || (icmp.kind() == *kind && (codes.0..=codes.1).contains(&super::nat::icmp_code(icmp)));
                hit != *invert
            }
            Match::Mark { value, mask, invert } => (view.mark & mask == *value) != *invert,
            Match::Multiport { which, list, invert } => {
                let Some((sport, dport)) = l4.and_then(L4::ports) else { return false };
                let has = |port: u16| list.iter().any(|&(from, to)| (from..=to).contains(&port));
                let hit = match which {
                    Which::Source => has(sport),
                    Which::Destination => has(dport),
                    Which::Either => has(sport) || has(dport),
                };
                hit != *invert
            }
            Match::State { states, invert, .. } => (view.state & states != 0) != *invert,
            Match::Comment(_) => true,
        }
    }
}

/// The transport header, unless this is a later fragment.
fn header(pkt: &IpPacket) -> Option<&L4> {
    match &pkt.l4 {
        _ if pkt.offset() != 0 => None,
        L4::Fragment(f) => Some(&f.whole),
        l4 => Some(l4),
    }
}

fn flag_bits(flags: TcpFlags) -> u8 {
    flags.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_match_by_name_by_beginning_and_not_at_all() {
        let table = [
            ("eth0", false, Some("eth0"), true),
            ("eth0", false, Some("eth1"), false),
            ("eth0", true, Some("eth1"), true),
            ("eth+", false, Some("eth1"), true),
            ("eth+", false, Some("lo"), false),
            ("", false, None, true),
            ("eth0", false, None, false),
            ("eth0", true, None, true),
            ("eth0:0", false, Some("eth0"), false),
        ];
        for (name, invert, dev, yes) in table {
            let m = DevMatch { name: name.into(), invert };
            assert_eq!(m.holds(dev), yes, "{name} {invert} {dev:?}");
        }
    }

    #[test]
    fn a_mask_may_have_holes() {
        let m = AddrMatch { addr: [10, 0, 0, 0].into(), mask: [255, 0, 255, 0].into(), invert: false };
        assert!(m.holds([10, 9, 0, 7].into()));
        assert!(!m.holds([10, 9, 1, 7].into()));
    }
}
