//! A resumable bash: runs the text of `run:` blocks and script files on a simulated host.
//!
//! A program such as `ping` takes simulated time, so the shell never waits in Rust: its state is an explicit stack of
//! frames ([`Shell`] is plain data and `Clone`). [`Shell::resume`] runs until every part of it waits for a time or an
//! event of the simulation, and says for which.
//!
//! Follows bash 5.2, by behaviour and in its own words for errors. The grammar is read by a parser of our own (`parse`, `lex`):
//! it takes a script line by line as bash does, so that the lines before a syntax error run; it knows the line of every
//! command; and no nesting overflows its stack.
//!
//! Left out, refused by name where they can be typed: process substitution, `coproc`, `select`, associative arrays, extended
//! patterns, aliases, history, job control (`fg`, `bg`), signals other than those that `kill` sends to background jobs.
//! The stages of a pipeline run one after another, each with the whole output of the one before, so a stage that never ends
//! holds up those behind it; a background command whose output goes into a pipe or `$( )` runs in the foreground.
//! Text is UTF-8; bytes that are not are replaced. Endless loops, recursion, output and variables have limits below.

mod arith;
mod ast;
mod brace;
mod builtin;
mod builtin_vars;
mod command;
mod compound;
mod cond;
mod env;
pub(crate) mod escape;
mod expand;
mod fields;
mod frame;
mod jobs;
#[cfg(test)]
mod language;
mod lex;
pub mod outline;
mod param;
mod parse;
mod parse_compound;
mod parse_cond;
mod parse_simple;
mod pattern;
mod pipeline;
mod print;
mod printf;
mod program;
mod redirect;
mod script;
mod state;
mod syntax;
mod task;
#[cfg(test)]
mod tests;

use super::output;
pub use super::output::{Output, Stdin, Stream};
pub use state::{Shell, ShellState, Wake};

use super::vfs::{FileError, Stat, Vfs};
use crate::base::SimTime;

/// The largest value of a variable, in bytes; all together may have eight times as much.
pub const MAX_VALUE: usize = 256 << 10;
/// The number of variables.
pub const MAX_VARIABLES: usize = 4096;
/// The number of words of one command, and of names that a pattern may become.
pub const MAX_WORDS: usize = 20_000;
/// The bytes of one command's words.
pub const MAX_COMMAND: usize = 1 << 20;
/// Steps without simulated time passing.
pub const MAX_STEPS: u64 = 2_000_000;
/// Steps in all.
pub const MAX_TOTAL_STEPS: u64 = 20_000_000;
/// Function calls within function calls.
pub const MAX_CALLS: usize = 200;
/// Subshells within subshells.
pub const MAX_SUBSHELLS: u32 = 60;
/// Jobs in the background at the same time.
pub const MAX_JOBS: usize = 256;
/// Bytes printed by a shell, in a session by each of its lines, and bytes held by one pipe or `$( )`.
pub const MAX_OUTPUT: usize = 4 << 20;

/// Reads a script without running it.
///
/// # Errors
/// The line of the first mistake, and what bash (or lvsim, of what it does not simulate) would say about it.
pub fn check_syntax(script: &str) -> Result<(), (u32, String)> {
    let mut parser = parse::Parser::new(script, 1);
    loop {
        match parser.next_line() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err((error.line, error.messages("").trim_end().to_string())),
        }
    }
}

/// What became of a program that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exec<P> {
    /// It ended at once, with this status.
    Done(u8),
    /// It needs simulated time: [`Machine::poll`] tells how it goes on.
    Running(P),
    /// No such program: `command not found`.
    NotFound,
    /// A real program that lvsim does not simulate: said so on standard error, status 127.
    NotSimulated {
        /// What does its work here; nothing if nothing does.
        instead: &'static str,
    },
}

/// How a running program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It ended with this status.
    Done(u8),
    /// Nothing happens before this time.
    Until(SimTime),
    /// It waits for something to happen on its host.
    Event,
    /// For whichever comes first.
    UntilOrEvent(SimTime),
}

/// A program that has ended, or `/proc` opened for writing (words `>` and the path).
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// The line of the text that it stands in, from 1.
    pub line: u32,
    /// What errors begin with: the shell's name, or the script's.
    pub source: &'a str,
    /// The words after expansion.
    pub words: &'a [String],
    /// Its exit status.
    pub status: u8,
    /// What it printed.
    pub out: &'a Output,
}

/// The host that a shell runs on.
pub trait Machine {
    /// A started program that needs simulated time.
    type Proc: Clone + std::fmt::Debug;

    /// Simulated time.
    fn now(&self) -> SimTime;

    /// The directory that the next program starts in, and whether its standard output is a terminal.
    fn enter(&mut self, cwd: &str, terminal: bool) {
        let _ = (cwd, terminal);
    }

    /// Runs a program. `argv[0]` is its bare name: `/sbin/ifconfig` has become `ifconfig`. A program that reads standard input
    /// takes it from `stdin`, which notes that it was read. Text programs ([`crate::shell::text::TEXT_PROGRAMS`]) and
    /// `sleep`, `timeout`, `env`, `nohup`, `nice`, `setsid`, `which` never come here. `kill` comes here as `kill -SIGNAL PID` for a process that
    /// is no job of the shell; anything but `Done(0)` becomes `No such process`.
    fn exec(&mut self, argv: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Self::Proc>;

    /// Hears what was run, for whoever notes what is typed. Changes nothing.
    fn ran(&mut self, ran: &Ran<'_>) {
        let _ = ran;
    }

    /// Lets a running program go on as far as it can now.
    fn poll(&mut self, proc: &mut Self::Proc, out: &mut Output) -> Wait;

    /// A signal for a running program. `Some(status)`: it has ended (128 + signal, or what its handler makes of it, with its last
    /// words in `out`); `None`: it goes on.
    fn signal(&mut self, proc: &mut Self::Proc, signal: u8, out: &mut Output) -> Option<u8> {
        let _ = (proc, out);
        Some(128 + signal)
    }

    /// The host's files.
    fn fs(&mut self) -> &mut Vfs;

    /// The text of a virtual file; `None` if the path is not virtual.
    fn proc_read(&mut self, path: &str) -> Option<Result<String, FileError>>;

    /// Writes a virtual file; `None` if the path is not virtual.
    fn proc_write(&mut self, path: &str, text: &str) -> Option<Result<(), FileError>>;

    /// Whether there is such a virtual path: `None` if it is not virtual, `Some(None)` if it would be but is not there.
    /// A mode without write bits makes opening it for writing fail.
    fn proc_stat(&mut self, path: &str) -> Option<Option<Stat>>;

    /// The names in a virtual directory, sorted; `None` if the path is not virtual.
    fn proc_list(&mut self, path: &str) -> Option<Result<Vec<String>, FileError>>;

    /// The host's name.
    fn hostname(&self) -> &str;

    /// Where the program `name` lies (`/sbin/ifconfig`), for `type`, `which` and `command -v`. Asks for nothing to run.
    fn which(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// The host's clock: seconds and nanoseconds since 1970. By default simulated time begins with 2024.
    fn unix_time(&self) -> (i64, u32) {
        let now = self.now().0;
        (1_704_067_200 + (now / 1_000_000_000) as i64, (now % 1_000_000_000) as u32)
    }
}

/// The files of a machine with its virtual ones laid over them.
pub(crate) struct Overlay<'a, M>(pub &'a mut M);

impl<M: Machine> super::vfs::Files for Overlay<'_, M> {
    fn read(&mut self, path: &str) -> Result<String, FileError> {
        if path == "/dev/null" {
            return Ok(String::new());
        }
        if let Some(read) = self.0.proc_read(path) {
            return read;
        }
        self.0.fs().read(path).map(str::to_string)
    }

    fn write(&mut self, path: &str, text: &str, append: bool) -> Result<(), FileError> {
        if path == "/dev/null" {
            return Ok(());
        }
        if let Some(written) = self.0.proc_write(path, text) {
            return written;
        }
        let now = self.0.now();
        let fs = self.0.fs();
        fs.now = now;
        if append { fs.append(path, text) } else { fs.write(path, text) }
    }

    fn stat(&mut self, path: &str) -> Option<Stat> {
        match self.0.proc_stat(path) {
            Some(stat) => stat,
            None => self.0.fs().stat(path),
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, FileError> {
        match self.0.proc_list(path) {
            Some(names) => names,
            None => self.0.fs().list(path),
        }
    }

    fn is_virtual(&mut self, path: &str) -> bool {
        path == "/dev/null" || self.0.proc_stat(path).is_some()
    }

    fn tree(&mut self) -> &mut Vfs {
        let now = self.0.now();
        let fs = self.0.fs();
        fs.now = now;
        fs
    }

    fn hostname(&self) -> String {
        self.0.hostname().to_string()
    }

    fn unix_time(&self) -> (i64, u32) {
        self.0.unix_time()
    }
}
