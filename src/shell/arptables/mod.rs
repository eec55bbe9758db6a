//! `arptables` 0.0.5 (legacy), `arptables-save` and `arptables-restore`, with the kernel's ARP filter behind them.
//!
//! Left out, and refused by name: the targets `CLASSIFY` and `MARK`, and `-h`. Whatever follows `-t`, the table is `filter`,
//! as with the program itself. Addresses are never shown by name.

mod args;

use super::bash::Stdin;
use super::iptables::words::network_text;
use super::machine::HostMachine;
use super::output::{Output, Stream};
use crate::net::netfilter::arp::{
    ArpChainId, ArpRule, ArpTable, ArpTarget, MOST_RULES, MacMatch, Mangle, NumberMatch, Then,
};
use crate::net::netfilter::{Counter, Policy};
use crate::wire::Mac;
use args::{Fail, Line, OPCODES};
use std::fmt::Write;

const NO_CHAIN: &str = "No chain/target/match by that name";
/// What the program says for ENOENT of most calls.
const NO_ENTRY: &str = "Table does not exist (do you need to insmod?)";
const HINT: &str = "Try `arptables -h' or 'arptables --help' for more information.\n";

/// Runs `arptables`; returns its exit status.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _: &mut Stdin<'_>, out: &mut Output) -> u8 {
    run(&mut m.host.netfilter.arp, args, out)
}

fn run(arp: &mut ArpTable, args: &[String], out: &mut Output) -> u8 {
    let done = args::read(args).and_then(|line| {
        if line.version {
            out.line("arptables v0.0.5");
            return Ok(());
        }
        arp.load();
        let mut table = arp.clone();
        carry_out(&line, &mut table, out)?;
        if table.size() > MOST_RULES {
            return Err(Fail::NotModelled(format!("a table of more than {MOST_RULES} rules")));
        }
        if table.loops() {
            return Err(Fail::Kernel("Too many levels of symbolic links"));
        }
        *arp = table;
        Ok(())
    });
    match done {
        Ok(()) => 0,
        Err(Fail::Param(text)) => {
            out.stderr(&format!("arptables v0.0.5: {text}\n{HINT}"));
            2
        }
        Err(Fail::BadArgument(word)) => {
            // This one goes to standard output, which is written at the very end.
            out.stderr(HINT);
            out.print(Stream::Stdout, &format!("Bad argument `{word}'\n"));
            2
        }
        Err(Fail::Kernel(text)) => {
            out.stderr(&format!("arptables: {text}\n"));
            1
        }
        Err(Fail::NotModelled(what)) => {
            out.stderr(&format!("lvsim: arptables: `{what}` is not modelled\n"));
            1
        }
    }
}

/// Runs `arptables-save`; returns its exit status.
pub fn save_main(m: &mut HostMachine<'_, '_>, _: &[String], _: &mut Stdin<'_>, out: &mut Output) -> u8 {
    let table = &mut m.host.netfilter.arp;
    table.load();
    let chains = table.listed();
    out.line("*filter");
    for &id in &chains {
        let chain = table.chain(id);
        out.line(&format!(":{} {}", chain.name, chain.policy.map_or("-", |(policy, _)| policy.name())));
    }
    for id in chains {
        let chain = table.chain(id);
        for rule in &chain.rules {
            out.line(&format!("-A {} {}", chain.name, text(table, rule, &Line { numeric: true, ..Line::default() })));
        }
    }
    out.line("");
    0
}

/// Runs `arptables-restore`: empties the table and carries out every line; returns its exit status.
pub fn restore_main(m: &mut HostMachine<'_, '_>, _: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> u8 {
    let table = &mut m.host.netfilter.arp;
    *table = ArpTable::default();
    table.load();
    for line in stdin.read().lines() {
        let command: Vec<String> = match line.chars().next() {
            None | Some('#' | '*') => continue,
            Some(':') => {
                let mut words = line[1..].split_whitespace().map(str::to_string);
                let (name, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                match policy.as_str() {
                    "-" => vec!["-N".into(), name],
                    _ => vec!["-P".into(), name, policy],
                }
            }
            Some(_) => line.split_whitespace().map(str::to_string).collect(),
        };
        if run(table, &command, out) != 0 {
            return 255;
        }
    }
    0
}

fn carry_out(line: &Line, table: &mut ArpTable, out: &mut Output) -> Result<(), Fail> {
    let command = line.command.unwrap_or('L');
    let name = line.chain.as_deref().unwrap_or("");
    let chain = |table: &ArpTable, missing| table.find(name).ok_or(Fail::Kernel(missing));
    match command {
        'A' | 'I' | 'R' | 'D' => {
            let rule = rule_of(line, table)?;
            let id = chain(table, NO_CHAIN)?;
            if line.verbose {
                let shown = Line { numeric: true, verbose: true, ..Line::default() };
                out.line(&body(table, &rule, &shown));
            }
            let rules = &mut table.chain_mut(id).rules;
            let at = (line.number as usize).wrapping_sub(1);
            match command {
                'A' => rules.push(rule),
                'I' if at > rules.len() => return Err(Fail::Kernel("Index of insertion too big")),
                'I' => rules.insert(at, rule),
                'R' => {
                    let old = rules.get_mut(at).ok_or(Fail::Kernel("Index of replacement too big"))?;
                    *old = rule;
                }
                _ => {
                    let at = rules.iter().position(|r| r.same(&rule));
                    let none = Fail::Kernel("Bad rule (does a matching rule exist in that chain?)");
                    rules.remove(at.ok_or(none)?);
                }
            }
        }
        'd' => {
            let id = chain(table, NO_CHAIN)?;
            let rules = &mut table.chain_mut(id).rules;
            let at = line.number as usize - 1;
            if at >= rules.len() {
                return Err(Fail::Kernel("Index of deletion too big"));
            }
            rules.remove(at);
        }
        'L' => list(line, table, out)?,
        'F' | 'Z' => {
            let ids = match line.chain {
                Some(_) => vec![chain(table, if command == 'F' { NO_CHAIN } else { NO_ENTRY })?],
                None => table.listed(),
            };
            for id in ids {
                let chain = table.chain_mut(id);
                if line.verbose {
                    let what = if command == 'F' { "Flushing" } else { "Zeroing" };
                    out.line(&format!("{what} chain `{}'", chain.name));
                }
                if command == 'F' {
                    chain.rules.clear();
                    continue;
                }
                chain.rules.iter_mut().for_each(|r| r.counter = Counter::default());
                if let Some((_, counter)) = &mut chain.policy {
                    *counter = Counter::default();
                }
            }
        }
        'N' => {
            if table.find(name).is_some() {
                return Err(Fail::Kernel("Chain already exists"));
            }
            table.add_chain(name);
        }
        'X' => delete_chains(line, table, out)?,
        'E' => {
            if table.find(&line.second).is_some() {
                return Err(Fail::Kernel("File exists"));
            }
            let id = chain(table, NO_CHAIN)?;
            if table.chain(id).policy.is_some() {
                return Err(Fail::Kernel(NO_CHAIN));
            }
            table.chain_mut(id).name = line.second.as_str().into();
        }
        _ => {
            let id = chain(table, "Bad built-in chain name")?;
            let Some(policy) = &mut table.chain_mut(id).policy else {
                return Err(Fail::Kernel("Bad built-in chain name"));
            };
            let new = [Policy::Accept, Policy::Drop].into_iter().find(|p| p.name() == line.second);
            *policy = (new.ok_or(Fail::Kernel("Bad policy name"))?, line.rule.counter);
        }
    }
    Ok(())
}

fn rule_of(line: &Line, table: &ArpTable) -> Result<ArpRule, Fail> {
    let mut rule = line.rule.clone();
    let Some(name) = line.jump.as_deref() else { return Ok(rule) };
    let chain = table.find(name).filter(|id| table.chain(*id).policy.is_none());
    rule.target = match (name, chain) {
        (_, Some(id)) => ArpTarget::Jump(id),
        ("ACCEPT", _) => ArpTarget::Accept,
        ("DROP", _) => ArpTarget::Drop,
        ("RETURN", _) => ArpTarget::Return,
        ("mangle", _) => ArpTarget::Mangle(line.mangle.ok_or(Fail::Kernel("Invalid argument"))?),
        ("CLASSIFY" | "MARK" | "QUEUE", _) => return Err(Fail::NotModelled(format!("-j {name}"))),
        _ => return Err(Fail::Param(format!("Couldn't find target `{name}'\n"))),
    };
    Ok(rule)
}

fn delete_chains(line: &Line, table: &mut ArpTable, out: &mut Output) -> Result<(), Fail> {
    let ids: Vec<ArpChainId> = match &line.chain {
        Some(name) => vec![table.find(name).ok_or(Fail::Kernel(NO_ENTRY))?],
        None => table.listed().into_iter().filter(|id| table.chain(*id).policy.is_none()).collect(),
    };
    for id in ids {
        let chain = table.chain(id);
        if chain.policy.is_some() {
            return Err(Fail::Kernel("Can't delete built-in chain"));
        }
        if line.verbose {
            out.line(&format!("Deleting chain `{}'", chain.name));
        }
        if table.references(id) > 0 {
            return Err(Fail::Kernel("Can't delete chain with references left"));
        }
        if !chain.rules.is_empty() {
            return Err(Fail::Kernel("Chain is not empty"));
        }
        table.remove_chain(id);
    }
    Ok(())
}

fn list(line: &Line, table: &ArpTable, out: &mut Output) -> Result<(), Fail> {
    let ids = match &line.chain {
        Some(name) => vec![table.find(name).ok_or(Fail::Kernel(NO_ENTRY))?],
        None => table.listed(),
    };
    for (n, id) in ids.into_iter().enumerate() {
        if n > 0 {
            out.line("");
        }
        let chain = table.chain(id);
        out.line(&match chain.policy {
            Some((policy, c)) if line.verbose => {
                let (packets, bytes) = (short(c.packets, line.exact), short(c.bytes, line.exact));
                format!("Chain {} (policy {} {packets} packets, {bytes} bytes)", chain.name, policy.name())
            }
            Some((policy, _)) => format!("Chain {} (policy {})", chain.name, policy.name()),
            None => format!("Chain {} ({} references)", chain.name, table.references(id)),
        });
        for (n, rule) in chain.rules.iter().enumerate() {
            let number = if line.numbers { format!("{} ", n + 1) } else { String::new() };
            out.line(&format!("{number}{}", text(table, rule, line)));
        }
    }
    Ok(())
}

fn short(number: u64, exact: bool) -> String {
    if exact || number <= 99_999 {
        return number.to_string();
    }
    let mut number = number;
    for unit in ["K", "M", "G"] {
        number = number.saturating_add(500) / 1000;
        if number <= 9999 {
            return format!("{number}{unit}");
        }
    }
    format!("{}T", number.saturating_add(500) / 1000)
}

/// A rule as `-L` shows it.
fn text(table: &ArpTable, r: &ArpRule, line: &Line) -> String {
    let mut out = body(table, r, line);
    if line.verbose {
        let (packets, bytes) = (short(r.counter.packets, line.exact), short(r.counter.bytes, line.exact));
        let _ = write!(out, ", pcnt={packets} -- bcnt={bytes} ");
    }
    out
}

fn body(table: &ArpTable, r: &ArpRule, line: &Line) -> String {
    let mut out = String::new();
    let not = |invert: bool| if invert { "! " } else { "" };
    let target = match r.target {
        ArpTarget::None => "",
        ArpTarget::Accept => "ACCEPT",
        ArpTarget::Drop => "DROP",
        ArpTarget::Return => "RETURN",
        ArpTarget::Jump(id) => &table.chain(id).name,
        ArpTarget::Mangle(_) => "mangle",
    };
    if !target.is_empty() {
        let _ = write!(out, "-j {target} ");
    }
    for (option, dev) in [("-i", &r.input), ("-o", &r.output)] {
        let any = if line.numeric { "*" } else { "any" };
        let name = if dev.name.is_empty() { any } else { &dev.name };
        if line.verbose || !dev.name.is_empty() {
            let _ = write!(out, "{}{option} {name} ", not(dev.invert));
        }
    }
    for (ip, addr, hw, mac) in [("-s", &r.src, "--src-mac", &r.src_mac), ("-d", &r.dst, "--dst-mac", &r.dst_mac)] {
        if u32::from(addr.mask) != 0 || addr.invert {
            let _ = write!(out, "{}{ip} {} ", not(addr.invert), network_text(addr.addr, addr.mask, true));
        }
        if *mac != MacMatch::default() {
            let mask = if mac.mask == Mac::BROADCAST { String::new() } else { format!("/{}", mac.mask) };
            let _ = write!(out, "{}{hw} {}{mask} ", not(mac.invert), mac.mac);
        }
    }
    let mut number = |option: &str, m: &NumberMatch, name: &dyn Fn(u16) -> String| {
        if m.mask != 0 {
            let mask = if m.mask == u16::MAX { String::new() } else { format!("/{}", m.mask) };
            let _ = write!(out, "{}{option} {}{mask} ", not(m.invert), name(m.value));
        }
    };
    let opcode = |n: u16| {
        let named = OPCODES.get(usize::from(n).wrapping_sub(1)).filter(|_| !line.numeric);
        named.map_or_else(|| n.to_string(), |name| (*name).to_string())
    };
    let kind = |n: u16| if n == 1 && !line.numeric { "Ethernet".to_string() } else { n.to_string() };
    let protocol = |n: u16| if n == 0x800 && !line.numeric { "IPv4".to_string() } else { format!("0x{n:x}") };
    number("--h-length", &r.hlen, &|n| n.to_string());
    number("--opcode", &r.opcode, &opcode);
    number("--h-type", &r.htype, &kind);
    number("--proto-type", &r.ptype, &protocol);
    if let ArpTarget::Mangle(m) = &r.target {
        mangled(&mut out, m);
    }
    out
}

fn mangled(out: &mut String, m: &Mangle) {
    let mut say = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(out, "--mangle-{option} {value} ");
        }
    };
    say("ip-s", m.spa.map(|a| a.to_string()));
    say("mac-s", m.sha.map(|a| a.to_string()));
    say("ip-d", m.tpa.map(|a| a.to_string()));
    say("mac-d", m.tha.map(|a| a.to_string()));
    say(
        "target",
        match m.then {
            Then::Accept => None,
            Then::Drop => Some("DROP".to_string()),
            Then::Continue => Some("CONTINUE".to_string()),
        },
    );
}

#[cfg(test)]
mod tests;
