//! The frames of a task's stack, and what all tasks of a shell share: output, jobs, the allowance of steps.

use super::ast::{AndOr, Command, List, Pipeline};
use super::compound::Body;
use super::env::{Env, Fd, Var};
use super::expand::Done;
use super::jobs::Job;
use super::output::Output;
use super::parse::Parser;
use super::{MAX_STEPS, MAX_TOTAL_STEPS, Machine, Wake};
use crate::base::SimTime;
use std::sync::Arc;

/// What all tasks of a shell share.
#[derive(Clone, Debug)]
pub(super) struct Shared<P> {
    pub out: Output,
    pub jobs: Vec<Job<P>>,
    pub next_pid: u32,
    pub not_simulated: Vec<(u32, String)>,
    /// Why the shell was stopped.
    pub stopped: Option<String>,
    pub told: bool,
    /// A job was started or signalled: let the jobs run next.
    pub fresh: bool,
    at: SimTime,
    steps: u64,
    total: u64,
}

impl<P> Shared<P> {
    pub fn new() -> Self {
        Shared {
            out: Output::new(),
            jobs: Vec::new(),
            next_pid: 1001,
            not_simulated: Vec::new(),
            stopped: None,
            told: false,
            fresh: false,
            at: SimTime::ZERO,
            steps: 0,
            total: 0,
        }
    }

    /// A fresh allowance for the next line of a session.
    pub fn renew(&mut self) {
        self.out.renew();
        self.steps = 0;
        self.total = 0;
        self.stopped = None;
        self.told = false;
    }

    pub fn charge(&mut self, now: SimTime, steps: u64, line: u32) {
        if now != self.at {
            self.at = now;
            self.steps = 0;
        }
        self.steps += steps;
        self.total += steps;
        if self.stopped.is_some() {
            return;
        }
        if self.steps > MAX_STEPS {
            self.stopped = Some(format!(
                "lvsim: line {line}: stopped after {MAX_STEPS} steps in which no simulated time passed: an endless loop?\n"
            ));
        } else if self.total > MAX_TOTAL_STEPS {
            self.stopped = Some(format!("lvsim: line {line}: stopped after {MAX_TOTAL_STEPS} steps\n"));
        }
    }

    pub fn stop(&mut self, reason: String) {
        self.stopped.get_or_insert(reason);
    }
}

/// How a step ended.
#[derive(Debug)]
pub(super) enum Flow {
    Go,
    Wait(Wake),
    End,
}

/// Which text a [`Frame::Source`] reads; errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// `-c`, a script, or a line typed at a prompt.
    Main,
    /// `eval`, a trap.
    Eval,
    /// `source`.
    Dot,
}

/// A construct under way.
#[derive(Clone, Debug)]
pub(super) enum Frame<P> {
    Source {
        parser: Parser,
        what: Reading,
    },
    List {
        list: List,
        at: usize,
    },
    AndOr {
        item: Arc<AndOr>,
        at: usize,
    },
    Pipe {
        pipe: Arc<Pipeline>,
        stage: usize,
        statuses: Vec<u8>,
        inputs: usize,
        buffers: usize,
        since: SimTime,
    },
    /// A command that has not begun, with the command substitutions it has had.
    Command {
        command: Arc<Command>,
        done: Vec<Done>,
    },
    Body {
        command: Arc<Command>,
        body: Body,
        done: Vec<Done>,
    },
    /// Descriptors to restore.
    Redirs {
        saved: Vec<(u32, Option<Fd>)>,
        inputs: usize,
    },
    /// Variables to restore.
    Vars {
        saved: Vec<(String, Option<Var>)>,
    },
    Call {
        args: Arc<Vec<String>>,
        source: Arc<str>,
    },
    /// `source` with its own arguments.
    Dot {
        args: Option<Arc<Vec<String>>>,
        source: Arc<str>,
    },
    /// The environment outside of a subshell; the flag: a new bash, not a subshell.
    Env {
        outer: Box<Env>,
        script: bool,
    },
    /// A command substitution: its text goes to the frame below; the status before it.
    Capture(u8),
    Program {
        proc: P,
        name: String,
    },
    Sleep(SimTime),
    /// `timeout`: when, and the signal.
    Timeout {
        at: SimTime,
        signal: u8,
    },
    Wait {
        pids: Vec<u32>,
        all: bool,
    },
    /// A status to return to, after a trap.
    Status(u8),
}

/// What a step works with.
pub(super) struct Cx<'a, M: Machine> {
    pub sh: &'a mut Shared<M::Proc>,
    pub m: &'a mut M,
}
