//! `train`: how weights are fitted.

use std::num::NonZeroUsize;

use super::augment::Augment;
use super::objective::{Objective, Reduction};
use super::optimizer::OptimizerPlan;
use super::schedule::Schedule;
use super::tune::{LogitScale, Tune};
use crate::language::{options, words};
use crate::shape::Shape;
use crate::usual::EPOCHS;
use crate::values::{BatchSize, EmaDecay, Fraction};

const ALPHA: Shape = Shape::between(0.0, 1.0);

options! {
    /// `train`: how weights are fitted.
    ///
    /// The options of [`Objective`] and [`Tune`] stand beside the others in a record, as they do in YAML.
    pub struct TrainPlan {
        /// The loss that a run minimises.
        #[serde(flatten)]
        objective: Objective;
        /// The share of a target's probability that is spread over all of its candidates. Validation is never smoothed.
        label_smoothing: f64 = "0", Shape::below_one();
        /// What an update minimises: the mean of its items' losses or their sum. Logs have the mean.
        reduction: Reduction = "mean";
        /// Which weights move.
        #[serde(flatten)]
        tune: Tune = "full";
        /// Whether the temperature (and SigLIP's bias) is trained. With `tune: lora` it never is.
        logit_scale: LogitScale = "learned";
        /// The number of passes over the train split.
        epochs: usize | EPOCHS, Shape::Whole { min: 1, max: 100_000 };
        /// The number of items that are encoded at once and are each other's negatives.
        batch_size: BatchSize = "64";
        /// The number of batches whose gradients make one update, in which every item counts the same. The last update of
        /// an epoch takes what is left.
        accumulate: NonZeroUsize = "1", Shape::Whole { min: 1, max: 1_000_000 };
        /// The number of images or texts whose activations are in memory at once. The gradient of a large batch is then
        /// computed exactly, in two passes, at the price of one more forward pass. When absent, all are in memory.
        gradient_cache: Option<BatchSize>;
        /// Whether a block's activations are computed again for its gradient instead of being kept. The gradient is the
        /// same and needs less memory, at the price of one more forward pass.
        gradient_checkpointing: bool = "false";
        /// Whether every epoch has an order of its own. Otherwise items come in the order of the dataset.
        shuffle: bool = "true";
        /// What is done to training images at random, anew for every image in every epoch.
        augment: Option<Augment>;
        /// How weights move against their gradients.
        optimizer: OptimizerPlan = "{}";
        /// The learning rate over time.
        schedule: Schedule = "{}";
        /// The largest global norm that a gradient may have. When absent, nothing is clipped.
        clip_grad_norm: Option<f64>, Shape::positive(1e6);
        /// The decay, at every update, of a moving average of the weights, which is then what is evaluated and kept. The
        /// average starts at the starting point. When absent, there is none.
        ema: Option<EmaDecay>;
        /// The numbers that a step computes with. Weights, gradients and the optimiser's state are always 32-bit floats.
        precision: Compute = "fp32";
        /// Whether the same run gives the same bits on a GPU, too, which costs speed. On a CPU it always does.
        deterministic: bool = "false";
        /// Which epoch's weights are kept.
        select: Select = "validation.accuracy";
        /// The number of epochs without a better one after which training ends. The schedule remains that of all epochs.
        patience: Option<NonZeroUsize>, Shape::Whole { min: 1, max: 100_000 };
        /// Models on the straight line from the starting weights (0) to the tuned ones (1) that are tried on the validation
        /// split in the end. The best of them is kept (WiSE-FT).
        interpolate: Vec<Fraction> = "[]", Shape::set(&ALPHA, 0);
    }
}

words! {
    /// `train.precision`: the numbers that a step computes with.
    pub enum Compute {
        /// The step computes with 32-bit floats.
        Fp32 = "fp32",
        /// As `fp32`, but GPUs that can do so round the inputs of matrix products to 10 bits of mantissa. On a CPU it is
        /// the same as `fp32`.
        Tf32 = "tf32",
        /// Linear layers and attention compute with 16-bit floats that have the exponents of 32-bit ones. On many CPUs it
        /// is slower than `fp32`.
        Bf16 = "bf16",
    }
}

words! {
    /// `train.select`: which epoch's weights are kept.
    pub enum Select {
        /// The epoch with the highest validation accuracy is kept; of equal ones, the one with the lower loss.
        ValidationAccuracy = "validation.accuracy",
        /// The epoch with the lowest validation loss is kept.
        ValidationLoss = "validation.loss",
        /// The last epoch is kept, and the validation split may be empty.
        Last = "last",
    }
}
