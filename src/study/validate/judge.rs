//! The verdicts: means over the seeds against what is expected.

use super::claim::{Claim, Expected, How};
use super::{Found, Study, What};
use crate::study::books::Books;
use crate::study::stats::{Interval, student};

/// All intervals together hold with this probability.
const CONFIDENCE: f64 = 0.95;

/// An interval that is wider than this part of what is expected proves little.
const WIDE: f64 = 0.2;

/// A claim and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its short name.
    pub name: String,
    /// What is claimed.
    pub what: String,
    /// Who says so.
    pub source: &'static str,
    /// What is expected: a mean, where it differs by run.
    pub expected: f64,
    /// The mean over the seeds.
    pub measured: f64,
    /// Half of the interval of the difference, that of the expected value included; nothing: there is no chance in it.
    pub half: Option<f64>,
    /// How large a difference is allowed.
    pub allowed: f64,
    /// Whether it holds.
    pub holds: bool,
    /// How many values the mean is of.
    pub n: usize,
}

impl Row {
    /// Whether the interval is so wide that little is proved.
    pub fn proves_little(&self) -> bool {
        self.half.is_some_and(|half| half > WIDE * self.expected.abs())
    }
}

/// What came of a study.
#[derive(Clone, Debug)]
pub struct Verdicts {
    /// The rows, in the order of the claims, and those of the books.
    pub rows: Vec<Row>,
    /// The first seed and how many there are.
    pub seeds: (u64, usize),
    /// How many runs of labs were made.
    pub runs: usize,
    /// Connections in all of them.
    pub connections: u64,
    /// The confidence of each single interval.
    pub each: f64,
}

impl Verdicts {
    /// Whether every row holds.
    pub fn hold(&self) -> bool {
        self.rows.iter().all(|r| r.holds)
    }
}

impl Study {
    /// Judges what was found, whatever order it comes in. Seeds of which a piece is missing are left out; nothing if fewer than two
    /// are left.
    pub fn judge(&self, mut found: Vec<Found>) -> Option<Verdicts> {
        found.sort_by_key(|f| f.piece);
        let due = |seed: u64| self.todo().iter().filter(|p| p.seed == seed).count();
        let have = |seed: u64| found.iter().filter(|f| f.piece.seed == seed).count();
        let seeds: Vec<u64> = self.seeds.clone().take_while(|&seed| have(seed) == due(seed)).collect();
        if seeds.len() < 2 {
            return None;
        }
        found.retain(|f| seeds.contains(&f.piece.seed));
        let by_chance = self.claims.iter().filter(|c| !matches!(c.how, How::Once(_))).count();
        let each = 1.0 - (1.0 - CONFIDENCE) / by_chance.max(1) as f64;
        let mut rows: Vec<Row> =
            self.claims.iter().enumerate().filter_map(|(n, claim)| row(n, claim, &found, each)).collect();
        let books: Vec<Books> = found.iter().filter_map(|f| f.books).collect();
        if !books.is_empty() {
            rows.extend(accounts(&books));
        }
        let runs = found.iter().filter(|f| matches!(f.piece.what, What::Lab(_))).count();
        let connections = books.iter().map(|b| b.connections).sum();
        Some(Verdicts { rows, seeds: (self.seeds.start, seeds.len()), runs, connections, each })
    }
}

fn row(place: usize, claim: &Claim, found: &[Found], confidence: f64) -> Option<Row> {
    let values = || found.iter().flat_map(|f| &f.values).filter(move |v| v.0 == place);
    let n = values().count();
    let measured = values().map(|v| v.1).sum::<f64>() / n.max(1) as f64;
    let by_seed = || (values().filter_map(|v| v.2).sum::<f64>() / n.max(1) as f64, 0.0);
    let (expected, own) = claim.expected.value().unwrap_or_else(by_seed);
    // What differs from seed to seed: from its own expected value, if each has one.
    let differences: Vec<f64> = values().map(|v| v.1 - v.2.unwrap_or(expected)).collect();
    let half = match (&claim.how, claim.expected) {
        (How::Once(_), _) => None,
        // Where one more value lies: the mean's interval is so many times narrower.
        (_, Expected::Once(_)) => Some(Interval::of(&differences, confidence)?.half? * (n as f64 + 1.0).sqrt()),
        _ => Interval::of(&differences, confidence)?.half,
    };
    // Published intervals have 95 %; ours are wider, and theirs must be as wide.
    let scale = if own > 0.0 { student(19, 1.0 - (1.0 - confidence) / 2.0) / student(19, 0.975) } else { 0.0 };
    let half = half.map(|half| half.hypot(own * scale));
    let allowed = (claim.tolerance * expected.abs()).max(half.unwrap_or(own));
    Some(Row {
        name: claim.name.clone(),
        what: claim.what.clone(),
        source: claim.source,
        expected,
        measured,
        half,
        allowed,
        // Not a number is no success.
        holds: (measured - expected).abs() <= allowed,
        n,
    })
}

/// The rows of the books: of all runs the largest difference, which must be none.
fn accounts(books: &[Books]) -> [Row; 3] {
    let account = |name: &str, what: &str, source, of: fn(&Books) -> i128| {
        let worst = books.iter().map(of).max_by_key(|x| x.abs()).unwrap_or(0);
        Row {
            name: name.into(),
            what: what.into(),
            source,
            expected: 0.0,
            measured: worst as f64,
            half: None,
            allowed: 0.0,
            holds: worst == 0,
            n: books.len(),
        }
    };
    [
        account("little", "Little's law N = λT in every run, nanoseconds off", "Little 1961", |b| b.little_ns),
        account("conservation", "arrived less done less in the system, in every run", "counting", |b| {
            b.connections_lost
        }),
        account("frames", "frames sent less arrived, lost and under way, in every run", "counting", |b| b.frames_lost),
    ]
}
