//! A claim: what is said, who says it, how it is tried.

use super::apart::Rule;
use super::chain::{self, Ranks};
use super::lab::Lab;
use std::fmt;

/// One claim: one row of the result.
#[derive(Debug)]
pub struct Claim {
    /// A short name, to choose it by: `mm1-0.7`.
    pub name: String,
    /// What is claimed, in words.
    pub what: String,
    /// Who says so.
    pub source: &'static str,
    /// What is expected.
    pub expected: Expected,
    /// How far the measured value may be off in any case, as a part of what is expected.
    pub tolerance: f64,
    /// How it is tried.
    pub how: How,
}

/// A hundredth: how far a closed form may be missed.
pub const HUNDREDTH: f64 = 0.01;

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// This, by a formula.
    Exactly(f64),
    /// This, with a 95 % interval to both sides: a simulated value, or a rounded one.
    About {
        /// The value.
        value: f64,
        /// Half of the interval.
        half: f64,
    },
    /// What the Markov chain of four queues gives, at this load in percent.
    Chain(Ranks, u32),
    /// What a separate simulation finds for the arrivals and the work of each of the runs.
    Apart(Rule),
    /// What is computed apart for each seed.
    BySeed,
    /// This was found once: one value as each seed gives one. It is held against where single values lie, not against
    /// where their mean does.
    Once(f64),
}

impl Expected {
    /// The value and half of its own 95 % interval; nothing if each seed has its own.
    pub fn value(self) -> Option<(f64, f64)> {
        match self {
            Expected::Exactly(value) | Expected::Once(value) => Some((value, 0.0)),
            Expected::About { value, half } => Some((value, half)),
            Expected::Chain(ranks, load) => Some((chain::mean_time(ranks, f64::from(load) / 100.0), 0.0)),
            Expected::Apart(_) | Expected::BySeed => None,
        }
    }
}

/// How a claim is tried.
pub enum How {
    /// In runs of a lab, one for each seed.
    Runs {
        /// The lab.
        lab: Lab,
        /// What is measured there.
        measure: Measure,
    },
    /// By asking a scheduler alone, with other random numbers for each seed.
    Drawn(Box<dyn Fn(u64) -> f64 + Send + Sync>),
    /// The same; also what is expected for this seed.
    Paired(Box<dyn Fn(u64) -> (f64, f64) + Send + Sync>),
    /// By asking a scheduler alone, once.
    Once(Box<dyn Fn() -> f64 + Send + Sync>),
}

impl fmt::Debug for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Runs { lab, measure } => write!(f, "{measure:?} of {lab:?}"),
            How::Drawn(_) | How::Paired(_) => f.write_str("drawn"),
            How::Once(_) => f.write_str("once"),
        }
    }
}

/// What is measured in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The mean completion time over the mean work.
    Mean,
    /// Its 99th percentile over the mean work.
    P99,
    /// The mean slowdown.
    Slowdown,
    /// Jain's index of connections.
    Jain,
}

impl Claim {
    /// A claim about runs that is to hold within a hundredth, or its interval.
    pub fn runs(
        name: String,
        what: String,
        source: &'static str,
        expected: Expected,
        lab: Lab,
        measure: Measure,
    ) -> Claim {
        Claim { name, what, source, expected, tolerance: HUNDREDTH, how: How::Runs { lab, measure } }
    }
}
