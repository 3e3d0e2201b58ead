//! Measures what each precision costs and gains compared with fp32.

use std::collections::BTreeSet;

use cliptune_experiment::TaskKind;
use cliptune_statistics::{Bootstrap, paired_cluster_difference};
use cliptune_store::{
    Answered, ItemSlice, Measured, PRECISIONS_FORMAT, Precisions, Prediction, ReducedPrecision,
};

use super::contest::{Entrant, Entrants};
use super::workshop::Workshop;
use crate::error::ScoreError;
use crate::metrics::estimate;

/// Compares every reduced precision with fp32. It does not decide yet which ones are kept.
pub(super) fn compare(
    items: ItemSlice<'_>,
    task: TaskKind,
    entrants: &Entrants,
    workshop: &Workshop<'_>,
) -> Result<Precisions, ScoreError> {
    let fp32 = &entrants.fp32;
    let reduced = entrants.reduced.iter().map(|entrant| reduced(task, entrant, fp32, workshop));
    let groups: BTreeSet<u32> = items.iter().map(cliptune_store::ItemRef::group_number).collect();
    Ok(Precisions {
        format_version: PRECISIONS_FORMAT,
        task,
        n_items: items.len(),
        n_groups: groups.len(),
        reduced: reduced.collect::<Result<_, ScoreError>>()?,
        fp32: measured(fp32, workshop)?,
    })
}

fn measured(entrant: &Entrant, workshop: &Workshop<'_>) -> Result<Measured, ScoreError> {
    let right = right(&entrant.predictions);
    Ok(Measured {
        bytes: workshop.bytes(entrant.precision)?,
        score: right.iter().sum::<f64>() / right.len() as f64,
        image_milliseconds: entrant.image_time.as_secs_f64() * 1e3,
        text_milliseconds: entrant.text_time.as_secs_f64() * 1e3,
    })
}

fn reduced(
    task: TaskKind,
    entrant: &Entrant,
    fp32: &Entrant,
    workshop: &Workshop<'_>,
) -> Result<ReducedPrecision, ScoreError> {
    let groups: Vec<&str> = fp32.predictions.iter().map(|one| one.group.as_str()).collect();
    let (own, whole) = (right(&entrant.predictions), right(&fp32.predictions));
    let difference = paired_cluster_difference(&own, &whole, &groups, &Bootstrap::default())?;
    Ok(ReducedPrecision {
        precision: entrant.precision,
        measured: measured(entrant, workshop)?,
        difference: estimate(difference),
        max_logit_difference: largest_difference(&entrant.predictions, &fp32.predictions),
        answers_agree: agreements(task, &entrant.predictions, &fp32.predictions),
        margin: None,
        kept: true,
    })
}

/// Returns how right each answer is, from 0 to 1.
fn right(predictions: &[Prediction]) -> Vec<f64> {
    predictions.iter().map(|one| one.share).collect()
}

fn largest_difference(a: &[Prediction], b: &[Prediction]) -> f64 {
    a.iter().zip(b).flat_map(|(a, b)| shared_logits(a, b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Returns the logits of the candidates that both predictions keep.
fn shared_logits(a: &Prediction, b: &Prediction) -> Vec<(f64, f64)> {
    match (&a.answered, &b.answered) {
        (Answered::Pairs(a), Answered::Pairs(b)) => vec![(a.logits[0], b.logits[0])],
        (Answered::Choice(a), Answered::Choice(b)) | (Answered::Classes(a), Answered::Classes(b)) => {
            let place = |candidate: &usize| b.candidates.iter().position(|other| other == candidate);
            let kept = a.candidates.iter().zip(&a.logits);
            kept.filter_map(|(one, &logit)| Some((logit, b.logits[place(one)?]))).collect()
        }
        _ => Vec::new(),
    }
}

/// Counts the items on which both agree. For pairs, whose answer is a rank among many, they agree if an own text comes
/// first for both or for neither.
fn agreements(task: TaskKind, a: &[Prediction], b: &[Prediction]) -> usize {
    let agree = |(a, b): &(&Prediction, &Prediction)| match task {
        TaskKind::Choice | TaskKind::Classes => a.predicted() == b.predicted(),
        TaskKind::Pairs => a.share == b.share,
    };
    a.iter().zip(b).filter(agree).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_store::Chosen;

    fn prediction(predicted: usize, correct: bool, logits: &[f64]) -> Prediction {
        Prediction {
            item_id: String::new(),
            id: String::new(),
            group: String::new(),
            correct,
            share: f64::from(u8::from(correct)),
            rank: (predicted + 1) as f64,
            label_prob: 0.0,
            answered: Answered::Choice(Chosen {
                label: 0,
                predicted,
                candidates: (0..logits.len()).collect(),
                probs: Vec::new(),
                logits: logits.to_vec(),
            }),
        }
    }

    #[test]
    fn pairs_agree_when_both_find_or_both_miss() {
        let a = [prediction(0, true, &[]), prediction(7, false, &[])];
        let b = [prediction(0, true, &[]), prediction(9, false, &[])];
        assert_eq!(agreements(TaskKind::Choice, &a, &b), 1);
        assert_eq!(agreements(TaskKind::Pairs, &a, &b), 2);
    }

    #[test]
    fn the_largest_difference_is_over_all_logits() {
        let a = [prediction(0, true, &[1.0, 2.0]), prediction(0, true, &[3.0])];
        let b = [prediction(0, true, &[1.5, 2.0]), prediction(0, true, &[2.0])];
        assert_eq!(largest_difference(&a, &b), 1.0);
    }

    #[test]
    fn logits_are_compared_candidate_by_candidate() {
        let kept = |candidates: &[usize], logits: &[f64]| {
            let (candidates, logits, probs) = (candidates.to_vec(), logits.to_vec(), Vec::new());
            let chosen = Chosen { label: 0, predicted: 0, candidates, probs, logits };
            Prediction { answered: Answered::Classes(chosen), ..prediction(0, true, &[]) }
        };
        // Class 7 is among the likely ones of one side alone.
        let (a, b) = (kept(&[3, 5, 7], &[9.0, 8.0, 1.0]), kept(&[5, 3, 2], &[8.5, 8.75, 7.0]));
        assert_eq!(largest_difference(&[a], &[b]), 0.5);
    }
}
