//! Which run is made or continued, and how its end is recorded.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use cliptune_store::{Outcome, Run, RunRecord, Standing, Store, run_name, utc_now};
use cliptune_terminal::{Printer, format};
use tch::Device;

use crate::data::Splits;
use crate::error::TrainError;
use crate::session::Session;
use crate::start::Start;
use crate::{checkpoint, leak, provenance};

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
///
/// # Errors
///
/// When its dataset or its starting weights are missing or unusable, before there is a run; later ones are recorded
/// in the run as well.
pub fn make(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let plan = &standing.plan;
    let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
    leak::check(context.store, standing, dataset, context.printer)?;
    let splits = Splits::load(plan, dataset)?;
    standing.base.verify()?;
    let start = Start::open(standing, &splits.train_items, context.device)?;
    if !start.extra.is_empty() {
        context.printer.warn(&extra(&start.extra));
    }
    let mut run = open_run(context, standing, file)?;
    let result =
        Session::open(context, standing, &run, &start, &splits).and_then(|session| session.execute());
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
    let splits = Splits::load(plan, dataset)?;
    let start = Start::from_folder(&run.model_folder(), context.device)?;
    Session::open(context, standing, run, &start, &splits)?.export_again()
}

/// What is in the checkpoint and not in the model, in one line.
fn extra(names: &[String]) -> String {
    let count = format::counted(names.len() as u64, "tensor");
    format!("{count} of the checkpoint not used: {}", format::first_few(names))
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
        lineage: leak::lineage(&standing.base)?,
        provenance: provenance::provenance(file, context.device),
        started,
        end: None,
    })
}
