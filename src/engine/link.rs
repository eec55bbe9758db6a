//! A cable: latency, bandwidth, a queue at each end, loss, carrier.
//!
//! There is no event for the end of a transmission: each direction remembers until when it is busy, and a frame's
//! arrival is computed when it is sent. A frame leaves when the one before it has left (serialisation), arrives after
//! the latency. Frames beyond `queue` that would wait are dropped at the tail, as by a `pfifo`.

use crate::base::{DevIdx, NodeId, Rng, SimTime, Span};
use crate::trace::DropReason;
use std::collections::VecDeque;

/// What a cable is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProfile {
    /// From end to end.
    pub latency: Span,
    /// Bits per second; 0: no limit.
    pub bandwidth: u64,
    /// Lost frames in a million.
    pub loss_ppm: u32,
    /// Frames that may wait at each end.
    pub queue: u32,
}

/// Cables of this bandwidth and more bring frames in bursts.
const BURSTS: u64 = 1_000_000_000;

/// One end of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The box.
    pub node: NodeId,
    /// Its device or port.
    pub dev: DevIdx,
}

/// A cable with its two directions.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its two ends.
    pub ends: [End; 2],
    /// What it is like, seen from each end.
    pub profile: [LinkProfile; 2],
    directions: [Direction; 2],
}

#[derive(Clone, Debug)]
struct Direction {
    busy_until: SimTime,
    /// When each waiting frame will have left; empty while the cable is idle.
    waiting: VecDeque<SimTime>,
    /// Never let a later frame overtake an earlier one when the latency was lowered.
    last_arrival: SimTime,
    nanos_per_byte: u64,
    /// How long it was sending, in nanoseconds, and how many frames found the queue full.
    sending: u64,
    refused: u64,
    up: bool,
    rng: Rng,
}

impl Link {
    /// A cable between two ends; `rng` holds the random stream of each direction.
    pub fn new(ends: [End; 2], profile: LinkProfile, rng: [Rng; 2]) -> Link {
        let direction = |rng: Rng| Direction {
            busy_until: SimTime::ZERO,
            waiting: VecDeque::new(),
            last_arrival: SimTime::ZERO,
            nanos_per_byte: whole_nanos(profile.bandwidth),
            sending: 0,
            refused: 0,
            up: true,
            rng,
        };
        let directions = rng.map(direction);
        Link { ends, profile: [profile.clone(), profile], directions }
    }

    /// Changes what the cable is like in both directions, in the middle of a run.
    pub fn set(&mut self, change: impl Fn(&mut LinkProfile)) {
        for side in 0..2 {
            change(&mut self.profile[side]);
            self.directions[side].nanos_per_byte = whole_nanos(self.profile[side].bandwidth);
        }
    }

    /// Takes the carrier away, or gives it back.
    pub fn set_up(&mut self, up: bool) {
        for d in &mut self.directions {
            d.up = up;
        }
    }

    /// Whether there is a carrier.
    pub fn is_up(&self) -> bool {
        self.directions[0].up
    }

    /// Sends `bytes` from the end `side` now; tells when they arrive at the other end.
    ///
    /// # Errors
    /// Why the cable lost the frame.
    #[inline]
    pub fn transmit(&mut self, side: usize, bytes: u32, now: SimTime) -> Result<SimTime, DropReason> {
        let (profile, d) = (&self.profile[side], &mut self.directions[side]);
        if !d.up {
            return Err(DropReason::NoCarrier);
        }
        let mut start = now;
        if d.busy_until > now {
            while d.waiting.front().is_some_and(|&left| left <= now) {
                d.waiting.pop_front();
            }
            if d.waiting.len() as u32 >= profile.queue.max(1) {
                d.refused += 1;
                return Err(DropReason::LinkQueueFull { limit: profile.queue });
            }
            start = d.busy_until;
            d.waiting.push_back(start);
        } else if !d.waiting.is_empty() {
            d.waiting.clear();
        }
        let takes = match d.nanos_per_byte {
            0 if profile.bandwidth == 0 => 0,
            0 => (u64::from(bytes) * 8_000_000_000).div_ceil(profile.bandwidth),
            n => u64::from(bytes) * n,
        };
        d.busy_until = start + Span(takes);
        d.sending += takes;
        if profile.loss_ppm > 0 && d.rng.chance_ppm(profile.loss_ppm) {
            return Err(DropReason::LinkLoss);
        }
        let arrival = (d.busy_until + profile.latency).max(d.last_arrival);
        d.last_arrival = arrival;
        Ok(arrival)
    }

    /// How long the end `side` has been sending, what still waits included.
    pub fn sent_for(&self, side: usize) -> Span {
        Span(self.directions[side].sending)
    }

    /// How many frames found the queue at the end `side` full.
    pub fn refused(&self, side: usize) -> u64 {
        self.directions[side].refused
    }

    /// When the last of the frames that follow one another on the cable towards the other end of `side` will have arrived, if
    /// they come so close together that a host takes them up at once: on a gigabit cable or a faster one, where the next is
    /// there before an interrupt has been dealt with. Without a limit they arrive in one instant, which may be now.
    pub fn burst_until(&self, side: usize, now: SimTime) -> Option<SimTime> {
        let (profile, d) = (&self.profile[side], &self.directions[side]);
        let unlimited = profile.bandwidth == 0;
        let until = d.busy_until + profile.latency;
        ((unlimited && until == now) || (until > now && profile.bandwidth >= BURSTS)).then_some(until)
    }
}

/// Nanoseconds a byte takes, if they are a whole number; else 0.
fn whole_nanos(bandwidth: u64) -> u64 {
    match bandwidth {
        0 => 0,
        b if 8_000_000_000 % b == 0 => 8_000_000_000 / b,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    fn link(profile: LinkProfile) -> Link {
        let end = |n| End { node: NodeId(n), dev: DevIdx(0) };
        Link::new([end(0), end(1)], profile, [Seed(1).stream("a"), Seed(1).stream("b")])
    }

    const GIGABIT: LinkProfile =
        LinkProfile { latency: Span::from_micros(50), bandwidth: 1_000_000_000, loss_ppm: 0, queue: 2 };

    #[test]
    fn a_frame_takes_its_length_and_the_latency() {
        let mut l = link(GIGABIT);
        assert_eq!(l.transmit(0, 1000, SimTime(0)), Ok(SimTime(58_000)));
        // The next one waits for the first to have left, in this direction only.
        assert_eq!(l.transmit(0, 1000, SimTime(0)), Ok(SimTime(66_000)));
        assert_eq!(l.transmit(1, 1000, SimTime(0)), Ok(SimTime(58_000)));
    }

    #[test]
    fn frames_beyond_the_queue_are_dropped_until_one_has_left() {
        let mut l = link(GIGABIT);
        for _ in 0..3 {
            assert!(l.transmit(0, 1000, SimTime(0)).is_ok());
        }
        assert_eq!(l.transmit(0, 1000, SimTime(0)), Err(DropReason::LinkQueueFull { limit: 2 }));
        assert_eq!((l.sent_for(0), l.refused(0)), (Span::from_micros(24), 1));
        assert_eq!((l.sent_for(1), l.refused(1)), (Span::ZERO, 0));
        assert!(l.transmit(0, 1000, SimTime(8_000)).is_ok());
    }

    #[test]
    fn odd_bandwidths_round_up_and_none_takes_no_time() {
        let mut l = link(LinkProfile { bandwidth: 3_000_000, latency: Span::ZERO, ..GIGABIT });
        assert_eq!(l.transmit(0, 1, SimTime(0)), Ok(SimTime(2_667)));
        let mut l = link(LinkProfile { bandwidth: 0, latency: Span::ZERO, ..GIGABIT });
        assert_eq!(l.transmit(0, 1500, SimTime(5)), Ok(SimTime(5)));
    }

    #[test]
    fn frames_without_a_gap_between_them_are_a_burst() {
        let mut l = link(GIGABIT);
        let first = l.transmit(0, 1000, SimTime(0)).expect("room");
        assert_eq!(l.burst_until(0, first), None);
        let second = l.transmit(0, 1000, SimTime(0)).expect("room");
        assert_eq!(l.burst_until(0, first), Some(second));
        assert_eq!(l.burst_until(0, second), None);
        assert_eq!(l.burst_until(1, first), None, "the other direction");
        let mut slow = link(LinkProfile { bandwidth: 100_000_000, ..GIGABIT });
        let first = slow.transmit(0, 1000, SimTime(0)).expect("room");
        slow.transmit(0, 1000, SimTime(0)).expect("room");
        assert_eq!(slow.burst_until(0, first), None);
        let mut endless = link(LinkProfile { bandwidth: 0, ..GIGABIT });
        let first = endless.transmit(0, 1000, SimTime(0)).expect("room");
        assert_eq!(endless.burst_until(0, first), Some(first));
    }

    #[test]
    fn a_cable_without_carrier_takes_nothing() {
        let mut l = link(GIGABIT);
        l.set_up(false);
        assert_eq!(l.transmit(0, 60, SimTime(0)), Err(DropReason::NoCarrier));
    }

    #[test]
    fn loss_is_a_share_of_the_frames() {
        let mut l = link(LinkProfile { loss_ppm: 100_000, queue: 1_000_000, ..GIGABIT });
        let lost = (0..10_000).filter(|&i| l.transmit(0, 60, SimTime(i * 10_000)).is_err()).count();
        assert!((850..1150).contains(&lost), "{lost} of 10000");
    }
}
