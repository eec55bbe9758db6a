//! Going back: what was done is taken back, and the world is what it was before, exactly.
//!
//! Some states are kept whole; the others are found again from the one before, by doing the acts since: the same acts on the
//! same world give the same world.

use super::session::{Act, Doing, MASK, Session, State, What};
use crate::base::SimTime;
use crate::engine::world::{Stop, World};
use crate::scenario::play::Play;
use crate::trace::Tracer;

/// States that are kept whole; the others are found again by doing the acts since the one before.
const KEYFRAMES: usize = 64;
/// A state that is kept.
#[derive(Debug)]
pub(super) struct Keyframe<'s> {
    /// How many acts came before.
    acts: usize,
    state: State<'s>,
    records: usize,
    lost: u64,
}

impl<'s> Session<'s> {
    /// Takes the last act back: the world is what it was before. Returns what is undone.
    pub fn back(&mut self) -> Option<Act> {
        let undone = self.acts.last().cloned()?;
        self.rewind(self.acts.len() - 1);
        Some(undone)
    }

    /// Takes back every act that was not over at a moment, then lets time pass until then. Returns what is undone.
    pub fn back_to(&mut self, moment: SimTime) -> Vec<Act> {
        let kept = self.acts.iter().take_while(|a| a.end <= moment).count();
        let undone = self.acts[kept..].to_vec();
        self.rewind(kept);
        self.pass_until(moment);
        undone
    }

    /// The state after so many acts.
    fn rewind(&mut self, acts: usize) {
        self.keyframes.retain(|k| k.acts <= acts);
        let todo = self.restore(acts);
        for act in todo {
            self.redo(&act);
        }
        self.acts.truncate(acts);
        self.since = self.tracer.records().len();
    }

    /// Goes to the last keyframe before; returns the acts that are missing.
    fn restore(&mut self, acts: usize) -> Vec<Act> {
        let Some(frame) = self.keyframes.last() else { return Vec::new() };
        self.state = frame.state.clone();
        self.tracer.truncate(frame.records, frame.lost);
        let todo = self.acts[frame.acts..acts].to_vec();
        self.acts.truncate(frame.acts);
        todo
    }

    /// Does an act again, exactly as far as it got.
    fn redo(&mut self, act: &Act) {
        self.start(&act.what);
        self.acts.push(act.clone());
        while self.events() < act.events && self.state.doing != Doing::Nothing {
            let before = (self.events(), self.state.doing.clone(), self.now());
            self.go_on(act.events, SimTime::NEVER);
            if before == (self.events(), self.state.doing.clone(), self.now()) {
                break;
            }
        }
        // Time may have passed beyond the last event, and a line may have been taken without one.
        let doing = self.state.doing.clone();
        if let Doing::Starting(pid, text, at) = doing
            && at <= act.end
        {
            self.pass(at, u64::MAX);
            self.feed(pid, &text);
        }
        if self.now() < act.end {
            self.pass(act.end, u64::MAX);
        }
        if act.interrupted {
            self.interrupt();
        } else if let Doing::Running(pid) = self.state.doing {
            if self.ended(pid) {
                self.finish(pid);
            }
        } else {
            self.state.doing = Doing::Nothing;
        }
        self.state.play.ended = self.now();
        self.output();
    }

    /// Keeps the state as it is now. Of many, old ones are given up.
    pub(super) fn keep(&mut self) {
        let acts = self.acts.len();
        if self.keyframes.last().is_some_and(|k| k.acts == acts) {
            return;
        }
        self.output_is_heard();
        let (records, lost) = (self.tracer.records().len(), self.tracer.lost());
        self.keyframes.push(Keyframe { acts, state: self.state.clone(), records, lost });
        let weight: u64 = self.keyframes.iter().map(|k| weight(&k.state.play.world)).sum();
        if self.keyframes.len() > KEYFRAMES || (weight > self.bounds.weight && self.keyframes.len() > 2) {
            // Every second one of the older half; the first state is always there.
            let half = self.keyframes.len() / 2;
            let mut place = 0;
            self.keyframes.retain(|_| {
                place += 1;
                place == 1 || place > half.max(2) || place % 2 == 1
            });
        }
    }

    /// Leaves the first state only, so that all others have to be found again.
    #[cfg(test)]
    pub(super) fn forget_keyframes(&mut self) {
        self.keyframes.truncate(1);
    }

    /// What was printed and not asked for belongs to the act before.
    fn output_is_heard(&mut self) {
        self.output();
    }

    /// What was typed last, whatever was done since: its place among the acts.
    fn typed_last(&self) -> Option<usize> {
        self.acts.iter().rposition(|a| matches!(a.what, What::Type { .. }))
    }

    /// The text that was typed last; none if nothing was typed.
    pub(super) fn last_typed(&self) -> Option<&str> {
        match &self.acts.get(self.typed_last()?)?.what {
            What::Type { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The same time without what was typed last: play and trace; none if nothing was typed. What was done after it let time
    /// pass or led to another host, so that time passes until now and no act is done again.
    pub(super) fn without_last(&self) -> Option<(Play<'s>, Tracer)> {
        let last = self.typed_last()?;
        let frame = self.keyframes.iter().rfind(|k| k.acts <= last)?;
        let todo = self.acts.get(frame.acts..last)?;
        let mut records = Tracer::new(MASK, self.bounds.records);
        records.copy(&self.tracer, frame.records);
        let mut other = Session {
            lang: self.lang,
            seed: self.seed,
            bounds: self.bounds.clone(),
            work: 0,
            source: self.source,
            since: 0,
            state: frame.state.clone(),
            tracer: records,
            acts: self.acts[..frame.acts].to_vec(),
            keyframes: Vec::new(),
        };
        for act in todo {
            other.redo(act);
        }
        // A host that wants to be looked at stops the world without a step of time.
        while other.now() < self.now() {
            let before = (other.now(), other.events());
            if matches!(other.pass(self.now(), u64::MAX), Stop::Limit(_)) || before == (other.now(), other.events()) {
                break;
            }
        }
        other.state.play.ended = self.now();
        Some((other.state.play, other.tracer))
    }
}

/// What a state takes, in bytes, roughly: tables of hosts, results, what is pending.
fn weight(world: &World) -> u64 {
    let results: usize = world.workloads.iter().map(|w| w.results.len()).sum();
    100_000 * world.nodes.len() as u64 + 400 * results as u64 + 150 * world.pending_count() as u64
}
