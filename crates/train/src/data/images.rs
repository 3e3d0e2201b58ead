//! Every distinct image of a dataset, decoded and resized once.

use std::path::PathBuf;

use cliptune_clip::image::{ImageError, Pixels, Preprocessor};
use rayon::prelude::*;
use tch::{Device, Tensor};

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

    /// Normalised pixels of some rows: `[rows, 3, size, size]`.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let image = self.preprocessor.length();
        let mut data = vec![0f32; rows.len() * image];
        for (row, out) in rows.iter().zip(data.chunks_exact_mut(image)) {
            self.preprocessor.normalise(&self.pixels[*row], out)?;
        }
        let side = i64::from(self.preprocessor.size);
        Ok(Tensor::from_slice(&data).f_view([rows.len() as i64, 3, side, side])?.f_to_device(device)?)
    }
}
