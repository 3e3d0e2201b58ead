//! Computes the gradient of one update.

mod expected;
mod tape;
mod tower_pass;

use std::ops::Range;

use cliptune_clip::weights::Tower;
use cliptune_experiment::{Reduction, TrainPlan};
use cliptune_torch_bridge::Buckets;

use crate::data::{Ahead, Batch, Example};
use crate::draws::Draws;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::group::Group;
use crate::objective::{self, Embeddings};
pub use expected::in_expected_order;
use tower_pass::TowerPass;

/// The inputs from which the gradient of an update is computed.
///
/// Several processes compute it together: each encodes its share of a batch's images and texts, all gather all embeddings,
/// and each computes the rows of the loss that belong to its share of the examples. The parts of the gradient of the
/// embeddings are added up, and so are the parts of the gradient of the weights, while the backward pass goes on. The
/// result is the gradient of the whole batch, as open_clip computes it with `--local-loss --gather-with-grad`.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// The settings of the training.
    pub plan: &'a TrainPlan,
    /// The encoder, which combines the weights with the images and texts, and knows the processes that share the work.
    pub encoder: &'a Encoder<'a>,
    /// The examples of the train split.
    pub examples: &'a [Example],
    /// The random draws of the update.
    pub draws: Draws,
    /// The decoder that prepares the images of the batches before they are needed, if there is one.
    pub ahead: Option<&'a Ahead<'a>>,
    /// The buckets in which the gradients of several processes are added up.
    pub buckets: Option<&'a Buckets<'a>>,
}

/// A batch of an update.
struct Part<'a> {
    batch: &'a Batch,
    /// The number of the batch in the update.
    number: usize,
    /// The examples whose rows of the loss this process computes.
    own: Range<usize>,
    /// The factor of these examples' mean loss in what is minimised.
    factor: f64,
    /// Whether no batch follows in the update.
    is_last: bool,
}

impl Gradient<'_> {
    /// Adds up the gradients of some batches and returns the mean loss of their items, of which each process has a part;
    /// the parts add up to the mean.
    ///
    /// Each item counts the same, whichever batch it is in: the gradient is that of the mean (or the sum) over all
    /// items of the update. A process alone stops at a loss that is not a number. Several go on to the end, so that
    /// nobody waits for one that has stopped.
    pub fn accumulate(&self, batches: &[Vec<usize>]) -> Result<f64, TrainError> {
        let items: usize = batches.iter().map(Vec::len).sum();
        let needed = objective::needed(self.plan.objective);
        let batches: Vec<Batch> =
            batches.iter().map(|chosen| Batch::new(self.examples, chosen, needed)).collect();
        let texts = self.texts_of_all(&batches)?;
        let mut mean = 0.0;
        for (number, batch) in batches.iter().enumerate() {
            self.ahead.map_or(Ok(()), Ahead::advance)?;
            let own = self.group().share(batch.examples.len());
            let share = own.len() as f64 / items as f64;
            let factor = match self.plan.reduction {
                Reduction::Mean => share,
                Reduction::Sum => own.len() as f64,
            };
            let part = Part { batch, number, own, factor, is_last: number + 1 == batches.len() };
            let loss = match (self.rows_at_once(), &texts) {
                (rows, Some(texts)) => self.beside(texts, &part, rows)?,
                (None, None) if self.group().is_alone() => self.at_once(&part)?,
                (rows, None) => self.in_passes(&part, rows)?,
            };
            mean += share * loss;
            if self.stops_at(loss) {
                return Ok(mean);
            }
        }
        if let Some(buckets) = self.buckets {
            self.group().handed_over(buckets.finish()?);
        }
        Ok(mean)
    }

    fn group(&self) -> &Group {
        self.encoder.group()
    }

    fn stops_at(&self, loss: f64) -> bool {
        self.group().is_alone() && !loss.is_finite()
    }

    /// Says whether the gradients that are accumulated from now on are complete, so that they may be added up.
    fn arm(&self, complete: bool) {
        if let Some(buckets) = self.buckets {
            buckets.arm(complete);
        }
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
        TowerPass::encode_share(self, Tower::Text, 0, &first.texts, Some(rows))?.gather().map(Some)
    }

    /// Adds the gradient of a batch's images to the weights, and that of its texts to their embeddings, from where the
    /// last batch takes it to the weights.
    fn beside(&self, texts: &TowerPass<'_>, part: &Part<'_>, rows: Option<usize>) -> Result<f64, TrainError> {
        let (images, pass) = match rows {
            None if self.group().is_alone() => {
                self.draws.begin(&[part.number]);
                (self.encoder.tower(Tower::Vision, &part.batch.images)?, None)
            }
            rows => {
                let images = &part.batch.images;
                let pass =
                    TowerPass::encode_share(self, Tower::Vision, part.number, images, rows)?.gather()?;
                (pass.embeddings(), Some(pass))
            }
        };
        let loss = self.backward(&self.encoder.with_temperature(images, texts.embeddings())?, part)?;
        if !self.stops_at(loss) {
            let passes: Vec<&TowerPass<'_>> =
                part.is_last.then_some(texts).into_iter().chain(&pass).collect();
            self.through(&passes, part)?;
        }
        Ok(loss)
    }

    /// Adds `factor` times the gradient of a batch's mean loss, and returns that loss.
    fn at_once(&self, part: &Part<'_>) -> Result<f64, TrainError> {
        self.draws.begin(&[part.number]);
        self.backward(&self.encoder.embeddings(&part.batch.images, &part.batch.texts)?, part)
    }

    /// Propagates the loss of the own examples back to the embeddings, and through their graph if they have one. Returns
    /// the mean loss of these examples, or 0 if there are none.
    fn backward(&self, embeddings: &Embeddings, part: &Part<'_>) -> Result<f64, TrainError> {
        if part.own.is_empty() {
            return Ok(0.0);
        }
        let (plan, examples) = (self.plan, &part.batch.examples);
        let (objective, smoothing) = (plan.objective, plan.label_smoothing);
        let loss = objective::loss_of_share(objective, smoothing, embeddings, examples, part.own.clone())?;
        let value = f64::try_from(&loss)?;
        if !self.stops_at(value) {
            // One batch per update is the usual case, and its numbers should not be touched.
            let scaled = if part.factor == 1.0 { loss } else { loss.f_mul_scalar(part.factor)? };
            scaled.f_backward()?;
        }
        Ok(value)
    }

    /// Does the same for embeddings whose gradient is added up over the processes before it goes through the towers.
    ///
    /// With `rows`, it takes two passes (Gao et al. 2021). The first computes embeddings without a graph, and their
    /// gradients; the second computes each chunk of rows again with its graph. No more than `rows` images or texts have
    /// activations at a time, and the gradient is that of the whole batch.
    fn in_passes(&self, part: &Part<'_>, rows: Option<usize>) -> Result<f64, TrainError> {
        let images = TowerPass::encode_share(self, Tower::Vision, part.number, &part.batch.images, rows)?;
        let texts = TowerPass::encode_share(self, Tower::Text, part.number, &part.batch.texts, rows)?;
        // After both towers, so that the processes wait for each other once.
        let (images, texts) = (images.gather()?, texts.gather()?);
        let embeddings = self.encoder.with_temperature(images.embeddings(), texts.embeddings())?;
        let loss = self.backward(&embeddings, part)?;
        if !self.stops_at(loss) {
            self.through(&[&texts, &images], part)?;
        }
        Ok(loss)
    }

    /// Takes the gradient of embeddings through their towers, the text tower first, as [`in_expected_order`] has it.
    fn through(&self, passes: &[&TowerPass<'_>], part: &Part<'_>) -> Result<(), TrainError> {
        // Processes have to send in one order. Nobody knows who completes which gradient when, so that all else is sent
        // before the first of them.
        let gradients =
            passes.iter().map(|pass| pass.of_embeddings()).collect::<Result<Vec<_>, TrainError>>()?;
        for (pass, gradient) in passes.iter().zip(&gradients) {
            gradient.as_ref().map_or(Ok(()), |gradient| pass.backward(gradient, part.is_last))?;
        }
        Ok(())
    }
}
