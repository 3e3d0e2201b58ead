//! The difference between two sides in the mean of a number of each item.

use cliptune_random::Random;

use super::gap::Gap;
use super::{Paired, Sides};
use crate::bootstrap::Bootstrap;
use crate::clusters::Clusters;
use crate::distributions::normal;
use crate::draws::resampled_means;
use crate::expanded::{Shift, Spread};
use crate::range::Range;
use crate::side::Side;
use crate::unusable::Unusable;
use crate::variance::between;

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
                _ if !one.gap.spread.has_seeds() => 0.0,
                Luck::OfEach => normal(random),
                Luck::Common => *common.get_or_insert_with(|| normal(random)),
            };
            one.gap.spread.replicate(*mean, drawn)
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
        let [of, against] = [&sides.of, &sides.against].map(|side| Side::new(side, sides.range, clusters));
        let sums: Vec<f64> = of.sums.iter().zip(&against.sums).map(|(of, against)| of - against).collect();
        let of_groups = between(&sums, of.mean - against.mean, clusters);
        // A difference is largest where one side is as high and the other as low as can be.
        let apart = |of: Range, against: Range| (of.0 - against.1, of.1 - against.0);
        let (range, observed) = (apart(sides.range, sides.range), apart(of.observed, against.observed));
        let are_same = sides.of.iter().chain(&sides.against).all(|values| *values == sides.of[0]);
        let gap = Gap {
            sides: [of.mean, against.mean],
            spread: Spread::new(range, observed, of_groups, &[of.of_seeds, against.of_seeds]),
            shift: Shift::None,
            same: are_same.then_some("the sides do not differ on any item"),
            seeds: [sides.of.len(), sides.against.len()],
        };
        Ok(Self { gap, sums })
    }
}
