//! `train.augment`: what is done to training images at random.

use crate::language::options;
use crate::shape::Shape;
use crate::values::Fraction;

const AREA: Shape = Shape::positive(1.0);
const RATIO: Shape = Shape::positive(100.0);
const STRENGTH: Shape = Shape::between(0.0, 1.0);

options! {
    /// `train.augment`: what is done to training images at random, in this order, except that erasing comes last of all.
    /// What is not named is not done.
    #[derive(Copy)]
    pub struct Augment {
        /// Cuts out a random part of the preprocessed image and resizes it to the whole with bicubic interpolation.
        random_resized_crop: Option<RandomResizedCrop>;
        /// The share of images that are mirrored. Lettering is mirrored, too.
        horizontal_flip: Fraction = "0";
        /// Changes brightness, contrast and saturation at random, in random order.
        color_jitter: Option<ColorJitter>;
        /// Fills a random rectangle with the mean colour.
        random_erasing: Option<RandomErasing>;
    }
}

options! {
    /// A random part of the image, resized to the whole.
    #[derive(Copy)]
    pub struct RandomResizedCrop {
        /// The least and the greatest area of the part, as a share of the image.
        scale: (f64, f64) = "[0.9, 1]", Shape::pair(&AREA);
        /// The least and the greatest width of the part, in units of its height.
        ratio: (f64, f64) = "[0.75, 1.3333333333333333]", Shape::pair(&RATIO);
    }
}

options! {
    /// Random changes of colour: factors between 1 − x and 1 + x, in an order that is drawn.
    #[derive(Copy)]
    pub struct ColorJitter {
        /// The greatest change of brightness, as a share.
        brightness: f64 = "0", STRENGTH;
        /// The greatest change of contrast, which is the distance from the image's mean gray, as a share.
        contrast: f64 = "0", STRENGTH;
        /// The greatest change of saturation, which is the distance from a pixel's own gray, as a share.
        saturation: f64 = "0", STRENGTH;
    }
}

options! {
    /// A random rectangle of the mean colour, which tells the model nothing.
    #[derive(Copy)]
    pub struct RandomErasing {
        /// The share of images that have such a rectangle.
        probability: Fraction = "0.5";
        /// The least and the greatest area of the rectangle, as a share of the image.
        scale: (f64, f64) = "[0.02, 0.33]", Shape::pair(&AREA);
        /// The least and the greatest height of the rectangle, in units of its width.
        ratio: (f64, f64) = "[0.3, 3.3]", Shape::pair(&RATIO);
    }
}
