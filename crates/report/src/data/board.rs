//! Boards, which say what can be compared with what.

use std::collections::BTreeMap;

use cliptune_compare::Difference;
use cliptune_experiment::{Control, Seed, TaskKind};
use cliptune_store::{ClassScores, ControlScores, Estimate, TestLooks};

use super::confidence::Confidence;

/// A board: the entries that were scored on the same test split.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// The kind of the items.
    pub task: TaskKind,
    /// The hash of the dataset.
    pub dataset: String,
    /// The number of items in the test split.
    pub n_items: usize,
    /// The number of groups they come from.
    pub n_groups: usize,
    /// The score that guessing reaches.
    pub chance: f64,
    /// What guessing reaches in each metric, by its name in `scores.json`; of each depth and direction of recall.
    pub chances: BTreeMap<String, f64>,
    /// The score that the most frequent answer reaches, where labels or classes are so uneven that it is higher than
    /// guessing.
    pub majority: Option<f64>,
    /// The scores of the classes, for the entry that the title names and its first seed; only where items have classes.
    pub classes: Option<ClassScores>,
    /// The number of items of the test split that have two choices with the same tokens for the model.
    pub equal_choices: usize,
    /// The entry that the others are compared with, as an index into
    /// [`ReportData::entries`](super::ReportData::entries).
    pub baseline: Option<usize>,
    /// Why that entry is the baseline.
    pub baseline_rule: Option<BaselineRule>,
    /// The entry that the title names: the best one on the validation split, or else the first that is not the
    /// baseline. It is an index into [`ReportData::entries`](super::ReportData::entries).
    pub headline: Option<usize>,
    /// What the starting weights have seen of the test split, or `None` if they were trained on no dataset.
    pub lineage: Option<Lineage>,
    /// How often the test split had been looked at when the last of these scores was made.
    pub test_looks: TestLooks,
    /// The rows, one for each entry, in the order of [`ReportData::entries`](super::ReportData::entries).
    pub rows: Vec<BoardRow>,
}

/// Why an entry is the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaselineRule {
    /// Somebody asked for it.
    Asked,
    /// It is the entry without training that most others start from or share their start with.
    Untrained,
    /// All entries are trained, and it is the first.
    First,
}

/// What starting weights have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The number of datasets that the starting weights were trained on.
    pub datasets: usize,
    /// The number of those datasets that are not at hand.
    pub unknown: usize,
    /// The number of images of the test split that are in the train or validation split of the datasets at hand.
    pub seen_images: usize,
}

/// The result of one entry on a board's test split, over all its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardRow {
    /// The entry, as an index into [`ReportData::entries`](super::ReportData::entries).
    pub entry: usize,
    /// The score of each seed, in the order of seeds.
    pub per_seed: Vec<(Seed, f64)>,
    /// The score of each fold of a cross-validation, averaged over seeds; empty where there are no folds.
    pub per_fold: Vec<(u32, f64)>,
    /// The accuracy (choice) or recall@1 from image to text (pairs), over all seeds.
    pub score: Estimate,
    /// The other metrics in the order they are shown, over all seeds.
    pub others: Vec<(String, Measure)>,
    /// How sure the entry is of its answers, where the predictions tell it.
    pub confidence: Option<Confidence>,
    /// The number of items in which a right and a wrong answer score the same, for the seed that has most of them.
    pub tied: usize,
    /// What the first run reaches under each control that the experiment asks for.
    pub controls: Vec<ControlScores>,
    /// Where a run is above chance under a control, though it cannot know.
    pub above_chance: Vec<AboveChance>,
    /// The difference from the baseline, or `None` for the baseline itself and where nothing can be compared.
    pub difference: Option<Difference>,
}

/// A metric of a control in which a run is above chance.
#[derive(Clone, Debug, PartialEq)]
pub struct AboveChance {
    /// The control.
    pub control: Control,
    /// The name of the metric, as in `scores.json`.
    pub metric: String,
    /// What the run reaches.
    pub score: Estimate,
    /// What guessing reaches.
    pub chance: f64,
}

/// A metric over all seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The value, over all seeds.
    pub value: f64,
    /// The interval over groups and seeds, where the predictions tell it.
    pub interval: Option<(f64, f64)>,
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

    /// Returns the row of the entry that the title names.
    pub fn headline_row(&self) -> Option<&BoardRow> {
        self.row(self.headline?)
    }

    /// Returns the rows from the highest to the lowest score, with ties in the order of entries.
    pub fn sorted(&self) -> Vec<&BoardRow> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|a, b| b.score.value.total_cmp(&a.score.value));
        rows
    }
}
