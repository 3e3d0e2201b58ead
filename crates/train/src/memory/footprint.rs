//! Estimates what a training keeps in memory, by purpose.

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

/// The number of bytes of an f32.
const FLOAT: u64 = 4;
/// The number of bytes taken by libtorch's code, its threads and what its allocator holds back.
const RUNTIME: u64 = 300 << 20;
/// How many matrices as large as the logits of all pairs a step has at a time: logits, probabilities, gradients, masks. One process uses
/// the same logits for both directions of a loss; several have some for each. Found by the peak memory of steps over 2000 to 9000 pairs
/// whose towers were tiny, to within an eighth.
const PAIRS_ALONE: usize = 11;
const PAIRS_OF_SEVERAL: usize = 15;

/// The facts that decide how much memory a training needs.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The sizes of the model.
    pub config: &'a ClipConfig,
    /// The weights of the model.
    pub parameters: &'a Parameters,
    /// The number of elements in the weights that move.
    pub moving: usize,
    /// The settings of the training.
    pub plan: &'a TrainPlan,
    /// The seed that decides the order of the data.
    pub seed: Seed,
    /// The examples of the train split.
    pub train: &'a [Example],
    /// The texts of the dataset.
    pub texts: &'a TextBank,
    /// The number of distinct images of all splits.
    pub images: usize,
    /// The number of processes that share out each batch.
    pub processes: usize,
}

/// The memory of a training in bytes, in each of its processes, estimated from the sizes of what is kept.
///
/// The activations are those that autograd saves for the backward pass. Each row of a block takes nine times the
/// block's width (the inputs and outputs of both norms, the queries, keys and values, and the output of attention
/// before and after its heads are joined) and twice the MLP's hidden layer, before and after the activation function.
/// Attention itself keeps no scores, because libtorch's kernel computes them anew. A loss over the pairs of a batch has the logits of each
/// process's examples with all others, several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// The bytes of all weights.
    pub weights: u64,
    /// The bytes of a gradient for each weight that moves, and of a copy of it where several processes add theirs up.
    pub gradients: u64,
    /// The bytes that the optimiser keeps for each weight that moves, and those of the moving average.
    pub moments: u64,
    /// The bytes of the decoded images of a few batches.
    pub pixels: u64,
    /// The bytes that the largest batch of an epoch needs.
    pub activations: u64,
    /// The bytes that the libraries take.
    pub runtime: u64,
    /// The sum of all of these.
    pub total: u64,
    /// The additional bytes that are taken while a checkpoint is written.
    pub checkpoint: u64,
}

impl Footprint {
    /// Estimates the memory of a training.
    pub fn of(subject: &Subject<'_>) -> Self {
        let weights = FLOAT * subject.parameters.len() as u64;
        let moving = FLOAT * subject.moving as u64;
        let gradients = if subject.processes > 1 { 2 * moving } else { moving };
        let moments = subject.moments() * moving;
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
            // A checkpoint copies the weights that move, their moments, and the best epoch's weights.
            checkpoint: 2 * moving + moments,
        }
    }
}

impl Subject<'_> {
    /// Returns how many numbers are kept for each element that moves, besides its gradient.
    fn moments(&self) -> u64 {
        moment_names(self.plan.optimizer.rule).len() as u64 + u64::from(self.plan.ema.is_some())
    }

    /// Returns how many decoded images wait for their batch or, during an evaluation, for their chunk.
    fn images_in_memory(&self) -> usize {
        let batch =
            self.share(self.plan.batch_size.get()).max(encoder::CHUNK).min(images_ahead(pixels(self.config)));
        self.images.min(BATCHES_IN_MEMORY * batch)
    }

    /// Returns how many of so many rows the process has that has most.
    fn share(&self, rows: usize) -> usize {
        rows.div_ceil(self.processes.max(1))
    }

    fn largest_batch(&self) -> u64 {
        let needed = objective::needed(self.plan.objective);
        let batches = batches(self.plan, self.seed, self.train, 1);
        let bytes = batches.iter().map(|chosen| self.activations(&Batch::new(self.train, chosen, needed)));
        bytes.max().unwrap_or(0)
    }

    fn activations(&self, batch: &Batch) -> u64 {
        // The two-pass gradient never has more rows than this at a time.
        let most = self.plan.gradient_cache.map_or(usize::MAX, BatchSize::get);
        let images = self.share(batch.images.len()).min(most);
        let shares = batch.texts.chunks(self.share(batch.texts.len()).max(1));
        let chunks = shares.flat_map(|share| share.chunks(self.texts.rows_at_once(most)));
        let text_rows = chunks.map(|texts| self.texts.tokens(texts)).max().unwrap_or(0);
        let image_rows = images * self.config.vision.positions();
        // The pixels are kept as floats, and once more as patches.
        let input = 2 * images * pixels(self.config);
        let vision = tower(&self.config.vision.transformer, image_rows, self.vision());
        let text = tower(&self.config.text.transformer, text_rows, self.text());
        let input = if self.vision() == Pass::Absent { 0 } else { input };
        FLOAT * (input + vision + text + self.gathered(batch) + self.pairs(batch)) as u64
    }

    /// Returns how many elements the loss over the pairs of a batch keeps, if there is one.
    fn pairs(&self, batch: &Batch) -> usize {
        let all = batch.examples.len();
        match (objective::has_negatives_in_batch(self.plan.objective), self.processes) {
            (false, _) => 0,
            (true, 0 | 1) => PAIRS_ALONE * all * all,
            (true, _) => PAIRS_OF_SEVERAL * self.share(all) * all,
        }
    }

    /// Returns how many elements the embeddings of all processes have, with what they are gathered from and their gradient.
    fn gathered(&self, batch: &Batch) -> usize {
        let embeddings = (batch.images.len() + batch.texts.len()) * self.config.projection_dim;
        if self.processes > 1 { 3 * embeddings } else { 0 }
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
    /// The tower is not computed: its embeddings are computed once, before training.
    Absent,
    /// The tower is computed without a gradient; only one block's values exist at a time.
    Forward,
    /// The input of each block is kept; only one block's values exist at a time.
    Taped,
    /// The values of all blocks are kept for the backward pass, which needs those of one more block at a time.
    Recorded,
}

/// Returns how many elements are kept for so many rows in a tower.
fn tower(config: &TransformerConfig, rows: usize, pass: Pass) -> usize {
    let block = rows * (9 * config.width + 2 * config.mlp_width);
    match pass {
        Pass::Absent => 0,
        Pass::Forward => block,
        Pass::Taped => config.layers * rows * config.width + 2 * block,
        Pass::Recorded => (config.layers + 1) * block,
    }
}

/// Returns how many numbers an image consists of.
fn pixels(config: &ClipConfig) -> usize {
    3 * config.vision.image_size.pow(2)
}
