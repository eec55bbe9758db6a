//! A packet's line with its number and time stamp (print.c, util-print.c `ts_print`), and stdio's blocks.
//!
//! Left out: time zones; a simulated host keeps UTC.

use super::args::Args;
use super::file::Saved;
use crate::net::Inet;
use crate::shell::ipvsadm::services;
use crate::shell::text::date;
use crate::wire::Proto;
use crate::wire::capture::LinkType;
use crate::wire::tcpdump::{Dump, Names, Packet};
use std::net::Ipv4Addr;

/// Prints the packets of one capture.
#[derive(Clone, Debug)]
pub(super) struct Printer {
    link: LinkType,
    dump: Dump,
    named: bool,
    number: bool,
    stamps: u8,
    nano: bool,
    /// What `-ttt` and `-ttttt` count from.
    reference: Option<(i64, u32)>,
}

/// Names as the files of a fresh machine have them: `localhost`, and services.
struct Known;

impl Names for Known {
    fn host(&self, addr: Ipv4Addr) -> Option<String> {
        (addr == Ipv4Addr::LOCALHOST).then(|| "localhost".into())
    }

    fn port(&self, proto: Proto, port: u16) -> Option<String> {
        services::name_of(port, proto).map(str::to_string)
    }
}

impl Printer {
    /// A capture whose packets begin with `link`.
    pub fn new(args: &Args, link: LinkType) -> Printer {
        Printer {
            link,
            dump: Dump::new(args.style),
            named: !args.numeric,
            number: args.number,
            stamps: args.stamps,
            nano: args.nano,
            reference: None,
        }
    }

    /// What is printed about a packet, the `n`th one.
    pub fn line(&mut self, packet: &Saved, n: u64, net: &Inet) -> String {
        let mut out = if self.number { format!("{n:5}  ") } else { String::new() };
        if let Some(wrong) = invalid(packet) {
            return out + &wrong + "\n";
        }
        out += &self.stamp(packet.time);
        let dev = match (self.link, packet.bytes.get(4..8)) {
            (LinkType::LinuxSll2, Some(n)) => {
                let ifindex = u32::from_be_bytes([n[0], n[1], n[2], n[3]]);
                net.devices().find(|d| d.idx.ifindex() == ifindex).map_or("?", |d| &d.name)
            }
            _ => "",
        };
        let names: Option<&dyn Names> = if self.named { Some(&Known) } else { None };
        out += &self.dump.packet(Packet { link: self.link, bytes: &packet.bytes, len: packet.len, dev }, names);
        out + "\n"
    }

    /// The time stamp with the blank behind it.
    fn stamp(&mut self, time: (i64, u32)) -> String {
        let (secs, nanos) = time;
        match self.stamps {
            1 => String::new(),
            2 => format!("{secs}{} ", self.fraction(nanos)),
            3 | 5 => {
                let total = |(secs, nanos): (i64, u32)| {
                    i128::from(secs) * 1_000_000_000 + i128::from(if self.nano { nanos } else { nanos / 1000 * 1000 })
                };
                let since = total(time) - total(*self.reference.get_or_insert(time));
                if self.stamps == 3 {
                    self.reference = Some(time);
                }
                let sign = if since < 0 { '-' } else { ' ' };
                let apart = since.unsigned_abs();
                let (secs, nanos) = ((apart / 1_000_000_000) as i64, (apart % 1_000_000_000) as u32);
                format!("{sign}{}{} ", clock(secs), self.fraction(nanos))
            }
            4 => {
                format!("{} {}{} ", date::format("%Y-%m-%d", secs, 0), clock(secs), self.fraction(nanos))
            }
            _ => format!("{}{} ", clock(secs), self.fraction(nanos)),
        }
    }

    fn fraction(&self, nanos: u32) -> String {
        if self.nano { format!(".{nanos:09}") } else { format!(".{:06}", nanos / 1000) }
    }
}

/// A packet that cannot be (`pretty_print_packet`).
fn invalid(packet: &Saved) -> Option<String> {
    let (kept, len) = (packet.bytes.len() as u64, u64::from(packet.len));
    let mut wrong = Vec::new();
    if kept == 0 {
        wrong.push(" caplen==0".to_string());
    }
    if len == 0 {
        wrong.push(" len==0".into());
    } else if len < kept {
        wrong.push(format!(" len({len}) < caplen({kept})"));
    }
    let most = u64::from(super::args::MAXIMUM_SNAPLEN);
    if kept > most {
        wrong.push(format!(" caplen({kept}) > {most}"));
    }
    if len > most {
        wrong.push(format!(" len({len}) > {most}"));
    }
    (!wrong.is_empty()).then(|| format!("[Invalid header:{}]", wrong.join(",")))
}

fn clock(secs: i64) -> String {
    date::format("%H:%M:%S", secs, 0)
}

/// A stream of stdio's: what is printed waits until a block is full.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    held: String,
    block: usize,
}

impl Default for Blocks {
    /// Blocks as files and pipes have them.
    fn default() -> Blocks {
        Blocks { held: String::new(), block: 4096 }
    }
}

impl Blocks {
    /// Nothing waits.
    pub fn none() -> Blocks {
        Blocks { held: String::new(), block: 0 }
    }

    /// Adds to what waits.
    pub fn add(&mut self, text: &str) {
        self.held.push_str(text);
    }

    /// What is written now: whole blocks. A block that is just full waits for the next byte.
    pub fn full(&mut self) -> String {
        if self.block == 0 {
            return self.rest();
        }
        let bytes = super::super::vfs::byte_len(&self.held);
        if bytes <= self.block {
            return String::new();
        }
        let whole = (bytes - 1) / self.block * self.block;
        // Characters of one byte each, but for texts that no program here prints.
        let mut counted = 0;
        let cut = self.held.char_indices().find(|(_, c)| {
            let before = counted;
            counted += super::super::vfs::byte_len(c.encode_utf8(&mut [0; 4]));
            before >= whole
        });
        let rest = self.held.split_off(cut.map_or(self.held.len(), |(at, _)| at));
        std::mem::replace(&mut self.held, rest)
    }

    /// All that waits.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(style: &str, times: &[(i64, u32)]) -> Vec<String> {
        let args = super::super::args::parse(&[style.to_string()]).expect("a style");
        let mut printer = Printer::new(&args, LinkType::En10mb);
        times.iter().map(|t| printer.stamp(*t)).collect()
    }

    #[test]
    fn time_stamps_have_a_style_each() {
        let times = [(1_709_164_799, 999_999_999), (1_709_164_800, 999_999), (1_709_164_801, 1_000)];
        assert_eq!(stamps("-n", &times[..1]), ["23:59:59.999999 "]);
        assert_eq!(stamps("-t", &times[..1]), [""]);
        assert_eq!(stamps("-tt", &times[..1]), ["1709164799.999999 "]);
        assert_eq!(stamps("-ttt", &times), [" 00:00:00.000000 ", " 00:00:00.001000 ", " 00:00:00.999002 "]);
        assert_eq!(stamps("-tttt", &times[..2]), ["2024-02-28 23:59:59.999999 ", "2024-02-29 00:00:00.000999 "]);
        assert_eq!(stamps("-ttttt", &times)[2], " 00:00:01.000002 ");
        assert_eq!(stamps("--nano", &times[..1]), ["23:59:59.999999999 "]);
        // An earlier packet than the one before.
        assert_eq!(stamps("-ttt", &[times[1], times[0]])[1], "-00:00:00.001000 ");
    }

    #[test]
    fn a_packet_that_cannot_be_is_told() {
        let packet = |kept: usize, len| invalid(&Saved { time: (0, 0), len, bytes: vec![0; kept] });
        assert_eq!(packet(0, 0).as_deref(), Some("[Invalid header: caplen==0, len==0]"));
        assert_eq!(packet(9, 8).as_deref(), Some("[Invalid header: len(8) < caplen(9)]"));
        assert_eq!(packet(9, 9), None);
    }

    #[test]
    fn stdio_writes_whole_blocks_and_the_rest_at_the_end() {
        let mut blocks = Blocks::default();
        blocks.add(&"x".repeat(4096));
        assert_eq!(blocks.full(), "");
        blocks.add(&"y".repeat(4097));
        assert_eq!(blocks.full().len(), 8192);
        assert_eq!(blocks.rest(), "y");
        let mut none = Blocks::none();
        none.add("at once");
        assert_eq!(none.full(), "at once");
    }
}
