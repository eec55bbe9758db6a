//! The grammar of simple commands: assignments, words, redirections.

use super::ast::{Arg, Assign, Command, Kind, Redir, RedirKind, Value};
use super::lex::{Ctx, is_meta, is_name, is_name_start};
use super::parse::{Parser, Pending, Read};
use super::syntax::What;
use std::sync::{Arc, OnceLock};

/// Builtins whose arguments may be assignments.
const DECLARE: &[&str] = &["local", "export", "declare", "typeset", "readonly"];

impl Parser {
    pub(super) fn simple(&mut self, line: u32) -> Read<Command> {
        let (mut assigns, mut words, mut redirs) = (Vec::new(), Vec::new(), Vec::new());
        let mut declares = false;
        loop {
            if let Some(redir) = self.redirection()? {
                redirs.push(redir);
                continue;
            }
            self.skip_blank();
            if words.is_empty() {
                if let Some(assign) = self.assignment()? {
                    assigns.push(assign);
                    continue;
                }
            } else if declares && let Some(assign) = self.assignment()? {
                words.push(Arg::Assign(assign));
                continue;
            }
            match self.peek() {
                Some(b'(') if words.len() == 1 && assigns.is_empty() && redirs.is_empty() => {
                    self.pos += 1;
                    if !self.operator(")") {
                        return Err(self.unexpected());
                    }
                    let name = match words.pop() {
                        Some(Arg::Word(word)) => word.raw,
                        _ => String::new(),
                    };
                    return Ok(Command { line, kind: self.function(name)?, redirs });
                }
                Some(c) if !is_meta(c) => {
                    let word = self.word(Ctx::Word)?;
                    if words.is_empty() {
                        declares = DECLARE.contains(&word.raw.as_str());
                    }
                    words.push(Arg::Word(word));
                }
                Some(b'<' | b'>') if self.ahead(1) == Some(b'(') => {
                    self.word(Ctx::Word)?;
                    return Err(
                        self.error(What::Refused("process substitution, <(…) and >(…), is not simulated".into()))
                    );
                }
                _ => break,
            }
        }
        if words.is_empty() && assigns.is_empty() && redirs.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { line, kind: Kind::Simple { assigns, words }, redirs })
    }

    /// `name=…`, `name+=…`, `name[…]=…` if one begins here.
    pub(super) fn assignment(&mut self) -> Read<Option<Assign>> {
        let bytes = self.src.as_bytes();
        let start = self.pos;
        if !self.peek().is_some_and(is_name_start) {
            return Ok(None);
        }
        let mut at = start;
        while bytes.get(at).is_some_and(|c| is_name(*c)) {
            at += 1;
        }
        let name_end = at;
        if bytes.get(at) == Some(&b'[') {
            let mut depth = 0u32;
            loop {
                match bytes.get(at) {
                    Some(b'[') => depth += 1,
                    Some(b']') => depth -= 1,
                    None | Some(b'\n') => return Ok(None),
                    Some(_) => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
        }
        let append = bytes.get(at) == Some(&b'+');
        if bytes.get(at + usize::from(append)) != Some(&b'=') {
            return Ok(None);
        }
        let equals = at + usize::from(append);
        let name = self.src[start..name_end].to_string();
        let mut index = None;
        if bytes.get(name_end) == Some(&b'[') {
            self.pos = name_end + 1;
            index = Some(self.word(Ctx::Subscript)?);
        }
        self.pos = equals + 1;
        if self.peek() == Some(b'(') && index.is_none() {
            let line = self.line;
            self.pos += 1;
            let mut items = Vec::new();
            loop {
                self.skip_newlines()?;
                match self.peek() {
                    None => return Err(self.unmatched(')', line)),
                    Some(b')') => break,
                    Some(c) if is_meta(c) => return Err(self.unexpected()),
                    Some(b'[') if self.keyed() => {
                        self.pos += 1;
                        let key = self.word(Ctx::Subscript)?;
                        self.pos += 2;
                        items.push((Some(key), self.word(Ctx::Word)?));
                    }
                    Some(_) => items.push((None, self.word(Ctx::Word)?)),
                }
            }
            self.pos += 1;
            return Ok(Some(Assign { name, index, append, value: Value::Array(items) }));
        }
        let value = Value::Scalar(self.word(Ctx::Word)?);
        Ok(Some(Assign { name, index, append, value }))
    }

    /// Whether `[key]=` stands here.
    pub(super) fn keyed(&self) -> bool {
        self.rest().find("]=").is_some_and(|n| !self.rest()[..n].contains([' ', '\n', ')']))
    }

    pub(super) fn redirection(&mut self) -> Read<Option<Redir>> {
        self.skip_blank();
        let start = self.pos;
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let mut fd = None;
        if digits > 0 {
            if !matches!(self.ahead(digits), Some(b'<' | b'>')) || digits > 4 {
                return Ok(None);
            }
            fd = self.rest()[..digits].parse().ok();
            self.pos += digits;
        }
        let op = self.operator_here().unwrap_or("");
        let kind = match op {
            "<" => RedirKind::Read,
            ">" | ">|" => RedirKind::Write,
            ">>" => RedirKind::Append,
            "<>" => RedirKind::ReadWrite,
            "<&" => RedirKind::DupIn,
            ">&" => RedirKind::DupOut,
            "&>" if fd.is_none() => RedirKind::Both,
            "&>>" if fd.is_none() => RedirKind::BothAppend,
            "<<<" => RedirKind::HereString,
            "<<" | "<<-" => RedirKind::HereDoc,
            _ => {
                self.pos = start;
                return Ok(None);
            }
        };
        if matches!(op, "<" | ">") && self.ahead(1) == Some(b'(') {
            return Err(self.error(What::Refused("process substitution, <(…) and >(…), is not simulated".into())));
        }
        self.pos += op.len();
        self.skip_blank();
        if self.peek().is_none_or(is_meta) {
            if matches!(self.peek(), Some(b'<' | b'>')) && self.ahead(1) == Some(b'(') {
                return Err(self.error(What::Refused("process substitution, <(…) and >(…), is not simulated".into())));
            }
            if self.peek().is_none() {
                return Err(self.error(What::Unexpected("newline".into())));
            }
            return Err(self.unexpected());
        }
        let target = self.word(Ctx::Word)?;
        let here = Arc::new(OnceLock::new());
        if kind == RedirKind::HereDoc {
            let quoted = target.raw.contains(['\'', '"', '\\']);
            let end = target.raw.replace(['\'', '"', '\\'], "");
            self.here.push(Pending { end, quoted, tabs: op == "<<-", line: self.line, body: here.clone() });
        }
        // `>& file` is `&> file`, unless a descriptor follows.
        let number = target.raw == "-" || target.raw.trim_end_matches('-').bytes().all(|c| c.is_ascii_digit());
        let kind = if kind == RedirKind::DupOut && fd.is_none() && !number && !target.raw.starts_with('$') {
            RedirKind::Both
        } else {
            kind
        };
        Ok(Some(Redir { fd, kind, target, here }))
    }
}
