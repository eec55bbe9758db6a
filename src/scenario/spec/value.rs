//! Single values: text, numbers, times, rates, sizes. Each reader tells what is wrong, and how to write it.

use crate::base::{Span, size};
use crate::lang::Text;
use crate::scenario::limits::{MAX_BANDWIDTH, MAX_BYTES, MAX_LINE, MAX_NAME, MAX_SPAN_NS};
use crate::scenario::model::At;
use crate::scenario::problem::{Problems, listed, quote};
use crate::scenario::spec::Spot;
use crate::scenario::spec::read::wrong;
use crate::scenario::tree::{Node, Style};
use crate::text;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The text of a scalar, trimmed; tells a list or a map.
pub(crate) fn word<'t>(node: &'t Node<'_>, wanted: Text, example: &str, p: &mut Problems) -> Option<&'t str> {
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
            p.error("E016", node.at, text!("problem-kind-where-text", what = node.what()))
                .label(text!("problem-this-is-kind", what = node.what()))
                .help(text!("problem-put-in-quotes-if-meant"));
            None
        }
    }
}

/// A text of one line.
pub(crate) fn line(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    let text = word(node, text!("problem-want-text"), "\"text\"", p)?;
    if text.is_empty() || text.len() > MAX_LINE || text.contains(['\n', '\r']) {
        p.error("E016", node.at, text!("problem-wants-one-line-text-at", most = MAX_LINE))
            .label(if text.is_empty() { text!("problem-empty") } else { text!("problem-too-much") })
            .help(text!("problem-one-command-or-value-per"));
        return None;
    }
    Some(text.to_string())
}

/// A name: letters, digits, `-` and `_`, beginning with a letter or a digit.
pub(crate) fn name(node: &Node<'_>, of: Text, p: &mut Problems) -> Option<String> {
    let text = word(node, text!("problem-want-name"), "web-1", p)?;
    good_name(&Spot { v: text.to_string(), at: node.at }, of, p).then(|| text.to_string())
}

/// Whether a name has only characters that names may have; tells it otherwise.
pub(crate) fn good_name(name: &Spot<String>, of: Text, p: &mut Problems) -> bool {
    const LONGEST: usize = MAX_NAME;
    let text = &name.v;
    let bad = text.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
    let label = match bad {
        _ if text.is_empty() => text!("problem-empty"),
        Some(c) => text!("problem-may-not-in", letter = quote(&c.to_string())),
        None if !text.starts_with(char::is_alphanumeric) => text!("problem-begins-with-no-letter-or"),
        None if text.chars().count() > LONGEST => text!("problem-longer-than-characters", most = LONGEST),
        None => return true,
    };
    p.error("E021", name.at, text!("problem-cannot-be-name-of", text = quote(text), of))
        .label(label)
        .help(text!("problem-names-have-letters-digits-and"));
    false
}

/// One of some words.
pub(crate) fn choice<T: Copy>(node: &Node<'_>, what: Text, words: &[(&str, T)], p: &mut Problems) -> Option<T> {
    let example = words.first().map_or("", |w| w.0);
    let text = word(node, text!("problem-a", what), example, p)?;
    if let Some(&(_, value)) = words.iter().find(|w| w.0 == text) {
        return Some(value);
    }
    let similar = p.similar(text, words.iter().map(|w| w.0));
    p.error("E030", node.at, text!("problem-is-no-noun", text = quote(text), what))
        .label(text!("problem-not-one-of", names = listed(words.iter().map(|w| w.0))))
        .suggest(similar, text!("problem-write-word", example));
    None
}

/// `true` or `false`; the words of YAML 1.1 are told by name.
pub(crate) fn boolean(node: &Node<'_>, p: &mut Problems) -> Option<bool> {
    let text = word(node, text!("problem-want-true-or-false"), "true", p)?;
    let meant = match text {
        "true" | "True" | "TRUE" => return Some(true),
        "false" | "False" | "FALSE" => return Some(false),
        _ => match text.to_ascii_lowercase().as_str() {
            "on" | "yes" | "y" | "1" | "up" => Some(true),
            "off" | "no" | "n" | "0" | "down" => Some(false),
            _ => None,
        },
    };
    let problem = p.error("E018", node.at, text!("problem-neither-true-nor-false", text = quote(text)));
    match meant {
        Some(meant) => problem.label(text!("problem-in-yaml-1-2-word")).help(text!("problem-write", what = meant)),
        None => problem.label(text!("problem-wants-true-or-false")).help(text!("problem-write-true-or-false")),
    };
    None
}

/// A text such as `10:20`, which some YAML readers take for a number to the base 60.
fn base_sixty(text: &str) -> bool {
    text.contains(':') && text.split(':').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// A whole number in `range`.
pub(crate) fn whole(node: &Node<'_>, range: RangeInclusive<u64>, p: &mut Problems) -> Option<u64> {
    let text = word(node, text!("problem-want-whole-number"), "12", p)?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (low, high) = (*range.start(), *range.end());
    match text.parse::<u64>() {
        Ok(n) if digits && range.contains(&n) => return Some(n),
        _ if digits => {
            p.error("E017", node.at, text!("problem-out-range", text = quote(text)))
                .label(text!("problem-not-between", low, high))
                .help(text!("problem-write-number-between", low, high));
            return None;
        }
        _ => {}
    }
    let plain: String = text.chars().filter(|c| !matches!(c, '_' | ',' | '\'' | ' ')).collect();
    let problem = p.error("E017", node.at, text!("problem-no-whole-number", text = quote(text)));
    let problem = problem.label(text!("problem-wants-digits-only"));
    if base_sixty(text) {
        problem.help(text!("problem-text-here-some-yaml-readers"));
    } else if text.starts_with('-') {
        problem.help(text!("problem-write-number-between", low, high));
    } else if plain != text && !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) {
        problem.help(text!("problem-write", what = plain));
    } else {
        problem.help(text!("problem-write-for-example", example = "12"));
    }
    None
}

/// A decimal number in millionths, in `range` of millionths.
pub(crate) fn millionths(node: &Node<'_>, range: RangeInclusive<u64>, p: &mut Problems) -> Option<u64> {
    let text = word(node, text!("problem-want-number"), "1.5", p)?;
    let value = decimal(text, 6).filter(|n| range.contains(n));
    if value.is_none() {
        p.error("E017", node.at, text!("problem-no-number-fits-here", text = quote(text)))
            .label(text!(
                "problem-wants-between",
                low = in_millionths(*range.start()),
                high = in_millionths(*range.end())
            ))
            .help(text!("problem-write-decimal"));
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
    let text = word(node, text!("problem-want-speed"), "0.5", p)?;
    let value = decimal(text.strip_suffix('x').unwrap_or(text).trim(), 6).filter(|&n| n <= most);
    if value.is_none() {
        p.error("E017", node.at, text!("problem-no-speed", text = quote(text)))
            .label(text!("problem-wants-number-from-0", most = in_millionths(most)))
            .help(text!("problem-write-speed"));
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
    let text = word(node, text!("problem-want-duration"), "250us", p)?;
    span(text, node, p)
}

fn span(text: &str, node: &Node<'_>, p: &mut Problems) -> Option<Span> {
    match Span::parse(text) {
        Ok(span) if span.0 <= MAX_SPAN_NS => return Some(span),
        Ok(_) => {
            p.error("E023", node.at, text!("problem-longer-than-year", text = quote(text)))
                .label(text!("problem-too-long"))
                .help(text!("problem-longest-time-366-days-8784h"));
        }
        Err(why) => {
            let problem = p.error("E023", node.at, text!("problem-no-duration", text = quote(text)));
            if base_sixty(text) {
                let seconds =
                    text.split(':').try_fold(0u64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?));
                problem.label(text!("problem-text-not-minutes-and-seconds"));
                match seconds {
                    Some(s) => problem.help(text!("problem-base-60-would-write-s", seconds = s)),
                    None => problem.help(text!("problem-write-for-example", example = "90s")),
                };
            } else if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                let number = quote(text);
                let number = number.trim_matches('`');
                problem.label(text!("problem-number-without-unit")).help(text!("problem-write-with-unit", number));
            } else if text.starts_with('-') {
                problem.label(text!("problem-time-never-negative-here")).help(text!("problem-t-0-end-set-up"));
            } else {
                let digit = text.starts_with(|c: char| c.is_ascii_digit());
                let why = if digit && why.contains("unit") {
                    text!("problem-its-unit-none-ns-us")
                } else {
                    text!("problem-not-number-with-unit")
                };
                problem.label(why).help(text!("problem-write-duration"));
            }
        }
    }
    None
}

/// A moment of the run: a duration from t = 0, or `end`.
pub(crate) fn when(node: &Node<'_>, p: &mut Problems) -> Option<At> {
    match word(node, text!("problem-want-time"), "5s", p)? {
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
    let text = word(node, text!("problem-want-rate"), "100/s", p)?;
    let gap = text.split_once('/').and_then(|(number, unit)| {
        let unit = RATE_UNITS.iter().find(|u| u.0 == unit.trim())?.1;
        let millionths = decimal(number.trim(), 6).filter(|&n| n > 0)?;
        let gap = u128::from(unit) * 1_000_000 / u128::from(millionths);
        u64::try_from(gap).ok().filter(|&ns| ns > 0 && ns <= MAX_SPAN_NS)
    });
    if gap.is_none() {
        p.error("E023", node.at, text!("problem-no-rate", text = quote(text)))
            .label(text!("problem-wants-rate"))
            .help(text!("problem-write-rate"));
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
    let text = word(node, text!("problem-want-bandwidth"), "1gbit", p)?;
    let per_second = text.strip_suffix("/s").unwrap_or(text);
    if let Some(bits) = with_unit(per_second, BANDWIDTH_UNITS).filter(|b| (1..=MAX_BANDWIDTH).contains(b)) {
        return Some(bits);
    }
    let bytes = text.to_ascii_lowercase().ends_with("bps");
    let problem = p.error("E024", node.at, text!("problem-no-bandwidth", text = quote(text)));
    if bytes {
        problem.label(text!("problem-in-tc-bps-means-bytes")).help(text!("problem-write-bits-100mbit"));
    } else {
        problem.label(text!("problem-wants-bandwidth")).help(text!("problem-write-bandwidth"));
    }
    None
}

/// The part of packets that are lost, in millionths.
pub(crate) fn loss(node: &Node<'_>, p: &mut Problems) -> Option<u32> {
    let text = word(node, text!("problem-want-loss"), "0.5%", p)?;
    if text == "0" {
        return Some(0);
    }
    let ppm = text.strip_suffix('%').and_then(|n| decimal(n.trim(), 4)).filter(|&n| n <= 1_000_000);
    if ppm.is_none() {
        let number = decimal(text, 6).is_some();
        p.error("E026", node.at, text!("problem-no-loss", text = quote(text)))
            .label(if number { text!("problem-number-without") } else { text!("problem-wants-0-100") })
            .help(text!("problem-write-loss"));
    }
    ppm.map(|n| n as u32)
}

/// A number of bytes.
pub(crate) fn bytes(node: &Node<'_>, p: &mut Problems) -> Option<u64> {
    let text = word(node, text!("problem-want-number-bytes"), "100B", p)?;
    let n = size(text).filter(|&n| n <= MAX_BYTES);
    if n.is_none() {
        p.error("E025", node.at, text!("problem-no-number-bytes-fits-here", text = quote(text)))
            .label(if size(text).is_some() {
                text!("problem-more-than-1-gib")
            } else {
                text!("problem-wants-number-and-b-kb")
            })
            .help(text!("problem-write-bytes"));
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
        p.error("E016", node.at, text!("problem-kind-where-commands", what = node.what()))
            .label(text!("problem-this-is-kind", what = node.what()))
            .help(text!("problem-write-run-and-lines-below"));
        return None;
    };
    // A block's place is its first line that is not empty; the empty ones before it belong to the text.
    let blank = match style {
        Style::Block => written.bytes().take_while(|&b| b == b'\n').count() as u32,
        _ => 0,
    };
    Some(Script { text: Arc::from(written.as_ref()), line: p.line_of(node.at).saturating_sub(blank).max(1) })
}
