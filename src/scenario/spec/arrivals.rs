//! `every`, `rate`, `arrivals`: when the connections of an entry start.

use crate::base::Span;
use crate::lang::Text;
use crate::scenario::limits::{MAX_LIST, MAX_PHASES};
use crate::scenario::model::{ArrivalPhase, ArrivalStep, Arrivals};
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, wrong};
use crate::scenario::spec::scalar::{BYTES, DURATION, LINE, RATE, RATE_OR_GAP, RATE_OR_NONE};
use crate::scenario::spec::table::{Element, Field, Form, PLAIN, Row, Rule, Shape, field};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;

/// Arrivals as they were written: a trace may be in a file, which is read when names are looked up.
#[derive(Clone, Debug)]
pub(crate) enum ArrivalWords {
    Known(Arrivals),
    File(Spot<String>),
}

static EVERY: Field<Span> =
    field("every", DURATION, "Time between two connections: number k (from 0) starts at start + k × every")
        .default("0s");
static RATE_KEY: Field<Span> = field("rate", RATE, "How many connections in which time, evenly");
static DRAWN: Field<ArrivalWords> = field(
    "arrivals",
    Form { read: arrivals, shape: || Shape::Map(&ARRIVALS) },
    "When connections come, in another way",
);

/// The rows of the keys that say when connections start, and their names: one of them.
pub(crate) static ROWS: [&Row; 3] = [&EVERY.row, &RATE_KEY.row, &DRAWN.row];
pub(crate) const WAYS: [&str; 3] = ["every", "rate", "arrivals"];

/// `arrivals`
static ARRIVALS: Element = Element {
    name: "arrivals",
    what: || text!("problem-what-arrivals"),
    about: "When connections come: one way",
    example: "{ poisson: 100/s }",
    keys: &[&[&POISSON.row, &EACH.row, &EVENLY.row, &MMPP.row, &STEPS.row, &TRACE.row, &CSV.row]],
    rules: &[Rule::One(&["poisson", "every", "rate", "mmpp", "steps", "trace", "csv"])],
    ..PLAIN
};
static POISSON: Field<ArrivalWords> = field(
    "poisson",
    Form { read: |n, p| known(value::rate_or_gap(n, p).map(Arrivals::Poisson)), shape: RATE_OR_GAP.shape },
    "At random, independently of each other: a rate, or the mean time between two",
);
static EACH: Field<ArrivalWords> = field(
    "every",
    Form { read: |n, p| known(value::duration(n, p).map(Arrivals::Every)), shape: DURATION.shape },
    "One after each such time",
);
static EVENLY: Field<ArrivalWords> = field(
    "rate",
    Form { read: |n, p| known(value::rate(n, p).map(Arrivals::Rate)), shape: RATE.shape },
    "So many in a time, evenly",
);
static MMPP: Field<ArrivalWords> = field(
    "mmpp",
    Form { read: |n, p| known(mmpp(n, p)), shape: || Shape::Map(&BURSTS) },
    "Bursts: at random, with a rate that changes at random",
);
static STEPS: Field<ArrivalWords> = field(
    "steps",
    Form {
        read: |n, p| known(steps(n, p)),
        shape: || {
            let step = Shape::Tuple(vec![(DURATION.shape)(), (RATE_OR_NONE.shape)()], 2);
            Shape::List(Box::new(step), 1, MAX_LIST)
        },
    },
    "At random, with a rate that changes at these times from `start`: `[[0s, 10/s], [5s, 100/s]]`",
);
static TRACE: Field<ArrivalWords> = field(
    "trace",
    Form {
        read: |n, p| known(trace(n, p)),
        shape: || {
            let line = Shape::Tuple(vec![(DURATION.shape)(), (BYTES.shape)()], 1);
            Shape::List(Box::new(Shape::Either(vec![line, (DURATION.shape)()])), 1, MAX_LIST)
        },
    },
    "At these times from `start`, with these bytes of response if they are said: `[[0s, 1kB], [5ms, 20kB]]`",
);
static CSV: Field<ArrivalWords> = field(
    "csv",
    Form { read: |n, p| value::line(n, p).map(|v| ArrivalWords::File(Spot { v, at: n.at })), shape: LINE.shape },
    "The same from a file beside the scenario: times in the first column, bytes in the second",
);

/// `mmpp`
static BURSTS: Element = Element {
    name: "mmpp",
    what: || text!("problem-what-mmpp"),
    about: "A Markov-modulated Poisson process: each rate holds for an exponential time with the mean of its `dwell`",
    example: "{ rates: [100/s, 10/s], dwell: [1s, 4s] }",
    keys: &[&[&RATES.row, &DWELL.row]],
    ..PLAIN
};
fn mmpp_help() -> Text {
    text!("problem-write-for-example", example = "{ rates: [100/s, 10/s], dwell: [1s, 4s] }")
}
static RATES: Field<Vec<Option<Span>>> = field(
    "rates",
    Form {
        read: |n, p| list(n, text!("problem-want-list-rates"), "[100/s, 10/s]", p, value::rate_or_none),
        shape: || Shape::List(Box::new((RATE_OR_NONE.shape)()), 1, MAX_PHASES),
    },
    "The rates; one at least is above 0",
)
.need(mmpp_help);
static DWELL: Field<Vec<Span>> = field(
    "dwell",
    Form {
        read: |n, p| list(n, text!("problem-want-list-durations"), "[1s, 4s]", p, value::duration),
        shape: || Shape::List(Box::new((DURATION.shape)()), 1, MAX_PHASES),
    },
    "How long each rate holds, on average; as many as there are rates",
)
.need(mmpp_help);

fn known(arrivals: Option<Arrivals>) -> Option<ArrivalWords> {
    arrivals.map(ArrivalWords::Known)
}

/// `every`, `rate` or `arrivals`: one of them.
pub(crate) fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<ArrivalWords> {
    let said = f.present(&WAYS);
    let every = f.opt(&EVERY, p).map(|x| ArrivalWords::Known(Arrivals::Every(x.v)));
    let rate = f.opt(&RATE_KEY, p).map(|x| ArrivalWords::Known(Arrivals::Rate(x.v)));
    let drawn = f.opt(&DRAWN, p).map(|x| x.v);
    if let [(_, first), (at, second), ..] = said.as_slice() {
        p.error("E019", *at, text!("problem-and-exclude-each-other", second, first))
            .label(text!("problem-both-say-when-connections-start"))
            .help(text!("problem-keep-one-every-rate-and"));
        return None;
    }
    every.or(rate).or(drawn)
}

fn arrivals(node: &Node<'_>, p: &mut Problems) -> Option<ArrivalWords> {
    let mut f = Fields::new(node, &ARRIVALS, p)?;
    let mut found: Vec<(Mark, Option<ArrivalWords>)> = Vec::new();
    for field in [&POISSON, &EACH, &EVENLY, &MMPP, &STEPS, &TRACE, &CSV] {
        if let Some((key, n)) = f.get(field.row.key) {
            found.push((key.at, (field.read)(n, p)));
        }
    }
    found.sort_by_key(|one| one.0);
    let (at, unread) = (f.at(), f.unread());
    f.finish(p);
    match found.as_slice() {
        [(_, one)] => one.clone(),
        [_, (second, _), ..] => {
            p.error("E019", *second, text!("problem-arrivals-come-in-one-way"))
                .label(text!("problem-second-one"))
                .help(text!("problem-keep-one-them"));
            None
        }
        [] if unread => None,
        [] => {
            p.error("E015", at, text!("problem-arrivals-needs-way-come"))
                .label(text!("problem-none-poisson-every-rate-mmpp"))
                .help(text!("problem-write", what = "arrivals: { poisson: 100/s }"));
            None
        }
    }
}

/// `{ rates: [100/s, 0], dwell: [1s, 4s] }`
fn mmpp(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    let mut f = Fields::new(node, &BURSTS, p)?;
    let rates = f.need(&RATES, p);
    let dwell = f.need(&DWELL, p);
    f.finish(p);
    let (rates, dwell) = (rates?, dwell?);
    if rates.v.len() != dwell.v.len() || rates.v.is_empty() || rates.v.len() > MAX_PHASES {
        p.error("E017", dwell.at, text!("problem-rates-and-dwell-times", rates = rates.v.len(), dwell = dwell.v.len()))
            .label(text!("problem-each-rate-lasts-as-long"))
            .help(text!("problem-write-as-many-each-1", most = MAX_PHASES));
        return None;
    }
    if rates.v.iter().all(Option::is_none) || dwell.v.contains(&Span::ZERO) {
        p.error("E017", node.at, text!("problem-one-rate-at-least-above"))
            .label(text!("problem-nothing-would-ever-come"))
            .help(mmpp_help());
        return None;
    }
    let phases = rates.v.into_iter().zip(dwell.v).map(|(gap, dwell)| ArrivalPhase { gap, dwell });
    Some(Arrivals::Mmpp(phases.collect()))
}

/// `[[0s, 10/s], [5s, 100/s]]`
fn steps(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    const EXAMPLE: &str = "[[0s, 10/s], [5s, 100/s]]";
    let rows = list(node, text!("problem-want-list-times-and-rates"), EXAMPLE, p, |row, p| {
        let [at, rate] = pair(row, text!("problem-want-time-and-rate"), "[5s, 100/s]", p)?;
        Some(ArrivalStep { from: value::duration(at, p)?, gap: value::rate_or_none(rate, p)? })
    })?;
    let ordered = rows.windows(2).all(|w| w[0].from < w[1].from);
    if rows.is_empty() || !ordered || rows.iter().all(|s| s.gap.is_none()) || rows.len() > MAX_LIST {
        p.error("E017", node.at, text!("problem-times-steps-grow-and-one"))
            .label(if rows.is_empty() { text!("problem-empty") } else { text!("problem-not-so") })
            .help(text!("problem-write-for-example", example = EXAMPLE));
        return None;
    }
    Some(Arrivals::Steps(rows.into()))
}

/// `[[0s, 1kB], [5ms, 20kB], [9ms]]`
fn trace(node: &Node<'_>, p: &mut Problems) -> Option<Arrivals> {
    const EXAMPLE: &str = "[[0s, 1kB], [5ms, 20kB]]";
    let rows = list(node, text!("problem-want-list-times-and-sizes"), EXAMPLE, p, |row, p| match &row.kind {
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
            wrong(row, text!("problem-want-time-and-bytes-response"), "[5ms, 20kB]", p);
            None
        }
    })?;
    of_rows(rows, node.at, p)
}

/// The arrivals of a trace, if its times never go back.
pub(crate) fn of_rows(rows: Vec<(Span, Option<u32>)>, at: Mark, p: &mut Problems) -> Option<Arrivals> {
    let ordered = rows.windows(2).all(|w| w[0].0 <= w[1].0);
    if rows.is_empty() || !ordered || rows.len() > MAX_LIST {
        p.error("E017", at, text!("problem-times-trace-never-go-back"))
            .label(if rows.is_empty() { text!("problem-empty") } else { text!("problem-not-in-order") })
            .help(text!("problem-sort-by-time"));
        return None;
    }
    let sizes = rows.iter().any(|r| r.1.is_some()).then(|| rows.iter().map(|r| r.1).collect());
    Some(Arrivals::Trace { times: rows.iter().map(|r| r.0).collect(), sizes })
}

/// A list whose items can all be read.
fn list<'t, 'a, T>(
    node: &'t Node<'a>,
    wanted: Text,
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

fn pair<'t, 'a>(node: &'t Node<'a>, wanted: Text, example: &str, p: &mut Problems) -> Option<&'t [Node<'a>; 2]> {
    let found = if let Kind::Seq(items) = &node.kind { items.as_slice().try_into().ok() } else { None };
    if found.is_none() {
        wrong(node, wanted, example, p);
    }
    found
}
