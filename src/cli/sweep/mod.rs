//! `lvsim sweep`: a scenario over a grid of values and seeds, on all processors or many machines; the rows are the same.
//!
//! [`points`] checks the grid, [`store`] has the files, [`merge`] puts shards together.

mod merge;
mod points;
mod store;

use super::exit::{self, Failure};
use super::list::Format;
use super::pool;
use super::simulation::catch_interrupts;
use super::ui::{Ui, count};
use lvsim::engine::world::Limits;
use lvsim::study::measures::Measure;
use lvsim::study::sample::{Case, Failure as NoResult, run_one};
use lvsim::study::sweep::axis::Axis;
use lvsim::study::sweep::columns::{self, Column, Told};
use lvsim::study::sweep::plan::{self, SCHEMA_VERSION, Study, shard_of};
use lvsim::study::sweep::summary::{self, SHOWN, Summary};
use lvsim::study::variant::{self, Variant};
use points::{Recent, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use store::{Journal, PARTIAL, ROWS, Rows, STUDY};

/// Run a scenario over a grid of values and seeds: one row for each run, as CSV and JSON Lines.
///
/// Runs are kept as they end: the same command goes on where it was stopped. Rows depend on nothing but the scenario, the
/// values and the seed, so that threads, shards and machines make the same files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Values of --set:
  PATH=VALUE            the same for all runs
  PATH=A..B/N           N values from A to B, both included: 1ms..10ms/4, 10/s..100/s/10, 1..8/8
  PATH=A..B/Nlog        the same with equal ratios: 1kB..1MB/4log
  'PATH={a, b, c}'      these values; in quotes, since a shell takes braces apart

Examples:
  lvsim sweep web.yaml --set traffic.web.rate=100/s..400/s/7 --schedulers rr,wlc --seeds 20
  lvsim sweep web.yaml --set 'defaults.server.discipline={fcfs, ps}' --measure mean,p99.9
  lvsim sweep web.yaml --set defaults.link.latency=10us..10ms/4log --shard 3/16
  lvsim sweep --merge output/web/sweep        puts shards together

The row of a run has what runs it again: `lvsim run FILE --seed SEED --set PATH=VALUE …`.
Exits with 1 if a run has no result (its row says why) or runs are missing in a merge.")]
pub struct Args {
    /// The scenario, `-` is stdin; with --merge shards, or the folder that they are in
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Change a key of the file: one value, a range or a list; may be repeated
    #[arg(long, value_name = "PATH=VALUES")]
    set: Vec<String>,
    /// Run every point under each of these schedulers, with commas between them
    #[arg(long, value_name = "LIST", alias = "scheduler", value_parser = variant::schedulers)]
    schedulers: Option<std::vec::Vec<Variant>>,
    /// How many seeds each point runs with
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    #[command(flatten)]
    runs: pool::RunsArgs,
    /// Do one of N parts of the study: every N-th run, counted from 1
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(u64, u64)>,
    /// Put shards together
    #[arg(long, conflicts_with_all = ["set", "schedulers", "seed", "until", "max_events", "shard", "force", "threads"])]
    merge: bool,
    /// Merge although runs are missing
    #[arg(long, requires = "merge")]
    partial: bool,
    /// Throw away what is there and start anew
    #[arg(long)]
    force: bool,
    /// What the printed table shows, with commas: any measure of `lvsim compare`
    #[arg(long, value_name = "LIST", default_value = SHOWN, value_parser = summary::measures)]
    measure: std::vec::Vec<&'static Measure>,
    /// How to print the table
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Write to DIR/NAME/sweep/; unsaid `output`
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print no table and no progress
    #[arg(long, short)]
    quiet: bool,
}

/// `3/16`.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(i, n)| Some((i.trim().parse().ok()?, n.trim().parse().ok()?)));
    match numbers {
        Some((i, n)) if (1..=n).contains(&i) && n <= plan::MAX_RUNS => Ok((i, n)),
        _ => Err(format!("`{text}` is no part; write for example `3/16`, from `1/16` to `16/16`")),
    }
}

/// What is to be done, and where.
struct Work<'a> {
    source: Source,
    study: &'a Study,
    columns: &'a [Column],
    folder: PathBuf,
}

impl Args {
    /// Runs what is not there yet, or puts shards together.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        if self.merge {
            return merge::execute(self, ui);
        }
        if let [_, stray, ..] = self.files.as_slice() {
            let hint = match stray.contains('=') {
                true => "put a list in quotes, since a shell takes braces apart: --set 'PATH={a, b}'",
                false => "a study is of one scenario",
            };
            return Err(Failure::usage(format!("`{stray}` is one file too many; {hint}")));
        }
        catch_interrupts()?;
        let (source, study) = self.plan(ui)?;
        let columns = columns::columns(&study);
        let folder = self.folder(&study.name);
        let work = Work { source, study: &study, columns: &columns, folder };
        match self.shard {
            Some(shard) => self.run_shard(shard, &work, ui),
            None => self.run_whole(&work, ui),
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.output.clone().unwrap_or_else(|| PathBuf::from("output")).join(name).join("sweep")
    }

    /// Reads everything and checks every point: a study of which one point is not valid does not begin.
    fn plan(&self, ui: &Ui) -> Result<(Source, Study), Failure> {
        let sets: Vec<Axis> =
            self.set.iter().map(|s| Axis::read(s)).collect::<Result<_, _>>().map_err(Failure::usage)?;
        for (n, axis) in sets.iter().enumerate() {
            if axis.path == "seed" && axis.varies() {
                return Err(Failure::usage("a seed is no axis; `--seeds N` repeats every point with N seeds"));
            }
            if sets[..n].iter().any(|other| other.path == axis.path) {
                return Err(Failure::usage(format!("`--set {}=…` stands twice", axis.path)));
            }
        }
        let schedulers: Vec<String> =
            self.schedulers.iter().flatten().map(|variant| variant.name().to_string()).collect();
        plan::points(&sets, schedulers.len(), self.seeds).map_err(Failure::usage)?;
        let source = Source::read(&self.files[0])?;
        let mut study = Study {
            schema_version: SCHEMA_VERSION,
            study: String::new(),
            name: String::new(),
            lvsim: env!("CARGO_PKG_VERSION").into(),
            sets,
            schedulers,
            first_seed: 0,
            seeds: self.seeds,
            until_ns: self.runs.until.map(|until| until.0),
            max_events: self.runs.limits().events,
        };
        let first = source.check(&study, self.runs.threads, ui)?;
        study.name = first.name.clone();
        study.first_seed = self.runs.seed.unwrap_or(first.seed);
        source.sign(&mut study);
        Ok((source, study))
    }

    /// The whole study in one process.
    fn run_whole(&self, work: &Work<'_>, ui: &mut Ui) -> Result<u8, Failure> {
        let Work { study, columns, folder, .. } = work;
        let (whole, partial, known) = (folder.join(ROWS), folder.join(PARTIAL), folder.join(STUDY));
        if self.force {
            remove(&known)?;
            remove(&partial)?;
        }
        if let Some(head) = store::head(&known)? {
            store::same(study, &head, &known)?;
            let mut rows = Rows::new(study, columns);
            if whole.is_file() {
                rows.add(&whole, false)?;
            }
            if rows.missing().is_empty() {
                ui.note(&format!("all {} runs are there already; `--force` runs them anew", study.runs()));
                let summary = rows.write(folder, self.measure.clone(), false)?;
                return self.tell(summary, folder, ui);
            }
        }
        let mut journal = Journal::open(&partial)?;
        let todo = journal.resume(study, columns)?;
        if !self.run(work, &todo, study.runs(), &mut journal, ui)? {
            return Ok(exit::INTERRUPTED);
        }
        let summary = journal.rows(study, columns)?.write(folder, self.measure.clone(), false)?;
        remove(&partial)?;
        self.tell(summary, folder, ui)
    }

    /// One part of the study, into a file of its own.
    fn run_shard(&self, (i, n): (u64, u64), work: &Work<'_>, ui: &Ui) -> Result<u8, Failure> {
        let Work { study, columns, folder, .. } = work;
        let name = format!("shard-{i}-of-{n}.jsonl");
        let (done, partial) = (folder.join(&name), folder.join(name + ".partial"));
        if self.force {
            remove(&done)?;
            remove(&partial)?;
        }
        if let Some(head) = store::head(&done)? {
            store::same(study, &head, &done)?;
            ui.note(&format!("shard {i} of {n} is there already; `--force` runs it anew"));
            return Ok(exit::SUCCESS);
        }
        let mine = |run: &u64| shard_of(*run, n) == i;
        let all = (0..study.runs()).filter(mine).count();
        let mut journal = Journal::open(&partial)?;
        let todo: Vec<u64> = journal.resume(study, columns)?.into_iter().filter(mine).collect();
        if !self.run(work, &todo, all as u64, &mut journal, ui)? {
            return Ok(exit::INTERRUPTED);
        }
        fs::rename(&partial, &done).map_err(|e| Failure::usage(format!("cannot write `{}`: {e}", done.display())))?;
        ui.note(&format!(
            "{} in {}; when all shards are there: lvsim sweep --merge {}",
            count(all, "run"),
            done.display(),
            folder.display()
        ));
        Ok(exit::SUCCESS)
    }

    /// Makes the runs, each appended as it ends; tells whether they are all there then.
    fn run(
        &self,
        Work { source, study, columns, .. }: &Work<'_>,
        todo: &[u64],
        all: u64,
        journal: &mut Journal,
        ui: &Ui,
    ) -> Result<bool, Failure> {
        let there = all - todo.len() as u64;
        if there > 0 {
            ui.note(&format!("{there} of {all} runs are there already"));
        }
        let limits = Limits { events: study.max_events, ..Limits::default() };
        let scenarios = Recent::default();
        let journal = Mutex::new(journal);
        let done = pool::run_all(todo, self.runs.threads, ui, |&run, go_on| {
            let run = study.run(run);
            let scenario = scenarios.get(run.point, || source.load(&study.arguments(run.point)));
            // What was valid a moment ago: a file beside it has been changed.
            let scenario = scenario.map_err(|_| {
                NoResult::Because(format!("{}: no longer valid; has a file been changed?", study.point_name(run.point)))
            })?;
            let case = Case { variant: 0, load: 0, seed: run.seed };
            let result = run_one(&scenario, study.variant(run.point), case, limits, study.until(), go_on);
            let result = match &result {
                Ok(sample) => Ok(sample),
                Err(NoResult::Because(why)) => Err(why.as_str()),
                Err(NoResult::Interrupted) => return Err(NoResult::Interrupted),
            };
            let line = columns::json_line(&Told { study, run, result }, columns);
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.append(&line).map_err(|failure| NoResult::Because(failure.message))
        });
        if let Some(why) = done.failed {
            return Err(Failure::usage(why));
        }
        let there = there + done.results.len() as u64;
        if there < all {
            let name = &study.name;
            ui.error(&format!("{name}: interrupted; {there} of {all} runs are kept, the same command goes on"));
        }
        Ok(there == all)
    }

    /// Prints the summary.
    fn tell(&self, summary: Summary<'_>, folder: &Path, ui: &mut Ui) -> Result<u8, Failure> {
        let errors = summary.errors();
        if !self.quiet {
            ui.out.text(&summary.print(self.format.into()))?;
        }
        ui.note(&format!("wrote {ROWS}, {}, {} to {}", store::CSV, store::SCHEMA, folder.display()));
        Ok(if errors > 0 { exit::FAILED } else { exit::SUCCESS })
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::usage(format!("cannot remove `{}`: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!(shard("3/16"), Ok((3, 16)));
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "1/99999999999", ""] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
