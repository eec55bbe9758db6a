//! Reading characters: blanks, operators, words with their quotes and expansions (bash's parse.y and subst.c, by behaviour).
//!
//! Extended patterns (`@(a|b)`) are not read, as in a script that has not said `shopt -s extglob`. Every nested
//! construct counts against [`MAX_DEPTH`], so that no script can overflow the stack of the simulator.

use super::ast::{Index, Op, Param, Part, Word};
use super::parse::Parser;
use super::syntax::{SyntaxError, What};

/// How deep quotes, expansions and compound commands may nest.
pub(super) const MAX_DEPTH: u32 = 80;

type Read<T> = Result<T, SyntaxError>;

/// Where a word stands, which decides what ends it and which quotes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ctx {
    /// A word of a command.
    Word,
    /// Right of `=~`: parentheses and bars belong to the word.
    Regex,
    /// Between double quotes.
    Double,
    /// The body of a here-document.
    Here,
    /// Inside `${…}`; the flags: within double quotes, and `/` ends it.
    Brace { double: bool, slash: bool },
    /// Inside `${x:a:b}`: `:` ends it.
    Offset,
    /// A subscript: `]` ends it.
    Subscript,
    /// Inside `$(( ))`, `(( ))`; ended by an unmatched parenthesis.
    Arith,
    /// A part of `for (( ; ; ))`: `;` ends it as well.
    ArithFor,
}

pub(super) fn is_name_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_'
}

pub(super) fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

pub(super) fn is_meta(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

fn text(parts: &mut Vec<Part>, more: &str) {
    if let Some(Part::Text(last)) = parts.last_mut() {
        last.push_str(more);
    } else {
        parts.push(Part::Text(more.to_string()));
    }
}

impl Parser {
    pub(super) fn peek(&self) -> Option<u8> {
        self.src.as_bytes().get(self.pos).copied()
    }

    pub(super) fn ahead(&self, n: usize) -> Option<u8> {
        self.src.as_bytes().get(self.pos + n).copied()
    }

    pub(super) fn rest(&self) -> &str {
        self.src.get(self.pos..).unwrap_or("")
    }

    /// Takes one whole character.
    fn bump(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.pos += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    pub(super) fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(What::Refused(format!("nested more than {MAX_DEPTH} deep"))));
        }
        Ok(())
    }

    /// Skips blanks, continued lines and comments.
    pub(super) fn skip_blank(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.pos += 1,
                Some(b'\\') if self.ahead(1) == Some(b'\n') => {
                    self.pos += 2;
                    self.line += 1;
                }
                Some(b'#') => {
                    let end = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.pos += end;
                }
                _ => return,
            }
        }
    }

    /// One word of a command.
    pub(super) fn word(&mut self, ctx: Ctx) -> Read<Word> {
        let start = self.pos;
        let parts = self.parts(ctx)?;
        Ok(Word { parts, raw: self.src.get(start..self.pos).unwrap_or("").to_string() })
    }

    fn ends(&self, ctx: Ctx, c: u8, parens: u32) -> bool {
        match ctx {
            Ctx::Word => is_meta(c),
            Ctx::Regex => matches!(c, b' ' | b'\t' | b'\n') && parens == 0,
            Ctx::Double => c == b'"',
            Ctx::Here => false,
            Ctx::Brace { slash, .. } => c == b'}' || (slash && c == b'/'),
            Ctx::Offset => c == b'}' || (c == b':' && parens == 0),
            Ctx::Subscript => c == b']' && parens == 0,
            Ctx::Arith => c == b')' && parens == 0,
            Ctx::ArithFor => (c == b')' || c == b';') && parens == 0,
        }
    }

    /// The pieces of a word up to what ends it there, which stays unread.
    pub(super) fn parts(&mut self, ctx: Ctx) -> Read<Vec<Part>> {
        self.deeper()?;
        let mut parts = Vec::new();
        let mut parens = 0u32;
        let singles = !matches!(
            ctx,
            Ctx::Double | Ctx::Here | Ctx::Brace { double: true, slash: false } | Ctx::Arith | Ctx::ArithFor
        );
        if matches!(ctx, Ctx::Word | Ctx::Brace { double: false, .. }) {
            self.tilde(&mut parts);
        }
        while let Some(c) = self.peek() {
            if self.ends(ctx, c, parens) {
                break;
            }
            match c {
                b'\\' => self.backslash(ctx, &mut parts),
                b'\'' if singles => {
                    let (line, from) = (self.line, self.pos + 1);
                    let Some(len) = self.src.get(from..).and_then(|r| r.find('\'')) else {
                        return Err(self.unmatched('\'', line));
                    };
                    let inner = self.src.get(from..from + len).unwrap_or("").to_string();
                    self.line += inner.matches('\n').count() as u32;
                    self.pos = from + len + 1;
                    parts.push(Part::Quoted(inner));
                }
                b'"' if !matches!(ctx, Ctx::Double | Ctx::Here) => {
                    let line = self.line;
                    self.pos += 1;
                    let inner = self.parts(Ctx::Double)?;
                    if self.peek() != Some(b'"') {
                        return Err(self.unmatched('"', line));
                    }
                    self.pos += 1;
                    parts.push(Part::Double(inner));
                }
                b'$' => self.dollar(ctx, &mut parts)?,
                b'`' => parts.push(self.backtick(ctx)?),
                b'<' | b'>' if ctx == Ctx::Word && self.ahead(1) == Some(b'(') => {
                    return Err(
                        self.error(What::Refused("process substitution, <(…) and >(…), is not simulated".into()))
                    );
                }
                _ => {
                    match c {
                        b'(' | b'[' if ctx == Ctx::Subscript || c == b'(' => parens += 1,
                        b')' => parens = parens.saturating_sub(1),
                        b']' if ctx == Ctx::Subscript => parens = parens.saturating_sub(1),
                        _ => {}
                    }
                    if let Some(c) = self.bump() {
                        text(&mut parts, c.encode_utf8(&mut [0; 4]));
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(parts)
    }

    fn tilde(&mut self, parts: &mut Vec<Part>) {
        if self.peek() != Some(b'~') {
            return;
        }
        let rest = &self.rest()[1..];
        let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-+".contains(c))).unwrap_or(rest.len());
        if rest[len..].chars().next().is_none_or(|c| "/:} \t\n;&|<>()".contains(c)) {
            parts.push(Part::Tilde(rest[..len].to_string()));
            self.pos += len + 1;
        }
    }

    fn backslash(&mut self, ctx: Ctx, parts: &mut Vec<Part>) {
        let next = self.src.get(self.pos + 1..).and_then(|r| r.chars().next());
        let inside =
            matches!(ctx, Ctx::Double | Ctx::Here | Ctx::Brace { double: true, .. } | Ctx::Arith | Ctx::ArithFor);
        match next {
            Some('\n') => {
                self.pos += 2;
                self.line += 1;
            }
            Some(c)
                if !inside
                    || matches!(c, '$' | '`' | '\\')
                    || (c == '"' && ctx != Ctx::Here)
                    || (c == '}' && matches!(ctx, Ctx::Brace { .. })) =>
            {
                self.pos += 1 + c.len_utf8();
                parts.push(Part::Quoted(c.to_string()));
            }
            _ => {
                self.pos += 1;
                // A backslash that escapes nothing is itself.
                if inside { parts.push(Part::Quoted("\\".into())) } else { text(parts, "\\") }
            }
        }
    }

    fn backtick(&mut self, ctx: Ctx) -> Read<Part> {
        let line = self.line;
        self.pos += 1;
        let mut inner = String::new();
        loop {
            match self.bump() {
                None => return Err(self.unmatched('`', line)),
                Some('`') => break,
                Some('\\') => match self.peek() {
                    Some(b'$' | b'`' | b'\\') => inner.extend(self.bump()),
                    Some(b'"') if ctx == Ctx::Double => inner.extend(self.bump()),
                    _ => inner.push('\\'),
                },
                Some(c) => inner.push(c),
            }
        }
        let mut parser = Parser::new(&inner, line);
        parser.depth = self.depth;
        parser.deeper()?;
        Ok(Part::Command(parser.all()?))
    }

    fn dollar(&mut self, ctx: Ctx, parts: &mut Vec<Part>) -> Read<()> {
        let start = self.pos;
        let line = self.line;
        match self.ahead(1) {
            Some(b'(') if self.ahead(2) == Some(b'(') && self.closes_twice(start + 3) => {
                self.pos += 3;
                let inner = self.parts(Ctx::Arith)?;
                self.pos += 2;
                parts.push(Part::Arith(inner));
            }
            Some(b'(') => {
                self.pos += 2;
                self.deeper()?;
                let open = self.open.len();
                let list = self.compound_list(true)?;
                self.skip_blank();
                if self.peek() != Some(b')') {
                    let end = self.line + u32::from(!self.src.ends_with('\n'));
                    return Err(if self.peek().is_none() { self.unmatched(')', end) } else { self.unexpected() });
                }
                self.open.truncate(open);
                self.pos += 1;
                self.depth -= 1;
                parts.push(Part::Command(list));
            }
            Some(b'[') => {
                // The old spelling of $(( )).
                self.pos += 2;
                let inner = self.parts(Ctx::Subscript)?;
                if self.peek() != Some(b']') {
                    return Err(self.unmatched(']', line));
                }
                self.pos += 1;
                parts.push(Part::Arith(inner));
            }
            Some(b'{') => {
                self.pos += 2;
                let part = self.braced(ctx, start, line)?;
                parts.push(part);
            }
            Some(b'\'') if !matches!(ctx, Ctx::Double | Ctx::Here | Ctx::Arith | Ctx::ArithFor) => {
                self.pos += 2;
                let from = self.pos;
                loop {
                    match self.bump() {
                        None => return Err(self.unmatched('\'', line)),
                        Some('\\') => {
                            self.bump();
                        }
                        Some('\'') => break,
                        Some(_) => {}
                    }
                }
                let inner = self.src.get(from..self.pos - 1).unwrap_or("");
                parts.push(Part::Quoted(super::escape::ansi_c(inner)));
            }
            Some(b'"') if !matches!(ctx, Ctx::Double | Ctx::Here) => self.pos += 1,
            Some(c) if is_name_start(c) => {
                self.pos += 1;
                let name = self.name();
                parts.push(plain(name, &self.src[start..self.pos]));
            }
            Some(c) if c.is_ascii_digit() || b"@*#?-$!".contains(&c) => {
                self.pos += 2;
                parts.push(plain((c as char).to_string(), &self.src[start..self.pos]));
            }
            _ => {
                self.pos += 1;
                text(parts, "$");
            }
        }
        Ok(())
    }

    pub(super) fn name(&mut self) -> String {
        let rest = self.rest();
        let len = rest.bytes().position(|c| !is_name(c)).unwrap_or(rest.len());
        let name = rest[..len].to_string();
        self.pos += len;
        name
    }

    /// Whether the parenthesis opened before `from` is closed by two at once: what makes `((` arithmetic.
    pub(super) fn closes_twice(&self, from: usize) -> bool {
        let bytes = self.src.as_bytes();
        let (mut depth, mut at) = (0u32, from);
        let mut quote = None;
        while let Some(&c) = bytes.get(at) {
            match (quote, c) {
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(c),
                (None, b'\\') => at += 1,
                (None, b'(') => depth += 1,
                (None, b')') if depth == 0 => return bytes.get(at + 1) == Some(&b')'),
                (None, b')') => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        false
    }

    /// What stands behind `${`.
    fn braced(&mut self, ctx: Ctx, start: usize, line: u32) -> Read<Part> {
        self.deeper()?;
        let double = matches!(ctx, Ctx::Double | Ctx::Here | Ctx::Brace { double: true, .. });
        let param = self.braced_param(double, start)?;
        self.depth -= 1;
        let part = match param {
            Some(param) if self.peek() == Some(b'}') => {
                self.pos += 1;
                Part::Param(Box::new(Param { raw: self.src[start..self.pos].to_string(), ..param }))
            }
            _ => {
                // Bash finds the end first and complains when it comes here.
                self.parts(Ctx::Brace { double, slash: false })?;
                if self.peek().is_none() {
                    return Err(self.unmatched('}', line));
                }
                self.pos += 1;
                Part::Bad(self.src[start..self.pos].to_string())
            }
        };
        Ok(part)
    }

    fn braced_param(&mut self, double: bool, start: usize) -> Read<Option<Param>> {
        let mut length = false;
        let mut indirect = false;
        match self.peek() {
            Some(b'#')
                if self
                    .ahead(1)
                    .is_some_and(|c| is_name(c) || (b"@*?$!#-".contains(&c) && self.ahead(2) == Some(b'}'))) =>
            {
                length = true;
                self.pos += 1;
            }
            Some(b'!') if self.ahead(1).is_some_and(is_name) => {
                indirect = true;
                self.pos += 1;
            }
            _ => {}
        }
        let name = match self.peek() {
            Some(c) if is_name_start(c) => self.name(),
            Some(c) if c.is_ascii_digit() => {
                let len = self.rest().bytes().take_while(u8::is_ascii_digit).count();
                let digits = self.rest()[..len].to_string();
                self.pos += len;
                digits
            }
            Some(c) if b"@*#?-$!".contains(&c) => {
                self.pos += 1;
                (c as char).to_string()
            }
            _ => return Ok(None),
        };
        let mut index = None;
        if self.peek() == Some(b'[') && name.bytes().next().is_some_and(is_name_start) {
            self.pos += 1;
            index = Some(match (self.peek(), self.ahead(1)) {
                (Some(b'@'), Some(b']')) => {
                    self.pos += 1;
                    Index::All
                }
                (Some(b'*'), Some(b']')) => {
                    self.pos += 1;
                    Index::Joined
                }
                _ => Index::At(self.parts(Ctx::Subscript)?),
            });
            if self.peek() != Some(b']') {
                return Ok(None);
            }
            self.pos += 1;
        }
        let op = if length { Op::Length } else { self.operation(double, indirect, &index)? };
        if matches!(op, Op::Keys | Op::Names) {
            indirect = false;
        }
        let raw = self.src.get(start..self.pos).unwrap_or("").to_string();
        Ok(Some(Param { name, index, indirect, op, raw }))
    }

    fn operation(&mut self, double: bool, indirect: bool, index: &Option<Index>) -> Read<Op> {
        let word = Ctx::Brace { double, slash: false };
        let Some(c) = self.peek() else { return Ok(Op::Plain) };
        Ok(match c {
            b'}' if indirect && matches!(index, Some(Index::All | Index::Joined)) => Op::Keys,
            b'*' | b'@' if indirect && index.is_none() && self.ahead(1) == Some(b'}') => {
                self.pos += 1;
                Op::Names
            }
            b':' if self.ahead(1).is_some_and(|c| b"-=?+".contains(&c)) => {
                let op = self.ahead(1).unwrap_or(b'-');
                self.pos += 2;
                Op::Test(op, true, self.parts(word)?)
            }
            b'-' | b'=' | b'?' | b'+' => {
                self.pos += 1;
                Op::Test(c, false, self.parts(word)?)
            }
            b'#' | b'%' => {
                self.pos += 1;
                let longest = self.peek() == Some(c);
                self.pos += usize::from(longest);
                Op::Strip(c, longest, self.parts(Ctx::Brace { double: false, slash: false })?)
            }
            b'/' => {
                self.pos += 1;
                let mut place = 0;
                if let Some(p @ (b'/' | b'#' | b'%')) = self.peek() {
                    place = p;
                    self.pos += 1;
                }
                let pattern = self.parts(Ctx::Brace { double: false, slash: true })?;
                let mut with = Vec::new();
                if self.peek() == Some(b'/') {
                    self.pos += 1;
                    with = self.parts(word)?;
                }
                Op::Replace(place, pattern, with)
            }
            b':' => {
                self.pos += 1;
                let from = self.parts(Ctx::Offset)?;
                let mut len = None;
                if self.peek() == Some(b':') {
                    self.pos += 1;
                    len = Some(self.parts(Ctx::Offset)?);
                }
                Op::Substring(from, len)
            }
            b'^' | b',' => {
                self.pos += 1;
                let all = self.peek() == Some(c);
                self.pos += usize::from(all);
                Op::Case(c, all, self.parts(Ctx::Brace { double: false, slash: false })?)
            }
            b'@' if self.ahead(2) == Some(b'}') && self.ahead(1).is_some_and(|c| b"QUuL".contains(&c)) => {
                let op = self.ahead(1).unwrap_or(b'Q');
                self.pos += 2;
                Op::Transform(op)
            }
            _ => Op::Plain,
        })
    }
}

fn plain(name: String, raw: &str) -> Part {
    Part::Param(Box::new(Param { name, index: None, indirect: false, op: Op::Plain, raw: raw.to_string() }))
}
