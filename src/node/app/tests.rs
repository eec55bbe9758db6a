//! A client's host and a server's host on a cable without loss.

use super::client::Opening;
use super::*;
use crate::base::{DevIdx, Rng, Seed};
use crate::net::sock::tcp::{Route, TcpHost};
use crate::net::sock::{SockEvent, UdpEvent};
use crate::wire::{Datagram, Icmp, IpPacket, L4, PacketId, Proto};
use std::collections::BTreeMap;
use std::sync::Arc;

const C: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const S: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const SERVER: NodeId = NodeId(7);
const ROUTE: Route = Route { advmss: 1460, mtu: 1500 };
const SPEC: ConnSpec = ConnSpec {
    request: Dist::Constant(100),
    response: Dist::Constant(100),
    hold: Span::ZERO,
    timeout: Span::from_secs(3),
    requests: 1,
    think: Dist::Constant(0),
    sizes: None,
    draws: Draws::NONE,
};

#[derive(Clone, Copy)]
struct Cable;

impl TcpHost for Cable {
    fn route(&self, _: Ipv4Addr, _: Ipv4Addr) -> Option<Route> {
        Some(ROUTE)
    }
}

struct Host {
    tcp: TcpStack,
    udp: UdpStack,
}

enum Todo {
    Frame(IpPacket),
    Tcp(SockId),
    Client(u32, u8),
    Server(u32),
    Share(u32),
}

struct Lab {
    hosts: [Host; 2],
    clients: Clients,
    servers: Servers,
    rng: Rng,
    now: SimTime,
    queue: BTreeMap<(SimTime, u64), (usize, Todo)>,
    pushed: u64,
    frames: u32,
    /// Milliseconds, index, outcome, errno, whether the server was named.
    finished: Vec<(u64, u64, Outcome, &'static str, bool)>,
    /// Microseconds, index, what.
    reached: Vec<(u64, u64, Milestone)>,
}

impl Lab {
    fn new() -> Lab {
        let host = |key| Host { tcp: TcpStack::new(key), udp: UdpStack::default() };
        Lab {
            hosts: [host(1), host(2)],
            clients: Clients::default(),
            servers: Servers::default(),
            rng: Seed(1).stream("lab"),
            now: SimTime::ZERO,
            queue: BTreeMap::new(),
            pushed: 0,
            frames: 0,
            finished: Vec::new(),
            reached: Vec::new(),
        }
    }

    fn later(&mut self, at: SimTime, who: usize, todo: Todo) {
        self.pushed += 1;
        self.queue.insert((at, self.pushed), (who, todo));
    }

    /// Runs an application, then what follows from it.
    fn with(&mut self, who: usize, run: impl FnOnce(&mut Clients, &mut Servers, &mut Rng, &mut AppCx<'_>)) {
        let (mut tcp_out, mut out) = (Vec::new(), Vec::new());
        let host = &mut self.hosts[who];
        let mut cx =
            AppCx { now: self.now, tcp: &mut host.tcp, tcp_out: &mut tcp_out, udp: &mut host.udp, out: &mut out };
        run(&mut self.clients, &mut self.servers, &mut self.rng, &mut cx);
        self.act(who, tcp_out);
        self.want(who, out);
    }

    fn act(&mut self, who: usize, out: Vec<TcpOut>) {
        for what in out {
            match what {
                TcpOut::Segment { saddr, daddr, segment, .. } => self.send(who, saddr, daddr, L4::Tcp(segment)),
                TcpOut::Arm { sock, at } => self.later(at, who, Todo::Tcp(sock)),
                TcpOut::Event { sock, user, what } => {
                    self.with(who, |clients, servers, rng, cx| match Owner::of(user) {
                        Owner::Client(slot) => clients.tcp_event(slot, sock, what, cx),
                        owner => servers.tcp_event(SERVER, owner, sock, what, rng, cx),
                    })
                }
            }
        }
    }

    fn want(&mut self, who: usize, out: Vec<AppOut>) {
        for what in out {
            match what {
                AppOut::ClientTimer { slot, generation, at } => self.later(at, who, Todo::Client(slot, generation)),
                AppOut::ServerTimer { job, at } => self.later(at, who, Todo::Server(job)),
                AppOut::ShareTimer { place, at } => self.later(at, who, Todo::Share(place)),
                AppOut::Reached(Reached { index, what, .. }) => self.reached.push((self.now.0 / 1_000, index, what)),
                AppOut::Datagram { from, to, len, body } => {
                    let datagram = Datagram { sport: from.1, dport: to.1, len, body };
                    self.send(who, from.0, to.0, L4::Udp(datagram));
                }
                AppOut::Finished(f) => {
                    let ms = self.now.0 / 1_000_000;
                    self.finished.push((
                        ms,
                        f.index,
                        f.outcome,
                        f.errno.map_or("", Errno::name),
                        f.server == Some(SERVER),
                    ));
                }
                AppOut::AnswerText { .. } => panic!("nobody sends texts here"),
            }
        }
    }

    fn send(&mut self, who: usize, saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) {
        self.frames += 1;
        let packet = IpPacket { saddr, daddr, id: PacketId(self.frames), frag: IpPacket::DF, ttl: 64, tos: 0, l4 };
        self.later(self.now + Span::from_micros(100), 1 - who, Todo::Frame(packet));
    }

    fn receive(&mut self, who: usize, packet: IpPacket) {
        if let L4::Icmp(icmp) = &packet.l4 {
            if let Some(UdpEvent::Error { sock, user, errno }) = self.hosts[who].udp.icmp_error(icmp)
                && let Owner::Client(slot) = Owner::of(user)
            {
                self.with(who, |clients, _, _, cx| clients.udp_error(slot, sock, errno, cx));
            }
            return;
        }
        if let L4::Udp(_) = packet.l4 {
            match self.hosts[who].udp.input(&packet, DevIdx(2)) {
                Ok(UdpEvent::Datagram { sock, user, from, to, datagram }) => {
                    self.with(who, |clients, servers, rng, cx| match Owner::of(user) {
                        Owner::Client(slot) => clients.datagram(slot, sock, &datagram, cx),
                        Owner::Service(place) => servers.datagram(SERVER, place, from, to, &datagram, rng, cx),
                        other => panic!("{other:?} has no UDP socket"),
                    });
                }
                _ => {
                    let (saddr, daddr) = (packet.daddr, packet.saddr);
                    let error = Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote: Box::new(packet) };
                    self.send(who, saddr, daddr, L4::Icmp(Box::new(error)));
                }
            }
            return;
        }
        let mut out = Vec::new();
        let _ = self.hosts[who].tcp.input(self.now, &packet, &Cable, &mut out);
        self.act(who, out);
    }

    fn run(&mut self, secs: u64) {
        self.run_to(self.now + Span::from_secs(secs));
    }

    fn until(&mut self, ms: u64) {
        self.run_to(SimTime::ZERO + Span::from_millis(ms));
    }

    fn run_to(&mut self, end: SimTime) {
        while let Some((&key, _)) = self.queue.first_key_value() {
            if key.0 > end {
                break;
            }
            let (who, todo) = self.queue.remove(&key).expect("it was there");
            self.now = key.0;
            match todo {
                Todo::Frame(packet) => self.receive(who, packet),
                Todo::Tcp(sock) => {
                    let mut out = Vec::new();
                    self.hosts[who].tcp.timer(self.now, sock, &Cable, &mut out);
                    self.act(who, out);
                }
                Todo::Client(slot, generation) => {
                    self.with(who, |clients, _, _, cx| clients.timer(slot, generation, cx));
                }
                Todo::Share(place) => self.with(who, |_, servers, _, cx| servers.share_timer(SERVER, place, cx)),
                Todo::Server(job) => self.with(who, |_, servers, rng, cx| servers.timer(SERVER, job, rng, cx)),
            }
        }
        self.now = end;
    }

    fn serve(&mut self, proto: Proto, time: Span, workers: u32, backlog: u32) {
        let work = Work { time: Dist::Constant(time.0), per_byte: Span::ZERO };
        self.serve_as(Service { work, workers, backlog, ..Service::plain(proto, 80) });
    }

    fn serve_as(&mut self, service: Service) {
        self.with(1, |_, servers, _, cx| {
            servers.start(service, cx).expect("a free port");
        });
    }

    fn open(&mut self, proto: Proto, index: u64, spec: ConnSpec) {
        let local = (C, 32768 + index as u16);
        let how = Opening { workload: index as u32, index, key: index, proto, local, remote: (S, 80), route: ROUTE };
        self.with(0, |clients, _, _, cx| clients.open(&how, &Arc::new(spec), cx));
    }

    /// Nothing is left over: no sockets but listeners, no work.
    fn quiet(&self) -> bool {
        self.clients.is_empty()
            && self.servers.pending() == 0
            && self.hosts[0].tcp.is_empty()
            && self.hosts[1].tcp.is_empty()
    }
}

const ANY: u32 = u32::MAX;

#[test]
fn a_request_is_answered_by_a_server_with_a_name() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::ZERO, ANY, 128);
    lab.open(Proto::Tcp, 0, SPEC);
    lab.run(100);
    assert_eq!(lab.finished, [(0, 0, Outcome::Ok, "", true)]);
    assert_eq!(lab.frames, 10);
    assert!(lab.quiet());
}

#[test]
fn the_outcome_is_known_before_the_connection_is_held_and_closed() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::ZERO, ANY, 128);
    lab.open(Proto::Tcp, 0, ConnSpec { hold: Span::from_secs(5), ..SPEC });
    lab.run(4);
    assert_eq!(lab.finished, [(0, 0, Outcome::Ok, "", true)]);
    assert_eq!(lab.clients.len(), 1);
    lab.run(100);
    assert!(lab.quiet());
}

#[test]
fn a_closed_port_refuses_and_a_closed_udp_port_is_unreachable() {
    let mut lab = Lab::new();
    lab.open(Proto::Tcp, 0, SPEC);
    lab.open(Proto::Udp, 1, SPEC);
    lab.run(10);
    assert_eq!(
        lab.finished,
        [(0, 0, Outcome::Refused, "ECONNREFUSED", false), (0, 1, Outcome::Unreachable, "ECONNREFUSED", false),]
    );
    assert!(lab.quiet());
}

#[test]
fn a_slow_server_is_given_up_and_forgets_the_request() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_secs(2), ANY, 128);
    lab.open(Proto::Tcp, 0, ConnSpec { timeout: Span::from_secs(1), ..SPEC });
    lab.run(1);
    lab.run(1);
    assert_eq!(lab.finished, [(1000, 0, Outcome::Timeout, "", false)]);
    assert_eq!(lab.servers.pending(), 0);
    lab.run(100);
    assert!(lab.quiet());
}

#[test]
fn the_timeout_runs_anew_for_each_further_request() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_millis(700), ANY, 128);
    let spec = ConnSpec { timeout: Span::from_secs(1), requests: 4, think: Dist::Constant(2_000_000_000), ..SPEC };
    lab.open(Proto::Tcp, 0, spec);
    lab.run(20);
    assert_eq!(lab.finished, [(8801, 0, Outcome::Ok, "", true)]);
}

#[test]
fn one_worker_serves_one_after_the_other() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_millis(20), 1, 128);
    for index in 0..3 {
        lab.open(Proto::Tcp, index, SPEC);
    }
    lab.run(100);
    let ends: Vec<(u64, u64)> = lab.finished.iter().map(|f| (f.0, f.1)).collect();
    assert_eq!(ends, [(20, 0), (40, 1), (60, 2)]);
    assert!(lab.quiet());
}

#[test]
fn who_finds_the_backlog_full_tries_again_after_a_second() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_millis(100), 1, 0);
    for index in 0..4 {
        lab.open(Proto::Tcp, index, SPEC);
        lab.now += Span::from_millis(1);
        lab.run(0);
    }
    lab.run(100);
    let late = lab.finished.iter().filter(|f| f.0 >= 1_000).count();
    assert_eq!(lab.finished.len(), 4);
    assert_eq!(late, 2, "{:?}", lab.finished);
    assert!(lab.quiet());
}

#[test]
fn a_server_that_stops_refuses_the_next_and_serves_on_what_it_had() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_millis(50), ANY, 128);
    let spec = ConnSpec { requests: 2, think: Dist::Constant(1_000_000_000), ..SPEC };
    lab.open(Proto::Tcp, 0, spec);
    lab.run(0);
    lab.now = SimTime(10_000_000);
    lab.run(0);
    lab.with(1, |_, servers, _, cx| assert!(servers.stop(Proto::Tcp, 80, cx)));
    lab.open(Proto::Tcp, 1, SPEC);
    lab.run(100);
    let outcomes: Vec<(u64, Outcome)> = lab.finished.iter().map(|f| (f.1, f.2)).collect();
    assert_eq!(outcomes, [(1, Outcome::Refused), (0, Outcome::Ok)]);
}

#[test]
fn a_reset_ends_it_at_once_while_waiting_and_at_the_next_request_while_thinking() {
    for (think, hold, when) in [(Span::from_secs(2), Span::ZERO, 2_000), (Span::ZERO, Span::ZERO, 500)] {
        let mut lab = Lab::new();
        let service = if think == Span::ZERO { Span::from_secs(1) } else { Span::ZERO };
        lab.serve(Proto::Tcp, service, ANY, 128);
        lab.open(Proto::Tcp, 0, ConnSpec { requests: 2, think: Dist::Constant(think.0), hold, ..SPEC });
        lab.run(0);
        lab.now = SimTime(400_000);
        for _ in 0..4 {
            lab.run(0);
            lab.now += Span::from_micros(100);
        }
        lab.now = SimTime(500_000_000);
        let sock = SockId { slot: 0, generation: 0 };
        lab.with(1, |_, _, _, cx| cx.tcp.abort(cx.now, sock, cx.tcp_out));
        lab.run(5);
        assert_eq!(lab.finished.len(), 1);
        let (ms, _, outcome, errno, _) = lab.finished[0];
        assert_eq!((ms, outcome, errno), (when, Outcome::Reset, "ECONNRESET"));
    }
}

#[test]
fn a_datagram_is_answered_from_the_address_that_was_asked() {
    let mut lab = Lab::new();
    lab.serve(Proto::Udp, Span::from_millis(5), 2, 128);
    for index in 0..3 {
        lab.open(Proto::Udp, index, SPEC);
    }
    lab.run(10);
    let ends: Vec<(u64, Outcome, bool)> = lab.finished.iter().map(|f| (f.0, f.2, f.4)).collect();
    assert_eq!(ends, [(5, Outcome::Ok, true), (5, Outcome::Ok, true), (10, Outcome::Ok, true)]);
    assert!(lab.quiet());
}

#[test]
fn what_the_stack_refuses_is_finished_at_once() {
    let mut lab = Lab::new();
    lab.open(Proto::Tcp, 0, SPEC);
    lab.open(Proto::Tcp, 0, SPEC);
    assert_eq!(lab.finished, [(0, 0, Outcome::Unreachable, "EADDRNOTAVAIL", false)]);
    assert_eq!(lab.clients.len(), 1);
}

#[test]
fn a_sockets_user_says_whose_it_is() {
    for owner in [Owner::Client(0), Owner::Service(7), Owner::Job(0x3fff_ffff), Owner::Program(12), Owner::Sync(3)] {
        assert_eq!(Owner::of(owner.user()), owner);
    }
}

#[test]
fn events_of_a_connection_that_is_over_do_nothing() {
    let mut lab = Lab::new();
    let stale = SockId { slot: 3, generation: 9 };
    lab.with(0, |clients, _, _, cx| {
        clients.tcp_event(0, stale, SockEvent::Connected, cx);
        clients.timer(5, 0, cx);
    });
    lab.with(1, |_, servers, rng, cx| {
        servers.tcp_event(SERVER, Owner::Job(4), stale, SockEvent::PeerClosed, rng, cx);
        servers.timer(SERVER, 4, rng, cx);
    });
    assert!(lab.finished.is_empty() && lab.quiet());
}

fn sharing(work_ms: u64, workers: u32) -> Service {
    let work = Work { time: Dist::Constant(work_ms * 1_000_000), per_byte: Span::ZERO };
    Service { work, workers, discipline: Discipline::Ps, ..Service::plain(Proto::Tcp, 80) }
}

fn ends(lab: &Lab) -> Vec<(u64, u64)> {
    lab.finished.iter().map(|f| (f.0, f.1)).collect()
}

#[test]
fn requests_that_share_a_processor_end_together_and_one_that_goes_away_leaves_its_part() {
    let mut lab = Lab::new();
    lab.serve_as(sharing(20, 1));
    for index in 0..3 {
        lab.open(Proto::Tcp, index, SPEC);
    }
    lab.run(100);
    assert_eq!(ends(&lab), [(60, 0), (60, 1), (60, 2)]);
    // Of two one gives up after 1 s, when both have had 500 ms of work; the other has the rest for itself.
    let mut lab = Lab::new();
    lab.serve_as(sharing(900, 1));
    lab.open(Proto::Tcp, 0, SPEC);
    lab.open(Proto::Tcp, 1, ConnSpec { timeout: Span::from_secs(1), ..SPEC });
    lab.run(100);
    assert_eq!(ends(&lab), [(1_000, 1), (1_400, 0)]);
    assert!(lab.quiet());
}

#[test]
fn a_service_that_slows_down_takes_longer_with_what_it_has() {
    for discipline in [Discipline::Fcfs, Discipline::Ps] {
        let mut lab = Lab::new();
        lab.serve_as(Service { discipline, ..sharing(100, 1) });
        lab.open(Proto::Tcp, 0, SPEC);
        lab.until(50);
        let slower = |lab: &mut Lab, ppm| {
            lab.with(1, |_, servers, _, cx| assert!(servers.set_speed(Proto::Tcp, 80, ppm, cx)));
        };
        slower(&mut lab, 100_000);
        lab.until(150);
        slower(&mut lab, 0);
        lab.until(1_000);
        assert_eq!(lab.finished, []);
        slower(&mut lab, 4_000_000);
        lab.run(100);
        // 50 ms at speed 1, 100 ms at a tenth, and the other 40 ms of work at speed 4.
        assert_eq!(ends(&lab), [(1_010, 0)], "{discipline:?}");
        assert!(lab.quiet());
    }
}

#[test]
fn who_comes_beyond_max_connections_waits_until_one_is_over() {
    let mut lab = Lab::new();
    lab.serve_as(Service { max_connections: 1, backlog: 1, ..sharing(10, 1) });
    lab.open(Proto::Tcp, 0, ConnSpec { hold: Span::from_millis(200), ..SPEC });
    lab.until(1);
    lab.open(Proto::Tcp, 1, SPEC);
    lab.until(2);
    lab.open(Proto::Tcp, 2, ConnSpec { timeout: Span::from_millis(100), ..SPEC });
    lab.run(100);
    // The first is held until 210 ms; the third has given up by then.
    assert_eq!(ends(&lab), [(10, 0), (102, 2), (220, 1)]);
    assert!(lab.quiet());
}

#[test]
fn a_client_tells_when_it_is_connected_and_when_the_first_byte_comes() {
    let mut lab = Lab::new();
    lab.clients.tell_milestones();
    lab.serve(Proto::Tcp, Span::from_millis(5), ANY, 128);
    lab.open(Proto::Tcp, 0, ConnSpec { response: Dist::Constant(100_000), ..SPEC });
    lab.run(100);
    assert_eq!(lab.reached[0], (200, 0, Milestone::Connected));
    assert_eq!(lab.reached[1], (5_400, 0, Milestone::FirstByte));
    assert!(lab.finished[0].0 >= 5);
}

#[test]
fn sizes_of_a_connection_are_its_own_whatever_came_before() {
    let spec = ConnSpec { response: Dist::Exponential(10_000), draws: Seed(5).draws("web"), ..SPEC };
    let first: Vec<u32> = (0..50).map(|key| spec.drawn(key, 0).response).collect();
    assert_eq!(spec.drawn(7, 0).response, first[7]);
    assert_ne!(spec.drawn(7, 1).response, first[7]);
    assert!(first.iter().any(|&n| n != first[0]));
}

#[test]
fn what_was_served_is_counted_from_a_moment_on() {
    let mut lab = Lab::new();
    lab.serve(Proto::Tcp, Span::from_millis(20), 1, 128);
    lab.servers.count_from(SimTime(30_000_000));
    for index in 0..3 {
        lab.open(Proto::Tcp, index, SPEC);
    }
    lab.run(100);
    let served = lab.servers.served(lab.now);
    assert_eq!((served.requests, served.bytes, served.busy_ns / 1_000_000), (2, 200, 30));
}
