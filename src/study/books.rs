//! The books of a run: what arrived is done or still in the system, at every cable and for every connection, and Little's law
//! holds for the whole run, to the nanosecond.
//!
//! Three accounts of the connections are held against each other: the engine's census, which adds up how many are in the
//! system while time passes; the record of each connection; the clients' own sockets. All numbers are integers, so there is
//! no tolerance: a difference is a bug of lvsim.

use crate::engine::world::World;
use crate::node::app::Outcome;

/// What the accounts differ by; all zero if the books are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Connections that the books are of.
    pub connections: u64,
    /// Frames put on cables.
    pub frames: u64,
    /// Arrived less done less in the system, connections.
    pub connections_lost: i128,
    /// Sent less delivered less lost less under way, frames.
    pub frames_lost: i128,
    /// The time that connections spent in the system, by the census less by their own records, in nanoseconds: Little's law,
    /// N = λT, both sides times the length of the run.
    pub little_ns: i128,
}

impl Books {
    /// The books of a world as it is now.
    pub fn of(world: &World) -> Books {
        let (mut records, mut over, mut stays) = (0u64, 0u64, 0u128);
        for result in world.workloads.iter().flat_map(|w| &w.results) {
            records += 1;
            let unfinished = result.outcome == Outcome::Unfinished;
            over += u64::from(!unfinished);
            let end = if unfinished { world.now } else { result.end };
            stays += u128::from(end.since(result.start).0);
        }
        let hosts = world.nodes.iter().filter_map(|n| n.host());
        let present: usize = hosts.map(|h| h.clients.unanswered()).sum();
        let (census, ledger) = (&world.census, &world.ledger);
        let lost: u64 = ledger.lost.values().sum();
        let difference = |all: u64, parts: u64| i128::from(all) - i128::from(parts);
        // Of several accounts that differ, the largest difference.
        let connections_lost = [
            difference(census.arrived, census.done + present as u64),
            difference(census.arrived, records),
            difference(census.done, over),
        ];
        let frames_lost = [
            difference(ledger.sent, ledger.delivered + lost + ledger.in_flight),
            difference(ledger.in_flight, world.frames_pending() as u64),
        ];
        Books {
            connections: records,
            frames: ledger.sent,
            connections_lost: largest(&connections_lost),
            frames_lost: largest(&frames_lost),
            little_ns: census.area(world.now) as i128 - stays as i128,
        }
    }

    /// Whether they are right.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let wrong = match (self.connections_lost, self.frames_lost, self.little_ns) {
            (0, 0, 0) => return Ok(()),
            (0, 0, ns) => {
                format!("Little's law does not hold: {ns} ns of {} connections are unaccounted for", self.connections)
            }
            (0, n, _) => format!("{n} of {} frames are unaccounted for", self.frames),
            (n, _, _) => format!("{n} of {} connections are unaccounted for", self.connections),
        };
        Err(format!("{wrong}. This is a bug of lvsim: please report it with the scenario, the seed and the scheduler"))
    }
}

fn largest(differences: &[i128]) -> i128 {
    differences.iter().copied().max_by_key(|d| d.abs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Seed, SimTime, Span};
    use crate::engine::world::Limits;
    use crate::scenario::play::{Ending, Play};
    use crate::study::testing::lab;
    use crate::trace::Tracer;

    /// The world of a run that is cut off in the middle: some connections are over, some wait.
    fn cut_off() -> World {
        let serve = "service_time: { exponential: 20ms }, workers: 1, backlog: 3";
        let lab = lab(2, serve, "connections: 200, arrivals: { poisson: 120/s }, hold: 5ms, requests: 2, think: 3ms");
        let (mut tracer, until) = (Tracer::off(), Some(Span::from_millis(900)));
        let play = Play::set_up(&lab, Seed(3), Limits::default(), until, &mut tracer, &mut |_, _| true);
        let mut play = play.map_err(|early| early.1).expect("set-up");
        assert_eq!(play.run(Seed(3), &mut tracer, &mut |_, _| true), Ending::Complete);
        play.world
    }

    #[test]
    fn they_agree_though_connections_wait_are_refused_or_cut_off() {
        let world = cut_off();
        let books = Books::of(&world);
        assert_eq!(books.check(), Ok(()), "{books:?}");
        assert!(world.census.present() > 5 && world.census.done > 20, "{:?}", world.census);
    }

    #[test]
    fn whatever_is_lost_is_found() {
        let mut world = cut_off();
        let result = &mut world.workloads[0].results[3];
        result.end = SimTime(result.end.0 + 1);
        assert_eq!(Books::of(&world).little_ns, -1);
        assert!(Books::of(&world).check().is_err_and(|why| why.contains("Little's law does not hold")));
        world.workloads[0].results.remove(7);
        assert_eq!(Books::of(&world).connections_lost, 1);
        world.workloads[0].results.clear();
        assert!(Books::of(&world).check().is_err_and(|why| why.contains("connections are unaccounted for")));
        let mut world = cut_off();
        world.ledger.delivered -= 2;
        assert_eq!(Books::of(&world).frames_lost, 2);
    }
}
