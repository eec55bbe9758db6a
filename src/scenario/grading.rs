//! What a teacher writes for `lvsim grade`: marks and texts of an expectation, and what of a submission counts. No run
//! looks at them.

use super::limits::MAX_MARKS;
use super::problem::{Problems, quote};
use super::spec::read::{Fields, one_or_more};
use super::spec::scalar::{TEXT, WORD, whole};
use super::spec::table::{Also, Element, Field, Form, PLAIN, Row, Scalar, Shape, TEXT_ONLY, field};
use super::spec::{Spot, value};
use super::tree::Node;
use crate::base::NodeId;
use crate::text;

/// What stands in an entry of `expect` for those who mark it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marking {
    /// What it is worth, 0 to [`MAX_MARKS`]; 0: it is looked at and does not count.
    pub marks: u32,
    /// What it is called.
    pub title: Option<String>,
    /// Told when it holds.
    pub pass: Option<String>,
    /// Told when it does not.
    pub fail: Option<String>,
}

impl Default for Marking {
    fn default() -> Marking {
        Marking { marks: 1, title: None, pass: None, fail: None }
    }
}

/// A part of a submission that counts. `run` and `timeline` are also what scripts need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Addresses of interfaces.
    Interfaces,
    /// The default gateway.
    Gateway,
    /// Routes.
    Routes,
    /// Kernel variables.
    Sysctl,
    /// What is typed during set-up.
    Run,
    /// What is typed later.
    Timeline,
}

/// The parts by the words of the file.
pub const PARTS: &[(&str, Part)] = &[
    ("interfaces", Part::Interfaces),
    ("gateway", Part::Gateway),
    ("routes", Part::Routes),
    ("sysctl", Part::Sysctl),
    ("run", Part::Run),
    ("timeline", Part::Timeline),
];

/// What of a submission counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grading {
    /// On these hosts; nothing: on every host.
    pub hosts: Option<Vec<NodeId>>,
    /// These parts.
    pub keys: Vec<Part>,
}

impl Default for Grading {
    fn default() -> Grading {
        Grading { hosts: None, keys: PARTS.iter().map(|p| p.1).collect() }
    }
}

impl Grading {
    /// Whether what is done on a host counts.
    pub fn on(&self, node: NodeId) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.contains(&node))
    }

    /// Whether a part counts.
    pub fn has(&self, part: Part) -> bool {
        self.keys.contains(&part)
    }
}

/// `grade`
pub(crate) static GRADE: Element = Element {
    name: "grade",
    what: || text!("problem-what-grade"),
    about: "What of a submission counts for `lvsim grade`",
    example: "{ hosts: [director, rs1] }",
    keys: &[&[&HOSTS.row, &KEYS.row]],
    ..PLAIN
};
static HOSTS: Field<Vec<Spot<String>>> = field(
    "hosts",
    Form {
        read: |n, p| Some(one_or_more(n).iter().filter_map(|n| host(n, p)).collect()),
        shape: || Shape::OneOrMore(Box::new((WORD.shape)()), false),
    },
    "The hosts that a submission may change; unless said, every host",
);
static KEYS: Field<Vec<Part>> = field(
    "keys",
    Form {
        read: |n, p| Some(one_or_more(n).iter().filter_map(|n| part(n, p)).collect()),
        shape: || Shape::OneOrMore(Box::new(Shape::Words(PARTS.iter().map(|p| p.0).collect())), false),
    },
    "The parts of a submission that count; unless said, all of these words",
);

/// The keys of an expectation that say what it is worth and what is told of it.
pub(crate) static MARKING: [&Row; 4] = [&MARKS.row, &TITLE.row, &PASS.row, &FAIL.row];
static MARKS: Field<u64> = field(
    "marks",
    whole::<0, { MAX_MARKS as u64 }>(),
    "What it is worth for `lvsim grade`; 0: it is told and does not count",
)
.default("1");
static TITLE: Field<String> = field("title", TOLD, "What `lvsim grade` calls it");
static PASS: Field<String> = field("pass", TOLD, "What `lvsim grade` tells when it holds");
static FAIL: Field<String> = field("fail", TOLD, "What `lvsim grade` tells when it does not");
const TOLD: Form<String> = Form {
    read: TEXT.read,
    shape: || {
        static SCALAR: Scalar = Scalar {
            name: "told",
            title: "text",
            about: "A few sentences, at most 4096 bytes",
            also: Also::Anything,
            longest: Some(MAX_TOLD),
            ..TEXT_ONLY
        };
        Shape::Scalar(&SCALAR)
    },
};

/// `grade`, its hosts by name.
#[derive(Debug, Default)]
pub(crate) struct GradeWords {
    pub hosts: Option<Vec<Spot<String>>>,
    pub keys: Option<Vec<Part>>,
}

/// Reads `grade`.
pub(crate) fn read(mut f: Fields<'_, '_>, p: &mut Problems) -> GradeWords {
    let hosts = f.opt(&HOSTS, p);
    let keys = f.opt(&KEYS, p);
    f.finish(p);
    GradeWords { hosts: hosts.map(|h| h.v), keys: keys.map(|k| k.v) }
}

fn host(node: &Node<'_>, p: &mut Problems) -> Option<Spot<String>> {
    let v = value::word(node, text!("problem-want-host"), "[director, rs1]", p)?.to_string();
    Some(Spot { v, at: node.at })
}

fn part(node: &Node<'_>, p: &mut Problems) -> Option<Part> {
    value::choice(node, text!("problem-noun-part"), PARTS, p)
}

/// Reads what an expectation is worth and what is told of it.
pub(crate) fn read_marking(f: &mut Fields<'_, '_>, p: &mut Problems) -> Marking {
    let marks = f.opt(&MARKS, p);
    let mut text = |field: &'static Field<String>, p: &mut Problems| {
        let text = f.opt(field, p)?;
        if text.v.len() > MAX_TOLD {
            p.error("E060", text.at, text!("problem-has-more-than-bytes", key = quote(field.row.key), most = MAX_TOLD))
                .label(text!("problem-too-long"))
                .help(text!("problem-write-few-sentences-book-and"));
        }
        Some(text.v.trim().to_string()).filter(|t| !t.is_empty())
    };
    let title = text(&TITLE, p).map(|t| t.lines().collect::<Vec<_>>().join(" "));
    let (pass, fail) = (text(&PASS, p), text(&FAIL, p));
    Marking { marks: marks.map_or(1, |m| m.v as u32), title, pass, fail }
}

/// The longest text that is told, in bytes.
const MAX_TOLD: usize = 4_096;
