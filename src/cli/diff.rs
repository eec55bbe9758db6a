//! `lvsim diff`: two runs, where they part and what came of it.

use super::exit::{self, Failure};
use super::input;
use super::simulation::{SimArgs, verdict};
use super::ui::Ui;
use lvsim::report::run::Stop;
use lvsim::study::diff::{diff, object, text};
use lvsim::study::lines;

/// Compare two runs: the first frame that differs, what led there, and what came of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim diff scenarios/arp-problem.yaml scenarios/arp-repaired.yaml
  lvsim diff scenarios/dr.yaml --with 'nodes.rs1.sysctl.\"net.ipv4.conf.all.arp_ignore\"=0'
  lvsim diff scenarios/nat.yaml --with-seed 2 --json

Exits with 0 if the runs are the same, with 1 if they differ.")]
pub struct Args {
    /// The first scenario; `-` is stdin
    #[arg(value_name = "A")]
    first: String,
    /// The second scenario; without it, the first one, changed by --with or --with-seed
    #[arg(value_name = "B")]
    second: Option<String>,
    /// Change a key of the second run only; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    with: Vec<String>,
    /// Another seed for the second run only
    #[arg(long, value_name = "N")]
    with_seed: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sim: SimArgs,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    /// Expectations are not judged.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        if self.second.is_none() && self.with.is_empty() && self.with_seed.is_none() {
            return Err(Failure::usage("nothing to compare with: name a second file, or say --with or --with-seed"));
        }
        let second = self.second.clone().unwrap_or_else(|| self.first.clone());
        if self.first == "-" {
            return Err(Failure::usage("the first file is read twice, or beside another: it cannot be stdin"));
        }
        let texts = [input::read(&self.first)?, input::read(&second)?];
        let other = SimArgs {
            set: self.sim.set.iter().chain(&self.with).cloned().collect(),
            seed: self.with_seed.or(self.sim.seed),
            ..self.sim.clone()
        };
        let a = input::load(&self.first, &self.sim.set, ui)?;
        let b = input::load(&second, &other.set, ui)?;
        let run_a = self.sim.explain(&a.scenario, ui)?;
        let run_b = other.explain(&b.scenario, ui)?;
        for run in [&run_a, &run_b] {
            if run.stop != Stop::Ended {
                return Ok(verdict(run, ui));
            }
        }
        let mut inputs = asked(&texts);
        inputs.extend(self.with.iter().map(|w| format!("+ --set {w}")));
        inputs.extend(self.with_seed.map(|s| format!("+ --seed {s}")));
        let found = diff(&run_a, &run_b);
        match self.json {
            true => ui.out.line(&object(&found, &inputs, ui.langs.programs).to_string())?,
            false => ui.out.text(&text(&found, &inputs, ui.langs.people))?,
        }
        Ok(if found.same() { exit::SUCCESS } else { exit::FAILED })
    }
}

/// The lines of the files that differ.
fn asked([a, b]: &[String; 2]) -> Vec<String> {
    lines::all(a, b).into_iter().filter(|l| !l.starts_with("  ") && l.trim_end().len() > 1).collect()
}
