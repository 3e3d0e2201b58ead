//! The sample that an item becomes.

use std::path::Path;

use cliptune_experiment::{Split, TaskKind};
use cliptune_store::{DatasetRecord, ItemRef, is_image_name};
use serde_json::{Value, json};

use crate::error::IngestError;

/// A sample: the files that have its key.
pub(super) struct Sample {
    key: String,
    /// The ending and the content of each file.
    files: Vec<(String, Vec<u8>)>,
}

impl Sample {
    /// Returns the names of the files with their contents.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.files.iter().map(|(ending, bytes)| (format!("{}.{ending}", self.key), bytes.as_slice()))
    }

    /// Returns the number of bytes that the sample takes in an archive.
    pub(super) fn packed_bytes(&self) -> u64 {
        const BLOCK: u64 = 512;
        self.files.iter().map(|(_, bytes)| BLOCK + (bytes.len() as u64).next_multiple_of(BLOCK)).sum()
    }
}

/// The dataset whose items become samples.
pub(super) struct Samples<'a> {
    pub(super) record: &'a DatasetRecord,
    pub(super) split: Split,
}

impl Samples<'_> {
    /// Reads an item's image and returns its sample.
    pub(super) fn sample(&self, number: usize, item: ItemRef<'_>) -> Result<Sample, IngestError> {
        let image = item.image();
        let bytes = image.read()?;
        let mut files = vec![(ending(image.path(), &bytes), bytes)];
        files.extend(self.short(item));
        files.push(("json".to_owned(), serde_json::to_vec(&self.described(item))?));
        Ok(Sample { key: format!("{number:09}"), files })
    }

    /// Returns what readers of WebDataset expect beside an image: its caption or the number of its class.
    fn short(&self, item: ItemRef<'_>) -> Option<(String, Vec<u8>)> {
        match self.record.task {
            TaskKind::Pairs => Some(("txt".to_owned(), item.texts().next()?.as_bytes().to_vec())),
            TaskKind::Classes => Some(("cls".to_owned(), item.label().to_string().into_bytes())),
            TaskKind::Choice => None,
        }
    }

    fn described(&self, item: ItemRef<'_>) -> Value {
        let own = item.to_item();
        let mut described = json!({
            "item_id": own.item_id,
            "id": own.id,
            "ids": own.ids,
            "group": own.group,
            "split": self.split,
            "image_file": own.image,
            "image_hash": own.image_hash,
        });
        match self.record.task {
            TaskKind::Pairs => described["text"] = json!(own.texts.first()),
            TaskKind::Choice => {
                described["choices"] = json!(own.texts);
                described["label"] = json!(own.label);
            }
            TaskKind::Classes => {
                described["label"] = json!(own.label);
                described["class"] = json!(self.record.classes.get(own.label));
            }
        }
        described
    }
}

/// Returns the ending of an image's name. A row of a parquet file has none, and its content says what it is.
fn ending(path: &Path, bytes: &[u8]) -> String {
    let written = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let written = written.filter(|_| is_image_name(path));
    written.unwrap_or_else(|| cliptune_clip::image::ending(bytes).unwrap_or("jpg").to_owned())
}
