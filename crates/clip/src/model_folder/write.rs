//! Writes a model folder in another layout.

use std::path::Path;

use cliptune_durable::write_atomic;
use serde_json::{Value, json};

use super::{FolderError, ModelFolder};
use crate::checkpoint::{Layout, OPEN_CLIP_WEIGHTS_FILE, WEIGHTS_FILE};
use crate::config::{CONFIG_FILE, OPEN_CLIP_CONFIG_FILE};

/// The library that a folder is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderLayout {
    /// The layout of transformers, for `CLIPModel.from_pretrained` and `SiglipModel.from_pretrained`.
    HuggingFace,
    /// The layout of open_clip, for `create_model_and_transforms("local-dir:…")`.
    OpenClip,
}

impl ModelFolder {
    /// Writes the model into an empty folder. The values of the weights stay the same, to the bit.
    ///
    /// # Errors
    /// Fails when a file cannot be read or written, when nothing can be computed with the weights, or when open_clip
    /// has no model that computes the same. In the last two cases nothing has been written.
    pub fn write(&self, layout: FolderLayout, to: &Path) -> Result<(), FolderError> {
        self.checkpoint.check_values()?;
        match layout {
            FolderLayout::HuggingFace => self.write_hugging_face(to),
            FolderLayout::OpenClip => self.write_open_clip(to),
        }
    }

    fn write_hugging_face(&self, to: &Path) -> Result<(), FolderError> {
        write(&to.join(CONFIG_FILE), &self.config.to_json()?)?;
        self.preprocessor.save(to)?;
        self.tokenizer.save(to)?;
        Ok(self.checkpoint.write(&self.config, Layout::HuggingFace, &to.join(WEIGHTS_FILE))?)
    }

    fn write_open_clip(&self, to: &Path) -> Result<(), FolderError> {
        write(&to.join(OPEN_CLIP_CONFIG_FILE), &format!("{:#}\n", self.open_clip_config()?))?;
        self.tokenizer.save(to)?;
        let layout = Layout::of_open_clip(self.config.family);
        Ok(self.checkpoint.write(&self.config, layout, &to.join(OPEN_CLIP_WEIGHTS_FILE))?)
    }

    fn open_clip_config(&self) -> Result<Value, FolderError> {
        let mut model = self.config.to_open_clip().map_err(|source| FolderError::Layout {
            folder: self.folder.clone(),
            source: Box::new(source),
        })?;
        if let Some(text) = model["text_cfg"].as_object_mut() {
            text.extend(self.tokenizer.to_open_clip()?);
        }
        Ok(json!({ "model_cfg": model, "preprocess_cfg": self.preprocessor.to_open_clip() }))
    }
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), FolderError> {
    Ok(write_atomic(path, text.as_bytes())?)
}
