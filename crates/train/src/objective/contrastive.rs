//! Symmetric InfoNCE in the batch (Radford et al. 2021, figure 3).

use tch::Tensor;

use super::{Embeddings, cross_entropy, indices, pair_logits};
use crate::data::Example;
use crate::error::TrainError;

/// Every example's image against every example's right text, and the other way round.
///
/// Two examples of one group (two captions of one cartoon) are not each other's negatives: calling a true caption
/// wrong teaches nothing but noise.
pub(super) fn loss(
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    let (logits, others) = pair_logits(embeddings, examples)?;
    let logits = logits.f_masked_fill(&others, f64::NEG_INFINITY)?;
    let labels = indices(0..examples.len(), &logits)?;
    let image_to_text = cross_entropy(&logits, &labels, label_smoothing)?;
    let text_to_image = cross_entropy(&logits.f_transpose(0, 1)?, &labels, label_smoothing)?;
    Ok(image_to_text.f_add(&text_to_image)?.f_mul_scalar(0.5)?)
}
