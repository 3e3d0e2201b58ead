//! One run under way: from its images, texts and starting weights to its exported model.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Instant;

use cliptune_clip::config::Family;
use cliptune_experiment::{BatchSize, Objective, Plan, TaskKind, TrainPlan};
use cliptune_store::{Event, EventLog, Outcome, Run};
use cliptune_terminal::format;

use crate::board::Board;
use crate::checkpoint::{Checkpoints, Position, Saver, State};
use crate::data::{ImageBank, Splits, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::fit::{Fit, Fitted, Records, steps_per_epoch};
use crate::journal::Journal;
use crate::memory::{Footprint, Subject, host_capacity};
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::progress::TrainingProgress;
use crate::run::Context;
use crate::start::Start;
use crate::{device, export};

/// What a run works with.
pub(crate) struct Session<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    run: &'a Run,
    start: &'a Start,
    splits: &'a Splits,
    images: ImageBank,
    texts: TextBank,
}

/// What stands before the export: the weights to be exported are in place.
struct Ready<'a> {
    best_epoch: usize,
    /// Seconds spent so far, before interruptions as well.
    seconds: f64,
    journal: Journal<'a>,
}

impl<'a> Session<'a> {
    /// Decodes the images and tokenises the texts.
    pub(crate) fn open(
        context: &'a Context<'a>,
        plan: &'a Plan,
        run: &'a Run,
        start: &'a Start,
        splits: &'a Splits,
    ) -> Result<Self, TrainError> {
        let label = format!("{}: decode", plan.experiment);
        let progress = context.printer.progress(&label, splits.image_paths.len() as u64, "images");
        let images =
            ImageBank::load(start.preprocessor.clone(), &splits.image_paths, &|| progress.advance(1))?;
        progress.finish();
        let texts = TextBank::encode(&start.tokenizer, &splits.texts)?;
        if texts.truncated() > 0 {
            context.printer.warn(&format!(
                "{} texts are longer than {} tokens and are cut",
                format::count(texts.truncated() as u64),
                start.config.text.context_length
            ));
        }
        Ok(Self { context, plan, run, start, splits, images, texts })
    }

    /// Trains and exports.
    pub(crate) fn execute(&self) -> Result<Outcome, TrainError> {
        let ready = match &self.plan.train {
            None => Some(self.untrained()?),
            Some(train) => self.train(train)?,
        };
        let Some(Ready { best_epoch, seconds, mut journal }) = ready else { return Ok(Outcome::Interrupted) };
        let begun = Instant::now();
        self.export(&self.start.parameters)?;
        let seconds = seconds + begun.elapsed().as_secs_f64();
        journal.tell(&Event::Finished { best_epoch, seconds });
        journal.close()?;
        Ok(Outcome::Done { best_epoch })
    }

    /// A model taken as it is: its validation numbers are recorded as epoch 0.
    fn untrained(&self) -> Result<Ready<'_>, TrainError> {
        let begun = Instant::now();
        let mut journal = self.journal(TrainingProgress::hidden())?;
        journal.tell(&self.started(0, 0));
        if !self.splits.validation.is_empty() {
            let encoder = self.encoder(&self.start.parameters);
            let objective = match self.splits.task {
                TaskKind::Choice => Objective::Choice,
                TaskKind::Pairs if self.start.config.family == Family::Siglip => Objective::Sigmoid,
                TaskKind::Pairs => Objective::Contrastive,
            };
            let evaluation = evaluate(&encoder, objective, BatchSize::DEFAULT, &self.splits.validation)?;
            journal.tell(&Event::Epoch {
                epoch: 0,
                step: 0,
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
                best: true,
                seconds: 0.0,
            });
        }
        Ok(Ready { best_epoch: 0, seconds: begun.elapsed().as_secs_f64(), journal })
    }

    /// Trains from the beginning or from the last checkpoint; `None` when it was interrupted.
    fn train(&self, train: &TrainPlan) -> Result<Option<Ready<'_>>, TrainError> {
        let parameters = &self.start.parameters;
        if train.objective == Objective::Sigmoid && parameters.logit_bias()?.is_none() {
            return Err(TrainError::NoLogitBias { experiment: self.plan.experiment.to_string() });
        }
        let checkpoints = Checkpoints::new(self.run.checkpoint_folder())?;
        let mut optimizer = Optimizer::new(&parameters.unlock(train.tune), train.optimizer)?;
        let position = checkpoints.resume(&State::new(parameters, &optimizer))?;
        let mut encoder = self.encoder(parameters);
        encoder.lock(train.tune, self.splits.texts.len())?;
        let mut records = self.records(train, checkpoints, position.as_ref())?;
        let fit = Fit {
            plan: train,
            seed: self.plan.seed,
            parameters,
            encoder: &encoder,
            train: &self.splits.train,
            validation: &self.splits.validation,
            after_step: &|_| self.flow(),
        };
        match fit.run(&mut optimizer, &mut records, position.unwrap_or_default()) {
            Ok(Fitted::Interrupted) => Ok(None),
            Ok(Fitted::Done { best, seconds }) => {
                records.saver.restore_best(best.epoch, parameters)?;
                Ok(Some(Ready { best_epoch: best.epoch, seconds, journal: records.journal }))
            }
            Err(error) => Err(self.explained(train, error, &mut records.journal)),
        }
    }

    /// What a training leaves behind, with the event that it begins with.
    fn records(
        &self,
        train: &TrainPlan,
        checkpoints: Checkpoints,
        position: Option<&Position>,
    ) -> Result<Records<'_>, TrainError> {
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        let label = format!("{} s{}", self.plan.experiment, self.plan.seed);
        let printer = self.context.printer;
        let mut journal = self.journal(TrainingProgress::new(printer, &label, train.epochs, steps))?;
        journal.tell(&match position {
            Some(position) => Event::Resumed { step: position.steps },
            None => self.started(train.epochs, steps),
        });
        let (interval, steps) = (self.plan.checkpoint, position.map_or(0, |position| position.steps));
        let saver = Saver::new(checkpoints, interval, &self.run.events_file(), steps, printer);
        Ok(Records { journal, saver })
    }

    /// An error with what only the run knows: the ids of the items that a loss came from, the batch size that fits.
    fn explained(&self, train: &TrainPlan, mut error: TrainError, journal: &mut Journal<'_>) -> TrainError {
        match &mut error {
            TrainError::Diverged(divergence) => {
                divergence.name(&self.splits.train_items);
                let (step, epoch, reason) = (divergence.step, divergence.epoch, divergence.reason());
                journal.tell(&Event::Diverged { step, epoch, reason, items: divergence.items.clone() });
            }
            TrainError::OutOfMemory(shortage) => {
                let subject = self.subject(train);
                shortage.look_for_batch_size(train.batch_size, host_capacity(), |size| {
                    Footprint::of(&subject, size).total
                });
            }
            _ => {}
        }
        error
    }

    /// What decides how much memory the training needs.
    fn subject<'b>(&'b self, plan: &'b TrainPlan) -> Subject<'b> {
        Subject {
            config: &self.start.config,
            parameters: &self.start.parameters,
            plan,
            seed: self.plan.seed,
            train: &self.splits.train,
            texts: &self.texts,
            images: self.images.len(),
        }
    }

    fn journal<'b>(&self, progress: TrainingProgress<'b>) -> Result<Journal<'b>, TrainError>
    where
        'a: 'b,
    {
        let log = EventLog::open_append(&self.run.events_file())?;
        let board = Board::new(self.run.folder(), self.plan);
        Ok(Journal::new(log, board, progress, self.context.printer))
    }

    /// Stops when the person wants it.
    fn flow(&self) -> ControlFlow<()> {
        match self.context.interrupted.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Writes the model folder, the graphs and the logits that they must give.
    fn export(&self, parameters: &Parameters) -> Result<(), TrainError> {
        export::write_model(self.run, self.start, parameters)?;
        let (items, examples) = self.splits.parity_source();
        let encoder = self.encoder(parameters);
        export::write_parity(self.run, &encoder, self.splits.task, items, examples, parameters)
    }

    fn encoder<'b>(&'b self, parameters: &'b Parameters) -> Encoder<'b> {
        Encoder::new(&self.start.config, parameters, &self.images, &self.texts, self.context.device)
    }

    fn started(&self, epochs: usize, steps: usize) -> Event {
        let parameters = &self.start.parameters;
        Event::Started {
            epochs,
            steps,
            train_items: self.splits.train.len(),
            validation_items: self.splits.validation.len(),
            parameters: parameters.len(),
            trainable: parameters.moving().map(|(_, tensor)| tensor.numel()).sum(),
            device: device::name(self.context.device),
        }
    }
}
