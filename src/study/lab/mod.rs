//! A lab: a person at the keyboards of simulated hosts, with time in hand.
//!
//! Time stands still at the prompt and passes while a command needs it. Everything that is done is an [`Act`] in a journal,
//! so that it can be taken back: a world is plain data, and the same acts on the same world give the same world.
//! [`Session`] does no IO: who shows a lab to somebody feeds lines, calls [`Session::advance`], prints, and asks again.
//!
//! A new command of the lab is a row of [`commands::COMMANDS`].

pub mod commands;
pub mod complete;
pub mod elsewhere;
pub mod line;
mod over;
pub mod reports;
pub mod save;
pub mod session;
#[cfg(test)]
mod tests;
mod undo;

pub use over::Bounds;
pub use session::{Act, Advance, LINE, Session, Spoken, What};
