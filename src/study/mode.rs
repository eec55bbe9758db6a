//! The three ways to forward, tried on one lab: what has to be typed so that its services work by NAT, direct routing or
//! tunnelling, whatever the file has.
//!
//! Only what is not so already is typed, as an administrator would at the end of set-up. Left out: services by firewall mark,
//! several directors that share servers by different networks, and whatever else stands in the way (filters, a client in the
//! servers' network with NAT): that is found by running.

use super::sample::{self, Case, Failure};
use super::variant::{Lines, Variant};
use crate::base::{DevIdx, NodeId, Span};
use crate::engine::world::Limits;
use crate::ipvs::{Dest, Method, ServiceKey};
use crate::net::{DevKind, IfAddr};
use crate::node::Host;
use crate::scenario::Scenario;
use crate::scenario::play::Play;
use crate::shell::ipvsadm::list::edit_dest_line;
use crate::sysctl::Conf;
use crate::trace::Tracer;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Their names, in the order in which they are tried.
pub const MODES: [(&str, Method); 3] = [("nat", Method::Nat), ("dr", Method::Dr), ("tun", Method::Tun)];

/// The name of a mode.
pub fn name(mode: Method) -> &'static str {
    MODES.iter().find(|m| m.1 == mode).map_or("local", |m| m.0)
}

/// The modes of a list such as `nat,dr`, each once.
///
/// # Errors
/// A sentence that names an unknown one, or one that stands twice.
pub fn modes(list: &str) -> Result<Vec<Variant>, String> {
    let mut found = Vec::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let Some(&(_, mode)) = MODES.iter().find(|m| m.0 == word) else {
            return Err(format!("`{word}` is no mode; there are nat, dr and tun"));
        };
        if found.contains(&Variant::Mode(mode)) {
            return Err(format!("`{word}` stands twice"));
        }
        found.push(Variant::Mode(mode));
    }
    if found.is_empty() { Err("name a mode, such as `nat,dr,tun`".into()) } else { Ok(found) }
}

/// How a lab gets a mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Which.
    pub mode: Method,
    /// What is typed, by host; or why the lab cannot have the mode.
    pub typed: Result<Vec<(String, Vec<String>)>, String>,
}

/// Tries what has to be typed for a mode, without running more than the set-up.
///
/// # Errors
/// If the set-up does not come to its end, whatever is typed.
pub fn prepare(
    scenario: &Scenario,
    mode: Method,
    seed: u64,
    limits: Limits,
    until: Option<Span>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Prepared, Failure> {
    let case = Case { variant: 0, load: 0, seed };
    let mut set_up =
        |variant| sample::set_up(scenario, variant, case, limits, until, &mut Tracer::off(), go_on).map(|done| done.1);
    set_up(Variant::AsItIs)?;
    let typed = match set_up(Variant::Mode(mode)) {
        Ok(lines) => Ok(lines
            .into_iter()
            .map(|(node, lines)| {
                (scenario.node_name(node).to_string(), lines.iter().map(ToString::to_string).collect())
            })
            .collect()),
        Err(Failure::Because(why)) => Err(why),
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
    };
    Ok(Prepared { mode, typed })
}

/// What is to be typed, director by director and server by server.
///
/// # Errors
/// A sentence that says why the lab cannot have this mode.
pub fn lines(play: &Play<'_>, mode: Method) -> Result<Lines, String> {
    let hosts = || play.world.nodes.iter().filter_map(|n| n.host());
    let mut typed = Typing::default();
    for director in hosts().filter(|h| h.ipvs.services().next().is_some()) {
        let mut vips = Vec::new();
        for service in director.ipvs.services() {
            let ServiceKey::Addr { addr, port, .. } = service.key() else {
                let name = &director.name;
                return Err(format!("a service of {name} is a firewall mark: servers cannot take its address"));
            };
            vips.push(addr);
            for dest in service.dests().filter(|dest| !director.net.has_addr(dest.addr)) {
                if mode != Method::Nat && dest.port != port {
                    return Err(format!(
                        "{} maps port {port} to port {} of {}: only nat changes ports",
                        director.name, dest.port, dest.addr
                    ));
                }
                if dest.method != mode {
                    typed.line(director, edit_dest_line(&service, dest, mode));
                }
            }
        }
        if mode == Method::Nat {
            forwards_without_redirects(director, &mut typed);
        }
        // One that does not have the address is a backup: the servers answer to the other.
        if !vips.iter().any(|vip| director.net.has_addr(*vip)) {
            continue;
        }
        for server in hosts().filter(|h| h.id != director.id) {
            let serves = |h: &Host, d: &Dest| h.net.has_addr(d.addr);
            let dest = director.ipvs.services().flat_map(|s| s.dests()).find(|d| serves(server, d)).map(|d| d.addr);
            if let Some(addr) = dest {
                serve(server, addr, director, &vips, mode, &mut typed)?;
            }
        }
    }
    Ok(typed.0)
}

/// What is typed so far, by host, nothing twice.
#[derive(Default)]
struct Typing(Lines);

impl Typing {
    fn line(&mut self, host: &Host, line: String) {
        let line: Arc<str> = line.into();
        let place = self.0.iter().position(|(id, _): &(NodeId, _)| *id == host.id);
        let place = place.unwrap_or_else(|| {
            self.0.push((host.id, Vec::new()));
            self.0.len() - 1
        });
        if !self.0[place].1.contains(&line) {
            self.0[place].1.push(line);
        }
    }

    fn knob(&mut self, host: &Host, path: &str, value: i64, good: impl FnOnce(i64) -> bool) {
        let now = host.net.sysctl.read(path).and_then(|text| text.trim().parse().ok());
        if !now.is_some_and(good) {
            self.line(host, format!("sysctl -w {path}={value}"));
        }
    }
}

/// With NAT the director forwards the answers; that it is not the shortest way is nobody's business.
fn forwards_without_redirects(director: &Host, typed: &mut Typing) {
    typed.knob(director, "net.ipv4.ip_forward", 1, |now| now != 0);
    typed.knob(director, "net.ipv4.conf.all.send_redirects", 0, |now| now == 0);
    for dev in cards(director) {
        typed.knob(director, &format!("net.ipv4.conf.{}.send_redirects", dev.name), 0, |now| now == 0);
    }
}

/// What a server needs that is reached at `addr`.
fn serve(
    server: &Host,
    addr: Ipv4Addr,
    director: &Host,
    vips: &[Ipv4Addr],
    mode: Method,
    typed: &mut Typing,
) -> Result<(), String> {
    let shared = shared(director, server, addr, vips);
    if mode != Method::Tun && shared.is_none() {
        let why = match mode {
            Method::Nat => "it must be the server's gateway",
            _ => "it changes nothing but the frame's address",
        };
        return Err(format!("{} ({addr}) is in no network of {}: {why}", server.name, director.name));
    }
    if mode == Method::Nat {
        for (dev, a) in server.net.devices().flat_map(|d| d.addrs.iter().map(move |a| (d, a))) {
            if vips.contains(&a.local) {
                typed.line(server, format!("ip addr del {}/{} dev {}", a.local, a.prefix, dev.name));
            }
        }
        if let Some((dip, _)) = shared.filter(|(dip, _)| gateway(server) != Some(*dip)) {
            typed.line(server, format!("ip route replace default via {dip}"));
        }
        return Ok(());
    }
    // Quiet before the address is there.
    let dev =
        shared.map(|s| s.1).or_else(|| cards(server).find(|d| d.addrs.iter().any(|a| a.local == addr)).map(|d| d.idx));
    let effective = |key| dev.map_or(server.net.sysctl.all(key), |dev| server.net.sysctl.effective(key, dev));
    if effective(Conf::ArpIgnore) == 0 {
        typed.line(server, "sysctl -w net.ipv4.conf.all.arp_ignore=1".into());
    }
    if effective(Conf::ArpAnnounce) < 2 {
        typed.line(server, "sysctl -w net.ipv4.conf.all.arp_announce=2".into());
    }
    let home = if mode == Method::Tun { "tunl0" } else { "lo" };
    if mode == Method::Tun {
        if !server.net.devices().any(|d| &*d.name == home && d.up) {
            typed.line(server, "modprobe ipip".into());
            typed.line(server, "ip link set tunl0 up".into());
        }
        // The packet comes by the tunnel, and the way back to the client does not lead there.
        typed.knob(server, "net.ipv4.conf.all.rp_filter", 0, |now| now == 0);
        typed.knob(server, "net.ipv4.conf.tunl0.rp_filter", 0, |now| now == 0);
    }
    for vip in vips.iter().filter(|&&vip| !server.net.has_addr(vip)) {
        typed.line(server, format!("ip addr add {vip}/32 dev {home}"));
    }
    // A director that owns their source takes no answers: they leave by its own gateway.
    let through = gateway(server).is_some_and(|via| director.net.has_addr(via));
    let own = gateway(director).filter(|via| cards(server).flat_map(|d| &d.addrs).any(|a| a.covers(*via)));
    if let Some(via) = own.filter(|_| through) {
        typed.line(server, format!("ip route replace default via {via}"));
    }
    Ok(())
}

fn cards(host: &Host) -> impl Iterator<Item = &crate::net::Dev> {
    host.net.devices().filter(|d| d.kind == DevKind::Ethernet)
}

/// An address of the director in the network in which a server has `addr`, and the server's device there.
fn shared(director: &Host, server: &Host, addr: Ipv4Addr, vips: &[Ipv4Addr]) -> Option<(Ipv4Addr, DevIdx)> {
    let dev = cards(server).find(|d| d.addrs.iter().any(|a| a.local == addr))?;
    let net: Vec<&IfAddr> = dev.addrs.iter().filter(|a| a.prefix < 32).collect();
    let addrs = cards(director).flat_map(|d| &d.addrs).filter(|a| a.prefix < 32 && a.covers(addr));
    let mut near = addrs.filter(|a| net.iter().any(|n| n.covers(a.local))).map(|a| a.local);
    near.find(|a| !vips.contains(a)).map(|dip| (dip, dev.idx))
}

/// The next hop of the default route.
fn gateway(host: &Host) -> Option<Ipv4Addr> {
    let default =
        host.net.fib.routes().iter().find(|r| r.table == crate::net::fib::TABLE_MAIN && r.dst.prefix_len() == 0);
    default.and_then(|r| r.via)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Names, load};

    /// A lab behind a router; what is typed on the director and on the server.
    fn lab(service: &str, director: &str, server: &str) -> Scenario {
        let text = format!(
            "lvsim: 1\nname: lab\nnodes:\n  lan: {{ kind: switch }}\n  out: {{ kind: switch }}\n  client: {{ kind: client, \
             gateway: 10.9.0.254, interfaces: {{ eth0: {{ to: out, address: 10.9.0.1/24 }} }} }}\n  router: {{ kind: router, \
             interfaces: {{ eth0: {{ to: lan, address: 10.0.0.254/24 }}, eth1: {{ to: out, address: 10.9.0.254/24 }} }} }}\n  \
             d:\n    kind: director\n    gateway: 10.0.0.254\n    interfaces: {{ eth0: {{ to: lan, addresses: [10.0.0.2/24, \
             10.0.0.100/32] }} }}\n    run: |\n      ipvsadm -A -t 10.0.0.100:80 -s rr\n      {service}\n{director}  rs1:\n    \
             kind: real-server\n    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.11/24 }} }}\n    serves: [ tcp/80, tcp/8080 \
             ]\n    {server}\ntraffic:\n  - {{ name: web, from: client, to: '10.0.0.100:80', connections: 3 }}\n"
        );
        load("lab.yaml", &text, &[], &Names::default()).unwrap_or_else(|p| panic!("{p:?}\n{text}")).scenario
    }

    fn prepared(lab: &Scenario, mode: Method) -> Result<String, String> {
        let all = prepare(lab, mode, 1, Limits::default(), None, &mut || true).expect("a set-up");
        let line = |(host, lines): (String, Vec<String>)| format!("{host}: {}", lines.join("; "));
        all.typed.map(|typed| typed.into_iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn ok(lab: &Scenario, mode: Method) -> u64 {
        let case = Case { variant: 0, load: 0, seed: 1 };
        sample::run_one(lab, Variant::Mode(mode), case, Limits::default(), None, &mut || true).expect("it runs").ok
    }

    const DR: &str = "gateway: 10.0.0.254\n    sysctl: { net.ipv4.conf.eth0.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }\n    \
                      run: ifconfig lo:0 10.0.0.100 netmask 255.255.255.255 up";
    const NAT: &str = "gateway: 10.0.0.2";

    #[test]
    fn every_mode_can_be_had_from_every_mode() {
        let dr = lab("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -g -w 3 -x 9 -y 4", "", DR);
        let nat = "ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11:80 -m";
        let nat = lab(nat, "    sysctl: { net.ipv4.ip_forward: 1 }\n", NAT);
        let tun = "gateway: 10.0.0.254\n    run: |\n      modprobe ipip\n      ifconfig tunl0 10.0.0.100 netmask 255.255.255.255 up\n      \
                   sysctl -w net.ipv4.conf.all.rp_filter=1";
        let tun = lab("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -i", "", tun);
        for lab in [&dr, &nat, &tun] {
            for (name, mode) in MODES {
                assert_eq!(ok(lab, mode), 3, "{name}: {:?}", prepared(lab, mode));
            }
        }
        assert_eq!(prepared(&dr, Method::Dr), Ok(String::new()));
        let wanted = "d: ipvsadm -e -t 10.0.0.100:80 -r 10.0.0.11:80 -m -w 3 -x 9 -y 4; sysctl -w net.ipv4.ip_forward=1; \
                      sysctl -w net.ipv4.conf.all.send_redirects=0; sysctl -w net.ipv4.conf.eth0.send_redirects=0\n\
                      rs1: ip addr del 10.0.0.100/32 dev lo; ip route replace default via 10.0.0.2";
        assert_eq!(prepared(&dr, Method::Nat).as_deref(), Ok(wanted));
        let wanted = "d: ipvsadm -e -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 1\n\
                      rs1: sysctl -w net.ipv4.conf.all.arp_ignore=1; sysctl -w net.ipv4.conf.all.arp_announce=2; \
                      ip addr add 10.0.0.100/32 dev lo; ip route replace default via 10.0.0.254";
        assert_eq!(prepared(&nat, Method::Dr).as_deref(), Ok(wanted));
        assert!(
            prepared(&nat, Method::Tun).is_ok_and(|t| t.contains("modprobe ipip; ip link set tunl0 up; ip addr add"))
        );
        assert!(prepared(&tun, Method::Tun).is_ok_and(|t| t.contains("sysctl -w net.ipv4.conf.all.rp_filter=0")));
    }

    #[test]
    fn a_backup_director_gets_its_table_and_the_servers_keep_to_the_first() {
        let backup = "  d2:\n    kind: director\n    gateway: 10.0.0.254\n    interfaces: { eth0: { to: lan, address: 10.0.0.3/24 } }\n    \
                      run: |\n      ipvsadm -A -t 10.0.0.100:80 -s rr\n      ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -g\n";
        let lab = lab("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -g", backup, DR);
        let typed = prepared(&lab, Method::Nat).expect("it can be");
        assert!(typed.contains("d2: ipvsadm -e -t 10.0.0.100:80 -r 10.0.0.11:80 -m"), "{typed}");
        assert!(typed.contains("default via 10.0.0.2") && !typed.contains("via 10.0.0.3"), "{typed}");
        assert_eq!(ok(&lab, Method::Nat), 3);
    }

    #[test]
    fn a_mode_that_cannot_be_says_why() {
        let mapped = lab("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11:8080 -m", "", NAT);
        assert!(prepared(&mapped, Method::Nat).is_ok());
        assert!(
            prepared(&mapped, Method::Dr)
                .is_err_and(|w| w.contains("maps port 80 to port 8080 of 10.0.0.11: only nat"))
        );
        let far = lab("ipvsadm -a -t 10.0.0.100:80 -r 10.9.0.11 -i", "", "run: ip addr add 10.9.0.11/24 dev eth0");
        for mode in [Method::Nat, Method::Dr] {
            assert!(prepared(&far, mode).is_err_and(|w| w.contains("rs1 (10.9.0.11) is in no network of d")));
        }
        assert!(prepared(&far, Method::Tun).is_ok());
        let mark = lab("ipvsadm -A -f 7 -s rr", "", NAT);
        assert!(prepared(&mark, Method::Tun).is_err_and(|w| w.contains("firewall mark")));
        let bare = load("bare.yaml", "lvsim: 1\nnodes: { a: { kind: host } }\n", &[], &Names::default());
        let bare = bare.expect("a good scenario").scenario;
        assert!(prepared(&bare, Method::Nat).is_err_and(|w| w.contains("no host has a virtual service")));
    }

    #[test]
    fn modes_are_told_by_name() {
        assert_eq!(modes("dr, nat"), Ok(vec![Variant::Mode(Method::Dr), Variant::Mode(Method::Nat)]));
        assert!(modes("nat,lb").is_err_and(|e| e.contains("`lb` is no mode")));
        assert!(modes("nat,nat").is_err() && modes("").is_err());
    }
}
