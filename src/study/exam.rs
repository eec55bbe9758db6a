//! One run of a scenario, boiled down to what a change is judged by, and the goal that it is held against.
//!
//! The goal is what the file expects. Where it expects nothing, or what it expects is the fault itself, it is: every
//! connection ok, who asks for the VIP is told of the director, and every server with a weight serves. A goal is never
//! reached by doing less: traffic, services and servers stay, and who served before serves afterwards.

use crate::ipvs::ServiceKey;
use crate::lang::Text;
use crate::node::app::Outcome;
use crate::report::run::{Limits, Run, RunOptions, Stop, simulate};
use crate::report::why::Lab;
use crate::scenario::model::Claim;
use crate::scenario::{self, Names, Scenario};
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// An entry of traffic: its name, how many connections had which outcome, who served how many.
pub type Load = (String, BTreeMap<&'static str, u64>, BTreeMap<String, u64>);

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It came to its end.
    pub ended: bool,
    /// Events that it took.
    pub events: u64,
    /// By traffic, in the order of the file.
    pub traffic: Vec<Load>,
    /// What was expected: how it is written, and whether it holds.
    pub expected: Vec<(String, bool)>,
    /// Whom hosts have in their caches for a VIP: the host, the address, the owner of the hardware address.
    pub neighbours: Vec<(String, Ipv4Addr, String)>,
    /// Entries among them that name no director.
    astray: usize,
    /// Servers that a scheduler which takes turns has to come to, and that served nobody.
    starved: BTreeSet<String>,
    /// Rows of virtual services with a weight.
    rows: usize,
}

/// What has to come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// What the file expects.
    Expected,
    /// Every connection ok, the VIP at the director, every server served.
    Sound,
}

/// Reads and runs a scenario, without a trace.
pub struct Exam<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// What `--set` changed already.
    pub sets: &'a [String],
    /// Another seed.
    pub seed: Option<u64>,
    /// The names that the file may use, and who reads what it names.
    pub names: Names<'a>,
}

impl Exam<'_> {
    /// The scenario with more changes; none if it is not valid then.
    pub fn load(&self, more: &[String]) -> Option<Scenario> {
        let sets: Vec<String> = self.sets.iter().chain(more).cloned().collect();
        scenario::load(self.file, self.text, &sets, &self.names).ok().map(|l| l.scenario)
    }

    /// The run; `trace`: with every decision, for `why`.
    pub fn run<'s>(
        &self,
        scenario: &'s Scenario,
        trace: bool,
        events: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Run<'s> {
        let limits = Limits { events, ..Limits::default() };
        let options = RunOptions { seed: self.seed, trace, decisions: trace, limits, ..RunOptions::default() };
        simulate(scenario, &options, &mut |_| go_on())
    }
}

impl Facts {
    /// Of a run.
    pub fn of(run: &Run<'_>, lab: &Lab<'_>) -> Facts {
        let mut facts = Facts { ended: run.stop == Stop::Ended, events: run.events, ..Facts::default() };
        for name in lab.log.traffic_names() {
            let (mut outcomes, mut served) = (BTreeMap::new(), BTreeMap::new());
            for c in lab.log.connections.iter().filter(|c| &*c.traffic == name) {
                *outcomes.entry(c.outcome.word()).or_insert(0) += 1;
                if let Some(server) = &c.server {
                    *served.entry(server.to_string()).or_insert(0) += 1;
                }
            }
            facts.traffic.push((name.to_string(), outcomes, served));
        }
        facts.expected = run.expectations.iter().map(|e| (e.text.clone(), e.held)).collect();
        facts.neighbours(lab);
        facts.servers(lab);
        facts
    }

    fn neighbours(&mut self, lab: &Lab<'_>) {
        for host in lab.hosts() {
            for n in host.net.neigh.sorted().into_iter().filter(|n| n.state.valid() && lab.vips.contains(&n.addr)) {
                let owner = lab.of_mac(n.mac);
                let right = owner.is_some_and(|o| lab.is_director(o.id) || !lab.is_server(o.id));
                self.astray += usize::from(!right);
                let owner = owner.map_or_else(|| n.mac.to_string(), |o| o.name.to_string());
                self.neighbours.push((host.name.to_string(), n.addr, owner));
            }
        }
    }

    fn servers(&mut self, lab: &Lab<'_>) {
        for director in lab.hosts() {
            for service in director.ipvs.services() {
                let rows: Vec<_> = service.dests().filter(|d| d.weight > 0).collect();
                self.rows += rows.len();
                let ServiceKey::Addr { addr, port, .. } = service.key() else { continue };
                let of = |c: &&crate::report::log::ConnectionRow| c.to.0 == addr && (port == 0 || c.to.1 == port);
                let made = lab.log.connections.iter().filter(of).count() as u64;
                let turns = matches!(service.scheduler(), "rr" | "wrr" | "lc" | "wlc" | "nq" | "sed");
                let weights: u64 = rows.iter().map(|d| u64::from(d.weight.unsigned_abs())).sum();
                if !turns || service.spec().persistent.is_some() || made < weights || !director.net.is_local(addr) {
                    continue;
                }
                for d in rows {
                    let name = lab.owner(d.addr).map_or_else(|| d.addr.to_string(), |h| h.name.to_string());
                    if !self.traffic.iter().any(|(_, _, served)| served.contains_key(&name)) {
                        self.starved.insert(name);
                    }
                }
            }
        }
    }

    /// Connections that were answered.
    pub fn ok(&self) -> u64 {
        self.traffic.iter().filter_map(|(_, outcomes, _)| outcomes.get(Outcome::Ok.word())).sum()
    }

    /// Whether somebody has a server's hardware address, or nobody's, for a VIP.
    pub fn astray(&self) -> bool {
        self.astray > 0
    }

    /// Connections that were made.
    pub fn made(&self) -> u64 {
        self.traffic.iter().flat_map(|(_, outcomes, _)| outcomes.values()).sum()
    }

    fn serving(&self) -> BTreeSet<&String> {
        self.traffic.iter().flat_map(|(_, _, served)| served.keys()).collect()
    }

    /// Whether everything that was expected holds.
    pub fn held(&self) -> bool {
        self.ended && self.expected.iter().all(|(_, held)| *held)
    }

    /// How near it is to the goal, to compare runs of one scenario.
    pub fn score(&self) -> u64 {
        let held = self.expected.iter().filter(|(_, held)| *held).count() as u64;
        self.ok() + held + self.serving().len() as u64
    }
}

impl Goal {
    /// What has to come out of a scenario that comes to this now.
    pub fn of(now: &Facts) -> Goal {
        if now.held() { Goal::Sound } else { Goal::Expected }
    }

    /// In words.
    pub fn text(self) -> Text {
        match self {
            Goal::Expected => text!("goal-expected"),
            Goal::Sound => text!("goal-sound"),
        }
    }

    /// Whether a changed scenario reaches it. `claims` are the expectations of the file: where they say who serves, that is
    /// enough; else who served before has to serve, and nobody may starve.
    pub fn reached(self, before: &Facts, after: &Facts, claims: &Scenario) -> bool {
        let said = claims.expect.iter().any(|e| matches!(e.what, Claim::Served { .. } | Claim::Sequence { .. }));
        let all_serve = after.starved.is_empty() && before.serving().is_subset(&after.serving());
        let less = after.made() < before.made() || after.rows < before.rows;
        match self {
            Goal::Expected => after.held() && !less && (said || all_serve),
            Goal::Sound => {
                after.ended && !less && after.ok() == after.made() && after.astray == 0 && after.starved.is_empty()
            }
        }
    }
}
