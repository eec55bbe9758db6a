//! A vector in chunks: growing copies nothing and leaves no room unused, which counts where a million connections lie.
//!
//! The first chunk grows as a vector does, so that a few things take little room; the others are made whole.

use std::ops::{Index, IndexMut};

/// Things in a chunk.
const CHUNK: usize = 64;

/// A sequence that things are added to at the end, and never taken out of.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Chunks<T> {
    /// How many things there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a thing; its place is the length before.
    pub fn push(&mut self, thing: T) {
        let chunk = self.len / CHUNK;
        if chunk == self.chunks.len() {
            self.chunks.push(if chunk == 0 { Vec::new() } else { Vec::with_capacity(CHUNK) });
        }
        self.chunks[chunk].push(thing);
        self.len += 1;
    }

    /// The thing in this place.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The thing in this place, to change it.
    #[inline]
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// All things in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

/// Panics where there is no such place, as a vector does.
impl<T> Index<usize> for Chunks<T> {
    type Output = T;
    #[inline]
    fn index(&self, place: usize) -> &T {
        &self.chunks[place / CHUNK][place % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.chunks[place / CHUNK][place % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_what_a_vector_does() {
        let mut chunks = Chunks::default();
        let vector: Vec<usize> = (0..1000).map(|n| n * 7).collect();
        assert!(chunks.is_empty() && chunks.get(0).is_none());
        for (i, &n) in vector.iter().enumerate() {
            assert_eq!(chunks.len(), i);
            assert_eq!(chunks.get(i), None);
            chunks.push(n);
        }
        assert!(chunks.iter().eq(&vector));
        chunks[640] = 5;
        *chunks.get_mut(63).expect("it was pushed") = 6;
        assert_eq!((chunks[63], chunks[640], chunks[64]), (6, 5, 64 * 7));
        assert_eq!(chunks.get(usize::MAX), None);
    }
}
