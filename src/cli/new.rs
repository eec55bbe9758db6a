//! `lvsim new`: a scenario to start from. The templates are scenarios of the repository.

use super::exit::{self, Failure};
use super::list;
use super::out::write_file;
use super::ui::Ui;
use clap::builder::PossibleValuesParser;
use lvsim::lang::Text;
use lvsim::report::tables::{self, Grid};
use lvsim::text;
use std::path::PathBuf;

/// Write a new scenario from a template, or list the templates.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Templates:
{}
Examples:
  lvsim new --list                          the templates, with what each shows
  lvsim new dr                              dr.yaml, direct routing that works
  lvsim new lab --template arp-problem      lab.yaml, in which one server takes everything
  lvsim new - --template tun                to stdout", listed()))]
pub struct Args {
    /// Name of the scenario and, with .yaml, of its file; `-` is stdout; the template's own if left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What to start from; unless given, the template that NAME names, or dr
    #[arg(
        long,
        short,
        value_name = "TEMPLATE",
        value_parser = PossibleValuesParser::new(TEMPLATES.iter().map(|t| t.name))
    )]
    template: Option<String>,
    /// Replace the file if there is one
    #[arg(long)]
    force: bool,
    /// List the templates and what each shows
    #[arg(long, conflicts_with_all = ["name", "template", "force"])]
    list: bool,
    /// How to print the list
    #[arg(long, value_enum, default_value_t = list::Format::Human, value_name = "FORMAT", requires = "list")]
    format: list::Format,
}

/// A scenario to start from.
struct Template {
    name: &'static str,
    /// What it shows, in a line.
    about: fn() -> Text,
    text: &'static str,
}

/// Every template: the three ways to forward first, then what goes wrong, then what one adds.
const TEMPLATES: &[Template] = &[
    Template { name: "nat", about: || text!("template-nat"), text: include_str!("../../scenarios/nat.yaml") },
    Template { name: "dr", about: || text!("template-dr"), text: include_str!("../../scenarios/dr.yaml") },
    Template { name: "tun", about: || text!("template-tun"), text: include_str!("../../scenarios/tun.yaml") },
    Template {
        name: "arp-problem",
        about: || text!("template-arp-problem"),
        text: include_str!("../../scenarios/arp-problem.yaml"),
    },
    Template {
        name: "persistence",
        about: || text!("template-persistence"),
        text: include_str!("../../scenarios/persistence.yaml"),
    },
    Template {
        name: "firewall-marks",
        about: || text!("template-firewall-marks"),
        text: include_str!("../../scenarios/firewall-marks.yaml"),
    },
    Template {
        name: "health-check",
        about: || text!("template-health-check"),
        text: include_str!("../../scenarios/health-check.yaml"),
    },
    Template {
        name: "compare",
        about: || text!("template-compare"),
        text: include_str!("../../scenarios/compare/servers-that-queue.yaml"),
    },
];

fn listed() -> String {
    TEMPLATES.iter().map(|t| format!("  {:<15} {}\n", t.name, (t.about)())).collect()
}

impl Args {
    /// Never replaces a file unasked.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        if self.list {
            return self.list(ui);
        }
        let named = self.name.as_deref().unwrap_or("");
        let find = |name: &str| TEMPLATES.iter().find(|t| t.name == name);
        let template = match &self.template {
            Some(name) => find(name).expect("clap takes names of the table only"),
            None => find(named).or_else(|| find("dr")).expect("a row of the table"),
        };
        if named == "-" {
            ui.out.text(template.text)?;
            return Ok(exit::SUCCESS);
        }
        let name = if named.is_empty() { template.name } else { named };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Failure::usage(ui.say(&text!("new-no-name", name))));
        }
        let path = PathBuf::from(format!("{name}.yaml"));
        if path.exists() && !self.force {
            return Err(Failure::usage(ui.say(&text!("new-there-already", file = path.display().to_string()))));
        }
        write_file(&path, template.text.as_bytes())?;
        let wrote = ui.say(&text!("wrote-next", file = path.display().to_string()));
        ui.out.line(&wrote)?;
        Ok(exit::SUCCESS)
    }

    fn list(&self, ui: &mut Ui) -> Result<u8, Failure> {
        let mut grid = Grid::new(&["template", "shows"]);
        let lang = ui.langs.of(self.format);
        TEMPLATES.iter().for_each(|t| grid.row([t.name.into(), (t.about)().say(lang).into()]));
        let rows = grid.print(self.format.into());
        ui.out.text(&match self.format {
            list::Format::Json => tables::enveloped(&serde_json::json!({ "schema_version": 1 }), &rows),
            _ => rows,
        })?;
        Ok(exit::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_different_names_and_name_no_name() {
        for (i, template) in TEMPLATES.iter().enumerate() {
            assert!(TEMPLATES[..i].iter().all(|t| t.name != template.name), "{}", template.name);
            assert!((template.about)().to_string().len() < 90, "{}", template.name);
            // The name of a new scenario is that of its file.
            assert!(!template.text.lines().any(|l| l.starts_with("name:")), "{}", template.name);
        }
    }
}
