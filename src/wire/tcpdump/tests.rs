//! Lines as tcpdump 4.99.3 prints them.

use super::*;
use crate::wire::{Arp, ArpOp, Body, Datagram, Fragment, Icmp, IpPacket, L4, Mac, TcpFlags, testing};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

fn ip(saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) -> Frame {
    Frame { l3: L3::Ip(testing::ip(saddr, daddr, l4)), dst: B, src: A }
}

fn segment(sport: u16, dport: u16, flags: TcpFlags, seq: u32, ack: u32, len: u16) -> L4 {
    L4::Tcp(testing::segment(sport, dport, flags, seq, ack, len))
}

fn quote(frame: Frame) -> Box<IpPacket> {
    Box::new(frame.ip().expect("made above").clone())
}

#[test]
fn the_first_numbers_are_absolute_and_later_ones_relative() {
    let mut dump = Dump::new(Style::default());
    let (syn, ack, psh) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::PSH);
    let mut said = |from, to, l4| dump.line(&ip(from, to, l4), true, Words::default());
    assert_eq!(
        said(CLIENT, VIP, segment(32768, 80, syn, 5000, 0, 0)),
        "IP 10.0.0.1.32768 > 10.0.0.100.80: Flags [S], seq 5000, win 502, options [mss 1460,sackOK,TS val 1000007 ecr 0,nop,wscale 7], length 0"
    );
    assert_eq!(
        said(VIP, CLIENT, segment(80, 32768, syn | ack, 900, 5001, 0)),
        "IP 10.0.0.100.80 > 10.0.0.1.32768: Flags [S.], seq 900, ack 5001, win 502, options [mss 1460,sackOK,TS val 1000007 ecr 1000006,nop,wscale 7], length 0"
    );
    let options = "options [nop,nop,TS val 1000007 ecr 1000006]";
    assert_eq!(
        said(CLIENT, VIP, segment(32768, 80, ack, 5001, 901, 0)),
        format!("IP 10.0.0.1.32768 > 10.0.0.100.80: Flags [.], ack 1, win 502, {options}, length 0")
    );
    assert_eq!(
        said(CLIENT, VIP, segment(32768, 80, psh | ack, 5001, 901, 100)),
        format!(
            "IP 10.0.0.1.32768 > 10.0.0.100.80: Flags [P.], seq 1:101, ack 1, win 502, {options}, length 100: HTTP"
        )
    );
}

#[test]
fn one_side_alone_is_counted_from_its_first_acknowledgement() {
    // What a director with direct routing sees.
    let mut dump = Dump::new(Style::default());
    let mut said = |seq, ack, len| {
        let l4 = segment(32768, 80, TcpFlags::ACK, seq, ack, len);
        dump.line(&ip(CLIENT, VIP, l4), true, Words::default())
    };
    assert!(said(5001, 901, 0).contains("Flags [.], ack 901, win"));
    assert!(said(5001, 901, 100).contains("seq 0:100, ack 1, win"));
}

#[test]
fn capital_s_leaves_numbers_alone() {
    let mut dump = Dump::new(Style { absolute: true, ..Style::default() });
    let l4 = segment(32768, 81, TcpFlags::ACK, 5001, 901, 3);
    for _ in 0..2 {
        let line = dump.line(&ip(CLIENT, VIP, l4.clone()), true, Words::default());
        assert!(line.contains("seq 5001:5004, ack 901"), "{line}");
    }
}

#[test]
fn small_e_shows_hardware_addresses_where_there_are_some() {
    let style = Style { link: true, ..Style::default() };
    let echo = L4::Icmp(Box::new(Icmp::Echo { request: true, ident: 5, seq: 1, len: 56, body: Body::FILLER }));
    let frame = ip(CLIENT, VIP, echo);
    let line = |ethernet| Dump::new(style).line(&frame, ethernet, Words::default());
    assert_eq!(
        line(true),
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 98: 10.0.0.1 > 10.0.0.100: ICMP echo request, id 5, seq 1, length 64"
    );
    assert_eq!(line(false), "ip: 10.0.0.1 > 10.0.0.100: ICMP echo request, id 5, seq 1, length 64");
}

#[test]
fn errors_name_what_could_not_be_reached() {
    let tcp = || segment(32768, 80, TcpFlags::SYN, 1, 0, 0);
    let unreachable = |code, mtu, l4| Icmp::Unreachable { code, mtu, quote: quote(ip(CLIENT, VIP, l4)) };
    let udp = L4::Udp(Datagram { sport: 1, dport: 9998, len: 100, body: Body::FILLER });
    for (icmp, expected) in [
        (unreachable(0, 0, tcp()), "ICMP net 10.0.0.100 unreachable, length 68"),
        (unreachable(1, 0, tcp()), "ICMP host 10.0.0.100 unreachable, length 68"),
        (unreachable(3, 0, tcp()), "ICMP 10.0.0.100 tcp port 80 unreachable, length 68"),
        (unreachable(3, 0, udp), "ICMP 10.0.0.100 udp port 9998 unreachable, length 136"),
        (unreachable(4, 1400, tcp()), "ICMP 10.0.0.100 unreachable - need to frag (mtu 1400), length 68"),
        (unreachable(13, 0, tcp()), "ICMP host 10.0.0.100 unreachable - admin prohibited filter, length 68"),
        (
            Icmp::TimeExceeded { code: 0, quote: quote(ip(CLIENT, VIP, tcp())) },
            "ICMP time exceeded in-transit, length 68",
        ),
        (
            Icmp::Redirect { code: 1, gateway: CLIENT, quote: quote(ip(CLIENT, VIP, tcp())) },
            "ICMP redirect 10.0.0.100 to host 10.0.0.1, length 68",
        ),
    ] {
        let frame = ip(VIP, CLIENT, L4::Icmp(Box::new(icmp)));
        assert_eq!(
            Dump::default().line(&frame, true, Words::default()),
            format!("IP 10.0.0.100 > 10.0.0.1: {expected}")
        );
    }
}

#[test]
fn a_tunnel_packet_shows_the_one_inside() {
    let inner = quote(ip(CLIENT, VIP, segment(32768, 80, TcpFlags::RST, 5, 0, 0)));
    let frame = ip(VIP, CLIENT, L4::Ipip(inner));
    let line = Dump::default().line(&frame, true, Words::default());
    assert!(line.starts_with("IP 10.0.0.100 > 10.0.0.1: IP 10.0.0.1.32768 > 10.0.0.100.80: Flags [R]"), "{line}");
}

#[test]
fn later_fragments_show_their_protocol_only() {
    let piece = L4::Fragment(Box::new(Fragment { whole: segment(1, 2, TcpFlags::ACK, 1, 1, 1448), len: 20 }));
    let mut frame = ip(CLIENT, VIP, piece);
    if let L3::Ip(p) = &mut frame.l3 {
        p.frag = 185;
    }
    assert_eq!(Dump::default().line(&frame, true, Words::default()), "IP 10.0.0.1 > 10.0.0.100: ip-proto-6");
}

#[test]
fn arp_reads_as_people_know_it() {
    let arp = |op, tha| Frame { l3: L3::Arp(Arp { op, sha: A, spa: CLIENT, tha, tpa: VIP }), dst: B, src: A };
    for (op, tha, expected) in [
        (ArpOp::Request, Mac::ZERO, "ARP, Request who-has 10.0.0.100 tell 10.0.0.1, length 28"),
        (ArpOp::Request, B, "ARP, Request who-has 10.0.0.100 (02:00:00:00:00:02) tell 10.0.0.1, length 28"),
        (ArpOp::Reply, B, "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28"),
    ] {
        assert_eq!(Dump::default().line(&arp(op, tha), true, Words::default()), expected);
    }
}

fn printed(style: Style, link: LinkType, bytes: &[u8]) -> String {
    Dump::new(style).packet(Packet { link, bytes, len: bytes.len() as u32, dev: "eth0" }, None)
}

#[test]
fn small_v_shows_the_ip_header_and_verifies_checksums() {
    let verbose = |times| Style { verbose: times, ..Style::default() };
    let syn = ip(CLIENT, VIP, segment(32768, 80, TcpFlags::SYN, 5000, 0, 0));
    let whole = frame_bytes(&syn, Words::default());
    assert_eq!(
        printed(verbose(1), LinkType::En10mb, &whole),
        "IP (tos 0x0, ttl 64, id 7, offset 0, flags [none], proto TCP (6), length 60)\n    \
         10.0.0.1.32768 > 10.0.0.100.80: Flags [S], cksum 0x5b77 (correct), seq 5000, win 502, \
         options [mss 1460,sackOK,TS val 1000007 ecr 0,nop,wscale 7], length 0"
    );
    let partial = super::super::emit::summed_frame_bytes(&syn, Words::default(), super::super::emit::Sums::Offloaded);
    let said = printed(verbose(1), LinkType::En10mb, &partial);
    assert!(said.contains("Flags [S], cksum 0x1493 (incorrect -> 0x5b77), seq 5000"), "{said}");
    let udp = ip(CLIENT, VIP, L4::Udp(Datagram { sport: 1, dport: 9, len: 4, body: Body::FILLER }));
    let said = printed(verbose(2), LinkType::En10mb, &frame_bytes(&udp, Words::default()));
    assert!(said.ends_with("10.0.0.1.1 > 10.0.0.100.9: [udp sum ok] UDP, length 4"), "{said}");
}

#[test]
fn small_v_shows_the_packet_that_an_error_quotes() {
    let tcp = segment(32768, 80, TcpFlags::RST, 5, 0, 0);
    let error = Icmp::TimeExceeded { code: 0, quote: quote(ip(CLIENT, VIP, tcp)) };
    let bytes = frame_bytes(&ip(VIP, CLIENT, L4::Icmp(Box::new(error))), Words::default());
    let said = printed(Style { verbose: 1, ..Style::default() }, LinkType::En10mb, &bytes);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[1], "    10.0.0.100 > 10.0.0.1: ICMP time exceeded in-transit, length 60");
    assert_eq!(lines[2], "\tIP (tos 0x0, ttl 64, id 7, offset 0, flags [none], proto TCP (6), length 52)");
    assert!(lines[3].starts_with("    10.0.0.1.32768 > 10.0.0.100.80: Flags [R], cksum 0x"), "{said}");
}

#[test]
fn a_cut_packet_says_where_it_ends() {
    let syn = frame_bytes(&ip(CLIENT, VIP, segment(32768, 80, TcpFlags::SYN, 5000, 0, 0)), Words::default());
    let cut = |at: usize| {
        let packet = Packet { link: LinkType::En10mb, bytes: &syn[..at], len: syn.len() as u32, dev: "" };
        Dump::default().packet(packet, None)
    };
    assert_eq!(cut(10), " [|ether]");
    assert_eq!(cut(30), "IP  [|ip]");
    assert_eq!(cut(36), "IP 10.0.0.1 > 10.0.0.100: [|tcp]");
    assert!(cut(64).ends_with("options [mss 1460,sackOK,TS [|tcp]>"), "{}", cut(64));
}

#[test]
fn small_q_is_brief() {
    let style = Style { quiet: 1, ..Style::default() };
    let syn = frame_bytes(&ip(CLIENT, VIP, segment(32768, 80, TcpFlags::SYN, 5000, 0, 0)), Words::default());
    assert_eq!(printed(style, LinkType::En10mb, &syn), "IP 10.0.0.1.32768 > 10.0.0.100.80: tcp 0");
}

#[test]
fn any_names_the_device_and_the_direction() {
    use crate::wire::capture::{PacketType, sll2_header};
    let echo = L4::Icmp(Box::new(Icmp::Echo { request: true, ident: 5, seq: 1, len: 56, body: Body::FILLER }));
    let mut bytes = sll2_header(0x0800, 3, 1, PacketType::Outgoing, Some(A)).to_vec();
    bytes.extend_from_slice(&ip_bytes(ip(CLIENT, VIP, echo).ip().expect("made above"), Words::default()));
    assert_eq!(
        printed(Style::default(), LinkType::LinuxSll2, &bytes),
        "eth0  Out IP 10.0.0.1 > 10.0.0.100: ICMP echo request, id 5, seq 1, length 64"
    );
    assert!(printed(Style { link: true, ..Style::default() }, LinkType::LinuxSll2, &bytes).starts_with(
        "eth0  Out ifindex 3 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 104: 10.0.0.1 > 10.0.0.100: ICMP"
    ));
}

#[test]
fn vrrp_shows_router_priority_and_addresses() {
    let mut bytes = vec![0x45, 0xc0, 0, 40, 0, 1, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18];
    bytes.extend_from_slice(&[0x21, 51, 150, 1, 0, 1, 0, 0, 10, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0]);
    let said = printed(Style::default(), LinkType::Raw, &bytes);
    assert_eq!(
        said,
        "IP 10.0.0.1 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 150, authtype none, intvl 1s, length 20"
    );
    let said = printed(Style { verbose: 1, ..Style::default() }, LinkType::Raw, &bytes);
    assert!(said.ends_with("length 20, (bad vrrp cksum 0), addrs: 10.0.0.100"), "{said}");
}

#[test]
fn hexadecimal_dumps_leave_the_link_header_out_unless_asked_twice() {
    let arp = Frame {
        l3: L3::Arp(Arp { op: ArpOp::Request, sha: A, spa: CLIENT, tha: Mac::ZERO, tpa: VIP }),
        dst: Mac::BROADCAST,
        src: A,
    };
    let bytes = frame_bytes(&arp, Words::default());
    let dumped = |style| printed(style, LinkType::En10mb, &bytes).lines().skip(1).map(String::from).collect::<Vec<_>>();
    assert_eq!(
        dumped(Style { hex_and_ascii: 1, ..Style::default() }),
        [
            "\t0x0000:  0001 0800 0604 0001 0200 0000 0001 0a00  ................",
            "\t0x0010:  0001 0000 0000 0000 0a00 0064            ...........d",
        ]
    );
    assert_eq!(dumped(Style { hex: 2, ..Style::default() })[0], "\t0x0000:  ffff ffff ffff 0200 0000 0001 0806 0001");
}

#[test]
fn without_small_n_ports_and_hosts_have_names() {
    struct Known;
    impl Names for Known {
        fn host(&self, addr: Ipv4Addr) -> Option<String> {
            (addr == CLIENT).then(|| "client".into())
        }
        fn port(&self, proto: Proto, port: u16) -> Option<String> {
            (proto == Proto::Tcp && port == 80).then(|| "http".into())
        }
    }
    let syn = frame_bytes(&ip(CLIENT, VIP, segment(32768, 80, TcpFlags::RST, 5000, 0, 0)), Words::default());
    let style = Style { link: true, ..Style::default() };
    let packet = Packet { link: LinkType::En10mb, bytes: &syn, len: syn.len() as u32, dev: "" };
    let said = Dump::new(style).packet(packet, Some(&Known));
    assert!(
        said.starts_with(
            "02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype IPv4 (0x0800), length 66: \
             client.32768 > 10.0.0.100.http: Flags [R]"
        ),
        "{said}"
    );
}
