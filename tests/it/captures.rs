//! Captures against the real tools: tshark must find every frame well-formed with good checksums, and tcpdump must
//! print what lvsim says that it prints. Without the tools the tests say so and pass.

use lvsim::base::{DevIdx, NodeId, SimTime};
use lvsim::report::log::{DevInfo, NodeInfo, RunLog};
use lvsim::report::pcap;
use lvsim::trace::{Dir, Record, TraceEvent};
use lvsim::wire::capture::{LinkType, PacketType, sll2_header};
use lvsim::wire::emit::{Sums, Words, summed_frame_bytes};
use lvsim::wire::tcpdump::{Dump, Packet, Style};
use lvsim::wire::*;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;

/// What a tool printed about a capture; none, with a line on standard error, where it is not installed.
pub fn ask(tool: &str, args: &[&str], pcapng: &[u8]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(pcapng).expect("the capture is written");
    let path = file.path().to_str().expect("a plain path");
    let Ok(out) = Command::new(tool).args(["-r", path]).args(args).output() else {
        eprintln!("SKIPPED: {tool} is not installed; install it to check captures");
        return None;
    };
    assert!(out.status.success(), "{tool}: {}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Holds a capture against tshark: nothing malformed, no bad checksum. Payloads are not what their ports say, so they
/// are taken as data. True if tshark was there.
pub fn well_formed(pcapng: &[u8]) -> bool {
    let prefs = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
    let no_payloads = ["-d", "tcp.port==1-65535,data", "-d", "udp.port==1-65535,data"];
    // Inside an ICMP error stands a cut packet, whose length and checksum tshark cannot judge.
    let bad = "_ws.malformed || _ws.short || ip.checksum.status == 0 || icmp.checksum.status == 0 \
               || (!icmp && (tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.bogus_ip_length))";
    let mut args = prefs.to_vec();
    args.extend(no_payloads);
    args.extend(["-Y", bad]);
    let Some(found) = ask("tshark", &args, pcapng) else { return false };
    assert_eq!(found, "", "tshark finds fault with these frames");
    true
}

fn capture(log: &RunLog<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pcap::write(log, &mut bytes).expect("a trace in memory");
    bytes
}

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

fn packet(id: u32, frag: u16, l4: L4) -> IpPacket {
    IpPacket { saddr: A, daddr: B, id: PacketId(id), frag, ttl: 64, tos: 0, l4 }
}

fn back(mut p: IpPacket) -> IpPacket {
    std::mem::swap(&mut p.saddr, &mut p.daddr);
    p
}

fn tcp(ports: (u16, u16), flags: TcpFlags, seq: u32, ack: u32, len: u16) -> L4 {
    L4::Tcp(TcpSegment {
        seq,
        ack,
        body: if len > 0 { Body::ask(1000) } else { Body::FILLER },
        sport: ports.0,
        dport: ports.1,
        len,
        mss: 1460,
        window: 502,
        flags,
        end: false,
        timestamps: !flags.has(TcpFlags::RST),
    })
}

fn udp(dport: u16, len: u16) -> L4 {
    L4::Udp(Datagram { sport: 40000, dport, len, body: Body::answer(NodeId(0)) })
}

fn echo(request: bool, len: u16) -> L4 {
    L4::Icmp(Box::new(Icmp::Echo { request, ident: 77, seq: 3, len, body: Body::FILLER }))
}

fn icmp(icmp: Icmp) -> L4 {
    L4::Icmp(Box::new(icmp))
}

fn piece(id: u32, frag: u16, whole: L4, len: u16) -> IpPacket {
    packet(id, frag, L4::Fragment(Box::new(Fragment { whole, len })))
}

/// One of everything that lvsim can send.
fn zoo() -> Vec<L3> {
    let (syn, ack, psh, fin, rst) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::PSH, TcpFlags::FIN, TcpFlags::RST);
    let (web, bew) = ((32768, 80), (80, 32768));
    let arp = |op, spa, tha, tpa| L3::Arp(Arp { op, sha: mac(1), spa, tha, tpa });
    let about = |l4| Box::new(packet(9, IpPacket::DF, l4));
    let unreachable = |code, mtu, l4| icmp(Icmp::Unreachable { code, mtu, quote: about(l4) });
    let big = || tcp(web, ack, 2000, 1, 1448);
    let mut all = vec![
        arp(ArpOp::Request, A, Mac::ZERO, B),
        arp(ArpOp::Request, A, Mac::BROADCAST, A),
        arp(ArpOp::Request, Ipv4Addr::UNSPECIFIED, Mac::ZERO, B),
        arp(ArpOp::Request, A, Mac::ZERO, A),
        arp(ArpOp::Request, A, mac(2), B),
        arp(ArpOp::Reply, A, mac(2), B),
        arp(ArpOp::Reply, A, mac(1), A),
    ];
    let df = IpPacket::DF;
    all.extend(
        [
            packet(1, df, tcp(web, syn, 1000, 0, 0)),
            back(packet(2, df, tcp(bew, syn | ack, 77_000, 1001, 0))),
            packet(3, df, tcp(web, ack, 1001, 77_001, 0)),
            packet(4, df, tcp(web, psh | ack, 1001, 77_001, 100)),
            back(packet(5, df, tcp(bew, psh | ack, 77_001, 1101, 1448))),
            packet(6, df, tcp(web, fin | ack, 1101, 78_449, 0)),
            packet(7, df, tcp(web, fin | psh | ack, 1101, 78_449, 5)),
            packet(8, df, tcp(web, rst, 1102, 0, 0)),
            back(packet(9, df, tcp((81, 32769), rst | ack, 0, 1001, 0))),
            packet(10, 0, udp(9999, 100)),
            packet(11, 0, udp(9999, 0)),
            packet(12, df, echo(true, 56)),
            back(packet(13, 0, echo(false, 56))),
            packet(14, 0, unreachable(Icmp::NET, 0, big())),
            packet(15, 0, unreachable(Icmp::HOST, 0, echo(true, 56))),
            packet(16, 0, unreachable(Icmp::PROTOCOL, 0, L4::Ipip(about(big())))),
            packet(17, 0, unreachable(Icmp::PORT, 0, udp(9998, 100))),
            packet(18, 0, unreachable(Icmp::PORT, 0, tcp(web, syn, 1, 0, 0))),
            packet(19, 0, unreachable(Icmp::FRAG_NEEDED, 1400, big())),
            packet(20, 0, unreachable(Icmp::FRAG_NEEDED, 1400, L4::Ipip(about(big())))),
            packet(21, 0, unreachable(Icmp::FILTERED, 0, tcp(web, syn, 1, 0, 0))),
            packet(22, 0, unreachable(9, 0, tcp(web, syn, 1, 0, 0))),
            packet(23, 0, unreachable(10, 0, tcp(web, syn, 1, 0, 0))),
            packet(24, 0, icmp(Icmp::TimeExceeded { code: 0, quote: about(udp(44444, 1472)) })),
            packet(25, 0, icmp(Icmp::TimeExceeded { code: 1, quote: about(udp(44444, 1472)) })),
            packet(26, 0, icmp(Icmp::Redirect { code: 0, gateway: B, quote: about(big()) })),
            packet(27, 0, icmp(Icmp::Redirect { code: 1, gateway: B, quote: about(big()) })),
            packet(28, df, L4::Ipip(about(tcp((32770, 80), psh | ack, 5, 5, 100)))),
            piece(29, IpPacket::MF, udp(9999, 1600), 1480),
            piece(29, 185, udp(9999, 1600), 128),
            piece(30, IpPacket::MF, echo(true, 2000), 1480),
            piece(30, 185, echo(true, 2000), 528),
            piece(31, IpPacket::MF, L4::Ipip(about(tcp((32771, 80), ack, 9, 9, 1448))), 1480),
            piece(31, 185, L4::Ipip(about(tcp((32771, 80), ack, 9, 9, 1448))), 20),
        ]
        .map(L3::Ip),
    );
    all
}

fn frames() -> Vec<Frame> {
    zoo().into_iter().map(|l3| Frame { l3, dst: mac(2), src: mac(1) }).collect()
}

fn run(devs: &[(&str, bool)], records: &[Record], check: impl FnOnce(&RunLog<'_>)) {
    let dev = |(name, ethernet): &(&str, bool)| DevInfo {
        name: name.to_string(),
        mac: if *ethernet { mac(1) } else { Mac::ZERO },
        ethernet: *ethernet,
        addrs: vec![(A, 24)],
        mtu: 1500,
        peer: None,
    };
    check(&RunLog {
        name: "zoo".into(),
        title: "One of everything".into(),
        about: String::new(),
        seed: 1,
        zero: SimTime(1_000_000_000),
        ended: SimTime(2_000_000_000),
        nodes: vec![NodeInfo { name: "导演".into(), kind: "director".into(), devs: devs.iter().map(dev).collect() }],
        records,
        aside: None,
        lost_records: 0,
        connections: vec![],
        expectations: vec![],
        typed: Vec::new(),
        services: vec![],
        marks: vec![],
        texts: &[],
        bytes: &[],
        events: 0,
        frames: 0,
    });
}

fn record(n: usize, dev: u16, ethernet: bool, frame: &Frame) -> Record {
    let event = TraceEvent::Frame { dev: DevIdx(dev), dir: Dir::Out, frame: Box::new(frame.clone()), ethernet };
    Record { at: SimTime(n as u64 * 1_000_000), node: NodeId(0), event }
}

#[test]
fn tshark_finds_every_frame_well_formed_with_good_checksums() {
    let mut records: Vec<Record> = frames().iter().enumerate().map(|(n, f)| record(n, 0, true, f)).collect();
    let bare = frames().into_iter().filter(|f| f.ip().is_some());
    records.extend(bare.enumerate().map(|(n, f)| record(n + 100, 1, false, &f)));
    run(&[("eth0", true), ("tunl0", false)], &records, |log| {
        let bytes = capture(log);
        well_formed(&bytes);
        let fields = ["-T", "fields", "-e", "frame.interface_name", "-e", "frame.protocols"];
        let Some(said) = ask("tshark", &fields, &bytes) else { return };
        assert_eq!(said.lines().count(), records.len());
        assert!(said.starts_with("导演:eth0\teth:ethertype:arp"), "{said}");
        assert!(said.lines().last().is_some_and(|l| l.starts_with("导演:tunl0\traw:ip")), "{said}");
    });
}

#[test]
fn tshark_reports_a_spoilt_checksum() {
    let frame = &frames()[7];
    run(&[("eth0", true)], &[record(0, 0, true, frame)], |log| {
        let mut bytes = capture(log);
        let at = bytes.windows(6).position(|w| w == frame.dst.0.as_slice()).into_iter().chain(
            // The first hit may be the interface's own address in its block.
            bytes.windows(12).position(|w| w[..6] == frame.dst.0 && w[6..] == frame.src.0),
        );
        let at = at.max().expect("the frame is in the file");
        bytes[at + 14 + 20 + 16] ^= 1;
        let args = ["-o", "tcp.check_checksum:TRUE", "-Y", "tcp.checksum.status == 0"];
        let Some(said) = ask("tshark", &args, &bytes) else { return };
        assert_eq!(said.lines().count(), 1);
    });
}

/// A file of packets in the old format of libpcap: what was captured of each, and how long it was.
fn pcap(linktype: u32, packets: &[(Vec<u8>, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, linktype] {
        out.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (n, (bytes, len)) in packets.iter().enumerate() {
        for word in [n as u32, 0, bytes.len() as u32, *len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(bytes);
    }
    out
}

/// An advertisement of VRRP, two of IGMP, an unknown protocol: IP packets that lvsim's hosts do not all send.
fn others() -> Vec<Vec<u8>> {
    let ip = |proto: u8, ttl: u8, options: &[u8], payload: &[u8]| {
        let hlen = 20 + options.len();
        let total = (hlen + payload.len()) as u16;
        let mut out = vec![0x40 | (hlen / 4) as u8, 0xc0, (total >> 8) as u8, total as u8, 0, 7, 0, 0, ttl, proto];
        out.extend_from_slice(&[0, 0, 10, 0, 0, 1, 224, 0, 0, 18]);
        out.extend_from_slice(options);
        out.extend_from_slice(payload);
        out
    };
    let vrrp2 = [0x21, 51, 150, 2, 1, 1, 0xab, 0xcd, 10, 0, 0, 100, 10, 0, 0, 101, b'1', b'1', b'1', b'1', 0, 0, 0, 0];
    let vrrp3 = [0x31, 51, 150, 1, 0, 100, 0xab, 0xcd, 10, 0, 0, 100];
    let report = [0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 18];
    let join = [0x16, 0, 0, 0, 224, 0, 0, 18];
    let tcp = |ports: [u16; 2], flags: u8, options: &[u8], text: &[u8]| {
        let mut segment: Vec<u8> = ports.iter().flat_map(|p| p.to_be_bytes()).collect();
        segment.extend_from_slice(&[0, 0, 0, 9, 0, 0, 0, 5, (((20 + options.len()) / 4) << 4) as u8, flags, 1, 0]);
        segment.extend_from_slice(&[0, 0, 0, 0]);
        segment.extend_from_slice(options);
        segment.extend_from_slice(text);
        ip(6, 64, &[], &segment)
    };
    let mut all = vec![
        ip(112, 255, &[], &vrrp2),
        ip(112, 64, &[], &vrrp3),
        ip(2, 1, &[148, 4, 0, 0], &report),
        ip(2, 1, &[148, 4, 0, 0], &join),
        ip(200, 1, &[], &[1, 2, 3]),
        ip(6, 64, &[], &[0, 1, 0, 2, 0]),
        tcp([5, 6], 0x14, &[], b"No such thing \x01\x81, nowhere at all"),
        tcp([5, 6], 0x10, &[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 20], b""),
        tcp([5, 6], 0xe0, &[2, 4, 5, 180, 99, 4, 7, 8, 3, 9, 0, 0], b""),
        tcp([6, 5], 0x00, &[], b"x"),
    ];
    let texts: [(u16, &[u8]); 12] = [
        (80, b"GET / HTTP/1.0\r\nHost: www\r\n\r\nbody"),
        (80, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\x00\x01"),
        (8080, b"POST /half-a-line"),
        (80, b"continued\r\n"),
        (80, b"got 20x\r\n"),
        (80, b"HTTP/1.1\t\r\n"),
        (21, b"220 ready\r\n"),
        (25, b"EHLO www\n250 fine\n"),
        (22, b"SSH-2.0-OpenSSH_9.2\r\n"),
        (22, b"SSH-2.0-Open\x01\r\n"),
        (8554, b"options * RTSP/1.0\r\n"),
        (43, b"name\rother\r\n"),
    ];
    all.extend(texts.map(|(port, text)| tcp([40_000, port], 0x18, &[], text)));
    all
}

/// The arguments of each style that is compared.
fn styles() -> Vec<(&'static [&'static str], Style)> {
    let style = Style::default();
    vec![
        (&[], style),
        (&["-e"], Style { link: true, ..style }),
        (&["-S"], Style { absolute: true, ..style }),
        (&["-v"], Style { verbose: 1, ..style }),
        (&["-vv", "-e"], Style { verbose: 2, link: true, ..style }),
        (&["-vv", "-K"], Style { verbose: 2, unchecked: true, ..style }),
        (&["-q"], Style { quiet: 1, ..style }),
        (&["-qq", "-e"], Style { quiet: 2, link: true, ..style }),
        (&["-x"], Style { hex: 1, ..style }),
        (&["-xx"], Style { hex: 2, ..style }),
        (&["-X"], Style { hex_and_ascii: 1, ..style }),
        (&["-XX", "-v"], Style { hex_and_ascii: 2, verbose: 1, ..style }),
        (&["-A"], Style { ascii: 1, ..style }),
        (&["-AA"], Style { ascii: 2, ..style }),
    ]
}

/// Where lvsim prints something else about packets than tcpdump, in every style.
fn unlike_tcpdump(link: LinkType, linktype: u32, packets: &[(Vec<u8>, u32)]) -> Vec<String> {
    let file = pcap(linktype, packets);
    let mut unlike = Vec::new();
    for (args, style) in styles() {
        let args: Vec<&str> = ["-nn", "-t"].iter().chain(args).copied().collect();
        let Some(said) = ask("tcpdump", &args, &file) else { return unlike };
        let mut dump = Dump::new(style);
        let print =
            |(bytes, len): &(Vec<u8>, u32)| dump.packet(Packet { link, bytes, len: *len, dev: "?" }, None) + "\n";
        let ours: String = packets.iter().map(print).collect();
        let differ = said.lines().zip(ours.lines()).filter(|(a, b)| a != b);
        unlike.extend(
            differ.take(5).map(|(said, ours)| format!("{link:?} {args:?}\n  tcpdump {said}\n  lvsim   {ours}")),
        );
        if said.lines().count() != ours.lines().count() {
            unlike.push(format!("{link:?} {args:?}: {} lines and {}", said.lines().count(), ours.lines().count()));
        }
    }
    unlike
}

#[test]
fn tcpdump_prints_what_lvsim_says_it_prints() {
    let names = [std::sync::Arc::from("director")];
    let words = Words { nodes: &names, texts: &[], bytes: &[] };
    let mut unlike = Vec::new();
    for sums in [Sums::Whole, Sums::Offloaded] {
        let made = frames();
        let mut frames: Vec<Vec<u8>> = made.iter().map(|f| summed_frame_bytes(f, words, sums)).collect();
        frames.extend(others().iter().map(|ip| {
            let mut frame = vec![1, 0, 0x5e, 0, 0, 18, 2, 0, 0, 0, 0, 1, 8, 0];
            frame.extend_from_slice(ip);
            frame
        }));
        frames.push(vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x99, 0x99, 1, 2, 3]);
        for snaplen in [usize::MAX, 100, 60, 50, 38, 30, 16] {
            let cut = |bytes: &Vec<u8>| (bytes[..bytes.len().min(snaplen)].to_vec(), bytes.len() as u32);
            let packets: Vec<_> = frames.iter().map(cut).collect();
            unlike.extend(unlike_tcpdump(LinkType::En10mb, 1, &packets));
            let raw: Vec<_> = frames.iter().filter(|f| f[12..14] == [8, 0]).map(|f| f[14..].to_vec()).collect();
            unlike.extend(unlike_tcpdump(LinkType::Raw, 101, &raw.iter().map(cut).collect::<Vec<_>>()));
            let cooked = frames.iter().map(|f| {
                let kind = if f[0] == 1 { PacketType::Multicast } else { PacketType::Outgoing };
                let sender = (f[13] != 6).then_some(mac(1));
                let mut out = sll2_header(u16::from_be_bytes([f[12], f[13]]), 99_999, 1, kind, sender).to_vec();
                out.extend_from_slice(&f[14..]);
                out
            });
            unlike.extend(unlike_tcpdump(LinkType::LinuxSll2, 276, &cooked.map(|f| cut(&f)).collect::<Vec<_>>()));
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}
