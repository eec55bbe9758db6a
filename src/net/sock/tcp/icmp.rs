//! Errors from the network (`tcp_v4_err`, `tcp_v4_mtu_reduced`, `tcp_simple_retransmit`).
//!
//! Left out: a socket that is busy in a system call never is, so no error is put off.

use super::conn::{Cx, Recovering, Sock, State, after, before};
use super::{Quad, TcpHost, TcpOut, TcpStack};
use crate::base::SimTime;
use crate::net::sock::{Errno, SockEvent};
use crate::trace::{DropReason, Mib};
use crate::wire::{Icmp, L4};

impl TcpStack {
    /// An ICMP error about a TCP segment of this host. `mtu` is the path's MTU after the host has taken note of
    /// "fragmentation needed" (0: it does not believe such messages).
    ///
    /// # Errors
    /// It is about no connection here.
    pub fn icmp_error(
        &mut self,
        now: SimTime,
        icmp: &Icmp,
        mtu: u32,
        host: &impl TcpHost,
        out: &mut Vec<TcpOut>,
    ) -> Result<(), DropReason> {
        let quote = icmp.quote().ok_or(DropReason::NoIcmpOwner)?;
        let L4::Tcp(seg) = &quote.l4 else {
            return Err(DropReason::NoIcmpOwner);
        };
        let quad = Quad::new((quote.saddr, seg.sport), (quote.daddr, seg.dport));
        let Some(slot) = self.find(quad) else {
            self.snmp.count(Mib::IcmpInErrors);
            return Err(DropReason::NoIcmpOwner);
        };
        let (sock, mut cx) = self.at(now, slot, out);
        if matches!(sock.state, State::TimeWait) {
            return Ok(());
        }
        if sock.state == State::SynRecv && sock.listener != super::NOBODY {
            return self.request_error(now, slot, icmp, seg.seq, out);
        }
        // About something in flight, or it is not believed.
        if before(seg.seq, sock.snd_una) || after(seg.seq, sock.snd_nxt) {
            cx.snmp.count(Mib::TcpExtOutOfWindowIcmps);
            return Err(DropReason::NoIcmpOwner);
        }
        match icmp {
            Icmp::Unreachable { code: Icmp::FRAG_NEEDED, .. } => {
                if mtu > 0 {
                    sock.smaller_mtu(&mut cx, mtu);
                }
            }
            Icmp::Unreachable { .. } | Icmp::TimeExceeded { .. } => {
                sock.error(&mut cx, icmp, seg.seq, host);
            }
            Icmp::Redirect { .. } | Icmp::Echo { .. } => {}
        }
        if sock.state == State::Free {
            self.reap(slot);
        }
        Ok(())
    }

    /// An error about a SYN+ACK (`tcp_req_err`): a request that is not a connection yet goes if its client cannot be
    /// reached. Nothing is sent again for it.
    fn request_error(
        &mut self,
        now: SimTime,
        slot: u32,
        icmp: &Icmp,
        seq: u32,
        out: &mut Vec<TcpOut>,
    ) -> Result<(), DropReason> {
        let (sock, cx) = self.at(now, slot, out);
        if seq != sock.snd_una {
            cx.snmp.count(Mib::TcpExtOutOfWindowIcmps);
            return Err(DropReason::NoIcmpOwner);
        }
        if unreachable_path(icmp) || matches!(icmp, Icmp::TimeExceeded { .. }) {
            cx.snmp.count(Mib::TcpExtListenDrops);
            sock.set(super::flag::ORPHAN);
            sock.state = State::Free;
            self.reap(slot);
        }
        Ok(())
    }
}

/// Whether there is no way to the peer, as opposed to a peer that does not want.
fn unreachable_path(icmp: &Icmp) -> bool {
    matches!(icmp, Icmp::Unreachable { code: Icmp::NET | Icmp::HOST, .. })
}

impl Sock {
    fn error(&mut self, cx: &mut Cx<'_>, icmp: &Icmp, seq: u32, host: &impl TcpHost) {
        let Some((errno, _)) = Errno::of_icmp(icmp) else {
            return;
        };
        if unreachable_path(icmp) {
            self.revert_backoff(cx, seq, host);
        }
        match self.state {
            State::SynSent | State::SynRecv => self.done(cx, SockEvent::Unreachable(errno)),
            State::Free => {}
            _ => self.extra().soft_err = Some(errno),
        }
    }

    /// The path takes less: shorter segments from now on, and what was too long is sent again at once.
    fn smaller_mtu(&mut self, cx: &mut Cx<'_>, mtu: u32) {
        let overhead = 40 + u32::from(self.option_bytes());
        let mss = mtu.saturating_sub(overhead).clamp(36, 65_535) as u16;
        if mss >= self.mss || matches!(self.state, State::SynSent | State::SynRecv) {
            return;
        }
        let newest = self.snd_nxt.wrapping_sub(self.last_skb);
        let newest_is_short = newest.min(u32::from(self.mss)) <= u32::from(mss);
        let whole = self.flight().min(u32::from(self.mss)) <= u32::from(mss);
        self.mss = mss;
        if self.flight() == 0 || whole {
            return;
        }
        let (una, nxt, last) = (self.snd_una, self.snd_nxt, self.last_skb);
        if self.recovering() != Recovering::Loss {
            self.ssthresh = self.reduced_window();
        }
        let cwnd = self.cwnd;
        let extra = self.extra();
        extra.recovering = Recovering::Loss;
        extra.high_seq = nxt;
        extra.rtx_next = una;
        extra.rtx_end = if newest_is_short && after(last, una) { last } else { nxt };
        self.cwnd = cwnd;
        self.retransmit_lost(cx);
        self.rearm(cx);
    }
}
