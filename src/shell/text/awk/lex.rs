//! The words of awk: names, numbers, strings, expressions between slashes.

use super::parse::{Read, Reader};
use super::value::number_prefix;
use crate::shell::bash::escape;
use crate::shell::text::regex::Regex;
use std::rc::Rc;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Name(String),
    /// A name with `(` right behind it.
    Func(String),
    Op(&'static str),
    Newline,
    End,
}

const OPS: &[&str] = &[
    "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=", "!=", "!~", ">>", "{", "}",
    "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

const REFUSED: &[&str] = &[
    "getline", "system", "rand", "srand", "sin", "cos", "atan2", "exp", "log", "close", "fflush", "gensub", "switch",
    "nextfile", "asort", "asorti",
];

impl Reader {
    pub(super) fn lex(&mut self) -> Read<Token> {
        loop {
            match self.chars.get(self.at) {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.chars.get(self.at + 1) == Some(&'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                Some('#') => {
                    while self.chars.get(self.at).is_some_and(|c| *c != '\n') {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
        let Some(&c) = self.chars.get(self.at) else { return Ok(Token::End) };
        if c == '\n' {
            self.at += 1;
            self.line += 1;
            return Ok(Token::Newline);
        }
        if c == '"' {
            self.at += 1;
            let mut raw = String::new();
            loop {
                match self.chars.get(self.at) {
                    None | Some('\n') => return Err(self.error("runaway string constant")),
                    Some('"') => break,
                    Some('\\') => {
                        match self.chars.get(self.at + 1) {
                            Some('"') => raw.push('"'),
                            Some('/') => raw.push('/'),
                            Some(c) => {
                                raw.push('\\');
                                raw.push(*c);
                            }
                            None => {}
                        }
                        self.at += 2;
                        continue;
                    }
                    Some(c) => raw.push(*c),
                }
                self.at += 1;
            }
            self.at += 1;
            return Ok(Token::Text(escape::unescape(&raw, escape::Style::Format).0));
        }
        if c.is_ascii_digit() || (c == '.' && self.chars.get(self.at + 1).is_some_and(char::is_ascii_digit)) {
            let rest: String = self.chars[self.at..].iter().take(40).collect();
            let (value, len) = number_prefix(&rest);
            self.at += len.max(1);
            return Ok(Token::Number(value));
        }
        if c.is_ascii_alphabetic() || c == '_' {
            let from = self.at;
            while self.chars.get(self.at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
                self.at += 1;
            }
            let name: String = self.chars[from..self.at].iter().collect();
            if REFUSED.contains(&name.as_str()) {
                return Err(self.error(&format!("lvsim: {name} is not simulated")));
            }
            return Ok(if self.chars.get(self.at) == Some(&'(') { Token::Func(name) } else { Token::Name(name) });
        }
        let rest: String = self.chars[self.at..].iter().take(2).collect();
        let Some(op) = OPS.iter().copied().find(|op| rest.starts_with(op)) else {
            return Err(self.error(&format!("unexpected character '{c}'")));
        };
        self.at += op.chars().count();
        Ok(Token::Op(if op == "**" { "^" } else { op }))
    }

    /// A `/` where a value is wanted begins an expression.
    pub(super) fn regex(&mut self) -> Read<Rc<Regex>> {
        let mut text = String::new();
        if self.token == Token::Op("/=") {
            text.push('=');
        }
        let mut bracket = false;
        loop {
            match self.chars.get(self.at) {
                None | Some('\n') => return Err(self.error("runaway regular expression")),
                Some('/') if !bracket => break,
                Some('\\') => {
                    match self.chars.get(self.at + 1) {
                        Some('/') => text.push('/'),
                        Some(c) => {
                            text.push('\\');
                            text.push(*c);
                        }
                        None => {}
                    }
                    self.at += 2;
                    continue;
                }
                Some(c) => {
                    bracket = (bracket || *c == '[') && !(*c == ']' && bracket);
                    text.push(*c);
                }
            }
            self.at += 1;
        }
        self.at += 1;
        self.advance()?;
        Regex::extended(&text).map(Rc::new).map_err(|e| self.error(&format!("/{text}/: {e}")))
    }
}
