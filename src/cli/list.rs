//! `lvsim list`: the names that scenarios and commands can use, from the tables that the simulator itself uses.
//!
//! A new table is a variant of [`What`] and its arm in [`What::table`].

use super::exit::{self, Failure};
use super::reference::{self, Kind};
use super::ui::Ui;
use clap::ValueEnum;
use lvsim::lang::Lang;
use lvsim::report::tables::{self, Grid};
use lvsim::text;
use lvsim::{ipvs, report, scenario, shell, study, sysctl, trace};

/// List what scenarios and commands can name, and what lvsim can say.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim list sysctls
  lvsim list drops --format csv
  lvsim list keys --format markdown       as in the book")]
pub struct Args {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Print::Human, value_name = "FORMAT")]
    format: Print,
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

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Print {
    /// In columns, for people
    Human,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Markdown: a table, or an entry for each row where that would be too wide
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Kernel variables: path, meaning, default, range, how `all` and the interface combine, where Linux decides
    Sysctls,
    /// Simulated programs: name, folder, meaning, how they are called
    Commands,
    /// Matches and targets of iptables with their options
    Extensions,
    /// Schedulers of ipvsadm: name, meaning, rule, kernel file
    Schedulers,
    /// Reasons for which packets die: code, meaning, the kernel's function, its name there, counters, what to try
    Drops,
    /// Codes of what can be wrong with a scenario
    Problems,
    /// Why a valid lab does not work: code, what is wrong, what happens then, what mends it
    Causes,
    /// Charts of `lvsim run` and `lvsim compare`: name, verb, meaning
    Charts,
    /// What `lvsim check` looks for in a valid file: code, cause, what is wrong, what one types to have it, and instead
    Lints,
    /// Keys of a scenario: their map, name, what they take, what they are unless said, meaning
    Keys,
    /// The most that a scenario may ask for
    Limits,
    /// What comparisons and sweeps measure of a run
    Measures,
    /// Columns of a sweep's rows
    Columns,
    /// What the lab understands beside commands of the hosts
    Lab,
    /// Exit codes of lvsim
    Exits,
}

/// A table: what it holds under which names, and its rows.
type Table = (Vec<(&'static str, Kind)>, Vec<Vec<String>>);

impl What {
    fn table(self, lang: Lang) -> Table {
        use Kind::{Code, Text, Typed};
        fn row(cells: &[&str]) -> Vec<String> {
            cells.iter().map(ToString::to_string).collect()
        }
        match self {
            What::Sysctls => {
                let rows = sysctl::table::CONF.iter().chain(sysctl::table::NEIGH).chain(sysctl::table::GLOBAL);
                let cells = |r: &sysctl::Row| {
                    let followed = if r.modelled { text!("list-yes") } else { text!("list-stored-only") };
                    let followed = followed.say(lang);
                    let (default, range) = (r.default.to_string(), r.range());
                    row(&[
                        r.path,
                        &r.about().say(lang),
                        &default,
                        &range,
                        &r.combine.text().say(lang),
                        &followed,
                        r.kernel_file,
                    ])
                };
                let columns = vec![
                    ("path", Code),
                    ("about", Text),
                    ("default", Code),
                    ("range", Text),
                    ("combines", Text),
                    ("followed", Text),
                    ("kernel file", Text),
                ];
                (columns, rows.map(cells).collect())
            }
            What::Commands => {
                let forms = |name: &str| shell::forms::forms(name).join("\n");
                let hosts = shell::COMMANDS.iter().map(|r| row(&[r.name, r.dir, &r.about().say(lang), &forms(r.name)]));
                let texts = shell::text::TEXT_PROGRAMS;
                let texts = texts.iter().map(|r| row(&[r.name, "/usr/bin", &r.about().say(lang), &forms(r.name)]));
                let columns = vec![("name", Code), ("folder", Code), ("about", Text), ("forms", Typed)];
                (columns, hosts.chain(texts).collect())
            }
            What::Extensions => {
                let rows = shell::iptables::extensions().into_iter();
                (
                    vec![("name", Code), ("kind", Text), ("options", Code)],
                    rows.map(|r| row(&[r.0, r.1, &r.2])).collect(),
                )
            }
            What::Schedulers => (
                vec![("name", Code), ("about", Text), ("rule", Text), ("kernel file", Text)],
                ipvs::SCHEDULERS
                    .iter()
                    .map(|r| row(&[r.name, &r.about().say(lang), &r.rule().say(lang), r.kernel_file]))
                    .collect(),
            ),
            What::Drops => {
                let cells = |r: &trace::KernelRule| {
                    let counters: Vec<&str> = r.counters.iter().map(|mib| mib.row().id).collect();
                    let remedy = r.remedy().unwrap_or_else(|| text!("drop-no-remedy"));
                    let [title, decider, remedy] = [r.title(), r.decider(), remedy].map(|t| t.say(lang));
                    row(&[r.code, &title, &decider, r.linux, &counters.join(" "), &remedy])
                };
                let columns = vec![
                    ("code", Code),
                    ("what", Text),
                    ("where", Text),
                    ("linux", Code),
                    ("counters", Code),
                    ("try", Text),
                ];
                (columns, trace::drop::RULES.iter().map(cells).collect())
            }
            What::Problems => (
                vec![("code", Code), ("what", Text)],
                scenario::problem::CODES
                    .iter()
                    .map(|code| row(&[code, &scenario::problem::meaning(code).say(lang)]))
                    .collect(),
            ),
            What::Causes => (
                vec![("code", Code), ("what", Text), ("happens", Text), ("cure", Text)],
                scenario::causes::CAUSES
                    .iter()
                    .map(|c| {
                        let [title, happens, cure] = [c.title(), c.happens(), c.cure()].map(|t| t.say(lang));
                        row(&[c.code, &title, &happens, &cure])
                    })
                    .collect(),
            ),
            What::Charts => {
                let runs = report::charts::CHARTS.iter().map(|c| row(&[c.name, "run", &c.about().say(lang)]));
                let comparisons = study::charts::CHARTS.iter().map(|c| row(&[c.name, "compare", &c.about().say(lang)]));
                (vec![("name", Code), ("verb", Text), ("about", Text)], runs.chain(comparisons).collect())
            }
            What::Lints => (
                vec![("code", Code), ("cause", Code), ("what", Text), ("wrong", Typed), ("right", Typed)],
                scenario::lint::LINTS
                    .iter()
                    .map(|l| {
                        let [title, wrong, right] = [l.title(), l.wrong(), l.right()].map(|t| t.say(lang));
                        row(&[l.code, l.cause, &title, &wrong, &right])
                    })
                    .collect(),
            ),
            What::Keys => (
                vec![("map", Text), ("key", Code), ("value", Text), ("unless said", Code), ("about", Text)],
                scenario::schema::keys().into_iter().map(Vec::from).collect(),
            ),
            What::Limits => (
                vec![("limit", Code), ("value", Text), ("about", Text)],
                scenario::limits::LIMITS.iter().map(|l| row(&[l.name, &l.written(), &l.about().say(lang)])).collect(),
            ),
            What::Measures => (
                vec![("name", Code), ("about", Text), ("table", Text), ("unit", Text), ("column", Code)],
                study::measures::MEASURES
                    .iter()
                    .map(|m| {
                        row(&[
                            m.name,
                            &m.about().say(lang),
                            &m.topic.text().say(lang),
                            &m.unit.text().say(lang),
                            &m.key(),
                        ])
                    })
                    .collect(),
            ),
            What::Columns => (
                vec![("column", Code), ("holds", Text), ("about", Text)],
                study::sweep::columns::told().into_iter().map(Vec::from).collect(),
            ),
            What::Lab => {
                let typed = |c: &study::lab::commands::CommandRow| format!(":{} {}", c.name, c.args).trim().to_string();
                let rows = study::lab::commands::COMMANDS.iter().map(|c| row(&[&typed(c), &c.about().say(lang)]));
                (vec![("typed", Code), ("about", Text)], rows.collect())
            }
            What::Exits => (
                vec![("code", Code), ("name", Text), ("about", Text)],
                exit::CODES
                    .iter()
                    .map(|c| row(&[&c.code.to_string(), &c.name().say(lang), &c.about().say(lang)]))
                    .collect(),
            ),
        }
    }

    fn print(self, format: Print, lang: Lang) -> String {
        // The page of keys groups them by map, with the map's example and rules.
        if (self, format) == (What::Keys, Print::Markdown) {
            return scenario::schema::page();
        }
        let (columns, rows) = self.table(lang);
        let headed: Vec<(String, Kind)> = columns.iter().map(|(name, kind)| (heading(name).say(lang), *kind)).collect();
        let format = match format {
            Print::Markdown => return reference::markdown(&headed, &rows, lang),
            Print::Human => tables::Format::Human,
            Print::Json => tables::Format::Json,
            Print::Csv => tables::Format::Csv,
        };
        // Programs get the columns' names, people their headings.
        let names: Vec<&str> = match format {
            tables::Format::Human => headed.iter().map(|(name, _)| name.as_str()).collect(),
            _ => columns.iter().map(|(name, _)| *name).collect(),
        };
        let mut grid = Grid::new(&names);
        // In columns a row is a line.
        let line = |cell: String| if format == tables::Format::Human { cell.replace('\n', "; ") } else { cell };
        rows.into_iter().for_each(|row| grid.row(row.into_iter().map(|cell| line(cell).into())));
        let rows = grid.print(format);
        match format {
            tables::Format::Json => tables::enveloped(&serde_json::json!({ "schema_version": 1 }), &rows),
            _ => rows,
        }
    }
}

/// What a column is called by people.
fn heading(column: &str) -> lvsim::lang::Text {
    match column {
        "path" => text!("column-path"),
        "about" => text!("column-about"),
        "default" => text!("column-default"),
        "range" => text!("column-range"),
        "combines" => text!("column-combines"),
        "followed" => text!("column-followed"),
        "kernel file" => text!("column-kernel-file"),
        "name" => text!("column-name"),
        "folder" => text!("column-folder"),
        "forms" => text!("column-forms"),
        "kind" => text!("column-kind"),
        "options" => text!("column-options"),
        "rule" => text!("column-rule"),
        "code" => text!("column-code"),
        "what" => text!("column-what"),
        "where" => text!("column-where"),
        "linux" => text!("column-linux"),
        "counters" => text!("column-counters"),
        "try" => text!("column-try"),
        "happens" => text!("column-happens"),
        "cure" => text!("column-cure"),
        "verb" => text!("column-verb"),
        "cause" => text!("column-cause"),
        "wrong" => text!("column-wrong"),
        "right" => text!("column-right"),
        "map" => text!("column-map"),
        "key" => text!("column-key"),
        "value" => text!("column-value"),
        "unless said" => text!("column-unless-said"),
        "limit" => text!("column-limit"),
        "table" => text!("column-table"),
        "unit" => text!("column-unit"),
        "column" => text!("column-column"),
        "holds" => text!("column-holds"),
        "typed" => text!("column-typed"),
        other => lvsim::lang::Text::plain(other),
    }
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let lang = match self.format {
            // Markdown is read by people: whoever makes a page of it says in which language.
            Print::Human | Print::Markdown => ui.langs.people,
            Print::Json | Print::Csv => ui.langs.programs,
        };
        ui.out.text(&self.what.print(self.format, lang))?;
        Ok(exit::SUCCESS)
    }
}
