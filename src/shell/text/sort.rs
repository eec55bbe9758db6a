//! `sort` and `uniq`. The order of `sort` is that of bytes (the C locale).

use super::Io;
use super::cat::inputs;
use super::options::{Spec, parse};
use std::cmp::Ordering;

/// A key: from field and character to field and character, with its own way to compare.
#[derive(Clone, Default)]
struct Key {
    from: (usize, usize),
    to: Option<(usize, usize)>,
    flags: String,
}

impl Key {
    fn parse(text: &str) -> Option<Key> {
        let end = |text: &str| -> Option<((usize, usize), String)> {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let flags = text[digits.len()..].to_string();
            let (field, char) = digits.split_once('.').unwrap_or((digits, "0"));
            Some(((field.parse().ok()?, char.parse().ok()?), flags))
        };
        let (from, to) = text.split_once(',').map_or((text, None), |(a, b)| (a, Some(b)));
        let (from, mut flags) = end(from)?;
        let to = match to {
            Some(to) => {
                let (to, more) = end(to)?;
                flags += &more;
                Some(to)
            }
            None => None,
        };
        (from.0 > 0 && flags.chars().all(|c| "nrfbhVgdiM".contains(c))).then_some(Key { from, to, flags })
    }

    fn of<'a>(&self, line: &'a str, sep: Option<char>) -> &'a str {
        let fields = fields(line, sep);
        let place = |(field, char): (usize, usize), end: bool| -> usize {
            let Some(&(a, b)) = fields.get(field - 1) else { return line.len() };
            if end {
                if char == 0 { b } else { line[a..b].char_indices().nth(char).map_or(b, |(n, _)| a + n) }
            } else {
                let a = if self.flags.contains('b') { a + line[a..b].len() - line[a..b].trim_start().len() } else { a };
                line[a..b].char_indices().nth(char.saturating_sub(1)).map_or(b, |(n, _)| a + n)
            }
        };
        let from = place(self.from, false);
        let to = self.to.filter(|t| t.0 > 0).map_or(line.len(), |to| place(to, true));
        line.get(from..to.max(from)).unwrap_or("")
    }
}

/// The fields of a line as byte ranges; without a separator a field begins with the blanks before it.
fn fields(line: &str, sep: Option<char>) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    let mut from = 0;
    let mut blank = true;
    for (n, c) in line.char_indices() {
        match sep {
            Some(sep) if c == sep => {
                all.push((from, n));
                from = n + c.len_utf8();
            }
            Some(_) => {}
            None => {
                let white = c == ' ' || c == '\t';
                if white && !blank {
                    all.push((from, n));
                    from = n;
                }
                blank = white;
            }
        }
    }
    all.push((from, line.len()));
    all
}

/// A decimal number at the beginning, as digits to compare: sign, whole part, fraction.
fn numeric(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let text = text.trim_start();
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |r| (true, r));
        let whole: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let part: String =
            rest[whole.len()..].strip_prefix('.').unwrap_or("").chars().take_while(char::is_ascii_digit).collect();
        let whole = whole.trim_start_matches('0').to_string();
        let part = part.trim_end_matches('0').to_string();
        let zero = whole.is_empty() && part.is_empty();
        (negative && !zero, whole, part)
    };
    let (na, wa, pa) = split(a);
    let (nb, wb, pb) = split(b);
    let size = wa.len().cmp(&wb.len()).then_with(|| wa.cmp(&wb)).then_with(|| pa.cmp(&pb));
    match (na, nb) {
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// `sort -h`: a number with K, M, G … behind it.
fn human(a: &str, b: &str) -> Ordering {
    let rank = |t: &str| {
        t.trim()
            .chars()
            .find(|c| !(c.is_ascii_digit() || "-. ".contains(*c)))
            .map_or(0, |c| "KMGTPEZY".find(c.to_ascii_uppercase()).map_or(0, |n| n + 1))
    };
    rank(a).cmp(&rank(b)).then_with(|| numeric(a, b))
}

/// `sort -V`: numbers within the text count as numbers.
fn version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let cut = |t: &str, digits: bool| t.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(t.len());
        let (x, y) = (cut(a, false), cut(b, false));
        let order = a[..x].cmp(&b[..y]);
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[x..], &b[y..]);
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let (x, y) = (cut(a, true), cut(b, true));
        let order = numeric(&a[..x], &b[..y]);
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[x..], &b[y..]);
    }
}

fn compare(a: &str, b: &str, flags: &str) -> Ordering {
    let order = if flags.contains('n') || flags.contains('g') {
        numeric(a, b)
    } else if flags.contains('h') {
        human(a, b)
    } else if flags.contains('V') {
        version(a, b)
    } else {
        let (a, b) = if flags.contains('b') { (a.trim_start(), b.trim_start()) } else { (a, b) };
        if flags.contains('f') { a.to_uppercase().cmp(&b.to_uppercase()) } else { a.cmp(b) }
    };
    if flags.contains('r') { order.reverse() } else { order }
}

pub(super) fn sort(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[
        ("numeric-sort", 'n'),
        ("reverse", 'r'),
        ("unique", 'u'),
        ("ignore-case", 'f'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("output", 'o'),
        ("ignore-leading-blanks", 'b'),
        ("human-numeric-sort", 'h'),
        ("version-sort", 'V'),
        ("stable", 's'),
        ("check", 'c'),
        ("general-numeric-sort", 'g'),
    ];
    let Some(parsed) = parse(io, &Spec { name: "sort", letters: "nrufk:t:o:bhVscg", longs, others: "dimMRSTz" }) else {
        return 2;
    };
    let global: String = parsed.options.iter().map(|(c, _)| *c).filter(|c| "nrfbhVg".contains(*c)).collect();
    let mut keys = Vec::new();
    for (_, text) in parsed.options.iter().filter(|(c, _)| *c == 'k') {
        match Key::parse(text) {
            Some(key) => keys.push(if key.flags.is_empty() { Key { flags: global.clone(), ..key } } else { key }),
            None => {
                io.error(&format!("sort: invalid number at field start: invalid count at start of '{text}'\n"));
                return 2;
            }
        }
    }
    let sep = match parsed.value('t') {
        None => None,
        Some("\\0") => Some('\0'),
        Some(text) if text.chars().count() == 1 => text.chars().next(),
        Some("") => {
            io.error("sort: empty tab\n");
            return 2;
        }
        Some(text) => {
            io.error(&format!("sort: multi-character tab '{text}'\n"));
            return 2;
        }
    };
    let (texts, failed) = inputs(io, "sort", &parsed.operands);
    if failed {
        return 2;
    }
    let mut lines: Vec<&str> = texts.iter().flat_map(|(_, t)| t.lines()).collect();
    io.work += lines.len() as u64 * 64;
    let by_keys = |a: &&str, b: &&str| {
        if keys.is_empty() {
            return compare(a, b, &global);
        }
        keys.iter()
            .map(|k| compare(k.of(a, sep), k.of(b, sep), &k.flags))
            .find(|o| *o != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    };
    // Lines that are equal by their keys are ordered as a whole, unless -s or -u.
    let whole = |a: &&str, b: &&str| {
        let order = by_keys(a, b);
        if parsed.has('s') || parsed.has('u') {
            return order;
        }
        order.then_with(|| if global.contains('r') { b.cmp(a) } else { a.cmp(b) })
    };
    if parsed.has('c') {
        for (n, pair) in lines.windows(2).enumerate() {
            if whole(&pair[0], &pair[1]) == Ordering::Greater {
                io.error(&format!(
                    "sort: {}:{}: disorder: {}\n",
                    texts.first().map_or("-", |(f, _)| f),
                    n + 2,
                    pair[1]
                ));
                return 1;
            }
        }
        return 0;
    }
    lines.sort_by(whole);
    if parsed.has('u') {
        lines.dedup_by(|b, a| by_keys(a, b) == Ordering::Equal);
    }
    let out: String = lines.iter().flat_map(|l| [*l, "\n"]).collect();
    match parsed.value('o') {
        None => io.print(&out),
        Some(file) => {
            let path = io.path(file);
            if let Err(error) = io.files.write(&path, &out, false) {
                io.error(&format!("sort: open failed: {file}: {error}\n"));
                return 2;
            }
        }
    }
    0
}

pub(super) fn uniq(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[
        ("count", 'c'),
        ("repeated", 'd'),
        ("unique", 'u'),
        ("ignore-case", 'i'),
        ("skip-fields", 'f'),
        ("skip-chars", 's'),
    ];
    let Some(parsed) = parse(io, &Spec { name: "uniq", letters: "cduif:s:", longs, others: "DzwW" }) else { return 1 };
    let skip = |letter: char| parsed.value(letter).and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
    let (skip_fields, skip_chars) = (skip('f'), skip('s'));
    let (texts, failed) = inputs(io, "uniq", &parsed.operands[..parsed.operands.len().min(1)]);
    let mut out = String::new();
    let mut emit = |count: usize, line: &str| {
        if (parsed.has('d') && count < 2) || (parsed.has('u') && count > 1) {
            return;
        }
        out += &if parsed.has('c') { format!("{count:7} {line}\n") } else { format!("{line}\n") };
    };
    let key = |line: &str| {
        let mut rest = line;
        for _ in 0..skip_fields {
            rest = rest.trim_start();
            rest = &rest[rest.find(char::is_whitespace).unwrap_or(rest.len())..];
        }
        let rest: String = rest.chars().skip(skip_chars).collect();
        if parsed.has('i') { rest.to_lowercase() } else { rest }
    };
    for (_, text) in &texts {
        let mut last: Option<(&str, String, usize)> = None;
        for line in text.lines() {
            let own = key(line);
            match &mut last {
                Some((_, held, count)) if *held == own => *count += 1,
                _ => {
                    if let Some((line, _, count)) = last.take() {
                        emit(count, line);
                    }
                    last = Some((line, own, 1));
                }
            }
        }
        if let Some((line, _, count)) = last {
            emit(count, line);
        }
    }
    io.print(&out);
    u8::from(failed)
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::run;

    #[test]
    fn sort_orders_by_bytes_numbers_and_keys() {
        for (args, input, out) in [
            (vec![], "b\na\nB\n", "B\na\nb\n"),
            (vec!["-n"], "10\n9\n-1\n", "-1\n9\n10\n"),
            (vec!["-rn"], "1\n10\n2\n", "10\n2\n1\n"),
            (vec!["-u"], "a\nb\na\n", "a\nb\n"),
            (vec!["-k2"], "x 2\ny 1\n", "y 1\nx 2\n"),
            (vec!["-k2,2n", "-t:"], "a:10\nb:9\n", "b:9\na:10\n"),
            (vec!["-V"], "eth10\neth9\n", "eth9\neth10\n"),
            (vec!["-f"], "b\nA\nC\n", "A\nb\nC\n"),
        ] {
            assert_eq!(run("sort", &args, input).0, out, "{args:?}");
        }
    }

    #[test]
    fn uniq_counts_neighbours() {
        assert_eq!(run("uniq", &["-c"], "a\na\nb\na\n").0, "      2 a\n      1 b\n      1 a\n");
        assert_eq!(run("uniq", &["-d"], "a\na\nb\n").0, "a\n");
        assert_eq!(run("uniq", &["-u"], "a\na\nb\n").0, "b\n");
    }
}
