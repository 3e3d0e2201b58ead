//! `train` and `checkpoint`: how weights are fitted, and how often what training goes on from is saved.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::values::{BatchSize, LearningRate};

/// `train:` – how weights are fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// The loss.
    pub objective: Objective,
    /// Which weights move.
    pub tune: Tune,
    /// Passes over the train split.
    pub epochs: usize,
    /// Items a step.
    pub batch_size: BatchSize,
    /// The optimiser.
    pub optimizer: AdamW,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// The gradient's largest global norm; `None` does not clip.
    pub clip_grad_norm: Option<f64>,
    /// Which epoch is kept.
    pub select: Select,
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Cross-entropy over the item's own texts.
    Choice,
    /// Symmetric InfoNCE in the batch; items of the same group are never each other's negatives.
    Contrastive,
    /// SigLIP's: every pair of the batch on its own.
    Sigmoid,
}

/// Which weights move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tune {
    /// All of them.
    Full,
    /// All but the vision tower's (its projection included).
    LockedImage,
    /// All but the text tower's (its projection included).
    LockedText,
    /// The two projections and logit_scale.
    Projections,
}

/// `train.optimizer:` – AdamW (Loshchilov & Hutter 2019). Biases, norms, embeddings and logit_scale do not decay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// Peak learning rate.
    pub lr: LearningRate,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Decay rates of the two moments.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub eps: f64,
}

/// `train.schedule:` – linear warm-up, then decay to zero at the last step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Steps from zero to the peak.
    pub warmup_steps: usize,
    /// What follows.
    pub decay: Decay,
}

/// The learning rate after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Half a cosine to zero.
    Cosine,
    /// A straight line to zero.
    Linear,
    /// None.
    Constant,
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
