//! What a rule asks of a packet (net/ipv4/netfilter/ip_tables.c `ip_packet_match`, net/netfilter/xt_tcpudp.c, xt_mark.c,
//! xt_multiport.c, xt_state.c, xt_conntrack.c, xt_limit.c, xt_statistic.c, xt_mac.c, xt_iprange.c, xt_addrtype.c,
//! xt_length.c, xt_hl.c, xt_dscp.c, xt_connmark.c; xt_ipvs.c is in `ipvs`).
//!
//! `limit` and `statistic` remember something from packet to packet. A change of their table makes them begin anew, as the
//! kernel does, which takes every table as a new one.

use super::View;
use crate::base::SimTime;
use crate::net::fib::RouteKind;
use crate::wire::{IpPacket, L4, Mac, TcpFlags};
use std::net::Ipv4Addr;

/// What a match remembers from packet to packet; two rules are the same whatever they remember.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept<T>(pub T);

impl<T> PartialEq for Kept<T> {
    fn eq(&self, _: &Kept<T>) -> bool {
        true
    }
}

impl<T> Eq for Kept<T> {}

/// How a TTL is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlMode {
    /// `--ttl-eq`.
    Eq,
    /// `! --ttl-eq`.
    Ne,
    /// `--ttl-lt`.
    Lt,
    /// `--ttl-gt`.
    Gt,
}

/// Addresses from–to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrRange {
    /// The first.
    pub from: Ipv4Addr,
    /// The last.
    pub to: Ipv4Addr,
    /// All but these.
    pub invert: bool,
}

impl AddrRange {
    fn holds(&self, addr: Ipv4Addr) -> bool {
        (self.from..=self.to).contains(&addr) != self.invert
    }
}

/// Kinds of addresses: a bit for each number of [`KINDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindMatch {
    /// The bits.
    pub kinds: u16,
    /// All but these.
    pub invert: bool,
}

/// Names of the kinds of addresses by number (`RTN_UNSPEC` and so on).
pub const KINDS: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

impl KindMatch {
    fn holds(&self, kind: RouteKind) -> bool {
        let number = match kind {
            RouteKind::Unicast => 1,
            RouteKind::Local => 2,
            RouteKind::Broadcast => 3,
            RouteKind::Multicast => 5,
            RouteKind::Blackhole => 6,
            RouteKind::Unreachable => 7,
            RouteKind::Prohibit => 8,
            RouteKind::Throw => 9,
        };
        (self.kinds & 1 << number != 0) != self.invert
    }
}

/// `-m limit`.
pub mod limit {
    use super::SimTime;

    /// Parts of a rate: one a second is this (`XT_LIMIT_SCALE`).
    pub const SCALE: u32 = 10_000;
    const HZ: u64 = 250;
    const JIFFY: u64 = 1_000_000_000 / HZ;
    /// Credits that a jiffy brings (`CREDITS_PER_JIFFY`).
    const PER_JIFFY: u64 = 128;

    /// What is left (`struct xt_limit_priv`).
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Credit {
        /// The jiffy of the last packet; none: none came yet, and everything is left.
        last: Option<u64>,
        left: u32,
    }

    /// `user2credits`, with its overflow.
    pub fn credits(user: u32) -> u32 {
        let most = u64::from(u32::MAX) / (HZ * PER_JIFFY);
        match u64::from(user) {
            user if user > most => (user / u64::from(SCALE) * HZ * PER_JIFFY) as u32,
            user => (user * HZ * PER_JIFFY / u64::from(SCALE)) as u32,
        }
    }

    /// Whether a packet may pass now.
    pub(super) fn take(credit: &mut Credit, avg: u32, burst: u32, now: SimTime) -> bool {
        let jiffies = now.0 / JIFFY;
        let cap = credits(avg.wrapping_mul(burst));
        let left = match credit.last {
            None => cap,
            Some(last) => {
                let new = u64::from(credit.left) + (jiffies - last) * PER_JIFFY;
                new.min(u64::from(cap)) as u32
            }
        };
        let cost = credits(avg);
        let may = left >= cost;
        *credit = Credit { last: Some(jiffies), left: if may { left - cost } else { left } };
        may
    }
}

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
    /// `-m length`: the whole packet.
    Length {
        /// The least.
        min: u16,
        /// The most.
        max: u16,
        /// All but these.
        invert: bool,
    },
    /// `-m ttl`.
    Ttl {
        /// How.
        mode: TtlMode,
        /// With what.
        ttl: u8,
    },
    /// `-m tos`.
    Tos {
        /// The value.
        value: u8,
        /// What is compared.
        mask: u8,
        /// All but these.
        invert: bool,
    },
    /// `-m dscp`.
    Dscp {
        /// The class.
        dscp: u8,
        /// All but this.
        invert: bool,
    },
    /// `-m mac`: the sender of the frame.
    Mac {
        /// Its hardware address.
        mac: Mac,
        /// All but this.
        invert: bool,
    },
    /// `-m iprange`.
    IpRange {
        /// `--src-range`.
        src: Option<AddrRange>,
        /// `--dst-range`.
        dst: Option<AddrRange>,
    },
    /// `-m addrtype`.
    AddrType {
        /// `--src-type`.
        src: Option<KindMatch>,
        /// `--dst-type`.
        dst: Option<KindMatch>,
        /// `--limit-iface-in`: only on the device that it came by.
        limit_in: bool,
        /// `--limit-iface-out`: only on the device that it leaves by.
        limit_out: bool,
    },
    /// `-m limit`.
    Limit {
        /// [`limit::SCALE`] by packets in a second.
        avg: u32,
        /// Packets that may come at once.
        burst: u32,
        /// What is left.
        credit: Kept<limit::Credit>,
    },
    /// `-m statistic --mode random`.
    Random {
        /// In parts of 2^31.
        probability: u32,
        /// The others.
        invert: bool,
    },
    /// `-m statistic --mode nth`.
    Nth {
        /// One of so many.
        every: u32,
        /// Which of them, from 0.
        packet: u32,
        /// The others.
        invert: bool,
        /// Packets since the last that was hit; none: none came yet.
        count: Kept<Option<u32>>,
    },
    /// `-m ipvs`.
    Ipvs(super::ipvs::IpvsMatch),
    /// `-m connmark`.
    ConnMark {
        /// The mark.
        value: u32,
        /// What is compared.
        mask: u32,
        /// All but these.
        invert: bool,
    },
}

impl Match {
    /// Whether it needs connection tracking.
    pub fn needs_conntrack(&self) -> bool {
        matches!(self, Match::State { .. } | Match::ConnMark { .. })
    }

    /// Forgets what it remembers from packet to packet.
    pub(super) fn begin(&mut self) {
        match self {
            Match::Limit { credit, .. } => *credit = Kept::default(),
            Match::Nth { count, .. } => *count = Kept::default(),
            _ => {}
        }
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
    pub fn holds(&mut self, view: &mut View<'_>) -> bool {
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
            Match::Mark { value, mask, invert } => (view.mark & *mask == *value) != *invert,
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
            Match::State { states, invert, .. } => (view.state & *states != 0) != *invert,
            Match::Comment(_) => true,
            Match::Length { min, max, invert } => {
                (u32::from(*min)..=u32::from(*max)).contains(&view.pkt.len()) != *invert
            }
            Match::Ttl { mode, ttl } => match mode {
                TtlMode::Eq => view.pkt.ttl == *ttl,
                TtlMode::Ne => view.pkt.ttl != *ttl,
                TtlMode::Lt => view.pkt.ttl < *ttl,
                TtlMode::Gt => view.pkt.ttl > *ttl,
            },
            Match::Tos { value, mask, invert } => (view.pkt.tos & *mask == *value) != *invert,
            Match::Dscp { dscp, invert } => (view.pkt.tos >> 2 == *dscp) != *invert,
            Match::Mac { mac, invert } => {
                // Not on `lo`, which is no Ethernet.
                let link = view.link.filter(|_| view.input != Some("lo"));
                link.is_some_and(|(_, src)| (src == *mac) != *invert)
            }
            Match::IpRange { src, dst } => {
                src.is_none_or(|r| r.holds(view.pkt.saddr)) && dst.is_none_or(|r| r.holds(view.pkt.daddr))
            }
            Match::AddrType { src, dst, limit_in, limit_out } => {
                let dev = match (*limit_in, *limit_out) {
                    (true, _) => view.input,
                    (_, true) => view.output,
                    _ => None,
                };
                let kind = |addr| view.host.addr_kind(addr, dev);
                src.is_none_or(|m| m.holds(kind(view.pkt.saddr))) && dst.is_none_or(|m| m.holds(kind(view.pkt.daddr)))
            }
            Match::Ipvs(m) => m.holds(view.ipvs, view.pkt.l4.proto() as u8, view.reply),
            Match::Limit { avg, burst, credit } => limit::take(&mut credit.0, *avg, *burst, view.now),
            Match::Random { probability, invert } => {
                let drawn = view.rng.as_mut().map_or(0, |rng| rng.next_u64() as u32 & 0x7fff_ffff);
                (drawn < *probability) != *invert
            }
            Match::Nth { every, packet, invert, count } => {
                let before = count.0.unwrap_or(every.saturating_sub(1).saturating_sub(*packet));
                let now = if before + 1 >= *every { 0 } else { before + 1 };
                count.0 = Some(now);
                (now == 0) != *invert
            }
            Match::ConnMark { value, mask, invert } => {
                view.ctmark.is_some_and(|mark| (mark & *mask == *value) != *invert)
            }
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

    fn hits(m: &mut Match, packets: usize) -> Vec<usize> {
        let mut pkt = crate::net::netfilter::testing::syn();
        (1..=packets).filter(|_| m.holds(&mut View::new(&mut pkt))).collect()
    }

    #[test]
    fn nth_hits_one_of_so_many_beginning_with_the_one_that_was_asked_for() {
        let nth = |every, packet, invert| Match::Nth { every, packet, invert, count: Kept::default() };
        assert_eq!(hits(&mut nth(3, 0, false), 7), [1, 4, 7]);
        assert_eq!(hits(&mut nth(3, 2, false), 7), [3, 6]);
        assert_eq!(hits(&mut nth(3, 0, true), 4), [2, 3]);
        assert_eq!(hits(&mut nth(1, 0, false), 3), [1, 2, 3]);
        let mut m = nth(3, 0, false);
        hits(&mut m, 1);
        m.begin();
        assert_eq!(hits(&mut m, 4), [1, 4], "a change of the table begins anew");
    }

    #[test]
    fn a_limit_lets_its_burst_pass_and_then_its_rate() {
        // 10 a second, 5 at once.
        let mut m = Match::Limit { avg: limit::SCALE / 10, burst: 5, credit: Kept::default() };
        let mut pkt = crate::net::netfilter::testing::syn();
        let mut passed = |ms: u64| {
            let mut view = View { now: SimTime(ms * 1_000_000), ..View::new(&mut pkt) };
            m.holds(&mut view)
        };
        let at_once: Vec<bool> = (0..7).map(|_| passed(1000)).collect();
        assert_eq!(at_once, [true, true, true, true, true, false, false]);
        assert!(!passed(1099));
        assert!(passed(1101));
        assert!(!passed(1102));
        assert_eq!((0..9).filter(|_| passed(60_000)).count(), 5, "no more than the burst is saved");
    }

    #[test]
    fn a_mask_may_have_holes() {
        let m = AddrMatch { addr: [10, 0, 0, 0].into(), mask: [255, 0, 255, 0].into(), invert: false };
        assert!(m.holds([10, 9, 0, 7].into()));
        assert!(!m.holds([10, 9, 1, 7].into()));
    }
}
