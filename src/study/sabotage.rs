//! Exercises: a scenario that works, broken by one or two slips as people make them, proved by running it.
//!
//! The table of moves backwards. A slip declares the cause that it is; it counts only if an expectation fails and `why`
//! names that cause, so that whoever searches can find it. Which slips are taken is drawn from a seed, and nothing else.

use super::change::{Change, edited, sets};
use super::exam::{Exam, Facts};
use super::moves::Bench;
use super::slips::{SLIPS, Slip};
use crate::base::Seed;
use crate::lang::{Lang, Text};
use crate::report::why::causes::causes;
use crate::scenario::Scenario;
use crate::scenario::edit::{Value, edit};
use crate::text;

/// How hard an exercise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difficulty {
    /// One slip.
    One,
    /// Two slips of different kinds.
    Two,
    /// One slip that shows far from where it was made.
    Far,
}

/// A broken scenario.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The file's text.
    pub text: String,
    /// Codes of the causes that it has.
    pub causes: Vec<&'static str>,
    /// What is expected and fails.
    pub fails: Vec<String>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbroken {
    /// The scenario is no good one: this is expected and fails, or nothing is expected.
    NotGood(Option<String>),
    /// No slip of this difficulty breaks it.
    NoSlip,
    /// It was stopped.
    Interrupted,
}

struct Slipped {
    slip: &'static Slip,
    change: Change,
}

/// Breaks a scenario; the exercise asks in this language. `go_on` is asked often; when it answers false, the search ends.
///
/// # Errors
/// The scenario fails already or expects nothing, or no slip makes it fail.
pub fn sabotage(
    exam: &Exam<'_>,
    difficulty: Difficulty,
    seed: u64,
    hide: bool,
    lang: Lang,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Exercise, Unbroken> {
    const EVENTS: u64 = 20_000_000;
    let good = exam.load(&[]).ok_or(Unbroken::NotGood(None))?;
    let run = exam.run(&good, true, EVENTS, go_on);
    let lab = run.lab();
    let facts = Facts::of(&run, &lab);
    if !facts.held() || facts.expected.is_empty() {
        let fails = facts.expected.iter().find(|(_, held)| !held).map(|(text, _)| text.clone());
        return Err(Unbroken::NotGood(fails));
    }
    let bench = Bench { lab: &lab, causes: &[] };
    let mut all: Vec<Slipped> = Vec::new();
    for slip in SLIPS.iter().filter(|s| difficulty == Difficulty::Two || s.far == (difficulty == Difficulty::Far)) {
        all.extend((slip.propose)(&bench, slip.cause).into_iter().map(|change| Slipped { slip, change }));
    }
    // Causes alternate: of a drawn order the first of each cause comes before the second of any.
    let mut rng = Seed(seed).stream("break");
    let mut drawn: Vec<(usize, u64, usize)> = Vec::new();
    let keys: Vec<u64> = all.iter().map(|_| rng.next_u64()).collect();
    for (i, s) in all.iter().enumerate() {
        let earlier =
            all.iter().enumerate().filter(|(j, o)| o.slip.cause == s.slip.cause && (keys[*j], *j) < (keys[i], i));
        drawn.push((earlier.count(), keys[i], i));
    }
    drawn.sort_unstable();
    let mut first: Option<&Slipped> = None;
    for (_, _, i) in drawn {
        if !go_on() {
            return Err(Unbroken::Interrupted);
        }
        let slip = &all[i];
        let with: Vec<&Slipped> = first.into_iter().chain([slip]).collect();
        if first.is_some_and(|f| f.slip.cause == slip.slip.cause) {
            continue;
        }
        // Of two slips each has to do harm by itself: neither may be mended in vain.
        if first.is_some() && broken(exam, &good, &[slip], facts.events, go_on).is_none() {
            continue;
        }
        let Some((text, fails)) = broken(exam, &good, &with, facts.events, go_on) else { continue };
        if difficulty == Difficulty::Two && first.is_none() {
            first = Some(slip);
            continue;
        }
        let causes: Vec<&'static str> = with.iter().map(|s| s.slip.cause).collect();
        let text = told(&text, &good, &causes, hide, lang).ok_or(Unbroken::NoSlip)?;
        return Ok(Exercise { text, causes, fails });
    }
    Err(Unbroken::NoSlip)
}

/// The text with the slips, and what fails then; none if nothing does, or `why` would name another cause.
fn broken(
    exam: &Exam<'_>,
    good: &Scenario,
    slips: &[&Slipped],
    events: u64,
    go_on: &mut dyn FnMut() -> bool,
) -> Option<(String, Vec<String>)> {
    let edits = slips.iter().flat_map(|s| s.change.edits.clone()).collect();
    let keys = Change { kind: "slips", edits }.keys(good)?;
    let text = edited(exam.text, &keys)?;
    // What the file says now is what `--set` would say.
    exam.load(&sets(&keys))?;
    let exam = Exam { text: &text, ..*exam };
    let scenario = exam.load(&[])?;
    let run = exam.run(&scenario, true, events.saturating_mul(8).saturating_add(200_000), go_on);
    let lab = run.lab();
    let facts = Facts::of(&run, &lab);
    if !facts.ended || facts.held() {
        return None;
    }
    let found = causes(&lab);
    // Of two slips the first may hide the second until it is mended.
    let named = |s: &&Slipped| found.iter().any(|f| f.code == s.slip.cause);
    let enough = match slips {
        [one] => named(one),
        more => more.iter().any(named),
    };
    let fails = facts.expected.iter().filter(|(_, held)| !held).map(|(text, _)| text.clone()).collect();
    enough.then_some((text, fails))
}

/// The exercise asks: title and about become a question; the causes stand in the file unless they are hidden.
fn told(text: &str, good: &Scenario, causes: &[&str], hide: bool, lang: Lang) -> Option<String> {
    let say = |text: Text| text.say(lang);
    let about = [
        say(text!("break-worked", n = causes.len())),
        say(text!("break-asks")),
        String::new(),
        say(text!("break-look")),
        String::new(),
        format!("- {}", say(text!("break-look-expectations"))),
        format!("- {}", say(text!("break-look-why"))),
    ]
    .join("\n");
    let title = if good.title.is_empty() { good.name.clone() } else { good.title.clone() };
    let title = say(text!("break-title", title)).replace(['"', '\\'], "'");
    let key = |name: &str| vec![name.to_string()];
    let text = edit(text, &key("title"), &Value::Flow(format!("\"{title}\"")))?;
    let text = edit(&text, &key("about"), &Value::Script(about))?;
    match hide {
        true => Some(text),
        false => {
            let line = format!("causes: [{}]\n", causes.join(", "));
            // After the title, where people look for it.
            let at = text.find("\ntitle:").map(|i| i + 1).and_then(|i| text[i..].find('\n').map(|n| i + n + 1))?;
            Some(format!("{}{line}{}", &text[..at], &text[at..]))
        }
    }
}
