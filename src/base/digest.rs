//! A stable 64-bit hash (FNV-1a with a final mix), for stream names and fingerprints.
//!
//! The standard library does not promise its hasher across releases; results must not change with the compiler.

/// A running fingerprint over words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Mixes one word in; the order of calls matters.
    #[inline]
    pub fn word(&mut self, w: u64) {
        self.0 = (self.0 ^ w).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    /// Mixes bytes in, with their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.word(bytes.len() as u64);
    }

    /// The fingerprint so far.
    pub fn finish(self) -> u64 {
        let mut x = self.0;
        x ^= x >> 32;
        x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
        x ^ (x >> 32)
    }
}

/// The stable hash of a name.
pub fn hash_name(name: &str) -> u64 {
    let mut d = Digest::default();
    d.bytes(name.as_bytes());
    d.finish()
}
