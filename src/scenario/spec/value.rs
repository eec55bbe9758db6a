//! Single values: text, numbers, times, rates, sizes. Each reader tells what is wrong, and how to write it.

use crate::base::{Span, size};
use crate::scenario::limits::{MAX_BANDWIDTH, MAX_BYTES, MAX_LINE, MAX_NAME, MAX_SPAN_NS};
use crate::scenario::model::At;
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::spec::Spot;
use crate::scenario::spec::read::wrong;
use crate::scenario::tree::{Node, Style};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The text of a scalar, trimmed; tells a list or a map.
pub(crate) fn word<'t>(node: &'t Node<'_>, wanted: &str, example: &str, p: &mut Problems) -> Option<&'t str> {
    match node.text() {
        Some(text) if !node.is_null() => Some(text.trim()),
        _ => {
            wrong(node, wanted, example, p);
            None
        }
    }
}

/// Any text.
pub(crate) fn text(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    match node.text() {
        Some(text) if !node.is_null() => Some(text.to_string()),
        _ => {
            p.error("E016", node.at, format!("{} where text is wanted", node.what()))
                .label(format!("this is {}", node.what()))
                .help("put it in quotes if it is meant as text");
            None
        }
    }
}

/// A text of one line.
pub(crate) fn line(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    let text = word(node, "text", "\"text\"", p)?;
    if text.is_empty() || text.len() > MAX_LINE || text.contains(['\n', '\r']) {
        p.error("E016", node.at, format!("this wants one line of text, of at most {MAX_LINE} bytes"))
            .label(if text.is_empty() { "empty" } else { "too much" })
            .help("one command or value per item");
        return None;
    }
    Some(text.to_string())
}

/// A name: letters, digits, `-` and `_`, beginning with a letter or a digit.
pub(crate) fn name(node: &Node<'_>, of: &str, p: &mut Problems) -> Option<String> {
    let text = word(node, "a name", "web-1", p)?;
    good_name(&Spot { v: text.to_string(), at: node.at }, of, p).then(|| text.to_string())
}

/// Whether a name has only characters that names may have; tells it otherwise.
pub(crate) fn good_name(name: &Spot<String>, of: &str, p: &mut Problems) -> bool {
    const LONGEST: usize = MAX_NAME;
    let text = &name.v;
    let bad = text.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
    let label = match bad {
        _ if text.is_empty() => "empty".to_string(),
        Some(c) => format!("{} may not be in it", quote(&c.to_string())),
        None if !text.starts_with(char::is_alphanumeric) => "begins with no letter or digit".into(),
        None if text.chars().count() > LONGEST => format!("longer than {LONGEST} characters"),
        None => return true,
    };
    p.error("E021", name.at, format!("{} cannot be the name of {of}", quote(text)))
        .label(label)
        .help("names have letters, digits, `-` and `_`, and begin with a letter or a digit");
    false
}

/// One of some words.
pub(crate) fn choice<T: Copy>(node: &Node<'_>, what: &str, words: &[(&str, T)], p: &mut Problems) -> Option<T> {
    let example = words.first().map_or("", |w| w.0);
    let text = word(node, what, example, p)?;
    if let Some(&(_, value)) = words.iter().find(|w| w.0 == text) {
        return Some(value);
    }
    let similar = p.similar(text, words.iter().map(|w| w.0));
    p.error("E030", node.at, format!("{} is no {}", quote(text), what.trim_start_matches("a ")))
        .label(format!("not one of {}", listed(words.iter().map(|w| w.0))))
        .suggest(similar, format!("write `{example}`, for example"));
    None
}

/// `true` or `false`; the words of YAML 1.1 are told by name.
pub(crate) fn boolean(node: &Node<'_>, p: &mut Problems) -> Option<bool> {
    let text = word(node, "true or false", "true", p)?;
    let meant = match text {
        "true" | "True" | "TRUE" => return Some(true),
        "false" | "False" | "FALSE" => return Some(false),
        _ => match text.to_ascii_lowercase().as_str() {
            "on" | "yes" | "y" | "1" | "up" => Some(true),
            "off" | "no" | "n" | "0" | "down" => Some(false),
            _ => None,
        },
    };
    let problem = p.error("E018", node.at, format!("{} is neither true nor false", quote(text)));
    match meant {
        Some(meant) => problem.label("in YAML 1.2 this is a word").help(format!("write `{meant}`")),
        None => problem.label("wants true or false").help("write `true` or `false`"),
    };
    None
}

/// A text such as `10:20`, which some YAML readers take for a number to the base 60.
fn base_sixty(text: &str) -> bool {
    text.contains(':') && text.split(':').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// A whole number in `range`.
pub(crate) fn whole(node: &Node<'_>, range: RangeInclusive<u64>, p: &mut Problems) -> Option<u64> {
    let text = word(node, "a whole number", "12", p)?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (low, high) = (*range.start(), *range.end());
    match text.parse::<u64>() {
        Ok(n) if digits && range.contains(&n) => return Some(n),
        _ if digits => {
            p.error("E017", node.at, format!("{} is out of range", quote(text)))
                .label(format!("not in {low} to {high}"))
                .help(format!("write a number from {low} to {high}"));
            return None;
        }
        _ => {}
    }
    let plain: String = text.chars().filter(|c| !matches!(c, '_' | ',' | '\'' | ' ')).collect();
    let problem = p.error("E017", node.at, format!("{} is no whole number", quote(text)));
    let problem = problem.label("wants digits only");
    if base_sixty(text) {
        problem.help("it is text here; some YAML readers would take it for a number to the base 60");
    } else if text.starts_with('-') {
        problem.help(format!("write a number from {low} to {high}"));
    } else if plain != text && !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) {
        problem.help(format!("write `{plain}`"));
    } else {
        problem.help("write for example `12`");
    }
    None
}

/// A decimal number in millionths, in `range` of millionths.
pub(crate) fn millionths(node: &Node<'_>, range: RangeInclusive<u64>, p: &mut Problems) -> Option<u64> {
    let text = word(node, "a number", "1.5", p)?;
    let value = decimal(text, 6).filter(|n| range.contains(n));
    if value.is_none() {
        p.error("E017", node.at, format!("{} is no number that fits here", quote(text)))
            .label(format!("wants {} to {}", in_millionths(*range.start()), in_millionths(*range.end())))
            .help("write for example `1.5`; at most six digits after the point");
    }
    value
}

/// A number of millionths, as it is written.
pub(crate) fn in_millionths(n: u64) -> String {
    match n % 1_000_000 {
        0 => (n / 1_000_000).to_string(),
        part => format!("{}.{part:06}", n / 1_000_000).trim_end_matches('0').to_string(),
    }
}

/// How fast something is, such as `0.5` or `2x`, in millionths.
pub(crate) fn speed(node: &Node<'_>, most: u64, p: &mut Problems) -> Option<u64> {
    let text = word(node, "a speed", "0.5", p)?;
    let value = decimal(text.strip_suffix('x').unwrap_or(text).trim(), 6).filter(|&n| n <= most);
    if value.is_none() {
        p.error("E017", node.at, format!("{} is no speed", quote(text)))
            .label(format!("wants a number from 0 to {}", in_millionths(most)))
            .help("write for example `0.5` or `2x`; 1 is as fast as the service time says");
    }
    value
}

/// A decimal number without sign or exponent, times ten to the `places`; more places are refused.
pub(crate) fn decimal(text: &str, places: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > places as usize {
        return None;
    }
    let scale = 10u64.pow(places);
    let part = match fraction {
        "" => 0,
        f => f.parse::<u64>().ok()?.checked_mul(10u64.pow(places - f.len() as u32))?,
    };
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)
}

/// A length of time.
pub(crate) fn duration(node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    let text = word(node, "a duration", "250us", p)?;
    span(text, node, p)
}

fn span(text: &str, node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    match Span::parse(text) {
        Ok(span) if span.0 <= MAX_SPAN_NS => return Some(span),
        Ok(_) => {
            p.error("E023", node.at, format!("{} is longer than a year", quote(text)))
                .label("too long")
                .help("the longest time is 366 days, `8784h`");
        }
        Err(why) => {
            let problem = p.error("E023", node.at, format!("{} is no duration", quote(text)));
            if base_sixty(text) {
                let seconds =
                    text.split(':').try_fold(0u64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?));
                problem.label("text, not minutes and seconds");
                match seconds {
                    Some(s) => problem.help(format!("to the base 60 it would be {s}: write `{s}s`")),
                    None => problem.help("write for example `90s`"),
                };
            } else if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                let number = quote(text);
                let number = number.trim_matches('`');
                problem
                    .label("a number without a unit")
                    .help(format!("write `{number}s` or `{number}ms`; the units are ns, us, ms, s, m, h"));
            } else if text.starts_with('-') {
                problem
                    .label("a time is never negative here")
                    .help("t = 0 is the end of set-up; what is to happen before belongs into `run`");
            } else {
                let digit = text.starts_with(|c: char| c.is_ascii_digit());
                let why = if digit && why.contains("unit") {
                    "its unit is none of ns, us, ms, s, m, h"
                } else {
                    "not a number with a unit"
                };
                problem.label(why).help("write for example `250us`, `1.5s` or `2m`");
            }
        }
    }
    None
}

/// A moment of the run: a duration from t = 0, or `end`.
pub(crate) fn when(node: &Node<'_>, p: &mut Problems) -> Option<At> {
    match word(node, "a time", "5s", p)? {
        "end" => Some(At::End),
        text => span(text, node, p).map(At::Time),
    }
}

/// What may stand behind the `/` of a rate, in nanoseconds.
pub(crate) const RATE_UNITS: &[(&str, u64)] = &[
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A rate such as `100/s`, as the time between two.
pub(crate) fn rate(node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    let text = word(node, "a rate", "100/s", p)?;
    let gap = text.split_once('/').and_then(|(number, unit)| {
        let unit = RATE_UNITS.iter().find(|u| u.0 == unit.trim())?.1;
        let millionths = decimal(number.trim(), 6).filter(|&n| n > 0)?;
        let gap = u128::from(unit) * 1_000_000 / u128::from(millionths);
        u64::try_from(gap).ok().filter(|&ns| ns > 0 && ns <= MAX_SPAN_NS)
    });
    if gap.is_none() {
        p.error("E023", node.at, format!("{} is no rate", quote(text)))
            .label("wants a number above 0, `/` and a unit")
            .help("write for example `100/s`, `5/ms` or `30/m`; at most one per nanosecond");
    }
    gap.map(Span)
}

/// A rate, or the mean time between two.
pub(crate) fn rate_or_gap(node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    match node.text() {
        Some(text) if !text.contains('/') && !node.is_null() => duration(node, p),
        _ => rate(node, p),
    }
}

/// A rate, or 0 for none.
pub(crate) fn rate_or_none(node: &Node<'_>, p: &mut Problems) -> Option<Option<Span>> {
    match node.text().map(str::trim) {
        Some("0" | "0/s") => Some(None),
        _ => rate(node, p).map(Some),
    }
}

/// A number with one of some units, as whole base units.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let cut = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let unit = text[cut..].trim();
    let scale = units.iter().find(|u| u.0.eq_ignore_ascii_case(unit))?.1;
    let millionths = decimal(&text[..cut], 6)?;
    let n = u128::from(millionths) * u128::from(scale);
    (n % 1_000_000 == 0).then(|| u64::try_from(n / 1_000_000).ok()).flatten()
}

/// The units of a bandwidth in bits per second, small and capital letters alike.
pub(crate) const BANDWIDTH_UNITS: &[(&str, u64)] =
    &[("bit", 1), ("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000), ("tbit", 1_000_000_000_000)];

/// Bits per second.
pub(crate) fn bandwidth(node: &Node<'_>, p: &mut Problems) -> Option<u64> {
    let text = word(node, "a bandwidth", "1gbit", p)?;
    let per_second = text.strip_suffix("/s").unwrap_or(text);
    if let Some(bits) = with_unit(per_second, BANDWIDTH_UNITS).filter(|b| (1..=MAX_BANDWIDTH).contains(b)) {
        return Some(bits);
    }
    let bytes = text.to_ascii_lowercase().ends_with("bps");
    let problem = p.error("E024", node.at, format!("{} is no bandwidth", quote(text)));
    if bytes {
        problem.label("in `tc` bps means bytes per second").help("write bits: `100mbit`");
    } else {
        problem.label("wants a number above 0 and a unit").help("write for example `1gbit`, `100mbit` or `56kbit`");
    }
    None
}

/// The part of packets that are lost, in millionths.
pub(crate) fn loss(node: &Node<'_>, p: &mut Problems) -> Option<u32> {
    let text = word(node, "a loss", "0.5%", p)?;
    if text == "0" {
        return Some(0);
    }
    let ppm = text.strip_suffix('%').and_then(|n| decimal(n.trim(), 4)).filter(|&n| n <= 1_000_000);
    if ppm.is_none() {
        let number = decimal(text, 6).is_some();
        p.error("E026", node.at, format!("{} is no loss", quote(text)))
            .label(if number { "a number without `%`" } else { "wants 0% to 100%" })
            .help("write for example `10%` or `0.5%`; at most four digits after the point");
    }
    ppm.map(|n| n as u32)
}

/// A number of bytes.
pub(crate) fn bytes(node: &Node<'_>, p: &mut Problems) -> Option<u64> {
    let text = word(node, "a number of bytes", "100B", p)?;
    let n = size(text).filter(|&n| n <= MAX_BYTES);
    if n.is_none() {
        p.error("E025", node.at, format!("{} is no number of bytes that fits here", quote(text)))
            .label(if size(text).is_some() { "more than 1 GiB" } else { "wants a number, and B, kB, MB, KiB or MiB" })
            .help("write for example `100B`, `1kB` (1000 bytes) or `64KiB` (65536 bytes)");
    }
    n
}

/// `100B`, `1kB`, `64KiB`, as bytes; small and capital letters alike.
pub(crate) fn size(text: &str) -> Option<u64> {
    with_unit(text, size::UNITS)
}

/// What is typed at a shell, with the line in which it begins.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub text: Arc<str>,
    pub line: u32,
}

/// The text of a `run`.
pub(crate) fn script(node: &Node<'_>, p: &mut Problems) -> Option<Script> {
    use crate::scenario::tree::Kind;
    let Kind::Scalar(written, style) = &node.kind else {
        p.error("E016", node.at, format!("{} where command lines are wanted", node.what()))
            .label(format!("this is {}", node.what()))
            .help("write `run: |` and the lines below it, indented");
        return None;
    };
    // A block's place is its first line that is not empty; the empty ones before it belong to the text.
    let blank = match style {
        Style::Block => written.bytes().take_while(|&b| b == b'\n').count() as u32,
        _ => 0,
    };
    Some(Script { text: Arc::from(written.as_ref()), line: p.line_of(node.at).saturating_sub(blank).max(1) })
}
