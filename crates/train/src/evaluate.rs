//! Computes loss and accuracy on the validation split.

use std::collections::HashMap;
use std::iter;

use cliptune_clip::weights::Tower;
use cliptune_experiment::{BatchSize, Objective, TaskKind};
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
    /// The accuracy: for choices and classes the share of right answers, for pairs recall@1 from image to text over the whole
    /// split, where any text that is true of the image counts. Ties are shared, as in scoring: an example counts as
    /// much as the probability that a right text comes first when texts with equal scores come in a random order.
    pub accuracy: f64,
}

/// Evaluates without gradients, in batches of the training size, so that the losses of both splits are comparable.
/// Labels are never smoothed: the loss says how good the model is, regardless of how it was trained.
///
/// The processes of a group share the work, and all have the same results.
pub fn evaluate(
    encoder: &Encoder<'_>,
    objective: Objective,
    task: TaskKind,
    batch_size: BatchSize,
    examples: &[Example],
) -> Result<Evaluation, TrainError> {
    if examples.is_empty() {
        return Ok(Evaluation { loss: f64::NAN, accuracy: f64::NAN });
    }
    let _guard = tch::no_grad_guard();
    let (loss, right) = over_batches(encoder, objective, batch_size, examples)?;
    let accuracy = match (objective.is_over_candidates(), task) {
        (true, _) => right,
        // An image is judged among all classes, however it was trained.
        (false, TaskKind::Classes) => {
            found_first(encoder, examples, Needed::Candidates, |example, _| vec![example.right_text()])?
        }
        (false, TaskKind::Choice | TaskKind::Pairs) => {
            let known = |example: &Example, places: &Places| {
                example.truth.texts().iter().filter_map(|row| places.get(row).copied()).collect()
            };
            found_first(encoder, examples, Needed::RightText, known)?
        }
    };
    Ok(Evaluation { loss, accuracy })
}

/// Returns the mean loss and, if an item has candidates, the share of items whose right text comes first among them.
fn over_batches(
    encoder: &Encoder<'_>,
    objective: Objective,
    batch_size: BatchSize,
    examples: &[Example],
) -> Result<(f64, f64), TrainError> {
    let (mut loss, mut right, mut seen) = (0.0, 0.0, 0.0);
    let mut encoded: Option<(Vec<usize>, Tensor)> = None;
    for chosen in evaluation_batches(examples, Arrangement::of(objective), batch_size) {
        let batch = Batch::new(examples, &chosen, objective::needed(objective));
        // This works in chunks, because a batch whose gradient takes two passes may not fit into memory at once.
        let images = encoder.many_images(&batch.images)?;
        // Batches whose candidates are the classes of a dataset have the same texts.
        let texts = match encoded.take() {
            Some((rows, texts)) if rows == batch.texts => texts,
            _ => encoder.many_texts(&batch.texts)?,
        };
        let embeddings = encoder.with_temperature(images, texts.shallow_clone())?;
        let share = encoder.group().share(batch.examples.len());
        seen += batch.examples.len() as f64;
        encoded = Some((batch.texts, texts));
        if share.is_empty() {
            continue;
        }
        let mean = objective::loss_of_share(objective, 0.0, &embeddings, &batch.examples, share.clone())?;
        loss += share.len() as f64 * f64::try_from(&mean)?;
        if objective.is_over_candidates() {
            let (embeddings, examples) = objective::apart(&embeddings, &batch.examples, share)?;
            right += right_answers(&embeddings, &examples)?;
        }
    }
    let sums = encoder.group().sums(&[loss, right])?;
    Ok((sums[0] / seen, sums[1] / seen))
}

/// Counts the examples whose right text comes first among their own texts.
fn right_answers(embeddings: &Embeddings, examples: &[Example]) -> Result<f64, TrainError> {
    let logits = numbers(&objective::choice_logits(embeddings, examples)?)?;
    let right = |(example, logits): (&Example, &Vec<f64>)| {
        TiedRank::new(&logits[..example.texts.len()], iter::once(example.label)).within(1)
    };
    Ok(examples.iter().zip(&logits).map(right).sum())
}

/// The places of the text bank's rows among the texts of a batch.
type Places = HashMap<usize, usize>;

/// Returns the share of examples of which one of the right texts comes first among all texts that are needed. `right`
/// gives the places of an example's right texts. Each process looks at its share of the images.
fn found_first(
    encoder: &Encoder<'_>,
    examples: &[Example],
    needed: Needed,
    right: impl Fn(&Example, &Places) -> Vec<usize>,
) -> Result<f64, TrainError> {
    let everyone: Vec<usize> = (0..examples.len()).collect();
    let batch = Batch::new(examples, &everyone, needed);
    let share = encoder.group().share(batch.images.len());
    let images = encoder.many_own(Tower::Vision, &batch.images[share.clone()])?;
    let texts = encoder.many_texts(&batch.texts)?.f_transpose(0, 1)?;
    let places: Places = batch.texts.iter().enumerate().map(|(at, &row)| (row, at)).collect();
    let mut of_image: Vec<Vec<&Example>> = vec![Vec::new(); batch.images.len()];
    batch.examples.iter().for_each(|example| of_image[example.image].push(example));
    let first =
        |cosines: &[f64], example| TiedRank::new(cosines, right(example, &places).into_iter()).within(1);
    let (mut found, mut queries) = (0.0, of_image[share].iter());
    for chunk in images.f_split(IMAGES_AT_ONCE, 0)? {
        for (cosines, examples) in numbers(&chunk.f_matmul(&texts)?)?.iter().zip(&mut queries) {
            found += examples.iter().map(|example| first(cosines, example)).sum::<f64>();
        }
    }
    Ok(encoder.group().sums(&[found])?[0] / examples.len() as f64)
}

/// Returns the rows of a matrix.
fn numbers(matrix: &Tensor) -> Result<Vec<Vec<f64>>, TrainError> {
    Ok(Vec::try_from(&matrix.f_to_kind(Kind::Double)?)?)
}
