//! What may follow what was typed so far: programs, their options, hosts, interfaces, addresses, variables, files.
//!
//! Options and words of a program are those that its own help prints: the program is asked on a copy of the world.

use super::commands::COMMANDS as OF_THE_LAB;
use super::session::Session;
use crate::report::show::TABLES;
use crate::shell::COMMANDS;
use crate::shell::text::TEXT_PROGRAMS;
use crate::trace::Tracer;

/// Words that stand for what `ip` calls objects, and what can be done with them.
const IP_OBJECTS: &[&str] = &["addr", "link", "neigh", "route", "rule"];
const IP_VERBS: &[&str] = &["add", "change", "del", "flush", "get", "replace", "set", "show"];

/// Where the word begins that is completed, and what it can become, sorted.
pub fn complete(session: &Session<'_>, line: &str, at: usize) -> (usize, Vec<String>) {
    let typed = line.get(..at).unwrap_or(line);
    let start = typed.rfind(|c: char| c.is_whitespace() || "|;&".contains(c)).map_or(0, |i| i + 1);
    let word = &typed[start..];
    let command = typed[..start].rfind(['|', ';', '&']).map_or(0, |i| i + 1);
    let words: Vec<&str> = typed[command..start].split_whitespace().collect();
    let mut found = candidates(session, &words, word);
    found.retain(|c| c.starts_with(word));
    found.sort();
    found.dedup();
    (start, found)
}

fn candidates(session: &Session<'_>, words: &[&str], word: &str) -> Vec<String> {
    let owned = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    match words {
        [] if word.starts_with(':') => OF_THE_LAB.iter().map(|c| format!(":{}", c.name)).collect(),
        [] if word.contains('/') => files(session, word),
        [] => {
            let mut names: Vec<String> = COMMANDS.iter().map(|c| c.name.to_string()).collect();
            names.extend(TEXT_PROGRAMS.iter().map(|p| p.name.to_string()));
            names.extend(owned(&["cd", "echo", "exit", "export", "for", "if", "kill", "scp", "ssh", "while"]));
            names
        }
        ["ssh" | ":on"] => hosts(session),
        [":show"] => TABLES.iter().map(|t| t.name.to_string()).collect(),
        [":show", _] => session.scenario().nodes.iter().map(|n| n.name.clone()).collect(),
        [":why" | ":ladder"] => connections(session),
        [first, ..] if first.starts_with(':') => Vec::new(),
        ["sysctl", ..] if !word.starts_with('-') => variables(session),
        [_, ..] if word.contains('/') => files(session, word),
        ["ip"] if !word.starts_with('-') => owned(IP_OBJECTS),
        ["ip", _] if !word.starts_with('-') => owned(IP_VERBS),
        [program, ..] if word.starts_with('-') => options(session, program),
        _ => {
            let mut all = interfaces(session);
            all.extend(addresses(session));
            all.extend(files(session, word));
            all
        }
    }
}

fn hosts(session: &Session<'_>) -> Vec<String> {
    session.scenario().nodes.iter().filter(|n| n.kind.is_host()).map(|n| n.name.clone()).collect()
}

fn connections(session: &Session<'_>) -> Vec<String> {
    let few = |w: &crate::engine::workload::Workload| {
        (0..w.results.len().min(50)).map(|n| format!("{}:{n}", w.name)).collect::<Vec<_>>()
    };
    session.play().world.workloads.iter().flat_map(few).collect()
}

fn variables(session: &Session<'_>) -> Vec<String> {
    session.play().world.host(session.here()).map(|h| h.net.sysctl.paths()).unwrap_or_default()
}

fn interfaces(session: &Session<'_>) -> Vec<String> {
    let host = session.play().world.host(session.here());
    host.map(|h| h.net.devs.iter().map(|d| d.name.to_string()).collect()).unwrap_or_default()
}

fn addresses(session: &Session<'_>) -> Vec<String> {
    let hosts = session.play().world.nodes.iter().filter_map(|n| n.host());
    hosts.flat_map(|h| h.net.devs.iter().flat_map(|d| d.addrs.iter().map(|a| a.local.to_string()))).collect()
}

/// Files of the host, and the variables below `/proc/sys`.
fn files(session: &Session<'_>, word: &str) -> Vec<String> {
    let (folder, head) = match word.rsplit_once('/') {
        Some((folder, _)) => {
            (if folder.is_empty() { "/" } else { folder }, &word[..word.rfind('/').map_or(0, |i| i + 1)])
        }
        None => ("/root", ""),
    };
    let mut names = session.play().world.processes.names_in(session.here(), folder);
    if let Some(below) = format!("{folder}/").strip_prefix("/proc/sys/") {
        for path in variables(session) {
            if let Some(rest) = path.replace('.', "/").strip_prefix(below) {
                names.push(rest.split_once('/').map_or(rest.to_string(), |(dir, _)| format!("{dir}/")));
            }
        }
    }
    names.iter().map(|n| format!("{head}{n}")).collect()
}

/// Words that begin with a dash in what a program says about itself.
fn options(session: &Session<'_>, program: &str) -> Vec<String> {
    if !COMMANDS.iter().any(|c| c.name == program) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for flag in ["--help", "-h"] {
        let mut copy = session.play().clone();
        let text = format!("{program} {flag} 2>&1");
        let (_, out) = copy.ask(session.here(), &text.as_str().into(), session.seed(), &mut Tracer::off());
        for word in out.split(|c: char| c.is_whitespace() || "[]|,=<>(){}".contains(c)) {
            let clean = word.trim_end_matches(['.', ':', ';', '\'']);
            let dashes = clean.len() - clean.trim_start_matches('-').len();
            if (1..=2).contains(&dashes) && clean.len() > dashes && clean.is_ascii() {
                found.push(clean.to_string());
            }
        }
        if found.len() > 2 {
            break;
        }
    }
    found
}
