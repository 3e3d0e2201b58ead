//! What a report shows: plain data, read once and never changed. Charts, page, Markdown and JSON are functions of it.

use cliptune_experiment::{Plan, Seed, Split, TaskKind};
use cliptune_store::{DatasetRecord, Estimate, Outcome, Precisions, RunRecord, Scores};

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportData {
    /// The report's name; it names the folder.
    pub name: String,
    /// What was asked for on the command line, as it was typed.
    pub arguments: Vec<String>,
    /// BLAKE3 over everything the report was made from.
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
    /// Hash of its dataset, when that exists.
    pub dataset: Option<String>,
    /// One for each seed, in order.
    pub runs: Vec<RunSummary>,
}

/// One run of an entry, or the place where it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Its seed.
    pub seed: Seed,
    /// Its record; `None` when it has not run yet.
    pub record: Option<RunRecord>,
    /// What happened during training.
    pub curve: Curve,
    /// Lines of the event log that could not be read.
    pub damaged_lines: usize,
    /// What it reached, for every split that was scored.
    pub scores: Vec<Scores>,
    /// What the reduced precisions of its plan cost and gain; `None` without any.
    pub precisions: Option<Precisions>,
}

/// Training as it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What was known when training began.
    pub start: Option<Start>,
    /// Training loss of each step, in order.
    pub steps: Vec<StepPoint>,
    /// Evaluations on the validation split, in order; epoch 0 is before training.
    pub epochs: Vec<EpochPoint>,
    /// What the point between the starting and the tuned weights reached that was kept, if any were tried.
    pub interpolated: Option<Interpolated>,
    /// Median throughput of the steps in items a second.
    pub items_per_second: Option<f64>,
}

/// What was known when training began.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Passes over the train split.
    pub epochs: usize,
    /// Optimiser steps in all.
    pub steps: usize,
    /// Items in the train split.
    pub train_items: usize,
    /// Weights in all.
    pub parameters: usize,
    /// Weights that move.
    pub trainable: usize,
}

/// The loss of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    /// From 1, over the whole run.
    pub step: usize,
    /// Mean loss of the batch; not finite when training went wrong.
    pub loss: f64,
}

/// One evaluation on the validation split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPoint {
    /// From 0.
    pub epoch: usize,
    /// Mean loss.
    pub loss: f64,
    /// Choice: share of right answers. Pairs: recall@1 from image to text.
    pub accuracy: f64,
}

/// The evaluation of a point between the starting weights (0) and the tuned ones (1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolated {
    /// Where it lies.
    pub alpha: f64,
    /// As that of an epoch.
    pub accuracy: f64,
}

/// Entries that were scored on the same test split.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// The kind of items.
    pub task: TaskKind,
    /// Hash of the dataset.
    pub dataset: String,
    /// Items in the test split.
    pub n_items: usize,
    /// Groups they come from.
    pub n_groups: usize,
    /// What guessing reaches.
    pub chance: f64,
    /// The entry that the others are compared with; an index into [`ReportData::entries`].
    pub baseline: Option<usize>,
    /// The entry that the title speaks of: the best on the validation split. An index into
    /// [`ReportData::entries`].
    pub headline: Option<usize>,
    /// What the starting weights have seen of the test split; `None` when they were trained on no dataset.
    pub lineage: Option<Lineage>,
    /// One for each entry, in the order of [`ReportData::entries`].
    pub rows: Vec<BoardRow>,
}

/// What starting weights have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// Datasets they were trained on.
    pub datasets: usize,
    /// Those of them that are not at hand.
    pub unknown: usize,
    /// Images of the test split that are in the train or validation split of the others.
    pub seen_images: usize,
}

/// What one entry reached on a board's test split, over all its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardRow {
    /// An index into [`ReportData::entries`].
    pub entry: usize,
    /// Each seed's score, in the order of seeds.
    pub per_seed: Vec<(Seed, f64)>,
    /// Accuracy (choice) or recall@1 from image to text (pairs), over all seeds.
    pub score: Estimate,
    /// The other metrics in the order they are shown, averaged over seeds.
    pub others: Vec<(String, Measure)>,
    /// How it differs from the baseline; `None` for the baseline itself and where nothing can be compared.
    pub difference: Option<Difference>,
}

/// A metric averaged over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The mean over seeds.
    pub value: f64,
    /// The interval, where there is a single seed; scoring computed it.
    pub interval: Option<(f64, f64)>,
}

/// The paired difference of an entry and the baseline on the same items.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Entry minus baseline.
    pub delta: Estimate,
    /// McNemar's mid-p; only where both sides have a single seed.
    pub mid_p: Option<f64>,
    /// What the interval says.
    pub verdict: Verdict,
}

/// What a difference's interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is above zero.
    Improved,
    /// The interval contains zero.
    NoChange,
    /// The whole interval is below zero.
    Worse,
}

impl Verdict {
    /// Reads the verdict off the interval of a difference.
    pub fn of(delta: &Estimate) -> Self {
        match (delta.low > 0.0, delta.high < 0.0) {
            (true, _) => Self::Improved,
            (_, true) => Self::Worse,
            _ => Self::NoChange,
        }
    }

    /// The wording of tables and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::NoChange => "no change detected",
            Self::Worse => "worse",
        }
    }
}

/// A few items with every entry's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Gallery {
    /// The board it belongs to; an index into [`ReportData::boards`].
    pub board: usize,
    /// The items, stratum after stratum.
    pub items: Vec<GalleryItem>,
    /// How many items of the test split each stratum has, and how many are shown.
    pub strata: Vec<(Stratum, StratumCount)>,
}

/// The size of a stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StratumCount {
    /// Items of the test split.
    pub items: usize,
    /// Items in the gallery.
    pub shown: usize,
}

/// Which of baseline and headline entry were right; a majority of seeds decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// The headline entry is right, the baseline wrong.
    Gained,
    /// The headline entry is wrong, the baseline right.
    Lost,
    /// Both are right.
    BothRight,
    /// Both are wrong.
    BothWrong,
}

impl Stratum {
    /// All strata in the order of the gallery.
    pub const ALL: [Self; 4] = [Self::Gained, Self::Lost, Self::BothRight, Self::BothWrong];
}

/// One item of the gallery.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryItem {
    /// The item's identity.
    pub item_id: String,
    /// Its own identifier.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Where it belongs.
    pub stratum: Stratum,
    /// A small JPEG, or why there is none.
    pub image: Result<Thumbnail, String>,
    /// The candidate texts.
    pub texts: Vec<String>,
    /// The right one.
    pub label: usize,
    /// What each row of the board answered, in the order of its rows.
    pub answers: Vec<Answer>,
}

/// A small JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// The file's bytes.
    pub jpeg: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// What an entry answered to one item.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How many seeds took each text.
    pub votes: Vec<usize>,
    /// The probability of each text, averaged over seeds.
    pub probs: Vec<f64>,
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
    /// How the entry stands.
    pub fn state(&self) -> State {
        let done = self.runs.iter().filter(|run| run.is_done()).count();
        match done {
            _ if self.runs.iter().all(|run| run.record.is_none()) => State::NotRunYet,
            _ if done == self.runs.len() => State::Done,
            _ => State::Incomplete,
        }
    }

    /// Whether weights are fitted.
    pub fn is_trained(&self) -> bool {
        self.plan.train.is_some()
    }

    /// What it is judged by on a split, averaged over the seeds that were scored on it.
    pub fn score_on(&self, split: Split) -> Option<f64> {
        let scores = self.runs.iter().filter_map(|run| run.scores_on(split));
        mean(scores.filter_map(|scores| Some(scores.metrics.get(main_metric(scores.task))?.value)))
    }

    /// The metric that choices are made by on the validation split, averaged over the seeds that have it.
    pub fn validation_score(&self) -> Option<f64> {
        mean(self.runs.iter().filter_map(RunSummary::kept_accuracy))
    }
}

impl RunSummary {
    /// A run that has not begun.
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

    /// Whether it was trained and exported.
    pub fn is_done(&self) -> bool {
        self.best_epoch().is_some()
    }

    /// The epoch whose weights were kept.
    pub fn best_epoch(&self) -> Option<usize> {
        match self.record.as_ref()?.end.as_ref()?.outcome {
            Outcome::Done { best_epoch } => Some(best_epoch),
            _ => None,
        }
    }

    /// The evaluation of the epoch that was kept.
    pub fn kept_epoch(&self) -> Option<&EpochPoint> {
        let best = self.best_epoch()?;
        self.curve.epochs.iter().find(|point| point.epoch == best)
    }

    /// What the weights that were kept reach on the validation split.
    pub fn kept_accuracy(&self) -> Option<f64> {
        let kept = self.kept_epoch()?;
        Some(self.curve.interpolated.map_or(kept.accuracy, |point| point.accuracy))
    }

    /// The scores on one split.
    pub fn scores_on(&self, split: Split) -> Option<&Scores> {
        self.scores.iter().find(|scores| scores.split == split)
    }
}

impl Board {
    /// The row of an entry.
    pub fn row(&self, entry: usize) -> Option<&BoardRow> {
        self.rows.iter().find(|row| row.entry == entry)
    }

    /// The row that the others are compared with.
    pub fn baseline_row(&self) -> Option<&BoardRow> {
        self.row(self.baseline?)
    }

    /// The row that the title speaks of.
    pub fn headline_row(&self) -> Option<&BoardRow> {
        self.row(self.headline?)
    }

    /// Rows from the highest to the lowest score; the order of entries decides ties.
    pub fn sorted(&self) -> Vec<&BoardRow> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.score.value.total_cmp(&a.score.value));
        rows
    }
}

impl ReportData {
    /// The board that the title speaks of: choices before pairs, then the order of entries.
    pub fn main_board(&self) -> Option<&Board> {
        self.boards.iter().find(|board| board.task == TaskKind::Choice).or(self.boards.first())
    }

    /// Whether an entry is some board's baseline.
    pub fn is_baseline(&self, entry: usize) -> bool {
        self.boards.iter().any(|board| board.baseline == Some(entry) && board.rows.len() > 1)
    }

    /// The row of an entry, whichever board it is on.
    pub fn row(&self, entry: usize) -> Option<&BoardRow> {
        self.boards.iter().find_map(|board| board.row(entry))
    }
}

/// The mean of the numbers, if there are any.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.into_iter().fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// The name in `scores.json` of the metric that an entry is judged by.
pub(crate) fn main_metric(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Choice => "accuracy",
        TaskKind::Pairs => "image_to_text_recall@1",
    }
}
