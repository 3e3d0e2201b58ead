//! The difference between two sides in the mean of a number of each item.

use cliptune_random::Random;

use super::gap::{Gap, normal};
use super::variance::{Part, between, of_seeds};
use super::{Paired, Sides};
use crate::bootstrap::{Bootstrap, mean};
use crate::clusters::Clusters;
use crate::draws::resampled_means;
use crate::unusable::Unusable;

/// The difference of two sides in a mean.
pub(super) struct MeanGap {
    gap: Gap,
    /// The difference of each group's weighted sums, averaged over seeds.
    sums: Vec<f64>,
}

/// How the luck of the seeds is drawn in a resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    /// For each pair of sides anew.
    OfEach,
    /// Once for all pairs of sides.
    Common,
}

/// Compares some pairs of sides, for which the groups are drawn once.
pub(super) fn compared(
    gaps: &[MeanGap],
    clusters: &Clusters,
    options: &Bootstrap,
    luck: Luck,
) -> Result<Vec<Paired>, Unusable> {
    let varying: Vec<&MeanGap> = gaps.iter().filter(|one| one.gap.varies(clusters)).collect();
    let resamples =
        if varying.is_empty() { Vec::new() } else { replicates(&varying, clusters, options, luck) };
    let mut resamples = resamples.into_iter();
    let compared = gaps.iter().map(|one| match one.gap.varies(clusters) {
        true => Ok(one.gap.compared(resamples.next().unwrap_or_default(), clusters, options)),
        false => one.gap.degenerate(clusters),
    });
    compared.collect()
}

/// Returns the difference of each pair of sides in each resample.
fn replicates(gaps: &[&MeanGap], clusters: &Clusters, options: &Bootstrap, luck: Luck) -> Vec<Vec<f64>> {
    let sums: Vec<Vec<f64>> = gaps.iter().map(|one| one.sums.clone()).collect();
    let resamples = resampled_means(clusters, &sums, options, |means, random: &mut Random| {
        let mut common = None;
        let one = |(one, mean): (&&MeanGap, &f64)| {
            let drawn = match luck {
                _ if !one.gap.has_seeds() => 0.0,
                Luck::OfEach => normal(random),
                Luck::Common => *common.get_or_insert_with(|| normal(random)),
            };
            one.gap.replicate(*mean, drawn)
        };
        gaps.iter().zip(means).map(one).collect::<Vec<f64>>()
    });
    (0..gaps.len()).map(|gap| resamples.iter().map(|resample| resample[gap]).collect()).collect()
}

impl MeanGap {
    pub(super) fn new(sides: &Sides<'_>, clusters: &Clusters) -> Result<Self, Unusable> {
        if sides.of.is_empty() || sides.against.is_empty() {
            return Err(Unusable::Empty);
        }
        sides.of.iter().chain(&sides.against).try_for_each(|values| clusters.fit(values))?;
        let [of, against] = [&sides.of, &sides.against].map(|side| Side::new(side, clusters));
        let sums: Vec<f64> = of.sums.iter().zip(&against.sums).map(|(of, against)| of - against).collect();
        let of_groups = between(&sums, of.mean - against.mean, clusters);
        let of_seeds = [of.of_seeds, against.of_seeds];
        let are_same = sides.of.iter().chain(&sides.against).all(|values| *values == sides.of[0]);
        let gap = Gap {
            sides: [of.mean, against.mean],
            whole: Part::together(&[of_groups, of_seeds[0], of_seeds[1]]),
            range: (of.lowest - against.highest, of.highest - against.lowest),
            same: are_same.then_some("the sides do not differ on any item"),
            of_seeds,
            seeds: [sides.of.len(), sides.against.len()],
        };
        Ok(Self { gap, sums })
    }
}

/// The seeds of one side.
struct Side {
    /// The mean over seeds and items.
    mean: f64,
    lowest: f64,
    highest: f64,
    /// The weighted sum of each group, averaged over the seeds.
    sums: Vec<f64>,
    of_seeds: Part,
}

impl Side {
    fn new(seeds: &[&[f64]], clusters: &Clusters) -> Self {
        let per_seed: Vec<Vec<f64>> = seeds.iter().map(|values| clusters.sums(values)).collect();
        let means: Vec<f64> = seeds.iter().map(|values| clusters.mean(values)).collect();
        let mean_of =
            |group: usize| per_seed.iter().map(|seed| seed[group]).sum::<f64>() / seeds.len() as f64;
        let sums: Vec<f64> = (0..clusters.count()).map(mean_of).collect();
        let values = || seeds.iter().flat_map(|values| values.iter().copied());
        Self {
            mean: mean(&means),
            lowest: values().fold(f64::INFINITY, f64::min),
            highest: values().fold(f64::NEG_INFINITY, f64::max),
            of_seeds: of_seeds(&per_seed, &means, &sums, clusters),
            sums,
        }
    }
}
