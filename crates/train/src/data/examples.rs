//! The items of a split as indices into distinct images, texts and groups.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use cliptune_store::{ItemImage, ItemRef, Items};

use super::truth::{Truth, relate};

/// Rows of texts, which several examples may share.
pub(super) type TextRows = Arc<[usize]>;

/// One item as training sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The item's row in the image bank.
    pub image: usize,
    /// The rows of the item's candidate texts in the text bank. Items whose candidates are the classes of the dataset
    /// share them.
    pub texts: TextRows,
    /// The index of the right text in `texts`.
    pub label: usize,
    /// The number of the item's group; items of one group share it.
    pub group: usize,
    /// The texts that are true of the item's image.
    pub truth: Truth,
}

impl Example {
    /// Creates an example about whose image nothing else is known than that its right text is true.
    pub fn new(image: usize, texts: impl Into<TextRows>, label: usize, group: usize) -> Self {
        let texts = texts.into();
        let truth = Truth::of(texts[label]);
        Self { image, texts, label, group, truth }
    }

    /// Returns the text bank's row of the right text.
    pub fn right_text(&self) -> usize {
        self.texts[self.label]
    }

    /// Checks whether another example's right text is true of this one's image, so that it must not be called wrong.
    pub fn accepts(&self, other: &Self) -> bool {
        self.group == other.group || self.image == other.image || self.truth.includes(other.truth.text)
    }

    /// Checks whether two of the example's texts are the same to the model.
    pub fn has_equal_texts(&self) -> bool {
        let distinct: HashSet<usize> = self.texts.iter().copied().collect();
        distinct.len() < self.texts.len()
    }
}

/// The items of all splits, with one numbering of images, texts and groups. All items are part of the same
/// [`Items`], whose numbers are numbered again in the order in which the examples need them.
#[derive(Debug, Default)]
pub struct Examples {
    /// The numbers of the classes that are the candidates of every item, if there are any.
    classes: Option<TextRows>,
    images: Numbering<u32>,
    texts: Numbering<u32>,
    groups: Numbering<u32>,
}

impl Examples {
    /// Creates a numbering for items whose candidates are so many classes, or their own texts if there are none.
    pub fn among(classes: usize) -> Self {
        Self { classes: (classes > 0).then(|| (0..classes).collect()), ..Self::default() }
    }

    /// Numbers the images, texts and groups of the items of one split, continuing the numbers given so far.
    pub fn add<'a>(&mut self, items: impl Iterator<Item = ItemRef<'a>>) -> Vec<Example> {
        let mut examples: Vec<Example> = items.map(|item| self.example(item)).collect();
        relate(&mut examples);
        examples
    }

    fn example(&mut self, item: ItemRef<'_>) -> Example {
        let image = self.images.number(&item.image_number());
        if let Some(classes) = &self.classes {
            // A group says nothing about classes: a photographer takes pictures of cats and of dogs. An image does.
            return Example::new(image, Arc::clone(classes), item.label(), image);
        }
        let texts: Vec<usize> = item.text_numbers().iter().map(|text| self.texts.number(text)).collect();
        Example::new(image, texts, item.label(), self.groups.number(&item.group_number()))
    }

    /// Returns the files of the distinct images, in the order of their rows.
    pub fn images(&self, items: &Items) -> Arc<[ItemImage]> {
        self.images.order().iter().map(|&image| items.image(image)).collect()
    }

    /// Returns the distinct texts in the order of their rows.
    pub fn texts<'a>(&self, items: &'a Items) -> Vec<&'a str> {
        self.texts.order().iter().map(|&text| items.text(text)).collect()
    }

    /// Returns what the items know the distinct texts by, in the order of their rows.
    pub fn text_numbers(&self) -> &[u32] {
        self.texts.order()
    }

    /// Replaces the text numbers in the examples of one split by rows of a bank that was made of
    /// [`texts`](Self::texts), in which texts with the same tokens share a row.
    pub fn unify(examples: &mut [Example], rows: &[usize]) {
        let mut before: Option<(TextRows, TextRows)> = None;
        for example in examples.iter_mut() {
            let unified = match &before {
                // The classes of a dataset are one list for all its items.
                Some((given, unified)) if Arc::ptr_eq(given, &example.texts) => Arc::clone(unified),
                _ => example.texts.iter().map(|&text| rows[text]).collect(),
            };
            before = Some((std::mem::replace(&mut example.texts, Arc::clone(&unified)), unified));
        }
        relate(examples);
    }
}

/// Numbers distinct keys in the order in which they appear.
#[derive(Debug)]
pub(super) struct Numbering<K> {
    numbers: HashMap<K, usize>,
    order: Vec<K>,
}

impl<K> Default for Numbering<K> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), order: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash> Numbering<K> {
    /// Returns the number of a key, giving it a new one if it has none.
    pub(super) fn number(&mut self, key: &K) -> usize {
        if let Some(&number) = self.numbers.get(key) {
            return number;
        }
        let number = self.order.len();
        self.numbers.insert(key.clone(), number);
        self.order.push(key.clone());
        number
    }

    /// Returns the keys in the order of their numbers.
    pub(super) fn order(&self) -> &[K] {
        &self.order
    }
}
