//! [`Shell`]: a script with its variables, its place in it, its background jobs, and what it has printed.

use super::Machine;
use super::frame::{Cx, Flow, Shared};
use super::jobs::Job;
use super::output::{Output, Stream};
use super::task::Task;
use crate::base::SimTime;

/// What a waiting shell waits for; both: whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Nothing happens before this time, unless an event does.
    pub until: Option<SimTime>,
    /// Something on the host may wake it.
    pub on_event: bool,
}

impl Wake {
    pub(super) fn merge(&mut self, other: Wake) {
        self.until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.on_event |= other.on_event;
    }
}

/// How far a shell got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellState {
    /// The script has ended. Background jobs may go on: see [`Shell::background`].
    Finished {
        /// Its exit status.
        status: u8,
    },
    /// Something in the script takes simulated time.
    Waiting {
        /// Resume at this time at the latest.
        until: Option<SimTime>,
        /// Resume when something happens on the host.
        on_event: bool,
    },
}

/// A bash on a host, stopped or about to run. `P` is [`Machine::Proc`].
#[derive(Clone, Debug)]
pub struct Shell<P> {
    main: Task<P>,
    shared: Shared<P>,
    finished: bool,
    exited: bool,
    background: Option<Wake>,
}

impl<P: Clone + std::fmt::Debug> Shell<P> {
    /// A shell that runs `script` as `NAME -c SCRIPT` would; `name` is what its errors begin with (`bash`, `/usr/bin/bash`).
    pub fn new(script: &str, name: &str) -> Self {
        let mut shell =
            Shell { main: Task::new(name), shared: Shared::new(), finished: false, exited: false, background: None };
        shell.main.push_source(script, 1);
        shell
    }

    /// A shell at a prompt: nothing to run until [`Shell::feed`]; its errors have no line numbers and end nothing.
    pub fn interactive(name: &str) -> Self {
        let mut shell = Shell::new("", name);
        shell.main.env.interactive = true;
        shell.main.env.command_mode = false;
        shell
    }

    /// The seed of `$RANDOM`.
    pub fn seed(mut self, seed: u64) -> Self {
        self.main.env.random = seed;
        self
    }

    /// Sets `$$`; background jobs get the numbers that follow.
    pub fn pid(mut self, pid: u32) -> Self {
        self.main.env.pid = pid;
        self.shared.next_pid = pid.saturating_add(1);
        self
    }

    /// More text for a shell that has finished: variables, functions, the working directory and jobs are kept.
    pub fn feed(&mut self, text: &str) {
        if self.exited {
            return;
        }
        self.finished = false;
        self.shared.renew();
        self.main.push_source(text, 1);
    }

    /// Runs until everything waits. Call again at the time or event that it names; calling too early does no harm.
    pub fn resume<M: Machine<Proc = P>>(&mut self, machine: &mut M) -> ShellState {
        let mut cx = Cx { sh: &mut self.shared, m: machine };
        let mut wake;
        loop {
            wake = Wake::default();
            let mut moved = false;
            cx.sh.fresh = false;
            while !self.finished {
                match self.main.step(&mut cx) {
                    Flow::Go => moved = true,
                    Flow::Wait(on) => {
                        wake = on;
                        break;
                    }
                    Flow::End => {
                        moved = true;
                        self.finished = true;
                        self.exited = !self.main.env.interactive || self.main.exited;
                    }
                }
                if cx.sh.fresh {
                    break;
                }
            }
            let mut jobs = Wake::default();
            let mut running = false;
            for n in 0..cx.sh.jobs.len() {
                let Some(mut task) = cx.sh.jobs[n].task.take() else { continue };
                let ended = loop {
                    if let Some(signal) = cx.sh.jobs[n].signal.take() {
                        task.kill(&mut cx, signal);
                        moved = true;
                    }
                    match task.step(&mut cx) {
                        Flow::Go => moved = true,
                        Flow::Wait(on) => {
                            jobs.merge(on);
                            running = true;
                            break false;
                        }
                        Flow::End => {
                            moved = true;
                            break true;
                        }
                    }
                };
                if ended {
                    cx.sh.jobs[n].status = Some(task.env.status);
                } else {
                    cx.sh.jobs[n].task = Some(task);
                }
            }
            self.background = running.then_some(jobs);
            if let Some(reason) = cx.sh.stopped.clone() {
                if !cx.sh.told {
                    cx.sh.told = true;
                    cx.sh.out.last_words(&reason);
                }
                self.main.abandon();
                cx.sh.jobs.iter_mut().for_each(Job::abandon);
                self.finished = true;
                self.background = None;
                return ShellState::Finished { status: 1 };
            }
            if !moved {
                wake.merge(jobs);
                break;
            }
        }
        if self.finished {
            return ShellState::Finished { status: self.main.env.status };
        }
        ShellState::Waiting { until: wake.until, on_event: wake.on_event }
    }

    /// What background jobs wait for, if any run: go on calling [`Shell::resume`] for them, even when the script has ended.
    pub fn background(&self) -> Option<Wake> {
        self.background
    }

    /// Everything printed since the last call, standard output and error in order.
    pub fn take_output(&mut self) -> Vec<(Stream, String)> {
        self.shared.out.take()
    }

    /// What was printed and not yet taken.
    pub fn output(&self) -> &Output {
        &self.shared.out
    }

    /// The status of the last command, or of the script once it has finished.
    pub fn status(&self) -> u8 {
        self.main.env.status
    }

    /// The line of the command that runs or ran last, from 1.
    pub fn line(&self) -> u32 {
        self.main.env.line
    }

    /// The working directory.
    pub fn cwd(&self) -> &str {
        &self.main.env.cwd
    }

    /// Sets a variable from outside, exported.
    pub fn set_var(&mut self, name: &str, value: &str) {
        let _ = self.main.env.set(name, value);
        let _ = self.main.env.change(name, |v| v.exported = true);
    }

    /// Names of real programs that were asked for and are not simulated, each with its line, in order.
    pub fn not_simulated(&self) -> &[(u32, String)] {
        &self.shared.not_simulated
    }

    /// Why the shell was stopped, if it ran into a limit ([`super::MAX_STEPS`] and its neighbours).
    pub fn stopped(&self) -> Option<&str> {
        self.shared.stopped.as_deref()
    }

    /// Whether `exit` was called or the script is over for good; [`Shell::feed`] then does nothing.
    pub fn has_exited(&self) -> bool {
        self.exited && self.finished
    }

    /// Ends the command that is running, as Ctrl-C does at a prompt; the status becomes 130.
    pub fn interrupt<M: Machine<Proc = P>>(&mut self, machine: &mut M) {
        let mut cx = Cx { sh: &mut self.shared, m: machine };
        self.main.kill(&mut cx, 2);
        self.main.abandon();
        self.main.env.status = 130;
    }
}
