//! Times by size, in buckets whose width is less than a hundredth of their values: what a distribution needs, in a few kilobytes,
//! however many connections there were.
//!
//! Values below 128 have a bucket each; above, every power of two has 128 of them. Integers throughout.

use std::collections::BTreeMap;

/// Buckets in a power of two, as a power of two.
const BITS: u32 = 7;

/// How many values fell into which bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Buckets that have values, and how many.
    counts: BTreeMap<u32, u64>,
    total: u64,
}

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        *self.counts.entry(bucket(value)).or_insert(0) += 1;
        self.total += 1;
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Histogram) {
        for (&bucket, &n) in &other.counts {
            *self.counts.entry(bucket).or_insert(0) += n;
        }
        self.total += other.total;
    }

    /// How many values there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The ends of buckets that have values, from the least on, each with how many values are not larger.
    pub fn steps(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut below = 0;
        self.counts.iter().map(move |(&bucket, &n)| {
            below += n;
            (end(bucket), below)
        })
    }

    /// The part of the values that are not larger than this, as far as buckets tell; 0 of none.
    pub fn part_up_to(&self, value: u64) -> f64 {
        let last = bucket(value);
        let below: u64 = self.counts.range(..=last).map(|(_, n)| n).sum();
        if self.total == 0 { 0.0 } else { below as f64 / self.total as f64 }
    }

    /// The least and the largest value, as far as buckets tell.
    pub fn ends(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.counts.first_key_value()?, self.counts.last_key_value()?);
        Some((begin(*first.0), end(*last.0)))
    }
}

fn bucket(value: u64) -> u32 {
    let size = u64::BITS - value.leading_zeros();
    let shift = size.saturating_sub(BITS + 1);
    (shift << BITS) + (value >> shift) as u32
}

/// The least value of a bucket.
fn begin(bucket: u32) -> u64 {
    let shift = (bucket >> BITS).saturating_sub(1);
    u64::from(bucket - (shift << BITS)) << shift
}

/// Its largest one.
fn end(bucket: u32) -> u64 {
    let shift = (bucket >> BITS).saturating_sub(1);
    begin(bucket) + ((1u64 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_and_is_narrower_than_a_hundredth(value in any::<u64>(), shift in 0u32..64) {
            let value = value >> shift;
            let b = bucket(value);
            prop_assert!(begin(b) <= value && value <= end(b), "{value} {} {}", begin(b), end(b));
            prop_assert!((end(b) - begin(b)).saturating_mul(100) <= value, "{} {}", begin(b), end(b));
            prop_assert!(value == u64::MAX || bucket(end(b).saturating_add(1)) == b + 1 || end(b) == u64::MAX);
        }
    }

    #[test]
    fn parts_are_those_of_the_values() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|n| histogram.add(n * 1_000));
        assert_eq!((histogram.total(), histogram.part_up_to(999)), (1_000, 0.0));
        assert!((histogram.part_up_to(500_000) - 0.5).abs() < 0.005);
        assert_eq!(histogram.part_up_to(1_000_000), 1.0);
        assert_eq!(histogram.steps().last().map(|s| s.1), Some(1_000));
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!((twice.total(), twice.part_up_to(500_000)), (2_000, histogram.part_up_to(500_000)));
        assert!(histogram.steps().count() < 600);
        assert_eq!(Histogram::default().ends(), None);
    }
}
