//! The losses that a training can minimise.

mod choice;
mod contrastive;
mod rows;
mod sigmoid;

use std::borrow::Cow;
use std::ops::Range;

use cliptune_experiment::Objective;
use tch::{Kind, Reduction, Tensor};

use crate::data::{Example, Needed};
use crate::error::TrainError;
use rows::Rows;

/// The normalised embeddings of a batch, with the numbers that turn their cosines into logits.
#[derive(Debug)]
pub struct Embeddings {
    /// The embeddings of the distinct images, `[images, D]`.
    pub images: Tensor,
    /// The embeddings of the distinct texts, `[texts, D]`.
    pub texts: Tensor,
    /// The factor of the cosines, exp(logit_scale), as one number.
    pub logit_scale: Tensor,
    /// The number that is added to every logit; only SigLIP has it.
    pub logit_bias: Option<Tensor>,
}

impl Embeddings {
    /// Shares the tensors without copying them.
    fn shared(&self) -> Self {
        Self {
            images: self.images.shallow_clone(),
            texts: self.texts.shallow_clone(),
            logit_scale: self.logit_scale.shallow_clone(),
            logit_bias: self.logit_bias.as_ref().map(Tensor::shallow_clone),
        }
    }
}

/// A loss over the pairs of some examples with all right texts and images of a batch, as the mean over these examples. Its
/// first argument is the share of label smoothing.
type PairLoss = fn(f64, &Embeddings, &Rows<'_>) -> Result<Tensor, TrainError>;

/// The properties of an objective that matter to a training.
///
/// The plan says whether an objective is over the candidate texts of each item ([`Objective::is_over_candidates`]);
/// everything else is here, and whatever depends on an objective asks one of the two. A new objective takes a variant
/// there, an arm here, and a file with its loss beside this one.
struct Recipe {
    /// The weight and the function of the loss over the pairs of a batch, if there is one.
    over_pairs: Option<(f64, PairLoss)>,
    /// Whether the loss is meaningless without a logit_bias.
    needs_logit_bias: bool,
}

fn recipe(objective: Objective) -> Recipe {
    match objective {
        Objective::Choice => Recipe { over_pairs: None, needs_logit_bias: false },
        Objective::Contrastive => {
            Recipe { over_pairs: Some((1.0, contrastive::loss)), needs_logit_bias: false }
        }
        Objective::ChoiceContrastive { contrastive_weight } => {
            Recipe { over_pairs: Some((contrastive_weight, contrastive::loss)), needs_logit_bias: false }
        }
        Objective::Sigmoid => Recipe { over_pairs: Some((1.0, sigmoid::loss)), needs_logit_bias: true },
    }
}

/// Returns which texts a step of this objective encodes.
pub fn needed(objective: Objective) -> Needed {
    if objective.is_over_candidates() { Needed::Candidates } else { Needed::RightText }
}

/// Checks whether the items of a batch are each other's negatives.
pub(crate) fn has_negatives_in_batch(objective: Objective) -> bool {
    recipe(objective).over_pairs.is_some()
}

/// Checks whether the model must have a logit_bias.
pub(crate) fn needs_logit_bias(objective: Objective) -> bool {
    recipe(objective).needs_logit_bias
}

/// Returns the loss of a model that finds all answers equally likely.
///
/// SigLIP's loss sums over pairs, and its start depends on the bias; the value for the other losses of a batch is a
/// fair measure of it.
pub(crate) fn ignorance<'a>(objective: Objective, batch: impl Iterator<Item = &'a Example> + Clone) -> f64 {
    let of = |answers: usize| (answers.max(2) as f64).ln();
    let among_texts = || of(batch.clone().map(|example| example.texts.len()).max().unwrap_or(0));
    let over_candidates = if objective.is_over_candidates() { among_texts() } else { 0.0 };
    over_candidates + recipe(objective).over_pairs.map_or(0.0, |(weight, _)| weight * of(batch.count()))
}

/// Returns the mean loss over a batch's examples, as a scalar through which gradients flow.
///
/// With label smoothing, the target of a cross-entropy spreads the share `label_smoothing` of its probability evenly
/// over all candidates, as `torch.nn.CrossEntropyLoss` does.
pub fn loss(
    objective: Objective,
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
) -> Result<Tensor, TrainError> {
    loss_of_share(objective, label_smoothing, embeddings, examples, 0..examples.len())
}

/// Returns the mean loss over a share of a batch's examples, each of which is compared with the whole batch.
///
/// The mean of the losses of all shares, weighted by their sizes, is the loss of the batch, and that of their gradients is
/// its gradient: each process computes the rows of its own examples, as open_clip does with `--local-loss`
/// `--gather-with-grad`. A share has at least one example.
pub fn loss_of_share(
    objective: Objective,
    label_smoothing: f64,
    embeddings: &Embeddings,
    examples: &[Example],
    share: Range<usize>,
) -> Result<Tensor, TrainError> {
    let rows = Rows { all: examples, own: share };
    let over_candidates = || {
        let (embeddings, examples) = rows.apart(embeddings)?;
        choice::loss(label_smoothing, &embeddings, &examples)
    };
    match recipe(objective).over_pairs {
        None => over_candidates(),
        Some((weight, loss)) => {
            let over_pairs = loss(label_smoothing, embeddings, &rows)?;
            // A weight of one should leave every number untouched.
            let weighted = if weight == 1.0 { over_pairs } else { over_pairs.f_mul_scalar(weight)? };
            match objective.is_over_candidates() {
                true => Ok(over_candidates()?.f_add(&weighted)?),
                false => Ok(weighted),
            }
        }
    }
}

/// Returns a share of a batch's examples with only those embeddings that their own images and texts have.
pub(crate) fn apart<'a>(
    embeddings: &Embeddings,
    examples: &'a [Example],
    share: Range<usize>,
) -> Result<(Embeddings, Cow<'a, [Example]>), TrainError> {
    Rows { all: examples, own: share }.apart(embeddings)
}

pub use choice::logits as choice_logits;

/// Checks whether no example of a batch has a negative, because every text in it is true of every image.
pub(crate) fn lacks_negatives<'a>(batch: impl Iterator<Item = &'a Example> + Clone) -> bool {
    batch.clone().all(|image| batch.clone().all(|text| image.accepts(text)))
}

/// torch's default `ignore_index`, a label that no example has.
const IGNORE_NOTHING: i64 = -100;

/// Returns the mean cross-entropy of rows of logits with their labels. A logit of −∞ is not a candidate and gets no
/// share of a smoothed target.
fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Result<Tensor, TrainError> {
    let log_probabilities = logits.f_log_softmax(-1, Kind::Float)?;
    let of_labels = log_probabilities.f_nll_loss(labels, None::<&Tensor>, Reduction::Mean, IGNORE_NOTHING)?;
    if smoothing == 0.0 {
        return Ok(of_labels);
    }
    let absent = logits.f_isneginf()?;
    let candidates = absent.f_logical_not()?.f_sum_dim_intlist(-1, false, Kind::Float)?;
    let of_all = log_probabilities
        .f_masked_fill(&absent, 0.0)?
        .f_sum_dim_intlist(-1, false, Kind::Float)?
        .f_div(&candidates)?
        .f_mean(Kind::Float)?;
    Ok(of_labels.f_mul_scalar(1.0 - smoothing)?.f_sub(&of_all.f_mul_scalar(smoothing)?)?)
}

/// Returns the indices as a tensor on the device of `beside`.
fn indices(rows: impl Iterator<Item = usize>, beside: &Tensor) -> Result<Tensor, TrainError> {
    let rows: Vec<i64> = rows.map(|row| row as i64).collect();
    Ok(Tensor::from_slice(&rows).f_to_device(beside.device())?)
}
