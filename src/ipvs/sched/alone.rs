//! Shared by studies: a scheduler with its servers, without the rest of a host. No packet, no connection, no time: it chooses, and
//! the caller says what it counts.

use super::{DestList, Flow, Scheduler, SchedulerRow};
use crate::base::rng::Rng;
use crate::base::{SimTime, Span};
use crate::ipvs::{Dest, DestId, SchedFlags};
use std::net::Ipv4Addr;

/// A scheduler and its servers. A server is named by the number that [`Alone::add`] gave.
#[derive(Clone, Debug)]
pub struct Alone {
    slab: Vec<Dest>,
    ids: Vec<DestId>,
    sched: Box<dyn Scheduler>,
    rng: Rng,
}

impl Alone {
    /// Without servers so far. `rng`: what the scheduler draws from, if it draws.
    pub fn new(row: &SchedulerRow, rng: Rng) -> Alone {
        let mut sched = (row.make)();
        sched.init(DestList::new(&[], &[]), SimTime::ZERO);
        Alone { slab: Vec::new(), ids: Vec::new(), sched, rng }
    }

    /// Adds a server on port 80, as `ipvsadm -a` does: at the head of the list. Returns its number.
    pub fn add(&mut self, addr: Ipv4Addr, weight: i32) -> usize {
        let number = self.slab.len();
        self.slab.push(Dest::standing(addr, weight, number as u32));
        self.ids.insert(0, DestId(number as u32));
        self.sched.added(DestList::new(&self.ids, &self.slab));
        number
    }

    /// Takes a server out, as `ipvsadm -d` does.
    pub fn remove(&mut self, number: usize) {
        if let Some(place) = self.ids.iter().position(|id| id.index() == number) {
            self.ids.remove(place);
            self.sched.removed(DestList::new(&self.ids, &self.slab), place);
        }
    }

    /// The server for a client's next connection to 10.0.0.100; none: no server may be used.
    pub fn pick(&mut self, client: u32) -> Option<usize> {
        let flow = Flow {
            client,
            cport: 32768,
            daddr: Ipv4Addr::new(10, 0, 0, 100).to_bits(),
            now: SimTime::ZERO,
            flags: SchedFlags::default(),
            lblc_expiration: Span::from_secs(86_400).0 as i64,
            lblcr_expiration: Span::from_secs(86_400).0 as i64,
        };
        let list = DestList::new(&self.ids, &self.slab);
        let pick = self.sched.schedule(list, &flow, &mut self.rng)?;
        Some(self.ids[pick.place].index())
    }

    /// One more connection of this server is active.
    pub fn hold(&mut self, number: usize) {
        if let Some(dest) = self.slab.get_mut(number) {
            dest.active += 1;
        }
    }

    /// The servers in the list's order, for those who look at a scheduler's table.
    pub fn list(&self) -> DestList<'_> {
        DestList::new(&self.ids, &self.slab)
    }

    /// The number of the server in this place of the list.
    pub fn number(&self, place: usize) -> usize {
        self.ids[place].index()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::ipvs::sched::find;

    #[test]
    fn it_chooses_as_the_scheduler_does_on_a_host() {
        let alone = |name| {
            let mut alone = Alone::new(find(name).expect("a scheduler"), Seed(1).stream("test"));
            for n in 1..=3 {
                alone.add(Ipv4Addr::new(10, 0, 1, n), 1);
            }
            alone
        };
        let mut rr = alone("rr");
        let turns: Vec<_> = (0..4).map(|_| rr.pick(7)).collect();
        assert_eq!(turns, [Some(2), Some(1), Some(0), Some(2)], "the newest first");
        let mut lc = alone("lc");
        lc.hold(2);
        assert_eq!(lc.pick(7), Some(1));
        lc.remove(1);
        assert_eq!(lc.pick(7), Some(0));
        let mut mh = alone("mh");
        let first = mh.pick(7).expect("a server");
        assert_eq!(mh.pick(7), Some(first));
        mh.remove(first);
        assert_ne!(mh.pick(7), Some(first));
    }
}
