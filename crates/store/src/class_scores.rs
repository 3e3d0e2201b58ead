//! How well each class is told from the others, as `scores.json` holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::prediction::{Chosen, Prediction};
use crate::score_record::Estimate;

/// A prediction with how much it counts.
type Weighed<'a> = (&'a Prediction, f64);

/// The scores of the classes of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The classes in the order of the dataset.
    pub classes: Vec<ClassScore>,
    /// The cells of the confusion matrix that have items, by class and then by answer.
    pub confusion: Vec<Confusion>,
}

impl ClassScores {
    /// Counts the answers to items of the named classes, each with how much it counts in shares. `accuracy` estimates the share of
    /// right answers among some.
    ///
    /// # Errors
    ///
    /// Returns an error when `accuracy` does.
    pub fn of<'a, E>(
        names: &[String],
        predictions: impl IntoIterator<Item = Weighed<'a>>,
        accuracy: impl Fn(&[Weighed<'a>]) -> Result<Estimate, E>,
    ) -> Result<Self, E> {
        let mut of_class = vec![Vec::new(); names.len()];
        let mut n_predicted = vec![0; names.len()];
        let mut cells = BTreeMap::<(usize, usize), (usize, f64)>::new();
        for (prediction, weight) in predictions {
            let Some(&Chosen { label, predicted, .. }) = prediction.chosen() else { continue };
            of_class[label].push((prediction, weight));
            n_predicted[predicted] += 1;
            let (items, weights) = cells.entry((label, predicted)).or_default();
            (*items, *weights) = (*items + 1, *weights + weight);
        }
        let class = |((name, own), n_predicted): ((&String, &Vec<Weighed<'a>>), usize)| {
            let accuracy = if own.is_empty() { None } else { Some(accuracy(own)?) };
            Ok(ClassScore { name: name.clone(), n_items: own.len(), n_predicted, accuracy })
        };
        let total = |own: &Vec<Weighed<'a>>| own.iter().map(|(_, weight)| weight).sum::<f64>();
        let totals: Vec<f64> = of_class.iter().map(total).collect();
        let confusion = |((class, predicted), (n_items, weight)): ((usize, usize), (usize, f64))| Confusion {
            class,
            predicted,
            n_items,
            share: weight / totals[class],
        };
        Ok(Self {
            classes: names.iter().zip(&of_class).zip(n_predicted).map(class).collect::<Result<_, E>>()?,
            confusion: cells.into_iter().map(confusion).collect(),
        })
    }
}

/// The score of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The name of the class.
    pub name: String,
    /// The number of items of the class.
    pub n_items: usize,
    /// The number of items that were answered with the class.
    pub n_predicted: usize,
    /// The share of the class's items that were answered rightly, or `None` if it has no items in the split.
    pub accuracy: Option<Estimate>,
}

/// A cell of the confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The index of the items' class.
    pub class: usize,
    /// The index of the class that they were answered with, which is the first of those with the highest logit.
    pub predicted: usize,
    /// The number of items.
    pub n_items: usize,
    /// The share of the class that these items are. In a cross-validation each fold counts alike, as in every metric, whatever its
    /// number of items.
    #[serde(with = "crate::number")]
    pub share: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prediction::Answered;

    fn answer(label: usize, predicted: usize) -> Prediction {
        let correct = label == predicted;
        let share = f64::from(u8::from(correct));
        let chosen = Chosen { label, predicted, candidates: vec![], probs: vec![], logits: vec![] };
        Prediction {
            item_id: String::new(),
            id: String::new(),
            group: String::new(),
            correct,
            share,
            rank: 2.0 - share,
            label_prob: share,
            answered: Answered::Classes(chosen),
        }
    }

    #[test]
    fn shares_are_of_what_items_weigh_and_numbers_say_how_many_they_are() {
        let answers = [answer(0, 0), answer(0, 1), answer(0, 1), answer(1, 1)];
        let weighed = answers.iter().zip([2.0, 0.5, 1.5, 1.0]);
        let accuracy = |own: &[(&Prediction, f64)]| -> Result<Estimate, std::convert::Infallible> {
            let total: f64 = own.iter().map(|(_, weight)| weight).sum();
            let value = own.iter().map(|(one, weight)| weight * one.share).sum::<f64>() / total;
            Ok(Estimate { value, low: 0.0, high: 1.0, method: String::new() })
        };
        let names = ["cat".to_owned(), "dog".to_owned()];
        let Ok(scores) = ClassScores::of(&names, weighed, accuracy);
        let cells: Vec<_> = scores
            .confusion
            .iter()
            .map(|cell| (cell.class, cell.predicted, cell.n_items, cell.share))
            .collect();
        assert_eq!(cells, [(0, 0, 1, 0.5), (0, 1, 2, 0.5), (1, 1, 1, 1.0)]);
        let numbers: Vec<_> = scores.classes.iter().map(|class| (class.n_items, class.n_predicted)).collect();
        assert_eq!(numbers, [(3, 1), (1, 3)]);
        // The diagonal is the accuracy.
        assert_eq!(scores.classes[0].accuracy.as_ref().map(|accuracy| accuracy.value), Some(0.5));
    }
}
