//! `lvsim compare`: the same load under several schedulers, on all processors; what comes out is the same for any number of
//! threads.

use super::exit::{self, Failure};
use super::list::Format;
use super::progress::Meter;
use super::simulation::{catch_interrupts, interrupted};
use super::ui::Ui;
use super::{input, values};
use lvsim::base::Span;
use lvsim::engine::world::Limits;
use lvsim::scenario::Scenario;
use lvsim::study::compare::{self, Case, Sample, cases, merge, run_one};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Run the same load under several schedulers and say which differences are real.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim compare web.yaml
  lvsim compare web.yaml --schedulers rr,wlc,sed --seeds 50
  lvsim compare web.yaml --format csv > runs.csv      a line for every run")]
pub struct Args {
    /// The scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// The schedulers, with commas between them
    #[arg(long, value_name = "LIST", default_value = "rr,wrr,lc,wlc,sed,nq", value_parser = compare::schedulers)]
    schedulers: std::vec::Vec<&'static str>,
    /// How many seeds each of them runs with
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// The first seed; the scenario's own unless given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many runs at once; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: Option<u16>,
    /// Stop every run at this simulated time
    #[arg(long, value_name = "T", value_parser = values::span)]
    until: Option<Span>,
    /// Change a key of the file, such as `traffic.web.connections=50`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Give up after so many events of one run (`50M`)
    #[arg(long, value_name = "N", value_parser = values::events, help_heading = "Limits")]
    max_events: Option<u64>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    /// Runs all, prints the comparison.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let scenario = input::load(&self.file, &self.set, ui)?.scenario;
        catch_interrupts()?;
        let todo = cases(self.schedulers.len(), self.seed.unwrap_or(scenario.seed), self.seeds);
        let (samples, failed) = self.run_all(&scenario, &todo, ui);
        if let Some(why) = failed {
            return Err(Failure { code: exit::FAILED, message: why });
        }
        let all = samples.len() == todo.len();
        let comparison = merge(&scenario, &self.schedulers, samples);
        if !all {
            ui.error(&format!("{}: interrupted; what there is, is of {} seeds", scenario.name, comparison.seeds.len()));
        }
        if !comparison.seeds.is_empty() {
            ui.out.text(&comparison.print(self.format.into()))?;
        }
        Ok(if all { exit::SUCCESS } else { exit::INTERRUPTED })
    }

    /// The runs that came to an end, in no order, and why one did not.
    fn run_all(&self, scenario: &Scenario, todo: &[Case], ui: &Ui) -> (Vec<Sample>, Option<String>) {
        let threads = self.threads.map_or_else(processors, usize::from).min(todo.len()).max(1);
        let limits = Limits { events: self.max_events.unwrap_or(Limits::default().events), ..Limits::default() };
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let meter = Mutex::new((0, Meter::new(ui.quiet, ui.live())));
        let done: Mutex<(Vec<Sample>, Option<(Case, String)>)> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(&case) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut go_on = || !interrupted() && !stop.load(Ordering::Relaxed);
                        if !go_on() {
                            break;
                        }
                        let name = self.schedulers[case.scheduler];
                        let result = run_one(scenario, name, case, limits, self.until, &mut go_on);
                        {
                            let (over, meter) = &mut *meter.lock().unwrap_or_else(PoisonError::into_inner);
                            *over += 1;
                            meter.runs(*over, todo.len());
                        }
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        match result {
                            Ok(sample) => done.0.push(sample),
                            Err(compare::Failure::Interrupted) => break,
                            Err(compare::Failure::Because(why)) => {
                                stop.store(true, Ordering::Relaxed);
                                // Of several the first in the order of the cases is told.
                                if done.1.as_ref().is_none_or(|first| case < first.0) {
                                    done.1 = Some((case, why));
                                }
                            }
                        }
                    }
                });
            }
        });
        meter.into_inner().unwrap_or_else(PoisonError::into_inner).1.finish();
        let (samples, failed) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        (samples, failed.map(|(_, why)| why))
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
