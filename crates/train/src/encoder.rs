//! From rows of images and texts to normalised embeddings.

use cliptune_clip::ClipConfig;
use cliptune_clip::names;
use cliptune_clip::ops::Ops;
use cliptune_clip::towers::{text_tower, vision_tower};
use cliptune_experiment::Tune;
use tch::{Device, Tensor};

use crate::data::{ImageBank, TextBank};
use crate::error::TrainError;
use crate::model::{Parameters, TorchOps};
use crate::objective::Embeddings;

/// Rows encoded at once when no gradients are recorded.
const CHUNK: usize = 128;

/// A model with the images and texts it looks at.
#[derive(Debug)]
pub struct Encoder<'a> {
    config: &'a ClipConfig,
    parameters: &'a Parameters,
    images: &'a ImageBank,
    texts: &'a TextBank,
    device: Device,
    /// Embeddings of all images, when the vision tower is locked: they never change.
    locked_images: Option<Tensor>,
    /// Embeddings of all texts, when the text tower is locked.
    locked_texts: Option<Tensor>,
}

impl<'a> Encoder<'a> {
    /// An encoder that computes everything anew.
    pub fn new(
        config: &'a ClipConfig,
        parameters: &'a Parameters,
        images: &'a ImageBank,
        texts: &'a TextBank,
        device: Device,
    ) -> Self {
        Self { config, parameters, images, texts, device, locked_images: None, locked_texts: None }
    }

    /// Computes what `tune` locks once and for all.
    pub fn lock(&mut self, tune: Tune, text_rows: usize) -> Result<(), TrainError> {
        match tune {
            Tune::LockedImage { unlocked_layers: 0 } => {
                self.locked_images = Some(self.all(self.images.len(), Self::compute_images)?);
            }
            Tune::LockedText { unlocked_layers: 0 } => {
                self.locked_texts = Some(self.all(text_rows, Self::compute_texts)?);
            }
            // Autograd records nothing of the layers below the first one that moves.
            Tune::LockedImage { .. } | Tune::LockedText { .. } | Tune::Full | Tune::Projections => {}
        }
        Ok(())
    }

    /// Embeddings of some rows with the current logit_scale and logit_bias.
    pub fn embeddings(&self, images: &[usize], texts: &[usize]) -> Result<Embeddings, TrainError> {
        Ok(Embeddings {
            images: self.images(images)?,
            texts: self.texts(texts)?,
            logit_scale: self.parameters.tensor(names::LOGIT_SCALE)?.f_exp()?,
            logit_bias: self.parameters.find(names::LOGIT_BIAS).map(Tensor::shallow_clone),
        })
    }

    /// Normalised embeddings of images: `[rows, D]`.
    pub fn images(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        match &self.locked_images {
            Some(locked) => pick(locked, rows),
            None => self.compute_images(rows),
        }
    }

    /// Normalised embeddings of texts: `[rows, D]`.
    pub fn texts(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        match &self.locked_texts {
            Some(locked) => pick(locked, rows),
            None => self.compute_texts(rows),
        }
    }

    /// Embeddings of many rows without gradients, in chunks.
    pub fn without_gradients(
        rows: &[usize],
        encode: impl Fn(&[usize]) -> Result<Tensor, TrainError>,
    ) -> Result<Tensor, TrainError> {
        let _guard = tch::no_grad_guard();
        let chunks = rows.chunks(CHUNK).map(encode).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_cat(&chunks, 0)?)
    }

    fn all(
        &self,
        rows: usize,
        compute: impl Fn(&Self, &[usize]) -> Result<Tensor, TrainError>,
    ) -> Result<Tensor, TrainError> {
        let rows: Vec<usize> = (0..rows).collect();
        Self::without_gradients(&rows, |chunk| compute(self, chunk))
    }

    fn compute_images(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        let pixels = self.images.tensor(rows, self.device)?;
        let ops = &mut TorchOps::new(self.parameters);
        let pooled = vision_tower(ops, &self.config.vision, &pixels)?;
        ops.normalize(&pooled)
    }

    fn compute_texts(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        let ids = self.texts.tensor(rows, self.device)?;
        let ops = &mut TorchOps::new(self.parameters);
        let pooled = text_tower(ops, &self.config.text, &ids, None)?;
        ops.normalize(&pooled)
    }
}

fn pick(all: &Tensor, rows: &[usize]) -> Result<Tensor, TrainError> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    Ok(all.f_index_select(0, &Tensor::from_slice(&rows).f_to_device(all.device())?)?)
}
