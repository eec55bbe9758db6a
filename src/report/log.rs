//! A finished run as plain data: what every report reads. Whoever runs a scenario fills it.

use crate::base::time::seconds;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::lang::Text;
pub use crate::node::app::Outcome;
use crate::trace::{Aside, DropReason, Record, Records, TraceEvent};
use crate::wire::emit::Words;
use crate::wire::{Arp, Frame, L3, Mac, Proto};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A run.
#[derive(Clone, Debug)]
pub struct RunLog<'a> {
    /// The scenario's name.
    pub name: String,
    /// Its title; the name where it has none.
    pub title: String,
    /// What it says about itself (Markdown).
    pub about: String,
    /// The seed.
    pub seed: u64,
    /// The scenario's t = 0.
    pub zero: SimTime,
    /// When the run ended.
    pub ended: SimTime,
    /// The nodes, by [`NodeId`].
    pub nodes: Vec<NodeInfo>,
    /// What was traced, in order of time, as far as it is in memory.
    pub records: &'a [Record],
    /// What was traced after that, where a long trace was put aside; [`RunLog::read`] reads both.
    pub aside: Option<&'a Aside>,
    /// How many records did not fit into the trace.
    pub lost_records: u64,
    /// Connections in the order of the file, then by index.
    pub connections: Vec<ConnectionRow>,
    /// What the scenario expected, judged.
    pub expectations: Vec<Judged>,
    /// Virtual services at the end, with their servers; empty where there are none.
    pub services: Vec<ServiceInfo>,
    /// What was typed and what it printed, where that is worth telling.
    pub typed: Vec<TypedRow>,
    /// Moments that charts mark: timeline entries in order of time.
    pub marks: Vec<Mark>,
    /// The world's table of texts.
    pub texts: &'a [Arc<str>],
    /// The world's messages that are no text.
    pub bytes: &'a [Arc<[u8]>],
    /// Events that the engine handled.
    pub events: u64,
    /// Frames, each counted once for every cable it crossed.
    pub frames: u64,
}

/// A node.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// Its name.
    pub name: String,
    /// `switch`, `client`, `director`, `real-server`, `router`, `host`.
    pub kind: String,
    /// A host's devices by [`DevIdx`]; none for a switch.
    pub devs: Vec<DevInfo>,
}

/// A device of a host.
#[derive(Clone, Debug)]
pub struct DevInfo {
    /// Its name.
    pub name: String,
    /// Its hardware address; zero where it has none.
    pub mac: Mac,
    /// Whether its frames have Ethernet headers in a capture (`tunl0` has none; `lo` has empty ones).
    pub ethernet: bool,
    /// Addresses with prefix lengths.
    pub addrs: Vec<(Ipv4Addr, u8)>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// What is at the other end of its cable: a switch, or `NODE:IFACE`.
    pub peer: Option<String>,
}

/// A connection of the scenario's traffic.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// The entry's name. Names are shared: of such rows there may be a million.
    pub traffic: Arc<str>,
    /// Its place in the entry, from 0.
    pub index: u32,
    /// The client's node.
    pub client: Arc<str>,
    /// The client's port.
    pub source_port: u16,
    /// Where to.
    pub to: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub protocol: Proto,
    /// When it began.
    pub start: SimTime,
    /// When its outcome was known; none while unfinished.
    pub end: Option<SimTime>,
    /// How it ended.
    pub outcome: Outcome,
    /// The node that answered.
    pub server: Option<Arc<str>>,
    /// The socket's error, such as `ECONNREFUSED`.
    pub errno: Option<&'static str>,
}

/// An expectation and what came of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As the scenario says it.
    pub source: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found.
    pub found: Text,
}

/// A virtual service.
#[derive(Clone, Debug)]
pub struct ServiceInfo {
    /// The director's node.
    pub director: String,
    /// As ipvsadm names it: `TCP 10.0.0.100:80`, `FWM 1`.
    pub service: String,
    /// Its address, unless it is a mark.
    pub vip: Option<Ipv4Addr>,
    /// Its port; 0 for all.
    pub port: u16,
    /// The scheduler.
    pub scheduler: String,
    /// Its servers.
    pub dests: Vec<DestInfo>,
}

/// A server of a virtual service.
#[derive(Clone, Debug)]
pub struct DestInfo {
    /// The node that has the address; the address where none has.
    pub node: String,
    /// Address and port.
    pub addr: (Ipv4Addr, u16),
    /// `Route`, `Tunnel`, `Masq`, `Local`, as ipvsadm prints it.
    pub forward: &'static str,
    /// The weight.
    pub weight: u32,
}

/// A typed text and what it printed.
#[derive(Clone, Debug)]
pub struct TypedRow {
    /// The node.
    pub node: String,
    /// `set-up`, a time such as `5s`, or `end`.
    pub when: String,
    /// The text; of a block its lines.
    pub run: String,
    /// Exit status; none while it runs.
    pub status: Option<u8>,
    /// Standard output and error together.
    pub out: String,
}

/// A moment with a name.
#[derive(Clone, Debug)]
pub struct Mark {
    /// When.
    pub at: SimTime,
    /// What: `rs1: ifconfig eth0 down`.
    pub text: String,
}

impl<'a> RunLog<'a> {
    /// What was traced, in order of time, wherever it is: for reports that a trace of any length must not hold up.
    pub fn read(&self) -> Records<'a> {
        Records::new(self.records, self.aside)
    }
}

impl RunLog<'_> {
    /// A moment in seconds from t = 0, six decimals.
    pub fn seconds(&self, at: SimTime) -> String {
        seconds(at.since_zero(self.zero))
    }

    /// The same in short, with three decimals and the unit: `1.502 s`.
    pub fn brief(&self, at: SimTime) -> String {
        let ns = at.since_zero(self.zero);
        let ms = (ns.unsigned_abs() + 500_000) / 1_000_000;
        let sign = if ns < 0 && ms > 0 { "-" } else { "" };
        format!("{sign}{}.{:03} s", ms / 1000, ms % 1000)
    }

    /// A node's name.
    pub fn node(&self, node: NodeId) -> &str {
        self.nodes.get(node.index()).map_or("?", |n| n.name.as_str())
    }

    /// A host's device.
    pub fn dev(&self, node: NodeId, dev: DevIdx) -> Option<&DevInfo> {
        self.nodes.get(node.index())?.devs.get(dev.index())
    }

    /// `NODE:IFACE`; of a switch, whose ports have no names, the node alone.
    pub fn place(&self, node: NodeId, dev: Option<DevIdx>) -> String {
        let name = self.node(node);
        match dev.and_then(|d| self.dev(node, d)) {
            Some(dev) => format!("{name}:{}", dev.name),
            None => name.to_string(),
        }
    }

    /// Whose hardware address it is, as `NODE:IFACE`. Of two with the same address, the first of the file.
    pub fn mac_owner(&self, mac: Mac) -> Option<String> {
        if mac == Mac::ZERO {
            return None;
        }
        self.nodes.iter().find_map(|node| {
            let dev = node.devs.iter().find(|d| d.mac == mac)?;
            Some(format!("{}:{}", node.name, dev.name))
        })
    }

    /// The same for every hardware address, to look up many.
    pub fn mac_table(&self) -> BTreeMap<Mac, String> {
        let mut out = BTreeMap::new();
        for node in &self.nodes {
            for dev in node.devs.iter().filter(|d| d.mac != Mac::ZERO) {
                out.entry(dev.mac).or_insert_with(|| format!("{}:{}", node.name, dev.name));
            }
        }
        out
    }

    /// Which hosts have the address.
    pub fn addr_owners(&self, addr: Ipv4Addr) -> Vec<&str> {
        let has = |n: &&NodeInfo| n.devs.iter().any(|d| d.addrs.iter().any(|a| a.0 == addr));
        self.nodes.iter().filter(has).map(|n| n.name.as_str()).collect()
    }

    /// The names of the nodes, in their order; for [`RunLog::words`].
    pub fn node_names(&self) -> Vec<Arc<str>> {
        self.nodes.iter().map(|n| n.name.as_str().into()).collect()
    }

    /// What payloads are spelt with.
    pub fn words<'w>(&'w self, names: &'w [Arc<str>]) -> Words<'w> {
        Words { nodes: names, texts: self.texts, bytes: self.bytes }
    }

    /// Every packet that was lost, in order of time, as far as it is in memory.
    pub fn drops(&self) -> impl Iterator<Item = Drop<'_>> {
        self.records.iter().filter_map(Drop::of)
    }

    /// The traffic entries' names, in the order of the file.
    pub fn traffic_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for c in &self.connections {
            if !names.contains(&&*c.traffic) {
                names.push(&c.traffic);
            }
        }
        names
    }
}

/// A packet that was lost.
#[derive(Clone, Copy, Debug)]
pub struct Drop<'a> {
    /// When.
    pub at: SimTime,
    /// Where.
    pub node: NodeId,
    /// The device, where one is known.
    pub dev: Option<DevIdx>,
    /// The frame.
    pub frame: &'a Frame,
    /// Why.
    pub reason: &'a DropReason,
}

impl<'a> Drop<'a> {
    /// What a record tells, if it tells of a loss.
    pub fn of(record: &'a Record) -> Option<Drop<'a>> {
        match &record.event {
            TraceEvent::Dropped { dev, frame, reason } => {
                Some(Drop { at: record.at, node: record.node, dev: *dev, frame, reason })
            }
            _ => None,
        }
    }

    /// Whether nobody misses it: frames that a switch flooded, broadcasts, repetitions.
    pub fn harmless(&self) -> bool {
        matches!(
            self.reason,
            DropReason::OtherHost { .. }
                | DropReason::SwitchNowhere
                | DropReason::UnwantedBroadcast
                | DropReason::TcpDuplicate
        )
    }

    /// The ARP packet, if it is one.
    pub fn arp(&self) -> Option<&Arp> {
        match &self.frame.l3 {
            L3::Arp(arp) => Some(arp),
            L3::Ip(_) => None,
        }
    }
}
