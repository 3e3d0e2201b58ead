//! Reads image files as batches of the vision tower's input.

use std::sync::mpsc::sync_channel;

use cliptune_clip::image::Preprocessor;
use cliptune_store::ItemImage;
use rayon::prelude::*;

use crate::error::ScoreError;

/// The number of images in a batch. Every batch has this many, because the last bits of ONNX Runtime's results depend
/// on the shape (microsoft/onnxruntime#7642); the last batch is filled up.
pub(crate) const IMAGE_BATCH: usize = 32;

/// The number of batches that may wait for the tower. Reading one while another is computed keeps both sides busy.
const AHEAD: usize = 1;

/// The images of one batch.
#[derive(Debug)]
pub(crate) struct ImageBatch {
    /// The pixels: [`IMAGE_BATCH`] × 3 × size × size floats, which are zero after the last image.
    pub(crate) pixels: Vec<f32>,
    /// The number of images in the batch.
    pub(crate) images: usize,
}

/// Reads images on all cores, one batch ahead of `consume`, which receives the batches in order.
pub(crate) fn in_batches(
    preprocessor: &Preprocessor,
    files: &[ItemImage],
    mut consume: impl FnMut(ImageBatch) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    std::thread::scope(|scope| {
        let (ready, batches) = sync_channel(AHEAD);
        scope.spawn(move || {
            for chunk in files.chunks(IMAGE_BATCH) {
                // The receiver is dropped after an error in `consume`, and then nobody needs further batches.
                if ready.send(read(preprocessor, chunk)).is_err() {
                    return;
                }
            }
        });
        batches.into_iter().try_for_each(|batch| consume(batch?))
    })
}

/// Fills a row of the vision tower's input with an image.
pub(crate) fn read_pixels(
    preprocessor: &Preprocessor,
    file: &ItemImage,
    out: &mut [f32],
) -> Result<(), ScoreError> {
    let decoded = preprocessor.decode_file(file.path(), &file.read()?)?;
    Ok(preprocessor.normalise(&decoded, out)?)
}

fn read(preprocessor: &Preprocessor, files: &[ItemImage]) -> Result<ImageBatch, ScoreError> {
    let length = preprocessor.length();
    let mut pixels = vec![0.0; IMAGE_BATCH * length];
    let rows = pixels.par_chunks_exact_mut(length).zip(files);
    rows.try_for_each(|(out, file)| read_pixels(preprocessor, file, out))?;
    Ok(ImageBatch { pixels, images: files.len() })
}
