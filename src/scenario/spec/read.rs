//! Readers of maps and lists that tell every mistake and go on.

use crate::lang::Text;
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::spec::Spot;
use crate::scenario::spec::table::{Element, Field, Row};
use crate::scenario::tree::{Key, Kind, Mark, Node};
use crate::text;

/// A map that is being read: keys that nobody asked for are told at the end, with the keys that were asked for.
pub(crate) struct Fields<'t, 'a> {
    element: &'static Element,
    what: fn() -> Text,
    at: Mark,
    entries: &'t [(Key<'a>, Node<'a>)],
    used: Vec<bool>,
    valid: Vec<&'static str>,
}

impl<'t, 'a> Fields<'t, 'a> {
    /// Begins to read the map of an element.
    pub fn new(node: &'t Node<'a>, element: &'static Element, p: &mut Problems) -> Option<Self> {
        Fields::of(node, element, element.what, p)
    }

    /// The same, where the thing is called otherwise.
    pub fn of(node: &'t Node<'a>, element: &'static Element, what: fn() -> Text, p: &mut Problems) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            no_map(node, text!("problem-want-map"), element.example, p);
            return None;
        };
        Some(Fields { element, what, at: node.at, entries, used: vec![false; entries.len()], valid: Vec::new() })
    }

    /// A map of no keys, of a thing for which nothing was written.
    pub fn nothing(element: &'static Element, at: Mark) -> Self {
        Fields { element, what: element.what, at, entries: &[], used: Vec::new(), valid: Vec::new() }
    }

    /// Where the map begins.
    pub fn at(&self) -> Mark {
        self.at
    }

    /// The entry of `key`, which thereby is a valid key. It must have a row in the element's table.
    pub fn get(&mut self, key: &'static str) -> Option<(&'t Key<'a>, &'t Node<'a>)> {
        debug_assert!(self.element.has(key), "`{key}` is read, and {} has no row for it", self.element.name);
        if !self.valid.contains(&key) {
            self.valid.push(key);
        }
        let i = self.entries.iter().position(|(k, _)| k.text == key)?;
        self.used[i] = true;
        let (k, v) = &self.entries[i];
        Some((k, v))
    }

    /// Those of `keys` that are there, in the order of the file.
    pub fn present(&mut self, keys: &[&'static str]) -> Vec<(Mark, &'static str)> {
        let mut there: Vec<(Mark, &'static str)> =
            keys.iter().filter_map(|&key| self.get(key).map(|(k, _)| (k.at, key))).collect();
        there.sort_unstable();
        there
    }

    /// Where `key` stands, if it does; it counts as read, but not as valid.
    pub fn refuse(&mut self, key: &str) -> Option<Mark> {
        let i = self.entries.iter().position(|(k, _)| k.text == key)?;
        self.used[i] = true;
        Some(self.entries[i].0.at)
    }

    /// Whether there are keys that nobody asked for.
    pub fn unread(&self) -> bool {
        self.used.contains(&false)
    }

    /// The value of a field, if it is there and can be read.
    pub fn opt<T>(&mut self, field: &'static Field<T>, p: &mut Problems) -> Option<Spot<T>> {
        self.read(&field.row, p, |node, p| (field.read)(node, p))
    }

    /// The value of `row`, read by hand.
    pub fn read<T>(
        &mut self,
        row: &'static Row,
        p: &mut Problems,
        read: impl FnOnce(&'t Node<'a>, &mut Problems) -> Option<T>,
    ) -> Option<Spot<T>> {
        let key = row.key;
        let (k, node) = self.get(key)?;
        if node.is_null() {
            p.error("E016", k.at, text!("problem-has-no-value", key))
                .label(text!("problem-nothing-after-colon"))
                .help(text!("problem-write-value-or-remove", key));
            return None;
        }
        read(node, p).map(|v| Spot { v, at: node.at })
    }

    /// As [`opt`](Self::opt); that the key is missing is told with the field's remedy.
    pub fn need<T>(&mut self, field: &'static Field<T>, p: &mut Problems) -> Option<Spot<T>> {
        if self.get(field.row.key).is_none() {
            self.missing(&field.row, p);
            return None;
        }
        self.opt(field, p)
    }

    /// The map under a key; nothing if it is not there or empty.
    pub fn map(&mut self, row: &'static Row, element: &'static Element, p: &mut Problems) -> Option<Fields<'t, 'a>> {
        let (_, node) = self.get(row.key)?;
        if node.is_null() { None } else { Fields::new(node, element, p) }
    }

    /// The map under a key, which must not be empty of all; `example` shows one to who wrote something else.
    pub fn need_map(
        &mut self,
        row: &'static Row,
        element: &'static Element,
        example: &str,
        p: &mut Problems,
    ) -> Option<Fields<'t, 'a>> {
        let (_, node) = self.get(row.key)?;
        if !matches!(node.kind, Kind::Map(_)) {
            no_map(node, text!("problem-want-map"), example, p);
            return None;
        }
        Fields::new(node, element, p)
    }

    /// Tells that a row's key is missing.
    pub fn missing(&self, row: &Row, p: &mut Problems) {
        debug_assert!(row.need.is_some(), "{} needs no `{}`", self.element.name, row.key);
        self.lacks(row.key, row.need.map_or_else(Text::none, |remedy| remedy()), p);
    }

    /// Tells that a key is missing, one of several perhaps.
    pub fn lacks(&self, key: &str, remedy: Text, p: &mut Problems) {
        p.error("E015", self.at, text!("problem-needs", what = (self.what)(), key))
            .label(text!("problem-no-key-here", key))
            .help(remedy);
    }

    /// Tells the keys that nobody asked for.
    pub fn finish(self, p: &mut Problems) {
        for ((key, value), used) in self.entries.iter().zip(&self.used) {
            if *used || self.element.free.is_some_and(|begin| key.text.starts_with(begin)) {
                continue;
            }
            let similar = p.similar(&key.text, self.valid.iter().copied());
            let problem =
                p.error("E014", key.at, text!("problem-has-no-key", what = (self.what)(), key = quote(&key.text)));
            let glued = key.text.split_once(':').filter(|(k, _)| value.is_null() && self.valid.contains(k));
            match glued {
                Some((k, rest)) => problem.label(text!("problem-no-space-after-colon")).help(text!(
                    "problem-write-key-value",
                    key = k,
                    value = quote(rest).trim_matches('`')
                )),
                None => problem
                    .label(text!("problem-unknown-key"))
                    .suggest(similar, text!("problem-the-keys-are", names = listed(self.valid.iter().copied()))),
            };
        }
    }
}

/// The items of a list; one value alone is refused with an example. Nothing written is an empty list.
pub(crate) fn items<'t, 'a>(node: &'t Node<'a>, key: &str, example: &str, p: &mut Problems) -> &'t [Node<'a>] {
    match &node.kind {
        _ if node.is_null() => &[],
        Kind::Seq(items) => items,
        _ => {
            wrong(node, text!("problem-want-list-of-key", key), example, p);
            &[]
        }
    }
}

/// The items of a list; one value stands for a list of one.
pub(crate) fn one_or_more<'t, 'a>(node: &'t Node<'a>) -> &'t [Node<'a>] {
    match &node.kind {
        _ if node.is_null() => &[],
        Kind::Seq(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Tells a value of the wrong kind, where no map is wanted.
pub(crate) fn wrong(node: &Node<'_>, wanted: Text, example: &str, p: &mut Problems) {
    wrong_kind(node, wanted, example, false, p);
}

/// Tells what is no map where one is wanted.
pub(crate) fn no_map(node: &Node<'_>, wanted: Text, example: &str, p: &mut Problems) {
    wrong_kind(node, wanted, example, true, p);
}

fn wrong_kind(node: &Node<'_>, wanted: Text, example: &str, map: bool, p: &mut Problems) {
    let glued = node.text().and_then(|t| t.split_once(':')).filter(|(k, v)| {
        !k.is_empty()
            && k.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !v.starts_with(' ')
            && !v.is_empty()
    });
    let help = match (&node.kind, glued) {
        (Kind::Seq(_), _) if map => text!("problem-write-keys-without-dashes", example),
        (Kind::Scalar(..), Some((k, v))) if map => {
            text!("problem-space-after-colon-makes-map", key = k, value = quote(v).trim_matches('`'))
        }
        _ => text!("problem-write-for-example", example),
    };
    p.error("E016", node.at, text!("problem-kind-where-wanted", what = node.what(), wanted))
        .label(text!("problem-this-is-kind", what = node.what()))
        .help(help);
}
