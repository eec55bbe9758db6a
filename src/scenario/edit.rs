//! A key of the file gets another value, in the file's own text: everything else stays as its author wrote it.
//!
//! The same change as by `--set` (`set.rs`), but of the text: lines that are not meant keep their comments and their
//! order. A path is a row of keys; an item of a list is named by its place from 0. What is repeated by an alias or a merge
//! key is changed where it was written, for all who repeat it; so whoever edits has to read the result.

use super::problem::Problems;
use super::tree::{self, Kind, Node, Style};

/// What a key becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A value as it stands on one line: `0`, `{ up: true }`, `[tcp/80]`.
    Flow(String),
    /// Lines that are typed.
    Script(String),
}

impl Value {
    /// On one line, as `--set` and a map in braces take it.
    pub fn flow(&self) -> String {
        match self {
            Value::Flow(text) => text.clone(),
            Value::Script(text) => quoted(text),
        }
    }
}

/// A text in double quotes, as YAML reads it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text with another value at the path; missing keys are added. None if there is no such place.
pub fn edit(text: &str, path: &[String], value: &Value) -> Option<String> {
    let mut problems = Problems::new(&[text]);
    let root = tree::parse(text, 0, 0, &mut problems)?;
    let mut here = &root;
    for (i, step) in path.iter().enumerate() {
        let last = i + 1 == path.len();
        match &here.kind {
            Kind::Seq(items) => here = items.get(step.parse::<usize>().ok()?)?,
            Kind::Map(entries) => {
                let Some((key, node)) = entries.iter().find(|(k, _)| k.text == step.as_str()) else {
                    let rest = path[i + 1..]
                        .iter()
                        .rev()
                        .fold(value.clone(), |v, key| Value::Flow(format!("{{ {}: {} }}", word(key), v.flow())));
                    return add(text, here, step, &rest);
                };
                if last {
                    return replace(text, here, key.at.start as usize, node, value);
                }
                here = node;
            }
            Kind::Scalar(..) => return None,
        }
    }
    None
}

/// Without the item of a list that stands on lines of its own, or without a key's lines.
pub fn remove(text: &str, path: &[String]) -> Option<String> {
    let mut problems = Problems::new(&[text]);
    let root = tree::parse(text, 0, 0, &mut problems)?;
    let mut here = &root;
    for (i, step) in path.iter().enumerate() {
        let last = i + 1 == path.len();
        let (start, node) = match &here.kind {
            Kind::Seq(items) => {
                let item = items.get(step.parse::<usize>().ok()?)?;
                let dash = text.get(..item.at.start as usize)?.rfind('-')?;
                (dash, item)
            }
            Kind::Map(entries) => {
                let (key, node) = entries.iter().find(|(k, _)| k.text == step.as_str())?;
                (key.at.start as usize, node)
            }
            Kind::Scalar(..) => return None,
        };
        if last {
            if braces(text, here) {
                // With the comma that follows, or else the one before.
                let end = node.at.end as usize;
                let after = text.get(end..)?.trim_start();
                return Some(match after.strip_prefix(',') {
                    Some(rest) => format!("{}{}", text.get(..start)?, rest.trim_start()),
                    None => format!("{}{}", text.get(..start)?.trim_end().trim_end_matches(','), text.get(end..)?),
                });
            }
            let (from, to) = (line_start(text, start), region_end(text, start));
            return Some(format!("{}{}", text.get(..from)?, text.get(to..)?));
        }
        here = node;
    }
    None
}

fn word(key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if plain { key.to_string() } else { quoted(key) }
}

/// Whether a map or list is written in braces.
fn braces(text: &str, node: &Node<'_>) -> bool {
    matches!(text.as_bytes().get(node.at.start as usize), Some(b'{' | b'['))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// Columns before a place of a line.
fn indent(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// Where the lines of the entry end that begins at `start`: before the next line that is not indented deeper. Empty lines
/// and comments at its end belong to what follows.
fn region_end(text: &str, start: usize) -> usize {
    let own = indent(text, start);
    let mut end = text[start..].find('\n').map_or(text.len(), |i| start + i + 1);
    let mut at = end;
    while at < text.len() {
        let next = text[at..].find('\n').map_or(text.len(), |i| at + i + 1);
        let line = &text[at..next];
        let depth = line.len() - line.trim_start_matches(' ').len();
        let blank = line.trim().is_empty();
        // A list may stand as deep as its key.
        let item = depth == own && line.trim_start().starts_with("- ") && !text[start..].starts_with('-');
        if !blank && depth <= own && !item {
            break;
        }
        at = next;
        if !blank && (depth > own || item) {
            end = next;
        }
    }
    end
}

/// A new key at the end of a map.
fn add(text: &str, map: &Node<'_>, key: &str, value: &Value) -> Option<String> {
    let Kind::Map(entries) = &map.kind else { return None };
    if braces(text, map) {
        let close = (map.at.end as usize).checked_sub(1).filter(|i| text.as_bytes().get(*i) == Some(&b'}'))?;
        let before = text.get(..close)?.trim_end();
        let comma = if entries.is_empty() { "" } else { "," };
        return Some(format!("{before}{comma} {}: {} {}", word(key), value.flow(), text.get(close..)?));
    }
    let last = entries.iter().map(|(k, _)| k.at.start as usize).max()?;
    let (depth, end) = (indent(text, entries.first()?.0.at.start as usize), region_end(text, last));
    let (head, tail) = (text.get(..end)?, text.get(end..)?);
    let newline = if head.ends_with('\n') { "" } else { "\n" };
    Some(format!("{head}{newline}{}{tail}", lines(depth, key, value)))
}

/// `key: value` on lines of its own.
fn lines(depth: usize, key: &str, value: &Value) -> String {
    let pad = " ".repeat(depth);
    match value {
        Value::Flow(text) => format!("{pad}{}: {text}\n", word(key)),
        Value::Script(script) => {
            let mut out = format!("{pad}{}: |\n", word(key));
            for line in script.trim_end().lines() {
                match line.is_empty() {
                    true => out.push('\n'),
                    false => out.push_str(&format!("{pad}  {line}\n")),
                }
            }
            out
        }
    }
}

fn replace(text: &str, parent: &Node<'_>, key: usize, old: &Node<'_>, value: &Value) -> Option<String> {
    let (from, to) = (old.at.start as usize, old.at.end as usize);
    let one_line = matches!(&old.kind, Kind::Scalar(_, Style::Plain | Style::Quoted)) || braces(text, old);
    let in_braces = braces(text, parent);
    if one_line && (in_braces || matches!(value, Value::Flow(_))) {
        let flow = value.flow();
        return Some(format!("{}{flow}{}", text.get(..from)?, text.get(to..)?));
    }
    if in_braces {
        return None;
    }
    let end = region_end(text, key);
    let name = text.get(key..)?.split(':').next()?.trim().to_string();
    let whole = lines(indent(text, key), &name, value);
    // The key may stand behind the dash of a list.
    Some(format!("{}{}{}", text.get(..key)?, whole.trim_start_matches(' '), text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
lvsim: 1
nodes:
  lan: { kind: switch }

  rs1: # the first
    kind: real-server
    interfaces:
      eth0: { to: lan, address: 10.0.0.11/24 } # a card
    gateway: 10.0.0.1
    # why
    run: |
      one
      two

  rs2:
    kind: real-server
    run: one

timeline:
  - { at: 1s, node: rs1, run: one }
  - at: 2s
    node: rs1
    run: two
";

    fn path(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_string).collect()
    }

    /// The lines that went and those that came.
    fn changed(words: &str, value: &Value) -> (Vec<String>, Vec<String>) {
        let new = edit(FILE, &path(words), value).unwrap_or_else(|| panic!("{words} is a place"));
        let only = |a: &str, b: &str| {
            a.lines().filter(|l| !b.lines().any(|x| x == *l)).map(str::to_string).collect::<Vec<_>>()
        };
        (only(FILE, &new), only(&new, FILE))
    }

    fn flow(text: &str) -> Value {
        Value::Flow(text.into())
    }

    #[test]
    fn a_value_is_replaced_and_its_comment_stays() {
        let (old, new) = changed("nodes rs1 interfaces eth0 address", &flow("10.0.0.11/25"));
        assert_eq!(old, ["      eth0: { to: lan, address: 10.0.0.11/24 } # a card"]);
        assert_eq!(new, ["      eth0: { to: lan, address: 10.0.0.11/25 } # a card"]);
        assert_eq!(changed("nodes rs1 gateway", &flow("10.0.0.2")).1, ["    gateway: 10.0.0.2"]);
    }

    #[test]
    fn a_missing_key_is_added_in_the_way_of_its_map() {
        assert_eq!(
            changed("nodes rs1 interfaces eth0 mtu", &flow("1480")).1[0],
            "      eth0: { to: lan, address: 10.0.0.11/24, mtu: 1480 } # a card"
        );
        let (old, new) = changed("nodes rs1 sysctl net.ipv4.ip_forward", &flow("1"));
        assert_eq!((old.len(), new), (0, vec!["    sysctl: { net.ipv4.ip_forward: 1 }".to_string()]));
    }

    #[test]
    fn typed_lines_are_replaced_in_a_block_beside_a_key_and_in_braces() {
        let three = Value::Script("one\ntwo\nthree".into());
        assert_eq!(changed("nodes rs1 run", &three), (vec![], vec!["      three".to_string()]));
        let (old, new) = changed("nodes rs2 run", &three);
        assert_eq!((old, new.len()), (vec!["    run: one".to_string()], 1));
        assert_eq!(changed("timeline 0 run", &three).1, ["  - { at: 1s, node: rs1, run: \"one\\ntwo\\nthree\" }"]);
        assert!(edit(FILE, &path("timeline 1 run"), &three).is_some_and(|t| t.contains("    run: |\n      one\n")));
    }

    #[test]
    fn an_item_and_a_key_go_with_their_lines() {
        let gone = remove(FILE, &path("timeline 1")).expect("an item");
        assert!(gone.ends_with("timeline:\n  - { at: 1s, node: rs1, run: one }\n"));
        let gone = remove(FILE, &path("nodes rs1 run")).expect("a key");
        assert!(gone.contains("    # why\n\n  rs2:"));
        let gone = remove(FILE, &path("timeline 0 run")).expect("a key in braces");
        assert!(gone.contains("  - { at: 1s, node: rs1 }"), "{gone}");
    }
}
