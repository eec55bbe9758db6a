//! The workload by which lvsim is measured, and held beside other simulators.
//!
//! 16 clients and 4 servers, a 1 Gb/s 5 us cable each, ARP on, an open loop of 10,000 connections a simulated second (the
//! busiest cable carries 4 %). A TCP connection is 10 segments: handshake, 100 B asked, 1000 B answered, closed by the
//! client. A datagram's is one question from a port of its own and one answer.
//!
//! A new workload is a variant of [`Workload`] and its row in [`WORKLOADS`].

use crate::engine::world::World;
use crate::node::app::Outcome;
use std::fmt::Write as _;

/// Where the clients ask, and by which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// The servers themselves.
    Lan,
    /// A virtual server by NAT, between two networks.
    Nat,
    /// A virtual server by direct routing.
    Dr,
    /// A virtual server by IP tunnels.
    Tun,
    /// As by direct routing, but nobody closes.
    Hold,
    /// The same, and each client asks again at moments of its own: frames of connections in no order.
    Talk,
}

/// A workload's row.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadRow {
    /// Which.
    pub workload: Workload,
    /// Its name.
    pub name: &'static str,
    /// What happens, in a few words.
    pub about: &'static str,
    /// Frames that a TCP connection and a datagram's question and answer put on cables; none: there are no datagrams.
    pub frames: (u32, Option<u32>),
}

/// Every workload.
pub const WORKLOADS: &[WorkloadRow] = &[
    WorkloadRow {
        workload: Workload::Lan,
        name: "lan",
        about: "clients ask the servers, over one switch",
        frames: (20, Some(4)),
    },
    WorkloadRow {
        workload: Workload::Nat,
        name: "nat",
        about: "through a director by NAT, between two switches",
        frames: (40, Some(8)),
    },
    WorkloadRow {
        workload: Workload::Dr,
        name: "dr",
        about: "through a director by direct routing",
        frames: (32, Some(6)),
    },
    WorkloadRow {
        workload: Workload::Tun,
        name: "tun",
        about: "through a director by IP tunnels",
        frames: (32, Some(6)),
    },
    WorkloadRow {
        workload: Workload::Hold,
        name: "hold",
        about: "as dr, and nobody closes: what a live connection costs",
        frames: (22, None),
    },
    WorkloadRow {
        workload: Workload::Talk,
        name: "talk",
        about: "as hold, and each connection asks four times more, all of them mixed",
        frames: (62, None),
    },
];

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The workload.
    pub workload: Workload,
    /// UDP instead of TCP.
    pub udp: bool,
    /// Connections, or questions.
    pub connections: u64,
}

const SERVERS: u64 = 4;
const CLIENTS: u64 = 16;
/// A client has 28,232 ports and a minute of TIME_WAIT: so many connections come from one at most within that, or while they
/// are held.
const PORTS: u64 = 25_000;
/// Connections that come within a minute of TIME_WAIT and a little more.
const A_MINUTE: u64 = 620_000;

impl Workload {
    /// Whether connections stay open, so that what they take can be measured.
    pub fn holds(self) -> bool {
        matches!(self, Workload::Hold | Workload::Talk)
    }

    /// Its row.
    pub fn row(self) -> &'static WorkloadRow {
        WORKLOADS.iter().find(|r| r.workload == self).unwrap_or(&WORKLOADS[0])
    }
}

impl Cell {
    /// The scenario.
    pub fn text(&self) -> String {
        let Cell { workload, udp, connections: n } = *self;
        let protocol = if udp { "udp" } else { "tcp" };
        let held = workload.holds();
        let talks = workload == Workload::Talk;
        let mut s = String::from("lvsim: 1\nname: bench\ndefaults: { link: { latency: 5us, bandwidth: 1gbit } }\n");
        if held {
            // Who talks pauses four times, at most for twice as long as it takes to open all connections and a little more.
            let (openings, more) = if talks { (9, 2_000) } else { (1, 1_000) };
            let _ = writeln!(s, "duration: {}ms", openings * n / 10 + more);
        }
        s += "nodes:\n  lan: { kind: switch }\n";
        if workload == Workload::Nat {
            s += "  back: { kind: switch }\n";
        }
        let busy = if held { n } else { n.min(A_MINUTE) };
        let clients = CLIENTS.max(busy.div_ceil(PORTS));
        let _ = writeln!(
            s,
            "  client: {{ kind: client, count: {clients}, interfaces: {{ eth0: {{ to: lan, address: 10.0.1.1/16 }} }} }}"
        );
        for i in 1..=SERVERS {
            self.server(&mut s, i, protocol);
        }
        if workload == Workload::Lan {
            s += "traffic:\n";
            for i in 1..=SERVERS {
                let share = (n + SERVERS - i) / SERVERS;
                let _ =
                    writeln!(s, "  - {{ from: client, to: 10.0.0.{i}:80, start: {}us, every: 400us,", 900 + 100 * i);
                let _ =
                    writeln!(s, "      protocol: {protocol}, connections: {share}, request: 100B, response: 1000B }}");
            }
            return s;
        }
        self.director(&mut s);
        let mut hold = String::from(if held { "hold: 1h, " } else { "" });
        if talks {
            // Longer than an acknowledgement is held back: it is never carried by the next request.
            let _ = write!(hold, "requests: 5, think: {{ uniform: [ 200ms, {}us ] }}, ", 200_000 + n * 200);
        }
        let _ = writeln!(s, "traffic:\n  - {{ from: client, to: 10.0.0.100:80, start: 1ms, every: 100us, {hold}");
        let _ = writeln!(s, "      protocol: {protocol}, connections: {n}, request: 100B, response: 1000B }}");
        s
    }

    fn server(&self, s: &mut String, i: u64, protocol: &str) {
        let _ = writeln!(s, "  rs{i}:\n    kind: real-server\n    serves: [ {protocol}/80 ]\n    interfaces:");
        let (net, lo, run) = match self.workload {
            Workload::Lan => ("lan, address: 10.0.0", false, ""),
            Workload::Nat => ("back, address: 10.1.0", false, "    gateway: 10.1.0.99\n"),
            Workload::Dr | Workload::Hold | Workload::Talk => ("lan, address: 10.0.0", true, ""),
            Workload::Tun => {
                ("lan, address: 10.0.0", false, "    run: ifconfig tunl0 10.0.0.100 netmask 255.255.255.255 up\n")
            }
        };
        let _ = writeln!(s, "      eth0: {{ to: {net}.{i}/16 }}");
        if lo {
            s.push_str("      lo: { addresses: [ 10.0.0.100/32 ] }\n");
        }
        if lo || self.workload == Workload::Tun {
            s.push_str("    sysctl: { net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }\n");
        }
        s.push_str(run);
    }

    fn director(&self, s: &mut String) {
        let (back, address, method) = match self.workload {
            Workload::Nat => ("      eth1: { to: back, address: 10.1.0.99/16 }\n", "10.1.0", "-m"),
            Workload::Tun => ("", "10.0.0", "-i"),
            _ => ("", "10.0.0", "-g"),
        };
        let kind = if self.udp { "-u" } else { "-t" };
        s.push_str("  director:\n    kind: director\n    sysctl: { net.ipv4.ip_forward: 1 }\n    interfaces:\n");
        s.push_str("      eth0: { to: lan, addresses: [ 10.0.0.99/16, 10.0.0.100/32 ] }\n");
        s.push_str(back);
        let _ = writeln!(s, "    run: |\n      ipvsadm -A {kind} 10.0.0.100:80 -s rr");
        for i in 1..=SERVERS {
            let _ = writeln!(s, "      ipvsadm -a {kind} 10.0.0.100:80 -r {address}.{i} {method}");
        }
    }

    /// Whether everybody was served, and every frame is accounted for.
    ///
    /// # Errors
    /// A sentence that says what is wrong: figures of such a run would mean nothing.
    pub fn judge(&self, world: &World) -> Result<(), String> {
        if !world.ledger.balanced() {
            return Err(format!("the ledger does not balance: {:?}", world.ledger));
        }
        let results = || world.workloads.iter().flat_map(|w| &w.results);
        let ok = results().filter(|r| r.outcome == Outcome::Ok).count() as u64;
        match results().find(|r| r.outcome != Outcome::Ok) {
            Some(bad) => Err(format!("of {} connections {ok} were ok; one that was not: {bad:?}", self.connections)),
            None if ok == self.connections => Ok(()),
            None => Err(format!("{} connections were to be made, {ok} were", self.connections)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::engine::world::Limits;
    use crate::scenario::play::{Ending, Play};
    use crate::scenario::{Names, load};
    use crate::trace::Tracer;

    /// Frames of a run with so many connections.
    fn frames(cell: Cell) -> u64 {
        let scenario = load("bench.yaml", &cell.text(), &[], &Names::default()).expect("a good scenario").scenario;
        let mut tracer = Tracer::off();
        let mut go_on = |_: &World, _| true;
        let play = Play::set_up(&scenario, Seed(1), Limits::default(), None, &mut tracer, &mut go_on);
        let mut play = play.map_err(|early| early.1).expect("set-up");
        assert_eq!(play.run(Seed(1), &mut tracer, &mut go_on), Ending::Complete);
        cell.judge(&play.world).expect("everybody is served");
        play.world.ledger.sent
    }

    #[test]
    fn a_connection_puts_as_many_frames_on_cables_as_its_row_says() {
        for row in WORKLOADS {
            for (udp, each) in [(false, Some(row.frames.0)), (true, row.frames.1)] {
                let Some(each) = each else { continue };
                let cell = |connections| Cell { workload: row.workload, udp, connections };
                // What ARP takes is the same for both: all clients and servers have met.
                let more = frames(cell(400)) - frames(cell(200));
                assert_eq!(more, 200 * u64::from(each), "{} udp: {udp}", row.name);
            }
        }
    }

    #[test]
    fn a_run_that_did_not_serve_everybody_is_no_measurement() {
        let cell = Cell { workload: Workload::Lan, udp: false, connections: 8 };
        let text = cell.text().replace("serves: [ tcp/80 ]", "serves: []");
        let scenario = load("bench.yaml", &text, &[], &Names::default()).expect("a good scenario").scenario;
        let mut tracer = Tracer::off();
        let mut go_on = |_: &World, _| true;
        let play = Play::set_up(&scenario, Seed(1), Limits::default(), None, &mut tracer, &mut go_on);
        let mut play = play.map_err(|early| early.1).expect("set-up");
        play.run(Seed(1), &mut tracer, &mut go_on);
        assert!(cell.judge(&play.world).is_err_and(|why| why.contains("of 8 connections 0 were ok")));
    }
}
