//! `ifconfig` of net-tools 2.10, with the kernel's old address calls behind it (`devinet_ioctl` in net/ipv4/devinet.c).
//!
//! Aliases such as `eth0:0` are labels of addresses. A prefix length of 32 makes the mask 0.0.0.0: net-tools shifts by 32 bits.
//! Left out, and refused by name: IPv6, `add`, `del`, `tunnel`, `media`, `mem_start`, `io_addr`, `irq`, `outfill`, `keepalive`.

use super::output::{Output, Stream};
use super::words::{inet_aton, mask_len};
use crate::base::DevIdx;
use crate::net::dev::mask;
use crate::net::{Dev, DevKind, Errno, IfAddr, Inet};
use crate::wire::Mac;
use std::cmp::Ordering;
use std::net::Ipv4Addr;

const USAGE: &str = "Usage:
  ifconfig [-a] [-v] [-s] <interface> [[<AF>] <address>]
  [add <address>[/<prefixlen>]]
  [del <address>[/<prefixlen>]]
  [[-]broadcast [<address>]]  [[-]pointopoint [<address>]]
  [netmask <address>]  [dstaddr <address>]  [tunnel <address>]
  [outfill <NN>] [keepalive <NN>]
  [hw <HW> <address>]  [mtu <NN>]
  [[-]trailers]  [[-]arp]  [[-]allmulti]
  [multicast]  [[-]promisc]
  [mem_start <NN>]  [io_addr <NN>]  [irq <NN>]  [media <type>]
  [txqueuelen <NN>]
  [[-]dynamic]
  [up|down] ...
";

/// Runs `ifconfig`; returns its exit status.
pub fn main(net: &mut Inet, args: &[String], out: &mut Output) -> u8 {
    let (mut all, mut short) = (false, false);
    let options = args.iter().take_while(|a| a.starts_with('-')).count();
    for option in &args[..options] {
        match option.as_str() {
            "-a" => all = true,
            "-s" => short = true,
            "-v" => {}
            "-V" | "-version" | "--version" => {
                out.line("net-tools 2.10");
                return 5;
            }
            "-?" | "-h" | "-help" | "--help" => {
                out.print(Stream::Stderr, USAGE);
                return 4;
            }
            _ => {}
        }
    }
    let args = &args[options..];
    let Some(name) = args.first() else {
        print_all(net, all, short, out);
        return 0;
    };
    if args.len() == 1 {
        return print_one(net, name, short, out);
    }
    // The kernel cuts names at 15 bytes.
    let name = cut(name);
    let mut run = Run { net, out, name, mask: None, did_netmask: false, failed: 0 };
    match run.apply(&args[1..]) {
        Ok(()) => run.failed,
        Err(rc) => rc,
    }
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

struct Run<'a> {
    net: &'a mut Inet,
    out: &'a mut Output,
    name: &'a str,
    /// The mask of `ADDR/PREFIX`, set when everything else has been done.
    mask: Option<Ipv4Addr>,
    did_netmask: bool,
    failed: u8,
}

impl Run<'_> {
    fn apply(&mut self, words: &[String]) -> Result<(), u8> {
        let mut words = words.iter().map(String::as_str).peekable();
        words.next_if(|w| *w == "inet");
        while let Some(word) = words.next() {
            match word {
                "up" => self.flag("SIOCSIFFLAGS", true),
                "down" => self.flag("SIOCSIFFLAGS", false),
                "arp" | "-arp" => self.set_arp(word == "arp"),
                "multicast" | "-trailers" | "-promisc" | "-allmulti" | "-dynamic" | "broadcast" | "-broadcast"
                    if word != "broadcast" || words.peek().is_none() =>
                {
                    // Such a device is like that already, or cannot be otherwise.
                    self.device();
                }
                "broadcast" => {
                    let addr = self.address(words.next())?;
                    if let Some(addr) = addr {
                        self.set_broadcast(addr);
                    }
                }
                "netmask" => {
                    let Some(text) = words.next().filter(|_| !self.did_netmask) else {
                        return Err(self.usage());
                    };
                    if let Some(mask) = self.address(Some(text))? {
                        self.did_netmask = true;
                        self.set_netmask(mask);
                    }
                }
                "dstaddr" | "pointopoint" => {
                    if let Some(addr) = self.address(words.next())? {
                        self.set_peer(addr);
                    }
                }
                "mtu" => {
                    let Some(text) = words.next() else {
                        return Err(self.usage());
                    };
                    self.set_mtu(text.parse().unwrap_or(0));
                }
                "hw" => {
                    let (Some(class), Some(text)) = (words.next(), words.next()) else {
                        return Err(self.usage());
                    };
                    self.set_mac(class, text)?;
                }
                "txqueuelen" | "metric" | "promisc" | "allmulti" | "trailers" | "dynamic" | "-pointopoint"
                | "-multicast" | "add" | "del" | "tunnel" | "media" | "mem_start" | "io_addr" | "irq" | "outfill"
                | "keepalive" | "inet6" => {
                    self.out.err(&format!("lvsim: ifconfig: `{word}` is not modelled"));
                    return Err(1);
                }
                _ => self.set_address(word)?,
            }
        }
        if let Some(mask) = self.mask {
            self.set_netmask(mask);
        }
        Ok(())
    }

    fn usage(&mut self) -> u8 {
        self.out.print(Stream::Stderr, USAGE);
        3
    }

    /// `perror`, and the program goes on.
    fn fail(&mut self, call: &str, errno: Errno) {
        self.out.err(&format!("{call}: {errno}"));
        self.failed = self.failed.max(1);
    }

    fn device(&mut self) -> Option<DevIdx> {
        let base = self.name.split(':').next().unwrap_or_default();
        let dev = self.net.dev_by_name(base);
        if dev.is_none() {
            self.out.err(&format!("{}: ERROR while getting interface flags: No such device", self.name));
            self.failed = 255;
        }
        dev
    }

    /// An argument that is an address; a word that is none is reported and passed over.
    fn address(&mut self, text: Option<&str>) -> Result<Option<Ipv4Addr>, u8> {
        let Some(text) = text else {
            return Err(self.usage());
        };
        let addr = resolve(text);
        if addr.is_none() {
            self.out.err(&format!("{text}: Unknown host"));
            self.failed = self.failed.max(1);
        }
        Ok(addr)
    }

    /// The address that the name means, as the kernel looks for it: device and place in its list.
    fn labelled(&self) -> Result<(DevIdx, Option<usize>), Errno> {
        let base = self.name.split(':').next().unwrap_or_default();
        let dev = self.net.dev_by_name(base).ok_or(Errno::NoDevice)?;
        let at = self.net.dev(dev).addrs.iter().position(|a| &*a.label == self.name);
        Ok((dev, at))
    }

    /// Changes the address that the name means: the kernel takes it away and puts it in again.
    fn change(&mut self, call: &str, edit: impl FnOnce(&Dev, &mut IfAddr) -> Result<bool, Errno>) {
        let found = self.labelled().and_then(|(dev, at)| at.map(|at| (dev, at)).ok_or(Errno::AddrNotAvail));
        let (dev, at) = match found {
            Ok(found) => found,
            Err(errno) => return self.fail(call, errno),
        };
        let mut addr = self.net.dev(dev).addrs[at].clone();
        match edit(self.net.dev(dev), &mut addr) {
            Ok(true) => {
                self.net.addr_del_at(dev, at);
                // The call does not tell if this fails.
                let _ = self.net.addr_add(dev, addr);
            }
            Ok(false) => {}
            Err(errno) => self.fail(call, errno),
        }
    }

    /// `SIOCSIFFLAGS` with `IFF_UP`: on an alias, down deletes its address.
    fn flag(&mut self, call: &str, up: bool) {
        let Some(dev) = self.device() else { return };
        if !self.name.contains(':') {
            return if up {
                self.net.link_up(dev);
            } else {
                self.net.link_down(dev);
            };
        }
        match self.labelled() {
            Ok((dev, Some(at))) if !up => self.net.addr_del_at(dev, at),
            Ok((_, Some(_))) => {}
            Ok((_, None)) => {
                self.fail(call, Errno::AddrNotAvail);
                self.failed = 255;
            }
            Err(errno) => self.fail(call, errno),
        }
    }

    fn set_arp(&mut self, on: bool) {
        if let Some(dev) = self.device()
            && !self.name.contains(':')
        {
            self.net.set_noarp(dev, !on);
        }
    }

    fn set_address(&mut self, word: &str) -> Result<(), u8> {
        let (text, mask) = match word.split_once('/') {
            Some((text, len)) => {
                let Some(len) = prefix(len) else {
                    return Err(self.usage());
                };
                if self.did_netmask {
                    return Err(self.usage());
                }
                (text, Some(len))
            }
            None => (word, None),
        };
        self.mask = mask.or(self.mask);
        let Some(addr) = resolve(text) else {
            self.out.err(&format!("{text}: Unknown host"));
            self.out.err("ifconfig: `--help' gives usage information.");
            return Err(1);
        };
        if let Err(errno) = self.put_address(addr) {
            self.fail("SIOCSIFADDR", errno);
        }
        if !(self.name.contains(':') && self.name.ends_with('-')) {
            self.flag("SIOCSIFFLAGS", true);
        }
        Ok(())
    }

    /// `SIOCSIFADDR`: the address with the mask of its class in place of the one that the name means.
    fn put_address(&mut self, addr: Ipv4Addr) -> Result<(), Errno> {
        let (dev, at) = self.labelled()?;
        let class = class_len(addr).ok_or(Errno::Invalid)?;
        if let Some(at) = at {
            if self.net.dev(dev).addrs[at].local == addr {
                return Ok(());
            }
            self.net.addr_del_at(dev, at);
        }
        if addr.is_unspecified() {
            return Ok(());
        }
        let d = self.net.dev(dev);
        let label = if self.name.contains(':') { self.name.into() } else { d.name.clone() };
        let mut new = IfAddr::new(addr, class, label);
        if d.is_pointopoint() {
            new.prefix = 32;
        } else if d.is_broadcast() && class < 31 {
            new.broadcast = Some(new.subnet_broadcast());
        }
        self.net.addr_add(dev, new).map_err(|e| e.errno)
    }

    fn set_netmask(&mut self, netmask: Ipv4Addr) {
        self.change("SIOCSIFNETMASK", |dev, addr| {
            let len = mask_len(netmask).ok_or(Errno::Invalid)?;
            if addr.prefix == len {
                return Ok(false);
            }
            let last = |len| Ipv4Addr::from(u32::from(addr.local) | !mask(len));
            if dev.is_broadcast() && len < 31 && addr.broadcast == Some(last(addr.prefix)) {
                addr.broadcast = Some(last(len));
            }
            addr.prefix = len;
            Ok(true)
        });
    }

    fn set_broadcast(&mut self, broadcast: Ipv4Addr) {
        self.change("SIOCSIFBRDADDR", |_, addr| {
            let new = Some(broadcast).filter(|b| !b.is_unspecified());
            let differs = addr.broadcast != new;
            addr.broadcast = new;
            Ok(differs)
        });
    }

    fn set_peer(&mut self, peer: Ipv4Addr) {
        self.change("SIOCSIFDSTADDR", |_, addr| {
            if addr.address == peer {
                return Ok(false);
            }
            class_len(peer).ok_or(Errno::Invalid)?;
            addr.address = peer;
            Ok(true)
        });
    }

    fn set_mtu(&mut self, mtu: u32) {
        let base = self.name.split(':').next().unwrap_or_default();
        let done = match self.net.dev_by_name(base) {
            Some(dev) => self.net.set_mtu(dev, mtu),
            None => Err(Errno::NoDevice),
        };
        if let Err(errno) = done {
            self.fail("SIOCSIFMTU", errno);
        }
    }

    fn set_mac(&mut self, class: &str, text: &str) -> Result<(), u8> {
        if class != "ether" {
            return Err(self.usage());
        }
        let Ok(mac) = text.parse::<Mac>() else {
            self.out.err(&format!("{text}: invalid ether address."));
            self.failed = self.failed.max(1);
            return Ok(());
        };
        let base = self.name.split(':').next().unwrap_or_default();
        let done = match self.net.dev_by_name(base) {
            Some(dev) => self.net.set_mac(dev, mac),
            None => Err(Errno::NoDevice),
        };
        if let Err(errno) = done {
            self.fail("SIOCSIFHWADDR", errno);
        }
        Ok(())
    }
}

fn resolve(text: &str) -> Option<Ipv4Addr> {
    if text == "default" {
        return Some(Ipv4Addr::UNSPECIFIED);
    }
    inet_aton(text)
}

/// The mask of `/N` as net-tools makes it: a shift by 32 is a shift by 0.
pub(super) fn prefix(len: &str) -> Option<Ipv4Addr> {
    let len = if len.is_empty() { 0 } else { super::words::number(len)? };
    Some((!(u32::MAX >> (len & 31))).into())
}

/// The prefix length of an address's class (`inet_abc_len`); none for groups.
fn class_len(addr: Ipv4Addr) -> Option<u8> {
    match addr.octets()[0] {
        0 => Some(0),
        1..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        224..=239 => None,
        _ if addr.is_broadcast() => Some(0),
        _ => Some(32),
    }
}

/// `IFF_UP` and its like, as the kernel shows them to programs.
fn flags(d: &Dev) -> u32 {
    [
        (d.up, 1),
        (d.is_broadcast(), 2),
        (d.is_loopback(), 8),
        (d.is_pointopoint(), 0x10),
        (d.running(), 0x40),
        (d.noarp, 0x80),
        (d.kind == DevKind::Ethernet, 0x1000),
    ]
    .iter()
    .filter(|(on, _)| *on)
    .map(|(_, bit)| bit)
    .sum()
}

/// Everything that is listed: devices and their aliases, sorted as net-tools sorts names.
fn names(net: &Inet) -> Vec<(String, DevIdx)> {
    let mut names: Vec<(String, DevIdx)> = Vec::new();
    for d in net.devices() {
        names.push((d.name.to_string(), d.idx));
        for a in &d.addrs {
            if a.label.contains(':') && !names.iter().any(|(n, _)| **n == *a.label) {
                names.push((a.label.to_string(), d.idx));
            }
        }
    }
    names.sort_by(|(a, _), (b, _)| natural(a, b));
    names
}

/// Names in alphabetical order, numbers in them by value.
fn natural(a: &str, b: &str) -> Ordering {
    let number = |s: &str| -> (u64, usize) {
        let digits = s.bytes().take_while(u8::is_ascii_digit).count();
        (s[..digits].parse().unwrap_or(u64::MAX), digits)
    };
    let (mut x, mut y) = (a, b);
    loop {
        let ((n, i), (m, j)) = (number(x), number(y));
        if i > 0 && j > 0 {
            if n != m {
                return n.cmp(&m);
            }
            (x, y) = (&x[i..], &y[j..]);
            continue;
        }
        match (x.chars().next(), y.chars().next()) {
            (Some(c), Some(d)) if c == d => {
                (x, y) = (&x[c.len_utf8()..], &y[d.len_utf8()..]);
            }
            (c, d) => return c.cmp(&d).then_with(|| a.cmp(b)),
        }
    }
}

/// Every interface, or every one that is up.
pub(super) fn print_all(net: &Inet, all: bool, short: bool, out: &mut Output) {
    if short {
        return print_table(net, all, out);
    }
    for (name, dev) in names(net) {
        if all || net.dev(dev).up {
            out.out(&long(net.dev(dev), &name));
        }
    }
}

fn print_one(net: &Inet, name: &str, short: bool, out: &mut Output) -> u8 {
    let base = name.split(':').next().unwrap_or_default();
    let Some(dev) = net.dev_by_name(base) else {
        out.err(&format!("{name}: error fetching interface information: Device not found"));
        return 1;
    };
    if short {
        out.line(HEAD);
        out.line(&row(net.dev(dev), name));
    } else {
        out.out(&long(net.dev(dev), name));
    }
    0
}

const HEAD: &str = "Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg";

/// The short table of `ifconfig -s` and `netstat -i`.
pub(super) fn print_table(net: &Inet, all: bool, out: &mut Output) {
    out.line(HEAD);
    for (name, dev) in names(net) {
        if all || net.dev(dev).up {
            out.line(&row(net.dev(dev), &name));
        }
    }
}

fn row(d: &Dev, name: &str) -> String {
    let s = &d.stats;
    let bits = flags(d);
    let letters: String = [(2, 'B'), (8, 'L'), (0x1000, 'M'), (0x80, 'O'), (0x10, 'P'), (0x40, 'R'), (1, 'U')]
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, letter)| letter)
        .collect();
    let counts = if name.contains(':') {
        "     - no statistics available -                       ".to_string()
    } else {
        format!(
            "{:8} {:6} {:6} {:<6} {:8} {:6} {:6} {:6}",
            s.rx_packets, 0, s.rx_dropped, 0, s.tx_packets, s.tx_errors, s.tx_dropped, 0
        )
    };
    let letters = if letters.is_empty() { "[NO FLAGS]".to_string() } else { letters };
    format!("{name:<15.15} {:5} {counts} {letters}", d.mtu)
}

/// One interface as `ifconfig` prints it, with the empty line.
fn long(d: &Dev, name: &str) -> String {
    let bits = flags(d);
    let words: Vec<&str> = [
        (1, "UP"),
        (2, "BROADCAST"),
        (8, "LOOPBACK"),
        (0x10, "POINTOPOINT"),
        (0x40, "RUNNING"),
        (0x80, "NOARP"),
        (0x1000, "MULTICAST"),
    ]
    .iter()
    .filter(|(bit, _)| bits & bit != 0)
    .map(|(_, word)| *word)
    .collect();
    let mut text = format!("{name}: flags={bits}<{}>  mtu {}\n", words.join(","), d.mtu);
    if let Some(a) = d.addrs.iter().find(|a| *a.label == *name) {
        let netmask = Ipv4Addr::from(mask(a.prefix));
        text.push_str(&format!("        inet {}  netmask {netmask}", a.local));
        if bits & 2 != 0 {
            let broadcast = a.broadcast.unwrap_or(Ipv4Addr::UNSPECIFIED);
            text.push_str(&format!("  broadcast {broadcast}"));
        }
        if bits & 0x10 != 0 {
            text.push_str(&format!("  destination {}", a.address));
        }
        text.push('\n');
    }
    let (hardware, title) = match d.kind {
        DevKind::Loopback => ("loop".to_string(), "Local Loopback"),
        DevKind::Ipip { .. } => ("tunnel ".to_string(), "IPIP Tunnel"),
        _ => (format!("ether {}", d.mac), "Ethernet"),
    };
    text.push_str(&format!("        {hardware}  txqueuelen 1000  ({title})\n"));
    if !name.contains(':') {
        let s = &d.stats;
        text.push_str(&format!(
            "        RX packets {}  bytes {} ({})\n        RX errors 0  dropped {}  overruns 0  frame 0\n",
            s.rx_packets,
            s.rx_bytes,
            human(s.rx_bytes),
            s.rx_dropped
        ));
        text.push_str(&format!(
            "        TX packets {}  bytes {} ({})\n        TX errors {}  dropped {} overruns 0  carrier {}  collisions {}\n",
            s.tx_packets,
            s.tx_bytes,
            human(s.tx_bytes),
            s.tx_errors,
            s.tx_dropped,
            s.tx_carrier_errors,
            s.collisions
        ));
    }
    text.push('\n');
    text
}

fn human(bytes: u64) -> String {
    let (unit, name): (u64, _) =
        [(1 << 50, "PiB"), (1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
            .into_iter()
            .find(|(unit, _)| bytes > *unit)
            .unwrap_or((1, "B"));
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    fn run(net: &mut Inet, line: &str) -> (u8, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::default();
        let rc = main(net, &args, &mut out);
        (rc, out.text())
    }

    fn host() -> Inet {
        let mut net = Inet::new(Seed(1).stream("neigh"));
        net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        net
    }

    fn addrs(net: &Inet, dev: &str) -> Vec<String> {
        let dev = net.dev_by_name(dev).expect("the device exists");
        net.dev(dev)
            .addrs
            .iter()
            .map(|a| {
                let brd = a.broadcast.map(|b| format!(" brd {b}")).unwrap_or_default();
                format!("{}/{}{brd} {}", a.local, a.prefix, a.label)
            })
            .collect()
    }

    #[test]
    fn addresses_begin_with_the_mask_of_their_class() {
        let mut net = host();
        assert_eq!(run(&mut net, "eth0 10.0.0.1 netmask 255.255.255.0").0, 0);
        assert_eq!(run(&mut net, "eth0:0 10.0.0.15").0, 0);
        assert_eq!(run(&mut net, "eth0:1 10.0.0.16 netmask 255.255.255.255").0, 0);
        assert_eq!(run(&mut net, "lo:0 10.9.9.9/32").0, 0);
        assert_eq!(
            addrs(&net, "eth0"),
            [
                "10.0.0.1/24 brd 10.0.0.255 eth0",
                "10.0.0.15/8 brd 10.255.255.255 eth0:0",
                "10.0.0.16/32 brd 10.255.255.255 eth0:1",
            ]
        );
        assert_eq!(addrs(&net, "lo"), ["127.0.0.1/8 lo", "10.9.9.9/0 lo:0"]);
    }

    #[test]
    fn a_mask_with_holes_is_refused_but_the_address_stays() {
        let mut net = host();
        assert_eq!(
            run(&mut net, "tunl0 192.168.10.10 netmask 155.255.255.255 up"),
            (1, "SIOCSIFNETMASK: Invalid argument\n".into())
        );
        assert_eq!(addrs(&net, "tunl0"), ["192.168.10.10/24 tunl0"]);
        assert!(net.dev(DevIdx(1)).up);
    }

    #[test]
    fn an_alias_that_is_taken_down_is_gone() {
        let mut net = host();
        run(&mut net, "eth0:1 10.0.0.12 netmask 255.255.255.0");
        assert_eq!(run(&mut net, "eth0:1 down"), (0, String::new()));
        let refused = "SIOCSIFFLAGS: Cannot assign requested address\n";
        assert_eq!(run(&mut net, "eth0:1 down"), (255, refused.into()));
        assert_eq!(
            run(&mut net, "eht1 down"),
            (255, "eht1: ERROR while getting interface flags: No such device\n".into())
        );
    }

    #[test]
    fn bytes_are_shown_with_one_digit() {
        for (n, text) in [(0, "0.0 B"), (420, "420.0 B"), (1920, "1.8 KiB"), (7098, "6.9 KiB")] {
            assert_eq!(human(n), text);
        }
    }
}
