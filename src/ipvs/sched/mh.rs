//! Maglev hashing (ip_vs_mh.c), with mh-fallback and mh-port. The hash keys are constants of the kernel's source, so
//! that places are the same on every boot. Left out: table sizes other than the default 4093 in the scheduler itself
//! ([`table`] builds them for studies); refusing more destinations than slots.

use super::wrr::gcd;
use super::{DestList, Flow, Pick, Scheduler};
use crate::base::SimTime;
use crate::base::rng::Rng;
use crate::ipvs::{Dest, SchedFlags};
use crate::trace::{Because, Compared};

const SIZE: usize = 4093;
const BITS: u32 = 6;
const KEY1: u64 = 2_654_435_761;
const KEY2: u64 = 2_654_446_892;

/// Maglev hashing: which place of the list each slot leads to.
#[derive(Clone, Debug, Default)]
pub struct Mh {
    /// Empty without destinations that ever had a weight.
    slots: Vec<u32>,
}

struct Turn {
    place: u32,
    perm: usize,
    skip: usize,
    turns: i32,
}

impl Mh {
    fn reassign(&mut self, dests: DestList<'_>) {
        self.slots = table(dests, SIZE);
    }

    fn pick(&self, dests: DestList<'_>, slot: usize) -> Option<Pick> {
        let place = *self.slots.get(slot)? as usize;
        dests
            .get(place)
            .usable()
            .then_some(Pick { place, because: Because::HashSlot { slot: slot as u32, size: SIZE as u32 } })
    }
}

/// The table of these destinations, with so many slots: the place in the list that each slot leads to
/// (ip_vs_mh_reassign). `size` is a prime; the kernel is built with 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521 or
/// 131071. Empty without destinations that ever had a weight, and for a size below 2.
pub fn table(dests: DestList<'_>, size: usize) -> Vec<u32> {
    let weights = || dests.iter().map(|d| d.last_weight).filter(|&w| w > 0);
    let (Some(g), Some(max)) = (weights().reduce(gcd), weights().max()) else {
        return Vec::new();
    };
    if size < 2 {
        return Vec::new();
    }
    let shift = (i32::BITS - (max / g).leading_zeros()).saturating_sub(BITS);
    let mut turns: Vec<Turn> = (0u32..)
        .zip(dests.iter())
        .filter(|(_, d)| d.last_weight > 0)
        .map(|(place, d)| {
            let (perm, skip) = permutation(d, size);
            Turn { place, perm, skip, turns: ((d.last_weight / g) >> shift).max(1) }
        })
        .collect();
    const FREE: u32 = u32::MAX;
    let mut slots = vec![FREE; size];
    let mut filled = 0;
    loop {
        for t in &mut turns {
            for _ in 0..t.turns {
                while slots[t.perm] != FREE {
                    t.perm = (t.perm + t.skip) % size;
                }
                slots[t.perm] = t.place;
                t.perm = (t.perm + t.skip) % size;
                filled += 1;
                if filled == size {
                    return slots;
                }
            }
        }
    }
}

/// Where a destination's permutation of the slots begins, and its step.
fn permutation(d: &Dest, size: usize) -> (usize, usize) {
    let v = u32::from(d.port).wrapping_add(d.addr.to_bits());
    let offset = siphash(KEY1, v) as usize % size;
    let skip = siphash(KEY2, v) as usize % (size - 1) + 1;
    (offset, skip)
}

/// The kernel's `hsiphash_1u32` on 64 bits: SipHash-1-3 over four bytes, both key words equal, cut to 32 bits.
fn siphash(key: u64, v: u32) -> u32 {
    let mut s = [
        0x736f_6d65_7073_6575 ^ key,
        0x646f_7261_6e64_6f6d ^ key,
        0x6c79_6765_6e65_7261 ^ key,
        0x7465_6462_7974_6573 ^ key,
    ];
    let round = |s: &mut [u64; 4]| {
        s[0] = s[0].wrapping_add(s[1]);
        s[1] = s[1].rotate_left(13) ^ s[0];
        s[0] = s[0].rotate_left(32);
        s[2] = s[2].wrapping_add(s[3]);
        s[3] = s[3].rotate_left(16) ^ s[2];
        s[0] = s[0].wrapping_add(s[3]);
        s[3] = s[3].rotate_left(21) ^ s[0];
        s[2] = s[2].wrapping_add(s[1]);
        s[1] = s[1].rotate_left(17) ^ s[2];
        s[2] = s[2].rotate_left(32);
    };
    let block = 4 << 56 | u64::from(v);
    s[3] ^= block;
    round(&mut s);
    s[0] ^= block;
    s[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut s);
    }
    (s[0] ^ s[1] ^ s[2] ^ s[3]) as u32
}

/// The slot of the client's address, with its port if that counts, and an offset (ip_vs_mh_hashkey).
fn slot(flow: &Flow, offset: usize) -> usize {
    let port = match flow.flags.has(SchedFlags::PORT) {
        true => u32::from(flow.cport),
        false => 0,
    };
    siphash(KEY1, port.wrapping_add(flow.client).wrapping_add(offset as u32)) as usize % SIZE
}

impl Scheduler for Mh {
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
        let home = slot(flow, 0);
        let first = self.pick(dests, home);
        if first.is_some() || !flow.flags.has(SchedFlags::FALLBACK) {
            return first;
        }
        (0..SIZE).find_map(|k| self.pick(dests, slot(flow, (k + home) % SIZE)))
    }

    fn compare(&self, _: DestList<'_>, place: usize, flow: &Flow) -> Compared {
        let slot = slot(flow, 0);
        let here = self.slots.get(slot).is_some_and(|&p| p as usize == place);
        Compared::Slot { slot: slot as u32, size: SIZE as u32, here }
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
    use super::*;
    use crate::ipvs::{DestId, SchedFlags};
    use proptest::prelude::*;

    fn picks(b: &mut Bench) -> Vec<u8> {
        (0..4_000u32)
            .map(|client| {
                b.flow.client = client;
                b.pick()
            })
            .collect()
    }

    #[test]
    fn places_follow_weights() {
        let chosen = picks(&mut Bench::three("mh", [5, 2, 1]));
        let count = |n| chosen.iter().filter(|&&c| c == n).count();
        assert!((2_300..2_700).contains(&count(1)), "{}", count(1));
        assert!((400..600).contains(&count(3)), "{}", count(3));
    }

    #[test]
    fn a_drained_server_keeps_its_places_and_the_others_keep_their_clients() {
        let mut b = Bench::three("mh", [1, 1, 1]);
        let before = picks(&mut b);
        b.edit(2, 0);
        for (was, is) in before.iter().zip(picks(&mut b)) {
            assert_eq!(is, if *was == 2 { 0 } else { *was });
        }
        b.flow.flags = SchedFlags::FALLBACK;
        assert!(picks(&mut b).iter().all(|&c| c == 1 || c == 3));
    }

    proptest! {
        #[test]
        fn removing_a_server_moves_exactly_the_clients_whose_slot_moved(
            weights in proptest::collection::vec(1..6i32, 2..8), gone in any::<prop::sample::Index>(),
        ) {
            let dests: Vec<Dest> = (1u8..).zip(&weights).map(|(n, &w)| Dest::sample(n, w)).collect();
            let ids: Vec<DestId> = (0..dests.len() as u32).rev().map(DestId).collect();
            let mut left = ids.clone();
            let removed = left.remove(gone.index(ids.len()));
            let (mut one, mut two) = (Mh::default(), Mh::default());
            one.reassign(DestList::new(&ids, &dests));
            two.reassign(DestList::new(&left, &dests));
            let table = |mh: &Mh, ids: &[DestId]| mh.slots.iter().map(|&p| ids[p as usize]).collect::<Vec<DestId>>();
            let (before, after) = (table(&one, &ids), table(&two, &left));
            let moved = before.iter().zip(&after).filter(|(b, a)| **b != removed && b != a).count();
            // A Maglev table of 4093 places: few of those that need not move do.
            prop_assert!(moved * 10 < SIZE, "{moved} of {SIZE} moved without need");
            // A client moves if, and only if, its slot did.
            for client in 0..500u32 {
                let flow = Flow { client, ..super::super::testing::Bench::new("mh").flow };
                let s = slot(&flow, 0);
                let choice = |mh: &Mh, ids: &[DestId]| mh.pick(DestList::new(ids, &dests), s).map(|p| ids[p.place]);
                let (was, is) = (choice(&one, &ids), choice(&two, &left));
                prop_assert_eq!(was == is, before[s] == after[s]);
            }
        }
    }

    #[test]
    fn deleting_a_server_moves_few_clients_of_the_others() {
        let mut b = Bench::three("mh", [1, 1, 1]);
        let before = picks(&mut b);
        b.delete(3);
        let moved = before.iter().zip(picks(&mut b)).filter(|(was, is)| **was != 3 && **was != *is).count();
        assert!(moved < 40, "{moved} of 4000");
    }
}
