//! TCP (RFC 9293 as Linux 6.1 does it: net/ipv4/tcp*.c), for one host, without IO.
//!
//! | file | what |
//! | --- | --- |
//! | `api` | what host and applications see |
//! | `conn` | one connection's state |
//! | `input` | the state machine |
//! | `recv`, `ack` | data and acknowledgements received |
//! | `output` | segments sent |
//! | `timer`, `rtt` | timeouts |
//! | `icmp` | errors from the network |
//!
//! Each file says what it leaves out.

mod ack;
mod api;
mod conn;
mod icmp;
mod input;
mod output;
mod recv;
mod rtt;
#[cfg(test)]
mod tests;
mod timer;

pub use api::{ListenOpts, ListenerId, Route, SendError, TcpConf, TcpHost, TcpOut};
pub use timer::reset_for;

use super::{Errno, SockEvent, SockId, SockInfo, SockTimer};
use crate::base::digest::Digest;
use crate::base::{Chunks, Index, SimTime};
use crate::trace::{DropReason, Mib, Snmp};
use crate::wire::{Body, IpPacket, L4, Proto, TcpFlags, TcpSegment};
use conn::{Cx, Pending, Sock, State, flag, micros};
use input::Fate;
use std::net::Ipv4Addr;

/// TCP_INIT_CWND: segments that a new connection may have in flight.
const INIT_CWND: u16 = 10;
/// No listener.
const NOBODY: u16 = u16::MAX;

/// Addresses and ports of a connection: own first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Quad {
    laddr: u32,
    raddr: u32,
    lport: u16,
    rport: u16,
}

impl Quad {
    #[inline]
    fn hash(self) -> u64 {
        let addrs = u64::from(self.laddr) << 32 | u64::from(self.raddr);
        let ports = u64::from(self.lport) << 16 | u64::from(self.rport);
        addrs.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32) ^ ports
    }

    fn new(local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16)) -> Quad {
        Quad { laddr: local.0.to_bits(), raddr: remote.0.to_bits(), lport: local.1, rport: remote.1 }
    }
}

#[derive(Clone, Debug)]
struct Listener {
    addr: Option<Ipv4Addr>,
    port: u16,
    backlog: u32,
    user: u32,
    /// Connections not accepted yet.
    queued: u32,
}

/// All TCP connections of a host.
#[derive(Clone, Debug)]
pub struct TcpStack {
    /// The variables in force.
    pub conf: TcpConf,
    /// What this stack has counted.
    pub snmp: Snmp,
    socks: Chunks<Sock>,
    free: Vec<u32>,
    /// Connections by [`Quad::hash`].
    table: Index,
    listeners: Vec<Option<Listener>>,
    key: u64,
}

impl TcpStack {
    /// A stack without connections. `key` makes its sequence numbers its own (RFC 6528).
    pub fn new(key: u64) -> TcpStack {
        TcpStack {
            conf: TcpConf::default(),
            snmp: Snmp::default(),
            socks: Chunks::default(),
            free: Vec::new(),
            table: Index::default(),
            listeners: Vec::new(),
            key,
        }
    }

    /// Waits for connections to a port. `user` goes into the events of its connections until [`TcpStack::set_user`].
    ///
    /// # Errors
    /// EADDRINUSE if somebody listens there already; EADDRNOTAVAIL after 65,535 listeners.
    pub fn listen(&mut self, port: u16, opts: ListenOpts, user: u32) -> Result<ListenerId, Errno> {
        let clash = |l: &Listener| l.port == port && (l.addr == opts.addr || l.addr.is_none() || opts.addr.is_none());
        if self.listeners.iter().flatten().any(clash) {
            return Err(Errno::AddrInUse);
        }
        let listener =
            Listener { addr: opts.addr, port, backlog: opts.backlog.min(self.conf.somaxconn), user, queued: 0 };
        let place = self.listeners.iter().position(Option::is_none);
        let place = place.unwrap_or(self.listeners.len());
        if place >= usize::from(NOBODY) {
            return Err(Errno::AddrNotAvail);
        }
        if place == self.listeners.len() {
            self.listeners.push(None);
        }
        self.listeners[place] = Some(listener);
        Ok(ListenerId(place as u16))
    }

    /// Stops listening: connections that were accepted stay, the others are reset (`inet_csk_listen_stop`).
    pub fn unlisten(&mut self, now: SimTime, id: ListenerId, out: &mut Vec<TcpOut>) {
        if self.listeners.get_mut(usize::from(id.0)).and_then(Option::take).is_none() {
            return;
        }
        for slot in 0..self.socks.len() as u32 {
            let sock = &mut self.socks[slot as usize];
            if sock.state == State::Free || sock.listener != id.0 {
                continue;
            }
            sock.listener = NOBODY;
            if sock.state == State::SynRecv {
                sock.state = State::Free;
                self.reap(slot);
            } else if sock.has(flag::QUEUED) {
                sock.set(flag::ORPHAN);
                let id = sock.id(slot);
                self.abort(now, id, out);
            }
        }
    }

    /// Opens a connection: sends the SYN.
    ///
    /// # Errors
    /// EADDRNOTAVAIL if the connection exists, in TIME_WAIT for example.
    pub fn connect(
        &mut self,
        now: SimTime,
        local: (Ipv4Addr, u16),
        remote: (Ipv4Addr, u16),
        route: Route,
        user: u32,
        out: &mut Vec<TcpOut>,
    ) -> Result<SockId, Errno> {
        let quad = Quad::new(local, remote);
        if self.find(quad).is_some() {
            return Err(Errno::AddrNotAvail);
        }
        let iss = self.isn(now, quad);
        let slot = self.new_sock(quad, iss);
        let timestamps = self.conf.timestamps;
        let (sock, mut cx) = self.at(now, slot, out);
        sock.user = user;
        sock.listener = NOBODY;
        sock.state = State::SynSent;
        if timestamps {
            sock.set(flag::TS);
        }
        sock.send_syn(&mut cx, route.advmss, false);
        cx.snmp.count(Mib::TcpActiveOpens);
        let rto = sock.rto();
        sock.wait(&mut cx, Pending::Rto, rto);
        Ok(sock.id(slot))
    }

    /// The application took a connection that a listener announced: it no longer counts against the backlog.
    pub fn accept(&mut self, id: SockId) {
        if let Some(sock) = self.sock(id)
            && sock.has(flag::QUEUED)
        {
            sock.unset(flag::QUEUED);
            let listener = usize::from(sock.listener);
            if let Some(Some(l)) = self.listeners.get_mut(listener) {
                l.queued = l.queued.saturating_sub(1);
            }
        }
    }

    /// A number of the message that was read last. It comes from the client's end alone (address, port, sequence number), so
    /// that it is the same whichever server a director chooses.
    pub fn message_key(&self, id: SockId) -> u64 {
        let Some(sock) = self.socks.get(id.slot as usize).filter(|s| s.id(id.slot) == id) else { return 0 };
        let mut hash = Digest::default();
        hash.word(u64::from(sock.quad.raddr) << 16 | u64::from(sock.quad.rport));
        hash.word(u64::from(sock.rcv_start));
        hash.finish()
    }

    /// The other end of a connection, if it is there.
    pub fn peer(&self, id: SockId) -> Option<(u32, u16)> {
        let sock = self.socks.get(id.slot as usize).filter(|s| s.id(id.slot) == id)?;
        Some((sock.quad.raddr, sock.quad.rport))
    }

    /// What the application calls the socket from now on.
    pub fn set_user(&mut self, id: SockId, user: u32) {
        if let Some(sock) = self.sock(id) {
            sock.user = user;
        }
    }

    /// Writes a message of `len` bytes that says `body`.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send(
        &mut self,
        now: SimTime,
        id: SockId,
        len: u32,
        body: Body,
        out: &mut Vec<TcpOut>,
    ) -> Result<(), SendError> {
        let sock = self.sock(id).ok_or(SendError::Pipe)?;
        if !matches!(sock.state, State::Established | State::CloseWait) {
            return Err(SendError::Pipe);
        }
        if sock.write_seq.wrapping_sub(sock.snd_una).saturating_add(len) > 1 << 30 {
            return Err(SendError::Full);
        }
        if len > 0 {
            sock.write(len, body);
            let (sock, mut cx) = self.at(now, id.slot, out);
            sock.push(&mut cx);
        }
        Ok(())
    }

    /// Sends a FIN after what was written; the socket still reads (`shutdown(SHUT_WR)`).
    pub fn shutdown(&mut self, now: SimTime, id: SockId, out: &mut Vec<TcpOut>) {
        let Some(sock) = self.sock(id) else { return };
        sock.state = match sock.state {
            State::Established => State::FinWait1,
            State::CloseWait => State::LastAck,
            _ => return,
        };
        sock.set(flag::FIN);
        let (sock, mut cx) = self.at(now, id.slot, out);
        sock.push(&mut cx);
    }

    /// The application lets go: FIN after what was written, and no more events (`close`).
    pub fn close(&mut self, now: SimTime, id: SockId, out: &mut Vec<TcpOut>) {
        let Some(sock) = self.sock(id) else { return };
        sock.set(flag::ORPHAN);
        match sock.state {
            State::SynSent | State::SynRecv => {
                sock.state = State::Free;
                self.reap(id.slot);
            }
            State::FinWait2 => {
                let (sock, mut cx) = self.at(now, id.slot, out);
                sock.fin_wait2(&mut cx);
            }
            _ => self.shutdown(now, id, out),
        }
    }

    /// The application lets go at once: RST, and no more events (`close` with a linger time of 0, or a killed process).
    pub fn abort(&mut self, now: SimTime, id: SockId, out: &mut Vec<TcpOut>) {
        if self.sock(id).is_none() {
            return;
        }
        let (sock, mut cx) = self.at(now, id.slot, out);
        if !matches!(sock.state, State::SynSent | State::TimeWait | State::LastAck | State::Closing) {
            sock.send_reset(&mut cx);
        }
        if matches!(sock.state, State::Established | State::CloseWait) {
            cx.snmp.count(Mib::TcpEstabResets);
        }
        sock.set(flag::ORPHAN);
        sock.state = State::Free;
        self.reap(id.slot);
    }

    /// A TCP packet for this host.
    ///
    /// # Errors
    /// Why the segment was of no use. What answers it (a RST for no connection) is in `out` all the same.
    pub fn input(
        &mut self,
        now: SimTime,
        packet: &IpPacket,
        host: &impl TcpHost,
        out: &mut Vec<TcpOut>,
    ) -> Result<(), DropReason> {
        let L4::Tcp(seg) = &packet.l4 else {
            return Err(DropReason::TcpUnacceptable);
        };
        self.snmp.count(Mib::TcpInSegs);
        let quad = Quad::new((packet.daddr, seg.dport), (packet.saddr, seg.sport));
        let Some(slot) = self.find(quad) else {
            return self.without_connection(now, packet, seg, host, None, out);
        };
        let (sock, mut cx) = self.at(now, slot, out);
        let mut fate = sock.input(&mut cx, seg, || host.route(packet.daddr, packet.saddr));
        if matches!(fate, Fate::Complete) {
            fate = self.establish(now, slot, seg, out);
        }
        if self.socks[slot as usize].state == State::Free {
            self.reap(slot);
        }
        match fate {
            Fate::Taken | Fate::Complete => Ok(()),
            Fate::Dropped(reason) => Err(reason),
            Fate::Reset => {
                self.send_reset_for(packet, seg, out);
                Err(DropReason::TcpNoConnection)
            }
            Fate::Reuse(iss) => {
                if self.listener_for(packet.daddr, seg.dport).is_some() {
                    self.socks[slot as usize].state = State::Free;
                    self.reap(slot);
                }
                self.without_connection(now, packet, seg, host, Some(iss), out)
            }
        }
    }

    /// The host calls as it was asked to by [`TcpOut::Arm`].
    pub fn timer(&mut self, now: SimTime, id: SockId, host: &impl TcpHost, out: &mut Vec<TcpOut>) {
        if self.sock(id).is_none() {
            return;
        }
        let (sock, mut cx) = self.at(now, id.slot, out);
        sock.timer(&mut cx, host);
        if sock.state == State::Free {
            self.reap(id.slot);
        }
    }

    /// Listeners, then connections in the order of their places.
    pub fn sockets(&self) -> Vec<SockInfo> {
        let any = Ipv4Addr::UNSPECIFIED;
        let listening = self.listeners.iter().flatten().map(|l| SockInfo {
            proto: Proto::Tcp,
            local: (l.addr.unwrap_or(any), l.port),
            remote: (any, 0),
            dev: None,
            state: "LISTEN",
            recv_q: l.queued,
            send_q: l.backlog,
            timer: None,
        });
        let live = self.socks.iter().filter(|s| s.state != State::Free);
        let connected = live.map(|s| SockInfo {
            proto: Proto::Tcp,
            local: (Ipv4Addr::from_bits(s.quad.laddr), s.quad.lport),
            remote: (Ipv4Addr::from_bits(s.quad.raddr), s.quad.rport),
            dev: None,
            state: s.state.name(),
            recv_q: 0,
            send_q: match s.state {
                State::TimeWait | State::FinWait2 | State::SynRecv => 0,
                _ => s.snd_end().wrapping_sub(s.snd_una),
            },
            timer: match s.pending {
                Pending::None => None,
                Pending::Life => Some(SockTimer { what: "timewait", until: s.timeout, retransmits: 0 }),
                _ => Some(SockTimer { what: "on", until: s.timeout, retransmits: s.retransmits }),
            },
        });
        listening.chain(connected).collect()
    }

    /// Connections in the states ESTABLISHED and CLOSE_WAIT. Looks at every connection.
    pub fn established(&self) -> usize {
        self.socks.iter().filter(|s| matches!(s.state, State::Established | State::CloseWait)).count()
    }

    /// How many connections there are, in whatever state.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is a connection between these ends to which redirects and path MTUs mean something: one that waits for
    /// the handshake's end, or for its time to pass, hears of neither (`tcp_v4_err`).
    pub fn knows(&self, local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16)) -> bool {
        let slot = self.find(Quad::new(local, remote));
        slot.is_some_and(|s| !matches!(self.socks[s as usize].state, State::SynRecv | State::TimeWait))
    }

    /// Whether there is no connection.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether a socket still exists.
    pub fn exists(&self, id: SockId) -> bool {
        self.socks.get(id.slot as usize).is_some_and(|s| s.state != State::Free && s.generation == id.generation)
    }

    /// Whether a port is taken by a listener or a connection that is not in TIME_WAIT. Looks at every connection.
    pub fn port_in_use(&self, port: u16) -> bool {
        self.listeners.iter().flatten().any(|l| l.port == port)
            || self.socks.iter().any(|s| s.state != State::Free && s.quad.lport == port && s.listener == NOBODY)
    }

    /// The connection between these ends.
    #[inline]
    fn find(&self, quad: Quad) -> Option<u32> {
        self.table.find(quad.hash(), |slot| self.socks[slot as usize].quad == quad)
    }

    fn sock(&mut self, id: SockId) -> Option<&mut Sock> {
        let sock = self.socks.get_mut(id.slot as usize)?;
        (sock.generation == id.generation && sock.state != State::Free).then_some(sock)
    }

    fn at<'a>(&'a mut self, now: SimTime, slot: u32, out: &'a mut Vec<TcpOut>) -> (&'a mut Sock, Cx<'a>) {
        let cx = Cx { now, us: micros(now), conf: &self.conf, snmp: &mut self.snmp, slot, out };
        (&mut self.socks[slot as usize], cx)
    }

    fn new_sock(&mut self, quad: Quad, iss: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.socks.push(Sock::default());
            (self.socks.len() - 1) as u32
        });
        let sock = &mut self.socks[slot as usize];
        *sock = Sock { quad, generation: sock.generation, ..Sock::default() };
        sock.begin(iss);
        self.table.insert(quad.hash(), slot);
        slot
    }

    /// Gives a place back.
    fn reap(&mut self, slot: u32) {
        let sock = &mut self.socks[slot as usize];
        sock.generation = sock.generation.wrapping_add(1);
        sock.extra = None;
        let (quad, listener, queued) = (sock.quad, sock.listener, sock.has(flag::QUEUED));
        self.table.remove(quad.hash(), slot);
        self.free.push(slot);
        if queued && let Some(Some(l)) = self.listeners.get_mut(usize::from(listener)) {
            l.queued = l.queued.saturating_sub(1);
        }
    }

    /// RFC 6528: a clock and a hash of the connection.
    fn isn(&self, now: SimTime, quad: Quad) -> u32 {
        let mut hash = Digest::default();
        hash.word(self.key);
        hash.word(u64::from(quad.laddr) << 32 | u64::from(quad.raddr));
        hash.word(u64::from(quad.lport) << 16 | u64::from(quad.rport));
        (hash.finish() as u32).wrapping_add((now.0 >> 6) as u32)
    }

    fn listener_for(&self, addr: Ipv4Addr, port: u16) -> Option<usize> {
        let place = |exact: bool| {
            self.listeners.iter().position(|l| {
                l.as_ref().is_some_and(|l| l.port == port && l.addr.map_or(!exact, |a| exact && a == addr))
            })
        };
        place(true).or_else(|| place(false))
    }

    /// A segment that belongs to no connection: a new one, or a RST.
    fn without_connection(
        &mut self,
        now: SimTime,
        packet: &IpPacket,
        seg: &TcpSegment,
        host: &impl TcpHost,
        iss: Option<u32>,
        out: &mut Vec<TcpOut>,
    ) -> Result<(), DropReason> {
        let Some(place) = self.listener_for(packet.daddr, seg.dport) else {
            self.send_reset_for(packet, seg, out);
            let asks = seg.flags.has(TcpFlags::SYN) && !seg.flags.has(TcpFlags::ACK);
            return Err(if asks {
                DropReason::NoSocket { proto: Proto::Tcp, port: seg.dport }
            } else {
                DropReason::TcpNoConnection
            });
        };
        let has = |f| seg.flags.has(f);
        if has(TcpFlags::RST) {
            return Err(DropReason::TcpNoConnection);
        }
        if has(TcpFlags::ACK) {
            self.send_reset_for(packet, seg, out);
            return Err(DropReason::TcpNoConnection);
        }
        if !has(TcpFlags::SYN) || has(TcpFlags::FIN) {
            return Err(DropReason::TcpUnacceptable);
        }
        let (full, limit, user) = match &self.listeners[place] {
            Some(l) => (l.queued > l.backlog, l.backlog, l.user),
            None => return Err(DropReason::TcpUnacceptable),
        };
        if full {
            return Err(DropReason::TcpBacklogFull { limit });
        }
        let Some(route) = host.route(packet.daddr, packet.saddr) else {
            self.snmp.count(Mib::IpOutNoRoutes);
            self.snmp.count(Mib::TcpExtListenDrops);
            return Err(DropReason::NoRoute { dst: packet.saddr });
        };
        let quad = Quad::new((packet.daddr, seg.dport), (packet.saddr, seg.sport));
        let iss = iss.unwrap_or_else(|| self.isn(now, quad));
        let slot = self.new_sock(quad, iss);
        let timestamps = self.conf.timestamps && seg.timestamps;
        let (sock, mut cx) = self.at(now, slot, out);
        sock.user = user;
        sock.listener = place as u16;
        sock.state = State::SynRecv;
        if timestamps {
            sock.set(flag::TS);
        }
        sock.rcv_nxt = seg.seq.wrapping_add(1);
        sock.size_segments(seg.mss, route);
        // The timer first (`inet_csk_reqsk_queue_hash_add`): one that sending arms for ARP fires before it.
        sock.wait(&mut cx, Pending::Rto, rtt::RTO_INIT);
        sock.send_syn(&mut cx, route.advmss, false);
        Ok(())
    }

    /// The handshake is complete; the connection waits to be accepted, if there is room.
    fn establish(&mut self, now: SimTime, slot: u32, seg: &TcpSegment, out: &mut Vec<TcpOut>) -> Fate {
        let listener = self.socks[slot as usize].listener;
        let mut what = SockEvent::Connected;
        if let Some(Some(l)) = self.listeners.get_mut(usize::from(listener)) {
            if l.queued > l.backlog {
                return Fate::Dropped(DropReason::TcpBacklogFull { limit: l.backlog });
            }
            l.queued += 1;
            self.snmp.count(Mib::TcpPassiveOpens);
            self.socks[slot as usize].set(flag::QUEUED);
            what = SockEvent::Accepted { listener: ListenerId(listener) };
        }
        let (sock, mut cx) = self.at(now, slot, out);
        sock.complete(&mut cx, seg, what)
    }

    /// `tcp_v4_send_reset`.
    fn send_reset_for(&mut self, packet: &IpPacket, seg: &TcpSegment, out: &mut Vec<TcpOut>) {
        if let Some(segment) = reset_for(seg) {
            self.snmp.count(Mib::TcpOutSegs);
            self.snmp.count(Mib::TcpOutRsts);
            out.push(TcpOut::Segment {
                saddr: packet.daddr,
                daddr: packet.saddr,
                segment,
                confirm: false,
                retransmission: false,
            });
        }
    }
}
