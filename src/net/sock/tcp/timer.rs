//! The one timer of a socket (net/ipv4/tcp_timer.c). The host calls when it was asked to; what is not due yet is asked for
//! again, so a deadline that moves costs nothing.

use super::TcpHost;
use super::conn::{Cx, Pending, Recovering, Sock, State, after, before, flag};
use super::rtt::{RTO_INIT, RTO_MAX, RTO_MIN};
use crate::net::sock::{Errno, SockEvent};
use crate::trace::Mib;
use crate::wire::{TcpFlags, TcpSegment};
use std::net::Ipv4Addr;

/// TCP_TIMEWAIT_LEN: a minute.
const TIMEWAIT: u32 = 60_000_000;
/// What waits no longer than this is counted apart (`__inet_twsk_schedule`): four seconds.
const TW_SLOW: u32 = 4_000_000;
/// `tcp_orphan_retries` 0 means this many.
const ORPHAN_RETRIES: u32 = 8;

impl Sock {
    /// The host calls.
    pub(super) fn timer(&mut self, cx: &mut Cx<'_>, host: &impl TcpHost) {
        if !self.has(flag::ARMED) || after(self.armed, cx.us) {
            return;
        }
        self.unset(flag::ARMED);
        if self.has(flag::ACK_TIMER) && !after(self.delack, cx.us) {
            self.delack_timer(cx);
        }
        if self.pending != Pending::None && !after(self.timeout, cx.us) {
            match std::mem::take(&mut self.pending) {
                Pending::None => {}
                Pending::Life => {
                    self.set(flag::ORPHAN);
                    self.state = State::Free;
                }
                Pending::Rto if self.state == State::SynRecv => self.synack_timer(cx, host),
                Pending::Rto => self.retransmit_timer(cx, host),
                Pending::Probe => self.probe_timer(cx, host),
                Pending::Reorder => self.reorder_timer(cx),
            }
        }
        if self.state == State::Free {
            return;
        }
        if self.pending != Pending::None {
            self.arm(cx, self.timeout);
        }
        if self.has(flag::ACK_TIMER) {
            self.arm(cx, self.delack);
        }
    }

    /// Enters TIME_WAIT, or waits there for another minute.
    pub(super) fn time_wait(&mut self, cx: &mut Cx<'_>) {
        let counted = self.state == State::TimeWait || (self.pending == Pending::Life && fin_wait2_us(cx) <= TIMEWAIT);
        if !counted {
            cx.snmp.count(Mib::TcpExtTW);
        }
        self.state = State::TimeWait;
        self.flags &= !flag::ACK_ALL;
        self.rcv_at = cx.us;
        self.extra = None;
        self.wait(cx, Pending::Life, TIMEWAIT);
    }

    /// An orphan in FIN_WAIT2 waits so long for the peer's FIN. The kernel keeps no more of it than of TIME_WAIT, and
    /// counts it as that, unless it waits longer than that (`tcp_time_wait`).
    pub(super) fn fin_wait2(&mut self, cx: &mut Cx<'_>) {
        let us = fin_wait2_us(cx);
        if us <= TIMEWAIT {
            let lasts = us.max(self.rto().saturating_mul(4) - self.rto() / 2);
            cx.snmp.count(if lasts <= TW_SLOW { Mib::TcpExtTWKilled } else { Mib::TcpExtTW });
        }
        self.wait(cx, Pending::Life, us);
    }

    /// Whether the segment at `seq` still waits in the host, so that another would be of no use.
    fn queued(&self, cx: &mut Cx<'_>, host: &impl TcpHost, seq: u32) -> bool {
        let queued = self.in_host(host, seq);
        if queued {
            cx.snmp.count(Mib::TcpExtTCPSpuriousRtxHostQueues);
        }
        queued
    }

    fn in_host(&self, host: &impl TcpHost, seq: u32) -> bool {
        host.host_queued(
            (Ipv4Addr::from_bits(self.quad.laddr), self.quad.lport),
            (Ipv4Addr::from_bits(self.quad.raddr), self.quad.rport),
            seq,
        )
    }

    /// No answer to the SYN+ACK (`reqsk_timer_handler`).
    fn synack_timer(&mut self, cx: &mut Cx<'_>, host: &impl TcpHost) {
        cx.snmp.count(Mib::TcpExtTCPTimeouts);
        if self.retransmits >= cx.conf.synack_retries {
            if self.listener != super::NOBODY {
                // Nobody knows of it yet.
                self.set(flag::ORPHAN);
            }
            let reason = SockEvent::TimedOut(Errno::TimedOut);
            self.done(cx, reason);
            return;
        }
        self.retransmits += 1;
        self.backoff = self.retransmits;
        // A SYN+ACK of a request is made anew, whether or not an older one still waits in the host for ARP.
        let waits = self.listener == super::NOBODY && self.in_host(host, self.snd_una);
        if !waits {
            let advmss = self.advmss(host);
            self.send_syn(cx, advmss, true);
        }
        self.wait_for_ack(cx);
    }

    /// Sets the timer for the handshake's third segment (`reqsk_timeout`).
    pub(super) fn wait_for_ack(&mut self, cx: &mut Cx<'_>) {
        let wait = u64::from(RTO_INIT) << self.backoff.min(31);
        self.wait(cx, Pending::Rto, wait.min(u64::from(RTO_MAX)) as u32);
    }

    fn advmss(&self, host: &impl TcpHost) -> u16 {
        host.route(Ipv4Addr::from_bits(self.quad.laddr), Ipv4Addr::from_bits(self.quad.raddr)).map_or(536, |r| r.advmss)
    }

    /// The retransmission timeout (`tcp_retransmit_timer`).
    pub(super) fn retransmit_timer(&mut self, cx: &mut Cx<'_>, host: &impl TcpHost) {
        if self.flight() == 0 {
            return;
        }
        cx.snmp.count(Mib::TcpExtTCPTimeouts);
        if self.expired(cx) {
            cx.snmp.count(Mib::TcpExtTCPAbortOnTimeout);
            let soft = self.extra.as_ref().and_then(|e| e.soft_err);
            let reason = SockEvent::TimedOut(soft.unwrap_or(Errno::TimedOut));
            self.done(cx, reason);
            return;
        }
        // `sk_rethink_txhash`: the network may take another path.
        cx.snmp.count(Mib::TcpExtTcpTimeoutRehash);
        if self.state != State::SynSent {
            self.count_failure(cx);
            self.enter_loss(cx);
        }
        self.retransmits = self.retransmits.saturating_add(1);
        if !self.queued(cx, host, self.snd_una) {
            if self.state == State::SynSent {
                let advmss = self.advmss(host);
                self.send_syn(cx, advmss, true);
            } else {
                let (una, nxt) = (self.snd_una, self.snd_nxt);
                let end = self.retransmit(cx, una, nxt, 1);
                self.extra().rtx_next = end;
            }
        }
        self.backoff = self.backoff.saturating_add(1);
        let rto = self.rto();
        self.wait(cx, Pending::Rto, rto);
    }

    /// Whether to give up (`tcp_write_timeout`).
    fn expired(&self, cx: &Cx<'_>) -> bool {
        if self.state == State::SynSent {
            return self.retransmits >= cx.conf.syn_retries;
        }
        if self.retransmits == 0 {
            return false;
        }
        let retries = if self.has(flag::ORPHAN) { ORPHAN_RETRIES } else { u32::from(cx.conf.retries2) };
        let since = self.extra.as_ref().map_or(0, |e| e.retrans_stamp);
        u64::from(cx.us.wrapping_sub(since)) >= model_timeout(retries)
    }

    /// A timeout in spite of what was done before it.
    fn count_failure(&self, cx: &mut Cx<'_>) {
        if self.retransmits > 0 {
            return;
        }
        match self.recovering() {
            Recovering::Fast => cx.snmp.count(Mib::TcpExtTCPSackRecoveryFail),
            Recovering::Loss => cx.snmp.count(Mib::TcpExtTCPLossFailures),
            Recovering::No if self.dupacks > 0 => cx.snmp.count(Mib::TcpExtTCPSackFailures),
            Recovering::No => {}
        }
    }

    /// Everything in flight is held lost (`tcp_enter_loss`).
    fn enter_loss(&mut self, cx: &Cx<'_>) {
        if self.recovering() != Recovering::Loss {
            self.ssthresh = self.reduced_window();
        }
        self.cwnd = 1;
        self.cwnd_cnt = 0;
        self.dupacks = 0;
        let (una, nxt) = (self.snd_una, self.snd_nxt);
        let first = self.retransmits == 0;
        let extra = self.extra();
        if first {
            extra.retrans_stamp = cx.us;
        }
        extra.recovering = Recovering::Loss;
        extra.high_seq = nxt;
        extra.rtx_next = una;
        extra.rtx_end = nxt;
    }

    /// Sends something new, or the last segment again, so that the peer tells what is missing (`tcp_send_loss_probe`).
    fn probe_timer(&mut self, cx: &mut Cx<'_>, host: &impl TcpHost) {
        let probes = !self.has(flag::TLP) && self.flight() > 0;
        let pushed = probes && self.push_one(cx);
        if pushed {
            cx.snmp.count(Mib::TcpExtTCPLossProbes);
        }
        if probes && !pushed {
            let mss = u32::from(self.mss);
            let data_end = if after(self.snd_nxt, self.write_seq) { self.write_seq } else { self.snd_nxt };
            let newest = if before(self.last_skb, self.snd_una) { self.snd_una } else { self.last_skb };
            let len = data_end.wrapping_sub(newest);
            let skip = if len == 0 { 0 } else { (len - 1) / mss * mss };
            let start = newest.wrapping_add(skip);
            if !self.queued(cx, host, newest) {
                cx.snmp.count(Mib::TcpExtTCPLossProbes);
                self.retransmit(cx, start, self.snd_nxt, 1);
            }
        }
        self.set(flag::TLP);
        self.pending = Pending::None;
        self.rearm(cx);
    }

    /// One new segment for a probe, if there is one to send.
    fn push_one(&mut self, cx: &mut Cx<'_>) -> bool {
        let room = self.snd_nxt != self.snd_end() && self.snd_wnd.saturating_sub(self.flight()) >= u32::from(self.mss);
        if !room {
            return false;
        }
        let cwnd = self.cwnd;
        self.cwnd = (self.flight() / u32::from(self.mss.max(1)) + 2).min(32_767) as u16;
        let sent = self.push(cx);
        self.cwnd = cwnd;
        sent
    }

    fn reorder_timer(&mut self, cx: &mut Cx<'_>) {
        if self.recovering() == Recovering::No && self.dupacks > 0 && self.flight() > 0 {
            self.fast_retransmit(cx);
        } else {
            self.rearm(cx);
        }
    }

    /// An ICMP error came: takes one doubling back, and repeats at once if the shorter timeout is over (RFC 6069,
    /// `tcp_ld_RTO_revert`).
    pub(super) fn revert_backoff(&mut self, cx: &mut Cx<'_>, seq: u32, host: &impl TcpHost) {
        if seq != self.snd_una || self.retransmits == 0 || self.backoff == 0 || self.flight() == 0 {
            return;
        }
        self.backoff -= 1;
        let since = cx.us.wrapping_sub(self.sent_at);
        let rto = self.rto();
        if since < rto {
            self.wait(cx, Pending::Rto, rto - since);
        } else {
            self.retransmit_timer(cx, host);
        }
    }
}

/// How long an orphan in FIN_WAIT2 waits, in microseconds (`tcp_fin_time`).
fn fin_wait2_us(cx: &Cx<'_>) -> u32 {
    (cx.conf.fin_timeout.0 / 1_000).min(u64::from(u32::MAX / 4)) as u32
}

/// How long so many retransmissions take, in microseconds (`tcp_model_timeout`).
fn model_timeout(retries: u32) -> u64 {
    let doublings = (RTO_MAX / RTO_MIN).ilog2();
    let base = u64::from(RTO_MIN);
    if retries <= doublings {
        ((2 << retries) - 1) * base
    } else {
        ((2 << doublings) - 1) * base + u64::from(retries - doublings) * u64::from(RTO_MAX)
    }
}

/// The answer to a segment that belongs to no connection, with the addresses turned round (RFC 9293, 3.10.7.1;
/// `tcp_v4_send_reset`). None for a RST: it is never answered.
pub fn reset_for(seg: &TcpSegment) -> Option<TcpSegment> {
    if seg.flags.has(TcpFlags::RST) {
        return None;
    }
    let mut rst = TcpSegment {
        seq: 0,
        ack: 0,
        body: crate::wire::Body::FILLER,
        sport: seg.dport,
        dport: seg.sport,
        len: 0,
        mss: 0,
        window: 0,
        flags: TcpFlags::RST,
        end: false,
        timestamps: false,
    };
    if seg.flags.has(TcpFlags::ACK) {
        rst.seq = seg.ack;
    } else {
        rst.flags = TcpFlags::RST | TcpFlags::ACK;
        rst.ack = seg.seq.wrapping_add(seg.seq_len());
    }
    Some(rst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_retries_take_924_seconds_as_the_sysctl_says() {
        assert_eq!(model_timeout(15), 924_600_000);
        assert_eq!(model_timeout(8), 102_200_000);
    }
}
