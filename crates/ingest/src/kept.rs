//! Determines which splits units keep from the previous dataset.

use cliptune_experiment::Split;

use crate::deal::Shares;

/// The number of items that each unit had in each split of the previous dataset.
pub(crate) type Votes = Vec<[usize; 3]>;

/// What is known of each unit from the previous dataset.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) votes: Votes,
    /// The fold of a cross-validation that the unit was in.
    pub(crate) folds: Vec<Option<usize>>,
}

impl Before {
    /// Returns what is known where there is no previous dataset.
    pub(crate) fn nothing(units: usize) -> Self {
        Self { votes: vec![[0; 3]; units], folds: vec![None; units] }
    }
}

/// Returns the number of units that tie together items that were in several splits.
pub(crate) fn merges(votes: &Votes) -> u64 {
    let is_torn = |votes: &&[usize; 3]| votes.iter().filter(|count| **count > 0).count() > 1;
    votes.iter().filter(is_torn).count() as u64
}

/// Returns the split that most items of each unit were in. In a tie the split that comes first is taken.
pub(crate) fn splits(votes: &Votes, shares: &Shares) -> Vec<Option<Split>> {
    let most = |votes: &[usize; 3]| {
        let filled =
            Split::ALL.into_iter().zip(votes).filter(|(split, count)| **count > 0 && shares.contains(*split));
        filled.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(split, _)| split)
    };
    votes.iter().map(most).collect()
}

/// Returns the index of a split among all splits.
pub(crate) fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}
