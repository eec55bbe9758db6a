//! `lvsim ladder`: frames between hosts as a message sequence chart.

use super::exit::Failure;
use super::simulation::{SimArgs, verdict};
use super::ui::Ui;
use super::why::missing;
use super::{input, values};
use clap::ValueEnum;
use lvsim::report::ladder::{ladder, mermaid, svg, text};
use lvsim::report::why::find_connection;

/// Draw the frames between hosts as a message sequence chart.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim ladder scenarios/dr.yaml --connection web:0
  lvsim ladder scenarios/arp-problem.yaml --until 600ms
  lvsim ladder scenarios/nat.yaml --connection web:1 --format svg > nat.svg
  lvsim ladder scenarios/tun.yaml --connection web:0 --format mermaid

At most 400 frames are drawn; how many are left out is told.")]
pub struct Args {
    /// A scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// Only this connection, with its ARP: its traffic entry and its place there, from 0
    #[arg(long, value_name = "NAME:N", value_parser = values::connection)]
    connection: Option<(String, u32)>,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    sim: SimArgs,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each frame
    Text,
    /// A picture
    Svg,
    /// A sequence diagram of Mermaid
    Mermaid,
}

impl Args {
    /// Expectations are not judged: the exit code tells whether the run came to its end.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let loaded = input::load(&self.file, &self.sim.set, ui)?;
        let mut run = self.sim.simulate(&loaded.scenario, true, ui)?;
        run.expectations.clear();
        let lab = run.lab();
        let only = match &self.connection {
            Some((name, n)) => Some(find_connection(&lab, name, *n).map_err(|e| missing(&e, ui.langs.people))?),
            None => None,
        };
        let drawn = ladder(&lab, only);
        ui.out.text(&match self.format {
            Format::Text => text::text(&drawn),
            Format::Svg => svg::svg(&drawn),
            Format::Mermaid => mermaid::mermaid(&drawn),
        })?;
        drop(lab);
        Ok(verdict(&run, ui))
    }
}
