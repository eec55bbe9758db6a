//! `lvsim test`: runs every scenario found and judges its `expect`.

use super::exit::{self, Failure};
use super::input;
use super::list::Format;
use super::simulation::{SimArgs, interrupted, verdict};
use super::ui::Ui;
use anstyle::{AnsiColor, Style};
use lvsim::lang::{Join, Lang, Text};
use lvsim::report::run::Judged;
use lvsim::report::tables::csv_line;
use lvsim::text;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

/// Run scenarios and judge what they expect, one line each.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim test scenarios
  lvsim test scenarios/dr.yaml scenarios/nat.yaml --seed 7
  lvsim test scenarios --format csv > verdicts.csv

Folders are searched for .yaml and .yml, sorted by name. A scenario that declares `causes` is broken on purpose: it is in
order if something that it expects fails.")]
pub struct Args {
    /// Scenarios and folders of them; `-` is stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    #[command(flatten)]
    sim: SimArgs,
    /// How to print the verdicts
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT")]
    format: Format,
    /// Print only what failed
    #[arg(long, short)]
    quiet: bool,
}

/// What became of one scenario.
struct Row {
    file: String,
    code: u8,
    expected: usize,
    failed: Vec<Text>,
    /// It declares `causes`: something must fail, and that is in order.
    broken: bool,
}

impl Args {
    /// One scenario after the other; what is wrong with one does not keep the others from being run.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let mut rows = Vec::new();
        if self.format == Format::Csv {
            ui.out.line("file,verdict,expectations,failed,first_failure")?;
        }
        for file in input::find(&self.paths)? {
            let row = self.judge(file, ui)?;
            match self.format {
                Format::Human if !self.quiet || row.code != exit::SUCCESS => {
                    let text = row.human(ui.color_out, ui.langs.people);
                    ui.out.text(&text)?;
                }
                Format::Csv => ui.out.text(&row.csv(ui.langs.programs))?,
                _ => {}
            }
            rows.push(row);
            if interrupted() || ui.out.closed() {
                break;
            }
        }
        match self.format {
            Format::Human => ui.out.line(&summary(&rows).say(ui.langs.people))?,
            Format::Json => ui.out.line(&object(&rows, ui.langs.programs).to_string())?,
            Format::Csv => {}
        }
        let codes = rows.iter().map(|r| r.code);
        Ok(codes.fold(exit::SUCCESS, exit::worst))
    }

    fn judge(&self, file: String, ui: &Ui) -> Result<Row, Failure> {
        let loaded = match input::load(&file, &self.sim.set, ui) {
            Ok(loaded) => loaded,
            Err(failure) => {
                return Ok(Row {
                    file,
                    code: failure.code,
                    expected: 0,
                    failed: vec![Text::plain(failure.message)],
                    broken: false,
                });
            }
        };
        let run = self.sim.simulate(&loaded.scenario, false, ui)?;
        let mut failed: Vec<Text> = run.expectations.iter().filter(|e| !e.held).map(told).collect();
        let mut code = verdict(&run, ui);
        let broken = !loaded.scenario.causes.is_empty();
        if broken && code == exit::FAILED {
            (code, failed) = (exit::SUCCESS, Vec::new());
        } else if broken && code == exit::SUCCESS {
            failed.push(text!("test-broken-holds", causes = loaded.scenario.causes.join(", ")));
            code = exit::FAILED;
        }
        Ok(Row { failed, expected: run.expectations.len(), code, file, broken })
    }
}

/// A failed expectation in one line.
fn told(judged: &Judged) -> Text {
    text!("test-expected", line = judged.line, expected = judged.text, found = judged.found)
}

impl Row {
    fn verdict(&self) -> &'static str {
        match self.code {
            exit::SUCCESS if self.broken => "broken",
            exit::SUCCESS if self.expected == 0 => "nothing expected",
            exit::SUCCESS => "ok",
            exit::FAILED => "failed",
            exit::INVALID => "invalid",
            exit::LIMIT => "stopped",
            exit::INTERRUPTED => "interrupted",
            _ => "error",
        }
    }

    fn human(&self, color: bool, lang: Lang) -> String {
        let style = match (color, self.code) {
            (false, _) => Style::new(),
            (true, exit::SUCCESS) => Style::new().fg_color(Some(AnsiColor::Green.into())),
            (true, _) => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        };
        let held = self.expected - self.failed.len().min(self.expected);
        let verdict = word(self.verdict()).say(lang);
        let gap = " ".repeat(12_usize.saturating_sub(verdict.width()));
        let of = text!("test-held", n = held, of = self.expected).say(lang);
        let mut out = format!("{style}{verdict}{gap}{style:#} {} {of}\n", self.file);
        for line in &self.failed {
            out.push_str(&format!("             {}\n", line.say(lang)));
        }
        out
    }

    fn csv(&self, lang: Lang) -> String {
        csv_line([
            self.file.clone(),
            self.verdict().to_string(),
            self.expected.to_string(),
            self.failed.len().to_string(),
            self.failed.first().map(|f| f.say(lang)).unwrap_or_default(),
        ])
    }
}

/// `14 scenarios: 12 ok, 1 failed, 1 invalid`.
fn summary(rows: &[Row]) -> Text {
    let all = ["ok", "broken", "nothing expected", "failed", "stopped", "invalid", "interrupted", "error"];
    let counted = all.map(|v| (v, rows.iter().filter(|r| r.verdict() == v).count()));
    let parts = counted.iter().filter(|(_, n)| *n > 0).map(|(v, n)| text!("count-of-verdict", n, verdict = word(v)));
    let verdicts = Text::list(parts, Join::Comma);
    text!("test-summary", scenarios = text!("n-scenarios", n = rows.len()), verdicts)
}

/// A verdict in words.
fn word(verdict: &str) -> Text {
    match verdict {
        "broken" => text!("verdict-broken"),
        "nothing expected" => text!("verdict-nothing-expected"),
        "ok" => text!("verdict-ok"),
        "failed" => text!("verdict-failed"),
        "invalid" => text!("verdict-invalid"),
        "stopped" => text!("verdict-stopped"),
        "interrupted" => text!("verdict-interrupted"),
        _ => text!("verdict-error"),
    }
}

fn object(rows: &[Row], lang: Lang) -> serde_json::Value {
    let failed = |r: &Row| r.failed.iter().map(|f| f.say(lang)).collect::<Vec<_>>();
    let scenarios: Vec<_> = rows
        .iter()
        .map(|r| json!({ "file": r.file, "verdict": r.verdict(), "expectations": r.expected, "failed": failed(r) }))
        .collect();
    json!({ "schema_version": 1, "scenarios": scenarios })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: u8, expected: usize) -> Row {
        Row { file: "a.yaml".into(), code, expected, failed: Vec::new(), broken: false }
    }

    #[test]
    fn the_summary_counts_each_verdict() {
        let rows = [row(0, 2), row(0, 2), row(0, 0), row(1, 1), row(3, 0)];
        assert_eq!(summary(&rows).to_string(), "5 scenarios: 2 ok, 1 nothing expected, 1 failed, 1 invalid");
    }

    #[test]
    fn a_lab_that_is_broken_as_it_says_is_told_apart() {
        let rows = [Row { broken: true, ..row(0, 2) }, Row { broken: true, ..row(1, 2) }];
        assert_eq!(summary(&rows).to_string(), "2 scenarios: 1 broken, 1 failed");
    }

    #[test]
    fn every_verdict_is_counted() {
        for code in [0, 1, 2, 3, 4, 70, 130] {
            assert!(summary(&[row(code, 1)]).to_string().contains(": 1 "), "{code}");
        }
    }
}
