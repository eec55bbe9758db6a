//! How ipvsadm reads its command line: the option parser of the popt library.
//!
//! Short options may be combined (`-Ln`, `-At ADDRESS`), the last one may carry its argument (`-w3`, `-w=3`), long ones
//! as well (`--weight=3`). A compulsory argument is the next word whatever it looks like, an optional one only if that
//! word does not begin with a dash. Words that are no options are kept for later.
//!
//! Left out: aliases and other settings of `/etc/popt`.

/// Whether an option has an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// One.
    Argument,
    /// One, unless the next word is an option.
    MaybeArgument,
}

/// A row of an option table.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow<T: 'static> {
    /// `--long`
    pub long: &'static str,
    /// `-s`
    pub short: Option<char>,
    /// Its argument.
    pub takes: Takes,
    /// What it means.
    pub means: T,
}

/// Why a word is no option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoptError {
    /// No row has that name.
    Unknown,
    /// Its argument is missing.
    MissingArgument,
    /// It has an argument and takes none.
    UnwantedArgument,
}

impl std::fmt::Display for PoptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PoptError::Unknown => "unknown option",
            PoptError::MissingArgument => "missing argument",
            PoptError::UnwantedArgument => "option does not take an argument",
        })
    }
}

impl std::error::Error for PoptError {}

/// A command line while it is read.
#[derive(Debug)]
pub struct Popt<'a, T: 'static> {
    table: &'static [OptionRow<T>],
    args: &'a [String],
    next: usize,
    /// What is left of a word of short options.
    short: &'a str,
    /// After `--` every word is a plain one.
    only_words: bool,
    words: Vec<&'a str>,
}

impl<'a, T: Copy> Popt<'a, T> {
    /// The command line without the program's name.
    pub fn new(table: &'static [OptionRow<T>], args: &'a [String]) -> Popt<'a, T> {
        Popt { table, args, next: 0, short: "", only_words: false, words: Vec::new() }
    }

    /// The next option with its argument; none at the end.
    pub fn option(&mut self) -> Option<Result<(T, Option<&'a str>), PoptError>> {
        while self.short.is_empty() {
            let word = self.args.get(self.next)?.as_str();
            self.next += 1;
            match word.strip_prefix('-') {
                Some("-") if !self.only_words => self.only_words = true,
                Some(rest) if !self.only_words && !rest.is_empty() => match rest.strip_prefix('-') {
                    Some(long) => return Some(self.long(long)),
                    None => self.short = rest,
                },
                _ => self.words.push(word),
            }
        }
        Some(self.short())
    }

    fn long(&mut self, text: &'a str) -> Result<(T, Option<&'a str>), PoptError> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let row = self.table.iter().find(|row| row.long == name).ok_or(PoptError::Unknown)?;
        match (row.takes, value) {
            (Takes::Nothing, Some(_)) => Err(PoptError::UnwantedArgument),
            (Takes::Nothing, None) => Ok((row.means, None)),
            (_, Some(value)) => Ok((row.means, Some(value))),
            (takes, None) => Ok((row.means, self.argument(takes)?)),
        }
    }

    fn short(&mut self) -> Result<(T, Option<&'a str>), PoptError> {
        let mut letters = self.short.chars();
        let letter = letters.next();
        let rest = letters.as_str();
        self.short = "";
        let row = self.table.iter().find(|row| row.short.is_some() && row.short == letter).ok_or(PoptError::Unknown)?;
        if row.takes == Takes::Nothing {
            if rest.starts_with('=') {
                return Err(PoptError::UnwantedArgument);
            }
            self.short = rest;
            return Ok((row.means, None));
        }
        let argument = match rest {
            "" => self.argument(row.takes)?,
            _ => Some(rest.strip_prefix('=').unwrap_or(rest)),
        };
        Ok((row.means, argument))
    }

    fn argument(&mut self, takes: Takes) -> Result<Option<&'a str>, PoptError> {
        match (self.args.get(self.next), takes) {
            (None, Takes::MaybeArgument) => Ok(None),
            (None, _) => Err(PoptError::MissingArgument),
            (Some(word), Takes::MaybeArgument) if word.starts_with('-') => Ok(None),
            (Some(word), _) => {
                self.next += 1;
                Ok(Some(word))
            }
        }
    }

    /// The word read last: what error messages name.
    pub fn last_word(&self) -> &'a str {
        self.next.checked_sub(1).and_then(|last| self.args.get(last)).map_or("", String::as_str)
    }

    /// The words that are no options, once all options were read.
    pub fn words(&self) -> &[&'a str] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[OptionRow<char>] = &[
        OptionRow { long: "all", short: Some('a'), takes: Takes::Nothing, means: 'a' },
        OptionRow { long: "weight", short: Some('w'), takes: Takes::Argument, means: 'w' },
        OptionRow { long: "persistent", short: Some('p'), takes: Takes::MaybeArgument, means: 'p' },
        OptionRow { long: "stats", short: None, takes: Takes::Nothing, means: 's' },
    ];

    /// `a`, `w(3)`, words at the end in brackets, an error as `!word: text`.
    fn read(line: &str) -> String {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut popt = Popt::new(TABLE, &args);
        let mut out = Vec::new();
        while let Some(next) = popt.option() {
            match next {
                Ok((c, None)) => out.push(c.to_string()),
                Ok((c, Some(arg))) => out.push(format!("{c}({arg})")),
                Err(e) => {
                    out.push(format!("!{}: {e}", popt.last_word()));
                    break;
                }
            }
        }
        format!("{} {:?}", out.join(" "), popt.words())
    }

    #[test]
    fn options_are_read_as_popt_reads_them() {
        for (line, expected) in [
            ("-a -w 3", "a w(3) []"),
            ("-aw3", "a w(3) []"),
            ("-aw 3", "a w(3) []"),
            ("-w=3 --weight=4 --weight 5", "w(3) w(4) w(5) []"),
            ("-w -a", "w(-a) []"),
            ("-p -a", "p a []"),
            ("-p 600 -a", "p(600) a []"),
            ("-p", "p []"),
            ("-p600", "p(600) []"),
            ("x -a y", "a [\"x\", \"y\"]"),
            ("-a -- -w", "a [\"-w\"]"),
            ("-", " [\"-\"]"),
            ("-q", "!-q: unknown option []"),
            ("--sta", "!--sta: unknown option []"),
            ("-aq", "a !-aq: unknown option []"),
            ("-w", "!-w: missing argument []"),
            ("--all=1", "!--all=1: option does not take an argument []"),
            ("--stats=1", "!--stats=1: option does not take an argument []"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
