//! The random draws of training.

use cliptune_experiment::Seed;
use cliptune_random::Random;

use crate::group::Group;

/// The random draws of one update, which are a function only of the seed, the update and the place in it. A step that
/// is taken again after a crash draws the same numbers, and no generator's state has to be saved.
///
/// Where several processes draw for different rows, their rank is a part of the place.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    seed: Seed,
    step: usize,
    /// The rank of the process, unless it is alone.
    rank: Option<usize>,
}

impl Draws {
    /// Creates the draws of an update, counted from 1 over the run.
    pub fn new(seed: Seed, step: usize) -> Self {
        Self { seed, step, rank: None }
    }

    /// Returns the draws of this process of a group, which differ from those of the others.
    pub fn of_member(self, group: &Group) -> Self {
        Self { rank: (!group.is_alone()).then(|| group.rank()), ..self }
    }

    /// Seeds libtorch's generator for a place in the update.
    pub fn begin(&self, place: &[usize]) {
        let path: Vec<u64> = place.iter().copied().chain(self.rank).map(|number| number as u64 + 1).collect();
        let update = (u64::from(self.seed.0) << 32) | self.step as u64;
        tch::manual_seed(Random::at(update, &path).bits() as i64);
    }
}
