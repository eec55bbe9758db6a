//! `lvsim show`: a table of a node at any moment, laid out as the real tool prints it.

use super::exit::Failure;
use super::list;
use super::simulation::{SimArgs, verdict};
use super::trace::nearest;
use super::ui::Ui;
use super::{input, values};
use clap::builder::PossibleValuesParser;
use lvsim::base::Span;
use lvsim::report::show::{ShowError, TABLES};
use lvsim::scenario::model::At;

/// Print a table of a node at any moment.
///
/// People get what the real tool prints; `--format json` and `csv` have the same columns in every version, and new ones at
/// their end. The table is that of the end of the run, or of the moment that `--at` names; what happens at that very moment
/// has happened. What the file observes at `end` is not typed.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Tables:
{}
Examples:
  lvsim show scenarios/dr.yaml conn director --at 1.5s
  lvsim show scenarios/arp-problem.yaml arp client
  lvsim show scenarios/nat.yaml ipvs director --format json
  lvsim show scenarios/dr.yaml receipts director     why each connection went where it went
  lvsim show scenarios/dr.yaml mac lan", tables()))]
pub struct Args {
    /// A scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// Which table
    #[arg(value_name = "TABLE", value_parser = PossibleValuesParser::new(TABLES.iter().map(|t| t.name)))]
    table: String,
    /// Of which host or switch
    #[arg(value_name = "NODE")]
    node: String,
    /// When, from t = 0; without it: at the end
    #[arg(long, value_name = "T", value_parser = values::span, conflicts_with = "until")]
    at: Option<Span>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = list::Format::Human, value_name = "FORMAT")]
    format: list::Format,
    #[command(flatten)]
    sim: SimArgs,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

fn tables() -> String {
    TABLES.iter().map(|t| format!("  {:<8}{}\n", t.name, t.about)).collect()
}

impl Args {
    /// Expectations are not judged: the exit code tells whether the run came so far.
    pub fn execute(mut self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let mut scenario = input::load(&self.file, &self.sim.set, ui)?.scenario;
        scenario.steps.retain(|step| step.at != At::End);
        scenario.expect.clear();
        self.sim.until = self.at.or(self.sim.until);
        let table = TABLES.iter().find(|t| t.name == self.table).expect("clap takes names of the table only");
        let names: Vec<&str> = scenario.nodes.iter().map(|n| n.name.as_str()).collect();
        if !names.contains(&self.node.as_str()) {
            return Err(Failure::usage(format!("no node `{}`; {}", self.node, nearest(&self.node, &names))));
        }
        let run = self.sim.simulate(&scenario, table.from_trace(), ui)?;
        match run.show(table, &self.node, self.format.into()) {
            Ok(text) => ui.out.text(&text)?,
            Err(ShowError::WrongKind(why)) => return Err(Failure::usage(format!("`{}` {why}", self.node))),
            Err(ShowError::NoSuchNode(_)) => return Err(Failure::usage(format!("no node `{}`", self.node))),
        }
        Ok(verdict(&run, ui))
    }
}
