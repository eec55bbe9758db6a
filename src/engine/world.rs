//! The world: boxes, cables, what is pending, and the one loop that lets time pass.
//!
//! One event is one frame that arrives or one timer that fires. Frames and timers wait in two queues that share one
//! numbering, so the order is total: (time, number); only the kernel's coarse timers that fire together do so in the
//! order of its wheel, which is that of one processor for all boxes (see [`crate::base::jiffies`]). A box's effects are
//! carried out in the order in which it names them. The world does no IO and keeps no trace: a [`Tracer`] listens from
//! outside, and cannot change anything.

use super::census::Census;
use super::ledger::Ledger;
use super::link::{End, Link};
use super::queue::EventQueue;
use super::timers::Timers;
use super::workload::Workload;
use crate::base::digest::Digest;
use crate::base::{DevIdx, LinkId, NodeId, SimTime};
use crate::node::{Cx, Effect, FrameId, Frames, Host, Input, Node, PacketIds, Texts, TimerKey};
use crate::shell::process::Processes;
use crate::trace::{DropReason, TraceEvent, TraceMask, Tracer};
use crate::wire::{Frame, L3, L4};

/// How often programs of one host may wake each other in one instant. What is then still awake goes on with the host's
/// next event: programs that answer each other for ever cannot hold the time.
const ROUNDS: u32 = 16;

/// When a run must stop although work is left. The defaults are in [`Limits::default`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events in all.
    pub events: u64,
    /// Frames and timers that may be pending at once: what bounds the memory of a storm.
    pub pending: usize,
    /// Times that switches may hear an address on another port than before, in all: only a loop reaches it.
    pub moves: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { events: 1_000_000_000, pending: 8_000_000, moves: 100_000 }
    }
}

/// Which limit was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// [`Limits::events`].
    Events(u64),
    /// [`Limits::pending`].
    Pending(usize),
    /// [`Limits::moves`]: the switch that saw it last.
    Storm(NodeId),
}

/// Why [`World::run_until`] came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time is reached.
    Time,
    /// Something asks for the driver: a step of the timeline is due, a typed block has ended.
    Attention,
    /// So many events were handled as the caller allowed.
    Paused,
    /// A limit.
    Limit(LimitReached),
}

/// What is pending besides frames.
#[derive(Clone, Copy, Debug)]
pub enum Wake {
    /// A box's timer.
    Node(NodeId, TimerKey),
    /// The next connection of a workload.
    Arrival(u32),
    /// A user of a workload has thought and opens the next connection.
    Again {
        /// The workload.
        workload: u32,
        /// The user.
        user: u32,
    },
    /// A step of the timeline.
    Step(u32),
}

impl Wake {
    #[inline]
    fn wheel_level(self) -> Option<u8> {
        match self {
            Wake::Node(_, key) => key.wheel_level(),
            Wake::Arrival(_) | Wake::Again { .. } | Wake::Step(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    frame: FrameId,
    node: NodeId,
    dev: DevIdx,
    /// The mark of [`Effect::Send`].
    confirm: bool,
}

/// Everything that a run consists of.
#[derive(Clone, Debug)]
pub struct World {
    /// Now.
    pub now: SimTime,
    /// The boxes.
    pub nodes: Vec<Node>,
    /// The cables.
    pub links: Vec<Link>,
    /// What the clients are to do, and what came of it.
    pub workloads: Vec<Workload>,
    /// Shells and programs on the hosts.
    pub processes: Processes,
    /// Frames accounted for.
    pub ledger: Ledger,
    /// Connections accounted for.
    pub census: Census,
    /// Events handled.
    pub events: u64,
    /// The bounds of the run.
    pub limits: Limits,
    /// Texts that packets carry.
    pub texts: Texts,
    /// Steps of the timeline that are due.
    pub due: Vec<u32>,
    wiring: Vec<Vec<Option<(LinkId, u8)>>>,
    flying: Frames,
    frames: EventQueue<InFlight>,
    timers: Timers,
    /// Timers of this instant that go before everything else, the next one last.
    expired: Vec<Wake>,
    seq: u64,
    fingerprint: Digest,
    ids: PacketIds,
    effects: Vec<Effect>,
    switched: Vec<(NodeId, DevIdx, bool)>,
    moves: u64,
}

impl World {
    /// A world of these boxes without cables.
    pub fn new(nodes: Vec<Node>) -> World {
        let wiring = nodes.iter().map(|_| Vec::new()).collect();
        let texts = Texts::new(nodes.iter().map(|n| n.name().clone()).collect());
        World {
            now: SimTime::ZERO,
            nodes,
            links: Vec::new(),
            workloads: Vec::new(),
            processes: Processes::default(),
            ledger: Ledger::default(),
            census: Census::default(),
            events: 0,
            limits: Limits::default(),
            texts,
            due: Vec::new(),
            wiring,
            flying: Frames::default(),
            frames: EventQueue::new(),
            timers: Timers::default(),
            expired: Vec::new(),
            seq: 0,
            fingerprint: Digest::default(),
            ids: PacketIds::default(),
            effects: Vec::new(),
            switched: Vec::new(),
            moves: 0,
        }
    }

    /// Joins two ends by a cable.
    pub fn connect(&mut self, link: Link) -> LinkId {
        let id = LinkId(self.links.len() as u32);
        for (side, end) in link.ends.iter().enumerate() {
            let ports = &mut self.wiring[end.node.index()];
            if ports.len() <= end.dev.index() {
                ports.resize(end.dev.index() + 1, None);
            }
            ports[end.dev.index()] = Some((id, side as u8));
        }
        self.links.push(link);
        id
    }

    /// The cable at a device, and which end of it the device is.
    pub fn cable_at(&self, node: NodeId, dev: DevIdx) -> Option<(LinkId, usize)> {
        self.wiring[node.index()].get(dev.index()).copied().flatten().map(|(id, side)| (id, usize::from(side)))
    }

    /// The other end of the cable at a device.
    pub fn peer_of(&self, node: NodeId, dev: DevIdx) -> Option<End> {
        self.cable_at(node, dev).map(|(id, side)| self.links[id.0 as usize].ends[1 - side])
    }

    /// Wants to be woken.
    #[inline]
    pub fn wake_at(&mut self, at: SimTime, wake: Wake) {
        self.seq += 1;
        self.timers.push(at.max(self.now), self.seq, wake);
    }

    /// When the next thing happens.
    pub fn next_at(&mut self) -> Option<SimTime> {
        if !self.expired.is_empty() {
            return Some(self.now);
        }
        match (self.frames.peek(), self.timers.peek()) {
            (Some(f), Some(t)) => Some(f.0.min(t.0)),
            (f, t) => f.or(t).map(|(at, _)| at),
        }
    }

    /// Frames on their way.
    pub fn frames_pending(&self) -> usize {
        self.frames.len()
    }

    /// Frames and timers that are pending.
    pub fn pending_count(&self) -> usize {
        self.pending()
    }

    /// The fingerprint over all events so far.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.finish()
    }

    /// A host.
    pub fn host(&self, node: NodeId) -> Option<&crate::node::Host> {
        self.nodes[node.index()].host()
    }

    /// Lets time pass until `until` inclusive: everything that is due by then happens. Comes back earlier for a limit, when
    /// a driver is asked for, or after `most` events.
    pub fn run_until(&mut self, until: SimTime, most: u64, tracer: &mut Tracer) -> Stop {
        let pause = self.events.saturating_add(most);
        loop {
            if self.events >= self.limits.events {
                return Stop::Limit(LimitReached::Events(self.events));
            }
            if let Some(wake) = self.expired.pop() {
                self.events += 1;
                self.fire(wake, tracer);
            } else {
                const NOTHING: (SimTime, u64) = (SimTime::NEVER, u64::MAX);
                let frame = self.frames.peek().unwrap_or(NOTHING);
                let timer = self.timers.peek().unwrap_or(NOTHING);
                let frame_first = frame.0 < timer.0 || (frame.0 == timer.0 && frame.1 < timer.1);
                let next = if frame_first { frame } else { timer };
                if next.0 > until || next == NOTHING {
                    self.now = self.now.max(until);
                    return Stop::Time;
                }
                self.now = next.0;
                self.events += 1;
                if frame_first {
                    if let Some((_, _, InFlight { frame, node, dev, confirm })) = self.frames.pop() {
                        self.arrive(node, dev, frame, confirm, tracer);
                    }
                } else if let Some((at, _, first)) = self.timers.pop() {
                    let wake = if first.wheel_level().is_some() && self.timers.peek().is_some_and(|next| next.0 == at) {
                        self.expire(at, first)
                    } else {
                        first
                    };
                    self.fire(wake, tracer);
                }
            }
            debug_assert!(
                self.ledger.balanced(),
                "the ledger does not balance after event {}: {:?}",
                self.events,
                self.ledger
            );
            if !self.due.is_empty() || self.processes.ended() {
                return Stop::Attention;
            }
            if let Some(limit) = self.limit_reached() {
                return Stop::Limit(limit);
            }
            if self.events >= pause {
                return Stop::Paused;
            }
        }
    }

    /// Several timers are due, the first of them one of the wheel's: puts them in the order in which the kernel's softirq
    /// finds them, what else is due after them. Returns the first.
    #[cold]
    fn expire(&mut self, at: SimTime, first: Wake) -> Wake {
        let mut wheel = vec![first];
        while self.timers.peek().is_some_and(|next| next.0 == at)
            && let Some((_, _, wake)) = self.timers.pop()
        {
            match wake.wheel_level() {
                Some(_) => wheel.push(wake),
                None => self.expired.push(wake),
            }
        }
        self.expired.reverse();
        // Last is next: the highest level, and on it the one armed last.
        wheel.sort_by_key(|wake| wake.wheel_level());
        self.expired.append(&mut wheel);
        self.expired.pop().unwrap_or(first)
    }

    #[inline]
    fn limit_reached(&self) -> Option<LimitReached> {
        let fine = self.pending() <= self.limits.pending && self.moves <= self.limits.moves;
        if fine { None } else { self.which_limit() }
    }

    #[inline]
    fn pending(&self) -> usize {
        self.frames.len() + self.timers.len() + self.expired.len()
    }

    #[cold]
    fn which_limit(&self) -> Option<LimitReached> {
        if self.pending() > self.limits.pending {
            return Some(LimitReached::Pending(self.limits.pending));
        }
        if self.moves > self.limits.moves {
            let most = |n: &Node| match n {
                Node::Switch(s) => s.counts.moves,
                Node::Host(_) => 0,
            };
            let at = (0..self.nodes.len()).max_by_key(|&i| most(&self.nodes[i])).unwrap_or(0);
            return Some(LimitReached::Storm(NodeId(at as u32)));
        }
        None
    }

    #[inline]
    fn arrive(&mut self, node: NodeId, dev: DevIdx, frame: FrameId, confirm: bool, tracer: &mut Tracer) {
        self.ledger.in_flight -= 1;
        self.ledger.delivered += 1;
        self.fingerprint.word(self.now.0 ^ (u64::from(node.0) << 48));
        self.fingerprint.word(gist(self.flying.get(frame)));
        let World { now, nodes, flying, effects, ids, texts, moves, .. } = self;
        let mut cx = Cx { now: *now, node, frames: flying, out: effects, tracer: &mut *tracer, ids, texts };
        match &mut nodes[node.index()] {
            Node::Switch(switch) => {
                let before = switch.counts.moves;
                switch.receive(dev, frame, confirm, &mut cx);
                *moves += switch.counts.moves - before;
                self.carry_out(node, tracer);
            }
            Node::Host(host) => {
                host.receive(dev, frame, confirm, &mut cx);
                let asks = host.asks();
                self.carry_out(node, tracer);
                if asks {
                    self.attend(node, tracer);
                }
            }
        }
    }

    #[inline(never)]
    fn fire(&mut self, wake: Wake, tracer: &mut Tracer) {
        match wake {
            Wake::Node(node, TimerKey::Process { pid }) => {
                self.fingerprint.word(self.now.0 ^ u64::from(pid));
                self.run_process(node, pid, tracer);
            }
            Wake::Node(node, TimerKey::Cells { dev }) => self.poll(node, dev, false, tracer),
            Wake::Node(node, key) => {
                self.fingerprint.word(self.now.0 ^ (u64::from(node.0) << 40) ^ 1);
                self.handle(node, Input::Timer(key), tracer);
            }
            Wake::Arrival(n) => self.arrival(n, tracer),
            Wake::Again { workload, user } => self.again(workload, user, tracer),
            Wake::Step(n) => self.due.push(n),
        }
    }

    /// Lets something happen to a box and carries out what it does; programs that waited for it go on.
    pub fn handle(&mut self, node: NodeId, input: Input, tracer: &mut Tracer) {
        let asks = self.with_node(node, tracer, |n, cx| {
            n.handle(input, cx);
            n.host().is_some_and(Host::asks)
        });
        if asks {
            self.attend(node, tracer);
        }
    }

    /// Collects what a host has to say, and lets programs go on that waited for it.
    #[inline(never)]
    fn attend(&mut self, node: NodeId, tracer: &mut Tracer) {
        // What one program does may be what another waits for: a capture sees what is sent.
        for _ in 0..ROUNDS {
            let (woken, finished) = match &mut self.nodes[node.index()] {
                Node::Host(h) => {
                    (std::mem::take(&mut h.wake_programs), !h.finished.is_empty() || !h.reached.is_empty())
                }
                Node::Switch(_) => return,
            };
            if finished {
                self.collect(node);
            }
            if !woken {
                return;
            }
            for pid in self.processes.waiting_on(node) {
                self.resume(node, pid, tracer);
            }
        }
    }

    /// Lets a shell on a host go on as far as it can now, and then those that waited for what it did.
    pub fn run_process(&mut self, node: NodeId, pid: u32, tracer: &mut Tracer) {
        self.resume(node, pid, tracer);
        self.attend(node, tracer);
    }

    fn resume(&mut self, node: NodeId, pid: u32, tracer: &mut Tracer) {
        let mut processes = std::mem::take(&mut self.processes);
        let resume = self.with_node(node, tracer, |n, cx| n.host_mut().map(|host| processes.resume(pid, host, cx)));
        self.processes = processes;
        if let Some(at) = resume.and_then(|r| r.at) {
            self.wake_at(at, Wake::Node(node, TimerKey::Process { pid }));
        }
    }

    /// Acts on a box as somebody at its keyboard, then carries out the effects.
    pub fn with_node<R>(
        &mut self,
        node: NodeId,
        tracer: &mut Tracer,
        act: impl FnOnce(&mut Node, &mut Cx<'_>) -> R,
    ) -> R {
        let World { now, nodes, flying, effects, ids, texts, .. } = self;
        let mut cx = Cx { now: *now, node, frames: flying, out: effects, tracer: &mut *tracer, ids, texts };
        let result = act(&mut nodes[node.index()], &mut cx);
        self.carry_out(node, tracer);
        result
    }

    /// Carries out a box's effects, in order. None of them brings forth another.
    #[inline(always)]
    fn carry_out(&mut self, node: NodeId, tracer: &mut Tracer) {
        if !self.effects.is_empty() {
            self.carry_out_all(node, tracer);
        }
    }

    fn carry_out_all(&mut self, node: NodeId, tracer: &mut Tracer) {
        let mut poll = None;
        let mut next = 0;
        while let Some(&effect) = self.effects.get(next) {
            next += 1;
            match effect {
                Effect::Poll { dev } => poll = Some(dev),
                Effect::Send { dev, frame, confirm } => self.transmit(node, dev, frame, confirm, tracer),
                Effect::Arm { key, at } => self.wake_at(at, Wake::Node(node, key)),
                Effect::Carrier { dev, up } => self.switched.push((node, dev, up)),
            }
        }
        self.effects.clear();
        if !self.switched.is_empty() {
            self.tell_other_ends(tracer);
        }
        if let Some(dev) = poll {
            self.poll(node, dev, true, tracer);
        }
    }

    /// What came out of tunnels waits while the frames that follow one another by the device still arrive.
    #[inline(never)]
    fn poll(&mut self, node: NodeId, dev: DevIdx, arrived: bool, tracer: &mut Tracer) {
        let cable = self.cable_at(node, dev).map(|(id, side)| (&self.links[id.0 as usize], 1 - side));
        let until = cable.and_then(|(link, side)| link.burst_until(side, self.now));
        let key = TimerKey::Cells { dev };
        match until {
            Some(until) if arrived || until > self.now => self.wake_at(until, Wake::Node(node, key)),
            _ => {
                self.fingerprint.word(self.now.0 ^ (u64::from(node.0) << 40) ^ 2);
                self.handle(node, Input::Timer(key), tracer);
            }
        }
    }

    /// Devices were taken up or down: whoever is at the other end of the cable loses or gets the carrier.
    #[cold]
    fn tell_other_ends(&mut self, tracer: &mut Tracer) {
        for (node, dev, up) in std::mem::take(&mut self.switched) {
            let Some((id, side)) = self.wiring[node.index()].get(dev.index()).copied().flatten() else { continue };
            let link = &self.links[id.0 as usize];
            if link.is_up() {
                let End { node, dev } = link.ends[1 - usize::from(side)];
                self.handle(node, Input::Carrier { dev, up }, tracer);
            }
        }
    }

    #[inline(always)]
    fn transmit(&mut self, node: NodeId, dev: DevIdx, frame: FrameId, confirm: bool, tracer: &mut Tracer) {
        self.ledger.sent += 1;
        let Some((id, side)) = self.wiring[node.index()].get(dev.index()).copied().flatten() else {
            return self.lose(node, dev, frame, DropReason::NoCarrier, tracer);
        };
        let side = usize::from(side);
        let link = &mut self.links[id.0 as usize];
        match link.transmit(side, self.flying.get(frame).len(), self.now) {
            Ok(at) => {
                let End { node, dev } = link.ends[1 - side];
                self.ledger.in_flight += 1;
                self.seq += 1;
                self.frames.push(at, self.seq, InFlight { frame, node, dev, confirm });
            }
            Err(reason) => self.lose(node, dev, frame, reason, tracer),
        }
    }

    #[cold]
    fn lose(&mut self, node: NodeId, dev: DevIdx, frame: FrameId, reason: DropReason, tracer: &mut Tracer) {
        let code = reason.rule().code;
        *self.ledger.lost.entry(code).or_default() += 1;
        let drops = match &mut self.nodes[node.index()] {
            Node::Host(h) => &mut h.drops,
            Node::Switch(s) => &mut s.drops,
        };
        *drops.entry(code).or_default() += 1;
        let frame = Box::new(self.flying.take(frame));
        tracer.emit(TraceMask::DROPS, self.now, node, || TraceEvent::Dropped { dev: Some(dev), frame, reason });
    }

    /// Takes the carrier away from an end of a cable, or gives it back; the boxes notice.
    pub fn set_carrier(&mut self, id: LinkId, up: bool, tracer: &mut Tracer) {
        let link = &mut self.links[id.0 as usize];
        if link.is_up() == up {
            return;
        }
        link.set_up(up);
        let ends = link.ends;
        for (n, End { node, dev }) in ends.into_iter().enumerate() {
            let End { node: peer, dev: far } = ends[1 - n];
            let peer_up = self.nodes[peer.index()].host().is_none_or(|h| h.net.devs[far.index()].up);
            self.handle(node, Input::Carrier { dev, up: up && peer_up }, tracer);
        }
    }
}

/// A word that tells frames apart, for the fingerprint.
#[inline]
fn gist(frame: &Frame) -> u64 {
    let tail = |m: [u8; 6]| u64::from(u32::from_be_bytes([m[2], m[3], m[4], m[5]]));
    let ends = tail(frame.src.0) ^ (tail(frame.dst.0) << 20);
    match &frame.l3 {
        L3::Arp(a) => ends ^ (u64::from(u32::from(a.spa)) << 32 | u64::from(u32::from(a.tpa))) ^ a.op as u64,
        L3::Ip(p) => {
            let addrs = u64::from(u32::from(p.saddr)) << 32 | u64::from(u32::from(p.daddr));
            let l4 = match &p.l4 {
                L4::Tcp(t) => {
                    u64::from(t.seq) << 32 ^ u64::from(t.ack) << 8 ^ u64::from(t.sport) << 16 ^ u64::from(t.flags.0)
                }
                L4::Udp(u) => u64::from(u.sport) << 16 | u64::from(u.dport),
                L4::Icmp(i) => u64::from(i.kind()),
                L4::Ipip(inner) => u64::from(u32::from(inner.daddr)),
                L4::Fragment(_) => u64::from(p.frag),
            };
            ends ^ addrs.rotate_left(13) ^ l4.rotate_left(29) ^ u64::from(p.ttl) ^ u64::from(p.len()) << 40
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_one_jiffy_fire_widest_slot_first_newest_first_and_before_everything_else() {
        let mut world = World::new(Vec::new());
        let tcp = |slot, level| Wake::Node(NodeId(0), TimerKey::Tcp { slot, generation: 0, level });
        for wake in [tcp(1, 1), tcp(2, 0), Wake::Arrival(7), tcp(3, 1), tcp(4, 2), Wake::Step(8), tcp(5, 0)] {
            world.wake_at(SimTime(4_000_000), wake);
        }
        world.wake_at(SimTime(8_000_000), tcp(6, 2));
        let (at, _, first) = world.timers.pop().expect("just pushed");
        let mut order = vec![world.expire(at, first)];
        order.extend(std::iter::from_fn(|| world.expired.pop()));
        let number = |wake: &Wake| match *wake {
            Wake::Node(_, TimerKey::Tcp { slot, .. }) => slot,
            Wake::Arrival(n) | Wake::Step(n) => n,
            Wake::Node(..) | Wake::Again { .. } => 0,
        };
        assert_eq!(order.iter().map(number).collect::<Vec<_>>(), [4, 3, 1, 5, 2, 7, 8]);
        assert_eq!(world.timers.len(), 1);
    }
}
