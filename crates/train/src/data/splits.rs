//! The splits that a run works on.

use std::sync::Arc;

use cliptune_experiment::{ModelSource, Plan, Select, Split, TaskKind, Templates};
use cliptune_store::{Dataset, ItemImage, ItemSlice, Items, Part};

use super::examples::{Example, Examples};
use super::texts::TextBank;
use crate::error::TrainError;

/// The train and validation splits, with one numbering of images and texts. The test split is loaded only if nothing is
/// trained and the other splits are empty.
#[derive(Debug)]
pub struct Splits {
    /// The kind of the dataset's items.
    pub task: TaskKind,
    /// The items of the splits that are loaded.
    pub items: Items,
    /// The train split as training sees it; empty when the plan does not train and needs no stand-in.
    pub train: Vec<Example>,
    /// The validation split as training sees it.
    pub validation: Vec<Example>,
    /// The test split as the model sees it. It serves the parity gate of a model that is only scored if there are no
    /// other items.
    pub test: Vec<Example>,
    /// The distinct images, in the order of their rows.
    pub images: Arc<[ItemImage]>,
    /// What the items know the distinct texts by, in the order of their numbers. Empty where items have classes.
    pub texts: Vec<u32>,
    /// The classes that are the candidates of every item, if items have classes.
    pub classes: Vec<String>,
    /// The prompts that the model reads for each text or class.
    pub templates: Templates,
}

impl Splits {
    /// Reads what a plan needs from a dataset.
    ///
    /// # Errors
    ///
    /// Returns an error when a split that the plan needs has no items, or the dataset cannot be read.
    pub fn load(plan: &Plan, dataset: &Dataset) -> Result<Self, TrainError> {
        let parts = parts(plan);
        let mut items = dataset.columns(&[Split::Validation, Split::Train], &parts)?;
        if plan.train.is_none() && items.all().is_empty() {
            items = dataset.columns(&[Split::Test], &parts)?;
        }
        let [train, validation, test] =
            [Split::Train, Split::Validation, Split::Test].map(|split| items.split(split));
        let lacking = lacking(plan, train, validation).filter(|_| test.is_empty());
        if let Some(split) = lacking {
            return Err(TrainError::EmptySplit {
                experiment: plan.experiment.to_string(),
                split: split.as_str(),
            });
        }
        let mut examples = Examples::among(dataset.record().classes.len());
        let validation = examples.add(validation.iter());
        // A model that is not trained needs no training images, unless the parity gate has no others.
        let needed = plan.train.is_some() || validation.is_empty();
        let train = if needed { examples.add(train.iter()) } else { Vec::new() };
        let test = examples.add(test.iter());
        Ok(Self {
            task: dataset.record().task,
            images: examples.images(&items),
            texts: examples.text_numbers().to_vec(),
            classes: dataset.record().classes.clone(),
            templates: plan.data.columns.task.templates(),
            items,
            train,
            validation,
            test,
        })
    }

    /// Returns the items of the train split.
    pub fn train_items(&self) -> ItemSlice<'_> {
        self.items.split(Split::Train)
    }

    /// Returns the items of the validation split.
    pub fn validation_items(&self) -> ItemSlice<'_> {
        self.items.split(Split::Validation)
    }

    /// Returns the distinct texts, or the classes, as they are written, in the order of their numbers.
    pub fn texts(&self) -> Vec<&str> {
        self.written(&self.texts)
    }

    /// Returns texts as they are written by what the items know them by, or the classes if items have classes.
    pub(crate) fn written(&self, texts: &[u32]) -> Vec<&str> {
        match self.classes.is_empty() {
            true => texts.iter().map(|&text| self.items.text(text)).collect(),
            false => self.classes.iter().map(String::as_str).collect(),
        }
    }

    /// Gives texts that the model cannot tell apart the same row.
    pub fn unify(&mut self, texts: &TextBank) {
        Examples::unify(&mut self.train, texts.rows());
        Examples::unify(&mut self.validation, texts.rows());
        Examples::unify(&mut self.test, texts.rows());
    }

    /// Returns the items for the parity gate, from the first split that has any: validation, train or test.
    pub fn parity_source(&self) -> (ItemSlice<'_>, &[Example]) {
        let sources = [(Split::Validation, &self.validation), (Split::Train, &self.train)];
        let filled = sources.into_iter().find(|(_, examples)| !examples.is_empty());
        let (split, examples) = filled.unwrap_or((Split::Test, &self.test));
        (self.items.split(split), examples)
    }
}

/// Returns the parts of items that a plan needs. The words of a vocabulary are for a tokenizer that is made anew.
fn parts(plan: &Plan) -> Vec<Part> {
    let mut parts = vec![Part::Identity, Part::Group, Part::Image, Part::Texts];
    if matches!(plan.model.from, ModelSource::Scratch(_)) {
        parts.push(Part::Vocabulary);
    }
    parts
}

/// Returns the split that a plan needs but that has no items. Without training, either of the two splits is enough;
/// without an epoch to select, the train split is.
fn lacking(plan: &Plan, train: ItemSlice<'_>, validation: ItemSlice<'_>) -> Option<Split> {
    let trains = plan.train.is_some();
    let selects = plan.train.as_ref().is_some_and(|train| train.select != Select::Last);
    match (train.is_empty(), validation.is_empty()) {
        (true, true) => Some(Split::Train),
        (true, false) if trains => Some(Split::Train),
        (false, true) if selects => Some(Split::Validation),
        _ => None,
    }
}
