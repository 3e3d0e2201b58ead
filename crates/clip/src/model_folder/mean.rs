//! Averaging models.

use std::path::Path;

use super::write::write;
use super::{FolderError, ModelFolder};
use crate::checkpoint::{Checkpoint, WEIGHTS_FILE};
use crate::config::CONFIG_FILE;

impl ModelFolder {
    /// What must be the same of two models for their mean to be one, and is not.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.config != other.config {
            Some("architectures")
        } else if !self.tokenizer.has_files_of(&other.tokenizer) {
            Some("tokenizers")
        } else if self.preprocessor != other.preprocessor {
            Some("image preprocessing")
        } else {
            None
        }
    }

    /// Writes the mean of this model and others, between which there is no [`difference`](Self::difference), into an
    /// empty folder as transformers lays it out.
    ///
    /// # Errors
    /// When a file cannot be read or written, or when nothing can be computed with the weights of one of them; then nothing
    /// has been written.
    pub fn write_mean(&self, others: &[Self], to: &Path) -> Result<(), FolderError> {
        let all: Vec<&Checkpoint> =
            std::iter::once(self).chain(others).map(|model| &model.checkpoint).collect();
        all.iter().try_for_each(|checkpoint| checkpoint.check_values())?;
        write(&to.join(CONFIG_FILE), &self.config.to_json()?)?;
        self.preprocessor.save(to)?;
        self.tokenizer.save(to)?;
        Ok(Checkpoint::write_mean(&all, &self.config, &to.join(WEIGHTS_FILE))?)
    }
}
