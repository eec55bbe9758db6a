//! The text programs: `cat`, `grep`, `sed`, `awk` and their like, one row each in [`TEXT_PROGRAMS`].
//!
//! They behave as the GNU programs of a Debian do for the options that they know, say the GNU message for an option that
//! does not exist, and say so by name for one that exists and is not modelled. They read text only.

mod awk;
mod cat;
mod columns;
pub(super) mod date;
mod files;
mod grep;
mod ls;
mod misc;
mod options;
pub(crate) mod regex;
mod sed;
mod sort;

use super::bash::{Output, Stdin};
use super::vfs::{FileError, Files, resolve};

/// What a text program works with.
pub struct Io<'a, 'b> {
    /// The arguments behind the program's name.
    pub args: &'a [String],
    /// Standard input.
    pub stdin: &'a mut Stdin<'b>,
    /// What it prints.
    pub out: &'a mut Output,
    /// The host's files.
    pub files: &'a mut dyn Files,
    /// The working directory.
    pub cwd: &'a str,
    /// What it cost, in bytes looked at: counts against the shell's limit of steps.
    pub work: u64,
}

impl Io<'_, '_> {
    /// Reads an operand: `-` is standard input.
    fn read(&mut self, name: &str) -> Result<String, FileError> {
        let text = if name == "-" || name == "/dev/stdin" {
            Ok(self.stdin.read().to_string())
        } else {
            self.files.read(&resolve(self.cwd, name))
        };
        self.work += text.as_ref().map_or(10, |t| t.len() as u64);
        text
    }

    fn path(&self, name: &str) -> String {
        resolve(self.cwd, name)
    }

    fn print(&mut self, text: &str) {
        self.out.stdout(text);
    }

    fn error(&mut self, text: &str) {
        self.out.stderr(text);
    }
}

/// A text program.
#[derive(Clone, Copy)]
pub struct TextProgram {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Runs it; the exit status.
    pub run: fn(&mut Io<'_, '_>) -> u8,
}

/// The text programs, sorted by name.
pub const TEXT_PROGRAMS: &[TextProgram] = &[
    TextProgram { name: "awk", about: "patterns and actions over fields", run: awk::run },
    TextProgram { name: "basename", about: "the last part of a path", run: misc::basename },
    TextProgram { name: "cat", about: "files one after another", run: cat::cat },
    TextProgram { name: "chmod", about: "permission bits", run: files::chmod },
    TextProgram { name: "cp", about: "copies files", run: files::cp },
    TextProgram { name: "cut", about: "columns or fields of lines", run: columns::cut },
    TextProgram { name: "date", about: "the host's clock", run: date::date },
    TextProgram { name: "dirname", about: "a path without its last part", run: misc::dirname },
    TextProgram { name: "egrep", about: "grep -E", run: grep::egrep },
    TextProgram { name: "expr", about: "arithmetic and comparisons of arguments", run: misc::expr },
    TextProgram { name: "fgrep", about: "grep -F", run: grep::fgrep },
    TextProgram { name: "gawk", about: "awk", run: awk::run },
    TextProgram { name: "grep", about: "lines that match", run: grep::grep },
    TextProgram { name: "head", about: "the first lines", run: cat::head },
    TextProgram { name: "ls", about: "names in directories", run: ls::ls },
    TextProgram { name: "mawk", about: "awk", run: awk::run },
    TextProgram { name: "mkdir", about: "makes directories", run: files::mkdir },
    TextProgram { name: "mktemp", about: "makes a file with a new name", run: files::mktemp },
    TextProgram { name: "mv", about: "renames files", run: files::mv },
    TextProgram { name: "nl", about: "numbers lines", run: cat::nl },
    TextProgram { name: "rm", about: "removes files", run: files::rm },
    TextProgram { name: "rmdir", about: "removes empty directories", run: files::rmdir },
    TextProgram { name: "sed", about: "edits lines", run: sed::run },
    TextProgram { name: "seq", about: "numbers in a row", run: misc::seq },
    TextProgram { name: "sort", about: "lines in order", run: sort::sort },
    TextProgram { name: "tac", about: "lines backwards", run: cat::tac },
    TextProgram { name: "tail", about: "the last lines", run: cat::tail },
    TextProgram { name: "tee", about: "copies its input to files", run: cat::tee },
    TextProgram { name: "touch", about: "makes empty files", run: files::touch },
    TextProgram { name: "tr", about: "replaces characters", run: columns::tr },
    TextProgram { name: "uniq", about: "equal lines once", run: sort::uniq },
    TextProgram { name: "wc", about: "counts lines, words, bytes", run: cat::wc },
];

/// The text program of this name.
pub fn find(name: &str) -> Option<&'static TextProgram> {
    TEXT_PROGRAMS.binary_search_by(|p| p.name.cmp(name)).ok().map(|n| &TEXT_PROGRAMS[n])
}

#[cfg(test)]
pub(crate) mod testing {
    //! A host with nothing but files, to run text programs on.

    use super::*;
    use crate::shell::vfs::{Stat, Vfs};

    /// Files only.
    pub struct Plain(pub Vfs);

    impl Files for Plain {
        fn read(&mut self, path: &str) -> Result<String, FileError> {
            self.0.read(path).map(str::to_string)
        }
        fn write(&mut self, path: &str, text: &str, append: bool) -> Result<(), FileError> {
            if append { self.0.append(path, text) } else { self.0.write(path, text) }
        }
        fn stat(&mut self, path: &str) -> Option<Stat> {
            self.0.stat(path)
        }
        fn list(&mut self, path: &str) -> Result<Vec<String>, FileError> {
            self.0.list(path)
        }
        fn is_virtual(&mut self, path: &str) -> bool {
            path.starts_with("/proc/")
        }
        fn tree(&mut self) -> &mut Vfs {
            &mut self.0
        }
        fn hostname(&self) -> String {
            "host".into()
        }
        fn unix_time(&self) -> (i64, u32) {
            (1_704_067_200 + 86_399, 5_000_000)
        }
    }

    /// Runs a program; what it printed, and its status.
    pub fn run_on(files: &mut Plain, name: &str, args: &[&str], input: &str) -> (String, u8) {
        let args: Vec<String> = args.iter().map(|a| a.to_string()).collect();
        let mut stdin = Stdin::new(input);
        let mut out = Output::new();
        let program = find(name).expect("a text program");
        let status =
            (program.run)(&mut Io { args: &args, stdin: &mut stdin, out: &mut out, files, cwd: "/root", work: 0 });
        (out.text(), status)
    }

    /// The same on a fresh host.
    pub fn run(name: &str, args: &[&str], input: &str) -> (String, u8) {
        run_on(&mut Plain(Vfs::new()), name, args, input)
    }

    #[test]
    fn the_table_is_sorted_for_its_search() {
        assert!(TEXT_PROGRAMS.windows(2).all(|w| w[0].name < w[1].name));
    }
}
