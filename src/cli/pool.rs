//! Many independent runs on all processors, with progress; results come in no order, and sorting them is the caller's.

use super::progress::Meter;
use super::simulation::interrupted;
use super::ui::Ui;
use super::values;
use lvsim::base::Span;
use lvsim::engine::world::Limits;
use lvsim::study::sample::Failure;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

/// Options of every verb that makes many runs of one scenario.
#[derive(Clone, Debug, clap::Args)]
pub struct RunsArgs {
    /// The first seed; the scenario's own unless given
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many runs at once; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: Option<u16>,
    /// Stop every run at this simulated time
    #[arg(long, value_name = "T", value_parser = values::span)]
    pub until: Option<Span>,
    /// Give up after so many events of one run (`50M`)
    #[arg(long, value_name = "N", value_parser = values::events, help_heading = "Limits")]
    pub max_events: Option<u64>,
}

impl RunsArgs {
    /// The bounds of each run.
    pub fn limits(&self) -> Limits {
        Limits { events: self.max_events.unwrap_or(Limits::default().events), ..Limits::default() }
    }
}

/// What came of the runs.
#[derive(Debug)]
pub struct Outcome<R> {
    /// Results of the runs that came to an end, in no order.
    pub results: Vec<R>,
    /// Why a run could not be made: of several that failed, the first in the order of the list.
    pub failed: Option<String>,
}

/// Does every piece of work of a list, on so many threads; all processors unless said. Stops at the first failure, and when
/// the user interrupts; `run` is to ask the function that it is given whether to go on.
pub fn run_all<T: Sync, R: Send>(
    todo: &[T],
    threads: Option<u16>,
    ui: &Ui,
    run: impl Fn(&T, &mut dyn FnMut() -> bool) -> Result<R, Failure> + Sync,
) -> Outcome<R> {
    all("runs", todo, threads, ui, run)
}

/// The same for work that is no run: `what` is its name in the progress.
pub fn all<T: Sync, R: Send>(
    what: &'static str,
    todo: &[T],
    threads: Option<u16>,
    ui: &Ui,
    run: impl Fn(&T, &mut dyn FnMut() -> bool) -> Result<R, Failure> + Sync,
) -> Outcome<R> {
    let threads = threads.map_or_else(processors, usize::from).min(todo.len()).max(1);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let meter = Mutex::new((0, Meter::new(ui.quiet, ui.live())));
    let results: Mutex<Vec<R>> = Mutex::default();
    let failed: Mutex<Option<(usize, String)>> = Mutex::default();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let mut go_on = || !interrupted() && !stop.load(Ordering::Relaxed);
            let Some(work) = todo.get(place).filter(|_| go_on()) else { break };
            let result = run(work, &mut go_on);
            {
                let (over, meter) = &mut *meter.lock().unwrap_or_else(PoisonError::into_inner);
                *over += 1;
                meter.pieces(what, *over, todo.len());
            }
            match result {
                Ok(result) => results.lock().unwrap_or_else(PoisonError::into_inner).push(result),
                Err(Failure::Interrupted) => break,
                Err(Failure::Because(why)) => {
                    stop.store(true, Ordering::Relaxed);
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    if failed.as_ref().is_none_or(|first| place < first.0) {
                        *failed = Some((place, why));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for n in 0..threads {
            let started = Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            // Where the system gives no more threads, those that there are do the work.
            if started.is_err() {
                if n == 0 {
                    work();
                }
                break;
            }
        }
    });
    meter.into_inner().unwrap_or_else(PoisonError::into_inner).1.finish();
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Outcome {
        results: results.into_inner().unwrap_or_else(PoisonError::into_inner),
        failed: failed.map(|(_, why)| why),
    }
}

/// A script may nest as deep in a thread as on the main one; what is not used of it costs nothing.
const STACK: usize = 32 << 20;

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
