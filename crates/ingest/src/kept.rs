//! Determines which splits units keep from the previous dataset.

use std::collections::HashMap;

use cliptune_experiment::Split;
use cliptune_store::{ImageIdentity, Item};

use crate::components::{Components, Link};
use crate::deal::Shares;

/// The ways in which an item of the previous dataset is found among the units.
pub(crate) enum Known<'a> {
    /// The item is found by its group, or by its image if the group has another name now.
    Groups {
        units: &'a Components<'a>,
        /// The first unit that contains each image, by the image's content.
        images: HashMap<ImageIdentity, usize>,
    },
    /// The item is found as the very same item.
    Rows(HashMap<&'a str, usize>),
}

impl<'a> Known<'a> {
    pub(crate) fn groups(units: &'a Components<'a>, links: &[Link<'a>]) -> Self {
        let mut images: HashMap<ImageIdentity, usize> = HashMap::new();
        for link in links {
            if let Some(unit) = units.of(link.group) {
                let first = images.entry(link.image.identity).or_insert(unit);
                *first = unit.min(*first);
            }
        }
        Self::Groups { units, images }
    }

    fn unit(&self, item: &Item) -> Option<usize> {
        match self {
            Self::Groups { units, images } => {
                units.of(&item.group).or_else(|| images.get(&item.image_hash).copied())
            }
            Self::Rows(items) => items.get(item.item_id.as_str()).copied(),
        }
    }

    /// Checks whether the two datasets have anything in common. Group names alone do not tell, because groups called
    /// 1, 2, 3 occur in many unrelated datasets.
    fn meets(&self, before: &[Item]) -> bool {
        match self {
            Self::Groups { images, .. } => before.iter().any(|item| images.contains_key(&item.image_hash)),
            Self::Rows(_) => true,
        }
    }
}

/// The number of items that each unit had in each split of the previous dataset.
pub(crate) struct Kept {
    votes: Vec<[usize; 3]>,
    /// The number of units that tie together items that were in several splits.
    pub(crate) merges: u64,
}

impl Kept {
    pub(crate) fn of(before: &[Item], units: usize, known: &Known<'_>) -> Self {
        let mut votes = vec![[0; 3]; units];
        let before = if known.meets(before) { before } else { &[] };
        for item in before {
            if let Some(unit) = known.unit(item) {
                votes[unit][place(item.split)] += 1;
            }
        }
        let is_torn = |votes: &&[usize; 3]| votes.iter().filter(|count| **count > 0).count() > 1;
        let merges = votes.iter().filter(is_torn).count() as u64;
        Self { votes, merges }
    }

    /// Returns the split that most items of each unit were in. In a tie the split that comes first is taken.
    pub(crate) fn splits(&self, shares: &Shares) -> Vec<Option<Split>> {
        let most = |votes: &[usize; 3]| {
            let filled = Split::ALL
                .into_iter()
                .zip(votes)
                .filter(|(split, count)| **count > 0 && shares.contains(*split));
            filled.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(split, _)| split)
        };
        self.votes.iter().map(most).collect()
    }
}

/// Returns the index of a split among all splits.
fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}
