//! `lvsim break`: an exercise made of a scenario that works.

use super::exit::{self, Failure};
use super::input;
use super::out::write_file;
use super::simulation::interrupted;
use super::ui::Ui;
use lvsim::report::names::names;
use lvsim::scenario::Names;
use lvsim::scenario::files::ReadFile;
use lvsim::study::exam::Exam;
use lvsim::study::sabotage::{Difficulty, Unbroken, sabotage};
use lvsim::text;
use std::path::Path;

/// Break a scenario that works, as people do, and write the exercise.
///
/// One or two slips are made (a line left out, a letter, a number, the wrong machine), so that something that the file
/// expects fails; that is proved by running it. Which slips is drawn from the seed: the same seed breaks alike.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim break scenarios/dr.yaml                           one slip, to stdout
  lvsim break scenarios/nat.yaml --difficulty 2 --seed 7 -o exercise.yaml
  lvsim break scenarios/tun.yaml --difficulty 3 --hide-causes -o exercise.yaml
  lvsim why exercise.yaml                                 the solution")]
pub struct Args {
    /// A scenario that holds what it expects; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// 1: one slip; 2: two slips; 3: one that shows far from where it was made
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    difficulty: u8,
    /// Which slips are drawn
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where to write it; stdout unless given
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// Do not write the causes into the file
    #[arg(long)]
    hide_causes: bool,
    /// Change a key of the file first; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

impl Args {
    /// Writes nothing unless the exercise is proved.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let loaded = input::load(&self.file, &self.set, ui)?;
        let beside = |name: &str| input::read_beside(&self.file, name);
        let names = Names { read_file: Some(ReadFile(&beside)), ..names() };
        let exam = Exam { file: &loaded.file, text: &loaded.text, sets: &self.set, seed: None, names };
        let difficulty = match self.difficulty {
            1 => Difficulty::One,
            2 => Difficulty::Two,
            _ => Difficulty::Far,
        };
        let made = sabotage(&exam, difficulty, self.seed, self.hide_causes, ui.langs.programs, &mut || !interrupted());
        let exercise = match made {
            Ok(exercise) => exercise,
            Err(Unbroken::NotGood(Some(fails))) => {
                return Err(Failure::usage(ui.say(&text!("break-fails-already", file = self.file, fails))));
            }
            Err(Unbroken::NotGood(None)) => {
                return Err(Failure::usage(ui.say(&text!("break-expects-nothing", file = self.file))));
            }
            Err(Unbroken::NoSlip) => {
                let none = text!("break-no-slip", difficulty = self.difficulty, file = self.file);
                ui.error(&ui.say(&none));
                return Ok(exit::FAILED);
            }
            Err(Unbroken::Interrupted) => return Ok(exit::INTERRUPTED),
        };
        match self.output.as_deref().filter(|o| *o != "-") {
            Some(path) => {
                write_file(Path::new(path), exercise.text.as_bytes())?;
                let wrote = ui.say(&text!("wrote-next", file = path));
                ui.out.line(&wrote)?;
            }
            None => ui.out.text(&exercise.text)?,
        }
        Ok(exit::SUCCESS)
    }
}
