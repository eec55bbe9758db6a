//! What programs print and read: standard output and error in one order, standard input as text.

use super::bash::MAX_OUTPUT;

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What was printed, both streams in the order of printing.
#[derive(Clone, Debug, Default)]
pub struct Output {
    chunks: Vec<(Stream, String)>,
    total: usize,
    full: bool,
}

impl Output {
    /// Nothing printed yet.
    pub fn new() -> Output {
        Output::default()
    }

    /// Adds text; what goes beyond [`MAX_OUTPUT`] is dropped and noted.
    pub fn push(&mut self, stream: Stream, text: &str) {
        if text.is_empty() || self.full {
            return;
        }
        if self.total + text.len() > MAX_OUTPUT {
            self.full = true;
            return;
        }
        self.total += text.len();
        match self.chunks.last_mut() {
            Some((last, held)) if *last == stream => held.push_str(text),
            _ => self.chunks.push((stream, text.to_string())),
        }
    }

    /// Adds to standard error even beyond the limit: why nothing more follows.
    pub(super) fn last_words(&mut self, text: &str) {
        self.chunks.push((Stream::Stderr, text.to_string()));
    }

    /// Adds to one of the two.
    pub fn print(&mut self, stream: Stream, text: &str) {
        self.push(stream, text);
    }

    /// Adds to standard output.
    pub fn out(&mut self, text: &str) {
        self.push(Stream::Stdout, text);
    }

    /// Adds a line to standard output.
    pub fn line(&mut self, text: &str) {
        self.push(Stream::Stdout, text);
        self.push(Stream::Stdout, "\n");
    }

    /// Adds a line to standard error.
    pub fn err(&mut self, text: &str) {
        self.push(Stream::Stderr, text);
        self.push(Stream::Stderr, "\n");
    }

    /// Adds to standard output.
    pub fn stdout(&mut self, text: &str) {
        self.push(Stream::Stdout, text);
    }

    /// Adds to standard error.
    pub fn stderr(&mut self, text: &str) {
        self.push(Stream::Stderr, text);
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> &[(Stream, String)] {
        &self.chunks
    }

    /// Takes the chunks out. The bytes taken still count against the limit, until the next
    /// line of a session.
    pub fn take(&mut self) -> Vec<(Stream, String)> {
        std::mem::take(&mut self.chunks)
    }

    /// From now on only what is held counts against the limit.
    pub(super) fn renew(&mut self) {
        self.total = self.chunks.iter().map(|(_, text)| text.len()).sum();
        self.full = false;
    }

    /// Both streams as one text.
    pub fn text(&self) -> String {
        self.chunks.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Whether something was dropped for the limit.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// Standard input of a program: all of it at once, since the writer has ended before.
#[derive(Debug)]
pub struct Stdin<'a> {
    text: &'a str,
    used: bool,
}

impl<'a> Stdin<'a> {
    /// Input with this text.
    pub fn new(text: &'a str) -> Stdin<'a> {
        Stdin { text, used: false }
    }

    /// Reads everything; a second time there is nothing left.
    pub fn read(&mut self) -> &'a str {
        self.used = true;
        std::mem::take(&mut self.text)
    }

    /// Whether it was read.
    pub fn was_read(&self) -> bool {
        self.used
    }
}
