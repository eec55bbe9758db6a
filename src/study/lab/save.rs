//! A session as a scenario that replays: what was typed becomes entries of the `timeline`.
//!
//! The file stays as its author wrote it; the entries are added at the end of its timeline. Each entry has a shell of its own,
//! while a session has one for each host: a folder that was gone to is gone to again, but variables and functions of earlier
//! lines are not known, and the note says so when there are any.

use super::commands::Reply;
use super::session::{Act, Session, What};
use crate::lang::Text;
use crate::scenario::{Names, load};
use crate::text;
use std::fmt::Write as _;

/// `:save FILE`.
pub fn save(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(text!("lab-which-file"));
    }
    let (entries, left_out) = entries(session);
    if entries.is_empty() {
        return Err(text!("lab-nothing-typed"));
    }
    let text = with_entries(session.source(), &entries)?;
    if let Err(problems) = load(rest, &text, &[], &Names::default())
        && let Some(first) = problems.iter().find(|p| !p.is_warning() && p.place.line > 0)
        && load(rest, session.source(), &[], &Names::default()).is_ok()
    {
        return Err(text!("lab-not-written", line = first.place.line, problem = first.title));
    }
    let mut note = session.say(&text!("lab-saved", n = entries.len(), rest));
    if left_out > 0 {
        let _ = write!(note, "\n{}", session.say(&text!("lab-saved-without", n = left_out)));
    }
    Ok(Reply::Save { file: rest.to_string(), text, note })
}

/// An entry for every typed line, and how many lines changed what only their shell remembers.
fn entries(session: &Session<'_>) -> (Vec<String>, usize) {
    let zero = session.play().zero;
    let mut entries = Vec::new();
    let mut remembered = 0;
    let mut folders: Vec<(u32, String)> = Vec::new();
    for act in session.acts() {
        let What::Type { node, text } = &act.what else { continue };
        let trimmed = text.trim();
        if matches!(trimmed, "exit" | "logout") {
            continue;
        }
        let place = folders.iter().position(|f| f.0 == node.0);
        if let Some(folder) = trimmed.strip_prefix("cd").filter(|r| r.is_empty() || r.starts_with(' ')) {
            let folder = if folder.trim().is_empty() { "/root" } else { folder.trim() };
            let before = place.map(|p| folders.remove(p).1).unwrap_or_default();
            let joined = if folder.starts_with('/') || before.is_empty() {
                folder.into()
            } else {
                format!("{before} && cd {folder}")
            };
            folders.push((node.0, joined));
            continue;
        }
        remembered += usize::from(sets_something(trimmed));
        let typed = match place {
            Some(p) => format!("cd {} && {}", folders[p].1, ended(act, trimmed)),
            None => ended(act, trimmed),
        };
        let at = act.at.since_zero(zero).max(0);
        let name = session.scenario().node_name(*node);
        let mut entry = format!("- at: {}\n  node: {name}\n", duration(at as u64));
        if typed.contains('\n') || typed.contains(": ") || typed.contains('#') || typed.starts_with(special) {
            entry.push_str("  run: |\n");
            for line in typed.lines() {
                let _ = writeln!(entry, "    {line}");
            }
        } else {
            let _ = writeln!(entry, "  run: {typed}");
        }
        entries.push(entry);
    }
    (entries, remembered)
}

/// A plain scalar of YAML does not begin so.
fn special(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || c == '/' || c == '.')
}

/// What Ctrl-C ended, ends by itself.
fn ended(act: &Act, text: &str) -> String {
    let simple = !text.contains(['\n', ';', '|', '&', '<', '>', '$', '(']);
    match act.interrupted && simple {
        true => format!("timeout -s INT {} {text}", duration_s(act.end.since(act.at).0)),
        false => text.to_string(),
    }
}

/// Seconds as `timeout` takes them.
fn duration_s(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}

/// Nanoseconds as a scenario has them.
fn duration(ns: u64) -> String {
    let (scale, unit) = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
        .into_iter()
        .find(|(scale, _)| ns.is_multiple_of(*scale))
        .unwrap_or((1, "ns"));
    format!("{}{unit}", ns / scale)
}

/// Whether a line sets what only its shell remembers.
fn sets_something(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    let assigns = first.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.contains(' ')
    });
    assigns || first.ends_with("()") || ["export", "alias", "function", "declare", "source", "."].contains(&first)
}

/// The file's text with more entries at the end of its timeline.
fn with_entries(source: &str, entries: &[String]) -> Result<String, Text> {
    let mut lines: Vec<&str> = source.lines().collect();
    let start = lines.iter().position(|l| l.starts_with("timeline:"));
    let Some(start) = start else {
        let mut text = source.trim_end().to_string() + "\n\ntimeline:\n";
        for entry in entries {
            text.push_str(&indented(entry, 2));
        }
        return Ok(text);
    };
    let value = lines[start]["timeline:".len()..].split('#').next().unwrap_or("").trim();
    if !value.is_empty() && value != "[]" {
        return Err(text!("lab-timeline-on-one-line"));
    }
    // Entries may begin in the first column; comments and empty lines belong to what stands before them.
    let belongs = |l: &&str| l.is_empty() || l.starts_with([' ', '#']) || l.starts_with("- ");
    let end = start + 1 + lines[start + 1..].iter().take_while(|l| belongs(l)).count();
    let indent = lines[start + 1..end].iter().find_map(|l| l.find("- ")).unwrap_or(2);
    let last = lines[start..end].iter().rposition(|l| !l.trim().is_empty() && !l.starts_with('#')).unwrap_or(0);
    let added: String = entries.iter().map(|e| indented(e, indent)).collect();
    if value == "[]" {
        lines[start] = "timeline:";
    }
    let (before, after) = lines.split_at(start + last + 1);
    let rest = if after.is_empty() { String::new() } else { after.join("\n") + "\n" };
    Ok(format!("{}\n{added}{rest}", before.join("\n")))
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|l| format!("{}{l}\n", " ".repeat(by))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_added_where_the_timeline_ends() {
        let entry = ["- at: 1s\n  node: a\n  run: ip addr\n".to_string()];
        let added = with_entries("lvsim: 1\nnodes: {}\n", &entry).expect("a timeline of its own");
        assert_eq!(added, "lvsim: 1\nnodes: {}\n\ntimeline:\n  - at: 1s\n    node: a\n    run: ip addr\n");
        let source = "timeline:\n- { at: 1s, node: b, run: x }\n\n# after\nexpect: []\n";
        let added = with_entries(source, &entry).expect("a timeline that goes on");
        let expected =
            "timeline:\n- { at: 1s, node: b, run: x }\n- at: 1s\n  node: a\n  run: ip addr\n\n# after\nexpect: []\n";
        assert_eq!(added, expected);
        assert!(with_entries("timeline: [{ at: 1s, node: b, run: x }]\n", &entry).is_err());
    }

    #[test]
    fn durations_are_exact() {
        assert_eq!([duration(1_500_000_000), duration(2_000_000_000), duration(7)], ["1500ms", "2s", "7ns"]);
        assert_eq!(duration_s(2_050_000_000), "2.050");
    }

    #[test]
    fn what_only_a_shell_remembers_is_noticed() {
        assert!(sets_something("VIP=10.0.0.1") && sets_something("export A=1"));
        assert!(!sets_something("ip addr") && !sets_something("A=1 ip addr"));
    }
}
