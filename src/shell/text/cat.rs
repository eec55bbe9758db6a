//! `cat`, `tac`, `nl`, `head`, `tail`, `wc`, `tee`. `tail -f` ends at once with what is there and says so: nothing waits for files.

use super::Io;
use super::options::{Spec, count, hint, parse};
use crate::shell::vfs::Files;

/// The texts of the operands, or standard input; files that cannot be read are told. The flag: some could not.
pub(super) fn inputs(io: &mut Io<'_, '_>, name: &str, operands: &[String]) -> (Vec<(String, String)>, bool) {
    let own = ["-".to_string()];
    let operands = if operands.is_empty() { &own[..] } else { operands };
    let mut texts = Vec::new();
    let mut failed = false;
    for operand in operands {
        match io.read(operand) {
            Ok(text) => texts.push((operand.clone(), text)),
            Err(error) => {
                let text = match (name, error) {
                    ("head" | "tail", crate::shell::vfs::FileError::IsDirectory) => {
                        format!("error reading '{operand}'")
                    }
                    ("head" | "tail", _) => format!("cannot open '{operand}' for reading"),
                    ("sort", crate::shell::vfs::FileError::IsDirectory) => format!("read failed: {operand}"),
                    ("sort", _) => format!("cannot read: {operand}"),
                    _ => operand.clone(),
                };
                io.error(&format!("{name}: {text}: {error}\n"));
                failed = true;
            }
        }
    }
    (texts, failed)
}

pub(super) fn cat(io: &mut Io<'_, '_>) -> u8 {
    let spec = Spec {
        name: "cat",
        letters: "nbsAETvetu",
        longs: &[
            ("number", 'n'),
            ("number-nonblank", 'b'),
            ("squeeze-blank", 's'),
            ("show-all", 'A'),
            ("show-ends", 'E'),
            ("show-tabs", 'T'),
            ("show-nonprinting", 'v'),
        ],
        others: "",
    };
    let Some(parsed) = parse(io, &spec) else { return 1 };
    let all = parsed.has('A');
    let ends = all || parsed.has('E') || parsed.has('e');
    let tabs = all || parsed.has('T') || parsed.has('t');
    let (number, nonblank, squeeze) = (parsed.has('n'), parsed.has('b'), parsed.has('s'));
    let plain = !(ends || tabs || number || nonblank || squeeze);
    let own = vec!["-".to_string()];
    let operands = if parsed.operands.is_empty() { &own } else { &parsed.operands };
    let (mut n, mut blanks, mut status) = (0, 0, 0);
    for operand in operands {
        // One file after another, so that text and errors come in their order.
        let text = match io.read(operand) {
            Ok(text) => text,
            Err(error) => {
                io.error(&format!("cat: {operand}: {error}\n"));
                status = 1;
                continue;
            }
        };
        if plain {
            io.print(&text);
            continue;
        }
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            let body = line.strip_suffix('\n').unwrap_or(line);
            blanks = if body.is_empty() { blanks + 1 } else { 0 };
            if squeeze && blanks > 1 {
                continue;
            }
            if (number && !nonblank) || (nonblank && !body.is_empty()) {
                n += 1;
                out += &format!("{n:6}\t");
            }
            out += &if tabs { body.replace('\t', "^I") } else { body.to_string() };
            if line.ends_with('\n') {
                out += if ends { "$\n" } else { "\n" };
            }
        }
        io.print(&out);
    }
    status
}

pub(super) fn tac(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(io, &Spec { name: "tac", letters: "", longs: &[], others: "brs" }) else { return 1 };
    let (texts, failed) = inputs(io, "tac", &parsed.operands);
    for (_, text) in texts {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let out: String = lines.into_iter().rev().collect();
        io.print(&out);
    }
    u8::from(failed)
}

pub(super) fn nl(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) =
        parse(io, &Spec { name: "nl", letters: "b:", longs: &[("body-numbering", 'b')], others: "dfhilnpsvw" })
    else {
        return 1;
    };
    let all = parsed.value('b') == Some("a");
    let (texts, failed) = inputs(io, "nl", &parsed.operands);
    let mut n = 0;
    for (_, text) in texts {
        for line in text.lines() {
            if line.is_empty() && !all {
                io.print("       \n");
            } else {
                n += 1;
                io.print(&format!("{n:6}\t{line}\n"));
            }
        }
    }
    u8::from(failed)
}

/// `-5` as the first argument is `-n 5`.
fn old_count(io: &mut Io<'_, '_>) -> Option<Vec<String>> {
    let first = io.args.first()?.strip_prefix('-')?;
    let digits = first.trim_end_matches(['q', 'f']);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let mut args = vec!["-n".to_string(), digits.to_string()];
    args.extend(io.args[1..].iter().cloned());
    Some(args)
}

pub(super) fn head(io: &mut Io<'_, '_>) -> u8 {
    ends(io, "head", |text, n, lines, from| {
        let length = if lines { text.lines().count() } else { text.len() };
        // `-n -3`: all but the last three.
        let n = if from == Some('-') { length.saturating_sub(n) } else { n };
        if lines { text.split_inclusive('\n').take(n).collect() } else { cut_at(text, n).0.to_string() }
    })
}

pub(super) fn tail(io: &mut Io<'_, '_>) -> u8 {
    ends(io, "tail", |text, n, lines, from| {
        let length = if lines { text.lines().count() } else { text.len() };
        // `-n +3`: from the third on.
        let skip = if from == Some('+') { n.saturating_sub(1) } else { length.saturating_sub(n) };
        if lines { text.split_inclusive('\n').skip(skip).collect() } else { cut_at(text, skip).1.to_string() }
    })
}

/// Splits at byte `n`, or before the character that it lies in.
fn cut_at(text: &str, n: usize) -> (&str, &str) {
    let mut n = n.min(text.len());
    while !text.is_char_boundary(n) {
        n -= 1;
    }
    text.split_at(n)
}

fn ends(io: &mut Io<'_, '_>, name: &'static str, part: impl Fn(&str, usize, bool, Option<char>) -> String) -> u8 {
    let old = old_count(io);
    let args = old.unwrap_or_else(|| io.args.to_vec());
    let spec = Spec {
        name,
        letters: "n:c:qvfFs:",
        longs: &[("lines", 'n'), ("bytes", 'c'), ("quiet", 'q'), ("silent", 'q'), ("verbose", 'v'), ("follow", 'f')],
        others: "z",
    };
    let parsed = {
        let mut inner =
            Io { args: &args, stdin: &mut *io.stdin, out: &mut *io.out, files: &mut *io.files, cwd: io.cwd, work: 0 };
        parse(&mut inner, &spec)
    };
    let Some(parsed) = parsed else { return 1 };
    if name == "head" && (parsed.has('f') || parsed.has('F') || parsed.has('s')) {
        io.error("head: invalid option -- 'f'\n");
        hint(io, name);
        return 1;
    }
    let (mut n, mut lines, mut sign) = (10, true, None);
    for (letter, value) in &parsed.options {
        if !matches!(letter, 'n' | 'c') {
            continue;
        }
        lines = *letter == 'n';
        sign = value.chars().next().filter(|c| matches!(c, '+' | '-'));
        let digits = value.trim_start_matches(['+', '-']);
        match count(digits) {
            Some(value) => n = value,
            None => {
                let what = if lines { "lines" } else { "bytes" };
                io.error(&format!("{name}: invalid number of {what}: '{value}'\n"));
                return 1;
            }
        }
    }
    let (texts, failed) = inputs(io, name, &parsed.operands);
    let headers = (parsed.operands.len() > 1 && !parsed.has('q')) || parsed.has('v');
    for (place, (file, text)) in texts.iter().enumerate() {
        if headers {
            let shown = if file == "-" { "standard input" } else { file };
            io.print(&format!("{}==> {shown} <==\n", if place > 0 { "\n" } else { "" }));
        }
        io.print(&part(text, n, lines, sign));
    }
    if parsed.has('f') || parsed.has('F') {
        io.error(&format!("{name}: lvsim: -f does not wait for more\n"));
    }
    u8::from(failed)
}

pub(super) fn wc(io: &mut Io<'_, '_>) -> u8 {
    let spec = Spec {
        name: "wc",
        letters: "lwcmL",
        longs: &[("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm'), ("max-line-length", 'L')],
        others: "",
    };
    let Some(parsed) = parse(io, &spec) else { return 1 };
    let asked = !parsed.options.is_empty();
    let show = |letter: char| parsed.has(letter) || (!asked && "lwc".contains(letter));
    let (texts, failed) = inputs(io, "wc", &parsed.operands);
    let counts = |text: &str| -> Vec<usize> {
        let mut all = Vec::new();
        if show('l') {
            all.push(text.matches('\n').count());
        }
        if show('w') {
            all.push(text.split_whitespace().count());
        }
        if show('m') {
            all.push(text.chars().count());
        }
        if show('c') {
            all.push(crate::shell::vfs::byte_len(text));
        }
        if show('L') {
            all.push(text.lines().map(|l| l.chars().count()).max().unwrap_or(0));
        }
        all
    };
    let mut rows: Vec<(Vec<usize>, String)> = texts.iter().map(|(f, t)| (counts(t), f.clone())).collect();
    if parsed.operands.len() > 1 {
        let n = counts("").len();
        let total = (0..n).map(|i| rows.iter().map(|(r, _)| r[i]).sum()).collect();
        rows.push((total, "total".into()));
    }
    // One number of standard input stands alone; else columns as wide as the sum of the sizes.
    let sizes: usize = texts.iter().map(|(_, t)| crate::shell::vfs::byte_len(t)).sum();
    let single = rows.len() == 1 && rows[0].0.len() == 1;
    let width = if single {
        1
    } else if parsed.operands.is_empty() || parsed.operands.iter().any(|o| o == "-") {
        7
    } else {
        sizes.to_string().len()
    };
    for (row, name) in &rows {
        let numbers: Vec<String> = row.iter().map(|n| format!("{n:width$}")).collect();
        let name = if parsed.operands.is_empty() { String::new() } else { format!(" {name}") };
        io.print(&format!("{}{name}\n", numbers.join(" ")));
    }
    u8::from(failed)
}

pub(super) fn tee(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(
        io,
        &Spec { name: "tee", letters: "ai", longs: &[("append", 'a'), ("ignore-interrupts", 'i')], others: "p" },
    ) else {
        return 1;
    };
    let text = io.stdin.read().to_string();
    io.work += text.len() as u64;
    io.print(&text);
    let mut status = 0;
    for file in &parsed.operands {
        let path = io.path(file);
        let files: &mut dyn Files = io.files;
        let there = files.is_virtual(&path) && files.stat(&path).is_none() && path != "/dev/null";
        let done = if there {
            Err(crate::shell::vfs::FileError::NotFound)
        } else {
            files.write(&path, &text, parsed.has('a'))
        };
        if let Err(error) = done {
            io.error(&format!("tee: {file}: {error}\n"));
            status = 1;
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::{Plain, run, run_on};
    use crate::shell::vfs::Vfs;

    #[test]
    fn cat_joins_files_and_goes_on_after_an_error() {
        let mut host = Plain(Vfs::new());
        host.0.write("/root/a", "1\n\n2\n").expect("room");
        assert_eq!(
            run_on(&mut host, "cat", &["a", "nope", "-"], "x\n"),
            ("1\n\n2\ncat: nope: No such file or directory\nx\n".into(), 1)
        );
        assert_eq!(run_on(&mut host, "cat", &["-n", "a"], "").0, "     1\t1\n     2\t\n     3\t2\n");
        assert_eq!(run_on(&mut host, "cat", &["/root"], "").0, "cat: /root: Is a directory\n");
        assert_eq!(
            run("cat", &["-y"], ""),
            ("cat: invalid option -- 'y'\nTry 'cat --help' for more information.\n".into(), 1)
        );
    }

    #[test]
    fn head_and_tail_count_from_either_end() {
        let text = "1\n2\n3\n4\n";
        for (name, args, out) in [
            ("head", vec!["-2"], "1\n2\n"),
            ("head", vec!["-n", "1"], "1\n"),
            ("head", vec!["-n", "-1"], "1\n2\n3\n"),
            ("head", vec!["-c", "3"], "1\n2"),
            ("tail", vec!["-n2"], "3\n4\n"),
            ("tail", vec!["-1"], "4\n"),
            ("tail", vec!["-n", "+3"], "3\n4\n"),
        ] {
            assert_eq!(run(name, &args, text).0, out, "{name} {args:?}");
        }
    }

    #[test]
    fn wc_prints_columns_like_gnu() {
        assert_eq!(run("wc", &["-l"], "a\nb\n").0, "2\n");
        assert_eq!(run("wc", &[], "a b\nc\n").0, "      2       3       6\n");
        let mut host = Plain(Vfs::new());
        host.0.write("/root/a", "1\n\n2\n").expect("room");
        assert_eq!(run_on(&mut host, "wc", &["a", "a"], "").0, " 3  2  5 a\n 3  2  5 a\n 6  4 10 total\n");
    }

    #[test]
    fn tee_copies_and_appends() {
        let mut host = Plain(Vfs::new());
        assert_eq!(run_on(&mut host, "tee", &["a"], "x\n").0, "x\n");
        assert_eq!(run_on(&mut host, "tee", &["-a", "a"], "y\n").0, "y\n");
        assert_eq!(host.0.read("/root/a"), Ok("x\ny\n"));
    }
}
