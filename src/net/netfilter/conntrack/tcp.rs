//! TCP as connection tracking sees it (net/netfilter/nf_conntrack_proto_tcp.c): the states of a connection and what has been
//! sent, as far as timeouts go by it.
//!
//! Left out: windows. No segment is invalid because of its numbers.

use crate::wire::{TcpFlags, TcpSegment};

/// States of a TCP connection (`enum tcp_conntrack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tcp {
    /// No TCP.
    None,
    /// A SYN was seen.
    SynSent,
    /// And its answer.
    SynRecv,
    /// And the answer's acknowledgement.
    Established,
    /// One side has said FIN.
    FinWait,
    /// The other has acknowledged it.
    CloseWait,
    /// The other has said FIN as well.
    LastAck,
    /// All is acknowledged.
    TimeWait,
    /// A reset was seen.
    Close,
    /// SYNs from both sides.
    SynSent2,
}

impl Tcp {
    /// All of them, in the kernel's order.
    pub const ALL: [Tcp; 10] = [
        Tcp::None,
        Tcp::SynSent,
        Tcp::SynRecv,
        Tcp::Established,
        Tcp::FinWait,
        Tcp::CloseWait,
        Tcp::LastAck,
        Tcp::TimeWait,
        Tcp::Close,
        Tcp::SynSent2,
    ];

    /// The name; none where there is no TCP.
    pub fn name(self) -> &'static str {
        match self {
            Tcp::None => "NONE",
            Tcp::SynSent => "SYN_SENT",
            Tcp::SynRecv => "SYN_RECV",
            Tcp::Established => "ESTABLISHED",
            Tcp::FinWait => "FIN_WAIT",
            Tcp::CloseWait => "CLOSE_WAIT",
            Tcp::LastAck => "LAST_ACK",
            Tcp::TimeWait => "TIME_WAIT",
            Tcp::Close => "CLOSE",
            Tcp::SynSent2 => "SYN_SENT2",
        }
    }
}

/// What has been sent by the two sides of a TCP connection, as far as timeouts go by it (`struct ip_ct_tcp`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// The end of what each side has sent; none before it was heard.
    end: [Option<u32>; 2],
    /// Whether some of it is not acknowledged (`IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED`).
    pub(super) unacked: [bool; 2],
    /// The last segment that was no SYN, FIN or reset, and how often it was repeated.
    pub(super) last: Option<(bool, u32, u32, u32, u16)>,
    pub(super) retrans: u8,
}

impl Sent {
    pub(super) fn note(&mut self, t: &TcpSegment, reply: bool) {
        let (mine, other) = (usize::from(reply), usize::from(!reply));
        let end = t.seq.wrapping_add(t.seq_len());
        match self.end[mine] {
            None => self.end[mine] = Some(end),
            Some(before) if (end.wrapping_sub(before) as i32) > 0 => {
                self.end[mine] = Some(end);
                self.unacked[mine] = true;
            }
            Some(_) => {}
        }
        if !t.flags.has(TcpFlags::ACK) || Some(t.ack) == self.end[other] {
            self.unacked[other] = false;
        }
        if matches!(Event::of(t.flags), Event::Ack) {
            let segment = Some((reply, t.seq, t.ack, end, t.window));
            self.retrans = if self.last == segment { self.retrans.saturating_add(1) } else { 0 };
            self.last = segment;
        }
    }
}

/// What a segment does.
#[derive(Clone, Copy)]
pub(super) enum Event {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    Other,
}

impl Event {
    pub(super) fn of(flags: TcpFlags) -> Event {
        match () {
            () if flags.has(TcpFlags::RST) => Event::Rst,
            () if flags.has(TcpFlags::SYN) && flags.has(TcpFlags::ACK) => Event::SynAck,
            () if flags.has(TcpFlags::SYN) => Event::Syn,
            () if flags.has(TcpFlags::FIN) => Event::Fin,
            () if flags.has(TcpFlags::ACK) => Event::Ack,
            () => Event::Other,
        }
    }
}

/// Where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    To(Tcp),
    Ignore,
    Invalid,
}

/// The state machine (`tcp_conntracks`), by what the segments mean.
pub(super) fn step(now: Tcp, event: Event, reply: bool) -> Step {
    use Step::{Ignore, Invalid, To};
    use Tcp::{Close, CloseWait, Established, FinWait, LastAck, None, SynRecv, SynSent, SynSent2, TimeWait};
    match (event, now) {
        (Event::Other, _) => Invalid,
        // A reset closes whatever there is.
        (Event::Rst, None) => Invalid,
        (Event::Rst, _) => To(Close),
        (Event::Syn, None | SynSent | TimeWait | Close) if !reply => To(SynSent),
        (Event::Syn, SynSent2) if !reply => To(SynSent2),
        (Event::Syn, _) if !reply => Ignore,
        (Event::Syn, SynSent | SynSent2) => To(SynSent2),
        // The server's side opens the connection anew.
        (Event::Syn, TimeWait) => To(SynSent),
        (Event::Syn, _) => Invalid,
        (Event::SynAck, SynRecv | SynSent2) if !reply => To(SynRecv),
        (Event::SynAck, _) if !reply => Invalid,
        (Event::SynAck, None) => Invalid,
        (Event::SynAck, SynSent | SynSent2) => To(SynRecv),
        (Event::SynAck, _) => Ignore,
        (Event::Fin, None | SynSent | SynSent2) => Invalid,
        (Event::Fin, SynRecv | Established) => To(FinWait),
        (Event::Fin, FinWait | CloseWait | LastAck) => To(LastAck),
        (Event::Fin, TimeWait | Close) => To(now),
        (Event::Ack, None) if !reply => To(Established),
        (Event::Ack, None) => Invalid,
        (Event::Ack, SynSent | SynSent2) if !reply => Invalid,
        (Event::Ack, SynSent | SynSent2) => Ignore,
        (Event::Ack, SynRecv) => To(if reply { SynRecv } else { Established }),
        (Event::Ack, Established) => To(Established),
        (Event::Ack, FinWait | CloseWait) => To(CloseWait),
        (Event::Ack, LastAck | TimeWait) => To(TimeWait),
        (Event::Ack, Close) => To(Close),
    }
}
