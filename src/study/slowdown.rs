//! Slowdown: how many times longer a client waited than its work would have taken alone.
//!
//! The time is that from the start of a connection to the end of its last response, less what the client thought in between.
//! The size is the work of its requests: what they would take, alone, on an idle server of one worker at speed 1. A client
//! does not know it; the servers keep it for the study ([`Servers::keep_work`](crate::node::app::Servers::keep_work)), and it is
//! found again by the client's address, port and time.
//!
//! Without slowdown: connections that were not answered, requests that are no work, and clients whose address or port was
//! changed on the way (SNAT, masquerading), since no server saw the one that they have.

use crate::base::SimTime;
use crate::engine::workload::Workload;
use crate::engine::world::World;
use crate::net::fib::FlowKey;
use crate::node::app::{Outcome, Worked};

/// One, in the numbers of [`of`].
pub const ONE: u64 = 1_000_000;

/// The slowdown, in millionths, of every connection that started at `from` or later and has one.
pub fn of(world: &World, from: SimTime) -> Vec<u64> {
    works(world, from).into_iter().map(|w| slowdown(w.time, w.work)).collect()
}

/// A connection that was answered, with its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When it started.
    pub start: SimTime,
    /// The nanoseconds until the end of its last response, less those in which the client thought.
    pub time: u64,
    /// The work of its requests, in nanoseconds at speed 1; not 0.
    pub work: u64,
}

/// Every connection that started at `from` or later, was answered and had work, in the order of their starts.
pub fn works(world: &World, from: SimTime) -> Vec<Answered> {
    let hosts = || world.nodes.iter().filter_map(|n| n.host());
    let mut kept: Vec<Worked> = hosts().flat_map(|h| h.servers.worked()).copied().collect();
    kept.sort_unstable();
    let mut found = Vec::new();
    for workload in &world.workloads {
        let mut opened = vec![0u32; workload.opened.len()];
        for (k, result) in (0u64..).zip(&workload.results) {
            let nth = workload.user_of.get(k as usize).map_or(0, |&user| {
                opened[user as usize] += 1;
                opened[user as usize] - 1
            });
            if result.start < from || result.outcome != Outcome::Ok {
                continue;
            }
            let own = || {
                let host = world.host(result.client())?;
                Some(host.net.route_out_known(FlowKey::to(workload.to.0)).ok()?.saddr)
            };
            let Some(addr) = workload.source_of(k).or_else(own) else { continue };
            let asker = (addr.to_bits(), result.port);
            let first = kept.partition_point(|w| (w.asker, w.at) < (asker, result.start));
            let mine = || kept[first..].iter().take_while(|w| w.asker == asker && w.at <= result.end);
            let work: u128 = mine().map(|w| u128::from(w.work)).sum();
            if work > 0 && mine().count() == workload.spec.requests as usize {
                let stay = result.end.since(result.start).0;
                let time = stay.saturating_sub(thought(workload, k, nth));
                found.push(Answered { start: result.start, time, work: u64::try_from(work).unwrap_or(u64::MAX) });
            }
        }
    }
    found.sort_by_key(|a| a.start);
    found
}

/// How long the client of a connection thought between its requests.
fn thought(workload: &Workload, k: u64, nth: u32) -> u64 {
    let key = workload.key_of(k, nth);
    (1..workload.spec.requests).map(|n| workload.spec.drawn(key, n).think.0).fold(0, u64::saturating_add)
}

fn slowdown(time: u64, work: u64) -> u64 {
    u64::try_from(u128::from(time) * u128::from(ONE) / u128::from(work.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::engine::world::Limits;
    use crate::scenario::Scenario;
    use crate::study::detail::Want;
    use crate::study::sample::{Case, Ended, Sample, play_one};
    use crate::study::testing::lab;
    use crate::study::variant::Variant;

    fn play(scenario: &Scenario) -> Ended<'_> {
        let case = Case { variant: 0, load: 0, seed: 4 };
        play_one(scenario, Variant::AsItIs, case, Limits::default(), None, &Want::default(), &mut || true)
            .expect("it runs")
    }

    fn run(serve: &str, traffic: &str) -> Sample {
        play(&lab(1, serve, traffic)).sample()
    }

    fn close(got: f64, wanted: f64) {
        assert!((got / 1e6 / wanted - 1.0).abs() < 0.003, "{got}, wanted {wanted} millions");
    }

    #[test]
    fn one_that_is_alone_takes_as_long_as_its_work() {
        for traffic in ["", ", requests: 3, think: { uniform: [1ms, 90ms] }", ", addresses: 10.9.0.0/16"] {
            let alone = run("service_time: 100ms, workers: 1", &format!("connections: 9, every: 1s{traffic}"));
            assert_eq!(alone.slowdown.n, 9, "{traffic}");
            close(alone.slowdown.mean, 1.0);
        }
        let users = "connections: 9, users: 1, requests: 2, think: { exponential: 30ms }, arrivals: { every: 1s }";
        close(run("service_time: { exponential: 100ms }, workers: 1", users).slowdown.p999, 1.0);
    }

    #[test]
    fn queues_slow_speeds_and_shared_processors_slow_down() {
        let two = "connections: 2, every: 0s";
        let fcfs = run("service_time: 100ms, workers: 1", two);
        close(fcfs.slowdown.mean, 1.5);
        close(fcfs.slowdown.p99, 2.0);
        close(run("service_time: 100ms, discipline: ps", two).slowdown.p50, 2.0);
        close(run("service_time: 100ms, workers: 1, speed: 0.25", "connections: 1").slowdown.mean, 4.0);
    }

    #[test]
    fn a_request_that_is_no_work_or_was_not_answered_has_none() {
        assert_eq!(run("workers: 1", "connections: 5, every: 1s").slowdown.n, 0);
        let given_up = run("service_time: 100ms, workers: 1", "connections: 1").slowdown.n;
        let refused = run("service_time: 100s, workers: 1", "connections: 1").slowdown.n;
        assert_eq!((given_up, refused), (1, 0));
    }

    #[test]
    fn a_datagram_has_its_work_too() {
        let text = "lvsim: 1\nnodes:\n  a: { kind: client, interfaces: { eth0: { to: 'b:eth0', address: 10.0.0.1/24 } } }\n  \
                    b: { kind: host, interfaces: { eth0: { address: 10.0.0.2/24 } }, serves: [{ port: 53, protocol: udp, \
                    service_time: 100ms, workers: 1 }] }\ntraffic: [{ name: dns, from: a, to: '10.0.0.2:53', protocol: udp, \
                    connections: 2, every: 0s }]\n";
        let loaded = crate::scenario::load("udp.yaml", text, &[], &crate::scenario::Names::default());
        let scenario = loaded.expect("a good scenario").scenario;
        let slowdown = play(&scenario).sample().slowdown;
        assert_eq!(slowdown.n, 2);
        close(slowdown.mean, 1.5);
    }

    #[test]
    fn the_work_of_clients_is_the_work_of_servers() {
        let mut lab =
            lab(3, "service_time: { exponential: 5ms }, workers: 1", "connections: 300, arrivals: { poisson: 300/s }");
        lab.warmup = crate::base::Span::from_millis(100);
        let ended = play(&lab);
        let sample = ended.sample();
        assert_eq!(sample.slowdown.n, sample.ok);
        assert!(sample.slowdown.mean > 1e6 && sample.ok < 300);
        // The work that clients are said to have made is the work that the servers have done.
        let all = super::works(&ended.play.world, crate::base::SimTime::ZERO);
        let busy: u64 = all.iter().map(|a| a.work).sum();
        let late: u64 = all.iter().filter(|a| a.start >= ended.from).map(|a| a.work).sum();
        let served: f64 = sample.servers.iter().map(|s| s.busy).sum::<f64>() * 1e9;
        assert!(late as f64 <= served && served < busy as f64, "{late} {served} {busy}");
    }
}
