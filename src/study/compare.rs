//! The same load on the same servers under several schedulers.
//!
//! A run is a scenario, a scheduler and a seed. The scheduler is typed at the end of set-up, `ipvsadm -E … -s NAME` for every
//! virtual service, so that all else stays as the file has it. Arrivals, sizes and work do not depend on what a scheduler does
//! (common random numbers), so that runs of one seed can be compared pair by pair. Each run is independent of the others: a
//! caller may do them in any order, on any number of threads, and [`merge`] puts them in order.
//!
//! Connections that start during the warm-up are simulated and not counted; the servers' bytes and busy time count from its
//! end on. Left out: slowdown, since a client does not know how much work its request was.

use super::measures::{Evenness, Waits};
use crate::base::{NodeId, Seed, SimTime, Span};
use crate::engine::world::{Limits, World};
use crate::ipvs::sched::{SCHEDULERS, find};
use crate::node::app::Outcome;
use crate::scenario::Scenario;
use crate::scenario::play::{Ending, Play};
use crate::shell::ipvsadm::list::edit_line;
use crate::trace::Tracer;
use std::sync::Arc;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Place in the list of schedulers.
    pub scheduler: usize,
    /// The seed.
    pub seed: u64,
}

/// Every scheduler with every seed, in the order of the results: seed by seed, so that a study that is cut short has whole
/// pairs.
pub fn cases(schedulers: usize, first_seed: u64, seeds: u64) -> Vec<Case> {
    (0..seeds)
        .flat_map(|n| (0..schedulers).map(move |scheduler| Case { scheduler, seed: first_seed.wrapping_add(n) }))
        .collect()
}

/// What a server got in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerShare {
    /// Its name.
    pub name: String,
    /// Its weight in the director's table at the end of set-up.
    pub weight: i32,
    /// Connections that it answered.
    pub connections: u64,
    /// Bytes of its answers.
    pub bytes: u64,
    /// Seconds of work, of all its workers together.
    pub busy: f64,
}

/// What a run measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which run.
    pub case: Case,
    /// Connections that count.
    pub connections: u64,
    /// Those of them that were answered.
    pub ok: u64,
    /// From the start to the end of the handshake.
    pub connect: Waits,
    /// From the start to the first byte of the first response.
    pub first_byte: Waits,
    /// From the start to the end of the last response.
    pub completion: Waits,
    /// The servers, in the order of the file.
    pub servers: Vec<ServerShare>,
    /// How evenly connections were shared out by weight.
    pub evenness: Option<Evenness>,
    /// How evenly work was.
    pub busy_evenness: Option<Evenness>,
    /// Events handled.
    pub events: u64,
}

impl Sample {
    /// The part of the connections that were not answered.
    pub fn failed(&self) -> f64 {
        if self.connections == 0 { 0.0 } else { (self.connections - self.ok) as f64 / self.connections as f64 }
    }
}

/// Why a run has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller stopped it.
    Interrupted,
    /// Something that a sentence says.
    Because(String),
}

/// Runs one case. `go_on` is asked every so many events.
///
/// # Errors
/// If the run does not come to its end, or there is nothing to compare.
pub fn run_one(
    scenario: &Scenario,
    scheduler: &str,
    case: Case,
    limits: Limits,
    until: Option<Span>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Sample, Failure> {
    let seed = Seed(case.seed);
    let mut tracer = Tracer::off();
    let mut ask = |_: &World, _: Option<SimTime>| go_on();
    let mut play = Play::set_up(scenario, seed, limits, until, &mut tracer, &mut ask)
        .map_err(|early| told(&early.1, scheduler, case))?;
    let mut services = 0;
    for (node, lines) in edits(&play, scheduler) {
        for line in lines {
            services += 1;
            play.type_more(node, &line, seed, &mut tracer, &mut ask)
                .map_err(|ending| told(&ending, scheduler, case))?;
            if let Some(typed) = play.setup.last().filter(|t| t.status != Some(0)) {
                return Err(Failure::Because(format!("`{line}` failed: {}", typed.out.trim())));
            }
        }
    }
    if services == 0 {
        return Err(Failure::Because("no host has a virtual service at the end of set-up: nothing to compare".into()));
    }
    let weights = weights(&play);
    let from = play.zero + scenario.warmup;
    for host in play.world.nodes.iter_mut().filter_map(|n| n.host_mut()) {
        host.servers.count_from(from);
    }
    match play.run(seed, &mut tracer, &mut ask) {
        Ending::Complete => Ok(measure(&play, case, from, &weights)),
        ending => Err(told(&ending, scheduler, case)),
    }
}

fn told(ending: &Ending, scheduler: &str, case: Case) -> Failure {
    let what = match ending {
        Ending::Interrupted => return Failure::Interrupted,
        Ending::Complete => return Failure::Because("the run has ended already".into()),
        Ending::Limit(limit) => format!("a limit was reached: {limit:?}"),
        Ending::SetupTooLong(_) => "set-up did not end within an hour".into(),
    };
    Failure::Because(format!("{scheduler}, seed {}: {what}", case.seed))
}

/// What is to be typed on each host that has virtual services.
fn edits(play: &Play<'_>, scheduler: &str) -> Vec<(NodeId, Vec<Arc<str>>)> {
    let hosts = play.world.nodes.iter().enumerate().filter_map(|(i, n)| Some((NodeId(i as u32), n.host()?)));
    let lines = hosts.map(|(id, host)| {
        let lines = host.ipvs.services().map(|s| Arc::from(edit_line(&s, scheduler).as_str()));
        (id, lines.collect::<Vec<Arc<str>>>())
    });
    lines.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// The servers in the order of the file, each with its weight: that of the first service that has it.
fn weights(play: &Play<'_>) -> Vec<(NodeId, i32)> {
    let hosts = || play.world.nodes.iter().filter_map(|n| n.host());
    let mut found: Vec<(NodeId, i32)> = Vec::new();
    for dest in hosts().flat_map(|h| h.ipvs.services()).flat_map(|s| s.dests()) {
        let owner = hosts().find(|h| h.net.has_addr(dest.addr));
        if let Some(owner) = owner
            && found.iter().all(|f| f.0 != owner.id)
        {
            found.push((owner.id, dest.weight));
        }
    }
    found.sort_by_key(|f| f.0);
    found
}

fn measure(play: &Play<'_>, case: Case, from: SimTime, weights: &[(NodeId, i32)]) -> Sample {
    let (mut connect, mut first_byte, mut completion) = (Vec::new(), Vec::new(), Vec::new());
    let mut answered = vec![0u64; weights.len()];
    let (mut connections, mut ok) = (0, 0);
    let counted = play.world.workloads.iter().flat_map(|w| &w.results).filter(|r| r.start >= from);
    for result in counted {
        // What the end of the run cut off says nothing.
        if result.outcome == Outcome::Unfinished {
            continue;
        }
        connections += 1;
        if result.connected != SimTime::NEVER {
            connect.push(result.connected.since(result.start).0);
        }
        if let Some(place) = weights.iter().position(|w| Some(w.0) == result.server) {
            answered[place] += 1;
        }
        if result.outcome == Outcome::Ok {
            ok += 1;
            first_byte.push(result.first_byte.since(result.start).0);
            completion.push(result.end.since(result.start).0);
        }
    }
    let servers: Vec<ServerShare> = weights
        .iter()
        .zip(answered)
        .map(|(&(id, weight), connections)| {
            let served = play.world.host(id).map(|h| h.servers.served(play.ended)).unwrap_or_default();
            ServerShare {
                name: play.scenario.node_name(id).to_string(),
                weight,
                connections,
                bytes: served.bytes,
                busy: served.busy_ns as f64 / 1e9,
            }
        })
        .collect();
    let by = |got: &dyn Fn(&ServerShare) -> f64| {
        let weights: Vec<f64> = servers.iter().map(|s| f64::from(s.weight.max(0))).collect();
        Evenness::of(&servers.iter().map(got).collect::<Vec<f64>>(), &weights)
    };
    Sample {
        case,
        connections,
        ok,
        connect: Waits::of(&mut connect),
        first_byte: Waits::of(&mut first_byte),
        completion: Waits::of(&mut completion),
        evenness: by(&|s| s.connections as f64),
        busy_evenness: by(&|s| s.busy),
        servers,
        events: play.world.events,
    }
}

/// The runs of a study, in order.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The scenario's name.
    pub name: String,
    /// What is cut off the beginning.
    pub warmup: Span,
    /// The schedulers, in the order in which they were asked for.
    pub schedulers: Vec<&'static str>,
    /// The seeds that every scheduler has a run of.
    pub seeds: Vec<u64>,
    /// Their runs, by scheduler and seed.
    pub samples: Vec<Vec<Sample>>,
}

/// Puts runs in order, whatever order they come in. Seeds that not every scheduler has a run of are left out.
pub fn merge(scenario: &Scenario, schedulers: &[&'static str], mut samples: Vec<Sample>) -> Comparison {
    samples.sort_by_key(|s| s.case);
    samples.dedup_by_key(|s| s.case);
    let of = |n: usize| samples.iter().filter(move |s| s.case.scheduler == n);
    let everywhere = |seed: u64| (0..schedulers.len()).all(|n| of(n).any(|s| s.case.seed == seed));
    let seeds: Vec<u64> = of(0).map(|s| s.case.seed).filter(|&seed| everywhere(seed)).collect();
    let kept = (0..schedulers.len()).map(|n| of(n).filter(|s| seeds.contains(&s.case.seed)).cloned().collect());
    Comparison {
        name: scenario.name.clone(),
        warmup: scenario.warmup,
        schedulers: schedulers.to_vec(),
        samples: kept.collect(),
        seeds,
    }
}

/// The schedulers of a list such as `rr,wlc`, each once.
///
/// # Errors
/// A sentence that names an unknown one, or one that stands twice.
pub fn schedulers(list: &str) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let Some(row) = find(word) else {
            let names: Vec<&str> = SCHEDULERS.iter().map(|r| r.name).collect();
            return Err(format!("`{word}` is no scheduler; there are {}", names.join(", ")));
        };
        if found.contains(&row.name) {
            return Err(format!("`{word}` stands twice"));
        }
        found.push(row.name);
    }
    match found.is_empty() {
        true => Err("name a scheduler, such as `rr,wlc`".into()),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Names, load};

    /// So many servers behind a director on one switch; `serve` is what each does, `traffic` the rest of the entry.
    fn lab(servers: u32, serve: &str, traffic: &str) -> Scenario {
        let mut text = String::from(
            "lvsim: 1\nname: lab\ndefaults: { link: { latency: 1us, bandwidth: 100gbit } }\nnodes:\n  lan: { kind: switch }\n  \
             client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/8 } } }\n  director:\n    kind: director\n    \
             interfaces: { eth0: { to: lan, addresses: [10.0.0.2/8, 10.0.0.100/32] } }\n    run: |\n      \
             ipvsadm -A -t 10.0.0.100:80 -s rr\n",
        );
        for n in 1..=servers {
            text.push_str(&format!("      ipvsadm -a -t 10.0.0.100:80 -r 10.0.1.{n} -g -w 1\n"));
        }
        text.push_str(&format!(
            "  rs:\n    kind: real-server\n    count: {servers}\n    interfaces:\n      eth0: {{ to: lan, address: 10.0.1.1/8 }}\n    \
             sysctl: {{ net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }}\n    \
             run: ip addr add 10.0.0.100/32 dev lo\n    serves: [ {{ port: 80, {serve} }} ]\ntraffic:\n  - {{ name: web, from: \
             client, to: '10.0.0.100:80', timeout: 60s, {traffic} }}\n"
        ));
        // A group counts every address up, one on lo as well: that is why it is typed.
        load("lab.yaml", &text, &[], &Names::default()).expect("a good scenario").scenario
    }

    fn run(scenario: &Scenario, scheduler: &str, seed: u64) -> Sample {
        let case = Case { scheduler: 0, seed };
        run_one(scenario, scheduler, case, Limits::default(), None, &mut || true).expect("it runs")
    }

    #[test]
    fn every_scheduler_meets_the_same_arrivals_and_the_same_work() {
        let serve = "service_time: { exponential: 5ms }, workers: 1, backlog: 1000";
        let lab = lab(3, serve, "connections: 400, arrivals: { poisson: 400/s }, response: { exponential: 3kB }");
        let all: Vec<Sample> = ["rr", "lc", "sh"].iter().map(|s| run(&lab, s, 5)).collect();
        for sample in &all {
            assert_eq!((sample.connections, sample.ok, sample.servers.len()), (400, 400, 3));
            let sum = |of: &dyn Fn(&ServerShare) -> f64| sample.servers.iter().map(of).sum::<f64>();
            let same = |of: &dyn Fn(&ServerShare) -> f64| all[0].servers.iter().map(of).sum::<f64>();
            assert!((sum(&|s| s.busy) - same(&|s| s.busy)).abs() < 1e-6, "the work differs: {sample:?}");
            assert_eq!(sum(&|s| s.bytes as f64), same(&|s| s.bytes as f64));
        }
        assert!(all[0].completion.mean > all[1].completion.mean, "lc sees queues, rr does not");
        assert_eq!(all[2].servers.iter().filter(|s| s.connections > 0).count(), 1, "sh: one client, one server");
        assert_eq!(run(&lab, "rr", 5), all[0]);
        assert_ne!(run(&lab, "rr", 6).completion, all[0].completion);
    }

    #[test]
    fn a_queue_waits_as_long_as_theory_says() {
        // M/M/1 at 0.7: 3.33 times the service time; processor sharing has the same mean for any distribution.
        for (serve, tolerance) in [
            ("service_time: { exponential: 10ms }, workers: 1, backlog: 65535", 0.15),
            ("service_time: { hyperexponential: { mean: 10ms, cv2: 4 } }, discipline: ps", 0.15),
        ] {
            let lab = lab(1, serve, "connections: 6000, arrivals: { poisson: 70/s }");
            let seeds = [1, 2, 3].map(|seed| run(&lab, "rr", seed).completion.mean / 1e7);
            let mean = seeds.iter().sum::<f64>() / 3.0;
            assert!((mean - 10.0 / 3.0).abs() < 10.0 / 3.0 * tolerance, "{serve}: {seeds:?}");
        }
    }

    #[test]
    fn a_warm_up_is_simulated_and_not_counted() {
        let mut lab = lab(2, "service_time: 1ms, workers: 1", "connections: 100, every: 10ms");
        let whole = run(&lab, "rr", 1);
        lab.warmup = Span::from_millis(500);
        let late = run(&lab, "rr", 1);
        assert_eq!((whole.connections, late.connections), (100, 50));
        assert_eq!(late.events, whole.events);
        assert!((late.servers.iter().map(|s| s.busy).sum::<f64>() - 0.05).abs() < 0.002, "{late:?}");
    }

    #[test]
    fn users_wait_for_their_answers() {
        // Two users and one worker: 10 ms of work and 30 ms of thinking make a round of 40 ms, when nobody waits.
        let serve = "service_time: 10ms, workers: 1";
        let lab = lab(1, serve, "connections: 200, users: 2, think: 30ms, arrivals: { every: 20ms }");
        let sample = run(&lab, "rr", 1);
        assert_eq!((sample.connections, sample.ok), (200, 200));
        assert!((sample.completion.mean - 1e7).abs() < 1e5, "{sample:?}");
        let throughput = 200.0 * 0.01 / sample.servers[0].busy;
        assert!((throughput - 1.0).abs() < 1e-6);
    }

    #[test]
    fn many_addresses_of_one_client_meet_many_slots_of_a_hash() {
        let lab = lab(3, "service_time: 1ms", "connections: 600, every: 1ms, addresses: 10.9.0.0/16");
        let sample = run(&lab, "sh", 1);
        assert_eq!(sample.ok, 600);
        assert!(sample.evenness.is_some_and(|e| e.jain > 0.9), "{:?}", sample.servers);
    }

    #[test]
    fn the_order_of_runs_does_not_matter_and_half_pairs_are_left_out() {
        let lab = lab(2, "service_time: 1ms", "connections: 10, every: 1ms");
        let names = ["rr", "lc"];
        let todo = cases(2, 7, 2);
        assert_eq!(todo.len(), 4);
        let runs: Vec<Sample> = todo
            .iter()
            .map(|&case| {
                run_one(&lab, names[case.scheduler], case, Limits::default(), None, &mut || true).expect("it runs")
            })
            .collect();
        let forth = merge(&lab, &names, runs.clone());
        let back = merge(&lab, &names, runs.iter().rev().cloned().collect());
        assert_eq!(forth.print(crate::report::tables::Format::Json), back.print(crate::report::tables::Format::Json));
        assert_eq!(forth.seeds, [7, 8]);
        assert_eq!(merge(&lab, &names, runs[..3].to_vec()).seeds, [7]);
    }

    #[test]
    fn only_the_scheduler_of_a_service_changes() {
        let text = "lvsim: 1\nnodes:\n  d:\n    kind: director\n    run: |\n      \
                    ipvsadm -A -t 10.0.0.2:80 -s sh -p 300 -M 255.255.255.0 -b sh-fallback\n      ipvsadm -A -f 7 -s rr\n";
        let one = load("one.yaml", text, &[], &Names::default()).expect("a good scenario").scenario;
        let mut tracer = Tracer::off();
        let play = Play::set_up(&one, Seed(1), Limits::default(), None, &mut tracer, &mut |_, _| true);
        let play = play.map_err(|early| early.1).expect("set-up");
        let lines: Vec<String> = edits(&play, "mh").iter().flat_map(|e| &e.1).map(|l| l.to_string()).collect();
        assert_eq!(
            lines,
            ["ipvsadm -E -f 7 -s mh", "ipvsadm -E -t 10.0.0.2:80 -s mh -p 300 -M 255.255.255.0 -b mh-fallback"]
        );
    }

    #[test]
    fn what_cannot_be_compared_is_told() {
        assert!(schedulers("rr,wlx").expect_err("no such").contains("wlx"));
        assert!(schedulers("rr,rr").is_err() && schedulers("").is_err());
        assert_eq!(schedulers("wlc, rr"), Ok(vec!["wlc", "rr"]));
        let bare = "lvsim: 1\nnodes: { a: { kind: host } }\n";
        let bare = load("bare.yaml", bare, &[], &Names::default()).expect("a good scenario").scenario;
        let case = Case { scheduler: 0, seed: 1 };
        let run = run_one(&bare, "rr", case, Limits::default(), None, &mut || true);
        assert!(matches!(run, Err(Failure::Because(why)) if why.contains("no host has a virtual service")));
    }
}
