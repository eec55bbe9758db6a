//! `timeline` and `observe`: what is typed, and what breaks, at which moment.

use crate::scenario::model::{At, Protocol};
use crate::scenario::problem::Problems;
use crate::scenario::spec::Spot;
use crate::scenario::spec::link::{self, LinkWords, two, two_ends};
use crate::scenario::spec::read::Fields;
use crate::scenario::spec::scalar::{PORT, SCRIPT, SPEED, WHEN, WORD};
use crate::scenario::spec::table::{Case, Element, Field, Form, PLAIN, Row, Shape, When, field, row};
use crate::scenario::spec::value::Script;
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;

/// One entry of either section.
#[derive(Debug)]
pub(crate) struct Entry {
    pub at: Mark,
    pub when: Spot<At>,
    pub observe: bool,
    pub what: Deed,
}

/// What an entry does.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Types something on a host.
    Run { node: Spot<String>, script: Script },
    /// Changes the speed of something that is served.
    Speed { node: Spot<String>, port: Spot<(Protocol, u16)>, speed_ppm: u64 },
    /// Changes a cable.
    Set { ends: [Spot<String>; 2], up: Option<bool>, words: LinkWords },
}

/// An entry of `timeline`.
pub(crate) static TIMELINE: Element = Element {
    name: "timeline",
    what: || text!("problem-what-entry-timeline"),
    about: "What is typed, or what changes, at a moment",
    example: "{ at: 5s, node: rs1, run: ifconfig eth0 down }",
    cases: &[
        Case { when: When::Has(&["serves"]), element: &SLOW },
        Case { when: When::Has(&["link", "set"]), element: &CABLE },
        Case { when: When::Otherwise, element: &TYPED },
    ],
    ..PLAIN
};

static TYPED: Element = Element {
    name: "timeline-run",
    about: "What is typed on a host",
    example: "{ at: 5s, node: rs1, run: ifconfig eth0 down }",
    keys: &[&[&AT.row, &NODE.row, &RUN.row]],
    ..PLAIN
};
static CABLE: Element = Element {
    name: "timeline-link",
    about: "A cable that changes",
    example: "{ at: 6s, link: [rs2, lan], set: { loss: 10% } }",
    keys: &[&[&AT.row, &LINK.row, &SET]],
    ..PLAIN
};
static SLOW: Element = Element {
    name: "timeline-speed",
    about: "A server whose speed changes",
    example: "{ at: 5s, node: rs1, serves: tcp/80, set: { speed: 0.1 } }",
    keys: &[&[&AT.row, &SLOW_NODE.row, &SERVES.row, &SET_SPEED.row]],
    ..PLAIN
};

/// An entry of `observe`.
pub(crate) static OBSERVE: Element = Element {
    name: "observe",
    what: || text!("problem-what-entry-observe"),
    about: "What is typed on a host for its output, which the report shows",
    example: "{ at: end, node: director, run: ipvsadm -Ln }",
    keys: &[&[&LOOK_AT.row, &NODE.row, &RUN.row]],
    ..PLAIN
};

static AT: Field<At> =
    field("at", WHEN, "When: a time from t = 0, or `end`").need(|| text!("problem-say-when-at-5s-or"));
static LOOK_AT: Field<At> = field("at", WHEN, "When: a time from t = 0, or `end`").default("end");
static NODE: Field<String> =
    field("node", WORD, "The host, or a group for all its members").need(|| text!("problem-say-where-node-director"));
static RUN: Field<Script> =
    field("run", SCRIPT, "What is typed there").need(|| text!("problem-say-what-typed-run-ipvsadm"));
static LINK: Field<[Spot<String>; 2]> = field(
    "link",
    Form { read: |n, p| two(n, "link", "[rs1, lan]", p), shape: two_ends },
    "The two ends of the cable: nodes, or HOST:INTERFACE where several cables join them; a group means the cables of all members",
)
.need(|| text!("problem-say-which-cable-link-rs1"));
static SET: Row = row("set", || Shape::Map(&link::CHANGE), "What the cable is from then on")
    .need(|| text!("problem-say-what-happens-cable-set"));
static SLOW_NODE: Field<String> =
    field("node", WORD, "The host, or a group for all its members").need(|| text!("problem-say-where-node-rs1"));
static SERVES: Field<(Protocol, u16)> =
    field("serves", PORT, "What it serves: protocol and port").need(|| text!("problem-say-what-serves-tcp-80"));
static SET_SPEED: Field<u64> =
    field("set", Form { read: set_speed, shape: || Shape::Map(&NEW_SPEED) }, "How fast the server works from then on")
        .need(|| text!("problem-say-how-fast-set-speed"));

static NEW_SPEED: Element = Element {
    name: "speed-change",
    what: || text!("problem-what-set"),
    about: "How fast a server works from then on",
    example: "{ speed: 0.1 }",
    keys: &[&[&NEW.row]],
    ..PLAIN
};
static NEW: Field<u64> = field("speed", SPEED, "0 stops it, 1 is as fast as its service time says")
    .need(|| text!("problem-write-for-example", example = "set: { speed: 0.1 }"));

/// Reads one entry.
pub(crate) fn read(node: &Node<'_>, observe: bool, p: &mut Problems) -> Option<Entry> {
    let mut f = Fields::new(node, if observe { &OBSERVE } else { &TIMELINE }, p)?;
    let when = match observe && f.get(LOOK_AT.row.key).is_none() {
        true => Some(Spot { v: At::End, at: node.at }),
        false => f.need(if observe { &LOOK_AT } else { &AT }, p),
    };
    let mut refused = false;
    if observe {
        for key in [&CABLE, &SLOW].into_iter().flat_map(|other| other.beyond(&OBSERVE)) {
            if let Some(at) = f.refuse(key) {
                refused = true;
                p.error("E033", at, text!("problem-observe-has-no", key))
                    .label(text!("problem-looks-and-changes-nothing"))
                    .help(text!("problem-put-entry-into-timeline"));
            }
        }
    }
    let has_port = !observe && f.get(SERVES.row.key).is_some();
    let has_link = !observe && (f.get(LINK.row.key).is_some() || f.get(SET.key).is_some());
    let deed = if has_port || has_link {
        let (refused, forms): (&[&str], _) = match has_port {
            true => (&["link", "run"], text!("problem-two-keys", a = "serves", b = "set")),
            false => (&["node", "run"], text!("problem-two-keys", a = "link", b = "set")),
        };
        for key in refused {
            if let Some(at) = f.refuse(key) {
                p.error("E019", at, text!("problem-entry-has-or-node-and", forms, key))
                    .label(text!("problem-one-too-many"))
                    .help(text!("problem-make-two-entries"));
            }
        }
        if has_port { read_speed(&mut f, p) } else { read_set(&mut f, p) }
    } else if refused {
        let _ = (f.get(NODE.row.key), f.get(RUN.row.key));
        None
    } else {
        let node = f.need(&NODE, p);
        let script = f.need(&RUN, p);
        // With what could not be read left empty, so that the name is looked up all the same.
        let script = script.map_or(Script { text: "".into(), line: 1 }, |s| s.v);
        node.map(|node| Deed::Run { node, script })
    };
    f.finish(p);
    let when = when.unwrap_or(Spot { v: At::End, at: node.at });
    Some(Entry { at: node.at, when, observe, what: deed? })
}

/// `node: rs1, serves: tcp/80, set: { speed: 0.1 }`
fn read_speed(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Deed> {
    let node = f.need(&SLOW_NODE, p);
    let port = f.need(&SERVES, p);
    let speed = f.need(&SET_SPEED, p);
    Some(Deed::Speed { node: node?, port: port?, speed_ppm: speed?.v })
}

fn set_speed(node: &Node<'_>, p: &mut Problems) -> Option<u64> {
    let mut s = Fields::new(node, &NEW_SPEED, p)?;
    let speed = s.need(&NEW, p);
    s.finish(p);
    speed.map(|s| s.v)
}

fn read_set(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Deed> {
    let ends = f.need(&LINK, p);
    let set = match f.get(SET.key) {
        None => {
            f.missing(&SET, p);
            None
        }
        Some((key, node)) => Fields::new(node, &link::CHANGE, p).map(|mut s| {
            if matches!(&node.kind, Kind::Map(entries) if entries.is_empty()) {
                p.error("E015", key.at, text!("problem-set-changes-nothing"))
                    .label(text!("problem-empty"))
                    .help(text!("problem-write-for-example-set-up"));
            }
            let up = s.opt(&link::UP, p).map(|u| u.v);
            let words = LinkWords::read(&mut s, p);
            s.finish(p);
            (up, words)
        }),
    };
    let ends = ends?;
    let (up, words) = set.unwrap_or_default();
    Some(Deed::Set { ends: ends.v, up, words })
}
