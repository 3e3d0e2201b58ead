//! Computes how entries differ from the baseline, and what that is worth among all differences of a report.

use std::collections::BTreeSet;

use cliptune_statistics::{Bootstrap, Unusable, holm, mcnemar_mid_p, paired_seeds_and_clusters};

use super::boards::{Scored, estimate};
use crate::data::{Board, Difference, Verdict};

/// Returns the paired difference of two entries, as if it were the only one of the report.
pub(super) fn difference(scored: &Scored, baseline: &Scored) -> Result<Difference, Unusable> {
    let (a, b, groups) = (scored.right(), baseline.right(), scored.groups());
    let compared = paired_seeds_and_clusters(&a, &b, &groups, &Bootstrap::default())?;
    let delta = estimate(compared.difference);
    let mid_p = match (a.as_slice(), b.as_slice()) {
        ([a], [b]) if are_independent(&groups) => mcnemar(a, b),
        _ => None,
    };
    let p_value = mid_p.unwrap_or(compared.p_value);
    Ok(Difference { verdict: Verdict::of(&delta, p_value, 1), delta, mid_p, p_value, holm_p: p_value })
}

/// Corrects the p-values on all boards for the number of differences.
pub(super) fn correct(boards: &mut [Board]) {
    let differences =
        || boards.iter().flat_map(|board| &board.rows).filter_map(|row| row.difference.as_ref());
    let corrected = holm(&differences().map(|difference| difference.p_value).collect::<Vec<_>>());
    let several = corrected.len();
    let differences =
        boards.iter_mut().flat_map(|board| &mut board.rows).filter_map(|row| row.difference.as_mut());
    for (difference, holm_p) in differences.zip(corrected) {
        difference.holm_p = holm_p;
        difference.verdict = Verdict::of(&difference.delta, holm_p, several);
    }
}

/// Returns whether every item is a group of its own.
fn are_independent(groups: &[&str]) -> bool {
    groups.iter().collect::<BTreeSet<_>>().len() == groups.len()
}

/// Returns McNemar's mid-p of two runs, or `None` if ties leave an answer neither right nor wrong.
fn mcnemar(a: &[f64], b: &[f64]) -> Option<f64> {
    let is_decided = |share: &f64| *share == 0.0 || *share == 1.0;
    let only =
        |right: &[f64], wrong: &[f64]| right.iter().zip(wrong).filter(|(right, wrong)| right > wrong).count();
    a.iter().chain(b).all(is_decided).then(|| mcnemar_mid_p(only(a, b), only(b, a)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::BoardRow;
    use cliptune_experiment::TaskKind;
    use cliptune_store::{Estimate, Prediction};

    fn scored(shares: &[f64], group: impl Fn(usize) -> usize) -> Scored {
        let prediction = |(item, &share): (usize, &f64)| Prediction {
            item_id: item.to_string(),
            id: item.to_string(),
            group: group(item).to_string(),
            label: 0,
            predicted: usize::from(share < 1.0),
            correct: share == 1.0,
            share,
            rank: 1.0,
            label_prob: 0.5,
            candidates: vec![0, 1],
            probs: vec![0.5; 2],
            logits: vec![0.0; 2],
        };
        Scored {
            entry: 0,
            seeds: vec![shares.iter().enumerate().map(prediction).collect()],
            weights: vec![1.0; shares.len()],
        }
    }

    fn board(differences: &[Difference]) -> Board {
        let estimate = differences[0].delta.clone();
        let row = |(entry, difference): (usize, &Difference)| BoardRow {
            entry,
            per_seed: Vec::new(),
            per_fold: Vec::new(),
            score: estimate.clone(),
            others: Vec::new(),
            tied: 0,
            difference: Some(difference.clone()),
        };
        Board {
            task: TaskKind::Choice,
            dataset: String::new(),
            n_items: 1,
            n_groups: 1,
            chance: 0.5,
            majority: None,
            classes: None,
            equal_choices: 0,
            baseline: None,
            headline: None,
            lineage: None,
            rows: differences.iter().enumerate().map(row).collect(),
        }
    }

    #[test]
    fn many_differences_are_judged_together_over_all_boards() {
        let alone = |p_value: f64| {
            let delta = Estimate { value: 0.1, low: 0.01, high: 0.2, method: String::new() };
            Difference {
                verdict: Verdict::of(&delta, p_value, 1),
                delta,
                mid_p: None,
                p_value,
                holm_p: p_value,
            }
        };
        let mut single = [board(&[alone(0.04)])];
        correct(&mut single);
        assert_eq!(single[0].rows[0].difference, Some(alone(0.04)), "one difference is what it is");
        // statsmodels.stats.multitest.multipletests([.01, .04, .03, .005], method="holm")[1] -> .03 .06 .06 .02
        let mut boards = [board(&[alone(0.01), alone(0.04)]), board(&[alone(0.03), alone(0.005)])];
        correct(&mut boards);
        let corrected =
            boards.iter().flat_map(|board| &board.rows).map(|row| row.difference.as_ref().unwrap());
        let expected = [(0.03, Verdict::Improved), (0.06, Verdict::NoChange), (0.06, Verdict::NoChange)];
        for (found, (holm_p, verdict)) in corrected.zip(expected) {
            assert!((found.holm_p - holm_p).abs() < 1e-12 && found.verdict == verdict, "{found:?}");
        }
    }

    #[test]
    fn mcnemar_is_for_independent_items_alone() {
        // scipy: 2 * binom.cdf(1, 10, 0.5) - binom.pmf(1, 10, 0.5) -> 0.011_718_75
        let a: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i < 19))).collect();
        let b: Vec<f64> = (0..30).map(|i| f64::from(u8::from((9..20).contains(&i)))).collect();
        let compare =
            |a: &[f64], group: fn(usize) -> usize| difference(&scored(a, group), &scored(&b, group)).unwrap();
        let alone = compare(&a, |item| item);
        assert!((alone.mid_p.unwrap() - 0.011_718_75).abs() < 1e-9 && alone.p_value == alone.mid_p.unwrap());
        let grouped = compare(&a, |item| item / 3);
        assert_eq!(grouped.mid_p, None);
        assert!(grouped.p_value > alone.p_value, "items of a group go right and wrong together: {grouped:?}");
        let tied: Vec<f64> = a.iter().map(|share| share / 2.0).collect();
        assert_eq!(compare(&tied, |item| item).mid_p, None);
    }
}
