//! An exported model, which turns texts and images into unit vectors.

use std::path::Path;

use cliptune_clip::image::{Fit, Pixels, Preprocessor};
use cliptune_clip::tokenizer::TokenBatch;
use cliptune_experiment::{Precision, Templates};
use cliptune_onnx::{
    ATTENTION_MASK, IMAGE_EMBEDS, INPUT_IDS, LOGITS_PER_IMAGE, LOGITS_PER_TEXT, MODEL_FILE, PIXEL_VALUES,
    TEXT_EMBEDS, TEXT_MODEL_FILE,
};
use cliptune_store::{ImageIdentity, ItemImage};
use rayon::prelude::*;

use crate::batch::Batch;
use crate::error::EncodeError;
use crate::export::Export;
use crate::graph::{Graph, Input};
use crate::images::{IMAGES, ImageBatches, batch_of, read_pixels};
use crate::known::{Key, Known, key_of_ids};
use crate::matrix::Matrix;
use crate::preparation::Preparation;
use crate::runtime::{Purpose, Runtime};
use crate::temperature::Temperature;
use crate::texts::Texts;
use crate::tower::Tower;
use crate::towers::{Towers, image_without_direction};

/// The two towers, with the preparation of their inputs and the temperature for their cosines.
#[derive(Debug)]
pub struct Model<'r> {
    towers: Towers<'r>,
    preparation: Preparation,
    temperature: Temperature,
    known: Known,
}

/// Both towers in one graph, as some programs expect it. Only the parity gate runs it.
#[derive(Debug)]
pub struct CombinedModel {
    /// The graph, as often as it runs side by side.
    graphs: Vec<Graph>,
}

impl<'r> Model<'r> {
    /// Reads a model in fp32, to encode much.
    pub fn open(export: &Export<'r>) -> Result<Self, EncodeError> {
        Self::open_for(export, Preparation::read(export.model())?, Precision::Fp32, Purpose::Many)
    }

    /// Returns the model of an export with the tokenizer and preprocessing of its folder. No graph is opened before there is
    /// something to encode.
    ///
    /// # Errors
    /// Returns an error if a file is missing or unusable, or if there are no graphs in the precision.
    pub fn open_for(
        export: &Export<'r>,
        preparation: Preparation,
        precision: Precision,
        purpose: Purpose,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            towers: Towers::of(export, precision, purpose)?,
            temperature: export.temperature(TEXT_MODEL_FILE)?,
            preparation,
            known: Known::default(),
        })
    }

    /// Remembers embeddings in this process from now on.
    pub fn remember_here(&mut self) {
        self.known = Known::here();
    }

    /// Remembers embeddings in a cache, those from before as well, and takes those that it has. `hash_of` gives the hash of a file that
    /// lies with the graphs; what has none is not remembered.
    pub fn remember(&mut self, cache: &Path, runtime: &Runtime, hash_of: impl Fn(&str) -> Option<String>) {
        self.known = std::mem::take(&mut self.known).and_in(cache, runtime, &self.towers, hash_of);
    }

    /// Returns the preprocessing that images need before they are encoded.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preparation.preprocessor
    }

    /// Returns how images are made square.
    pub fn fit(&self) -> Fit {
        self.preprocessor().fit
    }

    /// Returns the temperature, which turns cosines into logits.
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// Returns the towers and the preprocessor, for code that runs other towers beside them.
    pub fn towers(&mut self) -> (&mut Towers<'r>, &Preprocessor) {
        (&mut self.towers, &self.preparation.preprocessor)
    }

    /// Tokenises texts, with each of the templates around them, for [`encode_texts`](Self::encode_texts).
    pub fn tokenise<'t>(&self, texts: &[&'t str], templates: &Templates) -> Result<Texts<'t>, EncodeError> {
        Ok(Texts::new(&self.preparation.tokenizer, texts, templates)?)
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
        let (towers, preprocessor) = self.towers();
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
        let Self { towers, preparation: Preparation { preprocessor, .. }, known, .. } = self;
        let key = |file: &ItemImage| match file.identity() {
            ImageIdentity::Content(hash) => Some(hash),
            ImageIdentity::Stamp { .. } => None,
        };
        let keys: Vec<Option<Key>> = files.iter().map(key).collect();
        let rows = known.images.complete(&keys, done, |missing, done| {
            let files: Vec<ItemImage> = missing.iter().map(|&file| files[file].clone()).collect();
            let batches = ImageBatches::new(preprocessor, &files);
            towers.vision.encode(batches.count(), batches.read(), done)
        })?;
        image_vectors(rows, &towers.vision, files)
    }

    /// Returns the same by another vision tower, which remembers nothing.
    pub fn encode_images_by(
        &self,
        vision: &mut Tower<'_>,
        files: &[ItemImage],
    ) -> Result<Matrix, EncodeError> {
        let batches = ImageBatches::new(self.preprocessor(), files);
        let rows = vision.encode(batches.count(), batches.read(), |_| {})?;
        image_vectors(rows, vision, files)
    }

    /// Returns the embeddings of decoded images, one row for each in their order, which are not normalised.
    ///
    /// # Errors
    /// Returns an error if the graph cannot be run.
    pub fn encode_pixels(&mut self, images: &[Pixels]) -> Result<Matrix, EncodeError> {
        let (towers, preprocessor) = self.towers();
        let batches = images.chunks(IMAGES).map(|some| batch_of(preprocessor, some));
        towers.vision.encode(images.len().div_ceil(IMAGES), batches, |_| {})
    }
}

/// Divides the rows of images by their norms.
fn image_vectors(mut rows: Matrix, vision: &Tower<'_>, files: &[ItemImage]) -> Result<Matrix, EncodeError> {
    rows.normalise().map_err(|lost| image_without_direction(vision, files, lost))?;
    Ok(rows)
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
        let graphs = export.open(MODEL_FILE, &inputs, &outputs)?;
        Ok(Some(Self { graphs }))
    }

    /// Returns the logits of images, each with its own texts.
    pub fn logits(
        &mut self,
        model: &Model<'_>,
        asked: &[(&ItemImage, Vec<&str>)],
    ) -> Result<Vec<Vec<f64>>, EncodeError> {
        let at_a_time = asked.len().div_ceil(self.graphs.len()).max(1);
        let groups = self.graphs.par_iter_mut().zip(asked.par_chunks(at_a_time));
        let logits = groups.map(|(graph, some)| group_logits(graph, model, some));
        Ok(logits.collect::<Result<Vec<_>, EncodeError>>()?.concat())
    }
}

/// Runs a combined graph once, with all images and all texts.
fn group_logits(
    graph: &mut Graph,
    model: &Model<'_>,
    asked: &[(&ItemImage, Vec<&str>)],
) -> Result<Vec<Vec<f64>>, EncodeError> {
    let Preparation { tokenizer, preprocessor } = &model.preparation;
    let texts = asked.iter().flat_map(|(_, texts)| texts);
    let encoded = texts.map(|text| tokenizer.encode(text)).collect::<Result<Vec<_>, _>>()?;
    let lengths: Vec<usize> = encoded.iter().map(|text| text.ids.len()).collect();
    let batch = TokenBatch::new(&encoded, tokenizer.layout());
    let mask = attention_mask(&lengths, batch.columns);
    let mut pixels = vec![0.0; asked.len() * preprocessor.length()];
    for (out, (image, _)) in pixels.chunks_exact_mut(preprocessor.length()).zip(asked) {
        read_pixels(preprocessor, image, out)?;
    }
    let side = preprocessor.size as usize;
    let mut inputs = vec![
        (INPUT_IDS, Input::Ids([batch.rows, batch.columns], &batch.ids)),
        (PIXEL_VALUES, Input::Pixels([asked.len(), 3, side, side], &pixels)),
    ];
    if graph.has_input(ATTENTION_MASK) {
        inputs.push((ATTENTION_MASK, Input::Ids([batch.rows, batch.columns], &mask)));
    }
    let logits = graph.run(&inputs, LOGITS_PER_IMAGE, asked.len())?;
    let mut first = 0;
    let own = asked.iter().enumerate().map(|(image, (_, texts))| {
        let own = logits.row(image)[first..first + texts.len()].iter().map(|logit| f64::from(*logit));
        first += texts.len();
        own.collect()
    });
    Ok(own.collect())
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
