//! What `ipvsadm -L` and `-S` print, to the blank.

use super::args::Request;
use super::rules::{Opt, Opts};
use super::services;
use crate::base::SimTime;
use crate::ipvs::{ConnRow, Counters, Daemon, Dest, Ipvs, Method, Rates, Role, ServiceKey, ServiceSpec, ServiceView};
use crate::wire::Proto;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Which columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Plain,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    TunInfo,
    /// Commands that make the table again (`-S`).
    Rule,
}

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    layout: Layout,
    numeric: bool,
    sorted: bool,
    exact: bool,
}

impl Format {
    /// What the options of `-L` ask for.
    pub fn of(opts: Opts) -> Format {
        let columns = [
            (Opt::Stats, Layout::Stats),
            (Opt::Rate, Layout::Rate),
            (Opt::Thresholds, Layout::Thresholds),
            (Opt::PersistentConn, Layout::PersistentConn),
            (Opt::TunInfo, Layout::TunInfo),
        ];
        let layout = columns.into_iter().find(|(opt, _)| opts.has(*opt)).map_or(Layout::Plain, |(_, layout)| layout);
        Format { layout, numeric: opts.has(Opt::Numeric), sorted: !opts.has(Opt::Nosort), exact: opts.has(Opt::Exact) }
    }

    /// `-S`, with `-n` or without.
    pub fn rules(numeric: bool) -> Format {
        Format { layout: Layout::Rule, numeric, sorted: true, exact: false }
    }
}

/// The whole table.
pub fn table(ipvs: &Ipvs, now: SimTime, format: Format) -> String {
    let mut out = String::new();
    if format.layout != Layout::Rule {
        out.push_str("IP Virtual Server version 1.2.1 (size=4096)\n");
    }
    title(&mut out, format);
    let mut services: Vec<ServiceView<'_>> = ipvs.services().collect();
    if format.sorted {
        sort(&mut services, |a, b| service_order(a.key(), b.key()));
    }
    for service in services {
        rows(&mut out, &service, now, format);
    }
    out
}

/// One service with its servers.
pub fn one(service: &ServiceView<'_>, now: SimTime, format: Format) -> String {
    let mut out = String::new();
    title(&mut out, format);
    rows(&mut out, service, now, format);
    out
}

/// `-L --timeout`
pub fn timeouts(ipvs: &Ipvs) -> String {
    let (tcp, fin, udp) = ipvs.timeouts().shown();
    format!("Timeout (tcp tcpfin udp): {tcp} {fin} {udp}\n")
}

/// `-L --daemon`
pub fn daemons(ipvs: &Ipvs) -> String {
    let running = [Role::Master, Role::Backup].into_iter().filter_map(|role| Some((role, ipvs.daemon(role)?)));
    let line = |(role, d): (Role, &Daemon)| {
        let Daemon { iface, syncid, maxlen, group, port, ttl, .. } = d;
        let role = role.name();
        format!(
            "{role} sync daemon (mcast={iface}, syncid={syncid}, maxlen={maxlen}, group={group}, port={port}, ttl={ttl})\n"
        )
    };
    running.map(line).collect()
}

/// `-L -c`
pub fn connections(ipvs: &Ipvs, now: SimTime, request: &Request) -> String {
    let numeric = request.opts.has(Opt::Numeric);
    let mut out = String::from("IPVS connection entries\n");
    let _ = write!(out, "pro expire {:<11} {:<18} {:<18} ", "state", "source", "virtual");
    if request.opts.has(Opt::PersistentConn) {
        let _ = writeln!(out, "{:<18} {:<16} pe_data", "destination", "pe name");
    } else {
        out.push_str("destination\n");
    }
    for row in ipvs.conns(now) {
        connection_row(&mut out, &row, numeric);
    }
    out
}

fn connection_row(out: &mut String, row: &ConnRow, numeric: bool) {
    let proto = match row.proto {
        6 => Some(Proto::Tcp),
        17 => Some(Proto::Udp),
        _ => None,
    };
    let name = |(addr, port)| endpoint(addr, port, proto, numeric);
    let seconds = row.expires_in.as_secs();
    let expire = format!("{:02}:{:02}", seconds / 60, seconds % 60);
    let (client, virt, dest) = (name(row.client), name(row.virt), name(row.dest));
    let (proto, state) = (row.proto_name(), row.state);
    let _ = writeln!(out, "{proto:<3} {expire:<6} {state:<11} {client:<18} {virt:<18} {dest}");
}

fn title(out: &mut String, format: Format) {
    const LOCAL: &str = "Prot LocalAddress:Port";
    const REMOTE: &str = "  -> RemoteAddress:Port\n";
    let numbers = |out: &mut String, names: [&str; 5]| {
        let _ = write!(out, "{LOCAL:<33}");
        for name in names {
            let _ = write!(out, " {name:>8}");
        }
        let _ = write!(out, "\n{REMOTE}");
    };
    let _ = match format.layout {
        Layout::Rule => Ok(()),
        Layout::Stats => {
            numbers(out, ["Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"]);
            Ok(())
        }
        Layout::Rate => {
            numbers(out, ["CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"]);
            Ok(())
        }
        Layout::Thresholds => write!(
            out,
            "{LOCAL:<33} {:<10} {:<10} {:<10} {:<10}\n{REMOTE}",
            "Uthreshold", "Lthreshold", "ActiveConn", "InActConn"
        ),
        Layout::PersistentConn => write!(
            out,
            "{LOCAL:<33} {:<9} {:<11} {:<10} {:<10}\n{REMOTE}",
            "Weight", "PersistConn", "ActiveConn", "InActConn"
        ),
        Layout::TunInfo => writeln!(
            out,
            "{LOCAL} Scheduler Flags\n  -> {:<28} Forward TunnelInfo    Weight ActiveConn InActConn",
            "RemoteAddress:Port"
        ),
        Layout::Plain => writeln!(
            out,
            "{LOCAL} Scheduler Flags\n  -> {:<28} Forward Weight ActiveConn InActConn",
            "RemoteAddress:Port"
        ),
    };
}

fn rows(out: &mut String, service: &ServiceView<'_>, now: SimTime, format: Format) {
    let name = service_name(service.key(), format);
    match format.layout {
        Layout::Rule => {
            let _ = write!(out, "-A {name} -s {}", service.scheduler());
            rule_options(out, service.spec(), service.scheduler());
        }
        Layout::Stats => {
            let _ = write!(out, "{name:<33}");
            numbers(out, counters(service.counters(now)), format.exact);
        }
        Layout::Rate => {
            let _ = write!(out, "{name:<33}");
            numbers(out, rates(service.rates(now)), format.exact);
        }
        _ => {
            let _ = write!(out, "{name} {}", service.scheduler());
            list_options(out, service.spec(), service.scheduler());
        }
    }
    out.push('\n');
    let mut servers: Vec<&Dest> = service.dests().collect();
    if format.sorted {
        sort(&mut servers, |a, b| server_order((a.addr, a.port), (b.addr, b.port)));
    }
    for server in servers {
        server_row(out, service, &name, server, now, format);
        out.push('\n');
    }
}

fn server_row(out: &mut String, service: &ServiceView<'_>, service_name: &str, d: &Dest, now: SimTime, format: Format) {
    let mut name = endpoint(d.addr, d.port, proto(service.key()), format.numeric);
    if format.layout != Layout::Rule {
        name.truncate(28);
    }
    let (weight, active, inactive) = (d.weight, d.active, d.inactive);
    let _ = match format.layout {
        Layout::Rule => {
            let tunnel = if d.method == Method::Tun { " --tun-type ipip" } else { "" };
            write!(out, "-a {service_name} -r {name} {} -w {weight}{tunnel}", d.method.option())
        }
        Layout::Stats => {
            let _ = write!(out, "  -> {name:<28}");
            numbers(out, counters(service.dest_counters(d, now)), format.exact);
            Ok(())
        }
        Layout::Rate => {
            let [cps, in_pps, out_pps, bytes @ ..] = rates(service.dest_rates(d, now));
            // The first three are never scaled here, in the service's row they are.
            let _ = write!(out, "  -> {name:<28} {cps:>8} {in_pps:>8} {out_pps:>8}");
            numbers(out, bytes, format.exact);
            Ok(())
        }
        Layout::Thresholds => {
            write!(out, "  -> {name:<28} {:<10} {:<10} {active:<10} {inactive:<10}", d.u_threshold, d.l_threshold)
        }
        Layout::PersistentConn => {
            write!(out, "  -> {name:<28} {weight:<9} {:<11} {active:<10} {inactive:<10}", d.persist)
        }
        Layout::TunInfo => {
            let tunnel = if d.method == Method::Tun { "ipip" } else { "n/a" };
            let column = d.method.column();
            write!(out, "  -> {name:<28} {column:<7} {tunnel:<13} {weight:<6} {active:<10} {inactive:<10}")
        }
        Layout::Plain => {
            write!(out, "  -> {name:<28} {:<7} {weight:<6} {active:<10} {inactive:<10}", d.method.column())
        }
    };
}

/// The rest of a service's line in a list.
fn list_options(out: &mut String, spec: &ServiceSpec, scheduler: &str) {
    let flags = spec.flags.names(scheduler);
    if !flags.is_empty() {
        let _ = write!(out, " ({})", flags.join(","));
    }
    if let Some(seconds) = spec.persistent {
        let _ = write!(out, " persistent {seconds}");
        if spec.netmask != Ipv4Addr::BROADCAST {
            let _ = write!(out, " mask {}", spec.netmask);
        }
    }
    if spec.by_call_id {
        out.push_str(" pe sip");
    }
    if spec.ops {
        out.push_str(" ops");
    }
}

/// What is typed to give a service another scheduler and leave all else as it is.
pub fn edit_line(service: &ServiceView<'_>, scheduler: &str) -> String {
    let format = Format { layout: Layout::Rule, numeric: true, sorted: false, exact: false };
    let mut line = format!("ipvsadm -E {} -s {scheduler}", service_name(service.key(), format));
    rule_options(&mut line, service.spec(), scheduler);
    line
}

/// What is typed to take a real server out of a service.
pub fn delete_line(service: &ServiceView<'_>, dest: &Dest) -> String {
    let format = Format { layout: Layout::Rule, numeric: true, sorted: false, exact: false };
    format!("ipvsadm -d {} -r {}:{}", service_name(service.key(), format), dest.addr, dest.port)
}

/// The command that gives a destination another method and leaves its weight and thresholds as they are.
pub fn edit_dest_line(service: &ServiceView<'_>, dest: &Dest, method: Method) -> String {
    let format = Format { layout: Layout::Rule, numeric: true, sorted: false, exact: false };
    let name = service_name(service.key(), format);
    let server = endpoint(dest.addr, dest.port, proto(service.key()), true);
    let mut line = format!("ipvsadm -e {name} -r {server} {} -w {}", method.option(), dest.weight);
    if dest.u_threshold > 0 {
        let _ = write!(line, " -x {}", dest.u_threshold);
    }
    if dest.l_threshold > 0 {
        let _ = write!(line, " -y {}", dest.l_threshold);
    }
    line
}

/// The rest of a service's line in `-S`.
fn rule_options(out: &mut String, spec: &ServiceSpec, scheduler: &str) {
    if let Some(seconds) = spec.persistent {
        let _ = write!(out, " -p {seconds}");
        if spec.netmask != Ipv4Addr::BROADCAST {
            let _ = write!(out, " -M {}", spec.netmask);
        }
    }
    if spec.by_call_id {
        out.push_str(" --pe sip");
    }
    if spec.ops {
        out.push_str(" -o");
    }
    let flags = spec.flags.names(scheduler);
    if !flags.is_empty() {
        let _ = write!(out, " -b {}", flags.join(","));
    }
}

fn proto(key: ServiceKey) -> Option<Proto> {
    match key {
        ServiceKey::Addr { proto, .. } => Some(proto),
        ServiceKey::Mark(_) => None,
    }
}

fn service_name(key: ServiceKey, format: Format) -> String {
    let rule = format.layout == Layout::Rule;
    match key {
        // Marks are printed as signed numbers.
        ServiceKey::Mark(mark) if rule => format!("-f {}", mark as i32),
        ServiceKey::Mark(mark) => format!("FWM  {}", mark as i32),
        ServiceKey::Addr { proto, addr, port } => {
            let name = endpoint(addr, port, Some(proto), format.numeric);
            let tcp = proto == Proto::Tcp;
            if rule {
                return format!("{} {name}", if tcp { "-t" } else { "-u" });
            }
            let mut name = format!("{}  {name}", if tcp { "TCP" } else { "UDP" });
            name.truncate(33);
            name
        }
    }
}

/// `ADDRESS:PORT`, or with names where they are known and wanted.
fn endpoint(addr: Ipv4Addr, port: u16, proto: Option<Proto>, numeric: bool) -> String {
    if numeric {
        return format!("{addr}:{port}");
    }
    let port = match proto.and_then(|proto| services::name_of(port, proto)) {
        Some(name) => name.to_string(),
        None => port.to_string(),
    };
    if addr == Ipv4Addr::LOCALHOST { format!("localhost:{port}") } else { format!("{addr}:{port}") }
}

fn counters(c: Counters) -> [u64; 5] {
    [c.conns, c.in_pkts, c.out_pkts, c.in_bytes, c.out_bytes]
}

fn rates(r: Rates) -> [u64; 5] {
    [r.cps, r.in_pps, r.out_pps, r.in_bps, r.out_bps]
}

/// Nine columns each, large ones scaled.
fn numbers<const N: usize>(out: &mut String, list: [u64; N], exact: bool) {
    for n in list {
        let _ = match n {
            _ if exact => write!(out, " {n:>8}"),
            0..100_000_000 => write!(out, "{n:>9}"),
            100_000_000..1_000_000_000 => write!(out, "{:>8}K", n / 1_000),
            1_000_000_000..100_000_000_000 => write!(out, "{:>8}M", n / 1_000_000),
            100_000_000_000..100_000_000_000_000 => write!(out, "{:>8}G", n / 1_000_000_000),
            _ => write!(out, "{:>8}T", n / 1_000_000_000_000),
        };
    }
}

/// Marks, protocols, addresses, ports, each by the sign of the 32-bit difference; not an order in the strict sense.
fn service_order(a: ServiceKey, b: ServiceKey) -> i32 {
    let parts = |key| match key {
        // The kernel tells nothing but the mark of a marked service.
        ServiceKey::Mark(mark) => [mark, 0, 0, 0],
        ServiceKey::Addr { proto, addr, port } => [0, proto as u32, addr.to_bits(), u32::from(port)],
    };
    difference(parts(a), parts(b))
}

fn server_order(a: (Ipv4Addr, u16), b: (Ipv4Addr, u16)) -> i32 {
    difference([a.0.to_bits(), u32::from(a.1)], [b.0.to_bits(), u32::from(b.1)])
}

fn difference<const N: usize>(a: [u32; N], b: [u32; N]) -> i32 {
    a.into_iter().zip(b).map(|(a, b)| a.wrapping_sub(b) as i32).find(|d| *d != 0).unwrap_or(0)
}

/// The C library's qsort, which merges halves: with a comparison that contradicts itself the result depends on it.
fn sort<T: Copy>(items: &mut [T], compare: fn(&T, &T) -> i32) {
    if items.len() < 2 {
        return;
    }
    let middle = items.len() / 2;
    sort(&mut items[..middle], compare);
    sort(&mut items[middle..], compare);
    let (left, right) = (items[..middle].to_vec(), items[middle..].to_vec());
    let (mut l, mut r) = (left.iter().peekable(), right.iter().peekable());
    for place in items {
        let take_left = match (l.peek(), r.peek()) {
            (Some(a), Some(b)) => compare(a, b) <= 0,
            (a, _) => a.is_some(),
        };
        if let Some(item) = if take_left { l.next() } else { r.next() } {
            *place = *item;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    #[test]
    fn large_numbers_are_scaled_unless_exact() {
        for (n, scaled, exact) in [
            (0, "        0", "        0"),
            (99_999_999, " 99999999", " 99999999"),
            (100_000_000, "  100000K", " 100000000"),
            (999_999_999, "  999999K", " 999999999"),
            (1_000_000_000, "    1000M", " 1000000000"),
            (99_999_999_999, "   99999M", " 99999999999"),
            (100_000_000_000, "     100G", " 100000000000"),
            (100_000_000_000_000, "     100T", " 100000000000000"),
        ] {
            let print = |exact| {
                let mut out = String::new();
                numbers(&mut out, [n], exact);
                out
            };
            assert_eq!((print(false).as_str(), print(true).as_str()), (scaled, exact));
        }
    }

    #[test]
    fn connections_are_listed_with_the_whole_seconds_left() {
        let at = |d: [u8; 4], port| (Ipv4Addr::from(d), port);
        let row = |proto, state, millis, virt| ConnRow {
            proto,
            client: at([192, 168, 1, 101], 40000),
            virt,
            dest: at([192, 168, 1, 197], 80),
            state,
            expires_in: Span::from_millis(millis),
            flags: 0,
            slot: 0,
        };
        let vip = at([192, 168, 1, 200], 80);
        for (row, numeric, expected) in [
            (
                row(6, "ESTABLISHED", 899_999, vip),
                true,
                "TCP 14:59  ESTABLISHED 192.168.1.101:40000 192.168.1.200:80   192.168.1.197:80\n",
            ),
            (
                row(6, "FIN_WAIT", 60_000, vip),
                false,
                "TCP 01:00  FIN_WAIT    192.168.1.101:40000 192.168.1.200:http 192.168.1.197:http\n",
            ),
            (
                row(0, "NONE", 7_200_000, at([0, 0, 0, 5], 0)),
                false,
                "IP  120:00 NONE        192.168.1.101:40000 0.0.0.5:0          192.168.1.197:80\n",
            ),
        ] {
            let mut out = String::new();
            connection_row(&mut out, &row, numeric);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn addresses_are_sorted_by_the_sign_of_their_difference() {
        let sorted = |list: &[[u8; 4]]| {
            let mut keys: Vec<(Ipv4Addr, u16)> = list.iter().map(|a| (Ipv4Addr::from(*a), 80)).collect();
            sort(&mut keys, |a, b| server_order(*a, *b));
            keys.iter().map(|k| k.0.octets()).collect::<Vec<_>>()
        };
        let (ten, private, one) = ([10, 1, 1, 1], [192, 168, 1, 9], [192, 168, 1, 1]);
        assert_eq!(sorted(&[ten, private, one]), [one, private, ten]);
        // Each is "less" than the next and the last than the first: halves are merged as qsort does.
        let (a, b, c) = ([0, 0, 0, 1], [85, 0, 0, 1], [170, 0, 0, 1]);
        assert_eq!(sorted(&[a, b, c]), [a, b, c]);
        assert_eq!(sorted(&[c, b, a]), [c, a, b]);
    }

    #[test]
    fn marks_come_last_and_large_ones_first() {
        let addr = |proto, port| ServiceKey::Addr { proto, addr: Ipv4Addr::new(10, 0, 0, 1), port };
        let mut keys = [
            ServiceKey::Mark(1),
            addr(Proto::Udp, 53),
            ServiceKey::Mark(u32::MAX),
            addr(Proto::Tcp, 80),
            addr(Proto::Tcp, 21),
        ];
        sort(&mut keys, |a, b| service_order(*a, *b));
        let expected = [
            ServiceKey::Mark(u32::MAX),
            addr(Proto::Tcp, 21),
            addr(Proto::Tcp, 80),
            addr(Proto::Udp, 53),
            ServiceKey::Mark(1),
        ];
        assert_eq!(keys, expected);
    }
}
