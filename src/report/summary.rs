//! The object of `run --json`, written as it is made: of a million connections none waits in memory. Keys stand in the
//! order of the alphabet.

use super::rows::connection_rows;
use super::run::Run;
use crate::lang::Lang;
use crate::node::Node;
use serde::{Serialize, Serializer};

/// What only the caller can measure of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Measured {
    /// The most memory that the process ever held, in bytes; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// Seconds.
    pub wall_s: f64,
}

/// The object.
#[derive(Debug, Serialize)]
pub struct Summary<'r> {
    #[serde(serialize_with = "connections")]
    connections: &'r Run<'r>,
    drops: Vec<Drops<'r>>,
    ended_at_ns: i64,
    engine: Engine,
    expectations: Vec<Expectation<'r>>,
    name: &'r str,
    /// Only an interrupted run says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<bool>,
    schema_version: u32,
    seed: u64,
}

#[derive(Debug, Serialize)]
struct Drops<'r> {
    count: u64,
    node: &'r str,
    reason: &'r str,
}

#[derive(Debug, Serialize)]
struct Engine {
    events: u64,
    frames: u64,
    #[serde(flatten)]
    measured: Measured,
}

#[derive(Debug, Serialize)]
struct Expectation<'r> {
    found: String,
    holds: bool,
    line: u32,
    text: &'r str,
}

#[derive(Serialize)]
struct Connection<'r> {
    client: &'r str,
    end_ns: Option<i64>,
    index: u32,
    outcome: &'static str,
    server: Option<&'r str>,
    start_ns: i64,
    traffic: &'r str,
}

impl<'r> Summary<'r> {
    /// Of a run; `partial`: it was interrupted.
    pub fn new(run: &'r Run<'r>, measured: Measured, partial: bool, lang: Lang) -> Summary<'r> {
        let play = run.play();
        let drops = play.world.nodes.iter().flat_map(|node| {
            let counts = match node {
                Node::Host(h) => &h.drops,
                Node::Switch(s) => &s.drops,
            };
            counts.iter().map(|(code, n)| Drops { count: *n, node: node.name(), reason: code })
        });
        let expectations = run.expectations.iter();
        Summary {
            connections: run,
            drops: drops.collect(),
            ended_at_ns: play.ended.since_zero(play.zero),
            engine: Engine { events: run.events, frames: run.frames, measured },
            expectations: expectations
                .map(|j| Expectation { found: j.found.say(lang), holds: j.held, line: j.line, text: &j.text })
                .collect(),
            name: &run.name,
            partial: partial.then_some(true),
            schema_version: 1,
            seed: run.seed,
        }
    }
}

fn connections<S: Serializer>(run: &&Run<'_>, to: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeSeq;
    let play = run.play();
    let mut rows = to.serialize_seq(None)?;
    for c in connection_rows(play) {
        rows.serialize_element(&Connection {
            client: &c.client,
            end_ns: c.end.map(|end| end.since_zero(play.zero)),
            index: c.index,
            outcome: c.outcome.word(),
            server: c.server.as_deref(),
            start_ns: c.start.since_zero(play.zero),
            traffic: &c.traffic,
        })?;
    }
    rows.end()
}
