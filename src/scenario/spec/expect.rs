//! `expect`: what must come out.

use crate::scenario::grading::{MARKING, Marking, read_marking};
use crate::scenario::model::{At, Outcome};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::Spot;
use crate::scenario::spec::read::{Fields, items, no_map};
use crate::scenario::spec::scalar::{ADDRESS, SCRIPT, TEXT, WHEN, WORD, whole};
use crate::scenario::spec::table::{Case, Element, Field, Form, Names, PLAIN, Row, Rule, Shape, When, field, row};
use crate::scenario::spec::value::{self, Script};
use crate::scenario::tree::{Kind, Mark, Node};
use crate::text;
use crate::trace::drop::CODES as REASONS;
use std::net::Ipv4Addr;

/// One expectation.
#[derive(Debug)]
pub(crate) struct Expect {
    pub at: Mark,
    pub what: Claim,
    pub marking: Marking,
}

/// What is claimed.
#[derive(Debug)]
pub(crate) enum Claim {
    Outcomes {
        traffic: Spot<String>,
        counts: Vec<(Outcome, u64)>,
    },
    Served {
        traffic: Spot<String>,
        counts: Vec<(Spot<String>, u64)>,
    },
    /// `None` is `-`: no server answered.
    Sequence {
        traffic: Spot<String>,
        servers: Vec<Option<Spot<String>>>,
    },
    /// `is` nothing: no entry.
    Neighbour {
        address: Ipv4Addr,
        on: Spot<String>,
        is: Option<Spot<String>>,
        when: Spot<At>,
    },
    Output {
        node: Spot<String>,
        script: Script,
        contains: Option<String>,
        equals: Option<String>,
    },
    Dropped {
        node: Spot<String>,
        reason: Option<Spot<String>>,
        least: u64,
        most: Option<u64>,
    },
}

/// The outcomes of a connection.
pub(crate) const OUTCOMES: &[(&str, Outcome)] = &[
    ("ok", Outcome::Ok),
    ("refused", Outcome::Refused),
    ("reset", Outcome::Reset),
    ("unreachable", Outcome::Unreachable),
    ("timeout", Outcome::Timeout),
    ("unfinished", Outcome::Unfinished),
];

/// An entry of `expect`.
pub(crate) static EXPECT: Element = Element {
    name: "expect",
    what: || text!("problem-what-expectation"),
    about: "What must come out of the run",
    example: "{ traffic: web, outcomes: { ok: 12 } }",
    cases: &[
        Case { when: When::Has(&["traffic"]), element: &OF_TRAFFIC },
        Case { when: When::Has(&["neighbour"]), element: &OF_NEIGHBOUR },
        Case { when: When::Has(&["output"]), element: &OF_OUTPUT },
        Case { when: When::Has(&["dropped"]), element: &OF_DROPPED },
    ],
    ..PLAIN
};

static OF_TRAFFIC: Element = Element {
    name: "expect-traffic",
    about: "What became of the connections of some traffic",
    example: "{ traffic: web, served: { rs1: 9, rs2: 3 } }",
    keys: &[&[&TRAFFIC.row, &OUTCOMES_KEY.row, &SERVED.row, &SEQUENCE.row], &MARKING],
    rules: &[Rule::One(&OF_CONNECTIONS)],
    ..PLAIN
};
const OF_CONNECTIONS: [&str; 3] = ["outcomes", "served", "sequence"];
static TRAFFIC: Field<String> =
    field("traffic", WORD, "The name of an entry of `traffic`").need(|| text!("problem-say-which-traffic-web"));
static OUTCOMES_KEY: Field<Counts> = field(
    "outcomes",
    Form {
        read: |n, p| counts(n, "{ ok: 12 }", p),
        shape: || counted(Names::Words(OUTCOMES.iter().map(|o| o.0).collect())),
    },
    "How many connections ended how; exactly so, those that are not named are 0",
);
static SERVED: Field<Counts> = field(
    "served",
    Form { read: |n, p| counts(n, "{ rs1: 9, rs2: 3 }", p), shape: || counted(Names::Any) },
    "How many connections each server answered; exactly so",
);
static SEQUENCE: Field<Vec<Option<Spot<String>>>> = field(
    "sequence",
    Form { read: sequence, shape: || Shape::List(Box::new((WORD.shape)()), 0, usize::MAX) },
    "Who answered, connection by connection; `\"-\"` for one that no server answered",
);

static OF_NEIGHBOUR: Element = Element {
    name: "expect-neighbour",
    about: "Whom a host's neighbour cache names for an address",
    example: "{ neighbour: 192.168.1.200, on: client, is: director }",
    keys: &[&[&NEIGHBOUR.row, &ON.row, &IS.row, &AT.row], &MARKING],
    ..PLAIN
};
static NEIGHBOUR: Field<Ipv4Addr> =
    field("neighbour", ADDRESS, "The address").need(|| text!("problem-say-which-address"));
static ON: Field<String> = field("on", WORD, "The host, or a group for all its members, whose cache it is")
    .need(|| text!("problem-say-whose-cache-on-client"));
static IS: Field<String> =
    field("is", WORD, "The node to one of whose interfaces it points; `none`: there is no entry")
        .need(|| text!("problem-say-whom-must-name-director"));
static AT: Field<At> = field("at", WHEN, "When").default("end");

static OF_OUTPUT: Element = Element {
    name: "expect-output",
    about: "What a command prints at the end",
    example: "{ output: { node: director, run: ipvsadm -Ln }, contains: TCP }",
    keys: &[&[&OUTPUT, &CONTAINS.row, &EQUALS.row], &MARKING],
    rules: &[Rule::Some(&["contains", "equals"])],
    ..PLAIN
};
static OUTPUT: Row = row("output", || Shape::Map(&COMMAND), "The command").need(|| text!("problem-say-which-command"));
static CONTAINS: Field<String> = field("contains", TEXT, "A text that it prints");
static EQUALS: Field<String> = field("equals", TEXT, "All that it prints");
static COMMAND: Element = Element {
    name: "command",
    what: || text!("problem-what-output"),
    about: "A command on a host",
    example: "{ node: director, run: ipvsadm -Ln }",
    keys: &[&[&NODE.row, &RUN.row]],
    ..PLAIN
};
static NODE: Field<String> =
    field("node", WORD, "The host, or a group for all its members").need(|| text!("problem-say-where-node-director"));
static RUN: Field<Script> =
    field("run", SCRIPT, "What is typed there").need(|| text!("problem-say-what-typed-run-ipvsadm"));

static OF_DROPPED: Element = Element {
    name: "expect-dropped",
    about: "Packets that die on a node; at least one, unless a number is said",
    example: "{ dropped: { node: rs1, reason: no-route }, at_least: 1 }",
    keys: &[&[&DROPPED, &EXACTLY.row, &LEAST.row, &MOST.row], &MARKING],
    rules: &[Rule::Alone("exactly", &["at_least", "at_most"])],
    ..PLAIN
};
static DROPPED: Row = row("dropped", || Shape::Map(&DEATHS), "Where, and of what").need(|| text!("problem-say-where"));
static EXACTLY: Field<u64> = field("exactly", whole::<0, { u64::MAX }>(), "So many");
static LEAST: Field<u64> = field("at_least", whole::<0, { u64::MAX }>(), "So many, or more");
static MOST: Field<u64> = field("at_most", whole::<0, { u64::MAX }>(), "So many, or fewer");
static DEATHS: Element = Element {
    name: "deaths",
    what: || text!("problem-what-dropped"),
    about: "Where packets die, and of what",
    example: "{ node: rs1, reason: no-route }",
    keys: &[&[&DEATH_NODE.row, &REASON.row]],
    ..PLAIN
};
static DEATH_NODE: Field<String> =
    field("node", WORD, "The node, a switch perhaps").need(|| text!("problem-say-where-node-rs1"));
// Which words there are, the names of another room say: the parser looks them up with the other names.
static REASON: Field<String> = field(
    "reason",
    Form { read: WORD.read, shape: || Shape::Words(REASONS.to_vec()) },
    "The reason (`lvsim list drops`); unless said, any",
);

type Counts = Vec<(Spot<String>, u64)>;

fn counted(names: Names) -> Shape {
    Shape::Named(names, Box::new(Shape::Whole(0, u64::MAX)))
}

/// Reads one expectation.
pub(crate) fn read(node: &Node<'_>, p: &mut Problems) -> Option<Expect> {
    let mut f = Fields::new(node, &EXPECT, p)?;
    let kinds = f.present(&["traffic", "neighbour", "output", "dropped"]);
    let marking = read_marking(&mut f, p);
    let claim = match kinds.as_slice() {
        [(_, "traffic")] => traffic(&mut f, p),
        [(_, "neighbour")] => neighbour(&mut f, p),
        [(_, "output")] => output(&mut f, p),
        [(_, "dropped")] => dropped(&mut f, p),
        [(_, first), (at, second), ..] => {
            p.error("E019", *at, text!("problem-expectation-or-not-both", first, second))
                .label(text!("problem-second-one"))
                .help(text!("problem-make-two-expectations"));
            return None;
        }
        _ => {
            // A mistyped key is the cause then, and the keys that go with it are right.
            let mut wanted = None;
            for row in EXPECT.cases.iter().flat_map(|case| case.element.rows()) {
                if f.refuse(row.key).is_some() && OF_CONNECTIONS.contains(&row.key) {
                    wanted = Some(&TRAFFIC.row);
                }
            }
            if !f.unread() {
                match wanted {
                    Some(row) => f.missing(row, p),
                    None => {
                        p.error("E015", node.at, text!("problem-expectation-nothing"))
                            .label(text!("problem-no-form-has-only-these"))
                            .help(text!("problem-forms-of-expect"));
                    }
                }
            }
            None
        }
    };
    f.finish(p);
    Some(Expect { at: node.at, what: claim?, marking })
}

fn traffic(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let traffic = f.opt(&TRAFFIC, p);
    let said = f.present(&OF_CONNECTIONS);
    match said.as_slice() {
        [] => {
            f.lacks("outcomes", text!("problem-say-what-outcomes-ok-12"), p);
            return None;
        }
        [_] => {}
        [(_, first), (at, second), ..] => {
            p.error("E019", *at, text!("problem-one-expectation-has-or-not", first, second))
                .label(text!("problem-second-one"))
                .help(text!("problem-make-two-expectations"));
            return None;
        }
    }
    let outcomes = f.opt(&OUTCOMES_KEY, p);
    let served = f.opt(&SERVED, p);
    let sequence = f.opt(&SEQUENCE, p);
    let traffic = traffic?;
    if let Some(outcomes) = outcomes {
        let mut counts = Vec::new();
        for (word, n) in outcomes.v {
            match OUTCOMES.iter().find(|o| o.0 == word.v) {
                Some(&(_, outcome)) => counts.push((outcome, n)),
                None => {
                    let similar = p.similar(&word.v, OUTCOMES.iter().map(|o| o.0));
                    p.error("E030", word.at, text!("problem-no-outcome", word = quote(&word.v)))
                        .label(text!("problem-not-one-ok-refused-reset"))
                        .suggest(similar, text!("problem-write-for-example", example = "outcomes: { ok: 12 }"));
                }
            }
        }
        return Some(Claim::Outcomes { traffic, counts });
    }
    if let Some(served) = served {
        return Some(Claim::Served { traffic, counts: served.v });
    }
    Some(Claim::Sequence { traffic, servers: sequence.map_or(Vec::new(), |s| s.v) })
}

/// The servers of a sequence; nothing for `-`.
fn sequence(node: &Node<'_>, p: &mut Problems) -> Option<Vec<Option<Spot<String>>>> {
    let list = items(node, "sequence", "[rs1, rs2, \"-\"]", p);
    let server = |n: &Node<'_>, p: &mut Problems| {
        (WORD.read)(n, p).map(|v| if v == "-" { None } else { Some(Spot { v, at: n.at }) })
    };
    Some(list.iter().filter_map(|n| server(n, p)).collect())
}

/// A map from words to numbers.
fn counts(node: &Node<'_>, example: &str, p: &mut Problems) -> Option<Counts> {
    let Kind::Map(entries) = &node.kind else {
        no_map(node, text!("problem-want-map-counts"), example, p);
        return None;
    };
    let read = entries.iter().filter_map(|(key, node)| {
        let n = value::whole(node, 0..=u64::MAX, p)?;
        Some((Spot { v: key.text.trim().to_string(), at: key.at }, n))
    });
    Some(read.collect())
}

fn neighbour(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let address = f.opt(&NEIGHBOUR, p);
    let on = f.need(&ON, p);
    let is = f.need(&IS, p);
    let when = match f.get(AT.row.key) {
        None => Some(Spot { v: At::End, at: f.at() }),
        Some(_) => f.opt(&AT, p),
    };
    // What could not be read is told, and left out: the names are looked up all the same.
    let is = is.filter(|is| is.v != "none");
    let when = when.unwrap_or(Spot { v: At::End, at: f.at() });
    Some(Claim::Neighbour { address: address.map_or(Ipv4Addr::UNSPECIFIED, |a| a.v), on: on?, is, when })
}

fn output(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let inner = f.need_map(&OUTPUT, &COMMAND, COMMAND.example, p).map(|mut o| {
        let node = o.need(&NODE, p);
        let script = o.need(&RUN, p);
        o.finish(p);
        (node, script)
    });
    let contains = f.opt(&CONTAINS, p);
    let equals = f.opt(&EQUALS, p);
    if contains.is_none() && equals.is_none() && f.present(&["contains", "equals"]).is_empty() {
        f.lacks("contains", text!("problem-say-what-prints-contains-text"), p);
        return None;
    }
    let (node, script) = inner?;
    let script = script.map_or(Script { text: "".into(), line: 1 }, |s| s.v);
    Some(Claim::Output { node: node?, script, contains: contains.map(|c| c.v), equals: equals.map(|e| e.v) })
}

fn dropped(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let inner = f.need_map(&DROPPED, &DEATHS, "{ node: rs1, reason: R }", p).map(|mut d| {
        let node = d.need(&DEATH_NODE, p);
        let reason = d.opt(&REASON, p);
        d.finish(p);
        node.map(|node| (node, reason))
    });
    let exactly = f.opt(&EXACTLY, p);
    let least = f.opt(&LEAST, p);
    let most = f.opt(&MOST, p).map(|m| m.v);
    if let (Some(exactly), true) = (&exactly, least.is_some() || most.is_some()) {
        p.error("E019", exactly.at, text!("problem-exactly-leaves-no-room-for"))
            .label(text!("problem-this-number"))
            .help(text!("problem-keep-one-them"));
    }
    let (node, reason) = inner??;
    let (least, most) = match (exactly, least) {
        (Some(n), _) => (n.v, Some(n.v)),
        // Only an upper bound is also met by none.
        (None, None) => (if most.is_some() { 0 } else { 1 }, most),
        (None, Some(n)) => (n.v, most),
    };
    Some(Claim::Dropped { node, reason, least, most })
}
