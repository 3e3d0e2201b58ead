//! The command line of `cliptune-train`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Parser;
use cliptune_experiment::Experiment;
use cliptune_hub::{Hub, fetch_shown};
use cliptune_store::{Outcome, ResolvedBase, Standing, Store, standings};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer, STYLES, format, interrupt_flag};

use crate::device;
use crate::dry_run::dry_run;
use crate::error::TrainError;
use crate::run::{Context, export_again, make};

/// Train the runs that experiments stand for, and export them
#[derive(Debug, Parser)]
#[command(name = "cliptune-train", version, styles = STYLES)]
pub struct Arguments {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,
    /// Show which weights would be trained, in how many steps, and how much memory and time that takes; writes nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command.
///
/// # Errors
///
/// Returns whatever stops the command, ready to be shown.
pub fn command(arguments: Arguments) -> Result<Exit, Box<dyn Diagnostic>> {
    let printer = arguments.common.printer();
    Ok(train(&arguments, &printer)?)
}

fn train(arguments: &Arguments, printer: &Printer) -> Result<Exit, TrainError> {
    let experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    let store = Store::open(&arguments.common.store)?;
    if arguments.dry_run {
        dry_run(&store, &experiments, device::choose()?, printer)?;
        return Ok(Exit::Done);
    }
    train_all(&store, &experiments, printer)
}

/// Trains what is missing, bases first. The standings are determined anew after each run, because the next run may
/// start from it.
fn train_all(store: &Store, experiments: &[Experiment], printer: &Printer) -> Result<Exit, TrainError> {
    let interrupted = interrupt_flag();
    let context = Context::new(store, printer, device::choose()?, &interrupted);
    let mut made = Vec::new();
    while let Some((standing, file)) = next(store, experiments)? {
        if let ResolvedBase::Hub { id, cached: None } = &standing.base {
            // The downloaded model decides the run's identity, so the standings are determined again.
            fetch_shown(&Hub::from_env()?, id, printer, &interrupted)?;
            continue;
        }
        if let Some(run) = &standing.run {
            printer
                .status(&format!("{}: its export is damaged and is made again from its weights", run.id()));
            export_again(&context, &standing, run)?;
            continue;
        }
        let run = make(&context, &standing, &file)?;
        if run.record().end.as_ref().is_some_and(|end| end.outcome == Outcome::Interrupted) {
            printer.status(&format!("interrupted: {} goes on with the same command", run.id()));
            return Ok(Exit::Interrupted);
        }
        printer.status(&describe(&run));
        made.push(run.record().clone());
        if interrupted.load(Ordering::Relaxed) {
            return Ok(Exit::Interrupted);
        }
    }
    if made.is_empty() {
        printer.status("every run is fresh: nothing to train");
    }
    if printer.is_json() {
        printer.json(&made);
    }
    Ok(Exit::Done)
}

/// Returns the first plan that has no complete run, with the file it comes from.
fn next(store: &Store, experiments: &[Experiment]) -> Result<Option<(Standing, PathBuf)>, TrainError> {
    let missing =
        standings(store, experiments, &|_, _| {})?.into_iter().find(|standing| !standing.is_trained());
    Ok(missing.map(|standing| {
        let name = &standing.plan.experiment;
        let file = experiments.iter().find(|experiment| experiment.name == *name);
        let file = file.map(|experiment| experiment.file.clone()).unwrap_or_default();
        (standing, file)
    }))
}

fn describe(run: &cliptune_store::Run) -> String {
    let Some(end) = &run.record().end else { return run.id() };
    let duration = format::duration(std::time::Duration::from_secs_f64(end.seconds));
    let memory = end.peak_memory.map(|bytes| format!(", peak memory {}", format::bytes(bytes)));
    let epoch = match end.outcome {
        _ if run.record().kept_start() => "kept the starting weights: no epoch was better, ".to_owned(),
        Outcome::Done { best_epoch } if run.record().plan.train.is_some() => {
            format!("kept epoch {best_epoch}, ")
        }
        _ => String::new(),
    };
    format!("{}: {epoch}{duration}{}", run.id(), memory.unwrap_or_default())
}
