//! Functions of awk: the program's own and the built-in ones.

use super::tree::{Expr, Function};
use super::value::Value;
use super::{Array, Awk, Key, MAX_TEXT, Run, Slot, Stop};
use crate::shell::text::date;
use crate::shell::text::regex::Regex;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Awk<'_, '_, '_, '_> {
    pub(super) fn call(&mut self, name: &str, args: &[Expr]) -> Run<Value> {
        let program = self.program;
        let Some(Function { args: names, body, .. }) = program.functions.iter().find(|f| f.name.as_ref() == name)
        else {
            return Err(Stop::Fail(format!("function {name} never defined")));
        };
        let mut frame = BTreeMap::new();
        for (n, own) in names.iter().enumerate() {
            let slot = match args.get(n) {
                None => Slot::Value(Value::Unset),
                Some(Expr::Var(var)) if self.is_array(var) => Slot::Array(self.array_name(var)),
                Some(arg) => Slot::Value(self.eval(arg)?),
            };
            frame.insert(own.clone(), slot);
        }
        let before = self.locals;
        self.frames.push(frame);
        let depth = self.depth;
        let done = self.exec(body);
        self.depth = depth;
        self.frames.pop();
        // Arrays that were local to the call go with it.
        if self.locals > before {
            self.arrays.retain(|name, _| {
                name.split_once(' ').is_none_or(|(_, n)| n.parse::<u64>().is_ok_and(|n| n <= before))
            });
            self.locals = before;
        }
        match done {
            Ok(()) => Ok(Value::Unset),
            Err(Stop::Return(value)) => Ok(value),
            Err(other) => Err(other),
        }
    }

    pub(super) fn is_array(&self, name: &str) -> bool {
        match self.frames.last().and_then(|f| f.get(name)) {
            Some(Slot::Array(_)) => true,
            Some(Slot::Value(_)) => false,
            None => self.arrays.contains_key(name) || !self.vars.contains_key(name),
        }
    }

    pub(super) fn builtin(&mut self, name: &str, args: &[Expr]) -> Run<Value> {
        let need = |n: usize| {
            if args.len() < n { Err(Stop::Fail(format!("not enough arguments passed to {name}"))) } else { Ok(()) }
        };
        Ok(match name {
            "length" => match args.first() {
                None => Value::Number(self.record.chars().count() as f64),
                Some(Expr::Var(var)) if self.is_array(var) && self.get_var(var).show("").is_empty() => {
                    let real = self.array_name(var);
                    Value::Number(self.arrays.get(&real).map_or(0, BTreeMap::len) as f64)
                }
                Some(arg) => Value::Number(self.eval_text(arg)?.chars().count() as f64),
            },
            "substr" => {
                need(2)?;
                let text = self.eval_text(&args[0])?;
                let from = round(self.eval(&args[1])?.number());
                let len = match args.get(2) {
                    Some(len) => round(self.eval(len)?.number()),
                    None => f64::INFINITY,
                };
                let total = text.chars().count() as f64;
                let end = (from + len).min(total + 1.0);
                let from = from.max(1.0);
                if end > from {
                    Value::text(&text.chars().skip(from as usize - 1).take((end - from) as usize).collect::<String>())
                } else {
                    Value::text("")
                }
            }
            "index" => {
                need(2)?;
                let (text, what) = (self.eval_text(&args[0])?, self.eval_text(&args[1])?);
                Value::Number(text.find(what.as_ref()).map_or(0, |n| text[..n].chars().count() + 1) as f64)
            }
            "split" => {
                need(2)?;
                let text = self.eval_text(&args[0])?;
                let Expr::Var(array) = &args[1] else { return Err(Stop::Fail("split wants an array".into())) };
                let sep = match args.get(2) {
                    None => self.var_text("FS"),
                    // An expression is one even if it is a single character.
                    Some(Expr::Regex(regex)) => {
                        let regex = regex.clone();
                        return self.split_by(&text, array, &regex);
                    }
                    Some(sep) => self.eval_text(sep)?,
                };
                let parts = self.pieces(&text, &sep);
                self.fill(array, parts)?
            }
            "sub" | "gsub" => {
                need(2)?;
                let regex = self.regex_of(&args[0])?;
                let with = self.eval_text(&args[1])?;
                let whole = Expr::Field(Box::new(Expr::Number(0.0)));
                let place = args.get(2).unwrap_or(&whole);
                let text = self.eval_text(place)?;
                self.steps += regex.cost(text.len()) / 16;
                let (out, n) = substitute(&text, &regex, &with, name == "gsub");
                if n > 0 {
                    self.bounded(&out)?;
                    self.store(place, Value::text(&out))?;
                }
                Value::Number(n as f64)
            }
            "match" => {
                need(2)?;
                let text = self.eval_text(&args[0])?;
                let regex = self.regex_of(&args[1])?;
                self.steps += regex.cost(text.len()) / 16;
                let (start, length) = match regex.find(&text, 0) {
                    Some(m) => {
                        (text[..m.start].chars().count() as f64 + 1.0, text[m.start..m.end].chars().count() as f64)
                    }
                    None => (0.0, -1.0),
                };
                self.vars.insert("RSTART".into(), Value::Number(start));
                self.vars.insert("RLENGTH".into(), Value::Number(length));
                Value::Number(start)
            }
            "sprintf" => {
                need(1)?;
                let text = self.format(args)?;
                Value::text(&text)
            }
            "tolower" | "toupper" => {
                need(1)?;
                let text = self.eval_text(&args[0])?;
                Value::text(&if name == "tolower" { text.to_lowercase() } else { text.to_uppercase() })
            }
            "int" => {
                need(1)?;
                Value::Number(self.eval(&args[0])?.number().trunc())
            }
            "sqrt" => {
                need(1)?;
                Value::Number(self.eval(&args[0])?.number().sqrt())
            }
            "systime" => Value::Number(self.io.files.unix_time().0 as f64),
            _ => {
                let format = match args.first() {
                    Some(format) => self.eval_text(format)?,
                    None => "%c".into(),
                };
                let at = match args.get(1) {
                    Some(at) => self.eval(at)?.number() as i64,
                    None => self.io.files.unix_time().0,
                };
                Value::text(&date::format(&format, at.clamp(-(1 << 40), 1 << 40), 0))
            }
        })
    }

    pub(super) fn fill(&mut self, array: &Rc<str>, parts: Vec<String>) -> Run<Value> {
        let real = self.array_name(array);
        self.arrays.insert(real.clone(), Array::new());
        let n = parts.len();
        for (n, part) in parts.iter().enumerate() {
            self.put(&real, Key::new(&(n + 1).to_string()), Value::input(part))?;
        }
        Ok(Value::Number(n as f64))
    }

    pub(super) fn split_by(&mut self, text: &str, array: &Rc<str>, regex: &Regex) -> Run<Value> {
        self.steps += regex.cost(text.len()) / 16;
        let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(m) = regex.find(text, at) {
            if m.end == m.start {
                let Some(c) = text[m.end..].chars().next() else { break };
                at = m.end + c.len_utf8();
                continue;
            }
            parts.push(text[from..m.start].to_string());
            (from, at) = (m.end, m.end);
        }
        if !text.is_empty() {
            parts.push(text[from..].to_string());
        }
        self.fill(array, parts)
    }

    pub(super) fn dynamic(&mut self, text: &str) -> Run<Rc<Regex>> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        let regex = Rc::new(
            Regex::extended(text)
                .map_err(|e| Stop::Fail(format!("regular expression compile failed ({e})\n{text}")))?,
        );
        if self.regexes.len() > 500 {
            self.regexes.clear();
        }
        self.regexes.insert(text.into(), regex.clone());
        Ok(regex)
    }

    pub(super) fn regex_of(&mut self, expr: &Expr) -> Run<Rc<Regex>> {
        match expr {
            Expr::Regex(regex) => Ok(regex.clone()),
            other => {
                let text = self.eval_text(other)?;
                self.dynamic(&text)
            }
        }
    }

    pub(super) fn matches(&mut self, regex: &Regex, text: &str) -> bool {
        self.steps += regex.cost(text.len()) / 16;
        regex.is_match(text)
    }
}

/// Rounds half to even, as `substr` does with its numbers.
fn round(n: f64) -> f64 {
    if n.is_nan() { 0.0 } else { n.round_ties_even() }
}

fn substitute(text: &str, regex: &Regex, with: &str, all: bool) -> (String, usize) {
    let mut out = String::new();
    let (mut at, mut copied, mut n) = (0, 0, 0);
    let mut last_end = None;
    while at <= text.len() {
        let Some(m) = regex.find(text, at) else { break };
        if !(m.start == m.end && last_end == Some(m.start)) {
            out += &text[copied..m.start];
            let mut chars = with.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '\\' if matches!(chars.peek(), Some('&' | '\\')) => out.extend(chars.next()),
                    '&' => out += &text[m.start..m.end],
                    c => out.push(c),
                }
            }
            copied = m.end;
            n += 1;
            last_end = Some(m.end);
            if !all || out.len() > 2 * MAX_TEXT {
                break;
            }
        }
        at = if m.end > m.start { m.end } else { m.end + text[m.end..].chars().next().map_or(1, char::len_utf8) };
    }
    out += text.get(copied..).unwrap_or("");
    (out, n)
}
