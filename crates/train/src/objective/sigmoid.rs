//! The sigmoid loss of SigLIP (Zhai et al. 2023, algorithm 1).

use tch::{Kind, Tensor};

use super::Embeddings;
use super::rows::{Rows, Side};
use crate::error::TrainError;

/// Computes −1/n · Σᵢⱼ log σ(zᵢⱼ · (s·cosᵢⱼ + b)), where z is 1 if the text belongs to the image and −1 otherwise.
/// Every pair is a separate question.
///
/// A text that equals the image's own counts as that text, so z is 1 for it, too: the question is the same. Other pairs
/// that are [true anyway](crate::data::Example::accepts), such as those within a group, are left out. A pair is either
/// right or wrong, so there is no target to smooth.
pub(super) fn loss(_: f64, embeddings: &Embeddings, rows: &Rows<'_>) -> Result<Tensor, TrainError> {
    let logits = rows.logits(Side::Image, embeddings)?;
    let logits = match &embeddings.logit_bias {
        Some(bias) => logits.f_add(bias)?,
        None => logits,
    };
    let own = rows.pairs(Side::Image, &logits, |image, text| image.truth.is_equal(&text.truth))?;
    let left_out = rows.pairs(Side::Image, &logits, |image, text| {
        image.accepts(text) && !image.truth.is_equal(&text.truth)
    })?;
    let signs = own.f_to_kind(Kind::Float)?.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    let likelihoods = logits.f_mul(&signs)?.f_log_sigmoid()?.f_masked_fill(&left_out, 0.0)?;
    Ok(likelihoods.f_sum(Kind::Float)?.f_mul_scalar(-1.0 / rows.own.len() as f64)?)
}
