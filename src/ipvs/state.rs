//! Connection states, their tables and timeouts (ip_vs_proto_tcp.c, ip_vs_proto_udp.c).
//!
//! Left out: SCTP, AH, ESP.

use crate::base::Span;
use crate::wire::TcpFlags;

/// Numbers of the TCP states.
pub mod tcp {
    /// NONE
    pub const NONE: u8 = 0;
    /// ESTABLISHED
    pub const ESTABLISHED: u8 = 1;
    /// SYN_SENT
    pub const SYN_SENT: u8 = 2;
    /// SYN_RECV
    pub const SYN_RECV: u8 = 3;
    /// FIN_WAIT
    pub const FIN_WAIT: u8 = 4;
    /// TIME_WAIT
    pub const TIME_WAIT: u8 = 5;
    /// CLOSE
    pub const CLOSE: u8 = 6;
    /// CLOSE_WAIT
    pub const CLOSE_WAIT: u8 = 7;
    /// LAST_ACK
    pub const LAST_ACK: u8 = 8;
    /// LISTEN
    pub const LISTEN: u8 = 9;
    /// SYNACK
    pub const SYNACK: u8 = 10;
    /// How many there are.
    pub const STATES: u8 = 11;
}

/// Bit of a template's state: a connection of it was established.
pub const ASSURED: u8 = 1;

const TCP_NAMES: [&str; 11] = [
    "NONE",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "SYNACK",
];

/// The state's name as `ipvsadm -Lnc` shows it.
pub fn name(proto: u8, template: bool, state: u8) -> &'static str {
    match (template, proto) {
        (true, _) if state & ASSURED != 0 => "ASSURED",
        (true, _) => "NONE",
        (_, 6) => TCP_NAMES.get(usize::from(state)).copied().unwrap_or("ERR!"),
        (_, 17) => "UDP",
        _ => "NONE",
    }
}

/// Whether a connection in this TCP state counts as active.
#[inline]
pub fn tcp_active(state: u8) -> bool {
    use tcp::*;
    matches!(state, ESTABLISHED | SYN_SENT | SYN_RECV | SYNACK)
}

/// Which way a packet goes, as the tables see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    Input,
    /// From the server.
    Output,
    /// From the client, and no packet of the server was ever seen.
    InputOnly,
}

/// Seconds per state, of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    tcp: [u32; 11],
    udp: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { tcp: [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120], udp: 300 }
    }
}

impl Timeouts {
    /// Seconds in this TCP state.
    #[inline]
    pub fn tcp(&self, state: u8) -> u32 {
        self.tcp[usize::from(state)]
    }

    /// Seconds of a UDP connection.
    #[inline]
    pub fn udp(&self) -> u32 {
        self.udp
    }

    /// The three numbers of `ipvsadm -L --timeout`: ESTABLISHED, FIN_WAIT, UDP.
    pub fn shown(&self) -> (u32, u32, u32) {
        (self.tcp(tcp::ESTABLISHED), self.tcp(tcp::FIN_WAIT), self.udp)
    }

    /// `ipvsadm --set`; 0 keeps what is there.
    pub(super) fn set(&mut self, tcp: u32, tcp_fin: u32, udp: u32) {
        let slots = [(&mut self.udp, udp), (&mut self.tcp[usize::from(tcp::FIN_WAIT)], tcp_fin)];
        for (slot, value) in slots {
            if value != 0 {
                *slot = value;
            }
        }
        if tcp != 0 {
            self.tcp[usize::from(tcp::ESTABLISHED)] = tcp;
        }
    }
}

/// Seconds as a span.
#[inline]
pub(super) fn seconds(s: u32) -> Span {
    Span::from_secs(u64::from(s))
}

const NO: u8 = tcp::NONE;
const ES: u8 = tcp::ESTABLISHED;
const SS: u8 = tcp::SYN_SENT;
const SR: u8 = tcp::SYN_RECV;
const FW: u8 = tcp::FIN_WAIT;
const TW: u8 = tcp::TIME_WAIT;
const CL: u8 = tcp::CLOSE;
const CW: u8 = tcp::CLOSE_WAIT;
const LA: u8 = tcp::LAST_ACK;
const LI: u8 = tcp::LISTEN;
const SA: u8 = tcp::SYNACK;

/// Rows: the present state, from NONE to SYNACK. Columns: SYN, FIN, ACK, RST.
type Table = [[u8; 4]; 11];

const INPUT: Table = [
    [SR, CL, ES, CL], // NONE
    [ES, CW, ES, CL], // ESTABLISHED
    [ES, SS, SS, CL], // SYN_SENT
    [SR, TW, ES, SR], // SYN_RECV
    [SR, TW, FW, CL], // FIN_WAIT
    [SR, TW, TW, CL], // TIME_WAIT
    [SR, CL, CL, CL], // CLOSE
    [SR, CW, CW, CL], // CLOSE_WAIT
    [SR, LA, CL, LA], // LAST_ACK
    [SR, LI, LI, LI], // LISTEN
    [SR, TW, ES, SR], // SYNACK
];

const OUTPUT: Table = [
    [SS, TW, ES, CL],
    [ES, FW, ES, CL],
    [SS, SS, SS, SS],
    [SR, TW, ES, CL],
    [SS, FW, FW, CL],
    [SS, TW, TW, TW],
    [SS, CL, CL, CL],
    [SS, TW, CW, CL],
    [SS, LA, LA, CL],
    [LI, LI, ES, CL],
    [SR, TW, ES, CL],
];

const INPUT_ONLY: Table = [
    [SR, CL, ES, CL],
    [ES, FW, ES, CL],
    [ES, SS, SS, CL],
    [SR, TW, ES, SR],
    [SR, FW, FW, CL],
    [SR, TW, TW, CL],
    [SR, CL, CL, CL],
    [SR, CW, CW, CL],
    [SR, LA, CL, LA],
    [SR, LI, LI, LI],
    [SR, TW, ES, CL],
];

/// The cells that differ under `secure_tcp`: direction, state, column, next state.
const SECURE: [(Direction, u8, usize, u8); 15] = {
    use Direction::{Input, InputOnly, Output};
    [
        (Input, SR, 2, SR),
        (Input, SA, 0, SA),
        (Input, SA, 1, SA),
        (Input, SA, 2, SA),
        (Input, SA, 3, CL),
        (Output, SR, 0, SA),
        (Output, SA, 0, SA),
        (InputOnly, NO, 0, SA),
        (InputOnly, FW, 0, SA),
        (InputOnly, TW, 0, SA),
        (InputOnly, CL, 0, SA),
        (InputOnly, CW, 0, SA),
        (InputOnly, LA, 0, SA),
        (InputOnly, LI, 0, SA),
        (InputOnly, SA, 0, SA),
    ]
};

/// The next TCP state. The first of RST, SYN, FIN, ACK that is set counts; a segment without any of them closes.
#[inline]
pub fn tcp_next(direction: Direction, secure: bool, state: u8, flags: TcpFlags) -> u8 {
    let column = if flags.has(TcpFlags::RST) {
        3
    } else if flags.has(TcpFlags::SYN) {
        0
    } else if flags.has(TcpFlags::FIN) {
        1
    } else if flags.has(TcpFlags::ACK) {
        2
    } else {
        return CL;
    };
    if secure {
        for (d, s, c, next) in SECURE {
            if d == direction && s == state && c == column {
                return next;
            }
        }
    }
    let table = match direction {
        Direction::Input => &INPUT,
        Direction::Output => &OUTPUT,
        Direction::InputOnly => &INPUT_ONLY,
    };
    table[usize::from(state)][column]
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Input, InputOnly, Output};

    const SYN: TcpFlags = TcpFlags::SYN;
    const ACK: TcpFlags = TcpFlags::ACK;
    const FIN: TcpFlags = TcpFlags(0x11);
    const RST: TcpFlags = TcpFlags::RST;
    const SYNACK: TcpFlags = TcpFlags(0x12);

    type Story = (&'static str, bool, Vec<(Direction, TcpFlags)>, &'static str);

    #[test]
    fn connections_run_through_the_recorded_states() {
        let dr = |f| (InputOnly, f);
        let (i, o) = (|f| (Input, f), |f| (Output, f));
        let stories: &[Story] = &[
            (
                "direct routing",
                false,
                vec![dr(SYN), dr(ACK), dr(FIN), dr(ACK)],
                "SYN_RECV ESTABLISHED FIN_WAIT FIN_WAIT",
            ),
            ("reset, direct routing", false, vec![dr(SYN), dr(ACK), dr(RST)], "SYN_RECV ESTABLISHED CLOSE"),
            ("reset before the handshake", false, vec![dr(SYN), dr(RST)], "SYN_RECV SYN_RECV"),
            (
                "a new SYN in FIN_WAIT",
                false,
                vec![dr(SYN), dr(ACK), dr(FIN), dr(SYN)],
                "SYN_RECV ESTABLISHED FIN_WAIT SYN_RECV",
            ),
            ("FIN in SYN_RECV", false, vec![dr(SYN), dr(FIN)], "SYN_RECV TIME_WAIT"),
            (
                "NAT, client closes",
                false,
                vec![i(SYN), o(SYNACK), i(ACK), i(FIN), o(FIN), i(ACK)],
                "SYN_RECV SYN_RECV ESTABLISHED CLOSE_WAIT TIME_WAIT TIME_WAIT",
            ),
            (
                "NAT, server closes",
                false,
                vec![i(SYN), o(SYNACK), i(ACK), o(FIN), i(FIN)],
                "SYN_RECV SYN_RECV ESTABLISHED FIN_WAIT TIME_WAIT",
            ),
            ("NAT, refused", false, vec![i(SYN), o(RST)], "SYN_RECV CLOSE"),
            ("no flags at all", false, vec![i(SYN), i(TcpFlags(0))], "SYN_RECV CLOSE"),
            ("secure_tcp, direct routing", true, vec![dr(SYN)], "SYNACK"),
            (
                "secure_tcp, NAT",
                true,
                vec![i(SYN), o(SYNACK), i(ACK), i(FIN), o(ACK)],
                "SYN_RECV SYNACK SYNACK SYNACK ESTABLISHED",
            ),
        ];
        for (what, secure, packets, expected) in stories {
            let mut state = NO;
            let seen: Vec<&str> = packets
                .iter()
                .map(|&(d, f)| {
                    state = tcp_next(d, *secure, state, f);
                    name(6, false, state)
                })
                .collect();
            assert_eq!(seen.join(" "), *expected, "{what}");
        }
    }

    #[test]
    fn set_changes_three_timeouts_and_zero_keeps() {
        let mut t = Timeouts::default();
        t.set(0, 30, 0);
        assert_eq!(t.shown(), (900, 30, 300));
        t.set(60, 0, 5);
        assert_eq!(t.shown(), (60, 30, 5));
        assert_eq!(t.tcp(TW), 120);
    }
}
