//! How well each class is told from the others, as `scores.json` holds it.

use serde::{Deserialize, Serialize};

use crate::score_record::Estimate;

/// The scores of the classes of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The classes in the order of the dataset.
    pub classes: Vec<ClassScore>,
    /// The cells of the confusion matrix that have items, by class and then by answer.
    pub confusion: Vec<Confusion>,
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
