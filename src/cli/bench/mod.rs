//! `lvsim bench`: how fast this machine simulates, how much memory a connection takes, how many instructions.
//!
//! Every run has a process of its own, so that its memory is its own. Times move with what else the machine does;
//! instructions do not, and are what a change is judged by.

mod instructions;
mod measure;

use super::exit::{self, Failure};
use super::ui::Ui;
use clap::ValueEnum;
use lvsim::study::bench::{Cell, WORKLOADS, Workload};
use measure::Tracing;
use serde_json::Value;
use std::path::PathBuf;

/// Measure how fast lvsim simulates
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim bench                                  every workload, TCP and UDP
  lvsim bench dr -n 10000,100000 --repeat 5    one of them, in two sizes, five times each
  lvsim bench dr --trace off,counters,full     what listening costs
  lvsim bench hold -n 1000000                  memory of a million live connections
  lvsim bench --json > runs.jsonl              a line for every run
  lvsim bench dr --scenario -n 10              the scenario of a workload

  lvsim bench --instructions                   instructions by valgrind: the same on every run
  lvsim bench --instructions --baseline benches/baseline.json
                                               fails if a figure grew by more than 5 %

Workloads: lan, nat, dr, tun, and hold, where nobody closes.
Rates are for a second of CPU time, from t = 0 to the end of the run; set-up is not counted.")]
pub struct Args {
    /// The workloads; all unless named
    #[arg(value_name = "WORKLOAD", value_parser = workload)]
    workloads: Vec<Workload>,
    /// How many connections, with commas between them
    #[arg(short = 'n', long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    connections: Vec<u64>,
    /// Which protocol
    #[arg(long, value_enum, default_value_t = Protocol::Both, value_name = "PROTOCOL")]
    protocol: Protocol,
    /// Who listens, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', default_value = "off", value_name = "TRACING")]
    trace: Vec<Tracing>,
    /// How often each is run
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// Print a line of JSON for every run
    #[arg(long)]
    json: bool,
    /// Count instructions instead of time (needs valgrind)
    #[arg(long, conflicts_with_all = ["repeat", "trace", "connections"])]
    instructions: bool,
    /// Hold instructions against this file; exit 1 if one has grown by more than 5 %
    #[arg(long, value_name = "FILE", requires = "instructions")]
    baseline: Option<PathBuf>,
    /// Write the instructions to the file of --baseline instead
    #[arg(long, requires = "baseline")]
    write: bool,
    /// Print the scenario instead of running it
    #[arg(long, conflicts_with = "instructions")]
    scenario: bool,
    /// Run in this process and print the line of JSON: what --json starts for every run
    #[arg(long, hide = true)]
    here: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Tcp,
    Udp,
    Both,
}

/// A workload by its name.
fn workload(name: &str) -> Result<Workload, String> {
    let names: Vec<&str> = WORKLOADS.iter().map(|r| r.name).collect();
    let found = WORKLOADS.iter().find(|r| r.name == name).map(|r| r.workload);
    found.ok_or_else(|| format!("there are {}", names.join(", ")))
}

impl Args {
    /// Measures and prints.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let cells = self.cells();
        if cells.is_empty() {
            return Err(Failure::usage("hold has TCP connections only: nothing to measure"));
        }
        if self.scenario {
            for cell in &cells {
                ui.out.text(&cell.text())?;
            }
            return Ok(exit::SUCCESS);
        }
        if self.instructions {
            return instructions::execute(&cells, self.baseline.as_deref(), self.write, ui);
        }
        if self.here {
            for cell in &cells {
                let row = measure::here(*cell, self.trace[0])?;
                ui.out.line(&row.to_string())?;
            }
            return Ok(exit::SUCCESS);
        }
        if !self.json {
            ui.out.line(&header())?;
        }
        for cell in &cells {
            for &tracing in &self.trace {
                for _ in 0..self.repeat {
                    let row = measure::apart(*cell, tracing)?;
                    let line = if self.json { row.to_string() } else { line(*cell, tracing, &row) };
                    ui.out.line(&line)?;
                    ui.out.finish()?;
                }
            }
        }
        Ok(exit::SUCCESS)
    }

    /// What is to be measured, in the order of the table.
    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for row in WORKLOADS.iter().filter(|r| self.workloads.is_empty() || self.workloads.contains(&r.workload)) {
            for udp in [false, true] {
                let wanted = match self.protocol {
                    Protocol::Both => true,
                    Protocol::Tcp => !udp,
                    Protocol::Udp => udp,
                };
                if !wanted || (udp && row.frames.1.is_none()) {
                    continue;
                }
                let usual: &[u64] = if row.workload.holds() { &[10_000, 100_000] } else { &[1_000, 10_000, 100_000] };
                let sizes = match self.connections.as_slice() {
                    // Instructions are the same for all sizes.
                    [] if self.instructions || self.scenario => &usual[..1],
                    [] => usual,
                    named => named,
                };
                cells.extend(sizes.iter().map(|&connections| Cell { workload: row.workload, udp, connections }));
            }
        }
        cells
    }
}

/// `dr tcp`.
fn name(cell: Cell) -> String {
    format!("{} {}", cell.workload.row().name, if cell.udp { "udp" } else { "tcp" })
}

fn header() -> String {
    format!(
        "{:<9}{:>9}{:>9}{:>11}{:>11}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}  fingerprint",
        "", "n", "trace", "frames", "events", "CPU s", "kev/s", "kfr/s", "conn/s", "ns/frame", "peak MB", "B/conn"
    )
}

fn line(cell: Cell, tracing: Tracing, row: &Value) -> String {
    let f = |key: &str| row[key].as_f64().unwrap_or_default();
    format!(
        "{:<9}{:>9}{:>9}{:>11}{:>11}{:>8.2}{:>9.0}{:>9.0}{:>9.0}{:>9.0}{:>9.1}{:>8}  {}",
        name(cell),
        cell.connections,
        tracing.word(),
        f("frames"),
        f("events"),
        f("cpu_s"),
        f("events_per_s") / 1e3,
        f("frames_per_s") / 1e3,
        f("connections_per_s"),
        f("ns_per_frame"),
        f("peak_rss_bytes") / 1e6,
        f("bytes_per_connection"),
        row["fingerprint"].as_str().unwrap_or_default()
    )
}
