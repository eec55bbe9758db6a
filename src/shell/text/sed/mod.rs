//! `sed`: the commands and addresses of GNU sed 4.9 but `e`, `F`, `l`, `R`, `v`, `w`, `W`, `z` and the options `-z`, `-u`, `-l`.
//!
//! Here is what runs a script; `parse` reads it.

mod parse;

use super::Io;
use super::options::{self, Spec};
use super::regex::{Match, Regex};
use parse::{Address, Command, Do, Piece, Place, Script, read};

/// Commands run for one call; beyond it a script loops.
const MAX_STEPS: u64 = 2_000_000;
/// The largest pattern or hold space, in bytes.
const MAX_SPACE: usize = 1 << 20;

pub(super) fn run(io: &mut Io<'_, '_>) -> u8 {
    // `-i` has its suffix joined to it, or none.
    let mut in_place = None;
    let mut args = Vec::new();
    for arg in io.args {
        match arg.strip_prefix("--in-place").map(|r| r.trim_start_matches('=')).or_else(|| arg.strip_prefix("-i")) {
            Some(suffix) if !arg.starts_with("--") || arg.starts_with("--in-place") => {
                in_place = Some(suffix.to_string())
            }
            _ => args.push(arg.clone()),
        }
    }
    let longs = &[
        ("quiet", 'n'),
        ("silent", 'n'),
        ("expression", 'e'),
        ("file", 'f'),
        ("regexp-extended", 'E'),
        ("separate", 's'),
        ("posix", '1'),
    ];
    let parsed = {
        let mut inner =
            Io { args: &args, stdin: &mut *io.stdin, out: &mut *io.out, files: &mut *io.files, cwd: io.cwd, work: 0 };
        options::parse(&mut inner, &Spec { name: "sed", letters: "ne:f:Ers1i", longs, others: "zul" })
    };
    let Some(parsed) = parsed else { return 1 };
    if parsed.has('i') && in_place.is_none() {
        in_place = Some(String::new());
    }
    let mut operands = parsed.operands.clone();
    let mut pieces = Vec::new();
    for (letter, value) in &parsed.options {
        match letter {
            'e' => pieces.push(value.clone()),
            'f' => match io.read(value) {
                Ok(text) => pieces.push(text.trim_end_matches('\n').to_string()),
                Err(error) => {
                    io.error(&format!("sed: couldn't open file {value}: {error}\n"));
                    return 1;
                }
            },
            _ => {}
        }
    }
    if pieces.is_empty() {
        if operands.is_empty() {
            io.error("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n\n");
            return 1;
        }
        pieces.push(operands.remove(0));
    }
    let extended = parsed.has('E') || parsed.has('r');
    let script = match read(&pieces, extended) {
        Ok(script) => script,
        Err(error) => {
            io.error(&format!("sed: {error}\n"));
            return 1;
        }
    };
    let quiet = parsed.has('n') || script.quiet;
    if operands.is_empty() {
        operands.push("-".into());
    }
    let mut status = 0;
    let mut texts = Vec::new();
    for name in &operands {
        let read =
            if in_place.is_some() && name == "-" { Err(crate::shell::vfs::FileError::NotFound) } else { io.read(name) };
        match read {
            Ok(text) => texts.push((name.clone(), text)),
            Err(crate::shell::vfs::FileError::IsDirectory) => {
                io.error(&format!("sed: couldn't edit {name}: not a regular file\n"));
                status = if in_place.is_some() { 4 } else { 2 };
            }
            Err(error) => {
                io.error(&format!("sed: can't read {name}: {error}\n"));
                status = 2;
            }
        }
    }
    // With -i or -s every file has line numbers and a last line of its own.
    let groups: Vec<Vec<(String, String)>> =
        if in_place.is_some() || parsed.has('s') { texts.into_iter().map(|t| vec![t]).collect() } else { vec![texts] };
    let mut sed = Sed::new(&script, quiet);
    for group in groups {
        let mut lines: Vec<(String, bool)> = Vec::new();
        for (_, text) in &group {
            // A file that does not end in a newline gets one when another follows.
            if let Some(last) = lines.last_mut() {
                last.1 = true;
            }
            lines.extend(text.split_inclusive('\n').map(|l| (l.trim_end_matches('\n').to_string(), l.ends_with('\n'))));
        }
        let end = sed.file(io, lines);
        io.work += sed.work;
        sed.work = 0;
        let out = std::mem::take(&mut sed.out);
        match (&in_place, group.first()) {
            (Some(suffix), Some((name, old))) => {
                let path = io.path(name);
                if !suffix.is_empty() {
                    let _ = io.files.write(&format!("{path}{suffix}"), old, false);
                }
                if let Err(error) = io.files.write(&path, &out, false) {
                    io.error(&format!("sed: couldn't open file {name}: {error}\n"));
                    return 4;
                }
            }
            _ => io.print(&out),
        }
        if parsed.has('s') || in_place.is_some() {
            sed.line = 0;
        }
        match end {
            End::All => {}
            End::Quit(code) => return code,
            End::Error(text) => {
                io.error(&format!("sed: {text}\n"));
                return 4;
            }
        }
    }
    status
}

enum End {
    All,
    Quit(u8),
    Error(String),
}

/// What a cycle does next.
enum Next {
    Cycle,
    /// `D` with text left: no new line is read.
    Again,
    Quit(u8, bool),
}

struct Sed<'a> {
    script: &'a Script,
    quiet: bool,
    out: String,
    space: String,
    hold: String,
    line: usize,
    /// Per command: inside its range, and the line where the range ends if it is known.
    ranges: Vec<(bool, Option<usize>)>,
    last_regex: Option<usize>,
    after: Vec<Late>,
    steps: u64,
    work: u64,
    newline: bool,
}

/// What is printed at the end of a cycle.
enum Late {
    Text(String),
    File(String),
}

impl<'a> Sed<'a> {
    fn new(script: &'a Script, quiet: bool) -> Sed<'a> {
        Sed {
            script,
            quiet,
            out: String::new(),
            space: String::new(),
            hold: String::new(),
            line: 0,
            ranges: vec![(false, None); script.commands.len()],
            last_regex: None,
            after: Vec::new(),
            steps: 0,
            work: 0,
            newline: true,
        }
    }

    fn print_space(&mut self) {
        self.out += &self.space;
        if self.newline {
            self.out.push('\n');
        }
    }

    fn late(&mut self, io: &mut Io<'_, '_>) {
        for late in std::mem::take(&mut self.after) {
            match late {
                Late::Text(text) => {
                    if !self.out.is_empty() && !self.out.ends_with('\n') {
                        self.out.push('\n');
                    }
                    self.out += &text;
                }
                Late::File(name) => {
                    let path = io.path(&name);
                    self.out += &io.files.read(&path).unwrap_or_default();
                }
            }
        }
    }

    fn file(&mut self, io: &mut Io<'_, '_>, lines: Vec<(String, bool)>) -> End {
        let mut input = lines.into_iter().peekable();
        let mut again = false;
        loop {
            if !again {
                let Some((text, newline)) = input.next() else { return End::All };
                self.space = text;
                self.newline = newline;
                self.line += 1;
            }
            again = false;
            let next = match self.cycle(io, &mut input) {
                Ok(next) => next,
                Err(text) => return End::Error(text),
            };
            match next {
                Next::Cycle => {}
                Next::Again => again = true,
                Next::Quit(code, print) => {
                    if print && !self.quiet {
                        self.print_space();
                    }
                    self.late(io);
                    return End::Quit(code);
                }
            }
            self.late(io);
            if self.out.len() > 2 * MAX_SPACE {
                return End::Error("lvsim: more than 2 MiB of output".into());
            }
        }
    }

    fn cycle(
        &mut self,
        io: &mut Io<'_, '_>,
        input: &mut std::iter::Peekable<std::vec::IntoIter<(String, bool)>>,
    ) -> Result<Next, String> {
        let script = self.script;
        let mut at = 0;
        let mut replaced = false;
        while let Some(command) = script.commands.get(at) {
            self.steps += 1;
            self.work += 1;
            if self.steps > MAX_STEPS || self.space.len() > MAX_SPACE || self.hold.len() > MAX_SPACE {
                return Err("lvsim: stopped: an endless loop?".into());
            }
            let last = input.peek().is_none();
            let chosen = self.chosen(at, command, last)? != command.not;
            at += 1;
            if !chosen {
                if let Do::Block(end) = command.what {
                    at = end;
                }
                continue;
            }
            match &command.what {
                Do::Block(_) | Do::Label => {}
                Do::Delete => return Ok(Next::Cycle),
                Do::DeleteFirst => match self.space.find('\n') {
                    None => return Ok(Next::Cycle),
                    Some(n) => {
                        self.space.drain(..=n);
                        return Ok(Next::Again);
                    }
                },
                Do::Print => self.print_space(),
                Do::PrintFirst => {
                    let first = self.space.split('\n').next().unwrap_or("").to_string();
                    self.out += &first;
                    self.out.push('\n');
                }
                Do::Number => self.out += &format!("{}\n", self.line),
                Do::Next => {
                    let Some((text, newline)) = input.next() else {
                        // GNU: without a next line the pattern space is printed and the script ends.
                        return Ok(Next::Quit(0, true));
                    };
                    if !self.quiet {
                        self.print_space();
                    }
                    self.late(io);
                    self.space = text;
                    self.newline = newline;
                    self.line += 1;
                }
                Do::NextAdd => {
                    let Some((text, newline)) = input.next() else { return Ok(Next::Quit(0, true)) };
                    self.late(io);
                    self.space.push('\n');
                    self.space += &text;
                    self.newline = newline;
                    self.line += 1;
                }
                Do::Get => self.space = self.hold.clone(),
                Do::GetAdd => {
                    self.space.push('\n');
                    self.space += &self.hold;
                }
                Do::Hold => self.hold = self.space.clone(),
                Do::HoldAdd => {
                    self.hold.push('\n');
                    self.hold += &self.space;
                }
                Do::Exchange => std::mem::swap(&mut self.space, &mut self.hold),
                Do::Append(text) => self.after.push(Late::Text(text.clone())),
                Do::Read(name) => self.after.push(Late::File(name.clone())),
                Do::Insert(text) => self.out += text,
                Do::Change(text) => {
                    let in_range = command.to.is_some() && !command.not && self.ranges[at - 1].0;
                    if !in_range {
                        self.out += text;
                    }
                    return Ok(Next::Cycle);
                }
                Do::Quit(code, print) => return Ok(Next::Quit(*code, *print)),
                Do::Translate(from, to) => {
                    self.space =
                        self.space.chars().map(|c| from.iter().position(|f| *f == c).map_or(c, |n| to[n])).collect();
                }
                Do::Branch(to) => at = *to,
                Do::BranchIf(to, wanted) => {
                    if std::mem::take(&mut replaced) == *wanted {
                        at = *to;
                    }
                }
                Do::Substitute { regex, with, which, all, print } => {
                    let regex = self.regex(*regex)?;
                    self.work += regex.cost(self.space.len());
                    if let Some(text) = substitute(&self.space, regex, with, *which, *all)? {
                        self.space = text;
                        replaced = true;
                        if *print {
                            self.print_space();
                        }
                    }
                }
            }
        }
        if !self.quiet {
            self.print_space();
        }
        Ok(Next::Cycle)
    }

    /// A regular expression by number; none: the last one used.
    fn regex(&mut self, number: Option<usize>) -> Result<&'a Regex, String> {
        let number = number.or(self.last_regex).ok_or("-e expression #1, char 0: no previous regular expression")?;
        self.last_regex = Some(number);
        Ok(&self.script.regexes[number])
    }

    fn at(&mut self, address: &Address, last: bool) -> Result<bool, String> {
        Ok(match address {
            Address::Line(n) => self.line == *n,
            Address::Last => last,
            Address::Step(first, step) => {
                if *step == 0 {
                    self.line == *first
                } else {
                    self.line >= *first && (self.line - first).is_multiple_of(*step)
                }
            }
            Address::Regex(number) => {
                let regex = self.regex(*number)?;
                self.work += regex.cost(self.space.len());
                regex.is_match(&self.space)
            }
        })
    }

    fn chosen(&mut self, index: usize, command: &Command, last: bool) -> Result<bool, String> {
        let Some(from) = &command.from else { return Ok(true) };
        let Some(to) = &command.to else { return self.at(from, last) };
        let (inside, end) = self.ranges[index];
        let begins = !inside && (self.at(from, last)? || (command.zero && self.line == 1));
        if !inside && !begins {
            return Ok(false);
        }
        // Whether this line is the last of the range.
        let over = match to {
            Place::Plus(n) => {
                let end = if begins { self.line + n } else { end.unwrap_or(self.line) };
                self.ranges[index].1 = Some(end);
                self.line >= end
            }
            Place::Multiple(n) => *n == 0 || self.line.is_multiple_of(*n),
            Place::At(Address::Line(n)) => self.line >= *n,
            Place::At(Address::Last) => last,
            // An expression is looked for from the next line on, except behind `0,`.
            Place::At(address) => (!begins || command.zero) && self.at(address, last)?,
        };
        self.ranges[index].0 = !over;
        if let (true, Place::At(Address::Line(n))) = (inside, to)
            && self.line > *n
        {
            return Ok(false);
        }
        Ok(true)
    }
}

fn substitute(text: &str, regex: &Regex, with: &[Piece], which: usize, all: bool) -> Result<Option<String>, String> {
    let mut out = String::new();
    let (mut at, mut copied, mut seen) = (0, 0, 0);
    let mut last_end = None;
    while at <= text.len() {
        let Some(m) = regex.find(text, at) else { break };
        // An empty match right behind another match does not count.
        let empty_again = m.start == m.end && last_end == Some(m.start);
        if !empty_again {
            seen += 1;
            if seen >= which {
                out += &text[copied..m.start];
                insert(&mut out, text, &m, with);
                copied = m.end;
                if !all || out.len() > MAX_SPACE {
                    break;
                }
            }
            last_end = Some(m.end);
        }
        at = if m.end > m.start { m.end } else { m.end + text[m.end..].chars().next().map_or(1, char::len_utf8) };
    }
    if seen < which || seen == 0 {
        return Ok(None);
    }
    out += text.get(copied..).unwrap_or("");
    Ok(Some(out))
}

/// Adds the replacement, with the case conversions of `\U \L \u \l \E`.
fn insert(out: &mut String, text: &str, m: &Match, with: &[Piece]) {
    let (mut all, mut next) = (None, None);
    for piece in with {
        let plain = match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Group(n) => m.groups.get(*n).copied().flatten().and_then(|(a, b)| text.get(a..b)).unwrap_or(""),
            Piece::Case(c) => {
                match c {
                    'U' | 'L' => all = Some(*c),
                    'u' | 'l' => next = Some(*c),
                    _ => (all, next) = (None, None),
                }
                continue;
            }
        };
        let mut plain = match all {
            Some('U') => plain.to_uppercase(),
            Some(_) => plain.to_lowercase(),
            None => plain.to_string(),
        };
        if let (Some(case), Some(first)) = (next, plain.chars().next()) {
            let changed: String =
                if case == 'u' { first.to_uppercase().collect() } else { first.to_lowercase().collect() };
            plain.replace_range(..first.len_utf8(), &changed);
            next = None;
        }
        *out += &plain;
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::{Plain, run, run_on};
    use crate::shell::vfs::Vfs;

    #[test]
    fn sed_edits_as_gnu_sed_does() {
        let text = "one 1\ntwo 2\nthree 3\n";
        for (args, out) in [
            (vec!["s/o/0/"], "0ne 1\ntw0 2\nthree 3\n"),
            (vec!["s/e/E/g"], "onE 1\ntwo 2\nthrEE 3\n"),
            (vec!["s/e/E/2"], "one 1\ntwo 2\nthreE 3\n"),
            (vec!["-E", "s/([a-z]+) ([0-9])/\\2 \\1/"], "1 one\n2 two\n3 three\n"),
            (vec!["s/.*/[&]/"], "[one 1]\n[two 2]\n[three 3]\n"),
            (vec!["-n", "2p"], "two 2\n"),
            (vec!["-n", "/two/,$p"], "two 2\nthree 3\n"),
            (vec!["2d"], "one 1\nthree 3\n"),
            (vec!["/two/d"], "one 1\nthree 3\n"),
            (vec!["$!d"], "three 3\n"),
            (vec!["-e", "1d", "-e", "s/2/X/"], "two X\nthree 3\n"),
            (vec!["1!s/$/!/"], "one 1\ntwo 2!\nthree 3!\n"),
            (vec!["s,/,-,;s|t|T|"], "one 1\nTwo 2\nThree 3\n"),
            (vec!["2q"], "one 1\ntwo 2\n"),
            (vec!["/one/a\\\nnext"], "one 1\nnext\ntwo 2\nthree 3\n"),
            (vec!["1i first"], "first\none 1\ntwo 2\nthree 3\n"),
            (vec!["2c changed"], "one 1\nchanged\nthree 3\n"),
            (vec!["1,2c both"], "both\nthree 3\n"),
            (vec!["y/abcdefghijklmnop/ABCDEFGHIJKLMNOP/"], "ONE 1\ntwO 2\ntHrEE 3\n"),
            (vec!["-n", "$="], "3\n"),
            (vec!["N;s/\\n/+/"], "one 1+two 2\nthree 3\n"),
            (vec![":a;N;$!ba;s/\\n/,/g"], "one 1,two 2,three 3\n"),
            (vec!["1~2d"], "two 2\n"),
            (vec!["-n", "1{p;p}"], "one 1\none 1\n"),
            (vec!["s/ONE/x/I"], "x 1\ntwo 2\nthree 3\n"),
            (vec!["s/x*/-/g"], "-o-n-e- -1-\n-t-w-o- -2-\n-t-h-r-e-e- -3-\n"),
            (vec!["1!G;h;$!d"], "three 3\ntwo 2\none 1\n"),
            (vec!["s/\\(.\\)\\(.*\\)/\\U\\1\\E\\2/"], "One 1\nTwo 2\nThree 3\n"),
            (vec!["0,/o/d"], "two 2\nthree 3\n"),
            (vec!["2,+1d"], "one 1\n"),
            (vec!["/one/,/three/{s/[0-9]/N/;/two/d}"], "one N\nthree N\n"),
        ] {
            assert_eq!(run("sed", &args, text).0, out, "{args:?}");
        }
    }

    #[test]
    fn mistakes_are_told_in_gnus_words() {
        for (args, out) in [
            (vec!["s/a/b"], "sed: -e expression #1, char 5: unterminated `s' command\n"),
            (vec!["s/a/b/k"], "sed: -e expression #1, char 7: unknown option to `s'\n"),
            (vec!["k"], "sed: -e expression #1, char 1: unknown command: `k'\n"),
            (vec!["{p"], "sed: -e expression #1, char 0: unmatched `{'\n"),
            (vec!["p}"], "sed: -e expression #1, char 2: unexpected `}'\n"),
            (vec!["s/a/\\1/"], "sed: -e expression #1, char 7: invalid reference \\1 on `s' command's RHS\n"),
            (vec!["b x"], "sed: can't find label for jump to `x'\n"),
            (vec![":a;ba"], "sed: lvsim: stopped: an endless loop?\n"),
        ] {
            assert_eq!(run("sed", &args, "a\n").0, out, "{args:?}");
        }
        assert_eq!(run("sed", &["p", "nope"], ""), ("sed: can't read nope: No such file or directory\n".into(), 2));
    }

    #[test]
    fn sed_edits_files_in_place() {
        let mut host = Plain(Vfs::new());
        host.0.write("/root/a", "x\ny").expect("room");
        assert_eq!(run_on(&mut host, "sed", &["-i.old", "s/x/z/", "a"], ""), (String::new(), 0));
        assert_eq!((host.0.read("/root/a"), host.0.read("/root/a.old")), (Ok("z\ny"), Ok("x\ny")));
    }
}
