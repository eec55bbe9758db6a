//! What a study is: the axes, the seeds, and the numbering of its runs. It is written at the head of every file of runs, so
//! that files of different studies are never mixed, and a study can be put together without its scenario.
//!
//! Points are numbered with the last axis changing fastest (schedulers are the last), runs with the seeds changing faster
//! still.

use super::axis::Axis;
use crate::base::Span;
use crate::base::digest::Digest;
use crate::study::variant::Variant;
use std::collections::BTreeMap;

/// The most runs of a study.
pub const MAX_RUNS: u64 = 1_000_000;
/// The version of rows and of the head of a file of runs.
pub const SCHEMA_VERSION: u64 = 1;

/// A study.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u64,
    /// What tells it from every other study: of all that a row depends on, in hexadecimal.
    pub study: String,
    /// The scenario's name.
    pub name: String,
    /// The lvsim that runs it.
    pub lvsim: String,
    /// What `--set` says, in its order.
    pub sets: Vec<Axis>,
    /// The schedulers; none: the file's own.
    pub schedulers: Vec<String>,
    /// The first seed.
    pub first_seed: u64,
    /// How many seeds each point runs with.
    pub seeds: u64,
    /// Where every run is stopped, in nanoseconds.
    pub until_ns: Option<u64>,
    /// After how many events a run is given up.
    pub max_events: u64,
}

/// One run of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number, from 0.
    pub run: u64,
    /// Its point's number, from 0.
    pub point: u64,
    /// Its seed.
    pub seed: u64,
}

/// The size of a grid.
///
/// # Errors
/// If there are more runs than [`MAX_RUNS`].
pub fn points(sets: &[Axis], schedulers: usize, seeds: u64) -> Result<u64, String> {
    let lengths = sets.iter().map(|a| a.values.len()).chain([schedulers]);
    let points = lengths.map(|n| n.max(1) as u64).try_fold(1u64, u64::checked_mul);
    match points.filter(|p| p.checked_mul(seeds).is_some_and(|runs| runs <= MAX_RUNS)) {
        Some(points) => Ok(points),
        None => Err(format!(
            "{} points with {seeds} seeds each: a study has at most {MAX_RUNS} runs",
            points.map_or("too many".into(), |p| p.to_string())
        )),
    }
}

impl Study {
    /// How many points it has.
    pub fn points(&self) -> u64 {
        points(&self.sets, self.schedulers.len(), self.seeds).unwrap_or(0)
    }

    /// How many runs it has.
    pub fn runs(&self) -> u64 {
        self.points() * self.seeds
    }

    /// The run of a number.
    pub fn run(&self, run: u64) -> Run {
        let seeds = self.seeds.max(1);
        Run { run, point: run / seeds, seed: self.first_seed.wrapping_add(run % seeds) }
    }

    /// The place of a point on every axis, schedulers last.
    pub fn places(&self, point: u64) -> Vec<usize> {
        let lengths = self.sets.iter().map(|a| a.values.len()).chain([self.schedulers.len()]);
        places(&lengths.collect::<Vec<_>>(), point)
    }

    /// The arguments of `--set` that make a point of the file.
    pub fn arguments(&self, point: u64) -> Vec<String> {
        self.sets.iter().zip(self.places(point)).map(|(axis, place)| axis.set(place)).collect()
    }

    /// The name of a point's scheduler; nothing: the file's own.
    pub fn scheduler(&self, point: u64) -> Option<&str> {
        let place = self.places(point).last().copied()?;
        self.schedulers.get(place).map(String::as_str)
    }

    /// What is typed at a point.
    pub fn variant(&self, point: u64) -> Variant {
        let row = self.scheduler(point).and_then(crate::ipvs::sched::find);
        row.map_or(Variant::AsItIs, |row| Variant::Scheduler(row.name))
    }

    /// A point in words, for messages: `traffic.web.every=1ms, wlc`.
    pub fn point_name(&self, point: u64) -> String {
        let places = self.places(point);
        let varied = self.sets.iter().zip(&places).filter(|(axis, _)| axis.varies());
        let mut words: Vec<String> = varied.map(|(axis, &place)| axis.set(place)).collect();
        words.extend(self.scheduler(point).map(String::from));
        if words.is_empty() { "the file as it is".into() } else { words.join(", ") }
    }

    /// Sets [`Study::study`]: `text` is the scenario's, `beside` the files that it reads, `columns` the names of a row's.
    pub fn sign(&mut self, text: &str, beside: &BTreeMap<String, String>, columns: &[String]) {
        let mut digest = Digest::default();
        let mut words = |words: &mut dyn Iterator<Item = &str>| {
            let mut n = 0;
            for word in words {
                digest.bytes(word.as_bytes());
                n += 1;
            }
            digest.word(n);
        };
        words(&mut [self.name.as_str(), &self.lvsim, text].into_iter());
        words(&mut beside.iter().flat_map(|(name, text)| [name.as_str(), text]));
        for axis in &self.sets {
            words(&mut std::iter::once(axis.path.as_str()).chain(axis.values.iter().map(String::as_str)));
        }
        words(&mut self.schedulers.iter().map(String::as_str));
        words(&mut columns.iter().map(String::as_str));
        for number in [self.schema_version, self.first_seed, self.seeds, self.max_events] {
            digest.word(number);
        }
        digest.word(u64::from(self.until_ns.is_some()));
        digest.word(self.until_ns.unwrap_or(0));
        self.study = format!("{:016x}", digest.finish());
    }

    /// Where a run is stopped.
    pub fn until(&self) -> Option<Span> {
        self.until_ns.map(Span)
    }

    /// The head of a file of runs: one line.
    pub fn head(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads a head.
    ///
    /// # Errors
    /// A fragment that says what it is instead.
    pub fn from_head(line: &str) -> Result<Study, String> {
        let study: Study =
            serde_json::from_str(line).map_err(|_| "its first line is no head of a study".to_string())?;
        if study.schema_version != SCHEMA_VERSION {
            return Err(format!("it is of another version of the format ({})", study.schema_version));
        }
        points(&study.sets, study.schedulers.len(), study.seeds)?;
        Ok(study)
    }

    /// What tells two studies apart, in a few words.
    pub fn difference(&self, other: &Study) -> &'static str {
        match () {
            () if self.name != other.name => "another scenario",
            () if self.lvsim != other.lvsim => "another version of lvsim",
            () if self.sets != other.sets => "other values of --set",
            () if self.schedulers != other.schedulers => "other schedulers",
            () if (self.first_seed, self.seeds) != (other.first_seed, other.seeds) => "other seeds",
            () if self.until_ns != other.until_ns => "another --until",
            () if self.max_events != other.max_events => "another --max-events",
            () => "the scenario has been changed",
        }
    }
}

/// A number's digits, where each place has its own base; the last one changes fastest.
pub fn places(lengths: &[usize], number: u64) -> Vec<usize> {
    let mut rest = number;
    let mut found: Vec<usize> = lengths
        .iter()
        .rev()
        .map(|&length| {
            let length = length.max(1) as u64;
            let place = rest % length;
            rest /= length;
            place as usize
        })
        .collect();
    found.reverse();
    found
}

/// Which of so many shards a run belongs to, from 1.
pub fn shard_of(run: u64, shards: u64) -> u64 {
    run % shards.max(1) + 1
}

/// Numbers in words, neighbours together: `3`, `5 to 9`; the first few of them.
pub fn ranges(numbers: &[u64]) -> String {
    const SHOWN: usize = 8;
    let mut found: Vec<(u64, u64)> = Vec::new();
    for &n in numbers {
        match found.last_mut() {
            Some(last) if last.1 + 1 == n => last.1 = n,
            _ => found.push((n, n)),
        }
    }
    let more = if found.len() > SHOWN { ", …" } else { "" };
    let words = found.iter().take(SHOWN).map(|&(a, b)| if a == b { a.to_string() } else { format!("{a} to {b}") });
    words.collect::<Vec<_>>().join(", ") + more
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Two axes, two schedulers, three seeds.
    pub fn study() -> Study {
        let sets = ["a=1..2/2", "b=fixed", "c={x, y, z}"].map(|s| Axis::read(s).expect("an axis"));
        let mut study = Study {
            schema_version: SCHEMA_VERSION,
            study: String::new(),
            name: "lab".into(),
            lvsim: "0".into(),
            sets: sets.into(),
            schedulers: vec!["rr".into(), "wlc".into()],
            first_seed: 7,
            seeds: 3,
            until_ns: None,
            max_events: 1_000,
        };
        study.sign("text", &BTreeMap::new(), &[]);
        study
    }

    #[test]
    fn runs_are_numbered_point_by_point_and_the_last_axis_changes_fastest() {
        let study = study();
        assert_eq!((study.points(), study.runs()), (12, 36));
        assert_eq!(study.run(0), Run { run: 0, point: 0, seed: 7 });
        assert_eq!(study.run(35), Run { run: 35, point: 11, seed: 9 });
        assert_eq!(study.arguments(3), ["a=1", "b=fixed", "c=y"]);
        assert_eq!(study.point_name(3), "a=1, c=y, wlc");
        assert_eq!(study.variant(3), Variant::Scheduler("wlc"));
        let all: std::collections::BTreeSet<_> = (0..12).map(|p| study.point_name(p)).collect();
        assert_eq!(all.len(), 12);
    }

    #[test]
    fn a_grid_has_its_limit() {
        let axis = Axis::read("a=1..10000/10000").expect("an axis");
        assert_eq!(points(std::slice::from_ref(&axis), 0, 100), Ok(10_000));
        assert!(points(std::slice::from_ref(&axis), 0, 101).is_err_and(|e| e.contains("at most 1000000 runs")));
        let many = vec![axis; 40];
        assert!(points(&many, 2, 1).is_err_and(|e| e.contains("too many points")));
    }

    #[test]
    fn whatever_a_row_depends_on_makes_another_study() {
        let one = study();
        let again = |change: &dyn Fn(&mut Study)| {
            let mut other = study();
            change(&mut other);
            other.sign("text", &BTreeMap::new(), &[]);
            other
        };
        assert_eq!(again(&|_| ()).study, one.study);
        for (change, why) in [
            (&(|s: &mut Study| s.name.push('x')) as &dyn Fn(&mut Study), "another scenario"),
            (&|s| s.lvsim.push('1'), "another version of lvsim"),
            (&|s| s.sets[0].values[0] = "0".into(), "other values of --set"),
            (&|s| s.schedulers.truncate(1), "other schedulers"),
            (&|s| s.seeds = 4, "other seeds"),
            (&|s| s.until_ns = Some(0), "another --until"),
            (&|s| s.max_events = 1, "another --max-events"),
        ] {
            let other = again(change);
            assert_ne!(other.study, one.study, "{why}");
            assert_eq!(one.difference(&other), why);
        }
        let mut other = study();
        other.sign("text2", &BTreeMap::new(), &[]);
        assert_ne!(other.study, one.study);
        assert_eq!(one.difference(&other), "the scenario has been changed");
        let mut other = study();
        other.sign("text", &BTreeMap::from([("times.csv".into(), "1ms".into())]), &[]);
        assert_ne!(other.study, one.study);
    }

    #[test]
    fn a_head_reads_back_and_nothing_else_does() {
        let study = study();
        assert_eq!(Study::from_head(&study.head()), Ok(study.clone()));
        assert!(Study::from_head("{}").is_err_and(|e| e.contains("no head")));
        let later = Study { schema_version: 2, ..study.clone() };
        assert!(Study::from_head(&later.head()).is_err_and(|e| e.contains("another version")));
        let hostile = Study { seeds: u64::MAX, ..study };
        assert!(Study::from_head(&hostile.head()).is_err());
    }

    #[test]
    fn missing_runs_are_told_in_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1 to 3, 7, 9 to 10");
        assert!(ranges(&(0..40).map(|n| n * 2).collect::<Vec<_>>()).ends_with("14, …"));
        assert_eq!((0..4).map(|r| shard_of(r, 3)).collect::<Vec<_>>(), [1, 2, 3, 1]);
    }
}
