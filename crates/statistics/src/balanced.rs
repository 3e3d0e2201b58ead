//! The accuracy in which every class counts the same, however many items it has.

use crate::cells::{Cells, Part, Sums};
use crate::statistic::Statistic;
use crate::unusable::Unusable;

impl Statistic {
    /// Returns the mean over classes of the share of items that are right.
    ///
    /// An item counts as right (1), as wrong (0), or, where there is a tie, with the probability that it is right.
    /// `classes` has the number of each item's class. A class without items does not count, neither in the value nor in a
    /// resample that drew none of its groups.
    ///
    /// # Errors
    /// Returns an error when there is not one finite number and one class for each item.
    pub fn balanced(right: &[f64], classes: &[usize]) -> Result<Self, Unusable> {
        if classes.len() != right.len() {
            return Err(Unusable::Lengths { values: classes.len(), items: right.len() });
        }
        if !right.iter().all(|right| right.is_finite()) {
            return Err(Unusable::NotFinite);
        }
        let part = |(item, (&right, &class)): (usize, (&f64, &usize))| Part {
            item,
            cell: class,
            adds: [1.0, right, 0.0],
        };
        let parts = right.iter().zip(classes).enumerate().map(part).collect();
        let cells = Cells::new(parts, classes.iter().max().map_or(0, |last| last + 1), balanced);
        Ok(Self::of_number(right.len(), (0.0, 1.0), cells).share())
    }
}

/// Returns the mean over classes, from the weight of the items of each and that of its right answers.
fn balanced(classes: &[Sums]) -> f64 {
    let present = || classes.iter().filter(|[weight, ..]| *weight > 0.0);
    present().map(|[weight, right, _]| right / weight).sum::<f64>() / present().count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bootstrap, Grouping, Interval, cluster_statistic};

    fn cluster_balanced(right: &[f64], classes: &[usize], groups: &impl Grouping) -> Interval {
        let statistic = Statistic::balanced(right, classes).unwrap();
        cluster_statistic(&[statistic], groups, &Bootstrap::default()).unwrap()
    }

    /// Returns 60 items of 4 classes in 20 groups; class 3 has a single group, and no item is of class 1.
    fn sample() -> (Vec<f64>, Vec<usize>, Vec<String>) {
        let class = |i: usize| if i < 3 { 3 } else { [0, 0, 2][i / 3 % 3] };
        let right = |i: usize| f64::from(u8::from((7 * i) % 5 < 3));
        let items = 0..60;
        (
            items.clone().map(right).collect(),
            items.clone().map(class).collect(),
            items.map(|i| format!("g{:02}", i / 3)).collect(),
        )
    }

    #[test]
    fn the_value_is_scikit_learns() {
        // i = numpy.arange(60); y = numpy.where(i < 3, 3, numpy.array([0, 0, 2])[i // 3 % 3])
        // right = 7 * i % 5 < 3; sklearn.metrics.balanced_accuracy_score(y, numpy.where(right, y, 9))
        // (scikit-learn 1.9.1)
        let (right, classes, groups) = sample();
        let interval = cluster_balanced(&right, &classes, &groups);
        assert!((interval.value - REFERENCE).abs() < 1e-12, "{interval:?}");
        assert!(interval.low < interval.value && interval.value < interval.high, "{interval:?}");
        assert_eq!(interval.method, "cluster bootstrap over 20 groups, 10000 resamples, seed 0");
    }

    const REFERENCE: f64 = 0.622_507_122_507_122_5;

    #[test]
    fn a_rare_class_counts_as_much_as_a_frequent_one() {
        let right: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i < 99))).collect();
        let classes: Vec<usize> = (0..100).map(|i| usize::from(i == 99)).collect();
        let groups: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        let interval = cluster_balanced(&right, &classes, &groups);
        assert_eq!(interval.value, 0.5);
    }

    #[test]
    fn answers_that_are_all_right_still_have_an_interval() {
        let groups = ["a", "a", "b", "c"];
        let interval = cluster_balanced(&[1.0; 4], &[0, 1, 0, 1], &groups);
        assert!(interval.value == 1.0 && interval.low < 0.6 && interval.high == 1.0, "{interval:?}");
        let alone = cluster_balanced(&[1.0, 0.0], &[0, 1], &["a"; 2]);
        assert_eq!((alone.value, alone.low, alone.high), (0.5, 0.0, 1.0));
    }

    #[test]
    fn every_item_has_a_class() {
        let lacking = Statistic::balanced(&[1.0, 0.0], &[0]).err();
        assert_eq!(lacking, Some(Unusable::Lengths { values: 1, items: 2 }));
    }
}
