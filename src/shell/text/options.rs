//! Shared by the text programs: Options as GNU's getopt_long reads them: clusters, values, long names, operands in any place.

use super::Io;

/// The options and operands of a command line, in order.
pub(super) struct Parsed {
    pub options: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Parsed {
    pub fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(c, _)| *c == letter)
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().rev().find(|(c, _)| *c == letter).map(|(_, v)| v.as_str())
    }
}

/// What a program takes.
pub(super) struct Spec {
    pub name: &'static str,
    /// Letters; `:` behind one that has a value.
    pub letters: &'static str,
    /// Long names and the letters that they stand for.
    pub longs: &'static [(&'static str, char)],
    /// Letters that the real program knows and lvsim does not.
    pub others: &'static str,
}

/// Reads the arguments; `None` after an error, which has been told.
pub(super) fn parse(io: &mut Io<'_, '_>, spec: &Spec) -> Option<Parsed> {
    let mut parsed = Parsed { options: Vec::new(), operands: Vec::new() };
    let args = io.args;
    let mut at = 0;
    let name = spec.name;
    let takes =
        |c: char| spec.letters.find(c).filter(|_| c != ':').map(|n| spec.letters[n + c.len_utf8()..].starts_with(':'));
    while let Some(arg) = args.get(at) {
        at += 1;
        if arg == "--" {
            parsed.operands.extend(args[at..].iter().cloned());
            break;
        }
        if let Some(long) = arg.strip_prefix("--") {
            let (key, value) = long.split_once('=').map_or((long, None), |(k, v)| (k, Some(v.to_string())));
            let exact = spec.longs.iter().find(|(l, _)| *l == key);
            let mut near = spec.longs.iter().filter(|(l, _)| l.starts_with(key));
            let Some((_, letter)) = exact.or_else(|| near.next()) else {
                io.error(&format!("{name}: unrecognized option '--{key}'\n"));
                hint(io, name);
                return None;
            };
            match (takes(*letter) == Some(true), value) {
                (true, Some(value)) => parsed.options.push((*letter, value)),
                (true, None) => {
                    let Some(value) = args.get(at) else {
                        io.error(&format!("{name}: option '--{key}' requires an argument\n"));
                        hint(io, name);
                        return None;
                    };
                    at += 1;
                    parsed.options.push((*letter, value.clone()));
                }
                (false, value) => parsed.options.push((*letter, value.unwrap_or_default())),
            }
            continue;
        }
        if !arg.starts_with('-') || arg.len() == 1 {
            parsed.operands.push(arg.clone());
            continue;
        }
        let mut letters = arg[1..].chars();
        while let Some(c) = letters.next() {
            match takes(c) {
                Some(false) => parsed.options.push((c, String::new())),
                Some(true) => {
                    let rest: String = letters.by_ref().collect();
                    let value = if !rest.is_empty() {
                        rest
                    } else if let Some(value) = args.get(at) {
                        at += 1;
                        value.clone()
                    } else {
                        io.error(&format!("{name}: option requires an argument -- '{c}'\n"));
                        hint(io, name);
                        return None;
                    };
                    parsed.options.push((c, value));
                }
                None if spec.others.contains(c) => {
                    io.error(&format!("{name}: lvsim: the option -{c} is not simulated\n"));
                    return None;
                }
                None => {
                    io.error(&format!("{name}: invalid option -- '{c}'\n"));
                    hint(io, name);
                    return None;
                }
            }
        }
    }
    Some(parsed)
}

/// The line about `--help`.
pub(super) fn hint(io: &mut Io<'_, '_>, name: &str) {
    if name == "grep" {
        io.error("Usage: grep [OPTION]... PATTERNS [FILE]...\n");
    }
    io.error(&format!("Try '{name} --help' for more information.\n"));
}

/// A count such as `10`; GNU's suffixes k, K, M are understood.
pub(super) fn count(text: &str) -> Option<usize> {
    let (digits, scale) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1024),
        'M' => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(scale)
}
