//! What happens to a packet at IPVS's hooks (ip_vs_core.c): verdicts, statistics, states, timers.
//!
//! The host calls [`Ipvs::out`] and then [`Ipvs::input`], with whole packets (fragments put together), addressed to it
//! at the link layer, that IPVS has not handled before (`ipvs_property`), and only while [`Ipvs::active`]:
//!
//! | hook | calls |
//! |---|---|
//! | LOCAL_IN | `out`, `input` |
//! | FORWARD | `input` (looks at ICMP errors only), `out` |
//! | LOCAL_OUT | `out`, `input` |
//!
//! Left out: SCTP, AH, ESP, entries without client port.

use super::conn::{ConnParam, NO_SLOT, flag};
use super::ctl::slot as service_slot;
use super::dest::{DestId, Method};
use super::icmp::TunnelError;
use super::sched::{DestList, Flow};
use super::service::{FTP_DATA_PORT, FTP_PORT, ServiceId, pack};
use super::state::{self, Direction, tcp};
use super::{Ipvs, IpvsAct, xmit};
use crate::base::SimTime;
use crate::net::netfilter::ipvs::IpvsConn;
use crate::sysctl::{Global, Sysctls};
use crate::trace::{Because, Candidate, Compared, DropReason, Receipt, TraceEvent};
use crate::wire::{IpPacket, L4, Proto, TcpFlags};
use std::fmt;
use std::net::Ipv4Addr;

/// Where a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// On its way to a program of this host.
    LocalIn,
    /// On its way through.
    Forward,
    /// Made by this host.
    LocalOut,
}

/// What the host knows about the packet and itself.
#[derive(Clone, Copy)]
pub struct HookCx<'a> {
    /// Where the packet is.
    pub hook: Hook,
    /// Its firewall mark; 0 for none.
    pub mark: u32,
    /// The host's variables.
    pub sysctl: &'a Sysctls,
    /// Whether an address is the host's own.
    pub is_local: &'a dyn Fn(Ipv4Addr) -> bool,
    /// It came in through `lo` or was made here.
    pub from_loopback: bool,
    /// Netfilter tracks its connection, and the tracking is confirmed.
    pub confirmed: bool,
    /// Whether events are wanted.
    pub trace: bool,
}

impl fmt::Debug for HookCx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} mark {}", self.hook, self.mark)
    }
}

impl HookCx<'_> {
    #[inline]
    pub(super) fn on(&self, key: Global) -> bool {
        self.sysctl.global(key) != 0
    }
}

/// What `out` says about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutVerdict {
    /// Not ours.
    Accept,
    /// Its source is the virtual address now; mark it as handled.
    Translated {
        /// Look up its route again as if sent from the virtual address.
        reroute: bool,
        /// Keep netfilter's tracking (`vs.conntrack`); else the packet is no longer tracked.
        conntrack: bool,
    },
    /// An answer of direct routing, a tunnel or this host, seen and left as it is; mark it as handled.
    Ours {
        /// Keep netfilter's tracking.
        conntrack: bool,
    },
    /// Drop it.
    Drop(DropReason),
    /// An answer that nobody asked for: tell the server with ICMP port unreachable and drop it
    /// ([`DropReason::IpvsUnasked`]).
    UnaskedUnreachable,
}

/// What `input` says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InVerdict {
    /// Not ours: to the local stack, or on.
    Accept,
    /// The same, and mark it as handled: what comes out of the tunnel is not looked at (`ignore_tunneled`).
    Ignore,
    /// Drop it in silence.
    Drop(DropReason),
    /// Answer with ICMP port unreachable from the packet's destination, and drop it.
    NoDest(DropReason),
    /// Send it to a server.
    Xmit(Xmit),
    /// A router's or server's error about a tunnel packet of ours: relay it to the client.
    Tunnel(TunnelError),
}

/// A packet that is to be sent to a server. It is not rewritten yet: see [`xmit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xmit {
    /// How.
    pub method: Method,
    /// The server; the packet's own destination for bypass.
    pub addr: Ipv4Addr,
    /// The server's port.
    pub port: u16,
    /// The entry's slot; [`NO_SLOT`] for one that lasted one packet.
    pub slot: u32,
    /// Keep netfilter's tracking.
    pub conntrack: bool,
}

/// The headers that IPVS looks at. For a quoted answer (`inverse`) the client is the destination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Headers {
    pub proto: u8,
    pub saddr: u32,
    pub daddr: u32,
    pub sport: u16,
    pub dport: u16,
    pub tcp: Option<TcpFlags>,
    pub icmp: bool,
    pub inverse: bool,
}

impl Headers {
    #[inline]
    pub fn of(pkt: &IpPacket) -> Option<Headers> {
        let (proto, sport, dport, tcp) = match &pkt.l4 {
            L4::Tcp(t) => (Proto::Tcp, t.sport, t.dport, Some(t.flags)),
            L4::Udp(u) => (Proto::Udp, u.sport, u.dport, None),
            _ => return None,
        };
        Some(Headers {
            proto: proto as u8,
            saddr: pkt.saddr.to_bits(),
            daddr: pkt.daddr.to_bits(),
            sport,
            dport,
            tcp,
            icmp: false,
            inverse: false,
        })
    }

    /// The entry's addresses as this packet names them.
    #[inline]
    pub fn param(&self) -> ConnParam {
        let (caddr, cport, vaddr, vport) = if self.inverse {
            (self.daddr, self.dport, self.saddr, self.sport)
        } else {
            (self.saddr, self.sport, self.daddr, self.dport)
        };
        ConnParam { proto: self.proto, caddr, cport, vaddr, vport }
    }
}

/// Why nothing was scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unscheduled {
    /// Not to be scheduled: accept.
    Ignored,
    /// No destination: ip_vs_leave.
    NoDest,
    /// The persistence engine cannot read it: drop.
    NoCallId,
}

impl Ipvs {
    /// The connection of a packet that IPVS has sent on, as `-m ipvs` finds it: by the answer that it would get
    /// (net/netfilter/xt_ipvs.c).
    pub fn met_by_rules(&self, pkt: &IpPacket) -> Option<IpvsConn> {
        let h = Headers::of(pkt)?;
        let c = self.conns.get(self.conns.find_out(h.proto, h.daddr, h.dport, h.saddr, h.sport)?);
        let (vaddr, vport) = c.virt();
        let vportctl = (c.control != NO_SLOT).then(|| self.conns.get(c.control).vport);
        Some(IpvsConn { vaddr, vport, method: c.method() as u8, vportctl })
    }

    /// Looks at an answer (ip_vs_out_hook).
    pub fn out(&mut self, now: SimTime, pkt: &mut IpPacket, cx: &HookCx<'_>, acts: &mut Vec<IpvsAct>) -> OutVerdict {
        if !self.active() {
            return OutVerdict::Accept;
        }
        if matches!(pkt.l4, L4::Icmp(_)) {
            return self.icmp_out(now, pkt, cx);
        }
        let Some(h) = Headers::of(pkt) else {
            return OutVerdict::Accept;
        };
        let found = self.conns.find_out(h.proto, h.saddr, h.sport, h.daddr, h.dport);
        let Some(slot) = found else {
            let rst = h.tcp.is_some_and(|f| f.has(TcpFlags::RST));
            if cx.on(Global::VsNatIcmpSend) && !rst && self.has_real_service(&h) {
                return OutVerdict::UnaskedUnreachable;
            }
            return OutVerdict::Accept;
        };
        let c = self.conns.get(slot);
        let (method, dest, conntrack) = (c.method(), c.dest, c.is(flag::NFCT));
        let (vaddr, vport) = c.virt();
        if method == Method::Nat {
            xmit::snat(pkt, vaddr, vport);
        }
        self.count_out(now, dest, pkt.len());
        self.set_state(slot, true, &h, cx, acts);
        self.put(now, slot, acts);
        if method == Method::Nat {
            let reroute = cx.hook != Hook::LocalIn && cx.on(Global::VsSnatReroute);
            OutVerdict::Translated { reroute, conntrack }
        } else {
            OutVerdict::Ours { conntrack }
        }
    }

    /// Looks at a request (ip_vs_in_hook; in FORWARD ip_vs_forward_icmp).
    pub fn input(&mut self, now: SimTime, pkt: &IpPacket, cx: &HookCx<'_>, acts: &mut Vec<IpvsAct>) -> InVerdict {
        if !self.active() || (self.sync.is_backup() && cx.on(Global::VsBackupOnly)) {
            return InVerdict::Accept;
        }
        if matches!(pkt.l4, L4::Icmp(_)) {
            return self.icmp_in(now, pkt, cx, acts);
        }
        if cx.hook == Hook::Forward {
            return InVerdict::Accept;
        }
        let Some(h) = Headers::of(pkt) else {
            // It may come back once it is unpacked.
            return if cx.on(Global::VsIgnoreTunneled) { InVerdict::Ignore } else { InVerdict::Accept };
        };
        let slot = match self.known(now, &h, cx, acts) {
            Ok(Some(slot)) => slot,
            Ok(None) => match self.try_to_schedule(now, pkt, &h, cx, acts) {
                Ok(slot) => slot,
                Err(verdict) => return verdict,
            },
            Err(reason) => return InVerdict::Drop(reason),
        };
        self.forward(now, slot, pkt, &h, cx, acts)
    }

    /// An entry's timer fired.
    pub fn timer(&mut self, slot: u32, generation: u32, now: SimTime, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        if slot == NO_SLOT {
            self.defence_timer(now, acts);
            return;
        }
        if slot >= self.conns.capacity() || self.conns.get(slot).generation != generation {
            return;
        }
        let c = self.conns.get_mut(slot);
        if now >= c.expires {
            if c.n_control == 0 {
                self.release(slot, now);
                return;
            }
            // It controls others: tried again every minute, and the timeout stays at that.
            c.timeout = 60;
            c.expires = now + state::seconds(60);
            if self.sync.is_master() {
                let threshold = sysctl.global(Global::VsSyncThreshold) as u32;
                self.sync_conn(now, slot, threshold, sysctl, acts);
            }
        }
        let c = self.conns.get_mut(slot);
        let at = c.expires;
        c.note_armed(at);
        acts.push(IpvsAct::Arm { slot, generation, at });
    }

    /// The packet's entry, unless it is to be scheduled anew.
    fn known(
        &mut self,
        now: SimTime,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<Option<u32>, DropReason> {
        let Some(slot) = self.conns.find_in(&h.param()) else {
            return Ok(None);
        };
        let c = self.conns.get(slot);
        let dest = self.dest(c.dest);
        let tracked = c.is(flag::NFCT) && cx.confirmed;
        let expire_nodest = || cx.on(Global::VsExpireNodestConn);
        if h.tcp.is_some_and(|f| f.has(TcpFlags::SYN)) {
            let quiesced = dest.is_some_and(|d| d.weight == 0) && expire_nodest();
            let again =
                quiesced || (reusable(c, cx.sysctl.global(Global::VsConnReuseMode)) && (c.n_control == 0 || !tracked));
            if again {
                if c.n_control == 0 {
                    self.expire_now(now, slot, acts);
                }
                if tracked {
                    return Err(DropReason::IpvsUnsupported);
                }
                self.conns.get_mut(slot).flags &= !flag::NFCT;
                return Ok(None);
            }
        }
        if let Some(d) = dest.filter(|d| !d.available) {
            let reason = DropReason::IpvsDestGone { dest: d.addr };
            if !expire_nodest() {
                return Err(reason);
            }
            self.expire_now(now, slot, acts);
            if tracked {
                return Err(reason);
            }
            self.conns.get_mut(slot).flags &= !flag::NFCT;
            return Ok(None);
        }
        Ok(Some(slot))
    }

    /// tcp_conn_schedule and udp_conn_schedule.
    pub(super) fn try_to_schedule(
        &mut self,
        now: SimTime,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<u32, InVerdict> {
        if let Some(flags) = h.tcp.filter(|_| !h.icmp) {
            let opens = flags.has(TcpFlags::SYN) || cx.on(Global::VsSloppyTcp);
            if flags.has(TcpFlags::RST) || !opens {
                return Err(InVerdict::Accept);
            }
        }
        let p = h.param();
        let Some(svc) = self.find_service(cx.mark, p.proto, p.vaddr, p.vport) else {
            return Err(InVerdict::Accept);
        };
        self.watch_defence(now, cx, acts);
        if let Some(rate) = self.defence_drops(now, cx) {
            return Err(InVerdict::Drop(DropReason::IpvsDefence { rate }));
        }
        match self.schedule(now, svc, pkt, h, cx, acts) {
            Ok(slot) => Ok(slot),
            Err(Unscheduled::Ignored) => Err(InVerdict::Accept),
            Err(Unscheduled::NoDest) => Err(self.leave(now, svc, pkt, h, cx, acts)),
            Err(Unscheduled::NoCallId) => Err(InVerdict::Drop(DropReason::IpvsNoCallId)),
        }
    }

    /// ip_vs_service_find.
    pub(super) fn find_service(&self, mark: u32, proto: u8, vaddr: u32, vport: u16) -> Option<ServiceId> {
        let get = |key: u64| self.lookup.get(&key).copied();
        let marked = || (mark != 0).then(|| get(pack(0, mark, 0))).flatten();
        let exact = || get(pack(proto, vaddr, vport));
        let ftp = || {
            let data = vport == FTP_DATA_PORT || vport >= 1024;
            (self.ftp_services > 0 && proto == Proto::Tcp as u8 && data)
                .then(|| get(pack(proto, vaddr, FTP_PORT)))
                .flatten()
        };
        let any_port = || (self.null_services > 0).then(|| get(pack(proto, vaddr, 0))).flatten();
        marked().or_else(exact).or_else(ftp).or_else(any_port)
    }

    /// ip_vs_schedule.
    fn schedule(
        &mut self,
        now: SimTime,
        id: ServiceId,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<u32, Unscheduled> {
        let p = h.param();
        // Active FTP's data connection from a server.
        if p.cport == FTP_DATA_PORT {
            return Err(Unscheduled::Ignored);
        }
        // Answers of a server on this host.
        if cx.from_loopback {
            let turned = Headers { inverse: !h.inverse, ..*h };
            if self.conns.find_in(&turned.param()).is_some() {
                return Err(Unscheduled::Ignored);
            }
        }
        let svc = self.svc(id);
        let (key, ops) = (svc.key, svc.spec.ops);
        if svc.spec.persistent.is_some() {
            return self.schedule_persistent(now, id, pkt, h, cx, acts);
        }
        if matches!(key, super::ServiceKey::Addr { port, .. } if port != p.vport) {
            return Err(Unscheduled::NoDest);
        }
        let (dest, because) = self.pick(now, id, h, cx, acts).ok_or(Unscheduled::NoDest)?;
        let slot = self.conn_for(&p, dest, ops, cx);
        self.count_conn(now, dest);
        self.tell_scheduled(id, dest, because, pkt, cx, acts);
        Ok(slot)
    }

    /// Asks the service's scheduler.
    pub(super) fn pick(
        &mut self,
        now: SimTime,
        id: ServiceId,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> Option<(DestId, Because)> {
        let p = h.param();
        let svc = service_slot(&mut self.services, id);
        let flow = Flow {
            client: p.caddr,
            cport: p.cport,
            daddr: h.daddr,
            now,
            flags: svc.spec.flags,
            lblc_expiration: cx.sysctl.global(Global::VsLblcExpiration),
            lblcr_expiration: cx.sysctl.global(Global::VsLblcrExpiration),
        };
        let list = DestList::new(&svc.dests, &self.dests);
        let scheduler = svc.scheduler.as_mut()?;
        // Compared before the choice, which moves marks.
        let compared: Option<Vec<Compared>> =
            cx.trace.then(|| (0..list.len()).map(|place| scheduler.compare(list, place, &flow)).collect());
        let pick = scheduler.schedule(list, &flow, &mut self.rng);
        if let Some(compared) = compared {
            let candidate = |(place, compared)| {
                let d = list.get(place);
                Candidate {
                    dest: (d.addr, d.port),
                    weight: d.weight,
                    active: d.active,
                    inactive: d.inactive,
                    overload: d.overload,
                    compared,
                    chosen: pick.as_ref().is_some_and(|p| p.place == place),
                }
            };
            acts.push(IpvsAct::Event(TraceEvent::Receipt(Box::new(Receipt {
                client: (p.caddr.into(), p.cport),
                service: svc.name.clone(),
                scheduler: svc.scheduler_name,
                candidates: compared.into_iter().enumerate().map(candidate).collect(),
                because: pick.as_ref().map(|p| p.because.clone()),
            }))));
        }
        let Some(pick) = pick else {
            // wrr tells full servers from none (`err_over`); the others do not.
            let full = svc.scheduler_name == "wrr" && list.iter().any(|d| d.weight > 0);
            acts.push(IpvsAct::NoDest {
                scheduler: svc.scheduler_name,
                service: svc.key,
                why: match full {
                    true => "no destination available: all destinations are overloaded",
                    false => "no destination available",
                },
            });
            return None;
        };
        Some((svc.dests[pick.place], pick.because))
    }

    /// A new entry that leads to this destination; a destination without port keeps the packet's.
    pub(super) fn conn_for(&mut self, p: &ConnParam, dest: DestId, ops: bool, cx: &HookCx<'_>) -> u32 {
        let d = &self.dests[dest.index()];
        let (daddr, port) = (d.addr.to_bits(), d.port);
        let dport = if port != 0 { port } else { p.vport };
        let flags = if ops { flag::ONE_PACKET } else { 0 };
        self.conn_new(p, daddr, dport, flags, dest, cx)
    }

    /// ip_vs_conn_new and ip_vs_bind_dest.
    pub(super) fn conn_new(
        &mut self,
        p: &ConnParam,
        daddr: u32,
        dport: u16,
        flags: u32,
        dest: DestId,
        cx: &HookCx<'_>,
    ) -> u32 {
        let mut flags = flags;
        if cx.on(Global::VsConntrack) {
            flags |= flag::NFCT;
        }
        if p.proto != Proto::Udp as u8 {
            flags &= !flag::ONE_PACKET;
        }
        if let Some(d) = self.dests.get_mut(dest.index()) {
            flags |= d.method as u32 | flag::INACTIVE;
            if d.method != Method::Nat {
                flags |= flag::NOOUTPUT;
            }
            d.bind(flags & flag::TEMPLATE != 0, true);
        }
        let slot = self.conns.insert(p, daddr, dport, flags, dest);
        if cx.mark != 0 {
            self.conns.told_mut(slot).mark = cx.mark;
        }
        slot
    }

    /// Statistics, state, verdict, timer: the end of ip_vs_in_hook.
    fn forward(
        &mut self,
        now: SimTime,
        slot: u32,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> InVerdict {
        self.count_in(now, self.conns.get(slot).dest, pkt.len());
        self.set_state(slot, false, h, cx, acts);
        self.count_for_sync(now, slot, cx.sysctl, acts);
        let mut xmit = self.xmit_of(slot, pkt);
        if !self.put(now, slot, acts) {
            xmit.slot = NO_SLOT;
        }
        InVerdict::Xmit(xmit)
    }

    /// Counts the packet, and lets a master tell of the entry.
    fn count_for_sync(&mut self, now: SimTime, slot: u32, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        let c = self.conns.get_mut(slot);
        c.in_pkts = c.in_pkts.wrapping_add(1);
        let (one, pkts, control) = (c.is(flag::ONE_PACKET), c.in_pkts, c.control);
        if self.sync.is_master() {
            let pkts = if one { sysctl.global(Global::VsSyncThreshold) as u32 } else { pkts };
            self.sync_conn(now, slot, pkts, sysctl, acts);
        } else if one && control != NO_SLOT {
            let template = self.conns.get_mut(control);
            template.in_pkts = template.in_pkts.wrapping_add(1);
        }
    }

    /// What the entry's transmitter is to do.
    pub(super) fn xmit_of(&self, slot: u32, pkt: &IpPacket) -> Xmit {
        let c = self.conns.get(slot);
        let method = c.method();
        let (addr, port) = match method {
            Method::Bypass => (pkt.daddr, pkt.l4.ports().map_or(0, |(_, dport)| dport)),
            _ => c.server(),
        };
        Xmit { method, addr, port, slot, conntrack: c.is(flag::NFCT) }
    }

    /// ip_vs_leave: no destination is available.
    fn leave(
        &mut self,
        now: SimTime,
        id: ServiceId,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> InVerdict {
        let svc = self.svc(id);
        let marked = matches!(svc.key, super::ServiceKey::Mark(_));
        let unicast = || !pkt.daddr.is_multicast() && !pkt.daddr.is_broadcast();
        if marked && cx.on(Global::VsCacheBypass) && !h.icmp && unicast() && !(cx.is_local)(pkt.daddr) {
            return self.bypass(now, svc.spec.ops, pkt, h, cx, acts);
        }
        if svc.key.port() == FTP_PORT && h.dport != FTP_PORT {
            return InVerdict::Accept;
        }
        let list = || svc.dests.iter().map(|d| &self.dests[d.index()]);
        let count = |n: usize| n as u32;
        let reason = DropReason::IpvsNoDest {
            service: svc.name.clone(),
            dests: count(svc.dests.len()),
            quiesced: count(list().filter(|d| d.weight == 0).count()),
            overloaded: count(list().filter(|d| d.overload).count()),
        };
        if h.icmp { InVerdict::Drop(reason) } else { InVerdict::NoDest(reason) }
    }

    /// An entry without destination: the packet goes where it wanted to go (`cache_bypass`).
    fn bypass(
        &mut self,
        now: SimTime,
        ops: bool,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> InVerdict {
        let flags = Method::Bypass as u32 | if ops { flag::ONE_PACKET } else { 0 };
        let slot = self.conn_new(&h.param(), 0, 0, flags, DestId::NONE, cx);
        self.forward(now, slot, pkt, h, &HookCx { trace: false, ..*cx }, acts)
    }

    /// Drives the state machine (set_tcp_state, udp_state_transition) and sets the timeout.
    fn set_state(&mut self, slot: u32, output: bool, h: &Headers, cx: &HookCx<'_>, acts: &mut Vec<IpvsAct>) {
        let c = self.conns.get_mut(slot);
        let Some(flags) = h.tcp else {
            c.timeout = self.timeouts.udp();
            if output {
                let control = c.control;
                self.assure(control);
            }
            return;
        };
        let direction = if output {
            c.flags &= !flag::NOOUTPUT;
            Direction::Output
        } else if c.is(flag::NOOUTPUT) {
            Direction::InputOnly
        } else {
            Direction::Input
        };
        let secure = cx.sysctl.defends(Global::VsSecureTcp);
        let (old, new) = (c.state, state::tcp_next(direction, secure, c.state, flags));
        c.timeout = self.timeouts.tcp(new);
        if new == old {
            return;
        }
        c.state = new;
        let active = state::tcp_active(new);
        if let Some(d) = self.dests.get_mut(c.dest.index()) {
            if active && c.is(flag::INACTIVE) {
                d.inactive -= 1;
                d.active += 1;
                c.flags &= !flag::INACTIVE;
            } else if !active && !c.is(flag::INACTIVE) {
                d.active -= 1;
                d.inactive += 1;
                c.flags |= flag::INACTIVE;
            }
        }
        if cx.trace {
            acts.push(IpvsAct::Event(TraceEvent::IpvsState {
                client: c.client(),
                virt: c.virt(),
                dest: c.server(),
                from: state::name(c.proto, false, old),
                to: state::name(c.proto, false, new),
            }));
        }
        if new == tcp::ESTABLISHED {
            let control = c.control;
            self.assure(control);
        }
    }

    fn assure(&mut self, control: u32) {
        if control != NO_SLOT {
            self.conns.get_mut(control).state |= state::ASSURED;
        }
    }

    /// ip_vs_conn_put: the timer starts again; an entry for one packet ends. False if it is gone.
    #[inline]
    pub(super) fn put(&mut self, now: SimTime, slot: u32, acts: &mut Vec<IpvsAct>) -> bool {
        let c = self.conns.get_mut(slot);
        if c.is(flag::ONE_PACKET) {
            self.release(slot, now);
            return false;
        }
        let at = now + state::seconds(c.timeout);
        self.set_expires(slot, at, acts);
        true
    }

    #[inline]
    pub(super) fn set_expires(&mut self, slot: u32, at: SimTime, acts: &mut Vec<IpvsAct>) {
        let c = self.conns.get_mut(slot);
        if c.set_expires(at) {
            acts.push(IpvsAct::Arm { slot, generation: c.generation, at });
        }
    }

    /// ip_vs_conn_expire_now: the entry's timer fires after this packet.
    fn expire_now(&mut self, now: SimTime, slot: u32, acts: &mut Vec<IpvsAct>) {
        self.set_expires(slot, now, acts);
    }

    /// ip_vs_conn_del: ends an entry that controls no other, and its template with it if nothing else holds that.
    pub(super) fn kill(&mut self, slot: u32, now: SimTime) {
        self.conns.get_mut(slot).timeout = 0;
        self.release(slot, now);
    }

    /// ip_vs_conn_expire of an entry that controls no other.
    fn release(&mut self, slot: u32, now: SimTime) {
        let c = self.conns.get(slot);
        let (template, inactive) = (c.is(flag::TEMPLATE), c.is(flag::INACTIVE));
        let (dest, control, deliberate) = (c.dest, c.control, c.timeout == 0);
        self.conns.remove(slot);
        if let Some(d) = self.dests.get_mut(dest.index()) {
            d.unbind(template, inactive, now);
        }
        if control == NO_SLOT {
            return;
        }
        let parent = self.conns.get_mut(control);
        parent.n_control -= 1;
        let assured = parent.is(flag::TEMPLATE) && parent.state & state::ASSURED != 0;
        if deliberate && parent.n_control == 0 && !assured {
            self.kill(control, now);
        }
    }

    pub(super) fn tell_scheduled(
        &self,
        id: ServiceId,
        dest: DestId,
        because: Because,
        pkt: &IpPacket,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) {
        if cx.trace {
            let (svc, d) = (self.svc(id), &self.dests[dest.index()]);
            acts.push(IpvsAct::Event(TraceEvent::Scheduled {
                packet: Box::new(pkt.clone()),
                service: svc.name.clone(),
                scheduler: svc.scheduler_name,
                dest: (d.addr, d.port),
                because,
            }));
        }
    }

    /// ip_vs_conn_stats.
    pub(super) fn count_conn(&mut self, now: SimTime, dest: DestId) {
        let tick = self.est.ticks(now);
        let d = &mut self.dests[dest.index()];
        d.stats.conn(tick);
        service_slot(&mut self.services, d.service).stats.conn(tick);
        self.total.conn(tick);
    }

    /// ip_vs_in_stats: only while the destination is available.
    #[inline]
    pub(super) fn count_in(&mut self, now: SimTime, dest: DestId, len: u32) {
        let tick = self.est.ticks(now);
        if let Some(d) = self.dests.get_mut(dest.index()).filter(|d| d.available) {
            d.stats.input(tick, len);
            service_slot(&mut self.services, d.service).stats.input(tick, len);
            self.total.input(tick, len);
        }
    }

    /// ip_vs_out_stats.
    #[inline]
    pub(super) fn count_out(&mut self, now: SimTime, dest: DestId, len: u32) {
        let tick = self.est.ticks(now);
        if let Some(d) = self.dests.get_mut(dest.index()).filter(|d| d.available) {
            d.stats.output(tick, len);
            service_slot(&mut self.services, d.service).stats.output(tick, len);
            self.total.output(tick, len);
        }
    }

    /// ip_vs_has_real_service: the source is a NAT destination of a service.
    fn has_real_service(&self, h: &Headers) -> bool {
        self.order.iter().any(|&id| {
            let svc = self.svc(id);
            let (proto, marked) = match svc.key {
                super::ServiceKey::Addr { proto, .. } => (proto as u8, false),
                super::ServiceKey::Mark(_) => (h.proto, true),
            };
            proto == h.proto
                && svc.dests.iter().any(|d| {
                    let d = &self.dests[d.index()];
                    d.method == Method::Nat && d.addr.to_bits() == h.saddr && (d.port == h.sport || marked)
                })
        })
    }
}

/// is_new_conn_expected: whether a SYN that meets this entry opens a new connection.
fn reusable(c: &super::Conn, mode: i64) -> bool {
    if mode == 0 || c.control != NO_SLOT || c.proto != Proto::Tcp as u8 {
        return false;
    }
    matches!(c.state, tcp::TIME_WAIT | tcp::CLOSE)
        || (mode & 2 != 0 && c.state == tcp::FIN_WAIT && c.is(flag::NOOUTPUT))
}
