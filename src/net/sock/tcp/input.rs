//! Segments in: the state machine (RFC 9293, 3.10.7; net/ipv4/tcp_input.c, net/ipv4/tcp_minisocks.c).
//!
//! Left out: PAWS, Fast Open, SYN cookies, header prediction as such, urgent data. Challenge acknowledgements (RFC 5961) are
//! limited to one in half a second a connection.

use super::ack::Acked;
use super::conn::{Cx, Pending, Sock, State, after, before, flag};
use super::output::{MAX_QUICKACKS, WSCALE};
use super::{INIT_CWND, Route, TcpOut};
use crate::net::sock::SockEvent;
use crate::trace::{DropReason, Mib};
use crate::wire::{TcpFlags, TcpSegment};

/// TCP_MSS_DEFAULT: what a peer without the option takes.
const MSS_DEFAULT: u16 = 536;
/// `tcp_min_snd_mss`: no segment is made smaller.
const MSS_MIN: u16 = 48;
/// `tcp_invalid_ratelimit`: half a second.
const OOW_LIMIT: u32 = 500_000;

/// What a segment did to its connection.
#[derive(Debug)]
pub(super) enum Fate {
    /// It was taken.
    Taken,
    /// It was of no use.
    Dropped(DropReason),
    /// It is answered by a RST as if there were no connection.
    Reset,
    /// A SYN that ends TIME_WAIT: the listener takes it, beginning at this sequence number.
    Reuse(u32),
    /// The handshake of a server's connection is complete: the stack must make room for it, then come back.
    Complete,
}

const STRANGE: Fate = Fate::Dropped(DropReason::TcpUnacceptable);

impl Sock {
    /// Sets the size of segments to send from the peer's MSS and the path's MTU.
    pub(super) fn size_segments(&mut self, peer_mss: u16, route: Route) {
        let peer = if peer_mss == 0 { MSS_DEFAULT } else { peer_mss };
        let path = route.mtu.saturating_sub(40).min(65_495) as u16;
        self.mss = peer.min(path).max(MSS_MIN) - self.option_bytes();
        // tcp_initialize_rcv_mss
        self.rcv_mss = route.advmss.min(self.mss).clamp(88, MSS_DEFAULT);
    }

    /// What a new connection begins with.
    pub(super) fn begin(&mut self, iss: u32) {
        self.snd_una = iss;
        self.snd_nxt = iss.wrapping_add(1);
        self.write_seq = self.snd_nxt;
        self.msg_start = self.snd_nxt;
        self.last_skb = iss;
        self.timed = iss;
        self.cwnd = INIT_CWND;
        self.ssthresh = 32_767;
        self.mss = MSS_DEFAULT;
        self.rcv_mss = MSS_DEFAULT;
    }

    /// A segment for this connection.
    pub(super) fn input(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, route: impl Fn() -> Option<Route>) -> Fate {
        match self.state {
            State::Free => Fate::Reset,
            State::SynSent => self.in_syn_sent(cx, seg, route),
            State::SynRecv => self.in_syn_recv(cx, seg, route),
            State::TimeWait => self.in_time_wait(cx, seg),
            _ => self.in_synchronised(cx, seg),
        }
    }

    /// `tcp_rcv_synsent_state_process`.
    fn in_syn_sent(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, route: impl Fn() -> Option<Route>) -> Fate {
        let has = |f| seg.flags.has(f);
        if has(TcpFlags::ACK) && seg.ack != self.snd_nxt {
            return Fate::Reset;
        }
        if has(TcpFlags::RST) {
            if !has(TcpFlags::ACK) {
                return STRANGE;
            }
            self.done(cx, SockEvent::Refused);
            return Fate::Taken;
        }
        if !has(TcpFlags::SYN) {
            return STRANGE;
        }
        let Some(route) = route() else {
            return STRANGE;
        };
        if !seg.timestamps {
            self.unset(flag::TS);
        }
        self.size_segments(seg.mss, route);
        self.rcv_nxt = seg.seq.wrapping_add(1);
        self.rcv_wup = self.rcv_nxt;
        if !has(TcpFlags::ACK) {
            // Both sides open at once.
            self.snd_wnd = u32::from(seg.window);
            self.state = State::SynRecv;
            self.send_syn(cx, route.advmss, false);
            return Fate::Taken;
        }
        if self.retransmits > 1 {
            self.cwnd = 1;
        }
        self.acknowledge(cx, seg, false);
        self.unset(flag::PREDICT);
        self.state = State::Established;
        self.pending = Pending::None;
        self.rcv_at = cx.us;
        self.send_ack(cx);
        self.event(cx, SockEvent::Connected);
        Fate::Taken
    }

    /// `tcp_check_req`.
    fn in_syn_recv(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, route: impl Fn() -> Option<Route>) -> Fate {
        let has = |f| seg.flags.has(f);
        let syn_seq = self.rcv_nxt.wrapping_sub(1);
        let bare_syn = has(TcpFlags::SYN) && !has(TcpFlags::ACK) && !has(TcpFlags::RST);
        if bare_syn && seg.seq == syn_seq {
            // The peer did not hear: once more.
            if self.may_answer_strange(cx, seg, Mib::TcpExtTCPACKSkippedSynRecv) {
                let advmss = route().map_or(MSS_DEFAULT, |r| r.advmss);
                self.send_syn(cx, advmss, true);
                // The timer that would repeat it begins anew.
                self.wait_for_ack(cx);
            }
            return Fate::Dropped(DropReason::TcpDuplicate);
        }
        if !self.in_window(seg) {
            if !has(TcpFlags::RST) && self.may_answer_strange(cx, seg, Mib::TcpExtTCPACKSkippedSynRecv) {
                self.send_ack(cx);
            }
            return STRANGE;
        }
        if has(TcpFlags::RST) || has(TcpFlags::SYN) {
            if self.listener != super::NOBODY {
                // Nobody knows of it yet.
                self.set(flag::ORPHAN);
                cx.snmp.count(Mib::TcpAttemptFails);
                cx.snmp.count(Mib::TcpExtEmbryonicRsts);
            }
            self.done(cx, SockEvent::Refused);
            return if has(TcpFlags::RST) { Fate::Taken } else { Fate::Reset };
        }
        if !has(TcpFlags::ACK) {
            return STRANGE;
        }
        if seg.ack != self.snd_nxt {
            return Fate::Reset;
        }
        Fate::Complete
    }

    /// The third segment of the handshake: the connection is established, and the segment is taken.
    pub(super) fn complete(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, what: SockEvent) -> Fate {
        self.rtt_sample(cx.us.wrapping_sub(self.sent_at));
        if self.retransmits > 1 {
            self.cwnd = 1;
        }
        self.snd_una = seg.ack;
        self.snd_wnd = u32::from(seg.window) << WSCALE;
        self.retransmits = 0;
        self.backoff = 0;
        self.pending = Pending::None;
        self.state = State::Established;
        self.rcv_at = cx.us;
        self.event(cx, what);
        let fate = if seg.seq_len() > 0 {
            self.in_synchronised(cx, seg)
        } else {
            cx.snmp.count(Mib::TcpExtTCPPureAcks);
            Fate::Taken
        };
        self.set(flag::PREDICT);
        fate
    }

    /// `tcp_sequence`: whether the segment touches the receive window.
    fn in_window(&self, seg: &TcpSegment) -> bool {
        let end = seg.seq.wrapping_add(seg.seq_len());
        let right = self.rcv_nxt.wrapping_add(u32::from(self.rcv_wnd) << WSCALE);
        !before(end, self.rcv_wup) && !after(seg.seq, right)
    }

    /// Whether a segment that makes no sense may be answered now: data and FIN always, else once in half a second
    /// (`tcp_oow_rate_limited`). Without it two confused ends would answer each other for ever. `skipped` counts those
    /// that are not answered.
    fn may_answer_strange(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, skipped: Mib) -> bool {
        (seg.seq_len() > 0 && !seg.flags.has(TcpFlags::SYN)) || self.may_answer(cx, skipped)
    }

    fn may_answer(&mut self, cx: &mut Cx<'_>, skipped: Mib) -> bool {
        let now = cx.us;
        let extra = self.extra();
        let may = extra.last_oow.is_none_or(|last| now.wrapping_sub(last) >= OOW_LIMIT);
        if may {
            extra.last_oow = Some(now);
        } else {
            cx.snmp.count(skipped);
        }
        may
    }

    /// `tcp_send_challenge_ack`.
    fn challenge(&mut self, cx: &mut Cx<'_>) -> Fate {
        if self.may_answer(cx, Mib::TcpExtTCPACKSkippedChallenge) {
            cx.snmp.count(Mib::TcpExtTCPChallengeACK);
            self.send_ack(cx);
        }
        STRANGE
    }

    /// A SYN in a connection (RFC 5961, 4.2).
    fn challenge_syn(&mut self, cx: &mut Cx<'_>) -> Fate {
        if self.state == State::Established {
            cx.snmp.count(Mib::TcpInErrs);
        }
        cx.snmp.count(Mib::TcpExtTCPSYNChallenge);
        self.challenge(cx)
    }

    /// Whether the kernel keeps only the few words of TIME_WAIT of this connection: FIN_WAIT2 without an owner is that
    /// already, but for its name.
    fn waits_only(&self) -> bool {
        self.state == State::FinWait2 && self.has(flag::ORPHAN)
    }

    /// Header prediction: the next segment in order, with nothing but data or an acknowledgement, and the same window.
    /// Nothing depends on it but what is counted.
    fn predict(&self, cx: &mut Cx<'_>, seg: &TcpSegment) {
        let predicted = self.has(flag::PREDICT)
            && self.state == State::Established
            && (seg.flags == TcpFlags::ACK || seg.flags == TcpFlags::ACK | TcpFlags::PSH)
            && u32::from(seg.window) << WSCALE == self.snd_wnd
            && seg.seq == self.rcv_nxt
            && !after(seg.ack, self.snd_nxt)
            // Data needs memory that the socket has at hand, as it has while own data is on its way.
            && (seg.len == 0 || self.flight() > 0);
        if predicted && seg.len > 0 {
            cx.snmp.count(Mib::TcpExtTCPHPHits);
        }
        if self.waits_only() || before(seg.ack, self.snd_una) || after(seg.ack, self.snd_nxt) {
            return;
        }
        if predicted && seg.ack != self.snd_una {
            cx.snmp.count(Mib::TcpExtTCPHPAcks);
        } else if seg.seq_len() == 0 {
            cx.snmp.count(Mib::TcpExtTCPPureAcks);
        }
    }

    /// ESTABLISHED and what follows it (`tcp_validate_incoming`, `tcp_rcv_established`, `tcp_rcv_state_process`).
    fn in_synchronised(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment) -> Fate {
        let has = |f| seg.flags.has(f);
        if !self.in_window(seg) {
            if has(TcpFlags::RST) {
                return STRANGE;
            }
            if has(TcpFlags::SYN) {
                return self.challenge_syn(cx);
            }
            let old = before(seg.seq, self.rcv_nxt);
            let repeated = seg.seq_len() > 0 && old;
            if repeated {
                self.enter_quickack(MAX_QUICKACKS);
            }
            let waits = self.waits_only();
            let skipped = if waits { Mib::TcpExtTCPACKSkippedFinWait2 } else { Mib::TcpExtTCPACKSkippedSeq };
            if self.may_answer_strange(cx, seg, skipped) {
                if repeated && !waits {
                    cx.snmp.count(Mib::TcpExtDelayedACKLost);
                }
                self.send_ack(cx);
            }
            return if old { Fate::Dropped(DropReason::TcpDuplicate) } else { STRANGE };
        }
        if has(TcpFlags::RST) {
            if seg.seq == self.rcv_nxt {
                self.done(cx, SockEvent::Reset);
                return Fate::Taken;
            }
            return self.challenge(cx);
        }
        if has(TcpFlags::SYN) {
            return self.challenge_syn(cx);
        }
        if !has(TcpFlags::ACK) {
            return STRANGE;
        }
        self.predict(cx, seg);
        match self.acknowledge(cx, seg, true) {
            Acked::Unsent => {
                return if self.state == State::Established { STRANGE } else { self.challenge(cx) };
            }
            Acked::New => {
                if self.has(flag::FIN) && self.snd_una == self.snd_end() && self.fin_acked(cx) {
                    return Fate::Taken;
                }
            }
            Acked::Nothing => {}
        }
        if seg.len == 0 && !has(TcpFlags::FIN) {
            self.push(cx);
            return Fate::Taken;
        }
        self.take_data(cx, seg)
    }

    /// Our FIN was acknowledged. True if that was the end.
    fn fin_acked(&mut self, cx: &mut Cx<'_>) -> bool {
        match self.state {
            State::FinWait1 => {
                self.state = State::FinWait2;
                if self.has(flag::ORPHAN) {
                    self.fin_wait2(cx);
                }
                false
            }
            State::Closing => {
                self.time_wait(cx);
                true
            }
            State::LastAck => {
                self.done(cx, SockEvent::Closed);
                true
            }
            _ => false,
        }
    }

    fn take_data(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment) -> Fate {
        if self.state.peer_closed() {
            if before(seg.seq, self.rcv_nxt) {
                cx.snmp.count(Mib::TcpExtDelayedACKLost);
                self.enter_quickack(MAX_QUICKACKS);
                self.send_ack(cx);
                return Fate::Dropped(DropReason::TcpDuplicate);
            }
            return STRANGE;
        }
        let data_end = seg.seq.wrapping_add(u32::from(seg.len));
        if self.has(flag::ORPHAN) && seg.len > 0 && after(data_end, self.rcv_nxt) {
            // Nobody is left to read it.
            if !self.waits_only() {
                cx.snmp.count(Mib::TcpExtTCPAbortOnData);
            }
            self.state = State::Free;
            return Fate::Reset;
        }
        let mark = cx.out.len();
        let had = self.rcv_nxt;
        let queued = self.queue_data(cx, seg);
        let events = cx.out.len();
        if self.state != State::TimeWait {
            self.push(cx);
            let read = self.rcv_nxt != had && seg.len > 0;
            self.settle_acks(cx, read);
        }
        hear_last(cx.out, mark, events);
        match queued {
            Ok(()) => Fate::Taken,
            Err(reason) => Fate::Dropped(reason),
        }
    }

    /// `tcp_timewait_state_process`.
    fn in_time_wait(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment) -> Fate {
        let has = |f| seg.flags.has(f);
        let in_order = seg.seq == self.rcv_nxt && (seg.seq_len() == 0 || has(TcpFlags::RST));
        if in_order {
            if has(TcpFlags::RST) {
                self.state = State::Free;
            } else {
                self.time_wait(cx);
            }
            return Fate::Taken;
        }
        let bare_syn = has(TcpFlags::SYN) && !has(TcpFlags::RST) && !has(TcpFlags::ACK);
        // The timestamp clock ticks every millisecond.
        let newer = after(seg.seq, self.rcv_nxt)
            || self.has(flag::TS) && seg.timestamps && cx.us.wrapping_sub(self.rcv_at) >= 1_000;
        if bare_syn && newer {
            return Fate::Reuse(self.snd_nxt.wrapping_add(65_537));
        }
        if !has(TcpFlags::RST) {
            if has(TcpFlags::ACK) {
                self.time_wait(cx);
            }
            if self.may_answer_strange(cx, seg, Mib::TcpExtTCPACKSkippedTimeWait) {
                self.send_ack(cx);
            }
        }
        Fate::Dropped(DropReason::TcpDuplicate)
    }
}

/// Puts what the application hears (`out[mark..events]`) after what is sent: it reads when the segment is dealt with.
fn hear_last(out: &mut [TcpOut], mark: usize, events: usize) {
    if mark < events && events < out.len() {
        out[mark..].rotate_left(events - mark);
    }
}
