//! ICMP echo sockets: which program sent which identifier (net/ipv4/ping.c, and raw sockets as `ping` opens them).

use crate::trace::DropReason;
use crate::wire::Icmp;

/// The programs of a host that wait for echo replies, by identifier. There are few.
#[derive(Clone, Debug, Default)]
pub struct PingTable {
    open: Vec<(u16, u32)>,
    last: u16,
}

impl PingTable {
    /// Opens a socket for `user`; returns the identifier of its requests. Identifiers count up from 1 and skip those in use.
    /// None after 65,535 at once.
    pub fn open(&mut self, user: u32) -> Option<u16> {
        let ident =
            (1..=u16::MAX).map(|step| self.last.wrapping_add(step)).find(|&i| i != 0 && self.owner(i).is_none())?;
        self.last = ident;
        self.open.push((ident, user));
        Some(ident)
    }

    /// Closes the socket.
    pub fn close(&mut self, ident: u16) {
        self.open.retain(|&(i, _)| i != ident);
    }

    /// Who sent requests with this identifier.
    pub fn owner(&self, ident: u16) -> Option<u32> {
        self.open.iter().find(|&&(i, _)| i == ident).map(|&(_, user)| user)
    }

    /// Who waits for an ICMP message: an echo reply, or an error about an echo request.
    ///
    /// # Errors
    /// Nobody does.
    pub fn input(&self, icmp: &Icmp) -> Result<u32, DropReason> {
        let ident = match icmp {
            Icmp::Echo { request: false, ident, .. } => Some(*ident),
            Icmp::Echo { .. } => None,
            error => error.quote().and_then(|quote| match &quote.l4 {
                crate::wire::L4::Icmp(inner) => match **inner {
                    Icmp::Echo { request: true, ident, .. } => Some(ident),
                    _ => None,
                },
                _ => None,
            }),
        };
        ident.and_then(|i| self.owner(i)).ok_or(DropReason::NoIcmpOwner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Body;

    #[test]
    fn a_reply_finds_the_ping_that_asked() {
        let mut pings = PingTable::default();
        let first = pings.open(10).expect("room");
        let second = pings.open(20).expect("room");
        let reply = |ident| Icmp::Echo { request: false, ident, seq: 1, len: 56, body: Body::FILLER };
        assert_eq!(pings.input(&reply(first)), Ok(10));
        assert_eq!(pings.input(&reply(second)), Ok(20));
        pings.close(first);
        assert_eq!(pings.input(&reply(first)), Err(DropReason::NoIcmpOwner));
    }
}
