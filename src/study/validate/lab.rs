//! The labs that claims about queues are tried in: one director, servers of equal speed, an open load.
//!
//! The mean work is 200 s. Against it a handshake is nothing, and so is the second for which IPVS keeps a connection that the
//! client has closed (`--set … 1 …`: FIN_WAIT, since the director sees the client's half alone). `lc` and `twos` count such
//! connections as a 256th of an open one, which breaks ties; with work of milliseconds there are always some, and with
//! 200 s hardly ever: then `lc` is what the books call join the shortest queue, the first in the list of equals. Time is not
//! dear: a second in which nothing happens costs nothing. Waiting is bounded by the 31 days that `ipvsadm --set` allows
//! an idle connection, 13 392 times the mean work.
//!
//! The servers of `twos` have a weight of 1000, because with equal weights of 1 it prefers the first of the list (see
//! `src/ipvs/sched/twos.rs`); with 1000 by a thousandth.

use super::theory::bounded_pareto;
use crate::base::Span;
use crate::scenario::{Names, Scenario, load};

/// The mean work of a request, in seconds.
pub const UNIT_S: u64 = 200;
/// The same in nanoseconds.
pub const UNIT_NS: f64 = UNIT_S as f64 * 1e9;

/// How work is distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// All the same.
    Constant,
    /// Exponential.
    Exponential,
    /// Uniform from 0 to twice the mean.
    Uniform,
    /// Hyperexponential with balanced means and C² = 4.
    Hyperexponential,
    /// Lognormal with σ = 1.
    Lognormal,
    /// Bounded Pareto of shape 1.5, the largest 10⁴ times the least: C² = 32.7.
    Pareto,
}

impl Sizes {
    /// In names of claims.
    pub fn word(self) -> &'static str {
        match self {
            Sizes::Constant => "const",
            Sizes::Exponential => "exp",
            Sizes::Uniform => "uniform",
            Sizes::Hyperexponential => "hyper",
            Sizes::Lognormal => "lognormal",
            Sizes::Pareto => "bp",
        }
    }

    /// In sentences.
    pub fn about(self) -> &'static str {
        match self {
            Sizes::Constant => "constant work",
            Sizes::Exponential => "exponential work",
            Sizes::Uniform => "uniform work",
            Sizes::Hyperexponential => "hyperexponential work, C² = 4",
            Sizes::Lognormal => "lognormal work, σ = 1",
            Sizes::Pareto => "bounded Pareto work, C² = 32.7",
        }
    }

    /// The squared coefficient of variation.
    pub fn cv2(self) -> f64 {
        match self {
            Sizes::Constant => 0.0,
            Sizes::Exponential => 1.0,
            Sizes::Uniform => 1.0 / 3.0,
            Sizes::Hyperexponential => 4.0,
            Sizes::Lognormal => 1f64.exp() - 1.0,
            Sizes::Pareto => bounded_pareto(1.5, 1e4, 2.0) / bounded_pareto(1.5, 1e4, 1.0).powi(2) - 1.0,
        }
    }

    /// The mean of the work over itself, 1/S, times its mean; infinite where short requests are many.
    pub fn inverse(self) -> f64 {
        match self {
            Sizes::Constant => 1.0,
            Sizes::Pareto => bounded_pareto(1.5, 1e4, -1.0) * bounded_pareto(1.5, 1e4, 1.0),
            Sizes::Lognormal => 1f64.exp(),
            Sizes::Exponential | Sizes::Uniform | Sizes::Hyperexponential => f64::INFINITY,
        }
    }

    /// The `service_time` of the file.
    fn yaml(self) -> String {
        let s = UNIT_S;
        match self {
            Sizes::Constant => format!("{s}s"),
            Sizes::Exponential => format!("{{ exponential: {s}s }}"),
            Sizes::Uniform => format!("{{ uniform: [0s, {}s] }}", 2 * s),
            Sizes::Hyperexponential => format!("{{ hyperexponential: {{ mean: {s}s, cv2: 4 }} }}"),
            Sizes::Lognormal => format!("{{ lognormal: {{ mean: {s}s, sigma: 1 }} }}"),
            Sizes::Pareto => format!("{{ bounded_pareto: {{ mean: {s}s, shape: 1.5, ratio: 10000 }} }}"),
        }
    }
}

/// Servers, a scheduler and a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lab {
    /// How many servers.
    pub servers: u32,
    /// Workers of each.
    pub workers: u32,
    /// The scheduler's name.
    pub scheduler: &'static str,
    /// The work of a request.
    pub work: Sizes,
    /// Processor sharing; otherwise first come first served.
    pub sharing: bool,
    /// The load of each worker, in percent.
    pub load: u32,
    /// Connections that count.
    pub connections: u32,
    /// Connections before them, so that the servers are not empty when counting begins.
    pub before: u32,
}

impl Lab {
    /// Arrivals in a second.
    fn rate(&self) -> f64 {
        f64::from(self.servers * self.workers * self.load) / 100.0 / UNIT_S as f64
    }

    /// When everything is over, with much to spare: nothing happens then.
    pub fn until(&self) -> Span {
        let seconds = 1.5 * f64::from(self.connections + self.before) / self.rate() + 100_000.0 * UNIT_S as f64;
        Span::from_secs(seconds as u64)
    }

    /// The scenario of this lab.
    ///
    /// # Errors
    /// If it cannot be read; that is a bug of lvsim.
    pub fn scenario(&self) -> Result<Scenario, String> {
        match load("validate.yaml", &self.text(), &[], &Names::default()) {
            Ok(loaded) => Ok(loaded.scenario),
            Err(problems) => Err(crate::scenario::render(&problems, "validate.yaml", &self.text(), false)),
        }
    }

    /// The scenario's file.
    pub fn text(&self) -> String {
        let weight = if self.scheduler == "twos" { 1000 } else { 1 };
        let dests: String = (0..self.servers)
            .map(|n| {
                let addr = std::net::Ipv4Addr::from_bits(0x0a00_0101 + n);
                format!("      ipvsadm -a -t 10.0.0.100:80 -r {addr} -g -w {weight}\n")
            })
            .collect();
        // Neighbours are many and seldom heard of: none is forgotten, and none is asked whether it is still there.
        let neighbours = "net.ipv4.neigh.eth0.base_reachable_time_ms: 2000000000, net.ipv4.neigh.default.gc_thresh1: 65536, \
                          net.ipv4.neigh.default.gc_thresh2: 65536, net.ipv4.neigh.default.gc_thresh3: 65536";
        let (work, rate) = (self.work.yaml(), self.rate());
        let Lab { servers, workers, scheduler, .. } = self;
        let discipline = if self.sharing { "ps" } else { "fcfs" };
        // A client's ports are used again after 28 232 connections; a very long request may still have its own then.
        let addresses = if self.work == Sizes::Pareto { "    addresses: 10.9.0.0/28\n" } else { "" };
        let all = self.connections + self.before;
        let warmup = (f64::from(self.before) / self.rate()) as u64;
        format!(
            "\
lvsim: 1
name: validate
warmup: {warmup}s
defaults: {{ link: {{ latency: 10us, bandwidth: 10gbit }} }}
nodes:
  lan: {{ kind: switch }}
  client:
    kind: client
    interfaces: {{ eth0: {{ to: lan, address: 10.0.0.1/8 }} }}
    sysctl: {{ {neighbours} }}
  director:
    kind: director
    interfaces: {{ eth0: {{ to: lan, addresses: [10.0.0.2/8, 10.0.0.100/32] }} }}
    sysctl: {{ {neighbours} }}
    run: |
      ipvsadm --set 2678400 1 300
      ipvsadm -A -t 10.0.0.100:80 -s {scheduler}
{dests}  rs:
    kind: real-server
    count: {servers}
    interfaces: {{ eth0: {{ to: lan, address: 10.0.1.1/8 }} }}
    sysctl: {{ {neighbours}, net.core.somaxconn: 65535, net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }}
    run: ip addr add 10.0.0.100/32 dev lo
    serves:
      - {{ port: 80, service_time: {work}, workers: {workers}, backlog: 65535, discipline: {discipline} }}
traffic:
  - name: web
    from: client
    to: \"10.0.0.100:80\"
{addresses}    connections: {all}
    arrivals: {{ poisson: {rate:.6}/s }}
    timeout: 8000h
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lab_can_be_read_and_has_its_load() {
        for work in [
            Sizes::Constant,
            Sizes::Exponential,
            Sizes::Uniform,
            Sizes::Hyperexponential,
            Sizes::Lognormal,
            Sizes::Pareto,
        ] {
            for (servers, workers, scheduler) in [(1, 4, "rr"), (4, 1, "lc"), (500, 1, "twos")] {
                let lab =
                    Lab { servers, workers, scheduler, work, sharing: false, load: 70, connections: 50, before: 10 };
                let scenario = lab.scenario().unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(scenario.connections(), 60);
                let crate::scenario::model::Arrivals::Poisson(gap) = scenario.traffic[0].arrivals else {
                    panic!("other arrivals")
                };
                let load = UNIT_NS / gap.0 as f64 / f64::from(servers * workers);
                assert!((load - 0.7).abs() < 1e-6, "{load}");
            }
        }
    }
}
