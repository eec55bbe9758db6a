//! The passport of a packet: hop by hop what its headers say, with the cells that changed marked.
//!
//! A row for each device that it passes, in order of time, and one where it ends. A cell is marked with `*` where it differs
//! from the row above; hardware addresses change with every hop, so theirs count only where one is another than before.

use super::RunLog;
use super::tables::{Cell, Format, Grid};
use crate::trace::{Dir, TraceEvent};
use crate::wire::{Frame, IpPacket, L3, L4, Mac};

const COLUMNS: &[&str] = &["at", "place", "dir", "src mac", "dst mac", "src", "dst", "ttl", "length", "outer", "ended"];
/// Cells before this one say where the row is, and are never marked.
const FIRST: usize = 3;

/// The passport of packet `id`, for people or programs; none if no device saw it.
pub fn passport(log: &RunLog<'_>, id: u32, format: Format) -> Option<String> {
    let mut grid = Grid::new(COLUMNS);
    let mut before: Option<Vec<String>> = None;
    for r in log.records {
        let (dev, frame, word, ended) = match &r.event {
            TraceEvent::Frame { dev, dir: Dir::In, frame, .. } => (Some(*dev), frame, "in", String::new()),
            TraceEvent::Frame { dev, dir: Dir::Out, frame, .. } => (Some(*dev), frame, "out", String::new()),
            TraceEvent::Dropped { dev, frame, reason } => (*dev, frame, "lost", reason.to_string()),
            _ => continue,
        };
        let Some(packet) = packet(frame).filter(|p| p.id.0 == id) else { continue };
        let mut row = vec![log.seconds(r.at), log.place(r.node, dev), word.to_string()];
        row.extend(headers(log, frame, packet));
        row.push(ended);
        let marked = row.iter().enumerate().map(|(i, cell)| {
            let same = before.as_ref().is_none_or(|b| b[i] == *cell);
            // Where a packet ends it may be without its frame: that is no change.
            let bare = i < FIRST + 2 && cell.is_empty();
            match i < FIRST || i + 1 == COLUMNS.len() || same || bare {
                true => Cell::from(cell.clone()),
                false => Cell::from(format!("{cell}*")),
            }
        });
        grid.row(marked.collect::<Vec<_>>());
        before = Some(row);
    }
    (!grid.is_empty()).then(|| grid.print(format))
}

fn packet(frame: &Frame) -> Option<&IpPacket> {
    match &frame.l3 {
        L3::Ip(p) => Some(p),
        L3::Arp(_) => None,
    }
}

/// Hardware addresses, the innermost packet's headers, and the outer header where there is one.
fn headers(log: &RunLog<'_>, frame: &Frame, p: &IpPacket) -> Vec<String> {
    let mac = |mac: Mac| match mac {
        Mac::ZERO => String::new(),
        mac => log.mac_owner(mac).unwrap_or_else(|| mac.to_string()),
    };
    let mut inner = p;
    while let L4::Ipip(within) = &inner.l4 {
        inner = within;
    }
    let ports = inner.l4.ports();
    let end = |addr: std::net::Ipv4Addr, port: Option<u16>| port.map_or(addr.to_string(), |n| format!("{addr}:{n}"));
    let outer = match std::ptr::eq(inner, p) {
        true => String::new(),
        false => format!("{} > {} ttl {}", p.saddr, p.daddr, p.ttl),
    };
    vec![
        mac(frame.src),
        mac(frame.dst),
        end(inner.saddr, ports.map(|x| x.0)),
        end(inner.daddr, ports.map(|x| x.1)),
        inner.ttl.to_string(),
        p.len().to_string(),
        outer,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn the_cells_that_change_are_marked_and_an_outer_header_shows() {
        let records = testing::records();
        let log = testing::log(&records);
        let told = passport(&log, 5000 & 0xff, Format::Human).expect("the first SYN");
        let lines: Vec<&str> = told.lines().collect();
        // Out of the client, in and out of the director, in by eth0 and by tunl0 of the server, and two ends there.
        assert_eq!(lines.len(), 8, "{told}");
        assert!(lines[7].contains("lost") && lines[7].contains("rp_filter=1"), "{told}");
        assert!(!lines[1].contains('*') && !lines[2].contains('*'), "{told}");
        assert!(lines[3].contains("10.0.0.10 > 10.0.0.2 ttl 63*"), "{told}");
        assert!(lines[3].contains("rs1:eth0*"), "the next hop is another: {told}");
        assert!(passport(&log, 9_999_999, Format::Human).is_none());
    }
}
