//! Every distinct image of a dataset, decoded and resized once.

use std::path::PathBuf;

use cliptune_clip::image::{ImageError, Pixels, Preprocessor};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::augment::Augmenter;
use crate::error::TrainError;

/// Distinct images as 8-bit pixels; normalised when a batch is made.
#[derive(Debug)]
pub struct ImageBank {
    preprocessor: Preprocessor,
    pixels: Vec<Pixels>,
}

impl ImageBank {
    /// Decodes the files in parallel; rows follow the order of `paths`.
    pub fn load(
        preprocessor: Preprocessor,
        paths: &[PathBuf],
        on_image: &(dyn Fn() + Sync),
    ) -> Result<Self, ImageError> {
        let read = |path: &PathBuf| {
            let pixels = preprocessor.read(path);
            on_image();
            pixels
        };
        let pixels = paths.par_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { preprocessor, pixels })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    fn side(&self) -> i64 {
        i64::from(self.preprocessor.size)
    }

    /// The same of images that are changed at random.
    pub fn augmented(
        &self,
        rows: &[usize],
        augmenter: &Augmenter,
        device: Device,
    ) -> Result<Tensor, TrainError> {
        let per_channel = |values: &[f32; 3]| Tensor::from_slice(values).f_view([3, 1, 1]);
        let (mean, std) = (per_channel(&self.preprocessor.mean)?, per_channel(&self.preprocessor.std)?);
        let image = |&row: &usize| -> Result<Tensor, TrainError> {
            let bytes = Tensor::from_slice(&self.pixels[row]).f_view([self.side(), self.side(), 3])?;
            let pixels = bytes.f_permute([2, 0, 1])?.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?;
            let changed = augmenter.change(row, pixels.f_contiguous()?)?;
            augmenter.erase(row, changed.f_sub(&mean)?.f_div(&std)?)
        };
        let images = rows.iter().map(image).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_stack(&images, 0)?.f_to_device(device)?)
    }

    /// Normalised pixels of some rows: `[rows, 3, size, size]`.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let image = self.preprocessor.length();
        let mut data = vec![0f32; rows.len() * image];
        for (row, out) in rows.iter().zip(data.chunks_exact_mut(image)) {
            self.preprocessor.normalise(&self.pixels[*row], out)?;
        }
        let side = self.side();
        Ok(Tensor::from_slice(&data).f_view([rows.len() as i64, 3, side, side])?.f_to_device(device)?)
    }
}
