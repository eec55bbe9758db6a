//! Where things stand in the file: values by their keys, and pieces of lines.
//!
//! What `--set` changed has no place in the file; the place of the key that it changes is told.

use crate::scenario::problem::{Place, Problems};
use crate::scenario::tree::{self, Kind, Mark, Node};

/// The file's text with its tree of values.
#[derive(Debug)]
pub struct Places<'s> {
    text: &'s str,
    lines: Vec<usize>,
    root: Option<Node<'s>>,
}

impl<'s> Places<'s> {
    /// Reads a text that was read without a problem before.
    pub fn new(text: &'s str) -> Places<'s> {
        let root = tree::parse(text, 0, 0, &mut Problems::new(&[text]));
        let ends = text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i + 1);
        Places { text, lines: std::iter::once(0).chain(ends).collect(), root }
    }

    /// The place of a value, or of the nearest value around it that there is.
    pub fn value(&self, keys: &[&str]) -> Place {
        let mut at = Mark::default();
        let mut node = self.root.as_ref();
        for key in keys {
            let Some((mark, next)) = node.and_then(|n| entry(n, key)) else { break };
            at = match &next.kind {
                Kind::Scalar(..) => next.at,
                Kind::Seq(_) | Kind::Map(_) => mark,
            };
            node = Some(next);
        }
        self.span(at.start as usize, at.end as usize)
    }

    /// A line of the file, from 1.
    pub fn line(&self, n: u32) -> &'s str {
        let start = self.lines.get((n as usize).saturating_sub(1)).copied().unwrap_or(self.text.len());
        self.text[start..].lines().next().unwrap_or("")
    }

    /// A piece of a line: bytes `from..to` of it.
    pub fn piece(&self, n: u32, from: usize, to: usize) -> Place {
        let start = self.lines.get((n as usize).saturating_sub(1)).copied().unwrap_or(self.text.len());
        self.span(start + from, start + to)
    }

    fn span(&self, start: usize, end: usize) -> Place {
        let start = start.min(self.text.len());
        let line = self.lines.partition_point(|&s| s <= start).max(1);
        let begin = self.lines[line - 1];
        let before = self.text.get(begin..start).unwrap_or("");
        let rest = self.text.get(start..end.max(start).min(self.text.len())).unwrap_or("");
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let column = before.chars().filter(|&c| c != '\u{feff}').count() as u32 + 1;
        Place { set: None, line: line as u32, column, start, end: start + length }
    }
}

fn entry<'a, 's>(node: &'a Node<'s>, key: &str) -> Option<(Mark, &'a Node<'s>)> {
    let Kind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|(k, _)| k.text == key).map(|(k, v)| (k.at, v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_keys_or_what_is_around_it() {
        let text = "nodes:\n  rs1:\n    kind: host\n    interfaces:\n      eth0: { address: 10.0.0.1/24 }\n";
        let places = Places::new(text);
        let shown = |keys: &[&str]| {
            let place = places.value(keys);
            (place.line, place.column, &text[place.start..place.end])
        };
        assert_eq!(shown(&["nodes", "rs1", "interfaces", "eth0", "address"]), (5, 24, "10.0.0.1/24"));
        assert_eq!(shown(&["nodes", "rs1"]), (2, 3, "rs1"));
        assert_eq!(shown(&["nodes", "rs1", "gateway"]), (2, 3, "rs1"));
        assert_eq!(places.line(3), "    kind: host");
    }
}
