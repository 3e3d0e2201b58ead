//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use cliptune_clip::names;
use cliptune_experiment::{Seed, Select, TrainPlan};
use cliptune_store::{Event, EventLog};
use tch::Tensor;

use crate::checkpoint::{Best, Checkpoints, Position, unusable};
use crate::data::{Arrangement, Batch, Example, epoch_batches};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::model::Parameters;
use crate::objective;
use crate::optimizer::Optimizer;
use crate::schedule;

/// The largest logit_scale, ln 100: OpenAI's bound, without which the temperature runs away on small data.
const MAX_LOGIT_SCALE: f64 = 4.605_170_185_988_091;

/// What the loop works on.
pub struct Fit<'a> {
    /// The settings.
    pub plan: &'a TrainPlan,
    /// Orders the data.
    pub seed: Seed,
    /// The weights.
    pub parameters: &'a Parameters,
    /// The weights with the images and texts.
    pub encoder: &'a Encoder<'a>,
    /// The train split.
    pub train: &'a [Example],
    /// The validation split.
    pub validation: &'a [Example],
    /// Where weights and positions are saved.
    pub checkpoints: &'a Checkpoints,
    /// Sees each step after it is logged, and says whether to go on.
    pub after_step: &'a dyn Fn(&Event) -> ControlFlow<()>,
}

/// Optimiser steps of each epoch.
pub fn steps_per_epoch(plan: &TrainPlan, seed: Seed, train: &[Example]) -> usize {
    epoch_batches(train, Arrangement::of(plan.objective), plan.batch_size, seed, 1).len()
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fitted {
    /// All epochs are done; the best one's weights are in the checkpoint.
    Done {
        /// The epoch to keep.
        best: Best,
        /// Seconds spent, before interruptions as well.
        seconds: f64,
    },
    /// It was told to stop, finished its step and saved.
    Interrupted,
}

/// One epoch's place in the run.
struct Epoch {
    /// From 1.
    number: usize,
    /// Steps of every epoch.
    steps: usize,
}

impl Fit<'_> {
    fn batches(&self, epoch: usize) -> Vec<Vec<usize>> {
        let arrangement = Arrangement::of(self.plan.objective);
        epoch_batches(self.train, arrangement, self.plan.batch_size, self.seed, epoch)
    }

    /// Trains from a position to the end, or until it is interrupted.
    pub fn run(
        &self,
        optimizer: &mut Optimizer,
        log: &mut EventLog,
        mut position: Position,
    ) -> Result<Fitted, TrainError> {
        let steps = steps_per_epoch(self.plan, self.seed, self.train);
        if !position.is_within(self.plan.epochs, steps) {
            return Err(unusable(&self.checkpoints.last_file(), "its position is outside of this run"));
        }
        let (begun, before) = (Instant::now(), position.seconds);
        let clock = || before + begun.elapsed().as_secs_f64();
        if position.best.is_none() {
            self.close_epoch(log, &mut position, clock())?;
        }
        for number in position.epochs + 1..=self.plan.epochs {
            let epoch = Epoch { number, steps };
            if self.epoch(optimizer, log, &epoch, &mut position)?.is_break() {
                position.seconds = clock();
                // The log may be ahead of the checkpoint, whose steps are then taken again, but never behind it.
                log.sync()?;
                self.checkpoints.save_last(self.parameters, optimizer, &position)?;
                log.append(&Event::Interrupted { step: position.steps })?;
                log.sync()?;
                return Ok(Fitted::Interrupted);
            }
            position = Position { epochs: number, steps_of_epoch: 0, ..position };
            position.seconds = clock();
            self.close_epoch(log, &mut position, clock())?;
            self.checkpoints.save_last(self.parameters, optimizer, &position)?;
        }
        let best = position.best.unwrap_or(Best { epoch: 0, merit: f64::MIN });
        Ok(Fitted::Done { best, seconds: clock() })
    }

    /// Steps through an epoch from where the position stands in it.
    fn epoch(
        &self,
        optimizer: &mut Optimizer,
        log: &mut EventLog,
        epoch: &Epoch,
        position: &mut Position,
    ) -> Result<ControlFlow<()>, TrainError> {
        for chosen in self.batches(epoch.number).iter().skip(position.steps_of_epoch) {
            position.steps_of_epoch += 1;
            position.steps = position.epochs * epoch.steps + position.steps_of_epoch;
            let event = self.step(optimizer, chosen, epoch, position.steps)?;
            log.append(&event)?;
            if (self.after_step)(&event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn step(
        &self,
        optimizer: &mut Optimizer,
        chosen: &[usize],
        epoch: &Epoch,
        step: usize,
    ) -> Result<Event, TrainError> {
        let begun = Instant::now();
        let batch = Batch::new(self.train, chosen, objective::needed(self.plan.objective));
        optimizer.zero_grad()?;
        let embeddings = self.encoder.embeddings(&batch.images, &batch.texts)?;
        let loss = objective::loss(self.plan.objective, &embeddings, &batch.examples)?;
        let value = f64::try_from(&loss)?;
        let diverged = |what, value| TrainError::Diverged { what, value, step, epoch: epoch.number };
        if !value.is_finite() {
            return Err(diverged("loss", value));
        }
        loss.f_backward()?;
        let grad_norm = optimizer.clip_grad_norm(self.plan.clip_grad_norm)?;
        if !grad_norm.is_finite() {
            return Err(diverged("norm of the gradient", grad_norm));
        }
        let factor = schedule::factor(&self.plan.schedule, step, self.plan.epochs * epoch.steps);
        let learning_rate = self.plan.optimizer.lr.get() * factor;
        optimizer.step(learning_rate)?;
        self.clamp_logit_scale()?;
        Ok(Event::Step {
            step,
            epoch: epoch.number,
            loss: value,
            learning_rate,
            grad_norm,
            logit_scale: self.parameters.logit_scale()?,
            items_per_second: chosen.len() as f64 / begun.elapsed().as_secs_f64(),
        })
    }

    /// SigLIP's is not bounded: published ones start above 100, and a first step would move them.
    fn clamp_logit_scale(&self) -> Result<(), TrainError> {
        if self.parameters.find(names::LOGIT_BIAS).is_some() {
            return Ok(());
        }
        let _guard = tch::no_grad_guard();
        let mut logit_scale: Tensor = self.parameters.tensor(names::LOGIT_SCALE)?.shallow_clone();
        let _ = logit_scale.f_clamp_(0.0, MAX_LOGIT_SCALE)?;
        Ok(())
    }

    /// Evaluates, and keeps the weights if they are the best so far.
    fn close_epoch(
        &self,
        log: &mut EventLog,
        position: &mut Position,
        seconds: f64,
    ) -> Result<(), TrainError> {
        let evaluation = evaluate(self.encoder, self.plan.objective, self.plan.batch_size, self.validation)?;
        let merit = merit(self.plan.select, evaluation);
        let best = position.best.is_none_or(|best| merit > best.merit);
        if best {
            position.best = Some(Best { epoch: position.epochs, merit });
            self.checkpoints.save_best(self.parameters, position.epochs)?;
        }
        log.append(&Event::Epoch {
            epoch: position.epochs,
            step: position.steps,
            validation_loss: evaluation.loss,
            validation_accuracy: evaluation.accuracy,
            best,
            seconds,
        })?;
        Ok(log.sync()?)
    }
}

/// Higher is better. A loss that is not a number never wins; its merit is one, because JSON has no infinity.
fn merit(select: Select, evaluation: Evaluation) -> f64 {
    match select {
        Select::ValidationAccuracy => evaluation.accuracy,
        Select::ValidationLoss if evaluation.loss.is_finite() => -evaluation.loss,
        Select::ValidationLoss => f64::MIN,
    }
}
