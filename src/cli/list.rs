//! `lvsim list`: the names that scenarios and commands can use, from the tables that the simulator itself uses.
//!
//! A new table is a variant of [`What`] and its arm in [`What::table`].

use super::exit::{self, Failure};
use super::ui::Ui;
use clap::ValueEnum;
use lvsim::report::tables;
use lvsim::{ipvs, scenario, shell, sysctl, trace};

/// List what scenarios can name: commands, schedulers, sysctls, drop reasons, problems.
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
}

/// Names of the columns, and the rows.
type Table = (Vec<&'static str>, Vec<Vec<String>>);

impl What {
    fn table(self) -> Table {
        let owned = |cells: &[&str]| cells.iter().map(|c| c.to_string()).collect();
        match self {
            What::Sysctls => {
                let rows = sysctl::table::CONF.iter().chain(sysctl::table::NEIGH).chain(sysctl::table::GLOBAL);
                let cells = |r: &sysctl::Row| {
                    let followed = if r.modelled { "yes" } else { "stored only" };
                    let default = r.default.to_string();
                    owned(&[r.path, &default, r.combine.words(), followed, r.about])
                };
                (vec!["path", "default", "combines", "followed", "about"], rows.map(cells).collect())
            }
            What::Commands => (
                vec!["name", "folder", "about"],
                shell::COMMANDS
                    .iter()
                    .map(|r| owned(&[r.name, r.dir, r.about]))
                    .chain(shell::text::TEXT_PROGRAMS.iter().map(|r| owned(&[r.name, "/usr/bin", r.about])))
                    .collect(),
            ),
            What::Schedulers => (
                vec!["name", "about", "rule", "kernel file"],
                ipvs::SCHEDULERS.iter().map(|r| owned(&[r.name, r.about, r.rule, r.kernel_file])).collect(),
            ),
            What::Drops => (
                vec!["code", "what", "where", "counters", "try"],
                trace::drop::RULES
                    .iter()
                    .map(|r| {
                        let counters: Vec<&str> = r.counters.iter().map(|mib| mib.row().id).collect();
                        owned(&[r.code, r.title, r.symbol, &counters.join(" "), r.remedy])
                    })
                    .collect(),
            ),
            What::Problems => (
                vec!["code", "what"],
                scenario::problem::CODES.iter().map(|(code, what)| owned(&[code, what])).collect(),
            ),
        }
    }
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let (names, rows) = self.what.table();
        match self.format {
            Format::Human => ui.out.text(&columns(&names, &rows))?,
            Format::Csv => {
                ui.out.line(&csv_row(&names))?;
                for row in &rows {
                    ui.out.line(&csv_row(row))?;
                }
            }
            Format::Json => {
                let objects: Vec<serde_json::Value> =
                    rows.iter().map(|row| names.iter().map(ToString::to_string).zip(row.clone()).collect()).collect();
                ui.out.line(&serde_json::json!({ "schema_version": 1, "rows": objects }).to_string())?;
            }
        }
        Ok(exit::SUCCESS)
    }
}

/// Columns as wide as their widest cell; the last one as it comes.
fn columns(names: &[&str], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i));
        cells.map(|c| c.chars().count()).chain([names[i].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let mut out = String::new();
    let header: Vec<String> = names.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// One line of RFC 4180, without its end.
pub fn csv_row(cells: &[impl AsRef<str>]) -> String {
    let quoted = cells.iter().map(|cell| {
        let cell = cell.as_ref();
        match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.to_string(),
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_as_many_cells_as_names() {
        for what in What::value_variants() {
            let (names, rows) = what.table();
            assert!(rows.iter().all(|r| r.len() == names.len()), "{what:?}");
        }
    }

    #[test]
    fn a_cell_with_a_comma_or_quote_is_quoted() {
        assert_eq!(csv_row(&["a", "b,c", "d\"e"]), "a,\"b,c\",\"d\"\"e\"");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_string(), "x".to_string()], vec!["long".into(), "y".into()]];
        assert_eq!(columns(&["n", "m"], &rows), "n     m\na     x\nlong  y\n");
    }
}
