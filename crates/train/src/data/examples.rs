//! The items of a split as indices into distinct images, texts and groups.

use std::collections::HashMap;
use std::hash::Hash;

use cliptune_store::Item;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Row in the image bank.
    pub image: usize,
    /// Rows in the text bank.
    pub texts: Vec<usize>,
    /// Index of the right one in `texts`.
    pub label: usize,
    /// Items of one group have the same number.
    pub group: usize,
}

impl Example {
    /// The text bank's row of the right text.
    pub fn right_text(&self) -> usize {
        self.texts[self.label]
    }
}

/// The items of all splits over one numbering of images, texts and groups.
#[derive(Debug, Default)]
pub struct Examples {
    images: Numbering<String>,
    texts: Numbering<String>,
    groups: Numbering<String>,
    /// The first item of each distinct image, by its row.
    image_items: Vec<Item>,
}

impl Examples {
    /// Numbers the images, texts and groups of these items, continuing the numbers that were given before.
    pub fn add(&mut self, items: &[Item]) -> Vec<Example> {
        items.iter().map(|item| self.example(item)).collect()
    }

    fn example(&mut self, item: &Item) -> Example {
        let image = self.images.number(&item.image_hash);
        if image == self.image_items.len() {
            self.image_items.push(item.clone());
        }
        Example {
            image,
            texts: item.texts.iter().map(|text| self.texts.number(text)).collect(),
            label: item.label,
            group: self.groups.number(&item.group),
        }
    }

    /// An item that shows each distinct image, in the order of their rows.
    pub fn image_items(&self) -> &[Item] {
        &self.image_items
    }

    /// The distinct texts in the order of their rows.
    pub fn texts(&self) -> &[String] {
        &self.texts.order
    }
}

/// Numbers distinct keys in the order they appear.
#[derive(Debug)]
struct Numbering<K> {
    numbers: HashMap<K, usize>,
    order: Vec<K>,
}

impl<K> Default for Numbering<K> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), order: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash> Numbering<K> {
    fn number(&mut self, key: &K) -> usize {
        if let Some(&number) = self.numbers.get(key) {
            return number;
        }
        let number = self.order.len();
        self.numbers.insert(key.clone(), number);
        self.order.push(key.clone());
        number
    }
}
