//! `data.split`: which items go to which split.

use serde::{Deserialize, Serialize};

use crate::language::{Vocabulary, words};
use crate::values::{Fraction, Seed};

/// `data.split`: which items go to which split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitPlan {
    /// The unit that is assigned to a split as a whole.
    pub by: SplitBy,
    /// The share of the joined rows that each split gets, or of the items where rows are assigned. [`SplitBy::Column`]
    /// does not use it.
    pub shares: SplitShares,
    /// The folds that stand for the splits. The shares follow from them.
    pub folds: Option<Folds>,
    /// The column, or SQL expression over the row, each of whose values the splits share alike.
    pub stratify: Option<String>,
    /// The seed of the assignment.
    pub seed: Seed,
}

/// The folds of a cross-validation.
///
/// One fold is the test split, the next one, after the last comes the first, is the validation split, and the others
/// are the train split. Each fold is therefore the test split of one run and the validation split of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// What decides which fold a row is in.
    pub of: FoldSource,
    /// The number of the fold that is the test split, counted from 0.
    pub test: u32,
}

/// What decides which fold a row is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FoldSource {
    /// The units are dealt to this many folds, at least three, which are as large as one another.
    Dealt(u32),
    /// A column or an SQL expression over the row names the fold. The folds are numbered in the order of their names, or
    /// in that of the numbers where all names are whole numbers.
    Column(String),
}

impl Folds {
    /// The smallest number of folds, which leaves one for each split.
    pub const FEWEST: u32 = 3;

    /// Returns the number of folds where the experiment says it: a column tells it only when its table is read.
    pub fn dealt(&self) -> Option<u32> {
        match self.of {
            FoldSource::Dealt(folds) => Some(folds),
            FoldSource::Column(_) => None,
        }
    }

    /// Returns the split that a fold belongs to when there are `count` folds.
    pub fn split(&self, fold: u32, count: u32) -> Split {
        match fold {
            fold if fold == self.test => Split::Test,
            fold if fold == (self.test + 1) % count.max(1) => Split::Validation,
            _ => Split::Train,
        }
    }
}

impl FoldSource {
    /// Returns the shares of the three splits. Where a column names the folds, they are those of five folds, because
    /// only the table tells how many there are.
    pub fn shares(&self) -> SplitShares {
        const USUAL: u32 = 5;
        let count = match self {
            Self::Dealt(count) => *count,
            Self::Column(_) => USUAL,
        };
        let fold = 1.0 / f64::from(count.max(Folds::FEWEST));
        let share = |value: f64| Fraction::try_from(value).unwrap_or(Fraction::ZERO);
        SplitShares { train: share(1.0 - 2.0 * fold), validation: share(fold), test: share(fold) }
    }
}

/// The shares of the three splits, which sum to one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitShares {
    /// The share of `train`.
    pub train: Fraction,
    /// The share of `validation`.
    pub validation: Fraction,
    /// The share of `test`.
    pub test: Fraction,
}

/// The unit that is assigned to a split as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Each connected component of groups and the texts (or other columns) they share is assigned as a whole.
    Component {
        /// The columns that connect rows beside the group. When empty, the item's own texts connect them. Two datasets
        /// of the same images get the same split when they name the same columns.
        across: Vec<String>,
        /// What becomes of images that look alike. Records of earlier versions do not say.
        #[serde(default = "reported")]
        near_duplicates: NearDuplicates,
    },
    /// Each group is assigned on its own, and texts may cross.
    Group,
    /// Each item is assigned on its own. Images and texts may cross, which leaks, and the report says so.
    Row,
    /// A column or an SQL expression gives `train`, `validation` or `test`.
    Column(String),
}

fn reported() -> NearDuplicates {
    NearDuplicates::Report
}

impl SplitBy {
    /// Checks whether images that look alike are never in different splits.
    pub fn holds_near_duplicates(&self) -> bool {
        matches!(self, Self::Component { near_duplicates: NearDuplicates::Together, .. })
    }
}

words! {
    /// What becomes of images that look alike.
    pub enum NearDuplicates {
        /// They go wherever their groups go, and the dataset tells how many pairs of them cross splits.
        Report = "report",
        /// They connect their groups, so that they never cross splits. Only with `by: component` and `verify: whole`.
        Together = "together",
    }
}

words! {
    /// A part of a dataset.
    pub enum Split {
        /// Weights are fitted to it.
        Train = "train",
        /// Choices, such as that of an epoch, are made on it.
        Validation = "validation",
        /// Results are reported on it.
        Test = "test",
    }
}

impl Split {
    /// All splits, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Returns the name used in files and folders.
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
