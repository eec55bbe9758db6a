//! The scenario file, version 1: YAML text in, a resolved [`Scenario`] out, or everything that is wrong with it.
//!
//! Four steps: `tree` reads the YAML and keeps every place; `set` carries out what the command line overrides; `spec` reads
//! the elements out of the tree, unresolved; `resolve` unrolls groups, looks names up and fills defaults in. All of them
//! tell problems and go on, so that one pass shows all mistakes; a cause keeps its consequences quiet. The keys of every map
//! are tables of `spec`, from which [`schema`] is made.
//!
//! Beyond the format's page: top-level keys that begin with `x-` are left alone (for anchors), `<<` merges maps, `ageing` of
//! a switch, `defaults.server`, `at_most` and `exactly` beside `at_least`, `causes` of a lab that is broken on purpose, `grade`
//! and the marks of an expectation, and what servers and traffic have for comparing schedulers (`discipline`, `speed`, `users`, `warmup` …). [`limits`] says how much a file may ask for.

pub mod build;
pub mod causes;
pub mod edit;
pub mod expect;
pub mod files;
pub mod grading;
pub mod limits;
pub mod lint;
pub mod looks;
pub mod model;
pub mod play;
pub mod problem;
mod render;
mod resolve;
pub mod schema;
mod set;
mod spec;
mod syntax;
pub mod topology;
mod tree;

#[cfg(test)]
mod tests;

pub use model::Scenario;
pub use problem::{Problem, render};
pub(crate) use set::split as split_set;
pub(crate) use spec::value::{BANDWIDTH_UNITS, RATE_UNITS};

use crate::lang::Text;
use crate::text;
use limits::MAX_FILE_BYTES;
use problem::Problems;
use tree::Mark;

/// The names that other rooms know: sysctls and drop reasons.
#[derive(Clone, Copy, Debug)]
pub struct Names<'n> {
    /// The sysctls, for "did you mean".
    pub sysctls: &'n [&'n str],
    /// Whether there is such a sysctl (with dots; of any interface).
    pub known_sysctl: fn(&str) -> bool,
    /// Whether a sysctl takes a value; if not, what it wants, in a few words.
    pub sysctl_value: fn(&str, &str) -> Result<(), Text>,
    /// The drop reasons; if there are none, any word is taken.
    pub reasons: &'n [&'n str],
    /// Reads the files that a scenario names; nothing: none is read.
    pub read_file: Option<files::ReadFile<'n>>,
}

impl Default for Names<'_> {
    /// Takes every name.
    fn default() -> Self {
        Names { sysctls: &[], known_sysctl: |_| true, sysctl_value: |_, _| Ok(()), reasons: &[], read_file: None }
    }
}

/// A scenario that can be simulated, and what is strange about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// What may be a mistake and stops nothing, by place.
    pub warnings: Vec<Problem>,
}

/// Reads a scenario. `file_name` gives the name if the file has none; `sets` are the arguments of `--set`, in order.
///
/// # Errors
/// Everything that is wrong, sorted by place, the file's before those of `sets`. Warnings come with a scenario only.
pub fn load(file_name: &str, text: &str, sets: &[String], names: &Names<'_>) -> Result<Loaded, Vec<Problem>> {
    let text_or_nothing = if text.len() > MAX_FILE_BYTES { "" } else { text };
    let mut texts = vec![text_or_nothing];
    texts.extend(sets.iter().map(String::as_str));
    texts.truncate(limits::MAX_SETS + 1);
    let mut p = Problems::new(&texts);
    let scenario = read(file_name, text, &texts, names, &mut p);
    let (errors, warnings) = p.finish(&texts);
    match scenario {
        Some(scenario) if errors.is_empty() => Ok(Loaded { scenario, warnings }),
        _ => Err(errors),
    }
}

fn read(file_name: &str, text: &str, texts: &[&str], names: &Names<'_>, p: &mut Problems) -> Option<Scenario> {
    let begin = Mark::default();
    if text.len() > MAX_FILE_BYTES || texts.iter().skip(1).map(|t| t.len()).sum::<usize>() > MAX_FILE_BYTES {
        p.error("E002", begin, text!("problem-file-has-more-than-mib", most = MAX_FILE_BYTES >> 20))
            .label(text!("problem-not-read"))
            .help(text!("problem-count-n-on-host-makes"));
        return None;
    }
    if texts.len() > limits::MAX_SETS {
        p.error("E060", begin, text!("problem-more-than-times-set", most = limits::MAX_SETS))
            .label(text!("problem-the-file"))
            .help(text!("problem-write-values-into-file"));
        return None;
    }
    look_at_characters(text, p)?;
    let root = tree::parse(text, 0, 0, p);
    let mut root = match root {
        Some(root) if !root.is_null() => root,
        _ => {
            if !p.any() {
                p.error("E001", begin, text!("problem-file-empty"))
                    .label(text!("problem-nothing-here"))
                    .help(text!("problem-scenario-begins-with-lvsim-1"));
            }
            return None;
        }
    };
    for (n, set) in texts.iter().enumerate().skip(1) {
        set::apply(&mut root, set, n as u16, p);
    }
    let spec = spec::read(&root, p)?;
    Some(resolve::resolve(&spec, name_of(file_name), names, text, p))
}

/// Tells control characters, which YAML forbids; warns of a byte-order mark and of CRLF.
fn look_at_characters(text: &str, p: &mut Problems) -> Option<()> {
    let mark = |start: usize, length: usize| Mark { src: 0, start: start as u32, end: (start + length) as u32 };
    let control = text.bytes().position(|b| (b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0x7f);
    if let Some(i) = control {
        p.error(
            "E006",
            mark(i, 1),
            text!("problem-control-character-u", code = format_args!("{:04X}", text.as_bytes()[i])),
        )
        .label(text!("problem-no-text-has"))
        .help(text!("problem-remove-was-file-saved-as"));
        return None;
    }
    if text.starts_with('\u{feff}') {
        p.error("W001", mark(0, 3), text!("problem-file-begins-with-byte-order"))
            .label(text!("problem-invisible-and-ignored"))
            .help(text!("problem-save-as-utf-8-without"));
    }
    if let Some(i) = text.find("\r\n") {
        p.error("W002", mark(i, 0), text!("problem-lines-end-with-crlf-as"))
            .label(text!("problem-read-as-lf-in-run"))
            .help(text!("problem-save-with-lf-line-ends"));
    }
    Some(())
}

/// The name of a file that has none: its own, without directory and ending.
fn name_of(file_name: &str) -> String {
    let file = file_name.rsplit(['/', '\\']).next().unwrap_or("");
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let name: String = stem.chars().take(60).map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "scenario".into() } else { name.into() }
}
