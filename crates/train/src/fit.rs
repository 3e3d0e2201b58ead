//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use cliptune_clip::names;
use cliptune_experiment::{Seed, Select, TrainPlan};
use cliptune_statistics::Random;
use cliptune_store::Event;
use tch::Tensor;

use crate::checkpoint::{Best, Position, Saver, State, unusable};
use crate::data::{Arrangement, Batch, Example, epoch_batches};
use crate::divergence::{Divergence, Symptom, ignorance};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::journal::Journal;
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
    /// Sees each step after it is logged, and says whether to go on.
    pub after_step: &'a dyn Fn(&Event) -> ControlFlow<()>,
}

/// What the loop leaves behind.
#[derive(Debug)]
pub struct Records<'a> {
    /// Is told what happens.
    pub journal: Journal<'a>,
    /// Saves what the run goes on from.
    pub saver: Saver<'a>,
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
#[derive(Clone, Copy)]
pub(crate) struct Epoch {
    /// From 1.
    pub(crate) number: usize,
    /// Steps of every epoch.
    pub(crate) steps: usize,
}

/// Seconds spent on a run, by earlier processes as well.
#[derive(Clone, Copy)]
struct Clock {
    before: f64,
    begun: Instant,
}

impl Clock {
    fn seconds(self) -> f64 {
        self.before + self.begun.elapsed().as_secs_f64()
    }
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
        records: &mut Records<'_>,
        mut position: Position,
    ) -> Result<Fitted, TrainError> {
        let steps = steps_per_epoch(self.plan, self.seed, self.train);
        if !position.is_within(self.plan.epochs, steps) {
            let file = records.saver.checkpoints().last_file();
            return Err(unusable(&file, "its position is outside of this run"));
        }
        optimizer.set_updates(position.steps);
        let clock = Clock { before: position.seconds, begun: Instant::now() };
        if position.best.is_none() {
            self.close_epoch(records, &mut position, clock)?;
        }
        for number in position.epochs + 1..=self.plan.epochs {
            let epoch = Epoch { number, steps };
            let flow = self.epoch(optimizer, records, epoch, &mut position, clock)?;
            if flow.is_break() {
                records.saver.save(&State::new(self.parameters, optimizer), &position);
                records.journal.tell(&Event::Interrupted { step: position.steps });
                records.journal.sync();
                return Ok(Fitted::Interrupted);
            }
            position = Position { epochs: number, steps_of_epoch: 0, ..position };
            self.close_epoch(records, &mut position, clock)?;
            records.saver.offer(&State::new(self.parameters, optimizer), &position);
        }
        // What is left can fail, too: exporting the model.
        records.saver.save(&State::new(self.parameters, optimizer), &position);
        let best = position.best.unwrap_or(Best { epoch: 0, merit: f64::MIN });
        Ok(Fitted::Done { best, seconds: clock.seconds() })
    }

    /// Steps through an epoch from where the position stands in it.
    fn epoch(
        &self,
        optimizer: &mut Optimizer,
        records: &mut Records<'_>,
        epoch: Epoch,
        position: &mut Position,
        clock: Clock,
    ) -> Result<ControlFlow<()>, TrainError> {
        for chosen in self.batches(epoch.number).iter().skip(position.steps_of_epoch) {
            position.steps_of_epoch += 1;
            position.steps = position.epochs * epoch.steps + position.steps_of_epoch;
            let event = self.step(optimizer, chosen, epoch, position)?;
            position.seconds = clock.seconds();
            records.journal.tell(&event);
            if (self.after_step)(&event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            records.saver.offer(&State::new(self.parameters, optimizer), position);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes the step that the position stands at the end of.
    pub(crate) fn step(
        &self,
        optimizer: &mut Optimizer,
        chosen: &[usize],
        epoch: Epoch,
        position: &mut Position,
    ) -> Result<Event, TrainError> {
        let (begun, step) = (Instant::now(), position.steps);
        draw_as_step(self.seed, step);
        let factor = schedule::factor(&self.plan.schedule, step, self.plan.epochs * epoch.steps);
        let learning_rate = self.plan.optimizer.lr.get() * factor;
        let diverged = |symptom| {
            let (epoch, batch, items) = (epoch.number, chosen.to_vec(), Vec::new());
            let divergence = Divergence { symptom, step, epoch, learning_rate, batch, items };
            TrainError::Diverged(Box::new(divergence))
        };
        let batch = Batch::new(self.train, chosen, objective::needed(self.plan.objective));
        optimizer.zero_grad();
        let embeddings = self.encoder.embeddings(&batch.images, &batch.texts)?;
        let loss = objective::loss(self.plan.objective, &embeddings, &batch.examples)?;
        let value = f64::try_from(&loss)?;
        if !value.is_finite() {
            return Err(diverged(Symptom::NotFinite { what: "loss", value }));
        }
        let ignorance = ignorance(self.plan.objective, &batch.examples);
        if let Some(symptom) = position.losses.see(value, ignorance) {
            return Err(diverged(symptom));
        }
        loss.f_backward()?;
        let grad_norm = optimizer.clip_grad_norm(self.plan.clip_grad_norm)?;
        if !grad_norm.is_finite() {
            return Err(diverged(Symptom::NotFinite { what: "norm of the gradient", value: grad_norm }));
        }
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
        records: &mut Records<'_>,
        position: &mut Position,
        clock: Clock,
    ) -> Result<(), TrainError> {
        let evaluation = evaluate(self.encoder, self.plan.objective, self.plan.batch_size, self.validation)?;
        let merit = merit(self.plan.select, evaluation);
        let best = position.best.is_none_or(|best| merit > best.merit);
        if best {
            position.best = Some(Best { epoch: position.epochs, merit });
            // Epoch 0 is what the run has started from, which needs no copy.
            if position.epochs > 0 {
                records.saver.keep_best(self.parameters, position.epochs)?;
            }
        }
        position.seconds = clock.seconds();
        records.journal.tell(&Event::Epoch {
            epoch: position.epochs,
            step: position.steps,
            validation_loss: evaluation.loss,
            validation_accuracy: evaluation.accuracy,
            best,
            seconds: position.seconds,
        });
        records.journal.sync();
        Ok(())
    }
}

/// What libtorch draws at random in a step depends on seed and step alone: a step that is taken again after a crash
/// draws the same, and no generator's state has to be saved.
fn draw_as_step(seed: Seed, step: usize) {
    let bits = Random::new((u64::from(seed.0) << 32) ^ step as u64).bits();
    tch::manual_seed(bits as i64);
}

/// Higher is better. A loss that is not a number never wins; its merit is one, because JSON has no infinity.
fn merit(select: Select, evaluation: Evaluation) -> f64 {
    match select {
        Select::ValidationAccuracy => evaluation.accuracy,
        Select::ValidationLoss if evaluation.loss.is_finite() => -evaluation.loss,
        Select::ValidationLoss => f64::MIN,
    }
}
