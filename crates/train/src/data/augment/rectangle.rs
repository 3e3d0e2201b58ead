//! Random rectangles within a square image.

use cliptune_random::Random;
use tch::Tensor;

use crate::error::TrainError;

/// The number of attempts to draw a rectangle that fits, as in torchvision.
const ATTEMPTS: usize = 10;

/// A part of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rectangle {
    top: i64,
    left: i64,
    height: i64,
    width: i64,
}

impl Rectangle {
    /// Returns the rectangle that covers the whole image.
    pub(super) fn whole(side: i64) -> Self {
        Self { top: 0, left: 0, height: side, width: side }
    }

    /// Returns the largest centred rectangle whose ratio of width to height lies within the two bounds.
    pub(super) fn central(side: i64, ratio: (f64, f64)) -> Self {
        let shorter = |factor: f64| ((side as f64 * factor).round() as i64).clamp(1, side);
        let (height, width) = (shorter(ratio.0.recip()), shorter(ratio.1));
        Self { top: (side - height) / 2, left: (side - width) / 2, height, width }
    }

    /// Draws a rectangle whose share of the image's area is uniform within `scale`, and whose ratio of width to height
    /// is uniform in its logarithm within `ratio`. Returns `None` when no attempt gives sides of at most `longest`.
    pub(super) fn draw(
        side: i64,
        longest: i64,
        scale: (f64, f64),
        ratio: (f64, f64),
        random: &mut Random,
    ) -> Option<Self> {
        for _ in 0..ATTEMPTS {
            let area = (side * side) as f64 * random.between(scale.0, scale.1);
            let ratio = random.between(ratio.0.ln(), ratio.1.ln()).exp();
            let (width, height) =
                ((area * ratio).sqrt().round() as i64, (area / ratio).sqrt().round() as i64);
            if (1..=longest).contains(&width) && (1..=longest).contains(&height) {
                let top = random.below((side - height + 1) as usize) as i64;
                let left = random.below((side - width + 1) as usize) as i64;
                return Some(Self { top, left, height, width });
            }
        }
        None
    }

    /// Returns this part of an image `[3, side, side]`; it shares the image's memory.
    pub(super) fn of(self, image: &Tensor) -> Result<Tensor, TrainError> {
        Ok(image.f_narrow(1, self.top, self.height)?.f_narrow(2, self.left, self.width)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_inside_and_has_the_declared_size() {
        let mut random = Random::new(0);
        for _ in 0..500 {
            let part = Rectangle::draw(100, 100, (0.2, 0.8), (0.75, 1.33), &mut random).unwrap();
            assert!(part.top >= 0 && part.top + part.height <= 100);
            assert!(part.left >= 0 && part.left + part.width <= 100);
            let area = (part.height * part.width) as f64 / 1e4;
            let ratio = part.width as f64 / part.height as f64;
            assert!((0.19..0.81).contains(&area) && (0.73..1.36).contains(&ratio), "{part:?}");
        }
    }

    #[test]
    fn what_cannot_fit_is_given_up() {
        assert_eq!(Rectangle::draw(10, 10, (1.0, 1.0), (3.0, 3.0), &mut Random::new(0)), None);
        assert_eq!(Rectangle::draw(10, 9, (1.0, 1.0), (1.0, 1.0), &mut Random::new(0)), None);
    }

    #[test]
    fn the_middle_has_the_nearest_ratio() {
        let central = |ratio| {
            let Rectangle { top, left, height, width } = Rectangle::central(10, ratio);
            [top, left, height, width]
        };
        assert_eq!(central((0.75, 1.33)), [0, 0, 10, 10]);
        assert_eq!(central((2.0, 3.0)), [2, 0, 5, 10]);
        assert_eq!(central((0.1, 0.4)), [0, 3, 10, 4]);
    }
}
