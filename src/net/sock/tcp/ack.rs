//! Acknowledgements from the peer: what they free, the congestion window, fast retransmit (`tcp_ack` in
//! net/ipv4/tcp_input.c).
//!
//! Congestion control: ten segments at first, slow start, one segment a round trip above `ssthresh`, 0.7 of the window after
//! a loss as CUBIC has it. Left out: CUBIC's curve and HyStart, undo and F-RTO. Recovery is NewReno's (RFC 6582) where
//! Linux uses SACK: typed segments carry no SACK blocks, so one hole is mended a round trip. RACK's reordering window
//! stands in for the first two duplicates.

use super::conn::{Cx, Pending, Recovering, Sock, after, before, flag};
use super::output::WSCALE;
use super::rtt::{JIFFY, jiffies};
use crate::trace::Mib;
use crate::wire::{TcpFlags, TcpSegment};

/// What became of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// It acknowledged something new.
    New,
    /// Nothing new.
    Nothing,
    /// It acknowledges what was never sent.
    Unsent,
}

impl Sock {
    /// Takes the acknowledgement of a segment. `scaled` is false on a SYN+ACK.
    pub(super) fn acknowledge(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment, scaled: bool) -> Acked {
        if before(seg.ack, self.snd_una) {
            return Acked::Nothing;
        }
        if after(seg.ack, self.snd_nxt) {
            return Acked::Unsent;
        }
        let wnd = u32::from(seg.window) << if scaled { WSCALE } else { 0 };
        let wnd_changed = wnd != self.snd_wnd;
        self.snd_wnd = wnd;
        if wnd_changed {
            self.may_predict();
        }
        if seg.ack == self.snd_una {
            let bare = seg.len == 0 && !seg.flags.has(TcpFlags::SYN) && !seg.flags.has(TcpFlags::FIN);
            if bare && !wnd_changed && self.flight() > u32::from(self.mss) {
                self.duplicate(cx);
            }
            return Acked::Nothing;
        }
        self.advance(cx, seg.ack);
        Acked::New
    }

    fn advance(&mut self, cx: &mut Cx<'_>, ack: u32) {
        let una = self.snd_una;
        if after(self.timed, una) && !after(self.timed, ack) {
            self.rtt_sample(cx.us.wrapping_sub(self.sent_at));
        }
        let acked = ack.wrapping_sub(una);
        cx.snmp.add(Mib::TcpExtTCPDelivered, u64::from(self.segments_before(ack)));
        self.snd_una = ack;
        self.set(flag::CONFIRM);
        self.retransmits = 0;
        self.backoff = 0;
        self.unset(flag::TLP);
        if self.flight() == 0 {
            self.small_out = false;
        }
        let segs = acked.div_ceil(u32::from(self.mss.max(1)));
        if self.extra.is_some() {
            self.advance_in_trouble(cx, ack, segs);
        } else {
            self.dupacks = 0;
            self.grow_cwnd(segs);
        }
        if self.flight() == 0 {
            self.pending = Pending::None;
        } else if !self.schedule_probe(cx, true) {
            self.rearm(cx);
        }
    }

    /// The same for a connection that has more than one message in flight, holes, or losses.
    fn advance_in_trouble(&mut self, cx: &mut Cx<'_>, ack: u32, segs: u32) {
        let extra = self.extra();
        extra.old.retain(|m| after(m.end, ack));
        extra.soft_err = None;
        let (recovering, high_seq) = (extra.recovering, extra.high_seq);
        if before(extra.rtx_next, ack) {
            extra.rtx_next = ack;
        }
        if before(extra.rtx_end, ack) {
            extra.rtx_end = ack;
        }
        match recovering {
            Recovering::No => {
                self.dupacks = 0;
                self.grow_cwnd(segs);
            }
            _ if !before(ack, high_seq) => {
                if recovering == Recovering::Fast {
                    self.cwnd = self.ssthresh;
                }
                self.extra().recovering = Recovering::No;
                self.dupacks = 0;
                self.max_out = 0;
            }
            Recovering::Fast => {
                // A partial acknowledgement: the next hole begins here.
                self.dupacks = 0;
                cx.snmp.count(Mib::TcpExtTCPFastRetrans);
                self.retransmit(cx, ack, high_seq, 1);
            }
            Recovering::Loss => {
                self.set(flag::CWND_LIMITED);
                self.grow_cwnd(segs);
                self.retransmit_lost(cx);
            }
        }
        self.tidy();
    }

    /// Slow start and congestion avoidance, when the window was what limited.
    fn grow_cwnd(&mut self, segs: u32) {
        let slow_start = self.cwnd < self.ssthresh;
        let limited = self.has(flag::CWND_LIMITED) || slow_start && u32::from(self.cwnd) < 2 * u32::from(self.max_out);
        if !limited {
            return;
        }
        if slow_start {
            let grown = u32::from(self.cwnd) + segs;
            self.cwnd = grown.min(u32::from(self.ssthresh)).min(32_767) as u16;
        } else {
            let count = u32::from(self.cwnd_cnt) + segs;
            let cwnd = u32::from(self.cwnd.max(1));
            self.cwnd = (cwnd + count / cwnd).min(32_767) as u16;
            self.cwnd_cnt = (count % cwnd) as u16;
        }
    }

    /// 0.7 of the window, as `cubictcp_recalc_ssthresh`; two segments at least.
    pub(super) fn reduced_window(&self) -> u16 {
        ((u32::from(self.cwnd) * 717 / 1024) as u16).max(2)
    }

    /// A duplicate acknowledgement while segments are in flight.
    fn duplicate(&mut self, cx: &mut Cx<'_>) {
        match self.recovering() {
            Recovering::Loss => return,
            Recovering::Fast => {
                self.dupacks = self.dupacks.saturating_add(1);
                return;
            }
            Recovering::No => {}
        }
        self.dupacks = self.dupacks.saturating_add(1);
        if self.dupacks >= 3 {
            self.fast_retransmit(cx);
        } else if self.srtt > 0 && self.dupacks == 1 {
            // A quarter of the round trip, and two ticks (tcp_rack_mark_lost).
            let wait = jiffies(self.srtt >> 5) + 2 * JIFFY;
            self.wait(cx, Pending::Reorder, wait);
        }
    }

    /// The oldest segment is lost: sends it again without waiting for the timeout.
    pub(super) fn fast_retransmit(&mut self, cx: &mut Cx<'_>) {
        cx.snmp.count(Mib::TcpExtTCPSackRecovery);
        cx.snmp.count(Mib::TcpExtTCPFastRetrans);
        let (una, nxt) = (self.snd_una, self.snd_nxt);
        self.ssthresh = self.reduced_window();
        self.cwnd = self.ssthresh;
        self.cwnd_cnt = 0;
        let extra = self.extra();
        extra.recovering = Recovering::Fast;
        extra.high_seq = nxt;
        extra.retrans_stamp = cx.us;
        self.retransmit(cx, una, nxt, 1);
        self.pending = Pending::None;
        self.rearm(cx);
    }
}
