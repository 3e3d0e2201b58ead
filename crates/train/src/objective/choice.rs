//! The cross-entropy over an item's own texts.

use tch::Tensor;

use super::{Embeddings, cross_entropy, indices};
use crate::data::Example;
use crate::error::TrainError;

/// Returns the logits of every example's texts: `[examples, most texts]`, −∞ where an example has fewer.
pub fn logits(embeddings: &Embeddings, examples: &[Example]) -> Result<Tensor, TrainError> {
    let similarity = embeddings.images.f_matmul(&embeddings.texts.f_transpose(0, 1)?)?;
    let (texts, most) = (similarity.size()[1] as usize, most_texts(examples));
    let cells = examples.iter().flat_map(|example| {
        // The first text stands in for a missing one, which is masked below.
        (0..most).map(move |n| example.image * texts + example.texts.get(n).unwrap_or(&example.texts[0]))
    });
    let picked = similarity
        .f_reshape([-1])?
        .f_index_select(0, &indices(cells, &similarity)?)?
        .f_view([examples.len() as i64, most as i64])?
        .f_mul(&embeddings.logit_scale)?;
    without(&picked, examples, |example, n| n >= example.texts.len())
}

/// Returns the loss. A choice that equals the right one is not a wrong answer, so it is left out of the candidates.
pub(super) fn loss(
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    let labels = indices(examples.iter().map(|example| example.label), &embeddings.images)?;
    let logits = logits(embeddings, examples)?;
    let candidates = without(&logits, examples, |example, n| {
        n != example.label && example.texts.get(n) == Some(&example.right_text())
    })?;
    cross_entropy(&candidates, &labels, label_smoothing)
}

fn most_texts(examples: &[Example]) -> usize {
    examples.iter().map(|example| example.texts.len()).max().unwrap_or(0)
}

/// Sets the logits of the texts for which `holds` is true to −∞.
fn without(
    logits: &Tensor,
    examples: &[Example],
    holds: impl Fn(&Example, usize) -> bool,
) -> Result<Tensor, TrainError> {
    let (most, holds) = (most_texts(examples), &holds);
    let cells: Vec<bool> =
        examples.iter().flat_map(|example| (0..most).map(move |n| holds(example, n))).collect();
    if !cells.contains(&true) {
        return Ok(logits.shallow_clone());
    }
    let mask = Tensor::from_slice(&cells).f_view_as(logits)?.f_to_device(logits.device())?;
    Ok(logits.f_masked_fill(&mask, f64::NEG_INFINITY)?)
}
