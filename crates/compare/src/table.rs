//! On which items two sides agree.

use serde::Serialize;

use crate::answers::Answers;

/// How many items both sides, one of them or none is right about. A tie counts as the probability that it is right, and several
/// seeds as their mean, so that the numbers need not be whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// The items that both sides are right about.
    pub both: f64,
    /// The items that only the first side, the baseline, is right about.
    pub only_a: f64,
    /// The items that only the second side is right about.
    pub only_b: f64,
    /// The items that neither side is right about.
    pub neither: f64,
}

impl Agreement {
    /// Counts the items.
    pub fn of(a: &Answers, b: &Answers) -> Self {
        let mut found = Self::default();
        for item in 0..a.items().len() {
            let (a, b) = (a.share_of(item), b.share_of(item));
            found.both += a * b;
            found.only_a += a * (1.0 - b);
            found.only_b += (1.0 - a) * b;
            found.neither += (1.0 - a) * (1.0 - b);
        }
        found
    }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The baseline is wrong about it, and the other side right.
    Won,
    /// The baseline is right about it, and the other side wrong.
    Lost,
}

/// An item that one side is right about and the other is not.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemOutcome {
    /// The item, by its place among the answers.
    pub item: usize,
    /// What became of it.
    pub outcome: Outcome,
}

impl ItemOutcome {
    /// Returns the items that were won and lost, the won ones first. Of several seeds, more than half decide.
    pub fn of(a: &Answers, b: &Answers) -> Vec<Self> {
        let outcome = |item: usize| match (2.0 * a.share_of(item) > 1.0, 2.0 * b.share_of(item) > 1.0) {
            (false, true) => Some(Outcome::Won),
            (true, false) => Some(Outcome::Lost),
            _ => None,
        };
        let items = 0..a.items().len();
        let mut found: Vec<Self> =
            items.filter_map(|item| Some(Self { item, outcome: outcome(item)? })).collect();
        found.sort_by_key(|one| (one.outcome, one.item));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::answers;

    #[test]
    fn every_item_is_in_one_cell() {
        let a = answers(&[1.0, 1.0, 0.0, 0.0, 1.0], |item| item);
        let b = answers(&[1.0, 0.0, 1.0, 0.0, 0.5], |item| item);
        let found = Agreement::of(&a, &b);
        assert_eq!(found, Agreement { both: 1.5, only_a: 1.5, only_b: 1.0, neither: 1.0 });
    }

    #[test]
    fn items_are_won_and_lost_by_the_majority_of_seeds() {
        let a = answers(&[1.0, 0.0, 1.0], |item| item);
        let mut b = answers(&[0.0, 1.0, 1.0], |item| item);
        b.seeds.push(answers(&[0.0, 0.0, 1.0], |item| item).seeds.remove(0));
        b.seeds.push(answers(&[1.0, 1.0, 0.0], |item| item).seeds.remove(0));
        let found: Vec<_> = ItemOutcome::of(&a, &b).iter().map(|one| (one.item, one.outcome)).collect();
        assert_eq!(found, [(1, Outcome::Won), (0, Outcome::Lost)]);
    }
}
