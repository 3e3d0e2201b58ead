//! The items in `items.parquet`: one image each, with its candidate texts.

use cliptune_experiment::Split;
use serde::{Deserialize, Serialize};

/// One item of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The identity of the item's content: 16 hexadecimal digits of group, image, texts and label. The same item has
    /// the same identity in every dataset made from the same sources.
    pub item_id: String,
    /// The identifier of the first row that the item was made from (`columns.id`).
    pub id: String,
    /// The identifiers of all rows that the item was made from, as many as its multiplicity.
    pub ids: Vec<String>,
    /// The group, which must not cross a split.
    pub group: String,
    /// The split that the item was assigned to.
    pub split: Split,
    /// The image's path below the images folder, with forward slashes.
    pub image: String,
    /// The BLAKE3 of the image file, in 64 hexadecimal digits.
    pub image_hash: String,
    /// The image width in pixels, from the file's header.
    pub width: u32,
    /// The image height in pixels, from the file's header.
    pub height: u32,
    /// The candidate texts: two or more for a choice item, exactly one for a pair.
    pub texts: Vec<String>,
    /// The index of the right text; 0 for a pair.
    pub label: usize,
    /// The texts that are used only to train a tokenizer from scratch (`columns.vocabulary`).
    pub vocabulary: Vec<String>,
}

impl Item {
    /// Describes how the item contradicts itself, if it does. Every reader relies on the label being the index of a
    /// text.
    pub(crate) fn flaw(&self) -> Option<String> {
        let texts = self.texts.len();
        (self.label >= texts)
            .then(|| format!("item {} has the label {} and {texts} texts", self.item_id, self.label))
    }
}
