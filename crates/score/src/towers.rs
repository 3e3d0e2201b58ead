//! The two towers of a model, in one precision.

use std::path::Path;

use cliptune_clip::tokenizer::TokenBatch;
use cliptune_onnx::{
    FAST_VISION_MODEL_FILE, IMAGE_EMBEDS, INPUT_IDS, PIXEL_VALUES, TEXT_EMBEDS, TEXT_MODEL_FILE,
    VISION_MODEL_FILE,
};
use cliptune_store::ItemImage;

use crate::error::ScoreError;
use crate::export::Export;
use crate::graph::{Graph, GraphError, Input};
use crate::images::{IMAGE_BATCH, ImageBatch};
use crate::matrix::{Matrix, NoDirection};
use crate::runtime::Runtime;
use crate::temperature::Temperature;
use crate::texts::Texts;

/// A text tower and a vision tower, ready to run.
#[derive(Debug)]
pub(crate) struct Towers {
    text: Graph,
    vision: Graph,
}

impl Towers {
    /// Opens the towers of an export, preferring those made for ONNX Runtime where there are any.
    pub(crate) fn of(export: &Export<'_>) -> Result<Self, ScoreError> {
        let vision = if has_fast(export) { FAST_VISION_MODEL_FILE } else { VISION_MODEL_FILE };
        Ok(Self {
            text: export.open(TEXT_MODEL_FILE, &[INPUT_IDS], &[TEXT_EMBEDS])?,
            vision: open_vision(export, vision)?,
        })
    }

    /// Opens the portable vision tower if [`of`](Self::of) takes the other one.
    pub(crate) fn other_vision(export: &Export<'_>) -> Result<Option<Graph>, ScoreError> {
        has_fast(export).then(|| open_vision(export, VISION_MODEL_FILE)).transpose()
    }

    pub(crate) fn replace_vision(&mut self, vision: Graph) -> Graph {
        std::mem::replace(&mut self.vision, vision)
    }

    /// Opens the files of the two towers.
    pub(crate) fn open(runtime: &Runtime, text: &Path, vision: &Path) -> Result<Self, GraphError> {
        Ok(Self {
            text: Graph::open(runtime, text, &[INPUT_IDS], &[TEXT_EMBEDS])?,
            vision: Graph::open(runtime, vision, &[PIXEL_VALUES], &[IMAGE_EMBEDS])?,
        })
    }

    /// Returns the temperature, which turns cosines into logits.
    pub(crate) fn temperature(&self) -> Result<Temperature, GraphError> {
        self.text.temperature()
    }

    /// Returns the embeddings of a batch of texts, including the filling; they are not normalised.
    pub(crate) fn encode_texts(&mut self, batch: &TokenBatch) -> Result<Matrix, GraphError> {
        let ids = Input::Ids([batch.rows, batch.columns], &batch.ids);
        self.text.run(&[(INPUT_IDS, ids)], TEXT_EMBEDS, batch.rows)
    }

    /// Returns the embeddings of a batch of images of `side` × `side` pixels, including the filling; they are not
    /// normalised.
    pub(crate) fn encode_images(&mut self, batch: &ImageBatch, side: usize) -> Result<Matrix, GraphError> {
        let pixels = Input::Pixels([IMAGE_BATCH, 3, side, side], &batch.pixels);
        self.vision.run(&[(PIXEL_VALUES, pixels)], IMAGE_EMBEDS, IMAGE_BATCH)
    }
}

/// Describes a text for which a tower computes no direction.
pub(crate) fn text_input(texts: &Texts<'_>, row: usize) -> String {
    format!("the text {:?}", texts.name(row))
}

/// Describes an image for which a tower computes no direction.
pub(crate) fn image_input(files: &[ItemImage], row: usize) -> String {
    format!("the image {}", files[row].path().display())
}

impl Towers {
    /// Returns the error for a text for which the text tower computes no direction.
    pub(crate) fn text_without_direction(&self, texts: &Texts<'_>, lost: NoDirection) -> ScoreError {
        no_direction(&self.text, text_input(texts, lost.row), lost)
    }

    /// Returns the error for an image for which the vision tower computes no direction.
    pub(crate) fn image_without_direction(&self, files: &[ItemImage], lost: NoDirection) -> ScoreError {
        no_direction(&self.vision, image_input(files, lost.row), lost)
    }
}

fn no_direction(graph: &Graph, input: String, lost: NoDirection) -> ScoreError {
    ScoreError::NoDirection { graph: graph.path().to_path_buf(), input, computed: lost.computed() }
}

/// Returns whether there is a vision tower made for ONNX Runtime; runs that another program exported have only the
/// portable one.
fn has_fast(export: &Export<'_>) -> bool {
    export.has(FAST_VISION_MODEL_FILE)
}

fn open_vision(export: &Export<'_>, file: &str) -> Result<Graph, ScoreError> {
    export.open(file, &[PIXEL_VALUES], &[IMAGE_EMBEDS])
}
