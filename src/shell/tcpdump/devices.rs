//! Where tcpdump can listen: the list of `-D`, the device that `-i` means (libpcap: pcap.c, pcap-linux.c).
//!
//! Left out: Bluetooth, netfilter's queues and logs and D-Bus, which are listed but cannot be opened.

use super::args::{Stop, atoi};
use crate::base::DevIdx;
use crate::net::{Dev, DevKind, Inet};
use crate::wire::capture::LinkType;

/// What libpcap of Debian 12 can listen to beside devices.
const OTHERS: &[(&str, &str, &str)] = &[
    ("bluetooth-monitor", "Bluetooth Linux Monitor", "Wireless"),
    ("nflog", "Linux netfilter log (NFLOG) interface", "none"),
    ("nfqueue", "Linux netfilter queue (NFQUEUE) interface", "none"),
    ("dbus-system", "D-Bus system bus", "none"),
    ("dbus-session", "D-Bus session bus", "none"),
];

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// As tcpdump names it.
    pub name: String,
    /// The device; none: all of them.
    pub dev: Option<DevIdx>,
    pub link: LinkType,
}

/// Worse ones have more (`get_figure_of_merit`).
fn demerit(dev: &Dev) -> u32 {
    let unconnected = dev.kind == DevKind::Ethernet && !dev.running();
    u32::from(!dev.running()) << 31
        | u32::from(!dev.up) << 30
        | u32::from(unconnected) << 29
        | u32::from(dev.is_loopback()) << 28
}

/// What `any` and the others have in place of a device's flags.
const ANY: u32 = 1 << 27;
const NEITHER_UP_NOR_RUNNING: u32 = 3 << 30;

/// Names and lines in the order of `-D`.
fn names(net: &Inet) -> Vec<(String, String)> {
    let mut rows: Vec<(u32, String, String)> = Vec::new();
    for dev in net.devs.iter().filter(|d| !d.gone) {
        rows.push((demerit(dev), dev.name.to_string(), format!("{} [{}]", dev.name, flags(dev))));
    }
    let any = "any (Pseudo-device that captures on all interfaces) [Up, Running]";
    rows.push((ANY, "any".into(), any.into()));
    for (name, what, flags) in OTHERS {
        rows.push((NEITHER_UP_NOR_RUNNING, (*name).into(), format!("{name} ({what}) [{flags}]")));
    }
    // Of equal ones, the first stays first.
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(|(_, name, line)| (name, line)).collect()
}

fn flags(dev: &Dev) -> String {
    let mut words = Vec::new();
    if dev.up {
        words.push("Up");
    }
    if dev.running() {
        words.push("Running");
    }
    if dev.is_loopback() {
        words.push("Loopback");
    }
    if words.is_empty() {
        words.push("none");
    }
    if dev.kind == DevKind::Ethernet {
        words.push(if dev.running() { "Connected" } else { "Disconnected" });
    }
    words.join(", ")
}

/// `-D`.
pub(super) fn list(net: &Inet) -> String {
    names(net).iter().enumerate().map(|(n, (_, line))| format!("{}.{line}\n", n + 1)).collect()
}

/// What `-i` means; without it the first of the list.
pub(super) fn find(net: &Inet, typed: Option<&str>) -> Result<Source, Stop> {
    let names = names(net);
    let first = || names.first().map_or_else(String::new, |(name, _)| name.clone());
    let name = typed.map_or_else(first, str::to_string);
    match open(net, &name) {
        Err(Stop::Error(_)) if name.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => {
            let n = atoi(&name);
            if n <= 0 {
                return Err(Stop::Error(format!("Invalid adapter index {name}")));
            }
            match names.get(n as usize - 1) {
                Some((name, _)) => open(net, name),
                None => {
                    let found = names.len();
                    Err(Stop::Error(format!("Invalid adapter index {n}: only {found} interfaces found")))
                }
            }
        }
        opened => opened,
    }
}

fn open(net: &Inet, name: &str) -> Result<Source, Stop> {
    if name == "any" {
        return Ok(Source { name: name.into(), dev: None, link: LinkType::LinuxSll2 });
    }
    if OTHERS.iter().any(|(other, ..)| *other == name) {
        return Err(Stop::NotSimulated(format!("-i {name}")));
    }
    // The kernel looks a device up by what stands before a colon (`dev_ioctl`): `eth0:0` is `eth0`.
    let bare = name.split(':').next().unwrap_or(name);
    let Some(dev) = net.dev_by_name(bare).filter(|_| name.len() < 16) else {
        return Err(Stop::Error(format!("{name}: No such device exists\n(No such device exists)")));
    };
    let device = &net.devs[dev.index()];
    if !device.up {
        return Err(Stop::Error(format!("{name}: That device is not up")));
    }
    let link = if matches!(device.kind, DevKind::Ipip { .. }) { LinkType::Raw } else { LinkType::En10mb };
    Ok(Source { name: name.into(), dev: Some(dev), link })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;
    use crate::wire::Mac;

    /// `lo` and `eth1` are up; `tunl0` and `eth0` are down.
    fn net() -> Inet {
        let mut net = Inet::new(Seed(1).stream("neigh"));
        net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        let eth1 = net.add_ethernet("eth1".into(), Mac([2, 0, 0, 0, 0, 2]), 1500);
        net.link_up(eth1);
        net
    }

    #[test]
    fn devices_that_are_up_come_before_any_and_those_that_are_down_at_the_end() {
        let expected = "\
1.eth1 [Up, Running, Connected]
2.any (Pseudo-device that captures on all interfaces) [Up, Running]
3.lo [Up, Running, Loopback]
4.tunl0 [none]
5.bluetooth-monitor (Bluetooth Linux Monitor) [Wireless]
6.nflog (Linux netfilter log (NFLOG) interface) [none]
7.nfqueue (Linux netfilter queue (NFQUEUE) interface) [none]
8.dbus-system (D-Bus system bus) [none]
9.dbus-session (D-Bus session bus) [none]
10.eth0 [none, Disconnected]
";
        assert_eq!(list(&net()), expected);
    }

    #[test]
    fn a_device_is_meant_by_its_name_an_alias_or_its_place_in_the_list() {
        let net = net();
        let found = |typed: Option<&str>| find(&net, typed).map(|s| (s.name, s.link));
        let error = |text: &str| Err(Stop::Error(text.into()));
        let source = |name: &str, link| Ok((name.to_string(), link));
        assert_eq!(found(None), source("eth1", LinkType::En10mb));
        assert_eq!(found(Some("3")), source("lo", LinkType::En10mb));
        assert_eq!(found(Some("any")), source("any", LinkType::LinuxSll2));
        assert_eq!(found(Some("eth1:0")), source("eth1:0", LinkType::En10mb));
        assert_eq!(found(Some("eth0")), error("eth0: That device is not up"));
        assert_eq!(found(Some("tunl0")), error("tunl0: That device is not up"));
        assert_eq!(found(Some("eth7")), error("eth7: No such device exists\n(No such device exists)"));
        assert_eq!(found(Some("0")), error("Invalid adapter index 0"));
        assert_eq!(found(Some("99")), error("Invalid adapter index 99: only 10 interfaces found"));
        assert_eq!(found(Some("nflog")), Err(Stop::NotSimulated("-i nflog".into())));
    }
}
