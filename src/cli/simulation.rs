//! What every verb that simulates shares: options, limits, progress, Ctrl-C.

use super::exit::{self, Failure};
use super::progress::Meter;
use super::ui::Ui;
use super::values;
use lvsim::base::Span;
use lvsim::report::run::{Limits, Run, RunOptions, Stop, simulate};
use lvsim::scenario::Scenario;
use lvsim::text;
use lvsim::trace::{Spooling, TraceMask};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Options of every verb that simulates.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SimArgs {
    /// Draw other random numbers than the scenario's own seed gives
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Stop at this simulated time
    #[arg(long, value_name = "T", value_parser = values::span)]
    pub until: Option<Span>,
    /// Change a key of the file, such as `traffic.web.connections=50`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Give up after so many events (`50M`)
    #[arg(long, value_name = "N", value_parser = values::events, help_heading = "Limits")]
    pub max_events: Option<u64>,
    /// Give up when the simulation needs more memory (`2GB`): half is for what is pending, half for the trace
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, help_heading = "Limits")]
    pub max_memory: Option<u64>,
}

impl SimArgs {
    fn options(&self, trace: bool, decisions: bool) -> RunOptions {
        let mut limits = Limits::default();
        limits.events = self.max_events.unwrap_or(limits.events);
        limits.memory_bytes = self.max_memory.unwrap_or(limits.memory_bytes);
        RunOptions { seed: self.seed, until: self.until, trace, decisions, limits, ..RunOptions::default() }
    }

    /// What each of many runs is given; Ctrl-C is caught ([`interrupted`]).
    ///
    /// # Errors
    /// If Ctrl-C cannot be caught.
    pub fn many(&self) -> Result<RunOptions, Failure> {
        catch_interrupts()?;
        Ok(self.options(false, false))
    }

    /// Simulates, with progress on stderr, until the end, a limit or Ctrl-C. `trace`: frames and decisions are kept.
    ///
    /// # Errors
    /// If Ctrl-C cannot be caught.
    pub fn simulate<'s>(&self, scenario: &'s Scenario, trace: bool, ui: &Ui) -> Result<Run<'s>, Failure> {
        self.run(scenario, &self.options(trace, false), ui)
    }

    /// The same for stories, captures, records and reports only: a long trace is put aside.
    ///
    /// # Errors
    /// If Ctrl-C cannot be caught, or the trace cannot be put aside.
    pub fn simulate_long<'s>(&self, scenario: &'s Scenario, spooling: Spooling, ui: &Ui) -> Result<Run<'s>, Failure> {
        let run = self.run(scenario, &RunOptions { spooling: Some(spooling), ..self.options(true, false) }, ui)?;
        match &run.stop {
            Stop::Untold(why) => Err(Failure::usage(format!("{}: the trace cannot be kept: {why}", run.name))),
            _ => Ok(run),
        }
    }

    /// The same as [`SimArgs::simulate`]; every step of every packet is kept as well.
    ///
    /// # Errors
    /// If Ctrl-C cannot be caught.
    pub fn explain<'s>(&self, scenario: &'s Scenario, ui: &Ui) -> Result<Run<'s>, Failure> {
        self.run(scenario, &self.options(true, true), ui)
    }

    /// The same as [`SimArgs::simulate`]; only what was typed and run is kept.
    ///
    /// # Errors
    /// If Ctrl-C cannot be caught.
    pub fn commands<'s>(&self, scenario: &'s Scenario, ui: &Ui) -> Result<Run<'s>, Failure> {
        let only = Some(TraceMask::RAN | TraceMask::TYPED);
        self.run(scenario, &RunOptions { only, ..self.options(true, false) }, ui)
    }

    fn run<'s>(&self, scenario: &'s Scenario, options: &RunOptions, ui: &Ui) -> Result<Run<'s>, Failure> {
        catch_interrupts()?;
        let mut meter = Meter::new(ui.quiet, ui.live());
        let run = simulate(scenario, options, &mut |progress| {
            meter.tick(progress);
            !interrupted()
        });
        meter.finish();
        Ok(run)
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed while something was simulated.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Whether Ctrl-C was pressed since this was asked last; for what goes on afterwards.
pub fn take_interrupt() -> bool {
    INTERRUPTED.swap(false, Ordering::Relaxed)
}

/// The first Ctrl-C asks the simulation to stop and to write what there is; the second ends the program.
///
/// # Errors
/// If Ctrl-C cannot be caught.
pub fn catch_interrupts() -> Result<(), Failure> {
    static ONCE: Once = Once::new();
    let mut done = Ok(());
    ONCE.call_once(|| {
        done = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                super::out::abandon();
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        });
    });
    done.map_err(|e| Failure { code: exit::INTERNAL, message: format!("cannot catch Ctrl-C: {e}") })
}

/// The exit code of a run, and a word on stderr if it did not come to its end.
pub fn verdict(run: &Run<'_>, ui: &Ui) -> u8 {
    match &run.stop {
        Stop::Ended if run.expectations.iter().all(|e| e.held) => exit::SUCCESS,
        Stop::Ended => exit::FAILED,
        Stop::Limit { what, reached, hint } => {
            ui.error(&ui.say(&text!("run-stopped", name = run.name, what, reached, hint)));
            exit::LIMIT
        }
        Stop::Untold(why) => {
            ui.error(&format!("{}: {why}", run.name));
            exit::USAGE
        }
        Stop::Interrupted => {
            ui.error(&ui.say(&text!("run-interrupted", name = run.name)));
            exit::INTERRUPTED
        }
    }
}
