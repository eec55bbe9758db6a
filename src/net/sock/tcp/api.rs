//! What the host and the applications see of TCP: settings, questions, effects.

use crate::base::{SimTime, Span};
use crate::net::sock::{SockEvent, SockId};
use crate::wire::TcpSegment;
use std::net::Ipv4Addr;

/// What a host knows about the way to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The MSS to advertise, in bytes: `advmss` of the route, else the device's MTU (or the path's) less 40.
    pub advmss: u16,
    /// The path's MTU in bytes.
    pub mtu: u32,
}

/// What a stack asks its host.
pub trait TcpHost {
    /// The way from a local address to a peer; none if there is no route.
    fn route(&self, saddr: Ipv4Addr, daddr: Ipv4Addr) -> Option<Route>;

    /// Whether a segment of this connection with this sequence number still waits in the host, for ARP.
    fn host_queued(&self, _local: (Ipv4Addr, u16), _remote: (Ipv4Addr, u16), _seq: u32) -> bool {
        false
    }
}

/// The variables of `net.ipv4` that TCP follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpConf {
    /// `tcp_syn_retries`.
    pub syn_retries: u8,
    /// `tcp_synack_retries`.
    pub synack_retries: u8,
    /// `tcp_retries2`.
    pub retries2: u8,
    /// `tcp_fin_timeout`.
    pub fin_timeout: Span,
    /// `tcp_timestamps`.
    pub timestamps: bool,
    /// `net.core.somaxconn`.
    pub somaxconn: u32,
}

impl Default for TcpConf {
    fn default() -> Self {
        TcpConf {
            syn_retries: 6,
            synack_retries: 5,
            retries2: 15,
            fin_timeout: Span::from_secs(60),
            timestamps: true,
            somaxconn: 4096,
        }
    }
}

/// Names a listener; void once it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u16);

/// How to listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenOpts {
    /// An address to listen on; all, if none.
    pub addr: Option<Ipv4Addr>,
    /// Connections that may wait to be accepted, limited by `somaxconn`.
    pub backlog: u32,
}

/// Why a message could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There is no such connection any more, or it was closed for sending: EPIPE.
    Pipe,
    /// More than a gigabyte is waiting already.
    Full,
}

/// What a stack does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOut {
    /// Sends a segment.
    Segment {
        /// Source address.
        saddr: Ipv4Addr,
        /// Destination address.
        daddr: Ipv4Addr,
        /// The segment.
        segment: TcpSegment,
        /// The peer has answered since the last segment: the neighbour it goes to is reachable (`dst_confirm`).
        confirm: bool,
        /// It was sent before.
        retransmission: bool,
    },
    /// Tells an application.
    Event {
        /// Which socket.
        sock: SockId,
        /// What the application called it.
        user: u32,
        /// What happened.
        what: SockEvent,
    },
    /// Wants [`super::TcpStack::timer`] to be called.
    Arm {
        /// For this socket.
        sock: SockId,
        /// At this time.
        at: SimTime,
    },
}
