//! `train:` and `checkpoint:` – how weights are fitted, and how often what training goes on from is saved.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::augment::Augment;
use crate::language::word_of;
use crate::values::{BatchSize, EmaDecay, Fraction, LearningRate};

/// `train:` – how weights are fitted.
///
/// The fields of [`Objective`] and [`Tune`] stand beside the others in a record, as they do in YAML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// The loss.
    #[serde(flatten)]
    pub objective: Objective,
    /// The share of a target's probability that is spread over all of its candidates; from 0 to below 1.
    pub label_smoothing: f64,
    /// What an update minimises of its items' losses.
    pub reduction: Reduction,
    /// Which weights move.
    #[serde(flatten)]
    pub tune: Tune,
    /// Whether the temperature is one of them.
    pub logit_scale: LogitScale,
    /// Passes over the train split.
    pub epochs: usize,
    /// Items encoded at once, which are each other's negatives.
    pub batch_size: BatchSize,
    /// Batches whose gradients make one update.
    pub accumulate: NonZeroUsize,
    /// Images and texts that have a graph at once, when the gradient of a batch is computed in two passes; `None` for one
    /// pass.
    pub gradient_cache: Option<BatchSize>,
    /// Whether a block's activations are computed again for its gradient instead of being kept.
    pub gradient_checkpointing: bool,
    /// Whether every epoch has an order of its own; else it is the dataset's.
    pub shuffle: bool,
    /// What is done to training images at random; `None` is nothing.
    pub augment: Option<Augment>,
    /// The optimiser.
    pub optimizer: OptimizerPlan,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// The gradient's largest global norm; `None` does not clip.
    pub clip_grad_norm: Option<f64>,
    /// The decay of a moving average of the weights, which is what is evaluated and kept; `None` has none.
    pub ema: Option<EmaDecay>,
    /// The numbers that are computed with; weights, gradients and moments are 32-bit floats whatever it is.
    pub precision: Compute,
    /// Whether the same run gives the same bits on a GPU, too, where that costs speed.
    pub deterministic: bool,
    /// Which epoch is kept.
    pub select: Select,
    /// Epochs without a better one that end the training; `None` goes to the end.
    pub patience: Option<NonZeroUsize>,
    /// Models between the starting one (0) and the tuned one (1) that are tried in the end; empty for the tuned one as it
    /// is.
    pub interpolate: Vec<Fraction>,
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "objective", rename_all = "lowercase")]
pub enum Objective {
    /// Cross-entropy over the item's own texts.
    Choice,
    /// Symmetric InfoNCE in the batch; items of the same group are never each other's negatives.
    Contrastive,
    /// The choice loss plus the contrastive loss of the right texts.
    #[serde(rename = "choice+contrastive")]
    ChoiceContrastive {
        /// The factor of the contrastive loss.
        contrastive_weight: f64,
    },
    /// SigLIP's: every pair of the batch on its own.
    Sigmoid,
}

impl Objective {
    /// Its word in the language.
    pub fn as_str(self) -> &'static str {
        word_of(self)
    }

    /// Whether it looks at an item's own candidate texts.
    pub fn is_over_candidates(self) -> bool {
        matches!(self, Self::Choice | Self::ChoiceContrastive { .. })
    }
}

/// What an update minimises of its items' losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
}

/// Which weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tune", rename_all = "kebab-case")]
pub enum Tune {
    /// All of them.
    Full,
    /// All but the vision tower's, its projection included.
    LockedImage {
        /// Blocks of that tower, from its end, that move all the same, with its final norm and projection.
        unlocked_layers: usize,
    },
    /// All but the text tower's, its projection included.
    LockedText {
        /// Blocks of that tower, from its end, that move all the same, with its final norm and projection.
        unlocked_layers: usize,
    },
    /// The two projections and logit_scale.
    Projections,
    /// Adapters of low rank, which are all that moves.
    Lora {
        /// Their settings.
        lora: Lora,
    },
}

impl Tune {
    /// Its word in the language.
    pub fn as_str(self) -> &'static str {
        word_of(self)
    }
}

/// For people: its word and what belongs to it.
impl fmt::Display for Tune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::LockedImage { unlocked_layers } | Self::LockedText { unlocked_layers }
                if *unlocked_layers > 0 =>
            {
                write!(f, " but its last {unlocked_layers}")
            }
            Self::Lora { lora } => write!(f, " of rank {}", lora.rank),
            _ => Ok(()),
        }
    }
}

/// `train.lora:` – adapters of low rank over the linear layers of both towers' blocks (Hu et al. 2021): W·x becomes
/// W·x + alpha/rank · B·A·x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    /// The rank of what is added.
    pub rank: NonZeroUsize,
    /// Its strength, in units of the rank.
    pub alpha: f64,
    /// The share of an adapter's inputs that a step drops.
    pub dropout: f64,
    /// The layers that have one.
    pub targets: LoraTargets,
}

/// A linear layer of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoraTarget {
    /// The query projection.
    #[serde(rename = "q")]
    Query,
    /// The key projection.
    #[serde(rename = "k")]
    Key,
    /// The value projection.
    #[serde(rename = "v")]
    Value,
    /// The output projection of attention.
    #[serde(rename = "out")]
    Out,
    /// Both layers of the MLP.
    #[serde(rename = "mlp")]
    Mlp,
}

impl LoraTarget {
    /// All of them in order.
    pub const ALL: [Self; 5] = [Self::Query, Self::Key, Self::Value, Self::Out, Self::Mlp];
}

/// Layers with an adapter; a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<LoraTarget>", into = "Vec<LoraTarget>")]
pub struct LoraTargets(u8);

impl LoraTargets {
    /// None yet.
    pub(crate) const NONE: Self = Self(0);

    /// They, in the order of [`LoraTarget::ALL`].
    pub fn iter(self) -> impl Iterator<Item = LoraTarget> {
        LoraTarget::ALL.into_iter().filter(move |target| self.0 & bit(*target) != 0)
    }
}

fn bit(target: LoraTarget) -> u8 {
    1 << (target as u8)
}

impl From<Vec<LoraTarget>> for LoraTargets {
    fn from(targets: Vec<LoraTarget>) -> Self {
        Self(targets.into_iter().fold(0, |bits, target| bits | bit(target)))
    }
}

impl From<LoraTargets> for Vec<LoraTarget> {
    fn from(targets: LoraTargets) -> Self {
        targets.iter().collect()
    }
}

/// Whether logit_scale (and SigLIP's logit_bias) are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogitScale {
    /// Trained; CLIP's is kept between 0 and ln 100.
    Learned,
    /// As the starting point has them.
    Fixed,
}

/// `train.optimizer:` – how weights move against their gradients. Biases, norms, embeddings and logit_scale do not
/// decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerPlan {
    /// The rule and what it alone has.
    #[serde(flatten)]
    pub rule: UpdateRule,
    /// Peak learning rate.
    pub lr: LearningRate,
    /// Weight decay: decoupled from the gradient for AdamW, added to it for the others.
    pub weight_decay: f64,
    /// The factor of the learning rate from a layer to the one below it; 1 for the same rate everywhere.
    pub layer_decay: f64,
}

/// The optimiser's rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum UpdateRule {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW {
        /// Decay rates of the two moments.
        betas: (f64, f64),
        /// Added to the root of the second moment.
        eps: f64,
    },
    /// Adam (Kingma & Ba 2015); weight decay is added to the gradient.
    Adam {
        /// Decay rates of the two moments.
        betas: (f64, f64),
        /// Added to the root of the second moment.
        eps: f64,
    },
    /// Stochastic gradient descent; weight decay is added to the gradient.
    Sgd {
        /// Decay rate of the running sum of gradients; 0 without one.
        momentum: f64,
        /// Whether the step looks ahead along that sum (Nesterov).
        nesterov: bool,
    },
}

impl UpdateRule {
    /// Its word in the language.
    pub fn as_str(self) -> &'static str {
        word_of(self)
    }
}

/// `train.schedule:` – linear warm-up, then decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// How long the learning rate rises to its peak.
    #[serde(flatten)]
    pub warmup: Warmup,
    /// What follows.
    #[serde(flatten)]
    pub decay: Decay,
}

/// The length of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Warmup {
    /// In updates.
    #[serde(rename = "warmup_steps")]
    Steps(usize),
    /// As a share of all updates.
    #[serde(rename = "warmup")]
    Share(Fraction),
}

impl fmt::Display for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => steps.fmt(f),
            Self::Share(share) => write!(f, "{} %", 100.0 * share.get()),
        }
    }
}

/// The learning rate after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decay", rename_all = "kebab-case")]
pub enum Decay {
    /// Half a cosine to zero.
    Cosine,
    /// A straight line to zero.
    Linear,
    /// None.
    Constant,
    /// None, then a straight line to zero.
    ConstantWithCooldown {
        /// The share of all updates that the line takes.
        cooldown: Fraction,
    },
}

impl Decay {
    /// Its word in the language.
    pub fn as_str(self) -> &'static str {
        word_of(self)
    }
}

/// `train.precision:` – the numbers that a step computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// 32-bit floats.
    Fp32,
    /// 32-bit floats whose matrix products round their inputs to 10 bits of mantissa, on GPUs that can.
    Tf32,
    /// 16-bit floats with the exponents of 32-bit ones in linear layers and attention.
    Bf16,
}

/// `train.select:` – which epoch's weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// The highest validation accuracy; the earlier epoch at a tie.
    #[serde(rename = "validation.accuracy")]
    ValidationAccuracy,
    /// The lowest validation loss.
    #[serde(rename = "validation.loss")]
    ValidationLoss,
    /// The last epoch; the validation split may be empty.
    #[serde(rename = "last")]
    Last,
}

/// `checkpoint:` – how often training saves what it goes on from. It decides no result and is no part of a run's
/// identity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointInterval {
    /// After so many optimiser steps.
    EverySteps(NonZeroUsize),
    /// After so many minutes.
    EveryMinutes(f64),
}

impl Default for CheckpointInterval {
    /// Five minutes of work may be lost; writing a few gigabytes so often wears out no disk.
    fn default() -> Self {
        Self::EveryMinutes(5.0)
    }
}
