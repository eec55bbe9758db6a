//! lvsim against theory and published results: what is claimed, what is expected, what came out, how sure that is.
//!
//! A claim is a row. It holds if the measured mean is within a hundredth of what is expected, or within its interval,
//! whichever is wider. The intervals are those of Student's t over the seeds and hold together at 95 % (Bonferroni): otherwise
//! one row in twenty would fail by chance. Expected values that have an interval of their own add it in quadrature. An
//! interval that is wide proves little, and the row says so.
//!
//! In every run arrivals, departures, frames and Little's law are accounted for, exactly ([`super::books`]): the last rows.
//!
//! Runs begin empty: so many connections go before those that count that it is not to be seen any more
//! ([`Size::before`]). They end when all connections are over; none is cut off.

pub mod apart;
pub mod chain;
pub mod claim;
pub mod hashing;
pub mod judge;
pub mod lab;
pub mod maglev;
pub mod queues;
pub mod schedulers;
pub mod tell;
#[cfg(test)]
mod tests;
pub mod theory;

use super::books::Books;
use super::detail::Want;
use super::sample::{Case, Failure, Sample, play_one};
use super::slowdown;
use super::variant::Variant;
use crate::base::Seed;
use crate::engine::world::Limits;
use crate::scenario::Scenario;
use claim::{Claim, Expected, How, Measure};
use lab::{Lab, Sizes, UNIT_NS};

/// How large runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Connections of a run that count.
    pub connections: u32,
}

impl Default for Size {
    fn default() -> Size {
        Size { connections: 20_000 }
    }
}

impl Size {
    /// Connections before those that count: a fifth of them. M/M/1 at a load of 0.95 forgets how it began within some 1500
    /// times the mean work (the relaxation time 1/(1 − √ρ)²); 4000 connections take nearly three times as long.
    pub fn before(self) -> u32 {
        self.connections / 5
    }

    /// Heavy tails are slow to show and slow to forget: twice as many that count, and three fifths of those before them. At a
    /// load of 0.9 the queues of first come first served remember more than that; what is left of it is far less than
    /// their interval.
    fn heavy(self, lab: Lab, work: Sizes) -> Lab {
        if work != Sizes::Pareto {
            return lab;
        }
        Lab { connections: 2 * lab.connections, before: 6 * lab.before, ..lab }
    }
}

/// A table of claims.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its claims.
    pub claims: fn(Size) -> Vec<Claim>,
}

/// Every family, in the order of the result.
pub const FAMILIES: &[Family] = &[
    Family { name: "queues", about: "one queue, round robin, two choices: closed forms", claims: queues::claims },
    Family { name: "schedulers", about: "rr, lc and twos over four servers", claims: schedulers::claims },
    Family {
        name: "draws",
        about: "heavy tails: the same arrivals and work, simulated apart",
        claims: schedulers::same_draws,
    },
    Family { name: "hashing", about: "sh, mh and balls in bins", claims: |_| hashing::claims() },
    Family { name: "maglev", about: "what moves when servers come and go", claims: |_| maglev::claims() },
];

/// The claims with one of these words in their name, or of a family of this name; all of them without words. In the order of
/// the families.
///
/// # Errors
/// A sentence that names a word that is in no name.
pub fn choose(words: &[String], size: Size) -> Result<Vec<Claim>, String> {
    let mut all: Vec<(&str, Claim)> = Vec::new();
    for family in FAMILIES {
        all.extend((family.claims)(size).into_iter().map(|claim| (family.name, claim)));
    }
    let fits = |word: &String, family: &str, claim: &Claim| family == word || claim.name.contains(word.as_str());
    for word in words {
        if !all.iter().any(|(family, claim)| fits(word, family, claim)) {
            let families: Vec<&str> = FAMILIES.iter().map(|f| f.name).collect();
            let families = families.join(", ");
            return Err(format!(
                "no claim has `{word}` in its name; the families are {families}, and --list prints all names"
            ));
        }
    }
    let chosen = |(family, claim): &(&str, Claim)| words.is_empty() || words.iter().any(|w| fits(w, family, claim));
    Ok(all.into_iter().filter(chosen).map(|(_, claim)| claim).collect())
}

/// A study of some claims.
#[derive(Debug)]
pub struct Study {
    /// The claims.
    pub claims: Vec<Claim>,
    /// The seeds, from the first.
    pub seeds: std::ops::Range<u64>,
    labs: Vec<(Lab, Scenario)>,
}

/// A piece of work: independent of all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    seed: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A run of the lab in this place.
    Lab(usize),
    /// The claim in this place.
    Claim(usize),
}

/// What came of a piece of work.
#[derive(Clone, Debug)]
pub struct Found {
    piece: Piece,
    /// Of each claim that it is about: its place, what was measured, and what was expected of this run if it was asked apart.
    values: Vec<(usize, f64, Option<f64>)>,
    /// Of a run: its books.
    books: Option<Books>,
}

impl Study {
    /// A study of these claims with so many seeds from `first` on.
    ///
    /// # Errors
    /// If a lab cannot be built; that is a bug of lvsim.
    pub fn new(claims: Vec<Claim>, first: u64, seeds: u64) -> Result<Study, String> {
        let mut labs: Vec<(Lab, Scenario)> = Vec::new();
        for claim in &claims {
            if let How::Runs { lab, .. } = &claim.how
                && labs.iter().all(|known| known.0 != *lab)
            {
                labs.push((*lab, lab.scenario()?));
            }
        }
        Ok(Study { claims, seeds: first..first.saturating_add(seeds), labs })
    }

    /// What is to be done, in any order.
    pub fn todo(&self) -> Vec<Piece> {
        let mut todo = Vec::new();
        for seed in self.seeds.clone() {
            todo.extend((0..self.labs.len()).map(|n| Piece { seed, what: What::Lab(n) }));
            for (n, claim) in self.claims.iter().enumerate() {
                let due = match claim.how {
                    How::Runs { .. } => false,
                    How::Drawn(_) | How::Paired(_) => true,
                    How::Once(_) => seed == self.seeds.start,
                };
                if due {
                    todo.push(Piece { seed, what: What::Claim(n) });
                }
            }
        }
        todo
    }

    /// How many runs of labs there are to do.
    pub fn runs(&self) -> usize {
        self.labs.len() * self.seeds.clone().count()
    }

    /// Does a piece of work. `go_on` is asked every so many events.
    ///
    /// # Errors
    /// If it was stopped, or a run did not come to its end.
    pub fn run(&self, piece: &Piece, go_on: &mut dyn FnMut() -> bool) -> Result<Found, Failure> {
        let seed = piece.seed;
        let (values, books) = match piece.what {
            What::Claim(n) => {
                let (value, expected) = match &self.claims[n].how {
                    How::Drawn(f) => (f(seed), None),
                    How::Paired(f) => {
                        let (value, expected) = f(seed);
                        (value, Some(expected))
                    }
                    How::Once(f) => (f(), None),
                    How::Runs { .. } => (f64::NAN, None),
                };
                (vec![(n, value, expected)], None)
            }
            What::Lab(n) => {
                let (lab, scenario) = &self.labs[n];
                self.play(lab, scenario, seed, go_on).map(|(values, books)| (values, Some(books)))?
            }
        };
        Ok(Found { piece: *piece, values, books })
    }

    #[expect(clippy::type_complexity, reason = "a list and a thing, taken apart at once")]
    fn play(
        &self,
        lab: &Lab,
        scenario: &Scenario,
        seed: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<(usize, f64, Option<f64>)>, Books), Failure> {
        let case = Case { variant: 0, load: 0, seed };
        let ended =
            play_one(scenario, Variant::AsItIs, case, Limits::default(), Some(lab.until()), &Want::default(), go_on)?;
        let sample = ended.sample();
        // A connection that failed, or that the end cut off, would make the others look better.
        if sample.ok != sample.connections || ended.play.world.census.present() > 0 {
            let why =
                format!("{lab:?}, seed {seed}: {} of {} connections were answered", sample.ok, sample.connections);
            return Err(Failure::Because(why));
        }
        let mut values = Vec::new();
        for (n, claim) in self.claims.iter().enumerate() {
            let How::Runs { lab: its, measure } = &claim.how else { continue };
            if its != lab {
                continue;
            }
            let expected = match claim.expected {
                Expected::Apart(rule) => Some(self::apart(&ended, lab, rule, seed)),
                _ => None,
            };
            values.push((n, measured(&sample, *measure), expected));
        }
        Ok((values, sample.books))
    }
}

fn measured(sample: &Sample, measure: Measure) -> f64 {
    match measure {
        Measure::Mean => sample.completion.mean / UNIT_NS,
        Measure::P99 => sample.completion.p99 / UNIT_NS,
        Measure::Slowdown => sample.slowdown.mean / slowdown::ONE as f64,
        Measure::Jain => sample.evenness.map_or(f64::NAN, |e| e.jain),
    }
}

/// The mean time of the connections that count, if the arrivals and the work of the run go through the separate simulation.
fn apart(ended: &super::sample::Ended<'_>, lab: &Lab, rule: apart::Rule, seed: u64) -> f64 {
    let all = slowdown::works(&ended.play.world, crate::base::SimTime::ZERO);
    let jobs: Vec<apart::Job> =
        all.iter().map(|a| apart::Job { at: a.start.0 as f64 / UNIT_NS, work: a.work as f64 / UNIT_NS }).collect();
    let stays = apart::stays(&jobs, lab.servers as usize, rule, lab.sharing, &mut Seed(seed).stream("apart"));
    let counted = all.iter().zip(&stays).filter(|(a, _)| a.start >= ended.from).map(|(_, s)| s.0);
    counted.clone().sum::<f64>() / counted.count().max(1) as f64
}
