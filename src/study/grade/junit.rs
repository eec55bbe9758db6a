//! The sheet as JUnit's XML, which build servers read: a suite for each submission, a case for each expectation.
//!
//! Elements and attributes as Jenkins and GitLab read them. A submission without marks is a suite
//! whose cases are errors; what fails and has no marks is skipped.
//! Simulated time is no test's time: `time` is 0.

use super::{Graded, Item, Paper};
use crate::lang::Lang;
use crate::text;
use std::fmt::Write as _;

/// The document.
pub fn xml(paper: &Paper<'_>, all: &[Graded], hints: bool, lang: Lang) -> String {
    let tests = paper.items.len() * all.len();
    let failures: usize = all.iter().map(|g| g.failed(paper).count()).sum();
    let errors: usize = all.iter().map(|g| errors(paper, g)).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"0\">",
        escaped(&paper.lab.name)
    );
    for g in all {
        suite(&mut out, paper, g, hints, lang);
    }
    out.push_str("</testsuites>\n");
    out
}

fn errors(paper: &Paper<'_>, g: &Graded) -> usize {
    if g.why_not.is_some() { paper.items.len() } else { 0 }
}

fn suite(out: &mut String, paper: &Paper<'_>, g: &Graded, hints: bool, lang: Lang) {
    let student = escaped(&g.student);
    let _ = writeln!(
        out,
        "  <testsuite name=\"{student}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\">",
        paper.items.len(),
        g.failed(paper).count(),
        errors(paper, g),
        g.marks.iter().filter(|m| !m.holds).count() - g.failed(paper).count()
    );
    let _ = writeln!(out, "    <properties>");
    for (name, value) in [("marks", g.reached(paper)), ("of", paper.total())] {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>");
    }
    let _ = writeln!(out, "    </properties>");
    for (i, item) in paper.items.iter().enumerate() {
        let head =
            format!("    <testcase name=\"{}\" classname=\"{student}\" time=\"0\"", escaped(&item.title.say(lang)));
        let inside = match (&g.why_not, g.marks.get(i)) {
            (Some(why), _) => Some(("error", why.say(lang), String::new())),
            (None, Some(m)) if !m.holds => {
                let tag = if item.marks > 0 { "failure" } else { "skipped" };
                let found = m.found.say(lang).trim_end().to_string();
                let told = text!("grade-wanted-found", wanted = item.wanted, found);
                Some((tag, told.say(lang), body(item, g, hints, lang)))
            }
            _ => None,
        };
        match inside {
            None => {
                let _ = writeln!(out, "{head}/>");
            }
            Some((tag, message, body)) => {
                let (message, body) = (escaped(&message), escaped(&body));
                let _ = writeln!(out, "{head}>\n      <{tag} message=\"{message}\">{body}</{tag}>\n    </testcase>");
            }
        }
    }
    out.push_str("  </testsuite>\n");
}

/// The author's words and what is behind it.
fn body(item: &Item, g: &Graded, hints: bool, lang: Lang) -> String {
    let mut lines: Vec<String> = item.fail.iter().cloned().collect();
    for r in &g.reasons {
        lines.push(text!("grade-case-cause", host = r.host, title = r.title, code = r.code).say(lang));
        if hints {
            let there_is = text!("grade-page-there-is", detail = r.detail).say(lang);
            let mends = text!("grade-page-mends", cure = r.cure).say(lang);
            lines.push(format!("  {there_is}\n  {mends}"));
        }
    }
    lines.join("\n")
}

/// A text in XML 1.0: what has a meaning there is escaped, what may not stand there is replaced.
fn escaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader makes blanks of these where they stand in an attribute.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_somebody_writes_leaves_its_place() {
        assert_eq!(escaped("a<b>&\"'\n\u{1}\u{ffff}é"), "a&lt;b&gt;&amp;&quot;&apos;&#10;\u{fffd}\u{fffd}é");
    }
}
