//! What a person sees besides results: colour, and words on stderr.

use super::list::Format;
use super::out::Out;
use anstyle::{AnsiColor, Style};
use lvsim::lang::{Lang, Text};
use lvsim::text;
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

/// `--lang`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Lang {
        match language {
            Language::En => Lang::En,
            Language::Zh => Lang::Zh,
        }
    }
}

/// The languages of what is told. The locale never decides what a file or a program gets: that is English unless asked for
/// otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Langs {
    /// Of what people read on stdout and stderr.
    pub people: Lang,
    /// Of what is written to files, and of JSON and CSV.
    pub programs: Lang,
}

impl Langs {
    /// What is asked for; else the locale says it, as for every program: LC_ALL, then LC_MESSAGES, then LANG.
    pub fn new(asked: Option<Language>) -> Langs {
        let set = |name: &&str| std::env::var(name).ok().filter(|locale| !locale.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
        match asked {
            Some(lang) => Langs { people: lang.into(), programs: lang.into() },
            None => Langs { people: Lang::of_locale(&locale), programs: Lang::En },
        }
    }

    /// Of what is printed so.
    pub fn of(self, format: Format) -> Lang {
        match format {
            Format::Human => self.people,
            Format::Json | Format::Csv => self.programs,
        }
    }
}

/// The terminal.
#[derive(Debug)]
pub struct Ui {
    /// Where results go.
    pub out: Out,
    /// In which languages it is told.
    pub langs: Langs,
    /// Whether results are coloured.
    pub color_out: bool,
    /// Whether what goes to stderr is coloured.
    pub color_err: bool,
    /// Whether hints and progress are unwanted. Errors are always told.
    pub quiet: bool,
}

impl Ui {
    /// Looks at the terminal, once.
    pub fn new(color: Color, lang: Option<Language>) -> Ui {
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
            langs: Langs::new(lang),
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
        self.tell(AnsiColor::Red, &text!("diagnostic-error"), message);
    }

    /// Says what is strange.
    pub fn warning(&self, message: &str) {
        self.tell(AnsiColor::Yellow, &text!("diagnostic-warning"), message);
    }

    /// Says what may help, unless nobody wants to know.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            self.tell(AnsiColor::Cyan, &text!("diagnostic-note"), message);
        }
    }

    /// A text that is coloured already, or not meant to be.
    pub fn print_err(&self, text: &str) {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Words for people.
    pub fn say(&self, text: &Text) -> String {
        text.say(self.langs.people)
    }

    fn tell(&self, color: AnsiColor, what: &Text, message: &str) {
        let what = self.say(what);
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
