//! One run under way: from its images, texts and starting weights to its exported model.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Instant;

use cliptune_clip::config::Family;
use cliptune_experiment::{BatchSize, Fraction, Objective, Plan, TaskKind, TrainPlan};
use cliptune_store::{Event, EventLog, Outcome, Run};
use cliptune_terminal::{Progress, format};

use crate::checkpoint::{Checkpoints, State};
use crate::data::{ImageBank, Splits, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::fit::{Fit, Fitted, merit, steps_per_epoch};
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::run::Context;
use crate::start::Start;
use crate::tuning::{Tuned, interpolate, save_adapter};
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

/// The weights that a run ends with.
struct Model {
    best_epoch: usize,
    /// Where between the starting weights and those of that epoch they lie, if it was asked.
    alpha: Option<f64>,
    /// `None`: the starting weights.
    parameters: Option<Parameters>,
    /// Seconds spent on them, before interruptions as well.
    seconds: f64,
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
        let mut log = EventLog::open_append(&self.run.events_file())?;
        let model = match &self.plan.train {
            None => Some(self.untrained(&mut log)?),
            Some(train) => self.train(train, &mut log)?,
        };
        let Some(model) = model else { return Ok(Outcome::Interrupted) };
        let begun = Instant::now();
        self.export(model.parameters.as_ref().unwrap_or(&self.start.parameters))?;
        let seconds = model.seconds + begun.elapsed().as_secs_f64();
        log.append(&Event::Finished { best_epoch: model.best_epoch, alpha: model.alpha, seconds })?;
        log.sync()?;
        Ok(Outcome::Done { best_epoch: model.best_epoch })
    }

    /// A model taken as it is: its validation numbers are recorded as epoch 0.
    fn untrained(&self, log: &mut EventLog) -> Result<Model, TrainError> {
        let begun = Instant::now();
        log.append(&self.started(0, 0, 0))?;
        if !self.splits.validation.is_empty() {
            let encoder = self.encoder(&self.start.parameters);
            let objective = match self.splits.task {
                TaskKind::Choice => Objective::Choice,
                TaskKind::Pairs if self.start.config.family == Family::Siglip => Objective::Sigmoid,
                TaskKind::Pairs => Objective::Contrastive,
            };
            let evaluation = evaluate(&encoder, objective, BatchSize::DEFAULT, &self.splits.validation)?;
            log.append(&Event::Epoch {
                epoch: 0,
                step: 0,
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
                best: true,
                seconds: 0.0,
            })?;
        }
        Ok(Model { best_epoch: 0, alpha: None, parameters: None, seconds: begun.elapsed().as_secs_f64() })
    }

    /// Trains from the beginning or from the last checkpoint; `None` when it was interrupted.
    fn train(&self, train: &TrainPlan, log: &mut EventLog) -> Result<Option<Model>, TrainError> {
        let parameters = &self.start.parameters;
        if train.objective == Objective::Sigmoid && parameters.logit_bias()?.is_none() {
            return Err(TrainError::NoLogitBias { experiment: self.plan.experiment.to_string() });
        }
        let checkpoints = Checkpoints::new(self.run.checkpoint_folder())?;
        device::compute_as(train.precision, train.deterministic)?;
        let tuned = Tuned::new(parameters, train, self.plan.seed)?;
        let moving = tuned.moving();
        let mut optimizer = Optimizer::new(&moving, train.optimizer)?;
        let position = checkpoints.resume(&State::new(&tuned, &optimizer))?;
        let mut encoder =
            self.encoder(parameters).with_adapters(tuned.adapters()).with_precision(train.precision);
        encoder.lock(train, self.splits.texts.len())?;
        let steps = train.epochs * steps_per_epoch(train, self.plan.seed, &self.splits.train);
        if position.is_none() {
            let trainable = moving.iter().map(|parameter| parameter.spec.len()).sum();
            log.append(&self.started(train.epochs, steps, trainable))?;
        }
        let progress = self.context.printer.progress(
            &format!("{} s{}", self.plan.experiment, self.plan.seed),
            steps as u64,
            "steps",
        );
        let fit = Fit {
            plan: train,
            seed: self.plan.seed,
            tuned: &tuned,
            encoder: &encoder,
            train: &self.splits.train,
            validation: &self.splits.validation,
            checkpoints: &checkpoints,
            after_step: &|event| {
                show(&progress, train.epochs, event);
                self.flow()
            },
        };
        let model = match fit.run(&mut optimizer, log, position.unwrap_or_default())? {
            Fitted::Interrupted => None,
            Fitted::Done { best, seconds } => {
                checkpoints.restore_best(best.epoch, &tuned)?;
                let (parameters, alpha) = self.interpolated(&fit, log, tuned.evaluated()?)?;
                let base = self.plan.model.from.to_string();
                save_adapter(&self.run.adapter_folder(), &tuned, &base, alpha.unwrap_or(1.0))?;
                Some(Model { best_epoch: best.epoch, alpha, parameters: Some(parameters), seconds })
            }
        };
        progress.finish();
        Ok(model)
    }

    /// The best of the models between the starting one and the tuned one that the plan wants to be tried, and where it
    /// lies; the tuned one when it wants none.
    fn interpolated(
        &self,
        fit: &Fit<'_>,
        log: &mut EventLog,
        tuned: Parameters,
    ) -> Result<(Parameters, Option<f64>), TrainError> {
        if fit.plan.interpolate.is_empty() {
            return Ok((tuned, None));
        }
        let start = self.start.original(self.context.device)?;
        let tell = |alpha: Fraction, evaluation: Evaluation| -> Result<(), TrainError> {
            Ok(log.append(&Event::Interpolated {
                alpha: alpha.get(),
                validation_loss: evaluation.loss,
                validation_accuracy: evaluation.accuracy,
            })?)
        };
        let merit = |evaluation| merit(fit.plan.select, evaluation);
        let evaluate = |parameters: &Parameters| fit.evaluate(parameters);
        let best = interpolate(&start, &tuned, &fit.plan.interpolate, evaluate, merit, tell)?;
        Ok(best.map_or((tuned, None), |best| (best.parameters, Some(best.alpha.get()))))
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

fn show(progress: &Progress, epochs: usize, event: &Event) {
    let Event::Step { step, epoch, loss, learning_rate, items_per_second, .. } = event else { return };
    progress.set(*step as u64);
    progress.message(&format!(
        "epoch {epoch}/{epochs}  loss {loss:.3}  lr {learning_rate:.1e}  {}",
        format::rate(*items_per_second, "items")
    ));
}
