//! TCP segments (RFC 9293), with the options that Linux sends by default: MSS, SACK permitted, timestamps and window
//! scale on a SYN (20 bytes), timestamps afterwards (12 bytes), none on the RST of a closed port.

use super::Body;
use std::fmt;

/// TCP's flag bits, as on the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: TcpFlags = TcpFlags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: TcpFlags = TcpFlags(0x02);
    /// Reset the connection.
    pub const RST: TcpFlags = TcpFlags(0x04);
    /// Push: end of what the application wrote.
    pub const PSH: TcpFlags = TcpFlags(0x08);
    /// The acknowledgement field counts.
    pub const ACK: TcpFlags = TcpFlags(0x10);

    /// Whether any bit of `other` is set.
    #[inline]
    pub fn has(self, other: TcpFlags) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for TcpFlags {
    type Output = TcpFlags;
    fn bitor(self, other: TcpFlags) -> TcpFlags {
        TcpFlags(self.0 | other.0)
    }
}

/// Names joined by commas in the order SYN, FIN, RST, PSH, ACK: `SYN,ACK`.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(Self::SYN, "SYN"), (Self::FIN, "FIN"), (Self::RST, "RST"), (Self::PSH, "PSH"), (Self::ACK, "ACK")];
        let mut first = true;
        for (flag, name) in names {
            if self.has(flag) {
                if !first {
                    f.write_str(",")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

/// A TCP segment. Its payload is a length and a meaning, never bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSegment {
    /// Sequence number of the first byte (or of SYN / FIN).
    pub seq: u32,
    /// Acknowledgement number, where ACK is set.
    pub ack: u32,
    /// What the payload says, on the first segment of a message.
    pub body: Body,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
    /// Payload bytes.
    pub len: u16,
    /// The MSS option of a SYN; 0 where there is none.
    pub mss: u16,
    /// The window field as on the wire (before scaling).
    pub window: u16,
    /// Flag bits.
    pub flags: TcpFlags,
    /// Whether this segment ends a message of the application. A real receiver counts bytes; nothing of this is on the wire.
    pub end: bool,
    /// Whether the timestamps option is there (always 20 bytes of options on a SYN).
    pub timestamps: bool,
}

impl TcpSegment {
    /// Bytes of header with options.
    #[inline]
    pub fn header_len(&self) -> u32 {
        if self.flags.has(TcpFlags::SYN) {
            40
        } else if self.timestamps {
            32
        } else {
            20
        }
    }

    /// What it takes of sequence space: payload, SYN, FIN.
    #[inline]
    pub fn seq_len(&self) -> u32 {
        u32::from(self.len) + u32::from(self.flags.has(TcpFlags::SYN)) + u32::from(self.flags.has(TcpFlags::FIN))
    }
}
