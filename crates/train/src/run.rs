//! Decides which run is made or continued, and records how it ends.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cliptune_experiment::ExperimentName;
use cliptune_store::{Held, Outcome, Patience, Run, RunRecord, Standing, Store, run_name, utc_now};
use cliptune_terminal::Printer;
use tch::Device;

use crate::data::{Splits, TextBank};
use crate::error::TrainError;
use crate::fit::check_world;
use crate::launcher::{Line, Team};
use crate::session::Session;
use crate::start::Start;
use crate::{cautions, checkpoint, provenance};

/// What every run of a command shares.
pub struct Context<'a> {
    /// The store in which runs are kept.
    pub(crate) store: &'a Store,
    /// The printer of messages to the person.
    pub(crate) printer: &'a Printer,
    /// The device on which runs are computed.
    pub(crate) device: Device,
    /// The flag that is set when the person wants the command to stop.
    pub(crate) interrupted: &'a AtomicBool,
    /// The processes that train together.
    pub(crate) team: Team,
    /// Where the leader of several processes learns what others have passed on to it.
    line: Option<Arc<Line>>,
    /// The warnings that have been printed, so that runs of one experiment do not repeat them.
    told: RefCell<BTreeSet<String>>,
}

impl<'a> Context<'a> {
    /// Creates the context of a command. Its runs stop when `interrupted` is set.
    pub fn new(store: &'a Store, printer: &'a Printer, device: Device, interrupted: &'a AtomicBool) -> Self {
        let (team, told) = (Team::alone(), RefCell::default());
        Self { store, printer, device, interrupted, team, line: None, told }
    }

    /// Trains together with other processes.
    pub(crate) fn with_team(self, team: Team) -> Self {
        Self { team, ..self }
    }

    /// Heeds, as the leader, what other processes pass on to it.
    pub(crate) fn with_line(self, line: Option<&Arc<Line>>) -> Self {
        Self { line: line.cloned(), ..self }
    }

    /// Returns the other process that was told to stop, where that and no signal of its own is why this one stops.
    pub(crate) fn stopped_by(&self) -> Option<usize> {
        self.line.as_ref().and_then(|line| line.stopped_by())
    }

    /// Returns what this command does when another process is at the same work: it waits, if it is to.
    pub(crate) fn patience(&self, wait: bool) -> Patience<'_> {
        Patience { wait, interrupted: self.interrupted, printer: self.printer }
    }

    /// Prints a warning about an experiment, once for all of its runs and by one process for all.
    pub(crate) fn caution(&self, experiment: &ExperimentName, caution: &str) {
        if !self.team.is_leader() {
            return;
        }
        let text = format!("{experiment}: {caution}");
        if self.told.borrow_mut().insert(text.clone()) {
            self.printer.warn(&text);
        }
    }
}

/// Makes the run that a standing is missing, or continues the one that was interrupted.
///
/// # Errors
///
/// Returns an error when the dataset or the starting weights are missing or unusable, before there is a run. Later
/// errors are recorded in the run as well.
pub fn make(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let (ground, texts) = Ground::prepare(context, standing)?;
    let mut run = open_run(context, standing, file)?;
    let result = ground.session(context, standing, texts).execute(&run);
    // Others may have failed, and are named in the record.
    let result = result.map_err(|error| context.team.cause(error));
    let outcome = match &result {
        Ok(outcome) => outcome.clone(),
        Err(error) => Outcome::Failed { message: error.to_string() },
    };
    let done = matches!(outcome, Outcome::Done { .. });
    let recorded = run.finish(outcome, provenance::peak_memory());
    // The error that stopped the run comes first, even if its end could not be recorded either, as on a full disk.
    result?;
    recorded?;
    if done {
        // Until the model is exported and recorded, the training is kept only in the checkpoint, so it cannot be
        // removed earlier.
        checkpoint::remove(&run.checkpoint_folder())?;
    }
    Ok(run)
}

/// Trains a run along with the process that writes it.
///
/// # Errors
///
/// Returns the same errors as [`make`].
pub(crate) fn help(context: &Context<'_>, standing: &Standing) -> Result<(), TrainError> {
    let (ground, texts) = Ground::prepare(context, standing)?;
    ground.session(context, standing, texts).help().map_err(|error| context.team.cause(error))
}

/// What a training needs before there is a run.
struct Ground {
    splits: Splits,
    start: Start,
    /// The starting weights may be needed again at the end.
    _base: Option<Held>,
}

impl Ground {
    /// Reads the dataset and the starting weights, and tokenises the texts. Where several processes train together, all of
    /// them have to have come so far before one of them makes a run.
    fn prepare(context: &Context<'_>, standing: &Standing) -> Result<(Self, TextBank), TrainError> {
        let plan = &standing.plan;
        let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
        if context.team.is_leader() {
            refuse_leak(context, standing)?;
        }
        let mut splits = Splits::load(plan, dataset)?;
        let base = standing.base.hold()?;
        standing.base.verify()?;
        let start = Start::open(standing, splits.train_items(), context.device)?;
        let texts = TextBank::encode(&start.tokenizer, &splits.texts(), &splits.templates)?;
        splits.unify(&texts);
        for caution in cautions::of_start(&start, &texts, &splits) {
            context.caution(&plan.experiment, &caution);
        }
        if let Some(train) = &plan.train {
            let group = context.team.group();
            check_world(group.world(), train, plan.seed, &splits.train)?;
            group.barrier()?;
        }
        Ok((Self { splits, start, _base: base }, texts))
    }

    fn session<'a>(
        &'a self,
        context: &'a Context<'a>,
        standing: &'a Standing,
        texts: TextBank,
    ) -> Session<'a> {
        Session::open(context, standing, &self.start, &self.splits, texts)
    }
}

/// Exports a completed run again from its weights, because its graphs or libtorch's logits are damaged.
///
/// # Errors
///
/// Returns an error when the weights have changed since the run ended, or the dataset is missing.
pub fn export_again(context: &Context<'_>, standing: &Standing, run: &Run) -> Result<(), TrainError> {
    let plan = &standing.plan;
    let dataset = standing.dataset.as_ref().ok_or_else(|| TrainError::no_dataset(plan))?;
    let _held = run.hold()?;
    run.verify_model()?;
    run.make_way_for_export()?;
    let mut splits = Splits::load(plan, dataset)?;
    let start = Start::from_folder(&run.model_folder(), context.device)?;
    let texts = TextBank::encode(&start.tokenizer, &splits.texts(), &splits.templates)?;
    splits.unify(&texts);
    Session::open(context, standing, &start, &splits, texts).export_again(run)
}

/// Refuses a base that was trained on test images. Ingest checks for leaks as well, but the base may have been another
/// one then.
fn refuse_leak(context: &Context<'_>, standing: &Standing) -> Result<(), TrainError> {
    for hash in standing.refuse_leak(context.store, &[])?.unknown {
        context
            .printer
            .warn(&format!("dataset {hash} is gone: whether its images leak into the test split is unknown"));
    }
    Ok(())
}

/// Opens the run that was interrupted or crashed after its first checkpoint, or else a new one.
fn open_run(context: &Context<'_>, standing: &Standing, file: &Path) -> Result<Run, TrainError> {
    let plan = &standing.plan;
    context.store.settle_writers(&plan.experiment, &standing.key)?;
    if let Some(mut run) = context.store.find_unfinished(&plan.experiment, &standing.key)?
        && run.checkpoint_folder().is_dir()
    {
        run.resume()?;
        context.printer.status(&format!("continuing {}", run.id()));
        return Ok(run);
    }
    Ok(context.store.create_run(record(context, standing, file)?)?)
}

/// Returns what is known about a run before it begins.
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
        // A base that is still to be trained has no run to start from, so it never gets here.
        lineage: standing.base.lineage(&[])?,
        provenance: provenance::provenance(file, context.device, context.team.group().world()),
        started,
        end: None,
    })
}
