//! What the user typed, one element per file: every value with its place, nothing resolved, nothing defaulted. Each file
//! begins with the tables of its maps ([`table`]), by which it reads.
//!
//! A value that cannot be read is told and left out; `broken` marks a part whose consequences must not be told as well.

pub(crate) mod address;
pub(crate) mod arrivals;
pub(crate) mod dist;
pub(crate) mod expect;
pub(crate) mod host;
pub(crate) mod iface;
pub(crate) mod link;
pub(crate) mod pattern;
pub(crate) mod read;
pub(crate) mod scalar;
pub(crate) mod serves;
pub(crate) mod table;
pub(crate) mod timeline;
pub(crate) mod traffic;
pub(crate) mod value;

use crate::base::Span;
use crate::lang::Text;
use crate::scenario::causes::CAUSES;
use crate::scenario::grading::{self, GradeWords};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;
use expect::Expect;
use host::Host;
use link::{Link, LinkWords};
use read::{Fields, items};
use scalar::{DURATION, TEXT, named, whole};
use serves::ServerWords;
use table::{Element, Field, PLAIN, Row, Scalar, Shape, TEXT_ONLY, field, row};
use timeline::Entry;
use traffic::Traffic;

/// The file.
pub(crate) static SCENARIO: Element = Element {
    name: "scenario",
    what: || text!("problem-what-scenario"),
    about: "One experiment: a network, what is typed on its hosts, the traffic, the faults, and what must come out",
    example: "lvsim: 1",
    keys: &[&[
        &VERSION,
        &NAME.row,
        &TITLE.row,
        &ABOUT.row,
        &SEED.row,
        &LENGTH.row,
        &WARMUP.row,
        &DEFAULTS,
        &NODES,
        &LINKS,
        &TRAFFIC,
        &TIMELINE,
        &OBSERVE,
        &EXPECT,
        &CAUSES_KEY,
        &GRADE,
    ]],
    free: Some("x-"),
    ..PLAIN
};
static VERSION: Row = row(
    "lvsim",
    || {
        static ONE: Scalar = Scalar {
            name: "version",
            title: "1",
            about: "The version of the format",
            examples: &["1"],
            also: table::Also::Whole(1, 1),
            pattern: Some(|| "^1$".into()),
            ..TEXT_ONLY
        };
        Shape::Scalar(&ONE)
    },
    "The version of the format",
)
.need(|| text!("problem-begin-file-with-lvsim-1"));
static NAME: Field<String> = field(
    "name",
    named!(text!("problem-what-scenario")),
    "What reports and output folders are called; unless said, the file's name",
);
static TITLE: Field<String> = field("title", TEXT, "One line for people");
static ABOUT: Field<String> = field("about", TEXT, "Markdown for people: what it shows, what to look at");
static SEED: Field<u64> = field("seed", whole::<0, { u64::MAX }>(), "Every random choice derives from it").default("1");
static LENGTH: Field<Span> = field(
    "duration",
    DURATION,
    "How long to simulate from t = 0; unless said, until one second after the last connection",
);
static WARMUP: Field<Span> =
    field("warmup", DURATION, "What happens before this time is no part of statistics").default("0s");
static DEFAULTS: Row =
    row("defaults", || Shape::map_or_nothing(&DEFAULT_WORDS), "What a link or a server is unless it says otherwise");
static DEFAULT_WORDS: Element = Element {
    name: "defaults",
    what: || text!("problem-what-defaults"),
    about: "What a link or a server is unless it says otherwise",
    example: "{ link: { latency: 50us } }",
    keys: &[&[&DEFAULT_LINK, &DEFAULT_SERVER]],
    ..PLAIN
};
static DEFAULT_LINK: Row = row("link", || Shape::map_or_nothing(&link::DEFAULTS), "What cables are");
static DEFAULT_SERVER: Row = row("server", || Shape::map_or_nothing(&serves::DEFAULTS), "How servers work");
static NODES: Row = row("nodes", host::nodes, "The network: switches and hosts by name, in their order")
    .need(|| text!("problem-network-nodes-with-map-switches"));
static LINKS: Row = row("links", || Shape::items(&link::TRUNK), "Cables between switches");
static TRAFFIC: Row = row("traffic", || Shape::items(&traffic::TRAFFIC), "Who connects where, when and how often");
static TIMELINE: Row =
    row("timeline", || Shape::items(&timeline::TIMELINE), "What is typed, and what changes, at which moment");
static OBSERVE: Row =
    row("observe", || Shape::items(&timeline::OBSERVE), "What is typed for its output, at which moment");
static EXPECT: Row = row("expect", || Shape::items(&expect::EXPECT), "What must come out");
static CAUSES_KEY: Row = row(
    "causes",
    || {
        let causes = Shape::Words(CAUSES.iter().map(|c| c.code).collect());
        Shape::OrNothing(Box::new(Shape::List(Box::new(causes), 0, usize::MAX)))
    },
    "Why this lab does not work, of one that is broken on purpose (`lvsim list causes`)",
);
static GRADE: Row =
    row("grade", || Shape::map_or_nothing(&grading::GRADE), "What of a submission counts for `lvsim grade`");

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Spot<T> {
    pub v: T,
    pub at: Mark,
}

/// A part of the file that has places in it.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub name: Option<Spot<String>>,
    pub title: Option<String>,
    pub about: Option<String>,
    pub seed: Option<u64>,
    pub duration: Option<Spot<Span>>,
    pub warmup: Option<Spot<Span>>,
    pub link: LinkWords,
    pub server: ServerWords,
    pub nodes: Vec<Host>,
    /// The nodes could not all be read: that a name is unknown may be a consequence.
    pub nodes_broken: bool,
    pub links: Vec<Link>,
    pub traffic: Vec<Traffic>,
    /// The traffic could not all be read.
    pub traffic_broken: bool,
    /// `timeline` and `observe`, in the order of the file.
    pub entries: Vec<Entry>,
    pub expect: Vec<Expect>,
    pub causes: Vec<Spot<String>>,
    pub grade: GradeWords,
}

/// Reads the whole file. `None`: it is no scenario of version 1, and nothing else is worth telling.
pub(crate) fn read(root: &Node<'_>, p: &mut Problems) -> Option<Spec> {
    let mut f = Fields::new(root, &SCENARIO, p)?;
    version(&mut f, p)?;
    let mut spec = Spec {
        name: f.opt(&NAME, p),
        title: f.opt(&TITLE, p).map(|t| t.v),
        about: f.opt(&ABOUT, p).map(|t| t.v),
        seed: f.opt(&SEED, p).map(|s| s.v),
        duration: f.opt(&LENGTH, p),
        warmup: f.opt(&WARMUP, p),
        ..Spec::default()
    };
    if let Some((_, node)) = f.get(DEFAULTS.key)
        && !node.is_null()
        && let Some(mut d) = Fields::new(node, &DEFAULT_WORDS, p)
    {
        if let Some(mut l) = d.map(&DEFAULT_LINK, &link::DEFAULTS, p) {
            spec.link = LinkWords::read(&mut l, p);
            l.finish(p);
        }
        if let Some(mut s) = d.map(&DEFAULT_SERVER, &serves::DEFAULTS, p) {
            spec.server = ServerWords::read(&mut s, p);
            s.finish(p);
        }
        d.finish(p);
    }
    match f.get(NODES.key) {
        Some((_, node)) if node.is_null() => {}
        Some((_, node)) => match &node.kind {
            Kind::Map(entries) => spec.nodes = entries.iter().map(|(key, node)| host::read(key, node, p)).collect(),
            _ => {
                spec.nodes_broken = true;
                read::no_map(node, text!("problem-want-map-nodes"), "client: { kind: client }", p);
            }
        },
        None => {
            spec.nodes_broken = true;
            f.missing(&NODES, p);
        }
    }
    if let Some((_, node)) = f.get(LINKS.key) {
        spec.links = items(node, "links", "[{ between: [sw1, sw2] }]", p).iter().map(|n| link::read(n, p)).collect();
    }
    if let Some((_, node)) = f.get(TRAFFIC.key) {
        let list = items(node, "traffic", "- { from: client, to: 192.168.1.200:80 }", p);
        spec.traffic_broken = list.is_empty() && !node.is_null() && !matches!(&node.kind, Kind::Seq(_));
        for (i, node) in list.iter().enumerate() {
            match traffic::read(node, i, p) {
                Some(entry) => spec.traffic.push(entry),
                None => spec.traffic_broken = true,
            }
        }
    }
    // Both sections are one list: of two entries for one instant the one further up goes first.
    let timeline = f.get(TIMELINE.key).map(|(key, node)| (key.at, node, false));
    let observe = f.get(OBSERVE.key).map(|(key, node)| (key.at, node, true));
    let mut sections: Vec<_> = timeline.into_iter().chain(observe).collect();
    sections.sort_by_key(|s| s.0);
    for (_, node, observe) in sections {
        let (what, example) = match observe {
            true => ("observe", "- { at: end, node: director, run: ipvsadm -Ln }"),
            false => ("timeline", "- { at: 5s, node: rs1, run: ifconfig eth0 down }"),
        };
        spec.entries.extend(items(node, what, example, p).iter().filter_map(|n| timeline::read(n, observe, p)));
    }
    if let Some((_, node)) = f.get(EXPECT.key) {
        let list = items(node, "expect", "- { traffic: web, outcomes: { ok: 12 } }", p);
        spec.expect = list.iter().filter_map(|n| expect::read(n, p)).collect();
    }
    if let Some((_, node)) = f.get(CAUSES_KEY.key) {
        let words = |n: &Node<'_>, p: &mut Problems| {
            let v = value::word(n, text!("problem-want-cause"), "[vip-not-hidden]", p)?.to_string();
            Some(Spot { v, at: n.at })
        };
        spec.causes = items(node, "causes", "[vip-not-hidden]", p).iter().filter_map(|n| words(n, p)).collect();
    }
    if let Some(words) = f.map(&GRADE, &grading::GRADE, p) {
        spec.grade = grading::read(words, p);
    }
    f.finish(p);
    Some(spec)
}

/// The version must be 1; of a file of another version nothing can be said.
fn version(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<()> {
    match f.get(VERSION.key) {
        None => {
            f.missing(&VERSION, p);
            Some(())
        }
        Some((_, node)) if node.text().is_some_and(|t| t.trim() == "1") => Some(()),
        Some((_, node)) => {
            let written =
                node.text().filter(|_| !node.is_null()).map_or_else(|| node.what(), |t| Text::plain(quote(t)));
            p.error("E020", node.at, text!("problem-lvsim-reads-version-1-format", written))
                .label(text!("problem-not-version-1"))
                .help(text!("problem-write-lvsim-1-or-use"));
            None
        }
    }
}
