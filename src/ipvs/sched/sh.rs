//! Source hashing (ip_vs_sh.c), with sh-fallback and sh-port.

use super::hash::hash_32;
use super::{DestList, Flow, Pick, Scheduler};
use crate::base::SimTime;
use crate::base::rng::Rng;
use crate::ipvs::SchedFlags;
use crate::trace::{Because, Compared};

const BITS: u32 = 8;
const SLOTS: usize = 1 << BITS;

/// Source hashing: which place of the list each slot leads to.
#[derive(Clone, Debug, Default)]
pub struct Sh {
    /// Empty without destinations.
    slots: Vec<u32>,
}

impl Sh {
    /// ip_vs_sh_reassign: each destination in turn gets as many slots as its weight, but at least one.
    fn reassign(&mut self, dests: DestList<'_>) {
        self.slots.clear();
        if dests.is_empty() {
            return;
        }
        let turns = (0u32..).zip(dests.iter()).cycle();
        for (place, d) in turns {
            for _ in 0..d.weight.max(1) {
                if self.slots.len() == SLOTS {
                    return;
                }
                self.slots.push(place);
            }
        }
    }

    fn pick(&self, dests: DestList<'_>, slot: usize) -> Option<Pick> {
        let place = *self.slots.get(slot)? as usize;
        dests
            .get(place)
            .usable()
            .then_some(Pick { place, because: Because::HashSlot { slot: slot as u32, size: SLOTS as u32 } })
    }
}

/// The slot of the client's address, with its port if that counts (ip_vs_sh_hashkey).
fn home(flow: &Flow) -> usize {
    let port = match flow.flags.has(SchedFlags::PORT) {
        true => u32::from(flow.cport),
        false => 0,
    };
    hash_32(port.wrapping_add(flow.client), BITS) % SLOTS
}

impl Scheduler for Sh {
    fn init(&mut self, dests: DestList<'_>, _: SimTime) {
        self.reassign(dests);
    }

    fn added(&mut self, dests: DestList<'_>) {
        self.reassign(dests);
    }

    fn removed(&mut self, dests: DestList<'_>, _: usize) {
        self.reassign(dests);
    }

    fn edited(&mut self, dests: DestList<'_>) {
        self.reassign(dests);
    }

    fn schedule(&mut self, dests: DestList<'_>, flow: &Flow, _: &mut Rng) -> Option<Pick> {
        let home = home(flow);
        let first = self.pick(dests, home);
        if first.is_some() || !flow.flags.has(SchedFlags::FALLBACK) {
            return first;
        }
        // The k-th slot is as far from the hash as the hash from the first, and k more (ip_vs_sh_get_fallback).
        (0..SLOTS).find_map(|k| self.pick(dests, ((k + home) % SLOTS + home) % SLOTS))
    }

    fn compare(&self, _: DestList<'_>, place: usize, flow: &Flow) -> Compared {
        let slot = home(flow);
        let here = self.slots.get(slot).is_some_and(|&p| p as usize == place);
        Compared::Slot { slot: slot as u32, size: SLOTS as u32, here }
    }

    fn slots(&self, _: DestList<'_>) -> Option<Vec<u32>> {
        Some(self.slots.clone())
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use crate::ipvs::SchedFlags;

    #[test]
    fn slots_follow_weights_and_weight_zero_keeps_one() {
        let mut b = Bench::three("sh", [2, 0, 5]);
        let mut counts = [0; 4];
        for client in 0..20_000u32 {
            b.flow.client = client;
            counts[usize::from(b.pick())] += 1;
        }
        // 256 slots in turns of 5, 1, 2: 160, 32, 64.
        assert!(counts[3] > 12_000 && counts[3] < 13_000, "{counts:?}");
        assert!(counts[0] > 2_000 && counts[0] < 3_000, "{counts:?}");
    }

    #[test]
    fn only_with_fallback_another_server_takes_over() {
        let mut b = Bench::three("sh", [1, 1, 1]);
        let home = b.pick();
        b.dest(home).overload = true;
        assert_eq!(b.pick(), 0);
        b.flow.flags = SchedFlags::FALLBACK;
        let other = b.pick();
        assert!(other != 0 && other != home);
    }

    #[test]
    fn the_port_counts_only_with_sh_port() {
        let ports = |flags| {
            let mut b = Bench::three("sh", [1, 1, 1]);
            b.flow.flags = flags;
            let mut seen: Vec<u8> = (0..100)
                .map(|port| {
                    b.flow.cport = 30_000 + port;
                    b.pick()
                })
                .collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len()
        };
        assert_eq!(ports(SchedFlags::default()), 1);
        assert_eq!(ports(SchedFlags::PORT), 3);
    }
}
