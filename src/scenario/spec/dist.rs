//! Distributions of times and sizes, as a file writes them: `20ms`, `{ exponential: 20ms }`, `{ csv: times.csv }`.

use crate::base::{Dist, Span};
use crate::scenario::files::{self, Unit};
use crate::scenario::limits::MAX_LIST;
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, wrong};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::scenario::{Names, limits};

/// A distribution as it was written: a list may be in a file, which is read when names are looked up.
#[derive(Clone, Debug)]
pub(crate) enum DistWords {
    Known(Dist),
    File(Spot<String>, Unit),
}

impl DistWords {
    /// With its file read; what is wrong with the file is told.
    pub fn resolve(&self, names: &Names<'_>, p: &mut Problems) -> Dist {
        match self {
            DistWords::Known(dist) => dist.clone(),
            DistWords::File(file, unit) => match files::column(file, *unit, names, p) {
                Some(list) => Dist::List(list.into()),
                None => Dist::Constant(0),
            },
        }
    }

    /// The value, if it is always the same.
    pub fn constant(&self) -> Option<u64> {
        match self {
            DistWords::Known(dist) => dist.constant(),
            DistWords::File(..) => None,
        }
    }
}

/// The names of the distributions, for the problem that says that one is missing.
const KINDS: &str = "none of exponential, pareto, bounded_pareto, lognormal, uniform, hyperexponential, list, csv";

/// A value, or a map with one distribution. `what` is the thing, such as "a service time".
pub(crate) fn read(node: &Node<'_>, unit: Unit, what: &'static str, p: &mut Problems) -> Option<DistWords> {
    if !matches!(node.kind, Kind::Map(_)) {
        return single(node, unit, p).map(|v| DistWords::Known(Dist::Constant(v)));
    }
    let mut f = Fields::new(node, what, "{ exponential: 20ms }", p)?;
    let found = kinds(&mut f, unit, p);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    one_of(found, at, unread, what, unit, p)
}

/// The one that was written; that there is none or a second one is told.
pub(crate) fn one_of(
    found: Vec<Spot<Option<DistWords>>>,
    at: Mark,
    unread: bool,
    what: &str,
    unit: Unit,
    p: &mut Problems,
) -> Option<DistWords> {
    match found.as_slice() {
        [one] => one.v.clone(),
        // A mistyped word is the cause, and told.
        [] if unread => None,
        [] => {
            p.error("E015", at, format!("{what} needs a distribution")).label(KINDS).help(format!(
                "write for example `{{ exponential: {} }}`, or {} alone",
                unit.example(),
                unit.name()
            ));
            None
        }
        [_, second, ..] => {
            p.error("E019", second.at, format!("{what} has one distribution"))
                .label("the second one")
                .help("keep one of them");
            None
        }
    }
}

/// The distributions that a map names, in the order of the file.
pub(crate) fn kinds(f: &mut Fields<'_, '_>, unit: Unit, p: &mut Problems) -> Vec<Spot<Option<DistWords>>> {
    let mut found: Vec<Spot<Option<DistWords>>> = Vec::new();
    let mut push = |at: Mark, dist: Option<Dist>| found.push(Spot { v: dist.map(DistWords::Known), at });
    if let Some((key, n)) = f.get("exponential") {
        push(key.at, mean(n, unit, p).map(Dist::Exponential));
    }
    if let Some((key, n)) = f.get("pareto") {
        let v = shaped(n, unit, "shape", "shape: 1.5", 1_000_001..=1_000_000_000, p);
        push(key.at, v.map(|(mean, shape)| Dist::Pareto { mean, shape_ppm: shape as u32 }));
    }
    if let Some((key, n)) = f.get("bounded_pareto") {
        push(key.at, bounded(n, unit, p));
    }
    if let Some((key, n)) = f.get("lognormal") {
        let v = shaped(n, unit, "sigma", "sigma: 1", 0..=10_000_000, p);
        push(key.at, v.map(|(mean, sigma)| Dist::Lognormal { mean, sigma_ppm: sigma as u32 }));
    }
    if let Some((key, n)) = f.get("uniform") {
        push(key.at, uniform(n, unit, p));
    }
    if let Some((key, n)) = f.get("hyperexponential") {
        push(key.at, hyperexponential(n, unit, p));
    }
    if let Some((key, n)) = f.get("list") {
        push(key.at, list(n, unit, p));
    }
    if let Some((key, n)) = f.get("csv") {
        let file = value::line(n, p).map(|v| DistWords::File(Spot { v, at: n.at }, unit));
        found.push(Spot { v: file, at: key.at });
    }
    found.sort_by_key(|one| one.at);
    found
}

/// A duration or a number of bytes.
fn single(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<u64> {
    match unit {
        Unit::Time => value::duration(node, p).map(|Span(ns)| ns),
        Unit::Bytes => value::bytes(node, p),
    }
}

fn mean(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<u64> {
    match &node.kind {
        Kind::Map(_) => {
            let example = unit.example();
            let mut f = Fields::new(node, "the distribution", "{ mean: 20ms }", p)?;
            let mean = f.need("mean", &format!("say it: `mean: {example}`"), p, |n, p| single(n, unit, p));
            f.finish(p);
            mean.map(|m| m.v)
        }
        _ => single(node, unit, p),
    }
}

fn shaped(
    node: &Node<'_>,
    unit: Unit,
    key: &'static str,
    words: &str,
    range: std::ops::RangeInclusive<u64>,
    p: &mut Problems,
) -> Option<(u64, u64)> {
    let example = format!("{{ mean: {}, {words} }}", unit.example());
    let mut f = Fields::new(node, "the distribution", &example, p)?;
    let help = format!("write for example `{example}`");
    let mean = f.need("mean", &help, p, |n, p| single(n, unit, p));
    let shape = f.need(key, &help, p, |n, p| value::millionths(n, range, p));
    f.finish(p);
    Some((mean?.v, shape?.v))
}

fn bounded(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<Dist> {
    let example = format!("{{ mean: {}, shape: 1.5, ratio: 10000 }}", unit.example());
    let help = format!("write for example `{example}`; `ratio` is the largest value over the least");
    let mut f = Fields::new(node, "the distribution", &example, p)?;
    let mean = f.need("mean", &help, p, |n, p| single(n, unit, p));
    let shape = f.need("shape", &help, p, |n, p| value::millionths(n, 100_000..=100_000_000, p));
    let ratio = f.need("ratio", &help, p, |n, p| value::millionths(n, 1_000_001..=1_000_000_000_000_000, p));
    f.finish(p);
    Some(Dist::BoundedPareto { mean: mean?.v, shape_ppm: shape?.v as u32, ratio_ppm: ratio?.v })
}

fn hyperexponential(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<Dist> {
    let example = format!("{{ mean: {}, cv2: 4 }}", unit.example());
    let help = format!("write for example `{example}`");
    let mut f = Fields::new(node, "the distribution", &example, p)?;
    let mean = f.need("mean", &help, p, |n, p| single(n, unit, p));
    let both = (f.get("cv2").map(|k| k.0.at), f.get("p").map(|k| k.0.at));
    let cv2 = f.opt("cv2", p, |n, p| value::millionths(n, 1_000_000..=10_000_000_000, p));
    let part = f.opt("p", p, |n, p| value::millionths(n, 500_000..=999_999, p));
    match both {
        (None, None) => {
            f.missing("cv2", "say how it varies: `cv2: 4` (squared coefficient of variation) or `p: 0.9`", p)
        }
        (Some(a), Some(b)) => {
            p.error("E019", a.max(b), "`cv2` and `p` exclude each other")
                .label("both say how the values vary")
                .help("keep one of them");
        }
        _ => {}
    }
    f.finish(p);
    let mean = mean?.v;
    match (cv2, part) {
        (Some(cv2), None) => Some(Dist::hyperexponential(mean, cv2.v)),
        (None, Some(part)) => Some(Dist::Hyperexponential { mean, short_ppm: part.v as u32 }),
        _ => None,
    }
}

fn uniform(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<Dist> {
    let (name, example) = match unit {
        Unit::Time => ("two durations", "[5ms, 15ms]"),
        Unit::Bytes => ("two numbers of bytes", "[1kB, 10kB]"),
    };
    let Kind::Seq(ends) = &node.kind else {
        wrong(node, &format!("a list of {name}"), example, p);
        return None;
    };
    let read: Vec<Option<u64>> = ends.iter().take(3).map(|n| single(n, unit, p)).collect();
    match read.as_slice() {
        [Some(low), Some(high)] if low <= high => Some(Dist::Uniform { low: *low, high: *high }),
        [Some(_), Some(_)] | [] | [_] | [_, _, _, ..] => {
            p.error("E017", node.at, format!("a uniform value lies between {name}, the smaller one first"))
                .label("wants two, in order")
                .help(format!("write for example `{example}`"));
            None
        }
        _ => None,
    }
}

fn list(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<Dist> {
    let Kind::Seq(values) = &node.kind else {
        wrong(node, "a list of values", &format!("[{}]", unit.example()), p);
        return None;
    };
    if values.is_empty() || values.len() > MAX_LIST {
        let example = unit.example();
        p.error("E017", node.at, format!("a list has 1 to {} values", limits::MAX_LIST))
            .label(if values.is_empty() { "none" } else { "too many" })
            .help(format!("write for example `[{example}]`"));
        return None;
    }
    let read: Vec<Option<u64>> = values.iter().map(|n| single(n, unit, p)).collect();
    read.into_iter().collect::<Option<Vec<u64>>>().map(|v| Dist::List(v.into()))
}
