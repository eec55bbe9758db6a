//! Problems in the look of rustc, by annotate-snippets: code, cause, file, line, column, the line with a caret, remedy.
//!
//! Only the line that is meant is handed over, and of a very long line only the part around the caret, so the cost of a
//! problem does not grow with the file. The remedy is set directly under the caret, without rustc's empty line.

use crate::lang::{Lang, Text};
use crate::scenario::problem::{Place, Problem};
use crate::text;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, normalize_untrusted_str};

/// The longest line that is shown whole, and how much of a longer one is shown before and after the caret, in characters.
const WHOLE_LINE: usize = 160;
const BEFORE: usize = 60;
const AFTER: usize = 90;

/// All problems as text, an empty line between two. `text` is the file's; a problem of a `--set` carries its own.
///
/// With `color` it holds ANSI sequences; the words are the same without.
pub fn render(problems: &[Problem], file_name: &str, text: &str, color: bool) -> String {
    render_in(problems, file_name, text, color, Lang::En)
}

/// The same in a language.
pub fn render_in(problems: &[Problem], file_name: &str, text: &str, color: bool, lang: Lang) -> String {
    let mut out = String::new();
    for (i, problem) in problems.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        one(problem, file_name, text, color, lang, &mut out);
    }
    out
}

fn one(problem: &Problem, file_name: &str, text: &str, color: bool, lang: Lang, out: &mut String) {
    let (title, label) = (problem.title.say(lang), problem.label.say(lang));
    let help = problem.help.as_ref().map(|help| help.say(lang));
    let below: Vec<(Text, &str)> = help.iter().map(|help| (text!("diagnostic-help"), help.as_str())).collect();
    let diagnostic = Diagnostic {
        warns: problem.is_warning(),
        code: problem.code,
        title: &title,
        spots: &[(&problem.place, &label)],
        below: &below,
    };
    draw(&diagnostic, file_name, text, color, lang, out);
}

/// What is drawn: a title, places with what stands beside them, and lines below.
pub(crate) struct Diagnostic<'d> {
    /// A warning, not an error.
    pub warns: bool,
    /// The stable code.
    pub code: &'d str,
    /// The cause.
    pub title: &'d str,
    /// The place that is meant, then others that belong to it.
    pub spots: &'d [(&'d Place, &'d str)],
    /// `= WORD: text`, in order.
    pub below: &'d [(Text, &'d str)],
}

/// Adds a diagnostic to `out`.
pub(crate) fn draw(
    diagnostic: &Diagnostic<'_>,
    file_name: &str,
    text: &str,
    color: bool,
    lang: Lang,
    out: &mut String,
) {
    struct Spot {
        shown: String,
        span: (usize, usize),
        label: String,
        path: String,
        counted: String,
        meant: String,
    }
    let spot = |(place, label): &(&Place, &str)| {
        let (path, source) = match &place.set {
            Some(set) => ("--set", set.as_ref()),
            None => (file_name, text),
        };
        let (shown, start, end) = excerpt(source, place.start, place.end);
        let path = normalize_untrusted_str(path);
        // The column was counted in the excerpt; it is meant in the line.
        let counted = format!("{path}:{}:{}", place.line, shown[..start].chars().count() + 1);
        let meant = format!("{path}:{}:{}", place.line, place.column);
        Spot { shown, span: (start, end), label: normalize_untrusted_str(label), path, counted, meant }
    };
    let spots: Vec<Spot> = diagnostic.spots.iter().map(spot).collect();
    let (level, name) = match diagnostic.warns {
        true => (Level::WARNING, text!("diagnostic-warning")),
        false => (Level::ERROR, text!("diagnostic-error")),
    };
    let name = name.say(lang);
    let mut group = level
        .with_name(name.as_str())
        .primary_title(diagnostic.title)
        .id(diagnostic.code)
        .elements([] as [Snippet<'_, annotate_snippets::Annotation<'_>>; 0]);
    for (i, (spot, (place, _))) in spots.iter().zip(diagnostic.spots).enumerate() {
        let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(spot.span.0..spot.span.1);
        let annotation = if spot.label.is_empty() { annotation } else { annotation.label(spot.label.as_str()) };
        let snippet = Snippet::source(spot.shown.as_str()).path(spot.path.as_str()).line_start(place.line as usize);
        group = group.element(snippet.annotation(annotation));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let drawn = renderer.term_width(BEFORE + AFTER + 60).render(&[group]);
    let (title, rest) = drawn.split_once('\n').unwrap_or((&drawn, ""));
    let rest = spots.iter().fold(rest.to_string(), |rest, s| rest.replacen(&s.counted, &s.meant, 1));
    out.push_str(&format!("{title}\n{rest}\n"));
    let widest = diagnostic.spots.iter().map(|(place, _)| place.line).max().unwrap_or(1);
    let gutter = " ".repeat(widest.to_string().len());
    for (word, text) in diagnostic.below {
        let (word, text) = (word.say(lang), normalize_untrusted_str(text));
        if color {
            out.push_str(&format!("\u{1b}[1m\u{1b}[94m{gutter} = \u{1b}[0m\u{1b}[1m{word}\u{1b}[0m: {text}\n"));
        } else {
            out.push_str(&format!("{gutter} = {word}: {text}\n"));
        }
    }
}

/// The line around `start` and where in it `start..end` lies.
fn excerpt(source: &str, start: usize, end: usize) -> (String, usize, usize) {
    // How far to look for the ends of the line; beyond it the line is endless.
    const FAR: usize = 4 * WHOLE_LINE;
    let start = floor(source, start);
    let end = floor(source, end).max(start);
    let breaks = ['\n', '\r'];
    let back = floor(source, start.saturating_sub(FAR));
    let ahead = floor(source, start.saturating_add(FAR));
    let mut begin = source[back..start].rfind(breaks).map_or(back, |i| back + i + 1);
    let stop = source[start..ahead].find(breaks).map_or(ahead, |i| start + i);
    if source[begin..stop].starts_with('\u{feff}') {
        begin += '\u{feff}'.len_utf8();
    }
    let line = source.get(begin..stop).unwrap_or("");
    let (start, end) = (start.clamp(begin, stop.max(begin)), end.clamp(start.max(begin), stop.max(begin)));
    if line.chars().nth(WHOLE_LINE).is_none() {
        return (line.to_string(), start - begin, end - begin);
    }
    let from = source[begin..start].char_indices().rev().nth(BEFORE - 1).map_or(begin, |(i, _)| begin + i);
    let to = source[start..stop].char_indices().nth(AFTER).map_or(stop, |(i, _)| start + i);
    let mut shown = String::new();
    if from > begin {
        shown.push('…');
    }
    let offset = shown.len();
    shown.push_str(&source[from..to]);
    if to < stop {
        shown.push('…');
    }
    (shown, start - from + offset, end.min(to) - from + offset)
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::problem::listed;

    fn problem(text: &str, what: &str) -> Problem {
        let start = text.find(what).expect("the piece is in the text");
        let before = &text[..start];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
        Problem {
            code: "E012",
            place: Place { set: None, line, column, start, end: start + what.len() },
            title: text!("problem-no-interface-on", name = "`eth1`", host_name = "rs1"),
            label: text!("problem-host-has", host_name = "rs1", names = listed(["eth0", "lo"])),
            help: Some(text!("did-you-mean", name = "rs1:eth0")),
        }
    }

    #[test]
    fn a_problem_looks_as_in_the_manual() {
        let text = format!("{}    - {{ at: 5s, link: [rs1:eth1, lan], set: {{ up: false }} }}\n", "\n".repeat(40));
        let shown = render(&[problem(&text, "rs1:eth1")], "scenarios/dr.yaml", &text, false);
        let wanted = "\
error[E012]: no interface `eth1` on `rs1`
  --> scenarios/dr.yaml:41:24
   |
41 |     - { at: 5s, link: [rs1:eth1, lan], set: { up: false } }
   |                        ^^^^^^^^ rs1 has eth0 and lo
   = help: did you mean `rs1:eth0`?
";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn in_chinese_all_is_said_in_chinese() {
        let text = "link: rs1:eth1\n";
        let shown = render_in(&[problem(text, "rs1:eth1")], "a.yaml", text, false, Lang::Zh);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "错误[E012]: `rs1` 上没有接口 `eth1`");
        assert!(lines[4].ends_with("^^^^^^^^ rs1 有 eth0 和 lo"), "{shown}");
        assert_eq!(lines[5..], ["  = 办法: 是不是想写 `rs1:eth0`？"]);
    }

    #[test]
    fn the_caret_stands_under_wide_characters() {
        let text = "about: 直接路由 rs1:eth1\n";
        let shown = render(&[problem(text, "rs1:eth1")], "a.yaml", text, false);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], " --> a.yaml:1:13");
        let width = |s: &str| unicode_width::UnicodeWidthStr::width(s);
        let caret = lines[4].find('^').map(|i| width(&lines[4][..i]));
        let word = lines[3].find("rs1:eth1").map(|i| width(&lines[3][..i]));
        assert_eq!(caret, word);
    }

    #[test]
    fn of_an_endless_line_only_the_part_around_the_caret_is_shown() {
        let text = format!("{}rs1:eth1{}", "甲".repeat(100_000), "b".repeat(100_000));
        let shown = render(&[problem(&text, "rs1:eth1")], "a.yaml", &text, false);
        assert!(shown.contains("a.yaml:1:100001"), "{shown}");
        assert!(shown.len() < 2_000, "{}", shown.len());
        assert!(shown.contains("^^^^^^^^ rs1 has"), "{shown}");
    }

    #[test]
    fn colour_changes_no_word() {
        let text = "a: rs1:eth1\n";
        let plain = render(&[problem(text, "rs1:eth1")], "a.yaml", text, false);
        let styled = render(&[problem(text, "rs1:eth1")], "a.yaml", text, true);
        let mut stripped = String::new();
        let mut rest = styled.as_str();
        while let Some(i) = rest.find('\u{1b}') {
            stripped.push_str(&rest[..i]);
            rest = rest[i..].split_once('m').map_or("", |(_, after)| after);
        }
        stripped.push_str(rest);
        assert_eq!(stripped, plain);
        assert_ne!(styled, plain);
    }
}
