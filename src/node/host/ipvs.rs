//! IPVS on the packet path: what its hooks say is carried out here (net/netfilter/ipvs/ip_vs_core.c, ip_vs_xmit.c).
//!
//! The decisions are in `ipvs/`; this file routes, checks TTL and MTU in the kernel's order, and sends.

use super::hooks::HookPoint;
use super::{Host, Skb};
use crate::base::DevIdx;
use crate::ipvs::icmp::TunnelError;
use crate::ipvs::xmit::{self, Checked, RouteFacts};
use crate::ipvs::{Hook, HookCx, InVerdict, IpvsAct, Method, OutVerdict, ServiceKey, Xmit};
use crate::net::Inet;
use crate::net::fib::{FlowKey, RouteKind};
use crate::net::klog::Level;
use crate::net::routing::OutRoute;
use crate::node::{Cx, Effect, TimerKey};
use crate::sysctl::Global;
use crate::trace::{Decision, DropReason, TraceMask};
use crate::wire::{Icmp, IpPacket, L4};
use std::net::Ipv4Addr;

impl Host {
    /// Requests from clients (`ip_vs_in_hook`). Here as with all hooks: false if the packet ended or went another way.
    pub(super) fn ipvs_request(
        &mut self,
        at: HookPoint,
        skb: &mut Skb,
        route: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let from_here = at == HookPoint::LocalOut;
        if skb.ipvs || (!skb.to_me && !from_here) {
            return true;
        }
        let mut acts = std::mem::take(&mut self.ipvs_acts);
        let verdict = {
            let net = &self.net;
            let is_local = |addr| net.is_local(addr);
            let confirmed = self.netfilter.conntrack.confirmed(&skb.ct);
            let hcx = HookCx { confirmed, ..hook_cx(net, &is_local, at, skb, cx) };
            self.ipvs.input(cx.now, &skb.pkt, &hcx, &mut acts)
        };
        self.ipvs_carry_out(acts, cx);
        match verdict {
            InVerdict::Accept => {
                // Of what passes through or comes from here IPVS looks at errors only.
                if at == HookPoint::LocalIn {
                    self.tell(skb, cx, |_| Decision::NotVirtual);
                }
                true
            }
            InVerdict::Ignore => {
                skb.ipvs = true;
                true
            }
            InVerdict::Drop(reason) => {
                self.lose(skb, reason, cx);
                false
            }
            InVerdict::NoDest(reason) => {
                skb.local_dst = true;
                self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote }, cx);
                self.lose(skb, reason, cx);
                false
            }
            InVerdict::Xmit(xmit) => self.ipvs_xmit(skb, xmit, at, route, cx),
            InVerdict::Tunnel(error) => {
                self.ipvs_tunnel_error(skb, error, cx);
                false
            }
        }
    }

    /// Answers of real servers (`ip_vs_out_hook`).
    pub(super) fn ipvs_reply(
        &mut self,
        at: HookPoint,
        skb: &mut Skb,
        route: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        if skb.ipvs {
            return true;
        }
        if at == HookPoint::Forward && skb.pkt.is_fragment() && !self.defragment(skb, cx) {
            return false;
        }
        let before = self.ends_before(&skb.pkt, cx);
        let mut acts = std::mem::take(&mut self.ipvs_acts);
        let verdict = {
            let net = &self.net;
            let is_local = |addr| net.is_local(addr);
            let hcx = hook_cx(net, &is_local, at, skb, cx);
            self.ipvs.out(cx.now, &mut skb.pkt, &hcx, &mut acts)
        };
        self.ipvs_carry_out(acts, cx);
        match verdict {
            OutVerdict::Accept => true,
            OutVerdict::Ours { conntrack } => {
                skb.ipvs = true;
                skb.ct.keep_if(conntrack);
                true
            }
            OutVerdict::Translated { reroute, conntrack } => {
                skb.ipvs = true;
                self.tell_translated(skb, before, "IPVS", cx);
                skb.ct.keep_if(conntrack);
                if route.is_some_and(|r| reroute || r.kind == RouteKind::Local) {
                    // `ip_route_me_harder`: policy rules may send what comes from the VIP elsewhere.
                    *route = self.reroute(skb, cx);
                    return route.is_some();
                }
                true
            }
            OutVerdict::Drop(reason) => {
                self.lose(skb, reason, cx);
                false
            }
            OutVerdict::UnaskedUnreachable => {
                self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote }, cx);
                self.lose(skb, DropReason::IpvsUnasked, cx);
                false
            }
        }
    }

    /// ICMP errors that pass through (`ip_vs_forward_icmp`).
    pub(super) fn ipvs_icmp(
        &mut self,
        at: HookPoint,
        skb: &mut Skb,
        route: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        match skb.pkt.l4 {
            L4::Icmp(_) => self.ipvs_request(at, skb, route, cx),
            _ => true,
        }
    }

    /// The way of a packet as it is now; none: it has none, and ended.
    pub(super) fn reroute(&mut self, skb: &Skb, cx: &mut Cx<'_>) -> Option<OutRoute> {
        // A source that is not ours is no hindrance here (FLOWI_FLAG_ANYSRC).
        let saddr = if self.net.is_local(skb.pkt.saddr) { skb.pkt.saddr } else { Ipv4Addr::UNSPECIFIED };
        let key = FlowKey { saddr, mark: skb.mark, tos: skb.pkt.tos, ..FlowKey::to(skb.pkt.daddr) };
        match self.net.route_out(key) {
            Ok(route) => Some(route),
            Err(_) => {
                self.lose(skb, DropReason::NoRoute { dst: skb.pkt.daddr }, cx);
                None
            }
        }
    }

    /// Sends a request on to the server that was chosen (`ip_vs_nat_xmit`, `ip_vs_dr_xmit`, `ip_vs_tunnel_xmit`,
    /// `ip_vs_null_xmit`, `ip_vs_bypass_xmit`).
    fn ipvs_xmit(
        &mut self,
        skb: &mut Skb,
        x: Xmit,
        at: HookPoint,
        old: &mut Option<OutRoute>,
        cx: &mut Cx<'_>,
    ) -> bool {
        self.tell(skb, cx, |_| Decision::Forwarded { method: x.method.column(), dest: (x.addr, x.port) });
        if x.method == Method::LocalNode {
            skb.ct.keep_if(x.conntrack);
            return true;
        }
        let from_here = at == HookPoint::LocalOut;
        // Errors come from the address that the client asked.
        skb.local_dst = skb.local_dst || at == HookPoint::LocalIn;
        let tos = skb.pkt.tos;
        let before = self.ends_before(&skb.pkt, cx);
        let Ok(mut route) = self.net.route_out(FlowKey { tos, ..FlowKey::to(x.addr) }) else {
            self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::HOST, mtu: 0, quote }, cx);
            self.lose(skb, DropReason::IpvsNoRoute { dest: x.addr }, cx);
            return false;
        };
        let local = route.kind == RouteKind::Local;
        let mtu = self.route_mtu(&route, x.addr, false, cx);
        let facts = RouteFacts { local, was_local: skb.local_dst, mtu };
        let discover = self.net.sysctl.global(Global::VsPmtuDisc) != 0;
        let len = skb.pkt.len();
        match xmit::check(&mut skb.pkt, x.method, x.addr, facts, skb.looped || from_here, discover) {
            Checked::Send => {}
            Checked::Local => {
                *old = self.ipvs_local_dest(skb, x, from_here, route, cx);
                return true;
            }
            Checked::Loopback if x.addr.is_loopback() => {
                self.lose(skb, DropReason::IpvsLoopbackDest { dest: x.addr }, cx);
                return false;
            }
            Checked::Loopback => {
                self.lose(skb, DropReason::MartianSource { src: skb.pkt.saddr }, cx);
                return false;
            }
            Checked::NotLocal => {
                self.lose(skb, DropReason::IpvsUnsupported, cx);
                return false;
            }
            Checked::TtlExceeded => {
                self.icmp_error(skb, |quote| Icmp::TimeExceeded { code: 0, quote }, cx);
                self.lose(skb, DropReason::TtlExpired, cx);
                return false;
            }
            Checked::FragNeeded(mtu) => {
                if from_here {
                    // The host's own socket is told through its route (`maybe_update_pmtu`).
                    let daddr = skb.pkt.daddr;
                    self.learn_pmtu(daddr, mtu, cx.now);
                }
                self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu: mtu as u16, quote }, cx);
                self.lose(skb, DropReason::TooBig { len, mtu }, cx);
                return false;
            }
        }
        self.nf_ipvs_sends(skb, &x, cx);
        match x.method {
            Method::Nat => {
                xmit::dnat(&mut skb.pkt, x.addr, x.port);
                self.tell_translated(skb, before, "IPVS", cx);
            }
            // The next hop is the one towards the server, whatever the packet's destination says.
            Method::Dr | Method::Bypass | Method::LocalNode => route.via = route.via.or(Some(x.addr)),
            Method::Tun => {
                skb.pkt = xmit::encapsulate(skb.take(), route.saddr, x.addr, discover);
            }
        }
        skb.ipvs = true;
        skb.dev = route.dev;
        skb.local_dst = false;
        self.tell_output(skb, x.addr, &route, cx);
        if let Some(route) = self.local_out_hook(skb, route, cx) {
            self.output(skb, &route, cx);
        }
        false
    }

    /// The server is the director itself: translated if need be, the packet stays here.
    fn ipvs_local_dest(
        &mut self,
        skb: &mut Skb,
        x: Xmit,
        from_here: bool,
        route: OutRoute,
        cx: &Cx<'_>,
    ) -> Option<OutRoute> {
        skb.ipvs = true;
        skb.local_dst = true;
        self.nf_ipvs_sends(skb, &x, cx);
        if x.method == Method::Nat {
            xmit::dnat(&mut skb.pkt, x.addr, x.port);
        }
        from_here.then_some(OutRoute { dev: DevIdx::LO, ..route })
    }

    /// An error about a tunnel packet of ours: the client hears of it as if about its own (`ip_vs_in_icmp`).
    fn ipvs_tunnel_error(&mut self, skb: &Skb, error: TunnelError, cx: &mut Cx<'_>) {
        let mut about = Skb::received(*error.inner, skb.dev);
        about.local_dst = true;
        let (kind, code) = (error.kind, error.code);
        if kind == 3 && code == Icmp::FRAG_NEEDED {
            self.learn_pmtu(error.server, u32::from(error.mtu), cx.now);
            if about.pkt.df()
                && let Ok(route) = self.net.output_route(error.server, None, None, 0)
            {
                // What is known of the way by now, less the outer header.
                let mtu = self.route_mtu(&route, error.server, false, cx).saturating_sub(IpPacket::HEADER) as u16;
                self.icmp_error(&about, |quote| Icmp::Unreachable { code, mtu, quote }, cx);
            }
            return;
        }
        match kind {
            3 => self.icmp_error(&about, |quote| Icmp::Unreachable { code, mtu: 0, quote }, cx),
            _ => self.icmp_error(&about, |quote| Icmp::TimeExceeded { code, quote }, cx),
        }
    }

    /// An IPVS connection's timer fired.
    pub(super) fn ipvs_timer(&mut self, slot: u32, generation: u32, cx: &mut Cx<'_>) {
        let mut acts = std::mem::take(&mut self.ipvs_acts);
        self.ipvs.timer(slot, generation, cx.now, &self.net.sysctl, &mut acts);
        self.ipvs_carry_out(acts, cx);
    }

    /// Carries out what IPVS wants beside the packet; also after a command of `ipvsadm`.
    #[inline]
    pub fn ipvs_carry_out(&mut self, mut acts: Vec<IpvsAct>, cx: &mut Cx<'_>) {
        if acts.is_empty() {
            self.ipvs_acts = acts;
            return;
        }
        for act in acts.drain(..) {
            match act {
                IpvsAct::Arm { slot, generation, at } => {
                    cx.out.push(Effect::Arm { key: TimerKey::Ipvs { slot, generation }, at });
                }
                IpvsAct::SyncArm { timer, at } => cx.out.push(Effect::Arm { key: TimerKey::IpvsSync(timer), at }),
                IpvsAct::SyncOpen { role } => self.sync_open(role),
                IpvsAct::SyncClose { role, dev, group } => self.sync_close(role, dev, group),
                IpvsAct::SyncSend { thread, bytes } => self.sync_send(thread, bytes, cx),
                IpvsAct::SyncOverflow { thread, bytes, limit } => self.sync_overflow(thread, bytes, limit, cx),
                IpvsAct::NoDest { scheduler, service, why } => {
                    let text = || match service {
                        ServiceKey::Mark(mark) => format!("IPVS: {scheduler}: FWM {mark} 0x{mark:08X} - {why}"),
                        _ => format!("IPVS: {scheduler}: {service} - {why}"),
                    };
                    self.log_limited(cx.now, Level::ERR, text);
                }
                IpvsAct::Event(event) => {
                    let (now, node) = (cx.now, cx.node);
                    cx.tracer.emit(TraceMask::IPVS, now, node, || event);
                }
            }
        }
        self.ipvs_acts = acts;
    }
}

fn hook_cx<'a>(
    net: &'a Inet,
    is_local: &'a dyn Fn(Ipv4Addr) -> bool,
    at: HookPoint,
    skb: &Skb,
    cx: &Cx<'_>,
) -> HookCx<'a> {
    HookCx {
        hook: match at {
            HookPoint::Forward => Hook::Forward,
            HookPoint::LocalOut => Hook::LocalOut,
            _ => Hook::LocalIn,
        },
        mark: skb.mark,
        sysctl: &net.sysctl,
        is_local,
        from_loopback: skb.looped || at == HookPoint::LocalOut,
        confirmed: false,
        trace: cx.tracer.wants(TraceMask::IPVS),
    }
}
