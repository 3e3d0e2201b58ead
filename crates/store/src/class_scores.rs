//! How well each class is told from the others, as `scores.json` holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::prediction::{Chosen, Prediction};
use crate::score_record::Estimate;

/// The scores of the classes of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The classes in the order of the dataset.
    pub classes: Vec<ClassScore>,
    /// The cells of the confusion matrix that have items, by class and then by answer.
    pub confusion: Vec<Confusion>,
}

impl ClassScores {
    /// Counts the answers to items of the named classes. `accuracy` estimates the share of right answers among some.
    ///
    /// # Errors
    ///
    /// Returns an error when `accuracy` does.
    pub fn of<'a, E>(
        names: &[String],
        predictions: impl IntoIterator<Item = &'a Prediction>,
        accuracy: impl Fn(&[&'a Prediction]) -> Result<Estimate, E>,
    ) -> Result<Self, E> {
        let mut of_class = vec![Vec::new(); names.len()];
        let mut n_predicted = vec![0; names.len()];
        let mut cells = BTreeMap::<(usize, usize), usize>::new();
        for prediction in predictions {
            let Some(&Chosen { label, predicted, .. }) = prediction.chosen() else { continue };
            of_class[label].push(prediction);
            n_predicted[predicted] += 1;
            *cells.entry((label, predicted)).or_default() += 1;
        }
        let class = |((name, own), n_predicted): ((&String, &Vec<&'a Prediction>), usize)| {
            let accuracy = if own.is_empty() { None } else { Some(accuracy(own)?) };
            Ok(ClassScore { name: name.clone(), n_items: own.len(), n_predicted, accuracy })
        };
        let confusion = |((class, predicted), n_items)| Confusion { class, predicted, n_items };
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The index of the items' class.
    pub class: usize,
    /// The index of the class that they were answered with, which is the first of those with the highest logit.
    pub predicted: usize,
    /// The number of items.
    pub n_items: usize,
}
