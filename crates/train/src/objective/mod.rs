//! The losses.

mod choice;
mod contrastive;

use cliptune_experiment::Objective;
use tch::{Kind, Reduction, Tensor};

use crate::data::{Example, Needed};
use crate::error::TrainError;

/// Normalised embeddings of a batch and the factor of their cosines.
#[derive(Debug)]
pub struct Embeddings {
    /// Distinct images `[images, D]`.
    pub images: Tensor,
    /// Distinct texts `[texts, D]`.
    pub texts: Tensor,
    /// exp(logit_scale), a scalar.
    pub logit_scale: Tensor,
}

/// Which texts a step of this objective encodes.
pub fn needed(objective: Objective) -> Needed {
    match objective {
        Objective::Choice => Needed::Candidates,
        Objective::Contrastive => Needed::RightText,
    }
}

/// The mean loss over a batch's examples, a scalar that gradients flow from.
pub fn loss(
    objective: Objective,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    match objective {
        Objective::Choice => choice::loss(embeddings, examples),
        Objective::Contrastive => contrastive::loss(embeddings, examples),
    }
}

pub use choice::logits as choice_logits;

/// torch's default `ignore_index`, a label that no example has.
const IGNORE_NOTHING: i64 = -100;

/// Mean negative log-softmax at the labels over rows of logits.
fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, TrainError> {
    Ok(logits.f_log_softmax(-1, Kind::Float)?.f_nll_loss(
        labels,
        None::<&Tensor>,
        Reduction::Mean,
        IGNORE_NOTHING,
    )?)
}

/// Indices as a tensor beside the embeddings.
fn indices(rows: impl Iterator<Item = usize>, beside: &Tensor) -> Result<Tensor, TrainError> {
    let rows: Vec<i64> = rows.map(|row| row as i64).collect();
    Ok(Tensor::from_slice(&rows).f_to_device(beside.device())?)
}
