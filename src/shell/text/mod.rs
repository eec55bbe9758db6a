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
use crate::lang::Text;

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
    /// Runs it; the exit status.
    pub run: fn(&mut Io<'_, '_>) -> u8,
}

impl TextProgram {
    /// What it is for, in a few words.
    pub fn about(&self) -> Text {
        Text::row("program", self.name, None)
    }
}

/// The text programs, sorted by name.
pub const TEXT_PROGRAMS: &[TextProgram] = &[
    TextProgram { name: "awk", run: awk::run },
    TextProgram { name: "basename", run: misc::basename },
    TextProgram { name: "cat", run: cat::cat },
    TextProgram { name: "chmod", run: files::chmod },
    TextProgram { name: "cp", run: files::cp },
    TextProgram { name: "cut", run: columns::cut },
    TextProgram { name: "date", run: date::date },
    TextProgram { name: "dirname", run: misc::dirname },
    TextProgram { name: "egrep", run: grep::egrep },
    TextProgram { name: "expr", run: misc::expr },
    TextProgram { name: "fgrep", run: grep::fgrep },
    TextProgram { name: "gawk", run: awk::run },
    TextProgram { name: "grep", run: grep::grep },
    TextProgram { name: "head", run: cat::head },
    TextProgram { name: "ls", run: ls::ls },
    TextProgram { name: "mawk", run: awk::run },
    TextProgram { name: "mkdir", run: files::mkdir },
    TextProgram { name: "mktemp", run: files::mktemp },
    TextProgram { name: "mv", run: files::mv },
    TextProgram { name: "nl", run: cat::nl },
    TextProgram { name: "rm", run: files::rm },
    TextProgram { name: "rmdir", run: files::rmdir },
    TextProgram { name: "sed", run: sed::run },
    TextProgram { name: "seq", run: misc::seq },
    TextProgram { name: "sort", run: sort::sort },
    TextProgram { name: "tac", run: cat::tac },
    TextProgram { name: "tail", run: cat::tail },
    TextProgram { name: "tee", run: cat::tee },
    TextProgram { name: "touch", run: files::touch },
    TextProgram { name: "tr", run: columns::tr },
    TextProgram { name: "uniq", run: sort::uniq },
    TextProgram { name: "wc", run: cat::wc },
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
