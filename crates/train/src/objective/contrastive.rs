//! Symmetric InfoNCE in the batch (Radford et al. 2021, figure 3).

use tch::{Kind, Tensor};

use super::{Embeddings, cross_entropy, indices};
use crate::data::Example;
use crate::error::TrainError;

/// Every example's image against every example's right text, and the other way round.
///
/// Two examples of one group (two captions of one cartoon) are not each other's negatives: calling a true caption
/// wrong teaches nothing but noise.
pub(super) fn loss(embeddings: &Embeddings, examples: &[Example]) -> Result<Tensor, TrainError> {
    let (images, texts) = (&embeddings.images, &embeddings.texts);
    let images = images.f_index_select(0, &indices(examples.iter().map(|one| one.image), images)?)?;
    let texts = texts.f_index_select(0, &indices(examples.iter().map(Example::right_text), texts)?)?;
    let logits = images.f_matmul(&texts.f_transpose(0, 1)?)?.f_mul(&embeddings.logit_scale)?;
    let logits = mask_own_group(logits, examples)?;
    let labels = indices(0..examples.len(), &images)?;
    let image_to_text = cross_entropy(&logits, &labels)?;
    let text_to_image = cross_entropy(&logits.f_transpose(0, 1)?, &labels)?;
    Ok(image_to_text.f_add(&text_to_image)?.f_mul_scalar(0.5)?)
}

fn mask_own_group(logits: Tensor, examples: &[Example]) -> Result<Tensor, TrainError> {
    let groups = indices(examples.iter().map(|example| example.group), &logits)?;
    let same = groups.f_unsqueeze(0)?.f_eq_tensor(&groups.f_unsqueeze(1)?)?;
    let itself = Tensor::f_eye(examples.len() as i64, (Kind::Bool, logits.device()))?;
    let others = same.f_logical_and(&itself.f_logical_not()?)?;
    Ok(logits.f_masked_fill(&others, f64::NEG_INFINITY)?)
}
