//! Writes `report.json`, which holds the results for machines.

use cliptune_experiment::{Seed, TaskKind};
use cliptune_store::{ClassScores, ControlScores, Estimate, Precisions, TestLookCounts, Usage};
use cliptune_terminal::format::harmless_json;
use serde::Serialize;

use crate::data::{
    Board, BoardRow, Difference, Entry, ForeignEntry, ForeignScore, Measure, ReportData, State,
};
use crate::error::ReportError;
use crate::words;

/// The version of the format of `report.json`.
const FORMAT_VERSION: u32 = 2;

/// The key of the inputs' hash, which [`is_fresh`](crate::is_fresh) looks at.
pub(crate) const INPUTS_KEY: &str = "inputs";

/// The key of the hash of what a report is about, by which [`Request`](crate::Request) tells reports apart.
pub(crate) const SUBJECT_KEY: &str = "subject";

/// The key of the hash of where the store of a report lies, which tells projects apart.
pub(crate) const HOME_KEY: &str = "home";

/// The key of the names of all files that a report wrote, which are all that is replaced.
pub(crate) const FILES_KEY: &str = "files";

#[derive(Serialize)]
struct Report<'a> {
    format_version: u32,
    name: &'a str,
    inputs: &'a str,
    subject: &'a str,
    home: &'a str,
    files: Vec<String>,
    finding: String,
    experiments: Vec<ExperimentJson<'a>>,
    boards: Vec<BoardJson<'a>>,
    /// Imported runs beside the experiments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign: Vec<ForeignJson<'a>>,
    datasets: Vec<&'a str>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ExperimentJson<'a> {
    name: &'a str,
    experiment: &'a str,
    axes: &'a std::collections::BTreeMap<String, serde_json::Value>,
    state: &'static str,
    dataset: Option<&'a str>,
    runs: Vec<RunJson<'a>>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    seed: Seed,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<u32>,
    run: Option<&'a str>,
    key: Option<&'a str>,
    best_epoch: Option<usize>,
    kept_start: bool,
    damaged_lines: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precisions: Option<&'a Precisions>,
}

#[derive(Serialize)]
struct BoardJson<'a> {
    task: TaskKind,
    metric: &'static str,
    dataset: &'a str,
    n_items: usize,
    n_groups: usize,
    chance: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    majority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<&'a ClassScores>,
    equal_choices: usize,
    baseline: Option<&'a str>,
    headline: Option<&'a str>,
    test_looks: TestLookCounts,
    results: Vec<ResultJson<'a>>,
}

#[derive(Serialize)]
struct ResultJson<'a> {
    name: &'a str,
    score: &'a Estimate,
    tied: usize,
    per_seed: Vec<SeedJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    per_fold: Vec<FoldJson>,
    metrics: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    controls: &'a [ControlScores],
    difference: Option<DifferenceJson<'a>>,
}

#[derive(Serialize)]
struct ForeignJson<'a> {
    name: &'a str,
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scored: Option<ForeignScoreJson<'a>>,
    /// The metrics that another tool told, without intervals.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    told: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct ForeignScoreJson<'a> {
    score: &'a Estimate,
    metrics: serde_json::Map<String, serde_json::Value>,
    against: Option<&'a str>,
    difference: Option<DifferenceJson<'a>>,
}

#[derive(Serialize)]
struct SeedJson {
    seed: Seed,
    score: f64,
}

#[derive(Serialize)]
struct FoldJson {
    fold: u32,
    score: f64,
}

#[derive(Serialize)]
struct DifferenceJson<'a> {
    delta: &'a Estimate,
    mcnemar_mid_p: Option<f64>,
    detectable: Option<f64>,
    p_value: f64,
    holm_p: f64,
    verdict: &'static str,
}

/// Returns the text of `report.json`, which names all files of the report.
pub(crate) fn json(data: &ReportData, files: Vec<String>) -> Result<String, ReportError> {
    let report = Report {
        format_version: FORMAT_VERSION,
        name: &data.name,
        inputs: &data.inputs,
        subject: &data.subject,
        home: &data.home,
        files,
        finding: words::headline(data),
        experiments: data.entries.iter().map(experiment).collect(),
        boards: data.boards.iter().map(|one| board(data, one)).collect(),
        foreign: data.foreign.iter().map(|one| foreign(data, one)).collect(),
        datasets: data.datasets.iter().map(|dataset| dataset.hash.as_str()).collect(),
        notes: words::notes(data),
    };
    Ok(format!("{}\n", harmless_json(&serde_json::to_string_pretty(&report)?)))
}

fn experiment(entry: &Entry) -> ExperimentJson<'_> {
    ExperimentJson {
        name: &entry.name,
        experiment: entry.plan.experiment.as_str(),
        axes: &entry.plan.axes,
        state: match entry.state() {
            State::NotRunYet => "not run yet",
            State::Incomplete => "incomplete",
            State::Done => "done",
        },
        dataset: entry.dataset.as_deref(),
        runs: entry
            .runs
            .iter()
            .map(|run| RunJson {
                seed: run.seed,
                fold: run.fold,
                run: run.record.as_ref().map(|record| record.run.as_str()),
                key: run.record.as_ref().map(|record| record.key.as_str()),
                best_epoch: run.best_epoch(),
                kept_start: run.kept_start(),
                damaged_lines: run.damaged_lines,
                seconds: run.record.as_ref().and_then(|record| Some(record.end.as_ref()?.seconds)),
                usage: run.usage(),
                precisions: run.precisions.as_ref(),
            })
            .collect(),
    }
}

fn board<'a>(data: &'a ReportData, board: &'a Board) -> BoardJson<'a> {
    let name = |entry: usize| data.entries[entry].name.as_str();
    BoardJson {
        task: board.task,
        metric: words::metric(board.task),
        dataset: &board.dataset,
        n_items: board.n_items,
        n_groups: board.n_groups,
        chance: board.chance,
        majority: board.majority,
        classes: board.classes.as_ref(),
        equal_choices: board.equal_choices,
        baseline: board.baseline.map(name),
        headline: board.headline.map(name),
        test_looks: board.test_looks.counts(),
        results: board.rows.iter().map(|row| result(name(row.entry), row)).collect(),
    }
}

fn foreign<'a>(data: &'a ReportData, one: &'a ForeignEntry) -> ForeignJson<'a> {
    let scored = |scored: &'a ForeignScore| ForeignScoreJson {
        score: &scored.score,
        metrics: scored.others.iter().map(|(name, value)| (name.clone(), measure(value))).collect(),
        against: scored.against.and_then(|entry| Some(data.entries.get(entry)?.name.as_str())),
        difference: scored.difference.as_ref().map(difference),
    };
    ForeignJson {
        name: &one.name,
        run: &one.run,
        scored: one.scored.as_ref().map(scored),
        told: one.told.iter().map(|(name, value)| (name.clone(), (*value).into())).collect(),
    }
}

fn result<'a>(name: &'a str, row: &'a BoardRow) -> ResultJson<'a> {
    ResultJson {
        name,
        score: &row.score,
        tied: row.tied,
        per_seed: row.per_seed.iter().map(|&(seed, score)| SeedJson { seed, score }).collect(),
        per_fold: row.per_fold.iter().map(|&(fold, score)| FoldJson { fold, score }).collect(),
        metrics: row.others.iter().map(|(name, value)| (name.clone(), measure(value))).collect(),
        controls: &row.controls,
        difference: row.difference.as_ref().map(difference),
    }
}

fn measure(measure: &Measure) -> serde_json::Value {
    match measure.interval {
        Some((low, high)) => serde_json::json!({ "value": measure.value, "low": low, "high": high }),
        None => serde_json::json!({ "value": measure.value }),
    }
}

fn difference(difference: &Difference) -> DifferenceJson<'_> {
    DifferenceJson {
        delta: &difference.delta,
        mcnemar_mid_p: difference.mid_p(),
        detectable: difference.detectable,
        p_value: difference.p_value,
        holm_p: difference.holm_p,
        verdict: difference.verdict.as_str(),
    }
}
