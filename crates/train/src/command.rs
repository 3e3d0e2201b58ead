//! The command line of `cliptune-train`.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Parser;
use cliptune_experiment::Experiment;
use cliptune_hub::{Hub, fetch_shown};
use cliptune_native::path_to_named_libtorch;
use cliptune_store::{OnePlan, Outcome, ResolvedBase, Run, Standing, Store, StoreError, Work, standings};
use cliptune_terminal::{CommonArgs, Diagnostic, Exit, Printer, STYLES, format, interrupt_flag};

use crate::device;
use crate::dry_run::{Asked, dry_run};
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
    /// Wait for other processes that train the same runs, and then do what is left to do
    #[arg(long)]
    wait: bool,
    /// Train one plan alone, as `cliptune run` asks for it
    #[arg(long, hide = true, value_name = "EXPERIMENT/NUMBER")]
    only: Option<OnePlan>,
    /// Measure nothing in a dry run
    #[arg(long, hide = true, requires = "dry_run")]
    untimed: bool,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command in an environment that was [completed](crate::environment::complete) or could not be.
///
/// # Errors
///
/// Returns whatever stops the command, ready to be shown.
pub fn command(arguments: &Arguments, completed: io::Result<()>) -> Result<Exit, Box<dyn Diagnostic>> {
    let printer = arguments.common.printer();
    // The loader has passed over a folder that is no libtorch without a word, and over one that the program could not be started
    // again with.
    let needed = path_to_named_libtorch().map_err(|folder| TrainError::NoLibtorch { folder })?;
    if let Some((variable, path)) = needed {
        return Err(TrainError::OtherLibtorch { variable, path, source: completed.err() }.into());
    }
    Ok(train(arguments, &printer)?)
}

fn train(arguments: &Arguments, printer: &Printer) -> Result<Exit, TrainError> {
    let mut experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    let only = arguments.only.as_ref();
    only.inspect(|only| only.narrow(&mut experiments));
    let store = Store::open(&arguments.common.store)?;
    if arguments.dry_run {
        let asked = Asked { only, timed: !arguments.untimed };
        dry_run(&store, &experiments, asked, device::choose()?, printer)?;
        return Ok(Exit::Done);
    }
    let mut busy = Busy::default();
    let ended = train_all(arguments, &store, &experiments, printer, &mut busy);
    busy.end(ended, printer)
}

/// Trains what is missing, bases first. The standings are determined anew after each run, because the next run may
/// start from it. What another process is at is left to it, unless this one is to wait.
fn train_all(
    arguments: &Arguments,
    store: &Store,
    experiments: &[Experiment],
    printer: &Printer,
    busy: &mut Busy,
) -> Result<Exit, TrainError> {
    let interrupted = interrupt_flag();
    let context = Context::new(store, printer, device::choose()?, &interrupted);
    let missing = Missing { store, experiments, only: arguments.only.as_ref() };
    let mut made = Vec::new();
    while let Some(standing) = missing.next(busy)? {
        if let ResolvedBase::Hub { id, cached: None } = &standing.base {
            // The downloaded model decides the run's identity, so the standings are determined again.
            fetch_shown(&Hub::from_env()?, id, printer, &interrupted)?;
            continue;
        }
        let work = Work::run(&standing.plan, &standing.key);
        let claim = match store.claim(&work, &context.patience(arguments.wait)) {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(Exit::Interrupted),
            Err(error @ StoreError::Busy { .. }) => {
                busy.add(standing, error, printer);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Another process may have done it before this one had the claim.
        let Some(standing) = missing.next(busy)?.filter(|now| now.key == standing.key) else { continue };
        let run = train_one(&context, &missing, &standing)?;
        drop(claim);
        let Some(run) = run else { continue };
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
    if busy.first.is_some() {
        return Ok(Exit::Done);
    }
    if made.is_empty() {
        printer.status("every run is fresh: nothing to train");
    }
    if printer.is_json() {
        printer.json(&made);
    }
    Ok(Exit::Done)
}

/// Makes a run, or makes the damaged export of one again, which makes no run.
fn train_one(
    context: &Context<'_>,
    missing: &Missing<'_>,
    standing: &Standing,
) -> Result<Option<Run>, TrainError> {
    if let Some(run) = &standing.run {
        let text = format!("{}: its export is damaged and is made again from its weights", run.id());
        context.printer.status(&text);
        return export_again(context, standing, run).map(|()| None);
    }
    make(context, standing, &missing.file_of(standing)).map(Some)
}

/// The runs that other processes are at.
#[derive(Default)]
struct Busy {
    keys: Vec<String>,
    /// The first error about them, with which the command ends; the others are told at once.
    first: Option<StoreError>,
}

impl Busy {
    fn add(&mut self, standing: Standing, error: StoreError, printer: &Printer) {
        self.keys.push(standing.key);
        match &self.first {
            None => self.first = Some(error),
            Some(_) => printer.failure(&error),
        }
    }

    /// Ends the command with the first error about them, or tells it where something else ends the command.
    fn end(self, ended: Result<Exit, TrainError>, printer: &Printer) -> Result<Exit, TrainError> {
        match (ended, self.first) {
            (Ok(Exit::Done), Some(error)) => Err(error.into()),
            (ended, Some(error)) => {
                printer.failure(&error);
                ended
            }
            (ended, None) => ended,
        }
    }

    /// Checks whether a plan has to be left to others: another process is at it, or at what it starts from.
    fn has(&self, standing: &Standing) -> bool {
        let waits = matches!(standing.base, ResolvedBase::Run { run: None, .. });
        self.keys.contains(&standing.key) || waits && !self.keys.is_empty()
    }
}

/// Finds what is missing.
struct Missing<'a> {
    store: &'a Store,
    experiments: &'a [Experiment],
    only: Option<&'a OnePlan>,
}

impl Missing<'_> {
    /// Returns the first plan that has no complete run and is not left to another process.
    fn next(&self, busy: &Busy) -> Result<Option<Standing>, TrainError> {
        let is_asked_for =
            |standing: &Standing| self.only.is_none_or(|only| only.experiment == standing.plan.experiment);
        let mut standings = standings(self.store, self.experiments, &|_, _| {})?.into_iter();
        Ok(standings.find(|one| !one.is_trained() && is_asked_for(one) && !busy.has(one)))
    }

    /// Returns the file that a plan comes from.
    fn file_of(&self, standing: &Standing) -> PathBuf {
        let experiment = self.experiments.iter().find(|one| one.name == standing.plan.experiment);
        experiment.map(|experiment| experiment.file.clone()).unwrap_or_default()
    }
}

fn describe(run: &Run) -> String {
    let Some(end) = &run.record().end else { return run.id() };
    let duration = format::duration(std::time::Duration::try_from_secs_f64(end.seconds).unwrap_or_default());
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
