//! The `cliptune-score` command line.

use std::path::PathBuf;

use cliptune_experiment::{Experiment, load};
use cliptune_store::{Run, Standing, Store, standings};
use cliptune_terminal::{CommonArgs, Exit, Printer};

use crate::error::ScoreError;
use crate::runtime::Runtime;
use crate::score::{Missing, score_run};
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

    /// The flags of every tool.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit, ScoreError> {
    let printer = arguments.common.printer();
    let (experiments, standings) = look(arguments, &printer)?;
    require_runs(&experiments, &standings)?;
    score_missing(&standings, &printer)?;
    let (mut scored, mut precisions) = (Vec::new(), Vec::new());
    for run in standings.iter().filter_map(|standing| standing.run.as_ref()) {
        scored.extend(Scored::of(run)?);
        precisions.extend(precision_lines(run)?);
    }
    tell(&scored, &precisions, &printer);
    Ok(Exit::Done)
}

fn look(arguments: &Arguments, printer: &Printer) -> Result<(Vec<Experiment>, Vec<Standing>), ScoreError> {
    let CommonArgs { set, store, .. } = &arguments.common;
    let experiments = load(&arguments.experiments, set)?;
    let progress = printer.progress("looking at the data", 0, "bytes");
    let standings = standings(&Store::open(store)?, &experiments, &|done, _| progress.set(done))?;
    progress.finish();
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
fn score_missing(standings: &[Standing], printer: &Printer) -> Result<(), ScoreError> {
    let mut runtime = None;
    let mut failed = None;
    for standing in standings.iter().filter(|standing| !standing.is_scored()) {
        let Some(run) = &standing.run else { continue };
        // Only when there is something to score: without it the library need not be there.
        let runtime = match &mut runtime {
            Some(started) => started,
            none => none.insert(Runtime::start()?),
        };
        if let Err(error) = score_one(runtime, standing, run, printer)
            && let Some(earlier) = failed.replace(error)
        {
            printer.failure(&earlier);
        }
    }
    failed.map_or(Ok(()), Err)
}

fn score_one(runtime: &Runtime, standing: &Standing, run: &Run, printer: &Printer) -> Result<(), ScoreError> {
    if standing.plan.export.onnx.is_empty() {
        return Err(ScoreError::NotExported { run: run.id() });
    }
    let Some(dataset) = &standing.dataset else { return Err(ScoreError::NoDataset { run: run.id() }) };
    run.verify_export()?;
    let unjudged = !standing.unjudged_precisions.is_empty();
    let missing = Missing {
        splits: &standing.missing_scores,
        scale: standing.plan.score.logit_scale,
        export: unjudged.then_some(&standing.plan.export),
    };
    score_run(runtime, run, dataset, missing, printer)
}
