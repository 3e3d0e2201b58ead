//! What a report shows: plain data, read once and never changed. Charts, page, Markdown and JSON are functions of it.

mod board;
mod curve;
mod gallery;

use cliptune_experiment::{Plan, Seed, Split, TaskKind};
use cliptune_store::{DatasetRecord, Outcome, Precisions, RunRecord, Scores};

pub use board::{Board, BoardRow, Difference, Lineage, Measure, Verdict};
pub use curve::{Curve, EpochPoint, Interpolated, Start, StepPoint};
pub use gallery::{Answer, Gallery, GalleryItem, Stratum, StratumCount, Thumbnail};

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportData {
    /// The report's name; it names the folder.
    pub name: String,
    /// What was asked for on the command line, as it was typed.
    pub arguments: Vec<String>,
    /// The BLAKE3 of everything the report was made from.
    pub inputs: String,
    /// Experiments in the order given; one entry for each point of a matrix.
    pub entries: Vec<Entry>,
    /// What can be compared with what: one board for each test split.
    pub boards: Vec<Board>,
    /// The datasets of the entries, each once.
    pub datasets: Vec<DatasetRecord>,
    /// A few items of the test split with every entry's answer.
    pub gallery: Option<Gallery>,
}

/// An experiment at one point of its matrix, with all its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The experiment's name, followed by its point of the matrix.
    pub name: String,
    /// The plan of its first seed; the others differ in the seed alone.
    pub plan: Plan,
    /// The hash of its dataset, when that exists.
    pub dataset: Option<String>,
    /// The runs of the seeds, in order.
    pub runs: Vec<RunSummary>,
}

/// One run of an entry, or the place where it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The seed of the run.
    pub seed: Seed,
    /// The record of the run; `None` when it has not run yet.
    pub record: Option<RunRecord>,
    /// What happened during training.
    pub curve: Curve,
    /// How many lines of the event log that could not be read.
    pub damaged_lines: usize,
    /// What it reached, for every split that was scored.
    pub scores: Vec<Scores>,
    /// What the reduced precisions of its plan cost and gain; `None` without any.
    pub precisions: Option<Precisions>,
}

/// How an entry stands, over all its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No run has begun.
    NotRunYet,
    /// Some runs are missing or did not end well.
    Incomplete,
    /// All runs are done.
    Done,
}

impl Entry {
    /// Returns how the entry stands.
    pub fn state(&self) -> State {
        let done = self.runs.iter().filter(|run| run.is_done()).count();
        match done {
            _ if self.runs.iter().all(|run| run.record.is_none()) => State::NotRunYet,
            _ if done == self.runs.len() => State::Done,
            _ => State::Incomplete,
        }
    }

    /// Returns whether weights are fitted.
    pub fn is_trained(&self) -> bool {
        self.plan.train.is_some()
    }

    /// Returns what it is judged by on a split, averaged over the seeds that were scored on it.
    pub fn score_on(&self, split: Split) -> Option<f64> {
        let scores = self.runs.iter().filter_map(|run| run.scores_on(split));
        mean(scores.filter_map(|scores| Some(scores.metrics.get(main_metric(scores.task))?.value)))
    }

    /// Returns what it reached on the validation split: what scoring measured there, else what training did.
    pub fn validation_score(&self) -> Option<f64> {
        let kept = || mean(self.runs.iter().filter_map(RunSummary::kept_accuracy));
        self.score_on(Split::Validation).or_else(kept)
    }
}

impl RunSummary {
    /// Returns a run that has not begun.
    pub fn missing(seed: Seed) -> Self {
        Self {
            seed,
            record: None,
            curve: Curve::default(),
            damaged_lines: 0,
            scores: Vec::new(),
            precisions: None,
        }
    }

    /// Returns whether it was trained and exported.
    pub fn is_done(&self) -> bool {
        self.best_epoch().is_some()
    }

    /// Returns the epoch whose weights were kept.
    pub fn best_epoch(&self) -> Option<usize> {
        match self.record.as_ref()?.end.as_ref()?.outcome {
            Outcome::Done { best_epoch } => Some(best_epoch),
            _ => None,
        }
    }

    /// Returns whether training was for nothing: no epoch was better than the weights that it started from.
    pub fn kept_start(&self) -> bool {
        let Some(record) = &self.record else { return false };
        let is_start = |point: Interpolated| point.alpha == 0.0 && record.plan.train.is_some();
        record.kept_start() || self.curve.interpolated.is_some_and(is_start)
    }

    /// Returns the evaluation of the epoch that was kept.
    pub fn kept_epoch(&self) -> Option<&EpochPoint> {
        let best = self.best_epoch()?;
        self.curve.epochs.iter().find(|point| point.epoch == best)
    }

    /// Returns what the weights that were kept reach on the validation split.
    pub fn kept_accuracy(&self) -> Option<f64> {
        let kept = self.kept_epoch()?;
        Some(self.curve.interpolated.map_or(kept.accuracy, |point| point.accuracy))
    }

    /// Returns the scores on one split.
    pub fn scores_on(&self, split: Split) -> Option<&Scores> {
        self.scores.iter().find(|scores| scores.split == split)
    }
}

impl ReportData {
    /// Returns the board that the title speaks of: choices before pairs, then the order of entries.
    pub fn main_board(&self) -> Option<&Board> {
        self.boards.iter().find(|board| board.task == TaskKind::Choice).or(self.boards.first())
    }

    /// Returns whether an entry is some board's baseline.
    pub fn is_baseline(&self, entry: usize) -> bool {
        self.boards.iter().any(|board| board.baseline == Some(entry) && board.rows.len() > 1)
    }

    /// Returns the row of an entry, whichever board it is on.
    pub fn row(&self, entry: usize) -> Option<&BoardRow> {
        self.boards.iter().find_map(|board| board.row(entry))
    }
}

/// Returns the mean of the numbers, if there are any.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// Returns the name in `scores.json` of the metric that an entry is judged by.
pub(crate) fn main_metric(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Choice => "accuracy",
        TaskKind::Pairs => "image_to_text_recall@1",
    }
}
