//! ICMP (print-icmp.c). Left out: router discovery, time stamps, masks, the objects of multi-part extensions (RFC 4884);
//! no lvsim host sends them.

use super::super::Proto;
use super::super::emit::checksum;
use super::ip::Below;
use super::{Printer, Step, addr, be16, byte, first, rest, should_be};

impl Printer<'_> {
    pub(super) fn icmp(&mut self, below: Below<'_>, data: &[u8], length: u32) -> Step {
        self.protocol = "icmp";
        let (kind, code) = (byte(data, 0)?, byte(data, 1)?);
        // Where tcpdump looks ahead, only this printer gives up.
        if (kind == 11 && data.len() < 28) || (kind == 3 && code == 3 && data.len() < 18) {
            self.truncated();
            return Ok(());
        }
        let what = match kind {
            0 | 8 => {
                let what = if kind == 8 { "request" } else { "reply" };
                format!("echo {what}, id {}, seq {}", be16(data, 4)?, be16(data, 6)?)
            }
            3 => self.unreachable(code, data)?,
            4 => "source quench".into(),
            5 => {
                let (about, gateway) = (self.host(addr(data, 24)?), self.host(addr(data, 4)?));
                match code {
                    0 => format!("redirect {about} to net {gateway}"),
                    1 => format!("redirect {about} to host {gateway}"),
                    2 => format!("redirect-tos {about} to net {gateway}"),
                    3 => format!("redirect-tos {about} to host {gateway}"),
                    other => format!("redirect-#{other} {about} to {gateway}"),
                }
            }
            11 => match code {
                0 => "time exceeded in-transit".into(),
                1 => "ip reassembly time exceeded".into(),
                other => format!("time exceeded-#{other}"),
            },
            12 if code == 0 => format!("parameter problem - octet {}", byte(data, 4)?),
            12 => format!("parameter problem - code {code}"),
            other => format!("type-#{other}"),
        };
        self.push(format_args!("ICMP {what}, length {length}"));
        if self.style.verbose == 0 {
            return Ok(());
        }
        if !below.fragmented && data.len() >= length as usize {
            let sum = checksum(&[&data[..length as usize]]);
            if sum != 0 {
                let field = be16(data, 2)?;
                self.push(format_args!(" (wrong icmp cksum {field:x} (->{:x})!)", should_be(field, sum)));
            }
        }
        if matches!(kind, 3 | 4 | 5 | 11 | 12) {
            self.text("\n\t");
            let quote = rest(data, 8);
            let total = be16(quote, 2)?;
            self.ip(first(quote, usize::from(total)), u32::from(total))?;
            self.protocol = "icmp";
        }
        self.extensions(kind, data, length as usize)
    }

    /// In a long error extensions may follow the quoted packet; whether there are any, tcpdump tells by their checksum,
    /// and if the packet is cut it takes whatever stands there for their header.
    fn extensions(&mut self, kind: u8, data: &[u8], length: usize) -> Step {
        const AT: usize = 136;
        const HEADER: usize = 5;
        if !matches!(kind, 3 | 11 | 12) || length <= AT {
            return Ok(());
        }
        if data.len() < AT + HEADER {
            self.truncated();
            return Ok(());
        }
        if data.len() < length || checksum(&[&data[AT..length]]) == 0 {
            let version = data[AT] >> 4;
            self.push(format_args!("\n\tICMP Multi-Part extension v{version}"));
            if version != 2 {
                self.text(" packet not supported");
            }
        }
        Ok(())
    }

    fn unreachable(&mut self, code: u8, data: &[u8]) -> Result<String, super::Truncated> {
        let about = self.host(addr(data, 24)?);
        Ok(match code {
            0 => format!("net {about} unreachable"),
            1 => format!("host {about} unreachable"),
            2 => format!("{about} protocol {} unreachable", byte(data, 17)?),
            3 => {
                let hlen = usize::from(byte(data, 8)? & 15) * 4;
                let (proto, port) = (byte(data, 17)?, be16(data, 8 + hlen + 2)?);
                match proto {
                    6 => format!("{about} tcp port {} unreachable", self.port(Proto::Tcp, port)),
                    17 => format!("{about} udp port {} unreachable", self.port(Proto::Udp, port)),
                    other => format!("{about} protocol {other} port {port} unreachable"),
                }
            }
            4 => match be16(data, 6)? {
                0 => format!("{about} unreachable - need to frag"),
                mtu => format!("{about} unreachable - need to frag (mtu {mtu})"),
            },
            5 => format!("{about} unreachable - source route failed"),
            6 => format!("net {about} unreachable - unknown"),
            7 => format!("host {about} unreachable - unknown"),
            8 => format!("{about} unreachable - source host isolated"),
            9 => format!("net {about} unreachable - admin prohibited"),
            10 => format!("host {about} unreachable - admin prohibited"),
            11 => format!("net {about} unreachable - tos prohibited"),
            12 => format!("host {about} unreachable - tos prohibited"),
            13 => format!("host {about} unreachable - admin prohibited filter"),
            14 => format!("host {about} unreachable - host precedence violation"),
            15 => format!("host {about} unreachable - precedence cutoff"),
            other => format!("{about} unreachable - #{other}"),
        })
    }
}
