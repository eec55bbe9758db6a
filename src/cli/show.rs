//! `lvsim show`: a table of a node at any moment, laid out as the real tool prints it.

use super::exit::Failure;
use super::list;
use super::simulation::{SimArgs, verdict};
use super::trace::nearest;
use super::ui::Ui;
use super::{input, values};
use clap::builder::PossibleValuesParser;
use lvsim::base::Span;
use lvsim::report::effective::Wanted;
use lvsim::report::show::TABLES;
use lvsim::scenario::model::At;
use lvsim::text;

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
  lvsim show scenarios/dr.yaml mac lan
  lvsim show scenarios/arp-problem.yaml sysctl rs1 --effective 'arp_*' rp_filter", tables()))]
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
    /// Of `sysctl`: what counts on each interface, how the kernel combines it, where each value came from; of these
    /// variables or patterns, or of all that it combines. Stands last
    #[arg(long, value_name = "NAME", num_args = 0..)]
    effective: Option<Vec<String>>,
    /// With --effective: variables, too, that the kernel does not combine
    #[arg(long, requires = "effective")]
    all: bool,
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
        let loaded = input::load(&self.file, &self.sim.set, ui)?;
        let mut scenario = loaded.scenario;
        scenario.steps.retain(|step| step.at != At::End);
        scenario.expect.clear();
        self.sim.until = self.at.or(self.sim.until);
        let table = TABLES.iter().find(|t| t.name == self.table).expect("clap takes names of the table only");
        let Some(node) = scenario.nodes.iter().find(|n| n.name == self.node) else {
            let names: Vec<&str> = scenario.nodes.iter().map(|n| n.name.as_str()).collect();
            let what = text!("why-no-node", name = self.node);
            return Err(Failure::usage(ui.say(&text!("what-then", what, then = nearest(&self.node, &names)))));
        };
        if node.kind.is_host() != table.is_of_hosts() {
            let is = if node.kind.is_host() { "a host" } else { "a switch" };
            let has = TABLES.iter().filter(|t| t.is_of_hosts() == node.kind.is_host()).map(|t| t.name);
            let has = has.collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(format!("`{}` is {is} and has no `{}`; it has: {has}", self.node, table.name)));
        }
        if let Some(names) = self.effective.take() {
            if table.name != "sysctl" {
                return Err(Failure::usage(format!("--effective is about `sysctl`, not about `{}`", table.name)));
            }
            let wanted = Wanted { names, all: self.all };
            let run = self.sim.commands(&scenario, ui)?;
            let lang = ui.langs.of(self.format);
            let shown = run.effective(&self.node, &loaded.text, &wanted, self.format.into(), lang).expect("a host");
            let shown = shown.map_err(|e| {
                let what = text!("no-variable", name = e.name);
                Failure::usage(ui.say(&text!("what-then", what, then = nearest(&e.name, &e.names))))
            })?;
            ui.out.text(&shown)?;
            return Ok(verdict(&run, ui));
        }
        let run = self.sim.simulate(&scenario, table.from_trace(), ui)?;
        let lang = ui.langs.of(self.format);
        ui.out.text(&run.show(table, &self.node, self.format.into(), lang).expect("a node that has the table"))?;
        Ok(verdict(&run, ui))
    }
}
