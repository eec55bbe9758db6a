//! Parameter studies: one scenario over a grid of values, with repetitions; what `lvsim sweep` runs, writes and puts together.
//!
//! A study is a plan ([`plan::Study`]) that numbers its runs; every run is a row ([`columns`]) that depends on its number
//! alone, so that any number of threads, processes and machines make the same rows. Files are the caller's.

pub mod axis;
pub mod columns;
pub mod plan;
pub mod quantity;
pub mod summary;
