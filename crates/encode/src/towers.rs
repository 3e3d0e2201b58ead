//! The two towers of a model, in one precision.

use std::path::PathBuf;

use cliptune_experiment::Precision;
use cliptune_onnx::{
    FAST_VISION_MODEL_FILE, IMAGE_EMBEDS, INPUT_IDS, PIXEL_VALUES, TEXT_EMBEDS, VISION_MODEL_FILE,
};
use cliptune_store::{ItemImage, tower_files};

use crate::error::EncodeError;
use crate::export::Export;
use crate::matrix::NoDirection;
use crate::runtime::{Purpose, Runtime};
use crate::texts::Texts;
use crate::tower::Tower;

/// A text tower and a vision tower. Their embeddings are not normalised.
#[derive(Debug)]
pub struct Towers<'r> {
    /// Encodes batches of texts.
    pub text: Tower<'r>,
    /// Encodes batches of images.
    pub vision: Tower<'r>,
}

impl<'r> Towers<'r> {
    /// Returns the towers of an export in a precision, preferring those made for ONNX Runtime where there are any.
    pub(crate) fn of(
        export: &Export<'r>,
        precision: Precision,
        purpose: Purpose,
    ) -> Result<Self, EncodeError> {
        let [text, vision] = tower_files(precision);
        if precision != Precision::Fp32 && !(export.has(&text) && export.has(&vision)) {
            return Err(EncodeError::NoPrecision { folder: export.graphs().to_path_buf(), precision });
        }
        let is_fast = precision == Precision::Fp32 && has_fast(export);
        let vision = if is_fast { FAST_VISION_MODEL_FILE } else { &vision };
        Ok(Self {
            text: export.tower(&text, [INPUT_IDS, TEXT_EMBEDS], purpose)?,
            vision: export.tower(vision, [PIXEL_VALUES, IMAGE_EMBEDS], purpose)?,
        })
    }

    /// Returns the portable vision tower, for a few images, if the model's own is another one.
    pub fn other_vision(export: &Export<'r>) -> Result<Option<Tower<'r>>, EncodeError> {
        let portable = || export.tower(VISION_MODEL_FILE, [PIXEL_VALUES, IMAGE_EMBEDS], Purpose::Few);
        has_fast(export).then(portable).transpose()
    }

    /// Returns the towers in two files.
    pub fn new(runtime: &'r Runtime, text: PathBuf, vision: PathBuf) -> Self {
        Self {
            text: Tower::new(runtime, text, [INPUT_IDS, TEXT_EMBEDS], Purpose::Many),
            vision: Tower::new(runtime, vision, [PIXEL_VALUES, IMAGE_EMBEDS], Purpose::Many),
        }
    }

    /// Returns the error for a text for which the text tower computes no direction.
    pub fn text_without_direction(&self, texts: &Texts<'_>, lost: NoDirection) -> EncodeError {
        no_direction(&self.text, text_input(texts, lost.row), lost)
    }
}

/// Returns the error for an image for which a vision tower computes no direction.
pub fn image_without_direction(vision: &Tower<'_>, files: &[ItemImage], lost: NoDirection) -> EncodeError {
    no_direction(vision, image_input(files, lost.row), lost)
}

/// Describes a text for which a tower computes no direction.
pub fn text_input(texts: &Texts<'_>, row: usize) -> String {
    format!("the text {:?}", texts.name(row))
}

/// Describes an image for which a tower computes no direction.
pub fn image_input(files: &[ItemImage], row: usize) -> String {
    format!("the image {}", files[row].path().display())
}

fn no_direction(tower: &Tower<'_>, input: String, lost: NoDirection) -> EncodeError {
    EncodeError::NoDirection { graph: tower.path().to_path_buf(), input, computed: lost.computed() }
}

/// Returns whether there is a vision tower made for ONNX Runtime; runs that another program exported have only the
/// portable one.
fn has_fast(export: &Export<'_>) -> bool {
    export.has(FAST_VISION_MODEL_FILE)
}
