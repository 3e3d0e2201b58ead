//! The sigmoid loss of SigLIP (Zhai et al. 2023, algorithm 1).

use tch::{Kind, Tensor};

use super::{Embeddings, pair_logits};
use crate::data::Example;
use crate::error::TrainError;

/// −1/n · Σᵢⱼ log σ(zᵢⱼ · (s·cosᵢⱼ + b)), z being 1 for an example's own text and −1 for the others': every pair is a
/// question of its own. Pairs within a group are left out.
pub(super) fn loss(embeddings: &Embeddings, examples: &[Example]) -> Result<Tensor, TrainError> {
    let (logits, others) = pair_logits(embeddings, examples)?;
    let logits = match &embeddings.logit_bias {
        Some(bias) => logits.f_add(bias)?,
        None => logits,
    };
    let n = examples.len() as i64;
    let signs = Tensor::f_eye(n, (Kind::Float, logits.device()))?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    let likelihoods = logits.f_mul(&signs)?.f_log_sigmoid()?.f_masked_fill(&others, 0.0)?;
    Ok(likelihoods.f_sum(Kind::Float)?.f_mul_scalar(-1.0 / n as f64)?)
}
