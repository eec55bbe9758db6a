//! What a host's `net.netfilter.nf_conntrack_*` say: how many connections, and for how long.

use super::Conn;
use crate::base::Span;
use crate::sysctl::{Global, Sysctls};

/// What the host's variables say.
#[derive(Clone, Debug)]
pub(super) struct Conf {
    pub(super) version: Option<u64>,
    pub(super) most: usize,
    pub(super) loose: bool,
    max_retrans: u8,
    /// By [`Tcp`](super::Tcp).
    tcp: [Span; 10],
    retrans: Span,
    unacknowledged: Span,
    pub(super) udp: Span,
    pub(super) stream: Span,
    pub(super) icmp: Span,
    pub(super) generic: Span,
}

impl Default for Conf {
    fn default() -> Conf {
        let mut conf = Conf::of(&Sysctls::default());
        conf.version = None;
        conf
    }
}

impl Conf {
    pub(super) fn of(s: &Sysctls) -> Conf {
        let number = |key| s.global(key).max(0).unsigned_abs();
        let time = |key| Span::from_secs(number(key));
        let syn_sent = time(Global::CtTcpSynSent);
        Conf {
            version: Some(s.version()),
            most: number(Global::CtMax) as usize,
            loose: number(Global::CtTcpLoose) != 0,
            max_retrans: number(Global::CtTcpMaxRetrans) as u8,
            tcp: [
                syn_sent,
                syn_sent,
                time(Global::CtTcpSynRecv),
                time(Global::CtTcpEstablished),
                time(Global::CtTcpFinWait),
                time(Global::CtTcpCloseWait),
                time(Global::CtTcpLastAck),
                time(Global::CtTcpTimeWait),
                time(Global::CtTcpClose),
                syn_sent,
            ],
            retrans: time(Global::CtTcpRetrans),
            unacknowledged: time(Global::CtTcpUnacknowledged),
            udp: time(Global::CtUdpTimeout),
            stream: time(Global::CtUdpStream),
            icmp: time(Global::CtIcmpTimeout),
            generic: time(Global::CtGenericTimeout),
        }
    }

    /// How long a TCP connection is kept without a packet (`nf_conntrack_tcp_packet`).
    pub(super) fn tcp(&self, conn: &Conn) -> Span {
        let whole = self.tcp[conn.tcp as usize];
        let no_room = matches!(conn.sent.last, Some((.., 0)));
        let most = match () {
            () if conn.sent.retrans >= self.max_retrans => self.retrans,
            () if conn.sent.unacked != [false, false] => self.unacknowledged,
            () if no_room => self.retrans,
            // A connection that was taken up in mid-life and that nobody has answered.
            () if !conn.answered && conn.tcp == super::Tcp::Established => self.unacknowledged,
            () => whole,
        };
        whole.min(most)
    }
}
