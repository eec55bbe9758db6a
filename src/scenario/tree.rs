//! The file as a tree of values that know their place: YAML 1.2, read from the parser's events.
//!
//! The parser is that of serde-saphyr. The tree is ours because every mistake of a file is to be told in one pass, while
//! deserialisation stops at the first. Scalars stay text: what `on`, `10:20` or `0x10` mean is for the reader of the key
//! to say. Aliases and merge keys (`<<`) are expanded here, under the limits of [`limits`](crate::scenario::limits).

use crate::lang::Text;
use crate::scenario::limits::{MAX_ALIASED, MAX_DEPTH, MAX_VALUES};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::syntax::explain;
use crate::text;
use serde_yaml::granit_parser::{self as granit, ErrorKind, Event, ScalarStyle, StructureStyle};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A piece of a text: bytes `start..end` of source `src` (0: the file; n: the n-th `--set`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub src: u16,
    pub start: u32,
    pub end: u32,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub at: Mark,
    pub kind: Kind<'a>,
}

/// The three kinds of values.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    Scalar(Cow<'a, str>, Style),
    Seq(Vec<Node<'a>>),
    Map(Vec<(Key<'a>, Node<'a>)>),
}

/// How a scalar was written: only what matters to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    /// `|` or `>`.
    Block,
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    pub at: Mark,
    pub text: Cow<'a, str>,
}

impl<'a> Node<'a> {
    /// Nothing was written: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(t, Style::Plain) if matches!(t.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What kind of value it is, for people.
    pub fn what(&self) -> Text {
        match &self.kind {
            _ if self.is_null() => text!("problem-kind-nothing"),
            Kind::Scalar(..) => text!("problem-kind-value"),
            Kind::Seq(_) => text!("problem-kind-list"),
            Kind::Map(_) => text!("problem-kind-map"),
        }
    }

    /// The value of `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// How many values it holds, itself included, and how deep it goes. Recursion is bounded by `MAX_DEPTH`.
    fn size_and_height(&self) -> (usize, usize) {
        let sum = |(n, h): (usize, usize), child: &Node<'_>| {
            let (cn, ch) = child.size_and_height();
            (n + cn, h.max(ch + 1))
        };
        match &self.kind {
            Kind::Scalar(..) => (1, 0),
            Kind::Seq(items) => items.iter().fold((1, 1), sum),
            Kind::Map(entries) => entries.iter().map(|(_, v)| v).fold((1, 1), sum),
        }
    }
}

/// A list or map that is still open.
struct Frame<'a> {
    at: Mark,
    flow: bool,
    anchor: usize,
    open: Open<'a>,
}

enum Open<'a> {
    Seq(Vec<Node<'a>>),
    Map { entries: Vec<(Key<'a>, Node<'a>)>, key: Waiting<'a> },
}

/// Where a map stands between a key and its value.
enum Waiting<'a> {
    Key,
    Value(Key<'a>),
    /// The key was no text: its value is read and dropped.
    Dropped,
}

struct Builder<'a, 'p> {
    src: u16,
    base: u32,
    text: &'a str,
    stack: Vec<Frame<'a>>,
    anchors: BTreeMap<usize, Node<'a>>,
    root: Option<Node<'a>>,
    values: usize,
    aliased: usize,
    /// Something is missing from the tree: what is read from it would tell consequences.
    torn: bool,
    /// Where the last event ended.
    last: u32,
    problems: &'p mut Problems,
}

/// Reads `text`, which stands at byte `base` of source `src`, into a tree. `None` if it cannot be read (the reason is among
/// the problems then) or holds nothing.
pub(crate) fn parse<'a>(text: &'a str, src: u16, base: u32, problems: &mut Problems) -> Option<Node<'a>> {
    let options = granit::options! { emit_unresolved_aliases: true, emit_comments: false };
    let mut parser = granit::Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        src,
        base,
        text,
        stack: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        values: 0,
        aliased: 0,
        torn: false,
        last: base,
        problems,
    };
    let mut documents = 0;
    loop {
        match parser.next_event() {
            None => break,
            Some(Err(error)) => {
                builder.syntax(&error);
                return None;
            }
            Some(Ok((Event::DocumentStart(..), span))) => {
                documents += 1;
                if documents == 2 {
                    let at = builder.mark(&span);
                    builder
                        .problems
                        .error("E010", at, text!("problem-second-document-in-file"))
                        .label(text!("problem-begins-here"))
                        .help(text!("problem-one-file-one-experiment-remove"));
                    return None;
                }
            }
            Some(Ok((event, span))) => builder.event(event, &span)?,
        }
    }
    if builder.torn { None } else { builder.root }
}

impl<'a> Builder<'a, '_> {
    fn mark(&self, span: &granit::Span) -> Mark {
        let start = self.byte(&span.start);
        Mark { src: self.src, start, end: self.byte(&span.end).max(start) }
    }

    /// A position of the parser as a byte offset, on a character boundary.
    fn byte(&self, marker: &granit::Marker) -> u32 {
        let mut at = match marker.byte_offset() {
            Some(byte) => byte.min(self.text.len()),
            None => self.text.char_indices().nth(marker.index()).map_or(self.text.len(), |(i, _)| i),
        };
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at as u32 + self.base
    }

    /// Takes one event in. `None`: a limit was reached, and told.
    fn event(&mut self, event: Event<'a>, span: &granit::Span) -> Option<()> {
        let at = self.mark(span);
        self.last = self.last.max(at.end);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(at, 1)?;
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    _ => Style::Quoted,
                };
                self.tag(tag.as_deref(), at);
                let node = Node { at, kind: Kind::Scalar(text, style) };
                self.anchor(anchor, &node)?;
                self.put(node);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), at);
                self.open(at, style, anchor, Open::Seq(Vec::new()))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), at);
                self.open(at, style, anchor, Open::Map { entries: Vec::new(), key: Waiting::Key })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at)?,
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    self.problems
                        .error("E061", at, text!("problem-holds-itself", alias = quote(self.slice(at))))
                        .label(text!("problem-alias-stands-inside-its-own"))
                        .help(text!("problem-write-value-out"));
                    return None;
                };
                let (size, height) = node.size_and_height();
                let node = node.clone();
                self.repeat(at, size, height)?;
                self.put(node);
            }
            Event::UnresolvedAlias(name) => {
                let title = text!("problem-no-anchor-before-alias", name = quote(&name).trim_matches('`'));
                self.torn = true;
                self.problems
                    .error("E061", at, title)
                    .label(text!("problem-nothing-repeat"))
                    .help(text!("problem-if-no-alias-meant-put"));
                self.put(Node { at, kind: Kind::Scalar(Cow::Borrowed("~"), Style::Plain) });
            }
            _ => {}
        }
        Some(())
    }

    fn slice(&self, at: Mark) -> &'a str {
        let (start, end) = (at.start.saturating_sub(self.base), at.end.saturating_sub(self.base));
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    fn tag(&mut self, tag: Option<&granit::Tag>, at: Mark) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            self.problems
                .error("E013", at, text!("problem-tag-means-nothing-here", tag = quote(&tag.original())))
                .label(text!("problem-this-value"))
                .help(text!("problem-remove-tag-or-put-text"));
        }
    }

    /// Counts values against the limit.
    fn count(&mut self, at: Mark, n: usize) -> Option<()> {
        self.values += n;
        if self.values <= MAX_VALUES {
            return Some(());
        }
        self.problems
            .error("E008", at, text!("problem-file-holds-more-than-values", most = MAX_VALUES))
            .label(text!("problem-reading-ends-here"))
            .help(text!("problem-count-n-on-host-makes"));
        None
    }

    /// Counts values that an alias or a merge repeats, and the depth that they reach.
    fn repeat(&mut self, at: Mark, size: usize, height: usize) -> Option<()> {
        self.count(at, size)?;
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            self.problems
                .error("E008", at, text!("problem-aliases-repeat-more-than-values", most = MAX_ALIASED))
                .label(text!("problem-one-goes-too-far"))
                .help(text!("problem-write-values-out-or-use"));
            return None;
        }
        if self.stack.len() + height > MAX_DEPTH {
            self.too_deep(at);
            return None;
        }
        Some(())
    }

    fn too_deep(&mut self, at: Mark) {
        self.problems
            .error("E009", at, text!("problem-lists-and-maps-nested-more", most = MAX_DEPTH))
            .label(text!("problem-reading-ends-here"))
            .help(text!("problem-scenario-needs-seven-levels-bracket"));
    }

    fn open(&mut self, at: Mark, style: StructureStyle, anchor: usize, open: Open<'a>) -> Option<()> {
        self.count(at, 1)?;
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep(at);
            return None;
        }
        self.stack.push(Frame { at, flow: style == StructureStyle::Flow, anchor, open });
        Some(())
    }

    fn close(&mut self, end: Mark) -> Option<()> {
        let frame = self.stack.pop()?;
        let mut at = frame.at;
        let kind = match frame.open {
            Open::Seq(items) => {
                if !frame.flow {
                    // A block list is pointed at by its first dash.
                    at.end = at.end.max(at.start + 1);
                }
                Kind::Seq(items)
            }
            Open::Map { entries, .. } => {
                if !frame.flow
                    && let Some((first, _)) = entries.first()
                {
                    at = first.at;
                }
                Kind::Map(self.tidy(entries)?)
            }
        };
        if frame.flow {
            at.end = end.end.max(at.end);
        }
        let node = Node { at, kind };
        self.anchor(frame.anchor, &node)?;
        self.put(node);
        Some(())
    }

    fn anchor(&mut self, id: usize, node: &Node<'a>) -> Option<()> {
        if id != 0 {
            let (size, _) = node.size_and_height();
            self.count(node.at, size)?;
            self.anchors.insert(id, node.clone());
        }
        Some(())
    }

    fn put(&mut self, node: Node<'a>) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.open {
            Open::Seq(items) => items.push(node),
            Open::Map { entries, key } => match std::mem::replace(key, Waiting::Key) {
                Waiting::Value(k) => entries.push((k, node)),
                Waiting::Dropped => {}
                Waiting::Key => {
                    let at = node.at;
                    *key = match node.kind {
                        Kind::Scalar(text, _) if !(text == "~" && at.start == at.end) => {
                            Waiting::Value(Key { at, text })
                        }
                        Kind::Scalar(..) => {
                            self.torn = true;
                            self.problems
                                .error("E011", at, text!("problem-value-without-key"))
                                .label(text!("problem-key-missing-before-colon"))
                                .help(text!("problem-write", what = "key: value"));
                            Waiting::Dropped
                        }
                        _ => {
                            self.torn = true;
                            self.problems
                                .error("E011", at, text!("problem-key-must-word-not-list"))
                                .label(text!("problem-stands-where-key-wanted"))
                                .help(text!("problem-text-holds-brackets-or-braces"));
                            Waiting::Dropped
                        }
                    };
                }
            },
        }
    }

    /// Tells keys that stand twice (the first stays), and carries out merges (`<<`): own keys win, earlier maps win.
    fn tidy(&mut self, entries: Vec<(Key<'a>, Node<'a>)>) -> Option<Vec<(Key<'a>, Node<'a>)>> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut twice: Vec<(usize, usize)> = Vec::new();
        let mut merges = false;
        for (i, (key, _)) in entries.iter().enumerate() {
            merges |= key.text == "<<";
            match seen.get(key.text.as_ref()) {
                Some(&first) => twice.push((i, first)),
                None => {
                    seen.insert(key.text.as_ref(), i);
                }
            }
        }
        if twice.is_empty() && !merges {
            return Some(entries);
        }
        for &(i, first) in &twice {
            let (key, earlier) = (&entries[i].0, entries[first].0.at);
            let line = self.problems.line_of(earlier);
            self.problems
                .error("E007", key.at, text!("problem-key-stands-twice-in-map", key = quote(&key.text)))
                .label(text!("problem-was-given-in-line", line))
                .help(text!("problem-keep-one-them-yaml-map"));
        }
        let drop: BTreeSet<usize> = twice.iter().map(|&(i, _)| i).collect();
        let mut own = Vec::with_capacity(entries.len());
        let mut merged = Vec::new();
        for (i, (key, value)) in entries.into_iter().enumerate() {
            if drop.contains(&i) {
            } else if key.text == "<<" {
                merged.push((key, value));
            } else {
                own.push((key, value));
            }
        }
        let mut have: BTreeSet<String> = match merged.is_empty() {
            true => BTreeSet::new(),
            false => own.iter().map(|(k, _)| k.text.to_string()).collect(),
        };
        for (key, value) in merged {
            let maps = match value.kind {
                Kind::Seq(items) => items,
                _ => vec![value],
            };
            for map in maps {
                let (size, height) = map.size_and_height();
                self.repeat(key.at, size, height)?;
                let Kind::Map(inherited) = map.kind else {
                    self.problems
                        .error("E011", key.at, text!("problem-merges-map-and-none"))
                        .label(text!("problem-kind-is-given", what = map.what()))
                        .help(text!("problem-write-name-where-name-stands"));
                    continue;
                };
                own.extend(inherited.into_iter().filter(|(k, _)| have.insert(k.text.to_string())));
            }
        }
        Some(own)
    }

    /// The quote after the last event, where a text begins that goes on until `until`.
    fn opening_quote(&self, until: u32) -> Option<u32> {
        let from = self.last.min(until);
        let piece = self.slice(Mark { src: self.src, start: from, end: until });
        let (mut before, mut comment) = ('\n', false);
        for (i, c) in piece.char_indices() {
            let first = before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':');
            match c {
                '\n' | '\r' => comment = false,
                '#' if before.is_whitespace() => comment = true,
                '\'' | '"' if first && !comment => return Some(from + i as u32),
                _ => {}
            }
            before = c;
        }
        None
    }

    /// Tells what the parser could not read, in words for people.
    fn syntax(&mut self, error: &granit::ScanError) {
        let mut start = self.byte(error.marker());
        if matches!(
            error.kind(),
            ErrorKind::UnclosedQuotedScalar
                | ErrorKind::DocumentIndicatorInQuotedScalar
                | ErrorKind::InvalidQuotedScalarIndent
        ) {
            start = self.opening_quote(start).unwrap_or(start);
        }
        let rest = self.text.get(start.saturating_sub(self.base) as usize..).unwrap_or("");
        let one = rest.chars().next().filter(|c| !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8) as u32;
        let at = Mark { src: self.src, start, end: start + one };
        let (code, title, label, help) = explain(error.kind(), rest);
        // What is still open is the likelier culprit than the place where reading failed.
        let open = self.stack.iter().rev().find(|frame| frame.flow).map(|frame| frame.at);
        let help = match open {
            Some(open) if code == "E003" => {
                let bracket = self.slice(open).chars().next().unwrap_or('{');
                text!("problem-in-line-still-open", help, bracket, line = self.problems.line_of(open))
            }
            _ => help,
        };
        self.problems.error(code, at, title).label(label).help(help);
    }
}
