//! Schedulers: one file and one row each (net/netfilter/ipvs/ip_vs_sched.c).
//!
//! All walk the service's list from the newest destination to the oldest, as the kernel does.

pub mod alone;
pub mod dh;
pub mod fo;
pub mod hash;
pub mod lblc;
pub mod lblcr;
pub mod lc;
pub mod mh;
pub mod nq;
pub mod ovf;
pub mod rr;
pub mod sed;
pub mod sh;
pub mod twos;
pub mod wlc;
pub mod wrr;

use super::dest::{Dest, DestId};
use super::service::SchedFlags;
use crate::base::SimTime;
use crate::base::rng::Rng;
use crate::lang::Text;
use crate::trace::{Because, Compared};
use std::fmt;

/// A service's destinations, newest first. A scheduler names one by its place.
#[derive(Clone, Copy, Debug)]
pub struct DestList<'a> {
    ids: &'a [DestId],
    slab: &'a [Dest],
}

impl<'a> DestList<'a> {
    /// The list of these destinations of the slab.
    pub fn new(ids: &'a [DestId], slab: &'a [Dest]) -> DestList<'a> {
        DestList { ids, slab }
    }

    /// How many.
    #[inline]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The one in this place.
    #[inline]
    pub fn get(&self, place: usize) -> &'a Dest {
        &self.slab[self.ids[place].index()]
    }

    /// From newest to oldest.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &'a Dest> + Clone + use<'a> {
        let slab = self.slab;
        self.ids.iter().map(move |id| &slab[id.index()])
    }

    /// The place of the destination object with this number.
    pub fn place_of(&self, birth: u32) -> Option<usize> {
        self.iter().position(|d| d.birth == birth)
    }
}

/// What a scheduler may know about the packet.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The client's address.
    pub client: u32,
    /// The client's port.
    pub cport: u16,
    /// The packet's destination: the virtual address.
    pub daddr: u32,
    /// When it came.
    pub now: SimTime,
    /// The service's flags.
    pub flags: SchedFlags,
    /// `lblc_expiration` in seconds.
    pub lblc_expiration: i64,
    /// `lblcr_expiration` in seconds.
    pub lblcr_expiration: i64,
}

/// A scheduler's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Place in the list.
    pub place: usize,
    /// Why.
    pub because: Because,
}

/// The kernel's `struct ip_vs_scheduler`. One value per service.
pub trait Scheduler: fmt::Debug + Send + Sync {
    /// Bound to a service with these destinations.
    fn init(&mut self, dests: DestList<'_>, now: SimTime) {
        let _ = (dests, now);
    }

    /// A destination was put at place 0.
    fn added(&mut self, dests: DestList<'_>) {
        let _ = dests;
    }

    /// The destination in `place` was taken out.
    fn removed(&mut self, dests: DestList<'_>, place: usize) {
        let _ = (dests, place);
    }

    /// A destination's weight, method or thresholds changed.
    fn edited(&mut self, dests: DestList<'_>) {
        let _ = dests;
    }

    /// Chooses for a new connection; none: no destination may be used.
    fn schedule(&mut self, dests: DestList<'_>, flow: &Flow, rng: &mut Rng) -> Option<Pick>;

    /// What it would compare of the destination in `place`, before it chooses: for receipts.
    fn compare(&self, dests: DestList<'_>, place: usize, flow: &Flow) -> Compared;

    /// For schedulers with a table: the place in the list that each slot leads to.
    fn slots(&self, dests: DestList<'_>) -> Option<Vec<u32>> {
        let _ = dests;
        None
    }

    /// A copy of the state.
    fn clone_box(&self) -> Box<dyn Scheduler>;
}

impl Clone for Box<dyn Scheduler> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// A scheduler that can be asked for.
#[derive(Debug)]
pub struct SchedulerRow {
    /// Its name (`ipvsadm -s`).
    pub name: &'static str,
    /// Where Linux keeps it.
    pub kernel_file: &'static str,
    /// Makes one, not yet bound.
    pub make: fn() -> Box<dyn Scheduler>,
}

impl SchedulerRow {
    /// Whom it chooses, in one line.
    pub fn about(&self) -> Text {
        Text::row("scheduler", self.name, None)
    }

    /// Which candidate is chosen, and what decides a tie.
    pub fn rule(&self) -> Text {
        Text::row("scheduler", self.name, Some("rule"))
    }
}

macro_rules! schedulers {
    ($($name:literal $make:expr;)*) => {
        /// Every scheduler, by name.
        pub const SCHEDULERS: &[SchedulerRow] = &[
            $(SchedulerRow {
                name: $name,
                kernel_file: concat!("net/netfilter/ipvs/ip_vs_", $name, ".c"),
                make: || Box::new($make),
            },)*
        ];
    };
}

schedulers! {
    "dh" dh::Dh::default();
    "fo" fo::Fo;
    "lblc" lblc::Lblc::default();
    "lblcr" lblcr::Lblcr::default();
    "lc" lc::Lc;
    "mh" mh::Mh::default();
    "nq" nq::Nq;
    "ovf" ovf::Ovf;
    "rr" rr::Rr::default();
    "sed" sed::Sed;
    "sh" sh::Sh::default();
    "twos" twos::Twos;
    "wlc" wlc::Wlc;
    "wrr" wrr::Wrr::default();
}

/// The row of this name.
pub fn find(name: &str) -> Option<&'static SchedulerRow> {
    SCHEDULERS.iter().find(|r| r.name == name)
}

/// ip_vs_dest_conn_overhead: an active connection counts as 256 inactive ones, in 32 bits.
#[inline]
pub(crate) fn overhead(d: &Dest) -> i64 {
    i64::from((d.active.wrapping_shl(8)).wrapping_add(d.inactive) as i32)
}

/// The destination with the least measure by weight; ties go to the first in the list. The first candidate needs a
/// weight; one of weight 0 can never win the comparison that follows.
#[inline]
pub(crate) fn least_by_weight(dests: DestList<'_>, measure: impl Fn(&Dest) -> i64) -> Option<(usize, i64, i32)> {
    let mut least: Option<(usize, i64, i32)> = None;
    for (place, d) in dests.iter().enumerate() {
        if d.overload {
            continue;
        }
        match least {
            None if d.weight > 0 => least = Some((place, measure(d), d.weight)),
            Some((_, value, weight)) => {
                let mine = measure(d);
                if value.wrapping_mul(i64::from(d.weight)) > mine.wrapping_mul(i64::from(weight)) {
                    least = Some((place, mine, d.weight));
                }
            }
            None => {}
        }
    }
    least
}

/// What wlc, lblc and lblcr compare.
pub(crate) fn load_by_weight(d: &Dest) -> Compared {
    Compared::Ratio { measure: "active*256+inactive", value: overhead(d), weight: Some(d.weight) }
}

/// A pick by [`least_by_weight`] with its reason.
pub(crate) fn least_pick(least: Option<(usize, i64, i32)>, measure: &'static str) -> Option<Pick> {
    least.map(|(place, value, weight)| Pick {
        place,
        because: Because::Least { measure, value: value as u64, weight: weight as u32 },
    })
}

#[cfg(test)]
pub(crate) mod testing {
    //! A service of named servers in the kernel's order, for tables of recorded sequences.

    use super::*;
    use crate::base::rng::Seed;

    /// A list with a scheduler, without the rest of a host. Server `n` is 10.0.0.n.
    #[derive(Clone)]
    pub struct Bench {
        pub slab: Vec<Dest>,
        ids: Vec<DestId>,
        pub sched: Box<dyn Scheduler>,
        pub flow: Flow,
        rng: Rng,
    }

    impl Bench {
        pub fn new(name: &str) -> Bench {
            let mut sched = (find(name).expect("a scheduler").make)();
            sched.init(DestList::new(&[], &[]), SimTime::ZERO);
            Bench {
                slab: Vec::new(),
                ids: Vec::new(),
                sched,
                flow: Flow {
                    client: 0x0a01_0101,
                    cport: 40000,
                    daddr: 0x0a00_0064,
                    now: SimTime::ZERO,
                    flags: SchedFlags::default(),
                    lblc_expiration: 86400,
                    lblcr_expiration: 86400,
                },
                rng: Seed(1).stream("test"),
            }
        }

        /// Adds server `n` with a weight.
        pub fn add(mut self, n: u8, weight: i32) -> Bench {
            self.slab.push(Dest::sample(n, weight));
            self.ids.insert(0, DestId(self.slab.len() as u32 - 1));
            self.sched.added(DestList::new(&self.ids, &self.slab));
            self
        }

        /// Adds servers 1 to 3 with these weights.
        pub fn three(name: &str, weights: [i32; 3]) -> Bench {
            (1..=3).zip(weights).fold(Bench::new(name), |b, (n, w)| b.add(n, w))
        }

        pub fn edit(&mut self, n: u8, weight: i32) {
            let d = self.dest(n);
            d.weight = weight;
            if weight != 0 {
                d.last_weight = weight;
            }
            self.sched.edited(DestList::new(&self.ids, &self.slab));
        }

        pub fn delete(&mut self, n: u8) {
            let place = DestList::new(&self.ids, &self.slab).place_of(u32::from(n)).expect("in the list");
            self.ids.remove(place);
            self.sched.removed(DestList::new(&self.ids, &self.slab), place);
        }

        pub fn switch(&mut self, name: &str) {
            self.sched = (find(name).expect("a scheduler").make)();
            self.sched.init(DestList::new(&self.ids, &self.slab), SimTime::ZERO);
        }

        pub fn dest(&mut self, n: u8) -> &mut Dest {
            self.slab.iter_mut().find(|d| d.birth == u32::from(n)).expect("added")
        }

        /// The next choice, with its reason.
        pub fn next(&mut self) -> Option<Pick> {
            self.sched.schedule(DestList::new(&self.ids, &self.slab), &self.flow, &mut self.rng)
        }

        /// The next choice; 0 for none.
        pub fn pick(&mut self) -> u8 {
            self.next().map_or(0, |p| DestList::new(&self.ids, &self.slab).get(p.place).birth as u8)
        }

        /// What would be compared of each server, in the list's order.
        pub fn compare(&self) -> Vec<(u8, Compared)> {
            let list = DestList::new(&self.ids, &self.slab);
            let of = |place| (list.get(place).birth as u8, self.sched.compare(list, place, &self.flow));
            (0..list.len()).map(of).collect()
        }

        /// `n` choices as digits, each making an active connection if `hold`.
        pub fn run(&mut self, n: usize, hold: bool) -> String {
            (0..n)
                .map(|_| {
                    let chosen = self.pick();
                    if hold && chosen != 0 {
                        self.dest(chosen).active += 1;
                    }
                    char::from(b'0' + chosen)
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Bench;
    use super::*;
    use proptest::prelude::*;

    /// Weight, active, inactive connections, full.
    type Server = (i32, u32, u32, bool);

    fn servers() -> impl Strategy<Value = Vec<Server>> {
        let weight = prop_oneof![Just(0), 1..4, 1..100, Just(i32::MAX / 256)];
        let load = prop_oneof![Just(0u32), 0..5u32, 0..3000u32];
        proptest::collection::vec((weight, load.clone(), load, proptest::bool::weighted(0.2)), 0..9)
    }

    fn bench(name: &str, servers: &[Server]) -> Bench {
        let mut b = Bench::new(name);
        for (n, &(weight, active, inactive, overload)) in (1u8..).zip(servers) {
            b = b.add(n, weight);
            let d = b.dest(n);
            (d.active, d.inactive, d.overload) = (active, inactive, overload);
        }
        b
    }

    /// Those of these schedulers that may refuse although a server is usable: the hash decides alone, or a limit of
    /// their own.
    const MAY_REFUSE: &[&str] = &["dh", "mh", "ovf", "sh"];

    proptest! {
        #[test]
        fn what_is_picked_is_usable_and_something_is_picked_if_anything_is(
            servers in servers(), flags in 0u8..8, clients in proptest::collection::vec(any::<(u32, u16, u32)>(), 1..40),
        ) {
            let any_usable = servers.iter().any(|&(weight, .., full)| weight > 0 && !full);
            for row in SCHEDULERS {
                let mut b = bench(row.name, &servers);
                b.flow.flags = SchedFlags(flags);
                for &(client, cport, daddr) in &clients {
                    (b.flow.client, b.flow.cport, b.flow.daddr) = (client, cport, daddr);
                    let chosen = b.pick();
                    if chosen != 0 {
                        prop_assert!(b.dest(chosen).usable(), "{} picked one that is not usable", row.name);
                        b.dest(chosen).active += 1;
                    } else if !MAY_REFUSE.contains(&row.name) {
                        prop_assert!(!any_usable, "{} refused", row.name);
                    }
                }
            }
        }

        #[test]
        fn with_fallback_the_hash_schedulers_find_a_usable_server_if_there_is_one(
            servers in servers(), client in any::<u32>(),
        ) {
            let any_usable = servers.iter().any(|&(weight, .., full)| weight > 0 && !full);
            let mut b = bench("sh", &servers);
            b.flow.flags = SchedFlags::FALLBACK;
            b.flow.client = client;
            // sh's search passes every slot; each server has one as long as the weights before it leave room.
            if servers.iter().map(|s| s.0.max(1)).sum::<i32>() <= 256 {
                prop_assert_eq!(b.pick() != 0, any_usable);
            }
        }

        #[test]
        fn a_receipt_marks_what_the_least_measure_chose(servers in servers()) {
            for name in ["wlc", "sed"] {
                let mut b = bench(name, &servers);
                let compared = b.compare();
                let chosen = b.pick();
                // The first in the list whose value over weight is the least of all usable ones.
                let best = compared.iter().filter(|(n, _)| servers[usize::from(*n) - 1].0 > 0 && !servers[usize::from(*n) - 1].3).fold(
                    None,
                    |best: Option<(u8, i64, i64)>, (n, c)| match c {
                        Compared::Ratio { value, weight: Some(w), .. } => match best {
                            Some((_, v, bw)) if v * i64::from(*w) <= value * bw => best,
                            _ => Some((*n, *value, i64::from(*w))),
                        },
                        _ => best,
                    },
                );
                prop_assert_eq!(best.map_or(0, |(n, ..)| n), chosen, "{}", name);
            }
        }

        #[test]
        fn wrr_gives_each_its_weight_in_every_full_turn(weights in proptest::collection::vec(1..12i32, 1..7)) {
            let servers: Vec<Server> = weights.iter().map(|&w| (w, 0, 0, false)).collect();
            let mut b = bench("wrr", &servers);
            let turn = weights.iter().sum::<i32>() / weights.iter().copied().reduce(wrr::gcd).unwrap_or(1);
            // The first turn may begin in the middle (ip_vs_wrr.c: the mark is not raised by later additions).
            b.run(turn as usize, false);
            for turns in 1..4 {
                let picks = b.run((turns * turn) as usize, false);
                for (n, &weight) in (b'1'..).zip(&weights) {
                    let share = picks.bytes().filter(|&p| p == n).count() as i32;
                    let due = turns * weight * turn / weights.iter().sum::<i32>();
                    prop_assert!((share - due).abs() <= 1, "{weights:?}: {n} got {share}, due {due}");
                }
            }
        }
    }

    #[test]
    fn rows_are_sorted_and_unique() {
        assert!(SCHEDULERS.windows(2).all(|w| w[0].name < w[1].name));
    }

    #[test]
    fn no_scheduler_picks_weight_zero_or_a_full_server_or_from_nothing() {
        for row in SCHEDULERS {
            let mut b = Bench::new(row.name);
            assert_eq!(b.pick(), 0, "{}: empty list", row.name);
            let mut b = Bench::three(row.name, [0, 0, 0]);
            assert_eq!(b.run(5, false), "00000", "{}: weight 0", row.name);
            let mut b = Bench::three(row.name, [1, 2, 3]);
            for n in 1..=3 {
                b.dest(n).overload = true;
            }
            assert_eq!(b.run(5, false), "00000", "{}: full", row.name);
        }
    }

    #[test]
    fn a_clone_goes_on_as_the_original_does() {
        for row in SCHEDULERS {
            let mut b = Bench::three(row.name, [3, 1, 2]);
            b.run(7, true);
            let mut copy = b.clone();
            assert_eq!(b.run(20, true), copy.run(20, true), "{}", row.name);
        }
    }
}
