//! What a host serves: where, how much work a request is, and how the work is shared out.

use crate::base::{Dist, Rng, Span};
use crate::wire::Proto;

/// What a host serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// TCP or UDP.
    pub proto: Proto,
    /// The port.
    pub port: u16,
    /// How much work a request is.
    pub work: Work,
    /// How many requests are worked on at once (`fcfs`), or how many share themselves out over all (`ps`);
    /// [`Service::UNLIMITED`] for any number.
    pub workers: u32,
    /// Connections (or datagrams) that may wait for a worker.
    pub backlog: u32,
    /// In which order.
    pub discipline: Discipline,
    /// How fast, in millionths of what the work is measured by.
    pub speed_ppm: u64,
    /// How many connections are accepted at once; [`Service::UNLIMITED`] for any number.
    pub max_connections: u32,
}

impl Service {
    /// As many as there are.
    pub const UNLIMITED: u32 = u32::MAX;
    /// As fast as the work is measured.
    pub const USUAL_SPEED: u64 = 1_000_000;

    /// A port that is served at once, without limits.
    pub fn plain(proto: Proto, port: u16) -> Service {
        Service {
            proto,
            port,
            work: Work::NONE,
            workers: Service::UNLIMITED,
            backlog: 128,
            discipline: Discipline::Fcfs,
            speed_ppm: Service::USUAL_SPEED,
            max_connections: Service::UNLIMITED,
        }
    }
}

/// In which order requests are worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served; a worker does one request at a time.
    #[default]
    Fcfs,
    /// Processor sharing: all at once, each with the same part of the workers.
    Ps,
}

/// How much work a request is, in nanoseconds at speed 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// For each request.
    pub time: Dist,
    /// For each byte of the response.
    pub per_byte: Span,
}

impl Work {
    /// A request is no work.
    pub const NONE: Work = Work { time: Dist::Constant(0), per_byte: Span::ZERO };

    /// Whether requests are no work at all.
    pub fn is_none(&self) -> bool {
        self.time == Dist::Constant(0) && self.per_byte == Span::ZERO
    }

    /// The work of a request for so many bytes.
    pub fn of(&self, bytes: u32, rng: &mut Rng) -> u64 {
        self.time
            .draw(rng)
            .saturating_add(self.per_byte.0.saturating_mul(u64::from(bytes)))
            .min(crate::base::dist::LARGEST)
    }
}

/// How long so much work takes at a speed; never at speed 0.
pub fn takes(work: u64, speed_ppm: u64) -> Option<Span> {
    if speed_ppm == Service::USUAL_SPEED {
        return Some(Span(work));
    }
    let time = (u128::from(work) * 1_000_000).checked_div(u128::from(speed_ppm))?;
    let exact = time * u128::from(speed_ppm) == u128::from(work) * 1_000_000;
    Some(Span(u64::try_from(time + u128::from(!exact)).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    #[test]
    fn work_grows_with_the_response() {
        let draws = Seed(1).draws("work");
        let work = Work { time: Dist::Constant(5_000), per_byte: Span(10) };
        assert_eq!(work.of(100, &mut draws.at(3)), 6_000);
        let drawn = Work { time: Dist::Exponential(5_000), per_byte: Span(10) };
        assert_eq!(drawn.of(0, &mut draws.at(3)) + 1_000, drawn.of(100, &mut draws.at(3)));
    }

    #[test]
    fn work_takes_longer_at_half_speed_and_for_ever_at_none() {
        assert_eq!(takes(100, 1_000_000), Some(Span(100)));
        assert_eq!(takes(100, 500_000), Some(Span(200)));
        assert_eq!(takes(100, 3_000_000), Some(Span(34)));
        assert_eq!(takes(100, 0), None);
    }
}
