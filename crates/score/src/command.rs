//! The `cliptune-score` command line.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cliptune_encode::runtime::Runtime;
use cliptune_experiment::{Experiment, load};
use cliptune_store::{Claim, OnePlan, Patience, Run, Standing, Store, Work, standings};
use cliptune_terminal::{CommonArgs, Exit, Printer};

use crate::error::ScoreError;
use crate::score::{Missing, Recall, score_run};
use crate::summary::{Scored, precision_lines, tell};

/// Score the exported models of experiments with ONNX Runtime
///
/// Every split in score.splits that has no scores yet is scored: metrics with 95 % intervals, and every single
/// prediction. Before that, ONNX Runtime has to give the logits that libtorch gave. The reduced precisions in
/// export.onnx are then made, measured beside fp32 on the validation split, and kept or not.
#[derive(clap::Parser, Debug)]
#[command(name = "cliptune-score", version)]
pub struct Arguments {
    /// Experiment files, or folders of them
    #[arg(required = true, value_name = "EXPERIMENT")]
    pub experiments: Vec<PathBuf>,

    /// Wait for other processes that score the same runs, and then do what is left to do
    #[arg(long)]
    pub wait: bool,

    /// Score the run of one plan alone, as `cliptune run` asks for it
    #[arg(long, hide = true, value_name = "EXPERIMENT/NUMBER")]
    pub only: Option<OnePlan>,

    /// Start ONNX Runtime and do nothing with it: what `cliptune doctor` asks for
    #[arg(long, hide = true)]
    pub runtime: bool,

    /// The flags of every tool.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit, ScoreError> {
    if arguments.runtime {
        Runtime::start()?;
        return Ok(Exit::Done);
    }
    let printer = arguments.common.printer();
    let progress = printer.progress("looking at the data", 0, "bytes");
    let (experiments, standings) = look(arguments, &|done, _| progress.set(done))?;
    progress.finish();
    require_runs(&experiments, &standings)?;
    if score_missing(arguments, &standings, &printer)? == Exit::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let (mut scored, mut precisions) = (Vec::new(), Vec::new());
    for run in standings.iter().filter_map(|standing| standing.run.as_ref()) {
        scored.extend(Scored::of(run)?);
        precisions.extend(precision_lines(run)?);
    }
    tell(&scored, &precisions, &printer);
    Ok(Exit::Done)
}

/// Determines what the experiments lack by now.
fn look(
    arguments: &Arguments,
    on_progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(Vec<Experiment>, Vec<Standing>), ScoreError> {
    let CommonArgs { set, store, .. } = &arguments.common;
    let mut experiments = load(&arguments.experiments, set)?;
    let only = arguments.only.as_ref();
    only.inspect(|only| only.narrow(&mut experiments));
    let mut standings = standings(&Store::open(store)?, &experiments, on_progress)?;
    standings.retain(|standing| only.is_none_or(|only| only.experiment == standing.plan.experiment));
    Ok((experiments, standings))
}

/// Nothing is scored as long as any training is missing: a comparison of half of the runs misleads.
fn require_runs(experiments: &[Experiment], standings: &[Standing]) -> Result<(), ScoreError> {
    let plans = || standings.iter().filter(|standing| standing.run.is_none()).map(|standing| &standing.plan);
    if plans().next().is_none() {
        return Ok(());
    }
    let untrained = |experiment: &&Experiment| plans().any(|plan| plan.experiment == experiment.name);
    Err(ScoreError::NotTrained {
        runs: plans().map(|plan| format!("{} (seed {})", plan.experiment, plan.seed)).collect(),
        files: experiments.iter().filter(untrained).map(|experiment| experiment.file.clone()).collect(),
    })
}

/// Scores what has no scores. A run that fails does not keep the others from being scored; the last failure is the
/// command's, the ones before it are told at once.
fn score_missing(
    arguments: &Arguments,
    standings: &[Standing],
    printer: &Printer,
) -> Result<Exit, ScoreError> {
    let store = Store::open(&arguments.common.store)?;
    // A signal ends this program at once, even while it waits.
    let interrupted = AtomicBool::new(false);
    let patience = Patience { wait: arguments.wait, interrupted: &interrupted, printer };
    let (mut runtime, mut failed) = (None, None);
    for standing in standings.iter().filter(|standing| !standing.is_scored()) {
        match claimed(&store, standing, &patience).and_then(|claim| match claim {
            Some(claim) => {
                score_now(&mut runtime, arguments, &store, (standing, &claim), printer).map(|()| true)
            }
            None => Ok(false),
        }) {
            Ok(true) => {}
            Ok(false) => return Ok(Exit::Interrupted),
            Err(error) => {
                if let Some(earlier) = failed.replace(error) {
                    printer.failure(&earlier);
                }
            }
        }
    }
    failed.map_or(Ok(Exit::Done), Err)
}

fn claimed(store: &Store, standing: &Standing, patience: &Patience<'_>) -> Result<Option<Claim>, ScoreError> {
    Ok(store.claim(&Work::run(&standing.plan, &standing.key), patience)?)
}

/// Scores what is missing of a run by now: another process may have scored it before this one had the claim.
fn score_now(
    runtime: &mut Option<Runtime>,
    arguments: &Arguments,
    store: &Store,
    (standing, claim): (&Standing, &Claim),
    printer: &Printer,
) -> Result<(), ScoreError> {
    let (_, now) = look(arguments, &|_, _| {})?;
    let Some(standing) = now.iter().find(|now| now.key == standing.key && !now.is_scored()) else {
        return Ok(());
    };
    let Some(run) = &standing.run else { return Ok(()) };
    // Only when there is something to score: without it the library need not be there.
    let runtime = match runtime {
        Some(started) => started,
        none => none.insert(Runtime::start()?),
    };
    score_one(runtime, store, (standing, claim), run, printer)
}

fn score_one(
    runtime: &Runtime,
    store: &Store,
    (standing, claim): (&Standing, &Claim),
    run: &Run,
    printer: &Printer,
) -> Result<(), ScoreError> {
    if standing.plan.export.onnx.is_empty() {
        return Err(ScoreError::NotExported { run: run.id() });
    }
    let Some(dataset) = &standing.dataset else { return Err(ScoreError::NoDataset { run: run.id() }) };
    let _held = run.hold()?;
    let files = run.verify_export(store)?;
    let recall = Recall { cache: &store.cache_folder(), files: &files };
    let unjudged = !standing.unjudged_precisions.is_empty();
    let missing = Missing {
        splits: &standing.missing_scores,
        plan: &standing.plan.score,
        export: unjudged.then_some(&standing.plan.export),
        claim: Some(claim),
    };
    score_run(runtime, run, dataset, missing, Some(recall), printer)
}
