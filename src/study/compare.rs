//! The same load on the same servers under several variants, such as schedulers: runs put in order, whatever order they come
//! in. What they say together is said in [`super::verdict`].

use super::mode::Prepared;
use super::sample::{Case, Sample};
use super::variant::Variant;
use crate::base::Span;
use crate::scenario::Scenario;

/// Every variant with every seed, in the order of the results: seed by seed, so that a study that is cut short has whole
/// pairs.
pub fn cases(variants: usize, first_seed: u64, seeds: u64) -> Vec<Case> {
    (0..seeds)
        .flat_map(|n| (0..variants).map(move |variant| Case { variant, seed: first_seed.wrapping_add(n), load: 0 }))
        .collect()
}

/// The runs of a study, in order.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The scenario's name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What is cut off the beginning.
    pub warmup: Span,
    /// What is compared, in the order in which it was asked for.
    pub variants: Vec<Variant>,
    /// What modes need, in the order in which they were asked for; nothing when schedulers are compared.
    pub prepared: Vec<Prepared>,
    /// The seeds that every variant has a run of.
    pub seeds: Vec<u64>,
    /// Their runs, by variant and seed.
    pub samples: Vec<Vec<Sample>>,
}

/// Puts runs in order, whatever order they come in. Seeds that not every variant has a run of are left out.
pub fn merge(scenario: &Scenario, variants: &[Variant], mut samples: Vec<Sample>) -> Comparison {
    samples.sort_by_key(|s| s.case);
    samples.dedup_by_key(|s| s.case);
    let of = |n: usize| samples.iter().filter(move |s| s.case.variant == n);
    let everywhere = |seed: u64| (0..variants.len()).all(|n| of(n).any(|s| s.case.seed == seed));
    let seeds: Vec<u64> = of(0).map(|s| s.case.seed).filter(|&seed| everywhere(seed)).collect();
    let kept = (0..variants.len()).map(|n| of(n).filter(|s| seeds.contains(&s.case.seed)).cloned().collect());
    Comparison {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        warmup: scenario.warmup,
        variants: variants.to_vec(),
        prepared: Vec::new(),
        samples: kept.collect(),
        seeds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::world::Limits;
    use crate::study::sample::run_one;
    use crate::study::testing::lab;

    #[test]
    fn the_order_of_runs_does_not_matter_and_half_pairs_are_left_out() {
        let lab = lab(2, "service_time: 1ms", "connections: 10, every: 1ms");
        let variants = [Variant::Scheduler("rr"), Variant::Scheduler("lc")];
        let todo = cases(2, 7, 2);
        assert_eq!(todo.len(), 4);
        let runs: Vec<Sample> = todo
            .iter()
            .map(|&case| {
                run_one(&lab, variants[case.variant], case, Limits::default(), None, &mut || true).expect("it runs")
            })
            .collect();
        let forth = merge(&lab, &variants, runs.clone());
        let back = merge(&lab, &variants, runs.iter().rev().cloned().collect());
        assert_eq!(forth.print(crate::report::tables::Format::Json), back.print(crate::report::tables::Format::Json));
        assert_eq!(forth.seeds, [7, 8]);
        assert_eq!(merge(&lab, &variants, runs[..3].to_vec()).seeds, [7]);
    }
}
