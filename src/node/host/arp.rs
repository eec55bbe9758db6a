//! ARP on a host: hearing, answering, learning, asking (net/ipv4/arp.c `arp_process`, `arp_solicit`).
//!
//! The order of the checks is the kernel's; the decisions are in `net/arp.rs`.

use super::Host;
use crate::base::{DevIdx, Span};
use crate::net::neigh::Nud;
use crate::net::routing::{InError, InRoute};
use crate::net::{arp as rules, dev::DevKind};
use crate::node::{Cx, Effect, TimerKey};
use crate::sysctl::Conf;
use crate::trace::{ArpAnswer, Mib, TraceEvent, TraceMask};
use crate::wire::{Arp, ArpOp, Frame, L3, Mac};
use std::net::Ipv4Addr;

/// An answer in another's place that is held back for a while (`proxy_delay`).
#[derive(Clone, Debug)]
pub struct HeldAnswer {
    dev: DevIdx,
    request: Arp,
}

impl Host {
    /// An ARP packet arrived.
    pub(super) fn arp_receive(&mut self, dev: DevIdx, arp: &Arp, link: (Mac, Mac), cx: &mut Cx<'_>) {
        if !rules::speaks(&self.net.devs, dev) {
            return;
        }
        let Some(arp) = &self.arp_in_hook(dev, arp, cx) else { return };
        let answer = self.arp_process(dev, arp, link, cx);
        if arp.op == ArpOp::Request {
            let (now, node) = (cx.now, cx.node);
            cx.tracer.emit(TraceMask::ARP, now, node, || TraceEvent::ArpVerdict {
                dev,
                request: Box::new(*arp),
                answer,
            });
        }
        self.neigh_acts(cx);
    }

    fn arp_process(&mut self, dev: DevIdx, arp: &Arp, link: (Mac, Mac), cx: &mut Cx<'_>) -> ArpAnswer {
        let (sip, tip) = (arp.spa, arp.tpa);
        let sysctl = &self.net.sysctl;
        if tip.is_multicast() || (tip.is_loopback() && !sysctl.on(Conf::RouteLocalnet, dev)) {
            return ArpAnswer::NotAQuestion;
        }
        if sip == tip && sysctl.on(Conf::DropGratuitousArp, dev) {
            return ArpAnswer::NotAQuestion;
        }
        let request = arp.op == ArpOp::Request;
        if sip.is_unspecified() {
            return self.arp_probe_heard(dev, arp, cx);
        }
        let mut silent = ArpAnswer::NotMine;
        if request {
            let found = self.net.input_route(tip, sip, dev, 0, 0);
            if let Err(error) = found {
                self.log_martian(error, tip, sip, dev, Some((link, 0x0806)), cx);
            }
            match self.arp_route(found, dev, sip, tip) {
                ArpRoute::Local => return self.arp_for_me(dev, arp, cx),
                ArpRoute::Elsewhere(out) => {
                    if let Some(knob) = self.proxies(dev, out, sip, tip) {
                        let to_me = link.0 == self.net.devs[dev.index()].mac;
                        return self.arp_for_another(dev, arp, knob, to_me, cx);
                    }
                }
                ArpRoute::Refused(why) => silent = why,
            }
        }
        self.arp_learn(dev, arp, cx);
        silent
    }

    /// Somebody asks whether an address is free (sender 0.0.0.0): answered like a question, nothing is learnt.
    fn arp_probe_heard(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> ArpAnswer {
        if arp.op != ArpOp::Request || !self.net.is_local(arp.tpa) {
            return ArpAnswer::NotMine;
        }
        self.arp_answer_if_allowed(dev, arp, cx)
    }

    /// The question is for one of our addresses: `arp_ignore` and `arp_filter` decide; only who is answered is learnt.
    fn arp_for_me(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> ArpAnswer {
        if self.net.sysctl.on(Conf::ArpFilter, dev)
            && rules::may_answer(&self.net.devs, &self.net.sysctl, dev, arp.spa, arp.tpa)
        {
            let way_back = self.net.output_route(arp.spa, Some(arp.tpa), None, 0);
            if way_back.is_ok_and(|r| r.dev != dev) {
                self.snmp.count(Mib::TcpExtArpFilter);
            }
            if way_back.map_or(true, |r| r.dev != dev) {
                return ArpAnswer::Filtered { knob: Box::new(self.net.sysctl.explain(Conf::ArpFilter, dev)) };
            }
        }
        self.arp_answer_if_allowed(dev, arp, cx)
    }

    fn arp_answer_if_allowed(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) -> ArpAnswer {
        let (sip, tip) = (arp.spa, arp.tpa);
        let knob = Box::new(self.net.sysctl.explain(Conf::ArpIgnore, dev));
        let owner = rules::owner(&self.net.devs, tip).cloned().unwrap_or_else(|| "a local route".into());
        if !rules::may_answer(&self.net.devs, &self.net.sysctl, dev, sip, tip) {
            return ArpAnswer::Ignored { owner, knob };
        }
        if !sip.is_unspecified() {
            self.neigh_update(dev, sip, arp.sha, Nud::Stale, true, true, cx);
        }
        self.arp_reply(dev, arp, cx);
        ArpAnswer::Answered { owner, knob }
    }

    /// Whether the host answers for an address that it reaches by `out`, and by which knob: by another device
    /// (`arp_fwd_proxy`: `proxy_arp`, unless both devices are of one medium) or by the same one (`arp_fwd_pvlan`).
    fn proxies(&self, dev: DevIdx, out: DevIdx, sip: Ipv4Addr, tip: Ipv4Addr) -> Option<Conf> {
        let s = &self.net.sysctl;
        if s.own(Conf::Forwarding, dev) == 0 {
            return None;
        }
        if out == dev {
            return (sip != tip && s.on(Conf::ProxyArpPvlan, dev)).then_some(Conf::ProxyArpPvlan);
        }
        let [mine, other] = [dev, out].map(|d| s.own(Conf::MediumId, d));
        let apart = match mine {
            0 => true,
            -1 => false,
            _ => other != mine && other != -1,
        };
        (s.on(Conf::ProxyArp, dev) && apart).then_some(Conf::ProxyArp)
    }

    /// Answers in another's place: later if everybody was asked, at once if this host was (`parp_redo`).
    fn arp_for_another(&mut self, dev: DevIdx, arp: &Arp, knob: Conf, to_me: bool, cx: &mut Cx<'_>) -> ArpAnswer {
        let knob = Box::new(self.net.sysctl.explain(knob, dev));
        self.neigh_update(dev, arp.spa, arp.sha, Nud::Stale, true, true, cx);
        let most = self.net.sysctl.neigh(crate::sysctl::Neigh::ProxyDelay, dev).max(0) as u64;
        let wait = self.net.sysctl.neigh(crate::sysctl::Neigh::ProxyQlen, dev).max(0) as usize;
        if most == 0 || to_me {
            self.arp_reply(dev, arp, cx);
        } else if self.held_answers.iter().flatten().count() > wait {
            return ArpAnswer::TooManyHeld { limit: wait as u32 };
        } else {
            let at = cx.now + Span(self.rng.below(Span::from_millis(most * 10).0));
            self.held_answers.push(Some(HeldAnswer { dev, request: *arp }));
            let slot = (self.held_answers.len() - 1) as u32;
            cx.out.push(Effect::Arm { key: TimerKey::ProxyArp { slot }, at });
        }
        ArpAnswer::Proxied { knob }
    }

    /// The held-back answer goes out.
    pub(super) fn proxy_answer_due(&mut self, slot: u32, cx: &mut Cx<'_>) {
        if let Some(held) = self.held_answers.get_mut(slot as usize).and_then(Option::take) {
            self.arp_reply(held.dev, &held.request, cx);
        }
        if self.held_answers.iter().all(Option::is_none) {
            self.held_answers.clear();
        }
    }

    /// What is known already is brought up to date; new entries are made only as `arp_accept` says.
    fn arp_learn(&mut self, dev: DevIdx, arp: &Arp, cx: &mut Cx<'_>) {
        let (sip, reply) = (arp.spa, arp.op == ArpOp::Reply);
        let unicast = !sip.is_broadcast() && !sip.is_multicast() && !self.net.is_local(sip);
        let gratuitous = sip == arp.tpa && unicast && (!reply || arp.tha == arp.sha);
        let create = match self.net.sysctl.effective(Conf::ArpAccept, dev) {
            0 => false,
            2 => self.net.devs[dev.index()].addrs.iter().any(|a| a.covers(sip)),
            _ => true,
        } && (gratuitous || reply)
            && unicast;
        let overriding = gratuitous || self.net.neigh.unlocked(dev, sip, cx.now, &self.net.sysctl);
        let to_us = reply && arp.tha == self.net.devs[dev.index()].mac && !gratuitous;
        let state = if to_us { Nud::Reachable } else { Nud::Stale };
        self.neigh_update(dev, sip, arp.sha, state, overriding, create, cx);
    }

    fn arp_route(&self, found: Result<InRoute, InError>, dev: DevIdx, sip: Ipv4Addr, tip: Ipv4Addr) -> ArpRoute {
        let mine = || self.net.is_local(tip);
        match found {
            Ok(InRoute::Local(_)) => ArpRoute::Local,
            Ok(InRoute::Forward { hit, .. }) => ArpRoute::Elsewhere(hit.dev),
            Err(InError::OwnSource | InError::MartianSource) if mine() => {
                ArpRoute::Refused(ArpAnswer::AskerIsMe { sip })
            }
            Err(InError::ReversePath { .. }) if mine() => {
                let knob = Box::new(self.net.sysctl.explain(Conf::RpFilter, dev));
                ArpRoute::Refused(ArpAnswer::ReversePath { knob })
            }
            Ok(InRoute::Broadcast(_) | InRoute::Multicast) | Err(_) => ArpRoute::Refused(ArpAnswer::NotMine),
        }
    }

    fn arp_reply(&mut self, dev: DevIdx, request: &Arp, cx: &mut Cx<'_>) {
        let mac = self.net.devs[dev.index()].mac;
        let reply = Arp { op: ArpOp::Reply, sha: mac, spa: request.tpa, tha: request.sha, tpa: request.spa };
        self.arp_send(dev, request.sha, reply, cx);
    }

    /// Asks for `target`, by unicast if `to` is given (`arp_solicit`).
    pub(super) fn arp_solicit(
        &mut self,
        dev: DevIdx,
        target: Ipv4Addr,
        to: Option<Mac>,
        for_source: Option<Ipv4Addr>,
        cx: &mut Cx<'_>,
    ) {
        let net = &self.net;
        let sender = rules::sender(&net.devs, &net.sysctl, dev, target, for_source, |a| net.is_local(a));
        let Some(spa) = sender else { return };
        let sha = self.net.devs[dev.index()].mac;
        let request = Arp { op: ArpOp::Request, sha, spa, tha: Mac::ZERO, tpa: target };
        self.arp_send(dev, to.unwrap_or(Mac::BROADCAST), request, cx);
    }

    /// Puts an ARP packet on the cable, past arptables.
    pub(crate) fn arp_send(&mut self, dev: DevIdx, dst: Mac, arp: Arp, cx: &mut Cx<'_>) {
        let d = &self.net.devs[dev.index()];
        if d.noarp || d.kind != DevKind::Ethernet {
            return;
        }
        let Some(arp) = self.arp_out_hook(dev, arp, cx) else { return };
        let src = self.net.devs[dev.index()].mac;
        self.put_on_cable(dev, Frame { l3: L3::Arp(arp), dst, src }, false, cx);
    }

    #[expect(clippy::too_many_arguments, reason = "the kernel's neigh_update takes as many")]
    fn neigh_update(
        &mut self,
        dev: DevIdx,
        addr: Ipv4Addr,
        mac: Mac,
        state: Nud,
        overriding: bool,
        create: bool,
        cx: &mut Cx<'_>,
    ) {
        let mut acts = std::mem::take(&mut self.net.acts);
        self.net.neigh.update(dev, addr, mac, state, overriding, create, cx.now, &self.net.sysctl, &mut acts);
        self.net.acts = acts;
    }
}

enum ArpRoute {
    Local,
    Elsewhere(DevIdx),
    Refused(ArpAnswer),
}
