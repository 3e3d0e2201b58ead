//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use cliptune_experiment::{Seed, Select, TrainPlan};
use cliptune_store::{Event, EventLog};

use crate::checkpoint::{Best, Checkpoints, Position, State, unusable};
use crate::data::{Arrangement, Augmenter, Example, epoch_batches, listed_batches};
use crate::draws::Draws;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::gradient::Gradient;
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::schedule;
use crate::tuning::Tuned;

/// What the loop works on.
pub struct Fit<'a> {
    /// The settings.
    pub plan: &'a TrainPlan,
    /// Orders the data.
    pub seed: Seed,
    /// The weights, and which of them move.
    pub tuned: &'a Tuned<'a>,
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

/// Updates of each epoch.
pub fn steps_per_epoch(plan: &TrainPlan, seed: Seed, train: &[Example]) -> usize {
    batches(plan, seed, train, 1).len().div_ceil(plan.accumulate.get())
}

/// The batches of an epoch.
fn batches(plan: &TrainPlan, seed: Seed, train: &[Example], epoch: usize) -> Vec<Vec<usize>> {
    let arrangement = Arrangement::of(plan.objective);
    if plan.shuffle {
        epoch_batches(train, arrangement, plan.batch_size, seed, epoch)
    } else {
        listed_batches(train, arrangement, plan.batch_size)
    }
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
    /// Trains from a position to the end, or until it is interrupted.
    pub fn run(
        &self,
        optimizer: &mut Optimizer,
        log: &mut EventLog,
        mut position: Position,
    ) -> Result<Fitted, TrainError> {
        let steps = steps_per_epoch(self.plan, self.seed, self.train);
        optimizer.set_updates(position.steps);
        if !position.is_within(self.plan.epochs, steps) {
            return Err(unusable(&self.checkpoints.last_file(), "its position is outside of this run"));
        }
        let (begun, before) = (Instant::now(), position.seconds);
        let clock = || before + begun.elapsed().as_secs_f64();
        if position.best.is_none() {
            self.close_epoch(log, &mut position, clock())?;
        }
        for number in position.epochs + 1..=self.plan.epochs {
            if self.is_out_of_patience(&position) {
                break;
            }
            let epoch = Epoch { number, steps };
            if self.epoch(optimizer, log, &epoch, &mut position)?.is_break() {
                position.seconds = clock();
                // The log may be ahead of the checkpoint, whose steps are then taken again, but never behind it.
                log.sync()?;
                self.checkpoints.save_last(&State::new(self.tuned, optimizer), &position)?;
                log.append(&Event::Interrupted { step: position.steps })?;
                log.sync()?;
                return Ok(Fitted::Interrupted);
            }
            position = Position { epochs: number, steps_of_epoch: 0, ..position };
            position.seconds = clock();
            self.close_epoch(log, &mut position, clock())?;
            self.checkpoints.save_last(&State::new(self.tuned, optimizer), &position)?;
        }
        let best = position.best.unwrap_or(Best { epoch: 0, merit: f64::MIN });
        Ok(Fitted::Done { best, seconds: clock() })
    }

    /// Whether so many epochs were not better that no further one is tried.
    fn is_out_of_patience(&self, position: &Position) -> bool {
        let best = position.best.map_or(0, |best| best.epoch);
        position.steps_of_epoch == 0
            && self.plan.patience.is_some_and(|patience| position.epochs - best >= patience.get())
    }

    /// Steps through an epoch from where the position stands in it.
    fn epoch(
        &self,
        optimizer: &mut Optimizer,
        log: &mut EventLog,
        epoch: &Epoch,
        position: &mut Position,
    ) -> Result<ControlFlow<()>, TrainError> {
        let batches = batches(self.plan, self.seed, self.train, epoch.number);
        let augmenter = self.plan.augment.map(|augment| Augmenter::new(augment, self.seed, epoch.number));
        let encoder = self.encoder.with_augmenter(augmenter);
        for batches in batches.chunks(self.plan.accumulate.get()).skip(position.steps_of_epoch) {
            position.steps_of_epoch += 1;
            position.steps = position.epochs * epoch.steps + position.steps_of_epoch;
            let event = self.step(optimizer, &encoder, batches, epoch, position.steps)?;
            log.append(&event)?;
            if (self.after_step)(&event).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// One update from the gradients of some batches.
    fn step(
        &self,
        optimizer: &mut Optimizer,
        encoder: &Encoder<'_>,
        batches: &[Vec<usize>],
        epoch: &Epoch,
        step: usize,
    ) -> Result<Event, TrainError> {
        let begun = Instant::now();
        let diverged = |what, value| TrainError::Diverged { what, value, step, epoch: epoch.number };
        optimizer.zero_grad();
        let gradient =
            Gradient { plan: self.plan, encoder, examples: self.train, draws: Draws::new(self.seed, step) };
        let loss = gradient.accumulate(batches)?;
        if !loss.is_finite() {
            return Err(diverged("loss", loss));
        }
        let grad_norm = optimizer.clip_grad_norm(self.plan.clip_grad_norm)?;
        if !grad_norm.is_finite() {
            return Err(diverged("norm of the gradient", grad_norm));
        }
        let factor = schedule::factor(&self.plan.schedule, step, self.plan.epochs * epoch.steps);
        let learning_rate = self.plan.optimizer.lr.get() * factor;
        optimizer.step(learning_rate)?;
        self.tuned.follow_update()?;
        Ok(Event::Step {
            step,
            epoch: epoch.number,
            loss,
            learning_rate,
            grad_norm,
            logit_scale: self.tuned.parameters().logit_scale()?,
            items_per_second: batches.iter().map(Vec::len).sum::<usize>() as f64
                / begun.elapsed().as_secs_f64(),
        })
    }

    /// What weights reach on the validation split.
    pub fn evaluate(&self, parameters: &Parameters) -> Result<Evaluation, TrainError> {
        let encoder = self.encoder.with_weights(parameters);
        evaluate(&encoder, self.plan.objective, self.plan.batch_size, self.validation)
    }

    /// Evaluates, and keeps the weights if they are the best so far.
    fn close_epoch(
        &self,
        log: &mut EventLog,
        position: &mut Position,
        seconds: f64,
    ) -> Result<(), TrainError> {
        let evaluation = self.evaluate(&self.tuned.evaluated()?)?;
        let merit = match self.plan.select {
            Select::Last => position.epochs as f64,
            select => merit(select, evaluation),
        };
        let best = position.best.is_none_or(|best| merit > best.merit);
        if best {
            position.best = Some(Best { epoch: position.epochs, merit });
            self.checkpoints.save_best(self.tuned, position.epochs)?;
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
pub fn merit(select: Select, evaluation: Evaluation) -> f64 {
    match select {
        Select::ValidationAccuracy | Select::Last => evaluation.accuracy,
        Select::ValidationLoss if evaluation.loss.is_finite() => -evaluation.loss,
        Select::ValidationLoss => f64::MIN,
    }
}
