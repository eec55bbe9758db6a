//! `lvsim compare`: the same load under several schedulers or ways to forward, on all processors; what comes out is the same
//! for any number of threads. Charts with their tables go to files.

use super::exit::{self, Failure};
use super::font::FontArgs;
use super::list::Format;
use super::simulation::{catch_interrupts, interrupted};
use super::ui::{Ui, count};
use super::{input, out, pool};
use lvsim::base::Span;
use lvsim::engine::world::Limits;
use lvsim::scenario::Scenario;
use lvsim::study::charts::{CHARTS, View};
use lvsim::study::detail::Want;
use lvsim::study::leave;
use lvsim::study::load::{self, Load, Study, cases};
use lvsim::study::mode::{self, Prepared};
use lvsim::study::sample::{self, run_wanted};
use lvsim::study::variant::{self, Variant};
use std::path::{Path, PathBuf};

/// Run the same load under several schedulers and say which differences are real.
///
/// With --modes the file's services are turned into each way to forward, and it is said where the director is full.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim compare web.yaml
  lvsim compare web.yaml --schedulers rr,wlc,sed --seeds 50
  lvsim compare web.yaml --modes nat,dr,tun           ways to forward instead of schedulers
  lvsim compare web.yaml --loads 0.1..1.2/12          p99 against the load: twelve times as many runs
  lvsim compare web.yaml --schedulers sh,mh --leaves rs-3@10s
                                                      whose server changes when rs-3 is taken out
  lvsim compare web.yaml --format csv > runs.csv      a line for every run

Charts are written to output/NAME/compare/ as SVG and PNG, each with its table as CSV; `lvsim list charts` names them.")]
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
    #[command(flatten)]
    runs: pool::RunsArgs,
    /// Change a key of the file, such as `traffic.web.connections=50`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run under every arrival rate of the file times these factors: `0.2,0.5,1` or `FROM..TO/N`
    #[arg(long, value_name = "LOADS", value_parser = load::parse)]
    loads: Option<std::vec::Vec<Load>>,
    /// Take a real server out of every virtual service at this time, as `rs-3@10s`, and see whose server changes
    #[arg(long, value_name = "NODE@TIME", value_parser = leave::parse)]
    leaves: Option<(String, Span)>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Write charts and tables to DIR/NAME/compare/
    #[arg(short, long, value_name = "DIR", default_value = "output")]
    output: PathBuf,
    /// Write no charts, which also saves the time of collecting what they need
    #[arg(long, conflicts_with = "output")]
    no_output: bool,
    #[command(flatten)]
    font: FontArgs,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    /// Runs all, prints the comparison.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        self.font.load()?;
        let mut scenario = input::load(&self.file, &self.set, ui)?.scenario;
        let mut left = None;
        if let Some((node, at)) = &self.leaves {
            let (changed, leave) =
                leave::plan(&scenario, node, *at).map_err(|e| Failure::usage(format!("--leaves: {e}")))?;
            (scenario, left) = (changed, Some(leave));
        }
        let loads = self.loads.clone().unwrap_or_else(|| vec![Load::AS_IT_IS]);
        let scenarios = self.scaled(&scenario, &loads, ui)?;
        catch_interrupts()?;
        let limits = self.runs.limits();
        let (variants, prepared) = self.variants(&scenario, limits, ui)?;
        let todo = cases(loads.len(), variants.len(), self.runs.seed.unwrap_or(scenario.seed), self.seeds);
        let charts = !self.no_output || self.loads.is_some() || left.is_some();
        let want = Want { charts, leave: left.clone() };
        // Only the load curve is made of the other loads.
        let base = load::nearest(&loads);
        let pool::Outcome { results: samples, failed } = pool::run_all(&todo, self.runs.threads, ui, |&case, go_on| {
            let scenario = scenarios.get(case.load).unwrap_or(&scenario);
            let variant = variants[case.variant];
            let mut sample = run_wanted(scenario, variant, case, limits, self.runs.until, &want, go_on)?;
            if let Some(detail) = sample.detail.as_mut().filter(|_| case.load != base) {
                detail.only_load();
            }
            Ok(sample)
        });
        if let Some(why) = failed {
            return Err(Failure { code: exit::FAILED, message: why });
        }
        let all = samples.len() == todo.len();
        let study = Study::of(&scenario, &variants, &prepared, loads, left, samples);
        let view = View::of(&study);
        if !all {
            let seeds = view.map_or(0, |v| v.base.seeds.len());
            ui.error(&format!("{}: interrupted; what there is, is of {seeds} seeds", scenario.name));
        }
        if let Some(view) = view {
            ui.out.text(&study.print(self.format.into()))?;
            if !self.no_output {
                self.write(&view, &self.output.join(&scenario.name).join("compare"), !all, ui)?;
            }
        }
        Ok(if all { exit::SUCCESS } else { exit::INTERRUPTED })
    }

    /// The scenario under every load; none, if it is to stay as it is.
    fn scaled(&self, scenario: &Scenario, loads: &[Load], ui: &Ui) -> Result<Vec<Scenario>, Failure> {
        if self.loads.is_none() {
            return Ok(Vec::new());
        }
        let mut scenarios = Vec::new();
        for (n, load) in loads.iter().enumerate() {
            let (changed, kept) = load::scaled(scenario, *load).map_err(|e| Failure::usage(format!("--loads: {e}")))?;
            if n == 0 && !kept.is_empty() {
                ui.warning(&format!("--loads: no rate, and so left as it is: {}", kept.join(", ")));
            }
            scenarios.push(changed);
        }
        Ok(scenarios)
    }

    fn write(&self, view: &View<'_>, folder: &Path, partial: bool, ui: &Ui) -> Result<(), Failure> {
        let artifacts =
            view.artifacts().map_err(|e| Failure { code: exit::INTERNAL, message: format!("no charts: {e}") })?;
        out::write_all(folder, &artifacts, partial)?;
        // Charts of an earlier study that this one does not have would be taken for its own.
        for row in CHARTS {
            for end in ["svg", "png", "csv"] {
                let name = format!("{}.{end}", row.name);
                if !partial && artifacts.iter().all(|a| a.name != name) {
                    let _ = std::fs::remove_file(folder.join(name));
                }
            }
        }
        ui.note(&format!("wrote {} to {}", count(artifacts.len(), "file"), folder.display()));
        Ok(())
    }

    /// What is compared. A mode that the lab cannot have is told and left out.
    fn variants(&self, scenario: &Scenario, limits: Limits, ui: &Ui) -> Result<(Vec<Variant>, Vec<Prepared>), Failure> {
        let Some(modes) = &self.modes else { return Ok((self.schedulers.clone(), Vec::new())) };
        let (mut variants, mut prepared) = (Vec::new(), Vec::new());
        let seed = self.runs.seed.unwrap_or(scenario.seed);
        for &variant in modes {
            let Variant::Mode(mode) = variant else { continue };
            let done = mode::prepare(scenario, mode, seed, limits, self.runs.until, &mut || !interrupted());
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
