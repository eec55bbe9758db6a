//! What conntrack 1.4.7 prints.

use super::*;
use crate::net::netfilter::Ct;
use crate::net::netfilter::nat::Manip;
use crate::net::netfilter::targets::NatRange;
use crate::wire::{Body, Datagram, Icmp, IpPacket, L4, TcpFlags, testing};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const ASKED: [u8; 4] = [10, 0, 0, 2];
const SERVER: [u8; 4] = [192, 168, 0, 2];

fn ip(from: [u8; 4], to: [u8; 4], l4: L4) -> IpPacket {
    testing::ip(from.into(), to.into(), l4)
}

fn tcp(from: ([u8; 4], u16), to: ([u8; 4], u16), flags: TcpFlags) -> IpPacket {
    ip(from.0, to.0, L4::Tcp(testing::segment(from.1, to.1, flags, 1, 1, 0)))
}

fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16)) -> IpPacket {
    ip(from.0, to.0, L4::Udp(Datagram { sport: from.1, dport: to.1, len: 3, body: Body::FILLER }))
}

fn echo(ident: u16) -> IpPacket {
    let icmp = Icmp::Echo { request: true, ident, seq: 1, len: 56, body: Body::FILLER };
    ip(CLIENT, ASKED, L4::Icmp(Box::new(icmp)))
}

/// A packet passes all hooks; its destination is translated on the way, and it gets a mark.
fn pass(t: &mut Conntrack, pkt: &IpPacket, dnat: Option<[u8; 4]>, mark: u32) {
    let (mut ct, now) = (Ct::None, SimTime::ZERO);
    t.enter(pkt, &mut ct, now);
    if let Some(addr) = dnat {
        let range = NatRange { addrs: Some((addr.into(), addr.into())), ports: Some((8080, 8080)) };
        assert!(t.settle(&mut ct, Some(&range), Manip::Dst, now));
        assert!(t.settle(&mut ct, None, Manip::Src, now));
    }
    t.set_mark(&mut ct, mark);
    t.confirm(&mut ct, now);
}

/// A SYN without an answer, a whole opening to a translated server, a datagram, an echo.
fn table() -> Conntrack {
    let (ack, syn) = (TcpFlags::ACK, TcpFlags::SYN);
    let mut t = Conntrack::default();
    t.take_sysctls(&crate::sysctl::Sysctls::default());
    pass(&mut t, &tcp((CLIENT, 1001), (ASKED, 80), syn), None, 0);
    pass(&mut t, &tcp((CLIENT, 1003), (ASKED, 80), syn), Some(SERVER), 5);
    for (pkt, mark) in [
        (tcp((SERVER, 8080), (CLIENT, 1003), syn | ack), 5),
        (tcp((CLIENT, 1003), (ASKED, 80), ack), 5),
        (tcp((CLIENT, 1003), (ASKED, 80), ack), 5),
        (udp((CLIENT, 1004), (ASKED, 53)), 0),
        (echo(77), 0),
    ] {
        pass(&mut t, &pkt, None, mark);
    }
    t
}

const SYN: &str = "tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1001 dport=80 [UNREPLIED] src=10.0.0.2 \
                   dst=10.0.0.1 sport=80 dport=1001 mark=0 use=1\n";
const OPEN: &str = "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1003 dport=80 src=192.168.0.2 \
                    dst=10.0.0.1 sport=8080 dport=1003 [ASSURED] mark=5 use=1\n";
const UDP: &str = "udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1004 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 \
                   sport=53 dport=1004 mark=0 use=1\n";
const ECHO: &str = "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 \
                    type=0 code=0 id=77 mark=0 use=1\n";

fn ran(t: &mut Conntrack, line: &str) -> (u8, String) {
    let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
    let mut out = Output::new();
    let status = run(t, SimTime(100_000_000), &args, &mut out);
    (status, out.text())
}

#[test]
fn connections_are_listed_as_the_program_lists_them() {
    let mut t = table();
    let (status, text) = ran(&mut t, "-L");
    let told = "conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.\n";
    assert_eq!((status, text), (0, format!("{SYN}{OPEN}{UDP}{ECHO}{told}")));
    let proc = t.proc(SimTime(100_000_000));
    let (first, _) = proc.split_once('\n').unwrap_or_default();
    assert_eq!(format!("{first}\n"), format!("ipv4     2 {}", SYN.replace("use=1", "zone=0 use=2")));
    assert!(ran(&mut t, "-L -o extended").1.starts_with(&format!("ipv4     2 {SYN}")));
}

#[test]
fn filters_choose_among_them() {
    let mut t = table();
    for (args, want) in [
        ("-L -p tcp", vec![SYN, OPEN]),
        ("-L --protonum=udp --dport=53 -s10.0.0.1", vec![UDP]),
        ("-L -p tcp --state ESTABLISHED", vec![OPEN]),
        ("-L -s 10.1.0.1/8 -d 10.0.0.2", vec![SYN, OPEN, UDP, ECHO]),
        ("-L -s 10.9.9.9 --mask-src 255.0.0.0 -p 17", vec![UDP]),
        ("-L -s 10.0.0.0/", vec![SYN, OPEN, UDP, ECHO]),
        ("-L -r 192.168.0.2", vec![OPEN]),
        ("-L -q 10.0.0.1 -p icmp --icmp-id 77", vec![ECHO]),
        ("-L -p icmp --icmp-type 0", vec![]),
        ("-L -g", vec![OPEN]),
        ("-L --dst-nat 192.168.0.2:8080", vec![OPEN]),
        ("-L -g 192.168.0.2:80", vec![]),
        ("-L -j 192.168.0.2 -p tcp", vec![OPEN]),
        ("-L -n -g", vec![]),
        ("-L -m 5", vec![OPEN]),
        ("-L -m 0x1/0x1", vec![OPEN]),
        ("-L -m 0 -u unrep -p tcp", vec![SYN]),
        ("-L -u ASSURED,SEEN_REPLY", vec![OPEN]),
        ("-L -u SEEN_REPLY,UNREPLIED", vec![OPEN]),
        ("-L -f ipv6", vec![]),
        ("-L -s ::1", vec![]),
        ("-L -w 1", vec![]),
        ("-L dying", vec![]),
        ("-L -p tcp --dport http", vec![]),
    ] {
        let told = format!("conntrack v1.4.7 (conntrack-tools): {} flow entries have been shown.\n", want.len());
        assert_eq!(ran(&mut t, args), (0, want.concat() + &told), "{args}");
    }
}

#[test]
fn what_is_deleted_is_gone_and_nothing_deleted_is_a_failure() {
    let mut t = table();
    assert_eq!(ran(&mut t, "-C"), (0, "4\n".to_string()));
    let told = |n| format!("conntrack v1.4.7 (conntrack-tools): {n} flow entries have been deleted.\n");
    assert_eq!(ran(&mut t, "-D -p tcp --state SYN_SENT"), (0, format!("{SYN}{}", told(1))));
    assert_eq!(ran(&mut t, "-D -p tcp --state SYN_SENT"), (1, told(0)));
    assert_eq!(ran(&mut t, "-C"), (0, "3\n".to_string()));
    let emptied = "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n";
    assert_eq!(ran(&mut t, "-F"), (0, emptied.to_string()));
    assert_eq!(ran(&mut t, "-C"), (0, "0\n".to_string()));
}

#[test]
fn wrong_use_is_told_in_the_programs_words() {
    let mut t = table();
    for (args, want) in [
        ("-L -x", "unknown option `-x'"),
        ("-L --sport 80", "unknown option `--sport'"),
        ("-L --orig 10.0.0.1", "unknown option `--orig'"),
        ("-L -p udp --state X", "unknown option `--state'"),
        ("-L -F", "Invalid commands combination"),
        ("-L foo", "unknown type `foo'"),
        ("-L -s", "option `-s' requires an argument"),
        ("-zq", "option `-zq' requires an argument"),
        ("-L -s foo", "Invalid IP address `foo'"),
        ("-L -s 10.0.0.0/40", "Invalid netmask"),
        ("-L -s 10.0.0.0/255.255.0.0", "Invalid netmask"),
        ("-L -r 10.0.0.0/8", "CIDR notation unavailable for `--reply-src'"),
        ("-L -g 10.0.0.0/8", "CIDR notation unavailable for `--dst-nat'"),
        ("-L --mask-src 255.0.0.0", "Can't use --mask-src without --src"),
        ("-L -s 10.0.0.1 -f ipv6", "mismatched address family"),
        ("-L -f inet", "`inet' unsupported protocol"),
        ("-L -p foo", "`foo' unsupported protocol"),
        ("-L -p 300", "`300' unsupported protocol"),
        ("-L -p tcp --state established", "unknown TCP state `established'"),
        ("-L -u FOO", "Bad parameter `FOO'"),
        ("-L -o extended,foo", "Bad parameter `foo'"),
        ("-L -n 10.0.0.1:", "No port specified after `:'"),
        ("-L -n 10.0.0.1:foo", "Invalid port `foo'"),
        ("-L -j 1.2.3.4 -n", "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'"),
        ("-L -z -p tcp", "Can't use -z with filtering parameters"),
        ("-L -t 5 -e NEW", "Illegal option `--timeout' with this command"),
        ("-L -p tcp --mask-port-src 1", "Illegal option `--mask-port-src' with this command"),
        ("-D -j", "Illegal option `--any-nat' with this command"),
        ("-C -p tcp", "Illegal option `--protonum' with this command"),
        ("-F -s 10.0.0.1 -p tcp", "Illegal option `--src' with this command"),
        ("-L expect -s 10.0.0.1", "Illegal option `--src' with this command"),
        ("-D expect", "You need to supply the `--src' option for this command"),
    ] {
        let try_help = "Try `conntrack -h' or 'conntrack --help' for more information.\n";
        let want = format!("conntrack v1.4.7 (conntrack-tools): {want}\n{try_help}");
        assert_eq!(ran(&mut t, args), (2, want), "{args}");
    }
    let refused = "conntrack v1.4.7 (conntrack-tools): Operation failed: invalid parameters\n";
    assert_eq!(ran(&mut t, "-L -u UNSET"), (1, refused.to_string()));
    assert_eq!(ran(&mut t, "-C").1, "4\n", "nothing was deleted by mistake");
}

#[test]
fn what_is_not_simulated_is_told_by_name() {
    for (args, what) in [
        ("-E", "-E"),
        ("-S", "-S"),
        ("-U -p tcp -m 3", "-U"),
        ("-L -o id", "-o id"),
        ("-L -l web", "-l"),
        ("-D --orig-zone 1", "--orig-zone"),
        ("", "without -L, -D, -F or -C"),
    ] {
        assert_eq!(ran(&mut table(), args), (1, format!("lvsim: conntrack {what} is not simulated\n")), "{args}");
    }
}
