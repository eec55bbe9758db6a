//! Files that a scenario names: lists of values, traces of arrivals. The caller reads them, since the library does no IO.
//!
//! A line is a record, its fields have commas between them; empty lines and those that begin with `#` are passed over, and so
//! is a first line that begins with a letter. A field is written as in the scenario (`20ms`, `1kB`) or is a bare number: of
//! seconds or bytes.

use crate::base::Span;
use crate::lang::Text;
use crate::scenario::Names;
use crate::scenario::limits::{MAX_BYTES, MAX_LIST, MAX_SPAN_NS};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::{Spot, value};
use crate::text;
use std::fmt;

/// Reads a file that a scenario names, by its name in the scenario; or says why not.
#[derive(Clone, Copy)]
pub struct ReadFile<'n>(pub &'n dyn Fn(&str) -> Result<String, String>);

impl fmt::Debug for ReadFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadFile")
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Time,
    Bytes,
}

impl Unit {
    pub fn example(self) -> &'static str {
        match self {
            Unit::Time => "20ms",
            Unit::Bytes => "10kB",
        }
    }

    pub fn name(self) -> Text {
        match self {
            Unit::Time => text!("problem-want-duration"),
            Unit::Bytes => text!("problem-want-number-bytes"),
        }
    }

    /// What a number without a unit counts.
    fn bare(self) -> Text {
        match self {
            Unit::Time => text!("problem-bare-seconds"),
            Unit::Bytes => text!("problem-bare-bytes"),
        }
    }

    fn parse(self, text: &str) -> Option<u64> {
        let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match self {
            Unit::Time if bare => value::decimal(text, 9).filter(|&ns| ns <= MAX_SPAN_NS),
            Unit::Time => Span::parse(text).ok().map(|s| s.0).filter(|&ns| ns <= MAX_SPAN_NS),
            Unit::Bytes => value::size(text).filter(|&n| n <= MAX_BYTES),
        }
    }
}

/// The first field of every record.
pub(crate) fn column(file: &Spot<String>, unit: Unit, names: &Names<'_>, p: &mut Problems) -> Option<Vec<u64>> {
    let rows = records(file, &[unit], names, p)?;
    Some(rows.into_iter().filter_map(|row| row[0]).collect())
}

/// Times and, where there is a second field, bytes.
pub(crate) fn trace(file: &Spot<String>, names: &Names<'_>, p: &mut Problems) -> Option<Vec<(Span, Option<u32>)>> {
    let rows = records(file, &[Unit::Time, Unit::Bytes], names, p)?;
    Some(rows.into_iter().filter_map(|row| Some((Span(row[0]?), row[1].map(|n| n as u32)))).collect())
}

/// The fields of every record; the first must be there.
fn records(file: &Spot<String>, units: &[Unit], names: &Names<'_>, p: &mut Problems) -> Option<Vec<Vec<Option<u64>>>> {
    let read = match names.read_file {
        Some(ReadFile(read)) => read(&file.v).map_err(Text::Plain),
        None => Err(text!("problem-no-files-read")),
    };
    let text = match read {
        Ok(text) => text,
        Err(why) => {
            p.error("E052", file.at, text!("problem-cannot-read", file = quote(&file.v)))
                .label(why)
                .help(text!("problem-name-file-beside-scenario"));
            return None;
        }
    };
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        let header = rows.is_empty() && line.starts_with(|c: char| c.is_alphabetic());
        if line.is_empty() || line.starts_with('#') || header {
            continue;
        }
        let mut fields = line.split(',').map(str::trim);
        let mut row = Vec::with_capacity(units.len());
        for (i, unit) in units.iter().enumerate() {
            let field = fields.next().unwrap_or("");
            if field.is_empty() && i > 0 {
                row.push(None);
                continue;
            }
            let Some(value) = unit.parse(field) else {
                p.error(
                    "E052",
                    file.at,
                    text!(
                        "problem-line-not",
                        line = n + 1,
                        file = quote(&file.v),
                        field = quote(field),
                        unit = unit.name()
                    ),
                )
                .label(text!("problem-this-file"))
                .help(text!("problem-write-or-bare", example = unit.example(), what = unit.bare()));
                return None;
            };
            row.push(Some(value));
        }
        rows.push(row);
        if rows.len() > MAX_LIST {
            p.error("E060", file.at, text!("problem-has-more-than-lines", file = quote(&file.v), most = MAX_LIST))
                .label(text!("problem-too-long"))
                .help(text!("problem-take-a-part"));
            return None;
        }
    }
    if rows.is_empty() {
        p.error("E052", file.at, text!("problem-has-no-values", file = quote(&file.v)))
            .label(text!("problem-empty"))
            .help(text!("problem-one-value-a-line"));
        return None;
    }
    Some(rows)
}
