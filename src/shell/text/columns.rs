//! `cut` and `tr`.

use super::Io;
use super::cat::inputs;
use super::options::{Spec, hint, parse};

/// `1,3-5,7-` as ranges.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    text.split(',')
        .map(|part| {
            let (from, to) = match part.split_once('-') {
                None => {
                    let n = part.parse().ok()?;
                    (n, n)
                }
                Some(("", "")) => return None,
                Some((from, to)) => (
                    if from.is_empty() { 1 } else { from.parse().ok()? },
                    if to.is_empty() { usize::MAX } else { to.parse().ok()? },
                ),
            };
            (from >= 1 && to >= from).then_some((from, to))
        })
        .collect()
}

pub(super) fn cut(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[
        ("fields", 'f'),
        ("delimiter", 'd'),
        ("characters", 'c'),
        ("bytes", 'b'),
        ("only-delimited", 's'),
        ("complement", 'C'),
        ("output-delimiter", 'O'),
    ];
    let Some(parsed) = parse(io, &Spec { name: "cut", letters: "f:d:c:b:snCO:", longs, others: "z" }) else { return 1 };
    let fields = parsed.value('f');
    let Some(list) = fields.or(parsed.value('c')).or(parsed.value('b')) else {
        io.error("cut: you must specify a list of bytes, characters, or fields\n");
        hint(io, "cut");
        return 1;
    };
    let Some(ranges) = ranges(list) else {
        io.error(&format!(
            "cut: invalid {} '{list}'\n",
            if fields.is_some() { "field value" } else { "byte/character position" }
        ));
        hint(io, "cut");
        return 1;
    };
    let delim = parsed.value('d').unwrap_or("\t");
    if delim.chars().count() > 1 {
        io.error("cut: the delimiter must be a single character\n");
        hint(io, "cut");
        return 1;
    }
    let wanted = |n: usize| ranges.iter().any(|(a, b)| (*a..=*b).contains(&n)) != parsed.has('C');
    let (texts, failed) = inputs(io, "cut", &parsed.operands);
    let mut out = String::new();
    for (_, text) in &texts {
        for line in text.lines() {
            if fields.is_none() {
                out.extend(line.chars().enumerate().filter(|(n, _)| wanted(n + 1)).map(|(_, c)| c));
            } else if delim.is_empty() || !line.contains(delim) {
                if parsed.has('s') {
                    continue;
                }
                out += line;
            } else {
                let parts: Vec<&str> =
                    line.split(delim).enumerate().filter(|(n, _)| wanted(n + 1)).map(|(_, p)| p).collect();
                out += &parts.join(parsed.value('O').unwrap_or(delim));
            }
            out.push('\n');
        }
    }
    io.print(&out);
    u8::from(failed)
}

/// A set of `tr`: ranges, classes, escapes.
fn set(text: &str) -> Vec<char> {
    let text = crate::shell::bash::escape::unescape(text, crate::shell::bash::escape::Style::Format).0;
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '[' && chars.get(at + 1) == Some(&':') {
            let rest: String = chars[at + 2..].iter().collect();
            if let Some(end) = rest.find(":]") {
                let name = &rest[..end];
                out.extend((0..128u8).map(char::from).filter(|c| crate::shell::bash::escape::in_class(name, *c)));
                at += 4 + end;
                continue;
            }
        }
        if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() && chars[at] <= chars[at + 2] {
            out.extend((chars[at]..=chars[at + 2]).take(4096));
            at += 3;
            continue;
        }
        out.push(chars[at]);
        at += 1;
    }
    out
}

pub(super) fn tr(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c'), ("truncate-set1", 't')];
    let Some(parsed) = parse(io, &Spec { name: "tr", letters: "dscCt", longs, others: "" }) else { return 1 };
    let (delete, squeeze, not) = (parsed.has('d'), parsed.has('s'), parsed.has('c') || parsed.has('C'));
    let needed = if delete != squeeze { 1 } else { 2 };
    let Some(first) = parsed.operands.first() else {
        io.error("tr: missing operand\n");
        hint(io, "tr");
        return 1;
    };
    if parsed.operands.len() < needed {
        io.error(&format!("tr: missing operand after '{first}'\n"));
        io.error(if delete {
            "Two strings must be given when both deleting and squeezing repeats.\n"
        } else {
            "Two strings must be given when translating.\n"
        });
        hint(io, "tr");
        return 1;
    }
    if let Some(extra) = parsed.operands.get(if delete && !squeeze { 1 } else { 2 }) {
        io.error(&format!("tr: extra operand '{extra}'\n"));
        hint(io, "tr");
        return 1;
    }
    let (from, to) = (set(first), parsed.operands.get(1).map(|t| set(t)));
    let inside = |c: char| from.contains(&c) != not;
    let text = io.stdin.read();
    io.work += text.len() as u64 * (from.len() as u64 / 32 + 1);
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    let squeezed: Option<&Vec<char>> = if squeeze { Some(to.as_ref().unwrap_or(&from)) } else { None };
    for c in text.chars() {
        let mut c = c;
        if inside(c) {
            if delete {
                continue;
            }
            if let Some(to) = &to
                && let Some(end) = to.last()
            {
                let place = if not { usize::MAX } else { from.iter().position(|f| *f == c).unwrap_or(0) };
                c = *to.get(place).unwrap_or(end);
            }
        }
        let in_squeezed = squeezed.is_some_and(|s| if to.is_none() { inside(c) } else { s.contains(&c) });
        if in_squeezed && last == Some(c) {
            continue;
        }
        last = Some(c);
        out.push(c);
    }
    io.print(&out);
    0
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::run;

    #[test]
    fn cut_takes_fields_and_characters() {
        for (args, input, out) in [
            (vec!["-d:", "-f2"], "a:b:c\nplain\n", "b\nplain\n"),
            (vec!["-d", " ", "-f", "1,3-"], "a b c d\n", "a c d\n"),
            (vec!["-c", "2-3"], "abcd\n", "bc\n"),
            (vec!["-d:", "-f2", "-s"], "a:b\nplain\n", "b\n"),
        ] {
            assert_eq!(run("cut", &args, input).0, out, "{args:?}");
        }
        assert_eq!(run("cut", &["-f", "0"], "").1, 1);
    }

    #[test]
    fn tr_translates_deletes_and_squeezes() {
        for (args, input, out) in [
            (vec!["a-z", "A-Z"], "abc1", "ABC1"),
            (vec!["-d", "\\n"], "a\nb\n", "ab"),
            (vec!["-s", " "], "a   b", "a b"),
            (vec!["[:upper:]", "[:lower:]"], "AbC", "abc"),
            (vec!["-cd", "0-9"], "a1b2", "12"),
            (vec!["ab", "x"], "aabb", "xxxx"),
        ] {
            assert_eq!(run("tr", &args, input).0, out, "{args:?}");
        }
    }
}
