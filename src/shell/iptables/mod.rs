//! `iptables`, `iptables-save` and `iptables-restore` v1.8.9 (legacy), with the kernel's tables behind them.
//!
//! The command line is read in `args`, extensions are in `extend`, what is printed in `print`. A command changes a copy
//! of its table, which the kernel takes or refuses as a whole. Left out, and refused by name: matches and targets that
//! are not modelled, `-h`, `iptables-save -f`. Addresses are never shown by name, but for `localhost`.

mod args;
mod extend;
mod ipvs;
mod packets;
mod print;
mod restore;
pub(in crate::shell) mod words;

pub use extend::all as extensions;
pub use restore::{restore_main, save_main};

use super::bash::Stdin;
use super::machine::HostMachine;
use super::output::Output;
use crate::net::netfilter::targets::Target;
use crate::net::netfilter::{Netfilter, Policy, Refusal, Rule, Table};
use args::{Command, Line};
use print::{Counters, Format};

/// Why a command line is not carried out.
#[derive(Debug)]
pub enum Fail {
    /// Something in it is wrong (status 2).
    Param(String),
    /// A word that belongs to nothing (status 2).
    BadArgument(String),
    /// Only where to find help (status 2).
    Hint,
    /// The table does not exist (status 3).
    NoTable(String),
    /// The kernel refuses, in the words of libiptc (status 1).
    Kernel(&'static str),
    /// lvsim cannot do it (status 1).
    NotModelled(String),
}

impl Fail {
    fn param(text: String) -> Fail {
        Fail::Param(text)
    }

    /// Says why; returns the exit status. `line` is that of iptables-restore.
    fn tell(&self, program: &str, line: Option<u32>, out: &mut Output) -> u8 {
        let at = line.map_or(String::new(), |n| format!("Error occurred at line: {n}\n"));
        let hint = format!("{at}Try `{program} -h' or '{program} --help' for more information.\n");
        match self {
            Fail::Param(text) => {
                out.stderr(&format!("{program} v1.8.9 (legacy): {text}\n{hint}"));
                2
            }
            Fail::BadArgument(word) => {
                out.stderr(&format!("Bad argument `{word}'\n{hint}"));
                2
            }
            Fail::Hint => {
                out.stderr(&hint);
                2
            }
            Fail::NoTable(name) => {
                out.stderr(&format!(
                    "{program} v1.8.9 (legacy): can't initialize iptables table `{name}': Table does not exist (do you \
                     need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n"
                ));
                3
            }
            Fail::Kernel(text) => {
                let hint = if takes_dmesg(text) { " Run `dmesg' for more information." } else { "" };
                out.stderr(&format!("{program}: {text}.{hint}\n"));
                1
            }
            Fail::NotModelled(what) => {
                out.stderr(&format!("lvsim: {program}: `{what}` is not modelled\n"));
                1
            }
        }
    }
}

/// The messages for EINVAL.
fn takes_dmesg(text: &str) -> bool {
    matches!(text, INVALID | BAD_POLICY)
}

const NO_CHAIN: &str = "No chain/target/match by that name";
const NO_RULE: &str = "Bad rule (does a matching rule exist in that chain?)";
const INVALID: &str = "Invalid argument";
const BAD_POLICY: &str = "Bad policy name";

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Fail {
        match refusal {
            Refusal::Invalid(_) => Fail::Kernel(INVALID),
            Refusal::Range(_) => Fail::Kernel("Numerical result out of range"),
            Refusal::Loop => Fail::Kernel("Too many levels of symbolic links"),
            Refusal::TooLarge => {
                Fail::NotModelled(format!("a table of more than {} rules", crate::net::netfilter::table::MOST_RULES))
            }
        }
    }
}

/// Runs `iptables`; returns its exit status.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _: &mut Stdin<'_>, out: &mut Output) -> u8 {
    let status = run(&mut m.host.netfilter, args, out);
    m.host.log_rules(m.cx.now);
    status
}

fn run(nf: &mut Netfilter, args: &[String], out: &mut Output) -> u8 {
    let done = args::read(args, "filter", false).and_then(|line| {
        if line.version {
            out.line("iptables v1.8.9 (legacy)");
            return Ok(());
        }
        line.notes.iter().for_each(|note| out.stderr(note));
        let id = args::table(&line.table).ok_or_else(|| Fail::NoTable(line.table.clone()))?;
        let mut table = nf.load(id).clone();
        if carry_out(&line, &mut table, true, out)? {
            nf.commit(table)?;
        }
        Ok(())
    });
    match done {
        Ok(()) => 0,
        Err(fail) => fail.tell("iptables", None, out),
    }
}

/// Carries a command line out on a copy of its table; whether it may have changed anything. `forget`: what the policies
/// have counted is lost with the first change.
fn carry_out(line: &Line, table: &mut Table, forget: bool, out: &mut Output) -> Result<bool, Fail> {
    let rule = if line.commands.iter().any(|c| matches!(c, Command::List | Command::ListRules)) {
        None
    } else {
        Some(target_of(line, table)?)
    };
    let rules = || -> Vec<Rule> {
        let rule = rule.clone().unwrap_or_default();
        let pairs = line.sources.iter().flat_map(|s| line.destinations.iter().map(move |d| (*s, *d)));
        pairs.map(|(src, dst)| Rule { src, dst, ..rule.clone() }).collect()
    };
    let mut changed = false;
    // A list comes before its counters are set to zero, whatever was typed first.
    let mut commands = line.commands.clone();
    commands.sort_by_key(|c| matches!(c, Command::Zero | Command::ZeroNumber));
    for command in commands {
        let changes = !matches!(command, Command::List | Command::ListRules | Command::Check);
        if changes && !changed && forget {
            forget_policies(table);
        }
        changed |= changes;
        match command {
            Command::List => list(line, table, out)?,
            Command::ListRules => list_rules(line, table, out)?,
            Command::Append | Command::Insert | Command::Replace => add(command, line, table, &rules(), out)?,
            Command::Delete | Command::Check => find(command, line, table, &rules(), out)?,
            Command::DeleteNumber => {
                let at = number(line, table, false, "Index of deletion too big")?;
                let chain = chain_of(line, table)?;
                table.chain_mut(chain).rules.remove(at);
            }
            Command::Flush => {
                for chain in chains_of(line, table)? {
                    if line.verbose > 0 {
                        out.line(&format!("Flushing chain `{}'", table.chain(chain).name));
                    }
                    table.chain_mut(chain).rules.clear();
                }
            }
            Command::Zero => {
                for chain in chains_of(line, table)? {
                    if line.verbose > 0 {
                        out.line(&format!("Zeroing chain `{}'", table.chain(chain).name));
                    }
                    let chain = table.chain_mut(chain);
                    chain.rules.iter_mut().for_each(|r| r.counter = Default::default());
                    if let Some((_, counter)) = &mut chain.policy {
                        *counter = Default::default();
                    }
                }
            }
            Command::ZeroNumber => {
                let at = number(line, table, false, "Index of counter too big")?;
                let chain = chain_of(line, table)?;
                table.chain_mut(chain).rules[at].counter = Default::default();
            }
            Command::NewChain => {
                let name = line.chain.as_deref().unwrap_or("");
                if table.find(name).is_some() {
                    return Err(Fail::Kernel("Chain already exists"));
                }
                table.add_chain(name);
            }
            Command::DeleteChain => delete_chains(line, table, out)?,
            Command::Rename => {
                if table.find(&line.new_name).is_some() {
                    return Err(Fail::Kernel("File exists"));
                }
                let chain = chain_of(line, table)?;
                if table.chain(chain).policy.is_some() {
                    return Err(Fail::Kernel(NO_CHAIN));
                }
                table.chain_mut(chain).name = line.new_name.as_str().into();
            }
            Command::Policy => {
                let chain = chain_of(line, table)?;
                let Some((policy, counter)) = &mut table.chain_mut(chain).policy else {
                    return Err(Fail::Kernel("Bad built-in chain name"));
                };
                *policy = policy_named(&line.policy).ok_or(Fail::Kernel(BAD_POLICY))?;
                if line.counters {
                    *counter = line.rule.counter;
                }
            }
        }
    }
    Ok(changed)
}

/// libiptc puts a table back with the counters of its rules, but not with those of its policies.
fn forget_policies(table: &mut Table) {
    for id in table.listed() {
        if let Some((_, counter)) = &mut table.chain_mut(id).policy {
            *counter = Default::default();
        }
    }
}

fn policy_named(name: &str) -> Option<Policy> {
    [Policy::Accept, Policy::Drop].into_iter().find(|p| p.name() == name)
}

/// The rule with its target: a chain of the table comes before a target of the same name.
fn target_of(line: &Line, table: &Table) -> Result<Rule, Fail> {
    let mut rule = line.rule.clone();
    let Some(name) = &line.jump else { return Ok(rule) };
    let chain = table.find(name).filter(|c| table.chain(*c).policy.is_none());
    rule.target = match (name.as_str(), chain) {
        (_, Some(chain)) if line.goto => Target::Goto(chain),
        (_, Some(chain)) => Target::Jump(chain),
        (_, None) if line.goto => return Err(Fail::param(format!("goto '{name}' is not a chain\n"))),
        ("ACCEPT", _) => Target::Accept,
        ("DROP", _) => Target::Drop,
        ("RETURN", _) => Target::Return,
        _ if line.target.is_some() => return Ok(rule),
        _ if table.find(name).is_some() => return Err(Fail::Kernel(INVALID)),
        _ => return Err(Fail::param(format!("Couldn't load target `{name}':No such file or directory\n"))),
    };
    Ok(rule)
}

fn chain_of(line: &Line, table: &Table) -> Result<crate::net::netfilter::ChainId, Fail> {
    table.find(line.chain.as_deref().unwrap_or("")).ok_or(Fail::Kernel(NO_CHAIN))
}

fn chains_of(line: &Line, table: &Table) -> Result<Vec<crate::net::netfilter::ChainId>, Fail> {
    match line.chain {
        Some(_) => Ok(vec![chain_of(line, table)?]),
        None => Ok(table.listed()),
    }
}

/// The place of the rule with the number that was typed; `behind` allows the place behind the last one.
fn number(line: &Line, table: &Table, behind: bool, too_big: &'static str) -> Result<usize, Fail> {
    let chain = chain_of(line, table)?;
    let len = table.chain(chain).rules.len() + usize::from(behind);
    let at = line.number as usize;
    if at == 0 || at > len { Err(Fail::Kernel(too_big)) } else { Ok(at - 1) }
}

fn add(command: Command, line: &Line, table: &mut Table, rules: &[Rule], out: &mut Output) -> Result<(), Fail> {
    let chain = chain_of(line, table)?;
    for rule in rules {
        let rule = Rule { counter: line.rule.counter, ..rule.clone() };
        if line.verbose > 0 {
            out.stdout(&print::line(table, &rule));
        }
        match command {
            Command::Append => table.chain_mut(chain).rules.push(rule),
            Command::Insert => {
                let at = number(line, table, true, "Index of insertion too big")?;
                table.chain_mut(chain).rules.insert(at, rule);
            }
            _ => {
                let at = number(line, table, false, "Index of replacement too big")?;
                table.chain_mut(chain).rules[at] = rule;
            }
        }
    }
    Ok(())
}

fn find(command: Command, line: &Line, table: &mut Table, rules: &[Rule], out: &mut Output) -> Result<(), Fail> {
    let chain = chain_of(line, table)?;
    for rule in rules {
        if line.verbose > 0 {
            out.stdout(&print::line(table, rule));
        }
        let at = table.chain(chain).rules.iter().position(|r| r.same(rule)).ok_or(Fail::Kernel(NO_RULE))?;
        if command == Command::Delete {
            table.chain_mut(chain).rules.remove(at);
        }
    }
    Ok(())
}

fn list(line: &Line, table: &Table, out: &mut Output) -> Result<(), Fail> {
    let only = line.chain.as_ref().map(|_| chain_of(line, table)).transpose()?;
    let shown = |letter| line.shown.contains(letter);
    let f = Format { numeric: shown('n'), verbose: line.verbose > 0, exact: shown('x'), numbers: shown('0') };
    let rule = (line.number > 0).then_some(line.number as usize);
    out.stdout(&print::list(table, only, rule, f));
    Ok(())
}

fn list_rules(line: &Line, table: &Table, out: &mut Output) -> Result<(), Fail> {
    let chains = chains_of(line, table)?;
    let verbose = line.verbose > 0;
    if line.number == 0 {
        for &id in &chains {
            let chain = table.chain(id);
            out.line(&match chain.policy {
                Some((policy, c)) if verbose => {
                    format!("-P {} {} -c {} {}", chain.name, policy.name(), c.packets, c.bytes)
                }
                Some((policy, _)) => format!("-P {} {}", chain.name, policy.name()),
                None => format!("-N {}", chain.name),
            });
        }
    }
    let counters = if verbose { Counters::Inside } else { Counters::No };
    for id in chains {
        let chain = table.chain(id);
        for (n, rule) in chain.rules.iter().enumerate() {
            if line.number == 0 || line.number as usize == n + 1 {
                out.stdout(&print::save(table, &chain.name, rule, counters));
            }
        }
    }
    Ok(())
}

fn delete_chains(line: &Line, table: &mut Table, out: &mut Output) -> Result<(), Fail> {
    let all = line.chain.is_none();
    for id in chains_of(line, table)? {
        let chain = table.chain(id);
        match chain.policy {
            Some(_) if all => continue,
            Some(_) => return Err(Fail::Kernel(INVALID)),
            None => {}
        }
        if line.verbose > 0 {
            out.line(&format!("Deleting chain `{}'", chain.name));
        }
        if table.references(id) > 0 {
            return Err(Fail::Kernel("Too many links"));
        }
        if !chain.rules.is_empty() {
            return Err(Fail::Kernel("Directory not empty"));
        }
        table.remove_chain(id);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
