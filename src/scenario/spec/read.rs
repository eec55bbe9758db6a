//! Readers of maps and lists that tell every mistake and go on.

use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::spec::Spot;
use crate::scenario::tree::{Key, Kind, Mark, Node};

/// A map that is being read: keys that nobody asked for are told at the end, with the keys that were asked for.
pub(crate) struct Fields<'t, 'a> {
    what: &'static str,
    at: Mark,
    entries: &'t [(Key<'a>, Node<'a>)],
    used: Vec<bool>,
    valid: Vec<&'static str>,
}

impl<'t, 'a> Fields<'t, 'a> {
    /// `what` is the thing that the map describes, such as "a node"; `example` is such a map.
    pub fn new(node: &'t Node<'a>, what: &'static str, example: &str, p: &mut Problems) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            wrong(node, "a map", example, p);
            return None;
        };
        Some(Fields { what, at: node.at, entries, used: vec![false; entries.len()], valid: Vec::new() })
    }

    /// A map of no keys, of a thing for which nothing was written.
    pub fn nothing(what: &'static str, at: Mark) -> Self {
        Fields { what, at, entries: &[], used: Vec::new(), valid: Vec::new() }
    }

    /// Where the map begins.
    pub fn at(&self) -> Mark {
        self.at
    }

    /// The entry of `key`, which thereby is a valid key.
    pub fn get(&mut self, key: &'static str) -> Option<(&'t Key<'a>, &'t Node<'a>)> {
        if !self.valid.contains(&key) {
            self.valid.push(key);
        }
        let i = self.entries.iter().position(|(k, _)| k.text == key)?;
        self.used[i] = true;
        let (k, v) = &self.entries[i];
        Some((k, v))
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

    /// The value of `key`, if it is there and can be read.
    pub fn opt<T>(
        &mut self,
        key: &'static str,
        p: &mut Problems,
        read: impl FnOnce(&'t Node<'a>, &mut Problems) -> Option<T>,
    ) -> Option<Spot<T>> {
        let (k, node) = self.get(key)?;
        if node.is_null() {
            p.error("E016", k.at, format!("`{key}` has no value"))
                .label("nothing after the colon")
                .help(format!("write a value, or remove `{key}`"));
            return None;
        }
        read(node, p).map(|v| Spot { v, at: node.at })
    }

    /// As [`opt`](Self::opt); that the key is missing is told with `remedy`.
    pub fn need<T>(
        &mut self,
        key: &'static str,
        remedy: &str,
        p: &mut Problems,
        read: impl FnOnce(&'t Node<'a>, &mut Problems) -> Option<T>,
    ) -> Option<Spot<T>> {
        if self.get(key).is_none() {
            self.missing(key, remedy, p);
            return None;
        }
        self.opt(key, p, read)
    }

    /// The map under `key`; nothing if it is not there or empty.
    pub fn map(&mut self, key: &'static str, example: &str, p: &mut Problems) -> Option<Fields<'t, 'a>> {
        let (_, node) = self.get(key)?;
        if node.is_null() { None } else { Fields::new(node, key, example, p) }
    }

    /// The map under `key`, which must not be empty of all.
    pub fn need_map(&mut self, key: &'static str, example: &str, p: &mut Problems) -> Option<Fields<'t, 'a>> {
        let (_, node) = self.get(key)?;
        Fields::new(node, key, example, p)
    }

    /// Tells that a key is missing.
    pub fn missing(&self, key: &str, remedy: &str, p: &mut Problems) {
        p.error("E015", self.at, format!("{} needs `{key}`", self.what)).label(format!("no `{key}` here")).help(remedy);
    }

    /// Tells the keys that nobody asked for.
    pub fn finish(self, p: &mut Problems) {
        for ((key, value), used) in self.entries.iter().zip(&self.used) {
            if *used || (self.what == "a scenario" && key.text.starts_with("x-")) {
                continue;
            }
            let similar = p.similar(&key.text, self.valid.iter().copied());
            let problem = p.error("E014", key.at, format!("{} has no key {}", self.what, quote(&key.text)));
            let glued = key.text.split_once(':').filter(|(k, _)| value.is_null() && self.valid.contains(k));
            match glued {
                Some((k, rest)) => problem
                    .label("no space after the colon")
                    .help(format!("write `{k}: {}`", quote(rest).trim_matches('`'))),
                None => problem
                    .label("unknown key")
                    .suggest(similar, format!("the keys are {}", listed(self.valid.iter().copied()))),
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
            wrong(node, &format!("the list `{key}`"), example, p);
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

/// Tells a value of the wrong kind.
pub(crate) fn wrong(node: &Node<'_>, wanted: &str, example: &str, p: &mut Problems) {
    let glued = node.text().and_then(|t| t.split_once(':')).filter(|(k, v)| {
        !k.is_empty()
            && k.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !v.starts_with(' ')
            && !v.is_empty()
    });
    let help = match (&node.kind, glued) {
        (Kind::Seq(_), _) if wanted.contains("map") => format!("write keys without dashes: `{example}`"),
        (Kind::Scalar(..), Some((k, v))) if wanted.contains("map") => {
            format!("a space after the colon makes it a map: `{k}: {}`", quote(v).trim_matches('`'))
        }
        _ => format!("write for example `{example}`"),
    };
    p.error("E016", node.at, format!("{} where {wanted} is wanted", node.what()))
        .label(format!("this is {}", node.what()))
        .help(help);
}
