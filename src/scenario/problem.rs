//! What is wrong with a scenario: collected in one pass, each thing once, sorted by place, told with cause and remedy.
//!
//! Codes are stable: a code is never given to another mistake. `E…` stops a scenario, `W…` does not.

use crate::lang::{Join, Text};
use crate::scenario::limits::MAX_PROBLEMS;
use crate::scenario::tree::Mark;
use crate::text;
use std::sync::Arc;

pub use crate::scenario::render::{render, render_in};

/// One mistake of a scenario file or of a `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The stable code, such as `E012`; warnings begin with `W`. See [`CODES`].
    pub code: &'static str,
    /// Where it is.
    pub place: Place,
    /// The cause, in one line.
    pub title: Text,
    /// What stands beside the caret; may be empty.
    pub label: Text,
    /// The remedy.
    pub help: Option<Text>,
}

impl Problem {
    /// Whether it only warns.
    pub fn is_warning(&self) -> bool {
        self.code.starts_with('W')
    }
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text of the `--set` that is meant; `None` is the file.
    pub set: Option<Arc<str>>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// The first byte.
    pub start: usize,
    /// One beyond the last byte; never on a later line than `start`.
    pub end: usize,
}

/// What a code means.
pub fn meaning(code: &str) -> Text {
    Text::row("problem", code, None)
}

/// Every code. Sorted.
pub const CODES: &[&str] = &[
    "E001", "E002", "E003", "E004", "E005", "E006", "E007", "E008", "E009", "E010", "E011", "E012", "E013", "E014",
    "E015", "E016", "E017", "E018", "E019", "E020", "E021", "E022", "E023", "E024", "E025", "E026", "E027", "E028",
    "E029", "E030", "E031", "E032", "E033", "E034", "E035", "E036", "E037", "E038", "E039", "E040", "E041", "E042",
    "E043", "E044", "E045", "E046", "E047", "E050", "E051", "E052", "E060", "E061", "W001", "W002", "W003", "W004",
    "W005",
];

/// A problem whose place is still a mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw {
    code: &'static str,
    at: Mark,
    title: Text,
    label: Text,
    help: Option<Text>,
}

impl Raw {
    /// What stands beside the caret.
    pub fn label(&mut self, label: Text) -> &mut Raw {
        self.label = label;
        self
    }

    /// The remedy.
    pub fn help(&mut self, help: Text) -> &mut Raw {
        self.help = Some(help);
        self
    }

    /// The remedy if a similar name exists, or else this one.
    pub fn suggest(&mut self, similar: Option<String>, otherwise: Text) -> &mut Raw {
        self.help = Some(match similar {
            Some(name) => text!("did-you-mean", name),
            None => otherwise,
        });
        self
    }
}

/// Collects problems.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// For each source the byte offsets at which its lines begin.
    lines: Vec<Vec<u32>>,
    raw: Vec<Raw>,
    /// Where those beyond the limit are written and forgotten.
    scratch: Raw,
    beyond: usize,
    /// How many more names may be compared in search of a similar one.
    comparisons: usize,
}

impl Problems {
    /// For the file and each `--set`.
    pub fn new(texts: &[&str]) -> Problems {
        let lines = texts.iter().map(|text| line_starts(text)).collect();
        Problems { lines, comparisons: 200_000, ..Problems::default() }
    }

    /// Adds a problem; its label and help follow.
    pub fn error(&mut self, code: &'static str, at: Mark, title: Text) -> &mut Raw {
        debug_assert!(CODES.contains(&code), "{code} has no row in CODES");
        if self.raw.len() >= MAX_PROBLEMS {
            self.beyond += 1;
            return &mut self.scratch;
        }
        self.raw.push(Raw { code, at, title, ..Raw::default() });
        self.raw.last_mut().unwrap_or(&mut self.scratch)
    }

    /// Whether no more problems are told; one more is counted then. For those whose words cost something to find.
    pub fn full(&mut self) -> bool {
        let full = self.raw.len() >= MAX_PROBLEMS;
        self.beyond += usize::from(full);
        full
    }

    /// Whether there is any error (warnings do not count).
    pub fn any(&self) -> bool {
        self.raw.iter().any(|raw| raw.code.starts_with('E'))
    }

    /// The line of a mark, counted from 1.
    pub fn line_of(&self, at: Mark) -> u32 {
        let starts = self.lines.get(usize::from(at.src)).map_or(&[][..], Vec::as_slice);
        starts.partition_point(|&s| s <= at.start).max(1) as u32
    }

    /// The name among `names` that is most like `word`; the first of equals.
    pub fn similar<'n>(&mut self, word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
        let length = word.chars().count();
        if length == 0 || length > 80 || self.raw.len() >= MAX_PROBLEMS {
            return None;
        }
        let lower = word.to_lowercase();
        // Every name of one letter is one step away from every other.
        let allowed = if length == 1 { 0 } else { (length / 3).clamp(1, 4) };
        let mut best: Option<(usize, &str)> = None;
        for name in names {
            if self.comparisons == 0 {
                break;
            }
            if name.len() > 200 {
                continue;
            }
            self.comparisons -= 1;
            let distance = match name.to_lowercase() {
                same if same == lower => 0,
                // The beginning of a name is as good as its worst misspelling.
                longer if length >= 3 && longer.starts_with(&lower) => allowed,
                other => strsim::damerau_levenshtein(&lower, &other),
            };
            if distance <= allowed && best.is_none_or(|(d, _)| distance < d) {
                best = Some((distance, name));
            }
        }
        best.map(|(_, name)| name.to_string())
    }

    /// The errors and the warnings, each sorted by place, each said once.
    pub fn finish(self, texts: &[&str]) -> (Vec<Problem>, Vec<Problem>) {
        let Problems { mut raw, lines, beyond, .. } = self;
        // A cause within an aliased value would be told for each use: equal problems are one.
        // The order is that of the English words, whatever language they are said in later.
        raw.sort_by_cached_key(|raw| (raw.at, raw.code, raw.title.to_string()));
        let same = |a: &Text, b: &Text| a == b || a.to_string() == b.to_string();
        raw.dedup_by(|b, a| a.at == b.at && a.code == b.code && same(&a.title, &b.title));
        let mut columns = Columns::default();
        let sets: Vec<Arc<str>> = texts.iter().skip(1).map(|t| Arc::from(*t)).collect();
        let mut all: Vec<Problem> = raw
            .into_iter()
            .map(|raw| {
                let src = usize::from(raw.at.src);
                let text = texts.get(src).copied().unwrap_or("");
                let starts = lines.get(src).map_or(&[0][..], Vec::as_slice);
                Problem {
                    code: raw.code,
                    place: columns.place(text, starts, raw.at, src.checked_sub(1).and_then(|n| sets.get(n)).cloned()),
                    title: raw.title,
                    label: raw.label,
                    help: raw.help,
                }
            })
            .collect();
        if beyond > 0
            && let Some(last) = all.last_mut()
        {
            let more = text!("problem-more-not-told", n = beyond);
            last.help = Some(match last.help.take() {
                Some(help) => text!("problem-help-and", help, more),
                None => more,
            });
        }
        all.into_iter().partition(|p| !p.is_warning())
    }
}

/// Where the lines of a text begin; `\n`, `\r\n` and a lone `\r` end a line, as in YAML.
fn line_starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (i, &b) in bytes.iter().enumerate() {
        if b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
            starts.push(i as u32 + 1);
        }
    }
    starts
}

/// Counts columns. Of two problems in one endless line the second is counted from the first.
#[derive(Default)]
struct Columns {
    last: Option<(Mark, u32)>,
}

impl Columns {
    /// A mark with line and column, cut to its first line and to what can be shown.
    fn place(&mut self, text: &str, starts: &[u32], at: Mark, set: Option<Arc<str>>) -> Place {
        const LONGEST: usize = 1 << 10;
        let line = starts.partition_point(|&s| s <= at.start).max(1);
        let begin = starts.get(line - 1).copied().unwrap_or(0);
        let start = at.start as usize;
        let (from, counted) = match self.last {
            Some((last, column)) if last.src == at.src && (begin..=at.start).contains(&last.start) => {
                (last.start, column)
            }
            _ => (begin, 1),
        };
        let passed = text.get(from as usize..start).unwrap_or("");
        let column = counted + passed.chars().filter(|&c| c != '\u{feff}').count() as u32;
        self.last = Some((at, column));
        let mut end = (at.end as usize).clamp(start, start + LONGEST);
        while end > start && !text.is_char_boundary(end) {
            end -= 1;
        }
        let piece = text.get(start..end).unwrap_or("");
        let end = start + piece.find(['\n', '\r']).unwrap_or(piece.len());
        Place { set, line: line as u32, column, start, end }
    }
}

/// A user's text in back-ticks: on one line, not too long, nothing invisible in it.
pub(crate) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::from("`");
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            out.push('…');
            break;
        }
        if c.is_control()
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}

/// Names as people list them: `a`, `b` and `c`; the first twelve.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> Text {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().take(SHOWN + 1).collect();
    let more = names.len() > SHOWN;
    let mut shown: Vec<Text> =
        names.iter().take(SHOWN).map(|name| Text::plain(quote(name).trim_matches('`'))).collect();
    if more {
        return text!("problem-and-others", names = Text::list(shown, Join::Comma));
    }
    match shown.pop() {
        Some(last) if !shown.is_empty() => Text::list([Text::list(shown, Join::Comma), last], Join::And),
        last => last.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CODES.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn the_most_similar_name_is_found_and_a_strange_one_is_not() {
        let mut problems = Problems::new(&[""]);
        let names = ["interfaces", "kind", "gateway", "serves"];
        assert_eq!(problems.similar("interface", names).as_deref(), Some("interfaces"));
        assert_eq!(problems.similar("knid", names).as_deref(), Some("kind"));
        assert_eq!(problems.similar("GATEWAY", names).as_deref(), Some("gateway"));
        assert_eq!(problems.similar("bicycle", names), None);
        assert_eq!(problems.similar("x", ["c", "X"]).as_deref(), Some("X"));
        assert_eq!(problems.similar("x", ["c", "lan"]), None);
        assert_eq!(problems.similar("", names), None);
    }

    #[test]
    fn columns_count_characters_and_lines_end_as_in_yaml() {
        let text = "甲: 乙\r\nb: c\rd: e\n";
        let starts = line_starts(text);
        let at = |s: &str| text.find(s).map(|i| Mark { src: 0, start: i as u32, end: (i + s.len()) as u32 });
        let where_is =
            |s: &str| at(s).map(|m| Columns::default().place(text, &starts, m, None)).map(|p| (p.line, p.column));
        assert_eq!(where_is("乙"), Some((1, 4)));
        assert_eq!(where_is("c"), Some((2, 4)));
        assert_eq!(where_is("e"), Some((3, 4)));
    }

    #[test]
    fn user_text_is_quoted_on_one_line() {
        assert_eq!(quote("a\nb\u{202e}"), "`a\\u{a}b\\u{202e}`");
        assert!(quote(&"x".repeat(500)).chars().count() < 70);
        assert_eq!(listed(["eth0", "lo"]).to_string(), "eth0 and lo");
        assert_eq!(listed(["a", "b", "c"]).to_string(), "a, b and c");
        assert_eq!(listed(["a"]).to_string(), "a");
        assert!(listed([]).is_none());
        assert!(listed(["a"; 13]).to_string().ends_with("a, a and others"));
    }
}
