//! Records, fields, variables and arrays of awk.

use super::tree::Expr;
use super::value::Value;
use super::{Awk, Key, MAX_ITEMS, MAX_TEXT, Run, Slot, Stop};
use crate::shell::text::regex::Regex;
use std::rc::Rc;

impl Awk<'_, '_, '_, '_> {
    pub(super) fn records(&mut self, text: &str) -> Vec<String> {
        let sep = self.var_text("RS");
        let strip = |t: &str| t.strip_suffix('\n').unwrap_or(t).to_string();
        if sep.is_empty() {
            // Paragraphs.
            let mut all = Vec::new();
            let mut held: Vec<&str> = Vec::new();
            for line in text.lines().chain([""]) {
                if line.is_empty() {
                    if !held.is_empty() {
                        all.push(held.join("\n"));
                        held.clear();
                    }
                } else {
                    held.push(line);
                }
            }
            return all;
        }
        if sep.as_ref() == "\n" {
            return text.lines().map(str::to_string).collect();
        }
        let mut all: Vec<String> = Vec::new();
        let single = sep.chars().count() == 1;
        let regex = if single { None } else { Regex::extended(&sep).ok() };
        let mut rest = text;
        loop {
            let found = match &regex {
                None => rest.find(sep.as_ref()).map(|n| (n, n + sep.len())),
                Some(regex) => regex.find(rest, 0).filter(|m| m.end > m.start).map(|m| (m.start, m.end)),
            };
            match found {
                Some((a, b)) => {
                    all.push(rest[..a].to_string());
                    rest = &rest[b..];
                }
                None => {
                    let last = strip(rest);
                    if !last.is_empty() || !rest.is_empty() && rest != "\n" {
                        all.push(last);
                    }
                    return all;
                }
            }
        }
    }

    pub(super) fn set_record(&mut self, text: &str) {
        self.steps += 1 + text.len() as u64 / 64;
        self.record = text.into();
        self.split = false;
    }

    pub(super) fn split_record(&mut self) {
        if self.split {
            return;
        }
        self.split = true;
        let sep = self.var_text("FS");
        let record = self.record.clone();
        self.fields = self.pieces(&record, &sep).iter().map(|p| Value::input(p)).collect();
        self.vars.insert("NF".into(), Value::Number(self.fields.len() as f64));
    }

    pub(super) fn join_record(&mut self) {
        let (sep, format) = (self.var_text("OFS"), self.var_text("CONVFMT"));
        let parts: Vec<Rc<str>> = self.fields.iter().map(|f| f.show(&format)).collect();
        self.record = parts.join(&sep).into();
    }

    /// Splits by a separator: a blank means runs of white space, one character itself, more an expression.
    pub(super) fn pieces(&mut self, text: &str, sep: &str) -> Vec<String> {
        self.steps += text.len() as u64 / 16;
        if sep == " " {
            return text.split([' ', '\t', '\n']).filter(|p| !p.is_empty()).map(str::to_string).collect();
        }
        if text.is_empty() {
            return Vec::new();
        }
        if sep.is_empty() {
            return text.chars().map(String::from).collect();
        }
        if sep.chars().count() == 1 && sep != "\\" {
            return text.split(sep).map(str::to_string).collect();
        }
        let Ok(regex) = self.dynamic(sep) else { return vec![text.to_string()] };
        self.steps += regex.cost(text.len()) / 16;
        let (mut all, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(m) = regex.find(text, at) {
            if m.end == m.start {
                let Some(c) = text[m.end..].chars().next() else { break };
                at = m.end + c.len_utf8();
                continue;
            }
            all.push(text[from..m.start].to_string());
            from = m.end;
            at = m.end;
        }
        all.push(text[from..].to_string());
        all
    }

    pub(super) fn get_field(&mut self, n: f64) -> Run<Value> {
        if !(0.0..=MAX_ITEMS as f64).contains(&n) {
            return Err(Stop::Fail(format!("trying to access field {n}")));
        }
        if n < 1.0 {
            let record = self.record.clone();
            return Ok(Value::input(&record));
        }
        self.split_record();
        Ok(self.fields.get(n as usize - 1).cloned().unwrap_or(Value::Unset))
    }

    pub(super) fn store(&mut self, place: &Expr, value: Value) -> Run<()> {
        match place {
            Expr::Var(name) => self.set_var(name, value),
            Expr::Index(array, keys) => {
                let key = self.key(keys)?;
                let name = self.array_name(array);
                self.put(&name, key, value)
            }
            Expr::Field(of) => {
                let n = self.eval(of)?.number();
                if !(0.0..=MAX_ITEMS as f64).contains(&n) {
                    return Err(Stop::Fail(format!("trying to access field {n}")));
                }
                if n < 1.0 {
                    let text = value.show("%.6g");
                    self.set_record(&text);
                    return Ok(());
                }
                self.split_record();
                let n = n as usize;
                if self.fields.len() < n {
                    self.fields.resize(n, Value::Unset);
                    self.vars.insert("NF".into(), Value::Number(n as f64));
                }
                self.fields[n - 1] = value;
                self.join_record();
                let record = self.record.clone();
                self.bounded(&record)
            }
            _ => Err(Stop::Fail("not a variable".into())),
        }
    }

    pub(super) fn put(&mut self, name: &Rc<str>, key: Key, value: Value) -> Run<()> {
        let array = self.arrays.entry(name.clone()).or_default();
        if array.len() >= MAX_ITEMS && !array.contains_key(&key) {
            return Err(Stop::Fail(format!("lvsim: {name} has more than {MAX_ITEMS} elements")));
        }
        self.held += key.1.len() + 32;
        if let Value::Text(t) | Value::Input(t, _) = &value {
            self.held += t.len();
        }
        array.insert(key, value);
        if self.held > 64 * MAX_TEXT { Err(Stop::Fail("lvsim: arrays hold more than 64 MiB".into())) } else { Ok(()) }
    }

    pub(super) fn get_var(&mut self, name: &str) -> Value {
        if let Some(Slot::Value(value)) = self.frames.last().and_then(|f| f.get(name)) {
            return value.clone();
        }
        if name == "NF" {
            self.split_record();
        }
        self.vars.get(name).cloned().unwrap_or(Value::Unset)
    }

    pub(super) fn set_var(&mut self, name: &str, value: Value) -> Run<()> {
        if let Some(slot) = self.frames.last_mut().and_then(|f| f.get_mut(name)) {
            *slot = Slot::Value(value);
            return Ok(());
        }
        if name == "NF" {
            self.split_record();
            let n = value.number();
            if !(0.0..=MAX_ITEMS as f64).contains(&n) {
                return Err(Stop::Fail(format!("bad field count {n}")));
            }
            self.fields.resize(n as usize, Value::Unset);
            self.vars.insert("NF".into(), Value::Number(n.trunc()));
            self.join_record();
            return Ok(());
        }
        if self.vars.len() > 10_000 {
            return Err(Stop::Fail("lvsim: more than 10000 variables".into()));
        }
        self.vars.insert(name.into(), value);
        Ok(())
    }

    /// The array that a name means here: an argument may stand for another.
    pub(super) fn array_name(&mut self, name: &Rc<str>) -> Rc<str> {
        let Some(frame) = self.frames.last_mut() else { return name.clone() };
        match frame.get(name) {
            Some(Slot::Array(real)) => real.clone(),
            Some(Slot::Value(_)) => {
                // A local that is used as an array for the first time.
                self.locals += 1;
                let real: Rc<str> = format!("{name} {}", self.locals).into();
                frame.insert(name.clone(), Slot::Array(real.clone()));
                real
            }
            None => name.clone(),
        }
    }
}
