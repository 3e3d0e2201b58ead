//! Items as `items.parquet` holds them: one image with its candidate texts.

use cliptune_experiment::Split;
use serde::{Deserialize, Serialize};

/// One item of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Content identity, 16 hexadecimal digits of group, image, texts and label: the same item has the same
    /// identity in every dataset made from the same sources.
    pub item_id: String,
    /// The identifier of the first row it was made of (`columns.id`).
    pub id: String,
    /// Identifiers of all rows it was made of; as many as its multiplicity.
    pub ids: Vec<String>,
    /// What must not cross a split.
    pub group: String,
    /// The split that it was assigned to.
    pub split: Split,
    /// The image's path below the images folder, with forward slashes.
    pub image: String,
    /// BLAKE3 of the image file, 64 hexadecimal digits.
    pub image_hash: String,
    /// Image width in pixels, from its header.
    pub width: u32,
    /// Image height in pixels, from its header.
    pub height: u32,
    /// The candidate texts: two or more for a choice item, exactly one for a pair.
    pub texts: Vec<String>,
    /// Index of the right text; 0 for a pair.
    pub label: usize,
    /// Texts that only a tokenizer trained from scratch looks at (`columns.vocabulary`).
    pub vocabulary: Vec<String>,
}

impl Item {
    /// How the item contradicts itself, if it does: every reader takes the label for the index of a text.
    pub(crate) fn flaw(&self) -> Option<String> {
        let texts = self.texts.len();
        (self.label >= texts)
            .then(|| format!("item {} has the label {} and {texts} texts", self.item_id, self.label))
    }
}
