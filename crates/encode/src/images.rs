//! Reads image files as batches of the vision tower's input.

use cliptune_clip::image::{Pixels, Preprocessor};
use cliptune_store::ItemImage;
use rayon::prelude::*;

use crate::batch::Batch;
use crate::error::EncodeError;

/// The most images in a batch: as many rows as a batch of texts has, with the 50 rows of a B/32.
pub const IMAGES: usize = 8;

/// Image files in batches.
#[derive(Clone, Copy, Debug)]
pub struct ImageBatches<'a> {
    preprocessor: &'a Preprocessor,
    files: &'a [ItemImage],
    count: usize,
}

impl<'a> ImageBatches<'a> {
    /// Divides files into batches of about the same size, so that nobody waits long for the last one.
    pub fn new(preprocessor: &'a Preprocessor, files: &'a [ItemImage]) -> Self {
        let count = files.len().div_ceil(IMAGES);
        // An even number of batches leaves nothing over for one of two sessions.
        let count = if count > 1 { count.next_multiple_of(2).min(files.len()) } else { count };
        Self { preprocessor, files, count }
    }

    /// Returns the number of batches.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Reads the batches in order, the images of each on all cores.
    pub fn read(self) -> impl Iterator<Item = Result<Batch, EncodeError>> + use<'a> {
        let Self { preprocessor, files, count } = self;
        let start = move |batch: usize| batch * files.len() / count;
        (0..count).map(move |batch| read(preprocessor, &files[start(batch)..start(batch + 1)]))
    }
}

/// Returns a batch of images that were decoded by this preprocessor, of which there may be none.
///
/// # Errors
/// Returns an error if an image was decoded by another preprocessor.
pub fn batch_of(preprocessor: &Preprocessor, images: &[Pixels]) -> Result<Batch, EncodeError> {
    let length = preprocessor.length();
    let mut pixels = vec![0.0; images.len() * length];
    let rows = pixels.par_chunks_exact_mut(length).zip(images);
    rows.try_for_each(|(out, image)| preprocessor.normalise(image, out))?;
    Ok(Batch::of_images(images.len(), preprocessor.size as usize, pixels))
}

fn read(preprocessor: &Preprocessor, files: &[ItemImage]) -> Result<Batch, EncodeError> {
    let length = preprocessor.length();
    let mut pixels = vec![0.0; files.len() * length];
    let rows = pixels.par_chunks_exact_mut(length).zip(files);
    rows.try_for_each(|(out, file)| read_pixels(preprocessor, file, out))?;
    Ok(Batch::of_images(files.len(), preprocessor.size as usize, pixels))
}

/// Fills a row of the vision tower's input with an image.
pub(crate) fn read_pixels(
    preprocessor: &Preprocessor,
    file: &ItemImage,
    out: &mut [f32],
) -> Result<(), EncodeError> {
    let decoded = preprocessor.decode_file(file.path(), &file.read()?)?;
    Ok(preprocessor.normalise(&decoded, out)?)
}
