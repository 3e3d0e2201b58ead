//! Whether a model computes numbers.

use cliptune_clip::ClipConfig;
use cliptune_clip::names;
use cliptune_clip::ops::Ops;
use cliptune_clip::towers::{text_tower, vision_tower};
use cliptune_clip::weights::Tower;
use tch::{Device, Kind, Tensor};

use super::interpreter::TorchOps;
use super::parameters::{Parameter, Parameters};
use crate::error::TrainError;

impl Parameters {
    /// What is wrong with the first weight that has an element that is no number, if there is one.
    pub fn fault(&self) -> Result<Option<String>, TrainError> {
        let _guard = tch::no_grad_guard();
        for Parameter { spec, tensor } in self.iter() {
            // A sum shows every NaN and infinity at the cost of one pass. It can overflow, too; then it is looked at again.
            if !is_finite(tensor)? && !has_all(&tensor.f_isfinite()?)? {
                let held = if has_all(&tensor.f_isnan()?.f_logical_not()?)? { "infinity" } else { "NaN" };
                return Ok(Some(format!("weight {} holds {held}", spec.name)));
            }
        }
        Ok(None)
    }
}

/// Why a model gives no finite logits, if it does not. Asked before anything is trained or recorded, of an image and a text
/// that stand for any: `ids` is `[1, tokens]`.
pub(crate) fn fault(
    parameters: &Parameters,
    config: &ClipConfig,
    ids: &Tensor,
    device: Device,
) -> Result<Option<String>, TrainError> {
    if let Some(fault) = parameters.fault()? {
        return Ok(Some(fault));
    }
    let _guard = tch::no_grad_guard();
    let ops = &mut TorchOps::new(parameters);
    let text = text_tower(ops, &config.text, ids, None)?;
    if !is_finite(&ops.normalize(&text)?)? {
        return Ok(Some(of_tower(parameters, Tower::Text)?));
    }
    let side = config.vision.image_size as i64;
    // Not one colour: no patch is like another.
    let pixels = Tensor::f_linspace(-1.0, 1.0, 3 * side * side, (Kind::Float, device))?;
    let image = vision_tower(ops, &config.vision, &pixels.f_view([1, 3, side, side])?)?;
    if !is_finite(&ops.normalize(&image)?)? {
        return Ok(Some(of_tower(parameters, Tower::Vision)?));
    }
    let scale = parameters.logit_scale()?;
    Ok((!scale.is_finite())
        .then(|| format!("weight {} is too large: its exponential is {scale}", names::LOGIT_SCALE)))
}

/// Why a tower whose weights are all numbers computes none: a weight of zeros has no direction.
fn of_tower(parameters: &Parameters, tower: Tower) -> Result<String, TrainError> {
    for Parameter { spec, tensor } in parameters.iter() {
        let counts = spec.part.tower() == Some(tower) && !spec.name.ends_with("bias");
        if counts && tensor.f_count_nonzero(None)?.f_int64_value(&[])? == 0 {
            return Ok(format!("weight {} is all zeros", spec.name));
        }
    }
    let tower = match tower {
        Tower::Vision => "vision",
        Tower::Text => "text",
    };
    Ok(format!("its {tower} tower computes NaN, though its weights are numbers"))
}

fn is_finite(tensor: &Tensor) -> Result<bool, TrainError> {
    Ok(f64::try_from(&tensor.f_sum(Kind::Float)?)?.is_finite())
}

fn has_all(flags: &Tensor) -> Result<bool, TrainError> {
    Ok(flags.f_all()?.f_int64_value(&[])? != 0)
}
