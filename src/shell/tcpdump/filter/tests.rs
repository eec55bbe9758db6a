//! Filters against packets of every kind that passes a host here.

use super::*;
use crate::wire::bpf::Seen;
use crate::wire::capture::PacketType;

const LIVE: Target = Target { link: LinkType::En10mb, savefile: false, optimize: true };

/// An Ethernet frame from 02::1 to `dst` with this type and rest.
fn frame(dst: u8, ethertype: u16, rest: &[u8]) -> Vec<u8> {
    let to = if dst == 0xff { [0xff; 6] } else { [2, 0, 0, 0, 0, dst] };
    [&to[..], &[2, 0, 0, 0, 0, 1], &ethertype.to_be_bytes(), rest].concat()
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2.
fn ip(proto: u8, frag: u16, rest: &[u8]) -> Vec<u8> {
    let [f, g] = frag.to_be_bytes();
    let total = 20 + rest.len() as u8;
    [&[0x45, 0, 0, total, 0, 9, f, g, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..], rest].concat()
}

/// Ports, then a TCP header without options.
fn tcp(sport: u16, dport: u16, flags: u8) -> Vec<u8> {
    let ports = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
    [&ports[..], &[0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat()
}

/// The packets by name.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let udp = [0x9c, 0x40, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4];
    let echo = [8, 0, 0, 0, 0, 1, 0, 1];
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    let v4 = |rest: Vec<u8>| frame(2, 0x0800, &rest);
    vec![
        ("arp", frame(0xff, 0x0806, &arp)),
        ("syn", v4(ip(6, 0x4000, &tcp(40_000, 80, 0x02)))),
        ("synack", v4(ip(6, 0x4000, &tcp(80, 40_000, 0x12)))),
        ("fin", v4(ip(6, 0x4000, &tcp(40_000, 443, 0x11)))),
        ("udp", v4(ip(17, 0, &udp))),
        ("tail", v4(ip(17, 0x0010, &udp))),
        ("echo", v4(ip(1, 0, &echo))),
        ("ipip", v4(ip(4, 0, &ip(6, 0, &tcp(40_000, 80, 0x02))))),
        ("vrrp", v4(ip(112, 0, &[0x21, 51, 100, 1, 0, 1, 0, 0]))),
    ]
}

/// The names of the packets that a filter takes.
fn taken(text: &str) -> String {
    let test = compile(text, LIVE).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let takes =
        |bytes: &[u8]| test.accepts(Seen { bytes, len: bytes.len() as u32, kind: PacketType::Outgoing, ifindex: 3 });
    packets().iter().filter(|(_, bytes)| takes(bytes)).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

fn said(text: &str, target: Target) -> String {
    match compile(text, target) {
        Err(FilterError::Pcap(text)) => text,
        Err(FilterError::NotSimulated(what)) => format!("lvsim: {what}"),
        Ok(test) => panic!("{text} means {test:?}"),
    }
}

#[test]
fn filters_take_what_they_name() {
    let all = "arp syn synack fin udp tail echo ipip vrrp";
    for (text, names) in [
        ("", all),
        ("arp", "arp"),
        ("ip", "syn synack fin udp tail echo ipip vrrp"),
        ("tcp", "syn synack fin"),
        ("udp", "udp tail"),
        ("icmp", "echo"),
        ("vrrp", "vrrp"),
        ("ip proto 4", "ipip"),
        ("ip proto 112 or icmp", "echo vrrp"),
        (r"ip proto \udp", "udp tail"),
        (r"ether proto \arp", "arp"),
        ("ether proto 0x0806", "arp"),
        ("not ip", "arp"),
        ("!tcp and !udp && !arp", "echo ipip vrrp"),
        ("icmp or arp", "arp echo"),
        // `and` and `or` bind equally, from the left.
        ("icmp or tcp and port 80", "syn synack"),
        ("icmp or (tcp and port 80)", "syn synack echo"),
        // Only the outer header is looked at, and a fragment behind the first has no ports.
        ("port 80", "syn synack"),
        ("tcp dst port 80", "syn"),
        ("src port 80", "synack"),
        ("dst port 80 or 443", "syn fin"),
        ("port http or https", "syn synack fin"),
        ("udp port domain", "udp"),
        ("portrange 50-90", "syn synack udp"),
        ("port 53", "udp"),
        ("host 10.0.0.2 and not tcp", "arp udp tail echo ipip vrrp"),
        ("src host 10.0.0.2", ""),
        ("dst 10.0.0.2 and arp", "arp"),
        ("arp host 10.0.0.1", "arp"),
        ("ip host 10.0.0.1 and icmp", "echo"),
        ("src net 10.0.0.0/24 and dst net 10 and icmp", "echo"),
        ("net 10.0.0.0 mask 255.0.0.0 and vrrp", "vrrp"),
        ("net 192.168", ""),
        ("ether host 02:00:00:00:00:02", "syn synack fin udp tail echo ipip vrrp"),
        ("ether dst 2:0:0:0:0:2 and icmp", "echo"),
        ("ether src 02:00:00:00:00:02", ""),
        ("ether broadcast", "arp"),
        ("broadcast or multicast", "arp"),
        ("ip multicast", ""),
        ("tcp[tcpflags] & tcp-syn != 0", "syn synack"),
        ("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "syn"),
        ("tcp[13] == 0x11", "fin"),
        ("tcp[0:2] > 1023", "syn fin"),
        ("icmp[icmptype] = icmp-echo", "echo"),
        ("ip[6:2] & 0x1fff != 0", "tail"),
        ("ip[8] = 64 && ip[9] = 1", "echo"),
        ("ether[0] & 1 = 1", "arp"),
        ("greater 55", "ipip"),
        ("less 42", "arp echo vrrp"),
        ("less 42 and not ip", "arp"),
        ("len >= 42 and len <= 42", "arp echo vrrp"),
        ("(ip[2:2] - ((ip[0] & 0xf) << 2)) = 8", "echo vrrp"),
        ("outbound and arp", "arp"),
        ("inbound", ""),
        ("ifindex 3 and arp", "arp"),
        ("ip6 or icmp6", ""),
        ("host localhost", ""),
    ] {
        assert_eq!(taken(text), names, "{text}");
    }
}

#[test]
fn mistakes_are_told_as_libpcap_tells_them() {
    let syntax = "can't parse filter expression: syntax error";
    for (text, error) in [
        ("host", syntax),
        ("port 80 80", syntax),
        ("tcp and", syntax),
        ("(tcp", syntax),
        ("foo", syntax),
        ("host nosuch", "unknown host 'nosuch'"),
        ("net nosuch", "unknown network 'nosuch'"),
        ("port nosuch", "unknown port 'nosuch'"),
        ("ip proto nosuch", "unknown ip proto 'nosuch'"),
        ("port 65536", "illegal port number 65536 > 65535"),
        ("host 10.0.0.300", "invalid IPv4 address '10.0.0.300'"),
        ("net 10.0.0.1/24", "non-network bits set in \"10.0.0.1/24\""),
        ("net 10.0.0.0/33", "mask length must be <= 32"),
        ("icmp port 7", "illegal qualifier of 'port'"),
        ("tcp host 10.0.0.1", "'tcp' modifier applied to host"),
        ("tcp[0:3] = 1", "data size must be 1, 2, or 4"),
        ("ip[0] / 0 = 1", "division by zero"),
        ("tcp and udp", "expression rejects all packets"),
        ("arp and port 80", "expression rejects all packets"),
        ("vlan 7", "lvsim: the word vlan in a filter"),
    ] {
        assert_eq!(said(text, LIVE), error, "{text}");
    }
    assert!(compile("tcp and udp", Target { optimize: false, ..LIVE }).is_ok());
    let file = Target { savefile: true, ..LIVE };
    assert_eq!(said("inbound", file), "inbound/outbound not supported on Ethernet when reading savefiles");
    let raw = Target { link: LinkType::Raw, ..LIVE };
    assert_eq!(said("arp", raw), "expression rejects all packets");
    assert_eq!(said("ether host 1:2:3:4:5:6", raw).split(' ').next(), Some("ethernet"));
}

#[test]
fn nested_parentheses_and_long_filters_have_an_end() {
    let deep = format!("{}tcp{}", "(".repeat(5000), ")".repeat(5000));
    assert!(said(&deep, LIVE).starts_with("lvsim: a filter"));
    assert!(said(&"not ".repeat(1500), LIVE).starts_with("lvsim: a filter"));
    let long = vec!["tcp"; 900].join(" or ");
    assert!(compile(&long, LIVE).is_ok());
}
