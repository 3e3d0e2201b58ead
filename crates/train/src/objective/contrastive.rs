//! The symmetric InfoNCE loss within a batch (Radford et al. 2021, figure 3).

use tch::Tensor;

use super::rows::{Rows, Side};
use super::{Embeddings, cross_entropy, indices};
use crate::error::TrainError;

/// Compares every example's image with every example's right text, and the other way round.
///
/// A pair that is [true anyway](crate::data::Example::accepts) (two captions of one cartoon, one caption of two
/// photographs) appears in no denominator but its own: calling a true caption wrong teaches nothing but noise. It is left
/// out rather than made a second target, as the supervised contrastive losses do (Khosla et al. 2020; UniCL, Yang et al.
/// 2022): a softmax over several targets cannot come near 0, and how low it can come would depend on which examples
/// happen to share a batch. When it is left out, the loss of equal texts is that of a batch that has each text once, and
/// its smallest value is 0.
pub(super) fn loss(
    label_smoothing: f64,
    embeddings: &Embeddings,
    rows: &Rows<'_>,
) -> Result<Tensor, TrainError> {
    let of_images = contrasted(Side::Image, embeddings, rows)?;
    let of_texts = match rows.are_all() {
        // The same pairs, the other way round.
        true => of_images.f_transpose(0, 1)?,
        false => contrasted(Side::Text, embeddings, rows)?,
    };
    let labels = indices(rows.own.clone(), &of_images)?;
    let image_to_text = cross_entropy(&of_images, &labels, label_smoothing)?;
    let text_to_image = cross_entropy(&of_texts, &labels, label_smoothing)?;
    Ok(image_to_text.f_add(&text_to_image)?.f_mul_scalar(0.5)?)
}

/// Returns the logits of the rows, −∞ for pairs that are true anyway.
fn contrasted(side: Side, embeddings: &Embeddings, rows: &Rows<'_>) -> Result<Tensor, TrainError> {
    let logits = rows.logits(side, embeddings)?;
    let true_anyway =
        rows.pairs(side, &logits, |image, text| !std::ptr::eq(image, text) && image.accepts(text))?;
    Ok(logits.f_masked_fill(&true_anyway, f64::NEG_INFINITY)?)
}
