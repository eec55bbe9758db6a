//! `lvsim man`: manual pages in roff, and the command line as Markdown for the book; both from the definition that the
//! parser uses.

use super::exit::{self, Failure};
use super::reference::{code, words};
use super::{Cli, ui::Ui};
use clap::{Arg, Command, CommandFactory, ValueEnum};

/// Print a manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim man | man -l -
  lvsim man run > lvsim-run.1
  lvsim man --format markdown      every verb, as in the book")]
pub struct Args {
    /// The verb that the page is about; left out: the program
    #[arg(value_name = "VERB")]
    verb: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Roff, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For `man`
    Roff,
    /// For the book; without a verb the program and all its verbs
    Markdown,
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let mut command = Cli::command();
        command.build();
        if let Some(verb) = &self.verb {
            let verbs: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let Some(found) = command.find_subcommand(verb) else {
                return Err(Failure::usage(format!("no verb `{verb}`; there are {}", verbs.join(", "))));
            };
            command = found.clone();
        }
        match self.format {
            Format::Roff => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command)
                    .render(&mut page)
                    .map_err(|e| Failure::usage(format!("cannot write the page: {e}")))?;
                ui.out.bytes(&page)?;
            }
            Format::Markdown => {
                let verbs = command.get_subcommands().map(section);
                let sections: Vec<String> = std::iter::once(section(&command)).chain(verbs).collect();
                ui.out.text(&sections.join("\n"))?;
            }
        }
        Ok(exit::SUCCESS)
    }
}

/// A verb, or the program: what it does, how it is called, its options, examples.
fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut out = format!("## {} {{#{}}}\n", code(command.get_bin_name().unwrap_or("lvsim")), command.get_name());
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        let about = about.to_string();
        let paragraphs = about.split("\n\n").map(|p| format!("\n{}\n", words(p)));
        out.push_str(&paragraphs.collect::<String>());
    }
    out.push_str(&format!("\n```text\n{}\n```\n", usage.lines().map(str::trim).collect::<Vec<_>>().join("\n")));
    // What all verbs have is told once, with the program.
    let program = command.has_subcommands();
    let args = command.get_arguments().filter(|a| program || !(a.is_global_set() || a.get_id() == "help"));
    let lines: String = args.filter(|a| !a.is_hide_set()).map(line).collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n{lines}"));
    }
    if let Some(after) = command.get_after_help() {
        out.push_str(&format!("\n```text\n{}\n```\n", after.to_string().trim()));
    }
    out
}

/// An option or an operand, with its values.
fn line(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(AsRef::as_ref).collect();
    let takes = arg.get_action().takes_values();
    let value = values.iter().map(|v| format!("<{v}>")).collect::<Vec<_>>().join(" ");
    let mut name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => String::new(),
    };
    if takes || name.is_empty() {
        name = format!("{name} {value}").trim().to_string();
    }
    let mut out = format!("- {}: {}", code(&name), words(&help.replace("\n\n", " ")));
    let defaults = arg.get_default_values();
    if takes && !defaults.is_empty() {
        let defaults: Vec<_> = defaults.iter().map(|d| d.to_string_lossy()).collect();
        out.push_str(&format!(". Unless said: {}", code(&defaults.join(" "))));
    }
    out.push('\n');
    if takes {
        for value in arg.get_possible_values().iter().filter(|v| !v.is_hide_set()) {
            let about = value.get_help().map(|h| format!(": {}", words(&h.to_string()))).unwrap_or_default();
            out.push_str(&format!("  - {}{about}\n", code(value.get_name())));
        }
    }
    out
}
