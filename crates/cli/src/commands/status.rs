//! `cliptune status`.

use std::path::{Path, PathBuf};

use cliptune_store::{Standing, Store, Unknown};
use cliptune_terminal::{Column, CommonArgs, Exit, Printer, Table};
use fs_err as fs;
use serde::Serialize;

use crate::error::CliError;
use crate::pipeline::state::{StageState, Stages};
use crate::selection::{Selection, look, short, somewhere, tell};
use crate::slurm::{Jobs, ShownJob};

/// The folder that experiments are usually in.
pub(crate) const FOLDER: &str = "experiments";

/// Show what is stale, and which jobs of Slurm are at it
///
/// A dataset is stale when its images, its table or its recipe have changed; a run when its dataset, its starting
/// weights, its settings or its seed have; scores when they are missing. Whatever is not stale is never done again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Experiment files, or folders of them [default: those in experiments/]
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,

    /// Say because of what
    #[arg(long)]
    why: bool,

    /// Exit with 3 when anything is stale
    #[arg(long)]
    exit_code: bool,
}

/// One line of the command's output.
#[derive(Serialize)]
struct Line<'a> {
    experiment: &'a str,
    seed: u32,
    axes: &'a std::collections::BTreeMap<String, serde_json::Value>,
    #[serde(flatten)]
    stages: Stages,
    run: Option<String>,
    fresh: bool,
    /// The job of Slurm that is at it or will be, or that failed at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<ShownJob>,
    why: Vec<String>,
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let paths =
        if args.experiments.is_empty() { usual(Path::new(FOLDER))? } else { args.experiments.clone() };
    let selection = Selection::load(&paths, common)?;
    let store = Store::open(&common.store)?;
    let standings = somewhere(look(&store, &selection.experiments, &printer))?;
    tell(&standings, &printer);
    let jobs = jobs(&store, &printer)?;
    let known = standings.known.iter().map(|standing| line(standing, &jobs));
    let lines: Vec<Line<'_>> = known.chain(standings.unknown.iter().map(unknown)).collect();
    match printer.is_json() {
        true => printer.json(&lines),
        false => printer.table(&table(&lines, args.why)),
    }
    let stale = args.exit_code && lines.iter().any(|line| !line.fresh);
    Ok(if stale { Exit::Stale } else { Exit::Done })
}

/// Returns the folder itself if it holds experiments, and each folder directly in it that does.
pub(crate) fn usual(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut folders = Vec::new();
    if folder.is_dir() {
        folders.push(folder.to_path_buf());
        for entry in fs::read_dir(folder)? {
            folders.push(entry?.path());
        }
    }
    folders.retain(|folder| holds_experiments(folder));
    folders.sort_unstable();
    match folders.is_empty() {
        true => Err(CliError::NoExperiments { folder: folder.to_path_buf() }),
        false => Ok(folders),
    }
}

fn holds_experiments(folder: &Path) -> bool {
    let is_yaml =
        |path: PathBuf| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    fs::read_dir(folder)
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| is_yaml(entry.path()))))
}

/// Returns what Slurm has of the store. Where it does not answer, that is told, and nothing else is missing.
fn jobs(store: &Store, printer: &Printer) -> Result<Jobs, CliError> {
    match Jobs::of(store, printer) {
        Err(error @ (CliError::NoSlurm { .. } | CliError::Slurm { .. } | CliError::SlurmSilent { .. })) => {
            printer.warn(&format!("what became of the jobs that were submitted is not known: {error}"));
            Ok(Jobs::default())
        }
        known => known,
    }
}

fn line<'a>(standing: &'a Standing, jobs: &Jobs) -> Line<'a> {
    let job = jobs.about(standing);
    let mut why = standing.why.clone();
    why.extend(job.as_ref().and_then(said));
    Line {
        experiment: standing.plan.experiment.as_str(),
        seed: standing.plan.seed.0,
        axes: &standing.plan.axes,
        stages: Stages::of(standing),
        run: standing.run.as_ref().map(cliptune_store::Run::id),
        fresh: standing.is_fresh(),
        job,
        why,
    }
}

/// Says where a job that ended says why.
fn said(job: &ShownJob) -> Option<String> {
    let log = job.log.as_ref().filter(|_| !job.state.is_live())?;
    Some(format!("the log of job {} is {}", job.id, short(log)))
}

fn unknown(unknown: &Unknown) -> Line<'_> {
    let Unknown { plan, error } = unknown;
    Line {
        experiment: plan.experiment.as_str(),
        seed: plan.seed.0,
        axes: &plan.axes,
        stages: Stages::UNKNOWN,
        run: None,
        fresh: false,
        job: None,
        why: vec![error.in_one_line()],
    }
}

fn table(lines: &[Line<'_>], why: bool) -> Table {
    let has_axes = lines.iter().any(|line| !line.axes.is_empty());
    let has_jobs = lines.iter().any(|line| line.job.is_some());
    let mut columns = vec![Column::left("experiment"), Column::right("seed")];
    columns.extend(has_axes.then(|| Column::left("settings")));
    columns.extend(["dataset", "training", "scores"].map(Column::left));
    columns.extend(has_jobs.then(|| Column::left("job")));
    columns.extend(why.then(|| Column::left("why")));
    let mut table = Table::new(columns);
    for line in lines {
        let mut cells = vec![line.experiment.to_owned(), line.seed.to_string()];
        cells.extend(has_axes.then(|| crate::wording::axes(line.axes)));
        cells.extend(line.stages.all().map(StageState::as_str).map(str::to_owned));
        cells.extend(has_jobs.then(|| line.job.as_ref().map(shown).unwrap_or_default()));
        cells.extend(why.then(|| line.why.join("; ")));
        table.row(cells);
    }
    table
}

fn shown(job: &ShownJob) -> String {
    format!("{} {}", job.id, job.state.as_str())
}
