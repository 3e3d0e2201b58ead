//! Checks whether a model computes finite numbers.

use cliptune_clip::ClipConfig;
use cliptune_clip::ops::Ops;
use cliptune_clip::towers::{text_tower, vision_tower};
use tch::{Device, Kind, Tensor};

use super::interpreter::TorchOps;
use super::parameters::Parameters;
use crate::error::TrainError;

/// Returns why a model whose weights are finite does not compute finite embeddings, or `None` if it does. This is
/// checked before anything is trained or recorded, on one image and one text as samples: `ids` is `[1, tokens]`.
pub(crate) fn fault(
    parameters: &Parameters,
    config: &ClipConfig,
    ids: &Tensor,
    device: Device,
) -> Result<Option<String>, TrainError> {
    let _guard = tch::no_grad_guard();
    let ops = &mut TorchOps::new(parameters);
    let text = text_tower(ops, &config.text, ids, None)?;
    if !has_direction(&ops.normalize(&text)?)? {
        return Ok(Some("its text tower gives no direction to a text".to_owned()));
    }
    let side = config.vision.image_size as i64;
    // The image is not of one colour, so no two patches are alike.
    let pixels = Tensor::f_linspace(-1.0, 1.0, 3 * side * side, (Kind::Float, device))?;
    let image = vision_tower(ops, &config.vision, &pixels.f_view([1, 3, side, side])?)?;
    let sees = has_direction(&ops.normalize(&image)?)?;
    Ok((!sees).then(|| "its vision tower gives no direction to an image".to_owned()))
}

/// Checks whether a normalised embedding has length 1. An embedding that was zero has become NaN; one whose length was
/// too large to be a number has become zero.
fn has_direction(embedding: &Tensor) -> Result<bool, TrainError> {
    let length = f64::try_from(&embedding.f_square()?.f_sum(Kind::Float)?)?;
    Ok((length - 1.0).abs() < 1e-2)
}
