//! Which images and texts of pairs belong together, and what guessing reaches for that.

use std::collections::{BTreeMap, BTreeSet};

use cliptune_statistics::TiedRank;
use cliptune_store::ItemSlice;

use crate::distinct::Distinct;
use crate::pairs::{DEPTHS, IMAGE_TO_TEXT, TEXT_TO_IMAGE, recall};

/// The relation between distinct images and texts that belong together because they have a group in common.
#[derive(Clone, Debug)]
pub(crate) struct Hits<'a> {
    /// The distinct images, with one entry per item.
    pub(crate) image_rows: &'a Distinct,
    /// The distinct texts, with one entry per item.
    pub(crate) text_rows: &'a Distinct,
    images: Memberships,
    texts: Memberships,
}

/// The relation between rows and groups; all lists are sorted and without repetition.
#[derive(Clone, Debug)]
struct Memberships {
    groups_of_row: Vec<Vec<usize>>,
    rows_of_group: Vec<Vec<usize>>,
}

impl Memberships {
    fn new(rows: &Distinct, groups: &Distinct) -> Self {
        let mut memberships = Self {
            groups_of_row: vec![Vec::new(); rows.count()],
            rows_of_group: vec![Vec::new(); groups.count()],
        };
        let pairs: BTreeSet<_> = rows.row_of.iter().zip(&groups.row_of).collect();
        for (&row, &group) in pairs {
            memberships.groups_of_row[row].push(group);
            memberships.rows_of_group[group].push(row);
        }
        memberships
    }

    /// Returns all rows that belong to at least one of the groups.
    fn rows_of(&self, groups: &[usize]) -> Vec<usize> {
        let mut rows: Vec<usize> =
            groups.iter().flat_map(|&group| &self.rows_of_group[group]).copied().collect();
        if groups.len() > 1 {
            rows.sort_unstable();
            rows.dedup();
        }
        rows
    }
}

impl<'a> Hits<'a> {
    /// Returns which images and texts belong together, for items that have one text each. Both lists have one entry per
    /// item.
    pub(crate) fn new(items: ItemSlice<'_>, image_rows: &'a Distinct, text_rows: &'a Distinct) -> Self {
        let groups = Distinct::new(items.iter().map(cliptune_store::ItemRef::group_number));
        let (images, texts) = (Memberships::new(image_rows, &groups), Memberships::new(text_rows, &groups));
        Self { image_rows, text_rows, images, texts }
    }

    /// Returns the texts that belong to an image.
    pub(crate) fn texts_of(&self, image: usize) -> Vec<usize> {
        self.texts.rows_of(&self.images.groups_of_row[image])
    }

    /// Returns the images that belong to a text.
    pub(crate) fn images_of(&self, text: usize) -> Vec<usize> {
        self.images.rows_of(&self.texts.groups_of_row[text])
    }

    /// Returns the recall at each depth, both ways, that a random order reaches.
    pub(crate) fn chances(&self) -> BTreeMap<String, f64> {
        let (images, texts) = (&self.image_rows.row_of, &self.text_rows.row_of);
        let own_texts = owned(images, |image| self.texts_of(image).len());
        let own_images = owned(texts, |text| self.images_of(text).len());
        let ways = [
            (IMAGE_TO_TEXT, own_texts, self.text_rows.count()),
            (TEXT_TO_IMAGE, own_images, self.image_rows.count()),
        ];
        let of = |(way, owned, candidates): &(&str, BTreeMap<usize, usize>, usize), depth: usize| {
            let chance = |(own, items): (&usize, &usize)| {
                *items as f64 * TiedRank::of_guessing(*own, *candidates).within(depth)
            };
            (recall(way, depth), owned.iter().map(chance).sum::<f64>() / images.len() as f64)
        };
        ways.iter().flat_map(|way| DEPTHS.map(|depth| of(way, depth))).collect()
    }

    /// Returns the image_to_text_recall@1 of an order that always puts the same text first, namely the one that most images have.
    pub(crate) fn majority(&self) -> f64 {
        let mut owners = vec![0_usize; self.text_rows.count()];
        for &image in &self.image_rows.row_of {
            self.texts_of(image).into_iter().for_each(|text| owners[text] += 1);
        }
        owners.into_iter().max().unwrap_or_default() as f64 / self.image_rows.row_of.len() as f64
    }
}

/// Counts the queries by the number of candidates that belong to them.
fn owned(rows: &[usize], own: impl Fn(usize) -> usize) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    rows.iter().for_each(|&row| *counts.entry(own(row)).or_default() += 1);
    counts
}
