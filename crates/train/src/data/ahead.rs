//! Images that are decoded while the steps before theirs are computed.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::images::{ImageBank, Pixels};
use crate::error::TrainError;

/// Batches whose images wait for their turn, besides the one that is being decoded.
const WAITING: usize = 2;
/// Batches whose pixels are in memory at most: with those that wait, the one that is computed and the one that is decoded.
pub(crate) const BATCHES_IN_MEMORY: usize = WAITING + 2;
/// Bytes of pixels that are decoded ahead at most.
const LARGEST: usize = 1 << 30;

/// The images of a sequence of batches, in its order, decoded by threads that are some batches ahead and no more.
///
/// What a step sees does not depend on them: they only decide who decodes an image, and when. Of a batch that is too large
/// for the memory that decoding ahead may take, the first images are decoded ahead and the others when they are needed.
#[derive(Debug)]
pub struct Ahead<'a> {
    images: &'a ImageBank,
    decoded: Receiver<Result<Decoded, TrainError>>,
}

/// Pixels by row of the bank.
pub(super) type Decoded = HashMap<usize, Pixels>;

/// The most images of one batch that are decoded ahead, when an image has so many bytes.
pub(crate) fn images_ahead(image_bytes: usize) -> usize {
    (LARGEST / BATCHES_IN_MEMORY / image_bytes.max(1)).max(1)
}

impl<'a> Ahead<'a> {
    /// Begins to decode the distinct images of each batch.
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
                // Nobody waits for what comes after an error, or after an interruption.
                if sender.send(batch).is_err() || failed {
                    break;
                }
            }
        });
        Self { images, decoded }
    }

    /// Lays the images of the next batch ready.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn advance(&self) -> Result<(), TrainError> {
        // After the last one, what is asked for is decoded when it is needed.
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
        // ViT-L/14 at 336 pixels, and images of a size that nobody has.
        for image_bytes in [3 * 336 * 336, 3 * 20_000 * 20_000] {
            let most = BATCHES_IN_MEMORY * images_ahead(image_bytes) * image_bytes;
            assert!(most <= LARGEST.max(BATCHES_IN_MEMORY * image_bytes), "{most}");
        }
        assert_eq!(images_ahead(3 * 224 * 224), 1783);
    }
}
