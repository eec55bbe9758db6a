//! Receiving data and owing acknowledgements (net/ipv4/tcp_input.c, `tcp_cleanup_rbuf` in net/ipv4/tcp.c).
//!
//! Applications read at once, so the receive buffer is always empty and the window never closes.
//! Left out: SACK blocks and compressed acknowledgements. An out-of-order segment is answered by a duplicate
//! acknowledgement at once.

use super::conn::{Cx, Piece, Sock, State, after, before, flag};
use super::output::{ATO_MIN, MAX_QUICKACKS, WSCALE};
use crate::net::sock::SockEvent;
use crate::trace::{DropReason, Mib};
use crate::wire::{TcpFlags, TcpSegment};

/// Pieces that may wait for a hole to be filled.
const MAX_PIECES: usize = 256;
/// TCP_DELACK_MIN and TCP_DELACK_MAX in milliseconds.
const DELACK_MIN: u32 = 40;
const DELACK_MAX: u32 = 200;

impl Sock {
    /// Takes a segment's payload and FIN (`tcp_data_queue`).
    pub(super) fn queue_data(&mut self, cx: &mut Cx<'_>, seg: &TcpSegment) -> Result<(), DropReason> {
        let fin = seg.flags.has(TcpFlags::FIN);
        let data_end = seg.seq.wrapping_add(u32::from(seg.len));
        let end = data_end.wrapping_add(u32::from(fin));
        if seg.seq == end {
            return Ok(());
        }
        if !after(end, self.rcv_nxt) {
            cx.snmp.count(Mib::TcpExtDelayedACKLost);
            self.enter_quickack(MAX_QUICKACKS);
            self.set(flag::ACK_SCHED);
            return Err(DropReason::TcpDuplicate);
        }
        let piece = Piece { start: seg.seq, end: data_end, body: seg.body, last: seg.end && seg.len > 0, fin };
        if after(seg.seq, self.rcv_nxt) {
            self.set(flag::ACK_SCHED);
            // Duplicate acknowledgements go out at once while there is a hole (__tcp_ack_snd_check).
            self.set(flag::ACK_NOW);
            self.measure(u32::from(seg.len));
            self.unset(flag::PREDICT);
            cx.snmp.count(Mib::TcpExtTCPOFOQueue);
            return self.store(cx, piece);
        }
        if before(seg.seq, self.rcv_nxt) {
            self.enter_quickack(MAX_QUICKACKS);
        }
        let holes = self.extra.as_ref().is_some_and(|e| !e.ooo.is_empty());
        self.deliver(cx, piece);
        if seg.len > 0 {
            self.data_received(cx, u32::from(seg.len));
        }
        if holes {
            self.fill(cx);
        }
        self.may_predict();
        Ok(())
    }

    /// Predicts the next segment, unless pieces wait for a hole to be filled (`tcp_fast_path_check`).
    pub(super) fn may_predict(&mut self) {
        if self.extra.as_ref().is_none_or(|e| e.ooo.is_empty()) {
            self.set(flag::PREDICT);
        } else {
            self.unset(flag::PREDICT);
        }
    }

    /// Keeps a piece that came too early; joins it with its neighbours.
    fn store(&mut self, cx: &mut Cx<'_>, piece: Piece) -> Result<(), DropReason> {
        let ooo = &mut self.extra().ooo;
        let at = ooo.partition_point(|p| before(p.start, piece.start));
        let covered = |p: &Piece| !after(p.start, piece.start) && !before(p.end, piece.end) && (p.fin || !piece.fin);
        if ooo.get(at).is_some_and(covered) || at > 0 && covered(&ooo[at - 1]) {
            cx.snmp.count(Mib::TcpExtTCPOFOMerge);
            return Err(DropReason::TcpDuplicate);
        }
        let joins = |p: &Piece| p.end == piece.start && !p.last && !p.fin;
        if at > 0 && joins(&ooo[at - 1]) {
            let before_it = &mut ooo[at - 1];
            before_it.end = piece.end;
            before_it.last = piece.last;
            before_it.fin = piece.fin;
            return Ok(());
        }
        if ooo.len() >= MAX_PIECES {
            return Err(DropReason::TcpUnacceptable);
        }
        ooo.insert(at, piece);
        Ok(())
    }

    /// Delivers what waited for the hole that was just filled (`tcp_ofo_queue`).
    fn fill(&mut self, cx: &mut Cx<'_>) {
        loop {
            let rcv_nxt = self.rcv_nxt;
            let ooo = &mut self.extra().ooo;
            let Some(first) = ooo.first() else {
                // The gap is closed: at once (RFC 5681, 4.2).
                self.set(flag::ACK_NOW);
                self.tidy();
                return;
            };
            if after(first.start, rcv_nxt) {
                self.set(flag::ACK_NOW);
                return;
            }
            let piece = ooo.remove(0);
            let end = piece.end.wrapping_add(u32::from(piece.fin));
            if after(end, rcv_nxt) {
                self.deliver(cx, piece);
            }
        }
    }

    /// Hands data that is in order to the application; a piece may begin with bytes that it has already.
    fn deliver(&mut self, cx: &mut Cx<'_>, piece: Piece) {
        if after(piece.end, self.rcv_nxt) {
            if !self.has(flag::RECEIVING) {
                self.set(flag::RECEIVING);
                self.rcv_start = self.rcv_nxt;
                self.rcv_body = piece.body;
                if !piece.last {
                    self.event(cx, SockEvent::Begins);
                }
            }
            self.rcv_nxt = piece.end;
            if piece.last {
                self.unset(flag::RECEIVING);
                let len = piece.end.wrapping_sub(self.rcv_start);
                let body = self.rcv_body;
                self.event(cx, SockEvent::Message { len, body });
            }
        }
        if piece.fin {
            self.fin(cx);
        }
    }

    /// The peer's FIN, in order (`tcp_fin`).
    fn fin(&mut self, cx: &mut Cx<'_>) {
        self.rcv_nxt = self.rcv_nxt.wrapping_add(1);
        self.set(flag::ACK_SCHED);
        match self.state {
            State::Established => {
                self.state = State::CloseWait;
                self.set(flag::PINGPONG);
            }
            State::FinWait1 => {
                // Both closed at once.
                self.send_ack(cx);
                self.state = State::Closing;
            }
            State::FinWait2 => {
                self.send_ack(cx);
                self.time_wait(cx);
            }
            _ => {}
        }
        self.event(cx, SockEvent::PeerClosed);
    }

    /// Estimates the peer's segment size and notes small segments (`tcp_measure_rcv_mss`).
    fn measure(&mut self, len: u32) {
        if len >= u32::from(self.rcv_mss) {
            self.rcv_mss = len as u16;
        } else {
            if self.has(flag::ACK_PUSHED) {
                self.set(flag::ACK_PUSHED2);
            }
            self.set(flag::ACK_PUSHED);
        }
    }

    /// What every arrival of data means for acknowledgements (`tcp_event_data_recv`).
    fn data_received(&mut self, cx: &Cx<'_>, len: u32) {
        self.set(flag::ACK_SCHED);
        self.measure(len);
        if self.ato == 0 {
            self.incr_quickack(MAX_QUICKACKS);
            self.ato = ATO_MIN;
        } else {
            let gap = cx.us.wrapping_sub(self.rcv_at);
            let (ms, rto) = (gap / 1_000, self.rto());
            let ato = u32::from(self.ato);
            if ms <= u32::from(ATO_MIN) / 2 {
                self.ato = (ato / 2 + u32::from(ATO_MIN) / 2) as u8;
            } else if ms < ato {
                self.ato = (ato / 2 + ms).min(rto / 1_000).min(255) as u8;
            } else if gap > rto {
                self.incr_quickack(MAX_QUICKACKS);
            }
        }
        self.rcv_at = cx.us;
        if len >= 128 {
            self.grow_window(len);
        }
    }

    fn incr_quickack(&mut self, max: u32) {
        let wnd = u32::from(self.rcv_wnd) << WSCALE;
        let quick = (wnd / (2 * u32::from(self.rcv_mss.max(1)))).max(2).min(max);
        self.quick = self.quick.max(quick as u8);
    }

    /// Acknowledges at once for a while (`tcp_enter_quickack_mode`).
    pub(super) fn enter_quickack(&mut self, max: u32) {
        self.incr_quickack(max);
        self.unset(flag::PINGPONG);
        self.ato = ATO_MIN;
    }

    /// Acknowledges now or later, as owed (`tcp_ack_snd_check`, then `tcp_cleanup_rbuf` as the application reads).
    pub(super) fn settle_acks(&mut self, cx: &mut Cx<'_>, read: bool) {
        if !self.has(flag::ACK_SCHED) {
            return;
        }
        let unacked = self.rcv_nxt.wrapping_sub(self.rcv_wup);
        let second = unacked > u32::from(self.rcv_mss);
        let pingpong = self.has(flag::PINGPONG);
        let quick = self.quick > 0 && !pingpong;
        let emptied = read && (self.has(flag::ACK_PUSHED2) || self.has(flag::ACK_PUSHED) && !pingpong);
        if second || quick || emptied || self.has(flag::ACK_NOW) {
            self.send_ack(cx);
        } else {
            self.delay_ack(cx);
        }
    }

    /// `tcp_send_delayed_ack`.
    fn delay_ack(&mut self, cx: &mut Cx<'_>) {
        let mut ato = u32::from(self.ato.max(ATO_MIN));
        if ato > DELACK_MIN {
            let mut max = 500;
            if self.has(flag::PINGPONG) || self.has(flag::ACK_PUSHED) {
                max = DELACK_MAX;
            }
            if self.srtt > 0 {
                max = max.min((self.srtt >> 3).div_ceil(1_000).max(DELACK_MIN));
            }
            ato = ato.min(max);
        }
        ato = ato.min(DELACK_MAX);
        let mut due = cx.us.wrapping_add(ato * 1_000);
        if self.has(flag::ACK_TIMER) {
            let soon = cx.us.wrapping_add(ato * 250);
            if !after(self.delack, soon) {
                self.send_ack(cx);
                return;
            }
            if !before(due, self.delack) {
                due = self.delack;
            }
        }
        self.set(flag::ACK_TIMER);
        self.delack = due;
        self.arm(cx, due);
    }

    /// The delayed acknowledgement is due (`tcp_delack_timer_handler`).
    pub(super) fn delack_timer(&mut self, cx: &mut Cx<'_>) {
        self.unset(flag::ACK_TIMER);
        if !self.has(flag::ACK_SCHED) {
            return;
        }
        if self.has(flag::PINGPONG) {
            self.unset(flag::PINGPONG);
            self.ato = ATO_MIN;
        } else {
            let ato = u32::from(self.ato) * 2;
            self.ato = ato.min(self.rto() / 1_000).min(255) as u8;
        }
        self.send_ack(cx);
        cx.snmp.count(Mib::TcpExtDelayedACKs);
    }
}
