//! The frames of a run as lines of text, hop by hop: what `lvsim trace` prints.
//!
//! Each line has the time since t = 0, the device and the direction as tcpdump has them with `-i any`, and tcpdump's
//! own line. A packet that dies gets a line with the reason in the place of its next hop.

use super::RunLog;
use super::filter::TraceFilter;
use crate::base::{DevIdx, NodeId};
use crate::trace::{Dir, TraceEvent};
use crate::wire::tcpdump::{Dump, Style};
use std::collections::BTreeMap;

/// Every frame and drop that the filter wants, a line each.
pub fn lines(log: &RunLog<'_>, filter: &TraceFilter) -> Vec<String> {
    lines_since(log, filter, 0)
}

/// The same of what was recorded after the first `since` records.
pub fn lines_since(log: &RunLog<'_>, filter: &TraceFilter, since: usize) -> Vec<String> {
    let names = log.node_names();
    let words = log.words(&names);
    let mut dumps: BTreeMap<(NodeId, DevIdx), Dump> = BTreeMap::new();
    let mut out = Vec::new();
    for (n, record) in log.records.iter().enumerate() {
        let node = log.node(record.node);
        let (dev, frame, ethernet, mark, reason) = match &record.event {
            TraceEvent::Frame { dev, dir: Dir::In, frame, ethernet } => (Some(*dev), frame, *ethernet, "In ", None),
            TraceEvent::Frame { dev, dir: Dir::Out, frame, ethernet } => (Some(*dev), frame, *ethernet, "Out", None),
            TraceEvent::Dropped { dev, frame, reason } => (*dev, frame, false, "✗  ", Some(reason)),
            _ => continue,
        };
        let dev_name = dev.and_then(|d| log.dev(record.node, d)).map(|d| d.name.as_str());
        // Every frame is followed at its device, wanted or not, so that sequence numbers stay relative.
        let dump = dumps.entry((record.node, dev.unwrap_or(DevIdx::LO))).or_insert_with(|| Dump::new(Style::default()));
        let line = dump.line(frame, ethernet, words);
        if n < since || !filter.matches(record, node, dev_name) {
            continue;
        }
        let place = dev_name.map_or(node.to_string(), |d| format!("{node}:{d}"));
        let tail = reason.map_or(String::new(), |r| format!("  dropped: {r}"));
        out.push(format!("{} {place} {mark} {line}{tail}", log.seconds(record.at)));
    }
    out
}
