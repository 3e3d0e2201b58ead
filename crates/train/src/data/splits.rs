//! The splits that a run works on.

use cliptune_experiment::{Plan, Select, Split, TaskKind};
use cliptune_store::{Dataset, Item, ItemImage};

use super::examples::{Example, Examples};
use super::texts::TextBank;
use crate::error::TrainError;

/// The train and validation splits, with one numbering of images and texts. The test split is loaded only if nothing is
/// trained and the other splits are empty.
#[derive(Debug)]
pub struct Splits {
    /// The kind of the dataset's items.
    pub task: TaskKind,
    /// The items of the train split.
    pub train_items: Vec<Item>,
    /// The items of the validation split.
    pub validation_items: Vec<Item>,
    /// The train split as training sees it; empty when the plan does not train and needs no stand-in.
    pub train: Vec<Example>,
    /// The validation split as training sees it.
    pub validation: Vec<Example>,
    /// The items of the test split, which serve the parity gate of a model that is only scored if there are no other
    /// items.
    pub test_items: Vec<Item>,
    /// The test split as the model sees it.
    pub test: Vec<Example>,
    /// The distinct images, in the order of their rows.
    pub images: Vec<ItemImage>,
    /// The distinct texts as they are written, in the order of their numbers.
    pub texts: Vec<String>,
}

impl Splits {
    /// Reads what a plan needs from a dataset.
    ///
    /// # Errors
    ///
    /// Returns an error when a split that the plan needs has no items, or the dataset cannot be read.
    pub fn load(plan: &Plan, dataset: &Dataset) -> Result<Self, TrainError> {
        let train_items = dataset.items(Some(Split::Train))?;
        let validation_items = dataset.items(Some(Split::Validation))?;
        let is_alone = plan.train.is_none() && train_items.is_empty() && validation_items.is_empty();
        let test_items = if is_alone { dataset.items(Some(Split::Test))? } else { Vec::new() };
        let lacking = lacking(plan, &train_items, &validation_items).filter(|_| test_items.is_empty());
        if let Some(split) = lacking {
            return Err(TrainError::EmptySplit {
                experiment: plan.experiment.to_string(),
                split: split.as_str(),
            });
        }
        let mut examples = Examples::default();
        let validation = examples.add(&validation_items);
        // A model that is not trained needs no training images, unless the parity gate has no others.
        let needed = plan.train.is_some() || validation.is_empty();
        let train = if needed { examples.add(&train_items) } else { Vec::new() };
        let test = examples.add(&test_items);
        Ok(Self {
            task: dataset.record().task,
            images: image_files(dataset, &examples),
            texts: examples.texts().to_vec(),
            train_items,
            validation_items,
            train,
            validation,
            test_items,
            test,
        })
    }

    /// Gives texts that the model cannot tell apart the same row.
    pub fn unify(&mut self, texts: &TextBank) {
        Examples::unify(&mut self.train, texts.rows());
        Examples::unify(&mut self.validation, texts.rows());
        Examples::unify(&mut self.test, texts.rows());
    }

    /// Returns the items for the parity gate, from the first split that has any: validation, train or test.
    pub fn parity_source(&self) -> (&[Item], &[Example]) {
        let sources = [(&self.validation_items, &self.validation), (&self.train_items, &self.train)];
        let filled = sources.into_iter().find(|(_, examples)| !examples.is_empty());
        let (items, examples) = filled.unwrap_or((&self.test_items, &self.test));
        (items, examples)
    }
}

/// Returns the files of the distinct images, in the order of their rows.
pub(crate) fn image_files(dataset: &Dataset, examples: &Examples) -> Vec<ItemImage> {
    examples.image_items().iter().map(|item| dataset.image(item)).collect()
}

/// Returns the split that a plan needs but that has no items. Without training, either of the two splits is enough;
/// without an epoch to select, the train split is.
fn lacking(plan: &Plan, train: &[Item], validation: &[Item]) -> Option<Split> {
    let trains = plan.train.is_some();
    let selects = plan.train.as_ref().is_some_and(|train| train.select != Select::Last);
    match (train.is_empty(), validation.is_empty()) {
        (true, true) => Some(Split::Train),
        (true, false) if trains => Some(Split::Train),
        (false, true) if selects => Some(Split::Validation),
        _ => None,
    }
}
