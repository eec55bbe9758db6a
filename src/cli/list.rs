//! `lvsim list`: the names that scenarios and commands can use, from the tables that the simulator itself uses.
//!
//! A new table is a variant of [`What`] and its arm in [`What::table`].

use super::exit::{self, Failure};
use super::ui::Ui;
use clap::ValueEnum;
use lvsim::lang::Lang;
use lvsim::report::tables::{self, Cell, Grid};
use lvsim::text;
use lvsim::{ipvs, report, scenario, shell, study, sysctl, trace};

/// List what scenarios can name: commands, schedulers, sysctls, drop reasons, problems, causes, lints, charts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim list sysctls
  lvsim list drops --format csv")]
pub struct Args {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// In columns, for people
    Human,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
}

impl From<Format> for tables::Format {
    fn from(format: Format) -> tables::Format {
        match format {
            Format::Human => tables::Format::Human,
            Format::Json => tables::Format::Json,
            Format::Csv => tables::Format::Csv,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Kernel variables: path, default, how `all` and the interface combine, meaning
    Sysctls,
    /// Simulated programs: name, folder, meaning
    Commands,
    /// Schedulers of ipvsadm: name, meaning, kernel file
    Schedulers,
    /// Reasons for which packets die: code, meaning, what to try
    Drops,
    /// Codes of what can be wrong with a scenario
    Problems,
    /// Why a valid lab does not work: code, what is wrong, what happens then, what mends it
    Causes,
    /// Charts of `lvsim run` and `lvsim compare`: name, verb, meaning
    Charts,
    /// What `lvsim check` looks for in a valid file: code, cause, what is wrong, what one types to have it, and instead
    Lints,
}

impl What {
    fn table(self, lang: Lang) -> Grid {
        let owned = |cells: &[&str]| cells.iter().map(|&c| c.into()).collect();
        let (columns, rows): (&[&str], Vec<Vec<Cell>>) = match self {
            What::Sysctls => {
                let rows = sysctl::table::CONF.iter().chain(sysctl::table::NEIGH).chain(sysctl::table::GLOBAL);
                let cells = |r: &sysctl::Row| {
                    let followed = if r.modelled { "yes" } else { "stored only" };
                    let default = r.default.to_string();
                    owned(&[r.path, &default, &r.combine.text().say(lang), followed, r.about])
                };
                (&["path", "default", "combines", "followed", "about"], rows.map(cells).collect())
            }
            What::Commands => (
                &["name", "folder", "about"],
                shell::COMMANDS
                    .iter()
                    .map(|r| owned(&[r.name, r.dir, r.about]))
                    .chain(shell::text::TEXT_PROGRAMS.iter().map(|r| owned(&[r.name, "/usr/bin", r.about])))
                    .collect(),
            ),
            What::Schedulers => (
                &["name", "about", "rule", "kernel file"],
                ipvs::SCHEDULERS
                    .iter()
                    .map(|r| owned(&[r.name, &r.about().say(lang), &r.rule().say(lang), r.kernel_file]))
                    .collect(),
            ),
            What::Drops => (
                &["code", "what", "where", "counters", "try"],
                trace::drop::RULES
                    .iter()
                    .map(|r| {
                        let counters: Vec<&str> = r.counters.iter().map(|mib| mib.row().id).collect();
                        let remedy = r.remedy().unwrap_or_else(|| text!("drop-no-remedy"));
                        let told = [r.title(), r.decider(), remedy].map(|t| t.say(lang));
                        owned(&[r.code, &told[0], &told[1], &counters.join(" "), &told[2]])
                    })
                    .collect(),
            ),
            What::Problems => {
                (&["code", "what"], scenario::problem::CODES.iter().map(|(code, what)| owned(&[code, what])).collect())
            }
            What::Causes => (
                &["code", "what", "happens", "cure"],
                scenario::causes::CAUSES
                    .iter()
                    .map(|c| {
                        let told = [c.title(), c.happens(), c.cure()].map(|t| t.say(lang));
                        owned(&[c.code, &told[0], &told[1], &told[2]])
                    })
                    .collect(),
            ),
            What::Charts => (
                &["name", "verb", "about"],
                report::charts::CHARTS
                    .iter()
                    .map(|c| owned(&[c.name, "run", c.about]))
                    .chain(study::charts::CHARTS.iter().map(|c| owned(&[c.name, "compare", c.about])))
                    .collect(),
            ),
            What::Lints => (
                &["code", "cause", "what", "wrong", "right"],
                scenario::lint::LINTS
                    .iter()
                    .map(|l| {
                        let told = [l.title(), l.wrong(), l.right()].map(|t| t.say(lang));
                        owned(&[l.code, l.cause, &told[0], &told[1], &told[2]])
                    })
                    .collect(),
            ),
        };
        let mut grid = Grid::new(columns);
        rows.into_iter().for_each(|row| grid.row(row));
        grid
    }
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let format = self.format.into();
        let rows = self.what.table(ui.langs.of(self.format)).print(format);
        ui.out.text(&match format {
            tables::Format::Json => tables::enveloped(&serde_json::json!({ "schema_version": 1 }), &rows),
            _ => rows,
        })?;
        Ok(exit::SUCCESS)
    }
}
