//! The examples of every `--help`: what a person copies from there runs.
//!
//! Left out: examples on a file of the reader's own (`lab.yaml`, `web.yaml`), and those that take minutes.

use crate::support::{Ran, Sandbox, finish, text};
use std::collections::BTreeSet;
use std::fs::File;

/// Examples that begin so take minutes.
const SLOW: &[&str] = &["lvsim bench", "lvsim validate"];
/// … but not these.
const QUICK: &[&str] = &["lvsim bench dr --scenario"];

/// An example, as a shell takes it apart.
#[derive(Debug, Default)]
struct Example {
    args: Vec<String>,
    stdin: Option<String>,
}

/// The commands of a help text, without what is said beside them.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().filter_map(|l| l.strip_prefix("  ")).filter(|l| l.starts_with("lvsim "));
    lines.map(|l| l.split("  ").next().unwrap_or(l).trim_end().to_string()).collect()
}

/// Takes an example apart: words, some in single quotes, `< FILE`, and an end at `> FILE` or `|`.
fn parse(line: &str) -> Example {
    let mut words: Vec<String> = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        match i % 2 {
            0 => words.extend(part.split_whitespace().map(String::from)),
            _ => words.push(part.to_string()),
        }
    }
    let mut example = Example::default();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            ">" | "|" => break,
            "<" => example.stdin = words.next(),
            _ => example.args.push(word),
        }
    }
    example
}

/// Runs an example where its files are; none if one of them is the reader's own.
fn run(sandbox: &Sandbox, line: &str) -> Option<Ran> {
    let example = parse(line);
    let (mut made, mut missing) = (false, false);
    for word in example.args.iter().chain(&example.stdin) {
        let file = [".yaml", ".txt"].iter().any(|e| word.ends_with(e)) || word.starts_with("output/");
        if file && word.starts_with("scenarios/") && !sandbox.path().join(word).exists() {
            sandbox.write(word, &text(word));
        }
        missing |= file && !made && !sandbox.path().join(word).exists();
        made = word == "-o";
    }
    if missing {
        return None;
    }
    let args: Vec<&str> = example.args.iter().map(String::as_str).collect();
    let mut command = sandbox.command(&args);
    if let Some(file) = &example.stdin {
        command.stdin(File::open(sandbox.path().join(file)).expect("a file of the example"));
    }
    Some(finish(&mut command))
}

#[test]
fn the_examples_of_every_help_run() {
    let help = |args: &[&str]| {
        let ran = Sandbox::new().run(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        ran.out
    };
    let root = help(&["--help"]);
    let commands = root.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let verbs: BTreeSet<&str> = commands.filter_map(|l| l.strip_prefix("  ")?.split(' ').next()).collect();
    let verbs = verbs.into_iter().filter(|v| !v.is_empty() && *v != "help");
    let helps = [root.clone()].into_iter().chain(verbs.map(|v| help(&[v, "--help"])));
    let (mut wrong, mut ran, mut seen) = (Vec::new(), 0, 0);
    for help in helps {
        let sandbox = Sandbox::new();
        sandbox.write("commands.txt", "ip addr\n");
        sandbox.write("scenarios/dr.yaml", &text("scenarios/dr.yaml"));
        for line in examples(&help) {
            seen += 1;
            let begins = |with: &&str| line.starts_with(*with);
            if SLOW.iter().any(begins) && !QUICK.iter().any(begins) {
                continue;
            }
            let Some(done) = run(&sandbox, &line) else { continue };
            ran += 1;
            // 1 is an answer: something failed, or differs.
            if !matches!(done.code, Some(0 | 1)) || done.err.contains("error: ") {
                wrong.push(format!("{line}\n  {:?}: {}", done.code, done.err.trim_end()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 70 && ran > 50, "{ran} of {seen} examples were run: are they read as they are printed?");
}
