//! `expect`: what must come out.

use crate::scenario::grading::{Marking, read_marking};
use crate::scenario::model::{At, Outcome};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::spec::read::{Fields, items, wrong};
use crate::scenario::spec::value::{self, Script};
use crate::scenario::spec::{Spot, address};
use crate::scenario::tree::{Kind, Mark, Node};
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

const FORMS: &str = "the forms are { traffic: web, outcomes: { ok: 12 } }, { neighbour: 192.168.1.200, on: client, is: director }, \
                     { output: { node: director, run: ipvsadm -Ln }, contains: TEXT } and { dropped: { node: rs1, reason: R } }";

/// Reads one expectation.
pub(crate) fn read(node: &Node<'_>, p: &mut Problems) -> Option<Expect> {
    let mut f = Fields::new(node, "an expectation", "{ traffic: web, outcomes: { ok: 12 } }", p)?;
    let mut kinds: Vec<(Mark, &'static str)> = Vec::new();
    for key in ["traffic", "neighbour", "output", "dropped"] {
        if let Some((k, _)) = f.get(key) {
            kinds.push((k.at, key));
        }
    }
    kinds.sort_unstable();
    let marking = read_marking(&mut f, p);
    let claim = match kinds.as_slice() {
        [(_, "traffic")] => traffic(&mut f, p),
        [(_, "neighbour")] => neighbour(&mut f, p),
        [(_, "output")] => output(&mut f, p),
        [(_, "dropped")] => dropped(&mut f, p),
        [(_, first), (at, second), ..] => {
            p.error("E019", *at, format!("an expectation is of `{first}` or of `{second}`, not of both"))
                .label("the second one")
                .help("make two expectations of it");
            return None;
        }
        _ => {
            // A mistyped key is the cause then, and the keys that go with it are right.
            let mut wanted = None;
            for key in ["outcomes", "served", "sequence"] {
                if f.refuse(key).is_some() {
                    wanted = Some("traffic");
                }
            }
            for key in ["on", "is", "at", "contains", "equals", "at_least", "at_most", "exactly"] {
                f.refuse(key);
            }
            if !f.unread() {
                match wanted {
                    Some(key) => f.missing(key, "say of which: `traffic: web`", p),
                    None => {
                        p.error("E015", node.at, "an expectation of nothing")
                            .label("no form has only these keys")
                            .help(FORMS);
                    }
                }
            }
            None
        }
    };
    f.finish(p);
    Some(Expect { at: node.at, what: claim?, marking })
}

fn name(node: &Node<'_>, p: &mut Problems) -> Option<String> {
    value::text(node, p).map(|t| t.trim().to_string())
}

fn traffic(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let traffic = f.opt("traffic", p, name);
    let mut said = Vec::new();
    for key in ["outcomes", "served", "sequence"] {
        if let Some((k, _)) = f.get(key) {
            said.push((k.at, key));
        }
    }
    said.sort_unstable();
    match said.as_slice() {
        [] => {
            f.missing(
                "outcomes",
                "say what: `outcomes: { ok: 12 }`, `served: { rs1: 9 }` or `sequence: [rs1, rs2]`",
                p,
            );
            return None;
        }
        [_] => {}
        [(_, first), (at, second), ..] => {
            p.error("E019", *at, format!("one expectation has `{first}` or `{second}`, not both"))
                .label("the second one")
                .help("make two expectations of it");
            return None;
        }
    }
    let outcomes = f.opt("outcomes", p, |n, p| counts(n, "{ ok: 12 }", p));
    let served = f.opt("served", p, |n, p| counts(n, "{ rs1: 9, rs2: 3 }", p));
    let sequence = f.opt("sequence", p, |n, p| {
        let list = items(n, "sequence", "[rs1, rs2, \"-\"]", p);
        Some(
            list.iter()
                .filter_map(|n| name(n, p).map(|v| (v != "-").then_some(Spot { v, at: n.at })))
                .collect::<Vec<_>>(),
        )
    });
    let traffic = traffic?;
    if let Some(outcomes) = outcomes {
        let mut counts = Vec::new();
        for (word, n) in outcomes.v {
            match OUTCOMES.iter().find(|o| o.0 == word.v) {
                Some(&(_, outcome)) => counts.push((outcome, n)),
                None => {
                    let similar = p.similar(&word.v, OUTCOMES.iter().map(|o| o.0));
                    p.error("E030", word.at, format!("{} is no outcome", quote(&word.v)))
                        .label("not one of ok, refused, reset, unreachable, timeout")
                        .suggest(similar, "write for example `outcomes: { ok: 12 }`");
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

/// A map from words to numbers.
fn counts(node: &Node<'_>, example: &str, p: &mut Problems) -> Option<Vec<(Spot<String>, u64)>> {
    let Kind::Map(entries) = &node.kind else {
        wrong(node, "a map of counts", example, p);
        return None;
    };
    let read = entries.iter().filter_map(|(key, node)| {
        let n = value::whole(node, 0..=u64::MAX, p)?;
        Some((Spot { v: key.text.trim().to_string(), at: key.at }, n))
    });
    Some(read.collect())
}

fn neighbour(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let address = f.opt("neighbour", p, address::address);
    let on = f.need("on", "say whose cache: `on: client`", p, name);
    let is = f.need("is", "say whom it must name: `is: director`, or `is: none`", p, name);
    let when = match f.get("at") {
        None => Some(Spot { v: At::End, at: f.at() }),
        Some(_) => f.opt("at", p, value::when),
    };
    // What could not be read is told, and left out: the names are looked up all the same.
    let is = is.filter(|is| is.v != "none");
    let when = when.unwrap_or(Spot { v: At::End, at: f.at() });
    Some(Claim::Neighbour { address: address.map_or(Ipv4Addr::UNSPECIFIED, |a| a.v), on: on?, is, when })
}

fn output(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let inner = f.need_map("output", "{ node: director, run: ipvsadm -Ln }", p).map(|mut o| {
        let node = o.need("node", "say where: `node: director`", p, name);
        let script = o.need("run", "say what is typed: `run: ipvsadm -Ln`", p, value::script);
        o.finish(p);
        (node, script)
    });
    let contains = f.opt("contains", p, value::text);
    let equals = f.opt("equals", p, value::text);
    if contains.is_none() && equals.is_none() && f.get("contains").is_none() && f.get("equals").is_none() {
        f.missing("contains", "say what it prints: `contains: TEXT`, or `equals: TEXT` for all of it", p);
        return None;
    }
    let (node, script) = inner?;
    let script = script.map_or(Script { text: "".into(), line: 1 }, |s| s.v);
    Some(Claim::Output { node: node?, script, contains: contains.map(|c| c.v), equals: equals.map(|e| e.v) })
}

fn dropped(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Claim> {
    let inner = f.need_map("dropped", "{ node: rs1, reason: R }", p).map(|mut d| {
        let node = d.need("node", "say where: `node: rs1`", p, name);
        let reason = d.opt("reason", p, name);
        d.finish(p);
        node.map(|node| (node, reason))
    });
    let number = |n: &Node<'_>, p: &mut Problems| value::whole(n, 0..=u64::MAX, p);
    let exactly = f.opt("exactly", p, number);
    let least = f.opt("at_least", p, number);
    let most = f.opt("at_most", p, number).map(|m| m.v);
    if let (Some(exactly), true) = (&exactly, least.is_some() || most.is_some()) {
        p.error("E019", exactly.at, "`exactly` leaves no room for `at_least` and `at_most`")
            .label("this number")
            .help("keep one of them");
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
