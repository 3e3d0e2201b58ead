//! What can be compared with what.

use cliptune_experiment::{Seed, TaskKind};
use cliptune_store::Estimate;

/// Entries that were scored on the same test split.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// The kind of items.
    pub task: TaskKind,
    /// The hash of the dataset.
    pub dataset: String,
    /// The number of items in the test split.
    pub n_items: usize,
    /// The number of groups they come from.
    pub n_groups: usize,
    /// What guessing reaches.
    pub chance: f64,
    /// What the most frequent answer reaches, where labels or classes are so uneven that it is more than guessing.
    pub majority: Option<f64>,
    /// How many items of the test split have two choices that are the same tokens to the model.
    pub equal_choices: usize,
    /// The entry that the others are compared with; an index into [`ReportData::entries`](super::ReportData::entries).
    pub baseline: Option<usize>,
    /// The entry that the title speaks of: the best on the validation split, else the first that is not the baseline.
    /// An index into [`ReportData::entries`](super::ReportData::entries).
    pub headline: Option<usize>,
    /// What the starting weights have seen of the test split; `None` when they were trained on no dataset.
    pub lineage: Option<Lineage>,
    /// One for each entry, in the order of [`ReportData::entries`](super::ReportData::entries).
    pub rows: Vec<BoardRow>,
}

/// What starting weights have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// How many datasets they were trained on.
    pub datasets: usize,
    /// How many of those datasets are not at hand.
    pub unknown: usize,
    /// How many images of the test split are in the train or validation split of the others.
    pub seen_images: usize,
}

/// What one entry reached on a board's test split, over all its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardRow {
    /// An index into [`ReportData::entries`](super::ReportData::entries).
    pub entry: usize,
    /// The score of each seed, in the order of seeds.
    pub per_seed: Vec<(Seed, f64)>,
    /// The accuracy (choice) or recall@1 from image to text (pairs), over all seeds.
    pub score: Estimate,
    /// The other metrics in the order they are shown, averaged over seeds.
    pub others: Vec<(String, Measure)>,
    /// How many items have a right and a wrong answer that score the same; of the seed that has most of them.
    pub tied: usize,
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
    /// The score of the entry minus that of the baseline.
    pub delta: Estimate,
    /// McNemar's mid-p; only where both sides have a single seed and every item is a group of its own, because the test
    /// takes items for independent.
    pub mid_p: Option<f64>,
    /// The p-value of this difference alone: McNemar's where there is one, else that of the interval's resamples.
    pub p_value: f64,
    /// The p-value after Holm's correction for all differences of the report.
    pub holm_p: f64,
    /// What interval and p-value say.
    pub verdict: Verdict,
}

/// What a difference's interval and p-value say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is above zero, and being one of several differences does not explain it.
    Improved,
    /// The interval contains zero, or among so many differences one as large is to be expected.
    NoChange,
    /// The whole interval is below zero, and being one of several differences does not explain it.
    Worse,
}

/// The largest p-value that counts as a finding.
const LEVEL: f64 = 0.05;

impl Verdict {
    /// Reads the verdict off the interval of a difference and its p-value among all differences of a report. That of a
    /// single difference is its interval's.
    pub fn of(delta: &Estimate, holm_p: f64, differences: usize) -> Self {
        match (delta.low > 0.0, delta.high < 0.0) {
            _ if differences > 1 && holm_p >= LEVEL => Self::NoChange,
            (true, _) => Self::Improved,
            (_, true) => Self::Worse,
            _ => Self::NoChange,
        }
    }

    /// Returns the wording of tables and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::NoChange => "no change detected",
            Self::Worse => "worse",
        }
    }
}

impl Board {
    /// Returns the row of an entry.
    pub fn row(&self, entry: usize) -> Option<&BoardRow> {
        self.rows.iter().find(|row| row.entry == entry)
    }

    /// Returns the row that the others are compared with.
    pub fn baseline_row(&self) -> Option<&BoardRow> {
        self.row(self.baseline?)
    }

    /// Returns the row that the title speaks of.
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
