//! Pipelines, `&`, `!`, `time`, and what `set -e` lets pass.

use super::Machine;
use super::ast::{AndOr, Kind, Pipeline};
use super::env::Fd;
use super::frame::{Cx, Frame};
use super::redirect::Input;
use super::task::Task;
use crate::base::SimTime;
use std::sync::Arc;

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Whether standard output goes into a pipe or a command substitution.
    pub(super) fn piped(&self) -> bool {
        matches!(self.env.fd(1), Some(Fd::Buffer(_)))
    }

    pub(super) fn background<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, item: Arc<AndOr>) {
        let mut env = self.fork();
        for (_, to) in &mut env.fds {
            if matches!(to, Fd::Buffer(_) | Fd::Input(_)) {
                *to = Fd::Null;
            }
        }
        env.interactive = false;
        env.pid = self.env.pid;
        let text = item.text.clone();
        let frames = vec![Frame::AndOr { item, at: 0 }];
        let task = Task { env, frames, inputs: Vec::new(), buffers: Vec::new(), exited: false };
        self.spawn(cx, text, Box::new(task));
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one frame")]
    pub(super) fn pipe<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        pipe: Arc<Pipeline>,
        stage: usize,
        mut statuses: Vec<u8>,
        inputs: usize,
        buffers: usize,
        since: SimTime,
    ) {
        if stage > 0 {
            statuses.push(self.env.status);
        }
        let many = pipe.stages.len() > 1;
        let Some((command, both)) = pipe.stages.get(stage) else {
            // All stages have run.
            self.forget_inputs(inputs);
            self.buffers.truncate(buffers);
            if many && self.env.opts.pipefail {
                self.env.status = statuses.iter().rev().copied().find(|s| *s != 0).unwrap_or(0);
            }
            self.env.pipe = statuses;
            let simple = many
                || pipe.stages.first().is_some_and(|(c, _)| {
                    matches!(c.kind, Kind::Simple { .. } | Kind::Subshell(_) | Kind::Arith(_) | Kind::Cond(_))
                });
            let failed = self.env.status != 0;
            if pipe.timed {
                self.tell_time(cx, since);
            }
            if pipe.bang {
                self.env.status = u8::from(!failed);
            } else if failed && simple && self.env.opts.errexit && !self.forgiven() {
                self.exit(self.env.status);
            }
            return;
        };
        let (command, both, last) = (command.clone(), *both, stage + 1 == pipe.stages.len());
        let fed = if stage > 0 { self.buffers.pop() } else { None };
        self.frames.push(Frame::Pipe { pipe, stage: stage + 1, statuses, inputs, buffers, since });
        if many {
            let mut inner = self.fork();
            if let Some(text) = fed {
                inner.set_fd(0, Some(Fd::Input(self.inputs.len())));
                self.inputs.push(Input { text: text.into(), at: 0 });
            }
            if !last {
                let buffer = Fd::Buffer(self.buffers.len());
                self.buffers.push(String::new());
                inner.set_fd(1, Some(buffer.clone()));
                if both {
                    inner.set_fd(2, Some(buffer));
                }
            }
            if !self.enter(cx, inner, false) {
                return;
            }
        }
        self.frames.push(Frame::Command { command, done: Vec::new() });
    }

    /// Whether a failure here is looked at by someone: `set -e` lets it be.
    pub(super) fn forgiven(&self) -> bool {
        self.frames.iter().rev().take_while(|f| !matches!(f, Frame::Env { script: true, .. })).any(
            |frame| match frame {
                Frame::AndOr { item, at } => *at <= item.rest.len(),
                Frame::Body { body, .. } => body.testing(),
                Frame::Pipe { pipe, .. } => pipe.bang,
                _ => false,
            },
        )
    }

    pub(super) fn tell_time<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, since: SimTime) {
        let ms = self.env.now.since(since).as_millis();
        let real = format!("{}m{}.{:03}s", ms / 60_000, ms / 1000 % 60, ms % 1000);
        self.write_text(cx, 2, &format!("\nreal\t{real}\nuser\t0m0.000s\nsys\t0m0.000s\n"));
    }
}
