//! The house rules that no compiler keeps. Each failure names the remedy.

use crate::support::{files, root, scenarios, text};
use std::collections::BTreeSet;

/// The rooms in their order, from the one place that says it: the picture in `src/lib.rs`.
fn rooms() -> Vec<String> {
    let lib = text("src/lib.rs");
    let picture = lib
        .lines()
        .find(|l| l.starts_with("//!") && l.contains("base →"))
        .expect("src/lib.rs shows the rooms as `base → wire → …`");
    let words = picture.trim_start_matches("//!").trim().trim_matches('`');
    words.split('→').map(|w| w.trim().to_string()).collect()
}

/// Rooms of the library that a line of code names: `crate::net::…`, `use crate::{base, wire}`.
fn named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or("");
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        let inside = after.strip_prefix('{').and_then(|a| a.split('}').next());
        for part in inside.unwrap_or(after).split(',') {
            let word: String = part.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            names.push(word);
            if inside.is_none() {
                break;
            }
        }
    }
    names
}

#[test]
fn a_room_uses_only_rooms_before_it() {
    let rooms = rooms();
    let place = |name: &str| rooms.iter().position(|r| r == name);
    let mut wrong = Vec::new();
    for file in files("src", &[".rs"]) {
        let room = file.split('/').nth(1).unwrap_or_default();
        if room == "lib.rs" || room == "main.rs" {
            continue;
        }
        let Some(mine) = place(room) else {
            wrong.push(format!("{file}: `{room}` is no room; add it to the picture in src/lib.rs"));
            continue;
        };
        for (n, line) in text(&file).lines().enumerate() {
            for used in named(line) {
                if place(&used).is_some_and(|theirs| theirs > mine) {
                    let n = n + 1;
                    wrong.push(format!("{file}:{n} uses {used}: rooms may use only rooms before them"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn uses_are_found_however_they_are_written() {
    assert_eq!(named("use crate::net::fib::Fib;"), ["net"]);
    assert_eq!(named("use crate::{base::Span, wire};"), ["base", "wire"]);
    assert_eq!(named("let x = crate::ipvs::conn::f(crate::base::Span(1));"), ["ipvs", "base"]);
    assert_eq!(named("/// [`crate::report::run`]"), Vec::<String>::new());
    assert_eq!(rooms().first().map(String::as_str), Some("lang"));
    assert_eq!(rooms().last().map(String::as_str), Some("cli"));
}

#[test]
fn every_file_says_first_what_it_is() {
    let mut silent: Vec<String> = files("src", &[".rs"]);
    silent.extend(files("tests/it", &[".rs"]));
    silent.retain(|file| !text(file).starts_with("//! "));
    assert!(
        silent.is_empty(),
        "these files do not begin with `//! ` and a sentence that says what they are:\n{}",
        silent.join("\n")
    );
}

/// Folders in which each file is one thing of a kind, with the file that holds the table of them.
const TABLES: &[(&str, &str)] = &[
    ("src/ipvs/sched", "src/ipvs/sched/mod.rs"),
    ("src/report/charts", "src/report/charts/mod.rs"),
    ("src/study/charts", "src/study/charts/mod.rs"),
    ("src/shell/commands", "src/shell/commands/mod.rs"),
    ("src/shell/text", "src/shell/text/mod.rs"),
];

#[test]
fn one_file_of_a_kind_is_one_row_in_its_table() {
    let mut missing = Vec::new();
    for (folder, table) in TABLES.iter().filter(|(f, _)| root().join(f).is_dir()) {
        let rows = text(table);
        for file in files(folder, &[".rs"]) {
            let rest = file.strip_prefix(folder).unwrap_or(&file).trim_start_matches('/');
            let name = rest.trim_end_matches(".rs");
            // What lies in folders of its own, and what is shared, is no row.
            let shared = text(&file).contains("//! Shared by ");
            if name == "mod" || rest.contains('/') || shared {
                continue;
            }
            if !rows.contains(&format!("{name}::")) {
                missing.push(format!("{file} has no row in {table} (or begin it with `//! Shared by …`)"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_scenario_explains_itself_and_expects_something() {
    let mut wrong = Vec::new();
    for file in scenarios() {
        let text = text(&file);
        let about = text.split("\nabout: |").nth(1).unwrap_or("");
        if !about.contains("What to look at") {
            wrong.push(format!("{file}: its `about` does not say what to look at"));
        }
        let expect = text.split("\nexpect:").nth(1).unwrap_or("");
        if !expect.contains("\n  # ") && !expect.contains("\n  - ") {
            wrong.push(format!("{file}: it expects nothing"));
        }
        if !expect.contains("# ") {
            wrong.push(format!("{file}: no comment says why it expects what it does"));
        }
        // A folder has a table of its own.
        let (folder, name) = file.rsplit_once('/').expect("a path below scenarios/");
        if !self::text(&format!("{folder}/README.md")).contains(&format!("`{name}`")) {
            wrong.push(format!("{file}: no row in {folder}/README.md"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_names_a_machine() {
    let mut texts = Vec::new();
    for folder in ["src", "tests/it", "scenarios", "benches", "book", "docs", ".ci"] {
        if root().join(folder).is_dir() {
            let ends = [".rs", ".md", ".yaml", ".txt", ".toml", ".html", ".js", ".css", "run"];
            texts.extend(files(folder, &ends));
        }
    }
    texts.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(String::from));
    // In two pieces, so that this file does not name one itself.
    let places = [concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/"), concat!("C:", "\\")];
    let mut found = BTreeSet::new();
    for file in &texts {
        for (n, line) in text(file).lines().enumerate() {
            for place in places.iter().filter(|p| line.contains(**p)) {
                found.insert(format!("{file}:{}: `{place}` is a path of one machine", n + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}
