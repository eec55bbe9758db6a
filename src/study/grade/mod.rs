//! Marking: what students hand in, played in a teacher's lab and held against what the lab expects.
//!
//! What is expected, who connects, what is looked at and the cables are always the lab's ([`merge`]); a submission is a scenario,
//! lines that are typed as in `lvsim lab`, or a script for each host ([`Work`]). One that cannot be read, does not fit or does
//! not come to its end has no marks, and the reason is told. Nothing here does IO: texts come in, [`Graded`] comes out, and
//! [`sheet`], [`page`] and [`junit`] write it down.

pub mod junit;
pub mod merge;
pub mod page;
pub mod script;
pub mod sheet;
#[cfg(test)]
mod tests;
mod words;

use super::sample::Failure;
use crate::base::NodeId;
use crate::lang::{Join, Lang, Text};
use crate::report::run::{Limits, Run, RunOptions, Stop, simulate};
use crate::report::why;
use crate::scenario::causes::cause;
use crate::scenario::grading::Part;
use crate::scenario::problem::Problem;
use crate::scenario::{self, Names, Scenario};
use crate::text;
use std::sync::Arc;

/// Events that a submission may take, unless said otherwise.
pub const EVENTS: u64 = 5_000_000;
/// What is pending and traced of one submission may take so many bytes, roughly.
const MEMORY: u64 = 100 << 20;
/// Lines of shells that failed and are told.
const REFUSED: usize = 20;

/// What an entry of the lab's `expect` is worth.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is called.
    pub title: Text,
    /// What is wanted, in words.
    pub wanted: Text,
    /// Marks; 0: it does not count.
    pub marks: u32,
    /// The author's words when it holds.
    pub pass: Option<String>,
    /// The author's words when it does not.
    pub fail: Option<String>,
    /// The line of the lab's file.
    pub line: u32,
    /// Its expectations, by their place in [`Scenario::expect`]: several where it speaks of a group.
    places: Vec<usize>,
}

/// A lab that is marked by.
#[derive(Debug)]
pub struct Paper<'l> {
    /// The lab.
    pub lab: &'l Scenario,
    /// Its text.
    pub source: &'l str,
    /// Its expectations, in the order of the file.
    pub items: Vec<Item>,
}

impl<'l> Paper<'l> {
    /// Of a lab.
    ///
    /// # Errors
    /// A sentence, if it expects nothing that has marks.
    pub fn new(lab: &'l Scenario, source: &'l str) -> Result<Paper<'l>, Text> {
        let mut items: Vec<(u32, Item)> = Vec::new();
        for (place, expect) in lab.expect.iter().enumerate() {
            match items.last_mut().filter(|(entry, _)| *entry == expect.entry) {
                Some((_, item)) => item.places.push(place),
                None => {
                    let m = expect.marking.clone();
                    let title = m.title.map_or_else(|| words::subject(lab, &expect.what), Text::plain);
                    let wanted = words::wanted(lab, &expect.what);
                    let (marks, line) = (m.marks, expect.line);
                    let item = Item { title, wanted, marks, pass: m.pass, fail: m.fail, line, places: vec![place] };
                    items.push((expect.entry, item));
                }
            }
        }
        let items: Vec<Item> = items.into_iter().map(|(_, item)| item).collect();
        match items.iter().any(|i| i.marks > 0) {
            true => Ok(Paper { lab, source, items }),
            false => Err(text!("grade-no-marks")),
        }
    }

    /// All marks.
    pub fn total(&self) -> u32 {
        self.items.iter().map(|i| i.marks).sum()
    }
}

/// What was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A scenario: its file's name and text.
    Scenario(String, String),
    /// Lines typed as in `lvsim lab`, or a transcript of them.
    Session(String),
    /// A script for each of these hosts, typed at the end of set-up.
    Scripts(Vec<(String, String)>),
}

impl Work {
    /// A text that is a scenario, or else lines that were typed.
    pub fn of_text(file: &str, text: &str) -> Work {
        let named = file.ends_with(".yaml") || file.ends_with(".yml");
        let begins = |l: &str| l.trim_start_matches('\u{feff}').starts_with("lvsim:") || l.starts_with("nodes:");
        match named || text.lines().any(begins) {
            true => Work::Scenario(file.to_string(), text.to_string()),
            false => Work::Session(text.to_string()),
        }
    }

    /// What it is, in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Work::Scenario(..) => "scenario",
            Work::Session(_) => "session",
            Work::Scripts(_) => "scripts of hosts",
        }
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that has marks holds.
    Passed,
    /// Something does not.
    Failed,
    /// It cannot be read, is not valid, or does not fit the lab.
    Invalid,
    /// A limit stopped it.
    Stopped,
}

impl Verdict {
    /// In words.
    pub fn text(self) -> Text {
        match self {
            Verdict::Passed => text!("verdict-passed"),
            Verdict::Failed => text!("verdict-failed"),
            Verdict::Invalid => text!("verdict-invalid"),
            Verdict::Stopped => text!("verdict-stopped"),
        }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Invalid => "invalid",
            Verdict::Stopped => "stopped",
        }
    }
}

/// What came of one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whether it holds.
    pub holds: bool,
    /// What was found.
    pub found: Text,
}

/// What is behind a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The cause's code.
    pub code: &'static str,
    /// Where it is to be mended.
    pub host: String,
    /// What is wrong, in a line.
    pub title: Text,
    /// What happens then.
    pub happens: Text,
    /// The knob as it stands.
    pub detail: Text,
    /// What mends it.
    pub cure: Text,
}

/// A submission with its marks.
#[derive(Clone, Debug)]
pub struct Graded {
    /// Whose it is.
    pub student: String,
    /// The file or folder.
    pub from: String,
    /// What it is: `scenario`, `session`, `scripts of hosts`; empty if that was not seen.
    pub what: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// Why it has no marks, if it was not played to its end.
    pub why_not: Option<Text>,
    /// What is wrong with its file, as it is told at a terminal.
    pub details: Option<Details>,
    /// One for each [`Item`]; nothing if it was not played to its end.
    pub marks: Vec<Mark>,
    /// What is behind what failed.
    pub reasons: Vec<Reason>,
    /// What of it did not count, and other things to know.
    pub notes: Vec<Text>,
}

/// A file with problems.
#[derive(Clone, Debug)]
pub struct Details {
    problems: Vec<Problem>,
    file: String,
    text: String,
}

impl Details {
    /// The problems as they are told at a terminal.
    pub fn say(&self, lang: Lang) -> String {
        scenario::problem::render_in(&self.problems, &self.file, &self.text, false, lang)
    }
}

impl Graded {
    /// A submission without marks, and why.
    pub fn none(student: &str, from: &str, why_not: Text) -> Graded {
        Graded {
            student: student.to_string(),
            from: from.to_string(),
            what: "",
            verdict: Verdict::Invalid,
            why_not: Some(why_not),
            details: None,
            marks: Vec::new(),
            reasons: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What it reached.
    pub fn reached(&self, paper: &Paper<'_>) -> u32 {
        paper.items.iter().zip(&self.marks).filter(|(_, m)| m.holds).map(|(i, _)| i.marks).sum()
    }

    /// What failed, of what has marks.
    pub fn failed<'p>(&'p self, paper: &'p Paper<'_>) -> impl Iterator<Item = &'p Item> {
        paper.items.iter().zip(&self.marks).filter(|(i, m)| i.marks > 0 && !m.holds).map(|(i, _)| i)
    }
}

/// What a submission may take, and what is told of it.
#[derive(Clone, Debug)]
pub struct Options<'n> {
    /// Another seed than the lab's.
    pub seed: Option<u64>,
    /// Events that a submission may take.
    pub events: u64,
    /// The names that a scenario may use; files that it names are the lab's.
    pub names: Names<'n>,
}

/// Plays a submission and marks it. `go_on` is asked every so many events.
///
/// # Errors
/// [`Failure::Interrupted`], if `go_on` says no.
pub fn grade(
    paper: &Paper<'_>,
    student: &str,
    from: &str,
    work: &Work,
    options: &Options<'_>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Graded, Failure> {
    let mut graded = Graded { what: work.word(), ..Graded::none(student, from, Text::none()) };
    let done = match work {
        Work::Scenario(file, text) => of_scenario(paper, file, text, options, &mut graded, go_on),
        Work::Scripts(scripts) => of_scripts(paper, scripts, options, &mut graded, go_on),
        Work::Session(text) => script::play(paper, text, options, &mut graded.notes, go_on)
            .and_then(|run| marked(paper, &run, run.log().lost_records == 0, &mut graded)),
    };
    match done {
        Ok(()) => graded.why_not = None,
        Err(Trouble::Interrupted) => return Err(Failure::Interrupted),
        Err(Trouble::Invalid(why)) => graded.why_not = Some(why),
        Err(Trouble::Stopped(why)) => {
            graded.why_not = Some(why);
            graded.verdict = Verdict::Stopped;
        }
    }
    Ok(graded)
}

/// Why a submission has no marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The caller stopped it.
    Interrupted,
    /// It cannot be played.
    Invalid(Text),
    /// A limit.
    Stopped(Text),
}

fn of_scenario(
    paper: &Paper<'_>,
    file: &str,
    text: &str,
    options: &Options<'_>,
    graded: &mut Graded,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), Trouble> {
    let theirs = match scenario::load(file, text, &[], &options.names) {
        Ok(loaded) => loaded.scenario,
        Err(problems) => {
            let first = first(file, &problems);
            graded.details = Some(Details { problems, file: file.to_string(), text: text.to_string() });
            return Err(Trouble::Invalid(first));
        }
    };
    let merged = merge::merge(paper.lab, &theirs).map_err(Trouble::Invalid)?;
    if !merged.left_out.is_empty() {
        graded.notes.push(text!("grade-left-out", what = Text::list(merged.left_out, Join::Comma)));
    }
    simulated(paper, &merged.scenario, Vec::new(), options, graded, go_on)
}

/// The first problem in a line, and how many there are.
fn first(file: &str, problems: &[Problem]) -> Text {
    let Some(p) = problems.first() else { return text!("grade-no-scenario") };
    let more = match problems.len() {
        1 => Text::none(),
        n => text!("grade-and-more", n = n - 1),
    };
    text!("grade-problem", file, line = p.place.line, column = p.place.column, title = p.title, more)
}

fn of_scripts(
    paper: &Paper<'_>,
    scripts: &[(String, String)],
    options: &Options<'_>,
    graded: &mut Graded,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), Trouble> {
    if !paper.lab.grading.has(Part::Run) {
        return Err(Trouble::Invalid(text!("grade-no-scripts")));
    }
    let mut typed: Vec<(NodeId, Arc<str>)> = Vec::new();
    for (host, text) in scripts {
        let node = paper.lab.node(host).filter(|n| paper.lab.nodes[n.index()].kind.is_host());
        match node {
            None => return Err(Trouble::Invalid(text!("grade-no-host", host))),
            Some(node) if !paper.lab.grading.on(node) => {
                graded.notes.push(text!("grade-host-elsewhere", host));
            }
            Some(node) => typed.push((node, script::unix(text).into())),
        }
    }
    typed.sort_by_key(|t| t.0);
    simulated(paper, paper.lab, typed, options, graded, go_on)
}

/// Plays it, and once more with everything traced if something failed, for the reasons.
fn simulated(
    paper: &Paper<'_>,
    scenario: &Scenario,
    typed: Vec<(NodeId, Arc<str>)>,
    options: &Options<'_>,
    graded: &mut Graded,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), Trouble> {
    let limits = Limits { events: options.events, memory_bytes: MEMORY, ..Limits::default() };
    let mut asked = RunOptions { seed: options.seed, limits, typed, ..RunOptions::default() };
    let run = ended(simulate(scenario, &asked, &mut |_| go_on()))?;
    if run.expectations.iter().all(|e| e.held) {
        return marked(paper, &run, false, graded);
    }
    (asked.trace, asked.decisions) = (true, true);
    let traced = ended(simulate(scenario, &asked, &mut |_| go_on()))?;
    marked(paper, &traced, traced.log().lost_records == 0, graded)
}

/// A run that came to its end, or why it did not.
fn ended(run: Run<'_>) -> Result<Run<'_>, Trouble> {
    match &run.stop {
        Stop::Ended => Ok(run),
        Stop::Interrupted => Err(Trouble::Interrupted),
        Stop::Limit { what, reached, hint } => Err(Trouble::Stopped(text!("grade-stopped", what, reached, hint))),
        Stop::Untold(why) => Err(Trouble::Stopped(Text::plain(why))),
    }
}

/// Marks a run that came to its end; `traced`: what is behind failures can be found.
fn marked(paper: &Paper<'_>, run: &Run<'_>, traced: bool, graded: &mut Graded) -> Result<(), Trouble> {
    let play = run.play();
    let mut typed = play.setup.iter().chain(&play.events);
    if let Some((node, why)) = typed.find_map(|t| Some((t.node, t.stopped.as_ref()?))) {
        let why = why.trim().trim_start_matches("lvsim: ");
        return Err(Trouble::Stopped(text!("warning-of", host = paper.lab.node_name(node), why)));
    }
    graded.marks = paper.items.iter().map(|item| mark(paper, item, run)).collect();
    let passed = graded.failed(paper).next().is_none();
    graded.verdict = if passed { Verdict::Passed } else { Verdict::Failed };
    graded.notes.extend(run.warnings.iter().filter(|w| !w.is("warning-trace-full")).cloned());
    graded.notes.extend(refused(run));
    if !passed {
        match traced {
            true => graded.reasons = reasons(run),
            false => graded.notes.push(text!("grade-too-long")),
        }
    }
    Ok(())
}

fn mark(paper: &Paper<'_>, item: &Item, run: &Run<'_>) -> Mark {
    let all = || item.places.iter().filter_map(|p| Some((*p, run.expectations.get(*p)?)));
    let wrong: Vec<_> = all().filter(|(_, e)| !e.held).collect();
    let found = match (item.places.len(), wrong.as_slice()) {
        (1, _) | (_, []) => all().next().map_or_else(Text::none, |(_, e)| e.found.clone()),
        (_, wrong) => {
            let one = |(p, e): &(usize, &crate::report::run::Judged)| {
                text!("grade-found", subject = words::subject(paper.lab, &paper.lab.expect[*p].what), found = e.found)
            };
            let mut told: Vec<Text> = wrong.iter().take(3).map(one).collect();
            told.extend((wrong.len() > 3).then(|| text!("grade-more", n = wrong.len() - 3)));
            Text::list(told, Join::Semicolon)
        }
    };
    Mark { holds: wrong.is_empty(), found }
}

/// What shells refused: a line for each text whose last command failed.
fn refused(run: &Run<'_>) -> Vec<Text> {
    let play = run.play();
    let failed = |t: &&scenario::play::Typed| {
        !t.observe && t.status.is_some_and(|s| s != 0) && t.stopped.is_none() && !t.out.trim().is_empty()
    };
    let all = play.setup.iter().chain(&play.events).filter(failed);
    let line = |t: &scenario::play::Typed| {
        let last = t.out.trim_end().lines().last().unwrap_or_default();
        text!("grade-said", host = play.scenario.node_name(t.node), line = last.chars().take(200).collect::<String>())
    };
    all.map(line).take(REFUSED).collect()
}

fn reasons(run: &Run<'_>) -> Vec<Reason> {
    let lab = run.lab();
    let found = why::causes::causes(&lab);
    let reason = |f: why::Found| {
        let row = cause(f.code)?;
        let (code, title, happens) = (row.code, row.title(), row.happens());
        Some(Reason { code, host: lab.name(f.node).to_string(), title, happens, detail: f.detail, cure: f.cure })
    };
    found.into_iter().filter_map(reason).collect()
}
