//! `every`, `rate`, `arrivals`: when the connections of an entry start.

use crate::base::Span;
use crate::scenario::limits::{MAX_LIST, MAX_PHASES};
use crate::scenario::model::{ArrivalPhase, ArrivalStep, Arrivals};
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, wrong};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};

/// Arrivals as they were written: a trace may be in a file, which is read when names are looked up.
#[derive(Clone, Debug)]
pub(crate) enum ArrivalWords {
    Known(Arrivals),
    File(Spot<String>),
}

/// `every`, `rate` or `arrivals`: one of them.
pub(crate) fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<ArrivalWords> {
    let mut said: Vec<(Mark, &'static str)> = Vec::new();
    for key in ["every", "rate", "arrivals"] {
        if let Some((k, _)) = f.get(key) {
            said.push((k.at, key));
        }
    }
    said.sort_unstable();
    let every = f.opt("every", p, value::duration).map(|x| ArrivalWords::Known(Arrivals::Every(x.v)));
    let rate = f.opt("rate", p, value::rate).map(|x| ArrivalWords::Known(Arrivals::Rate(x.v)));
    let drawn = f.opt("arrivals", p, arrivals).map(|x| x.v);
    if let [(_, first), (at, second), ..] = said.as_slice() {
        p.error("E019", *at, format!("`{second}` and `{first}` exclude each other"))
            .label("both say when connections start")
            .help("keep one of `every`, `rate` and `arrivals`");
        return None;
    }
    every.or(rate).or(drawn)
}

fn arrivals(node: &Node<'_>, p: &mut Problems) -> Option<ArrivalWords> {
    let mut f = Fields::new(node, "`arrivals`", "{ poisson: 100/s }", p)?;
    let mut found: Vec<(Mark, Option<ArrivalWords>)> = Vec::new();
    let mut push = |at: Mark, a: Option<Arrivals>| found.push((at, a.map(ArrivalWords::Known)));
    if let Some((k, n)) = f.get("poisson") {
        push(k.at, value::rate_or_gap(n, p).map(Arrivals::Poisson));
    }
    if let Some((k, n)) = f.get("every") {
        push(k.at, value::duration(n, p).map(Arrivals::Every));
    }
    if let Some((k, n)) = f.get("rate") {
        push(k.at, value::rate(n, p).map(Arrivals::Rate));
    }
    if let Some((k, n)) = f.get("mmpp") {
        push(k.at, mmpp(n, p));
    }
    if let Some((k, n)) = f.get("steps") {
        push(k.at, steps(n, p));
    }
    if let Some((k, n)) = f.get("trace") {
        push(k.at, trace(n, p));
    }
    if let Some((k, n)) = f.get("csv") {
        found.push((k.at, value::line(n, p).map(|v| ArrivalWords::File(Spot { v, at: n.at }))));
    }
    found.sort_by_key(|one| one.0);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    match found.as_slice() {
        [(_, one)] => one.clone(),
        [_, (second, _), ..] => {
            p.error("E019", *second, "`arrivals` come in one way").label("the second one").help("keep one of them");
            None
        }
        [] if unread => None,
        [] => {
            p.error("E015", at, "`arrivals` needs a way to come")
                .label("none of poisson, every, rate, mmpp, steps, trace, csv")
                .help("write `arrivals: { poisson: 100/s }`");
            None
        }
    }
}

/// `{ rates: [100/s, 0], dwell: [1s, 4s] }`
fn mmpp(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    const EXAMPLE: &str = "{ rates: [100/s, 10/s], dwell: [1s, 4s] }";
    let help = format!("write for example `{EXAMPLE}`");
    let mut f = Fields::new(node, "`mmpp`", EXAMPLE, p)?;
    let rates = f.need("rates", &help, p, |n, p| list(n, "a list of rates", "[100/s, 10/s]", p, value::rate_or_none));
    let dwell = f.need("dwell", &help, p, |n, p| list(n, "a list of durations", "[1s, 4s]", p, value::duration));
    f.finish(p);
    let (rates, dwell) = (rates?, dwell?);
    if rates.v.len() != dwell.v.len() || rates.v.is_empty() || rates.v.len() > MAX_PHASES {
        p.error("E017", dwell.at, format!("{} rates and {} dwell times", rates.v.len(), dwell.v.len()))
            .label("each rate lasts as long as its dwell time")
            .help(format!("write as many of each, 1 to {MAX_PHASES}"));
        return None;
    }
    if rates.v.iter().all(Option::is_none) || dwell.v.contains(&Span::ZERO) {
        p.error("E017", node.at, "one rate at least is above 0, and so is every dwell time")
            .label("nothing would ever come")
            .help(help);
        return None;
    }
    let phases = rates.v.into_iter().zip(dwell.v).map(|(gap, dwell)| ArrivalPhase { gap, dwell });
    Some(Arrivals::Mmpp(phases.collect()))
}

/// `[[0s, 10/s], [5s, 100/s]]`
fn steps(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    const EXAMPLE: &str = "[[0s, 10/s], [5s, 100/s]]";
    let rows = list(node, "a list of times and rates", EXAMPLE, p, |row, p| {
        let [at, rate] = pair(row, "a time and a rate", "[5s, 100/s]", p)?;
        Some(ArrivalStep { from: value::duration(at, p)?, gap: value::rate_or_none(rate, p)? })
    })?;
    let ordered = rows.windows(2).all(|w| w[0].from < w[1].from);
    if rows.is_empty() || !ordered || rows.iter().all(|s| s.gap.is_none()) || rows.len() > MAX_LIST {
        p.error("E017", node.at, "the times of `steps` grow, and one rate at least is above 0")
            .label(if rows.is_empty() { "empty" } else { "not so" })
            .help(format!("write for example `{EXAMPLE}`"));
        return None;
    }
    Some(Arrivals::Steps(rows.into()))
}

/// `[[0s, 1kB], [5ms, 20kB], [9ms]]`
fn trace(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    const EXAMPLE: &str = "[[0s, 1kB], [5ms, 20kB]]";
    let rows = list(node, "a list of times and sizes", EXAMPLE, p, |row, p| match &row.kind {
        Kind::Seq(fields) if (1..=2).contains(&fields.len()) => {
            let at = value::duration(&fields[0], p)?;
            let bytes = match fields.get(1) {
                Some(n) => Some(value::bytes(n, p)?),
                None => None,
            };
            Some((at, bytes.map(|b| b as u32)))
        }
        Kind::Scalar(..) => Some((value::duration(row, p)?, None)),
        _ => {
            wrong(row, "a time, and bytes of the response", "[5ms, 20kB]", p);
            None
        }
    })?;
    of_rows(rows, node.at, p)
}

/// The arrivals of a trace, if its times never go back.
pub(crate) fn of_rows(rows: Vec<(Span, Option<u32>)>, at: Mark, p: &mut Problems) -> Option<Arrivals> {
    let ordered = rows.windows(2).all(|w| w[0].0 <= w[1].0);
    if rows.is_empty() || !ordered || rows.len() > MAX_LIST {
        p.error("E017", at, "the times of a trace never go back")
            .label(if rows.is_empty() { "empty" } else { "not in order" })
            .help("sort it by time");
        return None;
    }
    let sizes = rows.iter().any(|r| r.1.is_some()).then(|| rows.iter().map(|r| r.1).collect());
    Some(Arrivals::Trace { times: rows.iter().map(|r| r.0).collect(), sizes })
}

/// A list whose items can all be read.
fn list<'t, 'a, T>(
    node: &'t Node<'a>,
    wanted: &str,
    example: &str,
    p: &mut Problems,
    mut read: impl FnMut(&'t Node<'a>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let Kind::Seq(items) = &node.kind else {
        wrong(node, wanted, example, p);
        return None;
    };
    let all: Vec<Option<T>> = items.iter().map(|n| read(n, p)).collect();
    all.into_iter().collect()
}

fn pair<'t, 'a>(node: &'t Node<'a>, wanted: &str, example: &str, p: &mut Problems) -> Option<&'t [Node<'a>; 2]> {
    let found = if let Kind::Seq(items) = &node.kind { items.as_slice().try_into().ok() } else { None };
    if found.is_none() {
        wrong(node, wanted, example, p);
    }
    found
}
