//! A change of a lab: lines that are typed on hosts, or keys of the file, as one person would make it.
//!
//! A change is carried out as arguments of `--set`, so that anybody can repeat the run, and shown as lines of the file
//! ([`edit`]). What is typed is typed at the end of a host's set-up, before t = 0.

use crate::base::NodeId;
use crate::scenario::Scenario;
use crate::scenario::edit::{self, Value};
use crate::scenario::model::StepKind;
use std::collections::{BTreeMap, BTreeSet};

/// Typed lines of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The `run` block of a host.
    Run(NodeId),
    /// The `run` of an entry of `timeline`, by its place there.
    Entry(usize),
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Typed at the end of a host's set-up.
    Type(NodeId, String),
    /// Line `n` of typed lines becomes these; none: it is left out.
    Line(Place, usize, Vec<String>),
    /// Typed before everything else that stands there.
    First(Place, Vec<String>),
    /// A key of the file, on this host, has this value.
    Key(NodeId, Vec<String>, String),
    /// A key of an entry of `timeline` has this value.
    EntryKey(usize, Vec<String>, String),
}

/// What a person does at once: one kind of thing, on one host or on several alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row of the table of moves.
    pub kind: &'static str,
    /// What is done, in order.
    pub edits: Vec<Edit>,
}

/// Keys of the file with their new values, in order.
pub type Keys = Vec<(Vec<String>, Value)>;

impl Change {
    /// Lines typed on hosts.
    pub fn typed<S: Into<String>>(kind: &'static str, lines: impl IntoIterator<Item = (NodeId, S)>) -> Change {
        Change { kind, edits: lines.into_iter().map(|(node, line)| Edit::Type(node, line.into())).collect() }
    }

    /// The hosts that it touches.
    pub fn nodes(&self, scenario: &Scenario) -> BTreeSet<NodeId> {
        let of = |place: &Place| match place {
            Place::Run(node) => Some(*node),
            Place::Entry(i) => entry(scenario, *i).map(|(node, _)| node),
        };
        let node = |e: &Edit| match e {
            Edit::Type(node, _) | Edit::Key(node, ..) => Some(*node),
            Edit::Line(place, ..) | Edit::First(place, _) => of(place),
            Edit::EntryKey(i, ..) => of(&Place::Entry(*i)),
        };
        self.edits.iter().filter_map(node).collect()
    }

    /// What the keys of the file become. None where it cannot be said of this file: hosts of one group would differ.
    pub fn keys(&self, scenario: &Scenario) -> Option<Keys> {
        #[derive(Default)]
        struct Script {
            lines: BTreeMap<usize, Vec<String>>,
            first: Vec<String>,
            last: Vec<String>,
        }
        // By host, so that members of a group can be compared before they become one key.
        let mut scripts: BTreeMap<Place, Script> = BTreeMap::new();
        let mut keys: Keys = Vec::new();
        for e in &self.edits {
            match e {
                Edit::Type(node, line) => scripts.entry(Place::Run(*node)).or_default().last.push(line.clone()),
                Edit::Line(place, n, lines) => {
                    scripts.entry(*place).or_default().lines.insert(*n, lines.clone());
                }
                Edit::First(place, lines) => scripts.entry(*place).or_default().first.extend(lines.iter().cloned()),
                Edit::Key(node, path, value) => {
                    keys.push((below(scenario, *node, path), Value::Flow(value.clone())));
                }
                Edit::EntryKey(i, path, value) => {
                    let head = ["timeline".to_string(), i.to_string()];
                    let path = head.into_iter().chain(path.iter().cloned()).collect();
                    keys.push((path, Value::Flow(value.clone())));
                }
            }
        }
        for (place, script) in scripts {
            let (path, old) = match place {
                Place::Run(node) => {
                    let run = scenario.nodes.get(node.index())?.run.as_ref();
                    (below(scenario, node, &["run".to_string()]), run.map_or("", |r| &r.text))
                }
                Place::Entry(i) => (vec!["timeline".into(), i.to_string(), "run".into()], entry(scenario, i)?.1),
            };
            let mut lines = script.first;
            for (n, line) in old.lines().enumerate() {
                match script.lines.get(&n) {
                    Some(new) => lines.extend(new.iter().cloned()),
                    None => lines.push(line.to_string()),
                }
            }
            lines.extend(script.last);
            // An empty text is nothing that can be typed.
            let text = if lines.iter().all(|l| l.trim().is_empty()) { "true".to_string() } else { lines.join("\n") };
            keys.push((path, Value::Script(text)));
        }
        let mut out: Keys = Vec::new();
        for (path, value) in keys {
            match out.iter().find(|(p, _)| *p == path) {
                Some((_, same)) if *same == value => {}
                Some(_) => return None,
                None => out.push((path, value)),
            }
        }
        Some(out)
    }
}

/// The arguments of `--set`.
pub fn sets(keys: &Keys) -> Vec<String> {
    keys.iter().map(|(path, value)| format!("{}={}", path.join("."), value.flow())).collect()
}

/// The file's text with the new values; none if a key has no place of its own there.
pub fn edited(text: &str, keys: &Keys) -> Option<String> {
    keys.iter().try_fold(text.to_string(), |text, (path, value)| edit::edit(&text, path, value))
}

fn below(scenario: &Scenario, node: NodeId, path: &[String]) -> Vec<String> {
    let spec = &scenario.nodes[node.index()];
    let name = spec.group.as_ref().unwrap_or(&spec.name);
    ["nodes".to_string(), name.clone()].into_iter().chain(path.iter().cloned()).collect()
}

/// Lines of the file at which entries of `timeline` stand, in order: an entry's place is its place here.
fn entry_lines(scenario: &Scenario) -> Vec<u32> {
    let timeline = scenario.steps.iter().filter(|s| !matches!(s.kind, StepKind::Run { observe: true, .. }));
    timeline.map(|s| s.line).collect::<BTreeSet<u32>>().into_iter().collect()
}

/// The place in `timeline` of the entry at a line of the file.
pub fn entry_at(scenario: &Scenario, line: u32) -> Option<usize> {
    entry_lines(scenario).iter().position(|l| *l == line)
}

/// What an entry of `timeline` types, and where; none if it sets a cable or types on several hosts.
pub fn entry(scenario: &Scenario, place: usize) -> Option<(NodeId, &str)> {
    let line = *entry_lines(scenario).get(place)?;
    let mut typed = scenario.steps.iter().filter(|s| s.line == line).map(|s| match &s.kind {
        StepKind::Run { node, script, observe: false } => Some((*node, &*script.text)),
        _ => None,
    });
    let first = typed.next()??;
    typed.next().is_none().then_some(first)
}

/// Every line that is typed in set-up and timeline: where, its number there, and the line.
pub fn typed_lines(scenario: &Scenario) -> Vec<(Place, NodeId, usize, &str)> {
    let mut out = Vec::new();
    for (i, node) in scenario.nodes.iter().enumerate() {
        let id = NodeId(i as u32);
        if let Some(run) = &node.run {
            out.extend(run.text.lines().enumerate().map(|(n, line)| (Place::Run(id), id, n, line)));
        }
    }
    for i in 0..entry_lines(scenario).len() {
        if let Some((node, text)) = entry(scenario, i) {
            out.extend(text.lines().enumerate().map(|(n, line)| (Place::Entry(i), node, n, line)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Names;

    const FILE: &str = "\
lvsim: 1
nodes:
  lan: { kind: switch }
  rs1:
    kind: real-server
    interfaces: { eth0: { to: lan, address: 10.0.0.11/24 } }
    run: |
      one
      two
  many:
    kind: client
    count: 2
    interfaces: { eth0: { to: lan, address: 10.0.0.21/24 } }
timeline:
  - { at: 1s, node: rs1, run: later }
";

    fn scenario() -> Scenario {
        let loaded = crate::scenario::load("a.yaml", FILE, &[], &Names::default());
        loaded.unwrap_or_else(|p| panic!("{}", crate::scenario::render(&p, "a.yaml", FILE, false))).scenario
    }

    fn run_of(scenario: &Scenario, edits: Vec<Edit>) -> Option<Vec<String>> {
        Change { kind: "test", edits }.keys(scenario).map(|k| sets(&k))
    }

    #[test]
    fn lines_are_left_out_put_first_and_typed_last() {
        let s = scenario();
        let rs1 = s.node("rs1").expect("rs1");
        let here = Place::Run(rs1);
        let edits =
            vec![Edit::Line(here, 1, vec![]), Edit::First(here, vec!["zero".into()]), Edit::Type(rs1, "three".into())];
        assert_eq!(run_of(&s, edits), Some(vec!["nodes.rs1.run=\"zero\\none\\nthree\"".into()]));
        let edits = vec![Edit::Line(Place::Entry(0), 0, vec![])];
        assert_eq!(run_of(&s, edits), Some(vec!["timeline.0.run=\"true\"".into()]));
    }

    #[test]
    fn members_of_a_group_are_changed_together_or_not_at_all() {
        let s = scenario();
        let (a, b) = (s.node("many-1").expect("one"), s.node("many-2").expect("two"));
        let alike = vec![Edit::Type(a, "x".into()), Edit::Type(b, "x".into())];
        assert_eq!(run_of(&s, alike), Some(vec!["nodes.many.run=\"x\"".into()]));
        assert_eq!(run_of(&s, vec![Edit::Type(a, "x".into()), Edit::Type(b, "y".into())]), None);
    }

    #[test]
    fn a_changed_file_says_the_same_as_its_sets() {
        let s = scenario();
        let rs1 = s.node("rs1").expect("rs1");
        let change = Change::typed("test", [(rs1, "three")]);
        let keys = change.keys(&s).expect("a place");
        let text = edited(FILE, &keys).expect("a place in the text");
        let by_text = crate::scenario::load("a.yaml", &text, &[], &Names::default()).expect("valid").scenario;
        let by_set = crate::scenario::load("a.yaml", FILE, &sets(&keys), &Names::default()).expect("valid").scenario;
        let run = |s: &Scenario| s.nodes[rs1.index()].run.as_ref().map(|r| r.text.trim_end().to_string());
        assert_eq!((run(&by_text), run(&by_set)), (Some("one\ntwo\nthree".into()), Some("one\ntwo\nthree".into())));
    }
}
