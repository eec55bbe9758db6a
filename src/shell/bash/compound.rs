//! Compound commands as states: `if`, `while`, `for`, `case`, groups, subshells, `(( ))`, `[[ ]]`.

use super::ast::{ArmEnd, Command, Cond, Kind};
use super::cond;
use super::env::{Function, is_identifier};
use super::expand::{Done, Expanded, Expander, Halt};
use super::frame::{Cx, Frame};
use super::pattern::Pattern;
use super::task::Task;
use super::{Machine, Overlay};
use crate::shell::text::regex::Regex;
use std::sync::Arc;

/// How far a compound command is.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Not begun.
    Start,
    /// `if`: which condition; whether it is being tested.
    If {
        arm: usize,
    },
    /// `while`: its condition runs, or its body; the status of the last body.
    While {
        testing: bool,
        last: u8,
    },
    For {
        words: Arc<Vec<String>>,
        at: usize,
    },
    ArithFor {
        begun: bool,
        stepped: bool,
    },
    Case {
        next: usize,
        subject: Arc<str>,
    },
}

impl Body {
    /// Whether a condition is being tested, so that `set -e` looks away.
    pub fn testing(&self) -> bool {
        matches!(self, Body::If { .. } | Body::While { testing: true, .. })
    }

    /// Whether `break` and `continue` mean this.
    pub fn loops(&self) -> bool {
        matches!(self, Body::While { .. } | Body::For { .. } | Body::ArithFor { .. })
    }
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Begins a command of any kind.
    pub(super) fn command<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        command: Arc<Command>,
        done: Vec<Done>,
    ) -> u64 {
        self.env.line = command.line;
        if matches!(command.kind, Kind::Simple { .. }) {
            return self.simple(cx, command, done);
        }
        if let Kind::Function { name, body } = &command.kind {
            if self.env.funcs.len() > 1000 {
                self.complain(cx, "lvsim: more than 1000 functions");
                self.env.status = 1;
                return 0;
            }
            let source = if self.env.command_mode && self.env.source == self.env.name && !self.env.interactive {
                "environment".into()
            } else {
                self.env.source.clone()
            };
            Arc::make_mut(&mut self.env.funcs).insert(name.clone(), Function { body: body.clone(), source });
            self.env.status = 0;
            return 0;
        }
        let body = Frame::Body { command: command.clone(), body: Body::Start, done: Vec::new() };
        if command.redirs.is_empty() {
            self.frames.push(body);
            return 0;
        }
        let (result, work) = self.attempt(cx, &done, |ex| ex.redirs(&command.redirs));
        match result {
            Ok(redirs) => {
                if self.redirect(cx, redirs, true) {
                    self.frames.push(body);
                } else {
                    self.env.status = 1;
                }
            }
            Err(halt) => self.halted(cx, halt, Frame::Command { command, done }),
        }
        work
    }

    /// Tries an expansion; what it assigned stays only if it came to its end.
    pub(super) fn attempt<M: Machine<Proc = P>, T>(
        &mut self,
        cx: &mut Cx<'_, M>,
        done: &[Done],
        f: impl FnOnce(&mut Expander<'_>) -> Expanded<T>,
    ) -> (Result<T, (Halt, Box<super::env::Env>)>, u64) {
        let status = self.env.status;
        self.env.begin();
        let mut overlay = Overlay(&mut *cx.m);
        let mut ex = Expander::new(&mut self.env, &mut overlay, done);
        let result = f(&mut ex);
        let work = ex.work;
        let result = match result {
            Ok(value) => {
                self.env.commit();
                Ok(value)
            }
            Err(Halt::Need(list)) => {
                let mut inner = Box::new(self.env.clone());
                inner.status = status;
                self.env.rollback();
                self.env.status = status;
                Err((Halt::Need(list), inner))
            }
            Err(halt) => {
                self.env.commit();
                Err((halt, Box::new(super::env::Env::new(""))))
            }
        };
        (result, work)
    }

    /// Runs what an expansion needs and tries `again`; or tells of its failure.
    pub(super) fn halted<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        halt: (Halt, Box<super::env::Env>),
        again: Frame<P>,
    ) {
        match halt {
            (Halt::Need(list), inner) => {
                self.frames.push(again);
                self.substitute(cx, list, *inner);
            }
            (halt, _) => self.fail(cx, halt),
        }
    }

    /// A step of a compound command.
    pub(super) fn body<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        command: Arc<Command>,
        body: Body,
        done: Vec<Done>,
    ) -> u64 {
        let again = |body: Body| Frame::Body { command: command.clone(), body, done: Vec::new() };
        let run = |list: &super::ast::List| Frame::List { list: list.clone(), at: 0 };
        match (&command.kind, body) {
            (Kind::Group(list), _) => self.frames.push(run(list)),
            (Kind::Subshell(list), _) => {
                let inner = self.fork();
                if self.enter(cx, inner, false) {
                    self.frames.push(run(list));
                }
            }
            (Kind::If { arms, .. }, Body::Start) => {
                self.frames.push(again(Body::If { arm: 0 }));
                self.frames.push(run(&arms[0].0));
            }
            (Kind::If { arms, otherwise }, Body::If { arm }) => {
                if self.env.status == 0 {
                    self.frames.push(run(&arms[arm].1));
                } else if let Some((cond, _)) = arms.get(arm + 1) {
                    self.frames.push(again(Body::If { arm: arm + 1 }));
                    self.frames.push(run(cond));
                } else if let Some(list) = otherwise {
                    self.frames.push(run(list));
                } else {
                    self.env.status = 0;
                }
            }
            (Kind::While { cond, .. }, Body::Start) => {
                self.frames.push(again(Body::While { testing: true, last: 0 }));
                self.frames.push(run(cond));
            }
            (Kind::While { until, body, .. }, Body::While { testing: true, last }) => {
                if (self.env.status == 0) == *until {
                    self.env.status = last;
                } else {
                    self.frames.push(again(Body::While { testing: false, last }));
                    self.frames.push(run(body));
                }
            }
            (Kind::While { cond, .. }, Body::While { testing: false, .. }) => {
                self.frames.push(again(Body::While { testing: true, last: self.env.status }));
                self.frames.push(run(cond));
            }
            (Kind::For { var, words, .. }, Body::Start) => {
                if !is_identifier(var) {
                    self.complain(cx, &format!("`{var}': not a valid identifier"));
                    self.env.status = 1;
                    return 0;
                }
                let (result, work) = self.attempt(cx, &done, |ex| {
                    let Some(words) = words else { return Ok(ex.env.args.to_vec()) };
                    let mut all = Vec::new();
                    for word in words {
                        ex.words(word, &mut all)?;
                    }
                    Ok(all)
                });
                match result {
                    Ok(words) => {
                        self.env.status = 0;
                        self.frames.push(again(Body::For { words: Arc::new(words), at: 0 }));
                    }
                    Err(halt) => {
                        self.halted(cx, halt, Frame::Body { command: command.clone(), body: Body::Start, done })
                    }
                }
                return work;
            }
            (Kind::For { var, body, words: typed }, Body::For { words, at }) => {
                if let Some(word) = words.get(at) {
                    self.env.line = command.line;
                    if self.env.opts.xtrace {
                        let list: Vec<String> = typed.iter().flatten().map(|w| w.raw.clone()).collect();
                        self.trace(cx, &format!("for {var} in {}", list.join(" ")));
                    }
                    if let Err(text) = self.env.set(var, word.clone()) {
                        self.fail(cx, Halt::Line(text));
                        return 0;
                    }
                    self.frames.push(again(Body::For { words, at: at + 1 }));
                    self.frames.push(run(body));
                }
            }
            (Kind::ArithFor { init, cond, step, body }, state) => {
                let (begun, stepped) = match state {
                    Body::ArithFor { begun, stepped } => (begun, stepped),
                    _ => (false, true),
                };
                let (result, work) = self.attempt(cx, &done, |ex| {
                    if !begun {
                        ex.number(&init.parts)?;
                    } else if !stepped {
                        ex.number(&step.parts)?;
                    }
                    if cond.raw.trim().is_empty() { Ok(1) } else { ex.number(&cond.parts) }
                });
                match result {
                    Ok(0) => {
                        if !begun {
                            self.env.status = 0;
                        }
                    }
                    Ok(_) => {
                        self.frames.push(again(Body::ArithFor { begun: true, stepped: false }));
                        self.frames.push(run(body));
                    }
                    Err((Halt::Need(list), inner)) => {
                        self.halted(
                            cx,
                            (Halt::Need(list), inner),
                            Frame::Body { command: command.clone(), body: Body::ArithFor { begun, stepped }, done },
                        );
                    }
                    Err((Halt::Line(text), _)) => {
                        self.complain(cx, &format!("((: {text}"));
                        self.env.status = 1;
                    }
                    Err((halt, _)) => self.fail(cx, halt),
                }
                return work;
            }
            (Kind::Case { word, arms }, Body::Start) => {
                let (result, work) = self.attempt(cx, &done, |ex| {
                    let subject = ex.single(word)?;
                    for (n, arm) in arms.iter().enumerate() {
                        if matches(ex, arm, &subject)? {
                            return Ok((subject, Some(n)));
                        }
                    }
                    Ok((subject, None))
                });
                match result {
                    Ok((subject, arm)) => {
                        if self.env.opts.xtrace {
                            self.trace(cx, &format!("case {} in", word.raw));
                        }
                        self.env.status = 0;
                        if let Some(n) = arm {
                            self.arm(&command, n, subject.into());
                        }
                    }
                    Err(halt) => {
                        self.halted(cx, halt, Frame::Body { command: command.clone(), body: Body::Start, done })
                    }
                }
                return work;
            }
            (Kind::Case { arms, .. }, Body::Case { next, subject }) => {
                // After `;;&`: the arms that follow are tested.
                let (result, work) = self.attempt(cx, &done, |ex| {
                    for (n, arm) in arms.iter().enumerate().skip(next) {
                        if matches(ex, arm, &subject)? {
                            return Ok(Some(n));
                        }
                    }
                    Ok(None)
                });
                match result {
                    Ok(Some(n)) => self.arm(&command, n, subject),
                    Ok(None) => {}
                    Err(halt) => self.halted(
                        cx,
                        halt,
                        Frame::Body { command: command.clone(), body: Body::Case { next, subject }, done },
                    ),
                }
                return work;
            }
            (Kind::Arith(word), _) => {
                self.env.line = command.line;
                let (result, work) = self.attempt(cx, &done, |ex| ex.number(&word.parts));
                if self.env.opts.xtrace && result.is_ok() {
                    self.trace(cx, &format!("(( {} ))", word.raw));
                }
                match result {
                    Ok(value) => self.env.status = u8::from(value == 0),
                    Err((Halt::Line(text), _)) => {
                        self.complain(cx, &format!("((: {text}"));
                        self.env.status = 1;
                    }
                    Err(halt) => {
                        self.halted(cx, halt, Frame::Body { command: command.clone(), body: Body::Start, done })
                    }
                }
                return work;
            }
            (Kind::Cond(expr), _) => {
                self.env.line = command.line;
                let mut trace = Vec::new();
                let (result, work) = self.attempt(cx, &done, |ex| condition(ex, expr, &mut trace));
                if self.env.opts.xtrace && !matches!(result, Err((Halt::Need(_), _))) {
                    for line in &trace {
                        self.trace(cx, &format!("[[ {line} ]]"));
                    }
                }
                match result {
                    Ok(Some(value)) => self.env.status = u8::from(!value),
                    Ok(None) => self.env.status = 2,
                    Err((Halt::Line(text), _)) => {
                        self.complain(cx, &format!("[[: {text}"));
                        self.env.status = 1;
                    }
                    Err(halt) => {
                        self.halted(cx, halt, Frame::Body { command: command.clone(), body: Body::Start, done })
                    }
                }
                return work;
            }
            _ => {}
        }
        0
    }

    /// Begins an arm of a `case`, and those it falls into.
    fn arm(&mut self, command: &Arc<Command>, n: usize, subject: Arc<str>) {
        let Kind::Case { arms, .. } = &command.kind else { return };
        let mut last = n;
        while arms[last].then == ArmEnd::Fall && last + 1 < arms.len() {
            last += 1;
        }
        if arms[last].then == ArmEnd::TestNext && last + 1 < arms.len() {
            self.frames.push(Frame::Body {
                command: command.clone(),
                body: Body::Case { next: last + 1, subject },
                done: Vec::new(),
            });
        }
        for arm in arms[n..=last].iter().rev() {
            self.frames.push(Frame::List { list: arm.body.clone(), at: 0 });
        }
    }
}

fn matches(ex: &mut Expander<'_>, arm: &super::ast::Arm, subject: &str) -> Expanded<bool> {
    for pattern in &arm.patterns {
        let pattern = Pattern::new(&ex.pattern(&pattern.parts)?);
        ex.work += pattern.cost(subject.len());
        if pattern.matches(subject) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `[[ … ]]`; `None`: a regular expression that is none.
fn condition(ex: &mut Expander<'_>, cond: &Cond, trace: &mut Vec<String>) -> Expanded<Option<bool>> {
    Ok(Some(match cond {
        Cond::Not(inner) => match condition(ex, inner, trace)? {
            Some(value) => !value,
            None => return Ok(None),
        },
        Cond::And(a, b) => match condition(ex, a, trace)? {
            Some(true) => return condition(ex, b, trace),
            other => return Ok(other),
        },
        Cond::Or(a, b) => match condition(ex, a, trace)? {
            Some(false) => return condition(ex, b, trace),
            other => return Ok(other),
        },
        Cond::Word(word) => {
            let text = ex.single(word)?;
            trace.push(format!("-n {text}"));
            !text.is_empty()
        }
        Cond::Unary(op, word) => {
            let text = ex.single(word)?;
            trace.push(format!("{op} {text}"));
            cond::unary(ex.env, ex.files, op, &text)
        }
        Cond::Binary(left, op, right) => {
            let a = ex.single(left)?;
            match op.as_str() {
                "==" | "=" | "!=" => {
                    let text = ex.pattern(&right.parts)?;
                    trace.push(format!("{a} {op} {text}"));
                    let pattern = Pattern::new(&text);
                    ex.work += pattern.cost(a.len());
                    pattern.matches(&a) != (op == "!=")
                }
                "=~" => {
                    let text = ex.regex(&right.parts)?;
                    trace.push(format!("{a} =~ {text}"));
                    let Ok(regex) = Regex::extended(&text) else { return Ok(None) };
                    ex.work += regex.cost(a.len());
                    let found = regex.find(&a, 0);
                    let groups = found.iter().flat_map(|m| m.groups.iter()).enumerate();
                    let list = groups
                        .map(|(n, g)| (n as i64, g.and_then(|(x, y)| a.get(x..y)).unwrap_or("").to_string()))
                        .collect();
                    let _ = ex.env.set_array("BASH_REMATCH", list);
                    found.is_some()
                }
                "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                    let b = ex.single(right)?;
                    trace.push(format!("{a} {op} {b}"));
                    let x = super::arith::evaluate(ex.env, &a).map_err(Halt::Line)?;
                    let y = super::arith::evaluate(ex.env, &b).map_err(Halt::Line)?;
                    match op.as_str() {
                        "-eq" => x == y,
                        "-ne" => x != y,
                        "-lt" => x < y,
                        "-le" => x <= y,
                        "-gt" => x > y,
                        _ => x >= y,
                    }
                }
                _ => {
                    let b = ex.single(right)?;
                    trace.push(format!("{a} {op} {b}"));
                    cond::binary(ex.env, ex.files, &a, op, &b).map_err(Halt::Line)?
                }
            }
        }
    }))
}
