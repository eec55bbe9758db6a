//! UDP sockets (RFC 768; net/ipv4/udp.c): servers bound to a port, clients connected to a peer.
//!
//! A datagram goes to the socket that fits it best: connected, then bound to the address, then bound to the port. A server
//! answers from the address that was asked. A connected socket hears of ICMP errors that the kernel's table calls fatal,
//! port unreachable above all; others hear of none. Left out: SO_REUSEPORT, several receivers of one
//! broadcast or multicast datagram, receive buffers (an application reads at once).

use super::{Errno, SockInfo};
use crate::base::{DevIdx, Table};
use crate::trace::DropReason;
use crate::wire::{Datagram, Icmp, IpPacket, L4, Proto};
use std::net::Ipv4Addr;

/// Names a UDP socket; void once it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpId {
    /// Place in the table.
    pub slot: u32,
    /// How often the place was used before (modulo 2^16).
    pub generation: u16,
}

/// What a UDP socket hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpEvent {
    /// A datagram.
    Datagram {
        /// The socket.
        sock: UdpId,
        /// What the application called it.
        user: u32,
        /// Who sent it.
        from: (Ipv4Addr, u16),
        /// The address and port that were asked: an answer comes from there.
        to: (Ipv4Addr, u16),
        /// The datagram.
        datagram: Datagram,
    },
    /// An ICMP error about what a connected socket sent.
    Error {
        /// The socket.
        sock: UdpId,
        /// What the application called it.
        user: u32,
        /// The error that its next call reports.
        errno: Errno,
    },
}

type Quad = (u64, u32);

#[derive(Clone, Debug)]
struct Sock {
    local: (Option<Ipv4Addr>, u16),
    remote: Option<(Ipv4Addr, u16)>,
    /// Only what comes by this device (`SO_BINDTODEVICE`).
    dev: Option<DevIdx>,
    user: u32,
    generation: u16,
    live: bool,
}

/// All UDP sockets of a host.
#[derive(Clone, Debug, Default)]
pub struct UdpStack {
    socks: Vec<Sock>,
    free: Vec<u32>,
    /// Connected sockets by their four-tuple.
    connected: Table<Quad, u32>,
    /// Bound sockets, in the order of binding: there are few.
    bound: Vec<u32>,
}

fn quad(local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16)) -> Quad {
    (u64::from(local.0.to_bits()) << 32 | u64::from(remote.0.to_bits()), u32::from(local.1) << 16 | u32::from(remote.1))
}

impl UdpStack {
    /// Waits for datagrams to a port, of one address or of all.
    ///
    /// # Errors
    /// EADDRINUSE if somebody is bound there already.
    pub fn bind(&mut self, addr: Option<Ipv4Addr>, port: u16, user: u32) -> Result<UdpId, Errno> {
        let clash = |s: &Sock| s.local.1 == port && (s.local.0 == addr || s.local.0.is_none() || addr.is_none());
        if self.bound.iter().any(|&slot| clash(&self.socks[slot as usize])) {
            return Err(Errno::AddrInUse);
        }
        let id = self.add((addr, port), None, user);
        self.bound.push(id.slot);
        Ok(id)
    }

    /// The same for what comes by one device only.
    ///
    /// # Errors
    /// As [`UdpStack::bind`].
    pub fn bind_device(&mut self, addr: Ipv4Addr, port: u16, dev: DevIdx, user: u32) -> Result<UdpId, Errno> {
        let id = self.bind(Some(addr), port, user)?;
        self.socks[id.slot as usize].dev = Some(dev);
        Ok(id)
    }

    /// A socket that talks to one peer only.
    ///
    /// # Errors
    /// EADDRINUSE if there is one already.
    pub fn connect(&mut self, local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16), user: u32) -> Result<UdpId, Errno> {
        let key = quad(local, remote);
        if self.connected.contains(&key) {
            return Err(Errno::AddrInUse);
        }
        let id = self.add((Some(local.0), local.1), Some(remote), user);
        self.connected.insert(key, id.slot);
        Ok(id)
    }

    fn add(&mut self, local: (Option<Ipv4Addr>, u16), remote: Option<(Ipv4Addr, u16)>, user: u32) -> UdpId {
        let mut sock = Sock { local, remote, dev: None, user, generation: 0, live: true };
        let slot = match self.free.pop() {
            Some(slot) => {
                sock.generation = self.socks[slot as usize].generation;
                self.socks[slot as usize] = sock;
                slot
            }
            None => {
                self.socks.push(sock);
                (self.socks.len() - 1) as u32
            }
        };
        UdpId { slot, generation: self.socks[slot as usize].generation }
    }

    /// Closes a socket. Nothing is sent.
    pub fn close(&mut self, id: UdpId) {
        let Some(sock) = self.socks.get_mut(id.slot as usize) else {
            return;
        };
        if !sock.live || sock.generation != id.generation {
            return;
        }
        sock.live = false;
        sock.generation = sock.generation.wrapping_add(1);
        match (sock.local.0, sock.remote) {
            (Some(addr), Some(remote)) => {
                self.connected.remove(&quad((addr, sock.local.1), remote));
            }
            _ => self.bound.retain(|&slot| slot != id.slot),
        }
        self.free.push(id.slot);
    }

    /// The addresses of a connected socket: own, the peer's.
    pub fn peers(&self, id: UdpId) -> Option<((Ipv4Addr, u16), (Ipv4Addr, u16))> {
        let sock = self.socks.get(id.slot as usize)?;
        if !sock.live || sock.generation != id.generation {
            return None;
        }
        Some(((sock.local.0?, sock.local.1), sock.remote?))
    }

    /// A UDP packet for this host that came by `dev`.
    ///
    /// # Errors
    /// Nobody waits for it: the host answers with ICMP port unreachable.
    pub fn input(&self, packet: &IpPacket, dev: DevIdx) -> Result<UdpEvent, DropReason> {
        let L4::Udp(datagram) = packet.l4 else {
            return Err(DropReason::NoIcmpOwner);
        };
        let to = (packet.daddr, datagram.dport);
        let from = (packet.saddr, datagram.sport);
        let slot = self.connected.get(&quad(to, from)).copied();
        let slot = slot
            .or_else(|| self.bound_to(to, Some(dev)))
            .ok_or(DropReason::NoSocket { proto: Proto::Udp, port: datagram.dport })?;
        let sock = &self.socks[slot as usize];
        Ok(UdpEvent::Datagram {
            sock: UdpId { slot, generation: sock.generation },
            user: sock.user,
            from,
            to,
            datagram,
        })
    }

    /// The socket bound to an address and port; `dev` is where a packet came by, none to look at every socket.
    fn bound_to(&self, to: (Ipv4Addr, u16), dev: Option<DevIdx>) -> Option<u32> {
        let with = |addr: Option<Ipv4Addr>| {
            let local = (addr, to.1);
            let fits = |&&slot: &&u32| {
                let sock = &self.socks[slot as usize];
                sock.local == local && (dev.is_none() || sock.dev.is_none() || sock.dev == dev)
            };
            self.bound.iter().find(fits).copied()
        };
        with(Some(to.0)).or_else(|| with(None))
    }

    /// An ICMP error about a datagram of this host. None if no socket hears of it.
    pub fn icmp_error(&self, icmp: &Icmp) -> Option<UdpEvent> {
        let (errno, fatal) = Errno::of_icmp(icmp)?;
        let quote = icmp.quote()?;
        let L4::Udp(datagram) = &quote.l4 else {
            return None;
        };
        let key = quad((quote.saddr, datagram.sport), (quote.daddr, datagram.dport));
        let slot = *self.connected.get(&key)?;
        let sock = &self.socks[slot as usize];
        // A socket that discovers path MTUs, as all do by default, hears of them (`__udp4_lib_err`).
        let too_long = matches!(icmp, Icmp::Unreachable { code: Icmp::FRAG_NEEDED, .. });
        (fatal || too_long).then_some(UdpEvent::Error {
            sock: UdpId { slot, generation: sock.generation },
            user: sock.user,
            errno,
        })
    }

    /// Whether a socket has this port. Looks at every socket.
    pub fn port_in_use(&self, port: u16) -> bool {
        self.socks.iter().any(|s| s.live && s.local.1 == port)
    }

    /// Whether a socket sends from `local` to `remote`: a connected one, or one bound there.
    pub fn sends_from(&self, local: (Ipv4Addr, u16), remote: (Ipv4Addr, u16)) -> bool {
        self.connected.contains(&quad(local, remote)) || self.bound_to(local, None).is_some()
    }

    /// Sockets in the order of their places.
    pub fn sockets(&self) -> Vec<SockInfo> {
        let any = Ipv4Addr::UNSPECIFIED;
        let live = self.socks.iter().filter(|s| s.live);
        live.map(|s| SockInfo {
            proto: Proto::Udp,
            local: (s.local.0.unwrap_or(any), s.local.1),
            remote: s.remote.unwrap_or((any, 0)),
            state: if s.remote.is_some() { "ESTABLISHED" } else { "" },
            dev: s.dev,
            recv_q: 0,
            send_q: 0,
            timer: None,
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, PacketId};

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

    fn packet(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> IpPacket {
        IpPacket {
            saddr: from.0,
            daddr: to.0,
            id: PacketId(1),
            frag: IpPacket::DF,
            ttl: 64,
            tos: 0,
            l4: L4::Udp(Datagram { sport: from.1, dport: to.1, len: 10, body: Body::FILLER }),
        }
    }

    #[test]
    fn a_datagram_goes_to_the_socket_that_fits_best() {
        let mut udp = UdpStack::default();
        let any = udp.bind(None, 53, 1).expect("a free port");
        let mine = udp.connect((B, 53), (A, 1000), 2).expect("a free port");
        let user = |udp: &UdpStack, to| match udp.input(&packet((A, 1000), to), DevIdx(2)) {
            Ok(UdpEvent::Datagram { user, to: asked, .. }) => (user, asked.0),
            other => panic!("no datagram: {other:?}"),
        };
        assert_eq!(user(&udp, (B, 53)), (2, B));
        assert_eq!(user(&udp, (VIP, 53)), (1, VIP));
        udp.close(mine);
        assert_eq!(user(&udp, (B, 53)), (1, B));
        udp.close(any);
        udp.close(any);
        let refused = udp.input(&packet((A, 1000), (B, 53)), DevIdx(2));
        assert!(matches!(refused, Err(DropReason::NoSocket { port: 53, .. })));
    }

    #[test]
    fn a_client_hears_of_port_unreachable_and_of_host_unreachable_not() {
        let mut udp = UdpStack::default();
        udp.connect((A, 1000), (B, 53), 7).expect("a free port");
        let about = |code| Icmp::Unreachable { code, mtu: 0, quote: Box::new(packet((A, 1000), (B, 53))) };
        let heard = udp.icmp_error(&about(Icmp::PORT));
        assert!(matches!(heard, Some(UdpEvent::Error { user: 7, errno: Errno::ConnRefused, .. })));
        assert_eq!(udp.icmp_error(&about(Icmp::HOST)), None);
    }

    #[test]
    fn a_socket_bound_to_a_device_hears_nothing_that_comes_by_another() {
        let mut udp = UdpStack::default();
        udp.bind_device(VIP, 53, DevIdx(2), 0).expect("a free port");
        assert!(udp.input(&packet((A, 1000), (VIP, 53)), DevIdx(2)).is_ok());
        assert!(udp.input(&packet((A, 1000), (VIP, 53)), DevIdx(3)).is_err());
    }

    #[test]
    fn a_port_is_bound_once() {
        let mut udp = UdpStack::default();
        udp.bind(Some(A), 53, 0).expect("a free port");
        assert_eq!(udp.bind(None, 53, 0), Err(Errno::AddrInUse));
        udp.bind(Some(B), 53, 0).expect("another address");
    }
}
