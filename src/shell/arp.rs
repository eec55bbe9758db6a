//! `arp` of net-tools 2.10, with the kernel's old calls behind it (`arp_ioctl` in net/ipv4/arp.c).
//!
//! Entries are listed by device and address. Left out, and refused by name: `-f`, `-H` and `-t` other than `ether`, networks as
//! targets, `temp` with `pub`.

use super::output::{Output, Stream};
use super::words::inet_aton;
use crate::base::{DevIdx, SimTime};
use crate::net::fib::{FlowKey, SCOPE_LINK};
use crate::net::proc::{arp_flags, hardware};
use crate::net::{Errno, Inet, Nud};
use crate::wire::Mac;
use std::net::Ipv4Addr;

const USAGE: &str = "Usage:
  arp [-vn]  [<HW>] [-i <if>] [-a] [<hostname>]             <-Display ARP cache
  arp [-v]          [-i <if>] -d  <host> [pub]               <-Delete ARP entry
  arp [-vnD] [<HW>] [-i <if>] -f  [<filename>]            <-Add entry from file
  arp [-v]   [<HW>] [-i <if>] -s  <host> <hwaddr> [temp]            <-Add entry
  arp [-v]   [<HW>] [-i <if>] -Ds <host> <if> [netmask <nm>] pub          <-''-

        -a                       display (all) hosts in alternative (BSD) style
        -e                       display (all) hosts in default (Linux) style
        -s, --set                set a new ARP entry
        -d, --delete             delete a specified entry
        -v, --verbose            be verbose
        -n, --numeric            don't resolve names
        -i, --device             specify network interface (e.g. eth0)
        -D, --use-device         read <hwaddr> from given device
        -A, -p, --protocol       specify protocol family
        -f, --file               read new entries from file or from /etc/ethers

";

#[derive(Default)]
struct Options {
    bsd: bool,
    set: bool,
    delete: bool,
    use_device: bool,
    verbose: bool,
    device: Option<String>,
}

/// Runs `arp`; returns its exit status.
pub fn main(net: &mut Inet, now: SimTime, args: &[String], out: &mut Output) -> u8 {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut rest = args.iter().map(String::as_str);
    while let Some(arg) = rest.next() {
        let letters: Vec<char> = match arg {
            "--numeric" => vec!['n'],
            "--set" => vec!['s'],
            "--delete" => vec!['d'],
            "--verbose" => vec!['v'],
            "--device" => vec!['i'],
            "--use-device" => vec!['D'],
            _ if arg.len() > 1 && arg.starts_with('-') => arg[1..].chars().collect(),
            _ => {
                words.push(arg);
                continue;
            }
        };
        for (n, letter) in letters.iter().enumerate() {
            match letter {
                'n' | 'e' | 'N' => {}
                'a' => options.bsd = true,
                's' => options.set = true,
                'd' => options.delete = true,
                'D' => options.use_device = true,
                'v' => options.verbose = true,
                'i' => {
                    let glued: String = letters[n + 1..].iter().collect();
                    let name = if glued.is_empty() || arg.starts_with("--") {
                        rest.next().map(str::to_string)
                    } else {
                        Some(glued)
                    };
                    let Some(name) = name else {
                        out.err("arp: option requires an argument -- 'i'");
                        out.print(Stream::Stderr, USAGE);
                        return 3;
                    };
                    options.device = Some(name);
                    break;
                }
                'V' => {
                    out.line("net-tools 2.10");
                    return 5;
                }
                'h' | '?' => {
                    out.print(Stream::Stderr, USAGE);
                    return 4;
                }
                'f' | 'A' | 'p' | 'H' | 't' => {
                    out.err(&format!("lvsim: arp: `-{letter}` is not modelled"));
                    return 1;
                }
                other => {
                    out.err(&format!("arp: invalid option -- '{other}'"));
                    out.print(Stream::Stderr, USAGE);
                    return 3;
                }
            }
        }
    }
    let done = if options.delete {
        delete(net, &options, &words, out)
    } else if options.set {
        set(net, now, &options, &words, out)
    } else {
        return show(net, &options, &words, out);
    };
    match done {
        Ok(()) => 0,
        Err(text) => {
            let stream = if text.starts_with("No ARP entry") { Stream::Stdout } else { Stream::Stderr };
            out.print(stream, &(text + "\n"));
            255
        }
    }
}

/// An entry as both styles need it; a zero address stands for those that are answered for.
struct Row {
    addr: Ipv4Addr,
    dev: String,
    /// Complete 2, permanent 4, published 8.
    flags: u8,
    mac: Mac,
    hardware: u16,
}

fn rows(net: &Inet) -> Vec<Row> {
    let mut rows: Vec<Row> = net
        .neigh
        .sorted()
        .into_iter()
        .filter(|n| !matches!(n.state, Nud::None | Nud::Noarp))
        .map(|n| Row {
            addr: n.addr,
            dev: net.dev(n.dev).name.to_string(),
            flags: arp_flags(n.state),
            mac: n.mac,
            hardware: hardware(net.dev(n.dev)),
        })
        .collect();
    rows.extend(net.proxies.iter().map(|(dev, addr)| Row {
        addr: *addr,
        dev: dev.map_or_else(|| "*".to_string(), |d| net.dev(d).name.to_string()),
        flags: 0xc,
        mac: Mac::ZERO,
        hardware: dev.map_or(0, |d| hardware(net.dev(d))),
    }));
    rows
}

fn show(net: &Inet, options: &Options, words: &[&str], out: &mut Output) -> u8 {
    let host = words.first().copied();
    let wanted = match host.map(|h| (h, inet_aton(h))) {
        Some((name, None)) => {
            out.err(&format!("{name}: Unknown host"));
            return 255;
        }
        Some((_, addr)) => addr,
        None => None,
    };
    let rows = rows(net);
    let mut shown = 0;
    for row in &rows {
        if wanted.is_some_and(|a| a != row.addr) || options.device.as_ref().is_some_and(|d| *d != row.dev) {
            continue;
        }
        if !options.bsd && shown == 0 {
            out.line("Address                  HWtype  HWaddress           Flags Mask            Iface");
        }
        shown += 1;
        out.line(&if options.bsd { bsd_style(row) } else { linux_style(row) });
    }
    if options.verbose {
        out.line(&format!("Entries: {}\tSkipped: {}\tFound: {shown}", rows.len(), rows.len() - shown));
    }
    if shown == 0 {
        match wanted {
            Some(addr) if !options.bsd => out.line(&format!("{} ({addr}) -- no entry", host.unwrap_or_default())),
            None if options.device.is_none() => {}
            _ => out.line(&format!("arp: in {} entries no match found.", rows.len())),
        }
    }
    0
}

fn hardware_name(row: &Row) -> &'static str {
    match row.hardware {
        1 => "ether",
        768 => "tunnel",
        772 => "loop",
        _ => "*",
    }
}

fn linux_style(row: &Row) -> String {
    let mac = row.mac.to_string();
    let (kind, address) = match row.flags & 0xa {
        8 => ("*", "<from_interface>"),
        0 => ("", "(incomplete)"),
        _ => (hardware_name(row), mac.as_str()),
    };
    let flags: String = [(2, 'C'), (4, 'M'), (8, 'P')]
        .iter()
        .filter(|(bit, _)| row.flags & bit != 0)
        .map(|(_, letter)| letter)
        .collect();
    format!("{:<23}  {kind:<8}{address:<20}{flags:<6}{:<15} {}", row.addr.to_string(), "", row.dev)
}

fn bsd_style(row: &Row) -> String {
    let mut text = format!("? ({}) at ", row.addr);
    text.push_str(&match row.flags & 0xa {
        8 => "<from_interface> ".to_string(),
        0 => "<incomplete> ".to_string(),
        _ => format!("{} [{}] ", row.mac, hardware_name(row)),
    });
    if row.flags & 4 != 0 {
        text.push_str("PERM ");
    }
    if row.flags & 8 != 0 {
        text.push_str("PUP ");
    }
    format!("{text}on {}", row.dev)
}

/// What follows the host: `pub`, `priv`, `temp`, `dev IF`, `netmask N`.
#[derive(Default)]
struct Tail {
    published: bool,
    private: bool,
    temporary: bool,
    device: Option<String>,
}

fn tail(words: &[&str]) -> Result<Tail, String> {
    let mut t = Tail::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "pub" => t.published = true,
            "priv" => t.private = true,
            "temp" => t.temporary = true,
            "trail" => {}
            "dontpub" => return Err("lvsim: arp: `dontpub` is not modelled".into()),
            "dev" | "device" => t.device = words.next().map(|w| (*w).to_string()),
            "netmask" => {
                if !matches!(words.next(), Some(&"255.255.255.255")) {
                    return Err("lvsim: arp: networks are not modelled".into());
                }
            }
            _ => return Err(USAGE.trim_end().into()),
        }
    }
    Ok(t)
}

fn host(words: &[&str]) -> Result<Ipv4Addr, String> {
    let name = words.first().ok_or("arp: need host name")?;
    inet_aton(name).ok_or_else(|| format!("{name}: Unknown host"))
}

fn device(net: &Inet, options: &Options, tail: &Tail, call: &str) -> Result<Option<DevIdx>, String> {
    let Some(name) = tail.device.as_ref().or(options.device.as_ref()) else {
        return Ok(None);
    };
    net.dev_by_name(name).map(Some).ok_or_else(|| format!("{call}: {}", Errno::NoDevice))
}

fn set(net: &mut Inet, now: SimTime, options: &Options, words: &[&str], out: &mut Output) -> Result<(), String> {
    let addr = host(words)?;
    let text = words.get(1).ok_or("arp: need hardware address")?;
    let mac = if options.use_device {
        let dev =
            net.dev_by_name(text).ok_or_else(|| format!("arp: cant get HW-Address for `{text}': No such device."))?;
        if options.verbose {
            out.line(&format!("arp: device `{text}' has HW address ether `{}'.", net.dev(dev).mac));
        }
        net.dev(dev).mac
    } else {
        text.parse::<Mac>().map_err(|_| "arp: invalid hardware address")?
    };
    let tail = tail(words.get(2..).unwrap_or_default())?;
    let dev = device(net, options, &tail, "SIOCSARP")?;
    if tail.published {
        // Without a device the kernel takes the one that has this hardware address.
        let by_mac = || net.devices().find(|d| d.mac == mac).map(|d| d.idx);
        let dev = dev.or_else(by_mac).ok_or_else(|| format!("SIOCSARP: {}", Errno::NoDevice))?;
        if !net.proxies.contains(&(Some(dev), addr)) {
            net.proxies.insert(0, (Some(dev), addr));
        }
        return Ok(());
    }
    let dev = match dev {
        Some(dev) => dev,
        None => on_link(net, addr).map_err(|e| format!("SIOCSARP: {e}"))?,
    };
    if hardware(net.dev(dev)) != 1 {
        return Err(format!("SIOCSARP: {}", Errno::Invalid));
    }
    if tail.temporary {
        net.neigh.set_nud(dev, addr, Some(mac), Nud::Stale, now, &net.sysctl, &mut net.acts);
    } else {
        net.neigh.set_permanent(dev, addr, mac, now, &mut net.acts);
    }
    Ok(())
}

/// The device on whose link an address is.
fn on_link(net: &Inet, addr: Ipv4Addr) -> Result<DevIdx, Errno> {
    let found = net.fib.lookup_within(&FlowKey::to(addr), SCOPE_LINK);
    found.map(|hit| hit.dev).map_err(|e| e.errno())
}

fn delete(net: &mut Inet, options: &Options, words: &[&str], _out: &mut Output) -> Result<(), String> {
    let addr = host(words)?;
    let tail = tail(words.get(1..).unwrap_or_default())?;
    let named = device(net, options, &tail, "SIOCDARP(dontpub)")?;
    let both = !tail.published && !tail.private;
    if both || tail.private {
        let dev = match named {
            Some(dev) => dev,
            None => net
                .output_route(addr, None, None, 0)
                .map(|way| way.dev)
                .map_err(|e| format!("SIOCDARP(dontpub): {e}"))?,
        };
        if net.neigh.remove(dev, addr, &mut net.acts) {
            return Ok(());
        }
    }
    if both || tail.published {
        let before = net.proxies.len();
        net.proxies.retain(|(d, a)| *a != addr || (named.is_some() && *d != named));
        if net.proxies.len() < before {
            return Ok(());
        }
    }
    Err(format!("No ARP entry for {}", words[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::net::IfAddr;

    fn run(net: &mut Inet, line: &str) -> (u8, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::default();
        let rc = main(net, SimTime::ZERO, &args, &mut out);
        (rc, out.text())
    }

    fn host() -> Inet {
        let mut net = Inet::new(Seed(1).stream("neigh"));
        let eth0 = net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        net.link_up(eth0);
        let addr = IfAddr::new(Ipv4Addr::new(10, 0, 0, 1), 24, "eth0".into());
        net.addr_add(eth0, addr).unwrap();
        net
    }

    #[test]
    fn a_typed_entry_is_permanent_until_it_is_deleted() {
        let mut net = host();
        assert_eq!(run(&mut net, "-n"), (0, String::new()));
        assert_eq!(run(&mut net, "-s 10.0.0.50 02:aa:bb:cc:dd:ee"), (0, String::new()));
        assert_eq!(
            run(&mut net, "-n").1,
            "Address                  HWtype  HWaddress           Flags Mask            Iface\n\
             10.0.0.50                ether   02:aa:bb:cc:dd:ee   CM                    eth0\n"
        );
        assert_eq!(run(&mut net, "-an").1, "? (10.0.0.50) at 02:aa:bb:cc:dd:ee [ether] PERM on eth0\n");
        assert_eq!(run(&mut net, "-d 10.0.0.50"), (0, String::new()));
        assert_eq!(run(&mut net, "-d 10.0.0.50"), (255, "No ARP entry for 10.0.0.50\n".into()));
    }

    #[test]
    fn mistakes_are_answered_as_by_net_tools() {
        let mut net = host();
        for (line, rc, text) in [
            ("-n 10.0.0.66", 0, "10.0.0.66 (10.0.0.66) -- no entry\n"),
            ("-n -i eth7", 0, "arp: in 0 entries no match found.\n"),
            ("-s 10.0.0.51 nonsense", 255, "arp: invalid hardware address\n"),
            ("-s 192.168.55.5 02:aa:bb:cc:dd:ee", 255, "SIOCSARP: Network is unreachable\n"),
        ] {
            assert_eq!(run(&mut net, line), (rc, text.into()), "{line}");
        }
    }

    #[test]
    fn published_addresses_are_listed_last() {
        let mut net = host();
        assert_eq!(run(&mut net, "-Ds 10.0.0.60 eth0 pub").0, 0);
        assert_eq!(run(&mut net, "-s 10.0.0.9 02:aa:bb:cc:dd:ee -i eth0 pub").0, 0);
        assert_eq!(
            run(&mut net, "-n").1.lines().last(),
            Some("10.0.0.60                *       <from_interface>    MP                    eth0")
        );
        assert_eq!(run(&mut net, "-d 10.0.0.60").0, 0);
        assert_eq!(net.proxies.len(), 1);
    }
}
