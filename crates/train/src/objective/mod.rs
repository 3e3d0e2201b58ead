//! The losses.

mod choice;
mod contrastive;
mod sigmoid;

use cliptune_experiment::Objective;
use tch::{Kind, Reduction, Tensor};

use crate::data::{Example, Needed};
use crate::error::TrainError;

/// Normalised embeddings of a batch and what makes logits of their cosines.
#[derive(Debug)]
pub struct Embeddings {
    /// Distinct images `[images, D]`.
    pub images: Tensor,
    /// Distinct texts `[texts, D]`.
    pub texts: Tensor,
    /// exp(logit_scale), one number.
    pub logit_scale: Tensor,
    /// What is added, one number; SigLIP alone has it.
    pub logit_bias: Option<Tensor>,
}

/// Which texts a step of this objective encodes.
pub fn needed(objective: Objective) -> Needed {
    match objective {
        Objective::Choice => Needed::Candidates,
        Objective::Contrastive | Objective::Sigmoid => Needed::RightText,
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
        Objective::Sigmoid => sigmoid::loss(embeddings, examples),
    }
}

pub use choice::logits as choice_logits;

/// Logits of every example's image with every example's right text, `[examples, examples]`, and which of them belong to
/// two examples of one group: those say nothing, because a group's texts are true of all its images.
fn pair_logits(embeddings: &Embeddings, examples: &[Example]) -> Result<(Tensor, Tensor), TrainError> {
    let (images, texts) = (&embeddings.images, &embeddings.texts);
    let images = images.f_index_select(0, &indices(examples.iter().map(|one| one.image), images)?)?;
    let texts = texts.f_index_select(0, &indices(examples.iter().map(Example::right_text), texts)?)?;
    let logits = images.f_matmul(&texts.f_transpose(0, 1)?)?.f_mul(&embeddings.logit_scale)?;
    let groups = indices(examples.iter().map(|example| example.group), &logits)?;
    let same = groups.f_unsqueeze(0)?.f_eq_tensor(&groups.f_unsqueeze(1)?)?;
    let itself = Tensor::f_eye(examples.len() as i64, (Kind::Bool, logits.device()))?;
    let others = same.f_logical_and(&itself.f_logical_not()?)?;
    Ok((logits, others))
}

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
