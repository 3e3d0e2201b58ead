//! Whether two sides answered the same items.

use std::collections::BTreeMap;

use cliptune_store::Prediction;
use cliptune_terminal::format::first_few;

use crate::answers::Answers;

/// How the items of one side are not those of the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// Items that only one side answered.
    #[error(
        "{} of {a} items are not among those of the other{}, and {} of its {b} items are not among these{}",
        only_a.len(), listed(only_a), only_b.len(), listed(only_b)
    )]
    Items {
        /// The number of items of the one side.
        a: usize,
        /// The number of items of the other side.
        b: usize,
        /// The identifiers of the items that only the one side answered.
        only_a: Vec<String>,
        /// The identifiers of the items that only the other side answered.
        only_b: Vec<String>,
    },
    /// Items that stand in other groups.
    #[error("{items} of the same items are in other groups, such as {example}")]
    Groups {
        /// The number of items.
        items: usize,
        /// The identifier of one of them.
        example: String,
    },
    /// Items of which another answer is right.
    #[error("{items} of the same items have another right answer, such as {example}")]
    Labels {
        /// The number of items.
        items: usize,
        /// The identifier of one of them.
        example: String,
    },
}

/// Returns the first of some identifiers in brackets, if there are any.
fn listed(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!(" ({})", first_few(ids)) }
}

impl Answers {
    /// Checks that all seeds of both sides answered the same items, by their content, in the same groups.
    ///
    /// # Errors
    /// Returns how they differ.
    pub fn expect_same_items(&self, other: &Self) -> Result<(), Unlike> {
        let first = self.items();
        self.seeds.iter().skip(1).chain(&other.seeds).try_for_each(|seed| same(first, seed))
    }
}

/// The identity of an item by its content, and the identifier that tells apart items of the same content.
fn key(prediction: &Prediction) -> (&str, &str) {
    (&prediction.item_id, &prediction.id)
}

fn same(a: &[Prediction], b: &[Prediction]) -> Result<(), Unlike> {
    let is_alike =
        |(a, b): (&Prediction, &Prediction)| key(a) == key(b) && a.group == b.group && a.label() == b.label();
    if a.len() == b.len() && a.iter().zip(b).all(is_alike) {
        return Ok(());
    }
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    a.iter().for_each(|one| *counts.entry(key(one)).or_default() += 1);
    b.iter().for_each(|one| *counts.entry(key(one)).or_default() -= 1);
    let only = |sign: i64| -> Vec<String> {
        let surplus = |((_, id), count): (&(&str, &str), &i64)| {
            std::iter::repeat_n((*id).to_owned(), (sign * count).max(0) as usize)
        };
        counts.iter().flat_map(surplus).collect()
    };
    let (only_a, only_b) = (only(1), only(-1));
    if !(only_a.is_empty() && only_b.is_empty()) {
        return Err(Unlike::Items { a: a.len(), b: b.len(), only_a, only_b });
    }
    let of_b: BTreeMap<_, _> = b.iter().map(|one| (key(one), one)).collect();
    let differing = |differs: fn(&Prediction, &Prediction) -> bool| {
        a.iter()
            .filter(|one| of_b.get(&key(one)).is_some_and(|other| differs(one, other)))
            .collect::<Vec<_>>()
    };
    let example = |items: &[&Prediction]| items.first().map(|one| one.id.clone()).unwrap_or_default();
    let labels = differing(|a, b| a.label() != b.label());
    match labels.is_empty() {
        false => Err(Unlike::Labels { items: labels.len(), example: example(&labels) }),
        true => {
            let groups = differing(|a, b| a.group != b.group);
            Err(Unlike::Groups { items: groups.len(), example: example(&groups) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::{answers, change};

    #[test]
    fn items_are_the_same_by_content_group_and_right_answer() {
        let five = answers(&[1.0; 5], |item| item / 2);
        assert_eq!(five.expect_same_items(&answers(&[0.0; 5], |item| item / 2)), Ok(()));
        let four = answers(&[1.0; 4], |item| item / 2);
        let fewer = Unlike::Items { a: 5, b: 4, only_a: vec!["q4".to_owned()], only_b: Vec::new() };
        assert_eq!(
            fewer.to_string(),
            "1 of 5 items are not among those of the other (q4), and 0 of its 4 items are not among these"
        );
        assert_eq!(five.expect_same_items(&four), Err(fewer));
        let grouped = five.expect_same_items(&answers(&[0.0; 5], |item| item / 3));
        assert!(
            matches!(&grouped, Err(Unlike::Groups { items: 2, example }) if example == "q2"),
            "{grouped:?}"
        );
        let mut other = five.clone();
        change(&mut other.seeds[0][3], |chosen| chosen.label = 1);
        let labelled = five.expect_same_items(&other);
        assert!(
            matches!(&labelled, Err(Unlike::Labels { items: 1, example }) if example == "q3"),
            "{labelled:?}"
        );
    }

    #[test]
    fn every_seed_has_to_have_answered_the_same() {
        let mut two = answers(&[1.0; 4], |item| item);
        two.seeds.push(answers(&[1.0; 3], |item| item).seeds.remove(0));
        assert!(two.expect_same_items(&answers(&[1.0; 4], |item| item)).is_err());
    }
}
