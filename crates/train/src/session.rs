//! Carries out one run, from its images, texts and starting weights to its exported model.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cliptune_experiment::{BatchSize, Fraction, Objective, Plan, TaskKind, Templates, TrainPlan};
use cliptune_machine::memory_limit;
use cliptune_store::{Event, EventLog, Outcome, Run, Standing};
use cliptune_terminal::format::in_one_line;

use crate::board::Board;
use crate::checkpoint::{Checkpoints, Position, Saver, State};
use crate::data::{ImageBank, PixelCache, Splits, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::export::Captioned;
use crate::fit::{Fit, Fitted, Records, steps_per_epoch};
use crate::journal::Journal;
use crate::memory::{Footprint, Subject};
use crate::merit::Merit;
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::progress::TrainingProgress;
use crate::run::Context;
use crate::start::Start;
use crate::tuning::{Tuned, interpolate, save_adapter};
use crate::watch::{Watch, unrecorded};
use crate::{cautions, device, export};

/// A run in progress, with everything that it works with.
pub(crate) struct Session<'a> {
    context: &'a Context<'a>,
    standing: &'a Standing,
    plan: &'a Plan,
    run: &'a Run,
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
        run: &'a Run,
        start: &'a Start,
        splits: &'a Splits,
        texts: TextBank,
    ) -> Self {
        let plan = &standing.plan;
        let preprocessor = start.preprocessor.clone();
        let cache = PixelCache::open(&context.store.cache_folder(), &preprocessor, splits.images.len());
        let images = ImageBank::new(preprocessor, Arc::clone(&splits.images), cache);
        Self { context, standing, plan, run, start, splits, images, texts }
    }

    /// Trains the model if the plan says so, and exports it.
    pub(crate) fn execute(&self) -> Result<Outcome, TrainError> {
        device::compute_plainly()?;
        let watch = self.watch();
        let ready = match &self.plan.train {
            None => Some(self.untrained(watch)?),
            Some(train) => self.train(train, watch)?,
        };
        let Some(Ready { best_epoch, alpha, parameters, mut journal }) = ready else {
            return Ok(Outcome::Interrupted);
        };
        device::compute_plainly()?;
        self.run.still_there()?;
        self.export(parameters.as_ref().unwrap_or(&self.start.parameters))?;
        journal.tell(&Event::Finished { best_epoch, alpha });
        journal.close()?;
        Ok(Outcome::Done { best_epoch })
    }

    /// Takes a model as it is, and records its validation results as epoch 0.
    fn untrained(&self, watch: Option<Watch>) -> Result<Ready<'_>, TrainError> {
        let mut journal = self.journal(TrainingProgress::hidden(), watch)?;
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

    /// Trains from the beginning or from the last checkpoint. Returns `None` when training was interrupted.
    fn train(&self, train: &TrainPlan, watch: Option<Watch>) -> Result<Option<Ready<'_>>, TrainError> {
        let parameters = &self.start.parameters.with_token_rows(train.tune, &self.texts.ids())?;
        self.start.suits(train.objective, self.plan)?;
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        for caution in cautions::of_training(train, self.plan.seed, self.splits, steps) {
            self.context.caution(&self.plan.experiment, &caution);
        }
        let checkpoints = Checkpoints::new(self.run.checkpoint_folder())?.guarded_by(self.run.guard());
        device::compute_as(train.precision, train.deterministic)?;
        let tuned = Tuned::new(parameters, train, self.plan.seed)?;
        let mut optimizer = Optimizer::new(&tuned.moving(), train.optimizer)?;
        let position = self.position(train, &checkpoints, &State::new(&tuned, &optimizer))?;
        watch.iter().for_each(|watch| watch.at_step(position.as_ref().map_or(0, |position| position.steps)));
        let mut encoder =
            self.encoder(parameters).with_adapters(tuned.adapters()).with_precision(train.precision);
        encoder.lock(train)?;
        let mut records = self.records(train, &tuned, checkpoints, position.as_ref(), watch)?;
        let fit = Fit {
            plan: train,
            task: self.splits.task,
            seed: self.plan.seed,
            tuned: &tuned,
            encoder: &encoder,
            train: &self.splits.train,
            validation: &self.splits.validation,
            after_step: &|_| self.flow(),
        };
        match fit.run(&mut optimizer, &mut records, position.unwrap_or_default()) {
            Ok(Fitted::Interrupted) => Ok(self.run.still_there().map(|()| None)?),
            Ok(Fitted::Done { best_epoch }) => Ok(Some(self.ready(&fit, records, best_epoch)?)),
            Err(error) => Err(self.explained(train, tuned.len(), error, &mut records.journal)),
        }
    }

    /// Continues from the checkpoint, if there is one. One that is damaged is named and given up, so that the training starts
    /// from its beginning and comes to the same results.
    fn position(
        &self,
        train: &TrainPlan,
        checkpoints: &Checkpoints,
        state: &State<'_>,
    ) -> Result<Option<Position>, TrainError> {
        let steps = steps_per_epoch(train, self.plan.seed, &self.splits.train);
        match checkpoints.resume(state, |position| position.is_within(train.epochs, steps)) {
            Err(error @ TrainError::Checkpoint { .. }) => {
                let id = self.run.id();
                let error = in_one_line(&error);
                self.context.printer.warn(&format!("{id}: {error}; it is trained again from its beginning"));
                checkpoints.clear().map(|()| None)
            }
            other => other,
        }
    }

    /// Replaces the last weights by those that are kept.
    fn ready<'b>(
        &self,
        fit: &Fit<'_>,
        mut records: Records<'b>,
        best_epoch: usize,
    ) -> Result<Ready<'b>, TrainError> {
        self.run.still_there()?;
        let (parameters, alpha) = match best_epoch {
            0 => (self.starting()?, None),
            epoch => {
                records.saver.restore_best(epoch, fit.tuned)?;
                self.interpolated(fit, &mut records.journal, fit.tuned.evaluated()?)?
            }
        };
        // The adapters have no effect if nothing was better than the starting model.
        let strength = if best_epoch == 0 { 0.0 } else { alpha.unwrap_or(1.0) };
        let base = self.plan.model.from.to_string();
        save_adapter(&self.run.adapter_folder(), fit.tuned, &base, strength)?;
        Ok(Ready { best_epoch, alpha, parameters: Some(parameters), journal: records.journal })
    }

    /// Reads the starting weights again, because training changes them in place.
    fn starting(&self) -> Result<Parameters, TrainError> {
        Ok(Start::open(self.standing, self.splits.train_items(), self.context.device)?.parameters)
    }

    /// Finds the best of the models between the starting one and the tuned one that the plan lists, and its position
    /// between them. The tuned one is the best when the plan lists none.
    fn interpolated(
        &self,
        fit: &Fit<'_>,
        journal: &mut Journal<'_>,
        tuned: Parameters,
    ) -> Result<(Parameters, Option<f64>), TrainError> {
        if fit.plan.interpolate.is_empty() {
            return Ok((tuned, None));
        }
        let start = self.starting()?;
        let tell = |alpha: Fraction, evaluation: Evaluation| {
            journal.tell(&Event::Interpolated {
                alpha: alpha.get(),
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
            });
            Ok(())
        };
        let merit = |evaluation| Merit::of(fit.plan.select, evaluation);
        let evaluate = |parameters: &Parameters| fit.evaluate(parameters);
        let best = interpolate(&start, &tuned, &fit.plan.interpolate, evaluate, merit, tell)?;
        Ok(best.map_or((tuned, None), |best| (best.parameters, Some(best.alpha.get()))))
    }

    /// Opens the records of a training and reports the event with which it begins.
    fn records(
        &self,
        train: &TrainPlan,
        tuned: &Tuned<'_>,
        checkpoints: Checkpoints,
        position: Option<&Position>,
        watch: Option<Watch>,
    ) -> Result<Records<'_>, TrainError> {
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        let label = format!("{} s{}", self.plan.experiment, self.plan.seed);
        let printer = self.context.printer;
        let mut journal = self.journal(TrainingProgress::new(printer, &label, train.epochs, steps), watch)?;
        journal.tell(&match position {
            Some(position) => Event::Resumed { step: position.steps },
            None => self.started(train.epochs, steps, tuned.len()),
        });
        let (interval, steps) = (self.plan.checkpoint, position.map_or(0, |position| position.steps));
        let saver = Saver::new(checkpoints, interval, &self.run.events_file(), steps, printer);
        Ok(Records { journal, saver })
    }

    /// Adds the facts to an error that only the run knows: the ids of the items that a loss came from, or the size that
    /// fits.
    fn explained(
        &self,
        train: &TrainPlan,
        moving: usize,
        mut error: TrainError,
        journal: &mut Journal<'_>,
    ) -> TrainError {
        match &mut error {
            TrainError::Diverged(divergence) => {
                divergence.name(self.splits.train_items());
                let (step, epoch, reason) = (divergence.step, divergence.epoch, divergence.reason());
                journal.tell(&Event::Diverged { step, epoch, reason, items: divergence.items.clone() });
            }
            TrainError::OutOfMemory(shortage) => {
                // With two passes the batch may be of any size, because only so many rows are in memory at once.
                type Set = fn(&mut TrainPlan, BatchSize);
                let (key, now, set): (_, _, Set) = match train.gradient_cache {
                    Some(rows) => {
                        ("train.gradient_cache", rows, |plan, size| plan.gradient_cache = Some(size))
                    }
                    None => ("train.batch_size", train.batch_size, |plan, size| plan.batch_size = size),
                };
                shortage.look_for_size((key, now), memory_limit(), |size| {
                    let mut smaller = train.clone();
                    set(&mut smaller, size);
                    Footprint::of(&self.subject(&smaller, moving)).total
                });
            }
            _ => {}
        }
        error
    }

    /// Gathers the facts that decide how much memory the training needs.
    fn subject<'b>(&'b self, plan: &'b TrainPlan, moving: usize) -> Subject<'b> {
        Subject {
            config: &self.start.config,
            parameters: &self.start.parameters,
            moving,
            plan,
            seed: self.plan.seed,
            train: &self.splits.train,
            texts: &self.texts,
            images: self.images.len(),
        }
    }

    fn journal<'b>(
        &self,
        progress: TrainingProgress<'b>,
        watch: Option<Watch>,
    ) -> Result<Journal<'b>, TrainError>
    where
        'a: 'b,
    {
        let log = EventLog::open_append(&self.run.events_file())?;
        let log = log.timed_by(self.run.clock()).guarded_by(self.run.guard());
        let board = Board::new(self.run.folder(), self.plan);
        Ok(Journal::new(log, board, progress, self.context.printer).watched(watch))
    }

    /// Begins to record what the run uses of its machine. A run goes on without such a record.
    fn watch(&self) -> Option<Watch> {
        let begun = Watch::begin(self.run, self.context.store.root(), self.context.device);
        begun.inspect_err(|error| self.context.printer.warn(&unrecorded(&self.run.id(), error))).ok()
    }

    /// Tells the training to stop when the person wants it to, or when nothing of it can be kept.
    fn flow(&self) -> ControlFlow<()> {
        match self.context.interrupted.load(Ordering::Relaxed) || self.run.still_there().is_err() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Writes the model folder, the graphs and the logits that the graphs must reproduce.
    fn export(&self, parameters: &Parameters) -> Result<(), TrainError> {
        export::write_model(self.run, self.start, parameters)?;
        self.write_parity(parameters)
    }

    /// Writes the graphs of a completed run again, and the logits that they must reproduce.
    pub(crate) fn export_again(&self) -> Result<(), TrainError> {
        device::compute_plainly()?;
        export::write_graphs(self.run)?;
        self.write_parity(&self.start.parameters)
    }

    fn write_parity(&self, parameters: &Parameters) -> Result<(), TrainError> {
        let (items, examples) = self.splits.parity_source();
        let Splits { task, templates, classes, .. } = self.splits;
        if *task != TaskKind::Classes {
            return export::write_parity(
                self.run,
                &self.encoder(parameters),
                *task,
                items,
                examples,
                parameters,
            );
        }
        // The graphs read one prompt at a time, and what is compared are the graphs.
        let sample = Captioned::of_classes(items, classes, templates);
        let captions = TextBank::encode(&self.start.tokenizer, &sample.captions, &Templates::plain())?;
        let encoder =
            Encoder::new(&self.start.config, parameters, &self.images, &captions, self.context.device);
        let examples = sample.examples(examples, &captions);
        export::write_parity(self.run, &encoder, TaskKind::Pairs, sample.items.all(), &examples, parameters)
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
