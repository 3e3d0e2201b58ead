//! Images that are decoded while the steps before theirs are computed.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::images::{ImageBank, Pixels};
use crate::error::TrainError;

/// Updates whose images wait for their step, besides the one that is being decoded.
const WAITING: usize = 2;
/// Updates whose pixels are in memory at most: with those that wait, the one that is computed and the one that is decoded.
pub const UPDATES_IN_MEMORY: usize = WAITING + 2;

/// The images of a sequence of updates, in its order, decoded by threads that are some updates ahead and no more.
///
/// What a step sees does not depend on them: they only decide who decodes an image, and when.
#[derive(Debug)]
pub struct Ahead<'a> {
    images: &'a ImageBank,
    decoded: Receiver<Result<Decoded, TrainError>>,
}

/// Pixels by row of the bank.
pub(super) type Decoded = HashMap<usize, Pixels>;

impl<'a> Ahead<'a> {
    /// Begins to decode the distinct images of each update.
    pub fn start(scope: &'a thread::Scope<'a, '_>, images: &'a ImageBank, updates: Vec<Vec<usize>>) -> Self {
        let (sender, decoded) = sync_channel(WAITING);
        scope.spawn(move || {
            for rows in updates {
                let update = images.decode(&rows);
                let failed = update.is_err();
                // Nobody waits for what comes after an error, or after an interruption.
                if sender.send(update).is_err() || failed {
                    break;
                }
            }
        });
        Self { images, decoded }
    }

    /// Lays the images of the next update ready.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn advance(&self) -> Result<(), TrainError> {
        // After the last one, what is asked for is decoded when it is needed.
        let update = self.decoded.recv().unwrap_or_else(|_| Ok(Decoded::new()))?;
        self.images.lay_ready(update);
        Ok(())
    }
}
