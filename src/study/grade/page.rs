//! A page for a student, in Markdown: marks, the author's words, what was found, and what is behind it.

use super::{Graded, Item, Mark, Paper, Reason};
use crate::lang::{Join, Lang, Text};
use crate::report::tables::{Cell, Grid};
use crate::text;
use std::fmt::Write as _;

/// Characters of an output that are shown.
const SHOWN: usize = 2_000;

/// The page. `hints`: with the knobs and what mends them.
pub fn page(paper: &Paper<'_>, g: &Graded, hints: bool, lang: Lang) -> String {
    let lab = match paper.lab.title.as_str() {
        "" => paper.lab.name.clone(),
        title => title.to_string(),
    };
    let mut out = format!("# {}\n\n", plain(&g.student));
    let verdict = g.verdict.text();
    let marks = text!("grade-page-marks", reached = g.reached(paper), of = paper.total(), verdict);
    let from = code(&g.from);
    let from = match kind(g.what) {
        None => text!("grade-page-from", from),
        Some(kind) => text!("grade-page-from-kind", from, kind),
    };
    let _ = writeln!(out, "{}\n", marks.say(lang));
    let _ = writeln!(out, "- {}\n- {}\n", text!("grade-page-lab", lab).say(lang), from.say(lang));
    if let Some(why) = &g.why_not {
        let told = fenced(&g.details.as_ref().map_or_else(|| why.say(lang), |details| details.say(lang)));
        let _ = writeln!(out, "{}\n\n{told}", text!("grade-page-no-marks").say(lang));
    } else {
        let heads = [text!("grade-head-marks"), text!("grade-head-of"), text!("grade-head-what")];
        let [marks, of, what] = heads.map(|head| head.say(lang));
        let mut grid = Grid::new(&["", &marks, &of, &what]);
        for (item, mark) in paper.items.iter().zip(&g.marks) {
            let (sign, reached) = if mark.holds { ("✓", item.marks) } else { ("✗", 0) };
            let cells: [Cell; 4] =
                [sign.into(), u64::from(reached).into(), u64::from(item.marks).into(), item.title.say(lang).into()];
            grid.row(cells);
        }
        out.push_str(&grid.markdown());
        for (item, mark) in paper.items.iter().zip(&g.marks) {
            section(&mut out, item, mark, lang);
        }
    }
    reasons(&mut out, &g.reasons, hints, lang);
    if !g.notes.is_empty() {
        let _ = writeln!(out, "\n## {}\n", text!("grade-page-notes").say(lang));
        for note in &g.notes {
            let _ = writeln!(out, "- {}", code(&note.say(lang)));
        }
    }
    out
}

fn section(out: &mut String, item: &Item, mark: &Mark, lang: Lang) {
    let (sign, told) = if mark.holds { ("✓", &item.pass) } else { ("✗", &item.fail) };
    let _ = writeln!(out, "\n## {sign} {}\n", item.title.say(lang));
    if let Some(told) = told {
        let _ = writeln!(out, "{told}\n");
    }
    let _ = writeln!(out, "- {}", text!("grade-page-wanted", wanted = item.wanted).say(lang));
    let found = mark.found.say(lang);
    match found.trim_end().contains('\n') {
        true => {
            let _ = writeln!(out, "- {}\n\n{}", text!("grade-page-found-below").say(lang), fenced(&found));
        }
        false => {
            let _ = writeln!(out, "- {}", text!("grade-page-found", found = code(&found)).say(lang));
        }
    }
}

/// What was handed in, in words.
fn kind(what: &str) -> Option<Text> {
    match what {
        "scenario" => Some(text!("grade-kind-scenario")),
        "session" => Some(text!("grade-kind-session")),
        "" => None,
        _ => Some(text!("grade-kind-scripts")),
    }
}

/// Several hosts with one cause are told together.
fn reasons(out: &mut String, all: &[Reason], hints: bool, lang: Lang) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {}", text!("grade-page-behind").say(lang));
    for same in all.chunk_by(|a, b| a.code == b.code) {
        let Some(first) = same.first() else { continue };
        let hosts = Text::list(same.iter().map(|r| Text::plain(&r.host)), Join::Comma);
        let cause = text!("grade-page-cause", hosts, title = first.title, code = first.code);
        let _ = writeln!(out, "\n{}", cause.say(lang));
        if !hints {
            continue;
        }
        out.push('\n');
        for r in same {
            let _ = writeln!(out, "- {}", text!("grade-page-there-is", detail = code(&r.detail.say(lang))).say(lang));
        }
        let _ = writeln!(out, "- {}", text!("grade-page-happens", happens = first.happens).say(lang));
        let mut cures: Vec<&Text> = same.iter().map(|r| &r.cure).collect();
        cures.dedup();
        for cure in cures {
            let _ = writeln!(out, "- {}", text!("grade-page-mends", cure = code(&cure.say(lang))).say(lang));
        }
    }
}

/// The longest row of back-ticks in a text.
fn ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// What students and hosts wrote, so that it is shown and nothing else.
fn code(text: &str) -> String {
    let line = plain(text);
    let line = line.trim();
    match (line.is_empty(), ticks(line)) {
        (true, _) => "nothing".into(),
        (_, 0) => format!("`{line}`"),
        (_, n) => {
            let fence = "`".repeat(n + 1);
            format!("{fence} {line} {fence}")
        }
    }
}

fn fenced(text: &str) -> String {
    let fence = "`".repeat(ticks(text).max(2) + 1);
    let mut shown: String = text.trim_end().chars().take(SHOWN).filter(|c| *c == '\n' || !c.is_control()).collect();
    if shown.len() < text.trim_end().len() {
        shown.push_str("\n…");
    }
    format!("{fence}text\n{shown}\n{fence}")
}

/// On one line, without control characters.
fn plain(text: &str) -> String {
    let mut line: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_stays_code() {
        assert_eq!(code("ok: 6"), "`ok: 6`");
        assert_eq!(code("a `b` ``c"), "``` a `b` ``c ```");
        assert_eq!(code(" \n"), "nothing");
        assert_eq!(fenced("a\n```\n# b\n"), "````text\na\n```\n# b\n````");
    }
}
