//! Packs a dataset into WebDataset shards, for those who train elsewhere.
//!
//! The same dataset gives the same bytes. Each item is a sample, in the order of the items: its image as it is, its texts
//! and what it is in a `.json`, and its caption in a `.txt` or its class in a `.cls`.

mod note;
mod sample;
mod shards;

use std::path::Path;

use cliptune_durable::{DurableError, StagedFolder};
use cliptune_experiment::Split;
use cliptune_store::{Dataset, Part};
use cliptune_terminal::Printer;

use crate::error::IngestError;
use note::{Note, PackedSplit};
use sample::Samples;
use shards::Shards;

pub(crate) use shards::ShardSize;

/// The name of what says what was packed.
const NOTE: &str = "dataset.json";
const README: &str = "README.md";

/// Packs a dataset into a folder. A folder that holds the same already is left as it is, and any other one that is not
/// empty is refused.
///
/// # Errors
/// Fails when the dataset or an image cannot be read, or when the folder cannot be written. Nothing is left behind then.
pub(crate) fn pack(
    dataset: &Dataset,
    folder: &Path,
    size: ShardSize,
    printer: &Printer,
) -> Result<(), IngestError> {
    let hash = &dataset.record().hash;
    if let Some(note) = Note::read(folder)?
        && note.is_of(hash, size)
        && note.is_intact(folder)?
    {
        printer.status(&format!("{} is fresh", folder.display()));
        return Ok(());
    }
    let staged = StagedFolder::claiming(folder).map_err(|error| occupied(error, folder))?;
    let mut note = Note::new(dataset, size);
    let total = dataset.record().splits.values().map(|split| split.items).sum::<u64>();
    let progress = printer.progress("ingest: packing", total, "item");
    for split in Split::ALL {
        let items = dataset.columns(&[split], &Part::ALL)?;
        let mut shards = Shards::new(staged.path(), split, size);
        for (number, item) in items.all().iter().enumerate() {
            shards.append(&Samples { record: dataset.record(), split }.sample(number, item)?)?;
            progress.advance(1);
        }
        note.splits.extend(PackedSplit::of(split, shards.finish()?));
    }
    progress.finish();
    note.write(staged.path())?;
    fs_err::write(staged.path().join(README), note.readme())?;
    staged.claim().map_err(|error| occupied(error, folder))?;
    printer.status(&format!("packed {} into {}", note.counted(), folder.display()));
    Ok(())
}

fn occupied(error: DurableError, folder: &Path) -> IngestError {
    match error {
        DurableError::Occupied { .. } => IngestError::Occupied { path: folder.to_path_buf() },
        other => IngestError::Durable(other),
    }
}
