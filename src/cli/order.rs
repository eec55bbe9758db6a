//! `lvsim order`: every order of what is typed on one host.

use super::exit::{self, Failure};
use super::input;
use super::progress::Meter;
use super::simulation::{SimArgs, interrupted};
use super::trace::nearest;
use super::ui::Ui;
use lvsim::study::order::{NoOrders, RUNS, object, orders, text};
use lvsim::text;

/// Run every order of what is typed on one host: who ends with a wrong hardware address in which.
///
/// The lines of the host's `run` block and its entries of the timeline change places; the moments stay. If there are more
/// orders than --runs, so many are drawn by the seed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim order scenarios/notes/note1-vip-first.yaml --node node02
  lvsim order lab.yaml --node rs2 --runs 5000 --json

Exits with 1 if the results are not all the same.")]
pub struct Args {
    /// A scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// On which host
    #[arg(long, value_name = "NODE")]
    node: String,
    /// Runs at most
    #[arg(long, value_name = "N", default_value_t = RUNS as u32, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,
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
    /// One run after the other.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let loaded = input::load(&self.file, &self.sim.set, ui)?;
        let scenario = &loaded.scenario;
        let node = scenario.node(&self.node).ok_or_else(|| {
            let names: Vec<&str> = scenario.nodes.iter().map(|n| n.name.as_str()).collect();
            let what = text!("why-no-node", name = self.node);
            Failure::usage(ui.say(&text!("what-then", what, then = nearest(&self.node, &names))))
        })?;
        let mut meter = Meter::new(ui.quiet, ui.live());
        let options = self.sim.many()?;
        let found = orders(scenario, node, self.runs as usize, &options, &mut |done, all| {
            meter.runs(done, all);
            !interrupted()
        });
        meter.finish();
        let found = found.map_err(|e| {
            Failure::usage(ui.say(&match e {
                NoOrders::NoHost => text!("is-no-host", name = self.node),
                NoOrders::TooFew(n) => text!("order-too-few", n, host = self.node),
            }))
        })?;
        match self.json {
            true => ui.out.line(&object(&found, ui.langs.programs).to_string())?,
            false => ui.out.text(&text(&found, ui.langs.people))?,
        }
        Ok(match (found.interrupted, found.groups.len()) {
            (true, _) => exit::INTERRUPTED,
            (_, 0 | 1) => exit::SUCCESS,
            _ => exit::FAILED,
        })
    }
}
