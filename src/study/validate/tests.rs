//! A fast part of the study, and that it can fail.

use super::claim::{Claim, Expected, HUNDREDTH, How, Measure};
use super::judge::Verdicts;
use super::lab::{Lab, Sizes};
use super::{Found, Size, Study, choose};
use crate::report::tables::Format;

const SMALL: Size = Size { connections: 1_500 };

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| n.to_string()).collect()
}

fn found(study: &Study) -> Vec<Found> {
    study.todo().iter().map(|piece| study.run(piece, &mut || true).expect("it runs")).collect()
}

fn judged(claims: Vec<Claim>, seeds: u64) -> Verdicts {
    let study = Study::new(claims, 1, seeds).expect("good labs");
    let found = found(&study);
    study.judge(found).expect("two seeds or more")
}

#[track_caller]
fn all_hold(names: &[&str], seeds: u64) -> Verdicts {
    let verdicts = judged(choose(&words(names), SMALL).expect("known names"), seeds);
    assert!(verdicts.hold(), "{}", verdicts.print(Format::Human));
    verdicts
}

#[test]
fn hashes_bins_and_maglev_are_as_the_books_say() {
    let names = [
        "crowd",
        "slots",
        "modulo",
        "balls-two-10",
        "maglev-fail-5",
        "maglev-once-4",
        "maglev-4-to",
        "maglev-w",
        "maglev-add",
    ];
    // Not the bins that take long.
    let claims: Vec<Claim> =
        choose(&words(&names), SMALL).expect("known names").into_iter().filter(|c| !c.name.contains("00")).collect();
    let verdicts = judged(claims, 4);
    assert!(verdicts.hold(), "{}", verdicts.print(Format::Human));
    assert!(verdicts.rows.len() > 10 && verdicts.runs == 0);
}

#[test]
fn queues_and_schedulers_are_as_theory_says() {
    // With so few seeds intervals are wide: hundreds of seeds would say the same more sharply. What has no luck in it is held tightly.
    let names = ["mm1-0.5", "rr4-0.7", "mm4-0.7", "mg1-const-0.3", "ps-const-0.7", "ps-slowdown-const-0.7"];
    let verdicts = all_hold(&names, 6);
    let sharp = |name: &str| verdicts.rows.iter().find(|r| r.name == name).expect("a row");
    assert!(sharp("mg1-const-0.3").half.is_some_and(|half| half < 0.1));
    assert_eq!((sharp("little").measured, sharp("conservation").measured, sharp("frames").measured), (0.0, 0.0, 0.0));
}

#[test]
fn schedulers_over_four_servers_are_as_simulated_apart() {
    let names = [
        "fcfs-exp-lc-0.3",
        "fcfs-exp-lc-jain-0.3",
        "fcfs-exp-twos-0.3",
        "fcfs-const-rr-0.7",
        "draws-fcfs-bp-lc-0.7",
        "draws-ps-bp-rr-0.7",
    ];
    let verdicts = all_hold(&names, 6);
    // Round robin and shared processors leave nothing to chance: the same draws give the same mean, but for the network.
    let draws = verdicts.rows.iter().find(|r| r.name == "draws-ps-bp-rr-0.7").expect("a row");
    assert!((draws.measured / draws.expected - 1.0).abs() < 1e-5, "{draws:?}");
    let jain = verdicts.rows.iter().find(|r| r.name == "fcfs-exp-lc-jain-0.3").expect("a row");
    assert!((jain.measured - 0.735).abs() < 0.02, "{jain:?}");
}

fn mm1(expected: f64) -> Claim {
    let lab = Lab {
        servers: 1,
        workers: 1,
        scheduler: "rr",
        work: Sizes::Constant,
        sharing: false,
        load: 30,
        connections: 1_500,
        before: 300,
    };
    Claim::runs("wrong".into(), "nonsense".into(), "nobody", Expected::Exactly(expected), lab, Measure::Mean)
}

#[test]
fn a_wrong_claim_does_not_hold_and_is_named() {
    let verdicts = judged(vec![mm1(1.6)], 5);
    assert!(!verdicts.hold());
    assert!(verdicts.summary().starts_with("1 of 4 claims do not hold: wrong."), "{}", verdicts.summary());
    assert!(verdicts.print(Format::Human).contains("DOES NOT HOLD"));
    let csv = verdicts.print(Format::Csv);
    assert_eq!(csv.lines().nth(1).and_then(|l| l.split(',').nth(7)), Some("false"), "{csv}");
    let not_a_number = Claim { how: How::Once(Box::new(|| f64::NAN)), ..mm1(1.0) };
    assert!(!judged(vec![not_a_number], 2).hold());
}

#[test]
fn intervals_decide_where_a_hundredth_does_not() {
    // Values 9, 10, 11, 12, one for each seed: their mean is 10.5 ± 2.05 (t = 3.18).
    let drawn = |expected| Claim { expected, how: How::Drawn(Box::new(|seed| 8.0 + seed as f64)), ..mm1(0.0) };
    let holds = |expected| judged(vec![drawn(expected)], 4).rows[0].holds;
    assert!(holds(Expected::Exactly(12.5)) && !holds(Expected::Exactly(12.6)));
    // An interval of the expected value comes on top, in quadrature; where one more value lies is wider still.
    assert!(holds(Expected::About { value: 13.0, half: 2.0 }) && !holds(Expected::About { value: 14.0, half: 2.0 }));
    assert!(holds(Expected::Once(15.0)) && !holds(Expected::Once(15.2)));
    // Pairs differ by their own values: here always by 0.5, so that only the hundredth is left.
    let paired = |tolerance| Claim {
        expected: Expected::BySeed,
        tolerance,
        how: How::Paired(Box::new(|seed| (8.5 + seed as f64, 8.0 + seed as f64))),
        ..mm1(0.0)
    };
    assert!(!judged(vec![paired(HUNDREDTH)], 4).hold() && judged(vec![paired(0.05)], 4).hold());
    // Of many rows each is given more room, so that all hold together.
    let one = judged(vec![drawn(Expected::Exactly(12.6))], 4).rows[0].half;
    let many = judged((0..20).map(|_| drawn(Expected::Exactly(12.6))).collect(), 4).rows[0].half;
    assert!(many > one, "{many:?} {one:?}");
}

#[test]
fn the_order_of_pieces_does_not_matter_and_half_a_seed_is_left_out() {
    let study = Study::new(vec![mm1(1.214)], 3, 4).expect("a good lab");
    let mut all = found(&study);
    let print = |found: Vec<Found>| study.judge(found).map(|v| v.print(Format::Json));
    let forth = print(all.clone());
    all.reverse();
    assert_eq!(print(all.clone()), forth);
    // In reverse the first is of the last seed.
    let three = study.judge(all[1..].to_vec()).expect("three seeds");
    assert_eq!(three.seeds, (3, 3));
    assert!(study.judge(all[3..].to_vec()).is_none());
}

#[test]
fn claims_are_chosen_by_word_or_family_and_have_names_of_their_own() {
    let all = choose(&[], SMALL).expect("all");
    let mut names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len(), "two claims have one name");
    assert!(all.len() > 100);
    let some = choose(&words(&["maglev", "mm1-0.9"]), SMALL).expect("some");
    assert!(some.iter().all(|c| c.name.contains("maglev") || c.name.contains("mm1-0.9") || c.name == "modulo-weights"));
    assert!(choose(&words(&["mm1", "nonsense"]), SMALL).is_err_and(|why| why.contains("nonsense")));
}
