//! The command line of `cliptune-ingest`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Parser;
use cliptune_experiment::{DataPlan, Experiment, ExperimentName, ModelSource, Plan};
use cliptune_machine::{confine_memory, memory_limit};
use cliptune_sample::Request;
use cliptune_store::{DatasetRecord, Extent, Origin, Store, fetch_remote, standings};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer, STYLES, silent_interrupt_flag};

use crate::error::IngestError;
use crate::guess;
use crate::ingest::{Remains, ingest_over};
use crate::look;
use crate::pack::{ShardSize, pack};
use crate::sample::sample;
use crate::summary::summary;

/// Join images with a table, split the items and write the dataset
#[derive(Debug, Parser)]
#[command(name = "cliptune-ingest", version, styles = STYLES)]
pub struct Arguments {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,
    /// Show a sample of the data and make nothing: what `cliptune sample` asks for
    #[arg(long, hide = true, value_name = "JSON", value_parser = request)]
    sample: Option<Request>,
    /// Look at the columns, print how the sources join of experiments that do not say so, and make nothing: what
    /// `cliptune check` asks for
    #[arg(long, hide = true, conflicts_with = "sample")]
    look: bool,
    /// Look at sources, print what the experiment could say of them that is not written yet, and make nothing: what `cliptune new`
    /// asks for
    #[arg(long, hide = true, value_name = "JSON", value_parser = sources, conflicts_with_all = ["sample", "look"])]
    guess: Option<Box<DataPlan>>,
    /// Pack the dataset into WebDataset shards in this folder, for training elsewhere
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// The size that a shard has at most, such as 500MB or 2GB
    #[arg(long, value_name = "SIZE", default_value = "1GB", requires = "pack")]
    shard_size: ShardSize,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
///
/// # Errors
///
/// Whatever stops it, ready to be shown.
pub fn command(arguments: Arguments) -> Result<Exit, Box<dyn Diagnostic>> {
    let printer = arguments.common.printer();
    // The SQL of an experiment can ask for any memory, and not all of it is the database's to count.
    memory_limit().into_iter().for_each(confine_memory);
    let ended = match (&arguments.sample, &arguments.guess) {
        (Some(request), _) => show_sample(&arguments, request, &printer),
        (None, Some(sources)) => guess_at(&arguments, sources, &printer),
        (None, None) if arguments.look => look_at(&arguments, &printer),
        (None, None) => ingest_all(&arguments, &printer),
    };
    match ended {
        // A statement that a signal has stopped reports a fault, and whoever asked for it finds one in a table or in SQL.
        Err(error) if error.exit() != Exit::Interrupted && is_asked_to_stop() => {
            Err(IngestError::Interrupted.into())
        }
        ended => Ok(ended.map(|()| Exit::Done)?),
    }
}

/// Checks whether a signal has asked this process to stop.
pub(crate) fn is_asked_to_stop() -> bool {
    silent_interrupt_flag().load(Ordering::Relaxed)
}

fn request(json: &str) -> Result<Request, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn sources(json: &str) -> Result<Box<DataPlan>, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn show_sample(arguments: &Arguments, request: &Request, printer: &Printer) -> Result<(), IngestError> {
    let mut experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    experiments.retain(|experiment| experiment.is_named_by(&arguments.experiments));
    let store = Store::open(&arguments.common.store)?;
    sample(&experiments, &store, request, arguments.common.offline, printer)
}

fn look_at(arguments: &Arguments, printer: &Printer) -> Result<(), IngestError> {
    let experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    look::tell(&experiments, &Store::open(&arguments.common.store)?, printer)
}

fn guess_at(arguments: &Arguments, sources: &DataPlan, printer: &Printer) -> Result<(), IngestError> {
    let common = &arguments.common;
    guess::tell(sources, &Store::open(&common.store)?, common.offline, printer)
}

fn ingest_all(arguments: &Arguments, printer: &Printer) -> Result<(), IngestError> {
    let experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    let store = Store::open(&arguments.common.store)?;
    let mut records: Vec<DatasetRecord> = Vec::new();
    let data = distinct_data(&experiments);
    let is_named = |experiment: &Experiment, names: &[ExperimentName]| {
        experiment.is_named_by(&arguments.experiments) && names.contains(&experiment.name)
    };
    let is_asked_for =
        |names: &[ExperimentName]| experiments.iter().any(|experiment| is_named(experiment, names));
    let asked_for = data.iter().filter(|(_, names)| is_asked_for(names)).count();
    if arguments.pack.is_some() && asked_for > 1 {
        return Err(IngestError::SeveralDatasets { datasets: asked_for as u64 });
    }
    let mut remains = Remains::default();
    for (plan, names) in &data {
        fetch_remote(plan, Extent::Needed, arguments.common.offline, printer, &silent_interrupt_flag())?;
        let (dataset, made) = ingest_over(&mut remains, &store, plan, names, printer)?;
        let record = dataset.record().clone();
        let listed: Vec<&str> = names.iter().map(ExperimentName::as_str).collect();
        let named = format!("dataset {} ({})", &record.hash[..12], listed.join(", "));
        match made {
            true => printer.status(&format!("{named}\n{}", summary(&record))),
            false => printer.status(&format!("{named} is fresh")),
        }
        records.push(record);
        if let Some(folder) = arguments.pack.as_ref().filter(|_| is_asked_for(names)) {
            pack(&dataset, folder, arguments.shard_size, printer)?;
        }
    }
    remains.leave();
    refuse_leaks(&store, &experiments)?;
    if printer.is_json() {
        printer.json(&records);
    }
    Ok(())
}

/// Refuses test images that the starting weights have seen or will have seen: now, and not after hours of training.
fn refuse_leaks(store: &Store, experiments: &[Experiment]) -> Result<(), IngestError> {
    if !experiments.iter().flat_map(|experiment| &experiment.plans).any(may_have_seen) {
        return Ok(());
    }
    // Whether a base can be found at all is for training to say.
    let Ok(standings) = standings(store, experiments, &|_, _| {}) else { return Ok(()) };
    let mut known = HashSet::new();
    for standing in &standings {
        if known.insert((&standing.dataset_hash, standing.base.key())) {
            standing.refuse_leak(store, &standings)?;
        }
    }
    Ok(())
}

/// Checks whether the weights that a plan starts from may have seen any dataset of a store. To find out which, all
/// sources are looked at once more.
fn may_have_seen(plan: &Plan) -> bool {
    match &plan.model.from {
        ModelSource::Scratch(_) | ModelSource::Hub(_) => false,
        ModelSource::Folder(folder) => !matches!(Origin::read(folder), Ok(None)),
        ModelSource::Run(_) => true,
    }
}

/// Each distinct data plan with the experiments that share it.
pub(crate) fn distinct_data(experiments: &[Experiment]) -> Vec<(&DataPlan, Vec<ExperimentName>)> {
    let mut distinct: Vec<(&DataPlan, Vec<ExperimentName>)> = Vec::new();
    for experiment in experiments {
        for plan in &experiment.plans {
            let name = experiment.name.clone();
            match distinct.iter_mut().find(|(data, _)| **data == plan.data) {
                Some((_, names)) if names.contains(&name) => {}
                Some((_, names)) => names.push(name),
                None => distinct.push((&plan.data, vec![name])),
            }
        }
    }
    distinct
}
