//! Cross-entropy over the item's own texts.

use tch::{Kind, Tensor};

use super::{Embeddings, cross_entropy, indices};
use crate::data::Example;
use crate::error::TrainError;

/// Logits of every example's texts: `[examples, most texts]`, −∞ where an example has fewer.
pub fn logits(embeddings: &Embeddings, examples: &[Example]) -> Result<Tensor, TrainError> {
    let similarity = embeddings.images.f_matmul(&embeddings.texts.f_transpose(0, 1)?)?;
    let texts = similarity.size()[1] as usize;
    let most = examples.iter().map(|example| example.texts.len()).max().unwrap_or(0);
    let cells = examples.iter().flat_map(|example| {
        // A missing text repeats the first; it is masked below.
        (0..most).map(move |n| example.image * texts + example.texts.get(n).unwrap_or(&example.texts[0]))
    });
    let picked = similarity
        .f_reshape([-1])?
        .f_index_select(0, &indices(cells, &similarity)?)?
        .f_view([examples.len() as i64, most as i64])?
        .f_mul(&embeddings.logit_scale)?;
    if examples.iter().all(|example| example.texts.len() == most) {
        return Ok(picked);
    }
    let absent: Vec<i64> = examples
        .iter()
        .flat_map(|example| (0..most).map(move |n| i64::from(n >= example.texts.len())))
        .collect();
    let absent = Tensor::from_slice(&absent).f_view_as(&picked)?.f_to_kind(Kind::Bool)?;
    Ok(picked.f_masked_fill(&absent.f_to_device(similarity.device())?, f64::NEG_INFINITY)?)
}

pub(super) fn loss(
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    let labels = indices(examples.iter().map(|example| example.label), &embeddings.images)?;
    cross_entropy(&logits(embeddings, examples)?, &labels, label_smoothing)
}
