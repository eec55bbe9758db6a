//! Sockets: the ends of conversations, without IO (net/ipv4/tcp*.c, net/ipv4/udp.c).
//!
//! A stack is told of packets, calls and time, and says what it does in order ([`TcpOut`]). It owns no clock, no route and
//! no device. The host routes what it sends, and an application acts on its [`SockEvent`]s.

pub mod errno;
pub mod tcp;
pub mod udp;

pub use errno::Errno;
pub use tcp::{ListenOpts, ListenerId, Route, SendError, TcpConf, TcpHost, TcpOut, TcpStack};
pub use udp::{UdpEvent, UdpId, UdpStack};

use crate::base::DevIdx;
use crate::wire::{Body, Proto};
use std::net::Ipv4Addr;

/// A TCP socket of one host. It names one connection: when that is over, the name is void and calls with it do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SockId {
    /// Place in the stack's table.
    pub slot: u32,
    /// How often the place was used before (modulo 2^16).
    pub generation: u16,
}

/// What an application hears of a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockEvent {
    /// `connect` succeeded.
    Connected,
    /// A listener has a new connection. It counts against the backlog until [`TcpStack::accept`].
    Accepted {
        /// Which listener.
        listener: ListenerId,
    },
    /// The first segment of a message that has several was read.
    Begins,
    /// A whole message was read.
    Message {
        /// Its bytes.
        len: u32,
        /// What it says.
        body: Body,
    },
    /// The peer will send no more. The socket still sends until it is closed.
    PeerClosed,
    /// Both sides are done, or the last word of an orphan was said. Nothing follows.
    Closed,
    /// A RST answered the SYN. Nothing follows.
    Refused,
    /// A RST ended the connection. Nothing follows.
    Reset,
    /// An ICMP error ended the attempt to connect. Nothing follows.
    Unreachable(Errno),
    /// Retransmissions were not answered; the error is ETIMEDOUT or that of the last ICMP error. Nothing follows.
    TimedOut(Errno),
}

/// A row of `ss`, `netstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockInfo {
    /// TCP or UDP.
    pub proto: Proto,
    /// Own address and port; 0.0.0.0 for any.
    pub local: (Ipv4Addr, u16),
    /// The peer's; 0.0.0.0 and 0 where there is none.
    pub remote: (Ipv4Addr, u16),
    /// The device that it is bound to, if to one.
    pub dev: Option<DevIdx>,
    /// As the kernel names it: `LISTEN`, `ESTABLISHED`, `TIME_WAIT` …; empty for UDP without a peer.
    pub state: &'static str,
    /// Bytes received and not read; for a listener connections not accepted.
    pub recv_q: u32,
    /// Bytes sent and not acknowledged, or not sent; for a listener the backlog.
    pub send_q: u32,
    /// What it waits for, if for anything.
    pub timer: Option<SockTimer>,
}

/// A socket's timer as `ss -o` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockTimer {
    /// `on` (retransmission) or `timewait`.
    pub what: &'static str,
    /// When it fires, in microseconds of simulated time modulo 2^32.
    pub until: u32,
    /// Retransmissions so far.
    pub retransmits: u8,
}
