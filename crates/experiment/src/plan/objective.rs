//! `train.objective`: the loss.

use crate::language::{Vocabulary, variants, words};
use crate::shape::Shape;

variants! {
    /// The loss that a run minimises.
    pub enum Objective under "objective" {
        /// The cross-entropy over an item's own texts, or over all classes.
        Choice = "choice",
        /// Symmetric InfoNCE within the batch. A text that is true of an image is never its negative.
        Contrastive = "contrastive",
        /// The choice loss plus `contrastive_weight` times the contrastive loss of the right texts.
        ChoiceContrastive = "choice+contrastive" {
            /// The factor of the contrastive loss.
            contrastive_weight: f64 = "1", Shape::positive(1000.0);
        },
        /// SigLIP's loss, which judges every pair of the batch on its own. The model needs a logit_bias.
        Sigmoid = "sigmoid",
    }
}

impl Objective {
    /// Returns the word for this objective in the language.
    pub fn as_str(self) -> &'static str {
        self.word()
    }

    /// Checks whether the loss uses an item's own candidate texts.
    pub fn is_over_candidates(self) -> bool {
        matches!(self, Self::Choice | Self::ChoiceContrastive { .. })
    }

    /// Checks whether there is a target whose probability can be spread. To SigLIP's loss a pair is either right or
    /// wrong.
    pub(crate) fn has_target_to_smooth(self) -> bool {
        self != Self::Sigmoid
    }
}

words! {
    /// What an update minimises.
    pub enum Reduction {
        /// The mean of its items' losses.
        Mean = "mean",
        /// The sum of its items' losses.
        Sum = "sum",
    }
}
