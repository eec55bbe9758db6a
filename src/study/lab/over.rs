//! What a session may take, what it took, and its end when nobody types any more: for whoever lets others type.

use super::session::Session;
use crate::base::SimTime;
use crate::engine::world::{Limits, World};
use crate::report::run::Run;
use crate::scenario::play::Typed;

/// What a session may take.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Events and what is pending.
    pub limits: Limits,
    /// Records of the trace that are kept; what comes later is not seen by `:why` and its like, and that is told.
    pub records: usize,
    /// What all states that are kept may weigh together, in bytes, roughly.
    pub weight: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { limits: Limits::default(), records: 1_000_000, weight: 512 << 20 }
    }
}

impl<'s> Session<'s> {
    /// Events handled so far, those of what was taken back or done again included: what a session costs.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Why the shell here gave up the last line, if it ran into one of its limits.
    pub fn gave_up(&self) -> Option<&str> {
        let pid = self.state.shells.get(&self.here())?;
        self.state.play.world.processes.get(*pid)?.shell.stopped()
    }

    /// The exit status of the last line that was typed here.
    pub fn status(&self) -> Option<u8> {
        let pid = self.state.shells.get(&self.here())?;
        self.state.play.world.processes.get(*pid)?.ended
    }

    /// Nobody types any more: the rest of the scenario is played, and what it expects is judged. `typed` is what was typed and
    /// what it printed, for reports. If the end of the run has passed already, it is judged as things stand.
    pub fn into_run(mut self, typed: Vec<Typed>, go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool) -> Run<'s> {
        let mut play = self.state.play;
        let ending = play.finish(self.seed, &mut self.tracer, go_on);
        play.events.extend(typed);
        play.ended = play.world.now;
        Run::over(play, &ending, self.tracer, self.seed, None)
    }
}
