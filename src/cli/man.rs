//! `lvsim man`: manual pages in roff, generated from the definition that the parser uses.

use super::exit::{self, Failure};
use super::{Cli, ui::Ui};
use clap::CommandFactory;

/// Print a manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim man | man -l -
  lvsim man run > lvsim-run.1")]
pub struct Args {
    /// The verb that the page is about; left out: the program
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let mut command = Cli::command();
        command.build();
        if let Some(verb) = &self.verb {
            let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            let Some(found) = command.find_subcommand(verb) else {
                return Err(Failure::usage(format!("no verb `{verb}`; there are {}", verbs.join(", "))));
            };
            command = found.clone();
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|e| Failure::usage(format!("cannot write the page: {e}")))?;
        ui.out.bytes(&page)?;
        Ok(exit::SUCCESS)
    }
}
