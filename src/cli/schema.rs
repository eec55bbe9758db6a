//! `lvsim schema`: the format of scenarios as a JSON Schema, for editors and programs, from the tables of the parser.

use super::exit::{self, Failure};
use super::out::write_file;
use super::ui::Ui;
use clap::ValueEnum;
use lvsim::scenario::schema;
use std::path::PathBuf;

/// Print the JSON Schema of scenario files.
///
/// An editor that has it completes keys, shows what they mean, and underlines what lvsim would refuse. What no schema can
/// see (names of nodes that are not there, cables with three ends) `lvsim check` tells.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim schema -o lvsim.schema.json
  lvsim schema --format markdown      every key and every value, as tables

VS Code with the YAML extension: write the schema beside the scenarios, and as the first line of a scenario
  # yaml-language-server: $schema=lvsim.schema.json
or, for all files of a folder, in .vscode/settings.json
  { \"yaml.schemas\": { \"lvsim.schema.json\": \"scenarios/*.yaml\" } }

On the command line, or before each commit:
  check-jsonschema --schemafile lvsim.schema.json scenarios/*.yaml")]
pub struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Json, value_name = "FORMAT")]
    format: Format,
    /// Write it to this file; unless given, to stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON Schema, draft 2020-12
    Json,
    /// Tables of every key and every form of value, for people
    Markdown,
}

impl Args {
    /// To stdout or a file.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let text = match self.format {
            Format::Json => schema::text(),
            Format::Markdown => schema::page(),
        };
        match self.output {
            None => ui.out.text(&text)?,
            Some(path) => {
                write_file(&path, text.as_bytes())?;
                ui.out.line(&format!("wrote {}", path.display()))?;
            }
        }
        Ok(exit::SUCCESS)
    }
}
