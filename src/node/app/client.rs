//! Clients: connect, ask, wait, think, ask again, hold, close first.
//!
//! A client reads and writes like a plain program with a blocking socket: what happens to the connection while it sleeps
//! (thinks, holds) it learns when it wakes. Its outcome is known with the last response; holding comes after.

use super::{AppCx, AppOut, ConnSpec, Finished, Milestone, Outcome, Owner, Reached};
use crate::base::{Chunks, ShortId, SimTime, Span};
use crate::net::sock::tcp::Route;
use crate::net::sock::{Errno, SockEvent, SockId, UdpId};
use crate::wire::{Body, Datagram, Proto, Said};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What a client's connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Free,
    Connecting,
    Waiting,
    Thinking(Meanwhile),
    Holding,
}

/// What has become of a connection while its client thinks: it finds out when it wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Fine,
    /// The peer sends no more.
    Eof,
    /// It is over.
    Over(Errno),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sock {
    Tcp(SockId),
    Udp(UdpId),
}

/// The same in eight bytes: what an id leaves free, an enum around it cannot use.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Tcp { slot: u32, generation: u16 },
    Udp { slot: u32, generation: u16 },
}

impl From<Sock> for Kept {
    #[inline]
    fn from(sock: Sock) -> Kept {
        match sock {
            Sock::Tcp(SockId { slot, generation }) => Kept::Tcp { slot, generation },
            Sock::Udp(UdpId { slot, generation }) => Kept::Udp { slot, generation },
        }
    }
}

/// A live connection, in 40 bytes: of a million of them every eight bytes are eight megabytes.
#[derive(Clone, Debug)]
struct Conn {
    /// When the client does what its phase says; or gives up.
    deadline: SimTime,
    /// When the host was asked to call.
    armed: SimTime,
    kept: Kept,
    index: u32,
    workload: u32,
    asked: u32,
    /// Who answered.
    server: ShortId,
    /// How often the place was used before (modulo 2^8). A call for an earlier connection of the place comes before `armed`,
    /// or with the one that is due anyway: this only keeps the two apart.
    generation: u8,
    phase: Phase,
}

impl Conn {
    #[inline]
    fn sock(&self) -> Sock {
        match self.kept {
            Kept::Tcp { slot, generation } => Sock::Tcp(SockId { slot, generation }),
            Kept::Udp { slot, generation } => Sock::Udp(UdpId { slot, generation }),
        }
    }
}

/// Which connection of the traffic to open, and how.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The traffic entry.
    pub workload: u32,
    /// Which of its connections.
    pub index: u64,
    /// What the connection draws goes by this number: it is its own, whatever happened before.
    pub key: u64,
    /// TCP or UDP.
    pub proto: Proto,
    /// Own address and port.
    pub local: (Ipv4Addr, u16),
    /// Where to.
    pub remote: (Ipv4Addr, u16),
    /// The way there.
    pub route: Route,
}

/// The connections that clients of a host have open.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    conns: Chunks<Conn>,
    /// What each connection draws goes by this; none as long as that is its index with all of them.
    keys: Vec<u64>,
    free: Vec<u32>,
    specs: Vec<Option<Arc<ConnSpec>>>,
    live: usize,
    /// Somebody wants to know how far each connection got.
    watched: bool,
}

impl Clients {
    /// From now on, every milestone of a connection is told ([`AppOut::Reached`]).
    pub fn tell_milestones(&mut self) {
        self.watched = true;
    }

    /// Opens a connection. What the stack refuses is finished at once.
    pub fn open(&mut self, how: &Opening, spec: &Arc<ConnSpec>, cx: &mut AppCx<'_>) {
        let place = how.workload as usize;
        if self.specs.len() <= place {
            self.specs.resize(place + 1, None);
        }
        self.specs[place] = Some(spec.clone());
        let slot = self.free.pop().unwrap_or(self.conns.len() as u32);
        let user = Owner::Client(slot).user();
        let sock = match how.proto {
            Proto::Udp => cx.udp.connect(how.local, how.remote, user).map(Sock::Udp),
            _ => cx.tcp.connect(cx.now, how.local, how.remote, how.route, user, cx.tcp_out).map(Sock::Tcp),
        };
        let sock = match sock {
            Ok(sock) => sock,
            Err(errno) => {
                if (slot as usize) < self.conns.len() {
                    self.free.push(slot);
                }
                let over = Finished::at_once(how.workload, how.index, errno);
                cx.out.push(AppOut::Finished(over));
                return;
            }
        };
        let generation = self.conns.get(slot as usize).map_or(0, |c| c.generation);
        let conn = Conn {
            deadline: cx.now + spec.timeout,
            armed: SimTime::NEVER,
            index: how.index.min(u64::from(u32::MAX)) as u32,
            kept: sock.into(),
            workload: how.workload,
            asked: 0,
            server: ShortId::NOBODY,
            generation,
            phase: Phase::Connecting,
        };
        if slot as usize == self.conns.len() {
            self.conns.push(conn);
        } else {
            self.conns[slot as usize] = conn;
        }
        self.note_key(slot, how.key);
        self.live += 1;
        self.arm(slot, cx);
        if let Sock::Udp(_) = sock {
            self.ask(slot, cx);
        }
    }

    /// How many connections are open, holding ones included.
    pub fn len(&self) -> usize {
        self.live
    }

    /// How many of them have no outcome yet.
    pub fn unanswered(&self) -> usize {
        let open = |c: &&Conn| matches!(c.phase, Phase::Connecting | Phase::Waiting | Phase::Thinking(_));
        self.conns.iter().filter(open).count()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// An event of a TCP socket of the connection at `slot` ([`Owner::Client`]).
    pub fn tcp_event(&mut self, slot: u32, sock: SockId, what: SockEvent, cx: &mut AppCx<'_>) {
        let Some(conn) = self.conns.get_mut(slot as usize) else {
            return;
        };
        if conn.phase == Phase::Free || conn.sock() != Sock::Tcp(sock) {
            return;
        }
        match what {
            SockEvent::Connected => {
                self.reached(slot, Milestone::Connected, cx);
                self.ask(slot, cx);
            }
            SockEvent::Begins if conn.asked == 1 => self.reached(slot, Milestone::FirstByte, cx),
            SockEvent::Message { body, .. } => self.answered(slot, body, cx),
            SockEvent::PeerClosed => {
                if conn.phase == Phase::Waiting {
                    self.finish(slot, Outcome::Reset, None, cx);
                    self.close(slot, cx);
                } else if conn.phase == Phase::Thinking(Meanwhile::Fine) {
                    conn.phase = Phase::Thinking(Meanwhile::Eof);
                }
            }
            SockEvent::Refused => self.broken(slot, Outcome::Refused, Errno::ConnRefused, cx),
            SockEvent::Reset => self.broken(slot, Outcome::Reset, Errno::ConnReset, cx),
            SockEvent::Unreachable(errno) => self.broken(slot, Outcome::Unreachable, errno, cx),
            SockEvent::TimedOut(errno) => self.broken(slot, Outcome::of(errno), errno, cx),
            SockEvent::Begins | SockEvent::Closed | SockEvent::Accepted { .. } => {}
        }
    }

    /// A datagram for the connection at `slot`.
    pub fn datagram(&mut self, slot: u32, sock: UdpId, datagram: &Datagram, cx: &mut AppCx<'_>) {
        if self.owns(slot, sock) {
            self.answered(slot, datagram.body, cx);
        }
    }

    /// An error for the UDP connection at `slot`: from the network, or from the host as it sent (EMSGSIZE, ENETUNREACH).
    pub fn udp_error(&mut self, slot: u32, sock: UdpId, errno: Errno, cx: &mut AppCx<'_>) {
        if self.owns(slot, sock) {
            self.broken(slot, Outcome::Unreachable, errno, cx);
        }
    }

    /// The UDP socket of the connection at `slot`, if it is one.
    pub fn udp_sock(&self, slot: u32) -> Option<UdpId> {
        match self.conns.get(slot as usize)?.sock() {
            Sock::Udp(id) => Some(id),
            Sock::Tcp(_) => None,
        }
    }

    fn owns(&self, slot: u32, sock: UdpId) -> bool {
        let conn = self.conns.get(slot as usize);
        conn.is_some_and(|c| c.phase != Phase::Free && c.sock() == Sock::Udp(sock))
    }

    /// The host calls as [`AppOut::ClientTimer`] asked.
    pub fn timer(&mut self, slot: u32, generation: u8, cx: &mut AppCx<'_>) {
        let Some(conn) = self.conns.get_mut(slot as usize) else {
            return;
        };
        if conn.phase == Phase::Free || conn.generation != generation || cx.now < conn.armed {
            return;
        }
        conn.armed = SimTime::NEVER;
        if cx.now < conn.deadline {
            self.arm(slot, cx);
            return;
        }
        match conn.phase {
            Phase::Free => {}
            Phase::Connecting | Phase::Waiting => {
                self.finish(slot, Outcome::Timeout, None, cx);
                self.close(slot, cx);
            }
            Phase::Thinking(Meanwhile::Fine) => self.ask(slot, cx),
            Phase::Thinking(Meanwhile::Eof) => {
                self.ask(slot, cx);
                self.finish(slot, Outcome::Reset, None, cx);
                self.close(slot, cx);
            }
            Phase::Thinking(Meanwhile::Over(errno)) => {
                self.finish(slot, Outcome::of(errno), Some(errno), cx);
                self.close(slot, cx);
            }
            Phase::Holding => self.close(slot, cx),
        }
    }

    /// Keys are kept apart from the first on that is not its connection's index: a million connections of an open workload
    /// have none.
    fn note_key(&mut self, slot: u32, key: u64) {
        let place = slot as usize;
        if self.keys.is_empty() {
            if key == u64::from(self.conns[place].index) {
                return;
            }
            self.keys.extend(self.conns.iter().map(|c| u64::from(c.index)));
        }
        if place >= self.keys.len() {
            self.keys.resize(place + 1, 0);
        }
        self.keys[place] = key;
    }

    fn spec(&self, workload: u32) -> Option<&ConnSpec> {
        self.specs.get(workload as usize)?.as_deref()
    }

    fn reached(&self, slot: u32, what: Milestone, cx: &mut AppCx<'_>) {
        if !self.watched {
            return;
        }
        let conn = &self.conns[slot as usize];
        cx.out.push(AppOut::Reached(Reached { workload: conn.workload, index: u64::from(conn.index), what }));
    }

    /// Sends a request.
    fn ask(&mut self, slot: u32, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        let Some(Some(spec)) = self.specs.get(conn.workload as usize) else {
            return;
        };
        let key = self.keys.get(slot as usize).map_or(u64::from(conn.index), |&key| key);
        let drawn = spec.drawn(key, conn.asked);
        conn.phase = Phase::Waiting;
        conn.asked += 1;
        if conn.asked > 1 {
            conn.deadline = cx.now + spec.timeout;
        }
        let body = Body::ask(drawn.response);
        match conn.sock() {
            Sock::Tcp(id) => {
                // A connection that is gone tells so by its own event.
                let _gone = cx.tcp.send(cx.now, id, drawn.request, body, cx.tcp_out);
            }
            Sock::Udp(id) => {
                if let Some((from, to)) = cx.udp.peers(id) {
                    let len = drawn.request.min(65_507) as u16;
                    cx.out.push(AppOut::Datagram { from, to, len, body });
                }
            }
        }
        self.arm(slot, cx);
    }

    /// A response came.
    fn answered(&mut self, slot: u32, body: Body, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        if conn.phase != Phase::Waiting {
            return;
        }
        if let Said::Answer(node) = body.said() {
            conn.server = ShortId::of(node);
        }
        let (asked, workload) = (conn.asked, conn.workload);
        let key = self.keys.get(slot as usize).map_or(u64::from(conn.index), |&key| key);
        let Some(spec) = self.spec(workload) else {
            return;
        };
        let (more, hold) = (asked < spec.requests, spec.hold);
        let think = if more { spec.drawn(key, asked).think } else { Span::ZERO };
        if asked == 1 {
            self.reached(slot, Milestone::FirstByte, cx);
        }
        if more {
            self.sleep(slot, Phase::Thinking(Meanwhile::Fine), cx.now + think, cx);
            return;
        }
        self.finish(slot, Outcome::Ok, None, cx);
        self.sleep(slot, Phase::Holding, cx.now + hold, cx);
    }

    /// Sleeps until `until`; not at all if that is now.
    fn sleep(&mut self, slot: u32, phase: Phase, until: SimTime, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        conn.phase = phase;
        conn.deadline = until;
        if until > cx.now {
            self.arm(slot, cx);
        } else if matches!(phase, Phase::Thinking(_)) {
            self.ask(slot, cx);
        } else {
            self.close(slot, cx);
        }
    }

    /// The connection is over by no wish of the client's.
    fn broken(&mut self, slot: u32, outcome: Outcome, errno: Errno, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        match conn.phase {
            Phase::Connecting | Phase::Waiting => {
                self.finish(slot, outcome, Some(errno), cx);
                self.close(slot, cx);
            }
            Phase::Thinking(_) => conn.phase = Phase::Thinking(Meanwhile::Over(errno)),
            Phase::Holding | Phase::Free => {}
        }
    }

    fn finish(&self, slot: u32, outcome: Outcome, errno: Option<Errno>, cx: &mut AppCx<'_>) {
        let conn = &self.conns[slot as usize];
        cx.out.push(AppOut::Finished(Finished {
            workload: conn.workload,
            index: u64::from(conn.index),
            outcome,
            server: conn.server.node(),
            errno,
        }));
    }

    /// Closes the socket and gives the place back.
    fn close(&mut self, slot: u32, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        if conn.phase == Phase::Free {
            return;
        }
        match conn.sock() {
            Sock::Tcp(id) => cx.tcp.close(cx.now, id, cx.tcp_out),
            Sock::Udp(id) => cx.udp.close(id),
        }
        conn.phase = Phase::Free;
        conn.generation = conn.generation.wrapping_add(1);
        self.free.push(slot);
        self.live -= 1;
    }

    /// Asks the host to call at the deadline, unless it calls before that anyway.
    fn arm(&mut self, slot: u32, cx: &mut AppCx<'_>) {
        let conn = &mut self.conns[slot as usize];
        if conn.armed <= conn.deadline {
            return;
        }
        conn.armed = conn.deadline;
        cx.out.push(AppOut::ClientTimer { slot, generation: conn.generation, at: conn.deadline });
    }
}

#[cfg(test)]
mod size {
    #[test]
    fn a_live_connection_is_small() {
        assert_eq!(size_of::<super::Conn>(), 40);
    }
}
