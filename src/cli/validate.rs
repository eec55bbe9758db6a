//! `lvsim validate`: the simulator against theory and published results; the same output for any number of threads.

use super::exit::{self, Failure};
use super::list::Format;
use super::simulation::catch_interrupts;
use super::ui::Ui;
use super::{pool, values};
use lvsim::study::validate::{Size, Study, choose, tell};

/// Hold the simulator against theory and published results.
///
/// Each row is a claim: what is said and by whom, what is expected, what lvsim measures, its interval, and whether it holds.
/// Without --only this takes minutes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim validate                              every claim, 30 seeds
  lvsim validate --list                       the claims, without trying them
  lvsim validate --only maglev hashing        two families
  lvsim validate --only mm1 fcfs-bp-lc        claims with these words in their names
  lvsim validate --format csv > validate.csv

Exits with 1 if a claim does not hold.")]
pub struct Args {
    /// Only the claims with one of these words in their names, or of these families: queues, schedulers, draws, hashing, maglev
    #[arg(long, value_name = "NAME", num_args = 1..)]
    only: Vec<String>,
    /// Print the claims and try none
    #[arg(long)]
    list: bool,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Connections of a run that count (`20k`); heavy tails get twice as many
    #[arg(long, value_name = "N", default_value = "20000", value_parser = connections)]
    connections: u32,
    /// How many runs at once; as many as there are processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: Option<u16>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
}

/// A run has 100 to a million connections.
fn connections(text: &str) -> Result<u32, String> {
    match values::events(text) {
        Ok(n @ 100..=1_000_000) => Ok(n as u32),
        _ => Err("write a number from 100 to 1M, such as `20000` or `20k`".into()),
    }
}

impl Args {
    /// Tries all, prints the verdicts.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let claims = choose(&self.only, Size { connections: self.connections }).map_err(Failure::usage)?;
        if self.list {
            ui.out.text(&tell::list(&claims, self.format.into()))?;
            return Ok(exit::SUCCESS);
        }
        catch_interrupts()?;
        let internal = |message| Failure { code: exit::INTERNAL, message };
        let study = Study::new(claims, self.seed, self.seeds).map_err(internal)?;
        let todo = study.todo();
        let pool::Outcome { results, failed } =
            pool::run_all(&todo, self.threads, ui, |piece, go_on| study.run(piece, go_on));
        if let Some(why) = failed {
            return Err(Failure { code: exit::FAILED, message: why });
        }
        let all = results.len() == todo.len();
        let verdicts = study.judge(results);
        if !all {
            let n = verdicts.as_ref().map_or(0, |v| v.seeds.1);
            ui.error(&format!("interrupted; what there is, is of {n} seeds"));
        }
        if let Some(verdicts) = &verdicts {
            ui.out.text(&verdicts.print(self.format.into()))?;
        }
        Ok(match (all, verdicts.is_some_and(|v| v.hold())) {
            (false, _) => exit::INTERRUPTED,
            (true, true) => exit::SUCCESS,
            (true, false) => exit::FAILED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args as _;
    use lvsim::study::validate::FAMILIES;

    #[test]
    fn the_help_names_every_family() {
        let help = Args::augment_args(clap::Command::new("validate")).render_long_help().to_string();
        for family in FAMILIES {
            assert!(help.contains(family.name), "{}", family.name);
        }
    }

    #[test]
    fn a_run_has_neither_too_few_connections_nor_too_many() {
        assert_eq!(connections("20k"), Ok(20_000));
        assert!(connections("99").is_err() && connections("2M").is_err() && connections("many").is_err());
    }
}
