//! Reads a `sed` script into a flat list of commands; branches and blocks are places in it.

use crate::base::Table;
use crate::shell::text::regex::Regex;

/// A script.
pub(super) struct Script {
    pub commands: Vec<Command>,
    pub regexes: Vec<Regex>,
    /// `#n` in the first line.
    pub quiet: bool,
}

/// A command with its addresses.
pub(super) struct Command {
    pub from: Option<Address>,
    pub to: Option<Place>,
    /// `0,/x/`: the range may end in the first line.
    pub zero: bool,
    pub not: bool,
    pub what: Do,
}

pub(super) enum Address {
    Line(usize),
    Last,
    Step(usize, usize),
    /// `None`: the last expression used.
    Regex(Option<usize>),
}

/// The end of a range.
pub(super) enum Place {
    At(Address),
    Plus(usize),
    Multiple(usize),
}

/// A piece of a replacement.
pub(super) enum Piece {
    Text(String),
    Group(usize),
    Case(char),
}

pub(super) enum Do {
    /// Where the block ends.
    Block(usize),
    Label,
    Delete,
    DeleteFirst,
    Print,
    PrintFirst,
    Number,
    Next,
    NextAdd,
    Get,
    GetAdd,
    Hold,
    HoldAdd,
    Exchange,
    Append(String),
    Insert(String),
    Change(String),
    Read(String),
    Quit(u8, bool),
    Translate(Vec<char>, Vec<char>),
    Branch(usize),
    BranchIf(usize, bool),
    Substitute {
        regex: Option<usize>,
        with: Vec<Piece>,
        which: usize,
        all: bool,
        print: bool,
    },
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    number: usize,
    extended: bool,
    script: Script,
    blocks: Vec<usize>,
    labels: Table<String, usize>,
    jumps: Vec<(usize, String)>,
}

/// Reads the texts of all `-e` and `-f`.
pub(super) fn read(pieces: &[String], extended: bool) -> Result<Script, String> {
    let script = Script { commands: Vec::new(), regexes: Vec::new(), quiet: false };
    let mut reader = Reader {
        chars: Vec::new(),
        at: 0,
        number: 0,
        extended,
        script,
        blocks: Vec::new(),
        labels: Table::default(),
        jumps: Vec::new(),
    };
    // A piece that ends in a backslash (`-e 'a\' -e text`) goes on in the next.
    let mut joined: Vec<String> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.ends_with('\\') => *last += &format!("\n{piece}"),
            _ => joined.push(piece.clone()),
        }
    }
    for piece in joined {
        reader.number += 1;
        reader.script.quiet |= reader.number == 1 && (piece == "#n" || piece.starts_with("#n\n"));
        reader.chars = piece.chars().collect();
        reader.at = 0;
        reader.commands()?;
    }
    if !reader.blocks.is_empty() {
        return Err("-e expression #1, char 0: unmatched `{'".into());
    }
    let end = reader.script.commands.len();
    for (place, label) in std::mem::take(&mut reader.jumps) {
        let to = if label.is_empty() {
            end
        } else {
            *reader.labels.get(&label).ok_or_else(|| format!("can't find label for jump to `{label}'"))?
        };
        match &mut reader.script.commands[place].what {
            Do::Branch(at) | Do::BranchIf(at, _) => *at = to,
            _ => {}
        }
    }
    Ok(reader.script)
}

impl Reader {
    fn error(&self, what: &str) -> String {
        format!("-e expression #{}, char {}: {what}", self.number, self.at)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<usize> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let text: String = self.chars[from..self.at].iter().collect();
        if text.is_empty() { None } else { Some(text.parse().unwrap_or(usize::MAX)) }
    }

    fn commands(&mut self) -> Result<(), String> {
        loop {
            while self.peek().is_some_and(|c| c.is_whitespace() || c == ';') {
                self.at += 1;
            }
            if self.peek().is_none() {
                return Ok(());
            }
            if self.script.commands.len() > 10_000 {
                return Err(self.error("lvsim: more than 10000 commands"));
            }
            self.command()?;
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some(c) if c.is_ascii_digit() => {
                let first = self.number().unwrap_or(0);
                if self.peek() == Some('~') {
                    self.at += 1;
                    let step = self.number().unwrap_or(0);
                    Some(Address::Step(first, step))
                } else {
                    Some(Address::Line(first))
                }
            }
            Some(c @ ('/' | '\\')) => {
                self.at += 1;
                let mut delim = c;
                if c == '\\' {
                    delim = self.peek().ok_or_else(|| self.error("unexpected `,'"))?;
                    self.at += 1;
                }
                let text = self.until(delim, true).ok_or_else(|| self.error("unterminated address regex"))?;
                let mut icase = false;
                while let Some(c @ ('I' | 'M')) = self.peek() {
                    if c == 'M' {
                        return Err(self.error("lvsim: the flag M is not simulated"));
                    }
                    icase = true;
                    self.at += 1;
                }
                Some(Address::Regex(self.regex(&text, icase)?))
            }
            _ => None,
        })
    }

    fn regex(&mut self, text: &str, icase: bool) -> Result<Option<usize>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let regex = if self.extended { Regex::extended(text) } else { Regex::basic(text) };
        let regex = regex.map_err(|e| self.error(&e))?;
        self.script.regexes.push(if icase { regex.ignoring_case() } else { regex });
        Ok(Some(self.script.regexes.len() - 1))
    }

    /// Text up to the delimiter, which is taken. In an expression `\n` stays as it is and the escaped delimiter loses its backslash.
    fn until(&mut self, delim: char, regex: bool) -> Option<String> {
        let mut out = String::new();
        loop {
            let c = self.peek()?;
            self.at += 1;
            if c == delim {
                return Some(out);
            }
            if c == '\n' && regex {
                return None;
            }
            if c == '\\' {
                let next = self.peek()?;
                self.at += 1;
                if next == delim {
                    out.push(next);
                } else {
                    out.push('\\');
                    out.push(next);
                }
                continue;
            }
            out.push(c);
        }
    }

    fn command(&mut self) -> Result<(), String> {
        let from = self.address()?;
        let (mut to, mut zero) = (None, false);
        self.blank();
        if from.is_some() && self.peek() == Some(',') {
            self.at += 1;
            self.blank();
            to = Some(match self.peek() {
                Some('+') => {
                    self.at += 1;
                    Place::Plus(self.number().ok_or_else(|| self.error("expected newer version of sed"))?)
                }
                Some('~') => {
                    self.at += 1;
                    Place::Multiple(self.number().ok_or_else(|| self.error("expected newer version of sed"))?)
                }
                _ => Place::At(self.address()?.ok_or_else(|| self.error("unexpected `,'"))?),
            });
            self.blank();
        }
        if matches!(from, Some(Address::Line(0))) {
            if !matches!(to, Some(Place::At(Address::Regex(_)))) {
                self.at += 1;
                return Err(self.error("invalid usage of line address 0"));
            }
            zero = true;
        }
        let mut not = false;
        while self.peek() == Some('!') {
            not = true;
            self.at += 1;
            self.blank();
        }
        let Some(c) = self.peek() else { return Err(self.error("missing command")) };
        self.at += 1;
        let place = self.script.commands.len();
        let addressed = from.is_some();
        let what = match c {
            '{' => {
                self.blocks.push(place);
                Do::Block(0)
            }
            '}' => {
                if addressed {
                    return Err(self.error("} doesn't want any addresses"));
                }
                let open = self.blocks.pop().ok_or_else(|| self.error("unexpected `}'"))?;
                self.script.commands[open].what = Do::Block(place);
                return self.ending();
            }
            '#' => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                return Ok(());
            }
            ':' => {
                if addressed {
                    return Err(self.error(": doesn't want any addresses"));
                }
                let label = self.label();
                if label.is_empty() {
                    return Err(self.error("\":\" lacks a label"));
                }
                self.labels.insert(label, place);
                Do::Label
            }
            'b' | 't' | 'T' => {
                let label = self.label();
                self.jumps.push((place, label));
                match c {
                    'b' => Do::Branch(0),
                    't' => Do::BranchIf(0, true),
                    _ => Do::BranchIf(0, false),
                }
            }
            'a' | 'i' | 'c' => {
                let text = self.text()?;
                match c {
                    'a' => Do::Append(text),
                    'i' => Do::Insert(text),
                    _ => Do::Change(text),
                }
            }
            'r' => {
                self.blank();
                let from = self.at;
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                Do::Read(self.chars[from..self.at].iter().collect())
            }
            'q' | 'Q' => {
                self.blank();
                Do::Quit(self.number().unwrap_or(0) as u8, c == 'q')
            }
            'y' => self.translate()?,
            's' => self.substitute()?,
            'd' => Do::Delete,
            'D' => Do::DeleteFirst,
            'p' => Do::Print,
            'P' => Do::PrintFirst,
            '=' => Do::Number,
            'n' => Do::Next,
            'N' => Do::NextAdd,
            'g' => Do::Get,
            'G' => Do::GetAdd,
            'h' => Do::Hold,
            'H' => Do::HoldAdd,
            'x' => Do::Exchange,
            'e' | 'F' | 'l' | 'R' | 'v' | 'w' | 'W' | 'z' => {
                return Err(self.error(&format!("lvsim: the command `{c}' is not simulated")));
            }
            c => return Err(self.error(&format!("unknown command: `{c}'"))),
        };
        let ends = !matches!(what, Do::Block(_) | Do::Append(_) | Do::Insert(_) | Do::Change(_) | Do::Read(_));
        self.script.commands.push(Command { from, to, zero, not, what });
        if ends { self.ending() } else { Ok(()) }
    }

    /// Nothing but a separator may follow a command.
    fn ending(&mut self) -> Result<(), String> {
        self.blank();
        match self.peek() {
            None | Some(';' | '\n' | '}' | '#') => Ok(()),
            Some(_) => {
                self.at += 1;
                Err(self.error("extra characters after command"))
            }
        }
    }

    fn label(&mut self) -> String {
        self.blank();
        let from = self.at;
        while self.peek().is_some_and(|c| c != '\n' && c != ';' && c != '}') {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect::<String>().trim_end().to_string()
    }

    /// The text of `a`, `i`, `c`: behind `\` and a newline, or in the same line.
    fn text(&mut self) -> Result<String, String> {
        self.blank();
        if self.peek().is_none() {
            return Err(self.error("expected \\ after `a', `c' or `i'"));
        }
        if self.peek() == Some('\\') {
            self.at += 1;
            self.blank();
            if self.peek() == Some('\n') {
                self.at += 1;
            }
        }
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '\n' => break,
                '\\' => {
                    if let Some(c) = self.peek() {
                        out.push(c);
                        self.at += 1;
                    }
                }
                c => out.push(c),
            }
        }
        out.push('\n');
        Ok(out)
    }

    fn translate(&mut self) -> Result<Do, String> {
        let delim = self.peek().ok_or_else(|| self.error("unterminated `y' command"))?;
        self.at += 1;
        let mut sets = Vec::new();
        for _ in 0..2 {
            let text = self.until(delim, false).ok_or_else(|| self.error("unterminated `y' command"))?;
            sets.push(text.replace("\\n", "\n").replace("\\\\", "\\").chars().collect::<Vec<char>>());
        }
        let (to, from) = (sets.pop().unwrap_or_default(), sets.pop().unwrap_or_default());
        if from.len() != to.len() {
            return Err(self.error("strings for `y' command are different lengths"));
        }
        Ok(Do::Translate(from, to))
    }

    fn substitute(&mut self) -> Result<Do, String> {
        let unterminated = |r: &Self| r.error("unterminated `s' command");
        let delim = self.peek().ok_or_else(|| unterminated(self))?;
        self.at += 1;
        let text = self.until(delim, true).ok_or_else(|| unterminated(self))?;
        // The replacement is read here: an escaped delimiter in it is the delimiter, `\&` stays apart from `&`.
        let mut with = Vec::new();
        let mut plain = String::new();
        let mut highest = 0;
        loop {
            let Some(c) = self.peek() else { return Err(unterminated(self)) };
            self.at += 1;
            if c == delim {
                break;
            }
            let piece = match c {
                '&' => Piece::Group(0),
                '\\' => {
                    let Some(c) = self.peek() else { return Err(unterminated(self)) };
                    self.at += 1;
                    match c {
                        c if c == delim => {
                            plain.push(c);
                            continue;
                        }
                        '0'..='9' => {
                            let n = c as usize - '0' as usize;
                            highest = highest.max(n);
                            Piece::Group(n)
                        }
                        'U' | 'L' | 'u' | 'l' | 'E' => Piece::Case(c),
                        'n' => {
                            plain.push('\n');
                            continue;
                        }
                        't' => {
                            plain.push('\t');
                            continue;
                        }
                        c => {
                            plain.push(c);
                            continue;
                        }
                    }
                }
                c => {
                    plain.push(c);
                    continue;
                }
            };
            if !plain.is_empty() {
                with.push(Piece::Text(std::mem::take(&mut plain)));
            }
            with.push(piece);
        }
        if !plain.is_empty() {
            with.push(Piece::Text(plain));
        }
        let (mut which, mut all, mut print, mut icase) = (1, false, false, false);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => icase = true,
                Some(c) if c.is_ascii_digit() => {
                    which = self.number().unwrap_or(1);
                    if which == 0 {
                        return Err(self.error("number option to `s' command may not be zero"));
                    }
                    continue;
                }
                Some(c @ ('e' | 'w' | 'm' | 'M')) => {
                    return Err(self.error(&format!("lvsim: the flag {c} of `s' is not simulated")));
                }
                None | Some(';' | '\n' | '}' | '#' | ' ' | '\t') => break,
                Some(_) => {
                    self.at += 1;
                    return Err(self.error("unknown option to `s'"));
                }
            }
            self.at += 1;
        }
        let regex = self.regex(&text, icase)?;
        if let Some(n) = regex
            && highest > self.script.regexes[n].groups()
        {
            return Err(self.error(&format!("invalid reference \\{highest} on `s' command's RHS")));
        }
        Ok(Do::Substitute { regex, with, which, all, print })
    }
}
