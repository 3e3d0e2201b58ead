//! The distinct images of a dataset.

use std::sync::{Arc, Mutex, PoisonError};

use cliptune_clip::image::Preprocessor;
use cliptune_store::ItemImage;
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::ahead::{BATCHES_IN_MEMORY, Decoded, images_ahead};
use super::augment::Augmenter;
use super::pixel_cache::PixelCache;
use crate::error::TrainError;

/// The 8-bit RGB pixels of an image, row by row.
pub(super) type Pixels = Arc<[u8]>;

/// Distinct images that are decoded when they are needed or [ahead](super::Ahead) of time, and normalised when a batch
/// is made.
#[derive(Debug)]
pub struct ImageBank {
    preprocessor: Preprocessor,
    files: Arc<[ItemImage]>,
    cache: Option<PixelCache>,
    /// The images that were decoded ahead for the batch in computation.
    ready: Mutex<Decoded>,
}

impl ImageBank {
    /// Creates a bank of these files' images; the rows follow the order of the files.
    pub fn new(preprocessor: Preprocessor, files: Arc<[ItemImage]>, cache: Option<PixelCache>) -> Self {
        Self { preprocessor, files, cache, ready: Mutex::default() }
    }

    /// Returns the number of images.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns the number of bytes of a decoded image.
    pub(super) fn image_bytes(&self) -> usize {
        self.preprocessor.length()
    }

    /// Checks whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn side(&self) -> i64 {
        i64::from(self.preprocessor.size)
    }

    /// Decodes some images in parallel, or takes them from the cache.
    pub(super) fn decode(&self, rows: &[usize]) -> Result<Decoded, TrainError> {
        rows.par_iter().map(|&row| Ok((row, self.read(row)?))).collect()
    }

    /// Keeps these images in memory, in place of those that were kept before.
    pub(super) fn lay_ready(&self, decoded: Decoded) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = decoded;
    }

    /// Decodes and keeps as many images as decoding ahead may hold in memory, and returns their number.
    pub fn keep_first(&self) -> Result<usize, TrainError> {
        let most = BATCHES_IN_MEMORY * images_ahead(self.image_bytes());
        let rows: Vec<usize> = (0..self.len().min(most)).collect();
        self.lay_ready(self.decode(&rows)?);
        Ok(rows.len())
    }

    fn read(&self, row: usize) -> Result<Pixels, TrainError> {
        let file = &self.files[row];
        // Two files of different contents may have the same stamp in two folders, so only contents are kept.
        let cache = self.cache.as_ref().zip(file.identity().content());
        if let Some(pixels) = cache.as_ref().and_then(|(cache, content)| cache.get(content)) {
            return Ok(pixels.into());
        }
        let pixels = self.preprocessor.decode_file(file.path(), &file.read()?)?.into_bytes();
        if let Some((cache, content)) = cache {
            cache.put(&content, &pixels);
        }
        Ok(pixels.into())
    }

    /// Returns the pixels of some rows, in order.
    fn pixels(&self, rows: &[usize]) -> Result<Vec<Pixels>, TrainError> {
        let ready =
            |row: &usize| self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(row).map(Arc::clone);
        let pixels = |row: &usize| ready(row).map_or_else(|| self.read(*row), Ok);
        rows.par_iter().map(pixels).collect()
    }

    /// Returns the same as [`tensor`](Self::tensor), for images that are changed at random.
    pub fn augmented(
        &self,
        rows: &[usize],
        augmenter: &Augmenter,
        device: Device,
    ) -> Result<Tensor, TrainError> {
        let per_channel = |values: &[f32; 3]| Tensor::from_slice(values).f_view([3, 1, 1]);
        let (mean, std) = (per_channel(&self.preprocessor.mean)?, per_channel(&self.preprocessor.std)?);
        let image = |(&row, pixels): (&usize, Pixels)| -> Result<Tensor, TrainError> {
            let bytes = Tensor::from_slice(&pixels).f_view([self.side(), self.side(), 3])?;
            let pixels = bytes.f_permute([2, 0, 1])?.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?;
            let changed = augmenter.change(row, pixels.f_contiguous()?)?;
            augmenter.erase(row, changed.f_sub(&mean)?.f_div(&std)?)
        };
        let images = rows.iter().zip(self.pixels(rows)?).map(image).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_stack(&images, 0)?.f_to_device(device)?)
    }

    /// Returns the normalised pixels of some rows: `[rows, 3, size, size]`.
    pub fn tensor(&self, rows: &[usize], device: Device) -> Result<Tensor, TrainError> {
        let image = self.preprocessor.length();
        let mut data = vec![0f32; rows.len() * image];
        for (pixels, out) in self.pixels(rows)?.iter().zip(data.chunks_exact_mut(image)) {
            self.preprocessor.normalise(pixels, out)?;
        }
        let side = self.side();
        Ok(Tensor::from_slice(&data).f_view([rows.len() as i64, 3, side, side])?.f_to_device(device)?)
    }
}
