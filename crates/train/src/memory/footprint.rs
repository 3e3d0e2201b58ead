//! What a training keeps in memory, by what it is for.

use cliptune_clip::ClipConfig;
use cliptune_clip::config::TransformerConfig;
use cliptune_experiment::{BatchSize, Seed, TrainPlan, Tune};
use serde::Serialize;

use crate::data::{BATCHES_IN_MEMORY, Batch, Example, TextBank, images_ahead};
use crate::encoder;
use crate::fit::batches;
use crate::model::Parameters;
use crate::objective;
use crate::optimizer::moment_names;

/// Bytes of an f32.
const FLOAT: u64 = 4;
/// libtorch's code, its threads and what its allocator holds back.
const RUNTIME: u64 = 300 << 20;

/// What decides how much memory a training needs.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The model's sizes.
    pub config: &'a ClipConfig,
    /// Its weights.
    pub parameters: &'a Parameters,
    /// Numbers in what moves.
    pub moving: usize,
    /// The settings.
    pub plan: &'a TrainPlan,
    /// Orders the data.
    pub seed: Seed,
    /// The train split.
    pub train: &'a [Example],
    /// Its texts.
    pub texts: &'a TextBank,
    /// Distinct images of all splits.
    pub images: usize,
}

/// Bytes of memory, estimated from the sizes of what is kept.
///
/// Activations are those that autograd saves for the backward pass: of a block and a row of it, nine times its width
/// (the inputs of both norms, what they give, queries, keys, values, what attention gives before and after its heads
/// are put together) and its MLP's hidden layer twice, before and after the activation. Attention itself keeps no scores,
/// because libtorch's kernel computes them anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// All weights.
    pub weights: u64,
    /// A gradient for each weight that moves.
    pub gradients: u64,
    /// What the optimiser keeps for each weight that moves, and their moving average.
    pub moments: u64,
    /// Pixels of the images of a few batches, as bytes.
    pub pixels: u64,
    /// What the largest batch of an epoch needs.
    pub activations: u64,
    /// The libraries.
    pub runtime: u64,
    /// All of these.
    pub total: u64,
    /// More than that, while a checkpoint is written.
    pub checkpoint: u64,
}

impl Footprint {
    /// Estimates the memory of a training.
    pub fn of(subject: &Subject<'_>) -> Self {
        let weights = FLOAT * subject.parameters.len() as u64;
        let gradients = FLOAT * subject.moving as u64;
        let moments = subject.moments() * gradients;
        let pixels = (subject.images_in_memory() * pixels(subject.config)) as u64;
        let activations = subject.largest_batch();
        Self {
            weights,
            gradients,
            moments,
            pixels,
            activations,
            runtime: RUNTIME,
            total: weights + gradients + moments + pixels + activations + RUNTIME,
            // What moves, its moments, and the best epoch's weights.
            checkpoint: 2 * gradients + moments,
        }
    }
}

impl Subject<'_> {
    /// Returns how many numbers are kept for each one that moves, besides its gradient.
    fn moments(&self) -> u64 {
        moment_names(self.plan.optimizer.rule).len() as u64 + u64::from(self.plan.ema.is_some())
    }

    /// Returns how many images are decoded and wait for their batch; during an evaluation, for their chunk.
    fn images_in_memory(&self) -> usize {
        let batch = self.plan.batch_size.get().max(encoder::CHUNK).min(images_ahead(pixels(self.config)));
        self.images.min(BATCHES_IN_MEMORY * batch)
    }

    fn largest_batch(&self) -> u64 {
        let needed = objective::needed(self.plan.objective);
        let batches = batches(self.plan, self.seed, self.train, 1);
        let bytes = batches.iter().map(|chosen| self.activations(&Batch::new(self.train, chosen, needed)));
        bytes.max().unwrap_or(0)
    }

    fn activations(&self, batch: &Batch) -> u64 {
        // Two passes have no more rows at a time.
        let most = self.plan.gradient_cache.map_or(usize::MAX, BatchSize::get);
        let images = batch.images.len().min(most);
        let chunks = batch.texts.chunks(most.min(batch.texts.len()).max(1));
        let text_rows = chunks.map(|texts| self.texts.tokens(texts)).max().unwrap_or(0);
        let image_rows = images * self.config.vision.positions();
        // The pixels as floats, and once more as patches.
        let input = 2 * images * pixels(self.config);
        let vision = tower(&self.config.vision.transformer, image_rows, self.vision());
        let text = tower(&self.config.text.transformer, text_rows, self.text());
        let input = if self.vision() == Pass::Absent { 0 } else { input };
        FLOAT * (input + vision + text) as u64
    }

    fn vision(&self) -> Pass {
        match self.plan.tune {
            Tune::LockedImage { unlocked_layers: 0 } if self.plan.augment.is_none() => Pass::Absent,
            Tune::LockedImage { unlocked_layers: 0 } | Tune::Projections => Pass::Forward,
            Tune::Full | Tune::LockedImage { .. } | Tune::LockedText { .. } | Tune::Lora { .. } => {
                self.recorded()
            }
        }
    }

    fn text(&self) -> Pass {
        match self.plan.tune {
            Tune::LockedText { unlocked_layers: 0 } => Pass::Absent,
            Tune::Projections => Pass::Forward,
            Tune::Full | Tune::LockedImage { .. } | Tune::LockedText { .. } | Tune::Lora { .. } => {
                self.recorded()
            }
        }
    }

    fn recorded(&self) -> Pass {
        if self.plan.gradient_checkpointing { Pass::Taped } else { Pass::Recorded }
    }
}

/// What a step does with a tower.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Its embeddings are computed once, before training.
    Absent,
    /// It is passed without a gradient: one block's values are there at a time.
    Forward,
    /// What goes into each block is kept; one block's values are there at a time.
    Taped,
    /// All blocks' values are kept for the backward pass, which has one more block's at a time.
    Recorded,
}

/// Returns how many elements are kept for so many rows through a tower.
fn tower(config: &TransformerConfig, rows: usize, pass: Pass) -> usize {
    let block = rows * (9 * config.width + 2 * config.mlp_width);
    match pass {
        Pass::Absent => 0,
        Pass::Forward => block,
        Pass::Taped => config.layers * rows * config.width + 2 * block,
        Pass::Recorded => (config.layers + 1) * block,
    }
}

/// Returns how many numbers an image has.
fn pixels(config: &ClipConfig) -> usize {
    3 * config.vision.image_size.pow(2)
}
