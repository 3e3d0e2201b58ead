//! Random changes to training images.

mod color;
mod rectangle;

use cliptune_experiment::{Augment, RandomErasing, RandomResizedCrop, Seed};
use cliptune_random::Random;
use tch::Tensor;

use crate::error::TrainError;
use rectangle::Rectangle;

/// Draws the random changes to each image of an epoch.
///
/// A draw is a function of the seed, the epoch, the image and the kind of change alone. It does not depend on the order
/// of the data, on whether the run was resumed, or on which other changes are switched on.
#[derive(Clone, Copy, Debug)]
pub struct Augmenter {
    plan: Augment,
    seed: Seed,
    epoch: usize,
}

/// The kinds of change, each with its own random draws.
#[derive(Clone, Copy)]
enum Change {
    Crop = 1,
    Flip,
    Color,
    Erasing,
}

impl Augmenter {
    /// Creates the augmenter of an epoch, counted from 1.
    pub fn new(plan: Augment, seed: Seed, epoch: usize) -> Self {
        Self { plan, seed, epoch }
    }

    fn random(&self, image: usize, change: Change) -> Random {
        let epoch = (u64::from(self.seed.0) << 32) | self.epoch as u64;
        Random::at(epoch, &[image as u64, change as u64])
    }

    /// Crops, mirrors and recolours the pixels of an image, `[3, side, side]` in 0…1.
    pub fn change(&self, image: usize, pixels: Tensor) -> Result<Tensor, TrainError> {
        let mut pixels = pixels;
        if let Some(plan) = &self.plan.random_resized_crop {
            pixels = crop(plan, &pixels, &mut self.random(image, Change::Crop))?;
        }
        if self.random(image, Change::Flip).unit() < self.plan.horizontal_flip.get() {
            pixels = pixels.f_flip([-1])?;
        }
        if let Some(plan) = &self.plan.color_jitter {
            pixels = color::jitter(plan, pixels, &mut self.random(image, Change::Color))?;
        }
        Ok(pixels)
    }

    /// Erases a part of an image's normalised pixels, `[3, side, side]`, by setting it to the mean colour, which is 0.
    pub fn erase(&self, image: usize, normalised: Tensor) -> Result<Tensor, TrainError> {
        match &self.plan.random_erasing {
            Some(plan) => erase(plan, normalised, &mut self.random(image, Change::Erasing)),
            None => Ok(normalised),
        }
    }
}

/// Crops and resizes as torchvision's `RandomResizedCrop` does.
fn crop(plan: &RandomResizedCrop, pixels: &Tensor, random: &mut Random) -> Result<Tensor, TrainError> {
    let side = pixels.size()[2];
    let drawn = Rectangle::draw(side, side, plan.scale, plan.ratio, random);
    let part = drawn.unwrap_or(Rectangle::central(side, plan.ratio));
    if part == Rectangle::whole(side) {
        return Ok(pixels.shallow_clone());
    }
    let part = part.of(pixels)?.f_unsqueeze(0)?;
    let resized = part.f_internal_upsample_bicubic2d_aa([side, side], false, None, None)?;
    // Bicubic interpolation overshoots at edges.
    Ok(resized.f_squeeze_dim(0)?.f_clamp(0.0, 1.0)?)
}

/// Erases as torchvision's `RandomErasing` does with the value 0 and a ratio of height to width. A whole side is never
/// erased.
fn erase(plan: &RandomErasing, normalised: Tensor, random: &mut Random) -> Result<Tensor, TrainError> {
    if random.unit() >= plan.probability.get() {
        return Ok(normalised);
    }
    let (low, high) = plan.ratio;
    let ratio = (high.recip(), low.recip());
    let side = normalised.size()[2];
    if let Some(part) = Rectangle::draw(side, side - 1, plan.scale, ratio, random) {
        let _ = part.of(&normalised)?.f_zero_()?;
    }
    Ok(normalised)
}

#[cfg(test)]
mod tests {
    use cliptune_experiment::{ColorJitter, Fraction};
    use tch::{Device, Kind};

    use super::*;

    const SIDE: i64 = 16;

    fn nothing() -> Augment {
        Augment {
            random_resized_crop: None,
            horizontal_flip: Fraction::ZERO,
            color_jitter: None,
            random_erasing: None,
        }
    }

    fn everything() -> Augment {
        Augment {
            random_resized_crop: Some(RandomResizedCrop { scale: (0.3, 0.9), ratio: (0.75, 1.33) }),
            horizontal_flip: Fraction::try_from(0.5).unwrap(),
            color_jitter: Some(ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4 }),
            random_erasing: Some(RandomErasing {
                probability: Fraction::try_from(0.5).unwrap(),
                scale: (0.1, 0.3),
                ratio: (0.5, 2.0),
            }),
        }
    }

    fn image() -> Tensor {
        (Tensor::arange(3 * SIDE * SIDE, (Kind::Float, Device::Cpu)) * 0.37).sin().abs().view([3, SIDE, SIDE])
    }

    fn changed(plan: Augment, seed: u32, epoch: usize, image_row: usize) -> Tensor {
        let augmenter = Augmenter::new(plan, Seed(seed), epoch);
        augmenter.erase(image_row, augmenter.change(image_row, image()).unwrap()).unwrap()
    }

    #[test]
    fn a_change_depends_on_seed_epoch_and_image_alone() {
        let first = changed(everything(), 1, 2, 3);
        assert_eq!(first, changed(everything(), 1, 2, 3));
        for other in
            [changed(everything(), 0, 2, 3), changed(everything(), 1, 1, 3), changed(everything(), 1, 2, 4)]
        {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn what_is_not_declared_is_not_done() {
        assert_eq!(changed(nothing(), 0, 1, 0), image());
    }

    #[test]
    fn one_change_does_not_alter_the_draws_of_another() {
        let flip = Augment { horizontal_flip: Fraction::try_from(0.5).unwrap(), ..nothing() };
        let both = Augment { random_erasing: everything().random_erasing, ..flip };
        for row in 0..20 {
            let (flipped, erased) = (changed(flip, 0, 1, row), changed(both, 0, 1, row));
            // Where nothing was erased, both images are the same.
            let kept = erased.ne(0.0);
            assert_eq!(flipped.masked_select(&kept), erased.masked_select(&kept), "{row}");
        }
    }

    #[test]
    fn the_declared_share_of_images_is_mirrored() {
        let flip = Augment { horizontal_flip: Fraction::try_from(0.25).unwrap(), ..nothing() };
        let mirrored = image().flip([-1]);
        let count = (0..400).filter(|&row| changed(flip, 0, 1, row) == mirrored).count();
        // The margin is four standard deviations of a binomial(400, 0.25).
        assert!(count.abs_diff(100) < 35, "{count}");
    }

    #[test]
    fn erasing_leaves_a_rectangle_of_nothing_of_the_declared_size() {
        let scale = (0.1, 0.3);
        let always =
            RandomErasing { probability: Fraction::try_from(1.0).unwrap(), scale, ratio: (0.5, 2.0) };
        let plan = Augment { random_erasing: Some(always), ..nothing() };
        for row in 0..50 {
            let erased = changed(plan, 0, 1, row).eq(0.0).to_kind(Kind::Double).mean(Kind::Double);
            let share = erased.double_value(&[]);
            // The margin allows for rounding to whole pixels.
            assert!((scale.0 - 0.06..scale.1 + 0.06).contains(&share), "{row}: {share}");
        }
    }

    #[test]
    fn pixels_stay_within_their_bounds() {
        for row in 0..50 {
            let pixels = Augmenter::new(everything(), Seed(0), 1).change(row, image()).unwrap();
            assert!(pixels.min().double_value(&[]) >= 0.0 && pixels.max().double_value(&[]) <= 1.0);
        }
    }
}
