//! The files of /proc/net that show this room's tables: `route` (net/ipv4/fib_trie.c), `arp` (net/ipv4/arp.c), `dev`
//! (net/core/net-procfs.c).

use super::dev::mask;
use super::fib::{RouteKind, TABLE_MAIN};
use super::inet::Inet;
use super::neigh::Nud;
use crate::wire::Mac;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// /proc/net/route: the main table, addresses in the machine's byte order.
pub fn proc_net_route(net: &Inet) -> String {
    let hex = |a: Ipv4Addr| format!("{:08X}", u32::from(a).swap_bytes());
    let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    let mut text = format!("{head:<127}\n");
    for r in net.fib.routes() {
        if r.table != TABLE_MAIN || matches!(r.kind, RouteKind::Broadcast | RouteKind::Multicast) {
            continue;
        }
        let line = format!(
            "{}\t{}\t{}\t{:04X}\t0\t0\t{}\t{}\t{}\t0\t0",
            r.dev.map_or("*", |d| &net.dev(d).name),
            hex(r.dst.network()),
            hex(r.via.unwrap_or(Ipv4Addr::UNSPECIFIED)),
            route_flags(r),
            r.metric,
            hex(mask(r.dst.prefix_len()).into()),
            r.advmss.map_or(0, |m| m + 40),
        );
        let _ = writeln!(text, "{line:<127}");
    }
    text
}

/// `RTF_UP` and its like, as /proc/net/route has them.
pub fn route_flags(r: &super::Route) -> u16 {
    let mut flags = 1;
    if matches!(r.kind, RouteKind::Unreachable | RouteKind::Prohibit) {
        flags |= 0x200;
    }
    if r.via.is_some() {
        flags |= 2;
    }
    if r.dst.prefix_len() == 32 {
        flags |= 4;
    }
    flags
}

/// /proc/net/arp, the addresses that are answered for at the end.
pub fn proc_net_arp(net: &Inet) -> String {
    let mut text = String::from("IP address       HW type     Flags       HW address            Mask     Device\n");
    let mut row = |addr: Ipv4Addr, kind: u16, flags: u8, mac: Mac, dev: &str| {
        let _ = writeln!(text, "{:<16} 0x{kind:<10x}0x{flags:<10x}{mac}     *        {dev}", addr.to_string());
    };
    for n in net.neigh.sorted() {
        if matches!(n.state, Nud::None | Nud::Noarp) {
            continue;
        }
        let dev = net.dev(n.dev);
        row(n.addr, hardware(dev), arp_flags(n.state), n.mac, &dev.name);
    }
    for (dev, addr) in &net.proxies {
        let (kind, name) = dev.map_or((0, "*"), |d| {
            let dev = net.dev(d);
            (hardware(dev), &*dev.name)
        });
        row(*addr, kind, 0xc, Mac::ZERO, name);
    }
    text
}

/// `ATF_COM` (2) and `ATF_PERM` (4) of an entry.
pub fn arp_flags(state: Nud) -> u8 {
    match state {
        Nud::Permanent => 6,
        s if s.valid() => 2,
        _ => 0,
    }
}

/// The `ARPHRD_` number of a device.
pub fn hardware(dev: &super::Dev) -> u16 {
    match dev.kind {
        super::DevKind::Loopback => 772,
        super::DevKind::Ipip { .. } => 768,
        _ => 1,
    }
}

/// /proc/net/dev.
pub fn proc_net_dev(net: &Inet) -> String {
    let mut text = String::from(
        "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
    );
    for d in net.devices() {
        let s = &d.stats;
        let _ = writeln!(
            text,
            "{:>6}: {:7} {:7} {:4} {:4} {:4} {:5} {:10} {:9} {:8} {:7} {:4} {:4} {:4} {:5} {:7} {:10}",
            d.name,
            s.rx_bytes,
            s.rx_packets,
            0,
            s.rx_dropped,
            0,
            0,
            0,
            0,
            s.tx_bytes,
            s.tx_packets,
            s.tx_errors,
            s.tx_dropped,
            0,
            s.collisions,
            s.tx_carrier_errors,
            0
        );
    }
    text
}
