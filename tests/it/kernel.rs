//! Every recorded kernel case, run in this process and scored; how many agree may only rise.
//!
//! `tests/kernel/FLOOR.csv` holds the floors. `FLOOR=raise cargo test --test it kernel` raises them to what is reached
//! (and never lowers one); `KERNEL_SHOW=NAME` prints every disagreement of the cases whose name contains NAME.

use crate::score::{PARTS, Verdict, agrees, compare};
use crate::support::{files, load, root, run, text};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const FLOOR: &str = "tests/kernel/FLOOR.csv";
/// More than any case needs; one that runs on is stopped and counts as not run.
const MAX_EVENTS: u64 = 5_000_000;

/// Of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Count {
    cases: usize,
    /// Agree in every part but `frames`.
    but_frames: usize,
    /// Agree in every part.
    whole: usize,
}

#[test]
fn the_recorded_kernel_is_agreed_with_as_often_as_before() {
    let cases = files("tests/kernel", &[".yaml"]);
    let results = score_all(&cases);
    let mut families: BTreeMap<String, Count> = BTreeMap::new();
    let mut parts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut panicked = Vec::new();
    for (case, result) in &results {
        let count = families.entry(family(case)).or_default();
        count.cases += 1;
        match result {
            Ok(verdict) => {
                count.but_frames += usize::from(agrees(verdict, &["frames"]));
                count.whole += usize::from(agrees(verdict, &[]));
                for (part, bad) in verdict {
                    let (good, asked) = parts.entry(part).or_default();
                    *good += usize::from(bad.is_empty());
                    *asked += 1;
                }
            }
            Err(why) if why.starts_with("panic") => panicked.push(format!("{case}: {why}")),
            Err(why) => eprintln!("{case}: {}", why.lines().next().unwrap_or("")),
        }
        show(case, result);
    }
    assert!(panicked.is_empty(), "no scenario may panic:\n{}", panicked.join("\n"));
    print_table(&families, &parts);
    hold(&families);
}

/// Two at a time or more: cases know nothing of each other.
fn score_all(cases: &[String]) -> BTreeMap<String, Result<Verdict, String>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = catch_unwind(AssertUnwindSafe(|| score(case)));
                    let result = result.unwrap_or_else(|_| Err("panic (see above)".into()));
                    let mut results = results.lock().expect("no other worker panics");
                    results.insert(case.clone(), result);
                }
            });
        }
    });
    results.into_inner().expect("no worker panics")
}

fn score(case: &str) -> Result<Verdict, String> {
    let kernel = text(&case.replace(".yaml", ".kernel.json"));
    let kernel = serde_json::from_str(&kernel).map_err(|e| format!("the kernel's record: {e}"))?;
    let scenario = load(case, &text(case))?;
    let run = run(&scenario, true, MAX_EVENTS);
    if run.events >= MAX_EVENTS {
        return Err(format!("still running after {MAX_EVENTS} events"));
    }
    let ours = serde_json::from_str(&run.record_json()).map_err(|e| format!("our record: {e}"))?;
    Ok(compare(&kernel, &ours))
}

fn family(case: &str) -> String {
    case.split('/').nth(2).unwrap_or_default().to_string()
}

fn show(case: &str, result: &Result<Verdict, String>) {
    let Ok(wanted) = std::env::var("KERNEL_SHOW") else {
        return;
    };
    if !case.contains(&wanted) {
        return;
    }
    match result {
        Err(why) => eprintln!("{case}: {why}"),
        Ok(verdict) => {
            eprintln!("{case}: {}", if agrees(verdict, &[]) { "agrees" } else { "differs" });
            for (part, bad) in verdict {
                for d in bad {
                    eprintln!("\n{part}: {}\n  kernel: {}\n  ours:   {}", d.what, d.kernel, d.ours);
                }
            }
        }
    }
}

fn print_table(families: &BTreeMap<String, Count>, parts: &BTreeMap<&str, (usize, usize)>) {
    eprintln!("{:<10} {:>6} {:>10} {:>6}", "family", "cases", "but frames", "all");
    let mut all = Count::default();
    for (family, c) in families {
        eprintln!("{family:<10} {:>6} {:>10} {:>6}", c.cases, c.but_frames, c.whole);
        all.cases += c.cases;
        all.but_frames += c.but_frames;
        all.whole += c.whole;
    }
    eprintln!("{:<10} {:>6} {:>10} {:>6}", "all", all.cases, all.but_frames, all.whole);
    for part in PARTS {
        let (good, asked) = parts.get(part).copied().unwrap_or_default();
        eprintln!("{part:<10} {good:>6} of {asked}");
    }
}

/// Compares with the floors, and raises them if asked to.
fn hold(families: &BTreeMap<String, Count>) {
    let floors = read_floors(&text(FLOOR));
    let mut below = Vec::new();
    let mut above = Vec::new();
    for (family, reached) in families {
        let floor = floors.get(family).cloned().unwrap_or_default();
        let pairs =
            [("but for frames", floor.but_frames, reached.but_frames), ("in all parts", floor.whole, reached.whole)];
        for (what, floor, reached) in pairs {
            if reached < floor {
                below.push(format!("{family}: {reached} agree {what}, it were {floor}"));
            } else if reached > floor {
                above.push(format!("{family}: {reached} agree {what}, the floor is {floor}"));
            }
        }
    }
    for (family, floor) in &floors {
        let cases = families.get(family).map_or(0, |c| c.cases);
        if cases < floor.cases {
            below.push(format!("{family}: {cases} cases, it were {}", floor.cases));
        }
    }
    if std::env::var_os("FLOOR").is_some_and(|v| v == "raise") {
        std::fs::write(root().join(FLOOR), write_floors(families, &floors)).expect("the floors");
    } else if !above.is_empty() {
        eprintln!("better than the floors (FLOOR=raise cargo test --test it kernel):");
        eprintln!("  {}", above.join("\n  "));
    }
    assert!(
        below.is_empty(),
        "fewer cases agree with the kernel than before:\n  {}\nKERNEL_SHOW=NAME shows what differs",
        below.join("\n  ")
    );
}

fn read_floors(text: &str) -> BTreeMap<String, Count> {
    let mut floors = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [family, cases, but_frames, whole] = cells[..] else {
            panic!("{FLOOR}: `{line}` has not four cells");
        };
        let number = |s: &str| s.parse().unwrap_or_else(|_| panic!("{FLOOR}: `{s}` in `{line}`"));
        floors.insert(
            family.to_string(),
            Count { cases: number(cases), but_frames: number(but_frames), whole: number(whole) },
        );
    }
    floors
}

fn write_floors(reached: &BTreeMap<String, Count>, floors: &BTreeMap<String, Count>) -> String {
    let mut out = String::from("family,cases,but_frames,all\n");
    for (family, r) in reached {
        let f = floors.get(family).cloned().unwrap_or_default();
        out.push_str(&format!(
            "{family},{},{},{}\n",
            r.cases.max(f.cases),
            r.but_frames.max(f.but_frames),
            r.whole.max(f.whole)
        ));
    }
    out
}

#[test]
fn floors_are_raised_and_never_lowered() {
    let floors = read_floors("family,cases,but_frames,all\narp,57,50,10\n");
    let reached = |but_frames, whole| {
        let count = Count { cases: 57, but_frames, whole };
        BTreeMap::from([("arp".to_string(), count)])
    };
    let raised = write_floors(&reached(40, 20), &floors);
    assert_eq!(raised, "family,cases,but_frames,all\narp,57,50,20\n");
    assert_eq!(read_floors(&raised), reached(50, 20));
}
