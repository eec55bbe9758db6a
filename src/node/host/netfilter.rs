//! iptables, arptables and connection tracking on the packet path: what the tables say is carried out here
//! (net/ipv4/netfilter/iptable_*.c, net/netfilter/nf_nat_core.c `nf_nat_inet_fn`, net/ipv4/netfilter/nf_reject_ipv4.c,
//! net/netfilter/xt_nat.c, nf_nat_masquerade.c).
//!
//! Left out: connections are not forgotten when the masqueraded device loses its address.

use super::{Host, Skb};
use crate::base::DevIdx;
use crate::ipvs::{Method, Xmit};
use crate::net::Inet;
use crate::net::fib::{FlowKey, RouteKind, SCOPE_UNIVERSE, TABLE_LOCAL};
use crate::net::klog::Level;
use crate::net::netfilter::arp::ArpChainId;
use crate::net::netfilter::conntrack::Tracked;
use crate::net::netfilter::ipvs::Handled;
use crate::net::netfilter::nat::Manip;
use crate::net::netfilter::targets::{NatRange, NatTarget, RejectWith};
use crate::net::netfilter::{Ct, Culprit, HookPoint, Surroundings, TableId, Verdict, View};
use crate::net::routing::OutRoute;
use crate::node::Cx;
use crate::trace::{Decision, DropReason};
use crate::wire::{Arp, Body, Frame, Icmp, IpPacket, L3, L4, Mac, TcpFlags, TcpSegment};
use std::net::Ipv4Addr;

impl Host {
    /// Fragments become packets before connection tracking looks at them (`ipv4_conntrack_defrag`).
    pub(super) fn nf_defrag(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) -> bool {
        !self.netfilter.tracking() || !skb.pkt.is_fragment() || self.defragment(skb, cx)
    }

    /// Connection tracking looks at the packet.
    pub(super) fn nf_track(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) -> bool {
        if self.netfilter.tracking() {
            let conntrack = &mut self.netfilter.conntrack;
            conntrack.take_sysctls(&self.net.sysctl);
            if conntrack.enter(&skb.pkt, &mut skb.ct, cx.now) == Tracked::Full {
                let limit = conntrack.most() as u32;
                self.log_limited(cx.now, Level::WARNING, || {
                    "nf_conntrack: nf_conntrack: table full, dropping packet".to_string()
                });
                self.lose(skb, DropReason::ConntrackFull { limit }, cx);
                return false;
            }
        }
        true
    }

    /// The packet has passed: its connection is kept.
    pub(super) fn nf_confirm(&mut self, skb: &mut Skb, cx: &Cx<'_>) -> bool {
        if self.netfilter.tracking() {
            self.netfilter.conntrack.confirm(&mut skb.ct, cx.now);
        }
        true
    }

    /// The chain of a table at a hook.
    pub(super) fn nf_table(
        &mut self,
        table: TableId,
        at: HookPoint,
        skb: &mut Skb,
        route: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let before = (skb.mark, skb.pkt.tos);
        match self.nf_ask(table, at, skb, route.as_ref(), cx) {
            // `ipt_mangle_out`: another mark or another TOS may mean another way.
            Verdict::Accept
                if at == HookPoint::LocalOut && table == TableId::Mangle && (skb.mark, skb.pkt.tos) != before =>
            {
                self.nf_reroute(skb, route, cx)
            }
            Verdict::Accept | Verdict::Nat(..) => {
                if self.netfilter.table(table).is_some() {
                    self.tell(skb, cx, |_| Decision::Passed { table: table.name(), chain: at.chain() });
                }
                true
            }
            Verdict::Drop(culprit) => {
                self.filtered(skb, table, culprit, cx);
                false
            }
            Verdict::Reject(with, culprit) => {
                self.reject(skb, with, cx);
                self.filtered(skb, table, culprit, cx);
                false
            }
        }
    }

    /// Address translation at a hook: the nat table is asked once for each connection and end, then every packet of the
    /// connection is rewritten.
    pub(super) fn nf_nat(
        &mut self,
        at: HookPoint,
        skb: &mut Skb,
        route: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        if !self.netfilter.tracking() || self.netfilter.table(TableId::Nat).is_none() {
            return true;
        }
        let manip = match at {
            HookPoint::PreRouting | HookPoint::LocalOut => Manip::Dst,
            HookPoint::LocalIn | HookPoint::PostRouting | HookPoint::Forward => Manip::Src,
        };
        if self.netfilter.conntrack.unsettled(&skb.ct, manip) {
            let (range, culprit) = match self.nf_ask(TableId::Nat, at, skb, route.as_ref(), cx) {
                Verdict::Accept => (None, None),
                Verdict::Nat(target, culprit) => {
                    let Some(range) = self.nat_range(&target, at, skb, route.as_ref()) else {
                        self.filtered(skb, TableId::Nat, culprit, cx);
                        return false;
                    };
                    (Some(range), Some(culprit))
                }
                Verdict::Drop(culprit) | Verdict::Reject(_, culprit) => {
                    self.filtered(skb, TableId::Nat, culprit, cx);
                    return false;
                }
            };
            if !self.netfilter.conntrack.settle(&mut skb.ct, range.as_ref(), manip, cx.now) {
                let culprit = culprit.unwrap_or(Culprit { chain: at.chain().into(), rule: None });
                self.filtered(skb, TableId::Nat, culprit, cx);
                return false;
            }
        }
        let was = skb.pkt.daddr;
        let before = self.ends_before(&skb.pkt, cx);
        self.netfilter.conntrack.translate(&mut skb.pkt, &skb.ct, manip);
        self.tell_translated(skb, before, "netfilter", cx);
        if skb.pkt.daddr == was {
            return true;
        }
        match at {
            HookPoint::LocalOut => self.nf_reroute(skb, route, cx),
            _ => {
                // It has to find its way anew.
                skb.local_dst = false;
                true
            }
        }
    }

    /// What netfilter sees when IPVS has dealt with a request (`ip_vs_notrack`, `ip_vs_update_conntrack`,
    /// `ip_vs_confirm_conntrack`): untracked unless `vs.conntrack` is set.
    pub(super) fn nf_ipvs_sends(&mut self, skb: &mut Skb, x: &Xmit, cx: &Cx<'_>) {
        if matches!(skb.ct, Ct::None) {
            return;
        }
        match x.method {
            // The outer packet is another one; the inner one's connection is kept if it is tracked at all.
            Method::Tun => {
                if x.conntrack {
                    self.netfilter.conntrack.confirm(&mut skb.ct, cx.now);
                }
                skb.ct = Ct::None;
            }
            Method::Nat if x.conntrack => self.netfilter.conntrack.ipvs_chose(&mut skb.ct, x.addr, x.port),
            _ => skb.ct.keep_if(x.conntrack),
        }
    }

    fn nf_ask(
        &mut self,
        table: TableId,
        at: HookPoint,
        skb: &mut Skb,
        route: Option<&OutRoute>,
        cx: &Cx<'_>,
    ) -> Verdict {
        if self.netfilter.table(table).is_none() {
            return Verdict::Accept;
        }
        let state = self.netfilter.state_of(&skb.ct);
        let ctmark = self.netfilter.conntrack.mark_of(&skb.ct);
        let mtu = route.filter(|_| !matches!(at, HookPoint::PreRouting | HookPoint::LocalIn));
        let mtu = mtu.map(|r| self.route_mtu(r, skb.pkt.daddr, skb.forwarded, cx));
        let devs = &self.net.devs;
        // What this host sends, and what IPVS sends on, has no input device in OUTPUT.
        let came = skb.came.filter(|_| at != HookPoint::LocalOut);
        let mut view = View {
            input: came.map(|c| &*devs[c.dev.index()].name),
            output: route.map(|r| &*devs[r.dev.index()].name),
            mark: skb.mark,
            state,
            ctmark,
            reply: self.netfilter.conntrack.reply_of(&skb.ct),
            ipvs: if skb.ipvs { Handled::By(self.ipvs.met_by_rules(&skb.pkt)) } else { Handled::Not },
            link: came.and_then(|c| c.link),
            mtu,
            now: cx.now,
            rng: Some(&mut self.filter_rng),
            host: &Around { net: &self.net },
            ..View::new(&mut skb.pkt)
        };
        let verdict = self.netfilter.run(table, at, &mut view);
        let (mark, new_ctmark, untrack) = (view.mark, view.ctmark, view.untrack);
        skb.mark = mark;
        if let Some(mark) = new_ctmark.filter(|_| new_ctmark != ctmark) {
            self.netfilter.conntrack.set_mark(&mut skb.ct, mark);
        }
        if untrack && matches!(skb.ct, Ct::None) {
            skb.ct = Ct::Untracked;
        }
        if !self.netfilter.said.is_empty() {
            self.log_rules(cx.now);
        }
        verdict
    }

    /// `ip_route_me_harder`.
    fn nf_reroute(&mut self, skb: &mut Skb, route: &mut Option<OutRoute>, cx: &mut Cx<'_>) -> bool {
        if route.is_none() {
            return true;
        }
        let Some(new) = self.reroute(skb, cx) else { return false };
        skb.dev = new.dev;
        skb.local_dst = new.kind == RouteKind::Local;
        *route = Some(new);
        true
    }

    fn nat_range(&self, target: &NatTarget, at: HookPoint, skb: &Skb, route: Option<&OutRoute>) -> Option<NatRange> {
        let one = |addr: Ipv4Addr, ports| NatRange { addrs: Some((addr, addr)), ports };
        match target {
            NatTarget::Snat(range) | NatTarget::Dnat(range) => Some(*range),
            NatTarget::Masquerade(ports) => {
                let route = route?;
                let next_hop = route.via.unwrap_or(skb.pkt.daddr);
                self.net.select_source(Some(next_hop), route.dev, SCOPE_UNIVERSE).map(|a| one(a, *ports))
            }
            NatTarget::Redirect(ports) if at == HookPoint::LocalOut => Some(one(Ipv4Addr::LOCALHOST, *ports)),
            NatTarget::Redirect(ports) => {
                let addr = self.net.devs[skb.dev.index()].addrs.first()?.local;
                Some(one(addr, *ports))
            }
        }
    }

    /// Packets that rules of this host have ended.
    pub(super) fn filtered_so_far(&self) -> u64 {
        self.drops.get("filtered").copied().unwrap_or(0)
    }

    fn filtered(&mut self, skb: &Skb, table: TableId, culprit: Culprit, cx: &mut Cx<'_>) {
        let Culprit { chain, rule } = culprit;
        self.lose(skb, DropReason::Filtered { table: table.name(), chain, rule }, cx);
    }

    fn reject(&mut self, skb: &Skb, with: RejectWith, cx: &mut Cx<'_>) {
        match with {
            RejectWith::Icmp(code) => {
                self.icmp_error(skb, |quote| Icmp::Unreachable { code, mtu: 0, quote }, cx);
            }
            RejectWith::TcpReset => self.reject_reset(skb, cx),
        }
    }

    /// A reset in the name of the one who was asked (`nf_send_reset`).
    fn reject_reset(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        let L4::Tcp(t) = &skb.pkt.l4 else { return };
        if t.flags.has(TcpFlags::RST) || !skb.to_me {
            return;
        }
        let (seq, ack, flags) = match t.flags.has(TcpFlags::ACK) {
            true => (t.ack, 0, TcpFlags::RST),
            false => (0, t.seq.wrapping_add(t.seq_len()), TcpFlags::RST | TcpFlags::ACK),
        };
        let segment = TcpSegment {
            seq,
            ack,
            body: Body::FILLER,
            sport: t.dport,
            dport: t.sport,
            len: 0,
            mss: 0,
            window: 0,
            flags,
            end: false,
            timestamps: false,
        };
        let pkt = IpPacket {
            saddr: skb.pkt.daddr,
            daddr: skb.pkt.saddr,
            id: cx.ids.draw(),
            frag: IpPacket::DF,
            ttl: self.default_ttl(),
            tos: 0,
            l4: L4::Tcp(segment),
        };
        let mut reset = Skb::local(pkt);
        reset.ct = self.netfilter.conntrack.attached(&skb.ct);
        if let Some(route) = self.reroute(&reset, cx) {
            self.send_local(&mut reset, route, cx);
        }
    }

    /// The INPUT chain of ARP. False: the message ended there.
    pub(super) fn nf_arp_in(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> Option<Arp> {
        let name = self.net.devs[dev.index()].name.clone();
        let verdict = self.netfilter.arp.run(ArpChainId::INPUT, arp, Some(&name), None);
        self.arp_verdict(dev, arp, verdict, cx)
    }

    /// The OUTPUT chain of ARP; the message, which may have been changed.
    pub(super) fn nf_arp_out(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> Option<Arp> {
        let name = self.net.devs[dev.index()].name.clone();
        let verdict = self.netfilter.arp.run(ArpChainId::OUTPUT, arp, None, Some(&name));
        self.arp_verdict(dev, arp, verdict, cx)
    }

    fn arp_verdict(&mut self, dev: DevIdx, arp: &Arp, verdict: Result<Arp, Culprit>, cx: &mut Cx<'_>) -> Option<Arp> {
        match verdict {
            Ok(arp) => Some(arp),
            Err(Culprit { chain, rule }) => {
                let frame = Frame { l3: L3::Arp(*arp), dst: Mac::ZERO, src: arp.sha };
                self.lose_frame(dev, frame, DropReason::ArpFiltered { chain, rule }, cx);
                None
            }
        }
    }
}

/// What rules may ask of a host.
struct Around<'a> {
    net: &'a Inet,
}

impl Surroundings for Around<'_> {
    fn addr_kind(&self, addr: Ipv4Addr, dev: Option<&str>) -> RouteKind {
        let kind = self.net.addr_kind(addr);
        let Some(dev) = dev else { return kind };
        // What no table says (255.255.255.255, groups) is the same on every device.
        let hit = self.net.fib.search(TABLE_LOCAL, &FlowKey::to(addr), SCOPE_UNIVERSE);
        match hit {
            Ok(hit) if *self.net.devs[hit.dev.index()].name != *dev => RouteKind::Unicast,
            _ => kind,
        }
    }

    fn mtu_to(&self, addr: Ipv4Addr) -> u32 {
        self.net.route_out_known(FlowKey::to(addr)).map_or(u32::MAX, |r| r.mtu)
    }
}
