//! `lvsim check`: reads and resolves scenarios, plays their set-up, lints the hosts; runs no traffic, writes nothing.

use super::exit::{self, Failure};
use super::input;
use super::list::Format;
use super::trace::close;
use super::ui::Ui;
use lvsim::lang::{Join, Lang, Text};
use lvsim::report::names::names;
use lvsim::report::tables::{self, Cell, Grid};
use lvsim::scenario::causes::{CAUSES, cause};
use lvsim::scenario::lint::{self, Finding, LINTS};
use lvsim::scenario::problem::{CODES, Problem, meaning, render_in};
use lvsim::scenario::{self};
use lvsim::text;

use unicode_width::UnicodeWidthStr;
/// Read scenarios and tell what is wrong with them, before any run.
///
/// What is not valid is told first. A valid file is linted: its set-up is played (what the file declares, the `run` blocks,
/// and the timeline up to the first connection), and the hosts are looked at. No traffic is run. An error will make a
/// connection of the file fail; a warning has no effect, another than was meant, or may fail.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim check scenarios/dr.yaml
  lvsim check - < scenarios/nat.yaml
  lvsim check --explain L004
  lvsim list lints

Exits with 3 if a scenario is not valid, with 1 if a lint speaks or there are warnings, and with 4 if a set-up does
not end.")]
pub struct Args {
    /// Scenarios; `-` is stdin
    #[arg(required_unless_present = "explain", value_name = "FILE")]
    files: Vec<String>,
    /// Say what a code means: of a lint (L004), a cause (vip-mask) or a problem (E012)
    #[arg(long, value_name = "CODE", conflicts_with = "files")]
    explain: Option<String>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Change a key of the files first; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Do not name the scenarios that are in order
    #[arg(long, short)]
    quiet: bool,
}

/// The columns for programs; new ones come at the end.
const COLUMNS: &[&str] = &["file", "code", "cause", "level", "node", "line", "column", "message", "note", "cure"];

impl Args {
    /// Checks every file, whatever the others are like.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        if let Some(code) = &self.explain {
            ui.out.text(&explain(code, ui.langs.people)?)?;
            return Ok(exit::SUCCESS);
        }
        input::stdin_once(&self.files)?;
        let mut code = exit::SUCCESS;
        let mut grid = Grid::new(COLUMNS);
        for file in &self.files {
            code = exit::worst(code, self.check(file, &mut grid, ui)?);
        }
        match self.format {
            Format::Human => {}
            Format::Json => {
                let rows = grid.print(tables::Format::Json);
                ui.out.text(&tables::enveloped(&serde_json::json!({ "schema_version": 1 }), &rows))?;
            }
            Format::Csv => ui.out.text(&grid.print(tables::Format::Csv))?,
        }
        Ok(code)
    }

    fn check(&self, file: &str, grid: &mut Grid, ui: &mut Ui) -> Result<u8, Failure> {
        let text = match input::read(file) {
            Ok(text) => text,
            Err(failure) => {
                ui.error(&failure.message);
                return Ok(failure.code);
            }
        };
        let shown = if file == "-" { "stdin" } else { file };
        let human = self.format == Format::Human;
        let loaded = match scenario::load(shown, &text, &self.set, &names()) {
            Ok(loaded) => loaded,
            Err(problems) => {
                problems.iter().for_each(|p| grid.row(row_of_problem(shown, p, ui.langs.of(self.format))));
                if human {
                    ui.print_err(&render_in(&problems, shown, &text, ui.color_err, ui.langs.people));
                }
                let what = text!("n-problems", n = problems.len());
                ui.error(&ui.say(&text!("file-has", file = shown, what)));
                return Ok(exit::INVALID);
            }
        };
        loaded.warnings.iter().for_each(|p| grid.row(row_of_problem(shown, p, ui.langs.of(self.format))));
        if human && !loaded.warnings.is_empty() {
            ui.print_err(&render_in(&loaded.warnings, shown, &text, ui.color_err, ui.langs.people));
        }
        let findings = match lint::check(&loaded.scenario, &text) {
            Ok(findings) => findings,
            Err(unsettled) => {
                let why = &unsettled.why;
                ui.error(&ui.say(&match &unsettled.node {
                    Some(host) => text!("setup-endless-of", file = shown, host, why),
                    None => text!("setup-endless", file = shown, why),
                }));
                return Ok(exit::LIMIT);
            }
        };
        findings.iter().for_each(|f| grid.row(row_of_finding(shown, f, ui.langs.of(self.format))));
        if human {
            ui.out.text(&lint::render(&findings, shown, &text, ui.color_out, ui.langs.people))?;
        }
        let errors = findings.iter().filter(|f| f.fails).count();
        let warnings = findings.len() - errors + loaded.warnings.len();
        let told = [(errors, text!("n-errors", n = errors)), (warnings, text!("n-warnings", n = warnings))];
        let told: Vec<Text> = told.into_iter().filter(|(n, _)| *n > 0).map(|(_, what)| what).collect();
        if told.is_empty() {
            if !self.quiet && human {
                let told = ui.say(&text!("file-in-order", file));
                ui.out.line(&told)?;
            }
            return Ok(exit::SUCCESS);
        }
        let what = Text::list(told, Join::And);
        ui.error(&ui.say(&text!("file-has", file = shown, what)));
        Ok(exit::FAILED)
    }
}

fn row_of_problem(file: &str, p: &Problem, lang: Lang) -> Vec<Cell> {
    let level = if p.is_warning() { "warning" } else { "error" };
    vec![
        file.into(),
        p.code.into(),
        Cell::None,
        level.into(),
        Cell::None,
        Cell::Number(p.place.line.into()),
        Cell::Number(p.place.column.into()),
        p.title.say(lang).into(),
        p.label.say(lang).into(),
        p.help.as_ref().map_or(Cell::None, |help| help.say(lang).into()),
    ]
}

fn row_of_finding(file: &str, f: &Finding, lang: Lang) -> Vec<Cell> {
    vec![
        file.into(),
        f.code.into(),
        f.cause.into(),
        f.level().into(),
        f.name.as_str().into(),
        Cell::Number(f.place.line.into()),
        Cell::Number(f.place.column.into()),
        f.title.say(lang).into(),
        f.note.say(lang).into(),
        f.cure.say(lang).into(),
    ]
}

/// What a code means, at length.
fn explain(code: &str, lang: Lang) -> Result<String, Failure> {
    let head = |code: &str, title: Text| text!("explain-head", code, title).say(lang) + "\n\n";
    let paragraph = |heading: Text, told: Text| paragraph(&heading.say(lang), &told.say(lang));
    if let Some(lint) = lint::lint(&code.to_uppercase()) {
        let cause = cause(lint.cause).expect("a lint foretells a cause that there is");
        let mut out = head(lint.code, lint.title());
        out += &paragraph(text!("explain-happens"), cause.happens());
        out += &paragraph(text!("explain-mends"), cause.cure());
        out += &paragraph(text!("explain-wrong"), lint.wrong());
        out += &paragraph(text!("explain-right"), lint.right());
        out += &paragraph(text!("explain-see"), Text::plain(format!("lvsim run scenarios/lint/{}.yaml", lint.example)));
        out += &paragraph(text!("explain-cause"), text!("explain-listed", code = lint.cause));
        return Ok(out);
    }
    if let Some(cause) = cause(&code.to_lowercase()) {
        let mut out = head(cause.code, cause.title());
        out += &paragraph(text!("explain-happens"), cause.happens());
        out += &paragraph(text!("explain-mends"), cause.cure());
        let lints: Vec<&str> = LINTS.iter().filter(|l| l.cause == cause.code).map(|l| l.code).collect();
        if !lints.is_empty() {
            out += &paragraph(text!("explain-foretold"), Text::plain(lints.join(", ")));
        }
        return Ok(out);
    }
    if let Some(code) = CODES.iter().find(|c| **c == code.to_uppercase()) {
        let what = meaning(code);
        let told = match code.starts_with('W') {
            true => text!("explain-warning", code, what),
            false => text!("explain-problem", code, what),
        };
        return Ok(told.say(lang) + "\n");
    }
    let causes: Vec<&str> = CAUSES.iter().map(|c| c.code).collect();
    let near = close(code, &causes).map_or_else(|| text!("explain-lists"), |name| text!("did-you-mean", name));
    Err(Failure::usage(text!("explain-no-code", code, near).say(lang)))
}

/// A heading and a text, broken into lines.
fn paragraph(heading: &str, text: &str) -> String {
    const WIDTH: usize = 96;
    let mut out = format!("{heading}{}\n", if heading.is_ascii() { ":" } else { "：" });
    let mut line = String::from(" ");
    for word in text.split_whitespace() {
        if line.width() + 1 + word.width() > WIDTH {
            out += &format!("{line}\n");
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(word);
    }
    out + &line + "\n"
}
