//! Never queue (ip_vs_nq.c): an idle destination at once, else the shortest expected delay.

use super::sed::{by_delay, delay};
use super::{DestList, Flow, Pick, Scheduler};
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

/// Never queue has no state.
#[derive(Clone, Debug)]
pub struct Nq;

impl Scheduler for Nq {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        let mut least: Option<(usize, i64, i64)> = None;
        for (place, d) in dests.iter().enumerate().filter(|(_, d)| d.usable()) {
            let (mine, weight) = (delay(d), i64::from(d.weight));
            let better = d.active == 0 || least.is_none_or(|(_, value, of)| value * weight > mine * of);
            if better {
                least = Some((place, mine, weight));
            }
            if d.active == 0 {
                break;
            }
        }
        least.map(|(place, value, weight)| Pick {
            place,
            because: Because::Least {
                measure: if value == 1 { "idle" } else { "active+1" },
                value: value as u64,
                weight: weight as u32,
            },
        })
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        by_delay(dests.get(place))
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn idle_servers_come_first_as_recorded() {
        let mut b = Bench::three("nq", [3, 1, 2]);
        assert_eq!(b.run(20, true), "32113113132113132113");
    }
}
