//! One connection's state, in 128 bytes (include/linux/tcp.h, include/net/inet_connection_sock.h).
//!
//! What a healthy connection needs is inline. What only loss, reordering or several messages in flight need is behind
//! [`Sock::extra`]. Moments are microseconds since set-up began, modulo 2^32 (71 minutes): only their distance counts.

use super::{Quad, SockId, TcpConf, TcpOut};
use crate::base::{SimTime, Span};
use crate::net::sock::{Errno, SockEvent};
use crate::trace::{Mib, Snmp};
use crate::wire::Body;

/// States by their numbers in include/net/tcp_states.h; 0 is a free place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum State {
    #[default]
    Free,
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    CloseWait,
    LastAck,
    Closing,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            State::Free => "CLOSE",
            State::Established => "ESTABLISHED",
            State::SynSent => "SYN_SENT",
            State::SynRecv => "SYN_RECV",
            State::FinWait1 => "FIN_WAIT1",
            State::FinWait2 => "FIN_WAIT2",
            State::TimeWait => "TIME_WAIT",
            State::CloseWait => "CLOSE_WAIT",
            State::LastAck => "LAST_ACK",
            State::Closing => "CLOSING",
        }
    }

    /// Whether the peer's FIN was received.
    pub(super) fn peer_closed(self) -> bool {
        matches!(self, State::CloseWait | State::LastAck | State::Closing | State::TimeWait)
    }
}

/// What the socket's one timer is for (`icsk_pending`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pending {
    #[default]
    None,
    /// Retransmission timeout; of the SYN+ACK in SYN_RECV.
    Rto,
    /// Tail loss probe.
    Probe,
    /// RACK's reordering window.
    Reorder,
    /// The end of TIME_WAIT or FIN_WAIT2.
    Life,
}

/// How the sender recovers (`icsk_ca_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Recovering {
    #[default]
    No,
    /// Fast retransmit: one hole an acknowledgement.
    Fast,
    /// After a timeout or a smaller MTU: everything up to `high_seq` is sent again.
    Loss,
}

/// A message of the application between `start` and `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Msg {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) body: Body,
}

/// Bytes received out of order: pieces of one message joined, never across the end of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) body: Body,
    /// The piece ends its message.
    pub(super) last: bool,
    /// A FIN follows.
    pub(super) fin: bool,
}

/// What a connection without trouble does not have.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) ooo: Vec<Piece>,
    /// Messages before the newest that are not wholly acknowledged, oldest first.
    pub(super) old: Vec<Msg>,
    pub(super) recovering: Recovering,
    /// Where recovery ends.
    pub(super) high_seq: u32,
    /// What is to be sent again next, in [`Recovering::Loss`].
    pub(super) rtx_next: u32,
    /// Where that ends: `high_seq`, or less after a smaller MTU.
    pub(super) rtx_end: u32,
    /// When the first retransmission of a series was sent.
    pub(super) retrans_stamp: u32,
    /// The last ICMP error, for when retransmissions end in vain (`sk_err_soft`).
    pub(super) soft_err: Option<Errno>,
    /// When a segment that made no sense was answered last.
    pub(super) last_oow: Option<u32>,
}

impl Extra {
    pub(super) fn idle(&self) -> bool {
        self.ooo.is_empty()
            && self.old.is_empty()
            && self.recovering == Recovering::No
            && self.soft_err.is_none()
            && self.last_oow.is_none()
    }
}

/// Bits of [`Sock::flags`].
pub(super) mod flag {
    /// No application any more (`SOCK_DEAD`).
    pub const ORPHAN: u16 = 1;
    /// An acknowledgement is owed (`ICSK_ACK_SCHED`).
    pub const ACK_SCHED: u16 = 2;
    /// The delayed acknowledgement's timer runs (`ICSK_ACK_TIMER`).
    pub const ACK_TIMER: u16 = 4;
    /// A small segment came (`ICSK_ACK_PUSHED`).
    pub const ACK_PUSHED: u16 = 8;
    /// And another (`ICSK_ACK_PUSHED2`).
    pub const ACK_PUSHED2: u16 = 16;
    /// At once (`ICSK_ACK_NOW`).
    pub const ACK_NOW: u16 = 32;
    /// Interactive: acknowledgements wait for answers to ride on.
    pub const PINGPONG: u16 = 64;
    /// The next segment tells the neighbour table of progress (`sk_dst_pending_confirm`).
    pub const CONFIRM: u16 = 128;
    /// A FIN stands after the data to send.
    pub const FIN: u16 = 256;
    /// The host was asked to call at `armed`.
    pub const ARMED: u16 = 512;
    /// The congestion window held something back.
    pub const CWND_LIMITED: u16 = 1024;
    /// Timestamps are on.
    pub const TS: u16 = 2048;
    /// Counts against its listener's backlog.
    pub const QUEUED: u16 = 4096;
    /// A message is being received.
    pub const RECEIVING: u16 = 8192;
    /// A tail loss probe is out (`tlp_high_seq`).
    pub const TLP: u16 = 16384;
    /// The next segment is predicted to be like the last (`pred_flags`).
    pub const PREDICT: u16 = 32768;

    /// Everything that an acknowledgement settles.
    pub const ACK_ALL: u16 = ACK_SCHED | ACK_TIMER | ACK_PUSHED | ACK_PUSHED2 | ACK_NOW;
}

/// A connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Sock {
    pub(super) quad: Quad,
    pub(super) user: u32,
    pub(super) snd_una: u32,
    pub(super) snd_nxt: u32,
    /// End of the data to send; the FIN, if any, comes after.
    pub(super) write_seq: u32,
    pub(super) snd_wnd: u32,
    /// The end of the segment whose round trip is being measured.
    pub(super) timed: u32,
    /// Where the newest buffer (`skb`) sent begins.
    pub(super) last_skb: u32,
    pub(super) rcv_nxt: u32,
    /// `rcv_nxt` when the last acknowledgement was sent.
    pub(super) rcv_wup: u32,
    /// When [`Pending`] is due.
    pub(super) timeout: u32,
    /// When the delayed acknowledgement is due.
    pub(super) delack: u32,
    /// When the host was asked to call.
    pub(super) armed: u32,
    /// The newest message to send.
    pub(super) msg_start: u32,
    pub(super) msg_body: Body,
    /// The message being received.
    pub(super) rcv_start: u32,
    pub(super) rcv_body: Body,
    /// Smoothed round-trip time in eighths of a microsecond; 0 before the first sample.
    pub(super) srtt: u32,
    /// Its deviation, times four, in microseconds.
    pub(super) mdev: u32,
    /// When that segment was sent last.
    pub(super) sent_at: u32,
    /// When data came last (`lrcvtime`).
    pub(super) rcv_at: u32,
    pub(super) extra: Option<Box<Extra>>,
    pub(super) cwnd: u16,
    pub(super) ssthresh: u16,
    pub(super) cwnd_cnt: u16,
    /// Most segments in flight since the window was empty.
    pub(super) max_out: u16,
    /// Payload of a full segment to send.
    pub(super) mss: u16,
    /// Payload of the peer's full segments, as estimated.
    pub(super) rcv_mss: u16,
    /// Receive window in units of 128 bytes (window scale 7).
    pub(super) rcv_wnd: u16,
    pub(super) generation: u16,
    pub(super) listener: u16,
    pub(super) flags: u16,
    /// Delayed acknowledgement's wait in milliseconds; 0 before the first data.
    pub(super) ato: u8,
    /// Acknowledgements left to be sent at once.
    pub(super) quick: u8,
    pub(super) state: State,
    pub(super) pending: Pending,
    pub(super) retransmits: u8,
    pub(super) backoff: u8,
    pub(super) dupacks: u8,
    /// A segment smaller than the MSS is in flight (Nagle).
    pub(super) small_out: bool,
}

/// What every operation on a socket is given: time, settings, and where to say what it does.
pub(super) struct Cx<'a> {
    pub(super) now: SimTime,
    /// `now` in microseconds, modulo 2^32.
    pub(super) us: u32,
    pub(super) conf: &'a TcpConf,
    pub(super) snmp: &'a mut Snmp,
    pub(super) slot: u32,
    pub(super) out: &'a mut Vec<TcpOut>,
}

/// Whether sequence number (or moment) `a` is before `b`, modulo 2^32.
#[inline]
pub(super) fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// Whether `a` is after `b`, modulo 2^32.
#[inline]
pub(super) fn after(a: u32, b: u32) -> bool {
    before(b, a)
}

/// Microseconds modulo 2^32.
#[inline]
pub(super) fn micros(t: SimTime) -> u32 {
    (t.0 / 1_000) as u32
}

impl Sock {
    #[inline]
    pub(super) fn has(&self, bit: u16) -> bool {
        self.flags & bit != 0
    }

    #[inline]
    pub(super) fn set(&mut self, bit: u16) {
        self.flags |= bit;
    }

    #[inline]
    pub(super) fn unset(&mut self, bit: u16) {
        self.flags &= !bit;
    }

    /// The sequence number after everything that is to be sent, FIN included.
    #[inline]
    pub(super) fn snd_end(&self) -> u32 {
        self.write_seq.wrapping_add(u32::from(self.has(flag::FIN)))
    }

    /// Bytes (and SYN, FIN) sent and not acknowledged.
    #[inline]
    pub(super) fn flight(&self) -> u32 {
        self.snd_nxt.wrapping_sub(self.snd_una)
    }

    pub(super) fn id(&self, slot: u32) -> SockId {
        SockId { slot, generation: self.generation }
    }

    pub(super) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn recovering(&self) -> Recovering {
        self.extra.as_ref().map_or(Recovering::No, |e| e.recovering)
    }

    /// Gives the room for troubles back when there are none.
    pub(super) fn tidy(&mut self) {
        if self.extra.as_ref().is_some_and(|e| e.idle()) {
            self.extra = None;
        }
    }

    /// Tells the application, if there is one.
    pub(super) fn event(&self, cx: &mut Cx<'_>, what: SockEvent) {
        if !self.has(flag::ORPHAN) {
            cx.out.push(TcpOut::Event { sock: self.id(cx.slot), user: self.user, what });
        }
    }

    /// The end: tells the application and frees the place (`tcp_done`).
    pub(super) fn done(&mut self, cx: &mut Cx<'_>, what: SockEvent) {
        match self.state {
            State::Established | State::CloseWait => cx.snmp.count(Mib::TcpEstabResets),
            State::SynSent => cx.snmp.count(Mib::TcpAttemptFails),
            // A request is no socket yet; one of crossed SYNs is.
            State::SynRecv if self.listener == super::NOBODY => cx.snmp.count(Mib::TcpAttemptFails),
            _ => {}
        }
        self.event(cx, what);
        self.set(flag::ORPHAN);
        self.state = State::Free;
    }

    /// Sets what the socket waits for, `wait_us` from now.
    pub(super) fn wait(&mut self, cx: &mut Cx<'_>, what: Pending, wait_us: u32) {
        self.pending = what;
        self.timeout = cx.us.wrapping_add(wait_us);
        self.arm(cx, self.timeout);
    }

    /// Asks the host to call by `deadline`. A call that is already asked for before it does as well: it finds out then.
    #[inline]
    pub(super) fn arm(&mut self, cx: &mut Cx<'_>, deadline: u32) {
        if self.has(flag::ARMED) && !before(deadline, self.armed) {
            return;
        }
        self.set(flag::ARMED);
        self.armed = deadline;
        let wait = deadline.wrapping_sub(cx.us);
        let wait = if (wait as i32) < 0 { 0 } else { wait };
        cx.out.push(TcpOut::Arm { sock: self.id(cx.slot), at: cx.now + Span::from_micros(u64::from(wait)) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_fits_into_two_cache_lines() {
        assert_eq!(size_of::<Sock>(), 128);
    }

    #[test]
    fn sequence_numbers_compare_across_the_wrap() {
        assert!(before(u32::MAX - 5, 3));
        assert!(after(3, u32::MAX - 5));
        assert!(!before(7, 7));
    }
}
