//! A run as JSON, in the shape in which a real kernel's runs were recorded, so that the two can be compared.
//!
//! Everything in it comes from the trace (frames, ARP requests and who answered them) or from the state that was read
//! at the end ([`HostSnapshot`]). Keys stand in a fixed order and there is no clock, so equal runs are equal bytes.

mod frames;
mod json;

use super::log::{ConnectionRow, RunLog};
use crate::base::SimTime;
use crate::ipvs::ConnRow;
use crate::trace::Spooling;
use crate::wire::print::{MacNames, Printer, mac_name};
use crate::wire::{Mac, Proto};
use frames::Sightings;
use indexmap::IndexMap;
use json::Rows;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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
    pub ipvs_connections: Vec<ConnRow>,
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

/// What a record tells beside the trace. Connections and hosts are made when it is their turn: a million rows are never in
/// memory together.
pub struct Parts<'a> {
    /// Connections in the order of the file, then by index.
    pub connections: &'a mut dyn Iterator<Item = ConnectionRow>,
    /// Their ports, which keep their numbers in lines of frames.
    pub ports: BTreeSet<u16>,
    /// Hosts in the order of the file.
    pub hosts: &'a mut dyn Iterator<Item = HostSnapshot>,
    /// What set-up printed.
    pub setup: &'a [SetupOutput],
    /// Entries of `timeline` and `observe`.
    pub events: &'a [EventRow],
    /// Where lines of frames wait for their turn; none: in memory.
    pub spooling: Option<&'a Spooling>,
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("ports", &self.ports).finish_non_exhaustive()
    }
}

/// Writes the record as JSON: a line per frame, connection and question, so that two can be compared with `diff`.
///
/// # Errors
/// If `out` does not take it, or what was put aside cannot be written or read.
pub fn write(log: &RunLog<'_>, parts: Parts<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let table = log.mac_table();
    let names = |mac: Mac| table.get(&mac).cloned();
    let mut all = Rows::map(out, "")?;
    all.field("record", &1)?;
    all.field("name", &log.name)?;
    all.field("ended", &at_seconds(log, log.ended))?;
    let mut rows = Rows::list(all.key("connections")?, " ")?;
    for row in parts.connections {
        rows.item(&connection(log, &row))?;
    }
    rows.end()?;
    let mut rows = Rows::map(all.key("setup")?, " ")?;
    for s in parts.setup {
        rows.field(&s.node, &SetupOut { rc: s.rc, out: &s.out })?;
    }
    rows.end()?;
    let mut rows = Rows::list(all.key("events")?, " ")?;
    for e in parts.events {
        rows.item(&event(log, e))?;
    }
    rows.end()?;
    let mut printer = Printer::new(parts.ports);
    let Sightings { asked, heaps } = Sightings::read(log, &mut printer, parts.spooling)?;
    let mut rows = Rows::list(all.key("arp_requests")?, " ")?;
    for question in &asked {
        rows.item(&question.out(log, &names))?;
    }
    rows.end()?;
    let mut rows = Rows::map(all.key("hosts")?, " ")?;
    for h in parts.hosts {
        host(rows.key(&h.name)?, &h, &names, &mut printer)?;
    }
    rows.end()?;
    let mut rows = Rows::map(all.key("frames")?, " ")?;
    for interface in heaps.interfaces() {
        heaps.write(interface, rows.key(&log.place(interface.0, Some(interface.1)))?)?;
    }
    rows.end()?;
    all.end()?;
    out.write_all(b"\n")
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

/// One row of `ipvsadm -Lnc`.
#[derive(Serialize)]
struct IpvsConnectionOut<'a> {
    protocol: &'a str,
    expire: String,
    state: &'a str,
    source: String,
    #[serde(rename = "virtual")]
    virt: String,
    destination: String,
}

/// Seconds from t = 0 to the microsecond.
fn at_seconds(log: &RunLog<'_>, at: SimTime) -> f64 {
    let us = at.since_zero(log.zero).div_euclid(1_000);
    us as f64 / 1e6
}

fn connection<'a>(log: &RunLog<'_>, c: &'a ConnectionRow) -> ConnectionOut<'a> {
    ConnectionOut {
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
    }
}

fn event<'a>(log: &RunLog<'_>, e: &'a EventRow) -> EventOut<'a> {
    let (node, run, link, set) = match &e.what {
        EventKind::Run { node, run } => (Some(node.as_str()), Some(run.as_str()), None, None),
        EventKind::Link { link, set } => {
            (None, None, Some(link), Some(set.iter().map(|(k, v)| (k.as_str(), v)).collect()))
        }
    };
    let at = e.at.map_or(AtOut::End("end"), |at| AtOut::Seconds(at_seconds(log, at)));
    EventOut { at, node, run, link, set, observe: e.observe, rc: e.rc, out: &e.out }
}

fn host(out: &mut dyn io::Write, h: &HostSnapshot, names: MacNames<'_>, printer: &mut Printer) -> io::Result<()> {
    let mut all = Rows::map(out, "  ")?;
    let mut neighbours: IndexMap<&str, Vec<String>> = IndexMap::new();
    for n in &h.neighbours {
        let is = n.mac.map_or_else(|| "none".to_string(), |mac| mac_name(mac, names));
        let row = format!("\"{}\": {}", n.addr, json::one(&NeighbourOut { is, state: n.state }));
        neighbours.entry(&n.dev).or_default().push(row);
    }
    let mut rows = Rows::map(all.key("neighbours")?, "   ")?;
    for (dev, known) in &neighbours {
        write!(rows.key(dev)?, "{{{}}}", known.join(", "))?;
    }
    rows.end()?;
    let mut rows = Rows::map(all.key("addresses")?, "   ")?;
    for d in &h.addresses {
        rows.field(&d.dev, &DeviceOut { up: d.up, carrier: d.carrier, mtu: d.mtu, inet: &d.inet })?;
    }
    rows.end()?;
    let mut rows = Rows::list(all.key("routes")?, "   ")?;
    for route in &h.routes {
        rows.item(route)?;
    }
    rows.end()?;
    if let Some(text) = &h.ipvsadm_ln {
        all.field("ipvsadm_Ln", text)?;
        all.field("ipvsadm_stats", &h.ipvsadm_stats)?;
        let mut rows = Rows::list(all.key("ipvs_connections")?, "   ")?;
        for c in &h.ipvs_connections {
            rows.item(&ipvs_connection(c, printer))?;
        }
        rows.end()?;
    }
    all.end()
}

fn ipvs_connection<'a>(c: &'a ConnRow, printer: &mut Printer) -> IpvsConnectionOut<'a> {
    let end = |(addr, port): (Ipv4Addr, u16)| format!("{addr}:{port}");
    // Minutes and seconds left, as `ipvsadm -Lnc` shows them.
    let left = c.expires_in.as_secs();
    IpvsConnectionOut {
        protocol: c.proto_name(),
        expire: format!("{:02}:{:02}", left / 60, left % 60),
        state: c.state,
        source: printer.end(&end(c.client)),
        virt: end(c.virt),
        destination: end(c.dest),
    }
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
        serde_json::from_str(&record(&log, &hosts, &setup, &events, None)).expect("JSON")
    }

    fn record(
        log: &RunLog<'_>,
        hosts: &[HostSnapshot],
        setup: &[SetupOutput],
        events: &[EventRow],
        spooling: Option<&Spooling>,
    ) -> String {
        let parts = Parts {
            connections: &mut log.connections.iter().cloned(),
            ports: log.connections.iter().map(|c| c.source_port).collect(),
            hosts: &mut hosts.iter().cloned(),
            setup,
            events,
            spooling,
        };
        let mut out = Vec::new();
        write(log, parts, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lines_that_wait_in_a_spool_come_back_in_order() {
        let records = testing::records();
        let log = testing::log(&records);
        let spooling = crate::trace::testing::early();
        assert_eq!(record(&log, &[], &[], &[], Some(&spooling)), record(&log, &[], &[], &[], None));
        let nowhere = Spooling { open: crate::trace::testing::nowhere, ..spooling };
        let parts = Parts {
            connections: &mut std::iter::empty(),
            ports: BTreeSet::new(),
            hosts: &mut std::iter::empty(),
            setup: &[],
            events: &[],
            spooling: Some(&nowhere),
        };
        let error = write(&log, parts, &mut io::sink()).expect_err("lines must wait, and cannot");
        assert_eq!(error.to_string(), "no room anywhere");
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
        let text = record(&testing::log(&records), &[], &[], &[], None);
        let mut last = 0;
        for key in ["record", "name", "ended", "connections", "setup", "events", "arp_requests", "hosts", "frames"] {
            let at = text.find(&format!("\n \"{key}\":")).expect(key);
            assert!(at >= last, "{key}");
            last = at;
        }
        assert!(text.contains("\"start\": 0.5, \"outcome\": \"ok\", \"server\": \"rs1\""));
    }
}
