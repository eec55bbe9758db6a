//! `lvsim check`: reads and resolves scenarios and lints them; simulates nothing, writes nothing.

use super::exit::{self, Failure};
use super::input;
use super::ui::{Ui, count};

/// Read scenarios and tell what is wrong with them, without simulating.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim check scenarios/dr.yaml
  lvsim check - < scenarios/nat.yaml

Exits with 3 if a scenario is not valid, and with 1 if there are only warnings.")]
pub struct Args {
    /// Scenarios; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Change a key of the files first; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Do not name the scenarios that are in order
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    /// Checks every file, whatever the others are like.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        input::stdin_once(&self.files)?;
        let mut code = exit::SUCCESS;
        for file in &self.files {
            code = exit::worst(
                code,
                match input::load(file, &self.set, ui) {
                    Ok(loaded) if loaded.warnings > 0 => {
                        ui.error(&format!("`{file}` has {}", count(loaded.warnings, "warning")));
                        exit::FAILED
                    }
                    Ok(_) => {
                        if !self.quiet {
                            ui.out.line(&format!("{file}: in order"))?;
                        }
                        exit::SUCCESS
                    }
                    Err(failure) => {
                        ui.error(&failure.message);
                        failure.code
                    }
                },
            );
        }
        Ok(code)
    }
}
