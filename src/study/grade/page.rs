//! A page for a student, in Markdown: marks, the author's words, what was found, and what is behind it.

use super::{Graded, Item, Mark, Paper, Reason};
use crate::report::tables::{Cell, Grid};
use std::fmt::Write as _;

/// Characters of an output that are shown.
const SHOWN: usize = 2_000;

/// The page. `hints`: with the knobs and what mends them.
pub fn page(paper: &Paper<'_>, g: &Graded, hints: bool) -> String {
    let lab = match paper.lab.title.as_str() {
        "" => paper.lab.name.clone(),
        title => title.to_string(),
    };
    let mut out = format!("# {}\n\n", plain(&g.student));
    let _ = writeln!(out, "**{} of {} marks**, {}\n", g.reached(paper), paper.total(), g.verdict.word());
    let kind = if g.what.is_empty() { String::new() } else { format!(" ({})", g.what) };
    let _ = writeln!(out, "- Lab: {lab}\n- Handed in: {}{kind}\n", code(&g.from));
    if let Some(why) = &g.why_not {
        let told = fenced(g.details.as_ref().unwrap_or(why));
        let _ = writeln!(out, "There are no marks, because it was not played to its end:\n\n{told}");
    } else {
        let mut grid = Grid::new(&["", "marks", "of", "what"]);
        for (item, mark) in paper.items.iter().zip(&g.marks) {
            let (sign, reached) = if mark.holds { ("✓", item.marks) } else { ("✗", 0) };
            let cells: [Cell; 4] =
                [sign.into(), u64::from(reached).into(), u64::from(item.marks).into(), item.title.as_str().into()];
            grid.row(cells);
        }
        out.push_str(&grid.markdown());
        for (item, mark) in paper.items.iter().zip(&g.marks) {
            section(&mut out, item, mark);
        }
    }
    reasons(&mut out, &g.reasons, hints);
    if !g.notes.is_empty() {
        out.push_str("\n## Notes\n\n");
        for note in &g.notes {
            let _ = writeln!(out, "- {}", code(note));
        }
    }
    out
}

fn section(out: &mut String, item: &Item, mark: &Mark) {
    let (sign, told) = if mark.holds { ("✓", &item.pass) } else { ("✗", &item.fail) };
    let _ = writeln!(out, "\n## {sign} {}\n", item.title);
    if let Some(told) = told {
        let _ = writeln!(out, "{told}\n");
    }
    let _ = writeln!(out, "- wanted: {}", item.wanted);
    match mark.found.trim_end().contains('\n') {
        true => {
            let _ = writeln!(out, "- found:\n\n{}", fenced(&mark.found));
        }
        false => {
            let _ = writeln!(out, "- found: {}", code(&mark.found));
        }
    }
}

/// Several hosts with one cause are told together.
fn reasons(out: &mut String, all: &[Reason], hints: bool) {
    if all.is_empty() {
        return;
    }
    out.push_str("\n## What is behind it\n");
    for same in all.chunk_by(|a, b| a.code == b.code) {
        let Some(first) = same.first() else { continue };
        let hosts: Vec<&str> = same.iter().map(|r| r.host.as_str()).collect();
        let _ = writeln!(out, "\n**{}**: {} (`{}`)", hosts.join(", "), first.title, first.code);
        if !hints {
            continue;
        }
        out.push('\n');
        for r in same {
            let _ = writeln!(out, "- what there is: {}", code(&r.detail));
        }
        let _ = writeln!(out, "- what happens: {}", first.happens);
        let mut cures: Vec<&str> = same.iter().map(|r| r.cure.as_str()).collect();
        cures.dedup();
        for cure in cures {
            let _ = writeln!(out, "- what mends it: {}", code(cure));
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
