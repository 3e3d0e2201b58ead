//! What a session knows of an error of its training, and the training itself does not.

use cliptune_experiment::{BatchSize, TrainPlan};
use cliptune_machine::memory_limit;
use cliptune_store::Event;

use super::Session;
use crate::error::TrainError;
use crate::journal::Journal;
use crate::memory::{Footprint, Subject};

impl Session<'_> {
    /// Adds the facts to an error that only the run knows: the ids of the items that a loss came from, or the size that
    /// fits.
    pub(super) fn explained(
        &self,
        train: &TrainPlan,
        moving: usize,
        mut error: TrainError,
        journal: &mut Journal<'_>,
    ) -> TrainError {
        match &mut error {
            TrainError::Diverged(divergence) => {
                divergence.name(self.splits.train_items());
                let (step, epoch, reason) = (divergence.step, divergence.epoch, divergence.reason());
                journal.tell(&Event::Diverged { step, epoch, reason, items: divergence.items.clone() });
            }
            TrainError::OutOfMemory(shortage) => {
                // With two passes the batch may be of any size, because only so many rows are in memory at once.
                type Set = fn(&mut TrainPlan, BatchSize);
                let (key, now, set): (_, _, Set) = match train.gradient_cache {
                    Some(rows) => {
                        ("train.gradient_cache", rows, |plan, size| plan.gradient_cache = Some(size))
                    }
                    None => ("train.batch_size", train.batch_size, |plan, size| plan.batch_size = size),
                };
                shortage.look_for_size((key, now), memory_limit(), |size| {
                    let mut smaller = train.clone();
                    set(&mut smaller, size);
                    Footprint::of(&self.subject(&smaller, moving)).total
                });
            }
            _ => {}
        }
        error
    }

    /// Gathers the facts that decide how much memory the training needs.
    fn subject<'b>(&'b self, plan: &'b TrainPlan, moving: usize) -> Subject<'b> {
        Subject {
            config: &self.start.config,
            parameters: &self.start.parameters,
            moving,
            plan,
            seed: self.plan.seed,
            train: &self.splits.train,
            texts: &self.texts,
            images: self.images.len(),
            processes: self.context.team.group().world(),
        }
    }
}
