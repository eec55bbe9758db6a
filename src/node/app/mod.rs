//! The workload: clients that ask and servers that answer, as state machines over socket events. They call the stacks and
//! say what they want from the host ([`AppOut`]); they have no clock and no randomness of their own.

pub mod client;
pub mod server;
pub mod service;
pub mod share;
#[cfg(test)]
mod tests;

pub use client::Clients;
pub use server::{Served, Servers, Worked, http_answer};
pub use service::{Discipline, Service, Work};

use crate::base::{Dist, Draws, NodeId, SimTime, Span};
use crate::net::sock::{Errno, SockId, TcpOut, TcpStack, UdpStack};
use crate::wire::Body;
use crate::words_are_display;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Who a socket belongs to: what stands in a socket's `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A client's connection, by its place in [`Clients`].
    Client(u32),
    /// A service of [`Servers`], by its place.
    Service(u32),
    /// A request that a server works on, by its place.
    Job(u32),
    /// A program that was typed at the shell, by its number.
    Program(u32),
    /// A thread of the backup synchronisation daemon, by its number.
    Sync(u32),
}

impl Owner {
    const NUMBER: u32 = 0x3fff_ffff;

    /// Among the programs' numbers: those of the synchronisation daemon's threads.
    const SYNC: u32 = 0x2000_0000;

    /// As a socket keeps it. Numbers have 30 bits, those of programs and threads 29.
    pub fn user(self) -> u32 {
        let (kind, n) = match self {
            Owner::Client(n) => (0, n),
            Owner::Service(n) => (1, n),
            Owner::Job(n) => (2, n),
            Owner::Program(n) => (3, n),
            Owner::Sync(n) => (3, n | Self::SYNC),
        };
        kind << 30 | (n & Self::NUMBER)
    }

    /// What a socket keeps, read.
    pub fn of(user: u32) -> Owner {
        let n = user & Self::NUMBER;
        match user >> 30 {
            0 => Owner::Client(n),
            1 => Owner::Service(n),
            2 => Owner::Job(n),
            _ if n & Self::SYNC != 0 => Owner::Sync(n & !Self::SYNC),
            _ => Owner::Program(n),
        }
    }
}

/// What one connection of the traffic does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnSpec {
    /// Bytes of a request.
    pub request: Dist,
    /// Bytes of a response.
    pub response: Dist,
    /// How long the client keeps the connection after the last response.
    pub hold: Span,
    /// How long the client waits: for the first response from the start of the connection, for each further one from its
    /// request.
    pub timeout: Span,
    /// Requests on one connection, at least 1.
    pub requests: u32,
    /// How long the client thinks before each further request.
    pub think: Dist,
    /// Bytes of the responses by key, where a trace says them.
    pub sizes: Option<Arc<[Option<u32>]>>,
    /// What a connection draws, by its [key](client::Opening::key).
    pub draws: Draws,
}

/// What is drawn for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The client thinks before it.
    pub think: Span,
    /// Its bytes, at least 1.
    pub request: u32,
    /// Bytes of the response.
    pub response: u32,
}

impl ConnSpec {
    /// What request number `n` (from 0) of the connection with this key is. Beyond the last request: what the client thinks
    /// before its next connection, if it opens another.
    pub fn drawn(&self, key: u64, n: u32) -> Drawn {
        // An empty request would never arrive as a message.
        let size = |bytes: u64, least: u32| bytes.clamp(u64::from(least), u64::from(MAX_MESSAGE)) as u32;
        let (think, request, response) =
            match (self.think.constant(), self.request.constant(), self.response.constant()) {
                (Some(think), Some(request), Some(response)) => (think, request, response),
                _ => {
                    let mut rng = self.draws.at(key << 20 ^ u64::from(n));
                    (self.think.draw(&mut rng), self.request.draw(&mut rng), self.response.draw(&mut rng))
                }
            };
        let traced = self.sizes.as_ref().and_then(|s| s.get(key as usize).copied().flatten());
        let response = traced.unwrap_or(size(response, 0));
        Drawn { think: Span(think), request: size(request, 1), response }
    }
}

/// The largest message: a gigabyte less one, what a request can ask for.
const MAX_MESSAGE: u32 = 0x3fff_ffff;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was answered.
    Ok,
    /// RST to the SYN.
    Refused,
    /// RST later, or the server closed early.
    Reset,
    /// An ICMP error, or no way there.
    Unreachable,
    /// The client gave up.
    Timeout,
    /// The run ended before.
    Unfinished,
}

impl Outcome {
    /// The word of a record.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Reset => "reset",
            Outcome::Unreachable => "unreachable",
            Outcome::Timeout => "timeout",
            Outcome::Unfinished => "unfinished",
        }
    }

    /// What a socket's error makes of a connection.
    pub fn of(errno: Errno) -> Outcome {
        match errno {
            Errno::ConnReset | Errno::Pipe => Outcome::Reset,
            Errno::TimedOut => Outcome::Timeout,
            _ => Outcome::Unreachable,
        }
    }
}

words_are_display!(Outcome);

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A connection whose outcome is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Of this traffic entry.
    pub workload: u32,
    /// Which of its connections, from 0.
    pub index: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Who answered.
    pub server: Option<NodeId>,
    /// The socket's error, if it is known.
    pub errno: Option<Errno>,
}

impl Finished {
    /// A connection that the host itself refused to open: no route, no address.
    pub fn at_once(workload: u32, index: u64, errno: Errno) -> Finished {
        Finished { workload, index, outcome: Outcome::of(errno), server: None, errno: Some(errno) }
    }
}

/// A connection that got somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Of this traffic entry.
    pub workload: u32,
    /// Which of its connections, from 0.
    pub index: u64,
    /// How far.
    pub what: Milestone,
}

/// How far a connection got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// The handshake is done.
    Connected,
    /// The first byte of the first response is there.
    FirstByte,
}

/// What an application wants from its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppOut {
    /// To be called at this time: [`Clients::timer`].
    ClientTimer {
        /// Place of the connection.
        slot: u32,
        /// How often the place was used before.
        generation: u8,
        /// When.
        at: SimTime,
    },
    /// To be called at this time: [`Servers::timer`].
    ServerTimer {
        /// Place of the piece of work.
        job: u32,
        /// When.
        at: SimTime,
    },
    /// To be called at this time: [`Servers::share_timer`].
    ShareTimer {
        /// Place of the service.
        place: u32,
        /// When.
        at: SimTime,
    },
    /// A datagram is to be sent.
    Datagram {
        /// From this address and port.
        from: (Ipv4Addr, u16),
        /// To this address and port.
        to: (Ipv4Addr, u16),
        /// Payload bytes.
        len: u16,
        /// What it says.
        body: Body,
    },
    /// A text is to be answered on this connection (see [`http_answer`]), and the connection closed then.
    AnswerText {
        /// The place of the service.
        service: u32,
        /// The connection.
        sock: SockId,
        /// The text that was asked.
        text: u32,
    },
    /// A connection got so far.
    Reached(Reached),
    /// A connection's outcome is known.
    Finished(Finished),
}

/// What an application is given with every event.
#[derive(Debug)]
pub struct AppCx<'a> {
    /// Now.
    pub now: SimTime,
    /// The host's TCP.
    pub tcp: &'a mut TcpStack,
    /// What TCP does goes here.
    pub tcp_out: &'a mut Vec<TcpOut>,
    /// The host's UDP.
    pub udp: &'a mut UdpStack,
    /// What the application wants goes here.
    pub out: &'a mut Vec<AppOut>,
}
