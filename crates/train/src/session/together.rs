//! What the processes of one training tell each other about it. All of them call the same functions in the same order.

use std::sync::atomic::Ordering;

use cliptune_clip::weights::Tower;
use cliptune_experiment::TrainPlan;
use cliptune_store::Run;
use tch::Kind;

use super::Session;
use crate::checkpoint::{Checkpoints, Position, State};
use crate::data::Batch;
use crate::divergence::Divergence;
use crate::error::TrainError;
use crate::fit::Fit;
use crate::launcher::in_words;
use crate::objective;

impl Session<'_> {
    /// Returns the processes whose own embeddings of a step's items are not finite, where those of others are. All have the same
    /// weights and have come to the same loss, so that such a process is most likely broken.
    pub(super) fn at_fault(&self, fit: &Fit<'_>, divergence: &Divergence) -> Result<Vec<usize>, TrainError> {
        if fit.group.is_alone() {
            return Ok(Vec::new());
        }
        let batch = Batch::new(fit.train, &divergence.batch, objective::needed(fit.plan.objective));
        let is_finite = |tower: Tower, rows: &[usize]| -> Result<bool, TrainError> {
            let own = fit.encoder.many_own(tower, &rows[fit.group.share(rows.len())])?;
            Ok(f64::try_from(&own.f_sum(Kind::Double)?)?.is_finite())
        };
        let is_fine = is_finite(Tower::Vision, &batch.images)? && is_finite(Tower::Text, &batch.texts)?;
        let ranks = self.context.team.who_says(!is_fine)?;
        Ok(if ranks.len() < fit.group.world() { ranks } else { Vec::new() })
    }

    /// Returns the position to continue from in all processes of the training: that of the leader's checkpoint, which says nothing about
    /// how many took part before. The others take the leader's weights and moments before the first step.
    pub(super) fn position(
        &self,
        train: &TrainPlan,
        kept: Option<&(&Run, Checkpoints)>,
        state: &State<'_>,
    ) -> Result<Option<Position>, TrainError> {
        let own = kept.map(|(run, checkpoints)| self.resumed(train, run, checkpoints, state)).transpose()?;
        let group = self.context.team.group();
        if group.is_alone() {
            return Ok(own.flatten());
        }
        group.hear(own.as_ref())
    }

    /// Tells the person which other processes were told to stop, where this one was not.
    pub(super) fn tell_who_was_stopped(&self) -> Result<(), TrainError> {
        let team = &self.context.team;
        let stopped = team.who_says(self.context.interrupted.load(Ordering::Relaxed))?;
        if team.is_leader() && !stopped.is_empty() && !stopped.contains(&team.group().rank()) {
            self.context.printer.notice(&format!("told to stop: {}", in_words(&stopped)));
        }
        Ok(())
    }
}
