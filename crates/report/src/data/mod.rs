//! What a report shows: plain data, read once and never changed. Charts, page, Markdown and JSON are functions of it.

mod board;
mod confidence;
mod curve;
mod foreign;
mod gallery;
mod role;

use std::collections::BTreeSet;

use cliptune_experiment::{Plan, Seed, Split, TaskKind};
use cliptune_store::{DatasetRecord, Outcome, Precisions, RunRecord, Sample, Scores, Total, Usage};

pub use board::{AboveChance, BaselineRule, Board, BoardRow, Lineage, Measure};
pub use cliptune_compare::{Difference, Test, Verdict};
pub use confidence::{COLUMNS, Confidence, Place};
pub use curve::{Curve, EpochPoint, Interpolated, Start, StepPoint};
pub use foreign::{ForeignEntry, ForeignScore};
pub use gallery::{
    Answer, Gallery, GalleryItem, NearItem, PairsGallery, PairsItem, Seen, Stratum, StratumCount, Thumbnail,
};
pub(crate) use role::is_many;
pub use role::{NAMED, Role};

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportData {
    /// The report's name, which is also the name of its folder.
    pub name: String,
    /// The arguments on the command line, as they were typed.
    pub arguments: Vec<String>,
    /// The options on the command line that say what is shown, as they are typed.
    pub options: Vec<String>,
    /// The hash of what the report is about.
    pub subject: String,
    /// The hash of where the store lies, as seen from the report.
    pub home: String,
    /// The entry that was asked for as the baseline, as an index into the entries.
    pub asked_baseline: Option<usize>,
    /// The BLAKE3 hash of everything that the report was made from.
    pub inputs: String,
    /// The experiments in the order given, with one entry for each point of a matrix.
    pub entries: Vec<Entry>,
    /// The boards, which say what can be compared with what: one for each test split.
    pub boards: Vec<Board>,
    /// The imported runs that are shown beside these experiments.
    pub foreign: Vec<ForeignEntry>,
    /// The datasets of the entries, each once.
    pub datasets: Vec<DatasetRecord>,
    /// A few items of the test split with every entry's answer.
    pub gallery: Option<Gallery>,
    /// A few images of pairs with the texts that are nearest to them.
    pub pairs: Option<PairsGallery>,
}

/// An experiment at one point of its matrix, with all its seeds and, in a cross-validation, all its folds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The experiment's name, followed by the entry's point of the matrix.
    pub name: String,
    /// The plan of the first run; the others differ only in the seed and the fold.
    pub plan: Plan,
    /// The hash of the entry's dataset, if that exists.
    pub dataset: Option<String>,
    /// The runs of the entry, in the order of folds and seeds.
    pub runs: Vec<RunSummary>,
    /// The name that charts have room for.
    pub label: String,
    /// How prominent the entry is in charts.
    pub role: Role,
}

/// One run of an entry, or the place where it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The seed of the run.
    pub seed: Seed,
    /// The fold that the run is tested on, or `None` outside of a cross-validation.
    pub fold: Option<u32>,
    /// The record of the run, or `None` if it has not run yet.
    pub record: Option<RunRecord>,
    /// The course of the training.
    pub curve: Curve,
    /// What the run used of its machine, period by period.
    pub machine: Vec<Sample>,
    /// The number of lines of the event log that could not be read.
    pub damaged_lines: usize,
    /// The scores of the run on every split that was scored.
    pub scores: Vec<Scores>,
    /// What the reduced precisions of the run's plan cost and gain, or `None` if it has none.
    pub precisions: Option<Precisions>,
}

/// The state of an entry, over all its runs.
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
    /// Returns the state of the entry.
    pub fn state(&self) -> State {
        let done = self.runs.iter().filter(|run| run.is_done()).count();
        match done {
            _ if self.runs.iter().all(|run| run.record.is_none()) => State::NotRunYet,
            _ if done == self.runs.len() => State::Done,
            _ => State::Incomplete,
        }
    }

    /// Returns the number of folds of a cross-validation, or `None` if the entry is none.
    pub fn folds(&self) -> Option<usize> {
        let folds: BTreeSet<u32> = self.runs.iter().filter_map(|run| run.fold).collect();
        (!folds.is_empty()).then_some(folds.len())
    }

    /// Returns the kind of the entry's items.
    pub fn task(&self) -> TaskKind {
        self.plan.data.columns.task.kind()
    }

    /// Returns how many of the declared seeds are done, with all their folds, and how many there are.
    pub fn seeds_done(&self) -> (usize, usize) {
        let seeds: BTreeSet<Seed> = self.runs.iter().map(|run| run.seed).collect();
        let is_done =
            |seed: &&Seed| self.runs.iter().filter(|run| run.seed == **seed).all(RunSummary::is_done);
        (seeds.iter().filter(is_done).count(), seeds.len())
    }

    /// Returns whether any weights of the entry are trained.
    pub fn is_trained(&self) -> bool {
        self.plan.train.is_some()
    }

    /// Returns the metric that the entry is judged by on a split, averaged over the seeds that were scored on it.
    pub fn score_on(&self, split: Split) -> Option<f64> {
        let scores = self.runs.iter().filter_map(|run| run.scores_on(split));
        mean(scores.filter_map(|scores| Some(scores.metrics.get(main_metric(scores.task))?.value)))
    }

    /// Returns the entry's score on the validation split, measured by scoring or else during training.
    pub fn validation_score(&self) -> Option<f64> {
        let kept = || mean(self.runs.iter().filter_map(RunSummary::kept_accuracy));
        self.score_on(Split::Validation).or_else(kept)
    }
}

impl RunSummary {
    /// Returns a run that has not begun.
    pub fn missing(seed: Seed, fold: Option<u32>) -> Self {
        Self {
            seed,
            fold,
            record: None,
            curve: Curve::default(),
            machine: Vec::new(),
            damaged_lines: 0,
            scores: Vec::new(),
            precisions: None,
        }
    }

    /// Returns what distinguishes the run from the others of its entry, as in `fold 2, seed 0`.
    pub fn label(&self) -> String {
        match self.fold {
            Some(fold) => format!("fold {fold}, seed {}", self.seed),
            None => format!("seed {}", self.seed),
        }
    }

    /// Returns whether the run was trained and exported.
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

    /// Returns whether training changed nothing, because no epoch was better than the weights that it started from.
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

    /// Returns the accuracy of the kept weights on the validation split.
    pub fn kept_accuracy(&self) -> Option<f64> {
        let kept = self.kept_epoch()?;
        Some(self.curve.interpolated.map_or(kept.accuracy, |point| point.accuracy))
    }

    /// Returns what the run used of its machine, all in all.
    pub fn usage(&self) -> Option<Usage> {
        let recorded = self.record.as_ref().and_then(|record| record.end.as_ref()?.usage.clone());
        recorded.or_else(|| Total::of(&self.machine))
    }

    /// Returns the scores on one split.
    pub fn scores_on(&self, split: Split) -> Option<&Scores> {
        self.scores.iter().find(|scores| scores.split == split)
    }
}

impl ReportData {
    /// Returns the board that the title is about. Boards of choices and classes come before boards of pairs, and otherwise the
    /// order of entries decides.
    pub fn main_board(&self) -> Option<&Board> {
        self.boards.iter().find(|board| board.task != TaskKind::Pairs).or(self.boards.first())
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

/// Returns the mean of the numbers, or `None` if there are none.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// Returns the name in `scores.json` of the metric that an entry is judged by.
pub(crate) fn main_metric(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Choice | TaskKind::Classes => "accuracy",
        TaskKind::Pairs => "image_to_text_recall@1",
    }
}
