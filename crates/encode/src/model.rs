//! An exported model, which turns texts and images into unit vectors.

use std::path::Path;

use cliptune_clip::ClipConfig;
use cliptune_clip::image::{Fit, Preprocessor};
use cliptune_clip::tokenizer::{TokenBatch, Tokenizer};
use cliptune_experiment::Templates;
use cliptune_onnx::{
    ATTENTION_MASK, IMAGE_EMBEDS, INPUT_IDS, LOGITS_PER_IMAGE, LOGITS_PER_TEXT, MODEL_FILE, PIXEL_VALUES,
    TEXT_EMBEDS, TEXT_MODEL_FILE,
};
use cliptune_store::{ImageIdentity, ItemImage};

use crate::batch::Batch;
use crate::error::EncodeError;
use crate::export::Export;
use crate::graph::{Graph, Input};
use crate::images::{ImageBatches, read_pixels};
use crate::known::{Key, Known, key_of_ids};
use crate::matrix::Matrix;
use crate::runtime::Runtime;
use crate::temperature::Temperature;
use crate::texts::Texts;
use crate::tower::Tower;
use crate::towers::Towers;

/// The two towers, with the preparation of their inputs and the temperature for their cosines.
#[derive(Debug)]
pub struct Model<'r> {
    towers: Towers<'r>,
    tokenizer: Tokenizer,
    preprocessor: Preprocessor,
    temperature: Temperature,
    known: Known,
}

/// Both towers in one graph, as some programs expect it. Only the parity gate runs it.
#[derive(Debug)]
pub struct CombinedModel {
    graph: Graph,
}

impl<'r> Model<'r> {
    /// Reads a model: its towers, tokenizer and preprocessing. No graph is opened before there is something to encode.
    pub fn open(export: &Export<'r>) -> Result<Self, EncodeError> {
        let folder = export.model();
        let config = ClipConfig::from_folder(folder)?;
        Ok(Self {
            towers: Towers::of(export)?,
            temperature: export.temperature(TEXT_MODEL_FILE)?,
            tokenizer: Tokenizer::from_folder(folder, config.text.context_length)?,
            preprocessor: Preprocessor::from_folder(folder)?,
            known: Known::default(),
        })
    }

    /// Remembers embeddings in a cache from now on, and takes those that it has. `hash_of` gives the hash of a file that
    /// lies with the graphs; what has none is not remembered.
    pub fn remember(&mut self, cache: &Path, runtime: &Runtime, hash_of: impl Fn(&str) -> Option<String>) {
        self.known = Known::read(cache, runtime, &self.towers, hash_of);
    }

    /// Returns how images are made square.
    pub fn fit(&self) -> Fit {
        self.preprocessor.fit
    }

    /// Returns the temperature, which turns cosines into logits.
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// Replaces the vision tower and returns the previous one.
    pub fn replace_vision(&mut self, vision: Tower<'r>) -> Tower<'r> {
        std::mem::replace(&mut self.towers.vision, vision)
    }

    /// Returns the towers and the preprocessor, for code that runs other towers beside them.
    pub fn towers(&mut self) -> (&mut Towers<'r>, &Preprocessor) {
        (&mut self.towers, &self.preprocessor)
    }

    /// Tokenises texts, with each of the templates around them, for [`encode_texts`](Self::encode_texts).
    pub fn tokenise<'t>(&self, texts: &[&'t str], templates: &Templates) -> Result<Texts<'t>, EncodeError> {
        Ok(Texts::new(&self.tokenizer, texts, templates)?)
    }

    /// Returns the unit vectors of texts, one row for each of [`Texts::rows`]. `done` is called with numbers of prompts that
    /// are ready.
    pub fn encode_texts(
        &mut self,
        texts: &Texts<'_>,
        done: impl FnMut(usize),
    ) -> Result<Matrix, EncodeError> {
        let Self { towers, known, .. } = self;
        let keys: Vec<Option<Key>> = texts.prompts().iter().map(|text| Some(key_of_ids(&text.ids))).collect();
        let prompts = known.texts.complete(&keys, done, |missing, done| {
            let batches = texts.batches(missing);
            let made = batches.get();
            let rows = towers.text.encode(made.len(), made.iter().map(Ok), done)?;
            Ok(rows.select(&batches.places()))
        })?;
        texts.unit_vectors(prompts).map_err(|lost| towers.text_without_direction(texts, lost))
    }

    /// Returns the unit vector of an image that has the mean colour that the model expects, in a single row, or `None` if the
    /// model sees no direction in it.
    pub fn encode_blank(&mut self) -> Result<Option<Matrix>, EncodeError> {
        let Self { towers, preprocessor, .. } = self;
        // Normalised pixels say how far a colour is from the mean one.
        let pixels = vec![0.0; preprocessor.length()];
        let blank = Batch::of_images(1, preprocessor.size as usize, pixels);
        let mut row = towers.vision.encode(1, std::iter::once(Ok(blank)), |_| {})?;
        Ok(row.normalise().ok().map(|()| row))
    }

    /// Returns the unit vectors of image files, one row per file in their order. `done` is called with numbers of images
    /// that are ready.
    pub fn encode_images(
        &mut self,
        files: &[ItemImage],
        done: impl FnMut(usize),
    ) -> Result<Matrix, EncodeError> {
        let Self { towers, preprocessor, known, .. } = self;
        let key = |file: &ItemImage| match file.identity() {
            ImageIdentity::Content(hash) => Some(hash),
            ImageIdentity::Stamp { .. } => None,
        };
        let keys: Vec<Option<Key>> = files.iter().map(key).collect();
        let mut rows = known.images.complete(&keys, done, |missing, done| {
            let files: Vec<ItemImage> = missing.iter().map(|&file| files[file].clone()).collect();
            let batches = ImageBatches::new(preprocessor, &files);
            towers.vision.encode(batches.count(), batches.read(), done)
        })?;
        rows.normalise().map_err(|lost| towers.image_without_direction(files, lost))?;
        Ok(rows)
    }
}

impl CombinedModel {
    /// Opens the combined graph; returns `None` if it was not exported.
    pub fn open(export: &Export<'_>) -> Result<Option<Self>, EncodeError> {
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
        model: &Model<'_>,
        image: &ItemImage,
        texts: &[&str],
    ) -> Result<Vec<f64>, EncodeError> {
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
