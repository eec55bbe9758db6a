//! Sending (net/ipv4/tcp_output.c): cutting messages into segments, acknowledgements, FIN, retransmission.
//!
//! Buffers are what Linux calls `skb`s that hold several segments: a write is sent in halves of the congestion window, and
//! the last segment of a buffer with more than one carries PSH, as does the end of a write.
//! Left out: pacing, the size goal's dependence on the pacing rate, ECN, urgent data, window probes (nobody here closes a
//! window). A segment never holds the end of one message and the beginning of the next.

use super::TcpOut;
use super::conn::{Cx, Msg, Pending, Recovering, Sock, State, after, before, flag};
use super::rtt::{JIFFY, RTO_MIN, jiffies};
use crate::trace::Mib;
use crate::wire::{Body, TcpFlags, TcpSegment};
use std::net::Ipv4Addr;

/// The window scale that both sides use (for the default `tcp_rmem` of 6 MiB at most).
pub(super) const WSCALE: u32 = 7;
/// Largest receive window: half of `tcp_rmem`'s maximum.
const WINDOW_MAX: u32 = 3 << 20;
/// TCP_MAX_QUICKACKS.
pub(super) const MAX_QUICKACKS: u32 = 16;
/// TCP_ATO_MIN in milliseconds.
pub(super) const ATO_MIN: u8 = 40;
/// The largest buffer that segmentation offload takes.
const GSO_MAX: u32 = 65_536;

/// The first receive window for full segments of `mss` bytes (`tcp_select_initial_window`).
pub(super) fn initial_window(mss: u16) -> u32 {
    let mss = u32::from(mss.max(1));
    65_535 / mss * mss
}

impl Sock {
    /// Sends one segment. Whatever carries ACK settles the acknowledgement that was owed.
    fn transmit(&mut self, cx: &mut Cx<'_>, segment: TcpSegment, again: bool) {
        let syn = segment.flags.has(TcpFlags::SYN);
        // What is sent again is no segment sent, but a SYN+ACK is made anew each time (`tcp_make_synack`).
        if !again || (syn && segment.flags.has(TcpFlags::ACK)) {
            cx.snmp.count(Mib::TcpOutSegs);
        }
        if again {
            cx.snmp.count(Mib::TcpRetransSegs);
            if syn {
                cx.snmp.count(Mib::TcpExtTCPSynRetrans);
            }
        }
        let confirm = self.has(flag::CONFIRM);
        self.flags &= !(flag::ACK_ALL | flag::CONFIRM);
        self.rcv_wup = self.rcv_nxt;
        if self.quick > 0 {
            self.quick -= 1;
            if self.quick == 0 {
                self.ato = ATO_MIN;
            }
        }
        cx.out.push(TcpOut::Segment {
            saddr: Ipv4Addr::from_bits(self.quad.laddr),
            daddr: Ipv4Addr::from_bits(self.quad.raddr),
            segment,
            confirm,
            retransmission: again,
        });
    }

    fn segment(&self, seq: u32, flags: TcpFlags) -> TcpSegment {
        TcpSegment {
            seq,
            ack: self.rcv_nxt,
            body: Body::FILLER,
            sport: self.quad.lport,
            dport: self.quad.rport,
            len: 0,
            mss: 0,
            window: self.rcv_wnd,
            flags,
            end: false,
            timestamps: self.has(flag::TS),
        }
    }

    /// A bare acknowledgement (`tcp_send_ack`).
    pub(super) fn send_ack(&mut self, cx: &mut Cx<'_>) {
        let segment = self.segment(self.snd_nxt, TcpFlags::ACK);
        self.transmit(cx, segment, false);
    }

    /// The SYN of a client, or the SYN+ACK of a server.
    pub(super) fn send_syn(&mut self, cx: &mut Cx<'_>, advmss: u16, again: bool) {
        let passive = self.state == State::SynRecv;
        let mut segment = self.segment(self.snd_una, TcpFlags::SYN);
        segment.mss = advmss;
        let full = if passive {
            segment.flags = TcpFlags::SYN | TcpFlags::ACK;
            advmss.saturating_sub(self.option_bytes())
        } else {
            segment.ack = 0;
            advmss
        };
        let window = initial_window(full);
        segment.window = window as u16;
        // A window is offered in whole units, rounded up (`tcp_select_window`). A server's next segment answers data, which
        // has eaten what was no whole unit of the SYN+ACK's; only one that speaks first would still round it up.
        self.rcv_wnd = if passive { window >> WSCALE } else { window.div_ceil(1 << WSCALE) } as u16;
        self.timed = self.snd_una.wrapping_add(1);
        self.sent_at = cx.us;
        self.transmit(cx, segment, again);
    }

    /// RST of a connection that still exists (`tcp_send_active_reset`).
    pub(super) fn send_reset(&mut self, cx: &mut Cx<'_>) {
        let segment = self.segment(self.snd_nxt, TcpFlags::RST | TcpFlags::ACK);
        cx.snmp.count(Mib::TcpOutRsts);
        self.transmit(cx, segment, false);
    }

    /// Bytes of options on every segment.
    pub(super) fn option_bytes(&self) -> u16 {
        if self.has(flag::TS) { 12 } else { 0 }
    }

    /// The message that `seq` belongs to.
    fn message_at(&self, seq: u32) -> Msg {
        if before(seq, self.msg_start)
            && let Some(extra) = &self.extra
            && let Some(msg) = extra.old.iter().find(|m| before(seq, m.end))
        {
            return *msg;
        }
        Msg { start: self.msg_start, end: self.write_seq, body: self.msg_body }
    }

    /// Queues a message of the application.
    pub(super) fn write(&mut self, len: u32, body: Body) {
        if before(self.snd_una, self.write_seq) && before(self.msg_start, self.write_seq) {
            let old = Msg { start: self.msg_start, end: self.write_seq, body: self.msg_body };
            self.extra().old.push(old);
        }
        self.msg_start = self.write_seq;
        self.msg_body = body;
        self.write_seq = self.write_seq.wrapping_add(len);
    }

    /// Full segments that `bytes` need.
    fn segs(&self, bytes: u32) -> u32 {
        if bytes <= u32::from(self.mss) { u32::from(bytes > 0) } else { bytes.div_ceil(u32::from(self.mss)) }
    }

    /// Segments between what was acknowledged and `ack`: those of each message, a SYN, a FIN that was sent alone.
    pub(super) fn segments_before(&self, ack: u32) -> u32 {
        let (una, mss) = (self.snd_una, u32::from(self.mss.max(1)));
        let mut n = 0;
        let mut count = |start: u32, end: u32| {
            let lo = if before(start, una) { una.wrapping_sub(start) } else { 0 };
            let (reached, whole) = (ack.wrapping_sub(start), end.wrapping_sub(start));
            if after(ack, start) && lo < whole {
                n += if reached >= whole { whole.div_ceil(mss) } else { reached / mss } - lo / mss;
            }
        };
        if let Some(extra) = &self.extra {
            extra.old.iter().for_each(|m| count(m.start, m.end));
        }
        count(self.msg_start, self.write_seq);
        let syn = self.state == State::SynSent;
        let fin = self.has(flag::FIN) && ack == self.snd_end() && self.last_skb == self.write_seq;
        n + u32::from(syn) + u32::from(fin)
    }

    /// Segments believed to be in the network (`tcp_packets_in_flight`).
    fn in_flight(&self) -> u32 {
        let Some(extra) = &self.extra else {
            return self.segs(self.flight());
        };
        match extra.recovering {
            Recovering::No => self.segs(self.flight()),
            Recovering::Fast => self.segs(self.flight()).saturating_sub(u32::from(self.dupacks)),
            Recovering::Loss => {
                let again = extra.rtx_next.wrapping_sub(self.snd_una);
                let kept = extra.high_seq.wrapping_sub(extra.rtx_end);
                let fresh = self.snd_nxt.wrapping_sub(extra.high_seq);
                self.segs(again) + self.segs(kept) + self.segs(fresh)
            }
        }
    }

    /// Sends what the windows allow (`tcp_write_xmit`). True if anything was sent.
    pub(super) fn push(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.snd_nxt == self.snd_end() {
            return false;
        }
        let was_idle = self.flight() == 0;
        if was_idle {
            self.restart_after_idle(cx);
        }
        let mut sent = false;
        self.unset(flag::CWND_LIMITED);
        while before(self.snd_nxt, self.write_seq) {
            let Some(len) = self.next_buffer(cx) else {
                break;
            };
            self.send_buffer(cx, len);
            sent = true;
        }
        if self.has(flag::FIN) && self.snd_nxt == self.write_seq {
            self.time_segment(cx, self.snd_nxt, 1);
            let fin = self.segment(self.snd_nxt, TcpFlags::FIN | TcpFlags::ACK);
            self.last_skb = self.snd_nxt;
            self.snd_nxt = self.snd_nxt.wrapping_add(1);
            cx.snmp.count(Mib::TcpExtTCPOrigDataSent);
            self.transmit(cx, fin, false);
            sent = true;
        }
        self.max_out = self.max_out.max(self.in_flight().min(65_535) as u16);
        if sent {
            self.after_sending(cx, was_idle);
        }
        sent
    }

    fn after_sending(&mut self, cx: &mut Cx<'_>, was_idle: bool) {
        if was_idle || self.pending == Pending::Probe {
            self.rearm(cx);
        }
        self.schedule_probe(cx, false);
    }

    /// After an idle time the window falls back to its beginning, halving a timeout (`tcp_cwnd_restart`).
    fn restart_after_idle(&mut self, cx: &Cx<'_>) {
        self.max_out = 0;
        if self.cwnd <= super::INIT_CWND {
            return;
        }
        let rto = self.rto().max(1);
        let mut idle = cx.us.wrapping_sub(self.sent_at);
        if idle > rto {
            let at_least = u32::from(self.cwnd) * 3 / 4;
            self.ssthresh = self.ssthresh.max(at_least as u16);
            while idle > rto && self.cwnd > super::INIT_CWND {
                self.cwnd = (self.cwnd / 2).max(super::INIT_CWND);
                idle -= rto;
            }
            self.cwnd_cnt = 0;
        }
    }

    /// How many bytes go out as one buffer now; none if something holds them back.
    fn next_buffer(&mut self, cx: &Cx<'_>) -> Option<u32> {
        let mss = u32::from(self.mss);
        let in_flight = self.in_flight();
        let cwnd = u32::from(self.cwnd);
        if in_flight >= cwnd {
            self.set(flag::CWND_LIMITED);
            return None;
        }
        let quota = (cwnd - in_flight).min((cwnd / 2).max(1));
        let window = self.snd_wnd.saturating_sub(self.flight());
        let msg = self.message_at(self.snd_nxt);
        let mut rest = msg.end.wrapping_sub(self.snd_nxt);
        if rest.min(mss) > window {
            return None;
        }
        if rest <= mss {
            let last = msg.end == self.write_seq;
            return (!last || !self.nagle_holds(rest)).then_some(rest);
        }
        let goal = ((self.snd_wnd / 2).min(GSO_MAX - 320) / mss).max(1) * mss;
        let offset = self.snd_nxt.wrapping_sub(msg.start);
        rest = rest.min(goal - offset % goal);
        let tail = self.snd_nxt.wrapping_add(rest) == self.write_seq;
        if in_flight > 0 && rest > mss && self.defers(cx, rest, window, cwnd - in_flight, tail) {
            return None;
        }
        let fits = rest.min(window);
        if quota * mss <= fits {
            return Some(quota * mss);
        }
        let partial = fits % mss;
        if partial > 0 && fits > partial && self.nagle_holds(partial) {
            return Some(fits - partial);
        }
        Some(fits)
    }

    fn nagle_holds(&self, len: u32) -> bool {
        len < u32::from(self.mss) && self.small_out && self.flight() > 0 && !self.has(flag::FIN)
    }

    /// Whether to wait for more room, so that a fuller buffer goes out (`tcp_tso_should_defer`).
    /// Left out: its rule that a sender which was silent for a millisecond does not wait.
    fn defers(&mut self, cx: &Cx<'_>, rest: u32, window: u32, room: u32, tail: bool) -> bool {
        let mss = u32::from(self.mss);
        let cong = room * mss;
        let limit = window.min(cong);
        if self.recovering() != Recovering::No
            || limit >= GSO_MAX / mss * mss
            || (!tail && limit >= rest)
            || limit >= self.snd_wnd.min(u32::from(self.cwnd) * mss) / 3
            || cx.us.wrapping_sub(self.sent_at) < self.srtt >> 4
        {
            return false;
        }
        if cong < window {
            if cong <= rest {
                self.set(flag::CWND_LIMITED);
                return true;
            }
        } else if window <= rest {
            return true;
        }
        !self.has(flag::FIN)
    }

    /// Sends `len` bytes from `snd_nxt` for the first time.
    fn send_buffer(&mut self, cx: &mut Cx<'_>, len: u32) {
        let start = self.snd_nxt;
        let end = start.wrapping_add(len);
        cx.snmp.add(Mib::TcpExtTCPOrigDataSent, u64::from(self.segs(len)));
        self.time_segment(cx, start, len.min(u32::from(self.mss)));
        self.last_skb = start;
        self.snd_nxt = end;
        let fin = self.has(flag::FIN) && end == self.write_seq;
        if fin {
            self.snd_nxt = end.wrapping_add(1);
        }
        // A reply within `ato` of what was received: the conversation goes to and fro (tcp_event_data_sent).
        if self.ato > 0 && cx.us.wrapping_sub(self.rcv_at) < u32::from(self.ato) * 1_000 {
            self.set(flag::PINGPONG);
        }
        self.send_range(cx, start, end, fin, false);
    }

    /// Sends the bytes from `start` to `end`, all of one message, segment by segment.
    fn send_range(&mut self, cx: &mut Cx<'_>, start: u32, end: u32, fin: bool, again: bool) {
        let mss = u32::from(self.mss);
        let msg = self.message_at(start);
        let several = end.wrapping_sub(start) > mss;
        let mut seq = start;
        while seq != end {
            let len = end.wrapping_sub(seq).min(mss);
            let next = seq.wrapping_add(len);
            let mut segment = self.segment(seq, TcpFlags::ACK);
            segment.len = len as u16;
            segment.end = next == msg.end;
            if seq == msg.start {
                segment.body = msg.body;
            }
            if next == end {
                if several || segment.end {
                    segment.flags = segment.flags | TcpFlags::PSH;
                }
                if fin {
                    segment.flags = segment.flags | TcpFlags::FIN;
                }
            }
            if len < mss {
                self.small_out = true;
            }
            self.transmit(cx, segment, again);
            seq = next;
        }
    }

    /// Begins to measure a round trip, if none is being measured.
    fn time_segment(&mut self, cx: &Cx<'_>, seq: u32, len: u32) {
        if !after(self.timed, self.snd_una) {
            self.timed = seq.wrapping_add(len);
            self.sent_at = cx.us;
        }
    }

    /// Sends again from `start`: one buffer of at most `limit` segments, not beyond `bound`. Returns where it ends.
    pub(super) fn retransmit(&mut self, cx: &mut Cx<'_>, start: u32, bound: u32, limit: u32) -> u32 {
        let mss = u32::from(self.mss);
        let fin_sent = self.has(flag::FIN) && self.snd_nxt == self.snd_end();
        self.timed = start.wrapping_add(1);
        self.sent_at = cx.us;
        if start == self.write_seq && fin_sent {
            let fin = self.segment(start, TcpFlags::FIN | TcpFlags::ACK);
            self.transmit(cx, fin, true);
            return start.wrapping_add(1);
        }
        let msg = self.message_at(start);
        let mut len = msg.end.wrapping_sub(start);
        len = len.min(bound.wrapping_sub(start)).min(limit.max(1) * mss);
        let end = start.wrapping_add(len);
        // A FIN that was sent alone joins a last segment that has room (tcp_retrans_try_collapse).
        let fin = fin_sent && end == self.write_seq && !len.is_multiple_of(mss);
        self.timed = start.wrapping_add(len.min(mss));
        self.send_range(cx, start, end, fin, true);
        if fin { end.wrapping_add(1) } else { end }
    }

    /// Sends again what is believed lost, as far as the congestion window goes (`tcp_xmit_retransmit_queue`).
    pub(super) fn retransmit_lost(&mut self, cx: &mut Cx<'_>) {
        loop {
            let Some(extra) = &self.extra else { return };
            if extra.recovering != Recovering::Loss || !before(extra.rtx_next, extra.rtx_end) {
                return;
            }
            let (start, mut bound) = (extra.rtx_next, extra.rtx_end);
            if before(start, self.last_skb) && before(self.last_skb, bound) {
                bound = self.last_skb;
            }
            let room = u32::from(self.cwnd).saturating_sub(self.in_flight());
            if room == 0 {
                return;
            }
            let end = self.retransmit(cx, start, bound, room);
            let segs = self.segs(end.wrapping_sub(start));
            cx.snmp.add(Mib::TcpExtTCPSlowStartRetrans, u64::from(segs));
            self.extra().rtx_next = end;
            if end == start {
                return;
            }
        }
    }

    /// Sets the retransmission timer anew, or stops it when nothing is in flight (`tcp_rearm_rto`).
    pub(super) fn rearm(&mut self, cx: &mut Cx<'_>) {
        if self.flight() == 0 {
            self.pending = Pending::None;
            return;
        }
        let mut rto = self.rto();
        if matches!(self.pending, Pending::Probe | Pending::Reorder) {
            let since = cx.us.wrapping_sub(self.sent_at);
            rto = jiffies(rto.saturating_sub(since).max(1));
        }
        self.wait(cx, Pending::Rto, rto);
    }

    /// Puts a tail loss probe before the retransmission timeout (`tcp_schedule_loss_probe`). False if there is to be none.
    pub(super) fn schedule_probe(&mut self, cx: &mut Cx<'_>, advancing: bool) -> bool {
        if self.flight() == 0 || self.recovering() != Recovering::No || self.state == State::SynSent {
            return false;
        }
        let mut wait = super::rtt::RTO_INIT;
        if self.srtt > 0 {
            wait = jiffies(self.srtt >> 2);
            wait += if self.segs(self.flight()) == 1 { RTO_MIN } else { 2 * JIFFY };
        }
        let since = if advancing { 0 } else { cx.us.wrapping_sub(self.sent_at) };
        let rto = jiffies(self.rto().saturating_sub(since));
        if rto > 0 {
            wait = wait.min(rto);
        }
        self.wait(cx, Pending::Probe, wait);
        true
    }

    /// Lets the window that is offered grow as data comes: it doubles with every window received.
    /// Linux measures bytes a round trip (`tcp_rcv_space_adjust`); this is its growth without the measurement.
    pub(super) fn grow_window(&mut self, len: u32) {
        let room = (WINDOW_MAX >> WSCALE) as u16;
        self.rcv_wnd = self.rcv_wnd.saturating_add((len >> WSCALE) as u16).min(room.max(self.rcv_wnd));
    }
}

#[cfg(test)]
impl Sock {
    /// A segment with this connection's ports.
    pub(super) fn segment_for_tests(&self) -> TcpSegment {
        self.segment(self.snd_una, TcpFlags::ACK)
    }
}
