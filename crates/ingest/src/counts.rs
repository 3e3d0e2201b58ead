//! Counts what became of the images, rows and items.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cliptune_experiment::Split;
use cliptune_store::{Item, ItemCounts, JoinCounts, Leaks, Reject, SplitCounts};

use crate::components::Components;
use crate::join::Joined;

/// Counts both sides of the join.
pub(crate) fn join_counts(images: usize, joined: &Joined, filtered: u64) -> JoinCounts {
    let mut rows_of_image: HashMap<usize, u64> = HashMap::new();
    for image in joined.rows.iter().filter_map(|row| row.image) {
        *rows_of_image.entry(image).or_default() += 1;
    }
    let mut per_image: Vec<u64> = rows_of_image.into_values().collect();
    per_image.sort_unstable();
    JoinCounts {
        images: images as u64,
        rows: joined.rows.len() as u64,
        images_matched: per_image.len() as u64,
        rows_matched: per_image.iter().sum(),
        rows_filtered: filtered,
        rows_per_image: (
            per_image.first().copied().unwrap_or(0),
            median(&per_image),
            per_image.last().copied().unwrap_or(0),
        ),
    }
}

fn median(sorted: &[u64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle] as f64,
        _ => (sorted[middle - 1] + sorted[middle]) as f64 / 2.0,
    }
}

/// Counts the rejects by their reasons.
pub(crate) fn reject_counts(rejects: &[Reject]) -> BTreeMap<String, u64> {
    tally(rejects.iter().map(|reject| reject.reason.to_string()))
}

fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Counts what became of the joined rows.
pub(crate) fn item_counts(items: &[Item], components: &Components<'_>) -> ItemCounts {
    ItemCounts {
        items: items.len() as u64,
        groups: distinct(items.iter().map(|item| item.group.as_str())),
        components: distinct(items.iter().map(|item| components.of(&item.group))),
        multiplicities: tally(items.iter().map(|item| item.ids.len() as u64)),
        texts_per_item: tally(items.iter().map(|item| item.texts.len() as u64)),
    }
}

/// Counts what is in each split.
pub(crate) fn split_counts(items: &[Item], components: &Components<'_>) -> BTreeMap<String, SplitCounts> {
    let count = |split: Split| {
        let of_split = || items.iter().filter(move |item| item.split == split);
        SplitCounts {
            items: of_split().count() as u64,
            groups: distinct(of_split().map(|item| item.group.as_str())),
            images: distinct(of_split().map(|item| item.image_hash)),
            components: distinct(of_split().map(|item| components.of(&item.group))),
        }
    };
    Split::ALL.map(|split| (split.to_string(), count(split))).into()
}

fn distinct<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> u64 {
    keys.collect::<HashSet<_>>().len() as u64
}

/// Counts what is in more than one split.
pub(crate) fn leaks(items: &[Item]) -> Leaks {
    let (mut groups, mut images, mut texts) =
        (Places(HashMap::new()), Places(HashMap::new()), Places(HashMap::new()));
    for item in items {
        groups.add(item.group.as_str(), item.split);
        images.add(item.image_hash, item.split);
        for text in &item.texts {
            texts.add(text.as_str(), item.split);
        }
    }
    Leaks { groups: groups.crossing(), images: images.crossing(), texts: texts.crossing() }
}

/// The splits that each key appears in.
struct Places<K>(HashMap<K, BTreeSet<Split>>);

impl<K: std::hash::Hash + Eq> Places<K> {
    fn add(&mut self, key: K, split: Split) {
        self.0.entry(key).or_default().insert(split);
    }

    fn crossing(&self) -> u64 {
        self.0.values().filter(|splits| splits.len() > 1).count() as u64
    }
}
