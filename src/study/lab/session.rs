//! The session: what is typed, and how time passes meanwhile. How both are taken back is in `undo`.

use super::over::Bounds;
use super::undo::Keyframe;
use crate::base::{NodeId, Seed, SimTime, Span};
use crate::engine::world::{LimitReached, Stop, World};
use crate::lang::{Lang, Text};
use crate::node::Node;
use crate::scenario::Scenario;
use crate::scenario::play::{Ending, Play, SHELL_STARTS};
use crate::text;
use crate::trace::{TraceEvent, TraceMask, Tracer};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What a session traces.
pub(super) const MASK: TraceMask = TraceMask(TraceMask::ALL.0 | TraceMask::DECISIONS.0 | TraceMask::RAN.0);
/// How long a line may take that nobody sits at, of a script or a pipe; then Ctrl-C ends it.
pub const LINE: Span = Span::from_secs(3600);
/// How long a command that waits for others to act goes on when nobody has anything to do any more.
const PATIENCE: Span = Span::from_secs(1);
/// How far time passes at most between two looks at a command.
const LOOK: Span = Span::from_millis(100);
/// Looks within one [`Session::advance`].
const LOOKS: u32 = 10_000;
/// Events within which a step has to meet a frame.
const STEP: u64 = 1_000_000;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A text was typed on a host.
    Type {
        /// Where.
        node: NodeId,
        /// What.
        text: Arc<str>,
    },
    /// Time passed.
    Pass {
        /// Until this moment.
        until: SimTime,
    },
    /// One frame was sent or received by a host, or died.
    Step,
    /// Somebody went to another host.
    Go(NodeId),
    /// Somebody came back from it.
    Leave,
}

/// One thing that was done, and when it was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: SimTime,
    /// What.
    pub what: What,
    /// When it was over.
    pub end: SimTime,
    /// Events handled by then.
    pub(super) events: u64,
    /// Ctrl-C ended it.
    pub interrupted: bool,
}

/// How far something got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It is over; the prompt is free.
    Done,
    /// It goes on: call again.
    Busy,
    /// The command waits for something to happen, and nobody has anything to do any more: only Ctrl-C ends it.
    Idle,
    /// A limit of the simulation was reached; what was running was ended.
    Limit(Text),
}

/// Something that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// By which host.
    pub node: NodeId,
    /// By the command in the foreground.
    pub foreground: bool,
    /// What.
    pub text: String,
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    /// A shell takes a line at this time.
    Starting(u32, Arc<str>, SimTime),
    /// This shell runs it.
    Running(u32),
    Passing(SimTime),
    /// Records of the trace and frames delivered before, and when to give up, in events.
    Stepping(usize, u64, u64),
}

/// Everything that acts change.
#[derive(Clone, Debug)]
pub(super) struct State<'s> {
    pub(super) play: Play<'s>,
    /// From which host to which somebody went; the last is where we are.
    path: Vec<NodeId>,
    pub(super) shells: BTreeMap<NodeId, u32>,
    pub(super) doing: Doing,
    /// The last shell was left.
    over: bool,
}

/// A lab that somebody works in.
#[derive(Debug)]
pub struct Session<'s> {
    pub(super) seed: Seed,
    /// The language of what the lab says of its own.
    pub(super) lang: Lang,
    pub(super) bounds: Bounds,
    /// Events handled in all, those that were taken back and those that were done again included.
    pub(super) work: u64,
    /// The scenario's text.
    pub(super) source: &'s str,
    /// Records of the trace before the last act.
    pub(super) since: usize,
    pub(super) state: State<'s>,
    pub(super) tracer: Tracer,
    pub(super) acts: Vec<Act>,
    pub(super) keyframes: Vec<Keyframe<'s>>,
}

impl<'s> Session<'s> {
    /// Plays the set-up of a scenario and stops at t = 0, on the first director, or else the first host.
    ///
    /// # Errors
    /// A sentence, if set-up does not come to its end or there is no host.
    pub fn open(
        scenario: &'s Scenario,
        source: &'s str,
        seed: Option<u64>,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<Session<'s>, Text> {
        Session::open_within(scenario, source, seed, Bounds::default(), go_on)
    }

    /// Words in the lab's language.
    pub(super) fn say(&self, text: &Text) -> String {
        text.say(self.lang)
    }

    /// From now on the lab speaks this language; what hosts print stays as it is.
    pub fn speak(&mut self, lang: Lang) {
        self.lang = lang;
    }

    /// The same within other bounds than a lab has at a terminal.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_within(
        scenario: &'s Scenario,
        source: &'s str,
        seed: Option<u64>,
        bounds: Bounds,
        go_on: &mut dyn FnMut(&World, Option<SimTime>) -> bool,
    ) -> Result<Session<'s>, Text> {
        let seed = Seed(seed.unwrap_or(scenario.seed));
        let mut tracer = Tracer::new(MASK, bounds.records);
        let told = |ending: Ending| match ending {
            Ending::Interrupted => text!("lab-setup-interrupted"),
            Ending::Limit(limit) => text!("lab-setup-limit", limit = reached(&limit)),
            Ending::SetupTooLong(at) => {
                text!("limit-setup", host = scenario.node_name(at))
            }
            Ending::Complete => text!("lab-setup-over"),
        };
        let play = Play::set_up(scenario, seed, bounds.limits, None, &mut tracer, go_on);
        let mut play = play.map_err(|early| told(early.1))?;
        play.begin(seed, &mut tracer, go_on).map_err(told)?;
        play.ended = play.world.now;
        let hosts = || scenario.nodes.iter().enumerate().filter(|(_, n)| n.kind.is_host());
        let first = hosts().find(|(_, n)| n.kind.word() == "director").or_else(|| hosts().next());
        let Some((first, _)) = first else { return Err(text!("lab-no-host-at-all")) };
        let path = vec![NodeId(first as u32)];
        let state = State { play, path, shells: BTreeMap::new(), doing: Doing::Nothing, over: false };
        let work = state.play.world.events;
        let (acts, keyframes) = (Vec::new(), Vec::new());
        let mut session =
            Session { seed, lang: Lang::En, bounds, work, source, since: 0, state, tracer, acts, keyframes };
        session.keep();
        Ok(session)
    }

    /// The host on which what is typed runs.
    pub fn here(&self) -> NodeId {
        self.state.path.last().copied().unwrap_or(NodeId(0))
    }

    /// The scenario.
    pub fn scenario(&self) -> &'s Scenario {
        self.state.play.scenario
    }

    /// What is played.
    pub fn play(&self) -> &Play<'s> {
        &self.state.play
    }

    /// The scenario's text.
    pub fn source(&self) -> &'s str {
        self.source
    }

    /// Records of the trace that were there before the last act.
    pub fn since(&self) -> usize {
        self.since
    }

    /// The seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// What was traced.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Play and trace, for a report that takes both; give them back by [`Session::put_back`].
    pub(super) fn lend(&mut self) -> (Play<'s>, Tracer) {
        (self.state.play.clone(), std::mem::take(&mut self.tracer))
    }

    pub(super) fn put_back(&mut self, tracer: Tracer) {
        self.tracer = tracer;
    }

    /// Nanoseconds since t = 0.
    pub fn now(&self) -> SimTime {
        self.state.play.world.now
    }

    /// Everything that was done and not taken back.
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// Whether time was asked to pass, however long.
    pub fn passing(&self) -> bool {
        self.acts.last().is_some_and(|act| matches!(act.what, What::Pass { .. }))
    }

    /// Whether the last shell was left.
    pub fn over(&self) -> bool {
        self.state.over
    }

    /// The folder in which the shell here is.
    pub fn folder(&self) -> String {
        let shell = self.state.shells.get(&self.here()).and_then(|&pid| self.state.play.world.processes.get(pid));
        shell.map_or("/root", |p| p.shell.cwd()).to_string()
    }

    /// `[root@director ~]# `
    pub fn prompt(&self) -> String {
        let node = self.here();
        let folder = self.folder();
        let shown = match folder.as_str() {
            "/root" => "~",
            "/" => "/",
            path => path.rsplit('/').next().unwrap_or(path),
        };
        format!("[root@{} {shown}]# ", self.scenario().node_name(node))
    }

    /// The host of this name, or with this address.
    pub fn host_named(&self, word: &str) -> Option<NodeId> {
        if let Some(id) = self.scenario().node(word) {
            return self.state.play.world.host(id).map(|_| id);
        }
        let addr: Ipv4Addr = word.parse().ok()?;
        let has = |n: &Node| n.host().is_some_and(|h| h.net.has_addr(addr));
        self.state.play.world.nodes.iter().position(has).map(|i| NodeId(i as u32))
    }

    /// Types a text here. It takes the time that a shell takes to start a program, then what the program takes.
    pub fn type_text(&mut self, text: &str) {
        self.type_on(self.here(), text);
    }

    /// The same on another host, without going there.
    pub fn type_on(&mut self, node: NodeId, text: &str) {
        self.begin(What::Type { node, text: text.into() });
    }

    /// Lets time pass until a moment; nothing happens if it is over.
    pub fn pass_until(&mut self, until: SimTime) {
        if until > self.now() {
            self.begin(What::Pass { until });
        }
    }

    /// Lets time pass until a host sends or receives a frame, or one dies.
    pub fn step(&mut self) {
        self.begin(What::Step);
    }

    /// Goes to another host.
    pub fn go(&mut self, node: NodeId) {
        self.begin(What::Go(node));
        self.advance(0);
    }

    fn begin(&mut self, what: What) {
        if self.state.doing != Doing::Nothing {
            return;
        }
        self.keep();
        self.since = self.tracer.records().len();
        let at = self.now();
        self.start(&what);
        self.acts.push(Act { at, what, end: at, events: self.events(), interrupted: false });
    }

    pub(super) fn events(&self) -> u64 {
        self.state.play.world.events
    }

    pub(super) fn start(&mut self, what: &What) {
        let world = &mut self.state.play.world;
        self.state.doing = match what {
            What::Type { node, text } => {
                let pid = *self.state.shells.entry(*node).or_insert_with(|| {
                    let stream = self.seed.stream(&format!("lab/{}/{}", node.0, self.acts.len())).next_u64();
                    world.processes.add_interactive(*node, stream)
                });
                Doing::Starting(pid, text.clone(), world.now + SHELL_STARTS)
            }
            What::Pass { until } => Doing::Passing(*until),
            What::Step => Doing::Stepping(self.tracer.records().len(), world.ledger.delivered, world.events + STEP),
            What::Go(node) => {
                self.state.path.push(*node);
                Doing::Nothing
            }
            What::Leave => {
                self.leave();
                Doing::Nothing
            }
        };
    }

    fn leave(&mut self) {
        self.state.path.pop();
        self.state.over = self.state.path.is_empty();
    }

    /// Lets what is under way go on, for about so many events.
    pub fn advance(&mut self, events: u64) -> Advance {
        self.advance_until(events, SimTime::NEVER)
    }

    /// The same, and not beyond a moment: for whoever lets time pass no faster than on the wall.
    pub fn advance_until(&mut self, events: u64, moment: SimTime) -> Advance {
        let pause = self.events().saturating_add(events.max(1));
        let advance = self.go_on(pause, moment);
        self.note(false);
        advance
    }

    /// Writes down how far the last act got.
    fn note(&mut self, interrupted: bool) {
        let (end, events) = (self.now(), self.events());
        self.state.play.ended = end;
        if let Some(act) = self.acts.last_mut() {
            (act.end, act.events) = (end, events);
            act.interrupted |= interrupted;
        }
    }

    pub(super) fn go_on(&mut self, pause: u64, moment: SimTime) -> Advance {
        let mut looks = 0;
        loop {
            let left = pause.saturating_sub(self.events());
            let stop = match self.state.doing.clone() {
                Doing::Nothing => return Advance::Done,
                Doing::Starting(pid, text, at) => match self.pass(at.min(moment), left) {
                    Stop::Time if self.now() >= at => {
                        self.feed(pid, &text);
                        continue;
                    }
                    stop => stop,
                },
                Doing::Running(pid) => {
                    if self.ended(pid) {
                        self.finish(pid);
                        return Advance::Done;
                    }
                    if self.idle(pid) {
                        return Advance::Idle;
                    }
                    self.pass((self.now() + LOOK).min(moment), left)
                }
                Doing::Passing(until) => match self.pass(until.min(moment), left) {
                    Stop::Time if self.now() >= until => {
                        self.state.doing = Doing::Nothing;
                        return Advance::Done;
                    }
                    stop => stop,
                },
                Doing::Stepping(records, delivered, most) => {
                    let world = &mut self.state.play.world;
                    let nothing = world.next_at().is_none() || world.events >= most;
                    // What a switch passes on is seen where it arrives.
                    let moves = |e: &TraceEvent| matches!(e, TraceEvent::Frame { .. } | TraceEvent::Dropped { .. });
                    let seen = self.tracer.records()[records..].iter().any(|r| moves(&r.event));
                    let blind = self.tracer.lost() > 0 && world.ledger.delivered > delivered;
                    if nothing || seen || blind {
                        self.state.doing = Doing::Nothing;
                        return Advance::Done;
                    }
                    self.pass(SimTime::NEVER, 1)
                }
            };
            looks += 1;
            match stop {
                Stop::Limit(limit) => {
                    self.interrupt();
                    return Advance::Limit(reached(&limit));
                }
                _ if self.events() >= pause || looks >= LOOKS || self.now() >= moment => return Advance::Busy,
                Stop::Time | Stop::Attention | Stop::Paused => {}
            }
        }
    }

    pub(super) fn pass(&mut self, until: SimTime, most: u64) -> Stop {
        let before = self.events();
        let stop = self.state.play.pass(until, most.max(1), self.seed, &mut self.tracer);
        self.work += self.events() - before;
        stop
    }

    pub(super) fn feed(&mut self, pid: u32, text: &Arc<str>) {
        let world = &mut self.state.play.world;
        let Some(node) = world.processes.get(pid).map(|p| p.node) else { return };
        let (now, line) = (world.now, text.clone());
        self.tracer.emit(TraceMask::TYPED, now, node, || TraceEvent::Typed { text: line });
        world.processes.feed(pid, text);
        world.run_process(node, pid, &mut self.tracer);
        self.state.doing = Doing::Running(pid);
    }

    pub(super) fn ended(&self, pid: u32) -> bool {
        self.state.play.world.processes.get(pid).is_none_or(|p| p.ended.is_some())
    }

    /// A line has been carried out. `exit` leaves the host.
    pub(super) fn finish(&mut self, pid: u32) {
        self.state.doing = Doing::Nothing;
        let exited = self.state.play.world.processes.get(pid).is_some_and(|p| p.shell.has_exited());
        if exited {
            self.state.shells.retain(|_, p| *p != pid);
            self.leave();
        }
    }

    /// Whether the command waits for others, and nobody else has anything to do.
    fn idle(&self, pid: u32) -> bool {
        let processes = &self.state.play.world.processes;
        let waits = processes.get(pid).is_some_and(|p| p.waits_for_events_only());
        waits
            && processes.nobody_but(pid)
            && self.state.play.over_since().is_some_and(|last| self.now() > last + PATIENCE)
            && self.acts.last().is_some_and(|act| self.now() > act.at + PATIENCE)
    }

    /// Ctrl-C: what is under way ends, and time stands still.
    pub fn interrupt(&mut self) {
        match self.state.doing.clone() {
            Doing::Nothing => return,
            Doing::Running(pid) => self.kill(pid),
            Doing::Starting(..) | Doing::Passing(_) | Doing::Stepping(..) => self.state.doing = Doing::Nothing,
        }
        self.note(true);
    }

    fn kill(&mut self, pid: u32) {
        let world = &mut self.state.play.world;
        let Some(node) = world.processes.get(pid).map(|p| p.node) else { return };
        let mut processes = std::mem::take(&mut world.processes);
        world.with_node(node, &mut self.tracer, |n, cx| {
            if let Some(host) = n.host_mut() {
                processes.interrupt(pid, host, cx);
            }
        });
        world.processes = processes;
        world.run_process(node, pid, &mut self.tracer);
        self.finish(pid);
    }

    /// What was printed since this was asked last, by every shell that somebody sits at.
    pub fn output(&mut self) -> Vec<Spoken> {
        let front = match self.state.doing {
            Doing::Running(pid) | Doing::Starting(pid, ..) => Some(pid),
            _ => self.state.shells.get(&self.here()).copied(),
        };
        let mut spoken = Vec::new();
        for (&node, &pid) in &self.state.shells {
            for (_, text) in self.state.play.world.processes.take_output(pid) {
                spoken.push(Spoken { node, foreground: Some(pid) == front, text });
            }
        }
        spoken
    }
}

fn reached(limit: &LimitReached) -> Text {
    match limit {
        LimitReached::Events(n) => text!("n-events", n),
        LimitReached::Pending(n) => text!("limit-pending", n),
        LimitReached::Storm(_) => text!("lab-storm"),
    }
}
