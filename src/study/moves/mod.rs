//! What can be changed in a lab: one table, a row for each kind of change, with the causes that it mends.
//!
//! A row proposes changes of what is there (hosts, VIPs, services, typed lines), each on one host and, where several hosts
//! are alike, on all of them at once. It deletes no service, server or traffic and takes no weight away. What `why` and the
//! lints found says which rows come first; after that rows that ask least of a person.

mod arp;
mod ipvs;
mod path;
mod server;
mod typed;

use super::change::{Change, Edit, Place, entry};
use crate::base::NodeId;
use crate::lang::Text;
use crate::net::{Dev, DevKind};
use crate::node::Host;
use crate::report::why::Lab;
use crate::report::why::lab::Server;
use crate::scenario::Scenario;
use crate::text;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What a proposal looks at: a finished run, and what was found in it.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The run.
    pub lab: &'a Lab<'a>,
    /// Codes of causes with their hosts, roots first.
    pub causes: &'a [(&'static str, NodeId)],
}

/// One kind of change.
#[derive(Debug)]
pub struct Move {
    /// Its name.
    pub name: &'static str,
    /// Codes of the causes that it mends.
    pub mends: &'static [&'static str],
    /// The changes that the lab has room for.
    pub propose: fn(&Bench<'_>, &'static str) -> Vec<Change>,
}

/// Every kind of change; of two that mend one cause the conventional one stands first.
pub const MOVES: &[Move] = &[
    Move { name: "spelling", mends: &["misspelt-knob"], propose: typed::spelling },
    Move {
        name: "arp_ignore",
        mends: &["vip-not-hidden", "arp-ignore-on-lo", "stale-neighbour"],
        propose: arp::arp_ignore,
    },
    Move { name: "arp_announce", mends: &["arp-announce"], propose: arp::arp_announce },
    Move {
        name: "arp_ignore and arp_announce",
        mends: &["vip-not-hidden", "arp-announce", "arp-ignore-on-lo"],
        propose: arp::both,
    },
    Move { name: "order", mends: &["stale-neighbour", "vip-not-hidden"], propose: typed::order },
    Move { name: "earlier", mends: &["stale-neighbour", "vip-not-hidden"], propose: typed::earlier },
    Move { name: "announce", mends: &["stale-neighbour"], propose: arp::announce },
    Move { name: "announce after it moved", mends: &["stale-neighbour"], propose: typed::announce_after },
    Move { name: "forget", mends: &["stale-neighbour"], propose: arp::forget },
    Move { name: "vip on lo", mends: &["vip-not-hidden", "duplicate-address"], propose: arp::vip_on_lo },
    Move { name: "mask of the vip", mends: &["vip-mask"], propose: arp::vip_mask },
    Move {
        name: "vip of the director",
        mends: &["director-without-vip", "unowned-address"],
        propose: ipvs::director_vip,
    },
    Move {
        name: "vip of the server",
        mends: &["real-server-without-vip", "wrong-mode", "health-loop"],
        propose: ipvs::server_vip,
    },
    Move { name: "tunnel", mends: &["tunnel-down", "wrong-mode"], propose: ipvs::tunnel },
    Move {
        name: "mode",
        mends: &["wrong-mode", "health-loop", "port-mapping", "nat-one-network", "dr-across-router"],
        propose: ipvs::mode,
    },
    Move { name: "ip_forward", mends: &["ip-forward", "no-route", "no-route-back"], propose: path::ip_forward },
    Move { name: "rp_filter", mends: &["rp-filter"], propose: path::rp_filter },
    Move {
        name: "gateway",
        mends: &[
            "nat-gateway",
            "default-route-to-self",
            "no-route-back",
            "no-route",
            "answers-through-director",
            "unowned-address",
        ],
        propose: path::gateway,
    },
    Move { name: "route", mends: &["no-route-back", "no-route", "nat-one-network"], propose: path::route },
    Move { name: "answers through the director", mends: &["nat-one-network"], propose: path::one_network },
    Move { name: "accept_local", mends: &["answers-through-director"], propose: path::accept_local },
    Move { name: "filter", mends: &["filter-drops", "arp-filtered", "mtu"], propose: path::filter },
    Move { name: "accept first", mends: &["filter-drops"], propose: path::accept_first },
    Move { name: "answer for it", mends: &["arp-filtered"], propose: arp::answer },
    Move { name: "interface", mends: &["interface-down"], propose: path::interface },
    Move { name: "mask", mends: &["mask-mismatch"], propose: path::mask },
    Move { name: "scope", mends: &["arp-filtered", "no-route"], propose: arp::scope },
    Move { name: "not twice", mends: &["duplicate-address"], propose: arp::not_twice },
    Move { name: "cable", mends: &["lossy-link", "interface-down"], propose: path::cable },
    Move { name: "mtu", mends: &["mtu"], propose: path::mtu },
    Move { name: "port", mends: &["nat-without-port", "not-listening", "port-mapping"], propose: ipvs::port },
    Move { name: "listen", mends: &["not-listening", "port-mapping", "nat-without-port"], propose: server::listen },
    Move { name: "room", mends: &["server-overloaded"], propose: server::room },
    Move { name: "service", mends: &["no-service"], propose: ipvs::service },
    Move { name: "weight", mends: &["no-servers"], propose: ipvs::weight },
    Move { name: "threshold", mends: &["no-servers"], propose: ipvs::threshold },
    Move { name: "servers", mends: &["no-servers", "no-service"], propose: ipvs::servers },
    Move { name: "weight 0 first", mends: &["server-deleted"], propose: typed::weight_first },
    Move { name: "templates", mends: &["template-over-weight"], propose: ipvs::templates },
    Move { name: "scheduler", mends: &["weight-ignored", "persistence-with-sh"], propose: ipvs::scheduler },
    Move { name: "same table", mends: &["directors-differ"], propose: ipvs::same_table },
    Move {
        name: "right server",
        mends: &["unowned-address", "no-route", "not-listening"],
        propose: ipvs::right_server,
    },
    Move { name: "mode in a script", mends: &["health-loop", "wrong-mode"], propose: typed::mode_in_script },
    Move {
        name: "mode with all it needs",
        mends: &["dr-across-router", "wrong-mode", "answers-through-director", "real-server-without-vip"],
        propose: ipvs::mode_and_setup,
    },
    Move {
        name: "not typed",
        mends: &[
            "not-listening",
            "ip-forward",
            "stale-neighbour",
            "filter-drops",
            "interface-down",
            "arp-filtered",
            "no-service",
            "no-servers",
            "rp-filter",
            "no-route-back",
        ],
        propose: typed::leave_out,
    },
];

/// The name of a kind of change, in words.
pub fn named(kind: &str) -> Text {
    Text::row("move", &kind.replace(' ', "-"), None)
}

/// Every change that the lab has room for, the most promising first.
pub fn candidates(bench: &Bench<'_>) -> Vec<Change> {
    let mut ranked = Vec::new();
    for (row, m) in MOVES.iter().enumerate() {
        let place = bench.causes.iter().position(|(code, _)| m.mends.contains(code)).unwrap_or(usize::MAX);
        let meant: BTreeSet<NodeId> =
            bench.causes.iter().filter(|(code, _)| m.mends.contains(code)).map(|c| c.1).collect();
        for change in (m.propose)(bench, m.name) {
            let nodes = change.nodes(bench.lab.play.scenario);
            let elsewhere = !meant.is_empty() && meant.is_disjoint(&nodes);
            // A line that is left out may be the lesson itself: last of what mends a cause.
            let drastic = m.name == "not typed";
            ranked.push(((place, drastic, row, elsewhere, nodes.len()), change));
        }
    }
    ranked.sort_by_key(|r| r.0);
    let mut out: Vec<Change> = Vec::new();
    for (_, change) in ranked {
        if !change.edits.is_empty() && !out.iter().any(|c| c.edits == change.edits) {
            out.push(change);
        }
    }
    out
}

/// A change that is not simply typed, in words: the host, and what is done.
pub fn in_words(scenario: &Scenario, edit: &Edit) -> Option<(String, Text)> {
    let place = |p: &Place| match p {
        Place::Run(node) => (scenario.node_name(*node).to_string(), text!("change-at-set-up"), Some(*node)),
        Place::Entry(i) => {
            let node = entry(scenario, *i).map(|e| e.0);
            let name = node.map_or_else(String::new, |n| scenario.node_name(n).to_string());
            (name, text!("change-at-entry", i), node)
        }
    };
    let old = |p: &Place, n: usize| -> String {
        let text = match p {
            Place::Run(node) => scenario.nodes[node.index()].run.as_ref().map(|r| r.text.to_string()),
            Place::Entry(i) => entry(scenario, *i).map(|e| e.1.to_string()),
        };
        text.as_deref().and_then(|t| t.lines().nth(n)).unwrap_or_default().trim().to_string()
    };
    match edit {
        Edit::Type(..) => None,
        Edit::Line(p, n, new) if new.is_empty() => {
            let (name, at, _) = place(p);
            Some((name, text!("change-leave-out", at, old = old(p, *n))))
        }
        Edit::Line(p, n, new) => {
            let (name, at, _) = place(p);
            let new: Vec<&str> = new.iter().map(|l| l.trim()).collect();
            Some((name, text!("change-instead", at, old = old(p, *n), new = new.join("; "))))
        }
        Edit::First(p, lines) => {
            let (name, at, _) = place(p);
            Some((name, text!("change-first", at, lines = lines.join("; "))))
        }
        Edit::Key(node, path, value) => {
            Some((scenario.node_name(*node).to_string(), text!("change-key", path = path.join("."), value)))
        }
        Edit::EntryKey(i, path, value) => {
            Some((String::new(), text!("change-entry-key", i, path = path.join("."), value)))
        }
    }
}

impl<'a> Bench<'a> {
    fn hosts(&self) -> impl Iterator<Item = &'a Host> + use<'a> {
        self.lab.hosts()
    }

    /// Hosts that have a VIP and must be silent about it.
    fn behind(&self) -> Vec<&'a Host> {
        let has = |h: &&Host| !self.lab.is_director(h.id) && self.lab.vips.iter().any(|v| h.net.has_addr(*v));
        self.hosts().filter(has).collect()
    }

    /// The hosts of which this cause was found, if it was found.
    fn found(&self, code: &str) -> BTreeSet<NodeId> {
        self.causes.iter().filter(|(c, _)| *c == code).map(|c| c.1).collect()
    }

    /// Servers with their hosts.
    fn servers(&self) -> impl Iterator<Item = (&'a Server, &'a Host)> + use<'a, '_> {
        self.lab.servers.iter().filter_map(|s| Some((s, self.lab.host(s.host?)?)))
    }
}

/// Cards with a cable.
fn cards(host: &Host) -> impl Iterator<Item = &Dev> {
    host.net.devices().filter(|d| d.kind == DevKind::Ethernet)
}

/// Addresses of a host's cards.
fn addresses(host: &Host) -> impl Iterator<Item = Ipv4Addr> {
    cards(host).flat_map(|d| d.addrs.iter().map(|a| a.local))
}

/// The card through which a host sees the address on the link, or its first.
fn card_towards(host: &Host, addr: Ipv4Addr) -> Option<&Dev> {
    let near = cards(host).find(|d| d.addrs.iter().any(|a| a.prefix < 32 && a.covers(addr)));
    near.or_else(|| cards(host).next())
}

/// The same on each host alone, then on all of them.
fn each_and_all(kind: &'static str, hosts: Vec<(NodeId, Vec<String>)>) -> Vec<Change> {
    let change = |some: &[(NodeId, Vec<String>)]| Change {
        kind,
        edits: some.iter().flat_map(|(n, lines)| lines.iter().map(|l| Edit::Type(*n, l.clone()))).collect(),
    };
    let mut out: Vec<Change> = hosts.iter().map(|h| change(std::slice::from_ref(h))).collect();
    if hosts.len() > 1 {
        out.push(change(&hosts));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::causes::{CAUSES, cause};

    #[test]
    fn every_cause_that_a_run_shows_has_a_move_and_moves_mend_causes() {
        for m in MOVES {
            for code in m.mends {
                assert!(cause(code).is_some(), "{}: {code} is no cause", m.name);
            }
        }
        for c in CAUSES.iter().filter(|c| c.code != "vrid-duplicate") {
            assert!(MOVES.iter().any(|m| m.mends.contains(&c.code)), "nothing mends {}", c.code);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = MOVES.iter().map(|m| m.name).collect();
        assert_eq!(names.len(), MOVES.len());
    }
}
