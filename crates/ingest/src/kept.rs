//! What units keep of the dataset before.

use std::collections::HashMap;

use cliptune_experiment::Split;
use cliptune_store::Item;

use crate::components::{Components, Link};
use crate::deal::Shares;

/// How an item of the dataset before is found among the units.
pub(crate) enum Known<'a> {
    /// By its group, or by its image where the group has another name now.
    Groups {
        units: &'a Components<'a>,
        /// The first unit with an image, by the image's content.
        images: HashMap<&'a str, usize>,
    },
    /// As the very same item.
    Rows(HashMap<&'a str, usize>),
}

impl<'a> Known<'a> {
    pub(crate) fn groups(units: &'a Components<'a>, links: &[Link<'a>]) -> Self {
        let mut images: HashMap<&str, usize> = HashMap::new();
        for link in links {
            if let Some(unit) = units.of(link.group) {
                let first = images.entry(&link.image.hash).or_insert(unit);
                *first = unit.min(*first);
            }
        }
        Self::Groups { units, images }
    }

    fn unit(&self, item: &Item) -> Option<usize> {
        match self {
            Self::Groups { units, images } => {
                units.of(&item.group).or_else(|| images.get(item.image_hash.as_str()).copied())
            }
            Self::Rows(items) => items.get(item.item_id.as_str()).copied(),
        }
    }

    /// Whether the two datasets have anything in common. Groups called 1, 2, 3 are in many that have not.
    fn meets(&self, before: &[Item]) -> bool {
        match self {
            Self::Groups { images, .. } => {
                before.iter().any(|item| images.contains_key(item.image_hash.as_str()))
            }
            Self::Rows(_) => true,
        }
    }
}

/// How many items each unit had in each split before.
pub(crate) struct Kept {
    votes: Vec<[usize; 3]>,
    /// Units that tie together what was in several splits.
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

    /// The split in which most of each unit was; of two with as many, the one that comes first.
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

/// The place of a split among all.
fn place(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}
