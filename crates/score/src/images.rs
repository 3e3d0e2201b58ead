//! Image files as batches of the vision tower's input.

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use cliptune_clip::image::{ImageError, Preprocessor};
use rayon::prelude::*;

/// Images in a batch. Every batch has this many, because ONNX Runtime's last bits depend on the shape
/// (microsoft/onnxruntime#7642): the last batch is filled up.
pub const IMAGE_BATCH: usize = 32;

/// Batches that wait for the tower: one being read while another is computed keeps both busy.
const AHEAD: usize = 1;

/// Images of one batch.
#[derive(Debug)]
pub struct ImageBatch {
    /// [`IMAGE_BATCH`] × 3 × size × size floats; what lies behind the last image is zero.
    pub pixels: Vec<f32>,
    /// How many images there are.
    pub images: usize,
}

/// Reads images on all cores, one batch ahead of `consume`, which gets the batches in order.
pub fn in_batches<E: From<ImageError>>(
    preprocessor: &Preprocessor,
    paths: &[PathBuf],
    mut consume: impl FnMut(ImageBatch) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (ready, batches) = sync_channel(AHEAD);
        scope.spawn(move || {
            for chunk in paths.chunks(IMAGE_BATCH) {
                // An error upstream has dropped the receiver: there is nobody left to read for.
                if ready.send(read(preprocessor, chunk)).is_err() {
                    return;
                }
            }
        });
        batches.into_iter().try_for_each(|batch| consume(batch?))
    })
}

fn read(preprocessor: &Preprocessor, paths: &[PathBuf]) -> Result<ImageBatch, ImageError> {
    let length = preprocessor.length();
    let mut pixels = vec![0.0; IMAGE_BATCH * length];
    pixels
        .par_chunks_exact_mut(length)
        .zip(paths)
        .try_for_each(|(out, path)| preprocessor.normalise(&preprocessor.read(path)?, out))?;
    Ok(ImageBatch { pixels, images: paths.len() })
}
