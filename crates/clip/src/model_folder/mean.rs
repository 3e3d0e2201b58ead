//! Averages models.

use std::path::Path;

use super::write::write;
use super::{FolderError, ModelFolder};
use crate::checkpoint::{Checkpoint, WEIGHTS_FILE};
use crate::config::CONFIG_FILE;

impl ModelFolder {
    /// Names the first thing that differs between two models and would have to be the same for them to be averaged.
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

    /// Writes the mean of this model and others into an empty folder, in transformers' layout. The models must not have
    /// any [`difference`](Self::difference).
    ///
    /// # Errors
    /// Fails when a file cannot be read or written, or when nothing can be computed with the weights of one of the
    /// models; in the latter case nothing has been written.
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
