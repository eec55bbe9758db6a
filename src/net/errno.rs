//! The errors that network commands get from the kernel, in the C library's words.

use std::fmt;

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// EPERM
    NotPermitted,
    /// ENOENT
    NoEntry,
    /// ESRCH
    NoProcess,
    /// ENXIO
    NoSuchAddress,
    /// EACCES
    Access,
    /// EBUSY
    Busy,
    /// EEXIST
    Exists,
    /// EXDEV
    CrossDevice,
    /// ENODEV
    NoDevice,
    /// EINVAL
    Invalid,
    /// EOPNOTSUPP
    NotSupported,
    /// EADDRNOTAVAIL
    AddrNotAvail,
    /// ENETDOWN
    NetDown,
    /// ENETUNREACH
    NetUnreachable,
    /// ENOBUFS
    NoBufs,
    /// EHOSTUNREACH
    HostUnreachable,
    /// ERANGE
    Range,
}

impl Errno {
    /// Linux's number on x86.
    pub fn code(self) -> i32 {
        match self {
            Errno::NotPermitted => 1,
            Errno::NoEntry => 2,
            Errno::NoProcess => 3,
            Errno::NoSuchAddress => 6,
            Errno::Access => 13,
            Errno::Busy => 16,
            Errno::Exists => 17,
            Errno::CrossDevice => 18,
            Errno::NoDevice => 19,
            Errno::Invalid => 22,
            Errno::Range => 34,
            Errno::NotSupported => 95,
            Errno::AddrNotAvail => 99,
            Errno::NetDown => 100,
            Errno::NetUnreachable => 101,
            Errno::NoBufs => 105,
            Errno::HostUnreachable => 113,
        }
    }
}

/// What `strerror` says.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Errno::NotPermitted => "Operation not permitted",
            Errno::NoEntry => "No such file or directory",
            Errno::NoProcess => "No such process",
            Errno::NoSuchAddress => "No such device or address",
            Errno::Access => "Permission denied",
            Errno::Busy => "Device or resource busy",
            Errno::Exists => "File exists",
            Errno::CrossDevice => "Invalid cross-device link",
            Errno::NoDevice => "No such device",
            Errno::Invalid => "Invalid argument",
            Errno::NotSupported => "Operation not supported",
            Errno::AddrNotAvail => "Cannot assign requested address",
            Errno::NetDown => "Network is down",
            Errno::NetUnreachable => "Network is unreachable",
            Errno::NoBufs => "No buffer space available",
            Errno::HostUnreachable => "No route to host",
            Errno::Range => "Numerical result out of range",
        })
    }
}

/// An error with the sentence that the kernel attaches to netlink answers (extended acknowledgement), where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetError {
    /// The number.
    pub errno: Errno,
    /// The kernel's sentence, without a final point.
    pub text: Option<&'static str>,
}

impl NetError {
    /// An error with the kernel's sentence.
    pub const fn new(errno: Errno, text: &'static str) -> NetError {
        NetError { errno, text: Some(text) }
    }
}

impl From<Errno> for NetError {
    fn from(errno: Errno) -> NetError {
        NetError { errno, text: None }
    }
}

/// As iproute2 prints it: the kernel's sentence, or the number's text.
impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Some(text) => write!(f, "Error: {text}{}", if text.ends_with('.') { "" } else { "." }),
            None => write!(f, "RTNETLINK answers: {}", self.errno),
        }
    }
}
