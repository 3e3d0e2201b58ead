//! A run's exported model, which turns texts and images into unit vectors.

use cliptune_clip::ClipConfig;
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_clip::tokenizer::{TokenBatch, Tokenizer};
use cliptune_experiment::Templates;
use cliptune_onnx::{
    ATTENTION_MASK, IMAGE_EMBEDS, INPUT_IDS, LOGITS_PER_IMAGE, LOGITS_PER_TEXT, MODEL_FILE, PIXEL_VALUES,
    TEXT_EMBEDS,
};
use cliptune_store::ItemImage;

use crate::error::ScoreError;
use crate::export::Export;
use crate::graph::{Graph, Input};
use crate::images::{in_batches, read_pixels};
use crate::matrix::Matrix;
use crate::temperature::Temperature;
use crate::texts::Texts;
use crate::towers::Towers;

/// The two towers, with the preparation of their inputs and the temperature for their cosines.
#[derive(Debug)]
pub struct Model {
    towers: Towers,
    tokenizer: Tokenizer,
    preprocessor: Preprocessor,
    temperature: Temperature,
}

/// Both towers in one graph, as some programs expect it. Only the parity gate runs it.
#[derive(Debug)]
pub struct CombinedModel {
    graph: Graph,
}

impl Model {
    /// Opens the model of a run: its towers, tokenizer and preprocessing.
    pub fn open(export: &Export<'_>) -> Result<Self, ScoreError> {
        let folder = export.model();
        let config = ClipConfig::from_folder(folder)?;
        let towers = Towers::of(export)?;
        Ok(Self {
            temperature: towers.temperature()?,
            towers,
            tokenizer: Tokenizer::from_folder(folder, config.text.context_length)?,
            preprocessor: Preprocessor::from_folder(folder)?,
        })
    }

    /// Returns how images are made square.
    pub(crate) fn fit(&self) -> Fit {
        self.preprocessor.fit
    }

    /// Returns the temperature, which turns cosines into logits.
    pub(crate) fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// Replaces the graph of the vision tower and returns the previous one.
    pub(crate) fn replace_vision(&mut self, vision: Graph) -> Graph {
        self.towers.replace_vision(vision)
    }

    /// Returns the towers and the preprocessor, for code that runs other towers beside them.
    pub(crate) fn towers(&mut self) -> (&mut Towers, &Preprocessor) {
        (&mut self.towers, &self.preprocessor)
    }

    /// Tokenises texts, with each of the templates around them, for [`encode_texts`](Self::encode_texts).
    pub fn tokenise<'t>(&self, texts: &[&'t str], templates: &Templates) -> Result<Texts<'t>, ScoreError> {
        Ok(Texts::new(&self.tokenizer, texts, templates)?)
    }

    /// Returns the unit vectors of texts, one row for each of [`Texts::rows`]. `done` is called with the size of each
    /// batch.
    pub fn encode_texts(&mut self, texts: &Texts<'_>, done: impl Fn(usize)) -> Result<Matrix, ScoreError> {
        let mut rows = Matrix::default();
        for (batch, filled) in texts.batches().iter() {
            rows.extend(&self.towers.encode_texts(&batch)?, filled);
            done(filled);
        }
        texts.unit_vectors(&rows).map_err(|lost| self.towers.text_without_direction(texts, lost))
    }

    /// Returns the unit vectors of image files, one row per file in their order. `done` is called with the size of each
    /// batch.
    pub fn encode_images(&mut self, files: &[ItemImage], done: impl Fn(usize)) -> Result<Matrix, ScoreError> {
        let Self { towers, preprocessor, .. } = self;
        let side = preprocessor.size as usize;
        let mut rows = Matrix::default();
        in_batches(preprocessor, files, |batch| {
            rows.extend(&towers.encode_images(&batch, side)?, batch.images);
            done(batch.images);
            Ok(())
        })?;
        rows.normalise().map_err(|lost| towers.image_without_direction(files, lost))?;
        Ok(rows)
    }
}

impl CombinedModel {
    /// Opens the combined graph; returns `None` if it was not exported.
    pub fn open(export: &Export<'_>) -> Result<Option<Self>, ScoreError> {
        if !export.has(MODEL_FILE) {
            return Ok(None);
        }
        // No attention mask is required, because SigLIP's graph has none.
        let inputs = [INPUT_IDS, PIXEL_VALUES];
        let outputs = [LOGITS_PER_IMAGE, LOGITS_PER_TEXT, TEXT_EMBEDS, IMAGE_EMBEDS];
        Ok(Some(Self { graph: export.open(MODEL_FILE, &inputs, &outputs)? }))
    }

    /// Returns the logits of one image with several texts.
    pub fn logits(
        &mut self,
        model: &Model,
        image: &ItemImage,
        texts: &[&str],
    ) -> Result<Vec<f64>, ScoreError> {
        let encoded = texts.iter().map(|text| model.tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
        let lengths: Vec<usize> = encoded.iter().map(|text| text.ids.len()).collect();
        let batch = TokenBatch::new(&encoded, model.tokenizer.layout());
        let mask = attention_mask(&lengths, batch.columns);
        let preprocessor = &model.preprocessor;
        let mut pixels = vec![0.0; preprocessor.length()];
        read_pixels(preprocessor, image, &mut pixels)?;
        let side = preprocessor.size as usize;
        let mut inputs = vec![
            (INPUT_IDS, Input::Ids([batch.rows, batch.columns], &batch.ids)),
            (PIXEL_VALUES, Input::Pixels([1, 3, side, side], &pixels)),
        ];
        if self.graph.has_input(ATTENTION_MASK) {
            inputs.push((ATTENTION_MASK, Input::Ids([batch.rows, batch.columns], &mask)));
        }
        let logits = self.graph.run(&inputs, LOGITS_PER_IMAGE, 1)?;
        Ok(logits.row(0).iter().map(|logit| f64::from(*logit)).collect())
    }
}

/// Returns 1 for each of a text's tokens and 0 for its padding.
fn attention_mask(lengths: &[usize], columns: usize) -> Vec<i64> {
    let row = |&length: &usize| (0..columns).map(move |column| i64::from(column < length));
    lengths.iter().flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_masked() {
        assert_eq!(attention_mask(&[1, 3], 3), [1, 0, 0, 1, 1, 1]);
    }
}
