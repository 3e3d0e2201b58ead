//! torchvision's `ColorJitter` without the hue, on pixels `[3, side, side]` in 0…1.

use cliptune_experiment::ColorJitter;
use cliptune_random::Random;
use tch::{Kind, Tensor};

use crate::error::TrainError;

/// The weights of red, green and blue in a gray value (ITU-R 601-2, rounded as in torchvision).
const GRAY: [f32; 3] = [0.2989, 0.587, 0.114];

#[derive(Clone, Copy, PartialEq)]
enum Quality {
    Brightness,
    Contrast,
    Saturation,
}

/// Changes brightness, contrast and saturation by random factors, in random order.
pub(super) fn jitter(plan: &ColorJitter, pixels: Tensor, random: &mut Random) -> Result<Tensor, TrainError> {
    let mut factor = |strength: f64| random.between(1.0 - strength, 1.0 + strength);
    let mut changes = [
        (Quality::Brightness, factor(plan.brightness)),
        (Quality::Contrast, factor(plan.contrast)),
        (Quality::Saturation, factor(plan.saturation)),
    ];
    for end in (1..changes.len()).rev() {
        changes.swap(end, random.below(end + 1));
    }
    let mut pixels = pixels;
    // A quality that is not declared has the factor 1.
    for (quality, factor) in changes.into_iter().filter(|(_, factor)| *factor != 1.0) {
        pixels = change(quality, factor, &pixels)?;
    }
    Ok(pixels)
}

/// Computes factor · pixels + (1 − factor) · (the image without the quality), clamped to 0…1.
fn change(quality: Quality, factor: f64, pixels: &Tensor) -> Result<Tensor, TrainError> {
    let without = match quality {
        Quality::Brightness => pixels.f_zeros_like()?,
        Quality::Contrast => gray(pixels)?.f_mean(Kind::Float)?,
        Quality::Saturation => gray(pixels)?,
    };
    Ok(pixels.f_mul_scalar(factor)?.f_add(&without.f_mul_scalar(1.0 - factor)?)?.f_clamp(0.0, 1.0)?)
}

/// Converts pixels to gray: `[1, side, side]`.
fn gray(pixels: &Tensor) -> Result<Tensor, TrainError> {
    let weights = Tensor::from_slice(&GRAY).f_view([3, 1, 1])?;
    Ok(pixels.f_mul(&weights)?.f_sum_dim_intlist(0, true, Kind::Float)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// from torchvision.transforms.v2 import functional as F   # torchvision 0.26.0
    /// x = (torch.arange(12).float().reshape(3, 2, 2) ** 1.3 / 30).clamp(0, 1)
    /// F.adjust_brightness(x, 1.2), F.adjust_contrast(x, 0.7), F.adjust_saturation(x, 1.5)
    /// ```
    #[test]
    fn qualities_change_as_in_torchvision() {
        let pixels: Vec<f32> = (0..12).map(|n| (n as f32).powf(1.3) / 30.0).collect();
        let pixels = Tensor::from_slice(&pixels).view([3, 2, 2]);
        for (quality, factor, expected) in [
            (Quality::Brightness, 1.2, BRIGHTER),
            (Quality::Contrast, 0.7, FLATTER),
            (Quality::Saturation, 1.5, GAUDIER),
        ] {
            let changed = change(quality, factor, &pixels).unwrap().view([12]);
            let off = (changed - Tensor::from_slice(&expected)).abs().max().double_value(&[]);
            assert!(off < 2e-6, "{off:e}");
        }
    }

    const BRIGHTER: [f32; 12] = [
        0.0, 0.04, 0.098_492, 0.166_847, 0.242_515, 0.324_131, 0.410_825, 0.501_981, 0.597_141, 0.695_946,
        0.798_105, 0.903_38,
    ];
    const FLATTER: [f32; 12] = [
        0.081_318, 0.104_651, 0.138_771, 0.178_645, 0.222_785, 0.270_394, 0.320_966, 0.374_14, 0.429_65,
        0.487_286, 0.546_879, 0.608_29,
    ];
    const GAUDIER: [f32; 12] = [
        0.0, 0.0, 0.0, 0.022_092, 0.215_464, 0.287_848, 0.362_874, 0.441_01, 0.658_747, 0.752_616, 0.846_974,
        0.942_759,
    ];
}
