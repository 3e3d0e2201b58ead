//! Finds the processes that a loss which is not a number comes from.

use cliptune_clip::weights::Tower;
use tch::{Kind, Tensor};

use super::Fit;
use crate::data::Batch;
use crate::divergence::Divergence;
use crate::error::TrainError;
use crate::objective;

impl Fit<'_> {
    /// Names the processes at fault where the error is a divergence, which all processes find in the same step.
    pub(super) fn with_ranks(&self, mut error: TrainError) -> TrainError {
        let TrainError::Diverged(divergence) = &mut error else { return error };
        match self.at_fault(divergence) {
            Ok(ranks) => divergence.ranks = ranks,
            Err(other) => return other,
        }
        error
    }

    /// Returns the processes whose own embeddings of a step's items are not finite, where those of others are. All have the same
    /// weights and have come to the same loss, so that such a process is most likely broken.
    fn at_fault(&self, divergence: &Divergence) -> Result<Vec<usize>, TrainError> {
        if self.group.is_alone() {
            return Ok(Vec::new());
        }
        let batch = Batch::new(self.train, &divergence.batch, objective::needed(self.plan.objective));
        let is_fine =
            self.is_finite(Tower::Vision, &batch.images)? && self.is_finite(Tower::Text, &batch.texts)?;
        let world = self.group.world();
        let told = self.group.gather(&Tensor::from_slice(&[i64::from(is_fine)]), world)?;
        let told: Vec<i64> = Vec::try_from(&told)?;
        let broken: Vec<usize> = (0..world).filter(|&rank| told[rank] == 0).collect();
        Ok(if broken.len() < world { broken } else { Vec::new() })
    }

    /// Checks whether this process computes numbers for its share of a tower's rows.
    fn is_finite(&self, tower: Tower, rows: &[usize]) -> Result<bool, TrainError> {
        let own = self.encoder.many_own(tower, &rows[self.group.share(rows.len())])?;
        Ok(f64::try_from(&own.f_sum(Kind::Double)?)?.is_finite())
    }
}
