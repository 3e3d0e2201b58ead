//! Loss and accuracy on the validation split.

use cliptune_experiment::{BatchSize, Objective};
use tch::{Kind, Tensor};

use crate::data::{Arrangement, Batch, Example, evaluation_batches};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::objective::{self, Embeddings};

/// What a model reaches on a split; no numbers where there are no items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss, weighted by examples.
    pub loss: f64,
    /// Choices: share of right answers. Else: recall@1 from image to text over the whole split, where any
    /// text of the image's group counts.
    pub accuracy: f64,
}

/// Evaluates without gradients, in batches of the training size, so that losses of both splits compare. Labels are
/// never smoothed: the loss says how good the model is, whatever it was trained with.
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
        // In chunks: a batch whose gradient takes two passes may not fit into memory at once.
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

fn right_answers(embeddings: &Embeddings, examples: &[Example]) -> Result<f64, TrainError> {
    let answers = objective::choice_logits(embeddings, examples)?.f_argmax(-1, false)?;
    let labels: Vec<i64> = examples.iter().map(|example| example.label as i64).collect();
    let labels = Tensor::from_slice(&labels).f_to_device(answers.device())?;
    Ok(f64::try_from(&answers.f_eq_tensor(&labels)?.f_sum(Kind::Double)?)?)
}

fn recall_at_1(encoder: &Encoder<'_>, examples: &[Example]) -> Result<f64, TrainError> {
    let everyone: Vec<usize> = (0..examples.len()).collect();
    let batch = Batch::new(examples, &everyone, objective::needed(Objective::Contrastive));
    let images = Encoder::without_gradients(&batch.images, |rows| encoder.images(rows))?;
    let texts = Encoder::without_gradients(&batch.texts, |rows| encoder.texts(rows))?;
    let nearest = images.f_matmul(&texts.f_transpose(0, 1)?)?.f_argmax(-1, false)?;
    let nearest = Vec::<i64>::try_from(&nearest)?;
    // A text may belong to several groups when two cartoons are described alike.
    let groups = groups_of_texts(&batch);
    let found = batch.examples.iter().filter(|one| groups[nearest[one.image] as usize].contains(&one.group));
    Ok(found.count() as f64 / examples.len() as f64)
}

fn groups_of_texts(batch: &Batch) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); batch.texts.len()];
    for example in &batch.examples {
        groups[example.right_text()].push(example.group);
    }
    groups
}
