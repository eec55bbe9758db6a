//! Many runs of one scenario: what a changed line does, which change mends it, which order of commands breaks it.
//!
//! A study changes the file's text by `--set` or the resolved scenario itself, runs it, and compares; it keeps no run
//! longer than it needs. How many runs it may make is its caller's to say, and reaching that is told.

pub mod bench;
pub mod books;
pub mod change;
pub mod charts;
pub mod compare;
pub mod cure;
pub mod detail;
pub mod diff;
pub mod director;
pub mod exam;
pub mod grade;
pub mod histogram;
pub mod lab;
pub mod leave;
pub mod lines;
pub mod load;
pub mod measures;
pub mod mode;
pub mod moves;
pub mod numbers;
pub mod order;
pub mod sabotage;
pub mod sample;
pub mod slips;
pub mod slowdown;
pub mod stats;
pub mod sweep;
pub mod tell;
#[cfg(test)]
mod testing;
pub mod validate;
pub mod variant;
pub mod verdict;
mod verdict_modes;
