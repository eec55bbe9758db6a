//! Exit codes, by name, and what becomes of a panic.

use lvsim::lang::Text;
use std::panic::PanicHookInfo;

/// An exit code of the program.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub code: u8,
}

impl Row {
    /// In a word or two.
    pub fn name(&self) -> Text {
        Text::row("exit", &self.code.to_string(), None)
    }

    /// What it means.
    pub fn about(&self) -> Text {
        Text::row("exit", &self.code.to_string(), Some("about"))
    }
}

macro_rules! codes {
    ($($constant:ident = $code:literal;)*) => {
        $(pub const $constant: u8 = $code;)*
        /// Every exit code; what each means stands in the tables of texts.
        pub const CODES: &[Row] = &[$(Row { code: $code },)*];
    };
}

codes! {
    SUCCESS = 0;
    FAILED = 1;
    USAGE = 2;
    INVALID = 3;
    LIMIT = 4;
    INTERNAL = 70;
    INTERRUPTED = 130;
}

/// The code for several files together: the gravest.
pub fn worst(a: u8, b: u8) -> u8 {
    // Not by number: a limit says more than a scenario that is not valid says nothing about the others.
    let order = [SUCCESS, FAILED, LIMIT, INVALID, USAGE, INTERNAL, INTERRUPTED];
    let place = |code| order.iter().position(|&c| c == code);
    if place(a) >= place(b) { a } else { b }
}

/// Why a verb gave up: what to exit with, and what to say on stderr.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    /// The command line asks for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: USAGE, message: message.into() }
    }

    /// A scenario cannot be read.
    pub fn invalid(message: impl Into<String>) -> Failure {
        Failure { code: INVALID, message: message.into() }
    }
}

/// From now on a panic says how to report it and exits with [`INTERNAL`], also where panics abort.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        use std::io::Write;
        let _ = std::io::stderr().write_all(describe(info).as_bytes());
        super::out::abandon();
        std::process::exit(i32::from(INTERNAL));
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload();
    let what = what
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| what.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    let place =
        info.location().map_or_else(String::new, |l| format!(" ({}:{})", l.file().replace('\\', "/"), l.line()));
    format!(
        "internal error: {what}{place}\n\
         This is a bug of lvsim {}, not of your scenario. Please report it to the project's issue tracker with \
         these lines, the command line and the scenario file.\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_gravest_code_counts() {
        assert_eq!(worst(SUCCESS, FAILED), FAILED);
        assert_eq!(worst(LIMIT, FAILED), LIMIT);
        assert_eq!(worst(INVALID, LIMIT), INVALID);
        assert_eq!(worst(INVALID, INTERRUPTED), INTERRUPTED);
        assert_eq!(worst(SUCCESS, SUCCESS), SUCCESS);
    }

    #[test]
    fn the_help_of_the_program_tells_every_code() {
        let help = <crate::cli::Cli as clap::CommandFactory>::command().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for row in CODES {
            assert!(help.contains(&format!("{} {}", row.code, row.name())), "{} {}: {help}", row.code, row.name());
        }
    }

    #[test]
    fn a_panic_exits_with_70_and_says_how_to_report_it() {
        let me = std::env::current_exe().expect("a test knows its own program");
        let out = Command::new(me)
            .args(["--exact", "--ignored", "--nocapture", "cli::exit::tests::panics"])
            .output()
            .expect("the test program starts");
        assert_eq!(out.status.code(), Some(i32::from(INTERNAL)));
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains("internal error: the sky fell (src/cli/exit.rs:"), "{said}");
        assert!(said.contains("Please report it"), "{said}");
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn panics() {
        report_panics();
        panic!("the sky {}", "fell");
    }
}
