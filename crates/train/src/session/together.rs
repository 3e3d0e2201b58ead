//! What the processes of one training tell each other about it. All of them call the same functions in the same order.

use std::sync::atomic::Ordering;

use cliptune_experiment::TrainPlan;
use cliptune_store::Run;

use super::Session;
use crate::checkpoint::{Checkpoints, Position, State};
use crate::error::TrainError;
use crate::launcher::in_words;

impl Session<'_> {
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
        let is_told = self.context.interrupted.load(Ordering::Relaxed) && self.context.stopped_by().is_none();
        let stopped = team.who_says(is_told)?;
        if team.is_leader() && !stopped.is_empty() && !stopped.contains(&team.group().rank()) {
            self.context.printer.notice(&format!("told to stop: {}", in_words(&stopped)));
        }
        Ok(())
    }
}
