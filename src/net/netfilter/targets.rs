//! What a rule does with a packet (net/netfilter/xt_mark.c, xt_LOG.c, xt_nat.c, xt_MASQUERADE.c, xt_REDIRECT.c,
//! xt_connmark.c, xt_CT.c, xt_TCPMSS.c, xt_HL.c, xt_DSCP.c, net/ipv4/netfilter/ipt_REJECT.c).

use super::View;
use super::table::ChainId;
use crate::wire::{L4, TcpFlags};
use std::net::Ipv4Addr;

/// Bits of what `LOG` writes beside the rest.
#[derive(Clone, Copy, Debug)]
pub struct LogFlags;

impl LogFlags {
    /// `--log-tcp-sequence`.
    pub const TCP_SEQUENCE: u8 = 1;
    /// `--log-tcp-options`.
    pub const TCP_OPTIONS: u8 = 2;
    /// `--log-macdecode`.
    pub const MAC_DECODE: u8 = 32;
}

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
    /// A line in the kernel's log.
    Log {
        /// What else is written: [`LogFlags`], and 4 for IP options, which packets here never have.
        flags: u8,
        /// Severity, 0..=7.
        level: u8,
        /// At most 29 characters.
        prefix: String,
    },
    /// Another address.
    Nat(NatTarget),
    /// The mark of the connection.
    ConnMark(ConnMark),
    /// Nobody tracks the packet (`CT --notrack`).
    NoTrack {
        /// Typed as `NOTRACK`.
        alias: bool,
    },
    /// A smaller MSS in a SYN.
    TcpMss(Mss),
    /// Another TTL.
    Ttl(TtlChange, u8),
    /// The TOS field becomes `(tos & !mask) ^ value`.
    Tos {
        /// What is put in.
        value: u8,
        /// What is taken out before.
        mask: u8,
    },
    /// The class in the TOS field.
    Dscp(u8),
}

/// What happens to a connection's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnMark {
    /// It becomes `(mark & !mask) ^ value`.
    Set {
        /// What is put in.
        value: u32,
        /// What is taken out before.
        mask: u32,
    },
    /// The packet's mark is kept in it.
    Save {
        /// Bits of the connection's mark that change.
        ctmask: u32,
        /// Bits of the packet's mark that count.
        nfmask: u32,
    },
    /// The packet gets it.
    Restore {
        /// Bits of the connection's mark that count.
        ctmask: u32,
        /// Bits of the packet's mark that change.
        nfmask: u32,
    },
}

/// The largest segment that a SYN may announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mss {
    /// `--set-mss`.
    Set(u16),
    /// `--clamp-mss-to-pmtu`: what the way there and the way back let through.
    Clamp,
}

/// How a TTL changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlChange {
    /// `--ttl-set`.
    Set,
    /// `--ttl-dec`.
    Dec,
    /// `--ttl-inc`.
    Inc,
}

impl Target {
    /// Changes the packet or its connection, if that is what the target does. False: the packet cannot go on.
    pub(super) fn change(&self, view: &mut View<'_>) -> bool {
        match *self {
            Target::Mark { value, mask } => view.mark = (view.mark & !mask) ^ value,
            Target::ConnMark(change) => change.apply(view),
            Target::NoTrack { .. } => view.untrack = true,
            Target::TcpMss(mss) => return clamp(mss, view),
            Target::Ttl(change, by) => {
                view.pkt.ttl = match change {
                    TtlChange::Set => by,
                    TtlChange::Dec => view.pkt.ttl.saturating_sub(by),
                    TtlChange::Inc => view.pkt.ttl.saturating_add(by),
                };
            }
            Target::Tos { value, mask } => view.pkt.tos = (view.pkt.tos & !mask) ^ value,
            Target::Dscp(dscp) => view.pkt.tos = (view.pkt.tos & 3) | dscp << 2,
            _ => {}
        }
        true
    }
}

impl ConnMark {
    fn apply(self, view: &mut View<'_>) {
        let Some(ctmark) = &mut view.ctmark else { return };
        match self {
            ConnMark::Set { value, mask } => *ctmark = (*ctmark & !mask) ^ value,
            ConnMark::Save { ctmask, nfmask } => *ctmark = (*ctmark & !ctmask) ^ (view.mark & nfmask),
            ConnMark::Restore { ctmask, nfmask } => view.mark = (view.mark & !nfmask) ^ (*ctmark & ctmask),
        }
    }
}

/// `tcpmss_mangle_packet`: the MSS never grows.
fn clamp(mss: Mss, view: &mut View<'_>) -> bool {
    const HEADERS: u32 = 40;
    let most = match mss {
        Mss::Set(mss) => u32::from(mss),
        Mss::Clamp => {
            let back = view.host.mtu_to(view.pkt.saddr);
            let mtu = view.mtu.unwrap_or(u32::MAX).min(back);
            if mtu <= HEADERS {
                return false;
            }
            mtu - HEADERS
        }
    };
    if view.pkt.offset() != 0 {
        return true;
    }
    let segment = match &mut view.pkt.l4 {
        L4::Tcp(t) => t,
        L4::Fragment(f) => match &mut f.whole {
            L4::Tcp(t) => t,
            _ => return true,
        },
        _ => return true,
    };
    if segment.flags.has(TcpFlags::SYN) && u32::from(segment.mss) > most {
        segment.mss = most as u16;
    }
    true
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::netfilter::testing::syn;
    use crate::wire::IpPacket;

    fn changed(target: &Target, ctmark: Option<u32>, mark: u32) -> (IpPacket, Option<u32>, u32) {
        let mut pkt = syn();
        let mut view = View { ctmark, mark, mtu: Some(1400), ..View::new(&mut pkt) };
        assert!(target.change(&mut view));
        let (ctmark, mark) = (view.ctmark, view.mark);
        (pkt, ctmark, mark)
    }

    #[test]
    fn an_mss_is_made_smaller_and_never_larger() {
        let mss = |target| match changed(&Target::TcpMss(target), None, 0).0.l4 {
            L4::Tcp(t) => t.mss,
            _ => 0,
        };
        assert_eq!(mss(Mss::Set(1000)), 1000);
        assert_eq!(mss(Mss::Set(9000)), 1460);
        assert_eq!(mss(Mss::Clamp), 1360);
    }

    #[test]
    fn marks_go_from_the_packet_to_its_connection_and_back() {
        let all = u32::MAX;
        let set = Target::ConnMark(ConnMark::Set { value: 5, mask: all });
        assert_eq!(changed(&set, Some(1), 0).1, Some(5));
        assert_eq!(changed(&set, None, 0).1, None, "without a connection nothing happens");
        let save = Target::ConnMark(ConnMark::Save { ctmask: all, nfmask: all });
        assert_eq!(changed(&save, Some(1), 7).1, Some(7));
        let restore = Target::ConnMark(ConnMark::Restore { ctmask: 0xf, nfmask: 0xf });
        assert_eq!(changed(&restore, Some(0x12), 0x30).2, 0x32);
    }

    #[test]
    fn a_ttl_stops_at_its_ends_and_a_class_leaves_the_congestion_bits() {
        assert_eq!(changed(&Target::Ttl(TtlChange::Dec, 70), None, 0).0.ttl, 0);
        assert_eq!(changed(&Target::Ttl(TtlChange::Inc, 250), None, 0).0.ttl, 255);
        assert_eq!(changed(&Target::Ttl(TtlChange::Set, 3), None, 0).0.ttl, 3);
        let mut pkt = IpPacket { tos: 0x13, ..syn() };
        assert!(Target::Dscp(46).change(&mut View::new(&mut pkt)));
        assert_eq!(pkt.tos, 0xbb);
    }
}
