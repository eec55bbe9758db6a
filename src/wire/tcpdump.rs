//! A frame as `tcpdump -nn` prints it (tcpdump 4.99: print-ip.c, print-tcp.c, print-udp.c, print-icmp.c, print-arp.c).
//!
//! Without the time stamp, which is the caller's. Left out: `-v`, `-x`, names instead of numbers, and the dissectors
//! of application protocols other than HTTP.

use super::emit::{Words, spelt, timestamps};
use super::{Arp, ArpOp, Frame, Icmp, IpPacket, L3, L4, Proto, TcpFlags, TcpSegment};
use crate::base::Table;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// What the options of the command line ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// `-e`: hardware addresses and the frame's length.
    pub link: bool,
    /// `-S`: sequence numbers as they are.
    pub absolute: bool,
}

/// Prints one capture. Sequence numbers are relative to what it saw of a connection, so keep one per capture.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    style: Style,
    flows: Table<Flow, (u32, u32)>,
}

/// Both ends of a connection, the lower one first.
type Flow = (Ipv4Addr, u16, Ipv4Addr, u16);

impl Dump {
    /// A new capture.
    pub fn new(style: Style) -> Dump {
        Dump { style, flows: Table::default() }
    }

    /// The line of a frame; `ethernet`: whether the device has Ethernet headers (`tunl0` has not).
    pub fn line(&mut self, frame: &Frame, ethernet: bool, words: Words<'_>) -> String {
        let mut out = String::new();
        let link = self.style.link;
        if link && ethernet {
            let (kind, number, len) = match &frame.l3 {
                L3::Arp(_) => ("ARP", 0x0806, Arp::LEN),
                L3::Ip(p) => ("IPv4", 0x0800, p.len()),
            };
            push(
                &mut out,
                format_args!(
                    "{} > {}, ethertype {kind} ({number:#06x}), length {}: ",
                    frame.src,
                    frame.dst,
                    len + Frame::HEADER
                ),
            );
        }
        match &frame.l3 {
            L3::Arp(arp) => {
                if !link {
                    out.push_str("ARP, ");
                }
                arp_line(&mut out, arp);
            }
            L3::Ip(packet) => {
                out.push_str(match (link, ethernet) {
                    (false, _) => "IP ",
                    (true, true) => "",
                    (true, false) => "ip: ",
                });
                self.ip(&mut out, packet, words);
            }
        }
        out
    }

    /// What `-i any` puts in front: the device and the direction.
    pub fn any_prefix(dev: &str, sent: bool, frame: &Frame) -> String {
        let way = match frame.dst {
            _ if sent => "Out",
            super::Mac::BROADCAST => "B",
            group if group.is_multicast() => "M",
            _ => "In",
        };
        format!("{dev:<5} {way:<3} ")
    }

    fn ip(&mut self, out: &mut String, p: &IpPacket, words: Words<'_>) {
        let (whole, there) = match &p.l4 {
            L4::Fragment(piece) if p.offset() == 0 => (&piece.whole, u32::from(piece.len)),
            l4 => (l4, l4.len()),
        };
        let ports = whole.ports().filter(|_| !matches!(whole, L4::Fragment(_)));
        match ports {
            Some((from, to)) => push(out, format_args!("{}.{from} > {}.{to}: ", p.saddr, p.daddr)),
            None => push(out, format_args!("{} > {}: ", p.saddr, p.daddr)),
        }
        match whole {
            L4::Tcp(t) => self.tcp(out, p, t, there, words),
            L4::Udp(u) => push(out, format_args!("UDP, length {}", u.len)),
            L4::Icmp(icmp) => icmp_line(out, icmp, p, there),
            L4::Ipip(inner) => {
                if !self.style.link {
                    out.push_str("IP ");
                }
                let missing = inner.len().saturating_sub(there);
                if missing > 0 {
                    push(out, format_args!("truncated-ip - {missing} bytes missing! "));
                }
                self.ip(out, inner, words);
            }
            L4::Fragment(_) => push(out, format_args!("ip-proto-{}", p.l4.proto() as u8)),
        }
    }

    fn tcp(&mut self, out: &mut String, p: &IpPacket, t: &TcpSegment, there: u32, words: Words<'_>) {
        let len = there.saturating_sub(t.header_len());
        let (seq, ack) = if self.style.absolute { (t.seq, t.ack) } else { self.relative(p, t) };
        push(out, format_args!("Flags [{}]", letters(t.flags)));
        let ends = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
        if len > 0 || t.flags.has(ends) {
            push(out, format_args!(", seq {seq}"));
            if len > 0 {
                push(out, format_args!(":{}", seq.wrapping_add(len)));
            }
        }
        if t.flags.has(TcpFlags::ACK) {
            push(out, format_args!(", ack {ack}"));
        }
        push(out, format_args!(", win {}", t.window));
        let (val, ecr) = timestamps(p.id, t.flags);
        if t.flags.has(TcpFlags::SYN) {
            push(out, format_args!(", options [mss {},sackOK,TS val {val} ecr {ecr},nop,wscale 7]", t.mss));
        } else if t.timestamps {
            push(out, format_args!(", options [nop,nop,TS val {val} ecr {ecr}]"));
        }
        push(out, format_args!(", length {len}"));
        if len > 0 && [t.sport, t.dport].iter().any(|p| [80, 8080].contains(p)) {
            out.push_str(": HTTP");
            let text = spelt(t.body, words);
            if let Some(first) = text.lines().next().filter(|l| http_line(l)) {
                push(out, format_args!(": {first}"));
            }
        }
    }

    /// As print-tcp.c counts: from what the first segment with ACK, or a later SYN+ACK, said on either side.
    fn relative(&mut self, p: &IpPacket, t: &TcpSegment) -> (u32, u32) {
        if !t.flags.has(TcpFlags::ACK) {
            return (t.seq, t.ack);
        }
        let (from, to) = ((p.saddr, t.sport), (p.daddr, t.dport));
        let turned = from > to;
        let (low, high) = if turned { (to, from) } else { (from, to) };
        let flow = (low.0, low.1, high.0, high.1);
        match self.flows.get(&flow) {
            Some((low, high)) if !t.flags.has(TcpFlags::SYN) => {
                let (mine, other) = if turned { (high, low) } else { (low, high) };
                (t.seq.wrapping_sub(*mine), t.ack.wrapping_sub(*other))
            }
            _ => {
                let (mine, other) = (t.seq, t.ack.wrapping_sub(1));
                let base = if turned { (other, mine) } else { (mine, other) };
                self.flows.insert(flow, base);
                (t.seq, t.ack)
            }
        }
    }
}

/// A first line that tcpdump shows: a request with a known method, or an answer with a status.
fn http_line(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    let methods = ["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS", "TRACE"];
    methods.contains(&first) || first.starts_with("HTTP/")
}

fn letters(flags: TcpFlags) -> String {
    let all =
        [(TcpFlags::FIN, 'F'), (TcpFlags::SYN, 'S'), (TcpFlags::RST, 'R'), (TcpFlags::PSH, 'P'), (TcpFlags::ACK, '.')];
    let set: String = all.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, letter)| letter).collect();
    if set.is_empty() { "none".into() } else { set }
}

fn arp_line(out: &mut String, arp: &Arp) {
    match arp.op {
        ArpOp::Request => {
            push(out, format_args!("Request who-has {}", arp.tpa));
            if arp.tha != super::Mac::ZERO {
                push(out, format_args!(" ({})", arp.tha));
            }
            push(out, format_args!(" tell {}", arp.spa));
        }
        ArpOp::Reply => push(out, format_args!("Reply {} is-at {}", arp.spa, arp.sha)),
    }
    push(out, format_args!(", length {}", Arp::LEN));
}

fn icmp_line(out: &mut String, icmp: &Icmp, p: &IpPacket, there: u32) {
    let about = icmp.quote().map_or(p.daddr, |q| q.daddr);
    out.push_str("ICMP ");
    match icmp {
        Icmp::Echo { request, ident, seq, .. } => {
            let what = if *request { "request" } else { "reply" };
            push(out, format_args!("echo {what}, id {ident}, seq {seq}"));
        }
        Icmp::Unreachable { code, mtu, quote } => match *code {
            Icmp::NET => push(out, format_args!("net {about} unreachable")),
            Icmp::HOST => push(out, format_args!("host {about} unreachable")),
            Icmp::PROTOCOL => push(out, format_args!("{about} protocol {} unreachable", quote.l4.proto() as u8)),
            Icmp::PORT => unreachable_port(out, quote),
            Icmp::FRAG_NEEDED if *mtu == 0 => {
                push(out, format_args!("{about} unreachable - need to frag"));
            }
            Icmp::FRAG_NEEDED => push(out, format_args!("{about} unreachable - need to frag (mtu {mtu})")),
            9 => push(out, format_args!("net {about} unreachable - admin prohibited")),
            10 => push(out, format_args!("host {about} unreachable - admin prohibited")),
            Icmp::FILTERED => push(out, format_args!("host {about} unreachable - admin prohibited filter")),
            code => push(out, format_args!("{about} unreachable - #{code}")),
        },
        Icmp::TimeExceeded { code: 0, .. } => out.push_str("time exceeded in-transit"),
        Icmp::TimeExceeded { .. } => out.push_str("ip reassembly time exceeded"),
        Icmp::Redirect { code, gateway, .. } => {
            let what = if *code == 0 { "net" } else { "host" };
            push(out, format_args!("redirect {about} to {what} {gateway}"));
        }
    }
    push(out, format_args!(", length {there}"));
}

fn unreachable_port(out: &mut String, quote: &IpPacket) {
    let to = quote.daddr;
    let whole = match &quote.l4 {
        L4::Fragment(piece) => &piece.whole,
        l4 => l4,
    };
    match (whole.proto(), whole.ports()) {
        (Proto::Tcp, Some((_, port))) => push(out, format_args!("{to} tcp port {port} unreachable")),
        (Proto::Udp, Some((_, port))) => push(out, format_args!("{to} udp port {port} unreachable")),
        (other, _) => push(out, format_args!("{to} protocol {} port unreachable", other as u8)),
    }
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(args);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, Datagram, Fragment, Mac, PacketId};

    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
    const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn ip(saddr: Ipv4Addr, daddr: Ipv4Addr, l4: L4) -> Frame {
        Frame { l3: L3::Ip(IpPacket { saddr, daddr, id: PacketId(7), frag: 0, ttl: 64, tos: 0, l4 }), dst: B, src: A }
    }

    fn segment(sport: u16, dport: u16, flags: TcpFlags, seq: u32, ack: u32, len: u16) -> L4 {
        L4::Tcp(TcpSegment {
            seq,
            ack,
            body: Body::FILLER,
            sport,
            dport,
            len,
            mss: 1460,
            window: 502,
            flags,
            end: false,
            timestamps: true,
        })
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
        let mut dump = Dump::new(Style { absolute: true, link: false });
        let l4 = segment(32768, 81, TcpFlags::ACK, 5001, 901, 3);
        for _ in 0..2 {
            let line = dump.line(&ip(CLIENT, VIP, l4.clone()), true, Words::default());
            assert!(line.contains("seq 5001:5004, ack 901"), "{line}");
        }
    }

    #[test]
    fn small_e_shows_hardware_addresses_where_there_are_some() {
        let style = Style { link: true, absolute: false };
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
}
