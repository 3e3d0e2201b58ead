//! `train:` – how weights are fitted.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::language::word_of;
use crate::values::{BatchSize, Fraction, LearningRate};

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
    /// Whether every epoch has an order of its own; else it is the dataset's.
    pub shuffle: bool,
    /// The optimiser.
    pub optimizer: OptimizerPlan,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// The gradient's largest global norm; `None` does not clip.
    pub clip_grad_norm: Option<f64>,
    /// Which epoch is kept.
    pub select: Select,
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
}

impl Tune {
    /// Its word in the language.
    pub fn as_str(self) -> &'static str {
        word_of(self)
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
    /// Peak learning rate.
    pub lr: LearningRate,
    /// Weight decay: decoupled from the gradient for AdamW, added to it for the others.
    pub weight_decay: f64,
    /// The factor of the learning rate from a layer to the one below it; 1 for the same rate everywhere.
    pub layer_decay: f64,
    /// The rule and what it alone has.
    #[serde(flatten)]
    pub rule: UpdateRule,
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

/// `train.select:` – which epoch's weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Select {
    /// The highest validation accuracy; the earlier epoch at a tie.
    #[serde(rename = "validation.accuracy")]
    ValidationAccuracy,
    /// The lowest validation loss.
    #[serde(rename = "validation.loss")]
    ValidationLoss,
}
