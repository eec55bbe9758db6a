//! Which connections a `conntrack` command means.

use crate::net::netfilter::conntrack::{Conn, Tcp};
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// A word of `-u`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Assured,
    SeenReply,
    Unreplied,
    /// No word at all.
    Unset,
    /// What no connection here ever is.
    Never,
}

/// What `-n`, `-g` and `-j` ask; nothing given: any translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Translated {
    pub addr: Option<Ipv4Addr>,
    pub port: Option<u16>,
}

/// What was asked for; what is not set holds for all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// IPv6 alone, which has no connections here.
    pub six: Option<bool>,
    pub src: Option<(Ipv4Addr, u32)>,
    pub dst: Option<(Ipv4Addr, u32)>,
    pub src_mask: Option<u32>,
    pub dst_mask: Option<u32>,
    pub reply_src: Option<Ipv4Addr>,
    pub reply_dst: Option<Ipv4Addr>,
    pub proto: Option<u8>,
    /// Source and destination of the first packet, then those of the answers.
    pub ports: [Option<u16>; 4],
    pub icmp_type: Option<u8>,
    pub icmp_code: Option<u8>,
    pub icmp_id: Option<u16>,
    pub state: Option<Tcp>,
    pub mark: Option<(u32, u32)>,
    pub status: Vec<Status>,
    pub snat: Option<Translated>,
    pub dnat: Option<Translated>,
    pub any_nat: Option<Translated>,
    pub zone: u16,
}

impl Filter {
    /// Whether a connection is meant.
    pub fn holds(&self, c: &Conn) -> bool {
        let (orig, reply) = (c.original(), c.reply());
        let under = |want: Option<(Ipv4Addr, u32)>, addr: Ipv4Addr| {
            want.is_none_or(|(want, mask)| u32::from(want) & mask == u32::from(addr) & mask)
        };
        let ports = [orig.sport, orig.dport, reply.sport, reply.dport];
        self.six != Some(true)
            && self.zone == 0
            && under(self.src, orig.src)
            && under(self.dst, orig.dst)
            && self.reply_src.is_none_or(|a| a == reply.src)
            && self.reply_dst.is_none_or(|a| a == reply.dst)
            && self.proto.is_none_or(|p| p == orig.proto)
            && self.ports.iter().zip(ports).all(|(want, port)| want.is_none_or(|w| w == port))
            && self.echo(c)
            && self.state.is_none_or(|s| c.tcp() == Some(s))
            && self.mark.is_none_or(|(value, mask)| c.mark() & mask == value)
            && self.in_status(c)
            && self.translated(c)
    }

    /// What was asked about echo; every connection of ICMP begins with a request.
    fn echo(&self, c: &Conn) -> bool {
        let asked = self.icmp_type.is_some() || self.icmp_code.is_some() || self.icmp_id.is_some();
        !asked
            || c.original().proto == Proto::Icmp as u8
                && self.icmp_type.is_none_or(|t| t == 8)
                && self.icmp_code.is_none_or(|code| code == 0)
                && self.icmp_id.is_none_or(|id| id == c.original().sport)
    }

    /// All words at once; that there was an answer goes before that there was none.
    fn in_status(&self, c: &Conn) -> bool {
        let answered = self.status.contains(&Status::SeenReply);
        self.status.iter().all(|word| match word {
            Status::Assured => c.assured(),
            Status::SeenReply => c.answered(),
            Status::Unreplied => answered || !c.answered(),
            Status::Unset => true,
            Status::Never => false,
        })
    }

    fn translated(&self, c: &Conn) -> bool {
        let (orig, reply, (src_done, dst_done)) = (c.original(), c.reply(), c.settled());
        let ported = matches!(orig.proto, 6 | 17);
        let end = |want: Translated, done: bool, before: (Ipv4Addr, u16), after: (Ipv4Addr, u16)| {
            let (addr, port) = (done && before.0 != after.0, done && ported && before.1 != after.1);
            match (want.addr, want.port) {
                (None, None) => addr || port,
                (wanted_addr, wanted_port) => {
                    wanted_addr.is_none_or(|a| addr && a == after.0) && wanted_port.is_none_or(|p| port && p == after.1)
                }
            }
        };
        let source = |want| end(want, src_done, (orig.src, orig.sport), (reply.dst, reply.dport));
        let dest = |want| end(want, dst_done, (orig.dst, orig.dport), (reply.src, reply.sport));
        self.snat.is_none_or(source)
            && self.dnat.is_none_or(dest)
            && self.any_nat.is_none_or(|want| source(want) || dest(want))
    }
}
