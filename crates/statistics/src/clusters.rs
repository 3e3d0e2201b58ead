//! Groups of items that belong together.

use crate::grouping::Grouping;
use crate::unusable::Unusable;

/// The groups of a list of items, each of which is resampled as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Clusters {
    /// The group of each item.
    group_of: Vec<usize>,
    /// How much each item counts, which is one where all count alike.
    weights: Vec<f64>,
    /// The sum of the weights in each group, which is never 0.
    sizes: Vec<f64>,
    /// The sum of all weights.
    total: f64,
}

impl Clusters {
    /// Returns the groups of items.
    ///
    /// Groups are numbered by their sorted names, so that the order of the items has no influence.
    pub(crate) fn new(items: &(impl Grouping + ?Sized)) -> Result<Self, Unusable> {
        let groups = items.groups();
        if groups.is_empty() {
            return Err(Unusable::Empty);
        }
        let weights = weights(items.weights(), groups.len())?;
        let mut names = groups.clone();
        names.sort_unstable();
        names.dedup();
        let group_of: Vec<usize> =
            groups.iter().map(|group| names.partition_point(|name| name < group)).collect();
        let mut sizes = vec![0.0; names.len()];
        group_of.iter().zip(&weights).for_each(|(&group, weight)| sizes[group] += weight);
        Ok(Self { total: weights.iter().sum(), group_of, weights, sizes })
    }

    /// Returns the number of groups, which is at least one.
    pub(crate) fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Returns the number of items.
    pub(crate) fn items(&self) -> usize {
        self.group_of.len()
    }

    /// Returns the group number of each item.
    pub(crate) fn group_of(&self) -> &[usize] {
        &self.group_of
    }

    /// Returns how much each item counts.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the sum of the weights in each group: the number of its items, where all count alike.
    pub(crate) fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// Returns the sum of all weights.
    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    /// Returns the size that all groups have, if it is a whole number. Sums of another one are rounded, and a mean has to be
    /// divided by what is rounded in the same way: else that of answers that are all right could be more than one.
    pub(crate) fn common_size(&self) -> Option<f64> {
        let first = *self.sizes.first()?;
        (first.fract() == 0.0 && self.sizes.iter().all(|size| *size == first)).then_some(first)
    }

    /// Returns whether every group is a single item.
    pub(crate) fn are_single(&self) -> bool {
        self.count() == self.items()
    }

    /// Returns the sum in each group of the values times their weights.
    pub(crate) fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count()];
        self.group_of.iter().zip(self.weighted(values)).for_each(|(&group, value)| sums[group] += value);
        sums
    }

    /// Returns the mean of the values, each of which counts with its weight.
    pub(crate) fn mean(&self, values: &[f64]) -> f64 {
        self.weighted(values).sum::<f64>() / self.total
    }

    /// Returns the values times their weights.
    pub(crate) fn weighted(&self, values: &[f64]) -> impl Iterator<Item = f64> {
        values.iter().zip(&self.weights).map(|(value, weight)| weight * value)
    }

    /// Returns the mean of the values in each group if it is the same for all groups, in which case all resamples are
    /// the same.
    pub(crate) fn common_mean(&self, values: &[f64]) -> Option<f64> {
        let sums = self.sums(values);
        let mut means = sums.iter().zip(&self.sizes).map(|(sum, size)| sum / size);
        let first = means.next()?;
        means.all(|mean| (mean - first).abs() < 1e-12).then_some(first)
    }

    /// Checks that there is one finite value per item.
    pub(crate) fn fit(&self, values: &[f64]) -> Result<(), Unusable> {
        if values.len() != self.items() {
            return Err(Unusable::Lengths { values: values.len(), items: self.items() });
        }
        match values.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(Unusable::NotFinite),
        }
    }

    /// Returns the number of groups in words, such as `210 groups`, or `780 items` when every group is a single item.
    pub(crate) fn described(&self) -> String {
        let unit = if self.are_single() { "item" } else { "group" };
        let plural = if self.count() == 1 { "" } else { "s" };
        format!("{} {unit}{plural}", self.count())
    }
}

/// Returns the weights of so many items, which are one where none are given.
pub(crate) fn weights(given: Option<&[f64]>, items: usize) -> Result<Vec<f64>, Unusable> {
    match given {
        None => Ok(vec![1.0; items]),
        Some(weights) if weights.len() != items => Err(Unusable::Lengths { values: weights.len(), items }),
        Some(weights) if !weights.iter().all(|weight| weight.is_finite() && *weight > 0.0) => {
            Err(Unusable::Weight)
        }
        Some(weights) => Ok(weights.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grouping::Weighted;

    #[test]
    fn groups_are_numbered_by_name() {
        let clusters = Clusters::new(&["b", "a", "b", "c"]).unwrap();
        assert_eq!(clusters.group_of(), [1, 0, 1, 2]);
        assert_eq!(clusters.sums(&[1.0, 2.0, 3.0, 4.0]), [2.0, 4.0, 4.0]);
        assert_eq!((clusters.count(), clusters.items(), clusters.are_single()), (3, 4, false));
        assert_eq!((clusters.sizes(), clusters.common_size()), ([1.0, 2.0, 1.0].as_slice(), None));
        assert_eq!(clusters.described(), "3 groups");
    }

    #[test]
    fn items_count_with_their_weights() {
        let weights = [1.0, 0.5, 2.0, 1.5];
        let clusters = Clusters::new(&Weighted { groups: ["b", "a", "b", "c"], weights: &weights }).unwrap();
        assert_eq!((clusters.sizes(), clusters.total()), ([0.5, 3.0, 1.5].as_slice(), 5.0));
        assert_eq!(clusters.sums(&[1.0, 2.0, 3.0, 4.0]), [1.0, 7.0, 6.0]);
        assert_eq!(clusters.mean(&[1.0, 2.0, 3.0, 4.0]), 14.0 / 5.0);
    }

    #[test]
    fn every_item_has_a_weight_that_is_more_than_nothing() {
        let problem = |weights: &[f64]| Clusters::new(&Weighted { groups: ["a", "b"], weights }).unwrap_err();
        assert_eq!(problem(&[1.0]), Unusable::Lengths { values: 1, items: 2 });
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(problem(&[1.0, weight]), Unusable::Weight);
        }
    }

    #[test]
    fn no_items_are_an_error() {
        assert_eq!(Clusters::new(&[] as &[&str]).unwrap_err(), Unusable::Empty);
    }

    #[test]
    fn values_must_fit() {
        let clusters = Clusters::new(&["a", "b"]).unwrap();
        assert_eq!(clusters.fit(&[1.0]), Err(Unusable::Lengths { values: 1, items: 2 }));
        assert_eq!(clusters.fit(&[1.0, f64::NAN]), Err(Unusable::NotFinite));
    }
}
