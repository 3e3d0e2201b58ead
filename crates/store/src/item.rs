//! The items in `items.parquet`: one image each, with its candidate texts.

use cliptune_experiment::Split;

use crate::image_identity::ImageIdentity;

/// One item of a dataset.
#[derive(Clone, Debug, PartialEq)]
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
    /// The number of the folder that the image's path is relative to: its index in the record's
    /// [`images_folders`](crate::Sources::images_folders).
    pub folder: u32,
    /// The image's path below that folder, with forward slashes.
    pub image: String,
    /// What the image is known by: its content, or the stamp of a file that was not read.
    pub image_hash: ImageIdentity,
    /// The image width in pixels; `None` when no image was opened to make the dataset.
    pub width: Option<u32>,
    /// The image height in pixels; `None` when no image was opened to make the dataset.
    pub height: Option<u32>,
    /// The candidate texts: two or more for a choice item, exactly one for a pair, none for an item whose candidates
    /// are the dataset's [`classes`](crate::DatasetRecord::classes).
    pub texts: Vec<String>,
    /// The index of the right text or class; 0 for a pair.
    pub label: usize,
    /// The texts that are used only to train a tokenizer from scratch (`columns.vocabulary`).
    pub vocabulary: Vec<String>,
}
