//! `service` and `systemctl`: what the course notes start and stop, one row each in `UNITS`.
//!
//! A web or telnet server is what listens on its port. `iptables` and `ipvsadm` are no daemons: stopping them clears their
//! tables, starting them loads what was saved, as the scripts of Red Hat's distributions do. Everything else is refused by
//! name. Nothing is printed on success, as by systemd; `/etc/init.d` is empty, as on the recorded machines.

use super::bash::{Exec, Output, Stdin};
use super::machine::HostMachine;
use super::{COMMANDS, DAEMON, ELSEWHERE};
use crate::node::app::Service;
use crate::wire::Proto;

/// What a unit is on a simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// It listens on this TCP port.
    Serves(u16),
    /// The packet filter, saved in this file.
    Iptables(&'static str),
    /// The virtual server table, saved in this file.
    Ipvsadm(&'static str),
}

/// The units by name, sorted.
const UNITS: &[(&str, What)] = &[
    ("apache2", What::Serves(80)),
    ("httpd", What::Serves(80)),
    ("iptables", What::Iptables("/etc/sysconfig/iptables")),
    ("ipvsadm", What::Ipvsadm("/etc/sysconfig/ipvsadm")),
    ("nginx", What::Serves(80)),
    ("telnet", What::Serves(23)),
    ("xinetd", What::Serves(23)),
];

/// Units that a real host has and lvsim has not, sorted, and what does their work.
const ABSENT: &[(&str, &str)] = &[
    ("NetworkManager", TYPED),
    ("firewalld", "no rule is there before iptables sets it"),
    ("keepalived", DAEMON),
    ("network", TYPED),
    ("networking", TYPED),
    ("sshd", ELSEWHERE),
];

const TYPED: &str = "addresses and routes are typed, with ifconfig, ip and route";

/// `service NAME ACTION`.
pub fn service_main(m: &mut HostMachine<'_, '_>, args: &[String], _: &mut Stdin<'_>, out: &mut Output) -> u8 {
    let [name, action] = args else {
        out.err("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]");
        return 1;
    };
    act(m, "service", action, name, out)
}

/// `systemctl ACTION NAME…`.
pub fn systemctl_main(m: &mut HostMachine<'_, '_>, args: &[String], _: &mut Stdin<'_>, out: &mut Output) -> u8 {
    let words: Vec<&String> = args.iter().filter(|a| !matches!(a.as_str(), "-q" | "--quiet" | "--now")).collect();
    let [action, names @ ..] = words.as_slice() else {
        out.err("lvsim: systemctl without a unit is not simulated");
        return 1;
    };
    if names.is_empty() || action.starts_with('-') {
        out.err(&format!("lvsim: systemctl {action} is not simulated without a unit"));
        return 1;
    }
    names.iter().map(|name| act(m, "systemctl", action, name, out)).max().unwrap_or(0)
}

fn act(m: &mut HostMachine<'_, '_>, program: &str, action: &str, name: &str, out: &mut Output) -> u8 {
    let name = name.trim_end_matches(".service").trim_end_matches(".socket");
    let Some(&(_, what)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
        let instead = ABSENT.iter().find(|(unit, _)| *unit == name).map(|(_, instead)| format!(": {instead}"));
        let known = || UNITS.iter().map(|(unit, _)| *unit).collect::<Vec<_>>().join(", ");
        let rest = instead.unwrap_or_else(|| format!("; known are {}", known()));
        out.err(&format!("lvsim: {program}: {name} is not simulated{rest}"));
        return 5;
    };
    match (action, what) {
        ("start", _) => start(m, what, out),
        ("stop", _) => stop(m, what, out),
        ("restart" | "reload" | "condrestart" | "try-restart", _) => {
            stop(m, what, out);
            start(m, what, out)
        }
        ("status" | "is-active", _) => {
            let up = active(m, what);
            out.line(if up { "active" } else { "inactive" });
            // LSB: 3, not running.
            if up { 0 } else { 3 }
        }
        ("save", What::Iptables(file)) => save(m, "iptables-save", &[], file, out),
        ("save", What::Ipvsadm(file)) => save(m, "ipvsadm-save", &["-n"], file, out),
        // Nothing boots here: what a host starts with is what the scenario says.
        ("enable" | "disable", _) => 0,
        _ => {
            out.err(&format!("lvsim: {program}: {action} {name} is not simulated"));
            1
        }
    }
}

fn active(m: &HostMachine<'_, '_>, what: What) -> bool {
    match what {
        What::Serves(port) => m.host.servers.services().any(|s| s.proto == Proto::Tcp && s.port == port),
        What::Iptables(_) => m.host.netfilter.active(),
        What::Ipvsadm(_) => m.host.ipvs.services().next().is_some(),
    }
}

fn start(m: &mut HostMachine<'_, '_>, what: What, out: &mut Output) -> u8 {
    match what {
        What::Serves(_) if active(m, what) => 0,
        What::Serves(port) => match m.host.serve(Service::plain(Proto::Tcp, port)) {
            Ok(()) => 0,
            Err(errno) => {
                out.err(&format!("(98){}: make_sock: could not bind to address 0.0.0.0:{port}", errno.text()));
                1
            }
        },
        What::Iptables(file) => load(m, "iptables-restore", file, out),
        What::Ipvsadm(file) => load(m, "ipvsadm-restore", file, out),
    }
}

fn stop(m: &mut HostMachine<'_, '_>, what: What, out: &mut Output) -> u8 {
    match what {
        What::Serves(port) => {
            m.host.stop_serving(Proto::Tcp, port, m.cx);
            0
        }
        What::Iptables(_) => {
            // Tables that nobody has used stay unused: looking at them would load them.
            let tables: Vec<_> = m.host.netfilter.loaded().map(|t| t.id).collect();
            for table in tables {
                typed(m, &["iptables", "-t", table.name(), "-F"], "", out);
                typed(m, &["iptables", "-t", table.name(), "-X"], "", out);
                for hook in table.hooks() {
                    typed(m, &["iptables", "-t", table.name(), "-P", hook.chain(), "ACCEPT"], "", out);
                }
            }
            0
        }
        What::Ipvsadm(_) => typed(m, &["ipvsadm", "-C"], "", out),
    }
}

fn load(m: &mut HostMachine<'_, '_>, program: &str, file: &str, out: &mut Output) -> u8 {
    match m.files.read(file).map(str::to_string) {
        Ok(text) => typed(m, &[program], &text, out),
        // Without a file there is nothing to load, which is no error.
        Err(_) => 0,
    }
}

fn save(m: &mut HostMachine<'_, '_>, program: &str, args: &[&str], file: &str, out: &mut Output) -> u8 {
    let mut saved = Output::new();
    let line: Vec<&str> = [program].iter().chain(args).copied().collect();
    let status = typed(m, &line, "", &mut saved);
    if let Some((folder, _)) = file.rsplit_once('/') {
        // It may be there already.
        let _there = m.files.mkdir(folder);
    }
    if m.files.write(file, &saved.text()).is_err() {
        out.err(&format!("{file}: cannot be written"));
        return 1;
    }
    status
}

/// Runs a simulated program that ends at once.
fn typed(m: &mut HostMachine<'_, '_>, line: &[&str], stdin: &str, out: &mut Output) -> u8 {
    let Some(row) = COMMANDS.iter().find(|row| row.name == line[0]) else { return 127 };
    let args: Vec<String> = line[1..].iter().map(|w| w.to_string()).collect();
    match (row.main)(m, &args, &mut Stdin::new(stdin), out) {
        Exec::Done(status) => status,
        _ => 127,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_sorted_and_named_once() {
        assert!(UNITS.windows(2).all(|w| w[0].0 < w[1].0));
    }
}
