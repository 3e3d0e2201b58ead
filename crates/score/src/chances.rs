//! What guessing reaches in the metrics of choices and classes: a random order, and the same probability for all candidates.

use std::collections::BTreeMap;

use cliptune_store::ItemSlice;

use crate::classes::DEPTH;

/// Returns the chance of each metric of items that have their own texts.
pub(crate) fn of_choice(items: ItemSlice<'_>) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::<usize, usize>::new();
    items.iter().for_each(|item| *counts.entry(item.text_numbers().len()).or_default() += 1);
    of_candidates(&counts).collect()
}

/// Returns the chance of each metric of items of some classes.
pub(crate) fn of_classes(classes: usize) -> BTreeMap<String, f64> {
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
    use super::*;
    use crate::choice::tests::item;
    use cliptune_store::Items;

    #[test]
    fn guessing_among_five_and_two_texts() {
        let chances = of_choice(Items::of(&[item(0, 0, 0, 5), item(1, 0, 0, 2)]).all());
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
}
