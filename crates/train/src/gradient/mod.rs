//! Computes the gradient of one update.

mod tape;
mod tower_pass;

use cliptune_clip::weights::Tower;
use cliptune_experiment::{Reduction, TrainPlan};

use crate::data::{Ahead, Batch, Example};
use crate::draws::Draws;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::objective::{self, Embeddings};
use tower_pass::TowerPass;

/// The inputs from which the gradient of an update is computed.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// The settings of the training.
    pub plan: &'a TrainPlan,
    /// The encoder, which combines the weights with the images and texts.
    pub encoder: &'a Encoder<'a>,
    /// The examples of the train split.
    pub examples: &'a [Example],
    /// The random draws of the update.
    pub draws: Draws,
    /// The decoder that prepares the images of the batches before they are needed, if there is one.
    pub ahead: Option<&'a Ahead<'a>>,
}

impl Gradient<'_> {
    /// Adds up the gradients of some batches and returns the mean loss of their items.
    ///
    /// Each item counts the same, whichever batch it is in: the gradient is that of the mean (or the sum) over all
    /// items of the update. Accumulation stops at a loss that is not a number.
    pub fn accumulate(&self, batches: &[Vec<usize>]) -> Result<f64, TrainError> {
        let items: usize = batches.iter().map(Vec::len).sum();
        let needed = objective::needed(self.plan.objective);
        let batches: Vec<Batch> =
            batches.iter().map(|chosen| Batch::new(self.examples, chosen, needed)).collect();
        let texts = self.texts_of_all(&batches)?;
        let mut mean = 0.0;
        for (number, batch) in batches.iter().enumerate() {
            self.ahead.map_or(Ok(()), Ahead::advance)?;
            let share = batch.examples.len() as f64 / items as f64;
            let factor = match self.plan.reduction {
                Reduction::Mean => share,
                Reduction::Sum => batch.examples.len() as f64,
            };
            let loss = match (self.rows_at_once(), &texts) {
                (None, None) => self.at_once(batch, number, factor)?,
                (rows, Some(texts)) => self.beside(texts, batch, number, rows, factor)?,
                (Some(rows), None) => self.in_two_passes(batch, number, rows, factor)?,
            };
            mean += share * loss;
            if !loss.is_finite() {
                return Ok(mean);
            }
        }
        texts.map_or(Ok(()), |texts| texts.backward())?;
        Ok(mean)
    }

    /// Returns how many rows are computed at once if the gradient takes two passes.
    fn rows_at_once(&self) -> Option<usize> {
        match (self.plan.gradient_cache, self.plan.gradient_checkpointing) {
            (None, false) => None,
            (None, true) => Some(usize::MAX),
            (Some(rows), _) => Some(rows.get()),
        }
    }

    /// Encodes the texts of an update once, if several batches have the same ones, as all have whose candidates are the
    /// classes of a dataset.
    fn texts_of_all<'b>(&'b self, batches: &'b [Batch]) -> Result<Option<TowerPass<'b>>, TrainError> {
        let [first, others @ ..] = batches else { return Ok(None) };
        if others.is_empty() || others.iter().any(|other| other.texts != first.texts) {
            return Ok(None);
        }
        let rows = self.rows_at_once().unwrap_or(usize::MAX);
        TowerPass::new(self, Tower::Text, 0, &first.texts, rows).map(Some)
    }

    /// Adds the gradient of a batch's images to the weights, and that of its texts to their embeddings.
    fn beside(
        &self,
        texts: &TowerPass<'_>,
        batch: &Batch,
        number: usize,
        rows: Option<usize>,
        factor: f64,
    ) -> Result<f64, TrainError> {
        let Some(rows) = rows else {
            self.draws.begin(&[number]);
            let images = self.encoder.tower(Tower::Vision, &batch.images)?;
            let embeddings = self.encoder.with_temperature(images, texts.embeddings())?;
            return self.backward(&embeddings, batch, factor);
        };
        let images = TowerPass::new(self, Tower::Vision, number, &batch.images, rows)?;
        let embeddings = self.encoder.with_temperature(images.embeddings(), texts.embeddings())?;
        let loss = self.backward(&embeddings, batch, factor)?;
        if loss.is_finite() {
            images.backward()?;
        }
        Ok(loss)
    }

    /// Adds `factor` times the gradient of a batch's mean loss, and returns that loss.
    fn at_once(&self, batch: &Batch, number: usize, factor: f64) -> Result<f64, TrainError> {
        self.draws.begin(&[number]);
        let embeddings = self.encoder.embeddings(&batch.images, &batch.texts)?;
        self.backward(&embeddings, batch, factor)
    }

    fn backward(&self, embeddings: &Embeddings, batch: &Batch, factor: f64) -> Result<f64, TrainError> {
        let plan = self.plan;
        let loss = objective::loss(plan.objective, plan.label_smoothing, embeddings, &batch.examples)?;
        let value = f64::try_from(&loss)?;
        if value.is_finite() {
            // One batch per update is the usual case, and its numbers should not be touched.
            let scaled = if factor == 1.0 { loss } else { loss.f_mul_scalar(factor)? };
            scaled.f_backward()?;
        }
        Ok(value)
    }

    /// Does the same in two passes (Gao et al. 2021). The first pass computes embeddings without a graph, and their
    /// gradients; the second computes each chunk of rows again with its graph. No more than `rows` images or texts have
    /// activations at a time, and the gradient is that of the whole batch.
    fn in_two_passes(
        &self,
        batch: &Batch,
        number: usize,
        rows: usize,
        factor: f64,
    ) -> Result<f64, TrainError> {
        let images = TowerPass::new(self, Tower::Vision, number, &batch.images, rows)?;
        let texts = TowerPass::new(self, Tower::Text, number, &batch.texts, rows)?;
        let embeddings = self.encoder.with_temperature(images.embeddings(), texts.embeddings())?;
        let loss = self.backward(&embeddings, batch, factor)?;
        if loss.is_finite() {
            images.backward()?;
            texts.backward()?;
        }
        Ok(loss)
    }
}
