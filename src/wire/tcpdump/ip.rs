//! IPv4 (print-ip.c, print-ip-demux.c).

use super::super::emit::checksum;
use super::{Printer, Step, Truncated, addr, be16, byte, first, rest, should_be};

/// Protocols by number: as `-v` names them, and as netdb does where a header is missing.
const PROTOCOLS: &[(u8, &str, &str)] = &[
    (1, "ICMP", "icmp"),
    (2, "IGMP", "igmp"),
    (4, "IPIP", "ipencap"),
    (6, "TCP", "tcp"),
    (17, "UDP", "udp"),
    (47, "GRE", "gre"),
    (50, "ESP", "esp"),
    (51, "AH", "ah"),
    (112, "VRRP", "vrrp"),
];

/// What a transport's printer must know of the header before it.
#[derive(Clone, Copy)]
pub(super) struct Below<'a> {
    /// The IP header.
    pub header: &'a [u8],
    /// More fragments follow.
    pub fragmented: bool,
}

impl Printer<'_> {
    pub(super) fn ip(&mut self, data: &[u8], length: u32) -> Step {
        self.protocol = "ip";
        let start = byte(data, 0)?;
        match start >> 4 {
            4 => {}
            6 => {
                self.text("IP6, wrong link-layer encapsulation (invalid)");
                return Ok(());
            }
            version => {
                self.push(format_args!("IP{version} (invalid)"));
                return Ok(());
            }
        }
        if !self.style.link {
            self.text("IP ");
        }
        if data.len() < 20 {
            self.truncated();
            return Ok(());
        }
        if length < 20 {
            self.push(format_args!("truncated-ip {length}"));
            return Ok(());
        }
        let hlen = u32::from(start & 15) * 4;
        if hlen < 20 {
            self.push(format_args!("bad-hlen {hlen}"));
            return Ok(());
        }
        let total = u32::from(be16(data, 2)?);
        if length < total {
            self.push(format_args!("truncated-ip - {} bytes missing! ", total - length));
        }
        if total < hlen {
            self.push(format_args!("bad-len {total}"));
            return Ok(());
        }
        let data = first(data, total as usize);
        let (frag, proto) = (be16(data, 6)?, byte(data, 9)?);
        if self.style.verbose > 0 {
            self.ip_header(data, hlen as usize, frag, proto)?;
        }
        let (src, dst) = (self.host(addr(data, 12)?), self.host(addr(data, 16)?));
        if frag & 0x1fff != 0 {
            if self.style.quiet <= 1 {
                self.push(format_args!("{src} > {dst}:"));
                self.unknown_protocol(proto);
            }
            return Ok(());
        }
        if !matches!(proto, 6 | 17) {
            self.push(format_args!("{src} > {dst}: "));
        }
        let hlen = hlen as usize;
        if data.len() < hlen {
            self.push(format_args!(" [remaining caplen({}) < header length({hlen})]", data.len()));
            return Err(Truncated);
        }
        let below = Below { header: &data[..hlen], fragmented: frag & 0x2000 != 0 };
        self.transport(proto, below, rest(data, hlen), total - hlen as u32)
    }

    fn transport(&mut self, proto: u8, below: Below<'_>, data: &[u8], length: u32) -> Step {
        match proto {
            1 => self.icmp(below, data, length),
            2 => self.igmp(data, length),
            4 => self.ip(data, length),
            6 => self.tcp(below, data, length),
            17 => self.udp(below, data, length),
            112 => self.vrrp(below, data, length),
            other => {
                self.unknown_protocol(other);
                self.push(format_args!(" {length}"));
                Ok(())
            }
        }
    }

    fn unknown_protocol(&mut self, proto: u8) {
        match PROTOCOLS.iter().find(|p| p.0 == proto) {
            Some((_, _, name)) if self.names.is_some() => self.push(format_args!(" {name}")),
            _ => self.push(format_args!(" ip-proto-{proto}")),
        }
    }

    /// `(tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60)` and a new line.
    fn ip_header(&mut self, data: &[u8], hlen: usize, frag: u16, proto: u8) -> Step {
        let (tos, ttl) = (byte(data, 1)?, byte(data, 8)?);
        self.push(format_args!("(tos {tos:#x}"));
        self.text(["", ",ECT(1)", ",ECT(0)", ",CE"][usize::from(tos & 3)]);
        if ttl >= 1 {
            self.push(format_args!(", ttl {ttl}"));
        }
        let flags: Vec<&str> = [(0x2000, "+"), (0x4000, "DF"), (0x8000, "rsvd")]
            .into_iter()
            .filter(|(bit, _)| frag & bit != 0)
            .map(|(_, name)| name)
            .collect();
        let flags = if flags.is_empty() { "none".into() } else { flags.join(", ") };
        let name = PROTOCOLS.iter().find(|p| p.0 == proto).map_or("unknown", |p| p.1);
        self.push(format_args!(
            ", id {}, offset {}, flags [{flags}], proto {name} ({proto}), length {}",
            be16(data, 4)?,
            u32::from(frag & 0x1fff) * 8,
            be16(data, 2)?
        ));
        if hlen > 20 {
            self.text(", options (");
            self.ip_options(rest(first(data, hlen), 20))?;
            self.text(")");
        }
        if !self.style.unchecked && data.len() >= hlen {
            let sum = checksum(&[&data[..hlen]]);
            if sum != 0 {
                let field = be16(data, 10)?;
                self.push(format_args!(", bad cksum {field:x} (->{:x})!", should_be(field, sum)));
            }
        }
        self.text(")\n    ");
        Ok(())
    }

    fn ip_options(&mut self, mut options: &[u8]) -> Step {
        let mut separator = "";
        while let Some(&code) = options.first() {
            self.text(separator);
            separator = ",";
            match code {
                0 => self.text("EOL"),
                1 => self.text("NOP"),
                7 => self.text("RR"),
                148 => self.text("RA"),
                other => self.push(format_args!("unknown {other}")),
            }
            let len = match code {
                0 => return Ok(()),
                1 => 1,
                _ => usize::from(byte(options, 1)?),
            };
            if len == 0 || (code != 1 && len < 2) || len > options.len() {
                self.push(format_args!(" [bad length {len}]"));
                return Ok(());
            }
            if code == 148 && len >= 4 && be16(options, 2)? != 0 {
                self.push(format_args!(" value {}", be16(options, 2)?));
            }
            options = rest(options, len);
        }
        Ok(())
    }
}
