//! Capture files in libpcap's own format (pcap-savefile(5), sf-pcap.c): version 2.4, this machine's byte order.
//!
//! Left out: pcapng, files of the other byte order or of ancient versions, link types that no host here has.

use crate::wire::capture::LinkType;

/// The first four bytes: time stamps in microseconds, or in nanoseconds.
const MAGIC: u32 = 0xa1b2_c3d4;
const MAGIC_NANO: u32 = 0xa1b2_3c4d;
const MAGIC_PCAPNG: u32 = 0x0a0d_0d0a;
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

/// A packet with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// Seconds since 1970, and nanoseconds.
    pub time: (i64, u32),
    /// How long it was.
    pub len: u32,
    /// What was kept of it.
    pub bytes: Vec<u8>,
}

/// What a file begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub link: LinkType,
    pub snaplen: u32,
    pub nano: bool,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadFile {
    /// What libpcap says.
    Pcap(String),
    /// What lvsim does not know.
    NotSimulated(&'static str),
}

/// The numbers of link types in files (LINKTYPE_*), which differ from those in memory for raw IP.
const LINK_TYPES: &[(LinkType, u32)] = &[(LinkType::En10mb, 1), (LinkType::Raw, 101), (LinkType::LinuxSll2, 276)];

impl Header {
    /// The bytes at the beginning of a file.
    pub fn bytes(self) -> Vec<u8> {
        let number = LINK_TYPES.iter().find(|(link, _)| *link == self.link).map_or(0, |(_, n)| *n);
        let mut out = Vec::with_capacity(FILE_HEADER);
        out.extend_from_slice(&if self.nano { MAGIC_NANO } else { MAGIC }.to_le_bytes());
        out.extend_from_slice(&2u16.to_le_bytes());
        out.extend_from_slice(&4u16.to_le_bytes());
        for word in [0, 0, self.snaplen, number] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// A packet's bytes in this file.
    pub fn packet(self, packet: &Saved) -> Vec<u8> {
        let (secs, nanos) = packet.time;
        let fraction = if self.nano { nanos } else { nanos / 1000 };
        let mut out = Vec::with_capacity(PACKET_HEADER + packet.bytes.len());
        for word in [secs as u32, fraction, packet.bytes.len() as u32, packet.len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&packet.bytes);
        out
    }

    /// Reads the beginning of a file.
    pub fn read(bytes: &[u8]) -> Result<Header, BadFile> {
        let short = |wanted: usize| {
            let got = bytes.len();
            format!("truncated dump file; tried to read {wanted} file header bytes, only got {got}")
        };
        let Some(magic) = word(bytes, 0) else { return Err(BadFile::Pcap(short(4))) };
        let nano = match magic {
            MAGIC => false,
            MAGIC_NANO => true,
            MAGIC_PCAPNG => return Err(BadFile::NotSimulated("of a pcapng file")),
            _ => return Err(BadFile::Pcap("unknown file format".into())),
        };
        let (Some(version), Some(snaplen), Some(number)) = (word(bytes, 4), word(bytes, 16), word(bytes, 20)) else {
            return Err(BadFile::Pcap(short(FILE_HEADER)));
        };
        let (major, minor) = (version & 0xffff, version >> 16);
        if major != 2 || minor > 4 {
            return Err(BadFile::Pcap(format!("unsupported pcap savefile version {major}.{minor}")));
        }
        let Some((link, _)) = LINK_TYPES.iter().find(|(_, n)| *n == number) else {
            return Err(BadFile::NotSimulated("of a file with another link type"));
        };
        // Nothing at all means that nothing was cut (`pcap_adjust_snapshot`).
        let snaplen = if snaplen == 0 || snaplen > i32::MAX as u32 { super::args::MAXIMUM_SNAPLEN } else { snaplen };
        Ok(Header { link: *link, snaplen, nano })
    }
}

/// Reads the packet at `at`; moves on behind it. None at the end of the file.
pub(super) fn next_packet(header: Header, bytes: &[u8], at: &mut usize) -> Result<Option<Saved>, String> {
    let rest = bytes.get(*at..).unwrap_or(&[]);
    if rest.is_empty() {
        return Ok(None);
    }
    let (Some(secs), Some(fraction), Some(kept), Some(len)) =
        (word(rest, 0), word(rest, 4), word(rest, 8), word(rest, 12))
    else {
        let got = rest.len();
        return Err(format!("truncated dump file; tried to read {PACKET_HEADER} header bytes, only got {got}"));
    };
    let most = super::args::MAXIMUM_SNAPLEN;
    if kept > most {
        return Err(if kept > header.snaplen {
            format!("invalid packet capture length {kept}, bigger than snaplen of {}", header.snaplen)
        } else {
            format!("invalid packet capture length {kept}, bigger than maximum of {most}")
        });
    }
    let body = &rest[PACKET_HEADER..];
    let Some(body) = body.get(..kept as usize) else {
        return Err(format!("truncated dump file; tried to read {kept} captured bytes, only got {}", body.len()));
    };
    *at += PACKET_HEADER + kept as usize;
    let bytes = body[..body.len().min(header.snaplen as usize)].to_vec();
    let nanos = if header.nano { fraction } else { fraction.saturating_mul(1000) };
    Ok(Some(Saved { time: (i64::from(secs), nanos), len, bytes }))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { link: LinkType::Raw, snaplen: 262_144, nano: false };

    fn packet() -> Saved {
        Saved { time: (1_704_067_201, 234_567_000), len: 60, bytes: vec![0x45, 0xff, 0x80] }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let mut bytes = HEADER.bytes();
        assert_eq!(bytes.len(), FILE_HEADER);
        assert_eq!(bytes[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(bytes[20..], [101, 0, 0, 0]);
        bytes.extend(HEADER.packet(&packet()));
        assert_eq!(Header::read(&bytes), Ok(HEADER));
        let mut at = FILE_HEADER;
        assert_eq!(next_packet(HEADER, &bytes, &mut at), Ok(Some(packet())));
        assert_eq!(next_packet(HEADER, &bytes, &mut at), Ok(None));
    }

    #[test]
    fn what_is_no_capture_or_ends_early_is_told() {
        let pcap = |text: &str| Err(BadFile::Pcap(text.into()));
        let whole = HEADER.bytes();
        assert_eq!(Header::read(b""), pcap("truncated dump file; tried to read 4 file header bytes, only got 0"));
        assert_eq!(Header::read(b"plain text"), pcap("unknown file format"));
        let short = pcap("truncated dump file; tried to read 24 file header bytes, only got 20");
        assert_eq!(Header::read(&whole[..20]), short);
        let record = HEADER.packet(&packet());
        let ended = |n: usize| next_packet(HEADER, &record[..n], &mut 0).expect_err("it ends early");
        assert_eq!(ended(7), "truncated dump file; tried to read 16 header bytes, only got 7");
        assert_eq!(ended(18), "truncated dump file; tried to read 3 captured bytes, only got 2");
    }
}
