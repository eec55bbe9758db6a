//! Least connection (ip_vs_lc.c): the fewest connections; weights other than 0 do not count, ties go to the newest.

use super::{DestList, Flow, Pick, Scheduler, overhead};
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

/// Least connection has no state.
#[derive(Clone, Debug)]
pub struct Lc;

impl Scheduler for Lc {
    fn schedule(&mut self, dests: DestList<'_>, _: &Flow, _: &mut Rng) -> Option<Pick> {
        let usable = dests.iter().enumerate().filter(|(_, d)| d.usable());
        // The first of equals.
        let (place, d) = usable.min_by_key(|(_, d)| overhead(d))?;
        Some(Pick {
            place,
            because: Because::Least {
                measure: "active*256+inactive",
                value: overhead(d) as u64,
                weight: d.weight as u32,
            },
        })
    }

    fn compare(&self, dests: DestList<'_>, place: usize, _: &Flow) -> Compared {
        Compared::Ratio { measure: "active*256+inactive", value: overhead(dests.get(place)), weight: None }
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;

    #[test]
    fn with_connections_held_weights_do_not_count() {
        assert_eq!(Bench::three("lc", [3, 1, 2]).run(9, true), "321321321");
    }

    #[test]
    fn one_active_connection_weighs_as_much_as_256_closed_ones() {
        let mut b = Bench::new("lc").add(1, 1).add(2, 1);
        b.dest(1).active = 1;
        b.dest(2).inactive = 255;
        assert_eq!(b.pick(), 2);
        b.dest(2).inactive = 257;
        assert_eq!(b.pick(), 1);
    }
}
