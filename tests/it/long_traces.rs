//! A trace that is put aside tells the same as one in memory, to the byte, and leaves nothing behind.

use crate::support::{Sandbox, load, scenarios, text};
use lvsim::lang::Lang;
use lvsim::report::run::{DOCUMENTS, Run, RunOptions, simulate};
use lvsim::report::summary::{Measured, Summary};
use lvsim::scenario::Scenario;
use lvsim::trace::{Spool, Spooling};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

/// A file of this test's own.
#[derive(Debug)]
struct Disk(File);

impl Spool for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::End(0))?;
        self.0.write_all(bytes)
    }

    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(into)
    }
}

fn disk() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(Disk(tempfile::tempfile()?)))
}

const EARLY: Spooling = Spooling { open: disk, kept: 10, trace_bytes: u64::MAX, report_bytes: 1000 };

fn traced(scenario: &Scenario, spooling: Option<Spooling>) -> Run<'_> {
    simulate(scenario, &RunOptions { trace: true, spooling, ..RunOptions::default() }, &mut |_| true)
}

#[test]
fn every_scenario_tells_the_same_from_memory_and_from_a_file() {
    for file in scenarios() {
        let scenario = load(&file, &text(&file)).unwrap_or_else(|e| panic!("{e}"));
        let (near, far) = (traced(&scenario, None), traced(&scenario, Some(EARLY)));
        assert!(far.log().records.len() <= 10, "{file}");
        for (name, fill) in DOCUMENTS {
            let bytes = [&near, &far].map(|run| {
                let mut out = Vec::new();
                fill(run, &mut out).unwrap_or_else(|e| panic!("{file}: {e}"));
                out
            });
            assert!(bytes[0] == bytes[1], "{file}: {name} differs");
        }
        let stories = [&near, &far].map(|run| run.story(true, Lang::En).unwrap_or_else(|e| panic!("{file}: {e}")));
        assert_eq!(stories[0], stories[1], "{file}");
        let artifacts =
            [&near, &far].map(|run| run.artifacts(false, Lang::En).unwrap_or_else(|e| panic!("{file}: {e}")));
        assert!(artifacts[0] == artifacts[1], "{file}: charts or report differ");
        assert_eq!(near.warnings, far.warnings, "{file}");
    }
}

#[test]
fn the_object_for_programs_has_its_keys_in_the_order_of_the_alphabet() {
    let scenario = load("dr.yaml", &text("scenarios/dr.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let run = traced(&scenario, None);
    let told = serde_json::to_string(&Summary::new(&run, Measured { peak_rss_bytes: 1, wall_s: 0.5 }, true, Lang::En));
    let told = told.expect("JSON");
    let sorted: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told, sorted.to_string());
    assert_eq!(sorted["connections"].as_array().map(Vec::len), Some(6));
    assert_eq!((&sorted["partial"], &sorted["engine"]["wall_s"]), (&true.into(), &0.5.into()));
}

#[test]
fn what_does_not_fit_is_told_with_the_option_that_makes_room() {
    let scenario = load("dr.yaml", &text("scenarios/dr.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let run = traced(&scenario, Some(Spooling { trace_bytes: 1000, ..EARLY }));
    let told =
        run.warnings.iter().any(|w| w.to_string().contains("did not fit") && w.to_string().contains("--max-trace"));
    assert!(told, "{:?}", run.warnings);
    assert!(run.story(false, Lang::En).is_ok_and(|story| story.contains("The trace was full")));
}

/// So little memory that most of the trace is put aside …
const LITTLE: [&str; 2] = ["--max-memory", "1MB"];

/// … of a run that is long enough for a file.
fn long() -> String {
    text("scenarios/dr.yaml").replace("connections: 6, every: 200ms", "connections: 400, every: 5ms")
}

#[test]
fn the_program_writes_the_same_with_little_memory() {
    let sandbox = Sandbox::new();
    sandbox.write("long.yaml", &long());
    let all = ["run", "long.yaml", "--record", "r.json", "--pcap", "p.pcapng"];
    let plenty = sandbox.run(&all);
    assert!(plenty.out.contains("400 connections"), "{plenty:?}");
    let files = ["r.json", "p.pcapng", "output/long/report.md", "output/long/record.json"];
    let before = files.map(|name| sandbox.read(name));
    let little = sandbox.run(&[&all[..], &LITTLE].concat());
    assert_eq!((little.code, &little.err), (plenty.code, &plenty.err));
    assert_eq!(little.out, plenty.out);
    assert!(files.map(|name| sandbox.read(name)) == before);
    let piped = sandbox.run(&["run", "long.yaml", "--no-output", "--record", "-", LITTLE[0], LITTLE[1]]);
    assert!(piped.out.as_bytes() == sandbox.read("r.json"));
    // Where nothing is told, nothing is traced, and nothing has to be put aside.
    let quiet = ["run", "long.yaml", "--quiet", "--no-output", LITTLE[0], LITTLE[1]];
    let quiet = crate::support::finish(sandbox.command(&quiet).env("TMPDIR", "nowhere"));
    assert_eq!(quiet.code, plenty.code, "{quiet:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_for_temporary_files_that_cannot_be_used_is_told_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("long.yaml", &long());
    for args in [&["run", "long.yaml"][..], &["run", "long.yaml", "--no-output", "--pcap", "p.pcapng"]] {
        let args = [args, &LITTLE].concat();
        let ran = crate::support::finish(sandbox.command(&args).env("TMPDIR", "nowhere"));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        for part in ["the trace cannot be kept", "`nowhere`", "name a folder with room by TMPDIR"] {
            assert!(ran.err.contains(part), "{part}: {ran:?}");
        }
        assert_eq!(ran.out, "");
    }
    assert_eq!(sandbox.names(), ["long.yaml", "small.yaml"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_temporary_file_not_even_the_second_one_while_a_file_is_written() {
    let sandbox = Sandbox::new();
    let slow = text("scenarios/dr.yaml").replace("connections: 6, every: 200ms", "connections: 2000000, every: 500us");
    sandbox.write("slow.yaml", &slow);
    fs::create_dir(sandbox.path().join("tmp")).expect("a folder");
    let mut child = sandbox
        .command(&["run", "slow.yaml", "--max-memory", "64MB", "--max-events", "100G", "-o", "out"])
        .env("TMPDIR", "tmp")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let interrupt = || {
        let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(killed.success());
    };
    let wait = || std::thread::sleep(std::time::Duration::from_millis(20));
    // Long enough that its trace takes a while to be written.
    std::thread::sleep(std::time::Duration::from_secs(3));
    interrupt();
    let half = |name: &String| name.starts_with("out/slow/.") && name.ends_with(".tmp");
    for _ in 0..3000 {
        if sandbox.names().iter().any(half) {
            break;
        }
        wait();
    }
    assert!(sandbox.names().iter().any(half), "a file that is being written: {:?}", sandbox.names());
    interrupt();
    let code = child.wait().expect("an end").code();
    assert_eq!(code, Some(130));
    let left: Vec<String> = sandbox.names().into_iter().filter(|n| !n.contains(".partial.")).collect();
    assert_eq!(left, ["slow.yaml", "small.yaml"]);
}
