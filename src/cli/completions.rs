//! `lvsim completions`: a completion script, generated from the definition that the parser uses.

use super::exit::{self, Failure};
use super::{Cli, ui::Ui};
use clap::CommandFactory;

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim completions bash > ~/.local/share/bash-completion/completions/lvsim
  lvsim completions fish > ~/.config/fish/completions/lvsim.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Args {
    /// To stdout.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lvsim", &mut script);
        ui.out.bytes(&script)?;
        Ok(exit::SUCCESS)
    }
}
