//! Progress on stderr after one second of work: a bar on a terminal, plain lines elsewhere, nothing at all with
//! `LVSIM_PROGRESS=never` in the environment. Never part of a result.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lvsim::report::run::Progress;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long nothing is said.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a bar is redrawn, and a line printed.
const REDRAW: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(5);

/// Looks at the clock so that the simulation need not.
#[derive(Debug)]
pub struct Meter {
    started: Instant,
    next: Duration,
    live: bool,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// `quiet`: says nothing. `live`: stderr is a terminal.
    #[expect(clippy::disallowed_methods, reason = "progress is about the user's time; no result depends on it")]
    pub fn new(quiet: bool, live: bool) -> Meter {
        let silent = quiet || std::env::var_os("LVSIM_PROGRESS").is_some_and(|v| v == "never");
        Meter { started: Instant::now(), next: if silent { Duration::MAX } else { PATIENCE }, live, bar: None }
    }

    /// Called now and then by the simulation.
    pub fn tick(&mut self, progress: &Progress) {
        if let Some(elapsed) = self.due() {
            self.say(elapsed, permille(progress).unwrap_or(0), sentence(progress, elapsed));
        }
    }

    /// Called before each of many runs: `done` of `all` are over.
    pub fn runs(&mut self, done: usize, all: usize) {
        self.pieces("runs", done, all);
    }

    /// The same with another word for them.
    pub fn pieces(&mut self, what: &str, done: usize, all: usize) {
        if let Some(elapsed) = self.due() {
            let permille = (done * 1000).checked_div(all).unwrap_or(0);
            self.say(elapsed, permille as u64, pieces(what, done, all, elapsed));
        }
    }

    /// Called while a long file is written.
    pub fn wrote(&mut self, name: &str, bytes: u64) {
        if let Some(elapsed) = self.due() {
            self.say(elapsed, 0, wrote(name, bytes));
        }
    }

    fn due(&self) -> Option<Duration> {
        Some(self.started.elapsed()).filter(|elapsed| *elapsed >= self.next)
    }

    fn say(&mut self, elapsed: Duration, permille: u64, text: String) {
        if self.live {
            self.next = elapsed + REDRAW;
            let bar = self.bar.get_or_insert_with(new_bar);
            bar.set_position(permille);
            bar.set_message(text);
        } else {
            self.next = elapsed + LINE;
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Thousandths of simulated time, where its end is known.
fn permille(p: &Progress) -> Option<u64> {
    let total = p.total_ns.filter(|&t| t > 0)?;
    let part = u128::from(p.simulated_ns) * 1000 / u128::from(total);
    Some(part.min(1000) as u64)
}

/// `42 %, 3.20 M events/s, 12 s left`.
fn sentence(p: &Progress, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let rate = p.events as f64 / seconds / 1e6;
    match permille(p) {
        Some(done) if done > 0 => {
            let left = seconds * (1000 - done) as f64 / done as f64;
            format!("{} %, {rate:.2} M events/s, {left:.0} s left", done / 10)
        }
        _ => format!("{:.3} s simulated, {rate:.2} M events/s", p.simulated_ns as f64 / 1e9),
    }
}

/// `120 of 720 runs, 4 s left`.
fn pieces(what: &str, done: usize, all: usize, elapsed: Duration) -> String {
    let left = elapsed.as_secs_f64() * all.saturating_sub(done) as f64 / done.max(1) as f64;
    format!("{done} of {all} {what}, {left:.0} s left")
}

/// `run.pcapng: 310 MB written`.
fn wrote(name: &str, bytes: u64) -> String {
    format!("{name}: {} MB written", bytes / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_has_percent_rate_and_time_left() {
        let half = Progress { simulated_ns: 5, total_ns: Some(10), events: 4_000_000 };
        let text = sentence(&half, Duration::from_secs(2));
        assert_eq!(text, "50 %, 2.00 M events/s, 2 s left");
    }

    #[test]
    fn a_tally_tells_runs_and_the_time_left() {
        assert_eq!(pieces("runs", 3, 12, Duration::from_secs(6)), "3 of 12 runs, 18 s left");
    }

    #[test]
    fn a_long_file_tells_its_name_and_how_much_of_it_there_is() {
        assert_eq!(wrote("a.json", 310_999_999), "a.json: 310 MB written");
    }

    #[test]
    fn without_an_end_it_tells_how_far_it_is() {
        let open = Progress { simulated_ns: 1_500_000_000, total_ns: None, events: 1_000_000 };
        let text = sentence(&open, Duration::from_secs(1));
        assert_eq!(text, "1.500 s simulated, 1.00 M events/s");
    }

    #[test]
    fn nothing_is_said_in_the_first_second() {
        let mut meter = Meter::new(false, true);
        meter.tick(&Progress { simulated_ns: 1, total_ns: None, events: 1 });
        assert!(meter.bar.is_none());
    }
}
