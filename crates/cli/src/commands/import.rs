//! `cliptune import`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use cliptune_exchange::import::{ImportError, Imported, PULL, Request, import};
use cliptune_experiment::{ExperimentName, Split};
use cliptune_store::{Dataset, Run, Scores, Store, Tool};
use cliptune_terminal::{CommonArgs, Exit, Printer, did_you_mean, format};
use serde_json::json;

use super::compare::{expect_files, split};
use crate::error::{CliError, ComparisonError, NameError};
use crate::selection::{Selection, look, short, somewhere, tell};

/// Take in a run of another tool, or anyone's predictions, as a run of its own
///
/// `ls`, `show`, `query`, `compare` and the report have it beside cliptune's, marked as foreign. Predictions are checked against the
/// items of the experiment and scored like those of a run; what another tool computed is kept as it was told, without an interval.
/// docs/importing.md says what is read. The same again changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Predictions in parquet, as JSON lines or as CSV (id, group, label, and predicted or probabilities); the folder of a run of MLflow,
    /// or its database; or the folder of a project of DVC or of DVCLive
    source: PathBuf,

    /// The name of the run: letters, digits, '-', '_' and '.'; no other run and no experiment of the store may have it
    #[arg(long)]
    name: ExperimentName,

    /// The experiment that it is shown beside, by its name or its file; predictions are of the items of its dataset
    #[arg(long, value_name = "EXPERIMENT")]
    experiment: Option<String>,

    /// The split whose items are predicted
    #[arg(long, default_value = "test", value_parser = split)]
    split: Split,

    /// What it is, where that is not clear
    #[arg(long)]
    from: Option<Kind>,

    /// Which run, where there are several
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

/// What is imported.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A table of predictions
    Predictions,
    /// A run of MLflow
    Mlflow,
    /// A project of DVC, or the folder of DVCLive
    Dvc,
}

impl Kind {
    fn tool(self) -> Tool {
        match self {
            Self::Predictions => Tool::Predictions,
            Self::Mlflow => Tool::Mlflow,
            Self::Dvc => Tool::Dvc,
        }
    }
}

pub(crate) fn run(args: &Args, common: &CommonArgs) -> Result<Exit, CliError> {
    let printer = common.printer();
    let store = Store::open(&common.store)?;
    let beside = args.experiment.as_deref().map(|name| Beside::named(name, &store, common, &printer));
    let beside = beside.transpose()?;
    expect_files(common, beside.as_ref().is_some_and(|beside| beside.is_file))?;
    let request = Request {
        source: &args.source,
        name: &args.name,
        from: args.from.map(Kind::tool),
        run: args.run.as_deref(),
        experiment: beside.as_ref().map(|beside| &beside.experiment),
        dataset: beside.as_ref().and_then(Beside::only_dataset),
        split: args.split,
    };
    let imported = import(&store, &request).map_err(|error| match (error, &beside) {
        (ImportError::NoItems { .. }, Some(beside)) => beside.no_one_dataset(),
        (error, _) => error.into(),
    })?;
    say(&imported, args.split, &printer);
    Ok(Exit::Done)
}

/// The experiment that a run is imported beside.
struct Beside {
    experiment: ExperimentName,
    /// Its datasets that are there, each once.
    datasets: Vec<Dataset>,
    /// Whether its file was named.
    is_file: bool,
}

impl Beside {
    /// Returns the experiment of a name, if it has runs in the store, or that of a file.
    fn named(name: &str, store: &Store, common: &CommonArgs, printer: &Printer) -> Result<Self, CliError> {
        if let Ok(experiment) = name.parse::<ExperimentName>() {
            let mut runs = store.named(name)?;
            runs.retain(|run| run.record().experiment == experiment);
            if !runs.is_empty() {
                return Ok(Self { datasets: datasets_of(&runs, store)?, experiment, is_file: false });
            }
        }
        match Path::new(name).exists() {
            true => Self::of_file(name.into(), store, common, printer),
            false => Err(no_experiment(name, store)?),
        }
    }

    fn of_file(
        path: PathBuf,
        store: &Store,
        common: &CommonArgs,
        printer: &Printer,
    ) -> Result<Self, CliError> {
        let paths = std::slice::from_ref(&path);
        let selection = Selection::load(paths, common)?;
        // What another experiment starts from is not meant with it.
        let named = selection.experiments.iter().filter(|one| one.is_named_by(paths));
        let mut names: Vec<ExperimentName> = named.map(|one| one.name.clone()).collect();
        if names.len() != 1 {
            return Err(ComparisonError::NotOneExperiment { found: names.len(), path }.into());
        }
        let experiment = names.swap_remove(0);
        let standings = somewhere(look(store, &selection.experiments, printer))?;
        tell(&standings, printer);
        let own = standings.known.into_iter().filter(|standing| standing.plan.experiment == experiment);
        let datasets = distinct(own.filter_map(|standing| standing.dataset));
        Ok(Self { experiment, datasets, is_file: true })
    }

    /// Returns the dataset, if there is exactly one.
    fn only_dataset(&self) -> Option<&Dataset> {
        match self.datasets.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    fn no_one_dataset(&self) -> CliError {
        ComparisonError::NoOneDataset { name: self.experiment.to_string(), found: self.datasets.len() }.into()
    }
}

/// Returns the datasets of some runs that are there.
fn datasets_of(runs: &[Run], store: &Store) -> Result<Vec<Dataset>, CliError> {
    let found = runs.iter().map(|run| store.dataset(&run.record().dataset)).collect::<Result<Vec<_>, _>>()?;
    Ok(distinct(found.into_iter().flatten()))
}

/// Returns the datasets, each once.
fn distinct(datasets: impl Iterator<Item = Dataset>) -> Vec<Dataset> {
    let mut distinct = Vec::<Dataset>::new();
    for dataset in datasets {
        if distinct.iter().all(|known| known.record().hash != dataset.record().hash) {
            distinct.push(dataset);
        }
    }
    distinct
}

fn no_experiment(name: &str, store: &Store) -> Result<CliError, CliError> {
    let runs = store.runs()?.runs;
    let known: Vec<String> = runs.iter().map(|run| run.record().experiment.to_string()).collect();
    let similar = did_you_mean(name, &known).map(str::to_owned);
    Ok(NameError::NoExperiment { name: name.to_owned(), similar }.into())
}

/// Says what became of the import.
fn say(imported: &Imported, split: Split, printer: &Printer) {
    let Imported { run, is_new, scores, other_rows, unlikely, left_out } = imported;
    let id = run.id();
    printer.status(&match (is_new, scores) {
        (true, _) => format!("{id}: imported ({})", run.origin()),
        (false, None) => format!("{id}: it is there already, and nothing was changed"),
        (false, Some(_)) => format!("{id}: it is there already, and its scores were made again"),
    });
    if !left_out.is_empty() {
        printer.warn(&format!("{id}: {}; {PULL}", format::first_few(left_out)));
    }
    if *other_rows > 0 {
        let rows = format::counted(*other_rows as u64, "row");
        printer.status(&format!("{id}: {rows} about other items than those of the {split} split"));
    }
    if *unlikely > 0 {
        let (answers, are) =
            (format::counted(*unlikely as u64, "answer"), format::agreed(*unlikely as u64, "is", "are"));
        printer.warn(&format!(
            "{id}: {answers} in `predicted` {are} not the most probable: the accuracy is that of `predicted`"
        ));
    }
    if let Some(scores) = scores {
        printer.status(&format!("{id} {}", line(scores)));
    }
    if printer.is_json() {
        let folder = short(run.folder()).to_string();
        let tool = run.record().tool;
        return printer.json(
            &json!({ "run": id, "new": is_new, "tool": tool, "folder": folder, "scores": scores, "other_rows": other_rows,
                     "unlikely": unlikely, "left_out": left_out }),
        );
    }
    printer.data(&id);
}

/// Returns what predictions reach in a line.
fn line(scores: &Scores) -> String {
    let first = scores.metrics.0.first().map(|(name, estimate)| {
        format!("{name} {}", format::estimate(estimate.value, estimate.low, estimate.high))
    });
    let items = format::counted(scores.n_items as u64, "item");
    let groups = format::counted(scores.n_groups as u64, "group");
    let first = first.unwrap_or_default();
    format!("{}: {first} ({items}, {groups}; {})", scores.split, scores.remarks())
}
