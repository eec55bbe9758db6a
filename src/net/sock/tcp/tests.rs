//! Two stacks at the ends of a cable that may lose frames; what the client's end sees is compared with what Linux showed.
//!
//! `>` is sent by the client, `<` received: flags, sequence number, `:` length, `a` acknowledgement, `m` MSS, all counted
//! from each side's SYN. A `!` was lost on the way.

use super::*;
use crate::base::{NodeId, Rng, Span};
use crate::wire::{Icmp, PacketId, Said};
use std::collections::BTreeMap;

const C: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const S: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

#[derive(Clone, Copy)]
struct Lan {
    mtu: u32,
    queued: bool,
}

impl TcpHost for Lan {
    fn route(&self, _: Ipv4Addr, _: Ipv4Addr) -> Option<Route> {
        Some(Route { advmss: (self.mtu - 40) as u16, mtu: self.mtu })
    }
    fn host_queued(&self, _: (Ipv4Addr, u16), _: (Ipv4Addr, u16), _: u32) -> bool {
        self.queued
    }
}

#[derive(Clone)]
enum Todo {
    Frame(usize, IpPacket),
    Timer(usize, SockId),
    Close(usize, SockId),
    Ask(SockId),
    Answer(SockId, u32),
}

/// What the client does.
#[derive(Clone, Copy)]
struct Plan {
    request: u32,
    response: u32,
    requests: u32,
    think: Span,
    hold: Span,
    timeout: Option<Span>,
    service: Span,
    server_closes: bool,
}

const PLAIN: Plan = Plan {
    request: 100,
    response: 100,
    requests: 1,
    think: Span::ZERO,
    hold: Span::ZERO,
    timeout: None,
    service: Span::ZERO,
    server_closes: false,
};

/// Both ends: 0 is the client.
struct Pair {
    stacks: [TcpStack; 2],
    now: SimTime,
    queue: BTreeMap<(SimTime, u64), Todo>,
    pushed: u64,
    latency: Span,
    plan: Plan,
    asked: u32,
    lan: Lan,
    /// Frames to lose, by number; `u32::MAX` in `from` loses all after.
    lose: Vec<u32>,
    lose_from: u32,
    frames: u32,
    client: Option<SockId>,
    trace: Vec<(SimTime, String)>,
    heard: Vec<(usize, SockEvent)>,
    iss: [u32; 2],
}

impl Pair {
    fn new(plan: Plan) -> Pair {
        Pair {
            stacks: [TcpStack::new(1), TcpStack::new(2)],
            now: SimTime(1_000_000_000),
            queue: BTreeMap::new(),
            pushed: 0,
            latency: Span::from_micros(100),
            plan,
            asked: 0,
            lan: Lan { mtu: 1500, queued: false },
            lose: Vec::new(),
            lose_from: u32::MAX,
            frames: 0,
            client: None,
            trace: Vec::new(),
            heard: Vec::new(),
            iss: [0; 2],
        }
    }

    fn listen(&mut self) -> ListenerId {
        let opts = ListenOpts { addr: None, backlog: 128 };
        self.stacks[1].listen(80, opts, 0).expect("a free port")
    }

    fn connect(&mut self) {
        let mut out = Vec::new();
        let route = self.lan.route(C, S).expect("a cable");
        let id = self.stacks[0].connect(self.now, (C, 32768), (S, 80), route, 9, &mut out).expect("a free port");
        self.client = Some(id);
        if let Some(timeout) = self.plan.timeout {
            self.at(self.now + timeout, Todo::Close(0, id));
        }
        self.act(0, out);
    }

    fn at(&mut self, when: SimTime, todo: Todo) {
        self.pushed += 1;
        self.queue.insert((when, self.pushed), todo);
    }

    fn note(&mut self, dir: char, seg: &TcpSegment, lost: bool) {
        let side = usize::from(dir == '<');
        if seg.flags.has(TcpFlags::SYN) {
            self.iss[side] = seg.seq;
        }
        let mut line = String::from(dir);
        for (bit, name) in [
            (TcpFlags::SYN, 'S'),
            (TcpFlags::FIN, 'F'),
            (TcpFlags::RST, 'R'),
            (TcpFlags::PSH, 'P'),
            (TcpFlags::ACK, 'A'),
        ] {
            if seg.flags.has(bit) {
                line.push(name);
            }
        }
        let seq = if seg.seq == 0 { 0 } else { seg.seq.wrapping_sub(self.iss[side]) };
        line += &format!("{seq}:{}", seg.len);
        if seg.flags.has(TcpFlags::ACK) {
            line += &format!("a{}", seg.ack.wrapping_sub(self.iss[1 - side]));
        }
        if seg.mss > 0 {
            line += &format!("m{}", seg.mss);
        }
        if lost {
            line.push('!');
        }
        self.trace.push((self.now, line));
    }

    fn act(&mut self, who: usize, out: Vec<TcpOut>) {
        let mut out = std::collections::VecDeque::from(out);
        while let Some(what) = out.pop_front() {
            match what {
                TcpOut::Segment { saddr, daddr, segment, .. } => {
                    let n = self.frames;
                    self.frames += 1;
                    let lost = self.lose.contains(&n) || n >= self.lose_from;
                    if who == 0 || lost {
                        self.note(if who == 0 { '>' } else { '<' }, &segment, lost);
                    }
                    if !lost {
                        let packet = IpPacket {
                            saddr,
                            daddr,
                            id: PacketId(n),
                            frag: IpPacket::DF,
                            ttl: 64,
                            tos: 0,
                            l4: L4::Tcp(segment),
                        };
                        // A cable takes a while for each frame, so they stay in order.
                        let when = self.now + self.latency;
                        self.at(when, Todo::Frame(1 - who, packet));
                    }
                }
                TcpOut::Arm { sock, at } => self.at(at, Todo::Timer(who, sock)),
                TcpOut::Event { sock, what, .. } => {
                    self.heard.push((who, what));
                    let mut more = Vec::new();
                    self.app(who, sock, what, &mut more);
                    for m in more.into_iter().rev() {
                        out.push_front(m);
                    }
                }
            }
        }
    }

    /// Sends and arms as told, but no application hears.
    fn deaf(&mut self, who: usize, out: Vec<TcpOut>) {
        let mute = out.into_iter().filter(|o| !matches!(o, TcpOut::Event { .. }));
        self.act(who, mute.collect());
    }

    fn app(&mut self, who: usize, sock: SockId, what: SockEvent, out: &mut Vec<TcpOut>) {
        let now = self.now;
        let plan = self.plan;
        match (who, what) {
            (0, SockEvent::Connected) => self.ask(sock, out),
            (0, SockEvent::Message { .. }) if self.asked < plan.requests => {
                if plan.think == Span::ZERO {
                    self.ask(sock, out);
                } else {
                    self.at(now + plan.think, Todo::Ask(sock));
                }
            }
            (0, SockEvent::Message { .. }) if !plan.server_closes => {
                if plan.hold == Span::ZERO {
                    self.stacks[0].close(now, sock, out);
                } else {
                    self.at(now + plan.hold, Todo::Close(0, sock));
                }
            }
            (1, SockEvent::Accepted { .. }) => self.stacks[1].accept(sock),
            (1, SockEvent::Message { body, .. }) => {
                let Said::Ask(n) = body.said() else { panic!("the server was told {body:?}") };
                if plan.service == Span::ZERO {
                    self.answer(sock, n, out);
                } else {
                    self.at(now + plan.service, Todo::Answer(sock, n));
                }
            }
            (_, SockEvent::PeerClosed) => self.stacks[who].close(now, sock, out),
            _ => {}
        }
    }

    fn ask(&mut self, sock: SockId, out: &mut Vec<TcpOut>) {
        self.asked += 1;
        let body = Body::ask(self.plan.response);
        let _gone = self.stacks[0].send(self.now, sock, self.plan.request, body, out);
    }

    fn answer(&mut self, sock: SockId, n: u32, out: &mut Vec<TcpOut>) {
        let body = Body::answer(NodeId(5));
        if self.stacks[1].send(self.now, sock, n, body, out).is_ok() && self.plan.server_closes {
            self.stacks[1].close(self.now, sock, out);
        }
    }

    fn run_until(&mut self, end: SimTime) {
        while let Some((&(when, n), _)) = self.queue.first_key_value() {
            if when > end {
                break;
            }
            let todo = self.queue.remove(&(when, n)).expect("it was there");
            self.now = when;
            let mut out = Vec::new();
            let lan = self.lan;
            let who = match todo {
                Todo::Frame(who, packet) => {
                    if who == 0
                        && let L4::Tcp(seg) = &packet.l4
                    {
                        self.note('<', seg, false);
                    }
                    let _ = self.stacks[who].input(when, &packet, &lan, &mut out);
                    who
                }
                Todo::Timer(who, sock) => {
                    self.stacks[who].timer(when, sock, &lan, &mut out);
                    who
                }
                Todo::Close(who, sock) => {
                    self.stacks[who].close(when, sock, &mut out);
                    who
                }
                Todo::Ask(sock) => {
                    self.ask(sock, &mut out);
                    0
                }
                Todo::Answer(sock, n) => {
                    self.answer(sock, n, &mut out);
                    1
                }
            };
            self.act(who, out);
        }
        self.now = end;
    }

    fn run(&mut self, secs: u64) {
        self.run_until(self.now + Span::from_secs(secs));
    }

    fn lines(&self) -> String {
        let lines: Vec<&str> = self.trace.iter().map(|(_, l)| l.as_str()).collect();
        lines.join(" ")
    }

    /// Lines with milliseconds since the beginning, rounded down.
    fn timed(&self) -> String {
        let lines = self.trace.iter();
        let at = |t: &SimTime| (t.0 - 1_000_000_000) / 1_000_000;
        lines.map(|(t, l)| format!("{}{l}", at(t))).collect::<Vec<_>>().join(" ")
    }
}

/// The client's frames of a conversation that goes as planned.
fn conversation(plan: Plan) -> String {
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run(30);
    pair.lines()
}

#[test]
fn a_short_connection_is_ten_segments() {
    assert_eq!(
        conversation(PLAIN),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >PA1:100a1 <A1:0a101 <PA1:100a101 >A101:0a101 >FA101:0a101 <FA101:0a102 >A102:0a102"
    );
}

#[test]
fn eight_kilobytes_come_in_halves_of_the_window_each_with_psh() {
    let plan = Plan { response: 8_000, ..PLAIN };
    assert_eq!(
        conversation(plan),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >PA1:100a1 <A1:0a101 <A1:1448a101 >A101:0a1449 <A1449:1448a101 >A101:0a2897 <A2897:1448a101 >A101:0a4345 <A4345:1448a101 >A101:0a5793 <PA5793:1448a101 >A101:0a7241 <PA7241:760a101 >A101:0a8001 >FA101:0a8001 <FA8001:0a102 >A102:0a8002"
    );
}

#[test]
fn a_long_request_is_acknowledged_segment_by_segment() {
    let plan = Plan { request: 4_000, response: 200, ..PLAIN };
    assert_eq!(
        conversation(plan),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >A1:1448a1 >A1449:1448a1 >PA2897:1104a1 <A1:0a1449 <A1:0a2897 <A1:0a4001 <PA1:200a4001 >A4001:0a201 >FA4001:0a201 <FA201:0a4002 >A4002:0a202"
    );
}

#[test]
fn the_servers_acknowledgement_rides_on_its_second_answer() {
    let plan = Plan { requests: 3, think: Span::from_millis(700), ..PLAIN };
    assert_eq!(
        conversation(plan),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >PA1:100a1 <A1:0a101 <PA1:100a101 >A101:0a101 >PA101:100a101 <PA101:100a201 >A201:0a201 >PA201:100a201 <PA201:100a301 >A301:0a301 >FA301:0a301 <FA301:0a302 >A302:0a302"
    );
}

#[test]
fn a_client_that_asks_again_at_once_delays_its_acknowledgements() {
    let plan = Plan { requests: 2, hold: Span::from_millis(500), ..PLAIN };
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run(30);
    assert_eq!(
        pair.timed(),
        "0>S0:0m1460 0<SA0:0a1m1460 0>A1:0a1 0>PA1:100a1 0<A1:0a101 0<PA1:100a101 0>A101:0a101 0>PA101:100a101 0<PA101:100a201 40>A201:0a201 500>FA201:0a201 500<FA201:0a202 500>A202:0a202"
    );
}

#[test]
fn a_server_that_closes_first_waits_in_time_wait() {
    let plan = Plan { server_closes: true, ..PLAIN };
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run(1);
    assert_eq!(
        pair.lines(),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >PA1:100a1 <A1:0a101 <PA1:100a101 >A101:0a101 <FA101:0a101 >FA101:0a102 <A102:0a102"
    );
    assert_eq!(pair.stacks[0].len(), 0);
    assert_eq!(pair.stacks[1].sockets()[1].state, "TIME_WAIT");
    pair.run(60);
    assert_eq!(pair.stacks[1].len(), 0);
}

/// What a stack has counted: names without `TcpExt`, in the table's order.
fn counted(stack: &TcpStack) -> String {
    let rows = crate::trace::snmp::TABLE.iter().map(|r| (r.name(), stack.snmp.get(r.mib)));
    rows.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_short_connection_is_counted_at_both_ends() {
    let mut pair = Pair::new(PLAIN);
    pair.listen();
    pair.connect();
    pair.run(30);
    assert_eq!(
        counted(&pair.stacks[0]),
        "ActiveOpens 1, InSegs 4, OutSegs 6, TW 1, TCPPureAcks 1, TCPOrigDataSent 2, TCPDelivered 3"
    );
    assert_eq!(
        counted(&pair.stacks[1]),
        "PassiveOpens 1, InSegs 6, OutSegs 4, TCPPureAcks 2, TCPHPAcks 1, TCPOrigDataSent 2, TCPDelivered 2"
    );
}

#[test]
fn what_is_sent_again_is_counted_apart_from_what_is_sent() {
    let mut pair = Pair::new(PLAIN);
    pair.lose_from = 0;
    pair.connect();
    pair.run(200);
    assert_eq!(
        counted(&pair.stacks[0]),
        "ActiveOpens 1, AttemptFails 1, OutSegs 1, RetransSegs 6, TCPTimeouts 7, TCPAbortOnTimeout 1, TCPSynRetrans 6, \
         TcpTimeoutRehash 6"
    );
    // A SYN+ACK is made anew each time.
    let mut pair = Pair::new(PLAIN);
    pair.listen();
    pair.lose = vec![1];
    pair.connect();
    pair.run(30);
    let numbers = [Mib::TcpOutSegs, Mib::TcpRetransSegs, Mib::TcpExtTCPSynRetrans].map(|m| pair.stacks[1].snmp.get(m));
    // Its timer repeats it, and then the client's SYN comes again.
    assert_eq!(numbers, [4 + 2, 2, 2], "{}", pair.timed());
}

#[test]
fn everything_that_is_sent_is_delivered_once_whatever_is_lost() {
    for lost in 3..40 {
        let mut pair = Pair::new(Plan { request: 9_000, response: 30_000, requests: 2, ..PLAIN });
        pair.listen();
        pair.lose = vec![lost, lost + 2];
        pair.connect();
        pair.run(60);
        // The SYN is delivered as well, though it is no data.
        for (who, syn) in [(0, 1), (1, 0)] {
            let snmp = &pair.stacks[who].snmp;
            let (sent, delivered) = (snmp.get(Mib::TcpExtTCPOrigDataSent), snmp.get(Mib::TcpExtTCPDelivered));
            assert!(delivered == sent + syn, "end {who}, {lost} lost: {}", counted(&pair.stacks[who]));
        }
    }
}

#[test]
fn a_closed_port_refuses() {
    let mut pair = Pair::new(PLAIN);
    pair.connect();
    pair.run(1);
    assert_eq!(pair.lines(), ">S0:0m1460 <RA0:0a1");
    assert_eq!(pair.heard, [(0, SockEvent::Refused)]);
    assert_eq!(pair.stacks[0].len(), 0);
}

#[test]
fn a_syn_without_an_answer_is_repeated_six_times() {
    let mut pair = Pair::new(PLAIN);
    pair.lose_from = 0;
    pair.connect();
    pair.run(200);
    assert_eq!(
        pair.timed(),
        "0>S0:0m1460! 1000>S0:0m1460! 3000>S0:0m1460! 7000>S0:0m1460! 15000>S0:0m1460! 31000>S0:0m1460! 63000>S0:0m1460!"
    );
    assert_eq!(pair.heard, [(0, SockEvent::TimedOut(Errno::TimedOut))]);
}

#[test]
fn a_client_that_gives_up_resets_what_comes_late() {
    let plan = Plan { timeout: Some(Span::from_secs(1)), service: Span::from_secs(2), ..PLAIN };
    assert_eq!(
        conversation(plan),
        ">S0:0m1460 <SA0:0a1m1460 >A1:0a1 >PA1:100a1 <A1:0a101 >FA101:0a1 <FA1:0a102 >A102:0a2"
    );
}

#[test]
fn lost_data_is_probed_then_repeated_and_the_fin_joins_it() {
    let plan = Plan { requests: 2, think: Span::from_secs(2), ..PLAIN };
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run(1);
    pair.trace.clear();
    pair.lose_from = pair.frames;
    let id = pair.client.expect("a connection");
    pair.at(SimTime(5_002_000_000), Todo::Close(0, id));
    pair.run(6);
    assert_eq!(
        pair.timed(),
        "2000>PA101:100a101! 2204>PA101:100a101! 2408>PA101:100a101! 2816>PA101:100a101! 3632>PA101:100a101! 4002>FA201:0a101! 5264>FPA101:100a101!"
    );
}

#[test]
fn whatever_one_segment_is_lost_the_conversation_comes_to_its_end() {
    for (request, response) in [(100, 100), (4_000, 200), (100, 30_000)] {
        let plan = Plan { request, response, ..PLAIN };
        let mut pair = Pair::new(plan);
        pair.listen();
        pair.connect();
        pair.run(30);
        for n in 0..pair.frames {
            let mut lossy = Pair::new(plan);
            lossy.listen();
            lossy.lose = vec![n];
            lossy.connect();
            lossy.run(120);
            let whole = SockEvent::Message { len: response, body: Body::answer(NodeId(5)) };
            let answers = lossy.heard.iter().filter(|h| **h == (0, whole)).count();
            assert_eq!(answers, 1, "frame {n} of {request}/{response}: {}", lossy.lines());
            assert_eq!(
                (lossy.stacks[0].len(), lossy.stacks[1].len()),
                (0, 0),
                "frame {n} of {request}/{response}: {}",
                lossy.timed()
            );
        }
    }
}

#[test]
fn a_hole_is_mended_after_three_duplicates_without_a_timeout() {
    let mut pair = Pair::new(Plan { response: 14_000, ..PLAIN });
    pair.listen();
    pair.lose = vec![6];
    pair.connect();
    pair.run_until(SimTime(1_050_000_000));
    let lines = pair.lines();
    assert!(lines.contains("<A1449:1448a101!"), "{lines}");
    assert_eq!(lines.matches("<A1449:1448a101").count(), 2, "{lines}");
    assert!(lines.contains(">FA101:0a14001"), "{lines}");
}

#[test]
fn half_a_megabyte_arrives_whole_over_a_long_lossy_path() {
    let mut pair = Pair::new(Plan { response: 500_000, ..PLAIN });
    pair.listen();
    pair.latency = Span::from_millis(20);
    pair.lose = (0..2_000).filter(|n| n % 37 == 11).collect();
    pair.connect();
    pair.run(300);
    let whole = SockEvent::Message { len: 500_000, body: Body::answer(NodeId(5)) };
    assert!(pair.heard.contains(&(0, whole)), "{}", pair.timed());
    assert_eq!(pair.stacks[0].len() + pair.stacks[1].len(), 0);
}

#[test]
fn a_smaller_mtu_sends_again_at_once_with_shorter_segments() {
    let mut pair = Pair::new(Plan { request: 4_000, ..PLAIN });
    pair.listen();
    // Lost at a narrow place, which says so.
    pair.lose = vec![3, 4, 5];
    pair.connect();
    pair.run_until(SimTime(1_000_300_000));
    let too_long = TcpSegment { seq: pair.iss[0].wrapping_add(1), ..pair.stacks[0].socks[0].segment_for_tests() };
    let packet =
        IpPacket { saddr: C, daddr: S, id: PacketId(0), frag: IpPacket::DF, ttl: 63, tos: 0, l4: L4::Tcp(too_long) };
    let icmp = Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu: 1480, quote: Box::new(packet) };
    let mut out = Vec::new();
    let lan = pair.lan;
    for _ in 0..2 {
        let told = pair.stacks[0].icmp_error(pair.now, &icmp, 1480, &lan, &mut out);
        assert_eq!(told, Ok(()));
    }
    pair.act(0, out);
    pair.run(1);
    assert!(
        pair.lines().contains(
            ">PA2897:1104a1! >A1:1428a1 >A1429:1428a1 >PA2857:1144a1 <A1:0a1429 <A1:0a2857 <A1:0a4001 <PA1:100a4001 >A4001:0a101 >FA4001:0a101"
        ),
        "{}",
        pair.lines()
    );
}

fn unreachable(pair: &Pair, code: u8) -> Icmp {
    unreachable_of(pair, 0, code)
}

/// About the first segment of an end.
fn unreachable_of(pair: &Pair, who: usize, code: u8) -> Icmp {
    let mut segment = pair.stacks[who].socks[0].segment_for_tests();
    segment.seq = pair.iss[who];
    Icmp::Unreachable {
        code,
        mtu: 0,
        quote: Box::new(IpPacket {
            saddr: [C, S][who],
            daddr: [S, C][who],
            id: PacketId(0),
            frag: IpPacket::DF,
            ttl: 63,
            tos: 0,
            l4: L4::Tcp(segment),
        }),
    }
}

#[test]
fn while_arp_asks_no_syn_is_repeated_and_its_failure_repeats_it_at_once() {
    let mut pair = Pair::new(PLAIN);
    pair.lan.queued = true;
    pair.lose_from = 0;
    pair.connect();
    // Timers at 1 s and 3 s send nothing; ARP fails at 3.06 s.
    pair.run_until(SimTime(4_060_000_000));
    assert_eq!(pair.lines(), ">S0:0m1460!");
    pair.lan.queued = false;
    let icmp = unreachable(&pair, Icmp::HOST);
    let mut out = Vec::new();
    let lan = pair.lan;
    let told = pair.stacks[0].icmp_error(pair.now, &icmp, 0, &lan, &mut out);
    assert_eq!(told, Ok(()));
    pair.act(0, out);
    assert_eq!(pair.lines(), ">S0:0m1460! >S0:0m1460!");
    assert_eq!(pair.heard, [(0, SockEvent::Unreachable(Errno::HostUnreach))]);
}

#[test]
fn errors_from_the_network_end_connect_and_are_soft_afterwards() {
    for (code, errno) in
        [(Icmp::PORT, Errno::ConnRefused), (Icmp::NET, Errno::NetUnreach), (Icmp::FILTERED, Errno::HostUnreach)]
    {
        let mut pair = Pair::new(PLAIN);
        pair.lose_from = 0;
        pair.connect();
        let icmp = unreachable(&pair, code);
        let (lan, now) = (pair.lan, pair.now);
        let told = pair.stacks[0].icmp_error(now, &icmp, 0, &lan, &mut Vec::new());
        assert_eq!(told, Ok(()));
        assert_eq!(pair.stacks[0].len(), 0, "{errno} ends it");
    }
    let mut pair = Pair::new(Plan { requests: 2, think: Span::from_secs(1), ..PLAIN });
    pair.listen();
    pair.connect();
    pair.run_until(SimTime(2_000_250_000));
    let mut icmp = unreachable(&pair, Icmp::PORT);
    if let Some(L4::Tcp(seg)) = icmp.quote_mut().map(|q| &mut q.l4) {
        seg.seq = seg.seq.wrapping_add(101);
    }
    let (lan, now) = (pair.lan, pair.now);
    let told = pair.stacks[0].icmp_error(now, &icmp, 0, &lan, &mut Vec::new());
    assert_eq!(told, Ok(()));
    pair.run(5);
    assert!(pair.lines().ends_with(">A202:0a202"), "{}", pair.lines());
}

#[test]
fn a_request_whose_client_cannot_be_reached_goes_and_sends_nothing() {
    for (code, left) in [(Icmp::HOST, 0), (Icmp::NET, 0), (Icmp::PORT, 1)] {
        let mut pair = Pair::new(PLAIN);
        pair.listen();
        pair.lose_from = 1;
        pair.connect();
        // The SYN+ACK was repeated, and its timer is backed off.
        pair.run_until(SimTime(2_600_000_000));
        let icmp = unreachable_of(&pair, 1, code);
        let (lan, now) = (pair.lan, pair.now);
        let mut out = Vec::new();
        let told = pair.stacks[1].icmp_error(now, &icmp, 0, &lan, &mut out);
        assert_eq!((told, out, pair.stacks[1].len()), (Ok(()), vec![], left));
    }
}

#[test]
fn a_syn_ack_is_repeated_though_an_older_one_waits_for_arp() {
    let mut pair = Pair::new(PLAIN);
    pair.lan.queued = true;
    pair.listen();
    pair.lose_from = 1;
    pair.connect();
    pair.run_until(SimTime(2_600_000_000));
    assert_eq!(pair.stacks[1].snmp.get(Mib::TcpRetransSegs), 1, "{}", pair.timed());
    assert_eq!(pair.stacks[0].snmp.get(Mib::TcpRetransSegs), 0, "{}", pair.timed());
}

#[test]
fn a_reset_in_the_middle_is_heard_by_the_other_side() {
    let plan = Plan { hold: Span::from_secs(5), ..PLAIN };
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run(1);
    let id = pair.client.expect("a connection");
    let mut out = Vec::new();
    pair.stacks[0].abort(pair.now, id, &mut out);
    pair.act(0, out);
    pair.run(1);
    assert!(pair.lines().ends_with(">RA101:0a101"), "{}", pair.lines());
    assert_eq!(pair.heard.last(), Some(&(1, SockEvent::Reset)));
    assert_eq!(pair.stacks[1].len(), 0);
}

#[test]
fn a_server_that_forgot_the_connection_resets_it() {
    let plan = Plan { requests: 2, think: Span::from_secs(1), ..PLAIN };
    let mut pair = Pair::new(plan);
    pair.listen();
    pair.connect();
    pair.run_until(SimTime(1_500_000_000));
    pair.stacks[1] = TcpStack::new(3);
    pair.run(5);
    assert!(pair.lines().ends_with(">PA101:100a101 <R101:0"), "{}", pair.lines());
    assert_eq!(pair.heard.last(), Some(&(0, SockEvent::Reset)));
}

#[test]
fn a_stopped_listener_refuses_and_what_was_accepted_stays() {
    let plan = Plan { requests: 2, think: Span::from_secs(2), ..PLAIN };
    let mut pair = Pair::new(plan);
    let listener = pair.listen();
    pair.connect();
    pair.run(1);
    let mut out = Vec::new();
    pair.stacks[1].unlisten(pair.now, listener, &mut out);
    assert_eq!(out, []);
    let (lan, now) = (pair.lan, pair.now);
    let route = lan.route(C, S).expect("a cable");
    let mut out = Vec::new();
    let second = pair.stacks[0].connect(now, (C, 40000), (S, 80), route, 0, &mut out);
    second.expect("a free port");
    pair.act(0, out);
    pair.run(10);
    assert!(pair.heard.contains(&(0, SockEvent::Refused)));
    let answers = pair.heard.iter();
    let answers = answers.filter(|h| matches!(h, (0, SockEvent::Message { .. })));
    assert_eq!(answers.count(), 2);
}

#[test]
fn a_new_syn_ends_time_wait_a_connect_from_there_does_not() {
    let mut pair = Pair::new(Plan { server_closes: true, ..PLAIN });
    pair.listen();
    pair.connect();
    pair.run(1);
    assert_eq!(pair.stacks[1].sockets()[1].state, "TIME_WAIT");
    pair.trace.clear();
    pair.asked = 0;
    pair.connect();
    pair.run(1);
    assert!(pair.lines().starts_with(">S0:0m1460 <SA0:0a1m1460 >A1:0a1"), "{}", pair.lines());
    let mut out = Vec::new();
    let lan = pair.lan;
    let route = lan.route(S, C).expect("a cable");
    let again = pair.stacks[1].connect(pair.now, (S, 80), (C, 32768), route, 0, &mut out);
    assert_eq!(again, Err(Errno::AddrNotAvail));
}

#[test]
fn both_sides_may_close_at_once() {
    let mut pair = Pair::new(Plan { hold: Span::from_secs(5), ..PLAIN });
    pair.listen();
    pair.connect();
    pair.run(1);
    let ids = [pair.stacks[0].socks[0].id(0), pair.stacks[1].socks[0].id(0)];
    for who in [0, 1] {
        let mut out = Vec::new();
        pair.stacks[who].close(pair.now, ids[who], &mut out);
        pair.act(who, out);
    }
    pair.trace.clear();
    pair.run(1);
    assert_eq!(pair.lines(), "<FA101:0a101 >A102:0a102 <A102:0a102");
    assert_eq!(pair.stacks[0].sockets()[0].state, "TIME_WAIT");
    assert_eq!(pair.stacks[1].sockets()[1].state, "TIME_WAIT");
    pair.run(61);
    assert_eq!(pair.stacks[0].len() + pair.stacks[1].len(), 0);
}

#[test]
fn a_full_backlog_drops_the_syn() {
    let mut pair = Pair::new(PLAIN);
    let opts = ListenOpts { addr: None, backlog: 0 };
    pair.stacks[1].listen(80, opts, 0).expect("a free port");
    let lan = pair.lan;
    let route = lan.route(C, S).expect("a cable");
    let mut accepted = 0;
    for port in [1000, 1001, 1002] {
        let mut wire = Vec::new();
        let id = pair.stacks[0].connect(pair.now, (C, port), (S, 80), route, 0, &mut wire);
        id.expect("a free port");
        // Back and forth by hand: this server never accepts.
        for who in [1, 0, 1] {
            let mut next = Vec::new();
            for sent in wire {
                if let TcpOut::Segment { saddr, daddr, segment, .. } = sent {
                    let packet =
                        IpPacket { saddr, daddr, id: PacketId(0), frag: 0, ttl: 64, tos: 0, l4: L4::Tcp(segment) };
                    match pair.stacks[who].input(pair.now, &packet, &lan, &mut next) {
                        Ok(()) | Err(DropReason::TcpBacklogFull { limit: 0 }) => {}
                        other => panic!("{other:?}"),
                    }
                }
            }
            accepted +=
                next.iter().filter(|o| matches!(o, TcpOut::Event { what: SockEvent::Accepted { .. }, .. })).count();
            wire = next;
        }
    }
    assert_eq!(accepted, 1);
}

#[test]
fn resets_follow_the_rules_of_rfc_9293() {
    let segment = |flags, seq, ack, len| TcpSegment { seq, ack, len, flags, ..Sock::default().segment_for_tests() };
    let syn = reset_for(&segment(TcpFlags::SYN, 7, 0, 0)).expect("an answer");
    assert_eq!((syn.seq, syn.ack, syn.flags), (0, 8, TcpFlags::RST | TcpFlags::ACK));
    let data = reset_for(&segment(TcpFlags::ACK, 7, 99, 10)).expect("an answer");
    assert_eq!((data.seq, data.ack, data.flags), (99, 0, TcpFlags::RST));
    assert_eq!(reset_for(&segment(TcpFlags::RST, 7, 99, 0)), None);
}

#[test]
fn conversations_end_well_whatever_a_tenth_of_the_frames_that_is_lost() {
    for seed in 0..200u64 {
        let plan =
            Plan { request: 5_000, response: 20_000, requests: 3, think: Span::from_millis(seed % 7 * 10), ..PLAIN };
        let mut pair = Pair::new(plan);
        let mut rng = crate::base::Seed(seed).stream("loss");
        pair.latency = Span::from_micros(50 + seed * 100);
        pair.lose = (0..1_000).filter(|_| rng.chance_ppm(100_000)).collect();
        pair.listen();
        pair.connect();
        pair.run(600);
        let answers = pair.heard.iter();
        let answers = answers.filter(|h| matches!(h, (0, SockEvent::Message { len: 20_000, .. })));
        assert_eq!(answers.count(), 3, "seed {seed}: {}", pair.timed());
        assert!(pair.frames < 600, "seed {seed}: {} frames", pair.frames);
        assert_eq!(pair.stacks[0].len() + pair.stacks[1].len(), 0, "seed {seed}: {}", pair.timed());
    }
}

#[test]
fn no_segment_that_can_be_made_up_upsets_a_stack() {
    let mut rng = crate::base::Seed(1).stream("nonsense");
    for round in 0..300 {
        let plan = Plan { response: 30_000, requests: 2, think: Span::from_millis(50), ..PLAIN };
        let mut pair = Pair::new(plan);
        pair.listen();
        pair.connect();
        pair.run_until(SimTime(1_000_000_000 + rng.below(120_000_000)));
        for _ in 0..40 {
            let who = rng.below(2) as usize;
            let (from, to) = if who == 0 { (S, C) } else { (C, S) };
            let ports = if who == 0 { (80, 32768) } else { (32768, 80) };
            let near = |rng: &mut Rng, base: u32| match rng.below(4) {
                0 => rng.next_u64() as u32,
                _ => base.wrapping_add(rng.below(4_000) as u32).wrapping_sub(2_000),
            };
            let sock = pair.stacks[who].socks.get(0);
            let (nxt, una) = sock.map_or((0, 0), |s| (s.rcv_nxt, s.snd_una));
            let segment = TcpSegment {
                seq: near(&mut rng, nxt),
                ack: near(&mut rng, una),
                body: Body::ask(10),
                sport: ports.0,
                dport: ports.1,
                len: rng.below(1_500) as u16,
                mss: rng.below(70_000) as u16,
                window: rng.below(65_536) as u16,
                flags: TcpFlags(rng.below(32) as u8),
                end: rng.below(2) == 0,
                timestamps: rng.below(2) == 0,
            };
            let packet =
                IpPacket { saddr: from, daddr: to, id: PacketId(0), frag: 0, ttl: 64, tos: 0, l4: L4::Tcp(segment) };
            let mut out = Vec::new();
            let lan = pair.lan;
            let _ = pair.stacks[who].input(pair.now, &packet, &lan, &mut out);
            if rng.below(8) == 0 {
                let icmp = Icmp::Unreachable {
                    code: rng.below(16) as u8,
                    mtu: 0,
                    quote: Box::new(IpPacket { saddr: to, daddr: from, ..packet }),
                };
                let mtu = rng.below(2_000) as u32;
                let _ = pair.stacks[who].icmp_error(pair.now, &icmp, mtu, &lan, &mut out);
            }
            pair.deaf(who, out);
            pair.run_until(pair.now + Span(rng.below(30_000_000)));
            assert!(pair.frames < 100_000, "round {round}: a storm");
        }
    }
}
