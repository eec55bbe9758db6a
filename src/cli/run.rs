//! `lvsim run`: simulates scenarios, prints the story, judges `expect`, writes the outputs.

use super::exit::{self, Failure};
use super::font::FontArgs;
use super::progress::Meter;
use super::simulation::{SimArgs, interrupted, verdict};
use super::ui::Ui;
use super::{input, out, spool, values};
use lvsim::lang::Lang;
use lvsim::report::run::{DOCUMENTS, Run, Stop};
use lvsim::report::summary::{Measured, Summary};
use lvsim::text;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Simulate scenarios and tell what happened.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim run scenarios/dr.yaml
  lvsim run scenarios/dr.yaml --set traffic.web.connections=50 --seed 7
  lvsim run scenarios/nat.yaml --pcap nat.pcapng     for Wireshark: one interface for each host's
  lvsim run - --json < scenarios/tun.yaml            one object, for programs

A trace of more than 250000 records is put aside in a file without a name: in the folder that TMPDIR names, else in
/var/tmp. A million connections through a director take some 2 GB there, their record and capture 6 GB each.")]
pub struct Args {
    /// Scenarios; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    sim: SimArgs,
    /// Write the record: every connection, table and frame as JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write every frame as pcapng
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Put aside at most so much of a long trace (default `8GiB`), in a temporary file in TMPDIR
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, help_heading = "Limits")]
    max_trace: Option<u64>,
    /// Print one JSON object for each scenario instead of the story
    #[arg(long)]
    json: bool,
    /// Print no story and no progress
    #[arg(long, short)]
    quiet: bool,
    /// Write the outputs to DIR/NAME/
    #[arg(short, long, value_name = "DIR", default_value = "output")]
    output: PathBuf,
    /// Write the charts as PNG besides
    #[arg(long, conflicts_with = "no_output")]
    png: bool,
    #[command(flatten)]
    font: FontArgs,
    /// Write no outputs but what --record and --pcap name
    #[arg(long, conflicts_with = "output")]
    no_output: bool,
}

impl Args {
    /// Reads all scenarios before it simulates the first: a scenario that is not valid leaves nothing behind.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        self.sane()?;
        self.font.load()?;
        let mut loaded = Vec::new();
        let mut code = exit::SUCCESS;
        for file in &self.files {
            match input::load(file, &self.sim.set, ui) {
                Ok(one) => loaded.push(one.scenario),
                Err(failure) => {
                    ui.error(&failure.message);
                    code = exit::worst(code, failure.code);
                }
            }
        }
        if code != exit::SUCCESS {
            return Ok(code);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = loaded.iter().find(|s| !names.insert(&*s.name))
            && !self.no_output
        {
            let name = &twice.name;
            return Err(Failure::usage(format!(
                "two scenarios are named `{name}` and would write to the same folder; run them one by one or with --no-output"
            )));
        }
        for scenario in &loaded {
            let started = now();
            let run = match self.traced() {
                true => {
                    self.sim.simulate_long(scenario, spool::spooling(self.max_trace.unwrap_or(spool::TRACE)), ui)?
                }
                false => self.sim.simulate(scenario, false, ui)?,
            };
            let wall = started.elapsed().as_secs_f64();
            self.report(&run, wall, ui)?;
            code = exit::worst(code, verdict(&run, ui));
            if interrupted() {
                break;
            }
        }
        Ok(code)
    }

    /// Whether anything tells of what happened.
    fn traced(&self) -> bool {
        let story = !self.json && !self.quiet;
        story || !self.no_output || self.record.is_some() || self.pcap.is_some()
    }

    /// What clap cannot know.
    fn sane(&self) -> Result<(), Failure> {
        input::stdin_once(&self.files)?;
        let named = [("--record", &self.record), ("--pcap", &self.pcap)];
        for (option, file) in named {
            if file.is_some() && self.files.len() > 1 {
                return Err(Failure::usage(format!(
                    "{option} names one file; give one scenario, not {}",
                    self.files.len()
                )));
            }
        }
        let stdout = named.iter().filter(|(_, f)| is_stdout(f)).count() + usize::from(self.json);
        if stdout > 1 {
            return Err(Failure::usage("only one of --json, --record - and --pcap - can go to stdout"));
        }
        Ok(())
    }

    /// Prints and writes what is wanted.
    fn report(&self, run: &Run, wall: f64, ui: &mut Ui) -> Result<(), Failure> {
        for warning in &run.warnings {
            ui.warning(&ui.say(warning));
        }
        let partial = run.stop == Stop::Interrupted;
        if let Some(file) = &self.record {
            put(file, &mut |out| run.write_record(out), partial, ui)?;
        }
        if let Some(file) = &self.pcap {
            put(file, &mut |out| run.write_pcapng(out), partial, ui)?;
        }
        if self.json {
            let lang = ui.langs.programs;
            ui.out.fill(&mut |out| write_object(run, wall, partial, lang, out))?;
        } else if !self.quiet && !is_stdout(&self.record) && !is_stdout(&self.pcap) {
            let story = run.story(ui.color_out, ui.langs.people).map_err(untold)?;
            ui.out.text(&story)?;
        }
        if !self.no_output {
            let folder = self.output.join(&run.name);
            for (name, fill) in DOCUMENTS {
                put(&folder.join(name), &mut |out| fill(run, out), partial, ui)?;
            }
            let artifacts = run.artifacts(self.png, ui.langs.programs).map_err(untold)?;
            for artifact in &artifacts {
                put(&folder.join(&artifact.name), &mut |out| out.write_all(&artifact.bytes), partial, ui)?;
            }
            let files = text!("n-files", n = DOCUMENTS.len() + artifacts.len());
            ui.note(&ui.say(&text!("wrote-files", files, folder = folder.display().to_string())));
        }
        Ok(())
    }
}

fn is_stdout(file: &Option<PathBuf>) -> bool {
    file.as_deref() == Some(Path::new("-"))
}

/// Writes a file, or stdout for `-`; of an interrupted run under a name that says so.
fn put(file: &Path, fill: out::Fill<'_>, partial: bool, ui: &mut Ui) -> Result<(), Failure> {
    if file == Path::new("-") {
        return ui.out.fill(fill);
    }
    let marked = if partial { out::partial(file) } else { file.to_path_buf() };
    let mut meter = Meter::new(ui.quiet, ui.live());
    let name = marked.display().to_string();
    let wrote = out::write_with(&marked, &mut |to| fill(&mut Metered { to, meter: &mut meter, name: &name, bytes: 0 }));
    meter.finish();
    wrote
}

/// Tells how much of a file is written, when that takes long.
struct Metered<'a> {
    to: &'a mut dyn Write,
    meter: &'a mut Meter,
    name: &'a str,
    bytes: u64,
}

/// How many bytes may pass between two looks at the clock.
const LOOK: u64 = 1 << 20;

impl Write for Metered<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        let before = self.bytes;
        self.bytes += n as u64;
        if before / LOOK != self.bytes / LOOK {
            self.meter.wrote(self.name, self.bytes);
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A trace that was put aside and cannot be read again.
fn untold(error: io::Error) -> Failure {
    Failure::usage(format!("the trace cannot be read again: {error}"))
}

/// The object of `--json`, on a line of its own, with what only a process knows of itself.
fn write_object(run: &Run, wall: f64, partial: bool, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let measured = Measured { peak_rss_bytes: peak_rss_bytes(), wall_s: (wall * 1e6).round() / 1e6 };
    serde_json::to_writer(&mut *out, &Summary::new(run, measured, partial, lang))?;
    out.write_all(b"\n")
}

#[expect(clippy::disallowed_methods, reason = "engine.wall_s is about this machine, and says so")]
fn now() -> Instant {
    Instant::now()
}

/// The most memory that this process ever held; 0 where the system does not tell.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_peak(&status)
}

fn parse_peak(status: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_status_or_is_0() {
        assert_eq!(parse_peak("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS: 1 kB\n"), 2 << 20);
        assert_eq!(parse_peak(""), 0);
        assert_eq!(parse_peak("VmHWM: many\n"), 0);
    }
}
