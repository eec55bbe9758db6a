//! `lvsim compare`: the same load under several schedulers or ways to forward, on all processors; what comes out is the same
//! for any number of threads.

use super::exit::{self, Failure};
use super::list::Format;
use super::simulation::{catch_interrupts, interrupted};
use super::ui::Ui;
use super::{input, pool, values};
use lvsim::base::Span;
use lvsim::engine::world::Limits;
use lvsim::scenario::Scenario;
use lvsim::study::compare::{Comparison, cases, merge};
use lvsim::study::mode::{self, Prepared};
use lvsim::study::sample::{self, run_one};
use lvsim::study::variant::{self, Variant};

/// Run the same load under several schedulers and say which differences are real.
///
/// With --modes the file's services are turned into each way to forward, and it is said where the director is full.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim compare web.yaml
  lvsim compare web.yaml --schedulers rr,wlc,sed --seeds 50
  lvsim compare web.yaml --modes nat,dr,tun           ways to forward instead of schedulers
  lvsim compare web.yaml --format csv > runs.csv      a line for every run")]
pub struct Args {
    /// The scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// The schedulers, with commas between them
    #[arg(long, value_name = "LIST", default_value = "rr,wrr,lc,wlc,sed,nq", value_parser = variant::schedulers)]
    schedulers: std::vec::Vec<Variant>,
    /// Ways to forward instead, with commas between them: nat, dr, tun
    #[arg(long, value_name = "LIST", conflicts_with = "schedulers", value_parser = mode::modes)]
    modes: Option<std::vec::Vec<Variant>>,
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
        let limits = Limits { events: self.max_events.unwrap_or(Limits::default().events), ..Limits::default() };
        let (variants, prepared) = self.variants(&scenario, limits, ui)?;
        let todo = cases(variants.len(), self.seed.unwrap_or(scenario.seed), self.seeds);
        let pool::Outcome { results: samples, failed } = pool::run_all(&todo, self.threads, ui, |&case, go_on| {
            run_one(&scenario, variants[case.variant], case, limits, self.until, go_on)
        });
        if let Some(why) = failed {
            return Err(Failure { code: exit::FAILED, message: why });
        }
        let all = samples.len() == todo.len();
        let comparison = Comparison { prepared, ..merge(&scenario, &variants, samples) };
        if !all {
            ui.error(&format!("{}: interrupted; what there is, is of {} seeds", scenario.name, comparison.seeds.len()));
        }
        if !comparison.seeds.is_empty() {
            ui.out.text(&comparison.print(self.format.into()))?;
        }
        Ok(if all { exit::SUCCESS } else { exit::INTERRUPTED })
    }

    /// What is compared. A mode that the lab cannot have is told and left out.
    fn variants(&self, scenario: &Scenario, limits: Limits, ui: &Ui) -> Result<(Vec<Variant>, Vec<Prepared>), Failure> {
        let Some(modes) = &self.modes else { return Ok((self.schedulers.clone(), Vec::new())) };
        let (mut variants, mut prepared) = (Vec::new(), Vec::new());
        let seed = self.seed.unwrap_or(scenario.seed);
        for &variant in modes {
            let Variant::Mode(mode) = variant else { continue };
            let done = mode::prepare(scenario, mode, seed, limits, self.until, &mut || !interrupted());
            let done = done.map_err(|failure| match failure {
                sample::Failure::Interrupted => {
                    Failure { code: exit::INTERRUPTED, message: "interrupted; nothing has been run".into() }
                }
                sample::Failure::Because(message) => Failure { code: exit::FAILED, message },
            })?;
            match &done.typed {
                Ok(_) => variants.push(variant),
                Err(why) => ui.warning(&format!("{} cannot be: {why}", variant.name())),
            }
            prepared.push(done);
        }
        match variants.is_empty() {
            true => Err(Failure { code: exit::FAILED, message: "none of the modes can be: nothing to compare".into() }),
            false => Ok((variants, prepared)),
        }
    }
}
