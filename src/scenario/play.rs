//! A scenario is played: set-up is typed, t = 0 is found, the timeline and the traffic run, the end is observed.
//!
//! [`Play`] is the driver above the world. It can be cloned at any moment, and goes on in slices, so that a caller can
//! show progress or stop.

use super::build;
use super::looks::Looks;
use super::model::{At, Claim, Expect, LinkChange, Scenario, Step, StepKind};
use crate::base::{NodeId, Seed, SimTime, Span};
use crate::engine::world::{LimitReached, Limits, Stop, Wake, World};
use crate::lang::Text;
use crate::node::Node;
use crate::node::app::Outcome;
use crate::trace::{TraceEvent, TraceMask, Tracer};
use std::sync::Arc;

/// From the time that a `timeline` or `observe` entry names until its first program acts: a shell is forked and a
/// program loaded. Recorded on Linux: 2 to 8 ms. What traffic does at the named time comes before it.
pub const SHELL_STARTS: Span = Span::from_millis(5);

/// The time between the end of set-up and t = 0.
pub const BEFORE_ZERO: Span = Span::from_millis(100);
/// A run without `duration` ends at the latest so long after t = 0.
pub const LONGEST: Span = Span::from_secs(3600);
/// Set-up may take so long at most.
pub const LONGEST_SETUP: Span = Span::from_secs(3600);

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As the scenario wants it.
    Complete,
    /// A limit was reached.
    Limit(LimitReached),
    /// Set-up did not end in time; the node that was still busy.
    SetupTooLong(NodeId),
    /// The caller stopped it.
    Interrupted,
}

/// What was typed and what it printed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Where.
    pub node: NodeId,
    /// When it was typed; nothing: at the end.
    pub at: Option<Span>,
    /// What.
    pub run: Arc<str>,
    /// Whether it is an entry of `observe`.
    pub observe: bool,
    /// Exit status; nothing while it runs.
    pub status: Option<u8>,
    /// Standard output and error together.
    pub out: String,
    /// Programs that lvsim does not simulate, with their line.
    pub not_simulated: Vec<(u32, String)>,
    /// Why the shell was stopped, if it ran into one of its limits.
    pub stopped: Option<String>,
}

/// How an expectation was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The line of the file.
    pub line: u32,
    /// How it is written.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found.
    pub found: Text,
}

/// A scenario that is being played.
#[derive(Clone, Debug)]
pub struct Play<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The world.
    pub world: World,
    /// The scenario's t = 0.
    pub zero: SimTime,
    /// When the run ended.
    pub ended: SimTime,
    /// Every host's `run` block.
    pub setup: Vec<Typed>,
    /// `timeline` and `observe` entries in the order in which they began.
    pub events: Vec<Typed>,
    /// What the declarations met: messages of the kernel during set-up.
    pub complaints: Vec<String>,
    /// When `go_on` is asked besides, while the scenario runs.
    pub looks: Looks,
    /// Expectations that name a time before the end, judged then, by their place.
    early: Vec<(usize, Judged)>,
    running: Vec<(u32, usize)>,
    until: Option<Span>,
}

impl<'s> Play<'s> {
    /// Builds the world and types what set-up types; afterwards the time is t = 0.
    ///
    /// # Errors
    /// Set-up can meet a limit, or be stopped by `go_on`; the play as far as it got comes with the ending.
    pub fn set_up(
        scenario: &'s Scenario,
        seed: Seed,
        limits: Limits,
        until: Option<Span>,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<Play<'s>, Box<(Play<'s>, Ending)>> {
        let (mut world, complaints) = build::build(scenario, seed, tracer);
        world.limits = limits;
        let mut play = Play {
            scenario,
            world,
            zero: SimTime::ZERO,
            ended: SimTime::ZERO,
            setup: Vec::new(),
            events: Vec::new(),
            complaints,
            looks: Looks::default(),
            early: Vec::new(),
            running: Vec::new(),
            until,
        };
        for (i, node) in scenario.nodes.iter().enumerate() {
            let Some(script) = &node.run else { continue };
            if let Err(ending) = play.type_block(NodeId(i as u32), &script.text, seed, tracer, go_on) {
                play.zero = play.world.now;
                play.ended = play.world.now;
                return Err(Box::new((play, ending)));
            }
        }
        play.zero = play.world.now + BEFORE_ZERO;
        Ok(play)
    }

    /// Types more at the end of set-up; t = 0 moves accordingly.
    ///
    /// # Errors
    /// As for what the file types there.
    pub fn type_more(
        &mut self,
        node: NodeId,
        text: &Arc<str>,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<(), Ending> {
        let done = self.type_block(node, text, seed, tracer, go_on);
        self.zero = self.world.now + BEFORE_ZERO;
        done
    }

    fn type_block(
        &mut self,
        node: NodeId,
        text: &Arc<str>,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<(), Ending> {
        let end = self.world.now + LONGEST_SETUP;
        let pid = self.start(node, text, seed, tracer);
        while self.world.processes.get(pid).is_some_and(|p| p.ended.is_none()) {
            match self.world.run_until(end, SLICE, tracer) {
                Stop::Time => return Err(Ending::SetupTooLong(node)),
                Stop::Limit(limit) => return Err(Ending::Limit(limit)),
                Stop::Attention => {}
                Stop::Paused if !go_on(&self.world, None) => return Err(Ending::Interrupted),
                Stop::Paused => {}
            }
        }
        let mut typed = Typed {
            node,
            at: None,
            run: text.clone(),
            observe: false,
            status: None,
            out: String::new(),
            not_simulated: Vec::new(),
            stopped: None,
        };
        self.hear(pid, &mut typed);
        self.setup.push(typed);
        Ok(())
    }

    /// Plays from t = 0 to the end. `go_on` is asked every so many events.
    pub fn run(
        &mut self,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Ending {
        let ending = match self.begin(seed, tracer, go_on) {
            Ok(()) => self.finish(seed, tracer, go_on),
            Err(ending) => ending,
        };
        self.ended = self.world.now;
        ending
    }

    /// Plays from where it is, after [`Play::begin`], to the end.
    pub fn finish(
        &mut self,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Ending {
        let ran = match self.until.or(self.scenario.duration) {
            Some(duration) => self.pass_until(self.zero + duration, seed, tracer, go_on),
            None => self.pass_until_done(seed, tracer, go_on),
        };
        if let Err(ending) = ran {
            return ending;
        }
        for step in self.scenario.steps.iter().filter(|s| s.at == At::End) {
            self.step(step, seed, tracer);
            // What is observed at the end may take time; the next one begins when it is done.
            let latest = self.world.now + LONGEST_SETUP;
            while !self.running.is_empty() && self.world.now < latest {
                match self.world.run_until(latest, SLICE, tracer) {
                    Stop::Time => break,
                    Stop::Limit(limit) => return Ending::Limit(limit),
                    Stop::Attention => self.attend(seed, tracer),
                    Stop::Paused if !go_on(&self.world, None) => return Ending::Interrupted,
                    Stop::Paused => {}
                }
            }
        }
        self.finish_listening();
        Ending::Complete
    }

    /// Lets time pass until t = 0, when timeline and traffic begin to count.
    ///
    /// # Errors
    /// A limit, or the caller stopped it.
    pub fn begin(
        &mut self,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<(), Ending> {
        self.pass_until(self.zero, seed, tracer, go_on)?;
        for (i, step) in self.scenario.steps.iter().enumerate() {
            if let At::Time(at) = step.at {
                let late = match step.kind {
                    StepKind::Run { .. } => SHELL_STARTS,
                    StepKind::SetLink { .. } | StepKind::SetSpeed { .. } => Span::ZERO,
                };
                self.world.wake_at(self.zero + at + late, Wake::Step(i as u32));
            }
        }
        let steps = self.scenario.steps.len();
        for (i, expect) in self.scenario.expect.iter().enumerate() {
            if let Claim::Neighbour { at: At::Time(at), .. } = expect.what {
                self.world.wake_at(self.zero + at, Wake::Step((steps + i) as u32));
            }
        }
        for (i, traffic) in self.scenario.traffic.iter().enumerate() {
            self.world.start_workload(i as u32, self.zero + traffic.start);
        }
        Ok(())
    }

    /// Lets time pass after [`Play::begin`], until `until` inclusive or for `most` events; comes back earlier when a typed line
    /// has ended.
    pub fn pass(&mut self, until: SimTime, most: u64, seed: Seed, tracer: &mut Tracer) -> Stop {
        let stop = self.world.run_until(until, most, tracer);
        if stop == Stop::Attention {
            self.attend(seed, tracer);
        }
        self.ended = self.world.now;
        stop
    }

    /// The last moment for which timeline and traffic have plans, if all of that is over: nothing happens by itself any more
    /// but what kernels do for themselves.
    pub fn over_since(&self) -> Option<SimTime> {
        let steps = self.scenario.steps.iter().filter_map(|s| match s.at {
            At::Time(at) => Some(self.zero + at),
            At::End => None,
        });
        let ends = self.world.workloads.iter().flat_map(|w| w.results.iter().map(|r| r.end));
        let last = steps.chain(ends).max().unwrap_or(self.zero);
        (self.running.is_empty() && self.world.now >= last && self.all_over()).then_some(last)
    }

    fn pass_until(
        &mut self,
        until: SimTime,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<(), Ending> {
        loop {
            let look = self.looks.next(self.world.now, self.zero).filter(|&at| at < until);
            match self.world.run_until(look.unwrap_or(until), SLICE, tracer) {
                Stop::Time if look.is_some() => {
                    if !go_on(&self.world, Some(until)) {
                        return Err(Ending::Interrupted);
                    }
                }
                Stop::Time => return Ok(()),
                Stop::Limit(limit) => return Err(Ending::Limit(limit)),
                Stop::Attention => self.attend(seed, tracer),
                Stop::Paused if !go_on(&self.world, Some(until)) => return Err(Ending::Interrupted),
                Stop::Paused => {}
            }
        }
    }

    /// Without `duration`: one second after the last connection is over and the last typed line has ended.
    fn pass_until_done(
        &mut self,
        seed: Seed,
        tracer: &mut Tracer,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<(), Ending> {
        let latest = self.zero + LONGEST;
        let last_step = |s: &Step| match s.at {
            At::Time(at) => self.zero + at,
            At::End => SimTime::ZERO,
        };
        let steps = self.scenario.steps.iter().map(last_step).max().unwrap_or_default();
        let mut asked = self.world.events;
        loop {
            let now = self.world.now;
            let done = self.running.is_empty() && now >= steps && self.all_over();
            if done {
                let last = self.world.workloads.iter().flat_map(|w| w.results.iter().map(|r| r.end)).max();
                let end = (last.unwrap_or(now) + build::AFTER_THE_LAST).max(now);
                return self.pass_until(end.min(latest), seed, tracer, go_on);
            }
            if now >= latest {
                return Ok(());
            }
            // Looked at every tenth of a second of simulated time: cheap, and far finer than the second that follows.
            self.pass_until((now + Span::from_millis(100)).min(latest), seed, tracer, go_on)?;
            if self.world.events >= asked + SLICE {
                asked = self.world.events;
                if !go_on(&self.world, Some(latest)) {
                    return Err(Ending::Interrupted);
                }
            }
        }
    }

    fn all_over(&self) -> bool {
        self.world.workloads.iter().all(|w| {
            w.started() >= w.connections
                && w.results.iter().rev().take(100_000).all(|r| r.outcome != Outcome::Unfinished)
        })
    }

    fn attend(&mut self, seed: Seed, tracer: &mut Tracer) {
        for i in std::mem::take(&mut self.world.due) {
            let steps = self.scenario.steps.len();
            match self.scenario.steps.get(i as usize) {
                Some(step) => self.step(step, seed, tracer),
                None => {
                    let place = i as usize - steps;
                    if let Some(expect) = self.scenario.expect.get(place) {
                        let judged = super::expect::judge(expect, self);
                        self.early.push((place, judged));
                    }
                }
            }
        }
        self.finish_listening();
    }

    fn step(&mut self, step: &Step, seed: Seed, tracer: &mut Tracer) {
        match &step.kind {
            StepKind::Run { node, script, observe } => {
                let at = match step.at {
                    At::Time(at) => Some(at),
                    At::End => None,
                };
                let index = self.events.len();
                self.events.push(Typed {
                    node: *node,
                    at,
                    run: script.text.clone(),
                    observe: *observe,
                    status: None,
                    out: String::new(),
                    not_simulated: Vec::new(),
                    stopped: None,
                });
                let pid = self.start(*node, &script.text, seed, tracer);
                self.running.push((pid, index));
                self.finish_listening();
            }
            &StepKind::SetSpeed { node, protocol, port, speed_ppm } => {
                let proto = build::proto(protocol);
                // A service that was stopped meanwhile has no speed.
                self.world.with_node(node, tracer, |node, cx| {
                    node.host_mut().is_some_and(|host| host.set_speed(proto, port, speed_ppm, cx))
                });
            }
            StepKind::SetLink { cables, set, .. } => {
                for &cable in cables {
                    self.set_link(cable, set, tracer);
                }
            }
        }
    }

    fn set_link(&mut self, cable: crate::base::LinkId, set: &LinkChange, tracer: &mut Tracer) {
        self.world.links[cable.0 as usize].set(|p| {
            p.latency = set.latency.unwrap_or(p.latency);
            p.bandwidth = set.bandwidth_bps.unwrap_or(p.bandwidth);
            p.loss_ppm = set.loss_ppm.unwrap_or(p.loss_ppm);
            p.queue = set.queue.unwrap_or(p.queue);
        });
        if let Some(mtu) = set.mtu {
            for end in self.world.links[cable.0 as usize].ends {
                self.world.with_node(end.node, tracer, |node, _| match node {
                    Node::Host(host) => host.net.set_mtu(end.dev, mtu).unwrap_or_default(),
                    Node::Switch(switch) => switch.set_mtu(end.dev, mtu),
                });
            }
        }
        if let Some(up) = set.up {
            self.world.set_carrier(cable, up, tracer);
        }
    }

    /// Types a text on a host; whatever it can do without time passing is done at once.
    fn start(&mut self, node: NodeId, text: &Arc<str>, seed: Seed, tracer: &mut Tracer) -> u32 {
        let (now, line) = (self.world.now, text.clone());
        tracer.emit(TraceMask::TYPED, now, node, || TraceEvent::Typed { text: line });
        let stream = seed.stream(&format!("shell/{}/{}", node.0, self.setup.len() + self.events.len())).next_u64();
        let pid = self.world.processes.add(node, text, stream);
        self.world.run_process(node, pid, tracer);
        pid
    }

    /// Takes what ended shells printed.
    fn finish_listening(&mut self) {
        let running = std::mem::take(&mut self.running);
        for (pid, index) in running {
            if self.world.processes.get(pid).is_some_and(|p| p.ended.is_some()) {
                let mut typed = self.events[index].clone();
                self.hear(pid, &mut typed);
                self.events[index] = typed;
            } else {
                self.running.push((pid, index));
            }
        }
    }

    fn hear(&mut self, pid: u32, typed: &mut Typed) {
        typed.out = self.world.processes.take_output(pid).into_iter().map(|(_, text)| text).collect();
        if let Some(process) = self.world.processes.get(pid) {
            typed.status = process.ended;
            typed.not_simulated = process.shell.not_simulated().to_vec();
            typed.stopped = process.shell.stopped().map(str::to_string);
        }
    }

    /// What a text prints when it is typed now, without time passing beyond what it takes itself (an hour at most).
    pub fn ask(&mut self, node: NodeId, text: &Arc<str>, seed: Seed, tracer: &mut Tracer) -> (Option<u8>, String) {
        let end = self.world.now + LONGEST_SETUP;
        let pid = self.start(node, text, seed, tracer);
        while self.world.processes.get(pid).is_some_and(|p| p.ended.is_none()) {
            if matches!(self.world.run_until(end, u64::MAX, tracer), Stop::Time | Stop::Limit(_)) {
                break;
            }
        }
        let out = self.world.processes.take_output(pid).into_iter().map(|(_, text)| text).collect();
        (self.world.processes.get(pid).and_then(|p| p.ended), out)
    }

    /// Judges every expectation, in the order of the file. Outputs are asked for on a copy of the world, which leaves this
    /// one as it is.
    pub fn judge(&self, seed: Seed) -> Vec<Judged> {
        let judge = |(i, e): (usize, &Expect)| match self.early.iter().find(|(place, _)| *place == i) {
            Some((_, judged)) => judged.clone(),
            None => match &e.what {
                Claim::Output { node, script, contains, equals } => {
                    let mut copy = self.clone();
                    let (_, out) = copy.ask(*node, &script.text, seed, &mut Tracer::off());
                    super::expect::judge_output(e, &out, contains.as_deref(), equals.as_deref())
                }
                _ => super::expect::judge(e, self),
            },
        };
        self.scenario.expect.iter().enumerate().map(judge).collect()
    }
}

/// Events between two looks at the caller.
const SLICE: u64 = 65_536;
