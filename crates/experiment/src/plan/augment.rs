//! `train.augment:` – what is done to training images at random.

use serde::{Deserialize, Serialize};

use crate::values::Fraction;

/// `train.augment:` – what is done to training images at random, in this order but for erasing, which comes last of all.
/// What is not named is not done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// A part of the image, resized to the whole.
    pub random_resized_crop: Option<RandomResizedCrop>,
    /// The share of images that are mirrored.
    pub horizontal_flip: Fraction,
    /// Other brightness, contrast and saturation.
    pub color_jitter: Option<ColorJitter>,
    /// A rectangle of nothing.
    pub random_erasing: Option<RandomErasing>,
}

/// A part of the image, resized to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomResizedCrop {
    /// Its least and greatest area, as a share of the image.
    pub scale: (f64, f64),
    /// Its least and greatest width, in units of its height.
    pub ratio: (f64, f64),
}

/// Factors between 1 − x and 1 + x, in an order that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColorJitter {
    /// Of all values.
    pub brightness: f64,
    /// Of the distance from the image's mean gray.
    pub contrast: f64,
    /// Of the distance from a pixel's own gray.
    pub saturation: f64,
}

/// A rectangle of the mean colour, which to the model is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomErasing {
    /// The share of images that have one.
    pub probability: Fraction,
    /// Its least and greatest area, as a share of the image.
    pub scale: (f64, f64),
    /// Its least and greatest height, in units of its width.
    pub ratio: (f64, f64),
}
