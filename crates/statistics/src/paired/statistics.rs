//! The difference between two sides in a number that is no mean of a number of each item.

use super::Paired;
use super::gap::Gap;
use crate::bootstrap::{Bootstrap, mean};
use crate::clusters::Clusters;
use crate::distributions::normal;
use crate::draws::resampled_counts;
use crate::expanded::{Shift, Spread};
use crate::grouping::Grouping;
use crate::statistic::{Drawn, Statistic, ends};
use crate::unusable::Unusable;
use crate::variance::{Part, between_resamples, of_resampled_seeds};

/// Returns the mean of the statistics of one side minus that of the other, on the same items. Each side has one statistic for
/// each seed.
///
/// It is [`paired_differences`](crate::paired_differences) with variances that the resamples show, in place of those that are
/// known for means.
///
/// # Errors
/// Returns an error when a side has no seed, or a statistic is of other items.
pub fn paired_statistics(
    of: &[Statistic],
    against: &[Statistic],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Paired, Unusable> {
    let clusters = Clusters::new(groups)?;
    let (Some(first), false) = (of.first(), against.is_empty()) else { return Err(Unusable::Empty) };
    of.iter().chain(against).try_for_each(|one| one.fit(&clusters))?;
    let resamples = match clusters.count() {
        1 => Vec::new(),
        _ => resampled(of, against, &clusters, options),
    };
    let gap = gap(of, against, &resamples, &clusters);
    if !gap.varies(&clusters) {
        return gap.degenerate(&clusters);
    }
    let means = resamples.iter().map(|one| mean(&one.of) - mean(&one.against)).collect();
    let means = first.centred(gap.value(), means);
    let replicates = means.iter().zip(&resamples).map(|(mean, one)| gap.spread.replicate(*mean, one.luck));
    Ok(gap.compared(replicates.collect(), &clusters, options))
}

/// The statistic of each seed in one resample.
struct Resampled {
    of: Vec<f64>,
    against: Vec<f64>,
    /// A standard normal number.
    luck: f64,
}

fn resampled(
    of: &[Statistic],
    against: &[Statistic],
    clusters: &Clusters,
    options: &Bootstrap,
) -> Vec<Resampled> {
    let [of, against] =
        [of, against].map(|side| side.iter().map(|seed| seed.by_group(clusters)).collect::<Vec<_>>());
    resampled_counts(clusters.count(), options, |counts, random| {
        let drawn = Drawn::new(counts, clusters);
        let [of, against] =
            [&of, &against].map(|side| side.iter().map(|seed| seed.of(&drawn)).collect::<Vec<f64>>());
        Resampled { of, against, luck: normal(random) }
    })
}

fn gap(of: &[Statistic], against: &[Statistic], resamples: &[Resampled], clusters: &Clusters) -> Gap {
    let [own, others] =
        [of, against].map(|side| side.iter().map(|seed| seed.of_items(clusters)).collect::<Vec<f64>>());
    let groups = clusters.count();
    let differences: Vec<f64> = resamples.iter().map(|one| mean(&one.of) - mean(&one.against)).collect();
    let of_seeds = |values: &[f64], side: fn(&Resampled) -> &[f64]| -> Part {
        of_resampled_seeds(values, &resamples.iter().map(side).collect::<Vec<_>>(), groups)
    };
    let of_seeds = [of_seeds(&own, |one| one.of.as_slice()), of_seeds(&others, |one| one.against.as_slice())];
    let (of_ends, against_ends) = (ends(of), ends(against));
    let range = (of_ends.0 - against_ends.1, of_ends.1 - against_ends.0);
    let sides = [mean(&own), mean(&others)];
    // Sides may differ on single items without any of it showing: a median does not notice.
    let is_same = sides[0] == sides[1] && differences.iter().all(|difference| *difference == 0.0);
    Gap {
        sides,
        same: is_same.then_some("the sides do not differ in any resample"),
        shift: of.first().map_or(Shift::None, Statistic::shift),
        spread: Spread::new(range, range, between_resamples(&differences, groups), &of_seeds),
        seeds: [of.len(), against.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::SHARE;
    use crate::{Interval, Sides, paired_differences};

    /// Returns the mean of some values, as a statistic.
    fn mean_of(values: &[f64]) -> Statistic {
        let values = values.to_vec();
        Statistic::new(values.len(), (0.0, 1.0), move |weights| {
            let sum: f64 = weights.iter().zip(&values).map(|(weight, value)| weight * value).sum();
            sum / weights.iter().sum::<f64>()
        })
    }

    fn sample(factor: usize) -> Vec<f64> {
        (0..200).map(|i| (i * factor % 17) as f64 / 16.0).collect()
    }

    fn groups() -> Vec<String> {
        (0..200).map(|i| format!("{:02}", i / 4)).collect()
    }

    #[test]
    fn a_difference_of_means_is_that_of_the_means() {
        let options = Bootstrap::default();
        let [a, b, c, d] = [3, 5, 7, 11].map(sample);
        for (of, against) in
            [(vec![&a], vec![&b]), (vec![&a, &c, &d], vec![&b]), (vec![&a, &c], vec![&b, &d])]
        {
            let [own, others] =
                [&of, &against].map(|side| side.iter().map(|one| mean_of(one)).collect::<Vec<_>>());
            let general = paired_statistics(&own, &others, &groups(), &options).unwrap();
            let [of, against] = [of, against].map(|side| side.into_iter().map(Vec::as_slice).collect());
            let special = paired_differences(&[Sides { of, against, range: SHARE }], &groups(), &options)
                .unwrap()
                .remove(0);
            // The variances differ by the noise of 10,000 resamples.
            let width = special.difference.high - special.difference.low;
            for (a, b) in [
                (general.difference.low, special.difference.low),
                (general.difference.high, special.difference.high),
            ] {
                assert!((a - b).abs() < 0.03 * width, "{general:?} {special:?}");
            }
            assert!((general.p_value - special.p_value).abs() < 0.03, "{general:?} {special:?}");
            assert_eq!(general.difference.method, special.difference.method);
        }
    }

    #[test]
    fn a_side_does_not_differ_from_itself_and_one_group_proves_nothing() {
        let (a, b) = (sample(3), sample(5));
        let compare = |of: &[f64], against: &[f64], groups: &[String]| {
            paired_statistics(&[mean_of(of)], &[mean_of(against)], groups, &Bootstrap::default()).unwrap()
        };
        let same = compare(&a, &a, &groups());
        assert_eq!((same.difference.value, same.difference.high, same.p_value), (0.0, 0.0, 1.0));
        let one = compare(&a, &b, &vec!["a".to_owned(); 200]);
        assert!(one.difference.method.starts_with("no interval") && one.p_value == 1.0, "{one:?}");
    }

    #[test]
    fn a_biased_statistic_has_an_interval_about_its_difference() {
        // One side is sure of what it gets wrong, the other says how often it is right.
        let mut random = cliptune_random::Random::new(1);
        let right: Vec<f64> = (0..400).map(|_| f64::from(u8::from(random.unit() < 0.6))).collect();
        let modest: Vec<f64> = (0..400).map(|i| 0.55 + f64::from(i % 20) / 200.0).collect();
        let sure: Vec<f64> = modest.iter().map(|confidence| confidence + 0.3).collect();
        let ece = |confidence: &[f64]| Statistic::ece(confidence, &right, &Bootstrap::default()).unwrap();
        let alone: Vec<String> = (0..400).map(|i| i.to_string()).collect();
        let found = paired_statistics(&[ece(&sure)], &[ece(&modest)], &alone, &Bootstrap::default()).unwrap();
        let Interval { value, low, high, method } = found.difference;
        assert_eq!(method, "paired bootstrap over 400 items, 10000 resamples, seed 0, shifted by its bias");
        assert!(value > 0.2 && low > 0.1 && low < value && value < high, "{low} {value} {high}");
        assert!(((high - value) / (value - low) - 1.0).abs() < 0.5, "{low} {value} {high}");
    }

    #[test]
    fn a_side_without_seeds_is_an_error() {
        let found = paired_statistics(&[mean_of(&sample(3))], &[], &groups(), &Bootstrap::default());
        assert_eq!(found, Err(Unusable::Empty));
    }
}
