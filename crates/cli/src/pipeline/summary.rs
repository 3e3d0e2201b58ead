//! The summary at the end of a run: the score and the time of every experiment.

use std::path::{Path, PathBuf};

use cliptune_experiment::ExperimentName;
use cliptune_store::Estimate;
use cliptune_terminal::{Column, Printer, Table, format};
use serde::{Deserialize, Serialize};

use super::endings::{Endings, Failure};
use crate::selection::Selection;

/// The part of `report.json` that the summary shows. The report has already compared the runs, so nothing is computed
/// again.
#[derive(Default, Deserialize)]
struct Results {
    experiments: Vec<Entry>,
    boards: Vec<Board>,
}

/// An experiment at one point of its matrix.
#[derive(Deserialize)]
struct Entry {
    name: String,
    experiment: ExperimentName,
    runs: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Board {
    metric: String,
    results: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    name: String,
    score: Estimate,
}

/// One line of the summary.
#[derive(Serialize)]
struct Line {
    name: String,
    experiment: ExperimentName,
    runs: usize,
    metric: Option<String>,
    score: Option<Estimate>,
    outcome: &'static str,
    seconds: Option<f64>,
    /// Why it is incomplete.
    failures: Vec<Failure>,
    #[serde(skip)]
    shown: String,
}

/// The summary as `--json` prints it.
#[derive(Serialize)]
struct Document {
    report: PathBuf,
    results: Vec<Line>,
}

/// Prints the results from the report's folder and the ending of each experiment.
pub(crate) fn print(selection: &Selection, endings: &Endings, report: &Path, printer: &Printer) {
    let results = read(&report.join(cliptune_report::render::RESULTS)).unwrap_or_default();
    let lines: Vec<Line> = match results.experiments.is_empty() {
        true => selection.experiments.iter().map(|one| without_report(one, endings)).collect(),
        false => results.experiments.iter().map(|entry| line(entry, &results.boards, endings)).collect(),
    };
    let page = report.join(cliptune_report::render::PAGE);
    match printer.is_json() {
        true => printer.json(&Document { report: page, results: lines }),
        false => printer.table(&table(&lines)),
    }
}

/// Reads `report.json`. Returns `None` on an error: a report that failed has already been reported.
fn read(path: &Path) -> Option<Results> {
    serde_json::from_slice(&cliptune_store::read_file(path).ok()?).ok()
}

fn line(entry: &Entry, boards: &[Board], endings: &Endings) -> Line {
    let found = boards.iter().find_map(|board| {
        let score = board.results.iter().find(|score| score.name == entry.name)?;
        Some((board.metric.clone(), score.score.clone()))
    });
    let (metric, score) = found.unzip();
    let ending = endings.of(&entry.experiment);
    Line {
        name: entry.name.clone(),
        experiment: entry.experiment.clone(),
        runs: entry.runs.len(),
        metric,
        score,
        outcome: ending.as_str(),
        seconds: ending.seconds(),
        failures: ending.failures().to_vec(),
        shown: ending.shown(),
    }
}

fn without_report(experiment: &cliptune_experiment::Experiment, endings: &Endings) -> Line {
    let ending = endings.of(&experiment.name);
    Line {
        name: experiment.name.to_string(),
        experiment: experiment.name.clone(),
        runs: experiment.plans.len(),
        metric: None,
        score: None,
        outcome: ending.as_str(),
        seconds: ending.seconds(),
        failures: ending.failures().to_vec(),
        shown: ending.shown(),
    }
}

fn table(lines: &[Line]) -> Table {
    let columns = [
        Column::left("experiment"),
        Column::right("runs"),
        Column::left("metric"),
        Column::left("test split, 95 % interval"),
        Column::left("time"),
    ];
    let mut table = Table::new(columns);
    let mut above = None;
    for line in lines {
        // All points of a matrix share one time, so only the first line of an experiment shows it.
        let time = if above == Some(&line.experiment) { "" } else { line.shown.as_str() };
        above = Some(&line.experiment);
        let score = line.score.as_ref().map(|score| format::estimate(score.value, score.low, score.high));
        table.row([
            line.name.as_str(),
            &line.runs.to_string(),
            line.metric.as_deref().unwrap_or("–"),
            score.as_deref().unwrap_or("–"),
            time,
        ]);
    }
    table
}
