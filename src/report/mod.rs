//! What a run tells: records in, artifacts out. Everything here is pure; the command line writes the files.

pub mod charts;
pub mod effective;
pub mod facts;
pub mod filter;
pub mod ladder;
pub mod log;
pub mod markdown;
pub mod names;
pub mod passport;
pub mod pcap;
pub mod record;
mod rows;
pub mod run;
pub mod show;
pub mod snapshot;
pub mod story;
pub mod summary;
pub mod tables;
pub mod trace_lines;
pub mod why;
pub mod words;

#[cfg(test)]
mod testing;

pub use log::RunLog;
pub use markdown::TextBlock;

/// A file to be: its name and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The file's name, without a folder.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}
