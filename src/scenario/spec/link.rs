//! What a cable is: `latency`, `bandwidth`, `loss`, `mtu`, `queue`; and the cables between switches (`links`).

use crate::base::Span;
use crate::scenario::limits::MAX_QUEUE;
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, items};
use crate::scenario::spec::scalar::{BANDWIDTH, BOOLEAN, DURATION, LOSS, WORD, whole};
use crate::scenario::spec::table::{Element, Field, Form, PLAIN, Row, Rule, Shape, field};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Mark, Node};
use crate::text;

static LATENCY: Field<Span> =
    field("latency", DURATION, "How long a frame travels from one end of the cable to the other").default("50us");
static RATE: Field<u64> = field("bandwidth", BANDWIDTH, "How fast the cable takes bits, each way").default("1gbit");
static LOST: Field<u32> =
    field("loss", LOSS, "The part of frames that the cable loses, drawn from the seed").default("0");
// 68 bytes is the least that IPv4 may have (RFC 791), 65535 the most that a veth takes.
static MTU: Field<u64> =
    field("mtu", whole::<68, 65_535>(), "The largest packet of the interface, in bytes").default("1500");
static QUEUE: Field<u64> =
    field("queue", whole::<1, MAX_QUEUE>(), "Frames that may wait for the cable; what comes beyond is lost")
        .default("1000");

/// The words that describe a cable.
pub(crate) static WORDS: [&Row; 5] = [&LATENCY.row, &RATE.row, &LOST.row, &MTU.row, &QUEUE.row];

/// `defaults.link`
pub(crate) static DEFAULTS: Element = Element {
    name: "link-defaults",
    what: || text!("problem-what-link-defaults"),
    about: "What cables are that say nothing else",
    example: "{ latency: 50us, bandwidth: 1gbit }",
    keys: &[&WORDS],
    ..PLAIN
};

/// An entry of `links`.
pub(crate) static TRUNK: Element = Element {
    name: "link",
    what: || text!("problem-what-link"),
    about: "A cable between two switches",
    example: "{ between: [sw1, sw2], latency: 10us }",
    keys: &[&[&BETWEEN.row], &WORDS],
    ..PLAIN
};
static BETWEEN: Field<[Spot<String>; 2]> = field(
    "between",
    Form { read: |n, p| two(n, "between", "[sw1, sw2]", p), shape: two_ends },
    "The two switches that the cable joins",
)
.need(|| text!("problem-say-which-switches-between-sw1"));

/// `set` of an entry of `timeline`.
pub(crate) static CHANGE: Element = Element {
    name: "change",
    what: || text!("problem-what-set"),
    about: "What a cable is from then on; what is not said stays as it is",
    example: "{ up: false }",
    keys: &[&[&UP.row], &WORDS],
    rules: &[Rule::NotEmpty],
    keeps: true,
    ..PLAIN
};
/// Whether there is a carrier.
pub(crate) static UP: Field<bool> = field(
    "up",
    BOOLEAN,
    "Whether the cable has a carrier: false takes it from the host's end, between two hosts from both",
);

/// The words that describe a cable, as far as they were said.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkWords {
    pub latency: Option<Spot<Span>>,
    pub bandwidth: Option<Spot<u64>>,
    pub loss: Option<Spot<u32>>,
    pub mtu: Option<Spot<u64>>,
    pub queue: Option<Spot<u64>>,
}

impl LinkWords {
    pub fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> LinkWords {
        LinkWords {
            latency: f.opt(&LATENCY, p),
            bandwidth: f.opt(&RATE, p),
            loss: f.opt(&LOST, p),
            mtu: f.opt(&MTU, p),
            queue: f.opt(&QUEUE, p),
        }
    }

    /// What is said here, or else there.
    pub fn or(&self, other: &LinkWords) -> LinkWords {
        LinkWords {
            latency: self.latency.clone().or_else(|| other.latency.clone()),
            bandwidth: self.bandwidth.clone().or_else(|| other.bandwidth.clone()),
            loss: self.loss.clone().or_else(|| other.loss.clone()),
            mtu: self.mtu.clone().or_else(|| other.mtu.clone()),
            queue: self.queue.clone().or_else(|| other.queue.clone()),
        }
    }
}

/// A cable between two switches.
#[derive(Debug)]
pub(crate) struct Link {
    /// Both names, or nothing if they could not be read.
    pub between: Option<[Spot<String>; 2]>,
    pub words: LinkWords,
}

/// Reads one entry of `links`.
pub(crate) fn read(node: &Node<'_>, p: &mut Problems) -> Link {
    let Some(mut f) = Fields::new(node, &TRUNK, p) else {
        return Link { between: None, words: LinkWords::default() };
    };
    let between = f.need(&BETWEEN, p);
    let words = LinkWords::read(&mut f, p);
    f.finish(p);
    Link { between: between.map(|b| b.v), words }
}

/// The shape of [`two`].
pub(crate) fn two_ends() -> Shape {
    let end = (WORD.shape)();
    Shape::Tuple(vec![end.clone(), end], 2)
}

/// A list of exactly two texts.
pub(crate) fn two(node: &Node<'_>, key: &str, example: &str, p: &mut Problems) -> Option<[Spot<String>; 2]> {
    let before: Mark = node.at;
    let list = items(node, key, example, p);
    match list {
        [a, b] => {
            let a = value::text(a, p).map(|v| Spot { v: v.trim().to_string(), at: a.at });
            let b = value::text(b, p).map(|v| Spot { v: v.trim().to_string(), at: b.at });
            Some([a?, b?])
        }
        _ => {
            if matches!(node.kind, crate::scenario::tree::Kind::Seq(_)) {
                p.error("E016", before, text!("problem-names-two-ends-not", key, n = list.len()))
                    .label(text!("problem-wants-two"))
                    .help(text!("problem-write-pair", key, example));
            }
            None
        }
    }
}
