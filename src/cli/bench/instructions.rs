//! Instructions a connection: the difference of two sizes, divided by the difference of the sizes, as
//! `valgrind --tool=callgrind` counts them. The same to the last digit on every run of one binary.

use super::super::exit::{self, Failure};
use super::super::out;
use super::super::ui::Ui;
use super::measure::{self, Tracing};
use super::name;
use lvsim::study::bench::{Cell, Workload};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The two sizes: beyond what set-up, ARP and the first room for things take.
const SIZES: [u64; 2] = [2_000, 6_000];
/// A figure may grow by so many percent: compilers and C libraries differ by less.
const TOLERANCE: f64 = 5.0;

/// What a cell takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    connection: u64,
    frame: u64,
}

/// Counts, prints, and holds the figures against a baseline or writes it.
///
/// # Errors
/// Without valgrind, or if a run fails, or the baseline cannot be read or written.
pub fn execute(cells: &[Cell], baseline: Option<&Path>, write: bool, ui: &mut Ui) -> Result<u8, Failure> {
    let known = match baseline {
        Some(file) if !write => read(file)?,
        _ => BTreeMap::new(),
    };
    let mut found = BTreeMap::new();
    let mut grown = 0;
    for cell in cells.iter().filter(|c| !c.workload.holds()) {
        let counted = count(*cell)?;
        found.insert(name(*cell), counted);
        let mut line = format!(
            "{:<9}{:>9} instructions a connection,{:>7} a frame",
            name(*cell),
            counted.connection,
            counted.frame
        );
        if let Some(before) = known.get(&name(*cell)) {
            let percent = growth(before.connection, counted.connection);
            line.push_str(&format!("   {percent:+.2} % since the baseline"));
            if percent > TOLERANCE {
                grown += 1;
                line.push_str(&format!(": more than {TOLERANCE} %"));
            }
        } else if baseline.is_some() && !write {
            line.push_str("   not in the baseline");
        }
        ui.out.line(&line)?;
        ui.out.finish()?;
    }
    if let Some(file) = baseline.filter(|_| write) {
        let cells: BTreeMap<&String, Value> =
            found.iter().map(|(name, c)| (name, json!({ "a_connection": c.connection, "a_frame": c.frame }))).collect();
        let text = json!({ "schema_version": 1, "instructions": cells });
        out::write_file(file, format!("{text:#}\n").as_bytes())?;
    }
    if grown > 0 {
        ui.error(&format!(
            "{grown} of the figures grew by more than {TOLERANCE} %; if that is what the change is worth, write a new baseline \
             with --write and say why"
        ));
        return Ok(exit::FAILED);
    }
    Ok(exit::SUCCESS)
}

fn growth(before: u64, now: u64) -> f64 {
    100.0 * (now as f64 - before as f64) / before.max(1) as f64
}

fn count(cell: Cell) -> Result<Counted, Failure> {
    let mut counts = [(0, 0); 2];
    for (slot, connections) in counts.iter_mut().zip(SIZES) {
        let under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let out = measure::again(&under, Cell { connections, ..cell }, Tracing::Off).map_err(|f| Failure {
            message: format!("{} (instructions are counted by valgrind, which must be installed)", f.message),
            ..f
        })?;
        let told = String::from_utf8_lossy(&out.stderr);
        let collected = collected(&told)
            .ok_or(Failure { code: exit::INTERNAL, message: format!("{}: valgrind told no figure", name(cell)) })?;
        let row: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
        *slot = (collected, row["frames"].as_u64().unwrap_or(0));
    }
    let [(few, few_frames), (many, many_frames)] = counts;
    let (instructions, frames) = (many.saturating_sub(few), many_frames.saturating_sub(few_frames));
    Ok(Counted { connection: instructions / (SIZES[1] - SIZES[0]), frame: instructions / frames.max(1) })
}

/// The figure in what valgrind prints.
fn collected(told: &str) -> Option<u64> {
    told.lines().find_map(|l| l.split_once("Collected : ")?.1.trim().parse().ok())
}

fn read(file: &Path) -> Result<BTreeMap<String, Counted>, Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot read the baseline `{}`: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    let cells = value["instructions"].as_object().ok_or_else(|| wrong("it has no `instructions`".into()))?;
    let number = |v: &Value, key: &str| v[key].as_u64().ok_or_else(|| wrong(format!("`{key}` is no number")));
    cells
        .iter()
        .map(|(name, v)| {
            Ok((name.clone(), Counted { connection: number(v, "a_connection")?, frame: number(v, "a_frame")? }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_found_in_what_valgrind_prints() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 137585136\n"), Some(137_585_136));
        assert_eq!(collected("==7== nothing\n"), None);
    }

    #[test]
    fn growth_is_in_percent_of_the_baseline() {
        assert!((growth(1_000, 1_060) - 6.0).abs() < 1e-9);
        assert!((growth(1_000, 900) + 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_baseline_that_is_none_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("baseline.json");
        for text in ["", "{}", "{\"instructions\":{\"dr tcp\":{}}}"] {
            fs::write(&file, text).expect("written");
            assert!(read(&file).is_err_and(|f| f.code == exit::USAGE), "{text}");
        }
        fs::write(&file, "{\"instructions\":{\"dr tcp\":{\"a_connection\":7,\"a_frame\":2}}}").expect("written");
        let read = read(&file).expect("a baseline");
        assert_eq!(read.get("dr tcp"), Some(&Counted { connection: 7, frame: 2 }));
    }
}
