//! `lvsim grade`: what students hand in, held against what a lab expects.

mod find;

use super::exit::{self, Failure};
use super::simulation::{catch_interrupts, interrupted};
use super::ui::Ui;
use super::{input, out, pool, values};
use clap::ValueEnum;
use lvsim::lang::{Lang, Text};
use lvsim::report::Artifact;
use lvsim::report::names::names;
use lvsim::report::tables::Format as Table;
use lvsim::scenario::Names;
use lvsim::scenario::files::ReadFile;
use lvsim::study::grade::{EVENTS, Graded, Options, Paper, Verdict, grade, junit, page, sheet};
use std::path::PathBuf;

/// Mark what students hand in by what a lab expects.
///
/// A SUBMISSION is a file, a student's folder, or a folder of many: a scenario (.yaml); lines typed as in `lvsim lab`, or a
/// transcript of them; or a script for each host (director.sh, rs1.sh), typed there at the end of set-up. The name of the file
/// or folder is the student's.
///
/// The lab says what is expected, who connects, what breaks and when, the cables and the seed, whatever a submission says. Of a
/// submitted scenario count the hosts' addresses, gateway, routes, sysctl, run, and what its timeline types beyond the lab's;
/// the lab's `grade` may narrow that.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim grade lab.yaml alice.yaml                     one submission
  lvsim grade lab.yaml class/ -o marks                a class: table, grades.csv, .json, .xml, a page for each
  lvsim grade lab.yaml class/ --format csv > marks.csv
  lvsim grade lab.yaml . --format junit > grades.xml  for a build server, in a student's own repository
  lvsim grade lab.yaml class/ -o marks --no-hints     the pages tell causes, not what mends them

In the lab, an expectation may have marks and words:
  - { traffic: web, outcomes: { ok: 6 }, marks: 2, title: Everybody is served, fail: Look at the client's ARP cache. }

Limits: 10000 submissions, 1 MiB a file, 200 files a folder, 10000 lines of a session, 1000 added entries of a timeline,
an hour of simulated time for a line, and --max-events. Links are not followed, hidden files not read.
A submission that cannot be read or reaches a limit has no marks, and the reason is told.

Exits with 0 if all pass, with 1 if somebody does not, with 3 if the lab is not valid.")]
pub struct Args {
    /// The lab: a scenario with `expect`
    #[arg(value_name = "LAB")]
    lab: String,
    /// What was handed in: files and folders
    #[arg(required = true, value_name = "SUBMISSION")]
    submissions: Vec<String>,
    /// How to print the sheet
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Write grades.csv, grades.json, grades.xml and a page for each student, NAME.md, into this folder
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Name causes, but neither the knob nor what mends them
    #[arg(long)]
    no_hints: bool,
    /// Draw other random numbers than the lab's own seed gives
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Change a key of the lab, such as `traffic.web.connections=50`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Give a submission up after so many events (`20M`)
    #[arg(long, value_name = "N", value_parser = values::events, default_value_t = EVENTS, help_heading = "Limits")]
    max_events: u64,
    /// Threads; all processors unless said. The sheet does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Show no progress and no notes
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// In columns, for people
    Human,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
    /// JUnit's XML, for build servers
    Junit,
}

impl Args {
    /// One submission after the other, on all processors; what is wrong with one does not stop the others.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let loaded = input::load(&self.lab, &self.set, ui)?;
        let paper = Paper::new(&loaded.scenario, &loaded.text)
            .map_err(|why| Failure::invalid(format!("`{}` cannot be marked by: {}", loaded.file, ui.say(&why))))?;
        let hosts: Vec<&str> =
            loaded.scenario.nodes.iter().filter(|n| n.kind.is_host()).map(|n| n.name.as_str()).collect();
        let mut notes = Vec::new();
        let found = find::find(&self.submissions, &hosts, &mut notes)?;
        notes.iter().for_each(|note| ui.note(note));
        catch_interrupts()?;
        let todo: Vec<(usize, find::Found)> = found.into_iter().enumerate().collect();
        let done = pool::all("submissions", &todo, self.threads, ui, |(place, found), go_on| {
            self.one(&paper, found, go_on).map(|graded| (*place, graded))
        });
        if let Some(why) = done.failed {
            return Err(Failure::usage(why));
        }
        let partial = done.results.len() < todo.len();
        let mut results = done.results;
        results.sort_by_key(|r| r.0);
        let graded: Vec<Graded> = results.into_iter().map(|r| r.1).collect();
        let hints = !self.no_hints;
        if let Some(folder) = &self.output {
            out::write_all(folder, &artifacts(&paper, &graded, hints, ui.langs.programs), partial)?;
        }
        ui.out.text(&match self.format {
            Format::Human => sheet::print(&paper, &graded, Table::Human, hints, ui.langs.people),
            Format::Json => sheet::print(&paper, &graded, Table::Json, hints, ui.langs.programs),
            Format::Csv => sheet::print(&paper, &graded, Table::Csv, hints, ui.langs.programs),
            Format::Junit => junit::xml(&paper, &graded, hints, ui.langs.programs),
        })?;
        if partial {
            ui.error(&format!("interrupted: {} of {} submissions are marked", graded.len(), todo.len()));
            return Ok(exit::INTERRUPTED);
        }
        let all = graded.iter().all(|g| g.verdict == Verdict::Passed);
        Ok(if all { exit::SUCCESS } else { exit::FAILED })
    }

    fn one(
        &self,
        paper: &Paper<'_>,
        found: &find::Found,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Graded, lvsim::study::sample::Failure> {
        let read = found.files.as_ref().map_err(Clone::clone).and_then(find::Files::read);
        let mut graded = match read {
            Err(why) => Graded::none(&found.student, &found.from, Text::plain(why)),
            Ok(work) => {
                // Files that a scenario names belong to the traffic, which is the lab's.
                let beside = |name: &str| input::read_beside(&self.lab, name);
                let names = Names { read_file: Some(ReadFile(&beside)), ..names() };
                let options = Options { seed: self.seed, events: self.max_events, names };
                grade(paper, &found.student, &found.from, &work, &options, &mut || go_on() && !interrupted())?
            }
        };
        graded.notes.extend(found.notes.iter().map(Text::plain));
        Ok(graded)
    }
}

fn artifacts(paper: &Paper<'_>, all: &[Graded], hints: bool, lang: Lang) -> Vec<Artifact> {
    let sheet = |name: &str, text: String| Artifact { name: name.into(), bytes: text.into_bytes() };
    let mut out = vec![
        sheet("grades.csv", sheet::print(paper, all, Table::Csv, hints, lang)),
        sheet("grades.json", sheet::print(paper, all, Table::Json, hints, lang)),
        sheet("grades.xml", junit::xml(paper, all, hints, lang)),
    ];
    out.extend(all.iter().map(|g| sheet(&format!("{}.md", g.student), page::page(paper, g, hints, lang))));
    out
}
