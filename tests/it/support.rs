//! What the tests share: where things are, how a scenario is run in this process, and how the program is started.

use lvsim::report::names::names;
use lvsim::report::run::{Limits, Run, RunOptions, simulate};
use lvsim::scenario::{self, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository whose name ends so, sorted; names relative to the repository, with `/`.
pub fn files(folder: &str, ends: &[&str]) -> Vec<String> {
    fn walk(at: &Path, found: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display()));
        for entry in entries {
            let path = entry.expect("an entry that can be read").path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .filter_map(|p| p.strip_prefix(root()).ok())
        .map(|p| p.to_string_lossy().replace('\\', "/"))
        .filter(|n| ends.iter().any(|e| n.ends_with(e)))
        .collect();
    names.sort();
    names
}

/// The text of a file of the repository.
pub fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Every scenario of the repository.
pub fn scenarios() -> Vec<String> {
    files("scenarios", &[".yaml", ".yml"])
}

/// A scenario, or its problems as a person would read them.
pub fn load(file: &str, text: &str) -> Result<Scenario, String> {
    match scenario::load(file, text, &[], &names()) {
        Ok(loaded) => Ok(loaded.scenario),
        Err(problems) => Err(scenario::render(&problems, file, text, false)),
    }
}

/// Runs a scenario to its end, or for so many events.
pub fn run(scenario: &Scenario, trace: bool, max_events: u64) -> Run<'_> {
    let options =
        RunOptions { trace, limits: Limits { events: max_events, ..Limits::default() }, ..RunOptions::default() };
    simulate(scenario, &options, &mut |_| true)
}

/// Whether goldens are to be written instead of compared (the variable that snapbox reads, too).
pub fn overwrite() -> bool {
    std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite")
}

/// An empty folder in which the program is run.
pub struct Sandbox(tempfile::TempDir);

/// What the program did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Sandbox {
    /// A new one, with a small scenario `small.yaml` in it.
    pub fn new() -> Sandbox {
        let sandbox = Sandbox(tempfile::tempdir().expect("a temporary folder"));
        sandbox.write("small.yaml", &text("scenarios/dr.yaml"));
        sandbox
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, with its folders.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("a folder in the sandbox");
        fs::write(path, text).expect("a file in the sandbox");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Every file in it, sorted.
    pub fn names(&self) -> Vec<String> {
        fn walk(root: &Path, at: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(at).expect("a folder of the sandbox") {
                let path = entry.expect("an entry of the sandbox").path();
                if path.is_dir() {
                    walk(root, &path, names);
                } else if let Ok(name) = path.strip_prefix(root) {
                    names.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let mut names = Vec::new();
        walk(self.path(), self.path(), &mut names);
        names.sort();
        names
    }

    /// The program, to be started here, with nothing on stdin and no wishes about colour or language.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsim"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(&mut self.command(args))
    }
}

/// Runs to the end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the program starts");
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
