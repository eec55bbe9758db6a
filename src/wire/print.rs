//! A frame as one line of text, in the syntax of a run's record.
//!
//! `ARP request who-has A tell B`, `IP A > B ttl N DF TCP SP > DP [SYN] seq 0 len 0 mss 1460`, and so on: meant for
//! comparing runs, so everything that differs by chance is taken out. Sequence numbers count from each side's SYN, and
//! a port that a host drew for itself becomes `~1`, `~2` … in the order in which its address used them.
//! What people know from tcpdump is in [`super::tcpdump`].

use super::{Arp, ArpOp, Frame, Icmp, IpPacket, L3, L4, Mac, TcpFlags, TcpSegment};
use crate::base::Table;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Whose hardware address it is, as `NODE:IFACE`; none for a foreign one.
pub type MacNames<'a> = &'a dyn Fn(Mac) -> Option<String>;

/// Prints frames for the record. Lines depend on what was printed before: feed it in order of time.
#[derive(Clone, Debug, Default)]
pub struct Printer {
    seq: SeqBase,
    ports: PortNames,
}

impl Printer {
    /// A printer that leaves the source ports of the scenario's own traffic as they are.
    pub fn new(traffic_ports: BTreeSet<u16>) -> Printer {
        Printer { seq: SeqBase::default(), ports: PortNames { known: traffic_ports, ..PortNames::default() } }
    }

    /// An end such as `10.0.0.1:40000` with its port named as in the lines.
    pub fn end(&mut self, text: &str) -> String {
        let parsed = text.parse::<std::net::SocketAddrV4>();
        parsed
            .map_or_else(|_| text.to_string(), |end| format!("{}:{}", end.ip(), self.ports.name(*end.ip(), end.port())))
    }

    /// The line of a frame.
    pub fn line(&mut self, frame: &Frame, names: MacNames<'_>) -> String {
        let mut out = String::new();
        match &frame.l3 {
            L3::Arp(arp) => arp_line(&mut out, arp, frame.dst, names),
            L3::Ip(packet) => self.ip(&mut out, packet, false),
        }
        out
    }

    fn ip(&mut self, out: &mut String, p: &IpPacket, quoted: bool) {
        push(out, format_args!("IP {} > {} ttl {}", p.saddr, p.daddr, p.ttl));
        if p.tos != 0 {
            push(out, format_args!(" tos {:#x}", p.tos));
        }
        if p.df() {
            out.push_str(" DF");
        }
        if p.is_fragment() {
            push(out, format_args!(" fragment {}+{}", p.offset(), p.l4.len()));
            if p.mf() {
                out.push_str(" more");
            }
        }
        out.push(' ');
        match &p.l4 {
            L4::Fragment(_) if p.offset() > 0 => {
                push(out, format_args!("proto {}", p.l4.proto() as u8));
            }
            // The first fragment shows its header; lengths are what the headers and the cut bytes say.
            L4::Fragment(piece) => self.l4(out, p, &piece.whole, Some(u32::from(piece.len)), quoted),
            whole => self.l4(out, p, whole, None, quoted),
        }
    }

    /// `cut`: how many bytes are there of a message that was cut.
    fn l4(&mut self, out: &mut String, p: &IpPacket, l4: &L4, cut: Option<u32>, quoted: bool) {
        match l4 {
            L4::Tcp(t) => self.tcp(out, p, t, cut, quoted),
            L4::Udp(u) => {
                let (from, to) = self.ports.pair(p, u.sport, u.dport);
                push(out, format_args!("UDP {from} > {to} len {}", u.len));
            }
            L4::Icmp(icmp) => self.icmp(out, icmp, cut, quoted),
            L4::Ipip(inner) => {
                out.push_str("IPIP [");
                self.ip(out, inner, quoted);
                out.push(']');
            }
            L4::Fragment(piece) => self.l4(out, p, &piece.whole, cut, quoted),
        }
    }

    fn tcp(&mut self, out: &mut String, p: &IpPacket, t: &TcpSegment, cut: Option<u32>, quoted: bool) {
        let flow = (p.saddr, t.sport, p.daddr, t.dport);
        let seq = self.seq.of_seq(flow, t.seq, t.flags.has(TcpFlags::SYN) && !quoted);
        let (from, to) = self.ports.pair(p, t.sport, t.dport);
        push(out, format_args!("TCP {from} > {to} "));
        if quoted {
            // An error must quote eight bytes of TCP only: ports and sequence number.
            return push(out, format_args!("seq {seq}"));
        }
        push(out, format_args!("[{}] seq {seq}", t.flags));
        if t.flags.has(TcpFlags::ACK) {
            push(out, format_args!(" ack {}", self.seq.of_ack(flow, t.ack)));
        }
        let len = cut.map_or(u32::from(t.len), |n| n.saturating_sub(t.header_len()));
        push(out, format_args!(" len {len}"));
        if t.mss != 0 && t.flags.has(TcpFlags::SYN) {
            push(out, format_args!(" mss {}", t.mss));
        }
    }

    fn icmp(&mut self, out: &mut String, icmp: &Icmp, cut: Option<u32>, quoted: bool) {
        out.push_str("ICMP ");
        match icmp {
            Icmp::Echo { request, seq, len, .. } => {
                out.push_str(if *request { "echo-request" } else { "echo-reply" });
                if !quoted {
                    let len = cut.map_or(u32::from(*len), |n| n.saturating_sub(8));
                    push(out, format_args!(" seq {seq} len {len}"));
                }
            }
            Icmp::Unreachable { code, mtu, .. } => {
                out.push_str("unreachable ");
                match unreachable(*code) {
                    Some(word) => out.push_str(word),
                    None => push(out, format_args!("code {code}")),
                }
                if *code == Icmp::FRAG_NEEDED {
                    push(out, format_args!(" mtu {mtu}"));
                }
            }
            Icmp::TimeExceeded { code, .. } => {
                out.push_str("time-exceeded ");
                out.push_str(if *code == 0 { "ttl" } else { "reassembly" });
            }
            Icmp::Redirect { code, gateway, .. } => {
                let what = if *code == 0 { "net" } else { "host" };
                push(out, format_args!("redirect {what} gateway {gateway}"));
            }
        }
        if let Some(quote) = icmp.quote().filter(|_| !quoted) {
            out.push_str(" quoting [");
            self.ip(out, quote, true);
            out.push(']');
        }
    }
}

/// A hardware address in the record: `*` for broadcast, `NODE:IFACE`, `vrrp:ID` (RFC 3768's virtual router), or itself.
pub fn mac_name(mac: Mac, names: MacNames<'_>) -> String {
    if mac == Mac::BROADCAST {
        return "*".into();
    }
    if let Some(name) = names(mac) {
        return name;
    }
    match mac.0 {
        [0, 0, 0x5e, 0, 1, id] => format!("vrrp:{id}"),
        _ => mac.to_string(),
    }
}

fn arp_line(out: &mut String, arp: &Arp, dst: Mac, names: MacNames<'_>) {
    let target = match arp.op {
        ArpOp::Request => {
            push(out, format_args!("ARP request who-has {} tell {}", arp.tpa, arp.spa));
            // The kernel's own questions carry zeros; arping's do not.
            arp.tha != Mac::ZERO
        }
        ArpOp::Reply => {
            let is_at = mac_name(arp.sha, names);
            push(out, format_args!("ARP reply {} is-at {is_at} to {}", arp.spa, arp.tpa));
            arp.tha != dst
        }
    };
    if target {
        push(out, format_args!(" target-mac {}", mac_name(arp.tha, names)));
    }
}

fn unreachable(code: u8) -> Option<&'static str> {
    Some(match code {
        Icmp::NET => "net-unreachable",
        Icmp::HOST => "host-unreachable",
        Icmp::PROTOCOL => "protocol-unreachable",
        Icmp::PORT => "port-unreachable",
        Icmp::FRAG_NEEDED => "fragmentation-needed",
        9 => "net-prohibited",
        10 => "host-prohibited",
        Icmp::FILTERED => "communication-prohibited",
        _ => return None,
    })
}

type Flow = (Ipv4Addr, u16, Ipv4Addr, u16);

/// Where each direction of a connection began to count. Translation makes another direction of it, with its own entry.
#[derive(Clone, Debug, Default)]
struct SeqBase(Table<Flow, u32>);

impl SeqBase {
    /// A SYN begins anew; of a direction whose SYN nobody saw, the first number seen counts as 0.
    fn of_seq(&mut self, flow: Flow, seq: u32, syn: bool) -> u32 {
        match self.0.get(&flow) {
            Some(base) if !syn => seq.wrapping_sub(*base),
            _ => {
                self.0.insert(flow, seq);
                0
            }
        }
    }

    fn of_ack(&self, flow: Flow, ack: u32) -> u32 {
        let back = (flow.2, flow.3, flow.0, flow.1);
        self.0.get(&back).map_or(0, |base| ack.wrapping_sub(*base))
    }
}

/// Names for ports that depend on chance.
#[derive(Clone, Debug, Default)]
struct PortNames {
    known: BTreeSet<u16>,
    used: Table<Ipv4Addr, u32>,
    names: Table<(Ipv4Addr, u16), u32>,
}

impl PortNames {
    /// The first port that Linux draws by default (`ip_local_port_range`).
    const DRAWN_FROM: u16 = 32768;

    fn pair(&mut self, p: &IpPacket, sport: u16, dport: u16) -> (String, String) {
        (self.name(p.saddr, sport), self.name(p.daddr, dport))
    }

    fn name(&mut self, addr: Ipv4Addr, port: u16) -> String {
        if port < Self::DRAWN_FROM || self.known.contains(&port) {
            return port.to_string();
        }
        let n = match self.names.get(&(addr, port)) {
            Some(n) => *n,
            None => {
                let n = self.used.get(&addr).copied().unwrap_or(0) + 1;
                self.used.insert(addr, n);
                self.names.insert((addr, port), n);
                n
            }
        };
        format!("~{n}")
    }
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(args);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{self, datagram, ip};
    use crate::wire::{Body, Fragment};

    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
    const RS: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn names(mac: Mac) -> Option<String> {
        (mac == RS).then(|| "rs1:eth0".to_string())
    }

    fn segment(sport: u16, dport: u16, flags: TcpFlags, seq: u32, ack: u32, len: u16) -> L4 {
        L4::Tcp(testing::segment(sport, dport, flags, seq, ack, len))
    }

    fn echo(request: bool, len: u16) -> L4 {
        L4::Icmp(Box::new(Icmp::Echo { request, ident: 3, seq: 1, len, body: Body::FILLER }))
    }

    fn df(mut p: IpPacket) -> IpPacket {
        p.frag |= IpPacket::DF;
        p
    }

    fn piece(frag: u16, whole: L4, len: u16) -> IpPacket {
        let mut p = ip(CLIENT, VIP, L4::Fragment(Box::new(Fragment { whole, len })));
        p.frag = frag;
        p
    }

    fn error(icmp: Icmp) -> IpPacket {
        let mut p = ip(VIP, CLIENT, L4::Icmp(Box::new(icmp)));
        p.tos = 0xc0;
        p
    }

    fn line(printer: &mut Printer, p: IpPacket) -> String {
        let frame = Frame { l3: L3::Ip(p), dst: Mac::ZERO, src: Mac::ZERO };
        printer.line(&frame, &names)
    }

    #[track_caller]
    fn check(p: IpPacket, expected: &str) {
        assert_eq!(line(&mut Printer::new([32768].into()), p), expected);
    }

    #[test]
    fn sequence_numbers_count_from_each_sides_syn_and_again_after_translation() {
        let rip = Ipv4Addr::new(192, 168, 0, 2);
        let (syn, ack) = (TcpFlags::SYN, TcpFlags::ACK);
        let mut printer = Printer::new([32768].into());
        let mut said = |from, to, l4| line(&mut printer, df(ip(from, to, l4)));
        assert_eq!(
            said(CLIENT, VIP, segment(32768, 80, syn, 5000, 77, 0)),
            "IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 [SYN] seq 0 len 0 mss 1460"
        );
        said(CLIENT, rip, segment(32768, 8080, syn, 5000, 0, 0));
        assert_eq!(
            said(rip, CLIENT, segment(8080, 32768, syn | ack, u32::MAX, 5001, 0)),
            "IP 192.168.0.2 > 10.0.0.1 ttl 64 DF TCP 8080 > 32768 [SYN,ACK] seq 0 ack 1 len 0 mss 1460"
        );
        said(VIP, CLIENT, segment(80, 32768, syn | ack, u32::MAX, 5001, 0));
        // The other side's number wraps around.
        assert_eq!(
            said(CLIENT, VIP, segment(32768, 80, TcpFlags::PSH | ack, 5001, 0, 100)),
            "IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 [PSH,ACK] seq 1 ack 1 len 100"
        );
        // The port is used again: counting begins anew.
        said(CLIENT, VIP, segment(32768, 80, syn, 9000, 0, 0));
        assert_eq!(
            said(CLIENT, VIP, segment(32768, 80, TcpFlags::RST, 9001, 0, 0)),
            "IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 [RST] seq 1 len 0"
        );
    }

    #[test]
    fn a_side_whose_syn_nobody_saw_counts_from_its_first_number() {
        let mut printer = Printer::new([32768].into());
        let rst = TcpFlags::RST | TcpFlags::ACK;
        let p = ip(VIP, CLIENT, segment(80, 32768, rst, 0, 0, 0));
        assert_eq!(line(&mut printer, p), "IP 10.0.0.100 > 10.0.0.1 ttl 64 TCP 80 > 32768 [RST,ACK] seq 0 ack 0 len 0");
    }

    #[test]
    fn drawn_ports_are_numbered_per_address_in_order_of_use() {
        let mut printer = Printer::new([32768, 40000].into());
        let mut said = |from, to, s, d| line(&mut printer, ip(from, to, datagram(s, d, 1)));
        for (from, to, sport, dport, expected) in [
            (CLIENT, VIP, 51000, 44444, "UDP ~1 > ~1 len 1"),
            (CLIENT, VIP, 51000, 44445, "UDP ~1 > ~2 len 1"),
            (VIP, CLIENT, 44445, 51000, "UDP ~2 > ~1 len 1"),
            (CLIENT, VIP, 33333, 53, "UDP ~2 > 53 len 1"),
            (CLIENT, VIP, 40000, 32767, "UDP 40000 > 32767 len 1"),
        ] {
            let said = said(from, to, sport, dport);
            assert!(said.ends_with(expected), "{said}");
        }
    }

    #[test]
    fn errors_quote_what_they_are_about_in_short() {
        let syn = df(ip(CLIENT, VIP, segment(32768, 80, TcpFlags::SYN, 9, 0, 0)));
        check(
            error(Icmp::Unreachable { code: 4, mtu: 1400, quote: Box::new(syn.clone()) }),
            "IP 10.0.0.100 > 10.0.0.1 ttl 64 tos 0xc0 ICMP unreachable fragmentation-needed mtu 1400 quoting [IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 seq 0]",
        );
        check(
            error(Icmp::Unreachable {
                code: Icmp::PORT,
                mtu: 0,
                quote: Box::new(ip(CLIENT, VIP, datagram(32768, 53, 100))),
            }),
            "IP 10.0.0.100 > 10.0.0.1 ttl 64 tos 0xc0 ICMP unreachable port-unreachable quoting [IP 10.0.0.1 > 10.0.0.100 ttl 64 UDP 32768 > 53 len 100]",
        );
        check(
            error(Icmp::TimeExceeded { code: 0, quote: Box::new(df(ip(CLIENT, VIP, echo(true, 56)))) }),
            "IP 10.0.0.100 > 10.0.0.1 ttl 64 tos 0xc0 ICMP time-exceeded ttl quoting [IP 10.0.0.1 > 10.0.0.100 ttl 64 DF ICMP echo-request]",
        );
        check(
            error(Icmp::Redirect { code: 1, gateway: VIP, quote: Box::new(ip(CLIENT, VIP, L4::Ipip(Box::new(syn)))) }),
            "IP 10.0.0.100 > 10.0.0.1 ttl 64 tos 0xc0 ICMP redirect host gateway 10.0.0.100 quoting [IP 10.0.0.1 > 10.0.0.100 ttl 64 IPIP [IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 seq 0]]",
        );
    }

    #[test]
    fn fragments_show_their_place_and_the_first_its_header() {
        let big = segment(32768, 80, TcpFlags::ACK, 9, 0, 1448);
        let tunnelled = L4::Ipip(Box::new(ip(CLIENT, VIP, big.clone())));
        for (frag, whole, len, expected) in [
            (0x2000, echo(true, 1993), 1480, "fragment 0+1480 more ICMP echo-request seq 1 len 1472"),
            (185, echo(true, 1993), 521, "fragment 1480+521 proto 1"),
            (0x2000 | 185, echo(true, 3000), 1480, "fragment 1480+1480 more proto 1"),
            (0x2000, datagram(32768, 53, 1472), 1456, "fragment 0+1456 more UDP 32768 > 53 len 1472"),
            (0x2000, big, 1400, "fragment 0+1400 more TCP 32768 > 80 [ACK] seq 0 ack 0 len 1368"),
            (
                0x2000,
                tunnelled.clone(),
                1480,
                "fragment 0+1480 more IPIP [IP 10.0.0.1 > 10.0.0.100 ttl 64 TCP 32768 > 80 [ACK] seq 0 ack 0 len 1448]",
            ),
            (185, tunnelled, 20, "fragment 1480+20 proto 4"),
        ] {
            check(piece(frag, whole, len), &format!("IP 10.0.0.1 > 10.0.0.100 ttl 64 {expected}"));
        }
    }

    #[test]
    fn pings_show_sequence_and_length() {
        check(ip(VIP, CLIENT, echo(false, 56)), "IP 10.0.0.100 > 10.0.0.1 ttl 64 ICMP echo-reply seq 1 len 56");
    }

    #[test]
    fn arp_names_hardware_addresses_and_shows_unusual_targets() {
        let client = Mac([2, 0, 0, 0, 0, 1]);
        let vrrp = Mac([0, 0, 0x5e, 0, 1, 7]);
        for (op, sha, tha, dst, expected) in [
            (ArpOp::Request, RS, Mac::ZERO, Mac::BROADCAST, "ARP request who-has 10.0.0.1 tell 10.0.0.100"),
            (
                ArpOp::Request,
                RS,
                Mac::BROADCAST,
                Mac::BROADCAST,
                "ARP request who-has 10.0.0.1 tell 10.0.0.100 target-mac *",
            ),
            (ArpOp::Request, client, RS, RS, "ARP request who-has 10.0.0.1 tell 10.0.0.100 target-mac rs1:eth0"),
            (ArpOp::Reply, RS, client, client, "ARP reply 10.0.0.100 is-at rs1:eth0 to 10.0.0.1"),
            (
                ArpOp::Reply,
                RS,
                RS,
                Mac::BROADCAST,
                "ARP reply 10.0.0.100 is-at rs1:eth0 to 10.0.0.1 target-mac rs1:eth0",
            ),
            (ArpOp::Reply, vrrp, client, client, "ARP reply 10.0.0.100 is-at vrrp:7 to 10.0.0.1"),
            (ArpOp::Reply, client, RS, RS, "ARP reply 10.0.0.100 is-at 02:00:00:00:00:01 to 10.0.0.1"),
        ] {
            let frame = Frame { l3: L3::Arp(Arp { op, sha, spa: VIP, tha, tpa: CLIENT }), dst, src: sha };
            assert_eq!(Printer::default().line(&frame, &names), expected);
        }
    }
}
