//! Which run is made or continued, and how its end is recorded.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use cliptune_experiment::ExperimentName;
use cliptune_store::{Outcome, Run, RunRecord, Standing, Store, run_name, utc_now};
use cliptune_terminal::Printer;
use tch::Device;

use crate::data::{Splits, TextBank};
use crate::error::TrainError;
use crate::session::Session;
use crate::start::Start;
use crate::{cautions, checkpoint, provenance};

/// What every run of a command shares.
pub struct Context<'a> {
    /// Where runs are kept.
    pub(crate) store: &'a Store,
    /// What the person sees.
    pub(crate) printer: &'a Printer,
    /// Where it computes.
    pub(crate) device: Device,
    /// Set when the person wants it to stop.
    pub(crate) interrupted: &'a AtomicBool,
    /// What has been warned of, which runs of one experiment have in common.
    told: RefCell<BTreeSet<String>>,
}

impl<'a> Context<'a> {
    /// What the runs of a command share; they stop when `interrupted` is set.
    pub fn new(store: &'a Store, printer: &'a Printer, device: Device, interrupted: &'a AtomicBool) -> Self {
        Self { store, printer, device, interrupted, told: RefCell::default() }
    }

    /// Warns of something about an experiment, once for all of its runs.
    pub(crate) fn caution(&self, experiment: &ExperimentName, caution: &str) {
        let text = format!("{experiment}: {caution}");
        if self.told.borrow_mut().insert(text.clone()) {
            self.printer.warn(&text);
        }
    }
}

/// Makes the run that a standing lacks, or continues the one that was interrupted.
///
/// # Errors
///
/// When its dataset or its starting weights are missing or unusable, before there is a run; later ones are recorded
/// in the run as well.
pub fn make(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let plan = &standing.plan;
    let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
    refuse_leak(context, standing)?;
    let mut splits = Splits::load(plan, dataset)?;
    standing.base.verify()?;
    let start = Start::open(standing, &splits.train_items, context.device)?;
    let texts = TextBank::encode(&start.tokenizer, &splits.texts)?;
    splits.unify(&texts);
    for caution in cautions::of_start(&start, &texts, &splits) {
        context.caution(&plan.experiment, &caution);
    }
    let mut run = open_run(context, standing, file)?;
    let result = Session::open(context, standing, &run, &start, &splits, texts).execute();
    let outcome = match &result {
        Ok(outcome) => outcome.clone(),
        Err(error) => Outcome::Failed { message: error.to_string() },
    };
    let done = matches!(outcome, Outcome::Done { .. });
    let recorded = run.finish(outcome, provenance::peak_memory());
    // What stopped the run comes first, even where its end could not be recorded either, as on a full disk.
    result?;
    recorded?;
    if done {
        // Not before: until the model is exported and recorded, the checkpoint is what the training is kept in.
        checkpoint::remove(&run.checkpoint_folder())?;
    }
    Ok(run)
}

/// Makes the export of a completed run again, from its weights, where its graphs or libtorch's logits are damaged.
///
/// # Errors
///
/// When the weights have changed since the run ended, or its dataset is missing.
pub fn export_again(context: &Context<'_>, standing: &Standing, run: &Run) -> Result<(), TrainError> {
    let plan = &standing.plan;
    let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
    run.verify_model()?;
    let mut splits = Splits::load(plan, dataset)?;
    let start = Start::from_folder(&run.model_folder(), context.device)?;
    let texts = TextBank::encode(&start.tokenizer, &splits.texts)?;
    splits.unify(&texts);
    Session::open(context, standing, run, &start, &splits, texts).export_again()
}

/// Ingest has looked for leaks, too, but the base may have been another one then.
fn refuse_leak(context: &Context<'_>, standing: &Standing) -> Result<(), TrainError> {
    for hash in standing.refuse_leak(context.store, &[])?.unknown {
        context
            .printer
            .warn(&format!("dataset {hash} is gone: whether its images leak into the test split is unknown"));
    }
    Ok(())
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
    Ok(context.store.create_run(record(context, standing, file)?)?)
}

/// What is known of a run before it begins.
fn record(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<RunRecord, TrainError> {
    let plan = &standing.plan;
    let started = utc_now();
    Ok(RunRecord {
        format_version: cliptune_store::RUN_FORMAT,
        run: run_name(&started, &standing.key, plan.seed),
        experiment: plan.experiment.clone(),
        seed: plan.seed,
        key: standing.key.clone(),
        plan: plan.clone(),
        dataset: standing.dataset_hash.clone(),
        base: standing.base.record().ok_or_else(|| TrainError::no_base(plan))?,
        // A base that is still to be trained has no run to start from, and never gets here.
        lineage: standing.base.lineage(&[])?,
        provenance: provenance::provenance(file, context.device),
        started,
        end: None,
    })
}
