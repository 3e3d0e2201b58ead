//! Computes loss and accuracy on the validation split.

use std::collections::HashMap;
use std::iter;

use cliptune_experiment::{BatchSize, Objective};
use cliptune_statistics::TiedRank;
use tch::{Kind, Tensor};

use crate::data::{Arrangement, Batch, Example, Needed, evaluation_batches};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::objective::{self, Embeddings};

/// The number of images whose similarities with all texts of a split are in memory at once.
const IMAGES_AT_ONCE: i64 = 256;

/// The results of a model on a split; NaN if the split has no items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss, weighted by examples.
    pub loss: f64,
    /// The accuracy: for choices the share of right answers, for pairs recall@1 from image to text over the whole
    /// split, where any text that is true of the image counts. Ties are shared, as in scoring: an example counts as
    /// much as the probability that a right text comes first when texts with equal scores come in a random order.
    pub accuracy: f64,
}

/// Evaluates without gradients, in batches of the training size, so that the losses of both splits are comparable.
/// Labels are never smoothed: the loss says how good the model is, regardless of how it was trained.
pub fn evaluate(
    encoder: &Encoder<'_>,
    objective: Objective,
    batch_size: BatchSize,
    examples: &[Example],
) -> Result<Evaluation, TrainError> {
    if examples.is_empty() {
        return Ok(Evaluation { loss: f64::NAN, accuracy: f64::NAN });
    }
    let _guard = tch::no_grad_guard();
    let order = evaluation_batches(examples, Arrangement::of(objective), batch_size);
    let (mut loss, mut right, mut seen) = (0.0, 0.0, 0.0);
    for chosen in order {
        let batch = Batch::new(examples, &chosen, objective::needed(objective));
        // This works in chunks, because a batch whose gradient takes two passes may not fit into memory at once.
        let images = Encoder::without_gradients(&batch.images, |rows| encoder.images(rows))?;
        let texts = Encoder::without_gradients(&batch.texts, |rows| encoder.texts(rows))?;
        let embeddings = encoder.with_temperature(images, texts)?;
        let count = batch.examples.len() as f64;
        loss += count * f64::try_from(&objective::loss(objective, 0.0, &embeddings, &batch.examples)?)?;
        seen += count;
        if objective.is_over_candidates() {
            right += right_answers(&embeddings, &batch.examples)?;
        }
    }
    let accuracy =
        if objective.is_over_candidates() { right / seen } else { recall_at_1(encoder, examples)? };
    Ok(Evaluation { loss: loss / seen, accuracy })
}

/// Counts the examples whose right text comes first among their own texts.
fn right_answers(embeddings: &Embeddings, examples: &[Example]) -> Result<f64, TrainError> {
    let logits = numbers(&objective::choice_logits(embeddings, examples)?)?;
    let right = |(example, logits): (&Example, &Vec<f64>)| {
        TiedRank::new(&logits[..example.texts.len()], iter::once(example.label)).within(1)
    };
    Ok(examples.iter().zip(&logits).map(right).sum())
}

fn recall_at_1(encoder: &Encoder<'_>, examples: &[Example]) -> Result<f64, TrainError> {
    let everyone: Vec<usize> = (0..examples.len()).collect();
    let batch = Batch::new(examples, &everyone, Needed::RightText);
    let images = Encoder::without_gradients(&batch.images, |rows| encoder.images(rows))?;
    let texts = Encoder::without_gradients(&batch.texts, |rows| encoder.texts(rows))?.f_transpose(0, 1)?;
    let places: HashMap<usize, usize> = batch.texts.iter().enumerate().map(|(at, &row)| (row, at)).collect();
    let mut of_image: Vec<Vec<&Example>> = vec![Vec::new(); batch.images.len()];
    batch.examples.iter().for_each(|example| of_image[example.image].push(example));
    let (mut found, mut queries) = (0.0, of_image.iter());
    for chunk in images.f_split(IMAGES_AT_ONCE, 0)? {
        for (cosines, examples) in numbers(&chunk.f_matmul(&texts)?)?.iter().zip(&mut queries) {
            found += examples.iter().map(|example| first(cosines, example, &places)).sum::<f64>();
        }
    }
    Ok(found / examples.len() as f64)
}

/// Returns the probability that a text that is true of an example's image comes first among all texts.
fn first(cosines: &[f64], example: &Example, places: &HashMap<usize, usize>) -> f64 {
    let texts = example.truth.texts();
    TiedRank::new(cosines, texts.iter().filter_map(|row| places.get(row).copied())).within(1)
}

/// Returns the rows of a matrix.
fn numbers(matrix: &Tensor) -> Result<Vec<Vec<f64>>, TrainError> {
    Ok(Vec::try_from(&matrix.f_to_kind(Kind::Double)?)?)
}
