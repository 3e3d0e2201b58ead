//! `checkpoint`: how often training saves what it continues from.

use std::num::NonZeroUsize;

use crate::language::either;
use crate::shape::Shape;

either! {
    /// `checkpoint`: how often training saves what it continues from. It changes no result and is no part of a run's
    /// identity.
    pub enum CheckpointInterval {
        /// The number of optimiser steps between two checkpoints, instead of `every_minutes`.
        EverySteps(NonZeroUsize) = "every_steps", Shape::Whole { min: 1, max: 100_000_000 };
        /// The number of minutes between two checkpoints. It is 5 when neither key is given.
        EveryMinutes(f64) = "every_minutes", Shape::positive(10_000.0);
    }
    // Five minutes of work may be lost; writing a few gigabytes so often wears out no disk.
    absent Self::EveryMinutes(5.0);
}
