//! `grep`, `egrep`, `fgrep`. Not modelled: `-P`, colours, binary files, `-f`, `--include`.

use super::Io;
use super::options::{Spec, hint, parse};
use super::regex::Regex;

pub(super) fn grep(io: &mut Io<'_, '_>) -> u8 {
    run(io, 'G')
}

pub(super) fn egrep(io: &mut Io<'_, '_>) -> u8 {
    io.error("egrep: warning: egrep is obsolescent; using grep -E\n");
    run(io, 'E')
}

pub(super) fn fgrep(io: &mut Io<'_, '_>) -> u8 {
    io.error("fgrep: warning: fgrep is obsolescent; using grep -F\n");
    run(io, 'F')
}

fn run(io: &mut Io<'_, '_>, syntax: char) -> u8 {
    let longs = &[
        ("quiet", 'q'),
        ("silent", 'q'),
        ("invert-match", 'v'),
        ("ignore-case", 'i'),
        ("count", 'c'),
        ("line-number", 'n'),
        ("only-matching", 'o'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("basic-regexp", 'G'),
        ("word-regexp", 'w'),
        ("line-regexp", 'x'),
        ("regexp", 'e'),
        ("after-context", 'A'),
        ("before-context", 'B'),
        ("context", 'C'),
        ("files-with-matches", 'l'),
        ("files-without-match", 'L'),
        ("with-filename", 'H'),
        ("no-filename", 'h'),
        ("max-count", 'm'),
        ("no-messages", 's'),
        ("recursive", 'r'),
        ("color", '1'),
        ("colour", '1'),
        ("line-buffered", '2'),
        ("text", 'a'),
    ];
    let Some(parsed) =
        parse(io, &Spec { name: "grep", letters: "qvicnoEFGwxe:A:B:C:lLHhm:srRa12y", longs, others: "PfzZbTUDdI" })
    else {
        return 2;
    };
    let mut operands = parsed.operands.clone();
    let mut patterns: Vec<String> = parsed.options.iter().filter(|(c, _)| *c == 'e').map(|(_, v)| v.clone()).collect();
    if patterns.is_empty() {
        if operands.is_empty() {
            io.error("Usage: grep [OPTION]... PATTERNS [FILE]...\n");
            io.error("Try 'grep --help' for more information.\n");
            return 2;
        }
        patterns.push(operands.remove(0));
    }
    let patterns: Vec<&str> = patterns.iter().flat_map(|p| p.split('\n')).collect();
    let syntax = parsed.options.iter().rev().map(|(c, _)| *c).find(|c| matches!(c, 'E' | 'F' | 'G')).unwrap_or(syntax);
    let mut regexes = Vec::new();
    for pattern in patterns {
        let regex = match syntax {
            'F' => Ok(Regex::literal(pattern)),
            'E' => Regex::extended(pattern),
            _ => Regex::basic(pattern),
        };
        match regex {
            Ok(regex) => regexes.push(if parsed.has('i') || parsed.has('y') { regex.ignoring_case() } else { regex }),
            Err(error) => {
                io.error(&format!("grep: {error}\n"));
                return 2;
            }
        }
    }
    let mut numbers = [0usize, 0, usize::MAX];
    for (place, letters) in [(0, "AC"), (1, "BC"), (2, "m")] {
        if let Some((_, value)) = parsed.options.iter().rev().find(|(c, _)| letters.contains(*c)) {
            match value.parse() {
                Ok(n) => numbers[place] = n,
                Err(_) => {
                    io.error(&if place == 2 {
                        "grep: invalid max count\n".to_string()
                    } else {
                        format!("grep: {value}: invalid context length argument\n")
                    });
                    return 2;
                }
            }
        }
    }
    let [after, before, most] = numbers;
    let recursive = parsed.has('r') || parsed.has('R');
    if recursive {
        operands = walk(io, if operands.is_empty() { vec![".".into()] } else { operands });
    } else if operands.is_empty() {
        operands.push("-".into());
    }
    let names = parsed.has('H') || ((operands.len() > 1 || recursive) && !parsed.has('h'));
    let (quiet, invert, quiet_errors) = (parsed.has('q'), parsed.has('v'), parsed.has('s'));
    let (mut any, mut failed) = (false, false);
    for file in &operands {
        let text = match io.read(file) {
            Ok(text) => text,
            Err(error) => {
                failed = true;
                if !quiet_errors {
                    let error = error.to_string();
                    io.error(&format!("grep: {file}: {error}\n"));
                }
                continue;
            }
        };
        io.work += regexes.iter().map(|r| r.cost(text.len())).sum::<u64>();
        let shown = if file == "-" { "(standard input)" } else { file.as_str() };
        let name = |sep: char| if names { format!("{shown}{sep}") } else { String::new() };
        let number = |n: usize, sep: char| if parsed.has('n') { format!("{}{sep}", n + 1) } else { String::new() };
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::new();
        let (mut count, mut printed_to, mut more) = (0, 0usize, 0usize);
        let context = after > 0 || before > 0;
        for (n, line) in lines.iter().enumerate() {
            let spans = spans(&regexes, line, parsed.has('w'), parsed.has('x'), parsed.has('o') && !invert);
            if spans.is_empty() == invert {
                if count >= most {
                    break;
                }
                count += 1;
                any = true;
                if quiet {
                    return 0;
                }
                if parsed.has('c') || parsed.has('l') || parsed.has('L') {
                    continue;
                }
                if parsed.has('o') {
                    if !invert {
                        for (a, b) in spans.iter().filter(|(a, b)| b > a) {
                            out += &format!("{}{}{}\n", name(':'), number(n, ':'), &line[*a..*b]);
                        }
                    }
                    continue;
                }
                let from = n.saturating_sub(before).max(printed_to);
                if context && printed_to > 0 && from > printed_to
                    || (context && printed_to == 0 && any && !out.is_empty() && from > 0)
                {
                    out += "--\n";
                }
                for (m, line) in lines.iter().enumerate().take(n).skip(from) {
                    out += &format!("{}{}{line}\n", name('-'), number(m, '-'));
                }
                out += &format!("{}{}{line}\n", name(':'), number(n, ':'));
                printed_to = n + 1;
                more = after;
            } else if more > 0 && !parsed.has('o') && !parsed.has('c') && !parsed.has('l') {
                out += &format!("{}{}{line}\n", name('-'), number(n, '-'));
                printed_to = n + 1;
                more -= 1;
            }
        }
        if parsed.has('c') {
            out = format!("{}{count}\n", name(':'));
        } else if parsed.has('l') {
            out = if count > 0 { format!("{shown}\n") } else { String::new() };
        } else if parsed.has('L') {
            out = if count == 0 { format!("{shown}\n") } else { String::new() };
        }
        io.print(&out);
    }
    if failed { 2 } else { u8::from(!any) }
}

/// Where a line matches; all places if `every`.
fn spans(regexes: &[Regex], line: &str, word: bool, whole: bool, every: bool) -> Vec<(usize, usize)> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut found = Vec::new();
    let mut from = 0;
    while from <= line.len() {
        let mut best: Option<(usize, usize)> = None;
        for regex in regexes {
            let mut at = from;
            while let Some(m) = regex.find(line, at) {
                let good = (!whole || (m.start == 0 && m.end == line.len()))
                    && (!word
                        || (!is_word(line[..m.start].chars().next_back()) && !is_word(line[m.end..].chars().next())));
                if good {
                    if best.is_none_or(|(a, b)| m.start < a || (m.start == a && m.end > b)) {
                        best = Some((m.start, m.end));
                    }
                    break;
                }
                // Another match may begin further on.
                let Some(c) = line[m.start..].chars().next() else { break };
                at = m.start + c.len_utf8();
            }
        }
        let Some((a, b)) = best else { break };
        found.push((a, b));
        if !every {
            break;
        }
        from = if b > a { b } else { b + line[b..].chars().next().map_or(1, char::len_utf8) };
    }
    found
}

/// All files below the operands.
fn walk(io: &mut Io<'_, '_>, operands: Vec<String>) -> Vec<String> {
    let mut left: Vec<String> = operands.into_iter().rev().collect();
    let mut files = Vec::new();
    while let Some(name) = left.pop() {
        let path = io.path(&name);
        if io.files.stat(&path).is_some_and(|s| s.dir) {
            let names = io.files.list(&path).unwrap_or_default();
            io.work += names.len() as u64 * 10;
            left.extend(
                names
                    .into_iter()
                    .rev()
                    .map(|n| if name == "." { n } else { format!("{}/{n}", name.trim_end_matches('/')) }),
            );
        } else {
            files.push(name);
        }
        if files.len() > 10_000 {
            hint(io, "grep");
            break;
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::{Plain, run, run_on};
    use crate::shell::vfs::Vfs;

    #[test]
    fn grep_selects_lines_as_its_options_say() {
        let text = "TCP 10.0.0.1:80\nUDP 10.0.0.1:53\ntcp port 80\n";
        for (args, out, status) in [
            (vec!["TCP"], "TCP 10.0.0.1:80\n", 0),
            (vec!["-i", "tcp"], "TCP 10.0.0.1:80\ntcp port 80\n", 0),
            (vec!["-v", "TCP"], "UDP 10.0.0.1:53\ntcp port 80\n", 0),
            (vec!["-c", "80"], "2\n", 0),
            (vec!["-n", "UDP"], "2:UDP 10.0.0.1:53\n", 0),
            (vec!["-oE", ":[0-9]+"], ":80\n:53\n", 0),
            (vec!["-w", "80"], "TCP 10.0.0.1:80\ntcp port 80\n", 0),
            (vec!["-w", "8"], "", 1),
            (vec!["-F", "10.0.0.1:5"], "UDP 10.0.0.1:53\n", 0),
            (vec!["-e", "UDP", "-e", "port"], "UDP 10.0.0.1:53\ntcp port 80\n", 0),
            (vec!["-q", "TCP"], "", 0),
            (vec!["nothing"], "", 1),
            (vec!["-m1", "80"], "TCP 10.0.0.1:80\n", 0),
            (vec!["-A1", "TCP"], "TCP 10.0.0.1:80\nUDP 10.0.0.1:53\n", 0),
            (vec!["-B1", "UDP"], "TCP 10.0.0.1:80\nUDP 10.0.0.1:53\n", 0),
            (vec!["-x", "tcp port 80"], "tcp port 80\n", 0),
            (vec!["TCP\\|UDP"], "TCP 10.0.0.1:80\nUDP 10.0.0.1:53\n", 0),
        ] {
            assert_eq!(run("grep", &args, text), (out.to_string(), status), "{args:?}");
        }
    }

    #[test]
    fn contexts_that_do_not_touch_are_parted() {
        let text = "a\nx\nb\nc\nd\nx\n";
        assert_eq!(run("grep", &["-A1", "x"], text).0, "x\nb\n--\nx\n");
        assert_eq!(run("grep", &["-nC1", "x"], text).0, "1-a\n2:x\n3-b\n--\n5-d\n6:x\n");
    }

    #[test]
    fn several_files_are_named() {
        let mut host = Plain(Vfs::new());
        host.0.write("/root/a", "x\n").expect("room");
        host.0.write("/root/b", "y\n").expect("room");
        assert_eq!(
            run_on(&mut host, "grep", &[".", "a", "b", "c"], ""),
            ("a:x\nb:y\ngrep: c: No such file or directory\n".into(), 2)
        );
        assert_eq!(run_on(&mut host, "grep", &["-l", "x", "a", "b"], ""), ("a\n".into(), 0));
        assert_eq!(run_on(&mut host, "grep", &["(", "-E"], ""), ("grep: Unmatched ( or \\(\n".into(), 2));
    }
}
