//! Reads from predictions how sure a model is, and of what.

use cliptune_compare::{Answers, confidence};
use cliptune_statistics::{reliability, risk_coverage};
use cliptune_store::{Answered, Prediction};

use crate::data::{COLUMNS, Confidence, Place};

/// The most places that can be told apart.
const MOST_PLACES: usize = 26;

/// An answer, with how much it counts: in a cross-validation each fold counts alike, as it does in every metric.
type Weighed<'a> = (&'a Prediction, f64);

/// Returns the confidences of answers, or `None` if the predictions do not tell them.
pub(super) fn confidences(answers: &Answers) -> Option<Confidence> {
    let weights = &answers.weights;
    let all = answers.seeds.iter().flat_map(|seed| seed.iter().zip(weights.iter().copied()));
    let all: Vec<Weighed<'_>> = all.collect();
    let sure: Vec<f64> = all.iter().map(|(one, _)| confidence(one)).collect();
    let right: Vec<f64> = all.iter().map(|(one, _)| one.share).collect();
    let weights: Vec<f64> = all.iter().map(|(_, weight)| *weight).collect();
    Some(Confidence {
        reliability: reliability(&sure, &right, Some(&weights), answers.seeds.len()).ok()?,
        histogram: histogram(&sure, &weights),
        risk: risk_coverage(&sure, &right, Some(&weights)).ok()?,
        places: places(&all),
    })
}

/// Returns the share of numbers in each column from 0 to 1.
fn histogram(sure: &[f64], weights: &[f64]) -> Vec<f64> {
    let (mut columns, all) = (vec![0.0; COLUMNS], weights.iter().sum::<f64>());
    for (confidence, weight) in sure.iter().zip(weights) {
        // A confidence of 1 belongs to the last one.
        let column = ((confidence * COLUMNS as f64) as usize).min(COLUMNS - 1);
        columns[column] += weight / all;
    }
    columns
}

fn places(all: &[Weighed<'_>]) -> Vec<Place> {
    let of_choice = |(one, _): &&Weighed<'_>| matches!(one.answered, Answered::Choice(_));
    let chosen = all.iter().filter(of_choice);
    let chosen: Vec<_> =
        chosen.filter_map(|(one, weight)| Some((*weight, one.share, one.chosen()?))).collect();
    let count = chosen.iter().map(|(_, _, chosen)| chosen.candidates.len().max(chosen.label + 1)).max();
    let Some(count) = count.filter(|count| *count <= MOST_PLACES) else { return Vec::new() };
    let (mut places, mut right) = (vec![Place::default(); count], vec![0.0; count]);
    let total: f64 = chosen.iter().map(|(weight, _, _)| weight).sum();
    for (weight, share, chosen) in &chosen {
        let part = weight / total;
        places[chosen.label].labels += part;
        right[chosen.label] += part * share;
        if let Some(place) = places.get_mut(chosen.predicted) {
            place.answers += part;
        }
    }
    for (place, right) in places.iter_mut().zip(right) {
        place.accuracy = (place.labels > 0.0).then(|| right / place.labels);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use cliptune_compare::{RunAnswers, reached};
    use cliptune_experiment::TaskKind;
    use cliptune_statistics::Bootstrap;
    use cliptune_store::Chosen;

    fn answer(label: usize, predicted: usize, probs: [f64; 2]) -> Prediction {
        let share = f64::from(u8::from(label == predicted));
        Prediction {
            item_id: String::new(),
            id: String::new(),
            group: String::new(),
            correct: label == predicted,
            share,
            rank: 1.0,
            label_prob: probs[label],
            answered: Answered::Choice(Chosen {
                label,
                predicted,
                candidates: vec![0, 1],
                probs: probs.to_vec(),
                logits: vec![0.0, 0.0],
            }),
        }
    }

    #[test]
    fn a_place_that_is_preferred_shows() {
        let answers = Answers::alone(vec![vec![
            answer(0, 0, [0.9, 0.1]),
            answer(1, 0, [0.7, 0.3]),
            answer(1, 0, [0.6, 0.4]),
            answer(1, 1, [0.0, 1.0]),
        ]]);
        let found = confidences(&answers).unwrap();
        let [first, second] = found.places.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.labels, first.answers, first.accuracy), (0.25, 0.75, Some(1.0)));
        assert_eq!((second.labels, second.answers), (0.75, 0.25));
        assert!((second.accuracy.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.histogram[19], 0.25);
        assert!((found.histogram.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // Of the two most confident answers both are right, of all four two.
        assert_eq!((found.risk[1].risk, found.risk[3].risk), (0.0, 0.5));
    }

    #[test]
    fn folds_count_alike_in_figures_as_they_do_in_the_metrics() {
        // The one item of the first fold is right, and of the four of the second one only the surest: (1 + 1/4) / 2.
        let fold = |fold: u32, answers: Vec<Prediction>| RunAnswers {
            fold: Some(fold),
            seed: 0,
            predictions: answers,
        };
        let second = [0.9, 0.8, 0.7, 0.6].map(|sure| answer(usize::from(sure < 0.85), 0, [sure, 1.0 - sure]));
        let answers =
            Answers::of(vec![fold(0, vec![answer(0, 0, [0.55, 0.45])]), fold(1, second.into())], Some(2));
        let metrics = reached(TaskKind::Choice, &answers, &Bootstrap { resamples: 100, seed: 0 }).unwrap();
        let (name, accuracy) = &metrics[0];
        assert!(*name == "accuracy" && (accuracy.value - 0.625).abs() < 1e-12, "{accuracy:?}");

        let found = confidences(&answers).unwrap();
        let last = found.risk.last().unwrap();
        assert!((last.coverage - 1.0).abs() < 1e-12 && (last.risk - 0.375).abs() < 1e-12, "{last:?}");
        let right: f64 = found.places.iter().map(|place| place.labels * place.accuracy.unwrap_or(0.0)).sum();
        assert!((right - 0.625).abs() < 1e-12, "{found:?}");
        // A confidence of 0.55 is that of half of the answers.
        assert!((found.histogram[11] - 0.5).abs() < 1e-12, "{:?}", found.histogram);
    }

    #[test]
    fn what_predictions_do_not_tell_is_not_drawn() {
        let mut silent = answer(0, 0, [0.5, 0.5]);
        if let Answered::Choice(chosen) = &mut silent.answered {
            chosen.probs.clear();
            chosen.candidates.clear();
        }
        assert_eq!(confidences(&Answers::alone(vec![vec![silent]])), None);
    }
}
