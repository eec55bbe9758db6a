//! One running shell process as a stack of frames, and how frames follow one another.
//!
//! Every construct that is under way is a [`Frame`]; a step looks at the top one only. A subshell is the environment
//! cloned, with the outer one kept in [`Frame::Env`] until the subshell ends; `break`, `return` and `exit` take frames off.

use super::ast::List;
use super::env::{Env, Fd};
use super::expand::{Done, Halt};
use super::frame::{Cx, Flow, Frame, Reading};
use super::output::{Output, Stream};
use super::parse::Parser;
use super::redirect::Input;
use super::syntax::What;
use super::{MAX_CALLS, MAX_OUTPUT, MAX_SUBSHELLS, Machine, Wait, Wake};
use crate::base::SimTime;

/// A shell process.
#[derive(Clone, Debug)]
pub(super) struct Task<P> {
    pub env: Env,
    pub frames: Vec<Frame<P>>,
    pub inputs: Vec<Input>,
    pub buffers: Vec<String>,
    pub exited: bool,
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    pub fn new(name: &str) -> Self {
        Task { env: Env::new(name), frames: Vec::new(), inputs: Vec::new(), buffers: Vec::new(), exited: false }
    }

    pub fn push_source(&mut self, text: &str, line: u32) {
        self.frames.push(Frame::Source { parser: Parser::new(text, line), what: Reading::Main });
    }

    pub fn push_eval(&mut self, text: &str) {
        self.frames.push(Frame::Source { parser: Parser::new(text, self.env.line), what: Reading::Eval });
    }

    /// Takes every frame off, restoring nothing but the outermost environment.
    pub fn abandon(&mut self) {
        while let Some(frame) = self.frames.pop() {
            self.leave(frame);
        }
        self.buffers.clear();
    }

    /// Undoes what a frame has set up.
    pub fn leave(&mut self, frame: Frame<P>) {
        match frame {
            Frame::Redirs { saved, inputs } => {
                for (fd, to) in saved.into_iter().rev() {
                    self.env.set_fd(fd, to);
                }
                self.forget_inputs(inputs);
            }
            Frame::Vars { saved } => {
                for (name, var) in saved.into_iter().rev() {
                    self.env.put_back(&name, var);
                }
            }
            Frame::Call { args, source } => {
                self.env.leave_function();
                self.env.args = args;
                self.env.source = source;
            }
            Frame::Dot { args, source } => {
                if let Some(args) = args {
                    self.env.args = args;
                }
                self.env.source = source;
            }
            Frame::Env { outer, .. } => self.restore(*outer),
            Frame::Capture(_) => {
                self.buffers.pop();
            }
            Frame::Pipe { inputs, buffers, .. } => {
                self.forget_inputs(inputs);
                self.buffers.truncate(buffers);
            }
            _ => {}
        }
    }

    /// Drops the inputs from number `from` on, but for those that a descriptor still reads (`exec 5< file`).
    pub fn forget_inputs(&mut self, from: usize) {
        let held =
            self.env.fds.iter().filter_map(|(_, to)| if let Fd::Input(n) = to { Some(n + 1) } else { None }).max();
        self.inputs.truncate(from.max(held.unwrap_or(0)));
    }

    fn restore(&mut self, outer: Env) {
        let (status, random, line) = (self.env.status, self.env.random, outer.line);
        self.env = outer;
        self.env.status = status;
        self.env.random = random;
        self.env.line = line;
    }

    /// Takes frames off until the one that `stop` knows, which stays; false if there is none.
    pub fn unwind(&mut self, stop: impl Fn(&Frame<P>) -> bool) -> bool {
        while let Some(frame) = self.frames.last() {
            if stop(frame) {
                return true;
            }
            if let Some(frame) = self.frames.pop() {
                self.leave(frame);
            }
        }
        false
    }

    /// `exit`: the end of this shell or subshell.
    pub fn exit(&mut self, status: u8) {
        self.env.status = status;
        if !self.unwind(|f| matches!(f, Frame::Env { .. })) {
            self.exited = true;
        }
    }

    /// Begins a subshell; [`Frame::Env`] ends it.
    pub fn enter<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, inner: Env, script: bool) -> bool {
        if inner.nesting > MAX_SUBSHELLS {
            self.complain(cx, &format!("lvsim: more than {MAX_SUBSHELLS} shells within shells"));
            self.env.status = 1;
            return false;
        }
        let outer = std::mem::replace(&mut self.env, inner);
        self.frames.push(Frame::Env { outer: Box::new(outer), script });
        true
    }

    /// The environment of a subshell.
    pub fn fork(&self) -> Env {
        let mut inner = self.env.clone();
        inner.traps.remove("EXIT");
        inner.nesting += 1;
        inner
    }

    /// One step. [`Flow::Go`]: something moved; call again.
    pub fn step<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>) -> Flow {
        let now = cx.m.now();
        self.env.now = now;
        if cx.sh.out.is_full() {
            cx.sh.stop(format!(
                "lvsim: line {}: stopped after printing more than {} MiB\n",
                self.env.line,
                MAX_OUTPUT >> 20
            ));
        }
        if cx.sh.stopped.is_some() {
            return Flow::Wait(Wake::default());
        }
        if self.frames.len() > 40 * MAX_CALLS {
            cx.sh.stop(format!("lvsim: line {}: commands nested too deeply\n", self.env.line));
            return Flow::Wait(Wake::default());
        }
        let Some(frame) = self.frames.pop() else { return self.ended() };
        match frame {
            Frame::Program { mut proc, name } => {
                let mut scratch = Output::new();
                let wait = cx.m.poll(&mut proc, &mut scratch);
                self.flush(cx, &mut scratch, &name);
                let wake = match wait {
                    Wait::Done(status) => {
                        self.env.status = status;
                        return Flow::Go;
                    }
                    Wait::Until(at) => Wake { until: Some(at), on_event: false },
                    Wait::Event => Wake { until: None, on_event: true },
                    Wait::UntilOrEvent(at) => Wake { until: Some(at), on_event: true },
                };
                self.frames.push(Frame::Program { proc, name });
                self.wait(cx, now, wake)
            }
            Frame::Sleep(at) if now >= at => {
                self.env.status = 0;
                Flow::Go
            }
            Frame::Sleep(at) => {
                self.frames.push(Frame::Sleep(at));
                self.wait(cx, now, Wake { until: Some(at), on_event: false })
            }
            Frame::Wait { pids, all } => self.step_wait(cx, pids, all),
            frame => {
                let work = self.turn(cx, frame);
                cx.sh.charge(now, 1 + work / 32, self.env.line);
                Flow::Go
            }
        }
    }

    /// Nothing more to run: the EXIT trap, then the end.
    fn ended(&mut self) -> Flow {
        let leaving = !self.env.interactive || self.exited;
        if leaving
            && let Some(text) = self.env.traps.remove("EXIT")
            && !text.is_empty()
        {
            self.frames.push(Frame::Status(self.env.status));
            self.push_eval(&text);
            return Flow::Go;
        }
        Flow::End
    }

    /// Waits, unless `timeout` has run out.
    fn wait<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, now: SimTime, mut wake: Wake) -> Flow {
        for n in 0..self.frames.len() {
            let Frame::Timeout { at, signal } = &self.frames[n] else { continue };
            let (at, signal) = (*at, *signal);
            if now < at {
                wake.merge(Wake { until: Some(at), on_event: false });
                continue;
            }
            let mut scratch = Output::new();
            let name = match self.frames.last_mut() {
                Some(Frame::Program { proc, name }) => {
                    cx.m.signal(proc, signal, &mut scratch);
                    name.clone()
                }
                _ => String::new(),
            };
            self.flush(cx, &mut scratch, &name);
            while self.frames.len() > n {
                if let Some(frame) = self.frames.pop() {
                    self.leave(frame);
                }
            }
            self.env.status = if signal == 9 { 137 } else { 124 };
            return Flow::Go;
        }
        Flow::Wait(wake)
    }

    /// A step of anything that does not wait. Returns what it cost beside the step itself.
    fn turn<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, frame: Frame<P>) -> u64 {
        match frame {
            Frame::Source { parser, what } => return self.read(cx, parser, what),
            Frame::List { list, at } => {
                if let Some(item) = list.get(at).cloned() {
                    if at + 1 < list.len() {
                        self.frames.push(Frame::List { list, at: at + 1 });
                    }
                    if item.background && !self.piped() {
                        self.background(cx, item);
                    } else {
                        self.frames.push(Frame::AndOr { item, at: 0 });
                    }
                }
            }
            Frame::AndOr { item, at } => {
                let next = if at == 0 {
                    Some((0, &item.first))
                } else {
                    let ok = self.env.status == 0;
                    item.rest
                        .iter()
                        .enumerate()
                        .skip(at - 1)
                        .find(|(_, (and, _))| *and == ok)
                        .map(|(n, (_, pipe))| (n + 1, pipe))
                };
                if let Some((n, pipe)) = next {
                    let pipe = pipe.clone();
                    self.frames.push(Frame::AndOr { item, at: n + 1 });
                    let (inputs, buffers, since) = (self.inputs.len(), self.buffers.len(), self.env.now);
                    self.frames.push(Frame::Pipe { pipe, stage: 0, statuses: Vec::new(), inputs, buffers, since });
                }
            }
            Frame::Pipe { pipe, stage, statuses, inputs, buffers, since } => {
                self.pipe(cx, pipe, stage, statuses, inputs, buffers, since)
            }
            Frame::Command { command, done } => return self.command(cx, command, done),
            Frame::Body { command, body, done } => return self.body(cx, command, body, done),
            Frame::Capture(before) => {
                let mut text = self.buffers.pop().unwrap_or_default();
                text.truncate(text.trim_end_matches('\n').len());
                let result = Done { text, status: self.env.status };
                self.env.status = before;
                match self.frames.last_mut() {
                    Some(Frame::Command { done, .. } | Frame::Body { done, .. }) => done.push(result),
                    _ => debug_assert!(false, "a command substitution belongs to a command"),
                }
            }
            Frame::Env { outer, script } => {
                if let Some(text) = self.env.traps.remove("EXIT")
                    && !text.is_empty()
                {
                    self.frames.push(Frame::Env { outer, script });
                    self.frames.push(Frame::Status(self.env.status));
                    self.push_eval(&text);
                } else {
                    self.restore(*outer);
                }
            }
            Frame::Status(status) => self.env.status = status,
            other => self.leave(other),
        }
        0
    }

    /// Reads and begins the next line of a text.
    fn read<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, mut parser: Parser, what: Reading) -> u64 {
        let from = parser.pos;
        let line = parser.next_line();
        let cost = (parser.pos - from) as u64;
        for (at, began, end) in std::mem::take(&mut parser.warnings) {
            let name = self.env.source.clone();
            let text = format!(
                "{name}: line {at}: warning: here-document at line {began} delimited by end-of-file (wanted `{end}')\n"
            );
            self.write_text(cx, 2, &text);
        }
        match line {
            Ok(None) => {}
            Ok(Some(list)) => {
                if self.env.opts.verbose {
                    let text = parser.src.get(from..parser.pos).unwrap_or("").to_string();
                    self.write_text(cx, 2, &text);
                }
                self.frames.push(Frame::Source { parser, what });
                if !self.env.opts.noexec {
                    self.frames.push(Frame::List { list, at: 0 });
                }
            }
            Err(error) => {
                let prefix = match what {
                    Reading::Eval => format!("{}: eval: ", self.env.source),
                    Reading::Main if self.env.command_mode && !self.env.interactive => {
                        format!("{}: -c: ", self.env.source)
                    }
                    _ => format!("{}: ", self.env.source),
                };
                let mut text = error.messages(&prefix);
                if self.env.interactive {
                    text = text.replace(&format!("line {}: ", error.line), "");
                }
                self.write_text(cx, 2, &text);
                let status = if matches!(error.what, What::Unmatched(_) | What::Conditional(_)) && what == Reading::Eval
                {
                    1
                } else {
                    2
                };
                match what {
                    Reading::Main if !self.env.interactive => self.exit(2),
                    _ => self.env.status = status,
                }
            }
        }
        cost
    }

    /// Runs the commands that an expansion needs. `inner` is the environment as the expansion left it.
    pub fn substitute<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, list: List, mut inner: Env) {
        inner.traps.remove("EXIT");
        inner.nesting += 1;
        inner.commit();
        inner.set_fd(1, Some(Fd::Buffer(self.buffers.len())));
        self.buffers.push(String::new());
        self.frames.push(Frame::Capture(self.env.status));
        inner.opts.errexit = false;
        if self.enter(cx, inner, false) {
            self.env.status = 0;
            self.frames.push(Frame::List { list, at: 0 });
        }
    }

    /// Tells of an expansion that failed, and drops what it spoils.
    pub fn fail<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, halt: Halt) {
        match halt {
            Halt::Need(_) => debug_assert!(false, "the caller runs what is needed"),
            Halt::Exit(text) if !self.env.interactive => {
                self.complain(cx, &text);
                let status = if self.env.command_mode { 127 } else { 1 };
                self.exit(status);
            }
            Halt::Line(text) | Halt::Exit(text) => {
                self.complain(cx, &text);
                self.env.status = 1;
                self.unwind(|f| matches!(f, Frame::Source { .. } | Frame::Env { .. }));
                self.env.status = 1;
            }
        }
    }

    /// An error on standard error, behind `NAME: line N: `.
    pub fn complain<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, text: &str) {
        let text = format!("{}{text}\n", self.env.prefix());
        self.write_text(cx, 2, &text);
    }

    /// Passes on what a program printed.
    pub fn flush<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, scratch: &mut Output, name: &str) {
        if scratch.is_full() {
            cx.sh.stop(format!(
                "lvsim: line {}: {name}: stopped after printing more than {} MiB\n",
                self.env.line,
                MAX_OUTPUT >> 20
            ));
        }
        for (stream, text) in scratch.take() {
            let fd = if stream == Stream::Stdout { 1 } else { 2 };
            if let Err(error) = self.write(cx, fd, &text) {
                let text = format!("{name}: write error: {error}\n");
                self.write_text(cx, 2, &text);
                self.env.status = 1;
            }
        }
    }
}
