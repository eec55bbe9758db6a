//! Expansion of words: tilde, parameters, command substitution, arithmetic, splitting, file names.
//!
//! A command substitution may take simulated time, so expansion cannot simply call it. It stops with
//! [`Halt::Need`], the evaluator runs the commands and expands the same words again with the result in hand
//! ([`Done`], in order of need). What the first attempt assigned is rolled back, so a repeated attempt does the same.

use super::arith;
use super::ast::{Index, List, Op, Part, Word};
use super::brace::{self, Piece};
use super::env::Env;
use super::fields::{Field, Fields};
use super::{MAX_VALUE, MAX_WORDS};
use crate::shell::vfs::Files;

/// What a command substitution printed, and its status.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub text: String,
    pub status: u8,
}

/// Why an expansion stopped.
#[derive(Debug)]
pub(super) enum Halt {
    /// These commands must run first.
    Need(List),
    /// An error, without its prefix; the rest of the line is dropped.
    Line(String),
    /// An error that ends a shell that is not interactive.
    Exit(String),
}

/// An expansion's result, or why there is none yet.
pub(super) type Expanded<T> = Result<T, Halt>;

/// Expands words within one command.
pub(super) struct Expander<'a> {
    pub env: &'a mut Env,
    pub files: &'a mut dyn Files,
    pub done: &'a [Done],
    pub(super) used: usize,
    /// What it cost, in bytes looked at.
    pub work: u64,
    /// The status of the last command substitution.
    pub substituted: Option<u8>,
}

/// A value of a parameter.
pub(super) enum Val {
    Unset,
    One(String),
    /// The flag: `*`, joined when quoted.
    Many(Vec<String>, bool),
}

impl<'a> Expander<'a> {
    pub fn new(env: &'a mut Env, files: &'a mut dyn Files, done: &'a [Done]) -> Expander<'a> {
        Expander { env, files, done, used: 0, work: 0, substituted: None }
    }

    pub(super) fn fields(&self, split: bool) -> Fields {
        Fields { split, ifs: self.env.ifs(), ..Fields::default() }
    }

    /// A word of a command: split, and with file names.
    pub fn words(&mut self, word: &Word, out: &mut Vec<String>) -> Expanded<()> {
        for pieces in brace::expand(word).map_err(Halt::Line)? {
            let mut fields = self.fields(true);
            for piece in &pieces {
                match piece {
                    Piece::Text(text) => fields.plain(text),
                    Piece::Part(part) => self.part(part, false, &mut fields)?,
                }
            }
            fields.end();
            for field in fields.done {
                if field.magic && !self.env.opts.noglob {
                    let names = self.glob(&field.pattern);
                    if !names.is_empty() || self.env.opts.nullglob {
                        out.extend(names);
                        continue;
                    }
                }
                out.push(field.text);
            }
            if out.len() > MAX_WORDS {
                return Err(Halt::Line(format!("lvsim: more than {MAX_WORDS} words in a command")));
            }
        }
        Ok(())
    }

    /// A word that stays one: the right side of an assignment, the word of `case`.
    pub fn single(&mut self, word: &Word) -> Expanded<String> {
        self.text(&word.parts)
    }

    pub fn text(&mut self, parts: &[Part]) -> Expanded<String> {
        Ok(self.joined(parts, false)?.text)
    }

    /// A here-document, an arithmetic expression: as between double quotes.
    pub fn double(&mut self, parts: &[Part]) -> Expanded<String> {
        Ok(self.joined(parts, true)?.text)
    }

    /// A pattern: what is quoted stands for itself.
    pub fn pattern(&mut self, parts: &[Part]) -> Expanded<String> {
        Ok(self.joined(parts, false)?.pattern)
    }

    /// The right side of `=~`: what is quoted stands for itself.
    pub fn regex(&mut self, parts: &[Part]) -> Expanded<String> {
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Quoted(_) | Part::Double(_) => {
                    for c in self.text(std::slice::from_ref(part))?.chars() {
                        if "\\^$.[]|()*+?{}".contains(c) {
                            out.push('\\');
                        }
                        out.push(c);
                    }
                }
                other => out += &self.text(std::slice::from_ref(other))?,
            }
        }
        Ok(out)
    }

    pub fn number(&mut self, parts: &[Part]) -> Expanded<i64> {
        let text = self.double(parts)?;
        self.work += text.len() as u64;
        arith::evaluate(self.env, &text).map_err(Halt::Line)
    }

    pub(super) fn joined(&mut self, parts: &[Part], quoted: bool) -> Expanded<Field> {
        let mut fields = self.fields(false);
        for part in parts {
            self.part(part, quoted, &mut fields)?;
        }
        fields.end();
        let mut all = Field::default();
        for (n, field) in fields.done.into_iter().enumerate() {
            // Only "$@" makes several fields here: they are joined by spaces.
            if n > 0 {
                all.text.push(' ');
                all.pattern.push(' ');
            }
            all.text += &field.text;
            all.pattern += &field.pattern;
        }
        Ok(all)
    }

    pub(super) fn part(&mut self, part: &Part, quoted: bool, out: &mut Fields) -> Expanded<()> {
        match part {
            Part::Text(text) if quoted => out.quoted(text),
            Part::Text(text) => out.plain(text),
            Part::Quoted(text) => out.quoted(text),
            Part::Double(parts) => {
                // "$@" without arguments is no word at all.
                let vanishes = matches!(parts.as_slice(), [Part::Param(p)] if matches!(p.op, Op::Plain) && (p.name == "@" || matches!(p.index, Some(Index::All))));
                if !vanishes {
                    out.quoted("");
                }
                for part in parts {
                    self.part(part, true, out)?;
                }
            }
            Part::Tilde(user) => {
                let home = match user.as_str() {
                    "" => self.env.get("HOME").unwrap_or_else(|| "/root".into()),
                    "root" => "/root".into(),
                    "+" => self.env.cwd.clone(),
                    "-" => self.env.get("OLDPWD").unwrap_or_else(|| "~-".into()),
                    other => format!("~{other}"),
                };
                out.quoted(&home);
            }
            Part::Arith(parts) => {
                let value = self.number(parts)?.to_string();
                self.put(&value, quoted, out)?;
            }
            Part::Command(list) => {
                let Some(done) = self.done.get(self.used) else { return Err(Halt::Need(list.clone())) };
                self.used += 1;
                self.substituted = Some(done.status);
                self.env.status = done.status;
                self.work += done.text.len() as u64;
                let text = done.text.clone();
                self.put(&text, quoted, out)?;
            }
            Part::Bad(raw) => return Err(Halt::Line(format!("{raw}: bad substitution"))),
            Part::Param(param) => self.param(param, quoted, out)?,
        }
        Ok(())
    }

    pub(super) fn put(&mut self, text: &str, quoted: bool, out: &mut Fields) -> Expanded<()> {
        self.work += text.len() as u64 + 1;
        let held = out.current.as_ref().map_or(0, |f| f.text.len()) + out.done.len();
        if held + text.len() > 2 * MAX_VALUE {
            return Err(Halt::Line(format!("lvsim: a word longer than {} KiB", (2 * MAX_VALUE) >> 10)));
        }
        if quoted {
            out.quoted(text)
        } else {
            out.result(text)
        }
        Ok(())
    }

    pub(super) fn put_value(&mut self, value: Val, quoted: bool, out: &mut Fields) -> Expanded<()> {
        match value {
            Val::Unset => Ok(()),
            Val::One(text) => self.put(&text, quoted, out),
            Val::Many(items, true) if quoted || !out.split => {
                let by = self.env.ifs().chars().next().map(String::from).unwrap_or_default();
                self.put(&items.join(&by), quoted, out)
            }
            Val::Many(items, _) => {
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        if out.split || quoted { out.end() } else { out.plain(" ") }
                    }
                    self.put(item, quoted, out)?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn lookup(&mut self, name: &str, index: Option<&Index>) -> Expanded<Val> {
        let one = |text: Option<String>| text.map_or(Val::Unset, Val::One);
        Ok(match (name, index) {
            ("@" | "*", _) => Val::Many(self.env.args.to_vec(), name == "*"),
            ("#", _) => Val::One(self.env.args.len().to_string()),
            ("?", _) => Val::One(self.env.status.to_string()),
            ("$", _) => Val::One(self.env.pid.to_string()),
            ("!", _) => one(self.env.last_job.map(|j| j.to_string())),
            ("-", _) => {
                let o = self.env.opts;
                let flags = [
                    (o.errexit, 'e'),
                    (o.noglob, 'f'),
                    (true, 'h'),
                    (o.nounset, 'u'),
                    (o.xtrace, 'x'),
                    (true, 'B'),
                    (self.env.command_mode, 'c'),
                ];
                Val::One(flags.iter().filter(|(on, _)| *on).map(|(_, c)| *c).collect())
            }
            ("0", _) => Val::One(self.env.name.to_string()),
            (digits, _) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                let n: usize = digits.parse().unwrap_or(usize::MAX);
                one(self.env.args.get(n.wrapping_sub(1)).cloned())
            }
            (name, None) => one(self.env.get(name)),
            (name, Some(Index::All)) => {
                Val::Many(self.env.array(name).unwrap_or_default().into_values().collect(), false)
            }
            (name, Some(Index::Joined)) => {
                Val::Many(self.env.array(name).unwrap_or_default().into_values().collect(), true)
            }
            (name, Some(Index::At(parts))) => {
                let index = self.number(parts)?;
                one(self.env.element(name, index))
            }
        })
    }

    pub(super) fn in_place(&mut self, word: &[Part], quoted: bool, out: &mut Fields) -> Expanded<()> {
        for part in word {
            match part {
                Part::Text(text) if !quoted => out.result(text),
                part => self.part(part, quoted, out)?,
            }
        }
        Ok(())
    }
}
