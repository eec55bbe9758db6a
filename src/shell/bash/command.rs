//! Simple commands: expansion, `set -x`, and what a name means: function, builtin, text program, script, program of the machine.

use super::ast::{Arg, Assign, Command, Kind, Value};
use super::env::Var;
use super::escape::trace_quote;
use super::expand::{Done, Expanded, Expander, Halt};
use super::frame::{Cx, Frame};
use super::redirect::Ready;
use super::task::Task;
use super::{MAX_CALLS, MAX_COMMAND, Machine};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A simple command after expansion.
#[derive(Default)]
pub(super) struct Simple {
    pub argv: Vec<String>,
    /// Array values among the arguments of `local`, `declare` and their like: the argument's place, and the items.
    pub arrays: BTreeMap<usize, BTreeMap<i64, String>>,
    redirs: Vec<Ready>,
    /// What variables before the command were.
    saved: Vec<(String, Option<Var>)>,
    status: Option<u8>,
    trace: Vec<String>,
}

impl Simple {
    /// A command of plain words.
    pub fn of(argv: Vec<String>) -> Simple {
        Simple { argv, ..Simple::default() }
    }
}

impl Expander<'_> {
    fn simple(&mut self, command: &Command) -> Expanded<Simple> {
        let Kind::Simple { assigns, words } = &command.kind else {
            return Err(Halt::Line("not a simple command".into()));
        };
        let mut simple = Simple::default();
        for word in words {
            match word {
                Arg::Word(word) => self.words(word, &mut simple.argv)?,
                Arg::Assign(assign) => {
                    let plus = if assign.append { "+" } else { "" };
                    match &assign.value {
                        Value::Scalar(value) => {
                            let value = self.single(value)?;
                            let index = match &assign.index {
                                Some(index) => format!("[{}]", self.number(&index.parts)?),
                                None => String::new(),
                            };
                            simple.argv.push(format!("{}{index}{plus}={value}", assign.name));
                        }
                        Value::Array(_) => {
                            let old = if assign.append { self.env.array(&assign.name) } else { None };
                            let items = self.items(assign, old)?;
                            simple.arrays.insert(simple.argv.len(), items);
                            simple.argv.push(assign.name.clone());
                        }
                    }
                }
            }
        }
        if simple.argv.iter().map(|a| a.len() + 8).sum::<usize>() > MAX_COMMAND {
            let name = simple.argv.first().cloned().unwrap_or_default();
            return Err(Halt::Line(format!("{name}: Argument list too long")));
        }
        simple.redirs = self.redirs(&command.redirs)?;
        for assign in assigns {
            if !simple.argv.is_empty() {
                simple.saved.push((assign.name.clone(), self.env.vars.get(&assign.name).cloned()));
            }
            let shown = self.assign(assign)?;
            simple.trace.push(shown);
        }
        simple.status = self.substituted;
        Ok(simple)
    }

    fn items(&mut self, assign: &Assign, old: Option<BTreeMap<i64, String>>) -> Expanded<BTreeMap<i64, String>> {
        let Value::Array(typed) = &assign.value else { return Ok(BTreeMap::new()) };
        let mut items = old.unwrap_or_default();
        let mut next = items.keys().next_back().map_or(0, |k| k + 1);
        for (key, word) in typed {
            match key {
                Some(key) => {
                    next = self.number(&key.parts)?;
                    items.insert(next, self.single(word)?);
                    next += 1;
                }
                None => {
                    let mut words = Vec::new();
                    self.words(word, &mut words)?;
                    for word in words {
                        items.insert(next, word);
                        next = next.saturating_add(1);
                    }
                }
            }
        }
        Ok(items)
    }

    /// Does an assignment; returns it as `set -x` shows it.
    fn assign(&mut self, assign: &Assign) -> Expanded<String> {
        let name = &assign.name;
        match &assign.value {
            Value::Array(_) => {
                let old = if assign.append { self.env.array(name) } else { None };
                let items = self.items(assign, old)?;
                let shown: Vec<String> = items.values().map(|v| trace_quote(v)).collect();
                self.env.set_array(name, items).map_err(Halt::Line)?;
                Ok(format!("{name}=({})", shown.join(" ")))
            }
            Value::Scalar(word) => {
                let index = match &assign.index {
                    Some(index) => Some(self.number(&index.parts)?),
                    None => None,
                };
                let mut value = self.single(word)?;
                let shown = value.clone();
                let integer = self.env.vars.get(name).is_some_and(|v| v.integer);
                let old = match index {
                    Some(index) => self.env.element(name, index),
                    None => self.env.get(name),
                };
                if integer {
                    let text = if assign.append { format!("{}+({value})", old.unwrap_or_default()) } else { value };
                    value = super::arith::evaluate(self.env, &text).map_err(Halt::Line)?.to_string();
                } else if assign.append {
                    value = old.unwrap_or_default() + &value;
                }
                let plus = if assign.append { "+" } else { "" };
                let quoted = if shown.is_empty() { String::new() } else { trace_quote(&shown) };
                match index {
                    Some(index) => {
                        self.env.set_element(name, index, value).map_err(Halt::Line)?;
                        Ok(format!("{name}[{index}]{plus}={quoted}"))
                    }
                    None => {
                        self.env.set(name, value).map_err(Halt::Line)?;
                        Ok(format!("{name}{plus}={quoted}"))
                    }
                }
            }
        }
    }
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    pub(super) fn simple<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        command: Arc<Command>,
        done: Vec<Done>,
    ) -> u64 {
        let before = self.env.status;
        let (result, work) = self.attempt(cx, &done, |ex| ex.simple(&command));
        let mut simple = match result {
            Ok(simple) => simple,
            Err(halt) => {
                self.halted(cx, halt, Frame::Command { command, done });
                return work;
            }
        };
        if simple.argv.is_empty() {
            for line in &simple.trace {
                self.trace(cx, line);
            }
            // A redirection alone makes the file; `$(…)` alone leaves its status.
            let redirs = std::mem::take(&mut simple.redirs);
            self.env.status = if self.redirect(cx, redirs, true) { simple.status.unwrap_or(0) } else { 1 };
            return work;
        }
        self.env.status = simple.status.unwrap_or(before);
        if self.env.opts.xtrace {
            let words: Vec<String> =
                simple.trace.iter().cloned().chain(simple.argv.iter().map(|a| trace_quote(a))).collect();
            self.trace(cx, &words.join(" "));
        }
        let redirs = std::mem::take(&mut simple.redirs);
        let forever = simple.argv[0] == "exec" && simple.argv.len() == 1;
        if !self.redirect(cx, redirs, !forever) {
            for (name, var) in simple.saved.into_iter().rev() {
                self.env.put_back(&name, var);
            }
            self.env.status = 1;
            return work;
        }
        if !simple.saved.is_empty() {
            for (name, _) in &simple.saved {
                let _ = self.env.change(name, |v| v.exported = true);
            }
            self.frames.push(Frame::Vars { saved: std::mem::take(&mut simple.saved) });
        }
        work + self.invoke(cx, simple, true)
    }

    /// A line of `set -x`.
    pub(super) fn trace<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, line: &str) {
        if self.env.opts.xtrace {
            let depth = self.frames.iter().filter(|f| matches!(f, Frame::Capture(_))).count();
            let text = format!("{} {line}\n", "+".repeat(depth + 1));
            self.write_text(cx, 2, &text);
        }
    }

    /// Runs a command by its name. Returns what it cost beside the step.
    pub(super) fn invoke<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, simple: Simple, functions: bool) -> u64 {
        let name = simple.argv[0].clone();
        if functions && let Some(function) = self.env.funcs.get(&name).cloned() {
            if self.env.locals.len() >= MAX_CALLS {
                cx.sh.stop(format!(
                    "{}{name}: maximum function nesting level exceeded ({MAX_CALLS})\n",
                    self.env.prefix()
                ));
                return 0;
            }
            let args = Arc::new(simple.argv[1..].to_vec());
            let outer = std::mem::replace(&mut self.env.args, args);
            let source = std::mem::replace(&mut self.env.source, function.source.clone());
            self.env.locals.push(Vec::new());
            self.frames.push(Frame::Call { args: outer, source });
            self.frames.push(Frame::Command { command: function.body, done: Vec::new() });
            return 0;
        }
        if super::builtin::is_builtin(&name) {
            return self.builtin(cx, simple);
        }
        self.external(cx, simple.argv)
    }
}
