//! What was typed before the first connection, command by command, and where each stands in the file.
//!
//! A command of a script file that the set-up writes is looked for in the text that wrote it: the line that has most of its
//! words. What a line does twice is told at one place.

use super::places::Places;
use crate::base::{NodeId, SimTime};
use crate::scenario::Scenario;
use crate::scenario::model::{ScriptSpec, StepKind};
use crate::shell::ipvsadm::args::{Request, read};
use crate::trace::event::{Record, TraceEvent};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A command that was run.
#[derive(Clone, Debug)]
pub struct Command {
    /// Where.
    pub node: NodeId,
    /// When.
    pub at: SimTime,
    /// The program and its arguments; `>` and a path for a file of `/proc` that was opened for writing.
    pub words: Vec<String>,
    /// Its exit status.
    pub status: u8,
    /// What it printed.
    pub out: String,
    /// The line of the file on which it stands.
    pub line: u32,
    /// The file types it; else somebody in a lab did, and `line` means nothing.
    pub in_file: bool,
    /// It opened a file of `/proc`, and something was written there that the kernel did not take.
    pub refused: bool,
}

impl Command {
    /// Whether it is this program.
    pub fn is(&self, program: &str) -> bool {
        self.words.first().is_some_and(|w| w == program)
    }

    /// Whether a word is this, or begins with it and goes on with `/` or `:`.
    pub fn names(&self, word: &str) -> bool {
        let goes_on = |rest: &str| rest.is_empty() || rest.starts_with(['/', ':']);
        self.words.iter().skip(1).any(|w| w.strip_prefix(word).is_some_and(goes_on))
    }

    /// What it asks of ipvsadm.
    pub fn ipvsadm(&self) -> Option<Request> {
        (self.is("ipvsadm") && self.status == 0).then(|| read(&self.words[1..]).ok()).flatten()
    }
}

/// Every command, in the order of running.
#[derive(Debug, Default)]
pub struct Journal {
    by_node: BTreeMap<NodeId, Vec<Command>>,
}

impl Journal {
    /// Of a trace of programs and typed texts.
    pub fn new(scenario: &Scenario, places: &Places<'_>, records: &[Record]) -> Journal {
        let mut typing: BTreeMap<NodeId, Arc<str>> = BTreeMap::new();
        let mut by_node: BTreeMap<NodeId, Vec<Command>> = BTreeMap::new();
        for record in records {
            match &record.event {
                TraceEvent::Typed { text } => {
                    typing.insert(record.node, text.clone());
                }
                TraceEvent::Ran { line, script, words, status, out } => {
                    let scripts = scripts_of(scenario, record.node);
                    let typed = typing.get(&record.node);
                    let in_file = typed.is_some_and(|t| scripts.iter().any(|s| s.text == *t));
                    let typed = typed.filter(|_| !script);
                    let there = typed.and_then(|t| scripts.iter().find(|s| s.text == *t)).map(|s| s.line + line - 1);
                    let line = there
                        .filter(|&n| likeness(places.line(n), words) > 0)
                        .or_else(|| search(places, &scripts, words))
                        .or(there)
                        .unwrap_or(1);
                    by_node.entry(record.node).or_default().push(Command {
                        node: record.node,
                        at: record.at,
                        words: words.clone(),
                        status: *status,
                        out: out.clone(),
                        line,
                        in_file,
                        refused: false,
                    });
                }
                TraceEvent::Wrote { path, taken: false } => {
                    let commands = by_node.entry(record.node).or_default();
                    let opened = commands.iter_mut().rev().find(|c| c.is(">") && c.words.get(1) == Some(path));
                    opened.into_iter().for_each(|c| c.refused = true);
                }
                _ => {}
            }
        }
        Journal { by_node }
    }

    /// The commands on a host.
    pub fn on(&self, node: NodeId) -> impl DoubleEndedIterator<Item = &Command> {
        self.by_node.get(&node).map_or(&[][..], Vec::as_slice).iter()
    }
}

/// Everything that is typed on a host: its `run` block first.
pub fn scripts_of(scenario: &Scenario, on: NodeId) -> Vec<&ScriptSpec> {
    let steps = scenario.steps.iter().filter_map(|s| match &s.kind {
        StepKind::Run { node, script, .. } if *node == on => Some(script),
        _ => None,
    });
    scenario.nodes[on.index()].run.iter().chain(steps).collect()
}

/// The line of the scripts that has most of the words.
fn search(places: &Places<'_>, scripts: &[&ScriptSpec], words: &[String]) -> Option<u32> {
    let lines = scripts.iter().flat_map(|s| (0..s.text.lines().count().max(1) as u32).map(move |i| s.line + i));
    let mut best = (0, None);
    for line in lines {
        let like = likeness(places.line(line), words);
        if like > best.0 {
            best = (like, Some(line));
        }
    }
    best.1
}

/// How many of a command's words a line has; none without its program, or the end of its path.
fn likeness(line: &str, words: &[String]) -> usize {
    let Some((program, rest)) = words.split_first() else { return 0 };
    let line = line.trim_start();
    if line.starts_with('#') {
        return 0;
    }
    let has = match program.as_str() {
        ">" => rest.first().and_then(|p| p.rsplit('/').next()).is_some_and(|leaf| line.contains(leaf)),
        program => line.contains(program),
    };
    usize::from(has) * (1 + rest.iter().filter(|w| line.contains(w.as_str())).count())
}
