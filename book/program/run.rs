//! Runs what pages show: each command by bash, in the page's own folder, with nothing of the machine in its environment
//! but where programs are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, PipeReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A command that takes longer is stopped, and so is one that prints more.
const LIMIT: Duration = Duration::from_secs(120);
const LONGEST: usize = 4 << 20;

/// What all pages share: the program, and copies of the repository's files for each.
pub struct Kitchen {
    folder: tempfile::TempDir,
    /// A folder with `lvsim` alone.
    bin: PathBuf,
    /// Folder names in the scratch folder, and what they are copies of.
    copies: Vec<(&'static str, PathBuf)>,
}

impl Kitchen {
    pub fn new(root: &Path, lvsim: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lvsim-book-").tempdir()?;
        let bin = folder.path().join("bin");
        fs::create_dir(&bin)?;
        place(&lvsim.canonicalize()?, &bin.join("lvsim"))?;
        let copies = vec![("scenarios", root.join("scenarios")), ("labs", root.join("book/labs"))];
        Ok(Kitchen { folder, bin, copies })
    }

    /// A fresh folder for a page.
    pub fn table(&self, env: &BTreeMap<String, String>) -> io::Result<Table<'_>> {
        let folder = tempfile::Builder::new().prefix("page-").tempdir_in(self.folder.path())?;
        for (name, from) in &self.copies {
            if from.is_dir() {
                copy(from, &folder.path().join(name))?;
            }
        }
        Ok(Table { kitchen: self, folder, env: env.clone() })
    }
}

/// The folder in which a page's commands run.
pub struct Table<'a> {
    kitchen: &'a Kitchen,
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

/// What became of a command.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    /// Both, line by line, as they came. Which of two programs of a pipe is heard first is up to the machine.
    pub mixed: String,
    pub end: End,
    pub took: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exit(i32),
    Signal,
    TooLong,
    TooMuch,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Exit(code) => write!(f, "it exits with {code}"),
            End::Signal => write!(f, "a signal ends it"),
            End::TooLong => write!(f, "it takes longer than {} s", LIMIT.as_secs()),
            End::TooMuch => write!(f, "it prints more than {} MB", LONGEST >> 20),
        }
    }
}

impl Table<'_> {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn run(&self, command: &str) -> io::Result<Ran> {
        let begin = now();
        let (out, out_writer) = io::pipe()?;
        let (err, err_writer) = io::pipe()?;
        // The command holds the writing ends of our pipes: it must be gone before they are read to their end.
        let mut child = { self.bash(command)?.stdout(out_writer).stderr(err_writer).spawn()? };
        let (tell, told) = mpsc::channel();
        for (n, reader) in [out, err].into_iter().enumerate() {
            let tell = tell.clone();
            thread::spawn(move || read(reader, |bytes| tell.send((n, bytes)).is_ok()));
        }
        drop(tell);
        let mut heard = Heard::default();
        let failed = loop {
            match told.recv_timeout(LIMIT.saturating_sub(begin.elapsed())) {
                Ok((n, bytes)) => heard.hear(n, &bytes),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => break Some(End::TooLong),
            }
            if heard.streams.iter().map(Vec::len).sum::<usize>() > LONGEST {
                break Some(End::TooMuch);
            }
        };
        if failed.is_some() {
            stop(&child);
        }
        let status = child.wait()?;
        let end = failed.unwrap_or_else(|| status.code().map_or(End::Signal, End::Exit));
        let mixed = heard.mixed();
        let [stdout, stderr] = heard.streams.map(|s| String::from_utf8_lossy(&s).into_owned());
        Ok(Ran { stdout, stderr, mixed, end, took: begin.elapsed() })
    }

    fn bash(&self, command: &str) -> io::Result<Command> {
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(self.kitchen.bin.clone()).chain(std::env::split_paths(&others)))
                .map_err(io::Error::other)?;
        let mut bash = Command::new("bash");
        bash.args(["-c", command]).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        bash.env("PATH", path).env("HOME", self.path()).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        bash.env("COLUMNS", "100").env("NO_COLOR", "1").env("TERM", "dumb");
        // How far a command has come after a second is told by the clock.
        bash.env("LVSIM_PROGRESS", "never").envs(&self.env);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut bash, 0);
        Ok(bash)
    }
}

/// Two streams as they come, each line whole.
#[derive(Default)]
struct Heard {
    streams: [Vec<u8>; 2],
    /// Of each stream how much is in `lines`.
    taken: [usize; 2],
    lines: Vec<u8>,
}

impl Heard {
    fn hear(&mut self, n: usize, bytes: &[u8]) {
        self.streams[n].extend_from_slice(bytes);
        if let Some(end) = bytes.iter().rposition(|&b| b == b'\n') {
            let whole = self.streams[n].len() - bytes.len() + end + 1;
            self.lines.extend_from_slice(&self.streams[n][self.taken[n]..whole]);
            self.taken[n] = whole;
        }
    }

    fn mixed(&self) -> String {
        let rest = |n: usize| &self.streams[n][self.taken[n]..];
        String::from_utf8_lossy(&[&self.lines, rest(0), rest(1)].concat()).into_owned()
    }
}

fn read(mut reader: PipeReader, mut tell: impl FnMut(Vec<u8>) -> bool) {
    let mut bytes = vec![0; 1 << 16];
    // A pipe that breaks has said what it had to say.
    while let Ok(n) = reader.read(&mut bytes)
        && n > 0
        && tell(bytes[..n].to_vec())
    {}
}

/// Ends a command and everything that it has started; its group's number is its own.
fn stop(child: &Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long commands take is told by --times, and limited; it reaches no page"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(unix)]
fn place(program: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, at)
}

#[cfg(not(unix))]
fn place(program: &Path, at: &Path) -> io::Result<()> {
    fs::copy(program, at.with_extension(std::env::consts::EXE_EXTENSION)).map(|_| ())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn with_table(check: impl FnOnce(&Table<'_>)) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("scenarios")).unwrap();
        fs::write(root.path().join("scenarios/a.yaml"), "a: 1\n").unwrap();
        let program = root.path().join("anything");
        fs::write(&program, "#!/bin/sh\necho lvsim \"$@\"\n").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let kitchen = Kitchen::new(root.path(), &program).unwrap();
        check(&kitchen.table(&BTreeMap::from([("COLUMNS".into(), "80".into())])).unwrap());
    }

    #[test]
    fn commands_share_a_folder_with_copies_and_have_lvsim() {
        with_table(|table| {
            let ran = table.run("lvsim a | tee out; echo b >&2; echo \"$COLUMNS$CARGO\"; exit 3").unwrap();
            assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("lvsim a\n80\n", "b\n"));
            assert_eq!((ran.mixed.len(), ran.end), ("lvsim a\nb\n80\n".len(), End::Exit(3)));
            let ran = table.run("cat out scenarios/a.yaml; ls x; rm scenarios/a.yaml").unwrap();
            assert_eq!((ran.stdout.as_str(), ran.end), ("lvsim a\na: 1\n", End::Exit(0)));
            assert!(ran.stderr.contains('x'), "{}", ran.stderr);
        });
    }

    #[test]
    fn lines_of_two_streams_stay_whole() {
        let mut heard = Heard::default();
        for (n, text) in [(0, "one\ntw"), (1, "note\n"), (0, "o\nthree"), (1, "end")] {
            heard.hear(n, text.as_bytes());
        }
        assert_eq!(heard.mixed(), "one\nnote\ntwo\nthreeend");
    }

    #[test]
    fn who_prints_without_end_is_stopped() {
        with_table(|table| assert_eq!(table.run("yes").unwrap().end, End::TooMuch));
    }
}
