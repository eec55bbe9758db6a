//! Every scenario of the repository holds what it expects (one that declares `causes` fails something) and tells the story beside it (`NAME.story.txt`).
//!
//! `SNAPSHOTS=overwrite cargo test --test it scenarios` writes the stories anew; read the difference before you commit it.

use crate::support::{load, overwrite, root, run, scenarios, text};
use lvsim::lang::Lang;
use lvsim::report::run::Stop;
use std::panic::{AssertUnwindSafe, catch_unwind};

const MAX_EVENTS: u64 = 50_000_000;

#[test]
fn every_scenario_holds_what_it_expects() {
    let mut broken = Vec::new();
    for file in scenarios() {
        let scenario = match load(&file, &text(&file)) {
            Ok(scenario) => scenario,
            Err(problems) => {
                broken.push(problems);
                continue;
            }
        };
        let run = run(&scenario, false, MAX_EVENTS);
        if run.stop != Stop::Ended {
            broken.push(format!("{file}: did not come to its end"));
        }
        if run.expectations.is_empty() {
            broken.push(format!("{file}: expects nothing"));
        }
        if !scenario.causes.is_empty() {
            if run.expectations.iter().all(|e| e.held) {
                broken.push(format!("{file}: is broken by {}, and yet everything holds", scenario.causes.join(", ")));
            }
            continue;
        }
        for e in run.expectations.iter().filter(|e| !e.held) {
            broken.push(format!("{file}:{}: {}; found {}", e.line, e.text, e.found));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_story_is_as_committed() {
    let mut differ = Vec::new();
    for file in scenarios() {
        let Ok(scenario) = load(&file, &text(&file)) else {
            continue; // The test above tells.
        };
        let story = run(&scenario, true, MAX_EVENTS).story(false, Lang::En).expect("a trace in memory");
        let golden = root().join(file.replace(".yaml", ".story.txt"));
        if overwrite() {
            std::fs::write(golden, story).expect("a story beside its scenario");
            continue;
        }
        let expected = snapbox::Data::read_from(&golden, None).raw();
        let same = catch_unwind(AssertUnwindSafe(|| {
            snapbox::Assert::new().action(snapbox::assert::Action::Verify).eq(story, expected);
        }));
        if same.is_err() {
            differ.push(file);
        }
    }
    assert!(
        differ.is_empty(),
        "the stories of {} differ from the committed ones (see above).\n\
         If the new ones are right: SNAPSHOTS=overwrite cargo test --test it scenarios",
        differ.join(", ")
    );
}

#[test]
fn every_story_has_its_scenario() {
    for story in crate::support::files("scenarios", &[".story.txt"]) {
        let file = story.replace(".story.txt", ".yaml");
        assert!(root().join(&file).exists(), "{story} tells of no {file}");
    }
}
