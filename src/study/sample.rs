//! One run of a study and what it measured.
//!
//! A run is a scenario, a [`Variant`] and a seed. Arrivals, sizes and work do not depend on the variant (common random numbers),
//! so that runs of one seed can be compared pair by pair. Each run is independent of the others: a caller may do them in any
//! order, on any number of threads.
//!
//! Connections that start during the warm-up are simulated and not counted; the servers' bytes and busy time count from its
//! end on. The books of every run are looked at ([`super::books`]).

use super::books::Books;
use super::detail::{Detail, Want, Watch};
use super::director::{self, Director};
use super::numbers::{Evenness, Waits};
use super::slowdown;
use super::variant::{Lines, Variant};
use crate::base::{NodeId, Seed, SimTime, Span};
use crate::engine::workload::Workload;
use crate::engine::world::{LimitReached, Limits, World};
use crate::node::app::Outcome;
use crate::scenario::Scenario;
use crate::scenario::play::{Ending, Play};
use crate::trace::Tracer;

/// Which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Place in the list of variants.
    pub variant: usize,
    /// The seed.
    pub seed: u64,
    /// Place in the list of loads; 0 if there is one only.
    pub load: usize,
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
    /// How many times longer than its work a connection took ([`slowdown`]), in millionths.
    pub slowdown: Waits,
    /// The servers, in the order of the file.
    pub servers: Vec<ServerShare>,
    /// How evenly connections were shared out by weight.
    pub evenness: Option<Evenness>,
    /// How evenly work was.
    pub busy_evenness: Option<Evenness>,
    /// What went through the director; nothing if no host has a virtual service.
    pub director: Option<Director>,
    /// Events handled.
    pub events: u64,
    /// What arrived, and what became of it.
    pub books: Books,
    /// What charts need, if it was wanted.
    pub detail: Option<Box<Detail>>,
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
/// If the run does not come to its end, the scenario cannot have this variant, or the books are wrong.
pub fn run_one(
    scenario: &Scenario,
    variant: Variant,
    case: Case,
    limits: Limits,
    until: Option<Span>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Sample, Failure> {
    run_wanted(scenario, variant, case, limits, until, &Want::default(), go_on)
}

/// Runs one case, as [`run_one`], with more of its results.
///
/// # Errors
/// As [`run_one`]; and if somebody is to leave who does not.
pub fn run_wanted(
    scenario: &Scenario,
    variant: Variant,
    case: Case,
    limits: Limits,
    until: Option<Span>,
    want: &Want,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Sample, Failure> {
    let sample = play_one(scenario, variant, case, limits, until, want, go_on)?.sample();
    let told = |why| Failure::Because(format!("{}, seed {}: {why}", variant.name(), case.seed));
    sample.books.check().map_err(told)?;
    Ok(sample)
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Ended<'s> {
    /// Which run.
    pub case: Case,
    /// What is left of it.
    pub play: Play<'s>,
    /// The end of the warm-up.
    pub from: SimTime,
    weights: Vec<(NodeId, i32)>,
    director: Option<Director>,
    detail: Option<Box<Detail>>,
}

impl Ended<'_> {
    /// What it measured. Nobody looks at its books.
    pub fn sample(&self) -> Sample {
        let measured = measure(&self.play, self.case, self.from, &self.weights);
        Sample { director: self.director, detail: self.detail.clone(), ..measured }
    }
}

/// Plays one case, and leaves to the caller what is measured.
///
/// # Errors
/// If the run does not come to its end, the scenario cannot have this variant, or somebody is to leave who does not.
pub fn play_one<'s>(
    scenario: &'s Scenario,
    variant: Variant,
    case: Case,
    limits: Limits,
    until: Option<Span>,
    want: &Want,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Ended<'s>, Failure> {
    let mut tracer = Tracer::off();
    let (mut play, _) = set_up(scenario, variant, case, limits, until, &mut tracer, go_on)?;
    let weights = weights(&play);
    let director = director::Watch::begin(&play);
    let from = play.zero + scenario.warmup;
    play.world.keep_moments();
    for host in play.world.nodes.iter_mut().filter_map(|n| n.host_mut()) {
        host.servers.count_from(from);
        host.servers.keep_work();
    }
    let servers: Vec<NodeId> = weights.iter().map(|w| w.0).collect();
    let mut watch = want.charts.then(|| Watch::new(&mut play, &servers, want.leave.as_ref()));
    let mut ask = |world: &World, _: Option<SimTime>| {
        if let Some(watch) = &mut watch {
            watch.look(world);
        }
        go_on()
    };
    match play.run(Seed(case.seed), &mut tracer, &mut ask) {
        Ending::Complete => {}
        ending => return Err(told(&ending, variant, case)),
    }
    if let Some(leave) = &want.leave {
        leave.check(&play).map_err(Failure::Because)?;
    }
    let director = director.map(|watch| watch.end(&play));
    let detail = watch.map(|watch| Box::new(watch.end(&play, from, &weights)));
    Ok(Ended { case, play, from, weights, director, detail })
}

/// The scenario at the end of its set-up, when what makes the variant has been typed; and that.
///
/// # Errors
/// If it does not come so far, or the scenario cannot have this variant.
pub(super) fn set_up<'s>(
    scenario: &'s Scenario,
    variant: Variant,
    case: Case,
    limits: Limits,
    until: Option<Span>,
    tracer: &mut Tracer,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(Play<'s>, Lines), Failure> {
    let seed = Seed(case.seed);
    let mut ask = |_: &World, _: Option<SimTime>| go_on();
    let mut play =
        Play::set_up(scenario, seed, limits, until, tracer, &mut ask).map_err(|early| told(&early.1, variant, case))?;
    let typed = variant.lines(&play).map_err(Failure::Because)?;
    for (node, lines) in &typed {
        for line in lines {
            play.type_more(*node, line, seed, tracer, &mut ask).map_err(|ending| told(&ending, variant, case))?;
            if let Some(typed) = play.setup.last().filter(|t| t.status != Some(0)) {
                let name = scenario.node_name(*node);
                return Err(Failure::Because(format!("`{line}` failed on {name}: {}", typed.out.trim())));
            }
        }
    }
    Ok((play, typed))
}

fn told(ending: &Ending, variant: Variant, case: Case) -> Failure {
    let what = match ending {
        Ending::Interrupted => return Failure::Interrupted,
        Ending::Complete => return Failure::Because("the run has ended already".into()),
        Ending::Limit(LimitReached::Events(n)) => format!("stopped by the limit of events, at {n}"),
        Ending::Limit(LimitReached::Pending(n)) => format!("stopped: {n} frames and timers were pending at once"),
        Ending::Limit(LimitReached::Storm(_)) => "stopped: frames go round in a loop of switches".into(),
        Ending::SetupTooLong(_) => "set-up did not end within an hour".into(),
    };
    Failure::Because(format!("{}, seed {}: {what}", variant.name(), case.seed))
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
    let moments = |w: &Workload, n: usize| w.moments.as_ref().and_then(|m| m.get(n)).copied();
    let all =
        play.world.workloads.iter().flat_map(|w| w.results.iter().enumerate().map(move |(n, r)| (r, moments(w, n))));
    for (result, moments) in all.filter(|(r, _)| r.start >= from) {
        // What the end of the run cut off says nothing.
        if result.outcome == Outcome::Unfinished {
            continue;
        }
        connections += 1;
        if let Some(moments) = moments.filter(|m| m.connected != SimTime::NEVER) {
            connect.push(moments.connected.since(result.start).0);
        }
        if let Some(place) = weights.iter().position(|w| Some(w.0) == result.server()) {
            answered[place] += 1;
        }
        if result.outcome == Outcome::Ok {
            ok += 1;
            first_byte.extend(moments.map(|m| m.first_byte.since(result.start).0));
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
        slowdown: Waits::of(&mut slowdown::of(&play.world, from)),
        evenness: by(&|s| s.connections as f64),
        busy_evenness: by(&|s| s.busy),
        servers,
        director: None,
        events: play.world.events,
        books: Books::of(&play.world),
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::testing::lab;

    fn run(scenario: &Scenario, scheduler: &'static str, seed: u64) -> Sample {
        let case = Case { variant: 0, seed, load: 0 };
        run_one(scenario, Variant::Scheduler(scheduler), case, Limits::default(), None, &mut || true).expect("it runs")
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
}
