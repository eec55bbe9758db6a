//! `lvsim diff`: where two runs part, what led there, and what came of it.
//!
//! Both runs are told line by line (frames, decisions, neighbours, what was typed), by simulated time. Up to the first line
//! that differs they are one run; from there to the first frame that differs is the chain that led to it. After that the
//! two have little in common, so only ends are compared: outcomes, tables.

use super::lines;
use crate::lang::{Lang, Text};
use crate::report::run::Run;
use crate::report::snapshot::text_tables;
use crate::report::why::{Lab, record_line};
use crate::text;
use crate::trace::TraceEvent;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Lines of a chain that are kept, for each side.
const CHAIN: usize = 12;
/// Lines that both have, before the first that differs.
const COMMON: usize = 2;
/// Connections with another end that are listed; more are counted.
const LISTED: usize = 20;

/// Two runs, compared.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// Where they part; none if they are the same run.
    pub parting: Option<Parting>,
    /// The first frame that differs, on each side; none where a side has no further frame.
    pub frame: Option<[Option<Text>; 2]>,
    /// Connections whose outcome or server differs: name, then each side.
    pub connections: Vec<(String, [Text; 2])>,
    /// Tables that differ at the end: title, then the lines with `-`, `+` or a blank before them.
    pub tables: Vec<(String, Vec<String>)>,
}

/// Where two runs part.
#[derive(Clone, Debug, Default)]
pub struct Parting {
    /// The last lines that both have.
    pub before: Vec<Text>,
    /// Each side's lines from there to its first frame that differs, that included.
    pub sides: [Vec<Text>; 2],
    /// Lines of each side that were left out in between.
    pub left_out: [usize; 2],
}

/// One line of a run.
struct Line {
    text: Text,
    frame: bool,
}

/// Compares two runs that were traced with their decisions.
pub fn diff(a: &Run<'_>, b: &Run<'_>) -> Diff {
    let labs = [a.lab(), b.lab()];
    let (parting, frame) = part(&labs);
    Diff { parting, frame, connections: connections(&labs), tables: tables(a, b) }
}

impl Diff {
    /// Whether nothing differs.
    pub fn same(&self) -> bool {
        self.parting.is_none() && self.connections.is_empty() && self.tables.is_empty()
    }
}

/// Whether two runs are the same line by line, whatever was typed in them.
pub fn same_but_typed(a: &Run<'_>, b: &Run<'_>) -> bool {
    let (a, b) = (a.lab(), b.lab());
    let lines = |lab: &Lab<'_>| -> Vec<Text> {
        let told = lab.log.records.iter().filter(|r| !matches!(r.event, TraceEvent::Typed { .. }));
        told.filter_map(|r| record_line(lab, r)).collect()
    };
    lines(&a) == lines(&b)
}

fn told<'l>(lab: &'l Lab<'_>) -> impl Iterator<Item = Line> + 'l {
    lab.log.records.iter().filter_map(|r| {
        let frame = matches!(r.event, TraceEvent::Frame { .. });
        record_line(lab, r).map(|text| Line { text, frame })
    })
}

fn part(labs: &[Lab<'_>; 2]) -> (Option<Parting>, Option<[Option<Text>; 2]>) {
    let [mut a, mut b] = [told(&labs[0]), told(&labs[1])];
    let mut before: Vec<Text> = Vec::new();
    let first = loop {
        match (a.next(), b.next()) {
            (None, None) => return (None, None),
            (Some(x), Some(y)) if x.text == y.text => {
                if before.len() == COMMON {
                    before.remove(0);
                }
                before.push(x.text);
            }
            other => break other,
        }
    };
    // Each side up to its next frame: if those are alike, the frames part later, and so on.
    let mut sides = [Vec::new(), Vec::new()];
    let mut left_out = [0, 0];
    let mut next = [first.0, first.1];
    let frame = loop {
        let mut frames = [None, None];
        for (side, rest) in [&mut a as &mut dyn Iterator<Item = Line>, &mut b].into_iter().enumerate() {
            let mut line = next[side].take().or_else(|| rest.next());
            while let Some(l) = line {
                let text = keep(&mut sides[side], &mut left_out[side], l.text);
                if l.frame {
                    frames[side] = Some(text);
                    break;
                }
                line = rest.next();
            }
        }
        if frames[0] != frames[1] || frames[0].is_none() {
            break frames;
        }
    };
    let frame = (frame != [None, None]).then_some(frame);
    (Some(Parting { before, sides, left_out }), frame)
}

/// Keeps the first lines of a chain, and always the newest.
fn keep(lines: &mut Vec<Text>, left_out: &mut usize, text: Text) -> Text {
    if lines.len() == CHAIN {
        lines.pop();
        *left_out += 1;
    }
    lines.push(text.clone());
    text
}

fn connections(labs: &[Lab<'_>; 2]) -> Vec<(String, [Text; 2])> {
    let ends = |lab: &Lab<'_>| -> Vec<(String, Text)> {
        let end = |c: &crate::report::log::ConnectionRow| {
            let end = match &c.server {
                Some(server) => text!("diff-end-by", outcome = c.outcome, server),
                None => Text::plain(c.outcome.word()),
            };
            (format!("{}:{}", c.traffic, c.index), end)
        };
        lab.log.connections.iter().map(end).collect()
    };
    let [a, b] = [ends(&labs[0]), ends(&labs[1])];
    let mut out = Vec::new();
    let in_b: std::collections::BTreeMap<&str, &Text> = b.iter().map(|(n, e)| (&**n, e)).collect();
    let in_a: std::collections::BTreeSet<&str> = a.iter().map(|(n, _)| &**n).collect();
    for (name, end) in &a {
        let other = in_b.get(&**name).map_or_else(|| text!("diff-none"), |end| (*end).clone());
        if other != *end {
            out.push((name.clone(), [end.clone(), other]));
        }
    }
    let new = b.iter().filter(|(n, _)| !in_a.contains(&**n));
    out.extend(new.map(|(name, end)| (name.clone(), [text!("diff-none"), end.clone()])));
    out
}

fn tables(a: &Run<'_>, b: &Run<'_>) -> Vec<(String, Vec<String>)> {
    let [ours, theirs] = [a, b].map(|run| text_tables(run.play()));
    let mut titles: Vec<&str> = ours.iter().map(|t| &*t.title).collect();
    titles.extend(theirs.iter().map(|t| &*t.title).filter(|t| !ours.iter().any(|o| o.title == *t)));
    let text = |of: &[crate::report::TextBlock], title: &str| {
        of.iter().find(|t| t.title == title).map_or(String::new(), |t| t.text.trim_end().to_string() + "\n")
    };
    let mut out = Vec::new();
    for title in titles {
        let (x, y) = (text(&ours, title), text(&theirs, title));
        if x != y {
            out.push((title.to_string(), lines::all(&x, &y)));
        }
    }
    out
}

/// For people. `inputs`: what differs in the files, a line each.
pub fn text(diff: &Diff, inputs: &[String], lang: Lang) -> String {
    let mut out = String::new();
    let mut part = |title: Text, lines: &[String]| {
        if !lines.is_empty() {
            let _ = writeln!(out, "{}", title.say(lang));
            lines.iter().for_each(|l| {
                let _ = writeln!(out, "  {l}");
            });
            out.push('\n');
        }
    };
    part(text!("diff-inputs"), inputs);
    if let Some(p) = &diff.parting {
        let mut lines: Vec<String> = p.before.iter().map(|l| format!("  {}", l.say(lang))).collect();
        for (side, sign) in ["-", "+"].into_iter().enumerate() {
            let all = &p.sides[side];
            for (n, l) in all.iter().enumerate() {
                if n + 1 == all.len() && p.left_out[side] > 0 {
                    lines.push(format!("{sign} … {}", text!("diff-more", n = p.left_out[side]).say(lang)));
                }
                lines.push(format!("{sign} {}", l.say(lang)));
            }
        }
        part(text!("diff-parting"), &lines);
    }
    if let Some(frames) = &diff.frame {
        let shown = |f: &Option<Text>| f.clone().unwrap_or_else(|| text!("diff-no-frame")).say(lang);
        part(text!("diff-first-frame"), &[format!("- {}", shown(&frames[0])), format!("+ {}", shown(&frames[1]))]);
    }
    let mut lines: Vec<String> = diff
        .connections
        .iter()
        .take(LISTED)
        .map(|(name, [a, b])| format!("{name}  {}  ->  {}", a.say(lang), b.say(lang)))
        .collect();
    if diff.connections.len() > LISTED {
        lines.push(text!("diff-more-connections", n = diff.connections.len() - LISTED).say(lang));
    }
    part(text!("diff-connections"), &lines);
    for (title, lines) in &diff.tables {
        part(text!("diff-at-the-end", title), lines);
    }
    if diff.same() {
        let _ = writeln!(out, "{}", text!("diff-same").say(lang));
    }
    out
}

/// For programs.
pub fn object(diff: &Diff, inputs: &[String], lang: Lang) -> Value {
    let said = |all: &[Text]| all.iter().map(|l| l.say(lang)).collect::<Vec<_>>();
    let maybe = |frame: &Option<Text>| frame.as_ref().map(|f| f.say(lang));
    let parting = diff.parting.as_ref().map(|p| {
        json!({ "before": said(&p.before), "a": said(&p.sides[0]), "b": said(&p.sides[1]), "left_out": { "a": p.left_out[0], "b": p.left_out[1] } })
    });
    let connections: Vec<Value> = diff
        .connections
        .iter()
        .map(|(name, [a, b])| json!({ "connection": name, "a": a.say(lang), "b": b.say(lang) }))
        .collect();
    let tables: Vec<Value> =
        diff.tables.iter().map(|(title, lines)| json!({ "table": title, "lines": lines })).collect();
    json!({
        "schema_version": 1,
        "same": diff.same(),
        "inputs": inputs,
        "parting": parting,
        "first_frame": diff.frame.as_ref().map(|f| json!({ "a": maybe(&f[0]), "b": maybe(&f[1]) })),
        "connections": connections,
        "tables": tables,
    })
}
