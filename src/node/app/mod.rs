//! The workload: clients that ask and servers that answer, as state machines over socket events. They call the stacks and
//! say what they want from the host ([`AppOut`]); they have no clock and no randomness of their own.

pub mod client;
pub mod server;
pub mod service;
#[cfg(test)]
mod tests;

pub use client::Clients;
pub use server::{Servers, http_answer};
pub use service::{Service, ServiceDistribution};

use crate::base::{NodeId, SimTime, Span};
use crate::net::sock::{Errno, SockId, TcpOut, TcpStack, UdpStack};
use crate::wire::Body;
use std::fmt;
use std::net::Ipv4Addr;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnSpec {
    /// Bytes of a request.
    pub request: u32,
    /// Bytes of a response.
    pub response: u32,
    /// How long the client keeps the connection after the last response.
    pub hold: Span,
    /// How long the client waits: for the first response from the start of the connection, for each further one from its
    /// request.
    pub timeout: Span,
    /// Requests on one connection, at least 1.
    pub requests: u32,
    /// How long the client thinks before each further request.
    pub think: Span,
}

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

/// What an application wants from its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppOut {
    /// To be called at this time: [`Clients::timer`].
    ClientTimer {
        /// Place of the connection.
        slot: u32,
        /// How often the place was used before.
        generation: u32,
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
        /// The connection.
        sock: SockId,
        /// The text that was asked.
        text: u32,
    },
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
