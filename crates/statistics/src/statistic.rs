//! Numbers of all items that are no mean of a number of each.

use std::cell::OnceCell;

use crate::bootstrap::{Bootstrap, all_alike, mean};
use crate::clusters::Clusters;
use crate::distributions::normal;
use crate::draws::resampled_counts;
use crate::expanded::{Shift, Spread, Told};
use crate::grouping::Grouping;
use crate::interval::Interval;
use crate::side::crossed;
use crate::unusable::Unusable;
use crate::variance::{between_resamples, of_resampled_seeds};

/// What is said of a number of items, each of which counts with its weight.
type About = Box<dyn Fn(&[f64]) -> String + Send + Sync>;

/// What a statistic computes.
pub(crate) trait Number: Send + Sync {
    /// Returns the number when each item counts with its weight.
    fn of_weights(&self, weights: &[f64]) -> f64;

    /// Returns the number as resamples of the groups need it, which ask for it thousands of times.
    fn by_group<'a>(&'a self, clusters: &'a Clusters) -> Box<dyn OfGroups + 'a>;
}

/// A number of resampled groups.
pub(crate) trait OfGroups: Send + Sync {
    /// Returns the number of a resample.
    fn of(&self, drawn: &Drawn<'_>) -> f64;
}

impl<F: Fn(&[f64]) -> f64 + Send + Sync> Number for F {
    fn of_weights(&self, weights: &[f64]) -> f64 {
        self(weights)
    }

    fn by_group<'a>(&'a self, _: &'a Clusters) -> Box<dyn OfGroups + 'a> {
        Box::new(move |drawn: &Drawn<'_>| self(drawn.weights()))
    }
}

impl<F: Fn(&Drawn<'_>) -> f64 + Send + Sync> OfGroups for F {
    fn of(&self, drawn: &Drawn<'_>) -> f64 {
        self(drawn)
    }
}

/// A number of all items that is no mean of a number of each, such as a median. Its interval comes from resampling the groups.
pub struct Statistic {
    /// The number of items.
    items: usize,
    number: Box<dyn Number>,
    /// The smallest and the largest number that is possible.
    pub(crate) range: (f64, f64),
    /// Whether resamples are further from the truth on one side, as those of a distance are, so that they are shifted back.
    is_biased: bool,
    /// Whether the number is a share of right answers, which is as certain as a share where nothing varies.
    is_share: bool,
    /// What the method says about the number before the resampling, which may take a while to find out.
    about: Option<About>,
}

impl Statistic {
    /// Returns what `of` computes of the items, each of which counts with its weight.
    pub(crate) fn new(
        items: usize,
        range: (f64, f64),
        of: impl Fn(&[f64]) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self::of_number(items, range, of)
    }

    pub(crate) fn of_number(items: usize, range: (f64, f64), number: impl Number + 'static) -> Self {
        Self { items, number: Box::new(number), range, is_biased: false, is_share: false, about: None }
    }

    pub(crate) fn biased(self, about: impl Fn(&[f64]) -> String + Send + Sync + 'static) -> Self {
        Self { is_biased: true, about: Some(Box::new(about)), ..self }
    }

    pub(crate) fn share(self) -> Self {
        Self { is_share: true, ..self }
    }

    /// Returns the number for the items as they are, where all count alike.
    pub fn value(&self) -> f64 {
        self.number.of_weights(&vec![1.0; self.items])
    }

    /// Returns the number for the items as they are.
    pub(crate) fn of_items(&self, clusters: &Clusters) -> f64 {
        self.number.of_weights(clusters.weights())
    }

    /// Returns the number as resamples of the groups need it.
    pub(crate) fn by_group<'a>(&'a self, clusters: &'a Clusters) -> Box<dyn OfGroups + 'a> {
        self.number.by_group(clusters)
    }

    pub(crate) fn fit(&self, clusters: &Clusters) -> Result<(), Unusable> {
        match self.items == clusters.items() {
            true => Ok(()),
            false => Err(Unusable::Lengths { values: self.items, items: clusters.items() }),
        }
    }

    /// Returns resamples that are shifted to lie about the value, if they are biased (the bootstrap estimate of bias, Efron &
    /// Tibshirani 1993, chapter 10).
    pub(crate) fn centred(&self, value: f64, mut resamples: Vec<f64>) -> Vec<f64> {
        let bias = self.bias(value, &resamples);
        resamples.iter_mut().for_each(|one| *one -= bias);
        resamples
    }

    /// Returns what [`Statistic::centred`] does to resamples.
    pub(crate) fn shift(&self) -> Shift {
        if self.is_biased { Shift::Centred } else { Shift::None }
    }

    /// Returns how much further from the truth resamples are than the value is, on average, if they are biased.
    fn bias(&self, value: f64, resamples: &[f64]) -> f64 {
        if self.is_biased && !resamples.is_empty() { mean(resamples) - value } else { 0.0 }
    }
}

/// The groups of a resample.
pub(crate) struct Drawn<'a> {
    /// How often each group counts.
    pub(crate) counts: &'a [f64],
    clusters: &'a Clusters,
    /// How much each item counts, which not every number asks for.
    weights: OnceCell<Vec<f64>>,
}

impl<'a> Drawn<'a> {
    pub(crate) fn new(counts: &'a [f64], clusters: &'a Clusters) -> Self {
        Self { counts, clusters, weights: OnceCell::new() }
    }

    /// Returns how much each item counts.
    pub(crate) fn weights(&self) -> &[f64] {
        self.weights.get_or_init(|| {
            let items = self.clusters.group_of().iter().zip(self.clusters.weights());
            items.map(|(&group, weight)| self.counts[group] * weight).collect()
        })
    }
}

/// Returns the smallest and the largest value that is possible for any of some statistics.
pub(crate) fn ends(statistics: &[Statistic]) -> (f64, f64) {
    let low = statistics.iter().map(|one| one.range.0).fold(f64::INFINITY, f64::min);
    (low, statistics.iter().map(|one| one.range.1).fold(f64::NEG_INFINITY, f64::max))
}

/// Returns the statistic of items, or its mean over several seeds, with an interval from resampling the groups and the seeds,
/// as [`seeds_and_clusters`](crate::seeds_and_clusters) does for shares. There is one statistic for each seed.
///
/// With a single group no interval is possible, so the whole range of the statistic is given instead.
pub fn cluster_statistic(
    seeds: &[Statistic],
    groups: &(impl Grouping + ?Sized),
    options: &Bootstrap,
) -> Result<Interval, Unusable> {
    let clusters = Clusters::new(groups)?;
    let Some(first) = seeds.first() else { return Err(Unusable::Empty) };
    seeds.iter().try_for_each(|seed| seed.fit(&clusters))?;
    // What is said of one seed is not true of a mean over several.
    let about = match (seeds, &first.about) {
        ([_], Some(about)) => about(clusters.weights()),
        _ => String::new(),
    };
    let values: Vec<f64> = seeds.iter().map(|seed| seed.of_items(&clusters)).collect();
    let (value, range) = (mean(&values), ends(seeds));
    if clusters.count() == 1 {
        let (low, high) = (range.0.min(value), range.1.max(value));
        let method = with(&about, "no interval: all items are of one group");
        return Ok(Interval { value, low, high, method });
    }
    let are_all = |share: f64| values.iter().all(|one| *one == share);
    if first.is_share && (are_all(0.0) || are_all(1.0)) {
        return all_alike(value, &clusters, "");
    }
    let interval = resampled(first, seeds, &values, &clusters, options);
    Ok(Interval { method: with(&about, &interval.method), ..interval })
}

/// Returns the interval of the mean over seeds that have these values. `first` is the statistic of the first seed.
fn resampled(
    first: &Statistic,
    seeds: &[Statistic],
    values: &[f64],
    clusters: &Clusters,
    options: &Bootstrap,
) -> Interval {
    let by_group: Vec<_> = seeds.iter().map(|seed| seed.by_group(clusters)).collect();
    let resamples: Vec<(Vec<f64>, f64)> = resampled_counts(clusters.count(), options, |counts, random| {
        let drawn = Drawn::new(counts, clusters);
        (by_group.iter().map(|seed| seed.of(&drawn)).collect(), normal(random))
    });
    let of_seeds: Vec<&[f64]> = resamples.iter().map(|(own, _)| own.as_slice()).collect();
    let means: Vec<f64> = of_seeds.iter().map(|own| mean(own)).collect();
    let (value, groups) = (mean(values), clusters.count());
    let of_seeds = of_resampled_seeds(values, &of_seeds, groups);
    let range = ends(seeds);
    let spread = Spread::new(range, range, between_resamples(&means, groups), &[of_seeds]);
    let bias = first.bias(value, &means);
    let means = first.centred(value, means).into_iter().zip(&resamples);
    let replicates = means.map(|(mean, (_, luck))| spread.replicate(mean, *luck)).collect();
    let shift = match first.shift() {
        Shift::Centred if bias > 0.0 => Shift::Lowered,
        shift => shift,
    };
    let told = Told { clusters, options, is_paired: false, shift, crossed: crossed(seeds.len()) };
    let interval = spread.interval(value, replicates, &told);
    match first.is_biased && spread.varies() {
        true => reaching_down(interval, bias, range),
        false => interval,
    }
}

/// Returns an interval whose lower end lies further down by the bias of the resamples, within what is possible. So much further from
/// zero than the value are the resamples, and by about as much may the value be further than the truth, where there are few
/// items: debiasing takes off only a part. `docs/scoring.md` tells what that comes to.
fn reaching_down(interval: Interval, bias: f64, range: (f64, f64)) -> Interval {
    let within = |end: f64| end.clamp(range.0, range.1);
    Interval {
        low: within(interval.low - bias.max(0.0)).min(interval.value),
        high: within(interval.high).max(interval.value),
        ..interval
    }
}

fn with(about: &str, method: &str) -> String {
    if about.is_empty() { method.to_owned() } else { format!("{about}; {method}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::SHARE;
    use crate::{Weighted, cluster_mean, seeds_and_clusters};

    fn mean(values: &[f64]) -> Statistic {
        let values = values.to_vec();
        Statistic::new(values.len(), (0.0, 1.0), move |weights| {
            let sum: f64 = weights.iter().zip(&values).map(|(weight, value)| weight * value).sum();
            sum / weights.iter().sum::<f64>()
        })
    }

    /// The variance of a mean is known, and that of a statistic has the noise of 10,000 resamples.
    fn assert_alike(general: &Interval, special: &Interval) {
        let off = |a: f64, b: f64| (a - b).abs() / (special.high - special.low);
        assert!(off(general.low, special.low) < 0.03, "{general:?} {special:?}");
        assert!(off(general.high, special.high) < 0.03, "{general:?} {special:?}");
    }

    fn sample(factor: usize) -> Vec<f64> {
        (0..60).map(|i| (i * factor % 17) as f64 / 16.0).collect()
    }

    fn groups() -> Vec<String> {
        (0..60).map(|i| format!("{:02}", i / 4 + i % 3)).collect()
    }

    #[test]
    fn a_mean_is_the_statistic_of_its_weights() {
        let options = Bootstrap::default();
        let general = cluster_statistic(&[mean(&sample(5))], &groups(), &options).unwrap();
        let special = cluster_mean(&sample(5), SHARE, &groups(), &options).unwrap();
        assert_alike(&general, &special);
        assert_eq!(general.method, special.method);
    }

    #[test]
    fn seeds_are_drawn_as_those_of_a_share() {
        let options = Bootstrap::default();
        let seeds = [sample(3), sample(5), sample(7)];
        let general =
            cluster_statistic(&seeds.each_ref().map(|seed| mean(seed)), &groups(), &options).unwrap();
        let special = seeds_and_clusters(&seeds, &groups(), &options).unwrap();
        assert_alike(&general, &special);
        assert_eq!(general.method, special.method);
    }

    #[test]
    fn items_count_as_much_as_their_weights() {
        let weights: Vec<f64> = (0..60).map(|i| if i < 30 { 0.5 } else { 1.5 }).collect();
        let values = sample(5);
        let expected = weights.iter().zip(&values).map(|(weight, value)| weight * value).sum::<f64>() / 60.0;
        let weighted = Weighted { groups: groups(), weights: &weights };
        let general = cluster_statistic(&[mean(&values)], &weighted, &Bootstrap::default()).unwrap();
        assert!((general.value - expected).abs() < 1e-12);
        let special = cluster_mean(&values, SHARE, &weighted, &Bootstrap::default()).unwrap();
        assert_alike(&general, &special);
    }

    /// A quarter and so many times the distance of the mean of 60 items, 0 and 1 in turn, from its true value of one half.
    fn away(times: f64) -> Statistic {
        let of = move |weights: &[f64]| {
            let odd: f64 = weights.iter().skip(1).step_by(2).sum();
            0.25 + times * (odd / weights.iter().sum::<f64>() - 0.5).abs()
        };
        Statistic::new(60, (0.0, 1.0), of).biased(|_| "invented".to_owned())
    }

    #[test]
    fn a_bias_upwards_moves_the_lower_end_twice_and_the_method_says_so() {
        let in_groups = |size: usize| (0..60).map(|i| format!("{:02}", i / size)).collect::<Vec<String>>();
        let of = |times: f64, size: usize| {
            cluster_statistic(&[away(times)], &in_groups(size), &Bootstrap::default()).unwrap()
        };
        // Of the 20 groups, one third and two thirds are odd in turn. So the distance of a resample is that of 20 steps of 1 / 120 up or
        // down, 20 * math.comb(19, 9) / 2 ** 19 / 120 -> 0.029366 in the mean; more than 1 in 6 are at 0.
        let up = of(1.0, 3);
        assert!((up.low - (0.25 - 2.0 * 0.029_366)).abs() < 0.002 && up.high > 0.25, "{up:?}");
        let method =
            "invented; cluster bootstrap over 20 groups, 10000 resamples, seed 0, shifted by its bias";
        assert_eq!(up.method, format!("{method}, the lower end twice"));
        assert_eq!(of(-1.0, 3).method, method);
        // Of four groups of 15 items it is Student's, which no shift moves but that of its lower end.
        let said =
            ", the lower end shifted by the bias of resamples; from fewer than ten groups, so it is rough";
        assert!(of(1.0, 15).method.ends_with(&format!("over 4 groups{said}")), "{:?}", of(1.0, 15));
    }

    #[test]
    fn a_statistic_of_other_items_is_an_error() {
        let found = cluster_statistic(&[mean(&sample(5))], &["a"], &Bootstrap::default());
        assert_eq!(found, Err(Unusable::Lengths { values: 60, items: 1 }));
        assert_eq!(cluster_statistic(&[], &["a"], &Bootstrap::default()), Err(Unusable::Empty));
    }
}
