//! What a person sees besides results: colour, and words on stderr.

use super::out::Out;
use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE=1 asks for it anywhere
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The terminal.
#[derive(Debug)]
pub struct Ui {
    /// Where results go.
    pub out: Out,
    /// Whether results are coloured.
    pub color_out: bool,
    /// Whether what goes to stderr is coloured.
    pub color_err: bool,
    /// Whether hints and progress are unwanted. Errors are always told.
    pub quiet: bool,
}

impl Ui {
    /// Looks at the terminal, once.
    pub fn new(color: Color) -> Ui {
        // anstream knows the conventions (NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM=dumb); the option overrides them.
        match color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        let stdout = anstream::AutoStream::choice(&std::io::stdout());
        let stderr = anstream::AutoStream::choice(&std::io::stderr());
        Ui {
            out: Out::stdout(),
            color_out: stdout != anstream::ColorChoice::Never,
            color_err: stderr != anstream::ColorChoice::Never,
            quiet: false,
        }
    }

    /// Whether stderr is a terminal, so that a progress bar can redraw itself.
    pub fn live(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Says what went wrong.
    pub fn error(&self, message: &str) {
        self.say(AnsiColor::Red, "error", message);
    }

    /// Says what is strange.
    pub fn warning(&self, message: &str) {
        self.say(AnsiColor::Yellow, "warning", message);
    }

    /// Says what may help, unless nobody wants to know.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            self.say(AnsiColor::Cyan, "note", message);
        }
    }

    /// A text that is coloured already, or not meant to be.
    pub fn print_err(&self, text: &str) {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn say(&self, color: AnsiColor, what: &str, message: &str) {
        let style = match self.color_err {
            true => Style::new().bold().fg_color(Some(color.into())),
            false => Style::new(),
        };
        // Nobody to tell if this fails.
        let _ = writeln!(std::io::stderr(), "{style}{what}{style:#}: {message}");
    }
}

/// `1 file`, `2 files`.
pub fn count(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}
