//! Carries out one run, from its images, texts and starting weights to its exported model.

mod explain;
mod export;
mod kept;
mod together;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cliptune_experiment::{BatchSize, Objective, Plan, TaskKind, TrainPlan};
use cliptune_store::{Event, EventLog, Outcome, Run, Standing};
use cliptune_terminal::format::in_one_line;

use crate::board::Board;
use crate::checkpoint::{Checkpoints, Position, Saver, State};
use crate::data::{ImageBank, PixelCache, Splits, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::fit::{Fit, Fitted, Records, steps_per_epoch};
use crate::journal::Journal;
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::progress::TrainingProgress;
use crate::run::Context;
use crate::start::Start;
use crate::tuning::Tuned;
use crate::watch::{Watch, unrecorded};
use crate::{cautions, device};

/// A training in progress, with everything that it works with. Of several processes, all have a session, and the leader alone has a run
/// to write.
pub(crate) struct Session<'a> {
    context: &'a Context<'a>,
    standing: &'a Standing,
    plan: &'a Plan,
    start: &'a Start,
    splits: &'a Splits,
    images: ImageBank,
    texts: TextBank,
}

/// A run that is ready for export: the weights to be exported are in place.
struct Ready<'a> {
    best_epoch: usize,
    /// The position of the weights between the starting ones (0) and those of that epoch (1), if the plan asks for one.
    alpha: Option<f64>,
    /// The weights to export, or `None` for the starting ones.
    parameters: Option<Parameters>,
    journal: Journal<'a>,
}

impl<'a> Session<'a> {
    /// Finds the images of a run whose texts are already tokenised.
    pub(crate) fn open(
        context: &'a Context<'a>,
        standing: &'a Standing,
        start: &'a Start,
        splits: &'a Splits,
        texts: TextBank,
    ) -> Self {
        let plan = &standing.plan;
        let preprocessor = start.preprocessor.clone();
        let cache = PixelCache::open(&context.store.cache_folder(), &preprocessor, splits.images.len());
        let images = ImageBank::new(preprocessor, Arc::clone(&splits.images), cache);
        Self { context, standing, plan, start, splits, images, texts }
    }

    /// Trains the model if the plan says so, and exports it.
    pub(crate) fn execute(&self, run: &Run) -> Result<Outcome, TrainError> {
        device::compute_plainly()?;
        let watch = self.watch(run);
        let ready = match &self.plan.train {
            None => Some(self.untrained(run, watch)?),
            Some(train) => self.train(train, Some(run), watch)?,
        };
        let Some(Ready { best_epoch, alpha, parameters, mut journal }) = ready else {
            return Ok(Outcome::Interrupted);
        };
        device::compute_plainly()?;
        run.still_there()?;
        self.export(run, parameters.as_ref().unwrap_or(&self.start.parameters))?;
        journal.tell(&Event::Finished { best_epoch, alpha });
        journal.close()?;
        Ok(Outcome::Done { best_epoch })
    }

    /// Trains along with the process that writes the run, and keeps nothing.
    pub(crate) fn help(&self) -> Result<(), TrainError> {
        device::compute_plainly()?;
        if let Some(train) = &self.plan.train {
            self.train(train, None, None)?;
        }
        device::compute_plainly()
    }

    /// Takes a model as it is, and records its validation results as epoch 0.
    fn untrained(&self, run: &Run, watch: Option<Watch>) -> Result<Ready<'_>, TrainError> {
        let mut journal = self.journal(run, TrainingProgress::hidden(), watch)?;
        journal.tell(&self.started(0, 0, 0));
        if !self.splits.validation.is_empty() {
            let encoder = self.encoder(&self.start.parameters);
            let objective = match self.splits.task {
                TaskKind::Choice | TaskKind::Classes => Objective::Choice,
                TaskKind::Pairs if self.start.config.family.has_sigmoid_loss() => Objective::Sigmoid,
                TaskKind::Pairs => Objective::Contrastive,
            };
            let evaluation =
                evaluate(&encoder, objective, self.splits.task, BatchSize::DEFAULT, &self.splits.validation)?;
            journal.tell(&Event::Epoch {
                epoch: 0,
                step: 0,
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
                best: true,
            });
        }
        Ok(Ready { best_epoch: 0, alpha: None, parameters: None, journal })
    }

    /// Trains from the beginning or from the last checkpoint. Returns `None` when training was interrupted. Only with a run is
    /// anything written.
    fn train(
        &self,
        train: &TrainPlan,
        run: Option<&Run>,
        watch: Option<Watch>,
    ) -> Result<Option<Ready<'_>>, TrainError> {
        let group = self.context.team.group();
        let parameters = &self.start.parameters.with_token_rows(train.tune, &self.texts.ids())?;
        self.start.suits(train.objective, self.plan)?;
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        for caution in cautions::of_training(train, self.plan.seed, self.splits, steps) {
            self.context.caution(&self.plan.experiment, &caution);
        }
        let kept = run.map(|run| -> Result<_, TrainError> {
            Ok((run, Checkpoints::new(run.checkpoint_folder())?.guarded_by(run.guard())))
        });
        let kept = kept.transpose()?;
        device::compute_as(train.precision, train.deterministic)?;
        let tuned = Tuned::new(parameters, train, self.plan.seed)?;
        let mut optimizer = Optimizer::new(&tuned.moving(), train.optimizer)?;
        let position = self.position(train, kept.as_ref(), &State::new(&tuned, &optimizer))?;
        watch.iter().for_each(|watch| watch.at_step(position.as_ref().map_or(0, |position| position.steps)));
        let mut encoder = self
            .encoder(parameters)
            .with_adapters(tuned.adapters())
            .with_precision(train.precision)
            .with_group(group);
        encoder.lock(train)?;
        let mut records = self.records(train, &tuned, kept, position.as_ref(), watch)?;
        let fit = Fit {
            plan: train,
            task: self.splits.task,
            seed: self.plan.seed,
            tuned: &tuned,
            encoder: &encoder,
            group,
            train: &self.splits.train,
            validation: &self.splits.validation,
            after_step: &|_| self.flow(run),
        };
        match fit.run(&mut optimizer, &mut records, position.unwrap_or_default()) {
            Ok(Fitted::Interrupted) => {
                self.tell_who_was_stopped()?;
                run.map_or(Ok(()), Run::still_there)?;
                Ok(None)
            }
            Ok(Fitted::Done { best_epoch }) => Ok(Some(self.ready(&fit, run, records, best_epoch)?)),
            Err(error) => Err(self.explained(train, tuned.len(), error, &mut records.journal)),
        }
    }

    /// Continues from the checkpoint, if there is one. One that is damaged is named and given up, so that the training starts
    /// from its beginning and comes to the same results.
    fn resumed(
        &self,
        train: &TrainPlan,
        run: &Run,
        checkpoints: &Checkpoints,
        state: &State<'_>,
    ) -> Result<Option<Position>, TrainError> {
        let steps = steps_per_epoch(train, self.plan.seed, &self.splits.train);
        match checkpoints.resume(state, |position| position.is_within(train.epochs, steps)) {
            Err(error @ TrainError::Checkpoint { .. }) => {
                let id = run.id();
                let error = in_one_line(&error);
                self.context.printer.warn(&format!("{id}: {error}; it is trained again from its beginning"));
                checkpoints.clear().map(|()| None)
            }
            other => other,
        }
    }

    /// Opens the records of a training and reports the event with which it begins.
    fn records(
        &self,
        train: &TrainPlan,
        tuned: &Tuned<'_>,
        kept: Option<(&Run, Checkpoints)>,
        position: Option<&Position>,
        watch: Option<Watch>,
    ) -> Result<Records<'_>, TrainError> {
        let (printer, interval) = (self.context.printer, self.plan.checkpoint);
        let Some((run, checkpoints)) = kept else {
            let (journal, saver) = (Journal::silent(printer), Saver::without_files(interval, printer));
            return Ok(Records { journal, saver });
        };
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        let label = format!("{} s{}", self.plan.experiment, self.plan.seed);
        let mut journal =
            self.journal(run, TrainingProgress::new(printer, &label, train.epochs, steps), watch)?;
        journal.tell(&match position {
            Some(position) => {
                let world = self.context.team.group().world();
                Event::Resumed { step: position.steps, processes: (world > 1).then_some(world) }
            }
            None => self.started(train.epochs, steps, tuned.len()),
        });
        let steps = position.map_or(0, |position| position.steps);
        let saver = Saver::new(checkpoints, interval, &run.events_file(), steps, printer);
        Ok(Records { journal, saver })
    }

    fn journal<'b>(
        &self,
        run: &Run,
        progress: TrainingProgress<'b>,
        watch: Option<Watch>,
    ) -> Result<Journal<'b>, TrainError>
    where
        'a: 'b,
    {
        let log = EventLog::open_append(&run.events_file())?.timed_by(run.clock()).guarded_by(run.guard());
        let board = Board::new(run.folder(), self.plan);
        Ok(Journal::new(log, board, progress, self.context.printer).watched(watch))
    }

    /// Begins to record what the run uses of its machine. A run goes on without such a record.
    fn watch(&self, run: &Run) -> Option<Watch> {
        let begun = Watch::begin(run, self.context.store.root(), self.context.device);
        begun.inspect_err(|error| self.context.printer.warn(&unrecorded(&run.id(), error))).ok()
    }

    /// Tells the training to stop when the person wants it to, or when nothing of it can be kept.
    fn flow(&self, run: Option<&Run>) -> ControlFlow<()> {
        let is_lost = run.is_some_and(|run| run.still_there().is_err());
        match self.context.interrupted.load(Ordering::Relaxed) || is_lost {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn encoder<'b>(&'b self, parameters: &'b Parameters) -> Encoder<'b> {
        Encoder::new(&self.start.config, parameters, &self.images, &self.texts, self.context.device)
    }

    fn started(&self, epochs: usize, steps: usize, trainable: usize) -> Event {
        Event::Started {
            epochs,
            steps,
            train_items: self.splits.train.len(),
            validation_items: self.splits.validation.len(),
            parameters: self.start.parameters.len(),
            trainable,
            device: device::name(self.context.device),
        }
    }
}
