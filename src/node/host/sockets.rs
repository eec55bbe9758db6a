//! Sockets and applications on the packet path: what the stacks say is carried out here.
//!
//! TCP, UDP and the applications say what they want in order; this file routes and sends it, arms timers, and hands
//! events on until nothing is left to do at this instant.

use super::{Host, Skb};
use crate::base::{SimTime, jiffies};
use crate::net::fib::{FlowKey, RouteKind};
use crate::net::routing::OutRoute;
use crate::net::sock::tcp::{Route as TcpRoute, TcpHost};
use crate::net::sock::{Errno, TcpOut, UdpEvent};
use crate::net::{Errno as NetErrno, Inet};
use crate::node::app::client::Opening;
use crate::node::app::{AppCx, AppOut, ConnSpec, Finished, Owner, Service, http_answer};
use crate::node::{Cx, Effect, TimerKey};
use crate::sysctl::{Conf, Global};
use crate::trace::{DropReason, Mib};
use crate::wire::{Body, Datagram, Icmp, IpPacket, L4, Proto, TcpSegment};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The first and the last port of a scenario's traffic, which binds them itself (`ip_local_port_range` is for programs).
const LOCAL_PORTS: std::ops::RangeInclusive<u16> = 32768..=60999;

/// What TCP asks of the host.
struct View<'a> {
    net: &'a Inet,
    now: SimTime,
}

impl TcpHost for View<'_> {
    fn route(&self, saddr: Ipv4Addr, daddr: Ipv4Addr) -> Option<TcpRoute> {
        let route = self.net.route_out_known(FlowKey { saddr, ..FlowKey::to(daddr) }).ok()?;
        Some(tcp_route(self.net, &route, daddr, self.now))
    }

    fn host_queued(&self, local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16), seq: u32) -> bool {
        self.net.neigh.waits(|p| {
            p.saddr == local.0
                && p.daddr == remote.0
                && matches!(p.l4, L4::Tcp(t) if t.sport == local.1 && t.dport == remote.1 && t.seq == seq)
        })
    }
}

/// MTU and advertised MSS of a route (`ipv4_default_advmss`: the path's MTU less 40).
pub(super) fn tcp_route(net: &Inet, route: &OutRoute, daddr: Ipv4Addr, now: SimTime) -> TcpRoute {
    let learnt = route.hit.and_then(|h| net.exceptions.lookup(daddr, h.route, now)).and_then(|e| e.mtu);
    let mtu = learnt.map_or(route.mtu, |m| m.min(route.mtu));
    let advmss = route.hit.and_then(|h| h.advmss).unwrap_or(mtu.saturating_sub(40).max(256)).min(65_495);
    TcpRoute { advmss: advmss as u16, mtu }
}

/// A connection that a workload wants to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The workload.
    pub workload: u32,
    /// Which of its connections.
    pub index: u64,
    /// What it draws goes by this.
    pub key: u64,
    /// What it does.
    pub spec: &'a Arc<ConnSpec>,
    /// Where to.
    pub to: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub proto: Proto,
    /// The source address, if it is not the host's choice.
    pub source: Option<Ipv4Addr>,
    /// The source port, if it is not the host's choice.
    pub port: Option<u16>,
}

impl Host {
    /// Starts to serve a port; a second service on it is refused, as by the kernel.
    pub fn serve(&mut self, service: Service) -> Result<(), Errno> {
        let mut out = Vec::new();
        let mut cx = AppCx {
            now: SimTime::ZERO,
            tcp: &mut self.tcp,
            tcp_out: &mut self.tcp_out,
            udp: &mut self.udp,
            out: &mut out,
        };
        self.servers.start(service, &mut cx).map(|_| ())
    }

    /// Stops to serve a port. False if nothing served it.
    pub fn stop_serving(&mut self, proto: Proto, port: u16, cx: &mut Cx<'_>) -> bool {
        let mut out = Vec::new();
        let mut app =
            AppCx { now: cx.now, tcp: &mut self.tcp, tcp_out: &mut self.tcp_out, udp: &mut self.udp, out: &mut out };
        let served = self.servers.stop(proto, port, &mut app);
        self.carry_out(cx);
        served
    }

    /// Something that is served works at another speed from now on. False if nothing serves there.
    pub fn set_speed(&mut self, proto: Proto, port: u16, speed_ppm: u64, cx: &mut Cx<'_>) -> bool {
        let mut served = false;
        self.with_apps(cx, |host, app| served = host.servers.set_speed(proto, port, speed_ppm, app));
        served
    }

    /// Opens a connection of a workload; returns the client's port.
    pub fn open_connection(&mut self, plan: &Plan<'_>, cx: &mut Cx<'_>) -> u16 {
        let Plan { workload, index, to, .. } = *plan;
        let port = plan.port.unwrap_or_else(|| self.draw_port());
        let from = plan.source.unwrap_or(Ipv4Addr::UNSPECIFIED);
        // A source address that the host does not have: `bind` says so.
        let mine = plan.source.is_none_or(|a| self.net.addr_kind(a) == RouteKind::Local);
        if !mine {
            self.finished.push(Finished::at_once(workload, index, Errno::AddrNotAvail));
            return port;
        }
        let route = match self.net.route_out(FlowKey { saddr: from, ..FlowKey::to(to.0) }) {
            Ok(route) => route,
            Err(error) => {
                self.count_no_route(error);
                self.finished.push(Finished::at_once(workload, index, sock_errno(error)));
                return port;
            }
        };
        if route.kind == RouteKind::Broadcast {
            self.finished.push(Finished::at_once(workload, index, Errno::Acces));
            return port;
        }
        self.take_sysctls();
        let route_info = tcp_route(&self.net, &route, to.0, cx.now);
        let local = (plan.source.unwrap_or(route.saddr), port);
        let how = Opening { workload, index, key: plan.key, proto: plan.proto, local, remote: to, route: route_info };
        self.with_apps(cx, |host, app| host.open(&how, plan.spec, app));
        self.settle(cx);
        port
    }

    /// One port after the other, whatever it is for.
    fn draw_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = if port >= *LOCAL_PORTS.end() { *LOCAL_PORTS.start() } else { port + 1 };
        port
    }

    /// The variables that TCP follows may have been written since.
    pub(super) fn take_sysctls(&mut self) {
        let s = &self.net.sysctl;
        let number = |key| s.global(key).max(0);
        let conf = &mut self.tcp.conf;
        conf.syn_retries = number(Global::TcpSynRetries) as u8;
        conf.synack_retries = number(Global::TcpSynackRetries) as u8;
        conf.retries2 = number(Global::TcpRetries2) as u8;
        conf.fin_timeout = crate::base::Span::from_secs(number(Global::TcpFinTimeout) as u64);
        conf.timestamps = number(Global::TcpTimestamps) != 0;
        conf.somaxconn = number(Global::SoMaxConn) as u32;
    }

    /// A TCP segment for this host.
    pub(super) fn tcp_receive(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        if !skb.to_me {
            return self.lose(skb, DropReason::UnwantedBroadcast, cx);
        }
        if matches!(skb.pkt.l4, L4::Tcp(t) if t.flags.has(crate::wire::TcpFlags::SYN)) {
            self.take_sysctls();
        }
        let result = {
            let view = View { net: &self.net, now: cx.now };
            self.tcp.input(cx.now, &skb.pkt, &view, &mut self.tcp_out)
        };
        if let Err(reason) = result {
            self.lose(skb, reason, cx);
        }
        self.carry_out(cx);
    }

    /// A TCP socket's timer fired.
    pub(super) fn tcp_timer(&mut self, slot: u32, generation: u32, cx: &mut Cx<'_>) {
        let id = crate::net::sock::SockId { slot, generation: generation as u16 };
        {
            let view = View { net: &self.net, now: cx.now };
            self.tcp.timer(cx.now, id, &view, &mut self.tcp_out);
        }
        self.carry_out(cx);
    }

    /// A client's timer fired.
    pub(super) fn client_timer(&mut self, slot: u32, generation: u8, cx: &mut Cx<'_>) {
        self.with_apps(cx, |host, app| host.client_timer(slot, generation, app));
    }

    /// A server has finished a piece of work.
    pub(super) fn server_done(&mut self, job: u32, cx: &mut Cx<'_>) {
        self.with_apps(cx, |host, app| host.server_timer(job, app));
    }

    /// Requests that share a service's workers may be done.
    pub(super) fn servers_share(&mut self, place: u32, cx: &mut Cx<'_>) {
        self.with_apps(cx, |host, app| host.servers.share_timer(host.id, place, app));
    }

    /// A datagram for this host.
    pub(super) fn udp_receive(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        match self.udp.input(&skb.pkt, skb.dev) {
            Ok(UdpEvent::Datagram { user, datagram, .. }) if matches!(Owner::of(user), Owner::Sync(_)) => {
                self.snmp.count(Mib::UdpInDatagrams);
                self.sync_receive(skb, &datagram, cx);
            }
            Ok(event) => self.udp_event(event, cx),
            Err(reason) => {
                self.snmp.count(if skb.local_dst { Mib::UdpNoPorts } else { Mib::UdpIgnoredMulti });
                self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote }, cx);
                self.lose(skb, reason, cx);
            }
        }
    }

    fn udp_event(&mut self, event: UdpEvent, cx: &mut Cx<'_>) {
        // Counted when it is read, which is at once.
        if matches!(event, UdpEvent::Datagram { .. }) {
            self.snmp.count(Mib::UdpInDatagrams);
        }
        let (UdpEvent::Datagram { user, .. } | UdpEvent::Error { user, .. }) = &event;
        if let Owner::Program(number) = Owner::of(*user) {
            match event {
                UdpEvent::Datagram { datagram, .. } => self.program_datagram(number, datagram.len, datagram.body, cx),
                UdpEvent::Error { errno, .. } => self.program_udp_error(number, errno, cx.now),
            }
            return;
        }
        self.with_apps(cx, |host, app| match event {
            UdpEvent::Datagram { sock, user, from, to, datagram } => match Owner::of(user) {
                Owner::Client(slot) => host.clients.datagram(slot, sock, &datagram, app),
                Owner::Service(place) => host.servers.datagram(host.id, place, from, to, &datagram, host.rng, app),
                Owner::Job(_) | Owner::Program(_) | Owner::Sync(_) => {}
            },
            UdpEvent::Error { sock, user, errno } => {
                if let Owner::Client(slot) = Owner::of(user) {
                    host.clients.udp_error(slot, sock, errno, app);
                }
            }
        });
    }

    /// Lets applications act, then carries out what they and the stacks want.
    fn with_apps(&mut self, cx: &mut Cx<'_>, act: impl FnOnce(&mut Apps<'_>, &mut AppCx<'_>)) {
        {
            let mut apps =
                Apps { id: self.id, clients: &mut self.clients, servers: &mut self.servers, rng: &mut self.rng };
            let mut app = AppCx {
                now: cx.now,
                tcp: &mut self.tcp,
                tcp_out: &mut self.tcp_out,
                udp: &mut self.udp,
                out: &mut self.app_out,
            };
            act(&mut apps, &mut app);
        }
        self.carry_out(cx);
    }

    /// Carries out what TCP and the applications want, until nothing is left.
    pub(super) fn carry_out(&mut self, cx: &mut Cx<'_>) {
        if self.tcp_out.is_empty() && self.app_out.is_empty() {
            return;
        }
        let mut at = 0;
        let mut tcp_out = std::mem::take(&mut self.tcp_out);
        let mut app_out = std::mem::take(&mut self.app_out);
        loop {
            while at < tcp_out.len() {
                match tcp_out[at] {
                    TcpOut::Segment { saddr, daddr, segment, confirm, .. } => {
                        self.send_segment(saddr, daddr, segment, confirm, cx);
                    }
                    TcpOut::Arm { sock, at } => {
                        let (at, level) = jiffies::fires(cx.now, at);
                        let key = TimerKey::Tcp { slot: sock.slot, generation: u32::from(sock.generation), level };
                        cx.out.push(Effect::Arm { key, at });
                    }
                    TcpOut::Event { sock, user, what } => {
                        if let Owner::Program(number) = Owner::of(user) {
                            self.program_tcp_event(number, sock, what, cx);
                            at += 1;
                            continue;
                        }
                        let apps = Apps {
                            id: self.id,
                            clients: &mut self.clients,
                            servers: &mut self.servers,
                            rng: &mut self.rng,
                        };
                        let mut app = AppCx {
                            now: cx.now,
                            tcp: &mut self.tcp,
                            tcp_out: &mut tcp_out,
                            udp: &mut self.udp,
                            out: &mut app_out,
                        };
                        match Owner::of(user) {
                            Owner::Client(slot) => apps.clients.tcp_event(slot, sock, what, &mut app),
                            owner @ (Owner::Service(_) | Owner::Job(_)) => {
                                apps.servers.tcp_event(apps.id, owner, sock, what, apps.rng, &mut app);
                            }
                            Owner::Program(_) | Owner::Sync(_) => {}
                        }
                    }
                }
                at += 1;
            }
            tcp_out.clear();
            at = 0;
            if app_out.is_empty() {
                break;
            }
            for out in app_out.drain(..) {
                self.app_wants(out, &mut tcp_out, cx);
            }
        }
        // Sending may itself have brought something about: a failed neighbour that a socket hears of at once.
        let more = !self.tcp_out.is_empty() || !self.app_out.is_empty();
        if more {
            self.carry_out(cx);
        } else {
            self.tcp_out = tcp_out;
            self.app_out = app_out;
        }
    }

    fn app_wants(&mut self, out: AppOut, tcp_out: &mut Vec<TcpOut>, cx: &mut Cx<'_>) {
        match out {
            AppOut::ClientTimer { slot, generation, at } => {
                cx.out.push(Effect::Arm { key: TimerKey::Client { slot, generation }, at });
            }
            AppOut::ServerTimer { job, at } => cx.out.push(Effect::Arm { key: TimerKey::Server { job }, at }),
            AppOut::ShareTimer { place, at } => cx.out.push(Effect::Arm { key: TimerKey::Share { place }, at }),
            AppOut::Datagram { from, to, len, body } => self.send_datagram(from, to, len, body, cx),
            AppOut::AnswerText { service, sock, text } => {
                let asked = cx.texts.all().get(text as usize).cloned().unwrap_or_default();
                if let Some(answer) = http_answer(&asked, &self.name) {
                    let body = Body::text(cx.texts.number(&answer));
                    let _gone = self.tcp.send(cx.now, sock, answer.len() as u32, body, tcp_out);
                }
                let (job, at) = self.servers.close_later(service, sock, cx.now, &mut self.tcp);
                cx.out.push(Effect::Arm { key: TimerKey::Server { job }, at });
            }
            AppOut::Reached(reached) => self.reached.push(reached),
            AppOut::Finished(done) => self.finished.push(done),
        }
    }

    fn send_segment(&mut self, saddr: Ipv4Addr, daddr: Ipv4Addr, segment: TcpSegment, confirm: bool, cx: &mut Cx<'_>) {
        let route = match self.net.route_out(FlowKey { saddr, ..FlowKey::to(daddr) }) {
            Ok(route) => route,
            Err(_) => {
                self.snmp.count(Mib::IpOutNoRoutes);
                let pkt = self.packet(saddr, daddr, L4::Tcp(segment), IpPacket::DF, cx);
                return self.lose(&Skb::local(pkt), DropReason::NoRoute { dst: daddr }, cx);
            }
        };
        let no_discovery = self.net.sysctl.global(Global::IpNoPmtuDisc) != 0;
        let frag = if no_discovery { 0 } else { IpPacket::DF };
        let mut skb = Skb::local(self.packet(saddr, daddr, L4::Tcp(segment), frag, cx));
        skb.confirm = confirm;
        self.send_local(&mut skb, route, cx);
    }

    fn send_datagram(&mut self, from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), len: u16, body: Body, cx: &mut Cx<'_>) {
        let route = match self.net.route_out(FlowKey { saddr: from.0, ..FlowKey::to(to.0) }) {
            Ok(route) => route,
            Err(error) => {
                self.count_no_route(error);
                let l4 = L4::Udp(Datagram { sport: from.1, dport: to.1, len, body });
                let pkt = self.packet(from.0, to.0, l4, 0, cx);
                return self.lose(&Skb::local(pkt), DropReason::NoRoute { dst: to.0 }, cx);
            }
        };
        let whole = u32::from(len) + Datagram::HEADER + IpPacket::HEADER;
        let fits = whole <= self.route_mtu(&route, to.0, false, cx);
        let discovers = self.net.sysctl.global(Global::IpNoPmtuDisc) == 0;
        let frag = if fits && discovers { IpPacket::DF } else { 0 };
        let l4 = L4::Udp(Datagram { sport: from.1, dport: to.1, len, body });
        let pkt = self.packet(from.0, to.0, l4, frag, cx);
        if self.send_skb(Skb::local(pkt), route, cx) {
            self.snmp.count(Mib::UdpOutDatagrams);
        }
    }

    /// A call that finds no way at all (`tcp_v4_connect`, `udp_sendmsg`).
    pub(super) fn count_no_route(&mut self, error: NetErrno) {
        if error == NetErrno::NetUnreachable {
            self.snmp.count(Mib::IpOutNoRoutes);
        }
    }

    pub(super) fn packet(&self, saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4, frag: u16, cx: &mut Cx<'_>) -> IpPacket {
        IpPacket { saddr, daddr, id: cx.ids.draw(), frag, ttl: self.default_ttl(), tos: 0, l4 }
    }

    /// ICMP errors reach the sockets that sent what they are about.
    pub(super) fn sockets_hear_error(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        let L4::Icmp(icmp) = &skb.pkt.l4 else { return };
        let Some(quote) = icmp.quote() else { return };
        match quote.l4 {
            L4::Tcp(_) => {
                let mtu = self.path_mtu(quote, cx);
                {
                    let view = View { net: &self.net, now: cx.now };
                    let _unowned = self.tcp.icmp_error(cx.now, icmp, mtu, &view, &mut self.tcp_out);
                }
                self.carry_out(cx);
            }
            L4::Udp(ref u) => {
                if !self.udp.sends_from((quote.saddr, u.sport), (quote.daddr, u.dport)) {
                    self.snmp.count(Mib::IcmpInErrors);
                }
                if let Some(event) = self.udp.icmp_error(icmp) {
                    self.udp_event(event, cx);
                }
            }
            _ => {}
        }
    }

    fn path_mtu(&self, quote: &IpPacket, cx: &Cx<'_>) -> u32 {
        let route = self.net.output_route(quote.daddr, Some(quote.saddr), None, 0);
        route.map_or(0, |r| self.route_mtu(&r, quote.daddr, false, cx))
    }

    /// Whether an error about this packet is about something that this host has sent and still knows.
    pub(super) fn concerns_me(&self, quote: &IpPacket) -> bool {
        match &quote.l4 {
            L4::Tcp(t) => self.tcp.knows((quote.saddr, t.sport), (quote.daddr, t.dport)),
            L4::Udp(u) => self.udp.sends_from((quote.saddr, u.sport), (quote.daddr, u.dport)),
            L4::Icmp(_) | L4::Ipip(_) => true,
            L4::Fragment(_) => false,
        }
    }

    /// A router said how much fits (`ip_rt_update_pmtu`).
    pub(super) fn learn_pmtu(&mut self, daddr: Ipv4Addr, mtu: u32, now: SimTime) {
        let Ok(route) = self.net.output_route(daddr, None, None, 0) else { return };
        let Some(hit) = route.hit else { return };
        if hit.mtu_lock {
            return;
        }
        let old = tcp_route(&self.net, &route, daddr, now).mtu;
        self.net.exceptions.pmtu(daddr, mtu, old, hit.route, now);
    }

    /// A router named a better gateway (`__ip_do_redirect`): believed if it comes from the present one, names another that
    /// may be one, and is known as a neighbour already.
    pub(super) fn learn_redirect(
        &mut self,
        skb: &Skb,
        saddr: Ipv4Addr,
        daddr: Ipv4Addr,
        gateway: Ipv4Addr,
        cx: &mut Cx<'_>,
    ) {
        let Ok(route) = self.net.output_route(daddr, Some(saddr), None, 0) else { return };
        let (Some(hit), teller) = (route.hit, skb.pkt.saddr) else { return };
        let present = (route.via.is_some() || self.next_hop(&route, daddr, cx) != daddr)
            .then(|| self.next_hop(&route, daddr, cx));
        let dev = skb.dev;
        let s = &self.net.sysctl;
        let silly = gateway == teller || gateway.is_multicast() || gateway.is_broadcast() || gateway.octets()[0] == 0;
        if present != Some(teller) || route.dev != dev || silly || !s.on(Conf::AcceptRedirects, dev) {
            return;
        }
        if s.on(Conf::SharedMedia, dev) {
            if self.net.addr_kind(gateway) != RouteKind::Unicast {
                return;
            }
        } else {
            let together = |a: &crate::net::IfAddr| a.covers(gateway) && a.covers(teller);
            if !self.net.devs[dev.index()].addrs.iter().any(together)
                || (s.on(Conf::SecureRedirects, dev) && !self.net.fib.has_gateway(gateway, dev))
            {
                return;
            }
        }
        let known = self.net.neigh.get(dev, gateway).is_some_and(|n| n.state.valid());
        if known {
            self.net.exceptions.redirect(daddr, gateway, hit.route, cx.now);
        } else {
            let mut acts = std::mem::take(&mut self.net.acts);
            self.net.neigh.probe(dev, gateway, cx.now, &self.net.sysctl, &mut acts);
            self.net.acts = acts;
        }
    }

    /// Nobody answered for a packet's next hop (`ipv4_link_failure`): the sender hears of an unreachable host.
    pub(super) fn link_failure(&mut self, skb: &Skb, cx: &mut Cx<'_>) {
        self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::HOST, mtu: 0, quote }, cx);
    }
}

/// The applications of a host, apart from its stacks.
struct Apps<'a> {
    id: crate::base::NodeId,
    clients: &'a mut crate::node::app::Clients,
    servers: &'a mut crate::node::app::Servers,
    rng: &'a mut crate::base::Rng,
}

impl Apps<'_> {
    fn open(&mut self, how: &Opening, spec: &Arc<ConnSpec>, app: &mut AppCx<'_>) {
        self.clients.open(how, spec, app);
    }

    fn client_timer(&mut self, slot: u32, generation: u8, app: &mut AppCx<'_>) {
        self.clients.timer(slot, generation, app);
    }

    fn server_timer(&mut self, job: u32, app: &mut AppCx<'_>) {
        self.servers.timer(self.id, job, self.rng, app);
    }
}

pub(super) fn sock_errno(error: NetErrno) -> Errno {
    match error {
        NetErrno::Access => Errno::Acces,
        NetErrno::Invalid => Errno::Inval,
        NetErrno::HostUnreachable => Errno::HostUnreach,
        NetErrno::AddrNotAvail => Errno::AddrNotAvail,
        _ => Errno::NetUnreach,
    }
}
