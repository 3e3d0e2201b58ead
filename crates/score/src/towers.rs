//! The two towers of a model, in one precision.

use std::path::Path;

use cliptune_clip::tokenizer::TokenBatch;

use crate::graph::{Graph, GraphError, Input};
use crate::images::{IMAGE_BATCH, ImageBatch};
use crate::matrix::Matrix;
use crate::runtime::Runtime;
use crate::temperature::Temperature;

const INPUT_IDS: &str = "input_ids";
const PIXEL_VALUES: &str = "pixel_values";
const TEXT_EMBEDS: &str = "text_embeds";
const IMAGE_EMBEDS: &str = "image_embeds";

/// A text tower and a vision tower, ready to run.
#[derive(Debug)]
pub struct Towers {
    text: Graph,
    vision: Graph,
}

impl Towers {
    /// Opens the two files.
    pub fn open(runtime: &Runtime, text: &Path, vision: &Path) -> Result<Self, GraphError> {
        Ok(Self {
            text: Graph::open(runtime, text, &[INPUT_IDS], &[TEXT_EMBEDS])?,
            vision: Graph::open(runtime, vision, &[PIXEL_VALUES], &[IMAGE_EMBEDS])?,
        })
    }

    /// What makes logits of cosines.
    pub fn temperature(&self) -> Result<Temperature, GraphError> {
        self.text.temperature()
    }

    /// Embeddings of a batch of texts, filling included; not normalised.
    pub fn encode_texts(&mut self, batch: &TokenBatch) -> Result<Matrix, GraphError> {
        let ids = Input::Ids([batch.rows, batch.columns], &batch.ids);
        self.text.run(&[(INPUT_IDS, ids)], TEXT_EMBEDS, batch.rows)
    }

    /// Embeddings of a batch of images of `side` × `side` pixels, filling included; not normalised.
    pub fn encode_images(&mut self, batch: &ImageBatch, side: usize) -> Result<Matrix, GraphError> {
        let pixels = Input::Pixels([IMAGE_BATCH, 3, side, side], &batch.pixels);
        self.vision.run(&[(PIXEL_VALUES, pixels)], IMAGE_EMBEDS, IMAGE_BATCH)
    }
}
