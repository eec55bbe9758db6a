//! Brace expansion: `{a,b}`, `{1..5}`, `{a..e..2}`; text only, before every other expansion.

use super::ast::{Part, Word};

/// The most words that one word may become.
const MAX_WORDS: usize = 10_000;
/// Braces nested deeper than this are plain text.
const MAX_NESTING: u32 = 16;

/// A piece of a word after brace expansion.
#[derive(Clone, Debug)]
pub(super) enum Piece<'a> {
    Text(String),
    Part(&'a Part),
}

#[derive(Clone, Copy)]
enum Atom<'a> {
    Char(char),
    Part(&'a Part),
}

/// The words that a word becomes; one if there is nothing to expand.
///
/// # Errors
/// Too many words.
pub(super) fn expand(word: &Word) -> Result<Vec<Vec<Piece<'_>>>, String> {
    if !word.parts.iter().any(|p| matches!(p, Part::Text(t) if t.contains('{'))) {
        return Ok(vec![word.parts.iter().map(Piece::Part).collect()]);
    }
    let mut atoms = Vec::new();
    for part in &word.parts {
        match part {
            Part::Text(text) => atoms.extend(text.chars().map(Atom::Char)),
            other => atoms.push(Atom::Part(other)),
        }
    }
    let words = all(&atoms, 0)?;
    Ok(words.into_iter().map(|w| pieces(&w)).collect())
}

fn pieces<'a>(atoms: &[Atom<'a>]) -> Vec<Piece<'a>> {
    let mut out: Vec<Piece<'a>> = Vec::new();
    for atom in atoms {
        match (atom, out.last_mut()) {
            (Atom::Char(c), Some(Piece::Text(text))) => text.push(*c),
            (Atom::Char(c), _) => out.push(Piece::Text(c.to_string())),
            (Atom::Part(part), _) => out.push(Piece::Part(part)),
        }
    }
    out
}

fn all<'a>(atoms: &[Atom<'a>], depth: u32) -> Result<Vec<Vec<Atom<'a>>>, String> {
    let mut words: Vec<Vec<Atom<'a>>> = vec![Vec::new()];
    let mut at = 0;
    while at < atoms.len() {
        let group = match atoms[at] {
            Atom::Char('{') if depth < MAX_NESTING => group(atoms, at),
            _ => None,
        };
        let Some((items, after)) = group else {
            words.iter_mut().for_each(|w| w.push(atoms[at]));
            at += 1;
            continue;
        };
        let mut choices = Vec::new();
        match items {
            Items::List(parts) => {
                for part in parts {
                    choices.extend(all(part, depth + 1)?);
                }
            }
            Items::Sequence(texts) => choices.extend(texts.iter().map(|t| t.chars().map(Atom::Char).collect())),
        }
        if words.len() * choices.len() > MAX_WORDS {
            return Err(format!("lvsim: brace expansion makes more than {MAX_WORDS} words"));
        }
        words = words.iter().flat_map(|w| choices.iter().map(move |c| w.iter().chain(c).copied().collect())).collect();
        at = after;
    }
    Ok(words)
}

enum Items<'a, 'b> {
    List(Vec<&'b [Atom<'a>]>),
    Sequence(Vec<String>),
}

/// The brace expression that begins at `at`, and where it ends.
fn group<'a, 'b>(atoms: &'b [Atom<'a>], at: usize) -> Option<(Items<'a, 'b>, usize)> {
    let (mut depth, mut from) = (0u32, at + 1);
    let mut items = Vec::new();
    for (n, atom) in atoms.iter().enumerate().skip(at + 1) {
        match atom {
            Atom::Char('{') => depth += 1,
            Atom::Char('}') if depth > 0 => depth -= 1,
            Atom::Char('}') => {
                items.push(&atoms[from..n]);
                if items.len() > 1 {
                    return Some((Items::List(items), n + 1));
                }
                return Some((Items::Sequence(sequence(items[0])?), n + 1));
            }
            Atom::Char(',') if depth == 0 => {
                items.push(&atoms[from..n]);
                from = n + 1;
            }
            _ => {}
        }
    }
    None
}

fn sequence(atoms: &[Atom<'_>]) -> Option<Vec<String>> {
    let text: Option<String> = atoms.iter().map(|a| if let Atom::Char(c) = a { Some(*c) } else { None }).collect();
    let text = text?;
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] => (*from, *to, step.parse::<i64>().ok()?),
        _ => return None,
    };
    let step = i128::from(step).abs().max(1);
    let single = |s: &str| s.chars().next().filter(|c| s.len() == 1 && c.is_ascii_alphabetic());
    let (first, last, width, letters) = match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(a), Ok(b)) => {
            let padded = |s: &str| s.trim_start_matches('-').starts_with('0') && s.trim_start_matches('-').len() > 1;
            let width = if padded(from) || padded(to) { from.len().max(to.len()) } else { 0 };
            (i128::from(a), i128::from(b), width, false)
        }
        _ => (i128::from(single(from)? as u32), i128::from(single(to)? as u32), 0, true),
    };
    let mut out = Vec::new();
    let mut value = first;
    while (first <= last && value <= last) || (first > last && value >= last) {
        if out.len() > MAX_WORDS {
            break;
        }
        out.push(if letters { char::from_u32(value as u32)?.to_string() } else { format!("{value:0width$}") });
        value += if first <= last { step } else { -step };
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let word = Word { parts: vec![Part::Text(text.into())], raw: text.into() };
        let text = |p: &Piece<'_>| match p {
            Piece::Text(t) => t.clone(),
            Piece::Part(Part::Text(t)) => t.clone(),
            Piece::Part(_) => String::new(),
        };
        expand(&word).expect("few words").iter().map(|w| w.iter().map(text).collect()).collect()
    }

    #[test]
    fn braces_expand_in_order() {
        for (text, out) in [
            ("conf/{all,lo}/x", "conf/all/x conf/lo/x"),
            ("{1..3}", "1 2 3"),
            ("{3..1}", "3 2 1"),
            ("{08..10}", "08 09 10"),
            ("{a..e..2}", "a c e"),
            ("a{b,c{d,e}}f", "abf acdf acef"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("{a}", "{a}"),
            ("{a,b", "{a,b"),
            ("{,x}", " x"),
        ] {
            assert_eq!(words(text).join(" "), out, "{text}");
        }
    }

    #[test]
    fn too_many_words_are_refused() {
        let word = Word { parts: vec![Part::Text("{1..100}".repeat(3))], raw: String::new() };
        assert!(expand(&word).is_err());
        let deep = Word { parts: vec![Part::Text("{a,".repeat(5000))], raw: String::new() };
        assert!(expand(&deep).is_ok());
    }
}
