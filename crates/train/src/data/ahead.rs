//! Decodes images while the steps that precede theirs are computed.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::images::{ImageBank, Pixels};
use crate::error::TrainError;

/// The number of batches whose decoded images wait for their turn, besides the one that is being decoded.
const WAITING: usize = 2;
/// The maximum number of batches whose pixels are in memory: the waiting ones, the one in computation and the one being
/// decoded.
pub(crate) const BATCHES_IN_MEMORY: usize = WAITING + 2;
/// The maximum number of bytes of pixels that are decoded ahead.
const LARGEST: usize = 1 << 30;

/// Decodes the images of a sequence of batches, in order, on threads that stay a limited number of batches ahead.
///
/// What a step sees does not depend on this type, which only decides who decodes an image and when. If a batch is too
/// large for the memory that decoding ahead may take, its first images are decoded ahead and the others when they are
/// needed.
#[derive(Debug)]
pub struct Ahead<'a> {
    images: &'a ImageBank,
    decoded: Receiver<Result<Decoded, TrainError>>,
}

/// Pixels by row in the image bank.
pub(super) type Decoded = HashMap<usize, Pixels>;

/// Returns how many images of one batch are decoded ahead at most, given the bytes of one image.
pub(crate) fn images_ahead(image_bytes: usize) -> usize {
    (LARGEST / BATCHES_IN_MEMORY / image_bytes.max(1)).max(1)
}

impl<'a> Ahead<'a> {
    /// Starts to decode the distinct images of each batch.
    pub fn start(
        scope: &'a thread::Scope<'a, '_>,
        images: &'a ImageBank,
        mut batches: Vec<Vec<usize>>,
    ) -> Self {
        let (sender, decoded) = sync_channel(WAITING);
        let most = images_ahead(images.image_bytes());
        batches.iter_mut().for_each(|rows| rows.truncate(most));
        scope.spawn(move || {
            for rows in batches {
                let batch = images.decode(&rows);
                let failed = batch.is_err();
                // Nobody waits for the batches after an error or an interruption.
                if sender.send(batch).is_err() || failed {
                    break;
                }
            }
        });
        Self { images, decoded }
    }

    /// Makes the images of the next batch available.
    ///
    /// # Errors
    ///
    /// Returns an error when one of the images cannot be read.
    pub fn advance(&self) -> Result<(), TrainError> {
        // After the last batch, images are decoded when they are needed.
        let batch = self.decoded.recv().unwrap_or_else(|_| Ok(Decoded::new()))?;
        self.images.lay_ready(batch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_ahead_takes_the_same_memory_whatever_the_batch() {
        // The image size of ViT-L/14 at 336 pixels, and one that is unrealistically large.
        for image_bytes in [3 * 336 * 336, 3 * 20_000 * 20_000] {
            let most = BATCHES_IN_MEMORY * images_ahead(image_bytes) * image_bytes;
            assert!(most <= LARGEST.max(BATCHES_IN_MEMORY * image_bytes), "{most}");
        }
        assert_eq!(images_ahead(3 * 224 * 224), 1783);
    }
}
