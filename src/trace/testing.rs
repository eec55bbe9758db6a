//! Spools for tests.

use super::{Spool, Spooling};
use std::io;

/// A spool in memory.
#[derive(Debug, Default)]
struct Memory(Vec<u8>);

impl Spool for Memory {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        let from = from as usize;
        let found = self.0.get(from..from + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }
}

/// A disk that is full after 1000 bytes.
#[derive(Debug, Default)]
struct Small(Memory);

impl Spool for Small {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.0.0.len() + bytes.len() > 1000 {
            return Err(io::Error::other("the disk is full"));
        }
        self.0.append(bytes)
    }

    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read(from, into)
    }
}

pub fn memory() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(Memory::default()))
}

pub fn small() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(Small::default()))
}

pub fn nowhere() -> io::Result<Box<dyn Spool>> {
    Err(io::Error::other("no room anywhere"))
}

/// Nearly everything is put aside.
pub fn early() -> Spooling {
    Spooling { open: memory, kept: 3, trace_bytes: u64::MAX, report_bytes: 100 }
}
