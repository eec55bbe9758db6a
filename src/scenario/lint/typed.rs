//! What is typed and does not do what it looks like: misspelt variables, health checks that put servers back otherwise.
//!
//! Of what the timeline types after the first connection only the text is known; it is read by the shell's own parser.

use super::Finding;
use super::journal::scripts_of;
use super::lab::{Lab, Real, Virtual};
use crate::base::{NodeId, Span};
use crate::ipvs::{Method, ServiceKey};
use crate::scenario::model::{At, ScriptSpec, StepKind};
use crate::scenario::problem::Place;
use crate::shell::bash::outline::{Outlined, outline};
use crate::text;
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// L050: a variable that does not exist.
pub fn misspelt(lab: &Lab<'_>) -> Vec<Finding> {
    without_effect(lab, Miss::Name)
}

/// L052: a variable of an interface that is not there.
pub fn no_interface(lab: &Lab<'_>) -> Vec<Finding> {
    without_effect(lab, Miss::Interface)
}

/// What is wrong with a variable's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    Name,
    Interface,
}

fn without_effect(lab: &Lab<'_>, miss: Miss) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, _) in lab.hosts() {
        for command in lab.journal.on(node) {
            let failed = match command.words[0].as_str() {
                ">" if command.status != 0 => command.words.get(1).map(String::as_str).into_iter().collect(),
                "sysctl" => command.out.lines().filter_map(missed).collect(),
                _ => Vec::new(),
            };
            for path in failed {
                let leaf = path.rsplit('/').next().unwrap_or(path);
                found.extend(no_such(lab, node, path, miss, &|| lab.at_command(command, leaf)));
            }
        }
        for (script, line) in later(lab, node) {
            for command in outline(&script.text) {
                let sysctl = command.words.first().is_some_and(|w| w.as_deref() == Some("sysctl"));
                let keys = command
                    .words
                    .iter()
                    .flatten()
                    .filter(|_| sysctl)
                    .filter_map(|w| w.split_once('='))
                    .map(|(k, _)| k.trim());
                let files = command.writes.iter().flatten().map(String::as_str).filter(|p| p.starts_with("/proc/sys/"));
                for path in keys.chain(files) {
                    let leaf = path.rsplit(['/', '.']).next().unwrap_or(path);
                    found.extend(no_such(lab, node, path, miss, &|| lab.at_line(line + command.line - 1, "", leaf)));
                }
            }
        }
    }
    found
}

/// The path that `sysctl` did not find.
fn missed(line: &str) -> Option<&str> {
    line.strip_prefix("sysctl: cannot stat ")?.strip_suffix(": No such file or directory")
}

/// A variable that the host does not have. What lvsim merely does not know (IPv6, the kernel's own) is no mistake, so an
/// unknown name counts only if it is much like one that there is.
fn no_such(lab: &Lab<'_>, node: NodeId, path: &str, miss: Miss, place: &dyn Fn() -> Place) -> Option<Finding> {
    let dotted = path.trim_start_matches("/proc/sys/").replace('/', ".");
    let sysctl = &lab.host(node).net.sysctl;
    if sysctl.knows(&dotted) || !dotted.starts_with("net.ipv4.") {
        return None;
    }
    let name = lab.name(node);
    let (stem, leaf) = dotted.rsplit_once('.')?;
    let of_interface = stem.strip_prefix("net.ipv4.conf.").or_else(|| stem.strip_prefix("net.ipv4.neigh."));
    let known = |interface: &str| {
        ["all", "default"].contains(&interface) || lab.host(node).net.dev_by_name(interface).is_some()
    };
    let no_interface =
        of_interface.filter(|i| !known(i) && sysctl.knows(&dotted.replacen(&format!(".{i}."), ".default.", 1)));
    let (title, label, cure) = match (no_interface, miss) {
        (Some(interface), Miss::Interface) => (
            text!("lint-no-interface", name, interface, leaf),
            text!("lint-no-interface-label", interface),
            text!("lint-no-interface-cure", name, leaf),
        ),
        (None, Miss::Name) => {
            let paths = sysctl.paths();
            let like = |p: &&String| p.rsplit_once('.').is_some_and(|(s, _)| s == stem || of_interface.is_some());
            let leaves = paths.iter().filter(like).filter_map(|p| p.rsplit('.').next());
            let distance = |l| strsim::damerau_levenshtein(l, leaf);
            let near = leaves.map(|l| (distance(l), l)).min().filter(|(d, _)| (1..=2).contains(d))?;
            (
                text!("lint-misspelt", leaf, name),
                text!("lint-misspelt-label"),
                text!("lint-did-you-mean", stem, leaf = near.1),
            )
        }
        _ => return None,
    };
    Some(Finding::new(lab, node, place(), title).label(label).note(text!("lint-misspelt-note")).cure(cure))
}

/// Texts that are typed at or after the first connection, with the line in which each begins.
fn later<'l>(lab: &'l Lab<'_>, on: NodeId) -> Vec<(&'l ScriptSpec, u32)> {
    let first = lab.scenario.traffic.iter().map(|t| t.start).min().unwrap_or(Span::ZERO);
    let steps = lab.scenario.steps.iter().filter(|s| !matches!(s.at, At::Time(at) if at < first));
    steps
        .filter_map(|s| match &s.kind {
            StepKind::Run { node, script, observe: false } if *node == on => Some((script, script.line)),
            _ => None,
        })
        .collect()
}

/// L051: a health check that puts a server back in another mode or with another weight.
pub fn health_loop(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let directors: std::collections::BTreeSet<NodeId> = lab.services.iter().map(|s| s.node).collect();
    for node in directors {
        let typed = scripts_of(lab.scenario, node).into_iter().map(|s| s.text.to_string());
        let texts: Vec<String> = typed.chain(lab.world.processes.texts(node)).collect();
        for text in texts.iter().filter(|t| t.contains("ipvsadm")) {
            let commands = outline(text);
            let asks: Vec<(&Outlined, Ask)> =
                commands.iter().filter(|c| c.again).filter_map(|c| Some((c, ask(c)?))).collect();
            if !asks.iter().any(|(_, a)| a.deletes) {
                continue;
            }
            for (command, ask) in asks.iter().filter(|(_, a)| a.adds) {
                found.extend(put_back(lab, node, text, command, ask));
            }
        }
    }
    found
}

fn put_back(lab: &Lab<'_>, node: NodeId, text: &str, command: &Outlined, ask: &Ask) -> Option<Finding> {
    let here = |s: &&Virtual| s.node == node && ask.key.is_none_or(|k| k == s.key);
    let meant = |r: &&Real| !r.addr.is_loopback() && ask.server.is_none_or(|a| a == r.addr);
    let servers: Vec<(&Virtual, &Real)> =
        lab.services.iter().filter(here).flat_map(|s| s.reals.iter().filter(meant).map(move |r| (s, r))).collect();
    let differs = |real: &Real| {
        let method = (real.method != ask.method)
            .then(|| text!("lint-it-was", now = ask.method.column(), before = real.method.column()));
        let weight =
            ask.weight.filter(|w| *w != real.weight).map(|w| text!("lint-weight-was", w, before = real.weight));
        method.or(weight)
    };
    // Which server is meant may be unknown: then the line must be wrong for all of them in mode, or for one in weight.
    let (service, real) = match ask.server {
        Some(_) => servers.iter().find(|(_, r)| differs(r).is_some())?,
        None if servers.iter().all(|(_, r)| r.method != ask.method) => servers.first()?,
        None => servers.iter().find(|(_, r)| r.method == ask.method && differs(r).is_some())?,
    };
    let how = differs(real)?;
    let name = lab.name(node);
    let words: Vec<String> = command.words.iter().flatten().cloned().collect();
    let script_line = text.lines().nth(command.line as usize - 1).unwrap_or("").trim();
    let place = lab
        .at_text(node, script_line)
        .map_or_else(|| lab.at_node(node, &[]), |line| lab.at_line(line, "ipvsadm -a", ""));
    let option = real.method.option();
    Some(
        Finding::new(lab, node, place, text!("lint-health-loop", name))
            .label(text!("lint-adds-with", how))
            .also(lab.at_real(service, real), text!("lint-added-first"))
            .note(match words.iter().any(|w| ["-m", "-g", "-i"].contains(&w.as_str())) {
                true => text!("lint-returns-otherwise"),
                false => text!("lint-returns-as-dr"),
            })
            .cure(text!("lint-health-loop-cure", option, weight = real.weight)),
    )
}

/// What a line of a script asks of ipvsadm, as far as it is known before it runs.
struct Ask {
    adds: bool,
    deletes: bool,
    key: Option<ServiceKey>,
    server: Option<Ipv4Addr>,
    method: Method,
    /// None where only a run can tell.
    weight: Option<i32>,
}

/// None if it is not ipvsadm, or an option is unknown.
fn ask(command: &Outlined) -> Option<Ask> {
    let program = command.words.first()?.as_deref()?;
    if program.rsplit('/').next() != Some("ipvsadm") {
        return None;
    }
    let mut ask = Ask { adds: false, deletes: false, key: None, server: None, method: Method::Dr, weight: Some(1) };
    let mut words = command.words[1..].iter();
    while let Some(word) = words.next() {
        let word = word.as_deref()?;
        let letters: Vec<char> = match word {
            "--add-server" => vec!['a'],
            "--delete-server" => vec!['d'],
            long if long.starts_with("--") => return None,
            short => short.strip_prefix('-')?.chars().collect(),
        };
        for (i, letter) in letters.iter().enumerate() {
            match letter {
                'a' => ask.adds = true,
                'd' => ask.deletes = true,
                'm' => ask.method = Method::Nat,
                'g' => ask.method = Method::Dr,
                'i' => ask.method = Method::Tun,
                't' | 'u' | 'f' | 'r' | 'w' | 'x' | 'y' => {
                    let rest: String = letters[i + 1..].iter().collect();
                    let argument = if rest.is_empty() { words.next()?.clone() } else { Some(rest) };
                    ask.take(*letter, argument.as_deref());
                    break;
                }
                _ => return None,
            }
        }
    }
    Some(ask)
}

impl Ask {
    fn take(&mut self, letter: char, argument: Option<&str>) {
        match letter {
            't' | 'u' => {
                let proto = if letter == 'u' { Proto::Udp } else { Proto::Tcp };
                let end = argument.and_then(|a| a.rsplit_once(':'));
                let key = |(a, p): (&str, &str)| {
                    Some(ServiceKey::Addr { proto, addr: a.parse().ok()?, port: p.parse().ok()? })
                };
                self.key = end.and_then(key);
            }
            'f' => self.key = argument.and_then(|a| a.parse().ok()).map(ServiceKey::Mark),
            'r' => self.server = argument.and_then(|a| a.split(':').next()?.parse().ok()),
            'w' => self.weight = argument.and_then(|a| a.parse().ok()),
            _ => {}
        }
    }
}

impl Lab<'_> {
    /// The line of the file in which a host types a text, or writes it into a script.
    fn at_text(&self, node: NodeId, text: &str) -> Option<u32> {
        let line = |s: &ScriptSpec| s.text.lines().position(|l| l.trim() == text).map(|i| s.line + i as u32);
        scripts_of(self.scenario, node).into_iter().find_map(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Option<Ask> {
        ask(outline(line).first()?)
    }

    #[test]
    fn a_line_of_a_health_loop_is_read_as_far_as_it_is_known() {
        let a = asked("/sbin/ipvsadm -a -t 10.0.0.100:80 -r $1 -m -w $2").expect("ipvsadm");
        assert_eq!((a.adds, a.method, a.weight, a.server), (true, Method::Nat, None, None));
        assert!(a.key.is_some());
        let a = asked("ipvsadm -at 10.0.0.100:80 -r 10.0.0.11").expect("ipvsadm");
        assert_eq!((a.adds, a.method, a.weight), (true, Method::Dr, Some(1)));
        assert_eq!(a.server, Some(Ipv4Addr::new(10, 0, 0, 11)));
        assert!(asked("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -$TYPE").is_none());
        assert!(asked("ipvsadm -Ln").is_none());
        assert!(asked("echo ipvsadm -a").is_none());
    }
}
