//! The symmetric InfoNCE loss within a batch (Radford et al. 2021, figure 3).

use tch::Tensor;

use super::{Embeddings, cross_entropy, indices, pair_logits, pairs};
use crate::data::Example;
use crate::error::TrainError;

/// Compares every example's image with every example's right text, and the other way round.
///
/// A pair that is [true anyway](Example::accepts) (two captions of one cartoon, one caption of two photographs) appears
/// in no denominator but its own: calling a true caption wrong teaches nothing but noise. It is left out rather than
/// made a second target, as the supervised contrastive losses do (Khosla et al. 2020; UniCL, Yang et al. 2022): a
/// softmax over several targets cannot come near 0, and how low it can come would depend on which examples happen to
/// share a batch. When it is left out, the loss of equal texts is that of a batch that has each text once, and its
/// smallest value is 0.
pub(super) fn loss(
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    let logits = pair_logits(embeddings, examples)?;
    let true_anyway =
        pairs(examples, &logits, |image, text| !std::ptr::eq(image, text) && image.accepts(text))?;
    let logits = logits.f_masked_fill(&true_anyway, f64::NEG_INFINITY)?;
    let labels = indices(0..examples.len(), &logits)?;
    let image_to_text = cross_entropy(&logits, &labels, label_smoothing)?;
    let text_to_image = cross_entropy(&logits.f_transpose(0, 1)?, &labels, label_smoothing)?;
    Ok(image_to_text.f_add(&text_to_image)?.f_mul_scalar(0.5)?)
}
