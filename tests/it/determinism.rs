//! Same scenario, same bytes: run after run, watched or not, here or elsewhere (`tests/fingerprints.csv`).
//!
//! `SNAPSHOTS=overwrite cargo test --test it determinism` writes the fingerprints anew. A change must have a reason that
//! the changelog tells: events and frames say whether something else happened, or the same in another order.

use crate::support::{load, overwrite, root, run, scenarios, text};
use lvsim::report::run::Run;

const COMMITTED: &str = "tests/fingerprints.csv";
const HEADER: &str = "scenario,events,frames,fingerprint\n";
const MAX_EVENTS: u64 = 50_000_000;

fn line(name: &str, run: &Run) -> String {
    format!("{name},{},{},{:016x}\n", run.events, run.frames, run.fingerprint)
}

#[test]
fn a_run_can_be_repeated_and_watching_changes_nothing() {
    for file in scenarios() {
        let scenario = load(&file, &text(&file)).unwrap_or_else(|e| panic!("{e}"));
        let once = run(&scenario, false, MAX_EVENTS);
        let again = run(&scenario, false, MAX_EVENTS);
        let watched = run(&scenario, true, MAX_EVENTS);
        assert_eq!(line(&file, &once), line(&file, &again), "a second run differs");
        assert_eq!(line(&file, &once), line(&file, &watched), "tracing changes the run");
        let watched_again = run(&scenario, true, MAX_EVENTS);
        assert!(watched.record_json() == watched_again.record_json(), "{file}: two records of one scenario differ");
        assert!(watched.pcapng() == watched_again.pcapng(), "{file}: two captures differ");
    }
}

#[test]
fn fingerprints_are_as_committed() {
    let mut found = String::from(HEADER);
    for file in scenarios() {
        let scenario = load(&file, &text(&file)).unwrap_or_else(|e| panic!("{e}"));
        found.push_str(&line(&file, &run(&scenario, false, MAX_EVENTS)));
    }
    if overwrite() {
        std::fs::write(root().join(COMMITTED), found).expect("the fingerprints");
        return;
    }
    snapbox::Assert::new()
        .action(snapbox::assert::Action::Verify)
        .eq(found, snapbox::Data::text(text(COMMITTED)).raw());
}
