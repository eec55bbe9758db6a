//! Distributions of times and sizes, as a file writes them: `20ms`, `{ exponential: 20ms }`, `{ csv: times.csv }`.

use crate::base::{Dist, Span};
use crate::lang::Text;
use crate::scenario::files::{self, Unit};
use crate::scenario::limits::MAX_LIST;
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, wrong};
use crate::scenario::spec::table::{Element, Field, Shape};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::scenario::{Names, limits};
use crate::text;

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

/// The names of the distributions.
pub(crate) const KINDS: [&str; 8] =
    ["exponential", "pareto", "bounded_pareto", "lognormal", "uniform", "hyperexponential", "list", "csv"];

/// The tables of one unit: the distributions, each with the map that describes it.
macro_rules! tables {
    ($module:ident, $unit:expr, $form:ident, $prefix:literal, $mean:literal, $pair:literal) => {
        pub(crate) mod $module {
            use super::*;
            use crate::scenario::spec::scalar::{LINE, decimal, $form};
            use crate::scenario::spec::table::{Form, PLAIN, Row, Rule, field};

            const UNIT: Unit = $unit;
            const ONE: Form<u64> = Form { read: |n, p| single(n, UNIT, p), shape: $form.shape };
            const MEAN: &str = "The mean of the distribution";

            static OF_ANY: Field<u64> =
                field("mean", ONE, MEAN).need(|| text!("problem-say-it", what = concat!("mean: ", $mean)));
            static ANY: Element = Element {
                name: concat!($prefix, "mean"),
                what: || text!("problem-what-distribution"),
                about: "A distribution that has nothing but a mean",
                example: concat!("{ mean: ", $mean, " }"),
                keys: &[&[&OF_ANY.row]],
                ..PLAIN
            };

            const PARETO_EXAMPLE: &str = concat!("{ mean: ", $mean, ", shape: 1.5 }");
            static PARETO_MEAN: Field<u64> = field("mean", ONE, MEAN)
                .need(|| text!("problem-write-for-example", example = concat!("{ mean: ", $mean, ", shape: 1.5 }")));
            static PARETO_SHAPE: Field<u64> = field(
                "shape",
                decimal::<1_000_001, 1_000_000_000>(),
                "How fast the tail falls: above 1, since else there is no mean",
            )
            .need(|| text!("problem-write-for-example", example = concat!("{ mean: ", $mean, ", shape: 1.5 }")));
            static PARETO: Element = Element {
                name: concat!($prefix, "pareto"),
                what: || text!("problem-what-distribution"),
                about: "Pareto: a few are very large",
                example: PARETO_EXAMPLE,
                keys: &[&[&PARETO_MEAN.row, &PARETO_SHAPE.row]],
                ..PLAIN
            };

            static SIGMA_MEAN: Field<u64> = field("mean", ONE, MEAN)
                .need(|| text!("problem-write-for-example", example = concat!("{ mean: ", $mean, ", sigma: 1 }")));
            static SIGMA: Field<u64> =
                field("sigma", decimal::<0, 10_000_000>(), "The standard deviation of the logarithm")
                    .need(|| text!("problem-write-for-example", example = concat!("{ mean: ", $mean, ", sigma: 1 }")));
            static LOGNORMAL: Element = Element {
                name: concat!($prefix, "lognormal"),
                what: || text!("problem-what-distribution"),
                about: "Lognormal",
                example: concat!("{ mean: ", $mean, ", sigma: 1 }"),
                keys: &[&[&SIGMA_MEAN.row, &SIGMA.row]],
                ..PLAIN
            };

            fn bounded_help() -> Text {
                text!("problem-write-ratio", example = concat!("{ mean: ", $mean, ", shape: 1.5, ratio: 10000 }"))
            }
            static BOUNDED_MEAN: Field<u64> = field("mean", ONE, MEAN).need(bounded_help);
            static BOUNDED_SHAPE: Field<u64> =
                field("shape", decimal::<100_000, 100_000_000>(), "How fast the tail falls").need(bounded_help);
            static RATIO: Field<u64> =
                field("ratio", decimal::<1_000_001, 1_000_000_000_000_000>(), "The largest value over the least")
                    .need(bounded_help);
            static BOUNDED: Element = Element {
                name: concat!($prefix, "bounded-pareto"),
                what: || text!("problem-what-distribution"),
                about: "Pareto with a largest value",
                example: concat!("{ mean: ", $mean, ", shape: 1.5, ratio: 10000 }"),
                keys: &[&[&BOUNDED_MEAN.row, &BOUNDED_SHAPE.row, &RATIO.row]],
                ..PLAIN
            };

            static HYPER_MEAN: Field<u64> = field("mean", ONE, MEAN)
                .need(|| text!("problem-write-for-example", example = concat!("{ mean: ", $mean, ", cv2: 4 }")));
            static CV2: Field<u64> = field(
                "cv2",
                decimal::<1_000_000, 10_000_000_000>(),
                "The squared coefficient of variation: 1 is exponential",
            );
            static PART: Field<u64> =
                field("p", decimal::<500_000, 999_999>(), "The part of the values that are of the short kind");
            static HYPER: Element = Element {
                name: concat!($prefix, "hyperexponential"),
                what: || text!("problem-what-distribution"),
                about: "Two exponential distributions, of which one is drawn first",
                example: concat!("{ mean: ", $mean, ", cv2: 4 }"),
                keys: &[&[&HYPER_MEAN.row, &CV2.row, &PART.row]],
                rules: &[Rule::One(&["cv2", "p"])],
                ..PLAIN
            };

            pub static EXPONENTIAL: Field<DistWords> = field(
                "exponential",
                Form {
                    read: |n, p| known(mean(n, &ANY, &OF_ANY, UNIT, p).map(Dist::Exponential)),
                    shape: || Shape::Either(vec![(ONE.shape)(), Shape::Map(&ANY)]),
                },
                "Exponential, with this mean",
            );
            pub static PARETO_KIND: Field<DistWords> = field(
                "pareto",
                Form {
                    read: |n, p| {
                        let read = shaped(n, &PARETO, [&PARETO_MEAN, &PARETO_SHAPE], p);
                        known(read.map(|[mean, shape]| Dist::Pareto { mean, shape_ppm: shape as u32 }))
                    },
                    shape: || Shape::Map(&PARETO),
                },
                "Pareto: a few are very large",
            );
            pub static BOUNDED_KIND: Field<DistWords> = field(
                "bounded_pareto",
                Form {
                    read: |n, p| {
                        let read = shaped(n, &BOUNDED, [&BOUNDED_MEAN, &BOUNDED_SHAPE, &RATIO], p);
                        known(read.map(|[mean, shape, ratio]| Dist::BoundedPareto {
                            mean,
                            shape_ppm: shape as u32,
                            ratio_ppm: ratio,
                        }))
                    },
                    shape: || Shape::Map(&BOUNDED),
                },
                "Pareto with a largest value",
            );
            pub static LOGNORMAL_KIND: Field<DistWords> = field(
                "lognormal",
                Form {
                    read: |n, p| {
                        let read = shaped(n, &LOGNORMAL, [&SIGMA_MEAN, &SIGMA], p);
                        known(read.map(|[mean, sigma]| Dist::Lognormal { mean, sigma_ppm: sigma as u32 }))
                    },
                    shape: || Shape::Map(&LOGNORMAL),
                },
                "Lognormal",
            );
            pub static UNIFORM: Field<DistWords> = field(
                "uniform",
                Form {
                    read: |n, p| known(uniform(n, UNIT, p)),
                    shape: || Shape::Tuple(vec![(ONE.shape)(), (ONE.shape)()], 2),
                },
                concat!("Between two, the smaller one first: `", $pair, "`"),
            );
            pub static HYPER_KIND: Field<DistWords> = field(
                "hyperexponential",
                Form {
                    read: |n, p| known(hyperexponential(n, &HYPER, &HYPER_MEAN, [&CV2, &PART], p)),
                    shape: || Shape::Map(&HYPER),
                },
                "Two exponential distributions, of which one is drawn first",
            );
            pub static LIST: Field<DistWords> = field(
                "list",
                Form {
                    read: |n, p| known(list(n, UNIT, p)),
                    shape: || Shape::List(Box::new((ONE.shape)()), 1, MAX_LIST),
                },
                "One of these values, each as likely as the others",
            );
            pub static CSV: Field<DistWords> = field(
                "csv",
                Form {
                    read: |n, p| value::line(n, p).map(|v| DistWords::File(Spot { v, at: n.at }, UNIT)),
                    shape: LINE.shape,
                },
                "One of the values in the first column of this file, beside the scenario",
            );

            /// The distributions, in the order of [`KINDS`](super::KINDS).
            pub static FIELDS: [&Field<DistWords>; 8] =
                [&EXPONENTIAL, &PARETO_KIND, &BOUNDED_KIND, &LOGNORMAL_KIND, &UNIFORM, &HYPER_KIND, &LIST, &CSV];

            /// Their rows.
            pub static ROWS: [&Row; 8] = [
                &EXPONENTIAL.row,
                &PARETO_KIND.row,
                &BOUNDED_KIND.row,
                &LOGNORMAL_KIND.row,
                &UNIFORM.row,
                &HYPER_KIND.row,
                &LIST.row,
                &CSV.row,
            ];

            /// A map with one of them.
            pub static DISTRIBUTION: Element = Element {
                name: concat!($prefix, "distribution"),
                what: || text!("problem-what-distribution"),
                about: "One distribution by its name",
                example: concat!("{ exponential: ", $mean, " }"),
                keys: &[&ROWS],
                rules: &[Rule::One(&super::KINDS)],
                ..PLAIN
            };

            /// A value, or a map with one distribution.
            pub fn shape() -> Shape {
                Shape::Either(vec![(ONE.shape)(), Shape::Map(&DISTRIBUTION)])
            }
        }
    };
}

tables!(time, Unit::Time, DURATION, "time-", "20ms", "[5ms, 15ms]");
tables!(bytes, Unit::Bytes, BYTES, "size-", "10kB", "[1kB, 10kB]");

fn known(dist: Option<Dist>) -> Option<DistWords> {
    dist.map(DistWords::Known)
}

/// A value, or a map with one distribution. `what` is the thing, such as "a service time".
pub(crate) fn read(node: &Node<'_>, unit: Unit, what: fn() -> Text, p: &mut Problems) -> Option<DistWords> {
    if !matches!(node.kind, Kind::Map(_)) {
        return single(node, unit, p).map(|v| DistWords::Known(Dist::Constant(v)));
    }
    let element = match unit {
        Unit::Time => &time::DISTRIBUTION,
        Unit::Bytes => &bytes::DISTRIBUTION,
    };
    let mut f = Fields::of(node, element, what, p)?;
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
    what: fn() -> Text,
    unit: Unit,
    p: &mut Problems,
) -> Option<DistWords> {
    match found.as_slice() {
        [one] => one.v.clone(),
        // A mistyped word is the cause, and told.
        [] if unread => None,
        [] => {
            p.error("E015", at, text!("problem-needs-distribution", what = what()))
                .label(text!("problem-none-of", names = KINDS.join(", ")))
                .help(text!("problem-write-distribution", example = unit.example(), unit = unit.name()));
            None
        }
        [_, second, ..] => {
            p.error("E019", second.at, text!("problem-has-one-distribution", what = what()))
                .label(text!("problem-second-one"))
                .help(text!("problem-keep-one-them"));
            None
        }
    }
}

/// The distributions that a map names, in the order of the file.
pub(crate) fn kinds(f: &mut Fields<'_, '_>, unit: Unit, p: &mut Problems) -> Vec<Spot<Option<DistWords>>> {
    let fields = match unit {
        Unit::Time => &time::FIELDS,
        Unit::Bytes => &bytes::FIELDS,
    };
    let mut found: Vec<Spot<Option<DistWords>>> = Vec::new();
    for field in fields {
        if let Some((key, n)) = f.get(field.row.key) {
            found.push(Spot { v: (field.read)(n, p), at: key.at });
        }
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

fn mean(
    node: &Node<'_>,
    element: &'static Element,
    field: &'static Field<u64>,
    unit: Unit,
    p: &mut Problems,
) -> Option<u64> {
    match &node.kind {
        Kind::Map(_) => {
            let mut f = Fields::new(node, element, p)?;
            let mean = f.need(field, p);
            f.finish(p);
            mean.map(|m| m.v)
        }
        _ => single(node, unit, p),
    }
}

/// A map in which all these must be.
fn shaped<const N: usize>(
    node: &Node<'_>,
    element: &'static Element,
    fields: [&'static Field<u64>; N],
    p: &mut Problems,
) -> Option<[u64; N]> {
    let mut f = Fields::new(node, element, p)?;
    let read = fields.map(|field| f.need(field, p));
    f.finish(p);
    let read: Option<Vec<u64>> = read.into_iter().map(|v| v.map(|v| v.v)).collect();
    read?.try_into().ok()
}

fn hyperexponential(
    node: &Node<'_>,
    element: &'static Element,
    mean: &'static Field<u64>,
    [cv2, part]: [&'static Field<u64>; 2],
    p: &mut Problems,
) -> Option<Dist> {
    let mut f = Fields::new(node, element, p)?;
    let mean = f.need(mean, p);
    let both = (f.get(cv2.row.key).map(|k| k.0.at), f.get(part.row.key).map(|k| k.0.at));
    let cv2 = f.opt(cv2, p);
    let part = f.opt(part, p);
    match both {
        (None, None) => f.lacks("cv2", text!("problem-say-how-varies-cv2-4"), p),
        (Some(a), Some(b)) => {
            p.error("E019", a.max(b), text!("problem-cv2-and-p-exclude-each"))
                .label(text!("problem-both-say-how-values-vary"))
                .help(text!("problem-keep-one-them"));
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
        Unit::Time => (text!("problem-two-durations"), "[5ms, 15ms]"),
        Unit::Bytes => (text!("problem-two-sizes"), "[1kB, 10kB]"),
    };
    let Kind::Seq(ends) = &node.kind else {
        wrong(node, text!("problem-want-list-of", name), example, p);
        return None;
    };
    let read: Vec<Option<u64>> = ends.iter().take(3).map(|n| single(n, unit, p)).collect();
    match read.as_slice() {
        [Some(low), Some(high)] if low <= high => Some(Dist::Uniform { low: *low, high: *high }),
        [Some(_), Some(_)] | [] | [_] | [_, _, _, ..] => {
            p.error("E017", node.at, text!("problem-uniform-value-lies-between-smaller", name))
                .label(text!("problem-wants-two-in-order"))
                .help(text!("problem-write-for-example", example));
            None
        }
        _ => None,
    }
}

fn list(node: &Node<'_>, unit: Unit, p: &mut Problems) -> Option<Dist> {
    let Kind::Seq(values) = &node.kind else {
        wrong(node, text!("problem-want-list-values"), &format!("[{}]", unit.example()), p);
        return None;
    };
    if values.is_empty() || values.len() > MAX_LIST {
        let example = unit.example();
        p.error("E017", node.at, text!("problem-list-has-1-values", most = limits::MAX_LIST))
            .label(if values.is_empty() { text!("problem-none-given") } else { text!("problem-too-many") })
            .help(text!("problem-write-list-of", example));
        return None;
    }
    let read: Vec<Option<u64>> = values.iter().map(|n| single(n, unit, p)).collect();
    read.into_iter().collect::<Option<Vec<u64>>>().map(|v| Dist::List(v.into()))
}
