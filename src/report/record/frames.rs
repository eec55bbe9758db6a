//! The frames of a record by interface, and its ARP requests. A line depends on the lines before it, of whatever interface
//! ([`Printer`]), so all are made in order of time; those of an interface wait in a heap of their own until all interfaces
//! before it are written. Heaps that are too large for memory wait in a spool.

use super::json::put;
use super::{ArpOut, at_seconds};
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::report::log::RunLog;
use crate::trace::spool::Pieces;
use crate::trace::{Dir, Spooling, TraceEvent};
use crate::wire::print::{Printer, mac_name};
use crate::wire::{Arp, ArpOp, Frame, L3, Mac};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;

/// What a record takes from the trace.
#[derive(Debug)]
pub struct Sightings {
    /// Every request, in order of sending.
    pub asked: Vec<Asked>,
    /// The lines of every interface that saw a frame, interfaces in the order of the file.
    pub heaps: Heaps,
}

/// A who-has. An answer that passes the asking interface, in either direction (a host may announce what it just asked
/// for), counts for the latest question with these two addresses.
#[derive(Debug)]
pub struct Asked {
    at: SimTime,
    node: NodeId,
    dev: DevIdx,
    to: Mac,
    who_has: Ipv4Addr,
    tell: Ipv4Addr,
    answered_by: Vec<Mac>,
}

#[derive(Serialize)]
struct FrameOut<'a> {
    t: f64,
    dir: &'static str,
    src: Option<Cow<'a, str>>,
    dst: Option<Cow<'a, str>>,
    #[serde(rename = "type")]
    line: &'a str,
}

impl Sightings {
    /// Reads the trace once.
    ///
    /// # Errors
    /// If a trace or a heap that was put aside cannot be written or read.
    pub fn read(log: &RunLog<'_>, printer: &mut Printer, spooling: Option<&Spooling>) -> io::Result<Sightings> {
        let table = log.mac_table();
        let names = |mac: Mac| table.get(&mac).cloned();
        let name = |mac: Mac| match table.get(&mac) {
            Some(name) if mac != Mac::BROADCAST => Cow::Borrowed(name.as_str()),
            _ => Cow::Owned(mac_name(mac, &names)),
        };
        let same = same_names(log);
        let mut asking = Asking::default();
        let mut heaps = Heaps::new(spooling);
        let mut records = log.read();
        while let Some(record) = records.next_record()? {
            let TraceEvent::Frame { dev, dir, frame, ethernet } = &record.event else { continue };
            if let L3::Arp(arp) = &frame.l3 {
                asking.see(record.at, (record.node, *dev), *dir, frame, arp);
            }
            // Loopback frames have Ethernet headers without addresses.
            let named = *ethernet && !(frame.src == Mac::ZERO && frame.dst == Mac::ZERO);
            let row = FrameOut {
                t: at_seconds(log, record.at),
                dir: if *dir == Dir::In { "in" } else { "out" },
                src: named.then(|| name(frame.src)),
                dst: named.then(|| name(frame.dst)),
                line: &printer.line(frame, &names),
            };
            let interface = same.get(record.node.index()).and_then(|devs| devs.get(dev.index())).unwrap_or(dev);
            heaps.add((record.node, *interface), &row)?;
        }
        Ok(Sightings { asked: asking.asked, heaps })
    }
}

/// For every device the first of its host with its name: one that was deleted and made again is one interface.
fn same_names(log: &RunLog<'_>) -> Vec<Vec<DevIdx>> {
    let first = |devs: &[crate::report::log::DevInfo], name: &str| {
        DevIdx(devs.iter().position(|d| d.name == name).unwrap_or(0) as u16)
    };
    log.nodes.iter().map(|n| n.devs.iter().map(|d| first(&n.devs, &d.name)).collect()).collect()
}

#[derive(Default)]
struct Asking {
    asked: Vec<Asked>,
    latest: Table<(NodeId, DevIdx, Ipv4Addr, Ipv4Addr), usize>,
}

impl Asking {
    fn see(&mut self, at: SimTime, (node, dev): (NodeId, DevIdx), dir: Dir, frame: &Frame, arp: &Arp) {
        match (arp.op, dir) {
            (ArpOp::Request, Dir::Out) => {
                self.latest.insert((node, dev, arp.tpa, arp.spa), self.asked.len());
                let (to, who_has, tell) = (frame.dst, arp.tpa, arp.spa);
                self.asked.push(Asked { at, node, dev, to, who_has, tell, answered_by: Vec::new() });
            }
            (ArpOp::Reply, _) => {
                if let Some(i) = self.latest.get(&(node, dev, arp.spa, arp.tpa)) {
                    let by = &mut self.asked[*i].answered_by;
                    if !by.contains(&arp.sha) {
                        by.push(arp.sha);
                    }
                }
            }
            (ArpOp::Request, Dir::In) => {}
        }
    }
}

impl Asked {
    /// As it stands in the record.
    pub(super) fn out(&self, log: &RunLog<'_>, names: &dyn Fn(Mac) -> Option<String>) -> ArpOut {
        ArpOut {
            t: at_seconds(log, self.at),
            from: log.place(self.node, Some(self.dev)),
            to: mac_name(self.to, names),
            who_has: self.who_has,
            tell: self.tell,
            answered_by: self.answered_by.iter().map(|mac| mac_name(*mac, names)).collect(),
        }
    }
}

/// Rows by interface, each list without its brackets.
#[derive(Debug)]
pub struct Heaps {
    heaps: BTreeMap<(NodeId, DevIdx), Heap>,
    /// Bytes in memory, and how many there may be.
    held: usize,
    most: usize,
    pieces: Option<Pieces>,
}

#[derive(Debug, Default)]
struct Heap {
    /// What was put aside, in order.
    pieces: Vec<usize>,
    /// What follows it.
    text: Vec<u8>,
    any: bool,
}

impl Heaps {
    fn new(spooling: Option<&Spooling>) -> Heaps {
        Heaps {
            heaps: BTreeMap::new(),
            held: 0,
            most: spooling.map_or(usize::MAX, |s| s.report_bytes),
            pieces: spooling.map(|s| Pieces::new(s.open)),
        }
    }

    fn add(&mut self, interface: (NodeId, DevIdx), row: &FrameOut<'_>) -> io::Result<()> {
        let heap = self.heaps.entry(interface).or_default();
        let before = heap.text.len();
        heap.text.extend_from_slice(if heap.any { b",\n   " } else { b"\n   " });
        heap.any = true;
        put(&mut heap.text, row)?;
        self.held += heap.text.len() - before;
        if self.held > self.most { self.put_aside() } else { Ok(()) }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let Some(pieces) = &mut self.pieces else { return Ok(()) };
        for heap in self.heaps.values_mut().filter(|h| !h.text.is_empty()) {
            pieces.push(&std::mem::take(&mut heap.text))?;
            heap.pieces.push(pieces.len() - 1);
        }
        self.held = 0;
        Ok(())
    }

    /// The interfaces.
    pub fn interfaces(&self) -> impl Iterator<Item = (NodeId, DevIdx)> {
        self.heaps.keys().copied()
    }

    /// Writes the rows of an interface as a list.
    ///
    /// # Errors
    /// If `out` does not take it, or what was put aside cannot be read.
    pub fn write(&self, interface: (NodeId, DevIdx), out: &mut dyn Write) -> io::Result<()> {
        let Some(heap) = self.heaps.get(&interface) else { return out.write_all(b"[]") };
        out.write_all(b"[")?;
        let mut text = Vec::new();
        for piece in &heap.pieces {
            if let Some(pieces) = &self.pieces {
                pieces.read(*piece, &mut text)?;
                out.write_all(&text)?;
            }
        }
        out.write_all(&heap.text)?;
        out.write_all(b"\n  ]")
    }
}
