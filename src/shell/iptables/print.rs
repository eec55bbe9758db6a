//! What iptables prints: tables for people (`-L`), command lines (`-S`, iptables-save), a rule on one line (`-v`).

use super::packets;
use super::words::{self, mask_text, network_text, port_text, protocol_name, quoted};
use crate::net::netfilter::matches::{AddrMatch, DevMatch, Match, Ports, Which, state};
use crate::net::netfilter::targets::{NatRange, NatTarget, Target};
use crate::net::netfilter::{ChainId, Counter, Rule, Table};
use std::fmt::Write;

/// How `-L` shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Format {
    /// `-n`.
    pub numeric: bool,
    /// `-v`.
    pub verbose: bool,
    /// `-x`.
    pub exact: bool,
    /// `--line-numbers`.
    pub numbers: bool,
}

/// A counter, with K, M, G or T from six digits on; `width` is that of `K` numbers.
fn short(number: u64, exact: bool) -> String {
    if exact {
        return format!("{number:>8} ");
    }
    if number <= 99_999 {
        return format!("{number:>5} ");
    }
    let mut number = number;
    for unit in ['K', 'M', 'G'] {
        number = number.saturating_add(500) / 1000;
        if number <= 9999 {
            return format!("{number:>4}{unit} ");
        }
    }
    number = number.saturating_add(500) / 1000;
    format!("{number:>4}T ")
}

/// `-L`: the table, one chain, or one rule of it.
pub fn list(table: &Table, only: Option<ChainId>, rule: Option<usize>, f: Format) -> String {
    let mut out = String::new();
    let mut first = true;
    for id in table.listed() {
        if only.is_some_and(|o| o != id) {
            continue;
        }
        if !first {
            out.push('\n');
        }
        first = false;
        if rule.is_none() {
            header(&mut out, table, id, f);
        }
        for (n, r) in table.chain(id).rules.iter().enumerate() {
            if rule.is_none_or(|wanted| wanted == n + 1) {
                row(&mut out, table, r, n + 1, f);
            }
        }
    }
    out
}

fn header(out: &mut String, table: &Table, id: ChainId, f: Format) {
    let chain = table.chain(id);
    match chain.policy {
        Some((policy, counter)) => {
            let _ = write!(out, "Chain {} (policy {}", chain.name, policy.name());
            if f.verbose {
                let packets = short(counter.packets, f.exact);
                let bytes = short(counter.bytes, f.exact);
                let _ = write!(out, " {} packets, {} bytes", packets.trim(), bytes.trim());
            }
            out.push_str(")\n");
        }
        None => {
            let _ = writeln!(out, "Chain {} ({} references)", chain.name, table.references(id));
        }
    }
    if f.numbers {
        out.push_str("num  ");
    }
    match (f.verbose, f.exact) {
        (true, true) => out.push_str("    pkts      bytes "),
        (true, false) => out.push_str(" pkts bytes "),
        (false, _) => {}
    }
    out.push_str("target     prot opt ");
    if f.verbose {
        out.push_str("in     out     ");
    }
    out.push_str("source               destination         \n");
}

fn row(out: &mut String, table: &Table, r: &Rule, n: usize, f: Format) {
    if f.numbers {
        let _ = write!(out, "{n:<4} ");
    }
    if f.verbose {
        out.push_str(&short(r.counter.packets, f.exact));
        out.push_str(&short(r.counter.bytes, f.exact));
    }
    let _ = write!(out, "{:<9} ", target_name(table, &r.target));
    out.push(if r.not_proto { '!' } else { ' ' });
    let proto = protocol_name(r.proto).filter(|_| !f.numeric).map_or_else(|| r.proto.to_string(), str::to_string);
    let _ = write!(out, "{proto:<4} {} ", fragment(r));
    if f.verbose {
        let _ = write!(out, " {:<6} {:<6} ", device(&r.input, f.numeric), device(&r.output, f.numeric));
    }
    for addr in [&r.src, &r.dst] {
        out.push(if addr.invert { '!' } else { ' ' });
        let _ = write!(out, "{:<19} ", network_text(addr.addr, addr.mask, f.numeric));
    }
    if matches!(r.target, Target::Goto(_)) {
        out.push_str("[goto] ");
    }
    details(out, r, f.numeric);
    out.push('\n');
}

/// A rule on one line, as `-v` tells of it when it is added or deleted.
pub fn line(table: &Table, r: &Rule) -> String {
    let mut out = format!("{} ", target_name(table, &r.target));
    out.push(if r.not_proto { '!' } else { ' ' });
    let proto = protocol_name(r.proto).map_or_else(|| r.proto.to_string(), str::to_string);
    let _ = write!(out, "{proto} opt {} ", fragment(r));
    let _ = write!(out, "in {} out {} ", device(&r.input, true), device(&r.output, true));
    out.push(if r.src.invert { '!' } else { ' ' });
    let _ = write!(out, "{} ", network_text(r.src.addr, r.src.mask, true));
    out.push(if r.dst.invert { '!' } else { ' ' });
    let _ = write!(out, "-> {}  ", network_text(r.dst.addr, r.dst.mask, true));
    if matches!(r.target, Target::Goto(_)) {
        out.push_str("[goto] ");
    }
    details(&mut out, r, true);
    out.push('\n');
    out
}

fn fragment(r: &Rule) -> &'static str {
    match r.fragment {
        None => "--",
        Some(true) => "-f",
        Some(false) => "!f",
    }
}

fn device(dev: &DevMatch, numeric: bool) -> String {
    match (dev.name.as_str(), numeric) {
        ("", true) => "*".to_string(),
        ("", false) => "any".to_string(),
        (name, _) => format!("{}{name}", if dev.invert { "!" } else { "" }),
    }
}

fn target_name(table: &Table, target: &Target) -> String {
    match target {
        Target::None => "",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Jump(id) | Target::Goto(id) => &table.chain(*id).name,
        Target::Reject(_) => "REJECT",
        Target::Mark { .. } => "MARK",
        Target::Log { .. } => "LOG",
        Target::Nat(NatTarget::Snat(_)) => "SNAT",
        Target::Nat(NatTarget::Dnat(_)) => "DNAT",
        Target::Nat(NatTarget::Masquerade(_)) => "MASQUERADE",
        Target::Nat(NatTarget::Redirect(_)) => "REDIRECT",
        Target::ConnMark(_) => "CONNMARK",
        Target::NoTrack { .. } => "CT",
        Target::TcpMss(_) => "TCPMSS",
        Target::Ttl(..) => "TTL",
        Target::Tos { .. } => "TOS",
        Target::Dscp(_) => "DSCP",
    }
    .to_string()
}

/// Matches and the target's own words, a blank before each.
fn details(out: &mut String, r: &Rule, numeric: bool) {
    for m in &r.matches {
        match m {
            Match::Tcp { sports, dports, flags } => {
                out.push_str(" tcp");
                ports(out, "spt", sports, 6, numeric);
                ports(out, "dpt", dports, 6, numeric);
                if let Some((mask, set, invert)) = flags {
                    let not = if *invert { "!" } else { "" };
                    let _ = match numeric {
                        true => write!(out, " flags:{not}0x{mask:02X}/0x{set:02X}"),
                        false => {
                            let (mask, set) = (words::tcp_flags_text(*mask), words::tcp_flags_text(*set));
                            write!(out, " flags:{not}{mask}/{set}")
                        }
                    };
                }
            }
            Match::Udp { sports, dports } => {
                out.push_str(" udp");
                ports(out, "spt", sports, 17, numeric);
                ports(out, "dpt", dports, 17, numeric);
            }
            Match::Icmp { kind, codes, invert } => {
                out.push_str(" icmp");
                let not = if *invert { "!" } else { "" };
                match words::icmp_name(*kind, *codes).filter(|_| !numeric) {
                    Some(name) => {
                        let _ = write!(out, " {not}{name}");
                    }
                    None => {
                        let _ = write!(out, "{}type {kind}", if *invert { " !" } else { "" });
                        match *codes {
                            (0, 255) => {}
                            (from, to) if from == to => {
                                let _ = write!(out, " code {from}");
                            }
                            (from, to) => {
                                let _ = write!(out, " codes {from}-{to}");
                            }
                        }
                    }
                }
            }
            Match::Mark { value, mask, invert } => {
                let _ = write!(out, " mark match {}{}", if *invert { "! " } else { "" }, mark(*value, *mask));
            }
            Match::Multiport { which, list, invert } => {
                let not = if *invert { " !" } else { "" };
                let list = port_list(list, r.proto, numeric);
                let _ = write!(out, " multiport {} {not}{list}", which_name(*which));
            }
            Match::State { states, invert, conntrack } => {
                let name = if *conntrack { "ctstate" } else { "state" };
                let _ = write!(out, " {}{name} {}", if *invert { "! " } else { "" }, states_text(*states));
            }
            Match::Comment(text) => {
                let _ = write!(out, " /* {text} */");
            }
            other => packets::list_match(out, other, numeric),
        }
    }
    match &r.target {
        Target::Reject(with) => {
            let _ = write!(out, " reject-with {}", with.name());
        }
        Target::Mark { value, mask } => {
            let _ = match (*value, *mask) {
                (0, mask) => write!(out, " MARK and 0x{:x}", !mask),
                (value, mask) if value == mask => write!(out, " MARK or 0x{value:x}"),
                (value, 0) => write!(out, " MARK xor 0x{value:x}"),
                (value, u32::MAX) => write!(out, " MARK set 0x{value:x}"),
                (value, mask) => write!(out, " MARK xset 0x{value:x}/0x{mask:x}"),
            };
        }
        Target::Log { flags, level, prefix } => {
            out.push_str(" LOG");
            if numeric {
                let _ = write!(out, " flags {flags} level {level}");
            } else {
                let name = words::LOG_LEVEL_NAMES[usize::from(level & 7)];
                let _ = write!(out, " level {name}");
                for (bit, name) in LOG_FLAGS {
                    if flags & bit != 0 {
                        let _ = write!(out, " {name}");
                    }
                }
            }
            if !prefix.is_empty() {
                let _ = write!(out, " prefix \"{prefix}\"");
            }
        }
        Target::Nat(NatTarget::Snat(range) | NatTarget::Dnat(range)) => {
            let _ = write!(out, " to:{}", nat_text(range));
        }
        Target::Nat(NatTarget::Masquerade(Some(range))) => {
            let _ = write!(out, " masq ports: {}", nat_ports(*range));
        }
        Target::Nat(NatTarget::Redirect(Some(range))) => {
            let _ = write!(out, " redir ports {}", nat_ports(*range));
        }
        other => packets::list_target(out, other, numeric),
    }
}

const LOG_FLAGS: [(u8, &str); 5] =
    [(1, "tcp-sequence"), (2, "tcp-options"), (4, "ip-options"), (8, "uid"), (32, "macdecode")];

fn ports(out: &mut String, name: &str, p: &Ports, proto: u8, numeric: bool) {
    if p.any() {
        return;
    }
    let not = if p.invert { "!" } else { "" };
    let (from, to) = (port_text(p.from, proto, numeric), port_text(p.to, proto, numeric));
    let _ = match p.from == p.to {
        true => write!(out, " {name}:{not}{from}"),
        false => write!(out, " {name}s:{not}{from}:{to}"),
    };
}

fn mark(value: u32, mask: u32) -> String {
    if mask == u32::MAX { format!("0x{value:x}") } else { format!("0x{value:x}/0x{mask:x}") }
}

fn which_name(which: Which) -> &'static str {
    match which {
        Which::Source => "sports",
        Which::Destination => "dports",
        Which::Either => "ports",
    }
}

fn port_list(list: &[(u16, u16)], proto: u8, numeric: bool) -> String {
    let one = |&(from, to): &(u16, u16)| match from == to {
        true => port_text(from, proto, numeric),
        false => format!("{}:{}", port_text(from, proto, numeric), port_text(to, proto, numeric)),
    };
    list.iter().map(one).collect::<Vec<_>>().join(",")
}

fn states_text(bits: u8) -> String {
    let names = state::NAMES.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(",")
}

fn nat_ports((from, to): (u16, u16)) -> String {
    if from == to { from.to_string() } else { format!("{from}-{to}") }
}

fn nat_text(range: &NatRange) -> String {
    let mut out = match range.addrs {
        Some((from, to)) if from == to => from.to_string(),
        Some((from, to)) => format!("{from}-{to}"),
        None => String::new(),
    };
    if let Some(range) = range.ports {
        let _ = write!(out, ":{}", nat_ports(range));
    }
    out
}

/// What stands with a rule's counters in `-S` and iptables-save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// Nothing.
    No,
    /// `-c packets bytes` before the target.
    Inside,
    /// `[packets:bytes]` before the rule.
    Before,
}

/// A rule as a command line.
pub fn save(table: &Table, chain: &str, r: &Rule, counters: Counters) -> String {
    let mut out = String::new();
    let Counter { packets, bytes } = r.counter;
    if counters == Counters::Before {
        let _ = write!(out, "[{packets}:{bytes}] ");
    }
    let _ = write!(out, "-A {chain}");
    save_addr(&mut out, "-s", &r.src);
    save_addr(&mut out, "-d", &r.dst);
    for (option, dev) in [("-i", &r.input), ("-o", &r.output)] {
        if !dev.name.is_empty() {
            let _ = write!(out, "{} {option} {}", if dev.invert { " !" } else { "" }, dev.name);
        }
    }
    if r.proto != 0 {
        let proto = protocol_name(r.proto).map_or_else(|| r.proto.to_string(), str::to_string);
        let _ = write!(out, "{} -p {proto}", if r.not_proto { " !" } else { "" });
    }
    match r.fragment {
        Some(true) => out.push_str(" -f"),
        Some(false) => out.push_str(" ! -f"),
        None => {}
    }
    for m in &r.matches {
        save_match(&mut out, m, r.proto);
    }
    if counters == Counters::Inside {
        let _ = write!(out, " -c {packets} {bytes}");
    }
    match &r.target {
        Target::None => {}
        Target::Goto(id) => {
            let _ = write!(out, " -g {}", table.chain(*id).name);
        }
        Target::NoTrack { alias: true } => out.push_str(" -j NOTRACK"),
        target => {
            let _ = write!(out, " -j {}", target_name(table, target));
        }
    }
    save_target(&mut out, &r.target);
    out.push('\n');
    out
}

fn save_addr(out: &mut String, option: &str, a: &AddrMatch) {
    if *a == AddrMatch::default() {
        return;
    }
    let _ = write!(out, "{} {option} {}/{}", if a.invert { " !" } else { "" }, a.addr, mask_text(a.mask));
}

fn save_match(out: &mut String, m: &Match, proto: u8) {
    let not = |invert: bool| if invert { " !" } else { "" };
    let range = |out: &mut String, option: &str, p: &Ports| {
        if !p.any() {
            let _ = write!(out, "{} {option} {}", not(p.invert), p.from);
            if p.from != p.to {
                let _ = write!(out, ":{}", p.to);
            }
        }
    };
    match m {
        Match::Tcp { sports, dports, flags } => {
            out.push_str(" -m tcp");
            range(out, "--sport", sports);
            range(out, "--dport", dports);
            if let Some((mask, set, invert)) = flags {
                let (mask, set) = (words::tcp_flags_text(*mask), words::tcp_flags_text(*set));
                let _ = write!(out, "{} --tcp-flags {mask} {set}", not(*invert));
            }
        }
        Match::Udp { sports, dports } => {
            out.push_str(" -m udp");
            range(out, "--sport", sports);
            range(out, "--dport", dports);
        }
        Match::Icmp { kind, codes, invert } => {
            let _ = write!(out, " -m icmp{} --icmp-type ", not(*invert));
            let _ = match (*kind, *codes) {
                (255, _) => write!(out, "any"),
                (kind, (0, 255)) => write!(out, "{kind}"),
                (kind, (code, _)) => write!(out, "{kind}/{code}"),
            };
        }
        Match::Mark { value, mask, invert } => {
            let _ = write!(out, " -m mark{} --mark {}", not(*invert), mark(*value, *mask));
        }
        Match::Multiport { which, list, invert } => {
            let list = port_list(list, proto, true);
            let _ = write!(out, " -m multiport{} --{} {list}", not(*invert), which_name(*which));
        }
        Match::State { states, invert, conntrack: false } => {
            let _ = write!(out, " -m state{} --state {}", not(*invert), states_text(*states));
        }
        Match::State { states, invert, conntrack: true } => {
            let _ = write!(out, " -m conntrack{} --ctstate {}", not(*invert), states_text(*states));
        }
        Match::Comment(text) => {
            let _ = write!(out, " -m comment --comment {}", quoted(text));
        }
        other => packets::save_match(out, other),
    }
}

fn save_target(out: &mut String, target: &Target) {
    let _ = match target {
        Target::Reject(with) => write!(out, " --reject-with {}", with.name()),
        Target::Mark { value, mask } => write!(out, " --set-xmark 0x{value:x}/0x{mask:x}"),
        Target::Nat(NatTarget::Snat(range)) => write!(out, " --to-source {}", nat_text(range)),
        Target::Nat(NatTarget::Dnat(range)) => write!(out, " --to-destination {}", nat_text(range)),
        Target::Nat(NatTarget::Masquerade(Some(range)) | NatTarget::Redirect(Some(range))) => {
            write!(out, " --to-ports {}", nat_ports(*range))
        }
        Target::Log { flags, level, prefix } => {
            if !prefix.is_empty() {
                let _ = write!(out, " --log-prefix {}", quoted(prefix));
            }
            if *level != 4 {
                let _ = write!(out, " --log-level {level}");
            }
            for (bit, name) in LOG_FLAGS {
                if flags & bit != 0 {
                    let _ = write!(out, " --log-{name}");
                }
            }
            Ok(())
        }
        other => {
            packets::save_target(out, other);
            Ok(())
        }
    };
}
