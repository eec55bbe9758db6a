//! `lvsim why`: where a packet went and what is behind it, in a sentence, with the knob.

use super::exit::{self, Failure};
use super::simulation::{SimArgs, interrupted, verdict};
use super::trace::nearest;
use super::ui::Ui;
use super::{input, values};
use lvsim::lang::Lang;
use lvsim::report::names::names;
use lvsim::report::run::Stop;
use lvsim::report::why::{NotThere, Subject, text, why};
use lvsim::scenario::Names;
use lvsim::scenario::files::ReadFile;
use lvsim::study::cure::{Budget, Search, cure};
use lvsim::study::exam::Exam;
use lvsim::study::tell;
use lvsim::text;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Tell why something went wrong: the cause, what mends it, and every step that led there.
///
/// Without an option it is about the first expectation that failed; if nothing is expected, about the first connection that
/// was not answered, else the first loss that did harm. Causes have the codes that `lvsim list causes` explains. At the end
/// stands the smallest cure: the least that has to be typed, found by trying, with the run as its proof.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim why lab.yaml                              the first thing that went wrong
  lvsim why lab.yaml --connection web:3           the fourth connection of `web`
  lvsim why lab.yaml --drop 1                     the first packet that was lost
  lvsim why lab.yaml --packet 12                  a packet, by the number that the answer names
  lvsim why scenarios/arp-problem.yaml --who-has 192.168.1.200
  lvsim why scenarios/arp-repaired.yaml --who-has 192.168.1.200 --silent rs1
  lvsim why lab.yaml --cure                       only what mends it, as commands and as lines of the file

Exits with 0 if nothing is wrong, with 1 if something is.")]
pub struct Args {
    /// A scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// A connection: its traffic entry and its place there, from 0
    #[arg(long, value_name = "NAME:N", value_parser = values::connection, group = "subject")]
    connection: Option<(String, u32)>,
    /// A packet, by its number
    #[arg(long, value_name = "ID", value_parser = values::packet, group = "subject")]
    packet: Option<u32>,
    /// A loss, by its place among those of `lvsim trace FILE drop`, from 1
    #[arg(long, value_name = "N", group = "subject")]
    drop: Option<usize>,
    /// Who answered for this address, and who kept silent
    #[arg(long, value_name = "ADDRESS", group = "subject")]
    who_has: Option<Ipv4Addr>,
    /// Only what this host did when it was asked
    #[arg(long, value_name = "NODE", requires = "who_has")]
    silent: Option<String>,
    /// Print only the smallest cure
    #[arg(long, conflicts_with_all = ["subject", "no_cure"])]
    cure: bool,
    /// Search no cure
    #[arg(long)]
    no_cure: bool,
    /// Search the cure for so many runs at most
    #[arg(long, value_name = "N", help_heading = "Limits")]
    cure_runs: Option<u32>,
    /// Search the cure for so many seconds at most
    #[arg(
        long,
        value_name = "S",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(0..=86_400),
        help_heading = "Limits"
    )]
    cure_seconds: u64,
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
    /// The run is judged by what is told about it.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let loaded = input::load(&self.file, &self.sim.set, ui)?;
        let run = self.sim.explain(&loaded.scenario, ui)?;
        let lab = run.lab();
        let told = why(&lab, &self.subject()).map_err(|e| missing(&e, ui.langs.people))?;
        let any = matches!(self.subject(), Subject::Any);
        let wanted = self.cure || (!self.no_cure && any && (told.wrong || !told.causes.is_empty()));
        let search = (wanted && run.stop == Stop::Ended).then(|| self.search(&loaded));
        if self.json {
            let mut object = text::object(&lab, &told, ui.langs.programs);
            let more = search.as_ref().map(|s| tell::object(s, ui.langs.programs));
            if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_ref().and_then(|m| m.as_object())) {
                object.insert("cures".into(), more["cures"].clone());
                object.insert("search".into(), more.clone().into_iter().filter(|(k, _)| k != "cures").collect());
            }
            ui.out.line(&object.to_string())?;
        } else {
            let mut out = if self.cure { String::new() } else { text::text(&lab, &told, ui.langs.people) };
            if let Some(search) = &search {
                let found = tell::text(search, self.budget(), ui.langs.people);
                match (found.is_empty(), self.cure) {
                    (true, true) => out.push_str(&format!("{}\n", text!("cure-nothing").say(ui.langs.people))),
                    (true, false) => {}
                    (false, _) => {
                        out.push_str(if out.is_empty() { "" } else { "\n" });
                        out.push_str(&found);
                    }
                }
            }
            ui.out.text(&out)?;
        }
        if run.stop != Stop::Ended {
            return Ok(verdict(&run, ui));
        }
        Ok(if told.wrong { exit::FAILED } else { exit::SUCCESS })
    }

    fn budget(&self) -> Budget {
        let all = Budget::default();
        Budget { runs: self.cure_runs.unwrap_or(all.runs), ..all }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the user bounds the search in time; that the bound ended it is told"
    )]
    fn search(&self, loaded: &input::Loaded) -> Search {
        let beside = |name: &str| input::read_beside(&self.file, name);
        let names = Names { read_file: Some(ReadFile(&beside)), ..names() };
        let exam = Exam { file: &loaded.file, text: &loaded.text, sets: &self.sim.set, seed: self.sim.seed, names };
        let end = Instant::now() + Duration::from_secs(self.cure_seconds);
        cure(&exam, self.budget(), &mut || Instant::now() < end && !interrupted())
    }

    fn subject(&self) -> Subject {
        match (&self.connection, self.packet, self.drop, self.who_has) {
            (Some((name, index)), ..) => Subject::Connection(name.clone(), *index),
            (_, Some(id), ..) => Subject::Packet(id),
            (_, _, Some(n), _) => Subject::Drop(n),
            (_, _, _, Some(addr)) => Subject::WhoHas(addr, self.silent.clone()),
            _ => Subject::Any,
        }
    }
}

/// What is not there, and what may have been meant.
pub fn missing(e: &NotThere, lang: Lang) -> Failure {
    let names: Vec<&str> = e.names.iter().map(String::as_str).collect();
    match names.is_empty() {
        true => Failure::usage(e.what.say(lang)),
        false => Failure::usage(text!("what-then", what = e.what, then = nearest(&e.word, &names)).say(lang)),
    }
}
