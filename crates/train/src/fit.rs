//! The training loop.

mod fault;

use std::ops::ControlFlow;
use std::thread;
use std::time::Instant;

use cliptune_experiment::{Seed, Select, TaskKind, TrainPlan};
use cliptune_store::Event;
use cliptune_torch_bridge::Buckets;

use crate::checkpoint::{Best, OUTSIDE, Position, Saver, State, unusable};
use crate::data::{Ahead, Arrangement, Augmenter, Example, distinct_images, epoch_batches, listed_batches};
use crate::divergence::{Divergence, Symptom};
use crate::draws::Draws;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::gradient::{Gradient, in_expected_order};
use crate::group::Group;
use crate::journal::Journal;
use crate::merit::Merit;
use crate::model::Parameters;
use crate::objective;
use crate::optimizer::Optimizer;
use crate::schedule;
use crate::tuning::Tuned;

/// A training with its settings, its weights and its data.
pub struct Fit<'a> {
    /// The settings of the training.
    pub plan: &'a TrainPlan,
    /// The kind of the dataset's items.
    pub task: TaskKind,
    /// The seed that decides the order of the data.
    pub seed: Seed,
    /// The weights, and which of them move.
    pub tuned: &'a Tuned<'a>,
    /// The encoder, which combines the weights with the images and texts. It belongs to the same group.
    pub encoder: &'a Encoder<'a>,
    /// The processes that train together. Each of them has the same of all else.
    pub group: &'a Group,
    /// The examples of the train split.
    pub train: &'a [Example],
    /// The examples of the validation split.
    pub validation: &'a [Example],
    /// A function that sees each step after it is logged and decides whether to go on. When it stops one process of
    /// several, all of them stop after the step that follows, or at the end of the epoch.
    pub after_step: &'a dyn Fn(&Event) -> ControlFlow<()>,
}

/// The records that a training leaves behind.
#[derive(Debug)]
pub struct Records<'a> {
    /// The journal that passes on what happens.
    pub journal: Journal<'a>,
    /// The saver of what the run continues from.
    pub saver: Saver<'a>,
}

/// Returns the number of updates of each epoch.
pub fn steps_per_epoch(plan: &TrainPlan, seed: Seed, train: &[Example]) -> usize {
    batches(plan, seed, train, 1).len().div_ceil(plan.accumulate.get())
}

/// Returns the batches of an epoch.
pub(crate) fn batches(plan: &TrainPlan, seed: Seed, train: &[Example], epoch: usize) -> Vec<Vec<usize>> {
    let arrangement = Arrangement::of(plan.objective);
    if plan.shuffle {
        epoch_batches(train, arrangement, plan.batch_size, seed, epoch)
    } else {
        listed_batches(train, arrangement, plan.batch_size)
    }
}

/// Refuses a training in which a process would never have anything to do. Only the last batch of an epoch may be too
/// small for all of them.
///
/// # Errors
///
/// Returns an error when the first batch has fewer examples than there are processes.
pub fn check_world(world: usize, plan: &TrainPlan, seed: Seed, train: &[Example]) -> Result<(), TrainError> {
    let batch = batches(plan, seed, train, 1).first().map_or(0, Vec::len);
    if world == 1 || world <= batch {
        return Ok(());
    }
    Err(TrainError::WorldTooLarge { world, batch })
}

/// How the training loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitted {
    /// All epochs are done; the best one's weights are in the checkpoint.
    Done {
        /// The epoch to keep; 0 for the starting weights.
        best_epoch: usize,
    },
    /// The training was told to stop, finished its step and saved.
    Interrupted,
}

/// The place of one epoch in the run.
#[derive(Clone, Copy)]
pub(crate) struct Epoch {
    /// The number of the epoch, from 1.
    pub(crate) number: usize,
    /// The number of steps in every epoch.
    pub(crate) steps: usize,
}

/// What a step works with besides the weights.
#[derive(Clone, Copy)]
struct Means<'a> {
    encoder: &'a Encoder<'a>,
    ahead: Option<&'a Ahead<'a>>,
    buckets: Option<&'a Buckets<'a>>,
}

impl Fit<'_> {
    /// Trains from a position to the end, or until it is interrupted. Every process of the group calls this with the same
    /// position, and takes the state of the leader.
    pub fn run(
        &self,
        optimizer: &mut Optimizer,
        records: &mut Records<'_>,
        mut position: Position,
    ) -> Result<Fitted, TrainError> {
        let steps = steps_per_epoch(self.plan, self.seed, self.train);
        if !position.is_within(self.plan.epochs, steps) {
            let file = records.saver.checkpoints().last_file();
            return Err(unusable(&file, OUTSIDE));
        }
        check_world(self.group.world(), self.plan, self.seed, self.train)?;
        let state = State::new(self.tuned, optimizer);
        self.group.take_from_leader(&mut state.tensors().map(|(_, tensor)| tensor.shallow_clone()))?;
        let buckets = self.buckets()?;
        optimizer.set_updates(position.steps);
        if position.steps == 0 {
            self.close_epoch(records, &mut position)?;
        }
        for number in position.epochs + 1..=self.plan.epochs {
            if self.is_out_of_patience(&position) {
                break;
            }
            let epoch = Epoch { number, steps };
            let flow = self.epoch(optimizer, records, buckets.as_ref(), epoch, &mut position);
            let flow = flow.map_err(|error| self.with_ranks(error))?;
            if flow.is_break() {
                let lost = records.saver.save_to_stop(&State::new(self.tuned, optimizer), &position);
                lost.iter().for_each(|lost| records.journal.warn(lost));
                records.journal.tell(&Event::Interrupted { step: position.steps });
                records.journal.sync();
                return Ok(Fitted::Interrupted);
            }
            position = Position { epochs: number, steps_of_epoch: 0, ..position };
            self.close_epoch(records, &mut position)?;
            records.saver.offer(&State::new(self.tuned, optimizer), &position);
        }
        // The export of the model, which is still to come, can fail as well.
        records.saver.save(&State::new(self.tuned, optimizer), &position);
        Ok(Fitted::Done { best_epoch: position.best.map_or(0, |best| best.epoch) })
    }

    /// Checks whether so many epochs in a row were no better that another one is not tried.
    fn is_out_of_patience(&self, position: &Position) -> bool {
        let best = position.best.map_or(0, |best| best.epoch);
        position.steps_of_epoch == 0
            && self.plan.patience.is_some_and(|patience| position.epochs - best >= patience.get())
    }

    /// Prepares to add up the gradients of several processes.
    fn buckets(&self) -> Result<Option<Buckets<'_>>, TrainError> {
        self.group.buckets(&in_expected_order(&self.tuned.moving()))
    }

    /// Takes the steps of an epoch, starting from the position.
    fn epoch(
        &self,
        optimizer: &mut Optimizer,
        records: &mut Records<'_>,
        buckets: Option<&Buckets<'_>>,
        epoch: Epoch,
        position: &mut Position,
    ) -> Result<ControlFlow<()>, TrainError> {
        let batches = batches(self.plan, self.seed, self.train, epoch.number);
        let augmenter = self.plan.augment.map(|augment| Augmenter::new(augment, self.seed, epoch.number));
        let encoder = self.encoder.with_augmenter(augmenter);
        let updates = batches.chunks(self.plan.accumulate.get()).skip(position.steps_of_epoch);
        thread::scope(|scope| {
            let images = updates.clone().flatten().map(|batch| self.images(batch)).collect();
            let ahead = self.encoder.decode_ahead(scope, images);
            let means = Means { encoder: &encoder, ahead: Some(&ahead), buckets };
            let mut wish = false;
            for batches in updates {
                position.steps_of_epoch += 1;
                position.steps = position.epochs * epoch.steps + position.steps_of_epoch;
                let (event, stop) = self.update(optimizer, means, batches, epoch, position, wish)?;
                records.journal.tell(&event);
                wish = (self.after_step)(&event).is_break();
                // The others hear of it with the next step.
                if stop || (wish && self.group.is_alone()) {
                    return Ok(ControlFlow::Break(()));
                }
                records.saver.offer(&State::new(self.tuned, optimizer), position);
            }
            Ok(if self.group.any(wish)? { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }

    /// Returns the distinct images of a batch that this process encodes.
    fn images(&self, batch: &[usize]) -> Vec<usize> {
        let images = distinct_images(self.train, batch);
        images[self.group.share(images.len())].to_vec()
    }

    /// Takes a single step, as a forecast does.
    pub(crate) fn step(
        &self,
        optimizer: &mut Optimizer,
        (encoder, ahead): (&Encoder<'_>, Option<&Ahead<'_>>),
        batches: &[Vec<usize>],
        epoch: Epoch,
        position: &mut Position,
    ) -> Result<Event, TrainError> {
        let buckets = self.buckets()?;
        let means = Means { encoder, ahead, buckets: buckets.as_ref() };
        Ok(self.update(optimizer, means, batches, epoch, position, false)?.0)
    }

    /// Takes the step that ends at the position: one update from the gradients of some batches. `wish` tells that this
    /// process wants to stop; returned is whether any does.
    fn update(
        &self,
        optimizer: &mut Optimizer,
        Means { encoder, ahead, buckets }: Means<'_>,
        batches: &[Vec<usize>],
        epoch: Epoch,
        position: &mut Position,
        wish: bool,
    ) -> Result<(Event, bool), TrainError> {
        let (begun, step) = (Instant::now(), position.steps);
        let factor = schedule::factor(&self.plan.schedule, step, self.plan.epochs * epoch.steps);
        let learning_rate = self.plan.optimizer.lr.get() * factor;
        let diverged = |symptom| {
            let (epoch, batch, items) = (epoch.number, batches.concat(), Vec::new());
            let ranks = Vec::new();
            let divergence = Divergence { symptom, step, epoch, learning_rate, batch, items, ranks };
            TrainError::Diverged(Box::new(divergence))
        };
        optimizer.zero_grad()?;
        let draws = Draws::new(self.seed, step).of_member(self.group);
        let gradient = Gradient { plan: self.plan, encoder, examples: self.train, draws, ahead, buckets };
        let (loss, stop) = self.agree(gradient.accumulate(batches)?, wish)?;
        if !loss.is_finite() {
            return Err(diverged(Symptom::NotFinite { what: "loss", value: loss }));
        }
        if let Some(symptom) = position.losses.see(loss, self.ignorance(batches)) {
            return Err(diverged(symptom));
        }
        let grad_norm = optimizer.clip_grad_norm(self.plan.clip_grad_norm)?;
        if !grad_norm.is_finite() {
            return Err(diverged(Symptom::NotFinite { what: "norm of the gradient", value: grad_norm }));
        }
        optimizer.step(learning_rate)?;
        self.tuned.follow_update()?;
        let event = Event::Step {
            step,
            epoch: epoch.number,
            loss,
            learning_rate,
            grad_norm,
            logit_scale: self.tuned.parameters().logit_scale()?,
            items_per_second: batches.iter().map(Vec::len).sum::<usize>() as f64
                / begun.elapsed().as_secs_f64(),
        };
        Ok((event, stop))
    }

    /// Adds up the parts of a loss that the processes have, and tells whether any of them wants to stop.
    fn agree(&self, part: f64, wish: bool) -> Result<(f64, bool), TrainError> {
        let sums = self.group.sums(&[part, f64::from(wish)])?;
        Ok((sums[0], sums[1] > 0.0))
    }

    /// Returns the loss of a model that knows nothing, for the largest of some batches.
    fn ignorance(&self, batches: &[Vec<usize>]) -> f64 {
        let of = |chosen: &Vec<usize>| {
            let examples = chosen.iter().filter_map(|&row| self.train.get(row));
            objective::ignorance(self.plan.objective, examples)
        };
        batches.iter().map(of).fold(0.0, f64::max)
    }

    /// Evaluates weights on the validation split.
    pub fn evaluate(&self, parameters: &Parameters) -> Result<Evaluation, TrainError> {
        let encoder = self.encoder.with_weights(parameters);
        evaluate(&encoder, self.plan.objective, self.task, self.plan.batch_size, self.validation)
    }

    /// Evaluates the model at the end of an epoch, and keeps the weights if they are the best so far.
    fn close_epoch(&self, records: &mut Records<'_>, position: &mut Position) -> Result<(), TrainError> {
        let evaluation = self.evaluate(&self.tuned.evaluated()?)?;
        let merit = match self.plan.select {
            Select::Last => Merit::of_epoch(position.epochs),
            select => Merit::of(select, evaluation),
        };
        // When models between the starting one and the tuned one are tried, a tuned one is needed as the other end of
        // the line.
        let counts = position.epochs > 0 || self.plan.interpolate.is_empty();
        let best = counts && position.best.is_none_or(|best| merit > best.merit);
        if best {
            position.best = Some(Best { epoch: position.epochs, merit });
            // Epoch 0 is the starting model, which needs no copy.
            if position.epochs > 0 {
                records.saver.keep_best(self.tuned, position.epochs)?;
            }
        }
        records.journal.tell(&Event::Epoch {
            epoch: position.epochs,
            step: position.steps,
            validation_loss: evaluation.loss,
            validation_accuracy: evaluation.accuracy,
            best,
        });
        records.journal.sync();
        Ok(())
    }
}
