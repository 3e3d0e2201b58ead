//! Groups of items that belong together.

use crate::unusable::Unusable;

/// The groups of a list of items, each of which is resampled as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Clusters {
    /// The group of each item.
    group_of: Vec<usize>,
    /// The number of items in each group, which is never 0.
    sizes: Vec<f64>,
}

impl Clusters {
    /// Returns the groups of items from their group names, which are given in item order.
    ///
    /// Groups are numbered by their sorted names, so that the order of the items has no influence.
    pub(crate) fn new(groups: &[impl AsRef<str>]) -> Result<Self, Unusable> {
        if groups.is_empty() {
            return Err(Unusable::Empty);
        }
        let mut names: Vec<&str> = groups.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names.dedup();
        let group_of: Vec<usize> =
            groups.iter().map(|group| names.partition_point(|name| *name < group.as_ref())).collect();
        let mut sizes = vec![0.0; names.len()];
        group_of.iter().for_each(|&group| sizes[group] += 1.0);
        Ok(Self { group_of, sizes })
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

    /// Returns the number of items in each group.
    pub(crate) fn sizes(&self) -> &[f64] {
        &self.sizes
    }

    /// Returns the number of items in each group if it is the same for all groups.
    pub(crate) fn common_size(&self) -> Option<f64> {
        let first = *self.sizes.first()?;
        self.sizes.iter().all(|size| *size == first).then_some(first)
    }

    /// Returns whether every group is a single item.
    pub(crate) fn are_single(&self) -> bool {
        self.count() == self.items()
    }

    /// Returns the sum of the values in each group.
    pub(crate) fn sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.count()];
        self.group_of.iter().zip(values).for_each(|(&group, value)| sums[group] += value);
        sums
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

#[cfg(test)]
mod tests {
    use super::*;

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
