//! What is reached without looking, in the metrics of choices and classes: by a random order, by the same probability for all
//! candidates, and by always giving the same answer.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use cliptune_store::{ItemRef, ItemSlice};

/// The depth of the second accuracy of classes, which says something only where there are more classes.
pub const DEPTH: usize = 5;

/// Returns the accuracy that is reached by always giving the same answer, whether that is a position among the texts or a text.
pub fn majority_of_choice(items: ItemSlice<'_>) -> f64 {
    let place = most_frequent(items.iter().map(ItemRef::label));
    let text = most_frequent(items.iter().map(|item| item.text_numbers()[item.label()]));
    place.max(text) as f64 / items.len() as f64
}

/// Returns the accuracy that is reached by always giving the class that most items have.
pub fn majority_of_classes(items: ItemSlice<'_>) -> f64 {
    most_frequent(items.iter().map(ItemRef::label)) as f64 / items.len() as f64
}

/// Returns how often the most frequent key occurs.
fn most_frequent<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> usize {
    let mut counts = HashMap::<K, usize>::new();
    keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    counts.into_values().max().unwrap_or_default()
}

/// Returns the chance of each metric of items that have their own texts.
pub fn of_choice(items: ItemSlice<'_>) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::<usize, usize>::new();
    items.iter().for_each(|item| *counts.entry(item.text_numbers().len()).or_default() += 1);
    of_candidates(&counts).collect()
}

/// Returns the chance of each metric of items of some classes.
pub fn of_classes(classes: usize) -> BTreeMap<String, f64> {
    let counts = BTreeMap::from([(classes.max(1), 1)]);
    let all = of_candidates(&counts);
    let depth = DEPTH.min(classes) as f64 / classes.max(1) as f64;
    let top = (classes > DEPTH).then(|| (format!("top{DEPTH}_accuracy"), depth));
    let balanced = ("balanced_accuracy".to_owned(), 1.0 / classes.max(1) as f64);
    all.chain(top).chain([balanced]).collect()
}

/// Returns the chances over items, which are counted by their number of candidates.
fn of_candidates(counts: &BTreeMap<usize, usize>) -> impl Iterator<Item = (String, f64)> + use<> {
    let items: usize = counts.values().sum();
    let mean = |of: fn(f64) -> f64| {
        let sum =
            counts.iter().map(|(&candidates, &count)| count as f64 * of(candidates as f64)).sum::<f64>();
        sum / items as f64
    };
    // Divided only once, the mean of 774 fifths is exactly a fifth.
    let one_of = counts.iter().map(|(&candidates, &count)| count as f64 / candidates as f64).sum::<f64>();
    let one_of = one_of / items as f64;
    let chances = [
        ("accuracy", one_of),
        ("label_prob", one_of),
        ("nll", mean(f64::ln)),
        ("brier", mean(|candidates| 1.0 - candidates.recip())),
        (
            "mrr",
            mean(|candidates| {
                (1..=candidates as usize).map(|rank| (rank as f64).recip()).sum::<f64>() / candidates
            }),
        ),
        ("aurc", 1.0 - one_of),
    ];
    chances.map(|(name, chance)| (name.to_owned(), chance)).into_iter()
}

#[cfg(test)]
mod tests {
    use cliptune_experiment::Split;
    use cliptune_store::{ImageIdentity, Item, Items};

    use super::*;

    fn item(number: usize, label: usize, texts: usize) -> Item {
        Item {
            item_id: format!("{number:016x}"),
            id: format!("id{number}"),
            ids: vec![format!("id{number}")],
            group: "g".to_owned(),
            split: Split::Test,
            folder: 0,
            image: "a.png".to_owned(),
            image_hash: ImageIdentity::of(b"h"),
            width: Some(1),
            height: Some(1),
            texts: (0..texts).map(|text| format!("t{text}")).collect(),
            label,
            vocabulary: Vec::new(),
        }
    }

    #[test]
    fn guessing_among_five_and_two_texts() {
        let chances = of_choice(Items::of(&[item(0, 0, 5), item(1, 0, 2)]).all());
        // numpy: n = array([5, 2]); (1 / n).mean(), log(n).mean(), (1 - 1 / n).mean(), mean of (1 / arange(1, n + 1)).mean()
        for (metric, expected) in [
            ("accuracy", 0.35),
            ("nll", 1.151_292_546_497_023),
            ("brier", 0.65),
            ("mrr", 0.603_333_333_333_333),
            ("aurc", 0.65),
        ] {
            assert!((chances[metric] - expected).abs() < 1e-12, "{metric} {}", chances[metric]);
        }
        assert!(!chances.contains_key("ece"), "guessing has no calibration to speak of");
    }

    #[test]
    fn guessing_among_classes() {
        let chances = of_classes(20);
        assert_eq!((chances["top5_accuracy"], chances["balanced_accuracy"]), (0.25, 0.05));
        assert!(!of_classes(5).contains_key("top5_accuracy"));
    }

    #[test]
    fn an_answer_that_is_always_the_same_is_a_baseline() {
        let mut items: Vec<Item> = (0..10).map(|i| item(i, usize::from(i >= 7), 2)).collect();
        assert_eq!(majority_of_choice(Items::of(&items).all()), 0.7);
        // The classes are the same in another order: no position is more frequent than the others, but one text is.
        items.iter_mut().skip(4).take(3).for_each(|item| {
            item.texts.reverse();
            item.label = 1;
        });
        assert_eq!(majority_of_choice(Items::of(&items).all()), 0.7);
    }

    #[test]
    fn always_giving_the_most_frequent_class_is_a_baseline() {
        let items: Vec<Item> = (0..10).map(|i| item(i, [0, 2, 2, 2, 1][i % 5], 0)).collect();
        assert_eq!(majority_of_classes(Items::of(&items).all()), 0.6);
    }
}
