//! A run as one capture file in the pcapng format (draft-ietf-opsawg-pcapng): an interface for every device of every
//! host, all frames in order of time, and a comment on each frame that dies or that IPVS schedules.
//!
//! t = 0 of the scenario is 2026-01-01 00:00:00 UTC in the file ([`EPOCH_S`]): any fixed moment would do, but set-up
//! happens before t = 0 and times in the format are unsigned. A packet that died before any device saw it (no route,
//! no answer to ARP) stands in the file where it would have left, as an outgoing frame without hardware addresses.

mod comments;

use super::log::RunLog;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::net::dev::mask;
use crate::trace::{Dir, TraceEvent};
use crate::wire::emit::{Words, frame_bytes, ip_bytes};
use crate::wire::{Frame, L3};
use comments::Comments;
use std::collections::BTreeMap;
use std::io;

/// The file's time of t = 0, in seconds since 1970.
pub const EPOCH_S: u64 = 1_767_225_600;

/// LINKTYPE_ETHERNET.
const ETHERNET: u16 = 1;
/// LINKTYPE_RAW: the packet begins with its IP header.
const RAW: u16 = 101;

/// Writes the capture of a run.
///
/// # Errors
/// If `out` does not take it, or a trace that was put aside cannot be read.
pub fn write(log: &RunLog<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let names = log.node_names();
    let words = log.words(&names);
    let mut blocks = Vec::new();
    section(&mut blocks);
    let mut numbers: BTreeMap<(NodeId, DevIdx), (u32, bool)> = BTreeMap::new();
    for (n, node) in log.nodes.iter().enumerate() {
        for d in 0..node.devs.len() {
            let at = (NodeId(n as u32), DevIdx(d as u16));
            interface(&mut blocks, log, at);
            numbers.insert(at, (numbers.len() as u32, node.devs[d].ethernet));
        }
    }
    host_names(&mut blocks, log);
    out.write_all(&blocks)?;
    let mut comments = Comments::new(log)?;
    let mut records = log.read();
    let mut number = 0;
    let mut body = Vec::new();
    while let Some(record) = records.next_record()? {
        let said = comments.of(number)?;
        number += 1;
        // A packet that died before any device saw it has a comment of its own.
        let (dev, dir, frame) = match (&record.event, &said) {
            (TraceEvent::Frame { dev, dir, frame, .. }, _) => (*dev, *dir, frame),
            (TraceEvent::Dropped { dev: Some(dev), frame, .. }, Some(_)) => (*dev, Dir::Out, frame),
            _ => continue,
        };
        // A device that came and went during the run is not among the nodes' devices at its end.
        let Some((number, ethernet)) = numbers.get(&(record.node, dev)) else { continue };
        let sight = Sight { at: record.at, dir, frame };
        body.clear();
        packet(&mut body, log.zero, *number, &sight, *ethernet, said.as_deref().unwrap_or_default(), words);
        blocks.clear();
        block(&mut blocks, 6, &body);
        out.write_all(&blocks)?;
    }
    Ok(())
}

/// A frame at a device.
struct Sight<'a> {
    at: SimTime,
    dir: Dir,
    frame: &'a Frame,
}

fn section(out: &mut Vec<u8>) {
    let mut body = Vec::new();
    body.extend_from_slice(&0x1a2b_3c4du32.to_le_bytes());
    body.extend_from_slice(&1u16.to_le_bytes());
    body.extend_from_slice(&0u16.to_le_bytes());
    // The section's length is not known beforehand.
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    option(&mut body, 4, b"lvsim");
    option(&mut body, 0, b"");
    block(out, 0x0a0d_0d0a, &body);
}

fn interface(out: &mut Vec<u8>, log: &RunLog<'_>, at: (NodeId, DevIdx)) {
    let Some(dev) = log.dev(at.0, at.1) else { return };
    let node = &log.nodes[at.0.index()];
    let mut body = Vec::new();
    let link = if dev.ethernet { ETHERNET } else { RAW };
    body.extend_from_slice(&link.to_le_bytes());
    body.extend_from_slice(&[0, 0]);
    body.extend_from_slice(&0u32.to_le_bytes());
    option(&mut body, 2, format!("{}:{}", node.name, dev.name).as_bytes());
    let to = dev.peer.as_ref().map_or_else(String::new, |p| format!(", cable to {p}"));
    option(&mut body, 3, format!("{} of {} {}{to}", dev.name, node.kind, node.name).as_bytes());
    for (addr, prefix) in &dev.addrs {
        let mut both = addr.octets().to_vec();
        both.extend_from_slice(&mask(*prefix).to_be_bytes());
        option(&mut body, 4, &both);
    }
    if dev.mac != crate::wire::Mac::ZERO {
        option(&mut body, 6, &dev.mac.0);
    }
    // Times in nanoseconds.
    option(&mut body, 9, &[9]);
    option(&mut body, 0, b"");
    block(out, 1, &body);
}

/// Names for addresses. An address that several hosts have, such as a VIP, gets its own: `vip-10.0.0.100`.
fn host_names(out: &mut Vec<u8>, log: &RunLog<'_>) {
    let addrs: std::collections::BTreeSet<_> =
        log.nodes.iter().flat_map(|n| &n.devs).flat_map(|d| &d.addrs).map(|a| a.0).collect();
    let mut body = Vec::new();
    for addr in addrs.into_iter().filter(|a| !a.is_loopback()) {
        let owners = log.addr_owners(addr);
        let virt = log.services.iter().any(|s| s.vip == Some(addr));
        let name = match owners.as_slice() {
            [one] if !virt => one.to_string(),
            _ if virt => format!("vip-{addr}"),
            many => many.join("+"),
        };
        let mut value = addr.octets().to_vec();
        value.extend_from_slice(name.replace('\0', "").as_bytes());
        value.push(0);
        option(&mut body, 1, &value);
    }
    if !body.is_empty() {
        option(&mut body, 0, b"");
        block(out, 4, &body);
    }
}

fn packet(
    body: &mut Vec<u8>,
    zero: SimTime,
    number: u32,
    sight: &Sight<'_>,
    ethernet: bool,
    comments: &[String],
    words: Words<'_>,
) {
    let bytes = match &sight.frame.l3 {
        L3::Ip(p) if !ethernet => ip_bytes(p, words),
        _ => frame_bytes(sight.frame, words),
    };
    let ns = (EPOCH_S * 1_000_000_000).saturating_add_signed(sight.at.since_zero(zero));
    body.extend_from_slice(&number.to_le_bytes());
    body.extend_from_slice(&((ns >> 32) as u32).to_le_bytes());
    body.extend_from_slice(&(ns as u32).to_le_bytes());
    let len = bytes.len() as u32;
    body.extend_from_slice(&len.to_le_bytes());
    body.extend_from_slice(&len.to_le_bytes());
    body.extend_from_slice(&bytes);
    pad(body);
    let way: u32 = if sight.dir == Dir::In { 1 } else { 2 };
    option(body, 2, &way.to_le_bytes());
    for comment in comments {
        option(body, 1, comment.as_bytes());
    }
    option(body, 0, b"");
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // An option holds at most 65535 bytes; a text is cut at a character.
    let mut len = value.len().min(usize::from(u16::MAX));
    while len < value.len() && value[len] & 0xc0 == 0x80 {
        len -= 1;
    }
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&(len as u16).to_le_bytes());
    body.extend_from_slice(&value[..len]);
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    while !body.len().is_multiple_of(4) {
        body.push(0);
    }
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = (body.len() as u32 + 12).to_le_bytes();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&len);
    out.extend_from_slice(body);
    out.extend_from_slice(&len);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// Blocks as kind and body; asserts that both lengths of each agree.
    fn blocks(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let (mut at, mut out) = (0, Vec::new());
        while at < bytes.len() {
            let len = u32_at(bytes, at + 4) as usize;
            assert_eq!(len % 4, 0);
            assert_eq!(u32_at(bytes, at + len - 4) as usize, len);
            out.push((u32_at(bytes, at), bytes[at + 8..at + len - 4].to_vec()));
            at += len;
        }
        out
    }

    fn options(mut body: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let mut out = Vec::new();
        while body.len() >= 4 {
            let code = u16::from_le_bytes([body[0], body[1]]);
            let len = usize::from(u16::from_le_bytes([body[2], body[3]]));
            out.push((code, body[4..4 + len].to_vec()));
            body = &body[4 + len.next_multiple_of(4)..];
        }
        assert_eq!(out.last(), Some(&(0, Vec::new())), "the end of options");
        out
    }

    fn capture(log: &RunLog<'_>) -> Vec<(u32, Vec<u8>)> {
        let mut bytes = Vec::new();
        write(log, &mut bytes).expect("a trace in memory");
        blocks(&bytes)
    }

    fn example() -> Vec<(u32, Vec<u8>)> {
        let records = testing::records();
        capture(&testing::log(&records))
    }

    #[test]
    fn every_device_is_an_interface_with_name_link_type_and_nanoseconds() {
        let all = example();
        let interfaces: Vec<_> = all.iter().filter(|b| b.0 == 1).collect();
        assert_eq!(interfaces.len(), 9);
        let (tunnel, eth0) = (&interfaces[7].1, &interfaces[8].1);
        assert_eq!(u16::from_le_bytes([tunnel[0], tunnel[1]]), RAW);
        assert_eq!(u16::from_le_bytes([eth0[0], eth0[1]]), ETHERNET);
        let said = options(&eth0[8..]);
        assert_eq!(said[0], (2, b"rs1:eth0".to_vec()));
        assert!(said.contains(&(4, vec![10, 0, 0, 2, 255, 255, 255, 0])));
        assert!(said.contains(&(6, vec![2, 0, 0, 0, 0, 3])));
        assert!(said.contains(&(9, vec![9])));
    }

    #[test]
    fn a_dying_packet_has_the_comment_on_its_last_sighting() {
        let all = example();
        let packets: Vec<_> = all.iter().filter(|b| b.0 == 6).collect();
        let comments: Vec<(usize, String)> = packets
            .iter()
            .enumerate()
            .flat_map(|(i, (_, body))| {
                let data = (u32_at(body, 12) as usize).next_multiple_of(4);
                let said = options(&body[20 + data..]);
                said.into_iter().filter(|o| o.0 == 1).map(move |o| (i, String::from_utf8(o.1).expect("text")))
            })
            .collect();
        assert_eq!(comments.len(), 2);
        assert!(comments[0].1.starts_with("dropped at rs1 tunl0: the way back to the source leads elsewhere"));
        // The bare packet at tunl0 is the ninth sighting.
        assert_eq!(comments[0].0, 8);
    }

    #[test]
    fn times_count_from_the_epoch_in_nanoseconds() {
        let all = example();
        let first = &all.iter().find(|b| b.0 == 6).expect("a packet").1;
        let ns = u64::from(u32_at(first, 4)) << 32 | u64::from(u32_at(first, 8));
        assert_eq!(ns, EPOCH_S * 1_000_000_000 + 500_000_000);
    }

    #[test]
    fn set_up_has_times_before_the_epoch_and_still_positive() {
        let records = testing::records();
        let mut log = testing::log(&records);
        log.zero = testing::ms(1000);
        let all = capture(&log);
        let first = &all.iter().find(|b| b.0 == 6).expect("a packet").1;
        let ns = u64::from(u32_at(first, 4)) << 32 | u64::from(u32_at(first, 8));
        assert_eq!(ns, EPOCH_S * 1_000_000_000 - 500_000_000);
    }

    #[test]
    fn a_packet_that_no_device_saw_stands_where_it_would_have_left() {
        let mut records = testing::records();
        records.retain(|r| matches!(r.event, TraceEvent::Dropped { .. }));
        let all = capture(&testing::log(&records));
        assert_eq!(all.iter().filter(|b| b.0 == 6).count(), 2);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut body = Vec::new();
        option(&mut body, 1, "字".repeat(30_000).as_bytes());
        let len = usize::from(u16::from_le_bytes([body[2], body[3]]));
        assert_eq!(len % 3, 0);
        assert!(len > 65_530);
    }
}
