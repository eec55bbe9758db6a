//! One call from a scenario to everything a run yields. No IO: texts and bytes come out, the command line writes them.

use super::filter::TraceFilter;
use super::log::Judged as LogJudged;
use super::record::{self, SetupOutput};
use super::rows::{connection_rows, event_rows, marks, node_info, services, typed_rows};
use super::tables::{self, Format};
use super::why::Lab;
use super::{Artifact, RunLog, effective, markdown, pcap, show, snapshot, story};
use crate::base::{NodeId, Seed, Span};
use crate::engine::world::{LimitReached, Limits as WorldLimits, World};
use crate::lang::{Lang, Text};
use crate::scenario::Scenario;
use crate::scenario::play::{Ending, Play};
use crate::text;
use crate::trace::{Spooling, TraceMask, Tracer};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The bounds of a run. Reaching one ends the run, and is told.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Events.
    pub events: u64,
    /// Simulated time from t = 0, where the scenario names no `duration`.
    pub simulated: Span,
    /// Bytes for what is pending and for the trace, roughly.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { events: 500_000_000, simulated: Span::from_secs(3600), memory_bytes: 2 << 30 }
    }
}

/// What a caller may want otherwise than the file says.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Another seed.
    pub seed: Option<u64>,
    /// Another end.
    pub until: Option<Span>,
    /// Keep every frame and verdict, for stories and captures.
    pub trace: bool,
    /// Keep every step of every packet as well, for `why`.
    pub decisions: bool,
    /// Keep these kinds and nothing else of what is traced.
    pub only: Option<TraceMask>,
    /// Where the trace goes when it is too long for memory, if it is to be told by stories, captures, records and reports only:
    /// what else reads a trace needs it in memory. Without decisions.
    pub spooling: Option<Spooling>,
    /// The bounds.
    pub limits: Limits,
    /// What is typed at the end of set-up, after everything that the file types there.
    pub typed: Vec<(NodeId, Arc<str>)>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Nanoseconds since t = 0.
    pub simulated_ns: u64,
    /// Where it ends, if that is known.
    pub total_ns: Option<u64>,
    /// Events so far.
    pub events: u64,
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As the scenario wants it.
    Ended,
    /// A limit.
    Limit {
        /// Which.
        what: Text,
        /// How far it got.
        reached: Text,
        /// What to do.
        hint: Text,
    },
    /// The caller stopped it.
    Interrupted,
    /// The trace could not be put aside, and why: there is nothing to tell.
    Untold(String),
}

/// An expectation and what came of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The line of the file.
    pub line: u32,
    /// How it is written.
    pub text: String,
    /// Whether it holds.
    pub held: bool,
    /// What was found.
    pub found: Text,
}

/// A run that is over.
#[derive(Debug)]
pub struct Run<'s> {
    /// The scenario's name.
    pub name: String,
    /// The seed that was used.
    pub seed: u64,
    /// How it ended.
    pub stop: Stop,
    /// Events handled.
    pub events: u64,
    /// Frames, each counted once for every cable it crossed.
    pub frames: u64,
    /// Over all events.
    pub fingerprint: u64,
    /// Expectations.
    pub expectations: Vec<Judged>,
    /// What a user should know: limits of the trace, programs that are not simulated, loops of switches.
    pub warnings: Vec<Text>,
    play: Play<'s>,
    tracer: Tracer,
    spooling: Option<Spooling>,
}

/// Writes a file.
pub type Fill = fn(&Run<'_>, &mut dyn io::Write) -> io::Result<()>;

/// The files of a run that are as long as its trace, by name, and what writes them. The short ones are [`Run::artifacts`].
pub const DOCUMENTS: &[(&str, Fill)] =
    &[("frames.pcapng", |run, out| run.write_pcapng(out)), ("record.json", |run, out| run.write_record(out))];

/// Bytes that a record of the trace takes, roughly.
const RECORD_BYTES: u64 = 250;
/// Bytes that a pending frame takes, roughly.
const PENDING_BYTES: u64 = 150;

/// Plays a scenario. `progress` is called every so often; when it answers false, the run is interrupted.
pub fn simulate<'s>(
    scenario: &'s Scenario,
    options: &RunOptions,
    progress: &mut dyn FnMut(&Progress) -> bool,
) -> Run<'s> {
    let seed = Seed(options.seed.unwrap_or(scenario.seed));
    let memory = options.limits.memory_bytes;
    let limits = WorldLimits {
        events: options.limits.events,
        pending: usize::try_from(memory / 2 / PENDING_BYTES).unwrap_or(usize::MAX),
        ..WorldLimits::default()
    };
    let all = if options.decisions { TraceMask::ALL | TraceMask::DECISIONS } else { TraceMask::ALL };
    let mask = options.only.unwrap_or(all);
    let kept = usize::try_from(memory / 2 / RECORD_BYTES).unwrap_or(usize::MAX);
    // Reports take a share of the memory, too, but a small one.
    let spooling = options.spooling.filter(|_| !options.decisions).map(|s| Spooling {
        kept: s.kept.min(kept),
        report_bytes: s.report_bytes.min(usize::try_from(memory / 8).unwrap_or(usize::MAX)),
        ..s
    });
    let mut tracer = match (options.trace || options.decisions, &spooling) {
        (true, Some(spooling)) => Tracer::spooling(mask, spooling),
        (true, None) => Tracer::new(mask, kept),
        (false, _) => Tracer::off(),
    };
    let failed = tracer.failed();
    let until = options.until.or(scenario.duration);
    let mut go_on = |world: &World, zero_to: Option<crate::base::SimTime>| {
        let total_ns = zero_to.map(|_| until.map_or(options.limits.simulated.0, |u| u.0));
        let simulated_ns = world.now.0.min(total_ns.unwrap_or(u64::MAX));
        let go_on = progress(&Progress { simulated_ns, total_ns, events: world.events });
        go_on && !failed.load(Ordering::Relaxed)
    };
    let (play, ending) = match Play::set_up(scenario, seed, limits, options.until, &mut tracer, &mut go_on) {
        Ok(mut play) => {
            let more = |(node, text): &(NodeId, Arc<str>)| play.type_more(*node, text, seed, &mut tracer, &mut go_on);
            let ending = match options.typed.iter().try_for_each(more) {
                Ok(()) => play.run(seed, &mut tracer, &mut go_on),
                Err(ending) => ending,
            };
            play.ended = play.world.now;
            (play, ending)
        }
        Err(early) => *early,
    };
    Run::over(play, &ending, tracer, seed, spooling)
}

fn judged(j: crate::scenario::play::Judged) -> Judged {
    Judged { line: j.line, text: j.text, held: j.holds, found: j.found }
}

fn stop(ending: &Ending, play: &Play<'_>) -> Stop {
    let limit = |what, reached, hint| Stop::Limit { what, reached, hint };
    let name = |id: NodeId| play.scenario.node_name(id).to_string();
    match ending {
        Ending::Complete => Stop::Ended,
        Ending::Interrupted => Stop::Interrupted,
        Ending::Limit(LimitReached::Events(n)) => {
            limit(text!("limit-events"), Text::plain(n.to_string()), text!("limit-events-hint"))
        }
        Ending::Limit(LimitReached::Pending(n)) => {
            limit(text!("limit-memory"), text!("limit-pending", n), text!("limit-memory-hint"))
        }
        Ending::Limit(LimitReached::Storm(at)) => {
            limit(text!("limit-storm"), text!("limit-storm-reached", switch = name(*at)), text!("limit-storm-hint"))
        }
        Ending::SetupTooLong(at) => {
            limit(text!("limit-time"), text!("limit-setup", host = name(*at)), text!("limit-setup-hint"))
        }
    }
}

impl<'s> Run<'s> {
    /// A play that has come to this ending; what the file expects is judged.
    pub(crate) fn over(
        play: Play<'s>,
        ending: &Ending,
        tracer: Tracer,
        seed: Seed,
        spooling: Option<Spooling>,
    ) -> Run<'s> {
        let expectations = match ending {
            Ending::Complete => play.judge(seed).into_iter().map(judged).collect(),
            _ => Vec::new(),
        };
        let stop = match tracer.failure() {
            Some(error) => Stop::Untold(error.to_string()),
            None => stop(ending, &play),
        };
        let so_far = Run::so_far(play, tracer, seed);
        let mut run = Run { stop, expectations, spooling, ..so_far };
        run.warnings = run.find_warnings();
        run
    }

    /// A run as far as it got, for reports on one that goes on.
    pub(crate) fn so_far(play: Play<'s>, tracer: Tracer, seed: Seed) -> Run<'s> {
        Run {
            name: play.scenario.name.clone(),
            seed: seed.0,
            stop: Stop::Ended,
            events: play.world.events,
            frames: play.world.ledger.sent,
            fingerprint: play.world.fingerprint(),
            expectations: Vec::new(),
            warnings: Vec::new(),
            spooling: None,
            play,
            tracer,
        }
    }

    /// Its trace, once the report is made.
    pub(crate) fn into_tracer(self) -> Tracer {
        self.tracer
    }
}

impl Run<'_> {
    /// The run as reports read it.
    pub fn log(&self) -> RunLog<'_> {
        RunLog { connections: connection_rows(&self.play).collect(), ..self.log_without_connections() }
    }

    /// The same for those who read connections one by one or not at all: a million of them take 100 MB.
    fn log_without_connections(&self) -> RunLog<'_> {
        let play = &self.play;
        let (scenario, world) = (play.scenario, &play.world);
        RunLog {
            name: scenario.name.clone(),
            title: if scenario.title.is_empty() { scenario.name.clone() } else { scenario.title.clone() },
            about: scenario.about.clone(),
            seed: self.seed,
            zero: play.zero,
            ended: play.ended,
            nodes: (0..world.nodes.len()).map(|i| node_info(play, NodeId(i as u32))).collect(),
            records: self.tracer.records(),
            aside: self.tracer.aside(),
            lost_records: self.tracer.lost(),
            connections: Vec::new(),
            expectations: self
                .expectations
                .iter()
                .map(|j| LogJudged { source: j.text.clone(), holds: j.held, found: j.found.clone() })
                .collect(),
            services: services(play),
            typed: typed_rows(play),
            marks: marks(play),
            texts: world.texts.all(),
            bytes: world.texts.all_bytes(),
            events: self.events,
            frames: self.frames,
        }
    }

    /// The run opened for `why`; it has to be traced with its decisions ([`RunOptions::decisions`]).
    pub fn lab(&self) -> Lab<'_> {
        Lab::new(self.log(), &self.play)
    }

    /// What was played, with the world as it is at the end.
    pub(crate) fn play(&self) -> &Play<'_> {
        &self.play
    }

    /// What happened, for people.
    ///
    /// # Errors
    /// If a trace that was put aside cannot be read.
    pub fn story(&self, color: bool, lang: Lang) -> io::Result<String> {
        story::story(&self.log(), color, lang)
    }

    /// The short files of a run: charts and the report; see [`DOCUMENTS`] for the long ones. `png`: charts as PNG besides. Charts
    /// need the feature `cli`, which brings the font.
    ///
    /// # Errors
    /// If a trace that was put aside cannot be read.
    #[cfg_attr(not(feature = "cli"), expect(unused_variables))]
    pub fn artifacts(&self, png: bool, lang: Lang) -> io::Result<Vec<Artifact>> {
        let log = self.log();
        let mut out = Vec::new();
        #[cfg(feature = "cli")]
        match super::charts::draw::charts(&log, png) {
            Ok(charts) => out.extend(charts),
            Err(error) => out.push(Artifact { name: "charts.failed.txt".into(), bytes: error.into_bytes() }),
        }
        let tables = snapshot::text_tables(&self.play);
        out.push(markdown::report(&log, &tables, &format!("{}.yaml", self.name), lang)?);
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(out)
    }

    /// Writes the record, to be held against a kernel's.
    ///
    /// # Errors
    /// If `out` does not take it, or what was put aside cannot be written or read.
    pub fn write_record(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let play = &self.play;
        let name = |id: NodeId| play.scenario.node_name(id).to_string();
        let setup: Vec<SetupOutput> = play
            .setup
            .iter()
            .map(|t| SetupOutput { node: name(t.node), rc: t.status.map_or(0, i32::from), out: t.out.clone() })
            .collect();
        let parts = record::Parts {
            connections: &mut connection_rows(play),
            ports: play.world.workloads.iter().flat_map(|w| w.results.iter().map(|r| r.port)).collect(),
            hosts: &mut snapshot::hosts(play),
            setup: &setup,
            events: &event_rows(play),
            spooling: self.spooling.as_ref(),
        };
        record::write(&self.log_without_connections(), parts, out)
    }

    /// Writes every frame as a capture for Wireshark.
    ///
    /// # Errors
    /// See [`Run::write_record`].
    pub fn write_pcapng(&self, out: &mut dyn io::Write) -> io::Result<()> {
        pcap::write(&self.log_without_connections(), out)
    }

    /// The record in memory, of a run whose trace is there. Panics if a spool fails: see [`Run::write_record`] for those.
    pub fn record_json(&self) -> String {
        let mut out = Vec::new();
        self.write_record(&mut out).expect("the trace is in memory, and so is the record");
        String::from_utf8(out).expect("JSON is text")
    }

    /// The capture in memory, of a run whose trace is there. Panics if a spool fails: see [`Run::write_pcapng`] for those.
    pub fn pcapng(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_pcapng(&mut out).expect("the trace is in memory, and so is the capture");
        out
    }

    /// Every frame as tcpdump prints it, as far as the filter wants it.
    pub fn trace_lines(&self, filter: &TraceFilter) -> Vec<String> {
        super::trace_lines::lines(&self.log(), filter)
    }

    /// The same of what was traced after the first `since` records.
    pub fn trace_lines_since(&self, filter: &TraceFilter, since: usize) -> Vec<String> {
        super::trace_lines::lines_since(&self.log(), filter, since)
    }

    /// A packet's headers hop by hop; none if no device saw it.
    pub fn passport(&self, id: u32, format: Format) -> Option<String> {
        let shown = super::passport::passport(&self.log(), id, format)?;
        if format != Format::Json {
            return Some(shown);
        }
        let head = json!({ "schema_version": 1, "name": self.name, "packet": id });
        Some(tables::enveloped(&head, &shown))
    }

    /// One table of one node as it is at the run's end, for people or programs; none if there is no such node, or it is
    /// none of those that have the table ([`show::TableRow::is_of_hosts`]).
    pub fn show(&self, table: &show::TableRow, node: &str, format: Format, lang: Lang) -> Option<String> {
        let shown = show::show(&self.play, &self.log(), table, node, format, lang)?;
        if format != Format::Json {
            return Some(shown);
        }
        Some(tables::enveloped(&self.head(node, table.name), &shown))
    }

    /// Kernel variables of a host as they count, each with where it came from; the run has to be traced with its commands
    /// ([`TraceMask::RAN`] and [`TraceMask::TYPED`]). `source` is the scenario's text. None if there is no such host.
    ///
    /// # Errors
    /// See [`effective::effective`].
    pub fn effective(
        &self,
        node: &str,
        source: &str,
        wanted: &effective::Wanted,
        format: Format,
        lang: Lang,
    ) -> Option<Result<String, effective::NoVariable>> {
        let host = self.play.world.nodes.iter().find(|n| &**n.name() == node)?.host()?;
        let shown = effective::effective(&self.play, self.tracer.records(), source, host, wanted, format, lang);
        Some(shown.map(|shown| match format {
            Format::Json => tables::enveloped(&self.head(node, "sysctl"), &shown),
            _ => shown,
        }))
    }

    /// What stands before the rows of a table.
    fn head(&self, node: &str, table: &str) -> serde_json::Value {
        json!({
            "schema_version": 1,
            "name": self.name,
            "node": node,
            "table": table,
            "at_ns": self.play.ended.since_zero(self.play.zero),
        })
    }

    fn find_warnings(&self) -> Vec<Text> {
        let play = &self.play;
        let mut out: Vec<Text> = play.complaints.iter().map(Text::plain).collect();
        for typed in play.setup.iter().chain(&play.events) {
            let mut names: Vec<&str> = typed.not_simulated.iter().map(|(_, n)| n.as_str()).collect();
            names.dedup();
            if let Some(why) = &typed.stopped {
                out.push(text!("warning-of", host = play.scenario.node_name(typed.node), why));
            }
            for program in names {
                out.push(text!("warning-not-simulated", host = play.scenario.node_name(typed.node), program));
            }
        }
        for host in play.world.nodes.iter().filter_map(|n| n.host()) {
            for (path, value) in host.net.sysctl.changed_without_effect() {
                out.push(text!("warning-stored-only", host = host.name, path, value));
            }
        }
        if self.tracer.lost() > 0 {
            let option = if self.spooling.is_some() { "--max-trace" } else { "--max-memory" };
            out.push(text!("warning-trace-full", n = self.tracer.lost(), option));
        }
        out.dedup();
        out
    }
}
