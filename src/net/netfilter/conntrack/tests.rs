//! Connections as a firewall sees them.

use super::*;
use crate::wire::{Body, Icmp, testing};

const CLIENT: [u8; 4] = [8, 8, 8, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const SECOND: u64 = 1_000_000_000;

fn ip(from: [u8; 4], to: [u8; 4], l4: L4) -> IpPacket {
    testing::ip(from.into(), to.into(), l4)
}

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: TcpFlags) -> IpPacket {
    ip(from.0, to.0, L4::Tcp(testing::segment(from.1, to.1, flags, 1, 1, 0)))
}

/// A packet passes all hooks; what rules saw.
fn pass(t: &mut Conntrack, pkt: &IpPacket, at: u64) -> u8 {
    let (mut ct, now) = (Ct::None, SimTime(at * SECOND));
    t.enter(pkt, &mut ct, now);
    let seen = t.state_of(&ct);
    t.confirm(&mut ct, now);
    seen
}

#[test]
fn a_connection_is_new_until_the_answer_and_established_then() {
    use state::{ESTABLISHED, INVALID, NEW};
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let syn = TcpFlags::SYN;
    let ack = TcpFlags::ACK;
    let mut t = Conntrack::default();
    let story = [
        (tcp(c, s, syn), NEW),
        (tcp(c, s, syn), NEW),
        (tcp(s, c, syn | ack), ESTABLISHED),
        (tcp(c, s, ack), ESTABLISHED),
        (tcp(s, c, ack), ESTABLISHED),
        (tcp(c, s, TcpFlags::FIN | ack), ESTABLISHED),
        (tcp(s, c, TcpFlags::FIN | ack), ESTABLISHED),
        (tcp(c, s, ack), ESTABLISHED),
        (tcp(c, s, syn), NEW),
        (tcp(s, (CLIENT, 5000), syn | ack), INVALID),
    ];
    for (n, (pkt, want)) in story.iter().enumerate() {
        assert_eq!(pass(&mut t, pkt, 1), *want, "packet {n}");
    }
}

#[test]
fn without_the_syns_answer_the_ack_is_invalid_and_in_mid_life_a_connection_is_taken_up_as_new() {
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let mut t = Conntrack::default();
    assert_eq!(pass(&mut t, &tcp(c, s, TcpFlags::SYN), 1), state::NEW);
    assert_eq!(pass(&mut t, &tcp(c, s, TcpFlags::ACK), 1), state::INVALID);
    assert_eq!(pass(&mut t, &tcp((CLIENT, 4001), s, TcpFlags::ACK), 1), state::NEW);
}

#[test]
fn an_entry_is_kept_only_if_its_packet_gets_through_and_ends_with_its_time() {
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let mut t = Conntrack::default();
    let mut ct = Ct::None;
    t.enter(&tcp(c, s, TcpFlags::SYN), &mut ct, SimTime(SECOND));
    assert!(t.is_empty());
    pass(&mut t, &tcp(c, s, TcpFlags::SYN), 1);
    assert_eq!(t.len(), 1);
    assert_eq!(pass(&mut t, &tcp(s, c, TcpFlags::SYN | TcpFlags::ACK), 121), state::INVALID, "SYN_SENT lasts 120 s");
}

#[test]
fn errors_are_related_to_what_they_quote() {
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let mut t = Conntrack::default();
    let syn = tcp(c, s, TcpFlags::SYN);
    let error =
        ip(SERVER, CLIENT, L4::Icmp(Box::new(Icmp::Unreachable { code: 3, mtu: 0, quote: Box::new(syn.clone()) })));
    assert_eq!(pass(&mut t, &error, 1), state::INVALID);
    pass(&mut t, &syn, 1);
    assert_eq!(pass(&mut t, &error, 1), state::RELATED);
}

#[test]
fn a_masqueraded_connection_leaves_with_the_routers_address_and_its_answers_find_back() {
    let router = [8, 8, 8, 8];
    let (inside, outside) = (([192, 168, 10, 2], 4000), (CLIENT, 22));
    let mut t = Conntrack::default();
    let now = SimTime(SECOND);
    let range = NatRange { addrs: Some((router.into(), router.into())), ports: None };

    let (mut syn, mut ct) = (tcp(inside, outside, TcpFlags::SYN), Ct::None);
    t.enter(&syn, &mut ct, now);
    assert!(t.unsettled(&ct, Manip::Src));
    assert!(t.settle(&mut ct, Some(&range), Manip::Src, now));
    assert!(!t.unsettled(&ct, Manip::Src));
    t.translate(&mut syn, &ct, Manip::Src);
    t.confirm(&mut ct, now);
    assert_eq!(syn, tcp((router, 4000), outside, TcpFlags::SYN));

    let (mut answer, mut ct) = (tcp(outside, (router, 4000), TcpFlags::SYN | TcpFlags::ACK), Ct::None);
    t.enter(&answer, &mut ct, now);
    t.translate(&mut answer, &ct, Manip::Dst);
    assert_eq!(answer, tcp(outside, inside, TcpFlags::SYN | TcpFlags::ACK));

    let quote = Box::new(syn.clone());
    let mut error = ip(CLIENT, router, L4::Icmp(Box::new(Icmp::Unreachable { code: 3, mtu: 0, quote })));
    let mut ct = Ct::None;
    t.enter(&error, &mut ct, now);
    t.translate(&mut error, &ct, Manip::Dst);
    assert_eq!(error.daddr, Ipv4Addr::from(inside.0));
    let L4::Icmp(icmp) = &error.l4 else { unreachable!("still ICMP") };
    assert_eq!(icmp.quote(), Some(&tcp(inside, outside, TcpFlags::SYN)));
}

#[test]
fn two_clients_with_one_port_get_two() {
    let router = [8, 8, 8, 8];
    let range = NatRange { addrs: Some((router.into(), router.into())), ports: None };
    let mut t = Conntrack::default();
    let now = SimTime(SECOND);
    let mut ports = Vec::new();
    for last in [2, 3] {
        let (mut syn, mut ct) = (tcp(([192, 168, 10, last], 4000), (CLIENT, 22), TcpFlags::SYN), Ct::None);
        t.enter(&syn, &mut ct, now);
        assert!(t.settle(&mut ct, Some(&range), Manip::Src, now));
        t.translate(&mut syn, &ct, Manip::Src);
        t.confirm(&mut ct, now);
        ports.push(syn.l4.ports().expect("TCP").0);
    }
    assert_eq!(ports, [4000, 4001]);
}

#[test]
fn the_routers_own_connection_gives_way_to_a_masqueraded_one() {
    let router = [8, 8, 8, 8];
    let range = NatRange { addrs: Some((router.into(), router.into())), ports: None };
    let mut t = Conntrack::default();
    let now = SimTime(SECOND);
    for (from, range, port) in [([192, 168, 10, 2], Some(&range), 4000), (router, None, 4001)] {
        let (mut syn, mut ct) = (tcp((from, 4000), (CLIENT, 22), TcpFlags::SYN), Ct::None);
        t.enter(&syn, &mut ct, now);
        assert!(t.settle(&mut ct, range, Manip::Src, now));
        t.translate(&mut syn, &ct, Manip::Src);
        t.confirm(&mut ct, now);
        assert_eq!(syn.l4.ports(), Some((port, 22)));
    }
}

#[test]
fn a_reset_instead_of_an_answer_ends_the_entry() {
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let mut t = Conntrack::default();
    pass(&mut t, &tcp(c, s, TcpFlags::SYN), 1);
    assert_eq!(pass(&mut t, &tcp(s, c, TcpFlags::RST | TcpFlags::ACK), 1), state::ESTABLISHED);
    assert!(t.is_empty());
}

fn segment(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: TcpFlags, (seq, ack, len): (u32, u32, u16)) -> IpPacket {
    let mut pkt = tcp(from, to, flags);
    if let L4::Tcp(t) = &mut pkt.l4 {
        (t.seq, t.ack, t.len) = (seq, ack, len);
    }
    pkt
}

/// The only connection: its state, whether it is assured, and how many seconds are left at its last packet.
fn only(t: &Conntrack, at: u64) -> (&'static str, bool, u64) {
    let all = t.alive_now(SimTime(at * SECOND));
    let [conn] = all[..] else { panic!("{} connections", all.len()) };
    (conn.tcp().map_or("", Tcp::name), conn.assured(), conn.seconds_left(SimTime(at * SECOND)))
}

#[test]
fn a_connection_is_assured_by_the_handshake_and_lasts_long_once_its_data_is_acknowledged() {
    let (c, s) = ((CLIENT, 4000), (SERVER, 80));
    let (syn, ack) = (TcpFlags::SYN, TcpFlags::ACK);
    let mut t = Conntrack::default();
    let story = [
        (segment(c, s, syn, (100, 0, 0)), ("SYN_SENT", false, 120)),
        (segment(s, c, syn | ack, (500, 101, 0)), ("SYN_RECV", false, 60)),
        (segment(c, s, ack, (101, 501, 0)), ("ESTABLISHED", true, 432_000)),
        (segment(c, s, ack | TcpFlags::PSH, (101, 501, 10)), ("ESTABLISHED", true, 300)),
        (segment(s, c, ack, (501, 111, 0)), ("ESTABLISHED", true, 432_000)),
        (segment(s, c, ack, (501, 111, 0)), ("ESTABLISHED", true, 432_000)),
        (segment(s, c, ack, (501, 111, 0)), ("ESTABLISHED", true, 432_000)),
        (segment(s, c, ack, (501, 111, 0)), ("ESTABLISHED", true, 300)),
        (segment(c, s, ack | TcpFlags::FIN, (111, 501, 0)), ("FIN_WAIT", true, 120)),
        (segment(s, c, ack, (501, 112, 0)), ("CLOSE_WAIT", true, 60)),
    ];
    for (n, (pkt, want)) in story.iter().enumerate() {
        pass(&mut t, pkt, 1);
        assert_eq!(only(&t, 1), *want, "packet {n}");
    }
}

#[test]
fn a_repeated_syn_makes_nothing_last_longer() {
    let mut t = Conntrack::default();
    let syn = tcp((CLIENT, 4000), (SERVER, 80), TcpFlags::SYN);
    pass(&mut t, &syn, 1);
    pass(&mut t, &syn, 3);
    assert_eq!(only(&t, 3), ("SYN_SENT", false, 118));
}

#[test]
fn datagrams_in_both_directions_are_a_stream_after_two_seconds() {
    let udp = |from: [u8; 4], to: [u8; 4], ports: (u16, u16)| {
        ip(from, to, L4::Udp(crate::wire::Datagram { sport: ports.0, dport: ports.1, len: 4, body: Body::FILLER }))
    };
    let (ask, answer) = (udp(CLIENT, SERVER, (4000, 53)), udp(SERVER, CLIENT, (53, 4000)));
    let mut t = Conntrack::default();
    for pkt in [&ask, &answer, &ask] {
        pass(&mut t, pkt, 1);
    }
    assert_eq!(only(&t, 1), ("", false, 30));
    pass(&mut t, &ask, 4);
    assert_eq!(only(&t, 4), ("", true, 120));
}

#[test]
fn the_hosts_variables_say_how_long_and_how_many() {
    let mut sysctls = Sysctls::default();
    let mut t = Conntrack::default();
    let mut set = |t: &mut Conntrack, name: &str, value: &str| {
        sysctls.write(&format!("net.netfilter.nf_conntrack_{name}"), value).expect("a variable");
        t.take_sysctls(&sysctls);
    };
    set(&mut t, "tcp_timeout_syn_sent", "7");
    set(&mut t, "max", "1");
    let syn = |port| tcp((CLIENT, port), (SERVER, 80), TcpFlags::SYN);
    pass(&mut t, &syn(4000), 1);
    assert_eq!(only(&t, 1), ("SYN_SENT", false, 7));
    assert_eq!(t.enter(&syn(4001), &mut Ct::None, SimTime(2 * SECOND)), Tracked::Full);
    assert_eq!(t.enter(&syn(4001), &mut Ct::None, SimTime(9 * SECOND)), Tracked::Passes, "the other has ended");
    set(&mut t, "tcp_loose", "0");
    let mut ct = Ct::None;
    t.enter(&tcp((CLIENT, 4002), (SERVER, 80), TcpFlags::ACK), &mut ct, SimTime(9 * SECOND));
    assert!(matches!(ct, Ct::None), "no connection is taken up in mid-life");
}
