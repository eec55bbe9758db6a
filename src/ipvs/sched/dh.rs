//! Destination hashing (ip_vs_dh.c): 256 slots dealt out in turn; weights other than 0 do not count.

use super::hash::hash_32;
use super::{DestList, Flow, Pick, Scheduler};
use crate::base::SimTime;
use crate::base::rng::Rng;
use crate::trace::{Because, Compared};

const BITS: u32 = 8;
const SLOTS: usize = 1 << BITS;

/// Destination hashing: how many destinations the slots were dealt to. Editing one deals nothing.
#[derive(Clone, Debug, Default)]
pub struct Dh {
    dests: usize,
}

impl Scheduler for Dh {
    fn init(&mut self, dests: DestList<'_>, _: SimTime) {
        self.dests = dests.len();
    }

    fn added(&mut self, dests: DestList<'_>) {
        self.dests = dests.len();
    }

    fn removed(&mut self, dests: DestList<'_>, _: usize) {
        self.dests = dests.len();
    }

    fn schedule(&mut self, dests: DestList<'_>, flow: &Flow, _: &mut Rng) -> Option<Pick> {
        let slot = hash_32(flow.daddr, BITS);
        let place = slot.checked_rem(self.dests)?;
        dests
            .get(place)
            .usable()
            .then_some(Pick { place, because: Because::HashSlot { slot: slot as u32, size: SLOTS as u32 } })
    }

    fn compare(&self, _: DestList<'_>, place: usize, flow: &Flow) -> Compared {
        let slot = hash_32(flow.daddr, BITS);
        Compared::Slot { slot: slot as u32, size: SLOTS as u32, here: slot.checked_rem(self.dests) == Some(place) }
    }

    fn slots(&self, _: DestList<'_>) -> Option<Vec<u32>> {
        let place = |slot: usize| slot.checked_rem(self.dests).map(|p| p as u32);
        Some((0..SLOTS).map_while(place).collect())
    }

    fn clone_box(&self) -> Box<dyn Scheduler> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Bench;
    use std::net::Ipv4Addr;

    #[test]
    fn the_recorded_address_goes_to_the_second_of_three() {
        // 192.168.1.200 with 198, 197, 196 added in this order: all to 197.
        let mut b = Bench::three("dh", [1, 1, 1]);
        b.flow.daddr = Ipv4Addr::new(192, 168, 1, 200).to_bits();
        assert_eq!(b.run(3, true), "222");
    }

    #[test]
    fn a_server_that_is_out_is_not_replaced() {
        let mut b = Bench::three("dh", [1, 1, 1]);
        let chosen = b.pick();
        b.edit(chosen, 0);
        assert_eq!(b.pick(), 0);
    }
}
