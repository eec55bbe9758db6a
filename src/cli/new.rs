//! `lvsim new`: a scenario to start from. The templates are the scenarios of the repository.

use super::exit::{self, Failure};
use super::out::write_file;
use super::ui::Ui;
use clap::ValueEnum;
use std::path::PathBuf;

/// Write a new scenario from a template.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim new dr                              dr.yaml, direct routing that works
  lvsim new lab --template arp-problem      lab.yaml, in which one server takes everything
  lvsim new - --template tun                to stdout")]
pub struct Args {
    /// Name of the scenario and, with .yaml, of its file; `-` is stdout; the template's own if left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What to start from; unless given, the template that NAME names, or dr
    #[arg(long, short, value_enum, value_name = "TEMPLATE")]
    template: Option<Template>,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// Network address translation: requests and answers pass the director
    Nat,
    /// Direct routing: one network, answers go straight to the client
    Dr,
    /// IP tunnelling: requests are packed into packets, answers go straight to the client
    Tun,
    /// Direct routing in which a real server answers ARP for the VIP
    ArpProblem,
}

impl Template {
    fn name(self) -> &'static str {
        match self {
            Template::Nat => "nat",
            Template::Dr => "dr",
            Template::Tun => "tun",
            Template::ArpProblem => "arp-problem",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Template::Nat => include_str!("../../scenarios/nat.yaml"),
            Template::Dr => include_str!("../../scenarios/dr.yaml"),
            Template::Tun => include_str!("../../scenarios/tun.yaml"),
            Template::ArpProblem => include_str!("../../scenarios/arp-problem.yaml"),
        }
    }
}

impl Args {
    /// Never replaces a file unasked.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        let named = self.name.as_deref().unwrap_or("");
        let alike = Template::value_variants().iter().find(|t| t.name() == named);
        let template = self.template.or(alike.copied()).unwrap_or(Template::Dr);
        if named == "-" {
            ui.out.text(template.text())?;
            return Ok(exit::SUCCESS);
        }
        let name = if named.is_empty() { template.name() } else { named };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Failure::usage(format!(
                "`{name}` is no name: letters, digits and `-`; the file will be NAME.yaml"
            )));
        }
        let path = PathBuf::from(format!("{name}.yaml"));
        if path.exists() && !self.force {
            return Err(Failure::usage(format!("`{}` is there already; --force replaces it", path.display())));
        }
        write_file(&path, template.text().as_bytes())?;
        ui.out.line(&format!("wrote {file}; next: lvsim run {file}", file = path.display()))?;
        Ok(exit::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_called_what_the_option_calls_them_and_name_no_name() {
        for template in Template::value_variants() {
            let value = template.to_possible_value().expect("no template is hidden");
            assert_eq!(value.get_name(), template.name());
            // The name of a new scenario is that of its file.
            assert!(!template.text().lines().any(|l| l.starts_with("name:")));
        }
    }
}
