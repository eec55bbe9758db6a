//! The grammar: lines, lists, pipelines, compound commands, here-documents, with bash's own error texts.
//!
//! Bash reads a script line by line and runs each before it reads the next, so a syntax error in line 10 does not
//! stop lines 1 to 9; [`Parser::next_line`] does the same. Not read: `select`, `coproc`, process substitution (each
//! refused by name), extended patterns, aliases, `{fd}>` redirections.

use super::ast::{AndOr, Command, Kind, List, Pipeline, Word};
use super::lex::{Ctx, is_meta};
use super::syntax::{SyntaxError, What};
use std::sync::{Arc, OnceLock};

pub(super) type Read<T> = Result<T, SyntaxError>;

/// Reads a script line by line. Cloning keeps the place.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    pub src: Arc<str>,
    pub pos: usize,
    /// The line at `pos`, from 1.
    pub line: u32,
    pub depth: u32,
    pub open: Vec<(&'static str, u32)>,
    pub here: Vec<Pending>,
    /// Warnings about here-documents that the script's end cut off: the line and the word that was wanted.
    pub warnings: Vec<(u32, u32, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub end: String,
    pub quoted: bool,
    pub tabs: bool,
    pub line: u32,
    pub body: Arc<OnceLock<Word>>,
}

const CLOSERS: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];
const OPERATORS: &[&str] = &[
    ";;&", "&>>", "<<<", "<<-", ";;", ";&", "&&", "||", "|&", "&>", "<<", "<&", "<>", ">>", ">&", ">|", ";", "&", "|",
    "<", ">", "(", ")", "\n",
];

impl Parser {
    /// A parser of `text`, whose first line has the number `line`.
    pub fn new(text: &str, line: u32) -> Parser {
        let src = Arc::from(text.replace("\r\n", "\n"));
        Parser { src, pos: 0, line, depth: 0, open: Vec::new(), here: Vec::new(), warnings: Vec::new() }
    }

    /// The commands of the next line that has any; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the line. The rest of the text is then of no use.
    pub fn next_line(&mut self) -> Read<Option<List>> {
        self.open.clear();
        loop {
            self.skip_blank();
            match self.peek() {
                None => return Ok(None),
                Some(b'\n') => self.newline()?,
                Some(_) => break,
            }
        }
        let mut items = Vec::new();
        loop {
            let (item, more) = self.and_or()?;
            items.push(item);
            self.skip_blank();
            match self.peek() {
                None => break,
                Some(b'\n') => {
                    self.newline()?;
                    break;
                }
                Some(_) if more => {}
                Some(_) => return Err(self.unexpected()),
            }
        }
        if !self.here.is_empty() {
            self.bodies()?;
        }
        Ok(Some(Arc::new(items)))
    }

    /// Everything to the end of the text.
    pub fn all(&mut self) -> Read<List> {
        let mut items = Vec::new();
        while let Some(line) = self.next_line()? {
            items.extend(line.iter().cloned());
        }
        Ok(Arc::new(items))
    }

    pub fn error(&self, what: What) -> SyntaxError {
        let (open, line) = (self.open.clone(), self.line);
        SyntaxError { line, what, text: self.line_text(), open }
    }

    pub fn unmatched(&self, c: char, line: u32) -> SyntaxError {
        SyntaxError { line, ..self.error(What::Unmatched(c)) }
    }

    /// The error about the token that stands here.
    pub fn unexpected(&mut self) -> SyntaxError {
        self.skip_blank();
        let what = match self.peek() {
            None => {
                let mut error = self.error(What::EndOfFile);
                // Bash counts the line behind the last newline, and one more if the text does not end in one.
                error.line += u32::from(!self.src.ends_with('\n'));
                return error;
            }
            Some(b'\n') => "newline".to_string(),
            Some(_) => match self.operator_here() {
                Some(op) => op.to_string(),
                None => self.raw_word().to_string(),
            },
        };
        self.error(What::Unexpected(what))
    }

    pub(super) fn line_text(&self) -> String {
        let from = self.src.get(..self.pos).and_then(|s| s.rfind('\n')).map_or(0, |n| n + 1);
        let rest = self.src.get(from..).unwrap_or("");
        rest.split('\n').next().unwrap_or("").to_string()
    }

    pub(super) fn operator_here(&self) -> Option<&'static str> {
        OPERATORS.iter().copied().find(|op| self.rest().starts_with(op))
    }

    pub(super) fn raw_word(&self) -> &str {
        let rest = self.rest();
        &rest[..rest.bytes().position(is_meta).unwrap_or(rest.len())]
    }

    /// Whether the next word is this one, unquoted.
    pub(super) fn at(&mut self, keyword: &str) -> bool {
        self.skip_blank();
        self.raw_word() == keyword
    }

    pub(super) fn take(&mut self, keyword: &str) -> bool {
        let there = self.at(keyword);
        if there {
            self.pos += keyword.len();
        }
        there
    }

    pub(super) fn expect(&mut self, keyword: &str) -> Read<()> {
        if self.take(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn operator(&mut self, op: &str) -> bool {
        self.skip_blank();
        let there = self.operator_here() == Some(op);
        if there {
            self.pos += op.len();
        }
        there
    }

    pub(super) fn newline(&mut self) -> Read<()> {
        self.pos += 1;
        self.line += 1;
        if self.here.is_empty() { Ok(()) } else { self.bodies() }
    }

    pub(super) fn skip_newlines(&mut self) -> Read<()> {
        loop {
            self.skip_blank();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// Reads the bodies of the here-documents of the line that just ended.
    pub(super) fn bodies(&mut self) -> Read<()> {
        for pending in std::mem::take(&mut self.here) {
            let first = self.line;
            let mut body = String::new();
            loop {
                if self.pos >= self.src.len() {
                    self.warnings.push((
                        self.line.saturating_sub(u32::from(self.src.ends_with('\n'))).max(first.saturating_sub(1)),
                        pending.line,
                        pending.end.clone(),
                    ));
                    break;
                }
                let rest = self.rest();
                let len = rest.find('\n').unwrap_or(rest.len());
                let mut line = &rest[..len];
                if pending.tabs {
                    line = line.trim_start_matches('\t');
                }
                let done = line == pending.end;
                if !done {
                    body.push_str(line);
                    if len < rest.len() || !line.is_empty() {
                        body.push('\n');
                    }
                }
                self.pos += (len + 1).min(rest.len());
                self.line += 1;
                if done {
                    break;
                }
            }
            let word = if pending.quoted {
                Word { parts: vec![super::ast::Part::Quoted(body)], raw: String::new() }
            } else {
                let mut inner = Parser::new(&body, first);
                inner.depth = self.depth;
                inner.word(Ctx::Here)?
            };
            let _ = pending.body.set(word);
        }
        Ok(())
    }

    /// Commands up to a closing word or parenthesis, which stays unread.
    pub fn compound_list(&mut self, empty: bool) -> Read<List> {
        let mut items = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.peek().is_none()
                || CLOSERS.contains(&self.raw_word())
                || self.rest().starts_with(')')
                || self.rest().starts_with(";;")
                || self.rest().starts_with(";&")
            {
                break;
            }
            let (item, more) = self.and_or()?;
            items.push(item);
            self.skip_blank();
            if !more && self.peek() != Some(b'\n') {
                break;
            }
        }
        if items.is_empty() && !empty {
            return Err(self.unexpected());
        }
        Ok(Arc::new(items))
    }

    /// The flag: a `;` or `&` followed.
    pub(super) fn and_or(&mut self) -> Read<(Arc<AndOr>, bool)> {
        self.skip_blank();
        let start = self.pos;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let and = if self.operator("&&") {
                true
            } else if self.operator("||") {
                false
            } else {
                break;
            };
            self.skip_newlines()?;
            rest.push((and, self.pipeline()?));
        }
        let text = self.src.get(start..self.pos).unwrap_or("").trim_end().to_string();
        let background = self.operator("&");
        let more = background || self.operator(";");
        Ok((Arc::new(AndOr { first, rest, background, text }), more))
    }

    pub(super) fn pipeline(&mut self) -> Read<Arc<Pipeline>> {
        let (mut bang, mut timed) = (false, false);
        loop {
            if self.take("!") {
                bang = !bang;
            } else if self.take("time") {
                timed = true;
                self.skip_blank();
                self.take("-p");
            } else {
                break;
            }
        }
        let mut stages: Vec<(Arc<Command>, bool)> = Vec::new();
        self.skip_blank();
        if timed && self.peek().is_none_or(|c| c == b'\n' || c == b';') {
            return Ok(Arc::new(Pipeline { bang, timed, stages }));
        }
        loop {
            let command = self.command()?;
            let both = self.operator("|&");
            if both || self.operator("|") {
                stages.push((Arc::new(command), both));
                self.skip_newlines()?;
            } else {
                stages.push((Arc::new(command), false));
                return Ok(Arc::new(Pipeline { bang, timed, stages }));
            }
        }
    }

    pub(super) fn command(&mut self) -> Read<Command> {
        self.deeper()?;
        self.skip_blank();
        let line = self.line;
        let word = self.raw_word().to_string();
        let open = self.open.len();
        let kind = match word.as_str() {
            "" if self.rest().starts_with("((") && self.closes_twice(self.pos + 2) => {
                self.pos += 2;
                let inner = self.word(Ctx::Arith)?;
                self.pos += 2;
                Some(Kind::Arith(inner))
            }
            "" if self.operator("(") => {
                self.open.push(("(", line));
                let list = self.compound_list(false)?;
                if !self.operator(")") {
                    return Err(self.unexpected());
                }
                Some(Kind::Subshell(list))
            }
            "{" => {
                self.begin("{");
                let list = self.compound_list(false)?;
                self.expect("}")?;
                Some(Kind::Group(list))
            }
            "if" => Some(self.if_clause()?),
            "while" | "until" => {
                let until = word == "until";
                self.begin(if until { "until" } else { "while" });
                let cond = self.compound_list(false)?;
                let body = self.do_group()?;
                Some(Kind::While { until, cond, body })
            }
            "for" => Some(self.for_clause()?),
            "case" => Some(self.case_clause()?),
            "[[" => {
                self.begin("[[");
                let cond = self.cond_or()?;
                self.cond_newlines()?;
                if !self.take("]]") {
                    return Err(self.unexpected());
                }
                Some(Kind::Cond(cond))
            }
            "function" => {
                self.pos += "function".len();
                self.skip_blank();
                let name = self.raw_word().to_string();
                self.pos += name.len();
                if self.operator("(") && !self.operator(")") {
                    return Err(self.unexpected());
                }
                Some(self.function(name)?)
            }
            "select" | "coproc" => return Err(self.error(What::Refused(format!("`{word}` is not simulated")))),
            w if CLOSERS.contains(&w) => return Err(self.unexpected()),
            _ => None,
        };
        let command = match kind {
            Some(kind @ Kind::Function { .. }) => Command { line, kind, redirs: Vec::new() },
            Some(kind) => {
                let mut redirs = Vec::new();
                while let Some(redir) = self.redirection()? {
                    redirs.push(redir);
                }
                self.skip_blank();
                if !self.peek().is_none_or(is_meta) || self.rest().starts_with('(') {
                    // `fi` and its like may follow at once; anything else is an error for whoever reads on.
                    if !CLOSERS.contains(&self.raw_word()) {
                        return Err(self.unexpected());
                    }
                }
                Command { line, kind, redirs }
            }
            None => self.simple(line)?,
        };
        self.open.truncate(open);
        self.depth -= 1;
        Ok(command)
    }
}
