//! Numbers that look measured.

use cliptune_random::Random;

/// About standard normal; the same on every machine.
pub(super) struct Noise(Random);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(super) fn next(&mut self) -> f64 {
        (0..4).map(|_| self.uniform()).sum::<f64>() * 1.7 - 3.4
    }

    pub(super) fn uniform(&mut self) -> f64 {
        self.0.unit()
    }
}
