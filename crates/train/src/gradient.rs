//! The gradient of one update.

use cliptune_experiment::{Reduction, TrainPlan};

use crate::data::{Batch, Example};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::objective;

/// Adds the gradients of some batches up and returns the mean loss of their items.
///
/// Each item counts the same, in whatever batch it is: the gradient is that of the mean (or the sum) over all items of
/// the update. Stops at a loss that is not a number.
pub fn accumulate(
    plan: &TrainPlan,
    encoder: &Encoder<'_>,
    examples: &[Example],
    batches: &[Vec<usize>],
) -> Result<f64, TrainError> {
    let items: usize = batches.iter().map(Vec::len).sum();
    let mut mean = 0.0;
    for chosen in batches {
        let batch = Batch::new(examples, chosen, objective::needed(plan.objective));
        let share = chosen.len() as f64 / items as f64;
        let factor = match plan.reduction {
            Reduction::Mean => share,
            Reduction::Sum => chosen.len() as f64,
        };
        let loss = of_batch(plan, encoder, &batch, factor)?;
        mean += share * loss;
        if !loss.is_finite() {
            break;
        }
    }
    Ok(mean)
}

/// Adds `factor` times the gradient of a batch's mean loss, which is returned.
fn of_batch(plan: &TrainPlan, encoder: &Encoder<'_>, batch: &Batch, factor: f64) -> Result<f64, TrainError> {
    let embeddings = encoder.embeddings(&batch.images, &batch.texts)?;
    let loss = objective::loss(plan.objective, plan.label_smoothing, &embeddings, &batch.examples)?;
    let value = f64::try_from(&loss)?;
    if value.is_finite() {
        // One batch an update and its mean: the usual case, whose numbers nothing should touch.
        let scaled = if factor == 1.0 { loss } else { loss.f_mul_scalar(factor)? };
        scaled.f_backward()?;
    }
    Ok(value)
}
