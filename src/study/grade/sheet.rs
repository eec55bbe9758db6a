//! The sheet of marks: for people, as CSV for a spreadsheet, as JSON for programs.

use super::{Graded, Paper, Reason, Verdict};
use crate::lang::{Join, Lang, Text};
use crate::report::tables::{Cell, Format, Grid, csv_line};
use crate::text;
use serde_json::{Value, json};

/// The sheet as it is printed; the object of [`Format::Json`] is on one line. `hints`: with the knobs and what mends them.
pub fn print(paper: &Paper<'_>, all: &[Graded], format: Format, hints: bool, lang: Lang) -> String {
    match format {
        Format::Human => human(paper, all, lang),
        Format::Json => format!("{}\n", object(paper, all, hints, lang)),
        Format::Csv => csv(paper, all, lang),
    }
}

fn human(paper: &Paper<'_>, all: &[Graded], lang: Lang) -> String {
    let heads = [
        text!("grade-head-student"),
        text!("grade-head-marks"),
        text!("grade-head-of"),
        text!("grade-head-verdict"),
        text!("grade-head-failed"),
    ];
    let heads = heads.map(|head| head.say(lang));
    let mut grid = Grid::new(&heads.each_ref().map(String::as_str));
    for g in all {
        let failed = failed(paper, g, lang);
        let failed = if failed.is_empty() { Cell::None } else { Cell::Text(failed) };
        let (reached, of) = (u64::from(g.reached(paper)), u64::from(paper.total()));
        grid.row([shown(&g.student).into(), reached.into(), of.into(), g.verdict.text().say(lang).into(), failed]);
    }
    grid.human("") + "\n" + &summary(paper, all).say(lang) + "\n"
}

/// `3 submissions: 1 passed, 1 failed, 1 invalid; 7 of 15 marks (47 %)`.
fn summary(paper: &Paper<'_>, all: &[Graded]) -> Text {
    let verdicts = [Verdict::Passed, Verdict::Failed, Verdict::Invalid, Verdict::Stopped];
    let counted = verdicts.map(|v| (v.text(), all.iter().filter(|g| g.verdict == v).count()));
    let parts = counted.iter().filter(|(_, n)| *n > 0).map(|(v, n)| text!("count-of-verdict", n, verdict = v));
    let verdicts = Text::list(parts, Join::Comma);
    let reached: u64 = all.iter().map(|g| u64::from(g.reached(paper))).sum();
    let of = u64::from(paper.total()) * all.len() as u64;
    let percent = (200 * reached + of).checked_div(2 * of).unwrap_or(0);
    let submissions = text!("n-submissions", n = all.len());
    text!("grade-summary", submissions, verdicts, reached, of, percent)
}

/// What failed, by title; or why there are no marks.
pub(super) fn failed(paper: &Paper<'_>, g: &Graded, lang: Lang) -> String {
    match &g.why_not {
        Some(why) => shown(&why.say(lang)),
        None => Text::list(g.failed(paper).map(|i| i.title.clone()), Join::Semicolon).say(lang),
    }
}

/// A student's text on one line, without what a terminal would take for orders.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn csv(paper: &Paper<'_>, all: &[Graded], lang: Lang) -> String {
    let head = ["student", "verdict", "marks", "of", "failed", "reason", "causes"].map(String::from);
    let titles = paper.items.iter().enumerate().map(|(i, item)| format!("{}: {}", i + 1, item.title.say(lang)));
    let mut out = csv_line(head.into_iter().chain(titles));
    for g in all {
        let causes: Vec<String> = g.reasons.iter().map(|r| format!("{} {}", r.host, r.code)).collect();
        let failed = Text::list(g.failed(paper).map(|i| i.title.clone()), Join::Semicolon).say(lang);
        let cells = [
            harmless(&g.student),
            g.verdict.word().to_string(),
            g.reached(paper).to_string(),
            paper.total().to_string(),
            harmless(&failed),
            harmless(&g.why_not.as_ref().map(|why| why.say(lang)).unwrap_or_default()),
            causes.join("; "),
        ];
        let mark = |i: usize| match g.marks.get(i) {
            Some(m) if m.holds => paper.items[i].marks.to_string(),
            _ => "0".to_string(),
        };
        out.push_str(&csv_line(cells.into_iter().chain((0..paper.items.len()).map(mark))));
    }
    out
}

/// What a student wrote as a cell that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{}", shown(text)),
        false => shown(text),
    }
}

/// For programs.
pub fn object(paper: &Paper<'_>, all: &[Graded], hints: bool, lang: Lang) -> Value {
    let items: Vec<Value> = paper
        .items
        .iter()
        .map(|i| json!({ "title": i.title.say(lang), "wanted": i.wanted.say(lang), "marks": i.marks, "line": i.line }))
        .collect();
    let submissions: Vec<Value> = all.iter().map(|g| submission(paper, g, hints, lang)).collect();
    json!({
        "schema_version": 1,
        "lab": paper.lab.name,
        "of": paper.total(),
        "expectations": items,
        "submissions": submissions,
    })
}

fn submission(paper: &Paper<'_>, g: &Graded, hints: bool, lang: Lang) -> Value {
    let marks: Vec<Value> = paper
        .items
        .iter()
        .zip(&g.marks)
        .map(|(i, m)| {
            let told = if m.holds { &i.pass } else { &i.fail };
            json!({ "holds": m.holds, "marks": if m.holds { i.marks } else { 0 }, "found": m.found.say(lang), "told": told })
        })
        .collect();
    let causes: Vec<Value> = g.reasons.iter().map(|r| reason(r, hints, lang)).collect();
    let notes: Vec<String> = g.notes.iter().map(|note| note.say(lang)).collect();
    json!({
        "student": g.student,
        "from": g.from,
        "kind": g.what,
        "verdict": g.verdict.word(),
        "marks": g.reached(paper),
        "reason": g.why_not.as_ref().map(|why| why.say(lang)),
        "expectations": marks,
        "causes": causes,
        "notes": notes,
    })
}

fn reason(r: &Reason, hints: bool, lang: Lang) -> Value {
    let title = r.title.say(lang);
    match hints {
        true => {
            json!({ "code": r.code, "host": r.host, "title": title, "detail": r.detail.say(lang), "cure": r.cure.say(lang) })
        }
        false => json!({ "code": r.code, "host": r.host, "title": title }),
    }
}
