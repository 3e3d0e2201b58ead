//! What is drawn at random in training.

use cliptune_experiment::Seed;
use cliptune_statistics::Random;

/// The draws of one update: a function of the seed, the update and the place in it alone. A step that is taken again after
/// a crash draws the same, and no generator's state has to be saved.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    seed: Seed,
    step: usize,
}

impl Draws {
    /// Of an update, counted from 1 over the run.
    pub fn new(seed: Seed, step: usize) -> Self {
        Self { seed, step }
    }

    /// Lets libtorch draw what belongs to a place in the update.
    pub fn begin(&self, place: &[usize]) {
        let start = Random::new((u64::from(self.seed.0) << 32) | self.step as u64).bits();
        let bits = place.iter().fold(start, |bits, &number| Random::new(bits ^ (number as u64 + 1)).bits());
        tch::manual_seed(bits as i64);
    }
}
