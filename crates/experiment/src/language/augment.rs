//! `train.augment`: what is done to training images at random.

use super::Context;
use crate::plan::{Augment, ColorJitter, RandomErasing, RandomResizedCrop};
use crate::problem::Problem;
use crate::shape::{Key, Shape};
use crate::values::Fraction;
use crate::yaml::Node;

const AREA: Shape = Shape::positive(1.0);
const RATIO: Shape = Shape::positive(100.0);
const STRENGTH: Shape = Shape::between(0.0, 1.0);

/// The keys of `train.augment`.
pub(super) const KEYS: &[Key] = &[
    Key::optional(
        "random_resized_crop",
        Shape::Map(CROP),
        "a random part of the preprocessed image, resized to the whole with bicubic interpolation",
    ),
    Key::with_default(
        "horizontal_flip",
        STRENGTH,
        "0",
        "the share of images that are mirrored; lettering is mirrored too",
    ),
    Key::optional(
        "color_jitter",
        Shape::Map(COLOR),
        "random brightness, contrast and saturation, in random order",
    ),
    Key::optional("random_erasing", Shape::Map(ERASING), "a random rectangle of the mean colour"),
];

const CROP: &[Key] = &[
    Key::with_default("scale", Shape::pair(&AREA), "[0.9, 1]", "the part's least and greatest area"),
    Key::with_default(
        "ratio",
        Shape::pair(&RATIO),
        "[0.75, 1.3333333333333333]",
        "its least and greatest width, in units of its height",
    ),
];

const COLOR: &[Key] = &[
    Key::with_default("brightness", STRENGTH, "0", "the greatest change of brightness, as a share"),
    Key::with_default("contrast", STRENGTH, "0", "the greatest change of contrast, as a share"),
    Key::with_default("saturation", STRENGTH, "0", "the greatest change of saturation, as a share"),
];

const ERASING: &[Key] = &[
    Key::with_default("probability", STRENGTH, "0.5", "the share of images that have one"),
    Key::with_default("scale", Shape::pair(&AREA), "[0.02, 0.33]", "its least and greatest area"),
    Key::with_default(
        "ratio",
        Shape::pair(&RATIO),
        "[0.3, 3.3]",
        "its least and greatest height, in units of its width",
    ),
];

const CROP_PATH: &str = "train.augment.random_resized_crop";
const ERASING_PATH: &str = "train.augment.random_erasing";

/// Reads `train.augment`.
pub(super) fn decode(node: &Node, context: &mut Context<'_>) -> Option<Augment> {
    let crop = node.get("random_resized_crop").map(|crop| {
        let (scale, ratio) =
            (range(crop, CROP_PATH, "scale", context), range(crop, CROP_PATH, "ratio", context));
        Some(RandomResizedCrop { scale: scale?, ratio: ratio? })
    });
    let erasing = node.get("random_erasing").map(|erasing| {
        let scale = range(erasing, ERASING_PATH, "scale", context);
        let ratio = range(erasing, ERASING_PATH, "ratio", context);
        let probability = Fraction::try_from(erasing.read::<f64>("probability")?).ok()?;
        Some(RandomErasing { probability, scale: scale?, ratio: ratio? })
    });
    let color = node.get("color_jitter").map(|color| {
        let [brightness, contrast, saturation] =
            ["brightness", "contrast", "saturation"].map(|key| color.read(key));
        Some(ColorJitter { brightness: brightness?, contrast: contrast?, saturation: saturation? })
    });
    Some(Augment {
        random_resized_crop: given(crop)?,
        horizontal_flip: Fraction::try_from(node.read::<f64>("horizontal_flip")?).ok()?,
        color_jitter: given(color)?,
        random_erasing: given(erasing)?,
    })
}

/// What was given has to be readable.
fn given<T>(section: Option<Option<T>>) -> Option<Option<T>> {
    match section {
        Some(None) => None,
        Some(read) => Some(read),
        None => Some(None),
    }
}

fn range(node: &Node, path: &str, key: &str, context: &mut Context<'_>) -> Option<(f64, f64)> {
    let (low, high) = super::pair(node, key)?;
    if low <= high {
        return Some((low, high));
    }
    let span = node.get(key)?.span;
    context.problems.refuse(
        Problem::at(span, format!("impossible value for `{path}.{key}`"))
            .label(format!("expected the lesser number first, found {low} before {high}")),
    )
}
