//! A director without a host: packets in, verdicts out, time by hand.

use super::conn::flag;
use super::*;
use crate::base::rng::Seed;
use crate::base::{SimTime, Span};
use crate::sysctl::Sysctls;
use crate::trace::{Because, DropReason};
use crate::wire::{Body, Datagram, Icmp, IpPacket, L4, PacketId, Proto, TcpFlags, TcpSegment};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const SYN: u8 = 0x02;
const SYNACK: u8 = 0x12;
const ACK: u8 = 0x10;
const FIN: u8 = 0x11;
const RST: u8 = 0x04;

/// IPVS with its timers.
struct Director {
    ipvs: Ipvs,
    sysctl: Sysctls,
    now: SimTime,
    mark: u32,
    confirmed: bool,
    timers: BTreeMap<(SimTime, u64), (u32, u32)>,
    armed: u64,
    acts: Vec<IpvsAct>,
    told: Vec<TraceEvent>,
    sync_timers: BTreeMap<(SimTime, u64), SyncTimer>,
    /// Messages of the synchronisation daemon, and when they were sent.
    sent: Vec<(SimTime, Arc<[u8]>)>,
    overflows: u32,
    complaints: Vec<String>,
}

fn rs(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, n)
}

fn cip(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, n)
}

fn tcp80() -> ServiceKey {
    ServiceKey::Addr { proto: Proto::Tcp, addr: VIP, port: 80 }
}

fn ip(saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) -> IpPacket {
    IpPacket { saddr, daddr, id: PacketId(1), frag: IpPacket::DF, ttl: 64, tos: 0, l4 }
}

fn tcp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), flags: u8) -> IpPacket {
    let segment = TcpSegment {
        seq: 0,
        ack: 0,
        body: Body::FILLER,
        sport: from.1,
        dport: to.1,
        len: 0,
        mss: 0,
        window: 0,
        flags: TcpFlags(flags),
        end: false,
        timestamps: false,
    };
    ip(from.0, to.0, L4::Tcp(segment))
}

fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> IpPacket {
    ip(from.0, to.0, L4::Udp(Datagram { sport: from.1, dport: to.1, len: 10, body: Body::FILLER }))
}

fn dest(n: u8, method: Method, weight: i32) -> DestSpec {
    DestSpec { addr: rs(n), port: 80, method, weight, u_threshold: 0, l_threshold: 0 }
}

impl Director {
    /// A service on TCP port 80 with servers 1, 2, … of weight 1, added in this order.
    fn new(scheduler: &str, method: Method, servers: u8) -> Director {
        let mut d = Director {
            ipvs: Ipvs::new(Seed(1).stream("ipvs")),
            sysctl: Sysctls::default(),
            now: SimTime(500_000_000),
            mark: 0,
            confirmed: false,
            timers: BTreeMap::new(),
            armed: 0,
            acts: Vec::new(),
            told: Vec::new(),
            sync_timers: BTreeMap::new(),
            sent: Vec::new(),
            overflows: 0,
            complaints: Vec::new(),
        };
        d.service(tcp80(), ServiceSpec { scheduler: scheduler.into(), ..ServiceSpec::default() });
        for n in 1..=servers {
            d.add(dest(n, method, 1));
        }
        d
    }

    fn service(&mut self, key: ServiceKey, spec: ServiceSpec) {
        self.ctl(|ipvs, cx| ipvs.add_service(cx, key, spec)).expect("a new service");
    }

    fn persistent(&mut self, seconds: u32) {
        let spec = ServiceSpec { scheduler: "rr".into(), persistent: Some(seconds), ..ServiceSpec::default() };
        self.ctl(|ipvs, cx| ipvs.edit_service(cx, tcp80(), spec)).expect("a known service");
    }

    fn add(&mut self, spec: DestSpec) {
        self.ctl(|ipvs, cx| ipvs.add_dest(cx, tcp80(), spec)).expect("a new destination");
    }

    fn edit(&mut self, spec: DestSpec) {
        self.ctl(|ipvs, cx| ipvs.edit_dest(cx, tcp80(), spec)).expect("a known destination");
    }

    fn delete(&mut self, n: u8) {
        self.ctl(|ipvs, cx| ipvs.del_dest(cx, tcp80(), dest(n, Method::Nat, 0))).expect("a known destination");
    }

    fn ctl<T>(&mut self, what: impl FnOnce(&mut Ipvs, &CtlCx<'_>) -> T) -> T {
        what(&mut self.ipvs, &CtlCx { now: self.now, sysctl: &self.sysctl })
    }

    fn set(&mut self, name: &str, value: &str) {
        self.sysctl.write(&format!("net.ipv4.vs.{name}"), value).expect("a variable");
        self.ipvs.sysctl_changed(self.now, &self.sysctl);
    }

    fn hook<T>(&mut self, hook: Hook, what: impl FnOnce(&mut Ipvs, &HookCx<'_>, &mut Vec<IpvsAct>) -> T) -> T {
        let cx = HookCx {
            hook,
            mark: self.mark,
            sysctl: &self.sysctl,
            is_local: &|a| a == VIP,
            from_loopback: false,
            confirmed: self.confirmed,
            trace: true,
        };
        let verdict = what(&mut self.ipvs, &cx, &mut self.acts);
        self.do_acts();
        verdict
    }

    fn do_acts(&mut self) {
        for act in self.acts.drain(..) {
            match act {
                IpvsAct::Arm { slot, generation, at } => {
                    self.armed += 1;
                    self.timers.insert((at, self.armed), (slot, generation));
                }
                IpvsAct::Event(event) => self.told.push(event),
                IpvsAct::SyncArm { timer, at } => {
                    self.armed += 1;
                    self.sync_timers.insert((at, self.armed), timer);
                }
                IpvsAct::SyncSend { bytes, .. } => self.sent.push((self.now, bytes)),
                IpvsAct::SyncOverflow { .. } => self.overflows += 1,
                IpvsAct::SyncOpen { .. } | IpvsAct::SyncClose { .. } => {}
                IpvsAct::NoDest { scheduler, service, why } => {
                    self.complaints.push(format!("{scheduler}: {service} - {why}"))
                }
            }
        }
        self.fire();
    }

    /// Fires what is due.
    fn fire(&mut self) {
        while let Some(entry) = self.timers.first_entry().filter(|e| e.key().0 <= self.now) {
            let (slot, generation) = entry.remove();
            self.ipvs.timer(slot, generation, self.now, &self.sysctl, &mut self.acts);
            self.do_acts();
        }
        while let Some(entry) = self.sync_timers.first_entry().filter(|e| e.key().0 <= self.now) {
            let timer = entry.remove();
            self.ipvs.sync_timer(timer, self.now, &mut self.acts);
            self.do_acts();
        }
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.now + Span::from_secs(seconds);
        loop {
            let next =
                [self.timers.first_key_value().map(|e| e.0.0), self.sync_timers.first_key_value().map(|e| e.0.0)];
            let Some(at) = next.into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            self.fire();
        }
        self.now = end;
    }

    fn input(&mut self, pkt: &IpPacket) -> InVerdict {
        let now = self.now;
        self.hook(Hook::LocalIn, |ipvs, cx, acts| ipvs.input(now, pkt, cx, acts))
    }

    fn out(&mut self, pkt: &mut IpPacket) -> OutVerdict {
        let now = self.now;
        self.hook(Hook::Forward, |ipvs, cx, acts| ipvs.out(now, pkt, cx, acts))
    }

    /// A client's segment to the service: which server it goes to.
    fn client(&mut self, port: u16, flags: u8) -> String {
        self.packet(&tcp((cip(1), port), (VIP, 80), flags))
    }

    fn packet(&mut self, pkt: &IpPacket) -> String {
        match self.input(pkt) {
            InVerdict::Xmit(x) => format!("rs{}", x.addr.octets()[3]),
            InVerdict::Accept => "accept".into(),
            InVerdict::Ignore => "ignore".into(),
            InVerdict::Drop(r) | InVerdict::NoDest(r) => r.rule().code.into(),
            InVerdict::Tunnel(_) => "tunnel".into(),
        }
    }

    /// A server's segment to the client.
    fn server(&mut self, n: u8, port: u16, flags: u8) -> OutVerdict {
        self.out(&mut tcp((rs(n), 80), (cip(1), port), flags))
    }

    /// State and whole seconds left of every entry, templates with a `*`.
    fn list(&self) -> String {
        let rows = self.ipvs.conns(self.now);
        let text = rows.iter().map(|r| {
            let star = if r.flags & flag::TEMPLATE != 0 { "*" } else { "" };
            format!("{star}{} {}", r.state, r.expires_in.as_secs())
        });
        text.collect::<Vec<_>>().join(", ")
    }

    /// Active, inactive and persistent connections of server `n`.
    fn counts(&self, n: u8) -> (u32, u32, u32) {
        let service = self.ipvs.service(&tcp80()).expect("a service");
        let d = service.dests().find(|d| d.addr == rs(n)).expect("in the list");
        (d.active, d.inactive, d.persist)
    }
}

#[test]
fn a_direct_routing_connection_counts_as_active_until_the_client_closes_and_then_runs_out() {
    let mut d = Director::new("rr", Method::Dr, 1);
    assert_eq!(d.client(1000, SYN), "rs1");
    assert_eq!((d.list().as_str(), d.counts(1)), ("SYN_RECV 60", (1, 0, 0)));
    d.client(1000, ACK);
    d.wait(10);
    assert_eq!((d.list().as_str(), d.counts(1)), ("ESTABLISHED 890", (1, 0, 0)));
    d.client(1000, FIN);
    assert_eq!((d.list().as_str(), d.counts(1)), ("FIN_WAIT 120", (0, 1, 0)));
    d.wait(119);
    assert_eq!(d.list(), "FIN_WAIT 1");
    d.wait(1);
    assert_eq!((d.list().as_str(), d.counts(1)), ("", (0, 0, 0)));
}

#[test]
fn nat_translates_both_ways_and_follows_both_sides() {
    let mut d = Director::new("rr", Method::Nat, 0);
    d.add(DestSpec { port: 8080, ..dest(1, Method::Nat, 1) });
    let request = tcp((cip(1), 1000), (VIP, 80), SYN);
    let InVerdict::Xmit(x) = d.input(&request) else { panic!("not sent") };
    let mut pkt = request.clone();
    xmit::dnat(&mut pkt, x.addr, x.port);
    assert_eq!((pkt.daddr, pkt.l4.ports()), (rs(1), Some((1000, 8080))));
    let mut answer = tcp((rs(1), 8080), (cip(1), 1000), SYNACK);
    assert_eq!(d.out(&mut answer), OutVerdict::Translated { reroute: true, conntrack: false });
    assert_eq!((answer.saddr, answer.l4.ports()), (VIP, Some((80, 1000))));
    d.client(1000, ACK);
    assert_eq!(d.list(), "ESTABLISHED 900");
    // An answer from another port is not the connection's.
    assert_eq!(d.server(1, 1000, FIN), OutVerdict::Accept);
    d.set("nat_icmp_send", "1");
    assert_eq!(d.out(&mut tcp((rs(1), 8080), (cip(1), 7), ACK)), OutVerdict::UnaskedUnreachable);
    assert_eq!(d.out(&mut tcp((rs(1), 8080), (cip(1), 7), RST)), OutVerdict::Accept);
}

#[test]
fn an_answer_of_direct_routing_that_passes_makes_the_entry_follow_both_sides() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.client(1000, SYN);
    let mut answer = tcp((VIP, 80), (cip(1), 1000), SYNACK);
    assert_eq!(d.out(&mut answer), OutVerdict::Ours { conntrack: false });
    d.client(1000, ACK);
    d.client(1000, FIN);
    assert_eq!(d.list(), "CLOSE_WAIT 60");
}

#[test]
fn what_opens_no_connection_is_left_to_the_host() {
    let mut d = Director::new("rr", Method::Dr, 1);
    for (what, pkt) in [
        ("ACK", tcp((cip(1), 1), (VIP, 80), ACK)),
        ("RST", tcp((cip(1), 1), (VIP, 80), RST)),
        ("another port", tcp((cip(1), 1), (VIP, 81), SYN)),
        ("UDP", udp((cip(1), 1), (VIP, 80))),
        ("source port 20", tcp((cip(1), 20), (VIP, 80), SYN)),
    ] {
        assert_eq!(d.packet(&pkt), "accept", "{what}");
    }
    d.set("sloppy_tcp", "1");
    assert_eq!(d.client(1, ACK), "rs1");
    assert_eq!(d.list(), "ESTABLISHED 900");
    assert_eq!(d.client(2, RST), "accept");
}

#[test]
fn no_destination_says_how_many_and_why() {
    let mut d = Director::new("rr", Method::Dr, 2);
    d.edit(dest(1, Method::Dr, 0));
    d.edit(DestSpec { u_threshold: 1, ..dest(2, Method::Dr, 1) });
    assert_eq!(d.client(1, SYN), "rs2");
    let verdict = d.input(&tcp((cip(1), 2), (VIP, 80), SYN));
    let InVerdict::NoDest(reason) = verdict else { panic!("{verdict:?}") };
    let expected = DropReason::IpvsNoDest { service: "TCP 10.0.0.100:80".into(), dests: 2, quiesced: 1, overloaded: 1 };
    assert_eq!(reason, expected);
    assert_eq!(d.complaints, ["rr: TCP 10.0.0.100:80 - no destination available"]);
}

#[test]
fn wrr_tells_full_servers_from_none() {
    let mut d = Director::new("wrr", Method::Dr, 1);
    d.edit(DestSpec { u_threshold: 1, ..dest(1, Method::Dr, 1) });
    d.client(1, SYN);
    d.client(2, SYN);
    d.edit(dest(1, Method::Dr, 0));
    d.client(3, SYN);
    let said = "wrr: TCP 10.0.0.100:80 - no destination available";
    assert_eq!(d.complaints, [format!("{said}: all destinations are overloaded"), said.to_string()]);
}

#[test]
fn deleting_a_server_drops_its_packets_until_it_is_back() {
    let mut d = Director::new("rr", Method::Dr, 2);
    assert_eq!((d.client(1, SYN), d.client(2, SYN)), ("rs2".into(), "rs1".into()));
    d.client(2, ACK);
    d.delete(1);
    assert_eq!(d.client(2, ACK), "ipvs-dest-gone");
    assert_eq!(d.client(2, SYN), "ipvs-dest-gone");
    d.wait(100);
    d.add(dest(1, Method::Dr, 5));
    assert_eq!((d.client(2, ACK).as_str(), d.counts(1)), ("rs1", (1, 0, 0)));
}

#[test]
fn an_idle_server_stays_in_the_trash_for_two_minutes_after_a_scan_saw_it() {
    // Seconds until it is added again, and whether the object was still there.
    for (seconds, same) in [(179, true), (180, false), (400, false)] {
        let mut d = Director::new("rr", Method::Dr, 1);
        let birth = |d: &Director| d.ipvs.services().next().and_then(|s| s.dests().next().map(|d| d.birth));
        let first = birth(&d);
        d.delete(1);
        d.wait(seconds);
        d.add(dest(1, Method::Dr, 1));
        assert_eq!(birth(&d) == first, same, "after {seconds} s");
    }
}

#[test]
fn with_expire_nodest_conn_deleting_a_server_ends_its_connections() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.set("expire_nodest_conn", "1");
    d.client(1, SYN);
    d.client(1, ACK);
    d.delete(1);
    assert_eq!(d.list(), "");
    assert_eq!(d.client(1, ACK), "accept");
}

#[test]
fn a_syn_that_meets_an_old_entry_is_scheduled_anew_as_conn_reuse_mode_says() {
    // mode, method, what happened before, who gets the new SYN (the first went to 3)
    let nat_closed: &[(bool, u8)] = &[(false, SYN), (true, RST)];
    let fin_wait: &[(bool, u8)] = &[(false, SYN), (false, ACK), (false, FIN)];
    let open: &[(bool, u8)] = &[(false, SYN), (false, ACK)];
    for (mode, method, story, next) in [
        ("1", Method::Nat, nat_closed, "rs2"),
        ("0", Method::Nat, nat_closed, "rs3"),
        ("1", Method::Dr, fin_wait, "rs3"),
        ("2", Method::Dr, fin_wait, "rs2"),
        ("1", Method::Dr, open, "rs3"),
        ("3", Method::Dr, open, "rs3"),
    ] {
        let mut d = Director::new("rr", method, 3);
        d.set("conn_reuse_mode", mode);
        for &(server, flags) in story {
            if server {
                d.server(3, 1000, flags);
            } else {
                assert_eq!(d.client(1000, flags), "rs3");
            }
        }
        assert_eq!(d.client(1000, SYN), next, "mode {mode} {method:?}");
        // The old entry is gone.
        assert_eq!(d.ipvs.table().len(), 1);
    }
}

#[test]
fn a_quiesced_server_loses_its_clients_next_syn_only_with_expire_nodest_conn() {
    for (knob, next) in [("0", "rs2"), ("1", "rs1")] {
        let mut d = Director::new("rr", Method::Dr, 2);
        d.set("expire_nodest_conn", knob);
        assert_eq!(d.client(1, SYN), "rs2");
        d.edit(dest(2, Method::Dr, 0));
        assert_eq!(d.client(1, SYN), next);
    }
}

#[test]
fn a_template_holds_a_client_and_lives_in_steps_of_a_minute() {
    let mut d = Director::new("rr", Method::Dr, 2);
    d.persistent(6);
    assert_eq!(d.client(1, SYN), "rs2");
    assert_eq!(d.list(), "*NONE 6, SYN_RECV 60");
    assert_eq!(d.counts(2), (1, 0, 1));
    d.client(1, ACK);
    assert_eq!(d.list(), "*ASSURED 6, ESTABLISHED 900");
    // It fires while it controls a connection: a minute more, and that for good.
    d.wait(7);
    assert_eq!(d.list(), "*ASSURED 59, ESTABLISHED 893");
    assert_eq!(d.client(2, SYN), "rs2");
    assert_eq!(d.list(), "*ASSURED 60, ESTABLISHED 893, SYN_RECV 60");
    let because = |e: &TraceEvent| match e {
        TraceEvent::Scheduled { because, .. } => Some(because.clone()),
        _ => None,
    };
    let reasons: Vec<_> = d.told.iter().filter_map(because).collect();
    assert_eq!(reasons[1], Because::Persistent);
    // Weight 0 and a full server do not matter to it.
    d.edit(DestSpec { u_threshold: 1, ..dest(2, Method::Dr, 0) });
    assert_eq!(d.client(3, SYN), "rs2");
    d.wait(2_000);
    assert_eq!((d.list().as_str(), d.counts(2)), ("", (0, 0, 0)));
}

#[test]
fn a_template_that_no_longer_counts_moves_to_another_port_and_runs_out_there() {
    let mut d = Director::new("rr", Method::Dr, 2);
    d.persistent(300);
    assert_eq!(d.client(1, SYN), "rs2");
    d.set("expire_quiescent_template", "1");
    d.edit(dest(2, Method::Dr, 0));
    assert_eq!(d.client(2, SYN), "rs1");
    let ports: Vec<_> = d.ipvs.conns(d.now).iter().map(|r| (r.virt.1, r.dest.1)).collect();
    assert_eq!(ports, [(80, 80), (65535, 65535), (80, 80), (80, 80)]);
    assert_eq!(d.client(3, SYN), "rs1");
}

#[test]
fn templates_are_named_by_the_kind_of_service() {
    let mut d = Director::new("rr", Method::Dr, 0);
    let spec = ServiceSpec { persistent: Some(60), netmask: Ipv4Addr::new(255, 255, 255, 0), ..ServiceSpec::default() };
    let any = ServiceKey::Addr { proto: Proto::Udp, addr: VIP, port: 0 };
    for key in [any, ServiceKey::Mark(5)] {
        d.service(key, spec.clone());
        d.ctl(|ipvs, cx| ipvs.add_dest(cx, key, DestSpec { port: 0, ..dest(1, Method::Dr, 1) })).expect("new");
    }
    assert_eq!(d.packet(&udp((cip(7), 9), (VIP, 53))), "rs1");
    d.mark = 5;
    assert_eq!(d.packet(&tcp((cip(8), 9), (VIP, 443), SYN)), "rs1");
    let rows: Vec<String> = d
        .ipvs
        .conns(d.now)
        .iter()
        .map(|r| {
            format!(
                "{} {}:{} {}:{} {}:{} {}",
                r.proto_name(),
                r.client.0,
                r.client.1,
                r.virt.0,
                r.virt.1,
                r.dest.0,
                r.dest.1,
                r.state
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "IP 192.168.1.0:0 0.0.0.5:0 10.0.1.1:0 NONE",
            "TCP 192.168.1.8:9 10.0.0.100:443 10.0.1.1:443 SYN_RECV",
            "UDP 192.168.1.0:0 10.0.0.100:0 10.0.1.1:0 NONE",
            "UDP 192.168.1.7:9 10.0.0.100:53 10.0.1.1:53 UDP",
        ]
    );
}

#[test]
fn one_packet_scheduling_leaves_nothing_behind() {
    let mut d = Director::new("rr", Method::Dr, 0);
    let key = ServiceKey::Addr { proto: Proto::Udp, addr: VIP, port: 53 };
    d.service(key, ServiceSpec { scheduler: "rr".into(), ops: true, ..ServiceSpec::default() });
    for n in 1..=2 {
        d.ctl(|ipvs, cx| ipvs.add_dest(cx, key, dest(n, Method::Dr, 1))).expect("new");
    }
    let picks: Vec<String> = (0..4).map(|_| d.packet(&udp((cip(1), 9), (VIP, 53)))).collect();
    assert_eq!(picks, ["rs2", "rs1", "rs2", "rs1"]);
    assert!(d.ipvs.table().is_empty());
    assert!(d.ipvs.service(&key).is_some_and(|s| s.dests().all(|d| d.references() == 0)));
}

#[test]
fn an_error_about_an_answer_goes_to_the_server_and_one_about_a_request_to_the_client() {
    let mut d = Director::new("rr", Method::Nat, 1);
    d.client(1000, SYN);
    let before = d.list();
    let error = |from, to, quote| {
        let icmp = Icmp::Unreachable { code: Icmp::HOST, mtu: 0, quote: Box::new(quote) };
        ip(from, to, L4::Icmp(Box::new(icmp)))
    };
    let mut about_answer = error(cip(254), VIP, tcp((VIP, 80), (cip(1), 1000), ACK));
    let InVerdict::Xmit(x) = d.input(&about_answer) else { panic!("not sent") };
    xmit::dnat(&mut about_answer, x.addr, x.port);
    assert_eq!(about_answer, error(cip(254), rs(1), tcp((rs(1), 80), (cip(1), 1000), ACK)));
    let mut about_request = error(rs(254), cip(1), tcp((cip(1), 1000), (rs(1), 80), ACK));
    assert!(matches!(d.out(&mut about_request), OutVerdict::Translated { .. }));
    assert_eq!(about_request, error(VIP, cip(1), tcp((cip(1), 1000), (VIP, 80), ACK)));
    assert_eq!(d.list(), before);
    let unknown = error(cip(254), VIP, tcp((VIP, 80), (cip(1), 1001), ACK));
    assert_eq!(d.packet(&unknown), "accept");
    d.set("schedule_icmp", "1");
    assert_eq!(d.packet(&unknown), "rs1");
}

#[test]
fn an_error_about_a_tunnel_packet_is_relayed_with_the_clients_packet() {
    let mut d = Director::new("rr", Method::Tun, 1);
    let request = tcp((cip(1), 1000), (VIP, 80), SYN);
    d.input(&request);
    let outer = |inner: IpPacket| xmit::encapsulate(inner, Ipv4Addr::new(10, 0, 1, 100), rs(1), true);
    let error = |quote| {
        let icmp = Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote: Box::new(quote) };
        ip(rs(1), Ipv4Addr::new(10, 0, 1, 100), L4::Icmp(Box::new(icmp)))
    };
    let verdict = d.input(&error(outer(request.clone())));
    let InVerdict::Tunnel(e) = verdict else { panic!("{verdict:?}") };
    assert_eq!((e.server, e.kind, e.code, *e.inner), (rs(1), 3, 3, request));
    assert_eq!(d.packet(&error(outer(tcp((cip(1), 1), (VIP, 80), SYN)))), "accept");
}

#[test]
fn counters_show_what_was_there_at_the_last_even_second() {
    let mut d = Director::new("rr", Method::Nat, 1);
    d.client(1, SYN);
    d.server(1, 1, SYNACK);
    let shown = |d: &Director| d.ipvs.services().next().map(|s| s.counters(d.now)).unwrap_or_default();
    assert_eq!(shown(&d), Counters::default());
    d.wait(2);
    let expected = Counters { conns: 1, in_pkts: 1, out_pkts: 1, in_bytes: 60, out_bytes: 60 };
    assert_eq!((shown(&d), d.ipvs.total_counters(d.now)), (expected, expected));
    d.ctl(|ipvs, cx| ipvs.zero(cx, None)).expect("all");
    assert_eq!(shown(&d), Counters::default());
    // A deleted server's packets count nowhere.
    d.delete(1);
    d.client(1, ACK);
    d.wait(2);
    assert_eq!(d.ipvs.total_counters(d.now), Counters::default());
}

#[test]
fn after_the_last_service_is_gone_packets_are_the_hosts() {
    let mut d = Director::new("rr", Method::Nat, 1);
    d.client(1, SYN);
    d.ctl(|ipvs, cx| ipvs.flush(cx));
    assert!(!d.ipvs.active());
    assert_eq!(d.client(1, ACK), "accept");
    assert_eq!(d.server(1, 1, ACK), OutVerdict::Accept);
    assert_eq!(d.list(), "SYN_RECV 60");
    // Set up again: the entry and the counts are back.
    d.service(tcp80(), ServiceSpec::default());
    d.add(dest(1, Method::Nat, 1));
    assert_eq!((d.client(1, ACK).as_str(), d.counts(1)), ("rs1", (1, 0, 0)));
}

#[test]
fn drop_packet_takes_the_first_and_then_one_of_so_many() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.set("drop_packet", "3");
    d.set("am_droprate", "3");
    let fates: String = (1..=7).map(|p| if d.client(p, SYN) == "rs1" { '.' } else { 'x' }).collect();
    assert_eq!(fates, "x..x..x");
}

#[test]
fn drop_entry_ends_half_open_connections_and_then_rests() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.set("drop_entry", "3");
    for port in 1..=64 {
        d.client(port, SYN);
    }
    d.wait(30);
    let left = d.ipvs.table().len();
    assert!(left < 64 && d.counts(1).0 == left as u32, "{left}");
    d.wait(100);
    assert!(d.ipvs.table().is_empty() && d.timers.is_empty());
}

#[test]
fn commands_are_refused_in_ipvsadms_words() {
    let mut d = Director::new("rr", Method::Dr, 1);
    let other = ServiceKey::Mark(9);
    let bad = ServiceSpec { scheduler: "xx".into(), ..ServiceSpec::default() };
    let mut check = |expected: &str, what: &dyn Fn(&mut Ipvs, &CtlCx<'_>) -> Result<(), CtlError>| {
        let answer = d.ctl(|ipvs, cx| what(ipvs, cx));
        assert_eq!(answer.map_err(|e| e.to_string()), Err(expected.to_string()));
    };
    check("Service already exists", &|i, cx| i.add_service(cx, tcp80(), ServiceSpec::default()));
    check("Scheduler or persistence engine not found", &|i, cx| i.add_service(cx, other, bad.clone()));
    check("Scheduler or persistence engine not found", &|i, cx| i.edit_service(cx, tcp80(), bad.clone()));
    check("No such service", &|i, cx| i.edit_service(cx, other, ServiceSpec::default()));
    check("No such service", &|i, cx| i.del_service(cx, other));
    check("No such service", &|i, cx| i.zero(cx, Some(other)));
    check("Service not defined", &|i, cx| i.add_dest(cx, other, dest(1, Method::Dr, 1)));
    check("Destination already exists", &|i, cx| i.add_dest(cx, tcp80(), dest(1, Method::Dr, 1)));
    check("No such destination", &|i, cx| i.edit_dest(cx, tcp80(), dest(2, Method::Dr, 1)));
    check("No such destination", &|i, cx| i.del_dest(cx, tcp80(), dest(2, Method::Dr, 1)));
    check("Numerical result out of range", &|i, cx| {
        i.add_dest(cx, tcp80(), DestSpec { l_threshold: 10, u_threshold: 5, ..dest(2, Method::Dr, 1) })
    });
    let nowhere = DestSpec { addr: Ipv4Addr::UNSPECIFIED, ..dest(2, Method::Dr, 1) };
    check("Invalid operation.  Possibly wrong module version, address not unicast, ...", &|i, cx| {
        i.add_dest(cx, tcp80(), nowhere)
    });
}

#[test]
fn a_service_on_port_21_takes_high_ports_and_a_persistent_one_without_port_the_rest() {
    let mut d = Director::new("rr", Method::Dr, 1);
    for port in [21, 0] {
        let key = ServiceKey::Addr { proto: Proto::Tcp, addr: VIP, port };
        d.service(key, ServiceSpec { persistent: Some(60), ..ServiceSpec::default() });
        let n = if port == 21 { 2 } else { 3 };
        d.ctl(|ipvs, cx| ipvs.add_dest(cx, key, DestSpec { port, ..dest(n, Method::Dr, 1) })).expect("new");
    }
    for (port, server) in [(80, "rs1"), (21, "rs2"), (20, "rs2"), (1024, "rs2"), (1023, "rs3")] {
        // A client each: the templates of port 21 and of port 0 have the same name, in Linux too.
        assert_eq!(d.packet(&tcp((cip(port as u8), 5000), (VIP, port), SYN)), server, "port {port}");
    }
}

impl Director {
    fn start(&mut self, role: Role, change: impl FnOnce(&mut DaemonSpec)) {
        let mut spec = DaemonSpec { iface: "eth0".into(), syncid: 0, maxlen: 0, group: None, port: 0, ttl: 0 };
        change(&mut spec);
        let iface = McastIf { dev: DevIdx(2), mtu: 1500, up: true, busy: Vec::new() };
        let cx = CtlCx { now: self.now, sysctl: &self.sysctl };
        self.ipvs.start_daemon(&cx, role, &spec, Some(iface), &mut self.acts).expect("a good interface");
        self.do_acts();
    }

    fn hear(&mut self, message: &[u8]) -> Result<(), DropReason> {
        let heard = self.ipvs.sync_receive(self.now, message, &self.sysctl, &mut self.acts);
        self.do_acts();
        heard
    }

    /// Connections that the messages sent so far tell of, as the first byte of each message's count says.
    fn told(&self) -> usize {
        self.sent.iter().map(|(_, m)| usize::from(m[4])).sum()
    }

    /// A handshake and a request: three packets from the client.
    fn opened(&mut self, port: u16) {
        for flags in [SYN, ACK, ACK] {
            self.client(port, flags);
        }
    }
}

/// A master with servers by direct routing, and a backup with the same service.
fn pair() -> (Director, Director) {
    let (mut master, mut backup) = (Director::new("rr", Method::Dr, 1), Director::new("rr", Method::Dr, 1));
    master.start(Role::Master, |_| ());
    backup.start(Role::Backup, |_| ());
    (master, backup)
}

fn pass_on(master: &mut Director, backup: &mut Director) {
    for (_, message) in std::mem::take(&mut master.sent) {
        backup.hear(&message).expect("a good message");
    }
}

#[test]
fn a_connection_is_told_with_its_third_packet_and_two_seconds_later() {
    let (mut d, _) = pair();
    d.client(1000, SYN);
    d.client(1000, ACK);
    d.wait(5);
    assert_eq!(d.sent, []);
    let since = d.now;
    d.client(1000, ACK);
    d.wait(4);
    let [(at, message)] = &d.sent[..] else { panic!("one message: {:?}", d.sent) };
    let late = at.since(since);
    assert!((2_000..=3_100).contains(&late.as_millis()), "{late:?}");
    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 44, 1, 1, 0, 0,
        // type, protocol, version and size, flags: direct routing, no output seen
        0, 6, 0, 36, 0, 0, 0, 0x83,
        // ESTABLISHED, ports 1000, 80, 80, no mark, 900 s
        0, 1, 0x03, 0xe8, 0, 80, 0, 80, 0, 0, 0, 0, 0, 0, 0x03, 0x84,
        192, 168, 1, 1, 10, 0, 0, 100, 10, 0, 1, 1,
    ];
    assert_eq!(message[..], expected);
}

#[test]
fn a_connection_is_told_again_every_fifty_packets_and_when_its_state_changes() {
    let (mut d, _) = pair();
    for (packets, told) in [(2, 0), (1, 1), (49, 1), (1, 2), (50, 3)] {
        for n in 0..packets {
            d.client(1000, if told == 0 && n == 0 { SYN } else { ACK });
        }
        d.wait(4);
        assert_eq!(d.told(), told, "after {packets} more");
    }
    d.client(1000, FIN);
    d.client(1000, ACK);
    d.wait(4);
    assert_eq!(d.told(), 4);
    // What was never established is not told of.
    d.client(1001, SYN);
    d.client(1001, SYN);
    d.client(1001, SYN);
    d.wait(4);
    assert_eq!(d.told(), 4);
}

#[test]
fn a_backup_has_the_connection_with_its_state_and_time_and_counts_it() {
    let (mut master, mut backup) = pair();
    master.opened(1000);
    master.wait(4);
    pass_on(&mut master, &mut backup);
    assert_eq!((backup.list().as_str(), backup.counts(1)), ("ESTABLISHED 900", (1, 0, 0)));
    assert_eq!(backup.ipvs.conns(backup.now)[0].origin(), "SYNC");
    assert_eq!(master.ipvs.conns(master.now)[0].origin(), "LOCAL");
    // It runs out by its own timer.
    backup.wait(890);
    master.client(1000, FIN);
    master.wait(4);
    pass_on(&mut master, &mut backup);
    assert_eq!((backup.list().as_str(), backup.counts(1)), ("FIN_WAIT 120", (0, 1, 0)));
    backup.wait(121);
    assert_eq!((backup.list().as_str(), backup.counts(1)), ("", (0, 0, 0)));
    // The connection goes on after a takeover.
    master.opened(1001);
    master.wait(4);
    pass_on(&mut master, &mut backup);
    assert_eq!(backup.client(1001, ACK), "rs1");
}

#[test]
fn an_entry_is_bound_to_its_server_when_the_next_message_finds_one() {
    let (mut master, _) = pair();
    let mut backup = Director::new("rr", Method::Nat, 0);
    backup.start(Role::Backup, |_| ());
    master.opened(1000);
    master.wait(4);
    let (_, message) = master.sent[0].clone();
    backup.hear(&message).expect("a good message");
    // By the master's method until then.
    assert_eq!(backup.ipvs.table().slots().next().expect("an entry").1.method(), Method::Dr);
    backup.add(dest(1, Method::Nat, 1));
    assert_eq!(backup.counts(1), (0, 0, 0));
    backup.hear(&message).expect("a good message");
    assert_eq!(backup.counts(1), (1, 0, 0));
    assert_eq!(backup.ipvs.table().slots().next().expect("an entry").1.method(), Method::Nat);
}

#[test]
fn a_template_is_told_with_every_packet_and_alone_if_so_wished() {
    for (mode, expected) in [("0", "*ASSURED 360, ESTABLISHED 900"), ("1", "*ASSURED 360")] {
        let (mut master, mut backup) = pair();
        master.persistent(360);
        master.set("sync_persist_mode", mode);
        master.client(1000, SYN);
        master.client(1000, ACK);
        master.wait(4);
        assert_eq!(master.told(), 2, "mode {mode}");
        master.client(1000, ACK);
        master.wait(4);
        pass_on(&mut master, &mut backup);
        assert_eq!(backup.list(), expected, "mode {mode}");
        assert_eq!(backup.counts(1).2, 1, "mode {mode}");
    }
}

#[test]
fn the_template_of_a_marked_service_finds_its_server_by_the_mark() {
    let key = ServiceKey::Mark(7);
    let spec = ServiceSpec { scheduler: "rr".into(), persistent: Some(60), ..ServiceSpec::default() };
    let mut both = [Role::Master, Role::Backup].map(|role| {
        let mut d = Director::new("rr", Method::Dr, 0);
        d.service(key, spec.clone());
        let server = DestSpec { port: 0, ..dest(1, Method::Dr, 1) };
        d.ctl(|ipvs, cx| ipvs.add_dest(cx, key, server)).expect("a new destination");
        d.start(role, |_| ());
        d
    });
    let [master, backup] = &mut both;
    master.mark = 7;
    master.opened(1000);
    master.wait(4);
    pass_on(master, backup);
    let service = backup.ipvs.service(&key).expect("a service");
    let d = service.dests().next().expect("a server");
    assert_eq!((d.active, d.persist), (1, 1));
}

#[test]
fn full_messages_wait_a_moment_for_others_and_eight_do_not_wait() {
    let full_at = |conns: u16| {
        let mut d = Director::new("rr", Method::Dr, 1);
        // Room for one connection.
        d.start(Role::Master, |spec| spec.maxlen = 44);
        let start = d.now;
        for n in 0..conns {
            d.opened(1000 + n);
        }
        d.fire();
        let at_once = d.sent.len();
        d.now = start + Span::from_millis(60);
        d.fire();
        (at_once, d.sent.len())
    };
    assert_eq!(full_at(1), (0, 0));
    assert_eq!(full_at(4), (0, 3));
    assert_eq!(full_at(9), (8, 8));
}

#[test]
fn a_queue_without_room_loses_messages() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.set("sync_qlen_max", "2");
    d.start(Role::Master, |spec| spec.maxlen = 44);
    (0..5).for_each(|n| d.opened(1000 + n));
    assert_eq!(d.overflows, 2);
    d.wait(4);
    assert_eq!(d.told(), 3);
}

#[test]
fn a_master_that_is_stopped_forgets_what_it_has_not_sent() {
    let (mut d, _) = pair();
    d.opened(1000);
    d.ipvs.stop_daemon(Role::Master, &mut d.acts).expect("it runs");
    d.do_acts();
    d.wait(4);
    d.opened(1001);
    d.start(Role::Master, |_| ());
    d.opened(1002);
    d.wait(4);
    assert_eq!(d.told(), 1);
}

#[test]
fn sync_refresh_period_keeps_a_busy_template_from_being_told_all_the_time() {
    for (retries, told) in [("0", 1), ("3", 3)] {
        let (mut d, _) = pair();
        d.persistent(360);
        d.set("sync_persist_mode", "1");
        d.set("sync_refresh_period", "24");
        d.set("sync_retries", retries);
        d.client(1000, SYN);
        // Within the period, every packet more than an eighth of it after the last told.
        for _ in 0..2 {
            d.wait(4);
            d.client(1000, ACK);
        }
        d.wait(4);
        assert_eq!(d.told(), told, "{retries} retries");
    }
}

#[test]
fn the_old_format_tells_no_timeouts() {
    let (mut master, mut backup) = pair();
    master.set("sync_version", "0");
    master.opened(1000);
    master.wait(4);
    let (_, message) = &master.sent[0];
    assert_eq!((message.len(), &message[..4]), (28, &[1, 0, 0, 28][..]));
    pass_on(&mut master, &mut backup);
    backup.ctl(|ipvs, _| ipvs.set_timeouts(77, 0, 0)).expect("good numbers");
    assert_eq!(backup.list(), "ESTABLISHED 900");
    master.client(1000, FIN);
    master.wait(4);
    pass_on(&mut master, &mut backup);
    assert_eq!((backup.list().as_str(), backup.counts(1)), ("FIN_WAIT 120", (0, 1, 0)));
}

#[test]
fn a_message_about_another_server_replaces_the_entry_only_while_it_is_active() {
    for (last, expected) in [(ACK, vec![rs(2)]), (FIN, vec![rs(1)])] {
        let (mut master, mut backup) = pair();
        master.opened(1000);
        master.wait(4);
        pass_on(&mut master, &mut backup);
        // Another master with another server for the same client.
        let mut other = Director::new("rr", Method::Dr, 0);
        other.add(dest(2, Method::Dr, 1));
        other.start(Role::Master, |_| ());
        other.opened(1000);
        if last == FIN {
            other.wait(4);
            other.sent.clear();
            other.client(1000, FIN);
        }
        other.wait(4);
        pass_on(&mut other, &mut backup);
        backup.wait(1);
        let servers: Vec<Ipv4Addr> = backup.ipvs.conns(backup.now).iter().map(|c| c.dest.0).collect();
        assert_eq!(servers, expected);
    }
}

#[test]
fn a_backup_heeds_its_number_and_says_what_it_cannot_read() {
    let mut master = Director::new("rr", Method::Dr, 1);
    master.start(Role::Master, |spec| spec.syncid = 5);
    master.opened(1000);
    master.wait(4);
    let message = master.sent[0].1.clone();
    let heard = |id: u8, message: &[u8]| {
        let mut d = Director::new("rr", Method::Dr, 1);
        d.start(Role::Backup, |spec| spec.syncid = id);
        let said = d.hear(message).map_err(|reason| reason.to_string());
        (said, d.ipvs.table().len())
    };
    assert_eq!(heard(5, &message), (Ok(()), 1));
    assert_eq!(heard(0, &message), (Ok(()), 1));
    let other = "a synchronisation message with another syncid: 5, not 6".to_string();
    assert_eq!(heard(6, &message), (Err(other), 0));
    let changed = |at: usize, byte: u8| {
        let mut message = message.to_vec();
        message[at] = byte;
        message
    };
    for (message, said, entries) in [
        (message[..3].to_vec(), "message header too short", 0),
        (message[..40].to_vec(), "bogus message size", 0),
        (changed(4, 2), "too small", 1),
        (changed(8 + 3, 200), "msg > buffer", 0),
        (changed(8 + 2, 0x10), "unknown version", 0),
        (changed(8 + 3, 8), "error in decoding", 0),
        (changed(0, 9), "bogus conn", 0),
    ] {
        let said = format!("a synchronisation message that cannot be read: {said}");
        assert_eq!(heard(0, &message), (Err(said), entries));
    }
    // A state or a protocol that is none is passed over.
    assert_eq!(heard(0, &changed(8 + 9, 11)), (Ok(()), 0));
    assert_eq!(heard(0, &changed(8 + 1, 132)), (Ok(()), 0));
}

#[test]
fn backup_only_leaves_requests_to_the_host_while_the_daemon_runs() {
    let mut d = Director::new("rr", Method::Dr, 1);
    d.set("backup_only", "1");
    assert_eq!(d.client(1000, SYN), "rs1");
    d.start(Role::Backup, |_| ());
    assert_eq!(d.client(1000, ACK), "accept");
    d.ipvs.stop_daemon(Role::Backup, &mut d.acts).expect("it runs");
    d.do_acts();
    assert_eq!(d.client(1000, ACK), "rs1");
}

#[test]
fn ignore_tunneled_marks_what_may_come_back_unpacked() {
    let mut d = Director::new("rr", Method::Tun, 1);
    let outer = ip(cip(9), VIP, L4::Ipip(Box::new(tcp((cip(1), 1000), (VIP, 80), SYN))));
    assert_eq!(d.packet(&outer), "accept");
    d.set("ignore_tunneled", "1");
    assert_eq!(d.packet(&outer), "ignore");
    assert_eq!(d.client(1000, SYN), "rs1");
}
