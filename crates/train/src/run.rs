//! One run from its dataset to its exported model.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cliptune_experiment::{BatchSize, Objective, Plan, Split, TaskKind, TrainPlan};
use cliptune_store::{
    Dataset, Event, EventLog, Item, Outcome, Run, RunRecord, Standing, Store, run_name, utc_now,
};
use cliptune_terminal::{Printer, format};
use tch::Device;

use crate::checkpoint::{Best, Checkpoints};
use crate::data::{Example, Examples, ImageBank, TextBank};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::evaluate;
use crate::fit::{Fit, Fitted};
use crate::model::Parameters;
use crate::optimizer::Optimizer;
use crate::start::Start;
use crate::{device, export, leak, provenance};

/// What every run of a command shares.
pub struct Context<'a> {
    /// Where runs are kept.
    pub store: &'a Store,
    /// What the person sees.
    pub printer: &'a Printer,
    /// Where it computes.
    pub device: Device,
    /// Set when the person wants it to stop.
    pub interrupted: &'a AtomicBool,
}

/// Makes the run that a standing lacks, or continues the one that was interrupted.
pub fn make(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let plan = &standing.plan;
    let dataset = standing
        .dataset
        .as_ref()
        .ok_or_else(|| TrainError::NoDataset { experiment: plan.experiment.to_string() })?;
    leak::check(context.store, standing, dataset, context.printer)?;
    let data = Data::load(plan, dataset)?;
    let start = Start::open(standing, &data.train_items, context.device)?;
    let mut run = open_run(context, standing, file)?;
    let result = execute(context, plan, &run, &start, &data);
    let outcome = match &result {
        Ok(outcome) => outcome.clone(),
        Err(error) => Outcome::Failed { message: error.to_string() },
    };
    run.finish(outcome, provenance::peak_memory())?;
    result.map(|_| run)
}

/// The run that was interrupted or crashed after its first checkpoint, else a new one.
fn open_run(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let plan = &standing.plan;
    if let Some(mut run) = context.store.find_unfinished(&plan.experiment, &standing.key)?
        && run.checkpoint_folder().exists()
    {
        run.resume()?;
        context.printer.status(&format!("continuing {}", run.id()));
        return Ok(run);
    }
    let started = utc_now();
    let base = standing.base.record().ok_or_else(|| TrainError::NoBase {
        experiment: plan.experiment.to_string(),
        base: format!("{:?}", plan.model.from),
    })?;
    Ok(context.store.create_run(RunRecord {
        format_version: cliptune_store::RUN_FORMAT,
        run: run_name(&started, &standing.key, plan.seed),
        experiment: plan.experiment.clone(),
        seed: plan.seed,
        key: standing.key.clone(),
        plan: plan.clone(),
        dataset: standing.dataset_hash.clone(),
        base,
        lineage: leak::lineage(&standing.base),
        provenance: provenance::provenance(file, context.device),
        started,
        end: None,
    })?)
}

/// The train and validation splits; the test split is never loaded here.
struct Data {
    task: TaskKind,
    train_items: Vec<Item>,
    validation_items: Vec<Item>,
    train: Vec<Example>,
    validation: Vec<Example>,
    image_paths: Vec<PathBuf>,
    texts: Vec<String>,
}

impl Data {
    fn load(plan: &Plan, dataset: &Dataset) -> Result<Self, TrainError> {
        let train_items = dataset.items(Some(Split::Train))?;
        let validation_items = dataset.items(Some(Split::Validation))?;
        let empty = |split: Split| TrainError::EmptySplit {
            experiment: plan.experiment.to_string(),
            split: split.as_str(),
        };
        if train_items.is_empty() && (plan.train.is_some() || validation_items.is_empty()) {
            return Err(empty(Split::Train));
        }
        if validation_items.is_empty() && plan.train.is_some() {
            return Err(empty(Split::Validation));
        }
        let mut examples = Examples::default();
        let validation = examples.add(&validation_items);
        // A model that is not trained needs no training images.
        let train = if plan.train.is_some() { examples.add(&train_items) } else { Vec::new() };
        Ok(Self {
            task: dataset.record().task,
            image_paths: examples.image_items().iter().map(|item| dataset.image_path(item)).collect(),
            texts: examples.texts().to_vec(),
            train_items,
            validation_items,
            train,
            validation,
        })
    }
}

/// Trains and exports.
fn execute(
    context: &Context<'_>,
    plan: &Plan,
    run: &Run,
    start: &Start,
    data: &Data,
) -> Result<Outcome, TrainError> {
    let images = decode(context, run, start, data)?;
    let texts = TextBank::encode(&start.tokenizer, &data.texts)?;
    if texts.truncated() > 0 {
        context.printer.warn(&format!(
            "{} texts are longer than {} tokens and are cut",
            format::count(texts.truncated() as u64),
            start.config.text.context_length
        ));
    }
    let banks = Banks { images: &images, texts: &texts };
    let begun = std::time::Instant::now();
    let mut log = EventLog::open_append(&run.events_file())?;
    let (best, trained) = match &plan.train {
        None => {
            let best = untrained(context, start, data, banks, &mut log)?;
            (best, None)
        }
        Some(train) => match train_model(context, plan, train, run, start, data, banks, &mut log)? {
            Some((best, parameters)) => (best, Some(parameters)),
            None => return Ok(Outcome::Interrupted),
        },
    };
    let parameters = trained.as_ref().unwrap_or(&start.parameters);
    export::write_model(run, start, parameters)?;
    let encoder = Encoder::new(&start.config, parameters, banks.images, banks.texts, context.device);
    let (items, examples) = data.parity_source();
    export::write_parity(run, &encoder, data.task, items, examples, parameters.logit_scale()?)?;
    log.append(&Event::Finished { best_epoch: best.epoch, seconds: begun.elapsed().as_secs_f64() })?;
    log.sync()?;
    Ok(Outcome::Done { best_epoch: best.epoch })
}

impl Data {
    /// Validation items for the parity gate; train items when there are none.
    fn parity_source(&self) -> (&[Item], &[Example]) {
        if self.validation.is_empty() {
            (&self.train_items, &self.train)
        } else {
            (&self.validation_items, &self.validation)
        }
    }
}

/// The distinct images and texts of a run.
#[derive(Clone, Copy)]
struct Banks<'a> {
    images: &'a ImageBank,
    texts: &'a TextBank,
}

fn decode(context: &Context<'_>, run: &Run, start: &Start, data: &Data) -> Result<ImageBank, TrainError> {
    let label = format!("{}: decode", run.record().experiment);
    let progress = context.printer.progress(&label, data.image_paths.len() as u64, "images");
    let images = ImageBank::load(start.preprocessor.clone(), &data.image_paths, &|| progress.advance(1))?;
    progress.finish();
    Ok(images)
}

/// A model taken as it is: its validation numbers are recorded as epoch 0.
fn untrained(
    context: &Context<'_>,
    start: &Start,
    data: &Data,
    banks: Banks<'_>,
    log: &mut EventLog,
) -> Result<Best, TrainError> {
    log.append(&started(&start.parameters, data, context.device, (0, 0, 0)))?;
    if data.validation.is_empty() {
        return Ok(Best { epoch: 0, merit: 0.0 });
    }
    let encoder = Encoder::new(&start.config, &start.parameters, banks.images, banks.texts, context.device);
    let objective = match data.task {
        TaskKind::Choice => Objective::Choice,
        TaskKind::Pairs => Objective::Contrastive,
    };
    let evaluation = evaluate(&encoder, objective, BatchSize::DEFAULT, &data.validation)?;
    log.append(&Event::Epoch {
        epoch: 0,
        step: 0,
        validation_loss: evaluation.loss,
        validation_accuracy: evaluation.accuracy,
        best: true,
        seconds: 0.0,
    })?;
    Ok(Best { epoch: 0, merit: evaluation.accuracy })
}

/// Trains from the beginning or from the last checkpoint; returns the best epoch and its weights, or nothing when
/// it was interrupted.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a run, each used once; a struct would only rename them"
)]
fn train_model(
    context: &Context<'_>,
    plan: &Plan,
    train: &TrainPlan,
    run: &Run,
    start: &Start,
    data: &Data,
    banks: Banks<'_>,
    log: &mut EventLog,
) -> Result<Option<(Best, Parameters)>, TrainError> {
    let checkpoints = Checkpoints::new(run.checkpoint_folder())?;
    let moving = start.parameters.unlock(train.tune);
    let trainable = moving.iter().map(|parameter| parameter.spec.len()).sum();
    let mut optimizer = Optimizer::new(&moving, train.optimizer)?;
    let position = checkpoints.resume(&start.parameters, &mut optimizer)?;
    let mut encoder =
        Encoder::new(&start.config, &start.parameters, banks.images, banks.texts, context.device);
    encoder.lock(train.tune, data.texts.len())?;
    let label = format!("{} s{}", plan.experiment, plan.seed);
    let mut fit = Fit {
        plan: train,
        seed: plan.seed,
        parameters: &start.parameters,
        encoder: &encoder,
        train: &data.train,
        validation: &data.validation,
        checkpoints: &checkpoints,
        interrupted: context.interrupted,
        progress: &cliptune_terminal::Progress::hidden(),
    };
    let progress = context.printer.progress(&label, fit.steps() as u64, "steps");
    fit.progress = &progress;
    if position.is_none() {
        log.append(&started(
            &start.parameters,
            data,
            context.device,
            (train.epochs, fit.steps(), trainable),
        ))?;
    }
    let fitted = fit.run(&mut optimizer, log, position.unwrap_or_default())?;
    progress.finish();
    let Fitted::Done(best) = fitted else { return Ok(None) };
    let parameters = checkpoints.best(&start.config, context.device)?;
    checkpoints.remove()?;
    Ok(Some((best, parameters)))
}

fn started(
    parameters: &Parameters,
    data: &Data,
    device: Device,
    (epochs, steps, trainable): (usize, usize, usize),
) -> Event {
    Event::Started {
        epochs,
        steps,
        train_items: data.train.len(),
        validation_items: data.validation.len(),
        parameters: parameters.len(),
        trainable,
        device: device::name(device),
    }
}
