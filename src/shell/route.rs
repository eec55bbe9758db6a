//! `route` and `netstat -r` of net-tools 2.10, with the kernel's old routing calls behind them (`ip_rt_ioctl` in
//! net/ipv4/fib_frontend.c).
//!
//! A new route stands in front of older ones of the same prefix and metric. Names are never looked up: without `-n` only
//! 0.0.0.0/0 (`default`) and 169.254.0.0 (`link-local`) have one. Left out, and refused by name: `window`, `irtt`, IPv6,
//! the routing cache.

use super::ifconfig::prefix;
use super::output::{Output, Stream};
use super::words::{inet_aton, mask_len};
use crate::net::dev::mask;
use crate::net::fib::{
    Insert, PROTO_BOOT, Route, RouteKind, RouteMatch, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE, SCOPE_UNIVERSE, TABLE_MAIN,
};
use crate::net::proc::route_flags;
use crate::net::{Errno, Inet};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

const USAGE: &str = "Usage: route [-nNvee] [-FC] [<AF>]           List kernel routing tables
       route [-v] [-FC] {add|del|flush} ...  Modify routing table for AF.

       route {-h|--help} [<AF>]              Detailed usage syntax for specified AF.
       route {-V|--version}                  Display version/author and exit.

        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -e, --extend             display other/more information
        -F, --fib                display Forwarding Information Base (default)
        -C, --cache              display routing cache instead of FIB

  <AF>=Use -4, -6, '-A <af>' or '--<af>'; default: inet
  List of possible address families (which support routing):
    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) 
    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) 
    ddp (Appletalk DDP) x25 (CCITT X.25) 
";

const INET_USAGE: &str = "Usage: inet_route [-vF] del {-host|-net} Target[/prefix] [gw Gw] [metric M] [[dev] If]
       inet_route [-vF] add {-host|-net} Target[/prefix] [gw Gw] [metric M]
                              [netmask N] [mss Mss] [window W] [irtt I]
                              [mod] [dyn] [reinstate] [[dev] If]
       inet_route [-vF] add {-host|-net} Target[/prefix] [metric M] reject
       inet_route [-FC] flush      NOT supported
";

/// Runs `route`; returns its exit status.
pub fn main(net: &mut Inet, args: &[String], out: &mut Output) -> u8 {
    let mut numeric = false;
    let mut extend = 0;
    let mut words = Vec::new();
    let mut rest = args.iter();
    for arg in rest.by_ref() {
        match arg.as_str() {
            // What follows add and del is theirs: -net and -host.
            "add" | "del" | "delete" | "flush" => {
                words.push(arg.as_str());
                break;
            }
            "--numeric" => numeric = true,
            "--extend" => extend += 1,
            "-4" | "--inet" | "--fib" | "--verbose" => {}
            "-h" | "--help" | "-?" => {
                out.print(Stream::Stderr, USAGE);
                return 4;
            }
            "-V" | "--version" => {
                out.line("net-tools 2.10");
                return 5;
            }
            "-6" | "--inet6" | "-C" | "--cache" => {
                out.err(&format!("lvsim: route: `{arg}` is not modelled"));
                return 1;
            }
            a if a.len() > 1 && a.starts_with('-') && a[1..].chars().all(|c| "nNveF".contains(c)) => {
                numeric |= a.contains('n');
                extend += a.matches('e').count();
            }
            a => {
                words.push(a);
                break;
            }
        }
    }
    words.extend(rest.map(String::as_str));
    let Some((&what, words)) = words.split_first() else {
        show(net, numeric, if extend == 0 { 1 } else { extend + 1 }, out);
        return 0;
    };
    let refused = match what {
        "add" => edit(net, true, words, out),
        "del" | "delete" => edit(net, false, words, out),
        "flush" => {
            out.err("Flushing `inet' routing table not supported");
            Err(Refused::Usage(None))
        }
        _ => {
            out.print(Stream::Stderr, USAGE);
            return 3;
        }
    };
    match refused {
        Ok(()) => 0,
        Err(Refused::Usage(why)) => {
            if let Some(why) = why {
                out.err(&format!("route: {why}"));
            }
            out.print(Stream::Stderr, INET_USAGE);
            3
        }
        Err(Refused::Kernel(errno)) => {
            let call = if what == "add" { "SIOCADDRT" } else { "SIOCDELRT" };
            out.err(&format!("{call}: {errno}"));
            7
        }
        Err(Refused::Host(name, rc)) => {
            out.err(&format!("{name}: Unknown host"));
            rc
        }
        Err(Refused::NotModelled(word)) => {
            out.err(&format!("lvsim: route: `{word}` is not modelled"));
            1
        }
    }
}

enum Refused {
    Usage(Option<String>),
    Kernel(Errno),
    Host(String, u8),
    NotModelled(String),
}

/// What a person asked for (`struct rtentry`).
struct Request {
    dst: Ipv4Addr,
    host: bool,
    netmask: Option<Ipv4Addr>,
    gateway: Option<Ipv4Addr>,
    metric: u32,
    mss: Option<u32>,
    reject: bool,
    dev: Option<String>,
}

fn edit(net: &mut Inet, add: bool, words: &[&str], out: &mut Output) -> Result<(), Refused> {
    let mut request = parse(words)?;
    if request.reject && request.dev.is_none() {
        request.dev = Some("lo".into());
    }
    check_mask(&request)?;
    let _ = out;
    let done = if add { add_route(net, &request) } else { del_route(net, &request) };
    done.map_err(Refused::Kernel)
}

fn parse(words: &[&str]) -> Result<Request, Refused> {
    let usage = || Refused::Usage(None);
    let mut words = words.iter().copied().peekable();
    let kind = words.next_if(|w| matches!(*w, "-net" | "-host"));
    let target = words.next().ok_or_else(usage)?;
    let (target, netmask) = match target.split_once('/') {
        Some((target, len)) => (target, Some(prefix(len).ok_or_else(usage)?)),
        None => (target, None),
    };
    let (dst, network) = match target {
        "default" => (Ipv4Addr::UNSPECIFIED, true),
        _ => (inet_aton(target).ok_or_else(|| Refused::Host(target.into(), 1))?, false),
    };
    let mut r = Request {
        dst,
        host: match kind {
            Some("-net") => false,
            Some(_) => true,
            None => !network,
        },
        netmask: netmask.filter(|m| !m.is_unspecified()),
        gateway: None,
        metric: 0,
        mss: None,
        reject: false,
        dev: None,
    };
    while let Some(word) = words.next() {
        match word {
            "metric" => {
                let text = words.next().ok_or_else(usage)?;
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return Err(usage());
                }
                r.metric = text[..digits].parse().unwrap_or(i32::MAX as u32);
            }
            "netmask" => {
                let text = words.next().filter(|_| r.netmask.is_none()).ok_or_else(usage)?;
                let mask = inet_aton(text).ok_or_else(|| Refused::Host(text.into(), 6))?;
                r.netmask = Some(mask).filter(|m| !m.is_unspecified());
            }
            "gw" | "gateway" => {
                let text = words.next().filter(|_| r.gateway.is_none()).ok_or_else(usage)?;
                if text == "default" {
                    let why = format!("{text}: cannot use a NETWORK as gateway!");
                    return Err(Refused::Usage(Some(why)));
                }
                r.gateway = Some(inet_aton(text).ok_or_else(|| Refused::Host(text.into(), 6))?);
            }
            "mss" => {
                let text = words.next().ok_or_else(usage)?;
                let mss = text.parse().unwrap_or(0);
                if !(64..=65536).contains(&mss) {
                    return Err(Refused::Usage(Some("Invalid MSS/MTU.".into())));
                }
                r.mss = Some(mss);
            }
            "reject" => r.reject = true,
            "mod" | "dyn" | "reinstate" => {}
            "window" | "irtt" => return Err(Refused::NotModelled(word.into())),
            "device" | "dev" => {
                let name = words.next().filter(|_| r.dev.is_none()).ok_or_else(usage)?;
                r.dev = Some(name.into());
            }
            // A device may be the last word.
            _ if r.dev.is_none() && words.peek().is_none() => r.dev = Some(word.into()),
            _ => return Err(usage()),
        }
    }
    Ok(r)
}

fn check_mask(r: &Request) -> Result<(), Refused> {
    let Some(netmask) = r.netmask else {
        return Ok(());
    };
    let wrong = |why: String| Err(Refused::Usage(Some(why)));
    let hosts = !u32::from(netmask);
    if r.host && hosts != 0 {
        return wrong(format!("netmask {hosts:08x} doesn't make sense with host route"));
    }
    if hosts & hosts.wrapping_add(1) != 0 {
        return wrong(format!("bogus netmask {netmask}"));
    }
    if u32::from(r.dst) & hosts != 0 {
        return wrong("netmask doesn't match route address".into());
    }
    Ok(())
}

/// `rtentry_to_fib_config`, the part that both calls share.
fn prefix_of(r: &Request) -> Result<Ipv4Net, Errno> {
    let len = if r.host { 32 } else { mask_len(r.netmask.unwrap_or(Ipv4Addr::UNSPECIFIED)).ok_or(Errno::Invalid)? };
    if u32::from(r.dst) & !mask(len) != 0 {
        return Err(Errno::Invalid);
    }
    Ipv4Net::new(r.dst, len).map_err(|_| Errno::Invalid)
}

/// The device that a name means, and the address that an alias means: it becomes the preferred source.
fn device(net: &Inet, name: Option<&str>) -> Result<(Option<crate::base::DevIdx>, Option<Ipv4Addr>), Errno> {
    let Some(name) = name else {
        return Ok((None, None));
    };
    let base = name.split(':').next().unwrap_or_default();
    let dev = net.dev_by_name(base).ok_or(Errno::NoDevice)?;
    if base.len() == name.len() {
        return Ok((Some(dev), None));
    }
    let alias = net.dev(dev).addrs.iter().find(|a| *a.label == *name);
    let source = alias.ok_or(Errno::NoDevice)?.local;
    Ok((Some(dev), Some(source)))
}

fn add_route(net: &mut Inet, r: &Request) -> Result<(), Errno> {
    let dst = prefix_of(r)?;
    let mut route = Route {
        dst,
        kind: RouteKind::Unreachable,
        scope: SCOPE_HOST,
        tos: 0,
        table: TABLE_MAIN,
        metric: r.metric,
        via: None,
        dev: None,
        prefsrc: None,
        proto: PROTO_BOOT,
        mtu: None,
        mtu_lock: false,
        advmss: None,
        onlink: false,
        nh_scope: SCOPE_NOWHERE,
        linkdown: false,
        id: 0,
    };
    if !r.reject {
        (route.dev, route.prefsrc) = device(net, r.dev.as_deref())?;
        let gateway = r.gateway.filter(|g| !g.is_unspecified());
        if r.gateway.is_some() && gateway.is_none() {
            return Err(Errno::Invalid);
        }
        route.kind = RouteKind::Unicast;
        route.via = gateway;
        route.scope = match gateway {
            Some(g) if net.addr_kind(g) == RouteKind::Unicast => SCOPE_UNIVERSE,
            _ => SCOPE_LINK,
        };
        route.advmss = r.mss.map(|mss| mss - 40);
    }
    net.route_insert(route, Insert::Prepend).map_err(|e| e.errno)
}

fn del_route(net: &mut Inet, r: &Request) -> Result<(), Errno> {
    let mut wanted = RouteMatch { metric: r.metric, ..RouteMatch::any(prefix_of(r)?, TABLE_MAIN) };
    if r.reject {
        wanted.kind = Some(RouteKind::Unreachable);
        wanted.scope = SCOPE_HOST;
    } else {
        wanted.kind = Some(RouteKind::Unicast);
        (wanted.dev, wanted.prefsrc) = device(net, r.dev.as_deref())?;
        wanted.via = r.gateway.filter(|g| !g.is_unspecified());
        if wanted.via.is_some_and(|g| net.addr_kind(g) == RouteKind::Unicast) {
            wanted.scope = SCOPE_UNIVERSE;
        }
    }
    net.route_del(&wanted).map(|_| ()).map_err(|e| e.errno)
}

/// The main table; `form` 1 is `route`, 2 `route -e` and `netstat -r`, 3 `route -ee`.
pub(super) fn show(net: &Inet, numeric: bool, form: usize, out: &mut Output) {
    out.line("Kernel IP routing table");
    out.line(match form {
        1 => "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface",
        2 => "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface",
        _ => "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface    MSS   Window irtt",
    });
    for r in net.fib.routes() {
        if r.table != TABLE_MAIN || matches!(r.kind, RouteKind::Broadcast | RouteKind::Multicast) {
            continue;
        }
        let bits = route_flags(r);
        let reject = bits & 0x200 != 0;
        let mut flags = String::from(if reject { "!" } else { "U" });
        if bits & 2 != 0 {
            flags.push('G');
        }
        if bits & 4 != 0 {
            flags.push('H');
        }
        let dst = match r.dst.network() {
            a if !numeric && a.is_unspecified() => "default".to_string(),
            a if !numeric && a == Ipv4Addr::new(169, 254, 0, 0) => "link-local".to_string(),
            a => a.to_string(),
        };
        let gateway = if reject { "-".to_string() } else { r.via.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string() };
        let netmask = Ipv4Addr::from(mask(r.dst.prefix_len())).to_string();
        let dev = r.dev.map_or("*", |d| &net.dev(d).name);
        let mss = r.advmss.map_or(0, |m| m + 40);
        let tail = match (form, reject) {
            (1, true) => format!("{:<6} -  {:7} -", r.metric, 0),
            (1, false) => format!("{:<6} {:<2} {:7} {dev}", r.metric, 0, 0),
            (2, true) => format!("{:>5} {:<5} {:>6} -", "-", "-", "-"),
            (2, false) => format!("{mss:5} {:<5} {:6} {dev}", 0, 0),
            (_, true) => format!("{:<6} -  {:7} -", r.metric, 0),
            (_, false) => format!("{:<6} {:<3} {:6} {dev:<8.8} {mss:<5} {:<6} {}", r.metric, 0, 0, 0, 0),
        };
        out.line(&format!("{dst:<15.15} {gateway:<15.15} {netmask:<15.15} {flags:<5} {tail}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::wire::Mac;

    fn run(net: &mut Inet, line: &str) -> (u8, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::default();
        let rc = main(net, &args, &mut out);
        (rc, out.text())
    }

    fn host() -> Inet {
        let mut net = Inet::new(Seed(1).stream("neigh"));
        net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        let args = ["eth0", "10.0.0.1", "netmask", "255.255.255.0"].map(String::from);
        super::super::ifconfig::main(&mut net, &args, &mut Output::default());
        net
    }

    #[test]
    fn the_newest_default_gateway_stands_in_front() {
        let mut net = host();
        assert_eq!(run(&mut net, "add default gw 10.0.0.254").0, 0);
        assert_eq!(run(&mut net, "add default gw 10.0.0.253").0, 0);
        assert_eq!(run(&mut net, "add default gw 10.0.0.254"), (7, "SIOCADDRT: File exists\n".into()));
        assert_eq!(run(&mut net, "add default gw 192.168.77.1"), (7, "SIOCADDRT: Network is unreachable\n".into()));
        assert_eq!(run(&mut net, "add default gw 10.0.0.1").0, 0);
        let (_, text) = run(&mut net, "-n");
        let gateways: Vec<&str> = text.lines().filter(|l| l.starts_with("0.0.0.0")).map(|l| l[16..26].trim()).collect();
        assert_eq!(gateways, ["10.0.0.1", "10.0.0.253", "10.0.0.254"]);
    }

    #[test]
    fn mistakes_are_answered_as_by_net_tools() {
        let mut net = host();
        for (line, rc, words) in [
            ("add -net 10.3.0.0", 7, "SIOCADDRT: Invalid argument\n"),
            (
                "add -net 10.3.0.5 netmask 255.255.0.0 dev eth0",
                3,
                "route: netmask doesn't match route address\nUsage: inet_route",
            ),
            ("add -host 10.4.0.1 dev eth7", 7, "SIOCADDRT: No such device\n"),
            ("del default", 7, "SIOCDELRT: No such process\n"),
            ("add-host 10.0.0.9 dev eth0", 3, "Usage: route [-nNvee]"),
        ] {
            let (is, text) = run(&mut net, line);
            assert_eq!(is, rc, "{line}");
            assert!(text.starts_with(words), "{line}: {text}");
        }
    }

    #[test]
    fn a_rejecting_route_shows_no_gateway() {
        let mut net = host();
        run(&mut net, "add -net 10.5.0.0 netmask 255.255.0.0 reject");
        let (_, text) = run(&mut net, "-n");
        assert_eq!(
            text.lines().last(),
            Some("10.5.0.0        -               255.255.0.0     !     0      -        0 -")
        );
        let (_, text) = run(&mut net, "-e -n");
        assert_eq!(
            text.lines().last(),
            Some("10.5.0.0        -               255.255.0.0     !         - -          - -")
        );
    }
}
