//! `train.optimizer`: how weights move against their gradients.

use crate::language::{Vocabulary, options, variants};
use crate::shape::Shape;
use crate::usual;
use crate::values::LearningRate;

options! {
    /// `train.optimizer`: how weights move against their gradients. Biases, norms, embeddings and logit_scale do not
    /// decay. What is left out is as open_clip and OpenAI have it for AdamW, and as `torch.optim` has it for the others.
    #[derive(Copy)]
    pub struct OptimizerPlan {
        /// The rule by which the optimiser updates a weight.
        #[serde(flatten)]
        rule: UpdateRule = "adamw";
        /// The peak learning rate.
        lr: LearningRate | usual::LEARNING_RATE;
        /// The weight decay. It is decoupled from the gradient for `adamw` (0.1 when absent) and added to the gradient for
        /// the others (0 when absent). Biases, norms, embeddings and logit_scale do not decay.
        weight_decay: f64 => rule.map(UpdateRule::usual_weight_decay), Shape::between(0.0, 10.0);
        /// The factor of the learning rate from each layer to the one below it. The norm and the projection at a tower's
        /// end and logit_scale have the full rate.
        layer_decay: f64 = "1", Shape::positive(1.0);
    }
}

const RATE: Shape = Shape::below_one();

variants! {
    /// The rule by which an optimiser updates a weight.
    pub enum UpdateRule under "name" {
        /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
        AdamW = "adamw" {
            /// The decay rates of the two moments.
            betas: (f64, f64) = "[0.9, 0.98]", Shape::pair(&RATE);
            /// The number that is added to the root of the second moment.
            eps: f64 = "1e-6", Shape::positive(1.0);
        },
        /// Adam (Kingma & Ba 2015).
        Adam = "adam" {
            /// The decay rates of the two moments.
            betas: (f64, f64) = "[0.9, 0.999]", Shape::pair(&RATE);
            /// The number that is added to the root of the second moment.
            eps: f64 = "1e-8", Shape::positive(1.0);
        },
        /// Stochastic gradient descent.
        Sgd = "sgd" {
            /// The decay rate of the running sum of gradients. At 0 there is no such sum.
            momentum: f64 = "0", RATE;
            /// Whether the step looks ahead along that sum (Nesterov).
            nesterov: bool = "false";
        },
    }
    planned &["lion", "muon"];
}

impl UpdateRule {
    /// Returns the word for this rule in the language.
    pub fn as_str(self) -> &'static str {
        self.word()
    }

    /// Returns the weight decay of an experiment that does not set one.
    fn usual_weight_decay(self) -> f64 {
        match self {
            Self::AdamW { .. } => 0.1,
            Self::Adam { .. } | Self::Sgd { .. } => 0.0,
        }
    }
}
