//! `--set PATH=VALUE`: any value of the file, changed before the file is read.
//!
//! A path has keys with dots between: `traffic.web.connections`, `nodes.rs1.sysctl."net.ipv4.conf.all.arp_ignore"`,
//! `traffic[0].every`. An item of a list is named by its place from 0 or by its `name`. Below `sysctl` the rest of the path
//! is one key, with or without quotes. Keys that are missing are added; nodes, interfaces and items of lists are not.

use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::tree::{self, Key, Kind, Mark, Node, Style};
use crate::text;
use std::borrow::Cow;

/// One step of a path.
enum Step {
    Key(String),
    Index(usize),
}

/// A step and where it stands.
struct Part {
    step: Step,
    at: Mark,
}

/// Carries out one `--set`, source number `src`.
pub(crate) fn apply<'a>(root: &mut Node<'a>, set: &'a str, src: u16, p: &mut Problems) {
    let Some((parts, value_at)) = path(set, src, p) else { return };
    let Some(value) = value(set, value_at, src, p) else { return };
    let mut here = root;
    let mut done = String::new();
    let last = parts.len().saturating_sub(1);
    for (i, part) in parts.iter().enumerate() {
        let next = match step(here, part, &done, i == last, src, p) {
            Some(next) => next,
            None => return,
        };
        match &part.step {
            Step::Key(key) if done.is_empty() => done.push_str(key),
            Step::Key(key) => done.push_str(&format!(".{key}")),
            Step::Index(n) => done.push_str(&format!("[{n}]")),
        }
        here = next;
    }
    *here = value;
}

/// The path and the value of a `--set`, as they stand; nothing if it has none, which [`apply`] tells.
pub(crate) fn split(set: &str) -> Option<(&str, &str)> {
    let (parts, value_at) = path(set, 0, &mut Problems::new(&[set]))?;
    let end = parts.last()?.at.end as usize;
    Some((set.get(..end)?.trim(), set.get(value_at..)?))
}

/// Takes a path apart; also where the value begins.
fn path(set: &str, src: u16, p: &mut Problems) -> Option<(Vec<Part>, usize)> {
    let whole = Mark { src, start: 0, end: set.len() as u32 };
    let mark = |start: usize, end: usize| Mark { src, start: start as u32, end: end as u32 };
    let mut parts: Vec<Part> = Vec::new();
    let mut i = 0;
    let end = loop {
        let rest = &set[i..];
        let Some(first) = rest.chars().next() else {
            p.error("E050", whole, text!("problem-set-without-equals"))
                .label(text!("problem-no-value"))
                .help(text!("problem-write-path-value"));
            return None;
        };
        match first {
            '=' => break i,
            '[' => {
                let close = rest.find(']').map(|c| i + c);
                let number = close.and_then(|c| set[i + 1..c].parse::<usize>().ok());
                let (Some(close), Some(number)) = (close, number) else {
                    p.error("E050", mark(i, i + 1), text!("problem-place-in-list-number-in"))
                        .label(text!("problem-here"))
                        .help(text!("problem-write-for-example", example = "traffic[0].every=1ms"));
                    return None;
                };
                parts.push(Part { step: Step::Index(number), at: mark(i, close + 1) });
                i = close + 1;
            }
            '"' | '\'' => {
                let Some(close) = rest[1..].find(first).map(|c| i + 1 + c) else {
                    p.error("E050", mark(i, i + 1), text!("problem-quote-never-closed"))
                        .label(text!("problem-opened-here"))
                        .help(text!("problem-close-before-equals"));
                    return None;
                };
                parts.push(Part { step: Step::Key(set[i + 1..close].to_string()), at: mark(i, close + 1) });
                i = close + 1;
            }
            _ => {
                let stop = rest.find(['.', '[', '=']).map_or(set.len(), |c| i + c);
                let key = set[i..stop].trim();
                if key.is_empty() {
                    p.error("E050", mark(i, i + 1), text!("problem-key-missing-in-path"))
                        .label(text!("problem-before-this"))
                        .help(text!("problem-write-for-example", example = "traffic.web.connections=5"));
                    return None;
                }
                parts.push(Part { step: Step::Key(key.to_string()), at: mark(i, stop) });
                i = stop;
            }
        }
        // Between two keys stands one dot; before a bracket none.
        match set[i..].chars().next() {
            Some('.') => i += 1,
            Some('[' | '=') | None => {}
            Some(c) => {
                p.error("E050", mark(i, i + c.len_utf8()), text!("problem-dot-missing-in-path"))
                    .label(text!("problem-before-this"))
                    .help(text!("problem-put-dot-between-two-keys"));
                return None;
            }
        }
    };
    if parts.is_empty() {
        p.error("E050", whole, text!("problem-set-without-path"))
            .label(text!("problem-nothing-before-equals"))
            .help(text!("problem-write-for-example", example = "seed=3"));
        return None;
    }
    // The names of sysctls have dots of their own.
    if let [Part { step: Step::Key(a), .. }, _, Part { step: Step::Key(b), .. }, first, .., last] = parts.as_slice()
        && a == "nodes"
        && b == "sysctl"
    {
        let (start, stop) = (first.at.start, last.at.end);
        let key = set[start as usize..stop as usize].to_string();
        parts.truncate(3);
        parts.push(Part { step: Step::Key(key), at: Mark { src, start, end: stop } });
    }
    Some((parts, end + 1))
}

/// The value, read as YAML; nothing is the empty text.
fn value<'a>(set: &'a str, from: usize, src: u16, p: &mut Problems) -> Option<Node<'a>> {
    let text = &set[from..];
    let at = Mark { src, start: from as u32, end: set.len() as u32 };
    if text.trim().is_empty() {
        return Some(Node { at, kind: Kind::Scalar(Cow::Borrowed(""), Style::Quoted) });
    }
    // A plain word needs no YAML; it may hold what YAML would want quoted.
    let plain = !text.starts_with(['{', '[', '"', '\'', '&', '*', '!', '|', '>', '%', '@', '`', '#', '-', '?'])
        && !text.contains([':', '#', '\n']);
    let address = text.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'/'));
    if plain || address {
        return Some(Node { at, kind: Kind::Scalar(Cow::Borrowed(text), Style::Plain) });
    }
    let node = tree::parse(text, src, from as u32, p);
    if node.is_none() && !p.any() {
        p.error("E050", at, text!("problem-set-without-value"))
            .label(text!("problem-nothing-counts"))
            .help(text!("problem-put-text-in-quotes"));
    }
    node
}

/// Goes one step down.
fn step<'n, 'a>(
    here: &'n mut Node<'a>,
    part: &Part,
    done: &str,
    last: bool,
    src: u16,
    p: &mut Problems,
) -> Option<&'n mut Node<'a>> {
    let place =
        if done.is_empty() { text!("problem-place-file") } else { text!("problem-place-path", path = quote(done)) };
    if here.is_null() && matches!(part.step, Step::Key(_)) {
        here.kind = Kind::Map(Vec::new());
    }
    let what = here.what();
    match (&part.step, &mut here.kind) {
        (Step::Index(n), Kind::Seq(items)) => {
            let length = items.len();
            if *n >= length {
                p.error("E051", part.at, text!("problem-has-no-item", place, item = n))
                    .label(text!("problem-has-counted-from-0", length))
                    .help(text!("problem-set-changes-what-file-has"));
                return None;
            }
            items.get_mut(*n)
        }
        (Step::Key(key), Kind::Seq(items)) => {
            let by_name = items.iter().position(|item| item.get("name").and_then(Node::text) == Some(key.as_str()));
            let found = by_name.or_else(|| key.parse().ok().filter(|&n: &usize| n < items.len()));
            if found.is_none() {
                let names: Vec<String> =
                    items.iter().filter_map(|i| i.get("name")?.text().map(str::to_string)).collect();
                let similar = p.similar(key, names.iter().map(String::as_str));
                p.error("E051", part.at, text!("problem-has-no-item", place, item = quote(key)))
                    .label(text!("problem-no-item-has-name"))
                    .suggest(
                        similar,
                        if names.is_empty() {
                            text!("problem-write-its-place-from-0")
                        } else {
                            text!("problem-the-items-are", names = listed(names.iter().map(String::as_str)))
                        },
                    );
            }
            items.get_mut(found?)
        }
        (Step::Key(key), Kind::Map(entries)) => {
            let found = entries.iter().position(|(k, _)| k.text == key.as_str());
            // A typing mistake must not make a new node.
            let closed = done == "nodes" || (done.starts_with("nodes.") && done.ends_with(".interfaces"));
            if found.is_none() && closed {
                let names: Vec<String> = entries.iter().map(|(k, _)| k.text.to_string()).collect();
                let similar = p.similar(key, names.iter().map(String::as_str));
                p.error("E051", part.at, text!("problem-place-has-no", place, key = quote(key)))
                    .label(text!("problem-set-adds-none"))
                    .suggest(similar, text!("problem-there-is", names = listed(names.iter().map(String::as_str))));
                return None;
            }
            let i = match found {
                Some(i) => i,
                None => {
                    let kind =
                        if last { Kind::Scalar(Cow::Borrowed("~"), Style::Plain) } else { Kind::Map(Vec::new()) };
                    let at = Mark { src, ..part.at };
                    entries.push((Key { at, text: Cow::Owned(key.clone()) }, Node { at, kind }));
                    entries.len() - 1
                }
            };
            entries.get_mut(i).map(|(_, node)| node)
        }
        _ => {
            p.error("E051", part.at, text!("problem-place-is-and-has-no-part", place, what))
                .label(text!("problem-cannot-go-down-here"))
                .help(text!("problem-path-ends-at-single-value"));
            None
        }
    }
}
