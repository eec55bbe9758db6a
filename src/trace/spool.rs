//! Where to put what is too long for memory. The library opens no files: whoever has some brings a [`Spool`].

use std::fmt;
use std::io;

/// Bytes that are added at the end and can be read again, any part of them, as often as wanted.
pub trait Spool: fmt::Debug + Send {
    /// Adds bytes.
    ///
    /// # Errors
    /// If there is no room for them, for example.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `into` with the bytes from this place on.
    ///
    /// # Errors
    /// If they cannot be read, or were never added.
    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()>;
}

/// Opens an empty spool. It is called only when something does not fit into memory.
pub type OpenSpool = fn() -> io::Result<Box<dyn Spool>>;

/// What may be put aside, and when.
#[derive(Clone, Copy, Debug)]
pub struct Spooling {
    /// Opens a spool.
    pub open: OpenSpool,
    /// Records of the trace that stay in memory; later ones are put aside.
    pub kept: usize,
    /// Bytes of the trace that may be put aside; what comes later is lost, and told.
    pub trace_bytes: u64,
    /// Bytes of a report that stay in memory while it is made.
    pub report_bytes: usize,
}

/// Pieces of any length in a spool, by their number; opened with the first.
#[derive(Debug)]
pub struct Pieces {
    open: OpenSpool,
    spool: Option<Box<dyn Spool>>,
    ends: Vec<u64>,
}

impl Pieces {
    /// None so far.
    pub fn new(open: OpenSpool) -> Pieces {
        Pieces { open, spool: None, ends: Vec::new() }
    }

    /// Adds a piece; its number is the number of pieces before.
    ///
    /// # Errors
    /// If the spool cannot be opened, or does not take it.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert((self.open)()?),
        };
        spool.append(bytes)?;
        self.ends.push(self.ends.last().copied().unwrap_or(0) + bytes.len() as u64);
        Ok(())
    }

    /// Reads a piece, in place of what `into` holds. A piece that there is not is empty.
    ///
    /// # Errors
    /// If the spool cannot be read.
    pub fn read(&self, number: usize, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        let (Some(spool), Some(&end)) = (&self.spool, self.ends.get(number)) else { return Ok(()) };
        let from = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        into.resize((end - from) as usize, 0);
        spool.read(from, into)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::testing;

    #[test]
    fn pieces_are_read_again_in_any_order() {
        let mut pieces = Pieces::new(testing::memory);
        assert!(pieces.is_empty());
        for piece in [&b"one"[..], b"", b"three"] {
            pieces.push(piece).expect("memory takes everything");
        }
        let mut found = b"something else".to_vec();
        for (number, piece) in [(2, &b"three"[..]), (0, b"one"), (1, b""), (3, b"")] {
            pieces.read(number, &mut found).expect("memory can be read");
            assert_eq!(found, piece, "{number}");
        }
        assert_eq!((pieces.len(), pieces.bytes()), (3, 8));
    }

    #[test]
    fn a_spool_that_cannot_be_opened_is_asked_for_with_the_first_piece_only() {
        let mut pieces = Pieces::new(testing::nowhere);
        let error = pieces.push(b"x").expect_err("there is no room anywhere");
        assert_eq!(error.to_string(), "no room anywhere");
        assert!(pieces.is_empty());
    }
}
