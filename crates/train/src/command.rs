//! The command line of `cliptune-train`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use cliptune_experiment::Experiment;
use cliptune_hub::{Hub, fetch_shown};
use cliptune_launcher::Placement;
use cliptune_native::path_to_named_libtorch;
use cliptune_store::{OnePlan, Outcome, ResolvedBase, Run, Standing, Store, StoreError, Work, standings};
use cliptune_terminal::{
    CommonArgs, Diagnostic, Exit, Printer, STYLES, format, interrupt_flag, silent_interrupt_flag,
};
use tch::Device;

use crate::device;
use crate::dry_run::{Asked, dry_run};
use crate::error::TrainError;
use crate::launcher::{Distributed, Found, Line, Next, Order, Team, in_words};
use crate::run::{Context, export_again, help, make};

/// The time within which what one host has written to a shared file system is seen on all of them.
const SEEN: Duration = Duration::from_secs(90);
/// The time between two looks for it.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// Whether processes that torchrun or srun has started train together
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    distributed: Distributed,
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

/// Trains in this process alone, or together with others. What those end with is told by one of them.
fn train(arguments: &Arguments, printer: &Printer) -> Result<Exit, TrainError> {
    let placement = arguments.distributed.placement()?;
    if arguments.dry_run {
        return forecast(arguments, placement.as_ref(), printer);
    }
    let device = || device::choose(placement.as_ref());
    let Some(placement) = &placement else {
        return train_in(&Team::alone(), None, arguments, device()?, printer);
    };
    let line = Line::open(placement.clone())?;
    let ended = Team::form(&line).and_then(|team| {
        let ended = device().and_then(|device| train_in(&team, Some(&line), arguments, device, printer));
        // While there is still somebody who looks after the others: whoever only lost them learns why.
        ended.map_err(|error| team.cause(error))
    });
    line.conclude(ended)
}

/// Forecasts what the runs take; of several processes, the first one does so for all.
fn forecast(
    arguments: &Arguments,
    placement: Option<&Placement>,
    printer: &Printer,
) -> Result<Exit, TrainError> {
    if placement.is_some_and(|placement| placement.rank() > 0) {
        return Ok(Exit::Done);
    }
    let (store, experiments) = asked_for(arguments)?;
    let processes = placement.map_or(1, Placement::world);
    let on_this_host = placement.map_or(1, |placement| placement.local_world().unwrap_or(processes));
    let asked = Asked { only: arguments.only.as_ref(), timed: !arguments.untimed, processes, on_this_host };
    dry_run(&store, &experiments, asked, device::choose(placement)?, printer)?;
    Ok(Exit::Done)
}

/// Opens the store and reads the experiments.
fn asked_for(arguments: &Arguments) -> Result<(Store, Vec<Experiment>), TrainError> {
    let mut experiments = cliptune_experiment::load(&arguments.experiments, &arguments.common.set)?;
    arguments.only.as_ref().inspect(|only| only.narrow(&mut experiments));
    Ok((Store::open(&arguments.common.store)?, experiments))
}

/// Trains as the leader of a team, which may be this process alone, or helps the leader.
fn train_in(
    team: &Team,
    line: Option<&Arc<Line>>,
    arguments: &Arguments,
    device: Device,
    printer: &Printer,
) -> Result<Exit, TrainError> {
    let (store, experiments) = asked_for(arguments)?;
    let missing = Missing { store: &store, experiments: &experiments, only: arguments.only.as_ref() };
    if !team.is_leader() {
        return follow(team, &missing, device);
    }
    let detour = team.backend().and_then(|backend| device::detour(device, backend));
    detour.iter().for_each(|detour| printer.warn(detour));
    let interrupted = interrupt_flag();
    let context = Context::new(&store, printer, device, &interrupted).with_team(team.clone()).with_line(line);
    let mut busy = Busy::default();
    let ended = train_all(arguments, &context, &missing, &mut busy);
    let exit = busy.end(ended, printer)?;
    team.next(Some(&Next::End { exit: exit.code() }))?;
    Ok(exit)
}

/// Trains what is missing, bases first. The standings are determined anew after each run, because the next run may
/// start from it. What another process is at is left to it, unless this one is to wait.
fn train_all(
    arguments: &Arguments,
    context: &Context<'_>,
    missing: &Missing<'_>,
    busy: &mut Busy,
) -> Result<Exit, TrainError> {
    let (printer, interrupted) = (context.printer, context.interrupted);
    let mut made = Vec::new();
    while let Some(standing) = missing.next(busy)? {
        if let ResolvedBase::Hub { id, cached: None } = &standing.base {
            // The downloaded model decides the run's identity, so the standings are determined again.
            fetch_shown(&Hub::from_env()?, id, printer, interrupted)?;
            continue;
        }
        let work = Work::run(&standing.plan, &standing.key);
        let claim = match context.store.claim(&work, &context.patience(arguments.wait)) {
            Ok(Some(claim)) => claim,
            Ok(None) => return Ok(stopped(context)),
            Err(error @ StoreError::Busy { .. }) => {
                busy.add(standing, error, printer);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        // Another process may have done it before this one had the claim.
        let Some(standing) = missing.next(busy)?.filter(|now| now.key == standing.key) else { continue };
        let run = train_one(context, missing, &standing)?;
        drop(claim);
        let Some(run) = run else { continue };
        if run.record().end.as_ref().is_some_and(|end| end.outcome == Outcome::Interrupted) {
            printer.status(&format!("interrupted: {} goes on with the same command", run.id()));
            return Ok(Exit::Interrupted);
        }
        printer.status(&describe(&run));
        made.push(run.record().clone());
        if interrupted.load(Ordering::Relaxed) {
            return Ok(stopped(context));
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

/// Ends the command between two runs, where no step is there in which all processes learn who was told to.
fn stopped(context: &Context<'_>) -> Exit {
    if let Some(rank) = context.stopped_by() {
        context.printer.notice(&format!("told to stop: {}", in_words(&[rank])));
    }
    Exit::Interrupted
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
    if standing.plan.train.is_some() {
        context.team.next(Some(&Next::Train(Order::of(standing))))?;
    }
    make(context, standing, &missing.file_of(standing)).map(Some)
}

/// Helps to train what the leader says, until it says that there is nothing left. This process prints and writes nothing.
fn follow(team: &Team, missing: &Missing<'_>, device: Device) -> Result<Exit, TrainError> {
    let (interrupted, printer) = (silent_interrupt_flag(), Printer::new(true, false));
    let context = Context::new(missing.store, &printer, device, &interrupted).with_team(team.clone());
    loop {
        match team.next(None)? {
            Next::End { exit } => return Ok(Exit::from_code(exit.into())),
            Next::Train(order) => help(&context, &same(&context, missing, &order)?)?,
        }
    }
}

/// Finds the run that the leader trains among those that are missing here. A model that the leader has just made, or fetched, may take
/// a moment to be seen on a file system that hosts share.
fn same(context: &Context<'_>, missing: &Missing<'_>, order: &Order) -> Result<Standing, TrainError> {
    let begun = Instant::now();
    loop {
        match order.find(missing.standings()?) {
            Found::Same(standing) => return Ok(*standing),
            Found::Unfetched(id) => {
                fetch_shown(&Hub::from_env()?, &id, context.printer, context.interrupted)?;
            }
            Found::OtherBase(_) if begun.elapsed() < SEEN => thread::sleep(PAUSE),
            Found::OtherBase(error) | Found::Other(error) => return Err(error.into()),
        }
    }
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
        let mut standings = self.standings()?.into_iter();
        Ok(standings.find(|one| !one.is_trained() && is_asked_for(one) && !busy.has(one)))
    }

    /// Returns the standings of all plans.
    fn standings(&self) -> Result<Vec<Standing>, TrainError> {
        Ok(standings(self.store, self.experiments, &|_, _| {})?)
    }

    /// Returns the file that a plan comes from.
    fn file_of(&self, standing: &Standing) -> PathBuf {
        let experiment = self.experiments.iter().find(|one| one.name == standing.plan.experiment);
        experiment.map(|experiment| experiment.file.clone()).unwrap_or_default()
    }
}

fn describe(run: &Run) -> String {
    let Some(end) = &run.record().end else { return run.id() };
    let duration = format::duration(Duration::try_from_secs_f64(end.seconds).unwrap_or_default());
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
