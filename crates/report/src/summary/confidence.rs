//! Reads from predictions how sure a model is, and of what.

use cliptune_compare::{Answers, confidence};
use cliptune_statistics::{reliability, risk_coverage};
use cliptune_store::{Answered, Prediction};

use crate::data::{COLUMNS, Confidence, Place};

/// The most places that can be told apart.
const MOST_PLACES: usize = 26;

/// Returns the confidences of answers, or `None` if the predictions do not tell them.
pub(super) fn confidences(answers: &Answers) -> Option<Confidence> {
    let all: Vec<&Prediction> = answers.seeds.iter().flatten().collect();
    let sure: Vec<f64> = all.iter().map(|one| confidence(one)).collect();
    let right: Vec<f64> = all.iter().map(|one| one.share).collect();
    Some(Confidence {
        reliability: reliability(&sure, &right, answers.seeds.len()).ok()?,
        histogram: histogram(&sure),
        risk: risk_coverage(&sure, &right).ok()?,
        places: places(&all),
    })
}

/// Returns the share of numbers in each column from 0 to 1.
fn histogram(sure: &[f64]) -> Vec<f64> {
    let mut columns = vec![0.0; COLUMNS];
    for confidence in sure {
        // A confidence of 1 belongs to the last one.
        let column = ((confidence * COLUMNS as f64) as usize).min(COLUMNS - 1);
        columns[column] += 1.0 / sure.len() as f64;
    }
    columns
}

fn places(all: &[&Prediction]) -> Vec<Place> {
    let of_choice = |one: &&&Prediction| matches!(one.answered, Answered::Choice(_));
    let chosen = all.iter().filter(of_choice).filter_map(|one| Some((one.share, one.chosen()?)));
    let chosen: Vec<_> = chosen.collect();
    let count = chosen.iter().map(|(_, chosen)| chosen.candidates.len().max(chosen.label + 1)).max();
    let Some(count) = count.filter(|count| *count <= MOST_PLACES) else { return Vec::new() };
    let (mut places, mut right) = (vec![Place::default(); count], vec![0.0; count]);
    let one = 1.0 / chosen.len() as f64;
    for (share, chosen) in &chosen {
        places[chosen.label].labels += one;
        right[chosen.label] += one * share;
        if let Some(place) = places.get_mut(chosen.predicted) {
            place.answers += one;
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
    fn what_predictions_do_not_tell_is_not_drawn() {
        let mut silent = answer(0, 0, [0.5, 0.5]);
        if let Answered::Choice(chosen) = &mut silent.answered {
            chosen.probs.clear();
            chosen.candidates.clear();
        }
        assert_eq!(confidences(&Answers::alone(vec![vec![silent]])), None);
    }
}
