//! An index over things that lie in a vector: from a hash to a place, in eight bytes for each.
//!
//! Open addressing with linear probing. A cell holds 32 bits of the hash and the place; the keys stay with the things, so
//! a look-up touches one line here and the thing itself, which its finder wants anyway. Removing closes the gap, so
//! nothing is left behind. Cells are full to three quarters at most, and their number grows by a quarter: doubled, they would
//! be half empty as often as not, which is megabytes where a million connections are indexed. So a hash chooses its cell by
//! its share of all hashes, not by a mask; in that order growing reads and writes cells one after the other.

/// No place.
const NONE: u32 = u32::MAX;
const FIRST: usize = 8;

/// Places by hash. It cannot be iterated.
#[derive(Clone, Debug, Default)]
pub struct Index {
    cells: Vec<Cell>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    tag: u32,
    place: u32,
}

impl Index {
    /// How many places there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place with this hash that `same` says yes to. Equal keys must have equal hashes.
    #[inline]
    pub fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let mut at = self.home(tag);
        loop {
            let cell = self.cells.get(at)?;
            if cell.place == NONE {
                return None;
            }
            if cell.tag == tag && same(cell.place) {
                return Some(cell.place);
            }
            at = self.after(at);
        }
    }

    /// Puts a place in, which must be less than `u32::MAX` and not be there under an equal key.
    pub fn insert(&mut self, hash: u64, place: u32) {
        debug_assert_ne!(place, NONE);
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.grow();
        }
        self.len += 1;
        self.put(Cell { tag: tag(hash), place });
    }

    /// Takes a place out. Nothing happens if it is not there.
    pub fn remove(&mut self, hash: u64, place: u32) {
        let mut gap = self.home(tag(hash));
        loop {
            match self.cells.get(gap) {
                Some(cell) if cell.place == place => break,
                Some(cell) if cell.place != NONE => gap = self.after(gap),
                _ => return,
            }
        }
        self.len -= 1;
        let mut at = gap;
        loop {
            at = self.after(at);
            let cell = self.cells[at];
            if cell.place == NONE {
                break;
            }
            // It may move into the gap if that is not before its home.
            if self.way(self.home(cell.tag), at) >= self.way(gap, at) {
                self.cells[gap] = cell;
                gap = at;
            }
        }
        self.cells[gap].place = NONE;
    }

    fn put(&mut self, cell: Cell) {
        let mut at = self.home(cell.tag);
        while self.cells[at].place != NONE {
            at = self.after(at);
        }
        self.cells[at] = cell;
    }

    /// Where the search for a tag begins.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.cells.len() as u64) >> 32) as usize
    }

    /// The cell after this one, the first after the last.
    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 < self.cells.len() { at + 1 } else { 0 }
    }

    /// How many cells it is from one forward to another.
    #[inline]
    fn way(&self, from: usize, to: usize) -> usize {
        if from <= to { to - from } else { to + self.cells.len() - from }
    }

    #[cold]
    fn grow(&mut self) {
        let cells = vec![Cell { tag: 0, place: NONE }; (self.cells.len() + self.cells.len() / 4).max(FIRST)];
        for cell in std::mem::replace(&mut self.cells, cells) {
            if cell.place != NONE {
                self.put(cell);
            }
        }
    }
}

/// Every bit of the hash counts, and those that choose the cell most.
#[inline]
fn tag(hash: u64) -> u32 {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn nothing_is_found_in_nothing() {
        let mut index = Index::default();
        assert_eq!(index.find(7, |_| true), None);
        index.remove(7, 0);
        assert!(index.is_empty());
    }

    proptest! {
        /// Keys of few different hashes, so that they collide.
        #[test]
        fn it_does_what_a_map_does(steps in proptest::collection::vec((0u32..60, any::<bool>()), 0..600), kinds in 1u64..9) {
            let mut index = Index::default();
            let mut map = BTreeMap::new();
            let hash = |key: u32| u64::from(key) % kinds;
            for (key, put) in steps {
                let found = index.find(hash(key), |place| place == key);
                prop_assert_eq!(found, map.get(&key).copied());
                if !put {
                    index.remove(hash(key), key);
                    map.remove(&key);
                } else if found.is_none() {
                    index.insert(hash(key), key);
                    map.insert(key, key);
                }
                prop_assert_eq!(index.len(), map.len());
            }
            for key in 0..60 {
                prop_assert_eq!(index.find(hash(key), |place| place == key), map.get(&key).copied());
            }
        }
    }
}
