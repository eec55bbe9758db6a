//! Shared by all charts over time: the courses of all runs laid over each other, and their mean.

use super::{View, estimate};
use crate::report::charts::Estimate;
use crate::study::detail::Detail;

/// Parts of the time that all runs have.
#[derive(Clone, Debug)]
pub struct Course {
    /// How long a part is, in nanoseconds.
    pub width: u64,
    /// The first part that holds no warm-up.
    pub first: usize,
    /// The part behind the last.
    pub end: usize,
}

impl Course {
    /// As many parts as `most` at most; nothing, if no run has any.
    pub fn of(view: &View<'_>, most: usize) -> Option<Course> {
        let all = || view.variants().flat_map(|(n, _)| view.details(n)).filter(|d| !d.is_empty());
        let mut width = all().map(|d| d.width.0).max()?;
        let long = |d: &Detail| d.width.0 * d.len() as u64;
        let shortest = all().map(long).min()?;
        while shortest / width > most as u64 {
            width *= 2;
        }
        let end = ((shortest / width) as usize).max(1);
        let first = all().map(|d| (d.first as u64 * d.width.0).div_ceil(width) as usize).max()?;
        Some(Course { width, first: first.min(end - 1), end })
    }

    /// The middle of a part, in nanoseconds from t = 0.
    pub fn middle(&self, part: usize) -> f64 {
        (part as f64 + 0.5) * self.width as f64
    }

    /// Values of a variant's server in every part from the first on: the sum in the part over its length and `by`, in the mean over
    /// the seeds.
    pub fn mean(
        &self,
        view: &View<'_>,
        variant: usize,
        values: &dyn Fn(&Detail) -> Option<&[u64]>,
        by: f64,
    ) -> Vec<Option<Estimate>> {
        let runs: Vec<Vec<u64>> = view
            .details(variant)
            .filter_map(|d| Some(Detail::folded(values(d)?, (self.width / d.width.0.max(1)) as usize)))
            .collect();
        (self.first..self.end)
            .map(|n| {
                let all: Vec<f64> =
                    runs.iter().filter_map(|r| r.get(n)).map(|&v| v as f64 / (self.width as f64 * by)).collect();
                // Neither connections nor work are ever less than none.
                let Estimate { mean, ends } = estimate(&all)?;
                Some(Estimate { mean, ends: ends.map(|(low, high)| (low.max(0.0), high)) })
            })
            .collect()
    }
}
