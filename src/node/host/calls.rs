//! Socket calls of programs that are typed at the shell: connect, listen, send, receive, close (net/socket.c, net/ipv4/af_inet.c).
//!
//! A program holds a number, as a process holds a file descriptor, and reads news from it. Left out: partial reads (a message
//! is read whole), socket options. The kernel draws a program's port at random among the even ones for `connect`
//! (`__inet_hash_connect`); here it is drawn from the upper half of the range, since the connections of a scenario's
//! traffic count upwards from its beginning.

use super::Host;
use super::sockets::{sock_errno, tcp_route};
use crate::base::{DevIdx, SimTime};
use crate::net::fib::{FlowKey, RouteKind};
use crate::net::sock::{Errno, ListenOpts, ListenerId, SockEvent, SockId, UdpId};
use crate::node::Cx;
use crate::node::app::{AppOut, Owner};
use crate::sysctl::Global;
use crate::wire::{Body, Said};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Sockets that the programs of a host may hold at once: RLIMIT_NOFILE's usual value.
const MOST: usize = 1024;

/// What a program hears from a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The connection stands.
    Connected,
    /// A text was read.
    Text(Arc<str>),
    /// Bytes that are no text, as the servers of a scenario's traffic send them.
    Bytes(u32),
    /// Somebody connected to the listener: the new connection's number.
    Accepted(u32),
    /// The peer will send no more.
    PeerClosed,
    /// The connection is over, or never came to be.
    Error(Errno),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Tcp(SockId),
    Listener(ListenerId),
    Udp(UdpId),
}

#[derive(Clone, Debug)]
struct Call {
    kind: Kind,
    local: (Ipv4Addr, u16),
    news: VecDeque<(SimTime, News)>,
}

/// The sockets that programs of a host hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    open: Vec<Option<Call>>,
}

impl Calls {
    fn add(&mut self, kind: Kind, local: (Ipv4Addr, u16)) -> u32 {
        let place = self.free_place();
        if place == self.open.len() {
            self.open.push(None);
        }
        self.open[place] = Some(Call { kind, local, news: VecDeque::new() });
        place as u32
    }

    fn free_place(&self) -> usize {
        self.open.iter().position(Option::is_none).unwrap_or(self.open.len())
    }

    fn get(&self, number: u32) -> Option<&Call> {
        self.open.get(number as usize)?.as_ref()
    }

    fn hear(&mut self, number: u32, now: SimTime, news: News) {
        if let Some(Some(call)) = self.open.get_mut(number as usize) {
            call.news.push_back((now, news));
        }
    }
}

/// What a program asks for when it connects.
#[derive(Clone, Copy, Debug)]
pub struct Connecting {
    /// TCP; else UDP.
    pub tcp: bool,
    /// Whom.
    pub to: (Ipv4Addr, u16),
    /// From which address, if one was chosen.
    pub saddr: Option<Ipv4Addr>,
    /// From which port, if one was chosen.
    pub sport: Option<u16>,
    /// By which device, if one was chosen (`SO_BINDTODEVICE`).
    pub dev: Option<DevIdx>,
}

impl Host {
    /// Whether a socket may be bound to this address (`inet_can_nonlocal_bind`). Whoever connects from one that is not here
    /// has no way (`ip_route_output_key_hash_rcu`); whoever listens may wait for it.
    fn may_bind(&self, addr: Ipv4Addr) -> bool {
        self.net.sysctl.global(Global::IpNonlocalBind) != 0 || self.net.is_local(addr)
    }

    /// `socket`, `bind` if an address or port was chosen, `connect`. Returns the socket's number.
    ///
    /// # Errors
    /// What the calls say. That nobody answers comes as [`News::Error`].
    pub fn call_connect(&mut self, how: &Connecting, cx: &mut Cx<'_>) -> Result<u32, Errno> {
        if how.saddr.is_some_and(|a| !self.may_bind(a)) {
            return Err(Errno::AddrNotAvail);
        }
        if self.calls.free_place() >= MOST {
            return Err(Errno::TooManyFiles);
        }
        if let Some(port) = how.sport
            && if how.tcp { self.tcp.port_in_use(port) } else { self.udp.port_in_use(port) }
        {
            return Err(Errno::AddrInUse);
        }
        let saddr = how.saddr.unwrap_or(Ipv4Addr::UNSPECIFIED);
        // 0.0.0.0 means this host (`ip_route_output_key_hash_rcu`).
        let to = if how.to.0.is_unspecified() { (Ipv4Addr::LOCALHOST, how.to.1) } else { how.to };
        let key = FlowKey { saddr, oif: how.dev, ..FlowKey::to(to.0) };
        let route = self.net.output_route_key(key).map_err(sock_errno)?;
        if route.kind == RouteKind::Broadcast || to.0.is_multicast() {
            return Err(if how.tcp { Errno::NetUnreach } else { Errno::Acces });
        }
        let sport = match how.sport {
            Some(port) => port,
            None => self.free_port(how.tcp)?,
        };
        self.take_sysctls();
        let local = (route.saddr, sport);
        let number = self.calls.free_place() as u32;
        let user = Owner::Program(number).user();
        let kind = if how.tcp {
            let info = tcp_route(&self.net, &route, to.0, cx.now);
            Kind::Tcp(self.tcp.connect(cx.now, local, to, info, user, &mut self.tcp_out)?)
        } else {
            Kind::Udp(self.udp.connect(local, to, user)?)
        };
        self.calls.add(kind, local);
        self.carry_out(cx);
        Ok(number)
    }

    /// `socket`, `bind`, `listen` on a TCP port. Returns the socket's number.
    ///
    /// # Errors
    /// EADDRINUSE, EADDRNOTAVAIL, EMFILE.
    pub fn call_listen(&mut self, addr: Option<Ipv4Addr>, port: u16) -> Result<u32, Errno> {
        if addr.is_some_and(|a| !self.may_bind(a)) {
            return Err(Errno::AddrNotAvail);
        }
        if self.calls.free_place() >= MOST {
            return Err(Errno::TooManyFiles);
        }
        self.take_sysctls();
        let user = Owner::Program(self.calls.free_place() as u32).user();
        let listener = self.tcp.listen(port, ListenOpts { addr, backlog: 1 }, user)?;
        Ok(self.calls.add(Kind::Listener(listener), (addr.unwrap_or(Ipv4Addr::UNSPECIFIED), port)))
    }

    /// A UDP socket bound to a port that the kernel draws. Returns its number.
    ///
    /// # Errors
    /// EADDRNOTAVAIL, EMFILE.
    pub fn call_bind_udp(&mut self) -> Result<u32, Errno> {
        if self.calls.free_place() >= MOST {
            return Err(Errno::TooManyFiles);
        }
        let port = self.free_port(false)?;
        let user = Owner::Program(self.calls.free_place() as u32).user();
        let sock = self.udp.bind(None, port, user)?;
        Ok(self.calls.add(Kind::Udp(sock), (Ipv4Addr::UNSPECIFIED, port)))
    }

    /// Sends a text.
    ///
    /// # Errors
    /// EPIPE if the connection is gone or closed for sending.
    pub fn call_send(&mut self, number: u32, text: &str, cx: &mut Cx<'_>) -> Result<(), Errno> {
        let kind = self.calls.get(number).ok_or(Errno::Pipe)?.kind;
        let body = Body::text(cx.texts.number(text));
        match kind {
            Kind::Tcp(sock) => {
                let sent = self.tcp.send(cx.now, sock, text.len() as u32, body, &mut self.tcp_out);
                self.carry_out(cx);
                sent.map_err(|_| Errno::Pipe)
            }
            Kind::Udp(sock) => {
                let len = u16::try_from(text.len()).map_err(|_| Errno::MsgSize)?;
                let (from, to) = self.udp.peers(sock).ok_or(Errno::Pipe)?;
                self.app_out.push(AppOut::Datagram { from, to, len, body });
                self.carry_out(cx);
                Ok(())
            }
            Kind::Listener(_) => Err(Errno::Pipe),
        }
    }

    /// The next news of a socket, and when it came.
    pub fn call_news(&mut self, number: u32) -> Option<(SimTime, News)> {
        self.calls.open.get_mut(number as usize)?.as_mut()?.news.pop_front()
    }

    /// Own address and port of a socket.
    pub fn call_local(&self, number: u32) -> Option<(Ipv4Addr, u16)> {
        self.calls.get(number).map(|c| c.local)
    }

    /// `shutdown(SHUT_WR)`: no more is sent, but the peer is still heard.
    pub fn call_shutdown(&mut self, number: u32, cx: &mut Cx<'_>) {
        if let Some(Call { kind: Kind::Tcp(sock), .. }) = self.calls.get(number) {
            let sock = *sock;
            self.tcp.shutdown(cx.now, sock, &mut self.tcp_out);
            self.carry_out(cx);
        }
    }

    /// `close`: a process that ends does it, too.
    pub fn call_close(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(call) = self.calls.open.get_mut(number as usize).and_then(Option::take) else { return };
        match call.kind {
            Kind::Tcp(sock) => self.tcp.close(cx.now, sock, &mut self.tcp_out),
            Kind::Listener(listener) => self.tcp.unlisten(cx.now, listener, &mut self.tcp_out),
            Kind::Udp(sock) => self.udp.close(sock),
        }
        self.carry_out(cx);
    }

    /// An event of a TCP socket that a program holds.
    pub(super) fn program_tcp_event(&mut self, number: u32, sock: SockId, what: SockEvent, cx: &mut Cx<'_>) {
        let news = match what {
            SockEvent::Connected => News::Connected,
            SockEvent::Accepted { .. } => {
                if self.calls.free_place() >= MOST {
                    return;
                }
                self.tcp.accept(sock);
                let new = self
                    .calls
                    .add(Kind::Tcp(sock), self.calls.get(number).map_or((Ipv4Addr::UNSPECIFIED, 0), |c| c.local));
                self.tcp.set_user(sock, Owner::Program(new).user());
                News::Accepted(new)
            }
            SockEvent::Message { len, body } => said(len, body, cx),
            SockEvent::PeerClosed => News::PeerClosed,
            SockEvent::Begins | SockEvent::Closed => return,
            SockEvent::Refused => News::Error(Errno::ConnRefused),
            SockEvent::Reset => News::Error(Errno::ConnReset),
            SockEvent::Unreachable(errno) | SockEvent::TimedOut(errno) => News::Error(errno),
        };
        self.calls.hear(number, cx.now, news);
        self.wake_programs = true;
    }

    /// A datagram for a program's socket.
    pub(super) fn program_datagram(&mut self, number: u32, len: u16, body: Body, cx: &mut Cx<'_>) {
        let news = said(u32::from(len), body, cx);
        self.calls.hear(number, cx.now, news);
        self.wake_programs = true;
    }

    /// An error for a program's UDP socket.
    pub(super) fn program_udp_error(&mut self, number: u32, errno: Errno, now: SimTime) {
        self.calls.hear(number, now, News::Error(errno));
        self.wake_programs = true;
    }

    /// A port that nothing uses (`__inet_hash_connect`, `inet_csk_find_open_port`): from the upper half of
    /// `ip_local_port_range` every second one. Linux would look at the others after these.
    pub(super) fn free_port(&mut self, tcp: bool) -> Result<u16, Errno> {
        let (low, high) = self.net.sysctl.local_ports();
        let count = u32::from(high - low) + 1;
        let half = if count > 4 { count / 2 } else { 0 };
        let first = u32::from(low) + ((half + 1) & !1);
        let ports = u64::from((u32::from(high) + 1 - first).div_ceil(2));
        let start = self.rng.below(ports);
        for n in 0..ports {
            let port = (first + 2 * ((start + n) % ports) as u32) as u16;
            let taken = if tcp { self.tcp.port_in_use(port) } else { self.udp.port_in_use(port) };
            if !taken {
                return Ok(port);
            }
        }
        Err(Errno::AddrNotAvail)
    }
}

fn said(len: u32, body: Body, cx: &Cx<'_>) -> News {
    match body.said() {
        Said::Text(n) => cx.texts.all().get(n as usize).cloned().map_or(News::Bytes(len), News::Text),
        _ => News::Bytes(len),
    }
}
