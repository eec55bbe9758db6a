//! The command line: the only room that touches files, the terminal, the clock and signals.
//!
//! One file per verb, each with `Args` and `execute`; `execute` gives the exit code or a [`Failure`]. What the verbs
//! share: [`exit`] (codes, panics), [`out`] (stdout, files), [`ui`] (colour, stderr), [`input`] (reading scenarios),
//! [`simulation`] (options, limits, progress, Ctrl-C).

mod bench;
mod breaks;
mod check;
mod compare;
mod completions;
mod diff;
mod exit;
mod font;
mod grade;
mod input;
mod lab;
mod ladder;
mod list;
mod man;
mod new;
mod order;
mod out;
mod pool;
mod progress;
mod reference;
mod run;
mod schema;
mod show;
mod simulation;
mod spool;
mod sweep;
mod test;
mod trace;
mod ui;
mod validate;
mod values;
mod why;

use clap::{Parser, Subcommand};
use exit::Failure;
use std::process::ExitCode;
use ui::{Color, Language, Ui};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "lvsim",
    version,
    about = "The LVS lab in one binary: simulates Linux Virtual Server topologies, frame by frame",
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  lvsim new dr                        write dr.yaml, a working direct-routing cluster; --list has more
  lvsim run dr.yaml                   simulate it: who served whom, what died where and why
  lvsim why dr.yaml                   what is wrong, who is behind it, and what mends it
  lvsim trace dr.yaml arp             every ARP frame, as tcpdump prints it
  lvsim show dr.yaml conn director    its connection table at the end, or --at 1.5s
  lvsim lab dr.yaml                   type on its hosts: ipvsadm -Ln, tcpdump, :run 5s, :back
  lvsim test scenarios                run all scenarios of a folder and judge what they expect

Exit codes: 0 success, 1 an expectation or a lint failed, 2 bad usage, 3 an invalid scenario,
4 stopped by a limit, 70 an internal error, 130 interrupted.

Environment: NO_COLOR and CLICOLOR_FORCE=1 decide about colour, TMPDIR about where long traces are put aside;
LVSIM_PROGRESS=never tells no progress on stderr."
)]
struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Language of what is told; without it the locale's (LC_ALL, LC_MESSAGES, LANG), and English in files, JSON and CSV
    #[arg(long, global = true, value_enum, value_name = "LANG")]
    lang: Option<Language>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Simulate scenarios and tell what happened
    Run(run::Args),
    /// Read scenarios, play their set-up, and tell what is wrong or will not work, before any run
    Check(check::Args),
    /// Run scenarios and judge what they expect, one line each
    Test(test::Args),
    /// Print every frame as tcpdump does, hop by hop
    Trace(trace::Args),
    /// Tell why something went wrong: the cause, what mends it, every step
    Why(why::Args),
    /// Break a scenario that works, and write the exercise
    Break(breaks::Args),
    /// Draw the frames between hosts as a message sequence chart
    Ladder(ladder::Args),
    /// Compare two runs: where they part, what led there, what came of it
    Diff(diff::Args),
    /// Run every order of what is typed on one host
    Order(order::Args),
    /// Work on the simulated hosts: type commands, let time pass, go back
    Lab(lab::Args),
    /// Mark what students hand in by what a lab expects
    Grade(grade::Args),
    /// Print a table of a node at any moment
    Show(show::Args),
    /// Run the same load under several schedulers and say which differences are real
    Compare(compare::Args),
    /// Measure how fast lvsim simulates
    Bench(bench::Args),
    /// Run a scenario over a grid of values and seeds; resumable, and shared by many machines
    Sweep(sweep::Args),
    /// Hold the simulator against theory and published results
    Validate(validate::Args),
    /// Write a new scenario from a template, or list the templates
    New(new::Args),
    /// List what scenarios can name: sysctls, drop reasons, problems
    List(list::Args),
    /// Print the JSON Schema of scenario files, for editors and programs
    Schema(schema::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print a manual page
    Man(man::Args),
}

/// The program: reads the command line, does what it says, gives the exit code.
pub fn main() -> ExitCode {
    exit::report_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to complain about help that nobody reads.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    let mut ui = Ui::new(cli.color, cli.lang);
    let done = match cli.verb {
        Verb::Run(args) => args.execute(&mut ui),
        Verb::Check(args) => args.execute(&mut ui),
        Verb::Test(args) => args.execute(&mut ui),
        Verb::Trace(args) => args.execute(&mut ui),
        Verb::Why(args) => args.execute(&mut ui),
        Verb::Break(args) => args.execute(&mut ui),
        Verb::Ladder(args) => args.execute(&mut ui),
        Verb::Diff(args) => args.execute(&mut ui),
        Verb::Order(args) => args.execute(&mut ui),
        Verb::Lab(args) => args.execute(&mut ui),
        Verb::Grade(args) => args.execute(&mut ui),
        Verb::Show(args) => args.execute(&mut ui),
        Verb::Compare(args) => args.execute(&mut ui),
        Verb::Bench(args) => args.execute(&mut ui),
        Verb::Sweep(args) => args.execute(&mut ui),
        Verb::Validate(args) => args.execute(&mut ui),
        Verb::New(args) => args.execute(&mut ui),
        Verb::List(args) => args.execute(&mut ui),
        Verb::Schema(args) => args.execute(&mut ui),
        Verb::Completions(args) => args.execute(&mut ui),
        Verb::Man(args) => args.execute(&mut ui),
    };
    let done = done.and_then(|code| ui.out.finish().map(|()| code));
    ExitCode::from(done.unwrap_or_else(|Failure { code, message }| {
        ui.error(&message);
        code
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_shows_an_example() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.get_after_help().map(|h| h.to_string());
            assert!(help.is_some_and(|h| h.contains("lvsim ")), "`{}` has no example in its help", verb.get_name());
        }
    }
}
