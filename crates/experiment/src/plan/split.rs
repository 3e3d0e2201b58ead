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
    /// The seed of the assignment.
    pub seed: Seed,
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
    },
    /// Each group is assigned on its own, and texts may cross.
    Group,
    /// Each item is assigned on its own. Images and texts may cross, which leaks, and the report says so.
    Row,
    /// A column or an SQL expression gives `train`, `validation` or `test`.
    Column(String),
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
