//! A run as JSON, in the shape in which a real kernel's runs were recorded, so that the two can be compared.
//!
//! Everything in it comes from the trace (frames, ARP requests and who answered them) or from the state that was read
//! at the end ([`HostSnapshot`]). Keys stand in a fixed order and there is no clock, so equal runs are equal bytes.

use super::log::{ConnectionRow, RunLog};
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::trace::{Dir, TraceEvent};
use crate::wire::print::{MacNames, Printer, mac_name};
use crate::wire::{ArpOp, Frame, L3, Mac, Proto};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;

/// What was read of a host when the run had ended.
#[derive(Clone, Debug, Default)]
pub struct HostSnapshot {
    /// The host's name.
    pub name: String,
    /// Its neighbours.
    pub neighbours: Vec<NeighbourRow>,
    /// Its devices.
    pub addresses: Vec<DeviceRow>,
    /// `ip route show table all`, IPv4, a line each.
    pub routes: Vec<String>,
    /// `ipvsadm -Ln`; none where IPVS was never used.
    pub ipvsadm_ln: Option<String>,
    /// `ipvsadm -Ln --stats`.
    pub ipvsadm_stats: Option<String>,
    /// `ipvsadm -Lnc`.
    pub ipvs_connections: Vec<IpvsConnectionRow>,
}

/// One neighbour.
#[derive(Clone, Debug)]
pub struct NeighbourRow {
    /// The device's name.
    pub dev: String,
    /// The address.
    pub addr: Ipv4Addr,
    /// Its hardware address; none while unknown.
    pub mac: Option<Mac>,
    /// The kernel's word: `REACHABLE`, `STALE` …
    pub state: &'static str,
}

/// One device with its addresses.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Its name.
    pub dev: String,
    /// Administratively up.
    pub up: bool,
    /// Carrier.
    pub carrier: bool,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Addresses as `ip addr` prints them after `inet`: `10.0.0.1/24 scope global eth0`.
    pub inet: Vec<String>,
}

/// One row of `ipvsadm -Lnc`.
#[derive(Clone, Debug, Serialize)]
pub struct IpvsConnectionRow {
    /// `TCP`, `UDP`, `IP` for a mark's template.
    pub protocol: String,
    /// `01:58`.
    pub expire: String,
    /// `ESTABLISHED` …
    pub state: String,
    /// `ADDRESS:PORT`.
    pub source: String,
    /// `ADDRESS:PORT`.
    #[serde(rename = "virtual")]
    pub virt: String,
    /// `ADDRESS:PORT`.
    pub destination: String,
}

/// What a node's `run` block printed during set-up.
#[derive(Clone, Debug)]
pub struct SetupOutput {
    /// The node.
    pub node: String,
    /// The block's exit status.
    pub rc: i32,
    /// Standard output and error together.
    pub out: String,
}

/// A timeline or `observe` entry.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When it was due; none: at the end.
    pub at: Option<SimTime>,
    /// What happened.
    pub what: EventKind,
    /// Whether it stands under `observe`.
    pub observe: bool,
    /// Exit status.
    pub rc: i32,
    /// What it printed.
    pub out: String,
}

/// What a timeline entry does.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A line typed on a node.
    Run {
        /// The node.
        node: String,
        /// The line.
        run: String,
    },
    /// A change of a cable.
    Link {
        /// Its ends, as the scenario names them.
        link: [String; 2],
        /// What is set, as the scenario says it.
        set: Vec<(String, Value)>,
    },
}

/// The record, as JSON text: a line per frame, connection and question, so that two can be compared with `diff`.
pub fn record(log: &RunLog<'_>, hosts: &[HostSnapshot], setup: &[SetupOutput], events: &[EventRow]) -> String {
    let table = log.mac_table();
    let names = |mac: Mac| table.get(&mac).cloned();
    let mut out = String::from("{\n");
    field(&mut out, "record", &one(&1));
    field(&mut out, "name", &one(&log.name));
    field(&mut out, "ended", &one(&at_seconds(log, log.ended)));
    field(&mut out, "connections", &list(connections(log).iter().map(one), " "));
    let setup = setup.iter().map(|s| (s.node.as_str(), one(&SetupOut { rc: s.rc, out: &s.out })));
    field(&mut out, "setup", &map(setup, " "));
    field(&mut out, "events", &list(events.iter().map(|e| event(log, e)), " "));
    field(&mut out, "arp_requests", &list(arp_requests(log).iter().map(one), " "));
    let mut printer = Printer::new(log.connections.iter().map(|c| c.source_port).collect());
    let frames = frames(log, &mut printer);
    let hosts: Vec<(&str, String)> = hosts.iter().map(|h| (h.name.as_str(), host(h, &names, &mut printer))).collect();
    field(&mut out, "hosts", &map(hosts.into_iter(), " "));
    let frames = frames.iter().map(|(name, rows)| (name.as_str(), list(rows.iter().map(one), "  ")));
    field(&mut out, "frames", &map(frames, " "));
    out.truncate(out.len() - 2);
    out.push_str("\n}\n");
    out
}

#[derive(Serialize)]
struct ConnectionOut<'a> {
    traffic: &'a str,
    index: u32,
    client: &'a str,
    source_port: u16,
    to: String,
    protocol: &'static str,
    start: f64,
    outcome: &'static str,
    server: Option<&'a str>,
    errno: Option<&'static str>,
}

#[derive(Serialize)]
struct SetupOut<'a> {
    rc: i32,
    out: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum AtOut {
    Seconds(f64),
    End(&'static str),
}

#[derive(Serialize)]
struct EventOut<'a> {
    at: AtOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a [String; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<BTreeMap<&'a str, &'a Value>>,
    observe: bool,
    rc: i32,
    out: &'a str,
}

#[derive(Serialize)]
struct ArpOut {
    t: f64,
    from: String,
    to: String,
    who_has: Ipv4Addr,
    tell: Ipv4Addr,
    answered_by: BTreeSet<String>,
}

#[derive(Serialize)]
struct NeighbourOut {
    is: String,
    state: &'static str,
}

#[derive(Serialize)]
struct DeviceOut<'a> {
    up: bool,
    carrier: bool,
    mtu: u32,
    inet: &'a [String],
}

#[derive(Serialize)]
struct FrameOut {
    t: f64,
    dir: &'static str,
    src: Option<String>,
    dst: Option<String>,
    #[serde(rename = "type")]
    line: String,
}

/// Seconds from t = 0 to the microsecond.
fn at_seconds(log: &RunLog<'_>, at: SimTime) -> f64 {
    let us = at.since_zero(log.zero).div_euclid(1_000);
    us as f64 / 1e6
}

fn connections<'a>(log: &'a RunLog<'_>) -> Vec<ConnectionOut<'a>> {
    let row = |c: &'a ConnectionRow| ConnectionOut {
        traffic: &c.traffic,
        index: c.index,
        client: &c.client,
        source_port: c.source_port,
        to: format!("{}:{}", c.to.0, c.to.1),
        protocol: if c.protocol == Proto::Udp { "udp" } else { "tcp" },
        start: at_seconds(log, c.start),
        outcome: c.outcome.word(),
        server: c.server.as_deref(),
        errno: c.errno,
    };
    log.connections.iter().map(row).collect()
}

fn event(log: &RunLog<'_>, e: &EventRow) -> String {
    let (node, run, link, set) = match &e.what {
        EventKind::Run { node, run } => (Some(node.as_str()), Some(run.as_str()), None, None),
        EventKind::Link { link, set } => {
            (None, None, Some(link), Some(set.iter().map(|(k, v)| (k.as_str(), v)).collect()))
        }
    };
    let at = e.at.map_or(AtOut::End("end"), |at| AtOut::Seconds(at_seconds(log, at)));
    one(&EventOut { at, node, run, link, set, observe: e.observe, rc: e.rc, out: &e.out })
}

fn host(h: &HostSnapshot, names: MacNames<'_>, printer: &mut Printer) -> String {
    let mut neighbours: IndexMap<&str, Vec<String>> = IndexMap::new();
    for n in &h.neighbours {
        let is = n.mac.map_or_else(|| "none".to_string(), |mac| mac_name(mac, names));
        let row = format!("\"{}\": {}", n.addr, one(&NeighbourOut { is, state: n.state }));
        neighbours.entry(&n.dev).or_default().push(row);
    }
    let devices = h.addresses.iter().map(|d| {
        let row = DeviceOut { up: d.up, carrier: d.carrier, mtu: d.mtu, inet: &d.inet };
        (d.dev.as_str(), one(&row))
    });
    let neighbours = neighbours.iter().map(|(dev, rows)| (*dev, format!("{{{}}}", rows.join(", "))));
    let mut rows = vec![
        ("neighbours", map(neighbours, "   ")),
        ("addresses", map(devices, "   ")),
        ("routes", list(h.routes.iter().map(one), "   ")),
    ];
    if let Some(text) = &h.ipvsadm_ln {
        let connections: Vec<IpvsConnectionRow> = h
            .ipvs_connections
            .iter()
            .map(|c| IpvsConnectionRow { source: printer.end(&c.source), ..c.clone() })
            .collect();
        rows.push(("ipvsadm_Ln", one(text)));
        rows.push(("ipvsadm_stats", one(&h.ipvsadm_stats)));
        rows.push(("ipvs_connections", list(connections.iter().map(one), "   ")));
    }
    map(rows.into_iter(), "  ")
}

/// Every request in order of sending. An answer that passes the asking interface, in either direction (a host may
/// announce what it just asked for), counts for the latest question with these two addresses.
fn arp_requests(log: &RunLog<'_>) -> Vec<ArpOut> {
    let table = log.mac_table();
    let names = |mac: Mac| table.get(&mac).cloned();
    let mut out: Vec<ArpOut> = Vec::new();
    let mut latest: Table<(NodeId, DevIdx, Ipv4Addr, Ipv4Addr), usize> = Table::default();
    for (at, node, dev, dir, frame, _) in sightings(log) {
        let L3::Arp(arp) = &frame.l3 else { continue };
        match (arp.op, dir) {
            (ArpOp::Request, Dir::Out) => {
                latest.insert((node, dev, arp.tpa, arp.spa), out.len());
                out.push(ArpOut {
                    t: at_seconds(log, at),
                    from: log.place(node, Some(dev)),
                    to: mac_name(frame.dst, &names),
                    who_has: arp.tpa,
                    tell: arp.spa,
                    answered_by: BTreeSet::new(),
                });
            }
            (ArpOp::Reply, _) => {
                if let Some(i) = latest.get(&(node, dev, arp.spa, arp.tpa)) {
                    out[*i].answered_by.insert(mac_name(arp.sha, &names));
                }
            }
            (ArpOp::Request, Dir::In) => {}
        }
    }
    out
}

/// The frames of every interface that saw any, interfaces in the order of the file.
fn frames(log: &RunLog<'_>, printer: &mut Printer) -> Vec<(String, Vec<FrameOut>)> {
    let table = log.mac_table();
    let names = |mac: Mac| table.get(&mac).cloned();
    let mut rows: BTreeMap<(NodeId, DevIdx), Vec<FrameOut>> = BTreeMap::new();
    // A device that was deleted and made again is one interface.
    let by_name = |node: NodeId, dev: DevIdx| {
        let devs = log.nodes.get(node.index()).map_or(&[][..], |n| &n.devs);
        let name = devs.get(dev.index()).map(|d| &d.name);
        devs.iter().position(|d| Some(&d.name) == name).map_or(dev, |first| DevIdx(first as u16))
    };
    for (at, node, dev, dir, frame, ethernet) in sightings(log) {
        // Loopback frames have Ethernet headers without addresses.
        let named = ethernet && !(frame.src == Mac::ZERO && frame.dst == Mac::ZERO);
        rows.entry((node, by_name(node, dev))).or_default().push(FrameOut {
            t: at_seconds(log, at),
            dir: if dir == Dir::In { "in" } else { "out" },
            src: named.then(|| mac_name(frame.src, &names)),
            dst: named.then(|| mac_name(frame.dst, &names)),
            line: printer.line(frame, &names),
        });
    }
    rows.into_iter().map(|((node, dev), rows)| (log.place(node, Some(dev)), rows)).collect()
}

fn sightings<'a>(log: &RunLog<'a>) -> impl Iterator<Item = (SimTime, NodeId, DevIdx, Dir, &'a Frame, bool)> + use<'a> {
    log.records.iter().filter_map(|r| match &r.event {
        TraceEvent::Frame { dev, dir, frame, ethernet } => Some((r.at, r.node, *dev, *dir, &**frame, *ethernet)),
        _ => None,
    })
}

/// JSON on one line, with a space after colons and commas as Python writes it.
fn one<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    let mut ser = serde_json::Serializer::with_formatter(&mut out, Spaced);
    // Only maps with keys that are no text fail, and there is none.
    let _ = value.serialize(&mut ser);
    String::from_utf8(out).unwrap_or_default()
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }
}

fn field(out: &mut String, key: &str, value: &str) {
    out.push_str(&format!(" {}: {value},\n", one(key)));
}

fn list(rows: impl Iterator<Item = String>, indent: &str) -> String {
    lines(rows, indent, '[', ']')
}

fn map<'a>(rows: impl Iterator<Item = (&'a str, String)>, indent: &str) -> String {
    lines(rows.map(|(key, value)| format!("{}: {value}", one(key))), indent, '{', '}')
}

fn lines(rows: impl Iterator<Item = String>, indent: &str, open: char, close: char) -> String {
    let rows: Vec<String> = rows.map(|row| format!("{indent} {row}")).collect();
    if rows.is_empty() {
        return format!("{open}{close}");
    }
    format!("{open}\n{}\n{indent}{close}", rows.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn example() -> Value {
        let records = testing::records();
        let log = testing::log(&records);
        let hosts = [HostSnapshot {
            name: "client".into(),
            neighbours: vec![
                NeighbourRow { dev: "eth0".into(), addr: testing::VIP, mac: Some(testing::mac(2)), state: "REACHABLE" },
                NeighbourRow { dev: "eth0".into(), addr: testing::RIP, mac: None, state: "FAILED" },
            ],
            routes: vec!["default via 10.0.0.9 dev eth0".into()],
            ipvsadm_ln: None,
            ..HostSnapshot::default()
        }];
        let setup = [SetupOutput { node: "director".into(), rc: 0, out: "a \"quoted\" line\n".into() }];
        let events = [
            EventRow {
                at: Some(log.zero + crate::base::Span::from_millis(1900)),
                what: EventKind::Run { node: "client".into(), run: "arp -n".into() },
                observe: true,
                rc: 0,
                out: String::new(),
            },
            EventRow {
                at: None,
                what: EventKind::Link {
                    link: ["rs1".into(), "lan".into()],
                    set: vec![("up".into(), Value::Bool(false))],
                },
                observe: false,
                rc: 0,
                out: String::new(),
            },
        ];
        serde_json::from_str(&record(&log, &hosts, &setup, &events)).expect("JSON")
    }

    #[test]
    fn a_question_knows_who_answered_it() {
        let all = example();
        let asked = &all["arp_requests"][0];
        assert_eq!(asked["from"], "client:eth0");
        assert_eq!(asked["to"], "*");
        assert_eq!(asked["who_has"], "10.0.0.100");
        assert_eq!(asked["answered_by"], serde_json::json!(["director:eth0"]));
        assert_eq!(asked["t"], 0.5);
    }

    #[test]
    fn frames_stand_by_interface_with_named_addresses() {
        let all = example();
        let syn = &all["frames"]["client:eth0"][2];
        assert_eq!(syn["dir"], "out");
        assert_eq!(syn["dst"], "director:eth0");
        assert_eq!(syn["type"], "IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 [SYN] seq 0 len 0 mss 1460");
        assert_eq!(all["frames"]["rs1:tunl0"][0]["src"], Value::Null);
    }

    #[test]
    fn neighbours_events_and_setup_have_the_shape_of_the_kernels_record() {
        let all = example();
        let eth0 = &all["hosts"]["client"]["neighbours"]["eth0"];
        assert_eq!(eth0["10.0.0.100"], serde_json::json!({ "is": "director:eth0", "state": "REACHABLE" }));
        assert_eq!(eth0["10.0.0.2"]["is"], "none");
        assert_eq!(all["events"][0]["at"], 1.9);
        assert_eq!(all["events"][1]["at"], "end");
        assert_eq!(all["events"][1]["link"], serde_json::json!(["rs1", "lan"]));
        assert_eq!(all["setup"]["director"]["out"], "a \"quoted\" line\n");
        assert_eq!(all["connections"][0]["to"], "10.0.0.100:80");
        assert_eq!(all["connections"][1]["server"], Value::Null);
    }

    #[test]
    fn keys_stand_in_the_order_of_the_kernels_record() {
        let records = testing::records();
        let text = record(&testing::log(&records), &[], &[], &[]);
        let mut last = 0;
        for key in ["record", "name", "ended", "connections", "setup", "events", "arp_requests", "hosts", "frames"] {
            let at = text.find(&format!("\n \"{key}\":")).expect(key);
            assert!(at >= last, "{key}");
            last = at;
        }
        assert!(text.contains("\"start\": 0.5, \"outcome\": \"ok\", \"server\": \"rs1\""));
    }
}
