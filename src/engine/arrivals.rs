//! When connections start: the next arrival is drawn when the one before happens, so a million connections do not wait in a
//! queue.
//!
//! A rate that changes (in steps, or at random: a Markov-modulated Poisson process) is drawn anew at every change, which is
//! exact because an exponential variable has no memory.

use crate::base::{Rng, Span};
use std::sync::Arc;

/// How connections come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// Always so long after the one before; zero: all at once.
    Every(Span),
    /// So long in the mean, exponentially distributed.
    Poisson(Span),
    /// At random, at a rate that goes from one to the next of a circle after exponentially distributed times.
    Mmpp(Arc<[Phase]>),
    /// At random, at a rate that changes at fixed times.
    Steps(Arc<[Step]>),
    /// At these times.
    Trace(Arc<[Span]>),
}

/// A phase of a Markov-modulated Poisson process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The mean distance of arrivals; nothing: there are none.
    pub gap: Option<Span>,
    /// How long it lasts in the mean.
    pub dwell: Span,
}

/// A rate from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// From this time on, counted from the entry's start.
    pub from: Span,
    /// The mean distance of arrivals; nothing: there are none.
    pub gap: Option<Span>,
}

/// The arrivals of one entry, one after the other.
#[derive(Clone, Debug)]
pub struct Stream {
    how: Arrivals,
    rng: Rng,
    /// When the last one was, counted from the entry's start.
    at: Span,
    /// Arrivals so far.
    count: u64,
    /// Of `Mmpp`: the phase, and when it ends.
    phase: usize,
    phase_ends: Option<Span>,
}

impl Stream {
    /// The arrivals of this kind, drawn from this stream.
    pub fn new(how: Arrivals, rng: Rng) -> Stream {
        Stream { how, rng, at: Span::ZERO, count: 0, phase: 0, phase_ends: None }
    }

    /// When the next connection starts, counted from the entry's start; nothing: there is none any more.
    ///
    /// The first one of regular and Poisson arrivals starts at once.
    pub fn next_at(&mut self) -> Option<Span> {
        let first = self.count == 0;
        self.count += 1;
        let how = self.how.clone();
        let at = match &how {
            Arrivals::Every(_) | Arrivals::Poisson(_) if first => Span::ZERO,
            Arrivals::Every(gap) => self.at + *gap,
            Arrivals::Poisson(mean) => self.at + self.rng.exponential(*mean),
            Arrivals::Mmpp(phases) => self.modulated(phases)?,
            Arrivals::Steps(steps) => self.stepped(steps)?,
            Arrivals::Trace(times) => *times.get(self.count as usize - 1)?,
        };
        self.at = at;
        Some(at)
    }

    fn modulated(&mut self, phases: &[Phase]) -> Option<Span> {
        let mut at = self.at;
        // Phases without arrivals follow each other a number of times only: one of them has a rate.
        phases.iter().find(|p| p.gap.is_some())?;
        loop {
            let phase = phases[self.phase];
            let ends = match self.phase_ends {
                Some(ends) => ends,
                None => at + self.rng.exponential(phase.dwell),
            };
            self.phase_ends = Some(ends);
            if let Some(gap) = phase.gap {
                let next = at + self.rng.exponential(gap);
                if next <= ends {
                    return Some(next);
                }
            }
            at = ends;
            self.phase = (self.phase + 1) % phases.len();
            self.phase_ends = None;
        }
    }

    fn stepped(&mut self, steps: &[Step]) -> Option<Span> {
        let mut at = self.at;
        let mut place = steps.partition_point(|s| s.from <= at).saturating_sub(1);
        at = at.max(steps.first()?.from);
        loop {
            let ends = steps.get(place + 1).map(|s| s.from);
            if let Some(gap) = steps[place].gap {
                let next = at + self.rng.exponential(gap);
                if ends.is_none_or(|end| next < end) {
                    return Some(next);
                }
            }
            at = ends?;
            place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    fn times(how: Arrivals, n: usize) -> Vec<u64> {
        let mut stream = Stream::new(how, Seed(11).stream("arrivals"));
        (0..n).map_while(|_| stream.next_at()).map(|at| at.0).collect()
    }

    const MS: fn(u64) -> Span = Span::from_millis;

    #[test]
    fn the_first_of_regular_arrivals_is_at_once() {
        assert_eq!(times(Arrivals::Every(Span(5)), 3), [0, 5, 10]);
        assert_eq!(times(Arrivals::Poisson(Span(1_000)), 2)[0], 0);
    }

    #[test]
    fn a_trace_ends_with_its_last_row() {
        assert_eq!(times(Arrivals::Trace([Span(3), Span(3), Span(9)].into()), 10), [3, 3, 9]);
    }

    #[test]
    fn a_rate_changes_at_its_steps_and_ends_with_a_rate_of_none() {
        let step = |from, gap: Option<u64>| Step { from, gap: gap.map(Span::from_micros) };
        let steps = [step(MS(0), Some(1_000)), step(MS(10_000), Some(100)), step(MS(20_000), None)];
        let at = times(Arrivals::Steps(steps.into()), 1_000_000);
        let slow = at.iter().filter(|&&t| t < 10_000_000_000).count();
        let fast = at.len() - slow;
        assert!((9_600..10_400).contains(&slow) && (98_800..101_200).contains(&fast), "{slow} {fast}");
        assert!(at.is_sorted() && at.last().is_some_and(|&t| t < 20_000_000_000));
        // A pause at the beginning, or in between.
        let pause = [step(MS(0), None), step(MS(5), Some(1)), step(MS(6), None), step(MS(9), Some(1))];
        let at = times(Arrivals::Steps(pause.into()), 5_000);
        assert!(at[0] >= 5_000_000 && !at.iter().any(|t| (6_000_000..9_000_000).contains(t)));
        let late = [step(MS(50), Some(1_000))];
        assert!(times(Arrivals::Steps(late.into()), 1)[0] >= 50_000_000);
    }

    #[test]
    fn bursts_have_the_mean_rate_of_their_phases_and_more_variation() {
        let quiet = Phase { gap: None, dwell: MS(300) };
        let busy = Phase { gap: Some(MS(1)), dwell: MS(100) };
        let at = times(Arrivals::Mmpp([busy, quiet].into()), 50_000);
        // A quarter of the time at 1000/s.
        let rate = 50_000.0 / (*at.last().expect("many") as f64 / 1e9);
        assert!((235.0..265.0).contains(&rate), "{rate}");
        let gaps: Vec<f64> = at.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let cv2 = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64 / (mean * mean);
        assert!(cv2 > 20.0, "{cv2}");
        assert_eq!(times(Arrivals::Mmpp([quiet].into()), 3), Vec::<u64>::new());
    }
}
