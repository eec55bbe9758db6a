//! Shared by the hash schedulers: The multiplicative hash of dh, sh, lblc and lblcr (`hash_32` in include/linux/hash.h).

/// The upper `bits` bits (1 to 32) of `x` times the golden ratio.
#[inline]
pub fn hash_32(x: u32, bits: u32) -> usize {
    (x.wrapping_mul(0x61c8_8647) >> (32 - bits)) as usize
}

#[cfg(test)]
mod tests {
    use super::hash_32;

    #[test]
    fn the_upper_bits_of_the_product_count() {
        for (x, bits, hash) in [(0, 8, 0), (1, 8, 0x61), (1, 10, 0x187), (2, 8, 0xc3), (u32::MAX, 8, 0x9e)] {
            assert_eq!(hash_32(x, bits), hash, "{x:#x}");
        }
    }
}
