//! The errors that a socket reports, by their names in errno.h, and what ICMP makes of them (`icmp_err_convert` in
//! net/ipv4/icmp.c).

use crate::wire::Icmp;
use std::fmt;

/// An error of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Errno {
    /// Operation not permitted: a broadcast address, or a route of type prohibit.
    Acces = 1,
    /// Invalid argument: a route of type blackhole.
    Inval,
    /// The address or port is taken.
    AddrInUse,
    /// No such address, or every port is taken.
    AddrNotAvail,
    /// Network is unreachable.
    NetUnreach,
    /// No route to host.
    HostUnreach,
    /// Host is down.
    HostDown,
    /// Machine is not on the network.
    NoNet,
    /// Protocol not available.
    NoProtoOpt,
    /// Operation not supported.
    OpNotSupp,
    /// Protocol error.
    Proto,
    /// Message too long.
    MsgSize,
    /// Connection refused.
    ConnRefused,
    /// Connection reset by peer.
    ConnReset,
    /// Broken pipe.
    Pipe,
    /// Connection timed out.
    TimedOut,
    /// Too many open files.
    TooManyFiles,
}

impl Errno {
    /// The name in errno.h, such as `ECONNREFUSED`.
    pub fn name(self) -> &'static str {
        match self {
            Errno::Acces => "EACCES",
            Errno::Inval => "EINVAL",
            Errno::AddrInUse => "EADDRINUSE",
            Errno::AddrNotAvail => "EADDRNOTAVAIL",
            Errno::NetUnreach => "ENETUNREACH",
            Errno::HostUnreach => "EHOSTUNREACH",
            Errno::HostDown => "EHOSTDOWN",
            Errno::NoNet => "ENONET",
            Errno::NoProtoOpt => "ENOPROTOOPT",
            Errno::OpNotSupp => "EOPNOTSUPP",
            Errno::Proto => "EPROTO",
            Errno::MsgSize => "EMSGSIZE",
            Errno::ConnRefused => "ECONNREFUSED",
            Errno::ConnReset => "ECONNRESET",
            Errno::Pipe => "EPIPE",
            Errno::TimedOut => "ETIMEDOUT",
            Errno::TooManyFiles => "EMFILE",
        }
    }

    /// What the C library says about it, as `curl` and `ping` print it.
    pub fn text(self) -> &'static str {
        match self {
            Errno::Acces => "Permission denied",
            Errno::Inval => "Invalid argument",
            Errno::AddrInUse => "Address already in use",
            Errno::AddrNotAvail => "Cannot assign requested address",
            Errno::NetUnreach => "Network is unreachable",
            Errno::HostUnreach => "No route to host",
            Errno::HostDown => "Host is down",
            Errno::NoNet => "Machine is not on the network",
            Errno::NoProtoOpt => "Protocol not available",
            Errno::OpNotSupp => "Operation not supported",
            Errno::Proto => "Protocol error",
            Errno::MsgSize => "Message too long",
            Errno::ConnRefused => "Connection refused",
            Errno::ConnReset => "Connection reset by peer",
            Errno::Pipe => "Broken pipe",
            Errno::TimedOut => "Connection timed out",
            Errno::TooManyFiles => "Too many open files",
        }
    }

    /// The error that an ICMP message stands for, and whether a datagram socket hears of it without asking
    /// (`fatal` in the kernel's table). Nothing for messages that are no errors to a socket: echo, redirect.
    pub fn of_icmp(icmp: &Icmp) -> Option<(Errno, bool)> {
        match icmp {
            Icmp::Unreachable { code, .. } => Some(match code {
                0 | 6 | 11 => (Errno::NetUnreach, *code == 6),
                1 | 12 => (Errno::HostUnreach, false),
                2 => (Errno::NoProtoOpt, true),
                3 => (Errno::ConnRefused, true),
                4 => (Errno::MsgSize, false),
                5 => (Errno::OpNotSupp, false),
                7 => (Errno::HostDown, true),
                8 => (Errno::NoNet, true),
                9 => (Errno::NetUnreach, true),
                10 | 13 | 14 | 15 => (Errno::HostUnreach, true),
                _ => return None,
            }),
            Icmp::TimeExceeded { .. } => Some((Errno::HostUnreach, false)),
            Icmp::Echo { .. } | Icmp::Redirect { .. } => None,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
