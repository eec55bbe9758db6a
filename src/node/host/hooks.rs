//! The netfilter hooks of a host, in the kernel's order (include/uapi/linux/netfilter_ipv4.h, net/netfilter/ipvs/ip_vs_core.c).
//!
//! The order is a table, [`HOOKS`], and the walk follows it. iptables and connection tracking have their places in it; a
//! host without rules passes them untouched.

use super::{Host, Skb};
use crate::base::DevIdx;
use crate::net::netfilter::TableId;
use crate::net::routing::OutRoute;
use crate::node::Cx;
use crate::wire::Arp;

pub use crate::net::netfilter::HookPoint;

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookModule {
    /// IPVS: answers of real servers (`ip_vs_out_hook`).
    IpvsReply,
    /// IPVS: requests (`ip_vs_in_hook`).
    IpvsRequest,
    /// IPVS: ICMP errors that pass through (`ip_vs_forward_icmp`).
    IpvsIcmp,
    /// Fragments become packets (`ipv4_conntrack_defrag`).
    Defrag,
    /// Connection tracking (`ipv4_conntrack_in`, `ipv4_conntrack_local`).
    Conntrack,
    /// Connection tracking keeps what has passed (`nf_confirm`).
    Confirm,
    /// A table of iptables (`ipt_do_table`).
    Table(TableId),
    /// Address translation (`nf_nat_ipv4_pre_routing`, `nf_nat_ipv4_out` and the like).
    Nat,
}

impl HookModule {
    const fn is_ipvs(self) -> bool {
        matches!(self, HookModule::IpvsReply | HookModule::IpvsRequest | HookModule::IpvsIcmp)
    }
}

/// Who looks where, and in which order: a smaller priority comes first.
pub const HOOKS: &[(HookPoint, i32, HookModule)] = &[
    (HookPoint::PreRouting, -400, HookModule::Defrag),
    (HookPoint::PreRouting, -300, HookModule::Table(TableId::Raw)),
    (HookPoint::PreRouting, -200, HookModule::Conntrack),
    (HookPoint::PreRouting, -150, HookModule::Table(TableId::Mangle)),
    (HookPoint::PreRouting, -100, HookModule::Nat),
    (HookPoint::LocalIn, -150, HookModule::Table(TableId::Mangle)),
    (HookPoint::LocalIn, 0, HookModule::Table(TableId::Filter)),
    (HookPoint::LocalIn, 50, HookModule::Table(TableId::Security)),
    (HookPoint::LocalIn, 98, HookModule::IpvsReply),
    (HookPoint::LocalIn, 99, HookModule::IpvsRequest),
    (HookPoint::LocalIn, 100, HookModule::Nat),
    (HookPoint::LocalIn, i32::MAX, HookModule::Confirm),
    (HookPoint::Forward, -150, HookModule::Table(TableId::Mangle)),
    (HookPoint::Forward, 0, HookModule::Table(TableId::Filter)),
    (HookPoint::Forward, 50, HookModule::Table(TableId::Security)),
    (HookPoint::Forward, 99, HookModule::IpvsIcmp),
    (HookPoint::Forward, 100, HookModule::IpvsReply),
    (HookPoint::LocalOut, -400, HookModule::Defrag),
    (HookPoint::LocalOut, -300, HookModule::Table(TableId::Raw)),
    (HookPoint::LocalOut, -200, HookModule::Conntrack),
    (HookPoint::LocalOut, -150, HookModule::Table(TableId::Mangle)),
    (HookPoint::LocalOut, -100, HookModule::Nat),
    (HookPoint::LocalOut, -99, HookModule::IpvsReply),
    (HookPoint::LocalOut, -98, HookModule::IpvsRequest),
    (HookPoint::LocalOut, 0, HookModule::Table(TableId::Filter)),
    (HookPoint::LocalOut, 50, HookModule::Table(TableId::Security)),
    (HookPoint::PostRouting, -150, HookModule::Table(TableId::Mangle)),
    (HookPoint::PostRouting, 100, HookModule::Nat),
    (HookPoint::PostRouting, i32::MAX, HookModule::Confirm),
];

/// The rows of a hook: all of them, or those of IPVS where there are no rules.
const fn rows(at: HookPoint, all: bool) -> (usize, usize) {
    let (mut first, mut end, mut i) = (HOOKS.len(), 0, 0);
    while i < HOOKS.len() {
        if HOOKS[i].0 as u8 == at as u8 && (all || HOOKS[i].2.is_ipvs()) {
            first = if i < first { i } else { first };
            end = i + 1;
        }
        i += 1;
    }
    if first < end { (first, end) } else { (0, 0) }
}

/// [`rows`] of each hook, by its number: first those of IPVS, then all.
const ROWS: [[(usize, usize); 2]; 5] = {
    use HookPoint::{Forward, LocalIn, LocalOut, PostRouting, PreRouting};
    [
        [rows(PreRouting, false), rows(PreRouting, true)],
        [rows(LocalIn, false), rows(LocalIn, true)],
        [rows(Forward, false), rows(Forward, true)],
        [rows(LocalOut, false), rows(LocalOut, true)],
        [rows(PostRouting, false), rows(PostRouting, true)],
    ]
};

impl Host {
    /// PREROUTING. False: the packet ended there.
    #[inline]
    pub(super) fn pre_routing(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) -> bool {
        if !self.netfilter.active() {
            return true;
        }
        self.walk(HookPoint::PreRouting, skb, &mut None, cx)
    }

    /// LOCAL_IN. False: the packet does not go on to its protocol.
    #[inline]
    pub(super) fn local_in(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) -> bool {
        !self.hooked() || self.walk(HookPoint::LocalIn, skb, &mut None, cx)
    }

    /// FORWARD. The packet's route, which a translation may have changed; none: the packet ended there.
    #[inline]
    pub(super) fn forward_hook(&mut self, skb: &mut Skb, route: OutRoute, cx: &mut Cx<'_>) -> Option<OutRoute> {
        skb.forwarded = true;
        if !self.hooked() {
            return Some(route);
        }
        let mut new = Some(route);
        self.walk(HookPoint::Forward, skb, &mut new, cx).then(|| new.unwrap_or(route))
    }

    /// LOCAL_OUT. The packet's route; none: the packet ended there.
    #[inline]
    pub(super) fn local_out_hook(&mut self, skb: &mut Skb, route: OutRoute, cx: &mut Cx<'_>) -> Option<OutRoute> {
        // IPVS looks away from what it has sent itself, and without rules nobody else looks.
        if !self.hooked() || (skb.ipvs && !self.netfilter.active()) {
            return Some(route);
        }
        let mut new = Some(route);
        self.walk(HookPoint::LocalOut, skb, &mut new, cx).then(|| new.unwrap_or(route))
    }

    /// POSTROUTING. False: the packet ended there.
    #[inline]
    pub(super) fn post_routing(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) -> bool {
        !self.netfilter.active() || self.walk(HookPoint::PostRouting, skb, &mut Some(*route), cx)
    }

    /// The INPUT chain of ARP; the packet, which may have been changed.
    pub(super) fn arp_in_hook(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> Option<Arp> {
        if self.netfilter.arp.active() { self.nf_arp_in(dev, arp, cx) } else { Some(*arp) }
    }

    /// The OUTPUT chain of ARP; the packet, which may have been changed.
    pub(super) fn arp_out_hook(&mut self, dev: DevIdx, arp: Arp, cx: &mut Cx<'_>) -> Option<Arp> {
        if self.netfilter.arp.active() { self.nf_arp_out(dev, &arp, cx) } else { Some(arp) }
    }

    /// Whether anybody looks at packets at all.
    #[inline]
    fn hooked(&self) -> bool {
        self.ipvs.active() || self.netfilter.active()
    }

    /// Everybody looks whose turn it is. False: the packet ended there, or went another way.
    fn walk(&mut self, at: HookPoint, skb: &mut Skb, route: &mut Option<OutRoute>, cx: &mut Cx<'_>) -> bool {
        let (ipvs, rules) = (self.ipvs.active(), self.netfilter.active());
        let (first, end) = ROWS[at as usize][usize::from(rules)];
        for &(_, _, module) in &HOOKS[first..end] {
            if module.is_ipvs() && !ipvs {
                continue;
            }
            let passed = match module {
                HookModule::IpvsReply => self.ipvs_reply(at, skb, route, cx),
                HookModule::IpvsRequest => self.ipvs_request(at, skb, route, cx),
                HookModule::IpvsIcmp => self.ipvs_icmp(at, skb, route, cx),
                HookModule::Defrag => self.nf_defrag(skb, cx),
                HookModule::Conntrack => self.nf_track(skb, cx),
                HookModule::Confirm => self.nf_confirm(skb, cx),
                HookModule::Table(table) => self.nf_table(table, at, skb, route, cx),
                HookModule::Nat => self.nf_nat(at, skb, route, cx),
            };
            if !passed {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_hook_stand_together_and_so_do_those_of_ipvs() {
        use HookPoint::{Forward, LocalIn, LocalOut, PostRouting, PreRouting};
        for at in [PreRouting, LocalIn, Forward, LocalOut, PostRouting] {
            for all in [false, true] {
                let (first, end) = ROWS[at as usize][usize::from(all)];
                let wanted: Vec<_> = HOOKS.iter().filter(|r| r.0 == at && (all || r.2.is_ipvs())).collect();
                assert_eq!(HOOKS[first..end].iter().collect::<Vec<_>>(), wanted, "{at:?}");
            }
        }
    }

    #[test]
    fn at_each_point_the_modules_stand_in_the_order_of_their_priorities() {
        for pair in HOOKS.windows(2) {
            let [(a, first, _), (b, second, _)] = pair else { unreachable!("windows of two") };
            assert!(a != b || first < second, "{pair:?}");
        }
    }
}
