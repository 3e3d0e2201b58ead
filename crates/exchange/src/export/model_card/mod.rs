//! The model card of a run, as the Hugging Face Hub shows it: a README.md with its metadata in front.

mod metadata;
mod sections;
mod squared;
mod usage;

use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_durable::write_remade;
use cliptune_store::{Base, DatasetRecord, Run, RunStatus, Store};
use fs_err as fs;

use super::content::Content;
use super::lineage::ancestors;
use crate::error::ExchangeError;

/// What a card is about: a model, with the data that it was tuned and scored on as far as that is known.
struct Card<'a> {
    content: &'a Content,
    /// The runs that the run started from, the nearest first.
    ancestors: Vec<Run>,
    config: ClipConfig,
    /// How images are prepared; `None` where nothing that can be read says it.
    preprocessor: Option<Preprocessor>,
    /// The record of the dataset; `None` where the store has it no more.
    dataset: Option<DatasetRecord>,
}

/// Writes the card of a run into a folder.
///
/// # Errors
/// Returns an error when the run has no model, when the model's configuration or the dataset is damaged, or when the card cannot be
/// written.
pub(super) fn write(store: &Store, content: &Content, folder: &Path) -> Result<(), ExchangeError> {
    let card = Card::of(store, content)?;
    fs::create_dir_all(folder)?;
    Ok(write_remade(&folder.join("README.md"), card.text()?.as_bytes())?)
}

impl<'a> Card<'a> {
    fn of(store: &Store, content: &'a Content) -> Result<Self, ExchangeError> {
        let run = &content.run;
        if run.status() != RunStatus::Done || !run.model_folder().is_dir() {
            return Err(ExchangeError::NoModel { run: run.id() });
        }
        let config = ClipConfig::from_folder(&run.model_folder())?;
        let preprocessor = Preprocessor::from_folder(&run.model_folder()).ok();
        let dataset = store.dataset(&run.record().dataset)?.map(|dataset| dataset.record().clone());
        Ok(Self { content, ancestors: ancestors(store, run), config, preprocessor, dataset })
    }

    /// Returns the side of the squares that images are padded to, if they are.
    fn padded(&self) -> Option<u32> {
        self.preprocessor.as_ref().filter(|one| one.fit == Fit::Pad).map(|one| one.size)
    }

    /// Returns the model of the Hub that the weights began as, however many runs ago, if it was one.
    fn hub_model(&self) -> Option<&str> {
        let mut runs = std::iter::once(&self.content.run).chain(&self.ancestors);
        runs.find_map(|run| match &run.record().base {
            Base::Hub { id, .. } => id.split('@').next(),
            _ => None,
        })
    }

    fn text(&self) -> Result<String, ExchangeError> {
        let sections = [
            sections::introduction(self),
            sections::scores(self),
            sections::data(self),
            sections::training(self),
            usage::section(self),
            sections::limits(self),
        ];
        Ok(format!("{}\n{}", metadata::front_matter(self)?, sections.join("\n")))
    }
}
